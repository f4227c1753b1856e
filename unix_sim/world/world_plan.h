/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_plan.h
 * What goes wrong, and when: faults are drawn from the seed and aimed at devices in a certain stand, so that
 * each kind meets each.
 */
#ifndef WORLD_PLAN_H
#define WORLD_PLAN_H

#include "world/world_town.h"

/* X(name, shortest ms, longest ms): how long it lasts; 0: it is over at once. */
#define WORLD_FAULT_LIST(X)                                                                        \
    X(loss, 1000, 300000)                                                                          \
    X(duplicate, 1000, 300000)                                                                     \
    X(reorder, 1000, 300000)                                                                       \
    X(delay, 1000, 300000)                                                                         \
    X(corrupt, 1000, 300000)                                                                       \
    X(slow, 5000, 120000)                                                                          \
    X(cut_up, 100, 200000)                                                                         \
    X(cut_down, 100, 200000)                                                                       \
    X(cut_both, 100, 400000)                                                                       \
    X(link, 10, 100000)                                                                            \
    X(link_hint, 10, 100000)                                                                       \
    X(admin, 10, 100000)                                                                           \
    X(address, 0, 0)                                                                               \
    X(address_hint, 0, 0)                                                                          \
    X(hint, 0, 0)                                                                                  \
    X(dns_slow, 1000, 200000)                                                                      \
    X(dns_wrong, 1000, 200000)                                                                     \
    X(dns_unknown, 1000, 200000)                                                                   \
    X(dns_failure, 1000, 200000)                                                                   \
    X(dns_silent, 1000, 200000)                                                                    \
    X(famine, 1000, 60000)                                                                         \
    X(famine_nth, 0, 0)                                                                            \
    X(no_pbufs, 100, 20000)                                                                        \
    X(no_segments, 100, 20000)                                                                     \
    X(no_heap, 100, 20000)                                                                         \
    X(sleep, 1000, 400000)                                                                         \
    X(freeze, 0, 0)                                                                                \
    X(broker_restart, 0, 0)                                                                        \
    X(broker_forgets, 0, 0)                                                                        \
    X(session_lost, 0, 0)                                                                          \
    X(broker_shut, 1000, 200000)                                                                   \
    X(broker_hung, 1000, 200000)                                                                   \
    X(kick, 0, 0)                                                                                  \
    X(slow_acks, 1000, 60000)                                                                      \
    X(rude, 0, 0)                                                                                  \
    X(decline, 100, 15000)                                                                         \
    X(close, 0, 0)                                                                                 \
    X(power, 0, 0)                                                                                 \
    X(kv_slow, 0, 0)                                                                               \
    X(kv_broken, 1000, 60000)                                                                      \
    X(kv_cut, 0, 0)                                                                                \
    X(random_slow, 0, 0)

enum world_fault {
#define WORLD_FAULT_ENUM(name, low, high) WORLD_FAULT_##name,
    WORLD_FAULT_LIST(WORLD_FAULT_ENUM)
#undef WORLD_FAULT_ENUM
        WORLD_FAULTS
};
extern const char *const world_fault_names[WORLD_FAULTS];

#define WORLD_FAULTS_AT_ONCE 3u

struct world_plan {
    uint64_t hits[WORLD_FAULTS][WORLD_STANDS]; /* a device in that stand was hit by that fault */
    uint32_t between_ms;                       /* mean time between two faults */

    /* private */
    struct world_town *town;
    struct world_chance chance;
    struct world_actor actor;
    bool on;
    struct world_ongoing {
        uint64_t until; /* WORLD_NEVER: this place is free */
        enum world_fault fault;
        struct world_life *life;
    } ongoing[WORLD_FAULTS_AT_ONCE];
    uint64_t next_at, give_up_at; /* the next fault; by then whatever the stand is */
    bool aimed;
    enum world_fault fault;
    enum world_stand stand;
    struct world_life *life;
    uint8_t address;
};

void world_plan_start(struct world_plan *p, struct world_town *t, uint64_t seed,
                      uint32_t between_ms);

/** End all faults, begin no more; everything is as it should be. */
void world_plan_calm(struct world_plan *p);
/** And again. */
void world_plan_go_on(struct world_plan *p);

/** This fault now, for tests with a script. */
void world_plan_strike(struct world_plan *p, enum world_fault fault, struct world_life *l,
                       uint64_t for_ms);

#endif
