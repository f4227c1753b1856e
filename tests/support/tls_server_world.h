/* SPDX-License-Identifier: Apache-2.0 */
/* A client and a server of DTLS, both ours, in virtual time, and a wire between them that counts datagrams of both directions, from 1,
 * and does to one of them what a test says; for a test program that includes this once. In front of the server stands what a
 * server of CoAP has there: who is not known is asked for a cookie. */
#ifndef TLS_SERVER_WORLD_H
#define TLS_SERVER_WORLD_H

#include "test.h"

#include "heap_trap.h"
#include "stub_dgram.h"
#include "tls/iot_tls_cookie.h"
#include "tls/iot_tls_dgram.h"
#include "tls/iot_tls_mbedtls.h"

#define LOG_MAX 64u

static const struct iot_endpoint there = {.host = "192.0.2.1", .port = 5684};
static const uint8_t secret[16] = "of fifteen byte";

struct end {
    struct stub_dgram stub;
    struct iot_dtls dtls;
    struct iot_tls_options opt;
    bool wake;
    iot_err err; /* of its last tick */
    uint8_t arena[24576] __attribute__((aligned(8)));
};

struct datagram {
    bool ours; /* of the client */
    uint32_t len;
    uint8_t bytes[2048];
};

enum trick { GOOD, LOSE, DOUBLE, SWAP };

static struct {
    struct end client, server;
    struct iot_port port;
    struct iot_dtls_accept accept;
    struct iot_dtls_options cdopt, sdopt;
    const char *name; /* whom the server knows, and his key */
    struct iot_bytes key;
    iot_time now;
    uint32_t randoms, asked, questions, refused;
    bool open; /* the server's end */
    enum trick trick;
    uint32_t trick_at, count;
    struct datagram log[LOG_MAX], held;
} world, *const w = &world;

static inline iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)into)[i] = (uint8_t)(i + w->randoms);
    w->randoms++;
    return IOT_OK;
}

static inline iot_err find_key(void *ctx, struct iot_bytes identity, uint8_t key[IOT_TLS_PSK_MAX],
                               uint32_t *len)
{
    assert_ptr_equal(ctx, w);
    w->asked++;
    memset(key, 'k', IOT_TLS_PSK_MAX); /* what is refused is not used */
    *len = w->key.len;
    if (identity.len != strlen(w->name) || memcmp(identity.ptr, w->name, identity.len) != 0)
        return IOT_ERR_STATE;
    if (w->key.len <= IOT_TLS_PSK_MAX)
        memcpy(key, w->key.ptr, w->key.len);
    return IOT_OK;
}

static inline int setup(void **state)
{
    (void)state;
    memset(w, 0, sizeof *w);
    w->now = 1000;
    w->port = (struct iot_port){.random = random_bytes};
    w->accept = (struct iot_dtls_accept){find_key, w};
    w->name = "lamp";
    w->key = BYTES("a key of 16 byte");
    w->client.opt = w->server.opt = (struct iot_tls_options){.kinds = IOT_TLS_PSK};
    w->client.opt.psk = BYTES("a key of 16 byte");
    w->client.opt.psk_identity = BYTES("lamp");
    struct end *ends[] = {&w->client, &w->server};
    for (uint32_t i = 0; i < 2; i++) {
        stub_dgram_init(&ends[i]->stub);
        ends[i]->opt.arena = ends[i]->arena;
        ends[i]->opt.arena_bytes = sizeof ends[i]->arena;
        ends[i]->err = IOT_ERR_AGAIN;
    }
    iot_dtls_init(&w->client.dtls, &w->client.stub.base, &w->client.opt, &w->cdopt, &w->port);
    iot_dtls_init_server(&w->server.dtls, &w->server.stub.base, &w->server.opt, &w->sdopt, &w->port,
                         &w->accept);
    w->client.dtls.base.wake = &w->client.wake;
    w->server.dtls.base.wake = &w->server.wake;
    return 0;
}

static inline void settle_end(struct end *e)
{
    struct iot_tls_memory memory;
    e->dtls.base.ops->abort(&e->dtls.base);
    iot_tls_core_memory(&e->dtls.core, &memory);
    assert_int_equal(memory.used + memory.blocks, 0);
    assert_true(e->dtls.base.ops->idle(&e->dtls.base));
}

static inline int teardown(void **state)
{
    (void)state;
    settle_end(&w->client);
    settle_end(&w->server);
    assert_null(iot_arena_enter(NULL));
    return 0;
}

/* ---- The wire ---------------------------------------------------------------------------- */

static inline iot_err tick(struct end *e)
{
    e->wake = false;
    heap_trap_on();
    e->err = e->dtls.base.ops->poll(&e->dtls.base, w->now);
    heap_trap_off();
    return e->err;
}

/* What comes to the server's port. */
static inline void arrive(struct iot_bytes d)
{
    uint8_t answer[IOT_TLS_HELLO_VERIFY_BYTES];
    if (w->open) {
        if (w->server.stub.state == DGRAM_UP)
            stub_dgram_receive(&w->server.stub, d);
        return;
    }
    switch (iot_tls_hello(guarded(d), secret, BYTES("peer"), answer)) {
    case IOT_TLS_HELLO_NONE:
        w->refused++;
        break;
    case IOT_TLS_HELLO_ASK:
        w->questions++;
        assert_true(sizeof answer <= d.len);
        stub_dgram_receive(&w->client.stub, (struct iot_bytes){answer, sizeof answer});
        break;
    case IOT_TLS_HELLO_PROVEN:
        w->open = true;
        assert_err(w->server.dtls.base.ops->open(&w->server.dtls.base, &there, w->now), IOT_OK);
        tick(&w->server);
        stub_dgram_receive(&w->server.stub, d);
        break;
    }
}

static inline void deliver(const struct datagram *d)
{
    if (d->ours)
        arrive((struct iot_bytes){d->bytes, d->len});
    else if (w->client.stub.state == DGRAM_UP)
        stub_dgram_receive(&w->client.stub, (struct iot_bytes){d->bytes, d->len});
}

static inline void release(void)
{
    struct datagram held = w->held;
    w->held.len = 0;
    if (held.len != 0)
        deliver(&held);
}

static inline void carry_one(bool ours, struct iot_bytes bytes)
{
    assert_true(w->count < LOG_MAX && bytes.len <= sizeof w->log[0].bytes);
    struct datagram *d = &w->log[w->count++];
    d->ours = ours;
    memcpy(d->bytes, bytes.ptr, d->len = bytes.len);
    bool passes = w->held.len != 0 && w->held.ours == ours;
    enum trick trick = w->count == w->trick_at ? w->trick : GOOD;
    if (trick == LOSE)
        return;
    if (trick == SWAP) {
        w->held = *d;
        return;
    }
    if (trick == DOUBLE)
        deliver(d);
    deliver(d);
    if (passes)
        release();
}

static inline bool carry(void)
{
    struct iot_bytes d;
    bool any = false;
    while (stub_dgram_sent(&w->client.stub, &d)) {
        carry_one(true, d);
        any = true;
    }
    while (stub_dgram_sent(&w->server.stub, &d)) {
        carry_one(false, d);
        any = true;
    }
    return any;
}

/* As its owner does: read, though nothing is to come; only so a flight is said again. */
static inline void tick_server(void)
{
    uint8_t none[16];
    uint32_t n;
    if (!w->open || tick(&w->server) != IOT_OK)
        return;
    assert_err(w->server.dtls.base.ops->read(&w->server.dtls.base, none, sizeof none, &n),
               IOT_ERR_AGAIN);
}

/* At this moment, until nothing happens any more. */
static inline void settle(void)
{
    uint32_t ticks = 0;
    bool more;
    do {
        tick(&w->client);
        tick_server();
        more = carry() || w->client.wake || w->server.wake;
        if (!more && w->held.len != 0) {
            release();
            more = true;
        }
        assert_true(++ticks < 5000);
    } while (more);
}

static inline bool undecided(void)
{
    return w->client.err == IOT_ERR_AGAIN || (w->open && w->server.err == IOT_ERR_AGAIN);
}

/* Until both are up or over, in two minutes. */
static inline void run(void)
{
    iot_time end = w->now + 120000;
    settle();
    while (undecided() && w->now < end) {
        iot_time a = w->client.dtls.base.ops->deadline(&w->client.dtls.base);
        iot_time b = w->server.dtls.base.ops->deadline(&w->server.dtls.base);
        iot_time next = a < b ? a : b;
        assert_true(next != IOT_TIME_NEVER);
        w->now = next > w->now ? next : w->now + 1;
        settle();
    }
}

static inline void begin(void)
{
    assert_err(iot_dtls_check(&w->client.opt, &w->cdopt, false), IOT_OK);
    assert_err(w->client.dtls.base.ops->open(&w->client.dtls.base, &there, w->now), IOT_OK);
}

static inline void connect_both(void)
{
    begin();
    run();
    assert_err(w->client.err, IOT_OK);
    assert_err(w->server.err, IOT_OK);
}

static inline void say(struct end *e, const char *text)
{
    heap_trap_on();
    iot_err err = e->dtls.base.ops->write(&e->dtls.base, text_bytes(text), w->now);
    heap_trap_off();
    assert_err(err, IOT_OK);
    carry();
}

/* NULL: nothing. */
static const char *hear(struct end *e)
{
    static uint8_t text[2048];
    uint32_t n = 0, ticks = 0;
    iot_err err;
    do {
        if (tick(e) != IOT_OK)
            return NULL;
        heap_trap_on();
        err = e->dtls.base.ops->read(&e->dtls.base, text, sizeof text - 1, &n);
        heap_trap_off();
        assert_true(++ticks < 100);
    } while (err == IOT_ERR_AGAIN && e->wake);
    carry();
    if (err != IOT_OK)
        return NULL;
    text[n] = '\0';
    return (const char *)text;
}

static inline void talk(void)
{
    say(&w->client, "up");
    assert_string_equal(hear(&w->server), "up");
    say(&w->server, "down");
    assert_string_equal(hear(&w->client), "down");
    assert_null(hear(&w->server));
    assert_null(hear(&w->client));
}

#endif
