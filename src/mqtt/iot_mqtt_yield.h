/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that give way to newer ones when the outbox is full (IOT_MSG_DROP_OLDEST, IOT_MSG_REPLACE): as long
 * as nothing of them was sent. */
#ifndef IOT_MQTT_YIELD_H
#define IOT_MQTT_YIELD_H

#include "mqtt/iot_mqtt_outbox.h"
#include "mqtt/iot_mqtt_room.h"

#if IOT_FEATURE_QUEUE_DROP

/** Does a message with these flags give way? What they do not say, the options say. */
bool iot_mqtt_yields(const struct iot_mqtt_outbox *box, uint8_t flags);

/** See to it that `n` bytes and a slot are free for `msg`. False: they are not, and nothing changed. */
bool iot_mqtt_yield(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t n);

/** Take out the next message that gave way. */
bool iot_mqtt_yield_take(struct iot_mqtt_outbox *box, iot_ticket *ticket, iot_err *result);

/** iot_mqtt_outbox_hush for one that gave way. */
void iot_mqtt_yield_hush(struct iot_mqtt_outbox *box, iot_ticket ticket);

/** True once after one was taken out: its place in the table is free for another. */
bool iot_mqtt_yield_told(struct iot_mqtt_outbox *box);

/** Some wait to be taken out. */
static inline bool iot_mqtt_yielded(const struct iot_mqtt_outbox *box)
{
    return box->dropped.count != 0;
}

/** What messages do that do not say. */
static inline void iot_mqtt_yield_init(struct iot_mqtt_outbox *box, uint8_t policy)
{
    box->dropped.policy = policy;
}

/** There is such a policy. */
static inline bool iot_mqtt_yield_fits(uint8_t policy)
{
    (void)policy;
    return true;
}

#else

static inline bool iot_mqtt_yields(const struct iot_mqtt_outbox *box, uint8_t flags)
{
    (void)box, (void)flags;
    return false;
}

static inline bool iot_mqtt_yield(struct iot_mqtt_outbox *box, const struct iot_msg *msg,
                                  uint32_t n)
{
    (void)msg;
    return iot_mqtt_room_fits(box, n, 0, 0);
}

static inline bool iot_mqtt_yield_take(struct iot_mqtt_outbox *box, iot_ticket *ticket,
                                       iot_err *result)
{
    (void)box, (void)ticket, (void)result;
    return false;
}

static inline void iot_mqtt_yield_hush(struct iot_mqtt_outbox *box, iot_ticket ticket)
{
    (void)box, (void)ticket;
}

static inline bool iot_mqtt_yield_told(struct iot_mqtt_outbox *box)
{
    (void)box;
    return false;
}

static inline bool iot_mqtt_yielded(const struct iot_mqtt_outbox *box)
{
    (void)box;
    return false;
}

static inline void iot_mqtt_yield_init(struct iot_mqtt_outbox *box, uint8_t policy)
{
    (void)box, (void)policy;
}

static inline bool iot_mqtt_yield_fits(uint8_t policy)
{
    return (policy & ~IOT_MSG_REFUSE) == 0;
}

#endif
#endif
