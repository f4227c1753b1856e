/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 20240607u

void cloud_json_start(void)
{
    json_object_seed(SEED);
}

static bool is_deeper(json_t *value, unsigned levels)
{
    const char *name;
    json_t *member;
    size_t i;

    if (!json_is_object(value) && !json_is_array(value))
        return false;
    if (levels == 0)
        return true;
    json_object_foreach (value, name, member)
        if (is_deeper(member, levels - 1))
            return true;
    json_array_foreach (value, i, member)
        if (is_deeper(member, levels - 1))
            return true;
    return false;
}

json_t *cloud_json_read(const void *bytes, size_t len, char *why, size_t cap)
{
    json_error_t error;

    if (len == 0) {
        snprintf(why, cap, "not JSON: it is empty");
        return NULL;
    }
    json_t *value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        snprintf(why, cap, "not JSON: %s, at byte %d", error.text, error.position);
        return NULL;
    }
    if (is_deeper(value, CLOUD_JSON_DEPTH_MAX)) {
        snprintf(why, cap, "more than %d levels of JSON", CLOUD_JSON_DEPTH_MAX);
        json_decref(value);
        return NULL;
    }
    return value;
}

/* As short as people write numbers, where that is the same number: 0.1 has 15 digits, and the largest double 17. */
char *cloud_json_text(const json_t *value)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    char *text = json_dumps(value, flags | JSON_REAL_PRECISION(15));
    json_t *again = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    if (text != NULL && (again == NULL || !json_equal(again, value))) {
        free(text);
        text = json_dumps(value, flags | JSON_REAL_PRECISION(17));
    }
    json_decref(again);
    if (text == NULL)
        abort();
    return text;
}

const char *cloud_json_string(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

bool cloud_json_integer(const json_t *value, int64_t min, int64_t max, int64_t *out)
{
    if (!json_is_integer(value))
        return false;
    *out = json_integer_value(value);
    return *out >= min && *out <= max;
}

bool cloud_json_number(const json_t *value, double *out)
{
    char *end;

    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (text == NULL || *text == 0)
        return false;
    *out = strtod(text, &end);
    return *end == 0;
}

const char *cloud_json_stranger(json_t *object, const char *const *names)
{
    const char *name;
    json_t *member;

    json_object_foreach (object, name, member) {
        const char *const *n = names;
        while (*n != NULL && strcmp(*n, name) != 0)
            n++;
        if (*n == NULL)
            return name;
    }
    return NULL;
}

void cloud_json_append(json_t *array, json_t *value, size_t max)
{
    json_array_append_new(array, value);
    while (json_array_size(array) > max)
        json_array_remove(array, 0);
}
