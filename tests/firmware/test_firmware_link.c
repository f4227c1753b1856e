/* SPDX-License-Identifier: Apache-2.0 */
/* What lies between the board and the platform breaks, and comes back. */
#include "test.h"

#include "host/host_cable.h"
#include "host/host_child.h"
#include "host/host_dns.h"
#include "rig_cloud.h"

#include <signal.h>
#include <time.h>

#define SHORT_MS 1500u /* some readings long */
#define WOBBLES  1500u
#define BURSTS   4u
#define BURST    20u /* the board has room for 6 frames */

static void get_connected(void)
{
    rig_cloud_identity("ecdsa");
    rig_power_on("an385");
    rig_await("iot: connected");
    rig_await("iot: reading 2 done");
}

/* Three more readings, and none was lost. */
static void lives_on(void)
{
    uint32_t done = rig_readings_done(1);

    RIG_UNTIL(rig_readings_done(1) >= done + 3);
    rig_readings_check(1);
    rig_cloud_send("on"); /* and what comes down reaches it */
    rig_await("led: on");
    assert_int_equal(rig_count("boot "), 1);
}

static void a_platform_that_was_killed_is_found_again(void **state)
{
    (void)state;
    get_connected();
    rig_cloud_cut();
    rig_await("iot: lost ");
    rig_await("iot: lost TCP_REFUSED"); /* it tries, and nobody is there */
    uint32_t done = rig_readings_done(1);
    rig_run(SHORT_MS);
    assert_int_equal(rig_readings_done(1), done);
    rig_cloud_restore();
    rig_await("iot: connected");
    lives_on();
}

static void a_cable_that_was_pulled_is_noticed_and_plugged_in_again(void **state)
{
    (void)state;
    get_connected();
    rig_cable(false);
    rig_await("net: link down");
    uint32_t done = rig_readings_done(1);
    rig_run(SHORT_MS);
    assert_int_equal(rig_readings_done(1), done);
    rig_cable(true);
    rig_await("net: link up");
    lives_on();
}

static bool is_cable_seen(void)
{
    return rig_count("net: link down") == rig_count("net: link up");
}

/* Plugged in again while the board still looks at its having been pulled: one in some hundred times at the worst moment. */
static void a_cable_with_a_loose_contact_is_never_taken_for_pulled(void **state)
{
    (void)state;
    get_connected();
    for (uint32_t i = 0; i < WOBBLES; i++) {
        struct timespec moment = {0, (long)(i * 7919 % 60000)};
        rig_cable(false);
        nanosleep(&moment, NULL);
        rig_cable(true);
        rig_turn();
        RIG_UNTIL(is_cable_seen());
    }
    assert_true(rig_count("net: link down") > WOBBLES / 10);
    lives_on();
}

static void a_board_that_boots_without_a_cable_connects_when_it_is_plugged_in(void **state)
{
    (void)state;
    get_connected();
    rig_cable(false);
    rig_await("net: link down");
    rig_reset();
    rig_await("boot 2: ");
    rig_run(SHORT_MS);
    assert_int_equal(rig_readings_done(2), 0);
    rig_cable(true);
    rig_await("net: link up");
    rig_await("net: address 10.0.2.15");
    rig_await("iot: connected");
    rig_await("iot: reading 1 done");
    rig_await("iot: reading 3 done");
    rig_readings_check(2);
}

/* Each way on its own, a twelfth of all frames. */
static bool lose_some(void *ctx, bool out, const uint8_t *frame, uint32_t len)
{
    uint32_t *count = ctx;

    (void)frame;
    (void)len;
    return ++count[out] % 12 != 0;
}

static void a_cable_that_loses_frames_is_slow_and_loses_no_reading(void **state)
{
    uint32_t count[2] = {0, 0};

    (void)state;
    rig_cloud_identity("ecdsa");
    rig_power_on("an385");
    host_cable_on_frame(lose_some, count);
    rig_await("iot: connected");
    rig_await("iot: reading 10 done");
    RIG_UNTIL(count[false] > 60 && count[true] > 60); /* five lost, each way */
    host_cable_on_frame(NULL, NULL);
    uint32_t done = rig_readings_done(1);
    RIG_UNTIL(rig_readings_done(1) > done);
    rig_readings_check(1);
}

/* The board stands still while messages come, each in a segment of its own: more of them than it has room for at once.
 * What it has to drop comes again by TCP, if its controller is still in step afterwards. */
static void a_burst_of_more_frames_than_there_is_room_for_arrives_in_the_end(void **state)
{
    (void)state;
    get_connected();
    for (uint32_t round = 1; round <= BURSTS; round++) {
        kill(rig_board.pid, SIGSTOP);
        for (uint32_t i = 0; i < BURST; i++) {
            rig_cloud_send("off");
            rig_run(20); /* so that no two of them share a segment */
        }
        kill(rig_board.pid, SIGCONT);
        RIG_UNTIL(rig_count("led: off") >= round * BURST);
    }
    assert_int_equal(rig_count("iot: lost"), 0);
    lives_on();
}

/* ---- names -------------------------------------------------------------------------------------- */

static enum host_dns_verdict nameserver;
static uint32_t questions;

static enum host_dns_verdict on_question(void *ctx, const char *name, bool v6, uint8_t address[16])
{
    static const uint8_t here[4] = {10, 0, 2, 2};

    (void)ctx;
    (void)name;
    (void)v6;
    questions++;
    memcpy(address, here, sizeof here);
    return nameserver;
}

static void a_name_that_is_not_known_or_not_answered_is_asked_again(void **state)
{
    (void)state;
    rig_cloud_identity("ecdsa");
    nameserver = HOST_DNS_UNKNOWN;
    rig_power_on("an385");
    host_dns_answer(on_question, NULL);
    rig_await("iot: lost DNS_UNKNOWN");
    nameserver = HOST_DNS_SILENCE;
    questions = 0;
    RIG_UNTIL(questions > 0);
    rig_await("iot: lost DNS_");
    assert_int_equal(rig_count("iot: connected"), 0);
    nameserver = HOST_DNS_ADDRESS;
    rig_await("iot: connected");
    rig_await("iot: reading 3 done");
    rig_readings_check(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(a_platform_that_was_killed_is_found_again),
        CLOUD_TEST(a_cable_that_was_pulled_is_noticed_and_plugged_in_again),
        CLOUD_TEST(a_cable_with_a_loose_contact_is_never_taken_for_pulled),
        CLOUD_TEST(a_board_that_boots_without_a_cable_connects_when_it_is_plugged_in),
        CLOUD_TEST(a_cable_that_loses_frames_is_slow_and_loses_no_reading),
        CLOUD_TEST(a_burst_of_more_frames_than_there_is_room_for_arrives_in_the_end),
        CLOUD_TEST(a_name_that_is_not_known_or_not_answered_is_asked_again),
    };
    return cmocka_run_group_tests_name("firmware_link", tests, rig_cloud_group_setup,
                                       rig_cloud_group_teardown);
}
