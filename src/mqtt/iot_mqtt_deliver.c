/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_deliver.h"

#include "core/iot_core_dump.h"
#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_decline.h"
#include "mqtt/iot_mqtt_errand.h"
#include "mqtt/iot_mqtt_offer.h"
#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_pump.h"
#include "mqtt/iot_mqtt_report.h"

#include <string.h>

#if IOT_FEATURE_RECEIVE

void iot_mqtt_deliver_reset(struct iot_mqtt_client *c)
{
    c->offered = c->taken = false;
    c->deaf = 0;
    iot_mqtt_parts_end(c);
    iot_mqtt_decline_end(c);
    memset(c->hits, 0, sizeof c->hits);
}

void iot_mqtt_deliver_end(struct iot_mqtt_client *c)
{
    c->offered = false;
    iot_mqtt_decline_end(c);
}

/* A message that was dropped. */
static void report_skipped(struct iot_mqtt_client *c, iot_err why, int32_t detail,
                           const struct iot_msg *msg)
{
    struct iot_event ev = {.kind = IOT_EV_SKIPPED, .err = why, .detail = detail, .msg = msg};
    IOT_COUNT(c->counters.skipped_messages, 1);
    iot_mqtt_report(c, &ev);
}

/* QoS 0 is dropped and reported. QoS 1 and 2 stay the broker's: they are not acknowledged, nor are those
 * behind them, and the link ends. */
void iot_mqtt_give_up(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used)
{
    bool whole = iot_mqtt_parts_kept(c) == 0;
    iot_mqtt_pump_done(c, whole ? used : 0); /* a part is skipped with the rest */
    if (msg->qos != 0) {
        if (c->deaf == 0)
            c->deaf = msg->qos;
        iot_mqtt_refuse(&c->session);
    }
    if (!whole)
        iot_mqtt_parts_end(c);
    if (msg->qos == 0 &&
        !iot_mqtt_errand(&c->session)) /* whose payload is no business of the application's */
        report_skipped(c, IOT_ERR_MQTT_DECLINED, 0, msg);
}

static void match(struct iot_mqtt_client *c, const struct iot_topic *topic)
{
    struct iot_bytes name = {(const uint8_t *)topic->text, topic->len};
    if (iot_mqtt_errand(&c->session)) /* nobody's but the device's */
        memset(c->hits, 0, sizeof c->hits);
    else
        iot_topic_index_match(&c->session.subs.index, name, c->hits);
}

/* The device comes before the application's handlers. False: it declines. */
static bool deliver_own(struct iot_mqtt_client *c, const struct iot_msg *msg)
{
    if (!c->own)
        return true;
    iot_err err = c->hooks->take(c->dev, msg);
    c->own = err == IOT_ERR_AGAIN || err == IOT_ERR_FULL;
    c->handled |= err == IOT_OK;
    return !c->own;
}

bool iot_mqtt_deliver_to(struct iot_mqtt_client *c, const struct iot_msg *msg)
{
    struct iot_mqtt_outbox *box = &c->session.box;
    bool wanted = box->want_room;
    box->want_room = false;
    bool taken = deliver_own(c, msg);
    taken &= iot_mqtt_subs_deliver(&c->session.subs, c->hits, c->dev, msg, &c->handled);
    iot_mqtt_decline_full(c, box->want_room); /* refused just now, in a handler */
    box->want_room |= wanted;
    return taken;
}

/* True: go on with the next packet. */
bool iot_mqtt_deliver(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used)
{
    if (c->deaf != 0 && msg->qos != 0) {
        iot_mqtt_give_up(c, msg, used);
        return true;
    }
    if (!c->offered) {
        struct iot_bytes name = {(const uint8_t *)msg->topic.text, msg->topic.len};
        IOT_DUMP_DOWN(c->opt->port_ops, name, msg->payload);
        match(c, &msg->topic);
        c->own = c->hooks != NULL;
        c->offered = true;
        c->handled = false;
    }
    if (!iot_mqtt_deliver_to(c, msg))
        return iot_mqtt_declined(c, msg, used);
    iot_mqtt_accept(&c->session);
    iot_mqtt_pump_done(c, used);
    c->taken |=
        msg->qos != 0 && !(msg->flags & IOT_MSG_RETAIN); /* which comes with each link anew */
    IOT_COUNT(c->counters.received_messages, 1);
    if (!c->handled) {
        struct iot_event ev = {.kind = IOT_EV_MESSAGE, .msg = msg};
        iot_mqtt_report(c, &ev);
    }
    return true;
}

/* The head of a message larger than the window. */
void iot_mqtt_deliver_large(struct iot_mqtt_client *c, const struct iot_mqtt_event *in,
                            uint32_t head)
{
    match(c, &in->msg.topic);
    if (iot_mqtt_parts_begin(c, in, head))
        return;
    memset(c->hits, 0, sizeof c->hits);
    iot_mqtt_pump_done(c, head);
    iot_mqtt_parts_end(c);
    if (c->deaf != 0 && in->msg.qos != 0)
        iot_mqtt_refuse(&c->session);
    else
        report_skipped(c, in->err, (int32_t)in->total, &in->msg);
}

void iot_mqtt_deliver_answer(struct iot_mqtt_client *c, const struct iot_mqtt_event *in)
{
    struct iot_event ev = {.kind = in->kind == IOT_MQTT_EV_SUBACK ? IOT_EV_SUBACK : IOT_EV_UNSUBACK,
                           .err = in->err,
                           .ticket = in->ticket,
                           .code = in->code};
    iot_mqtt_report(c, &ev);
}

#endif
