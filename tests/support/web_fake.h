/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP client that asks nobody: it keeps the request, and a test answers. For a test program that includes this
 * once. */
#ifndef WEB_FAKE_H
#define WEB_FAKE_H

#include "test.h"

#include "heap_trap.h"
#include "iot/iot_register.h"
#include "link/iot_link_web.h"

struct iot_http {
    struct iot_http_request request;
    bool busy;
    iot_err refuses; /* what iot_http_start says instead */
    uint32_t asked, cancelled;
    char url[512], headers[512], body[2048];
};

#define WEB_PK "a1B2c3D4e5F"
#define WEB_DN "dev001"
#define WEB_DS "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define WEB_PS "Ps16CharSecret01"

static struct iot_http web_http;
static struct iot_web web;
static struct iot_web_options web_options;
static struct iot_link_identity web_id;
static uint8_t web_work[1024];

/* What on_result got. */
static uint32_t web_results;
static struct iot_web_result web_result;
static char web_reply[512];
static void (*web_then)(void); /* called from inside */

/* ---- The client ------------------------------------------------------------------------------ */

iot_err iot_http_start(struct iot_http *h, const struct iot_http_request *q)
{
    if (h->busy)
        return IOT_ERR_STATE;
    if (h->refuses != IOT_OK)
        return h->refuses;
    h->request = *q;
    h->busy = true;
    h->asked++;
    snprintf(h->url, sizeof h->url, "%s", q->url);
    snprintf(h->headers, sizeof h->headers, "%s", q->headers != NULL ? q->headers : "");
    snprintf(h->body, sizeof h->body, "%.*s", (int)q->body.len,
             q->body.ptr != NULL ? (const char *)q->body.ptr : "");
    return IOT_OK;
}

iot_err iot_http_cancel(struct iot_http *h)
{
    if (!h->busy)
        return IOT_ERR_STATE;
    h->cancelled++;
    return IOT_OK;
}

static inline void web_end(iot_err err, int32_t detail)
{
    const struct iot_http_request q = web_http.request;

    assert_true(web_http.busy);
    web_http.busy = false;
    q.on->end(q.ctx, err, detail);
}

static inline void web_head(uint16_t status)
{
    const struct iot_http_head head = {.status = status};

    assert_true(web_http.busy);
    assert_err(web_http.request.on->head(web_http.request.ctx, &head), IOT_OK);
}

/* All of it, `step` bytes at a time. Not taken: offered again, at most `again` times. */
static inline iot_err web_body(const char *text, uint32_t step, uint32_t again)
{
    uint32_t len = (uint32_t)strlen(text), at = 0;

    while (at < len) {
        struct iot_bytes part = {(const uint8_t *)text + at, len - at < step ? len - at : step};
        uint32_t used = 99;
        iot_err err = web_http.request.on->body(web_http.request.ctx, at, part, &used);
        if (err == IOT_ERR_AGAIN && again-- > 0) {
            assert_int_equal(used, 0);
            continue;
        }
        if (err != IOT_OK)
            return err;
        assert_int_equal(used, part.len);
        at += used;
    }
    return IOT_OK;
}

/* Whole, and as it should be. */
static inline void web_answer(uint16_t status, const char *text)
{
    web_head(status);
    iot_err err = web_body(text, 7, 0);
    web_end(err, 0);
}

/* ---- Who asks -------------------------------------------------------------------------------- */

static inline void web_on_result(void *ctx, struct iot_web *w, const struct iot_web_result *r)
{
    assert_ptr_equal(ctx, &web_results);
    assert_ptr_equal(w, &web);
    web_results++;
    web_result = *r;
    snprintf(web_reply, sizeof web_reply, "%.*s", (int)r->reply.len,
             r->reply.ptr != NULL ? (const char *)r->reply.ptr : "");
    for (size_t i = 0; i < sizeof web_work; i++)
        if (web_work[i] != 0) /* what has served is wiped before anybody is told */
            fail_msg("work memory holds something at %zu", i);
    if (web_then != NULL)
        web_then();
}

static inline iot_err web_random(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x5a, n);
    return IOT_OK;
}

static const struct iot_port web_port_plain = {.random = web_random};

static inline void web_start(const struct iot_port *port)
{
    memset(&web_http, 0, sizeof web_http);
    memset(&web_id, 0, sizeof web_id);
    memset(web_work, 0, sizeof web_work);
    memset(&web_result, 0, sizeof web_result);
    web_results = 0;
    web_then = NULL;
    web_id.product_key = WEB_PK;
    web_id.device_name = WEB_DN;
    web_id.device_secret = WEB_DS;
    web_options = (struct iot_web_options){.http = &web_http,
                                           .link = &web_id,
                                           .port = port,
                                           .work = web_work,
                                           .work_bytes = sizeof web_work,
                                           .on_result = web_on_result,
                                           .ctx = &web_results};
    assert_err(iot_web_init(&web, &web_options), IOT_OK);
}

/* It ended so, the n-th call since the start. */
static inline void web_ended(uint32_t n, enum iot_web_call call, iot_err err, int32_t detail)
{
    assert_int_equal(web_results, n);
    assert_int_equal(web_result.call, call);
    assert_err(web_result.err, err);
    assert_int_equal(web_result.detail, detail);
}

#endif
