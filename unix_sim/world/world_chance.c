/* SPDX-License-Identifier: Apache-2.0 */
/* SplitMix64: one word of state, any seed is a good one, and a stream is an offset of the seed. */
#include "world/world_chance.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void world_chance_seed(struct world_chance *c, uint64_t seed, uint64_t stream)
{
    c->state = mix(seed ^ mix(stream + 1));
}

uint64_t world_chance_word(struct world_chance *c)
{
    c->state += 0x9e3779b97f4a7c15u;
    return mix(c->state);
}

uint32_t world_chance_below(struct world_chance *c, uint32_t n)
{
    return (uint32_t)(((world_chance_word(c) >> 32) * n) >> 32);
}

uint32_t world_chance_between(struct world_chance *c, uint32_t lo, uint32_t hi)
{
    return lo + (uint32_t)(((world_chance_word(c) >> 32) * ((uint64_t)hi - lo + 1)) >> 32);
}

bool world_chance_hit(struct world_chance *c, uint32_t per_million)
{
    return per_million != 0 && world_chance_below(c, 1000000) < per_million;
}
