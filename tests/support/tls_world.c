/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_world.h"

#include "test.h"

#include "certs.h"
#include "heap_trap.h"

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    struct tls_world *w = ctx;
    memset(into, (int)++w->randoms, n);
    return IOT_OK;
}

static bool is_session(const char *key)
{
    return strcmp(key, "s") == 0;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    struct tls_world *w = ctx;
    if (!is_session(key))
        return IOT_ERR_STATE;
    w->gets++;
    if (w->get_says != IOT_OK)
        return w->get_says;
    if (w->blob_len == 0 || w->blob_len > cap)
        return w->blob_len == 0 ? IOT_ERR_STATE : IOT_ERR_SIZE;
    memcpy(into, w->blob, w->blob_len);
    *len = w->blob_len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    struct tls_world *w = ctx;
    if (!is_session(key))
        return IOT_OK;
    w->sets++;
    if (w->set_says == IOT_OK) {
        assert_true(len <= sizeof w->blob);
        memcpy(w->blob, bytes, len);
        w->blob_len = len;
    }
    return w->set_says;
}

static iot_err kv_del(void *ctx, const char *key)
{
    struct tls_world *w = ctx;
    assert_true(is_session(key));
    w->dels++;
    if (w->del_says == IOT_OK)
        w->blob_len = 0;
    return w->del_says;
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    struct tls_world *w = ctx;
    if (w->wall_says == IOT_OK)
        *unix_s = w->wall_s;
    return w->wall_says;
}

void world_init(struct tls_world *w)
{
    heap_trap_off();
    iot_arena_enter(NULL);
    iot_drbg_enter(NULL);
    memset(w, 0, sizeof *w);
    stub_init(&w->stub);
    w->now = (1ull << 32) - 5000;
    w->ca[0] = cert_ca;
    w->opt = (struct iot_tls_options){
        .ca = w->ca, .ca_count = 1, .arena = w->arena, .arena_bytes = WORLD_ARENA_BYTES};
    w->wall_says = IOT_ERR_AGAIN;
    w->port = (struct iot_port){.ctx = w,
                                .random = random_bytes,
                                .wall = wall,
                                .kv_get = kv_get,
                                .kv_set = kv_set,
                                .kv_del = kv_del};
    iot_tls_init(&w->tls, &w->stub.base, &w->opt, &w->port);
    w->tls.base.wake = &w->wake;
}

iot_err world_poll(struct tls_world *w)
{
    w->wake = false;
    heap_trap_on();
    iot_err err = w->tls.base.ops->poll(&w->tls.base, w->now);
    heap_trap_off();
    return err;
}

static iot_time deadline(const struct tls_world *w)
{
    return w->tls.base.ops->deadline(&w->tls.base);
}

iot_err world_settle(struct tls_world *w)
{
    iot_err err;
    uint32_t ticks = 0;
    do {
        err = world_poll(w);
        assert_true(++ticks < 5000);
    } while (err == IOT_ERR_AGAIN && (w->wake || deadline(w) <= w->now));
    return err;
}

void world_wait(struct tls_world *w)
{
    assert_true(deadline(w) > w->now && deadline(w) != IOT_TIME_NEVER);
    w->now = deadline(w);
}

iot_err world_open(struct tls_world *w)
{
    static const struct iot_endpoint there = {.host = "a.example", .port = 8883};
    heap_trap_on();
    iot_err err = w->tls.base.ops->open(&w->tls.base, &there, w->now);
    heap_trap_off();
    return err;
}

void world_greet(struct tls_world *w)
{
    assert_err(world_open(w), IOT_OK);
    assert_err(world_settle(w), IOT_ERR_AGAIN);
    assert_true(w->stub.tx_len > 50);
}

void world_jump(struct tls_world *w)
{
    mbedtls_ssl_context *ssl = &w->tls.core.state->ssl;
    ssl->MBEDTLS_PRIVATE(state) = MBEDTLS_SSL_FLUSH_BUFFERS;
    ssl->MBEDTLS_PRIVATE(tls_version) = MBEDTLS_SSL_VERSION_TLS1_2;
    ssl->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(tls_version) =
        MBEDTLS_SSL_VERSION_TLS1_2;
    ssl->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(master)[0] = w->secret;
    if (w->judged) {
        w->tls.core.judged = true;
        w->tls.core.valid_from_s = 1000;
        w->tls.core.valid_to_s = 2000;
    }
    assert_err(world_settle(w), IOT_OK);
    assert_err(world_settle(w), IOT_OK);
}

void world_connect(struct tls_world *w)
{
    world_greet(w);
    world_jump(w);
    stub_release(&w->stub, w->stub.taken);
    assert_err(world_settle(w), IOT_OK);
    w->stub.tx_len = 0;
    w->stub.let_go = w->stub.taken = 0;
    w->tls.lower_written = w->tls.mark_lower = 0;
}

void world_abort(struct tls_world *w)
{
    struct iot_tls_memory memory;
    w->tls.base.ops->abort(&w->tls.base);
    iot_tls_memory(&w->tls, &memory);
    assert_int_equal(memory.used + memory.blocks, 0);
    for (uint32_t i = 0; i < sizeof w->arena; i++)
        assert_int_equal(w->arena[i], 0);
    assert_null(iot_arena_enter(NULL));
    assert_null(iot_drbg_enter(NULL));
}

void world_receive(struct tls_world *w, uint8_t type, const void *bytes, uint32_t n)
{
    uint8_t head[] = {type, 3, 3, (uint8_t)(n >> 8), (uint8_t)n};
    stub_receive(&w->stub, (struct iot_bytes){head, sizeof head});
    stub_receive(&w->stub, (struct iot_bytes){bytes, n});
}

iot_err world_read(struct tls_world *w, void *into, uint32_t cap, uint32_t *got)
{
    heap_trap_on();
    iot_err err = w->tls.base.ops->read(&w->tls.base, into, cap, got);
    heap_trap_off();
    return err;
}

iot_err world_write(struct tls_world *w, const void *bytes, uint32_t n, uint32_t *taken)
{
    heap_trap_on();
    iot_err err = w->tls.base.ops->write(&w->tls.base, (struct iot_bytes){bytes, n},
                                         IOT_STREAM_COPY, w->now, taken);
    heap_trap_off();
    return err;
}
