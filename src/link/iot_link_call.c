/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_call.h"

#include "link/iot_link_field.h"
#include "link/iot_link_thing.h"

#include <string.h>

#if IOT_FEATURE_THING

/* Beside the services of the model, whose number is their index: */
enum call_service { CALL_OTHER = 253, CALL_GET = 254, CALL_SET = 255 };

#define SLOT_BITS 8 /* of a call's number: which slot; the others count */

/* ---- Slots ----------------------------------------------------------------------------------- */

static struct iot_call_slot *find(struct iot_thing *t, iot_call call)
{
    for (uint32_t i = 0; i < IOT_CALLS_MAX; i++)
        if (t->slots[i].call == call)
            return &t->slots[i];
    return NULL;
}

static void release(struct iot_call_slot *s)
{
    memset(s, 0, sizeof *s);
}

static bool is_owed(const struct iot_call_slot *s)
{
    return s->call != 0 && s->code != IOT_CALL_LATER;
}

/* Its output is in the values until its answer has left. */
static bool is_service_owed(const struct iot_thing *t, const struct iot_call_slot *except,
                            uint8_t service)
{
    for (uint32_t i = 0; i < IOT_CALLS_MAX; i++) {
        const struct iot_call_slot *s = &t->slots[i];
        if (s != except && is_owed(s) && s->service == service && service < CALL_OTHER)
            return true;
    }
    return false;
}

/* A number that no living call has, and that is not 0. */
static iot_call number(struct iot_thing *t, const struct iot_call_slot *s)
{
    if ((++t->calls & UINT32_MAX >> SLOT_BITS) == 0)
        t->calls = 1;
    return t->calls << SLOT_BITS | (uint32_t)(s - t->slots);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Text, as it has to be behind the NUL of a '+'. */
struct part {
    char text[IOT_CALL_TOKEN_BYTES + 1];
};

static const char *name_of(const struct iot_thing *t, const struct iot_call_slot *s,
                           struct part *other)
{
    if (s->service == CALL_SET)
        return "property/set";
    if (s->service == CALL_GET)
        return "property/get";
    if (s->service != CALL_OTHER)
        return t->opt->model->services[s->service].id;
    uint32_t from = 0; /* "token/name", or "name" */
    for (uint32_t i = 0; s->form == IOT_CALL_EXT && i < s->token_len && from == 0; i++)
        if (s->token[i] == '/')
            from = i + 1;
    memcpy(other->text, s->token + from, s->token_len - from);
    other->text[s->token_len - from] = 0;
    return other->text;
}

/* "/sys/" or "/ext/rrpc/TOKEN/sys/" */
#define BEFORE_BYTES (sizeof "/ext/rrpc//sys/" + IOT_CALL_TOKEN_BYTES)

static void put_before(const struct iot_call_slot *s, char before[BEFORE_BYTES])
{
    struct iot_writer w = {.ptr = (uint8_t *)before, .cap = BEFORE_BYTES};
    uint32_t n = 0;

    if (s->form == IOT_CALL_EXT) {
        while (n < s->token_len && s->token[n] != '/')
            n++;
        iot_writer_text(&w, "/ext/rrpc/");
        iot_writer_put(&w, s->token, n);
    }
    iot_writer_put(&w, "/sys/", sizeof "/sys/"); /* with its NUL */
}

static iot_err answer_topic(const struct iot_thing *t, const struct iot_call_slot *s,
                            char text[IOT_LINK_TOPIC_MAX], struct iot_topic *topic)
{
    char before[BEFORE_BYTES];
    struct part part = {{0}};
    const char *name = part.text;

    put_before(s, before);
    if (s->form == IOT_CALL_RRPC)
        memcpy(part.text, s->token, s->token_len);
    else
        name = name_of(t, s, &part);
    return iot_alink_topic(t->alink, before,
                           s->form == IOT_CALL_RRPC  ? "rrpc/response/+"
                           : s->form == IOT_CALL_EXT ? "thing/service/+"
                                                     : "thing/service/+_reply",
                           name, text, IOT_LINK_TOPIC_MAX, topic);
}

/* The output of a service, or `which` properties; else nothing. */
static void put_data(struct iot_thing *t, const struct iot_call_slot *s,
                     const struct iot_properties *which, struct iot_writer *w)
{
    const struct iot_service_spec *spec;

    if (which != NULL) {
        iot_thing_put_properties(t, which, 0, w);
    } else if (s->service < CALL_OTHER && s->code == IOT_CODE_OK) {
        spec = &t->opt->model->services[s->service];
        iot_field_put_all(t->opt->ctx, spec->out, spec->out_count, NULL, t->opt->values, 0, w);
    } else {
        iot_json_put(w, "{}");
    }
}

/* Errors as iot_mqtt_begin. IOT_OK: it has left and the slot is free. */
static iot_err send(struct iot_thing *t, struct iot_call_slot *s,
                    const struct iot_properties *which)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_writer count = iot_field_counter(), w;
    struct iot_topic topic;

    iot_err err = s->form == IOT_CALL_SILENT ? IOT_OK : answer_topic(t, s, text, &topic);
    if (err != IOT_OK || s->form == IOT_CALL_SILENT) {
        release(s); /* nobody asked, or nobody could: such a topic does not come */
        return IOT_OK;
    }
    put_data(t, s, which, &count);
    err = iot_alink_answer_begin(t->alink, &topic, s->id, s->code, count.len, &w);
    if (err != IOT_OK)
        return err;
    put_data(t, s, which, &w);
    err = iot_alink_answer_commit(t->alink, &w);
    if (err == IOT_OK)
        release(s);
    return err;
}

/* The answer is owed from now on; what can never fit is answered without its data. */
static void answer(struct iot_thing *t, struct iot_call_slot *s, int32_t code)
{
    s->code = code;
    if (send(t, s, NULL) != IOT_ERR_SIZE)
        return;
    s->code = IOT_CODE_CALL;
    if (send(t, s, NULL) == IOT_ERR_SIZE)
        release(s);
}

/* The application has been asked. */
static iot_err asked(struct iot_thing *t, iot_call call, int32_t code)
{
    struct iot_call_slot *s = find(t, call);

    if (s == NULL || is_owed(s)) /* answered in there, or closed */
        return IOT_OK;
    if (code == IOT_ERR_AGAIN || code == IOT_ERR_FULL) {
        release(s);
        return code;
    }
    if (code != IOT_CALL_LATER)
        answer(t, s, code < 0 ? IOT_CODE_CALL : code);
    return IOT_OK;
}

/* ---- Who serves it --------------------------------------------------------------------------- */

static int32_t object_code(struct iot_json params)
{
    enum iot_json_kind kind = iot_json_kind(params);

    return kind == IOT_JSON_OBJECT ? IOT_CODE_OK
           : kind == IOT_JSON_NONE ? IOT_CODE_EMPTY
                                   : IOT_CODE_FORMAT;
}

static iot_err serve_set(struct iot_thing *t, struct iot_call_slot *s, struct iot_json params)
{
    const struct iot_field *failed = NULL;
    struct iot_properties changed;
    bool any = false;

    int32_t code = object_code(params);
    if (code == IOT_CODE_OK && iot_json_count(params) == 0)
        code = IOT_CODE_EMPTY;
    if (code == IOT_CODE_OK) {
        code = iot_thing_store(t, params, 0, &changed, &failed);
        any = code == IOT_CODE_OK || failed != NULL;
    }
    answer(t, s, code);
    if (any && t->opt->on_set != NULL)
        t->opt->on_set(t->opt->ctx, t, &changed, failed);
    return IOT_OK;
}

static int32_t choose(const struct iot_thing *t, struct iot_json names, struct iot_properties *set)
{
    struct iot_json_walk w = iot_json_walk(names);
    struct iot_json name;
    uint32_t count;
    const struct iot_field *fields = iot_thing_properties(t, &count);

    memset(set, 0, sizeof *set);
    if (iot_json_kind(names) != IOT_JSON_ARRAY)
        return IOT_CODE_FORMAT;
    for (uint32_t i = 0; iot_json_next(&w, NULL, &name); i++) {
        i = iot_field_find(fields, count, i, name);
        if (i == count)
            return IOT_CODE_UNKNOWN;
        if ((fields[i].access & IOT_ACCESS_READ) == 0)
            return IOT_CODE_ACCESS;
        iot_properties_add(set, i);
    }
    return IOT_CODE_OK;
}

static iot_err serve_get(struct iot_thing *t, struct iot_call_slot *s, struct iot_json params)
{
    struct iot_properties which;

    s->code = choose(t, params, &which);
    iot_err err = send(t, s, s->code == IOT_CODE_OK ? &which : NULL);
    if (err == IOT_OK)
        return IOT_OK;
    if (err == IOT_ERR_SIZE)
        answer(t, s, IOT_CODE_CALL);
    else
        release(s);
    return err == IOT_ERR_SIZE ? IOT_OK : IOT_ERR_FULL; /* nothing was done: it comes again */
}

static iot_err serve_service(struct iot_thing *t, struct iot_call_slot *s, struct iot_json params)
{
    const struct iot_service_spec *spec = &t->opt->model->services[s->service];
    struct iot_field_taking k = {.ctx = t->opt->ctx, .base = t->opt->values};
    struct iot_properties seen;
    int32_t code = object_code(params);

    if (code == IOT_CODE_EMPTY && spec->in_count == 0)
        code = IOT_CODE_OK;
    if (code == IOT_CODE_OK)
        code = iot_field_store(&k, spec->in, spec->in_count, IOT_FIELD_WHOLE, params, &seen);
    if (code == IOT_CODE_OK)
        return asked(t, s->call, spec->on_call(t->opt->ctx, t, s->call));
    answer(t, s, code);
    return IOT_OK;
}

static iot_err serve_other(struct iot_thing *t, struct iot_call_slot *s, struct iot_bytes name,
                           struct iot_json params)
{
    struct iot_request request = {name, params, s->call};

    return asked(t, s->call, t->opt->on_request(t->opt->ctx, t, &request));
}

static bool is(struct iot_bytes text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

/* Number of what is called `name`; CALL_OTHER: it is not in the model. */
static uint8_t service_of(const struct iot_thing *t, struct iot_bytes name)
{
    const struct iot_model *m = t->opt->model;
    bool own = t->opt->on_request == NULL || (m != NULL && m->property_count != 0);

    if (own && is(name, "property/set"))
        return CALL_SET;
    if (own && is(name, "property/get"))
        return CALL_GET;
    for (uint32_t i = 0; m != NULL && i < m->service_count; i++)
        if (is(name, m->services[i].id))
            return (uint8_t)i;
    return CALL_OTHER;
}

/* What the answer's topic needs, and is not in the model. */
static bool put_token(struct iot_call_slot *s, struct iot_bytes token, struct iot_bytes name)
{
    struct iot_writer w = {.ptr = (uint8_t *)s->token, .cap = sizeof s->token};
    bool named = s->service == CALL_OTHER && s->form != IOT_CALL_RRPC;

    iot_writer_put(&w, token.ptr, token.len);
    if (named && s->form == IOT_CALL_EXT)
        iot_writer_text(&w, "/");
    if (named)
        iot_writer_put(&w, name.ptr, name.len);
    s->token_len = (uint8_t)w.len;
    return !w.overflow;
}

static iot_err serve(struct iot_thing *t, struct iot_call_slot *s, struct iot_bytes name,
                     struct iot_json params)
{
    switch (s->service) {
    case CALL_SET:
        return serve_set(t, s, params);
    case CALL_GET:
        return serve_get(t, s, params);
    case CALL_OTHER:
        if (t->opt->on_request != NULL)
            return serve_other(t, s, name, params);
        answer(t, s, IOT_CODE_SERVICE);
        return IOT_OK;
    default:
        return serve_service(t, s, params);
    }
}

/* ---- Where it came from ---------------------------------------------------------------------- */

static iot_err begin(struct iot_thing *t, const struct iot_alink_call *call,
                     enum iot_call_form form, struct iot_bytes token, struct iot_bytes name)
{
    struct iot_call_slot *s = find(t, 0);
    struct iot_alink *a = t->alink;

    if (s == NULL)
        return IOT_ERR_FULL;
    *s = (struct iot_call_slot){.call = number(t, s),
                                .id = call->id,
                                .deadline = (uint32_t)a->now + IOT_CALL_MS,
                                .service = service_of(t, name),
                                .form = (uint8_t)form};
    if (form == IOT_CALL_PLAIN && !call->has_id)
        s->form = IOT_CALL_SILENT;
    if (!put_token(s, token, name)) {
        release(s);
        return iot_alink_drop(a, call->msg, IOT_ERR_SIZE);
    }
    if (is_service_owed(t, s, s->service)) {
        release(s);
        return IOT_ERR_FULL;
    }
    t->again = (call->msg->flags & IOT_MSG_DUP) != 0;
    return serve(t, s, name, call->params);
}

/* Of thing/service/: property/set, property/get, or one level, the service's. */
static bool is_name(struct iot_bytes name)
{
    bool deep = false;

    for (uint32_t i = 0; i < name.len; i++)
        deep |= name.ptr[i] == '/';
    return name.len != 0 && (!deep || is(name, "property/set") || is(name, "property/get"));
}

iot_err iot_call_take(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    return iot_call_take_sync(a, msg, IOT_CALL_PLAIN, (struct iot_bytes){NULL, 0}, rest);
}

/* A method is a topic with dots. Copied, as it is compared with topics. */
static struct iot_bytes name_of_method(struct iot_json method, char name[IOT_LINK_TOPIC_MAX])
{
    static const char before[] = "thing.service.";
    struct iot_bytes text;
    uint32_t skip = sizeof before - 1, n = 0;

    if (iot_json_raw_text(method, &text) == IOT_OK && text.len > skip &&
        text.len - skip < IOT_LINK_TOPIC_MAX && memcmp(text.ptr, before, skip) == 0)
        n = text.len - skip;
    for (uint32_t i = 0; i < n; i++)
        name[i] = text.ptr[skip + i] == '.' ? '/' : (char)text.ptr[skip + i];
    return (struct iot_bytes){(const uint8_t *)name, n};
}

iot_err iot_call_take_sync(struct iot_alink *a, const struct iot_msg *msg, enum iot_call_form form,
                           struct iot_bytes token, struct iot_bytes name)
{
    char method[IOT_LINK_TOPIC_MAX];
    struct iot_alink_call call;
    iot_err err = IOT_ERR_STATE;

    if (a->thing == NULL || (form != IOT_CALL_RRPC && !is_name(name)))
        return IOT_ERR_STATE;
    err = iot_alink_read(msg, &call);
    if (form == IOT_CALL_RRPC)
        name = err != IOT_OK ? token : name_of_method(call.method, method);
    if (form == IOT_CALL_RRPC && (err != IOT_OK || !is_name(name)))
        return IOT_ERR_STATE; /* any bytes may come there */
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    return begin(a->thing, &call, form, token, name);
}

/* ---- The application ------------------------------------------------------------------------- */

bool iot_thing_can_answer(struct iot_thing *thing, iot_call call)
{
    const struct iot_call_slot *s = call == 0 ? NULL : find(thing, call);

    return s != NULL && !is_owed(s) && !is_service_owed(thing, s, s->service);
}

iot_err iot_thing_answer(struct iot_thing *thing, iot_call call, int32_t code)
{
    struct iot_call_slot *s = call == 0 ? NULL : find(thing, call);

    if (s == NULL || is_owed(s) || code == IOT_CALL_LATER)
        return IOT_ERR_STATE;
    if (is_service_owed(thing, s, s->service))
        return IOT_ERR_FULL;
    answer(thing, s, code);
    return IOT_OK;
}

iot_err iot_thing_answer_bytes(struct iot_thing *thing, iot_call call, int32_t code,
                               struct iot_bytes data)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_call_slot *s = call == 0 ? NULL : find(thing, call);
    struct iot_topic topic;
    struct iot_writer w;

    if (s == NULL || is_owed(s))
        return IOT_ERR_STATE;
    if (s->form == IOT_CALL_SILENT) {
        release(s);
        return IOT_OK;
    }
    iot_err err = answer_topic(thing, s, text, &topic);
    if (err == IOT_OK)
        err = iot_alink_answer_begin(thing->alink, &topic, s->id, code, data.len, &w);
    if (err != IOT_OK)
        return err;
    iot_writer_put(&w, data.ptr, data.len);
    err = iot_alink_answer_commit(thing->alink, &w);
    if (err == IOT_OK)
        release(s);
    return err;
}

/* ---- Time ------------------------------------------------------------------------------------ */

void iot_call_flush(struct iot_alink *a)
{
    for (uint32_t i = 0; a->thing != NULL && i < IOT_CALLS_MAX; i++)
        if (is_owed(&a->thing->slots[i]))
            answer(a->thing, &a->thing->slots[i], a->thing->slots[i].code);
}

/* The application has one to answer; ms left, not more than 0 when its time is up. */
static bool waits(const struct iot_call_slot *s, iot_time now, int32_t *left)
{
    *left = (int32_t)(s->deadline - (uint32_t)now);
    return s->call != 0 && s->code == IOT_CALL_LATER;
}

void iot_call_expire(struct iot_alink *a, iot_time now)
{
    int32_t left;

    for (uint32_t i = 0; a->thing != NULL && i < IOT_CALLS_MAX; i++)
        if (waits(&a->thing->slots[i], now, &left) && left <= 0)
            answer(a->thing, &a->thing->slots[i], IOT_CODE_CALL);
}

iot_time iot_call_deadline(const struct iot_alink *a)
{
    iot_time first = IOT_TIME_NEVER;
    int32_t left;

    for (uint32_t i = 0; a->thing != NULL && i < IOT_CALLS_MAX; i++) {
        if (!waits(&a->thing->slots[i], a->now, &left))
            continue;
        iot_time due = left <= 0 ? a->now : a->now + (uint32_t)left;
        if (due < first)
            first = due;
    }
    return first;
}

bool iot_call_idle(const struct iot_alink *a)
{
    for (uint32_t i = 0; a->thing != NULL && i < IOT_CALLS_MAX; i++)
        if (a->thing->slots[i].call != 0)
            return false;
    return true;
}

void iot_call_forget(struct iot_alink *a)
{
    if (a->thing != NULL)
        memset(a->thing->slots, 0, sizeof a->thing->slots);
}

#endif
