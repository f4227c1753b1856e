/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_yield.h"

#include "mqtt/iot_mqtt_rel.h"
#include "mqtt/iot_mqtt_source.h"

#include <string.h>

#if IOT_FEATURE_QUEUE_DROP

static uint32_t policy_of(const struct iot_mqtt_outbox *box, uint8_t flags)
{
    uint8_t own = flags & IOT_MSG_POLICY;
    return own != 0 ? own : box->dropped.policy;
}

bool iot_mqtt_yields(const struct iot_mqtt_outbox *box, uint8_t flags)
{
    return (policy_of(box, flags) & (IOT_MSG_DROP_OLDEST | IOT_MSG_REPLACE)) != 0;
}

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
    iot_mqtt_source_ended(box, box->out[i].ticket);
    box->used -= box->out[i].len;
    box->queued--;
    box->dropped.ticket[box->dropped.count++] = box->out[i].ticket;
    iot_mqtt_room_close_up(box, i);
}

/* False: not even so it fits, and nothing was dropped. */
static bool drop_oldest(struct iot_mqtt_outbox *box, uint32_t n)
{
    uint32_t slots = 0, bytes = 0;
    for (uint32_t i = iot_mqtt_rels(box);
         i < box->count && !iot_mqtt_room_fits(box, n, slots, bytes); i++) {
        if (gives_way(box, i)) {
            slots++;
            bytes += box->out[i].len;
        }
    }
    if (!iot_mqtt_room_fits(box, n, slots, bytes) ||
        slots > (uint32_t)IOT_MQTT_DROPPED_MAX - box->dropped.count)
        return false;
    for (uint32_t i = iot_mqtt_rels(box); slots != 0;) {
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
    uint32_t i = iot_mqtt_rels(box);
    while (i < box->count && !(gives_way(box, i) && has_topic(box, &box->out[i], &msg->topic)))
        i++;
    if (i == box->count)
        return iot_mqtt_room_fits(box, n, 0, 0);
    if (!iot_mqtt_room_fits(box, n, 1, box->out[i].len) ||
        box->dropped.count == IOT_MQTT_DROPPED_MAX)
        return false;
    drop(box, i);
    return true;
}

bool iot_mqtt_yield(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t n)
{
    uint32_t policy = policy_of(box, msg->flags);
    if (policy == IOT_MSG_REPLACE)
        return replace(box, msg, n);
    return iot_mqtt_room_fits(box, n, 0, 0) ||
           (policy == IOT_MSG_DROP_OLDEST && drop_oldest(box, n));
}

bool iot_mqtt_yield_take(struct iot_mqtt_outbox *box, iot_ticket *ticket, iot_err *result)
{
    if (box->dropped.count == 0)
        return false;
    *ticket = box->dropped.ticket[0];
    *result = IOT_ERR_DROPPED;
    box->dropped.count--;
    memmove(box->dropped.ticket, box->dropped.ticket + 1,
            box->dropped.count * sizeof box->dropped.ticket[0]);
    box->freed = box->dropped.told = true;
    return true;
}

void iot_mqtt_yield_hush(struct iot_mqtt_outbox *box, iot_ticket ticket)
{
    for (uint32_t i = 0; i < box->dropped.count; i++)
        if (box->dropped.ticket[i] == ticket)
            box->dropped.ticket[i] = 0;
}

bool iot_mqtt_yield_told(struct iot_mqtt_outbox *box)
{
    bool told = box->dropped.told;
    box->dropped.told = false;
    return told;
}

#endif
