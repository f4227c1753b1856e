/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_clock.h"

#include "host/host_child.h"
#include "iot_port_unix.h"

#include "lwip/sys.h"

#include <stdarg.h>
#include <stdio.h>

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
