/* SPDX-License-Identifier: Apache-2.0 */
#include "core/iot_core_jitter.h"

#include "core/iot_core_assert.h"

void iot_jitter_seed(struct iot_jitter *j, uint32_t seed)
{
    /* Spread first: small seeds would begin with small numbers, that is, with no jitter at all. */
    uint32_t state = (seed + 1) * 2654435769u;

    j->state = state != 0 ? state : 1;
}

uint32_t iot_jitter_between(struct iot_jitter *j, uint32_t low, uint32_t high)
{
    uint32_t x = j->state;

    IOT_ASSERT(low <= high);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    j->state = x;

    /* x * (high - low + 1) / 2^32. No number is favoured by more than one in 2^32 draws; a
     * rejection loop would be exact, but its end would be a matter of luck. */
    return low + (uint32_t)(((uint64_t)x * (high - low) + x) >> 32);
}
