/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of lwIP and of the devices. In a file of its own: a test that plays with time brings
 * another one. */
#define _POSIX_C_SOURCE 200809L

#include "lwip/sys.h"

#include <time.h>

u32_t sys_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u32_t)((uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u);
}
