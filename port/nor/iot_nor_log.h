/* SPDX-License-Identifier: Apache-2.0 */
/* The form of iot_nor_kv's log in the chip, and reading it. Nothing here decides anything. All lengths are multiples
 * of the unit U: write_bytes, but 4 at least.
 *
 *     sector   head, 20 bytes and filling | opened, U | confirmed, U | record | record ...
 *     record   head, 12 bytes | key | value | filling | mark, U
 *
 * Marks are units of zeros, each programmed after what it vouches for. So a mark that shows any zero says that all
 * before it is solid, however the mark itself was cut. It is BLANK, HALF or FULL: a cut may leave bits that read so
 * today and otherwise tomorrow, but hardly all of a mark's 32 or more bits from all ones to all zeros. What is
 * decided by a mark that may read differently tomorrow is written down elsewhere before anybody is told:
 *
 *     opened      not BLANK: what was written with the sector is whole, the sector counts. BLANK: it is erased at mount.
 *     confirmed   programmed next, or by the mount that finds it BLANK: not BLANK, the sector counts whatever `opened`
 *                 reads from now on.
 *     record      not BLANK: it was asked for, written and compared: it counts. BLANK: it does not. In either case, if
 *                 it is not FULL, the next sector is opened at mount, whose head tells where this one's records end.
 */
#ifndef IOT_NOR_LOG_H
#define IOT_NOR_LOG_H

#include "iot_nor_chip.h"
#include "iot_nor_kv.h"

#define IOT_NOR_LOG_HEAD 12u

#define IOT_NOR_LOG_VALUE   0x56u
#define IOT_NOR_LOG_DELETED 0x44u

enum iot_nor_log_mark { IOT_NOR_MARK_BLANK, IOT_NOR_MARK_HALF, IOT_NOR_MARK_FULL };

enum iot_nor_log_kind { IOT_NOR_SECTOR_BLANK, IOT_NOR_SECTOR_FOREIGN, IOT_NOR_SECTOR_OURS };

struct iot_nor_log_sector {
    enum iot_nor_log_kind kind;
    uint32_t seq;      /* counts the sectors that were opened */
    uint32_t prev_end; /* of the records in the sector before */
    bool confirmed;
};

/* A record that somebody asked for. */
struct iot_nor_log_item {
    uint8_t head[IOT_NOR_LOG_HEAD];
    uint32_t size; /* in the log, with its mark */
    const char *key;
    const uint8_t *value;
    uint32_t key_len, len;
};

/* A record in the log, and a place to go on from. turn: 0 is the oldest sector. at 0: that sector's records are still
 * to come. */
struct iot_nor_log_place {
    uint32_t turn, at, end;
    uint32_t size, len, crc;
    uint8_t kind, key_len;
    char key[IOT_NOR_KV_KEY_MAX];
};

static inline uint32_t iot_nor_log_align(const struct iot_nor_kv *kv, uint32_t n)
{
    return (n + kv->unit - 1u) & ~(kv->unit - 1u);
}

/** Where in a sector the marks are, and where the first record is. */
uint32_t iot_nor_log_opened(const struct iot_nor_kv *kv);
uint32_t iot_nor_log_confirmed(const struct iot_nor_kv *kv);
uint32_t iot_nor_log_first(const struct iot_nor_kv *kv);

/** Where in the area a sector of the log is, by turn. */
uint32_t iot_nor_log_turn(const struct iot_nor_kv *kv, uint32_t turn);

uint32_t iot_nor_log_crc(uint32_t crc, const void *bytes, uint32_t n);

/** As iot_nor_chip_...; `at` counts in the area. */
iot_err iot_nor_log_read(const struct iot_nor_kv *kv, uint32_t at, void *into, uint32_t n);
iot_err iot_nor_log_put(struct iot_nor_kv *kv, uint32_t at, const uint8_t *bytes, uint32_t n);
iot_err iot_nor_log_put_mark(struct iot_nor_kv *kv, uint32_t at);

iot_err iot_nor_log_read_mark(const struct iot_nor_kv *kv, uint32_t at,
                              enum iot_nor_log_mark *mark);
iot_err iot_nor_log_is_blank(const struct iot_nor_kv *kv, uint32_t at, uint32_t n, bool *blank);

iot_err iot_nor_log_read_sector(const struct iot_nor_kv *kv, uint32_t index,
                                struct iot_nor_log_sector *s);
iot_err iot_nor_log_put_sector(struct iot_nor_kv *kv, uint32_t index, uint32_t seq,
                               uint32_t prev_end);

void iot_nor_log_make(const struct iot_nor_kv *kv, struct iot_nor_log_item *item, uint8_t kind,
                      const char *key, const void *value, uint32_t len);

/** Write what of a record is not yet written (kv->part): the item, or if it is NULL the record at `from`. With its
 *  mark or without. */
iot_err iot_nor_log_put_record(struct iot_nor_kv *kv, uint32_t at,
                               const struct iot_nor_log_item *item, uint32_t from, uint32_t size,
                               bool marked);

/** The record at p->at of sector p->turn. IOT_ERR_STATE: there is none. */
iot_err iot_nor_log_read_record(const struct iot_nor_kv *kv, struct iot_nor_log_place *p);

/** Before the first record of that sector; then the next, and the next sector's. IOT_ERR_STATE: that was the last.
 *  IOT_ERR_UNKNOWN: a head has rotted, and so it is not known what follows in this sector; asked again it goes on with the
 *  next one. IOT_ERR_AGAIN and IOT_ERR_KV: the chip says so. */
void iot_nor_log_start(struct iot_nor_log_place *p, uint32_t turn);
iot_err iot_nor_log_next(const struct iot_nor_kv *kv, struct iot_nor_log_place *p);

#endif
