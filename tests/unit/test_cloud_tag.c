/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#define UPDATE "thing/deviceinfo/update"
#define DELETE "thing/deviceinfo/delete"

static void tags_are_set_and_deleted(void **state)
{
    (void)state;
    assert_string_equal(lamp_ask(UPDATE, "{\"id\":\"14\",\"version\":\"1.0\",\"params\":[{"
                                         "\"attrKey\":\"site\",\"attrValue\":\"hall-3\"}],"
                                         "\"method\":\"thing.deviceinfo.update\"}"),
                        "{\"code\":200,\"data\":{},\"id\":\"14\",\"message\":\"success\","
                        "\"method\":\"thing.deviceinfo.update\","
                        "\"version\":\"1.0\"}");
    assert_code(UPDATE,
                "[{\"attrKey\":\"SYS_SDK_LANGUAGE\",\"attrValue\":\"C\",\"domain\":\"SYSTEM\"}]",
                200, "");
    assert_code(UPDATE, "[{\"attrKey\":\"site\",\"attrValue\":\"hall-4\"}]", 200, "");
    assert_string_equal(lamp_known("tags"),
                        "{\"site\":{\"value\":\"hall-4\"},\"SYS_SDK_LANGUAGE\":{\"value\":\"C\","
                        "\"domain\":\"SYSTEM\"}}");
    assert_code(DELETE, "[{\"attrKey\":\"site\"},{\"attrKey\":\"nothing\"}]", 200, "");
    assert_string_equal(lamp_known("tags"),
                        "{\"SYS_SDK_LANGUAGE\":{\"value\":\"C\",\"domain\":\"SYSTEM\"}}");
}

static void a_key_keeps_to_its_letters_and_lengths(void **state)
{
    static const struct {
        const char *key;
        int code;
    } rows[] = {
        {"ab", 200},
        {"a", 460},
        {"", 460},
        {"a1_B", 200},
        {"_a", 200},
        {"1a", 460},
        {"a-b", 460},
        {"a b", 460},
        {"abcdefghijklmnopqrstuvwxyz123456", 200},
        {"abcdefghijklmnopqrstuvwxyz1234567", 460},
        {"\xc3\xa4"
         "b",
         460},
    };
    char params[128];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(params, sizeof params, "[{\"attrKey\":\"%s\",\"attrValue\":\"v\"}]", rows[i].key);
        assert_code(UPDATE, params, rows[i].code, "");
        snprintf(params, sizeof params, "[{\"attrKey\":\"%s\"}]", rows[i].key);
        assert_code(DELETE, params, rows[i].code, "");
    }
}

static void a_wrong_tag_changes_nothing(void **state)
{
    static const char *const bad[] = {
        "[]",
        "[7]",
        "[{\"attrValue\":\"v\"}]",
        "[{\"attrKey\":\"ab\"}]",
        "[{\"attrKey\":\"ab\",\"attrValue\":\"\"}]",
        "[{\"attrKey\":\"ab\",\"attrValue\":7}]",
        "[{\"attrKey\":\"ab\",\"attrValue\":\"v\",\"domain\":7}]",
        "[{\"attrKey\":\"good\",\"attrValue\":\"v\"},{\"attrKey\":\"b\",\"attrValue\":\"v\"}]",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_code(UPDATE, bad[i], 460, "");
    assert_string_equal(lamp_known("tags"), "{}");
}

static void a_hundred_tags_fit_and_no_more(void **state)
{
    static char params[8192];
    (void)state;
    for (int count = 101; count >= 100; count--) {
        size_t at = (size_t)snprintf(params, sizeof params, "[");
        for (int i = 0; i < count; i++)
            at += (size_t)snprintf(params + at, sizeof params - at,
                                   "%s{\"attrKey\":\"tag%d\",\"attrValue\":\"v\"}",
                                   i > 0 ? "," : "", i);
        snprintf(params + at, sizeof params - at, "]");
        assert_code(UPDATE, params, count == 100 ? 200 : 460, "");
    }
    assert_code(UPDATE, "[{\"attrKey\":\"more\",\"attrValue\":\"v\"}]", 460, "more than 100 tags");
    assert_code(UPDATE, "[{\"attrKey\":\"tag7\",\"attrValue\":\"w\"}]", 200, "");
    assert_code(DELETE, "[{\"attrKey\":\"tag7\"}]", 200, "");
    assert_code(UPDATE, "[{\"attrKey\":\"more\",\"attrValue\":\"v\"}]", 200, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(tags_are_set_and_deleted),
        LAMP_TEST(a_key_keeps_to_its_letters_and_lengths),
        LAMP_TEST(a_wrong_tag_changes_nothing),
        LAMP_TEST(a_hundred_tags_fit_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
