/* SPDX-License-Identifier: Apache-2.0 */
#include "product.h"

#include "factory.h"
#include "firmware.h"
#include "iot/iot_static.h"
#include "mps2_an385/iot_mps2_board.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_mps2_watchdog.h"
#include "mps2_an385/iot_port_mps2.h"
#include "number.h"
#include "say.h"
#include "update.h"

#include <string.h>

#define PERIOD_MS   1000u
#define GOODBYE_MS  2000u
#define TOPIC_BYTES (IOT_PRODUCT_KEY_MAX + IOT_DEVICE_NAME_MAX + 16)
#define LEDS        MPS2_REG(MPS2_FPGAIO)

/* ECDHE-RSA with a chain of three certificates needs the most; see README. */
#define ARENA_BYTES (13u * 1024u + IOT_TLS_RX_BYTES)

struct iot_device product;
static uint64_t arena[ARENA_BYTES / 8];
static struct iot_link_identity identity = {.system_topics = true};
static struct iot_tls_options tls = {
    .session_key = "tls", .arena = arena, .arena_bytes = sizeof arena};
static struct iot_options options = {
    .link = &identity,
    .tls = &tls,
    .session = IOT_SESSION_KEEP_REBOOT,
    .session_key = "ids",
    .keepalive_s = 60,
    .port_ops = &iot_port_mps2,
};

static char update_text[TOPIC_BYTES], command_text[TOPIC_BYTES];
static struct iot_topic update;
static uint32_t boots, period_ms, next_ms;
static bool over, restart; /* asked for; all is said */

/* What ends this boot waits until the message that asked for it is acknowledged: the platform keeps the session, and would
 * send it again after each boot. */
static void (*mischief)(void);

/* Readings under way: which ticket is which number. */
static struct {
    iot_ticket ticket;
    uint32_t number;
} under_way[IOT_MQTT_OUT_MAX];
static uint32_t readings;

static void complain(const char *what, iot_err err)
{
    say(what);
    say(iot_err_name(err));
    say("\n");
}

/* ---- readings -------------------------------------------------------------------------------- */

static void say_reading(uint32_t number, const char *what)
{
    say("iot: reading ");
    say_number(number);
    say(what);
}

/* What this product measures: how many readings it has taken since it was switched on, and how often that was. */
static iot_err send_reading(void)
{
    struct iot_msg msg = {.topic = update, .qos = 1};
    struct iot_writer w;
    iot_ticket ticket;
    iot_err err = iot_mqtt_begin(&product, &msg, 48, &w);

    if (err != IOT_OK)
        return err;
    iot_writer_text(&w, "{\"boot\":");
    iot_writer_u32(&w, boots);
    iot_writer_text(&w, ",\"n\":");
    iot_writer_u32(&w, readings + 1);
    iot_writer_text(&w, "}");
    err = iot_mqtt_commit(&w, &ticket);
    if (err != IOT_OK)
        return err;
    readings++;
    for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++) {
        if (under_way[i].ticket == 0) {
            under_way[i].ticket = ticket;
            under_way[i].number = readings;
            break;
        }
    }
    say_reading(readings, " sent\n");
    return IOT_OK;
}

uint32_t product_tick(uint32_t now_ms)
{
    if (over)
        return IOT_MS_NEVER;
    if (mischief != NULL && iot_device_idle(&product))
        mischief();
    if ((int32_t)(now_ms - next_ms) >= 0) {
        /* A full queue (the link is down) skips readings until there is room: old ones are worth more here. */
        iot_err err = send_reading();
        if (err != IOT_OK && err != IOT_ERR_FULL && err != IOT_ERR_AGAIN && err != IOT_ERR_STATE)
            complain("iot: no reading: ", err);
        next_ms = now_ms + period_ms;
    }
    return next_ms - now_ms;
}

static void reading_ended(const struct iot_event *ev)
{
    for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++) {
        if (under_way[i].ticket != ev->ticket)
            continue;
        under_way[i].ticket = 0;
        if (ev->kind == IOT_EV_DONE) {
            say_reading(under_way[i].number, " done\n");
        } else {
            say_reading(under_way[i].number, " failed ");
            say(iot_err_name(ev->err));
            say("\n");
        }
    }
}

/* ---- messages -------------------------------------------------------------------------------- */

static void light(bool on)
{
    LEDS = on ? 1u : 0u;
    say(on ? "led: on\n" : "led: off\n");
}

/* Three ways to break, to see how the board helps itself. */
static void hang(void)
{
    for (;;)
        ;
}

static void touch_nothing(void)
{
    MPS2_REG(0xf0000000u) = 1;
}

static uint32_t dig(uint32_t depth)
{
    volatile uint32_t room[64];

    room[0] = depth;
    return depth == UINT32_MAX ? 0 : dig(depth + 1) + room[0];
}

static void overflow(void)
{
    period_ms = dig(0);
}

static void leave(void)
{
    over = iot_device_close(&product, GOODBYE_MS) == IOT_OK;
}

static bool is(struct iot_bytes text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static iot_err on_command(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    struct iot_bytes word = msg->payload;

    (void)ctx;
    (void)dev;
    say("iot: message ");
    say_bytes(msg->topic.text, msg->topic.len);
    say(" ");
    say_bytes(word.ptr, word.len);
    say("\n");
    if (is(word, "on") || is(word, "off"))
        light(is(word, "on"));
    else if (is(word, "reboot"))
        leave();
    else if (is(word, "hang"))
        mischief = hang;
    else if (is(word, "fault"))
        mischief = touch_nothing;
    else if (is(word, "overflow"))
        mischief = overflow;
    else if (word.len > 7 && memcmp(word.ptr, "period ", 7) == 0)
        (void)text_number((const char *)word.ptr + 7, word.len - 7, &period_ms);
    return IOT_OK;
}

/* ---- life -------------------------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    switch (ev->kind) {
    case IOT_EV_CONNECTING:
        say("iot: connecting\n");
        break;
    case IOT_EV_CONNECTED:
        say("iot: connected");
        say(ev->session_present ? ", session present" : "");
        say(iot_device_resumed(dev) ? ", tls resumed\n" : "\n");
        firmware_proved();
        break;
    case IOT_EV_LOST:
        say("iot: lost ");
        say(iot_err_name(ev->err));
        if (iot_err_detail_name(ev->err, ev->detail)[0] != '\0') {
            say(" (");
            say(iot_err_detail_name(ev->err, ev->detail));
            say(")");
        }
        say(", again in ");
        say_number(ev->delay_ms);
        say(" ms\n");
        break;
    case IOT_EV_DONE:
    case IOT_EV_FAILED:
        reading_ended(ev);
        break;
    case IOT_EV_SUBACK:
        if (ev->err != IOT_OK)
            say("iot: may not listen to commands\n");
        break;
    case IOT_EV_BUSY: /* a step of RSA: up to a second */
        iot_mps2_watchdog_feed();
        break;
    case IOT_EV_CLOSED:
        restart = over;
        break;
    case IOT_EV_MESSAGE:
    case IOT_EV_SKIPPED:
    case IOT_EV_UNSUBACK:
    case IOT_EV_WRITABLE:
    case IOT_EV_REPLY: /* of requests, which it does not make */
    case IOT_EV_NOTICE:
    case IOT_EV_REGISTERED:
        break;
    }
}

bool product_over(void)
{
    return restart;
}

static iot_err begin(void)
{
    struct iot_filter commands = {.qos = 1, .on_message = on_command};
    iot_err err = iot_device_connect(&product);

    commands.filter.text = command_text;
    commands.filter.len = (uint16_t)strlen(command_text);
    return err == IOT_OK ? iot_mqtt_subscribe(&product, &commands, NULL) : err;
}

void product_network(bool up)
{
    static bool begun;

    if (begun) {
        iot_network(&product, up ? IOT_NETWORK_UP : IOT_NETWORK_DOWN);
    } else if (up) {
        begun = true;
        iot_err err = begin();
        if (err != IOT_OK)
            complain("iot: cannot begin: ", err);
    }
}

static void count_boot(void)
{
    char text[11];

    boots = factory_number(&iot_port_mps2, "boots", 0, 999999998) + 1;
    uint32_t len = number_text(boots, text);
    iot_err err = iot_port_mps2.kv_set(iot_port_mps2.ctx, "boots", text, len);
    if (err != IOT_OK)
        complain("store: ", err);
    say("boot ");
    say_number(boots);
    say(": lwlink ");
    say_number(iot_version() >> 16);
    say(".");
    say_number((iot_version() >> 8) & 0xff);
    say(".");
    say_number(iot_version() & 0xff);
    say(" on " MPS2_NAME ", reset by ");
    say(iot_mps2_reset_cause());
    say("\n");
}

static void make_topic(char *text, const char *last)
{
    strcpy(text, "/");
    strcat(text, identity.product_key);
    strcat(text, "/");
    strcat(text, identity.device_name);
    strcat(text, last);
}

bool product_start(void)
{
    count_boot();
    if (!factory_load(&iot_port_mps2, &options, &identity, &tls))
        return false;
    period_ms = factory_number(&iot_port_mps2, "period-ms", PERIOD_MS, 86400000);
    make_topic(update_text, "/user/update");
    make_topic(command_text, "/user/get");
    options.on_event = on_event;
    iot_err err = iot_device_init(&product, &options);
    if (err == IOT_OK)
        update_start(&product, &tls, leave);
    if (err == IOT_OK)
        err = iot_topic_prepare(&update, update_text, (uint32_t)strlen(update_text));
    if (err != IOT_OK)
        complain("iot: cannot start: ", err);
    return err == IOT_OK;
}
