/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_pools.h"

#include "world/world_loop.h"
#include "world/world_trace.h"

#include "lwip/memp.h"
#include "lwip/stats.h"

#if !MEMP_STATS || !MEM_STATS
#error "the world's lwIP counts what its pools give out: LWIP_STATS, MEMP_STATS, MEM_STATS"
#endif

/* TIME-WAIT takes 2 x TCP_MSL. What the broker wrote to an address that is gone, 12 repetitions with ever longer
 * waits: after a slow wire these are hours. Whom the library forgets stays for ever. */
#define SETTLE_MS (48u * 3600000u)

static const char *const names[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, num, size, desc) desc,
#include "lwip/priv/memp_std.h"
};

static uint32_t used_at_start[MEMP_MAX], heap_at_start;

uint32_t world_pools_heap(void)
{
    return (uint32_t)lwip_stats.mem.used;
}

void world_pools_start(void)
{
    for (uint32_t i = 0; i < MEMP_MAX; i++)
        used_at_start[i] = lwip_stats.memp[i]->used;
    heap_at_start = world_pools_heap();
}

static bool counts(uint32_t pool)
{
    return pool != MEMP_SYS_TIMEOUT && pool != MEMP_TCP_PCB_LISTEN;
}

static bool is_used(void *ctx)
{
    (void)ctx;
    for (uint32_t i = 0; i < MEMP_MAX; i++)
        if (counts(i) && lwip_stats.memp[i]->used != used_at_start[i])
            return true;
    return world_pools_heap() != heap_at_start;
}

void world_pools_settle(void)
{
    if (world_loop_while(is_used, NULL, SETTLE_MS))
        return;
    for (uint32_t i = 0; i < MEMP_MAX; i++) {
        uint32_t used = lwip_stats.memp[i]->used;
        if (counts(i) && used != used_at_start[i])
            world_violation("pools: %u of %s are in use in the end, %u at the start", used,
                            names[i], used_at_start[i]);
    }
    if (world_pools_heap() != heap_at_start)
        world_violation("pools: %u bytes of lwIP's heap are in use in the end, %u at the start",
                        world_pools_heap(), heap_at_start);
}
