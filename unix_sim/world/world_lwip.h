/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_lwip.h
 * lwIP in the world: its start and its chance. What is put between lwIP and its users is in
 * world_famine.h and world_tap.h.
 */
#ifndef WORLD_LWIP_H
#define WORLD_LWIP_H

#include "world/world_famine.h"
#include "world/world_tap.h"

/** lwip_init, once per process, after world_clock_start. */
void world_lwip_start(uint64_t seed);

#endif
