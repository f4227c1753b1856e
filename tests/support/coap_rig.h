/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange on a desk: an application that writes down what it is told, and hands that put datagrams in and take them out
 * at a time that the test says. A server that behaves, and a wire that does not: coap_peer.h. */
#ifndef COAP_RIG_H
#define COAP_RIG_H

#include "test.h"

#include "coap/iot_coap_exchange.h"

/* ---- The application --------------------------------------------------------------------- */

#define APP_BODY_MAX (1u << 17)

/* One per request: what it was told, as a sentence, and the body. */
struct app {
    char said[2048];
    uint32_t len;
    uint32_t heads, parts, wholes, ends;
    uint8_t code;
    bool observed;
    uint32_t max_age_s;
    iot_err err;
    int32_t detail;
    uint32_t decline; /* so many parts are not taken */
    iot_err verdict;  /* of head; IOT_OK */
    iot_err on_body;  /* of body; IOT_OK */
    void (*on_whole)(struct app *app);
    /* Our body, if it comes from a source. */
    const uint8_t *source;
    uint32_t source_len, source_busy, source_calls;
    uint8_t body[APP_BODY_MAX]; /* since the last head; last */
};

static inline void app_say(struct app *app, const char *format, ...)
{
    size_t n = strlen(app->said);
    va_list args;

    va_start(args, format);
    vsnprintf(app->said + n, sizeof app->said - n, format, args);
    va_end(args);
}

static inline iot_err app_head(void *ctx, const struct iot_coap_head *head)
{
    struct app *app = ctx;

    assert_int_equal(app->ends, 0);
    app->heads++;
    app->len = 0;
    app->code = head->code;
    app->observed = head->observed;
    app->max_age_s = head->max_age_s;
    app_say(app, "%u.%02u%s ", head->code >> 5, head->code & 31u, head->observed ? "o" : "");
    return app->verdict;
}

static inline iot_err app_part(void *ctx, uint32_t offset, struct iot_bytes part)
{
    struct app *app = ctx;

    assert_int_equal(app->ends, 0);
    assert_int_not_equal(app->heads, 0);
    if (app->decline != 0) {
        app->decline--;
        app_say(app, "later ");
        return IOT_ERR_AGAIN;
    }
    if (app->on_body != IOT_OK)
        return app->on_body;
    app->parts++;
    assert_int_equal(offset, app->len);
    assert_true(part.len <= sizeof app->body - app->len);
    memcpy(app->body + app->len, part.ptr, part.len);
    app->len += part.len;
    app_say(app, "+%u ", (unsigned)part.len);
    return IOT_OK;
}

static inline void app_whole(void *ctx)
{
    struct app *app = ctx;

    assert_int_equal(app->ends, 0);
    app->wholes++;
    app_say(app, "whole ");
    if (app->on_whole != NULL)
        app->on_whole(app);
}

static inline void app_end(void *ctx, iot_err err, int32_t detail)
{
    struct app *app = ctx;

    app->ends++;
    assert_int_equal(app->ends, 1);
    app->err = err;
    app->detail = detail;
#if IOT_FEATURE_ERR_NAMES
    app_say(app, "end %s", iot_err_name(err));
#else
    app_say(app, "end %d", (int)err);
#endif
}

static const struct iot_coap_handlers app_handlers = {app_head, app_part, app_whole, app_end};

static inline iot_err app_source(void *ctx, uint32_t offset, uint8_t *into, uint32_t cap,
                                 uint32_t *got, bool *last)
{
    struct app *app = ctx;

    app->source_calls++;
    if (app->source_busy != 0) {
        app->source_busy--;
        return IOT_ERR_AGAIN;
    }
    assert_true(offset <= app->source_len);
    *got = app->source_len - offset < cap ? app->source_len - offset : cap;
    *last = offset + *got == app->source_len;
    memcpy(into, app->source + offset, *got);
    return IOT_OK;
}

/* Bytes that show where they are. */
static inline uint8_t pattern(uint32_t at)
{
    return (uint8_t)(at * 7 + at / 251 + 3);
}

static inline const uint8_t *pattern_bytes(uint32_t len)
{
    static uint8_t bytes[APP_BODY_MAX];

    for (uint32_t i = 0; i < len; i++)
        bytes[i] = pattern(i);
    return bytes;
}

/* ---- The exchange ------------------------------------------------------------------------ */

struct rig {
    struct iot_coap_exchange x;
    iot_time now;
    uint32_t room;
    uint8_t bytes[IOT_COAP_BYTES]; /* what left last */
    struct iot_coap_message m;     /* the same, read */
    uint32_t len;
};

static inline void rig_init(struct rig *rig, uint32_t seed)
{
    struct iot_coap_rules rules = {2000, 60000, 1, 4, NULL};

    memset(rig, 0, sizeof *rig);
    rig->now = 1000000;
    rig->room = IOT_COAP_BYTES;
    iot_coap_exchange_init(&rig->x, &rules, seed);
}

static inline struct app *app_new(void)
{
    static struct app apps[8];
    static uint32_t turn;
    struct app *app = &apps[turn++ % COUNT(apps)];

    memset(app, 0, offsetof(struct app, body));
    return app;
}

/* As a client does with what it is told. */
static inline void rig_tell(struct rig *rig, const struct iot_coap_event *ev)
{
    const struct iot_coap_handlers *on;
    iot_err err = IOT_OK;

    if (ev->what == IOT_COAP_NOTHING)
        return;
    on = ev->req->on;
    if (ev->what == IOT_COAP_END) {
        on->end(ev->req->ctx, ev->err, ev->detail);
        return;
    }
    if (ev->first)
        err = on->head(ev->req->ctx, &ev->head);
    if (err == IOT_OK && ev->part.len != 0)
        err = on->body(ev->req->ctx, ev->offset, ev->part);
    if (err == IOT_OK && ev->last)
        on->whole(ev->req->ctx);
    iot_coap_exchange_answer(&rig->x, ev->slot, err, rig->now);
}

/* Time-outs and ends that are due. */
static inline void rig_expire(struct rig *rig)
{
    struct iot_coap_event ev;

    for (uint32_t i = 0; i <= 4 * IOT_COAP_REQUESTS; i++) {
        iot_coap_exchange_expire(&rig->x, rig->now, &ev);
        if (ev.what == IOT_COAP_NOTHING)
            return;
        rig_tell(rig, &ev);
    }
    fail_msg("expire has no end");
}

static inline void rig_take(struct rig *rig, struct iot_bytes datagram)
{
    struct iot_coap_event ev;

    iot_coap_exchange_take(&rig->x, guarded(datagram), rig->now, &ev);
    assert_int_not_equal(ev.what, IOT_COAP_END);
    rig_tell(rig, &ev);
    rig_expire(rig);
}

static inline void rig_at(struct rig *rig, iot_time when)
{
    assert_true(when >= rig->now);
    rig->now = when;
    rig_expire(rig);
}

static inline void rig_after(struct rig *rig, uint32_t ms)
{
    rig_at(rig, rig->now + ms);
}

/* On to the next time-out; what is due then has happened. False: there is none. */
static inline bool rig_on(struct rig *rig)
{
    iot_time at = iot_coap_exchange_deadline(&rig->x);

    if (at == IOT_TIME_NEVER)
        return false;
    rig_at(rig, at > rig->now ? at : rig->now);
    return true;
}

/* What wants to leave now does; false: nothing does. It is the same when it is asked for twice. */
static inline bool rig_out(struct rig *rig)
{
    uint8_t again[IOT_COAP_BYTES];
    uint32_t len = 0;
    iot_err err;

    memset(rig->bytes, 0xaa, sizeof rig->bytes);
    err = iot_coap_exchange_next(&rig->x, rig->bytes, rig->room, rig->now, &rig->len);
    if (err == IOT_ERR_AGAIN) {
        rig_expire(rig);
        return false;
    }
    assert_int_equal(err, IOT_OK);
    assert_true(rig->len <= rig->room);
    assert_int_equal(iot_coap_exchange_next(&rig->x, again, rig->room, rig->now, &len), IOT_OK);
    assert_int_equal(len, rig->len);
    assert_memory_equal(again, rig->bytes, len);
    iot_coap_exchange_sent(&rig->x, rig->now);
    assert_int_equal(iot_coap_decode((struct iot_bytes){rig->bytes, rig->len}, &rig->m), IOT_OK);
    return true;
}

static inline iot_ticket rig_start(struct rig *rig, const struct iot_coap_request *req)
{
    iot_ticket ticket = 0;

    assert_int_equal(iot_coap_exchange_start(&rig->x, req, &ticket), IOT_OK);
    assert_int_not_equal(ticket, 0);
    return ticket;
}

/* A request of `app`, for the test to finish. */
static inline struct iot_coap_request asks(struct app *app, uint8_t method)
{
    return (struct iot_coap_request){
        .method = method, .path = "/r", .on = &app_handlers, .ctx = app};
}

/* ---- Options of a message, and messages -------------------------------------------------- */

/* The first option of this number; false: there is none. */
static inline bool option_of(const struct iot_coap_message *m, uint16_t number,
                             struct iot_coap_option *out)
{
    struct iot_coap_cursor at = {m->options, 0};

    while (iot_coap_next(&at, out)) {
        if (out->number == number)
            return true;
    }
    return false;
}

static inline uint32_t option_count(const struct iot_coap_message *m, uint16_t number)
{
    struct iot_coap_cursor at = {m->options, 0};
    struct iot_coap_option o;
    uint32_t n = 0;

    while (iot_coap_next(&at, &o))
        n += o.number == number;
    return n;
}

/* Its number, or -1. */
static inline int64_t option_uint(const struct iot_coap_message *m, uint16_t number)
{
    struct iot_coap_option o;

    return option_of(m, number, &o) ? (int64_t)iot_coap_uint(&o) : -1;
}

/* "2:num/more/szx" as RFC 7959 writes it; -1: not there. */
#define BLOCK(num, more, szx) ((int64_t)(((uint32_t)(num) << 4) | ((more) ? 8u : 0u) | (szx)))

/* A message in the making: what answers `rig->m`, by default. */
struct made {
    uint8_t bytes[2048];
    struct iot_coap_encoder e;
};

static inline struct iot_bytes made_bytes(const struct made *made)
{
    assert_false(made->e.overflow);
    return (struct iot_bytes){made->bytes, made->e.len};
}

static inline void make(struct made *made, uint8_t type, uint8_t code, uint16_t id,
                        struct iot_bytes token)
{
    iot_coap_encode(&made->e, made->bytes, sizeof made->bytes, type, code, id, token);
}

/* A request that was seen on the wire: what its answer needs. */
struct seen {
    uint16_t id;
    uint8_t token[8], token_len;
};

static inline struct seen seen_of(const struct rig *rig)
{
    struct seen seen = {rig->m.id, {0}, (uint8_t)rig->m.token.len};

    memcpy(seen.token, rig->m.token.ptr, rig->m.token.len);
    return seen;
}

static inline struct iot_bytes token_of(const struct seen *seen)
{
    return (struct iot_bytes){seen->token, seen->token_len};
}

/* Piggybacked, with options to be put and then `give`n. */
static inline void make_ack(struct made *made, const struct seen *to, uint8_t code)
{
    make(made, IOT_COAP_ACK, code, to->id, token_of(to));
}

static inline void give(struct rig *rig, struct made *made, const void *payload, uint32_t len)
{
    iot_coap_put_payload(&made->e, (struct iot_bytes){payload, len});
    rig_take(rig, made_bytes(made));
}

static inline void give_empty(struct rig *rig, uint8_t type, uint16_t id)
{
    struct made made;

    make(&made, type, 0, id, (struct iot_bytes){NULL, 0});
    rig_take(rig, made_bytes(&made));
}

/* The simplest response: 2.05 and a text. */
static inline void give_text(struct rig *rig, uint8_t type, uint16_t id, const struct seen *to,
                             const char *text)
{
    struct made made;

    make(&made, type, IOT_COAP_CODE(2, 5), id, token_of(to));
    give(rig, &made, text, (uint32_t)strlen(text));
}

#endif
