/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_thing.h"

#include "world/world_trace.h"

#include "iot/iot_cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS   86400000u
#define RETRY_MS 1000u
#define AWAY_MS  30000u /* ... while there is no link */
#define LATE_MS                                                                                    \
    3000u /* an end may come so much after its deadline: the loop is not always on time */
#define LATER_MS    12000u /* calls are answered after so long at most: some too late */
#define SETS_KEPT   256u
#define ENDS_KEPT   64u
#define REPLY       "_reply"
#define ALL_BITS(n) ((1u << (n)) - 1)

enum ask {
    ASK_POST, /* all that is dirty */
    ASK_MEASURED,
    ASK_SILENT, /* measured, without a reply */
    ASK_EVENT,
    ASK_TIME,
    ASK_DESIRED,
    ASK_DELETE, /* what was desired and is applied */
    ASK_SHADOW_GET,
    ASK_SHADOW, /* report */
    ASK_CLEAR,  /* the shadow's desired state, which is applied */
    ASKS
};

#define BIT(ask)    (1u << (ask))
#define SHADOW_ASKS (BIT(ASK_SHADOW_GET) | BIT(ASK_SHADOW) | BIT(ASK_CLEAR))
#define AGAIN_ASKS                                                                                 \
    (ALL_BITS(ASKS) & ~(BIT(ASK_MEASURED) | BIT(ASK_SILENT) | BIT(ASK_EVENT) | BIT(ASK_TIME)))

struct lamp {
    /* RAM of the device */
    struct iot_thing thing;
    struct iot_shadow shadow;
    struct lamp_values values;
    struct iot_thing_options options;
    struct iot_properties dirty, applied;
    uint32_t versions[LAMP_PROPERTIES];
    uint32_t todo;
    struct {
        iot_ticket ticket; /* 0: none is open */
        uint64_t since;
    } asks[ASKS];
    struct {
        iot_call call;
        int32_t times;
        uint64_t since, at;
    } later[IOT_CALLS_MAX];
    uint64_t try_at;
    bool was_quiet;

    /* outlives it */
    struct world_thing_counts counts;
    uint64_t measure_at, time_at;
    uint32_t sets[SETS_KEPT];
    struct {
        iot_ticket ticket;
        bool replied;
    } ended[ENDS_KEPT]; /* of this boot */
    uint32_t end_count, asked;
    bool doubles;
};

static struct lamp *lamp_of(const struct world_life *l)
{
    return l->guest;
}

/* ---- What changes ------------------------------------------------------------------------------ */

static void soil(struct lamp *w, uint32_t property)
{
    iot_properties_add(&w->dirty, property);
    w->todo |= BIT(ASK_POST);
    if (property == LAMP_BRIGHTNESS || property == LAMP_NAME)
        w->todo |= BIT(ASK_SHADOW);
}

static void soil_all(struct lamp *w)
{
    for (uint32_t i = 0; i < LAMP_PROPERTIES; i++)
        soil(w, i);
}

static void soil_these(struct lamp *w, const struct iot_properties *set)
{
    for (uint32_t i = 0; i < LAMP_PROPERTIES; i++)
        if (iot_properties_has(set, i))
            soil(w, i);
}

/* ---- What the platform asks -------------------------------------------------------------------- */

static void note_set(struct world_life *l, struct lamp *w, uint32_t number)
{
    uint32_t *place = &w->sets[number % SETS_KEPT];

    if (*place == number && !w->thing.again)
        world_violation("thing %s: set %u is served twice, and nothing says so", l->name, number);
    if ((uint32_t)w->values.brightness != WORLD_SET_BRIGHT(number))
        world_violation("thing %s: set %u is not whole", l->name, number);
    *place = number;
}

static void on_set(void *ctx, struct iot_thing *thing, const struct iot_properties *changed,
                   const struct iot_field *failed)
{
    struct world_life *l = ctx;
    struct lamp *w = lamp_of(l);
    unsigned number;

    w->counts.sets++;
    w->counts.sets_again += thing->again;
    world_trace("%s is set: %s%s", l->name, w->values.name, thing->again ? ", again" : "");
    if (failed != NULL)
        world_violation("thing %s: a setter failed, and it has none", l->name);
    if (iot_properties_has(changed, LAMP_NAME) &&
        sscanf(w->values.name, WORLD_SET_NAME, &number) == 1)
        note_set(l, w, number);
    soil_these(w, changed);
}

/* The application declines, as it does with messages of its own topics. */
static bool declines(struct world_life *l, const struct iot_thing *thing)
{
    struct lamp *w = lamp_of(l);
    bool now = world_ms() < l->declines;

    w->counts.calls += !now;
    w->counts.calls_again += !now && thing->again;
    return now;
}

int32_t lamp_on_toggle(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct world_life *l = ctx;
    struct lamp *w = lamp_of(l);

    (void)call;
    if (declines(l, thing))
        return IOT_ERR_AGAIN;
    if (!thing->again) {
        w->counts.toggles++;
        w->values.light_switch = !w->values.light_switch;
        soil(w, LAMP_LIGHT_SWITCH);
    }
    w->values.toggle_out.light_switch = w->values.light_switch;
    return IOT_CODE_OK;
}

int32_t lamp_on_blink(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct world_life *l = ctx;
    struct lamp *w = lamp_of(l);
    uint32_t i = 0;

    if (declines(l, thing))
        return IOT_ERR_AGAIN;
    while (i < IOT_CALLS_MAX && w->later[i].call != 0)
        i++;
    if (i == IOT_CALLS_MAX || world_chance_below(&l->chance, 3) == 0) {
        w->values.blink_out.done = w->values.blink_in.times;
        return IOT_CODE_OK;
    }
    w->later[i].call = call;
    w->later[i].times = w->values.blink_in.times;
    w->later[i].since = world_ms();
    w->later[i].at = world_ms() + world_chance_below(&l->chance, LATER_MS);
    return IOT_CALL_LATER;
}

int32_t lamp_on_measure(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct world_life *l = ctx;
    struct lamp *w = lamp_of(l);

    (void)call;
    if (declines(l, thing))
        return IOT_ERR_AGAIN;
    w->values.measure_out.temp = w->values.temp;
    w->values.measure_out.energy = w->values.energy;
    return IOT_CODE_OK;
}

/* Of one service two may be open: the output of the second is written when the first has left. */
static uint64_t answer_later(struct lamp *w, uint64_t now)
{
    uint64_t next = WORLD_NEVER;

    for (uint32_t i = 0; i < IOT_CALLS_MAX; i++) {
        if (w->later[i].call == 0)
            continue;
        bool over = now > w->later[i].since + IOT_CALL_MS + LATE_MS;
        if (now >= w->later[i].at && iot_thing_can_answer(&w->thing, w->later[i].call)) {
            w->values.blink_out.done = w->later[i].times;
            over = iot_thing_answer(&w->thing, w->later[i].call, IOT_CODE_OK) == IOT_OK;
        }
        if (over)
            w->later[i].call = 0;
        else if (w->later[i].at < next)
            next = w->later[i].at > now ? w->later[i].at : now + RETRY_MS;
    }
    return next;
}

/* ---- What it asks ------------------------------------------------------------------------------ */

static iot_err post_measured(struct lamp *w, uint32_t flags, iot_ticket *ticket)
{
    struct iot_properties set = {{0}};

    iot_properties_add(&set, LAMP_TEMP);
    iot_properties_add(&set, LAMP_ENERGY);
    return iot_thing_post(&w->thing, &set, flags, 0, ticket);
}

static iot_err post_dirty(struct lamp *w, uint32_t flags, iot_ticket *ticket)
{
    iot_err err = iot_thing_post(&w->thing, &w->dirty, flags, 0, ticket);

    if (err == IOT_OK)
        memset(&w->dirty, 0, sizeof w->dirty);
    return err;
}

static iot_err report_shadow(struct world_life *l, struct lamp *w, iot_ticket *ticket)
{
    const struct iot_shadow_value values[] = {
        {.name = "name", .text = w->values.name},
        {.name = "brightness", .number = w->values.brightness},
    };

    return iot_shadow_report(&l->dev, values, 2, IOT_SHADOW_NEXT, ticket);
}

/* One QoS for all posts of a device: one of QoS 1 that is sent again would overtake one of QoS 0. */
static iot_err ask(struct world_life *l, struct lamp *w, enum ask what, iot_ticket *ticket)
{
    uint32_t flags = l->number % 2 ? IOT_ASK_QOS_1 : 0;

    switch (what) {
    case ASK_POST:
        return post_dirty(w, flags, ticket);
    case ASK_MEASURED:
        return post_measured(w, flags, ticket);
    case ASK_SILENT:
        return post_measured(w, flags | IOT_ASK_NO_REPLY, ticket);
    case ASK_EVENT:
        w->values.overheated_event.temp = w->values.temp;
        return iot_thing_event(&w->thing, LAMP_EVENT_OVERHEATED, flags, 0, ticket);
    case ASK_TIME:
        return iot_time_ask(&l->dev, ticket);
    case ASK_DESIRED:
        return iot_thing_desired_get(&w->thing, NULL, ticket);
    case ASK_DELETE:
        return iot_thing_desired_delete(&w->thing, &w->applied, w->versions, ticket);
    case ASK_SHADOW_GET:
        return iot_shadow_get(&l->dev, ticket);
    case ASK_SHADOW:
        return report_shadow(l, w, ticket);
    case ASK_CLEAR:
        return iot_shadow_clear_desired(&l->dev, (struct iot_bytes){NULL, 0}, IOT_SHADOW_NEXT,
                                        ticket);
    case ASKS:
        break;
    }
    return IOT_ERR_ARG;
}

static bool is_open(const struct lamp *w, uint32_t these)
{
    for (uint32_t i = 0; i < ASKS; i++)
        if ((these & BIT(i)) != 0 && w->asks[i].ticket != 0)
            return true;
    return false;
}

/* Versions of the shadow follow each other: one at a time, and first the one that brings the version. */
static bool may_ask(const struct lamp *w, uint32_t what)
{
    if ((w->todo & BIT(what)) == 0 || w->asks[what].ticket != 0)
        return false;
    if ((SHADOW_ASKS & BIT(what)) == 0)
        return true;
    return !is_open(w, SHADOW_ASKS) &&
           (what == ASK_SHADOW_GET || (w->todo & BIT(ASK_SHADOW_GET)) == 0);
}

static void ask_all(struct world_life *l, struct lamp *w, uint64_t now)
{
    for (uint32_t i = 0; i < ASKS; i++) {
        iot_ticket ticket = 0;
        if (!may_ask(w, i) || (!l->up && i != ASK_POST)) /* posts may wait for a link */
            continue;
        iot_err err = ask(l, w, (enum ask)i, &ticket);
        if (err == IOT_ERR_FULL || err == IOT_ERR_AGAIN) {
            w->try_at = now + RETRY_MS;
            return;
        }
        if (err != IOT_OK) {
            world_violation("thing %s: request %u is refused as %s", l->name, i, iot_err_name(err));
            w->todo &= ~BIT(i);
            continue;
        }
        w->todo &= ~BIT(i);
        w->asks[i].ticket = ticket;
        w->asks[i].since = now;
        w->asked++;
        w->counts.asked++;
    }
}

/* ---- How it ends ------------------------------------------------------------------------------- */

static void apply_desired(struct world_life *l, struct lamp *w, struct iot_json data)
{
    int32_t code = iot_thing_desired_apply(&w->thing, data, &w->applied, w->versions);
    struct iot_properties none = {{0}};

    if (code != IOT_CODE_OK)
        world_violation("thing %s: what is desired is refused by code %d", l->name, (int)code);
    w->todo &= ~BIT(ASK_DELETE); /* of what was applied before: that is named again */
    if (code != IOT_CODE_OK || memcmp(&w->applied, &none, sizeof none) == 0)
        return;
    w->counts.desired++;
    soil_these(w, &w->applied);
    w->todo |= BIT(ASK_DELETE);
}

static void apply_shadow(struct lamp *w, struct iot_json data)
{
    struct iot_shadow_state state;
    struct iot_json bright;
    int32_t value;

    if (iot_shadow_read(data, &state) != IOT_OK ||
        iot_json_kind(state.desired) != IOT_JSON_OBJECT || iot_json_count(state.desired) == 0)
        return;
    if (iot_json_get(state.desired, "brightness", &bright) == IOT_OK &&
        iot_json_i32(bright, &value) == IOT_OK) {
        w->values.brightness = value;
        soil(w, LAMP_BRIGHTNESS);
    }
    w->counts.shadows++;
    w->todo |= BIT(ASK_CLEAR);
}

static void replied(struct world_life *l, struct lamp *w, enum ask what, const struct iot_event *ev)
{
    w->counts.replied++;
    if (ev->err == IOT_OK) {
        if (what == ASK_DESIRED)
            apply_desired(l, w, ev->reply->data);
        if (what == ASK_SHADOW_GET)
            apply_shadow(w, ev->reply->data);
        return;
    }
    w->counts.conflicts++;
    world_trace("%s: request %u is answered by code %d", l->name, (unsigned)what, ev->detail);
    switch (what) {
    case ASK_DELETE: /* something newer is desired */
        w->todo |= BIT(ASK_DESIRED);
        break;
    case ASK_SHADOW:
    case ASK_CLEAR: /* another version */
        w->todo |= BIT(ASK_SHADOW_GET) | BIT(what);
        break;
    case ASK_SHADOW_GET: /* there is none */
        break;
    case ASK_POST:
    case ASK_MEASURED:
    case ASK_SILENT:
    case ASK_EVENT:
    case ASK_TIME:
    case ASK_DESIRED:
    case ASKS:
        world_violation("thing %s: request %u is answered by code %d", l->name, (unsigned)what,
                        (int)ev->detail);
        break;
    }
}

static void failed(struct world_life *l, struct lamp *w, enum ask what, iot_err err)
{
    uint64_t now = world_ms();

    w->counts.failed++;
    w->counts.timeouts += err == IOT_ERR_LINK_TIMEOUT;
    if (err == IOT_ERR_CLOSED && !l->closing)
        world_violation("thing %s: request %u FAILED CLOSED, and nobody closes", l->name, what);
    w->todo |= BIT(what == ASK_DELETE ? ASK_DESIRED : what) & AGAIN_ASKS;
    if (what == ASK_POST)
        soil_all(w);
    if (what == ASK_MEASURED || what == ASK_SILENT)
        soil(w, LAMP_TEMP), soil(w, LAMP_ENERGY);
    if (w->try_at < now + (l->up ? RETRY_MS : AWAY_MS))
        w->try_at = now + (l->up ? RETRY_MS : AWAY_MS);
}

/* It is wrong by half of the way there and back at most. */
static void check_time(struct world_life *l, struct lamp *w, const struct iot_event *ev)
{
    uint64_t now = world_ms(), span = now - w->asks[ASK_TIME].since;
    int64_t off = ev->notice->unix_ms - (int64_t)(WORLD_CLOUD_WALL_MS + now);

    w->counts.times++;
    if (off > (int64_t)span / 2 + 10 || -off > (int64_t)span / 2 + 10)
        world_violation("thing %s: the time is wrong by %lld ms", l->name, (long long)off);
}

static bool end(struct world_life *l, struct lamp *w, const struct iot_event *ev)
{
    uint32_t what = 0;

    while (what < ASKS && (ev->ticket == 0 || w->asks[what].ticket != ev->ticket))
        what++;
    if (what == ASKS) {
        if (ev->kind == IOT_EV_REPLY)
            world_violation("thing %s: a reply for ticket %u, which is none", l->name, ev->ticket);
        return ev->kind == IOT_EV_REPLY;
    }
    bool was_replied = ev->kind == IOT_EV_REPLY || ev->kind == IOT_EV_NOTICE;
    w->ended[w->end_count % ENDS_KEPT].ticket = ev->ticket;
    w->ended[w->end_count++ % ENDS_KEPT].replied = was_replied;
    if (ev->kind == IOT_EV_NOTICE)
        check_time(l, w, ev);
    w->asks[what].ticket = 0;
    if (ev->kind == IOT_EV_REPLY)
        replied(l, w, (enum ask)what, ev);
    else if (ev->kind == IOT_EV_FAILED)
        failed(l, w, (enum ask)what, ev->err);
    else if (ev->kind == IOT_EV_DONE && what != ASK_SILENT)
        world_violation("thing %s: request %u is DONE without a reply", l->name, what);
    return true;
}

static bool is_platforms(const struct iot_topic *topic)
{
    static const char *const heads[] = {"/sys/", "/ext/", "/shadow/"};

    for (uint32_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (topic->len > strlen(heads[i]) && memcmp(topic->text, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

/* A reply that nobody waits for: it came twice or late, or from before a reboot. */
static void skipped(struct world_life *l, struct lamp *w, const struct iot_event *ev)
{
    char topic[IOT_PRODUCT_KEY_MAX + 160] = "", text[64] = "";
    unsigned id = 0;

    w->counts.skipped++;
    snprintf(topic, sizeof topic, "%.*s", (int)ev->msg->topic.len, ev->msg->topic.text);
    if (ev->err != IOT_ERR_LINK_REPLY) {
        world_violation("thing %s: %s is skipped as %s", l->name, topic, iot_err_name(ev->err));
        return;
    }
    for (uint32_t i = 0; i + 8 < ev->msg->payload.len && id == 0; i++) {
        uint32_t n = ev->msg->payload.len - i < sizeof text - 1 ? ev->msg->payload.len - i
                                                                : (uint32_t)sizeof text - 1;
        memcpy(text, ev->msg->payload.ptr + i, n);
        text[n] = 0;
        (void)sscanf(text, "\"id\":\"%u\"", &id);
    }
    if (id == 0) /* time and shadow have no id */
        return;
    for (uint32_t i = 0; i < ASKS; i++)
        if (w->asks[i].ticket == id)
            world_violation("thing %s: a reply to ticket %u is skipped, and it waits", l->name, id);
    for (uint32_t i = 0; i < ENDS_KEPT && i < w->end_count; i++) {
        if (w->ended[i].ticket != id)
            continue;
        /* a request of QoS 1 that a reconnect sends again is answered again */
        if (w->ended[i].replied && !w->doubles && l->losses == 0)
            world_violation("thing %s: a second reply to ticket %u, for no reason", l->name, id);
        return;
    }
    if (l->boots == 1 && w->asked <= ENDS_KEPT)
        world_violation("thing %s: a reply to ticket %u, which never was", l->name, id);
}

/* ---- The guest --------------------------------------------------------------------------------- */

static void booted(struct world_life *l)
{
    struct lamp *w = lamp_of(l);

    if (w == NULL)
        w = l->guest = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    memset(w, 0, offsetof(struct lamp, counts));
    w->end_count = w->asked = 0;
    w->options = (struct iot_thing_options){
        .model = &lamp_model, .values = &w->values, .ctx = l, .on_set = on_set};
    iot_err err = iot_thing_attach(&l->dev, &w->thing, &w->options);
    if (err != IOT_OK)
        world_violation("thing %s: attach says %s", l->name, iot_err_name(err));
}

static void opened(struct world_life *l)
{
    struct lamp *w = lamp_of(l);
    int64_t version = w->shadow.version;

    memset(&w->shadow, 0, sizeof w->shadow);
    w->shadow.version = version;
    iot_err err = iot_shadow_attach(&l->dev, &w->shadow, NULL);
    if (err != IOT_OK)
        world_violation("thing %s: its shadow says %s", l->name, iot_err_name(err));
}

static void on_closed(const struct world_life *l, struct lamp *w)
{
    for (uint32_t i = 0; i < ASKS; i++)
        if (w->asks[i].ticket != 0)
            world_violation("thing %s: ticket %u has no end, and it is closed", l->name,
                            w->asks[i].ticket);
    memset(w->later, 0, sizeof w->later);
}

static void refresh(struct lamp *w)
{
    soil_all(w);
    w->todo |= BIT(ASK_DESIRED) | BIT(ASK_SHADOW_GET) | BIT(ASK_SHADOW);
}

static bool event(struct world_life *l, const struct iot_event *ev)
{
    struct lamp *w = lamp_of(l);

    switch (ev->kind) {
    case IOT_EV_CONNECTED:
        refresh(w);
        w->try_at = 0;
        return false;
    case IOT_EV_CLOSED:
        on_closed(l, w);
        return false;
    case IOT_EV_WRITABLE:
        w->try_at = 0;
        return false;
    case IOT_EV_REPLY:
    case IOT_EV_DONE:
    case IOT_EV_FAILED:
        return end(l, w, ev);
    case IOT_EV_NOTICE:
        w->counts.notices++;
        if (ev->notice->kind == IOT_NOTICE_TIME)
            end(l, w, ev);
        if (ev->notice->kind == IOT_NOTICE_SHADOW)
            apply_shadow(w, ev->notice->data);
        return true;
    case IOT_EV_SKIPPED:
        if (!is_platforms(&ev->msg->topic))
            return false;
        skipped(l, w, ev);
        return true;
    case IOT_EV_CONNECTING:
    case IOT_EV_LOST:
    case IOT_EV_MESSAGE:
    case IOT_EV_SUBACK:
    case IOT_EV_UNSUBACK:
    case IOT_EV_REGISTERED:
    case IOT_EV_BUSY:
        break;
    }
    return false;
}

static void measure(struct world_life *l, struct lamp *w, uint64_t now)
{
    static const uint8_t ways[] = {ASK_MEASURED, ASK_MEASURED, ASK_SILENT, ASK_EVENT};

    w->values.temp = 20 + (float)world_chance_below(&l->chance, 40) / 4;
    w->values.energy += 0.25;
    w->todo |= BIT(ways[world_chance_below(&l->chance, sizeof ways)]);
    if (is_open(w, BIT(ASK_MEASURED) | BIT(ASK_SILENT)) || (w->todo & BIT(ASK_EVENT)) != 0)
        soil(w, LAMP_TEMP), soil(w, LAMP_ENERGY);
    if (now >= w->time_at) {
        w->todo |= BIT(ASK_TIME);
        w->time_at = now + DAY_MS;
    }
}

/* A request whose time is up while received bytes wait, among which its reply may be, has as long again. */
static void check_ends(struct world_life *l, struct lamp *w, uint64_t now)
{
    for (uint32_t i = 0; i < ASKS; i++) {
        if (i == ASK_SILENT || w->asks[i].ticket == 0 || now < l->excused ||
            now < w->asks[i].since + 2 * IOT_REQUEST_MS + LATE_MS)
            continue;
        world_violation("thing %s: request %u has no end after %u ms", l->name, i,
                        (unsigned)(now - w->asks[i].since));
        w->asks[i].since = now;
    }
}

static uint64_t act(struct world_life *l, uint64_t now)
{
    struct lamp *w = lamp_of(l);

    if (l->quiet && !w->was_quiet)
        refresh(w);
    w->was_quiet = l->quiet;
    if (l->habit.publish_ms != 0 && !l->quiet && now >= w->measure_at) {
        measure(l, w, now);
        w->measure_at = now + world_chance_between(&l->chance, l->habit.publish_ms / 8,
                                                   l->habit.publish_ms * 2);
    }
    check_ends(l, w, now);
    if (now >= w->try_at && w->todo != 0)
        ask_all(l, w, now);
    uint64_t next = answer_later(w, now);
    if (w->todo != 0 && w->try_at > now && w->try_at < next)
        next = w->try_at;
    if (l->habit.publish_ms != 0 && !l->quiet && w->measure_at < next)
        next = w->measure_at;
    return next;
}

static bool is_well(const struct world_life *l)
{
    const struct lamp *w = lamp_of(l);

    return w->was_quiet == l->quiet && w->todo == 0 && !is_open(w, ALL_BITS(ASKS));
}

static void over(struct world_life *l)
{
    free(l->guest);
    l->guest = NULL;
}

const struct world_guest world_thing = {.booted = booted,
                                        .opened = opened,
                                        .event = event,
                                        .act = act,
                                        .is_well = is_well,
                                        .over = over};

const struct world_thing_counts *world_thing_counts(const struct world_life *l)
{
    return &lamp_of(l)->counts;
}

const struct lamp_values *world_thing_values(const struct world_life *l)
{
    return l->powered ? &lamp_of(l)->values : NULL;
}

bool world_thing_was_set(const struct world_life *l, uint32_t number)
{
    return lamp_of(l)->sets[number % SETS_KEPT] == number;
}

void world_thing_doubles(struct world_life *l)
{
    lamp_of(l)->doubles = true;
}
