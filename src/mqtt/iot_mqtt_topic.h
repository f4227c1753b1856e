/* SPDX-License-Identifier: Apache-2.0 */
/* Topic names and filters (MQTT 3.1.1 section 4.7): checks, one match, and an index that finds all
 * matching filters of a table without looking at each. */
#ifndef IOT_MQTT_TOPIC_H
#define IOT_MQTT_TOPIC_H

#include "iot/iot_base.h"

/** IOT_OK; IOT_ERR_MQTT_TOPIC: empty, over 65535 bytes, not UTF-8, NUL, '+' or '#'. */
iot_err iot_topic_check_name(struct iot_bytes name);

/** IOT_OK; IOT_ERR_MQTT_TOPIC: as above, with wildcards allowed where 4.7.1-1..3 allow them. */
iot_err iot_topic_check_filter(struct iot_bytes filter);

/** Does this one filter match? Both valid. Byte by byte (4.7.3-4); a leading wildcard does not
 *  match a leading '$' (4.7.2-1); "a/#" matches "a". */
bool iot_topic_match(struct iot_bytes filter, struct iot_bytes name);

#if IOT_MQTT_SUBS_MAX <= 16
#define IOT_TOPIC_BUCKETS 16u
#elif IOT_MQTT_SUBS_MAX <= 64
#define IOT_TOPIC_BUCKETS 64u
#else
#define IOT_TOPIC_BUCKETS 256u
#endif

/* The filters of a table of IOT_MQTT_SUBS_MAX slots, hashed: those without a wildcard by all their
 * text, the others by what stands before their first wildcard and, if no wildcard is there, by
 * their last four bytes. A match goes over the name once and looks up each of its beginnings, so
 * that its cost depends on the name, hardly on the table; only filters that begin and end alike
 * are compared one by one ("+/a/quit", "+/b/quit" ...).
 *
 * Filters are distinct. Slot numbers are the caller's and stay. All zero: empty. */
struct iot_topic_index {
    struct iot_topic_entry {
        const uint8_t *ptr;
        uint16_t len;
        uint16_t key; /* 0: not in the table */
    } filter[IOT_MQTT_SUBS_MAX];
    uint8_t head[IOT_TOPIC_BUCKETS]; /* slot + 1 of the first in the bucket, 0: none */
    uint8_t next[IOT_MQTT_SUBS_MAX]; /* slot + 1 of the next in the same bucket, 0: none */
    uint8_t count;
};

#define IOT_TOPIC_HITS_WORDS ((IOT_MQTT_SUBS_MAX + 31) / 32)
#define IOT_TOPIC_NO_SLOT    (-1)

/** The slot that holds exactly this filter, or IOT_TOPIC_NO_SLOT. */
int iot_topic_index_find(const struct iot_topic_index *ix, struct iot_bytes filter);

/** Enter a valid filter that is not in the table under a free slot. Text borrowed until removed. */
void iot_topic_index_add(struct iot_topic_index *ix, uint8_t slot, struct iot_bytes filter);

/** Take it out. `ptr` and `len` of its slot stay as they are, for a caller who knows better. */
void iot_topic_index_remove(struct iot_topic_index *ix, uint8_t slot);

/** Set bit `slot % 32` of hits[slot / 32] for each matching filter, clear all others. */
void iot_topic_index_match(const struct iot_topic_index *ix, struct iot_bytes name,
                           uint32_t hits[IOT_TOPIC_HITS_WORDS]);

#endif
