/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_route.h"

#include <string.h>

#if IOT_FEATURE_CLOUD

#define YEAR_2100_MS 4102444800000
#define COARSE_MS    20 /* a counter of the device may move in such steps */

iot_err iot_link_wall(struct iot_alink *a, int64_t *unix_ms)
{
    const struct iot_port *port = a->line->port(iot_alink_device(a));
    int64_t unix_s;

    if (port->wall != NULL && port->wall(port->ctx, &unix_s) == IOT_OK)
        *unix_ms = unix_s * 1000;
    else if (a->cloud.wall_ahead_ms != 0)
        *unix_ms = (int64_t)a->line->now(iot_alink_device(a)) + a->cloud.wall_ahead_ms;
    else
        return IOT_ERR_AGAIN;
    return IOT_OK;
}

iot_err iot_device_wall(struct iot_device *dev, int64_t *unix_ms)
{
    return iot_link_wall(iot_alink_of(dev), unix_ms);
}

/* What is sent names the question, and is the device's time when it was put; when it was sent is only known in the next
 * tick: the time-out of its request counts from there. */
iot_err iot_time_ask(struct iot_device *dev, iot_ticket *ticket)
{
    struct iot_alink *a = iot_alink_of(dev);
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_msg msg = {.qos = 0};
    struct iot_writer w;
    int64_t sent = (int64_t)a->now > a->cloud.time_sent ? (int64_t)a->now : a->cloud.time_sent + 1;

    if (!a->up)
        return IOT_ERR_STATE;
    if (iot_alink_find_kind(a, IOT_ALINK_TIME) != NULL)
        return IOT_ERR_FULL;
    iot_err err = iot_alink_topic(a, "/ext/ntp/", "request", NULL, text, sizeof text, &msg.topic);
    if (err == IOT_OK)
        err = iot_alink_open(a, &msg, IOT_ALINK_TIME, true,
                             sizeof "{\"deviceSendTime\":\"18446744073709551615\"}", &w);
    if (err != IOT_OK)
        return err;
    iot_json_put(&w, "{\"deviceSendTime\":\"");
    iot_json_put_i64(&w, sent);
    iot_json_put(&w, "\"");
    err = iot_alink_commit(&w, ticket);
    if (err == IOT_OK)
        a->cloud.time_sent = sent;
    return err;
}

void iot_link_time_lost(struct iot_alink *a)
{
    a->cloud.time_sent++;
}

static iot_err read_ms(struct iot_json root, const char *name, int64_t *ms)
{
    struct iot_json v;
    iot_err err = iot_json_get(root, name, &v);

    if (err == IOT_OK)
        err = iot_json_i64_text(v, ms);
    return err == IOT_OK && (*ms < 0 || *ms >= YEAR_2100_MS) ? IOT_ERR_JSON_RANGE : err;
}

iot_err iot_link_take_time(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_TIME};
    struct iot_event ev = {.kind = IOT_EV_NOTICE, .notice = &notice};
    struct iot_json root;
    int64_t sent, there_ms, back_ms;

    if (!iot_link_is_own(a, &rest) || !iot_link_is(rest, "/response"))
        return IOT_ERR_STATE;
    iot_err err = iot_json_check(msg->payload, &root, NULL);
    if (err == IOT_OK)
        err = read_ms(root, "deviceSendTime", &sent);
    if (err == IOT_OK)
        err = read_ms(root, "serverRecvTime", &there_ms);
    if (err == IOT_OK)
        err = read_ms(root, "serverSendTime", &back_ms);
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);

    struct iot_alink_request *r = iot_alink_find_kind(a, IOT_ALINK_TIME);
    if (r == NULL || r->fresh || r->late || sent != a->cloud.time_sent)
        return iot_alink_drop(a, msg, IOT_ERR_LINK_REPLY);
    uint32_t span_ms = (uint32_t)a->now - (r->deadline - IOT_REQUEST_MS);
    if (span_ms > IOT_REQUEST_MS)
        return iot_alink_drop(a, msg, IOT_ERR_LINK_REPLY);
    if (back_ms < there_ms || back_ms - there_ms > span_ms + COARSE_MS)
        return iot_alink_drop(a, msg, IOT_ERR_JSON_RANGE);

    notice.unix_ms = (there_ms + back_ms + span_ms) / 2;
    notice.code = a->line->vouches(iot_alink_device(a), notice.unix_ms / 1000);
    if (notice.code != 0)
        a->cloud.wall_ahead_ms = notice.unix_ms - (int64_t)a->now;
    iot_alink_finish(a, r, &ev);
    return IOT_OK;
}

#endif
