/* SPDX-License-Identifier: Apache-2.0 */
/* src/net/iot_net_udp.c over real lwIP where routes, memory and drivers fail: for a moment it is weather, for long it is
 * the end, and nothing is lost of lwIP's memory either way. */
#include "channel.h"

#include "world/world_famine.h"

#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/udp.h"

#define RTT_MS 10u

static const struct iot_dgram_ops *ops;
static struct iot_dgram *dgram = &channel.udp.base;

static void begin_up(void)
{
    channel_begin();
    ops = dgram->ops;
    channel_up(&channel);
}

/* Who has a datagram and offers it whenever it may go. */
static struct offer {
    bool wants;
    uint32_t offers; /* that were allowed */
    uint64_t gone_at;
    struct world_actor actor;
} offer;

static uint64_t keep_offering(void *ctx, uint64_t now)
{
    (void)ctx;
    if (!offer.wants || channel.state != IOT_OK)
        return IOT_TIME_NEVER;
    offer.offers += channel.udp.retry == IOT_TIME_NEVER;
    iot_err err = channel_write(&channel, BYTES("at last"));
    if (err == IOT_OK) {
        offer.wants = false;
        offer.gone_at = now;
        return IOT_TIME_NEVER;
    }
    assert_err(err, IOT_ERR_AGAIN);
    uint64_t again = ops->deadline(dgram);
    assert_true(again > now && again <= now + IOT_TCP_RETRY_MS);
    return again;
}

static void begin_offering(void)
{
    offer = (struct offer){.wants = true, .actor = {.tick = keep_offering}};
    world_loop_add(&offer.actor);
}

static void stop_offering(void)
{
    world_loop_remove(&offer.actor);
}

/* ---- What can be missing ----------------------------------------------------------------- */

static void set_address(bool there)
{
    ip4_addr_t ip = *IP4_ADDR_ANY4;

    if (there)
        world_wire_address(WORLD_DEVICE_FIRST);
    else
        netif_set_ipaddr(world_wire_dev(), &ip);
}

static void empty_heap(bool there)
{
    world_famine_pool(-1, !there);
}

static err_t deaf_driver(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif;
    (void)p;
    (void)to;
    return ERR_IF;
}

static void set_driver(bool works)
{
    static netif_output_fn good;

    if (good == NULL)
        good = world_wire_dev()->output;
    world_wire_dev()->output = works ? good : deaf_driver;
}

static const struct trouble {
    void (*set)(bool well);
    iot_err end;
    err_t detail;
} troubles[] = {
    {world_wire_link, IOT_ERR_UDP_ROUTE, ERR_RTE}, {world_wire_admin, IOT_ERR_UDP_ROUTE, ERR_RTE},
    {set_address, IOT_ERR_UDP_ROUTE, ERR_RTE},     {set_driver, IOT_ERR_UDP_ROUTE, ERR_IF},
    {empty_heap, IOT_ERR_UDP_MEMORY, ERR_MEM},
};
static const struct trouble *trouble;

static void for_each_trouble(void (*fn)(void))
{
    for (size_t i = 0; i < COUNT(troubles); i++) {
        trouble = &troubles[i];
        print_message("trouble %u\n", (unsigned)i);
        scenario_run(fn);
    }
}

/* ---- Weather ----------------------------------------------------------------------------- */

static void moment(void)
{
    begin_up();
    trouble->set(false);
    begin_offering();
    pass(IOT_STALL_MS - 1000);
    assert_err(channel.state, IOT_OK);
    assert_int_equal(server.heard, 0);
    assert_int_equal(ops->detail(dgram), trouble->detail);
    /* as often as it asked for, and no more */
    uint32_t due = (IOT_STALL_MS - 1000) / IOT_TCP_RETRY_MS;
    assert_in_range(offer.offers, due - 2, due + 2);

    uint64_t back_at = world_ms();
    trouble->set(true);
    pass(RTT_MS + IOT_TCP_RETRY_MS);
    assert_int_equal(server.heard, 1);
    assert_string_equal(heard[0].text, "at last");
    assert_true(offer.gone_at - back_at <= IOT_TCP_RETRY_MS);
    assert_true(ops->deadline(dgram) == IOT_TIME_NEVER);
    assert_int_equal(ops->detail(dgram), 0);

    /* Over is over: the next trouble has all its time. */
    trouble->set(false);
    offer.wants = true;
    pass(IOT_STALL_MS - 1000);
    assert_err(channel.state, IOT_OK);
    trouble->set(true);
    pass(RTT_MS + IOT_TCP_RETRY_MS);
    assert_int_equal(server.heard, 2);
    stop_offering();
    channel_end();
}

static void what_is_missing_for_a_moment_is_waited_for(void **state)
{
    (void)state;
    for_each_trouble(moment);
}

static void for_long(void)
{
    begin_up();
    trouble->set(false);
    begin_offering();
    pass(IOT_STALL_MS + IOT_TCP_RETRY_MS);
    assert_err(channel.state, trouble->end);
    assert_int_equal(ops->detail(dgram), trouble->detail);
    assert_true(ops->idle(dgram));
    assert_true(ops->deadline(dgram) == IOT_TIME_NEVER);
    offer.wants = false;
    trouble->set(true);
    pass(1000);
    assert_err(ops->poll(dgram, world_ms()), trouble->end); /* sticks */
    assert_err(channel_write(&channel, BYTES("x")), IOT_ERR_AGAIN);

    channel_up(&channel);
    channel_say(&channel, "again");
    pass(RTT_MS);
    assert_int_equal(server.heard, 1);
    stop_offering();
    channel_end();
}

static void what_is_missing_for_long_is_the_end_by_name(void **state)
{
    (void)state;
    for_each_trouble(for_long);
}

/* lwIP's own routes: by the default interface, while it can. In the world the server's address has a way beside the wire,
 * its own interface; this one has none. */
static void no_route(void)
{
    static void (*const sets[])(bool well) = {world_wire_link, world_wire_admin, set_address};

    channel_begin();
    ops = dgram->ops;
    channel.to.host = "10.2.0.99";
    channel.to.netif = NULL;
    for (uint32_t i = 0; i < COUNT(sets); i++) {
        channel_up(&channel);
        sets[i](false);
        begin_offering();
        pass(5000);
        assert_err(channel.state, IOT_OK);
        assert_int_equal(ops->detail(dgram), ERR_RTE);
        assert_true(offer.wants);
        sets[i](true);
        pass(RTT_MS + IOT_TCP_RETRY_MS);
        assert_false(offer.wants);
        assert_int_equal(world_lane_counts(WORLD_UP)->astray, i + 1);

        sets[i](false);
        offer.wants = true;
        pass(IOT_STALL_MS + IOT_TCP_RETRY_MS);
        assert_err(channel.state, IOT_ERR_UDP_ROUTE);
        stop_offering();
        sets[i](true);
    }
    channel_end();
}

static void a_missing_route_of_lwips_is_the_same(void **state)
{
    (void)state;
    scenario_run(no_route);
}

/* Two that fail with an hour between are two, not one that has lasted for an hour. */
static void now_and_then(void)
{
    begin_up();
    for (int i = 0; i < 3; i++) {
        trouble->set(false);
        assert_err(channel_write(&channel, BYTES("x")), IOT_ERR_AGAIN);
        assert_err(channel_write(&channel, BYTES("x")), IOT_ERR_AGAIN);
        pass(3600000);
        assert_err(channel.state, IOT_OK);
    }
    trouble->set(true);
    channel_say(&channel, "well");
    pass(RTT_MS);
    assert_int_equal(server.heard, 1);
    channel_end();
}

static void who_stops_to_try_is_not_counted_out(void **state)
{
    (void)state;
    for_each_trouble(now_and_then);
}

/* A queue is read whatever the way out is like. */
static void read_meanwhile(void)
{
    begin_up();
    channel_say(&channel, "hello");
    pass(RTT_MS);
    empty_heap(false);
    assert_err(channel_write(&channel, BYTES("x")), IOT_ERR_AGAIN);
    empty_heap(true);
    uint32_t calls = world_famine_calls();
    assert_err(channel_write(&channel, BYTES("x")), IOT_ERR_AGAIN); /* lwIP is not asked so soon */
    assert_int_equal(world_famine_calls(), calls);
    server_say("to one without memory");
    pass(RTT_MS);
    channel_expect(&channel, "to one without memory");
    channel_end();
}

static void who_cannot_send_still_receives(void **state)
{
    (void)state;
    scenario_run(read_meanwhile);
}

static void no_way_no_room(void)
{
    static const uint8_t big[1400];

    begin_up();
    world_wire_link(false);
    assert_int_equal(ops->room(dgram), 1280 - 28); /* what every link lets through, nearly */
    assert_err(channel_write(&channel, (struct iot_bytes){big, 1400}), IOT_ERR_AGAIN);
    world_wire_link(true);
    assert_int_equal(ops->room(dgram), CHANNEL_ROOM);
    pass(IOT_TCP_RETRY_MS);
    assert_err(channel_write(&channel, (struct iot_bytes){big, 1400}), IOT_OK);
    channel_end();
}

static void without_a_way_out_a_cautious_size_is_told_and_none_refused(void **state)
{
    (void)state;
    scenario_run(no_way_no_room);
}

/* ---- Another address --------------------------------------------------------------------- */

static void moved(void)
{
    begin_up();
    channel_say(&channel, "from the first");
    pass(RTT_MS);
    assert_int_equal(server.from.ip, WORLD_DEVICE_IP(WORLD_DEVICE_FIRST));
    uint16_t port = server.from.port;

    world_wire_address(9);
    pass(0);
    assert_err(channel.state, IOT_OK);
    server_say("to where it was");
    channel_say(&channel, "from the second");
    pass(RTT_MS);
    channel_expect_none(&channel);
    assert_int_equal(server.from.ip, WORLD_DEVICE_IP(9));
    assert_int_equal(server.from.port, port);
    server_say("to where it is");
    pass(RTT_MS);
    channel_expect(&channel, "to where it is");
    channel_end();
}

static void another_address_does_not_end_it(void **state)
{
    (void)state;
    scenario_run(moved);
}

/* ---- Memory ------------------------------------------------------------------------------ */

static void no_socket(void)
{
    channel_begin();
    ops = dgram->ops;
    world_famine_pool(MEMP_UDP_PCB, true);
    for (int i = 0; i < 2; i++) {
        assert_err(channel_open(&channel), IOT_ERR_UDP_MEMORY);
        assert_err(ops->poll(dgram, world_ms()), IOT_ERR_UDP_MEMORY);
        assert_int_equal(ops->detail(dgram), ERR_MEM);
        assert_true(ops->idle(dgram));
    }
    world_famine_pool(MEMP_UDP_PCB, false);
    channel_up(&channel);
    channel_say(&channel, "now");
    pass(RTT_MS);
    assert_int_equal(server.heard, 1);
    channel_end();
}

static void without_a_socket_the_open_fails_by_name(void **state)
{
    (void)state;
    scenario_run(no_socket);
}

/* Each allocation of an open, a send and a receive is refused once. */
static void refused_once(void)
{
    uint32_t n;

    channel_begin();
    ops = dgram->ops;
    for (n = 1; n < 50; n++) {
        uint32_t refused = world_famine_refused_all(), heard_before = server.heard;
        world_famine_nth(n);
        for (int i = 0; i < 3 && channel_open(&channel) != IOT_OK; i++)
            assert_err(ops->poll(dgram, world_ms()), IOT_ERR_UDP_MEMORY);
        pass(0);
        begin_offering();
        pass(RTT_MS + IOT_TCP_RETRY_MS);
        stop_offering();
        assert_int_equal(server.heard, heard_before + 1);
        server_say("answer");
        pass(RTT_MS);
        if (world_famine_refused_all() == refused) {
            channel_expect(&channel, "answer");
            break;
        }
        ops->abort(dgram);
    }
    assert_in_range(n, 4, 20); /* a socket, a datagram, a received frame at least */
    channel_end();
}

static void each_allocation_may_fail_once(void **state)
{
    (void)state;
    scenario_run(refused_once);
}

static void hungry(void)
{
    uint32_t came = 0, went = 0;

    begin_up();
    world_famine_set(200000);
    world_wire_shield(WORLD_UP, true);
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t into[64];
        uint32_t got;
        if (ops->poll(dgram, world_ms()) != IOT_OK) { /* the open found no memory */
            (void)channel_open(&channel);
            continue;
        }
        if (server.heard == CHANNEL_LOG_MAX) /* the log is full */
            server.on_datagram = NULL;
        went += channel_write(&channel, BYTES("ping")) == IOT_OK;
        if (server.heard != 0)
            server_say("pong");
        pass(60);
        while (ops->read(dgram, into, sizeof into, &got) == IOT_OK)
            came++;
        if (i % 50 == 49)
            ops->abort(dgram);
    }
    assert_int_equal(server.heard, went);
    assert_in_range(went, 200, 399);
    assert_in_range(came, 200, 399);
    assert_true(world_famine_refused_all() > 50);
    channel_end();
}

static void a_fifth_of_all_allocations_may_fail(void **state)
{
    (void)state;
    scenario_run(hungry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_for_a_moment_is_waited_for),
        cmocka_unit_test(what_is_missing_for_long_is_the_end_by_name),
        cmocka_unit_test(a_missing_route_of_lwips_is_the_same),
        cmocka_unit_test(who_stops_to_try_is_not_counted_out),
        cmocka_unit_test(who_cannot_send_still_receives),
        cmocka_unit_test(without_a_way_out_a_cautious_size_is_told_and_none_refused),
        cmocka_unit_test(another_address_does_not_end_it),
        cmocka_unit_test(without_a_socket_the_open_fails_by_name),
        cmocka_unit_test(each_allocation_may_fail_once),
        cmocka_unit_test(a_fifth_of_all_allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
