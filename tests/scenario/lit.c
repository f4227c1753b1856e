/* SPDX-License-Identifier: Apache-2.0 */
#include "lit.h"

#include <stdarg.h>

/* ---- A device with a thing ------------------------------------------------------------------------ */

char lit_said[65536];
static struct lit_lamp lamps[TOWN_LIVES_MAX];

struct lit_lamp *lamp_of(const struct world_life *l)
{
    return &lamps[l->number];
}

static bool is_asked(const struct lit_lamp *lamp, iot_ticket ticket)
{
    for (uint32_t i = 0; i < lamp->asked_count; i++)
        if (lamp->asked[i] == ticket)
            return true;
    return false;
}

bool lit_event(struct world_life *l, const struct iot_event *ev)
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

static void on_set(void *ctx, struct iot_thing *thing, const struct iot_properties *changed,
                   const struct iot_field *failed)
{
    struct lit_lamp *lamp = ctx;

    (void)changed;
    assert_null(failed);
    lamp->sets++;
    lamp->sets_again += thing->again;
}

static bool is_of(const struct lit_lamp *lamp, const struct iot_thing *thing)
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

static void booted(struct world_life *l)
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

struct world_habit lit_habit(enum iot_session_kind session)
{
    return (struct world_habit){.guest = &lamp_guest,
                                .platform = true,
                                .session = session,
                                .qos_max = 1,
                                .keepalive_s = 60};
}

void lit_model(void)
{
    char why[256];

    if (!world_cloud_model(&town.cloud, WORLD_CLOUD_KEY, "unix_sim/cloud/lamp.json", why,
                           sizeof why))
        fail_msg("%s", why);
}

struct world_life *lit_with(enum iot_session_kind session)
{
    struct world_life *l = town_with(lit_habit(session));

    lit_model();
    return l;
}

/* ---- The device asks ------------------------------------------------------------------------------ */

void lit_asked(struct world_life *l, iot_ticket ticket)
{
    struct lit_lamp *lamp = lamp_of(l);

    assert_true(lamp->asked_count < LIT_ENDS_MAX);
    lamp->asked[lamp->asked_count++] = ticket;
}

iot_ticket lit_post(struct world_life *l, uint32_t flags)
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
static uint32_t ends_of(const struct world_life *l, iot_ticket ticket, struct ending *end)
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

static bool has_not_ended(void *ctx)
{
    struct ending end;

    (void)ctx;
    return ends_of(awaited.life, awaited.ticket, &end) == 0;
}

/* It ends once, in this way, within this time. Returns when. */
uint64_t lit_ends(struct world_life *l, iot_ticket ticket, enum iot_event_kind kind, iot_err err,
                  uint64_t within_ms)
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

void lit_over(const struct world_life *l)
{
    const struct lit_lamp *lamp = lamp_of(l);
    struct ending end;

    for (uint32_t i = 0; i < lamp->asked_count; i++)
        assert_int_equal(ends_of(l, lamp->asked[i], &end), 1);
}

/* ---- The platform asks ---------------------------------------------------------------------------- */

uint32_t lit_console(const char *format, ...)
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

uint32_t lit_set(struct world_life *l, const char *name)
{
    return lit_console("set " WORLD_CLOUD_KEY " %s {\"Name\":\"%s\"}", l->name, name);
}

uint32_t lit_toggle(struct world_life *l)
{
    return lit_console("call " WORLD_CLOUD_KEY " %s Toggle", l->name);
}

static bool waits_for_answer(void *ctx)
{
    const uint32_t *ticket = ctx;
    return !cloud_command_answer(EMULATOR, *ticket, lit_said, sizeof lit_said);
}

/* The device has answered by code 200. */
void lit_answered(uint32_t ticket, uint64_t within_ms)
{
    if (!world_loop_while(waits_for_answer, &ticket, within_ms))
        fail_msg("order %u has no answer", ticket);
    if (strncmp(lit_said, "ok", 2) != 0)
        fail_msg("order %u: %s", ticket, lit_said);
}

bool lit_answer_has(uint32_t ticket, const char *words)
{
    return cloud_command_answer(EMULATOR, ticket, lit_said, sizeof lit_said) &&
           strstr(lit_said, words) != NULL;
}

void lit_send(struct world_life *l, const char *path, const char *payload)
{
    lit_console("publish " WORLD_CLOUD_KEY " %s /sys/" WORLD_CLOUD_KEY "/%s/%s %s", l->name,
                l->name, path, payload);
}

void lit_break(struct world_life *l)
{
    uint32_t losses = l->losses;

    assert_true(
        world_broker_kick(&town.broker, world_town_id(&town, l), WORLD_END_RESET, world_ms()));
    town_cut(false, false);
    while (l->losses == losses)
        town_run(100);
}

bool lit_known(const struct world_life *l, const char *words)
{
    lit_console("show %s %s", l->identity.product_key, l->name);
    return strstr(lit_said, words) != NULL;
}
