/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lamp of examples/coap_report on a board without operating system: reports to the platform by CoAP, and serves who is near.
 * Network, numbers and lines on the UART are those of examples/firmware_superloop.
 *
 * What the factory writes into its store:
 *
 *     pk, dn, ds   product key, device name, device secret
 *     host, port   of the platform's CoAP; port: none: 5684, symmetric 5682
 *     way          psk or symmetric; none: psk
 *     format       json or cbor; none: json
 *     period-ms    between two reports; none: 60000
 */
#include "coap_report/report.h"
#include "mps2_an385/iot_mps2_clock.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_mps2_watchdog.h"
#include "mps2_an385/iot_port_mps2.h"
#include "network.h"
#include "number.h"
#include "product.h"
#include "say.h"

#include "lwip/timeouts.h"

#include <string.h>

#define PERIOD_MS   60000u
#define WATCHDOG_MS 8000u
#define FRAMES_MAX  8u /* in one turn */

/* A handshake with a pre-shared key, and no more; README says how much each kind wants. */
#define ARENA_BYTES (5120u + IOT_TLS_RX_BYTES + IOT_TLS_TX_BYTES)

static uint64_t arena[(ARENA_BYTES + 7) / 8];

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- The factory's words ----------------------------------------------------------------------- */

/* With a NUL behind it; empty: there is none. */
static bool read_text(const char *key, char *into, uint32_t cap)
{
    uint32_t len = 0;

    if (iot_port_mps2.kv_get(iot_port_mps2.ctx, key, into, cap - 1, &len) != IOT_OK)
        len = 0;
    into[len] = '\0';
    return len > 0;
}

static uint32_t read_number(const char *key, uint32_t otherwise)
{
    char text[11];
    uint32_t number;

    return read_text(key, text, sizeof text) && text_number(text, (uint32_t)strlen(text), &number)
               ? number
               : otherwise;
}

static bool read_word(const char *key, const char *word)
{
    char text[16];

    return read_text(key, text, sizeof text) && strcmp(text, word) == 0;
}

static bool read_options(struct report_options *options)
{
    static char host[64], pk[32], dn[65], ds[65];
    static struct iot_link_identity link = {
        .product_key = pk, .device_name = dn, .device_secret = ds};

    options->port = &iot_port_mps2;
    options->link = &link;
    options->host = host;
    options->server_port = (uint16_t)read_number("port", 0);
    options->way = read_word("way", "symmetric") ? REPORT_SYMMETRIC : REPORT_PSK;
    options->cbor = read_word("format", "cbor");
    options->every_ms = read_number("period-ms", PERIOD_MS);
    return read_text("host", host, sizeof host) && read_text("pk", pk, sizeof pk) &&
           read_text("dn", dn, sizeof dn) && read_text("ds", ds, sizeof ds);
}

/* ---- Life -------------------------------------------------------------------------------------- */

static void on_end(const struct report_end *end)
{
    static const char *const names[] = {"device info", "version", "properties", "event", "update"};

    say("report: ");
    say(names[end->call]);
    if (end->err == IOT_OK) {
        say(" acknowledged, number ");
        say_number(report_acknowledged(end->call));
    } else {
        say(" failed: ");
        say(iot_err_name(end->err));
        say(" ");
        say_number((uint32_t)end->detail);
    }
    say("\n");
    if (end->call == REPORT_PROPERTIES && report_acknowledged(REPORT_PROPERTIES) == 1) {
        struct iot_tls_memory memory;
        report_memory(&memory);
        say("report: arena ");
        say_number(memory.high);
        say(" of ");
        say_number(memory.max);
        say("\n");
    }
}

static void on_light(bool on)
{
    say(on ? "report: switched on\n" : "report: switched off\n");
}

/* lwIP knows it; requests wait until there is a way. */
void product_network(bool up)
{
    say(up ? "report: there is a network\n" : "report: the network is gone\n");
}

static iot_err start(void)
{
    static struct report_options options = {.arena = arena,
                                            .arena_bytes = sizeof arena,
                                            .version = "1.0.0",
                                            .on_end = on_end,
                                            .on_light = on_light};
    iot_err err;

    while ((err = iot_port_mps2_mount()) == IOT_ERR_AGAIN)
        ;
    if (err == IOT_OK && !read_options(&options))
        err = IOT_ERR_ARG;
    return err == IOT_OK ? report_start(&options) : err;
}

int main(void)
{
    iot_mps2_watchdog_start(WATCHDOG_MS);
    say("\nreport: reset by "); /* the line before may have no end */
    say(iot_mps2_reset_cause());
    say("\n");
    iot_err err = start();
    if (err != IOT_OK) {
        say("report: cannot start: ");
        say(iot_err_name(err));
        say("\n");
    }
    bool live = err == IOT_OK && network_start();
    for (;;) {
        uint32_t frames = live ? network_poll(FRAMES_MAX) : 0;
        uint32_t sleep_ms = WATCHDOG_MS;
        if (live) {
            sys_check_timeouts();
            sleep_ms = least(report_poll(iot_mps2_ms()), sys_timeouts_sleeptime());
        }
        iot_mps2_watchdog_feed();
        if (frames < FRAMES_MAX)
            iot_mps2_sleep(least(sleep_ms, WATCHDOG_MS / 2));
    }
}
