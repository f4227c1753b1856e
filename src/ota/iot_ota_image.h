/* SPDX-License-Identifier: Apache-2.0 */
/* One image on its way into a slot: taken in order, digested as it comes and once more as it lies there, its signature
 * verified, the slot done and chosen. Knows no network: whoever has bytes gives them.
 *
 *     start -> OPENING -> NEW --begin--> WRITING --write, write--> WRITTEN -> CHECKING [-> SIGNING] -> ENDING -> CHOOSING -> READY
 *                     \-> REBUILDING -------^                     what lies in the slot is of this image: go on behind it
 *                      \-> CHECKING                               ... all of it, and the slot was done already
 *
 * In capitals with an arrow that has no word: iot_ota_image_step goes on by itself, a bounded piece at a time. */
#ifndef IOT_OTA_IMAGE_H
#define IOT_OTA_IMAGE_H

#include "iot/iot_ota.h"

#include "crypto/iot_crypto_digest.h"
#include "crypto/iot_crypto_ecdsa.h"

enum iot_ota_image_state {
    IOT_IMAGE_CLOSED,
    IOT_IMAGE_OPENING,
    IOT_IMAGE_NEW, /* nothing of it is in the slot: iot_ota_image_begin */
    IOT_IMAGE_REBUILDING,
    IOT_IMAGE_WRITING, /* iot_ota_image_write */
    IOT_IMAGE_WRITTEN,
    IOT_IMAGE_CHECKING,
    IOT_IMAGE_SIGNING,
    IOT_IMAGE_ENDING,
    IOT_IMAGE_CHOOSING,
    IOT_IMAGE_READY, /* over */
    IOT_IMAGE_FAILED /* over */
};

/* How signatures are judged; borrowed. key NULL: they are not looked at. */
struct iot_ota_trust {
    const uint8_t *key; /* IOT_ECDSA_KEY_BYTES */
    void *arena;        /* used in SIGNING only */
    uint32_t arena_bytes;
};

/* state, at and whole may be read. at: bytes that the slot has taken, or that were digested of what it holds; up to
 * `goal` in REBUILDING. */
struct iot_ota_image {
    const struct iot_ota_job *job;
    const struct iot_slot *slot;
    const struct iot_ota_trust *trust;
    uint32_t at, goal;
    uint8_t state; /* enum iot_ota_image_state */
    bool resume;
    bool whole; /* the slot was done before we came */
    /* Of the job's kind; with MD5 the SHA-256 is made beside it when the image is read back: the slot and the
     * signature want it. */
    struct iot_digest digest, sha;
    uint8_t sum[IOT_DIGEST_BYTES_MAX];
    struct iot_ecdsa ecdsa;
};

/**
 * Begin with a job. All is borrowed until iot_ota_image_end.
 *
 * resume   what lies in the slot may be the beginning of this very image, if it is of this size and version: the
 *          caller's journal says so.
 * Returns  IOT_OK; IOT_ERR_OTA_SIZE, no bytes; IOT_ERR_OTA_SIGNATURE, there is none and a key is set.
 */
iot_err iot_ota_image_start(struct iot_ota_image *m, const struct iot_ota_job *job,
                            const struct iot_slot *slot, const struct iot_ota_trust *trust,
                            bool resume);

/**
 * The next piece of what is done without the caller: at most one call of the slot, or IOT_OTA_STEP_BYTES read and digested,
 * or one slice of a signature.
 * Returns  IOT_OK, it went on: look at state; IOT_ERR_AGAIN, the slot is busy: ask in a later tick; IOT_ERR_STATE, nothing goes on
 *          by itself in this state. Else it has FAILED: IOT_ERR_OTA_SIZE, larger than the slot, found before anything was
 *          written; IOT_ERR_OTA_DIGEST; IOT_ERR_OTA_SIGNATURE; IOT_ERR_ARG, the key is none; IOT_ERR_SIZE, the arena is too
 *          small; what the slot says.
 */
iot_err iot_ota_image_step(struct iot_ota_image *m);

/** In NEW: the slot is begun. IOT_OK, WRITING; IOT_ERR_AGAIN; else FAILED. */
iot_err iot_ota_image_begin(struct iot_ota_image *m);

/**
 * In WRITING: the bytes at `at`.
 *
 * used     out, also with an error: so many were taken.
 * Returns  IOT_OK, all of them; IOT_ERR_AGAIN, come with the rest in a later tick; IOT_ERR_OTA_SIZE, more than the image has
 *          left: none was taken, nothing has changed; IOT_ERR_STATE; else FAILED.
 */
iot_err iot_ota_image_write(struct iot_ota_image *m, struct iot_bytes bytes, uint32_t *used);

/** From any state after OPENING: nothing of what lies in the slot is of use. NEW. */
void iot_ota_image_restart(struct iot_ota_image *m);

/** Forget it; what the slot holds durably stays. Allowed at any time. */
void iot_ota_image_end(struct iot_ota_image *m);

#endif
