/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform says unasked: answered as it wants, told once, dropped by name if it cannot be understood. */
#include "alink_device.h"

static const struct iot_port port = {.random = even_bytes};

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    return 0;
}

static void disable_enable_and_delete_are_answered_and_told(void **state)
{
    static const char *const words[][2] = {
        {"disable", "DISABLED"}, {"enable", "ENABLED"}, {"delete", "DELETED"}};
    char topic[100], text[200];
    (void)state;

    for (uint32_t i = 0; i < COUNT(words); i++) {
        snprintf(topic, sizeof topic, SYS "thing/%s", words[i][0]);
        snprintf(text, sizeof text,
                 "{\"id\":\"21\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.%s\"}",
                 words[i][0]);
        feed(topic, text);
        snprintf(text, sizeof text, "%s OK 0 \n", words[i][1]);
        assert_told(text);
        snprintf(text, sizeof text,
                 "0 " SYS "thing/%s_reply {\"id\":\"21\",\"code\":200,\"data\":{}}\n", words[i][0]);
        assert_published(text);
        assert_int_equal(dev.link.disabled, i != 1);
    }
    feed(SYS "thing/disable", "{}"); /* nothing to answer by */
    assert_told("DISABLED OK 0 \n");
    assert_published("");
}

static void a_disabled_device_knows_why_its_link_ends(void **state)
{
    (void)state;

    feed(SYS "thing/disable", "{\"id\":21,\"params\":{},\"method\":\"thing.disable\"}");
    assert_published("0 " SYS "thing/disable_reply {\"id\":\"21\",\"code\":200,\"data\":{}}\n");
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(0);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_LINK_DISABLED);
}

static void bootstrap_is_answered_and_told(void **state)
{
    (void)state;

    feed(SYS "thing/bootstrap/notify", "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"cmd\":0},"
                                       "\"method\":\"thing.bootstrap.notify\"}");
    assert_told("BOOTSTRAP OK 0 \n");
    assert_published("0 " SYS
                     "thing/bootstrap/notify_reply {\"id\":\"1\",\"code\":200,\"data\":{}}\n");
    feed(SYS "thing/bootstrap/notify", "{\"id\":\"2\",\"params\":{}}");
    feed(SYS "thing/bootstrap/notify", "{\"id\":\"2\",\"params\":{\"cmd\":\"0\"}}");
    assert_told("SKIPPED JSON_MISSING\nSKIPPED JSON_TYPE\n");
    assert_published(
        "0 " SYS "thing/bootstrap/notify_reply {\"id\":\"2\",\"code\":400,\"data\":{}}\n"
        "0 " SYS "thing/bootstrap/notify_reply {\"id\":\"2\",\"code\":400,\"data\":{}}\n");
    feed(SYS "thing/bootstrap/notify",
         "{\"id\":\"x\",\"params\":{\"cmd\":0}}"); /* nothing to answer by */
    assert_told("SKIPPED JSON_TYPE\n");
    assert_published("");
}

static void what_binds_or_unbinds_is_answered_as_a_service(void **state)
{
    (void)state;

    feed(SYS "_thing/event/notify",
         "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"_thing.event.notify\",\"params\":"
         "{\"identifier\":\"awss.BindNotify\",\"value\":{\"Operation\":\"Bind\"}}}");
    assert_told(
        "BIND OK 0 {\"identifier\":\"awss.BindNotify\",\"value\":{\"Operation\":\"Bind\"}}\n");
    assert_published(
        "0 " SYS "_thing/event/notify_reply {\"id\":\"1\",\"code\":200,"
        "\"data\":{\"identifier\":\"awss.BindNotify\",\"serviceResult\":{}},\"version\":\"1.0\","
        "\"method\":\"_thing.event.notify\",\"message\":\"success\"}\n");
    feed(SYS "_thing/event/notify", "{\"id\":\"1\",\"params\":{\"identifier\":7}}");
    feed(SYS "_thing/event/notify", "{\"id\":\"1\",\"params\":{}}");
    feed(SYS "_thing/event/notify", "{\"params\":{\"identifier\":\"x\"}}");
    assert_told("SKIPPED JSON_TYPE\nSKIPPED JSON_MISSING\nBIND OK 0 {\"identifier\":\"x\"}\n");
    assert_published("0 " SYS "_thing/event/notify_reply {\"id\":\"1\",\"code\":400,\"data\":{}}\n"
                     "0 " SYS
                     "_thing/event/notify_reply {\"id\":\"1\",\"code\":400,\"data\":{}}\n");
}

static void errors_are_told_with_code_and_data_and_not_answered(void **state)
{
    (void)state;

    feed("/ext/error/" OURS,
         "{\"id\":\"22\",\"code\":6401,\"message\":\"topo relation not exist\","
         "\"data\":{\"productKey\":\"a1SubPr0d01\",\"deviceName\":\"sub001\"}}");
    assert_told("ERROR OK 6401 {\"productKey\":\"a1SubPr0d01\",\"deviceName\":\"sub001\"}\n");
    feed("/ext/error/" OURS, "{\"code\":520}");
    feed("/ext/error/" OURS, "{\"code\":{}}");
    feed("/ext/error/" OURS, "{}");
    feed("/ext/error/" OURS, "no");
    feed("/ext/error/" OURS "2", "{\"code\":520}");
    feed("/ext/error/" OURS "/", "{\"code\":520}");
    assert_told("ERROR OK 520 \nSKIPPED JSON_TYPE\nSKIPPED JSON_MISSING\nSKIPPED JSON_SYNTAX\n"
                "MESSAGE /ext/error/" OURS "2\nMESSAGE /ext/error/" OURS "/\n");
    assert_published("");
}

static void a_device_without_names_is_told_them(void **state)
{
    (void)state;

    /* As with x509; the names are read when messages come. */
    who.product_key = who.device_name = NULL;
    feed("/ext/auth/identity/response",
         "{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\"}");
    assert_told("IDENTITY OK 0 {\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\"}\n");
    feed("/ext/auth/identity/response", "{\"productKey\":\"a1B2c3D4e5F\"}");
    feed("/ext/auth/identity/response", "{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":1}");
    feed("/ext/auth/identity/responses", "{}");
    feed("/ext/error/" OURS, "{\"code\":520}");
    feed("/ext/ntp/" OURS "/response", "{}");
    assert_told("SKIPPED JSON_MISSING\nSKIPPED JSON_TYPE\nMESSAGE /ext/auth/identity/responses\n"
                "MESSAGE /ext/error/" OURS "\nMESSAGE /ext/ntp/" OURS "/response\n");
    assert_err(iot_time_ask(&dev, NULL), IOT_ERR_ARG);
    assert_err(iot_reset(&dev), IOT_ERR_ARG);
}

static void notices_about_others_are_the_applications(void **state)
{
    (void)state;

    feed("/sys/a1SubPr0d01/sub001/thing/disable", "{\"id\":\"1\",\"params\":{}}");
    assert_told("MESSAGE /sys/a1SubPr0d01/sub001/thing/disable\n");
    assert_published("");
    assert_false(dev.link.disabled);
}

static void a_full_outbox_declines_and_the_notice_comes_again(void **state)
{
    static uint8_t filler[IOT_MQTT_TX_BYTES - 60];
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = {filler, sizeof filler}, .qos = 1};
    (void)state;

    acks = false;
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    published();
    feed(SYS "thing/disable", "{\"id\":\"21\",\"params\":{}}");
    run(100);
    assert_told("");
    assert_published("");
    wire_ack(&in, 0x40, 1);
    receive();
    run(1000);
    assert_told("DONE 1\nDISABLED OK 0 \n");
    assert_published("0 " SYS "thing/disable_reply {\"id\":\"21\",\"code\":200,\"data\":{}}\n");
}

static void an_open_writer_declines_and_the_notice_comes_again(void **state)
{
    static const char *const topics[] = {"thing/disable", "thing/bootstrap/notify",
                                         "_thing/event/notify", "thing/config/log/push"};
    static const char *const words[] = {
        "DISABLED OK 0 \n", "BOOTSTRAP OK 1 \n",
        "BIND OK 0 {\"cmd\":1,\"identifier\":\"x\",\"content\":{\"mode\":1}}\n", "LOG OK 1 \n"};
    char topic[100];
    struct iot_writer w;
    (void)state;

    for (uint32_t i = 0; i < COUNT(topics); i++) {
        assert_err(iot_alink_begin(&dev, "thing/event/a/post", IOT_ASK_NO_REPLY, 50, &w), IOT_OK);
        snprintf(topic, sizeof topic, SYS "%s", topics[i]);
        feed(topic,
             "{\"id\":\"7\",\"params\":{\"cmd\":1,\"identifier\":\"x\",\"content\":{\"mode\":1}}}");
        run(1000);
        assert_told("");
        iot_json_put(&w, "{}");
        assert_err(iot_alink_commit(&w, NULL), IOT_OK);
        run(100);
        const char *said = heard();
        assert_non_null(strstr(said, words[i]));
        assert_null(strstr(said, "MESSAGE"));
        snprintf(topic, sizeof topic, "%s_reply {\"id\":\"7\",\"code\":200", topics[i]);
        assert_non_null(strstr(published(), topic));
    }
}

/* An identifier that fits the window, and with its envelope not the outbox. */
static void a_notice_whose_answer_can_never_fit_is_told_without_one(void **state)
{
    static uint8_t text[IOT_MQTT_RX_BYTES];
    struct iot_writer w = {.ptr = text, .cap = sizeof text};
    (void)state;

    iot_writer_text(&w, "{\"id\":\"1\",\"params\":{\"identifier\":\"");
    while (w.len < IOT_MQTT_RX_BYTES - 100)
        iot_writer_text(&w, "x");
    iot_writer_text(&w, "\"}}");
    wire_publish(&in, 0, SYS "_thing/event/notify", 0, w.ptr, w.len);
    receive();
    run(0);
    assert_true(strncmp(heard(), "BIND OK 0 ", 10) == 0);
    assert_published("");
    assert_int_equal(events[IOT_EV_MESSAGE], 0);
}

static void a_notice_that_comes_while_the_device_closes_is_answered_and_told(void **state)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 1};
    (void)state;

    acks = false;
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    (void)published();
    assert_err(iot_device_close(&dev, 2000), IOT_OK);
    run(10);
    feed(SYS "thing/disable", "{\"id\":\"21\",\"params\":{}}");
    assert_told("DISABLED OK 0 \n");
    assert_published("0 " SYS "thing/disable_reply {\"id\":\"21\",\"code\":200,\"data\":{}}\n");
    wire_ack(&in, 0x40, 1);
    receive();
    run(1000);
    assert_told("DONE 1\nCLOSED\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(disable_enable_and_delete_are_answered_and_told, setup),
        cmocka_unit_test_setup(a_disabled_device_knows_why_its_link_ends, setup),
        cmocka_unit_test_setup(bootstrap_is_answered_and_told, setup),
        cmocka_unit_test_setup(what_binds_or_unbinds_is_answered_as_a_service, setup),
        cmocka_unit_test_setup(errors_are_told_with_code_and_data_and_not_answered, setup),
        cmocka_unit_test_setup(a_device_without_names_is_told_them, setup),
        cmocka_unit_test_setup(notices_about_others_are_the_applications, setup),
        cmocka_unit_test_setup(a_full_outbox_declines_and_the_notice_comes_again, setup),
        cmocka_unit_test_setup(an_open_writer_declines_and_the_notice_comes_again, setup),
        cmocka_unit_test_setup(a_notice_that_comes_while_the_device_closes_is_answered_and_told,
                               setup),
        cmocka_unit_test_setup(a_notice_whose_answer_can_never_fit_is_told_without_one, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
