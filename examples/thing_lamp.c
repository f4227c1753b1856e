/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest thing: a lamp with properties, an event and services. Its model, lamp_model/, was made by `make thing`.
 *
 *     thing_lamp CA PRODUCT_KEY DEVICE_NAME DEVICE_SECRET [HOST PORT [SECONDS]]
 *
 * Arguments as of platform_login.c. It posts what it is and an event, and waits to be set and called; with `build/cloud`:
 *
 *     build/cloud set  a1B2c3D4e5F dev001 '{"Brightness":40}'
 *     build/cloud call a1B2c3D4e5F dev001 Toggle
 *
 * It ends when all four have happened: exit 0. Not within SECONDS (60): exit 1.
 */
#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "lamp_model/lamp.h"
#include "lwip/sys.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>

static struct iot_device device;
static uint64_t arena[40 * 1024 / 8]; /* for TLS; README says how much each kind wants */
static uint8_t ca_der[4096];
static struct lamp_values lamp = {.brightness = 80, .name = "a lamp"};
static struct iot_thing thing;
static iot_ticket posted, reported;
enum { POSTED = 1, REPORTED = 2, SET = 4, CALLED = 8, ALL = 15 };
static int done;

/* The platform has set something: it is in `lamp` already. What it is now is posted, so that the platform knows. */
static void on_set(void *ctx, struct iot_thing *t, const struct iot_properties *changed,
                   const struct iot_field *failed)
{
    (void)ctx;
    (void)failed;
    printf("set: %s, brightness %d\n", lamp.light_switch ? "on" : "off", (int)lamp.brightness);
    iot_thing_post(t, changed, 0, 0, NULL);
    done |= SET;
}

/* A service: its output is in `lamp` when it returns. */
int32_t lamp_on_toggle(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx;
    (void)call;
    lamp.light_switch = !lamp.light_switch;
    lamp.toggle_out.light_switch = lamp.light_switch;
    printf("toggled: %s\n", lamp.light_switch ? "on" : "off");
    iot_thing_post(t, IOT_PROPERTIES(LAMP_LIGHT_SWITCH), 0, 0, NULL);
    done |= CALLED;
    return IOT_CODE_OK;
}

int32_t lamp_on_blink(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx;
    (void)t;
    (void)call;
    lamp.blink_out.done = lamp.blink_in.times;
    printf("blinked %d times\n", (int)lamp.blink_in.times);
    done |= CALLED;
    return IOT_CODE_OK;
}

int32_t lamp_on_measure(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx;
    (void)t;
    (void)call;
    lamp.measure_out.temp = lamp.temp;
    lamp.measure_out.energy = lamp.energy;
    done |= CALLED;
    return IOT_CODE_OK;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    if (ev->kind == IOT_EV_LOST)
        printf("lost: %s\n", iot_err_text(ev->err));
    if (ev->kind == IOT_EV_CONNECTED) {
        lamp.temp = 21.5f;
        lamp.started_event.reason = 0; /* power */
        iot_thing_post(&thing, NULL, 0, 0, &posted);
        iot_thing_event(&thing, LAMP_EVENT_STARTED, 0, 0, &reported);
    }
    if (ev->kind == IOT_EV_REPLY) {
        printf("the platform answered %ld\n", (long)ev->detail);
        if (ev->err == IOT_OK)
            done |= ev->ticket == posted ? POSTED : ev->ticket == reported ? REPORTED : 0;
    }
    if (ev->kind == IOT_EV_FAILED)
        printf("no answer: %s\n", iot_err_text(ev->err));
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

    const struct iot_thing_options lamp_options = {
        .model = &lamp_model, .values = &lamp, .on_set = on_set};

    if (!host_init(NULL) || iot_device_init(&device, &options) != IOT_OK ||
        iot_thing_attach(&device, &thing, &lamp_options) != IOT_OK)
        return 1;
    iot_device_connect(&device);
    while (sys_now() - start < end_ms && (done != ALL || !iot_device_idle(&device))) {
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return done == ALL ? 0 : 1;
}
