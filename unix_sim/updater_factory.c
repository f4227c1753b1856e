/* SPDX-License-Identifier: Apache-2.0 */
#include "updater_factory.h"

#include "crypto/iot_crypto_digest.h"
#include "nor/iot_nor_slot.h"
#include "unix/iot_nor_unix.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>

#define OLD_BYTES 20000u

enum { SLOT_A, SLOT_B, JOURNAL }; /* of iot_port_unix_areas */

/* Some bytes that look like a program to nobody. */
static void fill(uint8_t *bytes, uint32_t n, uint32_t seed)
{
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

/* The whole of an image in a slot, as iot_nor_slot wants it; the chip is memory, and AGAIN does not last. */
static iot_err write_image(struct iot_nor_slot *s, const uint8_t *bytes, uint32_t n)
{
    uint8_t sum[IOT_NOR_DIGEST_BYTES];
    struct iot_digest d;
    uint32_t at = 0, used;
    iot_err err;

    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){bytes, n});
    iot_digest_end(&d, sum);
    while ((err = iot_nor_slot_begin(s, n, UPDATER_OLD)) == IOT_ERR_AGAIN)
        continue;
    while ((err == IOT_OK || err == IOT_ERR_AGAIN) && at < n) {
        err = iot_nor_slot_write(s, bytes + at, n - at, &used);
        at += used;
    }
    if (err == IOT_OK)
        while ((err = iot_nor_slot_done(s, sum)) == IOT_ERR_AGAIN)
            continue;
    return err;
}

bool updater_make_flash(const char *path)
{
    static uint8_t bytes[OLD_BYTES];
    static struct iot_nor_kv journal;
    static struct iot_nor_slot slot;
    const struct iot_port_unix_area *area = iot_port_unix_areas;

    if (!iot_port_unix_file(path))
        return false;
    const struct iot_nor *nor = &iot_port_unix_flash()->nor;
    iot_err err = iot_nor_kv_mount(&journal, nor, area[JOURNAL].offset,
                                   area[JOURNAL].bytes / nor->sector_bytes);
    if (err == IOT_OK)
        err = iot_nor_slot_open(&slot, nor, area[SLOT_A].offset,
                                area[SLOT_A].bytes / nor->sector_bytes, &journal, "slot-a");
    fill(bytes, sizeof bytes, 1);
    if (err == IOT_OK)
        err = write_image(&slot, bytes, sizeof bytes);
    if (err != IOT_OK)
        fprintf(stderr, "the device's flash: %s\n", iot_err_text(err));
    return err == IOT_OK;
}

bool updater_make_image(const char *path, uint32_t bytes)
{
    uint8_t *image = malloc(bytes);
    FILE *f = fopen(path, "we");
    bool ok = image != NULL && f != NULL;

    if (ok) {
        fill(image, bytes, 2);
        ok = fwrite(image, 1, bytes, f) == bytes;
    }
    if (f != NULL)
        ok = fclose(f) == 0 && ok;
    free(image);
    if (!ok)
        fprintf(stderr, "cannot write %s\n", path);
    return ok;
}
