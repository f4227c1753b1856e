/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_client.h"

#include "core/iot_core_dump.h"
#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_decline.h"
#include "mqtt/iot_mqtt_deliver.h"
#include "mqtt/iot_mqtt_errand.h"
#include "mqtt/iot_mqtt_hint.h"
#include "mqtt/iot_mqtt_pump.h"
#include "mqtt/iot_mqtt_ref.h"
#include "mqtt/iot_mqtt_report.h"
#include "mqtt/iot_mqtt_rest.h"
#include "mqtt/iot_mqtt_source.h"

#include <string.h>

#define BYE_MS          1000u /* to hand over DISCONNECT, and again to have it delivered */
#define OPEN_AGAIN_MS   100u  /* the stream cannot open yet */
#define LOGIN_AGAIN_MS  20u   /* the credentials are not ready yet */
#define TCP_KEEPALIVE_S 60u   /* where MQTT has none */

enum client_phase { PH_IDLE, PH_WAIT, PH_OPEN, PH_LIVE, PH_BYE, PH_CLOSING };

/* ---- Losing and waiting ------------------------------------------------------------------ */

static iot_err poll_stream(struct iot_mqtt_client *c)
{
    return c->stream->ops->poll(c->stream, c->session.now);
}

static void wait_ms(struct iot_mqtt_client *c, uint32_t ms)
{
    c->until = c->session.now + ms;
}

static void forget_link(struct iot_mqtt_client *c)
{
    c->stream->ops->abort(c->stream);
    iot_mqtt_session_lost(&c->session);
    iot_mqtt_pump_reset(c);
    c->broken = IOT_OK;
}

static enum iot_mqtt_stage stage_of(const struct iot_mqtt_client *c)
{
    if (c->phase != PH_LIVE)
        return IOT_MQTT_OPENING;
    if (!iot_mqtt_up(&c->session))
        return IOT_MQTT_ASKED;
    return c->session.now >= c->stable ? IOT_MQTT_STABLE : IOT_MQTT_ACCEPTED;
}

/* ---- Errands --------------------------------------------------------------------------- */

static bool on_errand(const struct iot_mqtt_client *c)
{
    return c->phase == PH_LIVE && iot_mqtt_errand(&c->session) && iot_mqtt_up(&c->session);
}

static void come_again(struct iot_mqtt_client *c)
{
    forget_link(c);
    c->phase = PH_WAIT;
    wait_ms(c, 0);
}

static void log_lost(const struct iot_mqtt_client *c, const struct iot_event *ev)
{
    IOT_LOG (c->opt->port_ops, IOT_LOG_WARN, line) {
        iot_log_text(line, "mqtt: lost, ");
        iot_log_err(line, ev->err, ev->detail);
    }
}

static void lose(struct iot_mqtt_client *c, iot_err reason, int32_t detail)
{
    enum iot_mqtt_stage stage = stage_of(c);
    uint32_t exile_ms = 0;
    if (on_errand(c) && c->hooks->errand(c->dev, false) == IOT_OK) {
        come_again(c); /* it had served: the peer may end it as well as we */
        return;
    }
    if (c->hooks != NULL)
        exile_ms = c->hooks->judge(c->dev, stage, &reason, detail);
    struct iot_event ev = {.kind = IOT_EV_LOST, .err = reason};
    /* Declined, but not all: the next link goes on where this one ended, and need not wait for that. */
    if (stage == IOT_MQTT_STABLE || iot_mqtt_heard_some(c))
        iot_mqtt_backoff_reset(&c->backoff);
    forget_link(c);
    c->reason = reason;
    c->detail = ev.detail = detail;
    IOT_COUNT(c->counters.losses, 1);
    if (c->opt->no_reconnect) {
        c->phase = PH_IDLE;
        ev.delay_ms = IOT_MS_NEVER;
    } else {
        c->phase = PH_WAIT;
        ev.delay_ms = iot_mqtt_backoff_next(&c->backoff, c->jitter, c->opt->backoff_cap_ms, reason,
                                            detail, exile_ms);
        wait_ms(c, ev.delay_ms);
        if (iot_mqtt_rest_wanted(c))
            ev.delay_ms = IOT_MS_NEVER;
    }
    log_lost(c, &ev);
    iot_mqtt_report(c, &ev);
    iot_mqtt_report_ended(c);
}

static void lose_stream(struct iot_mqtt_client *c, iot_err reason)
{
    lose(c, reason, c->stream->ops->detail(c->stream));
}

/* ---- A rest ------------------------------------------------------------------------------ */

#if IOT_FEATURE_OTA

#define REST_MS 3000u /* for messages that are queued or not acknowledged, before a rest */

void iot_mqtt_client_rest(struct iot_mqtt_client *c, bool wanted)
{
    if (wanted && !c->rest && c->phase == PH_LIVE && !iot_mqtt_errand(&c->session))
        wait_ms(c, REST_MS);
    c->rest = wanted;
    c->away = wanted && c->phase <= PH_WAIT;
}

/* The link has ended, or the attempt; wanted, so that it counts nowhere. */
static void come_to_rest(struct iot_mqtt_client *c)
{
    struct iot_event ev = {.kind = IOT_EV_LOST, .err = IOT_ERR_OTA_ROOM, .delay_ms = IOT_MS_NEVER};

    come_again(c);
    c->reason = ev.err;
    c->detail = 0;
    IOT_LOG (c->opt->port_ops, IOT_LOG_INFO, line)
        iot_log_text(line, "mqtt: away, makes room for an update");
    iot_mqtt_report(c, &ev);
    iot_mqtt_report_ended(c);
}

#else

static void come_to_rest(struct iot_mqtt_client *c)
{
    (void)c;
}

#endif

/* ---- net: what happened to the link ------------------------------------------------------ */

static void obey(struct iot_mqtt_client *c, iot_err hint)
{
    uint32_t ms;
    bool linked = c->phase == PH_OPEN || c->phase == PH_LIVE;
    if (linked && hint != IOT_ERR_AGAIN)
        lose(c, hint, 0);
    else if (c->phase == PH_WAIT &&
             iot_mqtt_backoff_hint(&c->backoff, c->jitter, c->opt->backoff_cap_ms,
                                   hint == IOT_ERR_NET_DOWN, &ms))
        wait_ms(c, ms);
}

/* Closing, and no message is worth a link any more. */
static bool gives_up(const struct iot_mqtt_client *c)
{
    return c->closing && (c->session.box.count == 0 || c->session.now >= c->drain_deadline);
}

static iot_err ask_login(struct iot_mqtt_client *c)
{
    uint32_t cap;
    uint8_t *scratch = iot_mqtt_client_scratch(c, &cap);
    iot_mqtt_credentials(c->opt, &c->who);
    iot_err err = c->hooks == NULL ? IOT_OK : c->hooks->login(c->dev, scratch, cap, &c->who);
    if (err == IOT_OK && (c->who.host == NULL || c->who.host[0] == '\0' || c->who.port == 0))
        return IOT_ERR_ARG; /* on_credentials left out what the options had left to it */
    c->to.host = c->who.host;
    c->to.port = c->who.port;
    return err;
}

static void open_stream(struct iot_mqtt_client *c)
{
    iot_err err = ask_login(c);
    if (err == IOT_ERR_AGAIN) {
        wait_ms(c, LOGIN_AGAIN_MS);
        return;
    }
    bool refused = err != IOT_OK; /* by ourselves: no stream has a number for it */
    if (!refused)
        err = c->stream->ops->open(c->stream, &c->to, c->session.now);
    if (err == IOT_ERR_AGAIN) {
        wait_ms(c, OPEN_AGAIN_MS);
        return;
    }
    c->phase = PH_OPEN;
    c->broken = err;
    IOT_LOG (c->opt->port_ops, IOT_LOG_INFO, line) {
        iot_log_text(line, "mqtt: connecting to ");
        iot_log_text(line, c->to.host != NULL ? c->to.host : "?");
        iot_log_text(line, " port ");
        iot_log_u32(line, c->to.port);
    }
    iot_mqtt_report_kind(c, IOT_EV_CONNECTING);
    if (refused)
        lose(c, err, 0);
}

static void start_session(struct iot_mqtt_client *c)
{
    iot_err err = iot_mqtt_session_start(&c->session, &c->who, c->rx,
                                         iot_mqtt_login_room(c->rx, sizeof c->rx, &c->who));
    if (err != IOT_OK) { /* the options were checked at init; credentials may come later */
        lose(c, err, 0);
        return;
    }
    c->phase = PH_LIVE;
    c->written = 0;
    c->dry = false;
}

void iot_mqtt_client_tick(struct iot_mqtt_client *c, iot_time now)
{
    c->session.now = now;
}

void iot_mqtt_client_slept(struct iot_mqtt_client *c)
{
    iot_mqtt_watch_probe(&c->session.watch);
}

void iot_mqtt_client_net(struct iot_mqtt_client *c)
{
    iot_err err;
    c->more = false;
    if (c->close_asked)
        c->drain_deadline += c->session.now;
    c->close_asked = false;
    iot_err hint = iot_mqtt_hint_take(c);
    if (hint != IOT_OK)
        obey(c, hint);

    switch ((enum client_phase)c->phase) {
    case PH_IDLE:
        break;
    case PH_WAIT:
        if (c->session.now >= c->until && !gives_up(c) && !iot_mqtt_rest_wanted(c))
            open_stream(c);
        break;
    case PH_OPEN:
        err = c->broken != IOT_OK ? c->broken : poll_stream(c);
        if (err == IOT_OK)
            start_session(c);
        else if (err != IOT_ERR_AGAIN)
            lose_stream(c, err);
        break;
    case PH_LIVE:
        c->broken = poll_stream(c);
        if (c->broken != IOT_OK)
            iot_mqtt_session_mute(&c->session);
        break;
    case PH_BYE:
        c->broken = poll_stream(c);
        break;
    case PH_CLOSING:
        err = poll_stream(c);
        if (err == IOT_ERR_AGAIN || err == IOT_ERR_CLOSED) /* otherwise it was cut off */
            iot_mqtt_ref_released(&c->session.box, c->stream->ops->released(c->stream));
        if (err == IOT_ERR_AGAIN)
            break;
        if (iot_mqtt_errand(&c->session)) {
            come_again(c);
        } else if (!IOT_FEATURE_OTA || gives_up(c)) {
            forget_link(c);
            c->phase = PH_IDLE;
        } else {
            come_to_rest(c);
        }
        break;
    }
}

/* ---- up and down: bytes ------------------------------------------------------------------ */

void iot_mqtt_client_up(struct iot_mqtt_client *c)
{
    int32_t detail = 0;
    c->dry = c->phase != PH_LIVE;
    if (c->dry)
        return;
    iot_err err = iot_mqtt_pump_up(c, &detail);
    if (err != IOT_OK)
        lose(c, err, detail);
}

void iot_mqtt_client_down(struct iot_mqtt_client *c)
{
    if ((c->phase != PH_LIVE && c->phase != PH_BYE) || c->broken != IOT_OK)
        return;
    iot_err err = iot_mqtt_pump_down(c);
    if (err != IOT_OK && c->phase == PH_LIVE)
        lose(c, err, 0);
}

/* ---- time -------------------------------------------------------------------------------- */

void iot_mqtt_client_time(struct iot_mqtt_client *c)
{
    if (c->phase != PH_LIVE)
        return;
    /* What came before the end is digested first, unless the application does not want it. */
    if (c->broken != IOT_OK && (c->dry || iot_mqtt_declining(c))) {
        c->broken = poll_stream(c); /* it may know better by now */
        lose_stream(c, c->broken);
        return;
    }
    /* Deaf to its messages: the broker shall offer them anew, as soon as it has acknowledged ours. */
    if (iot_mqtt_decline_over(c)) {
        lose(c, IOT_ERR_MQTT_DECLINED, iot_mqtt_deaf(c));
        return;
    }
    if (c->session.now >= c->stable && !on_errand(c) && iot_mqtt_unsettled(&c->session))
        iot_mqtt_settle(&c->session);
    iot_err err = iot_mqtt_watch_expire(&c->session.watch, c->session.now, c->dry);
    if (err != IOT_OK)
        lose(c, err, 0);
}

/* ---- end: a wanted close ----------------------------------------------------------------- */

/* The close is complete as far as MQTT goes; the memory is the caller's only when nothing outside
 * points into it any more (a name request cannot be cancelled). */
static void finish(struct iot_mqtt_client *c)
{
    if (c->phase != PH_IDLE)
        forget_link(c);
    c->phase = PH_IDLE;
    iot_mqtt_session_finish(&c->session);
    iot_mqtt_report_ended(c);
    if (!c->stream->ops->idle(c->stream) ||
        (c->hooks != NULL && c->hooks->may_close != NULL && !c->hooks->may_close(c->dev)))
        return; /* woken when it is */
    /* What the device ends by this is told while nothing new may begin: it would be ended with the rest. */
    struct iot_event ev = {.kind = IOT_EV_CLOSED};
    bool tell = c->hooks == NULL || c->hooks->event(c->dev, &ev);
    c->closing = c->begun = false;
    iot_mqtt_backoff_reset(&c->backoff);
    if (tell)
        c->opt->on_event(c->opt->ctx, c->dev, &ev);
}

static void say_bye(struct iot_mqtt_client *c)
{
    iot_mqtt_session_bye(&c->session);
    iot_mqtt_decline_end(c);
    c->phase = PH_BYE;
    wait_ms(c, BYE_MS);
    c->more = true;
}

/* A message that is declined has a deadline of its own. */
static void end_errand(struct iot_mqtt_client *c)
{
    bool late = c->session.now >= c->until && !c->more && !iot_mqtt_declining(c);
    iot_err err = c->hooks->errand(c->dev, late);

    if (err == IOT_OK) {
        say_bye(c);
        iot_mqtt_pump_reset(c); /* the answer lies in the window */
    } else if (err != IOT_ERR_AGAIN) {
        lose(c, err, 0);
    }
}

/* CONNECT is not taken back: the broker may have it, and a link that is cut behind it fires the will. */
static void begin_rest(struct iot_mqtt_client *c)
{
    if (c->phase == PH_OPEN)
        come_to_rest(c);
    else if (c->phase == PH_LIVE && iot_mqtt_up(&c->session) && !iot_mqtt_errand(&c->session) &&
             c->broken == IOT_OK && (iot_mqtt_client_idle(c) || c->session.now >= c->until))
        say_bye(c);
}

static void end_phase(struct iot_mqtt_client *c)
{
    if (c->close_asked || (!c->closing && c->phase != PH_BYE))
        return;
    bool drained = iot_mqtt_session_idle(&c->session) || c->session.now >= c->drain_deadline;

    switch ((enum client_phase)c->phase) {
    case PH_IDLE:
        finish(c);
        break;
    case PH_WAIT:
    case PH_OPEN:
        if (gives_up(c))
            finish(c);
        break;
    case PH_LIVE:
        if (iot_mqtt_up(&c->session)) {
            if (!drained)
                break;
            say_bye(c);
        } else if (gives_up(c)) {
            finish(c); /* before CONNACK there is nothing to say */
        }
        break;
    case PH_BYE:
        if (iot_mqtt_said_bye(&c->session) || c->session.now >= c->until || c->broken != IOT_OK) {
            c->stream->ops->close(c->stream, c->session.now + BYE_MS);
            c->phase = PH_CLOSING;
            c->more = true;
        }
        break;
    case PH_CLOSING:
        break; /* net finds its end */
    }
}

void iot_mqtt_client_end(struct iot_mqtt_client *c)
{
    iot_mqtt_report_ended(c); /* also without a link messages give way to others */
    if (on_errand(c))
        end_errand(c);
    if (iot_mqtt_rest_wanted(c) && !c->closing)
        begin_rest(c);
    end_phase(c);
#if IOT_FEATURE_OTA
    c->away = c->rest && c->phase <= PH_WAIT;
#endif
}

bool iot_mqtt_client_unread(const struct iot_mqtt_client *c)
{
    return c->phase == PH_LIVE && (!c->dry || iot_mqtt_declining(c));
}

static iot_time earlier(iot_time a, iot_time b)
{
    return a < b ? a : b;
}

iot_time iot_mqtt_client_deadline(const struct iot_mqtt_client *c)
{
    iot_time first = IOT_TIME_NEVER;
    if (c->more)
        return 0;
    switch ((enum client_phase)c->phase) {
    case PH_IDLE:
        return IOT_TIME_NEVER;
    case PH_WAIT:
        first = iot_mqtt_rest_wanted(c) ? IOT_TIME_NEVER : c->until;
        break;
    case PH_OPEN:
        first = c->broken != IOT_OK ? 0 : c->stream->ops->deadline(c->stream);
        break;
    case PH_LIVE:
        first = earlier(c->stream->ops->deadline(c->stream),
                        iot_mqtt_watch_deadline(&c->session.watch));
        first = earlier(first, iot_mqtt_source_deadline(c));
        first = earlier(first, iot_mqtt_decline_deadline(c));
        if (on_errand(c))
            first = iot_mqtt_declining(c) ? first : earlier(first, c->until);
        else if (iot_mqtt_unsettled(&c->session))
            first = earlier(first, c->stable);
        if (iot_mqtt_rest_wanted(c) && !c->closing && iot_mqtt_up(&c->session) && !on_errand(c))
            first = earlier(first, c->until);
        break;
    case PH_BYE:
        return earlier(earlier(c->until, iot_mqtt_source_deadline(c)),
                       c->stream->ops->deadline(c->stream));
    case PH_CLOSING:
        return c->stream->ops->deadline(c->stream);
    }
    return c->closing ? earlier(first, c->drain_deadline) : first;
}

bool iot_mqtt_client_idle(const struct iot_mqtt_client *c)
{
    bool confirmed = c->phase != PH_LIVE || c->written == c->stream->ops->released(c->stream);
    return !c->closing && confirmed && iot_mqtt_session_idle(&c->session) && c->rx_at == c->rx_len;
}

/* ---- Requests ---------------------------------------------------------------------------- */

void iot_mqtt_client_init(struct iot_mqtt_client *c, const struct iot_options *opt,
                          struct iot_device *dev, const struct iot_mqtt_hooks *hooks,
                          struct iot_stream *stream, struct iot_jitter *jitter)
{
    memset(c, 0, sizeof *c);
    c->opt = opt;
    c->dev = dev;
    c->hooks = hooks;
    c->stream = stream;
    c->jitter = jitter;
    c->to.netif = opt->netif;
    c->to.tcp_keepalive = opt->keepalive_s == 0 ? TCP_KEEPALIVE_S : 0;
    iot_mqtt_pump_reset(c);
    c->phase = PH_IDLE;
    iot_mqtt_session_init(&c->session, opt, sizeof c->rx);
}

iot_err iot_mqtt_client_check(struct iot_mqtt_client *c, const struct iot_credentials *who)
{
    uint32_t len;
    iot_err err = iot_mqtt_session_check(c->opt, who, c->rx,
                                         iot_mqtt_login_room(c->rx, sizeof c->rx, who), &len);
    memset(c->rx, 0, sizeof c->rx); /* the password is asked for again when it is needed */
    return err;
}

uint8_t *iot_mqtt_client_scratch(struct iot_mqtt_client *c, uint32_t *cap)
{
    return iot_mqtt_login_scratch(c->rx, sizeof c->rx, cap);
}

iot_err iot_mqtt_client_connect(struct iot_mqtt_client *c)
{
    if (c->phase != PH_IDLE || c->closing)
        return IOT_ERR_STATE;
    c->begun = true;
    c->phase = PH_WAIT;
    c->until = 0;
    return IOT_OK;
}

bool iot_mqtt_client_open(const struct iot_mqtt_client *c)
{
    return c->begun && !c->closing;
}

bool iot_mqtt_client_drains(const struct iot_mqtt_client *c)
{
    return c->closing && c->phase > PH_IDLE && c->phase < PH_BYE;
}

iot_err iot_mqtt_client_close(struct iot_mqtt_client *c, uint32_t drain_ms)
{
    if (!iot_mqtt_client_open(c))
        return IOT_ERR_STATE;
    c->closing = true;
    c->drain_deadline = drain_ms;
    c->close_asked = true;
    return IOT_OK;
}
