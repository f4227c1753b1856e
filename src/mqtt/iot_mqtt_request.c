/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_request.h"

#include "mqtt/iot_mqtt_unsub.h"

#if IOT_FEATURE_RECEIVE

void iot_mqtt_requested(struct iot_mqtt_session *s, uint32_t asked, iot_ticket *ticket)
{
    iot_mqtt_watch_forget(&s->watch, asked - s->subs.asked);
    iot_mqtt_use_ticket(s, ticket);
}

iot_err iot_mqtt_session_subscribe(struct iot_mqtt_session *s, const struct iot_filter *f,
                                   iot_ticket *ticket)
{
    if (f->filter.len > IOT_MQTT_CONTROL_BYTES - 10)
        return IOT_ERR_SIZE; /* type, up to 4 of length, id, 2 of text length, QoS: 10 */
    uint32_t asked = s->subs.asked;
    iot_err err = iot_mqtt_subs_add(&s->subs, f, s->next_ticket);
    if (err == IOT_OK)
        iot_mqtt_requested(s, asked, ticket);
    return err;
}

void iot_mqtt_put_requests(struct iot_mqtt_session *s)
{
    struct iot_bytes filter;
    struct iot_mqtt_sub *sub;
    while ((sub = iot_mqtt_subs_due(&s->subs, &filter)) != NULL) {
        uint8_t *to = &s->ctl[s->ctl_len];
        uint32_t room = (uint32_t)IOT_MQTT_CONTROL_BYTES - s->ctl_len;
        uint16_t id = iot_mqtt_fresh_id(s);
        if (id == 0)
            return;
        uint32_t n = iot_mqtt_unsub_due(sub->state)
                         ? iot_mqtt_encode_unsubscribe(to, room, id, filter)
                         : iot_mqtt_encode_subscribe(to, room, id, filter, sub->qos);
        if (n == 0) { /* the next time round it has the slot to itself */
            iot_mqtt_return_id(s, id);
            return;
        }
        iot_mqtt_subs_asked(&s->subs, sub, id);
        iot_mqtt_watch_await(&s->watch, s->now);
        s->ctl_len = (uint16_t)(s->ctl_len + n);
    }
}

iot_err iot_mqtt_on_suback(struct iot_mqtt_session *s, const struct iot_mqtt_packet *p,
                           struct iot_mqtt_event *ev)
{
    struct iot_mqtt_sub *sub = iot_mqtt_subs_awaiting(&s->subs, p->id, IOT_SUB_ASKED);
    if (sub == NULL)
        return IOT_OK; /* MQTT-2.3.1-7: completes nobody else's request */
    if (p->payload.len != 1)
        return IOT_ERR_MQTT_PROTOCOL; /* MQTT-3.8.4-5: one filter, one code */
    iot_mqtt_watch_got(&s->watch, s->now);
    ev->ticket = sub->ticket;
    ev->code = p->payload.ptr[0];
    ev->err = ev->code > 2 ? IOT_ERR_MQTT_SUBACK : IOT_OK;
    if (iot_mqtt_subs_suback(&s->subs, sub, ev->code))
        ev->kind = IOT_MQTT_EV_SUBACK;
    return IOT_OK;
}

#endif
