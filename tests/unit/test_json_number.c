/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "iot/iot_json.h"

#include "heap_trap.h"

#include <float.h>
#include <math.h>

/* The compiler's own conversions are the other opinion: glibc's strtod and printf are exact. */

static struct iot_json number(const char *text)
{
    struct iot_bytes in = guarded(text_bytes(text));
    return (struct iot_json){in.ptr, in.len};
}

static uint64_t random64(uint32_t *seed)
{
    uint64_t high = test_random(seed, UINT32_MAX);
    return high << 32 ^ (uint64_t)test_random(seed, UINT32_MAX) << 7 ^ test_random(seed, 128);
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t float_bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Both as strtod and strtof say, to the bit. */
static void reads_as_libc(const char *text)
{
    double d = 7, d_libc = strtod(text, NULL);
    float f = 7, f_libc = strtof(text, NULL);
    struct iot_json v = number(text);

    iot_err err = iot_json_double(v, &d);
    if (isinf(d_libc) ? err != IOT_ERR_JSON_RANGE || d != 7
                      : err != IOT_OK || bits_of(d) != bits_of(d_libc))
        fail_msg("%.60s as double: %.17g, not %.17g (%s)", text, d, d_libc, iot_err_name(err));
    err = iot_json_float(v, &f);
    if (isinf(f_libc) ? err != IOT_ERR_JSON_RANGE || f != 7
                      : err != IOT_OK || float_bits_of(f) != float_bits_of(f_libc))
        fail_msg("%.60s as float: %.9g, not %.9g (%s)", text, (double)f, (double)f_libc,
                 iot_err_name(err));
}

static void numbers_that_are_hard_to_round_are_right_to_the_bit(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "-0e99999",
        "0e-5",
        "1",
        "-1",
        "0.1",
        "0.2",
        "0.3",
        "1e0",
        "1E+2",
        "1e-2",
        "100",
        "16777216",
        "16777217",
        "16777218",
        "16777219",
        "16777217.0000000000000000000000000001",
        "16777216.9999999999999999999999999999",
        "33554434",
        "33554435",
        "33554433.9999",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9007199254740995",
        "9007199254740993.00000000000000000000000000000000000000000000000000000000000000001",
        "9007199254740992.99999999999999999999999999999999999999999999999999999999999999999",
        "1e22",
        "1e23",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017"
        "977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273"
        "854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704"
        "342711559699508093042880",
        "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017"
        "977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273"
        "854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704"
        "342711559699508093042879",
        "3.40282346638528859e38",
        "3.4028235677973366e38",
        "3.40282356779733661637539395458142568447e38",
        "3.40282356779733661637539395458142568448e38",
        "3.4028235677973367e38",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "2.225073858507201136057409796709131975934819546351645648e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.47032822920623272e-324",
        "7."
        "410984687618698162648531893023320585475897039214871466383785237510132609053131277979497545"
        "424539885696948470431685765963899850655339096945981621940161728171894510697854671067917687"
        "257517734731555330779540854980960845750095811137303474765809687100959097544227100475730780"
        "971111893578483867565399878350301522805593404659373979179073872386829939581848166016912201"
        "945649993128979841136206248449867871357218035220901702390328579173252022052897402080290685"
        "402160661237554998340267130003581248647904138574340187552090159017259254714629617513415977"
        "493871857473787096164563890871811984127167305601704549300470526959016576377688490826798697"
        "257336652176556794107250876433756084600398490497214911746308553955635418864151316847843631"
        "3080237596295773983001708984375e-324",
        "1.1754943508222875e-38",
        "1.17549429e-38",
        "1.401298464324817e-45",
        "7.006492321624085e-46",
        "7.0064923216240854e-46",
        "7.006492321624086e-46",
        "1e-45",
        "6.9e-46",
        "1e400",
        "-1e400",
        "1e-400",
        "-1e-400",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "1e308",
        "1e309",
        "1e38",
        "1e39",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000000000000000001e51",
        "9.5367431640625e-7",
        "8.988465674311580e307",
        "5e-324",
        "3e-324",
        "2e-324",
        "1.00000005960464477539062500",
        "1.000000059604644775390624999999999999999999",
        "1.000000059604644775390625000000000000000001",
        "6.631236846766476e-316",
        "3.237883913302901e-319",
        "2.2250738585072012e-308",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++)
        reads_as_libc(texts[i]);
}

static void long_numbers_count_to_their_last_digit(void **state)
{
    char text[1200];
    (void)state;

    /* 2^53 + 1 lies between two doubles: a digit a thousand further on decides. */
    for (uint32_t zeros = 1; zeros < 1000; zeros += 37) {
        int n = snprintf(text, sizeof text, "9007199254740993.%0*d", (int)zeros, 0);
        reads_as_libc(text);
        text[n] = '1';
        text[n + 1] = '\0';
        reads_as_libc(text);
        snprintf(text, sizeof text, "0.%0*d9007199254740993e%u", (int)zeros, 0,
                 (unsigned)zeros + 16);
        reads_as_libc(text);
        n = snprintf(text, sizeof text, "9007199254740993%0*d1e-%u", (int)zeros, 0,
                     (unsigned)zeros + 1);
        reads_as_libc(text);
        n = snprintf(text, sizeof text, "%0*d", (int)zeros, 0);
        memset(text, '9', (size_t)n);
        reads_as_libc(text);
    }
}

static void an_exponent_can_make_up_for_any_number_of_zeros(void **state)
{
    static char text[40100];
    (void)state;

    for (uint32_t zeros = 9990; zeros <= 39990; zeros += 10000) {
        snprintf(text, sizeof text, "0.%0*d15e%u", (int)zeros, 0, (unsigned)zeros + 1);
        reads_as_libc(text);
        snprintf(text, sizeof text, "-15%0*de-%u", (int)zeros, 0, (unsigned)zeros - 1);
        reads_as_libc(text);
        int64_t value = 0;
        assert_err(iot_json_i64(number(text), &value), IOT_OK);
        assert_int_equal(value, -150);
    }
}

/* text, a whole number in decimal, becomes twice as large. */
static void doubled(char *text, size_t cap)
{
    size_t n = strlen(text);
    int carry = 0;

    for (size_t i = n; i-- > 0;) {
        int digit = (text[i] - '0') * 2 + carry;
        text[i] = (char)('0' + digit % 10);
        carry = digit / 10;
    }
    if (carry != 0) {
        assert_true(n + 2 <= cap);
        memmove(text + 1, text, n + 1);
        text[0] = '1';
    }
}

/* What would lie exactly between two values, if the format went on so far, is too large as they are. */
static void a_whole_number_of_any_length_is_read_or_refused(void **state)
{
    static const char *const odd[] = {"16777217", "33554431", "9007199254740993",
                                      "18014398509481983"};
    char text[440];
    (void)state;

    for (size_t i = 0; i < COUNT(odd); i++) {
        snprintf(text, sizeof text, "%s", odd[i]);
        while (strlen(text) < 430) {
            char *last = text + strlen(text) - 1, as_it_was = *last;
            reads_as_libc(text);
            for (*last = '0'; *last <= '9'; ++*last)
                reads_as_libc(text);
            *last = as_it_was;
            doubled(text, sizeof text);
        }
    }
}

static void an_exponent_beyond_the_largest_value_is_refused(void **state)
{
    uint32_t seed = test_seed();
    char text[64];
    (void)state;

    for (int e = 30; e <= 410; e++) {
        for (int digit = 1; digit <= 9; digit++) {
            snprintf(text, sizeof text, "%de%d", digit, e);
            reads_as_libc(text);
        }
        for (int i = 0; i < 50; i++) {
            snprintf(text, sizeof text, "-%u.%09u%09ue%d", 1 + (unsigned)test_random(&seed, 9),
                     (unsigned)test_random(&seed, 1000000000),
                     (unsigned)test_random(&seed, 1000000000), e);
            reads_as_libc(text);
        }
    }
}

/* The middle of two neighbours, exactly, and a little beside it. */
static void what_lies_between_two_values_goes_to_the_even_one(void **state)
{
    uint32_t seed = test_seed();
    static char text[1400];
    (void)state;

    for (int i = 0; i < 8000; i++) {
        uint32_t bits = test_random(&seed, 0x7f7fffff);
        double middle = ((double)float_of(bits) + (double)float_of(bits + 1)) / 2;
        int n = snprintf(text, sizeof text, "%.*e", 160, middle);
        char *e = strchr(text, 'e');
        assert_non_null(e);
        reads_as_libc(text);
        e[-1]++; /* the 160th digit is 0 in nearly all of them */
        reads_as_libc(text);
        assert_true(n > 160);
    }
    for (int i = 0; i < 1500; i++) {
        uint64_t bits = random64(&seed) % 0x7feffffffffffffeu;
        if (i % 4 == 0)
            bits >>= 12;
        long double middle = ((long double)double_of(bits) + (long double)double_of(bits + 1)) / 2;
        snprintf(text, sizeof text, "%.*Le", 1100, middle);
        char *e = strchr(text, 'e');
        assert_non_null(e);
        reads_as_libc(text);
        e[-1] = '1';
        reads_as_libc(text);
        snprintf(text, sizeof text, "%.*Le", 30, middle);
        reads_as_libc(text);
    }
}

/* The exact middle, and beside it by one in the first digit, the last, and one somewhere. */
static void reads_around(uint32_t *seed, long double middle)
{
    static char text[1400];

    snprintf(text, sizeof text, "%.*Le", 1100, middle);
    char *e = strchr(text, 'e');
    assert_non_null(e);
    reads_as_libc(text);
    char *const at[] = {text, e - 1, text + 2 + test_random(seed, 40),
                        text + 2 + test_random(seed, 1100)};
    for (size_t i = 0; i < COUNT(at); i++) {
        char as_it_was = *at[i];
        *at[i] = as_it_was == '9' ? '8' : (char)(as_it_was + 1);
        reads_as_libc(text);
        *at[i] = as_it_was == '0' ? '1' : (char)(as_it_was - 1);
        reads_as_libc(text);
        *at[i] = as_it_was;
    }
}

/* Halved before they are added: on some machines a long double is no larger than a double. There the smallest are not
 * in the middle, but as good as any other number. */
static long double middle_of(uint64_t bits)
{
    return (long double)double_of(bits) / 2 + (long double)double_of(bits + 1) / 2;
}

static void the_middle_is_found_at_every_exponent(void **state)
{
    uint32_t seed = test_seed();
    (void)state;

    for (uint64_t e = 0; e < 2047; e++) {
        uint64_t from = e << 52, last = (uint64_t)1 << 52;
        const uint64_t bits[] = {from, from + last - 2, from + random64(&seed) % (last - 1)};
        for (size_t i = 0; i < COUNT(bits); i++)
            reads_around(&seed, middle_of(bits[i]));
    }
    for (uint32_t e = 0; e < 255; e++) {
        uint32_t from = e << 23, last = 1u << 23;
        const uint32_t bits[] = {from, from + last - 2, from + test_random(&seed, last - 1)};
        for (size_t i = 0; i < COUNT(bits); i++)
            reads_around(&seed, ((long double)float_of(bits[i]) + float_of(bits[i] + 1)) / 2);
    }
}

/* Halfway between two doubles, written without an exponent: the point is at each place, and a digit differs at each. */
static void each_digit_of_a_long_number_counts(void **state)
{
    char digits[900], text[1000];
    (void)state;

    double low = double_of(0x000ffffffffffffe);
    snprintf(digits, sizeof digits, "%.*Le", 800,
             ((long double)low + double_of(0x000fffffffffffff)) / 2);
    digits[1] = digits[0];
    int n = (int)(strchr(digits, 'e') - digits) - 1;
    for (int i = 0; i < n; i++) {
        char *digit = digits + 1 + i, as_it_was = *digit;
        for (int by = -1; by <= 1; by++) {
            *digit = (char)(as_it_was + by);
            if (*digit < '0' || *digit > '9' || (i == 0 && *digit == '0'))
                continue;
            if (i == n - 1)
                snprintf(text, sizeof text, "%.*se-%d", n, digits + 1, 308 + n - 1);
            else
                snprintf(text, sizeof text, "%.*s.%.*se%d", i + 1, digits + 1, n - i - 1,
                         digits + 2 + i, -308 - i);
            reads_as_libc(text);
        }
        *digit = as_it_was;
    }
}

static void random_texts_are_read_as_libc_reads_them(void **state)
{
    uint32_t seed = test_seed();
    char text[64];
    (void)state;

    for (int i = 0; i < 100000; i++) {
        static const int spans[] = {3, 25, 60, 340};
        int span = spans[test_random(&seed, 4)];
        uint32_t n = 0, digits = 1 + test_random(&seed, 22), point = test_random(&seed, digits + 1);
        if (test_random(&seed, 2) == 0)
            text[n++] = '-';
        text[n++] = (char)('1' + test_random(&seed, 9));
        for (uint32_t d = 1; d < digits; d++) {
            if (d == point)
                text[n++] = '.';
            text[n++] = (char)('0' + test_random(&seed, 10));
        }
        snprintf(text + n, sizeof text - n, "e%d",
                 (int)test_random(&seed, 2u * (uint32_t)span) - span);
        reads_as_libc(text);
        text[n] = '\0';
        reads_as_libc(text);
    }
}

static const char *written_double(double value)
{
    static char text[64];
    struct iot_writer w = {.ptr = (uint8_t *)text, .cap = 24};

    iot_json_put_double(&w, value);
    assert_false(w.overflow);
    text[w.len] = '\0';
    return text;
}

static const char *written_float(float value)
{
    static char text[64];
    struct iot_writer w = {.ptr = (uint8_t *)text, .cap = 15};

    iot_json_put_float(&w, value);
    assert_false(w.overflow);
    text[w.len] = '\0';
    return text;
}

/* Digits without sign, point, exponent and zeros at either end. */
static size_t digits_in(const char *text)
{
    size_t count = 0, zeros = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text == '0' && count != 0)
            zeros++;
        else if (*text >= '1' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

/* It comes back; one digit less, rounded as printf does, would not; and no text of as many digits is nearer. */
static void writes_shortest(double value)
{
    char less[64], same[64];
    const char *text = written_double(value);
    double back = 0;
    size_t digits = digits_in(text);

    assert_err(iot_json_double(number(text), &back), IOT_OK);
    if (bits_of(back) != bits_of(value) || bits_of(strtod(text, NULL)) != bits_of(value))
        fail_msg("%.17g became %s", value, text);
    if (digits > 1) {
        snprintf(less, sizeof less, "%.*e", (int)digits - 2, value);
        if (strtod(less, NULL) == value)
            fail_msg("%s for %.17g is longer than %s", text, value, less);
    }
    if (digits > 0) {
        snprintf(same, sizeof same, "%.*e", (int)digits - 1, value);
        if (strtod(same, NULL) == value) {
            char ours[64];
            snprintf(ours, sizeof ours, "%.*e", (int)digits - 1, strtod(text, NULL));
            if (strcmp(ours, same) != 0 && digits < 17)
                fail_msg("%s for %.17g is not the nearest: %s", text, value, same);
        }
    }
}

static void writes_shortest_float(float value)
{
    char less[64];
    const char *text = written_float(value);
    float back = 0;
    size_t digits = digits_in(text);

    assert_err(iot_json_float(number(text), &back), IOT_OK);
    if (float_bits_of(back) != float_bits_of(value) ||
        float_bits_of(strtof(text, NULL)) != float_bits_of(value))
        fail_msg("%.9g became %s", (double)value, text);
    if (digits > 1) {
        snprintf(less, sizeof less, "%.*e", (int)digits - 2, (double)value);
        if (strtof(less, NULL) == value)
            fail_msg("%s for %.9g is longer than %s", text, (double)value, less);
    }
}

static void what_is_written_is_the_shortest_text_that_comes_back(void **state)
{
    uint32_t seed = test_seed();
    (void)state;

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random64(&seed);
        double value = double_of(bits);
        if (isfinite(value))
            writes_shortest(value);
        writes_shortest((double)(int64_t)bits / (double)(1 << test_random(&seed, 30)));
        writes_shortest((double)test_random(&seed, 100000) / 100);
        float f = float_of((uint32_t)bits);
        if (isfinite(f))
            writes_shortest_float(f);
        writes_shortest_float((float)test_random(&seed, 100000) / 10);
    }
    /* powers of two have a nearer neighbour below, and those of ten are where a digit is added */
    for (uint64_t e = 1; e < 2047; e++)
        for (int i = -1; i <= 1; i++)
            writes_shortest(double_of((e << 52) + (uint64_t)i));
    for (uint32_t bit = 0; bit < 52; bit++)
        writes_shortest(double_of((uint64_t)1 << bit));
    for (uint32_t e = 1; e < 255; e++)
        for (int i = -1; i <= 1; i++)
            writes_shortest_float(float_of((e << 23) + (uint32_t)i));
    for (uint32_t bit = 0; bit < 23; bit++)
        writes_shortest_float(float_of(1u << bit));
    for (int e = -323; e < 309; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        for (int i = -1; i <= 1; i++) {
            writes_shortest(double_of(bits_of(strtod(text, NULL)) + (uint64_t)i));
            if (e > -45 && e < 39)
                writes_shortest_float(float_of(float_bits_of(strtof(text, NULL)) + (uint32_t)i));
        }
    }
}

static void written_numbers_look_as_people_write_them(void **state)
{
    static const struct {
        double value;
        const char *text;
    } doubles[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1, "-1"},
        {0.1, "0.1"},
        {21.5, "21.5"},
        {100, "100"},
        {1e16, "10000000000000000"},
        {1e17, "1e17"},
        {123456789012, "123456789012"},
        {0.001, "0.001"},
        {0.0001234567890123456, "0.0001234567890123456"},
        {0.00001, "1e-5"},
        {-1.5e-7, "-1.5e-7"},
        {1e21, "1e21"},
        {1e23, "1e23"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e308"},
        {-DBL_MIN, "-2.2250738585072014e-308"},
        {9007199254740993.0, "9007199254740992"},
        {1e100, "1e100"},
        {2e9, "2000000000"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {NAN, "null"},
        {-NAN, "null"},
    };
    static const struct {
        float value;
        const char *text;
    } floats[] = {
        {0, "0"},
        {-0.0f, "-0"},
        {0.1f, "0.1"},
        {21.5f, "21.5"},
        {16777216, "16777216"},
        {1e9f, "1e9"},
        {1e8f, "100000000"},
        {FLT_MAX, "3.4028235e38"},
        {-FLT_MIN, "-1.1754944e-38"},
        {1e-45f, "1e-45"},
        {3.1415927f, "3.1415927"},
        {0.33333334f, "0.33333334"},
        {-0.00012345678f, "-0.00012345678"},
        {INFINITY, "null"},
        {NAN, "null"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(doubles); i++)
        assert_string_equal(written_double(doubles[i].value), doubles[i].text);
    for (size_t i = 0; i < COUNT(floats); i++)
        assert_string_equal(written_float(floats[i].value), floats[i].text);
}

static void integers_are_exact_up_to_their_limits(void **state)
{
    static const struct {
        const char *text;
        iot_err err64, err32, err_u32;
        int64_t value;
    } rows[] = {
#define OK    IOT_OK
#define RANGE IOT_ERR_JSON_RANGE
#define TYPE  IOT_ERR_JSON_TYPE
        {"0", OK, OK, OK, 0},
        {"-0", OK, OK, OK, 0},
        {"-1", OK, OK, RANGE, -1},
        {"7", OK, OK, OK, 7},
        {"2147483647", OK, OK, OK, INT32_MAX},
        {"2147483648", OK, RANGE, OK, INT64_C(2147483648)},
        {"-2147483648", OK, OK, RANGE, INT32_MIN},
        {"-2147483649", OK, RANGE, RANGE, INT64_C(-2147483649)},
        {"4294967295", OK, RANGE, OK, UINT32_MAX},
        {"4294967296", OK, RANGE, RANGE, INT64_C(4294967296)},
        {"9223372036854775807", OK, RANGE, RANGE, INT64_MAX},
        {"9223372036854775808", RANGE, RANGE, RANGE, 0},
        {"-9223372036854775808", OK, RANGE, RANGE, INT64_MIN},
        {"-9223372036854775809", RANGE, RANGE, RANGE, 0},
        {"9999999999999999999", RANGE, RANGE, RANGE, 0},
        {"10000000000000000000", RANGE, RANGE, RANGE, 0},
        {"20000000000000000000", RANGE, RANGE, RANGE, 0},
        {"2e19", RANGE, RANGE, RANGE, 0},
        {"18446744073709551616", RANGE, RANGE, RANGE, 0},
        {"18446744073709551617", RANGE, RANGE, RANGE, 0},
        {"1.0", OK, OK, OK, 1},
        {"1e3", OK, OK, OK, 1000},
        {"1E+3", OK, OK, OK, 1000},
        {"1000e-3", OK, OK, OK, 1},
        {"1.50e1", OK, OK, OK, 15},
        {"1.25e1", TYPE, TYPE, TYPE, 0},
        {"1.5", TYPE, TYPE, TYPE, 0},
        {"1e-1", TYPE, TYPE, TYPE, 0},
        {"0.1e1", OK, OK, OK, 1},
        {"0e99", OK, OK, OK, 0},
        {"0.000e-99", OK, OK, OK, 0},
        {"1e18", OK, RANGE, RANGE, INT64_C(1000000000000000000)},
        {"1e19", RANGE, RANGE, RANGE, 0},
        {"1e999999999999", RANGE, RANGE, RANGE, 0},
        {"1e-999999999999", TYPE, TYPE, TYPE, 0},
        {"9223372036854775807.0000", OK, RANGE, RANGE, INT64_MAX},
        {"92233720368547758070e-1", OK, RANGE, RANGE, INT64_MAX},
        {"9223372036854775807000000000000000000000e-21", OK, RANGE, RANGE, INT64_MAX},
        {"9223372036854775807.5", TYPE, TYPE, TYPE, 0},
        {"0.00000000000000000000000000000000004e35", OK, OK, OK, 4},
        {"-2147483648.0", OK, OK, RANGE, INT32_MIN},
        {"429496729500e-2", OK, RANGE, OK, UINT32_MAX},
        /* no numbers */
        {"", TYPE, TYPE, TYPE, 0},
        {"-", TYPE, TYPE, TYPE, 0},
        {"+1", TYPE, TYPE, TYPE, 0},
        {"01", TYPE, TYPE, TYPE, 0},
        {"1.", TYPE, TYPE, TYPE, 0},
        {".1", TYPE, TYPE, TYPE, 0},
        {"1e", TYPE, TYPE, TYPE, 0},
        {"1e+", TYPE, TYPE, TYPE, 0},
        {"0x1", TYPE, TYPE, TYPE, 0},
        {"1 ", TYPE, TYPE, TYPE, 0},
        {" 1", TYPE, TYPE, TYPE, 0},
        {"true", TYPE, TYPE, TYPE, 0},
        {"null", TYPE, TYPE, TYPE, 0},
        {"[1]", TYPE, TYPE, TYPE, 0},
        {"--1", TYPE, TYPE, TYPE, 0},
        {"1.e1", TYPE, TYPE, TYPE, 0},
        {"1e1.0", TYPE, TYPE, TYPE, 0},
        {"1,2", TYPE, TYPE, TYPE, 0},
        {"-01", TYPE, TYPE, TYPE, 0},
        {"1e1e1", TYPE, TYPE, TYPE, 0},
#undef OK
#undef RANGE
#undef TYPE
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_json v = number(rows[i].text);
        char text[80];
        snprintf(text, sizeof text, "\"%s\"", rows[i].text);
        /* what is no JSON at all is only looked at as the text of a string */
        struct iot_json root;
        bool json = iot_json_check((struct iot_bytes){v.ptr, v.len}, &root, NULL) == IOT_OK &&
                    root.len == v.len;
        for (int quoted = !json; quoted < 2; quoted++) {
            int64_t wide = 77;
            int32_t narrow = 77;
            uint32_t positive = 77;
            if (!quoted) {
                assert_err(iot_json_i64(v, &wide), rows[i].err64);
                assert_err(iot_json_i32(v, &narrow), rows[i].err32);
                assert_true(narrow == (rows[i].err32 == IOT_OK ? (int32_t)rows[i].value : 77));
                assert_err(iot_json_u32(v, &positive), rows[i].err_u32);
            } else {
                v = number(text);
                assert_err(iot_json_i64(v, &wide), IOT_ERR_JSON_TYPE);
                assert_err(iot_json_i32(v, &narrow), IOT_ERR_JSON_TYPE);
                assert_err(iot_json_u32(v, &positive), IOT_ERR_JSON_TYPE);
                assert_err(iot_json_i64_text(v, &wide), rows[i].err64);
                assert_err(iot_json_u32_text(v, &positive), rows[i].err_u32);
            }
            assert_true(wide == (rows[i].err64 == IOT_OK ? rows[i].value : 77));
            assert_true(positive == (rows[i].err_u32 == IOT_OK ? (uint32_t)rows[i].value : 77));
        }
    }
}

static void integers_of_all_sizes_come_back(void **state)
{
    uint32_t seed = test_seed();
    (void)state;

    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)(random64(&seed) >> test_random(&seed, 64)), back = 0;
        char text[32], expected[32];
        struct iot_writer w = {.ptr = (uint8_t *)text, .cap = 20};
        if (test_random(&seed, 2) == 0 && value >= 0)
            value = -value;
        iot_json_put_i64(&w, value);
        assert_false(w.overflow);
        snprintf(expected, sizeof expected, "%lld", (long long)value);
        assert_int_equal(w.len, strlen(expected));
        assert_memory_equal(text, expected, w.len);
        assert_err(iot_json_i64(number(expected), &back), IOT_OK);
        assert_true(back == value);
    }
}

static void reading_and_writing_take_no_memory(void **state)
{
    char text[24];
    struct iot_writer w = {.ptr = (uint8_t *)text, .cap = sizeof text};
    double value;
    (void)state;

    struct iot_json v = number("2.2250738585072011e-308");
    heap_trap_on();
    assert_int_equal(iot_json_double(v, &value), IOT_OK);
    iot_json_put_double(&w, value);
    heap_trap_off();
    assert_int_equal(w.len, 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_are_hard_to_round_are_right_to_the_bit),
        cmocka_unit_test(long_numbers_count_to_their_last_digit),
        cmocka_unit_test(an_exponent_can_make_up_for_any_number_of_zeros),
        cmocka_unit_test(a_whole_number_of_any_length_is_read_or_refused),
        cmocka_unit_test(an_exponent_beyond_the_largest_value_is_refused),
        cmocka_unit_test(what_lies_between_two_values_goes_to_the_even_one),
        cmocka_unit_test(the_middle_is_found_at_every_exponent),
        cmocka_unit_test(each_digit_of_a_long_number_counts),
        cmocka_unit_test(random_texts_are_read_as_libc_reads_them),
        cmocka_unit_test(what_is_written_is_the_shortest_text_that_comes_back),
        cmocka_unit_test(written_numbers_look_as_people_write_them),
        cmocka_unit_test(integers_are_exact_up_to_their_limits),
        cmocka_unit_test(integers_of_all_sizes_come_back),
        cmocka_unit_test(reading_and_writing_take_no_memory),
    };
    return cmocka_run_group_tests_name("json_number", tests, NULL, NULL);
}
