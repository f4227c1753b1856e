/* SPDX-License-Identifier: Apache-2.0 */
/* Keep-alive and what the broker owes us, by the clock alone. The same through packets:
 * test_mqtt_session.c. */
#include "test.h"

#include "mqtt/iot_mqtt_watch.h"

#include <string.h>

static struct iot_options opt;
static struct iot_mqtt_watch w;

static int setup(void **state)
{
    (void)state;
    memset(&opt, 0, sizeof opt);
    opt.keepalive_s = 100;
    opt.connack_timeout_ms = 3000;
    opt.ping_timeout_ms = 5000;
    opt.ack_timeout_ms = 7000;
    iot_mqtt_watch_init(&w, &opt);
    return 0;
}

static void up(iot_time now)
{
    iot_mqtt_watch_connect(&w, now);
    iot_mqtt_watch_up(&w);
}

static void nothing_is_expected_before_connect_and_after_off(void **state)
{
    (void)state;
    assert_int_equal(iot_mqtt_watch_deadline(&w), IOT_TIME_NEVER);
    up(1000);
    iot_mqtt_watch_await(&w, 1000);
    iot_mqtt_watch_off(&w);
    assert_int_equal(iot_mqtt_watch_deadline(&w), IOT_TIME_NEVER);
    assert_int_equal(iot_mqtt_watch_expire(&w, 1u << 30, true), IOT_OK);
    assert_false(w.want_ping);
    iot_mqtt_watch_probe(&w);
    assert_false(w.want_ping);
}

static void connack_has_its_time_and_not_a_millisecond_more(void **state)
{
    (void)state;
    iot_mqtt_watch_connect(&w, 1000);
    assert_int_equal(iot_mqtt_watch_deadline(&w), 4000);
    assert_int_equal(iot_mqtt_watch_expire(&w, 3999, true), IOT_OK);
    assert_int_equal(iot_mqtt_watch_expire(&w, 4000, true), IOT_ERR_MQTT_CONNACK_TIMEOUT);
}

static void a_ping_is_due_at_three_quarters_and_its_answer_in_time(void **state)
{
    (void)state;
    up(1000);
    assert_int_equal(iot_mqtt_watch_deadline(&w), 76000);
    assert_int_equal(iot_mqtt_watch_expire(&w, 75999, true), IOT_OK);
    assert_false(w.want_ping);
    assert_int_equal(iot_mqtt_watch_expire(&w, 76000, true), IOT_OK);
    assert_true(w.want_ping);
    iot_mqtt_watch_pinged(&w, 76000);
    w.last_sent = 76000;
    assert_int_equal(iot_mqtt_watch_deadline(&w), 81000);
    assert_int_equal(iot_mqtt_watch_expire(&w, 81000, false), IOT_OK); /* unread bytes wait */
    assert_int_equal(iot_mqtt_watch_expire(&w, 81000, true), IOT_ERR_MQTT_PING_TIMEOUT);
    iot_mqtt_watch_ponged(&w);
    assert_int_equal(iot_mqtt_watch_expire(&w, 81000, true), IOT_OK);
}

static void any_acknowledgement_gives_the_others_their_full_time(void **state)
{
    (void)state;
    opt.keepalive_s = 0;
    up(1000);
    assert_int_equal(iot_mqtt_watch_deadline(&w), IOT_TIME_NEVER);
    iot_mqtt_watch_await(&w, 1000);
    iot_mqtt_watch_await(&w, 5000); /* the first one counts */
    assert_int_equal(iot_mqtt_watch_deadline(&w), 8000);
    iot_mqtt_watch_got(&w, 7000);
    assert_int_equal(iot_mqtt_watch_deadline(&w), 14000);
    assert_int_equal(iot_mqtt_watch_expire(&w, 14000, true), IOT_ERR_MQTT_ACK_TIMEOUT);
    iot_mqtt_watch_forget(&w, 1);
    assert_int_equal(iot_mqtt_watch_expire(&w, 14000, true), IOT_OK);
    iot_mqtt_watch_got(&w, 14000); /* one too many is harmless */
    assert_int_equal(w.awaited, 0);
}

static void a_pause_suspends_verdicts_and_its_end_starts_them_anew(void **state)
{
    (void)state;
    up(1000);
    iot_mqtt_watch_await(&w, 1000);
    iot_mqtt_watch_pinged(&w, 1000);
    iot_mqtt_watch_pause(&w, true, 2000);
    assert_int_equal(iot_mqtt_watch_deadline(&w), 76000); /* pings go on */
    assert_int_equal(iot_mqtt_watch_expire(&w, 50000, true), IOT_OK);
    iot_mqtt_watch_pause(&w, false, 50000);
    assert_int_equal(iot_mqtt_watch_deadline(&w), 55000);
    iot_mqtt_watch_ponged(&w);
    assert_int_equal(iot_mqtt_watch_deadline(&w), 57000);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_expected_before_connect_and_after_off),
        CASE(connack_has_its_time_and_not_a_millisecond_more),
        CASE(a_ping_is_due_at_three_quarters_and_its_answer_in_time),
        CASE(any_acknowledgement_gives_the_others_their_full_time),
        CASE(a_pause_suspends_verdicts_and_its_end_starts_them_anew),
    };
    return cmocka_run_group_tests_name("mqtt_watch", tests, NULL, NULL);
}
