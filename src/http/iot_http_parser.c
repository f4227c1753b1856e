/* SPDX-License-Identifier: Apache-2.0 */
#include "http/iot_http_parser.h"

#if IOT_FEATURE_HTTP

#include <string.h>

#include "core/iot_core_assert.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static int32_t step_body(struct iot_http_parser *p, struct iot_bytes in, struct iot_bytes *bytes)
{
    if (p->left == 0 && p->state == IOT_HTTP_AT_BODY) {
        p->state = IOT_HTTP_AT_DONE;
        return 0;
    }
    if (in.len == 0)
        return IOT_ERR_AGAIN;
    if (p->left == 0) /* more than the range, or than can be counted */
        return IOT_ERR_HTTP_LENGTH;
    if (in.len > p->left)
        in.len = p->left;
    p->left -= in.len;
    if (p->left == 0 && p->state == IOT_HTTP_AT_CHUNK)
        p->state = IOT_HTTP_AT_CHUNK_END;
    *bytes = in;
    p->say = IOT_HTTP_BODY;
    return (int32_t)in.len;
}

/* RFC 9112, section 7.1: the end of a chunk, if there was one, and the first line of the next. */
static int32_t step_chunk_line(struct iot_http_parser *p, struct iot_bytes in,
                               struct iot_bytes *bytes)
{
    const uint8_t *at = in.ptr, *from, *end;
    uint32_t size = 0;
    iot_err more = IOT_ERR_AGAIN;

    if (p->state == IOT_HTTP_AT_CHUNK_END) {
        if (in.len != 0 && (at[0] != '\r' || (in.len > 1 && at[1] != '\n')))
            return IOT_ERR_HTTP_CHUNK;
        if (in.len < 2)
            return IOT_ERR_AGAIN;
        at += 2;
    }
    from = at;
    end = in.ptr + in.len;
    if (end - at >= IOT_HTTP_CHUNK_LINE_MAX) {
        end = at + IOT_HTTP_CHUNK_LINE_MAX;
        more = IOT_ERR_HTTP_CHUNK;
    }
    for (; at < end; at++) {
        uint32_t digit = *at - (uint32_t)'0';
        if (digit > 9) {
            digit = (*at | 0x20u) - ('a' - 10);
            if (digit - 10 > 5)
                break;
        }
        if (size >> 28 != 0)
            return IOT_ERR_HTTP_LENGTH;
        size = size << 4 | digit;
    }
    if (at == end)
        return more;
    if (at == from)
        return IOT_ERR_HTTP_CHUNK;
    if (*at == '\r') {
        if (end - at == 1)
            return more;
        if (at[1] != '\n')
            return IOT_ERR_HTTP_CHUNK;
    } else {
        while (at < end && is_blank(*at))
            at++;
        if (at == end)
            return more;
        if (*at != ';')
            return IOT_ERR_HTTP_CHUNK;
        p->scanned = (uint32_t)(at - in.ptr);
        iot_err err = iot_http_parser_find_end(p, in.ptr, end);
        if (err != IOT_OK)
            return err == IOT_ERR_AGAIN ? more : IOT_ERR_HTTP_CHUNK;
        at = in.ptr + p->scanned;
    }
    int32_t n = (int32_t)(at - in.ptr) + 2;
    if (size > p->room)
        return IOT_ERR_HTTP_LENGTH;
    p->room -= size;
    p->left = size;
    p->state = IOT_HTTP_AT_CHUNK;
    if (size == 0) {
        if (p->head.has_length && p->room != 0) /* the range was said to be longer */
            return IOT_ERR_HTTP_LENGTH;
        p->trailers = true;
        p->state = IOT_HTTP_AT_NAME;
        return n;
    }
    in.ptr += n;
    in.len -= (uint32_t)n;
    return in.len == 0 ? n : n + step_body(p, in, bytes);
}

static int32_t step(struct iot_http_parser *p, struct iot_bytes in, struct iot_bytes *bytes)
{
    switch (p->state) {
    case IOT_HTTP_AT_CHUNK_LINE:
    case IOT_HTTP_AT_CHUNK_END:
        return step_chunk_line(p, in, bytes);
    case IOT_HTTP_AT_CHUNK:
    case IOT_HTTP_AT_BODY:
    case IOT_HTTP_AT_BODY_TO_CLOSE:
        return step_body(p, in, bytes);
    default: /* IOT_HTTP_AT_DONE */
        p->say = IOT_HTTP_DONE;
        return 0;
    }
}

/* ---- the doors */

void iot_http_parser_begin(struct iot_http_parser *p, enum iot_http_method method)
{
    memset(p, 0, sizeof *p);
    p->method = (uint8_t)method;
    p->lines = IOT_HTTP_LINES_MAX;
    p->head_left = IOT_HTTP_HEAD_BYTES;
}

iot_err iot_http_parse(struct iot_http_parser *p, struct iot_bytes in, bool full, uint32_t *used,
                       enum iot_http_say *say, struct iot_bytes *bytes)
{
    int32_t n = p->err;
    bool in_head = false;

    IOT_ASSERT(in.len <= INT32_MAX);
    if (in.ptr == NULL)
        in.ptr = (const uint8_t *)""; /* something to add 0 to */
    const uint8_t *from = in.ptr;
    p->say = IOT_HTTP_MORE;
    *bytes = (struct iot_bytes){NULL, 0};
    while (n >= 0 && p->say == IOT_HTTP_MORE) {
        in_head = p->state < IOT_HTTP_AT_CHUNK_LINE;
        n = in_head ? iot_http_parser_head(p, in, bytes) : step(p, in, bytes);
        if (n < 0)
            break;
        if (in_head) {
            if ((uint32_t)n > p->head_left) {
                n = IOT_ERR_HTTP_HEADER;
                break;
            }
            p->head_left -= (uint32_t)n;
        }
        in.ptr += n;
        in.len -= (uint32_t)n;
        p->scanned = 0;
    }
    *used = (uint32_t)(in.ptr - from);
    *say = n >= 0 ? (enum iot_http_say)p->say : IOT_HTTP_MORE;
    if (n >= 0)
        return IOT_OK;
    if (n == IOT_ERR_AGAIN && full && in.ptr == from && in.len != 0)
        n = in_head ? IOT_ERR_HTTP_HEADER : IOT_ERR_HTTP_CHUNK;
    /* What is wrong behind the limit is not: as it came, it may not have been seen. */
    if (in_head && p->scanned > p->head_left)
        n = IOT_ERR_HTTP_HEADER;
    if (n == IOT_ERR_AGAIN)
        return IOT_OK;
    p->err = n;
    p->keep = false;
    return n;
}

void iot_http_unparse(struct iot_http_parser *p, uint32_t n)
{
    if (n != 0 && p->state == IOT_HTTP_AT_CHUNK_END)
        p->state = IOT_HTTP_AT_CHUNK;
    IOT_ASSERT(n == 0 || p->state == IOT_HTTP_AT_CHUNK || p->state == IOT_HTTP_AT_BODY ||
               p->state == IOT_HTTP_AT_BODY_TO_CLOSE);
    p->left += n;
}

iot_err iot_http_parse_end(struct iot_http_parser *p, bool clean)
{
    bool whole = p->state == IOT_HTTP_AT_DONE;

    if (p->err != IOT_OK)
        return p->err;
    if (p->state == IOT_HTTP_AT_BODY)
        whole = p->left == 0;
    if (p->state == IOT_HTTP_AT_BODY_TO_CLOSE)
        whole = clean && (p->left == 0 || !p->head.has_length);
    if (whole) {
        p->state = IOT_HTTP_AT_DONE;
        return IOT_OK;
    }
    p->keep = false;
    return p->err = IOT_ERR_HTTP_CUT;
}

#endif
