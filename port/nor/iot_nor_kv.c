/* SPDX-License-Identifier: Apache-2.0 */
/* What is written when. A set or del is either an append, or a new sector: erase, head, what still counts of the oldest
 * sector, the new record, and two marks. Until the first of the marks is begun the new sector does not exist for any
 * reader, and what is erased has been replaced long before. */
#include "iot_nor_kv.h"

#include "iot_nor_log.h"

#include <string.h>

enum phase {
    PH_IDLE,
    PH_WIPE,    /* mount: sector `to` is foreign */
    PH_APPEND,  /* the record, behind tail */
    PH_MARK,    /* ... its mark */
    PH_ERASE,   /* a new sector: make room */
    PH_HEAD,    /* ... its head */
    PH_COPY,    /* ... what counts of the oldest one, if that one is to be the next to go */
    PH_ADD,     /* ... the record */
    PH_OPEN,    /* ... the mark that makes it count */
    PH_CONFIRM, /* ... and the one that says so for ever */
};

static uint32_t next_index(const struct iot_nor_kv *kv)
{
    return kv->count == 0 ? 0 : (kv->newest + 1) % kv->sectors;
}

static uint32_t next_base(const struct iot_nor_kv *kv)
{
    return next_index(kv) * kv->nor->sector_bytes;
}

/* All sectors but the one that is erased next are in the log: to open that one, the oldest has to give way. */
static bool is_round(const struct iot_nor_kv *kv)
{
    return kv->count == kv->sectors - 1;
}

/* ---- What counts --------------------------------------------------------------------------- */

/* How a walk through the log ended: if not at the chip's word, then well. */
static iot_err chip_says(iot_err err)
{
    return err == IOT_ERR_AGAIN || err == IOT_ERR_KV ? err : IOT_OK;
}

static bool same_key(const struct iot_nor_log_place *p, const char *key, uint32_t key_len)
{
    return p->key_len == key_len && memcmp(p->key, key, key_len) == 0;
}

/* The last record of a key, which may say that it is deleted. IOT_ERR_KV: there may have been one where the log cannot
 * be read. */
static iot_err find(const struct iot_nor_kv *kv, const char *key, struct iot_nor_log_place *found)
{
    struct iot_nor_log_place p;
    iot_err err, result = IOT_ERR_STATE;

    iot_nor_log_start(&p, 0);
    while ((err = iot_nor_log_next(kv, &p)) == IOT_OK || err == IOT_ERR_UNKNOWN) {
        if (err == IOT_ERR_UNKNOWN) {
            result = IOT_ERR_KV;
        } else if (same_key(&p, key, (uint32_t)strlen(key))) {
            result = IOT_OK;
            *found = p;
        }
    }
    return err == IOT_ERR_STATE ? result : err;
}

/* Does a record of the oldest sector (or what will be) have to be kept? What says that a key is deleted has nothing
 * before it that it could hide. */
static iot_err counts(const struct iot_nor_kv *kv, const struct iot_nor_log_place *record,
                      const struct iot_nor_log_item *drop, bool *yes)
{
    struct iot_nor_log_place p = *record;
    iot_err err = IOT_OK;

    *yes = record->kind == IOT_NOR_LOG_VALUE &&
           (drop == NULL || !same_key(record, drop->key, drop->key_len));
    while (*yes && ((err = iot_nor_log_next(kv, &p)) == IOT_OK || err == IOT_ERR_UNKNOWN))
        *yes = err == IOT_ERR_UNKNOWN || !same_key(&p, record->key, record->key_len);
    return chip_says(err);
}

/* Bytes of a sector's records that count, without those of the item's key. */
static iot_err weigh(const struct iot_nor_kv *kv, uint32_t turn,
                     const struct iot_nor_log_item *item, uint32_t *bytes)
{
    struct iot_nor_log_place p;
    iot_err err;
    bool yes;

    *bytes = 0;
    iot_nor_log_start(&p, turn);
    while (((err = iot_nor_log_next(kv, &p)) == IOT_OK || err == IOT_ERR_UNKNOWN) &&
           p.turn == turn) {
        if (err == IOT_ERR_UNKNOWN)
            continue;
        if ((err = counts(kv, &p, item, &yes)) != IOT_OK)
            return err;
        *bytes += yes ? p.size : 0;
    }
    return chip_says(err);
}

/* ---- Work in phases, each of which can be asked again -------------------------------------- */

static void begin_sector(struct iot_nor_kv *kv, bool adding, bool dropping)
{
    kv->phase = kv->wiped == next_index(kv) + 1 ? PH_HEAD : PH_ERASE;
    kv->wiped = 0;
    kv->adding = adding;
    kv->dropping = dropping;
    kv->from = kv->part = 0;
    kv->to = iot_nor_log_first(kv);
}

static void end_sector(struct iot_nor_kv *kv)
{
    kv->newest = next_index(kv);
    kv->seq++;
    if (!is_round(kv))
        kv->count++;
    kv->tail = kv->to;
    kv->torn = false;
}

/* kv->from is the record that is copied, or the place before the next one to look at. */
static iot_err copy(struct iot_nor_kv *kv, const struct iot_nor_log_item *drop)
{
    struct iot_nor_log_place p;
    iot_err err;
    bool yes;

    iot_nor_log_start(&p, 0);
    while (((err = iot_nor_log_next(kv, &p)) == IOT_OK || err == IOT_ERR_UNKNOWN) && p.turn == 0) {
        if (err == IOT_ERR_UNKNOWN || p.at < kv->from)
            continue;
        kv->from = p.at;
        if ((err = counts(kv, &p, drop, &yes)) != IOT_OK)
            return err;
        if (!yes)
            continue;
        err = iot_nor_log_put_record(kv, next_base(kv) + kv->to, NULL,
                                     iot_nor_log_turn(kv, 0) + p.at, p.size, true);
        if (err != IOT_OK)
            return err;
        kv->to += p.size;
        kv->from += p.size;
        kv->part = 0;
    }
    return chip_says(err);
}

/* One phase. IOT_OK: it is over, the next one is set. */
static iot_err step(struct iot_nor_kv *kv, const struct iot_nor_log_item *item)
{
    uint32_t tail = kv->newest * kv->nor->sector_bytes + kv->tail;
    iot_err err = IOT_OK;

    switch ((enum phase)kv->phase) {
    case PH_IDLE:
        break;
    case PH_WIPE:
        err = iot_nor_chip_erase(kv->nor, kv->offset + kv->to * kv->nor->sector_bytes);
        if (err == IOT_OK) {
            kv->wiped = kv->to + 1;
            kv->phase = PH_IDLE;
        }
        break;
    case PH_APPEND:
        err = iot_nor_log_put_record(kv, tail, item, 0, item->size, false);
        if (err == IOT_OK)
            kv->phase = PH_MARK;
        break;
    case PH_MARK:
        err = iot_nor_log_put_mark(kv, tail + item->size - kv->unit);
        if (err == IOT_OK) {
            kv->tail += item->size;
            kv->phase = PH_IDLE;
        }
        break;
    case PH_ERASE:
        err = iot_nor_chip_erase(kv->nor, kv->offset + next_base(kv));
        if (err == IOT_OK)
            kv->phase = PH_HEAD;
        break;
    case PH_HEAD:
        err = iot_nor_log_put_sector(kv, next_index(kv), kv->seq + 1, kv->tail);
        if (err == IOT_OK)
            kv->phase = PH_COPY;
        break;
    case PH_COPY:
        err = is_round(kv) ? copy(kv, kv->dropping ? item : NULL) : IOT_OK;
        if (err == IOT_OK)
            kv->phase = kv->adding ? PH_ADD : PH_OPEN;
        break;
    case PH_ADD:
        err = iot_nor_log_put_record(kv, next_base(kv) + kv->to, item, 0, item->size, true);
        if (err == IOT_OK) {
            kv->to += item->size;
            kv->phase = PH_OPEN;
        }
        break;
    case PH_OPEN:
        err = iot_nor_log_put_mark(kv, next_base(kv) + iot_nor_log_opened(kv));
        if (err == IOT_OK) {
            end_sector(kv);
            kv->phase = PH_CONFIRM;
        }
        break;
    case PH_CONFIRM:
        err = iot_nor_log_put_mark(kv,
                                   kv->newest * kv->nor->sector_bytes + iot_nor_log_confirmed(kv));
        if (err == IOT_OK)
            kv->phase = PH_IDLE;
        break;
    }
    return err;
}

/* Forget what is under way. What was begun behind tail is in the way of the next record. */
static void drop_work(struct iot_nor_kv *kv)
{
    if (kv->phase == PH_MARK || (kv->phase == PH_APPEND && kv->part != 0))
        kv->torn = true;
    kv->phase = PH_IDLE;
}

/* Until idle. */
static iot_err work(struct iot_nor_kv *kv, const struct iot_nor_log_item *item)
{
    while (kv->phase != PH_IDLE) {
        iot_err err = step(kv, item);
        if (err == IOT_ERR_KV) {
            kv->torn |= kv->phase == PH_APPEND; /* whatever is there now */
            drop_work(kv);
        }
        if (err != IOT_OK)
            return err;
    }
    return IOT_OK;
}

/* ---- Mount --------------------------------------------------------------------------------- */

/* The newest sector of ours, and one that is foreign: its index + 1. */
static iot_err scan_sectors(struct iot_nor_kv *kv, uint32_t *foreign, bool *confirmed)
{
    struct iot_nor_log_sector s;

    *foreign = 0;
    kv->count = kv->seq = kv->newest = 0;
    for (uint32_t i = 0; i < kv->sectors; i++) {
        iot_err err = iot_nor_log_read_sector(kv, i, &s);
        if (err != IOT_OK)
            return err;
        if (s.kind == IOT_NOR_SECTOR_FOREIGN)
            *foreign = i + 1;
        if (s.kind == IOT_NOR_SECTOR_OURS && (kv->count == 0 || s.seq > kv->seq)) {
            kv->count = 1;
            kv->newest = i;
            kv->seq = s.seq;
            *confirmed = s.confirmed;
        }
    }
    return IOT_OK;
}

/* How far the log reaches back. One sector of ours may be older than that: the one that is erased next. */
static iot_err count_sectors(struct iot_nor_kv *kv)
{
    struct iot_nor_log_sector s;

    for (uint32_t n = kv->count; n != 0 && n < kv->sectors - 1; n++) {
        uint32_t index = (kv->newest + kv->sectors - n) % kv->sectors;
        iot_err err = iot_nor_log_read_sector(kv, index, &s);
        if (err != IOT_OK)
            return err;
        if (s.kind != IOT_NOR_SECTOR_OURS || s.seq != kv->seq - n)
            break;
        kv->count = n + 1;
    }
    return IOT_OK;
}

/* The end of the newest sector's records; torn if what is there cannot be built on. */
static iot_err find_tail(struct iot_nor_kv *kv)
{
    uint32_t base = kv->newest * kv->nor->sector_bytes;
    struct iot_nor_log_place p;
    enum iot_nor_log_mark mark = IOT_NOR_MARK_BLANK;
    bool blank = true;
    iot_err err;

    kv->tail = iot_nor_log_first(kv);
    kv->torn = false;
    while (kv->tail < kv->nor->sector_bytes) {
        p.turn = kv->count - 1;
        p.at = kv->tail;
        p.end = kv->nor->sector_bytes;
        err = iot_nor_log_read_record(kv, &p);
        if (err == IOT_OK)
            err = iot_nor_log_read_mark(kv, base + kv->tail + p.size - kv->unit, &mark);
        if (err == IOT_ERR_STATE || (err == IOT_OK && mark == IOT_NOR_MARK_BLANK))
            break;
        if (err != IOT_OK)
            return err;
        kv->tail += p.size;
        if (mark == IOT_NOR_MARK_HALF) {
            kv->torn = true;
            return IOT_OK;
        }
    }
    uint32_t room = kv->nor->sector_bytes - kv->tail;
    err = iot_nor_log_is_blank(kv, base + kv->tail, room < IOT_NOR_CHUNK ? room : IOT_NOR_CHUNK,
                               &blank);
    kv->torn = !blank;
    return err;
}

/* What has to be done before anything may be told; nothing: mounted. */
static iot_err scan(struct iot_nor_kv *kv)
{
    uint32_t foreign;
    bool confirmed = true;
    iot_err err = scan_sectors(kv, &foreign, &confirmed);

    if (err == IOT_OK && foreign != 0) {
        kv->to = foreign - 1;
        kv->phase = PH_WIPE;
        return IOT_OK;
    }
    if (err == IOT_OK)
        err = count_sectors(kv);
    if (err == IOT_OK && kv->count != 0)
        err = find_tail(kv);
    if (err != IOT_OK)
        return err;
    if (!confirmed)
        kv->phase = PH_CONFIRM;
    else if (kv->count != 0 && kv->torn)
        begin_sector(kv, false, false);
    else
        kv->mounted = true;
    return IOT_OK;
}

static iot_err go_on_mounting(struct iot_nor_kv *kv)
{
    /* Each foreign sector, a confirmation, a new sector; more only if the chip lies. */
    for (uint32_t turn = 0; turn < kv->sectors + 4; turn++) {
        iot_err err = work(kv, NULL);
        if (err == IOT_OK)
            err = scan(kv);
        if (err != IOT_OK || kv->mounted)
            return err;
    }
    return IOT_ERR_KV;
}

static bool is_shape(const struct iot_nor *nor, uint32_t offset, uint32_t sectors)
{
    uint32_t w = nor->write_bytes;

    return w != 0 && w <= IOT_NOR_WRITE_MAX && (w & (w - 1)) == 0 && nor->sector_bytes >= 256 &&
           nor->sector_bytes % IOT_NOR_WRITE_MAX == 0 && offset % nor->sector_bytes == 0 &&
           sectors >= 2 && sectors <= UINT16_MAX &&
           sectors <= (UINT32_MAX - offset) / nor->sector_bytes;
}

iot_err iot_nor_kv_mount(struct iot_nor_kv *kv, const struct iot_nor *nor, uint32_t offset,
                         uint32_t sectors)
{
    bool begun = kv->nor == nor && kv->offset == offset && kv->sectors == sectors;

    if (!is_shape(nor, offset, sectors))
        return IOT_ERR_ARG;
    if (kv->mounted || !begun) {
        memset(kv, 0, sizeof *kv);
        kv->nor = nor;
        kv->offset = offset;
        kv->sectors = sectors;
        kv->unit = (uint8_t)(nor->write_bytes < 4 ? 4 : nor->write_bytes);
    }
    return go_on_mounting(kv);
}

/* ---- get, set, del ------------------------------------------------------------------------- */

static bool is_key(const char *key)
{
    return key[0] != '\0' && strlen(key) <= IOT_NOR_KV_KEY_MAX;
}

static iot_err be_mounted(struct iot_nor_kv *kv)
{
    if (kv->nor == NULL)
        return IOT_ERR_KV;
    return kv->mounted ? IOT_OK : go_on_mounting(kv);
}

iot_err iot_nor_kv_get(struct iot_nor_kv *kv, const char *key, void *into, uint32_t cap,
                       uint32_t *len)
{
    struct iot_nor_log_place p;
    iot_err err = be_mounted(kv);

    if (err != IOT_OK)
        return err;
    err = is_key(key) ? find(kv, key, &p) : IOT_ERR_STATE;
    if (err == IOT_OK && p.kind == IOT_NOR_LOG_DELETED)
        err = IOT_ERR_STATE;
    if (err == IOT_OK && p.len > cap)
        err = IOT_ERR_SIZE;
    if (err == IOT_OK && p.len != 0) { /* `into` may be NULL otherwise */
        uint32_t at = iot_nor_log_turn(kv, p.turn) + p.at + IOT_NOR_LOG_HEAD + p.key_len;
        err = iot_nor_log_read(kv, at, into, p.len);
        if (err == IOT_OK && iot_nor_log_crc(0, into, p.len) != p.crc)
            err = IOT_ERR_KV;
    }
    if (err == IOT_OK)
        *len = p.len;
    return err;
}

/* Another request than the one under way: that one is given up. */
static void begin(struct iot_nor_kv *kv, const struct iot_nor_log_item *item)
{
    if (memcmp(kv->head, item->head, sizeof kv->head) != 0)
        drop_work(kv);
    memcpy(kv->head, item->head, sizeof kv->head);
}

/* The item goes behind tail, or into a new sector; or the oldest sectors move on first, until it fits with what they
 * hold. A key that is to go needs no record of that if its own ones can be left behind. */
static iot_err choose(struct iot_nor_kv *kv, const struct iot_nor_log_item *item, bool deleting)
{
    uint32_t room = kv->nor->sector_bytes - iot_nor_log_first(kv), bytes = 0;
    bool fits = !is_round(kv), later = deleting;
    iot_err err = IOT_OK;

    if (kv->count != 0 && !kv->torn && item->size <= kv->nor->sector_bytes - kv->tail) {
        kv->part = 0;
        kv->phase = PH_APPEND;
        return IOT_OK;
    }
    if (!fits) {
        err = weigh(kv, 0, item, &bytes);
        fits = bytes + item->size <= room;
    }
    for (uint32_t turn = 1; err == IOT_OK && turn < kv->count && !fits && !later; turn++) {
        err = weigh(kv, turn, item, &bytes);
        later = bytes + item->size <= room;
    }
    if (err != IOT_OK)
        return err;
    if (!fits && !later)
        return IOT_ERR_FULL;
    begin_sector(kv, fits, fits || deleting);
    return IOT_OK;
}

/* One append or one new sector. */
static iot_err perform(struct iot_nor_kv *kv, const struct iot_nor_log_item *item, bool deleting,
                       bool *written)
{
    for (;;) {
        iot_err err = kv->phase == PH_IDLE ? choose(kv, item, deleting) : IOT_OK;
        if (err != IOT_OK)
            return err;
        bool append = kv->phase == PH_APPEND || kv->phase == PH_MARK;
        *written = append || kv->adding;
        err = work(kv, item);
        if (!append || err != IOT_ERR_KV)
            return err;
        /* A bad place, or one that was written to before. It is torn now: once more, in a new sector. */
    }
}

iot_err iot_nor_kv_set(struct iot_nor_kv *kv, const char *key, const void *bytes, uint32_t len)
{
    struct iot_nor_log_item item;
    bool written = false;
    iot_err err = be_mounted(kv);

    if (err != IOT_OK)
        return err;
    if (!is_key(key) || len > IOT_NOR_KV_VALUE_MAX)
        return IOT_ERR_SIZE;
    iot_nor_log_make(kv, &item, IOT_NOR_LOG_VALUE, key, bytes, len);
    if (item.size > kv->nor->sector_bytes - iot_nor_log_first(kv))
        return IOT_ERR_SIZE;
    begin(kv, &item);
    while (err == IOT_OK && !written) /* each turn moves the oldest sector on */
        err = perform(kv, &item, false, &written);
    return err;
}

static iot_err is_gone(struct iot_nor_kv *kv, const char *key, bool *gone)
{
    struct iot_nor_log_place p;
    iot_err err = find(kv, key, &p);

    *gone = err == IOT_ERR_STATE || (err == IOT_OK && p.kind == IOT_NOR_LOG_DELETED);
    return err == IOT_ERR_AGAIN ? err : IOT_OK; /* what cannot be read is to be deleted, too */
}

iot_err iot_nor_kv_del(struct iot_nor_kv *kv, const char *key)
{
    struct iot_nor_log_item item;
    bool gone = false, written = false;
    iot_err err = be_mounted(kv);

    if (err != IOT_OK || !is_key(key))
        return err;
    iot_nor_log_make(kv, &item, IOT_NOR_LOG_DELETED, key, NULL, 0);
    begin(kv, &item);
    while (err == IOT_OK && !written) {
        if (kv->phase == PH_IDLE)
            err = is_gone(kv, key, &gone);
        if (gone)
            return IOT_OK;
        if (err == IOT_OK)
            err = perform(kv, &item, true, &written);
    }
    return err;
}
