/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_raw.h"

#include <string.h>

#if IOT_FEATURE_RAW

void iot_raw_attach(struct iot_device *dev, const struct iot_raw_handlers *handlers)
{
    iot_alink_of(dev)->raw = handlers;
}

iot_err iot_raw_post(struct iot_device *dev, struct iot_bytes bytes, uint8_t qos,
                     iot_ticket *ticket)
{
    return iot_alink_send(iot_alink_of(dev), "/sys/", "thing/model/up_raw", qos, bytes, ticket);
}

/* The answer's topic: rrpc/request/{id} becomes rrpc/response/{id}, down_raw gets "_reply" behind it, others stay. */
static void put_topic(const struct iot_alink *a, struct iot_bytes topic, struct iot_writer *w)
{
    static const char down[] = "/thing/model/down_raw";
    struct iot_bytes left = topic;
    bool own = iot_link_skip(&left, "/sys/") && iot_link_is_own(a, &left);

    if (own && iot_link_skip(&left, "/rrpc/request/")) {
        iot_writer_put(w, topic.ptr, topic.len - left.len - (uint32_t)strlen("request/"));
        iot_writer_text(w, "response/");
        topic = left;
    }
    iot_writer_put(w, topic.ptr, topic.len);
    if (topic.len >= sizeof down - 1 &&
        memcmp(topic.ptr + topic.len - (sizeof down - 1), down, sizeof down - 1) == 0)
        iot_writer_text(w, "_reply");
}

iot_err iot_raw_answer(struct iot_device *dev, const struct iot_msg *msg, struct iot_bytes bytes)
{
    char text[IOT_LINK_TOPIC_MAX + 8];
    struct iot_alink *a = iot_alink_of(dev);
    struct iot_writer t = {.ptr = (uint8_t *)text, .cap = sizeof text}, w;

    put_topic(a, (struct iot_bytes){(const uint8_t *)msg->topic.text, msg->topic.len}, &t);
    if (t.overflow)
        return IOT_ERR_SIZE;
    struct iot_msg answer = {.topic = {text, (uint16_t)t.len, 0},
                             .flags = IOT_MSG_SILENT | IOT_MSG_REFUSE};
    iot_err err = a->line->begin(dev, &answer, bytes.len, &w);
    if (err != IOT_OK) /* in a handler STATE is an open writer, and to be waited for as room is */
        return err == IOT_ERR_STATE ? IOT_ERR_FULL : err;
    iot_writer_put(&w, bytes.ptr, bytes.len);
    return a->line->commit(&w, NULL);
}

/* ---- Down ------------------------------------------------------------------------------------ */

static iot_err offer(struct iot_alink *a, iot_mqtt_handler on, const struct iot_msg *msg)
{
    if (on == NULL)
        return IOT_ERR_STATE;
    iot_err err = on(a->raw->ctx, iot_alink_device(a), msg);
    return err == IOT_ERR_AGAIN || err == IOT_ERR_FULL ? err : IOT_OK;
}

/* Of those that come in parts. */
static iot_mqtt_handler handler(const struct iot_alink *a, bool reply)
{
    if (a->raw == NULL)
        return NULL;
    return reply ? a->raw->on_reply : a->raw->on_down;
}

iot_err iot_raw_take_down(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    (void)rest;
    return offer(a, handler(a, false), msg);
}

iot_err iot_raw_take_reply(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    (void)rest;
    return offer(a, handler(a, true), msg);
}

iot_err iot_raw_take_rrpc(struct iot_alink *a, const struct iot_msg *msg)
{
    return offer(a, a->raw == NULL ? NULL : a->raw->on_rrpc, msg);
}

bool iot_raw_lets_parts(const struct iot_alink *a, iot_link_handler take)
{
    bool reply = take == iot_raw_take_reply;

    return (!reply && take != iot_raw_take_down) || handler(a, reply) != NULL;
}

#endif
