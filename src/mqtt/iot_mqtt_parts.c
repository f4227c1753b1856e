/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_parts.h"

#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_decline.h"
#include "mqtt/iot_mqtt_deliver.h"
#include "mqtt/iot_mqtt_hear.h"
#include "mqtt/iot_mqtt_offer.h"
#include "mqtt/iot_mqtt_pump.h"

#include <string.h>

#if IOT_FEATURE_PARTS

void iot_mqtt_parts_expect(struct iot_mqtt_session *s, bool wanted)
{
    s->body = s->body_left;
    s->body_wanted = wanted;
}

bool iot_mqtt_parts_hear(struct iot_mqtt_session *s, struct iot_bytes in, struct iot_mqtt_event *ev)
{
    if (!s->body_wanted)
        return false;
    ev->kind = IOT_MQTT_EV_PART;
    ev->msg.payload = in;
    ev->msg.offset = s->body - s->body_left;
    ev->msg.total = s->body;
    return true;
}

/* Leave only those hits whose handlers take messages in parts. */
static bool is_taken(struct iot_mqtt_client *c, const struct iot_topic *topic)
{
    bool any = c->parts.own = c->hooks != NULL && c->hooks->take_parts(c->dev, topic);
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        uint32_t *word = &c->hits[i / 32], bit = (uint32_t)1 << i % 32;
        if (!c->session.subs.sub[i].in_parts)
            *word &= ~bit;
        any |= (*word & bit) != 0;
    }
    return any;
}

bool iot_mqtt_parts_begin(struct iot_mqtt_client *c, const struct iot_mqtt_event *in, uint32_t head)
{
    if (c->deaf != 0 || head >= sizeof c->rx || !is_taken(c, &in->msg.topic))
        return false;
    uint32_t from = c->rx_at;
    memmove(c->rx, c->rx + from, c->rx_len - from);
    c->rx_len -= from;
    c->parts.kept = c->rx_at = head;
    c->parts.topic = in->msg.topic;
    c->parts.topic.text -= from;
    c->parts.qos = in->msg.qos;
    c->parts.flags = in->msg.flags;
    memcpy(c->parts.hits, c->hits, sizeof c->hits);
    c->offered = c->handled = false;
    return true;
}

bool iot_mqtt_parts_offer(struct iot_mqtt_client *c, const struct iot_mqtt_event *in, uint32_t used)
{
    struct iot_msg msg = in->msg;
    msg.topic = c->parts.topic;
    msg.qos = c->parts.qos;
    msg.flags = c->parts.flags;
    if (!c->offered) { /* to those who got its beginning */
        memcpy(c->hits, c->parts.hits, sizeof c->hits);
        c->own = c->parts.own;
        c->offered = true;
    }
    if (!iot_mqtt_deliver_to(c, &msg))
        return iot_mqtt_declined(c, &msg, used);
    iot_mqtt_pump_done(c, used);
    iot_mqtt_digest_body(&c->session, used);
    if (c->session.body_left == 0) {
        c->parts.kept = 0;
        c->taken |= msg.qos != 0;
        IOT_COUNT(c->counters.received_messages, 1);
    }
    return true;
}

void iot_mqtt_parts_end(struct iot_mqtt_client *c)
{
    c->session.body_wanted = false;
    c->parts.kept = 0;
}

void iot_mqtt_parts_forget(struct iot_mqtt_client *c, uint8_t slot)
{
    c->parts.hits[slot / 32] &= ~((uint32_t)1 << slot % 32);
}

#endif
