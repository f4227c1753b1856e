/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_qos2.h"

#include "mqtt/iot_mqtt_held.h"
#include "mqtt/iot_mqtt_rel.h"
#include "mqtt/iot_mqtt_session.h"

#if IOT_FEATURE_QOS2

void iot_mqtt_qos2_init(struct iot_mqtt_session *s)
{
    /* With kv, ids of before are out of reach at first. */
    s->qos2.far = s->opt->session != IOT_SESSION_KEEP_REBOOT;
}

void iot_mqtt_qos2_up(struct iot_mqtt_session *s, bool session_present)
{
    s->qos2.inherited = session_present && (s->qos2.inherited || !s->qos2.met);
    s->qos2.met = true;
    if (!session_present)
        iot_mqtt_held_lost(&s->inbox, false);
    for (uint32_t i = 0; i < iot_mqtt_rels(&s->box); i++) /* each is owed a PUBCOMP */
        iot_mqtt_watch_await(&s->watch, s->now);
}

void iot_mqtt_qos2_lost(struct iot_mqtt_session *s)
{
    s->qos2.settling = false;
    s->qos2.cleared_id = 0;
}

void iot_mqtt_qos2_finish(struct iot_mqtt_session *s)
{
    s->qos2.met = false;
}

void iot_mqtt_qos2_base(struct iot_mqtt_session *s, uint16_t id)
{
    s->qos2.base_id = id;
}

void iot_mqtt_qos2_id(struct iot_mqtt_session *s, uint16_t id)
{
    s->qos2.far |= (uint16_t)(id - s->qos2.base_id) == UINT16_MAX / 2;
}

/* PUBREC is answered by PUBREL: ours from the outbox' state, in the order of arrival; for an id that
 * we know nothing of it is owed like an acknowledgement, or the broker could never finish. */
iot_err iot_mqtt_on_pubrec(struct iot_mqtt_session *s, uint16_t id)
{
    if (iot_mqtt_outbox_pubrec(&s->box, id)) {
        iot_mqtt_watch_got(&s->watch, s->now);
        iot_mqtt_watch_await(&s->watch, s->now);
        return IOT_OK;
    }
    if (iot_mqtt_outbox_has_id(&s->box, id))
        return IOT_OK; /* another message's id, or its PUBREL is out already */
    /* MQTT-4.6.0-4: acknowledgements leave before the outbox' PUBRELs, so those must be out. */
    if (!iot_mqtt_inbox_can_owe(&s->inbox) || (iot_mqtt_rels_due(&s->box) && !s->inbox.mute))
        return IOT_ERR_FULL;
    iot_mqtt_inbox_owe(&s->inbox, IOT_MQTT_PUBREL, id);
    return IOT_OK;
}

void iot_mqtt_on_pubcomp(struct iot_mqtt_session *s, uint16_t id)
{
    if (iot_mqtt_outbox_pubcomp(&s->box, id))
        iot_mqtt_watch_got(&s->watch, s->now);
}

void iot_mqtt_qos2_ponged(struct iot_mqtt_session *s)
{
    if (s->qos2.settling)
        iot_mqtt_held_settle(&s->inbox);
    s->qos2.settling = false;
}

bool iot_mqtt_unsettled(const struct iot_mqtt_session *s)
{
    return s->phase == IOT_MQTT_PH_UP && iot_mqtt_held_unsure(&s->inbox) && !s->watch.want_ping &&
           s->watch.ping_deadline == IOT_TIME_NEVER;
}

void iot_mqtt_settle(struct iot_mqtt_session *s)
{
    s->qos2.settling = true;
    iot_mqtt_watch_probe(&s->watch);
}

/* A broker that still holds the id of a message of before would take a new QoS 2 message under it for a
 * repetition, acknowledge it and throw it away. PUBREL before it ends the old one (MQTT-4.3.3-2: it is
 * answered whatever the broker holds); the answer means nothing to the new one, which awaits PUBREC. */
bool iot_mqtt_needs_clearing(const struct iot_mqtt_session *s, const struct iot_mqtt_out *m)
{
    return s->qos2.inherited && s->qos2.far && m->qos == 2 && !m->again &&
           s->qos2.cleared_id != m->id;
}

void iot_mqtt_cleared(struct iot_mqtt_session *s, uint16_t id)
{
    s->qos2.cleared_id = id;
}

#endif
