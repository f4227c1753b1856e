/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_clock.h
 * Virtual time: a 64-bit count of ms that moves only when it is told to. lwIP and the devices see its
 * low 32 bits (sys_now), so a run begins a little before they wrap.
 */
#ifndef WORLD_CLOCK_H
#define WORLD_CLOCK_H

#include <stdint.h>

/** Where runs begin: 20 s before the 32-bit counter wraps. */
#define WORLD_CLOCK_FIRST ((1ull << 32) - 20000u)

#define WORLD_NEVER UINT64_MAX

/** Before lwIP is started: its timers are set from here. */
void world_clock_start(uint64_t ms);

/** Forward only; a step back is a violation, and is not made. */
void world_clock_set(uint64_t ms);

uint64_t world_ms(void);

/** Since world_clock_start: what traces show. */
uint64_t world_age_ms(void);

#endif
