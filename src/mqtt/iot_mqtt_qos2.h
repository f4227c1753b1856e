/* SPDX-License-Identifier: Apache-2.0 */
/* What QoS 2 adds to a session: the second half of its handshakes, and ids that one end holds and the other has
 * forgotten. */
#ifndef IOT_MQTT_QOS2_H
#define IOT_MQTT_QOS2_H

#include "mqtt/iot_mqtt_codec.h"
#include "mqtt/iot_mqtt_outbox.h"

struct iot_mqtt_session;

#if IOT_FEATURE_QOS2

struct iot_mqtt_qos2 {
    bool met;       /* since init or close a CONNACK has come */
    bool inherited; /* the broker's session is older: it may hold QoS 2 ids that are none of ours */
    bool far;       /* and we may meet them: ids have come far from where they began */
    bool settling;  /* the next PINGRESP settles the QoS 2 ids */
    uint16_t base_id;    /* where ids began */
    uint16_t cleared_id; /* the PUBREL that clears it is out, its PUBLISH comes next */
};

void iot_mqtt_qos2_init(struct iot_mqtt_session *s);

/** CONNACK: PUBRELs go out again. */
void iot_mqtt_qos2_up(struct iot_mqtt_session *s, bool session_present);

void iot_mqtt_qos2_lost(struct iot_mqtt_session *s);

/** The application closed: messages end here that the broker may hold. */
void iot_mqtt_qos2_finish(struct iot_mqtt_session *s);

/** Ids go on behind `id`, as kv says. */
void iot_mqtt_qos2_base(struct iot_mqtt_session *s, uint16_t id);

/** This one is handed out. */
void iot_mqtt_qos2_id(struct iot_mqtt_session *s, uint16_t id);

/** PUBREC, PUBREL, PUBCOMP came. IOT_OK; IOT_ERR_FULL: owed acknowledgements must leave first. */
iot_err iot_mqtt_on_pubrec(struct iot_mqtt_session *s, uint16_t id);
void iot_mqtt_on_pubcomp(struct iot_mqtt_session *s, uint16_t id);

/** PINGRESP came. */
void iot_mqtt_qos2_ponged(struct iot_mqtt_session *s);

/** Of a session that goes on there are QoS 2 ids that the broker has not named yet. When it has had the time
 *  to repeat what it has, `settle` asks for a PINGRESP: those that it has not named by then it does not
 *  know (iot_mqtt_held_settle). */
bool iot_mqtt_unsettled(const struct iot_mqtt_session *s);
void iot_mqtt_settle(struct iot_mqtt_session *s);

/** PUBREL has to go before this message. */
bool iot_mqtt_needs_clearing(const struct iot_mqtt_session *s, const struct iot_mqtt_out *m);

/** Which id PUBREL cleared; 0: its PUBLISH follows. */
void iot_mqtt_cleared(struct iot_mqtt_session *s, uint16_t id);

#else

static inline void iot_mqtt_qos2_init(struct iot_mqtt_session *s)
{
    (void)s;
}

static inline void iot_mqtt_qos2_up(struct iot_mqtt_session *s, bool session_present)
{
    (void)s, (void)session_present;
}

static inline void iot_mqtt_qos2_lost(struct iot_mqtt_session *s)
{
    (void)s;
}

static inline void iot_mqtt_qos2_finish(struct iot_mqtt_session *s)
{
    (void)s;
}

static inline void iot_mqtt_qos2_base(struct iot_mqtt_session *s, uint16_t id)
{
    (void)s, (void)id;
}

static inline void iot_mqtt_qos2_id(struct iot_mqtt_session *s, uint16_t id)
{
    (void)s, (void)id;
}

/* Answers to what was never sent: harmless. */
static inline iot_err iot_mqtt_on_pubrec(struct iot_mqtt_session *s, uint16_t id)
{
    (void)s, (void)id;
    return IOT_OK;
}

static inline void iot_mqtt_on_pubcomp(struct iot_mqtt_session *s, uint16_t id)
{
    (void)s, (void)id;
}

static inline void iot_mqtt_qos2_ponged(struct iot_mqtt_session *s)
{
    (void)s;
}

static inline bool iot_mqtt_unsettled(const struct iot_mqtt_session *s)
{
    (void)s;
    return false;
}

static inline void iot_mqtt_settle(struct iot_mqtt_session *s)
{
    (void)s;
}

static inline bool iot_mqtt_needs_clearing(const struct iot_mqtt_session *s,
                                           const struct iot_mqtt_out *m)
{
    (void)s, (void)m;
    return false;
}

static inline void iot_mqtt_cleared(struct iot_mqtt_session *s, uint16_t id)
{
    (void)s, (void)id;
}

#endif
#endif
