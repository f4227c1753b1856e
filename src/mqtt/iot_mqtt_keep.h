/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives a connection, where the broker keeps our session: messages in flight, and what
 * is known of packet ids. */
#ifndef IOT_MQTT_KEEP_H
#define IOT_MQTT_KEEP_H

#include "mqtt/iot_mqtt_session.h"

#if IOT_FEATURE_SESSION_KEEP

static inline bool iot_mqtt_keeps(const struct iot_options *opt)
{
    return opt->session != IOT_SESSION_CLEAN;
}

/** Such a session can be had. */
static inline bool iot_mqtt_keep_fits(const struct iot_options *opt)
{
    (void)opt;
    return true;
}

/** Ids are without limit, or none is known to be free. */
static inline void iot_mqtt_keep_init(struct iot_mqtt_session *s)
{
    s->id_left = s->opt->session != IOT_SESSION_KEEP_REBOOT ? UINT16_MAX : 0;
}

/** One more id is handed out. False: it cannot be. */
bool iot_mqtt_keep_use_id(struct iot_mqtt_session *s);

/** The last `n` were not used after all. */
void iot_mqtt_keep_return_ids(struct iot_mqtt_session *s, uint16_t n);

/** The session goes on: send again with the same ids and DUP (MQTT-4.4.0-1). Returns how many. */
uint32_t iot_mqtt_outbox_resume(struct iot_mqtt_outbox *box);

/** The broker has lost the session: send again as new, or, with `hand_back`, end as UNKNOWN what was
 *  sent. Messages in REL end so in any case, their bytes are gone. Returns how many are sent again. */
uint32_t iot_mqtt_outbox_renew(struct iot_mqtt_outbox *box, bool hand_back);

#else

/* What was in flight has ended with the connection. */

static inline bool iot_mqtt_keeps(const struct iot_options *opt)
{
    (void)opt;
    return false;
}

static inline bool iot_mqtt_keep_fits(const struct iot_options *opt)
{
    return opt->session == IOT_SESSION_CLEAN;
}

static inline void iot_mqtt_keep_init(struct iot_mqtt_session *s)
{
    (void)s;
}

static inline bool iot_mqtt_keep_use_id(struct iot_mqtt_session *s)
{
    (void)s;
    return true;
}

static inline void iot_mqtt_keep_return_ids(struct iot_mqtt_session *s, uint16_t n)
{
    (void)s, (void)n;
}

static inline uint32_t iot_mqtt_outbox_resume(struct iot_mqtt_outbox *box)
{
    (void)box;
    return 0;
}

static inline uint32_t iot_mqtt_outbox_renew(struct iot_mqtt_outbox *box, bool hand_back)
{
    (void)box, (void)hand_back;
    return 0;
}

#endif
#endif
