/* SPDX-License-Identifier: Apache-2.0 */
/* src/net/iot_net_udp.c against real sockets of the host, over Ethernet, IPv4 and IPv6 as lwIP has them. */
#include "peer_device.h"
#include "peer_datagram.h"

#include "host/host_dns.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "net/iot_net_udp.h"

#include "lwip/inet_chksum.h"
#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/opt.h"

/* The host's loopback, and what leads there. */
static const struct family {
    const char *loopback;
    const char *gateway;
    uint32_t room;
} families[] = {
#if LWIP_IPV4
    {"127.0.0.1", "10.0.2.2", 1472},
#endif
#if LWIP_IPV6
    {"::1", "fec0::2", 1452},
#endif
};
static const struct family *family;

static struct iot_udp udp;
static struct iot_endpoint to;
static bool wake;
static iot_err state;
static struct peer_datagram peer;
static const struct iot_dgram_ops *ops;

/* A tick as a device's, then the world. */
static void turn(void)
{
    uint64_t now = peer_clock_ms();

    wake = false;
    state = ops->poll(&udp.base, now);
    host_turn(wake ? 0 : 1);
}

#define UNTIL_TURN(condition) UNTIL_WITH(turn, condition)

static void pass(uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i += 50) {
        turn();
        peer_clock_skip(50);
    }
}

static void prepare(void)
{
    iot_udp_init(&udp);
    udp.base.wake = &wake;
    ops = udp.base.ops;
    to = (struct iot_endpoint){.host = family->gateway, .port = peer.port, .netif = host_netif()};
}

static void open_up(void)
{
    state = IOT_ERR_AGAIN;
    assert_err(ops->open(&udp.base, &to, peer_clock_ms()), IOT_OK);
    UNTIL_TURN(state == IOT_OK);
}

static bool say(struct iot_bytes bytes)
{
    iot_err err = ops->write(&udp.base, bytes, peer_clock_ms());

    assert_true(err == IOT_OK || err == IOT_ERR_AGAIN);
    return err == IOT_OK;
}

static bool take(uint8_t *into, uint32_t cap, uint32_t *got)
{
    return ops->read(&udp.base, into, cap, got) == IOT_OK;
}

/* By each family that there is. */
static void for_each_family(void (*fn)(void))
{
    uint32_t ran = 0;

    for (size_t i = 0; i < COUNT(families); i++) {
        family = &families[i];
        if (!peer_datagram_start(&peer, family->loopback, 0)) {
            print_message("this host has no %s\n", family->loopback);
            continue;
        }
        prepare();
        fn();
        ops->abort(&udp.base);
        UNTIL_TURN(ops->idle(&udp.base));
        peer_datagram_stop(&peer);
        ran++;
    }
    assert_true(ran != 0);
}

static int teardown(void **s)
{
    if (ops != NULL)
        ops->abort(&udp.base);
    peer_datagram_stop(&peer);
    return peer_test_teardown(s);
}

/* ---- Exchange ---------------------------------------------------------------------------- */

static void sizes(void)
{
    static const uint32_t lens[] = {1, 2, 100, 1024, 1152, 0 /* the room */};
    uint8_t into[1500];
    uint32_t got;

    open_up();
    assert_int_equal(ops->room(&udp.base), family->room);
    for (size_t i = 0; i < COUNT(lens); i++) {
        uint32_t len = lens[i] != 0 ? lens[i] : family->room, heard = peer.heard;
        struct iot_bytes bytes = peer_payload(len, (uint8_t)len);
        UNTIL_TURN(say(bytes));
        UNTIL_TURN(take(into, sizeof into, &got));
        assert_int_equal(peer.heard, heard + 1);
        assert_bytes(((struct iot_bytes){into, got}), bytes);
    }
    assert_err(ops->write(&udp.base, peer_payload(family->room + 1, 1), peer_clock_ms()),
               IOT_ERR_SIZE);
}

static void datagrams_of_all_sizes_come_back_from_a_socket(void **s)
{
    (void)s;
    for_each_family(sizes);
}

static void life_after_life(void)
{
    uint8_t into[16];
    uint32_t got;

    for (uint32_t i = 0; i < 40; i++) {
        open_up();
        UNTIL_TURN(say(BYTES("ping")));
        UNTIL_TURN(peer.heard == i + 1);
        if (i % 2 == 0) {
            UNTIL_TURN(take(into, sizeof into, &got));
            assert_bytes(((struct iot_bytes){into, got}), BYTES("ping"));
        }
        if (i % 4 < 2)
            ops->close(&udp.base, peer_clock_ms() + 100);
        else
            ops->abort(&udp.base);
        turn();
        assert_err(state, IOT_ERR_CLOSED);
        assert_true(ops->idle(&udp.base));
    }
}

static void it_opens_again_and_again(void **s)
{
    (void)s;
    for_each_family(life_after_life);
}

/* More than lwIP has pbufs, each time: what is dropped goes back to the pool, or nothing would come any more. */
static void bursts(void)
{
    uint8_t into[64];
    uint32_t got, last = 0, count = 0;
    uint16_t next = 1;

    peer.silent = true;
    open_up();
    UNTIL_TURN(say(BYTES("hello")));
    UNTIL_TURN(peer.heard == 1);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 3 * PBUF_POOL_SIZE; i++, next++)
            peer_datagram_say(
                &peer, (struct iot_bytes){(uint8_t[2]){(uint8_t)(next >> 8), (uint8_t)next}, 2});
        for (int i = 0; i < 100; i++)
            turn(); /* nobody reads */
        uint32_t at_once = 0;
        for (; take(into, sizeof into, &got); at_once++) {
            uint32_t number = (uint32_t)into[0] << 8 | into[1];
            assert_int_equal(got, 2);
            assert_true(number > last && number < next);
            last = number;
        }
        assert_in_range(at_once, 1, IOT_RX_PBUFS_MAX);
        count += at_once;
    }
    assert_in_range(count, 20, 20 * IOT_RX_PBUFS_MAX);
}

static void floods_are_cut_to_the_queue_and_leave_nothing_behind(void **s)
{
    (void)s;
    for_each_family(bursts);
}

/* ---- Trouble ----------------------------------------------------------------------------- */

static void refused(void)
{
    uint8_t into[16];
    uint32_t got;
    uint16_t port = peer.port;

    open_up();
    UNTIL_TURN(say(BYTES("hello")));
    UNTIL_TURN(take(into, sizeof into, &got));
    peer_datagram_stop(&peer);
    for (int i = 0; i < 5; i++) { /* the host answers that the port is unreachable */
        UNTIL_TURN(say(BYTES("anybody?")));
        pass(200);
        assert_err(state, IOT_OK);
        assert_false(take(into, sizeof into, &got));
    }
    assert_true(peer_datagram_start(&peer, family->loopback, port));
    UNTIL_TURN(say(BYTES("again")));
    UNTIL_TURN(take(into, sizeof into, &got));
    assert_bytes(((struct iot_bytes){into, got}), BYTES("again"));
}

static void a_server_that_is_away_is_silence_and_comes_back(void **s)
{
    (void)s;
    for_each_family(refused);
}

static void cable(void)
{
    uint8_t into[16];
    uint32_t got;

    open_up();
    UNTIL_TURN(say(BYTES("hello")));
    UNTIL_TURN(take(into, sizeof into, &got));
    host_link(false);
    for (int i = 0; i < 5; i++) {
        (void)say(BYTES("lost"));
        pass(1000);
    }
    assert_err(state, IOT_OK);
    assert_int_equal(peer.heard, 1);
    host_link(true);
    bool found = false;
    for (int i = 0; i < 100 && !found; i++) { /* neighbours may have been forgotten meanwhile */
        (void)say(BYTES("found"));
        pass(500);
        found = take(into, sizeof into, &got);
    }
    assert_true(found);
    assert_bytes(((struct iot_bytes){into, got}), BYTES("found"));
}

static void a_cable_that_was_out_costs_datagrams_only(void **s)
{
    (void)s;
    for_each_family(cable);
}

static void interface_down(void)
{
    uint8_t into[16];
    uint32_t got;

    open_up();
    netif_set_down(host_netif());
    assert_false(say(BYTES("nowhere")));
    pass(2000);
    assert_err(state, IOT_OK);
    assert_false(say(BYTES("nowhere")));
    netif_set_up(host_netif());
    pass(3000);
    UNTIL_TURN(say(BYTES("there")));
    UNTIL_TURN(take(into, sizeof into, &got));
    assert_bytes(((struct iot_bytes){into, got}), BYTES("there"));

    netif_set_down(host_netif());
    for (uint32_t i = 0; i < 2 * IOT_STALL_MS / 50 && state == IOT_OK; i++) {
        assert_false(say(BYTES("nowhere")));
        pass(50);
    }
    assert_err(state, IOT_ERR_UDP_ROUTE);
    netif_set_up(host_netif());
    pass(3000);
}

static void an_interface_that_is_down_is_waited_for_and_then_the_end(void **s)
{
    (void)s;
    for_each_family(interface_down);
}

/* ---- Names ------------------------------------------------------------------------------- */

static enum host_dns_verdict on_question(void *ctx, const char *name, bool v6, uint8_t address[16])
{
    bool wants_v6 = strchr(family->loopback, ':') != NULL;
    ip_addr_t ip;
    (void)ctx;

    if (strncmp(name, "coap", 4) != 0)
        return HOST_DNS_UNKNOWN;
    if (v6 != wants_v6)
        return HOST_DNS_EMPTY;
    assert_true(ipaddr_aton(family->gateway, &ip));
#if LWIP_IPV6
    if (v6)
        memcpy(address, ip_2_ip6(&ip)->addr, 16);
#endif
#if LWIP_IPV4
    if (!v6)
        memcpy(address, ip_2_ip4(&ip), 4);
#endif
    return HOST_DNS_ADDRESS;
}

/* A name for each family: lwIP remembers them. */
static void named(void)
{
    uint8_t into[16];
    uint32_t got;

    host_dns_answer(on_question, NULL);
    to.host = strchr(family->loopback, ':') != NULL ? "coap6.test" : "coap4.test";
    open_up();
    UNTIL_TURN(say(BYTES("by name")));
    UNTIL_TURN(take(into, sizeof into, &got));
    assert_bytes(((struct iot_bytes){into, got}), BYTES("by name"));
    ops->abort(&udp.base);

    to.host = "nobody.test";
    state = IOT_ERR_AGAIN;
    assert_err(ops->open(&udp.base, &to, peer_clock_ms()), IOT_OK);
    UNTIL_TURN(state != IOT_ERR_AGAIN);
    assert_err(state, IOT_ERR_DNS_UNKNOWN);
}

static void names_are_resolved_to_either_family(void **s)
{
    (void)s;
    for_each_family(named);
}

/* ---- Packet too big ---------------------------------------------------------------------- */

#if LWIP_IPV6
static const uint8_t gateway6[16] = {0xfe, 0xc0, [15] = 2}, here6[16] = {0xfe, 0xc0, [15] = 0x15};

static void put16(uint8_t *into, uint32_t v)
{
    into[0] = (uint8_t)(v >> 8);
    into[1] = (uint8_t)v;
}

static void head6(uint8_t *into, uint32_t len, uint8_t next, const uint8_t *from,
                  const uint8_t *dest)
{
    memset(into, 0, 40);
    into[0] = 0x60;
    put16(into + 4, len);
    into[6] = next;
    into[7] = 255;
    memcpy(into + 8, from, 16);
    memcpy(into + 24, dest, 16);
}

/* A router (or anybody) says that what went to the gateway was longer than `mtu` (RFC 4443 section 3.2). */
static void too_big(uint32_t mtu)
{
    enum { ICMP = 8 + 48, ALL = 14 + 40 + ICMP };
    uint8_t frame[ALL] = {0}, pseudo[40 + ICMP] = {0};
    uint8_t *icmp = frame + 14 + 40;

    memcpy(frame, host_netif()->hwaddr, 6);
    frame[6] = 0x52;
    put16(frame + 12, 0x86dd);
    head6(frame + 14, ICMP, 58, gateway6, here6);
    icmp[0] = 2;
    put16(icmp + 4, mtu >> 16);
    put16(icmp + 6, mtu & 0xffffu);
    head6(icmp + 8, 8, 17, here6, gateway6);
    memcpy(pseudo, gateway6, 16);
    memcpy(pseudo + 16, here6, 16);
    pseudo[35] = ICMP;
    pseudo[39] = 58;
    memcpy(pseudo + 40, icmp, ICMP);
    u16_t sum = inet_chksum(pseudo, sizeof pseudo);
    memcpy(icmp + 2, &sum, 2);
    host_frame_deliver(frame, sizeof frame);
    for (int i = 0; i < 3; i++)
        turn();
}

static void path(void)
{
    uint8_t into[16];
    uint32_t got;

    if (strchr(family->loopback, ':') == NULL)
        return;
    open_up();
    UNTIL_TURN(say(BYTES("hello"))); /* lwIP knows the destination */
    UNTIL_TURN(take(into, sizeof into, &got));
    assert_int_equal(ops->room(&udp.base), 1452);
    too_big(1400);
    assert_int_equal(ops->room(&udp.base), 1352);
    assert_err(ops->write(&udp.base, peer_payload(1353, 1), peer_clock_ms()), IOT_ERR_SIZE);
    too_big(40); /* RFC 8201 section 4: never below 1280 */
    assert_int_equal(ops->room(&udp.base), 1232);
    too_big(0);
    assert_in_range(ops->room(&udp.base), 1232, 1452);
    too_big(0xffffffffu);
    assert_int_equal(ops->room(&udp.base), 1452);
}

static void a_path_of_ipv6_that_says_too_big_is_believed_within_bounds(void **s)
{
    (void)s;
    for_each_family(path);
}
#endif

#define UDP_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UDP_TEST(datagrams_of_all_sizes_come_back_from_a_socket),
        UDP_TEST(it_opens_again_and_again),
        UDP_TEST(floods_are_cut_to_the_queue_and_leave_nothing_behind),
        UDP_TEST(a_server_that_is_away_is_silence_and_comes_back),
        UDP_TEST(a_cable_that_was_out_costs_datagrams_only),
        UDP_TEST(an_interface_that_is_down_is_waited_for_and_then_the_end),
        UDP_TEST(names_are_resolved_to_either_family),
#if LWIP_IPV6
        UDP_TEST(a_path_of_ipv6_that_says_too_big_is_believed_within_bounds),
#endif
    };
    return cmocka_run_group_tests(tests, peer_group_setup, peer_group_teardown);
}
