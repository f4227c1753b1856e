/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_ota.h"

#include "host/host_text.h"
#include "nor/iot_nor_place.h"
#include "ota/iot_ota_journal.h"
#include "probe_boot.h"
#include "probe_mqtt.h"
#include "probe_web.h"

#include <string.h>

#define ATTEMPTS  4u
#define WAIT_MS   10000u
#define RATE_MS   5000u
#define ASKS_MAX  1000000u
#define KEY_BYTES 65u

/* refused: what is wrong with the job; OK: nothing. said: its status. */
static struct {
    struct iot_ota ota;
    struct iot_ota_options options;
    struct iot_ota_module module;
    struct iot_ota_job job;
    struct iot_nor_place place;
    struct iot_http_request request; /* for the size */
    iot_err refused;
    uint16_t status;
    bool resume, sized, has_digest, started, said, checking, over, good;
    uint8_t key[KEY_BYTES];
} up;

static uint64_t arena[512]; /* where a signature is verified */

/* ---- What is told -------------------------------------------------------------------------- */

static void say_status(uint16_t status)
{
    if (!up.said && status != 0)
        probe_event("status %u", (unsigned)status);
    up.said |= status != 0;
}

static void say(uint32_t bytes, const char *state)
{
    probe_event("ota %lu %lu %s", (unsigned long)bytes, (unsigned long)up.job.size, state);
}

static void end_ota(iot_err err, int32_t detail)
{
    iot_err why = err == IOT_ERR_OTA_FAILED ? (iot_err)detail : err;
    bool status = why == IOT_ERR_OTA_EXPIRED || why == IOT_ERR_HTTP_STATUS;

    if (err != IOT_OK) {
        say_status(up.status);
        probe_event("err %s %ld ota: %s%s%s", iot_err_name(err), (long)detail, iot_err_text(err),
                    why != err ? "; last: " : "", why != err ? iot_err_name(why) : "");
    }
    probe_event("end %s", status ? "STATUS" : iot_err_name(why));
    up.good = err == IOT_OK;
    up.over = true;
}

static enum probe_step refuse(iot_err err)
{
    end_ota(err, 0);
    return PROBE_FAILED;
}

/* What no event tells: each tick is looked at. */
static void watch(void)
{
    const struct iot_ota_fetch *f = &up.ota.fetch;

    if (f->status != 0)
        up.status = f->status;
    if (up.status >= 200 && up.status <= 299)
        say_status(up.status);
    if (!up.checking && f->state == IOT_FETCH_CHECKING) {
        up.checking = true;
        say(up.job.size, "checking");
    } else if (f->state < IOT_FETCH_HANG_UP) {
        up.checking = false; /* it may have to be fetched once more */
    }
}

static void on_event(void *ctx, struct iot_ota *ota, const struct iot_ota_event *event)
{
    (void)ctx;
    (void)ota;
    watch();
    switch (event->what) {
    case IOT_OTA_OFFERED:
        break;
    case IOT_OTA_PROGRESS:
        say(event->bytes, "fetching");
        break;
    case IOT_OTA_READY:
        say(event->bytes, "ready");
        end_ota(IOT_OK, 0);
        break;
    case IOT_OTA_FAILED:
        say(event->bytes, "failed");
        end_ota(event->err, event->detail);
        break;
    }
}

/* ---- Words --------------------------------------------------------------------------------- */

/* The first thing that is wrong counts. */
static enum probe_step reject(iot_err err)
{
    if (up.refused == IOT_OK)
        up.refused = err;
    return PROBE_DONE;
}

static enum probe_step read_size(const char *value)
{
    up.sized = true;
    if (value[0] == 0 || strspn(value, "0123456789") != strlen(value))
        return reject(IOT_ERR_OTA_JOB);
    return host_text_number(value, 1, UINT32_MAX, &up.job.size) ? PROBE_DONE
                                                                : reject(IOT_ERR_OTA_SIZE);
}

static enum probe_step read_digest(const char *value, enum iot_ota_digest kind)
{
    uint8_t digest[sizeof up.job.digest];
    uint32_t n;

    if (!host_text_hex(value, digest, sizeof digest, &n) || n != (kind == IOT_OTA_MD5 ? 16 : 32))
        return reject(IOT_ERR_OTA_DIGEST);
    if (up.has_digest && kind == IOT_OTA_MD5)
        return PROBE_DONE;
    up.has_digest = true;
    up.job.digest_kind = kind;
    memcpy(up.job.digest, digest, n);
    return PROBE_DONE;
}

static enum probe_step read_signature(const char *value)
{
    uint32_t n;

    if (!host_text_hex(value, up.job.signature, sizeof up.job.signature, &n) || n == 0)
        return reject(IOT_ERR_OTA_SIGNATURE);
    up.job.signature_bytes = (uint8_t)n;
    return PROBE_DONE;
}

static enum probe_step read_key(const char *value)
{
    uint32_t n;

    if (!host_text_hex(value, up.key, sizeof up.key, &n) || n != sizeof up.key)
        return probe_usage("ota: public is %u bytes in hexadecimal", KEY_BYTES);
    up.options.public_key = up.key;
    return PROBE_DONE;
}

static enum probe_step read_version(const char *value)
{
    size_t n = strlen(value);

    if (n == 0 || n >= sizeof up.job.version)
        return reject(IOT_ERR_OTA_VERSION);
    memcpy(up.job.version, value, n + 1);
    return PROBE_DONE;
}

static enum probe_step read_policy(const char *value)
{
    static const char *const names[] = {
        [IOT_OTA_ANY] = "any", [IOT_OTA_NEWER] = "newer", [IOT_OTA_DIFFERENT] = "different"};

    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], value) == 0) {
            up.options.policy = (enum iot_ota_policy)i;
            return PROBE_DONE;
        }
    return probe_usage("ota: policy=%s, there are any, newer, different", value);
}

static enum probe_step read_number(const char *name, const char *value, uint32_t *number)
{
    return host_text_number(value, 1, INT32_MAX, number)
               ? PROBE_DONE
               : probe_usage("ota: %s=%s is no number from 1 on", name, value);
}

static enum probe_step read_word(char *word, size_t len)
{
    const char *value = word + len + 1;

#define IS(name) (len == sizeof(name) - 1 && memcmp(word, name, len) == 0)
    if (IS("version"))
        return read_version(value);
    if (IS("size"))
        return read_size(value);
    if (IS("sha256"))
        return read_digest(value, IOT_OTA_SHA256);
    if (IS("md5"))
        return read_digest(value, IOT_OTA_MD5);
    if (IS("sign"))
        return read_signature(value);
    if (IS("public"))
        return read_key(value);
    if (IS("policy"))
        return read_policy(value);
    if (IS("chunk"))
        return read_number("chunk", value, &up.options.chunk);
    if (IS("idle-ms"))
        return read_number("idle-ms", value, &probe_web.options.idle_ms);
    if (IS("min-rate"))
        return read_number("min-rate", value, &probe_web.options.min_rate);
#undef IS
    return probe_web_word(word, len);
}

static enum probe_step read_words(char **words, uint32_t count)
{
    if (strlen(words[1]) < sizeof up.job.url)
        strcpy(up.job.url, words[1]);
    else
        reject(IOT_ERR_HTTP_URL);
    for (uint32_t i = 2; i < count; i++) {
        size_t len = strcspn(words[i], "=");
        if (strcmp(words[i], "resume") == 0) {
            up.resume = true;
            continue;
        }
        if (words[i][len] == 0)
            return probe_usage("ota: %s is not name=value", words[i]);
        enum probe_step step = read_word(words[i], len);
        if (step == PROBE_AGAIN)
            return probe_usage("ota: unknown option %.*s", (int)len, words[i]);
        if (step != PROBE_DONE)
            return step;
    }
    if (!up.has_digest)
        reject(IOT_ERR_OTA_METHOD);
    return probe_web_ready(words[1]);
}

/* ---- How large is it? ---------------------------------------------------------------------- */

static iot_err on_size(void *ctx, const struct iot_http_head *head)
{
    (void)ctx;
    up.status = head->status;
    up.sized = head->status >= 200 && head->status <= 299 && head->has_total;
    if (up.sized)
        up.job.size = head->total;
    return up.request.method == IOT_HTTP_HEAD ? IOT_OK : IOT_ERR_CLOSED; /* no more of it */
}

static void on_no_body(void *ctx, iot_err err, int32_t detail)
{
    bool again = up.request.method == IOT_HTTP_HEAD && err == IOT_OK && up.status != 403 &&
                 up.status != 404 && up.status != 410;

    (void)ctx;
    if (up.sized)
        return;
    if (again) {
        up.request.method = IOT_HTTP_GET;
        up.request.has_range = true; /* bytes 0 to 0 */
        up.status = 0;
        err = iot_http_start(&probe_web.http, &up.request);
        if (err != IOT_OK)
            end_ota(err, 0);
    } else if (up.status < 200 || up.status > 299)
        end_ota(up.status != 0 ? IOT_ERR_HTTP_STATUS : err, up.status != 0 ? up.status : detail);
    else
        end_ota(err == IOT_OK || err == IOT_ERR_CLOSED ? IOT_ERR_OTA_SIZE : err, detail);
}

static iot_err ask_size(void)
{
    static const struct iot_http_handlers handlers = {on_size, NULL, on_no_body};

    up.request.method = IOT_HTTP_HEAD;
    up.request.url = up.job.url;
    up.request.on = &handlers;
    return iot_http_start(&probe_web.http, &up.request);
}

/* ---- ota ----------------------------------------------------------------------------------- */

/* The place in the flash, and what runs now. */
static iot_err open_place(void)
{
    struct iot_nor_boot *boot;
    iot_err err = probe_boot_open(&boot);

    if (err != IOT_OK)
        return err;
    iot_nor_place_boot(&up.place, boot);
    up.place.signature = (struct iot_bytes){up.job.signature, up.job.signature_bytes};
    up.module.name = "";
    up.module.version = boot->slot[iot_nor_boot_running(boot)].image.version;
    up.module.slot = &up.place.slot;
    return IOT_OK;
}

static iot_err forget(void)
{
    iot_err err = IOT_ERR_AGAIN;

    for (uint32_t i = 0; i < ASKS_MAX && err == IOT_ERR_AGAIN; i++)
        err = iot_ota_journal_forget(&probe_web.tls.port, &up.job);
    return err;
}

static iot_err make(void)
{
    struct iot_http_options *o = &probe_web.options;

    o->connect_ms = o->header_ms = WAIT_MS;
    o->idle_ms = o->idle_ms != 0 ? o->idle_ms : WAIT_MS;
    o->rate_ms = RATE_MS;
    up.options.modules = &up.module;
    up.options.module_count = 1;
    up.options.http = &probe_web.http;
    up.options.port = &probe_web.tls.port;
    up.options.arena = arena;
    up.options.arena_bytes = sizeof arena;
    up.options.attempts = ATTEMPTS;
    up.options.on_event = on_event;
    iot_err err = probe_web_make();
    return err == IOT_OK ? iot_ota_init(&up.ota, &probe_web.device, &up.options) : err;
}

/* The engine reads its journal in the next tick: a job that is refused now writes nothing. */
static iot_err start(void)
{
    iot_err err = iot_ota_start(&up.ota, &up.job);

    up.started = true;
    up.status = 0;
    return err != IOT_OK || up.resume ? err : forget();
}

static enum probe_step begin(char **words, uint32_t count)
{
    char *own[PROBE_WORDS_MAX];

    if (count < 2 || count > PROBE_WORDS_MAX)
        return probe_usage("ota URL [resume] [version= size= sha256= md5= sign= public= chunk= "
                           "policy= idle-ms= min-rate=] [TLS words]");
    memset(&up, 0, sizeof up);
    iot_err err = probe_web_begin(words, count, own);
    if (err != IOT_OK)
        return refuse(err);
    if (read_words(own, count) != PROBE_DONE)
        return PROBE_FAILED;
    err = up.refused;
    if (err == IOT_OK)
        err = open_place();
    if (err == IOT_OK)
        err = make();
    if (err == IOT_OK)
        err = up.sized ? start() : ask_size();
    return err == IOT_OK ? PROBE_AGAIN : refuse(err);
}

enum probe_step probe_ota(char **words, uint32_t count, uint32_t waited_ms)
{
    if (waited_ms == 0)
        return begin(words, count);
    if (!up.over && up.sized && !up.started) {
        iot_err err = start();
        if (err != IOT_OK)
            end_ota(err, 0);
    }
    if (!up.over) {
        if (up.started)
            watch();
        return PROBE_AGAIN;
    }
    probe_web_close();
    if (!probe_web_closed())
        return PROBE_AGAIN;
    return up.good ? PROBE_DONE : PROBE_FAILED;
}
