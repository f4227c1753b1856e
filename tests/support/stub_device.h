/* SPDX-License-Identifier: Apache-2.0 */
/* One device over a stub stream, with its options, its events and its clock, for a test program that
 * includes this once. */
#ifndef STUB_DEVICE_H
#define STUB_DEVICE_H

#include "heap_trap.h"
#include "iot/iot_static.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"
#include "no_tcp.h"
#include "stub_stream.h"
#include "test.h"

static struct iot_device dev;
static struct stub_stream stub;
static struct iot_options opt;
static struct wire in; /* what the broker says next */
static uint32_t now_ms;
static uint32_t events[IOT_EV_CLOSED + 1];
static struct iot_event last[IOT_EV_CLOSED + 1];

static inline void on_event(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    (void)ctx;
    (void)d;
    events[ev->kind]++;
    last[ev->kind] = *ev;
}

/* Options that most tests want, a blank stub; the device is not initialised. */
static inline void stub_device_setup(const struct iot_port *port)
{
    heap_trap_off();
    stub_init(&stub);
    memset(&opt, 0, sizeof opt);
    memset(events, 0, sizeof events);
    memset(&dev, 0xee, sizeof dev); /* as memory is after power-up */
    wire_clear(&in);
    opt.host = "broker.example";
    opt.client_id = "d";
    opt.keepalive_s = 60;
    opt.backoff_cap_ms = 1000;
    opt.on_event = on_event;
    opt.port_ops = port;
    opt.stream = &stub.base;
    now_ms = 0xffffff00u; /* wraps soon */
}

/* Ticks when the device asks for them, at least once. */
static inline void run(uint32_t ms)
{
    uint32_t end = now_ms + ms;
    heap_trap_on();
    for (uint32_t ticks = 0;; ticks++) {
        uint32_t sleep = iot_poll(&dev, now_ms);
        uint32_t left = end - now_ms;
        if (left == 0 && (sleep != 0 || ticks > 200))
            break;
        assert_true(ticks < 100000);
        now_ms += left == 0 || sleep == 0 ? left != 0 : sleep < left ? sleep : left;
    }
    heap_trap_off();
}

static inline void receive(void)
{
    stub_receive(&stub, wire_bytes(&in));
    wire_clear(&in);
}

/* The broker accepts; after iot_device_connect. */
static inline void accept_login(bool session_present)
{
    uint32_t before = events[IOT_EV_CONNECTED];
    run(2000);
    wire_clear(&in);
    wire_connack(&in, session_present, 0);
    receive();
    run(10);
    assert_int_equal(events[IOT_EV_CONNECTED], before + 1);
}

static inline const char *sent_words(void)
{
    return wire_words(stub_sent(&stub));
}

#endif
