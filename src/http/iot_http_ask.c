/* SPDX-License-Identifier: Apache-2.0 */
#include "http/iot_http_ask.h"

#if IOT_FEATURE_HTTP

#include "core/iot_core_text.h"

#include <string.h>

/* ---- What may be asked ------------------------------------------------------------------- */

/* RFC 9110, section 5.6.2: what names are made of. */
static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           iot_text_has("!#$%&'*+-.^_`|~", c);
}

static bool is_text(char c)
{
    return (uint8_t)c >= ' ' ? c != 0x7f : c == '\t';
}

/* Lines of the caller's: nothing in them can end the head, or begin another request. */
static bool are_lines(const char *at)
{
    while (at != NULL && *at != '\0') {
        const char *name = at;
        while (is_token(*at))
            at++;
        if (at == name || *at != ':')
            return false;
        do
            at++;
        while (is_text(*at));
        if (at[0] != '\r' || at[1] != '\n')
            return false;
        at += 2;
    }
    return true;
}

/* RFC 9110, section 8.8.3; weak ones compare to nothing here (13.1.5). */
static bool is_etag(const char *at)
{
    if (*at++ != '"')
        return false;
    while (is_text(*at) && *at != '"' && *at != ' ' && *at != '\t')
        at++;
    return at[0] == '"' && at[1] == '\0';
}

iot_err iot_http_ask_check(const struct iot_http_request *r)
{
    bool has_body = r->body.len != 0 || r->source != NULL;
    if (r->on == NULL || r->on->end == NULL || !are_lines(r->headers))
        return IOT_ERR_ARG;
    if (r->method > IOT_HTTP_POST || (has_body && r->method != IOT_HTTP_POST) ||
        (r->body.len != 0 && r->source != NULL))
        return IOT_ERR_ARG;
    if (r->has_range && (r->method != IOT_HTTP_GET || r->range_from > r->range_to))
        return IOT_ERR_ARG;
    if (r->if_range != NULL && (!r->has_range || !is_etag(r->if_range)))
        return IOT_ERR_ARG;
    return IOT_OK;
}

/* ---- Where it goes ----------------------------------------------------------------------- */

static uint32_t small(uint32_t c)
{
    return c - 'A' < 26 ? c | 0x20 : c;
}

bool iot_http_ask_same(const struct iot_http *h, const struct iot_http_url *url)
{
    if (url->tls != h->at.tls || url->port != h->at.port || url->host.len != h->at.host.len)
        return false;
    for (uint32_t i = 0; i < url->host.len; i++)
        if (small(url->host.ptr[i]) != small(h->at.host.ptr[i]))
            return false;
    return true;
}

/* A stream that is up may still look at the name of its host (to keep a session of TLS by it). That stays where it is, as
 * only an equal one comes to a stream that is up: same scheme, so same place. */
void iot_http_ask_url(struct iot_http *h, const char *url)
{
    memmove(h->url, url, strlen(url) + 1);
    (void)iot_http_url_read(h->url, &h->at);
    char *end = h->url + ((const char *)h->at.host.ptr - h->url) + h->at.host.len;
    h->behind_host = *end;
    *end = '\0';
    h->to.host = (const char *)h->at.host.ptr;
    h->to.port = h->at.port;
    h->to.netif = h->opt->netif;
}

/* ---- Its bytes --------------------------------------------------------------------------- */

/* The head is put anew for each piece, but for what is in front of it: cheaper than a buffer that holds all of it. */
struct pen {
    uint8_t *into;
    uint32_t cap, len;
    uint32_t skip; /* so many bytes are in earlier pieces */
};

static void put(struct pen *pen, const void *bytes, uint32_t n)
{
    uint32_t skip = n < pen->skip ? n : pen->skip;
    pen->skip -= skip;
    n -= skip;
    if (n > pen->cap - pen->len)
        n = pen->cap - pen->len;
    if (n != 0)
        memcpy(pen->into + pen->len, (const uint8_t *)bytes + skip, n);
    pen->len += n;
}

static void put_text(struct pen *pen, const char *text)
{
    put(pen, text, (uint32_t)strlen(text));
}

static void put_u32(struct pen *pen, uint32_t value)
{
    char digits[10];
    uint32_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(pen, digits + at, (uint32_t)sizeof digits - at);
}

/* A part of the URL, in which the byte behind the host is not what it was. */
static void put_url(struct pen *pen, const struct iot_http *h, struct iot_bytes part)
{
    const uint8_t *gap = h->at.host.ptr + h->at.host.len;
    if (part.len == 0 || gap < part.ptr || gap >= part.ptr + part.len) {
        put(pen, part.ptr, part.len);
        return;
    }
    uint32_t before = (uint32_t)(gap - part.ptr);
    put(pen, part.ptr, before);
    put(pen, &h->behind_host, 1);
    put(pen, gap + 1, part.len - before - 1);
}

static void put_range(struct pen *pen, const struct iot_http_request *r)
{
    put_text(pen, "Range: bytes=");
    put_u32(pen, r->range_from);
    put_text(pen, "-");
    if (r->range_to != UINT32_MAX)
        put_u32(pen, r->range_to);
    if (r->if_range != NULL) {
        put_text(pen, "\r\nIf-Range: ");
        put_text(pen, r->if_range);
    }
    put_text(pen, "\r\n");
}

static void put_head(struct pen *pen, const struct iot_http *h)
{
    static const char *const methods[] = {
        [IOT_HTTP_GET] = "GET ", [IOT_HTTP_HEAD] = "HEAD ", [IOT_HTTP_POST] = "POST "};
    const struct iot_http_request *r = &h->request;

    put_text(pen, methods[h->method]);
    put_url(pen, h, h->at.path);
    put_url(pen, h, h->at.query);
    put_text(pen, " HTTP/1.1\r\nHost: ");
    put_url(pen, h, h->at.authority);
    put_text(pen, "\r\nAccept-Encoding: identity\r\n");
    if (h->opt->keep_ms == UINT32_MAX)
        put_text(pen, "Connection: close\r\n");
    if (r->has_range)
        put_range(pen, r);
    if (h->method == IOT_HTTP_POST) {
        put_text(pen, "Content-Length: ");
        put_u32(pen, r->source != NULL ? r->body_bytes : r->body.len);
        put_text(pen, "\r\n");
    }
    if (r->headers != NULL && !h->strange)
        put_text(pen, r->headers);
    put_text(pen, "\r\n");
}

iot_err iot_http_ask_fill(struct iot_http *h)
{
    const struct iot_http_request *r = &h->request;
    struct pen pen = {h->rx, sizeof h->rx, 0, h->sent - h->source_got};
    iot_err err = IOT_OK;

    put_head(&pen, h);
    if (h->method == IOT_HTTP_POST && r->source == NULL) {
        put(&pen, r->body.ptr, r->body.len);
    } else if (h->method == IOT_HTTP_POST && pen.len < pen.cap) {
        uint32_t left = r->body_bytes - h->source_got, cap = pen.cap - pen.len, got = 0;
        if (cap > left)
            cap = left;
        if (cap != 0)
            err = r->source(h->request.ctx, pen.into + pen.len, cap, &got);
        if (err == IOT_OK && cap != 0 && got == 0)
            err = IOT_ERR_AGAIN;
        if (err == IOT_OK) {
            got = got < cap ? got : cap;
            h->source_got += got;
            pen.len += got;
        }
    }
    h->rx_at = 0;
    h->rx_len = pen.len;
    /* A head that is whole leaves, whether its body is ready or not. */
    return err == IOT_ERR_AGAIN && pen.len != 0 ? IOT_OK : err;
}

#endif
