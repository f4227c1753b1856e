/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_console.h"

#include "world/world_trace.h"

#include "cloud/cloud_command.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS  500u    /* answers are looked for so often */
#define RULES_MS 300000u /* between two changes of the platform's mood */
#define MODEL    "unix_sim/cloud/lamp.json"

static char said[CLOUD_REPLY_MAX];

/* ---- Orders ------------------------------------------------------------------------------------ */

/* A command about a thing; its ticket. 0: its answer is in `said`. */
static uint32_t command(struct world_console *c, struct world_life *l, const char *verb,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));
static uint32_t command(struct world_console *c, struct world_life *l, const char *verb,
                        const char *format, ...)
{
    char line[512];
    va_list args;
    int n = snprintf(line, sizeof line, "%s %s %s ", verb, l->identity.product_key, l->name);

    va_start(args, format);
    vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    va_end(args);
    world_trace("console: %s", line);
    return cloud_command(&c->town->cloud.cloud, line, said, sizeof said, world_ms());
}

static bool says_ok(void)
{
    return strncmp(said, "ok", 2) == 0;
}

static uint32_t set(struct world_console *c, struct world_life *l, uint32_t number)
{
    return command(c, l, "set", "{\"Name\":\"" WORLD_SET_NAME "\",\"Brightness\":%u,\"Mode\":%u}",
                   number, WORLD_SET_BRIGHT(number), number % 3);
}

/* The console would refuse it itself: sent as it is. */
static uint32_t bad(struct world_console *c, struct world_life *l, uint32_t number)
{
    static const char *const more[] = {"\"Brightness\":101", "\"Nothing\":1", "\"Temp\":1",
                                       "\"Mode\":\"1\"", "\"RGBColor\":{\"R\":1,\"X\":2}"};

    return command(c, l, "publish",
                   "/sys/%s/%s/thing/service/property/set "
                   "{\"id\":\"%u\",\"version\":\"1.0\",\"params\":{\"Name\":\"" WORLD_BAD_NAME
                   "\",%s},\"method\":\"thing.service.property.set\"}",
                   l->identity.product_key, l->name, 900000000u + number, number,
                   more[world_chance_below(&c->chance, sizeof more / sizeof more[0])]);
}

static const char *draw_way(struct world_console *c)
{
    static const char *const ways[] = {"", " async", " rrpc", " ext"};

    return ways[world_chance_below(&c->chance, 4)];
}

static uint32_t blink(struct world_console *c, struct world_life *l, uint32_t number)
{
    return command(c, l, "call", "Blink {\"Times\":%u,\"IntervalMs\":50}%s", number, draw_way(c));
}

static uint32_t notice(struct world_console *c, struct world_life *l, uint32_t number)
{
    return number % 2 ? command(c, l, "log-mode", "%u", number / 2 % 2)
                      : command(c, l, "error", "429 too fast");
}

static uint32_t give(struct world_console *c, struct world_life *l, enum world_order_kind kind,
                     uint32_t number)
{
    switch (kind) {
    case WORLD_ORDER_SET:
        return set(c, l, number);
    case WORLD_ORDER_BAD:
        return bad(c, l, number);
    case WORLD_ORDER_BLINK:
        return blink(c, l, number);
    case WORLD_ORDER_TOGGLE:
        return command(c, l, "call", "Toggle%s", draw_way(c));
    case WORLD_ORDER_MEASURE:
        return command(c, l, "call", "Measure%s", draw_way(c));
    case WORLD_ORDER_DESIRE:
        return command(c, l, "desired", "{\"Name\":\"" WORLD_DESIRED_NAME "\",\"Brightness\":%u}",
                       number, number % 101);
    case WORLD_ORDER_SHADOW:
        return command(c, l, "shadow", "{\"desired\":{\"brightness\":%u}}", number % 101);
    case WORLD_ORDER_NOTICE:
        return notice(c, l, number);
    case WORLD_ORDERS:
        break;
    }
    return 0;
}

/* Those that come often are named often. */
static enum world_order_kind draw_kind(struct world_console *c)
{
    static const uint8_t kinds[] = {WORLD_ORDER_SET,    WORLD_ORDER_SET,     WORLD_ORDER_SET,
                                    WORLD_ORDER_SET,    WORLD_ORDER_BAD,     WORLD_ORDER_BLINK,
                                    WORLD_ORDER_BLINK,  WORLD_ORDER_BLINK,   WORLD_ORDER_TOGGLE,
                                    WORLD_ORDER_TOGGLE, WORLD_ORDER_MEASURE, WORLD_ORDER_DESIRE,
                                    WORLD_ORDER_SHADOW, WORLD_ORDER_NOTICE};

    return (enum world_order_kind)kinds[world_chance_below(&c->chance, sizeof kinds)];
}

static struct world_order *free_order(struct world_console *c)
{
    for (uint32_t i = 0; i < WORLD_ORDERS_MAX; i++)
        if (c->orders[i].ticket == 0)
            return &c->orders[i];
    return NULL;
}

static void order_one(struct world_console *c, struct world_life *l)
{
    struct world_order *o = free_order(c);
    enum world_order_kind kind = draw_kind(c);
    uint32_t number = c->sets[l->number] + 1;

    if (o == NULL)
        return;
    if (kind == WORLD_ORDER_SET || kind == WORLD_ORDER_BAD)
        c->sets[l->number]++;
    if (kind == WORLD_ORDER_BLINK)
        number = world_chance_between(&c->chance, 1, 10);
    uint32_t ticket = give(c, l, kind, number);
    if (ticket == 0 && !says_ok()) {
        c->counts.offline++;
        return;
    }
    c->counts.given[kind]++;
    c->toggles[l->number] += kind == WORLD_ORDER_TOGGLE;
    if (ticket != 0)
        *o = (struct world_order){ticket, number, kind, l};
}

/* ---- Answers ----------------------------------------------------------------------------------- */

static void judge_order(struct world_console *c, const struct world_order *o)
{
    char done[24];

    if (!says_ok()) {
        bool refused = strstr(said, "the device says") != NULL;
        bool late = strstr(said, "no answer") != NULL || strstr(said, "forgotten") != NULL;
        c->counts.late += late;
        c->counts.refused += refused;
        /* a call that is not answered in time has a code for that */
        if (!late && !(refused && o->kind == WORLD_ORDER_BLINK && strstr(said, "6151") != NULL))
            world_violation("console: order %u to %s: %.200s", o->kind, o->life->name, said);
        return;
    }
    c->counts.done[o->kind]++;
    if (o->kind == WORLD_ORDER_SET && !world_thing_was_set(o->life, o->number))
        world_violation("console: set %u of %s is answered by 200, and was not done", o->number,
                        o->life->name);
    snprintf(done, sizeof done, "\"Done\":%u}", o->number);
    if (o->kind == WORLD_ORDER_BLINK && strstr(said, done) == NULL)
        world_violation("console: %s blinked another number of times than %u: %.200s",
                        o->life->name, o->number, said);
}

static bool look(struct world_console *c)
{
    bool waits = false;

    for (uint32_t i = 0; i < WORLD_ORDERS_MAX; i++) {
        struct world_order *o = &c->orders[i];
        if (o->ticket == 0)
            continue;
        if (!cloud_command_answer(&c->town->cloud.cloud, o->ticket, said, sizeof said)) {
            waits = true;
            continue;
        }
        judge_order(c, o);
        o->ticket = 0;
    }
    return waits;
}

/* ---- Replies ----------------------------------------------------------------------------------- */

static struct cloud_rules *rules_of(struct world_console *c)
{
    return &c->town->cloud.cloud.book.rules;
}

static void good_replies(struct world_console *c)
{
    struct cloud_rules *r = rules_of(c);

    r->reply_delay_ms = r->reply_drop = r->reply_double = 0;
    c->ruled = false;
}

static void change_rules(struct world_console *c)
{
    static const uint16_t delays[] = {100, 3000, 9500, 12000};
    struct cloud_rules *r = rules_of(c);
    uint32_t what = world_chance_below(&c->chance, 3);

    if (c->ruled) {
        good_replies(c);
        return;
    }
    c->ruled = true;
    if (what == 0)
        r->reply_delay_ms = delays[world_chance_below(&c->chance, 4)];
    if (what == 1)
        r->reply_drop = 1 + world_chance_below(&c->chance, 4);
    if (what == 2)
        r->reply_double = 1 + world_chance_below(&c->chance, 4);
    for (uint32_t i = 0; i < c->town->count && what == 2; i++)
        if (c->town->lives[i].habit.guest == &world_thing)
            world_thing_doubles(&c->town->lives[i]);
    world_trace("console: replies are late by %u ms, each %u. is lost, each %u. doubled",
                (unsigned)r->reply_delay_ms, (unsigned)r->reply_drop, (unsigned)r->reply_double);
}

/* ---- The actor --------------------------------------------------------------------------------- */

static struct world_life *draw_thing(struct world_console *c)
{
    uint32_t n = world_chance_below(&c->chance, c->things);

    for (uint32_t i = 0; i < c->town->count; i++)
        if (c->town->lives[i].habit.guest == &world_thing && n-- == 0)
            return &c->town->lives[i];
    return NULL;
}

static uint64_t tick(void *ctx, uint64_t now)
{
    struct world_console *c = ctx;
    uint64_t next = look(c) ? now + LOOK_MS : WORLD_NEVER;

    if (c->order_ms != 0 && now >= c->order_at) {
        order_one(c, draw_thing(c));
        c->order_at =
            now + 1 +
            world_chance_between(&c->chance, c->order_ms / 8, c->order_ms * 2) / c->things;
        next = now + LOOK_MS;
    }
    if (c->rules && now >= c->rule_at) {
        change_rules(c);
        c->rule_at = now + world_chance_between(&c->chance, RULES_MS / 8, RULES_MS * 2);
    }
    if (c->order_ms != 0 && c->order_at < next)
        next = c->order_at;
    return c->rules && c->rule_at < next ? c->rule_at : next;
}

bool world_console_start(struct world_console *c, struct world_town *t, uint64_t seed)
{
    char why[256] = "";

    memset(c, 0, sizeof *c);
    c->town = t;
    world_chance_seed(&c->chance, seed, WORLD_STREAM_CLOUD);
    for (uint32_t i = 0; i < t->count && i < WORLD_SEATS_MAX; i++)
        c->things += t->lives[i].habit.guest == &world_thing;
    bool ok = world_cloud_model(&t->cloud, WORLD_CLOUD_KEY, MODEL, why, sizeof why);
    if (!ok)
        world_violation("console: %s", why);
    c->actor.tick = tick;
    c->actor.ctx = c;
    c->actor.attention = WORLD_BUSY_TURN;
    world_loop_add(&c->actor);
    return ok;
}

void world_console_calm(struct world_console *c)
{
    c->order_ms = 0;
    c->rules = false;
    good_replies(c);
}

void world_console_go_on(struct world_console *c, uint32_t order_ms, bool rules)
{
    c->order_ms = c->things != 0 ? order_ms : 0;
    c->rules = rules;
    c->rule_at = c->order_at = world_ms();
}

bool world_console_is_well(const struct world_console *c)
{
    for (uint32_t i = 0; i < WORLD_ORDERS_MAX; i++)
        if (c->orders[i].ticket != 0)
            return false;
    return true;
}

/* ---- Both views -------------------------------------------------------------------------------- */

/* Where the value of a property begins; NULL: the platform knows none. */
static const char *value_of(const char *name)
{
    char head[64];
    int n = snprintf(head, sizeof head, "property %s {\"value\":", name);
    const char *at = strstr(said, head);

    return at != NULL ? at + n : NULL;
}

static void compare_number(const struct world_life *l, const char *name, double own)
{
    const char *at = value_of(name);

    if (at == NULL || fabs(strtod(at, NULL) - own) > 1e-5)
        world_violation("console: %s of %s is %.12g, and the platform has %.20s", name, l->name,
                        own, at != NULL ? at : "nothing");
}

static void judge_thing(struct world_console *c, struct world_life *l)
{
    const struct lamp_values *v = world_thing_values(l);
    const struct world_thing_counts *n = world_thing_counts(l);
    char words[160];

    command(c, l, "show", "%s", "");
    compare_number(l, "LightSwitch", v->light_switch);
    compare_number(l, "Brightness", v->brightness);
    compare_number(l, "Mode", v->mode);
    compare_number(l, "Temp", (double)v->temp);
    compare_number(l, "Energy", v->energy);
    snprintf(words, sizeof words, "property Name {\"value\":\"%s\",", v->name);
    if (strstr(said, words) == NULL)
        world_violation("console: the name of %s is %s, and the platform's another", l->name,
                        v->name);
    if (strstr(said, "\ndesired ") != NULL)
        world_violation("console: something is still desired of %s", l->name);
    snprintf(words, sizeof words, "\"brightness\":%d", (int)v->brightness);
    const char *shadow = strstr(said, "\nshadow state ");
    if (shadow == NULL || strstr(shadow, words) == NULL || strstr(shadow, v->name) == NULL)
        world_violation("console: the shadow of %s is not its own: %.100s", l->name,
                        shadow != NULL ? shadow + 1 : "none");
    if (strncmp(v->name, WORLD_BAD_NAME, 4) == 0)
        world_violation("console: a set that %s has to refuse was done", l->name);
    if (n->toggles > c->toggles[l->number])
        world_violation("console: %s was toggled %u times, and %u were asked for", l->name,
                        n->toggles, c->toggles[l->number]);
    c->counts.judged++;
}

void world_console_judge(struct world_console *c)
{
    for (uint32_t i = 0; i < c->town->count; i++)
        if (c->town->lives[i].habit.guest == &world_thing)
            judge_thing(c, &c->town->lives[i]);
}
