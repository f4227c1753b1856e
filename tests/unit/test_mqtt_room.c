/* SPDX-License-Identifier: Apache-2.0 */
/* What gives way in a full outbox, and to whom. */
#include "test.h"

#include "mqtt/iot_mqtt_room.h"
#include "mqtt_rooms.h"

#define TABLE ((uint32_t)IOT_MQTT_OUT_MAX)

static struct iot_mqtt_outbox box;
static const uint8_t zeros[IOT_MQTT_TX_BYTES];

static int setup(void **state)
{
    (void)state;
    memset(&box, 0, sizeof box);
    return 0;
}

/* The ticket is the id: all are QoS 1. `total` bytes of the ring. */
static iot_err put(const char *topic, uint32_t total, uint8_t flags, uint16_t id)
{
    uint32_t head = (total <= 129 ? 2u : 3u) + 2 + (uint32_t)strlen(topic) + 2;
    struct iot_msg msg = {.topic = {topic, (uint16_t)strlen(topic), 0},
                          .payload = {zeros, total - head},
                          .qos = 1,
                          .flags = flags};
    return iot_mqtt_outbox_put(&box, &msg, id, id);
}

static void assert_refused(const char *topic, uint32_t total, uint8_t flags)
{
    struct iot_mqtt_outbox before = box;
    assert_err(put(topic, total, flags, 999), IOT_ERR_FULL);
    assert_true(box.want_room);
    before.want_room = true;
    assert_memory_equal(&before, &box, sizeof box);
}

static void assert_dropped(iot_ticket ticket)
{
    iot_ticket got = 0;
    iot_err result = IOT_OK;
    assert_true(iot_mqtt_outbox_take(&box, &got, &result));
    assert_int_equal(got, ticket);
    assert_err(result, IOT_ERR_DROPPED);
}

static void assert_nothing_dropped(void)
{
    assert_false(iot_mqtt_yielded(&box));
}

static void assert_ids(const char *expected)
{
    char text[256] = "";
    for (uint32_t i = 0; i < box.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", i != 0 ? " " : "",
                 box.out[i].id);
    assert_string_equal(text, expected);
}

/* ---- Refuse ------------------------------------------------------------------------------ */

static void without_a_policy_a_full_queue_refuses(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= TABLE; id++)
        assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, id), IOT_OK);
    assert_refused("t", 20, 0);
    assert_refused("t", 20, IOT_MSG_REFUSE);
    assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, 50), IOT_OK);
    assert_dropped(1);
}

static void the_end_of_a_hushed_message_that_gave_way_has_no_ticket(void **state)
{
    iot_ticket ticket = 77;
    iot_err result;
    (void)state;
    for (uint16_t id = 1; id <= TABLE; id++)
        assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, id), IOT_OK);
    assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, 50), IOT_OK);
    iot_mqtt_outbox_hush(&box, 1); /* the oldest's */
    assert_true(iot_mqtt_outbox_take(&box, &ticket, &result));
    assert_int_equal(ticket, 0);
}

static void the_options_policy_is_that_of_messages_that_name_none(void **state)
{
    (void)state;
    iot_mqtt_yield_init(&box, IOT_MSG_DROP_OLDEST);
    for (uint16_t id = 1; id <= TABLE; id++)
        assert_err(put("t", 20, id == 2 ? IOT_MSG_REFUSE : 0, id), IOT_OK);
    assert_refused("t", 20, IOT_MSG_REFUSE);
    assert_err(put("t", 20, 0, 50), IOT_OK);
    assert_dropped(1);
    assert_err(put("t", 20, 0, 51), IOT_OK);
    assert_dropped(3); /* 2 may not be dropped */
}

static void two_policies_at_once_are_no_policy(void **state)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t")};
    (void)state;
    msg.flags = IOT_MSG_REPLACE | IOT_MSG_DROP_OLDEST;
    assert_err(iot_mqtt_outbox_check(&msg), IOT_ERR_ARG);
    msg.flags = IOT_MSG_REPLACE | IOT_MSG_REFUSE;
    assert_err(iot_mqtt_outbox_check(&msg), IOT_ERR_ARG);
    msg.flags = IOT_MSG_REPLACE | IOT_MSG_RETAIN;
    assert_err(iot_mqtt_outbox_check(&msg), IOT_OK);
}

/* ---- Drop oldest ------------------------------------------------------------------------- */

static void as_many_of_the_oldest_give_way_as_are_needed(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 5; id++)
        assert_err(put("t", 200, IOT_MSG_DROP_OLDEST, id), IOT_OK);
    assert_err(put("t", 300, IOT_MSG_DROP_OLDEST, 6), IOT_OK); /* 24 were free: two go */
    assert_ids("3 4 5 6");
    assert_dropped(1);
    assert_dropped(2);
    assert_nothing_dropped();
}

static void if_not_even_all_of_them_are_enough_none_is_dropped(void **state)
{
    (void)state;
    assert_err(put("t", 500, IOT_MSG_REFUSE, 1), IOT_OK);
    assert_err(put("t", 200, IOT_MSG_DROP_OLDEST, 2), IOT_OK);
    assert_refused("t", 600, IOT_MSG_DROP_OLDEST);
    assert_err(put("t", 524, IOT_MSG_DROP_OLDEST, 3), IOT_OK);
    assert_dropped(2);
    assert_ids("1 3");
}

static void what_was_sent_or_is_being_sent_is_never_dropped(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= TABLE; id++)
        assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, id), IOT_OK);
    iot_mqtt_outbox_sent(&box, 0); /* 1 awaits its PUBACK */
    box.sending = true;            /* some bytes of 2 are with the stream */
    assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, 50), IOT_OK);
    assert_dropped(3);

    /* After a lost link 1 may be with the broker, 2 is not: no broker understood a part of it. */
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, 51), IOT_OK);
    assert_dropped(2);
    assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, 52), IOT_OK);
    assert_dropped(4);

    /* Nor when the session is lost and it is sent as a new one. */
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_renew(&box, false);
    assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, 53), IOT_OK);
    assert_dropped(5);
}

static void a_dropped_reference_is_the_applications_again_and_nobody_awaits_its_release(
    void **state)
{
    (void)state;
    struct iot_msg msg = {.topic = IOT_TOPIC("t"),
                          .payload = {zeros, 900},
                          .flags = IOT_MSG_BY_REF | IOT_MSG_DROP_OLDEST};
    for (iot_ticket t = 1; t <= TABLE; t++)
        assert_err(iot_mqtt_outbox_put(&box, &msg, 0, t), IOT_OK);
    assert_err(iot_mqtt_outbox_put(&box, &msg, 0, 50), IOT_OK);
    assert_dropped(1);
    for (uint32_t i = 0; i < box.count; i++)
        assert_int_not_equal(box.out[i].ticket, 1);
}

static void more_drops_than_can_be_told_wait_for_the_next_tick(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= TABLE; id++)
        assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, id), IOT_OK);
    for (uint16_t n = 0; n < IOT_MQTT_DROPPED_MAX; n++)
        assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, (uint16_t)(50 + n)), IOT_OK);
    assert_refused("t", 20, IOT_MSG_DROP_OLDEST);
    assert_refused("t", 20, IOT_MSG_DROP_OLDEST);
    assert_false(iot_mqtt_outbox_room(&box));
    assert_dropped(1);
    assert_true(iot_mqtt_outbox_room(&box)); /* though the table is as full as before */
    assert_false(iot_mqtt_outbox_room(&box));
    assert_err(put("t", 20, IOT_MSG_DROP_OLDEST, 60), IOT_OK);
}

/* ---- Replace ----------------------------------------------------------------------------- */

static void the_newest_of_a_topic_replaces_the_older_one_also_when_there_is_room(void **state)
{
    (void)state;
    assert_err(put("a", 20, IOT_MSG_REPLACE, 1), IOT_OK);
    assert_err(put("b", 20, IOT_MSG_REPLACE, 2), IOT_OK);
    assert_err(put("ab", 20, IOT_MSG_REPLACE, 3), IOT_OK);
    assert_err(put("a", 400, IOT_MSG_REPLACE, 4), IOT_OK);
    assert_ids("2 3 4");
    assert_dropped(1);
    assert_nothing_dropped();
    assert_err(put("a", 40, IOT_MSG_REPLACE, 5), IOT_OK); /* with a length of two bytes, too */
    assert_ids("2 3 5");
    assert_dropped(4);
}

static void replacing_takes_only_what_was_published_to_be_replaced(void **state)
{
    (void)state;
    assert_err(put("a", 20, IOT_MSG_REFUSE, 1), IOT_OK);
    assert_err(put("a", 20, IOT_MSG_REPLACE, 2), IOT_OK);
    assert_ids("1 2");
    iot_mqtt_outbox_sent(&box, 0);
    iot_mqtt_outbox_sent(&box, 0);
    assert_err(put("a", 20, IOT_MSG_REPLACE, 3), IOT_OK);
    assert_ids("1 2 3"); /* 2 is on its way */
    assert_nothing_dropped();
}

static void a_replacement_that_does_not_fit_leaves_the_older_one(void **state)
{
    (void)state;
    assert_err(put("b", 600, IOT_MSG_REFUSE, 1), IOT_OK);
    assert_err(put("a", 100, IOT_MSG_REPLACE, 2), IOT_OK);
    assert_refused("a", 425, IOT_MSG_REPLACE);
    assert_err(put("a", 424, IOT_MSG_REPLACE, 3), IOT_OK);
    assert_dropped(2);
}

static void a_writer_makes_its_room_when_it_begins(void **state)
{
    (void)state;
    struct iot_msg msg = {.topic = IOT_TOPIC("a"), .flags = IOT_MSG_REPLACE};
    struct iot_writer w;
    assert_err(put("a", 500, IOT_MSG_REPLACE, 1), IOT_OK);
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 900, &w), IOT_OK);
    assert_dropped(1);
    iot_writer_text(&w, "newest");
    assert_err(iot_mqtt_outbox_commit(&box, &w, 0, 2), IOT_OK);
    assert_err(put("a", 20, IOT_MSG_REPLACE, 3), IOT_OK);
    assert_dropped(2);
}

/* ---- Gaps -------------------------------------------------------------------------------- */

static void gaps_are_closed_when_nothing_else_is_left(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 5; id++) {
        assert_err(put("t", 200, 0, id), IOT_OK);
        iot_mqtt_outbox_sent(&box, 0);
    }
    iot_ticket ticket;
    iot_err result;
    for (uint16_t id = 2; id <= 4; id += 2) {
        assert_true(iot_mqtt_outbox_puback(&box, id));
        assert_true(iot_mqtt_outbox_take(&box, &ticket, &result));
    }
    assert_refused("t", 425, 0);
    assert_err(put("t", 424, 0, 6), IOT_OK); /* two holes and the end of the ring, in one piece */
    assert_int_equal(box.used, IOT_MQTT_TX_BYTES);
    assert_ids("1 3 5 6");
    for (uint32_t i = 0; i < box.count; i++) { /* and each is what it was */
        const uint8_t *head = &box.tx[box.out[i].at];
        assert_int_equal(head[0], 0x32);
        assert_memory_equal(head + 3, "\0\1t\0", 4);
        assert_int_equal(head[7], box.out[i].id);
    }
}

static void gaps_of_a_ring_that_has_wrapped_are_closed_to_both_sides(void **state)
{
    (void)state;
    iot_ticket ticket;
    iot_err result;
    for (uint16_t id = 1; id <= 5; id++) {
        assert_err(put("t", 200, 0, id), IOT_OK);
        iot_mqtt_outbox_sent(&box, 0);
    }
    for (uint16_t id = 1; id <= 2; id++) {
        assert_true(iot_mqtt_outbox_puback(&box, id));
        assert_true(iot_mqtt_outbox_take(&box, &ticket, &result));
    }
    assert_err(put("t", 150, 0, 6), IOT_OK); /* at the start */
    assert_err(put("t", 150, 0, 7), IOT_OK);
    assert_int_equal(box.out[3].at, 0);
    iot_mqtt_outbox_sent(&box, 0);
    assert_true(iot_mqtt_outbox_puback(&box, 6)); /* gaps: 150 below, 100 between, 24 at the end */
    assert_true(iot_mqtt_outbox_take(&box, &ticket, &result));
    assert_refused("t", 275, 0);
    assert_err(put("t", 274, 0, 8), IOT_OK);
    assert_int_equal(box.used, IOT_MQTT_TX_BYTES);
    assert_ids("3 4 5 7 8");
    for (uint32_t i = 0; i < box.count; i++)
        assert_int_equal(box.tx[box.out[i].at + 7], box.out[i].id);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(without_a_policy_a_full_queue_refuses),
        CASE(the_end_of_a_hushed_message_that_gave_way_has_no_ticket),
        CASE(the_options_policy_is_that_of_messages_that_name_none),
        CASE(two_policies_at_once_are_no_policy),
        CASE(as_many_of_the_oldest_give_way_as_are_needed),
        CASE(if_not_even_all_of_them_are_enough_none_is_dropped),
        CASE(what_was_sent_or_is_being_sent_is_never_dropped),
        CASE(a_dropped_reference_is_the_applications_again_and_nobody_awaits_its_release),
        CASE(more_drops_than_can_be_told_wait_for_the_next_tick),
        CASE(the_newest_of_a_topic_replaces_the_older_one_also_when_there_is_room),
        CASE(replacing_takes_only_what_was_published_to_be_replaced),
        CASE(a_replacement_that_does_not_fit_leaves_the_older_one),
        CASE(a_writer_makes_its_room_when_it_begins),
        CASE(gaps_are_closed_when_nothing_else_is_left),
        CASE(gaps_of_a_ring_that_has_wrapped_are_closed_to_both_sides),
    };
    return cmocka_run_group_tests_name("mqtt_room", tests, NULL, NULL);
}
