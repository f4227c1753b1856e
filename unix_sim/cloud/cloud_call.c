/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_call.h"

#include "cloud/cloud_alink.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_thing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RRPC_BASE                                                                                  \
    1700000000000000000u /* ids have 19 digits, as the platform's: no 32-bit number holds them */

/* ---- Requests -------------------------------------------------------------------------------- */

static struct cloud_call *new_call(struct cloud *c, int device, const char *answer_topic,
                                   uint64_t now_ms)
{
    struct cloud_call *call = &c->calls[c->next_call++ % CLOUD_CALLS_MAX];

    free(call->answer);
    memset(call, 0, sizeof *call);
    call->id = c->next_id++;
    call->device = (uint16_t)device;
    call->sent_ms = now_ms;
    call->due_ms = now_ms + c->book.rules.rrpc_wait_ms;
    snprintf(call->topic, sizeof call->topic, "%s", answer_topic);
    return call;
}

static bool can_call(const struct cloud *c, int device, bool ext, const char **why)
{
    *why = NULL;
    if (c->sessions[device].link == 0)
        *why = "the device is offline, and the platform keeps no messages";
    else if (c->out_count == CLOUD_OUTPUTS_MAX)
        *why = "too many messages wait to be sent";
    else if (ext && (c->sessions[device].ext & 1) == 0)
        *why = "the device did not say ext=1 at its login: it does not know this kind of RRPC";
    return *why == NULL;
}

static bool does_fit(int written, const char **why)
{
    if (written >= 0 && written <= CLOUD_TOPIC_MAX)
        return true;
    *why = "the topic would be longer than 128 bytes";
    return false;
}

uint32_t cloud_call(struct cloud *c, int device, enum cloud_way way, const char *path,
                    const char *service, json_t *params, uint64_t now_ms, const char **why)
{
    char topic[2 * CLOUD_TOPIC_MAX], answer[2 * CLOUD_TOPIC_MAX], method[CLOUD_TOPIC_MAX + 1],
        id[11];
    unsigned long long number = RRPC_BASE + c->next_id;
    const char *key = cloud_key_of(c, device), *name = cloud_name_of(c, device);
    int n = 0;

    if (!can_call(c, device, way == CLOUD_WAY_EXT, why))
        return 0;
    switch (way) {
    case CLOUD_WAY_TOPIC:
        snprintf(topic, sizeof topic, "/sys/%s/%s/%s", key, name, path);
        n = snprintf(answer, sizeof answer, "%s_reply", topic);
        break;
    case CLOUD_WAY_RRPC:
        snprintf(topic, sizeof topic, "/sys/%s/%s/rrpc/request/%llu", key, name, number);
        n = snprintf(answer, sizeof answer, "/sys/%s/%s/rrpc/response/%llu", key, name, number);
        break;
    case CLOUD_WAY_EXT:
        n = snprintf(topic, sizeof topic, "/ext/rrpc/%llu/sys/%s/%s/%s", number, key, name, path);
        snprintf(answer, sizeof answer, "%s", topic);
        break;
    }
    if (!does_fit(n, why))
        return 0;
    struct cloud_call *call = new_call(c, device, answer, now_ms);
    if (service != NULL)
        snprintf(call->service, sizeof call->service, "%s", service);
    snprintf(method, sizeof method, "%s", path);
    for (char *p = method; *p != 0; p++)
        if (*p == '/')
            *p = '.';
    snprintf(id, sizeof id, "%u", (unsigned)call->id);
    json_t *message = json_pack("{s:s, s:s, s:O, s:s}", "id", id, "version", "1.0", "params",
                                params, "method", method);
    char *text = cloud_json_text(message);
    cloud_tell(c, device, topic, text, strlen(text), CLOUD_TOPIC_SYSTEM);
    cloud_say(c, "call %s %s %s id '%s'", key, name, topic, id);
    free(text);
    json_decref(message);
    return call->id;
}

uint32_t cloud_call_bytes(struct cloud *c, int device, const char *topic, const void *payload,
                          size_t len, uint64_t now_ms, const char **why)
{
    char full[2 * CLOUD_TOPIC_MAX + 32];
    int n = snprintf(full, sizeof full, "/ext/rrpc/%llu/%s",
                     (unsigned long long)(RRPC_BASE + c->next_id), topic);

    if (!can_call(c, device, true, why) || !does_fit(n, why))
        return 0;
    if (len > CLOUD_SENT_MAX) {
        *why = "the payload is too long";
        return 0;
    }
    struct cloud_call *call = new_call(c, device, full, now_ms);
    call->plain = true;
    cloud_tell(c, device, full, payload, len, CLOUD_TOPIC_SYSTEM);
    cloud_say(c, "call %s %s %s: %zu bytes", cloud_key_of(c, device), cloud_name_of(c, device),
              full, len);
    return call->id;
}

/* ---- Answers --------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool wrong(struct cloud_call *call, const char *format,
                                                        ...)
{
    va_list args;

    call->state = CLOUD_CALL_WRONG;
    va_start(args, format);
    vsnprintf(call->wrong, sizeof call->wrong, format, args);
    va_end(args);
    return false;
}

/* The code is in *code, if there is one. */
static bool check_answer(const struct cloud *c, struct cloud_call *call, json_t *message,
                         int64_t *code)
{
    json_t *data = json_object_get(message, "data");
    struct cloud_fault f;

    if (!cloud_json_integer(json_object_get(message, "code"), 0, INT32_MAX, code))
        return wrong(call, "its code is no number");
    if (*code != CLOUD_OK && data == NULL)
        return true;
    if (!json_is_object(data))
        return wrong(call, "its data is no object");
    if (*code != CLOUD_OK || call->service[0] == 0)
        return true;
    json_t *service = cloud_model_service(cloud_model_of(c, call->device), call->service);
    return cloud_model_check_fields(json_object_get(service, "outputData"), data, true, &f) ||
           wrong(call, "data: %d %s", f.code, f.text);
}

/* With _reply behind it or without: builds differ in that for /ext/rrpc. */
static bool is_topic_of(const struct cloud_call *call, const char *topic)
{
    const char *rest = cloud_text_after(topic, call->topic);

    return rest != NULL && (*rest == 0 || (strcmp(rest, "_reply") == 0 &&
                                           cloud_text_after(topic, "/ext/rrpc/") != NULL));
}

/* id NULL: it has none; then the request must be one that waits. */
static struct cloud_call *find_call(struct cloud *c, int device, const char *topic, const char *id)
{
    char text[11];

    for (int i = 0; i < CLOUD_CALLS_MAX; i++) {
        struct cloud_call *call = &c->calls[i];
        snprintf(text, sizeof text, "%u", (unsigned)call->id);
        if (call->id != 0 && call->device == device && is_topic_of(call, topic) &&
            (call->plain || (id != NULL ? strcmp(id, text) == 0 : call->state == CLOUD_CALL_WAITS)))
            return call;
    }
    return NULL;
}

/* Topics that can only hold an answer. */
static bool is_answer(const struct cloud *c, int device, const char *topic)
{
    const char *path = cloud_own_path(c, device, topic, "/sys/");
    size_t n = strlen(topic);

    if (cloud_text_after(topic, "/ext/rrpc/") != NULL)
        return true;
    return path != NULL && (cloud_text_after(path, "rrpc/response/") != NULL ||
                            (n > 6 && strcmp(topic + n - 6, "_reply") == 0));
}

/* Of bytes that were sent down. It has no id: it answers what came last, as far as the platform's script knows. */
static bool take_raw(struct cloud *c, int device, const char *topic, size_t len, uint64_t now_ms)
{
    const char *path = cloud_own_path(c, device, topic, "/sys/");

    if (path == NULL || strcmp(path, "thing/model/down_raw_reply") != 0)
        return false;
    cloud_say(c, "raw answer of %s %s: %zu bytes", cloud_key_of(c, device),
              cloud_name_of(c, device), len);
    cloud_thing_exchange(c, device, topic, "", CLOUD_OK, now_ms);
    return true;
}

static void keep(struct cloud_call *call, const void *payload, size_t len, uint64_t now_ms)
{
    size_t n = len < CLOUD_ANSWER_MAX ? len : CLOUD_ANSWER_MAX;

    call->state = CLOUD_CALL_ANSWERED;
    call->answered_ms = now_ms;
    free(call->answer);
    call->answer = malloc(2 * n + 1);
    if (call->answer == NULL)
        abort();
    if (call->plain) {
        cloud_text_hex(payload, n, false, call->answer);
    } else {
        memcpy(call->answer, payload, n);
        call->answer[n] = 0;
    }
}

bool cloud_call_take(struct cloud *c, int device, const char *topic, const void *payload,
                     size_t len, uint64_t now_ms)
{
    char why[200] = "", id[11] = "";
    int64_t code = 0;

    if (!is_answer(c, device, topic))
        return false;
    if (take_raw(c, device, topic, len, now_ms))
        return true;
    struct cloud_call *call = find_call(c, device, topic, NULL);
    json_t *message =
        call != NULL && call->plain ? NULL : cloud_json_read(payload, len, why, sizeof why);
    bool has_id = cloud_alink_id(message, id);
    if (call == NULL || !call->plain)
        call = find_call(c, device, topic, has_id ? id : NULL);
    const char *key = cloud_key_of(c, device), *name = cloud_name_of(c, device);
    if (call == NULL) {
        cloud_say(c, "answer of %s %s %s id '%s': nobody waits for it", key, name, topic, id);
    } else if (call->state == CLOUD_CALL_LATE) {
        cloud_say(c, "answer of %s %s %s id '%s': too late", key, name, topic, id);
    } else if (call->state != CLOUD_CALL_WAITS) {
        cloud_say(c, "answer of %s %s %s id '%s': a second one", key, name, topic, id);
    } else {
        keep(call, payload, len, now_ms);
        if (call->plain)
            cloud_say(c, "answer of %s %s %s: %zu bytes", key, name, topic, len);
        else if (message == NULL)
            wrong(call, "%s", why);
        else if (!has_id)
            wrong(call, "it has no id");
        else
            check_answer(c, call, message, &code);
        if (call->state == CLOUD_CALL_WRONG)
            cloud_say(c, "answer of %s %s %s id '%s' is wrong: %s", key, name, topic, id,
                      call->wrong);
        else if (!call->plain)
            cloud_say(c, "answer of %s %s %s id '%s': code %d", key, name, topic, id, (int)code);
        cloud_thing_exchange(c, device, topic, id, (int)code, now_ms);
    }
    json_decref(message);
    return true;
}

/* ---- Afterwards ------------------------------------------------------------------------------ */

const struct cloud_call *cloud_call_find(const struct cloud *c, uint32_t id)
{
    for (int i = 0; i < CLOUD_CALLS_MAX; i++)
        if (id != 0 && c->calls[i].id == id)
            return &c->calls[i];
    return NULL;
}

json_t *cloud_call_show(const struct cloud_call *call)
{
    static const char *const states[] = {"waits", "answered", "wrong", "late"};
    char id[11], why[160];
    json_t *shown, *answer = NULL;

    snprintf(id, sizeof id, "%u", (unsigned)call->id);
    shown = json_pack("{s:s, s:s}", "id", id, "state", states[call->state]);
    if (call->answer != NULL && !call->plain)
        answer = cloud_json_read(call->answer, strlen(call->answer), why, sizeof why);
    if (call->answer != NULL && answer == NULL)
        answer = json_string(call->answer);
    if (call->answer != NULL) {
        json_object_set_new(shown, "ms",
                            json_integer((json_int_t)(call->answered_ms - call->sent_ms)));
        json_object_set_new(shown, call->plain ? "hex" : "answer",
                            answer != NULL ? answer : json_null());
    }
    if (call->wrong[0] != 0) {
        json_t *words = json_string(call->wrong);
        json_object_set_new(shown, "wrong", words != NULL ? words : json_string("?"));
    }
    return shown;
}

void cloud_call_tick(struct cloud *c, uint64_t now_ms)
{
    for (int i = 0; i < CLOUD_CALLS_MAX; i++) {
        struct cloud_call *call = &c->calls[i];
        if (call->id == 0 || call->state != CLOUD_CALL_WAITS || now_ms < call->due_ms)
            continue;
        call->state = CLOUD_CALL_LATE;
        cloud_say(c, "no answer of %s %s to id '%u' within %u ms", cloud_key_of(c, call->device),
                  cloud_name_of(c, call->device), (unsigned)call->id,
                  (unsigned)(call->due_ms - call->sent_ms));
    }
}

void cloud_call_end(struct cloud *c)
{
    for (int i = 0; i < CLOUD_CALLS_MAX; i++) {
        free(c->calls[i].answer);
        memset(&c->calls[i], 0, sizeof c->calls[i]);
    }
}
