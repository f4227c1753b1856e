/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor.h"

#include "iot/iot_static.h"

#include <string.h>

#define KEPT_KEY    "readings"
#define CONTEXT_KEY "association"
#define STORE_MS    10u /* a slow chip is asked again so soon */

/* A handshake with a pre-shared key, and no more; README says how much each kind wants. */
#define ARENA_BYTES (4608u + (sizeof(void *) - 4u) * 512u + IOT_TLS_RX_BYTES + IOT_TLS_TX_BYTES)

/* {"n":4294967295,"t":[-32768,...]} */
#define BODY_BYTES (24u + 7u * SENSOR_READINGS_MAX)

/* LOAD, KEEP, DROP ask the store, and wait while it is busy. */
enum phase { LOAD, KEEP, OFFLINE, POST, DROP, PARK, ASLEEP };

/* What is in the store: value[0] is reading number `first`. */
struct kept {
    uint32_t first, count;
    int16_t value[SENSOR_READINGS_MAX];
};

static struct iot_device device; /* does no MQTT: its tick carries the client below */
static struct iot_coap coap;
static uint64_t arena[(ARENA_BYTES + 7) / 8];

static const struct iot_port *port;
static enum phase phase;
static struct kept kept;
static int16_t reading;
static char body[BODY_BYTES];
static bool online, ended;
static uint32_t started_ms;
static iot_ticket request;
static struct sensor_report report;

/* ---- Readings ---------------------------------------------------------------------------------- */

static char *put_text(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
    return to;
}

static char *put_number(char *to, uint32_t number)
{
    char digits[10];
    uint32_t n = 0;

    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

static uint32_t write_body(void)
{
    char *to = put_number(put_text(body, "{\"n\":"), kept.first);

    to = put_text(to, ",\"t\":[");
    for (uint32_t i = 0; i < kept.count; i++) {
        int32_t value = kept.value[i];
        to = put_text(to, i > 0 ? "," : "");
        to = put_text(to, value < 0 ? "-" : "");
        to = put_number(to, (uint32_t)(value < 0 ? -value : value));
    }
    return (uint32_t)(put_text(to, "]}") - body);
}

static void add_reading(void)
{
    if (kept.count == SENSOR_READINGS_MAX) {
        memmove(kept.value, kept.value + 1, sizeof kept.value - sizeof kept.value[0]);
        kept.first++;
        kept.count--;
    }
    kept.value[kept.count++] = reading;
}

/* ---- The store --------------------------------------------------------------------------------- */

static iot_err load(void)
{
    uint32_t len = 0;
    iot_err err = port->kv_get(port->ctx, KEPT_KEY, &kept, sizeof kept, &len);

    if (err == IOT_ERR_STATE) { /* a new device */
        memset(&kept, 0, sizeof kept);
        kept.first = 1;
        return IOT_OK;
    }
    if (err == IOT_OK && (len != sizeof kept || kept.count > SENSOR_READINGS_MAX))
        return IOT_ERR_KV; /* of another program: our numbers cannot be known */
    return err;
}

static iot_err save(void)
{
    return port->kv_set(port->ctx, KEPT_KEY, &kept, sizeof kept);
}

/* ---- The request ------------------------------------------------------------------------------- */

static iot_err on_head(void *ctx, const struct iot_coap_head *head)
{
    (void)ctx;
    report.code = head->code;
    return IOT_OK;
}

/* Of its text, if there is any, a sensor can make nothing. */
static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part)
{
    (void)ctx;
    (void)offset;
    (void)part;
    return IOT_OK;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    (void)ctx;
    ended = true;
    report.err = err;
    report.detail = detail;
    report.arrived = err == IOT_OK && report.code >> 5 == 2; /* 2.04 Changed, or the like */
}

static iot_err post(void)
{
    static const struct iot_coap_handlers handlers = {
        .head = on_head, .body = on_body, .end = on_end};
    static struct iot_coap_request r = {.method = IOT_COAP_POST,
                                        .repeatable = true, /* readings are numbered */
                                        .has_format = true,
                                        .format = IOT_COAP_JSON,
                                        .path = "/readings",
                                        .on = &handlers};

    report.first = kept.first;
    report.count = kept.count;
    r.body = (struct iot_bytes){(const uint8_t *)body, write_body()};
    return iot_coap_start(&coap, &r, &request);
}

/* ---- One wake ---------------------------------------------------------------------------------- */

/* Nothing can be done in this wake: what was kept waits for the next one. */
static void give_up(iot_err err)
{
    report.err = err;
    phase = PARK;
}

static void next_phase(iot_err err, enum phase next)
{
    if (err == IOT_OK)
        phase = next;
    else if (err != IOT_ERR_AGAIN)
        give_up(err);
}

static void step(bool late)
{
    switch (phase) {
    case LOAD:
        next_phase(load(), KEEP);
        if (phase == KEEP)
            add_reading();
        break;
    case KEEP: /* before anybody else sees them: a number never stands for two readings */
        next_phase(save(), OFFLINE);
        break;
    case OFFLINE:
        if (online)
            next_phase(post(), POST);
        else if (late)
            give_up(IOT_ERR_UDP_ROUTE);
        break;
    case POST:
        if (ended)
            phase = report.arrived ? DROP : PARK;
        else if (late)
            (void)iot_coap_cancel(&coap, request); /* then it ends */
        break;
    case DROP:
        kept.first = report.first + report.count;
        kept.count = 0;
        next_phase(save(), PARK); /* not dropped: they are posted again */
        break;
    case PARK:
        if (iot_coap_idle(&coap))
            phase = ASLEEP;
        else
            (void)iot_coap_park(&coap);
        break;
    case ASLEEP:
        break;
    }
}

/* Of a device without MQTT there is nothing to tell. */
static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    (void)ev;
}

iot_err sensor_start(const struct sensor_options *options, int16_t tenths, uint32_t now_ms)
{
    static struct iot_options device_options = {.on_event = on_event};
    static struct iot_tls_options tls = {
        .kinds = IOT_TLS_PSK, .arena = arena, .arena_bytes = sizeof arena};
    static const struct iot_dtls_options dtls = {.cid = true, .context_key = CONTEXT_KEY};
    static struct iot_coap_options client = {.tls = &tls, .dtls = &dtls, .doubt_after = 2};

    port = options->port;
    reading = tenths;
    started_ms = now_ms;
    device_options.port_ops = port;
    tls.psk = options->key;
    tls.psk_identity = options->identity;
    client.host = options->host;
    client.port = options->server_port;
    iot_err err = iot_device_init(&device, &device_options);
    return err == IOT_OK ? iot_coap_init(&coap, &device, &client) : err;
}

void sensor_online(void)
{
    online = true;
}

uint32_t sensor_poll(uint32_t now_ms)
{
    uint32_t awake_ms = now_ms - started_ms;
    enum phase before = phase;

    iot_poll(&device, now_ms);
    step(awake_ms >= SENSOR_AWAKE_MS);
    if (phase != before)
        return 0;
    if (phase == LOAD || phase == KEEP || phase == DROP)
        return STORE_MS;
    uint32_t sleep_ms = iot_sleep_ms(&device, now_ms); /* step may have asked for something */
    if (awake_ms < SENSOR_AWAKE_MS && sleep_ms > SENSOR_AWAKE_MS - awake_ms)
        return SENSOR_AWAKE_MS - awake_ms;
    return sleep_ms;
}

bool sensor_asleep(void)
{
    return phase == ASLEEP;
}

const struct sensor_report *sensor_report(void)
{
    struct iot_coap_counters counters;

    iot_coap_counters(&coap, &counters);
    report.resumed = counters.resumed > 0 && counters.handshakes == 0;
    return &report;
}

void sensor_memory(struct iot_tls_memory *out)
{
    iot_coap_tls_memory(&coap, out);
}
