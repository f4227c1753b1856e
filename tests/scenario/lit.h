/* SPDX-License-Identifier: Apache-2.0 */
/* A town (town.h) whose devices are lamps: things of the emulated platform, with the model of unix_sim/cloud/lamp.json. What
 * they ask is noted with how it ended; the platform asks by the emulator's own commands. For a test program that includes this
 * once: the handlers of the model's services are here. */
#ifndef LIT_H
#define LIT_H

#include "town.h"

#include "cloud/cloud_command.h"
#include "lamp_model/lamp.h"

#include <stdarg.h>

#define EMULATOR     (&town.cloud.cloud)
#define RULES        (EMULATOR->book.rules)
#define LIT_ENDS_MAX 64u

struct ending {
    iot_ticket ticket;
    enum iot_event_kind kind;
    iot_err err;
};

struct lit_lamp {
    struct iot_thing thing;
    struct lamp_values values;
    uint32_t skipped;
    iot_err skipped_as;                                /* the latest */
    uint32_t sets, sets_again, toggles, toggles_again; /* handlers were called; with `again` */
    bool later;    /* Toggle is answered later; Blink always is */
    iot_call call; /* the latest */
    struct iot_thing_options options;
    struct ending ends[LIT_ENDS_MAX];
    iot_ticket asked[LIT_ENDS_MAX];
    uint32_t end_count, asked_count;
};

/* ---- Begin ---------------------------------------------------------------------------------------- */

static inline struct world_habit lit_habit(enum iot_session_kind session);
/* The platform knows the lamp's model. After town_begin or town_with. */
static inline void lit_model(void);
/* One lamp, connected, its link a good one. */
static inline struct world_life *lit_with(enum iot_session_kind session);
static inline struct lit_lamp *lamp_of(const struct world_life *l);

/* ---- The device asks ------------------------------------------------------------------------------ */

/* Post a property; other requests are noted by lit_asked. */
static inline iot_ticket lit_post(struct world_life *l, uint32_t flags);
static inline void lit_asked(struct world_life *l, iot_ticket ticket);
/* It ends once, in this way, within this time. Returns how long it took. */
static inline uint64_t lit_ends(struct world_life *l, iot_ticket ticket, enum iot_event_kind kind,
                                iot_err err, uint64_t within_ms);
/* All that it asked since its last boot has ended, once each. */
static inline void lit_over(const struct world_life *l);
/* A device's handler of events, for a guest (world_life.h) that is no lamp. */
static inline bool lit_event(struct world_life *l, const struct iot_event *ev);

/* ---- The platform asks ---------------------------------------------------------------------------- */

/* A command (cloud_command.h); it must not fail at once. Its ticket, or 0, and then the answer is in lit_said. */
static char lit_said[65536];
static inline uint32_t lit_console(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline uint32_t lit_set(struct world_life *l, const char *name);
static inline uint32_t lit_toggle(struct world_life *l);
/* The device answers by code 200 within this time. */
static inline void lit_answered(uint32_t ticket, uint64_t within_ms);
/* There is an answer, or none in time, and these words are in what the console says of it. */
static inline bool lit_answer_has(uint32_t ticket, const char *words);
/* A message on /sys/{pk}/{dn}/PATH as it is. */
static inline void lit_send(struct world_life *l, const char *path, const char *payload);
/* These words are in what the platform knows of it. */
static inline bool lit_known(const struct world_life *l, const char *words);

/* Its link is reset, and works again; it has noticed. */
static inline void lit_break(struct world_life *l);

static struct lit_lamp lamps[TOWN_LIVES_MAX];

static inline struct lit_lamp *lamp_of(const struct world_life *l)
{
    return &lamps[l->number];
}

static inline bool is_asked(const struct lit_lamp *lamp, iot_ticket ticket)
{
    for (uint32_t i = 0; i < lamp->asked_count; i++)
        if (lamp->asked[i] == ticket)
            return true;
    return false;
}

static inline bool lit_event(struct world_life *l, const struct iot_event *ev)
{
    struct lit_lamp *lamp = lamp_of(l);
    bool is_end = ev->kind == IOT_EV_REPLY || ev->kind == IOT_EV_DONE || ev->kind == IOT_EV_FAILED;

    if (ev->kind == IOT_EV_SKIPPED) {
        lamp->skipped++;
        lamp->skipped_as = ev->err;
    }
    if (!is_end || !is_asked(lamp, ev->ticket))
        return false;
    assert_true(lamp->end_count < LIT_ENDS_MAX);
    lamp->ends[lamp->end_count++] = (struct ending){ev->ticket, ev->kind, ev->err};
    return true;
}

static inline void on_set(void *ctx, struct iot_thing *thing, const struct iot_properties *changed,
                          const struct iot_field *failed)
{
    struct lit_lamp *lamp = ctx;

    (void)changed;
    assert_null(failed);
    lamp->sets++;
    lamp->sets_again += thing->again;
}

static inline bool is_of(const struct lit_lamp *lamp, const struct iot_thing *thing)
{
    return &lamp->thing == thing;
}

int32_t lamp_on_toggle(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct lit_lamp *lamp = ctx;

    assert_true(is_of(lamp, thing));
    lamp->toggles++;
    lamp->toggles_again += thing->again;
    if (!thing->again)
        lamp->values.light_switch = !lamp->values.light_switch;
    lamp->values.toggle_out.light_switch = lamp->values.light_switch;
    lamp->call = call;
    return lamp->later ? IOT_CALL_LATER : IOT_CODE_OK;
}

int32_t lamp_on_blink(void *ctx, struct iot_thing *thing, iot_call call)
{
    struct lit_lamp *lamp = ctx;

    (void)thing;
    lamp->call = call;
    return IOT_CALL_LATER;
}

int32_t lamp_on_measure(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx;
    (void)thing;
    (void)call;
    return IOT_CODE_OK;
}

static inline void booted(struct world_life *l)
{
    struct lit_lamp *lamp = lamp_of(l);

    memset(&lamp->values, 0, sizeof lamp->values);
    lamp->asked_count = lamp->end_count = 0;
    lamp->options = (struct iot_thing_options){
        .model = &lamp_model, .values = &lamp->values, .ctx = lamp, .on_set = on_set};
    assert_err(iot_thing_attach(&l->dev, &lamp->thing, &lamp->options), IOT_OK);
}

static const struct world_guest lamp_guest = {.booted = booted, .event = lit_event};

/* ---- Begin ---------------------------------------------------------------------------------------- */

static inline struct world_habit lit_habit(enum iot_session_kind session)
{
    return (struct world_habit){.guest = &lamp_guest,
                                .platform = true,
                                .session = session,
                                .qos_max = 1,
                                .keepalive_s = 60};
}

static inline void lit_model(void)
{
    char why[256];

    if (!world_cloud_model(&town.cloud, WORLD_CLOUD_KEY, "unix_sim/cloud/lamp.json", why,
                           sizeof why))
        fail_msg("%s", why);
}

static inline struct world_life *lit_with(enum iot_session_kind session)
{
    struct world_life *l = town_with(lit_habit(session));

    lit_model();
    return l;
}

/* ---- The device asks ------------------------------------------------------------------------------ */

static inline void lit_asked(struct world_life *l, iot_ticket ticket)
{
    struct lit_lamp *lamp = lamp_of(l);

    assert_true(lamp->asked_count < LIT_ENDS_MAX);
    lamp->asked[lamp->asked_count++] = ticket;
}

static inline iot_ticket lit_post(struct world_life *l, uint32_t flags)
{
    iot_ticket ticket = 0;

    assert_err(
        iot_thing_post(&lamp_of(l)->thing, IOT_PROPERTIES(LAMP_BRIGHTNESS), flags, 0, &ticket),
        IOT_OK);
    lit_asked(l, ticket);
    world_loop_stir(&l->actor);
    return ticket;
}

/* How often it has ended; `ev` out: the last one. */
static inline uint32_t ends_of(const struct world_life *l, iot_ticket ticket, struct ending *end)
{
    const struct lit_lamp *lamp = lamp_of(l);
    uint32_t n = 0;

    for (uint32_t i = 0; i < lamp->end_count; i++) {
        if (lamp->ends[i].ticket != ticket)
            continue;
        *end = lamp->ends[i];
        n++;
    }
    return n;
}

static struct {
    const struct world_life *life;
    iot_ticket ticket;
} awaited;

static inline bool has_not_ended(void *ctx)
{
    struct ending end;

    (void)ctx;
    return ends_of(awaited.life, awaited.ticket, &end) == 0;
}

/* It ends once, in this way, within this time. Returns when. */
static inline uint64_t lit_ends(struct world_life *l, iot_ticket ticket, enum iot_event_kind kind,
                                iot_err err, uint64_t within_ms)
{
    struct ending end = {0};
    uint64_t since = world_ms();

    awaited.life = l;
    awaited.ticket = ticket;
    if (!world_loop_while(has_not_ended, NULL, within_ms))
        fail_msg("ticket %u has not ended within %u ms", ticket, (unsigned)within_ms);
    assert_int_equal(ends_of(l, ticket, &end), 1);
    if (end.kind != kind || end.err != err)
        fail_msg("ticket %u ended as event %d, %s", ticket, (int)end.kind, iot_err_name(end.err));
    return world_ms() - since;
}

static inline void lit_over(const struct world_life *l)
{
    const struct lit_lamp *lamp = lamp_of(l);
    struct ending end;

    for (uint32_t i = 0; i < lamp->asked_count; i++)
        assert_int_equal(ends_of(l, lamp->asked[i], &end), 1);
}

/* ---- The platform asks ---------------------------------------------------------------------------- */

static inline uint32_t lit_console(const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    uint32_t ticket = cloud_command(EMULATOR, line, lit_said, sizeof lit_said, world_ms());
    if (ticket == 0 && strncmp(lit_said, "ok", 2) != 0)
        fail_msg("%s", lit_said);
    return ticket;
}

static inline uint32_t lit_set(struct world_life *l, const char *name)
{
    return lit_console("set " WORLD_CLOUD_KEY " %s {\"Name\":\"%s\"}", l->name, name);
}

static inline uint32_t lit_toggle(struct world_life *l)
{
    return lit_console("call " WORLD_CLOUD_KEY " %s Toggle", l->name);
}

static inline bool waits_for_answer(void *ctx)
{
    const uint32_t *ticket = ctx;
    return !cloud_command_answer(EMULATOR, *ticket, lit_said, sizeof lit_said);
}

/* The device has answered by code 200. */
static inline void lit_answered(uint32_t ticket, uint64_t within_ms)
{
    if (!world_loop_while(waits_for_answer, &ticket, within_ms))
        fail_msg("order %u has no answer", ticket);
    if (strncmp(lit_said, "ok", 2) != 0)
        fail_msg("order %u: %s", ticket, lit_said);
}

static inline bool lit_answer_has(uint32_t ticket, const char *words)
{
    return cloud_command_answer(EMULATOR, ticket, lit_said, sizeof lit_said) &&
           strstr(lit_said, words) != NULL;
}

static inline void lit_send(struct world_life *l, const char *path, const char *payload)
{
    lit_console("publish " WORLD_CLOUD_KEY " %s /sys/" WORLD_CLOUD_KEY "/%s/%s %s", l->name,
                l->name, path, payload);
}

static inline void lit_break(struct world_life *l)
{
    uint32_t losses = l->losses;

    assert_true(
        world_broker_kick(&town.broker, world_town_id(&town, l), WORLD_END_RESET, world_ms()));
    town_cut(false, false);
    while (l->losses == losses)
        town_run(100);
}

static inline bool lit_known(const struct world_life *l, const char *words)
{
    lit_console("show %s %s", l->identity.product_key, l->name);
    return strstr(lit_said, words) != NULL;
}

#endif
