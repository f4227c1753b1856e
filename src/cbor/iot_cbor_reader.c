/* SPDX-License-Identifier: Apache-2.0 */
/* Heads are read one after the other: a value ends where as many were read as it announces. So there is no recursion, and
 * only who checks remembers how many are missing, of each container that is open. */
#include "iot/iot_cbor.h"

#include "core/iot_core_utf8.h"

#include <string.h>

#if IOT_FEATURE_CBOR

enum { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, OTHER };
enum { FALSE = 20, TRUE, NIL, UNDEFINED, SIMPLE, FLOATS, INDEFINITE = 31 };

struct head {
    uint32_t major, info;
    uint64_t value;
    uint32_t inside;       /* so many values */
    const uint8_t *string; /* its bytes */
    const uint8_t *behind; /* the head, and a string */
};

static iot_err read_head(struct iot_cbor v, struct head *h)
{
    const uint8_t *at = v.ptr;
    uint32_t size = 0;

    if (at == v.end)
        return IOT_ERR_CBOR_CUT;
    h->major = *at >> 5;
    h->info = *at++ & 31;
    h->value = h->info;
    h->inside = h->major == TAG;
    bool sized = h->major >= BYTES && h->major <= MAP;
    if (h->info > 27)
        return sized && h->info == INDEFINITE ? IOT_ERR_CBOR_RANGE : IOT_ERR_CBOR_FORMAT;
    if (h->info >= 24) {
        size = 1u << (h->info - 24);
        h->value = 0;
    }
    if (size > (uint32_t)(v.end - at))
        return IOT_ERR_CBOR_CUT;
    while (size-- != 0)
        h->value = h->value << 8 | *at++;
    if (h->major == OTHER && h->info == SIMPLE && h->value < 32)
        return IOT_ERR_CBOR_FORMAT;
    h->string = at;
    if (sized) {
        uint32_t count = (uint32_t)h->value;
        if (h->value >> (h->major == MAP ? 31 : 32) != 0)
            return IOT_ERR_CBOR_RANGE;
        if (h->major >= ARRAY) {
            h->inside = h->major == MAP ? 2 * count : count;
        } else {
            if (count > (uint32_t)(v.end - at))
                return IOT_ERR_CBOR_CUT;
            at += count;
        }
    }
    h->behind = at;
    return IOT_OK;
}

iot_err iot_cbor_check(struct iot_bytes bytes, struct iot_cbor *root, uint32_t *at)
{
    uint32_t missing[IOT_JSON_DEPTH_MAX + 1], depth = 0;
    const struct iot_cbor all = {bytes.ptr, bytes.ptr + bytes.len};
    struct iot_cbor v = all;
    iot_err err;
    struct head h;

    missing[0] = 1;
    for (;;) {
        while (missing[depth] == 0 && depth != 0)
            depth--;
        if (missing[depth] == 0) {
            err = v.ptr == v.end ? IOT_OK : IOT_ERR_CBOR_FORMAT;
            break;
        }
        err = read_head(v, &h);
        if (err != IOT_OK)
            break;
        if (h.major == TEXT && !iot_utf8_valid((struct iot_bytes){h.string, (uint32_t)h.value})) {
            err = IOT_ERR_CBOR_RANGE;
            break;
        }
        missing[depth]--;
        if (h.major == TAG) {
            missing[depth]++; /* it is no container: its value stands where it stands */
        } else if (h.major == ARRAY || h.major == MAP) {
            if (depth == IOT_JSON_DEPTH_MAX) {
                err = IOT_ERR_CBOR_DEPTH;
                break;
            }
            missing[++depth] = h.inside;
        }
        v.ptr = h.behind;
    }
    if (err == IOT_OK)
        *root = all;
    if (at != NULL)
        *at = err == IOT_ERR_CBOR_CUT ? bytes.len : (uint32_t)(v.ptr - all.ptr);
    return err;
}

/* ---- What is there --------------------------------------------------------------------------- */

enum iot_cbor_kind iot_cbor_kind(struct iot_cbor v)
{
    struct head h;

    if (read_head(v, &h) != IOT_OK)
        return IOT_CBOR_NONE;
    if (h.major < OTHER)
        return (enum iot_cbor_kind)(IOT_CBOR_UINT + h.major);
    if (h.info >= FLOATS)
        return IOT_CBOR_FLOAT;
    if (h.info >= FALSE && h.info <= UNDEFINED)
        return h.info <= TRUE ? IOT_CBOR_BOOL : IOT_CBOR_NULL;
    return IOT_CBOR_SIMPLE;
}

uint32_t iot_cbor_count(struct iot_cbor v)
{
    struct head h;

    return read_head(v, &h) == IOT_OK && h.major >= BYTES && h.major <= MAP ? (uint32_t)h.value : 0;
}

/* Whatever lies at its end. */
static struct iot_cbor from(struct iot_cbor v, const uint8_t *at)
{
    return at != v.end ? (struct iot_cbor){at, v.end} : (struct iot_cbor){NULL, NULL};
}

struct iot_cbor iot_cbor_first(struct iot_cbor v)
{
    struct head h;

    return from(v, read_head(v, &h) == IOT_OK && h.inside != 0 ? h.behind : v.end);
}

struct iot_cbor iot_cbor_next(struct iot_cbor v)
{
    struct head h;

    for (uint32_t missing = 1; missing != 0; missing += h.inside - 1) {
        if (read_head(v, &h) != IOT_OK)
            h.behind = v.end;
        v.ptr = h.behind;
        if (v.ptr == v.end)
            break;
    }
    return from(v, v.ptr);
}

iot_err iot_cbor_string(struct iot_cbor v, struct iot_bytes *out)
{
    struct head h;

    if (read_head(v, &h) != IOT_OK || (h.major != BYTES && h.major != TEXT))
        return IOT_ERR_CBOR_KIND;
    *out = (struct iot_bytes){h.string, (uint32_t)h.value};
    return IOT_OK;
}

iot_err iot_cbor_get(struct iot_cbor map, const char *key, struct iot_cbor *out)
{
    uint32_t len = (uint32_t)strlen(key), pairs;
    struct iot_cbor v = map;
    struct head h;

    if (read_head(v, &h) != IOT_OK || h.major != MAP)
        return IOT_ERR_CBOR_KIND;
    v.ptr = h.behind;
    for (pairs = (uint32_t)h.value; pairs != 0 && read_head(v, &h) == IOT_OK; pairs--) {
        v = iot_cbor_next(v);
        if (h.major == TEXT && h.value == len && memcmp(h.string, key, len) == 0) {
            *out = v;
            return IOT_OK;
        }
        v = iot_cbor_next(v);
    }
    return IOT_ERR_CBOR_MISSING;
}

iot_err iot_cbor_is(struct iot_cbor v, bool *out)
{
    if (iot_cbor_kind(v) != IOT_CBOR_BOOL)
        return IOT_ERR_CBOR_KIND;
    *out = (*v.ptr & 1) != 0;
    return IOT_OK;
}

/* ---- Numbers. Floating point (IEEE 754) by its bits: many boards have it in software only ------ */

struct number {
    uint64_t value; /* times 2^two */
    int32_t two;
    bool negative;
};

#define HIDDEN  ((uint64_t)1 << 63)
#define ENDLESS 4096 /* the exponent of what is infinite, or no number */

static iot_err read_number(struct iot_cbor v, struct number *n)
{
    static const uint8_t exponents[] = {5, 8, 11}; /* bits of them */
    struct head h;

    if (read_head(v, &h) != IOT_OK)
        return IOT_ERR_CBOR_KIND;
    n->value = h.value;
    n->two = 0;
    n->negative = h.major == NEGATIVE;
    if (n->negative)
        return ++n->value != 0 ? IOT_OK : IOT_ERR_CBOR_RANGE; /* -2^64 */
    if (h.major == UNSIGNED)
        return IOT_OK;
    if (h.major != OTHER || h.info < FLOATS)
        return IOT_ERR_CBOR_KIND;
    /* From the left: sign, exponent, mantissa, whatever their lengths. */
    uint32_t bits = exponents[h.info - FLOATS], most = (1u << bits) - 1;
    if (h.info != FLOATS + 2)
        n->value <<= 32;
    if (h.info == FLOATS)
        n->value <<= 16;
    uint32_t exponent = (uint32_t)(n->value >> 32) >> (31 - bits) & most;
    n->negative = n->value >> 63 != 0;
    n->value = n->value << bits & (HIDDEN - 1);
    n->two = exponent == most ? ENDLESS : (int32_t)(exponent - most / 2 - 63);
    if (exponent != 0)
        n->value |= HIDDEN;
    else
        n->two++;
    return IOT_OK;
}

#define DOUBLE_BITS     52 /* of the mantissa */
#define DOUBLE_ONE      (DOUBLE_BITS + 1023)
#define DOUBLE_MANTISSA (((uint64_t)1 << DOUBLE_BITS) - 1)
#define DOUBLE_MOST     0x7ff

iot_err iot_cbor_f64(struct iot_cbor v, double *out)
{
    struct number n;
    iot_err err = read_number(v, &n);

    if (err != IOT_OK)
        return err;
    n.two += DOUBLE_ONE; /* its exponent, if it has all of its bits; from 1 on */
    for (; n.value > 2 * DOUBLE_MANTISSA + 1 || (n.two < 1 && n.value != 0); n.value >>= 1, n.two++)
        if ((n.value & 1) != 0)
            return IOT_ERR_CBOR_RANGE;
    for (; n.value <= DOUBLE_MANTISSA && n.value != 0 && n.two > 1; n.value <<= 1)
        n.two--;
    if (n.value <= DOUBLE_MANTISSA)
        n.two = 0;
    if (n.two > DOUBLE_MOST)
        n.two = DOUBLE_MOST;
    n.value = (n.value & DOUBLE_MANTISSA) | (uint64_t)(uint32_t)n.two << DOUBLE_BITS |
              (uint64_t)n.negative << 63;
    memcpy(out, &n.value, sizeof n.value);
    return IOT_OK;
}

iot_err iot_cbor_i64(struct iot_cbor v, int64_t *out)
{
    struct number n;
    iot_err err = read_number(v, &n);

    if (err != IOT_OK)
        return err;
    for (; n.two < 0 && n.value != 0; n.value >>= 1, n.two++)
        if ((n.value & 1) != 0)
            return IOT_ERR_CBOR_KIND; /* it has a fraction */
    for (; n.two > 0 && n.value <= INT64_MAX && n.value != 0; n.two--)
        n.value <<= 1;
    if (n.two > 0 && n.value != 0)
        return IOT_ERR_CBOR_RANGE;
    if (n.value > (uint64_t)INT64_MAX + n.negative)
        return IOT_ERR_CBOR_RANGE;
    *out = (int64_t)(n.negative ? 0 - n.value : n.value);
    return IOT_OK;
}

iot_err iot_cbor_u32(struct iot_cbor v, uint32_t *out)
{
    int64_t value;
    iot_err err = iot_cbor_i64(v, &value);

    if (err != IOT_OK)
        return err;
    if (value < 0 || value > UINT32_MAX)
        return IOT_ERR_CBOR_RANGE;
    *out = (uint32_t)value;
    return IOT_OK;
}

#endif
