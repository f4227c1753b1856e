/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_nor.h
 * A NOR flash in three functions. A board writes these; iot_nor_kv and iot_nor_slot stand on them.
 */
#ifndef IOT_NOR_H
#define IOT_NOR_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOT_NOR_WRITE_MAX 32u /* the largest write_bytes */

/**
 * Offsets count from where `ctx` says, not from address 0 of the processor. What is asked of the functions keeps the
 * rules of the chip: sectors are erased whole, programming turns ones into zeros, begins and ends at multiples of
 * write_bytes, and reaches each unit of write_bytes at most once between two erases (chips with error correction
 * refuse a second time).
 *
 * Power may go at any moment. What had been answered with IOT_OK is solid then. What was under way is anything: units
 * of a program untouched, half programmed, or reading differently each time; a sector of an erase as well.
 *
 * All    IOT_OK, done and durable; IOT_ERR_KV, the chip is broken, worn out, or write-protected; IOT_ERR_AGAIN, below.
 */
struct iot_nor {
    void *ctx;             /* given back as first argument */
    uint32_t sector_bytes; /* what one erase erases */
    /* The smallest unit of a program: 1, 2, 4, 8, 16 or 32. A chip that programs single bytes and has pages
     * besides: 1, and program splits at the pages. */
    uint32_t write_bytes;

    /**
     * All of a sector becomes 0xff.
     * IOT_ERR_AGAIN: not over. Either the chip was busy, or it has begun and works on by itself: asked again for the
     * same sector, the driver says how it stands. It may also not be asked again; then the erase counts for nothing.
     */
    iot_err (*erase)(void *ctx, uint32_t offset);

    /** IOT_ERR_AGAIN: the chip is busy, and nothing was begun. A program is short: it is over when this returns. */
    iot_err (*program)(void *ctx, uint32_t offset, const void *bytes, uint32_t n);

    /**
     * Any offset, any length. IOT_ERR_AGAIN: the chip is busy with an erase. For no other reason, and not right after
     * a program that answered IOT_OK: who needs many reads for an answer begins at the first when asked again. A unit
     * that error correction cannot repair (power went while it was programmed) is no error: give what is there, or
     * zeros.
     */
    iot_err (*read)(void *ctx, uint32_t offset, void *into, uint32_t n);
};

#ifdef __cplusplus
}
#endif
#endif
