/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_shadow.h"

#include "core/iot_core_assert.h"
#include "link/iot_link_route.h"

#include <string.h>

#if IOT_FEATURE_SHADOW

#define CODE_OK     200
#define VERSION_MAX (INT64_MAX - 1) /* there is one behind it */

#define UPDATE "{\"method\":\"update\",\"state\":{\"reported\":"
/* What a message has beside its state: the longest method, the tail, names of the longest kind. */
#define FRAME                                                                                      \
    ((uint32_t)sizeof UPDATE ",\"desired\":\"null\"},\"version\":-9223372036854775808,"            \
                             "\"clientToken\":\".-4294967295\"}" +                                 \
     IOT_PRODUCT_KEY_MAX + IOT_DEVICE_NAME_MAX)

IOT_STATIC_ASSERT(sizeof((struct iot_shadow *)0)->filter == IOT_LINK_TOPIC_MAX,
                  "the topic is made in there");

iot_err iot_shadow_attach(struct iot_device *dev, struct iot_shadow *s, iot_ticket *ticket)
{
    struct iot_alink *a = iot_alink_of(dev);
    struct iot_filter f = {.qos = 1};

    iot_err err =
        iot_alink_topic(a, "/shadow/get/", "", NULL, s->filter, sizeof s->filter, &f.filter);
    if (err == IOT_OK)
        err = a->line->subscribe(dev, &f, ticket);
    if (err == IOT_OK)
        a->shadow = s;
    return err;
}

void iot_link_shadow_event(struct iot_alink *a, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CLOSED)
        a->shadow = NULL;
}

/* ---- Up ------------------------------------------------------------------------------------ */

static bool is_version(int64_t version)
{
    return version >= 0 && version <= VERSION_MAX;
}

static iot_err begin(struct iot_alink *a, int64_t version, uint32_t max, struct iot_writer *w)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_msg msg = {.qos = 1};

    if (a->shadow == NULL)
        return IOT_ERR_STATE;
    if (version == IOT_SHADOW_NEXT && !is_version(a->shadow->version))
        return IOT_ERR_ARG;
    if (max > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    iot_err err = iot_alink_topic(a, "/shadow/update/", "", NULL, text, sizeof text, &msg.topic);
    if (err == IOT_OK)
        err = iot_alink_open(a, &msg, IOT_ALINK_SHADOW, true, max + FRAME, w);
    if (err == IOT_OK)
        a->shadow->open_version = version == IOT_SHADOW_NEXT ? a->shadow->version + 1 : version;
    return err;
}

/* By it the reply is known: "{pk}.{dn}-{ticket}". */
static void write_token(const struct iot_alink *a, struct iot_writer *w, iot_ticket ticket)
{
    iot_writer_text(w, a->id->product_key);
    iot_json_put(w, ".");
    iot_writer_text(w, a->id->device_name);
    iot_json_put(w, "-");
    iot_writer_u32(w, ticket);
}

static void put_token(struct iot_alink *a, struct iot_writer *w)
{
    iot_json_put(w, ",\"clientToken\":\"");
    write_token(a, w, a->line->next_ticket(iot_alink_device(a)));
    iot_json_put(w, "\"");
}

/* Behind the state; the message's last bracket is commit's. */
static iot_err commit(struct iot_writer *w, iot_ticket *ticket)
{
    struct iot_alink *a = iot_alink_of(w->owner);

    iot_json_put(w, "},\"version\":");
    iot_json_put_i64(w, a->shadow->open_version);
    put_token(a, w);
    return iot_alink_commit(w, ticket);
}

iot_err iot_shadow_begin(struct iot_device *dev, int64_t version, uint32_t max,
                         struct iot_writer *w)
{
    iot_err err = begin(iot_alink_of(dev), version, max, w);

    if (err == IOT_OK)
        iot_json_put(w, UPDATE);
    return err;
}

iot_err iot_shadow_commit(struct iot_writer *w, iot_ticket *ticket)
{
    if (w->owner == NULL || iot_alink_of(w->owner)->shadow == NULL)
        return IOT_ERR_STATE;
    return commit(w, ticket);
}

iot_err iot_shadow_update(struct iot_device *dev, struct iot_bytes reported, int64_t version,
                          iot_ticket *ticket)
{
    struct iot_writer w;

    iot_err err = iot_shadow_begin(dev, version, reported.len, &w);
    if (err != IOT_OK)
        return err;
    iot_writer_put(&w, reported.ptr, reported.len);
    return commit(&w, ticket);
}

static void write_values(struct iot_writer *w, const struct iot_shadow_value *values,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count && !w->overflow; i++) {
        iot_json_put(w, i == 0 ? "{" : ",");
        iot_json_key(w, values[i].name);
        if (values[i].text != NULL)
            iot_json_put_text(w, values[i].text);
        else
            iot_json_put_i32(w, values[i].number);
    }
    iot_json_put(w, "}");
}

iot_err iot_shadow_report(struct iot_device *dev, const struct iot_shadow_value *values,
                          uint32_t count, int64_t version, iot_ticket *ticket)
{
    struct iot_writer w = {.cap = IOT_MQTT_TX_BYTES}; /* without memory: it counts */

    write_values(&w, values, count);
    if (count == 0 || w.overflow)
        return count == 0 ? IOT_ERR_ARG : IOT_ERR_SIZE;
    iot_err err = iot_shadow_begin(dev, version, w.len, &w);
    if (err != IOT_OK)
        return err;
    write_values(&w, values, count);
    return commit(&w, ticket);
}

iot_err iot_shadow_get(struct iot_device *dev, iot_ticket *ticket)
{
    struct iot_alink *a = iot_alink_of(dev);
    struct iot_writer w;

    iot_err err = begin(a, IOT_SHADOW_RESET, 0, &w); /* it carries none */
    if (err != IOT_OK)
        return err;
    iot_json_put(&w, "{\"method\":\"get\"");
    put_token(a, &w);
    return iot_alink_commit(&w, ticket);
}

iot_err iot_shadow_delete(struct iot_device *dev, const char *name, int64_t version,
                          iot_ticket *ticket)
{
    struct iot_writer w = {.cap = IOT_MQTT_TX_BYTES};

    if (name != NULL)
        iot_json_key(&w, name);
    if (w.overflow)
        return IOT_ERR_SIZE;
    iot_err err = begin(iot_alink_of(dev), version, w.len, &w);
    if (err != IOT_OK)
        return err;
    iot_json_put(&w, "{\"method\":\"delete\",\"state\":{\"reported\":");
    if (name != NULL) {
        iot_json_put(&w, "{");
        iot_json_key(&w, name);
    }
    iot_json_put(&w, name != NULL ? "\"null\"}" : "\"null\"");
    return commit(&w, ticket);
}

iot_err iot_shadow_clear_desired(struct iot_device *dev, struct iot_bytes reported, int64_t version,
                                 iot_ticket *ticket)
{
    struct iot_writer w;

    iot_err err = begin(iot_alink_of(dev), version, reported.len, &w);
    if (err != IOT_OK)
        return err;
    iot_json_put(&w, "{\"method\":\"update\",\"state\":{");
    if (reported.len != 0) {
        iot_json_put(&w, "\"reported\":");
        iot_writer_put(&w, reported.ptr, reported.len);
        iot_json_put(&w, ",");
    }
    iot_json_put(&w, "\"desired\":\"null\"");
    return commit(&w, ticket);
}

/* ---- Down ---------------------------------------------------------------------------------- */

iot_err iot_shadow_read(struct iot_json data, struct iot_shadow_state *state)
{
    struct iot_json v;

    memset(state, 0, sizeof *state);
    iot_err err = iot_json_get(data, "state", &v);
    if (err != IOT_OK)
        return err;
    (void)iot_json_get(v, "reported", &state->reported);
    (void)iot_json_get(v, "desired", &state->desired);
    (void)iot_json_get(data, "metadata", &state->metadata);
    return IOT_OK;
}

/* A message of the shadow, taken apart. */
struct heard {
    struct iot_json method, payload, token;
    int64_t version; /* 0: none is told */
    uint32_t code;   /* CODE_OK, or errorcode */
};

/* IOT_OK also without one. It is counted on, and the special ones are the device's to say. */
static iot_err read_version(struct iot_json from, int64_t *version)
{
    struct iot_json v;
    int64_t read = 0;

    if (*version != 0 || iot_json_get(from, "version", &v) != IOT_OK)
        return IOT_OK;
    if (iot_json_i64_text(v, &read) == IOT_ERR_JSON_RANGE || !is_version(read))
        return IOT_ERR_JSON_RANGE;
    *version = read;
    return IOT_OK;
}

static iot_err read_status(struct heard *h)
{
    struct iot_json status, v;

    iot_err err = iot_json_get(h->payload, "status", &status);
    if (err != IOT_OK)
        return err;
    h->code = CODE_OK;
    if (iot_json_is(status, "success"))
        return IOT_OK;
    err = iot_json_get(h->payload, "content", &v);
    if (err == IOT_OK)
        err = iot_json_get(v, "errorcode", &v);
    if (err == IOT_OK)
        err = iot_json_u32_text(v, &h->code);
    return err == IOT_OK && (h->code == CODE_OK || h->code > INT32_MAX) ? IOT_ERR_JSON_RANGE : err;
}

static bool is_token_of(const struct iot_alink *a, struct iot_json token, iot_ticket ticket)
{
    char text[IOT_PRODUCT_KEY_MAX + IOT_DEVICE_NAME_MAX + sizeof ".-4294967295"];
    struct iot_writer w = {.ptr = (uint8_t *)text, .cap = sizeof text};

    write_token(a, &w, ticket);
    iot_writer_put(&w, "", 1);
    return !w.overflow && iot_json_is(token, text);
}

/* Without a token it is the answer to the one request that is open, if it is one. */
static struct iot_alink_request *asked(struct iot_alink *a, struct iot_json token)
{
    struct iot_alink_request *found = NULL;
    bool any = iot_json_kind(token) == IOT_JSON_NONE;

    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++) {
        struct iot_alink_request *r = &a->requests[i];
        if (r->ticket == 0 || r->kind != IOT_ALINK_SHADOW ||
            !(any || is_token_of(a, token, r->ticket)))
            continue;
        if (found != NULL)
            return NULL;
        found = r;
    }
    return found;
}

static iot_err on_reply(struct iot_alink *a, const struct iot_msg *msg, const struct heard *h)
{
    struct iot_reply reply = {.data = h->payload};
    struct iot_event ev = {.kind = IOT_EV_REPLY,
                           .err = h->code == CODE_OK ? IOT_OK : IOT_ERR_LINK_CODE,
                           .detail = (int32_t)h->code,
                           .reply = &reply};
    struct iot_alink_request *r = asked(a, h->token);

    if (r == NULL)
        return iot_alink_drop(a, msg, IOT_ERR_LINK_REPLY);
    if (h->version != 0)
        a->shadow->version = h->version;
    iot_alink_finish(a, r, &ev);
    return IOT_OK;
}

static iot_err on_control(struct iot_alink *a, const struct heard *h)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_SHADOW, .data = h->payload};

    if (h->version != 0)
        a->shadow->version = h->version;
    iot_alink_notice(a, &notice);
    return IOT_OK;
}

iot_err iot_link_take_shadow(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct heard h = {.version = 0};
    struct iot_json root;
    (void)rest;

    if (a->shadow == NULL)
        return IOT_ERR_STATE;
    iot_err err = iot_json_check(msg->payload, &root, NULL);
    if (err == IOT_OK)
        err = iot_json_get(root, "method", &h.method);
    if (err == IOT_OK)
        err = iot_json_get(root, "payload", &h.payload);
    if (err == IOT_OK)
        err = read_version(h.payload, &h.version);
    if (err == IOT_OK)
        err = read_version(root, &h.version);
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    if (iot_json_is(h.method, "control"))
        return on_control(a, &h);
    if (!iot_json_is(h.method, "reply"))
        return iot_alink_drop(a, msg, IOT_ERR_LINK_METHOD);
    err = read_status(&h);
    (void)iot_json_get(root, "clientToken", &h.token);
    return err == IOT_OK ? on_reply(a, msg, &h) : iot_alink_drop(a, msg, err);
}

#endif
