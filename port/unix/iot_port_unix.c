/* SPDX-License-Identifier: Apache-2.0 */
/* The port for POSIX systems, as far as it needs no lwIP: random bytes, the wall clock, a store, the
 * log, and the end of the program after a failed assertion. */
#define _DEFAULT_SOURCE

#include "iot_port_unix.h"

#include "iot_nor_unix.h"
#include "nor/iot_nor_kv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* The shape of a usual chip, with units as those with error correction have them. */
#define SECTOR_BYTES 4096u
#define WRITE_BYTES  8u
#define SLOT_BYTES   (1024u * 1024u)
#define JOURNAL_AT   (2 * SLOT_BYTES)
#define KV_AT        (JOURNAL_AT + 4 * SECTOR_BYTES)
#define KV_SECTORS   8u
#define CHIP_SECTORS (KV_AT / SECTOR_BYTES + KV_SECTORS)
#define CHIP_BYTES   (CHIP_SECTORS * SECTOR_BYTES)

const struct iot_port_unix_area iot_port_unix_areas[IOT_PORT_UNIX_AREAS] = {
    {"slot-a", 0, SLOT_BYTES},
    {"slot-b", SLOT_BYTES, SLOT_BYTES},
    {"journal", JOURNAL_AT, KV_AT - JOURNAL_AT},
    {"kv", KV_AT, KV_SECTORS *SECTOR_BYTES},
};

/* asked: the set or del that was told AGAIN, which is counted once. */
static struct {
    struct iot_nor_unix chip;
    struct iot_nor_kv kv;
    char asked[16];
    bool made;
} board;

static enum iot_log_level log_level;
static uint32_t seed; /* 0: the kernel's chance */

static void seeded_bytes(uint8_t *to, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        to[i] = (uint8_t)(seed >> 16);
    }
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    uint8_t *to = into;

    (void)ctx;
    if (seed != 0) {
        seeded_bytes(to, n);
        return IOT_OK;
    }
    while (n > 0) {
        /* 256 bytes are given whole and without a signal's interruption (getrandom(2)). */
        uint32_t part = n < 256 ? n : 256;
        if (getrandom(to, part, 0) != (ssize_t)part)
            return IOT_ERR_RANDOM;
        to += part;
        n -= part;
    }
    return IOT_OK;
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = time(NULL);
    return IOT_OK;
}

/* ---- The store ----------------------------------------------------------------------------- */

struct iot_nor_unix *iot_port_unix_flash(void)
{
    static uint32_t room[(CHIP_BYTES * 2 + CHIP_BYTES / WRITE_BYTES) / 4 + CHIP_SECTORS + 16];

    if (!board.made) {
        if (iot_nor_unix_room(SECTOR_BYTES, CHIP_SECTORS, WRITE_BYTES) > sizeof room)
            iot_assert_failed(__FILE__, __LINE__);
        iot_nor_unix_init(&board.chip, SECTOR_BYTES, CHIP_SECTORS, WRITE_BYTES, room);
        board.made = true;
    }
    return &board.chip;
}

bool iot_port_unix_file(const char *path)
{
    if (!board.made)
        board.made = iot_nor_unix_open(&board.chip, SECTOR_BYTES, CHIP_SECTORS, WRITE_BYTES, path);
    return board.made;
}

iot_err iot_port_unix_mount(void)
{
    return iot_nor_kv_mount(&board.kv, &iot_port_unix_flash()->nor, KV_AT, KV_SECTORS);
}

static iot_err be_mounted(void)
{
    return board.kv.nor != NULL ? IOT_OK : iot_port_unix_mount();
}

/* A board's own store is asked like this. */
static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    iot_err err = be_mounted();

    (void)ctx;
    return err == IOT_OK ? iot_nor_kv_get(&board.kv, key, into, cap, len) : err;
}

/* The simulated one counts besides. */
static iot_err begin(const char *kind, const char *key, uint32_t len)
{
    bool again = strncmp(board.asked, key, sizeof board.asked - 1) == 0;
    iot_err err = be_mounted();

    if (err == IOT_OK && !again)
        iot_nor_unix_count(&board.chip, kind, KV_AT, len);
    return err;
}

static iot_err end(iot_err err, const char *key)
{
    memset(board.asked, 0, sizeof board.asked);
    if (err == IOT_ERR_AGAIN)
        memcpy(board.asked, key, strnlen(key, sizeof board.asked - 1));
    return err;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    iot_err err = begin("set", key, len);

    (void)ctx;
    return err == IOT_OK ? end(iot_nor_kv_set(&board.kv, key, bytes, len), key) : err;
}

static iot_err kv_del(void *ctx, const char *key)
{
    iot_err err = begin("del", key, 0);

    (void)ctx;
    return err == IOT_OK ? end(iot_nor_kv_del(&board.kv, key), key) : err;
}

static void log_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    (void)ctx;
    if (level <= log_level)
        fprintf(stderr, "%.*s\n", (int)len, line);
}

const struct iot_port iot_port_unix = {
    .ctx = NULL,
    .random = random_bytes,
    .wall = wall,
    .kv_get = kv_get,
    .kv_set = kv_set,
    .kv_del = kv_del,
    .log = log_line,
};

void iot_port_unix_log(enum iot_log_level level)
{
    log_level = level;
}

void iot_port_unix_seed(uint32_t chance)
{
    seed = chance;
}

void iot_assert_failed(const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "assertion failed: %s:%d\n", file, line);
    abort();
}
