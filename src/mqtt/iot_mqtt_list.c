/* SPDX-License-Identifier: Apache-2.0 */
/* iot_mqtt_index.h for few subscriptions: no hash, each filter is compared. */
#include "mqtt/iot_mqtt_index.h"

#include "core/iot_core_assert.h"

#include <string.h>

#if IOT_FEATURE_RECEIVE && !IOT_FEATURE_SUBS_INDEX

int iot_topic_index_find(const struct iot_topic_index *ix, struct iot_bytes filter)
{
    int slot = IOT_MQTT_SUBS_MAX;

    while (--slot >= 0) { /* behind the first is IOT_TOPIC_NO_SLOT */
        const struct iot_topic_entry *e = &ix->filter[slot];
        if (e->key != 0 && e->len == filter.len && memcmp(e->ptr, filter.ptr, filter.len) == 0)
            break;
    }
    return slot;
}

void iot_topic_index_add(struct iot_topic_index *ix, uint8_t slot, struct iot_bytes filter)
{
    struct iot_topic_entry *e = &ix->filter[slot];

    IOT_ASSERT(slot < IOT_MQTT_SUBS_MAX && e->key == 0);
    IOT_ASSERT(iot_topic_index_find(ix, filter) == IOT_TOPIC_NO_SLOT);
    e->ptr = filter.ptr;
    e->len = (uint16_t)filter.len;
    e->key = 1;
    ix->count++;
}

void iot_topic_index_remove(struct iot_topic_index *ix, uint8_t slot)
{
    IOT_ASSERT(slot < IOT_MQTT_SUBS_MAX && ix->filter[slot].key != 0);
    ix->filter[slot].key = 0;
    ix->count--;
}

void iot_topic_index_match(const struct iot_topic_index *ix, struct iot_bytes name,
                           uint32_t hits[IOT_TOPIC_HITS_WORDS])
{
    memset(hits, 0, IOT_TOPIC_HITS_WORDS * sizeof *hits);
    for (uint32_t slot = 0; slot < IOT_MQTT_SUBS_MAX; slot++) {
        const struct iot_topic_entry *e = &ix->filter[slot];
        if (e->key != 0 && iot_topic_match((struct iot_bytes){e->ptr, e->len}, name))
            hits[slot / 32] |= (uint32_t)1 << slot % 32;
    }
}

#endif
