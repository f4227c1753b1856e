/* SPDX-License-Identifier: Apache-2.0 */
/* The world's broker is what the library is measured by: so it is measured itself, by packets written by hand. */
#include "world_broker_fake.h"

/* ---- Login and sessions */

static void a_session_is_present_only_when_it_was_kept(void **state)
{
    (void)state;
    DROP(connect_as("a", false, "CONNACK(0,0)"));
    DROP(connect_as("a", false, "CONNACK(1,0)"));
    DROP(connect_as("a", true, "CONNACK(0,0)"));
    DROP(connect_as("a", false, "CONNACK(0,0)"));
    assert_string_equal(told(), "+a -a +a -a lost:a +a -a lost:a +a -a");
    world_broker_forget(&broker, "a", now);
    DROP(connect_as("a", false, "CONNACK(0,0)"));
    assert_string_equal(told(), "lost:a +a -a");
}

static void a_second_login_kicks_the_first_and_takes_its_session(void **state)
{
    (void)state;
    int first = subscriber("a", "t", 1);
    int second = connect_as("a", false, "CONNACK(1,0)");
    assert_int_equal(world_broker_wants_close(&broker, first), WORLD_END_FIN);
    assert_int_equal(world_broker_wants_close(&broker, second), WORLD_END_NO);
    DROP(first);
    assert_true(world_broker_online(&broker, "a"));
    assert_string_equal(told(), "-a +a");
    assert_int_equal(publish("t", "x", 1), 1);
    assert_string_equal(heard(second), "PUBLISH(1:x)");
    int third = connect_as("a", true, "CONNACK(0,0)");
    assert_int_equal(world_broker_wants_close(&broker, second), WORLD_END_FIN);
    assert_int_equal(publish("t", "y", 1), 0);
    assert_string_equal(heard(third), "");
}

static void a_kept_session_is_sent_again_in_its_order_with_its_ids(void **state)
{
    (void)state;
    int conn = subscriber("a", "t/#", 2);
    publish("t/1", "one", 1);
    publish("t/2", "two", 2);
    publish("t/3", "three", 2);
    assert_string_equal(heard(conn), "PUBLISH(1:one) PUBLISH(2:two) PUBLISH(3:three)");
    ack(conn, 0x50, 2, "PUBREL(2)");
    DROP(conn);
    publish("t/4", "four", 1);
    publish("t/5", "lost", 0);
    conn = connect_as(
        "a", false,
        "CONNACK(1,0) PUBLISH(1,dup:one) PUBREL(2) PUBLISH(3,dup:three) PUBLISH(4:four)");
    told();
    ack(conn, 0x40, 1, "");
    ack(conn, 0x70, 2, "");
    ack(conn, 0x50, 3, "PUBREL(3)");
    ack(conn, 0x50, 3, "PUBREL(3)");
    assert_string_equal(told(), "done:a:one:1 done:a:two:2");
    ack(conn, 0x70, 3, "");
    ack(conn, 0x40, 4, "");
    assert_string_equal(told(), "done:a:three:2 done:a:four:1");
    assert_int_equal(world_broker_session(&broker, "a")->delivery_count, 0);
}

static void a_restart_keeps_or_loses_everything(void **state)
{
    (void)state;
    int conn = subscriber("a", "t", 1);
    world_broker_publish(&broker, "r", text_bytes("kept"), 0, true, now);
    publish("t", "x", 1);
    world_broker_restart(&broker, true, WORLD_END_RESET, now);
    assert_int_equal(world_broker_wants_close(&broker, conn), WORLD_END_RESET);
    assert_string_equal(heard(conn), "");
    DROP(conn);
    conn = connect_as("a", false, "CONNACK(1,0) PUBLISH(1,dup:x)");
    client_subscribe(&out, 2, "r", 0);
    say(conn);
    assert_string_equal(heard(conn), "SUBACK(2:00) PUBLISH(0,retain:kept)");
    world_broker_restart(&broker, false, WORLD_END_RESET, now);
    DROP(conn);
    conn = connect_as("a", false, "CONNACK(0,0)");
    client_subscribe(&out, 2, "r", 0);
    say(conn);
    assert_string_equal(heard(conn), "SUBACK(2:00)");
}

/* ---- From the client */

static void qos_2_is_taken_once_until_its_pubrel_over_connections(void **state)
{
    (void)state;
    int conn = connect_as("a", false, "CONNACK(0,0)");
    told();
    wire_publish(&out, 4, "t", 9, "x", 1);
    say(conn);
    assert_string_equal(heard(conn), "PUBREC(9)");
    DROP(conn);
    conn = connect_as("a", false, "CONNACK(1,0)");
    wire_publish(&out, 12, "t", 9, "x", 1);
    say(conn);
    assert_string_equal(heard(conn), "PUBREC(9)");
    ack(conn, 0x62, 9, "PUBCOMP(9)");
    ack(conn, 0x62, 9, "PUBCOMP(9)");
    wire_publish(&out, 4, "t", 9, "y", 1);
    say(conn);
    assert_string_equal(told(), "took:a:x -a +a took:a:x:dup:again took:a:y");
}

static void each_quality_is_answered_by_its_own_packet(void **state)
{
    (void)state;
    int conn = connect_as("a", true, "CONNACK(0,0)");
    told();
    wire_publish(&out, 0, "t", 0, "0", 1);
    wire_publish(&out, 2, "t", 3, "1", 1);
    wire_publish(&out, 4, "t", 4, "2", 1);
    wire_hex(&out, "c000");
    say(conn);
    assert_string_equal(heard(conn), "PUBACK(3) PUBREC(4) PINGRESP");
    assert_string_equal(told(), "took:a:0 took:a:1 took:a:2");
}

static void a_conversation_is_the_same_byte_by_byte(void **state)
{
    static struct wire answers;

    (void)state;
    client_connect(&out, "a", false, 60, "will");
    client_subscribe(&out, 1, "t", 2);
    wire_publish(&out, 4, "t", 7, "hello", 5);
    wire_ack(&out, 0x62, 7);
    wire_hex(&out, "c000 e000");
    int conn = world_broker_open(&broker, now);
    for (uint32_t i = 0; i < out.len; i++)
        world_broker_feed(&broker, conn, (struct iot_bytes){out.bytes + i, 1}, now);
    struct iot_bytes all = world_broker_pending(&broker, conn);
    wire_clear(&answers);
    wire_put(&answers, all.ptr, all.len);
    assert_string_equal(heard(conn),
                        "CONNACK(0,0) SUBACK(1:02) PUBREC(7) PUBLISH(1:hello) PUBCOMP(7) PINGRESP");
    DROP(conn);
    world_broker_forget(&broker, "a", now);
    conn = world_broker_open(&broker, now);
    say(conn);
    assert_bytes(world_broker_pending(&broker, conn), wire_bytes(&answers));
    assert_int_equal(broker.complaints, 0);
}

static void a_client_that_takes_no_answers_is_not_read_any_further(void **state)
{
    static uint8_t payload[20000];

    (void)state;
    int conn = subscriber("a", "t", 0);
    for (int i = 0; i < 4; i++)
        world_broker_publish(&broker, "t", (struct iot_bytes){payload, sizeof payload}, 0, false,
                             now);
    wire_hex(&out, "c000");
    assert_int_equal(world_broker_feed(&broker, conn, wire_bytes(&out), now), 0);
    assert_int_equal(publish("t", "x", 0), 0);
    now += 1000000;
    world_broker_sent(&broker, conn, world_broker_pending(&broker, conn).len, now);
    say(conn);
    assert_string_equal(heard(conn), "PINGRESP");
}

/* ---- Ends */

static void silence_ends_after_one_and_a_half_keepalives(void **state)
{
    (void)state;
    int conn = connect_as("a", true, "CONNACK(0,0)");
    int mute = world_broker_open(&broker, now);
    assert_true(world_broker_next(&broker) == now + WORLD_CONNECT_MS);
    now += WORLD_CONNECT_MS - 1;
    world_broker_tick(&broker, now);
    assert_int_equal(world_broker_wants_close(&broker, mute), WORLD_END_NO);
    world_broker_tick(&broker, ++now);
    assert_int_equal(world_broker_wants_close(&broker, mute), WORLD_END_FIN);
    wire_hex(&out, "c000");
    say(conn);
    now += 89999;
    world_broker_tick(&broker, now);
    assert_int_equal(world_broker_wants_close(&broker, conn), WORLD_END_NO);
    assert_true(world_broker_next(&broker) == now + 1);
    world_broker_tick(&broker, ++now);
    assert_int_equal(world_broker_wants_close(&broker, conn), WORLD_END_FIN);
    assert_true(world_broker_next(&broker) == WORLD_NEVER);
    assert_int_equal(broker.complaints, 0);
}

static void the_will_follows_every_end_but_a_disconnect(void **state)
{
    (void)state;
    int watcher = subscriber("w", "will", 1);
    for (int way = 0; way < 4; way++) {
        int conn = world_broker_open(&broker, now);
        client_connect(&out, "a", true, 0, "will");
        if (way == 0)
            wire_hex(&out, "e000");
        say(conn);
        if (way == 2)
            world_broker_kick(&broker, "a", WORLD_END_RESET, now);
        if (way == 3)
            world_broker_restart(&broker, true, WORLD_END_FIN, now);
        DROP(conn);
        if (way == 3) {
            DROP(watcher);
            watcher =
                connect_as("w", false, "CONNACK(1,0) PUBLISH(1,dup:gone) PUBLISH(2,dup:gone)");
        } else {
            assert_string_equal(heard(watcher), way == 0   ? ""
                                                : way == 1 ? "PUBLISH(1:gone)"
                                                           : "PUBLISH(2:gone)");
        }
    }
}

static void what_a_server_must_refuse_closes_and_is_a_complaint(void **state)
{
    static const struct {
        bool connected;
        const char *hex, *why;
    } rows[] = {
        {false, "c000", "3.1.0-1"},
        {false, "100c 0004 4d515454 05 02 0000 0000", "3.1.2-2"},
        {false, "100c 0004 4d515454 04 00 0000 0000", "3.1.3-8"},
        {false, "1110", "2.2.2"},
        {true, "100c 0004 4d515454 04 02 0000 0000", "3.1.0-1, -2"},
        {true, "30 03 0001 2b", "3.3.2-1"},
        {true, "e000 c000", "3.14.4-2"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int conn = rows[i].connected ? connect_as("a", true, "CONNACK(0,0)")
                                     : world_broker_open(&broker, now);
        complaint[0] = 0;
        wire_hex(&out, rows[i].hex);
        say(conn);
        if (strncmp(complaint, rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("%s: '%s'", rows[i].hex, complaint);
        assert_int_equal(world_broker_wants_close(&broker, conn), WORLD_END_FIN);
        DROP(conn);
        told();
    }
    assert_int_equal(broker.complaints, COUNT(rows));
}

static void an_acknowledgement_of_the_wrong_kind_is_a_complaint(void **state)
{
    static const struct {
        uint8_t qos, first;
    } rows[] = {{1, 0x50}, {1, 0x70}, {2, 0x40}, {2, 0x70}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int conn = subscriber("a", "t", 2);
        publish("t", "x", rows[i].qos);
        heard(conn);
        wire_ack(&out, rows[i].first, 1);
        say(conn);
        assert_int_equal(broker.complaints, i + 1);
        world_broker_forget(&broker, "a", now);
        DROP(conn);
    }
    int conn = connect_as("a", true, "CONNACK(0,0)");
    ack(conn, 0x40, 77, "");
    ack(conn, 0x50, 77, "PUBREL(77)");
    ack(conn, 0x70, 77, "");
    assert_int_equal(broker.complaints, COUNT(rows));
}

static void a_wrong_level_and_a_kept_session_of_nobody_have_their_codes(void **state)
{
    (void)state;
    int conn = world_broker_open(&broker, now);
    wire_hex(&out, "100c 0004 4d515454 05 02 0000 0000");
    say(conn);
    assert_string_equal(heard(conn), "CONNACK(0,1)");
    connect_as("", false, "CONNACK(0,2)");
    connect_as("", true, "CONNACK(0,0)");
    assert_int_equal(broker.complaints, 2);
}

static void there_is_an_end_of_connections_and_they_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < WORLD_CONNS_MAX; i++)
        assert_int_equal(world_broker_open(&broker, now), i);
    assert_int_equal(world_broker_open(&broker, now), -1);
    DROP(17);
    assert_int_equal(world_broker_open(&broker, now), 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_present_only_when_it_was_kept),
        TEST(a_second_login_kicks_the_first_and_takes_its_session),
        TEST(a_kept_session_is_sent_again_in_its_order_with_its_ids),
        TEST(a_restart_keeps_or_loses_everything),
        TEST(qos_2_is_taken_once_until_its_pubrel_over_connections),
        TEST(each_quality_is_answered_by_its_own_packet),
        TEST(a_conversation_is_the_same_byte_by_byte),
        TEST(a_client_that_takes_no_answers_is_not_read_any_further),
        TEST(silence_ends_after_one_and_a_half_keepalives),
        TEST(the_will_follows_every_end_but_a_disconnect),
        TEST(what_a_server_must_refuse_closes_and_is_a_complaint),
        TEST(an_acknowledgement_of_the_wrong_kind_is_a_complaint),
        TEST(a_wrong_level_and_a_kept_session_of_nobody_have_their_codes),
        TEST(there_is_an_end_of_connections_and_they_come_back),
    };

    return cmocka_run_group_tests_name("world broker", tests, NULL, NULL);
}
