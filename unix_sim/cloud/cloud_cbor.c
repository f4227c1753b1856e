/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_cbor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum major {
    M_UINT,
    M_NEGATIVE,
    M_BYTES,
    M_TEXT,
    M_ARRAY,
    M_MAP,
    M_TAG,
    M_SIMPLE,
};

/* ---- Reading --------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    int depth;
    const char *why;
};

static json_t *read_value(struct reader *r);

static json_t *fail(struct reader *r, const char *why)
{
    if (r->why == NULL)
        r->why = why;
    return NULL;
}

static bool read_big(struct reader *r, size_t n, uint64_t *value)
{
    if ((size_t)(r->end - r->at) < n) {
        fail(r, "it ends too early");
        return false;
    }
    *value = 0;
    for (; n > 0; n--)
        *value = *value << 8 | *r->at++;
    return true;
}

/* The number behind the first byte, of as few bytes as it could have. */
static bool read_number(struct reader *r, uint8_t more, uint64_t *value)
{
    static const uint64_t least[] = {24, 0x100, 0x10000, 0x100000000};

    if (more < 24) {
        *value = more;
        return true;
    }
    if (more > 27) {
        fail(r, "a length has to be known");
        return false;
    }
    if (!read_big(r, (size_t)1 << (more - 24), value))
        return false;
    if (*value < least[more - 24]) {
        fail(r, "a number is longer than it has to be");
        return false;
    }
    return true;
}

static json_t *read_text(struct reader *r, uint64_t len)
{
    if (len > (uint64_t)(r->end - r->at))
        return fail(r, "it ends too early");
    json_t *text = memchr(r->at, 0, (size_t)len) == NULL
                       ? json_stringn((const char *)r->at, (size_t)len)
                       : NULL;
    r->at += len;
    return text != NULL ? text : fail(r, "a text is no UTF-8, or has a NUL");
}

static json_t *read_array(struct reader *r, uint64_t count)
{
    json_t *array = json_array();

    for (; count > 0; count--) {
        json_t *value = read_value(r);
        if (value == NULL) {
            json_decref(array);
            return NULL;
        }
        json_array_append_new(array, value);
    }
    return array;
}

static json_t *read_map(struct reader *r, uint64_t count)
{
    json_t *map = json_object();

    for (; count > 0 && r->why == NULL; count--) {
        json_t *name = read_value(r);
        const char *text = json_string_value(name);
        if (name != NULL && text == NULL)
            fail(r, "a name is no text");
        else if (name != NULL && json_object_get(map, text) != NULL)
            fail(r, "a name comes twice");
        json_t *value = r->why == NULL ? read_value(r) : NULL;
        if (value != NULL)
            json_object_set_new(map, text, value);
        json_decref(name);
    }
    if (r->why == NULL)
        return map;
    json_decref(map);
    return NULL;
}

static double half(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 0x1f);
    double value = (double)((exponent != 0 ? 0x400 : 0) + (bits & 0x3ff)) / 0x1000000;

    if (exponent == 31)
        return HUGE_VAL;
    for (; exponent > 1; exponent--)
        value *= 2;
    return (bits & 0x8000) != 0 ? -value : value;
}

static json_t *read_real(struct reader *r, uint8_t more)
{
    uint64_t bits;
    double value;
    float single;

    if (!read_big(r, (size_t)1 << (more - 24), &bits))
        return NULL;
    uint32_t low = (uint32_t)bits;
    switch (more) {
    case 25:
        value = half(bits);
        break;
    case 26:
        memcpy(&single, &low, sizeof single);
        value = (double)single;
        break;
    default:
        memcpy(&value, &bits, sizeof value);
        break;
    }
    return isfinite(value) ? json_real(value) : fail(r, "a number is not finite");
}

static json_t *read_simple(struct reader *r, uint8_t more)
{
    switch (more) {
    case 20:
        return json_false();
    case 21:
        return json_true();
    case 22:
        return json_null();
    case 25:
    case 26:
    case 27:
        return read_real(r, more);
    default:
        return fail(r, "a simple value is none that JSON has");
    }
}

static json_t *read_value(struct reader *r)
{
    uint64_t n = 0;
    json_t *value = NULL;

    if (r->at == r->end)
        return fail(r, "it ends too early");
    uint8_t first = *r->at++;
    enum major major = (enum major)(first >> 5);
    if (major == M_SIMPLE)
        return read_simple(r, first & 0x1f);
    if (!read_number(r, first & 0x1f, &n))
        return NULL;
    if (++r->depth > CLOUD_JSON_DEPTH_MAX)
        return fail(r, "it is too deep");
    switch (major) {
    case M_UINT:
    case M_NEGATIVE:
        value = n > INT64_MAX ? fail(r, "a whole number is too large")
                              : json_integer(major == M_UINT ? (json_int_t)n : -1 - (json_int_t)n);
        break;
    case M_TEXT:
        value = read_text(r, n);
        break;
    case M_ARRAY:
        value = read_array(r, n);
        break;
    case M_MAP:
        value = read_map(r, n);
        break;
    case M_BYTES:
        value = fail(r, "JSON has no bytes");
        break;
    case M_TAG:
    case M_SIMPLE:
        value = fail(r, "JSON has no tags");
        break;
    }
    r->depth--;
    return value;
}

json_t *cloud_cbor_read(const void *bytes, size_t len, char *why, size_t cap)
{
    struct reader r = {.at = bytes, .end = (const uint8_t *)bytes + len};
    json_t *value = read_value(&r);

    if (value != NULL && r.at != r.end)
        fail(&r, "something is behind it");
    else if (value != NULL && !json_is_object(value) && !json_is_array(value))
        fail(&r, "it is neither map nor array");
    if (r.why == NULL)
        return value;
    snprintf(why, cap, "no CBOR: %s, at byte %zu", r.why, (size_t)(r.at - (const uint8_t *)bytes));
    json_decref(value);
    return NULL;
}

/* ---- Writing --------------------------------------------------------------------------------- */

struct writer {
    uint8_t *bytes;
    size_t len, cap;
};

static void put(struct writer *w, const void *bytes, size_t len)
{
    if (len > w->cap - w->len) {
        w->cap = 2 * (w->len + len);
        w->bytes = realloc(w->bytes, w->cap);
        if (w->bytes == NULL)
            abort();
    }
    if (len > 0)
        memcpy(w->bytes + w->len, bytes, len);
    w->len += len;
}

static void put_big(struct writer *w, uint8_t first, uint64_t value, int n)
{
    uint8_t bytes[9] = {first};

    for (int i = n; i > 0; i--, value >>= 8)
        bytes[i] = (uint8_t)value;
    put(w, bytes, (size_t)n + 1);
}

static void put_number(struct writer *w, enum major major, uint64_t n)
{
    uint8_t first = (uint8_t)((unsigned)major << 5);

    if (n < 24)
        put_big(w, (uint8_t)(first | n), 0, 0);
    else
        put_big(w,
                (uint8_t)(first | (n < 0x100      ? 24
                                   : n < 0x10000  ? 25
                                   : n >> 32 == 0 ? 26
                                                  : 27)),
                n,
                n < 0x100      ? 1
                : n < 0x10000  ? 2
                : n >> 32 == 0 ? 4
                               : 8);
}

static void put_text(struct writer *w, const char *text)
{
    put_number(w, M_TEXT, strlen(text));
    put(w, text, strlen(text));
}

static void put_real(struct writer *w, double value)
{
    float single = (float)value;
    uint32_t low;
    uint64_t bits;

    memcpy(&low, &single, sizeof low);
    memcpy(&bits, &value, sizeof bits);
    if ((double)single == value)
        put_big(w, 0xfa, low, 4);
    else
        put_big(w, 0xfb, bits, 8);
}

static void put_value(struct writer *w, const json_t *value)
{
    json_t *member;
    const char *name;
    size_t i;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_number(w, M_MAP, json_object_size(value));
        json_object_foreach ((json_t *)value, name, member) {
            put_text(w, name);
            put_value(w, member);
        }
        break;
    case JSON_ARRAY:
        put_number(w, M_ARRAY, json_array_size(value));
        json_array_foreach (value, i, member)
            put_value(w, member);
        break;
    case JSON_STRING:
        put_text(w, json_string_value(value));
        break;
    case JSON_INTEGER:
        if (json_integer_value(value) >= 0)
            put_number(w, M_UINT, (uint64_t)json_integer_value(value));
        else
            put_number(w, M_NEGATIVE, (uint64_t)(-1 - json_integer_value(value)));
        break;
    case JSON_REAL:
        put_real(w, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        put_number(w, M_SIMPLE, json_is_true(value) ? 21 : json_is_false(value) ? 20 : 22);
        break;
    }
}

uint8_t *cloud_cbor_write(const json_t *value, size_t *len)
{
    struct writer w = {0};

    put_value(&w, value);
    *len = w.len;
    return w.bytes;
}
