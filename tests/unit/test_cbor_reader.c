/* SPDX-License-Identifier: Apache-2.0 */
#include "cbor_vectors.h"
#include "fuzz/cbor_one.h"

/* ---- Which bytes are CBOR -------------------------------------------------------------------- */

static void examples_are_read(const char *hex)
{
    struct iot_bytes whole = cbor_hex(hex);
    struct iot_cbor v = {NULL, NULL};
    uint32_t at;

    (void)cbor_of(hex);
    /* Cut anywhere, it is cut, and nothing else. */
    for (uint32_t n = 0; n < whole.len; n++) {
        iot_err err = iot_cbor_check(guarded((struct iot_bytes){whole.ptr, n}), &v, &at);
        assert_err(err, IOT_ERR_CBOR_CUT);
        assert_int_equal(at, n);
        assert_null(v.ptr);
    }
    /* And with a byte behind it, it is not one value. */
    whole.ptr = memcpy(at_guard(NULL, whole.len + 1), whole.ptr, whole.len);
    ((uint8_t *)(uintptr_t)whole.ptr)[whole.len++] = 0;
    assert_err(iot_cbor_check(whole, &v, &at), IOT_ERR_CBOR_FORMAT);
    assert_int_equal(at, whole.len - 1);
}

static void all_examples_are_well_formed_and_no_part_of_them_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cbor_unsigned); i++)
        examples_are_read(cbor_unsigned[i].hex);
    for (size_t i = 0; i < COUNT(cbor_negative); i++)
        examples_are_read(cbor_negative[i].hex);
    for (size_t i = 0; i < COUNT(cbor_floats); i++)
        examples_are_read(cbor_floats[i].hex);
    for (size_t i = 0; i < COUNT(cbor_others); i++)
        examples_are_read(cbor_others[i]);
}

static void what_is_not_well_formed_is_refused(void **state)
{
    struct iot_cbor v = {NULL, NULL};
    (void)state;
    for (size_t i = 0; i < COUNT(cbor_wrong); i++) {
        struct iot_bytes in = guarded(cbor_hex(cbor_wrong[i].hex));
        iot_err err = iot_cbor_check(in, &v, NULL);
        if (err != (cbor_wrong[i].cut ? IOT_ERR_CBOR_CUT : IOT_ERR_CBOR_FORMAT))
            fail_msg("%s: %s", cbor_wrong[i].hex, iot_err_name(err));
        assert_null(v.ptr);
    }
    assert_err(iot_cbor_check((struct iot_bytes){NULL, 0}, &v, NULL), IOT_ERR_CBOR_CUT);
}

static void what_is_well_formed_and_not_read_has_a_name_of_its_own(void **state)
{
    struct iot_cbor v;
    (void)state;
    for (size_t i = 0; i < COUNT(cbor_unread); i++) {
        iot_err err = iot_cbor_check(guarded(cbor_hex(cbor_unread[i])), &v, NULL);
        if (err != IOT_ERR_CBOR_RANGE)
            fail_msg("%s: %s", cbor_unread[i], iot_err_name(err));
    }
}

static void it_says_where(void **state)
{
    struct iot_cbor v;
    uint32_t at;
    (void)state;
    assert_err(iot_cbor_check(cbor_hex("8301a161615f4101ff"), &v, &at), IOT_ERR_CBOR_RANGE);
    assert_int_equal(at, 5);
    assert_err(iot_cbor_check(cbor_hex("8201fe"), &v, &at), IOT_ERR_CBOR_FORMAT);
    assert_int_equal(at, 2);
    assert_err(iot_cbor_check(cbor_hex("820161ff"), &v, &at), IOT_ERR_CBOR_RANGE);
    assert_int_equal(at, 2);
}

/* As many as JSON may have, and one more; tags are no containers. */
static void depth_has_a_bound(void **state)
{
    uint8_t bytes[IOT_JSON_DEPTH_MAX + 1000];
    struct iot_cbor v;
    uint32_t at;
    (void)state;
    for (int map = 0; map < 2; map++) {
        struct iot_writer w = {.ptr = bytes, .cap = sizeof bytes};
        for (int i = 0; i < IOT_JSON_DEPTH_MAX; i++)
            map != 0 && i != 0 ? iot_cbor_map(&w, 1), iot_cbor_null(&w) : iot_cbor_array(&w, 1);
        iot_cbor_int(&w, 1);
        assert_err(iot_cbor_check((struct iot_bytes){bytes, w.len}, &v, NULL), IOT_OK);
        w.len--;
        iot_cbor_array(&w, 0); /* also one that is empty */
        assert_err(iot_cbor_check((struct iot_bytes){bytes, w.len}, &v, &at), IOT_ERR_CBOR_DEPTH);
        assert_int_equal(at, w.len - 1);
    }
    memset(bytes, 0xc0, sizeof bytes);
    bytes[sizeof bytes - 1] = 0;
    assert_err(iot_cbor_check((struct iot_bytes){bytes, sizeof bytes}, &v, NULL), IOT_OK);
    assert_null(iot_cbor_next(v).ptr);
}

/* Containers that are full let the outer ones go on. */
static void values_behind_containers(void **state)
{
    struct iot_cbor v = cbor_of("8480a0818101c180");
    (void)state;
    v = iot_cbor_first(v);
    assert_int_equal(iot_cbor_kind(v), IOT_CBOR_ARRAY);
    assert_int_equal(iot_cbor_count(v), 0);
    assert_null(iot_cbor_first(v).ptr);
    v = iot_cbor_next(v);
    assert_int_equal(iot_cbor_kind(v), IOT_CBOR_MAP);
    v = iot_cbor_next(v);
    assert_int_equal(iot_cbor_kind(iot_cbor_first(iot_cbor_first(v))), IOT_CBOR_UINT);
    v = iot_cbor_next(v);
    assert_int_equal(iot_cbor_kind(v), IOT_CBOR_TAG);
    assert_int_equal(iot_cbor_kind(iot_cbor_first(v)), IOT_CBOR_ARRAY);
    v = iot_cbor_next(v);
    assert_null(v.ptr);
    assert_int_equal(iot_cbor_kind(v), IOT_CBOR_NONE);
}

/* ---- What they say --------------------------------------------------------------------------- */

static void integers_of_every_length(void **state)
{
    int64_t whole;
    uint32_t small = 77;
    double real;
    (void)state;
    for (size_t i = 0; i < COUNT(cbor_unsigned); i++) {
        uint64_t value = cbor_unsigned[i].value;
        struct iot_cbor v = cbor_of(cbor_unsigned[i].hex);
        assert_int_equal(iot_cbor_kind(v), IOT_CBOR_UINT);
        assert_err(iot_cbor_i64(v, &whole), value <= INT64_MAX ? IOT_OK : IOT_ERR_CBOR_RANGE);
        if (value <= INT64_MAX)
            assert_true((uint64_t)whole == value);
        assert_err(iot_cbor_u32(v, &small), value <= UINT32_MAX ? IOT_OK : IOT_ERR_CBOR_RANGE);
        if (value <= UINT32_MAX)
            assert_true(small == value);
        assert_err(iot_cbor_f64(v, &real), value != UINT64_MAX ? IOT_OK : IOT_ERR_CBOR_RANGE);
        if (value != UINT64_MAX)
            assert_true(real == (double)value);
    }
    for (size_t i = 0; i < COUNT(cbor_negative); i++) {
        struct iot_cbor v = cbor_of(cbor_negative[i].hex);
        assert_int_equal(iot_cbor_kind(v), IOT_CBOR_NEGATIVE);
        assert_err(iot_cbor_i64(v, &whole), IOT_OK);
        assert_true(whole == cbor_negative[i].value);
        assert_err(iot_cbor_u32(v, &small), IOT_ERR_CBOR_RANGE);
        assert_err(iot_cbor_f64(v, &real), IOT_OK);
        assert_true(real == (double)cbor_negative[i].value);
    }
    whole = 5;
    assert_err(iot_cbor_i64(cbor_of("3b8000000000000000"), &whole), IOT_ERR_CBOR_RANGE);
    assert_err(iot_cbor_i64(cbor_of("3bffffffffffffffff"), &whole), IOT_ERR_CBOR_RANGE);
    assert_err(iot_cbor_f64(cbor_of("3bffffffffffffffff"), &real), IOT_ERR_CBOR_RANGE);
    assert_true(whole == 5); /* unchanged */
    assert_err(iot_cbor_f64(cbor_of("1b0020000000000001"), &real), IOT_ERR_CBOR_RANGE);
    assert_err(iot_cbor_f64(cbor_of("1b0020000000000002"), &real), IOT_OK);
    assert_true(real == 9007199254740994.0);
    assert_err(iot_cbor_f64(cbor_of("1b8000000000000000"), &real), IOT_OK);
    assert_true(real == 9223372036854775808.0);
}

static void floats_of_every_length(void **state)
{
    double real;
    (void)state;
    for (size_t i = 0; i < COUNT(cbor_floats); i++) {
        struct iot_cbor v = cbor_of(cbor_floats[i].hex);
        assert_int_equal(iot_cbor_kind(v), IOT_CBOR_FLOAT);
        assert_err(iot_cbor_f64(v, &real), IOT_OK);
        assert_memory_equal(&real, &cbor_floats[i].value, sizeof real);
    }
    static const char *const infinite[] = {"f97c00", "fa7f800000", "fb7ff0000000000000"};
    static const char *const none[] = {"f97e00", "fa7fc00000", "fb7ff8000000000000", "fa7f800001"};
    for (size_t i = 0; i < COUNT(infinite); i++) {
        assert_err(iot_cbor_f64(cbor_of(infinite[i]), &real), IOT_OK);
        assert_true(real > 0 && isinf(real));
    }
    for (size_t i = 0; i < COUNT(none); i++) {
        assert_err(iot_cbor_f64(cbor_of(none[i]), &real), IOT_OK);
        assert_true(isnan(real));
    }
}

static void halves_and_floats_all_of_them(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 0x10000; i++) {
        uint8_t half[3] = {0xf9, (uint8_t)(i >> 8), (uint8_t)i};
        uint32_t exponent = i >> 10 & 31, mantissa = i & 1023;
        double real, want = exponent == 0    ? ldexp(mantissa, -24)
                            : exponent != 31 ? ldexp(mantissa + 1024, (int)exponent - 25)
                            : mantissa == 0  ? INFINITY
                                             : NAN;
        assert_int_equal(iot_cbor_f64((struct iot_cbor){half, half + 3}, &real), IOT_OK);
        if (i >= 0x8000)
            want = -want;
        assert_true(isnan(want) ? isnan(real) : real == want && signbit(real) == signbit(want));
    }
    for (uint32_t i = 0, bits = 0; i < 70000; i++, bits += 61357) {
        uint8_t one[5] = {0xfa, (uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8),
                          (uint8_t)bits};
        double real;
        float want;
        memcpy(&want, &bits, sizeof want);
        assert_int_equal(iot_cbor_f64((struct iot_cbor){one, one + 5}, &real), IOT_OK);
        assert_true(isnan(want) ? isnan(real) : real == (double)want);
    }
}

static void a_float_that_is_whole_is_an_integer(void **state)
{
    static const struct {
        const char *hex;
        iot_err err;
        int64_t value;
    } rows[] = {
        {"f90000", IOT_OK, 0},
        {"f98000", IOT_OK, 0},
        {"f93c00", IOT_OK, 1},
        {"f9c400", IOT_OK, -4},
        {"f97bff", IOT_OK, 65504},
        {"fa47c35000", IOT_OK, 100000},
        {"fb43e0000000000000", IOT_ERR_CBOR_RANGE, 0}, /* 2^63 */
        {"fbc3e0000000000000", IOT_OK, INT64_MIN},
        {"fbc3e0000000000001", IOT_ERR_CBOR_RANGE, 0},
        {"fb43dfffffffffffff", IOT_OK, INT64_MAX - 1023},
        {"fb7e37e43c8800759c", IOT_ERR_CBOR_RANGE, 0},
        {"f93e00", IOT_ERR_CBOR_KIND, 0}, /* 1.5 */
        {"f90001", IOT_ERR_CBOR_KIND, 0},
        {"fb0000000000000001", IOT_ERR_CBOR_KIND, 0},
        {"f97c00", IOT_ERR_CBOR_RANGE, 0},
        {"f97e00", IOT_ERR_CBOR_RANGE, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 99;
        assert_err(iot_cbor_i64(cbor_of(rows[i].hex), &value), rows[i].err);
        assert_true(value == (rows[i].err == IOT_OK ? rows[i].value : 99));
    }
}

static void other_kinds(void **state)
{
    static const struct {
        const char *hex;
        enum iot_cbor_kind kind;
    } rows[] = {
        {"f4", IOT_CBOR_BOOL},   {"f5", IOT_CBOR_BOOL},     {"f6", IOT_CBOR_NULL},
        {"f7", IOT_CBOR_NULL},   {"f0", IOT_CBOR_SIMPLE},   {"f8ff", IOT_CBOR_SIMPLE},
        {"f3", IOT_CBOR_SIMPLE}, {"f820", IOT_CBOR_SIMPLE}, {"e0", IOT_CBOR_SIMPLE},
        {"60", IOT_CBOR_TEXT},   {"40", IOT_CBOR_BYTES},    {"c000", IOT_CBOR_TAG},
    };
    int64_t whole;
    double real;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_cbor v = cbor_of(rows[i].hex);
        bool is = i % 2 == 0;
        assert_int_equal(iot_cbor_kind(v), rows[i].kind);
        assert_err(iot_cbor_i64(v, &whole), IOT_ERR_CBOR_KIND);
        assert_err(iot_cbor_f64(v, &real), IOT_ERR_CBOR_KIND);
        assert_err(iot_cbor_is(v, &is), rows[i].kind == IOT_CBOR_BOOL ? IOT_OK : IOT_ERR_CBOR_KIND);
        if (rows[i].kind == IOT_CBOR_BOOL)
            assert_int_equal(is, i == 1);
    }
}

static void maps_are_looked_up_by_text(void **state)
{
    /* {1: 2, "a": [3, {"c": 5}], h'61': 7, "c": 6, "a": 8} */
    struct iot_cbor map = cbor_of("a50102616182"
                                  "03a16163054161076163066161"
                                  "08"),
                    v;
    struct iot_bytes text;
    int64_t whole;
    (void)state;
    assert_int_equal(iot_cbor_count(map), 5);
    assert_err(iot_cbor_get(map, "c", &v), IOT_OK); /* not the inner one */
    assert_err(iot_cbor_i64(v, &whole), IOT_OK);
    assert_true(whole == 6);
    assert_err(iot_cbor_get(map, "a", &v), IOT_OK); /* the first */
    assert_int_equal(iot_cbor_kind(v), IOT_CBOR_ARRAY);
    assert_err(iot_cbor_get(v, "c", &v), IOT_ERR_CBOR_KIND);
    assert_err(iot_cbor_get(map, "b", &v), IOT_ERR_CBOR_MISSING);
    assert_err(iot_cbor_get(map, "", &v), IOT_ERR_CBOR_MISSING);
    assert_err(iot_cbor_get(cbor_of("a0"), "a", &v), IOT_ERR_CBOR_MISSING);
    assert_err(iot_cbor_string(iot_cbor_first(map), &text), IOT_ERR_CBOR_KIND);
    assert_err(iot_cbor_string(cbor_of("63e6b0b4"), &text), IOT_OK);
    assert_bytes(text, BYTES("\xe6\xb0\xb4"));
    assert_err(iot_cbor_string(cbor_of("420102"), &text), IOT_OK);
    assert_bytes(text, BYTES("\1\2"));
}

/* ---- Anything -------------------------------------------------------------------------------- */

/* Values as they come, with bytes that were hit. */
static void bytes_of_any_kind(void **state)
{
    uint32_t seed = test_seed(), whole = 0, cut = 0;
    (void)state;
    for (uint32_t n = 0; n < 60000; n++) {
        uint8_t bytes[96];
        struct iot_writer w = {.ptr = bytes, .cap = 1 + test_random(&seed, sizeof bytes)};
        if (n % 8 == 0) {
            for (; w.len < w.cap; w.len++)
                bytes[w.len] = (uint8_t)test_random(&seed, 256);
        }
        while (!w.overflow && w.len < w.cap) {
            uint32_t few = test_random(&seed, 4);
            switch (test_random(&seed, 9)) {
            case 0:
                iot_cbor_array(&w, few);
                break;
            case 1:
                iot_cbor_map(&w, few);
                break;
            case 2:
                iot_cbor_tag(&w, few);
                break;
            case 3:
                iot_cbor_text_bytes(&w, (struct iot_bytes){(const uint8_t *)"aaaa", few});
                break;
            case 4:
                iot_cbor_bytes(&w, (struct iot_bytes){(const uint8_t *)"bbbb", few});
                break;
            case 5:
                iot_cbor_uint(&w, (uint64_t)1 << test_random(&seed, 64));
                break;
            case 6:
                iot_cbor_double(&w, few * 0.3);
                break;
            case 7:
                iot_cbor_bool(&w, true);
                break;
            default:
                iot_cbor_int(&w, -(int64_t)few);
                break;
            }
        }
        if (n % 3 == 0)
            bytes[test_random(&seed, w.len + 1) % w.cap] ^= (uint8_t)(1u << test_random(&seed, 8));
        struct iot_bytes in =
            guarded((struct iot_bytes){bytes, w.len < sizeof bytes ? w.len : sizeof bytes});
        for (uint32_t len = 1; len <= in.len; len++) {
            int got = cbor_fuzz_one(in.ptr + in.len - len, len);
            whole += got == 2;
            cut += got == 1;
        }
    }
    assert_true(whole > 10000 && cut > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_examples_are_well_formed_and_no_part_of_them_is),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(what_is_well_formed_and_not_read_has_a_name_of_its_own),
        cmocka_unit_test(it_says_where),
        cmocka_unit_test(depth_has_a_bound),
        cmocka_unit_test(values_behind_containers),
        cmocka_unit_test(integers_of_every_length),
        cmocka_unit_test(floats_of_every_length),
        cmocka_unit_test(halves_and_floats_all_of_them),
        cmocka_unit_test(a_float_that_is_whole_is_an_integer),
        cmocka_unit_test(other_kinds),
        cmocka_unit_test(maps_are_looked_up_by_text),
        cmocka_unit_test(bytes_of_any_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
