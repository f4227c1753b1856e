/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest device that has no secret of its own: it registers with its product's, once.
 *
 *     register CA PRODUCT_KEY DEVICE_NAME PRODUCT_SECRET [HOST PORT [SECONDS [FLASH]]]
 *
 * Arguments as of platform_login.c but for the secret. What the platform gave is kept in the port's store: FLASH is a file
 * that holds it, and another run with it is the next boot, which only logs in. Without FLASH it is forgotten, and the
 * platform registers nobody twice. With `build/cloud`:
 *
 *     register ca.der a1B2c3D4e5F new001 Ps16CharSecret01 127.0.0.1 PORT 30 new001.flash
 *
 * It ends when it is logged in: exit 0. Not within SECONDS (60), or refused: exit 1.
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
enum { REFUSED = 1, ALL = 2 };
static int done;

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    if (ev->kind == IOT_EV_REGISTERED)
        printf("registered: the secret is in the store\n");
    if (ev->kind == IOT_EV_CONNECTED) {
        printf("logged in\n");
        done = ALL;
    }
    if (ev->kind == IOT_EV_LOST) {
        printf("lost: %s\n", iot_err_text(ev->err));
        if (ev->err == IOT_ERR_LINK_REGISTER) /* again in five minutes: not ours to wait for */
            done = REFUSED;
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
    if (argc < 5)
        return 2;
    const struct iot_bytes ca = {ca_der, read_ca(argv[1])};
    const struct iot_registration registration = {.product_secret = argv[4]};
    const struct iot_link_identity identity = {
        .product_key = argv[2], .device_name = argv[3], .registration = &registration};
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

    if (argc > 8 && !iot_port_unix_file(argv[8]))
        return 1;
    if (!host_init(NULL) || iot_device_init(&device, &options) != IOT_OK)
        return 1;
    iot_device_connect(&device);
    while (sys_now() - start < end_ms && done == 0) {
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return done == ALL ? 0 : 1;
}
