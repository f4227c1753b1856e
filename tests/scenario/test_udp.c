/* SPDX-License-Identifier: Apache-2.0 */
/* src/net/iot_net_udp.c over real lwIP, in virtual time, on a wire without faults: what goes, what comes, and what is
 * not taken. */
#include "channel.h"

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/udp.h"

#define RTT_MS 10u /* of the wire */

static const struct iot_dgram_ops *ops;
static struct iot_dgram *dgram = &channel.udp.base;

static void begin(void)
{
    channel_begin();
    ops = dgram->ops;
}

/* ---- There and back ---------------------------------------------------------------------- */

static void exchange(void)
{
    uint32_t got = 99;

    begin();
    channel_up(&channel);
    channel_expect_none(&channel);
    channel_say(&channel, "one");
    channel_say(&channel, "");
    channel_say(&channel, "three");
    pass(RTT_MS);
    assert_int_equal(server.heard, 3);
    assert_string_equal(heard[0].text, "one");
    assert_int_equal(heard[1].len, 0);
    assert_string_equal(heard[2].text, "three");

    uint32_t polls = channel.polls;
    server_say("first");
    server_say("");
    server_say("third");
    pass(RTT_MS);
    assert_in_range(channel.polls - polls, 1, 3); /* it was woken */
    channel_expect(&channel, "first");
    assert_err(ops->read(dgram, NULL, 0, &got), IOT_OK); /* the empty one needs no room */
    assert_int_equal(got, 0);
    channel_expect(&channel, "third");
    channel_expect_none(&channel);
    channel_end();
}

static void datagrams_go_both_ways_whole_and_in_order(void **state)
{
    (void)state;
    scenario_run(exchange);
}

static void quiet(void)
{
    begin();
    channel_up(&channel);
    uint32_t polls = channel.polls;
    pass(24u * 3600000u);
    assert_int_equal(channel.polls, polls);
    assert_err(channel.state, IOT_OK);
    assert_true(ops->deadline(dgram) == IOT_TIME_NEVER);
    channel_say(&channel, "still there");
    pass(RTT_MS);
    assert_int_equal(server.heard, 1);
    channel_end();
}

static void a_silent_channel_lasts_for_ever_and_wants_no_tick(void **state)
{
    (void)state;
    scenario_run(quiet);
}

static void nobody_there(void)
{
    begin();
    world_udp_close(&server);
    channel_up(&channel);
    for (int i = 0; i < 3; i++) {
        channel_say(&channel, "anybody?");
        pass(1000);
    }
    assert_err(channel.state, IOT_OK);
    channel_expect_none(&channel);
    channel_end();
}

static void a_port_where_nobody_listens_is_silence(void **state)
{
    (void)state;
    scenario_run(nobody_there);
}

/* ---- Ports ------------------------------------------------------------------------------- */

static void ports(void)
{
    enum { OPENS = 32 };
    uint32_t near = 0, twice = 0;

    begin();
    for (uint32_t i = 0; i < OPENS; i++) {
        channel_up(&channel);
        channel_say(&channel, "me");
        pass(RTT_MS);
        assert_int_equal(server.heard, i + 1);
        uint16_t port = heard[i].from.port;
        assert_in_range(port, 49152, 65535);
        assert_int_equal(channel.udp.pcb->local_port, port);
        for (uint32_t j = 0; j < i; j++)
            twice += heard[j].from.port == port;
        near += i > 0 && (uint16_t)(port - heard[i - 1].from.port) < 64;
        ops->close(dgram, world_ms() + 1000);
        pass(0);
        assert_err(channel.state, IOT_ERR_CLOSED);
    }
    assert_in_range(near, 0, 2);
    assert_in_range(twice, 0, 2);
    channel_end();
}

static void the_local_port_of_each_open_is_drawn(void **state)
{
    (void)state;
    scenario_run(ports);
}

static void strangers(void)
{
    begin();
    struct world_udp other;
    world_udp_open(&other, CHANNEL_PORT + 1, NULL, NULL);
    channel_up(&channel);
    channel_say(&channel, "hello");
    pass(RTT_MS);
    const struct world_udp_from me = server.from;
    const struct world_udp_from elsewhere = {WORLD_NOBODY_IP, CHANNEL_PORT};
    const struct world_udp_from true_one = {WORLD_CLOUD_IP, CHANNEL_PORT};

    world_udp_send(&other, &me, BYTES("another port"));
    world_udp_forge(&elsewhere, &me, BYTES("another address"));
    pass(RTT_MS);
    channel_expect_none(&channel);

    world_udp_forge(&true_one, &me, BYTES("the right one"));
    pass(RTT_MS);
    channel_expect(&channel, "the right one");
    channel_expect_none(&channel);
    world_udp_close(&other);
    channel_end();
}

static void what_others_send_does_not_arrive(void **state)
{
    (void)state;
    scenario_run(strangers);
}

/* What the server would say, straight into one of the interfaces. */
static void put_into(struct netif *netif, const char four[4])
{
    uint8_t packet[32] = {0x45, [3] = 32, [8] = 64, [9] = IP_PROTO_UDP, [25] = 12};
    const uint16_t ports[2] = {lwip_htons(CHANNEL_PORT), lwip_htons(server.from.port)};

    memcpy(packet + 12, netif_ip4_addr(world_wire_cloud()), 4);
    memcpy(packet + 16, netif_ip4_addr(world_wire_dev()), 4);
    memcpy(packet + 20, ports, 4);
    memcpy(packet + 28, four, 4);
    const uint16_t sum = inet_chksum(packet, 20);
    memcpy(packet + 10, &sum, 2);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, sizeof packet, PBUF_RAM);
    pbuf_take(p, packet, sizeof packet);
    assert_int_equal(netif->input(p, netif), ERR_OK);
}

static void other_door(void)
{
    begin();
    channel_up(&channel);
    channel_say(&channel, "hello");
    pass(RTT_MS);
    put_into(world_wire_cloud(), "back");
    channel_expect_none(&channel);
    put_into(world_wire_dev(), "door");
    channel_expect(&channel, "door");
    channel_end();
}

static void what_comes_by_another_interface_is_not_taken(void **state)
{
    (void)state;
    scenario_run(other_door);
}

static void two_at_once(void)
{
    static struct channel second;

    begin();
    channel_prepare(&second);
    channel_up(&channel);
    channel_up(&second);
    channel_say(&channel, "from one");
    channel_say(&second, "from two");
    pass(RTT_MS);
    assert_int_equal(server.heard, 2);
    assert_int_not_equal(heard[0].from.port, heard[1].from.port);
    world_udp_send(&server, &heard[0].from, BYTES("to one"));
    world_udp_send(&server, &heard[1].from, BYTES("to two"));
    pass(RTT_MS);
    channel_expect(&channel, "to one");
    channel_expect_none(&channel);
    channel_expect(&second, "to two");
    channel_expect_none(&second);
    ops->abort(&second.udp.base);
    channel_end();
}

static void two_channels_to_one_server_do_not_mix(void **state)
{
    (void)state;
    scenario_run(two_at_once);
}

/* ---- Sizes ------------------------------------------------------------------------------- */

static void sizes(void)
{
    static uint8_t big[65508];
    struct netif *netif = world_wire_dev();
    uint32_t got = 0;
    uint8_t into[16];

    begin();
    assert_int_equal(ops->room(dgram), 0); /* nothing goes yet */
    channel_up(&channel);
    assert_int_equal(ops->room(dgram), CHANNEL_ROOM);
    assert_err(channel_write(&channel, (struct iot_bytes){big, CHANNEL_ROOM + 1}), IOT_ERR_SIZE);
    assert_err(channel_write(&channel, (struct iot_bytes){big, CHANNEL_ROOM}), IOT_OK);
    pass(RTT_MS);
    assert_int_equal(server.heard, 1);
    assert_int_equal(heard[0].len, CHANNEL_ROOM);
    assert_true(ops->deadline(dgram) == IOT_TIME_NEVER); /* too large is nothing to wait for */

    netif->mtu = 600;
    assert_int_equal(ops->room(dgram), 572);
    assert_err(channel_write(&channel, (struct iot_bytes){big, 573}), IOT_ERR_SIZE);
    netif->mtu = 20; /* nonsense, and no wrap */
    assert_int_equal(ops->room(dgram), 0);
    assert_err(channel_write(&channel, BYTES("x")), IOT_ERR_SIZE);
    netif->mtu = 0; /* no bound */
    assert_int_equal(ops->room(dgram), 65507);
    assert_err(channel_write(&channel, (struct iot_bytes){big, 65508}), IOT_ERR_SIZE);
    netif->mtu = 1500;

    server_say("seventeen bytes !");
    server_say("sixteen bytes ..");
    pass(RTT_MS);
    assert_err(ops->read(dgram, into, sizeof into, &got), IOT_ERR_SIZE);
    assert_int_equal(got, 17);
    assert_err(ops->read(dgram, into, sizeof into, &got), IOT_OK);
    assert_bytes(((struct iot_bytes){into, got}), BYTES("sixteen bytes .."));
    channel_expect_none(&channel);
    channel_end();
}

static void what_is_too_large_is_told_in_both_directions(void **state)
{
    (void)state;
    scenario_run(sizes);
}

/* To somebody for whom there is the default interface only. */
static void no_interface_named(void)
{
    const struct world_udp_from there = {WORLD_NOBODY_IP, CHANNEL_PORT};
    struct world_udp_from me = {WORLD_DEVICE_IP(WORLD_DEVICE_FIRST), 0};

    begin();
    channel.to.netif = NULL;
    channel.to.host = "10.2.0.99";
    channel_up(&channel);
    assert_int_equal(ops->room(dgram), CHANNEL_ROOM);
    channel_say(&channel, "routed");
    pass(RTT_MS);
    assert_int_equal(world_lane_counts(WORLD_UP)->astray, 1);
    me.port = channel.udp.pcb->local_port;
    world_udp_forge(&there, &me, BYTES("back"));
    pass(RTT_MS);
    channel_expect(&channel, "back");
    channel_end();
}

static void without_a_named_interface_lwip_routes(void **state)
{
    (void)state;
    scenario_run(no_interface_named);
}

/* ---- The queue --------------------------------------------------------------------------- */

static void too_many(void)
{
    char text[32];

    begin();
    channel_up(&channel);
    channel_say(&channel, "hello");
    pass(RTT_MS);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < IOT_RX_PBUFS_MAX + 3; i++) {
            snprintf(text, sizeof text, "%d.%d", round, i);
            server_say(text);
        }
        pass(RTT_MS);
        for (int i = 0; i < IOT_RX_PBUFS_MAX; i++) {
            snprintf(text, sizeof text, "%d.%d", round, i);
            channel_expect(&channel, text);
            if (i == 0) { /* place for one more */
                server_say("late");
                pass(RTT_MS);
            }
        }
        channel_expect(&channel, "late");
        channel_expect_none(&channel);
    }
    for (int i = 0; i < IOT_RX_PBUFS_MAX + 3; i++) /* unread at the end: given back */
        server_say("left");
    pass(RTT_MS);
    channel_end();
}

static void the_queue_has_an_end_and_what_comes_beyond_is_lost(void **state)
{
    (void)state;
    scenario_run(too_many);
}

/* As a driver with small buffers gives it. */
static void give(uint32_t pbufs, uint8_t mark)
{
    struct udp_pcb *pcb = channel.udp.pcb;
    struct pbuf *p = NULL;

    for (uint32_t i = 0; i < pbufs; i++) {
        struct pbuf *q = pbuf_alloc(PBUF_RAW, 8, PBUF_RAM);
        memset(q->payload, mark, 8);
        if (p == NULL)
            p = q;
        else
            pbuf_cat(p, q);
    }
    pcb->recv(pcb->recv_arg, pcb, p, &pcb->remote_ip, pcb->remote_port);
}

static uint8_t take(uint32_t len)
{
    uint8_t into[1500];
    uint32_t got = 0;

    assert_err(ops->read(dgram, into, sizeof into, &got), IOT_OK);
    assert_int_equal(got, len);
    for (uint32_t i = 0; i < got; i++)
        assert_int_equal(into[i], into[0]);
    return into[0];
}

static void chains(void)
{
    begin();
    channel_up(&channel);
    give(IOT_RX_PBUFS_MAX + 5, 'a'); /* nothing is held: taken whole */
    give(1, 'b');
    assert_int_equal(take(8 * (IOT_RX_PBUFS_MAX + 5)), 'a');
    channel_expect_none(&channel);

    give(IOT_RX_PBUFS_MAX - 1, 'c');
    give(2, 'd'); /* one pbuf too many */
    give(1, 'e');
    give(1, 'f');
    assert_int_equal(take(8 * (IOT_RX_PBUFS_MAX - 1)), 'c');
    assert_int_equal(take(8), 'e');
    channel_expect_none(&channel);
    channel_end();
}

static void pbufs_are_counted_not_datagrams(void **state)
{
    (void)state;
    scenario_run(chains);
}

/* ---- Ends, and again --------------------------------------------------------------------- */

static void ends(void)
{
    begin();
    assert_err(ops->poll(dgram, world_ms()), IOT_ERR_CLOSED); /* never opened */
    ops->abort(dgram);
    channel_is_over(&channel, IOT_ERR_CLOSED);
    for (uint32_t i = 0; i < 4; i++) {
        channel_up(&channel);
        assert_false(ops->idle(dgram));
        channel_say(&channel, "hello");
        pass(RTT_MS);
        server_say("in the queue");
        pass(RTT_MS);
        server_say("on its way");
        if (i % 2 == 0)
            ops->close(dgram, world_ms() + 1000);
        else
            ops->abort(dgram);
        channel_is_over(&channel, IOT_ERR_CLOSED);
        pass(RTT_MS); /* nobody is there any more */
        channel_is_over(&channel, IOT_ERR_CLOSED);
        assert_int_equal(server.heard, i + 1);
    }
    channel_end();
}

static void a_channel_that_is_over_holds_nothing_and_opens_again(void **state)
{
    (void)state;
    scenario_run(ends);
}

static void addresses_of_nobody(void)
{
    begin();
    channel.to.host = "0.0.0.0"; /* what name servers that block say */
    assert_err(channel_open(&channel), IOT_ERR_UDP_ROUTE);
    channel_is_over(&channel, IOT_ERR_UDP_ROUTE);
    assert_int_equal(ops->detail(dgram), ERR_VAL);
    channel.to.host = "";
    assert_err(channel_open(&channel), IOT_ERR_DNS_UNKNOWN);
    channel_is_over(&channel, IOT_ERR_DNS_UNKNOWN);
    channel.to.host = WORLD_CLOUD_ADDRESS;
    channel_up(&channel);
    assert_int_equal(ops->detail(dgram), 0);
    channel_end();
}

static void the_address_of_everybody_is_refused(void **state)
{
    (void)state;
    scenario_run(addresses_of_nobody);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_go_both_ways_whole_and_in_order),
        cmocka_unit_test(a_silent_channel_lasts_for_ever_and_wants_no_tick),
        cmocka_unit_test(a_port_where_nobody_listens_is_silence),
        cmocka_unit_test(the_local_port_of_each_open_is_drawn),
        cmocka_unit_test(what_others_send_does_not_arrive),
        cmocka_unit_test(what_comes_by_another_interface_is_not_taken),
        cmocka_unit_test(two_channels_to_one_server_do_not_mix),
        cmocka_unit_test(what_is_too_large_is_told_in_both_directions),
        cmocka_unit_test(without_a_named_interface_lwip_routes),
        cmocka_unit_test(the_queue_has_an_end_and_what_comes_beyond_is_lost),
        cmocka_unit_test(pbufs_are_counted_not_datagrams),
        cmocka_unit_test(a_channel_that_is_over_holds_nothing_and_opens_again),
        cmocka_unit_test(the_address_of_everybody_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
