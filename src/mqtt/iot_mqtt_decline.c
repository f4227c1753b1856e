/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_decline.h"
#include "mqtt/iot_mqtt_deliver.h"

#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_hear.h"
#include "mqtt/iot_mqtt_offer.h"
#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_pump.h"
#include "mqtt/iot_mqtt_report.h"

#include <string.h>

#if IOT_FEATURE_DECLINE

#define AGAIN_MS 20u

/* Behind a message that is declined nothing is read but acknowledgements of ours: they make the room that
 * the application may be waiting for, and nothing else would. True: there was one. */
static bool look_behind(struct iot_mqtt_client *c, uint32_t used)
{
    struct iot_mqtt_packet p;
    struct iot_mqtt_event ev;
    uint32_t found = 0;
    for (uint32_t at = c->rx_at + used; at < c->rx_len && found < IOT_POLL_PACKETS;) {
        struct iot_bytes in = {c->rx + at, c->rx_len - at};
        if (iot_mqtt_decode(in, &p) != IOT_OK)
            break; /* not all of it is here, or it is wrong: seen when its turn comes */
        if (p.type != IOT_MQTT_PUBACK && p.type != IOT_MQTT_PUBREC && p.type != IOT_MQTT_PUBCOMP) {
            at += p.total;
            continue;
        }
        if (iot_mqtt_feed(&c->session, in, &used, &ev) != IOT_OK)
            break;
        memmove(c->rx + at, c->rx + at + used, c->rx_len - at - used);
        c->rx_len -= used;
        found++;
    }
    return found != 0;
}

/* A handler found the outbox full, all that is in there awaits its acknowledgement, and no byte more can
 * be received before the message is taken: waiting changes nothing. */
static bool is_hopeless(const struct iot_mqtt_client *c)
{
    return c->full && c->session.box.queued == 0 && c->session.watch.awaited != 0 &&
           c->rx_len == sizeof c->rx && c->rx_at == iot_mqtt_parts_kept(c);
}

bool iot_mqtt_declined(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used)
{
    IOT_COUNT(c->counters.declined, 1);
    if (!iot_mqtt_declining(c) && c->deaf == 0) {
        c->decline.deadline = c->session.now + IOT_DECLINE_MAX_MS;
        iot_mqtt_watch_pause(&c->session.watch, true, c->session.now);
    }
    c->decline.again = c->session.now + AGAIN_MS;
    bool patient = c->session.now < c->decline.deadline && c->deaf == 0;
    bool whole = iot_mqtt_parts_kept(c) == 0;
    if (patient && whole && look_behind(c, used)) {
        iot_mqtt_report_ended(c);
        c->decline.again = c->session.now; /* perhaps there is room now */
        return false;
    }
    if (patient && !is_hopeless(c))
        return false;
    /* The acknowledgements behind it are let in before the link ends. They make the room that the
     * application waits for, and without them the next link of a kept session would stop at the same place. */
    if (c->deaf == 0)
        c->decline.deadline = c->session.now + IOT_DECLINE_MAX_MS;
    iot_mqtt_give_up(c, msg, used);
    return true;
}

bool iot_mqtt_decline_waits(struct iot_mqtt_client *c)
{
    if (!iot_mqtt_declining(c))
        return false;
    if (c->session.now < c->decline.again && c->session.now < c->decline.deadline)
        return true;
    /* Acknowledgements may be behind it. A part stays as it was offered. */
    if (iot_mqtt_parts_kept(c) == 0 && c->rx_len - c->rx_at < sizeof c->rx)
        iot_mqtt_pump_refill(c);
    return false;
}

void iot_mqtt_decline_later(struct iot_mqtt_client *c)
{
    if (iot_mqtt_declining(c))
        c->decline.again = c->session.now + AGAIN_MS;
}

bool iot_mqtt_decline_over(const struct iot_mqtt_client *c)
{
    return c->deaf != 0 && (c->session.watch.awaited == 0 || c->session.now >= c->decline.deadline);
}

iot_time iot_mqtt_decline_deadline(const struct iot_mqtt_client *c)
{
    bool sooner = c->deaf != 0 && c->decline.deadline < c->decline.again;
    return sooner ? c->decline.deadline : c->decline.again;
}

#endif
