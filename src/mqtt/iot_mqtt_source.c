/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_source.h"

#include "mqtt/iot_mqtt_client.h"

#include <string.h>

#if IOT_FEATURE_STREAMED

#define ASK_AGAIN_MS 20u

iot_err iot_mqtt_session_stream(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                uint32_t total, iot_mqtt_source source, void *ctx,
                                iot_ticket *ticket)
{
    struct iot_mqtt_outbox *box = &s->box;
    if (msg->qos != 0 || (msg->flags & IOT_MSG_BY_REF) || total == 0 || source == NULL)
        return IOT_ERR_ARG;
    struct iot_msg head = *msg;
    head.payload = (struct iot_bytes){NULL, 0};
    iot_err err = iot_mqtt_outbox_check(&head);
    if (err != IOT_OK)
        return err;
    if (box->source.pull != NULL) {
        box->want_room = true;
        return IOT_ERR_FULL;
    }
    head.payload.len = total;
    err = iot_mqtt_outbox_put_head(box, &head, 0, s->next_ticket);
    if (err == IOT_OK) {
        memset(&box->source, 0, sizeof box->source);
        box->source.pull = source;
        box->source.ctx = ctx;
        box->source.left = total;
        box->source.ticket = s->next_ticket;
    }
    return iot_mqtt_accepted(s, err, 0, ticket);
}

static bool is_the_one(const struct iot_mqtt_outbox *box, const struct iot_mqtt_out *m)
{
    return box->source.pull != NULL && box->source.ticket == m->ticket;
}

iot_err iot_mqtt_source_lost(const struct iot_mqtt_outbox *box, const struct iot_mqtt_out *m)
{
    if (!is_the_one(box, m) || m->state != IOT_OUT_QUEUED)
        return IOT_OK;
    if (box->source.unfinished)
        return IOT_ERR_MQTT_UNFINISHED;
    return box->source.offset != 0 ? IOT_ERR_CUT : IOT_OK;
}

bool iot_mqtt_source_wanted(const struct iot_mqtt_session *s)
{
    return s->part == IOT_MQTT_PART_SOURCE && s->part_left == 0 && !s->box.source.unfinished;
}

/* The control slot is free while a message is being sent. */
iot_err iot_mqtt_source_pull(struct iot_mqtt_client *c)
{
    struct iot_mqtt_session *s = &c->session;
    struct iot_mqtt_outbox *box = &s->box;
    struct iot_writer w = {.ptr = s->ctl, .cap = sizeof s->ctl};
    if (c->ask != IOT_TIME_NEVER && c->session.now < c->ask)
        return IOT_ERR_AGAIN;
    if (w.cap > box->source.left)
        w.cap = box->source.left;
    iot_err err = box->source.pull(box->source.ctx, c->dev, box->source.offset, &w);
    if (err == IOT_OK && w.len != 0 && !w.overflow) {
        box->source.offset += w.len;
        box->source.left -= w.len;
        s->part_ptr = s->ctl;
        s->part_left = w.len;
        c->ask = IOT_TIME_NEVER;
        return IOT_OK;
    }
    bool later = !w.overflow && (err == IOT_OK || err == IOT_ERR_AGAIN || err == IOT_ERR_FULL);
    if (c->ask == IOT_TIME_NEVER)
        box->source.since = (uint32_t)c->session.now;
    if (!later || (uint32_t)c->session.now - box->source.since > IOT_STREAM_MAX_MS) {
        c->ask = IOT_TIME_NEVER;
        box->source.unfinished = true;
        return IOT_ERR_MQTT_UNFINISHED;
    }
    c->ask = c->session.now + ASK_AGAIN_MS;
    return IOT_ERR_AGAIN;
}

void iot_mqtt_source_reset(struct iot_mqtt_client *c)
{
    c->ask = IOT_TIME_NEVER;
}

iot_time iot_mqtt_source_deadline(const struct iot_mqtt_client *c)
{
    return c->ask;
}

#endif
