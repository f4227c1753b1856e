/* SPDX-License-Identifier: Apache-2.0 */
/* Received messages of QoS 2 between PUBLISH and PUBREL: their ids, by which a repetition is known
 * (MQTT-4.3.3-2). */
#ifndef IOT_MQTT_HELD_H
#define IOT_MQTT_HELD_H

#include "mqtt/iot_mqtt_inbox.h"

#if IOT_FEATURE_QOS2 && IOT_FEATURE_RECEIVE

/** A PUBLISH came: `*known`, it was delivered before. IOT_OK; IOT_ERR_MQTT_QOS2_FULL. */
iot_err iot_mqtt_held_judge(const struct iot_mqtt_inbox *in, uint16_t id, bool dup, bool *known);

/** The message is ours. */
void iot_mqtt_held_add(struct iot_mqtt_inbox *in, uint16_t id);

/** All that the broker had to say again at the beginning of this connection has come: what it has not
 *  named it does not know. So it is where a session was lost and we never heard of it, as the CONNACK that
 *  said so was cut off; those ids would swallow messages of the new session. */
void iot_mqtt_held_settle(struct iot_mqtt_inbox *in);

/** There are ids that the broker has not named yet. */
static inline bool iot_mqtt_held_unsure(const struct iot_mqtt_inbox *in)
{
    return in->held.count != in->held.sure;
}

/** PUBREL: the id is new again. */
void iot_mqtt_held_release(struct iot_mqtt_inbox *in, uint16_t id);

/** The connection is gone; `keep`: the session is not, and ids stay known. */
static inline void iot_mqtt_held_lost(struct iot_mqtt_inbox *in, bool keep)
{
    in->held.sure = 0;
    if (!keep)
        in->held.count = 0;
}

/** A PUBREL is awaited. */
static inline bool iot_mqtt_held_any(const struct iot_mqtt_inbox *in)
{
    return in->held.count != 0;
}

#else

static inline iot_err iot_mqtt_held_judge(const struct iot_mqtt_inbox *in, uint16_t id, bool dup,
                                          bool *known)
{
    (void)in, (void)id, (void)dup, (void)known;
    return IOT_ERR_MQTT_PROTOCOL;
}

static inline void iot_mqtt_held_add(struct iot_mqtt_inbox *in, uint16_t id)
{
    (void)in, (void)id;
}

static inline void iot_mqtt_held_settle(struct iot_mqtt_inbox *in)
{
    (void)in;
}

static inline bool iot_mqtt_held_unsure(const struct iot_mqtt_inbox *in)
{
    (void)in;
    return false;
}

static inline void iot_mqtt_held_release(struct iot_mqtt_inbox *in, uint16_t id)
{
    (void)in, (void)id;
}

static inline void iot_mqtt_held_lost(struct iot_mqtt_inbox *in, bool keep)
{
    (void)in, (void)keep;
}

static inline bool iot_mqtt_held_any(const struct iot_mqtt_inbox *in)
{
    (void)in;
    return false;
}

#endif
#endif
