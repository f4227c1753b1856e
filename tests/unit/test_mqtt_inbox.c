/* SPDX-License-Identifier: Apache-2.0 */
/* What received messages are owed. */
#include "test.h"

#include "mqtt_rooms.h"

#include <string.h>

static struct iot_mqtt_inbox in;

static int setup(void **state)
{
    (void)state;
    memset(&in, 0, sizeof in);
    return 0;
}

static bool dup; /* what comes says that it is a repetition */

/* Judged and taken at once. False: known already. */
static bool receive(uint8_t qos, uint16_t id)
{
    struct iot_mqtt_ack answer;
    bool known;
    assert_int_equal(iot_mqtt_inbox_judge(&in, qos, id, dup, &answer, &known), IOT_OK);
    iot_mqtt_inbox_take(&in, &answer);
    assert_int_equal(answer.type, 0);
    return !known;
}

static void answers_follow_the_quality_and_the_order_of_arrival(void **state)
{
    (void)state;
    assert_true(receive(0, 0));
    assert_true(receive(2, 7));
    assert_true(receive(1, 5));
    assert_true(receive(1, 7)); /* QoS 1: an id seen before is a new message */
    assert_int_equal(in.owed, 3);
    assert_int_equal(in.ack[0].type, IOT_MQTT_PUBREC);
    assert_int_equal(in.ack[0].id, 7);
    assert_int_equal(in.ack[1].type, IOT_MQTT_PUBACK);
    assert_int_equal(in.ack[1].id, 5);
    iot_mqtt_inbox_paid(&in, 2);
    assert_int_equal(in.owed, 1);
    assert_int_equal(in.ack[0].id, 7);
    assert_int_equal(in.ack[0].type, IOT_MQTT_PUBACK);
}

static void judging_changes_nothing(void **state)
{
    (void)state;
    struct iot_mqtt_inbox before = in;
    struct iot_mqtt_ack answer;
    bool known;
    assert_int_equal(iot_mqtt_inbox_judge(&in, 2, 9, dup, &answer, &known), IOT_OK);
    assert_false(known);
    assert_memory_equal(&in, &before, sizeof in);
}

static void a_qos_2_id_is_known_until_its_pubrel_and_answered_each_time(void **state)
{
    (void)state;
    assert_true(receive(2, 9));
    assert_false(receive(2, 9));
    assert_int_equal(in.owed, 2);
    assert_int_equal(mqtt_rooms_held(&in), 1);
    iot_mqtt_held_release(&in, 8); /* unknown: nothing happens */
    assert_int_equal(mqtt_rooms_held(&in), 1);
    iot_mqtt_held_release(&in, 9);
    assert_int_equal(mqtt_rooms_held(&in), 0);
    assert_true(receive(2, 9));
}

static void full_pools_refuse_by_name_and_change_nothing(void **state)
{
    (void)state;
    struct iot_mqtt_ack answer = {0, 0};
    bool known;
    for (uint16_t id = 1; id <= IOT_MQTT_ACKS_MAX; id++)
        assert_true(receive(1, id));
    struct iot_mqtt_inbox before = in;
    assert_int_equal(iot_mqtt_inbox_judge(&in, 1, 99, dup, &answer, &known), IOT_ERR_FULL);
    assert_int_equal(iot_mqtt_inbox_judge(&in, 2, 99, dup, &answer, &known), IOT_ERR_FULL);
    assert_int_equal(iot_mqtt_inbox_judge(&in, 0, 0, dup, &answer, &known),
                     IOT_OK); /* owes nothing */
    assert_memory_equal(&in, &before, sizeof in);

    setup(NULL);
    for (uint16_t id = 1; id <= IOT_MQTT_QOS2_IN_MAX; id++) {
        assert_true(receive(2, id));
        iot_mqtt_inbox_paid(&in, 1);
    }
    assert_int_equal(iot_mqtt_inbox_judge(&in, 2, 99, dup, &answer, &known),
                     IOT_ERR_MQTT_QOS2_FULL);
    assert_int_equal(iot_mqtt_inbox_judge(&in, 2, 3, dup, &answer, &known),
                     IOT_OK); /* a known one */
    assert_true(known);
    iot_mqtt_held_release(&in, 1);
    assert_true(receive(2, 99));
    IF_STATS(assert_int_equal(in.held_high, IOT_MQTT_QOS2_IN_MAX);)
}

static void on_a_dead_wire_nothing_is_owed_but_ids_are_remembered(void **state)
{
    (void)state;
    in.mute = true;
    for (uint16_t id = 1; id <= IOT_MQTT_ACKS_MAX + 1; id++)
        assert_true(receive(2, id));
    assert_int_equal(in.owed, 0);
    assert_int_equal(mqtt_rooms_held(&in), IOT_MQTT_ACKS_MAX + 1);
    iot_mqtt_inbox_lost(&in, true);
    assert_false(in.mute);
    dup = true;
    assert_false(receive(2, 1));
    dup = false;
    iot_mqtt_inbox_lost(&in, false);
    assert_int_equal(in.owed, 0);
    assert_true(receive(2, 1));
}

static void what_the_broker_does_not_name_again_after_a_loss_it_does_not_know(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 5; id++)
        assert_true(receive(2, id));
    iot_mqtt_held_settle(&in); /* all were named on this connection */
    assert_int_equal(mqtt_rooms_held(&in), 5);
    iot_mqtt_held_release(&in, 2);
    iot_mqtt_inbox_lost(&in, true);
    assert_int_equal(mqtt_rooms_held(&in), 4);
    dup = true;
    assert_false(receive(2, 4)); /* again */
    dup = false;
    iot_mqtt_held_release(&in, 1); /* its PUBREL again */
    assert_true(receive(2, 6));
    iot_mqtt_held_settle(&in);
    assert_int_equal(mqtt_rooms_held(&in), 2);
    assert_false(receive(2, 4));
    assert_false(receive(2, 6));
    dup = true;
    assert_true(receive(2, 3)); /* settled */
    dup = false;
    assert_true(receive(2, 5));
}

static void without_dup_an_id_of_before_the_connection_is_a_new_message(void **state)
{
    (void)state;
    assert_true(receive(2, 7));
    iot_mqtt_inbox_lost(&in, true);
    assert_true(receive(2, 7));
    assert_int_equal(mqtt_rooms_held(&in), 1);
    assert_false(receive(2, 7)); /* on one connection it is the same one, whatever it says */
    for (uint16_t id = 1; id < IOT_MQTT_QOS2_IN_MAX; id++) {
        iot_mqtt_inbox_paid(&in, in.owed);
        assert_true(receive(2, (uint16_t)(100 + id)));
    }
    iot_mqtt_inbox_lost(&in, true);
    assert_true(receive(2, 7)); /* it needs no room of its own in a full table */
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(answers_follow_the_quality_and_the_order_of_arrival),
        CASE(judging_changes_nothing),
        CASE(a_qos_2_id_is_known_until_its_pubrel_and_answered_each_time),
        CASE(full_pools_refuse_by_name_and_change_nothing),
        CASE(what_the_broker_does_not_name_again_after_a_loss_it_does_not_know),
        CASE(without_dup_an_id_of_before_the_connection_is_a_new_message),
        CASE(on_a_dead_wire_nothing_is_owed_but_ids_are_remembered),
    };
    return cmocka_run_group_tests_name("mqtt_inbox", tests, NULL, NULL);
}
