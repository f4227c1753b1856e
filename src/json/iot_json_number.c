/* SPDX-License-Identifier: Apache-2.0 */
#include "json/iot_json_number.h"

#include <string.h>

#if IOT_FEATURE_JSON

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (uint32_t)(*at - '0') <= 9)
        at++;
    return at;
}

/* RFC 8259, section 6 */
const uint8_t *iot_json_number_end(const uint8_t *at, const uint8_t *end, bool *ok)
{
    const uint8_t *from;

    if (at < end && *at == '-')
        at++;
    from = at;
    at = at < end && *at == '0' ? at + 1 : skip_digits(at, end);
    *ok = at != from;
    if (*ok && at < end && *at == '.') {
        from = at + 1;
        at = skip_digits(from, end);
        *ok = at != from;
    }
    if (*ok && at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        from = at;
        at = skip_digits(from, end);
        *ok = at != from;
    }
    return at;
}

/* ---- A number taken apart: 0.D1D2D3... * 10^point, D1 is not 0 ------------------------------- */

#define LEAD_MAX 19u /* digits that a uint64_t holds */
#define EXPONENT_MAX                                                                               \
    100000000 /* one from here on may be cut: no text has digits enough to make up for it */

struct decimal {
    const uint8_t *at;   /* its digits from D1 on, with a point somewhere */
    uint64_t lead;       /* the first digits ... */
    uint32_t lead_count; /* ... so many */
    uint32_t count;      /* digits up to the last that is not 0; none: it is 0 */
    int32_t point;
    bool negative;
};

static void take_apart(struct iot_bytes text, struct decimal *d)
{
    const uint8_t *at = text.ptr, *end = text.ptr + text.len;
    uint32_t seen = 0, whole = 0, zeros = 0; /* digits, those before the point, zeros behind it */
    uint64_t lead = 0;
    bool fraction = false;

    d->negative = at < end && *at == '-';
    at += d->negative;
    d->lead_count = LEAD_MAX;
    d->count = 0;
    for (; at < end; at++) {
        uint32_t digit = *at - (uint32_t)'0';
        if (digit > 9) {
            if (*at != '.')
                break;
            fraction = true;
            whole = seen;
            continue;
        }
        if (seen == 0) {
            if (digit == 0) {
                zeros += fraction;
                continue;
            }
            d->at = at;
        }
        if (seen++ < LEAD_MAX)
            lead = lead * 10 + digit;
        if (digit != 0)
            d->count = seen;
    }
    d->lead = lead;
    if (seen < LEAD_MAX)
        d->lead_count = seen;
    d->point = (int32_t)(fraction ? whole : seen) - (int32_t)zeros;
    if (at < end) {
        int32_t exponent = 0;
        bool down = false;
        for (at++; at < end && exponent < EXPONENT_MAX; at++) {
            if (*at == '-')
                down = true;
            else if (*at != '+')
                exponent = exponent * 10 + (*at & 15);
        }
        d->point += down ? -exponent : exponent;
    }
}

iot_err iot_json_number_i64(struct iot_bytes text, int64_t *out)
{
    struct decimal d;

    take_apart(text, &d);
    if (d.count == 0)
        d.point = 0;
    if (d.point < (int32_t)d.count)
        return IOT_ERR_JSON_TYPE;
    if (d.point > (int32_t)LEAD_MAX)
        return IOT_ERR_JSON_RANGE;
    /* From here on lead has all digits that count, and at most 19 are asked for: it does not overflow. */
    for (; (int32_t)d.lead_count > d.point; d.lead_count--)
        d.lead /= 10;
    for (; (int32_t)d.lead_count < d.point; d.lead_count++)
        d.lead *= 10;
    if (d.lead > (uint64_t)INT64_MAX + d.negative)
        return IOT_ERR_JSON_RANGE;
    *out = d.negative ? (int64_t)(0 - d.lead) : (int64_t)d.lead;
    return IOT_OK;
}

/* ---- Large numbers, lowest word first; all of a computation have the same count of words ------- */

/* The largest number is met near the smallest normal value: a divisor of 2^768 (double), 2^113 (float), and room for the
 * upper half of what it is made of. */
#define WORDS_MAX 26u

struct big {
    uint32_t w[WORDS_MAX];
};

static void multiply(struct big *b, uint32_t words, uint32_t by)
{
    uint64_t carry = 0;

    for (uint32_t i = 0; i < words; i++) {
        carry += (uint64_t)b->w[i] * by;
        b->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* b = value * 2^two * 5^five; says how many words that may fill. */
static uint32_t make(struct big *b, uint32_t words, uint64_t value, uint32_t two, uint32_t five)
{
    uint32_t filled = two / 32 + 3, by = 1;

    memset(b, 0, sizeof *b);
    b->w[two / 32] = (uint32_t)value;
    b->w[two / 32 + 1] = (uint32_t)(value >> 32);
    multiply(b, filled < words ? filled : words, 1u << two % 32);
    for (; five % 13 != 0; five--)
        by *= 5;
    for (;; five -= 13) {
        if (++filled > words)
            filled = words;
        multiply(b, filled, by);
        if (five == 0)
            return filled;
        by = 1220703125; /* 5^13 */
    }
}

/* The sign of a + b - c; without b, of a - c. */
static int compare(const struct big *a, const struct big *b, const struct big *c, uint32_t words)
{
    int32_t carry = 0;
    uint32_t any = 0;

    for (uint32_t i = 0; i < words; i++) {
        /* 2^33 more, so that it is never negative */
        uint64_t sum = ((uint64_t)2 << 32) + a->w[i] - c->w[i] + (uint64_t)(int64_t)carry;
        if (b != NULL)
            sum += b->w[i];
        any |= (uint32_t)sum;
        carry = (int32_t)(sum >> 32) - 2;
    }
    return carry < 0 ? -1 : carry > 0 || any != 0;
}

/* r / s, which is below 16; r becomes the rest. */
static uint32_t divide(struct big *r, const struct big *s, uint32_t words)
{
    uint32_t quotient = 0;

    for (; compare(r, NULL, s, words) >= 0; quotient++) {
        uint32_t borrow = 0;
        for (uint32_t i = 0; i < words; i++) {
            uint64_t difference = (uint64_t)r->w[i] - s->w[i] - borrow;
            r->w[i] = (uint32_t)difference;
            borrow = (uint32_t)(difference >> 32) & 1;
        }
    }
    return quotient;
}

/* r / s = value * 2^two / 10^point, without the powers of two that both have. Says how many words are to be computed
 * with: 32 bits more than r and s have, at most `words`. */
static uint32_t make_ratio(struct big *r, struct big *s, uint32_t words, uint64_t value,
                           int32_t two, int32_t point)
{
    two -= point;
    uint32_t upper =
        make(r, words, value, two > 0 ? (uint32_t)two : 0, point < 0 ? (uint32_t)-point : 0);
    uint32_t lower =
        make(s, words, 1, two < 0 ? (uint32_t)-two : 0, point > 0 ? (uint32_t)point : 0);
    uint32_t filled = upper > lower ? upper : lower;
    return filled < words ? filled + 1 : words;
}

const struct iot_json_format iot_json_float_format = {24, 5, 9, -149, 127};
const struct iot_json_format iot_json_double_format = {53, WORDS_MAX, 17, -1074, 1023};

/* ---- Reading ------------------------------------------------------------------------------- */

/* r = r * by - s * times; false: that is negative. */
static bool step(struct big *r, const struct big *s, uint32_t words, uint32_t by, uint32_t times)
{
    uint64_t up = 0, down = 0;
    uint32_t borrow = 0;

    for (uint32_t i = 0; i < words; i++) {
        up += (uint64_t)r->w[i] * by;
        down += (uint64_t)s->w[i] * times;
        uint64_t difference = (uint64_t)(uint32_t)up - (uint32_t)down - borrow;
        r->w[i] = (uint32_t)difference;
        borrow = (uint32_t)(difference >> 32) & 1;
        up >>= 32;
        down >>= 32;
    }
    return borrow == 0;
}

/* The sign of d - value * 2^two, of a text of any length: nine digits at a time are taken off value * 2^two, until
 * less than nothing is left of it, or more than all further digits are together. */
static int compare_decimal(const struct decimal *d, const struct iot_json_format *f, uint64_t value,
                           int32_t two)
{
    struct big r, s;
    const uint8_t *at = d->at;
    uint32_t words = make_ratio(&r, &s, f->words, value, two, d->point), top;

    for (uint32_t i = 0; i < d->count;) {
        uint32_t by = 1, digits = 0;
        for (; i < d->count && by < 1000000000; at++) {
            if (*at == '.')
                continue;
            digits = digits * 10 + (*at - (uint32_t)'0');
            by *= 10;
            i++;
        }
        if (!step(&r, &s, words, by, digits))
            return 1;
        for (top = words - 1; top > 0 && r.w[top] == s.w[top];)
            top--;
        if (r.w[top] >= s.w[top])
            return -1;
    }
    for (top = 0; top < words; top++) {
        if (r.w[top] != 0)
            return -1;
    }
    return 0;
}

/* m * 2^*two as before, the highest bit of m set. */
static uint64_t normal(uint64_t m, int32_t *two)
{
    for (; m >> 56 == 0; m <<= 8)
        *two -= 8;
    for (; m >> 63 == 0; m <<= 1)
        --*two;
    return m;
}

/* The first 64 bits of a * b, both of which have their highest bit set. */
static uint64_t product(uint64_t a, uint64_t b, int32_t *two)
{
    uint64_t a_high = a >> 32, a_low = (uint32_t)a, b_high = b >> 32, b_low = (uint32_t)b;
    uint64_t one = a_high * b_low + (a_low * b_low >> 32);
    uint64_t other = a_low * b_high + (uint32_t)one;
    uint64_t high = a_high * b_high + (one >> 32) + (other >> 32);

    *two += 64;
    if (high >> 63 == 0) {
        high = high << 1 | (other >> 31 & 1);
        --*two;
    }
    return high;
}

/* d is about mant * 2^two; the highest bit of mant is set. It is off by less than SLACK: 3 for each of
 * some 25 steps, and 16 when there are more digits than lead holds. */
#define SLACK 128u

/* 10^18 and, rounded, 10^-18, as factors of powers of two */
#define UP       UINT64_C(0xDE0B6B3A76400000)
#define UP_TWO   (-4)
#define DOWN     UINT64_C(0x9392EE8E921D5D07)
#define DOWN_TWO (-123)

static uint64_t approximate(const struct decimal *d, int32_t *two)
{
    int32_t ten = d->point - (int32_t)d->lead_count;
    uint64_t mant, power = 1;

    *two = 0;
    mant = normal(d->lead, two);
    for (; ten % 18 != 0; ten--)
        power *= 10;
    mant = product(mant, normal(power, two), two);
    for (; ten > 0; ten -= 18) {
        mant = product(mant, UP, two);
        *two += UP_TWO;
    }
    for (; ten < 0; ten += 18) {
        mant = product(mant, DOWN, two);
        *two += DOWN_TWO;
    }
    return mant;
}

iot_err iot_json_number_bits(struct iot_bytes text, const struct iot_json_format *f, uint64_t *bits)
{
    struct decimal d;
    uint32_t precision = f->precision;
    uint64_t sign, kept = 0;

    take_apart(text, &d);
    sign = (uint64_t)d.negative << (precision == 24 ? 31 : 63);
    if (d.count == 0 || d.point < -400) {
        *bits = sign;
        return IOT_OK;
    }
    if (d.point > 400)
        return IOT_ERR_JSON_RANGE;

    int32_t two;
    uint64_t mant = approximate(&d, &two);
    /* Of the 64 bits `drop` are not kept. Small values have fewer: their lowest bit stays. */
    int32_t drop = 64 - (int32_t)precision;
    if (two + drop < f->lowest)
        drop = f->lowest - two;
    if (drop > 66) {
        *bits = sign;
        return IOT_OK;
    }
    if (drop >= 64) { /* so that nothing is shifted by 64 */
        mant >>= 4;
        two += 4;
        drop -= 4;
    }
    uint64_t half = (uint64_t)1 << (drop - 1), rest = mant & (half * 2 - 1);
    bool up = rest >= half;
    kept = mant >> drop;
    two += drop;
    /* There the large numbers have no room. mant may be off: the limit is half a step below, far from here. */
    if (two + (int32_t)precision - 1 > f->highest)
        return IOT_ERR_JSON_RANGE;
    if ((up ? rest - half : half - rest) < SLACK) {
        int sign_of = compare_decimal(&d, f, kept * 2 + 1, two - 1);
        up = sign_of > 0 || (sign_of == 0 && (kept & 1) != 0);
    }
    kept += up;
    /* Without a hidden bit the biased exponent is 0, and a carry into that bit makes it 1. */
    uint64_t exponent = (uint64_t)(two - f->lowest);
    kept += exponent << (precision - 1);
    if (kept >> (precision - 1) > (uint64_t)(f->highest * 2))
        return IOT_ERR_JSON_RANGE;
    *bits = sign | kept;
    return IOT_OK;
}

/* ---- Writing: the digits of Steele and White, as far as they are needed ------------------------ */

static uint32_t write_digits(uint64_t mant, int32_t two, bool uneven,
                             const struct iot_json_format *f, uint8_t *digits, int32_t *point)
{
    struct big r, s, half; /* r / s is the value, half / s the way to where the next one begins */
    uint32_t words, count = 0, digit;
    int even = (mant & 1) == 0; /* then that limit itself is still ours */
    int32_t highest = two;
    bool low, high;

    for (uint64_t m = mant; m > 1; m >>= 1)
        highest++;
    /* 78913 / 2^18 is log10(2): 10^*point is above 2^highest, and then no more than one too low. */
    *point = ((highest * 78913 + (400 << 18)) >> 18) - 400 + 1;
    make_ratio(&half, &s, f->words, 1, two - 1, *point);
    words = make_ratio(&r, &s, f->words, mant * 2, two - 1, *point);
    if (compare(&r, &half, &s, words) > -even) {
        multiply(&s, words, 10);
        ++*point;
    }
    for (;;) {
        multiply(&r, words, 10);
        multiply(&half, words, 10);
        digit = divide(&r, &s, words);
        /* The value below a power of two is only half as far away. */
        low = compare(&r, uneven ? &r : NULL, &half, words) < even;
        high = compare(&r, &half, &s, words) > -even;
        if (low || high)
            break;
        digits[count++] = (uint8_t)('0' + digit);
    }
    if (high && (!low || compare(&r, &r, &s, words) > 0))
        digit++;
    digits[count++] = (uint8_t)('0' + digit);
    return count;
}

uint32_t iot_json_number_text(uint64_t bits, const struct iot_json_format *f,
                              char text[IOT_JSON_NUMBER_MAX])
{
    uint8_t digits[IOT_JSON_NUMBER_MAX];
    uint32_t precision = f->precision, n = 0, count = 1;
    uint64_t hidden = (uint64_t)1 << (precision - 1), mant = bits & (hidden - 1);
    int32_t most = f->highest * 2 + 1, exponent = (int32_t)(bits >> (precision - 1)) & most,
            point = 1;

    if (exponent == most) {
        memcpy(text, "null", 4);
        return 4;
    }
    if (bits >> (precision == 24 ? 31 : 63) != 0)
        text[n++] = '-';
    digits[0] = '0';
    if (exponent != 0)
        mant |= hidden;
    if (mant != 0)
        count = write_digits(mant, f->lowest + (exponent != 0 ? exponent - 1 : 0), mant == hidden,
                             f, digits, &point);

    bool plain = point > -4 && point <= f->digits;
    int32_t left = plain ? point : 1; /* digits in front of the point */
    uint32_t i = 0;
    if (left <= 0) {
        text[n++] = '0';
        text[n++] = '.';
        for (; left < 0; left++)
            text[n++] = '0';
        left = INT32_MAX; /* no further point */
    }
    for (; i < count || (plain && (int32_t)i < point); i++) {
        if ((int32_t)i == left)
            text[n++] = '.';
        text[n++] = i < count ? (char)digits[i] : '0';
    }
    if (!plain) {
        uint32_t e = (uint32_t)(point > 0 ? point - 1 : 1 - point);
        text[n++] = 'e';
        if (point <= 0)
            text[n++] = '-';
        if (e >= 100)
            text[n++] = (char)('0' + e / 100);
        if (e >= 10)
            text[n++] = (char)('0' + e / 10 % 10);
        text[n++] = (char)('0' + e % 10);
    }
    return n;
}

#endif
