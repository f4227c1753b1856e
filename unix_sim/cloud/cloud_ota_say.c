/* SPDX-License-Identifier: Apache-2.0 */
/* What devices say of updates: versions, progress, questions. */
#include "cloud/cloud_ota_job.h"
#include "cloud/cloud_text.h"

#include <stdlib.h>
#include <string.h>

/* {"id":..,"params":{..}}: params; NULL: `why` says what is wrong. */
static json_t *read_params(json_t *message, const char *error, const char **why)
{
    json_t *params = json_object_get(message, "params");
    char id[11];

    *why = NULL;
    if (message == NULL)
        *why = error;
    else if (!json_is_object(message))
        *why = "the message is no JSON object";
    else if (!cloud_alink_id(message, id))
        *why = "id has to be decimal text or a number, 0..4294967295";
    else if (!json_is_object(params))
        *why = "params has to be an object";
    return *why == NULL ? params : NULL;
}

/* Its name, "default" if there is none; NULL: `why`. */
static const char *read_module(const json_t *params, const char **why)
{
    const json_t *module = json_object_get(params, "module");

    if (module == NULL)
        return "default";
    *why = json_is_string(module) ? cloud_ota_wrong_module(json_string_value(module))
                                  : "module has to be a text";
    return *why == NULL ? json_string_value(module) : NULL;
}

static const char *read_version(const json_t *params, const char **why)
{
    const char *version = cloud_json_string(params, "version");

    *why = version == NULL ? "version has to be a text" : cloud_ota_wrong_version(version);
    return *why == NULL ? version : NULL;
}

static void take_inform(struct cloud *c, int device, const json_t *params, uint64_t now_ms,
                        const char **why)
{
    struct cloud_ota *o = cloud_ota_of(c);
    const char *version = read_version(params, why);
    const char *module = version != NULL ? read_module(params, why) : NULL;

    if (module == NULL)
        return;
    if (o->versions[device] == NULL)
        o->versions[device] = json_object();
    json_object_set_new(o->versions[device], module, json_string(version));
    cloud_say(c, "version of %s %s, module %s: %s", cloud_key_of(c, device),
              cloud_name_of(c, device), module, version);
    struct cloud_ota_job *j = cloud_ota_find(c, device, module, NULL);
    if (j == NULL)
        return;
    if (strcmp(version, j->image.version) == 0)
        cloud_ota_set_task(c, j, device, "succeeded");
    else
        cloud_ota_tell(c, j, device, now_ms);
}

/* A whole number, or its text. */
static bool read_step(const json_t *value, int64_t *step)
{
    const char *text = json_string_value(value);
    uint32_t number;

    if (text == NULL)
        return cloud_json_integer(value, -4, 100, step);
    bool minus = *text == '-';
    if (!cloud_text_number(text + minus, minus ? 4 : 100, &number) || (minus && number == 0))
        return false;
    *step = minus ? -(int64_t)number : (int64_t)number;
    return true;
}

static void take_progress(struct cloud *c, int device, const json_t *params, uint64_t now_ms,
                          const char **why)
{
    const char *module = read_module(params, why);
    json_t *desc = json_object_get(params, "desc");
    int64_t step = 0;

    if (module == NULL)
        return;
    if (!read_step(json_object_get(params, "step"), &step))
        *why = "step has to be a whole number or its text, -4 to 100";
    else if (desc != NULL && !json_is_string(desc))
        *why = "desc has to be a text";
    struct cloud_ota_job *j = *why == NULL ? cloud_ota_find(c, device, module, NULL) : NULL;
    if (*why == NULL && j == NULL)
        *why = "no update of this module is under way";
    if (*why != NULL)
        return;
    json_t *task = cloud_ota_task(c, j, device);
    json_object_set_new(task, "step", json_integer(step));
    cloud_json_append(json_object_get(task, "history"),
                      json_pack("{s:I, s:I, s:s}", "time", (json_int_t)cloud_wall_ms(c, now_ms),
                                "step", (json_int_t)step, "desc",
                                desc != NULL ? json_string_value(desc) : ""),
                      CLOUD_OTA_HISTORY_MAX);
    if (step < 0)
        cloud_ota_set_task(c, j, device, "failed");
    else if (!cloud_ota_has_state(task, "running"))
        cloud_ota_set_task(c, j, device, "running");
}

/* The older question. Who asks and has subscribed hears itself. */
static void take_request(struct cloud *c, int device, const json_t *params, uint64_t now_ms,
                         const char **why)
{
    const char *version = read_version(params, why);
    char topic[CLOUD_TOPIC_MAX + 1];

    if (version == NULL)
        return;
    struct cloud_ota_job *j = cloud_ota_find(c, device, "default", version);
    if (j == NULL)
        return;
    char *text = cloud_ota_write_push(c, j, device, now_ms);
    cloud_ota_topic(c, device, "request", topic);
    cloud_answer(c, device, topic, text, strlen(text), now_ms);
    free(text);
}

bool cloud_ota_take(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                    uint64_t now_ms)
{
    static const struct {
        const char *head;
        void (*take)(struct cloud *, int, const json_t *, uint64_t, const char **);
    } topics[] = {
        {"/ota/device/inform/", take_inform},
        {"/ota/device/progress/", take_progress},
        {"/ota/device/request/", take_request},
    };
    const char *path = cloud_own_path(c, device, topic, "/sys/"), *why;
    char error[200];
    size_t i = 0, count = sizeof topics / sizeof topics[0];

    if (path != NULL && strcmp(path, "thing/file/download") == 0) {
        cloud_ota_serve_file(c, device, topic, payload, len, now_ms);
        return true;
    }
    while (i < count && cloud_own_path(c, device, topic, topics[i].head) == NULL)
        i++;
    if (i == count)
        return false;
    if (topics[i].take == take_request)
        cloud_tell(c, device, topic, payload, len, CLOUD_TOPIC_SYSTEM);
    json_t *message = cloud_json_read(payload, len, error, sizeof error);
    json_t *params = read_params(message, error, &why);
    if (params != NULL)
        topics[i].take(c, device, params, now_ms, &why);
    if (why != NULL)
        cloud_say(c, "%s dropped: %s", topic, why);
    json_decref(message);
    return true;
}

void cloud_ota_get(struct cloud_request *r)
{
    const char *why = NULL, *module = read_module(r->params, &why);

    if (module == NULL) {
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "%s", why);
        return;
    }
    struct cloud_ota_job *j =
        cloud_ota_find(r->cloud, r->device, module, cloud_ota_version(r->cloud, r->device, module));
    if (j == NULL)
        return;
    r->data = cloud_ota_describe(r->cloud, j, r->now_ms);
    if (cloud_ota_has_state(cloud_ota_task(r->cloud, j, r->device), "waiting"))
        cloud_ota_set_task(r->cloud, j, r->device, "told");
}
