/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor of examples/coap_sensor on a board without operating system: wakes, posts a reading, is off. Network, numbers and
 * lines on the UART are those of examples/firmware_superloop.
 *
 * What the factory writes into its store:
 *
 *     host, port   of the CoAP server
 *     psk-id, psk  what the server knows it by: a name, and a key
 *     period-ms    it sleeps so long; none: 60000
 */
#include "coap_sensor/sensor.h"
#include "mps2_an385/iot_mps2_clock.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_mps2_watchdog.h"
#include "mps2_an385/iot_port_mps2.h"
#include "network.h"
#include "number.h"
#include "product.h"
#include "say.h"

#include "lwip/timeouts.h"

#define PERIOD_MS   60000u
#define WATCHDOG_MS 8000u
#define FRAMES_MAX  8u /* in one turn */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- The factory's words ----------------------------------------------------------------------- */

/* With a NUL behind it; len 0: there is none. */
static struct iot_bytes read_text(const char *key, char *into, uint32_t cap)
{
    struct iot_bytes text = {(const uint8_t *)into, 0};

    if (iot_port_mps2.kv_get(iot_port_mps2.ctx, key, into, cap - 1, &text.len) != IOT_OK)
        text.len = 0;
    into[text.len] = '\0';
    return text;
}

static uint32_t read_number(const char *key, uint32_t otherwise)
{
    char text[11];
    struct iot_bytes found = read_text(key, text, sizeof text);
    uint32_t number;

    return text_number(text, found.len, &number) ? number : otherwise;
}

static bool read_options(struct sensor_options *options)
{
    static char host[64], identity[33], key[65];

    options->port = &iot_port_mps2;
    options->server_port = (uint16_t)read_number("port", 0);
    options->host = host;
    options->identity = read_text("psk-id", identity, sizeof identity);
    options->key = read_text("psk", key, sizeof key);
    return read_text("host", host, sizeof host).len > 0 && options->key.len > 0;
}

/* ---- Life -------------------------------------------------------------------------------------- */

/* What there is to measure on an emulated board. */
static int16_t measure(void)
{
    return (int16_t)(200 + iot_mps2_cycles() % 50);
}

void product_network(bool up)
{
    if (up)
        sensor_online();
}

static void say_report(const struct sensor_report *r)
{
    struct iot_tls_memory arena;

    say("sensor: ");
    if (r->count > 0) {
        say("readings ");
        say_number(r->first);
        say(" to ");
        say_number(r->first + r->count - 1);
    }
    if (r->err != IOT_OK) {
        say(" wait: ");
        say(iot_err_name(r->err));
    } else {
        say(r->arrived ? " have arrived, " : " were refused, ");
        say(r->resumed ? "resumed" : "handshake");
    }
    sensor_memory(&arena);
    say("\nsensor: arena ");
    say_number(arena.high);
    say(" of ");
    say_number(arena.max);
    say("\n");
}

/* As deep as this board can. A product switches off all but its flash and an alarm clock here; what follows is the same: a
 * reset, and memory that knows nothing. */
static void sleep_deeply(uint32_t ms) __attribute__((noreturn));
static void sleep_deeply(uint32_t ms)
{
    uint32_t since_ms = iot_mps2_ms(), slept_ms;

    say("sensor: asleep\n");
    while ((slept_ms = iot_mps2_ms() - since_ms) < ms) {
        iot_mps2_watchdog_feed();
        iot_mps2_sleep(least(ms - slept_ms, WATCHDOG_MS / 2));
    }
    iot_mps2_restart();
}

static iot_err wake(void)
{
    static struct sensor_options options;
    iot_err err;

    while ((err = iot_port_mps2_mount()) == IOT_ERR_AGAIN)
        ;
    if (err == IOT_OK && !read_options(&options))
        err = IOT_ERR_ARG;
    return err == IOT_OK ? sensor_start(&options, measure(), iot_mps2_ms()) : err;
}

int main(void)
{
    iot_mps2_watchdog_start(WATCHDOG_MS);
    say("sensor: awake, reset by ");
    say(iot_mps2_reset_cause());
    say("\n");
    iot_err err = wake();
    if (err != IOT_OK) {
        say("sensor: cannot start: ");
        say(iot_err_name(err));
        say("\n");
    } else if (network_start()) {
        while (!sensor_asleep()) {
            uint32_t frames = network_poll(FRAMES_MAX);
            sys_check_timeouts();
            uint32_t sleep_ms = sensor_poll(iot_mps2_ms());
            iot_mps2_watchdog_feed();
            if (frames < FRAMES_MAX)
                iot_mps2_sleep(least(least(sleep_ms, sys_timeouts_sleeptime()), WATCHDOG_MS / 2));
        }
        say_report(sensor_report());
    }
    sleep_deeply(read_number("period-ms", PERIOD_MS));
}
