/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/iot_tls_dgram.h"

#if IOT_FEATURE_DTLS

#include "core/iot_core_assert.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#define AGAIN_MS 20u   /* the port's chance or store is asked again */
#define KV_MS    5000u /* a store that is slow for longer has or keeps nothing */
#define MTU      1200u
#define MTU_MIN  128u
#define FIRST_MS 1000u /* RFC 6347, section 4.2.4.1 */
#define LAST_MS  60000u
#define HEADER   13u /* of a record: type, version 2, epoch 2, number 6, length 2 */

enum dtls_phase {
    PH_IDLE,
    PH_LOWER,
    PH_PREPARE,
    PH_WAKE,
    PH_HANDSHAKE,
    PH_UP,
    PH_SAVE,
    PH_CLOSING,
    PH_OVER,
};

static const struct iot_dtls_options defaults;

static struct iot_dtls *self(struct iot_dgram *g)
{
    return (struct iot_dtls *)(void *)g; /* base is the first member */
}

static const struct iot_dtls *self_const(const struct iot_dgram *g)
{
    return (const struct iot_dtls *)(const void *)g;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* ---- What mbedTLS calls ------------------------------------------------------------------ */

static void set_timer(void *arg, uint32_t unused_ms, uint32_t ms)
{
    struct iot_dtls *d = arg;
    uint32_t last_ms = or_default(d->dtls->last_ms, LAST_MS);
    (void)unused_ms; /* it never asks for that moment */
    d->flight_end = ms == 0 ? IOT_TIME_NEVER : d->core.now + (ms < last_ms ? ms : last_ms);
}

static int get_timer(void *arg)
{
    const struct iot_dtls *d = arg;
    if (d->flight_end == IOT_TIME_NEVER)
        return -1;
    return d->core.now >= d->flight_end ? 2 : 0;
}

/* The peer's Finished is what comes next. */
static bool awaits_finished(const struct iot_dtls *d)
{
    return d->core.state->ssl.MBEDTLS_PRIVATE(state) == (iot_tls_core_serves(&d->core)
                                                             ? MBEDTLS_SSL_CLIENT_FINISHED
                                                             : MBEDTLS_SSL_SERVER_FINISHED);
}

/* A lower channel that cannot take it ever has lost it. While the peer's Finished is awaited all that is said upon a
 * datagram is that it cannot be decrypted, which mbedTLS takes for the end; whoever knows our address could make it say so. */
static int bio_send(void *arg, const unsigned char *bytes, size_t n)
{
    struct iot_dtls *d = arg;
    if (awaits_finished(d) && d->core.state->ssl.MBEDTLS_PRIVATE(in_left) != 0)
        return (int)n;
    iot_err err =
        d->lower->ops->write(d->lower, (struct iot_bytes){bytes, (uint32_t)n}, d->core.now);
    return err == IOT_ERR_AGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : (int)n;
}

/* Alerts in plain text are not for mbedTLS: taken out of the datagram. Returns what is left of it. */
static uint32_t without_alerts(struct iot_dtls *d, uint8_t *bytes, uint32_t n)
{
    uint32_t at = 0;
    while (at + HEADER < n) {
        uint8_t *record = bytes + at;
        uint32_t len = (uint32_t)record[11] << 8 | record[12], end = at + HEADER + len;
        if (record[0] != MBEDTLS_SSL_MSG_ALERT || record[3] != 0 || record[4] != 0) {
            at = end;
            continue;
        }
        if (end > n)
            end = n;
        if (len >= 2 && end - at >= HEADER + 2 && record[HEADER] == MBEDTLS_SSL_ALERT_LEVEL_FATAL)
            d->alert = record[HEADER + 1];
        d->dropped++;
        memmove(record, bytes + end, n - end);
        n -= end - at;
    }
    return n;
}

/* One per tick, whole. One that is too large for the buffer is none. */
static int bio_recv(void *arg, unsigned char *into, size_t cap)
{
    struct iot_dtls *d = arg;
    uint32_t n = 0;
    if (!d->heard) {
        iot_err err = d->lower->ops->read(d->lower, into, (uint32_t)cap, &n);
        if (err != IOT_OK && err != IOT_ERR_SIZE)
            return MBEDTLS_ERR_SSL_WANT_READ;
        d->heard = true;
        if (err != IOT_OK)
            n = 0;
        if (d->phase == PH_HANDSHAKE)
            n = without_alerts(d, into, n);
        if (n != 0)
            return (int)n;
    }
    iot_dgram_wake(&d->base); /* more may wait */
    return MBEDTLS_ERR_SSL_WANT_READ;
}

/* ---- Endings ----------------------------------------------------------------------------- */

static iot_err finish(struct iot_dtls *d, iot_err reason)
{
    d->phase = PH_OVER;
    d->core.reason = reason;
    d->core.deadline = d->flight_end = IOT_TIME_NEVER;
    iot_tls_drop(&d->core);
    d->lower->ops->abort(d->lower);
    return reason;
}

static iot_err lower_ended(struct iot_dtls *d, iot_err err)
{
    d->core.detail = d->lower->ops->detail(d->lower);
    return finish(d, d->phase == PH_CLOSING ? IOT_ERR_CLOSED : err); /* nothing is confirmed */
}

static void begin_closing(struct iot_dtls *d, iot_time deadline)
{
    iot_tls_drop(&d->core);
    d->phase = PH_CLOSING;
    d->core.deadline = d->flight_end = IOT_TIME_NEVER;
    d->lower->ops->close(d->lower, deadline);
    iot_dgram_wake(&d->base);
}

/* ---- Opening ----------------------------------------------------------------------------- */

static iot_err dtls_open(struct iot_dgram *g, const struct iot_endpoint *to, iot_time now)
{
    struct iot_dtls *d = self(g);
    IOT_ASSERT(d->phase == PH_IDLE || d->phase == PH_OVER);

    d->phase = PH_IDLE; /* also when the lower channel cannot open yet */
    d->lower->wake = g->wake;
    d->looked = d->kept = false;
    d->alert = -1;
    d->flight_end = IOT_TIME_NEVER;
    d->heard_at = 0;
    if (!iot_tls_begin(&d->core, to, now))
        return finish(d, IOT_ERR_TLS_MEMORY);
    iot_err err = d->lower->ops->open(d->lower, to, now);
    if (err == IOT_ERR_AGAIN) {
        memset(&d->core.arena, 0, sizeof d->core.arena); /* until then it may be lent */
        return err;
    }
    if (err != IOT_OK)
        return lower_ended(d, err);
    d->phase = PH_LOWER;
    return IOT_OK;
}

static bool keeps(const struct iot_dtls *d)
{
    const struct iot_port *port = d->core.port;
    return !iot_tls_core_serves(&d->core) && d->dtls->context_key != NULL && port->kv_get != NULL &&
           port->kv_set != NULL && port->kv_del != NULL;
}

static void configure(struct iot_dtls *d)
{
    struct iot_tls_state *x = d->core.state;
    uint32_t mtu = or_default(d->dtls->mtu, MTU), room = d->lower->ops->room(d->lower);
    /* mbedTLS would end at the longest delay; how long it may be is for set_timer, and how many for our own deadline. */
    mbedtls_ssl_conf_handshake_timeout(&x->conf, or_default(d->dtls->first_ms, FIRST_MS),
                                       UINT32_MAX);
    mbedtls_ssl_set_timer_cb(&x->ssl, d, set_timer, get_timer);
    mbedtls_ssl_set_bio(&x->ssl, d, bio_send, bio_recv, NULL);
    mbedtls_ssl_set_mtu(&x->ssl, (uint16_t)(room < mtu ? room : mtu));
    /* MBEDTLS_SSL_CID_ENABLED is 1. A server that knows its peers by their addresses has no use for it. */
    (void)mbedtls_ssl_set_cid(&x->ssl, d->dtls->cid && !iot_tls_core_serves(&d->core), NULL, 0);
}

/* The next phase begins in the next tick, which is now. */
static iot_err go_on(struct iot_dtls *d, enum dtls_phase phase)
{
    d->phase = (uint8_t)phase;
    d->core.save_tries = 0;
    d->flight_end = IOT_TIME_NEVER;
    iot_dgram_wake(&d->base);
    return IOT_ERR_AGAIN;
}

/* ... and asks the store, which has its time. No flight is out meanwhile. */
static iot_err go_ask(struct iot_dtls *d, enum dtls_phase phase)
{
    (void)go_on(d, phase);
    d->flight_end = d->core.now + KV_MS;
    return IOT_ERR_AGAIN;
}

static iot_err begin_handshake(struct iot_dtls *d)
{
    iot_tls_resume(&d->core);
    return go_on(d, PH_HANDSHAKE);
}

static iot_err poll_prepare(struct iot_dtls *d, iot_time now)
{
    struct iot_tls_core *t = &d->core;
    iot_err err = iot_tls_setup(t);
    if (err == IOT_ERR_AGAIN)
        return now >= t->deadline ? t->stuck : err;
    if (err != IOT_OK)
        return err;
    configure(d);
    if (!keeps(d) || d->looked)
        return begin_handshake(d);
    d->looked = true;
    return go_ask(d, PH_WAKE);
}

/* ---- The tick ---------------------------------------------------------------------------- */

static iot_err begin_up(struct iot_dtls *d, iot_time now)
{
    iot_tls_begin_up(&d->core, now);
    d->heard_at = now;
    d->core.arena.failed = 0;
    (void)go_on(d, PH_UP);
    return IOT_OK;
}

static iot_err poll_wake(struct iot_dtls *d, iot_time now)
{
    struct iot_tls_core *t = &d->core;
    iot_err err = iot_tls_kept_load(t, d->dtls->context_key, now >= d->flight_end);
    if (err == IOT_OK) {
        t->state->offered = true; /* as of a session: its dates are those that it was kept with */
        begin_up(d, now);
        t->state->offered = t->to_save = false; /* but there is none */
        configure(d);
        d->kept = true;
    } else if (err == IOT_ERR_CUT) {
        iot_tls_teardown(t);
        return go_on(d, PH_PREPARE);
    } else if (err != IOT_ERR_AGAIN) {
        return begin_handshake(d);
    }
    return err;
}

/* An alert in plain text, and by the time at which our flight goes out again the handshake has not gone on. */
static bool is_refused(const struct iot_dtls *d)
{
    return d->alert >= 0 && get_timer((void *)(uintptr_t)d) == 2;
}

/* It is over, by our own judgement. A server that drops what it cannot decrypt is silent about a wrong key: it has spoken
 * until ours was used. A client with a wrong key goes on with what we cannot decrypt. Where memory was short mbedTLS may have gone on, to no good. */
static iot_err give_up(struct iot_dtls *d)
{
    const struct iot_tls_state *x = d->core.state;
    if (d->core.arena.failed != 0)
        return iot_tls_error(&d->core, 0);
    if (d->alert >= 0)
        return iot_tls_alert_error(&d->core, (uint8_t)d->alert);
    bool wrong = x->ssl.MBEDTLS_PRIVATE(state) > MBEDTLS_SSL_CLIENT_FINISHED || awaits_finished(d);
    return wrong && iot_tls_chose_psk(x) ? IOT_ERR_TLS_PSK : IOT_ERR_TLS_TIMEOUT;
}

static iot_err advance(struct iot_dtls *d, iot_time now)
{
    struct iot_tls_core *t = &d->core;
    if (is_refused(d))
        return give_up(d);
    /* Numbers of records that anybody may have made must not make those of the server look old. */
    mbedtls_ssl_conf_dtls_anti_replay(&t->state->conf,
                                      t->state->ssl.MBEDTLS_PRIVATE(in_epoch) != 0);
    int ret = iot_tls_step(t, d->base.on_busy, d->base.busy_ctx);
    switch (ret) {
    case 0:
        d->alert = -1;
        if (mbedtls_ssl_is_handshake_over(&t->state->ssl)) {
            return begin_up(d, now);
        }
        break;
    case MBEDTLS_ERR_SSL_INVALID_MAC: /* see bio_send */
        d->dropped++;
        break;
    case MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS:
    case MBEDTLS_ERR_ECP_IN_PROGRESS:
        break;
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        return now >= t->deadline ? give_up(d) : IOT_ERR_AGAIN;
    default:
        return iot_tls_error(t, ret);
    }
    iot_dgram_wake(&d->base);
    return now >= t->deadline ? give_up(d) : IOT_ERR_AGAIN;
}

/* As with a stream: it may be the session's fault. Silence is rather the network's, but for a server that has taken it up and is
 * not understood, or does not understand. */
static iot_err poll_handshake(struct iot_dtls *d, iot_time now)
{
    iot_err err = advance(d, now);
    if (err == IOT_OK || err == IOT_ERR_AGAIN)
        return err;
    if (err != IOT_ERR_TLS_TIMEOUT ||
        d->core.state->ssl.MBEDTLS_PRIVATE(state) > MBEDTLS_SSL_SERVER_HELLO)
        iot_tls_resume_forget(&d->core);
    return err;
}

/* What mbedTLS has made and the lower channel had no room for; false: it still has none. */
static bool flush(mbedtls_ssl_context *ssl)
{
    /* with something to send it sends that and no more */
    return ssl->MBEDTLS_PRIVATE(out_left) == 0 ||
           mbedtls_ssl_write(ssl, NULL, 0) != MBEDTLS_ERR_SSL_WANT_WRITE;
}

static iot_err poll_up(struct iot_dtls *d, iot_time now)
{
    struct iot_tls_core *t = &d->core;
    if (t->reason != IOT_OK)
        return t->reason;
    (void)flush(&t->state->ssl);
    if (t->to_save)
        iot_tls_keep(t);
    return t->doubtful && now >= t->deadline ? iot_tls_recheck(t, now) : IOT_OK;
}

static iot_err poll_save(struct iot_dtls *d, iot_time now)
{
    struct iot_tls_core *t = &d->core;
    iot_err err = iot_tls_kept_save(t, d->dtls->context_key);
    if (err != IOT_ERR_AGAIN || now >= d->flight_end)
        begin_closing(d, now);
    return IOT_ERR_AGAIN;
}

static iot_err tick(struct iot_dtls *d, iot_time now)
{
    switch ((enum dtls_phase)d->phase) {
    case PH_LOWER:
        d->phase = PH_PREPARE;
        d->core.deadline = now + IOT_TLS_HANDSHAKE_MS;
        return poll_prepare(d, now);
    case PH_PREPARE:
        return poll_prepare(d, now);
    case PH_WAKE:
        return poll_wake(d, now);
    case PH_HANDSHAKE:
        return poll_handshake(d, now);
    case PH_UP:
        return poll_up(d, now);
    case PH_SAVE:
        return poll_save(d, now);
    case PH_CLOSING:
        return IOT_ERR_AGAIN;
    case PH_IDLE:
    case PH_OVER:
        break;
    }
    IOT_UNREACHABLE();
    return IOT_ERR_STATE;
}

static iot_err dtls_poll(struct iot_dgram *g, iot_time now)
{
    struct iot_dtls *d = self(g);
    if (d->phase == PH_IDLE)
        return IOT_ERR_CLOSED;
    if (d->phase == PH_OVER)
        return d->core.reason;
    d->core.now = now;
    d->heard = false;
    iot_err err = d->lower->ops->poll(d->lower, now);
    if (err != IOT_OK && err != IOT_ERR_AGAIN && d->phase != PH_SAVE)
        return lower_ended(d, err);
    if (err == IOT_ERR_AGAIN && d->phase == PH_LOWER)
        return err;
    struct iot_tls_outside o = iot_tls_enter(&d->core);
    err = tick(d, now);
    iot_tls_leave(&d->core, o);
    return err == IOT_OK || err == IOT_ERR_AGAIN ? err : finish(d, err);
}

/* ---- Datagrams --------------------------------------------------------------------------- */

static bool is_up(const struct iot_dtls *d)
{
    return d->phase == PH_UP && d->core.reason == IOT_OK;
}

static iot_err fail(struct iot_dtls *d, iot_err reason)
{
    d->core.reason = reason;
    iot_dgram_wake(&d->base);
    return IOT_ERR_AGAIN;
}

static iot_err dtls_read(struct iot_dgram *g, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct iot_dtls *d = self(g);
    if (!is_up(d) || cap == 0)
        return IOT_ERR_AGAIN;
    mbedtls_ssl_context *ssl = &d->core.state->ssl;
    uint64_t top = ssl->MBEDTLS_PRIVATE(in_window_top), seen = ssl->MBEDTLS_PRIVATE(in_window);
    bool heard = d->heard;
    struct iot_tls_outside o = iot_tls_enter(&d->core);
    int ret = mbedtls_ssl_read(ssl, into, cap);
    iot_tls_leave(&d->core, o);
    /* What is authentic and new moves the window of anti-replay. */
    bool moved =
        ssl->MBEDTLS_PRIVATE(in_window_top) != top || ssl->MBEDTLS_PRIVATE(in_window) != seen;
    d->kept &= !moved;
    d->heard_at = moved ? d->core.now : d->heard_at;
    d->dropped += d->heard && !heard && !moved;
    if (ret > 0) {
        *got = (uint32_t)ret + (uint32_t)mbedtls_ssl_get_bytes_avail(ssl);
        ssl->MBEDTLS_PRIVATE(in_offt) = NULL; /* what did not fit is lost */
        return *got > cap ? IOT_ERR_SIZE : IOT_OK;
    }
    if (ret == 0)
        iot_dgram_wake(g); /* an empty one */
    if (ret == 0 || ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE)
        return IOT_ERR_AGAIN;
    return fail(d, iot_tls_error(&d->core, ret));
}

static uint32_t dtls_room(const struct iot_dgram *g)
{
    const struct iot_dtls *d = self_const(g);
    int room = is_up(d) ? mbedtls_ssl_get_max_out_record_payload(&d->core.state->ssl) : 0;
    return room > 0 ? (uint32_t)room : 0;
}

/* Record numbers have 48 bits and may not come again (RFC 6347, section 4.1): it ends 2^24 before. */
static bool is_worn(const mbedtls_ssl_context *ssl)
{
    const uint8_t *number = ssl->MBEDTLS_PRIVATE(cur_out_ctr) + 2; /* behind the epoch */
    return (number[0] & number[1] & number[2]) == 0xff;
}

/* What the lower channel has no room for waits in mbedTLS, and leaves before anything else does. */
static iot_err dtls_write(struct iot_dgram *g, struct iot_bytes bytes, iot_time now)
{
    struct iot_dtls *d = self(g);
    if (!is_up(d))
        return IOT_ERR_AGAIN;
    if (bytes.len > dtls_room(g))
        return IOT_ERR_SIZE;
    d->core.now = now;
    mbedtls_ssl_context *ssl = &d->core.state->ssl;
    if (is_worn(ssl))
        return fail(d, IOT_ERR_DTLS_WORN);
    struct iot_tls_outside o = iot_tls_enter(&d->core);
    iot_err err = flush(ssl) ? IOT_OK : IOT_ERR_AGAIN;
    int ret = err == IOT_OK ? mbedtls_ssl_write(ssl, bytes.ptr, bytes.len) : 0;
    if (ret < 0 && ret != MBEDTLS_ERR_SSL_WANT_WRITE)
        err = fail(d, iot_tls_error(&d->core, ret));
    iot_tls_leave(&d->core, o);
    return err;
}

/* ---- Closing ----------------------------------------------------------------------------- */

static void dtls_close(struct iot_dgram *g, iot_time deadline)
{
    struct iot_dtls *d = self(g);
    if (d->phase == PH_IDLE || d->phase >= PH_SAVE)
        return;
    if (is_up(d)) {
        struct iot_tls_outside o = iot_tls_enter(&d->core);
        (void)mbedtls_ssl_close_notify(&d->core.state->ssl);
        iot_tls_leave(&d->core, o);
    }
    begin_closing(d, deadline);
}

static void dtls_abort(struct iot_dgram *g)
{
    struct iot_dtls *d = self(g);
    d->core.detail = 0;
    finish(d, IOT_ERR_CLOSED);
}

void iot_dtls_park(struct iot_dtls *d)
{
    struct iot_tls_core *t = &d->core;
    if (d->phase == PH_IDLE || d->phase >= PH_SAVE)
        return;
    bool made = false;
    if (is_up(d) && keeps(d)) {
        mbedtls_ssl_context *ssl = &t->state->ssl;
        struct iot_tls_outside o = iot_tls_enter(t);
        /* What cannot leave now is lost, and its number is used; what has come nobody reads. */
        (void)flush(ssl);
        ssl->MBEDTLS_PRIVATE(out_left) = 0;
        ssl->MBEDTLS_PRIVATE(in_left) = ssl->MBEDTLS_PRIVATE(next_record_offset) = 0;
        made = iot_tls_kept_make(t);
        iot_tls_leave(t, o);
    }
    if (!made) {
        begin_closing(d, t->now);
        return;
    }
    t->deadline = IOT_TIME_NEVER; /* dates are judged when it wakes */
    (void)go_ask(d, PH_SAVE);
}

/* While that has no room, when our flight goes out again is its business, not ours. */
static bool waits_for_lower(const struct iot_dtls *d)
{
    return d->core.state != NULL && d->core.state->ssl.MBEDTLS_PRIVATE(out_left) != 0;
}

static iot_time dtls_deadline(const struct iot_dgram *g)
{
    const struct iot_dtls *d = self_const(g);
    if (d->phase == PH_IDLE || d->phase == PH_OVER)
        return IOT_TIME_NEVER;
    iot_time first = d->lower->ops->deadline(d->lower);
    bool asks = d->phase == PH_PREPARE || d->phase == PH_WAKE || d->phase == PH_SAVE ||
                (d->phase == PH_UP && d->core.to_save);
    iot_time mine[] = {d->core.deadline, waits_for_lower(d) ? IOT_TIME_NEVER : d->flight_end,
                       asks ? d->core.now + AGAIN_MS : IOT_TIME_NEVER};
    for (uint32_t i = 0; i < sizeof mine / sizeof mine[0]; i++)
        first = mine[i] < first ? mine[i] : first;
    return first;
}

static bool dtls_idle(const struct iot_dgram *g)
{
    const struct iot_dtls *d = self_const(g);
    return d->core.state == NULL && d->lower->ops->idle(d->lower);
}

static int32_t dtls_detail(const struct iot_dgram *g)
{
    return self_const(g)->core.detail;
}

static const struct iot_dgram_ops dtls_ops = {
    .open = dtls_open,
    .poll = dtls_poll,
    .read = dtls_read,
    .write = dtls_write,
    .room = dtls_room,
    .close = dtls_close,
    .abort = dtls_abort,
    .deadline = dtls_deadline,
    .idle = dtls_idle,
    .detail = dtls_detail,
};

void iot_dtls_init(struct iot_dtls *d, struct iot_dgram *lower, const struct iot_tls_options *opt,
                   const struct iot_dtls_options *dtls, const struct iot_port *port)
{
    memset(d, 0, sizeof *d);
    d->base.ops = &dtls_ops;
    d->lower = lower;
    d->dtls = dtls != NULL ? dtls : &defaults;
    d->core.opt = opt;
    d->core.port = port;
    d->core.dgram = true;
    d->core.deadline = d->flight_end = IOT_TIME_NEVER;
}

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

iot_err iot_dtls_check(const struct iot_tls_options *opt, const struct iot_dtls_options *dtls,
                       bool psk_source)
{
    const struct iot_dtls_options *o = dtls != NULL ? dtls : &defaults;
    if ((o->mtu != 0 && o->mtu < MTU_MIN) || !iot_tls_is_key(o->context_key) ||
        same_text(o->context_key, opt->session_key))
        return IOT_ERR_ARG;
    return iot_tls_check(opt, psk_source);
}

bool iot_dtls_is_kept(const struct iot_dtls *d)
{
    return d->phase == PH_UP && d->kept;
}

uint32_t iot_dtls_dropped(const struct iot_dtls *d)
{
    return d->dropped;
}

const char *iot_dtls_suite(const struct iot_dtls *d)
{
    return d->phase == PH_UP ? iot_tls_core_suite(&d->core) : "";
}

bool iot_dtls_is_resumed(const struct iot_dtls *d)
{
    return d->phase == PH_UP && !d->kept && iot_tls_core_is_resumed(&d->core);
}

#endif
