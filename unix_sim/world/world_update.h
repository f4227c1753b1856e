/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_update.h
 * A device that updates itself, life by life: bootloader and boot contract, NOR flash, the library's HTTP client and
 * update on lwIP, against the server of world_web.h. It left the factory with an image in slot A and is offered one job
 * in each life, until the new image runs and has confirmed. Power goes wherever the flash is told to lose it, in the
 * bootloader, too. One per process.
 *
 * Broken invariants are violations of the world: nothing to boot, an image that is neither the old nor the new one byte
 * for byte, an update that ends otherwise than well, one that does not end.
 */
#ifndef WORLD_UPDATE_H
#define WORLD_UPDATE_H

#include "iot/iot_static.h"
#include "nor/iot_nor_kv.h"
#include "nor/iot_nor_place.h"
#include "unix/iot_nor_unix.h"
#include "world/world_chance.h"
#include "world/world_loop.h"
#include "world/world_web.h"

#include <setjmp.h>

#define WORLD_UPDATE_BOOTS_MAX 20u
#define WORLD_UPDATE_LIFE_MS   (4u * 3600000u) /* longest one: more is a violation */

/** All in bytes but where said. The journal takes three sectors, each slot as many as the image needs. */
struct world_update_shape {
    uint32_t sector, write_bytes, image_bytes;
    uint32_t slow;  /* each operation of the flash answers AGAIN so often first */
    uint32_t range; /* iot_ota_options.chunk */
};

enum world_update_end {
    WORLD_UPDATE_CUT,     /* power went */
    WORLD_UPDATE_FETCHED, /* the new image is chosen: the next boot tries it */
    WORLD_UPDATE_ARRIVED, /* it runs, and has confirmed */
    WORLD_UPDATE_WRONG    /* a violation */
};

struct world_update {
    /* settings: `chip.cut_at` and `chip.cut`, any time. Operations are counted from the beginning of a life. */
    struct iot_nor_unix chip;
    struct iot_ota_job job;
    struct iot_ota_options options; /* of the next life; slot, client and port are ours */
    struct iot_http_options web_options;

    /* what happened */
    uint64_t asked_ms,
        fetched_ms; /* of the last life that fetched: its job was given; all bytes were in the slot */
    uint32_t boots;
    uint32_t operations; /* of the flash, in the last life */
    iot_err err;         /* of an update that failed */
    int32_t detail;

    /* private */
    struct world_update_shape shape;
    struct iot_bytes old_image, new_image;
    struct iot_nor_kv journal;
    struct iot_nor_boot boot;
    struct iot_nor_boot_map map;
    struct iot_nor_place place;
    struct iot_nor_boot_choice choice;
    struct iot_port port;
    struct iot_options device_options;
    struct iot_ota_module modules[1];
    struct iot_device dev;
    struct iot_http http;
    struct iot_ota ota;
    struct world_chance chance;
    struct world_actor actor;
    jmp_buf power;
    uint64_t wake;
    bool on, ready, failed;
    iot_err said; /* of a step of the bootloader */
    struct iot_nor_unix factory_chip;
    uint8_t *room, *factory_room;
    size_t room_bytes;
};

/** Memory that a chip of this shape takes, in bytes. */
size_t world_update_room(const struct world_update_shape *shape);

/** Made in the factory. room, factory_room: each world_update_room bytes, aligned for uint32_t; images: shape->image_bytes
 *  each. All but `shape` is borrowed for ever. False: a violation. */
bool world_update_make(struct world_update *u, uint64_t seed,
                       const struct world_update_shape *shape, void *room, void *factory_room,
                       const uint8_t *old_image, const uint8_t *new_image);

/** As it left the factory; chance goes on. */
void world_update_anew(struct world_update *u);

/** One life, from power on to its end or a restart. No cut is set after it. */
enum world_update_end world_update_live(struct world_update *u);

/** Lives without cuts, until it has arrived. False: a violation. */
bool world_update_arrive(struct world_update *u);

#endif
