/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_chance.h
 * Chance from a seed. One stream per purpose, so that what one part draws does not move another's.
 */
#ifndef WORLD_CHANCE_H
#define WORLD_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct world_chance {
    uint64_t state;
};

/** Streams that are taken. Parts with many of them add a number: WORLD_STREAM_BOARD + 3. */
enum world_stream {
    WORLD_STREAM_UP = 1, /* the wire, each way */
    WORLD_STREAM_DOWN,
    WORLD_STREAM_LWIP, /* LWIP_RAND */
    WORLD_STREAM_FAMINE,
    WORLD_STREAM_BROKER,
    WORLD_STREAM_RUDE,
    WORLD_STREAM_CLOUD,
    WORLD_STREAM_PLAN,
    WORLD_STREAM_TEST,
    WORLD_STREAM_BOARD = 0x10000,
    WORLD_STREAM_APP = 0x20000,
};

void world_chance_seed(struct world_chance *c, uint64_t seed, uint64_t stream);

uint64_t world_chance_word(struct world_chance *c);
/** 0 .. n - 1; 0 for n 0. */
uint32_t world_chance_below(struct world_chance *c, uint32_t n);
/** lo .. hi, both included; lo <= hi. */
uint32_t world_chance_between(struct world_chance *c, uint32_t lo, uint32_t hi);
/** Nothing is drawn for 0. */
bool world_chance_hit(struct world_chance *c, uint32_t per_million);

#endif
