/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_nor_log.h"

#include <string.h>

#define MAGIC         0x31766b69u /* "ikv1" */
#define SECTOR_HEAD   20u
#define LOOKS_AT_MARK 3 /* bits that cannot make up their mind are found more often */

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_u32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* CRC-32 as Ethernet has it, a nibble at a time. */
uint32_t iot_nor_log_crc(uint32_t crc, const void *bytes, uint32_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *p = bytes;

    crc = ~crc;
    for (uint32_t i = 0; i < n; i++) {
        crc = table[(crc ^ p[i]) & 15u] ^ (crc >> 4);
        crc = table[(crc ^ (p[i] >> 4)) & 15u] ^ (crc >> 4);
    }
    return ~crc;
}

/* ---- The chip ------------------------------------------------------------------------------ */

iot_err iot_nor_log_read(const struct iot_nor_kv *kv, uint32_t at, void *into, uint32_t n)
{
    return iot_nor_chip_read(kv->nor, kv->offset + at, into, n);
}

iot_err iot_nor_log_put(struct iot_nor_kv *kv, uint32_t at, const uint8_t *bytes, uint32_t n)
{
    return iot_nor_chip_put(kv->nor, kv->offset + at, bytes, n);
}

iot_err iot_nor_log_put_mark(struct iot_nor_kv *kv, uint32_t at)
{
    uint8_t mark[IOT_NOR_WRITE_MAX];

    memset(mark, 0, sizeof mark);
    return iot_nor_log_put(kv, at, mark, kv->unit);
}

iot_err iot_nor_log_read_mark(const struct iot_nor_kv *kv, uint32_t at, enum iot_nor_log_mark *mark)
{
    uint8_t bytes[IOT_NOR_WRITE_MAX], any = 0, all = 0xff;

    for (int look = 0; look < LOOKS_AT_MARK; look++) {
        iot_err err = iot_nor_log_read(kv, at, bytes, kv->unit);
        if (err != IOT_OK)
            return err;
        for (uint32_t i = 0; i < kv->unit; i++) {
            any |= bytes[i];
            all &= bytes[i];
        }
    }
    *mark = all == 0xff ? IOT_NOR_MARK_BLANK : any == 0 ? IOT_NOR_MARK_FULL : IOT_NOR_MARK_HALF;
    return IOT_OK;
}

iot_err iot_nor_log_is_blank(const struct iot_nor_kv *kv, uint32_t at, uint32_t n, bool *blank)
{
    uint8_t bytes[IOT_NOR_CHUNK];

    *blank = true;
    for (int look = 0; look < LOOKS_AT_MARK && *blank; look++) {
        iot_err err = iot_nor_log_read(kv, at, bytes, n);
        if (err != IOT_OK)
            return err;
        for (uint32_t i = 0; i < n; i++)
            *blank = *blank && bytes[i] == 0xff;
    }
    return IOT_OK;
}

/* ---- Sectors ------------------------------------------------------------------------------- */

uint32_t iot_nor_log_opened(const struct iot_nor_kv *kv)
{
    return iot_nor_log_align(kv, SECTOR_HEAD);
}

uint32_t iot_nor_log_confirmed(const struct iot_nor_kv *kv)
{
    return iot_nor_log_opened(kv) + kv->unit;
}

uint32_t iot_nor_log_first(const struct iot_nor_kv *kv)
{
    return iot_nor_log_confirmed(kv) + kv->unit;
}

static uint32_t turn_index(const struct iot_nor_kv *kv, uint32_t turn)
{
    return (kv->newest + kv->sectors - (kv->count - 1 - turn)) % kv->sectors;
}

uint32_t iot_nor_log_turn(const struct iot_nor_kv *kv, uint32_t turn)
{
    return turn_index(kv, turn) * kv->nor->sector_bytes;
}

/* magic, number, end of the one before, shape of the whole, check */
static void make_sector_head(const struct iot_nor_kv *kv, uint32_t seq, uint32_t prev_end,
                             uint8_t head[SECTOR_HEAD])
{
    put_u32(head, MAGIC);
    put_u32(head + 4, seq);
    put_u32(head + 8, prev_end);
    put_u32(head + 12, kv->sectors << 8 | kv->unit);
    put_u32(head + 16, iot_nor_log_crc(0, head, 16));
}

iot_err iot_nor_log_put_sector(struct iot_nor_kv *kv, uint32_t index, uint32_t seq,
                               uint32_t prev_end)
{
    uint8_t head[SECTOR_HEAD + IOT_NOR_WRITE_MAX];

    memset(head, 0xff, sizeof head);
    make_sector_head(kv, seq, prev_end, head);
    return iot_nor_log_put(kv, index * kv->nor->sector_bytes, head,
                           iot_nor_log_align(kv, SECTOR_HEAD));
}

iot_err iot_nor_log_read_sector(const struct iot_nor_kv *kv, uint32_t index,
                                struct iot_nor_log_sector *s)
{
    uint32_t at = index * kv->nor->sector_bytes;
    uint8_t head[SECTOR_HEAD], right[SECTOR_HEAD];
    enum iot_nor_log_mark opened, confirmed;
    bool blank;
    iot_err err = iot_nor_log_read(kv, at, head, SECTOR_HEAD);

    if (err == IOT_OK)
        err = iot_nor_log_read_mark(kv, at + iot_nor_log_opened(kv), &opened);
    if (err == IOT_OK)
        err = iot_nor_log_read_mark(kv, at + iot_nor_log_confirmed(kv), &confirmed);
    if (err == IOT_OK)
        err = iot_nor_log_is_blank(kv, at, SECTOR_HEAD, &blank);
    if (err != IOT_OK)
        return err;
    s->seq = get_u32(head + 4);
    s->prev_end = get_u32(head + 8);
    s->confirmed = confirmed != IOT_NOR_MARK_BLANK;
    make_sector_head(kv, s->seq, s->prev_end, right);
    if (memcmp(head, right, SECTOR_HEAD) == 0 && s->prev_end <= kv->nor->sector_bytes &&
        (opened != IOT_NOR_MARK_BLANK || s->confirmed))
        s->kind = IOT_NOR_SECTOR_OURS;
    else if (blank && opened == IOT_NOR_MARK_BLANK && confirmed == IOT_NOR_MARK_BLANK)
        s->kind = IOT_NOR_SECTOR_BLANK;
    else
        s->kind = IOT_NOR_SECTOR_FOREIGN;
    return IOT_OK;
}

/* ---- Records ------------------------------------------------------------------------------- */

static uint32_t record_size(const struct iot_nor_kv *kv, uint32_t key_len, uint32_t len)
{
    return iot_nor_log_align(kv, IOT_NOR_LOG_HEAD + key_len + len) + kv->unit;
}

/* kind, length of the key, of the value; check of the value; check of all this and the key */
void iot_nor_log_make(const struct iot_nor_kv *kv, struct iot_nor_log_item *item, uint8_t kind,
                      const char *key, const void *value, uint32_t len)
{
    item->key = key;
    item->key_len = (uint32_t)strlen(key);
    item->value = value;
    item->len = len;
    item->size = record_size(kv, item->key_len, len);
    item->head[0] = kind;
    item->head[1] = (uint8_t)item->key_len;
    item->head[2] = (uint8_t)len;
    item->head[3] = (uint8_t)(len >> 8);
    put_u32(item->head + 4, iot_nor_log_crc(0, value, len));
    put_u32(item->head + 8, iot_nor_log_crc(iot_nor_log_crc(0, item->head, 8), key, item->key_len));
}

static uint8_t item_byte(const struct iot_nor_log_item *item, uint32_t at)
{
    if (at < IOT_NOR_LOG_HEAD)
        return item->head[at];
    at -= IOT_NOR_LOG_HEAD;
    if (at < item->key_len)
        return (uint8_t)item->key[at];
    at -= item->key_len;
    return at < item->len ? item->value[at] : 0xff;
}

iot_err iot_nor_log_put_record(struct iot_nor_kv *kv, uint32_t at,
                               const struct iot_nor_log_item *item, uint32_t from, uint32_t size,
                               bool marked)
{
    uint32_t body = size - kv->unit, end = marked ? size : body;

    while (kv->part < end) {
        uint8_t chunk[IOT_NOR_CHUNK];
        uint32_t n = end - kv->part < sizeof chunk ? end - kv->part : sizeof chunk;
        uint32_t of_body = kv->part >= body ? 0 : body - kv->part < n ? body - kv->part : n;
        iot_err err = IOT_OK;

        memset(chunk, 0, sizeof chunk); /* the mark: a copy's is new, whatever the old one reads */
        if (item == NULL && of_body != 0)
            err = iot_nor_log_read(kv, from + kv->part, chunk, of_body);
        for (uint32_t i = 0; item != NULL && i < of_body; i++)
            chunk[i] = item_byte(item, kv->part + i);
        if (err == IOT_OK)
            err = iot_nor_log_put(kv, at + kv->part, chunk, n);
        if (err != IOT_OK)
            return err;
        kv->part += n;
    }
    return IOT_OK;
}

iot_err iot_nor_log_read_record(const struct iot_nor_kv *kv, struct iot_nor_log_place *p)
{
    uint8_t head[IOT_NOR_LOG_HEAD + IOT_NOR_KV_KEY_MAX];
    uint32_t room = p->end - p->at, n = room < sizeof head ? room : sizeof head;
    iot_err err = iot_nor_log_read(kv, iot_nor_log_turn(kv, p->turn) + p->at, head, n);

    if (err != IOT_OK)
        return err;
    p->kind = head[0];
    p->key_len = head[1];
    p->len = head[2] | (uint32_t)head[3] << 8;
    p->crc = get_u32(head + 4);
    p->size = record_size(kv, p->key_len, p->len);
    if (n < IOT_NOR_LOG_HEAD + 1 ||
        (p->kind != IOT_NOR_LOG_VALUE && p->kind != IOT_NOR_LOG_DELETED) || p->key_len == 0 ||
        p->key_len > IOT_NOR_KV_KEY_MAX || p->size > room)
        return IOT_ERR_STATE;
    memcpy(p->key, head + IOT_NOR_LOG_HEAD, p->key_len);
    uint32_t crc = iot_nor_log_crc(iot_nor_log_crc(0, head, 8), p->key, p->key_len);
    return crc == get_u32(head + 8) ? IOT_OK : IOT_ERR_STATE;
}

void iot_nor_log_start(struct iot_nor_log_place *p, uint32_t turn)
{
    memset(p, 0, sizeof *p);
    p->turn = turn;
}

/* Of the newest we know where its records end; of the others the one behind them does. */
static iot_err enter_sector(const struct iot_nor_kv *kv, struct iot_nor_log_place *p)
{
    uint8_t prev_end[4];
    iot_err err = IOT_OK;

    p->end = kv->tail;
    if (p->turn + 1 < kv->count) {
        err = iot_nor_log_read(kv, iot_nor_log_turn(kv, p->turn + 1) + 8, prev_end, 4);
        p->end = get_u32(prev_end);
    }
    p->at = iot_nor_log_first(kv);
    return err;
}

iot_err iot_nor_log_next(const struct iot_nor_kv *kv, struct iot_nor_log_place *p)
{
    for (;;) {
        iot_err err = IOT_OK;
        if (p->turn >= kv->count)
            return IOT_ERR_STATE;
        if (p->at == 0)
            err = enter_sector(kv, p);
        else
            p->at += p->size;
        if (err != IOT_OK)
            return err;
        if (p->at < p->end) {
            err = iot_nor_log_read_record(kv, p);
            if (err != IOT_ERR_STATE)
                return err;
            p->at = p->end;
            p->size = 0;
            return IOT_ERR_UNKNOWN;
        }
        p->turn++;
        p->at = 0;
    }
}
