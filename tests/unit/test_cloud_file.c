/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#include "cloud/cloud_file.h"

#define GET    "thing/config/get"
#define PARAMS "{\"configScope\":\"product\",\"getType\":\"file\"}"

static const char *why;

static void set(const char *text, enum cloud_hash method)
{
    if (!cloud_file_set(&cloud, 0, text, method, &why))
        fail_msg("%s", why);
}

static void a_configuration_is_described_as_in_the_reference(void **state)
{
    (void)state;
    set("{\"a\":1}",
        CLOUD_SHA256); /* the stand-in's digest of 7 bytes that start with 0x7b is all 0x82 */
    const char *said = lamp_ask(
        GET, "{\"id\":\"16\",\"version\":\"1.0\",\"params\":{\"configScope\":\"product\","
             "\"getType\":\"file\",\"attributeKeys\":\"\"},\"method\":\"thing.config.get\"}");
    static const char head[] =
        "{\"code\":200,\"data\":{\"configId\":\"cfg0001\",\"configSize\":7,\"sign\":"
        "\"8282828282828282828282828282828282828282828282828282828282828282\",\"signMethod\":"
        "\"Sha256\",\"url\":\"https://ota.example.com/cfg/" PK
        "-cfg0001.json?Expires=1700003601&Signature=";
    static const char tail[] = "\",\"getType\":\"file\"},\"id\":\"16\",\"message\":\"success\","
                               "\"method\":\"thing.config.get\",\"version\":\"1.0\"}";
    assert_memory_equal(said, head, strlen(head));
    assert_string_equal(said + strlen(said) - strlen(tail), tail);
    set("[]", CLOUD_MD5);
    assert_code(
        GET, PARAMS, 200,
        "\"configId\":\"cfg0002\",\"configSize\":2,\"sign\":\"5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d"
        "\",\"signMethod\":\"Md5\"");
}

static void without_one_the_code_says_so(void **state)
{
    (void)state;
    assert_code(GET, PARAMS, 6710, "");
    set("{}", CLOUD_SHA256);
    assert_code(GET, PARAMS, 200, "");
    assert_code(GET, "{\"configScope\":\"device\",\"getType\":\"file\"}", 460, "");
    assert_code(GET, "{\"configScope\":\"product\",\"getType\":\"content\"}", 460, "");
    cloud.book.rules.no_config = true;
    assert_code(GET, PARAMS, 6713, "");
    cloud.book.rules.no_config = false;
    set(NULL, CLOUD_SHA256);
    assert_code(GET, PARAMS, 6710, "");
}

static void a_file_is_json_of_at_most_64_kilobytes(void **state)
{
    static char text[CLOUD_FILE_MAX + 2];
    (void)state;
    assert_false(cloud_file_set(&cloud, 0, "{", CLOUD_SHA256, &why));
    assert_contains(why, "not JSON");
    memset(text, ' ', sizeof text);
    text[0] = '[';
    text[CLOUD_FILE_MAX - 1] = ']';
    text[CLOUD_FILE_MAX] = 0;
    set(text, CLOUD_SHA256);
    text[CLOUD_FILE_MAX - 1] = ' ';
    text[CLOUD_FILE_MAX] = ']';
    text[CLOUD_FILE_MAX + 1] = 0;
    assert_false(cloud_file_set(&cloud, 0, text, CLOUD_SHA256, &why));
    assert_contains(why, "at most 64 KB");
    cloud.config.digest = NULL;
    assert_false(cloud_file_set(&cloud, 0, "{}", CLOUD_SHA256, &why));
    assert_code(GET, PARAMS, 200, "\"configSize\":65536"); /* as it was */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(a_configuration_is_described_as_in_the_reference),
        LAMP_TEST(without_one_the_code_says_so),
        LAMP_TEST(a_file_is_json_of_at_most_64_kilobytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
