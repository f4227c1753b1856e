/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_outbox.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_codec.h"
#include "mqtt/iot_mqtt_ref.h"
#include "mqtt/iot_mqtt_rel.h"
#include "mqtt/iot_mqtt_room.h"
#include "mqtt/iot_mqtt_source.h"
#include "mqtt/iot_mqtt_topic.h"
#include "mqtt/iot_mqtt_writer.h"
#include "mqtt/iot_mqtt_yield.h"

#include <string.h>

/* ---- Acceptance -------------------------------------------------------------------------- */

/* What is not built in is no flag. */
#define FLAGS                                                                                      \
    (IOT_MSG_RETAIN | IOT_MSG_DUP | IOT_MSG_REFUSE | (IOT_FEATURE_BY_REF ? IOT_MSG_BY_REF : 0) |   \
     (IOT_FEATURE_QUEUE_DROP ? IOT_MSG_DROP_OLDEST | IOT_MSG_REPLACE : 0))

iot_err iot_mqtt_outbox_check(const struct iot_msg *msg)
{
    uint32_t policy = msg->flags & IOT_MSG_POLICY;
    if (msg->qos > IOT_MQTT_QOS_MAX || (msg->payload.ptr == NULL && msg->payload.len != 0))
        return IOT_ERR_ARG;
    if ((policy & (policy - 1)) != 0 || (msg->flags & ~FLAGS) != 0) /* one policy, or none */
        return IOT_ERR_ARG;
    if (msg->topic.prepared)
        return IOT_OK;
    struct iot_bytes name = {(const uint8_t *)msg->topic.text, msg->topic.len};
    return iot_topic_check_name(name);
}

uint8_t iot_mqtt_outbox_first(const struct iot_msg *msg)
{
    uint32_t retain = (msg->flags & IOT_MSG_RETAIN) ? IOT_MQTT_RETAIN : 0;
    return (uint8_t)(retain | (uint32_t)msg->qos << IOT_MQTT_QOS_SHIFT);
}

struct iot_mqtt_out *iot_mqtt_outbox_append(struct iot_mqtt_outbox *box, uint32_t at, uint32_t len,
                                            uint8_t flags)
{
    struct iot_mqtt_out *m = &box->out[box->count++];
    *m = (struct iot_mqtt_out){.at = (iot_mqtt_ring)at,
                               .len = (iot_mqtt_ring)len,
                               .state = IOT_OUT_QUEUED,
                               .gives_way = iot_mqtt_yields(box, flags)};
    box->queued++;
    box->tail = at + len;
    box->used += len;
    IOT_HIGH(box->count_high, box->count);
    IOT_HIGH(box->tx_high, box->used);
    return m;
}

/* `copied`: how much of the payload goes into the ring, all or nothing. */
static iot_err put(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint16_t id,
                   iot_ticket ticket, uint32_t copied)
{
    struct iot_bytes topic = {(const uint8_t *)msg->topic.text, msg->topic.len};

    if (msg->payload.len > IOT_MQTT_PAYLOAD_MAX || copied > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    uint32_t head = iot_mqtt_publish_head_size(topic.len, msg->qos, msg->payload.len);
    uint32_t at;
    iot_err err = iot_mqtt_room_make(box, msg, head + copied, &at);
    if (err != IOT_OK)
        return err;

    uint8_t *to = &box->tx[at];
    iot_mqtt_encode_publish_head(to, iot_mqtt_outbox_first(msg), topic, id, msg->payload.len);
    if (copied != 0)
        memcpy(to + head, msg->payload.ptr, copied);

    struct iot_mqtt_out *m = iot_mqtt_outbox_append(box, at, head + copied, msg->flags);
    m->ticket = ticket;
    m->id = id;
    m->qos = msg->qos & 3u;
    iot_mqtt_ref_set(m, msg);
    return IOT_OK;
}

iot_err iot_mqtt_outbox_put_head(struct iot_mqtt_outbox *box, const struct iot_msg *msg,
                                 uint16_t id, iot_ticket ticket)
{
    return put(box, msg, id, ticket, 0);
}

iot_err iot_mqtt_outbox_put(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint16_t id,
                            iot_ticket ticket)
{
    return put(box, msg, id, ticket, iot_mqtt_is_ref(msg) ? 0 : msg->payload.len);
}

/* ---- Life of a message ------------------------------------------------------------------- */

void iot_mqtt_outbox_give_back(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m)
{
    box->used -= m->len;
    m->len = 0;
    box->freed = true;
}

void iot_mqtt_outbox_end(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m, iot_err result)
{
    iot_mqtt_outbox_give_back(box, m);
    iot_mqtt_source_ended(box, m->ticket);
    m->state = IOT_OUT_ENDED;
    m->result = (int8_t)result; /* all of ours fit: see iot_core_names.c */
    box->ended++;
}

void iot_mqtt_outbox_done(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m)
{
    if (!iot_mqtt_ref_hold(box, m))
        iot_mqtt_outbox_end(box, m, IOT_OK);
}

bool iot_mqtt_outbox_sent(struct iot_mqtt_outbox *box, uint32_t written)
{
    struct iot_mqtt_out *m = iot_mqtt_outbox_next(box);
    IOT_ASSERT(m != NULL);
    box->queued--;
    box->sending = false;
    iot_mqtt_ref_sent(m, written);
    if (m->qos == 0) {
        iot_mqtt_outbox_done(box, m);
        return false;
    }
    m->state = IOT_OUT_SENT;
    m->again = m->tried = 1;
    return true;
}

struct iot_mqtt_out *iot_mqtt_outbox_find(struct iot_mqtt_outbox *box, uint16_t id, uint8_t state,
                                          uint8_t qos)
{
    for (struct iot_mqtt_out *m = box->out; m < box->out + box->count; m++)
        if (m->id == id && m->state == state && m->qos == qos)
            return m;
    return NULL;
}

bool iot_mqtt_outbox_puback(struct iot_mqtt_outbox *box, uint16_t id)
{
    struct iot_mqtt_out *m = iot_mqtt_outbox_find(box, id, IOT_OUT_SENT, 1);
    if (m != NULL)
        iot_mqtt_outbox_done(box, m);
    return m != NULL;
}

void iot_mqtt_outbox_lost(struct iot_mqtt_outbox *box, bool keep)
{
    for (struct iot_mqtt_out *m = box->out; m < box->out + box->count; m++) {
        bool with_broker = m->state == IOT_OUT_SENT || m->state == IOT_OUT_REL;
        iot_err broken = iot_mqtt_source_lost(box, m);
        if (broken != IOT_OK) { /* it does not begin again */
            iot_mqtt_outbox_end(box, m, broken);
            box->queued--;
        } else if (iot_mqtt_ref_lost(m)) { /* QoS 1, 2: acknowledged */
            iot_mqtt_outbox_end(box, m, m->qos != 0 ? IOT_OK : IOT_ERR_CUT);
        } else if (!keep && with_broker) {
            iot_mqtt_outbox_end(box, m, IOT_ERR_UNKNOWN);
        } else if (!keep) {
            m->again = 0;
        }
    }
    iot_mqtt_rels_lost(box, keep);
    box->sending = false;
}

void iot_mqtt_outbox_finish(struct iot_mqtt_outbox *box)
{
    iot_mqtt_writer_drop(box);
    iot_mqtt_rels_lost(box, false);
    box->queued = 0;
    box->want_room = false;
    for (struct iot_mqtt_out *m = box->out; m < box->out + box->count; m++) {
        bool seen = m->tried || m->state == IOT_OUT_REL;
        if (m->state != IOT_OUT_ENDED)
            iot_mqtt_outbox_end(box, m, seen ? IOT_ERR_UNKNOWN : IOT_ERR_CLOSED);
    }
}

bool iot_mqtt_outbox_take(struct iot_mqtt_outbox *box, iot_ticket *ticket, iot_err *result)
{
    if (box->ended == 0)
        return iot_mqtt_yield_take(box, ticket, result);
    uint32_t i = iot_mqtt_rels(box);
    while (box->out[i].state != IOT_OUT_ENDED)
        i++;
    *ticket = box->out[i].ticket;
    *result = box->out[i].result;
    iot_mqtt_room_close_up(box, i);
    box->ended--;
    return true;
}

void iot_mqtt_outbox_hush(struct iot_mqtt_outbox *box, iot_ticket ticket)
{
    for (uint32_t i = iot_mqtt_rels(box); i < box->count; i++)
        if (box->out[i].ticket == ticket)
            box->out[i].ticket = 0;
    iot_mqtt_yield_hush(box, ticket);
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
    bool told = iot_mqtt_yield_told(box);
    bool room = box->want_room && box->freed && (box->count < IOT_MQTT_OUT_MAX || told);
    box->freed = false;
    if (room)
        box->want_room = false;
    return room;
}
