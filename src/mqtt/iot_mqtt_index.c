/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_index.h"

#include "core/iot_core_assert.h"

#include <string.h>

#if IOT_FEATURE_SUBS_INDEX

#define FEW 3 /* filters that are sooner compared one by one than looked up */

IOT_STATIC_ASSERT(IOT_MQTT_SUBS_MAX <= 255, "slot + 1 must fit 8 bits");

/* The low bits of a key; the others are of the hash. 0 is that of no filter. */
enum kind { WHOLE = 1, WILD = 3 };

#define KIND_BITS   3u
#define HASH_FACTOR 2654435769u /* of a product with it the upper half is the good one */

static uint32_t hash_with(uint32_t hash, uint8_t c)
{
    return (hash + c) * HASH_FACTOR;
}

static uint16_t key_with(uint32_t hash, enum kind kind)
{
    return (uint16_t)((hash >> 16 & ~KIND_BITS) | kind);
}

static uint32_t bucket_of(uint32_t key)
{
    return (key >> 8) % IOT_TOPIC_BUCKETS;
}

/* Of the last four bytes, in which a name that matches is like the filter; 0 if there are fewer or
 * a wildcard is among them. */
static uint32_t hash_of_end(struct iot_bytes text)
{
    if (text.len < 4)
        return 0;
    for (uint32_t i = text.len - 4; i < text.len; i++) {
        if (iot_topic_is_wildcard(text.ptr[i]))
            return 0;
    }
    return iot_topic_load4(text.ptr + text.len - 4) * HASH_FACTOR;
}

/* Of a filter. The '/' before the wildcard is not hashed, since "a/#" matches "a", too. */
static uint16_t key_of(struct iot_bytes filter)
{
    uint32_t hash = 0;
    uint32_t before_slash = 0;

    for (uint32_t i = 0; i < filter.len; i++) {
        uint8_t c = filter.ptr[i];
        if (iot_topic_is_wildcard(c))
            return key_with(before_slash ^ hash_of_end(filter), WILD);
        if (c == '/')
            before_slash = hash;
        hash = hash_with(hash, c);
    }
    return key_with(hash, WHOLE);
}

int iot_topic_index_find(const struct iot_topic_index *ix, struct iot_bytes filter)
{
    uint32_t n = ix->head[bucket_of(key_of(filter))];

    for (; n != 0; n = ix->next[n - 1]) {
        const struct iot_topic_entry *e = &ix->filter[n - 1];
        if (e->len == filter.len && memcmp(e->ptr, filter.ptr, filter.len) == 0)
            break;
    }
    return (int)n - 1;
}

void iot_topic_index_add(struct iot_topic_index *ix, uint8_t slot, struct iot_bytes filter)
{
    struct iot_topic_entry *e = &ix->filter[slot];

    IOT_ASSERT(slot < IOT_MQTT_SUBS_MAX && e->key == 0);
    IOT_ASSERT(iot_topic_index_find(ix, filter) == IOT_TOPIC_NO_SLOT);
    e->ptr = filter.ptr;
    e->len = (uint16_t)filter.len;
    e->key = key_of(filter);
    uint8_t *head = &ix->head[bucket_of(e->key)];
    ix->next[slot] = *head;
    *head = (uint8_t)(slot + 1);
    ix->count++;
}

void iot_topic_index_remove(struct iot_topic_index *ix, uint8_t slot)
{
    struct iot_topic_entry *e = &ix->filter[slot];
    uint8_t *link = &ix->head[bucket_of(e->key)];

    IOT_ASSERT(slot < IOT_MQTT_SUBS_MAX && e->key != 0);
    while (*link != slot + 1)
        link = &ix->next[*link - 1];
    *link = ix->next[slot];
    e->key = 0;
    ix->count--;
}

struct match {
    const struct iot_topic_index *ix;
    struct iot_bytes name;
    uint32_t end; /* hash_of_end(name) */
    uint32_t *hits;
};

static void compare(const struct match *m, uint32_t slot)
{
    const struct iot_topic_entry *e = &m->ix->filter[slot];
    uint8_t last = e->ptr[e->len - 1];

    /* Most of those that do not match are known by this already. */
    if (last != m->name.ptr[m->name.len - 1] && !iot_topic_is_wildcard(last))
        return;
    if (iot_topic_match((struct iot_bytes){e->ptr, e->len}, m->name))
        m->hits[slot / 32] |= (uint32_t)1 << slot % 32;
}

static void compare_bucket(const struct match *m, uint32_t key)
{
    uint32_t n = m->ix->head[bucket_of(key)];

    for (; n != 0; n = m->ix->next[n - 1]) {
        if (m->ix->filter[n - 1].key == key)
            compare(m, n - 1);
    }
}

/* Filters that go on with a wildcard behind what is hashed, of both kinds of ends. */
static void look_up_wild(const struct match *m, uint32_t hash)
{
    compare_bucket(m, key_with(hash, WILD));
    compare_bucket(m, key_with(hash ^ m->end, WILD));
}

void iot_topic_index_match(const struct iot_topic_index *ix, struct iot_bytes name,
                           uint32_t hits[IOT_TOPIC_HITS_WORDS])
{
    struct match m = {ix, name, 0, hits};

    memset(hits, 0, IOT_TOPIC_HITS_WORDS * sizeof *hits);
    if (ix->count <= FEW) {
        uint32_t left = ix->count;
        for (uint32_t slot = 0; left != 0; slot++) {
            if (ix->filter[slot].key != 0) {
                compare(&m, slot);
                left--;
            }
        }
        return;
    }

    const uint8_t *at = name.ptr;
    const uint8_t *end = at + name.len;
    uint32_t hash = 0;

    m.end = hash_of_end(name);
    look_up_wild(&m, hash); /* "+/b" */
    for (;;) {
        for (; at != end && *at != '/'; at++)
            hash = hash_with(hash, *at);
        look_up_wild(&m, hash); /* "a/+", and at the end "a/b/#" */
        if (at == end)
            break;
        hash = hash_with(hash, *at++);
    }
    compare_bucket(&m, key_with(hash, WHOLE));
}

#endif
