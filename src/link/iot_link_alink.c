/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_alink.h"

#include "core/iot_core_assert.h"
#include "link/iot_link_call.h"
#include "link/iot_link_reset.h"
#include "link/iot_link_shadow.h"

#include <string.h>

#if IOT_FEATURE_ALINK

#define CODE_OK   200
#define CODE_BAD  400
#define REPLY_LEN 6u /* of "_reply" */

/* What an envelope has beside its topic and params or data. */
#define ENVELOPE                                                                                   \
    ((uint32_t)sizeof "{\"id\":\"4294967295\",\"version\":\"1.0\",\"sys\":{\"ack\":0},"            \
                      "\"method\":\"\",\"params\":}")

/* Digest of each kind of reply; PLAIN has none. */
static const iot_alink_digest digests[IOT_ALINK_KINDS] = {
    [IOT_ALINK_PLAIN] = NULL,
#if IOT_FEATURE_CLOUD
    [IOT_ALINK_RESET] = iot_link_reset_digest,
#endif
};

void iot_alink_init(struct iot_alink *a, const struct iot_link_identity *id,
                    const struct iot_alink_line *line)
{
    memset(a, 0, sizeof *a);
    a->id = id;
    a->line = line;
    iot_link_reset_init(a);
}

/* ---- Up: topics, requests, answers ---------------------------------------------------------- */

iot_err iot_alink_topic(const struct iot_alink *a, const char *before, const char *after,
                        const char *part, char *text, uint32_t cap, struct iot_topic *topic)
{
    struct iot_writer w = {.ptr = (uint8_t *)text, .cap = cap};

    if (a->id == NULL || a->id->product_key == NULL || a->id->device_name == NULL)
        return IOT_ERR_ARG;
    iot_writer_text(&w, before);
    iot_writer_text(&w, a->id->product_key);
    iot_writer_text(&w, "/");
    iot_writer_text(&w, a->id->device_name);
    iot_writer_text(&w, *after == 0 ? "" : "/");
    while (*after != 0) {
        uint32_t n = 0;
        while (after[n] != 0 && after[n] != '+')
            n++;
        iot_writer_put(&w, after, n);
        after += n;
        if (*after == 0)
            break;
        iot_writer_text(&w, part != NULL ? part : "+");
        after++;
    }
    if (w.overflow)
        return IOT_ERR_SIZE;
    *topic = (struct iot_topic){text, (uint16_t)w.len, 0};
    return IOT_OK;
}

uint32_t iot_alink_hash(uint32_t h, const char *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)text[i]) * 16777619u;
    return h;
}

/* So that a late reply to another request, of before a reboot, is not taken for this one's. */
static uint16_t hash_topic(const char *text, uint32_t len)
{
    return (uint16_t)(iot_alink_hash(IOT_ALINK_HASH, text, len) >> 16);
}

struct iot_alink_request *iot_alink_find(struct iot_alink *a, iot_ticket ticket)
{
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++)
        if (a->requests[i].ticket == ticket)
            return &a->requests[i];
    return NULL;
}

struct iot_alink_request *iot_alink_find_kind(struct iot_alink *a, uint8_t kind)
{
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++)
        if (a->requests[i].ticket != 0 && a->requests[i].kind == kind)
            return &a->requests[i];
    return NULL;
}

/* What stands behind /sys/{pk}/{dn}/, with dots. */
static void write_method(struct iot_writer *w, const struct iot_topic *topic)
{
    uint32_t slashes = 0, from = 0;

    for (uint32_t i = 0; i < topic->len; i++) {
        if (topic->text[i] != '/')
            continue;
        if (slashes >= 4) {
            iot_writer_put(w, topic->text + from, i - from);
            iot_writer_put(w, ".", 1);
        }
        slashes++;
        from = i + 1;
    }
    iot_writer_put(w, topic->text + from, topic->len - from);
}

iot_err iot_alink_open(struct iot_alink *a, const struct iot_msg *msg, uint8_t kind, bool waits,
                       uint32_t max, struct iot_writer *w)
{
    if (waits && iot_alink_find(a, 0) == NULL)
        return IOT_ERR_FULL;
    if (max > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    iot_err err = a->line->begin(iot_alink_device(a), msg, max, w);
    if (err != IOT_OK)
        return err;
    a->open_topic = hash_topic(msg->topic.text, msg->topic.len);
    a->open_kind = kind;
    a->open_waits = waits;
    return IOT_OK;
}

iot_err iot_alink_ask(struct iot_alink *a, const char *method, const char *part, uint8_t kind,
                      uint32_t flags, uint32_t max, struct iot_writer *w)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_msg msg = {.qos = (flags & IOT_ASK_QOS_1) != 0};
    bool waits = (flags & IOT_ASK_NO_REPLY) == 0;

    iot_err err = iot_alink_topic(a, "/sys/", method, part, text, sizeof text, &msg.topic);
    if (err != IOT_OK)
        return err;
    if (max > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    err = iot_alink_open(a, &msg, kind, waits, max + ENVELOPE + msg.topic.len, w);
    if (err != IOT_OK)
        return err;
    iot_writer_text(w, "{\"id\":\"");
    iot_writer_u32(w, a->line->next_ticket(iot_alink_device(a)));
    iot_writer_text(w, "\",\"version\":\"1.0\",");
    if (!waits)
        iot_writer_text(w, "\"sys\":{\"ack\":0},");
    iot_writer_text(w, "\"method\":\"");
    write_method(w, &msg.topic);
    iot_writer_text(w, "\",\"params\":");
    return IOT_OK;
}

iot_err iot_alink_begin(struct iot_device *dev, const char *method, uint32_t flags, uint32_t max,
                        struct iot_writer *w)
{
    return iot_alink_ask(iot_alink_of(dev), method, NULL, IOT_ALINK_PLAIN, flags, max, w);
}

iot_err iot_alink_commit(struct iot_writer *w, iot_ticket *ticket)
{
    if (w->owner == NULL)
        return IOT_ERR_STATE;
    struct iot_alink *a = iot_alink_of(w->owner);
    iot_ticket named;

    iot_writer_text(w, "}");
    iot_err err = a->line->commit(w, &named);
    if (err != IOT_OK)
        return err;
    if (ticket != NULL)
        *ticket = named;
    if (!a->open_waits)
        return IOT_OK;
    struct iot_alink_request *r =
        iot_alink_find(a, 0); /* there was one, and nobody else could ask */
    IOT_ASSERT(r != NULL);
    *r = (struct iot_alink_request){
        .ticket = named, .topic = a->open_topic, .kind = a->open_kind, .fresh = true};
    a->fresh = true;
    return IOT_OK;
}

iot_err iot_alink_ask_bytes(struct iot_alink *a, const char *method, uint8_t kind, uint32_t flags,
                            struct iot_bytes params, iot_ticket *ticket)
{
    struct iot_writer w;

    iot_err err = iot_alink_ask(a, method, NULL, kind, flags, params.len, &w);
    if (err != IOT_OK)
        return err;
    iot_writer_put(&w, params.ptr, params.len);
    return iot_alink_commit(&w, ticket);
}

iot_err iot_alink_ask_words(struct iot_alink *a, const char *method, uint32_t flags,
                            iot_alink_words write, const void *what, iot_ticket *ticket)
{
    struct iot_writer w = {.cap = IOT_MQTT_TX_BYTES};

    write(&w, what);
    if (w.overflow)
        return IOT_ERR_SIZE;
    iot_err err = iot_alink_ask(a, method, NULL, IOT_ALINK_PLAIN, flags, w.len, &w);
    if (err != IOT_OK)
        return err;
    write(&w, what);
    return iot_alink_commit(&w, ticket);
}

iot_err iot_alink_request(struct iot_device *dev, const char *method, uint32_t flags,
                          struct iot_bytes params, iot_ticket *ticket)
{
    return iot_alink_ask_bytes(iot_alink_of(dev), method, IOT_ALINK_PLAIN, flags, params, ticket);
}

iot_err iot_alink_send(struct iot_alink *a, const char *before, const char *after, uint8_t qos,
                       struct iot_bytes payload, iot_ticket *ticket)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_msg msg = {.qos = qos};
    struct iot_writer w;

    iot_err err = iot_alink_topic(a, before, after, NULL, text, sizeof text, &msg.topic);
    if (err == IOT_OK)
        err = a->line->begin(iot_alink_device(a), &msg, payload.len, &w);
    if (err != IOT_OK)
        return err;
    iot_writer_put(&w, payload.ptr, payload.len);
    return a->line->commit(&w, ticket);
}

iot_err iot_alink_answer_begin(struct iot_alink *a, const struct iot_topic *topic, uint32_t id,
                               int32_t code, uint32_t max, struct iot_writer *w)
{
    struct iot_msg msg = {.topic = *topic, .flags = IOT_MSG_SILENT | IOT_MSG_REFUSE};

    if (topic->len > IOT_LINK_TOPIC_MAX || max > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    iot_err err = a->line->begin(iot_alink_device(a), &msg, max + ENVELOPE, w);
    if (err != IOT_OK)
        return err;
    iot_writer_text(w, "{\"id\":\"");
    iot_writer_u32(w, id);
    iot_writer_text(w, "\",\"code\":");
    iot_json_put_i32(w, code);
    iot_writer_text(w, ",\"data\":");
    return IOT_OK;
}

iot_err iot_alink_answer_commit(struct iot_alink *a, struct iot_writer *w)
{
    iot_writer_text(w, "}");
    return a->line->commit(w, NULL);
}

iot_err iot_alink_answer_own_begin(struct iot_alink *a, const struct iot_alink_call *call,
                                   int32_t code, uint32_t max, struct iot_writer *w)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_writer t = {.ptr = (uint8_t *)text, .cap = sizeof text};

    iot_writer_put(&t, call->msg->topic.text, call->msg->topic.len);
    iot_writer_text(&t, "_reply");
    struct iot_topic topic = {text, (uint16_t)t.len, 0};
    return t.overflow ? IOT_ERR_SIZE : iot_alink_answer_begin(a, &topic, call->id, code, max, w);
}

iot_err iot_alink_answer(struct iot_alink *a, const struct iot_alink_call *call, int32_t code)
{
    struct iot_writer w;

    if (!call->has_id)
        return IOT_OK;
    iot_err err = iot_alink_answer_own_begin(a, call, code, 2, &w);
    if (err != IOT_OK)
        return err;
    iot_writer_text(&w, "{}");
    return iot_alink_answer_commit(a, &w);
}

/* ---- Down ---------------------------------------------------------------------------------- */

iot_err iot_alink_read(const struct iot_msg *msg, struct iot_alink_call *call)
{
    struct iot_json root, id = {NULL, 0};

    memset(call, 0, sizeof *call);
    call->msg = msg;
    iot_err err = iot_json_check(msg->payload, &root, NULL);
    if (err != IOT_OK)
        return err;
    if (iot_json_kind(root) != IOT_JSON_OBJECT)
        return IOT_ERR_JSON_TYPE;
    (void)iot_json_get(root, "params", &call->params);
    (void)iot_json_get(root, "method", &call->method);
    (void)iot_json_get(root, "id", &id);
    if (id.len == 0)
        return IOT_OK;
    err = iot_json_u32_text(id, &call->id);
    call->has_id = err == IOT_OK;
    return err;
}

iot_err iot_alink_get_text(struct iot_json object, const char *name, struct iot_json *v)
{
    iot_err err = iot_json_get(object, name, v);

    if (err != IOT_OK)
        return err;
    if (iot_json_kind(*v) != IOT_JSON_STRING)
        return IOT_ERR_JSON_TYPE;
    return v->len == 2 ? IOT_ERR_JSON_RANGE : IOT_OK; /* its quotes */
}

iot_err iot_alink_drop(struct iot_alink *a, const struct iot_msg *msg, iot_err why)
{
    struct iot_event ev = {.kind = IOT_EV_SKIPPED, .err = why, .msg = msg};

    a->line->report(iot_alink_device(a), &ev);
    return IOT_OK;
}

iot_err iot_alink_answered(struct iot_alink *a, const struct iot_alink_call *call, iot_err answered,
                           iot_err err, const struct iot_notice *notice)
{
    if (answered == IOT_ERR_STATE)
        return IOT_ERR_FULL; /* a writer is open: to the router STATE would say that it is nobody's */
    if (answered != IOT_OK && answered != IOT_ERR_SIZE)
        return answered;
    if (err != IOT_OK)
        return iot_alink_drop(a, call->msg, err);
    iot_alink_notice(a, notice);
    return IOT_OK;
}

iot_err iot_alink_answer_notice(struct iot_alink *a, const struct iot_alink_call *call, iot_err err,
                                const struct iot_notice *notice)
{
    iot_err answered = iot_alink_answer(a, call, err == IOT_OK ? CODE_OK : CODE_BAD);

    return iot_alink_answered(a, call, answered, err, notice);
}

void iot_alink_notice(struct iot_alink *a, const struct iot_notice *notice)
{
    struct iot_event ev = {.kind = IOT_EV_NOTICE, .notice = notice};

    a->line->report(iot_alink_device(a), &ev);
}

/* Its message may still be on the way, after a time-out, or unacknowledged, ahead of PUBACK: a ticket has one end. */
static iot_ticket close(struct iot_alink *a, struct iot_alink_request *r)
{
    iot_ticket ticket = r->ticket;

    memset(r, 0, sizeof *r);
    a->line->hush(iot_alink_device(a), ticket);
    return ticket;
}

void iot_alink_finish(struct iot_alink *a, struct iot_alink_request *r, struct iot_event *ev)
{
    iot_alink_digest digest = digests[r->kind];

    ev->ticket = close(a, r);
    if (digest != NULL && ev->kind == IOT_EV_FAILED && digest(a, ev->err, NULL) != IOT_OK)
        return;
    a->line->report(iot_alink_device(a), ev);
}

bool iot_alink_is_reply(const struct iot_alink_request *r, const struct iot_msg *msg)
{
    return r->topic == hash_topic(msg->topic.text, msg->topic.len - REPLY_LEN);
}

iot_err iot_alink_reply(struct iot_alink *a, const struct iot_msg *msg)
{
    struct iot_json root, id, code;
    struct iot_reply reply = {{NULL, 0}, {NULL, 0}};
    struct iot_event ev = {.kind = IOT_EV_REPLY, .reply = &reply};
    uint32_t ticket;

    iot_err err = iot_json_check(msg->payload, &root, NULL);
    if (err == IOT_OK)
        err = iot_json_get(root, "id", &id);
    if (err == IOT_OK)
        err = iot_json_u32_text(id, &ticket);
    if (err == IOT_OK)
        err = iot_json_get(root, "code", &code);
    if (err == IOT_OK)
        err = iot_json_i32(code, &ev.detail);
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    struct iot_alink_request *r = ticket == 0 ? NULL : iot_alink_find(a, ticket);
    if (r == NULL || !iot_alink_is_reply(r, msg))
        return iot_alink_drop(a, msg, IOT_ERR_LINK_REPLY);
    (void)iot_json_get(root, "data", &reply.data);
    (void)iot_json_get(root, "message", &reply.message);
    ev.err = ev.detail == CODE_OK ? IOT_OK : IOT_ERR_LINK_CODE;
    if (digests[r->kind] != NULL) {
        err = digests[r->kind](a, ev.detail, &reply);
        if (err == IOT_ERR_AGAIN || err == IOT_ERR_FULL)
            return err;
    }
    ev.ticket = close(a, r);
    if (err == IOT_OK)
        a->line->report(iot_alink_device(a), &ev);
    return IOT_OK;
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* Requests are made between two ticks, when nobody knows what time it is. */
void iot_alink_tick(struct iot_alink *a, iot_time now)
{
    a->now = now;
    iot_call_tick(a);
    if (!a->fresh)
        return;
    a->fresh = false;
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++) {
        struct iot_alink_request *r = &a->requests[i];
        if (!r->fresh)
            continue;
        r->fresh = r->late = 0;
        r->deadline = (uint32_t)now + IOT_REQUEST_MS;
    }
}

/* Behind `now` or at it. Deadlines are less than 2^31 ms away, and a tick comes for each. */
static bool is_over(const struct iot_alink_request *r, iot_time now)
{
    return r->ticket != 0 && !r->fresh && (int32_t)(r->deadline - (uint32_t)now) <= 0;
}

void iot_alink_expire(struct iot_alink *a, iot_time now, bool unread)
{
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++) {
        struct iot_event ev = {.kind = IOT_EV_FAILED, .err = IOT_ERR_LINK_TIMEOUT};
        struct iot_alink_request *r = &a->requests[i];
        if (!is_over(r, now) && !(r->late && !unread))
            continue;
        if (!unread || r->late) {
            iot_alink_finish(a, r, &ev);
        } else { /* its reply may lie there; but nobody waits for ever for a link that stands still */
            r->late = 1;
            r->deadline = (uint32_t)now + IOT_REQUEST_MS;
        }
    }
    iot_link_reset_step(a);
}

iot_time iot_alink_deadline(const struct iot_alink *a)
{
    iot_time first = iot_call_deadline(a), reset = iot_link_reset_deadline(a);

    if (reset < first)
        first = reset;

    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++) {
        const struct iot_alink_request *r = &a->requests[i];
        int32_t left = (int32_t)(r->deadline - (uint32_t)a->now);
        if (r->ticket == 0)
            continue;
        iot_time due = r->fresh || left <= 0 ? 0 : a->now + (uint32_t)left;
        if (due < first)
            first = due;
    }
    return first;
}

bool iot_alink_idle(const struct iot_alink *a)
{
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++)
        if (a->requests[i].ticket != 0)
            return false;
    return iot_call_idle(a) && iot_link_reset_idle(a);
}

static void lost(struct iot_alink *a)
{
    a->up = false;
    iot_link_time_lost(a);
}

static void end_all(struct iot_alink *a)
{
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++) {
        struct iot_event end = {.kind = IOT_EV_FAILED, .err = IOT_ERR_CLOSED};
        if (a->requests[i].ticket != 0)
            iot_alink_finish(a, &a->requests[i], &end);
    }
}

/* The end of a message: of a request's its failure is the end, its delivery is not. True: it was a request's. */
static bool on_end(struct iot_alink *a, const struct iot_event *ev)
{
    struct iot_alink_request *r = iot_alink_find(a, ev->ticket);
    struct iot_event end = *ev;

    if (r != NULL && ev->kind == IOT_EV_FAILED)
        iot_alink_finish(a, r, &end);
    return r != NULL;
}

bool iot_alink_event(struct iot_alink *a, const struct iot_event *ev)
{
    bool own = false;

    if (ev->kind == IOT_EV_CONNECTED) {
        a->up = true;
    } else if (ev->kind == IOT_EV_LOST) {
        lost(a);
    } else if (ev->kind == IOT_EV_WRITABLE) {
        iot_call_tick(a);
    } else if (ev->kind == IOT_EV_DONE || ev->kind == IOT_EV_FAILED) {
        own = on_end(a, ev);
    } else if (ev->kind == IOT_EV_CLOSED) {
        lost(a);
        iot_call_forget(a);
        end_all(a);
    }
    iot_link_reset_event(a, ev);
    iot_link_shadow_event(a, ev);
    return !own;
}

#endif
