/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest device with a shadow: it reports, reads the document, and does what is desired of it.
 *
 *     shadow CA PRODUCT_KEY DEVICE_NAME DEVICE_SECRET [HOST PORT [SECONDS]]
 *
 * Arguments as of platform_login.c. Somebody has to desire something, before or while it runs; with `build/cloud`:
 *
 *     build/cloud shadow a1B2c3D4e5F dev001 '{"desired":{"brightness":40}}'
 *
 * It ends when that is done, reported, and no longer desired: exit 0. Not within SECONDS (60): exit 1.
 */
#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "lwip/sys.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct iot_device device;
static uint64_t arena[40 * 1024 / 8]; /* for TLS; README says how much each kind wants */
static uint8_t ca_der[4096];
static struct iot_shadow shadow;
static iot_ticket reported, asked, cleared;
static int32_t brightness = 80;
enum { REPORTED = 1, READ = 2, CLEARED = 4, ALL = 7 };
static int done;

static void report(void)
{
    const struct iot_shadow_value values[] = {{.name = "name", .text = "a lamp"},
                                              {.name = "brightness", .number = brightness}};

    iot_shadow_report(&device, values, sizeof values / sizeof values[0], IOT_SHADOW_RESET,
                      &reported);
    iot_shadow_get(&device, &asked);
}

/* The document, or what has changed in it. */
static void apply(struct iot_json data)
{
    struct iot_shadow_state state;
    struct iot_json value;
    char now[40];

    if (iot_shadow_read(data, &state) != IOT_OK)
        return;
    printf("the shadow: %.*s\n", (int)data.len, (const char *)data.ptr);
    if (iot_json_get(state.desired, "brightness", &value) != IOT_OK ||
        iot_json_i32(value, &brightness) != IOT_OK)
        return;
    printf("brightness is %ld now\n", (long)brightness);
    snprintf(now, sizeof now, "{\"brightness\":%ld}", (long)brightness);
    const struct iot_bytes text = {(const uint8_t *)now, (uint32_t)strlen(now)};
    iot_shadow_clear_desired(&device, text, IOT_SHADOW_NEXT, &cleared);
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    if (ev->kind == IOT_EV_LOST)
        printf("lost: %s\n", iot_err_text(ev->err));
    if (ev->kind == IOT_EV_CONNECTED)
        report();
    if (ev->kind == IOT_EV_NOTICE && ev->notice->kind == IOT_NOTICE_SHADOW)
        apply(ev->notice->data);
    if (ev->kind == IOT_EV_REPLY && ev->err != IOT_OK)
        printf("the platform answered %ld\n", (long)ev->detail); /* 409: read it, and try again */
    if (ev->kind == IOT_EV_REPLY && ev->err == IOT_OK) {
        done |= ev->ticket == reported ? REPORTED : 0;
        done |= ev->ticket == asked ? READ : 0;
        done |= ev->ticket == cleared ? CLEARED : 0;
        if (ev->ticket == asked)
            apply(ev->reply->data);
    }
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
    uint32_t end_ms = (uint32_t)(argc > 7 ? atoi(argv[7]) : 60) * 1000, start = sys_now();

    if (!host_init(NULL) || iot_device_init(&device, &options) != IOT_OK)
        return 1;
    iot_device_connect(&device);
    if (iot_shadow_attach(&device, &shadow, NULL) != IOT_OK)
        return 1;
    while (sys_now() - start < end_ms && (done != ALL || !iot_device_idle(&device))) {
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return done == ALL ? 0 : 1;
}
