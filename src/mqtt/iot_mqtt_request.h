/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribing: asked by the application, said to the broker, answered by it. */
#ifndef IOT_MQTT_REQUEST_H
#define IOT_MQTT_REQUEST_H

#include "mqtt/iot_mqtt_session.h"

#if IOT_FEATURE_RECEIVE

/** As in iot_mqtt.h, but for the device's state. */
iot_err iot_mqtt_session_subscribe(struct iot_mqtt_session *s, const struct iot_filter *f,
                                   iot_ticket *ticket);

/** A subscription has changed, of `asked` requests under way before: its ticket is used. */
void iot_mqtt_requested(struct iot_mqtt_session *s, uint32_t asked, iot_ticket *ticket);

/** Write what is due into the control slot, behind what is there. */
void iot_mqtt_put_requests(struct iot_mqtt_session *s);

/** SUBACK came. */
iot_err iot_mqtt_on_suback(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                           struct iot_mqtt_event *ev);

#else

static inline void iot_mqtt_put_requests(struct iot_mqtt_session *s)
{
    (void)s;
}

static inline iot_err iot_mqtt_on_suback(struct iot_mqtt_session *s,
                                         const struct iot_mqtt_packet *p, struct iot_mqtt_event *ev)
{
    (void)s, (void)p, (void)ev;
    return IOT_OK; /* completes nobody's request */
}

#endif
#endif
