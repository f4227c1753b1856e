/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest device of a product whose data is bytes, which a script on the platform translates.
 *
 *     raw CA PRODUCT_KEY DEVICE_NAME DEVICE_SECRET [HOST PORT [SECONDS]]
 *
 * Arguments as of platform_login.c. It posts bytes, and answers those that come; with `build/cloud`:
 *
 *     build/cloud raw a1RawProd01 raw001 0102
 *
 * It ends when the platform has answered its bytes, and it the platform's: exit 0. Not within SECONDS (60): exit 1.
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
enum { REPLIED = 1, ANSWERED = 2, ALL = 3 };
static int done;

static void show(const char *what, struct iot_bytes bytes)
{
    printf("%s:", what);
    for (uint32_t i = 0; i < bytes.len; i++)
        printf(" %02x", bytes.ptr[i]);
    printf("\n");
}

/* Bytes from the platform. If there is no room for the answer now, they come again. */
static iot_err on_down(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    static const uint8_t good[] = {0xff, 0x00};
    iot_err err = iot_raw_answer(dev, msg, (struct iot_bytes){good, sizeof good});
    (void)ctx;

    if (err != IOT_OK)
        return err;
    show("down", msg->payload);
    done |= ANSWERED;
    return IOT_OK;
}

/* What the script made of the platform's reply to ours. */
static iot_err on_reply(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    show("reply", msg->payload);
    done |= REPLIED;
    return IOT_OK;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    static const uint8_t reading[] = {0x01, 0x00, 0xd7}; /* what it means, the script knows */
    (void)ctx;

    if (ev->kind == IOT_EV_LOST)
        printf("lost: %s\n", iot_err_text(ev->err));
    if (ev->kind == IOT_EV_CONNECTED)
        iot_raw_post(dev, (struct iot_bytes){reading, sizeof reading}, 1, NULL);
    if (ev->kind == IOT_EV_DONE)
        printf("posted\n");
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

    static const struct iot_raw_handlers handlers = {.on_down = on_down, .on_reply = on_reply};

    if (!host_init(NULL) || iot_device_init(&device, &options) != IOT_OK)
        return 1;
    iot_raw_attach(&device, &handlers);
    iot_device_connect(&device);
    while (sys_now() - start < end_ms && (done != ALL || !iot_device_idle(&device))) {
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return done == ALL ? 0 : 1;
}
