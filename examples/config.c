/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest device with a remote configuration: it asks for the product's, takes what is pushed, and fetches the file into
 * memory of its own.
 *
 *     config CA PRODUCT_KEY DEVICE_NAME DEVICE_SECRET [HOST PORT [SECONDS]]
 *
 * Arguments as of platform_login.c. Somebody has to write one, and to push it while this runs; with `build/cloud`:
 *
 *     build/cloud config a1B2c3D4e5F '{"interval":30}'
 *     build/cloud config push a1B2c3D4e5F dev001
 *
 * What comes says where the file is, how long it is, and its digest. It is fetched as firmware is: whole and with that digest, or
 * not at all. It ends when both have come: exit 0. Not within SECONDS (60): exit 1.
 */
#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "iot/iot_upgrade.h"
#include "lwip/sys.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct iot_device device;
static uint64_t arena[40 * 1024 / 8]; /* for TLS; README says how much each kind wants */
static uint64_t web_arena[40 * 1024 / 8];
static uint8_t ca_der[4096];
static iot_ticket asked;
enum { ASKED = 1, PUSHED = 2, ALL = 3 };
static int done, fetching; /* of these */
static struct iot_ota_job job;
static bool wanted; /* `job`, as soon as it can be had */

/* ---- Where the file goes: memory ---- */

static char text[2048];
static uint32_t text_bytes, taken;

/* Nothing outlives a reboot here. */
static iot_err ram_open(void *ctx, struct iot_slot_info *info)
{
    (void)ctx;
    memset(info, 0, sizeof *info);
    info->room = sizeof text;
    return IOT_OK;
}

static iot_err ram_begin(void *ctx, uint32_t bytes, const char *version)
{
    (void)ctx;
    (void)version;
    if (bytes > sizeof text)
        return IOT_ERR_SIZE;
    text_bytes = bytes;
    taken = 0;
    return IOT_OK;
}

static iot_err ram_write(void *ctx, const void *bytes, uint32_t n, uint32_t *used)
{
    (void)ctx;
    *used = n <= text_bytes - taken ? n : 0;
    memcpy(text + taken, bytes, *used);
    taken += *used;
    return *used == n ? IOT_OK : IOT_ERR_SIZE;
}

static iot_err ram_read(void *ctx, uint32_t at, void *into, uint32_t n)
{
    (void)ctx;
    if (at > taken || n > taken - at)
        return IOT_ERR_ARG;
    memcpy(into, text + at, n);
    return IOT_OK;
}

static iot_err ram_done(void *ctx, const uint8_t sha256[32])
{
    (void)ctx;
    (void)sha256;
    return IOT_OK;
}

static const struct iot_slot_ops ram_ops = {ram_open, ram_begin, ram_write,
                                            ram_read, ram_done,  NULL};
static const struct iot_slot ram = {&ram_ops, NULL};

/* ---- Who fetches it ---- */

static struct iot_http web;
static struct iot_ota files;
static const struct iot_ota_module modules[] = {{"config", NULL, &ram}};

static void on_file(void *ctx, struct iot_ota *ota, const struct iot_ota_event *ev)
{
    (void)ctx;
    (void)ota;
    if (ev->what == IOT_OTA_READY) {
        printf("configuration %s: %.*s\n", ev->job->version, (int)text_bytes, text);
        done |= wanted ? 0 : fetching;
    } else if (ev->what == IOT_OTA_FAILED) {
        printf("not fetched: %s\n", iot_err_text(ev->err));
    }
}

static void fetch(const char *how, int which, struct iot_json data)
{
    struct iot_config_info info;

    iot_err err = iot_config_read(data, &info);
    if (err == IOT_OK)
        err = iot_ota_job_of_config(&info, "config", &job);
    if (err != IOT_OK) {
        printf("%s: %s\n", how, iot_err_text(err));
        return;
    }
    printf("%s: %lu bytes at %s\n%s %.*s\n", how, (unsigned long)info.size, job.url,
           info.sign_method == IOT_CONFIG_SIGN_SHA256 ? "SHA-256" : "MD5", (int)info.sign.len,
           (const char *)info.sign.ptr);
    fetching |= which;
    wanted = true;
}

/* Another one that is under way makes room for it: AGAIN until it has. */
static void start_wanted(void)
{
    if (wanted)
        wanted = iot_ota_start(&files, &job) == IOT_ERR_AGAIN;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    if (ev->kind == IOT_EV_LOST)
        printf("lost: %s\n", iot_err_text(ev->err));
    if (ev->kind == IOT_EV_CONNECTED)
        iot_config_ask(dev, &asked);
    if (ev->kind == IOT_EV_REPLY && ev->ticket == asked) {
        if (ev->err != IOT_OK) /* 6710: there is none yet */
            printf("asked: the platform answered %ld\n", (long)ev->detail);
        else
            fetch("asked", ASKED, ev->reply->data);
    }
    if (ev->kind == IOT_EV_NOTICE && ev->notice->kind == IOT_NOTICE_CONFIG)
        fetch("pushed", PUSHED, ev->notice->data);
    if (ev->kind == IOT_EV_FAILED)
        printf("no answer: %s\n", iot_err_text(ev->err));
}

static uint32_t read_ca(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(ca_der, 1, sizeof ca_der, f) : 0;
    if (f != NULL)
        fclose(f);
    return (uint32_t)n;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    const struct iot_bytes ca = {ca_der, read_ca(argv[1])};
    const struct iot_link_identity identity = {.product_key = argv[2],
                                               .device_name = argv[3],
                                               .device_secret = argv[4],
                                               .system_topics = true};
    const struct iot_tls_options tls = {
        .ca = &ca,
        .ca_count = 1,
        .server_name = argc > 5 ? argv[5] : NULL,
        .session_key = "tls-session",
        .arena = arena,
        .arena_bytes = sizeof arena,
    };
    const struct iot_options options = {
        .host = argc > 5 ? host_reachable(argv[5]) : NULL,
        .port = (uint16_t)(argc > 6 ? atoi(argv[6]) : 0),
        .tls = &tls,
        .link = &identity,
        .keepalive_s = 60,
        .on_event = on_event,
        .port_ops = &iot_port_unix,
    };
    struct iot_tls_options web_tls = tls; /* its server is the one that a URL names */
    web_tls.server_name = NULL;
    web_tls.session_key = NULL;
    web_tls.arena = web_arena;
    const struct iot_http_options http = {.tls = &web_tls};
    const struct iot_ota_options ota = {.modules = modules,
                                        .module_count = 1,
                                        .http = &web,
                                        .port = &iot_port_unix,
                                        .fit = true,
                                        .on_event = on_file};
    uint32_t end_ms = (uint32_t)(argc > 7 ? atoi(argv[7]) : 60) * 1000, start = sys_now();

    if (!host_init(NULL) || iot_device_init(&device, &options) != IOT_OK ||
        iot_http_init(&web, &device, &http) != IOT_OK ||
        iot_ota_init(&files, &device, &ota) != IOT_OK)
        return 1;
    if (argc > 5) /* the emulated platform gives its files away under this name */
        host_name_add("ota.example.com", argv[5]);
    iot_device_connect(&device);
    while (sys_now() - start < end_ms && (done != ALL || !iot_device_idle(&device))) {
        start_wanted();
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return done == ALL ? 0 : 1;
}
