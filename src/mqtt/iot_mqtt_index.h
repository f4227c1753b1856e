/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of a table, and which of them match a topic name: hashed, so that not each is looked at, or with
 * IOT_FEATURE_SUBS_INDEX 0 one after the other (iot_mqtt_list.c). */
#ifndef IOT_MQTT_INDEX_H
#define IOT_MQTT_INDEX_H

#include "mqtt/iot_mqtt_filter.h"

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
        uint16_t key; /* 0: not in the table; one by one: only whether it is */
    } filter[IOT_MQTT_SUBS_MAX];
#if IOT_FEATURE_SUBS_INDEX
    uint8_t head[IOT_TOPIC_BUCKETS]; /* slot + 1 of the first in the bucket, 0: none */
    uint8_t next[IOT_MQTT_SUBS_MAX]; /* slot + 1 of the next in the same bucket, 0: none */
#endif
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
