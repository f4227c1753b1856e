/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_model.h"

#include "cloud/cloud_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cloud_model {
    json_t *tsl;
};

bool cloud_fault(struct cloud_fault *fault, int code, const char *format, ...)
{
    va_list args;

    fault->code = code;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return false;
}

/* ---- Types --------------------------------------------------------------------------------- */

enum type {
    T_INT,
    T_FLOAT,
    T_DOUBLE,
    T_BOOL,
    T_ENUM,
    T_TEXT,
    T_DATE,
    T_STRUCT,
    T_ARRAY,
    T_NONE,
};

static enum type type_of(const json_t *type)
{
    static const char *const names[] = {"int",  "float", "double", "bool", "enum",
                                        "text", "date",  "struct", "array"};
    const char *name = cloud_json_string(type, "type");

    for (unsigned i = 0; name != NULL && i < T_NONE; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum type)i;
    return T_NONE;
}

/* ---- Is it a model? -------------------------------------------------------------------------- */

static bool is_identifier_char(char c)
{
    return cloud_is_alnum(c) || c == '_';
}

static bool is_identifier(const char *text)
{
    return text != NULL && *text != 0 && strlen(text) <= CLOUD_IDENTIFIER_MAX &&
           cloud_text_all(text, is_identifier_char);
}

static bool is_bound(const json_t *specs, const char *name)
{
    const json_t *bound = json_object_get(specs, name);
    double number;

    return bound == NULL || cloud_json_number(bound, &number);
}

static bool read_count(const json_t *specs, const char *name, int max, int *out)
{
    double number;

    if (!cloud_json_number(json_object_get(specs, name), &number) || number < 1 || number > max ||
        number != (double)(int)number)
        return false;
    *out = (int)number;
    return true;
}

static bool is_enum(json_t *specs, bool is_bool)
{
    const char *name;
    json_t *words;
    uint32_t number;
    size_t count = json_object_size(specs);

    if (count == 0 || count > (is_bool ? 2 : CLOUD_MODEL_ENUM_MAX))
        return false;
    json_object_foreach (specs, name, words) {
        bool minus = !is_bool && name[0] == '-';
        if (!cloud_text_number(name + minus, is_bool ? 1 : 0x7fffffff, &number))
            return false;
    }
    return true;
}

static bool check_fields_model(json_t *fields, const char *where, struct cloud_fault *f);

static bool check_type(json_t *type, const char *where, bool inner, struct cloud_fault *f)
{
    json_t *specs = json_object_get(type, "specs");
    enum type t = type_of(type);
    int count;

    switch (t) {
    case T_INT:
    case T_FLOAT:
    case T_DOUBLE:
        return (is_bound(specs, "min") && is_bound(specs, "max")) ||
               cloud_fault(f, 0, "%s: min or max is no number", where);
    case T_BOOL:
    case T_ENUM:
        return is_enum(specs, t == T_BOOL) ||
               cloud_fault(f, 0, "%s: its specs name no values", where);
    case T_TEXT:
        return json_object_get(specs, "length") == NULL ||
               read_count(specs, "length", CLOUD_MODEL_TEXT_MAX, &count) ||
               cloud_fault(f, 0, "%s: its length is no number 1..%d", where, CLOUD_MODEL_TEXT_MAX);
    case T_DATE:
        return true;
    case T_STRUCT:
        if (inner)
            return cloud_fault(f, 0, "%s: a struct within a struct", where);
        if (json_array_size(specs) == 0 || json_array_size(specs) > CLOUD_MODEL_STRUCT_MAX)
            return cloud_fault(f, 0, "%s: a struct has 1 to %d members", where,
                               CLOUD_MODEL_STRUCT_MAX);
        return check_fields_model(specs, where, f);
    case T_ARRAY:
        if (inner || !read_count(specs, "size", CLOUD_MODEL_ARRAY_MAX, &count))
            return cloud_fault(f, 0, "%s: an array has a size 1..%d, and is no member", where,
                               CLOUD_MODEL_ARRAY_MAX);
        t = type_of(json_object_get(specs, "item"));
        if (t == T_NONE || t == T_ARRAY || t == T_BOOL || t == T_ENUM || t == T_DATE)
            return cloud_fault(f, 0, "%s: its items are int, float, double, text or struct", where);
        return check_type(json_object_get(specs, "item"), where, false, f);
    case T_NONE:
        break;
    }
    return cloud_fault(f, 0, "%s: no such type '%.20s'", where,
                       cloud_json_string(type, "type") != NULL ? cloud_json_string(type, "type")
                                                               : "");
}

/* Does one before entry `i` have its name? All of these are checked. */
static bool is_twice(json_t *list, size_t i)
{
    const char *identifier = cloud_json_string(json_array_get(list, i), "identifier");

    for (size_t k = 0; k < i; k++)
        if (strcmp(cloud_json_string(json_array_get(list, k), "identifier"), identifier) == 0)
            return true;
    return false;
}

/* {identifier, dataType} each, no name twice. */
static bool check_list(json_t *list, const char *where, bool inner, struct cloud_fault *f)
{
    json_t *field;
    size_t i;

    json_array_foreach (list, i, field) {
        const char *identifier = cloud_json_string(field, "identifier");
        if (!is_identifier(identifier))
            return cloud_fault(f, 0, "%s: entry %zu has no proper identifier", where, i + 1);
        if (is_twice(list, i))
            return cloud_fault(f, 0, "%s: %s is there twice", where, identifier);
        if (!check_type(json_object_get(field, "dataType"), identifier, inner, f))
            return false;
    }
    return true;
}

static bool check_fields_model(json_t *fields, const char *where, struct cloud_fault *f)
{
    return check_list(fields, where, true, f);
}

static bool is_word(const json_t *object, const char *name, const char *const *words)
{
    const char *word = cloud_json_string(object, name);

    while (*words != NULL && (word == NULL || strcmp(*words, word) != 0))
        words++;
    return *words != NULL;
}

static bool check_properties(json_t *list, struct cloud_fault *f)
{
    static const char *const modes[] = {"r", "rw", NULL};
    json_t *p;
    size_t i;

    if (!check_list(list, "properties", false, f))
        return false;
    json_array_foreach (list, i, p)
        if (!is_word(p, "accessMode", modes))
            return cloud_fault(f, 0, "%s: accessMode is r or rw",
                               cloud_json_string(p, "identifier"));
    return true;
}

/* What the console makes of the properties by itself has lists of its own form: not looked into. */
static bool is_given(const json_t *entry)
{
    static const char *const methods[] = {"thing.event.property.post", "thing.service.property.set",
                                          "thing.service.property.get", NULL};

    return is_word(entry, "method", methods);
}

static bool check_entries(json_t *list, const char *where, const char *key,
                          const char *const *words, struct cloud_fault *f)
{
    json_t *entry;
    size_t i;

    json_array_foreach (list, i, entry) {
        const char *identifier = cloud_json_string(entry, "identifier");
        if (!is_identifier(identifier))
            return cloud_fault(f, 0, "%s: entry %zu has no proper identifier", where, i + 1);
        if (is_twice(list, i))
            return cloud_fault(f, 0, "%s: %s is there twice", where, identifier);
        if (is_given(entry))
            continue;
        if (!is_word(entry, key, words))
            return cloud_fault(f, 0, "%s: its %s is none", identifier, key);
        if (!check_list(json_object_get(entry, "inputData"), identifier, false, f) ||
            !check_list(json_object_get(entry, "outputData"), identifier, false, f))
            return false;
    }
    return true;
}

static bool check_model(json_t *tsl, const char *key, struct cloud_fault *f)
{
    static const char *const lists[] = {"properties", "events", "services"};
    static const char *const types[] = {"info", "alert", "error", NULL};
    static const char *const calls[] = {"sync", "async", NULL};
    const char *own = cloud_json_string(json_object_get(tsl, "profile"), "productKey");

    if (own == NULL)
        return cloud_fault(f, 0, "it has no profile with a productKey");
    if (key != NULL && strcmp(own, key) != 0)
        return cloud_fault(f, 0, "it is the model of product %.40s, not of %s", own, key);
    for (size_t i = 0; i < 3; i++) {
        json_t *list = json_object_get(tsl, lists[i]);
        if (list != NULL && !json_is_array(list))
            return cloud_fault(f, 0, "%s is no array", lists[i]);
    }
    return check_properties(json_object_get(tsl, "properties"), f) &&
           check_entries(json_object_get(tsl, "events"), "events", "type", types, f) &&
           check_entries(json_object_get(tsl, "services"), "services", "callType", calls, f);
}

struct cloud_model *cloud_model_read(const char *text, const char *key, char *why, size_t cap)
{
    struct cloud_fault fault;
    json_t *tsl = NULL;

    if (strlen(text) > CLOUD_MODEL_BYTES_MAX)
        snprintf(why, cap, "a model has at most %u bytes", CLOUD_MODEL_BYTES_MAX);
    else
        tsl = cloud_json_read(text, strlen(text), why, cap);
    if (tsl == NULL)
        return NULL;
    struct cloud_model *m = malloc(sizeof *m);
    if (m == NULL)
        abort();
    m->tsl = tsl;
    if (json_is_object(tsl) && check_model(tsl, key, &fault))
        return m;
    snprintf(why, cap, "no model: %s", json_is_object(tsl) ? fault.text : "it is no JSON object");
    cloud_model_free(m);
    return NULL;
}

void cloud_model_free(struct cloud_model *m)
{
    if (m != NULL)
        json_decref(m->tsl);
    free(m);
}

/* ---- What is in it --------------------------------------------------------------------------- */

json_t *cloud_model_tsl(const struct cloud_model *m)
{
    return m->tsl;
}

static json_t *find(const struct cloud_model *m, const char *list, const char *identifier)
{
    json_t *entry;
    size_t i;

    if (m == NULL)
        return NULL;
    const char *block = cloud_json_string(m->tsl, "functionBlockId");
    size_t n = block != NULL ? strlen(block) : 0;
    if (n > 0 && strncmp(identifier, block, n) == 0 && identifier[n] == ':')
        identifier += n + 1;
    json_array_foreach (json_object_get(m->tsl, list), i, entry)
        if (strcmp(cloud_json_string(entry, "identifier"), identifier) == 0)
            return is_given(entry) ? NULL : entry;
    return NULL;
}

json_t *cloud_model_property(const struct cloud_model *m, const char *identifier)
{
    return find(m, "properties", identifier);
}

json_t *cloud_model_event(const struct cloud_model *m, const char *identifier)
{
    return find(m, "events", identifier);
}

json_t *cloud_model_service(const struct cloud_model *m, const char *identifier)
{
    return find(m, "services", identifier);
}

bool cloud_model_writable(const json_t *property)
{
    return strcmp(cloud_json_string(property, "accessMode"), "rw") == 0;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool is_within(const json_t *specs, double value, double lowest, double highest)
{
    double bound;

    if (value < lowest || value > highest)
        return false;
    if (cloud_json_number(json_object_get(specs, "min"), &bound) && value < bound)
        return false;
    return !cloud_json_number(json_object_get(specs, "max"), &bound) || value <= bound;
}

static bool is_choice(const json_t *specs, const json_t *value)
{
    char text[24];

    if (!json_is_integer(value))
        return false;
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    return json_object_get(specs, text) != NULL;
}

static bool check_array(json_t *specs, json_t *value, const char *name, struct cloud_fault *f);

static bool check_value(json_t *type, json_t *value, const char *name, struct cloud_fault *f)
{
    json_t *specs = json_object_get(type, "specs");
    const char *text = json_string_value(value);
    int length = CLOUD_MODEL_TEXT_MAX;

    switch (type_of(type)) {
    case T_INT:
        return (json_is_integer(value) &&
                is_within(specs, (double)json_integer_value(value), -2147483648.0, 2147483647.0)) ||
               cloud_fault(f, CLOUD_BAD_INT, "%s is no int of its range", name);
    case T_FLOAT:
        return (json_is_number(value) &&
                is_within(specs, json_number_value(value), -3.4028235e38, 3.4028235e38)) ||
               cloud_fault(f, CLOUD_BAD_FLOAT, "%s is no float of its range", name);
    case T_DOUBLE:
        return (json_is_number(value) &&
                is_within(specs, json_number_value(value), -HUGE_VAL, HUGE_VAL)) ||
               cloud_fault(f, CLOUD_BAD_DOUBLE, "%s is no double of its range", name);
    case T_BOOL:
        return (json_is_integer(value) &&
                (json_integer_value(value) == 0 || json_integer_value(value) == 1)) ||
               cloud_fault(f, CLOUD_BAD_BOOL, "%s is neither 0 nor 1", name);
    case T_ENUM:
        return is_choice(specs, value) ||
               cloud_fault(f, CLOUD_BAD_ENUM, "%s is none of its values", name);
    case T_TEXT:
        read_count(specs, "length", CLOUD_MODEL_TEXT_MAX, &length);
        return (text != NULL && json_string_length(value) <= (size_t)length) ||
               cloud_fault(f, CLOUD_BAD_TEXT, "%s is no text of at most %d bytes", name, length);
    case T_DATE:
        return (text != NULL && *text != 0 && strlen(text) <= 19 &&
                cloud_text_all(text, cloud_is_digit)) ||
               cloud_fault(f, CLOUD_BAD_DATE, "%s is no text of UTC milliseconds", name);
    case T_STRUCT:
        if (!json_is_object(value) || json_object_size(value) == 0)
            return cloud_fault(f, CLOUD_BAD_STRUCT, "%s is no object with members", name);
        if (cloud_model_check_fields(specs, value, false, f))
            return true;
        if (f->code == CLOUD_NO_PROPERTY)
            return cloud_fault(f, CLOUD_BAD_STRUCT, "%s has a member that its type has not", name);
        return false;
    case T_ARRAY:
        return check_array(specs, value, name, f);
    case T_NONE:
        break;
    }
    return cloud_fault(f, CLOUD_BAD_TYPE, "%s has no type", name);
}

static bool check_array(json_t *specs, json_t *value, const char *name, struct cloud_fault *f)
{
    json_t *item;
    int size = 0;
    size_t i;

    read_count(specs, "size", CLOUD_MODEL_ARRAY_MAX, &size);
    if (!json_is_array(value) || json_array_size(value) > (size_t)size)
        return cloud_fault(f, CLOUD_BAD_ARRAY, "%s is no array of at most %d items", name, size);
    json_array_foreach (value, i, item)
        if (!check_value(json_object_get(specs, "item"), item, name, f))
            return false;
    return true;
}

bool cloud_model_check(json_t *property, json_t *value, const char *name, struct cloud_fault *fault)
{
    return check_value(json_object_get(property, "dataType"), value, name, fault);
}

bool cloud_model_check_fields(json_t *fields, json_t *object, bool all, struct cloud_fault *fault)
{
    const char *name;
    json_t *value, *field;
    size_t i;

    json_object_foreach (object, name, value) {
        json_t *found = NULL;
        json_array_foreach (fields, i, field)
            if (strcmp(cloud_json_string(field, "identifier"), name) == 0)
                found = field;
        if (found == NULL)
            return cloud_fault(fault, *name == 0 ? CLOUD_NO_IDENTIFIER : CLOUD_NO_PROPERTY,
                               "%.60s is not in the model", name);
        if (!cloud_model_check(found, value, name, fault))
            return false;
    }
    json_array_foreach (fields, i, field)
        if (all && json_object_get(object, cloud_json_string(field, "identifier")) == NULL)
            return cloud_fault(fault, CLOUD_PARAMS_MISSING, "%s is missing",
                               cloud_json_string(field, "identifier"));
    return true;
}
