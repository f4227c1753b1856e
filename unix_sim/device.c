/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file device.c
 * build/device, what `make run` starts: a simulated device that connects, publishes a reading each second,
 * and prints what happens in words. FOR=seconds after the first CONNACK; default 30, 0: until Ctrl-C. Where
 * it connects to is said in device_place.h: without more words, to an emulated platform on this machine, by
 * TLS and with a signed login.
 *
 * Exit 0: at least one message was acknowledged, and none failed.
 */
#include "device_place.h"
#include "device_say.h"
#include "host/host_child.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "host/host_signal.h"
#include "host/host_text.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "unix/iot_port_unix.h"

#include "lwip/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READING_MS          1000u
#define REACH_MS            30000u /* no CONNACK in this and FOR: give up. One attempt fits */
#define DRAIN_MS            3000u
#define CLOSE_MS_MAX        8000u
#define FOR_S_MAX           (365u * 24u * 3600u)
#define READINGS_REMEMBERED 16u    /* at least IOT_MQTT_OUT_MAX: to say which one is acknowledged */
#define LOG_MS              200u   /* the emulator's log is looked at so often */
#define HOPELESS_MS         60000u /* such a wait says that a person has to act */
#define SHOWN_MAX           120u   /* bytes of a received payload that are shown */

struct reading {
    iot_ticket ticket;
    uint32_t number;
    uint64_t sent_ms;
};

/* All times in ms of host_clock_ms. up_ms: the first CONNACK; 0: not yet. */
struct app {
    struct place place;
    struct iot_device device;
    struct iot_options options;
    struct iot_port port;
    struct iot_topic topic;
    uint32_t for_s;
    uint64_t start_ms, up_ms, next_reading_ms;
    struct reading sent[READINGS_REMEMBERED];
    uint32_t numbers, accepted, acknowledged, failed, received, connects;
    iot_err failure;
    bool closed, greeted, queue_full, hopeless;
};

/* ---- What the device does ------------------------------------------------------------------ */

static struct reading *find_reading(struct app *app, iot_ticket ticket)
{
    for (uint32_t i = 0; i < READINGS_REMEMBERED; i++)
        if (app->sent[i].ticket == ticket)
            return &app->sent[i];
    return NULL;
}

static void publish_reading(struct app *app)
{
    char text[128];
    struct iot_msg msg;
    struct reading *slot = find_reading(app, 0);
    uint32_t number = app->numbers + 1, tenths = 200 + number * 7 % 30;
    iot_ticket ticket;

    int len =
        snprintf(text, sizeof text, "{\"n\":%lu,\"uptime_s\":%lu,\"temperature\":%lu.%lu}",
                 (unsigned long)number, (unsigned long)((host_clock_ms() - app->start_ms) / 1000),
                 (unsigned long)(tenths / 10), (unsigned long)(tenths % 10));
    memset(&msg, 0, sizeof msg);
    msg.topic = app->topic;
    msg.payload.ptr = (const uint8_t *)text;
    msg.payload.len = (uint32_t)len;
    msg.qos = 1;
    iot_err err = slot == NULL ? IOT_ERR_FULL : iot_mqtt_publish(&app->device, &msg, &ticket);
    if (err == IOT_ERR_FULL) {
        if (!app->queue_full)
            say(PLAIN, "queue full", "readings are left out until there is room");
        app->queue_full = true;
        return;
    }
    app->numbers = number;
    app->queue_full = false;
    if (err != IOT_OK) {
        app->failed++;
        app->failure = err;
        say(RED, "refused", "reading %lu: %s", (unsigned long)number, iot_err_text(err));
        return;
    }
    app->accepted++;
    *slot = (struct reading){ticket, number, host_clock_ms()};
    say(PLAIN, "publish", "reading %lu  %s", (unsigned long)number, text);
}

static iot_err on_command(void *ctx, struct iot_device *device, const struct iot_msg *msg)
{
    struct app *app = ctx;
    char text[SHOWN_MAX + 4];
    uint32_t n = msg->payload.len < SHOWN_MAX ? msg->payload.len : SHOWN_MAX;

    (void)device;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t c = msg->payload.ptr[i];
        text[i] = (char)(c < ' ' || c == 0x7f ? '.' : c);
    }
    strcpy(text + n, n < msg->payload.len ? "..." : "");
    app->received++;
    say(GREEN, "received", "%s  (%lu bytes, QoS %u%s)", text, (unsigned long)msg->payload.len,
        (unsigned)msg->qos, (msg->flags & IOT_MSG_RETAIN) != 0 ? ", retained" : "");
    return IOT_OK;
}

static void on_connected(struct app *app)
{
    const struct place *p = &app->place;

    if (p->kind == PLACE_BROKER)
        say(GREEN, "connected", "to %s port %u as %s", p->host, (unsigned)p->port, p->client_id);
    else
        say(GREEN, "connected", "as %s of product %s; the signature was accepted",
            p->identity.device_name, p->identity.product_key);
    app->connects++;
    app->hopeless = false;
    if (app->up_ms == 0) {
        app->up_ms = host_clock_ms();
        app->next_reading_ms = app->up_ms;
        place_show_commands(p);
    }
}

/* A message has come to its end. */
static void on_end(struct app *app, const struct iot_event *ev)
{
    struct reading *r = find_reading(app, ev->ticket);
    unsigned long number = r != NULL ? r->number : 0;

    if (ev->kind == IOT_EV_DONE) {
        app->acknowledged++;
        say(PLAIN, "done", "reading %lu acknowledged after %lu ms", number,
            r != NULL ? (unsigned long)(host_clock_ms() - r->sent_ms) : 0);
    } else {
        app->failed++;
        app->failure = ev->err;
        say(RED, "failed", "reading %lu: %s", number, iot_err_text(ev->err));
    }
    if (r != NULL)
        r->ticket = 0;
}

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    struct app *app = ctx;

    (void)device;
    switch (ev->kind) {
    case IOT_EV_CONNECTING:
        say(PLAIN, "connecting", "to %s port %u", app->place.host, (unsigned)app->place.port);
        break;
    case IOT_EV_CONNECTED:
        on_connected(app);
        break;
    case IOT_EV_LOST:
        say_lost(ev);
        app->hopeless = ev->delay_ms >= HOPELESS_MS || ev->err == IOT_ERR_TLS_VERIFY;
        break;
    case IOT_EV_DONE:
    case IOT_EV_FAILED:
        on_end(app, ev);
        break;
    case IOT_EV_SUBACK:
        if (ev->err == IOT_OK)
            say(PLAIN, "subscribed", "to %s, QoS %u", app->place.commands, (unsigned)ev->code);
        else
            say(RED, "refused", "%s: %s", app->place.commands, iot_err_text(ev->err));
        break;
    case IOT_EV_SKIPPED:
        say(RED, "skipped", "a message: %s [%ld]", iot_err_text(ev->err), (long)ev->detail);
        break;
    case IOT_EV_CLOSED:
        app->closed = true;
        say(PLAIN, "closed", "the connection has ended");
        break;
    case IOT_EV_UNSUBACK:
    case IOT_EV_MESSAGE:
    case IOT_EV_WRITABLE:
    case IOT_EV_REPLY:
    case IOT_EV_NOTICE:
    case IOT_EV_REGISTERED:
    case IOT_EV_BUSY:
        break;
    }
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static bool start_device(struct app *app)
{
    struct iot_options *o = &app->options;
    struct place *p = &app->place;
    struct iot_filter filter;

    o->keepalive_s = 30;
    o->on_event = on_event;
    o->ctx = app;
    app->port = iot_port_unix;
    app->port.log = say_log;
    o->port_ops = &app->port;
    place_options(p, o);
    iot_err err = iot_device_init(&app->device, o);
    if (err == IOT_OK)
        err = iot_device_connect(&app->device);
    if (err == IOT_OK)
        err = iot_topic_prepare(&app->topic, p->readings, (uint32_t)strlen(p->readings));
    memset(&filter, 0, sizeof filter);
    filter.filter = (struct iot_topic){p->commands, (uint16_t)strlen(p->commands), 0};
    filter.qos = 1;
    filter.on_message = on_command;
    filter.ctx = app;
    if (err == IOT_OK)
        err = iot_mqtt_subscribe(&app->device, &filter, NULL);
    if (err != IOT_OK)
        fprintf(stderr, "cannot start the device: %s\n", iot_err_text(err));
    return err == IOT_OK;
}

/* Why to stop, or NULL to go on. */
static const char *reason_to_stop(const struct app *app, uint64_t now_ms)
{
    uint64_t for_ms = app->for_s * 1000ull;

    if (host_signal_seen() != 0)
        return "asked to";
    if (app->hopeless && (app->up_ms == 0 || for_ms != 0))
        return "another attempt would end alike";
    if (for_ms == 0)
        return NULL;
    if (app->up_ms == 0)
        return now_ms - app->start_ms >= for_ms + REACH_MS ? "nobody was reached" : NULL;
    return now_ms - app->up_ms >= for_ms ? "the time is over" : NULL;
}

static uint32_t smaller(uint32_t a, uint64_t b)
{
    return b < a ? (uint32_t)b : a;
}

/* Once the device has shown that it can send, it is shown that it can receive. */
static void greet(struct app *app)
{
    if (app->greeted || app->acknowledged < 2)
        return;
    app->greeted = true;
    place_send(&app->place, "hello from the cloud");
}

static void work(struct app *app)
{
    const char *reason;

    for (;;) {
        uint64_t now_ms = host_clock_ms();
        if ((reason = reason_to_stop(app, now_ms)) != NULL)
            break;
        if (app->up_ms != 0 && now_ms >= app->next_reading_ms) {
            publish_reading(app);
            app->next_reading_ms += READING_MS;
        }
        greet(app);
        uint32_t wait_ms = iot_poll(&app->device, sys_now());
        now_ms = host_clock_ms();
        if (app->up_ms != 0) {
            uint64_t end_ms = app->up_ms + app->for_s * 1000ull;
            wait_ms =
                smaller(wait_ms, app->next_reading_ms > now_ms ? app->next_reading_ms - now_ms : 0);
            if (app->for_s != 0)
                wait_ms = smaller(wait_ms, end_ms > now_ms ? end_ms - now_ms : 0);
        }
        place_show_log(&app->place);
        host_turn(smaller(wait_ms, LOG_MS));
    }
    say(PLAIN, "closing", "%s", reason);
    uint64_t since_ms = host_clock_ms();
    if (iot_device_close(&app->device, DRAIN_MS) != IOT_OK)
        return;
    while (!app->closed && host_clock_ms() - since_ms < CLOSE_MS_MAX)
        host_turn(smaller(iot_poll(&app->device, sys_now()), 100));
}

static void explain(const struct app *app, iot_err reason, int32_t detail)
{
    const char *more = iot_err_detail_text(reason, detail);
    bool no_name = reason == IOT_ERR_DNS_UNKNOWN || reason == IOT_ERR_DNS_TIMEOUT;

    printf("  not good    never logged in: %s [%s]\n", iot_err_text(reason), iot_err_name(reason));
    if (more[0] != 0)
        printf("              %s\n", more);
    if (no_name && app->place.kind == PLACE_PLATFORM)
        printf("              is there a network, and does %s resolve on this machine?\n",
               app->place.host);
}

static int summarize(const struct app *app)
{
    struct iot_pool_use use;
    int32_t detail;
    iot_err reason = iot_device_last_reason(&app->device, &detail);

    printf("\n  messages    %lu accepted, %lu acknowledged, %lu failed, %lu received\n",
           (unsigned long)app->accepted, (unsigned long)app->acknowledged,
           (unsigned long)app->failed, (unsigned long)app->received);
    printf("  reconnects  %lu\n", (unsigned long)(app->connects > 0 ? app->connects - 1 : 0));
    printf("  pools       most in use of what there is:");
    for (uint32_t i = 0; iot_device_pool(&app->device, i, &use); i++)
        printf("%s %s %lu/%lu", i > 0 ? "," : "", use.name, (unsigned long)use.high,
               (unsigned long)use.max);
    printf("\n");
    if (app->connects == 0)
        explain(app, reason, detail);
    else if (app->hopeless)
        printf("  not good    %s [%s]\n", iot_err_text(reason), iot_err_name(reason));
    else if (app->failed > 0 && app->failure == IOT_ERR_CLOSED && reason != IOT_OK)
        printf("  not good    %lu not acknowledged when the time was over; last trouble: %s\n",
               (unsigned long)app->failed, iot_err_text(reason));
    else if (app->failed > 0)
        printf("  not good    %lu failed, the last with: %s\n", (unsigned long)app->failed,
               iot_err_text(app->failure));
    else if (app->acknowledged == 0)
        printf("  not good    no message was acknowledged\n");
    fflush(stdout);
    return app->hopeless || app->failed > 0 || app->acknowledged == 0;
}

int main(void)
{
    static struct app app;
    static char out[4096];
    int status = 1;

    setvbuf(stdout, out, _IOFBF, sizeof out);
    if (!say_begin())
        return 1;
    app.start_ms = host_clock_ms();
    if (!host_text_number(environment("FOR", "30"), 0, FOR_S_MAX, &app.for_s)) {
        fprintf(stderr, "FOR=%s: seconds after the connection, 0 for ever\n", getenv("FOR"));
        return 1;
    }
    if (!place_read(&app.place))
        return 1;
    if (!host_init(NULL) || !host_signal_catch()) {
        fprintf(stderr, "cannot start the simulated network\n");
        return 1;
    }
    if (place_start(&app.place) && start_device(&app)) {
        work(&app);
        place_show_log(&app.place);
        status = summarize(&app);
    }
    place_stop(&app.place);
    return status;
}
