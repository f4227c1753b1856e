/* SPDX-License-Identifier: Apache-2.0 */
/* Not by the codec of the library that is tested here: a fault of one is seen by the other. */
#include "world/world_coap.h"

#include "cloud/cloud_coap_seen.h"
#include "world/world_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATAGRAM_MAX 1472u
#define TOKEN_MAX    8u
#define RETRIES      4u
#define ACK_MS       2500u

enum type { T_CON, T_NON, T_ACK, T_RST };

enum option { O_HOST = 3, O_PORT = 7, O_PATH = 11, O_FORMAT = 12, O_QUERY = 15, O_ACCEPT = 17 };

/* What is to be sent, perhaps again and again. */
struct world_coap_parcel {
    struct world_coap_parcel *next;
    struct world_udp_from to;
    uint64_t due_ms;
    uint32_t wait_ms, tries; /* CON: until the next time; so many more */
    uint32_t len;
    uint8_t bytes[DATAGRAM_MAX];
};

struct message {
    enum type type;
    uint8_t code, token_len;
    uint16_t id;
    const uint8_t *token, *payload;
    size_t payload_len;
    /* of its options */
    char path[CLOUD_COAP_PATH_MAX];
    int32_t format, accept;
    char pass[512];
    bool has_pass, has_seq, bad_option;
    uint8_t seq[64];
    size_t seq_len;
};

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_length(const uint8_t **at, const uint8_t *end, uint32_t *n)
{
    uint32_t more = *n == 13 ? 1 : *n == 14 ? 2 : 0, base = *n == 13 ? 13 : 269;

    if (*n == 15 || (size_t)(end - *at) < more)
        return false;
    if (more > 0)
        *n = base + (more == 1 ? (*at)[0] : (uint32_t)((*at)[0] << 8 | (*at)[1]));
    *at += more;
    return true;
}

static int32_t read_number(const uint8_t *value, uint32_t len)
{
    int32_t n = 0;

    for (; len > 0; len--)
        n = n << 8 | *value++;
    return n;
}

static void take_option(struct message *m, uint32_t number, const uint8_t *value, uint32_t len)
{
    bool older = number == CLOUD_COAP_OPTION_OLDER;
    size_t n = strlen(m->path);

    if (number == O_PATH) {
        m->bad_option = m->bad_option || n + len + 2 > sizeof m->path;
        if (!m->bad_option)
            snprintf(m->path + n, sizeof m->path - n, "%s%.*s", n > 0 ? "/" : "", (int)len,
                     (const char *)value);
    } else if ((number == O_FORMAT || number == O_ACCEPT) && len <= 2) {
        *(number == O_FORMAT ? &m->format : &m->accept) = read_number(value, len);
    } else if (number == CLOUD_COAP_OPTION_TOKEN || (older && !m->has_pass)) {
        snprintf(m->pass, sizeof m->pass, "%.*s", (int)len, (const char *)value);
        m->has_pass = true;
    } else if (number == CLOUD_COAP_OPTION_SEQUENCE || older) {
        m->seq_len = len < sizeof m->seq ? len : sizeof m->seq;
        memcpy(m->seq, value, m->seq_len);
        m->has_seq = true;
    } else if (number != O_HOST && number != O_PORT && number % 2 == 1) {
        m->bad_option = true;
    }
}

static bool read_options(struct message *m, const uint8_t *at, const uint8_t *end)
{
    uint32_t number = 0;

    while (at < end && *at != 0xff) {
        uint32_t delta = *at >> 4, len = *at & 15;
        at++;
        if (!read_length(&at, end, &delta) || !read_length(&at, end, &len) ||
            len > (size_t)(end - at))
            return false;
        number += delta;
        take_option(m, number, at, len);
        at += len;
    }
    if (at == end)
        return true;
    m->payload = at + 1;
    m->payload_len = (size_t)(end - at - 1);
    return m->payload_len > 0;
}

static bool read_message(struct message *m, struct iot_bytes in)
{
    memset(m, 0, sizeof *m);
    m->format = m->accept = -1;
    m->payload = in.ptr;
    if (in.len < 4 || in.ptr[0] >> 6 != 1)
        return false;
    m->type = (enum type)(in.ptr[0] >> 4 & 3);
    m->token_len = in.ptr[0] & 15;
    m->code = in.ptr[1];
    m->id = (uint16_t)(in.ptr[2] << 8 | in.ptr[3]);
    m->token = in.ptr + 4;
    if (m->code == 0)
        return in.len == 4 && m->token_len == 0;
    return m->token_len <= TOKEN_MAX && in.len >= 4u + m->token_len &&
           read_options(m, in.ptr + 4 + m->token_len, in.ptr + in.len);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static size_t put_head(uint8_t *out, enum type type, uint8_t code, uint16_t id,
                       const uint8_t *token, uint8_t token_len)
{
    out[0] = (uint8_t)(0x40 | (unsigned)type << 4 | token_len);
    out[1] = code;
    out[2] = (uint8_t)(id >> 8);
    out[3] = (uint8_t)id;
    if (token_len > 0)
        memcpy(out + 4, token, token_len);
    return 4u + token_len;
}

static size_t put_option(uint8_t *out, uint32_t delta, const uint8_t *value, size_t len)
{
    size_t n = 1;

    out[0] = (uint8_t)((delta < 13 ? delta : delta < 269 ? 13u : 14u) << 4 | (len < 13 ? len : 13));
    if (delta >= 269) {
        out[n++] = (uint8_t)((delta - 269) >> 8);
        out[n++] = (uint8_t)(delta - 269);
    } else if (delta >= 13) {
        out[n++] = (uint8_t)(delta - 13);
    }
    if (len >= 13)
        out[n++] = (uint8_t)(len - 13);
    memcpy(out + n, value, len);
    return n + len;
}

static struct world_coap_parcel *new_parcel(struct world_coap *w, const struct world_udp_from *to,
                                            uint32_t delay_ms)
{
    struct world_coap_parcel *p = calloc(1, sizeof *p), **end = &w->parcels;

    if (p == NULL)
        abort();
    p->to = *to;
    p->due_ms = world_ms() + delay_ms;
    while (*end != NULL)
        end = &(*end)->next;
    *end = p;
    world_loop_stir(&w->actor);
    return p;
}

static void post_empty(struct world_coap *w, const struct world_udp_from *to, enum type type,
                       uint16_t id)
{
    struct world_coap_parcel *p = new_parcel(w, to, 0);

    p->len = (uint32_t)put_head(p->bytes, type, 0, id, NULL, 0);
}

static void post_answer(struct world_coap *w, const struct world_udp_from *to,
                        const struct message *m, const struct cloud_coap_answer *a,
                        uint32_t delay_ms)
{
    struct world_coap_parcel *p = new_parcel(w, to, delay_ms);
    enum type type = m->type == T_NON ? T_NON : a->separate ? T_CON : T_ACK;
    uint8_t format = (uint8_t)a->format;
    size_t n = put_head(p->bytes, type, a->code, type == T_ACK ? m->id : w->next_id++, m->token,
                        m->token_len);

    if (a->format >= 0)
        n += put_option(p->bytes + n, O_FORMAT, &format, a->format > 0);
    if (a->seq_len > 0)
        n += put_option(p->bytes + n,
                        CLOUD_COAP_OPTION_SEQUENCE - (a->format >= 0 ? (uint32_t)O_FORMAT : 0u),
                        a->seq, a->seq_len);
    if (a->payload_len > 0 && a->payload_len < DATAGRAM_MAX - n) {
        p->bytes[n++] = 0xff;
        memcpy(p->bytes + n, a->payload, a->payload_len);
        n += a->payload_len;
    }
    p->len = (uint32_t)n;
    p->wait_ms = ACK_MS;
    p->tries = type == T_CON ? RETRIES : 0;
}

static void answer(struct world_coap *w, const struct world_udp_from *to, const struct message *m,
                   const struct cloud_coap_answer *a, bool again, bool early)
{
    if (a->drop)
        return;
    if (m->type == T_CON && a->separate)
        post_empty(w, to, T_ACK, m->id);
    if (again && (early || a->separate || m->type == T_NON))
        return;
    post_answer(w, to, m, a, again ? 0 : a->delay_ms);
    if (a->twice)
        post_answer(w, to, m, a, a->delay_ms);
}

static uint64_t tick(void *ctx, uint64_t now)
{
    struct world_coap *w = ctx;
    uint64_t next = WORLD_NEVER;

    for (struct world_coap_parcel **at = &w->parcels; *at != NULL;) {
        struct world_coap_parcel *p = *at;
        if (p->due_ms <= now) {
            if (!w->down)
                world_udp_send(&w->udp, &p->to, (struct iot_bytes){p->bytes, p->len});
            p->due_ms = now + p->wait_ms;
            p->wait_ms *= 2;
            if (p->tries == 0) {
                w->given_up += (p->bytes[0] >> 4 & 3) == T_CON;
                *at = p->next;
                free(p);
                continue;
            }
            p->tries--;
        }
        next = p->due_ms < next ? p->due_ms : next;
        at = &p->next;
    }
    return next;
}

/* ACK or RST of a CON of ours. */
static void take_ack(struct world_coap *w, const struct world_udp_from *from, uint16_t id)
{
    for (struct world_coap_parcel **at = &w->parcels; *at != NULL; at = &(*at)->next) {
        struct world_coap_parcel *p = *at;
        if ((p->bytes[0] >> 4 & 3) == T_CON && p->to.ip == from->ip && p->to.port == from->port &&
            (p->bytes[2] << 8 | p->bytes[3]) == id) {
            *at = p->next;
            free(p);
            return;
        }
    }
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void take_request(struct world_coap *w, const struct world_udp_from *from,
                         const struct message *m)
{
    char peer[CLOUD_COAP_PEER_MAX + 1];
    struct cloud_coap_answer a = {.code = CLOUD_COAP_CODE(4, 2), .format = -1};
    uint64_t now = world_ms();

    snprintf(peer, sizeof peer, "%08x:%u", (unsigned)from->ip, from->port);
    const struct cloud_coap_seen_row *row = cloud_coap_seen_find(w->seen, peer, m->id, now);
    if (row != NULL) {
        w->copies++;
        answer(w, from, m, &row->answer, true, now - row->since_ms < row->answer.delay_ms);
        return;
    }
    const struct cloud_coap_request q = {.way = w->way,
                                         .identity = w->identity,
                                         .method = m->code,
                                         .path = m->path,
                                         .format = m->format,
                                         .accept = m->accept,
                                         .token = m->has_pass ? m->pass : NULL,
                                         .seq = m->has_seq ? m->seq : NULL,
                                         .seq_len = m->seq_len,
                                         .payload = m->payload,
                                         .payload_len = m->payload_len};
    w->requests++;
    if (!m->bad_option)
        cloud_coap(w->cloud, &q, now, &a);
    cloud_coap_seen_keep(w->seen, peer, m->id, &a, now);
    if (w->on_answer != NULL)
        w->on_answer(w->ctx, &q, &a);
    answer(w, from, m, &a, false, false);
    cloud_coap_free(&a);
}

static void on_datagram(void *ctx, struct world_udp *u, const struct world_udp_from *from,
                        struct iot_bytes bytes)
{
    struct world_coap *w = ctx;
    struct message m;
    (void)u;

    if (w->down)
        return;
    bool ok = read_message(&m, bytes);
    w->ill += !ok;
    if (ok && m.code >= 1 && m.code < 32 && (m.type == T_CON || m.type == T_NON))
        take_request(w, from, &m);
    else if (ok && m.code == 0 && (m.type == T_ACK || m.type == T_RST))
        take_ack(w, from, m.id);
    else if (bytes.len >= 4 && m.type == T_CON) {
        w->resets++;
        post_empty(w, from, T_RST, m.id);
    }
}

/* ---- Start ----------------------------------------------------------------------------------- */

void world_coap_start(struct world_coap *w, struct cloud *cloud, uint16_t port)
{
    memset(w, 0, sizeof *w);
    w->cloud = cloud;
    w->seen = calloc(1, sizeof *w->seen);
    if (w->seen == NULL)
        abort();
    world_udp_open(&w->udp, port, on_datagram, w);
    w->actor = (struct world_actor){.tick = tick, .ctx = w, .attention = WORLD_STIRRED};
    world_loop_add(&w->actor);
}

static void drop_parcels(struct world_coap *w)
{
    while (w->parcels != NULL) {
        struct world_coap_parcel *p = w->parcels;
        w->parcels = p->next;
        free(p);
    }
}

void world_coap_forget(struct world_coap *w)
{
    drop_parcels(w);
    cloud_coap_seen_clear(w->seen);
    memset(w->cloud->coap, 0, sizeof w->cloud->coap);
    w->next_id = (uint16_t)(w->next_id + 1000u);
    world_trace("coap: the platform has forgotten all");
}

void world_coap_end(struct world_coap *w)
{
    drop_parcels(w);
    cloud_coap_seen_clear(w->seen);
    free(w->seen);
    w->seen = NULL;
    world_loop_remove(&w->actor);
    world_udp_close(&w->udp);
}
