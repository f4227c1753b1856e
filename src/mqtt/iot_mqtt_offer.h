/* SPDX-License-Identifier: Apache-2.0 */
/* A PUBLISH that came: offered to the application, and what it is owed when it is taken. */
#ifndef IOT_MQTT_OFFER_H
#define IOT_MQTT_OFFER_H

#include "mqtt/iot_mqtt_session.h"

#if IOT_FEATURE_RECEIVE

/**
 * A PUBLISH came: which answer will it deserve (MQTT-3.3.4-1), and was it delivered before
 * (MQTT-4.3.3-2)? Nothing changes yet.
 *
 * Returns  IOT_OK; IOT_ERR_FULL, acknowledgements must leave first; IOT_ERR_MQTT_QOS2_FULL, close
 *          rather than drop (MQTT-4.8.0-2); IOT_ERR_MQTT_PROTOCOL, a QoS that is not built in, and so was
 *          never asked for.
 */
iot_err iot_mqtt_inbox_judge(const struct iot_mqtt_inbox *in, uint8_t qos, uint16_t id, bool dup,
                             struct iot_mqtt_ack *answer, bool *known);

/** The message is ours: the answer is owed from now on, and cleared. */
void iot_mqtt_inbox_take(struct iot_mqtt_inbox *in, struct iot_mqtt_ack *answer);

/** It is here whole. IOT_OK: `ev` is MESSAGE, or NONE where it was delivered before; else as feed. */
iot_err iot_mqtt_offer(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                       struct iot_mqtt_event *ev);

/** A packet larger than the window has begun. */
iot_err iot_mqtt_offer_large(struct iot_mqtt_session *s, struct iot_bytes in,
                             const struct iot_mqtt_packet *p, uint32_t *used,
                             struct iot_mqtt_event *ev);

/** What comes next is more of it. */
static inline bool iot_mqtt_in_body(const struct iot_mqtt_session *s)
{
    return s->body_left != 0;
}

iot_err iot_mqtt_offer_body(struct iot_mqtt_session *s, struct iot_bytes in, uint32_t *used,
                            struct iot_mqtt_event *ev);

/** The application has taken the message that the last feed offered. */
void iot_mqtt_accept(struct iot_mqtt_session *s);

/** It is not taken, nor acknowledged: the broker keeps it. Also a message in parts. */
void iot_mqtt_refuse(struct iot_mqtt_session *s);

/** `n` bytes of a message larger than the window are finished with. */
void iot_mqtt_digest_body(struct iot_mqtt_session *s, uint32_t n);

/** The connection is gone. */
static inline void iot_mqtt_offer_lost(struct iot_mqtt_session *s)
{
    s->body_left = 0;
    s->offered.type = s->large.type = 0;
}

#else

/* Nobody subscribed: a broker that sends messages all the same is wrong. */

static inline iot_err iot_mqtt_offer(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                                     struct iot_mqtt_event *ev)
{
    (void)s, (void)p, (void)ev;
    return IOT_ERR_MQTT_PROTOCOL;
}

static inline iot_err iot_mqtt_offer_large(struct iot_mqtt_session *s, struct iot_bytes in,
                                           const struct iot_mqtt_packet *p, uint32_t *used,
                                           struct iot_mqtt_event *ev)
{
    (void)s, (void)in, (void)used, (void)ev;
    return p->type == IOT_MQTT_PUBLISH ? IOT_ERR_MQTT_PROTOCOL : IOT_ERR_MQTT_TOO_LARGE;
}

static inline bool iot_mqtt_in_body(const struct iot_mqtt_session *s)
{
    (void)s;
    return false;
}

static inline iot_err iot_mqtt_offer_body(struct iot_mqtt_session *s, struct iot_bytes in,
                                          uint32_t *used, struct iot_mqtt_event *ev)
{
    (void)s, (void)in, (void)used, (void)ev;
    return IOT_ERR_AGAIN;
}

static inline void iot_mqtt_offer_lost(struct iot_mqtt_session *s)
{
    (void)s;
}

#endif
#endif
