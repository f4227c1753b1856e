/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include "world/world_famine.h"
#include "world/world_pools.h"

struct channel channel;
struct world_udp server;
struct channel_heard heard[CHANNEL_LOG_MAX];

static void on_datagram(void *ctx, struct world_udp *u, const struct world_udp_from *from,
                        struct iot_bytes bytes)
{
    (void)ctx;
    assert_true(u->heard <= CHANNEL_LOG_MAX);
    struct channel_heard *h = &heard[u->heard - 1];
    uint32_t n = bytes.len < sizeof h->text - 1 ? bytes.len : (uint32_t)sizeof h->text - 1;

    h->len = bytes.len;
    h->from = *from;
    memcpy(h->text, bytes.ptr, n);
    h->text[n] = '\0';
}

static const struct iot_dgram_ops *ops(const struct channel *c)
{
    return c->udp.base.ops;
}

static uint64_t tick(void *ctx, uint64_t now)
{
    struct channel *c = ctx;

    if (c->wake || now >= ops(c)->deadline(&c->udp.base)) {
        c->wake = false;
        c->state = ops(c)->poll(&c->udp.base, now);
        c->polls++;
    }
    return c->wake ? now : ops(c)->deadline(&c->udp.base);
}

void channel_prepare(struct channel *c)
{
    memset(c, 0, sizeof *c);
    iot_udp_init(&c->udp);
    c->udp.base.wake = &c->wake;
    c->to = (struct iot_endpoint){
        .host = WORLD_CLOUD_ADDRESS, .port = CHANNEL_PORT, .netif = world_wire_dev()};
    c->actor = (struct world_actor){.tick = tick, .ctx = c};
    world_loop_add(&c->actor);
}

void channel_begin(void)
{
    world_udp_open(&server, CHANNEL_PORT, on_datagram, NULL);
    channel_prepare(&channel);
}

iot_err channel_open(struct channel *c)
{
    c->state = IOT_ERR_AGAIN;
    return ops(c)->open(&c->udp.base, &c->to, world_ms());
}

void channel_up(struct channel *c)
{
    assert_err(channel_open(c), IOT_OK);
    pass(0);
    assert_err(c->state, IOT_OK);
}

iot_err channel_write(struct channel *c, struct iot_bytes bytes)
{
    return ops(c)->write(&c->udp.base, bytes, world_ms());
}

void channel_say(struct channel *c, const char *text)
{
    assert_err(channel_write(c, text_bytes(text)), IOT_OK);
}

void channel_expect(struct channel *c, const char *text)
{
    uint8_t into[CHANNEL_ROOM];
    uint32_t got = 0;

    assert_err(ops(c)->read(&c->udp.base, into, sizeof into, &got), IOT_OK);
    assert_bytes(((struct iot_bytes){into, got}), text_bytes(text));
}

void channel_expect_none(struct channel *c)
{
    uint8_t into[CHANNEL_ROOM];
    uint32_t got;

    assert_err(ops(c)->read(&c->udp.base, into, sizeof into, &got), IOT_ERR_AGAIN);
}

void channel_is_over(struct channel *c, iot_err why)
{
    struct iot_dgram *d = &c->udp.base;

    assert_err(d->ops->poll(d, world_ms()), why);
    assert_err(d->ops->poll(d, world_ms() + 1), why);
    assert_true(d->ops->idle(d));
    assert_true(d->ops->deadline(d) == IOT_TIME_NEVER);
    assert_int_equal(d->ops->room(d), 0);
    assert_err(channel_write(c, BYTES("x")), IOT_ERR_AGAIN);
    channel_expect_none(c);
}

void server_say(const char *text)
{
    world_udp_send(&server, &server.from, text_bytes(text));
}

void pass(uint32_t ms)
{
    assert_true(world_loop_until(world_ms() + ms));
}

void channel_end(void)
{
    world_famine_end();
    ops(&channel)->abort(&channel.udp.base);
    world_udp_close(&server);
    world_pools_settle();
    assert_true(ops(&channel)->idle(&channel.udp.base));
}
