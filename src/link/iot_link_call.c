/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_call.h"

#include "link/iot_link_field.h"
#include "link/iot_link_route.h"
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

/* What an answer needs that is not in its slot, as it is given at once. Nothing: the output of the service, if any. */
struct load {
    const struct iot_properties *which; /* properties, or */
    struct iot_bytes json;              /* this */
    struct iot_bytes name;  /* of a service that is not in the model; else its slot has it */
    struct iot_bytes token; /* that its slot has no room for */
};

static void put_name(const struct iot_thing *t, const struct iot_call_slot *s,
                     const struct load *load, uint32_t skip, struct iot_writer *w)
{
    if (load->name.len != 0)
        iot_writer_put(w, load->name.ptr, load->name.len);
    else if (s->service == CALL_OTHER)
        iot_writer_put(w, s->token + skip, s->token_len - skip);
    else if (s->service > CALL_OTHER)
        iot_writer_text(w, s->service == CALL_SET ? "property/set" : "property/get");
    else
        iot_writer_text(w, t->opt->model->services[s->service].id);
}

/* False: longer than a topic may be. */
static bool answer_topic(const struct iot_thing *t, const struct iot_call_slot *s,
                         const struct load *load, char text[IOT_LINK_TOPIC_MAX],
                         struct iot_topic *topic)
{
    struct iot_writer w = {.ptr = (uint8_t *)text, .cap = IOT_LINK_TOPIC_MAX};
    struct iot_bytes token = {(const uint8_t *)s->token, s->token_len};
    uint32_t n = 0;

    if (load->token.len != 0)
        token = load->token;
    if (s->form == IOT_CALL_EXT) {
        while (n < token.len && token.ptr[n] != '/')
            n++;
        iot_writer_text(&w, "/ext/rrpc/");
        iot_writer_put(&w, token.ptr, n);
        n += n < token.len;
    }
    iot_writer_text(&w, "/sys/");
    iot_writer_text(&w, t->alink->id->product_key);
    iot_writer_text(&w, "/");
    iot_writer_text(&w, t->alink->id->device_name);
    if (s->form == IOT_CALL_RRPC) {
        iot_writer_text(&w, "/rrpc/response/");
        iot_writer_put(&w, token.ptr, token.len);
    } else {
        iot_writer_text(&w, "/thing/service/");
        put_name(t, s, load, n, &w);
    }
    if (s->form == IOT_CALL_PLAIN)
        iot_writer_text(&w, "_reply");
    *topic = (struct iot_topic){text, (uint16_t)w.len, 0};
    return !w.overflow;
}

static void put_data(struct iot_thing *t, const struct iot_call_slot *s, const struct load *load,
                     struct iot_writer *w)
{
    const struct iot_service_spec *spec;

    if (load->json.len != 0) {
        iot_writer_put(w, load->json.ptr, load->json.len);
    } else if (load->which != NULL) {
        iot_thing_put_properties(t, load->which, 0, w);
    } else if (s->service < CALL_OTHER && s->code == IOT_CODE_OK) {
        spec = &t->opt->model->services[s->service];
        iot_field_put_all(t->opt->ctx, spec->out, spec->out_count, NULL, t->opt->values, 0, w);
    } else {
        iot_json_put(w, "{}");
    }
}

/* Errors as iot_mqtt_begin. IOT_OK: it has left and the slot is free. */
static iot_err send(struct iot_thing *t, struct iot_call_slot *s, const struct load *load)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_writer count = iot_field_counter(), w;
    struct iot_topic topic;

    if (s->form == IOT_CALL_SILENT || !answer_topic(t, s, load, text, &topic)) {
        release(s); /* nobody asked */
        return IOT_OK;
    }
    put_data(t, s, load, &count);
    iot_err err = iot_alink_answer_begin(t->alink, &topic, s->id, s->code, count.len, &w);
    if (err != IOT_OK)
        return err;
    put_data(t, s, load, &w);
    err = iot_alink_answer_commit(t->alink, &w);
    if (err == IOT_OK)
        release(s);
    return err;
}

static const struct load no_load = {NULL, {NULL, 0}, {NULL, 0}, {NULL, 0}};

/* The answer is owed from now on; what can never fit is answered without its data. */
static void answer(struct iot_thing *t, struct iot_call_slot *s, int32_t code)
{
    s->code = code;
    if (send(t, s, &no_load) != IOT_ERR_SIZE)
        return;
    s->code = IOT_CODE_CALL;
    if (send(t, s, &no_load) == IOT_ERR_SIZE)
        release(s);
}

/* The application has been asked, and said `code`. Its slot may have become another's meanwhile, or nobody's. */
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

/* Nothing was done for this answer: without room for it the request comes again. */
static iot_err answer_now(struct iot_thing *t, struct iot_call_slot *s, const struct load *load)
{
    iot_err err = send(t, s, load);

    if (err == IOT_ERR_SIZE)
        answer(t, s, IOT_CODE_CALL);
    else if (err != IOT_OK)
        release(s);
    return err == IOT_OK || err == IOT_ERR_SIZE ? IOT_OK : IOT_ERR_FULL;
}

static iot_err serve_get(struct iot_thing *t, struct iot_call_slot *s, struct iot_json params)
{
    struct iot_properties which;
    struct load load = {.which = &which};

    s->code = choose(t, params, &which);
    return answer_now(t, s, s->code == IOT_CODE_OK ? &load : &no_load);
}

static iot_err serve_service(struct iot_thing *t, struct iot_call_slot *s, struct iot_json params)
{
    const struct iot_service_spec *spec = &t->opt->model->services[s->service];
    struct iot_field_taking k = {.ctx = t->opt->ctx, .base = t->opt->values};
    struct iot_properties seen;
    iot_call call = s->call;
    int32_t code = object_code(params);

    if (code == IOT_CODE_EMPTY && spec->in_count == 0)
        code = IOT_CODE_OK;
    if (code == IOT_CODE_OK)
        code = iot_field_store(&k, spec->in, spec->in_count, IOT_FIELD_WHOLE, params, &seen);
    if (code == IOT_CODE_OK)
        return asked(t, call, spec->on_call(t->opt->ctx, t, call));
    answer(t, s, code);
    return IOT_OK;
}

/* What both topics (property/set) and methods (property.set) call so; CALL_OTHER: something else. */
static uint8_t property_service(struct iot_bytes name)
{
    if (!iot_link_skip(&name, "property") ||
        !(iot_link_skip(&name, "/") || iot_link_skip(&name, ".")))
        return CALL_OTHER;
    if (iot_link_is(name, "set"))
        return CALL_SET;
    return iot_link_is(name, "get") ? CALL_GET : CALL_OTHER;
}

static iot_err serve_other(struct iot_thing *t, struct iot_call_slot *s, struct iot_bytes name,
                           struct iot_json params)
{
    struct iot_request request = {name, params, s->call};
    struct load load = {.name = name};
    uint8_t which = property_service(name);

    if (t->opt->on_request == NULL) {
        s->code = IOT_CODE_SERVICE;
        return answer_now(t, s, &load);
    }
    if (which != CALL_OTHER)
        request.name.ptr = (const uint8_t *)(which == CALL_SET ? "property/set" : "property/get");
    return asked(t, request.call, t->opt->on_request(t->opt->ctx, t, &request));
}

/* Number of what is called `name`; CALL_OTHER: it is not in the model. */
static uint8_t service_of(const struct iot_thing *t, struct iot_bytes name)
{
    const struct iot_model *m = t->opt->model;
    uint32_t count = m == NULL ? 0 : m->service_count;

    if (property_service(name) != CALL_OTHER)
        return property_service(name);
    for (uint32_t i = 0; i < count; i++)
        if (iot_link_is(name, m->services[i].id))
            return (uint8_t)i;
    return CALL_OTHER;
}

/* What the topic of a later answer needs, and is not in the model. */
static bool put_token(const struct iot_thing *t, struct iot_call_slot *s, struct iot_bytes token,
                      struct iot_bytes name)
{
    struct iot_writer w = {.ptr = (uint8_t *)s->token, .cap = sizeof s->token};
    bool named = s->service == CALL_OTHER && t->opt->on_request != NULL &&
                 (s->form == IOT_CALL_PLAIN || s->form == IOT_CALL_EXT);

    iot_writer_put(&w, token.ptr, token.len);
    if (named && s->form == IOT_CALL_EXT)
        iot_writer_text(&w, "/");
    if (named)
        iot_writer_put(&w, name.ptr, name.len);
    s->token_len = (uint8_t)w.len;
    return !w.overflow;
}

static bool has_properties(const struct iot_thing *t)
{
    return t->opt->on_request == NULL ||
           (t->opt->model != NULL && t->opt->model->property_count != 0);
}

static iot_err serve(struct iot_thing *t, struct iot_call_slot *s, struct iot_bytes name,
                     struct iot_json params)
{
    bool own = has_properties(t);

    switch (s->service) {
    case CALL_SET:
        return own ? serve_set(t, s, params) : serve_other(t, s, name, params);
    case CALL_GET:
        return own ? serve_get(t, s, params) : serve_other(t, s, name, params);
    case CALL_OTHER:
        return serve_other(t, s, name, params);
    default:
        return serve_service(t, s, params);
    }
}

/* ---- Where it came from ---------------------------------------------------------------------- */

/* Its slot has no room for what a later answer needs: it is answered now, and not served. */
static iot_err refuse(struct iot_thing *t, struct iot_call_slot *s, const struct iot_msg *msg,
                      const struct load *load)
{
    s->code = IOT_CODE_CALL;
    iot_err err = send(t, s, load);
    release(s);
    return err == IOT_OK || err == IOT_ERR_SIZE ? iot_alink_drop(t->alink, msg, IOT_ERR_SIZE)
                                                : IOT_ERR_FULL;
}

static iot_err begin(struct iot_thing *t, const struct iot_alink_call *call,
                     enum iot_call_form form, struct iot_bytes token, struct iot_bytes name)
{
    struct iot_call_slot *s = find(t, 0);
    struct load load = {.name = name, .token = token};

    if (s == NULL)
        return IOT_ERR_FULL;
    *s = (struct iot_call_slot){.call = number(t, s),
                                .id = call->id,
                                .deadline = (uint32_t)t->alink->now + IOT_CALL_MS,
                                .service = service_of(t, name),
                                .form = (uint8_t)form};
    if (form == IOT_CALL_PLAIN && !call->has_id)
        s->form = IOT_CALL_SILENT;
    if (!put_token(t, s, token, name))
        return refuse(t, s, call->msg, &load);
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
    return name.len != 0 && (!deep || property_service(name) != CALL_OTHER);
}

iot_err iot_call_take(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    return iot_call_take_sync(a, msg, IOT_CALL_PLAIN, (struct iot_bytes){NULL, 0}, rest);
}

/* Behind "thing.service."; len 0: none of ours. */
static struct iot_bytes name_of_method(struct iot_json method)
{
    struct iot_bytes text;

    if (iot_json_raw_text(method, &text) == IOT_OK && iot_link_skip(&text, "thing.service."))
        return text;
    return (struct iot_bytes){NULL, 0};
}

iot_err iot_call_take_sync(struct iot_alink *a, const struct iot_msg *msg, enum iot_call_form form,
                           struct iot_bytes token, struct iot_bytes name)
{
    struct iot_alink_call call;

    if (a->thing == NULL || (form != IOT_CALL_RRPC && !is_name(name)))
        return IOT_ERR_STATE;
    if (msg->topic.len > IOT_LINK_TOPIC_MAX - (form == IOT_CALL_PLAIN ? strlen("_reply") : 1))
        return iot_alink_drop(a, msg, IOT_ERR_SIZE); /* there is no topic for its answer */
    iot_err err = iot_alink_read(msg, &call);
    if (form == IOT_CALL_RRPC)
        name = name_of_method(call.method);
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
    struct iot_call_slot *s = call == 0 ? NULL : find(thing, call);
    struct load load = {.json = data};

    if (s == NULL || is_owed(s) || code == IOT_CALL_LATER)
        return IOT_ERR_STATE;
    s->code = code;
    iot_err err = send(thing, s, &load);
    if (err != IOT_OK)
        s->code = IOT_CALL_LATER;
    return err;
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* ms until the application's time is up, or 0. INT32_MAX: it has no call to answer. */
static int32_t left_of(const struct iot_call_slot *s, iot_time now)
{
    int32_t left = (int32_t)(s->deadline - (uint32_t)now);

    if (s->call == 0 || s->code != IOT_CALL_LATER)
        return INT32_MAX;
    return left > 0 ? left : 0;
}

void iot_call_tick(struct iot_alink *a)
{
    for (uint32_t i = 0; a->thing != NULL && i < IOT_CALLS_MAX; i++) {
        struct iot_call_slot *s = &a->thing->slots[i];
        if (is_owed(s) || left_of(s, a->now) == 0)
            answer(a->thing, s, is_owed(s) ? s->code : IOT_CODE_CALL);
    }
}

iot_time iot_call_deadline(const struct iot_alink *a)
{
    int32_t first = INT32_MAX;

    for (uint32_t i = 0; a->thing != NULL && i < IOT_CALLS_MAX; i++) {
        int32_t left = left_of(&a->thing->slots[i], a->now);
        if (left < first)
            first = left;
    }
    return first == INT32_MAX ? IOT_TIME_NEVER : a->now + (uint32_t)first;
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
