/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_pump.h"

#include "core/iot_core_dump.h"
#include "mqtt/iot_mqtt_hear.h"
#include "mqtt/iot_mqtt_report.h"
#include "mqtt/iot_mqtt_say.h"

#include <string.h>

#define STABLE_MS  30000u /* a link that lived so long was a good one */
#define REOFFER_MS 20u    /* a declined message; a source that had nothing */
#define WRITES_MAX (4 * IOT_MQTT_OUT_MAX + 8)

void iot_mqtt_pump_reset(struct iot_mqtt_client *c)
{
    memset(c->rx, 0, sizeof c->rx); /* it may hold a password that has not left */
    c->rx_at = c->rx_len = c->rx_keep = 0;
    c->offered = c->taken = false;
    c->deaf = 0;
    c->reoffer = c->ask = IOT_TIME_NEVER;
    memset(c->hits, 0, sizeof c->hits);
}

/* ---- Received messages ------------------------------------------------------------------- */

static void done_with(struct iot_mqtt_client *c, uint32_t used)
{
    c->rx_at += used;
    c->offered = false;
    c->reoffer = IOT_TIME_NEVER;
}

/* A message in parts is over, or nobody wants the rest of it: what is left is skipped. */
static void end_parts(struct iot_mqtt_client *c)
{
    iot_mqtt_skip_rest(&c->session);
    c->rx_keep = 0;
}

/* It was declined for too long. QoS 0 is dropped and reported. QoS 1 and 2 stay the broker's: they
 * are not acknowledged, nor are those behind them, and the link ends; but first the acknowledgements
 * behind them are let in. They make the room that the application waits for, and without them the
 * next link of a kept session would stop at the same place. */
static void give_up(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used,
                    iot_time now)
{
    bool whole = c->rx_keep == 0;
    done_with(c, whole ? used : 0); /* a part is skipped with the rest */
    if (msg->qos != 0) {
        if (c->deaf == 0) {
            c->decline_deadline = now + IOT_DECLINE_MAX_MS;
            c->deaf = msg->qos;
        }
        iot_mqtt_refuse(&c->session);
    }
    if (!whole)
        end_parts(c);
    if (msg->qos == 0)
        iot_mqtt_report_skipped(c, IOT_ERR_MQTT_DECLINED, 0, msg);
}

/* Behind a message that is declined nothing is read but acknowledgements of ours: they make the room that
 * the application may be waiting for, and nothing else would. True: there was one. */
static bool look_behind(struct iot_mqtt_client *c, uint32_t used, iot_time now)
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
        if (iot_mqtt_feed(&c->session, in, now, &used, &ev) != IOT_OK)
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
           c->rx_len == sizeof c->rx && c->rx_at == c->rx_keep;
}

/* True: go on with what is behind it. */
static bool on_declined(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used,
                        iot_time now)
{
    c->counters.declined++;
    if (c->reoffer == IOT_TIME_NEVER && c->deaf == 0) {
        c->decline_deadline = now + IOT_DECLINE_MAX_MS;
        iot_mqtt_watch_pause(&c->session.watch, true, now);
    }
    c->reoffer = now + REOFFER_MS;
    bool patient = now < c->decline_deadline && c->deaf == 0;
    bool whole = c->rx_keep == 0;
    if (patient && whole && look_behind(c, used, now)) {
        iot_mqtt_report_ended(c);
        c->reoffer = now; /* perhaps there is room now */
        return false;
    }
    if (patient && !is_hopeless(c))
        return false;
    give_up(c, msg, used, now);
    return true;
}

static void match(struct iot_mqtt_client *c, const struct iot_topic *topic)
{
    struct iot_bytes name = {(const uint8_t *)topic->text, topic->len};
    iot_topic_index_match(&c->session.subs.index, name, c->hits);
}

static bool deliver(struct iot_mqtt_client *c, const struct iot_msg *msg)
{
    struct iot_mqtt_outbox *box = &c->session.box;
    bool wanted = box->want_room;
    box->want_room = false;
    bool taken = iot_mqtt_subs_deliver(&c->session.subs, c->hits, c->dev, msg, &c->handled);
    c->full = box->want_room; /* refused just now, in a handler */
    box->want_room |= wanted;
    return taken;
}

/* True: go on with the next packet. */
static bool on_message(struct iot_mqtt_client *c, const struct iot_msg *msg, uint32_t used,
                       iot_time now)
{
    if (c->deaf != 0 && msg->qos != 0) {
        give_up(c, msg, used, now);
        return true;
    }
    if (!c->offered) {
        struct iot_bytes name = {(const uint8_t *)msg->topic.text, msg->topic.len};
        IOT_DUMP_DOWN(c->opt->port_ops, name, msg->payload);
        match(c, &msg->topic);
        c->offered = true;
        c->handled = false;
    }
    if (!deliver(c, msg))
        return on_declined(c, msg, used, now);
    iot_mqtt_accept(&c->session);
    done_with(c, used);
    c->taken |=
        msg->qos != 0 && !(msg->flags & IOT_MSG_RETAIN); /* which comes with each link anew */
    c->counters.received_messages++;
    if (c->hooks != NULL)
        c->hooks->heard(c->dev, msg);
    if (!c->handled) {
        struct iot_event ev = {.kind = IOT_EV_MESSAGE, .msg = msg};
        iot_mqtt_report(c, &ev);
    }
    return true;
}

/* The head of a message larger than the window. If a handler takes parts the head stays, at the
 * window's start, as the topic lies in it. */
static void on_large(struct iot_mqtt_client *c, const struct iot_mqtt_event *in, uint32_t head)
{
    match(c, &in->msg.topic);
    if (c->deaf == 0 && head < sizeof c->rx && iot_mqtt_subs_in_parts(&c->session.subs, c->hits)) {
        uint32_t from = c->rx_at;
        memmove(c->rx, c->rx + from, c->rx_len - from);
        c->rx_len -= from;
        c->rx_keep = c->rx_at = head;
        c->part_topic = in->msg.topic;
        c->part_topic.text -= from;
        c->part_qos = in->msg.qos;
        c->part_flags = in->msg.flags;
        memcpy(c->part_hits, c->hits, sizeof c->hits);
        c->offered = c->handled = false;
        return;
    }
    memset(c->hits, 0, sizeof c->hits);
    done_with(c, head);
    iot_mqtt_skip_rest(&c->session);
    if (c->deaf != 0 && in->msg.qos != 0)
        iot_mqtt_refuse(&c->session);
    else
        iot_mqtt_report_skipped(c, in->err, (int32_t)in->total, &in->msg);
}

/* True: go on. */
static bool on_part(struct iot_mqtt_client *c, const struct iot_mqtt_event *in, uint32_t used,
                    iot_time now)
{
    struct iot_msg msg = in->msg;
    msg.topic = c->part_topic;
    msg.qos = c->part_qos;
    msg.flags = c->part_flags;
    if (!c->offered) { /* to those who got its beginning */
        memcpy(c->hits, c->part_hits, sizeof c->hits);
        c->offered = true;
    }
    if (!deliver(c, &msg))
        return on_declined(c, &msg, used, now);
    done_with(c, used);
    if (iot_mqtt_accept_part(&c->session, used)) {
        c->rx_keep = 0;
        c->taken |= msg.qos != 0;
        c->counters.received_messages++;
    }
    return true;
}

/* ---- Other packets ----------------------------------------------------------------------- */

static void on_connack(struct iot_mqtt_client *c, bool session_present, iot_time now)
{
    struct iot_event ev = {.kind = IOT_EV_CONNECTED, .session_present = session_present};
    c->counters.connects++;
    c->counters.resent_messages += c->session.resent;
    c->stable = now + STABLE_MS;
    IOT_LOG (c->opt->port_ops, IOT_LOG_INFO, line)
        iot_log_text(line, session_present ? "mqtt: connected, session kept" : "mqtt: connected");
    iot_mqtt_report(c, &ev);
}

static void on_sub_answer(struct iot_mqtt_client *c, const struct iot_mqtt_event *in)
{
    struct iot_event ev = {.kind = in->kind == IOT_MQTT_EV_SUBACK ? IOT_EV_SUBACK : IOT_EV_UNSUBACK,
                           .err = in->err,
                           .ticket = in->ticket,
                           .code = in->code};
    iot_mqtt_report(c, &ev);
}

/* True: go on. */
static bool on_event(struct iot_mqtt_client *c, const struct iot_mqtt_event *in, uint32_t used,
                     iot_time now)
{
    switch (in->kind) {
    case IOT_MQTT_EV_MESSAGE:
        return on_message(c, &in->msg, used, now);
    case IOT_MQTT_EV_PART:
        return on_part(c, in, used, now);
    case IOT_MQTT_EV_LARGE:
        on_large(c, in, used);
        return true;
    case IOT_MQTT_EV_CONNACK:
        done_with(c, used);
        on_connack(c, in->session_present, now);
        break;
    case IOT_MQTT_EV_SUBACK:
    case IOT_MQTT_EV_UNSUBACK:
        done_with(c, used);
        on_sub_answer(c, in);
        break;
    case IOT_MQTT_EV_NONE:
    case IOT_MQTT_EV_ENDED:
        done_with(c, used);
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
    if (c->rx_at != c->rx_keep) {
        uint32_t left = c->rx_len - c->rx_at;
        memmove(c->rx + c->rx_keep, c->rx + c->rx_at, left);
        c->rx_at = c->rx_keep;
        c->rx_len = c->rx_keep + left;
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

/* One packet, or the bytes for it. UP_STOP: nothing more to do in this tick, or `*err` says why the
 * connection has to end. */
static enum up_step up_one(struct iot_mqtt_client *c, iot_time now, iot_err *err, int32_t *detail)
{
    struct iot_bytes in = {c->rx + c->rx_at, c->rx_len - c->rx_at};
    struct iot_mqtt_event ev;
    uint32_t used;
    iot_err fed = in.len == 0 ? IOT_ERR_AGAIN : iot_mqtt_feed(&c->session, in, now, &used, &ev);
    if (fed == IOT_ERR_AGAIN) {
        enum up_step did = refill(c);
        if (c->dry) /* from here on silence is the broker's */
            iot_mqtt_watch_pause(&c->session.watch, false, now);
        return did;
    }
    if (fed == IOT_ERR_FULL) { /* `down` makes room for acknowledgements */
        if (c->reoffer != IOT_TIME_NEVER)
            c->reoffer = now + REOFFER_MS;
        iot_mqtt_watch_pause(&c->session.watch, true, now);
        return UP_STOP;
    }
    if (fed != IOT_OK) {
        *err = fed;
        *detail = ev.code;
        return UP_STOP;
    }
    return on_event(c, &ev, used, now) ? UP_PACKET : UP_STOP;
}

iot_err iot_mqtt_pump_up(struct iot_mqtt_client *c, iot_time now, int32_t *detail)
{
    if (iot_mqtt_sending_connect(&c->session)) {
        c->dry = true; /* the window is lent to CONNECT */
        return IOT_OK;
    }
    if (c->reoffer != IOT_TIME_NEVER) {
        if (now < c->reoffer && now < c->decline_deadline)
            return IOT_OK;
        /* Acknowledgements may be behind it. A part stays as it was offered. */
        if (c->rx_keep == 0 && c->rx_len - c->rx_at < sizeof c->rx)
            (void)refill(c);
    }
    iot_err err = IOT_OK;
    uint32_t packets = 0, reads = 0;
    while (packets < IOT_POLL_PACKETS && reads < 2 * IOT_POLL_PACKETS) {
        enum up_step did = up_one(c, now, &err, detail);
        if (did == UP_STOP)
            return err;
        packets += did == UP_PACKET;
        reads += did == UP_READ;
    }
    c->more = true;
    return IOT_OK;
}

/* ---- Down -------------------------------------------------------------------------------- */

/* Bytes of a streamed message. IOT_ERR_AGAIN: its source has none now. */
static iot_err pull(struct iot_mqtt_client *c, iot_time now)
{
    struct iot_mqtt_pull p;
    if (c->ask != IOT_TIME_NEVER && now < c->ask)
        return IOT_ERR_AGAIN;
    iot_mqtt_pull(&c->session, &p);
    iot_err err = p.source(p.ctx, c->dev, p.offset, &p.w);
    if (err == IOT_OK && p.w.len != 0 && !p.w.overflow) {
        iot_mqtt_pulled(&c->session, p.w.len);
        c->ask = IOT_TIME_NEVER;
        return IOT_OK;
    }
    bool later = !p.w.overflow && (err == IOT_OK || err == IOT_ERR_AGAIN || err == IOT_ERR_FULL);
    if (c->ask == IOT_TIME_NEVER)
        c->ask_since = (uint32_t)now;
    if (!later || (uint32_t)now - c->ask_since > IOT_STREAM_MAX_MS) {
        c->ask = IOT_TIME_NEVER;
        iot_mqtt_unfinished(&c->session);
        return IOT_ERR_MQTT_UNFINISHED;
    }
    c->ask = now + REOFFER_MS;
    return IOT_ERR_AGAIN;
}

iot_err iot_mqtt_pump_down(struct iot_mqtt_client *c, iot_time now)
{
    iot_err err = IOT_OK;
    bool lent = iot_mqtt_sending_connect(&c->session);
    uint32_t n = 0;
    for (; n < WRITES_MAX; n++) {
        enum iot_stream_write_flag how;
        struct iot_bytes bytes = iot_mqtt_pending(&c->session, now, &how);
        if (bytes.len == 0 && iot_mqtt_wants_pull(&c->session)) {
            err = pull(c, now);
            bytes = iot_mqtt_pending(&c->session, now, &how);
        }
        uint32_t taken = 0;
        if (bytes.len == 0 || c->stream->ops->write(c->stream, bytes, how, now, &taken) != IOT_OK)
            break;
        c->written += taken;
        iot_mqtt_sent(&c->session, taken, c->written, now);
    }
    if (lent && !iot_mqtt_sending_connect(&c->session))
        memset(c->rx, 0, sizeof c->rx); /* it held the password */
    /* `up` may have stopped for want of room: among the acknowledgements, or of a window. */
    bool resume = n != 0 && !c->dry && c->reoffer == IOT_TIME_NEVER;
    if (n == WRITES_MAX || resume || (lent && !iot_mqtt_sending_connect(&c->session)))
        c->more = true;
    if (n != 0)
        c->stream->ops->flush(c->stream);
    iot_mqtt_outbox_released(&c->session.box, c->stream->ops->released(c->stream));
    return err == IOT_ERR_MQTT_UNFINISHED ? err : IOT_OK;
}
