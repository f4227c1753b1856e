/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_pools.h
 * lwIP's pools and heap: when everybody has closed and TIME-WAIT has passed, nothing may be missing.
 */
#ifndef WORLD_POOLS_H
#define WORLD_POOLS_H

#include <stdint.h>

/** Remember what is in use. By world_start. */
void world_pools_start(void);

/** With all connections closed, by both sides: wait until lwIP has forgotten them. What is in use then and was
 *  not at the start is a violation. Timers and listeners are left out: they come to stay. */
void world_pools_settle(void);

/** Bytes of lwIP's heap that are in use. */
uint32_t world_pools_heap(void);

#endif
