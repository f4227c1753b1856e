/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file device.c
 * build/device, what `make run` starts: a simulated device that connects to a broker, publishes a
 * reading each second, and prints what happens in words. From the environment:
 *
 *     FOR            seconds after the first CONNACK; default 30, 0: until Ctrl-C
 *     BROKER         host, host:port or [v6]:port; without it a mosquitto is started on loopback
 *     USER_NAME      and PASSWORD, for the broker
 *     MOSQUITTO      and MOSQUITTO_PUB, MOSQUITTO_SUB: where these programs are
 *
 * Exit 0: at least one message was acknowledged, and none failed.
 */
#include "host/host_broker.h"
#include "host/host_child.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "host/host_signal.h"
#include "host/host_text.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "unix/iot_port_unix.h"

#include "lwip/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READING_MS          1000u
#define REACH_MS            30000u /* no CONNACK in this and FOR: give up. One attempt fits */
#define DRAIN_MS            3000u
#define CLOSE_MS_MAX        8000u
#define FOR_S_MAX           (365u * 24u * 3600u)
#define READINGS_REMEMBERED 16u  /* at least IOT_MQTT_OUT_MAX: to say which one is acknowledged */
#define SHOWN_MAX           120u /* bytes of a received payload that are shown */

struct reading {
    iot_ticket ticket;
    uint32_t number;
    uint64_t sent_ms;
};

struct settings {
    uint32_t for_s;
    char host[256];
    uint16_t port;
    const char *user_name, *password; /* NULL: none */
    bool own_broker;
};

/* All times in ms of host_clock_ms. up_ms: the first CONNACK; 0: not yet. */
struct app {
    struct settings settings;
    struct host_broker broker;
    struct iot_device device;
    struct iot_options options;
    char client_id[24], readings[64], commands[64];
    struct iot_topic topic;
    uint64_t start_ms, up_ms, next_reading_ms;
    struct reading sent[READINGS_REMEMBERED];
    uint32_t numbers, accepted, acknowledged, failed, received, connects;
    iot_err failure;
    bool colour, closed, shown_commands, queue_full;
};

/* ---- The timeline -------------------------------------------------------------------------- */

enum colour { PLAIN, GREEN, RED };

static void say(const struct app *app, enum colour colour, const char *event, const char *format,
                ...)
{
    static const char *const codes[] = {"\033[1m", "\033[1;32m", "\033[1;31m"};
    uint64_t ms = host_clock_ms() - app->start_ms;
    va_list args;

    printf("%5lu.%03u  %s%-12s%s  ", (unsigned long)(ms / 1000), (unsigned)(ms % 1000),
           app->colour ? codes[colour] : "", event, app->colour ? "\033[0m" : "");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* CONNACK's codes (MQTT 3.1.1, table 3.1). */
static const char *refusal_text(int32_t code)
{
    static const char *const texts[] = {
        "?",
        "unacceptable protocol version",
        "client id rejected",
        "server unavailable",
        "bad user name or password",
        "not authorized",
    };

    return code > 0 && code < (int32_t)(sizeof texts / sizeof texts[0]) ? texts[code] : texts[0];
}

static void say_lost(const struct app *app, const struct iot_event *ev)
{
    char next[48] = "no further attempt", detail[64] = "";

    if (ev->delay_ms != IOT_MS_NEVER)
        snprintf(next, sizeof next, "next attempt in %.1f s", ev->delay_ms / 1000.0);
    if (ev->err == IOT_ERR_MQTT_REFUSED)
        snprintf(detail, sizeof detail, " (%s)", refusal_text(ev->detail));
    say(app, RED, "lost", "%s%s [%s %ld]; %s", iot_err_text(ev->err), detail, iot_err_name(ev->err),
        (long)ev->detail, next);
}

/* For the shell: as it is if it holds nothing special. */
static const char *quoted(const char *text, char *into, size_t cap)
{
    size_t n = 0;

    if (*text != 0 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-_./:+=@%,") == strlen(text))
        return text;
    into[n++] = '\'';
    for (; *text != 0 && n + 6 < cap; text++) {
        if (*text == '\'') {
            memcpy(into + n, "'\\''", 4);
            n += 4;
        } else {
            into[n++] = *text;
        }
    }
    into[n++] = '\'';
    into[n] = 0;
    return into;
}

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && *value != 0 ? value : otherwise;
}

static void show_command(const struct app *app, const char *program, const char *topic,
                         const char *rest)
{
    const struct settings *s = &app->settings;
    char a[1024], b[300], c[600];

    printf("    %s -h %s -p %u", quoted(program, a, sizeof a), quoted(s->host, b, sizeof b),
           (unsigned)s->port);
    if (s->user_name != NULL)
        printf(" -u %s", quoted(s->user_name, c, sizeof c));
    if (s->password != NULL)
        printf(" -P PASSWORD"); /* not shown: the timeline may end up anywhere */
    printf(" -t %s %s\n", topic, rest);
}

static void show_commands(struct app *app)
{
    if (app->shown_commands)
        return;
    app->shown_commands = true;
    printf("\n  From another terminal, see what the device sends, and send it something:\n\n");
    show_command(app, environment("MOSQUITTO_SUB", "mosquitto_sub"), app->readings, "-v");
    show_command(app, environment("MOSQUITTO_PUB", "mosquitto_pub"), app->commands, "-m hello");
    printf("\n");
    fflush(stdout);
}

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
            say(app, PLAIN, "queue full", "readings are left out until there is room");
        app->queue_full = true;
        return;
    }
    app->numbers = number;
    app->queue_full = false;
    if (err != IOT_OK) {
        app->failed++;
        app->failure = err;
        say(app, RED, "refused", "reading %lu: %s", (unsigned long)number, iot_err_text(err));
        return;
    }
    app->accepted++;
    *slot = (struct reading){ticket, number, host_clock_ms()};
    say(app, PLAIN, "publish", "reading %lu  %s", (unsigned long)number, text);
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
    say(app, GREEN, "received", "%s  (%lu bytes, QoS %u%s)", text, (unsigned long)msg->payload.len,
        (unsigned)msg->qos, (msg->flags & IOT_MSG_RETAIN) != 0 ? ", retained" : "");
    return IOT_OK;
}

static void on_connected(struct app *app)
{
    say(app, GREEN, "connected", "to %s port %u as %s", app->settings.host,
        (unsigned)app->settings.port, app->client_id);
    app->connects++;
    if (app->up_ms == 0) {
        app->up_ms = host_clock_ms();
        app->next_reading_ms = app->up_ms;
    }
    show_commands(app);
}

/* A message has come to its end. */
static void on_end(struct app *app, const struct iot_event *ev)
{
    struct reading *r = find_reading(app, ev->ticket);
    unsigned long number = r != NULL ? r->number : 0;

    if (ev->kind == IOT_EV_DONE) {
        app->acknowledged++;
        say(app, PLAIN, "done", "reading %lu acknowledged after %lu ms", number,
            r != NULL ? (unsigned long)(host_clock_ms() - r->sent_ms) : 0);
    } else {
        app->failed++;
        app->failure = ev->err;
        say(app, RED, "failed", "reading %lu: %s", number, iot_err_text(ev->err));
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
        say(app, PLAIN, "connecting", "to %s port %u", app->settings.host,
            (unsigned)app->settings.port);
        break;
    case IOT_EV_CONNECTED:
        on_connected(app);
        break;
    case IOT_EV_LOST:
        say_lost(app, ev);
        break;
    case IOT_EV_DONE:
    case IOT_EV_FAILED:
        on_end(app, ev);
        break;
    case IOT_EV_SUBACK:
        if (ev->err == IOT_OK)
            say(app, PLAIN, "subscribed", "to %s, QoS %u", app->commands, (unsigned)ev->code);
        else
            say(app, RED, "refused", "%s: %s", app->commands, iot_err_text(ev->err));
        break;
    case IOT_EV_SKIPPED:
        say(app, RED, "skipped", "a message: %s [%ld]", iot_err_text(ev->err), (long)ev->detail);
        break;
    case IOT_EV_CLOSED:
        app->closed = true;
        say(app, PLAIN, "closed", "the connection has ended");
        break;
    case IOT_EV_UNSUBACK:
    case IOT_EV_MESSAGE:
    case IOT_EV_WRITABLE:
    case IOT_EV_BUSY:
        break;
    }
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static bool read_settings(struct settings *s)
{
    const char *broker = environment("BROKER", NULL);

    s->user_name = environment("USER_NAME", NULL);
    s->password = environment("PASSWORD", NULL);
    s->own_broker = broker == NULL;
    s->port = 1883;
    if (!host_text_number(environment("FOR", "30"), 0, FOR_S_MAX, &s->for_s)) {
        fprintf(stderr, "FOR=%s: seconds after the connection, 0 for ever\n", getenv("FOR"));
        return false;
    }
    if (broker != NULL && !host_text_endpoint(broker, s->host, sizeof s->host, &s->port)) {
        fprintf(stderr, "BROKER=%s: write host, host:port or [v6]:port\n", broker);
        return false;
    }
    if (s->password != NULL && s->user_name == NULL) {
        fprintf(stderr, "PASSWORD without USER_NAME: MQTT has no such thing\n");
        return false;
    }
    return true;
}

static bool start_broker(struct app *app)
{
    struct settings *s = &app->settings;

    const struct host_broker_options options = {.address = LWIP_IPV4 ? "127.0.0.1" : "::1"};

    if (!s->own_broker)
        return true;
    if (!host_start_mosquitto(&app->broker, 0, &options)) {
        fprintf(stderr, "no broker: %s\nname one with BROKER=host:port\n", app->broker.why);
        return false;
    }
    snprintf(s->host, sizeof s->host, "%s", app->broker.address);
    s->port = app->broker.port;
    say(app, PLAIN, "broker", "mosquitto started on %s port %u", s->host, (unsigned)s->port);
    return true;
}

static bool start_device(struct app *app)
{
    struct iot_options *o = &app->options;
    struct iot_filter filter;
    uint32_t chance;
    iot_err err = iot_port_unix.random(iot_port_unix.ctx, &chance, sizeof chance);

    snprintf(app->client_id, sizeof app->client_id, "lwlink-%08lx", (unsigned long)chance);
    snprintf(app->readings, sizeof app->readings, "lwlink/%s/reading", app->client_id);
    snprintf(app->commands, sizeof app->commands, "lwlink/%s/command", app->client_id);
    o->host = host_reachable(app->settings.host);
    o->port = app->settings.port;
    o->client_id = app->client_id;
    o->user_name = app->settings.user_name;
    if (app->settings.password != NULL) {
        o->password.ptr = (const uint8_t *)app->settings.password;
        o->password.len = (uint32_t)strlen(app->settings.password);
    }
    o->keepalive_s = 30;
    o->on_event = on_event;
    o->ctx = app;
    o->port_ops = &iot_port_unix;
    if (err == IOT_OK)
        err = iot_device_init(&app->device, o);
    if (err == IOT_OK)
        err = iot_device_connect(&app->device);
    if (err == IOT_OK)
        err = iot_topic_prepare(&app->topic, app->readings, (uint32_t)strlen(app->readings));
    memset(&filter, 0, sizeof filter);
    filter.filter = (struct iot_topic){app->commands, (uint16_t)strlen(app->commands), 0};
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
    uint64_t for_ms = app->settings.for_s * 1000ull;

    if (host_signal_seen() != 0)
        return "asked to";
    if (for_ms == 0)
        return NULL;
    if (app->up_ms == 0)
        return now_ms - app->start_ms >= for_ms + REACH_MS ? "the broker was not reached" : NULL;
    return now_ms - app->up_ms >= for_ms ? "the time is over" : NULL;
}

static uint32_t smaller(uint32_t a, uint64_t b)
{
    return b < a ? (uint32_t)b : a;
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
        uint32_t wait_ms = iot_poll(&app->device, sys_now());
        now_ms = host_clock_ms();
        if (app->up_ms != 0) {
            uint64_t end_ms = app->up_ms + app->settings.for_s * 1000ull;
            wait_ms =
                smaller(wait_ms, app->next_reading_ms > now_ms ? app->next_reading_ms - now_ms : 0);
            if (app->settings.for_s != 0)
                wait_ms = smaller(wait_ms, end_ms > now_ms ? end_ms - now_ms : 0);
        }
        host_turn(wait_ms);
    }
    say(app, PLAIN, "closing", "%s", reason);
    uint64_t since_ms = host_clock_ms();
    if (iot_device_close(&app->device, DRAIN_MS) != IOT_OK)
        return;
    while (!app->closed && host_clock_ms() - since_ms < CLOSE_MS_MAX)
        host_turn(smaller(iot_poll(&app->device, sys_now()), 100));
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
        printf("  not good    the broker was never reached: %s\n", iot_err_text(reason));
    else if (app->failed > 0 && app->failure == IOT_ERR_CLOSED && reason != IOT_OK)
        printf("  not good    %lu not acknowledged when the time was over; last trouble: %s\n",
               (unsigned long)app->failed, iot_err_text(reason));
    else if (app->failed > 0)
        printf("  not good    %lu failed, the last with: %s\n", (unsigned long)app->failed,
               iot_err_text(app->failure));
    else if (app->acknowledged == 0)
        printf("  not good    no message was acknowledged\n");
    fflush(stdout);
    return app->failed > 0 || app->acknowledged == 0;
}

int main(void)
{
    static struct app app;
    static char out[4096];
    int status = 1;

    setvbuf(stdout, out, _IOFBF, sizeof out);
    app.start_ms = host_clock_ms();
    app.colour = isatty(STDOUT_FILENO) && environment("NO_COLOR", NULL) == NULL;
    if (!read_settings(&app.settings))
        return 1;
    if (!host_init(NULL) || !host_signal_catch()) {
        fprintf(stderr, "cannot start the simulated network\n");
        return 1;
    }
    if (start_broker(&app) && start_device(&app)) {
        work(&app);
        status = summarize(&app);
    }
    host_stop_mosquitto(&app.broker);
    return status;
}
