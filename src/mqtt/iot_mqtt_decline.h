/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers that do not take a message now. It stays at the front of the window and is offered again, for
 * IOT_DECLINE_MAX_MS; what is behind it waits. Without IOT_FEATURE_DECLINE that time is none. */
#ifndef IOT_MQTT_DECLINE_H
#define IOT_MQTT_DECLINE_H

#include "mqtt/iot_mqtt_deliver.h"

#if IOT_FEATURE_DECLINE

/** The message at the front was declined. True: go on with what is behind it. */
bool iot_mqtt_declined(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used);

/** It is over. */
static inline void iot_mqtt_decline_end(struct iot_mqtt_client *c)
{
    c->decline.again = IOT_TIME_NEVER;
}

/** A message waits to be offered again. */
static inline bool iot_mqtt_declining(const struct iot_mqtt_client *c)
{
    return c->decline.again != IOT_TIME_NEVER;
}

/** ... and its time has not come. */
bool iot_mqtt_decline_waits(struct iot_mqtt_client *c);

/** ... and cannot be fed, as acknowledgements have to leave first. */
void iot_mqtt_decline_later(struct iot_mqtt_client *c);

/** The outbox was asked for room: by the handler that declines? */
static inline void iot_mqtt_decline_full(struct iot_mqtt_client *c, bool full)
{
    c->full = full;
}

/** The link to a broker, whose messages are not taken any more, has to end. */
bool iot_mqtt_decline_over(const struct iot_mqtt_client *c);

/** When there is something to do; or NEVER. */
iot_time iot_mqtt_decline_deadline(const struct iot_mqtt_client *c);

#else

static inline bool iot_mqtt_declined(struct iot_mqtt_client *c, const struct iot_msg *msg,
                                     uint32_t used)
{
    iot_mqtt_give_up(c, msg, used);
    return true;
}

static inline void iot_mqtt_decline_end(struct iot_mqtt_client *c)
{
    (void)c;
}

static inline bool iot_mqtt_declining(const struct iot_mqtt_client *c)
{
    (void)c;
    return false;
}

static inline bool iot_mqtt_decline_waits(struct iot_mqtt_client *c)
{
    (void)c;
    return false;
}

static inline void iot_mqtt_decline_later(struct iot_mqtt_client *c)
{
    (void)c;
}

static inline void iot_mqtt_decline_full(struct iot_mqtt_client *c, bool full)
{
    (void)c, (void)full;
}

static inline bool iot_mqtt_decline_over(const struct iot_mqtt_client *c)
{
    return iot_mqtt_deaf(c) != 0;
}

static inline iot_time iot_mqtt_decline_deadline(const struct iot_mqtt_client *c)
{
    return iot_mqtt_deaf(c) != 0 ? 0 : IOT_TIME_NEVER;
}

#endif
#endif
