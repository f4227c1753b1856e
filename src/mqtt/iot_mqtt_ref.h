/* SPDX-License-Identifier: Apache-2.0 */
/* Messages whose payload stays where the application has it. Its end waits until the stream has let go of the
 * payload: a broker that acknowledges early must not make the application reuse bytes that TCP may have to
 * send again. */
#ifndef IOT_MQTT_REF_H
#define IOT_MQTT_REF_H

#include "mqtt/iot_mqtt_outbox.h"

#if IOT_FEATURE_BY_REF

static inline bool iot_mqtt_is_ref(const struct iot_msg *msg)
{
    return (msg->flags & IOT_MSG_BY_REF) != 0 && msg->payload.len != 0;
}

/** Of such a one only the head went into the ring. */
static inline void iot_mqtt_ref_set(struct iot_mqtt_out *m, const struct iot_msg *msg)
{
    if (iot_mqtt_is_ref(msg))
        m->ref = msg->payload;
}

/** What follows the bytes in the ring; ptr NULL: nothing. */
static inline struct iot_bytes iot_mqtt_ref(const struct iot_mqtt_out *m)
{
    return m->ref;
}

/** It was handed over; the stream has `written` bytes so far. */
static inline void iot_mqtt_ref_sent(struct iot_mqtt_out *m, uint32_t written)
{
    m->ref_end = written;
}

/** All else of it is done. False: it can end now. */
bool iot_mqtt_ref_hold(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m);

/** The stream no longer refers to the first `count` bytes (modulo 2^32). */
void iot_mqtt_ref_released(struct iot_mqtt_outbox *box, uint32_t count);

/** The stream is gone, and has let go. True: only that was awaited. */
bool iot_mqtt_ref_lost(struct iot_mqtt_out *m);

#else

static inline bool iot_mqtt_is_ref(const struct iot_msg *msg)
{
    (void)msg;
    return false;
}

static inline void iot_mqtt_ref_set(struct iot_mqtt_out *m, const struct iot_msg *msg)
{
    (void)m, (void)msg;
}

static inline struct iot_bytes iot_mqtt_ref(const struct iot_mqtt_out *m)
{
    (void)m;
    return (struct iot_bytes){NULL, 0};
}

static inline void iot_mqtt_ref_sent(struct iot_mqtt_out *m, uint32_t written)
{
    (void)m, (void)written;
}

static inline bool iot_mqtt_ref_hold(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m)
{
    (void)box, (void)m;
    return false;
}

static inline void iot_mqtt_ref_released(struct iot_mqtt_outbox *box, uint32_t count)
{
    (void)box, (void)count;
}

static inline bool iot_mqtt_ref_lost(struct iot_mqtt_out *m)
{
    (void)m;
    return false;
}

#endif
#endif
