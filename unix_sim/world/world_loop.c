/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_loop.h"

#include "world/world_clock.h"
#include "world/world_dns.h"
#include "world/world_lwip.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "lwip/timeouts.h"

static struct {
    struct world_actor *actors[WORLD_ACTORS_MAX]; /* NULL: removed in this turn */
    uint32_t count;
    bool in_turn, has_holes;
    uint64_t due; /* the earliest of the actors, by their last ticks */
    uint64_t turns;
    uint64_t spin_ms;
    uint32_t spin_turns; /* in spin_ms */
    bool spins;
} loop;

void world_start(uint64_t seed)
{
    world_clock_start(WORLD_CLOCK_FIRST);
    world_lwip_start(seed);
    world_wire_start(seed);
    world_dns_start();
}

/* ---- Actors ------------------------------------------------------------------------------ */

void world_loop_add(struct world_actor *actor)
{
    if (actor->in || loop.count == WORLD_ACTORS_MAX) {
        world_violation(actor->in ? "an actor is added twice" : "too many actors");
        return;
    }
    actor->in = true;
    actor->due = 0; /* at once */
    loop.due = 0;
    loop.actors[loop.count++] = actor;
}

static void close_holes(void)
{
    uint32_t to = 0;

    for (uint32_t i = 0; i < loop.count; i++)
        if (loop.actors[i] != NULL)
            loop.actors[to++] = loop.actors[i];
    loop.count = to;
    loop.has_holes = false;
}

void world_loop_remove(struct world_actor *actor)
{
    for (uint32_t i = 0; actor->in && i < loop.count; i++) {
        if (loop.actors[i] != actor)
            continue;
        loop.actors[i] = NULL;
        loop.has_holes = true;
        actor->in = false;
    }
    if (loop.has_holes && !loop.in_turn)
        close_holes();
}

/* ---- Turns ------------------------------------------------------------------------------- */

/* True: some actor was due. */
static bool tick_all(void)
{
    bool was_due = false;

    loop.due = WORLD_NEVER;
    loop.in_turn = true;
    for (uint32_t i = 0; i < loop.count; i++) {
        struct world_actor *a = loop.actors[i];
        if (a == NULL)
            continue;
        uint64_t now = world_ms(); /* each time: a tick may have frozen the loop */
        was_due |= a->due <= now;
        uint64_t due = a->tick(a->ctx, now);
        if (loop.actors[i] != a)
            continue; /* it removed itself */
        a->due = due;
        if (due < loop.due)
            loop.due = due;
    }
    loop.in_turn = false;
    if (loop.has_holes)
        close_holes();
    return was_due;
}

/* Does something want another turn in this ms? */
static bool turn(void)
{
    uint32_t frames = world_wire_deliver();

    sys_check_timeouts();
    bool was_due = tick_all();
    loop.turns++;
    return was_due || frames != 0 || loop.due <= world_ms() || world_wire_next() <= world_ms();
}

static bool is_spinning(void)
{
    if (loop.spin_ms != world_ms()) {
        loop.spin_ms = world_ms();
        loop.spin_turns = 0;
    }
    if (++loop.spin_turns == WORLD_TURNS_MAX && !loop.spins) {
        loop.spins = true;
        world_violation("the world spins");
    }
    return loop.spins;
}

static uint64_t next_moment(void)
{
    uint64_t next = world_wire_next() < loop.due ? world_wire_next() : loop.due;
    u32_t sleep = sys_timeouts_sleeptime();

    if (sleep != SYS_TIMEOUTS_SLEEPTIME_INFINITE && world_ms() + sleep < next)
        next = world_ms() + sleep;
    return next;
}

static bool has_more(void *ctx)
{
    (void)ctx;
    return true;
}

/* True: `more` said no. */
static bool run(bool (*more)(void *ctx), void *ctx, uint64_t end)
{
    for (;;) {
        bool again = turn();
        if (!more(ctx))
            return true;
        if (is_spinning())
            return false;
        if (again)
            continue;
        uint64_t next = next_moment();
        if (world_ms() >= end)
            return false;
        world_clock_set(next < end ? next : end);
    }
}

bool world_loop_until(uint64_t ms)
{
    run(has_more, NULL, ms);
    return !loop.spins;
}

bool world_loop_while(bool (*more)(void *ctx), void *ctx, uint64_t limit_ms)
{
    return run(more, ctx, world_ms() + limit_ms);
}

void world_loop_freeze(uint64_t ms)
{
    world_trace("loop: frozen for %llu ms", (unsigned long long)ms);
    world_clock_set(world_ms() + ms);
}

uint64_t world_loop_turns(void)
{
    return loop.turns;
}
