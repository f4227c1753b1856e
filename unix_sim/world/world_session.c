/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_session.h"

#include <stdlib.h>
#include <string.h>

#define RECEIVED_BYTES 8192u

static void *grow(void *old, size_t count, size_t size)
{
    void *p = realloc(old, count * size);

    if (p == NULL)
        abort();
    return p;
}

char *world_text_copy(struct iot_bytes text)
{
    char *p = grow(NULL, (size_t)text.len + 1, 1);

    memcpy(p, text.ptr, text.len);
    p[text.len] = 0;
    return p;
}

/* ---- Messages --------------------------------------------------------------------------------- */

struct world_message *world_message_new(struct iot_bytes topic, struct iot_bytes payload,
                                        uint8_t qos, bool retain)
{
    struct world_message *m = grow(NULL, 1, sizeof *m);
    uint8_t *bytes = grow(NULL, (size_t)payload.len + 1, 1);

    memset(m, 0, sizeof *m);
    if (payload.len != 0)
        memcpy(bytes, payload.ptr, payload.len);
    m->topic = world_text_copy(topic);
    m->payload = (struct iot_bytes){bytes, payload.len};
    m->qos = qos;
    m->retain = retain;
    m->refs = 1;
    return m;
}

void world_message_keep(struct world_message *m)
{
    m->refs++;
}

void world_message_free(struct world_message *m)
{
    if (m == NULL || --m->refs != 0)
        return;
    free(m->topic);
    free((void *)(uintptr_t)m->payload.ptr);
    free(m);
}

/* ---- Life ------------------------------------------------------------------------------------- */

struct world_session *world_session_new(const char *id, bool clean)
{
    struct world_session *s = grow(NULL, 1, sizeof *s);

    memset(s, 0, sizeof *s);
    s->id = world_text_copy((struct iot_bytes){(const uint8_t *)id, (uint32_t)strlen(id)});
    s->clean = clean;
    s->conn = -1;
    s->next_id = 1;
    return s;
}

static struct world_delivery *queue_at(const struct world_session *s, uint32_t i)
{
    return &s->queue[(s->queue_first + i) % s->queue_cap];
}

void world_session_free(struct world_session *s)
{
    for (uint32_t i = 0; i < s->sub_count; i++)
        free(s->subs[i].filter);
    for (uint32_t i = 0; i < s->delivery_count; i++)
        world_message_free(s->deliveries[i].message);
    for (uint32_t i = 0; i < s->queue_count; i++)
        world_message_free(queue_at(s, i)->message);
    free(s->subs);
    free(s->queue);
    free(s->received);
    free(s->id);
    free(s);
}

/* ---- Subscriptions ---------------------------------------------------------------------------- */

static uint32_t find_filter(const struct world_session *s, struct iot_bytes filter)
{
    uint32_t i = 0;

    while (i < s->sub_count && (strlen(s->subs[i].filter) != filter.len ||
                                memcmp(s->subs[i].filter, filter.ptr, filter.len) != 0))
        i++;
    return i;
}

void world_session_subscribe(struct world_session *s, struct iot_bytes filter, uint8_t qos)
{
    uint32_t i = find_filter(s, filter);

    if (i == s->sub_count) {
        if (s->sub_count == s->sub_cap) {
            s->sub_cap = s->sub_cap == 0 ? 8 : s->sub_cap * 2;
            s->subs = grow(s->subs, s->sub_cap, sizeof *s->subs);
        }
        s->subs[s->sub_count++].filter = world_text_copy(filter);
    }
    s->subs[i].qos = qos;
}

void world_session_unsubscribe(struct world_session *s, struct iot_bytes filter)
{
    uint32_t i = find_filter(s, filter);

    if (i == s->sub_count)
        return;
    free(s->subs[i].filter);
    s->subs[i] = s->subs[--s->sub_count];
}

int world_session_wants(const struct world_session *s, const char *topic)
{
    int qos = -1;

    for (uint32_t i = 0; i < s->sub_count; i++)
        if (s->subs[i].qos > qos && world_mqtt_match(s->subs[i].filter, topic))
            qos = s->subs[i].qos;
    return qos;
}

/* ---- Deliveries ------------------------------------------------------------------------------- */

bool world_session_queue(struct world_session *s, struct world_message *m, uint8_t qos, bool retain)
{
    if (s->queue_count >= s->queue_max)
        return false;
    if (s->queue_count == s->queue_cap) {
        uint32_t cap = s->queue_cap == 0 ? 8 : s->queue_cap * 2;
        struct world_delivery *ring = grow(NULL, cap, sizeof *ring);
        for (uint32_t i = 0; i < s->queue_count; i++)
            ring[i] = *queue_at(s, i);
        free(s->queue);
        s->queue = ring;
        s->queue_cap = cap;
        s->queue_first = 0;
    }
    world_message_keep(m);
    *queue_at(s, s->queue_count++) =
        (struct world_delivery){.message = m, .qos = qos, .retain = retain};
    return true;
}

static struct world_delivery *find_delivery(struct world_session *s, uint16_t id)
{
    for (uint32_t i = 0; i < s->delivery_count; i++)
        if (s->deliveries[i].id == id)
            return &s->deliveries[i];
    return NULL;
}

/* The window is far smaller than the numbers there are: this ends. */
static uint16_t take_id(struct world_session *s)
{
    uint16_t id;

    do {
        id = s->next_id;
        s->next_id = id == UINT16_MAX ? 1 : (uint16_t)(id + 1);
    } while (find_delivery(s, id) != NULL);
    return id;
}

static void send(const struct world_delivery *f, bool dup, struct world_bytes *out)
{
    uint8_t flags = (uint8_t)(f->qos << 1 | (f->retain ? 1 : 0) | (dup ? 8 : 0));

    world_mqtt_publish(out, flags, f->message->topic, f->id, f->message->payload);
}

void world_session_pump(struct world_session *s, struct world_bytes *out, uint32_t room)
{
    while (s->queue_count != 0 && s->delivery_count < s->window && out->len - out->at < room) {
        struct world_delivery *f = &s->deliveries[s->delivery_count];
        *f = *queue_at(s, 0);
        f->id = take_id(s);
        f->state = f->qos == 1 ? WORLD_WAIT_PUBACK : WORLD_WAIT_PUBREC;
        s->delivery_count++;
        s->queue_first = (s->queue_first + 1) % s->queue_cap;
        s->queue_count--;
        send(f, false, out);
    }
}

void world_session_resend(struct world_session *s, struct world_bytes *out)
{
    for (uint32_t i = 0; i < s->delivery_count; i++) {
        if (s->deliveries[i].state == WORLD_WAIT_PUBCOMP)
            world_mqtt_ack(out, WORLD_MQTT_PUBREL, s->deliveries[i].id);
        else
            send(&s->deliveries[i], true, out);
    }
}

enum world_ack_result world_session_ack(struct world_session *s, enum world_mqtt_type type,
                                        uint16_t id, struct world_delivery *done)
{
    struct world_delivery *f = find_delivery(s, id);

    if (f == NULL)
        return WORLD_ACK_UNKNOWN;
    if (type == WORLD_MQTT_PUBREC && f->qos == 2) {
        f->state = WORLD_WAIT_PUBCOMP;
        return WORLD_ACK_STEP;
    }
    if ((type == WORLD_MQTT_PUBACK && f->state == WORLD_WAIT_PUBACK) ||
        (type == WORLD_MQTT_PUBCOMP && f->state == WORLD_WAIT_PUBCOMP)) {
        *done = *f;
        s->delivery_count--;
        memmove(f, f + 1, (size_t)(&s->deliveries[s->delivery_count] - f) * sizeof *f);
        return WORLD_ACK_DONE;
    }
    return WORLD_ACK_WRONG;
}

bool world_session_receive(struct world_session *s, uint16_t id)
{
    uint8_t bit = (uint8_t)(1u << (id & 7));

    if (s->received == NULL) {
        s->received = grow(NULL, RECEIVED_BYTES, 1);
        memset(s->received, 0, RECEIVED_BYTES);
    }
    bool fresh = !(s->received[id >> 3] & bit);
    s->received[id >> 3] |= bit;
    return fresh;
}

void world_session_release(struct world_session *s, uint16_t id)
{
    if (s->received != NULL)
        s->received[id >> 3] &= (uint8_t) ~(1u << (id & 7));
}
