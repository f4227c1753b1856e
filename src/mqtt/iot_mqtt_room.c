/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_room.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_rel.h"
#include "mqtt/iot_mqtt_writer.h"
#include "mqtt/iot_mqtt_yield.h"

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
    for (uint32_t i = iot_mqtt_rels(box); i < box->count; i++)
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

    for (uint32_t i = box->count; i-- > iot_mqtt_rels(box);) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->len != 0 && m->at >= bound)
            move(box, m, high -= m->len);
    }
    for (uint32_t i = iot_mqtt_rels(box); i < box->count; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->len != 0 && m->at < bound) {
            move(box, m, low);
            low += m->len;
        }
    }
    box->tail = low;
}

iot_err iot_mqtt_room_make(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t n,
                           uint32_t *at)
{
    if (iot_mqtt_writer_open(box))
        return IOT_ERR_STATE;
    if (n > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    bool room = iot_mqtt_yield(box, msg, n);
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
