/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_hear.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_errand.h"
#include "mqtt/iot_mqtt_held.h"
#include "mqtt/iot_mqtt_keep.h"
#include "mqtt/iot_mqtt_offer.h"
#include "mqtt/iot_mqtt_request.h"
#include "mqtt/iot_mqtt_unsub.h"

static iot_err on_connack(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                          struct iot_mqtt_event *ev)
{
    if (p->code != 0) {
        ev->code = p->code;
        return IOT_ERR_MQTT_REFUSED;
    }
    if (p->session_present && (!iot_mqtt_keeps(s->opt) || iot_mqtt_errand(s)))
        return IOT_ERR_MQTT_SESSION; /* MQTT-3.2.2-1 */

    s->phase = IOT_MQTT_PH_UP;
    iot_mqtt_watch_up(&s->watch);
    ev->kind = IOT_MQTT_EV_CONNACK;
    ev->session_present = p->session_present;
    if (iot_mqtt_errand(s))
        return IOT_OK;
    if (p->session_present) {
        s->resent = (uint16_t)iot_mqtt_outbox_resume(&s->box);
    } else {
        s->resent = (uint16_t)iot_mqtt_outbox_renew(&s->box, s->opt->hand_back);
        iot_mqtt_subs_renew(&s->subs);
    }
    iot_mqtt_qos2_up(s, p->session_present);
    return IOT_OK;
}

/* Answers to what the application had in flight on another connection, and QoS 2, whose memory is of that one, are
 * as much out of place as a second CONNACK. */
static bool strange_on_errand(const struct iot_mqtt_session *s, const struct iot_mqtt_packet *p)
{
    if (!iot_mqtt_errand(s) || p->type == IOT_MQTT_CONNACK || p->type == IOT_MQTT_PINGRESP)
        return false;
    return p->type != IOT_MQTT_PUBLISH || p->qos == 2;
}

static iot_err on_packet(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                         struct iot_mqtt_event *ev)
{
    if ((p->type == IOT_MQTT_CONNACK) != (s->phase == IOT_MQTT_PH_CONNECT))
        return IOT_ERR_MQTT_PROTOCOL; /* MQTT-3.2.0-1: first, and only once */
    if (strange_on_errand(s, p))
        return IOT_ERR_MQTT_PROTOCOL;

    switch ((enum iot_mqtt_type)p->type) {
    case IOT_MQTT_CONNACK:
        return on_connack(s, p, ev);
    case IOT_MQTT_PUBLISH:
        return iot_mqtt_offer(s, p, ev);
    case IOT_MQTT_PUBACK:
        if (iot_mqtt_outbox_puback(&s->box, p->id))
            iot_mqtt_watch_got(&s->watch, s->now);
        return IOT_OK;
    case IOT_MQTT_PUBREC:
        return iot_mqtt_on_pubrec(s, p->id);
    case IOT_MQTT_PUBREL: /* answered also for an unknown id */
        if (!iot_mqtt_inbox_can_owe(&s->inbox))
            return IOT_ERR_FULL;
        iot_mqtt_held_release(&s->inbox, p->id);
        iot_mqtt_inbox_owe(&s->inbox, IOT_MQTT_PUBCOMP, p->id);
        return IOT_OK;
    case IOT_MQTT_PUBCOMP:
        iot_mqtt_on_pubcomp(s, p->id);
        return IOT_OK;
    case IOT_MQTT_SUBACK:
        return iot_mqtt_on_suback(s, p, ev);
    case IOT_MQTT_UNSUBACK:
        iot_mqtt_on_unsuback(s, p->id, ev);
        return IOT_OK;
    case IOT_MQTT_PINGRESP:
        if (iot_mqtt_watch_ponged(&s->watch))
            iot_mqtt_qos2_ponged(s);
        return IOT_OK;
    case IOT_MQTT_CONNECT:
    case IOT_MQTT_SUBSCRIBE:
    case IOT_MQTT_UNSUBSCRIBE:
    case IOT_MQTT_PINGREQ:
    case IOT_MQTT_DISCONNECT:
        break; /* decode lets none of these through */
    }
    IOT_UNREACHABLE();
    return IOT_ERR_MQTT_PROTOCOL;
}

iot_err iot_mqtt_feed(struct iot_mqtt_session *s, struct iot_bytes in, uint32_t *used,
                      struct iot_mqtt_event *ev)
{
    *used = 0;
    ev->kind = IOT_MQTT_EV_NONE;
    ev->err = IOT_OK;
    if (s->phase == IOT_MQTT_PH_BYE) {
        *used = in.len;
        return in.len != 0 ? IOT_OK : IOT_ERR_AGAIN;
    }
    if (iot_mqtt_in_body(s))
        return iot_mqtt_offer_body(s, in, used, ev);

    struct iot_mqtt_packet p;
    iot_err err = iot_mqtt_decode(in, &p);
    /* Only PUBLISH is judged by its contents: what else is too large is so from its header on,
     * however much of it is here. */
    if (p.total > s->window && iot_mqtt_errand(s))
        err = IOT_ERR_MQTT_TOO_LARGE;
    else if (p.total > s->window && (err == IOT_ERR_AGAIN || p.type != IOT_MQTT_PUBLISH))
        err = iot_mqtt_offer_large(s, in, &p, used, ev);
    else if (err == IOT_OK) {
        err = on_packet(s, &p, ev);
        if (err == IOT_OK)
            *used = p.total;
    }
    if (err != IOT_OK && err != IOT_ERR_MQTT_REFUSED && in.len != 0)
        ev->code = in.ptr[0];
    return err;
}
