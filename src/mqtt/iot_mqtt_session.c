/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_session.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_utf8.h"

#include <string.h>

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

/* Ends, because fewer than 65535 ids can be in use. */
uint16_t iot_mqtt_fresh_id(struct iot_mqtt_session *s)
{
    uint16_t id;
    do {
        if (s->id_left == 0)
            return 0;
        if (s->id_left != UINT16_MAX)
            s->id_left--;
        id = s->next_id++;
        s->far |= (uint16_t)(id - s->base_id) == UINT16_MAX / 2;
    } while (id == 0 || iot_mqtt_outbox_has_id(&s->box, id) || iot_mqtt_subs_has_id(&s->subs, id));
    return id;
}

void iot_mqtt_return_id(struct iot_mqtt_session *s, uint16_t id)
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
    s->far = opt->session != IOT_SESSION_KEEP_REBOOT; /* ids of before are out of reach at first */
    s->id_left = s->far ? UINT16_MAX : 0;
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
    IOT_ASSERT(s->phase == IOT_MQTT_PH_IDLE);
    iot_err err = iot_mqtt_session_check(s->opt, who, scratch, cap, &s->part_left);
    if (err != IOT_OK)
        return err;
    s->phase = IOT_MQTT_PH_CONNECT;
    s->part = IOT_MQTT_PART_CONNECT;
    s->part_ptr = scratch;
    iot_mqtt_watch_connect(&s->watch, now);
    return IOT_OK;
}

void iot_mqtt_session_lost(struct iot_mqtt_session *s)
{
    bool keep = s->opt->session != IOT_SESSION_CLEAN;
    iot_mqtt_outbox_lost(&s->box, keep);
    iot_mqtt_subs_lost(&s->subs);
    s->phase = IOT_MQTT_PH_IDLE;
    s->part = IOT_MQTT_PART_NONE;
    iot_mqtt_inbox_lost(&s->inbox, keep);
    s->ctl_len = 0;
    iot_mqtt_watch_off(&s->watch);
    s->body_left = 0;
    s->offered.type = s->large.type = 0;
    s->bye_put = s->settling = false;
    s->cleared_id = 0;
}

void iot_mqtt_session_mute(struct iot_mqtt_session *s)
{
    s->inbox.mute = true;
    s->inbox.owed = 0;
}

void iot_mqtt_session_finish(struct iot_mqtt_session *s)
{
    iot_mqtt_session_lost(s);
    s->met = false; /* messages end here that the broker may hold */
    iot_mqtt_outbox_finish(&s->box);
    uint8_t high = s->subs.count_high;
    memset(&s->subs, 0, sizeof s->subs);
    s->subs.count_high = high;
}

void iot_mqtt_session_bye(struct iot_mqtt_session *s)
{
    /* Before CONNACK DISCONNECT would be allowed, and pointless. */
    IOT_ASSERT(s->phase == IOT_MQTT_PH_UP);
    s->phase = IOT_MQTT_PH_BYE;
    iot_mqtt_watch_off(&s->watch);
}

bool iot_mqtt_said_bye(const struct iot_mqtt_session *s)
{
    return s->bye_put && s->part == IOT_MQTT_PART_NONE;
}

bool iot_mqtt_up(const struct iot_mqtt_session *s)
{
    return s->phase == IOT_MQTT_PH_UP;
}

bool iot_mqtt_unsettled(const struct iot_mqtt_session *s)
{
    return s->phase == IOT_MQTT_PH_UP && s->inbox.held != s->inbox.sure && !s->watch.want_ping &&
           s->watch.ping_deadline == IOT_TIME_NEVER;
}

void iot_mqtt_settle(struct iot_mqtt_session *s)
{
    s->settling = true;
    iot_mqtt_watch_probe(&s->watch);
}

bool iot_mqtt_session_idle(const struct iot_mqtt_session *s)
{
    return s->box.count == 0 && s->box.dropped_count == 0 && s->subs.due == 0 &&
           s->watch.awaited == 0 && s->inbox.owed == 0 && s->inbox.held == 0 &&
           s->part == IOT_MQTT_PART_NONE && s->box.writer.len == 0;
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
    if (s->part == IOT_MQTT_PART_HEAD) {
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
    uint16_t id = msg->qos != 0 ? iot_mqtt_fresh_id(s) : 0;
    if (id == 0 && msg->qos != 0)
        return IOT_ERR_AGAIN;
    err = iot_mqtt_outbox_put(&s->box, msg, id, peek_ticket(s));
    follow(s);
    if (err == IOT_OK)
        use_ticket(s, ticket);
    else if (id != 0)
        iot_mqtt_return_id(s, id); /* nothing changed */
    return err;
}

iot_err iot_mqtt_session_stream(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                uint32_t total, iot_mqtt_source source, void *ctx,
                                iot_ticket *ticket)
{
    if (msg->qos != 0 || (msg->flags & IOT_MSG_BY_REF) || total == 0 || source == NULL)
        return IOT_ERR_ARG;
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
    uint16_t id = s->box.writer.qos != 0 ? iot_mqtt_fresh_id(s) : 0;
    if (id == 0 && s->box.writer.qos != 0) {
        iot_mqtt_outbox_cancel(&s->box);
        return IOT_ERR_AGAIN;
    }
    iot_err err = iot_mqtt_outbox_commit(&s->box, w, id, peek_ticket(s));
    if (err == IOT_OK)
        use_ticket(s, ticket);
    else if (id != 0)
        iot_mqtt_return_id(s, id);
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
