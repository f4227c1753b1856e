/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "iot/iot_static.h"
#include "lamp_model/lamp.h"

#define EVERY_MS    5000u
#define AGAIN_MS    10u   /* something is not ready: asked again so soon */
#define AGAIN_S_MIN 1000u /* before a call that could not be begun is tried again */
#define WORK_BYTES  1536u /* all properties of the lamp, twice, for CBOR */

/* RFC 7252 does not speak of it, the platform does: without TLS its port is another. */
#define SYMMETRIC_PORT 5682u

static struct iot_device device; /* does no MQTT: its tick carries what follows */
static struct iot_coap coap;
static struct iot_uplink uplink;
static struct iot_coap_server server;
static struct lamp_values lamp = {.brightness = 80, .temp = 21.5f, .name = "a lamp that reports"};
static uint8_t work[WORK_BYTES];

static struct report_options set;
static uint32_t now, every_ms;
static uint32_t due; /* bits of enum report_call */
static bool busy, stopped;
static uint32_t next_ms;     /* not before: the next call */
static uint32_t measured_ms; /* when the properties became due last */
static uint32_t acknowledged[REPORT_CALLS];

static bool reached(uint32_t moment_ms)
{
    return (int32_t)(now - moment_ms) >= 0;
}

/* ---- What it reports --------------------------------------------------------------------------- */

static void measure(void)
{
    lamp.temp = 21.5f + (float)(acknowledged[REPORT_PROPERTIES] % 5u) / 4;
    lamp.energy += lamp.light_switch ? 0.25 : 0.125;
}

static iot_err begin(enum report_call call)
{
    static const struct iot_uplink_tag tags[] = {{"SYS_CHIP", "none"}, {"SYS_LANGUAGE", "C"}};

    switch (call) {
    case REPORT_INFO:
        return iot_uplink_device_info(&uplink, tags, sizeof tags / sizeof tags[0]);
    case REPORT_VERSION:
        return iot_uplink_version(&uplink, NULL, set.version);
    case REPORT_PROPERTIES:
        return iot_uplink_properties(&uplink, &lamp_model, &lamp, NULL, 0);
    case REPORT_EVENT:
        lamp.started_event.reason = 0; /* power */
        return iot_uplink_event(&uplink, &lamp_model, &lamp, LAMP_EVENT_STARTED, 0);
    case REPORT_UPDATE:
        return iot_uplink_upgrade(&uplink, set.version);
    case REPORT_CALLS:
        break;
    }
    return IOT_ERR_ARG;
}

static enum report_call under_way;

/* What went well or is hopeless is not due any more; all else is, after a while. */
static void ended(iot_err err, int32_t detail, uint32_t again_ms, struct iot_bytes reply)
{
    const struct report_end end = {under_way, err, detail, again_ms, reply};

    busy = false;
    if (err == IOT_OK)
        acknowledged[under_way]++;
    if (err != IOT_OK && again_ms != IOT_MS_NEVER)
        due |= 1u << under_way;
    next_ms = now + (again_ms == IOT_MS_NEVER ? 0 : again_ms);
    set.on_end(&end);
}

static void on_result(void *ctx, struct iot_uplink *up, const struct iot_uplink_result *r)
{
    (void)ctx;
    (void)up;
    ended(r->err, r->detail, r->retry_ms, r->reply);
}

static void begin_next(void)
{
    static const struct iot_bytes nothing = {NULL, 0};
    enum report_call call = REPORT_INFO;

    while ((due & 1u << call) == 0)
        call++;
    under_way = call;
    due &= ~(1u << call); /* what changes from now on is not in it */
    iot_err err = begin(call);
    busy = err == IOT_OK;
    if (err == IOT_ERR_AGAIN) {
        due |= 1u << call;
        next_ms = now + AGAIN_MS;
    } else if (err != IOT_OK) {
        ended(err, 0, err == IOT_ERR_FULL ? AGAIN_S_MIN : IOT_MS_NEVER, nothing);
    }
}

/* The model names its services, and by CoAP nobody can call them. */
int32_t lamp_on_toggle(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx;
    (void)thing;
    (void)call;
    return IOT_CODE_CALL;
}

int32_t lamp_on_blink(void *ctx, struct iot_thing *thing, iot_call call)
{
    return lamp_on_toggle(ctx, thing, call);
}

int32_t lamp_on_measure(void *ctx, struct iot_thing *thing, iot_call call)
{
    return lamp_on_toggle(ctx, thing, call);
}

/* ---- Who is near ------------------------------------------------------------------------------- */

static void on_light_call(void *ctx, const struct iot_coap_call *call,
                          struct iot_coap_answer *answer)
{
    (void)ctx;
    if (call->method == IOT_COAP_GET) {
        answer->has_format = true;
        answer->format = IOT_COAP_TEXT;
        iot_writer_text(&answer->body, lamp.light_switch ? "1" : "0");
        return;
    }
    if (call->offset != 0 || call->part.len != 1 ||
        (call->part.ptr[0] != '0' && call->part.ptr[0] != '1')) {
        answer->code = IOT_COAP_CODE(4, 0);
        iot_writer_text(&answer->body, "0 or 1");
        return;
    }
    if (!call->last)
        return;
    bool on = call->part.ptr[0] == '1';
    if (on == lamp.light_switch)
        return;
    lamp.light_switch = on;
    due |= 1u << REPORT_PROPERTIES;
    iot_coap_server_changed(&server, "light");
    if (set.on_light != NULL)
        set.on_light(on);
}

static void on_status_call(void *ctx, const struct iot_coap_call *call,
                           struct iot_coap_answer *answer)
{
    struct iot_writer *w = &answer->body;

    (void)ctx;
    (void)call;
    answer->has_format = true;
    answer->format = IOT_COAP_JSON;
    iot_writer_text(w, "{\"light\":");
    iot_writer_text(w, lamp.light_switch ? "1" : "0");
    iot_writer_text(w, ",\"reports\":");
    iot_writer_u32(w, acknowledged[REPORT_PROPERTIES]);
    iot_writer_text(w, ",\"events\":");
    iot_writer_u32(w, acknowledged[REPORT_EVENT]);
    iot_writer_text(w, "}");
}

static const struct iot_coap_resource resources[] = {
    {"light", IOT_COAP_CAN_GET | IOT_COAP_CAN_PUT | IOT_COAP_OBSERVABLE | IOT_COAP_OPEN,
     "rt=\"light\";ct=0", on_light_call, NULL},
    {"status", IOT_COAP_CAN_GET, "rt=\"status\";ct=50", on_status_call, NULL},
};

/* ---- Beginning, life and end ------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    if (ev->kind == IOT_EV_CLOSED && set.on_closed != NULL)
        set.on_closed();
}

static void fill_tls(struct iot_tls_options *tls)
{
    tls->arena = set.arena;
    tls->arena_bytes = set.arena_bytes;
    if (set.way == REPORT_PSK) {
        /* Key and name are made of the identity. The suite that the platform has for them is an old one. */
        tls->kinds = IOT_TLS_PSK | (IOT_FEATURE_TLS_PLATFORM ? IOT_TLS_PLATFORM : 0);
        return;
    }
    tls->ca = &set.ca;
    tls->ca_count = 1;
    tls->server_name = set.name;
}

iot_err report_start(const struct report_options *options)
{
    static struct iot_options device_options = {.on_event = on_event};
    static struct iot_tls_options tls;
    static struct iot_coap_options client = {.doubt_after = 2};
    static struct iot_uplink_options up = {
        .coap = &coap, .work = work, .work_bytes = sizeof work, .on_result = on_result};
    static struct iot_coap_server_options near = {.resources = resources,
                                                  .resource_count =
                                                      sizeof resources / sizeof resources[0],
                                                  .plain = true};

    set = *options;
    every_ms = set.every_ms != 0 ? set.every_ms : EVERY_MS;
    due = (1u << REPORT_CALLS) - 1;
    device_options.port_ops = set.port;
    client.host = set.host;
    client.port =
        set.server_port != 0 || set.way != REPORT_SYMMETRIC ? set.server_port : SYMMETRIC_PORT;
    if (set.way == REPORT_PSK)
        client.link = set.link;
    if (set.way != REPORT_SYMMETRIC) {
        fill_tls(&tls);
        client.tls = &tls;
    }
    up.link = set.link;
    up.port = set.port;
    up.symmetric = set.way == REPORT_SYMMETRIC ? &iot_uplink_symmetric : NULL;
    up.cbor = set.cbor;
    near.listen.port = set.listen_port;

    iot_err err = iot_device_init(&device, &device_options);
    if (err == IOT_OK)
        err = iot_coap_init(&coap, &device, &client);
    if (err == IOT_OK)
        err = iot_uplink_init(&uplink, &up);
    if (err == IOT_OK)
        err = iot_coap_server_init(&server, &device, &near);
    return err;
}

uint32_t report_poll(uint32_t now_ms)
{
    now = now_ms;
    uint32_t sleep_ms = iot_poll(&device, now_ms);
    if (stopped)
        return sleep_ms;
    if (now - measured_ms >= every_ms) {
        measure();
        measured_ms = now;
        due |= 1u << REPORT_PROPERTIES;
    }
    if (!busy && due != 0 && reached(next_ms))
        begin_next();
    uint32_t wait_ms = every_ms - (now - measured_ms);
    if (!busy && due != 0 && !reached(next_ms) && next_ms - now < wait_ms)
        wait_ms = next_ms - now;
    else if (!busy && due != 0)
        wait_ms = 0;
    sleep_ms = iot_sleep_ms(&device, now_ms); /* something may have begun */
    return sleep_ms < wait_ms ? sleep_ms : wait_ms;
}

iot_err report_stop(uint32_t drain_ms)
{
    stopped = true;
    if (busy)
        (void)iot_uplink_cancel(&uplink);
    return iot_device_close(&device, drain_ms);
}

uint32_t report_acknowledged(enum report_call call)
{
    return acknowledged[call];
}

void report_memory(struct iot_tls_memory *out)
{
    iot_coap_tls_memory(&coap, out);
}
