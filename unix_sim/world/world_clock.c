/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_clock.h"

#include "world/world_trace.h"

#include "lwip/sys.h"

static uint64_t first_ms, now_ms;

void world_clock_start(uint64_t ms)
{
    first_ms = now_ms = ms;
}

void world_clock_set(uint64_t ms)
{
    if (ms < now_ms)
        world_violation("the clock is set back by %llu ms", (unsigned long long)(now_ms - ms));
    else
        now_ms = ms;
}

uint64_t world_ms(void)
{
    return now_ms;
}

uint64_t world_age_ms(void)
{
    return now_ms - first_ms;
}

u32_t sys_now(void)
{
    return (u32_t)now_ms;
}
