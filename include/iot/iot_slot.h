/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_slot.h
 * A place for one image: a firmware slot (port/nor makes one of sectors of a flash), the flash of a second processor, a file,
 * RAM for a configuration. Whoever fetches an image writes it here in order, and reads back what is really there.
 */
#ifndef IOT_SLOT_H
#define IOT_SLOT_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest version text, bytes without NUL (the platform: up to 64 in its newer form; 32 in its basic one). */
#define IOT_SLOT_VERSION_MAX 64

/** What lies in a slot. */
struct iot_slot_info {
    uint32_t room;    /* bytes it can hold */
    uint32_t bytes;   /* of the image; 0: there is none */
    uint32_t written; /* of its beginning, durably: here writing goes on after a reboot */
    bool whole;       /* done was called and returned IOT_OK */
    char version[IOT_SLOT_VERSION_MAX + 1];
};

/** Functions that may answer IOT_ERR_AGAIN (a slow chip) are asked again, with the same arguments, in a later tick. All may
 *  also return IOT_ERR_KV (the chip is broken) or another error, which is told by its name. */
struct iot_slot_ops {
    /** Look what is there; writes nothing. After it writing goes on at info->written. */
    iot_err (*open)(void *ctx, struct iot_slot_info *info);
    /** A new image from its first byte on; what was there is none any more, durably, before anything is erased. IOT_ERR_SIZE:
     *  no room, or the version is too long: nothing was changed. */
    iot_err (*begin)(void *ctx, uint32_t bytes, const char *version);
    /** The next bytes. `*used` of them were taken, also with an error. */
    iot_err (*write)(void *ctx, const void *bytes, uint32_t n, uint32_t *used);
    /** Of those that were taken. */
    iot_err (*read)(void *ctx, uint32_t at, void *into, uint32_t n);
    /** All bytes were taken, and what `read` gives has this SHA-256: the image is whole, durably. */
    iot_err (*done)(void *ctx, const uint8_t sha256[32]);
    /** The image was accepted by whoever fetched it: let the boot loader try it. NULL: nothing to do (the sink of a module). */
    iot_err (*choose)(void *ctx);
};

struct iot_slot {
    const struct iot_slot_ops *ops;
    void *ctx;
};

#ifdef __cplusplus
}
#endif
#endif
