/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_firmware.h"

#include "crypto/iot_crypto_digest.h"
#include "mps2_an385/iot_mps2_flash.h"
#include "nor/iot_nor_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool says(struct host_flash *f, const char *what, iot_err err)
{
    if (err != IOT_OK)
        snprintf(f->why, sizeof f->why, "%s: %s", what, iot_err_text(err));
    return err == IOT_OK;
}

/* The same map as on the board (iot_port_mps2_boot). */
static iot_err open_boot(struct host_flash *f, struct iot_nor_boot_map *map,
                         struct iot_nor_boot *boot)
{
    *map = (struct iot_nor_boot_map){
        .nor = &f->nor,
        .journal = &f->kv,
        .offset = {MPS2_SLOT_A_OFFSET, MPS2_SLOT_B_OFFSET},
        .sectors = MPS2_SLOT_BYTES / MPS2_SECTOR_BYTES,
    };
    return iot_nor_boot_open(boot, map);
}

static iot_err write_all(const struct iot_slot *s, struct iot_bytes image)
{
    const uint8_t *from = image.ptr;
    struct iot_digest digest;
    uint8_t sum[IOT_NOR_DIGEST_BYTES];
    uint32_t used;

    for (uint32_t at = 0; at < image.len; at += used) {
        iot_err err = s->ops->write(s->ctx, from + at, image.len - at, &used);
        if (err != IOT_OK && err != IOT_ERR_AGAIN)
            return err;
    }
    iot_digest_begin(&digest, IOT_DIGEST_SHA256);
    iot_digest_put(&digest, image);
    iot_digest_end(&digest, sum);
    return s->ops->done(s->ctx, sum);
}

static iot_err write_image(const struct iot_slot *s, struct iot_bytes image, const char *version)
{
    struct iot_slot_info info;
    iot_err err = s->ops->open(s->ctx, &info);

    if (err == IOT_OK)
        err = s->ops->begin(s->ctx, image.len, version);
    if (err == IOT_OK)
        err = write_all(s, image);
    if (err == IOT_OK && s->ops->choose != NULL)
        err = s->ops->choose(s->ctx);
    return err;
}

bool host_firmware_factory(struct host_flash *f, struct iot_bytes image, const char *version)
{
    struct iot_nor_boot_map map;
    struct iot_nor_boot boot;
    struct iot_nor_place place;
    iot_err err = open_boot(f, &map, &boot);

    iot_nor_place_alone(&place, &boot.slot[0]);
    if (err == IOT_OK)
        err = write_image(&place.slot, image, version);
    return says(f, "first image", err);
}

bool host_firmware_update(struct host_flash *f, struct iot_bytes image, const char *version,
                          struct iot_bytes signature)
{
    struct iot_nor_boot_map map;
    struct iot_nor_boot boot;
    struct iot_nor_place place;
    iot_err err = open_boot(f, &map, &boot);

    iot_nor_place_boot(&place, &boot);
    place.signature = signature;
    if (err == IOT_OK)
        err = write_image(&place.slot, image, version);
    return says(f, "update", err);
}

static bool read_file(struct host_flash *f, const char *path, struct iot_bytes *image)
{
    static uint8_t bytes[MPS2_SLOT_BYTES + 1]; /* one more tells a file that is too large */
    FILE *file = fopen(path, "rb");

    image->ptr = bytes;
    image->len = file != NULL ? (uint32_t)fread(bytes, 1, sizeof bytes, file) : 0;
    bool good = file != NULL && ferror(file) == 0;
    if (!good)
        snprintf(f->why, sizeof f->why, "cannot read %.150s: %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    return good;
}

bool host_firmware_factory_file(struct host_flash *f, const char *path, const char *version)
{
    struct iot_bytes image;

    return read_file(f, path, &image) && host_firmware_factory(f, image, version);
}

bool host_firmware_update_file(struct host_flash *f, const char *path, const char *version,
                               struct iot_bytes signature)
{
    struct iot_bytes image;

    return read_file(f, path, &image) && host_firmware_update(f, image, version, signature);
}
