/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that is the device's own (iot_credentials.registers): a clean session without a will beside the
 * application's session, which is neither taken up nor renewed. Nothing of that is sent, and only PUBLISH with QoS 0 and 1
 * may come. */
#ifndef IOT_MQTT_ERRAND_H
#define IOT_MQTT_ERRAND_H

#include "mqtt/iot_mqtt_session.h"

#if IOT_FEATURE_REGISTER

/** These credentials are for one. */
static inline bool iot_mqtt_errand_wanted(const struct iot_credentials *who)
{
    return who->registers;
}

static inline void iot_mqtt_errand_unwanted(struct iot_credentials *who)
{
    who->registers = false;
}

/** The session is on one. */
static inline bool iot_mqtt_errand(const struct iot_mqtt_session *s)
{
    return s->errand;
}

static inline void iot_mqtt_errand_set(struct iot_mqtt_session *s, bool errand)
{
    s->errand = errand;
}

#else

static inline bool iot_mqtt_errand_wanted(const struct iot_credentials *who)
{
    (void)who;
    return false;
}

static inline void iot_mqtt_errand_unwanted(struct iot_credentials *who)
{
    (void)who;
}

static inline bool iot_mqtt_errand(const struct iot_mqtt_session *s)
{
    (void)s;
    return false;
}

static inline void iot_mqtt_errand_set(struct iot_mqtt_session *s, bool errand)
{
    (void)s, (void)errand;
}

#endif
#endif
