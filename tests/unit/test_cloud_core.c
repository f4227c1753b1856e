/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_fake.h"

#define SYS "/sys/" PK "/dev001/"
#define OWN "/" PK "/dev001/"

static struct cloud_verdict verdict;

/* ---- one connection, silence, flow control */

static void a_second_login_kicks_the_first(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    cloud_fake_no_output();
    cloud_fake_connect(2, "dev001", 1);
    cloud_fake_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    cloud_fake_no_output();
    assert_contains(cloud_log, "kicked " PK " dev001: by a second login");
    cloud_gone(&cloud, 1); /* the end of the old one is not the end of the new one */
    assert_true(cloud_may_publish(&cloud, 2, OWN "update", 1, 2));
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", 1, 2));
    cloud_fake_connect(3, "dev002", 3);
    cloud_fake_no_output();
}

static void a_refused_second_login_leaves_the_first_alone(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    struct cloud_login login = cloud_fake_login(2, "dev001");
    login.password = "00";
    cloud_fake_refused(&login, 4, "signature wrong");
    cloud_fake_no_output();
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 2));
}

static void silence_ends_five_seconds_after_the_keepalive(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 1000);
    cloud_tick(&cloud, 66000);
    cloud_fake_no_output();
    cloud_heard(&cloud, 1, 66000);
    cloud_tick(&cloud, 131000);
    cloud_fake_no_output();
    cloud_tick(&cloud, 131001);
    cloud_fake_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    assert_contains(cloud_log, "silent for longer than its keep-alive and 5 s");
    cloud_tick(&cloud, 200000);
    cloud_fake_no_output();
}

static void silence_is_not_judged_without_keepalive_or_by_a_front_that_sees_it_not(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.keepalive_s = 0;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud_tick(&cloud, 10000000);
    cloud_fake_no_output();
    cloud.config.sees_silence = false;
    cloud_fake_connect(2, "dev002", 0);
    cloud_tick(&cloud, 10000000);
    cloud_fake_no_output();
}

static void too_many_connects_are_closed_without_an_answer_for_a_while(void **state)
{
    (void)state;
    cloud_fake_start("option connect-rate 2\noption flow-wait-s 100\n");
    struct cloud_login login = cloud_fake_login(1, "dev001");
    assert_int_equal(cloud_fake_judge(&login, 1000).answer, CLOUD_ACCEPT);
    assert_int_equal(cloud_fake_judge(&login, 2000).answer, CLOUD_ACCEPT);
    assert_int_equal(cloud_fake_judge(&login, 3000).answer, CLOUD_CLOSE);
    assert_contains(cloud_log, "dev001 closed: flow control: more than 2 connections in a minute; "
                               "for 100 s more");
    assert_int_equal(cloud_fake_judge(&login, 102999).answer, CLOUD_CLOSE);
    assert_int_equal(cloud_fake_judge(&login, 103000).answer, CLOUD_ACCEPT);
    cloud_fake_connect(2, "dev002", 3000); /* another device is not concerned */

    cloud_fake_start("");
    for (uint64_t i = 0; i < 1000; i++)
        cloud_fake_connect(1, "dev001", i);
}

static void flow_control_by_command_shuts_out_and_lets_in(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    cloud_set_flow(&cloud, cloud_fake_device("dev001"), true);
    cloud_fake_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    struct cloud_login login = cloud_fake_login(2, "dev001");
    assert_int_equal(cloud_fake_judge(&login, 1).answer, CLOUD_CLOSE);
    cloud_set_flow(&cloud, cloud_fake_device("dev001"), false);
    assert_int_equal(cloud_fake_judge(&login, 2).answer, CLOUD_ACCEPT);
}

/* ---- messages */

static void subscriptions_are_checked_and_counted(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_subscribe(&cloud, 1, OWN "user/get", 0));
    assert_true(cloud_subscribe(&cloud, 1, SYS "#", 1000));
    assert_false(cloud_subscribe(&cloud, 1, "/" PK "/dev002/user/get", 0));
    assert_contains(cloud_log,
                    "subscribe " PK " dev001 /" PK "/dev002/user/get refused: the topic is "
                    "not in the device's own name space");
    assert_false(cloud_subscribe(&cloud, 9, OWN "user/get", 0));
    cloud.book.rules.subscriptions = 100;
    assert_true(cloud_subscribe(&cloud, 1, OWN "user/get", 99));
    assert_false(cloud_subscribe(&cloud, 1, OWN "user/get", 100));
    assert_contains(cloud_log, "it has 100 subscriptions already");
}

static void publishes_are_dropped_with_a_reason(void **state)
{
    char topic[160];
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", CLOUD_PAYLOAD_MAX, 0));
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", CLOUD_PAYLOAD_MAX + 1, 0));
    assert_contains(cloud_log, "publish " PK " dev001 " OWN
                               "update dropped: the payload is longer than 262144 bytes");
    assert_false(cloud_may_publish(&cloud, 1, OWN "get", 1, 0));
    assert_contains(cloud_log, OWN "get dropped: its product gives no permission to publish it");
    memset(topic, 'x', sizeof topic);
    topic[CLOUD_TOPIC_MAX + 1] = 0;
    assert_false(cloud_may_publish(&cloud, 1, topic, 1, 0));
    assert_contains(cloud_log, "dropped: the topic is longer than 128 bytes");
    assert_false(cloud_may_publish(&cloud, 2, OWN "update", 1, 0));
}

static void publishes_and_deliveries_have_a_rate_when_an_option_says(void **state)
{
    (void)state;
    cloud_fake_start("option publish-rate 2\noption deliver-rate 1\n");
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 5000));
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 5999));
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", 1, 5999));
    assert_contains(cloud_log, "dropped: more than 2 messages in a second");
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 6000));
    assert_true(cloud_may_deliver(&cloud, 1, OWN "get", 5000));
    assert_false(cloud_may_deliver(&cloud, 1, OWN "get", 5999));
    assert_true(cloud_may_deliver(&cloud, 1, OWN "get", 6000));

    cloud_fake_start("");
    cloud_fake_connect(1, "dev001", 0);
    for (int i = 0; i < 1000; i++)
        assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 0));
}

static void the_platform_takes_what_is_for_it_and_passes_custom_topics_on(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_int_equal(cloud_publish(&cloud, 1, SYS "thing/event/property/post", "{}", 2, 0),
                     CLOUD_TAKEN);
    assert_int_equal(cloud_publish(&cloud, 1, OWN "user/both", "{}", 2, 0), CLOUD_PASS);
    assert_int_equal(cloud_publish(&cloud, 1, "/x", "{}", 2, 0), CLOUD_DROP);
    assert_int_equal(cloud_publish(&cloud, 2, OWN "user/both", "{}", 2, 0), CLOUD_DROP);
}

static void the_log_shows_as_much_of_a_message_as_an_option_says(void **state)
{
    (void)state;
    cloud_fake_start("option log-payload 4\n");
    cloud_fake_connect(1, "dev001", 0);
    cloud_publish(&cloud, 1, OWN "user/both", "ab", 2, 0);
    assert_contains(cloud_log, "user/both: 2 bytes: ab\n");
    cloud_publish(&cloud, 1, OWN "user/both", "a\nbcd", 5, 0);
    assert_contains(cloud_log, "user/both: 5 bytes: a?bc\n");
    cloud_publish(&cloud, 1, OWN "user/both", NULL, 0, 0);
    assert_contains(cloud_log, "user/both: 0 bytes\n");
}

static void a_device_gets_only_its_own_messages(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_may_deliver(&cloud, 1, OWN "user/get", 0));
    assert_false(cloud_may_deliver(&cloud, 1, "/" PK "/dev002/user/get", 0));
    assert_false(cloud_may_deliver(&cloud, 1, "$SYS/broker/version", 0));
    assert_false(cloud_may_deliver(&cloud, 9, OWN "user/get", 0));
}

/* ---- the console */

static void a_disabled_device_is_told_cut_off_and_refused_until_enabled(void **state)
{
    (void)state;
    int device = cloud_fake_device("dev001");
    cloud_fake_connect(1, "dev001", 0);
    cloud_set_state(&cloud, device, CLOUD_DISABLED, 1000);
    cloud_fake_output(
        CLOUD_OUT_PUBLISH, 1, SYS "thing/disable",
        "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.disable\"}");
    cloud_fake_no_output();
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", 1, 1001));
    assert_true(cloud_may_publish(&cloud, 1, SYS "thing/disable_reply", 1, 1001));
    cloud_tick(&cloud, 1000 + CLOUD_LAST_WORD_MS - 1);
    cloud_fake_no_output();
    cloud_tick(&cloud, 1000 + CLOUD_LAST_WORD_MS);
    cloud_fake_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    assert_contains(cloud_log, "kicked " PK " dev001: it is disabled");
    struct cloud_login login = cloud_fake_login(2, "dev001");
    cloud_fake_refused(&login, 4, "device " PK " dev001 is disabled");
    cloud_set_state(&cloud, device, CLOUD_ENABLED, 2000);
    cloud_fake_no_output(); /* it is offline */
    cloud_fake_connect(3, "dev001", 3000);
}

static void enabled_in_time_it_stays(void **state)
{
    (void)state;
    int device = cloud_fake_device("dev001");
    cloud_fake_connect(1, "dev001", 0);
    cloud_set_state(&cloud, device, CLOUD_DISABLED, 1000);
    cloud_set_state(&cloud, device, CLOUD_ENABLED, 1001);
    cloud_fake_output(CLOUD_OUT_PUBLISH, 1, NULL, NULL);
    cloud_fake_output(
        CLOUD_OUT_PUBLISH, 1, SYS "thing/enable",
        "{\"id\":\"2\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.enable\"}");
    cloud_tick(&cloud, 5000);
    cloud_fake_no_output();
}

static void a_deleted_device_is_told_and_does_not_come_back(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.client_id = PK ".dev001|securemode=2,signmethod=hmacsha256,_ss=1|";
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud_set_state(&cloud, cloud_fake_device("dev001"), CLOUD_DELETED, 1000);
    /* it asked for system topics without SUBSCRIBE */
    cloud_fake_output(
        CLOUD_OUT_DIRECT, 1, SYS "thing/delete",
        "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.delete\"}");
    cloud_tick(&cloud, 2000);
    cloud_fake_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    cloud_fake_refused(&login, 4, "is deleted");
}

static void a_message_goes_to_a_topic_that_its_device_may_subscribe(void **state)
{
    const char *why;
    int device = cloud_fake_device("dev001");
    (void)state;
    assert_false(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    assert_string_equal(why, "the device is offline, and the platform keeps no messages");
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    cloud_fake_output(CLOUD_OUT_PUBLISH, 1, OWN "user/get", "hi");
    assert_true(cloud_send(&cloud, device, "/ext/rrpc/5/x", "", 0, &why));
    cloud_fake_output(CLOUD_OUT_DIRECT, 1, "/ext/rrpc/5/x", "");
    assert_false(cloud_send(&cloud, device, OWN "user/update", "hi", 2, &why));
    assert_string_equal(why, "its product gives no permission to subscribe it");
    assert_false(cloud_send(&cloud, device, OWN "user/#", "hi", 2, &why));
    assert_false(cloud_send(&cloud, device, "/" PK "/dev002/user/get", "hi", 2, &why));
    cloud_fake_no_output();
}

static void outputs_have_an_end_and_nothing_breaks_there(void **state)
{
    const char *why;
    int device = cloud_fake_device("dev001");
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    for (int i = 0; i < CLOUD_OUTPUTS_MAX; i++)
        assert_true(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    assert_false(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    assert_string_equal(why, "too many messages wait to be sent");
    for (int i = 0; i < CLOUD_OUTPUTS_MAX; i++)
        cloud_fake_output(CLOUD_OUT_PUBLISH, 1, OWN "user/get", "hi");
    cloud_fake_no_output();
    assert_true(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
}

static void a_log_line_is_one_line_whatever_comes_from_outside(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.user_name = "a\nlogin b accepted";
    verdict = cloud_fake_judge(&login, 0);
    assert_contains(cloud_log, "login 'a?login b accepted' refused (4)");
}

#define TEST(name) cmocka_unit_test_setup(name, cloud_fake_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_login_kicks_the_first),
        TEST(a_refused_second_login_leaves_the_first_alone),
        TEST(silence_ends_five_seconds_after_the_keepalive),
        TEST(silence_is_not_judged_without_keepalive_or_by_a_front_that_sees_it_not),
        TEST(too_many_connects_are_closed_without_an_answer_for_a_while),
        TEST(flow_control_by_command_shuts_out_and_lets_in),
        TEST(subscriptions_are_checked_and_counted),
        TEST(publishes_are_dropped_with_a_reason),
        TEST(publishes_and_deliveries_have_a_rate_when_an_option_says),
        TEST(the_platform_takes_what_is_for_it_and_passes_custom_topics_on),
        TEST(the_log_shows_as_much_of_a_message_as_an_option_says),
        TEST(a_device_gets_only_its_own_messages),
        TEST(a_disabled_device_is_told_cut_off_and_refused_until_enabled),
        TEST(enabled_in_time_it_stays),
        TEST(a_deleted_device_is_told_and_does_not_come_back),
        TEST(a_message_goes_to_a_topic_that_its_device_may_subscribe),
        TEST(outputs_have_an_end_and_nothing_breaks_there),
        TEST(a_log_line_is_one_line_whatever_comes_from_outside),
    };
    return cmocka_run_group_tests_name("cloud core", tests, NULL, NULL);
}
