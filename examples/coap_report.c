/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lamp that reports to the platform by CoAP, and is asked and switched by whoever is near.
 *
 *     coap_report WAY FORMAT PRODUCT_KEY DEVICE_NAME DEVICE_SECRET [HOST PORT [CA [LISTEN [SECONDS]]]]
 *
 * WAY is cert, psk or symmetric; FORMAT json or cbor. CA, for cert, is the authority to trust as DER, - for none. Without HOST it is
 * the platform in Shanghai. With `build/cloud`, which prints its ports:
 *
 *     coap_report psk json a1B2c3D4e5F dev001 0f1e2d3c4b5a69788796a5b4c3d2e1f0 127.0.0.1 PORT
 *
 * LISTEN, a UDP port of this machine's loopback, is handed on to the device (of a device on a real network nothing is to be handed on):
 *
 *     coap-client -m get coap://127.0.0.1:LISTEN/.well-known/core
 *     coap-client -m put -e 1 coap://127.0.0.1:LISTEN/light
 *
 * It ends after SECONDS (60), or with 0 SECONDS never. Exit 0: the platform has acknowledged an event, and properties at least twice.
 *
 * What it does is in coap_report/report.c, and the same on a board (firmware_report).
 */
#include "coap_report/report.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "lwip/sys.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_PORT 5683

static uint64_t arena[40 * 1024 / 8]; /* for TLS; README says how much each kind wants */
static uint8_t ca_der[4096];
static char host[128];

static void on_end(const struct report_end *end)
{
    static const char *const names[] = {"device info", "version", "properties", "event", "update"};

    if (end->err == IOT_OK)
        printf("%s: acknowledged %.*s\n", names[end->call], (int)end->reply.len,
               end->reply.len > 0 ? (const char *)end->reply.ptr : "");
    else
        printf("%s: %s (%ld)\n", names[end->call], iot_err_text(end->err), (long)end->detail);
    fflush(stdout);
}

static void on_light(bool on)
{
    printf("switched %s\n", on ? "on" : "off");
    fflush(stdout);
}

static uint32_t read_ca(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(ca_der, 1, sizeof ca_der, f) : 0;
    if (f != NULL)
        fclose(f);
    return (uint32_t)n;
}

static int way_of(const char *word)
{
    return strcmp(word, "cert") == 0        ? REPORT_CERTIFICATE
           : strcmp(word, "psk") == 0       ? REPORT_PSK
           : strcmp(word, "symmetric") == 0 ? REPORT_SYMMETRIC
                                            : -1;
}

int main(int argc, char **argv)
{
    if (argc < 6 || way_of(argv[1]) < 0)
        return 2;
    const struct iot_link_identity link = {
        .product_key = argv[3], .device_name = argv[4], .device_secret = argv[5]};
    uint16_t listen = (uint16_t)(argc > 9 ? atoi(argv[9]) : 0);
    uint32_t end_ms = (uint32_t)(argc > 10 ? atoi(argv[10]) : 60) * 1000;

    snprintf(host, sizeof host, "%s.coap.cn-shanghai.link.aliyuncs.com", link.product_key);
    const struct report_options options = {
        .port = &iot_port_unix,
        .link = &link,
        .host = argc > 6 ? host_reachable(argv[6]) : host,
        .name = argc > 6 ? host : NULL,
        .server_port = (uint16_t)(argc > 7 ? atoi(argv[7]) : 0),
        .listen_port = LISTEN_PORT,
        .way = (uint8_t)way_of(argv[1]),
        .cbor = strcmp(argv[2], "cbor") == 0,
        .ca = {ca_der, argc > 8 ? read_ca(argv[8]) : 0},
        .arena = arena,
        .arena_bytes = sizeof arena,
        .version = "1.0.0",
        .on_end = on_end,
        .on_light = on_light,
    };

    if (!host_init(NULL) || (listen != 0 && !host_forward_udp(&listen, LISTEN_PORT)))
        return 2;
    iot_err err = report_start(&options);
    if (err != IOT_OK) {
        printf("cannot start: %s\n", iot_err_text(err));
        return 2;
    }
    uint32_t start_ms = sys_now();
    while (end_ms == 0 || sys_now() - start_ms < end_ms) {
        uint32_t sleep_ms = report_poll(sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return report_acknowledged(REPORT_EVENT) > 0 && report_acknowledged(REPORT_PROPERTIES) > 1 ? 0
                                                                                               : 1;
}
