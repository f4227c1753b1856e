/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_nor_kv.h
 * Small values that outlive a reboot and a power cut at any moment, in two or more sectors of a NOR flash: what
 * iot_port.kv_get, kv_set and kv_del ask for.
 *
 * A log: each set appends a record, the last one of a key counts. When the newest sector is full the next one in the
 * ring is erased and takes what still counts of the oldest. So all sectors are erased equally often, and the
 * room for values is that of one sector less than there are. A record lies in one sector, with its key and 16 to 75
 * bytes beside them (by write_bytes).
 *
 * A set costs a program for each 64 bytes of its record, and one. Where a new sector is needed, an erase, three programs
 * and those of what is saved come to it; in a store that is nearly full this may take all sectors once round. A get
 * reads the heads of all records: there is no index in RAM.
 */
#ifndef IOT_NOR_KV_H
#define IOT_NOR_KV_H

#include "iot_nor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOT_NOR_KV_KEY_MAX   15u
#define IOT_NOR_KV_VALUE_MAX 65535u /* in a sector that is large enough */

/**
 * Yours to place, zeroed before the first mount; fields are private. The log is in `count` sectors that end with
 * `newest`, the next record goes to `tail` of that one:
 *
 *     | stale, or never used | oldest ... | ... | newest: head, record, record, ... tail   |
 *       ^ the next one to be erased
 */
struct iot_nor_kv {
    const struct iot_nor *nor;
    uint32_t offset, sectors;
    uint32_t newest, count, seq, tail;
    uint32_t wiped; /* this sector + 1 was erased at mount and not touched since */
    /* What is under way, when the chip answered AGAIN. from: in the oldest sector; to: in the one that is made;
     * part: of the record that is written. */
    uint32_t from, to, part;
    uint8_t head[12]; /* of the record that was asked for: tells whether it is asked for again */
    uint8_t unit, phase;
    bool mounted;
    bool torn; /* behind tail is what nobody can build on */
    bool adding, dropping;
};

/**
 * Read what is there. Garbage, erased flash, and what another program left is an empty store. What a power cut left
 * half done is put in order; until that is over nothing is told about any value.
 *
 * nor      borrowed, as long as the store is used.
 * offset   of the first sector.
 * sectors  2 to 65535. Another number than before: what was stored is foreign.
 * Returns  IOT_OK; IOT_ERR_AGAIN: ask again, or go on to get, set and del, which do it first; IOT_ERR_ARG, shape or
 *          place are wrong; IOT_ERR_KV.
 * Bound    one erase for each sector that is foreign, and one sector's work.
 */
iot_err iot_nor_kv_mount(struct iot_nor_kv *kv, const struct iot_nor *nor, uint32_t offset,
                         uint32_t sectors);

/**
 * As iot_port.h says. After IOT_ERR_AGAIN of set or del the same call continues; another one begins anew, and which of
 * the two values a power cut leaves is open until one of them is answered with IOT_OK. A get in between
 * gives one of them. IOT_ERR_KV of get: what is stored under this key cannot be read any more; set and
 * del mend it. IOT_ERR_FULL wrote nothing.
 *
 * A value that is deleted or replaced can be read off the chip until its sector's turn to be erased has come.
 */
iot_err iot_nor_kv_get(struct iot_nor_kv *kv, const char *key, void *into, uint32_t cap,
                       uint32_t *len);
iot_err iot_nor_kv_set(struct iot_nor_kv *kv, const char *key, const void *bytes, uint32_t len);
iot_err iot_nor_kv_del(struct iot_nor_kv *kv, const char *key);

#ifdef __cplusplus
}
#endif
#endif
