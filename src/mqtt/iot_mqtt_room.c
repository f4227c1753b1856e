/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_room.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_codec.h"

#include <string.h>

void iot_mqtt_room_close_up(struct iot_mqtt_outbox *box, uint32_t i)
{
    box->count--;
    box->freed = true;
    memmove(&box->out[i], &box->out[i + 1], (box->count - i) * sizeof box->out[0]);
}

/* ---- The ring ---------------------------------------------------------------------------- */

/* Messages with bytes lie in the ring in the order of `out`, behind the RELs, which have none. */
static const struct iot_mqtt_out *oldest(const struct iot_mqtt_outbox *box)
{
    for (uint32_t i = box->rels; i < box->count; i++)
        if (box->out[i].len != 0)
            return &box->out[i];
    return NULL;
}

/* `n` contiguous bytes behind the tail, or from the start of the ring. */
static bool find(const struct iot_mqtt_outbox *box, uint32_t n, uint32_t *at)
{
    const struct iot_mqtt_out *first = oldest(box);
    if (first == NULL) {
        *at = 0;
        return n <= IOT_MQTT_TX_BYTES;
    }
    *at = box->tail;
    if (box->tail <= first->at) /* wrapped; equal: full */
        return n <= first->at - box->tail;
    if (n <= IOT_MQTT_TX_BYTES - box->tail)
        return true;
    *at = 0;
    return n <= first->at;
}

static void move(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m, uint32_t to)
{
    memmove(&box->tx[to], &box->tx[m->at], m->len);
    m->at = (iot_mqtt_ring)to;
}

/* Close the gaps: messages from the ring's start on move down, those before its end move up, so that
 * all free bytes are in one piece. Not wrapped, there are only the former. */
static void compact(struct iot_mqtt_outbox *box)
{
    const struct iot_mqtt_out *first = oldest(box);
    if (first == NULL)
        return;
    uint32_t low = 0, high = IOT_MQTT_TX_BYTES;
    uint32_t bound = box->tail <= first->at ? first->at : IOT_MQTT_TX_BYTES;

    for (uint32_t i = box->count; i-- > box->rels;) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->len != 0 && m->at >= bound)
            move(box, m, high -= m->len);
    }
    for (uint32_t i = box->rels; i < box->count; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->len != 0 && m->at < bound) {
            move(box, m, low);
            low += m->len;
        }
    }
    box->tail = low;
}

/* ---- What gives way ---------------------------------------------------------------------- */

static bool gives_way(const struct iot_mqtt_outbox *box, uint32_t i)
{
    uint32_t untouched = (uint32_t)box->count - box->queued + box->sending;
    return i >= untouched && box->out[i].gives_way && !box->out[i].tried;
}

static bool has_topic(const struct iot_mqtt_outbox *box, const struct iot_mqtt_out *m,
                      const struct iot_topic *topic)
{
    /* What stands behind the topic is the id, and the payload, which is elsewhere with by-reference. */
    const uint8_t *at = &box->tx[m->at] + 1;
    while (*at++ & 0x80)
        ;
    return at[0] == topic->len >> 8 && at[1] == (topic->len & 0xff) &&
           memcmp(at + 2, topic->text, topic->len) == 0;
}

static void drop(struct iot_mqtt_outbox *box, uint32_t i)
{
    if (box->out[i].streamed)
        box->source.pull = NULL;
    box->used -= box->out[i].len;
    box->queued--;
    box->dropped[box->dropped_count++] = box->out[i].ticket;
    iot_mqtt_room_close_up(box, i);
}

static bool fits(const struct iot_mqtt_outbox *box, uint32_t n, uint32_t slots, uint32_t bytes)
{
    return box->count - slots < IOT_MQTT_OUT_MAX && box->used - bytes + n <= IOT_MQTT_TX_BYTES;
}

/* False: not even so it fits, and nothing was dropped. */
static bool drop_oldest(struct iot_mqtt_outbox *box, uint32_t n)
{
    uint32_t slots = 0, bytes = 0;
    for (uint32_t i = box->rels; i < box->count && !fits(box, n, slots, bytes); i++) {
        if (gives_way(box, i)) {
            slots++;
            bytes += box->out[i].len;
        }
    }
    if (!fits(box, n, slots, bytes) || slots > (uint32_t)IOT_MQTT_DROPPED_MAX - box->dropped_count)
        return false;
    for (uint32_t i = box->rels; slots != 0;) {
        if (gives_way(box, i)) {
            drop(box, i);
            slots--;
        } else {
            i++;
        }
    }
    return true;
}

static bool replace(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t n)
{
    uint32_t i = box->rels;
    while (i < box->count && !(gives_way(box, i) && has_topic(box, &box->out[i], &msg->topic)))
        i++;
    if (i == box->count)
        return fits(box, n, 0, 0);
    if (!fits(box, n, 1, box->out[i].len) || box->dropped_count == IOT_MQTT_DROPPED_MAX)
        return false;
    drop(box, i);
    return true;
}

iot_err iot_mqtt_room_make(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t n,
                           uint32_t *at)
{
    if (box->writer.len != 0)
        return IOT_ERR_STATE;
    if (n > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    uint8_t policy = iot_mqtt_room_policy(box, msg->flags);
    bool room = fits(box, n, 0, 0);
    if (policy == IOT_MSG_REPLACE)
        room = replace(box, msg, n);
    else if (!room && policy == IOT_MSG_DROP_OLDEST)
        room = drop_oldest(box, n);
    if (!room) {
        box->want_room = true;
        return IOT_ERR_FULL;
    }
    if (!find(box, n, at)) {
        compact(box);
        room = find(box, n, at);
        IOT_ASSERT(room);
    }
    return IOT_OK;
}
