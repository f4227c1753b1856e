/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

static void option(const char *name, const char *value)
{
    char why[256];
    if (!cloud_book_option(&cloud.book.rules, name, value, why, sizeof why))
        fail_msg("%s", why);
}

/* A request whose answer is not looked at here. */
static void ask(const char *id)
{
    char message[128];
    snprintf(message, sizeof message,
             "{\"id\":\"%s\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.reset\"}", id);
    cloud_publish(&cloud, 1, SYS "thing/reset", message, strlen(message), lamp_now);
}

static void assert_answer(const char *id)
{
    char words[32];
    if (lamp_next() == NULL)
        fail_msg("no answer to %s", id);
    snprintf(words, sizeof words, "\"id\":\"%s\"", id);
    assert_contains(lamp_said, words);
}

static void answers_are_held_back_and_come_in_order(void **state)
{
    (void)state;
    option("reply-delay-ms", "300");
    ask("1");
    ask("2");
    assert_null(lamp_next());
    assert_int_equal(cloud_due(&cloud), 1300);
    lamp_now = 1100;
    option("reply-delay-ms", "100");
    ask("3");
    assert_int_equal(cloud_due(&cloud), 1200);
    cloud_tick(&cloud, 1199);
    assert_null(lamp_next());
    cloud_tick(&cloud, 1200);
    assert_answer("3");
    assert_null(lamp_next());
    cloud_tick(&cloud, 1300);
    assert_answer("1");
    assert_answer("2");
    assert_null(lamp_next());
    assert_true(cloud_due(&cloud) == UINT64_MAX);
}

static void an_answer_that_is_held_back_is_not_for_the_next_connection(void **state)
{
    (void)state;
    option("reply-delay-ms", "300");
    ask("1");
    cloud_gone(&cloud, 1);
    cloud_fake_connect(1, "dev002", 1000);
    cloud_fake_connect(2, "dev001", 1000);
    cloud_tick(&cloud, 2000);
    assert_null(cloud_next(&cloud));
}

static void more_than_a_limit_cannot_wait(void **state)
{
    (void)state;
    option("reply-delay-ms", "300");
    for (int i = 0; i <= CLOUD_LATER_MAX; i++) {
        assert_null(strstr(cloud_log, "answer lost"));
        cloud_log[0] = 0;
        ask("1");
    }
    assert_contains(cloud_log, "answer lost: more than 128 wait for their time");
    /* and what is due does not overrun the outputs */
    cloud_tick(&cloud, 2000);
    int count = 0;
    while (lamp_next() != NULL)
        count++;
    assert_int_equal(count, CLOUD_OUTPUTS_MAX);
    cloud_tick(&cloud, 2000);
    while (lamp_next() != NULL)
        count++;
    assert_int_equal(count, CLOUD_LATER_MAX);
}

static void each_nth_answer_is_lost_or_comes_twice(void **state)
{
    (void)state;
    option("reply-drop", "3");
    ask("1");
    ask("2");
    ask("3");
    ask("4");
    assert_answer("1");
    assert_answer("2");
    assert_answer("4");
    assert_null(lamp_next());
    assert_contains(cloud_log,
                    "answer to " PK " dev001 " SYS "thing/reset_reply dropped by an option");
    option("reply-drop", "0");
    option("reply-double", "1");
    ask("5");
    assert_answer("5");
    assert_answer("5");
    assert_null(lamp_next());
}

static void outputs_have_a_limit_and_the_log_says_it(void **state)
{
    (void)state;
    for (int i = 0; i <= CLOUD_OUTPUTS_MAX; i++)
        ask("1");
    assert_contains(cloud_log, "output lost: more than 64 at once");
    int count = 0;
    while (lamp_next() != NULL)
        count++;
    assert_int_equal(count, CLOUD_OUTPUTS_MAX);
}

static void a_path_is_what_follows_the_own_names(void **state)
{
    int dev = cloud_fake_device("dev001");
    (void)state;
    assert_string_equal(cloud_own_path(&cloud, dev, SYS "a/b", "/sys/"), "a/b");
    assert_string_equal(
        cloud_own_path(&cloud, dev, "/shadow/update/" PK "/dev001", "/shadow/update/"), "");
    assert_null(cloud_own_path(&cloud, dev, "/sys/" PK "/dev0011/a", "/sys/"));
    assert_null(cloud_own_path(&cloud, dev, "/sys/" PK "/dev002/a", "/sys/"));
    assert_null(cloud_own_path(&cloud, dev, "/ext/" PK "/dev001/a", "/sys/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(answers_are_held_back_and_come_in_order),
        LAMP_TEST(an_answer_that_is_held_back_is_not_for_the_next_connection),
        LAMP_TEST(more_than_a_limit_cannot_wait),
        LAMP_TEST(each_nth_answer_is_lost_or_comes_twice),
        LAMP_TEST(outputs_have_a_limit_and_the_log_says_it),
        LAMP_TEST(a_path_is_what_follows_the_own_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
