/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_loop.h"

#include "world/world_clock.h"
#include "world/world_dns.h"
#include "world/world_lwip.h"
#include "world/world_pools.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "lwip/timeouts.h"

/* One actor: what each turn looks at lies together. */
struct seat {
    struct world_actor *actor; /* NULL: removed in this turn */
    uint64_t due;
    enum world_attention attention;
    bool stirred;
};

static struct {
    struct seat seats[WORLD_ACTORS_MAX];
    uint32_t count, eager; /* eager: WORLD_EACH_TURN */
    bool in_turn, has_holes;
    bool stirred; /* somebody, since the turn began */
    bool again;   /* the turn before this one wanted it */
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
    world_pools_start();
}

/* ---- Actors ------------------------------------------------------------------------------ */

void world_loop_add(struct world_actor *actor)
{
    if (actor->in || loop.count == WORLD_ACTORS_MAX) {
        world_violation(actor->in ? "an actor is added twice" : "too many actors");
        return;
    }
    actor->in = true;
    actor->place = loop.count;
    loop.seats[loop.count++] =
        (struct seat){.actor = actor, .due = 0, .attention = actor->attention}; /* due at once */
    loop.eager += actor->attention == WORLD_EACH_TURN;
    loop.due = 0;
}

static void close_holes(void)
{
    uint32_t to = 0;

    for (uint32_t i = 0; i < loop.count; i++) {
        if (loop.seats[i].actor == NULL)
            continue;
        loop.seats[to] = loop.seats[i];
        loop.seats[to].actor->place = to;
        to++;
    }
    loop.count = to;
    loop.has_holes = false;
}

void world_loop_remove(struct world_actor *actor)
{
    if (!actor->in)
        return;
    struct seat *s = &loop.seats[actor->place];
    loop.eager -= s->attention == WORLD_EACH_TURN;
    s->actor = NULL;
    loop.has_holes = true;
    actor->in = false;
    if (!loop.in_turn)
        close_holes();
}

void world_loop_stir(struct world_actor *actor)
{
    loop.stirred = true;
    if (actor != NULL && actor->in)
        loop.seats[actor->place].stirred = true;
}

void world_loop_stir_all(void)
{
    loop.stirred = true;
    for (uint32_t i = 0; i < loop.count; i++)
        loop.seats[i].stirred = true;
}

/* ---- Turns ------------------------------------------------------------------------------- */

static bool wants_tick(const struct seat *s, bool busy, uint64_t now)
{
    return s->due <= now || s->stirred || s->attention == WORLD_EACH_TURN ||
           (busy && s->attention == WORLD_BUSY_TURN);
}

/* True: some actor was due. */
static bool tick_all(bool busy)
{
    bool was_due = false;

    loop.due = WORLD_NEVER;
    loop.in_turn = true;
    for (uint32_t i = 0; i < loop.count; i++) {
        struct seat *s = &loop.seats[i];
        struct world_actor *a = s->actor;
        if (a == NULL)
            continue;
        uint64_t now = world_ms(); /* each time: a tick may have frozen the loop */
        if (wants_tick(s, busy, now)) {
            was_due |= s->due <= now;
            s->stirred = false;
            uint64_t due = a->tick(a->ctx, now);
            if (s->actor != a)
                continue; /* it removed itself */
            s->due = due;
        }
        if (s->due < loop.due)
            loop.due = s->due;
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
    bool happens = frames != 0 || loop.stirred;
    bool busy = happens || loop.again || loop.due <= world_ms();
    loop.stirred = false;
    if (busy || loop.eager != 0)
        happens |= tick_all(busy);
    loop.turns++;
    loop.again =
        happens || loop.stirred || loop.due <= world_ms() || world_wire_next() <= world_ms();
    return loop.again;
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
    world_loop_stir_all(); /* whatever was done to them meanwhile */
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
