/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of messages, ids and subscriptions when a connection, a session or the RAM is lost: many at once, for
 * long, again and again. One message at a time is in test_life_exchange.c. */
#include "town.h"

#include "world/world_chance.h"

#define ONE_WAY 50u

static struct world_habit habit_of(enum iot_session_kind session)
{
    return (struct world_habit){.session = session, .qos_max = 2, .keepalive_s = 60};
}

/* What was taken first was taken in the order in which it was said. */
static void taken_in_order(void)
{
    for (uint32_t i = 1; i < taken_count; i++)
        assert_true(taken[i].serial > taken[i - 1].serial);
}

/* ---- An hour ----------------------------------------------------------------------------------------- */

static void an_hour(uint8_t qos)
{
    struct world_life *l = town_with(habit_of(IOT_SESSION_KEEP));

    town_cut(true, true);
    uint32_t said = town_say_until_full(l, qos, 60);
    assert_int_equal(said, IOT_MQTT_OUT_MAX);
    town_loses(l, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND);
    town_run(HOUR);
    assert_err(town_say(l, 1, 60), IOT_ERR_FULL);
    assert_int_equal(done(l) + counts(l)->failed, 0);
    for (uint32_t i = 1; i < told_of(l)->losses; i++)
        assert_true(told_of(l)->loss[i].err == IOT_ERR_DNS_TIMEOUT ||
                    told_of(l)->loss[i].err == IOT_ERR_TCP_TIMEOUT);
    town_cut(false, false);
    town_connects(l, MINUTE + 15 * SECOND); /* a wait, and an attempt that was under way */
    assert_true(told_of(l)->kept);
    assert_within(town_settles(2 * SECOND), 0, SECOND);
    assert_int_equal(done(l), said);
    assert_true(told_of(l)->dups > 5); /* as many as TCP has taken */
    assert_int_equal(told_of(l)->dups, iot_device_counters(&l->dev)->resent_messages);
    assert_int_equal(counts(l)->took[qos], said);
    assert_int_equal(told_of(l)->writable, 1);
    taken_in_order();
    town_end();
}

static void an_hour_with_qos_1(void)
{
    an_hour(1);
}

static void an_hour_with_qos_2(void)
{
    an_hour(2);
}

static void a_full_ring_outlives_an_hour_without_a_link_and_drains_in_order(void **state)
{
    (void)state;
    scenario_run(an_hour_with_qos_1);
    scenario_run(an_hour_with_qos_2);
}

/* ---- Again and again --------------------------------------------------------------------------------- */

static void break_somehow(struct world_life *l, uint32_t how)
{
    if (how == 0)
        world_life_hint(l, IOT_NETWORK_CHANGED);
    else if (how == 1)
        world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    else if (how == 2)
        world_broker_kick(&town.broker, l->name, WORLD_END_FIN, world_ms());
    else
        world_server_restart(2 * SECOND, true, world_ms());
}

/* Both ways are full of messages of all qualities, and the link breaks at any moment. */
static void breaks(void)
{
    struct world_life *l = town_with(habit_of(IOT_SESSION_KEEP));
    struct world_chance c;
    uint32_t wrote[3] = {0}, said[3] = {0};

    world_chance_seed(&c, scenario_seed(), WORLD_STREAM_TEST);
    town_delay(ONE_WAY);
    for (int round = 0; round < 60; round++) {
        town_connects(l, 2 * MINUTE);
        for (int i = 0; i < 8; i++) {
            uint8_t qos = (uint8_t)world_chance_between(&c, 1, 2);
            wrote[qos] += town_write(l, qos, 40);
            qos = (uint8_t)world_chance_between(&c, 1, 2);
            said[qos] += town_say(l, qos, 40) == IOT_OK;
        }
        town_run(world_chance_below(&c, 6 * ONE_WAY));
        break_somehow(l, world_chance_below(&c, 4));
        town_run(2 * ONE_WAY); /* it knows */
    }
    town_settles(2 * MINUTE);
    assert_within(said[1] + said[2], 201, 480);
    assert_within(l->losses, 60, 200);
    assert_int_equal(counts(l)->failed, 0);
    assert_int_equal(counts(l)->took[2], said[2]);
    assert_int_equal(counts(l)->done[2], said[2]);
    assert_int_equal(counts(l)->done[1], said[1]);
    assert_true(counts(l)->took[1] >= said[1]);
    assert_int_equal(counts(l)->got[2], wrote[2]);
    assert_true(counts(l)->got[1] >= wrote[1]);
    assert_true(told_of(l)->dups > 20 && counts(l)->got_again > 0);
    taken_in_order();
    town_end();
}

static void through_sixty_breaks_qos_2_comes_once_both_ways_and_order_is_kept(void **state)
{
    (void)state;
    scenario_run(breaks);
}

/* ---- A session that is gone -------------------------------------------------------------------------- */

static void lost_offline(void)
{
    struct world_life *l = town_with(habit_of(IOT_SESSION_KEEP));

    town_cut(true, true);
    assert_err(town_say(l, 1, 40), IOT_OK);
    assert_err(town_say(l, 2, 40), IOT_OK);
    town_loses(l, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND);
    assert_err(town_say(l, 1, 40), IOT_OK);
    town_write(l, 1, 40);
    world_broker_forget(&town.broker, l->name, world_ms());
    assert_null(world_broker_session(&town.broker, l->name));
    town_cut(false, false);
    town_connects(l, 20 * SECOND);
    assert_false(told_of(l)->kept);
    town_settles(2 * SECOND);
    assert_int_equal(done(l), 3);
    assert_int_equal(told_of(l)->dups, 0); /* it is another message there */
    assert_int_equal(counts(l)->got[1], 0);
    taken_in_order();
    assert_int_equal(town_write(l, 2, 40), 1); /* subscribed again by itself */
    town_settles(SECOND);
    assert_int_equal(counts(l)->got[2], 1);
    town_end();
}

static void a_session_lost_while_away_is_made_anew_with_its_subscriptions(void **state)
{
    (void)state;
    scenario_run(lost_offline);
}

/* ---- Reboots ----------------------------------------------------------------------------------------- */

/* The broker's queue outlives the device's RAM, and no id comes back that the broker may still know. */
static void reboots(void)
{
    struct world_habit habit = habit_of(IOT_SESSION_KEEP_REBOOT);
    struct world_life *l = town_begin(&habit, 1);
    uint32_t wrote = 0;

    l->opt.first_id = 100; /* who forgets what is in the store begins there again */
    town_delay(ONE_WAY);
    told_of(l)->notes_ids = true;
    for (int boot = 0; boot < 40; boot++) {
        town_connects(l, MINUTE + 5 * SECOND);
        assert_true(boot == 0 || told_of(l)->kept);
        for (int i = 0; i < 20; i++) {
            (void)town_say(l, (uint8_t)(1 + i % 2), 40);
            town_run(4 * ONE_WAY);
        }
        wrote += town_write(l, 2, 40);
        town_run(ONE_WAY * (uint32_t)(boot % 5) + ONE_WAY / 2);
        world_life_power_cut(l, MINUTE);
        told_of(l)->notes_ids = boot != 38;
        town_run(2 * ONE_WAY); /* nothing is left on its way */
        for (int i = 0; i < 30; i++)
            wrote += town_write(l, 1, 40);
    }
    town_connects(l, MINUTE + 5 * SECOND);
    town_settles(10 * SECOND);
    assert_int_equal(told_of(l)->ids_again, 0);
    assert_true(counts(l)->got[1] + counts(l)->got[2] >= wrote);
    assert_int_equal(wrote, 40 * 31);
    town_end();
}

static void after_a_reboot_the_queue_arrives_and_ids_are_new(void **state)
{
    (void)state;
    scenario_run(reboots);
}

static enum iot_session_kind kind;

/* A day without power. */
static void day_without_power(void)
{
    struct world_life *l = town_with(habit_of(kind));
    bool clean = kind == IOT_SESSION_CLEAN;

    world_life_power_cut(l, 24 * HOUR);
    town_run(2 * MINUTE); /* the broker has noticed */
    assert_false(world_broker_online(&town.broker, l->name));
    for (int i = 0; i < 50; i++)
        assert_int_equal(town_write(l, 1, 40), clean ? 0 : 1);
    town_run(23 * HOUR);
    assert_int_equal(counts(l)->got[1], 0);
    town_connects(l, HOUR + 5 * SECOND);
    assert_int_equal(told_of(l)->kept, !clean);
    town_settles(5 * SECOND);
    assert_int_equal(counts(l)->got[1], clean ? 0 : 50);
    town_run(SECOND);
    assert_int_equal(town_write(l, 1, 40), 1);
    town_end();
    assert_int_equal(counts(l)->got[1], clean ? 1 : 51);
}

static void after_a_day_without_power_a_kept_session_has_what_came_meanwhile(void **state)
{
    (void)state;
    for (kind = IOT_SESSION_CLEAN; kind <= IOT_SESSION_KEEP_REBOOT; kind++)
        scenario_run(day_without_power);
}

/* ---- An id of before ----------------------------------------------------------------------------------- */

/* Power goes between PUBREC and PUBREL; after the reboot, by bad luck, the next QoS 2 message gets that id. The broker
 * holds it, and would take the new message for a repetition of the old one. */
static void an_id_of_before(void)
{
    struct world_life *l = town_with(habit_of(IOT_SESSION_KEEP));

    town_delay(ONE_WAY);
    assert_err(town_say(l, 2, 40), IOT_OK);
    town_run(ONE_WAY + 10); /* the broker has it, and nobody knows */
    uint16_t id = told_of(l)->last_id;
    assert_int_equal(taken_count, 1);
    l->opt.first_id = (uint16_t)(id - 1); /* which SUBSCRIBE takes */
    world_life_power_cut(l, SECOND);
    town_connects(l, MINUTE);
    assert_true(told_of(l)->kept);
    town_run(SECOND);
    taken_count = 0;
    assert_err(town_say(l, 2, 40), IOT_OK);
    town_settles(5 * SECOND);
    assert_int_equal(told_of(l)->last_id, id);
    assert_int_equal(done(l), 1);
    assert_int_equal(taken_count, 1);
    town_end();
}

static void an_id_that_the_broker_still_holds_swallows_no_new_message(void **state)
{
    (void)state;
    scenario_run(an_id_of_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_ring_outlives_an_hour_without_a_link_and_drains_in_order),
        cmocka_unit_test(through_sixty_breaks_qos_2_comes_once_both_ways_and_order_is_kept),
        cmocka_unit_test(a_session_lost_while_away_is_made_anew_with_its_subscriptions),
        cmocka_unit_test(after_a_reboot_the_queue_arrives_and_ids_are_new),
        cmocka_unit_test(an_id_that_the_broker_still_holds_swallows_no_new_message),
        cmocka_unit_test(after_a_day_without_power_a_kept_session_has_what_came_meanwhile),
    };

    return cmocka_run_group_tests_name("life: sessions", tests, NULL, NULL);
}
