/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP client over two stub streams, plain and secure, with its clock and a trace of what its handlers were told, for a
 * test program that includes this once. */
#ifndef STUB_HTTP_H
#define STUB_HTTP_H

#include "heap_trap.h"
#include "http/iot_http_client.h"
#include "stub_stream.h"
#include "test.h"

static struct iot_http web;
static struct stub_stream plain, secure;
static struct iot_http_options options;
static struct iot_http_request ask;
static struct iot_http_head last_head;
static bool wake;
static iot_time now;
static char said[65536]; /* what the handlers were told, a line each */
static iot_err head_says, body_says;
static uint32_t takes; /* bytes of each piece, at most */
static uint32_t offers, ends;
static int32_t end_detail;
static void (*in_head)(void), (*in_body)(void), (*in_end)(iot_err err);

static inline void say(const char *format, ...)
{
    size_t n = strlen(said);
    va_list args;
    va_start(args, format);
    vsnprintf(said + n, sizeof said - n, format, args);
    va_end(args);
}

static inline iot_err on_head(void *ctx, const struct iot_http_head *head)
{
    assert_ptr_equal(ctx, &ask);
    last_head = *head;
    say("head %u", head->status);
    if (head->partial)
        say(" from %lu", (unsigned long)head->from);
    if (head->has_length)
        say(" length %lu", (unsigned long)head->length);
    if (head->has_total)
        say(" total %lu", (unsigned long)head->total);
    if (head->etag.len != 0)
        say(" etag %.*s", (int)head->etag.len, (const char *)head->etag.ptr);
    say("\n");
    if (in_head != NULL)
        in_head();
    return head_says;
}

/* Pieces that follow each other are one line. */
static inline iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    static uint32_t next;
    size_t n = strlen(said);
    assert_ptr_equal(ctx, &ask);
    assert_int_not_equal(part.len, 0);
    offers++;
    *used = part.len < takes ? part.len : takes;
    if (*used != 0 && n > 6 && said[n - 2] == '\'' && next == offset)
        said[n - 2] = '\0';
    else if (*used != 0)
        say("body %lu '", (unsigned long)offset);
    if (*used != 0)
        say("%.*s'\n", (int)*used, (const char *)part.ptr);
    next = offset + *used;
    if (in_body != NULL)
        in_body();
    return body_says;
}

static inline void on_end(void *ctx, iot_err err, int32_t detail)
{
    assert_ptr_equal(ctx, &ask);
    assert_true(iot_http_ready(&web));
    ends++;
    end_detail = detail;
    say("end %s\n", iot_err_name(err));
    if (in_end != NULL)
        in_end(err);
}

static const struct iot_http_handlers handlers = {on_head, on_body, on_end};
static const struct iot_port stub_http_port = {.ctx = NULL};

static inline void stub_http_begin(void)
{
    memset(&web, 0, sizeof web);
    iot_http_client_init(&web, &options, &stub_http_port, &plain.base, &secure.base, &wake);
}

static inline int stub_http_setup(void **state)
{
    (void)state;
    heap_trap_off();
    stub_init(&plain);
    stub_init(&secure);
    memset(&options, 0, sizeof options);
    ask = (struct iot_http_request){.url = "http://a.example/x", .on = &handlers, .ctx = &ask};
    head_says = body_says = IOT_OK;
    takes = UINT32_MAX;
    offers = ends = 0;
    in_head = in_body = NULL;
    in_end = NULL;
    said[0] = '\0';
    now = 1000;
    stub_http_begin();
    return 0;
}

/* Ticks when the client asks for them, and never without end at one moment. */
static inline void run(uint32_t ms)
{
    iot_time end = now + ms;
    uint32_t ticks = 0;
    heap_trap_on();
    for (;;) {
        iot_time first = iot_http_deadline(&web);
        if (wake || first <= now) {
            wake = false;
            assert_true(++ticks < 1000);
            iot_http_run(&web, now);
        } else if (now == end) {
            break;
        } else {
            now = first < end ? first : end;
            ticks = 0;
        }
    }
    heap_trap_off();
}

static inline void start(void)
{
    assert_err(iot_http_start(&web, &ask), IOT_OK);
    run(0);
}

static inline void answer(struct stub_stream *s, const char *text)
{
    stub_receive(s, text_bytes(text));
    run(0);
}

static inline void end_stream(struct stub_stream *s, iot_err why)
{
    stub_end(s, why, 0);
    run(0);
}

static inline void assert_said(const char *what)
{
    assert_string_equal(said, what);
    said[0] = '\0';
}

/* All that was sent on the present connection. */
static inline void assert_asked(const struct stub_stream *s, const char *what)
{
    struct iot_bytes got = stub_sent(s);
    char text[8192];
    assert_true(got.len < sizeof text);
    memcpy(text, got.ptr, got.len);
    text[got.len] = '\0';
    assert_string_equal(text, what);
}

#define ASKED(line, host, more)                                                                    \
    line " HTTP/1.1\r\nHost: " host "\r\nAccept-Encoding: identity\r\n" more "\r\n"

#endif
