/* SPDX-License-Identifier: Apache-2.0 */
#include "cbor_vectors.h"

static uint8_t room[64];

static struct iot_writer into(uint32_t cap)
{
    memset(room, 0xee, sizeof room);
    return (struct iot_writer){.ptr = room, .cap = cap};
}

static void assert_written(const struct iot_writer *w, const char *hex)
{
    char text[2 * sizeof room + 1];

    assert_false(w->overflow);
    to_hex((struct iot_bytes){w->ptr, w->len}, text, sizeof text);
    assert_string_equal(text, hex);
}

static void integers_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cbor_unsigned); i++) {
        struct iot_writer w = into(sizeof room);
        iot_cbor_uint(&w, cbor_unsigned[i].value);
        assert_written(&w, cbor_unsigned[i].hex);
        if (cbor_unsigned[i].value > INT64_MAX)
            continue;
        w = into(sizeof room);
        iot_cbor_int(&w, (int64_t)cbor_unsigned[i].value);
        assert_written(&w, cbor_unsigned[i].hex);
    }
    for (size_t i = 0; i < COUNT(cbor_negative); i++) {
        struct iot_writer w = into(sizeof room);
        iot_cbor_int(&w, cbor_negative[i].value);
        assert_written(&w, cbor_negative[i].hex);
    }
}

static void floats_are_as_short_as_keeps_their_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cbor_floats); i++) {
        struct iot_writer w = into(sizeof room);
        iot_cbor_double(&w, cbor_floats[i].value);
        assert_written(&w, cbor_floats[i].hex);
    }
}

static void what_is_no_number_has_one_form(void **state)
{
    static const uint64_t bits[] = {0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001,
                                    0xffffffffffffffff, 0x7ff0000020000000, 0xfff0000000000001};
    (void)state;
    for (size_t i = 0; i < COUNT(bits); i++) {
        struct iot_writer w = into(sizeof room);
        double value;
        memcpy(&value, &bits[i], sizeof value);
        iot_cbor_double(&w, value);
        assert_written(&w, "f97e00");
    }
}

/* A shorter form is the same value, and there is none shorter: against the compiler's own float. */
static void doubles_of_any_kind_lose_nothing(void **state)
{
    uint32_t seed = test_seed(), lengths[10] = {0};
    (void)state;
    for (uint32_t n = 0; n < 200000; n++) {
        struct iot_writer w = into(sizeof room);
        uint64_t bits =
            (uint64_t)test_random(&seed, UINT32_MAX) << 32 | test_random(&seed, UINT32_MAX);
        struct iot_cbor v = {room, room};
        double value, back;
        if (n % 4 == 1)
            bits &= ~(uint64_t)0 << 29;
        if (n % 4 >= 2) /* about the exponents where forms end */
            bits = (bits & ~((uint64_t)0x7ff << 52) & (~(uint64_t)0 << (28 + n % 25))) |
                   (uint64_t)(n % 4 == 2 ? 995 + n % 60 : 870 + n % 290) << 52;
        memcpy(&value, &bits, sizeof value);
        if (isnan(value))
            continue;
        iot_cbor_double(&w, value);
        v.end += w.len;
        assert_int_equal(iot_cbor_f64(v, &back), IOT_OK);
        assert_memory_equal(&back, &value, sizeof value);
        bool fits = isinf(value) || fabs(value) <= 3.4028234663852886e38;
        assert_int_equal(w.len == 9, !fits || (double)(float)value != value);
        lengths[w.len]++;
    }
    assert_true(lengths[3] > 500 && lengths[5] > 10000 && lengths[9] > 10000);
}

static void strings_and_containers(void **state)
{
    struct iot_writer w = into(sizeof room);
    (void)state;
    iot_cbor_map(&w, 2);
    iot_cbor_text(&w, "a");
    iot_cbor_int(&w, 1);
    iot_cbor_text_bytes(&w, BYTES("b"));
    iot_cbor_array(&w, 2);
    iot_cbor_int(&w, 2);
    iot_cbor_int(&w, 3);
    assert_written(&w, "a26161016162820203");
    w = into(sizeof room);
    iot_cbor_tag(&w, 23);
    iot_cbor_bytes(&w, BYTES("\1\2\3\4"));
    iot_cbor_bytes(&w, (struct iot_bytes){NULL, 0});
    iot_cbor_text(&w, "");
    iot_cbor_text(&w, "\xc3\xbc");
    iot_cbor_bool(&w, false);
    iot_cbor_bool(&w, true);
    iot_cbor_null(&w);
    iot_cbor_array(&w, 25);
    iot_cbor_map(&w, UINT32_MAX);
    iot_cbor_tag(&w, UINT64_MAX);
    assert_written(&w, "d74401020304"
                       "40"
                       "60"
                       "62c3bc"
                       "f4f5f6"
                       "9819"
                       "baffffffff"
                       "dbffffffffffffffff");
}

static void what_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    for (uint32_t cap = 0; cap < 9; cap++) {
        struct iot_writer w = into(cap);
        iot_cbor_double(&w, 1.1);
        assert_true(w.overflow);
        assert_int_equal(w.len, 0);
        assert_int_equal(room[0], 0xee);
    }
    for (uint32_t cap = 0; cap < 4; cap++) {
        struct iot_writer w = into(cap);
        iot_cbor_text(&w, "abc");
        assert_true(w.overflow);
        assert_int_equal(room[cap], 0xee);
    }
}

static void a_writer_without_memory_counts(void **state)
{
    struct iot_writer w = {.ptr = NULL, .cap = UINT32_MAX};
    (void)state;
    iot_cbor_text(&w, "abc");
    iot_cbor_double(&w, 1.1);
    iot_cbor_uint(&w, 1000);
    assert_int_equal(w.len, 4 + 9 + 3);
    assert_false(w.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_as_short_as_they_can_be),
        cmocka_unit_test(floats_are_as_short_as_keeps_their_value),
        cmocka_unit_test(what_is_no_number_has_one_form),
        cmocka_unit_test(doubles_of_any_kind_lose_nothing),
        cmocka_unit_test(strings_and_containers),
        cmocka_unit_test(what_does_not_fit_is_not_begun),
        cmocka_unit_test(a_writer_without_memory_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
