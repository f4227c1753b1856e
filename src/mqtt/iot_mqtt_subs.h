/* SPDX-License-Identifier: Apache-2.0 */
/* The subscription table: which filters the application wants, what the broker knows of them, and
 * which handlers a topic name reaches. Knows states, nothing of time or of the wire.
 *
 *     FREE -add-> WANT -send-> ASKED -SUBACK-> ON        a lost session: ASKED, ON -> WANT
 *                   \_________________________/          SUBACK 0x80:   ASKED -> FREE
 *                       remove-> UNWANT -send-> UNASKED -UNSUBACK-> FREE
 */
#ifndef IOT_MQTT_SUBS_H
#define IOT_MQTT_SUBS_H

#include "iot/iot_mqtt.h"
#include "mqtt/iot_mqtt_index.h"

enum iot_mqtt_sub_state {
    IOT_SUB_FREE,
    IOT_SUB_WANT,
    IOT_SUB_ASKED,
    IOT_SUB_ON,
    IOT_SUB_UNWANT,
    IOT_SUB_UNASKED,
};

#if IOT_FEATURE_RECEIVE

struct iot_mqtt_sub {
    iot_ticket ticket;
    iot_mqtt_handler on_message;
    void *ctx;
    uint16_t id; /* of the SUBSCRIBE or UNSUBSCRIBE on its way */
    uint8_t state;
    uint8_t qos : 2;      /* asked for */
    uint8_t granted : 2;  /* what the last SUBACK said */
    uint8_t in_parts : 1; /* the handler takes messages larger than the window (iot_mqtt_parts.h) */
    uint8_t announce : 1; /* the next SUBACK is an event whatever it says */
};

struct iot_mqtt_subs {
    uint8_t count;
    uint8_t due;   /* in WANT or UNWANT */
    uint8_t asked; /* in ASKED or UNASKED: the broker owes an answer */
#if IOT_FEATURE_STATS
    uint8_t count_high;
#endif
    struct iot_mqtt_sub sub[IOT_MQTT_SUBS_MAX];
    struct iot_topic_index index; /* the texts; only WANT, ASKED, ON are in it */
};

/** Errors of iot_mqtt_subscribe; IOT_ERR_SIZE is the caller's to check. */
iot_err iot_mqtt_subs_add(struct iot_mqtt_subs *t, const struct iot_filter *f, iot_ticket ticket);

/** The next slot in WANT or UNWANT, or NULL. `*filter` out. */
struct iot_mqtt_sub *iot_mqtt_subs_due(struct iot_mqtt_subs *t, struct iot_bytes *filter);

/** What was due is on its way under `id`. */
void iot_mqtt_subs_asked(struct iot_mqtt_subs *t, struct iot_mqtt_sub *s, uint16_t id);

/** The slot that awaits an answer for `id` in this state, ASKED or UNASKED, or NULL. */
struct iot_mqtt_sub *iot_mqtt_subs_awaiting(struct iot_mqtt_subs *t, uint16_t id, uint8_t state);

/** SUBACK for it. `code` 0, 1, 2 or 0x80, which frees the slot. True: tell the application. */
bool iot_mqtt_subs_suback(struct iot_mqtt_subs *t, struct iot_mqtt_sub *s, uint8_t code);

/**
 * Ask every handler in `hits` (from iot_topic_index_match) to take the message. Whoever takes it, or
 * has no handler, loses its bit; who unsubscribes meanwhile loses it by iot_mqtt_subs_remove's
 * caller. `*handled` becomes true if any handler was asked. False: some declined, ask again.
 */
bool iot_mqtt_subs_deliver(const struct iot_mqtt_subs *t, uint32_t hits[IOT_TOPIC_HITS_WORDS],
                           struct iot_device *dev, const struct iot_msg *msg, bool *handled);

/** The connection is gone: what was on its way is due again. */
void iot_mqtt_subs_lost(struct iot_mqtt_subs *t);

/** Forget all of them. */
void iot_mqtt_subs_clear(struct iot_mqtt_subs *t);

/** Change its state, and the counts. */
void iot_mqtt_subs_enter(struct iot_mqtt_subs *t, struct iot_mqtt_sub *s,
                         enum iot_mqtt_sub_state next);

/** The broker knows none of them. */
void iot_mqtt_subs_renew(struct iot_mqtt_subs *t);

bool iot_mqtt_subs_has_id(const struct iot_mqtt_subs *t, uint16_t id);

/** The broker has to be asked for something. */
static inline bool iot_mqtt_subs_is_due(const struct iot_mqtt_subs *t)
{
    return t->due != 0;
}

#else

/* There is no table. */
#define iot_mqtt_subs_lost(t)       ((void)0)
#define iot_mqtt_subs_renew(t)      ((void)0)
#define iot_mqtt_subs_clear(t)      ((void)0)
#define iot_mqtt_subs_has_id(t, id) false
#define iot_mqtt_subs_is_due(t)     false

#endif

#endif
