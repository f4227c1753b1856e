/* SPDX-License-Identifier: Apache-2.0 */
/* A device of the platform over a stub stream: what it publishes and what it is told come as words, a line each. For a
 * test program that includes this once. */
#ifndef ALINK_DEVICE_H
#define ALINK_DEVICE_H

#include "stub_device.h"

#define SYS  "/sys/a1B2c3D4e5F/dev001/"
#define OURS "a1B2c3D4e5F/dev001"

static struct iot_link_identity who;
static char told[16384]; /* events since the last look */
static uint32_t seen;    /* bytes of what was sent on this link, */
static uint32_t link_no; /* which has this number */
static bool acks;        /* the broker acknowledges QoS 1 */
static void (*on_told)(const struct iot_event *ev);
static const char *const notices[] = {"DISABLED",  "ENABLED",  "DELETED", "ERROR",
                                      "BOOTSTRAP", "IDENTITY", "TIME",    "CONFIG",
                                      "LOG",       "BIND",     "RESET",   "SHADOW"};

__attribute__((format(printf, 1, 2))) static inline void tell(const char *format, ...)
{
    size_t at = strlen(told);
    va_list args;

    va_start(args, format);
    vsnprintf(told + at, sizeof told - at, format, args);
    va_end(args);
}

static inline void on_alink_event(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    const struct iot_notice *n = ev->notice;

    on_event(ctx, d, ev);
    switch (ev->kind) {
    case IOT_EV_REPLY:
        tell("REPLY %u %s %d %.*s\n", ev->ticket, iot_err_name(ev->err), ev->detail,
             (int)ev->reply->data.len, (const char *)ev->reply->data.ptr);
        break;
    case IOT_EV_NOTICE:
        assert_in_range(n->kind, 0, COUNT(notices) - 1);
        tell("%s %s %d %.*s\n", notices[n->kind], iot_err_name(ev->err), n->code, (int)n->data.len,
             (const char *)n->data.ptr);
        break;
    case IOT_EV_DONE:
        tell("DONE %u\n", ev->ticket);
        break;
    case IOT_EV_FAILED:
        tell("FAILED %u %s\n", ev->ticket, iot_err_name(ev->err));
        break;
    case IOT_EV_SKIPPED:
        tell("SKIPPED %s\n", iot_err_name(ev->err));
        break;
    case IOT_EV_MESSAGE:
        tell("MESSAGE %.*s\n", ev->msg->topic.len, ev->msg->topic.text);
        break;
    case IOT_EV_CLOSED:
        tell("CLOSED\n");
        break;
    default:
        break;
    }
    if (on_told != NULL)
        on_told(ev);
}

static inline const char *heard(void)
{
    static char words[sizeof told];

    memcpy(words, told, sizeof words);
    told[0] = 0;
    return words;
}

static inline void alink_setup(const struct iot_port *port)
{
    stub_device_setup(port);
    who = (struct iot_link_identity){.product_key = "a1B2c3D4e5F",
                                     .device_name = "dev001",
                                     .device_secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                                     .system_topics = true};
    opt.host = opt.client_id = NULL;
    opt.link = &who;
    opt.on_event = on_alink_event;
    opt.keepalive_s = 0; /* time may pass without pings */
    seen = link_no = 0;
    told[0] = 0;
    on_told = NULL;
    acks = true;
}

/* The broker accepts, after iot_device_connect or a lost link. */
static inline void alink_up(void)
{
    accept_login(false);
}

static inline void alink_begin(void)
{
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    alink_up();
    (void)heard();
}

/* What was published since the last look, "QOS TOPIC PAYLOAD" a line; other packets are left out, but for SUBSCRIBE. */
static inline const char *published(void)
{
    static char words[16384];
    struct wire_packet p;
    size_t at = 0;

    run(0);
    words[0] = 0;
    struct iot_bytes rest = stub_sent(&stub);
    if (link_no != stub.opens)
        seen = 0;
    link_no = stub.opens;
    rest.ptr += seen;
    rest.len -= seen;
    while (wire_next(&rest, &p)) {
        seen += p.whole.len;
        if (p.type == 3)
            at += (size_t)snprintf(words + at, sizeof words - at, "%u %.*s %.*s\n",
                                   p.flags >> 1 & 3u, (int)p.topic.len, (const char *)p.topic.ptr,
                                   (int)p.payload.len, (const char *)p.payload.ptr);
        if (p.type == 8)
            at += (size_t)snprintf(words + at, sizeof words - at, "SUBSCRIBE %u %.*s\n",
                                   p.payload.ptr[0], (int)p.topic.len, (const char *)p.topic.ptr);
        if (p.type == 3 && p.id != 0 && acks)
            wire_ack(&in, 0x40, p.id);
        if (p.type == 8 && acks)
            wire_suback(&in, p.id, p.payload.ptr[0]);
    }
    receive();
    run(0);
    return words;
}

static inline void feed(const char *topic, const char *payload)
{
    wire_publish(&in, 0, topic, 0, payload, (uint32_t)strlen(payload));
    receive();
    run(0);
}

/* The reply of the platform to a request on `method`, with `id`. */
static inline void feed_reply(const char *method, uint32_t id, int code, const char *data)
{
    char topic[160], payload[1024];

    snprintf(topic, sizeof topic, SYS "%s_reply", method);
    snprintf(payload, sizeof payload,
             "{\"code\":%d,\"data\":%s,\"id\":\"%u\",\"message\":\"m\",\"version\":\"1.0\"}", code,
             data, id);
    feed(topic, payload);
}

#define assert_told(words)      assert_string_equal(heard(), words)
#define assert_published(words) assert_string_equal(published(), words)

static inline iot_err even_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

#endif
