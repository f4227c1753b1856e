/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_board.h"

#include "world/world_clock.h"
#include "world/world_trace.h"

#include <string.h>

/* ---- Chance, time, log ------------------------------------------------------------------- */

static bool counts_down(uint32_t *n)
{
    if (*n == 0)
        return false;
    (*n)--;
    return true;
}

/* The library asks for whole numbers. They are the same in either byte order, and so is the run of a seed. */
#define BIG_ENDIAN_HOST (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    struct world_board *b = ctx;
    uint8_t *to = into;

    b->randoms++;
    if (counts_down(&b->random_again))
        return IOT_ERR_AGAIN;
    if (b->random_broken)
        return IOT_ERR_RANDOM;
    for (uint32_t i = 0; i < n; i++)
        to[BIG_ENDIAN_HOST ? n - 1 - i : i] = (uint8_t)(world_chance_word(&b->chance) >> 56);
    return IOT_OK;
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    const struct world_board *b = ctx;

    if (!b->wall_known)
        return IOT_ERR_AGAIN;
    *unix_s = b->wall_s + (int64_t)((world_ms() - b->wall_at) / 1000u);
    return IOT_OK;
}

static void log_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    const struct world_board *b = ctx;
    static const char *const names[] = {"?", "error", "warn", "info", "debug"};

    if (level < IOT_LOG_DUMP) /* payloads would drown the rest */
        world_trace_aside("dev %u: %s: %.*s", b->number, names[level], (int)len, line);
}

/* ---- The store --------------------------------------------------------------------------- */

static iot_err ready(struct world_board *b)
{
    if (b->power_gone)
        return IOT_ERR_KV;
    if (counts_down(&b->kv_again))
        return IOT_ERR_AGAIN;
    return b->kv_broken ? IOT_ERR_KV : IOT_OK;
}

/* Power goes in this change? The new value is there or is not; nothing else is. */
static bool cut(struct world_board *b, const char *key, bool *done)
{
    if (b->kv_cut == 0 || --b->kv_cut != 0)
        return false;
    b->power_gone = true;
    *done = world_chance_hit(&b->chance, 500000);
    world_trace("dev %u: power goes while %s is written: %s value stays", b->number, key,
                *done ? "new" : "old");
    return true;
}

static struct world_board_slot *find(struct world_board *b, const char *key)
{
    for (uint32_t i = 0; i < WORLD_BOARD_KEYS_MAX; i++)
        if (strcmp(b->slots[i].key, key) == 0)
            return &b->slots[i];
    return NULL;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    struct world_board *b = ctx;
    iot_err err = ready(b);

    b->gets++;
    if (err != IOT_OK)
        return err;
    const struct world_board_slot *slot = find(b, key);
    if (slot == NULL)
        return IOT_ERR_STATE;
    if (slot->len > cap)
        return IOT_ERR_SIZE;
    if (slot->len != 0) /* `into` may be NULL then */
        memcpy(into, slot->bytes, slot->len);
    *len = slot->len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    struct world_board *b = ctx;
    iot_err err = ready(b);
    bool done = true;

    b->sets++;
    if (err != IOT_OK)
        return err;
    if (key[0] == 0 || strlen(key) > WORLD_BOARD_KEY_BYTES_MAX || len > WORLD_BOARD_BYTES_MAX)
        return IOT_ERR_SIZE;
    struct world_board_slot *slot = find(b, key);
    if (slot == NULL)
        slot = find(b, "");
    if (slot == NULL)
        return IOT_ERR_FULL;
    bool is_cut = cut(b, key, &done);
    if (done) {
        strcpy(slot->key, key);
        if (len != 0)
            memcpy(slot->bytes, bytes, len);
        slot->len = len;
    }
    return is_cut ? IOT_ERR_KV : IOT_OK;
}

static iot_err kv_del(void *ctx, const char *key)
{
    struct world_board *b = ctx;
    iot_err err = ready(b);
    bool done = true;

    b->dels++;
    if (err != IOT_OK)
        return err;
    bool is_cut = cut(b, key, &done);
    struct world_board_slot *slot = key[0] != 0 ? find(b, key) : NULL;
    if (done && slot != NULL)
        memset(slot, 0, sizeof *slot);
    return is_cut ? IOT_ERR_KV : IOT_OK;
}

/* ---- The board --------------------------------------------------------------------------- */

void world_board_start(struct world_board *board, uint64_t seed, uint32_t number)
{
    memset(board, 0, sizeof *board);
    board->number = number;
    world_chance_seed(&board->chance, seed, (uint64_t)WORLD_STREAM_BOARD + number);
}

void world_board_port(struct world_board *board, struct iot_port *port)
{
    *port = (struct iot_port){
        .ctx = board,
        .random = random_bytes,
        .wall = wall,
        .kv_get = kv_get,
        .kv_set = kv_set,
        .kv_del = kv_del,
        .log = world_trace_shown() ? log_line : NULL,
    };
}

void world_board_wall_set(struct world_board *board, int64_t unix_s)
{
    board->wall_known = true;
    board->wall_s = unix_s;
    board->wall_at = world_ms();
}

void world_board_wall_forget(struct world_board *board)
{
    board->wall_known = false;
}

void world_board_power_cut(struct world_board *board)
{
    board->power_gone = false;
    board->random_again = board->kv_again = board->kv_cut = 0;
}
