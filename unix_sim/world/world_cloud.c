/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_cloud.h"

#include "crypto/iot_crypto_digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS      1000u /* what the core does by time is not that exact */
#define BOOK_MAX     32768u
#define MODEL_MAX    65536u
#define KEY_WORD     "\"productKey\": \""
#define TEXT_LEN_MAX 1024u

/* ---- What the core asks of us ----------------------------------------------------------------- */

static bool hmac(void *ctx, enum cloud_hash hash, const char *key, const char *text,
                 uint8_t out[CLOUD_DIGEST_MAX])
{
    static const enum iot_digest_kind kinds[] = {IOT_DIGEST_MD5, IOT_DIGEST_SHA1,
                                                 IOT_DIGEST_SHA256};
    struct iot_bytes part = {(const uint8_t *)text, (uint32_t)strlen(text)};

    (void)ctx;
    iot_hmac(kinds[hash], (struct iot_bytes){(const uint8_t *)key, (uint32_t)strlen(key)}, &part, 1,
             out);
    return true;
}

static bool digest(void *ctx, enum cloud_hash hash, const void *bytes, size_t len,
                   uint8_t out[CLOUD_DIGEST_MAX])
{
    static const enum iot_digest_kind kinds[] = {IOT_DIGEST_MD5, IOT_DIGEST_SHA1,
                                                 IOT_DIGEST_SHA256};
    struct iot_digest d;

    (void)ctx;
    iot_digest_begin(&d, kinds[hash]);
    iot_digest_put(&d, (struct iot_bytes){bytes, (uint32_t)len});
    iot_digest_end(&d, out);
    return true;
}

/* Alike in each run. */
static void draw(void *ctx, uint8_t *out, size_t len)
{
    struct world_cloud *w = ctx;

    for (size_t i = 0; i < len; i++) {
        w->drawn = w->drawn * 1664525u + 1013904223u;
        out[i] = (uint8_t)(w->drawn >> 24);
    }
}

static void log_line(void *ctx, const char *line)
{
    const struct world_cloud *w = ctx;

    if (w->log != NULL)
        w->log(w->ctx, line);
}

/* ---- What the broker asks of the core --------------------------------------------------------- */

/* The core's name for a connection: its number, and a serial that makes it unlike all before. */
static cloud_link link_of(const struct world_cloud *w, int conn)
{
    return conn < 0 || w->serials[conn] == 0 ? 0
                                             : (cloud_link)w->serials[conn] << 16 | (uint32_t)conn;
}

/* As a text, if it is there and not too long to be any good. */
static const char *text_of(struct iot_bytes bytes, char text[TEXT_LEN_MAX])
{
    if (bytes.ptr == NULL)
        return NULL;
    uint32_t n = bytes.len < TEXT_LEN_MAX - 1 ? bytes.len : TEXT_LEN_MAX - 1;
    memcpy(text, bytes.ptr, n);
    text[n] = 0;
    return text;
}

static int on_login(void *ctx, int conn, const struct world_mqtt_connect *c, uint64_t now)
{
    struct world_cloud *w = ctx;
    char id[TEXT_LEN_MAX], name[TEXT_LEN_MAX], password[TEXT_LEN_MAX];
    struct cloud_verdict verdict;

    w->serials[conn] = ++w->serial;
    struct cloud_login login = {
        .link = link_of(w, conn),
        .transport = CLOUD_PLAIN,
        .protocol_level = c->level,
        .keepalive_s = c->keepalive_s,
        .client_id = text_of(c->client_id, id),
        .user_name = text_of(c->user_name, name),
        .password = text_of(c->password, password),
        .will = c->will_topic.ptr != NULL,
    };
    cloud_login(&w->cloud, &login, now, &verdict);
    if (verdict.answer == CLOUD_ACCEPT)
        return 0;
    w->serials[conn] = 0;
    return verdict.answer == CLOUD_REFUSE ? verdict.code : WORLD_LOGIN_CLOSE;
}

static void on_gone(void *ctx, int conn)
{
    struct world_cloud *w = ctx;

    cloud_gone(&w->cloud, link_of(w, conn));
    w->serials[conn] = 0;
}

static void on_heard(void *ctx, int conn, uint64_t now)
{
    struct world_cloud *w = ctx;

    cloud_heard(&w->cloud, link_of(w, conn), now);
}

static bool may_subscribe(void *ctx, int conn, const char *filter, uint32_t held)
{
    struct world_cloud *w = ctx;

    return cloud_subscribe(&w->cloud, link_of(w, conn), filter, held);
}

static bool may_publish(void *ctx, int conn, const struct world_message *m, uint64_t now)
{
    struct world_cloud *w = ctx;

    if (m->retain && !cloud_may_retain(&w->cloud, link_of(w, conn), m->topic))
        return false;
    return cloud_may_publish(&w->cloud, link_of(w, conn), m->topic, m->payload.len, now);
}

static bool route(void *ctx, int conn, const struct world_message *m, uint64_t now)
{
    struct world_cloud *w = ctx;

    return cloud_publish(&w->cloud, link_of(w, conn), m->topic, m->payload.ptr, m->payload.len,
                         now) == CLOUD_PASS;
}

static bool may_deliver(void *ctx, int conn, const char *topic, uint64_t now)
{
    struct world_cloud *w = ctx;

    return cloud_may_deliver(&w->cloud, link_of(w, conn), topic, now);
}

/* ---- The tick --------------------------------------------------------------------------------- */

static void act(struct world_cloud *w, const struct cloud_output *o, uint64_t now)
{
    int conn = (int)(o->link & 0xffff);
    struct iot_bytes payload = {(const uint8_t *)o->payload, o->payload_len};

    if (o->kind == CLOUD_OUT_PUBLISH) {
        world_broker_publish(w->broker, o->topic, payload, o->qos, false, now);
        return;
    }
    if (o->link == 0 || link_of(w, conn) != o->link)
        return; /* it has ended meanwhile */
    if (o->kind == CLOUD_OUT_DIRECT)
        world_broker_direct(w->broker, conn, o->topic, payload, o->qos, now);
    else
        world_broker_drop(w->broker, conn, WORLD_END_FIN, "kicked by the platform", now);
}

uint64_t world_cloud_tick(void *ctx, uint64_t now)
{
    struct world_cloud *w = ctx;
    const struct cloud_output *o;

    if (now >= w->tick_ms) {
        cloud_tick(&w->cloud, now);
        w->tick_ms = now + TICK_MS;
    }
    while ((o = cloud_next(&w->cloud)) != NULL) {
        /* a copy: what we do may make the next one in its place */
        struct cloud_output output = *o;
        act(w, &output, now);
    }
    uint64_t due = cloud_due(&w->cloud); /* an answer that an option holds back */
    if (due < w->tick_ms)
        w->tick_ms = due > now ? due : now + 1;
    return w->tick_ms;
}

/* ---- Start ------------------------------------------------------------------------------------ */

void world_cloud_identity(uint32_t n, struct world_cloud_identity *out)
{
    snprintf(out->name, sizeof out->name, "d%03u", (unsigned)n);
    snprintf(out->secret, sizeof out->secret, "%08x%08x%08x%08x", (unsigned)(n * 2654435761u + 1),
             (unsigned)n, (unsigned)(n ^ 0x5a5a5a5au), 0x10c0ffeeu);
}

static size_t put_product(char *book, size_t at, const char *key)
{
    return at + (size_t)snprintf(book + at, BOOK_MAX - at,
                                 "product %s\ntopic %s user/both both\ntopic %s user/echo both\n"
                                 "topic %s user/up publish\ntopic %s user/down/small subscribe\n",
                                 key, key, key, key, key);
}

bool world_cloud_start(struct world_cloud *w, struct world_broker *b, uint32_t devices,
                       struct world_broker_policy *policy, char *why, size_t cap)
{
    struct cloud_config config = {.hmac = hmac,
                                  .log = log_line,
                                  .digest = digest,
                                  .random = draw,
                                  .ctx = w,
                                  .wall_ms = WORLD_CLOUD_WALL_MS,
                                  .sees_silence = true};
    struct world_cloud_identity id;

    memset(w, 0, sizeof *w);
    w->broker = b;
    char *book = malloc(BOOK_MAX);
    if (book == NULL)
        abort();
    size_t at = put_product(book, 0, WORLD_CLOUD_KEY);
    at = put_product(book, at, WORLD_CLOUD_OTHER);
    for (uint32_t i = 0; i < devices && at < BOOK_MAX; i++) {
        world_cloud_identity(i, &id);
        at += (size_t)snprintf(book + at, BOOK_MAX - at, "device %s %s secret=%s\n",
                               WORLD_CLOUD_KEY, id.name, id.secret);
    }
    bool ok = cloud_book_read(&w->cloud.book, "book", book, why, cap);
    free(book);
    cloud_init(&w->cloud, &config);
    *policy = (struct world_broker_policy){.ctx = w,
                                           .login = on_login,
                                           .gone = on_gone,
                                           .heard = on_heard,
                                           .may_subscribe = may_subscribe,
                                           .may_publish = may_publish,
                                           .route = route,
                                           .may_deliver = may_deliver};
    return ok;
}

void world_cloud_move(struct world_cloud *w, uint32_t n, const char *key)
{
    w->cloud.book.devices[n].product = (uint16_t)cloud_book_product(&w->cloud.book, key);
}

static void set_key(char *text, const char *key)
{
    char *at = strstr(text, KEY_WORD);

    if (at != NULL && strlen(at) > strlen(KEY_WORD) + strlen(key))
        memcpy(at + strlen(KEY_WORD), key, strlen(key));
}

bool world_cloud_model(struct world_cloud *w, const char *key, const char *file, char *why,
                       size_t cap)
{
    char *text = calloc(1, MODEL_MAX);
    FILE *f = fopen(file, "r");

    if (text == NULL)
        abort();
    if (f == NULL || fread(text, 1, MODEL_MAX - 1, f) == 0)
        snprintf(why, cap, "%s cannot be read: start at the top of the tree", file);
    set_key(text, key);
    bool ok = f != NULL &&
              cloud_set_model(&w->cloud, cloud_book_product(&w->cloud.book, key), text, why, cap);
    if (f != NULL)
        fclose(f);
    free(text);
    return ok;
}

void world_cloud_over(struct world_cloud *w)
{
    cloud_end(&w->cloud);
}
