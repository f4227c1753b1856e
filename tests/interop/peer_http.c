/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_http.h"

#include "host/host_loop.h"

#define FAST_STEP_MS 50u

struct peer_http peer_web;

static bool begun;

/* ---- The record -------------------------------------------------------------------------- */

static iot_err on_head(void *ctx, const struct iot_http_head *head)
{
    struct peer_http *p = ctx;

    p->head = *head;
    assert_true(head->etag.len < sizeof p->etag);
    memset(p->etag, 0, sizeof p->etag);
    if (head->etag.len != 0)
        memcpy(p->etag, head->etag.ptr, head->etag.len);
    p->heads++;
    p->first = head->from;
    return IOT_OK;
}

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    struct peer_http *p = ctx;

    assert_int_equal(p->heads, 1);
    assert_int_equal(offset, p->first + p->len);
    assert_in_range(part.len, 1, IOT_HTTP_RX_BYTES);
    *used = part.len < p->hold - p->len ? part.len : p->hold - p->len;
    assert_true(*used <= PEER_BODY_MAX - p->len);
    memcpy(p->body + p->len, part.ptr, *used);
    p->len += *used;
    p->pieces++;
    return *used < part.len ? IOT_ERR_AGAIN : IOT_OK;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    struct peer_http *p = ctx;

    p->ends++;
    p->err = err;
    p->detail = detail;
}

static const struct iot_http_handlers handlers = {on_head, on_body, on_end};

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    struct peer_http *p = ctx;
    (void)dev;

    p->closed |= ev->kind == IOT_EV_CLOSED;
}

/* ---- Turning ----------------------------------------------------------------------------- */

void peer_http_turn(void)
{
    uint32_t wait = iot_poll(&peer_web.dev, peer_clock_ms());

    host_turn(!peer_web.fast ? wait : wait != 0 ? 1 : 0);
    if (peer_web.fast)
        peer_clock_skip(wait < FAST_STEP_MS ? wait : FAST_STEP_MS);
}

void peer_http_prepare(enum peer_cert_id root)
{
    struct peer_http *p = &peer_web;

    memset(p, 0, sizeof *p);
    begun = false;
    peer_trust_prepare(&p->trust, root);
    p->device_options.host = PEER_NAME;
    p->device_options.client_id = "";
    p->device_options.on_event = on_event;
    p->device_options.ctx = p;
    p->device_options.port_ops = &p->trust.port;
    p->options.tls = root != CERT_COUNT ? &p->trust.tls : NULL;
    p->options.redirects = 4;
    p->request.on = &handlers;
    p->request.ctx = p;
    p->hold = UINT32_MAX;
}

void peer_http_ask(const char *url)
{
    struct peer_http *p = &peer_web;

    if (!begun) {
        assert_err(iot_device_init(&p->dev, &p->device_options), IOT_OK);
        assert_err(iot_http_init(&p->http, &p->dev, &p->options), IOT_OK);
        begun = true;
    }
    p->heads = p->ends = p->pieces = p->first = p->len = 0;
    p->request.url = url;
    assert_err(iot_http_start(&p->http, &p->request), IOT_OK);
}

void peer_http_get(const char *url)
{
    peer_http_ask(url);
    UNTIL_WITH(peer_http_turn, peer_web.ends != 0);
    assert_int_equal(peer_web.ends, 1);
}

void peer_http_assert(iot_err err, uint32_t status)
{
    const struct peer_http *p = &peer_web;

    if (p->err != err)
        print_message("status %u, %u bytes, detail %d\n", p->head.status, (unsigned)p->len,
                      (int)p->detail);
    assert_err(p->err, err);
    assert_int_equal(p->heads != 0 ? p->head.status : 0, status);
}

void peer_http_close(void)
{
    struct iot_tls_memory m;
    struct peer_http *p = &peer_web;

    p->fast = false;
    if (iot_device_close(&p->dev, 0) == IOT_OK)
        UNTIL_WITH(peer_http_turn, p->closed);
    assert_true(iot_http_idle(&p->http));
    assert_true(iot_device_idle(&p->dev));
    if (p->options.tls != NULL) {
        iot_tls_memory(&p->http.tls, &m);
        assert_int_equal(m.used, 0);
    }
}
