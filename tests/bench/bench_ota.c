/* SPDX-License-Identifier: Apache-2.0 */
/* An update, from iot_ota_start until the slot has the last byte, on a device that does nothing else. The stream is a stub
 * that computes what TLS would: each record of a response is decrypted, then its bytes are given. Beside it the floor, which
 * nobody can go below: the records decrypted, their bytes digested and copied into the slot, no more. And the second pass,
 * over what the slot gives back, until it is done.
 *
 * The image is one block again and again, so that slot and server hold it in the RAM of a board. */
#include "bench.h"
#include "mark.h"

#include "crypto/iot_crypto_arena.h"
#include "crypto/iot_crypto_digest.h"
#include "iot/iot_static.h"

#include <string.h>

#if IOT_FEATURE_OTA

#include <mbedtls/gcm.h>

#define RECORD      4096u
#define RECORDS     7u
#define IMAGE_BYTES (RECORD * RECORDS)
#define RANGE_BYTES 3584u /* with its head it fits a record; a whole number of them is the image */
#define TICKS_MAX   1000u

/* ---- TLS's part -------------------------------------------------------------------------- */

static uint8_t block[RECORD], record[RECORD];
static uint64_t memory[128]; /* a key of mbedTLS's, which it allocates */
static struct iot_arena arena;
static mbedtls_gcm_context gcm;

static void begin_cipher(void)
{
    static const uint8_t key[16] = {1, 2, 3};

    if (!iot_arena_init(&arena, memory, sizeof memory))
        mark_fail("no arena");
    struct iot_arena *before = iot_arena_enter(&arena);
    mbedtls_gcm_init(&gcm);
    if (mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, 128) != 0)
        mark_fail("no key");
    iot_arena_enter(before);
}

/* As mbedtls_gcm_auth_decrypt, but that the tag is made and not compared: nothing was encrypted. Nonce and additional data
 * are as long as those of TLS 1.2. */
static void decrypt(uint32_t bytes)
{
    static const uint8_t nonce[12] = {4}, more[13] = {5};
    uint8_t tag[16];

    if (mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_DECRYPT, bytes, nonce, sizeof nonce, more,
                                  sizeof more, block, record, sizeof tag, tag) != 0)
        mark_fail("a record was not decrypted");
}

/* ---- The slot ---------------------------------------------------------------------------- */

static struct {
    uint8_t page[RECORD]; /* of all, one behind the other */
    uint32_t taken, given;
    bool done;
} slot;

static iot_err slot_open(void *ctx, struct iot_slot_info *info)
{
    (void)ctx;
    memset(info, 0, sizeof *info);
    info->room = IMAGE_BYTES;
    return IOT_OK;
}

static iot_err slot_begin(void *ctx, uint32_t bytes, const char *version)
{
    (void)ctx, (void)version;
    slot.taken = slot.given = 0;
    slot.done = false;
    return bytes == IMAGE_BYTES ? IOT_OK : IOT_ERR_SIZE;
}

/* As a slot that takes what is left of a page. */
static void copy_in(const uint8_t *bytes, uint32_t n)
{
    while (n != 0) {
        uint32_t at = slot.taken % RECORD, room = RECORD - at, part = n < room ? n : room;
        memcpy(slot.page + at, bytes, part);
        slot.taken += part;
        bytes += part;
        n -= part;
    }
}

static iot_err slot_write(void *ctx, const void *bytes, uint32_t n, uint32_t *used)
{
    (void)ctx;
    copy_in(bytes, n);
    *used = n;
    return IOT_OK;
}

/* Pieces lie in one page: those of the image are a power of two, and not larger. */
static iot_err slot_read(void *ctx, uint32_t at, void *into, uint32_t n)
{
    (void)ctx;
    if (at % RECORD + n > RECORD)
        mark_fail("a piece of two pages");
    memcpy(into, slot.page + at % RECORD, n);
    slot.given += n;
    return IOT_OK;
}

static iot_err slot_done(void *ctx, const uint8_t sha256[32])
{
    (void)ctx, (void)sha256;
    slot.done = true;
    return IOT_OK;
}

static const struct iot_slot_ops slot_ops = {.open = slot_open,
                                             .begin = slot_begin,
                                             .write = slot_write,
                                             .read = slot_read,
                                             .done = slot_done};
static const struct iot_slot place = {.ops = &slot_ops};

/* ---- The server -------------------------------------------------------------------------- */

/* All the heads are made before anything is measured. */
#define RESPONSES (IMAGE_BYTES / RANGE_BYTES)

static struct {
    struct iot_stream base;
    char heads[RESPONSES][320];
    uint32_t response;          /* the next one; the one that is given is before it */
    uint32_t head_at, head_len; /* of it */
    uint32_t body_at, body_end; /* in the image */
    uint32_t in_record;         /* bytes that are decrypted and not yet given */
    uint32_t range;             /* of a response: RANGE_BYTES, or IMAGE_BYTES */
    bool up;
} server;

static char *put(char *to, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    memcpy(to, text, n + 1);
    return to + n;
}

static char *put_number(char *to, uint32_t number)
{
    char digits[11], *at = digits + sizeof digits - 1;

    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    return put(to, at);
}

static void make_heads(uint32_t range)
{
    server.range = range;
    for (uint32_t at = 0; at < IMAGE_BYTES; at += range) {
        char *to = server.heads[at / range];
        to = put(to, range == IMAGE_BYTES ? "HTTP/1.1 200 OK" : "HTTP/1.1 206 Partial Content");
        to = put(to, "\r\nServer: nginx/1.22.1\r\n"
                     "Date: Tue, 12 Mar 2024 09:15:31 GMT\r\n"
                     "Content-Type: application/octet-stream\r\n"
                     "Last-Modified: Mon, 11 Mar 2024 17:02:44 GMT\r\n"
                     "Connection: keep-alive\r\n"
                     "ETag: \"65ef38b4-7000\"\r\n"
                     "Content-Length: ");
        to = put_number(to, range);
        if (range != IMAGE_BYTES) {
            to = put_number(put(to, "\r\nContent-Range: bytes "), at);
            to = put_number(put(to, "-"), at + range - 1);
            to = put_number(put(to, "/"), IMAGE_BYTES);
        }
        put(to, "\r\n\r\n");
    }
}

static iot_err stub_open(struct iot_stream *s, const struct iot_endpoint *to, iot_time now)
{
    (void)to, (void)now;
    server.up = true;
    iot_stream_wake(s);
    return IOT_OK;
}

static iot_err stub_poll(struct iot_stream *s, iot_time now)
{
    (void)s, (void)now;
    return server.up ? IOT_OK : IOT_ERR_CLOSED;
}

static uint32_t give(uint8_t *into, uint32_t room, const void *from, uint32_t n)
{
    n = n < room ? n : room;
    memcpy(into, from, n);
    server.in_record -= n;
    return n;
}

static iot_err stub_read(struct iot_stream *s, uint8_t *into, uint32_t cap, uint32_t *got)
{
    uint32_t left = server.head_len - server.head_at + server.body_end - server.body_at;

    (void)s;
    if (left == 0)
        return IOT_ERR_AGAIN;
    if (server.in_record == 0) {
        server.in_record = left < RECORD ? left : RECORD;
        decrypt(server.in_record);
    }
    cap = cap < server.in_record ? cap : server.in_record;
    uint32_t n = give(into, cap, server.heads[server.response - 1] + server.head_at,
                      server.head_len - server.head_at);
    server.head_at += n;
    while (n < cap) {
        uint32_t at = server.body_at % RECORD;
        uint32_t part = give(into + n, cap - n, block + at, RECORD - at);
        server.body_at += part;
        n += part;
    }
    *got = n;
    return IOT_OK;
}

/* A request comes in one piece, and is for what follows. */
static iot_err stub_write(struct iot_stream *s, struct iot_bytes bytes,
                          enum iot_stream_write_flag how, iot_time now, uint32_t *taken)
{
    (void)how, (void)now;
    if (server.response == RESPONSES || bytes.len < 4 ||
        memcmp(bytes.ptr + bytes.len - 4, "\r\n\r\n", 4) != 0)
        mark_fail("that is no request");
    server.head_at = 0;
    server.head_len = (uint32_t)strlen(server.heads[server.response]);
    server.body_at = server.response++ * server.range;
    server.body_end = server.body_at + server.range;
    *taken = bytes.len;
    iot_stream_wake(s);
    return IOT_OK;
}

static void stub_flush(struct iot_stream *s)
{
    (void)s;
}

static uint32_t stub_released(const struct iot_stream *s)
{
    (void)s;
    return 0;
}

static void stub_close(struct iot_stream *s, iot_time deadline)
{
    (void)deadline;
    server.up = false;
    iot_stream_wake(s);
}

static void stub_abort(struct iot_stream *s)
{
    (void)s;
    server.up = false;
}

static iot_time stub_deadline(const struct iot_stream *s)
{
    (void)s;
    return IOT_TIME_NEVER;
}

static bool stub_idle(const struct iot_stream *s)
{
    (void)s;
    return !server.up;
}

static int32_t stub_detail(const struct iot_stream *s)
{
    (void)s;
    return 0;
}

static const struct iot_stream_ops stub_ops = {.open = stub_open,
                                               .poll = stub_poll,
                                               .read = stub_read,
                                               .write = stub_write,
                                               .flush = stub_flush,
                                               .released = stub_released,
                                               .close = stub_close,
                                               .abort = stub_abort,
                                               .deadline = stub_deadline,
                                               .idle = stub_idle,
                                               .detail = stub_detail};

/* ---- The device -------------------------------------------------------------------------- */

static iot_err no_chance(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 7, n);
    return IOT_OK;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx, (void)dev, (void)ev;
}

static enum iot_ota_what told;

static void on_update(void *ctx, struct iot_ota *ota, const struct iot_ota_event *event)
{
    (void)ctx, (void)ota;
    told = event->what;
}

static const struct iot_port port = {.random = no_chance};
static const struct iot_options device_options = {.host = "broker",
                                                  .client_id = "bench",
                                                  .on_event = on_event,
                                                  .port_ops = &port,
                                                  .stream = &server.base};
static const struct iot_http_options http_options = {.stream = &server.base};
static const struct iot_ota_module modules[] = {{"", "1.0", &place}};
static struct iot_ota_options ota_options = {
    .modules = modules, .module_count = 1, .port = &port, .on_event = on_update};
static struct iot_device device;
static struct iot_http http;
static struct iot_ota ota;
static struct iot_ota_job job = {
    .size = IMAGE_BYTES, .version = "2.0", .url = "http://192.168.1.2/firmware/lamp-2.0.bin"};
static uint32_t now_ms;

static void begin(uint32_t range)
{
    memset(&server, 0, sizeof server);
    memset(&device, 0, sizeof device);
    memset(&http, 0, sizeof http);
    server.base.ops = &stub_ops;
    make_heads(range);
    ota_options.http = &http;
    ota_options.chunk = range;
    if (iot_device_init(&device, &device_options) != IOT_OK ||
        iot_http_init(&http, &device, &http_options) != IOT_OK ||
        iot_ota_init(&ota, &device, &ota_options) != IOT_OK)
        mark_fail("the update cannot be started");
    slot.taken = slot.given = 0;
    slot.done = false;
}

static void fetch(void)
{
    if (iot_ota_start(&ota, &job) != IOT_OK)
        mark_fail("the update is refused");
    for (uint32_t i = 0; i < TICKS_MAX && slot.taken < IMAGE_BYTES; i++)
        iot_poll(&device, ++now_ms);
}

static void check_again(void)
{
    for (uint32_t i = 0; i < TICKS_MAX && !slot.done; i++)
        iot_poll(&device, now_ms += 10);
}

static void measure(uint32_t range)
{
    begin(range);
    mark_begin();
    fetch();
    mark_end();
    mark_name("ota/fetch/%u/%u", (unsigned)range, (unsigned)(IMAGE_BYTES / 1024));
    if (slot.taken != IMAGE_BYTES || slot.given != 0 || server.response != IMAGE_BYTES / range ||
        server.body_at != server.body_end)
        mark_fail("the image was not fetched");
    mark_begin();
    check_again();
    mark_end();
    mark_name("ota/check/%u/%u", (unsigned)range, (unsigned)(IMAGE_BYTES / 1024));
    if (slot.given != IMAGE_BYTES || !slot.done)
        mark_fail("the image was not read back");
    for (uint32_t i = 0; i < TICKS_MAX && iot_ota_job(&ota) != NULL; i++)
        iot_poll(&device, now_ms += 10);
    if (told != IOT_OTA_READY)
        mark_fail("the image is not ready");
}

static void measure_floor(struct iot_digest *d)
{
    slot.taken = 0;
    iot_digest_begin(d, IOT_DIGEST_SHA256);
    mark_begin();
    for (uint32_t i = 0; i < RECORDS; i++) {
        decrypt(RECORD);
        iot_digest_put(d, (struct iot_bytes){block, RECORD});
        copy_in(block, RECORD);
    }
    mark_end();
    mark_name("ota/floor/%u", (unsigned)(IMAGE_BYTES / 1024));
    iot_digest_end(d, job.digest);
}

void bench_ota(void)
{
    struct iot_digest d;

    for (uint32_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)(i * 7 + i / 251);
    begin_cipher();
    measure_floor(&d);
    measure(IMAGE_BYTES);
    measure(RANGE_BYTES);
}

#endif
