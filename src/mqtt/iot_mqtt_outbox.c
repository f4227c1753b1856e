/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_outbox.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_codec.h"
#include "mqtt/iot_mqtt_room.h"
#include "mqtt/iot_mqtt_topic.h"

#include <string.h>

/* ---- Acceptance -------------------------------------------------------------------------- */

iot_err iot_mqtt_outbox_check(const struct iot_msg *msg)
{
    uint32_t policy = msg->flags & IOT_MSG_POLICY;
    if (msg->qos > 2 || (msg->payload.ptr == NULL && msg->payload.len != 0))
        return IOT_ERR_ARG;
    if ((policy & (policy - 1)) != 0) /* one policy, or none */
        return IOT_ERR_ARG;
    if (msg->topic.prepared)
        return IOT_OK;
    struct iot_bytes name = {(const uint8_t *)msg->topic.text, msg->topic.len};
    return iot_topic_check_name(name);
}

static uint8_t first_nibble(const struct iot_msg *msg)
{
    uint32_t retain = (msg->flags & IOT_MSG_RETAIN) ? IOT_MQTT_RETAIN : 0;
    return (uint8_t)(retain | (uint32_t)msg->qos << IOT_MQTT_QOS_SHIFT);
}

static struct iot_mqtt_out *append(struct iot_mqtt_outbox *box, uint32_t at, uint32_t len,
                                   uint8_t flags)
{
    struct iot_mqtt_out *m = &box->out[box->count++];
    m->at = (iot_mqtt_ring)at;
    m->len = (iot_mqtt_ring)len;
    m->ref = NULL;
    m->ref_len = 0;
    m->id = 0;
    m->state = IOT_OUT_QUEUED;
    m->qos = m->again = m->tried = m->streamed = 0;
    m->result = IOT_OK;
    m->gives_way =
        (iot_mqtt_room_policy(box, flags) & (IOT_MSG_DROP_OLDEST | IOT_MSG_REPLACE)) != 0;
    box->queued++;
    box->tail = at + len;
    if (box->count > box->count_high)
        box->count_high = box->count;
    box->used += len;
    if (box->used > box->tx_high)
        box->tx_high = box->used;
    return m;
}

iot_err iot_mqtt_outbox_put(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint16_t id,
                            iot_ticket ticket)
{
    struct iot_bytes topic = {(const uint8_t *)msg->topic.text, msg->topic.len};
    bool by_ref = (msg->flags & IOT_MSG_BY_REF) != 0 && msg->payload.len != 0;

    if (msg->payload.len > IOT_MQTT_PAYLOAD_MAX)
        return IOT_ERR_SIZE;
    uint32_t head = iot_mqtt_publish_head_size(topic.len, msg->qos, msg->payload.len);
    uint32_t at;
    if (!by_ref && msg->payload.len > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    iot_err err = iot_mqtt_room_make(box, msg, by_ref ? head : head + msg->payload.len, &at);
    if (err != IOT_OK)
        return err;

    uint8_t *to = &box->tx[at];
    iot_mqtt_encode_publish_head(to, first_nibble(msg), topic, id, msg->payload.len);
    if (!by_ref && msg->payload.len != 0)
        memcpy(to + head, msg->payload.ptr, msg->payload.len);

    struct iot_mqtt_out *m = append(box, at, by_ref ? head : head + msg->payload.len, msg->flags);
    m->ticket = ticket;
    m->ref = by_ref ? msg->payload.ptr : NULL;
    m->ref_len = by_ref ? msg->payload.len : 0;
    m->id = id;
    m->qos = msg->qos & 3u;
    return IOT_OK;
}

iot_err iot_mqtt_outbox_stream(struct iot_mqtt_outbox *box, const struct iot_msg *msg,
                               uint32_t total, iot_mqtt_source source, void *ctx, iot_ticket ticket)
{
    if (box->source.pull != NULL) {
        box->want_room = true;
        return IOT_ERR_FULL;
    }
    struct iot_msg head = *msg; /* as by reference: only the head lies in the ring */
    head.flags |= IOT_MSG_BY_REF;
    head.payload.len = total;
    iot_err err = iot_mqtt_outbox_put(box, &head, 0, ticket);
    if (err != IOT_OK)
        return err;
    struct iot_mqtt_out *m = &box->out[box->count - 1];
    m->ref = NULL;
    m->streamed = 1;
    box->source.pull = source;
    box->source.ctx = ctx;
    box->source.offset = 0;
    box->source.unfinished = false;
    return IOT_OK;
}

iot_err iot_mqtt_outbox_begin(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t max,
                              struct iot_writer *w)
{
    if (msg->flags & IOT_MSG_BY_REF)
        return IOT_ERR_ARG;
    if (max > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    uint32_t room = iot_mqtt_publish_head_size(msg->topic.len, msg->qos, max);
    uint32_t at;
    iot_err err = iot_mqtt_room_make(box, msg, room + max, &at);
    if (err != IOT_OK)
        return err;

    box->writer.at = at;
    box->writer.len = room + max;
    box->writer.body = at + room;
    box->writer.topic_len = msg->topic.len;
    box->writer.qos = msg->qos;
    box->writer.first = first_nibble(msg);
    box->writer.flags = msg->flags;
    /* The topic lies where it will be sent from; the id between it and the payload is still open. */
    uint32_t id_bytes = msg->qos ? 2 : 0;
    memcpy(&box->tx[at + room - id_bytes - msg->topic.len], msg->topic.text, msg->topic.len);

    memset(w, 0, sizeof *w);
    w->ptr = &box->tx[box->writer.body];
    w->cap = max;
    return IOT_OK;
}

iot_err iot_mqtt_outbox_commit(struct iot_mqtt_outbox *box, struct iot_writer *w, uint16_t id,
                               iot_ticket ticket)
{
    if (box->writer.len == 0 || w->ptr != &box->tx[box->writer.body])
        return IOT_ERR_STATE;
    box->writer.len = 0;
    if (w->overflow)
        return IOT_ERR_SIZE;

    /* The header goes in last, right-aligned before the body: its length field has 1..4 bytes and
     * was unknown until now. */
    uint8_t qos = box->writer.qos;
    uint32_t head = iot_mqtt_publish_head_size(box->writer.topic_len, qos, w->len);
    uint32_t at = box->writer.body - head;
    struct iot_bytes topic = iot_mqtt_outbox_topic(box);
    iot_mqtt_encode_publish_head(&box->tx[at], box->writer.first, topic, id, w->len);

    struct iot_mqtt_out *m = append(box, at, head + w->len, box->writer.flags);
    m->ticket = ticket;
    m->id = id;
    m->qos = qos & 3u;
    return IOT_OK;
}

void iot_mqtt_outbox_cancel(struct iot_mqtt_outbox *box)
{
    box->writer.len = 0;
}

/* ---- Life of a message ------------------------------------------------------------------- */

static void give_back(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m)
{
    box->used -= m->len;
    m->len = 0;
    box->freed = true;
}

static void end(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m, iot_err result)
{
    give_back(box, m);
    if (m->streamed)
        box->source.pull = NULL;
    m->ref = NULL;
    m->ref_len = 0;
    m->state = IOT_OUT_ENDED;
    m->result = (int16_t)result;
    box->ended++;
}

/* All that the broker owes is here. A referenced payload ends later, when the stream has let go of
 * it: a broker that acknowledges early must not make the application reuse bytes that TCP may have
 * to send again. */
static void end_or_hold(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m)
{
    if (m->ref == NULL) {
        end(box, m, IOT_OK);
        return;
    }
    give_back(box, m);
    m->state = IOT_OUT_REF_HELD;
}

bool iot_mqtt_outbox_sent(struct iot_mqtt_outbox *box, uint32_t written)
{
    struct iot_mqtt_out *m = iot_mqtt_outbox_next(box);
    IOT_ASSERT(m != NULL);
    box->queued--;
    box->sending = false;
    m->ref_end = written;
    if (m->qos == 0) {
        end_or_hold(box, m);
        return false;
    }
    m->state = IOT_OUT_SENT;
    m->again = m->tried = 1;
    return true;
}

void iot_mqtt_outbox_released(struct iot_mqtt_outbox *box, uint32_t count)
{
    for (uint32_t i = box->rels; i < (uint32_t)box->count - box->queued; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->state == IOT_OUT_REF_HELD && (int32_t)(count - m->ref_end) >= 0)
            end(box, m, IOT_OK);
    }
}

static struct iot_mqtt_out *find(struct iot_mqtt_outbox *box, uint16_t id, uint8_t state,
                                 uint8_t qos)
{
    for (uint32_t i = 0; i < box->count; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->id == id && m->state == state && m->qos == qos)
            return m;
    }
    return NULL;
}

bool iot_mqtt_outbox_puback(struct iot_mqtt_outbox *box, uint16_t id)
{
    struct iot_mqtt_out *m = find(box, id, IOT_OUT_SENT, 1);
    if (m != NULL)
        end_or_hold(box, m);
    return m != NULL;
}

/* The message at `from` goes to `to`, those between move by one. */
static struct iot_mqtt_out *shift(struct iot_mqtt_out *from, struct iot_mqtt_out *to)
{
    while (from != to) {
        struct iot_mqtt_out *next = from < to ? from + 1 : from - 1;
        struct iot_mqtt_out m = *from;
        *from = *next;
        *next = m;
        from = next;
    }
    return to;
}

bool iot_mqtt_outbox_pubrec(struct iot_mqtt_outbox *box, uint16_t id)
{
    struct iot_mqtt_out *m = find(box, id, IOT_OUT_SENT, 2);
    if (m == NULL)
        return false;
    give_back(box, m);
    m->state = IOT_OUT_REL;
    (void)shift(m, &box->out[box->rels++]);
    return true;
}

bool iot_mqtt_outbox_pubcomp(struct iot_mqtt_outbox *box, uint16_t id)
{
    struct iot_mqtt_out *m = find(box, id, IOT_OUT_REL, 2);
    if (m == NULL)
        return false;
    if ((uint32_t)(m - box->out) < box->rels_sent)
        box->rels_sent--;
    end_or_hold(box, shift(m, &box->out[--box->rels]));
    return true;
}

void iot_mqtt_outbox_lost(struct iot_mqtt_outbox *box, bool keep)
{
    for (uint32_t i = 0; i < box->count; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->state == IOT_OUT_REL)
            m->ref = NULL; /* the stream has let go, and it is not sent again */
        bool begun = box->source.offset != 0 || box->source.unfinished;
        if (m->streamed && begun && m->state == IOT_OUT_QUEUED) { /* it does not begin again */
            end(box, m, box->source.unfinished ? IOT_ERR_MQTT_UNFINISHED : IOT_ERR_CUT);
            box->queued--;
        } else if (m->state == IOT_OUT_REF_HELD)
            end(box, m, m->qos != 0 ? IOT_OK : IOT_ERR_CUT); /* QoS 1, 2: acknowledged */
        else if (!keep && (m->state == IOT_OUT_SENT || m->state == IOT_OUT_REL))
            end(box, m, IOT_ERR_UNKNOWN);
        else if (!keep)
            m->again = 0;
    }
    if (!keep)
        box->rels = 0;
    box->rels_sent = 0;
    box->sending = false;
}

/* All messages behind the RELs are sent again, in their old order. Called when no event waits. */
static uint32_t requeue(struct iot_mqtt_outbox *box, bool dup)
{
    uint32_t resent = 0;
    for (uint32_t i = box->rels; i < box->count; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        uint8_t *first = &box->tx[m->at];
        if (m->state == IOT_OUT_ENDED)
            continue;
        if (!dup)
            m->again = 0;
        *first = (uint8_t)(m->again ? *first | IOT_MQTT_DUP : *first & ~IOT_MQTT_DUP);
        if (m->state == IOT_OUT_SENT)
            resent++;
        m->state = IOT_OUT_QUEUED;
    }
    box->queued = (uint8_t)(box->count - box->rels - box->ended);
    return resent;
}

uint32_t iot_mqtt_outbox_resume(struct iot_mqtt_outbox *box)
{
    IOT_ASSERT(box->ended == 0);
    return requeue(box, true);
}

uint32_t iot_mqtt_outbox_renew(struct iot_mqtt_outbox *box, bool hand_back)
{
    IOT_ASSERT(box->ended == 0);
    uint8_t rels = box->rels;
    for (uint32_t i = rels; hand_back && i < box->count; i++)
        if (box->out[i].again)
            end(box, &box->out[i], IOT_ERR_UNKNOWN);
    uint32_t resent = requeue(box, false);
    for (uint32_t i = 0; i < rels; i++)
        end(box, &box->out[i], IOT_ERR_UNKNOWN);
    box->rels = box->rels_sent = 0;
    return resent;
}

void iot_mqtt_outbox_finish(struct iot_mqtt_outbox *box)
{
    box->writer.len = 0;
    box->rels = box->rels_sent = 0;
    box->queued = 0;
    box->want_room = false;
    for (uint32_t i = 0; i < box->count; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        bool seen = m->tried || m->state == IOT_OUT_REL;
        if (m->state != IOT_OUT_ENDED)
            end(box, m, seen ? IOT_ERR_UNKNOWN : IOT_ERR_CLOSED);
    }
}

bool iot_mqtt_outbox_take(struct iot_mqtt_outbox *box, iot_ticket *ticket, iot_err *result)
{
    if (box->ended == 0 && box->dropped_count != 0) {
        *ticket = box->dropped[0];
        *result = IOT_ERR_DROPPED;
        box->dropped_count--;
        memmove(box->dropped, box->dropped + 1, box->dropped_count * sizeof box->dropped[0]);
        box->freed = box->told = true;
        return true;
    }
    if (box->ended == 0)
        return false;
    uint32_t i = box->rels;
    while (box->out[i].state != IOT_OUT_ENDED)
        i++;
    *ticket = box->out[i].ticket;
    *result = box->out[i].result;
    iot_mqtt_room_close_up(box, i);
    box->ended--;
    return true;
}

uint16_t iot_mqtt_outbox_next_rel(struct iot_mqtt_outbox *box)
{
    return box->rels_sent < box->rels ? box->out[box->rels_sent++].id : 0;
}

bool iot_mqtt_outbox_has_id(const struct iot_mqtt_outbox *box, uint16_t id)
{
    for (uint32_t i = 0; i < box->count; i++)
        if (box->out[i].id == id)
            return true;
    return false;
}

bool iot_mqtt_outbox_room(struct iot_mqtt_outbox *box)
{
    bool room = box->want_room && box->freed && (box->count < IOT_MQTT_OUT_MAX || box->told);
    box->freed = box->told = false;
    if (room)
        box->want_room = false;
    return room;
}
