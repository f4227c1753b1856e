/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_field.h"

#include <string.h>

#if IOT_FEATURE_THING

#define DEPTH_MAX                                                                                  \
    3u /* tables within tables: the members of a struct in an array in a struct are the third */

union value {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    bool b;
};

/* By enum iot_type: bytes in RAM, and of the longest number in JSON. 0: not of that kind. */
static const uint8_t ram_bytes[] = {4, 4, sizeof(bool), 4, 0, 8, 0, 8, 0};
static const uint8_t json_bytes[] = {11, 15, 1, 11, 0, 22, 0, 24, 0};

static int32_t code_of(const struct iot_field *f)
{
    if (f->type == IOT_TYPE_DOUBLE)
        return IOT_CODE_DOUBLE;
    return f->type == IOT_TYPE_ARRAY ? IOT_CODE_ARRAY : IOT_CODE_INT + f->type;
}

/* ---- JSON to value --------------------------------------------------------------------------- */

static bool is_listed(const struct iot_field *f, int32_t value)
{
    for (uint32_t i = 0; f->of.values != NULL && i < f->max; i++)
        if (f->of.values[i] == value)
            return true;
    return f->of.values == NULL;
}

static bool read_int(const struct iot_field *f, struct iot_json v, int32_t *out)
{
    if (iot_json_i32(v, out) != IOT_OK)
        return false;
    if (f->type == IOT_TYPE_ENUM)
        return is_listed(f, *out);
    return f->of.ints == NULL || (*out >= f->of.ints->min && *out <= f->of.ints->max);
}

/* A float is compared with limits that were rounded as it was: 0.1 is within 0.1. */
static bool read_real(const struct iot_field *f, struct iot_json v, union value *x)
{
    const struct iot_reals *of = f->of.reals;
    bool is_float = f->type == IOT_TYPE_FLOAT;

    if ((is_float ? iot_json_float(v, &x->f32) : iot_json_double(v, &x->f64)) != IOT_OK)
        return false;
    if (of == NULL)
        return true;
    double value = is_float ? x->f32 : x->f64;
    return value >= (is_float ? (float)of->min : of->min) &&
           value <= (is_float ? (float)of->max : of->max);
}

static bool read_number(const struct iot_field *f, struct iot_json v, union value *x)
{
    switch (f->type) {
    case IOT_TYPE_FLOAT:
    case IOT_TYPE_DOUBLE:
        return read_real(f, v, x);
    case IOT_TYPE_BOOL:
        return iot_json_bool(v, &x->b) == IOT_OK;
    case IOT_TYPE_DATE:
        return iot_json_i64_text(v, &x->i64) == IOT_OK;
    default:
        return read_int(f, v, &x->i32);
    }
}

/* Without room for it a text that is one says what it needs. */
static bool take_text(struct iot_field_taking *k, const struct iot_field *f, uint8_t *at,
                      struct iot_json v)
{
    uint32_t len;

    if (k->pass == IOT_FIELD_STORE)
        return iot_json_text(v, (char *)at, (uint32_t)f->max + 1, NULL) == IOT_OK;
    return iot_json_text(v, NULL, 0, &len) == IOT_ERR_SIZE && len <= f->max;
}

static int32_t take(struct iot_field_taking *k, const struct iot_field *f, uint8_t *base,
                    uint32_t how, struct iot_json v);

static int32_t take_members(struct iot_field_taking *k, const struct iot_field *fields,
                            uint32_t count, uint8_t *base, uint32_t how, struct iot_json object,
                            struct iot_properties *seen);

static int32_t take_struct(struct iot_field_taking *k, const struct iot_field *f, uint8_t *at,
                           uint32_t how, struct iot_json v)
{
    struct iot_properties seen;

    if (iot_json_kind(v) != IOT_JSON_OBJECT)
        return IOT_CODE_STRUCT;
    int32_t code = take_members(k, f->of.fields, f->max, at, how & IOT_FIELD_WHOLE, v, &seen);
    return code == IOT_CODE_UNKNOWN || code == IOT_CODE_MISSING ? IOT_CODE_STRUCT : code;
}

static int32_t take_array(struct iot_field_taking *k, const struct iot_field *f, uint8_t *at,
                          struct iot_json v)
{
    const struct iot_field *item = f->of.fields;
    struct iot_json_walk w = iot_json_walk(v);
    struct iot_json value;
    uint16_t count = 0;

    if (iot_json_kind(v) != IOT_JSON_ARRAY)
        return IOT_CODE_ARRAY;
    for (; iot_json_next(&w, NULL, &value); count++) {
        if (count == f->max)
            return IOT_CODE_ARRAY;
        int32_t code = take(k, item, at + (uint32_t)count * item->size, IOT_FIELD_WHOLE, value);
        if (code != IOT_CODE_OK)
            return code;
    }
    if (k->pass == IOT_FIELD_STORE)
        memcpy(at, &count, sizeof count);
    return IOT_CODE_OK;
}

/* IOT_CODE_OK also when in this pass there is nothing to do. */
static int32_t take_via(struct iot_field_taking *k, const struct iot_field *f, struct iot_json v)
{
    if (k->pass != IOT_FIELD_SETTERS)
        return IOT_CODE_OK;
    if (f->via->set(k->ctx, f, v) == IOT_OK)
        return IOT_CODE_OK;
    k->failed = f;
    return IOT_CODE_SET;
}

static int32_t take(struct iot_field_taking *k, const struct iot_field *f, uint8_t *base,
                    uint32_t how, struct iot_json v)
{
    uint8_t *at = base + f->offset;
    union value x;

    k->via |= f->via != NULL;
    if (f->via != NULL && f->via->set == NULL)
        return IOT_CODE_ACCESS;
    if (f->via != NULL && k->pass != IOT_FIELD_CHECK)
        return take_via(k, f, v);
    if (k->pass == IOT_FIELD_SETTERS)
        return IOT_CODE_OK;
    if (f->type == IOT_TYPE_STRUCT)
        return take_struct(k, f, at, how, v);
    if (f->type == IOT_TYPE_ARRAY)
        return take_array(k, f, at, v);
    if (f->type == IOT_TYPE_TEXT)
        return take_text(k, f, at, v) ? IOT_CODE_OK : IOT_CODE_TEXT;
    if (!read_number(f, v, &x))
        return code_of(f);
    if (k->pass == IOT_FIELD_STORE)
        memcpy(at, &x, ram_bytes[f->type]);
    return IOT_CODE_OK;
}

/* Behind the last ':', if there is one. */
static bool without_module(struct iot_json name, struct iot_bytes *text)
{
    uint32_t at;

    if (iot_json_raw_text(name, text) != IOT_OK)
        return false;
    for (at = text->len; at != 0 && text->ptr[at - 1] != ':'; at--)
        ;
    text->ptr += at;
    text->len -= at;
    return at != 0;
}

uint32_t iot_field_find(const struct iot_field *fields, uint32_t count, uint32_t from,
                        struct iot_json name)
{
    struct iot_bytes text;

    for (uint32_t n = 0, i = from; n < count; n++, i++) {
        if (i >= count)
            i = 0;
        if (iot_json_is(name, fields[i].id))
            return i;
    }
    /* The model may name no modules though the platform does. */
    if (!without_module(name, &text))
        return count;
    for (uint32_t i = 0; i < count; i++)
        if (strlen(fields[i].id) == text.len && memcmp(text.ptr, fields[i].id, text.len) == 0)
            return i;
    return count;
}

static bool is_whole(const struct iot_field *fields, uint32_t count,
                     const struct iot_properties *seen)
{
    for (uint32_t i = 0; i < count; i++)
        if ((fields[i].access & IOT_ACCESS_OPTIONAL) == 0 && !iot_properties_has(seen, i))
            return false;
    return true;
}

static int32_t take_members(struct iot_field_taking *k, const struct iot_field *fields,
                            uint32_t count, uint8_t *base, uint32_t how, struct iot_json object,
                            struct iot_properties *seen)
{
    struct iot_json_walk w = iot_json_walk(object);
    struct iot_json key, value;
    uint32_t access = how & (IOT_ACCESS_READ | IOT_ACCESS_WRITE);

    memset(seen, 0, sizeof *seen);
    /* Members come in the model's order, mostly: the next one is looked for behind the last. */
    for (uint32_t i = 0; iot_json_next(&w, &key, &value); i++) {
        i = iot_field_find(fields, count, i, key);
        if (i == count)
            return IOT_CODE_UNKNOWN;
        if (iot_properties_has(seen, i)) /* of duplicates the first counts */
            continue;
        if ((fields[i].access & access) != access)
            return IOT_CODE_ACCESS;
        if ((how & IOT_FIELD_WRAPPED) != 0 && iot_json_get(value, "value", &value) != IOT_OK)
            return code_of(&fields[i]);
        int32_t code = take(k, &fields[i], base, how & IOT_FIELD_WHOLE, value);
        if (code != IOT_CODE_OK)
            return code;
        iot_properties_add(seen, i);
    }
    return (how & IOT_FIELD_WHOLE) == 0 || is_whole(fields, count, seen) ? IOT_CODE_OK
                                                                         : IOT_CODE_MISSING;
}

int32_t iot_field_take(struct iot_field_taking *k, const struct iot_field *fields, uint32_t count,
                       uint32_t how, struct iot_json object, struct iot_properties *seen)
{
    return take_members(k, fields, count, k->base, how, object, seen);
}

int32_t iot_field_store(struct iot_field_taking *k, const struct iot_field *fields, uint32_t count,
                        uint32_t how, struct iot_json object, struct iot_properties *seen)
{
    k->pass = IOT_FIELD_CHECK;
    k->via = false;
    k->failed = NULL;
    int32_t code = iot_field_take(k, fields, count, how, object, seen);
    if (code != IOT_CODE_OK) {
        memset(seen, 0, sizeof *seen);
        return code;
    }
    k->pass = IOT_FIELD_SETTERS;
    if (k->via)
        code = iot_field_take(k, fields, count, how, object, seen);
    for (uint32_t i = 0; code != IOT_CODE_OK && i < count; i++)
        if (fields[i].via == NULL)
            seen->bits[i / 32] &= ~((uint32_t)1 << i % 32);
    if (code != IOT_CODE_OK)
        return code;
    k->pass = IOT_FIELD_STORE;
    return iot_field_take(k, fields, count, how, object, seen);
}

/* ---- Value to JSON --------------------------------------------------------------------------- */

static void put_text(const struct iot_field *f, const uint8_t *at, struct iot_writer *w)
{
    struct iot_bytes text = {at, 0};

    while (text.len < f->max && at[text.len] != 0)
        text.len++;
    iot_json_put_bytes(w, text);
}

static void put_array(void *ctx, const struct iot_field *f, const uint8_t *at, struct iot_writer *w)
{
    const struct iot_field *item = f->of.fields;
    uint16_t count;

    memcpy(&count, at, sizeof count);
    iot_json_put(w, "[");
    for (uint32_t i = 0; i < count && i < f->max; i++) {
        if (i != 0)
            iot_json_put(w, ",");
        iot_field_put(ctx, item, at + i * item->size, w);
    }
    iot_json_put(w, "]");
}

static void put_date(struct iot_writer *w, int64_t unix_ms)
{
    iot_json_put(w, "\"");
    iot_json_put_i64(w, unix_ms);
    iot_json_put(w, "\"");
}

static void put_number(const struct iot_field *f, const uint8_t *at, struct iot_writer *w)
{
    union value x;

    memcpy(&x, at, ram_bytes[f->type]);
    if (f->type == IOT_TYPE_FLOAT)
        iot_json_put_float(w, x.f32);
    else if (f->type == IOT_TYPE_DOUBLE)
        iot_json_put_double(w, x.f64);
    else if (f->type == IOT_TYPE_DATE)
        put_date(w, x.i64);
    else if (f->type == IOT_TYPE_BOOL)
        iot_json_put(w, x.b ? "1" : "0");
    else
        iot_json_put_i32(w, x.i32);
}

void iot_field_put(void *ctx, const struct iot_field *f, const uint8_t *base, struct iot_writer *w)
{
    const uint8_t *at = base + f->offset;
    uint32_t most = json_bytes[f->type];

    if (w->ptr == NULL && most != 0)
        w->len += most; /* who counts need not know which digits they are */
    else if (f->via != NULL)
        f->via->get(ctx, f, w);
    else if (f->type == IOT_TYPE_STRUCT)
        iot_field_put_all(ctx, f->of.fields, f->max, NULL, at, 0, w);
    else if (f->type == IOT_TYPE_ARRAY)
        put_array(ctx, f, at, w);
    else if (f->type == IOT_TYPE_TEXT)
        put_text(f, at, w);
    else
        put_number(f, at, w);
}

void iot_field_put_time(struct iot_writer *w, int64_t unix_ms)
{
    iot_json_put(w, ",\"time\":");
    iot_json_put_i64(w, unix_ms);
    iot_json_put(w, "}");
}

void iot_field_put_all(void *ctx, const struct iot_field *fields, uint32_t count,
                       const struct iot_properties *which, const void *base, int64_t unix_ms,
                       struct iot_writer *w)
{
    const char *before = "{";

    for (uint32_t i = 0; i < count; i++) {
        if (which != NULL && !iot_properties_has(which, i))
            continue;
        iot_json_put(w, before);
        iot_json_key(w, fields[i].id);
        before = ",";
        if (unix_ms != 0)
            iot_json_put(w, "{\"value\":");
        iot_field_put(ctx, &fields[i], base, w);
        if (unix_ms != 0)
            iot_field_put_time(w, unix_ms);
    }
    iot_json_put(w, *before == '{' ? "{}" : "}");
}

void iot_field_put_event(void *ctx, const struct iot_event_spec *e, const void *base,
                         int64_t unix_ms, struct iot_writer *w)
{
    if (unix_ms != 0)
        iot_json_put(w, "{\"value\":");
    iot_field_put_all(ctx, e->out, e->out_count, NULL, base, 0, w);
    if (unix_ms != 0)
        iot_field_put_time(w, unix_ms);
}

/* ---- The table ------------------------------------------------------------------------------- */

static bool fits(const struct iot_field *fields, uint32_t count, uint32_t depth)
{
    if (count > IOT_PROPERTIES_MAX || depth > DEPTH_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct iot_field *f = &fields[i];
        uint32_t inside = f->type == IOT_TYPE_STRUCT ? f->max : f->type == IOT_TYPE_ARRAY;
        if (inside != 0 && !fits(f->of.fields, inside, depth + 1))
            return false;
    }
    return true;
}

bool iot_field_fits(const struct iot_field *fields, uint32_t count)
{
    return fits(fields, count, 0);
}

bool iot_field_choose(const struct iot_field *fields, uint32_t count,
                      const struct iot_properties *which, uint8_t access,
                      struct iot_properties *set)
{
    bool any = false;

    memset(set, 0, sizeof *set);
    for (uint32_t i = 0; i < sizeof set->bits / sizeof set->bits[0] * 32; i++) {
        if (which != NULL ? !iot_properties_has(which, i)
                          : i >= count || (fields[i].access & access) == 0)
            continue;
        if (i >= count)
            return false;
        iot_properties_add(set, i);
        any = true;
    }
    return any;
}

#endif
