/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_clock.h"

#include "host/host_child.h"

#include "lwip/sys.h"

#define BEFORE_WRAP_MS 3000u

static uint32_t skipped_ms;

uint32_t peer_clock_ms(void)
{
    static uint64_t start_ms;

    if (start_ms == 0)
        start_ms = host_clock_ms();
    return (uint32_t)(host_clock_ms() - start_ms) - BEFORE_WRAP_MS + skipped_ms;
}

void peer_clock_skip(uint32_t ms)
{
    skipped_ms += ms;
}

u32_t sys_now(void)
{
    return peer_clock_ms();
}
