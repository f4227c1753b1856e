/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "iot/iot_json.h"

#include "heap_trap.h"

#include <math.h>

static uint8_t room[512];

/* `cap` bytes with 0xEE behind them. */
static struct iot_writer writer(uint32_t cap)
{
    memset(room, 0xee, sizeof room);
    return (struct iot_writer){.ptr = room, .cap = cap};
}

#define assert_written(w, expected)                                                                \
    do {                                                                                           \
        assert_false((w).overflow);                                                                \
        assert_bytes(((struct iot_bytes){room, (w).len}), text_bytes(expected));                   \
    } while (0)

static void put_all(struct iot_writer *w)
{
    iot_json_put(w, "{");
    iot_json_key(w, "id");
    iot_json_put_text(w, "12");
    iot_json_put(w, ",");
    iot_json_key(w, "a\"b");
    iot_json_put(w, "[");
    iot_json_put_i32(w, -40);
    iot_json_put(w, ",");
    iot_json_put_i64(w, INT64_C(1700000000000));
    iot_json_put(w, ",");
    iot_json_put_float(w, 21.5f);
    iot_json_put(w, ",");
    iot_json_put_double(w, -1e-7);
    iot_json_put(w, ",");
    iot_json_put_bytes(w, BYTES("\xe6\xb8\xa9\n\xff"));
    iot_json_put(w, "]}");
}

static const char all[] =
    "{\"id\":\"12\",\"a\\\"b\":[-40,1700000000000,21.5,-1e-7,\"\xe6\xb8\xa9\\n\xef\xbf\xbd\"]}";

static void what_is_put_is_json(void **state)
{
    struct iot_writer w = writer(sizeof room);
    struct iot_json root;
    (void)state;

    heap_trap_on();
    put_all(&w);
    heap_trap_off();
    assert_written(w, all);
    assert_err(iot_json_check((struct iot_bytes){room, w.len}, &root, NULL), IOT_OK);
    assert_int_equal(root.len, w.len);
}

static void what_does_not_fit_overflows_at_every_cap_and_is_never_read_as_whole(void **state)
{
    struct iot_json root;
    (void)state;

    for (uint32_t cap = 0; cap <= sizeof all; cap++) {
        struct iot_writer w = writer(cap);
        put_all(&w);
        assert_int_equal(w.overflow, cap < sizeof all - 1);
        assert_true(w.len <= cap);
        for (uint32_t i = w.len; i < sizeof room; i++)
            assert_int_equal(room[i], 0xee);
        assert_memory_equal(room, all, w.len);
        if (w.overflow)
            assert_err(iot_json_check((struct iot_bytes){room, w.len}, &root, NULL),
                       IOT_ERR_JSON_SYNTAX);
    }
}

static void every_ascii_character_comes_back(void **state)
{
    (void)state;

    for (uint32_t c = 0; c < 128; c++) {
        uint8_t in[3] = {'a', (uint8_t)c, 'b'};
        char back[8], expected[16];
        struct iot_writer w = writer(16);
        struct iot_json root;

        iot_json_put_bytes(&w, (struct iot_bytes){in, 3});
        assert_false(w.overflow);
        assert_err(iot_json_check((struct iot_bytes){room, w.len}, &root, NULL), IOT_OK);
        if (c != 0) {
            assert_err(iot_json_text(root, back, sizeof back, NULL), IOT_OK);
            assert_memory_equal(back, in, 3);
        }
        const char *short_form = c == '"'    ? "\\\""
                                 : c == '\\' ? "\\\\"
                                 : c == 8    ? "\\b"
                                 : c == 9    ? "\\t"
                                 : c == 10   ? "\\n"
                                 : c == 12   ? "\\f"
                                 : c == 13   ? "\\r"
                                             : NULL;
        if (short_form != NULL)
            snprintf(expected, sizeof expected, "\"a%sb\"", short_form);
        else if (c < 0x20)
            snprintf(expected, sizeof expected, "\"a\\u%04xb\"", c);
        else
            snprintf(expected, sizeof expected, "\"a%cb\"", (int)c);
        assert_written(w, expected);
    }
}

static void ill_formed_utf_8_becomes_the_replacement_character(void **state)
{
#define R "\xef\xbf\xbd"
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", "\"\""},
        {"\xff", "\"" R "\""},
        {"a\x80z", "\"a" R "z\""},
        {"\xc3\xa9", "\"\xc3\xa9\""},
        {"\xc3", "\"" R "\""},
        {"\xc3(", "\"" R "(\""},
        {"\xe6\xb8", "\"" R R "\""},
        {"\xed\xa0\x80", "\"" R R R "\""},
        {"\xf0\x9f\x98\x80!", "\"\xf0\x9f\x98\x80!\""},
        {"\xf4\x90\x80\x80", "\"" R R R R "\""},
        {"\xc0\x80", "\"" R R "\""},
        {"\xe6\xb8\"", "\"" R R "\\\"\""},
        {"\xf0\x9f\xc3\xa9", "\"" R R "\xc3\xa9\""},
    };
    uint32_t seed = test_seed();
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_writer w = writer(64);
        iot_json_put_text(&w, rows[i].in);
        assert_written(w, rows[i].out);
    }
    for (int i = 0; i < 20000; i++) {
        uint8_t in[12];
        struct iot_writer w = writer(80);
        struct iot_json root;
        uint32_t n = test_random(&seed, sizeof in);
        for (uint32_t at = 0; at < n; at++)
            in[at] = (uint8_t)(test_random(&seed, 256) | (test_random(&seed, 2) << 7));
        iot_json_put_bytes(&w, guarded((struct iot_bytes){in, n}));
        assert_false(w.overflow);
        assert_err(iot_json_check((struct iot_bytes){room, w.len}, &root, NULL), IOT_OK);
    }
    struct iot_writer w = writer(8);
    iot_json_put_bytes(&w, (struct iot_bytes){NULL, 0});
    assert_written(w, "\"\"");
}

static void integers_are_decimal(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "1"},
                {-1, "-1"},
                {9, "9"},
                {10, "10"},
                {-10, "-10"},
                {INT32_MAX, "2147483647"},
                {INT32_MIN, "-2147483648"},
                {INT64_C(2147483648), "2147483648"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"},
                {INT64_C(-1000000000000), "-1000000000000"}};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t n = (uint32_t)strlen(rows[i].text);
        struct iot_writer w = writer(n);
        iot_json_put_i64(&w, rows[i].value);
        assert_written(w, rows[i].text);
        w = writer(n - 1);
        iot_json_put_i64(&w, rows[i].value);
        assert_true(w.overflow && w.len == 0);
        if (rows[i].value >= INT32_MIN && rows[i].value <= INT32_MAX) {
            w = writer(n);
            iot_json_put_i32(&w, (int32_t)rows[i].value);
            assert_written(w, rows[i].text);
            w = writer(n - 1);
            iot_json_put_i32(&w, (int32_t)rows[i].value);
            assert_true(w.overflow);
        }
    }
}

static void what_has_no_json_is_null(void **state)
{
    struct iot_writer w = writer(64);
    (void)state;

    iot_json_put_float(&w, INFINITY);
    iot_json_put_float(&w, -INFINITY);
    iot_json_put_float(&w, NAN);
    iot_json_put_double(&w, (double)INFINITY);
    iot_json_put_double(&w, -(double)NAN);
    assert_written(w, "nullnullnullnullnull");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_json),
        cmocka_unit_test(what_does_not_fit_overflows_at_every_cap_and_is_never_read_as_whole),
        cmocka_unit_test(every_ascii_character_comes_back),
        cmocka_unit_test(ill_formed_utf_8_becomes_the_replacement_character),
        cmocka_unit_test(integers_are_decimal),
        cmocka_unit_test(what_has_no_json_is_null),
    };
    return cmocka_run_group_tests_name("json_writer", tests, NULL, NULL);
}
