/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#define GET    "thing/property/desired/get"
#define DELETE "thing/property/desired/delete"

static void desire(const char *name, int value)
{
    json_t *v = json_integer(value);
    cloud_thing_desire(cloud_thing_of(&cloud, cloud_fake_device("dev001")), name, v);
    json_decref(v);
}

static void desired_values_are_told_with_their_version(void **state)
{
    (void)state;
    desire("LightSwitch", 0);
    desire("LightSwitch", 1);
    assert_string_equal(lamp_ask(GET, "{\"id\":\"9\",\"version\":\"1.0\",\"params\":["
                                      "\"LightSwitch\",\"Brightness\"],\"method\":"
                                      "\"thing.property.desired.get\"}"),
                        "{\"code\":200,\"data\":{\"LightSwitch\":{\"value\":1,\"version\":2}},"
                        "\"id\":\"9\",\"message\":\"success\","
                        "\"method\":\"thing.property.desired.get\",\"version\":\"1.0\"}");
    assert_code(GET, "[\"Brightness\"]", 200, "\"data\":{}");
    assert_code(GET, "[]", 6105, "");
    assert_code(GET, "[\"LightSwitch\",\"Foo\"]", 6320, "\"data\":{}");
    assert_code(GET, "[\"\"]", 6321, "");
    assert_code(GET, "[5]", 6305, "no text");
}

static void a_list_of_names_has_at_most_200(void **state)
{
    static char list[4096];
    (void)state;
    for (int count = 200; count <= 201; count++) {
        size_t at = (size_t)snprintf(list, sizeof list, "[\"Mode\"");
        for (int i = 1; i < count; i++)
            at += (size_t)snprintf(list + at, sizeof list - at, ",\"Mode\"");
        snprintf(list + at, sizeof list - at, "]");
        assert_code(GET, list, count == 200 ? 200 : 6104, "");
    }
}

static void desired_values_are_deleted_up_to_a_version(void **state)
{
    (void)state;
    desire("LightSwitch", 0);
    desire("LightSwitch", 1);
    desire("Mode", 1);
    assert_code(DELETE, "{\"Mode\":{},\"LightSwitch\":{\"version\":1}}", 6661, "version 2");
    assert_code(GET, "[\"Mode\"]", 200, "\"Mode\":{\"value\":1"); /* all or nothing */
    assert_code(DELETE, "{\"LightSwitch\":{\"version\":2},\"Brightness\":{}}", 200, "\"data\":{}");
    assert_code(GET, "[\"LightSwitch\"]", 200, "\"data\":{}");
    desire("LightSwitch", 1);
    assert_code(GET, "[\"LightSwitch\"]", 200, "\"version\":3"); /* versions go on */
    assert_code(DELETE, "{\"LightSwitch\":{}}", 200, "");
    assert_code(GET, "[\"LightSwitch\"]", 200, "\"data\":{}");
    assert_code(DELETE, "{}", 6107, "");
    assert_code(DELETE, "{\"Foo\":{}}", 6320, "");
    assert_code(DELETE, "{\"Mode\":1}", 6305, "");
    assert_code(DELETE, "{\"Mode\":{\"version\":\"1\"}}", 6303, "");
    assert_code(DELETE, "{\"Mode\":{\"version\":-1}}", 6303, "");
}

static void the_model_comes_whole_or_shortened(void **state)
{
    (void)state;
    const char *said = lamp_request("thing/dsltemplate/get", "{}");
    lamp_expect_code(said, 200, "\"data\":{\"schema\":\"https://iotx-tsl.");
    assert_true(strlen(said) > 4096);
    assert_code("thing/dynamicTsl/get",
                "{\"nodes\":[\"type\",\"identifier\"],\"addDefault\":false}", 200,
                "{\"properties\":[{\"type\":\"bool\",\"identifier\":\"LightSwitch\"},{\"type\":"
                "\"int\",\"identifier\":"
                "\"Brightness\"}");
    assert_contains(lamp_said, "\"events\":[{\"type\":\"error\",\"identifier\":\"Error\"}");
    assert_null(strstr(lamp_said, "\"post\""));
    assert_code("thing/dynamicTsl/get", "{\"nodes\":[\"identifier\"],\"addDefault\":true}", 200,
                "{\"identifier\":\"post\"}");
    assert_code("thing/dynamicTsl/get", "{}", 460, "");
    assert_code("thing/dynamicTsl/get", "{\"nodes\":[1]}", 460, "");
    assert_code("thing/dynamicTsl/get", "{\"nodes\":[\"type\"],\"addDefault\":0}", 460, "");
    cloud_fake_start("");
    cloud_fake_connect(1, "dev001", 0);
    assert_code("thing/dsltemplate/get", "{}", 6206, "");
    assert_code("thing/dynamicTsl/get", "{\"nodes\":[\"type\"]}", 6206, "");
    assert_code(GET, "[\"Mode\"]", 6206, "");
}

static void the_mode_of_the_log_is_told(void **state)
{
    (void)state;
    assert_string_equal(lamp_ask("thing/config/log/get",
                                 "{\"id\":\"18\",\"version\":\"1.0\",\"params\":{\"configScope\":"
                                 "\"device\",\"getType\":\"content\"},"
                                 "\"method\":\"thing.config.log.get\"}"),
                        "{\"code\":200,\"data\":{\"getType\":\"content\",\"content\":{\"mode\":0}},"
                        "\"id\":\"18\",\"message\":"
                        "\"success\",\"method\":\"thing.config.log.get\",\"version\":\"1.0\"}");
    assert_code("thing/config/log/get", "{\"configScope\":\"product\",\"getType\":\"content\"}",
                460, "");
    assert_code("thing/config/log/get", "{\"configScope\":\"device\"}", 460, "");
}

#define LINE(level, more)                                                                          \
    "{\"utcTime\":\"2021-01-02T03:04:05.678+0800\",\"logLevel\":\"" level                          \
    "\",\"module\":\"ModuleA\","                                                                   \
    "\"logContent\":\"text\"" more "}"

static void log_lines_are_checked_in_both_forms(void **state)
{
    (void)state;
    assert_code("thing/log/post",
                "[" LINE("ERROR", ",\"code\":\"1001\",\"traceContext\":\"tc-1\"") "]", 200, "");
    assert_contains(cloud_log, "log of " PK " dev001: 1 lines");
    assert_code("thing/log/post", "[" LINE("DEBUG", "") "," LINE("LOUD", "") "]", 460,
                "line 2: logLevel");
    assert_code("thing/log/post", "[" LINE("INFO", ",\"code\":7") "]", 460,
                "code and traceContext");
    assert_code("thing/log/post", "[{\"logLevel\":\"WARN\"}]", 460, "are texts, and needed");
    assert_code("thing/log/post", "[7]", 460, "");
    assert_code("thing/log/post", "[]", 6105, "");
    assert_code("thing/log/post",
                "{\"template\":\"traceContext logContent\",\"contents\":[\"1 sample 2\"]}", 200,
                "");
    assert_code("thing/log/post", "{\"template\":\"x\",\"contents\":[1]}", 460, "no text");
    assert_code("thing/log/post", "{\"contents\":[\"x\"]}", 460, "template");
    assert_code("thing/log/post", "\"x\"", 6305, "");
}

static void diagnosis_and_reset_are_taken(void **state)
{
    (void)state;
    assert_code("_thing/diag/post",
                "{\"model\":\"format=simple|quantity=single|time=now\",\"p\":{\"wifi\":{\"rssi\":-"
                "60},\"_time\":"
                "1700000000000}}",
                200, "\"method\":\"_thing.diag.post\"");
    assert_code("_thing/diag/post", "{\"p\":{}}", 460, "");
    assert_string_equal(lamp_known("reset"), "false");
    assert_code("thing/reset", "{}", 200, "\"data\":{}");
    assert_string_equal(lamp_known("reset"), "true");
    assert_contains(cloud_log, "reset of " PK " dev001: the bindings of its users are gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(desired_values_are_told_with_their_version),
        LAMP_TEST(a_list_of_names_has_at_most_200),
        LAMP_TEST(desired_values_are_deleted_up_to_a_version),
        LAMP_TEST(the_model_comes_whole_or_shortened),
        LAMP_TEST(the_mode_of_the_log_is_told),
        LAMP_TEST(log_lines_are_checked_in_both_forms),
        LAMP_TEST(diagnosis_and_reset_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
