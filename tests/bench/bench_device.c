/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions on the hot paths of a real device: everything between the application's call and
 * the stream, which is a stub that takes everything. Each span is warm: the same thing was done
 * WARM times before. What a build is too small for is left out. */
#include "../support/no_tcp.h" /* TCP is not part of the measurement */
#include "bench.h"
#include "mark.h"

#include "iot/iot_static.h"

#include <string.h>

#define WARM          3u
#define PUBLISH_TOPIC "home/room07/lamp2/get/rgb" /* 25 bytes */
#define PAYLOAD_BYTES 64u                         /* of received messages */
#define BURST         20u
#define FILTERS       100u
#define FILTER_BYTES  40u

/* ---- The stub stream ---------------------------------------------------------------------- */

struct stub {
    struct iot_stream base;
    const uint8_t *in; /* what the next reads find */
    uint32_t in_len;
    uint32_t written;
    uint32_t watch;    /* the span ends when so many more bytes have been offered; 0: not here */
    uint8_t log[2048]; /* while connecting: what was written */
    uint32_t log_len;
};

static iot_err stub_open(struct iot_stream *s, const struct iot_endpoint *to, iot_time now)
{
    (void)s, (void)to, (void)now;
    return IOT_OK;
}

static iot_err stub_poll(struct iot_stream *s, iot_time now)
{
    (void)s, (void)now;
    return IOT_OK;
}

static iot_err stub_read(struct iot_stream *s, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct stub *stub = (struct stub *)s;
    uint32_t n = stub->in_len < cap ? stub->in_len : cap;

    if (n == 0)
        return IOT_ERR_AGAIN;
    memcpy(into, stub->in, n);
    stub->in += n;
    stub->in_len -= n;
    *got = n;
    return IOT_OK;
}

static iot_err stub_write(struct iot_stream *s, struct iot_bytes bytes,
                          enum iot_stream_write_flag how, iot_time now, uint32_t *taken)
{
    struct stub *stub = (struct stub *)s;

    (void)how, (void)now;
    if (stub->watch != 0) {
        stub->watch -= bytes.len;
        if (stub->watch == 0)
            mark_end();
    }
    stub->written += bytes.len;
    *taken = bytes.len;
    return IOT_OK;
}

static iot_err stub_write_log(struct iot_stream *s, struct iot_bytes bytes,
                              enum iot_stream_write_flag how, iot_time now, uint32_t *taken)
{
    struct stub *stub = (struct stub *)s;

    if (bytes.len > sizeof stub->log - stub->log_len)
        mark_fail("the stub's log is too small");
    memcpy(stub->log + stub->log_len, bytes.ptr, bytes.len);
    stub->log_len += bytes.len;
    return stub_write(s, bytes, how, now, taken);
}

static void stub_flush(struct iot_stream *s)
{
    (void)s;
}

static uint32_t stub_released(const struct iot_stream *s)
{
    return ((const struct stub *)s)->written;
}

static void stub_close(struct iot_stream *s, iot_time deadline)
{
    (void)s, (void)deadline;
}

static void stub_abort(struct iot_stream *s)
{
    (void)s;
}

static iot_time stub_deadline(const struct iot_stream *s)
{
    (void)s;
    return IOT_TIME_NEVER;
}

static bool stub_idle(const struct iot_stream *s)
{
    (void)s;
    return true;
}

static int32_t stub_detail(const struct iot_stream *s)
{
    (void)s;
    return 0;
}

#define STUB_OPS(write_function)                                                                   \
    {                                                                                              \
        .open = stub_open, .poll = stub_poll, .read = stub_read, .write = (write_function),        \
        .flush = stub_flush, .released = stub_released, .close = stub_close, .abort = stub_abort,  \
        .deadline = stub_deadline, .idle = stub_idle, .detail = stub_detail                        \
    }

static const struct iot_stream_ops connecting_ops = STUB_OPS(stub_write_log);
static const struct iot_stream_ops measured_ops = STUB_OPS(stub_write);

/* ---- The application ---------------------------------------------------------------------- */

static struct iot_device device;
static struct stub stub;
static uint32_t now_ms;
static char filters[FILTERS][FILTER_BYTES];
static uint32_t events[IOT_EV_CLOSED + 1];
static uint32_t handled;        /* messages that reached a handler */
static const void *handled_ctx; /* and the filter of the last one */

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx, (void)dev;
    events[ev->kind]++;
}

static iot_err on_message(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)dev, (void)msg;
    handled++;
    handled_ctx = ctx;
    return IOT_OK;
}

static iot_err no_chance(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 7, n);
    return IOT_OK;
}

static const struct iot_port port = {.random = no_chance};
static const struct iot_options options = {
    .host = "broker",
    .client_id = "bench",
    .keepalive_s = 60,
    .on_event = on_event,
    .port_ops = &port,
    .stream = &stub.base,
};

/* What a gateway in a house listens to: of names that begin alike, some with wildcards. Each name
 * among them, the first above all, matches no other one. */
static void fill_filters(void)
{
    static const char *const few[] = {
        "home/room07/lamp2/set/rgb",
        "home/room07/lamp2/get/+",
        "home/room07/lamp1/set/rgb",
        "home/+/alarm",
        "home/room99/#",
        "$SYS/broker/uptime",
        "+/broadcast/set",
        "home/room07/+/ota",
        "fw/lamp-a/#",
        "home/room12/lamp4/set/rgb",
    };
    static const char *const in_each_room[] = {
        "home/room00/lamp3/set/rgb", "home/room00/lamp3/set/dim", "home/room00/blind/set/+",
        "home/room00/+/cal",         "home/room00/scene/#",       "home/room00/heat/set/goal",
    };
    uint32_t n = 0;

    for (; n < sizeof few / sizeof few[0]; n++)
        strcpy(filters[n], few[n]);
    for (; n < FILTERS; n++) {
        uint32_t room = (n - 10) / 6 + 1;
        strcpy(filters[n], in_each_room[n % 6]);
        filters[n][9] = (char)('0' + room / 10);
        filters[n][10] = (char)('0' + room % 10);
    }
}

static void tick(void)
{
    iot_poll(&device, ++now_ms);
}

/* Acknowledge each SUBSCRIBE in the log. */
static void answer_subscribes(void)
{
    static uint8_t subacks[sizeof stub.log];
    uint32_t n = 0;

    for (uint32_t at = 0; at < stub.log_len; at += 2u + stub.log[at + 1]) {
        const uint8_t suback[] = {0x90, 3, stub.log[at + 2], stub.log[at + 3], 0};
        if (stub.log[at] != 0x82 || stub.log[at + 1] > 127)
            mark_fail("a SUBSCRIBE was expected");
        memcpy(subacks + n, suback, sizeof suback);
        n += (uint32_t)sizeof suback;
    }
    stub.log_len = 0;
    stub.in = subacks;
    stub.in_len = n;
    iot_stream_wake(&stub.base);
}

static void connect_device(uint32_t subscriptions)
{
    static const uint8_t connack[] = {0x20, 2, 0, 0};

    memset(&stub, 0, sizeof stub);
    memset(events, 0, sizeof events);
    stub.base.ops = &connecting_ops;
    if (iot_device_init(&device, &options) != IOT_OK || iot_device_connect(&device) != IOT_OK)
        mark_fail("the device cannot be started");
    tick(); /* opens the stream */
    iot_stream_wake(&stub.base);
    tick(); /* sends CONNECT */
    stub.log_len = 0;
    stub.in = connack;
    stub.in_len = sizeof connack;
    iot_stream_wake(&stub.base);
    tick();
    if (!iot_device_connected(&device))
        mark_fail("the device does not connect");

    for (uint32_t i = 0; i < subscriptions; i++) {
        struct iot_filter f = {.on_message = on_message, .ctx = filters[i]};
        f.filter.text = filters[i];
        f.filter.len = (uint16_t)strlen(filters[i]);
        if (iot_mqtt_subscribe(&device, &f, NULL) != IOT_OK)
            mark_fail("a filter is refused");
        tick();
        answer_subscribes();
        while (iot_sleep_ms(&device, now_ms) == 0)
            tick();
    }
    if (events[IOT_EV_SUBACK] != subscriptions || !iot_device_idle(&device))
        mark_fail("not all is subscribed");
    stub.base.ops = &measured_ops;
}

/* ---- Publish ------------------------------------------------------------------------------ */

static void publish_once(const struct iot_msg *msg)
{
    if (iot_mqtt_publish(&device, msg, NULL) != IOT_OK)
        mark_fail("a message is refused");
    tick();
}

/* Once to the last byte at the stream, once to the end of the tick. */
static void measure_publish(bool prepared, bool by_ref, uint32_t len)
{
    static uint8_t payload[1024];
    struct iot_msg msg = {.topic = IOT_TOPIC(PUBLISH_TOPIC), .payload = {payload, len}};
    const char *how = by_ref ? "reference" : "copy";
    const char *topic = prepared ? "prepared" : "raw";
    uint32_t body = 2u + (uint32_t)sizeof PUBLISH_TOPIC - 1 + len;
    uint32_t packet = (body < 128 ? 2u : 3u) + body;

    if (!by_ref && packet > IOT_MQTT_TX_BYTES)
        return;
    if (by_ref)
        msg.flags = IOT_MSG_BY_REF;
    if (prepared &&
        iot_topic_prepare(&msg.topic, PUBLISH_TOPIC, sizeof PUBLISH_TOPIC - 1) != IOT_OK)
        mark_fail("the topic cannot be prepared");

    connect_device(0);
    for (uint32_t i = 0; i < WARM; i++)
        publish_once(&msg);
    uint32_t before = stub.written;
    stub.watch = packet;
    mark_begin();
    publish_once(&msg); /* the stub ends the span */
    mark_name("publish/%s/%s/%u", how, topic, (unsigned)len);
    if (stub.watch != 0 || stub.written - before != packet)
        mark_fail("the message was not sent whole in one tick");

    mark_begin();
    publish_once(&msg);
    mark_end();
    mark_name("publish/%s/%s/%u/tick", how, topic, (unsigned)len);
    if (events[IOT_EV_DONE] != WARM + 2)
        mark_fail("not every message is done");
}

/* ---- Dispatch ----------------------------------------------------------------------------- */

static uint8_t packets[BURST * 128];

/* `count` PUBLISH packets for this name, behind each other. Returns their bytes. */
static uint32_t fill_packets(const char *name, uint32_t count)
{
    uint32_t topic = (uint32_t)strlen(name);
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        packets[at++] = 0x30;
        packets[at++] = (uint8_t)(2 + topic + PAYLOAD_BYTES);
        packets[at++] = 0;
        packets[at++] = (uint8_t)topic;
        memcpy(packets + at, name, topic);
        at += topic;
        memset(packets + at, 'x', PAYLOAD_BYTES);
        at += PAYLOAD_BYTES;
    }
    return at;
}

static void receive(uint32_t len)
{
    stub.in = packets;
    stub.in_len = len;
    iot_stream_wake(&stub.base);
}

/* One tick with one packet. */
static void measure_packet(uint32_t subscriptions, uint32_t filter)
{
    uint32_t len = fill_packets(filters[filter], 1);

    for (uint32_t i = 0; i < WARM; i++) {
        receive(len);
        tick();
    }
    handled = 0;
    receive(len);
    mark_begin();
    tick();
    mark_end();
    mark_name("dispatch/%u/%u", (unsigned)subscriptions, (unsigned)filter);
    if (handled != 1 || handled_ctx != filters[filter])
        mark_fail("a packet did not reach its handler");
}

/* A tick that was woken and finds nothing, what the others are compared with. */
static void measure_nothing(uint32_t subscriptions)
{
    for (uint32_t i = 0; i < WARM; i++) {
        receive(0);
        tick();
    }
    receive(0);
    mark_begin();
    tick();
    mark_end();
    mark_name("nothing/%u", (unsigned)subscriptions);
}

/* All the ticks that many packets take. */
static void measure_burst(uint32_t subscriptions)
{
    uint32_t len = fill_packets(filters[0], BURST);
    uint32_t ticks = 0;

    for (uint32_t i = 0; i <= WARM; i++) {
        handled = ticks = 0;
        receive(len);
        if (i == WARM)
            mark_begin();
        do {
            tick();
            ticks++;
        } while (handled < BURST && ticks < BURST);
        if (i == WARM)
            mark_end();
        while (iot_sleep_ms(&device, now_ms) == 0)
            tick();
    }
    if (handled != BURST)
        mark_fail("not all packets reached their handler");
    mark_name("burst/%u/%u", (unsigned)subscriptions, (unsigned)ticks);
}

static void measure_idle(uint32_t subscriptions)
{
    for (uint32_t i = 0; i < WARM; i++)
        tick();
    if (iot_sleep_ms(&device, now_ms) == 0)
        mark_fail("the device is not idle");
    mark_begin();
    tick();
    mark_end();
    mark_name("idle/%u", (unsigned)subscriptions);
}

static void measure_receiving(uint32_t subscriptions)
{
    if (subscriptions > IOT_MQTT_SUBS_MAX)
        return;
    connect_device(subscriptions);
    for (uint32_t i = 0; i < subscriptions; i++)
        if (strpbrk(filters[i], "+#") == NULL)
            measure_packet(subscriptions, i);
    measure_nothing(subscriptions);
    measure_burst(subscriptions);
    measure_idle(subscriptions);
}

void bench_device(void)
{
    static const uint32_t sizes[] = {64, 1024};

    fill_filters();
    for (uint32_t i = 0; i < 8; i++)
        measure_publish(i & 1u, i & 2u, sizes[i >> 2]);
    measure_receiving(1);
    measure_receiving(10);
    measure_receiving(100);
}
