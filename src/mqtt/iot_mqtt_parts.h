/* SPDX-License-Identifier: Apache-2.0 */
/* A message larger than the window, handed piece by piece to handlers that take it so (iot_filter.in_parts).
 * While it passes, its head stays in the window's first bytes, as the topic lies in it. */
#ifndef IOT_MQTT_PARTS_H
#define IOT_MQTT_PARTS_H

#include "mqtt/iot_mqtt_client.h"

#if IOT_FEATURE_PARTS

/** Can be subscribed so. */
static inline bool iot_mqtt_parts_fit(const struct iot_filter *f)
{
    (void)f;
    return true;
}

/* The session's side. */

/** A body begins, of `s->body_left`; `wanted`: in parts, if somebody takes them. */
void iot_mqtt_parts_expect(struct iot_mqtt_session *s, bool wanted);

/** These bytes of it are a part. False: nobody wants them. */
bool iot_mqtt_parts_hear(struct iot_mqtt_session *s, struct iot_bytes in,
                         struct iot_mqtt_event *ev);

/* The client's side. */

/** Bytes of the window that are the head. */
static inline uint32_t iot_mqtt_parts_kept(const struct iot_mqtt_client *c)
{
    return c->parts.kept;
}

/** The head of `head` bytes came, and c->hits want it. False: none of them in parts. */
bool iot_mqtt_parts_begin(struct iot_mqtt_client *c, const struct iot_mqtt_event *in,
                          uint32_t head);

/** A part came. True: go on with what is behind it. */
bool iot_mqtt_parts_offer(struct iot_mqtt_client *c, const struct iot_mqtt_event *in,
                          uint32_t used);

/** It is over, or nobody wants the rest of it: what is left is skipped. */
void iot_mqtt_parts_end(struct iot_mqtt_client *c);

/** This subscription is no more. */
void iot_mqtt_parts_forget(struct iot_mqtt_client *c, uint8_t slot);

#else

static inline bool iot_mqtt_parts_fit(const struct iot_filter *f)
{
    return !f->in_parts;
}

static inline void iot_mqtt_parts_expect(struct iot_mqtt_session *s, bool wanted)
{
    (void)s, (void)wanted;
}

static inline bool iot_mqtt_parts_hear(struct iot_mqtt_session *s, struct iot_bytes in,
                                       struct iot_mqtt_event *ev)
{
    (void)s, (void)in, (void)ev;
    return false;
}

static inline uint32_t iot_mqtt_parts_kept(const struct iot_mqtt_client *c)
{
    (void)c;
    return 0;
}

static inline bool iot_mqtt_parts_begin(struct iot_mqtt_client *c, const struct iot_mqtt_event *in,
                                        uint32_t head)
{
    (void)c, (void)in, (void)head;
    return false;
}

static inline bool iot_mqtt_parts_offer(struct iot_mqtt_client *c, const struct iot_mqtt_event *in,
                                        uint32_t used)
{
    (void)c, (void)in, (void)used;
    return true;
}

static inline void iot_mqtt_parts_end(struct iot_mqtt_client *c)
{
    (void)c;
}

static inline void iot_mqtt_parts_forget(struct iot_mqtt_client *c, uint8_t slot)
{
    (void)c, (void)slot;
}

#endif
#endif
