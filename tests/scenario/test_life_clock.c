/* SPDX-License-Identifier: Apache-2.0 */
/* The counter that devices live by: it wraps after 49.7 days, 20 s after a run begins; it may be coarse; and the loop may
 * come by late. */
#include "town.h"

#define WRAP_MS 20000u /* until then, for device 0 */

static struct world_habit habit_of(uint16_t keepalive_s)
{
    return (struct world_habit){
        .session = IOT_SESSION_KEEP, .qos_max = 2, .keepalive_s = keepalive_s};
}

static uint32_t counter(void)
{
    return (uint32_t)world_ms();
}

/* So long before the wrap. */
static struct world_life *begin(uint16_t keepalive_s, uint32_t before_ms)
{
    struct world_habit habit = habit_of(keepalive_s);
    struct world_life *l = town_begin(&habit, 1);

    town_connects(l, SECOND);
    town_run(WRAP_MS - before_ms - world_age_ms());
    assert_int_equal(counter(), (uint32_t)-before_ms);
    return l;
}

/* ---- Across the wrap ------------------------------------------------------------------------------ */

static void pings(void)
{
    struct world_life *l = begin(16, SECOND);

    town_run(2 * SECOND);
    assert_true(counter() < 2 * SECOND);
    town_run(MINUTE);
    assert_within(told_of(l)->longest_silence_ms, 12 * SECOND, 12 * SECOND + 100);
    assert_int_equal(l->losses, 0);
    town_end();
}

/* The verdict is due behind it: asked 3 s before. */
static void verdict(void)
{
    struct world_life *l = begin(60, 10 * SECOND);

    town_cut(true, true);
    assert_err(town_say(l, 1, 40), IOT_OK);
    assert_within(town_loses(l, IOT_ERR_MQTT_ACK_TIMEOUT, MINUTE), 20 * SECOND, 20 * SECOND + 10);
    town_cut(false, false);
    town_end();
}

static void back_off(void)
{
    struct world_life *l = begin(60, 15 * SECOND);

    l->opt.backoff_cap_ms = 4 * SECOND;
    world_server_mode(WORLD_SERVER_SHUT);
    world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    town_loses(l, IOT_ERR_TCP_RESET, 100);
    while (counter() > MINUTE) { /* it has not wrapped yet */
        uint32_t told_ms = told_of(l)->loss[l->losses - 1].delay_ms;
        assert_within(town_loses(l, IOT_ERR_TCP_REFUSED, 5 * SECOND), told_ms, told_ms + 100);
    }
    assert_true(l->losses > 3);
    world_server_mode(WORLD_SERVER_OPEN);
    town_connects(l, 5 * SECOND);
    town_end();
}

static void declining(void)
{
    struct world_life *l = begin(60, 5 * SECOND);

    l->declines = world_ms() + 15 * SECOND;
    town_write(l, 1, 40);
    assert_within(town_loses(l, IOT_ERR_MQTT_DECLINED, 20 * SECOND), IOT_DECLINE_MAX_MS,
                  IOT_DECLINE_MAX_MS + 50);
    town_gets(l, 1, 10 * SECOND);
    town_end();
}

static void drains(void)
{
    struct world_life *l = begin(60, 2 * SECOND);

    town_cut(true, true);
    assert_err(town_say(l, 1, 40), IOT_OK);
    assert_true(world_life_close(l, 5 * SECOND, MINUTE));
    uint64_t since = world_ms();
    while (l->closes == 0)
        town_run(10);
    assert_within(world_ms() - since, 5 * SECOND, 7 * SECOND + 100);
    assert_int_equal(failed_as(l, IOT_ERR_UNKNOWN), 1);
    town_cut(false, false);
    town_connects(l, 2 * MINUTE);
    town_end();
}

static void sleeps(void)
{
    struct world_life *l = begin(1200, 10 * SECOND);

    town_excuse(l, 2 * MINUTE + SECOND);
    l->asleep = world_ms() + 2 * MINUTE;
    town_run(2 * MINUTE - 1);
    uint32_t heard = told_of(l)->heard;
    town_run(20);
    assert_int_equal(told_of(l)->heard, heard + 1); /* PINGREQ */
    town_run(10 * MINUTE);
    assert_int_equal(l->losses, 0);
    town_end();
}

/* Each device's counter wraps at another moment, while they talk. */
static void three_devices(void)
{
    const struct world_habit habits[] = {habit_of(10), habit_of(10), habit_of(10)};
    struct world_life *l = town_begin(habits, 3);

    for (int i = 0; i < 60; i++) {
        town_run(SECOND);
        for (uint32_t d = 0; d < 3; d++) {
            if (i % 3 == (int)d)
                assert_err(town_say(&l[d], 2, 40), IOT_OK);
            town_write(&l[d], (uint8_t)(i % 3), 40);
        }
    }
    town_run(SECOND);
    for (uint32_t d = 0; d < 3; d++) {
        assert_int_equal(l[d].losses, 0);
        assert_int_equal(done(&l[d]), 20);
        assert_int_equal(got(&l[d]), 60);
        assert_within(counts(&l[d])->longest_up_ms, 1, 50);
    }
    town_end();
}

static void pings_are_in_time_across_the_wrap(void **state)
{
    (void)state;
    scenario_run(pings);
}

static void a_verdict_is_in_time_across_the_wrap(void **state)
{
    (void)state;
    scenario_run(verdict);
}

static void pauses_are_as_long_as_told_across_the_wrap(void **state)
{
    (void)state;
    scenario_run(back_off);
}

static void declining_ends_in_time_across_the_wrap(void **state)
{
    (void)state;
    scenario_run(declining);
}

static void a_drain_ends_in_time_across_the_wrap(void **state)
{
    (void)state;
    scenario_run(drains);
}

static void sleep_across_the_wrap_is_noticed(void **state)
{
    (void)state;
    scenario_run(sleeps);
}

static void counters_that_wrap_at_different_moments_do_not_matter_to_each_other(void **state)
{
    (void)state;
    scenario_run(three_devices);
}

/* ---- Coarse and late ------------------------------------------------------------------------------ */

static struct {
    uint64_t (*tick)(void *ctx, uint64_t now);
    uint32_t step_ms, every_ms;
    uint64_t next;
} slow;

/* The counter moves in steps, as one does that an operating system's tick drives. */
static uint64_t tick_coarse(void *ctx, uint64_t now)
{
    uint64_t step = now - now % slow.step_ms;
    uint64_t next = slow.tick(ctx, step);

    if (next == WORLD_NEVER)
        return next;
    next = next + slow.step_ms - 1;
    next -= next % slow.step_ms;
    return next > now ? next : step + slow.step_ms;
}

/* A loop that has other things to do: it comes by now and then, whatever happens. */
static uint64_t tick_late(void *ctx, uint64_t now)
{
    if (now < slow.next)
        return slow.next;
    slow.next = now + slow.every_ms;
    slow.tick(ctx, now);
    return slow.next;
}

static struct world_life *begin_slow(uint64_t (*tick)(void *, uint64_t), uint32_t ms)
{
    const struct world_habit habit = habit_of(10);
    struct world_life *l = town_begin(&habit, 1);

    slow.tick = l->actor.tick;
    slow.step_ms = slow.every_ms = ms;
    l->actor.tick = tick;
    l->lint.patience_ms += 2 * ms;
    town_connects(l, 5 * SECOND);
    town_run(40 * SECOND);
    return l;
}

/* What every device has to do, with bounds that are wider by a few of its steps. */
static void work(struct world_life *l, uint32_t step_ms)
{
    for (int i = 0; i < 60; i++) {
        (void)town_say(l, (uint8_t)(i % 3), 40);
        town_write(l, (uint8_t)(i % 3), 40);
        town_run(2 * SECOND);
    }
    town_settles(10 * SECOND);
    assert_int_equal(got(l), 60);
    assert_int_equal(counts(l)->failed + l->losses, 0);
    assert_within(counts(l)->longest_up_ms, 1, 40 + 4 * step_ms);
    town_run(MINUTE);
    assert_within(told_of(l)->longest_silence_ms, 7500 - step_ms, 7600 + step_ms);

    town_cut(true, true);
    uint64_t since = world_ms();
    town_loses(l, IOT_ERR_MQTT_PING_TIMEOUT, 20 * SECOND);
    assert_within(world_ms() - since, 10 * SECOND - step_ms, 17600 + 2 * step_ms);
    town_run(10 * MINUTE);
    town_cut(false, false);
    town_connects(l, 80 * SECOND);
    town_run(40 * SECOND);
    l->declines = world_ms() + 20 * SECOND;
    town_write(l, 2, 40);
    since = world_ms();
    town_loses(l, IOT_ERR_MQTT_DECLINED, 15 * SECOND);
    assert_within(world_ms() - since, IOT_DECLINE_MAX_MS, IOT_DECLINE_MAX_MS + 100 + 2 * step_ms);
    town_gets(l, 61, MINUTE);
    town_end();
}

static void coarse(void)
{
    work(begin_slow(tick_coarse, 10), 10);
}

static void late(void)
{
    work(begin_slow(tick_late, 700), 700);
}

static void a_counter_in_steps_of_10_ms_will_do(void **state)
{
    (void)state;
    scenario_run(coarse);
}

static void a_loop_that_comes_by_every_700_ms_will_do(void **state)
{
    (void)state;
    scenario_run(late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_are_in_time_across_the_wrap),
        cmocka_unit_test(a_verdict_is_in_time_across_the_wrap),
        cmocka_unit_test(pauses_are_as_long_as_told_across_the_wrap),
        cmocka_unit_test(declining_ends_in_time_across_the_wrap),
        cmocka_unit_test(a_drain_ends_in_time_across_the_wrap),
        cmocka_unit_test(sleep_across_the_wrap_is_noticed),
        cmocka_unit_test(counters_that_wrap_at_different_moments_do_not_matter_to_each_other),
        cmocka_unit_test(a_counter_in_steps_of_10_ms_will_do),
        cmocka_unit_test(a_loop_that_comes_by_every_700_ms_will_do),
    };

    return cmocka_run_group_tests_name("life: the clock", tests, NULL, NULL);
}
