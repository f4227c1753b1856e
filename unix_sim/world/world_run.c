/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_run.h"

#include "world/world_console.h"
#include "world/world_pools.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS  3600000ull
#define CLOSE_MS 60000u
#define DOWN_MS  3600000u

const char *const world_pace_names[WORLD_PACES] = {"busy", "steady", "lonely"};

/* How fast things happen: times between faults, between messages to and from a device, between calms,
 * and how long a run is. */
static const struct {
    uint32_t faults_ms, publish_ms, write_ms, calm_ms, hours_min, hours_max;
} paces[WORLD_PACES] = {
    [WORLD_BUSY] = {15000, 1500, 2500, 1800000, 1, 4},
    [WORLD_STEADY] = {300000, 60000, 120000, 14400000, 24, 96},
    [WORLD_LONELY] = {7200000, 900000, 3600000, 86400000, 240, 960},
};

static struct world_town town;
static struct world_plan plan;
static struct world_console console;
static bool has_things;

bool world_run_number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out >= low &&
           *out <= high;
}

static void draw_habit(struct world_chance *c, bool platform, uint32_t publish_ms,
                       struct world_habit *h)
{
    static const uint16_t keepalives[] = {60, 60, 30, 120, 300, 0};
    static const uint8_t policies[] = {0, IOT_MSG_REFUSE, IOT_MSG_DROP_OLDEST, IOT_MSG_REPLACE};
    memset(h, 0, sizeof *h);
    h->platform = platform;
    h->session = (enum iot_session_kind)world_chance_below(c, 3);
    h->hand_back = world_chance_below(c, 2) != 0;
    h->echo = world_chance_below(c, 3) == 0;
    h->parts = world_chance_below(c, 2) != 0;
    h->policy = policies[world_chance_below(c, 4)];
    h->qos_max = (uint8_t)(platform ? 1 : 2);
    h->keepalive_s = platform ? 60 : keepalives[world_chance_below(c, 6)];
    h->publish_ms = publish_ms / 2 + world_chance_below(c, publish_ms);
    if (platform && world_chance_below(c, 3) != 0)
        h->guest = &world_thing;
}

static bool is_not_well(void *ctx)
{
    return !world_town_is_well(ctx) || (has_things && !world_console_is_well(&console));
}

static bool is_not_closed(void *ctx)
{
    const struct world_town *t = ctx;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->lives[i].begun || !t->lives[i].powered)
            return true;
    return false;
}

/* No more faults, no more messages: everybody has to get well. False: nothing more can be done. */
static bool calm(struct world_result *out, uint32_t write_ms)
{
    uint64_t since = world_ms();
    uint32_t most = town.platform ? WORLD_WELL_PLATFORM_MS : WORLD_WELL_MS;
    world_plan_calm(&plan);
    world_wire_calm();
    town.write_ms = 0;
    if (has_things)
        world_console_calm(&console);
    for (uint32_t i = 0; i < town.count; i++)
        town.lives[i].quiet = true;
    world_trace("calm");
    bool well = world_loop_while(is_not_well, &town, most);
    if (!well)
        world_town_complain(&town);
    else if (has_things)
        world_console_judge(&console);
    uint64_t took = world_ms() - since;
    if (took > out->longest_recovery_ms[town.platform])
        out->longest_recovery_ms[town.platform] = took;
    world_trace("well after %u ms", (unsigned)took);
    out->calms++;
    town.write_ms = write_ms;
    if (has_things)
        world_console_go_on(&console, write_ms, true);
    for (uint32_t i = 0; i < town.count; i++)
        town.lives[i].quiet = false;
    return well;
}

/* Before they close for good. */
static void count_things(struct world_result *out)
{
    for (uint32_t i = 0; i < town.count; i++) {
        if (town.lives[i].habit.guest != &world_thing)
            continue;
        const struct world_thing_counts *t = world_thing_counts(&town.lives[i]);
        out->things++;
        out->requests += t->asked;
        out->timeouts += t->timeouts;
        out->served += t->sets + t->calls;
    }
}

static void count(struct world_result *out)
{
    for (uint32_t i = 0; i < town.count; i++) {
        const struct world_life *l = &town.lives[i];
        const struct world_counts *n = &l->ledger.counts;
        out->accepted += n->accepted;
        out->done += n->done[0] + n->done[1] + n->done[2];
        out->failed += n->failed;
        out->got += n->got[0] + n->got[1] + n->got[2];
        out->connects += l->connects;
        out->losses += l->losses;
        out->reboots += l->boots - 1;
        out->closes += l->closes;
    }
    out->faults = plan.strikes;
    for (uint32_t f = 0; f < WORLD_FAULTS; f++)
        for (uint32_t s = 0; s < WORLD_STANDS; s++) {
            out->hits[f][s] = plan.hits[f][s];
        }
}

static void close_all(void)
{
    town.write_ms = 0;
    if (has_things)
        world_console_calm(&console);
    for (uint32_t i = 0; i < town.count; i++) {
        town.lives[i].quiet = true;
        (void)world_life_close(&town.lives[i], 2000, 1000000000);
        town.lives[i].reopen_at = WORLD_NEVER;
    }
    if (!world_loop_while(is_not_closed, &town, CLOSE_MS))
        world_violation("run: not all are closed in the end");
    for (uint32_t i = 0; i < town.count; i++)
        world_life_over(&town.lives[i]);
}

void world_run(uint64_t seed, uint32_t pace, uint32_t hours, struct world_result *out)
{
    struct world_habit habits[WORLD_RUN_LIVES_MAX];
    struct world_chance c;
    memset(out, 0, sizeof *out);
    world_start(seed);
    world_chance_seed(&c, seed, WORLD_STREAM_TEST);
    if (pace >= WORLD_PACES)
        pace = world_chance_below(&c, WORLD_PACES);
    if (hours == 0)
        hours = world_chance_between(&c, paces[pace].hours_min, paces[pace].hours_max);
    bool platform = world_chance_below(&c, 4) == 0;
    uint32_t count_of = world_chance_between(&c, pace == WORLD_BUSY ? 1 : 4, WORLD_RUN_LIVES_MAX);
    for (uint32_t i = 0; i < count_of; i++)
        draw_habit(&c, platform, paces[pace].publish_ms, &habits[i]);

    out->seed = seed;
    out->pace = pace;
    out->platform = platform;
    world_trace("%s, %u hours, %u devices%s", world_pace_names[pace], hours, count_of,
                platform ? " of the platform" : "");
    world_town_start(&town, seed, habits, count_of);
    town.write_ms = paces[pace].write_ms;
    town.large = platform ? 0 : 20000;
    for (uint32_t i = 0; i < count_of; i++)
        has_things |= habits[i].guest != NULL;
    if (has_things && world_console_start(&console, &town, seed))
        world_console_go_on(&console, town.write_ms, true);
    world_plan_start(&plan, &town, seed, paces[pace].faults_ms);

    uint64_t from = world_ms(), end = from + hours * HOUR_MS;
    bool well = true;
    while (well && world_ms() < end && world_violations() == 0) {
        uint64_t next = world_ms() + paces[pace].calm_ms;
        well = world_loop_until(next < end ? next : end) && calm(out, paces[pace].write_ms);
        world_plan_go_on(&plan);
    }
    world_plan_calm(&plan);
    count_things(out);
    if (well)
        close_all();
    count(out);
    out->device_ms = (world_ms() - from) * count_of;
    if (well) {
        world_server_restart(DOWN_MS, false, world_ms()); /* it may not have seen everybody leave */
        world_pools_settle();
    }
    out->violations = world_violations();
    out->hash = world_trace_hash();
}
