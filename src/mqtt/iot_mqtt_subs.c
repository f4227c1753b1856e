/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_subs.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_unsub.h"

#include <string.h>

#if IOT_FEATURE_RECEIVE

static struct iot_bytes text_of(const struct iot_mqtt_subs *t, uint32_t slot)
{
    struct iot_bytes text = {t->index.filter[slot].ptr, t->index.filter[slot].len};
    return text;
}

static bool same(struct iot_bytes a, struct iot_bytes b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i])
            return false;
    return true;
}

static bool is_due(uint32_t state)
{
    return state == IOT_SUB_WANT || iot_mqtt_unsub_due(state);
}

static bool is_under_way(uint32_t state)
{
    return state == IOT_SUB_ASKED || iot_mqtt_unsub_under_way(state);
}

/* All changes of state, so that the counts cannot drift from the table. */
void iot_mqtt_subs_enter(struct iot_mqtt_subs *t, struct iot_mqtt_sub *s,
                         enum iot_mqtt_sub_state next)
{
    t->due = (uint8_t)(t->due + is_due(next) - is_due(s->state));
    t->asked = (uint8_t)(t->asked + is_under_way(next) - is_under_way(s->state));
    t->count = (uint8_t)(t->count + (s->state == IOT_SUB_FREE) - (next == IOT_SUB_FREE));
    s->state = (uint8_t)next;
    if (!is_under_way(next))
        s->id = 0;
}

static uint32_t slot_of(const struct iot_mqtt_subs *t, const struct iot_mqtt_sub *s)
{
    return (uint32_t)(s - t->sub);
}

iot_err iot_mqtt_subs_add(struct iot_mqtt_subs *t, const struct iot_filter *f, iot_ticket ticket)
{
    struct iot_bytes filter = {(const uint8_t *)f->filter.text, f->filter.len};
    if (f->qos > IOT_MQTT_QOS_MAX || !iot_mqtt_parts_fit(f))
        return IOT_ERR_ARG;
    iot_err err = iot_topic_check_filter(filter);
    if (err != IOT_OK)
        return err;

    int found = iot_topic_index_find(&t->index, filter);
    struct iot_mqtt_sub *s = found == IOT_TOPIC_NO_SLOT ? NULL : &t->sub[found];
    if (s == NULL) {
        for (uint32_t i = IOT_MQTT_SUBS_MAX; i-- > 0;) {
            if (t->sub[i].state == IOT_SUB_FREE)
                s = &t->sub[i];
            else if (same(text_of(t, i), filter)) /* its UNSUBACK would end the new one */
                return IOT_ERR_STATE;
        }
        if (s == NULL)
            return IOT_ERR_FULL;
    } else {
        iot_topic_index_remove(&t->index, (uint8_t)found); /* the new text replaces the old */
    }
    iot_topic_index_add(&t->index, (uint8_t)slot_of(t, s), filter);

    iot_mqtt_subs_enter(t, s, IOT_SUB_WANT);
    s->ticket = ticket;
    s->on_message = f->on_message;
    s->ctx = f->ctx;
    s->qos = f->qos & 3u;
    s->in_parts = f->in_parts && f->on_message != NULL;
    s->announce = 1;
    IOT_HIGH(t->count_high, t->count);
    return IOT_OK;
}

struct iot_mqtt_sub *iot_mqtt_subs_due(struct iot_mqtt_subs *t, struct iot_bytes *filter)
{
    if (t->due == 0)
        return NULL;
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        if (is_due(t->sub[i].state)) {
            *filter = text_of(t, i);
            return &t->sub[i];
        }
    }
    IOT_UNREACHABLE();
    return NULL;
}

void iot_mqtt_subs_asked(struct iot_mqtt_subs *t, struct iot_mqtt_sub *s, uint16_t id)
{
    iot_mqtt_subs_enter(t, s, s->state == IOT_SUB_WANT ? IOT_SUB_ASKED : IOT_SUB_UNASKED);
    s->id = id;
}

struct iot_mqtt_sub *iot_mqtt_subs_awaiting(struct iot_mqtt_subs *t, uint16_t id, uint8_t state)
{
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++)
        if (t->sub[i].state == state && t->sub[i].id == id)
            return &t->sub[i];
    return NULL;
}

bool iot_mqtt_subs_suback(struct iot_mqtt_subs *t, struct iot_mqtt_sub *s, uint8_t code)
{
    bool tell = s->announce || code > 2 || s->granted != code;
    s->announce = 0;
    if (code > 2) {
        iot_topic_index_remove(&t->index, (uint8_t)slot_of(t, s));
        iot_mqtt_subs_enter(t, s, IOT_SUB_FREE);
    } else {
        s->granted = code & 3u;
        iot_mqtt_subs_enter(t, s, IOT_SUB_ON);
    }
    return tell;
}

void iot_mqtt_subs_clear(struct iot_mqtt_subs *t)
{
    t->count = t->due = t->asked = 0;
    memset(t->sub, 0, sizeof t->sub);
    memset(&t->index, 0, sizeof t->index);
}

static void again(struct iot_mqtt_subs *t, bool on_as_well)
{
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        struct iot_mqtt_sub *s = &t->sub[i];
        if (s->state == IOT_SUB_ASKED || (on_as_well && s->state == IOT_SUB_ON))
            iot_mqtt_subs_enter(t, s, IOT_SUB_WANT);
        else if (iot_mqtt_unsub_under_way(s->state))
            iot_mqtt_subs_enter(t, s, IOT_SUB_UNWANT);
    }
}

void iot_mqtt_subs_lost(struct iot_mqtt_subs *t)
{
    again(t, false);
}

void iot_mqtt_subs_renew(struct iot_mqtt_subs *t)
{
    again(t, true);
}

bool iot_mqtt_subs_has_id(const struct iot_mqtt_subs *t, uint16_t id)
{
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++)
        if (t->sub[i].id == id)
            return true;
    return false;
}

static uint32_t lowest_bit(uint32_t word)
{
    uint32_t n = 0;
    for (uint32_t width = 16; width != 0; width /= 2) {
        if ((word & (((uint32_t)1 << width) - 1)) == 0) {
            word >>= width;
            n += width;
        }
    }
    return n;
}

bool iot_mqtt_subs_deliver(const struct iot_mqtt_subs *t, uint32_t hits[IOT_TOPIC_HITS_WORDS],
                           struct iot_device *dev, const struct iot_msg *msg, bool *handled)
{
    uint32_t left = 0;
    for (uint32_t word = 0; word < IOT_TOPIC_HITS_WORDS; word++) {
        for (uint32_t todo = hits[word]; todo != 0; todo &= todo - 1) {
            uint32_t n = lowest_bit(todo);
            uint32_t bit = (uint32_t)1 << n;
            const struct iot_mqtt_sub *s = &t->sub[word * 32 + n];
            if ((hits[word] & bit) == 0)
                continue; /* an earlier handler unsubscribed this one */
            if (s->on_message != NULL) {
                *handled = true;
                iot_err err = s->on_message(s->ctx, dev, msg);
                if (err == IOT_ERR_AGAIN || err == IOT_ERR_FULL)
                    continue;
            }
            hits[word] &= ~bit;
        }
        left |= hits[word];
    }
    return left == 0;
}

#endif
