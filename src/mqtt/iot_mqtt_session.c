/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_session.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_utf8.h"
#include "mqtt/iot_mqtt_errand.h"
#include "mqtt/iot_mqtt_held.h"
#include "mqtt/iot_mqtt_keep.h"
#include "mqtt/iot_mqtt_offer.h"
#include "mqtt/iot_mqtt_writer.h"
#include "mqtt/iot_mqtt_yield.h"

#include <string.h>

/* ---- Tickets and packet ids -------------------------------------------------------------- */

void iot_mqtt_use_ticket(struct iot_mqtt_session *s, iot_ticket *out)
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
        if (!iot_mqtt_keep_use_id(s))
            return 0;
        id = s->next_id++;
        iot_mqtt_qos2_id(s, id);
    } while (id == 0 || iot_mqtt_outbox_has_id(&s->box, id) || iot_mqtt_subs_has_id(&s->subs, id));
    return id;
}

void iot_mqtt_return_id(struct iot_mqtt_session *s, uint16_t id)
{
    iot_mqtt_keep_return_ids(s, (uint16_t)(s->next_id - id));
    s->next_id = id;
}

bool iot_mqtt_id_for(struct iot_mqtt_session *s, uint8_t qos, uint16_t *id)
{
    *id = qos != 0 ? iot_mqtt_fresh_id(s) : 0;
    return *id != 0 || qos == 0;
}

void iot_mqtt_start_elsewhere(struct iot_mqtt_session *s, uint32_t chance)
{
    s->next_id = (uint16_t)(chance >> 16 | 1u);
    if (!iot_mqtt_writer_open(&s->box)) /* it may hold the number of its ticket */
        s->next_ticket += chance & 0x7fffffff;
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
    iot_mqtt_keep_init(s);
    iot_mqtt_qos2_init(s);
    iot_mqtt_yield_init(&s->box, opt->queue);
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
        .clean = !iot_mqtt_keeps(opt) || iot_mqtt_errand_wanted(who),
    };
    if (!iot_mqtt_errand_wanted(who) && opt->will.topic.len != 0) {
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
    if (!iot_mqtt_keep_fits(opt) || !iot_mqtt_yield_fits(opt->queue))
        return IOT_ERR_ARG; /* not built in */
    if (who->client_id.ptr == NULL || (who->client_id.len == 0 && iot_mqtt_keeps(opt)))
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
                               uint8_t *scratch, uint32_t cap)
{
    IOT_ASSERT(s->phase == IOT_MQTT_PH_IDLE);
    iot_err err = iot_mqtt_session_check(s->opt, who, scratch, cap, &s->part_left);
    if (err != IOT_OK)
        return err;
    iot_mqtt_errand_set(s, iot_mqtt_errand_wanted(who));
    s->phase = IOT_MQTT_PH_CONNECT;
    s->part = IOT_MQTT_PART_CONNECT;
    s->part_ptr = scratch;
    iot_mqtt_watch_connect(&s->watch, s->now);
    return IOT_OK;
}

void iot_mqtt_session_lost(struct iot_mqtt_session *s)
{
    bool keep = iot_mqtt_keeps(s->opt);
    iot_mqtt_outbox_lost(&s->box, keep);
    iot_mqtt_subs_lost(&s->subs);
    iot_mqtt_errand_set(s, false);
    s->phase = IOT_MQTT_PH_IDLE;
    s->part = IOT_MQTT_PART_NONE;
    iot_mqtt_inbox_lost(&s->inbox, keep);
    s->ctl_len = 0;
    iot_mqtt_watch_off(&s->watch);
    iot_mqtt_offer_lost(s);
    s->bye_put = false;
    iot_mqtt_qos2_lost(s);
}

void iot_mqtt_session_mute(struct iot_mqtt_session *s)
{
    s->inbox.mute = true;
    s->inbox.owed = 0;
}

void iot_mqtt_session_finish(struct iot_mqtt_session *s)
{
    iot_mqtt_session_lost(s);
    iot_mqtt_qos2_finish(s);
    iot_mqtt_outbox_finish(&s->box);
    iot_mqtt_subs_clear(&s->subs);
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

bool iot_mqtt_session_idle(const struct iot_mqtt_session *s)
{
    return s->box.count == 0 && !iot_mqtt_yielded(&s->box) && !iot_mqtt_subs_is_due(&s->subs) &&
           s->watch.awaited == 0 && s->inbox.owed == 0 && !iot_mqtt_held_any(&s->inbox) &&
           s->part == IOT_MQTT_PART_NONE && !iot_mqtt_writer_open(&s->box);
}

bool iot_mqtt_ended(struct iot_mqtt_session *s, struct iot_mqtt_event *ev)
{
    if (!iot_mqtt_outbox_take(&s->box, &ev->ticket, &ev->err))
        return false;
    ev->kind = IOT_MQTT_EV_ENDED;
    return true;
}

/* ---- The application's requests ---------------------------------------------------------- */

void iot_mqtt_follow(struct iot_mqtt_session *s)
{
    if (s->part == IOT_MQTT_PART_HEAD) {
        const struct iot_mqtt_out *m = iot_mqtt_outbox_next(&s->box);
        s->part_ptr = &s->box.tx[m->at + m->len - s->part_left];
    }
}

iot_err iot_mqtt_accepted(struct iot_mqtt_session *s, iot_err err, uint16_t id, iot_ticket *ticket)
{
    iot_mqtt_follow(s);
    if (err == IOT_OK)
        iot_mqtt_use_ticket(s, ticket);
    else if (id != 0)
        iot_mqtt_return_id(s, id);
    return err;
}

iot_err iot_mqtt_session_publish(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                 iot_ticket *ticket)
{
    uint16_t id;
    iot_err err = iot_mqtt_outbox_check(msg);
    if (err != IOT_OK)
        return err;
    if (!iot_mqtt_id_for(s, msg->qos, &id))
        return IOT_ERR_AGAIN;
    err = iot_mqtt_outbox_put(&s->box, msg, id, s->next_ticket);
    return iot_mqtt_accepted(s, err, id, ticket);
}
