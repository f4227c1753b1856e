/* SPDX-License-Identifier: Apache-2.0 */
/* The world's server of datagrams, and the tricks that its wire plays on one of them: exactly that one, exactly once. */
#include "channel.h"

#include "world/world_dns.h"

#define DELAY_MS 5u /* of the wire, one way */
#define EACH     6u

/* Which came, in which order, and after how many ms: "0 1 2@25". */
static char trace[256];
static uint64_t trace_from;

static void trace_one(const char *text)
{
    size_t at = strlen(trace);
    uint64_t ms = world_ms() - trace_from;

    if (ms > DELAY_MS)
        snprintf(trace + at, sizeof trace - at, "%s%s@%u", at == 0 ? "" : " ", text, (unsigned)ms);
    else
        snprintf(trace + at, sizeof trace - at, "%s%s", at == 0 ? "" : " ", text);
}

static void on_up(void *ctx, struct world_udp *u, const struct world_udp_from *from,
                  struct iot_bytes bytes)
{
    char text[8] = {0};
    (void)ctx;

    assert_int_equal(from->port, u->from.port);
    memcpy(text, bytes.ptr, bytes.len < 7 ? bytes.len : 7);
    trace_one(text);
}

/* What is down is taken each ms. */
static void read_down(void)
{
    uint8_t into[8] = {0};
    uint32_t got;

    while (channel.udp.base.ops->read(&channel.udp.base, into, 7, &got) == IOT_OK) {
        into[got] = 0;
        trace_one((const char *)into);
    }
}

static void send_one(enum world_way way, uint32_t i)
{
    char text[2] = {(char)('0' + i), '\0'};

    if (way == WORLD_UP)
        channel_say(&channel, text);
    else
        server_say(text);
}

/* All in one moment, or `every_ms`; then a second long. */
static const char *played(enum world_way way, uint32_t every_ms)
{
    trace[0] = '\0';
    trace_from = world_ms();
    for (uint32_t i = 0; i < 3; i++) {
        send_one(way, i);
        for (uint32_t ms = 0; ms < every_ms; ms++) {
            pass(1);
            read_down();
        }
    }
    for (uint32_t ms = 0; ms < 1000; ms++) {
        pass(1);
        read_down();
    }
    return trace;
}

static void tricks(void)
{
    channel_begin();
    server.on_datagram = on_up;
    channel_up(&channel);
    channel_say(&channel, "hello");
    pass(100);
    for (enum world_way way = WORLD_UP; way <= WORLD_DOWN; way++) {
        uint32_t before = world_wire_datagrams(way);
        assert_string_equal(played(way, 0), "0 1 2");
        assert_int_equal(world_wire_datagrams(way) - before, 3);

        world_wire_trick(way, 1, WORLD_TRICK_DROP, 0);
        assert_string_equal(played(way, 0), "1 2");
        assert_string_equal(played(way, 0), "0 1 2"); /* once */
        world_wire_trick(way, 6, WORLD_TRICK_DROP, 0);
        assert_string_equal(played(way, 0), "0 1 2");
        assert_string_equal(played(way, 0), "0 1");
        world_wire_trick(way, 2, WORLD_TRICK_DROP, 0);
        world_wire_trick(way, 0, WORLD_TRICK_DROP, 0); /* not after all */
        assert_string_equal(played(way, 0), "0 1 2");

        world_wire_trick(way, 2, WORLD_TRICK_DOUBLE, 0);
        assert_string_equal(played(way, 0), "0 1 1 2");
        world_wire_trick(way, 2, WORLD_TRICK_DOUBLE, 40);
        assert_string_equal(played(way, 0), "0 1 2 1@45");

        world_wire_trick(way, 1, WORLD_TRICK_SWAP, 500);
        assert_string_equal(played(way, 0), "1 0 2");
        world_wire_trick(way, 2, WORLD_TRICK_SWAP, 500);
        assert_string_equal(played(way, 100), "0 2@205 1@205");
        world_wire_trick(way, 3, WORLD_TRICK_SWAP, 500); /* nobody follows */
        assert_string_equal(played(way, 0), "0 1 2@505");
        world_wire_trick(way, 1, WORLD_TRICK_SWAP, 50); /* the next comes too late */
        assert_string_equal(played(way, 100), "0@55 1@105 2@205");

        world_wire_trick(way, 2, WORLD_TRICK_LATE, 300);
        assert_string_equal(played(way, 100), "0 2@205 1@405");
        assert_int_equal(world_wire_load(), 0);
    }
    channel_end();
}

static void each_trick_hits_the_nth_once_in_its_direction(void **state)
{
    (void)state;
    scenario_run(tricks);
}

/* What is held back is on its way: a cut meets it as it meets others. */
static void held_and_cut(void)
{
    channel_begin();
    channel_up(&channel);
    world_wire_trick(WORLD_UP, 1, WORLD_TRICK_SWAP, 1000);
    channel_say(&channel, "held");
    pass(0);
    assert_int_equal(world_wire_load(), 1);
    world_lane(WORLD_UP)->cut = true;
    pass(2000);
    assert_int_equal(world_wire_load(), 0);
    assert_int_equal(server.heard, 0);
    assert_int_equal(world_lane_counts(WORLD_UP)->cut, 1);
    channel_end();
}

static void what_is_held_can_be_lost(void **state)
{
    (void)state;
    scenario_run(held_and_cut);
}

static void questions(void)
{
    channel_begin();
    world_dns_name("coap.world");
    channel.to.host = "coap.world";
    world_wire_trick(WORLD_UP, 1, WORLD_TRICK_DROP, 0);
    world_wire_trick(WORLD_DOWN, 1, WORLD_TRICK_DROP, 0);
    assert_err(channel_open(&channel), IOT_OK);
    pass(100);
    assert_err(channel.state, IOT_OK);
    assert_int_equal(world_dns_questions(), 1);
    assert_int_equal(world_wire_datagrams(WORLD_UP), 0);
    channel_say(&channel, "dropped");
    channel_say(&channel, "heard");
    pass(100);
    assert_int_equal(server.heard, 1);
    server_say("dropped");
    server_say("heard");
    pass(100);
    channel_expect(&channel, "heard");
    channel_expect_none(&channel);
    channel_end();
}

static void questions_for_names_do_not_count(void **state)
{
    (void)state;
    scenario_run(questions);
}

static void echo(void *ctx, struct world_udp *u, const struct world_udp_from *from,
                 struct iot_bytes bytes)
{
    ++*(uint32_t *)ctx;
    world_udp_send(u, from, bytes);
}

static void answers(void)
{
    static uint32_t count;
    struct world_udp second;

    channel_begin();
    world_udp_open(&second, 7, echo, &count);
    channel.to.port = 7;
    channel_up(&channel);
    for (uint32_t i = 0; i < EACH; i++) {
        send_one(WORLD_UP, i);
        pass(2 * DELAY_MS);
        channel_expect(&channel, (char[2]){(char)('0' + i), '\0'});
    }
    assert_int_equal(count, EACH);
    assert_int_equal(second.heard, EACH);
    assert_int_equal(second.sent, EACH);
    assert_int_equal(second.from.ip, WORLD_DEVICE_IP(WORLD_DEVICE_FIRST));
    world_udp_close(&second);
    world_udp_close(&second);
    channel_say(&channel, "closed");
    pass(100);
    assert_int_equal(count, EACH);
    world_udp_open(&second, 7, echo, &count); /* again */
    channel_say(&channel, "open");
    pass(100);
    channel_expect(&channel, "open");
    world_udp_close(&second);
    channel_end();
}

static void a_server_answers_from_inside_and_opens_again(void **state)
{
    (void)state;
    scenario_run(answers);
}

static void taken(void)
{
    struct world_udp second;

    scenario_expect_violations(1);
    channel_begin();
    world_udp_open(&second, CHANNEL_PORT, NULL, NULL);
    world_udp_close(&second);
    channel_end();
}

static void a_port_that_is_taken_is_a_violation(void **state)
{
    (void)state;
    scenario_run(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trick_hits_the_nth_once_in_its_direction),
        cmocka_unit_test(what_is_held_can_be_lost),
        cmocka_unit_test(questions_for_names_do_not_count),
        cmocka_unit_test(a_server_answers_from_inside_and_opens_again),
        cmocka_unit_test(a_port_that_is_taken_is_a_violation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
