/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_report.h"

#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_yield.h"

void iot_mqtt_report(struct iot_mqtt_client *c, const struct iot_event *ev)
{
    if (c->hooks == NULL || c->hooks->event(c->dev, ev))
        c->opt->on_event(c->opt->ctx, c->dev, ev);
}

void iot_mqtt_report_kind(struct iot_mqtt_client *c, enum iot_event_kind kind)
{
    struct iot_event ev = {.kind = kind};
    iot_mqtt_report(c, &ev);
}

/* While it closes only the device may still have something to say, its answers; it is asked each time, so that what it owes
 * is in the outbox before anybody looks whether that has drained. */
static void report_room(struct iot_mqtt_client *c, bool room)
{
    struct iot_event ev = {.kind = IOT_EV_WRITABLE};
    if (c->closing && c->hooks != NULL)
        (void)c->hooks->event(c->dev, &ev);
    else if (!c->closing && room)
        iot_mqtt_report(c, &ev);
}

/* Bounded: what a callback publishes is not ended within this call, and of what it drops the table
 * of drops has room for a few. */
void iot_mqtt_report_ended(struct iot_mqtt_client *c)
{
    struct iot_mqtt_event in;
    for (uint32_t n = 0; n < 2 * (IOT_MQTT_OUT_MAX + IOT_MQTT_DROPPED_MAX); n++) {
        if (!iot_mqtt_ended(&c->session, &in))
            break;
        struct iot_event ev = {.kind = in.err == IOT_OK ? IOT_EV_DONE : IOT_EV_FAILED,
                               .err = in.err,
                               .ticket = in.ticket};
        if (ev.ticket == 0) /* IOT_MSG_SILENT: nobody's, and not counted either */
            continue;
        IOT_COUNT(c->counters.sent_messages, in.err == IOT_OK);
        IOT_COUNT(c->counters.failed_messages, in.err != IOT_OK);
        iot_mqtt_report(c, &ev);
    }
    c->more |= iot_mqtt_yielded(&c->session.box);
    report_room(c, iot_mqtt_outbox_room(&c->session.box));
}
