/* SPDX-License-Identifier: Apache-2.0 */
/* The data channel of HTTPS: tokens, messages, replies in Base64. */
#include "web_fake.h"

#define TOPIC "/sys/" WEB_PK "/" WEB_DN "/thing/event/property/post"
#define URL   "https://iot-as-http.cn-shanghai.aliyuncs.com"
#define HOUR  3600000u

#define TOKEN_ANSWER                                                                               \
    "{\"code\":0,\"message\":\"success\",\"info\":{\"token\":\"httptoken0000000000000001\"}}"
#define DONE "{\"code\":0,\"message\":\"success\",\"info\":{\"messageId\":700000000000000001}}"

static uint8_t reply[64];
static const struct iot_web_post message = {.topic = TOPIC,
                                            .payload = {(const uint8_t *)"any bytes", 9},
                                            .reply = reply,
                                            .reply_bytes = sizeof reply};

static int setup(void **state)
{
    (void)state;
    web_start(&web_port_plain);
    memset(reply, 0, sizeof reply);
    return 0;
}

static void asks_for_a_token(void)
{
    assert_int_equal(web_http.request.method, IOT_HTTP_POST);
    assert_string_equal(web_http.url, URL "/auth");
    assert_string_equal(web_http.headers, "Content-Type: application/json\r\n");
}

static void sends_the_message(const char *token)
{
    char headers[256];
    snprintf(headers, sizeof headers, "Content-Type: application/octet-stream\r\npassword: %s\r\n",
             token);
    assert_int_equal(web_http.request.method, IOT_HTTP_POST);
    assert_string_equal(web_http.url, URL "/topic" TOPIC);
    assert_string_equal(web_http.headers, headers);
    assert_string_equal(web_http.body, "any bytes");
}

/* A token is there since `now`. */
static void with_token(uint32_t now)
{
    assert_err(iot_web_post(&web, &message, now), IOT_OK);
    asks_for_a_token();
    web_answer(200, TOKEN_ANSWER);
    sends_the_message("httptoken0000000000000001");
    web_answer(200, DONE);
    web_ended(1, IOT_WEB_POST, IOT_OK, 0);
}

static void the_first_message_fetches_a_token(void **state)
{
    (void)state;
    web_id.method = IOT_SIGN_HMACSHA1;
    assert_err(iot_web_post(&web, &message, 0), IOT_OK);
    asks_for_a_token();
    assert_string_equal(
        web_http.body,
        "{\"version\":\"default\",\"clientId\":\"a1B2c3D4e5F.dev001\",\"signmethod\":"
        "\"hmacsha1\",\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\","
        "\"sign\":\"E5C1A9BBFFFD73BA9F4827BF88363568C3B2C69E\"}");
    web_answer(200, TOKEN_ANSWER);
    assert_int_equal(web_results, 0);
    sends_the_message("httptoken0000000000000001");
    web_answer(200, DONE);
    web_ended(1, IOT_WEB_POST, IOT_OK, 0);
    assert_string_equal(web_reply, "");
    assert_err(iot_web_post(&web, &message, 5), IOT_OK); /* the next has one */
    sends_the_message("httptoken0000000000000001");
    web_answer(200, DONE);
    web_ended(2, IOT_WEB_POST, IOT_OK, 0);
}

static void each_method_signs(void **state)
{
    static const char *const signs[] = {
        "25DE8C1A0DCF1494CCC3B1B1D92A34F92A34F588372191C36A13EF005219BD89",
        "E5C1A9BBFFFD73BA9F4827BF88363568C3B2C69E", "C7D5FD11AE78FA0831A4A1FEA6A3F70C"};
    char end[128];
    (void)state;
    for (int m = IOT_SIGN_HMACSHA256; m <= IOT_SIGN_HMACMD5; m++) {
        web_id.method = (enum iot_sign_method)m;
        assert_err(iot_web_post(&web, &message, 0), IOT_OK);
        snprintf(end, sizeof end, ",\"sign\":\"%s\"}", signs[m]);
        assert_non_null(strstr(web_http.body, end));
        web_end(IOT_ERR_TCP_RESET, 0);
    }
}

static void a_client_id_is_escaped(void **state)
{
    (void)state;
    web_id.client_id = "a\"\\b";
    assert_err(iot_web_post(&web, &message, 0), IOT_OK);
    assert_non_null(strstr(web_http.body, ",\"clientId\":\"a\\\"\\\\b\","));
    web_end(IOT_ERR_TCP_RESET, 0);
}

static void a_token_is_renewed_before_its_48_hours_end(void **state)
{
    (void)state;
    with_token(UINT32_MAX - HOUR); /* over the wrap of the counter */
    assert_err(iot_web_post(&web, &message, UINT32_MAX + 46 * HOUR - 1), IOT_OK);
    sends_the_message("httptoken0000000000000001");
    web_answer(200, DONE);
    assert_err(iot_web_post(&web, &message, UINT32_MAX + 46 * HOUR), IOT_OK);
    asks_for_a_token();
    web_answer(200, "{\"code\":0,\"info\":{\"token\":\"two\"}}");
    sends_the_message("two");
    web_answer(200, DONE);
    web_ended(3, IOT_WEB_POST, IOT_OK, 0);
    assert_err(iot_web_post(&web, &message, UINT32_MAX + 93 * HOUR - 1), IOT_OK);
    sends_the_message("two");
    web_answer(200, DONE);
}

static void a_token_that_the_platform_forgot_is_renewed_once(void **state)
{
    static const struct {
        uint16_t status;
        const char *text;
        iot_err err;
        int32_t detail;
    } rows[] = {
        {200, "{\"code\":20001,\"message\":\"token expired\"}", IOT_ERR_LINK_CODE, 20001},
        {200, "{\"code\":20003}", IOT_ERR_LINK_CODE, 20003},
        {400, "authorized failure", IOT_ERR_HTTP_STATUS, 400},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        with_token(0);
        assert_err(iot_web_post(&web, &message, 1), IOT_OK);
        web_answer(rows[i].status, rows[i].text);
        assert_int_equal(web_results, 1);
        asks_for_a_token();
        web_answer(200, "{\"code\":0,\"info\":{\"token\":\"two\"}}");
        sends_the_message("two");
        web_answer(200, DONE);
        web_ended(2, IOT_WEB_POST, IOT_OK, 0);
        /* a message that was given a fresh one gets no third */
        assert_err(iot_web_post(&web, &message, 2), IOT_OK);
        sends_the_message("two");
        web_answer(rows[i].status, rows[i].text);
        web_answer(200, "{\"code\":0,\"info\":{\"token\":\"three\"}}");
        sends_the_message("three");
        web_answer(rows[i].status, rows[i].text);
        web_ended(3, IOT_WEB_POST, rows[i].err, rows[i].detail);
        assert_false(web_http.busy);
        assert_err(iot_web_post(&web, &message, 3), IOT_OK); /* but the next message may */
        asks_for_a_token();
        web_end(IOT_ERR_CLOSED, 0);
    }
}

static void each_code_has_its_pause(void **state)
{
    static const struct {
        int32_t code;
        uint32_t retry_ms;
    } rows[] = {{10000, 1000}, {10001, IOT_MS_NEVER}, {20000, IOT_MS_NEVER}, {20002, IOT_MS_NEVER},
                {20004, 1000}, {30001, 1000},         {40000, 60000},        {12345, IOT_MS_NEVER}};
    char text[64];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        with_token(0);
        assert_err(iot_web_post(&web, &message, 1), IOT_OK);
        snprintf(text, sizeof text, "{\"code\":%d}", (int)rows[i].code);
        web_answer(200, text);
        web_ended(2, IOT_WEB_POST, IOT_ERR_LINK_CODE, rows[i].code);
        assert_int_equal(web_result.retry_ms, rows[i].retry_ms);
#if IOT_FEATURE_ERR_NAMES
        assert_int_equal(iot_err_detail_name(IOT_ERR_LINK_CODE, rows[i].code)[0] != '\0',
                         rows[i].code != 12345);
#endif
        assert_err(iot_web_post(&web, &message, 2), IOT_OK); /* the token is as good as before */
        sends_the_message("httptoken0000000000000001");
        web_answer(200, DONE);
    }
}

static void the_status_of_a_token_request_is_no_reason_to_ask_again(void **state)
{
    (void)state;
    assert_err(iot_web_post(&web, &message, 0), IOT_OK);
    web_answer(400, "no");
    web_ended(1, IOT_WEB_POST, IOT_ERR_HTTP_STATUS, 400);
    assert_int_equal(web_http.asked, 1);
    assert_err(iot_web_post(&web, &message, 0), IOT_OK);
    web_answer(200, "{\"code\":20000,\"message\":\"no\"}");
    web_ended(2, IOT_WEB_POST, IOT_ERR_LINK_CODE, 20000);
}

static void a_token_that_is_none_is_refused(void **state)
{
    char text[512], token[256];
    static const char *const rows[] = {
        "{\"code\":0}",
        "{\"code\":0,\"info\":{}}",
        "{\"code\":0,\"info\":{\"token\":5}}",
        "{\"code\":0,\"info\":{\"token\":\"\"}}",
        "{\"code\":0,\"info\":{\"token\":\"a\\r\\nX: y\"}}" /* would be another line of the header */
        ,
        "{\"code\":0,\"info\":{\"token\":\"a b\"}}",
        "{}"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_err(iot_web_post(&web, &message, 0), IOT_OK);
        asks_for_a_token();
        web_answer(200, rows[i]);
        assert_int_equal(web_results, i + 1);
        assert_true(web_result.err != IOT_OK);
        assert_int_equal(web_http.asked, i + 1);
    }
    for (size_t n = IOT_ASK_TOKEN_MAX; n <= IOT_ASK_TOKEN_MAX + 1; n++) {
        memset(token, 't', n);
        token[n] = '\0';
        snprintf(text, sizeof text, "{\"code\":0,\"info\":{\"token\":\"%s\"}}", token);
        assert_err(iot_web_post(&web, &message, 0), IOT_OK);
        asks_for_a_token();
        web_answer(200, text);
        if (n == IOT_ASK_TOKEN_MAX) {
            sends_the_message(token);
            web_answer(200, "{\"code\":20001}");
        } else {
            assert_err(web_result.err, IOT_ERR_JSON_RANGE);
        }
    }
}

/* ---- Replies --------------------------------------------------------------------------------- */

static void replied(const char *data, iot_err err, const char *expected, uint32_t len)
{
    char text[512];
    snprintf(text, sizeof text, "{\"code\":0,\"info\":{\"data\":%s,\"messageId\":1}}", data);
    assert_err(iot_web_post(&web, &message, 1), IOT_OK);
    web_answer(200, text);
    if (web_result.err != err)
        fail_msg("%s: %s", data, iot_err_name(web_result.err));
    if (err != IOT_OK)
        return;
    assert_int_equal(web_result.reply.len, len);
    assert_memory_equal(reply, expected, len);
    assert_ptr_equal(web_result.reply.ptr, reply);
}

static void replies_come_out_of_base64(void **state)
{
    (void)state;
    with_token(0);
    replied("\"aGVsbG8=\"", IOT_OK, "hello", 5); /* the protocol's own */
    replied("\"\"", IOT_OK, "", 0);
    replied("\"Zg==\"", IOT_OK, "f", 1);
    replied("\"Zm8=\"", IOT_OK, "fo", 2);
    replied("\"Zm9v\"", IOT_OK, "foo", 3);
    replied("\"Zm9vYg==\"", IOT_OK, "foob", 4);
    replied("\"Zm9vYmFy\"", IOT_OK, "foobar", 6);
    replied("\"+/8A\"", IOT_OK, "\xfb\xff\0", 3);
    replied("\"+\\/8A\"", IOT_OK, "\xfb\xff\0", 3);
    replied("null", IOT_OK, "", 0);
}

static void what_is_no_base64_is_an_error(void **state)
{
    static const char *const rows[] = {
        "\"Zg\"",         "\"Zg=\"",  "\"Zg===\"", "\"Z\"",        "\"=\"",       "\"====\"",
        "\"Zg==Zg==\"",   "\"Zh==\"", "\"Zm9=\"",  "\"Zm 9\"",     "\"Zm-_\"",    "\"Zm9v\\n\"",
        "\"Zm9\\u0076\"", "5",        "{}",        "\"Zm9v====\"", "\"Z\\\\9v\"", "\"Zm9v\\/\""};
    (void)state;
    with_token(0);
    for (size_t i = 0; i < COUNT(rows); i++)
        replied(rows[i], IOT_ERR_JSON_TYPE, NULL, 0);
}

static void a_reply_that_does_not_fit_is_said(void **state)
{
    struct iot_web_post small = message;
    (void)state;
    with_token(0);
    small.reply_bytes = 4;
    assert_err(iot_web_post(&web, &small, 1), IOT_OK);
    web_answer(200, "{\"code\":0,\"info\":{\"data\":\"aGVsbG8=\"}}");
    web_ended(2, IOT_WEB_POST, IOT_ERR_SIZE, 0);
    assert_int_equal(reply[4], 0);
    small.reply_bytes = 5;
    assert_err(iot_web_post(&web, &small, 1), IOT_OK);
    web_answer(200, "{\"code\":0,\"info\":{\"data\":\"aGVsbG8=\"}}");
    web_ended(3, IOT_WEB_POST, IOT_OK, 0);
    assert_string_equal(web_reply, "hello");
    small.reply = NULL; /* not wanted */
    assert_err(iot_web_post(&web, &small, 1), IOT_OK);
    web_answer(200, "{\"code\":0,\"info\":{\"data\":\"nonsense!\"}}");
    web_ended(4, IOT_WEB_POST, IOT_OK, 0);
}

/* ---- What is not sent ------------------------------------------------------------------------ */

static void topics_are_checked(void **state)
{
    char topic[160];
    static const char *const bad[] = {"",    "a",     "/a b",    "/a?b",
                                      "/a#", "/a%41", "/a\r\nb", "/\xc3\xa4"};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct iot_web_post post = {.topic = bad[i]};
        assert_err(iot_web_post(&web, &post, 0), IOT_ERR_MQTT_TOPIC);
    }
    memset(topic, '/', sizeof topic);
    struct iot_web_post post = {.topic = topic};
    topic[129] = '\0';
    assert_err(iot_web_post(&web, &post, 0), IOT_ERR_MQTT_TOPIC);
    topic[128] = '\0';
    assert_err(iot_web_post(&web, &post, 0), IOT_OK);
    web_end(IOT_ERR_CLOSED, 0);
    assert_int_equal(web_http.asked, 1);
}

static iot_err sign_result;

static iot_err element(void *ctx, enum iot_sign_method method, struct iot_bytes text,
                       uint8_t mac[32])
{
    (void)ctx;
    (void)method;
    (void)text;
    memset(mac, 1, 32);
    return sign_result;
}

static void a_secure_element_that_is_not_ready_ends_a_renewal_but_no_hope(void **state)
{
    (void)state;
    web_id.device_secret = NULL;
    web_id.sign = element;
    sign_result = IOT_ERR_AGAIN;
    assert_err(iot_web_post(&web, &message, 0), IOT_ERR_AGAIN);
    sign_result = IOT_OK;
    with_token(0);
    assert_err(iot_web_post(&web, &message, 1), IOT_OK);
    sign_result = IOT_ERR_AGAIN;
    web_answer(200, "{\"code\":20001}");
    web_ended(2, IOT_WEB_POST, IOT_ERR_AGAIN, 20001);
    assert_int_equal(web_result.retry_ms, 1000);
    sign_result = IOT_OK;
    assert_err(iot_web_post(&web, &message, 2), IOT_OK);
    asks_for_a_token();
    web_end(IOT_ERR_CLOSED, 0);
}

static void a_connection_that_is_lost_is_not_repeated(void **state)
{
    (void)state;
    with_token(0);
    assert_err(iot_web_post(&web, &message, 1), IOT_OK);
    uint32_t asked = web_http.asked;
    web_end(IOT_ERR_TCP_RESET, -14);
    web_ended(2, IOT_WEB_POST, IOT_ERR_TCP_RESET, -14);
    assert_int_equal(web_http.asked, asked);
    assert_int_equal(web_result.retry_ms, 1000);
}

static void bytes_of_every_kind_are_sent_as_they_are(void **state)
{
    static const uint8_t bytes[] = {0, 255, '\r', '\n', 0};
    const struct iot_web_post post = {.topic = "/a", .payload = {bytes, sizeof bytes}};
    (void)state;
    with_token(0);
    assert_err(iot_web_post(&web, &post, 1), IOT_OK);
    assert_ptr_equal(web_http.request.body.ptr, bytes); /* not copied */
    assert_int_equal(web_http.request.body.len, sizeof bytes);
    web_answer(200, DONE);
    web_ended(2, IOT_WEB_POST, IOT_OK, 0);
}

#define WEB_TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(the_first_message_fetches_a_token),
        WEB_TEST(each_method_signs),
        WEB_TEST(a_client_id_is_escaped),
        WEB_TEST(a_token_is_renewed_before_its_48_hours_end),
        WEB_TEST(a_token_that_the_platform_forgot_is_renewed_once),
        WEB_TEST(each_code_has_its_pause),
        WEB_TEST(the_status_of_a_token_request_is_no_reason_to_ask_again),
        WEB_TEST(a_token_that_is_none_is_refused),
        WEB_TEST(replies_come_out_of_base64),
        WEB_TEST(what_is_no_base64_is_an_error),
        WEB_TEST(a_reply_that_does_not_fit_is_said),
        WEB_TEST(topics_are_checked),
        WEB_TEST(a_secure_element_that_is_not_ready_ends_a_renewal_but_no_hope),
        WEB_TEST(a_connection_that_is_lost_is_not_repeated),
        WEB_TEST(bytes_of_every_kind_are_sent_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
