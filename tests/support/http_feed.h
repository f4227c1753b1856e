/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds bytes to the parser as a connection might, and writes down what it says. */
#ifndef HTTP_FEED_H
#define HTTP_FEED_H

#include "test.h"

#include "http/iot_http_parser.h"

/* How the connection ends. */
enum feed_end { OPEN, CLEAN, RESET };

struct feed {
    enum iot_http_method method;
    struct iot_bytes in;
    enum feed_end end;
    uint32_t window; /* bytes that the caller can hold */
    uint32_t
        portion; /* bytes that come at once: so many, or by chance up to so many; 0: as many as fit */
    uint32_t first; /* ... but first so many, if not 0 */
    uint32_t *chance;
    /* A reader of the body who takes so many of it and gives the rest back, once; then all. UINT32_MAX: never gives back. */
    uint32_t takes;
    bool takes_single; /* ... or, always, one only */
};

struct trace {
    char text[32768];
    size_t len;
    bool in_body;
    uint32_t body_bytes;
};

__attribute__((format(printf, 2, 3))) static inline void note(struct trace *t, const char *format,
                                                              ...)
{
    va_list args;

    if (t->in_body)
        t->text[t->len++] = ']';
    t->in_body = false;
    if (t->len != 0)
        t->text[t->len++] = ' ';
    va_start(args, format);
    t->len += (size_t)vsnprintf(t->text + t->len, 1200, format, args);
    va_end(args);
    if (t->len > sizeof t->text - 4096)
        fail_msg("the trace is too long");
}

static inline void note_body(struct trace *t, struct iot_bytes part)
{
    if (!t->in_body)
        note(t, "[");
    t->in_body = true;
    if (part.len > 2048 || t->len > sizeof t->text - 8192)
        fail_msg("the trace is too long");
    memcpy(t->text + t->len, part.ptr, part.len);
    t->len += part.len;
    t->body_bytes += part.len;
}

static inline void note_head(struct trace *t, const struct iot_http_parser *p)
{
    const struct iot_http_head *h = &p->head;
    char text[100];
    int n = snprintf(text, sizeof text, "%u", h->status);

    if (h->has_length)
        n += snprintf(text + n, 20, " len=%u", (unsigned)h->length);
    if (h->partial)
        n += snprintf(text + n, 20, " from=%u", (unsigned)h->from);
    else
        assert_int_equal(h->from, 0);
    if (h->has_total)
        n += snprintf(text + n, 20, " total=%u", (unsigned)h->total);
    assert_int_equal(h->partial, h->status == 206);
    assert_int_equal(h->etag.len, 0);
    assert_true(!(p->keep && p->until_close));
    snprintf(text + n, 20, " %s", p->keep ? "keep" : p->until_close ? "until" : "close");
    note(t, "%s", text);
}

/* One event, written down; how many of `part` were not taken is `back`. */
static inline void note_say(struct trace *t, const struct feed *f, const struct iot_http_parser *p,
                            enum iot_http_say say, struct iot_bytes part, uint32_t *back,
                            bool *gave_back)
{
    static const char *const fields[] = {"etag", "location", "date"};
    uint32_t takes = part.len;

    switch (say) {
    case IOT_HTTP_MORE:
        break;
    case IOT_HTTP_FIELD:
        assert_in_range(p->field, 0, 2);
        note(t, "%s=%.*s", fields[p->field], (int)part.len, (const char *)part.ptr);
        break;
    case IOT_HTTP_HEAD_DONE:
        note_head(t, p);
        break;
    case IOT_HTTP_BODY:
        assert_true(part.len != 0);
        if (f->takes_single) {
            takes = 1;
        } else if (f->takes != UINT32_MAX && !*gave_back && t->body_bytes + part.len >= f->takes) {
            takes = f->takes - t->body_bytes;
            *gave_back = true;
        }
        if (takes != 0)
            note_body(t, (struct iot_bytes){part.ptr, takes});
        *back = part.len - takes;
        break;
    case IOT_HTTP_DONE:
        break;
    }
}

static inline void feed(const struct feed *f, struct trace *t)
{
    struct iot_http_parser p;
    uint32_t at = 0, have = 0, calls = 0; /* the window is in[at .. at + have) */
    bool gave_back = false, first = f->first != 0;

    t->len = 0;
    t->in_body = false;
    t->body_bytes = 0;
    t->text[0] = '\0';
    iot_http_parser_begin(&p, f->method);
    for (;;) {
        uint32_t n = f->portion == 0     ? UINT32_MAX
                     : f->chance != NULL ? 1 + test_random(f->chance, f->portion)
                                         : f->portion;
        if (first)
            n = f->first;
        first = false;
        if (n > f->window - have)
            n = f->window - have;
        if (n > f->in.len - at - have)
            n = f->in.len - at - have;
        have += n;

        enum iot_http_say say;
        struct iot_bytes part;
        do {
            uint32_t used = UINT32_MAX, back = 0;
            const uint8_t *copy = at_guard(f->in.ptr + at, have);
            iot_err err = iot_http_parse(&p, (struct iot_bytes){copy, have}, have == f->window,
                                         &used, &say, &part);
            assert_true(used <= have);
            if (part.len != 0)
                assert_true(part.ptr >= copy && part.ptr + part.len <= copy + used);
            if (++calls > 20 * f->in.len + 100)
                fail_msg("it goes round");
            if (err != IOT_OK) {
                enum iot_http_say again;
                assert_false(p.keep);
                assert_err(
                    iot_http_parse(&p, (struct iot_bytes){copy, have}, false, &used, &again, &part),
                    err);
                assert_int_equal(used, 0);
                assert_err(iot_http_parse_end(&p, true), err);
                note(t, "!%s", iot_err_name(err));
                t->text[t->len] = '\0';
                return;
            }
            note_say(t, f, &p, say, part, &back, &gave_back);
            if (back != 0)
                iot_http_unparse(&p, back);
            at += used - back;
            have -= used - back;
            if (say == IOT_HTTP_DONE) {
                note(t, "done");
                if (at != f->in.len)
                    note(t, "+%u", (unsigned)(f->in.len - at));
                assert_err(iot_http_parse_end(&p, false), IOT_OK);
                t->text[t->len] = '\0';
                return;
            }
        } while (say != IOT_HTTP_MORE);
        /* Else nothing would ever come of it. */
        assert_true(have < f->window);
        if (n == 0 && at + have == f->in.len)
            break;
    }
    if (f->end != OPEN) {
        iot_err err = iot_http_parse_end(&p, f->end == CLEAN);
        note(t, err == IOT_OK ? "end" : "!%s", iot_err_name(err));
        if (err != IOT_OK)
            assert_err(iot_http_parse_end(&p, true), err);
    } else {
        note(t, "more");
    }
    t->text[t->len] = '\0';
}

#endif
