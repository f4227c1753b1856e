/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of the device: what is asked, which keys are ones, and how replies end the requests. */
#include "alink_device.h"

static const struct iot_port port = {.random = even_bytes};
static iot_ticket ticket;

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    ticket = 0;
    return 0;
}

static void tags_are_updated_and_deleted_by_qos_1(void **state)
{
    const struct iot_tag site = {"site", "hall-3", false},
                         both[] = {{"a1", "\"x\"\n\xe4\xbd\xa0", true}, {"_b", "", false}};
    (void)state;

    assert_err(iot_tags_update(&dev, &site, 1, &ticket), IOT_OK);
    assert_published("1 " SYS "thing/deviceinfo/update "
                     "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.deviceinfo.update\","
                     "\"params\":[{\"attrKey\":\"site\",\"attrValue\":\"hall-3\"}]}\n");
    assert_int_equal(ticket, 1);
    assert_told("");
    feed_reply("thing/deviceinfo/update", ticket, 200, "{}");
    assert_told("REPLY 1 OK 200 {}\n");
    assert_err(iot_tags_update(&dev, both, 2, &ticket), IOT_OK);
    assert_published("1 " SYS "thing/deviceinfo/update "
                     "{\"id\":\"2\",\"version\":\"1.0\",\"method\":\"thing.deviceinfo.update\","
                     "\"params\":[{\"attrKey\":\"a1\",\"attrValue\":\"\\\"x\\\"\\n\xe4\xbd\xa0\","
                     "\"domain\":\"SYSTEM\"},"
                     "{\"attrKey\":\"_b\",\"attrValue\":\"\"}]}\n");
    feed_reply("thing/deviceinfo/update", ticket, 460, "{}");
    assert_told("REPLY 2 LINK_CODE 460 {}\n");
    assert_err(iot_tags_delete(&dev, &site, 1, &ticket), IOT_OK);
    assert_published("1 " SYS "thing/deviceinfo/delete "
                     "{\"id\":\"3\",\"version\":\"1.0\",\"method\":\"thing.deviceinfo.delete\","
                     "\"params\":[{\"attrKey\":\"site\"}]}\n");
    feed_reply("thing/deviceinfo/update", ticket, 200, "{}"); /* not its topic */
    feed_reply("thing/deviceinfo/delete", ticket, 200, "{}");
    feed_reply("thing/deviceinfo/delete", ticket, 200, "{}");
    assert_told("SKIPPED LINK_REPLY\nREPLY 3 OK 200 {}\nSKIPPED LINK_REPLY\n");
}

static void the_library_tells_its_version_and_language(void **state)
{
    (void)state;

    assert_err(iot_tags_sdk(&dev, NULL), IOT_OK);
    assert_published(
        "1 " SYS "thing/deviceinfo/update "
        "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.deviceinfo.update\",\"params\":["
        "{\"attrKey\":\"SYS_LP_SDK_VERSION\",\"attrValue\":\"0.1.0\",\"domain\":\"SYSTEM\"},"
        "{\"attrKey\":\"SYS_SDK_LANGUAGE\",\"attrValue\":\"C\",\"domain\":\"SYSTEM\"}]}\n");
}

static void keys_that_the_platform_does_not_take_are_refused(void **state)
{
    static const char *const bad[] = {
        NULL, "", "a", "1a", "a-", "a b", "a\xc3\xa4", "a\"", "a123456789012345678901234567890123",
        "ab."};
    static const char *const good[] = {"ab", "_1", "A_", "a1234567890123456789012345678901"};
    (void)state;

    for (uint32_t i = 0; i < COUNT(bad); i++) {
        struct iot_tag tag = {bad[i], "v", false};
        assert_err(iot_tags_update(&dev, &tag, 1, NULL), IOT_ERR_ARG);
        assert_err(iot_tags_delete(&dev, &tag, 1, NULL), IOT_ERR_ARG);
    }
    for (uint32_t i = 0; i < COUNT(good); i++) {
        struct iot_tag tag = {good[i], "v", false};
        assert_err(iot_tags_delete(&dev, &tag, 1, NULL), IOT_OK);
    }
    struct iot_tag tag = {"ab", NULL, false};
    assert_err(iot_tags_update(&dev, &tag, 1, NULL), IOT_ERR_ARG);
    assert_err(iot_tags_update(&dev, &tag, 0, NULL), IOT_ERR_ARG);
}

static void what_does_not_fit_is_refused_and_nothing_is_queued(void **state)
{
    static char text[2 * IOT_MQTT_TX_BYTES];
    struct iot_tag tag = {"ab", text, false};
    (void)state;

    memset(text, '"', sizeof text - 1);
    assert_err(iot_tags_update(&dev, &tag, 1, NULL), IOT_ERR_SIZE);
    text[IOT_MQTT_TX_BYTES - 100] = 0;
    assert_err(iot_tags_update(&dev, &tag, 1, NULL), IOT_ERR_SIZE);
    text[300] = 0;
    assert_err(iot_tags_update(&dev, &tag, 1, NULL), IOT_OK);
    assert_err(iot_tags_update(&dev, &tag, 1, NULL), IOT_ERR_FULL);
    published();
    feed_reply("thing/deviceinfo/update", 1, 200, "{}");
    assert_told("REPLY 1 OK 200 {}\n");
    assert_err(iot_tags_update(&dev, &tag, 1, NULL), IOT_OK);
}

static void one_request_more_than_there_are_places_is_refused(void **state)
{
    const struct iot_tag site = {"site", "", false};
    (void)state;

    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++) {
        assert_err(iot_tags_delete(&dev, &site, 1, NULL), IOT_OK);
        published();
    }
    assert_err(iot_tags_delete(&dev, &site, 1, NULL), IOT_ERR_FULL);
    run(IOT_REQUEST_MS + 10);
    assert_told("FAILED 1 LINK_TIMEOUT\nFAILED 2 LINK_TIMEOUT\nFAILED 3 LINK_TIMEOUT\nFAILED 4 "
                "LINK_TIMEOUT\n"
                "FAILED 5 LINK_TIMEOUT\nFAILED 6 LINK_TIMEOUT\n");
    feed_reply("thing/deviceinfo/delete", 1, 200, "{}"); /* late */
    assert_told("SKIPPED LINK_REPLY\n");
}

static void a_close_in_between_ends_them(void **state)
{
    const struct iot_tag site = {"site", "", false};
    (void)state;

    assert_err(iot_tags_delete(&dev, &site, 1, NULL), IOT_OK);
    published();
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    run(5000);
    assert_told("FAILED 1 CLOSED\nCLOSED\n");
}

static void a_device_without_names_asks_nothing(void **state)
{
    const struct iot_tag site = {"site", "", false};
    (void)state;

    alink_setup(&port);
    opt.link = NULL;
    opt.host = "broker.example";
    opt.client_id = "d";
    alink_begin();
    assert_err(iot_tags_delete(&dev, &site, 1, NULL), IOT_ERR_ARG);
    assert_err(iot_time_ask(&dev, NULL), IOT_ERR_ARG);
    assert_err(iot_reset(&dev), IOT_ERR_ARG);
    feed("/ext/ntp/" OURS "/response", "{}");
    assert_told("MESSAGE /ext/ntp/" OURS "/response\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tags_are_updated_and_deleted_by_qos_1, setup),
        cmocka_unit_test_setup(the_library_tells_its_version_and_language, setup),
        cmocka_unit_test_setup(keys_that_the_platform_does_not_take_are_refused, setup),
        cmocka_unit_test_setup(what_does_not_fit_is_refused_and_nothing_is_queued, setup),
        cmocka_unit_test_setup(one_request_more_than_there_are_places_is_refused, setup),
        cmocka_unit_test_setup(a_close_in_between_ends_them, setup),
        cmocka_unit_test(a_device_without_names_asks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
