/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lamp of examples/thing_lamp.c as a product: a thing of the platform on a board without operating system. Loop,
 * network, factory and log are those of examples/firmware_superloop; this file takes the place of its product.c.
 */
#include "product.h"

#include "factory.h"
#include "firmware.h"
#include "iot/iot_static.h"
#include "lamp_model/lamp.h"
#include "mps2_an385/iot_mps2_board.h"
#include "mps2_an385/iot_mps2_watchdog.h"
#include "mps2_an385/iot_port_mps2.h"
#include "number.h"
#include "say.h"

#define PERIOD_MS 10000u
#define LEDS      MPS2_REG(MPS2_FPGAIO)

/* ECDHE-RSA with a chain of three certificates needs the most; see README. */
#define ARENA_BYTES (17u * 1024u)

struct iot_device product;
static uint64_t arena[ARENA_BYTES / 8];
static struct iot_link_identity identity;
static struct iot_tls_options tls = {
    .session_key = "tls", .arena = arena, .arena_bytes = sizeof arena};
static struct lamp_values lamp = {.brightness = 80, .name = "lamp on a board"};
static struct iot_thing thing;
static uint32_t next_ms, period_ms;

static void complain(const char *what, iot_err err)
{
    if (err == IOT_OK)
        return;
    say(what);
    say(iot_err_name(err));
    say("\n");
}

/* ---- The lamp ---------------------------------------------------------------------------------- */

static void light(void)
{
    LEDS = lamp.light_switch ? 1u : 0u;
    say(lamp.light_switch ? "led: on, brightness " : "led: off, brightness ");
    say_number((uint32_t)lamp.brightness);
    say("\n");
}

static void on_set(void *ctx, struct iot_thing *t, const struct iot_properties *changed,
                   const struct iot_field *failed)
{
    (void)ctx;
    (void)failed; /* no property has a setter */
    light();
    complain("iot: not posted: ", iot_thing_post(t, changed, 0, 0, NULL));
}

int32_t lamp_on_toggle(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx;
    (void)call;
    lamp.light_switch = !lamp.light_switch;
    lamp.toggle_out.light_switch = lamp.light_switch;
    light();
    complain("iot: not posted: ", iot_thing_post(t, IOT_PROPERTIES(LAMP_LIGHT_SWITCH), 0, 0, NULL));
    return IOT_CODE_OK;
}

int32_t lamp_on_blink(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx;
    (void)t;
    (void)call;
    lamp.blink_out.done = lamp.blink_in.times;
    return IOT_CODE_OK;
}

int32_t lamp_on_measure(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx;
    (void)t;
    (void)call;
    lamp.measure_out.temp = lamp.temp;
    lamp.measure_out.energy = lamp.energy;
    return IOT_CODE_OK;
}

static const struct iot_thing_options thing_options = {
    .model = &lamp_model, .values = &lamp, .on_set = on_set};

/* ---- Life -------------------------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    switch (ev->kind) {
    case IOT_EV_CONNECTED:
        say("iot: connected\n");
        firmware_proved();
        complain("iot: not posted: ", iot_thing_post(&thing, NULL, 0, 0, NULL));
        next_ms += period_ms;
        break;
    case IOT_EV_LOST:
        complain("iot: lost ", ev->err);
        break;
    case IOT_EV_REPLY:
        say("iot: the platform answered ");
        say_number((uint32_t)ev->detail);
        say("\n");
        break;
    case IOT_EV_FAILED:
        complain("iot: no answer: ", ev->err);
        break;
    case IOT_EV_SKIPPED:
        complain("iot: not understood: ", ev->err);
        break;
    case IOT_EV_BUSY: /* a step of RSA: up to a second */
        iot_mps2_watchdog_feed();
        break;
    default: /* what else happens is of no interest to a lamp */
        break;
    }
}

static iot_err attach(struct iot_options *options)
{
    iot_err err = iot_device_init(&product, options);

    return err == IOT_OK ? iot_thing_attach(&product, &thing, &thing_options) : err;
}

bool product_start(void)
{
    static struct iot_options options = {
        .link = &identity, .tls = &tls, .keepalive_s = 60, .port_ops = &iot_port_mps2};

    if (!factory_load(&iot_port_mps2, &options, &identity, &tls))
        return false;
    period_ms = factory_number(&iot_port_mps2, "period-ms", PERIOD_MS, 86400000);
    identity.system_topics = true; /* the platform subscribes what it sends us */
    options.on_event = on_event;
    iot_err err = attach(&options);
    complain("iot: cannot start: ", err);
    return err == IOT_OK;
}

/* It measures what a lamp on an emulated board can measure. */
uint32_t product_tick(uint32_t now_ms)
{
    if ((int32_t)(now_ms - next_ms) >= 0) {
        lamp.temp = 20.0f + (float)(now_ms / 1000 % 10) / 4;
        if (iot_device_connected(&product))
            complain("iot: not posted: ",
                     iot_thing_post(&thing, IOT_PROPERTIES(LAMP_TEMP), 0, 0, NULL));
        next_ms = now_ms + period_ms;
    }
    return next_ms - now_ms;
}

void product_network(bool up)
{
    static bool begun;

    if (begun)
        iot_network(&product, up ? IOT_NETWORK_UP : IOT_NETWORK_DOWN);
    else if (up)
        complain("iot: cannot begin: ", iot_device_connect(&product));
    begun |= up;
}

bool product_over(void)
{
    return false;
}
