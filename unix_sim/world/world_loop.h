/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_loop.h
 * Who acts, and how time passes. One turn: frames that are due, lwIP's timers, the tick of each actor
 * in the order they were added. Turns are repeated while anything happens; then the clock jumps to
 * what comes next.
 */
#ifndef WORLD_LOOP_H
#define WORLD_LOOP_H

#include "world/world_clock.h"

#include <stdbool.h>
#include <stdint.h>

#define WORLD_ACTORS_MAX 2200u
#define WORLD_TURNS_MAX  20000u /* in one ms: more is a violation, "the world spins" */

/** When an actor's tick is called, besides when it is due. */
enum world_attention {
    WORLD_EACH_TURN, /* always: cheap when idle */
    WORLD_BUSY_TURN, /* in turns in which something happens: a frame arrives, an actor is due or was
                        stirred; not when only lwIP's timers pass */
    WORLD_STIRRED,   /* when somebody has stirred it */
};

/** Ticks return the ms (absolute) at which they want to be called again at the latest: WORLD_NEVER; `now`
 *  or less: again in this moment. After a turn in which something happens there is always one more turn
 *  in the same ms, which counts as such a one, so an actor may make work for another without telling,
 *  unless that one waits to be stirred. */
struct world_actor {
    uint64_t (*tick)(void *ctx, uint64_t now);
    void *ctx;
    enum world_attention attention; /* read when it is added */

    /* private */
    uint32_t place;
    bool in;
};

/** The world as all its parts need it: clock, lwIP, wire, name server. One per process. */
void world_start(uint64_t seed);

/** `actor` lives until it is removed. Both are allowed in a tick. */
void world_loop_add(struct world_actor *actor);
void world_loop_remove(struct world_actor *actor);

/** Something has happened to this actor: its tick is called in this turn, or in one more. NULL: to nobody
 *  in particular. At once and cheap, from anywhere. */
void world_loop_stir(struct world_actor *actor);
/** To everybody, perhaps. The beginning of a run of the loop does that, too. */
void world_loop_stir_all(void);

/** Until this moment, with everything that is due in it. False: the world spins, the run is over. */
bool world_loop_until(uint64_t ms);
/** While `more` says so, asked after each turn, and for `limit_ms` from now at most. True: it said no. */
bool world_loop_while(bool (*more)(void *ctx), void *ctx, uint64_t limit_ms);

/** The loop stands still for so long: frames pile up, lwIP's timers and all ticks are late. Between
 *  two runs of the loop or in a tick. */
void world_loop_freeze(uint64_t ms);

/** Turns so far. */
uint64_t world_loop_turns(void);

#endif
