/* SPDX-License-Identifier: Apache-2.0 */
#include "http/iot_http_client.h"

#if IOT_FEATURE_HTTP

#include "core/iot_core_assert.h"
#include "core/iot_core_log.h"
#include "http/iot_http_answer.h"
#include "http/iot_http_ask.h"

#include <string.h>

#define CONNECT_MS    45000u
#define HEADER_MS     20000u
#define IDLE_MS       20000u
#define RATE_MS       30000u
#define KEEP_MS       10000u
#define BYE_MS        1000u /* for an orderly end of the connection */
#define OPEN_AGAIN_MS 100u  /* the stream cannot open yet */
#define OFFER_MS      10u   /* what the handler declined is offered again, and a source asked */
#define TURNS_MAX     8u    /* windows filled and digested in a tick */

enum http_phase { PH_IDLE, PH_OPEN, PH_CONNECT, PH_SEND, PH_ANSWER, PH_KEPT, PH_CLOSING };

static uint32_t or_else(uint32_t value, uint32_t usual)
{
    return value != 0 ? value : usual;
}

/* ---- Endings ----------------------------------------------------------------------------- */

/* The last thing that is done with a request: `end` may begin another. What the window and the URL held may be secret. */
static void finish(struct iot_http *h, iot_err err, int32_t detail)
{
    struct iot_http_request r = h->request;
    const uint8_t *behind_host = h->at.host.ptr + h->at.host.len + 1;
    uint32_t at = (uint32_t)((const char *)behind_host - h->url);

    memset(h->rx, 0, sizeof h->rx);
    memset(&h->request, 0, sizeof h->request);
    if (at < sizeof h->url)
        memset(h->url + at, 0, sizeof h->url - at);
    h->rx_at = h->rx_len = h->held = 0;
    h->busy = h->cancel = false;
    IOT_LOG (h->port, err == IOT_OK ? IOT_LOG_DEBUG : IOT_LOG_WARN, line) {
        iot_log_text(line, "http: ");
        iot_log_err(line, err, detail);
    }
    r.on->end(r.ctx, err, detail);
}

static void drop(struct iot_http *h)
{
    h->stream->ops->abort(h->stream);
    h->phase = PH_IDLE;
}

static void fail(struct iot_http *h, iot_err err, int32_t detail)
{
    drop(h);
    finish(h, err, detail);
}

static void leave(struct iot_http *h)
{
    h->stream->ops->close(h->stream, h->now + BYE_MS);
    h->phase = PH_CLOSING;
}

static int32_t stream_detail(const struct iot_http *h)
{
    return h->stream->ops->detail(h->stream);
}

/* The response is whole, and the connection may have ended with it. */
static void done(struct iot_http *h, bool ended)
{
    bool keep = !ended && h->parser.keep && !h->hang && h->rx_at == h->rx_len &&
                h->opt->keep_ms != UINT32_MAX;
    if (ended)
        drop(h);
    else if (!keep)
        leave(h);
    else
        h->phase = PH_KEPT;
    h->reused = keep;
    h->until = h->now + or_else(h->opt->keep_ms, KEEP_MS);
    h->rx_at = h->rx_len = h->held = 0;
    if (h->skip)
        *h->wake = true; /* the next hop, from there */
    else
        finish(h, IOT_OK, 0);
}

/* How the connection ended, with everything digested that had come. */
static void lost(struct iot_http *h, iot_err why)
{
    bool clean = why == IOT_ERR_TLS_CLOSED || (why == IOT_ERR_TCP_EOF && !h->at.tls);
    bool ended = clean || why == IOT_ERR_TCP_EOF || why == IOT_ERR_TLS_EOF ||
                 why == IOT_ERR_TCP_RESET || why == IOT_ERR_TCP_ABORTED;
    bool harmless = h->method != IOT_HTTP_POST || (h->sent == 0 && h->source_got == 0);

    if (h->reused && !h->heard && harmless) {
        drop(h); /* the server had left before we asked: once more, on a connection of our own */
        *h->wake = true;
    } else if (h->heard && iot_http_parse_end(&h->parser, clean) == IOT_OK && ended) {
        done(h, true);
    } else if (ended) {
        fail(h, IOT_ERR_HTTP_CUT, why);
    } else {
        fail(h, why, stream_detail(h));
    }
}

/* ---- Connecting -------------------------------------------------------------------------- */

static void begin_send(struct iot_http *h)
{
    h->phase = PH_SEND;
    h->sent = h->source_got = h->rx_at = h->rx_len = h->held = 0;
    h->heard = h->skip = h->declined = h->in_body = false;
    h->etag_len = 0;
    h->again = IOT_TIME_NEVER;
    h->until = h->now + or_else(h->opt->idle_ms, IDLE_MS);
    iot_http_parser_begin(&h->parser, (enum iot_http_method)h->method);
}

static void run_open(struct iot_http *h)
{
    iot_err err;

    if (h->at.tls && h->loan != NULL && !*h->loan) {
        fail(h, IOT_ERR_STATE, 0); /* somebody else lives in its arena */
        return;
    }
    err = h->stream->ops->open(h->stream, &h->to, h->now);
    if (err == IOT_OK) {
        h->phase = PH_CONNECT;
        IOT_LOG (h->port, IOT_LOG_INFO, line) {
            iot_log_text(line, "http: connecting to ");
            iot_log_text(line, h->to.host);
            iot_log_text(line, " port ");
            iot_log_u32(line, h->to.port);
        }
    } else if (err != IOT_ERR_AGAIN) {
        fail(h, err, stream_detail(h));
    } else if (h->now >= h->until) {
        fail(h, IOT_ERR_HTTP_TIMEOUT, 0);
    } else {
        h->again = h->now + OPEN_AGAIN_MS;
    }
}

static void run_idle(struct iot_http *h)
{
    if (!h->busy)
        return;
    h->phase = PH_OPEN;
    h->stream = h->at.tls ? h->secure : h->plain;
    h->reused = false;
    h->until = h->now + or_else(h->opt->connect_ms, CONNECT_MS);
    run_open(h);
}

/* What has ended, ended; what is left of the request goes on from the start. */
static void run_closing(struct iot_http *h)
{
    if (h->stream->ops->poll(h->stream, h->now) == IOT_ERR_AGAIN)
        return;
    drop(h);
    run_idle(h);
}

/* ---- The request ------------------------------------------------------------------------- */

static void begin_answer(struct iot_http *h)
{
    h->phase = PH_ANSWER;
    h->rx_at = h->rx_len = 0;
    h->until = h->now + or_else(h->opt->header_ms, HEADER_MS);
}

static void run_send(struct iot_http *h)
{
    const struct iot_stream_ops *ops = h->stream->ops;
    iot_err err = IOT_OK;
    uint32_t turns = 0;

    h->again = IOT_TIME_NEVER;
    for (; turns < TURNS_MAX && err == IOT_OK && h->phase == PH_SEND; turns++) {
        uint32_t taken = 0;
        if (h->rx_at == h->rx_len)
            err = iot_http_ask_fill(h);
        if (err == IOT_ERR_AGAIN) {
            h->again = h->now + OFFER_MS;
        } else if (err != IOT_OK) {
            fail(h, err, 0);
            return;
        } else if (h->rx_len == 0) {
            begin_answer(h);
        } else {
            struct iot_bytes bytes = {h->rx + h->rx_at, h->rx_len - h->rx_at};
            err = ops->write(h->stream, bytes, IOT_STREAM_COPY, h->now, &taken);
        }
        h->rx_at += taken;
        h->sent += taken;
        if (taken != 0)
            h->until = h->now + or_else(h->opt->idle_ms, IDLE_MS);
    }
    ops->flush(h->stream);
    h->more = turns == TURNS_MAX && h->phase == PH_SEND;
    if (h->phase == PH_SEND && h->now >= h->until)
        fail(h, IOT_ERR_HTTP_TIMEOUT, 0);
}

/* ---- The response ------------------------------------------------------------------------ */

/* What is digested goes, but for what is held. */
static void compact(struct iot_http *h)
{
    h->rx_len -= h->rx_at;
    memmove(h->rx + h->held, h->rx + h->rx_at, h->rx_len);
    h->rx_at = h->held;
    h->rx_len += h->held;
}

/* Silence has to be judged with everything read that had come; while the handler takes nothing, the time is its own. */
static iot_err judge(struct iot_http *h)
{
    uint32_t idle_ms = or_else(h->opt->idle_ms, IDLE_MS);
    uint32_t rate_ms = or_else(h->opt->rate_ms, RATE_MS);
    iot_time counted = h->now - h->rate_since;

    if (!h->in_body)
        return h->now >= h->until ? IOT_ERR_HTTP_TIMEOUT : IOT_OK;
    if (h->declined)
        return IOT_OK;
    if (h->now - h->idle_since >= idle_ms)
        return IOT_ERR_HTTP_TIMEOUT;
    if (h->opt->min_rate == 0 || counted < rate_ms)
        return IOT_OK;
    if ((uint64_t)h->rate_bytes * 1000 < h->opt->min_rate * counted)
        return IOT_ERR_HTTP_SLOW;
    h->rate_since = h->now;
    h->rate_bytes = 0;
    return IOT_OK;
}

static void run_answer(struct iot_http *h, iot_err broken)
{
    const struct iot_stream_ops *ops = h->stream->ops;
    bool dry = false;

    h->again = IOT_TIME_NEVER;
    for (uint32_t turns = 0; turns < TURNS_MAX; turns++) {
        int32_t detail = 0;
        iot_err bad = IOT_OK;
        switch (iot_http_answer(h, &bad, &detail)) {
        case IOT_HTTP_ANSWER_MORE:
            break;
        case IOT_HTTP_ANSWER_LATER:
            h->again = h->now + OFFER_MS;
            return;
        case IOT_HTTP_ANSWER_WHOLE:
            done(h, broken != IOT_OK);
            return;
        case IOT_HTTP_ANSWER_LEFT:
            leave(h);
            return;
        case IOT_HTTP_ANSWER_BAD:
            fail(h, bad, detail);
            return;
        }
        compact(h);
        uint32_t room = (uint32_t)sizeof h->rx - h->rx_len, got = 0;
        if (room == 0)
            continue; /* full: the parser says now what it makes of that */
        iot_err err = ops->read(h->stream, h->rx + h->rx_len, room, &got);
        dry = err != IOT_OK;
        if (dry || got == 0)
            break;
        h->rx_len += got;
        h->heard = true;
        h->idle_since = h->now;
    }
    if (dry && broken != IOT_OK) {
        lost(h, ops->poll(h->stream, h->now)); /* it may know better by now */
        return;
    }
    h->more = !dry;
    iot_err late = judge(h);
    if (late != IOT_OK)
        fail(h, late, 0);
}

/* ---- A kept connection ------------------------------------------------------------------- */

/* Nothing may come unasked: neither an end nor bytes, which could pass for the next response. */
static bool is_good(struct iot_http *h)
{
    uint32_t got = 0;
    return h->stream->ops->poll(h->stream, h->now) == IOT_OK &&
           (h->stream->ops->read(h->stream, h->rx, 1, &got) != IOT_OK || got == 0);
}

static void run_kept(struct iot_http *h)
{
    if (!is_good(h)) {
        drop(h);
        run_idle(h);
    } else if (h->busy) {
        begin_send(h);
        run_send(h);
    } else if (h->hang || h->now >= h->until) {
        leave(h);
    }
}

/* ---- The tick ---------------------------------------------------------------------------- */

void iot_http_run(struct iot_http *h, iot_time now)
{
    iot_err err;

    h->now = now;
    h->more = false;
    if (h->cancel) {
        if (h->phase == PH_KEPT || h->phase == PH_CLOSING || h->phase == PH_IDLE)
            finish(h, IOT_ERR_CLOSED, 0); /* what was begun is not this request's */
        else
            fail(h, IOT_ERR_CLOSED, 0);
    }

    switch ((enum http_phase)h->phase) {
    case PH_IDLE:
        run_idle(h);
        break;
    case PH_OPEN:
        if (now >= h->again || now >= h->until)
            run_open(h);
        break;
    case PH_CONNECT:
        err = h->stream->ops->poll(h->stream, now);
        if (err == IOT_OK) {
            begin_send(h);
            run_send(h);
        } else if (err != IOT_ERR_AGAIN) {
            fail(h, err, stream_detail(h));
        } else if (now >= h->until) {
            fail(h, IOT_ERR_HTTP_TIMEOUT, 0);
        }
        break;
    case PH_SEND:
        err = h->stream->ops->poll(h->stream, now);
        if (err == IOT_OK) {
            run_send(h);
        } else { /* it may have answered before it ended */
            begin_answer(h);
            run_answer(h, err);
        }
        break;
    case PH_ANSWER:
        run_answer(h, h->stream->ops->poll(h->stream, now));
        break;
    case PH_KEPT:
        run_kept(h);
        break;
    case PH_CLOSING:
        run_closing(h);
        break;
    }
}

static iot_time earlier(iot_time a, iot_time b)
{
    return a < b ? a : b;
}

iot_time iot_http_deadline(const struct iot_http *h)
{
    iot_time first = h->phase == PH_IDLE || h->phase == PH_OPEN
                         ? IOT_TIME_NEVER
                         : h->stream->ops->deadline(h->stream);
    if (h->more || h->cancel || (h->busy && (h->phase == PH_IDLE || h->phase == PH_KEPT)))
        return 0;
    switch ((enum http_phase)h->phase) {
    case PH_IDLE:
    case PH_CLOSING:
        break;
    case PH_OPEN:
    case PH_SEND:
        first = earlier(first, h->again);
        first = earlier(first, h->until);
        break;
    case PH_CONNECT:
    case PH_KEPT:
        first = earlier(first, h->until);
        break;
    case PH_ANSWER:
        first = earlier(first, h->again);
        if (!h->in_body)
            return earlier(first, h->until);
        if (h->declined)
            return first;
        first = earlier(first, h->idle_since + or_else(h->opt->idle_ms, IDLE_MS));
        if (h->opt->min_rate != 0)
            first = earlier(first, h->rate_since + or_else(h->opt->rate_ms, RATE_MS));
        break;
    }
    return first;
}

/* ---- Requests ---------------------------------------------------------------------------- */

void iot_http_client_init(struct iot_http *h, const struct iot_http_options *opt,
                          const struct iot_port *port, struct iot_stream *plain,
                          struct iot_stream *secure, bool *wake)
{
    h->phase = PH_IDLE;
    h->opt = opt;
    h->port = port;
    h->plain = h->stream = plain;
    h->secure = secure;
    h->wake = wake;
    h->again = IOT_TIME_NEVER;
    plain->wake = wake;
    if (secure != NULL)
        secure->wake = wake;
}

iot_err iot_http_start(struct iot_http *h, const struct iot_http_request *request)
{
    struct iot_http_url url;
    iot_err err;

    if (h->busy || h->closing)
        return IOT_ERR_STATE;
    if (request->url == NULL)
        return IOT_ERR_HTTP_URL;
    err = iot_http_url_read(request->url, &url);
    if (err == IOT_OK)
        err = iot_http_ask_check(request);
    if (err == IOT_OK && url.tls && h->secure == NULL)
        err = IOT_ERR_ARG;
    if (err != IOT_OK)
        return err;
    if (h->phase == PH_KEPT && !iot_http_ask_same(h, &url))
        leave(h);
    h->request = *request;
    h->method = (uint8_t)request->method;
    h->hops = 0;
    h->strange = h->skip = h->hang = false;
    h->busy = true;
    *h->wake = true;
    iot_http_ask_url(h, request->url);
    return IOT_OK;
}

iot_err iot_http_cancel(struct iot_http *h)
{
    if (!h->busy)
        return IOT_ERR_STATE;
    h->cancel = true;
    *h->wake = true;
    return IOT_OK;
}

void iot_http_resume(struct iot_http *h)
{
    *h->wake = true;
}

bool iot_http_ready(const struct iot_http *h)
{
    return !h->busy;
}

void iot_http_hang_up(struct iot_http *h)
{
    h->hang = true;
    *h->wake = true;
}

bool iot_http_idle(const struct iot_http *h)
{
    return !h->busy && h->phase == PH_IDLE && h->plain->ops->idle(h->plain) &&
           (h->secure == NULL || h->secure->ops->idle(h->secure));
}

void iot_http_close(struct iot_http *h, bool closing)
{
    h->closing = closing;
    if (closing && h->busy)
        h->cancel = true;
    if (closing)
        h->hang = true;
    *h->wake = true;
}

#endif
