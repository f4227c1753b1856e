/* SPDX-License-Identifier: Apache-2.0 */
/* Received messages, and answers to subscriptions, on their way to the application. */
#ifndef IOT_MQTT_DELIVER_H
#define IOT_MQTT_DELIVER_H

#include "mqtt/iot_mqtt_client.h"

#if IOT_FEATURE_RECEIVE

/** A new connection. */
void iot_mqtt_deliver_reset(struct iot_mqtt_client *c);

/** What was at the front of the window is over. */
void iot_mqtt_deliver_end(struct iot_mqtt_client *c);

/** A message of `used` bytes is at the front. True: go on with what is behind it. */
bool iot_mqtt_deliver(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used);

/** The head of a message larger than the window. */
void iot_mqtt_deliver_large(struct iot_mqtt_client *c, const struct iot_mqtt_event *in,
                            uint32_t head);

/** SUBACK or UNSUBACK. */
void iot_mqtt_deliver_answer(struct iot_mqtt_client *c, const struct iot_mqtt_event *in);

/** Ask the handlers in c->hits. False: some declined. */
bool iot_mqtt_deliver_to(struct iot_mqtt_client *c, const struct iot_msg *msg);

/** Nobody takes the message at the front, of `used` bytes. */
void iot_mqtt_give_up(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used);

/** Nothing more of the broker's messages is taken on this link: QoS of the one that was declined; 0: not so. */
static inline uint8_t iot_mqtt_deaf(const struct iot_mqtt_client *c)
{
    return c->deaf;
}

/** ... but some were. */
static inline bool iot_mqtt_heard_some(const struct iot_mqtt_client *c)
{
    return c->deaf != 0 && c->taken;
}

#else

static inline void iot_mqtt_deliver_reset(struct iot_mqtt_client *c)
{
    (void)c;
}

static inline void iot_mqtt_deliver_end(struct iot_mqtt_client *c)
{
    (void)c;
}

static inline bool iot_mqtt_deliver(struct iot_mqtt_client *c, const struct iot_msg *msg,
                                    uint32_t used)
{
    (void)c, (void)msg, (void)used;
    return true;
}

static inline void iot_mqtt_deliver_large(struct iot_mqtt_client *c,
                                          const struct iot_mqtt_event *in, uint32_t head)
{
    (void)c, (void)in, (void)head;
}

static inline void iot_mqtt_deliver_answer(struct iot_mqtt_client *c,
                                           const struct iot_mqtt_event *in)
{
    (void)c, (void)in;
}

static inline void iot_mqtt_give_up(struct iot_mqtt_client *c, const struct iot_msg *msg,
                                    uint32_t used)
{
    (void)c, (void)msg, (void)used;
}

static inline uint8_t iot_mqtt_deaf(const struct iot_mqtt_client *c)
{
    (void)c;
    return 0;
}

static inline bool iot_mqtt_heard_some(const struct iot_mqtt_client *c)
{
    (void)c;
    return false;
}

#endif
#endif
