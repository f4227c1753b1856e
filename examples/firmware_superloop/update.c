/* SPDX-License-Identifier: Apache-2.0 */
#include "update.h"

#include "firmware.h"
#include "iot/iot_static.h"
#include "mps2_an385/iot_port_mps2.h"
#include "nor/iot_nor_place.h"
#include "say.h"

#include <string.h>

/* ECDHE-ECDSA with a small certificate and the product's records; see README. Signatures are verified in it, too. */
#define ARENA_BYTES (9u * 1024u + IOT_TLS_RX_BYTES)

#define KEY_BYTES 65u   /* of iot_ota_options.public_key */
#define TRIAL_MS  1000u /* so long an offer waits for us to be confirmed */

static struct iot_http web;
static struct iot_ota ota;
static struct iot_upgrade platform;
static struct iot_nor_place place;
static uint64_t web_arena[ARENA_BYTES / 8];
static uint8_t key[KEY_BYTES];
static struct iot_device *device;
static void (*restart)(void);
static uint32_t tenths; /* of the image, that were said */

static struct iot_tls_options tls = {
    .kinds = IOT_TLS_ECDHE_ECDSA, .arena = web_arena, .arena_bytes = sizeof web_arena};
/* A server that drips would hold an update open for days. */
static const struct iot_http_options web_options = {.tls = &tls, .redirects = 2, .min_rate = 128};
static struct iot_ota_module self = {.name = "", .slot = &place.slot};
static struct iot_ota_options options = {
    .modules = &self,
    .module_count = 1,
    .http = &web,
    .port = &iot_port_mps2,
    .arena = web_arena,
    .arena_bytes = sizeof web_arena,
    .fit = true, /* servers send records of 16 KB, and ours have 4 */
    .policy = IOT_OTA_NEWER,
};

static void say_error(const char *what, iot_err err)
{
    say(what);
    say(iot_err_name(err));
    say("\n");
}

/* One that was tried here and did not work is not tried again, however often it is offered. */
static bool allow(void *ctx, const struct iot_ota_module *module, const struct iot_ota_job *job)
{
    const struct iot_nor_boot *boot = firmware_boot();
    uint8_t spare = iot_nor_boot_spare(boot);

    (void)ctx;
    (void)module;
    return boot->record.dropped == IOT_OK || spare == IOT_NOR_BOOT_NONE ||
           !boot->slot[spare].image.whole || job->digest_kind != IOT_OTA_SHA256 ||
           memcmp(job->digest, boot->slot[spare].image.digest, sizeof job->digest) != 0;
}

static void on_offer(const struct iot_ota_job *job)
{
    if (job->is_diff) { /* the difference to another one is no program */
        (void)iot_ota_refuse(&ota);
        return;
    }
    if (firmware_on_trial()) { /* until it is confirmed there is no slot to write to */
        (void)iot_ota_defer(&ota, TRIAL_MS);
        return;
    }
    say("update: ");
    say(job->version);
    say(", ");
    say_number(job->size);
    say(" bytes\n");
    tenths = UINT32_MAX;
    place.signature = (struct iot_bytes){job->signature, job->signature_bytes};
    (void)iot_ota_accept(&ota);
}

static void on_progress(const struct iot_ota_event *ev)
{
    uint32_t percent = (uint32_t)((uint64_t)ev->bytes * 100 / ev->job->size);

    if (percent / 10 == tenths)
        return;
    tenths = percent / 10;
    say("update: ");
    say_number(percent);
    say(" %\n");
}

static void say_arena(const char *whose, uint32_t high, uint32_t max)
{
    say(whose);
    say_number(high);
    say(" of ");
    say_number(max);
}

/* How much of TLS's memory was needed, so that it can be given no more than that. */
static void say_arenas(void)
{
    struct iot_pool_use mqtt;
    struct iot_tls_memory http;
    uint32_t i = 0;

    while (iot_device_pool(device, i, &mqtt) && strcmp(mqtt.name, "tls-arena") != 0)
        i++;
    iot_http_tls_memory(&web, &http);
    say_arena("update: arenas: MQTT ", mqtt.high, mqtt.max);
    say_arena(", HTTP ", http.high, http.max);
    say("\n");
}

static void on_ready(const struct iot_ota_event *ev)
{
    say_arenas();
    say("update: ");
    say(ev->job->version);
    say(" is here\n");
    restart();
}

static void on_event(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    (void)ctx;
    (void)o;
    switch (ev->what) {
    case IOT_OTA_OFFERED:
        on_offer(ev->job);
        break;
    case IOT_OTA_PROGRESS:
        on_progress(ev);
        break;
    case IOT_OTA_READY:
        on_ready(ev);
        break;
    case IOT_OTA_FAILED:
        say_error("update: failed ", ev->err);
        break;
    }
}

/* Something that is there and is no key fits no signature, as in the bootloader. */
static void read_key(void)
{
    uint32_t len = 0;

    if (iot_port_mps2.kv_get(iot_port_mps2.ctx, "fw-key", key, sizeof key, &len) != IOT_ERR_STATE)
        options.public_key = key;
}

void update_start(struct iot_device *dev, const struct iot_tls_options *trust, void (*ready)(void))
{
    if (firmware_boot() == NULL)
        return;
    device = dev;
    restart = ready;
    tls.ca = trust->ca;
    tls.ca_count = trust->ca_count;
    self.version = firmware_version();
    options.allow = allow;
    options.on_event = on_event;
    read_key();
    iot_nor_place_boot(&place, firmware_boot());
    iot_err err = iot_http_init(&web, dev, &web_options);
    if (err == IOT_OK)
        err = iot_ota_init(&ota, dev, &options);
    if (err == IOT_OK)
        err = iot_upgrade_init(&platform, dev, &ota, NULL);
    if (err != IOT_OK)
        say_error("update: none: ", err);
}
