/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded queue while nobody takes from it: what is refused, what gives way, what is told, what remains; and
 * payloads that stay where they are until it is said that they are free. */
#include "town.h"

#include "world/world_app.h"

#define TRIES 96u /* one per quarter of an hour of a day */

static const struct world_habit keeps = {
    .session = IOT_SESSION_KEEP, .qos_max = 2, .keepalive_s = 60};

static struct world_life *begin(uint8_t policy)
{
    struct world_habit habit = keeps;

    habit.policy = policy;
    return town_with(habit);
}

static void go_offline(struct world_life *l)
{
    world_wire_link(false);
    world_life_hint(l, IOT_NETWORK_DOWN);
    town_loses(l, IOT_ERR_NET_DOWN, 1);
}

/* Everybody who was accepted has had his end. */
static void come_back(struct world_life *l, uint32_t expected)
{
    uint32_t before = done(l);

    town_waits(l);
    world_wire_link(true);
    world_life_hint(l, IOT_NETWORK_UP);
    town_connects(l, SECOND);
    town_settles(SECOND);
    assert_int_equal(done(l) - before, expected);
    assert_int_equal(counts(l)->accepted, done(l) + counts(l)->failed);
}

/* Serials are counted over what was accepted: these are the newest. */
static void newest_were_taken(uint32_t n)
{
    assert_int_equal(taken_count, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(taken[i].serial, TRIES - n + 1 + i);
}

/* ---- A day ------------------------------------------------------------------------------------------- */

static void refuse(void)
{
    struct world_life *l = begin(IOT_MSG_REFUSE);

    go_offline(l);
    for (uint32_t i = 0; i < TRIES; i++) {
        assert_err(town_say(l, (uint8_t)(i % 3), 40), i < IOT_MQTT_OUT_MAX ? IOT_OK : IOT_ERR_FULL);
        town_run(HOUR / 4);
    }
    assert_int_equal(told_of(l)->writable, 0);
    assert_int_equal(counts(l)->failed, 0);
    come_back(l, IOT_MQTT_OUT_MAX);
    assert_int_equal(told_of(l)->writable, 1);
    for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++)
        assert_int_equal(taken[i].serial, i + 1);
    town_end();
}

static void a_day_offline_refuse_the_oldest_remain_and_writable_is_told_once(void **state)
{
    (void)state;
    scenario_run(refuse);
}

static void drop_oldest(void)
{
    struct world_life *l = begin(IOT_MSG_DROP_OLDEST);

    go_offline(l);
    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t gone = i >= IOT_MQTT_OUT_MAX ? i + 1 - IOT_MQTT_OUT_MAX : 0;
        assert_err(town_say(l, (uint8_t)(i % 3), 40), IOT_OK);
        town_run(1);
        assert_int_equal(failed_as(l, IOT_ERR_DROPPED), gone); /* told at once */
        town_run(HOUR / 4);
    }
    come_back(l, IOT_MQTT_OUT_MAX);
    newest_were_taken(IOT_MQTT_OUT_MAX);
    assert_int_equal(told_of(l)->writable, 0);
    town_end();
}

static void a_day_offline_drop_oldest_the_newest_remain_and_each_drop_is_told(void **state)
{
    (void)state;
    scenario_run(drop_oldest);
}

/* The ring is full before the table of messages is. */
static void drop_bytes(void)
{
    struct world_life *l = begin(IOT_MSG_DROP_OLDEST);

    go_offline(l);
    for (uint32_t i = 0; i < TRIES; i++) {
        assert_err(town_say(l, 1, 16 + i * 3), IOT_OK);
        town_run(HOUR / 4);
    }
    uint32_t dropped = failed_as(l, IOT_ERR_DROPPED);
    assert_within(TRIES - dropped, 3, 4); /* some 300 bytes each in a ring of 1,024 */
    come_back(l, TRIES - dropped);
    newest_were_taken(TRIES - dropped);
    town_end();
}

static void a_day_offline_drop_oldest_gives_way_byte_by_byte_too(void **state)
{
    (void)state;
    scenario_run(drop_bytes);
}

static void replace(void)
{
    static const char *const topics[] = {"a", "b", "c", "d"};
    struct world_life *l = begin(IOT_MSG_REPLACE);

    go_offline(l);
    for (uint32_t i = 0; i < TRIES; i++) { /* "a" falls silent early */
        uint32_t topic = i < TRIES / 2 ? i % 4 : 1 + i % 3;
        assert_err(town_say_so(l, topics[topic], (uint8_t)(i % 3), 40, 0), IOT_OK);
        town_run(HOUR / 4);
    }
    assert_int_equal(failed_as(l, IOT_ERR_DROPPED), TRIES - 4);
    come_back(l, 4);
    static const uint32_t left[] = {TRIES / 2 - 3, TRIES - 2, TRIES - 1, TRIES};
    assert_int_equal(taken_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(taken[i].serial, left[i]);
    assert_string_equal(taken[0].topic, "d000/up/a");
    town_end();
}

static void a_day_offline_replace_the_newest_of_each_topic_remains(void **state)
{
    (void)state;
    scenario_run(replace);
}

/* ---- What does not give way -------------------------------------------------------------------------- */

/* Three were sent and have no answer: the broker may have them. */
static void sent_ones(void)
{
    struct world_life *l = begin(IOT_MSG_DROP_OLDEST);

    town_cut(true, true);
    for (uint8_t i = 0; i < 3; i++)
        assert_err(town_say(l, (uint8_t)(1 + i % 2), 40), IOT_OK);
    town_loses(l, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND);
    for (uint32_t i = 3; i < TRIES; i++) {
        assert_err(town_say(l, 1, 40), IOT_OK);
        town_run(HOUR / 4);
    }
    assert_int_equal(failed_as(l, IOT_ERR_DROPPED), TRIES - IOT_MQTT_OUT_MAX);
    town_cut(false, false);
    town_connects(l, MINUTE + 15 * SECOND);
    town_settles(SECOND);
    assert_int_equal(taken_count, IOT_MQTT_OUT_MAX);
    for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++)
        assert_int_equal(taken[i].serial, i < 3 ? i + 1 : TRIES - IOT_MQTT_OUT_MAX + 1 + i);
    town_end();
}

static void what_was_sent_does_not_give_way_to_newer_ones(void **state)
{
    (void)state;
    scenario_run(sent_ones);
}

/* The broker has them, loses the session, and gets them as new; just then the application is busy. */
static void on_connected(struct world_life *l, const struct iot_event *ev)
{
    for (int i = 0; ev->kind == IOT_EV_CONNECTED && i < 8; i++)
        (void)town_say(l, 1, 40);
}

static void renewed_ones(void)
{
    struct world_life *l = begin(IOT_MSG_DROP_OLDEST);

    town_cut(false, true);
    for (uint8_t i = 0; i < 5; i++)
        assert_err(town_say(l, 1, 40), IOT_OK);
    town_loses(l, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND);
    assert_int_equal(taken_count, 5);
    world_broker_forget(&town.broker, l->name, world_ms());
    town_cut(false, false);
    town_on_event = on_connected;
    town_connects(l, MINUTE);
    town_settles(SECOND);
    assert_int_equal(failed_as(l, IOT_ERR_DROPPED), 3);
    assert_int_equal(taken_count, IOT_MQTT_OUT_MAX);
    for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++)
        assert_int_equal(taken[i].serial, i < 5 ? i + 1 : i + 4); /* of the new ones 3 gave way */
    town_on_event = NULL;
    town_end();
}

static void what_is_sent_anew_does_not_give_way_either(void **state)
{
    (void)state;
    scenario_run(renewed_ones);
}

/* Drops wait for the next tick to be told; there is room for few of them. */
static void in_one_tick(void)
{
    struct world_life *l = begin(IOT_MSG_DROP_OLDEST);
    uint32_t n = 0;

    go_offline(l);
    while (town_say(l, 1, 40) == IOT_OK)
        assert_true(++n < TRIES);
    assert_int_equal(n, IOT_MQTT_OUT_MAX + IOT_MQTT_DROPPED_MAX);
    assert_int_equal(counts(l)->failed, 0);
    town_run(1);
    assert_int_equal(failed_as(l, IOT_ERR_DROPPED), IOT_MQTT_DROPPED_MAX);
    assert_int_equal(told_of(l)->writable, 1); /* more can give way now */
    assert_err(town_say(l, 1, 40), IOT_OK);
    town_run(1);
    come_back(l, IOT_MQTT_OUT_MAX);
    assert_int_equal(taken[0].serial, IOT_MQTT_DROPPED_MAX + 2);
    assert_int_equal(told_of(l)->writable, 1);
    town_end();
}

static void drops_of_one_tick_are_bounded_and_writable_tells_when_more_may_drop(void **state)
{
    (void)state;
    scenario_run(in_one_tick);
}

/* A message that wants to be refused is not driven out, nor does it drive out others. */
static void mixed(void)
{
    struct world_life *l = begin(IOT_MSG_DROP_OLDEST);

    go_offline(l);
    for (int i = 0; i < 4; i++)
        assert_err(town_say_so(l, NULL, 1, 40, IOT_MSG_REFUSE), IOT_OK);
    for (uint32_t i = 4; i < TRIES; i++) {
        assert_err(town_say(l, 1, 40), IOT_OK);
        town_run(1);
    }
    assert_err(town_say_so(l, NULL, 1, 40, IOT_MSG_REFUSE), IOT_ERR_FULL);
    assert_err(town_say_so(l, "x", 1, 40, IOT_MSG_REPLACE), IOT_ERR_FULL);
    come_back(l, IOT_MQTT_OUT_MAX);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(taken[i].serial, i + 1);
    assert_int_equal(taken[4].serial, TRIES - IOT_MQTT_OUT_MAX + 5);
    assert_int_equal(told_of(l)->writable, 1);
    town_end();
}

static void each_message_is_treated_by_its_own_policy(void **state)
{
    (void)state;
    scenario_run(mixed);
}

/* ---- By reference ------------------------------------------------------------------------------------ */

#define REF_BYTES 700u

/* The payload is spoilt in the very event that gives it back: who reads it later sends rubbish, and the town
 * looks at each payload that the broker takes. */
static struct {
    bool busy;
    iot_ticket ticket;
    iot_err end;
    uint64_t ended_at;
    uint8_t bytes[REF_BYTES];
} refs[IOT_MQTT_OUT_MAX];

static void on_event(struct world_life *l, const struct iot_event *ev)
{
    (void)l;
    if (ev->kind != IOT_EV_DONE && ev->kind != IOT_EV_FAILED)
        return;
    for (uint32_t i = 0; i < COUNT(refs); i++) {
        if (!refs[i].busy || refs[i].ticket != ev->ticket)
            continue;
        refs[i].busy = false;
        refs[i].end = ev->err;
        refs[i].ended_at = world_ms();
        memset(refs[i].bytes, 0xdd, REF_BYTES);
    }
}

static void refer(struct world_life *l, uint32_t i, uint8_t qos, uint8_t flags)
{
    uint64_t serial = town_serial(l);

    assert_false(refs[i].busy);
    world_app_fill(serial, refs[i].bytes, REF_BYTES);
    struct iot_msg msg = {.topic = {l->up_topic, (uint16_t)strlen(l->up_topic), 0},
                          .payload = {refs[i].bytes, REF_BYTES},
                          .qos = qos,
                          .flags = IOT_MSG_BY_REF | flags};
    refs[i].busy = true;
    refs[i].ended_at = 0;
    iot_err err = iot_mqtt_publish(&l->dev, &msg, &refs[i].ticket);
    town_accepted(l, err, refs[i].ticket, serial, qos, (flags & IOT_MSG_POLICY) != 0);
    assert_err(err, IOT_OK);
}

/* Not before TCP has the other side's word for it, also for QoS 0. */
static void ref_times(void)
{
    struct world_life *l = begin(0);

    town_on_event = on_event;
    town_delay(500);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        uint64_t since = world_ms();
        refer(l, 0, qos, 0);
        town_settles(5 * SECOND);
        assert_within(refs[0].ended_at - since, qos < 2 ? 1000 : 2000, qos < 2 ? 1300 : 2300);
        assert_err(refs[0].end, IOT_OK);
    }
    town_end();
}

static void a_referenced_payload_is_free_when_the_peer_has_it(void **state)
{
    (void)state;
    scenario_run(ref_times);
}

/* TCP repeats much of it, and links break. */
static void ref_loss(void)
{
    struct world_life *l = begin(0);
    uint32_t said = 0;

    town_on_event = on_event;
    world_lane(WORLD_UP)->loss = world_lane(WORLD_DOWN)->loss = 200000;
    for (uint32_t round = 0; round < 400; round++) {
        for (uint32_t i = 0; i < 3; i++) {
            if (refs[i].busy || (i == 0 && !l->up))
                continue;
            refer(l, i, (uint8_t)i, 0);
            said++;
        }
        if (round % 20 == 19)
            world_life_hint(l, IOT_NETWORK_CHANGED);
        town_run(SECOND);
    }
    world_wire_calm();
    town_settles(2 * MINUTE);
    assert_true(said > 200);
    assert_int_equal(counts(l)->failed, failed_as(l, IOT_ERR_CUT));
    assert_int_equal(counts(l)->took[2], counts(l)->done[2]);
    town_end();
}

static void a_referenced_payload_is_not_read_after_its_event(void **state)
{
    (void)state;
    scenario_run(ref_loss);
}

/* All ways to end without the broker. */
static void ref_ends(void)
{
    struct world_life *l = begin(0);

    town_on_event = on_event;
    town_cut(true, true);
    refer(l, 0, 0, 0); /* is on its way when the link ends */
    refer(l, 1, 1, 0);
    town_loses(l, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND);
    assert_err(refs[0].end, IOT_ERR_CUT);
    assert_true(refs[1].busy);
    refer(l, 2, 1, IOT_MSG_DROP_OLDEST);
    refer(l, 3, 0, IOT_MSG_REPLACE);
    refer(l, 4, 0, IOT_MSG_REPLACE);
    town_run(1);
    assert_false(refs[2].busy); /* it has the topic of 3, which gives way to 4 */
    assert_err(refs[2].end, IOT_ERR_DROPPED);
    assert_err(refs[3].end, IOT_ERR_DROPPED);
    town_run(HOUR);
    assert_true(refs[1].busy && refs[4].busy);
    assert_true(world_life_close(l, SECOND, SECOND));
    town_run(10 * SECOND);
    assert_err(refs[1].end, IOT_ERR_UNKNOWN);
    assert_err(refs[4].end, IOT_ERR_CLOSED);
    town_cut(false, false);
    town_connects(l, 2 * MINUTE);
    town_end();
}

static void a_referenced_payload_is_given_back_however_it_ends(void **state)
{
    (void)state;
    scenario_run(ref_ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_offline_refuse_the_oldest_remain_and_writable_is_told_once),
        cmocka_unit_test(a_day_offline_drop_oldest_the_newest_remain_and_each_drop_is_told),
        cmocka_unit_test(a_day_offline_drop_oldest_gives_way_byte_by_byte_too),
        cmocka_unit_test(a_day_offline_replace_the_newest_of_each_topic_remains),
        cmocka_unit_test(what_was_sent_does_not_give_way_to_newer_ones),
        cmocka_unit_test(what_is_sent_anew_does_not_give_way_either),
        cmocka_unit_test(drops_of_one_tick_are_bounded_and_writable_tells_when_more_may_drop),
        cmocka_unit_test(each_message_is_treated_by_its_own_policy),
        cmocka_unit_test(a_referenced_payload_is_free_when_the_peer_has_it),
        cmocka_unit_test(a_referenced_payload_is_not_read_after_its_event),
        cmocka_unit_test(a_referenced_payload_is_given_back_however_it_ends),
    };

    return cmocka_run_group_tests_name("life: the queue", tests, NULL, NULL);
}
