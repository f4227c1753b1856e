/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "json/iot_json_base64.h"

/* The string is the whole of a guarded page: one byte too far is noticed. */
static iot_err read_text(const char *json, uint8_t *into, uint32_t cap, uint32_t *len)
{
    struct iot_bytes in = guarded(text_bytes(json));
    *len = 99;
    return iot_json_base64((struct iot_json){in.ptr, in.len}, into, cap, len);
}

static void the_rows_of_the_rfc_are_read(void **state)
{
    static const char *const rows[][2] = {
        {"\"\"", ""},
        {"\"Zg==\"", "f"},
        {"\"Zm8=\"", "fo"},
        {"\"Zm9v\"", "foo"},
        {"\"Zm9vYg==\"", "foob"},
        {"\"Zm9vYmE=\"", "fooba"},
        {"\"Zm9vYmFy\"", "foobar"},
        {"\"+/+/\"", "\xfb\xff\xbf"},
        {"\"+\\/+\\/\"", "\xfb\xff\xbf"},
    };
    uint8_t out[8];
    uint32_t len;
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t want = strlen(rows[i][1]);
        assert_int_equal(read_text(rows[i][0], out, (uint32_t)want, &len), IOT_OK);
        assert_int_equal(len, want);
        assert_memory_equal(out, rows[i][1], want);
        if (want != 0)
            assert_int_equal(read_text(rows[i][0], out, (uint32_t)want - 1, &len), IOT_ERR_SIZE);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    static const char *const rows[] = {"\"Z\"",          "\"Zg\"",    "\"Zg=\"",  "\"Zh==\"",
                                       "\"Zm9=\"",       "\"Zg===\"", "\"=\"",    "\"Zg==Zg\"",
                                       "\"Zm 9v\"",      "\"Zm9-\"",  "\"Zm9_\"", "\"\\n\"",
                                       "\"====\"",       "\"Zm9v=\"", "\"Zg=v\"", "\"Zm9v\\\"",
                                       "\"\\u0041AAA\"", "42",        "null",     "[\"Zg==\"]"};
    uint8_t out[16];
    uint32_t len;
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(read_text(rows[i], out, sizeof out, &len), IOT_ERR_JSON_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rows_of_the_rfc_are_read),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests_name("json_base64", tests, NULL, NULL);
}
