/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_hear.h"

#include "core/iot_core_assert.h"

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
    if (p->session_present && s->opt->session == IOT_SESSION_CLEAN)
        return IOT_ERR_MQTT_SESSION; /* MQTT-3.2.2-1 */

    s->phase = IOT_MQTT_PH_UP;
    iot_mqtt_watch_up(&s->watch);
    s->inherited = p->session_present && (s->inherited || !s->met);
    s->met = true;
    if (p->session_present) {
        s->resent = (uint16_t)iot_mqtt_outbox_resume(&s->box);
    } else {
        s->inbox.held = s->inbox.sure = 0;
        s->resent = (uint16_t)iot_mqtt_outbox_renew(&s->box, s->opt->hand_back);
        iot_mqtt_subs_renew(&s->subs);
    }
    /* PUBRELs go out again; each is owed a PUBCOMP. */
    for (uint32_t i = 0; i < s->box.rels; i++)
        iot_mqtt_watch_await(&s->watch, now);
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
    s->in_parts = ev->kind == IOT_MQTT_EV_MESSAGE;
    if (s->in_parts)
        ev->kind = IOT_MQTT_EV_LARGE;
    ev->err = IOT_ERR_MQTT_TOO_LARGE;
    ev->total = p->total;
    ev->msg.payload.ptr = NULL;
    ev->msg.payload.len = 0;
    s->body = s->body_left = ev->msg.total = p->total - p->head;
    *used = p->head;
    return IOT_OK;
}

static void digest_body(struct iot_mqtt_session *s, uint32_t n)
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
    if (s->in_parts) {
        ev->kind = IOT_MQTT_EV_PART;
        ev->msg.payload.ptr = in.ptr;
        ev->msg.payload.len = n;
        ev->msg.offset = s->body - s->body_left;
        ev->msg.total = s->body;
    } else {
        digest_body(s, n);
    }
    return IOT_OK;
}

bool iot_mqtt_accept_part(struct iot_mqtt_session *s, uint32_t n)
{
    digest_body(s, n);
    return s->body_left == 0;
}

void iot_mqtt_skip_rest(struct iot_mqtt_session *s)
{
    s->in_parts = false;
}

static iot_err on_suback(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p, iot_time now,
                         struct iot_mqtt_event *ev)
{
    struct iot_mqtt_sub *sub = iot_mqtt_subs_awaiting(&s->subs, p->id, false);
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

static void on_unsuback(struct iot_mqtt_session *s, uint16_t id, iot_time now,
                        struct iot_mqtt_event *ev)
{
    struct iot_mqtt_sub *sub = iot_mqtt_subs_awaiting(&s->subs, id, true);
    if (sub == NULL)
        return;
    iot_mqtt_watch_got(&s->watch, now);
    iot_mqtt_subs_unsuback(&s->subs, sub);
    ev->kind = IOT_MQTT_EV_UNSUBACK;
    ev->ticket = sub->ticket;
}

/* PUBREC is answered by PUBREL: ours from the outbox' state, in the order of arrival; for an id that
 * we know nothing of it is owed like an acknowledgement, or the broker could never finish. */
static iot_err on_pubrec(struct iot_mqtt_session *s, uint16_t id, iot_time now)
{
    if (iot_mqtt_outbox_pubrec(&s->box, id)) {
        iot_mqtt_watch_got(&s->watch, now);
        iot_mqtt_watch_await(&s->watch, now);
        return IOT_OK;
    }
    if (iot_mqtt_outbox_has_id(&s->box, id))
        return IOT_OK; /* another message's id, or its PUBREL is out already */
    /* MQTT-4.6.0-4: acknowledgements leave before the outbox' PUBRELs, so those must be out. */
    if (!iot_mqtt_inbox_can_owe(&s->inbox) || (s->box.rels_sent != s->box.rels && !s->inbox.mute))
        return IOT_ERR_FULL;
    iot_mqtt_inbox_owe(&s->inbox, IOT_MQTT_PUBREL, id);
    return IOT_OK;
}

static void on_pubcomp(struct iot_mqtt_session *s, uint16_t id, iot_time now)
{
    if (iot_mqtt_outbox_pubcomp(&s->box, id))
        iot_mqtt_watch_got(&s->watch, now);
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
        return on_pubrec(s, p->id, now);
    case IOT_MQTT_PUBREL: /* answered also for an unknown id */
        if (!iot_mqtt_inbox_can_owe(&s->inbox))
            return IOT_ERR_FULL;
        iot_mqtt_inbox_release(&s->inbox, p->id);
        iot_mqtt_inbox_owe(&s->inbox, IOT_MQTT_PUBCOMP, p->id);
        return IOT_OK;
    case IOT_MQTT_PUBCOMP:
        on_pubcomp(s, p->id, now);
        return IOT_OK;
    case IOT_MQTT_SUBACK:
        return on_suback(s, p, now, ev);
    case IOT_MQTT_UNSUBACK:
        on_unsuback(s, p->id, now, ev);
        return IOT_OK;
    case IOT_MQTT_PINGRESP:
        if (iot_mqtt_watch_ponged(&s->watch) && s->settling) {
            iot_mqtt_inbox_settle(&s->inbox);
            s->settling = false;
        }
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
