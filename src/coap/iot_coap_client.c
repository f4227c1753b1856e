/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_client.h"

#if IOT_FEATURE_COAP

#include "core/iot_core_log.h"

#include <string.h>

#define ACK_TIMEOUT_MS 2000u
#define MAX_RETRANSMIT 4u
#define PROBING_RATE   1u
#define RESPONSE_MS    60000u
#define OPEN_MS                                                                                    \
    45000u /* name, socket, handshake: each has a time of its own, this is for those that have none */
#define BYE_MS   1000u /* for an orderly end of the association */
#define PARK_MS  5000u /* kv may be slow */
#define AGAIN_MS 100u  /* the channel cannot open yet, or chance is not ready */
/* Requests wait for so many attempts, and not for another one after that time. */
#define ATTEMPTS_MAX 3u
#define PATIENCE_MS  12000u
/* Between two attempts. */
#define PAUSE_MIN_MS  250u
#define PAUSE_MS      1000u
#define PAUSE_MAX_MS  60000u
#define PAUSE_DOUBLED 6u

enum coap_phase { PH_IDLE, PH_OPEN, PH_WAIT, PH_UP, PH_CLOSING };

static uint32_t or_else(uint32_t value, uint32_t usual)
{
    return value != 0 ? value : usual;
}

/* ---- DTLS -------------------------------------------------------------------------------- */

#if IOT_FEATURE_DTLS
static void count_up(struct iot_coap *c)
{
    if (c->secure && iot_dtls_is_kept(&c->dtls))
        c->exchange.counters.resumed++;
    else if (c->secure)
        c->exchange.counters.handshakes++;
}

static bool put_away(struct iot_coap *c)
{
    if (c->secure)
        iot_dtls_park(&c->dtls);
    return c->secure;
}
#else
static void count_up(struct iot_coap *c)
{
    (void)c;
}

static bool put_away(struct iot_coap *c)
{
    (void)c;
    return false;
}
#endif

/* ---- Associations ------------------------------------------------------------------------ */

static void log_end(const struct iot_coap *c, const char *what, iot_err err, int32_t detail)
{
    IOT_LOG (c->port, err == IOT_OK ? IOT_LOG_DEBUG : IOT_LOG_WARN, line) {
        iot_log_text(line, what);
        iot_log_err(line, err, detail);
    }
    (void)what, (void)detail;
}

static void drop(struct iot_coap *c)
{
    c->channel->ops->abort(c->channel);
    c->phase = PH_IDLE;
    c->hang = c->parking = false;
}

/* Something came of it: whatever was before is forgiven. */
static void on_progress(struct iot_coap *c)
{
    c->attempts = c->failures = 0;
}

static void hold_off(struct iot_coap *c)
{
    uint32_t most = PAUSE_MS << (c->failures < PAUSE_DOUBLED ? c->failures : PAUSE_DOUBLED);

    if (most > PAUSE_MAX_MS)
        most = PAUSE_MAX_MS;
    if (c->failures < PAUSE_DOUBLED)
        c->failures++;
    c->not_before = c->now + iot_jitter_between(&c->exchange.jitter, PAUSE_MIN_MS, most);
}

static void give_up(struct iot_coap *c, iot_err err, int32_t detail)
{
    iot_coap_exchange_fail(&c->exchange, err, detail);
    c->attempts = 0;
}

/* Another attempt would end the same way. What an alert says is not among that: during a handshake anybody can send one. */
static bool is_final(iot_err err)
{
    return err == IOT_ERR_DNS_UNKNOWN || err == IOT_ERR_TLS_VERIFY || err == IOT_ERR_TLS_MEMORY ||
           err == IOT_ERR_TLS_CREDENTIAL || err == IOT_ERR_RANDOM;
}

/* No association. */
static void fail(struct iot_coap *c, iot_err err, int32_t detail)
{
    log_end(c, "coap: no association: ", err, detail);
    drop(c);
    hold_off(c);
    if (is_final(err) || c->attempts >= ATTEMPTS_MAX || c->now - c->since >= PATIENCE_MS)
        give_up(c, err, detail);
}

/* There was one. A server that takes us and drops what we ask, each time, is asked no more often than one that does not take us; nor
 * one that answers an observation and drops that. */
static void lose(struct iot_coap *c, iot_err err, int32_t detail)
{
    bool idle = iot_coap_exchange_idle(&c->exchange);
    bool good = c->attempts == 0;

    log_end(c, "coap: association lost: ", err, detail);
    drop(c);
    iot_coap_exchange_renew(&c->exchange);
    if (idle || (good && c->now - c->since >= PATIENCE_MS))
        on_progress(c);
    else if (good && c->failures == 0)
        c->failures = 1; /* once, at once */
    else
        hold_off(c);
    if (c->attempts >= ATTEMPTS_MAX)
        give_up(c, err, detail);
}

static int32_t channel_detail(const struct iot_coap *c)
{
    return c->channel->ops->detail(c->channel);
}

/* ---- Connecting -------------------------------------------------------------------------- */

/* Whoever can guess tokens and ids can answer in the server's name, where there is no DTLS (RFC 7252 5.3.1). */
static iot_err seed(struct iot_coap *c)
{
    uint32_t chance;
    iot_err err = IOT_OK;

    if (!c->seeded)
        err = c->port->random(c->port->ctx, &chance, sizeof chance);
    if (!c->seeded && err == IOT_OK) {
        iot_coap_exchange_seed(&c->exchange, chance);
        c->seeded = true;
    }
    return err;
}

static void run_open(struct iot_coap *c)
{
    iot_err err = seed(c);

    if (err == IOT_OK)
        err = c->channel->ops->open(c->channel, &c->to, c->now);
    if (err == IOT_OK) {
        c->phase = PH_WAIT;
        IOT_LOG (c->port, IOT_LOG_INFO, line) {
            iot_log_text(line, "coap: to ");
            iot_log_text(line, c->to.host);
            iot_log_text(line, " port ");
            iot_log_u32(line, c->to.port);
        }
    } else if (err != IOT_ERR_AGAIN) {
        fail(c, err, c->seeded ? channel_detail(c) : 0);
    } else if (c->now >= c->until) {
        fail(c, c->seeded ? IOT_ERR_COAP_TIMEOUT : IOT_ERR_RANDOM, 0);
    } else {
        c->again = c->now + AGAIN_MS;
    }
}

static void run_idle(struct iot_coap *c)
{
    if (!iot_coap_exchange_wants(&c->exchange) || c->now < c->not_before)
        return;
    if (c->attempts++ == 0)
        c->since = c->now;
    c->until = c->now + OPEN_MS;
    c->phase = PH_OPEN;
    run_open(c);
}

static void run_wait(struct iot_coap *c)
{
    iot_err err = c->channel->ops->poll(c->channel, c->now);

    if (err == IOT_OK) {
        c->phase = PH_UP;
        c->used = c->now;
        count_up(c);
    } else if (err != IOT_ERR_AGAIN) {
        fail(c, err, channel_detail(c));
    } else if (c->now >= c->until) {
        fail(c, IOT_ERR_COAP_TIMEOUT, 0);
    }
}

static void leave(struct iot_coap *c)
{
    bool kept = c->parking && put_away(c);

    if (!kept)
        c->channel->ops->close(c->channel, c->now + BYE_MS);
    c->until = c->now + (kept ? PARK_MS : BYE_MS);
    c->phase = PH_CLOSING;
    iot_coap_exchange_renew(&c->exchange);
    on_progress(c);
}

/* What it waits for may be asked for by nobody any more. */
static bool is_unwanted(const struct iot_coap *c)
{
    return (c->closing || c->hang || c->parking) && iot_coap_exchange_idle(&c->exchange);
}

/* ---- Requests ---------------------------------------------------------------------------- */

/* A handler may have cancelled it, or closed the device. */
static bool is_handed(const struct iot_coap_event *ev)
{
    return ev->slot->phase == IOT_COAP_PH_HANDED;
}

static void hand(struct iot_coap *c, const struct iot_coap_event *ev)
{
    const struct iot_coap_handlers *on = ev->req->on;
    void *ctx = ev->req->ctx;
    iot_err err = IOT_OK;

    if (ev->last) /* what has to begin again has not got anywhere */
        c->attempts = 0;
    if (ev->first && on->head != NULL)
        err = on->head(ctx, &ev->head);
    if (err == IOT_OK && ev->part.len != 0 && on->body != NULL && is_handed(ev))
        err = on->body(ctx, ev->offset, ev->part);
    if (err == IOT_OK && ev->last && on->whole != NULL && is_handed(ev))
        on->whole(ctx);
    iot_coap_exchange_answer(&c->exchange, ev->slot, err, c->now);
}

/* `end` may begin another, and cancel it at once: hence the bound. */
static void tell_ends(struct iot_coap *c)
{
    for (uint32_t i = 0; i < IOT_COAP_REQUESTS; i++) {
        struct iot_coap_event ev;
        iot_coap_exchange_expire(&c->exchange, c->now, &ev);
        if (ev.what != IOT_COAP_END)
            return;
        log_end(c, "coap: ", ev.err, ev.detail);
        if (ev.err == IOT_OK)
            on_progress(c);
        ev.req->on->end(ev.req->ctx, ev.err, ev.detail);
    }
    c->more = true;
}

static void receive(struct iot_coap *c)
{
    for (uint32_t i = 0; i < IOT_POLL_PACKETS; i++) {
        struct iot_coap_event ev;
        uint32_t got = 0;
        iot_err err = c->channel->ops->read(c->channel, c->bytes, sizeof c->bytes, &got);
        if (err == IOT_ERR_SIZE) {
            c->exchange.counters.received++;
            c->exchange.counters.ignored++;
            continue;
        }
        if (err != IOT_OK)
            return;
        iot_coap_exchange_take(&c->exchange, (struct iot_bytes){c->bytes, got}, c->now, &ev);
        if (ev.what == IOT_COAP_PART)
            hand(c, &ev);
    }
    c->more = true;
}

static void transmit(struct iot_coap *c)
{
    const struct iot_dgram_ops *ops = c->channel->ops;

    for (uint32_t i = 0; i < IOT_POLL_PACKETS; i++) {
        uint32_t room = ops->room(c->channel), len;
        if (room > sizeof c->bytes)
            room = sizeof c->bytes;
        if (room < IOT_COAP_HEAD_BYTES)
            return; /* the channel takes nothing now, and knows when */
        if (iot_coap_exchange_next(&c->exchange, c->bytes, room, c->now, &len) != IOT_OK)
            return;
        iot_err err = ops->write(c->channel, (struct iot_bytes){c->bytes, len}, c->now);
        if (err == IOT_ERR_AGAIN)
            return; /* the channel knows when */
        if (err != IOT_OK) {
            lose(c, err, channel_detail(c));
            return;
        }
        iot_coap_exchange_sent(&c->exchange, c->now);
    }
    c->more = true;
}

/* ---- The tick ---------------------------------------------------------------------------- */

static void run_up(struct iot_coap *c)
{
    iot_err err = c->channel->ops->poll(c->channel, c->now);

    if (err != IOT_OK)
        lose(c, err, channel_detail(c));
    else
        receive(c);
}

static void run_closing(struct iot_coap *c)
{
    if (c->channel->ops->poll(c->channel, c->now) != IOT_ERR_AGAIN || c->now >= c->until)
        drop(c);
}

/* So many were waited for in vain: the server may have lost the association, and cannot tell us so. */
static bool is_doubtful(const struct iot_coap *c)
{
    return c->secure && iot_coap_exchange_unheard(&c->exchange) >=
                            or_else(c->opt->doubt_after, c->exchange.rules.max_retransmit + 1u);
}

/* Behind what came and what is over. */
static void run_on(struct iot_coap *c)
{
    if (is_doubtful(c)) {
        lose(c, IOT_ERR_COAP_TIMEOUT, 0);
        return;
    }
    transmit(c);
    if (!iot_coap_exchange_idle(&c->exchange))
        c->used = c->now;
    if (c->phase == PH_UP &&
        (is_unwanted(c) || (c->opt->keep_ms != 0 && c->now - c->used >= c->opt->keep_ms)))
        leave(c);
}

void iot_coap_run(struct iot_coap *c, iot_time now)
{
    c->now = now;
    c->more = false;
    if (c->phase == PH_CLOSING)
        run_closing(c);
    else if (c->phase == PH_UP)
        run_up(c);
    else if (c->phase == PH_OPEN && (now >= c->again || now >= c->until))
        run_open(c);
    if (c->phase == PH_IDLE)
        run_idle(c);
    if (c->phase == PH_WAIT)
        run_wait(c);
    tell_ends(c);
    if (c->phase == PH_UP)
        run_on(c);
    else if ((c->phase == PH_OPEN || c->phase == PH_WAIT) && is_unwanted(c))
        drop(c);
}

static iot_time earlier(iot_time a, iot_time b)
{
    return a < b ? a : b;
}

iot_time iot_coap_deadline(const struct iot_coap *c)
{
    iot_time first = iot_coap_exchange_deadline(&c->exchange);

    if (c->more)
        return 0;
    switch ((enum coap_phase)c->phase) {
    case PH_IDLE:
        return iot_coap_exchange_wants(&c->exchange) ? earlier(first, c->not_before) : first;
    case PH_OPEN:
        return earlier(first, earlier(c->again, c->until));
    case PH_UP:
        if (c->opt->keep_ms != 0 && iot_coap_exchange_idle(&c->exchange))
            first = earlier(first, c->used + c->opt->keep_ms);
        break;
    case PH_WAIT:
    case PH_CLOSING:
        first = earlier(first, c->until);
        break;
    }
    return earlier(first, c->channel->ops->deadline(c->channel));
}

/* ---- What is asked for ------------------------------------------------------------------- */

/* As a name of DNS; an address is not sent, it says nothing that the server does not know. */
static bool is_name(const char *host)
{
    bool other = false;

    for (; *host != '\0'; host++) {
        if (*host == ':')
            return false;
        other |= *host != '.' && (*host < '0' || *host > '9');
    }
    return other;
}

void iot_coap_client_init(struct iot_coap *c, const struct iot_coap_options *opt,
                          const struct iot_port *port, struct iot_dgram *carrier,
                          struct iot_dgram *channel, bool *wake)
{
    struct iot_coap_rules rules = {
        .ack_timeout_ms = or_else(opt->ack_timeout_ms, ACK_TIMEOUT_MS),
        .response_ms = or_else(opt->response_ms, RESPONSE_MS),
        .max_retransmit = (uint8_t)or_else(opt->max_retransmit, MAX_RETRANSMIT),
        .probing_rate = (uint16_t)or_else(opt->probing_rate, PROBING_RATE),
        .uri_host = is_name(opt->host) ? opt->host : NULL,
    };

    c->phase = PH_IDLE;
    c->opt = opt;
    c->port = port;
    c->carrier = carrier;
    c->channel = channel;
    c->secure = channel != carrier;
    c->wake = wake;
    c->to.host = opt->host;
    c->to.port = (uint16_t)or_else(opt->port, c->secure ? 5684 : 5683);
    c->to.netif = opt->netif;
    carrier->wake = channel->wake = wake;
    iot_coap_exchange_init(&c->exchange, &rules, 0);
}

iot_err iot_coap_start(struct iot_coap *c, const struct iot_coap_request *request, iot_ticket *out)
{
    iot_err err = c->closing || c->parking ? IOT_ERR_STATE
                                           : iot_coap_exchange_start(&c->exchange, request, out);

    if (err == IOT_OK) {
        c->hang = false;
        *c->wake = true;
    }
    return err;
}

iot_err iot_coap_cancel(struct iot_coap *c, iot_ticket request)
{
    iot_err err = iot_coap_exchange_cancel(&c->exchange, request);

    *c->wake |= err == IOT_OK;
    return err;
}

void iot_coap_resume(struct iot_coap *c)
{
    iot_coap_exchange_resume(&c->exchange);
    *c->wake = true;
}

bool iot_coap_ready(const struct iot_coap *c)
{
    return iot_coap_exchange_idle(&c->exchange);
}

iot_err iot_coap_park(struct iot_coap *c)
{
    if (!iot_coap_exchange_idle(&c->exchange))
        return IOT_ERR_STATE;
    if (c->phase != PH_IDLE && !c->parking)
        c->parking = *c->wake = true; /* who asks in each tick does not wake it for that */
    return IOT_OK;
}

iot_err iot_coap_hang_up(struct iot_coap *c)
{
    if (!iot_coap_exchange_idle(&c->exchange))
        return IOT_ERR_STATE;
    if (c->phase != PH_IDLE && !c->hang)
        c->hang = *c->wake = true;
    return IOT_OK;
}

bool iot_coap_idle(const struct iot_coap *c)
{
    return c->phase == PH_IDLE && iot_coap_exchange_idle(&c->exchange) &&
           c->channel->ops->idle(c->channel) && c->carrier->ops->idle(c->carrier);
}

void iot_coap_counters(const struct iot_coap *c, struct iot_coap_counters *out)
{
    *out = c->exchange.counters;
}

void iot_coap_close(struct iot_coap *c, bool closing)
{
    c->closing = closing;
    if (closing)
        iot_coap_exchange_fail(&c->exchange, IOT_ERR_CLOSED, 0);
    *c->wake = true;
}

#endif
