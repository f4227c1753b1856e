/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that concern what a device is and does, as lines. */
#include "cloud_lamp.h"

#include "cloud/cloud_command.h"

#define ONE PK " dev001 "

static char answer[CLOUD_REPLY_MAX];
static uint32_t ticket;

static const char *command(const char *line)
{
    static char copy[CLOUD_LINE_MAX];

    snprintf(copy, sizeof copy, "%s", line);
    ticket = cloud_command(&cloud, copy, answer, sizeof answer, lamp_now);
    return answer;
}

/* One that has to wait: there is no answer yet. */
static void ask(const char *line)
{
    command(line);
    if (ticket == 0)
        fail_msg("%s: %s", line, answer);
    assert_false(cloud_command_answer(&cloud, ticket, answer, sizeof answer));
    assert_non_null(lamp_next());
}

static void reply(const char *topic, const char *message)
{
    assert_null(lamp_say(topic, message, strlen(message)));
    assert_true(cloud_command_answer(&cloud, ticket, answer, sizeof answer));
}

static void assert_error(const char *line, const char *words)
{
    command(line);
    assert_int_equal(ticket, 0);
    assert_int_equal(strncmp(answer, "error: ", 7), 0);
    assert_contains(answer, words);
    assert_null(lamp_next());
}

static void set_waits_for_the_device(void **state)
{
    (void)state;
    ask("set " ONE "{\"LightSwitch\": 0, \"Name\": \"two words\"}");
    assert_contains(lamp_said, "\"params\":{\"LightSwitch\":0,\"Name\":\"two words\"}");
    reply(SYS "thing/service/property/set_reply", "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_string_equal(answer, "ok\n{\"id\":\"1\",\"code\":200,\"data\":{}}\n");
    ask("set " ONE "{\"LightSwitch\":0}");
    reply(SYS "thing/service/property/set_reply", "{\"id\":\"2\",\"code\":6201,\"data\":{}}");
    assert_string_equal(answer,
                        "error: the device says {\"id\":\"2\",\"code\":6201,\"data\":{}}\n");
    ask("set " ONE "{\"LightSwitch\":0}");
    cloud_tick(&cloud, lamp_now + 8000);
    assert_true(cloud_command_answer(&cloud, ticket, answer, sizeof answer));
    assert_string_equal(answer, "error: no answer to id 3 within 8000 ms\n");
    ask("set " ONE "{\"LightSwitch\":0}");
    reply(SYS "thing/service/property/set_reply", "{\"id\":\"4\",\"data\":{}}");
    assert_string_equal(
        answer, "error: the answer is wrong: its code is no number: {\"id\":\"4\",\"data\":{}}\n");
}

static void set_may_go_as_a_call(void **state)
{
    (void)state;
    ask("set " ONE "{\"LightSwitch\":0} rrpc");
    assert_string_equal(lamp_topic, SYS "rrpc/request/1700000000000000001");
    assert_contains(lamp_said, "\"method\":\"thing.service.property.set\"");
    reply(SYS "rrpc/response/1700000000000000001", "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_int_equal(strncmp(answer, "ok\n", 3), 0);
    cloud.sessions[cloud_fake_device("dev001")].ext = 1;
    ask("set " ONE "{\"LightSwitch\":0} ext");
    assert_string_equal(lamp_topic,
                        "/ext/rrpc/1700000000000000002" SYS "thing/service/property/set");
    assert_error("set " ONE "rrpc", "not JSON");
}

static void set_is_checked_as_the_console_checks(void **state)
{
    (void)state;
    assert_error("set " ONE "{\"Temp\":1}", "property Temp is read-only");
    assert_error("set " ONE "{\"Foo\":1}", "6320: no property Foo");
    assert_error("set " ONE "{\"Brightness\":101}", "6306: Brightness is no int");
    assert_error("set " ONE "{\"Brightness\":null}", "6306");
    assert_error("set " ONE "{}", "which property?");
    assert_error("set " ONE "[]", "the values has to be an object");
    assert_error("set " ONE "x", "not JSON");
    assert_error("set " ONE, "not JSON: it is empty");
    assert_error("set " PK " dev009 {}", "no device " PK " dev009");
    assert_error("set " PK, "which device?");
    assert_error("set " PK " dev002 {\"Brightness\":1}", "offline");
    cloud_fake_start("");
    assert_error("set " ONE "{\"Brightness\":1}", "no model");
}

static void call_goes_the_way_that_the_model_or_the_caller_says(void **state)
{
    static const struct {
        const char *line, *topic;
    } rows[] = {
        {"call " ONE "Toggle", SYS "thing/service/Toggle"},
        {"call " ONE "Toggle {}  ", SYS "thing/service/Toggle"},
        {"call " ONE "Toggle rrpc", SYS "rrpc/request/"},
        {"call " ONE "Toggle sync", SYS "rrpc/request/"},
        {"call " ONE "Toggle {} ext", "/ext/rrpc/1"},
        {"call " ONE "Measure", SYS "rrpc/request/"},
        {"call " ONE "Measure async ", SYS "thing/service/Measure"},
        {"call " ONE "Blink {\"Times\": 1, \"IntervalMs\": 50} async", SYS "thing/service/Blink"},
    };
    (void)state;
    cloud.sessions[cloud_fake_device("dev001")].ext = 1;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ask(rows[i].line);
        if (strncmp(lamp_topic, rows[i].topic, strlen(rows[i].topic)) != 0)
            fail_msg("%s: %s", rows[i].line, lamp_topic);
    }
    reply(SYS "thing/service/Blink_reply", "{\"id\":\"8\",\"code\":200,\"data\":{\"Done\":1}}");
    assert_contains(answer, "ok\n");
    assert_error("call " ONE "Dance", "6313: no service Dance");
    assert_error("call " ONE "set {}", "6313");
    assert_error("call " ONE "Blink", "6304: Times is missing");
    assert_error("call " ONE "Blink {\"Times\":11,\"IntervalMs\":50}", "6306");
    assert_error("call " ONE "Toggle {\"x\":1}", "6320");
    assert_error("call " ONE "Toggle later", "not JSON");
}

static void bytes_go_down_by_rrpc_and_raw(void **state)
{
    (void)state;
    assert_error("rrpc " ONE "hello", "ext=1");
    cloud.sessions[cloud_fake_device("dev001")].ext = 1;
    ask("rrpc " ONE "hello you");
    assert_string_equal(lamp_said, "hello you");
    assert_contains(lamp_topic, "/" PK "/dev001/user/get");
    char topic[160];
    snprintf(topic, sizeof topic, "%s", lamp_topic);
    reply(topic, "xy");
    assert_string_equal(answer, "ok\n7879\n");
    ask("rrpc " ONE "/a/b hex:00ff");
    assert_memory_equal(lamp_said, "\0\xff", 3);
    assert_contains(lamp_topic, "/a/b");
    assert_error("rrpc " ONE "hex:0", "no hexadecimal");
    assert_error("rrpc " ONE "hex:0g", "no hexadecimal");
    assert_error("raw " ONE "00", "its product is not raw");
    cloud.book.products[0].raw = true;
    assert_string_equal(command("raw " ONE "00fF"), "ok\n");
    assert_non_null(lamp_next());
    assert_string_equal(lamp_topic, SYS "thing/model/down_raw");
    assert_memory_equal(lamp_said, "\0\xff", 3);
    ask("raw " ONE "01 rrpc");
    assert_contains(lamp_topic, "/ext/rrpc/");
    assert_contains(lamp_topic, SYS "thing/model/down_raw");
    strcat(lamp_topic, "_reply");
    snprintf(topic, sizeof topic, "%s", lamp_topic);
    reply(topic, "\x02");
    assert_string_equal(answer, "ok\n02\n");
    assert_error("raw " ONE "0x", "no hexadecimal");
}

static void desired_values_are_stored_and_an_online_device_is_told(void **state)
{
    (void)state;
    assert_string_equal(command("desired " ONE "{\"Brightness\":5}"),
                        "ok\n{\"desired\":{\"Brightness\":{\"value\":5,\"version\":1}}}\n");
    assert_non_null(lamp_next());
    assert_string_equal(lamp_topic, SYS "thing/service/property/set");
    assert_contains(lamp_said, "\"params\":{\"Brightness\":5}");
    cloud_gone(&cloud, 1);
    assert_string_equal(command("desired " ONE "{\"Brightness\":6,\"Mode\":1}"),
                        "ok\n{\"desired\":{\"Brightness\":{\"value\":6,\"version\":2},\"Mode\":{"
                        "\"value\":1,\"version\":1}}}\n");
    assert_string_equal(command("desired " ONE "{\"Brightness\":null}"),
                        "ok\n{\"desired\":{\"Mode\":{\"value\":1,\"version\":1}}}\n");
    assert_null(lamp_next());
    assert_error("desired " ONE "{\"Temp\":1}", "read-only");
    assert_error("desired " ONE "{\"Temp\":null}", "read-only");
}

static void the_shadow_is_shown_and_changed(void **state)
{
    (void)state;
    assert_string_equal(command("shadow " ONE), "ok\n{}\n");
    command("shadow " ONE "{\"desired\":{\"color\":\"green\"}}");
    assert_contains(answer, "ok\n{\"state\":{\"desired\":{\"color\":\"green\"}");
    assert_contains(lamp_next(), "\"method\":\"control\"");
    assert_contains(command("shadow " ONE), "\"version\":1}");
    command("shadow " ONE "{\"desired\":null}");
    assert_contains(answer, "\"desired\":{}");
    assert_non_null(lamp_next());
    assert_error("shadow " ONE "{\"reported\":{}}", "it has to be");
    assert_error("shadow " ONE "x", "not JSON");
}

static void a_configuration_is_set_shown_and_pushed(void **state)
{
    (void)state;
    assert_string_equal(command("config " PK), "ok\n{}\n");
    assert_error("config push " ONE, "6710");
    assert_contains(command("config " PK " {\"rate\": 5}"), "\"configId\":\"cfg0001\"");
    assert_contains(command("config " PK), "\"content\":\"{\\\"rate\\\": 5}\"");
    ask("config push " ONE);
    assert_string_equal(lamp_topic, SYS "thing/config/push");
    assert_contains(lamp_said, "\"params\":{\"configId\":\"cfg0001\",\"configSize\":11,");
    reply(SYS "thing/config/push_reply", "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_int_equal(strncmp(answer, "ok\n", 3), 0);
    assert_contains(command("config " PK " md5 {}"), "\"signMethod\":\"Md5\"");
    assert_string_equal(command("config " PK " none"), "ok\n{}\n");
    assert_error("config " PK " {", "not JSON");
    assert_error("config a1Nothing", "no product a1Nothing");
}

static void notifications_are_sent(void **state)
{
    (void)state;
    assert_string_equal(command("log-mode " ONE "1"), "ok\nsent as id 1\n");
    assert_contains(lamp_next(), "\"params\":{\"getType\":\"content\",\"content\":{\"mode\":1}},"
                                 "\"method\":\"thing.config.log.push\"");
    assert_string_equal(lamp_known("logMode"), "1");
    assert_error("log-mode " ONE "2", "0 or 1?");
    ask("bootstrap " ONE);
    assert_string_equal(lamp_said, "{\"id\":\"2\",\"version\":\"1.0\",\"params\":{\"cmd\":0},"
                                   "\"method\":\"thing.bootstrap.notify\"}");
    reply(SYS "thing/bootstrap/notify_reply", "{\"id\":\"2\",\"code\":200,\"data\":{}}");
    assert_string_equal(command("error " ONE "6401 topo relation not exist"), "ok\n");
    assert_string_equal(
        lamp_next(),
        "{\"id\":\"3\",\"code\":6401,\"message\":\"topo relation not exist\",\"data\":{"
        "\"productKey\":\"" PK "\",\"deviceName\":\"dev001\"}}");
    assert_string_equal(lamp_topic, "/ext/error/" PK "/dev001");
    assert_error("error " ONE, "which code?");
    assert_error("error " ONE "5 \xff", "no UTF-8");
    cloud_gone(&cloud, 1);
    assert_contains(command("log-mode " ONE "0"), "stored; the device is offline");
    assert_error("error " ONE "5", "offline");
    assert_error("bootstrap " ONE, "offline");
}

static void what_is_known_is_shown_for_people_and_for_programs(void **state)
{
    (void)state;
    assert_code("thing/event/property/post", "{\"Brightness\":5}", 200, "");
    command("show " ONE);
    assert_contains(
        answer,
        "ok\n" PK
        " dev001 enabled, online\nproperty Brightness {\"value\":5,\"time\":1700000001000}\n"
        "exchange {\"time\":1700000001000,");
    command("show " PK " dev002");
    assert_contains(answer, PK " dev002 enabled, offline, never seen\n");
    command("--json show " ONE);
    assert_contains(answer, "ok\n{\"ok\":true,\"productKey\":\"" PK "\",");
    assert_contains(answer, "\"properties\":{\"Brightness\":{\"value\":5,");
    assert_contains(command("tsl " PK), "ok\n{\"schema\":");
    assert_error("tsl a1GateWay01", "no model");
    assert_error("tsl x", "no product x");
}

static void json_is_one_object_whatever_comes(void **state)
{
    (void)state;
    assert_string_equal(command("--json kick " ONE),
                        "ok\n{\"ok\":true,\"text\":\"kicked " PK " dev001\"}\n");
    assert_non_null(cloud_next(&cloud));
    assert_string_equal(command("--json kick " ONE),
                        "error: {\"ok\":false,\"error\":\"the device is offline\"}\n");
    assert_string_equal(command("--json option post-strict on"),
                        "ok\n{\"ok\":true,\"text\":\"option post-strict is on\"}\n");
    assert_contains(command("--json list"), "{\"ok\":true,\"devices\":[{\"productKey\":\"" PK
                                            "\",\"deviceName\":\"dev001\","
                                            "\"state\":\"enabled\",\"online\":false,");
    assert_contains(command("--json nonsense"), "error: {\"ok\":false,\"error\":\"commands are");
    lamp_start("");
    ask("--json set " ONE "{\"Brightness\":1}");
    lamp_now += 5;
    reply(SYS "thing/service/property/set_reply", "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_string_equal(answer, "ok\n{\"ok\":true,\"id\":\"1\",\"state\":\"answered\",\"ms\":5,"
                                "\"answer\":{\"id\":\"1\",\"code\":200,"
                                "\"data\":{}}}\n");
    ask("--json set " ONE "{\"Brightness\":1}");
    cloud_tick(&cloud, lamp_now + 8000);
    assert_true(cloud_command_answer(&cloud, ticket, answer, sizeof answer));
    assert_string_equal(answer,
                        "error: {\"ok\":false,\"id\":\"2\",\"state\":\"late\",\"error\":\"no "
                        "answer to id 2 within 8000 ms\"}\n");
}

static void a_request_is_looked_up_later(void **state)
{
    (void)state;
    ask("set " ONE "{\"Brightness\":1}");
    assert_string_equal(command("reply " ONE "1"), "ok\n{\"id\":\"1\",\"state\":\"waits\"}\n");
    assert_error("reply " ONE "2", "no such request");
    assert_error("reply " ONE "x", "no such request");
    assert_error("reply " PK " dev002 1", "no such request");
    ask("set " ONE "{\"Brightness\":1}");
    uint32_t first = ticket;
    for (int i = 0; i < CLOUD_CALLS_MAX; i++)
        ask("set " ONE "{\"Brightness\":1}");
    assert_true(cloud_command_answer(&cloud, first, answer, sizeof answer));
    assert_contains(answer, "error: the request is forgotten");
}

static void options_with_two_words_are_options(void **state)
{
    (void)state;
    assert_string_equal(command("option reply-code property/post 500"),
                        "ok\noption reply-code is property/post 500\n");
    assert_code("thing/event/property/post", "{\"Brightness\":5}", 500, "");
    assert_error("option reply-code property/post", "it has to be");
    assert_error("option post-strict 1", "post-strict is on or off");
    assert_string_equal(command("option retain off"), "ok\noption retain is off\n");
    assert_true(cloud.book.rules.no_retain);
    assert_false(cloud_may_retain(&cloud, 1, "/" PK "/dev001/user/update"));
    assert_contains(cloud_log, "dropped: it has RETAIN, which is off by an option");
    command("option retain on");
    assert_true(cloud_may_retain(&cloud, 1, "/" PK "/dev001/user/update"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(set_waits_for_the_device),
        LAMP_TEST(set_may_go_as_a_call),
        LAMP_TEST(set_is_checked_as_the_console_checks),
        LAMP_TEST(call_goes_the_way_that_the_model_or_the_caller_says),
        LAMP_TEST(bytes_go_down_by_rrpc_and_raw),
        LAMP_TEST(desired_values_are_stored_and_an_online_device_is_told),
        LAMP_TEST(the_shadow_is_shown_and_changed),
        LAMP_TEST(a_configuration_is_set_shown_and_pushed),
        LAMP_TEST(notifications_are_sent),
        LAMP_TEST(what_is_known_is_shown_for_people_and_for_programs),
        LAMP_TEST(json_is_one_object_whatever_comes),
        LAMP_TEST(a_request_is_looked_up_later),
        LAMP_TEST(options_with_two_words_are_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
