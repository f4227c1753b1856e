/* SPDX-License-Identifier: Apache-2.0 */
/* A week in the life of three lamps at the emulated platform: properties every few minutes, sets, calls and desired values at
 * random times, the time once a day, and all that goes wrong in the world. What has to hold: world_thing.h, world_console.h. */
#include "town.h"

#include "world/world_console.h"
#include "world/world_plan.h"

#define DAY  (24u * HOUR)
#define DAYS 7u

static struct world_console console;
static struct world_plan plan;

/* One for each kind of session. */
static void begin(uint32_t publish_ms)
{
    static const enum iot_session_kind kinds[] = {IOT_SESSION_CLEAN, IOT_SESSION_KEEP,
                                                  IOT_SESSION_KEEP_REBOOT};
    struct world_habit habits[COUNT(kinds)] = {{0}};

    for (uint32_t i = 0; i < COUNT(kinds); i++)
        habits[i] = (struct world_habit){.guest = &world_thing,
                                         .platform = true,
                                         .session = kinds[i],
                                         .qos_max = 1,
                                         .keepalive_s = 60,
                                         .publish_ms = publish_ms};
    town_begin(habits, COUNT(kinds));
    assert_true(world_console_start(&console, &town, scenario_seed()));
}

static void wake(uint32_t order_ms, bool rules)
{
    world_console_go_on(&console, order_ms, rules);
    for (uint32_t i = 0; i < town.count; i++)
        town.lives[i].quiet = false;
}

static bool is_not_well(void *ctx)
{
    (void)ctx;
    return !world_town_is_well(&town) || !world_console_is_well(&console);
}

/* Everybody gets well, and both sides have the same view. */
static void calm(void)
{
    world_console_calm(&console);
    for (uint32_t i = 0; i < town.count; i++)
        town.lives[i].quiet = true;
    if (!world_loop_while(is_not_well, NULL, 800 * SECOND)) {
        world_town_complain(&town);
        fail_msg("not well");
    }
    world_console_judge(&console);
}

static struct world_thing_counts sum(void)
{
    struct world_thing_counts all = {0};

    for (uint32_t i = 0; i < town.count; i++) {
        const struct world_thing_counts *n = world_thing_counts(&town.lives[i]);
        all.asked += n->asked;
        all.replied += n->replied;
        all.failed += n->failed;
        all.sets += n->sets;
        all.sets_again += n->sets_again;
        all.calls += n->calls;
        all.toggles += n->toggles;
        all.desired += n->desired;
        all.shadows += n->shadows;
        all.times += n->times;
        all.skipped += n->skipped;
    }
    return all;
}

/* ---- Nothing goes wrong --------------------------------------------------------------------------- */

static void good_week(void)
{
    begin(5 * MINUTE);
    for (uint32_t i = 0; i < town.count; i++)
        town_connects(&town.lives[i], 5 * SECOND);
    wake(10 * MINUTE, false);
    town_run(DAYS * DAY);
    calm();
    struct world_thing_counts n = sum();
    assert_int_equal(n.failed, 0);
    assert_int_equal(n.skipped, 0);
    assert_int_equal(n.sets_again, 0);
    assert_int_equal(n.times, DAYS * town.count);
    assert_true(n.desired > 0 && n.shadows > 0);
    assert_true(n.asked > 5000);
    for (int i = 0; i < WORLD_ORDERS; i++)
        assert_true(console.counts.given[i] > 0);
    assert_int_equal(console.counts.done[WORLD_ORDER_SET], console.counts.given[WORLD_ORDER_SET]);
    assert_int_equal(console.counts.done[WORLD_ORDER_TOGGLE],
                     console.counts.given[WORLD_ORDER_TOGGLE]);
    assert_int_equal(n.toggles, console.counts.given[WORLD_ORDER_TOGGLE]);
    assert_true(console.counts.done[WORLD_ORDER_BLINK] > 0);
    town_end();
    for (uint32_t i = 0; i < town.count; i++)
        assert_int_equal(town.lives[i].losses, 0);
}

static void in_a_good_week_everything_is_answered_and_nothing_is_skipped(void **state)
{
    (void)state;
    scenario_run(good_week);
}

/* ---- All does ------------------------------------------------------------------------------------- */

static void bad_week(void)
{
    begin(5 * MINUTE);
    wake(10 * MINUTE, true);
    world_plan_start(&plan, &town, scenario_seed(), 30 * MINUTE);
    for (uint32_t day = 0; day < DAYS; day++) {
        world_plan_go_on(&plan);
        wake(10 * MINUTE, true);
        town_run(DAY);
        world_plan_calm(&plan);
        world_wire_calm();
        calm();
    }
    struct world_thing_counts n = sum();
    assert_true(n.failed > 0 && n.replied > 1000);
    assert_true(n.sets > 0 && n.calls > 0 && n.desired > 0 && n.shadows > 0 && n.times > DAYS);
    assert_true(console.counts.done[WORLD_ORDER_SET] > 50);
    assert_int_equal(console.counts.judged, DAYS * town.count);
    town_end();
}

static void in_a_bad_week_no_request_is_lost_and_both_sides_agree_each_day(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2; i++)
        scenario_run_seed(bad_week, test_seed() + i);
}

/* Links that end all the time, and a platform that is late. */
static void busy_hour(void)
{
    begin(2 * SECOND);
    wake(2 * SECOND, true);
    world_plan_start(&plan, &town, scenario_seed(), 20 * SECOND);
    town_run(HOUR);
    world_plan_calm(&plan);
    world_wire_calm();
    calm();
    struct world_thing_counts n = sum();
    assert_true(n.skipped > 0 && n.sets_again > 0);
    town_end();
}

static void in_a_busy_hour_what_is_delivered_again_says_so_and_replies_to_nobody_are_dropped(
    void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        scenario_run_seed(busy_hour, test_seed() + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_good_week_everything_is_answered_and_nothing_is_skipped),
        cmocka_unit_test(in_a_bad_week_no_request_is_lost_and_both_sides_agree_each_day),
        cmocka_unit_test(
            in_a_busy_hour_what_is_delivered_again_says_so_and_replies_to_nobody_are_dropped),
    };

    return cmocka_run_group_tests_name("thing: a week", tests, NULL, NULL);
}
