/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_console.h
 * Who sits at the platform's console: sets properties of the things in a town (world_thing.h), calls their services, desires
 * values, at random times; has the platform's replies lost, late, doubled. And what has to hold: what was answered by code 200
 * was done, what was refused was not, and in the end both sides have the same view of each thing.
 */
#ifndef WORLD_CONSOLE_H
#define WORLD_CONSOLE_H

#include "world/world_thing.h"
#include "world/world_town.h"

#define WORLD_ORDERS_MAX 16u
#define WORLD_SEATS_MAX  64u /* devices it looks after: the first ones of the town */

enum world_order_kind {
    WORLD_ORDER_SET,
    WORLD_ORDER_BAD, /* a set that has to be refused */
    WORLD_ORDER_BLINK,
    WORLD_ORDER_TOGGLE,
    WORLD_ORDER_MEASURE,
    WORLD_ORDER_DESIRE,
    WORLD_ORDER_SHADOW,
    WORLD_ORDER_NOTICE, /* log mode, error */
    WORLD_ORDERS
};

struct world_console_counts {
    uint32_t given[WORLD_ORDERS], done[WORLD_ORDERS]; /* done: answered by code 200 */
    uint32_t late, refused, offline, judged;          /* late: no answer in time */
};

struct world_console {
    struct world_console_counts counts;
    uint32_t order_ms; /* mean time between two orders to one thing; 0: none */
    bool rules;        /* replies are lost, late, doubled now and then */

    /* private */
    struct world_town *town;
    struct world_chance chance;
    struct world_actor actor;
    uint64_t order_at, rule_at;
    uint32_t things;
    bool ruled;
    struct world_order {
        uint32_t ticket; /* 0: free */
        uint32_t number;
        enum world_order_kind kind;
        struct world_life *life;
    } orders[WORLD_ORDERS_MAX];
    uint32_t sets[WORLD_SEATS_MAX], toggles[WORLD_SEATS_MAX];
};

/** After world_town_start, if there are things. False: a violation says why there is no model. */
bool world_console_start(struct world_console *c, struct world_town *t, uint64_t seed);

/** No more orders, and good replies; and again. */
void world_console_calm(struct world_console *c);
void world_console_go_on(struct world_console *c, uint32_t order_ms, bool rules);

/** Nothing waits for an answer. */
bool world_console_is_well(const struct world_console *c);

/** The town is well and quiet: each thing's values are those that the platform has, and nothing is desired any more. */
void world_console_judge(struct world_console *c);

#endif
