/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that leaves the factory without a secret: it fetches its own, keeps it, logs in and reports.
 *
 *     register CA STORE PRODUCT_KEY PRODUCT_SECRET DEVICE_NAME [HOST PORT [SECONDS]]
 *
 * CA is a file with the authority to trust, DER. STORE is a file that stands for the board's flash: with the same one
 * the next run is the next boot, and registers no more. Try it with `build/cloud`, where new001 of a1B2c3D4e5F waits.
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
static bool reported;

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    static const char params[] = "{\"LightSwitch\":1}";

    (void)ctx;
    switch (ev->kind) {
    case IOT_EV_REGISTERED:
        printf("registered: the secret is in the store\n");
        break;
    case IOT_EV_CONNECTED:
        printf("logged in\n");
        iot_alink_request(dev, "thing/event/property/post", 0,
                          (struct iot_bytes){(const uint8_t *)params, sizeof params - 1}, NULL);
        break;
    case IOT_EV_REPLY:
        reported = ev->err == IOT_OK;
        printf("the platform answers: %ld\n", (long)ev->detail);
        break;
    case IOT_EV_LOST:
        printf("lost: %s\n", iot_err_text(ev->err));
        break;
    default:
        break;
    }
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
    if (argc < 6)
        return 2;
    const struct iot_bytes ca = {ca_der, read_ca(argv[1])};
    const struct iot_registration registration = {.product_secret = argv[4]};
    const struct iot_link_identity identity = {
        .product_key = argv[3],
        .device_name = argv[5],
        .registration = &registration, /* instead of a device_secret */
        .system_topics = true,
    };
    const struct iot_tls_options tls = {
        .ca = &ca,
        .ca_count = 1,
        .server_name = argc > 6 ? argv[6] : NULL, /* otherwise the host that identity makes */
        .arena = arena,
        .arena_bytes = sizeof arena,
    };
    const struct iot_options options = {
        .host = argc > 6 ? host_reachable(argv[6]) : NULL,
        .port = (uint16_t)(argc > 7 ? atoi(argv[7]) : 0),
        .tls = &tls,
        .link = &identity,
        .keepalive_s = 60,
        .on_event = on_event,
        .port_ops = &iot_port_unix,
    };
    uint32_t end_ms = (uint32_t)(argc > 8 ? atoi(argv[8]) : 10) * 1000;

    if (!iot_port_unix_file(argv[2]) || !host_init(NULL) ||
        iot_device_init(&device, &options) != IOT_OK)
        return 1;
    iot_device_connect(&device);
    for (uint32_t start = sys_now(); sys_now() - start < end_ms && !reported;) {
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return reported ? 0 : 1;
}
