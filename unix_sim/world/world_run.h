/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_run.h
 * One run of one seed: a town is drawn, faults are let loose on it, and again and again they stop: then
 * everybody has to be well within a stated time. In the end everybody closes, and nothing may be left.
 */
#ifndef WORLD_RUN_H
#define WORLD_RUN_H

#include "world/world_plan.h"

#define WORLD_RUN_LIVES_MAX 8u

/** When the faults have stopped, everybody is connected and drained after so long. Plain: a dead link is
 *  found by the keep-alive or the stall (up to 75 s) or TCP's own probes (120 s), a wait is 60 s, and
 *  an attempt that began in the bad times takes up to 50 s. A device of the platform may have been sent
 *  away for 7.5 minutes besides. */
#define WORLD_WELL_MS          300000u
#define WORLD_WELL_PLATFORM_MS 800000u

enum world_pace { WORLD_BUSY, WORLD_STEADY, WORLD_LONELY, WORLD_PACES };
extern const char *const world_pace_names[WORLD_PACES];

/** What one run has seen. Plain numbers: it is passed through a pipe. */
struct world_result {
    uint64_t seed, hash;
    uint32_t pace, violations;
    bool platform;
    uint64_t device_ms, faults;
    uint64_t accepted, done, failed, got, connects, losses, reboots, closes, calms;
    uint64_t things, requests, timeouts, served; /* world_thing.h; served: sets and calls */
    uint64_t longest_recovery_ms[2];             /* plain, platform */
    uint64_t hits[WORLD_FAULTS][WORLD_STANDS];
};

/** A decimal number of the command line. False: it is none, or out of bounds. */
bool world_run_number(const char *text, uint64_t low, uint64_t high, uint64_t *out);

/** In a process of its own. `pace` WORLD_PACES: drawn from the seed. `hours` 0: drawn. */
void world_run(uint64_t seed, uint32_t pace, uint32_t hours, struct world_result *out);

#endif
