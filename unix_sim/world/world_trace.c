/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_trace.h"

#include "world/world_clock.h"

#include "iot/iot_port.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FNV_PRIME  0x100000001b3u
#define LINE_BYTES 512u

static struct {
    uint64_t hash;
    uint32_t violations;
    const char *label;
    bool show;
} trace = {.hash = 0xcbf29ce484222325u};

void world_trace_number(uint64_t number)
{
    /* A word at a time; the shift brings the high bits, which a product only carries upward, down. */
    trace.hash = (trace.hash ^ number) * FNV_PRIME;
    trace.hash ^= trace.hash >> 32;
}

void world_trace_bytes(const void *bytes, uint32_t n)
{
    const uint8_t *at = bytes;
    uint64_t word;

    for (; n >= sizeof word; n -= (uint32_t)sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        world_trace_number(word);
    }
    for (; n > 0; n--)
        trace.hash = (trace.hash ^ *at++) * FNV_PRIME;
}

static void make_line(char line[LINE_BYTES], const char *format, va_list args)
{
    int n = snprintf(line, LINE_BYTES, "[%" PRIu64 "] ", world_age_ms());

    vsnprintf(line + n, LINE_BYTES - (size_t)n, format, args);
}

void world_trace(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    make_line(line, format, args);
    va_end(args);
    world_trace_bytes(line, (uint32_t)strlen(line));
    if (trace.show)
        puts(line);
}

void world_trace_aside(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    if (!trace.show)
        return;
    va_start(args, format);
    make_line(line, format, args);
    va_end(args);
    puts(line);
}

void world_trace_show(bool show)
{
    trace.show = show;
}

bool world_trace_shown(void)
{
    return trace.show;
}

uint64_t world_trace_hash(void)
{
    return trace.hash;
}

void world_violation(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    make_line(line, format, args);
    va_end(args);
    world_trace_bytes(line, (uint32_t)strlen(line));
    trace.violations++;
    printf("VIOLATION %s%s\n", trace.label != NULL ? trace.label : "", line);
    fflush(stdout); /* whatever follows */
}

void world_violation_label(const char *label)
{
    trace.label = label;
}

uint32_t world_violations(void)
{
    return trace.violations;
}

/* Assertions of lwIP 2.2.1 that a peer can reach, and behind which it goes on well: these alone. Any other, and these
 * in another lwIP, is a violation. */
static const struct {
    const char *file;
    int line;
    const char *what;
} doubts[] = {
    /* After a closed window and lost memory its persist timer does run beside data in flight (campaign seed 880051). */
    {"src/core/tcp.c", 1241, "lwIP doubts its persist timer"},
    /* The first segment that comes out of order is kept whole, although it may end behind the window: a peer whose
     * acknowledgements were reordered believes in a larger one (seed 2585337485: 544 bytes into 99). The window wraps,
     * and the next tcp_recved sets it right. */
    {"src/core/tcp_in.c", 1585, "lwIP has kept a segment that ends behind its window"},
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), tail = strlen(end);

    return n >= tail && strcmp(text + n - tail, end) == 0;
}

/* Of the library and of lwIP; there is no way on. */
void iot_assert_failed(const char *file, int line)
{
    for (size_t i = 0; i < sizeof doubts / sizeof doubts[0]; i++) {
        if (line == doubts[i].line && ends_with(file, doubts[i].file)) {
            world_trace("%s", doubts[i].what);
            return;
        }
    }
    world_violation("assertion failed: %s:%d", file, line);
    abort();
}
