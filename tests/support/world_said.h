/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the world's judges: world_violation that collects instead of counting. Defines it, so it is
 * included by the one file of a test, and not where the world's own is linked. */
#ifndef WORLD_SAID_H
#define WORLD_SAID_H

#include "test.h"

#include "world/world_trace.h"

static char said[4096]; /* the violations, a line each */
static uint32_t said_count;

void world_violation(const char *format, ...)
{
    size_t at = strlen(said);
    va_list args;
    va_start(args, format);
    vsnprintf(said + at, sizeof said - at, format, args);
    va_end(args);
    strncat(said, "\n", sizeof said - strlen(said) - 1);
    said_count++;
}

static inline void hush(void)
{
    said[0] = '\0';
    said_count = 0;
}

static inline void quiet(void)
{
    if (said_count != 0)
        fail_msg("not expected: %s", said);
}

/* One violation, with this in it. */
static inline void caught(const char *text)
{
    if (said_count != 1 || strstr(said, text) == NULL)
        fail_msg("expected '%s' once, and said was: %s", text, said);
    hush();
}

#endif
