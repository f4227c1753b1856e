/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest device with a remote configuration: it asks for the product's, and takes what is pushed.
 *
 *     config CA PRODUCT_KEY DEVICE_NAME DEVICE_SECRET [HOST PORT [SECONDS]]
 *
 * Arguments as of platform_login.c. Somebody has to write one, and to push it while this runs; with `build/cloud`:
 *
 *     build/cloud config a1B2c3D4e5F '{"interval":30}'
 *     build/cloud config push a1B2c3D4e5F dev001
 *
 * What comes says where the file is, how long it is, and its digest; to fetch it is the application's. It ends when both have
 * come: exit 0. Not within SECONDS (60): exit 1.
 */
#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "lwip/sys.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>

static struct iot_device device;
static uint64_t arena[40 * 1024 / 8]; /* for TLS; README says how much each kind wants */
static uint8_t ca_der[4096];
static iot_ticket asked;
enum { ASKED = 1, PUSHED = 2, ALL = 3 };
static int done;

static bool show(const char *how, struct iot_json data)
{
    struct iot_config_info info;
    char url[512];

    if (iot_config_read(data, &info) != IOT_OK ||
        iot_json_text(info.url, url, sizeof url, NULL) != IOT_OK)
        return false;
    printf("%s: %lu bytes at %s\n%s %.*s\n", how, (unsigned long)info.size, url,
           info.sign_method == IOT_CONFIG_SIGN_SHA256 ? "SHA-256" : "MD5", (int)info.sign.len,
           (const char *)info.sign.ptr);
    return true;
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
        else if (show("asked", ev->reply->data))
            done |= ASKED;
    }
    if (ev->kind == IOT_EV_NOTICE && ev->notice->kind == IOT_NOTICE_CONFIG &&
        show("pushed", ev->notice->data))
        done |= PUSHED;
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
    while (sys_now() - start < end_ms && (done != ALL || !iot_device_idle(&device))) {
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return done == ALL ? 0 : 1;
}
