/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator in one block of the caller's. mbedTLS allocates from the arena that is entered; there
 * is one such pointer in the process, set around every call into mbedTLS that may allocate.
 *
 * Blocks lie one behind the other, each with a header of 4 bytes: its size and that of the block
 * before it, in units of 8 bytes, so that a freed one is joined with free neighbours at once. Free
 * blocks are linked in a list, the smallest that fits is taken: mbedTLS makes many short-lived big
 * numbers between a few long-lived buffers. What is given out is zeroed and 8-byte aligned. */
#ifndef IOT_CRYPTO_ARENA_H
#define IOT_CRYPTO_ARENA_H

#include "iot/iot_base.h"

#define IOT_ARENA_BYTES_MAX (0x7ffeu * 8u)

struct iot_arena {
    uint8_t *base;       /* 8-byte aligned, the first block's header at base + 4 */
    uint32_t units;      /* of 8 bytes, all of it */
    uint32_t used, high; /* units in blocks that are given out, headers included */
    uint32_t blocks;
    uint32_t failed; /* bytes of the allocation that found no room; 0: none since init */
    uint16_t free;   /* first of the free list, unit index; 0: none */
};

/** Take over the block. False: not aligned, smaller than 64 bytes or larger than
 *  IOT_ARENA_BYTES_MAX. Whatever was in it is forgotten. */
bool iot_arena_init(struct iot_arena *a, void *memory, uint32_t bytes);

/** Would iot_arena_init take this block? It is not touched: somebody else may use it now. */
bool iot_arena_fits(const void *memory, uint32_t bytes);

/** From here on mbedTLS allocates from `a`; returns the one before, to be entered again afterwards. */
struct iot_arena *iot_arena_enter(struct iot_arena *a);

/** mbedTLS's calloc and free (port/mbedtls). Without an arena entered calloc gives NULL. */
void *iot_arena_calloc(size_t count, size_t size);
void iot_arena_free(void *p);

#endif
