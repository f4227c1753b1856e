/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_pump.h"

#include "core/iot_core_dump.h"
#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_decline.h"
#include "mqtt/iot_mqtt_deliver.h"
#include "mqtt/iot_mqtt_errand.h"
#include "mqtt/iot_mqtt_hear.h"
#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_ref.h"
#include "mqtt/iot_mqtt_report.h"
#include "mqtt/iot_mqtt_say.h"
#include "mqtt/iot_mqtt_source.h"

#include <string.h>

#define STABLE_MS  30000u /* a link that lived so long was a good one */
#define WRITES_MAX (4 * IOT_MQTT_OUT_MAX + 8)

void iot_mqtt_pump_reset(struct iot_mqtt_client *c)
{
    memset(c->rx, 0, sizeof c->rx); /* it may hold a password that has not left */
    c->rx_at = c->rx_len = 0;
    iot_mqtt_deliver_reset(c);
    iot_mqtt_source_reset(c);
}

void iot_mqtt_pump_done(struct iot_mqtt_client *c, uint32_t used)
{
    c->rx_at += used;
    iot_mqtt_deliver_end(c);
}

/* ---- Other packets ----------------------------------------------------------------------- */

static void on_connack(struct iot_mqtt_client *c, bool session_present)
{
    struct iot_event ev = {.kind = IOT_EV_CONNECTED, .session_present = session_present};
    c->stable = c->session.now + STABLE_MS;
    if (iot_mqtt_errand(&c->session)) {
        c->until = c->session.now + IOT_REGISTER_MS;
        return;
    }
    IOT_COUNT(c->counters.connects, 1);
    IOT_COUNT(c->counters.resent_messages, c->session.resent);
    IOT_LOG (c->opt->port_ops, IOT_LOG_INFO, line)
        iot_log_text(line, session_present ? "mqtt: connected, session kept" : "mqtt: connected");
    iot_mqtt_report(c, &ev);
}

/* True: go on. */
static bool on_event(struct iot_mqtt_client *c, const struct iot_mqtt_event *in, uint32_t used)
{
    switch (in->kind) {
    case IOT_MQTT_EV_MESSAGE:
        return iot_mqtt_deliver(c, &in->msg, used);
    case IOT_MQTT_EV_PART:
        return iot_mqtt_parts_offer(c, in, used);
    case IOT_MQTT_EV_LARGE:
        iot_mqtt_deliver_large(c, in, used);
        return true;
    case IOT_MQTT_EV_CONNACK:
        iot_mqtt_pump_done(c, used);
        on_connack(c, in->session_present);
        break;
    case IOT_MQTT_EV_SUBACK:
    case IOT_MQTT_EV_UNSUBACK:
        iot_mqtt_pump_done(c, used);
        iot_mqtt_deliver_answer(c, in);
        break;
    case IOT_MQTT_EV_NONE:
    case IOT_MQTT_EV_ENDED:
        iot_mqtt_pump_done(c, used);
        break;
    }
    iot_mqtt_report_ended(c);
    return true;
}

/* ---- Up ---------------------------------------------------------------------------------- */

enum up_step { UP_STOP, UP_READ, UP_PACKET };

/* Get more bytes behind those that wait. Moving happens once per read, and only what is left of an
 * unfinished packet, so many small packets in one segment cost the same each. */
static enum up_step refill(struct iot_mqtt_client *c)
{
    uint32_t kept = iot_mqtt_parts_kept(c);
    if (c->rx_at != kept) {
        uint32_t left = c->rx_len - c->rx_at;
        memmove(c->rx + kept, c->rx + c->rx_at, left);
        c->rx_at = kept;
        c->rx_len = kept + left;
    }
    uint32_t got = 0;
    if (c->stream->ops->read(c->stream, c->rx + c->rx_len, (uint32_t)sizeof c->rx - c->rx_len,
                             &got) != IOT_OK) {
        c->dry = true;
        return UP_STOP;
    }
    c->rx_len += got;
    if (got != 0)
        return UP_READ;
    c->more = true; /* the next tick may find some */
    return UP_STOP;
}

void iot_mqtt_pump_refill(struct iot_mqtt_client *c)
{
    (void)refill(c);
}

/* One packet, or the bytes for it. UP_STOP: nothing more to do in this tick, or `*err` says why the
 * connection has to end. */
static enum up_step up_one(struct iot_mqtt_client *c, iot_err *err, int32_t *detail)
{
    struct iot_bytes in = {c->rx + c->rx_at, c->rx_len - c->rx_at};
    struct iot_mqtt_event ev;
    uint32_t used;
    iot_err fed = in.len == 0 ? IOT_ERR_AGAIN : iot_mqtt_feed(&c->session, in, &used, &ev);
    if (fed == IOT_ERR_AGAIN) {
        enum up_step did = refill(c);
        if (c->dry) /* from here on silence is the broker's */
            iot_mqtt_watch_pause(&c->session.watch, false, c->session.now);
        return did;
    }
    if (fed == IOT_ERR_FULL) { /* `down` makes room for acknowledgements */
        iot_mqtt_decline_later(c);
        iot_mqtt_watch_pause(&c->session.watch, true, c->session.now);
        return UP_STOP;
    }
    if (fed != IOT_OK) {
        *err = fed;
        *detail = ev.code;
        return UP_STOP;
    }
    return on_event(c, &ev, used) ? UP_PACKET : UP_STOP;
}

iot_err iot_mqtt_pump_up(struct iot_mqtt_client *c, int32_t *detail)
{
    if (iot_mqtt_sending_connect(&c->session)) {
        c->dry = true; /* the window is lent to CONNECT */
        return IOT_OK;
    }
    if (iot_mqtt_decline_waits(c))
        return IOT_OK;
    iot_err err = IOT_OK;
    uint32_t packets = 0, reads = 0;
    while (packets < IOT_POLL_PACKETS && reads < 2 * IOT_POLL_PACKETS) {
        enum up_step did = up_one(c, &err, detail);
        if (did == UP_STOP)
            return err;
        packets += did == UP_PACKET;
        reads += did == UP_READ;
    }
    c->more = true;
    return IOT_OK;
}

/* ---- Down -------------------------------------------------------------------------------- */

iot_err iot_mqtt_pump_down(struct iot_mqtt_client *c)
{
    iot_err err = IOT_OK;
    bool lent = iot_mqtt_sending_connect(&c->session);
    uint32_t n = 0;
    for (; n < WRITES_MAX; n++) {
        enum iot_stream_write_flag how;
        struct iot_bytes bytes = iot_mqtt_pending(&c->session, &how);
        if (bytes.len == 0 && iot_mqtt_source_wanted(&c->session)) {
            err = iot_mqtt_source_pull(c);
            bytes = iot_mqtt_pending(&c->session, &how);
        }
        uint32_t taken = 0;
        if (bytes.len == 0 ||
            c->stream->ops->write(c->stream, bytes, how, c->session.now, &taken) != IOT_OK)
            break;
        c->written += taken;
        iot_mqtt_sent(&c->session, taken, c->written);
    }
    if (lent && !iot_mqtt_sending_connect(&c->session))
        memset(c->rx, 0, sizeof c->rx); /* it held the password */
    /* `up` may have stopped for want of room: among the acknowledgements, or of a window. */
    bool resume = n != 0 && !c->dry && !iot_mqtt_declining(c);
    if (n == WRITES_MAX || resume || (lent && !iot_mqtt_sending_connect(&c->session)))
        c->more = true;
    if (n != 0)
        c->stream->ops->flush(c->stream);
    iot_mqtt_ref_released(&c->session.box, c->stream->ops->released(c->stream));
    return err == IOT_ERR_MQTT_UNFINISHED ? err : IOT_OK;
}
