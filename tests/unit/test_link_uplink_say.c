/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that the library writes for the platform's CoAP channel: versions, updates, tags. */
#include "uplink_rig.h"

#include "iot/iot_ota.h"

#define AT " 12=50 17=50 2088=" TOKEN_1 " "

static void ends_well(void)
{
    uint32_t before = results;

    answers(DONE, "");
    ended(before + 1, IOT_OK, 0, "");
}

static void a_version_is_reported(void **state)
{
    (void)state;
    with_token();
    assert_err(iot_uplink_version(&up, NULL, "1.0.0"), IOT_OK);
    asks("CON /topic/ota/device/inform/" PK "/" DN AT
         "{\"id\":\"1\",\"params\":{\"version\":\"1.0.0\"}}");
    ends_well();
    assert_int_equal(result.call, IOT_UPLINK_VERSION);
    assert_err(iot_uplink_version(&up, "mcu", "1.4.0"), IOT_OK);
    asks("CON /topic/ota/device/inform/" PK "/" DN AT
         "{\"id\":\"2\",\"params\":{\"version\":\"1.4.0\",\"module\":\"mcu\"}}");
    ends_well();
    assert_err(iot_uplink_version(&up, "default", "a\"b"), IOT_OK);
    asks("CON /topic/ota/device/inform/" PK "/" DN AT
         "{\"id\":\"3\",\"params\":{\"version\":\"a\\\"b\"}}");
    ends_well();
    assert_err(iot_uplink_version(&up, "", "1"), IOT_OK);
    asks("CON /topic/ota/device/inform/" PK "/" DN AT
         "{\"id\":\"4\",\"params\":{\"version\":\"1\"}}");
    answers(IOT_COAP_CODE(4, 4), "");
    ended(5, IOT_ERR_UPLINK_STATUS, 404, "");
    assert_int_equal(result.call, IOT_UPLINK_VERSION);
}

static void progress_is_told(void **state)
{
    (void)state;
    with_token();
    assert_err(iot_uplink_progress(&up, "MCU", 30, "downloading"), IOT_OK);
    asks("CON /topic/ota/device/progress/" PK "/" DN AT "{\"id\":\"1\",\"params\":{\"step\":\"30\","
         "\"desc\":\"downloading\",\"module\":\"MCU\"}}");
    ends_well();
    assert_err(iot_uplink_progress(&up, NULL, -4, NULL), IOT_OK);
    asks("CON /topic/ota/device/progress/" PK "/" DN AT
         "{\"id\":\"2\",\"params\":{\"step\":\"-4\"}}");
    ends_well();
}

#if IOT_FEATURE_OTA
#define NOTICE                                                                                     \
    "{\"code\":\"1000\",\"id\":1700000000000,\"message\":\"success\",\"data\":{\"size\":1024,"     \
    "\"version\":\"2.0.0\",\"isDiff\":0,\"module\":\"MCU\",\"url\":\"https://ota.example.com/fw/"  \
    "app-2.0.0.bin?Expires=1700003600&Signature=Y\",\"signMethod\":\"Md5\",\"sign\":\"b2ea9f7fcea" \
    "831a4a63b213f41a8855b\",\"md5\":\"b2ea9f7fcea831a4a63b213f41a8855b\",\"extData\":{\"key1\":"  \
    "1}}}"

static void an_update_is_asked_for_and_its_notice_is_a_job(void **state)
{
    struct iot_ota_job job;
    (void)state;
    with_token();
    assert_err(iot_uplink_upgrade(&up, "1.0.0"), IOT_OK);
    asks("CON /topic/ota/device/request/" PK "/" DN AT
         "{\"id\":\"1\",\"params\":{\"version\":\"1.0.0\"}}");
    answers(DONE, NOTICE);
    ended(2, IOT_OK, 0, NOTICE); /* which has a code of its own */
    assert_int_equal(result.call, IOT_UPLINK_UPGRADE);
    assert_err(iot_ota_job_of_notice(text_bytes((const char *)reply), &job), IOT_OK);
    assert_string_equal(job.version, "2.0.0");
    assert_string_equal(job.module, "MCU");
    assert_int_equal(job.size, 1024);
    assert_int_equal(job.digest_kind, IOT_OTA_MD5);
    assert_non_null(strstr(job.url, "Signature=Y"));
    assert_bytes(job.ext, BYTES("{\"key1\":1}"));
    assert_err(iot_uplink_upgrade(&up, NULL), IOT_OK);
    asks("CON /topic/ota/device/request/" PK "/" DN AT "{\"id\":\"2\",\"params\":{}}");
    answers(DONE, "");
    ended(3, IOT_OK, 0, "");
    assert_err(iot_ota_job_of_notice((struct iot_bytes){NULL, 0}, &job), IOT_ERR_STATE);
}

static void notices_that_offer_nothing_or_nothing_good(void **state)
{
    static const struct {
        const char *json;
        iot_err err;
    } rows[] = {
        {"{}", IOT_ERR_STATE},
        {"{\"code\":\"1000\",\"message\":\"success\"}", IOT_ERR_STATE},
        {"{\"code\":1000,\"message\":\"success\",\"data\":{}}", IOT_ERR_STATE},
        {"{\"id\":\"1\",\"params\":{\"version\":\"1\"}}", IOT_ERR_STATE},
        {"{\"code\":\"1001\",\"message\":\"success\",\"data\":{\"size\":1}}", IOT_ERR_LINK_CODE},
        {"{\"code\":\"1000\",\"message\":\"fail\",\"data\":{\"size\":1}}", IOT_ERR_LINK_CODE},
        {"{\"code\":\"1000\",\"message\":\"success\",\"data\":[1]}", IOT_ERR_JSON_TYPE},
        {"{\"code\":\"1000\",\"message\":\"success\",\"data\":{\"size\":1}}", IOT_ERR_OTA_JOB},
        {"{\"message\":\"success\",\"data\":{\"size\":1}}", IOT_ERR_JSON_MISSING},
        {"{\"code\":", IOT_ERR_JSON_SYNTAX},
        {"x", IOT_ERR_JSON_SYNTAX},
    };
    struct iot_ota_job job;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        iot_err err = iot_ota_job_of_notice(guarded(text_bytes(rows[i].json)), &job);
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].json, iot_err_name(err));
    }
    struct iot_bytes notice = guarded(BYTES(NOTICE));
    for (uint32_t n = 1; n < notice.len; n++) {
        struct iot_bytes cut = {at_guard(NOTICE, n), n};
        assert_err(iot_ota_job_of_notice(cut, &job), IOT_ERR_JSON_SYNTAX);
    }
}
#endif

static void tags_are_sent_and_not_waited_for(void **state)
{
    static const struct iot_uplink_tag tags[] = {{"SYS_LP_SDK_VERSION", "3.2.0"}, {"k", "\"v\""}};
    (void)state;
    with_token();
    assert_err(iot_uplink_device_info(&up, tags, 2), IOT_OK);
    asks("NON /topic/sys/" PK "/" DN "/thing/deviceinfo/update" AT
         "{\"id\":\"1\",\"version\":\"1.0\",\"params\":[{\"attrKey\":\"SYS_LP_SDK_VERSION\","
         "\"attrValue\":\"3.2.0\"},{\"attrKey\":\"k\",\"attrValue\":\"\\\"v\\\"\"}],"
         "\"method\":\"thing.deviceinfo.update\"}");
    run(1001);
    ended(2, IOT_OK, 0, "");
    run(2000000);
    assert_err(iot_uplink_device_info(&up, tags, 1), IOT_OK);
    run(0);
    asked = net.tx_count;
    answers(DONE, "{\"id\":\"2\",\"code\":429,\"data\":{}}");
    ended(3, IOT_ERR_LINK_CODE, 429, "{\"id\":\"2\",\"code\":429,\"data\":{}}");
    assert_int_equal(result.retry_ms, 1000);
}

static void in_the_symmetric_mode_tags_are_confirmed(void **state)
{
    static const struct iot_uplink_tag tag = {"k", "v"};
    struct iot_coap_message m;
    (void)state;
    up_options.symmetric = &iot_uplink_symmetric;
    assert_err(iot_uplink_device_info(&up, &tag, 1), IOT_OK);
    run(0);
    answers(DONE, "{\"random\":\"abc\",\"seqOffset\":1,\"token\":\"t\"}");
    m = last_sent();
    assert_int_equal(m.type, IOT_COAP_CON);
    assert_int_equal(m.payload.len % 16, 0);
    answers(DONE, "");
    ended(1, IOT_OK, 0, "");
}

static void what_does_not_fit_is_said_at_once(void **state)
{
    char version[1100];
    (void)state;
    memset(version, 'v', sizeof version);
    version[sizeof version - 1] = '\0';
    assert_err(iot_uplink_version(&up, NULL, version), IOT_ERR_SIZE);
    assert_err(iot_uplink_upgrade(&up, version), IOT_ERR_SIZE);
    assert_err(iot_uplink_progress(&up, version, 1, NULL), IOT_ERR_SIZE);
    assert_err(iot_uplink_device_info(&up, &(struct iot_uplink_tag){"k", version}, 1),
               IOT_ERR_SIZE);
    assert_memory();
    assert_true(is_wiped());
    for (uint32_t bytes = 0; bytes < 130; bytes++) {
        give_memory(bytes);
        assert_err(iot_uplink_device_info(&up, &(struct iot_uplink_tag){"k", "v"}, 1),
                   IOT_ERR_SIZE);
        assert_memory();
        assert_true(is_wiped());
    }
    asks_nothing();
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, uplink_begin)
    const struct CMUnitTest tests[] = {
        CASE(a_version_is_reported),
        CASE(progress_is_told),
#if IOT_FEATURE_OTA
        CASE(an_update_is_asked_for_and_its_notice_is_a_job),
        CASE(notices_that_offer_nothing_or_nothing_good),
#endif
        CASE(tags_are_sent_and_not_waited_for),
        CASE(in_the_symmetric_mode_tags_are_confirmed),
        CASE(what_does_not_fit_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
