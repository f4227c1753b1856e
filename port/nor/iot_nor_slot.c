/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_nor_slot.h"

#include "iot_nor_chip.h"

#include <string.h>

/* The journal's record: bytes, written, whole; digest; version with its NUL. */
#define RECORD_BYTES (9u + IOT_NOR_DIGEST_BYTES + IOT_NOR_VERSION_MAX + 1u)
#define DIGEST_AT    9u
#define VERSION_AT   (9u + IOT_NOR_DIGEST_BYTES)

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_u32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* ---- The journal --------------------------------------------------------------------------- */

static iot_err write_record(struct iot_nor_slot *s, const struct iot_nor_image *image)
{
    uint8_t record[RECORD_BYTES];

    memset(record, 0, sizeof record);
    put_u32(record, image->bytes);
    put_u32(record + 4, image->written);
    record[8] = image->whole;
    memcpy(record + DIGEST_AT, image->digest, IOT_NOR_DIGEST_BYTES);
    memcpy(record + VERSION_AT, image->version, strlen(image->version));
    iot_err err = iot_nor_kv_set(s->journal, s->key, record, sizeof record);
    if (err == IOT_OK)
        s->image = *image;
    return err;
}

/* A record of something else, or for a larger slot, is none. */
static iot_err read_record(struct iot_nor_slot *s)
{
    struct iot_nor_image *image = &s->image;
    uint8_t record[RECORD_BYTES];
    uint32_t len = 0;
    iot_err err = iot_nor_kv_get(s->journal, s->key, record, sizeof record, &len);

    memset(image, 0, sizeof *image);
    if (err == IOT_ERR_STATE || err == IOT_ERR_SIZE)
        return IOT_OK;
    if (err != IOT_OK)
        return err;
    uint32_t bytes = get_u32(record), written = get_u32(record + 4);
    bool whole = record[8] == 1;
    if (len != sizeof record || record[sizeof record - 1] != 0 ||
        bytes > s->sectors * s->nor->sector_bytes || written > bytes ||
        (whole ? written != bytes : written % s->nor->sector_bytes != 0))
        return IOT_OK;
    image->bytes = bytes;
    image->written = written;
    image->whole = whole;
    memcpy(image->digest, record + DIGEST_AT, IOT_NOR_DIGEST_BYTES);
    memcpy(image->version, record + VERSION_AT, IOT_NOR_VERSION_MAX + 1);
    return IOT_OK;
}

/* Go on behind what is durable. The sector there is erased again: it may be full of anything. */
static void start_writing(struct iot_nor_slot *s)
{
    s->taken = s->erased = s->image.written;
    s->pending = 0;
    s->writing = s->image.bytes != 0 && !s->image.whole;
}

iot_err iot_nor_slot_open(struct iot_nor_slot *s, const struct iot_nor *nor, uint32_t offset,
                          uint32_t sectors, struct iot_nor_kv *journal, const char *key)
{
    uint32_t w = nor->write_bytes;

    if (w == 0 || w > IOT_NOR_WRITE_MAX || (w & (w - 1)) != 0 || nor->sector_bytes == 0 ||
        nor->sector_bytes % IOT_NOR_WRITE_MAX != 0 || offset % nor->sector_bytes != 0 ||
        sectors == 0 || sectors > (UINT32_MAX - offset) / nor->sector_bytes)
        return IOT_ERR_ARG;
    memset(s, 0, sizeof *s);
    s->nor = nor;
    s->offset = offset;
    s->sectors = sectors;
    s->journal = journal;
    s->key = key;
    iot_err err = read_record(s);
    start_writing(s);
    return err;
}

iot_err iot_nor_slot_begin(struct iot_nor_slot *s, uint32_t bytes, const char *version)
{
    struct iot_nor_image image;

    if (bytes == 0 || bytes > s->sectors * s->nor->sector_bytes ||
        strlen(version) > IOT_NOR_VERSION_MAX)
        return IOT_ERR_SIZE;
    memset(&image, 0, sizeof image);
    image.bytes = bytes;
    memcpy(image.version, version, strlen(version));
    s->writing = false;
    iot_err err = write_record(s, &image);
    if (err == IOT_OK)
        start_writing(s);
    return err;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static iot_err fail_if_broken(struct iot_nor_slot *s, iot_err err)
{
    if (err == IOT_ERR_KV)
        s->writing = false;
    return err;
}

/* The unit that is full, or the last one, which is filled up. */
static iot_err put_unit(struct iot_nor_slot *s)
{
    uint32_t w = s->nor->write_bytes;
    iot_err err;

    memset(s->unit + s->pending, 0xff, w - s->pending);
    err = iot_nor_chip_put(s->nor, s->offset + s->taken - s->pending, s->unit, w);
    if (err == IOT_OK)
        s->pending = 0;
    return err;
}

/* What has to come before the next byte: a full unit, at the end of a sector a record of it, an erased sector. */
static iot_err make_ready(struct iot_nor_slot *s)
{
    iot_err err = IOT_OK;

    if (s->pending == s->nor->write_bytes)
        err = put_unit(s);
    if (err != IOT_OK || s->pending != 0 || s->taken != s->erased)
        return err;
    if (s->taken != s->image.written) {
        struct iot_nor_image image = s->image;
        image.written = s->taken;
        err = write_record(s, &image);
    }
    if (err == IOT_OK)
        err = iot_nor_chip_erase(s->nor, s->offset + s->taken);
    if (err == IOT_OK)
        s->erased += s->nor->sector_bytes;
    return err;
}

/* Some of the bytes: whole units in place, others by way of s->unit. */
static iot_err take(struct iot_nor_slot *s, const uint8_t *bytes, uint32_t n, uint32_t *used)
{
    uint32_t w = s->nor->write_bytes, most = s->erased - s->taken;
    iot_err err = IOT_OK;

    if (s->pending != 0 || n < w) {
        most = w - s->pending < n ? w - s->pending : n;
        memcpy(s->unit + s->pending, bytes, most);
        s->pending += most;
    } else {
        most = most < n ? most : n;
        most = most < IOT_NOR_CHUNK ? most & ~(w - 1) : IOT_NOR_CHUNK;
        err = iot_nor_chip_put(s->nor, s->offset + s->taken, bytes, most);
    }
    if (err == IOT_OK) {
        s->taken += most;
        *used += most;
    }
    return err;
}

iot_err iot_nor_slot_write(struct iot_nor_slot *s, const void *bytes, uint32_t n, uint32_t *used)
{
    uint32_t erased = s->erased;
    iot_err err = IOT_OK;

    *used = 0;
    if (!s->writing)
        return IOT_ERR_STATE;
    if (n > s->image.bytes - s->taken)
        return IOT_ERR_SIZE;
    while (*used < n) {
        err = make_ready(s);
        if (err == IOT_OK)
            err = take(s, (const uint8_t *)bytes + *used, n - *used, used);
        if (err != IOT_OK)
            return fail_if_broken(s, err);
        if (s->taken == s->erased && s->erased != erased && *used < n)
            return IOT_ERR_AGAIN; /* a sector was erased and filled: enough for one call */
    }
    return IOT_OK;
}

iot_err iot_nor_slot_read(const struct iot_nor_slot *s, uint32_t at, void *into, uint32_t n)
{
    uint32_t done = s->taken - s->pending, first;

    if (at > s->taken || n > s->taken - at)
        return IOT_ERR_ARG;
    first = at >= done ? 0 : done - at < n ? done - at : n;
    if (first != n)
        memcpy((uint8_t *)into + first, s->unit + (at + first - done), n - first);
    return first == 0 ? IOT_OK : iot_nor_chip_read(s->nor, s->offset + at, into, first);
}

iot_err iot_nor_slot_done(struct iot_nor_slot *s, const uint8_t digest[IOT_NOR_DIGEST_BYTES])
{
    struct iot_nor_image image = s->image;
    iot_err err = IOT_OK;

    if (!s->writing || s->taken != image.bytes)
        return IOT_ERR_STATE;
    if (s->pending != 0)
        err = put_unit(s);
    if (err == IOT_OK) {
        image.written = image.bytes;
        image.whole = true;
        memcpy(image.digest, digest, IOT_NOR_DIGEST_BYTES);
        err = write_record(s, &image);
    }
    if (err == IOT_OK)
        s->writing = false;
    return fail_if_broken(s, err);
}
