/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_shadow.h"

#include "cloud/cloud_thing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The document is kept as in 5.4: {"state": {"desired", "reported"}, "metadata": {...}, "timestamp", "version"}; both
 * parts are always there, and left out when it is sent if they are empty. */

struct update {
    struct cloud *cloud;
    struct cloud_thing *thing;
    int device;
    uint64_t now_ms;
    json_t *message;
    json_int_t second;
};

enum {
    NOT_JSON = 400,
    NO_METHOD = 401,
    NO_STATE = 402,
    BAD_VERSION = 403,
    NO_REPORTED = 404,
    EMPTY_REPORTED = 405,
    BAD_METHOD = 406,
    EMPTY_DOCUMENT = 407,
    TOO_MANY = 408,
    VERSION_CONFLICT = 409,
    SERVER_ERROR = 500,
};

static const char *words_of(int code)
{
    static const char *const words[] = {
        "invalid json format", "missing method",   "missing state",  "invalid version value",
        "missing reported",    "empty reported",   "invalid method", "empty content",
        "too many attributes", "version conflict",
    };

    return code == SERVER_ERROR ? "server exception" : words[code - NOT_JSON];
}

static json_t *part(json_t *document, const char *which, const char *name)
{
    return json_object_get(json_object_get(document, which), name);
}

static json_t *new_document(void)
{
    return json_pack("{s:{s:{}, s:{}}, s:{s:{}, s:{}}, s:i, s:i}", "state", "desired", "reported",
                     "metadata", "desired", "reported", "timestamp", 0, "version", 0);
}

/* ---- What is sent ---------------------------------------------------------------------------- */

/* {"reported", "desired"} without what is empty. */
static json_t *full_parts(json_t *document, const char *which)
{
    static const char *const names[] = {"reported", "desired"};
    json_t *parts = json_object();

    for (int i = 0; i < 2; i++)
        if (json_object_size(part(document, which, names[i])) > 0)
            json_object_set(parts, names[i], part(document, which, names[i]));
    return parts;
}

static void send_down(struct update *u, json_t *message, bool is_answer)
{
    char topic[CLOUD_TOPIC_MAX + 1];
    char *text = cloud_json_text(message);

    snprintf(topic, sizeof topic, "/shadow/get/%s/%s", cloud_key_of(u->cloud, u->device),
             cloud_name_of(u->cloud, u->device));
    if (is_answer)
        cloud_answer(u->cloud, u->device, topic, text, strlen(text), u->now_ms);
    else
        cloud_tell(u->cloud, u->device, topic, text, strlen(text), CLOUD_TOPIC_SYSTEM);
    free(text);
    json_decref(message);
}

static void answer(struct update *u, json_t *payload)
{
    const char *token = cloud_json_string(u->message, "clientToken");
    json_t *reply =
        json_pack("{s:s, s:o, s:I}", "method", "reply", "payload", payload, "timestamp", u->second);

    if (token != NULL && strlen(token) <= CLOUD_TOKEN_MAX)
        json_object_set(reply, "clientToken", json_object_get(u->message, "clientToken"));
    send_down(u, reply, true);
}

static void refuse(struct update *u, int code)
{
    char number[8];

    snprintf(number, sizeof number, "%d", code);
    answer(u, json_pack("{s:s, s:{s:s, s:s}}", "status", "error", "content", "errorcode", number,
                        "errormessage", words_of(code)));
}

static json_t *describe(struct update *u, bool with_version)
{
    json_t *document = u->thing->shadow;
    json_t *payload = json_pack("{s:s}", "status", "success");

    if (with_version)
        json_object_set(payload, "version", json_object_get(document, "version"));
    json_object_set_new(payload, "state", full_parts(document, "state"));
    json_object_set_new(payload, "metadata", full_parts(document, "metadata"));
    return payload;
}

/* ---- What it asks for ------------------------------------------------------------------------ */

static bool is_nothing(const json_t *value)
{
    const char *text = json_string_value(value);

    return json_is_null(value) || (text != NULL && strcmp(text, "null") == 0);
}

static void put(struct update *u, const char *where, const char *name, json_t *value)
{
    json_object_set(part(u->thing->shadow, "state", where), name, value);
    json_object_set_new(part(u->thing->shadow, "metadata", where), name,
                        json_pack("{s:I}", "timestamp", u->second));
}

static void take_away(struct update *u, const char *where, const char *name)
{
    json_t *state = part(u->thing->shadow, "state", where);
    json_t *metadata = part(u->thing->shadow, "metadata", where);

    if (name == NULL) {
        json_object_clear(state);
        json_object_clear(metadata);
    } else {
        json_object_del(state, name);
        json_object_del(metadata, name);
    }
}

static void put_all(struct update *u, const char *where, json_t *values)
{
    const char *name;
    json_t *value;

    json_object_foreach (values, name, value) {
        if (is_nothing(value))
            take_away(u, where, name);
        else
            put(u, where, name, value);
    }
}

static void store_version(struct update *u, json_int_t version)
{
    json_object_set_new(u->thing->shadow, "version", json_integer(version));
    json_object_set_new(u->thing->shadow, "timestamp", json_integer(u->second));
}

static json_int_t stored_version(const struct update *u)
{
    return json_integer_value(json_object_get(u->thing->shadow, "version"));
}

/* 0: it may; else a code. -1 is stored as 0. */
static int check_version(const struct update *u, json_int_t *version)
{
    int64_t given;

    if (!cloud_json_integer(json_object_get(u->message, "version"), -1, INT64_MAX, &given))
        return BAD_VERSION;
    *version = given == -1 ? 0 : given;
    return given == -1 || given > stored_version(u) ? 0 : VERSION_CONFLICT;
}

/* So many attributes as there would be. */
static size_t count_after(const struct update *u, const char *where, json_t *values)
{
    json_t *state = part(u->thing->shadow, "state", where);
    size_t count = json_object_size(state);
    const char *name;
    json_t *value;

    json_object_foreach (values, name, value) {
        bool there = json_object_get(state, name) != NULL;
        if (there && is_nothing(value))
            count--;
        else if (!there && !is_nothing(value))
            count++;
    }
    return count;
}

static int update(struct update *u)
{
    json_t *state = json_object_get(u->message, "state");
    json_t *reported = json_object_get(state, "reported"),
           *desired = json_object_get(state, "desired");
    json_int_t version = 0;
    int code;

    if (!json_is_object(state))
        return NO_STATE;
    if (!json_is_object(reported) && !is_nothing(reported) && !is_nothing(desired))
        return NO_REPORTED;
    if (json_is_object(reported) && json_object_size(reported) == 0)
        return EMPTY_REPORTED;
    code = check_version(u, &version);
    if (code != 0)
        return code;
    if (json_object_size(reported) > CLOUD_SHADOW_ATTRIBUTES_MAX ||
        count_after(u, "reported", reported) > CLOUD_SHADOW_ATTRIBUTES_MAX)
        return TOO_MANY;
    if (is_nothing(reported))
        take_away(u, "reported", NULL);
    put_all(u, "reported", reported);
    if (is_nothing(desired))
        take_away(u, "desired", NULL);
    store_version(u, version);
    answer(u, json_pack("{s:s, s:I}", "status", "success", "version", version));
    return 0;
}

static int delete_some(struct update *u)
{
    json_t *state = json_object_get(u->message, "state");
    json_t *reported = json_object_get(state, "reported"), *value;
    json_int_t version = 0;
    const char *name;
    int code;

    if (!json_is_object(state))
        return NO_STATE;
    if (!json_is_object(reported) && !is_nothing(reported))
        return NO_REPORTED;
    if (json_is_object(reported) && json_object_size(reported) == 0)
        return EMPTY_REPORTED;
    code = check_version(u, &version);
    if (code != 0)
        return code;
    if (json_object_size(part(u->thing->shadow, "state", "reported")) == 0)
        return EMPTY_DOCUMENT;
    if (is_nothing(reported))
        take_away(u, "reported", NULL);
    json_object_foreach (reported, name, value)
        if (is_nothing(value))
            take_away(u, "reported", name);
    store_version(u, version);
    answer(u, json_pack("{s:s, s:I}", "status", "success", "version", version));
    return 0;
}

static bool is_empty(json_t *document)
{
    return json_object_size(part(document, "state", "reported")) == 0 &&
           json_object_size(part(document, "state", "desired")) == 0;
}

static int act(struct update *u)
{
    const char *method = cloud_json_string(u->message, "method");

    if (json_object_get(u->message, "method") == NULL)
        return NO_METHOD;
    if (method != NULL && strcmp(method, "update") == 0)
        return update(u);
    if (method != NULL && strcmp(method, "delete") == 0)
        return delete_some(u);
    if (method == NULL || strcmp(method, "get") != 0)
        return BAD_METHOD;
    if (is_empty(u->thing->shadow))
        return EMPTY_DOCUMENT;
    answer(u, describe(u, true));
    return 0;
}

static struct update start(struct cloud *c, int device, uint64_t now_ms)
{
    struct update u = {.cloud = c, .device = device, .now_ms = now_ms};

    u.second = (json_int_t)(cloud_wall_ms(c, now_ms) / 1000);
    u.thing = cloud_thing_of(c, device);
    if (u.thing->shadow == NULL)
        u.thing->shadow = new_document();
    return u;
}

void cloud_shadow_take(struct cloud *c, int device, const void *payload, size_t len,
                       uint64_t now_ms)
{
    struct update u = start(c, device, now_ms);
    char why[200];
    int code = NOT_JSON;

    if (len <= CLOUD_SHADOW_BYTES_MAX)
        u.message = cloud_json_read(payload, len, why, sizeof why);
    else
        code = SERVER_ERROR;
    if (json_is_object(u.message))
        code = act(&u);
    if (code != 0)
        refuse(&u, code);
    cloud_say(c, "shadow of %s %s: %d %s", cloud_key_of(c, device), cloud_name_of(c, device),
              code == 0 ? 200 : code, code == 0 ? "success" : words_of(code));
    cloud_thing_exchange(c, device, "/shadow/update", "", code == 0 ? 200 : code, now_ms);
    json_decref(u.message);
}

bool cloud_shadow_desire(struct cloud *c, int device, json_t *desired, uint64_t now_ms)
{
    struct update u = start(c, device, now_ms);

    if (count_after(&u, "desired", desired) > CLOUD_SHADOW_ATTRIBUTES_MAX)
        return false;
    if (desired == NULL)
        take_away(&u, "desired", NULL);
    put_all(&u, "desired", desired);
    store_version(&u, stored_version(&u) + 1);
    if (c->sessions[device].link == 0)
        return true;
    cloud_say(c, "shadow of %s %s: control, version %lld", cloud_key_of(c, device),
              cloud_name_of(c, device), (long long)stored_version(&u));
    send_down(&u,
              json_pack("{s:s, s:I, s:I, s:o}", "method", "control", "version", stored_version(&u),
                        "timestamp", u.second, "payload", describe(&u, false)),
              false);
    return true;
}
