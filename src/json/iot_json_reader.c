/* SPDX-License-Identifier: Apache-2.0 */
/* Texts come here checked, and are scanned without asking what was seen then. What was never checked gives any
 * answer, but none of this reads past its end. */
#include "json/iot_json_reader.h"

#include "json/iot_json_number.h"

#include <string.h>

#if IOT_FEATURE_JSON

/* ---- Escapes ------------------------------------------------------------------------------- */

/* The four digits behind \u; 0xffffffff or so if they are none. */
static uint32_t hex4(const uint8_t *at)
{
    uint32_t value = 0, wrong = 0;

    for (int i = 0; i < 4; i++) {
        uint32_t digit = at[i] - (uint32_t)'0';
        if (digit > 9) {
            digit = (at[i] | 0x20) - (uint32_t)'a';
            wrong |= digit > 5;
            digit += 10;
        }
        value = value << 4 | digit;
    }
    return wrong != 0 ? UINT32_MAX : value;
}

uint32_t iot_json_escape(const uint8_t *at, const uint8_t *end, uint32_t *code)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t left = (uint32_t)(end - at), low;

    if (left < 2)
        return 0;
    if (at[1] != 'u') {
        for (uint32_t i = 0; i < sizeof from - 1; i++) {
            if (at[1] == (uint8_t)from[i]) {
                *code = (uint8_t)to[i];
                return 2;
            }
        }
        return 0;
    }
    if (left < 6 || (*code = hex4(at + 2)) > 0xffff)
        return 0;
    if (*code - 0xd800 >= 0x800)
        return 6;
    if (*code >= 0xdc00 || left < 12 || at[6] != '\\' || at[7] != 'u')
        return 0;
    low = hex4(at + 8) - 0xdc00;
    *code = 0x10000 + ((*code - 0xd800) << 10) + low;
    return low < 0x400 ? 12 : 0;
}

uint32_t iot_json_bytes(const uint8_t **at, const uint8_t *end, uint8_t into[4])
{
    uint32_t code, n;

    if (**at != '\\' || (n = iot_json_escape(*at, end, &code)) == 0) {
        into[0] = *(*at)++;
        return 1;
    }
    *at += n;
    n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (uint32_t i = n - 1; i > 0; i--) {
        into[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    into[0] = (uint8_t)(n == 1 ? code : (0xf00u >> n & 0xf0) | code);
    return n;
}

/* ---- Walking ------------------------------------------------------------------------------- */

enum iot_json_kind iot_json_kind(struct iot_json v)
{
    if (v.len == 0)
        return IOT_JSON_NONE;
    switch (*v.ptr) {
    case 'n':
        return IOT_JSON_NULL;
    case 'f':
        return IOT_JSON_FALSE;
    case 't':
        return IOT_JSON_TRUE;
    case '"':
        return IOT_JSON_STRING;
    case '[':
        return IOT_JSON_ARRAY;
    case '{':
        return IOT_JSON_OBJECT;
    default:
        return IOT_JSON_NUMBER;
    }
}

/* Blanks, commas and colons. */
static const uint8_t *skip_gap(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at <= ' ' || *at == ',' || *at == ':'))
        at++;
    return at;
}

/* From behind the first quote to behind the last: one with an even count of backslashes in front. */
static const uint8_t *skip_string(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        if (*at++ == '"') {
            uint32_t n = 2;
            while (at[-(int32_t)n] == '\\') /* at the latest the first quote is none */
                n++;
            if (n % 2 == 0)
                break;
        }
    }
    return at;
}

static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end)
{
    uint32_t depth = 0;

    do {
        uint32_t c = *at++;
        if (c == '"') {
            at = skip_string(at, end);
        } else if ((c | 0x20) == '{') {
            depth++;
        } else if (depth == 0) {
            while (at<end && * at> ' ' && *at != ',' && (*at | 0x20) != '}')
                at++;
        } else if ((c | 0x20) == '}') {
            depth--;
        }
    } while (depth != 0 && at < end);
    return at;
}

struct iot_json_walk iot_json_walk(struct iot_json container)
{
    enum iot_json_kind kind = iot_json_kind(container);
    struct iot_json_walk w = {container.ptr, container.ptr, kind == IOT_JSON_OBJECT};

    if (kind >= IOT_JSON_ARRAY && container.len >= 2) {
        w.at++;
        w.end += container.len - 1;
    }
    return w;
}

bool iot_json_next(struct iot_json_walk *w, struct iot_json *key, struct iot_json *value)
{
    const uint8_t *at = skip_gap(w->at, w->end), *from = at;
    struct iot_json name = {NULL, 0};

    w->at = w->end;
    if (at == w->end)
        return false;
    if (w->keys) {
        at = skip_value(at, w->end);
        name = (struct iot_json){from, (uint32_t)(at - from)};
        from = at = skip_gap(at, w->end);
        if (at == w->end)
            return false;
    }
    w->at = skip_value(at, w->end);
    *value = (struct iot_json){from, (uint32_t)(w->at - from)};
    if (key != NULL)
        *key = name;
    return true;
}

iot_err iot_json_get(struct iot_json object, const char *name, struct iot_json *value)
{
    struct iot_json_walk w = iot_json_walk(object);
    struct iot_json key, found;

    while (iot_json_next(&w, &key, &found)) {
        if (iot_json_is(key, name)) {
            *value = found;
            return IOT_OK;
        }
    }
    return IOT_ERR_JSON_MISSING;
}

uint32_t iot_json_count(struct iot_json container)
{
    struct iot_json_walk w = iot_json_walk(container);
    struct iot_json value;
    uint32_t count = 0;

    while (iot_json_next(&w, NULL, &value))
        count++;
    return count;
}

/* ---- Strings ------------------------------------------------------------------------------- */

/* What is between the quotes; false: it is no string. */
static bool inside(struct iot_json v, struct iot_bytes *text)
{
    if (v.len < 2 || *v.ptr != '"')
        return false;
    *text = (struct iot_bytes){v.ptr + 1, v.len - 2};
    return true;
}

/* From an escape on. */
static bool is_escaped(const uint8_t *at, const uint8_t *end, const char *text)
{
    uint8_t bytes[4];

    while (at < end) {
        uint32_t n = iot_json_bytes(&at, end, bytes);
        for (uint32_t i = 0; i < n; i++) {
            if (bytes[i] == 0 || bytes[i] != (uint8_t)*text++)
                return false;
        }
    }
    return *text == '\0';
}

bool iot_json_is(struct iot_json string, const char *text)
{
    const uint8_t *at = string.ptr, *end;

    if (string.len < 2 || *at != '"')
        return false;
    for (end = at + string.len - 1; ++at < end; text++) {
        if (*at == '\\')
            return is_escaped(at, end, text);
        if (*text == '\0' || *at != (uint8_t)*text)
            return false;
    }
    return *text == '\0';
}

iot_err iot_json_text(struct iot_json v, char *to, uint32_t cap, uint32_t *len)
{
    struct iot_bytes in;
    const uint8_t *at, *end;
    uint32_t count = 0;
    bool nul = false;

    if (!inside(v, &in))
        return IOT_ERR_JSON_TYPE;
    for (at = in.ptr, end = at + in.len; at < end;) {
        uint8_t bytes[4];
        uint32_t n = iot_json_bytes(&at, end, bytes);
        if (count < cap && n < cap - count)
            memcpy(to + count, bytes, n);
        nul |= bytes[0] == 0;
        count += n;
    }
    if (len != NULL)
        *len = count;
    if (cap != 0)
        to[count < cap && !nul ? count : 0] = '\0';
    return nul ? IOT_ERR_JSON_RANGE : count < cap ? IOT_OK : IOT_ERR_SIZE;
}

uint32_t iot_json_text_len(struct iot_json v)
{
    uint32_t len = 0;

    (void)iot_json_text(v, NULL, 0, &len);
    return len;
}

iot_err iot_json_raw_text(struct iot_json v, struct iot_bytes *out)
{
    struct iot_bytes in;

    if (!inside(v, &in))
        return IOT_ERR_JSON_TYPE;
    for (uint32_t i = 0; i < in.len; i++) {
        if (in.ptr[i] == '\\')
            return IOT_ERR_STATE;
    }
    *out = in;
    return IOT_OK;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

static iot_err integer(struct iot_json v, int64_t least, int64_t most, int64_t *out)
{
    int64_t value = 0;
    iot_err err = IOT_ERR_JSON_TYPE;

    if (iot_json_kind(v) == IOT_JSON_NUMBER)
        err = iot_json_number_i64((struct iot_bytes){v.ptr, v.len}, &value);
    if (err == IOT_OK && (value < least || value > most))
        err = IOT_ERR_JSON_RANGE;
    if (err == IOT_OK)
        *out = value;
    return err;
}

iot_err iot_json_i64(struct iot_json v, int64_t *out)
{
    return integer(v, INT64_MIN, INT64_MAX, out);
}

iot_err iot_json_i32(struct iot_json v, int32_t *out)
{
    int64_t value;
    iot_err err = integer(v, INT32_MIN, INT32_MAX, &value);

    if (err == IOT_OK)
        *out = (int32_t)value;
    return err;
}

iot_err iot_json_u32(struct iot_json v, uint32_t *out)
{
    int64_t value;
    iot_err err = integer(v, 0, UINT32_MAX, &value);

    if (err == IOT_OK)
        *out = (uint32_t)value;
    return err;
}

static iot_err number_bits(struct iot_json v, const struct iot_json_format *format, uint64_t *bits)
{
    if (iot_json_kind(v) != IOT_JSON_NUMBER)
        return IOT_ERR_JSON_TYPE;
    return iot_json_number_bits((struct iot_bytes){v.ptr, v.len}, format, bits);
}

iot_err iot_json_float(struct iot_json v, float *out)
{
    uint64_t bits;
    uint32_t bits32;
    iot_err err = number_bits(v, &iot_json_float_format, &bits);

    if (err != IOT_OK)
        return err;
    bits32 = (uint32_t)bits;
    memcpy(out, &bits32, sizeof bits32);
    return IOT_OK;
}

iot_err iot_json_double(struct iot_json v, double *out)
{
    uint64_t bits;
    iot_err err = number_bits(v, &iot_json_double_format, &bits);

    if (err == IOT_OK)
        memcpy(out, &bits, sizeof bits);
    return err;
}

iot_err iot_json_bool(struct iot_json v, bool *out)
{
    enum iot_json_kind kind = iot_json_kind(v);
    int64_t value = kind == IOT_JSON_TRUE;
    iot_err err = IOT_OK;

    if (kind != IOT_JSON_TRUE && kind != IOT_JSON_FALSE)
        err = integer(v, 0, 1, &value);
    if (err == IOT_OK)
        *out = value != 0;
    return err;
}

/* The number in a string. What is no number becomes none at all. */
static struct iot_json unquoted(struct iot_json v)
{
    struct iot_bytes in;
    bool ok;

    if (inside(v, &in)) {
        v = (struct iot_json){in.ptr, in.len};
        if (iot_json_number_end(in.ptr, in.ptr + in.len, &ok) != in.ptr + in.len || !ok)
            v.len = 0;
    }
    return v;
}

iot_err iot_json_u32_text(struct iot_json v, uint32_t *out)
{
    return iot_json_u32(unquoted(v), out);
}

iot_err iot_json_i64_text(struct iot_json v, int64_t *out)
{
    return iot_json_i64(unquoted(v), out);
}

#endif
