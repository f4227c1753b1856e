/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_console.h"

#include "cloud/cloud_call.h"
#include "cloud/cloud_file.h"
#include "cloud/cloud_model.h"
#include "cloud/cloud_shadow.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_thing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET_PATH "thing/service/property/set"

/* ---- Words of a command ---------------------------------------------------------------------- */

char *cloud_order_word(struct cloud_order *o)
{
    char *start = o->rest + strspn(o->rest, " \t");
    size_t n = strcspn(start, " \t");

    o->rest = start + n + (start[n] != 0);
    start[n] = 0;
    return start;
}

/* Adds to the words. */
static void say_args(struct cloud_order *o, const char *format, va_list args)
{
    char *line = NULL;
    size_t before = o->words != NULL ? strlen(o->words) : 0;

    if (vasprintf(&line, format, args) < 0)
        abort();
    size_t n = strlen(line);
    o->words = realloc(o->words, before + n + 1);
    if (o->words == NULL)
        abort();
    memcpy(o->words + before, line, n + 1);
    free(line);
}

void cloud_order_say(struct cloud_order *o, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say_args(o, format, args);
    va_end(args);
}

void cloud_order_fail(struct cloud_order *o, const char *format, ...)
{
    va_list args;

    free(o->words);
    o->words = NULL;
    o->failed = true;
    va_start(args, format);
    say_args(o, format, args);
    va_end(args);
}

int cloud_order_device(struct cloud_order *o)
{
    const char *key = cloud_order_word(o), *name = cloud_order_word(o);
    int i = cloud_book_device(&o->cloud->book, key, name);

    if (*name == 0)
        cloud_order_fail(o, "which device? give its product key and its name");
    else if (i < 0)
        cloud_order_fail(o, "no device %.40s %.40s", key, name);
    return i;
}

/* The rest of the line as an object; NULL: it is none, the order has failed. */
static json_t *read_object(struct cloud_order *o, const char *what)
{
    const char *text = o->rest + strspn(o->rest, " \t");
    char why[200];

    json_t *object = cloud_json_read(text, strlen(text), why, sizeof why);
    if (json_is_object(object))
        return object;
    if (object == NULL)
        cloud_order_fail(o, "%s: %s", what, why);
    else
        cloud_order_fail(o, "%s has to be an object", what);
    json_decref(object);
    return NULL;
}

/* Hexadecimal, in place; false: it is none. */
static bool read_hex(char *text, size_t *len)
{
    size_t n = strlen(text);

    if (n % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != n)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        char pair[3] = {text[i], text[i + 1], 0};
        text[i / 2] = (char)strtoul(pair, NULL, 16);
    }
    *len = n / 2;
    return true;
}

/* A request was sent, or not; `why` is looked at after it was made. */
static void wait_for(struct cloud_order *o, uint32_t id, const char *const *why)
{
    if (id == 0)
        cloud_order_fail(o, "%s", *why);
    else
        o->ticket = id;
}

/* Sent, and its answer is not waited for. */
static void sent(struct cloud_order *o, uint32_t id, const char *const *why)
{
    if (id == 0) {
        cloud_order_fail(o, "%s", *why);
        return;
    }
    char text[11];
    snprintf(text, sizeof text, "%u", (unsigned)id);
    cloud_order_say(o, "sent as id %s\n", text);
    o->value = json_pack("{s:s}", "id", text);
}

/* ---- Values and services ----------------------------------------------------------------------- */

/* As the console checks what somebody types; `none`: null is a value that takes the desired one away. */
static bool check_set(struct cloud_order *o, int device, json_t *values, bool none)
{
    struct cloud_model *m = cloud_model_of(o->cloud, device);
    struct cloud_fault f;
    const char *name;
    json_t *value;

    if (m == NULL) {
        cloud_order_fail(o, "the product has no model");
        return false;
    }
    if (json_object_size(values) == 0) {
        cloud_order_fail(o, "which property?");
        return false;
    }
    json_object_foreach (values, name, value) {
        json_t *property = cloud_model_property(m, name);
        if (property == NULL)
            cloud_order_fail(o, "%d: no property %.60s is in the model", CLOUD_NO_PROPERTY, name);
        else if (!cloud_model_writable(property))
            cloud_order_fail(o, "property %s is read-only", name);
        else if (!(none && json_is_null(value)) && !cloud_model_check(property, value, name, &f))
            cloud_order_fail(o, "%d: %s", f.code, f.text);
    }
    return !o->failed;
}

/* A last word that says how; NULL: it says nothing of it, or it is no such word. It is cut off. */
static char *cut_way(char *rest)
{
    static const char *const ways[] = {"sync", "async", "rrpc", "ext"};
    size_t n = strlen(rest);

    while (n > 0 && rest[n - 1] == ' ')
        rest[--n] = 0;
    char *blank = strrchr(rest, ' ');
    char *last = blank != NULL ? blank + 1 : rest;
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(last, ways[i]) != 0)
            continue;
        if (blank != NULL)
            *blank = 0;
        return last;
    }
    return NULL;
}

void cloud_console_set(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    enum cloud_way way = CLOUD_WAY_TOPIC;
    const char *why;

    if (device < 0)
        return;
    const char *word = cut_way(o->rest);
    if (word != NULL && strcmp(word, "async") != 0)
        way = strcmp(word, "ext") == 0 ? CLOUD_WAY_EXT : CLOUD_WAY_RRPC;
    json_t *values = read_object(o, "the values");
    if (values != NULL && check_set(o, device, values, false)) {
        uint32_t id = cloud_call(o->cloud, device, way, SET_PATH, NULL, values, o->now_ms, &why);
        wait_for(o, id, &why);
    }
    json_decref(values);
}

static enum cloud_way way_of(const char *word, const json_t *service)
{
    bool sync = strcmp(cloud_json_string(service, "callType"), "sync") == 0;

    if (word != NULL && strcmp(word, "ext") == 0)
        return CLOUD_WAY_EXT;
    if (word != NULL)
        sync = strcmp(word, "async") != 0;
    return sync ? CLOUD_WAY_RRPC : CLOUD_WAY_TOPIC;
}

void cloud_console_call(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    char path[CLOUD_TOPIC_MAX];
    struct cloud_fault f;
    const char *why;

    if (device < 0)
        return;
    const char *name = cloud_order_word(o);
    json_t *service = cloud_model_service(cloud_model_of(o->cloud, device), name);
    if (service == NULL) {
        cloud_order_fail(o, "%d: no service %.60s is in the model", CLOUD_NO_SERVICE, name);
        return;
    }
    const char *word = cut_way(o->rest);
    if (word == o->rest)
        o->rest = strchr(o->rest, 0);
    json_t *params =
        o->rest[strspn(o->rest, " ")] == 0 ? json_object() : read_object(o, "the arguments");
    if (params == NULL)
        return;
    if (!cloud_model_check_fields(json_object_get(service, "inputData"), params, true, &f)) {
        cloud_order_fail(o, "%d: %s", f.code, f.text);
    } else {
        snprintf(path, sizeof path, "thing/service/%s", name);
        uint32_t id = cloud_call(o->cloud, device, way_of(word, service), path, name, params,
                                 o->now_ms, &why);
        wait_for(o, id, &why);
    }
    json_decref(params);
}

void cloud_console_rrpc(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    char topic[CLOUD_TOPIC_MAX + 1];
    const char *why;

    if (device < 0)
        return;
    snprintf(topic, sizeof topic, "%s/%s/user/get", cloud_key_of(o->cloud, device),
             cloud_name_of(o->cloud, device));
    if (*o->rest == '/')
        snprintf(topic, sizeof topic, "%s", cloud_order_word(o) + 1);
    size_t len = strlen(o->rest);
    if (cloud_text_after(o->rest, "hex:") != NULL) {
        o->rest += 4;
        if (!read_hex(o->rest, &len)) {
            cloud_order_fail(o, "that is no hexadecimal");
            return;
        }
    }
    uint32_t id = cloud_call_bytes(o->cloud, device, topic, o->rest, len, o->now_ms, &why);
    wait_for(o, id, &why);
}

void cloud_console_raw(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    char topic[2 * CLOUD_TOPIC_MAX];
    const char *why = NULL;
    size_t len;

    if (device < 0)
        return;
    char *hex = cloud_order_word(o);
    bool rrpc = strcmp(cloud_order_word(o), "rrpc") == 0;
    snprintf(topic, sizeof topic, "/sys/%s/%s/thing/model/down_raw", cloud_key_of(o->cloud, device),
             cloud_name_of(o->cloud, device));
    if (!o->cloud->book.products[o->cloud->book.devices[device].product].raw)
        cloud_order_fail(o, "its product is not raw");
    else if (!read_hex(hex, &len))
        cloud_order_fail(o, "that is no hexadecimal");
    else if (rrpc)
        wait_for(o, cloud_call_bytes(o->cloud, device, topic + 1, hex, len, o->now_ms, &why), &why);
    else if (!cloud_send(o->cloud, device, topic, hex, len, &why))
        cloud_order_fail(o, "%s", why);
}

/* ---- Documents --------------------------------------------------------------------------------- */

void cloud_console_desired(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    json_t *values = device >= 0 ? read_object(o, "the values") : NULL, *value;
    const char *name, *why;

    if (values != NULL && check_set(o, device, values, true)) {
        struct cloud_thing *t = cloud_thing_of(o->cloud, device);
        json_t *set = json_object();
        json_object_foreach (values, name, value) {
            json_t *property = cloud_model_property(cloud_model_of(o->cloud, device), name);
            const char *identifier = cloud_json_string(property, "identifier");
            if (json_is_null(value)) {
                json_object_del(t->desired, identifier);
            } else {
                cloud_thing_desire(t, identifier, value);
                json_object_set(set, name, value);
            }
        }
        o->value = json_pack("{s:O}", "desired", t->desired);
        if (json_object_size(set) > 0 && o->cloud->sessions[device].link != 0)
            cloud_call(o->cloud, device, CLOUD_WAY_TOPIC, SET_PATH, NULL, set, o->now_ms, &why);
        json_decref(set);
    }
    json_decref(values);
}

void cloud_console_shadow(struct cloud_order *o)
{
    int device = cloud_order_device(o);

    if (device < 0)
        return;
    if (o->rest[strspn(o->rest, " ")] != 0) {
        json_t *change = read_object(o, "the change");
        json_t *desired = json_object_get(change, "desired");
        if (change != NULL && !json_is_object(desired) && !json_is_null(desired))
            cloud_order_fail(o, "it has to be {\"desired\":{...}}, or null to clear all");
        else if (change != NULL &&
                 !cloud_shadow_desire(o->cloud, device, json_is_null(desired) ? NULL : desired,
                                      o->now_ms))
            cloud_order_fail(o, "more than %d attributes", CLOUD_SHADOW_ATTRIBUTES_MAX);
        json_decref(change);
        if (o->failed)
            return;
    }
    json_t *shadow = cloud_thing_of(o->cloud, device)->shadow;
    o->value = shadow != NULL ? json_deep_copy(shadow) : json_object();
}

static void push_config(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    const char *why;

    if (device < 0)
        return;
    json_t *params =
        cloud_file_describe(o->cloud, o->cloud->book.devices[device].product, o->now_ms);
    if (params == NULL) {
        cloud_order_fail(o, "%d: the product has no remote configuration", CLOUD_NO_FILE);
        return;
    }
    wait_for(o,
             cloud_call(o->cloud, device, CLOUD_WAY_TOPIC, "thing/config/push", NULL, params,
                        o->now_ms, &why),
             &why);
    json_decref(params);
}

void cloud_console_config(struct cloud_order *o)
{
    char *key = cloud_order_word(o);
    enum cloud_hash method = CLOUD_SHA256;
    const char *why, *id;

    if (strcmp(key, "push") == 0) {
        push_config(o);
        return;
    }
    int product = cloud_book_product(&o->cloud->book, key);
    if (product < 0) {
        cloud_order_fail(o, "no product %.40s", key);
        return;
    }
    o->rest += strspn(o->rest, " ");
    if (cloud_text_after(o->rest, "md5 ") != NULL) {
        method = CLOUD_MD5;
        o->rest += 4;
    }
    if (*o->rest != 0 &&
        !cloud_file_set(o->cloud, product, strcmp(o->rest, "none") == 0 ? NULL : o->rest, method,
                        &why)) {
        cloud_order_fail(o, "%s", why);
        return;
    }
    const char *text = cloud_file_text(o->cloud, product, &id);
    o->value = text == NULL
                   ? json_object()
                   : json_pack("{s:o, s:s}", "file",
                               cloud_file_describe(o->cloud, product, o->now_ms), "content", text);
}

void cloud_console_log_mode(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    const char *why;
    uint32_t mode;

    if (device < 0)
        return;
    if (!cloud_text_number(cloud_order_word(o), 1, &mode)) {
        cloud_order_fail(o, "0 or 1?");
        return;
    }
    cloud_thing_of(o->cloud, device)->log_mode = (int)mode;
    if (o->cloud->sessions[device].link == 0) {
        cloud_order_say(o, "stored; the device is offline\n");
        return;
    }
    json_t *params =
        json_pack("{s:s, s:{s:i}}", "getType", "content", "content", "mode", (int)mode);
    sent(o,
         cloud_call(o->cloud, device, CLOUD_WAY_TOPIC, "thing/config/log/push", NULL, params,
                    o->now_ms, &why),
         &why);
    json_decref(params);
}

void cloud_console_bootstrap(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    const char *why;

    if (device < 0)
        return;
    json_t *params = json_pack("{s:i}", "cmd", 0);
    wait_for(o,
             cloud_call(o->cloud, device, CLOUD_WAY_TOPIC, "thing/bootstrap/notify", NULL, params,
                        o->now_ms, &why),
             &why);
    json_decref(params);
}

void cloud_console_error(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    char topic[CLOUD_TOPIC_MAX + 1], id[11];
    const char *why;
    uint32_t code;

    if (device < 0)
        return;
    if (!cloud_text_number(cloud_order_word(o), 999999, &code)) {
        cloud_order_fail(o, "which code?");
        return;
    }
    const char *key = cloud_key_of(o->cloud, device), *name = cloud_name_of(o->cloud, device);
    snprintf(topic, sizeof topic, "/ext/error/%s/%s", key, name);
    snprintf(id, sizeof id, "%u", (unsigned)o->cloud->next_id++);
    json_t *message = json_pack("{s:s, s:i, s:s, s:{s:s, s:s}}", "id", id, "code", (int)code,
                                "message", *o->rest != 0 ? o->rest : "by command", "data",
                                "productKey", key, "deviceName", name);
    if (message == NULL) {
        cloud_order_fail(o, "the words are no UTF-8");
        return;
    }
    char *text = cloud_json_text(message);
    if (!cloud_send(o->cloud, device, topic, text, strlen(text), &why))
        cloud_order_fail(o, "%s", why);
    free(text);
    json_decref(message);
}

/* ---- Looking ----------------------------------------------------------------------------------- */

static void list(struct cloud_order *o, const char *what, json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        char *text = cloud_json_text(value);
        cloud_order_say(o, "%s %s %s\n", what, name, text);
        free(text);
    }
}

static void list_array(struct cloud_order *o, const char *what, json_t *array)
{
    json_t *value;
    size_t i;

    json_array_foreach (array, i, value) {
        char *text = cloud_json_text(value);
        cloud_order_say(o, "%s %s\n", what, text);
        free(text);
    }
}

void cloud_console_show(struct cloud_order *o)
{
    int device = cloud_order_device(o);

    if (device < 0)
        return;
    json_t *v = o->value = cloud_thing_show(o->cloud, device, o->now_ms);
    cloud_order_say(o, "%s %s %s, %s%s\n", cloud_key_of(o->cloud, device),
                    cloud_name_of(o->cloud, device), cloud_json_string(v, "state"),
                    json_is_true(json_object_get(v, "online")) ? "online" : "offline",
                    json_is_true(json_object_get(v, "activated")) ? "" : ", never seen");
    list(o, "property", json_object_get(v, "properties"));
    list_array(o, "event", json_object_get(v, "events"));
    list(o, "tag", json_object_get(v, "tags"));
    list(o, "desired", json_object_get(v, "desired"));
    list(o, "shadow", json_object_get(v, "shadow"));
    list_array(o, "exchange", json_object_get(v, "exchanges"));
}

void cloud_console_tsl(struct cloud_order *o)
{
    char *key = cloud_order_word(o);
    int product = cloud_book_product(&o->cloud->book, key);

    if (product < 0)
        cloud_order_fail(o, "no product %.40s", key);
    else if (o->cloud->models[product] == NULL)
        cloud_order_fail(o, "the product has no model");
    else
        o->value = json_incref(cloud_model_tsl(o->cloud->models[product]));
}

void cloud_console_reply(struct cloud_order *o)
{
    int device = cloud_order_device(o);
    uint32_t id;

    if (device < 0)
        return;
    bool ok = cloud_text_number(cloud_order_word(o), UINT32_MAX, &id);
    const struct cloud_call *call = ok ? cloud_call_find(o->cloud, id) : NULL;
    if (call == NULL || call->device != device)
        cloud_order_fail(o, "no such request is remembered");
    else
        o->value = cloud_call_show(call);
}
