/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_ask.h"

#include "cloud/cloud_thing.h"

#include <string.h>

/* ---- Desired values -------------------------------------------------------------------------- */

/* NULL: refused. */
static json_t *find_property(struct cloud_request *r, const char *name)
{
    struct cloud_model *m = cloud_model_of(r->cloud, r->device);
    json_t *property = name != NULL ? cloud_model_property(m, name) : NULL;

    if (m == NULL)
        cloud_refuse(r, CLOUD_NO_MODEL, "the product has no model");
    else if (name == NULL)
        cloud_refuse(r, CLOUD_PARAMS_TYPE, "an identifier is no text");
    else if (*name == 0)
        cloud_refuse(r, CLOUD_NO_IDENTIFIER, "an identifier is empty");
    else if (property == NULL)
        cloud_refuse(r, CLOUD_NO_PROPERTY, "%.60s is not in the model", name);
    return property;
}

/* The rest of the answer is dropped with it. */
static bool is_refused(const struct cloud_request *r)
{
    return r->code != CLOUD_OK;
}

void cloud_ask_desired(struct cloud_request *r)
{
    struct cloud_thing *t = cloud_thing_of(r->cloud, r->device);
    json_t *name;
    size_t i;

    if (json_array_size(r->params) == 0)
        cloud_refuse(r, CLOUD_LIST_EMPTY, "params names no property");
    else if (json_array_size(r->params) > CLOUD_LIST_MAX)
        cloud_refuse(r, CLOUD_LIST_TOO_LONG, "more than %d properties", CLOUD_LIST_MAX);
    if (is_refused(r))
        return;
    json_t *data = json_object();
    json_array_foreach (r->params, i, name) {
        const json_t *property = find_property(r, json_string_value(name));
        if (property == NULL)
            break;
        json_t *value = json_object_get(t->desired, cloud_json_string(property, "identifier"));
        if (value != NULL)
            json_object_set(data, json_string_value(name), value);
    }
    if (is_refused(r))
        json_decref(data);
    else
        r->data = data;
}

void cloud_ask_desired_delete(struct cloud_request *r)
{
    struct cloud_thing *t = cloud_thing_of(r->cloud, r->device);
    const char *name;
    json_t *value;

    if (json_object_size(r->params) == 0)
        cloud_refuse(r, CLOUD_MAP_EMPTY, "params names no property");
    else if (json_object_size(r->params) > CLOUD_LIST_MAX)
        cloud_refuse(r, CLOUD_MAP_TOO_LARGE, "more than %d properties", CLOUD_LIST_MAX);
    for (int round = 0; round < 2 && !is_refused(r); round++) {
        json_object_foreach (r->params, name, value) {
            const json_t *property = find_property(r, name);
            const json_t *version = json_object_get(value, "version");
            int64_t given = INT64_MAX;
            if (property == NULL)
                return;
            const char *identifier = cloud_json_string(property, "identifier");
            const json_t *entry = json_object_get(t->desired, identifier);
            if (!json_is_object(value))
                cloud_refuse(r, CLOUD_PARAMS_TYPE, "%s has to be {} or {\"version\"}", name);
            else if (version != NULL && !cloud_json_integer(version, 0, INT64_MAX, &given))
                cloud_refuse(r, CLOUD_PARAMS_NUMBER, "%s: its version is no number", name);
            else if (json_integer_value(json_object_get(entry, "version")) > given)
                cloud_refuse(r, CLOUD_DESIRED_VERSION, "%s: the desired value has version %lld",
                             name,
                             (long long)json_integer_value(json_object_get(entry, "version")));
            if (is_refused(r))
                return;
            if (round == 1)
                json_object_del(t->desired, identifier);
        }
    }
}

/* ---- The model ------------------------------------------------------------------------------- */

void cloud_ask_model(struct cloud_request *r)
{
    struct cloud_model *m = cloud_model_of(r->cloud, r->device);

    if (m == NULL)
        cloud_refuse(r, CLOUD_NO_MODEL, "the product has no model");
    else
        r->data = json_incref(cloud_model_tsl(m));
}

/* What the console makes of the properties by itself. */
static bool is_given(const json_t *entry)
{
    const char *method = cloud_json_string(entry, "method");

    return method != NULL && strstr(method, ".property.") != NULL;
}

static json_t *shorten(json_t *list, json_t *nodes, bool all)
{
    json_t *entries = json_array(), *entry, *node;
    size_t i, k;

    json_array_foreach (list, i, entry) {
        json_t *small = json_object();
        json_array_foreach (nodes, k, node) {
            const char *name = json_string_value(node);
            json_t *value = json_object_get(entry, name);
            if (value == NULL && strcmp(name, "type") == 0)
                value = json_object_get(json_object_get(entry, "dataType"), "type");
            if (value != NULL)
                json_object_set(small, name, value);
        }
        if (all || !is_given(entry))
            json_array_append(entries, small);
        json_decref(small);
    }
    return entries;
}

void cloud_ask_short_model(struct cloud_request *r)
{
    static const char *const lists[] = {"properties", "events", "services"};
    struct cloud_model *m = cloud_model_of(r->cloud, r->device);
    json_t *nodes = json_object_get(r->params, "nodes"), *node;
    const json_t *all = json_object_get(r->params, "addDefault");
    size_t i;

    if (m == NULL)
        cloud_refuse(r, CLOUD_NO_MODEL, "the product has no model");
    else if (json_array_size(nodes) == 0 || (all != NULL && !json_is_boolean(all)))
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "nodes has to be an array, addDefault a boolean");
    json_array_foreach (nodes, i, node)
        if (!is_refused(r) && !json_is_string(node))
            cloud_refuse(r, CLOUD_PARAMETER_ERROR, "nodes has to hold texts");
    if (is_refused(r))
        return;
    r->data = json_object();
    for (i = 0; i < 3; i++)
        json_object_set_new(
            r->data, lists[i],
            shorten(json_object_get(cloud_model_tsl(m), lists[i]), nodes, json_is_true(all)));
}

/* ---- Log and diagnosis ----------------------------------------------------------------------- */

static bool is_text(const json_t *object, const char *name, const char *expected)
{
    const char *text = cloud_json_string(object, name);

    return text != NULL && strcmp(text, expected) == 0;
}

void cloud_ask_log_mode(struct cloud_request *r)
{
    if (!is_text(r->params, "configScope", "device") || !is_text(r->params, "getType", "content"))
        cloud_refuse(r, CLOUD_PARAMETER_ERROR,
                     "configScope has to be device, getType has to be content");
    else
        r->data = json_pack("{s:s, s:{s:i}}", "getType", "content", "content", "mode",
                            cloud_thing_of(r->cloud, r->device)->log_mode);
}

/* A text of a log line; `needed`: it has to be there. */
static bool is_log_text(const json_t *line, const char *name, bool needed)
{
    const json_t *value = json_object_get(line, name);

    return value == NULL
               ? !needed
               : json_is_string(value) && json_string_length(value) <= CLOUD_LOG_LINE_BYTES;
}

static const char *wrong_with_line(const json_t *line)
{
    static const char *const levels[] = {"FATAL", "ERROR", "WARN", "INFO", "DEBUG"};
    bool level = false;

    for (size_t i = 0; i < 5; i++)
        level = level || is_text(line, "logLevel", levels[i]);
    if (!level)
        return "logLevel is FATAL, ERROR, WARN, INFO or DEBUG";
    if (!is_log_text(line, "utcTime", true) || !is_log_text(line, "module", true) ||
        !is_log_text(line, "logContent", true))
        return "utcTime, module and logContent are texts, and needed";
    if (!is_log_text(line, "code", false) || !is_log_text(line, "traceContext", false))
        return "code and traceContext are texts";
    return NULL;
}

void cloud_ask_log_post(struct cloud_request *r)
{
    json_t *lines = r->params, *line;
    bool form_b = json_is_object(r->params);
    size_t i;

    if (form_b)
        lines = json_object_get(r->params, "contents");
    if (form_b && (!is_log_text(r->params, "template", true) || !json_is_array(lines)))
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "template has to be a text, contents an array");
    else if (json_array_size(lines) == 0)
        cloud_refuse(r, CLOUD_LIST_EMPTY, "there is no line");
    else if (json_array_size(lines) > CLOUD_LIST_MAX)
        cloud_refuse(r, CLOUD_LIST_TOO_LONG, "more than %d lines", CLOUD_LIST_MAX);
    json_array_foreach (lines, i, line) {
        const char *wrong =
            form_b ? json_is_string(line) ? NULL : "a line is no text" : wrong_with_line(line);
        if (!is_refused(r) && wrong != NULL)
            cloud_refuse(r, CLOUD_PARAMETER_ERROR, "line %zu: %s", i + 1, wrong);
    }
    if (!is_refused(r))
        cloud_say(r->cloud, "log of %s %s: %zu lines", cloud_key_of(r->cloud, r->device),
                  cloud_name_of(r->cloud, r->device), json_array_size(lines));
}

void cloud_ask_diag(struct cloud_request *r)
{
    if (cloud_json_string(r->params, "model") == NULL ||
        !json_is_object(json_object_get(r->params, "p")))
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "model has to be a text, p an object");
}

void cloud_ask_reset(struct cloud_request *r)
{
    cloud_thing_of(r->cloud, r->device)->has_reset = true;
    cloud_say(r->cloud, "reset of %s %s: the bindings of its users are gone",
              cloud_key_of(r->cloud, r->device), cloud_name_of(r->cloud, r->device));
}
