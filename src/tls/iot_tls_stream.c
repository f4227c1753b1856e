/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/iot_tls_stream.h"

#if IOT_FEATURE_TLS

#include "core/iot_core_assert.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#define AGAIN_MS 20u /* the port's chance or store is asked again */

enum tls_phase { PH_IDLE, PH_LOWER, PH_PREPARE, PH_HANDSHAKE, PH_UP, PH_BYE, PH_CLOSING, PH_OVER };

static struct iot_tls *self(struct iot_stream *s)
{
    return (struct iot_tls *)(void *)s; /* base is the first member */
}

static const struct iot_tls *self_const(const struct iot_stream *s)
{
    return (const struct iot_tls *)(const void *)s;
}

/* ---- The lower stream -------------------------------------------------------------------- */

/* Once it has ended it is only read from: it may be one of the application's, which need not expect more. */
static iot_err poll_below(struct iot_tls *t, iot_time now)
{
    iot_err err = t->lower->ops->poll(t->lower, now);
    t->mute = err != IOT_OK && err != IOT_ERR_AGAIN;
    return err;
}

/* ---- Endings ----------------------------------------------------------------------------- */

static iot_err finish(struct iot_tls *t, iot_err reason)
{
    t->phase = PH_OVER;
    t->core.reason = reason;
    t->core.deadline = IOT_TIME_NEVER;
    t->released = t->written;
    iot_tls_drop(&t->core);
    return reason;
}

/* The lower stream ended. That the peer said no goodbye in TLS has a name of its own; so has a peer
 * that does not like how we begin. */
static iot_err lower_reason(struct iot_tls *t, iot_err err)
{
    bool rude = err == IOT_ERR_TCP_EOF || (err == IOT_ERR_TCP_RESET && t->phase < PH_UP);
    t->core.detail = t->lower->ops->detail(t->lower);
    return rude ? IOT_ERR_TLS_EOF : err;
}

/* ---- Opening ----------------------------------------------------------------------------- */

static iot_err tls_open(struct iot_stream *s, const struct iot_endpoint *to, iot_time now)
{
    struct iot_tls *t = self(s);
    IOT_ASSERT(t->phase == PH_IDLE || t->phase == PH_OVER);

    iot_tls_drop(&t->core);
    t->phase = PH_IDLE; /* also when the lower stream cannot open yet */
    t->lower->wake = s->wake;
    t->frozen = 0;
    t->saved = t->may_read = t->ended = t->mute = t->goodbye = t->partly = false;
    t->written = t->released = t->mark = t->mark_lower = t->lower_written = 0;
    if (!iot_tls_begin(&t->core, to, now))
        return finish(t, IOT_ERR_TLS_MEMORY);
    iot_err err = t->lower->ops->open(t->lower, to, now);
    if (err == IOT_ERR_AGAIN) {
        memset(&t->core.arena, 0, sizeof t->core.arena); /* until then it may be lent */
        return err;
    }
    if (err != IOT_OK) {
        t->core.detail = t->lower->ops->detail(t->lower);
        return finish(t, err);
    }
    t->phase = PH_LOWER;
    return IOT_OK;
}

/* ---- The tick ---------------------------------------------------------------------------- */

static iot_err poll_lower(struct iot_tls *t, iot_time now)
{
    iot_err err = poll_below(t, now);
    if (err == IOT_ERR_AGAIN)
        return err;
    if (err != IOT_OK) {
        t->core.detail = t->lower->ops->detail(t->lower);
        return finish(t, err);
    }
    t->phase = PH_PREPARE;
    t->core.deadline = now + IOT_TLS_HANDSHAKE_MS;
    iot_stream_wake(&t->base);
    return IOT_ERR_AGAIN;
}

static iot_err poll_prepare(struct iot_tls *t, iot_time now)
{
    iot_err err = poll_below(t, now);
    if (err != IOT_OK)
        return finish(t, lower_reason(t, err));
    struct iot_tls_outside o = iot_tls_enter(&t->core);
    err = iot_tls_setup(&t->core);
    if (err == IOT_OK) {
        iot_tls_resume(&t->core);
        iot_tls_record_bio(t);
    }
    iot_tls_leave(&t->core, o);
    if (err == IOT_ERR_AGAIN)
        return now >= t->core.deadline ? finish(t, t->core.stuck) : err;
    if (err != IOT_OK)
        return finish(t, err);
    t->phase = PH_HANDSHAKE;
    iot_stream_wake(&t->base);
    return IOT_ERR_AGAIN;
}

static iot_err poll_handshake(struct iot_tls *t, iot_time now)
{
    iot_err lower = poll_below(t, now), err = IOT_ERR_AGAIN;
    struct iot_tls_outside o = iot_tls_enter(&t->core);
    int ret = iot_tls_step(&t->core, t->base.on_busy, t->base.busy_ctx);
    switch (ret) {
    case 0:
        if (mbedtls_ssl_is_handshake_over(&t->core.state->ssl)) {
            iot_tls_begin_up(&t->core, now);
            t->phase = PH_UP;
            err = IOT_OK;
        }
        iot_stream_wake(&t->base);
        break;
    case MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS:
    case MBEDTLS_ERR_ECP_IN_PROGRESS:
        iot_stream_wake(&t->base);
        break;
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        if (t->more)
            iot_stream_wake(&t->base);
        else if (lower != IOT_OK) /* and nothing of what came before its end is left */
            err = lower_reason(t, lower);
        break;
    default:
        err = iot_tls_error(&t->core, ret);
    }
    if (err == IOT_ERR_AGAIN && now >= t->core.deadline)
        err = IOT_ERR_TLS_TIMEOUT;
    /* It may be the session's fault, also if the server says nothing and goes: the next attempt is a full one.
     * Silence is rather the network's. */
    if (err != IOT_OK && err != IOT_ERR_AGAIN && err != IOT_ERR_TLS_TIMEOUT)
        iot_tls_resume_forget(&t->core);
    iot_tls_leave(&t->core, o);
    iot_tls_record_flush(t);
    return err == IOT_OK || err == IOT_ERR_AGAIN ? err : finish(t, err);
}

/* A link that breaks is reported at once; what is decrypted by then can still be read. */
static iot_err poll_up(struct iot_tls *t, iot_time now)
{
    t->may_read = true;
    if (t->core.reason != IOT_OK)
        return t->core.reason;
    iot_err err = poll_below(t, now);
    iot_tls_record_mark(t);
    /* A goodbye may lie before its end: then that is the reason, once it is read. */
    if (err != IOT_OK)
        return lower_reason(t, err);
    if (t->core.to_save) {
        iot_tls_keep(&t->core);
        t->saved |= !t->core.to_save;
    }
    if (t->core.doubtful && now >= t->core.deadline)
        err = iot_tls_recheck(&t->core, now);
    return err == IOT_OK ? IOT_OK : finish(t, err);
}

/* Half a record may be on its way, and mbedTLS does no more than finish that when it is asked for the
 * goodbye. AGAIN: not all of it has left; OK: it has, or it never will. */
static iot_err say_goodbye(struct iot_tls *t)
{
    mbedtls_ssl_context *ssl = &t->core.state->ssl;
    int ret = 0;
    while (ret == 0 && !(t->goodbye && ssl->MBEDTLS_PRIVATE(out_left) == 0)) {
        t->goodbye |= ssl->MBEDTLS_PRIVATE(out_left) == 0;
        ret = mbedtls_ssl_close_notify(ssl);
    }
    return ret == MBEDTLS_ERR_SSL_WANT_WRITE ? IOT_ERR_AGAIN : IOT_OK;
}

static iot_err poll_bye(struct iot_tls *t, iot_time now)
{
    iot_err err = poll_below(t, now);
    if (err != IOT_OK) { /* nothing that could be closed in good order */
        err = lower_reason(t, err);
        t->lower->ops->abort(t->lower);
        return finish(t, err);
    }
    if (now < t->core.deadline) {
        struct iot_tls_outside o = iot_tls_enter(&t->core);
        err = say_goodbye(t);
        iot_tls_leave(&t->core, o);
        iot_tls_record_flush(t);
        if (err == IOT_ERR_AGAIN)
            return err;
    }
    iot_time deadline = t->core.deadline;
    iot_tls_drop(&t->core);
    t->phase = PH_CLOSING;
    t->core.deadline = IOT_TIME_NEVER;
    t->lower->ops->close(t->lower, deadline);
    return IOT_ERR_AGAIN;
}

static iot_err poll_closing(struct iot_tls *t, iot_time now)
{
    iot_err err = poll_below(t, now);
    if (err == IOT_ERR_AGAIN)
        return err;
    t->core.detail = t->lower->ops->detail(t->lower);
    return finish(t, err);
}

static iot_err tls_poll(struct iot_stream *s, iot_time now)
{
    struct iot_tls *t = self(s);
    t->core.now = now;
    t->records = 0;
    t->sent_bytes = 0;
    t->more = false;
    switch ((enum tls_phase)t->phase) {
    case PH_IDLE:
        return IOT_ERR_CLOSED;
    case PH_LOWER:
        return poll_lower(t, now);
    case PH_PREPARE:
        return poll_prepare(t, now);
    case PH_HANDSHAKE:
        return poll_handshake(t, now);
    case PH_UP:
        return poll_up(t, now);
    case PH_BYE:
        return poll_bye(t, now);
    case PH_CLOSING:
        return poll_closing(t, now);
    case PH_OVER:
        return t->core.reason;
    }
    IOT_UNREACHABLE();
    return IOT_ERR_STATE;
}

/* ---- Bytes ------------------------------------------------------------------------------- */

static iot_err tls_read(struct iot_stream *s, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct iot_tls *t = self(s);
    return t->phase != PH_UP || cap == 0 ? IOT_ERR_AGAIN : iot_tls_record_read(t, into, cap, got);
}

static iot_err tls_write(struct iot_stream *s, struct iot_bytes bytes,
                         enum iot_stream_write_flag how, iot_time now, uint32_t *taken)
{
    struct iot_tls *t = self(s);
    (void)how; /* encrypting copies */
    if (t->phase != PH_UP || t->core.reason != IOT_OK || t->mute || bytes.len == 0)
        return IOT_ERR_AGAIN;
    t->core.now = now;
    return iot_tls_record_write(t, bytes, taken);
}

static void tls_flush(struct iot_stream *s)
{
    struct iot_tls *t = self(s);
    if (t->phase == PH_UP)
        iot_tls_record_flush(t);
}

static uint32_t tls_released(const struct iot_stream *s)
{
    return self_const(s)->released;
}

/* ---- Closing ----------------------------------------------------------------------------- */

static void tls_close(struct iot_stream *s, iot_time deadline)
{
    struct iot_tls *t = self(s);
    if (t->phase == PH_UP && t->core.reason == IOT_OK) {
        t->phase = PH_BYE;
        t->core.deadline = deadline;
    } else if (t->phase == PH_LOWER) { /* nothing is connected that could be closed */
        t->lower->ops->abort(t->lower);
        finish(t, IOT_ERR_CLOSED);
    } else if (t->phase != PH_OVER && t->phase != PH_IDLE) {
        iot_tls_drop(&t->core);
        t->phase = PH_CLOSING;
        t->core.deadline = IOT_TIME_NEVER;
        t->lower->ops->close(t->lower, deadline);
    }
    iot_stream_wake(s);
}

static void tls_abort(struct iot_stream *s)
{
    struct iot_tls *t = self(s);
    t->lower->ops->abort(t->lower);
    t->core.detail = 0;
    finish(t, IOT_ERR_CLOSED);
}

static iot_time tls_deadline(const struct iot_stream *s)
{
    const struct iot_tls *t = self_const(s);
    if (t->phase == PH_IDLE || t->phase == PH_OVER)
        return IOT_TIME_NEVER;
    iot_time first = t->lower->ops->deadline(t->lower), again = t->core.now + AGAIN_MS;
    if (t->phase == PH_PREPARE || (t->phase == PH_UP && t->core.to_save))
        first = again < first ? again : first;
    return t->core.deadline < first ? t->core.deadline : first;
}

static bool tls_idle(const struct iot_stream *s)
{
    const struct iot_tls *t = self_const(s);
    return t->core.state == NULL && t->lower->ops->idle(t->lower);
}

static int32_t tls_detail(const struct iot_stream *s)
{
    return self_const(s)->core.detail;
}

static const struct iot_stream_ops tls_ops = {
    .open = tls_open,
    .poll = tls_poll,
    .read = tls_read,
    .write = tls_write,
    .flush = tls_flush,
    .released = tls_released,
    .close = tls_close,
    .abort = tls_abort,
    .deadline = tls_deadline,
    .idle = tls_idle,
    .detail = tls_detail,
};

void iot_tls_init(struct iot_tls *t, struct iot_stream *lower, const struct iot_tls_options *opt,
                  const struct iot_port *port)
{
    memset(t, 0, sizeof *t);
    t->base.ops = &tls_ops;
    t->lower = lower;
    t->core.opt = opt;
    t->core.port = port;
    t->phase = PH_IDLE;
    t->core.deadline = IOT_TIME_NEVER;
}

const char *iot_tls_suite(const struct iot_tls *t)
{
    return t->phase == PH_UP ? iot_tls_core_suite(&t->core) : "";
}

bool iot_tls_is_resumed(const struct iot_tls *t)
{
    return t->phase == PH_UP && iot_tls_core_is_resumed(&t->core);
}

#endif
