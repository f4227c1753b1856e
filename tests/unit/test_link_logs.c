/* SPDX-License-Identifier: Apache-2.0 */
/* Logs and diagnosis, and time in words. */
#include "alink_device.h"

static int64_t port_s;

static iot_err wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = port_s;
    return port_s != 0 ? IOT_OK : IOT_ERR_AGAIN;
}

static const struct iot_port port = {.random = even_bytes, .wall = wall};

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    port_s = 0;
    return 0;
}

static void lines_are_uploaded_with_time_and_level_in_words(void **state)
{
    const struct iot_log_item all[] = {
        {1609527845678, IOT_LOG_WORD_ERROR, "ModuleA", "text", "1001", "tc-1"},
        {0, IOT_LOG_WORD_FATAL, "M", "\"", NULL, NULL},
    };
    (void)state;

    port_s = 1700000000;
    assert_err(iot_log_post(&dev, all, 2, NULL), IOT_OK);
    assert_published("0 " SYS "thing/log/post "
                     "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.log.post\",\"params\":["
                     "{\"utcTime\":\"2021-01-01T19:04:05.678+0000\",\"logLevel\":\"ERROR\","
                     "\"module\":\"ModuleA\","
                     "\"code\":\"1001\",\"traceContext\":\"tc-1\",\"logContent\":\"text\"},"
                     "{\"utcTime\":\"2023-11-14T22:13:20.000+0000\",\"logLevel\":\"FATAL\","
                     "\"module\":\"M\",\"logContent\":\"\\\"\"}"
                     "]}\n");
    feed_reply("thing/log/post", 1, 200, "{}");
    assert_told("REPLY 1 OK 200 {}\n");
}

static void each_level_has_its_word(void **state)
{
    static const char *const words[] = {"FATAL", "ERROR", "WARN", "INFO", "DEBUG"};
    char expected[64];
    (void)state;

    for (uint32_t i = 0; i < COUNT(words); i++) {
        struct iot_log_item item = {1, (enum iot_log_word)i, "m", "c", NULL, NULL};
        assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_OK);
        snprintf(expected, sizeof expected, "\"logLevel\":\"%s\"", words[i]);
        assert_non_null(strstr(published(), expected));
    }
}

static void dates_are_those_of_the_calendar(void **state)
{
    static const struct {
        int64_t ms;
        const char *words;
    } all[] = {
        {1, "1970-01-01T00:00:00.001"},
        {86399999, "1970-01-01T23:59:59.999"},
        {86400000, "1970-01-02T00:00:00.000"},
        {951782400000, "2000-02-29T00:00:00.000"},
        {951868799999, "2000-02-29T23:59:59.999"},
        {951868800000, "2000-03-01T00:00:00.000"},
        {978307199000, "2000-12-31T23:59:59.000"},
        {1709164800000, "2024-02-29T00:00:00.000"},
        {4102444799999, "2099-12-31T23:59:59.999"},
        {4070908800000, "2099-01-01T00:00:00.000"},
        {1785542399000, "2026-07-31T23:59:59.000"},
        {1788134400000, "2026-08-31T00:00:00.000"},
    };
    (void)state;

    for (uint32_t i = 0; i < COUNT(all); i++) {
        struct iot_log_item item = {all[i].ms, IOT_LOG_WORD_INFO, "m", "c", NULL, NULL};
        char expected[64];
        assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_OK);
        snprintf(expected, sizeof expected, "\"utcTime\":\"%s+0000\"", all[i].words);
        assert_non_null(strstr(published(), expected));
        feed_reply("thing/log/post", i + 1, 200, "{}");
    }
}

static void what_cannot_be_posted_is_refused_and_nothing_is_queued(void **state)
{
    static char text[IOT_MQTT_TX_BYTES];
    struct iot_log_item item = {0, IOT_LOG_WORD_INFO, "m", "c", NULL, NULL};
    struct iot_diag diag = {.rssi = -60};
    (void)state;

    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_ERR_STATE); /* no time */
    assert_err(iot_diag_post(&dev, &diag, NULL), IOT_ERR_STATE);
    item.unix_ms = diag.unix_ms = 4102444800000;
    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_ERR_ARG);
    assert_err(iot_diag_post(&dev, &diag, NULL), IOT_ERR_ARG);
    item.unix_ms = diag.unix_ms = -1;
    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_ERR_ARG);
    assert_err(iot_diag_post(&dev, &diag, NULL), IOT_ERR_ARG);
    item.unix_ms = 1;
    assert_err(iot_log_post(&dev, &item, 0, NULL), IOT_ERR_ARG);
    item.level = (enum iot_log_word)5;
    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_ERR_ARG);
    item = (struct iot_log_item){1, IOT_LOG_WORD_INFO, NULL, "c", NULL, NULL};
    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_ERR_ARG);
    item = (struct iot_log_item){1, IOT_LOG_WORD_INFO, "m", NULL, NULL, NULL};
    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_ERR_ARG);
    memset(text, 1, sizeof text - 1); /* each takes six bytes */
    item.content = text;
    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_ERR_SIZE);
    text[100] = 0;
    assert_err(iot_log_post(&dev, &item, 1, NULL), IOT_OK);
    assert_non_null(strstr(published(), "\"id\":\"1\""));
}

static void whether_logs_are_wanted_is_asked_and_told(void **state)
{
    static const char *const bad[][2] = {
        {"{}", "JSON_MISSING"},
        {"{\"content\":1}", "JSON_MISSING"},
        {"{\"content\":{\"mode\":\"x\"}}", "JSON_TYPE"},
        {"{\"content\":{\"mode\":2}}", "JSON_RANGE"},
    };
    char text[128];
    int32_t mode = 7;
    struct iot_json root;
    (void)state;

    assert_err(iot_log_ask(&dev, NULL), IOT_OK);
    assert_published("0 " SYS "thing/config/log/get "
                     "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.config.log.get\","
                     "\"params\":{\"configScope\":\"device\",\"getType\":\"content\"}}\n");
    feed_reply("thing/config/log/get", 1, 200,
               "{\"getType\":\"content\",\"content\":{\"mode\":1}}");
    assert_told("REPLY 1 OK 200 {\"getType\":\"content\",\"content\":{\"mode\":1}}\n");
    assert_err(iot_json_check(text_bytes("{\"getType\":\"content\",\"content\":{\"mode\":1}}"),
                              &root, NULL),
               IOT_OK);
    assert_err(iot_log_read(root, &mode), IOT_OK);
    assert_int_equal(mode, 1);

    feed(SYS "thing/config/log/push",
         "{\"id\":\"3\",\"params\":{\"getType\":\"content\",\"content\":{\"mode\":1}}}");
    feed(SYS "thing/config/log/push", "{\"id\":\"4\",\"params\":{\"content\":{\"mode\":0}}}");
    assert_told("LOG OK 1 \nLOG OK 0 \n");
    assert_published(
        "0 " SYS "thing/config/log/push_reply {\"id\":\"3\",\"code\":200,\"data\":{}}\n"
        "0 " SYS "thing/config/log/push_reply {\"id\":\"4\",\"code\":200,\"data\":{}}\n");
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof text, "{\"id\":\"4\",\"params\":%s}", bad[i][0]);
        feed(SYS "thing/config/log/push", text);
        snprintf(text, sizeof text, "SKIPPED %s\n", bad[i][1]);
        assert_told(text);
        assert_published("0 " SYS
                         "thing/config/log/push_reply {\"id\":\"4\",\"code\":400,\"data\":{}}\n");
    }
}

static void the_radio_is_reported(void **state)
{
    static const struct iot_diag_error errors[] = {
        {0x10, 2, 1}, {0x10, 5, 2}, {0xff, 0x0a, 4294967295}};
    struct iot_diag d = {.rssi = -60,
                         .snr = 25,
                         .per = 3,
                         .errors = errors,
                         .error_count = 2,
                         .unix_ms = 1700000000000};
    (void)state;

    assert_err(iot_diag_post(&dev, &d, NULL), IOT_OK);
    assert_published("0 " SYS "_thing/diag/post "
                     "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"_thing.diag.post\",\"params\":"
                     "{\"model\":\"format=simple|quantity=single|time=now\",\"p\":{\"wifi\":{"
                     "\"rssi\":-60,\"snr\":25,\"per\":3,"
                     "\"err_stats\":\"10,02,1;10,05,2\"},\"_time\":1700000000000}}}\n");
    feed_reply("_thing/diag/post", 1, 200, "{}");
    assert_told("REPLY 1 OK 200 {}\n");
    d.error_count = 0;
    d.unix_ms = 0;
    port_s = 1600000000;
    assert_err(iot_diag_post(&dev, &d, NULL), IOT_OK);
    assert_non_null(strstr(published(), "\"per\":3},\"_time\":1600000000000}}"));
    d.errors += 2;
    d.error_count = 1;
    assert_err(iot_diag_post(&dev, &d, NULL), IOT_OK);
    assert_non_null(strstr(published(), "\"err_stats\":\"ff,0a,4294967295\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_are_uploaded_with_time_and_level_in_words, setup),
        cmocka_unit_test_setup(each_level_has_its_word, setup),
        cmocka_unit_test_setup(dates_are_those_of_the_calendar, setup),
        cmocka_unit_test_setup(what_cannot_be_posted_is_refused_and_nothing_is_queued, setup),
        cmocka_unit_test_setup(whether_logs_are_wanted_is_asked_and_told, setup),
        cmocka_unit_test_setup(the_radio_is_reported, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
