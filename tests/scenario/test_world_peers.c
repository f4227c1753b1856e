/* SPDX-License-Identifier: Apache-2.0 */
/* The world around a device that serves: several who have an address of their own, a group, and what the wire does to them. What
 * serves here is src/net/iot_net_socket.c, which echoes. */
#include "scenario.h"

#include "net/iot_net_socket.h"
#include "world/world_clock.h"
#include "world/world_famine.h"
#include "world/world_loop.h"
#include "world/world_pools.h"
#include "world/world_udp.h"
#include "world/world_wire.h"

#define PORT     5683u
#define PEERS    5u
#define GROUP    "224.0.1.187"
#define GROUP_IP 0xe00001bbu
#define RTT_MS   10u

static struct iot_udp_socket server;
static struct iot_socket *const sock = &server.base;
static struct iot_socket_where where;
static const char *groups[2];
static const struct iot_socket_ops *ops;
static struct world_actor actor;
static bool wake;
static uint32_t served, to_many_served, unanswered;

static struct world_udp peers[PEERS]; /* the last one is at the cloud's address */
static char said[PEERS][16];          /* the last that each heard */

static const struct world_udp_from device = {WORLD_DEVICE_IP(WORLD_DEVICE_FIRST), PORT};
static const struct world_udp_from group = {GROUP_IP, PORT};

static uint64_t tick(void *ctx, uint64_t now)
{
    uint8_t bytes[1500];
    struct iot_peer from;
    uint32_t len;
    bool to_many;
    (void)ctx;
    (void)now;

    wake = false;
    while (ops->read(sock, bytes, sizeof bytes, &len, &from, &to_many) == IOT_OK) {
        served++;
        to_many_served += to_many;
        unanswered += ops->write(sock, &from, (struct iot_bytes){bytes, len}) != IOT_OK;
    }
    return wake ? now : IOT_TIME_NEVER;
}

static void on_datagram(void *ctx, struct world_udp *u, const struct world_udp_from *from,
                        struct iot_bytes bytes)
{
    char *text = ctx;
    (void)u;

    assert_int_equal(from->ip, device.ip);
    assert_int_equal(from->port, device.port);
    assert_in_range(bytes.len, 0, 15);
    memcpy(text, bytes.ptr, bytes.len);
    text[bytes.len] = '\0';
}

static void serve(const char *in_group)
{
    groups[0] = in_group;
    where = (struct iot_socket_where){.port = PORT, .netif = world_wire_dev(), .groups = groups};
    iot_udp_socket_init(&server);
    server.base.wake = &wake;
    ops = server.base.ops;
    assert_err(ops->open(sock, &where), IOT_OK);
    actor = (struct world_actor){.tick = tick};
    world_loop_add(&actor);
    for (uint32_t i = 0; i < PEERS - 1; i++) /* two share an address */
        world_udp_open_at(&peers[i], WORLD_PEER_IP(i / 2), (uint16_t)(1000 + i), on_datagram,
                          said[i]);
    world_udp_open(&peers[PEERS - 1], 1000, on_datagram, said[PEERS - 1]);
}

static void pass(uint32_t ms)
{
    assert_true(world_loop_until(world_ms() + ms));
}

static void end(void)
{
    for (uint32_t i = 0; i < PEERS; i++)
        world_udp_close(&peers[i]);
    world_loop_remove(&actor);
    ops->close(sock);
    world_pools_settle();
}

static void expect_heard(uint32_t each)
{
    for (uint32_t i = 0; i < PEERS; i++)
        assert_int_equal(peers[i].heard, each);
}

/* ---- Each its own -------------------------------------------------------------------------- */

static void each(void)
{
    char text[16];

    serve(NULL);
    for (uint32_t round = 1; round <= 20; round++) {
        for (uint32_t i = 0; i < PEERS; i++) {
            snprintf(text, sizeof text, "%u of %u", (unsigned)round, (unsigned)i);
            world_udp_send(&peers[i], &device, text_bytes(text));
            pass(1); /* or they would be one more than have place */
        }
        pass(RTT_MS);
        expect_heard(round);
        for (uint32_t i = 0; i < PEERS; i++) {
            snprintf(text, sizeof text, "%u of %u", (unsigned)round, (unsigned)i);
            assert_string_equal(said[i], text);
        }
    }
    assert_int_equal(served, 20 * PEERS);
    assert_int_equal(to_many_served + unanswered, 0);
    end();
}

static void each_peer_gets_its_own_answers(void **state)
{
    (void)state;
    scenario_run(each);
}

static void away(void)
{
    serve(NULL);
    world_udp_close(&peers[0]);
    world_udp_close(&peers[0]);
    world_udp_send(&peers[1], &device, BYTES("here")); /* at the same address */
    pass(RTT_MS);
    assert_int_equal(peers[1].heard, 1);
    world_udp_close(&peers[1]);
    const struct world_udp_from gone = {WORLD_PEER_IP(0), 1000};
    world_udp_forge(&gone, &device, BYTES("gone"));
    pass(RTT_MS);
    assert_int_equal(served, 2);
    assert_int_equal(world_lane_counts(WORLD_UP)->astray, 1);
    world_udp_open_at(&peers[0], WORLD_PEER_IP(0), 1000, on_datagram, said[0]);
    world_udp_send(&peers[0], &device, BYTES("back"));
    pass(RTT_MS);
    assert_string_equal(said[0], "back");
    end();
}

static void one_that_is_gone_hears_nothing_and_can_come_back(void **state)
{
    (void)state;
    scenario_run(away);
}

static void twice(void)
{
    static struct world_udp more[WORLD_HOSTS_MAX];

    serve(NULL);
    world_udp_open_at(&more[0], WORLD_PEER_IP(0), 1001, NULL, NULL); /* taken */
    scenario_expect_violations(1);
    for (uint32_t i = 0; i < WORLD_HOSTS_MAX - 3;
         i++) /* two addresses are there, and the name server's */
        world_udp_open_at(&more[i], WORLD_PEER_IP(10 + i), 1, NULL, NULL);
    for (uint32_t i = 0; i < WORLD_HOSTS_MAX - 3; i++)
        world_udp_close(&more[i]);
    end();
}

static void what_cannot_be_opened_is_a_violation(void **state)
{
    (void)state;
    scenario_run(twice);
}

/* ---- Groups -------------------------------------------------------------------------------- */

static void to_group(void)
{
    serve(GROUP);
    for (uint32_t i = 0; i < PEERS; i++) {
        world_udp_send(&peers[i], &group, BYTES("who?"));
        pass(RTT_MS);
        assert_string_equal(said[i], "who?");
    }
    expect_heard(1); /* answers go to who asked */
    assert_int_equal(to_many_served, PEERS);
    world_udp_send(&peers[0], &device, BYTES("you?"));
    pass(RTT_MS);
    assert_int_equal(to_many_served, PEERS);
    const struct world_udp_from everybody = {UINT32_MAX, PORT};
    world_udp_send(&peers[0], &everybody, BYTES("all?"));
    pass(RTT_MS);
    assert_int_equal(to_many_served, PEERS + 1);
    assert_string_equal(said[0], "all?");
    end();
}

static void who_has_joined_hears_what_is_sent_to_the_group(void **state)
{
    (void)state;
    scenario_run(to_group);
}

static void not_joined(void)
{
    serve(NULL);
    for (uint32_t i = 0; i < PEERS; i++)
        world_udp_send(&peers[i], &group, BYTES("who?"));
    pass(RTT_MS);
    assert_int_equal(served, 0);
    expect_heard(0);
    end();
}

static void who_has_not_does_not(void **state)
{
    (void)state;
    scenario_run(not_joined);
}

/* ---- Trouble ------------------------------------------------------------------------------- */

static void trouble(void)
{
    serve(GROUP);
    world_wire_trick(WORLD_DOWN, 2, WORLD_TRICK_DROP, 0);
    for (int i = 0; i < 3; i++)
        world_udp_send(&peers[0], &device, BYTES("dropped?"));
    pass(RTT_MS);
    assert_int_equal(served, 2);
    world_wire_trick(WORLD_DOWN, 1, WORLD_TRICK_DOUBLE, 0);
    world_udp_send(&peers[0], &group, BYTES("doubled"));
    pass(RTT_MS);
    assert_int_equal(peers[0].heard, 4);

    strcpy(said[0], "clean");
    for (enum world_way way = WORLD_UP; way <= WORLD_DOWN; way++) {
        uint32_t heard = peers[0].heard;
        world_lane(way)->corrupt = 1000000;
        for (int i = 0; i < 200; i++) { /* a checksum finds any one bit */
            world_udp_send(&peers[0], &device, BYTES("clean"));
            pass(RTT_MS);
        }
        assert_string_equal(said[0], "clean");
        assert_int_equal(peers[0].heard, heard);
        world_lane(way)->corrupt = 0;
    }
    end();
}

static void the_wire_does_to_them_what_it_does_to_others(void **state)
{
    (void)state;
    scenario_run(trouble);
}

static void hunger(void)
{
    serve(NULL);
    world_famine_pool(-1, true);
    for (int i = 0; i < 10; i++) {
        world_udp_send(&peers[0], &device, BYTES("hungry?"));
        pass(RTT_MS);
    }
    assert_int_equal(served, 10);
    assert_int_equal(unanswered, 10);
    assert_int_equal(ops->detail(sock), -1); /* ERR_MEM */
    expect_heard(0);
    world_famine_end();
    world_udp_send(&peers[0], &device, BYTES("fed"));
    pass(RTT_MS);
    assert_string_equal(said[0], "fed");
    end();
}

static void without_memory_nothing_is_sent_and_that_is_told(void **state)
{
    (void)state;
    scenario_run(hunger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_peer_gets_its_own_answers),
        cmocka_unit_test(one_that_is_gone_hears_nothing_and_can_come_back),
        cmocka_unit_test(what_cannot_be_opened_is_a_violation),
        cmocka_unit_test(who_has_joined_hears_what_is_sent_to_the_group),
        cmocka_unit_test(who_has_not_does_not),
        cmocka_unit_test(the_wire_does_to_them_what_it_does_to_others),
        cmocka_unit_test(without_memory_nothing_is_sent_and_that_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
