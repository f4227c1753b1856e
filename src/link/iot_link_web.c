/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB

#include "core/iot_core_assert.h"
#include "link/iot_link_register.h"

#include <string.h>

#define STATUS_OK  200u
#define STATUS_BAD 400u
#define PAUSE_MS   1000u
#define PAUSES_MAX 8u /* doublings: four minutes */
#define OFTEN_MS   60000u
#define TOO_MANY   40000

static bool is_https(const char *base)
{
    return base == NULL || strncmp(base, "https://", 8) == 0;
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
    if (w->call != IOT_WEB_NONE)
        return IOT_ERR_STATE;
    const struct iot_web_options *o = w->opt;
    iot_wipe(w, sizeof *w);
    w->opt = o;
    return IOT_OK;
}

/* ---- How it ends --------------------------------------------------------------------------- */

/* What helps by itself, in time. */
static bool may_repeat(iot_err err, int32_t detail)
{
    switch (err) {
    case IOT_ERR_LINK_CODE:
    case IOT_ERR_LINK_REGISTER: /* of others the next attempt says the same: names, secrets, rights */
        return detail == 429 || detail == 500 || detail == 10000 || detail == 20001 ||
               detail == 20003 || detail == 20004 || detail == 30001 || detail == TOO_MANY;
    case IOT_ERR_HTTP_STATUS:
        return detail == 429 || detail >= 500;
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

static uint32_t pause_ms(struct iot_web *w, iot_err err, int32_t detail)
{
    bool often = (err == IOT_ERR_LINK_CODE && detail == TOO_MANY) || detail == 429;
    uint32_t pause = PAUSE_MS << w->fails;

    if (err == IOT_OK) {
        w->fails = 0;
        return 0;
    }
    if (w->fails < PAUSES_MAX)
        w->fails++;
    if (!may_repeat(err, detail))
        return IOT_MS_NEVER;
    return often && pause < OFTEN_MS ? OFTEN_MS : pause;
}

static void finish(struct iot_web *w, iot_err err, int32_t detail)
{
    const struct iot_web_result r = {.call = (enum iot_web_call)w->call,
                                     .err = err,
                                     .detail = detail,
                                     .reply = {w->post.reply, w->reply_len},
                                     .retry_ms = pause_ms(w, err, detail)};

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

/* What has come so far, if it is an answer already. */
static iot_err take(struct iot_web *w, int32_t *detail)
{
    const struct iot_bytes text = {w->opt->work + w->used, w->got};
    struct iot_json root = {NULL, 0};
    iot_err err = IOT_OK;

    if (w->status == STATUS_OK)
        err = iot_json_check(text, &root, NULL);
    else if (!w->renews || w->status != STATUS_BAD)
        err = IOT_ERR_HTTP_STATUS;
    *detail = w->status != STATUS_OK ? w->status : 0;
    return err == IOT_OK ? w->take(w, root, detail) : err;
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
    if (w->eager &&
        iot_json_check((struct iot_bytes){w->opt->work + w->used, w->got}, &root, NULL) == IOT_OK) {
        w->outcome = take(w, &w->outcome_detail);
        w->taken = w->outcome != IOT_ERR_AGAIN;
        if (!w->taken) {
            w->got -= part.len;
            *used = 0;
            return IOT_ERR_AGAIN;
        }
    }
    return IOT_OK;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    struct iot_web *w = ctx;

    w->begun = false;
    if (w->taken) {
        err = w->outcome;
        detail = w->outcome_detail;
    } else if (err == IOT_OK) {
        err = take(w, &detail);
    }
    if (!w->begun) /* another request, as part of the same call */
        finish(w, err, detail);
}

iot_err iot_web_code(struct iot_json root, uint32_t good, int32_t *detail)
{
    struct iot_json v;
    uint32_t code;
    iot_err err = iot_json_get(root, "code", &v);

    if (err == IOT_OK)
        err = iot_json_u32_text(v, &code);
    if (err != IOT_OK || code == good)
        return err;
    *detail = (int32_t)(code & INT32_MAX);
    return IOT_ERR_LINK_CODE;
}

/* ---- The request --------------------------------------------------------------------------- */

void iot_web_reopen(const struct iot_web *w, struct iot_writer *t, const char *base,
                    const char *const *host, const char *path)
{
    *t = (struct iot_writer){.ptr = w->opt->work, .cap = w->opt->work_bytes};
    iot_writer_text(t, base != NULL ? base : "https://");
    while (base == NULL && *host != NULL)
        iot_writer_text(t, *host++);
    iot_writer_text(t, path);
}

iot_err iot_web_open(const struct iot_web *w, struct iot_writer *t, const char *base,
                     const char *const *host, const char *path)
{
    if (w->call != IOT_WEB_NONE)
        return IOT_ERR_STATE;
    iot_web_reopen(w, t, base, host, path);
    return IOT_OK;
}

void iot_web_auth_host(const struct iot_web *w, const char *host[4])
{
    host[0] = "iot-auth.";
    host[1] = w->opt->link->region != NULL ? w->opt->link->region : "cn-shanghai";
    host[2] = ".aliyuncs.com";
    host[3] = NULL;
}

/* As application/x-www-form-urlencoded: what is neither letter nor digit nor one of these becomes %XX. */
static void put_escaped(struct iot_writer *t, const char *text)
{
    for (; *text != '\0'; text++) {
        const char one[2] = {*text, '\0'};
        if (iot_link_is_text(one, 1, 1, IOT_CHAR_DIGIT | IOT_CHAR_LETTER | IOT_CHAR_DASH) ||
            *text == '.' || *text == '_') {
            iot_writer_put(t, text, 1);
        } else {
            iot_writer_text(t, "%");
            iot_link_put_hex(t, (const uint8_t *)text, 2);
        }
    }
}

void iot_web_field(struct iot_writer *t, const char *name, const char *value)
{
    iot_writer_text(t, name);
    put_escaped(t, value);
}

void iot_web_put_cid(struct iot_writer *t, const struct iot_link_identity *id, bool form)
{
    void (*put)(struct iot_writer *, const char *) = form ? put_escaped : iot_writer_text;

    put(t, id->client_id != NULL ? id->client_id : id->product_key);
    if (id->client_id == NULL) {
        put(t, ".");
        put(t, id->device_name);
    }
}

void iot_web_names(struct iot_writer *t, const struct iot_link_identity *id)
{
    iot_web_field(t, "productKey=", id->product_key);
    iot_web_field(t, "&deviceName=", id->device_name);
}

iot_err iot_web_sign(struct iot_web *w, const struct iot_writer *t, const char *stamp,
                     char hex[2 * IOT_DIGEST_BYTES_MAX + 1])
{
    struct iot_link_identity id = *w->opt->link;
    struct iot_writer s = {.ptr = t->ptr + t->len, .cap = t->cap - t->len};
    struct iot_writer h = {.ptr = (uint8_t *)hex, .cap = 2 * IOT_DIGEST_BYTES_MAX};
    char secret[IOT_DEVICE_SECRET_MAX + 1];
    uint8_t mac[IOT_LINK_MAC_MAX];
    iot_err err = IOT_OK;

    iot_writer_text(&s, "clientId");
    iot_web_put_cid(&s, &id, false);
    iot_writer_text(&s, "deviceName");
    iot_writer_text(&s, id.device_name);
    iot_writer_text(&s, "productKey");
    iot_writer_text(&s, id.product_key);
    if (stamp != NULL) {
        iot_writer_text(&s, "timestamp");
        iot_writer_text(&s, stamp);
    }
    if (t->overflow || s.overflow)
        return IOT_ERR_SIZE;
    if (id.registration != NULL) {
        err = iot_register_secret(&id, w->opt->port, secret);
        id.device_secret = secret;
    } else if (id.device_secret == NULL && id.sign == NULL) {
        err = IOT_ERR_ARG; /* its certificate is all it has */
    }
    if (err == IOT_OK)
        err = iot_link_mac(&id, id.method, (struct iot_bytes){s.ptr, s.len}, mac);
    if (err == IOT_OK)
        iot_link_put_hex(&h, mac, 2 * iot_digest_bytes((enum iot_digest_kind)id.method));
    hex[h.len] = '\0';
    iot_wipe(secret, sizeof secret);
    iot_wipe(mac, sizeof mac);
    return err == IOT_ERR_STATE ? IOT_ERR_KV : err;
}

iot_err iot_web_send(struct iot_web *w, const struct iot_writer *t, uint32_t headers, uint32_t body,
                     const struct iot_bytes *payload, enum iot_web_call call, iot_web_take on)
{
    static const struct iot_http_handlers handlers = {on_head, on_body, on_end};
    struct iot_http_request q = {.url = (const char *)t->ptr, .on = &handlers, .ctx = w};

    if (t->overflow)
        return IOT_ERR_SIZE;
    if (body != 0) {
        q.method = IOT_HTTP_POST;
        q.headers = (const char *)t->ptr + headers;
        q.body = payload != NULL ? *payload : (struct iot_bytes){t->ptr + body, t->len - body};
    }
    iot_err err = iot_http_start(w->opt->http, &q);
    if (err != IOT_OK)
        return err;
    w->call = (uint8_t)call;
    w->take = on;
    w->used = t->len;
    w->got = 0;
    w->status = 0;
    w->taken = w->eager = w->renews = false;
    w->begun = true;
    return IOT_OK;
}

uint32_t iot_web_form(struct iot_writer *t)
{
    static const char line[] = "\0Content-Type: application/x-www-form-urlencoded\r\n";

    iot_writer_put(t, line, sizeof line);
    return t->len;
}

iot_err iot_web_send_form(struct iot_web *w, const struct iot_writer *t, uint32_t body,
                          enum iot_web_call call, iot_web_take on)
{
    static const char line[] = "Content-Type: application/x-www-form-urlencoded\r\n";

    return iot_web_send(w, t, body - (uint32_t)sizeof line, body, NULL, call, on);
}

#endif
