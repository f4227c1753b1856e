/* SPDX-License-Identifier: Apache-2.0 */
/* What lwIP wants from a POSIX system: a clock, chance, and a place for its debugging text. */
#define _POSIX_C_SOURCE 200809L

#include "iot_port_unix.h"

#include "lwip/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

u32_t sys_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u32_t)((uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u);
}

uint32_t iot_lwip_rand(void)
{
    uint32_t word = 0;

    if (iot_port_unix.random(iot_port_unix.ctx, &word, sizeof word) != IOT_OK)
        iot_assert_failed(__FILE__, __LINE__);
    return word;
}

void iot_lwip_diag(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}
