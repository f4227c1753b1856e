/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_plan.h
 * What goes wrong, and when: faults are drawn from the seed and aimed at devices in a certain stand, so that
 * each kind meets each.
 */
#ifndef WORLD_PLAN_H
#define WORLD_PLAN_H

#include "world/world_town.h"

/* X(name, whom it hits, shortest ms, longest ms): how long it lasts; 0: it is over at once. */
#define WORLD_FAULT_LIST(X)                                                                        \
    X(loss, ALL, 1000, 300000)                                                                     \
    X(duplicate, ALL, 1000, 300000)                                                                \
    X(reorder, ALL, 1000, 300000)                                                                  \
    X(delay, ALL, 1000, 300000)                                                                    \
    X(corrupt, ALL, 1000, 300000)                                                                  \
    X(slow, ALL, 5000, 120000)                                                                     \
    X(cut_up, ALL, 100, 200000)                                                                    \
    X(cut_down, ALL, 100, 200000)                                                                  \
    X(cut_both, ALL, 100, 400000)                                                                  \
    X(link, ALL, 10, 100000)                                                                       \
    X(link_hint, ALL, 10, 100000)                                                                  \
    X(admin, ALL, 10, 100000)                                                                      \
    X(address, ALL, 0, 0)                                                                          \
    X(address_hint, ALL, 0, 0)                                                                     \
    X(hint, ONE, 0, 0)                                                                             \
    X(dns_slow, ALL, 1000, 200000)                                                                 \
    X(dns_wrong, ALL, 1000, 200000)                                                                \
    X(dns_unknown, ALL, 1000, 200000)                                                              \
    X(dns_failure, ALL, 1000, 200000)                                                              \
    X(dns_silent, ALL, 1000, 200000)                                                               \
    X(famine, ALL, 1000, 60000)                                                                    \
    X(famine_nth, ALL, 0, 0)                                                                       \
    X(no_pbufs, ALL, 100, 20000)                                                                   \
    X(no_segments, ALL, 100, 20000)                                                                \
    X(no_heap, ALL, 100, 20000)                                                                    \
    X(sleep, ONE, 1000, 400000)                                                                    \
    X(freeze, ALL, 0, 0)                                                                           \
    X(broker_restart, ALL, 0, 0)                                                                   \
    X(broker_forgets, ALL, 0, 0)                                                                   \
    X(session_lost, ONE, 0, 0)                                                                     \
    X(broker_shut, ALL, 1000, 200000)                                                              \
    X(broker_hung, ALL, 1000, 200000)                                                              \
    X(kick, ONE, 0, 0)                                                                             \
    X(slow_acks, ALL, 1000, 60000)                                                                 \
    X(rude, ONE, 0, 0)                                                                             \
    X(decline, ONE, 100, 15000)                                                                    \
    X(close, ONE, 0, 0)                                                                            \
    X(power, ONE, 0, 0)                                                                            \
    X(kv_slow, ONE, 0, 0)                                                                          \
    X(kv_broken, ONE, 1000, 60000)                                                                 \
    X(kv_cut, ONE, 0, 0)                                                                           \
    X(random_slow, ONE, 0, 0)

enum world_fault {
#define WORLD_FAULT_ENUM(name, who, low, high) WORLD_FAULT_##name,
    WORLD_FAULT_LIST(WORLD_FAULT_ENUM)
#undef WORLD_FAULT_ENUM
        WORLD_FAULTS
};
extern const char *const world_fault_names[WORLD_FAULTS];

#define WORLD_FAULTS_AT_ONCE 3u

struct world_plan {
    uint64_t hits[WORLD_FAULTS][WORLD_STANDS]; /* a device in that stand was hit by that fault */
    uint64_t strikes;                          /* faults that hit somebody */
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

/** False: this fault never hits a device in that stand. */
bool world_plan_can_hit(enum world_fault fault, enum world_stand stand);

/** This fault now, for tests with a script. */
void world_plan_strike(struct world_plan *p, enum world_fault fault, struct world_life *l,
                       uint64_t for_ms);

#endif
