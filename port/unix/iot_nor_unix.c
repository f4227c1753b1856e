/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_nor_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x31524f4eu /* "NOR1" */

static const char *const cut_names[IOT_NOR_CUT_KINDS] = {"none", "half", "all", "junk", "weak"};

/* Behind the chip's bytes, in the order of the pointers; last, this. */
struct shape {
    uint32_t magic, sector_bytes, sectors, write_bytes;
};

static uint32_t chance(struct iot_nor_unix *n)
{
    n->chance ^= n->chance << 13;
    n->chance ^= n->chance >> 17;
    n->chance ^= n->chance << 5;
    return n->chance >> 8;
}

static void fault(struct iot_nor_unix *n, const char *rule, uint32_t offset, uint32_t len)
{
    if (n->on_fault != NULL)
        n->on_fault(n->ctx, rule, offset, len);
    fprintf(stderr, "nor: %s, at 0x%lx, %lu bytes\n", rule, (unsigned long)offset,
            (unsigned long)len);
    abort();
}

static void power_off(struct iot_nor_unix *n, const char *kind, uint32_t offset, uint32_t len)
{
    struct iot_nor_unix_op op = {n->count, kind, offset, len};

    if (n->on_cut != NULL)
        n->on_cut(n->ctx, &op);
    abort();
}

static uint32_t chip_bytes(const struct iot_nor_unix *n)
{
    return n->nor.sector_bytes * n->sectors;
}

/* ---- Erase --------------------------------------------------------------------------------- */

static void fill_sector(struct iot_nor_unix *n, uint32_t offset, bool junk)
{
    uint32_t units = n->nor.sector_bytes / n->nor.write_bytes;

    for (uint32_t i = 0; i < n->nor.sector_bytes; i++)
        n->bytes[offset + i] = junk ? (uint8_t)chance(n) : 0xff;
    memset(n->weak + offset, 0, n->nor.sector_bytes);
    memset(n->used + offset / n->nor.write_bytes, junk, units);
}

static void cut_erase(struct iot_nor_unix *n, uint32_t offset)
{
    uint32_t half = n->nor.sector_bytes / 2, first = offset + (chance(n) & 1u) * half;

    switch (n->cut) {
    case IOT_NOR_CUT_NONE:
    case IOT_NOR_CUT_KINDS:
        break;
    case IOT_NOR_CUT_HALF: /* its units count as used: nobody may rely on them */
        memset(n->bytes + first, 0xff, half);
        memset(n->weak + first, 0, half);
        break;
    case IOT_NOR_CUT_ALL:
        fill_sector(n, offset, false);
        break;
    case IOT_NOR_CUT_JUNK:
        fill_sector(n, offset, true);
        break;
    case IOT_NOR_CUT_WEAK:
        for (uint32_t i = 0; i < n->nor.sector_bytes; i++)
            n->weak[offset + i] |= (uint8_t)~n->bytes[offset + i];
        break;
    }
}

static void finish_erase(struct iot_nor_unix *n)
{
    uint32_t offset = n->erasing.offset;

    n->erasing.done = true;
    n->wear[offset / n->nor.sector_bytes]++;
    if (++n->count == n->cut_at) {
        cut_erase(n, offset);
        power_off(n, "erase", offset, n->nor.sector_bytes);
    }
    fill_sector(n, offset, false);
}

/* The erase under way goes on by itself. */
static bool is_erasing(struct iot_nor_unix *n)
{
    if (!n->erasing.on || n->erasing.done)
        return false;
    if (n->erasing.left != 0) {
        n->erasing.left--;
        return true;
    }
    finish_erase(n);
    return false;
}

static iot_err erase(void *ctx, uint32_t offset)
{
    struct iot_nor_unix *n = ctx;

    if (offset % n->nor.sector_bytes != 0 || offset >= chip_bytes(n))
        fault(n, "erase: not a sector", offset, n->nor.sector_bytes);
    if (n->broken)
        return IOT_ERR_KV;
    if (!n->erasing.on || n->erasing.offset != offset) {
        if (is_erasing(n))
            return IOT_ERR_AGAIN;
        n->erasing.on = true;
        n->erasing.done = false;
        n->erasing.offset = offset;
        n->erasing.left = n->slow;
        if (n->slow != 0 && n->cut_at != n->count + 1)
            fill_sector(n, offset, true); /* it has begun */
    }
    if (is_erasing(n))
        return IOT_ERR_AGAIN;
    n->erasing.on = false;
    return IOT_OK;
}

/* ---- Program and read ---------------------------------------------------------------------- */

static void cut_program(struct iot_nor_unix *n, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
    uint32_t half = len / 2, first = (chance(n) & 1u) * (len - half);

    for (uint32_t i = 0; i < len; i++) {
        uint8_t *to = &n->bytes[offset + i];
        switch (n->cut) {
        case IOT_NOR_CUT_NONE:
        case IOT_NOR_CUT_KINDS:
            break;
        case IOT_NOR_CUT_HALF:
            if (len == 1)
                *to &= bytes[i] | 0x0fu;
            else if (i >= first && i < first + half)
                *to &= bytes[i];
            break;
        case IOT_NOR_CUT_ALL:
            *to &= bytes[i];
            break;
        case IOT_NOR_CUT_JUNK:
            *to &= (uint8_t)chance(n);
            break;
        case IOT_NOR_CUT_WEAK:
            n->weak[offset + i] |= (uint8_t)~bytes[i];
            break;
        }
        /* A unit without a trace of it is as good as untouched. */
        if (*to != 0xff || n->weak[offset + i] != 0 || n->cut == IOT_NOR_CUT_ALL)
            n->used[(offset + i) / n->nor.write_bytes] = 1;
    }
}

static void check_program(struct iot_nor_unix *n, uint32_t offset, const uint8_t *bytes,
                          uint32_t len)
{
    uint32_t w = n->nor.write_bytes;

    if (offset % w != 0 || len % w != 0 || len == 0)
        fault(n, "program: not whole units", offset, len);
    if (offset > chip_bytes(n) || len > chip_bytes(n) - offset)
        fault(n, "program: beyond the end", offset, len);
    for (uint32_t i = 0; i < len; i++) {
        if (n->used[(offset + i) / w] != 0)
            fault(n, "program: a unit twice", offset + i, 1);
        if ((n->bytes[offset + i] & bytes[i]) != bytes[i])
            fault(n, "program: a one over a zero", offset + i, 1);
    }
}

static iot_err program(void *ctx, uint32_t offset, const void *bytes, uint32_t len)
{
    struct iot_nor_unix *n = ctx;
    const uint8_t *from = bytes;

    check_program(n, offset, from, len);
    if (n->broken)
        return IOT_ERR_KV;
    if (is_erasing(n))
        return IOT_ERR_AGAIN;
    n->erasing.on = false;
    if (n->waiting.offset != offset || n->waiting.len != len) {
        n->waiting.offset = offset;
        n->waiting.len = len;
        n->waiting.left = n->slow;
    }
    if (n->waiting.left != 0) {
        n->waiting.left--;
        return IOT_ERR_AGAIN;
    }
    n->waiting.len = 0;
    if (++n->count == n->cut_at) {
        cut_program(n, offset, from, len);
        power_off(n, "program", offset, len);
    }
    for (uint32_t i = 0; i < len; i++)
        n->bytes[offset + i] &= from[i];
    memset(n->used + offset / n->nor.write_bytes, 1, len / n->nor.write_bytes);
    return IOT_OK;
}

static iot_err read_bytes(void *ctx, uint32_t offset, void *into, uint32_t len)
{
    struct iot_nor_unix *n = ctx;
    uint8_t *to = into;

    if (offset > chip_bytes(n) || len > chip_bytes(n) - offset)
        fault(n, "read: beyond the end", offset, len);
    if (is_erasing(n))
        return IOT_ERR_AGAIN;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t weak = n->weak[offset + i];
        to[i] = n->bytes[offset + i];
        if (weak != 0)
            to[i] = (uint8_t)((to[i] & ~weak) | (chance(n) & weak));
    }
    return IOT_OK;
}

/* ---- Chips --------------------------------------------------------------------------------- */

static uint32_t unit_count(uint32_t sector_bytes, uint32_t sectors, uint32_t write_bytes)
{
    return (sector_bytes * sectors / write_bytes + 3u) & ~3u;
}

size_t iot_nor_unix_room(uint32_t sector_bytes, uint32_t sectors, uint32_t write_bytes)
{
    return (size_t)sector_bytes * sectors * 2 + unit_count(sector_bytes, sectors, write_bytes) +
           sectors * sizeof(uint32_t) + sizeof(struct shape);
}

/* A room, laid out. */
static struct shape *place(struct iot_nor_unix *n, uint32_t sector_bytes, uint32_t sectors,
                           uint32_t write_bytes, uint8_t *room)
{
    uint32_t bytes = sector_bytes * sectors;

    memset(n, 0, sizeof *n);
    n->nor.ctx = n;
    n->nor.sector_bytes = sector_bytes;
    n->nor.write_bytes = write_bytes;
    n->nor.erase = erase;
    n->nor.program = program;
    n->nor.read = read_bytes;
    n->sectors = sectors;
    n->chance = 1;
    n->bytes = room;
    n->weak = n->bytes + bytes;
    n->used = n->weak + bytes;
    n->wear = (uint32_t *)(void *)(n->used + unit_count(sector_bytes, sectors, write_bytes));
    return (struct shape *)(void *)(n->wear + sectors);
}

static void write_shape(const struct iot_nor_unix *n, struct shape *shape)
{
    shape->magic = MAGIC;
    shape->sector_bytes = n->nor.sector_bytes;
    shape->sectors = n->sectors;
    shape->write_bytes = n->nor.write_bytes;
}

static bool is_shape(const struct iot_nor_unix *n, const struct shape *shape)
{
    struct shape right;

    write_shape(n, &right);
    return memcmp(shape, &right, sizeof right) == 0;
}

void iot_nor_unix_init(struct iot_nor_unix *n, uint32_t sector_bytes, uint32_t sectors,
                       uint32_t write_bytes, void *room)
{
    struct shape *shape = place(n, sector_bytes, sectors, write_bytes, room);

    memset(room, 0, iot_nor_unix_room(sector_bytes, sectors, write_bytes));
    memset(n->bytes, 0xff, chip_bytes(n));
    write_shape(n, shape);
}

/* Bytes of unknown origin: what is not blank was programmed; behind the bytes nothing is known. */
static void adopt(struct iot_nor_unix *n, struct shape *shape)
{
    memset(n->weak, 0, chip_bytes(n));
    memset(n->wear, 0, n->sectors * sizeof *n->wear);
    for (uint32_t i = 0; i < chip_bytes(n); i++)
        if (i % n->nor.write_bytes == 0 || n->bytes[i] != 0xff)
            n->used[i / n->nor.write_bytes] = n->bytes[i] != 0xff;
    write_shape(n, shape);
}

bool iot_nor_unix_open(struct iot_nor_unix *n, uint32_t sector_bytes, uint32_t sectors,
                       uint32_t write_bytes, const char *path)
{
    size_t room = iot_nor_unix_room(sector_bytes, sectors, write_bytes);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* secrets will be in it */
    struct stat was;
    void *map = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &was) == 0 && was.st_size > (off_t)room)
        errno = EFBIG; /* whatever it is, it is no chip of this shape */
    else if (fd >= 0 && ftruncate(fd, (off_t)room) == 0)
        map = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (map == MAP_FAILED)
        return false;
    struct shape *shape = place(n, sector_bytes, sectors, write_bytes, map);
    uint32_t bytes = chip_bytes(n);
    if (was.st_size < (off_t)bytes)
        memset(n->bytes + was.st_size, 0xff, bytes - (size_t)was.st_size);
    if (!is_shape(n, shape))
        adopt(n, shape);
    return true;
}

void iot_nor_unix_reboot(struct iot_nor_unix *n)
{
    n->count = n->cut_at = 0;
    memset(&n->erasing, 0, sizeof n->erasing);
    memset(&n->waiting, 0, sizeof n->waiting);
}

void iot_nor_unix_count(struct iot_nor_unix *n, const char *kind, uint32_t offset, uint32_t len)
{
    if (++n->count == n->cut_at)
        power_off(n, kind, offset, len);
}

int iot_nor_unix_cut(const char *name)
{
    for (int i = 0; i < IOT_NOR_CUT_KINDS; i++)
        if (strcmp(cut_names[i], name) == 0)
            return i;
    return -1;
}

const char *iot_nor_unix_cut_name(enum iot_nor_cut cut)
{
    return cut_names[cut];
}
