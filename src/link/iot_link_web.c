/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB

#include "core/iot_core_assert.h"
#include "core/iot_core_text.h"

#include <string.h>

#define STATUS_OK  200u
#define STATUS_BAD 400
#define CODE_DATA  0u   /* what is well on the data channel */
#define CODE_OK    200u /* ... and elsewhere */
#define PAUSE_MS   1000u
#define PAUSES_MAX 8u /* doublings: four minutes */
#define OFTEN_MS   60000u
#define OFTEN      429
#define EXPIRED    20001
#define UNKNOWN    20003
#define TOO_MANY   40000

const char iot_web_form_headers[] = "Content-Type: application/x-www-form-urlencoded\r\n";

static bool is_https(const char *base)
{
    return base == NULL || iot_text_begins(base, "https://");
}

iot_err iot_web_init(struct iot_web *w, const struct iot_web_options *o)
{
    memset(w, 0, sizeof *w);
    w->opt = o;
    return iot_link_check(o->link) == IOT_OK && o->link->product_key != NULL && is_https(o->auth) &&
                   is_https(o->global) && is_https(o->data)
               ? IOT_OK
               : IOT_ERR_ARG;
}

iot_err iot_web_cancel(struct iot_web *w)
{
    return w->call != IOT_WEB_NONE ? iot_http_cancel(w->opt->http) : IOT_ERR_STATE;
}

iot_err iot_web_forget(struct iot_web *w)
{
    const struct iot_web_options *o = w->opt;

    if (w->call != IOT_WEB_NONE)
        return IOT_ERR_STATE;
    iot_wipe(w, sizeof *w);
    w->opt = o;
    return IOT_OK;
}

/* ---- How it ends --------------------------------------------------------------------------- */

/* Of other codes and statuses the next attempt brings the same: names, secrets, rights. */
static bool may_pass(int32_t number)
{
    static const uint16_t codes[] = {OFTEN, 10000, EXPIRED, UNKNOWN, 20004, 30001, TOO_MANY};

    for (uint32_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (number == codes[i])
            return true;
    return number >= 500 && number < 600 && number != 521 && number != 522;
}

static bool may_repeat(iot_err err, int32_t detail)
{
    switch (err) {
    case IOT_ERR_LINK_CODE:
    case IOT_ERR_LINK_REGISTER:
    case IOT_ERR_HTTP_STATUS:
        return may_pass(detail);
    case IOT_ERR_SIZE:
    case IOT_ERR_ARG:
    case IOT_ERR_HTTP_URL:
    case IOT_ERR_TLS_MEMORY:
    case IOT_ERR_TLS_CREDENTIAL:
        return false;
    default:
        return true;
    }
}

static void finish(struct iot_web *w, iot_err err, int32_t detail)
{
    struct iot_web_result r = {.call = (enum iot_web_call)w->call,
                               .err = err,
                               .detail = detail,
                               .reply = {w->post.reply, w->reply_len}};

    if (err != IOT_OK) {
        r.retry_ms = PAUSE_MS << w->fails;
        if (w->fails < PAUSES_MAX)
            w->fails++;
        if (!may_repeat(err, detail))
            r.retry_ms = IOT_MS_NEVER;
        else if ((detail == OFTEN || detail == TOO_MANY) && r.retry_ms < OFTEN_MS)
            r.retry_ms = OFTEN_MS;
    } else {
        w->fails = 0;
    }
    iot_wipe(w->opt->work, w->opt->work_bytes);
    memset(&w->post, 0, sizeof w->post);
    w->call = IOT_WEB_NONE;
    w->reply_len = 0;
    w->opt->on_result(w->opt->ctx, w, &r);
}

/* ---- The answer ---------------------------------------------------------------------------- */

static iot_err on_head(void *ctx, const struct iot_http_head *head)
{
    struct iot_web *w = ctx;

    w->status = head->status;
    return IOT_OK;
}

static iot_err check(const struct iot_web *w, struct iot_json *root)
{
    return iot_json_check((struct iot_bytes){w->opt->work + w->used, w->got}, root, NULL);
}

/* What has come, as an answer. */
static iot_err take(struct iot_web *w, int32_t *detail)
{
    struct iot_json root;
    uint32_t code = 0;
    iot_err err;

    *detail = w->status;
    if (w->status != STATUS_OK)
        return IOT_ERR_HTTP_STATUS;
    *detail = 0;
    err = check(w, &root);
    if (err == IOT_OK)
        err = iot_ask_number(root, "code\0", &code);
    if (err != IOT_OK)
        return err;
    if (code == (w->call == IOT_WEB_POST ? CODE_DATA : CODE_OK))
        return w->take(w, root);
    *detail = (int32_t)(code & INT32_MAX);
    return w->call == IOT_WEB_REGISTER ? IOT_ERR_LINK_REGISTER : IOT_ERR_LINK_CODE;
}

/* A secret has to be durable before anybody is told, and the store may be slow: so its answer is taken in here, where there
 * is a later tick, as soon as it is JSON. */
static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    struct iot_web *w = ctx;
    struct iot_json root;

    (void)offset;
    *used = part.len;
    if (w->taken || w->status != STATUS_OK)
        return IOT_OK;
    if (part.len > w->opt->work_bytes - w->used - w->got) {
        *used = 0;
        return IOT_ERR_SIZE;
    }
    memcpy(w->opt->work + w->used + w->got, part.ptr, part.len);
    w->got += part.len;
    if (!w->eager || check(w, &root) != IOT_OK)
        return IOT_OK;
    w->outcome = take(w, &w->outcome_detail);
    w->taken = w->outcome != IOT_ERR_AGAIN;
    if (w->taken)
        return IOT_OK;
    w->got -= part.len;
    *used = 0;
    return IOT_ERR_AGAIN;
}

/* HTTP's own way to say it is 400. */
static bool is_stale(iot_err err, int32_t detail)
{
    return (err == IOT_ERR_LINK_CODE && (detail == EXPIRED || detail == UNKNOWN)) ||
           (err == IOT_ERR_HTTP_STATUS && detail == STATUS_BAD);
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    struct iot_web *w = ctx;

    w->begun = false;
    w->inside = true;
    if (w->taken) {
        err = w->outcome;
        detail = w->outcome_detail;
    } else if (err == IOT_OK) {
        err = take(w, &detail);
        if (is_stale(err, detail)) {
            w->token[0] = '\0'; /* the next message asks for another in any case */
            if (w->renew != NULL)
                err = w->renew(w);
        }
    }
    w->inside = false;
    if (!w->begun) /* another request, as part of the same call */
        finish(w, err, detail);
}

/* ---- The request --------------------------------------------------------------------------- */

/* IOT_OK: it has gone to the HTTP client. */
static iot_err begin(struct iot_web *w, const struct iot_web_ask *q)
{
    static const struct iot_http_handlers handlers = {on_head, on_body, on_end};
    struct iot_writer t = {.ptr = w->opt->work, .cap = w->opt->work_bytes};
    struct iot_http_request r = {.url = (const char *)t.ptr, .on = &handlers, .ctx = w};
    char hex[IOT_ASK_HEX_BYTES];
    struct iot_ask_values v;
    iot_err err = IOT_OK;

    iot_ask_values(&v, w->opt->link);
    v.of[*IOT_ASK_SIGN - 1] = hex;
    v.of[*IOT_ASK_VALUE - 1] = q->value;
    v.of[*IOT_ASK_TOPIC - 1] = w->post.topic;
    if (q->text != NULL) {
        iot_ask_put(&t, &v, IOT_ASK_AS_IS, q->text);
        err = t.overflow ? IOT_ERR_SIZE
                         : iot_ask_sign(w->opt->link, w->opt->port, q->key,
                                        (struct iot_bytes){t.ptr, t.len}, hex);
        t.len = 0; /* what was signed has served */
    }
    if (err != IOT_OK)
        return err;
    iot_ask_put(&t, &v, IOT_ASK_FORM, q->base != NULL ? q->base : q->host);
    iot_ask_put(&t, &v, IOT_ASK_FORM, q->path);
    if (q->headers != NULL) {
        iot_writer_put(&t, "", 1);
        r.method = IOT_HTTP_POST;
        r.headers = r.url + t.len;
        iot_ask_put(&t, &v, IOT_ASK_AS_IS, q->headers);
        iot_writer_put(&t, "", 1);
        r.body = w->post.payload;
    }
    if (q->body != NULL) {
        r.body.ptr = t.ptr + t.len;
        iot_ask_put(&t, &v, q->body[0] == '{' ? IOT_ASK_JSON : IOT_ASK_FORM, q->body);
        if (q->more != NULL)
            iot_ask_put(&t, &v, IOT_ASK_FORM, q->more);
        r.body.len = (uint32_t)(t.ptr + t.len - r.body.ptr);
    }
    if (q->headers == NULL) { /* all of it is the URL */
        iot_writer_put(&t, "", 1);
        r.body = (struct iot_bytes){NULL, 0};
    }
    err = t.overflow ? IOT_ERR_SIZE : iot_http_start(w->opt->http, &r);
    if (err != IOT_OK)
        return err;
    w->call = q->call;
    w->take = q->take;
    w->used = t.len;
    w->got = 0;
    w->status = 0;
    w->taken = false;
    w->eager = q->call == IOT_WEB_REGISTER;
    w->renew = NULL;
    w->begun = true;
    return IOT_OK;
}

iot_err iot_web_ask(struct iot_web *w, const struct iot_web_ask *q)
{
    if (w->call != IOT_WEB_NONE && !w->inside)
        return IOT_ERR_STATE;
    iot_err err = begin(w, q);
    if (err != IOT_OK)
        iot_wipe(w->opt->work, w->opt->work_bytes);
    return err;
}

#endif
