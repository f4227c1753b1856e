/* SPDX-License-Identifier: Apache-2.0 */
#include "world_broker_fake.h"

static void the_window_is_never_exceeded_and_refilled_in_order(void **state)
{
    char expected[512] = "", payload[16];
    size_t at = 0;

    (void)state;
    broker.window = 3;
    int conn = subscriber("a", "t", 1);
    for (int i = 1; i <= 5; i++) {
        snprintf(payload, sizeof payload, "%d", i);
        publish("t", payload, 1);
        if (i <= 3)
            at += (size_t)snprintf(expected + at, sizeof expected - at, "%sPUBLISH(%d:%d)",
                                   i == 1 ? "" : " ", i, i);
    }
    assert_string_equal(heard(conn), expected);
    assert_int_equal(world_broker_session(&broker, "a")->queue_count, 2);
    ack(conn, 0x40, 2, "PUBLISH(4:4)");
    ack(conn, 0x40, 2, "");
    ack(conn, 0x40, 1, "PUBLISH(5:5)");
}

static void a_full_queue_drops_the_newest_and_says_so(void **state)
{
    (void)state;
    broker.queue_max = 2;
    DROP(subscriber("a", "t", 2));
    told();
    assert_int_equal(publish("t", "1", 1), 1);
    assert_int_equal(publish("t", "2", 2), 1);
    assert_int_equal(publish("t", "3", 1), 0);
    assert_string_equal(told(), "queued:a:1:1 queued:a:2:2");
    assert_int_equal(broker.dropped, 1);
    connect_as("a", false, "CONNACK(1,0) PUBLISH(1:1) PUBLISH(2:2)");
}

static void ids_in_flight_are_not_given_out_again_when_numbers_wrap(void **state)
{
    (void)state;
    int conn = subscriber("a", "t", 1);
    publish("t", "stays", 1);
    heard(conn);
    for (uint32_t id = 2; id <= UINT16_MAX; id++) {
        publish("t", "x", 1);
        heard(conn);
        ack(conn, 0x40, (uint16_t)id, "");
        notes[0] = 0;
    }
    publish("t", "next", 1);
    assert_string_equal(heard(conn), "PUBLISH(2:next)");
}

static void the_smaller_qos_counts_and_overlapping_filters_deliver_once(void **state)
{
    (void)state;
    int conn = subscriber("a", "t/+", 1);
    client_subscribe(&out, 2, "t/#", 0);
    client_subscribe(&out, 3, "$SYS/x", 0);
    say(conn);
    heard(conn);
    publish("t/1", "a", 2);
    publish("t/1", "b", 0);
    publish("t", "c", 2);
    publish("$SYS/x", "d", 2);
    publish("u", "e", 2);
    assert_string_equal(heard(conn), "PUBLISH(1:a) PUBLISH(0:b) PUBLISH(0:c) PUBLISH(0:d)");
    client_unsubscribe(&out, 4, "t/+");
    client_unsubscribe(&out, 5, "never");
    say(conn);
    assert_string_equal(heard(conn), "UNSUBACK(4) UNSUBACK(5)");
    publish("t/1", "f", 2);
    assert_string_equal(heard(conn), "PUBLISH(0:f)");
}

static void retained_messages_meet_new_subscriptions_and_an_empty_one_clears(void **state)
{
    (void)state;
    int conn = connect_as("a", true, "CONNACK(0,0)");
    wire_publish(&out, 1, "r/1", 0, "old", 3);
    wire_publish(&out, 3, "r/1", 7, "new", 3);
    say(conn);
    assert_string_equal(heard(conn), "PUBACK(7)");
    client_subscribe(&out, 1, "r/+", 2);
    say(conn);
    assert_string_equal(heard(conn), "SUBACK(1:02) PUBLISH(1,retain:new)");
    wire_publish(&out, 1, "r/1", 0, NULL, 0);
    say(conn);
    assert_string_equal(heard(conn), "PUBLISH(0:)");
    client_subscribe(&out, 2, "r/+", 2);
    say(conn);
    assert_string_equal(heard(conn), "SUBACK(2:02)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_window_is_never_exceeded_and_refilled_in_order),
        TEST(a_full_queue_drops_the_newest_and_says_so),
        TEST(ids_in_flight_are_not_given_out_again_when_numbers_wrap),
        TEST(the_smaller_qos_counts_and_overlapping_filters_deliver_once),
        TEST(retained_messages_meet_new_subscriptions_and_an_empty_one_clears),
    };

    return cmocka_run_group_tests_name("world post", tests, NULL, NULL);
}
