/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/iot_crypto_arena.h"

/* Without TLS nobody enters an arena, but mbedTLS's digests are linked with what knows its allocator. */
#if IOT_FEATURE_TLS || IOT_FEATURE_LINK

#include "core/iot_core_assert.h"

#include <string.h>

#define UNIT 8u
#define HEAD 4u
#define USED 0x8000u /* in header.units: given out */

/* In front of each block's bytes. A free block's bytes begin with its links in the free list. Unit 0
 * is the foremost: its header lies in the second half of the unit before, so that bytes are aligned.
 * `before` of the first block is 0. */
struct header {
    uint16_t units; /* header included; the top bit says USED */
    uint16_t before;
};

struct links {
    uint16_t next, prev; /* unit index of the block; 0: none */
};

static struct iot_arena *current;

/* Block `at` has its bytes at base + at * 8 and its header right before them; at >= 1. */
static struct header *head(const struct iot_arena *a, uint32_t at)
{
    return (struct header *)(void *)(a->base + at * UNIT - HEAD);
}

static struct links *links(const struct iot_arena *a, uint32_t at)
{
    return (struct links *)(void *)(a->base + at * UNIT);
}

static uint32_t size_of(const struct iot_arena *a, uint32_t at)
{
    return head(a, at)->units & ~USED;
}

/* One past the last block. */
static uint32_t end_of(const struct iot_arena *a)
{
    return a->units;
}

static void unlink_free(struct iot_arena *a, uint32_t at)
{
    struct links *l = links(a, at);
    if (l->prev != 0)
        links(a, l->prev)->next = l->next;
    else
        a->free = l->next;
    if (l->next != 0)
        links(a, l->next)->prev = l->prev;
}

static void link_free(struct iot_arena *a, uint32_t at)
{
    struct links *l = links(a, at);
    l->prev = 0;
    l->next = a->free;
    if (a->free != 0)
        links(a, a->free)->prev = (uint16_t)at;
    a->free = (uint16_t)at;
}

/* The block's new size is written here and behind it. */
static void set_size(struct iot_arena *a, uint32_t at, uint32_t units, uint32_t used)
{
    head(a, at)->units = (uint16_t)(units | used);
    if (at + units < end_of(a))
        head(a, at + units)->before = (uint16_t)units;
}

bool iot_arena_fits(const void *memory, uint32_t bytes)
{
    return memory != NULL && (uintptr_t)memory % UNIT == 0 && bytes >= 64 &&
           bytes <= IOT_ARENA_BYTES_MAX;
}

bool iot_arena_init(struct iot_arena *a, void *memory, uint32_t bytes)
{
    memset(a, 0, sizeof *a);
    if (!iot_arena_fits(memory, bytes))
        return false;
    a->base = memory;
    a->units = bytes / UNIT;
    head(a, 1)->before = 0;
    set_size(a, 1, a->units - 1, 0);
    link_free(a, 1);
    return true;
}

struct iot_arena *iot_arena_enter(struct iot_arena *a)
{
    struct iot_arena *before = current;
    current = a;
    return before;
}

static uint32_t best_fit(const struct iot_arena *a, uint32_t units)
{
    uint32_t best = 0, best_size = UINT32_MAX;
    for (uint32_t at = a->free; at != 0 && best_size != units; at = links(a, at)->next) {
        uint32_t size = size_of(a, at);
        if (size >= units && size < best_size) {
            best = at;
            best_size = size;
        }
    }
    return best;
}

void *iot_arena_calloc(size_t count, size_t size)
{
    struct iot_arena *a = current;
    if (a == NULL || count == 0 || size == 0)
        return NULL;
    if (size > IOT_ARENA_BYTES_MAX / count) {
        a->failed = UINT32_MAX;
        return NULL;
    }
    uint32_t bytes = (uint32_t)(count * size);
    uint32_t units = (bytes + HEAD + UNIT - 1) / UNIT;
    uint32_t at = best_fit(a, units);
    if (at == 0) {
        a->failed = bytes;
        return NULL;
    }
    uint32_t have = size_of(a, at);
    unlink_free(a, at);
    set_size(a, at, units, USED);
    if (have > units) {
        set_size(a, at + units, have - units, 0);
        link_free(a, at + units);
    }
    a->blocks++;
    a->used += units;
    if (a->used > a->high)
        a->high = a->used;
    memset(a->base + at * UNIT, 0, units * UNIT - HEAD);
    return a->base + at * UNIT;
}

void iot_arena_free(void *p)
{
    struct iot_arena *a = current;
    if (p == NULL)
        return;
    IOT_ASSERT(a != NULL && (uint8_t *)p > a->base && (uint8_t *)p < a->base + a->units * UNIT);
    IOT_ASSERT((uint32_t)((uint8_t *)p - a->base) % UNIT == 0);
    uint32_t at = (uint32_t)((uint8_t *)p - a->base) / UNIT;
    uint32_t units = size_of(a, at), before = head(a, at)->before;
    IOT_ASSERT((head(a, at)->units & USED) != 0); /* twice, or never given out */
    /* Overrun: of this one's header by the block before it, or of the next one's by this. Or twice, and it
     * was joined with the one before, which is larger since then. */
    IOT_ASSERT(at + units <= end_of(a) && units <= a->used);
    IOT_ASSERT(before == 0 ? at == 1 : before < at && size_of(a, at - before) == before);
    IOT_ASSERT(at + units == end_of(a) || head(a, at + units)->before == units);
    a->blocks--;
    a->used -= units;

    uint32_t behind = at + units;
    if (behind < end_of(a) && (head(a, behind)->units & USED) == 0) {
        unlink_free(a, behind);
        units += size_of(a, behind);
    }
    if (before != 0 && (head(a, at - before)->units & USED) == 0) {
        at -= before;
        units += before;
        unlink_free(a, at);
    }
    set_size(a, at, units, 0);
    link_free(a, at);
}

#endif
