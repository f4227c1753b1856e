/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_thing.h"

/* Its services are the application's: here. */

static char said[262144];
static struct peer_thing *answering; /* whose turn answers a call */

/* ---- What the thing does ------------------------------------------------------------------- */

static void post_changed(struct peer_thing *t, const struct iot_properties *changed)
{
    iot_ticket ticket;

    if (iot_thing_post(&t->thing, changed, 0, 0, &ticket) == IOT_OK)
        peer_accepted(&t->seat.one, ticket);
}

static void on_set(void *ctx, struct iot_thing *thing, const struct iot_properties *changed,
                   const struct iot_field *failed)
{
    struct peer_thing *t = ctx;
    (void)thing;
    (void)failed;

    t->sets++;
    t->changed = *changed;
    post_changed(t, changed);
}

int32_t peer_every_on_add(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct peer_thing *t = ctx;
    (void)thing;
    (void)call;

    t->calls++;
    t->every.add_out.sum = t->every.add_in.a + t->every.add_in.b;
    return IOT_CODE_OK;
}

int32_t peer_every_on_echo(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct peer_thing *t = ctx;
    (void)thing;
    (void)call;

    t->calls++;
    memcpy(t->every.echo_out.text, t->every.echo_in.text, sizeof t->every.echo_out.text);
    t->every.echo_out.double_ = t->every.echo_in.double_;
    return IOT_CODE_OK;
}

int32_t peer_every_on_later(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct peer_thing *t = ctx;
    (void)thing;

    t->calls++;
    t->later = call;
    answering = t;
    return IOT_CALL_LATER;
}

int32_t peer_every_on_refuse(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct peer_thing *t = ctx;
    (void)thing;
    (void)call;

    t->calls++;
    return 100042;
}

/* ---- The record ---------------------------------------------------------------------------- */

static void note(char into[2048], struct iot_json data)
{
    uint32_t n = data.len < 2047 ? data.len : 2047;

    if (n != 0)
        memcpy(into, data.ptr, n);
    into[n] = 0;
}

/* No assertion in here, see peer_device.c. */
static void on_event(struct peer_device *p, const struct iot_event *ev)
{
    struct peer_thing *t = (struct peer_thing *)p;

    if (ev->kind == IOT_EV_REPLY)
        note(t->reply, ev->reply->data);
    if (ev->kind != IOT_EV_NOTICE)
        return;
    t->notices[ev->notice->kind]++;
    t->notice_code = ev->notice->code;
    t->notice_ms = ev->notice->unix_ms;
    t->notice_err = ev->err;
    note(t->notice, ev->notice->data);
}

iot_err peer_thing_sink(void *ctx, struct iot_device *dev, uint32_t offset, struct iot_bytes part)
{
    struct peer_thing *t = ctx;
    (void)dev;

    if (part.len >= sizeof t->tsl - offset)
        return IOT_ERR_SIZE;
    memcpy(t->tsl + offset, part.ptr, part.len);
    t->tsl_len = offset + part.len;
    t->tsl[t->tsl_len] = 0;
    return IOT_OK;
}

/* ---- One thing ----------------------------------------------------------------------------- */

void peer_thing(struct peer_thing *t, const char *key, const char *name, const char *secret)
{
    peer_seat(&t->seat, name, secret);
    size_t rest = sizeof *t - offsetof(struct peer_thing, thing);
    memset((char *)t + offsetof(struct peer_thing, thing), 0, rest);
    t->seat.id.product_key = key;
    t->seat.id.system_topics = true;
    t->seat.id.ext = IOT_LINK_EXT_RRPC | IOT_LINK_EXT_ERROR;
    t->seat.one.asks = true;
    t->seat.one.also = on_event;
    t->options.ctx = t;
    t->options.on_set = on_set;
    if (strcmp(key, PEER_EVERY) == 0) {
        t->options.model = &peer_every_model;
        t->options.values = &t->every;
    }
}

void peer_thing_begin(struct peer_thing *t)
{
    peer_begin(&t->seat.one);
    if (t->options.model != NULL)
        assert_err(iot_thing_attach(peer_thing_device(t), &t->thing, &t->options), IOT_OK);
}

void peer_thing_connect(struct peer_thing *t)
{
    peer_thing_begin(t);
    UNTIL(iot_device_connected(peer_thing_device(t)));
}

void peer_thing_close(struct peer_thing *t)
{
    UNTIL(iot_device_idle(peer_thing_device(t)));
    peer_seat_close(&t->seat);
}

void peer_thing_asked(struct peer_thing *t, iot_ticket ticket)
{
    assert_int_not_equal(ticket, 0);
    peer_accepted(&t->seat.one, ticket);
}

int32_t peer_thing_code(struct peer_thing *t, iot_err err, const iot_ticket *ticket)
{
    struct peer_device *p = &t->seat.one;

    assert_err(err, IOT_OK);
    peer_thing_asked(t, *ticket);
    UNTIL(peer_ended(p, *ticket));
    const struct peer_event *reply = peer_last_for(p, IOT_EV_REPLY, *ticket);
    if (reply != NULL) {
        assert_err(reply->err, reply->detail == 200 ? IOT_OK : IOT_ERR_LINK_CODE);
        return reply->detail;
    }
    assert_err(peer_result(p, *ticket), IOT_OK);
    return 200;
}

/* ---- The platform -------------------------------------------------------------------------- */

/* The devices live; a call that is to be answered later is answered by and by. */
static void turn(void)
{
    static uint32_t turns;

    peer_turn();
    if (answering == NULL || ++turns % 16 != 0)
        return;
    answering->every.later_out.bool_ = true;
    if (iot_thing_answer(&answering->thing, answering->later, IOT_CODE_OK) == IOT_OK) {
        answering->later = 0;
        answering = NULL;
    }
}

static bool command(const char *format, va_list args)
{
    static char line[8192];

    int n = vsnprintf(line, sizeof line, format, args);
    assert_true(n > 0 && (size_t)n < sizeof line);
    return host_cloud_command_while(peer_cloud.dir, line, said, sizeof said, turn);
}

const char *peer_thing_obeyed(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bool ok = command(format, args);
    va_end(args);
    if (!ok)
        fail_msg("%s: %s", format, said);
    return said;
}

const char *peer_thing_refused(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bool ok = command(format, args);
    va_end(args);
    if (ok)
        fail_msg("%s was obeyed: %s", format, said);
    return said;
}

static const char *show(struct peer_thing *t)
{
    return peer_thing_obeyed("--json show %s %s", t->seat.id.product_key, t->seat.id.device_name);
}

void peer_thing_shown(struct peer_thing *t, const char *part)
{
    if (strstr(show(t), part) == NULL) {
        print_message("%s\n", said); /* fail_msg cuts it */
        fail_msg("the platform does not know of %s", part);
    }
}

void peer_thing_not_shown(struct peer_thing *t, const char *part)
{
    if (strstr(show(t), part) != NULL) {
        print_message("%s\n", said);
        fail_msg("the platform knows of %s", part);
    }
}

double peer_thing_number(struct peer_thing *t, const char *id)
{
    char key[64];

    snprintf(key, sizeof key, "\"%s\":{\"value\":", id);
    peer_thing_shown(t, key);
    return strtod(strstr(said, key) + strlen(key), NULL);
}
