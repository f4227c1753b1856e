/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_fake.h"

#include "cloud/cloud_command.h"

static char answer[16384];

static const char *command(const char *line)
{
    char copy[256];

    snprintf(copy, sizeof copy, "%s", line);
    cloud_command(&cloud, copy, answer, sizeof answer, 1000);
    return answer;
}

static void list_shows_each_device_with_state_and_way(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    cloud_set_flow(&cloud, cloud_fake_device("dev002"), true);
    command("list");
    assert_int_equal(strncmp(answer, "ok\n", 3), 0);
    assert_contains(answer, PK "  dev001           enabled  online, tls\n");
    assert_contains(answer, PK "  off001           disabled offline\n");
    assert_contains(answer, PK "  dev002           enabled  offline, flow control\n");
    assert_null(strstr(answer, DS));
}

static void the_buttons_of_the_console_are_commands(void **state)
{
    (void)state;
    assert_string_equal(command("kick " PK " dev001"), "error: the device is offline\n");
    cloud_fake_connect(1, "dev001", 0);
    assert_string_equal(command("kick " PK " dev001"), "ok\nkicked " PK " dev001\n");
    assert_int_equal(cloud_next(&cloud)->kind, CLOUD_OUT_KICK);
    assert_string_equal(command("disable " PK " dev001"), "ok\ndisabled " PK " dev001\n");
    assert_int_equal(cloud.book.devices[cloud_fake_device("dev001")].state, CLOUD_DISABLED);
    assert_string_equal(command("enable " PK " dev001"), "ok\nenabled " PK " dev001\n");
    assert_int_equal(cloud.book.devices[cloud_fake_device("dev001")].state, CLOUD_ENABLED);
    assert_string_equal(command("delete " PK " dev001"), "ok\ndeleted " PK " dev001\n");
    assert_string_equal(command("enable " PK " dev001"),
                        "error: a deleted device does not come back\n");
    assert_string_equal(command("flow " PK " dev002 on"),
                        "ok\nflow control on for " PK " dev002\n");
    assert_true(cloud.sessions[cloud_fake_device("dev002")].flow);
    assert_string_equal(command("flow " PK " dev002 off"),
                        "ok\nflow control off for " PK " dev002\n");
    assert_false(cloud.sessions[cloud_fake_device("dev002")].flow);
    assert_string_equal(command("option publish-rate 5"), "ok\noption publish-rate is 5\n");
    assert_int_equal(cloud.book.rules.publish_rate, 5);
}

static void publish_sends_the_rest_of_the_line_as_it_is(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_string_equal(command("publish " PK " dev001 /" PK "/dev001/user/get {\"a\": 1}  x "),
                        "ok\n");
    assert_string_equal(cloud_next(&cloud)->payload, "{\"a\": 1}  x ");
    assert_string_equal(command("publish " PK " dev001 /" PK "/dev001/user/get"), "ok\n");
    assert_string_equal(cloud_next(&cloud)->payload, "");
}

static void what_cannot_be_done_is_said_in_words(void **state)
{
    (void)state;
    assert_contains(command(""), "error: commands are log, list, disable");
    assert_contains(command("fly"), "error: commands are log, list, disable");
    assert_string_equal(command("disable"),
                        "error: which device? give its product key and its name\n");
    assert_string_equal(command("disable " PK),
                        "error: which device? give its product key and its name\n");
    assert_string_equal(command("disable " PK " dev009"), "error: no device " PK " dev009\n");
    assert_string_equal(command("publish " PK " dev001"), "error: which topic?\n");
    assert_contains(command("publish " PK " dev001 /x hi"), "error: the topic is not");
    assert_string_equal(command("flow " PK " dev001 maybe"), "error: on or off?\n");
    assert_contains(command("option speed 1"), "error: no option 'speed'");
}

#define TEST(name) cmocka_unit_test_setup(name, cloud_fake_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(list_shows_each_device_with_state_and_way),
        TEST(the_buttons_of_the_console_are_commands),
        TEST(publish_sends_the_rest_of_the_line_as_it_is),
        TEST(what_cannot_be_done_is_said_in_words),
    };
    return cmocka_run_group_tests_name("cloud command", tests, NULL, NULL);
}
