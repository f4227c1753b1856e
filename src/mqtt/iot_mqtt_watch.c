/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_watch.h"

#include "core/iot_core_assert.h"

#include <string.h>

#define CONNACK_TIMEOUT_MS 10000u
#define PING_TIMEOUT_MS    10000u
#define ACK_TIMEOUT_MS     20000u

enum watch_phase { PH_OFF, PH_CONNACK, PH_UP };

static iot_time after(iot_time now, uint32_t ms, uint32_t otherwise)
{
    return now + (ms != 0 ? ms : otherwise);
}

static iot_time ack_after(const struct iot_mqtt_watch *w, iot_time now)
{
    return after(now, w->opt->ack_timeout_ms, ACK_TIMEOUT_MS);
}

static iot_time ping_after(const struct iot_mqtt_watch *w, iot_time now)
{
    return after(now, w->opt->ping_timeout_ms, PING_TIMEOUT_MS);
}

void iot_mqtt_watch_init(struct iot_mqtt_watch *w, const struct iot_options *opt)
{
    memset(w, 0, sizeof *w);
    w->opt = opt;
    iot_mqtt_watch_off(w);
}

void iot_mqtt_watch_connect(struct iot_mqtt_watch *w, iot_time now)
{
    w->awaited = 0;
    w->want_ping = w->paused = false;
    w->phase = PH_CONNACK;
    w->last_sent = now;
    w->ack_deadline = after(now, w->opt->connack_timeout_ms, CONNACK_TIMEOUT_MS);
}

void iot_mqtt_watch_up(struct iot_mqtt_watch *w)
{
    w->phase = PH_UP;
    w->ack_deadline = IOT_TIME_NEVER;
}

void iot_mqtt_watch_off(struct iot_mqtt_watch *w)
{
    w->phase = PH_OFF;
    w->awaited = 0;
    w->want_ping = w->paused = false;
    w->ping_deadline = w->ack_deadline = IOT_TIME_NEVER;
}

void iot_mqtt_watch_await(struct iot_mqtt_watch *w, iot_time now)
{
    if (w->awaited++ == 0 && w->phase == PH_UP)
        w->ack_deadline = ack_after(w, now);
}

/* Each acknowledgement is progress: the next one has the full time again. */
void iot_mqtt_watch_got(struct iot_mqtt_watch *w, iot_time now)
{
    if (w->awaited > 0)
        w->awaited--;
    w->ack_deadline = w->awaited == 0 ? IOT_TIME_NEVER : ack_after(w, now);
}

void iot_mqtt_watch_forget(struct iot_mqtt_watch *w, uint32_t n)
{
    IOT_ASSERT(n <= w->awaited);
    w->awaited = (uint16_t)(w->awaited - n);
    if (n != 0 && w->awaited == 0)
        w->ack_deadline = IOT_TIME_NEVER;
}

/* With several on their way the first sets the deadline. */
void iot_mqtt_watch_pinged(struct iot_mqtt_watch *w, iot_time now)
{
    w->want_ping = false;
    if (w->ping_deadline == IOT_TIME_NEVER)
        w->ping_deadline = ping_after(w, now);
}

bool iot_mqtt_watch_ponged(struct iot_mqtt_watch *w)
{
    bool asked = w->ping_deadline != IOT_TIME_NEVER;
    w->ping_deadline = IOT_TIME_NEVER;
    return asked;
}

/* The gap between two packets sent must not exceed the keep-alive (MQTT-3.1.2-23). A quarter is
 * kept in hand for ticks that come late. */
static iot_time ping_due(const struct iot_mqtt_watch *w)
{
    if (w->phase != PH_UP || w->opt->keepalive_s == 0 || w->want_ping)
        return IOT_TIME_NEVER;
    return w->last_sent + w->opt->keepalive_s * 750u;
}

iot_time iot_mqtt_watch_deadline(const struct iot_mqtt_watch *w)
{
    iot_time first = ping_due(w);
    if (!w->paused && w->ping_deadline < first)
        first = w->ping_deadline;
    if (!w->paused && w->ack_deadline < first)
        first = w->ack_deadline;
    return first;
}

iot_err iot_mqtt_watch_expire(struct iot_mqtt_watch *w, iot_time now, bool dry)
{
    if (now >= ping_due(w))
        w->want_ping = true;
    if (!dry || w->paused)
        return IOT_OK;
    if (now >= w->ping_deadline)
        return IOT_ERR_MQTT_PING_TIMEOUT;
    if (now >= w->ack_deadline)
        return w->phase == PH_CONNACK ? IOT_ERR_MQTT_CONNACK_TIMEOUT : IOT_ERR_MQTT_ACK_TIMEOUT;
    return IOT_OK;
}

void iot_mqtt_watch_pause(struct iot_mqtt_watch *w, bool paused, iot_time now)
{
    if (w->paused && !paused) { /* what the broker sent meanwhile was not looked at */
        if (w->ping_deadline != IOT_TIME_NEVER)
            w->ping_deadline = ping_after(w, now);
        if (w->ack_deadline != IOT_TIME_NEVER)
            w->ack_deadline = ack_after(w, now);
    }
    w->paused = paused;
}

void iot_mqtt_watch_probe(struct iot_mqtt_watch *w)
{
    if (w->phase == PH_UP && w->ping_deadline == IOT_TIME_NEVER)
        w->want_ping = true;
}
