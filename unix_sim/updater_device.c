/* SPDX-License-Identifier: Apache-2.0 */
#include "updater_device.h"

#include "device_say.h"
#include "host/host_cert.h"
#include "host/host_child.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "host/host_pem.h"
#include "host/host_signal.h"
#include "host/host_text.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "iot/iot_upgrade.h"
#include "link/iot_link_region.h"
#include "nor/iot_nor_place.h"
#include "unix/iot_boot_unix.h"
#include "unix/iot_port_unix.h"

#include "lwip/sys.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ARENA_BYTES  (64u * 1024u)
#define TURN_MS      20u
#define ASKS_MAX     1000000u
#define LAST_WORD_MS 500u /* between an image that is ready and the end: the platform hears of it */
#define DRAIN_MS     2000u
#define CLOSE_MS_MAX 5000u
/* So that it shows in seconds what a product would do in minutes. */
#define IDLE_MS    1500u
#define CONNECT_MS 3000u

static struct {
    struct iot_device device;
    struct iot_options options;
    struct iot_link_identity identity;
    struct iot_tls_options mqtt_tls, http_tls;
    struct host_pem ca;
    struct iot_http http;
    struct iot_http_options http_options;
    struct iot_ota ota;
    struct iot_ota_options ota_options;
    struct iot_ota_module module;
    struct iot_upgrade platform;
    struct iot_nor_boot boot;
    struct iot_nor_boot_choice choice;
    struct iot_nor_place place;
    char version[IOT_NOR_VERSION_MAX + 1], host[256];
    bool ready, closed;
} unit;

static uint64_t arenas[2][ARENA_BYTES / 8];
static volatile sig_atomic_t unplugged;

#define EVENT(...) (printf(__VA_ARGS__), putchar('\n'), fflush(stdout))

/* Its chip is memory: nothing is slow for long. */
#define AT_ONCE(err, call)                                                                         \
    do {                                                                                           \
        err = IOT_ERR_AGAIN;                                                                       \
        for (uint32_t i_ = 0; i_ < ASKS_MAX && err == IOT_ERR_AGAIN; i_++)                         \
            err = (call);                                                                          \
    } while (0)

/* ---- The bootloader -------------------------------------------------------------------------- */

static bool boot(void)
{
    iot_err err;

    AT_ONCE(err, iot_boot_unix_open(&unit.boot));
    if (err == IOT_OK)
        AT_ONCE(err, iot_nor_boot_start(&unit.boot, &unit.choice));
    if (err != IOT_OK) {
        EVENT("boot none %s", iot_err_name(err));
        return false;
    }
    snprintf(unit.version, sizeof unit.version, "%s",
             unit.boot.slot[unit.choice.slot].image.version);
    EVENT("boot %s %s %s", iot_port_unix_areas[unit.choice.slot].name, unit.version,
          unit.choice.trial ? "trial" : "ok");
    return true;
}

/* ---- The application ------------------------------------------------------------------------- */

/* It has reached its platform: that is what an image has to prove. */
static void confirm(void)
{
    iot_err err;

    if (!unit.choice.trial)
        return;
    AT_ONCE(err, iot_nor_boot_confirm(&unit.boot, unit.choice.slot));
    if (err != IOT_OK) {
        EVENT("failed %s", iot_err_name(err));
        return;
    }
    unit.choice.trial = false;
    EVENT("confirmed");
}

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    (void)ctx;
    (void)device;
    if (ev->kind == IOT_EV_CONNECTED) {
        EVENT("connected");
        confirm();
    } else if (ev->kind == IOT_EV_LOST) {
        EVENT("lost %s", iot_err_name(ev->err));
    } else if (ev->kind == IOT_EV_CLOSED) {
        unit.closed = true;
    }
}

static void on_ota(void *ctx, struct iot_ota *ota, const struct iot_ota_event *ev)
{
    (void)ctx;
    switch (ev->what) {
    case IOT_OTA_OFFERED:
        EVENT("offered %s %lu", ev->job->version, (unsigned long)ev->job->size);
        iot_ota_accept(ota);
        break;
    case IOT_OTA_PROGRESS:
        EVENT("progress %lu %lu", (unsigned long)ev->bytes, (unsigned long)ev->job->size);
        break;
    case IOT_OTA_READY:
        EVENT("ready");
        unit.ready = true;
        break;
    case IOT_OTA_FAILED:
        EVENT("failed %s", iot_err_name(ev->err));
        break;
    }
}

static iot_err start(void)
{
    unit.module = (struct iot_ota_module){"", unit.version, &unit.place.slot};
    iot_nor_place_boot(&unit.place, &unit.boot);
    unit.mqtt_tls = (struct iot_tls_options){.ca = unit.ca.items,
                                             .ca_count = (uint8_t)unit.ca.count,
                                             .session_key = "tls-session",
                                             .arena = arenas[0],
                                             .arena_bytes = sizeof arenas[0]};
    unit.http_tls = unit.mqtt_tls;
    unit.http_tls.session_key = NULL;
    unit.http_tls.arena = arenas[1];
    unit.options.link = &unit.identity;
    unit.options.tls = &unit.mqtt_tls;
    unit.options.keepalive_s = 30;
    unit.options.on_event = on_event;
    unit.options.port_ops = &iot_port_unix;
    unit.http_options = (struct iot_http_options){
        .tls = &unit.http_tls, .connect_ms = CONNECT_MS, .idle_ms = IDLE_MS};
    unit.ota_options =
        (struct iot_ota_options){.modules = &unit.module,
                                 .module_count = 1,
                                 .http = &unit.http,
                                 .port = &iot_port_unix,
                                 .policy = IOT_OTA_NEWER,
                                 /* the emulator sends records as large as it likes */
                                 .fit = IOT_TLS_RX_BYTES < 16384,
                                 .on_event = on_ota};
    iot_err err = iot_device_init(&unit.device, &unit.options);
    if (err == IOT_OK)
        err = iot_http_init(&unit.http, &unit.device, &unit.http_options);
    if (err == IOT_OK)
        err = iot_ota_init(&unit.ota, &unit.device, &unit.ota_options);
    if (err == IOT_OK)
        err = iot_upgrade_init(&unit.platform, &unit.device, &unit.ota, NULL);
    return err == IOT_OK ? iot_device_connect(&unit.device) : err;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_signal(int number)
{
    unplugged = number == SIGUSR1;
}

static bool catch_signals(void)
{
    const struct sigaction cable = {.sa_handler = on_signal};

    return host_signal_catch() && sigaction(SIGUSR1, &cable, NULL) == 0 &&
           sigaction(SIGUSR2, &cable, NULL) == 0;
}

static void turn(void)
{
    static bool out;

    if ((unplugged != 0) != out) {
        out = !out;
        host_link(!out);
    }
    uint32_t wait_ms = iot_poll(&unit.device, sys_now());
    host_turn(wait_ms < TURN_MS ? wait_ms : TURN_MS);
}

static void turn_for(uint32_t ms)
{
    uint64_t since_ms = host_clock_ms();

    while (!unit.closed && host_clock_ms() - since_ms < ms)
        turn();
}

static void live(void)
{
    while (!unit.ready && host_signal_seen() == 0)
        turn();
    if (unit.ready)
        turn_for(LAST_WORD_MS);
    if (iot_device_close(&unit.device, DRAIN_MS) == IOT_OK)
        turn_for(CLOSE_MS_MAX);
}

static bool prepare(char *const words[])
{
    struct iot_link_identity *id = &unit.identity;
    uint32_t port;
    char why[128];

    id->product_key = environment("PK", UPDATER_PK);
    id->device_name = environment("DN", UPDATER_DN);
    id->device_secret = environment("DS", UPDATER_DS);
    id->system_topics = true;
    if (iot_link_host(id, IOT_LINK_TLS, unit.host, sizeof unit.host) != IOT_OK) {
        fprintf(stderr, "PK, DN, DS: product key, device name and device secret\n");
        return false;
    }
    if (!host_pem_read(&unit.ca, words[1], HOST_PEM_CERTIFICATES, why) ||
        !host_text_number(words[3], 1, 65535, &port)) {
        fprintf(stderr, "updater: neither an authority in %s nor a port %s\n", words[1], words[3]);
        return false;
    }
    unit.options.port = (uint16_t)port;
    if (!host_init(NULL) || !catch_signals() || !host_name_add(unit.host, words[2]) ||
        !host_name_add(HOST_CERT_FILES, words[2])) {
        fprintf(stderr, "cannot start the simulated network\n");
        return false;
    }
    return iot_port_unix_file(words[0]);
}

int updater_device(char *const words[], int count)
{
    if (count != 4)
        return 2;
    if (!prepare(words) || !boot())
        return 1;
    iot_err err = start();
    if (err != IOT_OK) {
        fprintf(stderr, "cannot start the device: %s\n", iot_err_text(err));
        return 1;
    }
    live();
    return unit.ready ? UPDATER_RESTART : 0;
}
