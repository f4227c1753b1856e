/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_dgram_world.h"

#include "test.h"

#include "certs.h"
#include "heap_trap.h"

static const struct iot_endpoint there = {.host = "a.example", .port = 5684};

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    struct dgram_world *w = ctx;
    uint8_t *p = into;
    for (uint32_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i + w->randoms);
    w->randoms++;
    return IOT_OK;
}

struct kv_entry *dworld_kv(struct dgram_world *w, const char *key)
{
    for (uint32_t i = 0; i < COUNT(w->kv); i++)
        if (strcmp(w->kv[i].key, key) == 0)
            return &w->kv[i];
    for (uint32_t i = 0; i < COUNT(w->kv); i++)
        if (w->kv[i].key[0] == '\0') {
            assert_true(strlen(key) < sizeof w->kv[i].key);
            strcpy(w->kv[i].key, key);
            return &w->kv[i];
        }
    fail_msg("too many keys");
    return NULL;
}

/* True: this call has to wait. */
static bool slow(struct dgram_world *w, const char *key)
{
    if (w->again_key != NULL && strcmp(w->again_key, key) != 0)
        return false;
    if (w->kv_asked++ < w->kv_again)
        return true;
    w->kv_asked = 0;
    return false;
}

static void power_before(struct dgram_world *w)
{
    if (++w->kv_calls == w->cut_at && !w->cut_behind)
        longjmp(w->power, 1);
}

static void power_behind(struct dgram_world *w)
{
    if (w->kv_calls == w->cut_at && w->cut_behind)
        longjmp(w->power, 1);
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    struct dgram_world *w = ctx;
    struct kv_entry *e = dworld_kv(w, key);
    if (slow(w, key))
        return IOT_ERR_AGAIN;
    power_before(w);
    if (w->get_says != IOT_OK)
        return w->get_says;
    if (e->len == 0 || e->len > cap)
        return e->len == 0 ? IOT_ERR_STATE : IOT_ERR_SIZE;
    memcpy(into, e->bytes, e->len);
    *len = e->len;
    power_behind(w);
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    struct dgram_world *w = ctx;
    struct kv_entry *e = dworld_kv(w, key);
    if (slow(w, key))
        return IOT_ERR_AGAIN;
    power_before(w);
    if (w->set_says != IOT_OK)
        return w->set_says;
    assert_true(len <= sizeof e->bytes);
    memcpy(e->bytes, bytes, len);
    e->len = len;
    power_behind(w);
    return IOT_OK;
}

static iot_err kv_del(void *ctx, const char *key)
{
    struct dgram_world *w = ctx;
    struct kv_entry *e = dworld_kv(w, key);
    if (slow(w, key))
        return IOT_ERR_AGAIN;
    power_before(w);
    if (w->del_says != IOT_OK)
        return w->del_says;
    e->len = 0;
    power_behind(w);
    return IOT_OK;
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    struct dgram_world *w = ctx;
    if (w->wall_says == IOT_OK)
        *unix_s = w->wall_s;
    return w->wall_says;
}

static void on_busy(void *ctx, bool begins)
{
    struct dgram_world *w = ctx;
    w->busy += begins;
}

void dworld_reboot(struct dgram_world *w)
{
    heap_trap_off();
    iot_arena_enter(NULL);
    iot_drbg_enter(NULL);
    memset(w->arena, 0xa5, sizeof w->arena);
    stub_dgram_init(&w->stub);
    iot_dtls_init(&w->dtls, &w->stub.base, &w->opt, &w->dopt, &w->port);
    w->dtls.base.wake = &w->wake;
    w->dtls.base.on_busy = on_busy;
    w->dtls.base.busy_ctx = w;
    w->held_len = 0;
    w->cut_at = 0;
}

void dworld_init(struct dgram_world *w)
{
    memset(w, 0, sizeof *w);
    w->now = (1ull << 32) - 5000;
    w->address = 1;
    w->ca[0] = cert_ca;
    w->opt = (struct iot_tls_options){.kinds = IOT_TLS_PSK,
                                      .psk = BYTES("a key of 16 byte"),
                                      .psk_identity = BYTES("lamp"),
                                      .arena = w->arena,
                                      .arena_bytes = sizeof w->arena};
    w->sopt = (struct dtls_server_options){
        .cookie = true, .psk = BYTES("a key of 16 byte"), .identity = BYTES("lamp"), .seed = 7};
    w->wall_says = IOT_ERR_AGAIN;
    w->port = (struct iot_port){.ctx = w,
                                .random = random_bytes,
                                .wall = wall,
                                .kv_get = kv_get,
                                .kv_set = kv_set,
                                .kv_del = kv_del};
    dworld_reboot(w);
}

void dworld_by_certificate(struct dgram_world *w)
{
    w->opt.kinds = IOT_TLS_ECDHE_ECDSA;
    w->opt.psk = w->opt.psk_identity = (struct iot_bytes){NULL, 0};
    w->opt.ca = w->ca;
    w->opt.ca_count = 1;
    w->sopt.psk = w->sopt.identity = (struct iot_bytes){NULL, 0};
    w->sopt.cert = cert_edge;
    w->sopt.key = cert_key;
}

void dworld_end(struct dgram_world *w)
{
    struct iot_tls_memory memory;
    w->dtls.base.ops->abort(&w->dtls.base);
    iot_tls_core_memory(&w->dtls.core, &memory);
    assert_int_equal(memory.used + memory.blocks, 0);
    assert_true(w->dtls.base.ops->idle(&w->dtls.base));
    assert_true(w->dtls.base.ops->deadline(&w->dtls.base) == IOT_TIME_NEVER);
    assert_null(iot_arena_enter(NULL));
    assert_null(iot_drbg_enter(NULL));
    dtls_server_destroy(w->server);
    w->server = NULL;
    assert_int_equal(dtls_server_memory(), 0);
}

iot_err dworld_open(struct dgram_world *w)
{
    if (w->server == NULL)
        w->server = dtls_server_create(&w->sopt);
    assert_non_null(w->server);
    assert_err(iot_dtls_check(&w->opt, &w->dopt, false), IOT_OK);
    heap_trap_on();
    iot_err err = w->dtls.base.ops->open(&w->dtls.base, &there, w->now);
    heap_trap_off();
    return err;
}

iot_err dworld_poll(struct dgram_world *w)
{
    w->wake = false;
    heap_trap_on();
    iot_err err = w->dtls.base.ops->poll(&w->dtls.base, w->now);
    heap_trap_off();
    return err;
}

/* ---- The wire ---------------------------------------------------------------------------- */

static void arrive(struct dgram_world *w, bool ours, struct iot_bytes d)
{
    if (w->deaf)
        return;
    if (ours)
        dtls_server_feed(w->server, w->address, guarded(d), w->now);
    else if (w->stub.state == DGRAM_UP)
        stub_dgram_receive(&w->stub, d);
}

static void release(struct dgram_world *w)
{
    uint32_t n = w->held_len;
    w->held_len = 0;
    if (n != 0)
        arrive(w, w->held_ours, (struct iot_bytes){w->held, n});
}

/* A record number under the same keys gives secrets away when it comes again. */
static void watch_numbers(struct dgram_world *w, struct iot_bytes d)
{
    uint32_t cid = w->sopt.cid && w->dopt.cid ? w->sopt.cid_len : 0;
    for (uint32_t at = 0; at + 13 <= d.len;) {
        const uint8_t *p = d.ptr + at;
        uint64_t number = 0;
        for (uint32_t i = 3; i < 11; i++)
            number = number << 8 | p[i];
        uint32_t head = p[0] == 25 ? 13 + cid : 13;
        if (p[0] == 22 && number >> 48 == 0 && p[13] == 1)
            w->number_count = 0;
        if (number >> 48 != 0) {
            for (uint32_t i = 0; i < w->number_count; i++)
                if (w->numbers[i] == number)
                    fail_msg("record number %llx twice", (unsigned long long)number);
            assert_true(w->number_count < COUNT(w->numbers));
            w->numbers[w->number_count++] = number;
        }
        at += head + ((uint32_t)p[head - 2] << 8 | p[head - 1]);
    }
}

static void carry_one(struct dgram_world *w, bool ours, struct iot_bytes d)
{
    if (ours)
        watch_numbers(w, d);
    uint32_t i = w->count++;
    assert_true(i < DGRAM_WORLD_LOG && d.len <= STUB_DGRAM_BYTES);
    w->log[i].ours = ours;
    w->log[i].len = d.len;
    memcpy(w->log[i].bytes, d.ptr, d.len);
    enum wire_trick trick = i + 1 == w->trick_at ? w->trick : WIRE_GOOD;
    bool passes = w->held_len != 0 && ours == w->held_ours; /* by the one that is held */
    switch (trick) {
    case WIRE_LOSE:
        return;
    case WIRE_SWAP:
        memcpy(w->held, d.ptr, w->held_len = d.len);
        w->held_ours = ours;
        return;
    case WIRE_DOUBLE:
        arrive(w, ours, d);
        break;
    case WIRE_FORGE:
        arrive(w, false, w->forge);
        break;
    case WIRE_GOOD:
        break;
    }
    arrive(w, ours, d);
    if (passes)
        release(w);
}

static bool carry(struct dgram_world *w)
{
    static uint8_t bytes[DTLS_SERVER_DATAGRAM_MAX];
    struct iot_bytes d;
    uint32_t n, to;
    bool any = false;

    while (stub_dgram_sent(&w->stub, &d)) {
        any = true;
        carry_one(w, true, d);
    }
    while (w->server != NULL && (n = dtls_server_out(w->server, &to, bytes, sizeof bytes)) != 0) {
        any = true;
        if (to == w->address)
            carry_one(w, false, (struct iot_bytes){bytes, n});
    }
    return any;
}

static iot_time deadline(const struct dgram_world *w)
{
    return w->dtls.base.ops->deadline(&w->dtls.base);
}

iot_err dworld_settle(struct dgram_world *w)
{
    uint32_t ticks = 0;
    iot_err err;
    bool more;
    do {
        err = dworld_poll(w);
        more = carry(w);
        if (!more && w->held_len != 0) {
            release(w);
            more = true;
        }
        assert_true(++ticks < 20000);
    } while (more || (err == IOT_ERR_AGAIN && (w->wake || deadline(w) <= w->now)));
    return err;
}

iot_err dworld_step(struct dgram_world *w)
{
    iot_err err = dworld_poll(w);
    carry(w);
    return err;
}

iot_err dworld_run(struct dgram_world *w)
{
    iot_time end = w->now + 120000;
    iot_err err = dworld_settle(w);
    while (err == IOT_ERR_AGAIN && w->now < end) {
        iot_time next = deadline(w), theirs = dtls_server_tick(w->server, w->now);
        if (carry(w)) {
            err = dworld_settle(w);
            continue;
        }
        next = theirs < next ? theirs : next;
        assert_true(next != IOT_TIME_NEVER);
        w->now = next > w->now ? next : w->now + 1;
        err = dworld_settle(w);
    }
    return err;
}

void dworld_connect(struct dgram_world *w)
{
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), IOT_OK);
    if (!iot_dtls_is_kept(&w->dtls)) /* then it may know us behind another address */
        assert_true(dtls_server_up(w->server, w->address));
}

/* ---- Data -------------------------------------------------------------------------------- */

bool dworld_say(struct dgram_world *w, const char *text)
{
    heap_trap_on();
    iot_err err = w->dtls.base.ops->write(&w->dtls.base, text_bytes(text), w->now);
    heap_trap_off();
    carry(w);
    return err == IOT_OK;
}

const char *dworld_hear(struct dgram_world *w)
{
    static uint8_t text[STUB_DGRAM_BYTES + 1];
    iot_err err = IOT_ERR_AGAIN;
    uint32_t n = 0, ticks = 0;
    carry(w);
    do {
        if (dworld_poll(w) != IOT_OK)
            return NULL;
        heap_trap_on();
        err = w->dtls.base.ops->read(&w->dtls.base, text, sizeof text - 1, &n);
        heap_trap_off();
        assert_true(++ticks < 1000);
    } while (err == IOT_ERR_AGAIN && w->wake);
    carry(w);
    if (err != IOT_OK)
        return NULL;
    text[n] = '\0';
    return (const char *)text;
}

void dworld_talk(struct dgram_world *w)
{
    uint8_t got[64];
    uint32_t n = 0, from = 0;

    assert_true(dworld_say(w, "up"));
    assert_true(dtls_server_read(w->server, &from, got, sizeof got, &n));
    assert_bytes(((struct iot_bytes){got, n}), BYTES("up"));
    assert_int_equal(from, w->address);
    assert_true(dtls_server_write(w->server, w->address, BYTES("down")));
    assert_string_equal(dworld_hear(w), "down");
    assert_null(dworld_hear(w));
}

void dworld_idle(struct dgram_world *w, uint32_t ms)
{
    iot_time end = w->now + ms;
    while (w->now < end) {
        while (dworld_hear(w) != NULL || carry(w))
            ;
        iot_time next = dtls_server_tick(w->server, w->now);
        if (carry(w))
            continue;
        w->now = next > w->now && next < end ? next : end;
    }
}

void dworld_park(struct dgram_world *w)
{
    iot_dtls_park(&w->dtls);
    assert_err(dworld_run(w), IOT_ERR_CLOSED);
}

void dworld_close(struct dgram_world *w)
{
    w->dtls.base.ops->close(&w->dtls.base, w->now + 1000);
    carry(w);
    assert_err(dworld_run(w), IOT_ERR_CLOSED);
}
