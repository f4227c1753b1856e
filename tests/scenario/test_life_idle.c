/* SPDX-License-Identifier: Apache-2.0 */
/* How often a device that has nothing to do wakes its processor: by its own wish, apart from lwIP's timers. */
#include "lamp.h"

#define SECOND 1000u
#define HOUR   3600000u

static uint64_t wish; /* when it wanted to be called again */
static uint32_t woken;

static uint64_t tick(void *ctx, uint64_t now)
{
    (void)ctx;
    woken += now >= wish;
    uint32_t ms = iot_poll(&lamp.dev, (uint32_t)now);
    wish = ms == IOT_MS_NEVER ? WORLD_NEVER : now + ms;
    return wish;
}

/* An hour, from a good while after the login on. */
static uint32_t wakes_in_an_hour(uint16_t keepalive_s)
{
    lamp_begin();
    lamp.options.keepalive_s = keepalive_s; /* borrowed, and read when it logs in */
    lamp_connect();
    lamp.actor.tick = tick;
    wish = WORLD_NEVER;
    world_loop_until(world_ms() + 100 * SECOND);
    woken = 0;
    world_loop_until(world_ms() + HOUR);
    assert_int_equal(lamp.losses, 0);
    uint32_t n = woken;
    lamp_close();
    return n;
}

/* A ping each three quarters of the interval, and nothing else. */
static void minute_by_minute(void)
{
    uint32_t n = wakes_in_an_hour(60);

    print_message("figure: an idle device with keep-alive 60 s wakes %u times an hour\n", n);
    assert_int_equal(n, 80);
}

static void without_keepalive(void)
{
    assert_int_equal(wakes_in_an_hour(0), 0);
}

static void an_idle_device_wakes_for_its_pings_only(void **state)
{
    (void)state;
    scenario_run(minute_by_minute);
}

static void without_keepalive_it_sleeps_until_something_happens(void **state)
{
    (void)state;
    scenario_run(without_keepalive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_device_wakes_for_its_pings_only),
        cmocka_unit_test(without_keepalive_it_sleeps_until_something_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
