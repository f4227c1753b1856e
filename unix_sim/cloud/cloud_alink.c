/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_alink.h"

#include "cloud/cloud_ask.h"
#include "cloud/cloud_call.h"
#include "cloud/cloud_file.h"
#include "cloud/cloud_ota.h"
#include "cloud/cloud_report.h"
#include "cloud/cloud_shadow.h"
#include "cloud/cloud_tag.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_thing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    OBJECT = 1,
    ARRAY = 2,
    EITHER = 3,
};

struct service {
    const char *path; /* + is any level */
    enum kind params;
    void (*serve)(struct cloud_request *);
};

static const struct service services[] = {
    {"thing/event/property/post", OBJECT, cloud_report_properties},
    {"thing/event/property/history/post", ARRAY, cloud_report_history},
    {"thing/event/property/batch/post", OBJECT, cloud_report_batch},
    {"thing/event/property/pack/post", OBJECT, cloud_report_pack},
    {"thing/event/+/post", OBJECT, cloud_report_event},
    {"thing/property/desired/get", ARRAY, cloud_ask_desired},
    {"thing/property/desired/delete", OBJECT, cloud_ask_desired_delete},
    {"thing/deviceinfo/update", ARRAY, cloud_tag_update},
    {"thing/deviceinfo/delete", ARRAY, cloud_tag_delete},
    {"thing/dsltemplate/get", OBJECT, cloud_ask_model},
    {"thing/dynamicTsl/get", OBJECT, cloud_ask_short_model},
    {"thing/config/get", OBJECT, cloud_file_get},
    {"thing/config/log/get", OBJECT, cloud_ask_log_mode},
    {"thing/log/post", EITHER, cloud_ask_log_post},
    {"_thing/diag/post", OBJECT, cloud_ask_diag},
    {"thing/reset", OBJECT, cloud_ask_reset},
    {"thing/ota/firmware/get", OBJECT, cloud_ota_get},
};

void cloud_refuse(struct cloud_request *r, int code, const char *format, ...)
{
    va_list args;

    r->code = code;
    va_start(args, format);
    vsnprintf(r->message, sizeof r->message, format, args);
    va_end(args);
}

void cloud_refuse_fault(struct cloud_request *r, const struct cloud_fault *fault)
{
    cloud_refuse(r, fault->code, "%s", fault->text);
}

/* ---- The envelope ---------------------------------------------------------------------------- */

bool cloud_alink_id(const json_t *message, char id[11])
{
    const json_t *value = json_object_get(message, "id");
    const char *text = json_string_value(value);
    uint32_t number;
    int64_t whole;

    if (text != NULL && strlen(text) <= 10 && cloud_text_number(text, UINT32_MAX, &number))
        snprintf(id, 11, "%s", text);
    else if (cloud_json_integer(value, 0, UINT32_MAX, &whole))
        snprintf(id, 11, "%u", (unsigned)whole);
    else
        return false;
    return true;
}

static bool check_ack(struct cloud_request *r, const json_t *message, bool *quiet)
{
    const json_t *sys = json_object_get(message, "sys");
    const json_t *ack = json_object_get(sys, "ack");
    int64_t number = 1;

    if (sys == NULL || (json_is_object(sys) && ack == NULL) ||
        cloud_json_integer(ack, 0, 1, &number)) {
        *quiet = number == 0;
        return true;
    }
    cloud_refuse(r, CLOUD_PARAMETER_ERROR, "sys is not {\"ack\":0} or {\"ack\":1}");
    return false;
}

static bool check_params(struct cloud_request *r, json_t *params, enum kind kind)
{
    if (params == NULL)
        cloud_refuse(r, CLOUD_PARAMS_MISSING, "params is missing");
    else if (json_is_null(params))
        cloud_refuse(r, CLOUD_PARAMS_EMPTY, "params is null");
    else if (!(json_is_object(params) && (kind & OBJECT) != 0) &&
             !(json_is_array(params) && (kind & ARRAY) != 0))
        cloud_refuse(r,
                     cloud_text_after(r->path, "thing/event/") != NULL ? CLOUD_DATA_FORMAT
                                                                       : CLOUD_PARAMS_TYPE,
                     "params has to be an %s", kind == ARRAY ? "array" : "object");
    else
        return true;
    return false;
}

static bool check_envelope(struct cloud_request *r, const json_t *message, const char *method,
                           enum kind kind, bool *quiet)
{
    const json_t *given = json_object_get(message, "method");
    const char *version = cloud_json_string(message, "version");

    if (!check_ack(r, message, quiet))
        return false;
    if (version == NULL || strcmp(version, "1.0") != 0) {
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "version has to be \"1.0\"");
        return false;
    }
    if (given == NULL) {
        cloud_refuse(r, CLOUD_METHOD_MISSING, "method is missing");
        return false;
    }
    if (json_string_value(given) == NULL || strcmp(json_string_value(given), method) != 0) {
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "method has to be %s on this topic", method);
        return false;
    }
    return check_params(r, json_object_get(message, "params"), kind);
}

/* Words that a cut may have left in the middle of a letter. */
static json_t *words_of(char *text)
{
    json_t *words;

    while ((words = json_string(text)) == NULL)
        text[strlen(text) - 1] = 0;
    return words;
}

static void send_answer(struct cloud_request *r, const char *topic, const char *id,
                        const char *method)
{
    char answer_topic[CLOUD_TOPIC_MAX + 16];
    json_t *answer = json_pack("{s:i, s:o, s:s, s:o, s:s, s:s}", "code", r->code, "data",
                               r->data != NULL ? json_incref(r->data) : json_object(), "id", id,
                               "message", words_of(r->message), "method", method, "version", "1.0");
    char *text = cloud_json_text(answer);

    snprintf(answer_topic, sizeof answer_topic, "%s_reply", topic);
    cloud_answer(r->cloud, r->device, answer_topic, text, strlen(text), r->now_ms);
    free(text);
    json_decref(answer);
}

/* An option says what to answer to topics that end so. */
static int forced_code(const struct cloud *c, const char *path)
{
    for (int i = 0; i < CLOUD_REPLY_CODES_MAX; i++) {
        const struct cloud_reply_code *r = &c->book.rules.reply_codes[i];
        size_t n = strlen(r->suffix), len = strlen(path);
        if (r->code != 0 && len >= n && strcmp(path + len - n, r->suffix) == 0)
            return (int)r->code;
    }
    return 0;
}

static void serve(struct cloud_request *r, const struct service *s, const char *topic,
                  const void *payload, size_t len)
{
    char method[CLOUD_TOPIC_MAX + 1], id[11] = "", why[200];
    bool quiet = false;
    json_t *message = cloud_json_read(payload, len, why, sizeof why);
    int forced = forced_code(r->cloud, r->path);

    snprintf(method, sizeof method, "%s", r->path);
    for (char *p = method; *p != 0; p++)
        if (*p == '/')
            *p = '.';
    if (!json_is_object(message)) {
        cloud_refuse(r, CLOUD_REQUEST_ERROR, "%s",
                     message == NULL ? why : "the message is no JSON object");
    } else if (!cloud_alink_id(message, id)) {
        cloud_refuse(r, CLOUD_PARAMETER_ERROR,
                     "id has to be decimal text or a number, 0..4294967295");
    } else if (check_envelope(r, message, method, s->params, &quiet)) {
        r->params = json_object_get(message, "params");
        if (forced == 0)
            s->serve(r);
    }
    if (forced != 0)
        cloud_refuse(r, forced, "by an option");
    cloud_say(r->cloud, "%s %s %s %s id '%s': %d %s", quiet ? "no answer to" : "answer to",
              cloud_key_of(r->cloud, r->device), cloud_name_of(r->cloud, r->device), r->path, id,
              r->code, r->message);
    cloud_thing_exchange(r->cloud, r->device, topic, id, r->code, r->now_ms);
    if (!quiet)
        send_answer(r, topic, id, method);
    json_decref(r->data);
    json_decref(message);
}

/* ---- Who serves what ------------------------------------------------------------------------- */

static bool fits(const char *path, const char *form)
{
    const char *plus = strchr(form, '+');

    if (plus == NULL)
        return strcmp(path, form) == 0;
    size_t head = (size_t)(plus - form);
    if (strncmp(path, form, head) != 0)
        return false;
    return strcmp(path + head + strcspn(path + head, "/"), plus + 1) == 0;
}

/* Section 4.13; who asks without sense gets no answer. */
static void serve_time(struct cloud *c, int device, const void *payload, size_t len,
                       uint64_t now_ms)
{
    char why[200], topic[CLOUD_TOPIC_MAX + 1], text[200];
    json_t *message = cloud_json_read(payload, len, why, sizeof why);
    const json_t *sent = json_object_get(message, "deviceSendTime");
    const char *digits = json_string_value(sent);
    long long now = (long long)cloud_wall_ms(c, now_ms);
    int n = 0;

    snprintf(topic, sizeof topic, "/ext/ntp/%s/%s/response", cloud_key_of(c, device),
             cloud_name_of(c, device));
    if (digits != NULL && *digits != 0 && strlen(digits) <= 19 &&
        cloud_text_all(digits, cloud_is_digit))
        n = snprintf(text, sizeof text, "{\"deviceSendTime\":\"%s\",", digits);
    else if (json_is_integer(sent) && json_integer_value(sent) >= 0)
        n = snprintf(text, sizeof text, "{\"deviceSendTime\":\"%lld\",",
                     (long long)json_integer_value(sent));
    else
        cloud_say(c, "time for %s %s: deviceSendTime has to be a number or its digits",
                  cloud_key_of(c, device), cloud_name_of(c, device));
    if (n > 0) {
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "\"serverRecvTime\":\"%lld\",\"serverSendTime\":\"%lld\"}", now, now);
        cloud_answer(c, device, topic, text, (size_t)n, now_ms);
    }
    json_decref(message);
}

void cloud_serve(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                 uint64_t now_ms)
{
    const char *path = cloud_own_path(c, device, topic, "/sys/");
    const char *time = cloud_own_path(c, device, topic, "/ext/ntp/");

    if (cloud_call_take(c, device, topic, payload, len, now_ms) ||
        cloud_ota_take(c, device, topic, payload, len, now_ms))
        return;
    if (time != NULL && strcmp(time, "request") == 0)
        serve_time(c, device, payload, len, now_ms);
    if (cloud_own_path(c, device, topic, "/shadow/update/") != NULL)
        cloud_shadow_take(c, device, payload, len, now_ms);
    if (path != NULL && strcmp(path, "thing/model/up_raw") == 0)
        cloud_report_raw(c, device, payload, len, now_ms);
    for (size_t i = 0; path != NULL && i < sizeof services / sizeof services[0]; i++) {
        struct cloud_request r = {.cloud = c,
                                  .device = device,
                                  .now_ms = now_ms,
                                  .path = path,
                                  .code = CLOUD_OK,
                                  .message = "success"};
        if (!fits(path, services[i].path))
            continue;
        serve(&r, &services[i], topic, payload, len);
        return;
    }
}
