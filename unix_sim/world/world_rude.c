/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_rude.h"

#include "world/world_post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far from the ids in use one lies that nobody uses: windows are far smaller. */
#define FAR_AWAY   30000u
#define FLOOD      500u
#define FLOOD_QOS2 30u /* more than IOT_MQTT_QOS2_IN_MAX */

int world_rude_find(const char *name)
{
    for (int i = 0; i < world_rude_count; i++)
        if (strcmp(world_rude_rows[i].name, name) == 0)
            return i;
    return -1;
}

bool world_rude_legitimate(int kind, iot_err reason)
{
    for (int i = 0; i < WORLD_RUDE_ERRORS; i++)
        if (reason != IOT_OK && world_rude_rows[kind].errors[i] == reason)
            return true;
    return false;
}

static void wake_at(struct world_rude *r, uint64_t when)
{
    if (when < r->next)
        r->next = when;
}

/* ---- What is said ----------------------------------------------------------------------------- */

/* Numbers go 1..65535. Acknowledgements carry numbers of the client, the others ours. */
static uint16_t far_id(const struct world_rude *r, int conn, uint8_t type, uint32_t more)
{
    const struct world_session *s = r->broker->conns[conn].session;
    bool ours = type == WORLD_MQTT_PUBLISH || type == WORLD_MQTT_PUBREL;
    uint32_t base = s == NULL ? 0 : ours ? s->next_id : s->last_id;

    return (uint16_t)((base + FAR_AWAY + more) % UINT16_MAX + 1);
}

static void say(struct world_rude_conn *c, const char *hex, uint16_t id)
{
    char digits[5];
    const char *p = hex;

    snprintf(digits, sizeof digits, "%04x", id);
    for (int at = 0; *p != 0;) {
        char pair[3] = {0};
        if (*p == ' ') {
            p++;
            continue;
        }
        for (int i = 0; i < 2; i++, p++)
            pair[i] = *p == '@' ? digits[at++ & 3] : *p;
        uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);
        world_bytes_put(&c->out, &byte, 1);
    }
}

static uint8_t type_of(const char *hex)
{
    char digit[2] = {hex[0], 0};

    return (uint8_t)strtoul(digit, NULL, 16);
}

static void say_large(struct world_rude *r, int conn, uint8_t qos)
{
    static uint8_t payload[2 * IOT_MQTT_RX_BYTES + 100];

    world_mqtt_publish(&r->conns[conn].out, (uint8_t)(qos << 1), "rude/large",
                       far_id(r, conn, WORLD_MQTT_PUBLISH, 0),
                       (struct iot_bytes){payload, sizeof payload});
}

static void say_flood(struct world_rude *r, int conn, uint8_t qos)
{
    uint32_t count = qos == 2 ? FLOOD_QOS2 : FLOOD;

    for (uint32_t i = 0; i < count; i++)
        world_mqtt_publish(&r->conns[conn].out, (uint8_t)(qos << 1), "rude/f",
                           far_id(r, conn, WORLD_MQTT_PUBLISH, i), (struct iot_bytes){NULL, 0});
}

static void say_long_suback(struct world_rude *r, int conn)
{
    static const uint8_t codes[4 * IOT_MQTT_RX_BYTES];

    world_mqtt_suback(&r->conns[conn].out, far_id(r, conn, WORLD_MQTT_SUBACK, 0), codes,
                      sizeof codes);
}

/* ---- The moment ------------------------------------------------------------------------------- */

static bool fits(uint8_t wanted, uint8_t type)
{
    if (wanted == WORLD_RUDE_ACKS)
        return type == WORLD_MQTT_PUBACK || type == WORLD_MQTT_PUBREC || type == WORLD_MQTT_PUBCOMP;
    return wanted == type;
}

/* Of the packet that is replaced. */
static uint16_t id_of(struct iot_bytes packet)
{
    return (uint16_t)(packet.len >= 4 ? packet.ptr[2] << 8 | packet.ptr[3] : 0);
}

/* `packet`: what the broker wanted to send, for what happens instead of it. */
static void strike(struct world_rude *r, int conn, struct iot_bytes packet, uint64_t now)
{
    struct world_rude_conn *c = &r->conns[conn];
    const struct world_rude_row *row = &world_rude_rows[c->kind];
    const struct world_session *s = r->broker->conns[conn].session;
    uint16_t id = packet.len != 0 ? id_of(packet) : far_id(r, conn, type_of(row->hex), 0);

    c->struck = true;
    c->swallow = row->when == WORLD_RUDE_BEFORE ||
                 (row->when == WORLD_RUDE_ACCEPT && row->what == WORLD_RUDE_MUTE);
    c->deadline = now + WORLD_RUDE_SPELL_MS;
    r->struck[c->kind]++;
    switch ((enum world_rude_what)row->what) {
    case WORLD_RUDE_FIN:
        c->end = WORLD_END_FIN;
        c->mute = c->swallow = true;
        break;
    case WORLD_RUDE_RST:
        c->end = WORLD_END_RESET;
        c->mute = c->swallow = true;
        break;
    case WORLD_RUDE_SAY:
        say(c, row->hex, id);
        c->deadline = WORLD_NEVER;
        break;
    case WORLD_RUDE_SAY_FIN:
        say(c, row->hex, id);
        c->end = WORLD_END_FIN;
        c->mute = true;
        break;
    case WORLD_RUDE_SAY_MUTE:
        say(c, row->hex, id);
        c->mute = true;
        break;
    case WORLD_RUDE_MUTE:
        c->mute = true;
        break;
    case WORLD_RUDE_DEAF:
        c->deaf = true;
        break;
    case WORLD_RUDE_SPOIL:
        say(c, row->hex, id);
        break;
    case WORLD_RUDE_TWICE:
        world_bytes_put(&c->out, packet.ptr, packet.len);
        world_bytes_put(&c->out, packet.ptr, packet.len);
        break;
    case WORLD_RUDE_PRESENT:
        say(c, "20 02 01 00", 0);
        c->deadline = WORLD_NEVER;
        break;
    case WORLD_RUDE_DRIP:
        c->drip = true;
        break;
    case WORLD_RUDE_LARGE:
        say_large(r, conn, row->qos);
        c->deadline = WORLD_NEVER;
        break;
    case WORLD_RUDE_FLOOD:
        say_flood(r, conn, row->qos);
        c->deadline = WORLD_NEVER;
        /* The client remembers numbers that the broker never gave out. */
        if (row->qos == 2 && s != NULL && !s->clean)
            c->forget = strdup(s->id);
        break;
    case WORLD_RUDE_LONG_SUBACK:
        say_long_suback(r, conn);
        c->deadline = WORLD_NEVER;
        break;
    case WORLD_RUDE_SWALLOW:
        break;
    }
    wake_at(r, c->deadline);
    if (r->on_strike != NULL)
        r->on_strike(r->ctx, conn, c->kind);
}

static void calm(struct world_rude_conn *c)
{
    c->kind = 0;
    c->drip = false;
    c->deadline = WORLD_NEVER;
}

/* ---- From the client -------------------------------------------------------------------------- */

/* Go over `in`. Returns where a packet of `type` begins (`before`) or has ended; in.len: nowhere. */
static uint32_t look(struct world_rude_place *p, struct iot_bytes in, uint8_t type, bool before,
                     bool *found)
{
    uint32_t at = 0;

    *found = false;
    while (at < in.len) {
        if (p->type == 0) {
            if (before && in.ptr[at] >> 4 == type) {
                *found = true;
                return at;
            }
            *p = (struct world_rude_place){.type = in.ptr[at++] >> 4};
            continue;
        }
        if (p->in_body) {
            uint32_t n = in.len - at < p->left ? in.len - at : p->left;
            at += n;
            p->left -= n;
        } else {
            p->left |= (in.ptr[at] & 0x7fu) << (7 * p->length_size++);
            p->in_body = !(in.ptr[at++] & 0x80) || p->length_size == 4;
        }
        if (p->in_body && p->left == 0) {
            *found = !before && p->type == type;
            p->type = 0;
            if (*found)
                return at;
        }
    }
    return at;
}

uint32_t world_rude_feed(struct world_rude *r, int conn, struct iot_bytes in, uint64_t now)
{
    struct world_rude_conn *c = &r->conns[conn];
    const struct world_rude_row *row = &world_rude_rows[c->kind];
    bool before = row->when == WORLD_RUDE_BEFORE, after = row->when == WORLD_RUDE_AFTER, found;

    if (c->swallow)
        return in.len;
    if (c->deaf)
        return 0;
    struct world_rude_place place = c->place;
    bool waits = !c->struck && (before || after);
    uint32_t n = look(&place, in, waits ? row->type : UINT8_MAX, before, &found);
    if (world_broker_feed(r->broker, conn, (struct iot_bytes){in.ptr, n}, now) != n)
        return 0; /* the broker takes all or nothing */
    c->place = place;
    if (!found)
        return n;
    strike(r, conn, (struct iot_bytes){NULL, 0}, now);
    return c->swallow ? in.len : n;
}

/* ---- To the client ---------------------------------------------------------------------------- */

static bool accepts(struct iot_bytes packet)
{
    return packet.ptr[0] >> 4 != WORLD_MQTT_CONNACK || packet.ptr[3] == 0;
}

static void pass(struct world_rude *r, int conn, struct iot_bytes packet, uint64_t now)
{
    struct world_rude_conn *c = &r->conns[conn];
    const struct world_rude_row *row = &world_rude_rows[c->kind];
    uint8_t type = packet.ptr[0] >> 4;
    bool hit = c->kind != 0 && fits(row->type, type) && accepts(packet);
    bool at = row->when == WORLD_RUDE_AT_ANSWER, behind = row->when == WORLD_RUDE_ANSWERED;

    if (c->mute)
        return;
    if (hit && at && !c->struck && row->what == WORLD_RUDE_PRESENT &&
        !r->broker->conns[conn].session->clean) {
        calm(c); /* it is no lie */
    } else if (hit && at && !c->struck) {
        strike(r, conn, packet, now);
        return;
    } else if (hit && row->what == WORLD_RUDE_SWALLOW) {
        return;
    } else if (hit && row->what == WORLD_RUDE_TWICE) {
        world_bytes_put(&c->out, packet.ptr, packet.len);
    }
    world_bytes_put(&c->out, packet.ptr, packet.len);
    if (hit && behind && !c->struck)
        strike(r, conn, (struct iot_bytes){NULL, 0}, now);
}

/* The broker writes whole packets. */
static uint32_t size_of(struct iot_bytes rest)
{
    uint32_t length = 0, at = 1, shift = 0;

    do
        length |= (rest.ptr[at] & 0x7fu) << shift;
    while ((shift += 7) < 28 && (rest.ptr[at++] & 0x80));
    return at + length;
}

/* Each pass takes all that the broker has; what it then has more is bounded by its window. */
static void pull(struct world_rude *r, int conn, uint64_t now)
{
    struct world_rude_conn *c = &r->conns[conn];
    struct iot_bytes all = world_broker_pending(r->broker, conn);

    while (all.len != 0 && c->out.len - c->out.at < WORLD_BACKLOG_MAX) {
        for (uint32_t at = 0; at < all.len;) {
            uint32_t n = size_of((struct iot_bytes){all.ptr + at, all.len - at});
            pass(r, conn, (struct iot_bytes){all.ptr + at, n}, now);
            at += n;
        }
        world_broker_sent(r->broker, conn, all.len, now);
        all = world_broker_pending(r->broker, conn);
    }
}

struct iot_bytes world_rude_pending(struct world_rude *r, int conn, uint64_t now)
{
    struct world_rude_conn *c = &r->conns[conn];

    pull(r, conn, now);
    struct iot_bytes left = world_bytes_left(&c->out);
    if (c->drip && left.len != 0)
        left.len = now >= c->drip_ms ? 1 : 0;
    return left;
}

void world_rude_sent(struct world_rude *r, int conn, uint32_t n, uint64_t now)
{
    struct world_rude_conn *c = &r->conns[conn];

    world_bytes_drop(&c->out, n);
    if (c->drip) {
        c->drip_ms = now + WORLD_RUDE_DRIP_MS;
        wake_at(r, c->drip_ms);
    }
}

bool world_rude_rests(const struct world_rude *r, int conn)
{
    const struct world_rude_conn *c = &r->conns[conn];
    const struct world_conn *brokers = &r->broker->conns[conn];

    return c->out.at == c->out.len && brokers->out.at == brokers->out.len &&
           c->end == WORLD_END_NO && brokers->end == WORLD_END_NO;
}

enum world_end world_rude_wants_close(const struct world_rude *r, int conn)
{
    enum world_end end = r->conns[conn].end, brokers = world_broker_wants_close(r->broker, conn);

    return end > brokers ? end : brokers;
}

/* ---- Connections and scripts ------------------------------------------------------------------ */

int world_rude_open(struct world_rude *r, uint64_t now)
{
    int conn = world_broker_open(r->broker, now);

    if (conn < 0)
        return conn;
    struct world_rude_conn *c = &r->conns[conn];
    memset(c, 0, sizeof *c);
    c->kind = r->armed;
    c->deadline = WORLD_NEVER;
    r->armed = 0;
    r->given[c->kind]++;
    if (c->kind != 0 && world_rude_rows[c->kind].when == WORLD_RUDE_ACCEPT)
        strike(r, conn, (struct iot_bytes){NULL, 0}, now);
    return conn;
}

void world_rude_closed(struct world_rude *r, int conn, uint64_t now)
{
    struct world_rude_conn *c = &r->conns[conn];

    world_broker_closed(r->broker, conn, now);
    if (c->forget != NULL)
        world_broker_forget(r->broker, c->forget, now);
    free(c->forget);
    c->forget = NULL;
    c->kind = 0;
    world_bytes_free(&c->out);
}

void world_rude_arm(struct world_rude *r, int kind)
{
    r->armed = kind;
}

bool world_rude_attack(struct world_rude *r, const char *id, int kind, uint64_t now)
{
    const struct world_session *s = world_broker_session(r->broker, id);
    const struct world_rude_row *row = &world_rude_rows[kind];
    bool late = row->when == WORLD_RUDE_ACCEPT || row->type == WORLD_MQTT_CONNECT ||
                (row->when == WORLD_RUDE_AT_ANSWER && row->type == WORLD_MQTT_CONNACK);

    if (s == NULL || s->conn < 0 || r->conns[s->conn].kind != 0 || late)
        return false;
    pull(r, s->conn, now); /* behind what it has to say already */
    r->conns[s->conn].kind = kind;
    r->conns[s->conn].struck = false;
    r->given[kind]++;
    if (row->type == WORLD_MQTT_CONNACK)
        strike(r, s->conn, (struct iot_bytes){NULL, 0}, now);
    return true;
}

int world_rude_kind(const struct world_rude *r, const char *id)
{
    const struct world_session *s = world_broker_session(r->broker, id);

    return s != NULL && s->conn >= 0 ? r->conns[s->conn].kind : 0;
}

uint64_t world_rude_next(const struct world_rude *r)
{
    uint64_t brokers = world_broker_next(r->broker);

    return r->next < brokers ? r->next : brokers;
}

void world_rude_tick(struct world_rude *r, uint64_t now)
{
    world_broker_tick(r->broker, now);
    if (now < r->next)
        return;
    r->next = WORLD_NEVER;
    for (int i = 0; i < r->broker->conn_high; i++) {
        struct world_rude_conn *c = &r->conns[i];
        uint8_t what = world_rude_rows[c->kind].what;
        if (c->kind == 0)
            continue;
        if (now >= c->deadline && (what == WORLD_RUDE_TWICE || what == WORLD_RUDE_DRIP)) {
            calm(c);
        } else if (now >= c->deadline) {
            c->end = WORLD_END_RESET;
            c->deadline = WORLD_NEVER;
        }
        wake_at(r, c->deadline);
        if (c->drip && c->out.len != c->out.at && c->drip_ms > now)
            wake_at(r, c->drip_ms);
    }
}

void world_rude_init(struct world_rude *r, struct world_broker *b)
{
    memset(r, 0, sizeof *r);
    r->broker = b;
    r->next = WORLD_NEVER;
}

void world_rude_over(struct world_rude *r)
{
    for (int i = 0; i < WORLD_CONNS_MAX; i++) {
        world_bytes_free(&r->conns[i].out);
        free(r->conns[i].forget);
    }
}
