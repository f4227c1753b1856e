/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_unsub.h"

#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_request.h"

#if IOT_FEATURE_UNSUBSCRIBE

iot_err iot_mqtt_subs_remove(struct iot_mqtt_subs *t, struct iot_bytes filter, iot_ticket ticket,
                             uint8_t *slot)
{
    int found = filter.len == 0 ? IOT_TOPIC_NO_SLOT : iot_topic_index_find(&t->index, filter);
    if (found == IOT_TOPIC_NO_SLOT)
        return IOT_ERR_ARG;
    struct iot_mqtt_sub *s = &t->sub[found];
    if (t->index.filter[found].len != filter.len)
        return IOT_ERR_ARG; /* a NUL, which is in no filter, looks like the end to the index */
    *slot = (uint8_t)found;
    iot_topic_index_remove(&t->index, *slot);
    iot_mqtt_subs_enter(t, s, IOT_SUB_UNWANT);
    s->ticket = ticket;
    return IOT_OK;
}

iot_err iot_mqtt_session_unsubscribe(struct iot_mqtt_session *s, const struct iot_topic *filter,
                                     iot_ticket *ticket, uint8_t *slot)
{
    struct iot_bytes text = {(const uint8_t *)filter->text, filter->len};
    uint32_t asked = s->subs.asked;
    iot_err err = iot_mqtt_subs_remove(&s->subs, text, s->next_ticket, slot);
    if (err == IOT_OK)
        iot_mqtt_requested(s, asked, ticket);
    return err;
}

iot_err iot_mqtt_client_unsubscribe(struct iot_mqtt_client *c, const struct iot_topic *filter,
                                    iot_ticket *ticket)
{
    uint8_t slot;
    iot_err err = iot_mqtt_session_unsubscribe(&c->session, filter, ticket, &slot);
    if (err == IOT_OK) {
        c->hits[slot / 32] &= ~((uint32_t)1 << slot % 32);
        iot_mqtt_parts_forget(c, slot);
    }
    return err;
}

void iot_mqtt_on_unsuback(struct iot_mqtt_session *s, uint16_t id, struct iot_mqtt_event *ev)
{
    struct iot_mqtt_sub *sub = iot_mqtt_subs_awaiting(&s->subs, id, IOT_SUB_UNASKED);
    if (sub == NULL)
        return;
    iot_mqtt_watch_got(&s->watch, s->now);
    iot_mqtt_subs_enter(&s->subs, sub, IOT_SUB_FREE);
    ev->kind = IOT_MQTT_EV_UNSUBACK;
    ev->ticket = sub->ticket;
}

#endif
