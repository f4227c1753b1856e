/* SPDX-License-Identifier: Apache-2.0 */
/* Unsubscribing: the way of a subscription out of the table. */
#ifndef IOT_MQTT_UNSUB_H
#define IOT_MQTT_UNSUB_H

#include "mqtt/iot_mqtt_subs.h"

struct iot_mqtt_session;
struct iot_mqtt_event;
struct iot_mqtt_client;

#if IOT_FEATURE_UNSUBSCRIBE

static inline bool iot_mqtt_unsub_due(uint32_t state)
{
    return state == IOT_SUB_UNWANT;
}

static inline bool iot_mqtt_unsub_under_way(uint32_t state)
{
    return state == IOT_SUB_UNASKED;
}

/** Errors of iot_mqtt_unsubscribe. `*slot` out: the subscription that stopped. */
iot_err iot_mqtt_subs_remove(struct iot_mqtt_subs *t, struct iot_bytes filter, iot_ticket ticket,
                             uint8_t *slot);
iot_err iot_mqtt_session_unsubscribe(struct iot_mqtt_session *s, const struct iot_topic *filter,
                                     iot_ticket *ticket, uint8_t *slot);
iot_err iot_mqtt_client_unsubscribe(struct iot_mqtt_client *c, const struct iot_topic *filter,
                                    iot_ticket *ticket);

/** UNSUBACK came. */
void iot_mqtt_on_unsuback(struct iot_mqtt_session *s, uint16_t id, struct iot_mqtt_event *ev);

#else

static inline bool iot_mqtt_unsub_due(uint32_t state)
{
    (void)state;
    return false;
}

static inline bool iot_mqtt_unsub_under_way(uint32_t state)
{
    (void)state;
    return false;
}

static inline void iot_mqtt_on_unsuback(struct iot_mqtt_session *s, uint16_t id,
                                        struct iot_mqtt_event *ev)
{
    (void)s, (void)id, (void)ev; /* completes nobody's request */
}

#endif
#endif
