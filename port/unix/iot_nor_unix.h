/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_nor_unix.h
 * A NOR flash that is none: in memory, or in a file that stands for the chip from one boot to the next. It insists on
 * the rules of iot_nor.h, loses power when it is told to, and remembers how often each sector was erased.
 */
#ifndef IOT_NOR_UNIX_H
#define IOT_NOR_UNIX_H

#include "nor/iot_nor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What an operation leaves behind when power goes in it. JUNK: any bits, and they stay so. WEAK: the bits that were to
 *  change read differently each time, until their sector is erased. */
enum iot_nor_cut {
    IOT_NOR_CUT_NONE,
    IOT_NOR_CUT_HALF,
    IOT_NOR_CUT_ALL,
    IOT_NOR_CUT_JUNK,
    IOT_NOR_CUT_WEAK,
    IOT_NOR_CUT_KINDS
};

/** kind: "erase", "program", or what was given to iot_nor_unix_count. */
struct iot_nor_unix_op {
    uint32_t number;
    const char *kind;
    uint32_t offset, len;
};

struct iot_nor_unix {
    struct iot_nor nor; /* what the software under it gets */
    uint32_t sectors;
    uint8_t *bytes; /* what is in the chip, but where: */
    uint8_t *weak;  /* bits that read as they like */
    uint8_t *used;  /* per unit: was programmed since the last erase */
    uint32_t *wear; /* per sector: erases, over all boots */
    uint32_t count; /* operations of this boot: erases, programs, iot_nor_unix_count */
    /* To be set: */
    uint32_t cut_at; /* power goes in this operation; 0: never */
    enum iot_nor_cut cut;
    uint32_t slow;   /* each erase and program answers AGAIN so often first */
    uint32_t chance; /* for junk and weak bits; not 0 */
    bool broken;     /* erase and program answer KV */
    /** Power is gone. Should not return: longjmp, or exit. NULL: abort. */
    void (*on_cut)(void *ctx, const struct iot_nor_unix_op *op);
    /** Somebody broke a rule of the chip. Should not return either. NULL: it is said on standard error, and abort. */
    void (*on_fault)(void *ctx, const char *rule, uint32_t offset, uint32_t len);
    void *ctx;
    /* private: the erase under way, the program that waits */
    struct {
        bool on, done;
        uint32_t offset, left;
    } erasing;
    struct {
        uint32_t offset, len, left;
    } waiting;
};

/** Bytes of memory that a chip of this shape takes, what is known about it included. */
size_t iot_nor_unix_room(uint32_t sector_bytes, uint32_t sectors, uint32_t write_bytes);

/** A new chip, erased, in memory of yours, which is aligned for uint32_t. Everything to be set is 0 but `chance`. */
void iot_nor_unix_init(struct iot_nor_unix *n, uint32_t sector_bytes, uint32_t sectors,
                       uint32_t write_bytes, void *room);

/**
 * The chip that is in a file, written through; an erased one if there is none. The chip's bytes are at the beginning of
 * the file, and may come from elsewhere; a file that is longer than a chip with what is known about it is left alone.
 * Returns false, and says why on standard error, if there is no such file to be had.
 */
bool iot_nor_unix_open(struct iot_nor_unix *n, uint32_t sector_bytes, uint32_t sectors,
                       uint32_t write_bytes, const char *path);

/** The boot after a cut: what the chip was doing is over, operations are counted anew. */
void iot_nor_unix_reboot(struct iot_nor_unix *n);

/** Count an operation that is none of the chip; power may go at its beginning. */
void iot_nor_unix_count(struct iot_nor_unix *n, const char *kind, uint32_t offset, uint32_t len);

/** "none", "half" ... or -1. */
int iot_nor_unix_cut(const char *name);
const char *iot_nor_unix_cut_name(enum iot_nor_cut cut);

#ifdef __cplusplus
}
#endif
#endif
