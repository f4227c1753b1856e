/* SPDX-License-Identifier: Apache-2.0 */
/* A server that behaves, in virtual time, and a wire between it and an exchange that loses, doubles, delays. The server knows one
 * resource: it can be read, written and watched, in blocks; it answers at once or later, and executes nothing twice. */
#ifndef COAP_PEER_H
#define COAP_PEER_H

#include "coap_rig.h"

#define PEER_BODY_MAX 4096u
#define PEER_MEMORY   1024u
#define WIRE_MAX      64u

struct peer_datagram {
    uint8_t bytes[IOT_COAP_BYTES];
    uint32_t len;
};

struct peer {
    /* How it is. */
    bool
        separate; /* an empty acknowledgement first, the response 50 ms later, as a confirmable message */
    bool non;        /* ... or not confirmable; notifications, too */
    bool forgets;    /* keeps no list of messages: executes copies */
    uint8_t szx;     /* blocks as it likes them */
    uint32_t answer; /* bytes of the body that answers POST */
    uint32_t max_age_s;

    uint8_t body[PEER_BODY_MAX];
    uint32_t len;
    uint32_t version; /* of the body, as ETag */
    /* What is being written. */
    uint8_t upload[PEER_BODY_MAX];
    uint32_t upload_len;
    uint8_t tag[8], tag_len;
    uint32_t executed[8];  /* by method; GET's and FETCH's do no harm */
    uint8_t written[1024]; /* how often a body was written, by the number that it begins with */
    uint32_t pings;

    /* Messages that came: answered alike when they come again. */
    struct {
        iot_time until;
        uint16_t id;
        struct peer_datagram reply; /* len 0: nothing was said */
    } came[PEER_MEMORY];
    uint32_t came_next;

    /* What it sent and wants to be acknowledged. */
    struct {
        bool used, begun;
        uint16_t id;
        iot_time due;
        uint32_t timeout_ms, tries;
        struct peer_datagram d;
        bool notifies;
    } out[8];
    uint16_t next_id;

    bool watched;
    struct seen watcher;
    uint32_t order;
    uint32_t rejected; /* of ours */
};

/* A datagram under way. */
struct wire {
    struct {
        bool used, to_peer;
        iot_time at;
        struct peer_datagram d;
    } on[WIRE_MAX];
    uint32_t sent; /* so far, both ways */
    uint32_t latency_ms;
    /* What happens to which: see wire_put. */
    uint32_t (*fate)(void *ctx, uint32_t nth, uint32_t *delay_ms);
    void *ctx;
};

struct world {
    struct rig rig;
    struct peer peer;
    struct wire wire;
};

/* ---- The wire ---------------------------------------------------------------------------- */

static inline void wire_add(struct world *w, bool to_peer, const uint8_t *bytes, uint32_t len,
                            uint32_t delay_ms)
{
    for (uint32_t i = 0; i < WIRE_MAX; i++) {
        if (w->wire.on[i].used)
            continue;
        w->wire.on[i].used = true;
        w->wire.on[i].to_peer = to_peer;
        w->wire.on[i].at = w->rig.now + w->wire.latency_ms + delay_ms;
        w->wire.on[i].d.len = len;
        memcpy(w->wire.on[i].d.bytes, bytes, len);
        return;
    }
    fail_msg("the wire is full");
}

/* `fate` says how many copies arrive (the second 7 ms after the first), and how much later than usual. */
static inline void wire_put(struct world *w, bool to_peer, const uint8_t *bytes, uint32_t len)
{
    uint32_t delay = 0, copies = 1, nth = w->wire.sent++;

    if (w->wire.fate != NULL)
        copies = w->wire.fate(w->wire.ctx, nth, &delay);
    for (uint32_t i = 0; i < copies; i++)
        wire_add(w, to_peer, bytes, len, delay + 7 * i);
}

/* ---- The server -------------------------------------------------------------------------- */

static inline void peer_say(struct world *w, const struct peer_datagram *d)
{
    wire_put(w, false, d->bytes, d->len);
}

static inline void peer_empty(struct world *w, uint8_t type, uint16_t id, struct peer_datagram *d)
{
    struct iot_coap_encoder e;

    iot_coap_encode(&e, d->bytes, sizeof d->bytes, type, 0, id, (struct iot_bytes){NULL, 0});
    d->len = e.len;
    peer_say(w, d);
}

/* To be sent at `due`, and again until it is acknowledged. */
static inline void peer_queue(struct world *w, const struct peer_datagram *d, uint16_t id,
                              iot_time due, bool notifies)
{
    struct peer *p = &w->peer;

    for (uint32_t i = 0; i < COUNT(p->out); i++) {
        if (p->out[i].used)
            continue;
        p->out[i].used = true;
        p->out[i].begun = false;
        p->out[i].id = id;
        p->out[i].due = due;
        p->out[i].timeout_ms = 2500;
        p->out[i].tries = 0;
        p->out[i].d = *d;
        p->out[i].notifies = notifies;
        return;
    }
}

struct peer_answer {
    uint8_t code;
    bool has_block1, has_block2, has_observe, has_etag;
    struct iot_coap_block block1, block2;
    const uint8_t *bytes;
    uint32_t len;
};

static inline void peer_encode(const struct peer *p, struct peer_datagram *d, uint8_t type,
                               uint16_t id, struct iot_bytes token, const struct peer_answer *a)
{
    struct iot_coap_encoder e;

    iot_coap_encode(&e, d->bytes, sizeof d->bytes, type, a->code, id, token);
    if (a->has_etag)
        iot_coap_put_uint(&e, IOT_COAP_ETAG, p->version);
    if (a->has_observe)
        iot_coap_put_uint(&e, IOT_COAP_OBSERVE, p->order & 0xffffff);
    if (p->max_age_s != 0)
        iot_coap_put_uint(&e, IOT_COAP_MAX_AGE, p->max_age_s);
    if (a->has_block2)
        iot_coap_put_uint(&e, IOT_COAP_BLOCK2, iot_coap_block_value(&a->block2));
    if (a->has_block1)
        iot_coap_put_uint(&e, IOT_COAP_BLOCK1, iot_coap_block_value(&a->block1));
    iot_coap_put_payload(&e, (struct iot_bytes){a->bytes, a->len});
    assert_false(e.overflow);
    d->len = e.len;
}

/* One block of `len` bytes at `body`, as it was asked for. */
static inline void peer_slice(const struct peer *p, const struct iot_coap_message *m,
                              const uint8_t *body, uint32_t len, struct peer_answer *a)
{
    struct iot_coap_option o;
    struct iot_coap_block want = {0, false, p->szx};
    uint32_t from, size;

    if (option_of(m, IOT_COAP_BLOCK2, &o)) {
        assert_true(iot_coap_block_read(&o, &want));
        if (want.szx > p->szx) {
            want.number <<= want.szx - p->szx;
            want.szx = p->szx;
        }
    }
    size = 16u << want.szx;
    from = want.number * size;
    if (from > len || (from == len && from != 0)) {
        a->code = IOT_COAP_CODE(4, 0);
        return;
    }
    a->bytes = body + from;
    a->len = len - from < size ? len - from : size;
    a->block2 = want;
    a->block2.more = from + a->len < len;
    a->has_block2 = len > size || want.number != 0;
}

static inline void peer_write(struct peer *p, const struct iot_coap_message *m,
                              struct peer_answer *a)
{
    struct iot_coap_option o;
    struct iot_coap_block block = {0, false, 0};
    uint32_t from = 0;
    bool blocks = option_of(m, IOT_COAP_BLOCK1, &o);

    if (blocks) {
        assert_true(iot_coap_block_read(&o, &block));
        assert_true(option_of(m, IOT_COAP_REQUEST_TAG, &o));
        from = block.number * (16u << block.szx);
        assert_true(!block.more || m->payload.len == 16u << block.szx);
        if (from == 0) {
            p->tag_len = (uint8_t)o.value.len;
            memcpy(p->tag, o.value.ptr, o.value.len);
            p->upload_len = 0;
        }
        a->has_block1 = true;
        a->block1 = block;
        if (block.szx > p->szx)
            a->block1.szx = p->szx;
        if (from > p->upload_len || p->tag_len != o.value.len ||
            memcmp(p->tag, o.value.ptr, o.value.len) != 0) {
            a->code = IOT_COAP_CODE(4, 8);
            return;
        }
    }
    assert_true(from + m->payload.len <= PEER_BODY_MAX);
    memcpy(p->upload + from, m->payload.ptr, m->payload.len);
    p->upload_len = from + m->payload.len;
    if (block.more) {
        a->code = IOT_COAP_CODE(2, 31);
        return;
    }
    p->executed[m->code]++;
    if (p->upload_len >= 2)
        p->written[(p->upload[0] | (uint32_t)p->upload[1] << 8) % COUNT(p->written)]++;
    p->version++;
    memcpy(p->body, p->upload, p->upload_len);
    p->len = p->upload_len;
    p->tag_len = 0;
    a->code = IOT_COAP_CODE(2, 4);
    if (m->code == IOT_COAP_POST && p->answer != 0)
        peer_slice(p, m, pattern_bytes(p->answer), p->answer, a);
}

static inline void peer_watch(struct peer *p, const struct iot_coap_message *m,
                              struct peer_answer *a)
{
    struct iot_coap_option o;

    if (!option_of(m, IOT_COAP_OBSERVE, &o))
        return;
    p->watched = iot_coap_uint(&o) == 0;
    p->watcher.token_len = (uint8_t)m->token.len;
    memcpy(p->watcher.token, m->token.ptr, m->token.len);
    a->has_observe = p->watched;
}

static inline void peer_answered(struct peer *p, const struct iot_coap_message *m)
{
    for (uint32_t i = 0; i < COUNT(p->out); i++) {
        if (!p->out[i].used || p->out[i].id != m->id)
            continue;
        p->out[i].used = false;
        if (m->type == IOT_COAP_RST) {
            p->rejected++;
            if (p->out[i].notifies)
                p->watched = false;
        }
    }
}

static inline void peer_take(struct world *w, const struct peer_datagram *d)
{
    struct peer *p = &w->peer;
    struct peer_answer a = {.code = IOT_COAP_CODE(2, 5), .has_etag = true};
    struct peer_datagram *reply, later;
    struct iot_coap_message m;
    uint32_t n = p->came_next;

    assert_int_equal(iot_coap_decode((struct iot_bytes){d->bytes, d->len}, &m), IOT_OK);
    if (m.type == IOT_COAP_ACK || m.type == IOT_COAP_RST) {
        assert_int_equal(m.code, 0);
        peer_answered(p, &m);
        return;
    }
    for (uint32_t i = 0; i < PEER_MEMORY && !p->forgets; i++) {
        if (p->came[i].until > w->rig.now && p->came[i].id == m.id) {
            if (p->came[i].reply.len != 0)
                peer_say(w, &p->came[i].reply);
            return;
        }
    }
    p->came_next = (n + 1) % PEER_MEMORY;
    assert_true(p->came[n].until <= w->rig.now || w->peer.forgets);
    p->came[n].until = w->rig.now + 247000;
    p->came[n].id = m.id;
    reply = &p->came[n].reply;
    reply->len = 0;
    if (m.code == 0) {
        p->pings++;
        peer_empty(w, IOT_COAP_RST, m.id, reply);
        return;
    }
    if (m.code == IOT_COAP_GET || m.code == IOT_COAP_FETCH) {
        p->executed[m.code]++;
        peer_slice(p, &m, p->body, p->len, &a);
        peer_watch(p, &m, &a);
    } else if (option_uint(&m, IOT_COAP_BLOCK2) >> 4 > 0) { /* more of the answer to POST */
        a.code = IOT_COAP_CODE(2, 4);
        peer_slice(p, &m, pattern_bytes(p->answer), p->answer, &a);
    } else {
        a.has_etag = p->answer == 0;
        peer_write(p, &m, &a);
    }
    if (m.code == IOT_COAP_POST)
        a.has_etag = false;
    if (m.type == IOT_COAP_CON && !p->separate) {
        peer_encode(p, reply, IOT_COAP_ACK, m.id, m.token, &a);
        peer_say(w, reply);
        return;
    }
    if (m.type == IOT_COAP_CON)
        peer_empty(w, IOT_COAP_ACK, m.id, reply);
    peer_encode(p, &later, p->non ? IOT_COAP_NON : IOT_COAP_CON, p->next_id, m.token, &a);
    peer_queue(w, &later, p->next_id++, w->rig.now + 50, a.has_observe);
}

/* The body is another now; who watches is told. What was said before and not acknowledged makes way (RFC 7641 4.5.2). */
static inline void peer_change(struct world *w, const void *bytes, uint32_t len)
{
    struct peer *p = &w->peer;
    struct peer_answer a = {.code = IOT_COAP_CODE(2, 5), .has_etag = true, .has_observe = true};
    struct peer_datagram d;
    struct iot_coap_message none = {0};

    memcpy(p->body, bytes, len);
    p->len = len;
    p->version++;
    p->order++;
    if (!p->watched)
        return;
    for (uint32_t i = 0; i < COUNT(p->out); i++) {
        if (p->out[i].used && p->out[i].notifies)
            p->out[i].used = false;
    }
    peer_slice(p, &none, p->body, p->len, &a);
    peer_encode(p, &d, p->non ? IOT_COAP_NON : IOT_COAP_CON, p->next_id,
                (struct iot_bytes){p->watcher.token, p->watcher.token_len}, &a);
    peer_queue(w, &d, p->next_id++, w->rig.now, true);
}

static inline void peer_tick(struct world *w)
{
    struct peer *p = &w->peer;

    for (uint32_t i = 0; i < COUNT(p->out); i++) {
        if (!p->out[i].used || p->out[i].due > w->rig.now)
            continue;
        if (p->out[i].tries++ == 5) {
            p->out[i].used = false;
            p->watched &= !p->out[i].notifies;
            continue;
        }
        peer_say(w, &p->out[i].d);
        if (p->non)
            p->out[i].used = false;
        p->out[i].due = w->rig.now + p->out[i].timeout_ms;
        p->out[i].timeout_ms *= 2;
    }
}

/* ---- Together ---------------------------------------------------------------------------- */

static inline void world_init(struct world *w, uint32_t seed)
{
    memset(w, 0, sizeof *w);
    rig_init(&w->rig, seed);
    w->peer.szx = 6;
    w->peer.next_id = (uint16_t)(seed * 7919);
    w->wire.latency_ms = 20;
}

static inline iot_time world_next(const struct world *w)
{
    iot_time next = iot_coap_exchange_deadline(&w->rig.x);

    for (uint32_t i = 0; i < WIRE_MAX; i++) {
        if (w->wire.on[i].used && w->wire.on[i].at < next)
            next = w->wire.on[i].at;
    }
    for (uint32_t i = 0; i < COUNT(w->peer.out); i++) {
        if (w->peer.out[i].used && w->peer.out[i].due < next)
            next = w->peer.out[i].due;
    }
    return next;
}

/* All that is due now, and what follows from it at once. */
static inline void world_now(struct world *w)
{
    uint32_t bound = 1000;
    bool again = true;

    while (again) {
        again = false;
        if (bound-- == 0)
            fail_msg("the world does not come to rest");
        for (uint32_t i = 0; i < WIRE_MAX; i++) {
            if (!w->wire.on[i].used || w->wire.on[i].at > w->rig.now)
                continue;
            struct peer_datagram d = w->wire.on[i].d;
            w->wire.on[i].used = false;
            again = true;
            if (w->wire.on[i].to_peer)
                peer_take(w, &d);
            else
                rig_take(&w->rig, (struct iot_bytes){d.bytes, d.len});
        }
        peer_tick(w);
        rig_expire(&w->rig);
        while (rig_out(&w->rig)) {
            wire_put(w, true, w->rig.bytes, w->rig.len);
            again = true;
        }
    }
}

/* On to `when`; deadlines are what it is woken by, so one that is missing shows. */
static inline void world_until(struct world *w, iot_time when)
{
    world_now(w);
    for (uint32_t bound = 0; world_next(w) <= when; bound++) {
        iot_time next = world_next(w);
        if (bound > 20000)
            fail_msg("the world spins");
        w->rig.now = next > w->rig.now ? next : w->rig.now;
        world_now(w);
    }
    w->rig.now = when;
    world_now(w);
}

/* Until `app` has its end, for `most_ms` at most. */
static inline void world_run(struct world *w, const struct app *app, uint32_t most_ms)
{
    iot_time end = w->rig.now + most_ms;

    world_now(w);
    while (app->ends == 0 && w->rig.now < end) {
        iot_time next = world_next(w);
        world_until(w, next < end ? next : end);
    }
}

#endif
