/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_nor_boot.h
 * Which of two images is started: the boot contract between a bootloader, the application, and whoever fetches images.
 *
 * Two slots (iot_nor_slot), A and B, and one record beside their journal. An image that was accepted is the candidate; the
 * bootloader gives it a few tries; when the application that it holds has proved itself it is the active one, and
 * the other slot is free for the next update. A candidate that does not prove itself is given up, and the active one is
 * started as if nothing had been.
 *
 *     bootloader            iot_nor_boot_open, iot_nor_boot_start; watchdog on; jump to what it says
 *     application           iot_nor_boot_open; works ... is connected: iot_nor_boot_confirm
 *     whoever fetches       iot_nor_place (iot_nor_place.h) in the slot iot_nor_boot_spare
 *
 * Each function writes the record once or not at all, and a set of iot_nor_kv is atomic: so a power cut leaves the
 * state before or the state after, and either one has an image to start:
 *   - the active image is touched by nobody;
 *   - an image is started only if it is the one that was accepted, byte for byte (SHA-256), and if there is a key for
 *     signatures only with one that fits;
 *   - a try is counted, durably, before the jump: what hangs, crashes or loses power has used it up.
 * Without a record the image in A is active, as a factory leaves it. Needs the SHA-256 of IOT_FEATURE_TLS or _LINK.
 */
#ifndef IOT_NOR_BOOT_H
#define IOT_NOR_BOOT_H

#include "iot_nor_slot.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOT_NOR_BOOT_SLOTS         2u
#define IOT_NOR_BOOT_NONE          2u /* no slot */
#define IOT_NOR_BOOT_TRIES         3u
#define IOT_NOR_BOOT_SIGNATURE_MAX 72u /* ECDSA P-256 in DER */

/* What is durable. Slots are 0 (A) and 1 (B). */
struct iot_nor_boot_record {
    uint8_t active;    /* to be started */
    uint8_t candidate; /* to be tried; or NONE */
    uint8_t tries;     /* that it has left */
    bool running;      /* one has begun; the candidate has not confirmed */
    iot_err
        dropped; /* why the last candidate was given up: OTA_FAILED, no try was left; OTA_DIGEST, OTA_SIGNATURE,
                        * STATE, it was not (all) there; IOT_OK: it was not given up */
    /* Of the image that was accepted for each slot; zeros: none. */
    uint8_t digest[IOT_NOR_BOOT_SLOTS][IOT_NOR_DIGEST_BYTES];
};

struct iot_nor_boot_choice {
    uint8_t slot;
    bool trial; /* it is the candidate, and has not confirmed yet */
};

/** Where everything is; the same for the bootloader and the application. */
struct iot_nor_boot_map {
    const struct iot_nor *nor;
    struct iot_nor_kv
        *journal; /* mounted; keys that are ours: boot, slot-a, slot-b, sig-a, sig-b */
    uint32_t offset[IOT_NOR_BOOT_SLOTS];
    uint32_t sectors; /* of each slot */
    uint8_t tries;    /* for a candidate, 1 to 255; 0: IOT_NOR_BOOT_TRIES */
    /** Whether this is somebody's signature over the SHA-256. NULL: signatures are not looked at. */
    bool (*verify)(void *ctx, const uint8_t digest[IOT_NOR_DIGEST_BYTES],
                   struct iot_bytes signature);
    void *ctx; /* of verify */
};

/** Yours to place. record and slot[].image may be read. */
struct iot_nor_boot {
    const struct iot_nor_boot_map *map;
    struct iot_nor_boot_record record;
    struct iot_nor_slot slot[IOT_NOR_BOOT_SLOTS];
    iot_err unread[IOT_NOR_BOOT_SLOTS]; /* why a slot's journal could not be read */
    iot_err seen[IOT_NOR_BOOT_SLOTS];   /* of images, while iot_nor_boot_start is under way */
};

/**
 * Read record and journals. Writes nothing. A record that is rotten, or of another form, is none.
 *
 * map      borrowed, as long as `b` is used.
 * Returns  IOT_OK; IOT_ERR_AGAIN; IOT_ERR_ARG, offsets or sectors are wrong.
 */
iot_err iot_nor_boot_open(struct iot_nor_boot *b, const struct iot_nor_boot_map *map);

/**
 * The rule, without flash.
 *
 * image    of each slot: IOT_OK, it is whole and as it was accepted; IOT_ERR_AGAIN, nobody has looked; else why not.
 * record   in and out: has to be durable as it is afterwards before the choice is acted upon.
 * Returns  IOT_OK, start that; IOT_ERR_AGAIN, look at image choice->slot and ask again, nothing was changed; else there is
 *          nothing to start, and why the active image cannot be.
 */
iot_err iot_nor_boot_decide(struct iot_nor_boot_record *record,
                            const iot_err image[IOT_NOR_BOOT_SLOTS],
                            struct iot_nor_boot_choice *choice);

/**
 * The bootloader's whole part: look at images, decide, and count the try durably. Reads each byte of the image that is to
 * be started. If the record cannot be written no candidate is tried, but an active image is started.
 *
 * Returns  IOT_OK: start what `choice` says; IOT_ERR_AGAIN, the same call continues; IOT_ERR_STATE, there is no
 *          image; IOT_ERR_OTA_DIGEST, IOT_ERR_OTA_SIGNATURE, the active one is broken; IOT_ERR_KV.
 */
iot_err iot_nor_boot_start(struct iot_nor_boot *b, struct iot_nor_boot_choice *choice);

/**
 * The image in the slot is whole, and it is accepted: it is tried from the next boot on.
 *
 * signature  over its SHA-256; empty: none. Borrowed until the answer is not IOT_ERR_AGAIN.
 * Returns    IOT_OK, durably; IOT_ERR_AGAIN, the same call continues; IOT_ERR_STATE, it is not whole, or the slot is in
 *            use; IOT_ERR_SIZE, the signature is too long; IOT_ERR_FULL, the journal has no room; IOT_ERR_KV.
 */
iot_err iot_nor_boot_choose(struct iot_nor_boot *b, uint8_t slot, struct iot_bytes signature);

/**
 * The application that runs from this slot does its work (it has reached its platform): the candidate becomes active.
 * Harmless if it is that already; so it can be called at each connection.
 *
 * slot     what the bootloader started; an application that cannot know: iot_nor_boot_running.
 * Returns  IOT_OK, durably; IOT_ERR_AGAIN, the same call continues; IOT_ERR_STATE, that slot is neither active nor being
 *          tried; IOT_ERR_FULL; IOT_ERR_KV.
 */
iot_err iot_nor_boot_confirm(struct iot_nor_boot *b, uint8_t slot);

/** The slot that was started, as far as the record knows. */
uint8_t iot_nor_boot_running(const struct iot_nor_boot *b);

/** The slot that an update goes to. While the candidate is tried there is none: NONE. */
uint8_t iot_nor_boot_spare(const struct iot_nor_boot *b);

#ifdef __cplusplus
}
#endif
#endif
