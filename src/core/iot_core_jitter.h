/* SPDX-License-Identifier: Apache-2.0 */
/* Small seeded generator for spreading reconnects. Not for keys. */
#ifndef IOT_CORE_JITTER_H
#define IOT_CORE_JITTER_H

#include "iot/iot_base.h"

struct iot_jitter {
    uint32_t state; /* never 0 after seeding */
};

void iot_jitter_seed(struct iot_jitter *j, uint32_t seed);

/** Evenly in [low, high], inclusive; low <= high. */
uint32_t iot_jitter_between(struct iot_jitter *j, uint32_t low, uint32_t high);

#endif
