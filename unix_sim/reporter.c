/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reporter.c
 * build/reporter, what `make run-coap` starts: a lamp that reports to the emulated platform by CoAP. It authenticates, says what it
 * is and its version, uploads its properties every few seconds and an event, asks for an update; each call is printed with
 * its code, and what the platform logs beside it. Programs of this machine can ask and switch it by CoAP at a port of the
 * loopback, which is printed.
 *
 *     MODE         psk (the default), cert, symmetric
 *     FORMAT       json (the default), cbor
 *     PK DN DS     identity; default: the sample device of the emulator
 *     FOR          seconds after the first acknowledged call; default 15, 0: until Ctrl-C
 *     LISTEN       the port of the loopback; default: a free one
 *     LOG          1 to 5: how much of the library's log is shown; default 3
 *
 * Exit 0: it was authenticated, two uploads at least were acknowledged, none was refused.
 */
#include "coap_report/report.h"
#include "device_say.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "host/host_pem.h"
#include "host/host_signal.h"
#include "host/host_text.h"
#include "unix/iot_port_unix.h"

#include "lwip/opt.h"
#include "lwip/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REACH_MS    30000u /* nothing acknowledged in this and FOR: give up */
#define DRAIN_MS    3000u
#define FOR_S_MAX   (365u * 24u * 3600u)
#define LISTEN_PORT 5683u
#define ARENA_BYTES (64u * 1024u)

/* The emulator's sample device; the secret is invented, like all of it. */
#define SAMPLE_PK "a1B2c3D4e5F"
#define SAMPLE_DN "dev001"
#define SAMPLE_DS "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

static const char *const call_names[REPORT_CALLS] = {
    "device info", "version", "properties", "event", "update",
};

/* All times in ms of host_clock_ms. up_ms: the first acknowledgement; 0: not yet. */
static struct {
    struct host_cloud cloud;
    struct host_pem ca;
    struct iot_link_identity identity;
    struct iot_port port;
    struct report_options options;
    char host[128];
    uint32_t for_s, listen, failed;
    uint64_t start_ms, up_ms, log_seen;
    bool closed, hopeless;
} app;

static uint64_t arena[ARENA_BYTES / 8];

/* ---- What happens ------------------------------------------------------------------------------ */

static uint32_t uploads(void)
{
    return report_acknowledged(REPORT_PROPERTIES) + report_acknowledged(REPORT_EVENT);
}

static void on_end(const struct report_end *end)
{
    const char *more = iot_err_detail_text(end->err, end->detail);

    if (end->err == IOT_OK) {
        bool text = end->reply.len > 0 && end->reply.ptr[0] == '{';
        say(GREEN, call_names[end->call], "acknowledged%s%.*s", text ? ": " : "",
            text ? (int)end->reply.len : 0, text ? (const char *)end->reply.ptr : "");
        if (app.up_ms == 0)
            app.up_ms = host_clock_ms();
        return;
    }
    if (end->err == IOT_ERR_CLOSED)
        return;
    app.failed++;
    app.hopeless = app.hopeless || (app.up_ms == 0 && end->again_ms == IOT_MS_NEVER);
    say(RED, call_names[end->call], "%s, %ld%s%s", iot_err_text(end->err), (long)end->detail,
        more[0] != 0 ? ": " : "", more);
}

static void on_light(bool on)
{
    say(GREEN, "lamp", "somebody near has switched it %s", on ? "on" : "off");
}

static void on_closed(void)
{
    app.closed = true;
}

/* ---- Beginning --------------------------------------------------------------------------------- */

static bool choice(const char *name, const char *const words[], uint32_t count, uint32_t *out)
{
    const char *word = environment(name, words[0]);

    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    fprintf(stderr, "%s=%s: it can be", name, word);
    for (uint32_t i = 0; i < count; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", words[i]);
    fprintf(stderr, "\n");
    return false;
}

static bool read_settings(void)
{
    static const char *const modes[] = {"psk", "cert", "symmetric"}, *const formats[] = {"json",
                                                                                         "cbor"};
    static const uint8_t ways[] = {REPORT_PSK, REPORT_CERTIFICATE, REPORT_SYMMETRIC};
    uint32_t mode, format;

    if (!host_text_number(environment("FOR", "15"), 0, FOR_S_MAX, &app.for_s)) {
        fprintf(stderr, "FOR=%s: seconds after the first acknowledgement, 0 for ever\n",
                getenv("FOR"));
        return false;
    }
    if (!host_text_number(environment("LISTEN", "0"), 0, 65535, &app.listen)) {
        fprintf(stderr, "LISTEN=%s: a port, 0 for a free one\n", getenv("LISTEN"));
        return false;
    }
    if (!choice("MODE", modes, 3, &mode) || !choice("FORMAT", formats, 2, &format))
        return false;
    app.options.way = ways[mode];
    app.options.cbor = format == 1;
    app.identity.product_key = environment("PK", SAMPLE_PK);
    app.identity.device_name = environment("DN", SAMPLE_DN);
    app.identity.device_secret = environment("DS", SAMPLE_DS);
    return true;
}

static bool start_cloud(void)
{
    const struct host_cloud_options options = {.address = LWIP_IPV4 ? "127.0.0.1" : "::1",
                                               .announce = true};
    const char *region = "cn-shanghai";
    char why[128];

    if (!host_cloud_start(&app.cloud, &options)) {
        fprintf(stderr, "no emulated platform: %s\n", app.cloud.why);
        return false;
    }
    const struct host_coap_ports *ports = &app.cloud.coap;
    app.options.server_port = app.options.way == REPORT_PSK           ? ports->psk
                              : app.options.way == REPORT_CERTIFICATE ? ports->cert
                                                                      : ports->plain;
    say(PLAIN, "cloud", "the emulated platform is up, CoAP %s on %s port %u",
        app.options.way == REPORT_PSK           ? "over DTLS with a key"
        : app.options.way == REPORT_CERTIFICATE ? "over DTLS with certificates"
                                                : "with AES",
        app.cloud.address, (unsigned)app.options.server_port);
    if (!host_pem_read(&app.ca, app.cloud.ca_der, HOST_PEM_CERTIFICATES, why)) {
        fprintf(stderr, "%s\n", why);
        return false;
    }
    /* The device asks for the name of the region's host, and finds us. */
    snprintf(app.host, sizeof app.host, "%s.coap.%s.link.aliyuncs.com", app.identity.product_key,
             region);
    return host_name_add(app.host, app.cloud.address);
}

static bool start_lamp(void)
{
    struct report_options *o = &app.options;
    uint16_t listen = (uint16_t)app.listen;

    app.port = iot_port_unix;
    app.port.log = say_log;
    o->port = &app.port;
    o->link = &app.identity;
    o->host = app.host;
    o->listen_port = LISTEN_PORT;
    o->ca = app.ca.items[0];
    o->arena = arena;
    o->arena_bytes = sizeof arena;
    o->version = "1.0.0";
    o->on_end = on_end;
    o->on_light = on_light;
    o->on_closed = on_closed;
    if (!host_forward_udp(&listen, LISTEN_PORT)) {
        fprintf(stderr, "LISTEN=%u: the port is taken\n", (unsigned)app.listen);
        return false;
    }
    iot_err err = report_start(o);
    if (err != IOT_OK) {
        fprintf(stderr, "cannot start the lamp: %s\n", iot_err_text(err));
        return false;
    }
    const char *host = LWIP_IPV4 ? "127.0.0.1" : "[::1]";
    printf("\n  From another terminal, ask the lamp, switch it, watch it:\n\n"
           "    coap-client-openssl -m get coap://%s:%u/.well-known/core\n"
           "    coap-client-openssl -m put -t 0 -e 1 coap://%s:%u/light\n"
           "    coap-client-openssl -m get -s 60 coap://%s:%u/light\n\n"
           "  and see in this folder what the platform knows of it:\n\n"
           "    build/cloud show %s %s\n\n",
           host, (unsigned)listen, host, (unsigned)listen, host, (unsigned)listen,
           app.identity.product_key, app.identity.device_name);
    fflush(stdout);
    return true;
}

/* ---- Life and end ------------------------------------------------------------------------------ */

/* Why to stop, or NULL to go on. */
static const char *reason_to_stop(uint64_t now_ms)
{
    uint64_t for_ms = app.for_s * 1000ull;

    if (host_signal_seen() != 0)
        return "asked to";
    if (for_ms == 0)
        return NULL;
    if (app.hopeless)
        return "another attempt would end alike";
    if (app.up_ms == 0)
        return now_ms - app.start_ms >= for_ms + REACH_MS ? "nobody was reached" : NULL;
    return now_ms - app.up_ms >= for_ms ? "the time is over" : NULL;
}

static void turn(void)
{
    uint32_t wait_ms = report_poll(sys_now());

    say_cloud_log(app.cloud.dir, &app.log_seen, true);
    host_turn(wait_ms < 20 ? wait_ms : 20);
}

static void work(void)
{
    const char *reason;

    while ((reason = reason_to_stop(host_clock_ms())) == NULL)
        turn();
    say(PLAIN, "closing", "%s", reason);
    uint64_t since_ms = host_clock_ms();
    if (report_stop(DRAIN_MS) != IOT_OK)
        return;
    while (!app.closed && host_clock_ms() - since_ms < 2 * DRAIN_MS)
        turn();
}

static int summarize(void)
{
    bool good = app.up_ms != 0 && uploads() >= 2 && app.failed == 0;

    printf("\n  acknowledged");
    for (uint32_t i = 0; i < REPORT_CALLS; i++)
        printf("%s %s %lu", i > 0 ? "," : "", call_names[i],
               (unsigned long)report_acknowledged((enum report_call)i));
    printf("\n  failed       %lu\n", (unsigned long)app.failed);
    if (!good)
        printf("  not good    %s\n", app.up_ms == 0  ? "it was never authenticated"
                                     : uploads() < 2 ? "fewer than two uploads"
                                                     : "some calls failed");
    fflush(stdout);
    return good ? 0 : 1;
}

int main(void)
{
    static char out[4096];
    int status = 1;

    setvbuf(stdout, out, _IOFBF, sizeof out);
    if (!say_begin() || !read_settings())
        return 1;
    app.start_ms = host_clock_ms();
    if (!host_init(NULL) || !host_signal_catch()) {
        fprintf(stderr, "cannot start the simulated network\n");
        return 1;
    }
    if (start_cloud() && start_lamp()) {
        work();
        say_cloud_log(app.cloud.dir, &app.log_seen, true);
        status = summarize();
    }
    host_cloud_stop(&app.cloud);
    return status;
}
