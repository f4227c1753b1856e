/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file main_sim.c
 * build/world/sim SEED [PACE [HOURS]]: one run of the world, with its trace. PACE: busy, steady, lonely; by
 * default what the seed says. QUIET=1 leaves the trace out. Exit 0 if nothing was violated.
 */
#include "world/world_run.h"
#include "world/world_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    static struct world_result r;
    uint32_t pace = argc > 2 ? 0 : WORLD_PACES;
    while (argc > 2 && pace < WORLD_PACES && strcmp(argv[2], world_pace_names[pace]) != 0)
        pace++;
    uint64_t seed, hours = 0;
    if (argc < 2 || argc > 4 || !world_run_number(argv[1], 0, UINT64_MAX, &seed) ||
        (argc > 2 && pace == WORLD_PACES) ||
        (argc > 3 && !world_run_number(argv[3], 1, 100000, &hours))) {
        fprintf(stderr, "usage: sim SEED [busy|steady|lonely [HOURS]]\n");
        return 2;
    }
    world_trace_show(getenv("QUIET") == NULL);
    world_run(seed, pace, (uint32_t)hours, &r);
    printf("seed %" PRIu64 ": %s, %.1f device-hours, %" PRIu64 " faults, %" PRIu64
           " messages, %" PRIu64 " connects, %u violations, hash %016" PRIx64 "\n",
           r.seed, world_pace_names[r.pace], (double)r.device_ms / 3600e3, r.faults,
           r.accepted + r.got, r.connects, r.violations, r.hash);
    return r.violations != 0;
}
