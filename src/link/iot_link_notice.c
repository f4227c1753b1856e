/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_route.h"

#if IOT_FEATURE_CLOUD

#define CODE_OK 200

/* ---- With an answer ------------------------------------------------------------------------ */

static iot_err take(struct iot_alink *a, const struct iot_msg *msg, enum iot_notice_kind kind)
{
    struct iot_notice notice = {.kind = kind};
    struct iot_alink_call call;

    iot_err err = iot_alink_read(msg, &call);
    return iot_alink_answer_notice(a, &call, err, &notice);
}

iot_err iot_link_take_disable(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    (void)rest;
    return take(a, msg, IOT_NOTICE_DISABLED);
}

iot_err iot_link_take_enable(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    (void)rest;
    return take(a, msg, IOT_NOTICE_ENABLED);
}

iot_err iot_link_take_delete(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    (void)rest;
    return take(a, msg, IOT_NOTICE_DELETED);
}

iot_err iot_link_take_bootstrap(struct iot_alink *a, const struct iot_msg *msg,
                                struct iot_bytes rest)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_BOOTSTRAP};
    struct iot_alink_call call;
    struct iot_json cmd;
    (void)rest;

    iot_err err = iot_alink_read(msg, &call);
    if (err == IOT_OK)
        err = iot_json_get(call.params, "cmd", &cmd);
    if (err == IOT_OK)
        err = iot_json_i32(cmd, &notice.code);
    return iot_alink_answer_notice(a, &call, err, &notice);
}

/* Its answer is that of a service: it says what it is about. */
static iot_err answer_bind(struct iot_alink *a, const struct iot_alink_call *call,
                           struct iot_json identifier)
{
    static const char service[] = ",\"serviceResult\":{}},\"version\":\"1.0\","
                                  "\"method\":\"_thing.event.notify\",\"message\":\"success\"";
    struct iot_writer w;

    if (!call->has_id)
        return IOT_OK;
    iot_err err = iot_alink_answer_own_begin(a, call, CODE_OK,
                                             identifier.len + (uint32_t)sizeof service + 16, &w);
    if (err != IOT_OK)
        return err;
    iot_json_put(&w, "{\"identifier\":");
    iot_writer_put(&w, identifier.ptr, identifier.len);
    iot_json_put(&w, service);
    return iot_alink_answer_commit(a, &w);
}

iot_err iot_link_take_bind(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_BIND};
    struct iot_alink_call call;
    struct iot_json identifier;
    (void)rest;

    iot_err err = iot_alink_read(msg, &call);
    if (err == IOT_OK)
        err = iot_alink_get_text(call.params, "identifier", &identifier);
    if (err != IOT_OK)
        return iot_alink_answer_notice(a, &call, err, &notice);
    notice.data = call.params;
    return iot_alink_answered(a, &call, answer_bind(a, &call, identifier), IOT_OK, &notice);
}

/* ---- Without ------------------------------------------------------------------------------- */

iot_err iot_link_take_error(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_ERROR};
    struct iot_json root, code;

    if (!iot_link_is_own(a, &rest) || rest.len != 0)
        return IOT_ERR_STATE;
    iot_err err = iot_json_check(msg->payload, &root, NULL);
    if (err == IOT_OK)
        err = iot_json_get(root, "code", &code);
    if (err == IOT_OK)
        err = iot_json_i32(code, &notice.code);
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    (void)iot_json_get(root, "data", &notice.data);
    iot_alink_notice(a, &notice);
    return IOT_OK;
}

iot_err iot_link_take_identity(struct iot_alink *a, const struct iot_msg *msg,
                               struct iot_bytes rest)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_IDENTITY};
    struct iot_json name;
    (void)rest;

    iot_err err = iot_json_check(msg->payload, &notice.data, NULL);
    if (err == IOT_OK)
        err = iot_alink_get_text(notice.data, "productKey", &name);
    if (err == IOT_OK)
        err = iot_alink_get_text(notice.data, "deviceName", &name);
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    iot_alink_notice(a, &notice);
    return IOT_OK;
}

#endif
