/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_session.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_utf8.h"

#include <string.h>

enum session_phase { PH_IDLE, PH_CONNECT, PH_UP, PH_BYE };

/* What is being handed to the stream; once begun it is finished before anything else is. */
enum session_part { PART_NONE, PART_CONNECT, PART_CTL, PART_HEAD, PART_REF, PART_SOURCE };

/* ---- Tickets and packet ids -------------------------------------------------------------- */

static iot_ticket peek_ticket(const struct iot_mqtt_session *s)
{
    return s->next_ticket;
}

static void use_ticket(struct iot_mqtt_session *s, iot_ticket *out)
{
    if (out != NULL)
        *out = s->next_ticket;
    if (++s->next_ticket == 0)
        s->next_ticket = 1;
}

/* Not in use by a message or a subscription (MQTT-2.3.1-1, -2); 0: none is left. Ends, because fewer
 * than 65535 can be in use. */
static uint16_t fresh_id(struct iot_mqtt_session *s)
{
    uint16_t id;
    do {
        if (s->id_left == 0)
            return 0;
        if (s->id_left != UINT16_MAX)
            s->id_left--;
        id = s->next_id++;
    } while (id == 0 || iot_mqtt_outbox_has_id(&s->box, id) || iot_mqtt_subs_has_id(&s->subs, id));
    return id;
}

/* The last one was not used after all. */
static void return_id(struct iot_mqtt_session *s, uint16_t id)
{
    if (s->id_left != UINT16_MAX)
        s->id_left = (uint16_t)(s->id_left + (uint16_t)(s->next_id - id));
    s->next_id = id;
}

/* ---- Life -------------------------------------------------------------------------------- */

void iot_mqtt_session_init(struct iot_mqtt_session *s, const struct iot_options *opt,
                           uint32_t window)
{
    memset(s, 0, sizeof *s);
    s->opt = opt;
    s->window = window;
    s->next_ticket = 1;
    s->next_id = opt->first_id != 0 ? opt->first_id : 1;
    s->id_left = opt->session == IOT_SESSION_KEEP_REBOOT ? 0 : UINT16_MAX;
    s->box.policy = opt->queue;
    iot_mqtt_watch_init(&s->watch, opt);
}

static iot_err build_connect(const struct iot_options *opt, const struct iot_credentials *who,
                             uint8_t *scratch, uint32_t cap, uint32_t *len)
{
    struct iot_mqtt_connect c = {
        .client_id = who->client_id,
        .user_name = who->user_name,
        .password = who->password,
        .keepalive_s = opt->keepalive_s,
        .clean = opt->session == IOT_SESSION_CLEAN,
    };
    if (opt->will.topic.len != 0) {
        c.will_topic.ptr = (const uint8_t *)opt->will.topic.text;
        c.will_topic.len = opt->will.topic.len;
        c.will_payload = opt->will.payload;
        c.will_qos = opt->will.qos;
        c.will_retain = opt->will.retain;
    }
    return iot_mqtt_encode_connect(&c, scratch, cap, len);
}

iot_err iot_mqtt_session_check(const struct iot_options *opt, const struct iot_credentials *who,
                               uint8_t *scratch, uint32_t cap, uint32_t *len)
{
    if (who->client_id.ptr == NULL ||
        (who->client_id.len == 0 && opt->session != IOT_SESSION_CLEAN))
        return IOT_ERR_ARG; /* MQTT-3.1.3-7 */
    if (who->password.ptr != NULL && who->user_name.ptr == NULL)
        return IOT_ERR_ARG; /* MQTT-3.1.2-22 */
    if (!iot_utf8_valid(who->client_id) || !iot_utf8_valid(who->user_name))
        return IOT_ERR_MQTT_TOPIC;
    if (opt->will.topic.len != 0) {
        struct iot_msg will = {
            .topic = opt->will.topic, .payload = opt->will.payload, .qos = opt->will.qos};
        iot_err err = iot_mqtt_outbox_check(&will);
        if (err != IOT_OK)
            return err;
    }
    return build_connect(opt, who, scratch, cap, len);
}

iot_err iot_mqtt_session_start(struct iot_mqtt_session *s, const struct iot_credentials *who,
                               uint8_t *scratch, uint32_t cap, iot_time now)
{
    IOT_ASSERT(s->phase == PH_IDLE);
    iot_err err = iot_mqtt_session_check(s->opt, who, scratch, cap, &s->part_left);
    if (err != IOT_OK)
        return err;
    s->phase = PH_CONNECT;
    s->part = PART_CONNECT;
    s->part_ptr = scratch;
    iot_mqtt_watch_connect(&s->watch, now);
    return IOT_OK;
}

bool iot_mqtt_sending_connect(const struct iot_mqtt_session *s)
{
    return s->part == PART_CONNECT;
}

void iot_mqtt_session_lost(struct iot_mqtt_session *s)
{
    bool keep = s->opt->session != IOT_SESSION_CLEAN;
    iot_mqtt_outbox_lost(&s->box, keep);
    iot_mqtt_subs_lost(&s->subs);
    s->phase = PH_IDLE;
    s->part = PART_NONE;
    iot_mqtt_inbox_lost(&s->inbox, keep);
    s->ctl_len = 0;
    iot_mqtt_watch_off(&s->watch);
    s->body_left = 0;
    s->offered.type = s->large.type = 0;
    s->bye_put = false;
}

void iot_mqtt_session_mute(struct iot_mqtt_session *s)
{
    s->inbox.mute = true;
    s->inbox.owed = 0;
}

void iot_mqtt_session_finish(struct iot_mqtt_session *s)
{
    iot_mqtt_session_lost(s);
    iot_mqtt_outbox_finish(&s->box);
    uint8_t high = s->subs.count_high;
    memset(&s->subs, 0, sizeof s->subs);
    s->subs.count_high = high;
}

void iot_mqtt_session_bye(struct iot_mqtt_session *s)
{
    /* Before CONNACK DISCONNECT would be allowed, and pointless. */
    IOT_ASSERT(s->phase == PH_UP);
    s->phase = PH_BYE;
    iot_mqtt_watch_off(&s->watch);
}

bool iot_mqtt_said_bye(const struct iot_mqtt_session *s)
{
    return s->bye_put && s->part == PART_NONE;
}

bool iot_mqtt_up(const struct iot_mqtt_session *s)
{
    return s->phase == PH_UP;
}

bool iot_mqtt_unsettled(const struct iot_mqtt_session *s)
{
    return s->phase == PH_UP && s->inbox.held != s->inbox.sure && !s->watch.want_ping &&
           s->watch.ping_deadline == IOT_TIME_NEVER;
}

bool iot_mqtt_session_idle(const struct iot_mqtt_session *s)
{
    return s->box.count == 0 && s->box.dropped_count == 0 && s->subs.due == 0 &&
           s->watch.awaited == 0 && s->inbox.owed == 0 && s->inbox.held == 0 &&
           s->part == PART_NONE && s->box.writer.len == 0;
}

/* ---- Receiving --------------------------------------------------------------------------- */

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

    s->phase = PH_UP;
    iot_mqtt_watch_up(&s->watch);
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
    iot_err err = iot_mqtt_inbox_judge(&s->inbox, p->qos, p->id, answer, &known);
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
    if (s->phase != PH_UP)
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
    if ((p->type == IOT_MQTT_CONNACK) != (s->phase == PH_CONNECT))
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
        if (iot_mqtt_watch_ponged(&s->watch)) /* it comes behind all that CONNECT brought about */
            iot_mqtt_inbox_settle(&s->inbox);
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
    if (s->phase == PH_BYE) {
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

/* ---- Sending ----------------------------------------------------------------------------- */

static bool slot_has(const struct iot_mqtt_session *s, uint32_t n)
{
    return n <= (uint32_t)IOT_MQTT_CONTROL_BYTES - s->ctl_len;
}

static void put_ack(struct iot_mqtt_session *s, uint8_t type, uint16_t id)
{
    iot_mqtt_encode_ack(&s->ctl[s->ctl_len], (enum iot_mqtt_type)type, id);
    s->ctl_len = (uint16_t)(s->ctl_len + 4);
}

static void put_acks(struct iot_mqtt_session *s)
{
    uint32_t n = 0;
    while (n < s->inbox.owed && slot_has(s, 4)) {
        put_ack(s, s->inbox.ack[n].type, s->inbox.ack[n].id);
        n++;
    }
    iot_mqtt_inbox_paid(&s->inbox, n);
}

static void put_subs(struct iot_mqtt_session *s, iot_time now)
{
    struct iot_bytes filter;
    struct iot_mqtt_sub *sub;
    while ((sub = iot_mqtt_subs_due(&s->subs, &filter)) != NULL) {
        uint8_t *to = &s->ctl[s->ctl_len];
        uint32_t room = (uint32_t)IOT_MQTT_CONTROL_BYTES - s->ctl_len;
        uint16_t id = fresh_id(s);
        if (id == 0)
            return;
        uint32_t n = sub->state == IOT_SUB_WANT
                         ? iot_mqtt_encode_subscribe(to, room, id, filter, sub->qos)
                         : iot_mqtt_encode_unsubscribe(to, room, id, filter);
        if (n == 0) { /* the next time round it has the slot to itself */
            return_id(s, id);
            return;
        }
        iot_mqtt_subs_asked(&s->subs, sub, id);
        iot_mqtt_watch_await(&s->watch, now);
        s->ctl_len = (uint16_t)(s->ctl_len + n);
    }
}

/* Write what is owed into the control slot. */
static void put_control(struct iot_mqtt_session *s, iot_time now)
{
    s->ctl_len = 0;
    put_acks(s);
    uint16_t rel;
    while (slot_has(s, 4) && (rel = iot_mqtt_outbox_next_rel(&s->box)) != 0)
        put_ack(s, IOT_MQTT_PUBREL, rel);
    if (s->watch.want_ping && slot_has(s, 2)) {
        iot_mqtt_encode_empty(&s->ctl[s->ctl_len], IOT_MQTT_PINGREQ);
        s->ctl_len = (uint16_t)(s->ctl_len + 2);
        iot_mqtt_watch_pinged(&s->watch, now);
    }
    if (s->subs.due != 0)
        put_subs(s, now);
}

static void set_part(struct iot_mqtt_session *s, enum session_part part, const uint8_t *ptr,
                     uint32_t len)
{
    s->part = (uint8_t)part;
    s->part_ptr = ptr;
    s->part_left = len;
}

/* Choose what goes next: what is owed before messages. */
static void begin_part(struct iot_mqtt_session *s, iot_time now)
{
    if (s->phase == PH_BYE && !s->bye_put) {
        iot_mqtt_encode_empty(s->ctl, IOT_MQTT_DISCONNECT);
        s->bye_put = true;
        set_part(s, PART_CTL, s->ctl, 2);
    }
    if (s->phase != PH_UP)
        return;
    if (s->inbox.owed != 0 || s->watch.want_ping || s->subs.due != 0 ||
        s->box.rels_sent != s->box.rels) {
        put_control(s, now);
        if (s->ctl_len != 0) {
            set_part(s, PART_CTL, s->ctl, s->ctl_len);
            return;
        }
    }
    const struct iot_mqtt_out *m = iot_mqtt_outbox_next(&s->box);
    if (m != NULL) {
        set_part(s, PART_HEAD, &s->box.tx[m->at], m->len);
        s->box.sending = true;
    }
}

struct iot_bytes iot_mqtt_pending(struct iot_mqtt_session *s, iot_time now,
                                  enum iot_stream_write_flag *how)
{
    if (s->part == PART_NONE)
        begin_part(s, now);
    struct iot_bytes left = {s->part_ptr, s->part == PART_NONE ? 0 : s->part_left};
    *how = s->part == PART_REF ? IOT_STREAM_REF : IOT_STREAM_COPY;
    return left;
}

void iot_mqtt_sent(struct iot_mqtt_session *s, uint32_t n, uint32_t written, iot_time now)
{
    IOT_ASSERT(s->part != PART_NONE && n <= s->part_left);
    s->part_ptr += n;
    s->part_left -= n;
    if (s->part_left != 0)
        return;

    uint8_t part = s->part;
    if (part == PART_HEAD) {
        const struct iot_mqtt_out *m = iot_mqtt_outbox_next(&s->box);
        if (m->ref != NULL) {
            set_part(s, PART_REF, m->ref, m->ref_len);
            return;
        }
        if (m->streamed)
            part = s->part = PART_SOURCE;
    }
    if (part == PART_SOURCE && iot_mqtt_outbox_next(&s->box)->ref_len != 0)
        return;
    s->part = PART_NONE;
    s->watch.last_sent = now;
    if (part >= PART_HEAD && iot_mqtt_outbox_sent(&s->box, written))
        iot_mqtt_watch_await(&s->watch, now);
}

bool iot_mqtt_wants_pull(const struct iot_mqtt_session *s)
{
    return s->part == PART_SOURCE && s->part_left == 0;
}

/* The control slot is free while a message is being sent. */
void iot_mqtt_pull(struct iot_mqtt_session *s, struct iot_mqtt_pull *p)
{
    uint32_t left = iot_mqtt_outbox_next(&s->box)->ref_len;
    p->source = s->box.source.pull;
    p->ctx = s->box.source.ctx;
    p->offset = s->box.source.offset;
    memset(&p->w, 0, sizeof p->w);
    p->w.ptr = s->ctl;
    p->w.cap = left < sizeof s->ctl ? left : (uint32_t)sizeof s->ctl;
}

void iot_mqtt_pulled(struct iot_mqtt_session *s, uint32_t n)
{
    iot_mqtt_outbox_next(&s->box)->ref_len -= n;
    s->box.source.offset += n;
    set_part(s, PART_SOURCE, s->ctl, n);
}

bool iot_mqtt_ended(struct iot_mqtt_session *s, struct iot_mqtt_event *ev)
{
    if (!iot_mqtt_outbox_take(&s->box, &ev->ticket, &ev->err))
        return false;
    ev->kind = IOT_MQTT_EV_ENDED;
    return true;
}

/* ---- The application's requests ---------------------------------------------------------- */

/* Making room may have moved the message that is being sent. */
static void follow(struct iot_mqtt_session *s)
{
    if (s->part == PART_HEAD) {
        const struct iot_mqtt_out *m = iot_mqtt_outbox_next(&s->box);
        s->part_ptr = &s->box.tx[m->at + m->len - s->part_left];
    }
}

iot_err iot_mqtt_session_publish(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                 iot_ticket *ticket)
{
    iot_err err = iot_mqtt_outbox_check(msg);
    if (err != IOT_OK)
        return err;
    uint16_t id = msg->qos != 0 ? fresh_id(s) : 0;
    if (id == 0 && msg->qos != 0)
        return IOT_ERR_AGAIN;
    err = iot_mqtt_outbox_put(&s->box, msg, id, peek_ticket(s));
    follow(s);
    if (err == IOT_OK)
        use_ticket(s, ticket);
    else if (id != 0)
        return_id(s, id); /* nothing changed */
    return err;
}

iot_err iot_mqtt_session_stream(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                uint32_t total, iot_mqtt_source source, void *ctx,
                                iot_ticket *ticket)
{
    if (msg->qos != 0 || (msg->flags & IOT_MSG_BY_REF) || total == 0 || source == NULL)
        return IOT_ERR_ARG;
    if (total > IOT_MQTT_PAYLOAD_MAX)
        return IOT_ERR_SIZE;
    struct iot_msg head = *msg;
    head.payload.ptr = NULL;
    head.payload.len = 0;
    iot_err err = iot_mqtt_outbox_check(&head);
    if (err == IOT_OK)
        err = iot_mqtt_outbox_stream(&s->box, &head, total, source, ctx, peek_ticket(s));
    follow(s);
    if (err == IOT_OK)
        use_ticket(s, ticket);
    return err;
}

iot_err iot_mqtt_session_begin(struct iot_mqtt_session *s, const struct iot_msg *msg, uint32_t max,
                               struct iot_writer *w)
{
    struct iot_msg head = *msg;
    head.payload.ptr = NULL;
    head.payload.len = 0;
    iot_err err = iot_mqtt_outbox_check(&head);
    if (err == IOT_OK)
        err = iot_mqtt_outbox_begin(&s->box, &head, max, w);
    follow(s);
    return err;
}

iot_err iot_mqtt_session_commit(struct iot_mqtt_session *s, struct iot_writer *w,
                                iot_ticket *ticket)
{
    uint16_t id = s->box.writer.qos != 0 ? fresh_id(s) : 0;
    if (id == 0 && s->box.writer.qos != 0) {
        iot_mqtt_outbox_cancel(&s->box);
        return IOT_ERR_AGAIN;
    }
    iot_err err = iot_mqtt_outbox_commit(&s->box, w, id, peek_ticket(s));
    if (err == IOT_OK)
        use_ticket(s, ticket);
    else if (id != 0)
        return_id(s, id);
    return err;
}

iot_err iot_mqtt_session_subscribe(struct iot_mqtt_session *s, const struct iot_filter *f,
                                   iot_ticket *ticket)
{
    if (f->filter.len > IOT_MQTT_CONTROL_BYTES - 10)
        return IOT_ERR_SIZE; /* type, up to 4 of length, id, 2 of text length, QoS: 10 */
    uint32_t asked = s->subs.asked;
    iot_err err = iot_mqtt_subs_add(&s->subs, f, peek_ticket(s));
    if (err == IOT_OK) {
        iot_mqtt_watch_forget(&s->watch, asked - s->subs.asked);
        use_ticket(s, ticket);
    }
    return err;
}

iot_err iot_mqtt_session_unsubscribe(struct iot_mqtt_session *s, const struct iot_topic *filter,
                                     iot_ticket *ticket, uint8_t *slot)
{
    struct iot_bytes text = {(const uint8_t *)filter->text, filter->len};
    uint32_t asked = s->subs.asked;
    iot_err err = iot_mqtt_subs_remove(&s->subs, text, peek_ticket(s), slot);
    if (err == IOT_OK) {
        iot_mqtt_watch_forget(&s->watch, asked - s->subs.asked);
        use_ticket(s, ticket);
    }
    return err;
}
