/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to CBOR. */
#include "cbor_vectors.h"

#include "heap_trap.h"

static uint8_t room[2048];

static uint32_t transcode(const char *json, uint32_t cap, bool *overflow)
{
    struct iot_writer w = {.ptr = at_guard(NULL, cap), .cap = cap};
    struct iot_json root;

    assert_err(iot_json_check(text_bytes(json), &root, NULL), IOT_OK);
    heap_trap_on();
    iot_cbor_of_json(root, &w);
    heap_trap_off();
    memcpy(room, w.ptr, w.len);
    *overflow = w.overflow;
    return w.len;
}

static void becomes(const char *json, const char *hex)
{
    char text[2 * sizeof room + 1];
    struct iot_writer count = {.ptr = NULL, .cap = UINT32_MAX};
    struct iot_json root;
    struct iot_cbor v;
    bool overflow;
    uint32_t len = transcode(json, sizeof room, &overflow), less;

    assert_false(overflow);
    to_hex((struct iot_bytes){room, len}, text, sizeof text);
    assert_string_equal(text, hex);
    assert_err(iot_cbor_check((struct iot_bytes){room, len}, &v, NULL), IOT_OK);
    assert_err(iot_json_check(text_bytes(json), &root, NULL), IOT_OK);
    iot_cbor_of_json(root, &count);
    assert_int_equal(count.len, len);
    assert_int_equal(transcode(json, len, &overflow), len);
    assert_false(overflow);
    less = transcode(json, len - 1, &overflow);
    assert_true(overflow && less < len);
}

static void values_of_each_kind(void **state)
{
    (void)state;
    becomes("null", "f6");
    becomes(" true ", "f5");
    becomes("false", "f4");
    becomes("0", "00");
    becomes("-0", "00");
    becomes("-1000", "3903e7");
    becomes("1e3", "1903e8");
    becomes("1.0", "01");
    becomes("9223372036854775807", "1b7fffffffffffffff");
    becomes("9223372036854775808", "fa5f000000"); /* beyond an int64_t: a float that is the same */
    becomes("1.5", "f93e00");
    becomes("1.1", "fb3ff199999999999a");
    becomes("1e300", "fb7e37e43c8800759c");
    becomes("1e400", "f6");
    becomes("\"\"", "60");
    becomes("\"IETF\"", "6449455446");
    becomes("[]", "80");
    becomes("{}", "a0");
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    becomes("\"\\\"\\\\\"", "62225c");
    becomes("\"\\u00fc\"", "62c3bc");
    becomes("\"\\u6c34\"", "63e6b0b4");
    becomes("\"\\ud800\\udd51\"", "64f0908591");
    becomes("\"a\\nb\\/\\t\"", "65610a622f09");
    becomes("\"\xc3\xbc\"", "62c3bc");
    becomes("{\"\\u0061\":\"\\\"\"}", "a161616122");
}

static void containers_in_each_other(void **state)
{
    (void)state;
    becomes("[1,[2,3],[4,5]]", "8301820203820405");
    becomes(" { \"a\" : 1 , \"b\" : [ 2 , 3 ] } ", "a26161016162820203");
    becomes("[\"a\",{\"b\":\"c\"}]", "826161a161626163");
    becomes("[[[[]]],{\"a\":{\"b\":{}}},\"]}\",1]", "84818180a16161a16162a0625d7d01");
    becomes("[{},{},[],[]]", "84a0a08080");
    becomes("{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},\"method\":\"m\"}",
            "a462696461316776657273696f6e63312e3066706172616d73a16b4c69676874537769746368"
            "01666d6574686f64616d");
}

static void as_deep_as_json_may_be(void **state)
{
    char json[4 * IOT_JSON_DEPTH_MAX + 1], hex[2 * IOT_JSON_DEPTH_MAX + 3] = "";
    (void)state;
    memset(json, 0, sizeof json);
    for (int i = 0; i < IOT_JSON_DEPTH_MAX; i++) {
        json[i] = '[';
        strcat(hex, i + 1 < IOT_JSON_DEPTH_MAX ? "81" : "80");
    }
    memset(json + IOT_JSON_DEPTH_MAX, ']', IOT_JSON_DEPTH_MAX);
    becomes(json, hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_each_kind),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(containers_in_each_other),
        cmocka_unit_test(as_deep_as_json_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
