/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_web.h"

#include "cloud/cloud_file.h"
#include "cloud/cloud_store.h"
#include "cloud/cloud_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Answers --------------------------------------------------------------------------------- */

/* By malloc, taken over. */
static void put_body(struct cloud_web_answer *a, const char *type, char *body)
{
    free(a->body);
    a->body = body;
    a->length = a->total = (uint32_t)strlen(body);
    snprintf(a->type, sizeof a->type, "%s", type);
}

void cloud_web_say(struct cloud_web_answer *a, int code, const char *name, json_t *data,
                   const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    cloud_text_clean(message);
    json_t *out = json_pack("{s:i, s:s}", "code", code, "message", message);
    if (out == NULL) /* it came from outside, and is no UTF-8 */
        out = json_pack("{s:i, s:s}", "code", code, "message", "?");
    if (data != NULL)
        json_object_set_new(out, name, data);
    put_body(a, "application/json", cloud_json_text(out));
    json_decref(out);
}

/* As an object store says it. */
static void refuse(struct cloud_web_answer *a, unsigned status, const char *code, const char *words)
{
    char *body = malloc(256);

    if (body == NULL)
        abort();
    snprintf(body, 256, "<Error><Code>%s</Code><Message>%s</Message></Error>\n", code, words);
    a->status = status;
    put_body(a, "application/xml", body);
}

void cloud_web_free(struct cloud_web_answer *a)
{
    free(a->body);
    a->body = NULL;
}

/* ---- Who it is ------------------------------------------------------------------------------- */

bool cloud_web_method(const char *name, enum cloud_hash *hash)
{
    for (int h = CLOUD_MD5; h <= CLOUD_SHA256; h++) {
        if (strcmp(name, cloud_hash_name((enum cloud_hash)h)) == 0) {
            *hash = (enum cloud_hash)h;
            return true;
        }
    }
    return false;
}

int cloud_web_check(const struct cloud *c, const char *key, const char *name, const char *cid,
                    const char *seq, const char *stamp, const char *method, const char *sign,
                    int *device, char *why, size_t cap)
{
    struct cloud_client_id id = {.securemode = 2};
    char text[CLOUD_SIGNED_MAX], expected[2 * CLOUD_DIGEST_MAX + 1];
    uint8_t digest[CLOUD_DIGEST_MAX];
    int i = cloud_book_device(&c->book, key, name);

    snprintf(why, cap, "product or device not found");
    if (i < 0)
        return cloud_book_product(&c->book, key) < 0 ? 6250 : 6100;
    const struct cloud_device *d = &c->book.devices[i];
    snprintf(why, cap, "the device is disabled or deleted");
    if (d->state != CLOUD_ENABLED)
        return d->state == CLOUD_DELETED ? 521 : 522;
    snprintf(why, cap, "signmethod is hmacmd5, hmacsha1 or hmacsha256");
    if (!cloud_web_method(method, &id.method))
        return 6292;
    snprintf(why, cap, "clientId has 1 to %d characters, seq and timestamp up to %d digits",
             CLOUD_CID_MAX, CLOUD_STAMP_MAX);
    if (cid[0] == 0 || strlen(cid) > CLOUD_CID_MAX || strlen(stamp) > CLOUD_STAMP_MAX ||
        strlen(seq) > CLOUD_STAMP_MAX || !cloud_text_all(stamp, cloud_is_digit) ||
        !cloud_text_all(seq, cloud_is_digit))
        return 460;
    snprintf(why, cap, "the device has no secret that it could sign with");
    if (d->secret[0] == 0 || d->auth == CLOUD_AUTH_X509)
        return 6600;
    snprintf(id.cid, sizeof id.cid, "%s", cid);
    snprintf(id.seq, sizeof id.seq, "%s", seq);
    snprintf(id.stamp, sizeof id.stamp, "%s", stamp);
    cloud_signed_text(&id, key, name, text);
    snprintf(why, cap, "the emulator cannot compute %s", method);
    if (!c->config.hmac(c->config.ctx, id.method, d->secret, text, digest))
        return 500;
    size_t len = 2 * cloud_hash_len(id.method);
    cloud_text_hex(digest, len / 2, false, expected);
    snprintf(why, cap, "signature wrong; it has to be %s with the device's secret over %s", method,
             text);
    if (strlen(sign) != len || !cloud_text_same_secret(sign, expected, len))
        return 6600;
    *device = i;
    return 200;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* "bytes=A-B", "bytes=A-" or "bytes=-N"; several at once are none, which a server may do (RFC 9110 14.2). */
static bool read_range(const char *text, uint32_t total, uint32_t *from, uint32_t *to,
                       bool *outside)
{
    const char *spec = cloud_text_after(text, "bytes=");
    char first[12], last[12];
    uint32_t a = 0, b = UINT32_MAX;

    size_t n = spec != NULL ? strcspn(spec, "-") : 0;
    if (spec == NULL || spec[n] != '-' || n >= sizeof first || strlen(spec + n + 1) >= sizeof last)
        return false;
    snprintf(first, sizeof first, "%.*s", (int)n, spec);
    snprintf(last, sizeof last, "%s", spec + n + 1);
    if ((first[0] != 0 && !cloud_text_number(first, UINT32_MAX, &a)) ||
        (last[0] != 0 && !cloud_text_number(last, UINT32_MAX, &b)) ||
        (first[0] == 0 && last[0] == 0) || (first[0] != 0 && a > b))
        return false;
    *outside = first[0] != 0 ? a >= total : b == 0 || total == 0;
    if (first[0] != 0) {
        *from = a;
        *to = b < total ? b : total - 1;
    } else {
        *from = b < total ? total - b : 0;
        *to = total - 1;
    }
    return true;
}

/* The range that is asked for, if any; `a` describes the whole of it. */
static void cut_range(const struct cloud *c, const struct cloud_web_request *q,
                      struct cloud_web_answer *a)
{
    uint32_t from, to;
    bool outside;

    if (c->book.rules.http_norange || q->range == NULL || strcmp(q->method, "GET") != 0 ||
        (q->if_range != NULL && strcmp(q->if_range, a->etag) != 0) ||
        !read_range(q->range, a->total, &from, &to, &outside))
        return;
    a->partial = true;
    if (outside) {
        uint32_t total = a->total;
        a->stored[0] = 0;
        refuse(a, 416, "InvalidRange", "the file is not that long");
        a->total = total;
        return;
    }
    a->status = 206;
    a->from = from;
    a->length = to - from + 1;
    if (a->body != NULL) {
        memmove(a->body, a->body + from, a->length);
        a->body[a->length] = 0;
    }
}

static void give_firmware(struct cloud *c, const char *name, struct cloud_web_answer *a)
{
    const struct cloud_stored *f = cloud_store_find(c, name);

    if (f == NULL) {
        refuse(a, 404, "NoSuchKey", "there is no such file");
        return;
    }
    a->file = true;
    a->total = a->length = f->size;
    snprintf(a->type, sizeof a->type, "application/octet-stream");
    snprintf(a->etag, sizeof a->etag, "\"%.32s\"", f->sha256);
    snprintf(a->stored, sizeof a->stored, CLOUD_STORE_HEAD "%s", f->name);
}

/* /cfg/PK-ID.json */
static void give_config(struct cloud *c, const char *name, struct cloud_web_answer *a)
{
    char expected[CLOUD_KEY_MAX + 32];

    for (int i = 0; i < c->book.product_count; i++) {
        const char *id, *text = cloud_file_text(c, i, &id);
        if (text == NULL)
            continue;
        snprintf(expected, sizeof expected, "%s-%s.json", c->book.products[i].key, id);
        if (strcmp(name, expected) != 0)
            continue;
        char *copy = strdup(text);
        if (copy == NULL)
            abort();
        put_body(a, "application/json", copy);
        a->file = true;
        snprintf(a->etag, sizeof a->etag, "\"%s\"", id);
        return;
    }
    refuse(a, 404, "NoSuchKey", "there is no such file");
}

static void give_file(struct cloud *c, const struct cloud_web_request *q, const char *path,
                      const char *query, uint64_t now_ms, struct cloud_web_answer *a)
{
    char whole[CLOUD_WEB_TARGET_MAX];
    const char *firmware = cloud_text_after(path, "/fw/");

    snprintf(whole, sizeof whole, "%.*s", (int)strcspn(q->target, "?"), q->target);
    const char *wrong = cloud_store_wrong(c, whole, query, now_ms);
    if (wrong != NULL) {
        cloud_say(c, "http %s %.80s refused: %s", q->method, whole, wrong);
        refuse(a, 403, "AccessDenied", wrong);
        return;
    }
    if (firmware != NULL)
        give_firmware(c, firmware, a);
    else
        give_config(c, path + strlen("/cfg/"), a);
    if (a->file)
        cut_range(c, q, a);
}

/* ---- Who serves what ------------------------------------------------------------------------- */

static void add_faults(const struct cloud_rules *r, struct cloud_web_answer *a)
{
    if (r->http_status != 0) {
        a->partial = a->file = false;
        a->stored[0] = a->etag[0] = 0;
        refuse(a, r->http_status, "Fault", "as an option says");
    }
    a->delay_ms = r->http_delay_ms;
    a->cut = r->http_cut != 0 && r->http_cut < a->length;
    a->cut_after = r->http_cut;
    a->slow = r->http_slow;
    a->chunked = r->http_chunked;
}

static void serve(struct cloud *c, const struct cloud_web_request *q, uint64_t now_ms,
                  struct cloud_web_answer *a)
{
    static const struct {
        const char *path;
        bool open;             /* a name follows */
        bool post, get, plain; /* what it takes */
        void (*serve)(struct cloud *, const struct cloud_web_request *, const char *, const char *,
                      uint64_t, struct cloud_web_answer *);
    } routes[] = {
        {"/auth/devicename", false, true, false, false, cloud_web_devicename},
        {"/auth/bootstrap", false, true, false, false, cloud_web_bootstrap},
        {"/auth/bootstrap/regionId/", true, false, true, false, cloud_web_bootstrap},
        {"/auth/register/device", false, true, false, false, cloud_web_register},
        {"/auth", false, true, false, false, cloud_web_auth},
        {"/topic/", true, true, false, false, cloud_web_topic},
        {"/fw/", true, false, true, true, give_file},
        {"/cfg/", true, false, true, true, give_file},
    };
    char path[CLOUD_WEB_TARGET_MAX];
    size_t n = strcspn(q->target, "?");
    const char *query = q->target[n] == '?' ? q->target + n + 1 : "";

    if (strlen(q->target) >= sizeof path) {
        refuse(a, 414, "URITooLong", "the address is too long");
        return;
    }
    snprintf(path, sizeof path, "%.*s", (int)n, q->target);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const char *rest = cloud_text_after(path, routes[i].path);
        if (rest == NULL || routes[i].open != (*rest != 0) || (!routes[i].plain && !q->tls))
            continue;
        bool get = strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
        if ((routes[i].get && get) || (routes[i].post && strcmp(q->method, "POST") == 0)) {
            routes[i].serve(c, q, routes[i].serve == give_file ? path : rest, query, now_ms, a);
            return;
        }
        snprintf(a->allow, sizeof a->allow, "%s", routes[i].post ? "POST" : "GET, HEAD");
        refuse(a, 405, "MethodNotAllowed", "not with this method");
        return;
    }
    refuse(a, 404, "NotFound", "there is nothing here");
}

void cloud_web(struct cloud *c, const struct cloud_web_request *q, uint64_t now_ms,
               struct cloud_web_answer *a)
{
    memset(a, 0, sizeof *a);
    a->status = 200;
    serve(c, q, now_ms, a);
    add_faults(&c->book.rules, a);
    cloud_say(c, "http%s %.8s %.*s%s%.40s: %u", q->tls ? "s" : "", q->method,
              (int)(strcspn(q->target, "?") < 200 ? strcspn(q->target, "?") : 200), q->target,
              q->range != NULL ? " " : "", q->range != NULL ? q->range : "", a->status);
}
