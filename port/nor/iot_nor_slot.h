/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_nor_slot.h
 * A place for one firmware image: sectors of a NOR flash that hold the image and nothing else, from their first byte
 * on, so that it can be executed where it lies. What is known about it is a record in a store (iot_nor_kv), the journal,
 * which several slots may share: its size, its version, how much of it is durably there, and whether it is whole.
 *
 *     iot_nor_slot_open(&b, &nor, at, sectors, &journal, "slot-b");
 *     if (!b.image.whole && b.image.bytes == size && strcmp(b.image.version, version) == 0)
 *         ... continue at b.image.written
 *     else
 *         iot_nor_slot_begin(&b, size, version);
 *     iot_nor_slot_write(&b, bytes, n, &used) ...        whatever comes, in any portions
 *     iot_nor_slot_read(&b, 0, into, n) ...              to digest what is really there
 *     iot_nor_slot_done(&b, digest);
 *
 * What a bootloader may rely on, with a power cut at any moment:
 *   - `whole` says that all `bytes` of the image were programmed and read back equal, and that whoever wrote it said
 *     that they have this digest. It is taken back, durably, before the first sector of that image is erased.
 *   - Bytes up to `written` are solid and belong to the image of that size and version; it is a multiple of the sector
 *     or, of a whole image, `bytes`. Behind it is anything.
 *   - The journal is read by iot_nor_kv_mount and _get, or rather iot_nor_slot_open. Mounting writes only
 *     what a cut left half done.
 *   - Nothing here says which slot is to be started, or whether the digest is true.
 */
#ifndef IOT_NOR_SLOT_H
#define IOT_NOR_SLOT_H

#include "iot_nor_kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOT_NOR_DIGEST_BYTES 32u
#define IOT_NOR_VERSION_MAX  64u /* the platform's longest */

struct iot_nor_image {
    uint32_t bytes;   /* of all of it; 0: there is none */
    uint32_t written; /* of its beginning, durably */
    bool whole;
    uint8_t digest[IOT_NOR_DIGEST_BYTES]; /* of a whole one */
    char version[IOT_NOR_VERSION_MAX + 1];
};

/** Yours to place. image may be read; the rest is private: of the image `taken` bytes were given to us, the last
 *  `pending` of them are not programmed, sectors up to `erased` are ours to program. */
struct iot_nor_slot {
    struct iot_nor_image image;
    const struct iot_nor *nor;
    struct iot_nor_kv *journal;
    const char *key;
    uint32_t offset, sectors;
    uint32_t taken, erased;
    uint32_t pending;
    uint8_t unit[IOT_NOR_WRITE_MAX];
    bool writing;
};

/**
 * Look what is there. Writes nothing.
 *
 * journal  mounted, elsewhere in the flash; borrowed, as nor and key, as long as the slot is used.
 * Returns  IOT_OK; IOT_ERR_AGAIN; IOT_ERR_ARG, offset or sectors are wrong; IOT_ERR_KV.
 */
iot_err iot_nor_slot_open(struct iot_nor_slot *s, const struct iot_nor *nor, uint32_t offset,
                          uint32_t sectors, struct iot_nor_kv *journal, const char *key);

/**
 * A new image from its first byte on; what was in the slot is no image any more.
 *
 * Returns  IOT_OK; IOT_ERR_AGAIN, the same call continues; IOT_ERR_SIZE, the slot is too small, the image empty or its
 *          version too long: nothing was changed; IOT_ERR_FULL, the journal has no room; IOT_ERR_KV.
 */
iot_err iot_nor_slot_begin(struct iot_nor_slot *s, uint32_t bytes, const char *version);

/**
 * The next bytes: behind `image.written` after open, behind those that were taken otherwise. One call erases at most one
 * sector, fills at most one, and writes one record of the journal.
 *
 * used     out, also with an error: so many were taken, and are not to be given again.
 * Returns  IOT_OK, all were taken; IOT_ERR_AGAIN, come again with the rest; IOT_ERR_SIZE, more than the image has left,
 *          nothing was taken; IOT_ERR_STATE, there is no image, or it is whole, or writing has failed; IOT_ERR_FULL,
 *          the journal has no room; IOT_ERR_KV, the flash does not hold what was programmed: begin anew.
 */
iot_err iot_nor_slot_write(struct iot_nor_slot *s, const void *bytes, uint32_t n, uint32_t *used);

/** Bytes of the image, of those that were taken. IOT_OK; IOT_ERR_AGAIN; IOT_ERR_ARG, there are not so many; IOT_ERR_KV. */
iot_err iot_nor_slot_read(const struct iot_nor_slot *s, uint32_t at, void *into, uint32_t n);

/** All bytes were taken, and have this digest. IOT_OK, the image is whole, durably; IOT_ERR_AGAIN; IOT_ERR_STATE, bytes
 *  are missing, or it is not being written; IOT_ERR_FULL, the journal has no room; IOT_ERR_KV. */
iot_err iot_nor_slot_done(struct iot_nor_slot *s, const uint8_t digest[IOT_NOR_DIGEST_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
