/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_lwip.h"

#include "world/world_chance.h"

#include <stdarg.h>
#include <stdio.h>

#include "lwip/init.h"

#include "arch/cc.h"

static struct world_chance chance;

uint32_t iot_lwip_rand(void)
{
    return (uint32_t)world_chance_word(&chance);
}

void iot_lwip_diag(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

void world_lwip_start(uint64_t seed)
{
    world_chance_seed(&chance, seed, WORLD_STREAM_LWIP);
    world_famine_start(seed);
    lwip_init();
}
