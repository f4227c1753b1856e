/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest device of the Alibaba Cloud IoT platform: TLS, signed login, a message each second.
 *
 *     platform_login CA PRODUCT_KEY DEVICE_NAME DEVICE_SECRET [HOST PORT [SECONDS]]
 *
 * CA is a file with the authority to trust, DER; on a board it is a constant in flash. Without HOST the device
 * goes to the real platform, region cn-shanghai. Try it with `build/cloud`, which says where its ca.der is.
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
static char topic_text[96];

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    if (ev->kind == IOT_EV_CONNECTED)
        printf("logged in\n");
    if (ev->kind == IOT_EV_LOST) {
        const char *detail = iot_err_detail_text(ev->err, ev->detail);
        printf("lost: %s", iot_err_text(ev->err));
        if (*detail != 0)
            printf(" (%s)", detail);
        printf("\n");
    }
    if (ev->kind == IOT_EV_DONE)
        printf("message %lu is with the platform\n", (unsigned long)ev->ticket);
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
    const struct iot_link_identity identity = {
        .product_key = argv[2], .device_name = argv[3], .device_secret = argv[4]};
    const struct iot_tls_options tls = {
        .ca = &ca,
        .ca_count = 1,
        .server_name = argc > 5 ? argv[5] : NULL, /* otherwise the host that identity makes */
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
    uint32_t end_ms = (uint32_t)(argc > 7 ? atoi(argv[7]) : 10) * 1000, next_ms = 0;
    struct iot_msg reading = {.payload = {(const uint8_t *)"21.5", 4}, .qos = 1};

    snprintf(topic_text, sizeof topic_text, "/%s/%s/user/update", argv[2], argv[3]);
    if (!host_init(NULL) || iot_device_init(&device, &options) != IOT_OK ||
        iot_topic_prepare(&reading.topic, topic_text, (uint32_t)strlen(topic_text)) != IOT_OK)
        return 1;
    iot_device_connect(&device);
    for (uint32_t start = sys_now(); sys_now() - start < end_ms;) {
        if (sys_now() - start >= next_ms && iot_device_connected(&device)) {
            iot_mqtt_publish(&device, &reading, NULL);
            next_ms = sys_now() - start + 1000;
        }
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return iot_device_counters(&device)->sent_messages > 0 ? 0 : 1;
}
