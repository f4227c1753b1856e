/* SPDX-License-Identifier: Apache-2.0 */
/* Remote configuration: what is asked, what is read of the answer, and how a push is answered. */
#include "alink_device.h"

#define SHA "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
#define MD5 "0123456789abcdef0123456789abcdef"
#define DATA                                                                                       \
    "{\"configId\":\"cfg0001\",\"configSize\":1024,\"sign\":\"" SHA                                \
    "\",\"signMethod\":\"Sha256\","                                                                \
    "\"url\":\"https:\\/\\/cfg.example.com/"                                                       \
    "cfg0001.json?Expires=1700003600\",\"getType\":\"file\"}"

static const struct iot_port port = {.random = even_bytes};
static struct iot_config_info info;
static iot_err read_says;
static char url[128];

static void read_it(const struct iot_event *ev)
{
    struct iot_json data = {NULL, 0};

    if (ev->kind == IOT_EV_REPLY)
        data = ev->reply->data;
    else if (ev->kind == IOT_EV_NOTICE)
        data = ev->notice->data;
    else
        return;
    read_says = iot_config_read(data, &info);
    if (read_says == IOT_OK)
        assert_err(iot_json_text(info.url, url, sizeof url, NULL), IOT_OK);
}

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    on_told = read_it;
    memset(&info, 0xee, sizeof info);
    read_says = IOT_ERR_AGAIN;
    return 0;
}

static void it_is_asked_for_and_read(void **state)
{
    iot_ticket ticket;
    (void)state;

    assert_err(iot_config_ask(&dev, &ticket), IOT_OK);
    assert_published(
        "0 " SYS
        "thing/config/get {\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.config.get\","
        "\"params\":{\"configScope\":\"product\",\"getType\":\"file\"}}\n");
    feed_reply("thing/config/get", ticket, 200, DATA);
    assert_told("REPLY 1 OK 200 " DATA "\n");
    assert_err(read_says, IOT_OK);
    assert_string_equal(url, "https://cfg.example.com/cfg0001.json?Expires=1700003600");
}

static void a_push_is_answered_and_told(void **state)
{
    (void)state;

    feed(SYS "thing/config/push", "{\"id\":\"17\",\"version\":\"1.0\",\"params\":" DATA
                                  ",\"method\":\"thing.config.push\"}");
    assert_told("CONFIG OK 0 " DATA "\n");
    assert_published("0 " SYS "thing/config/push_reply {\"id\":\"17\",\"code\":200,\"data\":{}}\n");
    assert_err(read_says, IOT_OK);
    assert_true(iot_json_is(info.id, "cfg0001"));
    assert_int_equal(info.size, 1024);
    assert_int_equal(info.sign_method, IOT_CONFIG_SIGN_SHA256);
    assert_bytes(info.sign, BYTES(SHA));
    assert_string_equal(url, "https://cfg.example.com/cfg0001.json?Expires=1700003600");
}

static void a_code_of_refusal_is_told(void **state)
{
    (void)state;

    assert_err(iot_config_ask(&dev, NULL), IOT_OK);
    published();
    feed_reply("thing/config/get", 1, 6710, "{}");
    assert_told("REPLY 1 LINK_CODE 6710 {}\n");
    assert_err(read_says, IOT_ERR_JSON_MISSING);
}

static void an_md5_and_a_size_in_words_are_read(void **state)
{
    (void)state;

    feed(SYS "thing/config/push",
         "{\"id\":\"17\",\"params\":{\"url\":\"u\",\"signMethod\":\"MD5\",\"sign\":\"" MD5
         "\",\"configSize\":\"65536\",\"configId\":\"c\"}}");
    assert_err(read_says, IOT_OK);
    assert_int_equal(info.sign_method, IOT_CONFIG_SIGN_MD5);
    assert_int_equal(info.size, 65536);
    assert_bytes(info.sign, BYTES(MD5));
}

static void what_is_unusable_is_answered_by_400_and_dropped_by_name(void **state)
{
    static const char *const bad[][2] = {
        {"[]", "JSON_MISSING"},
        {"{\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":\"" MD5 "\",\"configSize\":1}",
         "JSON_MISSING"},
        {"{\"configId\":1,\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":\"" MD5
         "\",\"configSize\":1}",
         "JSON_TYPE"},
        {"{\"configId\":\"c\",\"url\":\"\",\"signMethod\":\"Md5\",\"sign\":\"" MD5
         "\",\"configSize\":1}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":\"" MD5
         "\",\"configSize\":0}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":\"" MD5
         "\",\"configSize\":-1}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":\"" MD5
         "\",\"configSize\":4294967296}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":\"" SHA
         "\",\"configSize\":1}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Sha256\",\"sign\":\"" MD5
         "\",\"configSize\":1}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":\"" MD5
         "0\",\"configSize\":1}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Md5\",\"sign\":"
         "\"g123456789abcdef0123456789abcdef\",\"configSize\":1}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"Sha1\",\"sign\":\"" MD5
         "\",\"configSize\":1}",
         "JSON_RANGE"},
        {"{\"configId\":\"c\",\"url\":\"u\",\"signMethod\":\"M\\u0064\\u0035\",\"sign\":\"" MD5
         "\",\"configSize\":1}",
         "JSON_RANGE"},
    };
    char text[512];
    (void)state;

    for (uint32_t i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof text, "{\"id\":\"17\",\"params\":%s}", bad[i][0]);
        feed(SYS "thing/config/push", text);
        snprintf(text, sizeof text, "SKIPPED %s\n", bad[i][1]);
        assert_told(text);
        assert_published("0 " SYS
                         "thing/config/push_reply {\"id\":\"17\",\"code\":400,\"data\":{}}\n");
    }
    feed(SYS "thing/config/push", "{\"id\":\"17\"");
    assert_told("SKIPPED JSON_SYNTAX\n");
    assert_published("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_asked_for_and_read, setup),
        cmocka_unit_test_setup(a_push_is_answered_and_told, setup),
        cmocka_unit_test_setup(a_code_of_refusal_is_told, setup),
        cmocka_unit_test_setup(an_md5_and_a_size_in_words_are_read, setup),
        cmocka_unit_test_setup(what_is_unusable_is_answered_by_400_and_dropped_by_name, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
