/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "iot/iot_json.h"

#include "heap_trap.h"

static struct iot_json checked(const char *text)
{
    struct iot_json root = {NULL, 0};
    assert_err(iot_json_check(guarded(text_bytes(text)), &root, NULL), IOT_OK);
    return root;
}

static struct iot_json raw(struct iot_bytes text)
{
    return (struct iot_json){text.ptr, text.len};
}

#define assert_json(v, expected)                                                                   \
    assert_bytes(((struct iot_bytes){(v).ptr, (v).len}), text_bytes(expected))

static const char property_set[] =
    "{\"method\":\"thing.service.property.set\",\"id\":\"123456\",\"params\":{\"temperature\":21.5,"
    "\"power\":1,"
    "\"name\":\"lamp\",\"mode\":-3,\"count\":4294967295},\"version\":\"1.0.0\"}";

static void a_property_set_is_read_member_by_member(void **state)
{
    static const char *const names[] = {"temperature", "power", "name", "mode", "count"};
    struct iot_json root, params, key, value;
    float temperature = 0;
    bool power = false;
    char name[8];
    int32_t mode = 0;
    uint32_t count = 0, id = 0, i = 0;
    (void)state;

    struct iot_bytes text = guarded(text_bytes(property_set));
    heap_trap_on();
    iot_err err = iot_json_check(text, &root, NULL);
    heap_trap_off();
    assert_err(err, IOT_OK);
    assert_int_equal(iot_json_count(root), 4);
    assert_err(iot_json_get(root, "id", &value), IOT_OK);
    assert_err(iot_json_u32_text(value, &id), IOT_OK);
    assert_int_equal(id, 123456);
    assert_err(iot_json_get(root, "params", &params), IOT_OK);
    assert_int_equal(iot_json_count(params), 5);
    struct iot_json_walk w = iot_json_walk(params);
    for (; iot_json_next(&w, &key, &value); i++)
        assert_true(iot_json_is(key, names[i]));
    assert_int_equal(i, 5);
    assert_false(iot_json_next(&w, &key, &value));
    assert_err(iot_json_get(params, "temperature", &value), IOT_OK);
    assert_err(iot_json_float(value, &temperature), IOT_OK);
    assert_true(temperature == 21.5f);
    assert_err(iot_json_get(params, "power", &value), IOT_OK);
    assert_err(iot_json_bool(value, &power), IOT_OK);
    assert_true(power);
    assert_err(iot_json_get(params, "name", &value), IOT_OK);
    assert_err(iot_json_text(value, name, sizeof name, NULL), IOT_OK);
    assert_string_equal(name, "lamp");
    assert_err(iot_json_get(params, "mode", &value), IOT_OK);
    assert_err(iot_json_i32(value, &mode), IOT_OK);
    assert_int_equal(mode, -3);
    assert_err(iot_json_get(params, "count", &value), IOT_OK);
    assert_err(iot_json_u32(value, &count), IOT_OK);
    assert_int_equal(count, UINT32_MAX);
    assert_err(iot_json_get(root, "version", &value), IOT_OK);
    assert_json(value, "\"1.0.0\"");
}

static void a_member_is_found_by_its_name_however_that_is_written(void **state)
{
    struct iot_json root =
        checked("{\"a\":1 ,\"ab\" "
                ":2,\"\\u0061bc\":3,\"a\":4,\"\":5,\"params\":{\"a\":6},\"x\\\"y\":7,\"tab\\t\":8,"
                "\"a\\u0000b\":9,\"\\ud83d\\ude00\":10,\"A\":11}");
    static const struct {
        const char *name;
        int32_t value; /* 0: there is none */
    } rows[] = {{"a", 1},
                {"ab", 2},
                {"abc", 3},
                {"", 5},
                {"x\"y", 7},
                {"tab\t", 8},
                {"\xf0\x9f\x98\x80", 10},
                {"A", 11},
                {"abcd", 0},
                {"param", 0},
                {"b", 0},
                {"a\\", 0},
                {"\\u0061bc", 0},
                {"paramss", 0},
                {"x", 0},
                {"tab", 0}};
    struct iot_json value = {NULL, 9};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        int32_t number = 0;
        struct iot_json v = {NULL, 9};
        iot_err err = iot_json_get(root, rows[i].name, &v);
        assert_err(err, rows[i].value != 0 ? IOT_OK : IOT_ERR_JSON_MISSING);
        if (err == IOT_OK)
            assert_err(iot_json_i32(v, &number), IOT_OK);
        else
            assert_int_equal(v.len, 9);
        assert_int_equal(number, rows[i].value);
    }
    /* of anything but an object there is no member */
    assert_err(iot_json_get(checked("[\"a\",1]"), "a", &value), IOT_ERR_JSON_MISSING);
    assert_err(iot_json_get(checked("\"a\""), "a", &value), IOT_ERR_JSON_MISSING);
    assert_err(iot_json_get(checked("1"), "a", &value), IOT_ERR_JSON_MISSING);
    assert_err(iot_json_get(checked("{}"), "a", &value), IOT_ERR_JSON_MISSING);
    assert_err(iot_json_get((struct iot_json){NULL, 0}, "a", &value), IOT_ERR_JSON_MISSING);
    assert_int_equal(value.len, 9);
}

static void walks_go_through_all_of_a_container_and_no_further(void **state)
{
    static const struct {
        const char *text;
        uint32_t count;
        const char *keys, *values; /* each with a blank behind */
    } rows[] = {
        {"[]", 0, "", ""},
        {"{}", 0, "", ""},
        {"[ \t\n]", 0, "", ""},
        {"{ }", 0, "", ""},
        {"[1]", 1, "- ", "1 "},
        {"[ 1 , 2 ]", 2, "- - ", "1 2 "},
        {"[[1,2],[3]]", 2, "- - ", "[1,2] [3] "},
        {"{\"a\":{\"b\":[1,{}]},\"c\":\"}\"}", 2, "\"a\" \"c\" ", "{\"b\":[1,{}]} \"}\" "},
        {"{ \"a\" :\n1 ,\t\"b\": null }", 2, "\"a\" \"b\" ", "1 null "},
        {"[\"a\\\"]\",\"\\\\\",true,-1e5]", 4, "- - - - ", "\"a\\\"]\" \"\\\\\" true -1e5 "},
        {"[\"\",\",\",\":\"]", 3, "- - - ", "\"\" \",\" \":\" "},
        {"{\"{\":[[[]]],\"\\\"\":{\"}\":\"{\"}}", 2, "\"{\" \"\\\"\" ", "[[[]]] {\"}\":\"{\"} "},
        {"1", 0, "", ""},
        {"\"[1,2]\"", 0, "", ""},
        {"null", 0, "", ""},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_json root = checked(rows[i].text), key, value;
        char keys[64] = "", values[64] = "";
        uint32_t count = 0;
        for (struct iot_json_walk w = iot_json_walk(root); iot_json_next(&w, &key, &value);
             count++) {
            if (iot_json_kind(key) == IOT_JSON_NONE)
                strcat(keys, "-");
            else
                strncat(keys, (const char *)key.ptr, key.len);
            strcat(keys, " ");
            strncat(values, (const char *)value.ptr, value.len);
            strcat(values, " ");
        }
        assert_int_equal(count, rows[i].count);
        assert_int_equal(iot_json_count(root), rows[i].count);
        assert_string_equal(keys, rows[i].keys);
        assert_string_equal(values, rows[i].values);
    }
    assert_int_equal(iot_json_count((struct iot_json){NULL, 0}), 0);
}

static void each_getter_answers_each_kind(void **state)
{
    static const struct {
        const char *text;
        enum iot_json_kind kind;
    } kinds[] = {
        {"null", IOT_JSON_NULL},        {"false", IOT_JSON_FALSE},  {"true", IOT_JSON_TRUE},
        {"12", IOT_JSON_NUMBER},        {"-1", IOT_JSON_NUMBER},    {"1.5", IOT_JSON_NUMBER},
        {"\"12\"", IOT_JSON_STRING},    {"\"x\"", IOT_JSON_STRING}, {"[1]", IOT_JSON_ARRAY},
        {"{\"a\":1}", IOT_JSON_OBJECT}, {"1", IOT_JSON_NUMBER},     {"0.0", IOT_JSON_NUMBER}};
    (void)state;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct iot_json v = checked(kinds[i].text);
        bool is_number = kinds[i].kind == IOT_JSON_NUMBER,
             is_string = kinds[i].kind == IOT_JSON_STRING;
        bool whole = is_number && strchr(kinds[i].text, '5') == NULL,
             numeric = strcmp(kinds[i].text, "\"12\"") == 0;
        int32_t i32 = 77;
        uint32_t u32 = 77, len = 77;
        int64_t i64 = 77;
        float f = 77;
        double d = 77;
        bool b = false;
        char text[8] = "old";
        struct iot_bytes bytes = {NULL, 77};

        assert_int_equal(iot_json_kind(v), kinds[i].kind);
        assert_err(iot_json_i32(v, &i32), whole ? IOT_OK : IOT_ERR_JSON_TYPE);
        assert_err(iot_json_i64(v, &i64), whole ? IOT_OK : IOT_ERR_JSON_TYPE);
        assert_err(iot_json_u32(v, &u32), !whole    ? IOT_ERR_JSON_TYPE
                                          : i64 < 0 ? IOT_ERR_JSON_RANGE
                                                    : IOT_OK);
        assert_true(whole ? i32 == i64 && (i64 < 0 || u32 == i64)
                          : i32 == 77 && i64 == 77 && u32 == 77);
        assert_err(iot_json_float(v, &f), is_number ? IOT_OK : IOT_ERR_JSON_TYPE);
        assert_err(iot_json_double(v, &d), is_number ? IOT_OK : IOT_ERR_JSON_TYPE);
        assert_true(is_number ? d == strtod(kinds[i].text, NULL) && (double)f == d
                              : d == 77 && f == 77);
        iot_err err = iot_json_bool(v, &b);
        if (kinds[i].kind == IOT_JSON_TRUE || kinds[i].kind == IOT_JSON_FALSE ||
            (whole && (i64 == 0 || i64 == 1))) {
            assert_err(err, IOT_OK);
            assert_int_equal(b, kinds[i].kind == IOT_JSON_TRUE || i64 == 1);
        } else {
            assert_err(err, whole ? IOT_ERR_JSON_RANGE : IOT_ERR_JSON_TYPE);
            assert_false(b);
        }
        i64 = 77;
        u32 = 77;
        assert_err(iot_json_i64_text(v, &i64), whole || numeric ? IOT_OK : IOT_ERR_JSON_TYPE);
        assert_err(iot_json_u32_text(v, &u32), !whole && !numeric ? IOT_ERR_JSON_TYPE
                                               : i64 < 0          ? IOT_ERR_JSON_RANGE
                                                                  : IOT_OK);
        assert_true(!numeric || (i64 == 12 && u32 == 12));
        assert_err(iot_json_text(v, text, sizeof text, &len),
                   is_string ? IOT_OK : IOT_ERR_JSON_TYPE);
        assert_string_equal(text, !is_string ? "old" : numeric ? "12" : "x");
        assert_int_equal(len, !is_string ? 77 : numeric ? 2 : 1);
        assert_int_equal(iot_json_text_len(v), !is_string ? 0 : numeric ? 2 : 1);
        assert_err(iot_json_raw_text(v, &bytes), is_string ? IOT_OK : IOT_ERR_JSON_TYPE);
        assert_int_equal(bytes.len, !is_string ? 77 : numeric ? 2 : 1);
        assert_int_equal(iot_json_is(v, "x"), is_string && !numeric);
        assert_int_equal(iot_json_is(v, kinds[i].text), false);
    }
    assert_int_equal(iot_json_kind((struct iot_json){NULL, 0}), IOT_JSON_NONE);
}

static void no_value_is_of_no_type(void **state)
{
    struct iot_json none = {NULL, 0};
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    float f;
    double d;
    bool b;
    char text[8];
    struct iot_bytes bytes;
    (void)state;

    assert_err(iot_json_i32(none, &i32), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_u32(none, &u32), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_i64(none, &i64), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_float(none, &f), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_double(none, &d), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_bool(none, &b), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_u32_text(none, &u32), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_i64_text(none, &i64), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_text(none, text, sizeof text, NULL), IOT_ERR_JSON_TYPE);
    assert_err(iot_json_raw_text(none, &bytes), IOT_ERR_JSON_TYPE);
    assert_false(iot_json_is(none, ""));
    assert_int_equal(iot_json_text_len(none), 0);
}

static void truth_is_also_the_numbers_1_and_0(void **state)
{
    static const struct {
        const char *text;
        iot_err err;
        bool value;
    } rows[] = {{"true", IOT_OK, true},
                {"false", IOT_OK, false},
                {"1", IOT_OK, true},
                {"0", IOT_OK, false},
                {"1.0", IOT_OK, true},
                {"-0", IOT_OK, false},
                {"2", IOT_ERR_JSON_RANGE, false},
                {"-1", IOT_ERR_JSON_RANGE, false},
                {"1e99", IOT_ERR_JSON_RANGE, false},
                {"0.5", IOT_ERR_JSON_TYPE, false},
                {"\"true\"", IOT_ERR_JSON_TYPE, false},
                {"\"1\"", IOT_ERR_JSON_TYPE, false},
                {"null", IOT_ERR_JSON_TYPE, false}};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        bool value = !rows[i].value;
        assert_err(iot_json_bool(checked(rows[i].text), &value), rows[i].err);
        assert_int_equal(value, rows[i].err == IOT_OK ? rows[i].value : !rows[i].value);
    }
}

static void numbers_in_strings_are_whole_strings(void **state)
{
    static const char *const rows[] = {"\" 1\"", "\"1 \"", "\"\"",        "\"1,2\"", "\"0x10\"",
                                       "\"+1\"", "\"1a\"", "\"\\u0031\"", "\"-\"",   "\"01\"",
                                       "true",   "null",   "[1]",         "\"1.5\""};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t u32 = 77;
        assert_err(iot_json_u32_text(checked(rows[i]), &u32), IOT_ERR_JSON_TYPE);
        assert_int_equal(u32, 77);
    }
}

static void texts_have_their_escapes_resolved(void **state)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"\"\"", ""},
        {"\"abc\"", "abc"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u007f\"", "A\x7f"},
        {"\"\\u0080\\u07FF\"", "\xc2\x80\xdf\xbf"},
        {"\"\\u0800\\uffff\\ud7ff\\ue000\"", "\xe0\xa0\x80\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80"},
        {"\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        {"\"\\u6e29\xe5\xba\xa6\"", "\xe6\xb8\xa9\xe5\xba\xa6"},
        {"\"a\\nb\\u00e9c\\\\\"", "a\nb\xc3\xa9"
                                  "c\\"},
        {"\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80"},
        {"\"\\u0001\"", "\x01"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_json v = checked(rows[i].json);
        uint32_t need = (uint32_t)strlen(rows[i].text), len = 77;
        struct iot_bytes bytes;

        assert_int_equal(iot_json_text_len(v), need);
        assert_true(iot_json_is(v, rows[i].text));
        for (uint32_t cap = 0; cap < need + 3; cap++) {
            char to[64];
            memset(to, 'z', sizeof to);
            iot_err err = iot_json_text(v, to, cap, &len);
            assert_int_equal(len, need);
            assert_err(err, cap > need ? IOT_OK : IOT_ERR_SIZE);
            if (cap != 0)
                assert_string_equal(to, cap > need ? rows[i].text : "");
            for (uint32_t n = cap; n < sizeof to; n++)
                assert_int_equal(to[n], 'z');
        }
        /* one character more or less, or another one, is another text */
        char other[64];
        snprintf(other, sizeof other, "%sx", rows[i].text);
        assert_false(iot_json_is(v, other));
        snprintf(other, sizeof other, "%s", rows[i].text);
        for (uint32_t n = 0; n < need; n++) {
            other[n] ^= 1;
            assert_false(iot_json_is(v, other));
            other[n] ^= 1;
        }
        if (need != 0) {
            snprintf(other, need, "%s", rows[i].text);
            assert_false(iot_json_is(v, other));
        }
        if (strchr(rows[i].json, '\\') == NULL) {
            assert_err(iot_json_raw_text(v, &bytes), IOT_OK);
            assert_bytes(bytes, text_bytes(rows[i].text));
        } else {
            assert_err(iot_json_raw_text(v, &bytes), IOT_ERR_STATE);
        }
    }
}

static void a_text_with_a_nul_is_refused_rather_than_cut(void **state)
{
    char to[16] = "old";
    uint32_t len = 0;
    struct iot_json v = checked("\"a\\u0000b\"");
    (void)state;

    assert_err(iot_json_text(v, to, sizeof to, &len), IOT_ERR_JSON_RANGE);
    assert_string_equal(to, "");
    assert_int_equal(len, 3);
    assert_int_equal(iot_json_text_len(v), 3);
    assert_false(iot_json_is(v, "a"));
    assert_false(iot_json_is(checked("\"\\u0000\""), ""));
}

/* Everything that can be asked of a value. What it answers does not matter, only that it reads nothing behind the end. */
static void ask_all(struct iot_json v, uint32_t depth)
{
    struct iot_json key, value = {NULL, 0};
    struct iot_json_walk w;
    char to[8];
    int32_t i32;
    uint32_t u32, steps = 0;
    int64_t i64;
    float f;
    double d;
    bool b;
    struct iot_bytes bytes;

    (void)iot_json_kind(v);
    (void)iot_json_i32(v, &i32);
    (void)iot_json_u32(v, &u32);
    (void)iot_json_i64(v, &i64);
    (void)iot_json_float(v, &f);
    (void)iot_json_double(v, &d);
    (void)iot_json_bool(v, &b);
    (void)iot_json_u32_text(v, &u32);
    (void)iot_json_i64_text(v, &i64);
    (void)iot_json_text(v, to, sizeof to, &u32);
    (void)iot_json_text_len(v);
    (void)iot_json_raw_text(v, &bytes);
    (void)iot_json_is(v, "a");
    (void)iot_json_is(v, "");
    (void)iot_json_get(v, "a", &value);
    if (iot_json_count(v) > v.len)
        fail_msg("more elements than bytes");
    for (w = iot_json_walk(v); iot_json_next(&w, &key, &value);) {
        if (++steps > v.len || value.len == 0 || value.len > v.len || value.ptr < v.ptr ||
            value.ptr + value.len > v.ptr + v.len ||
            (key.len != 0 && (key.ptr < v.ptr || key.ptr + key.len > value.ptr)))
            fail_msg("a value outside of its container");
        if (depth != 0) {
            ask_all(value, depth - 1);
            ask_all(key, depth - 1);
        }
    }
}

static void what_was_never_checked_is_not_read_beyond_its_end(void **state)
{
    static const char alphabet[] = "{}[]\",:\\u0d8e1-.tfn \x01\x80\xff";
    uint32_t seed = test_seed();
    uint8_t bytes[64];
    (void)state;

    for (int i = 0; i < 100000; i++) {
        uint32_t n = test_random(&seed, sizeof bytes);
        for (uint32_t at = 0; at < n; at++)
            bytes[at] = test_random(&seed, 8) == 0
                            ? (uint8_t)test_random(&seed, 256)
                            : (uint8_t)alphabet[test_random(&seed, sizeof alphabet)];
        if (n != 0 && test_random(&seed, 2) == 0)
            bytes[0] = (uint8_t) "{[\"-"[test_random(&seed, 4)];
        ask_all(raw(guarded((struct iot_bytes){bytes, n})), 2);
    }
    for (uint32_t n = 0; n < sizeof property_set; n++)
        ask_all(raw(guarded((struct iot_bytes){(const uint8_t *)property_set, n})), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_property_set_is_read_member_by_member),
        cmocka_unit_test(a_member_is_found_by_its_name_however_that_is_written),
        cmocka_unit_test(walks_go_through_all_of_a_container_and_no_further),
        cmocka_unit_test(each_getter_answers_each_kind),
        cmocka_unit_test(no_value_is_of_no_type),
        cmocka_unit_test(truth_is_also_the_numbers_1_and_0),
        cmocka_unit_test(numbers_in_strings_are_whole_strings),
        cmocka_unit_test(texts_have_their_escapes_resolved),
        cmocka_unit_test(a_text_with_a_nul_is_refused_rather_than_cut),
        cmocka_unit_test(what_was_never_checked_is_not_read_beyond_its_end),
    };
    return cmocka_run_group_tests_name("json_reader", tests, NULL, NULL);
}
