/* SPDX-License-Identifier: Apache-2.0 */
#include "http/iot_http_answer.h"

#if IOT_FEATURE_HTTP

#include "core/iot_core_assert.h"
#include "http/iot_http_ask.h"

#include <string.h>

/* ---- Header lines ------------------------------------------------------------------------ */

/* Only strong ones can resume a download (RFC 9110, section 13.1.5). The first counts. */
static void on_etag(struct iot_http *h, struct iot_bytes value)
{
    if (h->etag_len != 0 || value.len == 0 || value.len > sizeof h->etag || value.ptr[0] != '"')
        return;
    memcpy(h->etag, value.ptr, value.len);
    h->etag_len = (uint8_t)value.len;
}

/* RFC 9110, section 15.4; 300 and 304 name no better place for this request. */
static bool leads_on(const struct iot_http *h)
{
    uint32_t status = h->parser.head.status;
    bool moved = (status >= 301 && status <= 303) || status == 307 || status == 308;
    return moved && h->opt->redirects != 0;
}

/* Kept at the front of the window until the head is complete. */
static bool on_location(struct iot_http *h, struct iot_bytes value)
{
    if (!leads_on(h) || value.len == 0)
        return true;
    if (h->held != 0 || value.len > IOT_HTTP_URL_MAX)
        return false;
    memmove(h->rx, value.ptr, value.len);
    h->held = value.len;
    return true;
}

/* ---- The head ---------------------------------------------------------------------------- */

/* RFC 9110, section 15.3.7: what came has to be what was asked for; less only where the resource ends. */
static bool is_range(const struct iot_http_request *r, const struct iot_http_head *head)
{
    uint32_t last = head->from + head->length - 1, wanted = r->range_to;
    if (!r->has_range || head->from != r->range_from || last > wanted)
        return false;
    if (head->has_total && wanted >= head->total)
        wanted = head->total - 1;
    return last == wanted || !head->has_total;
}

/* A body of this size is read to its end, for the connection's sake. */
static bool is_short(const struct iot_http_head *head)
{
    return head->has_length && head->length <= 2 * IOT_HTTP_RX_BYTES;
}

/* Where a redirect leads; `*same`: to the same scheme, host and port. What must not follow it stays behind. */
static bool follow(struct iot_http *h, bool *same)
{
    char next[IOT_HTTP_URL_MAX + 1];
    struct iot_http_url url;
    uint32_t status = h->parser.head.status;
    char *gap = h->url + ((const char *)h->at.host.ptr - h->url) + h->at.host.len;

    *gap = h->behind_host;
    iot_err err = iot_http_url_resolve(h->url, (struct iot_bytes){h->rx, h->held}, next);
    *gap = '\0';
    h->held = 0;
    if (err != IOT_OK || iot_http_url_read(next, &url) != IOT_OK ||
        h->hops++ >= h->opt->redirects || (h->at.tls && !url.tls) || (url.tls && h->secure == NULL))
        return false;
    *same = iot_http_ask_same(h, &url);
    h->strange |= !*same;
    if (h->method == IOT_HTTP_POST && status <= 303)
        h->method = IOT_HTTP_GET; /* as browsers do also for 301 and 302 */
    else if (h->method == IOT_HTTP_POST && (h->request.source != NULL || !*same))
        return false; /* a body that is gone, or not meant for others */
    iot_http_ask_url(h, next);
    return true;
}

static enum iot_http_answer on_head(struct iot_http *h, iot_err *err, int32_t *detail)
{
    struct iot_http_head head = h->parser.head;
    bool same;

    if (h->held != 0) {
        if (!follow(h, &same)) {
            *err = IOT_ERR_HTTP_REDIRECT;
            *detail = head.status;
            return IOT_HTTP_ANSWER_BAD;
        }
        h->skip = true;
        return same && h->parser.keep && is_short(&head) ? IOT_HTTP_ANSWER_MORE
                                                         : IOT_HTTP_ANSWER_LEFT;
    }
    if (head.partial && !is_range(&h->request, &head)) {
        *err = IOT_ERR_HTTP_RANGE;
        *detail = head.status;
        return IOT_HTTP_ANSWER_BAD;
    }
    head.etag = (struct iot_bytes){h->etag, h->etag_len};
    head.bytes = IOT_HTTP_HEAD_BYTES - h->parser.head_left;
    h->offset = head.from;
    *err = h->request.on->head != NULL ? h->request.on->head(h->request.ctx, &head) : IOT_OK;
    return *err == IOT_OK ? IOT_HTTP_ANSWER_MORE : IOT_HTTP_ANSWER_BAD;
}

/* ---- The body ---------------------------------------------------------------------------- */

static void decline(struct iot_http *h, bool declined)
{
    if (declined && !h->declined) {
        h->declined_since = h->now;
    } else if (!declined && h->declined) {
        h->idle_since += h->now - h->declined_since;
        h->rate_since += h->now - h->declined_since;
    }
    h->declined = declined;
}

static enum iot_http_answer on_body(struct iot_http *h, struct iot_bytes bytes, iot_err *err)
{
    const struct iot_http_handlers *on = h->request.on;
    uint32_t used = 0;

    if (h->skip || on->body == NULL)
        used = bytes.len;
    else
        *err = on->body(h->request.ctx, h->offset, bytes, &used);
    if (*err != IOT_OK && *err != IOT_ERR_AGAIN)
        return IOT_HTTP_ANSWER_BAD;
    IOT_ASSERT(used <= bytes.len);
    if (used != 0)
        decline(h, false);
    h->offset += used;
    h->rate_bytes += used;
    h->rx_at -= bytes.len - used;
    iot_http_unparse(&h->parser, bytes.len - used);
    if (*err == IOT_OK && used != 0)
        return IOT_HTTP_ANSWER_MORE;
    decline(h, used != bytes.len);
    *err = IOT_OK;
    return IOT_HTTP_ANSWER_LATER;
}

/* ---- Together ---------------------------------------------------------------------------- */

static enum iot_http_answer on_field(struct iot_http *h, struct iot_bytes value, iot_err *err,
                                     int32_t *detail)
{
    if (h->parser.field == IOT_HTTP_FIELD_ETAG)
        on_etag(h, value);
    if (h->parser.field != IOT_HTTP_FIELD_LOCATION || on_location(h, value))
        return IOT_HTTP_ANSWER_MORE;
    *err = IOT_ERR_HTTP_REDIRECT;
    *detail = h->parser.head.status;
    return IOT_HTTP_ANSWER_BAD;
}

enum iot_http_answer iot_http_answer(struct iot_http *h, iot_err *err, int32_t *detail)
{
    enum iot_http_answer answer = IOT_HTTP_ANSWER_MORE;

    while (answer == IOT_HTTP_ANSWER_MORE) {
        struct iot_bytes in = {h->rx + h->rx_at, h->rx_len - h->rx_at}, bytes;
        bool full = h->rx_at == h->held && h->rx_len == sizeof h->rx;
        enum iot_http_say say;
        uint32_t used;

        if (h->cancel)
            return IOT_HTTP_ANSWER_LATER;
        *err = iot_http_parse(&h->parser, in, full, &used, &say, &bytes);
        h->rx_at += used;
        if (*err != IOT_OK)
            return IOT_HTTP_ANSWER_BAD;
        switch (say) {
        case IOT_HTTP_MORE:
            return IOT_HTTP_ANSWER_MORE;
        case IOT_HTTP_FIELD:
            answer = on_field(h, bytes, err, detail);
            break;
        case IOT_HTTP_HEAD_DONE:
            h->in_body = true;
            h->idle_since = h->rate_since = h->now;
            h->rate_bytes = 0;
            answer = on_head(h, err, detail);
            break;
        case IOT_HTTP_BODY:
            answer = on_body(h, bytes, err);
            break;
        case IOT_HTTP_DONE:
            return IOT_HTTP_ANSWER_WHOLE;
        }
    }
    return answer;
}

#endif
