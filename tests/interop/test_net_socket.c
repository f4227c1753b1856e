/* SPDX-License-Identifier: Apache-2.0 */
/* src/net/iot_net_socket.c over Ethernet, IPv4 and IPv6 as lwIP has them: against sockets of the host, and frames made by hand,
 * from whoever there might be. */
#include "peer_device.h"
#include "peer_datagram.h"

#include "host/host_loop.h"
#include "host/host_net.h"
#include "net/iot_net_socket.h"

#include "lwip/inet_chksum.h"
#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/opt.h"
#include "lwip/udp.h"

#define PORT 5683u

/* As the device sees it. */
static const struct family {
    uint8_t number;
    const char *loopback, *gateway, *here;
    const char *alice, *bob, *carol; /* somewhere in the world */
    const char *group, *other_group;
    uint32_t room;
} families[] = {
#if LWIP_IPV4
    {4, "127.0.0.1", "10.0.2.2", "10.0.2.15", "192.0.2.1", "192.0.2.2", "192.0.2.3", "224.0.1.187",
     "224.0.1.188", 1472},
#endif
#if LWIP_IPV6
    {6, "::1", "fec0::2", "fec0::15", "2001:db8::1", "2001:db8::2", "2001:db8::3", "ff02::fd",
     "ff02::fe", 1452},
#endif
};
static const struct family *family;

static struct iot_udp_socket udp, other;
static struct iot_socket *const sock = &udp.base;
static struct iot_socket_where where;
static const char *groups[4];
static const struct iot_socket_ops *ops;
static bool wake;

static void turn(void)
{
    host_turn(1);
}

#define UNTIL_TURN(condition) UNTIL_WITH(turn, condition)

static void turns(void)
{
    for (int i = 0; i < 3; i++)
        host_turn(0);
}

/* ---- Frames made by hand ------------------------------------------------------------------- */

static void put16(uint8_t *into, uint32_t v)
{
    into[0] = (uint8_t)(v >> 8);
    into[1] = (uint8_t)v;
}

static ip_addr_t address(const char *text)
{
    ip_addr_t a;

    assert_true(ipaddr_aton(text, &a));
    return a;
}

static const uint8_t *raw(const ip_addr_t *a)
{
#if LWIP_IPV6
    if (IP_IS_V6(a))
        return (const uint8_t *)ip_2_ip6(a)->addr;
#endif
#if LWIP_IPV4
    if (IP_IS_V4(a))
        return (const uint8_t *)&ip_2_ip4(a)->addr;
#endif
    return NULL;
}

static void ether_head(uint8_t *frame, const ip_addr_t *to)
{
    const uint8_t *dest = raw(to);

    memcpy(frame, host_netif()->hwaddr, 6);
    memcpy(frame + 6, "\x52\x00\x00\x00\x00\x01", 6);
    put16(frame + 12, IP_IS_V6(to) ? 0x86ddu : 0x0800u);
    if (IP_IS_V6(to) && dest[0] == 0xff) {
        memcpy(frame, "\x33\x33", 2);
        memcpy(frame + 2, dest + 12, 4);
    } else if (!IP_IS_V6(to) && dest[0] >= 224 && dest[0] < 240) {
        memcpy(frame, "\x01\x00\x5e", 3);
        memcpy(frame + 3, dest + 1, 3);
        frame[3] &= 0x7f;
    } else if (!IP_IS_V6(to) && dest[3] == 255) {
        memset(frame, 255, 6);
    }
}

/* Somebody sends `len` bytes of `mark`. */
static void say_bytes(const char *from_text, uint16_t from_port, const char *to_text, uint16_t port,
                      uint32_t len, uint8_t mark)
{
    const ip_addr_t from = address(from_text), to = address(to_text);
    uint8_t frame[128] = {0}, *ip = frame + 14, *p;

    ether_head(frame, &to);
    if (IP_IS_V6(&to)) {
        ip[0] = 0x60;
        put16(ip + 4, 8 + len);
        ip[6] = IP_PROTO_UDP;
        ip[7] = 1;
        memcpy(ip + 8, raw(&from), 16);
        memcpy(ip + 24, raw(&to), 16);
        p = ip + 40;
    } else {
        ip[0] = 0x45;
        put16(ip + 2, 28 + len);
        ip[8] = 1;
        ip[9] = IP_PROTO_UDP;
        memcpy(ip + 12, raw(&from), 4);
        memcpy(ip + 16, raw(&to), 4);
        u16_t sum = inet_chksum(ip, 20);
        memcpy(ip + 10, &sum, 2);
        p = ip + 20;
    }
    put16(p, from_port);
    put16(p + 2, port);
    put16(p + 4, 8 + len); /* its checksum stays 0: there is none */
    memset(p + 8, mark, len);
    host_frame_deliver(frame, (uint32_t)(p + 8 - frame) + len);
    turns();
}

static void say(const char *from, uint16_t from_port, char mark)
{
    say_bytes(from, from_port, family->here, PORT, 1, (uint8_t)mark);
}

/* ---- What leaves --------------------------------------------------------------------------- */

static uint32_t reports, leaves; /* of groups, as routers and switches hear them */
static uint8_t sent_to[16];      /* the last datagram of UDP to somebody far */

static bool see(void *ctx, enum host_way way, const uint8_t *frame, uint32_t len)
{
    const uint8_t *ip = frame + 14;
    bool is_v6 = len > 62 && frame[12] == 0x86;
    (void)ctx;

    if (way != HOST_OUT)
        return true;
    reports += is_v6 ? ip[6] == 0 && ip[48] == 131 : ip[9] == 2 && ip[24] == 0x16;
    leaves += is_v6 ? ip[6] == 0 && ip[48] == 132 : ip[9] == 2 && ip[24] == 0x17;
    if (ip[is_v6 ? 6 : 9] == IP_PROTO_UDP)
        memcpy(sent_to, ip + (is_v6 ? 24 : 16), is_v6 ? 16 : 4);
    return true;
}

/* ---- The socket ---------------------------------------------------------------------------- */

static void prepare(void)
{
    iot_udp_socket_init(&udp);
    iot_udp_socket_init(&other);
    udp.base.wake = &wake;
    ops = udp.base.ops;
    memset(groups, 0, sizeof groups);
    where = (struct iot_socket_where){.port = PORT, .netif = host_netif(), .groups = groups};
    reports = leaves = 0;
    host_on_frame(see, NULL);
}

static uint32_t free_pbufs(void)
{
    struct pbuf *all[PBUF_POOL_SIZE], *p;
    uint32_t n = 0;

    while ((p = pbuf_alloc(PBUF_RAW, 1, PBUF_POOL)) != NULL)
        all[n++] = p;
    for (uint32_t i = 0; i < n; i++)
        pbuf_free(all[i]);
    return n;
}

static void for_each_family(void (*fn)(void))
{
    for (size_t i = 0; i < COUNT(families); i++) {
        uint32_t before = free_pbufs();
        family = &families[i];
        prepare();
        fn();
        ops->close(&udp.base);
        ops->close(&other.base);
        assert_int_equal(free_pbufs(), before);
    }
}

static int teardown(void **s)
{
    if (ops != NULL) {
        ops->close(&udp.base);
        ops->close(&other.base);
    }
    host_on_frame(NULL, NULL);
    netif_set_up(host_netif());
    return peer_test_teardown(s);
}

static void open_it(void)
{
    assert_err(ops->open(sock, &where), IOT_OK);
    assert_int_equal(ops->detail(sock), 0);
}

static struct iot_peer peer_of(const char *text, uint16_t port)
{
    const ip_addr_t a = address(text);
    struct iot_peer p;

    memset(&p, 0, sizeof p);
    p.family = family->number;
    p.port = port;
    memcpy(p.addr, raw(&a), family->number == 6 ? 16 : 4);
    return p;
}

static uint8_t heard[2048];

/* The next: from there, this mark, to us or to many. */
static void expect(const char *from, uint16_t port, char mark, bool to_many)
{
    struct iot_peer want = peer_of(from, port), got;
    uint32_t len = 0;
    bool many = !to_many;

    memset(&got, 0xee, sizeof got);
    assert_err(ops->read(sock, heard, sizeof heard, &len, &got, &many), IOT_OK);
    assert_int_equal(len, 1);
    assert_int_equal(heard[0], mark);
    assert_memory_equal(&got, &want, sizeof got);
    assert_int_equal(many, to_many);
}

static void expect_none(struct iot_socket *s)
{
    struct iot_peer from;
    uint32_t len;
    bool many;

    assert_err(ops->read(s, heard, sizeof heard, &len, &from, &many), IOT_ERR_AGAIN);
}

/* ---- Clients of the host ------------------------------------------------------------------- */

#define CLIENTS 3u

static struct peer_datagram clients[CLIENTS];
static struct iot_peer from;
static uint32_t got;
static bool many;

static bool reads(void)
{
    return ops->read(sock, heard, sizeof heard, &got, &from, &many) == IOT_OK;
}

static void clients_of_the_host_are_told_apart_by_their_ports_and_answered(void **s)
{
    static const char *const words[CLIENTS] = {"one", "second", "the third"};
    uint16_t port = 0, taken;
    (void)s;

    family = &families[0];
    prepare();
    open_it();
    assert_true(host_forward_udp(&port, PORT));
    assert_int_not_equal(port, 0);
    taken = port;
    assert_false(host_forward_udp(&taken, PORT));
    for (uint32_t i = 0; i < CLIENTS; i++) {
        assert_true(peer_datagram_start(&clients[i], family->loopback, 0));
        clients[i].silent = true;
        peer_datagram_to(&clients[i], family->loopback, port);
        peer_datagram_say(&clients[i], text_bytes(words[i]));
    }
    for (uint32_t i = 0; i < CLIENTS; i++) { /* answered when all were heard: nobody is mistaken */
        uint32_t who = 0;
        UNTIL_TURN(reads());
        while (who < CLIENTS - 1 && from.port != clients[who].port)
            who++;
        struct iot_peer want = peer_of(family->gateway, clients[who].port);
        assert_memory_equal(&from, &want, sizeof from);
        assert_false(many);
        assert_bytes(((struct iot_bytes){heard, got}), text_bytes(words[who]));
        assert_err(ops->write(sock, &from, (struct iot_bytes){heard, got}), IOT_OK);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        UNTIL_TURN(clients[i].heard == 1);
        assert_bytes(((struct iot_bytes){clients[i].bytes, clients[i].len}), text_bytes(words[i]));
        assert_int_equal(clients[i].from_port, port);
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(clients[i].heard, 1);

    /* One is gone: what the host says about that troubles no other. */
    struct iot_peer gone = peer_of(family->gateway, clients[0].port);
    struct iot_peer last = peer_of(family->gateway, clients[CLIENTS - 1].port);
    peer_datagram_stop(&clients[0]);
    for (uint32_t i = 2; i < 5; i++) {
        assert_err(ops->write(sock, &gone, BYTES("there?")), IOT_OK);
        assert_err(ops->write(sock, &last, BYTES("and you?")), IOT_OK);
        UNTIL_TURN(clients[CLIENTS - 1].heard == i);
    }
    peer_datagram_say(&clients[1], BYTES("again"));
    UNTIL_TURN(reads());
    assert_int_equal(from.port, clients[1].port);
    for (uint32_t i = 1; i < CLIENTS; i++)
        peer_datagram_stop(&clients[i]);
}

/* Of both families, also where only one is forwarded: we speak first. */
static void sizes(void)
{
    static const uint32_t lens[] = {1, 2, 100, 1024, 1152, 0 /* the room */};
    static struct peer_datagram echo;

    if (!peer_datagram_start(&echo, family->loopback, 0)) {
        print_message("this host has no %s\n", family->loopback);
        return;
    }
    where.netif = family->number == 4 ? NULL : where.netif;
    open_it();
    struct iot_peer there = peer_of(family->gateway, echo.port);
    UNTIL_TURN(ops->room(sock, &there) == family->room);
    for (size_t i = 0; i < COUNT(lens); i++) {
        uint32_t len = lens[i] != 0 ? lens[i] : family->room;
        struct iot_bytes bytes = peer_payload(len, (uint8_t)len);
        assert_err(ops->write(sock, &there, bytes), IOT_OK);
        wake = false;
        UNTIL_TURN(reads());
        assert_true(wake);
        assert_memory_equal(&from, &there, sizeof from);
        assert_bytes(((struct iot_bytes){heard, got}), bytes);
    }
    assert_err(ops->write(sock, &there, peer_payload(family->room + 1, 1)), IOT_ERR_SIZE);
    peer_datagram_stop(&echo);
}

static void datagrams_of_all_sizes_go_to_a_peer_and_come_from_it(void **s)
{
    (void)s;
    for_each_family(sizes);
}

/* ---- Who sends, and to whom ---------------------------------------------------------------- */

static void senders(void)
{
    open_it();
    say(family->alice, 1, 'a');
    say(family->bob, 65535, 'b');
    say(family->alice, 2, 'c');
    say(family->carol, 0, 'd'); /* cannot be answered */
    assert_int_equal(ops->dropped(sock), 1);
    expect(family->alice, 1, 'a', false);
    expect(family->bob, 65535, 'b', false);
    expect(family->alice, 2, 'c', false);
    expect_none(sock);
    say_bytes(family->alice, 1, family->here, PORT + 1, 1, 'x'); /* another's port */
    expect_none(sock);
}

static void each_datagram_says_who_sent_it(void **s)
{
    (void)s;
    for_each_family(senders);
}

static void answers(void)
{
    struct iot_peer bob = peer_of(family->bob, 7), nobody = {.port = 7};
    const ip_addr_t addr = address(family->bob);

    assert_int_equal(ops->room(sock, &bob), 0); /* not open */
    assert_err(ops->write(sock, &bob, BYTES("x")), IOT_ERR_AGAIN);
    open_it();
    assert_int_equal(ops->room(sock, &bob), family->room);
    if (family->number == 4) { /* of IPv6 the router has to be found first */
        assert_err(ops->write(sock, &bob, BYTES("x")), IOT_OK);
        turns();
        assert_memory_equal(sent_to, raw(&addr), 4);
    }
    assert_err(ops->write(sock, &bob, peer_payload(family->room + 1, 1)), IOT_ERR_SIZE);
    assert_int_equal(ops->room(sock, &nobody), 0);
    assert_err(ops->write(sock, &nobody, BYTES("x")), IOT_ERR_AGAIN);

    netif_set_down(host_netif());
    assert_err(ops->write(sock, &bob, BYTES("x")), IOT_ERR_AGAIN);
    assert_int_equal(ops->detail(sock), ERR_RTE);
    netif_set_up(host_netif());
    peer_clock_skip(3000);
    turns();
    UNTIL_TURN(ops->room(sock, &bob) == family->room);
}

static void what_cannot_leave_now_is_told(void **s)
{
    (void)s;
    for_each_family(answers);
}

static void small_place(void)
{
    open_it();
    say_bytes(family->alice, 1, family->here, PORT, 9, 'a');
    say_bytes(family->alice, 1, family->here, PORT, 8, 'b');
    say_bytes(family->alice, 1, family->here, PORT, 0, 0);
    assert_err(ops->read(sock, heard, 8, &got, &from, &many), IOT_ERR_SIZE);
    assert_err(ops->read(sock, heard, 8, &got, &from, &many), IOT_OK);
    assert_int_equal(got, 8);
    assert_int_equal(heard[7], 'b');
    assert_err(ops->read(sock, NULL, 0, &got, &from, &many), IOT_OK); /* empty, and needs none */
    assert_int_equal(got, 0);
    expect_none(sock);
}

static void one_that_is_longer_than_its_place_is_gone_and_the_next_one_comes(void **s)
{
    (void)s;
    for_each_family(small_place);
}

#if LWIP_IPV6
static void a_neighbour_has_a_zone_and_nobody_is_nobody(void **s)
{
    (void)s;
    family = &families[COUNT(families) - 1];
    prepare();
    open_it();
    say("fe80::77", 9, 'a');
    assert_true(reads());
    struct iot_peer want = peer_of("fe80::77", 9);
    want.zone = netif_get_index(host_netif());
    assert_memory_equal(&from, &want, sizeof from);
    assert_int_not_equal(from.zone, 0);
    assert_int_equal(ops->room(sock, &from), 1452);
    assert_err(ops->write(sock, &from, BYTES("x")), IOT_OK); /* at least it has a way */
    where.netif = NULL;
    ops->close(sock);
    open_it();
    assert_err(ops->write(sock, &from, BYTES("x")), IOT_OK);

    say_bytes("::", 9, "ff02::1:ff00:15", PORT, 1, 'b'); /* nobody, to all whose address ends so */
    assert_false(reads());
    say("::ffff:c000:201", 9, 'c'); /* IPv4 in disguise: lwIP drops it */
    assert_false(reads());
}
#endif

#if LWIP_IPV4 && LWIP_IPV6
static void one_address_leaves_nothing_in_the_next(void **s)
{
    (void)s;
    prepare();
    open_it();
    for (size_t i = 0; i < 2 * COUNT(families); i++) {
        family = &families[(i + 1) % COUNT(families)];
        say(family->alice, 1, 'a');
        expect(family->alice, 1, 'a', false);
    }
}
#endif

/* ---- Groups -------------------------------------------------------------------------------- */

static void to_group(const char *group, char mark)
{
    say_bytes(family->alice, 1, group, PORT, 1, (uint8_t)mark);
}

static void joins(void)
{
    for (int round = 0; round < 20; round++) { /* more than lwIP has groups */
        where.netif = round % 2 == 0 ? host_netif() : NULL;
        groups[0] = NULL;
        open_it();
        to_group(family->group, 'a');
        expect_none(sock);
        ops->close(sock);

        uint32_t seen = reports;
        groups[0] = family->group;
        open_it();
        turns();
        assert_true(reports > seen);
        to_group(family->group, 'b');
        expect(family->alice, 1, 'b', true);
        to_group(family->other_group, 'c');
        expect_none(sock);
        say(family->alice, 1, 'd');
        expect(family->alice, 1, 'd', false);
        seen = leaves;
        ops->close(sock);
        turns();
        assert_int_equal(leaves, seen + 1);
    }
}

static void a_group_is_joined_and_left(void **s)
{
    (void)s;
    for_each_family(joins);
}

static void two_in_a_group(void)
{
    const char *bad[] = {family->group, "10.0.2.2x", NULL};
    struct iot_socket_where second = {.port = PORT + 1, .groups = bad};

    groups[0] = family->group;
    open_it();
    assert_err(ops->open(&other.base, &second), IOT_ERR_ARG);
    to_group(family->group, 'a'); /* what the other one took back was its own */
    expect(family->alice, 1, 'a', true);
    bad[1] = NULL;
    assert_err(ops->open(&other.base, &second), IOT_OK);
    ops->close(&other.base);
    to_group(family->group, 'b');
    expect(family->alice, 1, 'b', true);
    ops->close(sock);
    groups[0] = NULL;
    open_it();
    to_group(family->group, 'c');
    expect_none(sock);
}

static void two_sockets_share_a_group(void **s)
{
    (void)s;
    for_each_family(two_in_a_group);
}

static void wrong_groups(void)
{
    static const char *const wrong[] = {"", "coap", "224.0.1.", "ff02:fd", "224.0.1.187x", NULL};

    for (int round = 0; round < 8; round++) { /* more than lwIP has sockets */
        for (uint32_t i = 0; i <= COUNT(wrong); i++) {
            const char *text = i < COUNT(wrong) && wrong[i] != NULL ? wrong[i] : family->here;
            groups[0] = i % 2 == 0 ? family->group : text;
            groups[1] = i % 2 == 0 ? text : NULL;
            assert_err(ops->open(sock, &where), IOT_ERR_ARG);
            assert_null(udp.pcb);
            expect_none(sock);
        }
    }
    groups[0] = NULL;
    open_it();
    to_group(family->group, 'a'); /* left again */
    expect_none(sock);
}

static void what_is_no_group_opens_nothing(void **s)
{
    (void)s;
    for_each_family(wrong_groups);
}

static void no_way(void)
{
    uint8_t flags = host_netif()->flags;

    groups[0] = family->group;
    where.netif = NULL;
    host_netif()->flags &= (u8_t) ~(NETIF_FLAG_IGMP | NETIF_FLAG_MLD6);
    assert_err(ops->open(sock, &where), IOT_ERR_UDP_ROUTE); /* no interface that can */
    host_netif()->flags = flags;
    assert_null(udp.pcb);
    open_it();
}

static void a_group_that_no_interface_can_join_is_told(void **s)
{
    (void)s;
    for_each_family(no_way);
}

static void too_many_groups(void)
{
    static char text[40][24];
    static const char *list[COUNT(text) + 1];

    for (uint32_t i = 0; i < COUNT(text); i++) {
        snprintf(text[i], sizeof text[i], family->number == 4 ? "239.1.1.%u" : "ff05::%x", i + 10);
        list[i] = text[i];
    }
    where.groups = list;
    for (int round = 0; round < 3; round++) {
        assert_err(ops->open(sock, &where), IOT_ERR_UDP_ROUTE);
        assert_int_equal(ops->detail(sock), ERR_MEM);
        assert_null(udp.pcb);
    }
    /* Of those behind it nothing is left that another one has joined. */
    const char *mine[] = {family->group, NULL};
    const struct iot_socket_where second = {.port = PORT + 1, .groups = mine};
    assert_err(ops->open(&other.base, &second), IOT_OK);
    list[COUNT(text) - 1] = family->group;
    assert_err(ops->open(sock, &where), IOT_ERR_UDP_ROUTE);
    say_bytes(family->alice, 1, family->group, PORT + 1, 1, 'a');
    assert_err(ops->read(&other.base, heard, sizeof heard, &got, &from, &many), IOT_OK);
    ops->close(&other.base); /* `second` ends here */

    list[1] = NULL; /* all others were given back */
    open_it();
}

static void more_groups_than_lwip_has_leave_none_behind(void **s)
{
    (void)s;
    for_each_family(too_many_groups);
}

#if LWIP_IPV4
static void a_broadcast_is_to_many(void **s)
{
    (void)s;
    family = &families[0];
    prepare();
    open_it();
    say_bytes("0.0.0.0", 1, "224.0.0.1", PORT, 1, 'x'); /* nobody, to all systems */
    expect_none(sock);
    say_bytes(family->alice, 1, "255.255.255.255", PORT, 1, 'a');
    expect(family->alice, 1, 'a', true);
    say_bytes(family->alice, 1, "10.0.2.255", PORT, 1, 'b');
    expect(family->alice, 1, 'b', true);
    say_bytes(family->alice, 1, "10.0.2.15", PORT, 1, 'c');
    expect(family->alice, 1, 'c', false);
}
#endif

/* ---- A full queue -------------------------------------------------------------------------- */

static void flood(void)
{
    open_it();
    for (uint32_t i = 0; i < 5 * PBUF_POOL_SIZE; i++)
        say(family->alice, (uint16_t)(1000 + i),
            (char)('A' + i % 26)); /* of many ports: one host */
    assert_int_equal(ops->dropped(sock), 5 * PBUF_POOL_SIZE - IOT_SOCKET_PBUFS);
    say(family->bob, 1, '1');
    say(family->bob, 1, '2');
    say(family->bob, 1, '3'); /* he has as many as she now */
    say(family->alice, 1, '4');
    for (uint16_t i = 0; i < IOT_SOCKET_PBUFS - 2; i++)
        expect(family->alice, (uint16_t)(1000 + i), (char)('A' + i), false);
    expect(family->bob, 1, '1', false);
    expect(family->bob, 1, '2', false);
    expect_none(sock);
    assert_int_equal(ops->dropped(sock), 5 * PBUF_POOL_SIZE - IOT_SOCKET_PBUFS + 4);
}

/* Both sockets of a server are full, and TCP has what it would have without them. */
static void two_floods(void)
{
    const struct iot_socket_where second = {.port = PORT + 1};

    open_it();
    assert_err(ops->open(&other.base, &second), IOT_OK);
    for (uint32_t i = 0; i < 2 * PBUF_POOL_SIZE; i++) {
        say(family->alice, 1, 'a');
        say_bytes(family->bob, 1, family->here, PORT + 1, 1, 'b');
    }
    assert_int_equal(udp.count, IOT_SOCKET_PBUFS);
    assert_int_equal(other.count, IOT_SOCKET_PBUFS);
    assert_true(free_pbufs() >= TCP_WND / TCP_MSS + 2);
    ops->close(&other.base); /* `second` ends here */
}

static void full_sockets_leave_tcp_its_pbufs(void **s)
{
    (void)s;
    for_each_family(two_floods);
}

static void who_sends_most_gives_place_to_who_sends_less(void **s)
{
    (void)s;
    for_each_family(flood);
}

static void crowd(void)
{
    char text[40];

    open_it();
    for (uint32_t i = 0; i < 30; i++) { /* each from another address: whoever came first stays */
        snprintf(text, sizeof text, family->number == 4 ? "192.0.2.%u" : "2001:db8::%x", i + 10);
        say(text, 1, (char)i);
    }
    for (uint32_t i = 0; i < IOT_SOCKET_PBUFS; i++) {
        snprintf(text, sizeof text, family->number == 4 ? "192.0.2.%u" : "2001:db8::%x", i + 10);
        expect(text, 1, (char)i, false);
    }
    expect_none(sock);
}

static void many_with_one_each_push_nobody_out(void **s)
{
    (void)s;
    for_each_family(crowd);
}

/* As a driver with small buffers gives it. */
static void give(const char *who, uint32_t pbufs, uint8_t mark)
{
    const ip_addr_t sender = address(who);
    struct pbuf *p = NULL;

    for (uint32_t i = 0; i < pbufs; i++) {
        struct pbuf *q = pbuf_alloc(PBUF_RAW, 8, PBUF_RAM);
        memset(q->payload, mark, 8);
        if (p == NULL)
            p = q;
        else
            pbuf_cat(p, q);
    }
    udp.pcb->recv(udp.pcb->recv_arg, udp.pcb, p, &sender, 1);
}

static uint32_t take(uint8_t mark)
{
    assert_true(reads());
    for (uint32_t i = 0; i < got; i++)
        assert_int_equal(heard[i], mark);
    return got / 8;
}

static void chains(void)
{
    open_it();
    say(family->alice, 1, 'x'); /* so that lwIP has a current datagram */
    assert_true(reads());
    give(family->alice, IOT_SOCKET_PBUFS + 5, 'a'); /* nothing is held: taken whole */
    give(family->alice, 1, 'b');
    assert_int_equal(take('a'), IOT_SOCKET_PBUFS + 5);
    expect_none(sock);

    give(family->alice, 1, 'c');
    give(family->alice, IOT_SOCKET_PBUFS - 1, 'd');
    give(family->bob, 1, 'e'); /* in place of her newest, all of it */
    give(family->bob, IOT_SOCKET_PBUFS, 'f');
    give(family->bob, 1, 'g');
    assert_int_equal(take('c'), 1);
    assert_int_equal(take('e'), 1);
    assert_int_equal(take('g'), 1);
    expect_none(sock);
}

static void pbufs_are_counted_not_datagrams(void **s)
{
    (void)s;
    for_each_family(chains);
}

/* ---- Ends, and again ----------------------------------------------------------------------- */

static void life_after_life(void)
{
    ops->close(sock); /* never opened */
    for (uint32_t i = 0; i < 3 * PBUF_POOL_SIZE; i++) {
        groups[0] = i % 2 == 0 ? family->group : NULL;
        open_it();
        for (int n = 0; n < IOT_SOCKET_PBUFS; n++)
            say(family->alice, 1, (char)n);
        expect(family->alice, 1, 0, false);
        ops->close(sock);
        say(family->alice, 1, 'x');
        expect_none(sock);
        ops->close(sock);
    }
    open_it();
    expect_none(sock); /* nothing of its earlier lives */
}

static void what_waits_at_the_close_is_given_back(void **s)
{
    (void)s;
    for_each_family(life_after_life);
}

static void taken(void)
{
    struct udp_pcb *all[64];
    uint32_t n = 0;

    open_it();
    for (int i = 0; i < 20; i++) {
        assert_err(ops->open(&other.base, &where), IOT_ERR_UDP_MEMORY);
        assert_int_equal(ops->detail(&other.base), ERR_USE);
        assert_null(other.pcb);
    }
    say(family->alice, 1, 'a'); /* the first one lives on */
    expect(family->alice, 1, 'a', false);
    ops->close(sock);
    assert_err(ops->open(&other.base, &where), IOT_OK);
    ops->close(&other.base);

    while (n < COUNT(all) && (all[n] = udp_new()) != NULL)
        n++;
    assert_in_range(n, 1, COUNT(all) - 1);
    assert_err(ops->open(sock, &where), IOT_ERR_UDP_MEMORY);
    assert_int_equal(ops->detail(sock), ERR_MEM);
    while (n != 0)
        udp_remove(all[--n]);
    open_it();
}

static void a_port_that_is_taken_and_no_socket_left_are_told(void **s)
{
    (void)s;
    for_each_family(taken);
}

#define SOCKET_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOCKET_TEST(clients_of_the_host_are_told_apart_by_their_ports_and_answered),
        SOCKET_TEST(datagrams_of_all_sizes_go_to_a_peer_and_come_from_it),
        SOCKET_TEST(each_datagram_says_who_sent_it),
        SOCKET_TEST(what_cannot_leave_now_is_told),
        SOCKET_TEST(one_that_is_longer_than_its_place_is_gone_and_the_next_one_comes),
#if LWIP_IPV6
        SOCKET_TEST(a_neighbour_has_a_zone_and_nobody_is_nobody),
#endif
#if LWIP_IPV4 && LWIP_IPV6
        SOCKET_TEST(one_address_leaves_nothing_in_the_next),
#endif
        SOCKET_TEST(a_group_is_joined_and_left),
        SOCKET_TEST(two_sockets_share_a_group),
        SOCKET_TEST(what_is_no_group_opens_nothing),
        SOCKET_TEST(a_group_that_no_interface_can_join_is_told),
        SOCKET_TEST(more_groups_than_lwip_has_leave_none_behind),
#if LWIP_IPV4
        SOCKET_TEST(a_broadcast_is_to_many),
#endif
        SOCKET_TEST(who_sends_most_gives_place_to_who_sends_less),
        SOCKET_TEST(full_sockets_leave_tcp_its_pbufs),
        SOCKET_TEST(many_with_one_each_push_nobody_out),
        SOCKET_TEST(pbufs_are_counted_not_datagrams),
        SOCKET_TEST(what_waits_at_the_close_is_given_back),
        SOCKET_TEST(a_port_that_is_taken_and_no_socket_left_are_told),
    };
    return cmocka_run_group_tests(tests, peer_group_setup, peer_group_teardown);
}
