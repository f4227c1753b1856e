/* SPDX-License-Identifier: Apache-2.0 */
/* The shadow: messages up, byte for byte; which reply belongs to which request; versions; what an application desires. */
#include "alink_device.h"

#define UP       "1 /shadow/update/" OURS " "
#define TOKEN(n) ",\"clientToken\":\"a1B2c3D4e5F.dev001-" n "\"}\n"
#define DOWN     "/shadow/get/" OURS

static const struct iot_port port = {.random = even_bytes};
static struct iot_shadow shadow;
static iot_ticket ticket;

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    memset(&shadow, 0, sizeof shadow);
    assert_err(iot_shadow_attach(&dev, &shadow, NULL), IOT_OK);
    assert_published("SUBSCRIBE 1 /shadow/get/" OURS "\n");
    heard();
    return 0;
}

static void updates_carry_a_version_and_a_token(void **state)
{
    (void)state;

    assert_err(
        iot_shadow_update(&dev, BYTES("{\"color\":\"red\",\"temp\":21}"), IOT_SHADOW_NEXT, &ticket),
        IOT_OK);
    assert_published(UP "{\"method\":\"update\",\"state\":{\"reported\":{\"color\":\"red\","
                        "\"temp\":21}},\"version\":1" TOKEN("2"));
    assert_int_equal(ticket, 2);
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\",\"version\":1},"
               "\"timestamp\":1700000000,"
               "\"clientToken\":\"a1B2c3D4e5F.dev001-2\"}");
    assert_told("REPLY 2 OK 200 {\"status\":\"success\",\"version\":1}\n");
    assert_int_equal(shadow.version, 1);
    assert_err(iot_shadow_update(&dev, BYTES("{}"), IOT_SHADOW_NEXT, NULL), IOT_OK);
    assert_published(UP
                     "{\"method\":\"update\",\"state\":{\"reported\":{}},\"version\":2" TOKEN("3"));
    assert_err(iot_shadow_update(&dev, BYTES("{}"), IOT_SHADOW_RESET, NULL), IOT_OK);
    assert_published(
        UP "{\"method\":\"update\",\"state\":{\"reported\":{}},\"version\":-1" TOKEN("4"));
    assert_err(iot_shadow_update(&dev, BYTES("{}"), 9223372036854775807, NULL), IOT_OK);
    assert_published(
        UP
        "{\"method\":\"update\",\"state\":{\"reported\":{}},\"version\":9223372036854775807" TOKEN(
            "5"));
}

static void values_are_written_for_the_caller(void **state)
{
    const struct iot_shadow_value values[] = {{"color", "r\"d", 0}, {"temp", NULL, -21}};
    struct iot_writer w;
    (void)state;

    assert_err(iot_shadow_report(&dev, values, 2, 1, NULL), IOT_OK);
    assert_published(UP "{\"method\":\"update\",\"state\":{\"reported\":{\"color\":\"r\\\"d\","
                        "\"temp\":-21}},\"version\":1" TOKEN("2"));
    assert_err(iot_shadow_report(&dev, values, 0, 1, NULL), IOT_ERR_ARG);
    assert_err(iot_shadow_begin(&dev, 7, 20, &w), IOT_OK);
    iot_json_put(&w, "{\"x\":1}");
    assert_err(iot_shadow_commit(&w, NULL), IOT_OK);
    assert_published(
        UP "{\"method\":\"update\",\"state\":{\"reported\":{\"x\":1}},\"version\":7" TOKEN("3"));
    assert_err(iot_shadow_commit(&w, NULL), IOT_ERR_STATE);
}

static void get_delete_and_clear_are_as_the_platform_wants_them(void **state)
{
    (void)state;

    shadow.version = 1;
    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    assert_published(UP "{\"method\":\"get\"" TOKEN("2"));
    assert_err(iot_shadow_delete(&dev, "color", IOT_SHADOW_NEXT, NULL), IOT_OK);
    assert_published(
        UP
        "{\"method\":\"delete\",\"state\":{\"reported\":{\"color\":\"null\"}},\"version\":2" TOKEN(
            "3"));
    assert_err(iot_shadow_delete(&dev, NULL, 3, NULL), IOT_OK);
    assert_published(
        UP "{\"method\":\"delete\",\"state\":{\"reported\":\"null\"},\"version\":3" TOKEN("4"));
    assert_err(iot_shadow_clear_desired(&dev, BYTES("{\"color\":\"green\"}"), 4, NULL), IOT_OK);
    assert_published(UP "{\"method\":\"update\",\"state\":{\"reported\":{\"color\":\"green\"},"
                        "\"desired\":\"null\"},\"version\":4" TOKEN("5"));
    assert_err(iot_shadow_clear_desired(&dev, (struct iot_bytes){NULL, 0}, 5, NULL), IOT_OK);
    assert_published(
        UP "{\"method\":\"update\",\"state\":{\"desired\":\"null\"},\"version\":5" TOKEN("6"));
}

static void the_document_is_handed_on(void **state)
{
#define DOC                                                                                        \
    "{\"status\":\"success\",\"version\":4,\"state\":{\"reported\":{\"color\":\"red\"},"           \
    "\"desired\":{\"color\":\"green\"}},"                                                          \
    "\"metadata\":{\"reported\":{\"color\":{\"timestamp\":1700000000}}}}"
    struct iot_json root;
    struct iot_shadow_state s;
    (void)state;

    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    published();
    feed(DOWN, "{\"method\":\"reply\",\"timestamp\":1700000000,\"payload\":" DOC
               "}"); /* no token: the one that is open */
    assert_told("REPLY 2 OK 200 " DOC "\n");
    assert_int_equal(shadow.version, 4);
    assert_err(iot_json_check(BYTES(DOC), &root, NULL), IOT_OK);
    assert_err(iot_shadow_read(root, &s), IOT_OK);
    assert_bytes(((struct iot_bytes){s.reported.ptr, s.reported.len}),
                 BYTES("{\"color\":\"red\"}"));
    assert_bytes(((struct iot_bytes){s.desired.ptr, s.desired.len}),
                 BYTES("{\"color\":\"green\"}"));
    assert_int_equal(iot_json_count(s.metadata), 1);
    assert_err(iot_json_check(BYTES("{\"status\":\"success\"}"), &root, NULL), IOT_OK);
    assert_err(iot_shadow_read(root, &s), IOT_ERR_JSON_MISSING);
    assert_err(iot_json_check(BYTES("{\"state\":{}}"), &root, NULL), IOT_OK);
    assert_err(iot_shadow_read(root, &s), IOT_OK);
    assert_int_equal(iot_json_kind(s.desired), IOT_JSON_NONE);
}

static void a_conflict_is_told_by_its_code_and_the_document_mends_it(void **state)
{
    (void)state;

    assert_err(iot_shadow_update(&dev, BYTES("{\"a\":1}"), IOT_SHADOW_NEXT, NULL), IOT_OK);
    published();
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"error\",\"content\":{\"errorcode\":"
               "\"409\",\"errormessage\":\"version conflict\"}},"
               "\"timestamp\":1700000000}");
    assert_told("REPLY 2 LINK_CODE 409 "
                "{\"status\":\"error\",\"content\":{\"errorcode\":\"409\",\"errormessage\":"
                "\"version conflict\"}}\n");
    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    published();
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\",\"version\":\"41\"},"
               "\"clientToken\":\"a1B2c3D4e5F.dev001-3\"}");
    heard();
    assert_err(iot_shadow_update(&dev, BYTES("{\"a\":1}"), IOT_SHADOW_NEXT, NULL), IOT_OK);
    assert_non_null(strstr(published(), "\"version\":42,"));
}

/* The one behind it is a number as well, and none of the special ones. */
static void a_version_that_cannot_be_counted_on_is_dropped(void **state)
{
    static const char *const bad[] = {"9223372036854775807",
                                      "9223372036854775808",
                                      "-1",
                                      "-2",
                                      "-9223372036854775808",
                                      "\"-2\"",
                                      "1e400"};
    char text[160];
    (void)state;

    shadow.version = 3;
    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    published();
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof text,
                 "{\"method\":\"control\",\"version\":%s,\"payload\":{\"status\":\"success\"}}",
                 bad[i]);
        feed(DOWN, text);
        assert_told("SKIPPED JSON_RANGE\n");
        snprintf(text, sizeof text,
                 "{\"method\":\"reply\",\"payload\":{\"status\":\"success\",\"version\":%s}}",
                 bad[i]);
        feed(DOWN, text);
        assert_told("SKIPPED JSON_RANGE\n");
        assert_int_equal(shadow.version, 3);
    }
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\",\"version\":"
               "9223372036854775806}}");
    assert_told("REPLY 2 OK 200 {\"status\":\"success\",\"version\":9223372036854775806}\n");
    assert_err(iot_shadow_update(&dev, BYTES("{}"), IOT_SHADOW_NEXT, NULL), IOT_OK);
    assert_non_null(strstr(published(), "\"version\":9223372036854775807,"));
    shadow.version = INT64_MAX; /* set by the application */
    assert_err(iot_shadow_update(&dev, BYTES("{}"), IOT_SHADOW_NEXT, NULL), IOT_ERR_ARG);
    shadow.version = -2;
    assert_err(iot_shadow_update(&dev, BYTES("{}"), IOT_SHADOW_NEXT, NULL), IOT_ERR_ARG);
    assert_published("");
}

static void what_is_desired_is_told(void **state)
{
    (void)state;

    feed(DOWN,
         "{\"method\":\"control\",\"version\":5,\"timestamp\":1700000020,\"payload\":{\"status\":"
         "\"success\",\"state\":"
         "{\"reported\":{\"color\":\"red\"},\"desired\":{\"color\":\"green\"}},\"metadata\":{}}}");
    assert_told("SHADOW OK 0 "
                "{\"status\":\"success\",\"state\":{\"reported\":{\"color\":\"red\"},\"desired\":{"
                "\"color\":\"green\"}},\"metadata\":{}}\n");
    assert_int_equal(shadow.version, 5);
    assert_published("");
}

static void each_reply_finds_its_request_in_any_order(void **state)
{
    (void)state;

    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    assert_err(iot_log_ask(&dev, NULL), IOT_OK); /* another kind of request, 4 */
    published();
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\"}}"); /* of which? */
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":"
               "\"a1B2c3D4e5F.dev001-4\"}");
    assert_told("SKIPPED LINK_REPLY\nSKIPPED LINK_REPLY\n");
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":"
               "\"a1B2c3D4e5F.dev001-3\"}");
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":"
               "\"a1B2c3D4e5F.dev001-3\"}");
    assert_told("REPLY 3 OK 200 {\"status\":\"success\"}\nSKIPPED LINK_REPLY\n");
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\"}}");
    assert_told("REPLY 2 OK 200 {\"status\":\"success\"}\n");
    feed(DOWN, "{\"method\":\"reply\",\"payload\":{\"status\":\"success\"}}");
    assert_told("SKIPPED LINK_REPLY\n");
}

static void what_is_no_message_of_a_shadow_is_dropped_by_name(void **state)
{
    static const char *const bad[][2] = {
        {"no", "JSON_SYNTAX"},
        {"{}", "JSON_MISSING"},
        {"{\"method\":\"reply\"}", "JSON_MISSING"},
        {"{\"method\":\"reply\",\"payload\":{}}", "JSON_MISSING"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"error\"}}", "JSON_MISSING"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"error\",\"content\":{\"errorcode\":\"x\"}"
         "}}",
         "JSON_TYPE"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"error\",\"content\":{\"errorcode\":200}}"
         "}",
         "JSON_RANGE"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"error\",\"content\":{\"errorcode\":"
         "4294967295}}}",
         "JSON_RANGE"},
        {"{\"method\":\"what\",\"payload\":{}}", "LINK_METHOD"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":2}",
         "LINK_REPLY"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":\"\"}",
         "LINK_REPLY"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":\"a1B2c3D4e5F."
         "dev001-\"}",
         "LINK_REPLY"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":\"a1B2c3D4e5F."
         "dev001-0\"}",
         "LINK_REPLY"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":\"a1B2c3D4e5F."
         "dev001-2x\"}",
         "LINK_REPLY"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":\"a1B2c3D4e5F."
         "dev001-4294967298\"}",
         "LINK_REPLY"},
        {"{\"method\":\"reply\",\"payload\":{\"status\":\"success\"},\"clientToken\":\"a1B2c3D4e5F."
         "dev002-2\"}",
         "LINK_REPLY"},
    };
    char text[64];
    (void)state;

    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    published();
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        feed(DOWN, bad[i][0]);
        snprintf(text, sizeof text, "SKIPPED %s\n", bad[i][1]);
        assert_told(text);
    }
    run(IOT_REQUEST_MS);
    assert_told("FAILED 2 LINK_TIMEOUT\n");
}

static void what_does_not_fit_is_refused(void **state)
{
    static char text[2 * IOT_MQTT_TX_BYTES];
    struct iot_shadow_value value = {"x", text, 0};
    struct iot_writer w;
    (void)state;

    memset(text, 'x', sizeof text - 1);
    assert_err(iot_shadow_update(&dev, BYTES("{}"), 1, NULL), IOT_OK);
    assert_err(iot_shadow_update(&dev, text_bytes(text), 1, NULL), IOT_ERR_SIZE);
    assert_err(iot_shadow_report(&dev, &value, 1, 1, NULL), IOT_ERR_SIZE);
    assert_err(iot_shadow_delete(&dev, text, 1, NULL), IOT_ERR_SIZE);
    text[IOT_MQTT_TX_BYTES - 300] = 0;
    assert_err(iot_shadow_update(&dev, text_bytes(text), 1, NULL), IOT_ERR_FULL);
    published();
    assert_err(iot_shadow_begin(&dev, 1, 2, &w), IOT_OK);
    iot_writer_put(&w, text, 400);
    assert_err(iot_shadow_commit(&w, NULL), IOT_ERR_SIZE);
    assert_published("");
}

static void it_is_attached_until_the_device_closes(void **state)
{
    (void)state;

    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
    published();
    iot_device_close(&dev, 100);
    run(5000);
    assert_told("FAILED 2 CLOSED\nCLOSED\n");
    assert_err(iot_shadow_get(&dev, NULL), IOT_ERR_STATE);
    assert_err(iot_shadow_attach(&dev, &shadow, NULL), IOT_ERR_STATE);
    assert_err(iot_device_connect(&dev), IOT_OK);
    alink_up();
    assert_err(iot_shadow_get(&dev, NULL), IOT_ERR_STATE);
    feed(DOWN, "{}");
    assert_told("MESSAGE " DOWN "\n");
    assert_err(iot_shadow_attach(&dev, &shadow, &ticket), IOT_OK);
    assert_published("SUBSCRIBE 1 /shadow/get/" OURS "\n");
    assert_int_equal(last[IOT_EV_SUBACK].ticket, ticket);
    assert_err(iot_shadow_get(&dev, NULL), IOT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(updates_carry_a_version_and_a_token, setup),
        cmocka_unit_test_setup(values_are_written_for_the_caller, setup),
        cmocka_unit_test_setup(get_delete_and_clear_are_as_the_platform_wants_them, setup),
        cmocka_unit_test_setup(the_document_is_handed_on, setup),
        cmocka_unit_test_setup(a_conflict_is_told_by_its_code_and_the_document_mends_it, setup),
        cmocka_unit_test_setup(a_version_that_cannot_be_counted_on_is_dropped, setup),
        cmocka_unit_test_setup(what_is_desired_is_told, setup),
        cmocka_unit_test_setup(each_reply_finds_its_request_in_any_order, setup),
        cmocka_unit_test_setup(what_is_no_message_of_a_shadow_is_dropped_by_name, setup),
        cmocka_unit_test_setup(what_does_not_fit_is_refused, setup),
        cmocka_unit_test_setup(it_is_attached_until_the_device_closes, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
