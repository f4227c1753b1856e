/* SPDX-License-Identifier: Apache-2.0 */
/* All of src/mqtt, for tests that look into it; and, for what is not built in, words in its place: a test that needs
 * it fails and says so, unless tests/check/switches.txt names it among those that are left out. */
#ifndef MQTT_ROOMS_H
#define MQTT_ROOMS_H

#include "mqtt/iot_mqtt_client.h"
#include "mqtt/iot_mqtt_decline.h"
#include "mqtt/iot_mqtt_deliver.h"
#include "mqtt/iot_mqtt_hear.h"
#include "mqtt/iot_mqtt_held.h"
#include "mqtt/iot_mqtt_hint.h"
#include "mqtt/iot_mqtt_keep.h"
#include "mqtt/iot_mqtt_offer.h"
#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_ref.h"
#include "mqtt/iot_mqtt_rel.h"
#include "mqtt/iot_mqtt_request.h"
#include "mqtt/iot_mqtt_say.h"
#include "mqtt/iot_mqtt_source.h"
#include "mqtt/iot_mqtt_unsub.h"
#include "mqtt/iot_mqtt_writer.h"
#include "mqtt/iot_mqtt_yield.h"
#include "test.h"

#define MQTT_ABSENT(feature) fail_msg("IOT_FEATURE_" feature " is off, and this test not left out")

/* Nobody takes what has still to come of a message larger than the window. */
static inline void mqtt_rooms_skip_rest(struct iot_mqtt_session *s)
{
#if IOT_FEATURE_PARTS
    s->body_wanted = false;
#else
    (void)s;
#endif
}

/* Ids of QoS 2 that are held. */
static inline uint32_t mqtt_rooms_held(const struct iot_mqtt_inbox *in)
{
#if IOT_FEATURE_QOS2 && IOT_FEATURE_RECEIVE
    return in->held.count;
#else
    (void)in;
    return 0;
#endif
}

/* What of a test looks at subscriptions only. */
#if IOT_FEATURE_RECEIVE
#define IF_RECEIVE(statement) statement
#else
#define IF_RECEIVE(statement)
#endif

/* What of a test looks at counts only. */
#if IOT_FEATURE_STATS
#define IF_STATS(statement) statement
#else
#define IF_STATS(statement)
#endif

static inline const struct iot_counters *mqtt_rooms_counters(const struct iot_mqtt_client *c)
{
#if IOT_FEATURE_STATS
    return &c->counters;
#else
    (void)c;
    MQTT_ABSENT("STATS");
    return NULL;
#endif
}

#if !IOT_FEATURE_STATS
static inline const struct iot_counters *iot_device_counters(const struct iot_device *dev)
{
    (void)dev;
    return mqtt_rooms_counters(NULL);
}

static inline bool iot_device_pool(const struct iot_device *dev, uint32_t i,
                                   struct iot_pool_use *out)
{
    (void)dev, (void)i;
    *out = (struct iot_pool_use){"", 0, 0, 0};
    MQTT_ABSENT("STATS");
    return false;
}
#endif

#if !IOT_FEATURE_RECEIVE
static inline iot_err iot_mqtt_session_subscribe(struct iot_mqtt_session *s,
                                                 const struct iot_filter *f, iot_ticket *ticket)
{
    (void)s, (void)f, (void)ticket;
    MQTT_ABSENT("RECEIVE");
    return IOT_ERR_STATE;
}

static inline iot_err iot_mqtt_subscribe(struct iot_device *dev, const struct iot_filter *f,
                                         iot_ticket *ticket)
{
    (void)dev;
    return iot_mqtt_session_subscribe(NULL, f, ticket);
}

static inline iot_err iot_mqtt_session_unsubscribe(struct iot_mqtt_session *s,
                                                   const struct iot_topic *filter,
                                                   iot_ticket *ticket, uint8_t *slot)
{
    (void)filter, (void)slot;
    return iot_mqtt_session_subscribe(s, NULL, ticket);
}

static inline iot_err iot_mqtt_client_unsubscribe(struct iot_mqtt_client *c,
                                                  const struct iot_topic *filter,
                                                  iot_ticket *ticket)
{
    (void)c, (void)filter;
    return iot_mqtt_session_subscribe(NULL, NULL, ticket);
}

static inline iot_err iot_mqtt_unsubscribe(struct iot_device *dev, const struct iot_topic *filter,
                                           iot_ticket *ticket)
{
    (void)dev, (void)filter;
    return iot_mqtt_session_subscribe(NULL, NULL, ticket);
}

static inline void iot_mqtt_accept(struct iot_mqtt_session *s)
{
    (void)iot_mqtt_session_subscribe(s, NULL, NULL);
}

static inline void iot_mqtt_digest_body(struct iot_mqtt_session *s, uint32_t n)
{
    (void)n;
    iot_mqtt_accept(s);
}
#endif

#if !IOT_FEATURE_QOS2
static inline bool iot_mqtt_outbox_pubrec(struct iot_mqtt_outbox *box, uint16_t id)
{
    (void)box, (void)id;
    MQTT_ABSENT("QOS2");
    return false;
}

static inline bool iot_mqtt_outbox_pubcomp(struct iot_mqtt_outbox *box, uint16_t id)
{
    return iot_mqtt_outbox_pubrec(box, id);
}
#endif

#if !IOT_WRITERS
static inline void iot_writer_put(struct iot_writer *w, const void *bytes, uint32_t n)
{
    (void)w, (void)bytes, (void)n;
    MQTT_ABSENT("WRITER");
}

static inline void iot_writer_text(struct iot_writer *w, const char *text)
{
    iot_writer_put(w, text, 0);
}
#endif

#if !IOT_FEATURE_WRITER
static inline iot_err iot_mqtt_outbox_begin(struct iot_mqtt_outbox *box, const struct iot_msg *msg,
                                            uint32_t max, struct iot_writer *w)
{
    (void)box, (void)msg, (void)max, (void)w;
    MQTT_ABSENT("WRITER");
    return IOT_ERR_STATE;
}

static inline iot_err iot_mqtt_outbox_commit(struct iot_mqtt_outbox *box, struct iot_writer *w,
                                             uint16_t id, iot_ticket ticket)
{
    (void)id, (void)ticket;
    return iot_mqtt_outbox_begin(box, NULL, 0, w);
}

static inline iot_err iot_mqtt_session_begin(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                             uint32_t max, struct iot_writer *w)
{
    return iot_mqtt_outbox_begin(&s->box, msg, max, w);
}

static inline iot_err iot_mqtt_session_commit(struct iot_mqtt_session *s, struct iot_writer *w,
                                              iot_ticket *ticket)
{
    (void)ticket;
    return iot_mqtt_outbox_begin(&s->box, NULL, 0, w);
}

static inline iot_err iot_mqtt_begin(struct iot_device *dev, const struct iot_msg *msg,
                                     uint32_t max, struct iot_writer *w)
{
    (void)dev;
    return iot_mqtt_outbox_begin(NULL, msg, max, w);
}

static inline iot_err iot_mqtt_commit(struct iot_writer *w, iot_ticket *ticket)
{
    (void)ticket;
    return iot_mqtt_outbox_begin(NULL, NULL, 0, w);
}

static inline void iot_mqtt_cancel(struct iot_writer *w)
{
    (void)iot_mqtt_commit(w, NULL);
}
#endif

#if !IOT_FEATURE_STREAMED
static inline iot_err iot_mqtt_stream(struct iot_device *dev, const struct iot_msg *msg,
                                      uint32_t total, iot_mqtt_source source, void *ctx,
                                      iot_ticket *ticket)
{
    (void)dev, (void)msg, (void)total, (void)source, (void)ctx, (void)ticket;
    MQTT_ABSENT("STREAMED");
    return IOT_ERR_STATE;
}
#endif

#if !IOT_FEATURE_NETWORK_HINTS
static inline void iot_mqtt_client_network(struct iot_mqtt_client *c,
                                           enum iot_network_change change)
{
    (void)c, (void)change;
    MQTT_ABSENT("NETWORK_HINTS");
}

static inline void iot_network(struct iot_device *dev, enum iot_network_change change)
{
    (void)dev;
    iot_mqtt_client_network(NULL, change);
}
#endif

#if !IOT_FEATURE_UNSUBSCRIBE && IOT_FEATURE_RECEIVE
static inline iot_err iot_mqtt_subs_remove(struct iot_mqtt_subs *t, struct iot_bytes filter,
                                           iot_ticket ticket, uint8_t *slot)
{
    (void)t, (void)filter, (void)ticket, (void)slot;
    MQTT_ABSENT("UNSUBSCRIBE");
    return IOT_ERR_STATE;
}

static inline iot_err iot_mqtt_session_unsubscribe(struct iot_mqtt_session *s,
                                                   const struct iot_topic *filter,
                                                   iot_ticket *ticket, uint8_t *slot)
{
    (void)filter, (void)ticket;
    return iot_mqtt_subs_remove(&s->subs, (struct iot_bytes){NULL, 0}, 0, slot);
}

static inline iot_err iot_mqtt_client_unsubscribe(struct iot_mqtt_client *c,
                                                  const struct iot_topic *filter,
                                                  iot_ticket *ticket)
{
    return iot_mqtt_session_unsubscribe(&c->session, filter, ticket, NULL);
}

static inline iot_err iot_mqtt_unsubscribe(struct iot_device *dev, const struct iot_topic *filter,
                                           iot_ticket *ticket)
{
    (void)dev, (void)filter, (void)ticket;
    return iot_mqtt_subs_remove(NULL, (struct iot_bytes){NULL, 0}, 0, NULL);
}
#endif

#endif
