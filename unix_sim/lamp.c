/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lamp.c
 * build/lamp, what `make run` starts: a lamp that is a thing of the emulated platform. It registers if it has no secret,
 * logs in, posts its properties, syncs its clock, reads its shadow and what was desired of it while it was away,
 * reports an event; the platform sets it and calls its services. What the two say to each other is printed side by
 * side. FOR=seconds after the first CONNACK; default 30, 0: until Ctrl-C. Identity: PK, DN, and DS or, to register, PS.
 *
 * Exit 0: all of that happened (as far as FOR allowed), each request was answered by 200.
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
#include "lamp_model/lamp.h"
#include "lamp_talk.h"
#include "unix/iot_port_unix.h"

#include "lwip/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REACH_MS     30000u /* no CONNACK in this and FOR: give up. One attempt fits */
#define DRAIN_MS     3000u
#define CLOSE_MS_MAX 8000u
#define FOR_S_MAX    (365u * 24u * 3600u)
#define POST_MS      5000u  /* the lamp measures so often */
#define SCRIPT_MS    400u   /* between two things that the demonstration does */
#define HOPELESS_MS  60000u /* such a wait says that a person has to act */

/* What has happened, once or more. */
enum done {
    DONE_REGISTERED = 1,
    DONE_POSTED = 2,
    DONE_SET = 4,
    DONE_CALLED = 8,
    DONE_EVENT = 16,
    DONE_TIME = 32,
    DONE_SHADOW = 64,
    DONE_ALL = 127,
};

static const char *const done_names[] = {
    "registered",        "posted its properties", "was set",        "served a call",
    "reported an event", "synced its clock",      "read its shadow"};

/* All times in ms of host_clock_ms. up_ms: the first CONNACK; 0: not yet. */
static struct {
    struct place place;
    struct iot_device device;
    struct iot_thing thing;
    struct iot_shadow shadow;
    struct lamp_values values;
    struct iot_options options;
    struct iot_thing_options thing_options;
    struct iot_port port;
    uint32_t for_s, step, done, connects, posts, failed;
    uint64_t start_ms, up_ms, next_step_ms, next_post_ms;
    iot_ticket posted, reported, desired, shadow_asked;
    bool closed, hopeless;
} app;

/* ---- The lamp ------------------------------------------------------------------------------ */

static void show_lamp(void)
{
    static const char *const modes[] = {"white", "colour", "night"};
    const struct lamp_values *v = &app.values;

    say(GREEN, "lamp", "%s, brightness %d, %s, \"%s\"", v->light_switch ? "on" : "off",
        (int)v->brightness, v->mode >= 0 && v->mode < 3 ? modes[v->mode] : "?", v->name);
}

/* What cannot be queued now is said, and done again later: nothing is lost by that, the next post has it. */
static bool queued(const char *what, iot_err err)
{
    if (err != IOT_OK)
        say(RED, "not queued", "%s: %s", what, iot_err_text(err));
    return err == IOT_OK;
}

static void on_set(void *ctx, struct iot_thing *thing, const struct iot_properties *changed,
                   const struct iot_field *failed)
{
    (void)ctx;
    (void)failed; /* it has no setters */
    app.done |= DONE_SET;
    show_lamp();
    queued("what was set", iot_thing_post(thing, changed, 0, 0, NULL));
}

int32_t lamp_on_toggle(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx;
    (void)call;
    app.values.light_switch = !app.values.light_switch;
    app.values.toggle_out.light_switch = app.values.light_switch;
    app.done |= DONE_CALLED;
    show_lamp();
    queued("the switch", iot_thing_post(thing, IOT_PROPERTIES(LAMP_LIGHT_SWITCH), 0, 0, NULL));
    return IOT_CODE_OK;
}

int32_t lamp_on_blink(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx;
    (void)thing;
    (void)call;
    say(GREEN, "lamp", "blinks %d times", (int)app.values.blink_in.times);
    app.values.blink_out.done = app.values.blink_in.times;
    app.done |= DONE_CALLED;
    return IOT_CODE_OK;
}

int32_t lamp_on_measure(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx;
    (void)thing;
    (void)call;
    app.values.measure_out.temp = app.values.temp;
    app.values.measure_out.energy = app.values.energy;
    app.done |= DONE_CALLED;
    return IOT_CODE_OK;
}

/* What a lamp on a table measures. */
static void measure(void)
{
    app.values.temp = 21.5f + (float)(app.posts % 5) / 4;
    app.values.energy += app.values.light_switch ? 0.25 : 0.125;
    app.posts++;
}

static void post_measured(void)
{
    struct iot_properties which = {{0}};

    measure();
    iot_properties_add(&which, LAMP_TEMP);
    iot_properties_add(&which, LAMP_ENERGY);
    queued("what it measured", iot_thing_post(&app.thing, &which, 0, 0, NULL));
}

/* The shadow shows the lamp to those who do not ask it. */
static iot_err shade(void)
{
    const struct iot_shadow_value values[] = {
        {.name = "name", .text = app.values.name},
        {.name = "brightness", .number = app.values.brightness},
    };

    return iot_shadow_report(&app.device, values, sizeof values / sizeof values[0],
                             app.connects == 1 ? IOT_SHADOW_RESET : IOT_SHADOW_NEXT, NULL);
}

/* ---- After each login ---------------------------------------------------------------------- */

static void on_connected(void)
{
    const struct iot_link_identity *id = &app.place.identity;

    say(GREEN, "connected", "as %s of product %s", id->device_name, id->product_key);
    app.connects++;
    app.hopeless = false;
    measure();
    if (queued("the properties", iot_thing_post(&app.thing, NULL, 0, 0, &app.posted)) &&
        queued("the desired ones", iot_thing_desired_get(&app.thing, NULL, &app.desired)) &&
        queued("the time", iot_time_ask(&app.device, NULL)) && queued("the shadow", shade()))
        queued("the shadow", iot_shadow_get(&app.device, &app.shadow_asked));
    if (app.up_ms == 0) {
        app.up_ms = host_clock_ms();
        app.next_step_ms = app.up_ms + SCRIPT_MS;
        app.next_post_ms = app.up_ms + POST_MS;
        place_show_lamp_commands(&app.place);
    }
}

/* What was desired while the lamp was away is done now. */
static void on_desired(const struct iot_reply *reply)
{
    struct iot_properties applied;
    uint32_t versions[LAMP_PROPERTIES] = {0};

    int32_t code = iot_thing_desired_apply(&app.thing, reply->data, &applied, versions);
    if (code != IOT_CODE_OK)
        say(RED, "lamp", "what is desired of it cannot be: %ld", (long)code);
    for (uint32_t i = 0; code == IOT_CODE_OK && i < LAMP_PROPERTIES; i++) {
        if (!iot_properties_has(&applied, i))
            continue;
        show_lamp();
        queued("what was desired", iot_thing_post(&app.thing, &applied, 0, 0, NULL));
        queued("that it is done", iot_thing_desired_delete(&app.thing, &applied, versions, NULL));
        break;
    }
}

static void on_reply(const struct iot_event *ev)
{
    uint32_t ok = ev->err == IOT_OK ? UINT32_MAX : 0;

    if (ev->ticket == app.posted)
        app.done |= DONE_POSTED & ok;
    if (ev->ticket == app.reported)
        app.done |= DONE_EVENT & ok;
    if (ev->ticket == app.shadow_asked)
        app.done |= DONE_SHADOW & ok;
    if (ev->ticket == app.desired && ev->err == IOT_OK)
        on_desired(ev->reply);
}

static void on_notice(const struct iot_notice *n)
{
    if (n->kind == IOT_NOTICE_TIME) {
        time_t seconds = (time_t)(n->unix_ms / 1000);
        char text[32];
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime(&seconds));
        say(GREEN, "time", "%s UTC, %s", text, n->code != 0 ? "trusted" : "not trusted");
        app.done |= DONE_TIME;
        if (app.values.started_at == 0) {
            app.values.started_at = n->unix_ms;
            queued("its start",
                   iot_thing_post(&app.thing, IOT_PROPERTIES(LAMP_STARTED_AT), 0, 0, NULL));
        }
    } else if (n->kind == IOT_NOTICE_DISABLED || n->kind == IOT_NOTICE_DELETED) {
        say(RED, "disabled", "the platform says so");
    }
}

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    (void)ctx;
    (void)device;
    switch (ev->kind) {
    case IOT_EV_CONNECTING:
        say(PLAIN, "connecting", "to %s port %u", app.place.host, (unsigned)app.place.port);
        break;
    case IOT_EV_REGISTERED:
        say(GREEN, "registered", "the platform gave it a secret, which is in its store now");
        app.done |= DONE_REGISTERED;
        break;
    case IOT_EV_CONNECTED:
        on_connected();
        break;
    case IOT_EV_LOST:
        say_lost(ev);
        app.hopeless = ev->delay_ms >= HOPELESS_MS || ev->err == IOT_ERR_TLS_VERIFY;
        break;
    case IOT_EV_REPLY:
        on_reply(ev);
        break;
    case IOT_EV_NOTICE:
        on_notice(ev->notice);
        break;
    case IOT_EV_FAILED:
        app.failed += ev->err != IOT_ERR_CLOSED;
        say(RED, "failed", "%s", iot_err_text(ev->err));
        break;
    case IOT_EV_SKIPPED:
        say(RED, "skipped", "a message: %s", iot_err_text(ev->err));
        break;
    case IOT_EV_SUBACK:
        if (ev->err != IOT_OK)
            say(RED, "refused", "a subscription: %s", iot_err_text(ev->err));
        break;
    case IOT_EV_CLOSED:
        app.closed = true;
        say(PLAIN, "closed", "the connection has ended");
        break;
    case IOT_EV_DONE:
    case IOT_EV_UNSUBACK:
    case IOT_EV_MESSAGE:
    case IOT_EV_WRITABLE:
    case IOT_EV_BUSY:
        break;
    }
}

/* ---- Beginning, life and end --------------------------------------------------------------- */

static bool start_device(void)
{
    struct iot_options *o = &app.options;

    app.port = iot_port_unix;
    app.port.log = talk_log;
    *o = (struct iot_options){.keepalive_s = 30, .on_event = on_event, .port_ops = &app.port};
    place_options(&app.place, o);
    app.values.brightness = 80;
    strcpy(app.values.name, "a lamp on a table");
    app.thing_options =
        (struct iot_thing_options){.model = &lamp_model, .values = &app.values, .on_set = on_set};
    iot_err err = iot_device_init(&app.device, o);
    if (err == IOT_OK)
        err = iot_thing_attach(&app.device, &app.thing, &app.thing_options);
    if (err == IOT_OK)
        err = iot_device_connect(&app.device);
    if (err == IOT_OK)
        err = iot_shadow_attach(&app.device, &app.shadow, NULL);
    if (err != IOT_OK)
        fprintf(stderr, "cannot start the lamp: %s\n", iot_err_text(err));
    return err == IOT_OK;
}

/* Why to stop, or NULL to go on. */
static const char *reason_to_stop(uint64_t now_ms)
{
    uint64_t for_ms = app.for_s * 1000ull;

    if (host_signal_seen() != 0)
        return "asked to";
    if (app.hopeless && (app.up_ms == 0 || for_ms != 0))
        return "another attempt would end alike";
    if (for_ms == 0)
        return NULL;
    if (app.up_ms == 0)
        return now_ms - app.start_ms >= for_ms + REACH_MS ? "nobody was reached" : NULL;
    return now_ms - app.up_ms >= for_ms ? "the time is over" : NULL;
}

/* The device lives for a moment. */
static void turn(void)
{
    uint32_t wait_ms = iot_poll(&app.device, sys_now());

    place_show_log(&app.place);
    host_turn(wait_ms < 20 ? wait_ms : 20);
}

/* What the demonstration does beside the lamp's own life: a step at a time, those of the platform by its console. */
static void next_step(void)
{
    static const char *const steps[] = {
        "set %s {\"LightSwitch\":1,\"Mode\":1,\"RGBColor\":{\"R\":255,\"G\":160,\"B\":60}}",
        NULL, /* the lamp reports an event */
        "call %s Blink {\"Times\":3,\"IntervalMs\":200}",
        "call %s Measure {} sync",
        "set %s {\"Brightness\":35,\"Schedule\":[420,1320]}",
    };
    char who[80], line[256], answer[1024];

    if (app.step >= sizeof steps / sizeof steps[0])
        return;
    const char *step = steps[app.step++];
    if (step == NULL) {
        app.values.overheated_event.temp = app.values.temp;
        queued("an event", iot_thing_event(&app.thing, LAMP_EVENT_OVERHEATED, 0, 0, &app.reported));
        return;
    }
    snprintf(who, sizeof who, "%s %s", app.place.identity.product_key,
             app.place.identity.device_name);
    snprintf(line, sizeof line, step, who);
    if (!host_cloud_command_while(app.place.cloud.dir, line, answer, sizeof answer, turn))
        say(RED, "console", "%s: %s", line, answer);
}

static void work(void)
{
    const char *reason;

    while ((reason = reason_to_stop(host_clock_ms())) == NULL) {
        uint64_t now_ms = host_clock_ms();
        bool up = app.up_ms != 0 && iot_device_connected(&app.device);
        if (up && now_ms >= app.next_post_ms) {
            post_measured();
            app.next_post_ms = now_ms + POST_MS;
        }
        if (up && now_ms >= app.next_step_ms) {
            next_step();
            app.next_step_ms = host_clock_ms() + SCRIPT_MS;
        }
        turn();
    }
    say(PLAIN, "closing", "%s", reason);
    uint64_t since_ms = host_clock_ms();
    if (iot_device_close(&app.device, DRAIN_MS) != IOT_OK)
        return;
    while (!app.closed && host_clock_ms() - since_ms < CLOSE_MS_MAX)
        turn();
}

static void explain(void)
{
    int32_t detail;
    iot_err reason = iot_device_last_reason(&app.device, &detail);
    const char *more = iot_err_detail_text(reason, detail);

    printf("  not good    %s: %s [%s]\n", app.connects == 0 ? "never logged in" : "lost",
           iot_err_text(reason), iot_err_name(reason));
    if (more[0] != 0)
        printf("              %s\n", more);
}

static int summarize(void)
{
    uint32_t wanted = DONE_ALL & ~(app.place.identity.device_secret != NULL ? DONE_REGISTERED : 0u);
    struct talk_count talk = talk_counted();
    bool all = (app.done & wanted) == wanted;

    talk_end();
    printf("\n  exchanges   %lu answered by 200, %lu by another code, %lu failed\n",
           (unsigned long)talk.good, (unsigned long)talk.bad, (unsigned long)app.failed);
    printf("  the lamp   ");
    for (uint32_t i = 0; i < sizeof done_names / sizeof done_names[0]; i++)
        if ((app.done & 1u << i) != 0)
            printf("%s %s", (app.done & ((1u << i) - 1)) != 0 ? "," : "", done_names[i]);
    printf("%s\n", app.done == 0 ? " did nothing" : "");
    if (app.connects == 0 || app.hopeless)
        explain();
    else if (!all)
        for (uint32_t i = 0; i < sizeof done_names / sizeof done_names[0]; i++)
            if ((wanted & ~app.done & 1u << i) != 0)
                printf("  not good    it never %s\n", done_names[i]);
    fflush(stdout);
    return !all || app.hopeless || app.failed != 0 || talk.bad != 0;
}

int main(void)
{
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
    if (!place_read_lamp(&app.place))
        return 1;
    if (!host_init(NULL) || !host_signal_catch()) {
        fprintf(stderr, "cannot start the simulated network\n");
        return 1;
    }
    if (place_start(&app.place) && start_device()) {
        work();
        place_show_log(&app.place);
        status = summarize();
    }
    place_stop(&app.place);
    return status;
}
