/* SPDX-License-Identifier: Apache-2.0 */
/* A server of CoAP over stub sockets in virtual time, and clients with DTLS of ours around it, for a test program that includes
 * this once. */
#ifndef SERVE_WORLD_H
#define SERVE_WORLD_H

#include "heap_trap.h"
#include "no_tcp.h"
#include "stub_dgram.h"
#include "stub_socket.h"

#include "coap/iot_coap_listen.h"
#include "tls/iot_tls_cookie.h"

#define CLIENTS 6u

static struct stub_socket plain, secure;
static struct iot_coap_server server;
static struct iot_coap_server_options options;
static struct iot_port port;
static iot_time now;
static bool wake;
static iot_err random_says;
static uint32_t randoms, called, ticks;
static struct iot_coap_call last_call;
static char last_identity[64];
static void (*in_call)(void);

static iot_err on_random(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)into)[i] = (uint8_t)(i + 31 * randoms);
    randoms++;
    return random_says;
}

static void on_light(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx;
    called++;
    last_call = *call;
    assert_true(call->identity.len < sizeof last_identity);
    memset(last_identity, 0, sizeof last_identity);
    if (call->identity.len != 0)
        memcpy(last_identity, call->identity.ptr, call->identity.len);
    memcpy(answer->body.ptr, "on", answer->body.len = 2);
    if (in_call != NULL)
        in_call();
}

static const struct iot_coap_resource resources[] = {
    {"light", IOT_COAP_CAN_GET | IOT_COAP_OBSERVABLE, NULL, on_light, NULL},
};

static inline void tick(void)
{
    wake = false;
    ticks++;
    heap_trap_on();
    iot_coap_server_run(&server, now);
    heap_trap_off();
}

/* As a device does: only when something is to be done. */
static inline bool turn(void)
{
    if (!wake && now < iot_coap_server_deadline(&server))
        return false;
    tick();
    return true;
}

static inline void turn_all(void)
{
    for (uint32_t i = 0; turn(); i++)
        assert_true(i < 1000);
}

static inline struct iot_peer peer_number(uint32_t i)
{
    struct iot_peer p = {
        .addr = {192, 0, 2, (uint8_t)i}, .port = (uint16_t)(40000 + i), .family = 4};
    return p;
}

/* GET /light with this message id and token: "44 01 id id token b5 light". */
static inline struct iot_bytes ask_light(uint8_t id)
{
    static uint8_t bytes[14] = "\x44\x01\0\0tok\0\xb5light";
    bytes[3] = bytes[7] = id;
    return (struct iot_bytes){bytes, sizeof bytes};
}

static inline bool is_answer(struct iot_bytes b, uint8_t id)
{
    return b.len == 11 && b.ptr[0] == 0x64 && b.ptr[1] == 0x45 && b.ptr[3] == id &&
           b.ptr[7] == id && memcmp(b.ptr + 8, "\xffon", 3) == 0;
}

#if IOT_FEATURE_DTLS_SERVER
static struct iot_coap_keys keys;
static uint8_t arena[32768] __attribute__((aligned(8)));

struct client {
    struct iot_peer peer;
    struct stub_dgram stub;
    struct iot_dtls dtls;
    struct iot_tls_options opt;
    bool wake, deaf; /* what it sends, and what comes to it, is lost */
    iot_err err;
    uint8_t arena[24576] __attribute__((aligned(8)));
};

static struct client clients[CLIENTS];

static iot_err find_key(void *ctx, struct iot_bytes identity, uint8_t key[64], uint32_t *len)
{
    (void)ctx;
    if (identity.len < 5 || memcmp(identity.ptr, "lamp", 4) != 0)
        return IOT_ERR_STATE;
    memcpy(key, "a key of 16 byte", *len = 16);
    return IOT_OK;
}

static inline void init_client(uint32_t i)
{
    static const char *const names[CLIENTS] = {"lamp0", "lamp1", "lamp2",
                                               "lamp3", "lamp4", "lamp5"};
    struct client *c = &clients[i];
    c->peer = peer_number(i + 1);
    stub_dgram_init(&c->stub);
    c->opt = (struct iot_tls_options){.kinds = IOT_TLS_PSK,
                                      .psk = BYTES("a key of 16 byte"),
                                      .psk_identity = text_bytes(names[i]),
                                      .arena = c->arena,
                                      .arena_bytes = sizeof c->arena};
    iot_dtls_init(&c->dtls, &c->stub.base, &c->opt, NULL, &port);
    c->dtls.base.wake = &c->wake;
    c->deaf = false;
    c->err = IOT_ERR_AGAIN;
}

static inline bool carry(void)
{
    const struct stub_parcel *p;
    struct iot_bytes d;
    bool any = false;
    for (uint32_t i = 0; i < CLIENTS; i++)
        while (stub_dgram_sent(&clients[i].stub, &d)) {
            any = true;
            if (!clients[i].deaf)
                stub_socket_receive(&secure, &clients[i].peer, d, false);
        }
    while ((p = stub_parcel_take(&secure.tx)) != NULL)
        for (uint32_t i = 0; i < CLIENTS; i++)
            if (memcmp(&p->peer, &clients[i].peer, sizeof p->peer) == 0 && !clients[i].deaf &&
                clients[i].stub.state == DGRAM_UP) {
                stub_dgram_receive(&clients[i].stub, (struct iot_bytes){p->bytes, p->len});
                any = true;
            }
    return any;
}

static inline void settle(void)
{
    bool more;
    uint32_t n = 0;
    do {
        more = false;
        for (uint32_t i = 0; i < CLIENTS; i++) {
            struct client *c = &clients[i];
            c->wake = false;
            c->err = c->dtls.base.ops->poll(&c->dtls.base, now);
            more |= c->wake && c->err == IOT_ERR_AGAIN;
        }
        more |= turn();
        more |= carry();
        assert_true(++n < 10000);
    } while (more);
}

static inline iot_time earliest(void)
{
    iot_time first = iot_coap_server_deadline(&server);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        iot_time its = clients[i].dtls.base.ops->deadline(&clients[i].dtls.base);
        first = its < first ? its : first;
    }
    return first;
}

static inline void pass(uint32_t ms)
{
    iot_time end = now + ms;
    settle();
    while (now < end) {
        iot_time next = earliest();
        now = next <= now ? now + 1 : next < end ? next : end;
        settle();
    }
}

static inline void open_client(struct client *c)
{
    static const struct iot_endpoint there = {.host = "192.0.2.99", .port = 5684};
    assert_err(c->dtls.base.ops->open(&c->dtls.base, &there, now), IOT_OK);
    c->err = IOT_ERR_AGAIN;
}

static inline void join(struct client *c)
{
    open_client(c);
    settle();
    assert_err(c->err, IOT_OK);
}

static inline void drop_client(struct client *c)
{
    c->dtls.base.ops->abort(&c->dtls.base);
}

/* Asks, and is answered. */
static inline bool serves(struct client *c, uint8_t id)
{
    uint8_t got[64];
    uint32_t n = 0;
    iot_err err = c->dtls.base.ops->write(&c->dtls.base, ask_light(id), now);
    if (err != IOT_OK)
        return false;
    settle();
    for (uint32_t i = 0; i < 64; i++) { /* what is not for it may have come first */
        c->wake = false;
        if (c->dtls.base.ops->poll(&c->dtls.base, now) != IOT_OK)
            return false;
        err = c->dtls.base.ops->read(&c->dtls.base, got, sizeof got, &n);
        if (err != IOT_ERR_AGAIN || !c->wake)
            break;
    }
    return err == IOT_OK && is_answer((struct iot_bytes){got, n}, id);
}

static inline uint32_t sessions(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        n += server.secure.sessions[i].number != 0;
    return n;
}

static inline struct iot_coap_server_counters counters(void)
{
    struct iot_coap_server_counters c;
    iot_coap_server_counters(&server, &c);
    return c;
}

/* What this client sends next, and it does not arrive. */
static inline struct iot_bytes catch (struct client *c)
{
    static uint8_t kept[4][STUB_SOCKET_BYTES];
    static uint32_t turn_of;
    uint8_t *into = kept[turn_of++ % 4];
    struct iot_bytes d;
    for (uint32_t i = 0; i < 20; i++) {
        if (stub_dgram_sent(&c->stub, &d)) {
            memcpy(into, d.ptr, d.len);
            return (struct iot_bytes){into, d.len};
        }
        c->err = c->dtls.base.ops->poll(&c->dtls.base, now);
    }
    fail_msg("says nothing");
    return d;
}

/* A ClientHello with a cookie that is right, of an association that goes no further. */
static inline struct iot_bytes proven_hello(struct client *c)
{
    open_client(c);
    struct iot_bytes hello = catch (c);
    stub_socket_receive(&secure, &c->peer, hello, false);
    turn_all();
    const struct stub_parcel *p = stub_parcel_take(&secure.tx);
    assert_non_null(p);
    assert_int_equal(p->len, IOT_TLS_HELLO_VERIFY_BYTES);
    stub_dgram_receive(&c->stub, (struct iot_bytes){p->bytes, p->len});
    return catch (c);
}

static inline void forget_sent(void)
{
    while (stub_parcel_take(&secure.tx) != NULL)
        ;
}

static inline void send_as(const struct iot_peer *peer, struct iot_bytes bytes)
{
    stub_socket_receive(&secure, peer, bytes, false);
    turn_all();
}
#endif

static int serve_setup(void **state)
{
    (void)state;
    stub_socket_init(&plain);
    stub_socket_init(&secure);
    memset(&server, 0xa5, sizeof server);
    memset(&server, 0, sizeof server);
    options = (struct iot_coap_server_options){.resources = resources,
                                               .resource_count = COUNT(resources),
                                               .plain = true,
                                               .socket = &plain.base,
                                               .secure_socket = &secure.base};
    port = (struct iot_port){.random = on_random};
    random_says = IOT_OK;
    now = 1000;
    randoms = called = ticks = 0;
    in_call = NULL;
#if IOT_FEATURE_DTLS_SERVER
    keys = (struct iot_coap_keys){.key = find_key, .arena = arena, .arena_bytes = sizeof arena};
    options.keys = &keys;
    for (uint32_t i = 0; i < CLIENTS; i++)
        init_client(i);
    assert_true(iot_coap_secure_check(&options));
#endif
    iot_coap_server_begin(&server, &options, &port, &wake);
    wake = true;
    return 0;
}

static int serve_teardown(void **state)
{
    (void)state;
    in_call = NULL;
    iot_coap_server_close(&server, true);
    turn_all();
    assert_true(iot_coap_server_idle(&server));
    assert_true(iot_coap_server_deadline(&server) == IOT_TIME_NEVER);
    assert_false(plain.is_open || secure.is_open);
#if IOT_FEATURE_DTLS_SERVER
    for (uint32_t i = 0; i < CLIENTS; i++)
        drop_client(&clients[i]);
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        assert_null(server.secure.sessions[i].dtls.core.state);
    for (uint32_t i = 0; i < sizeof arena; i++) /* it held keys */
        assert_int_equal(arena[i], 0);
#endif
    return 0;
}

#endif
