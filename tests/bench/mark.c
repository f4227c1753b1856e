/* SPDX-License-Identifier: Apache-2.0 */
#include "mark.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void mark_begin(void)
{
    __asm__ volatile("");
}

void mark_end(void)
{
    __asm__ volatile("");
}

void mark_name(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void mark_fail(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(2);
}

void mark_over(void)
{
    exit(fflush(stdout) == 0 ? 0 : 2);
}
