/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_offer.h"

#include "mqtt/iot_mqtt_held.h"
#include "mqtt/iot_mqtt_parts.h"

#if IOT_FEATURE_RECEIVE

iot_err iot_mqtt_inbox_judge(const struct iot_mqtt_inbox *in, uint8_t qos, uint16_t id, bool dup,
                             struct iot_mqtt_ack *answer, bool *known)
{
    static const uint8_t answers[] = {0, IOT_MQTT_PUBACK, IOT_MQTT_PUBREC};
    *known = false;
    if (qos != 0 && !iot_mqtt_inbox_can_owe(in))
        return IOT_ERR_FULL;
    answer->id = id;
    answer->type = answers[qos];
    return qos == 2 ? iot_mqtt_held_judge(in, id, dup, known) : IOT_OK;
}

void iot_mqtt_inbox_take(struct iot_mqtt_inbox *in, struct iot_mqtt_ack *answer)
{
    if (answer->type == IOT_MQTT_PUBREC)
        iot_mqtt_held_add(in, answer->id);
    if (answer->type != 0)
        iot_mqtt_inbox_owe(in, answer->type, answer->id);
    answer->type = 0;
}

void iot_mqtt_accept(struct iot_mqtt_session *s)
{
    iot_mqtt_inbox_take(&s->inbox, &s->offered);
}

void iot_mqtt_refuse(struct iot_mqtt_session *s)
{
    s->offered.type = s->large.type = 0;
}

/* Describes the message and says what it will be owed. One that is known already is to be answered
 * only: no event. */
static iot_err offer(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
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

iot_err iot_mqtt_offer(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                       struct iot_mqtt_event *ev)
{
    iot_err err = offer(s, p, &s->offered, ev);
    if (err == IOT_OK && ev->kind == IOT_MQTT_EV_NONE)
        iot_mqtt_accept(s);
    return err;
}

/* A packet larger than the window: a PUBLISH is passed on in parts or thrown away as it arrives. It
 * gets its answer at the end in either case, or the broker would send it for ever. */
iot_err iot_mqtt_offer_large(struct iot_mqtt_session *s, struct iot_bytes in,
                             const struct iot_mqtt_packet *p, uint32_t *used,
                             struct iot_mqtt_event *ev)
{
    if (p->type != IOT_MQTT_PUBLISH)
        return IOT_ERR_MQTT_TOO_LARGE;
    if (p->head == 0) /* not even the topic fits, or is not here yet */
        return in.len >= s->window ? IOT_ERR_MQTT_TOO_LARGE : IOT_ERR_AGAIN;
    if (s->phase != IOT_MQTT_PH_UP)
        return IOT_ERR_MQTT_PROTOCOL;

    iot_err err = offer(s, p, &s->large, ev);
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

iot_err iot_mqtt_offer_body(struct iot_mqtt_session *s, struct iot_bytes in, uint32_t *used,
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

#endif
