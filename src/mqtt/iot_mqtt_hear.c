/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_hear.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_held.h"
#include "mqtt/iot_mqtt_keep.h"
#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_unsub.h"

void iot_mqtt_accept(struct iot_mqtt_session *s)
{
    iot_mqtt_inbox_take(&s->inbox, &s->offered);
}

void iot_mqtt_refuse(struct iot_mqtt_session *s)
{
    s->offered.type = s->large.type = 0;
}

static iot_err on_connack(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p, iot_time now,
                          struct iot_mqtt_event *ev)
{
    if (p->code != 0) {
        ev->code = p->code;
        return IOT_ERR_MQTT_REFUSED;
    }
    if (p->session_present && !iot_mqtt_keeps(s->opt))
        return IOT_ERR_MQTT_SESSION; /* MQTT-3.2.2-1 */

    s->phase = IOT_MQTT_PH_UP;
    iot_mqtt_watch_up(&s->watch);
    if (p->session_present) {
        s->resent = (uint16_t)iot_mqtt_outbox_resume(&s->box);
    } else {
        s->resent = (uint16_t)iot_mqtt_outbox_renew(&s->box, s->opt->hand_back);
        iot_mqtt_subs_renew(&s->subs);
    }
    iot_mqtt_qos2_up(s, p->session_present, now);
    ev->kind = IOT_MQTT_EV_CONNACK;
    ev->session_present = p->session_present;
    return IOT_OK;
}

/* Describes the message and says what it will be owed. One that is known already is to be answered
 * only: no event. */
static iot_err on_publish(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                          struct iot_mqtt_ack *answer, struct iot_mqtt_event *ev)
{
    bool known;
    iot_err err = iot_mqtt_inbox_judge(&s->inbox, p->qos, p->id, p->dup, answer, &known);
    if (err != IOT_OK || known)
        return err;
    ev->kind = IOT_MQTT_EV_MESSAGE;
    ev->msg.topic.text = (const char *)p->topic.ptr;
    ev->msg.topic.len = (uint16_t)p->topic.len;
    ev->msg.topic.prepared = 0; /* an application may put another text in before it publishes */
    ev->msg.payload = p->payload;
    ev->msg.qos = p->qos;
    ev->msg.flags = (uint8_t)((p->retain ? IOT_MSG_RETAIN : 0) | (p->dup ? IOT_MSG_DUP : 0));
    ev->msg.offset = 0;
    ev->msg.total = p->payload.len;
    return IOT_OK;
}

/* A packet larger than the window: a PUBLISH is passed on in parts or thrown away as it arrives. It
 * gets its answer at the end in either case, or the broker would send it for ever. */
static iot_err on_oversized(struct iot_mqtt_session *s, struct iot_bytes in,
                            const struct iot_mqtt_packet *p, uint32_t *used,
                            struct iot_mqtt_event *ev)
{
    if (p->type != IOT_MQTT_PUBLISH)
        return IOT_ERR_MQTT_TOO_LARGE;
    if (p->head == 0) /* not even the topic fits, or is not here yet */
        return in.len >= s->window ? IOT_ERR_MQTT_TOO_LARGE : IOT_ERR_AGAIN;
    if (s->phase != IOT_MQTT_PH_UP)
        return IOT_ERR_MQTT_PROTOCOL;

    iot_err err = on_publish(s, p, &s->large, ev);
    if (err != IOT_OK)
        return err;
    if (ev->kind == IOT_MQTT_EV_MESSAGE)
        ev->kind = IOT_MQTT_EV_LARGE;
    ev->err = IOT_ERR_MQTT_TOO_LARGE;
    ev->total = p->total;
    ev->msg.payload.ptr = NULL;
    ev->msg.payload.len = 0;
    s->body_left = ev->msg.total = p->total - p->head;
    iot_mqtt_parts_expect(s, ev->kind == IOT_MQTT_EV_LARGE);
    *used = p->head;
    return IOT_OK;
}

void iot_mqtt_digest_body(struct iot_mqtt_session *s, uint32_t n)
{
    s->body_left -= n;
    if (s->body_left == 0)
        iot_mqtt_inbox_take(&s->inbox, &s->large);
}

static iot_err on_body(struct iot_mqtt_session *s, struct iot_bytes in, uint32_t *used,
                       struct iot_mqtt_event *ev)
{
    uint32_t n = in.len < s->body_left ? in.len : s->body_left;
    if (n == 0)
        return IOT_ERR_AGAIN;
    if (n == s->body_left && s->large.type != 0 && !iot_mqtt_inbox_can_owe(&s->inbox))
        return IOT_ERR_FULL;
    *used = n;
    in.len = n;
    if (!iot_mqtt_parts_hear(s, in, ev))
        iot_mqtt_digest_body(s, n);
    return IOT_OK;
}

static iot_err on_suback(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p, iot_time now,
                         struct iot_mqtt_event *ev)
{
    struct iot_mqtt_sub *sub = iot_mqtt_subs_awaiting(&s->subs, p->id, IOT_SUB_ASKED);
    if (sub == NULL)
        return IOT_OK; /* MQTT-2.3.1-7: completes nobody else's request */
    if (p->payload.len != 1)
        return IOT_ERR_MQTT_PROTOCOL; /* MQTT-3.8.4-5: one filter, one code */
    iot_mqtt_watch_got(&s->watch, now);
    ev->ticket = sub->ticket;
    ev->code = p->payload.ptr[0];
    ev->err = ev->code > 2 ? IOT_ERR_MQTT_SUBACK : IOT_OK;
    if (iot_mqtt_subs_suback(&s->subs, sub, ev->code))
        ev->kind = IOT_MQTT_EV_SUBACK;
    return IOT_OK;
}

static iot_err on_packet(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p, iot_time now,
                         struct iot_mqtt_event *ev)
{
    if ((p->type == IOT_MQTT_CONNACK) != (s->phase == IOT_MQTT_PH_CONNECT))
        return IOT_ERR_MQTT_PROTOCOL; /* MQTT-3.2.0-1: first, and only once */

    iot_err err = IOT_OK;
    switch ((enum iot_mqtt_type)p->type) {
    case IOT_MQTT_CONNACK:
        return on_connack(s, p, now, ev);
    case IOT_MQTT_PUBLISH:
        err = on_publish(s, p, &s->offered, ev);
        if (err == IOT_OK && ev->kind == IOT_MQTT_EV_NONE)
            iot_mqtt_accept(s);
        return err;
    case IOT_MQTT_PUBACK:
        if (iot_mqtt_outbox_puback(&s->box, p->id))
            iot_mqtt_watch_got(&s->watch, now);
        return IOT_OK;
    case IOT_MQTT_PUBREC:
        return iot_mqtt_on_pubrec(s, p->id, now);
    case IOT_MQTT_PUBREL: /* answered also for an unknown id */
        if (!iot_mqtt_inbox_can_owe(&s->inbox))
            return IOT_ERR_FULL;
        iot_mqtt_held_release(&s->inbox, p->id);
        iot_mqtt_inbox_owe(&s->inbox, IOT_MQTT_PUBCOMP, p->id);
        return IOT_OK;
    case IOT_MQTT_PUBCOMP:
        iot_mqtt_on_pubcomp(s, p->id, now);
        return IOT_OK;
    case IOT_MQTT_SUBACK:
        return on_suback(s, p, now, ev);
    case IOT_MQTT_UNSUBACK:
        iot_mqtt_on_unsuback(s, p->id, now, ev);
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

iot_err iot_mqtt_feed(struct iot_mqtt_session *s, struct iot_bytes in, iot_time now, uint32_t *used,
                      struct iot_mqtt_event *ev)
{
    *used = 0;
    ev->kind = IOT_MQTT_EV_NONE;
    ev->err = IOT_OK;
    if (s->phase == IOT_MQTT_PH_BYE) {
        *used = in.len;
        return in.len != 0 ? IOT_OK : IOT_ERR_AGAIN;
    }
    if (s->body_left != 0)
        return on_body(s, in, used, ev);

    struct iot_mqtt_packet p;
    iot_err err = iot_mqtt_decode(in, &p);
    /* Only PUBLISH is judged by its contents: what else is too large is so from its header on,
     * however much of it is here. */
    if (p.total > s->window && (err == IOT_ERR_AGAIN || p.type != IOT_MQTT_PUBLISH))
        err = on_oversized(s, in, &p, used, ev);
    else if (err == IOT_OK) {
        err = on_packet(s, &p, now, ev);
        if (err == IOT_OK)
            *used = p.total;
    }
    if (err != IOT_OK && err != IOT_ERR_MQTT_REFUSED && in.len != 0)
        ev->code = in.ptr[0];
    return err;
}
