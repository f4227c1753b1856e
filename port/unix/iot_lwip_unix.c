/* SPDX-License-Identifier: Apache-2.0 */
/* What lwIP wants from a POSIX system: chance, and a place for its debugging text. */
#include "iot_port_unix.h"

#include <stdarg.h>
#include <stdio.h>

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
