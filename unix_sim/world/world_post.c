/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_post.h"

#include <stdlib.h>
#include <string.h>

bool world_post_full(const struct world_conn *c)
{
    return c->out.len - c->out.at >= WORLD_BACKLOG_MAX;
}

/* ---- Deliveries ------------------------------------------------------------------------------- */

bool world_post_deliver(struct world_broker *b, struct world_session *s, struct world_message *m,
                        uint8_t qos, bool retain, uint64_t now)
{
    struct world_conn *c = s->conn < 0 ? NULL : &b->conns[s->conn];
    bool can = qos == 0 ? c != NULL && !world_post_full(c) : s->queue_count < s->queue_max;

    if (!ASK(b, may_deliver, s->conn, m->topic, now))
        return false;
    if (!can) {
        b->dropped++;
        return false;
    }
    TELL(b, queued, s->id, m, qos);
    if (qos == 0) {
        world_mqtt_publish(&c->out, retain ? 1 : 0, m->topic, 0, m->payload);
        TELL(b, done, s->id, m, qos);
        return true;
    }
    world_session_queue(s, m, qos, retain);
    if (c != NULL)
        world_session_pump(s, &c->out, WORLD_BACKLOG_MAX);
    return true;
}

static uint8_t smaller(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* Keep it, or what it replaces no more; an empty one only clears (3.3.1-5, -10, -11). */
static void retain(struct world_broker *b, struct world_message *m)
{
    uint32_t i = 0;

    while (i < b->retained_count && strcmp(b->retained[i]->topic, m->topic) != 0)
        i++;
    if (i < b->retained_count) {
        world_message_free(b->retained[i]);
        b->retained[i] = b->retained[--b->retained_count];
    }
    if (m->payload.len == 0)
        return;
    if (b->retained_count == b->retained_cap) {
        b->retained_cap = b->retained_cap == 0 ? 16 : b->retained_cap * 2;
        b->retained = realloc(b->retained, b->retained_cap * sizeof(struct world_message *));
        if (b->retained == NULL)
            abort();
    }
    world_message_keep(m);
    b->retained[b->retained_count++] = m;
}

/* Live messages come without RETAIN (3.3.1-9). */
uint32_t world_post_spread(struct world_broker *b, struct world_message *m, uint64_t now)
{
    uint32_t count = 0;

    if (m->retain)
        retain(b, m);
    for (uint32_t i = 0; i < b->session_count; i++) {
        int granted = world_session_wants(b->sessions[i], m->topic);
        if (granted >= 0 &&
            world_post_deliver(b, b->sessions[i], m, smaller(m->qos, (uint8_t)granted), false, now))
            count++;
    }
    return count;
}

/* ---- Sessions --------------------------------------------------------------------------------- */

struct world_session *world_post_find(const struct world_broker *b, const char *id)
{
    for (uint32_t i = 0; i < b->session_count; i++)
        if (strcmp(b->sessions[i]->id, id) == 0)
            return b->sessions[i];
    return NULL;
}

void world_post_lose(struct world_broker *b, struct world_session *s)
{
    uint32_t i = 0;

    while (b->sessions[i] != s)
        i++;
    b->sessions[i] = b->sessions[--b->session_count];
    TELL(b, session_lost, s->id);
    world_session_free(s);
}

struct world_session *world_post_add(struct world_broker *b, const char *id, bool clean)
{
    if (b->session_count == WORLD_SESSIONS_MAX)
        return NULL;
    struct world_session *s = world_session_new(id, clean);
    s->window = b->window < WORLD_WINDOW_MAX ? b->window : WORLD_WINDOW_MAX;
    s->queue_max = b->queue_max;
    b->sessions[b->session_count++] = s;
    return s;
}

static void send_retained(struct world_broker *b, struct world_session *s, const char *filter,
                          uint8_t qos, uint64_t now)
{
    for (uint32_t i = 0; i < b->retained_count; i++) {
        struct world_message *m = b->retained[i];
        if (world_mqtt_match(filter, m->topic))
            world_post_deliver(b, s, m, smaller(m->qos, qos), true, now);
    }
}

void world_post_subscribe(struct world_broker *b, int conn, const struct world_mqtt_packet *p,
                          uint64_t now)
{
    struct world_session *s = b->conns[conn].session;
    struct world_bytes codes = {0};
    struct iot_bytes rest = p->body, filter;
    uint8_t qos;

    while (world_mqtt_filter(&rest, &filter, &qos)) {
        char *text = world_text_copy(filter);
        uint8_t code = ASK(b, may_subscribe, conn, text, s->sub_count) ? qos : 0x80;
        if (code != 0x80)
            world_session_subscribe(s, filter, qos);
        world_bytes_put(&codes, &code, 1);
        TELL(b, subscribed, s->id, text, code);
        free(text);
    }
    world_mqtt_suback(&b->conns[conn].out, p->id, codes.ptr, codes.len);
    rest = p->body;
    for (uint32_t i = 0; world_mqtt_filter(&rest, &filter, &qos); i++) {
        char *text = world_text_copy(filter);
        if (codes.ptr[i] != 0x80)
            send_retained(b, s, text, qos, now);
        free(text);
    }
    world_bytes_free(&codes);
}

void world_post_clear(struct world_broker *b)
{
    for (uint32_t i = 0; i < b->retained_count; i++)
        world_message_free(b->retained[i]);
    free(b->retained);
    b->retained = NULL;
    b->retained_count = b->retained_cap = 0;
}
