/* SPDX-License-Identifier: Apache-2.0 */
/* A line that remembers: what alink would send, whom it would tell. For a test program that includes this once. */
#ifndef ALINK_LINE_H
#define ALINK_LINE_H

#include "heap_trap.h"
#include "link/iot_link_route.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX 4096

static struct {
    struct iot_alink alink; /* first: it is the device as far as link knows */
    char topic[256], payload[LINE_MAX + 1];
    uint8_t qos, flags;
    uint32_t begins, sent, cancels, subscribes;
    iot_err begin_says, commit_says, subscribe_says;
    iot_ticket ticket; /* of the next commit */
    iot_ticket hushed; /* latest */
    char filters[512];
    char told[1024]; /* events, a word each with what is in it */
    uint8_t buffer[LINE_MAX];
} line;

#define DEV ((struct iot_device *)(void *)&line.alink)

static inline iot_err line_begin(struct iot_device *dev, const struct iot_msg *msg, uint32_t max,
                                 struct iot_writer *w)
{
    assert_ptr_equal(dev, DEV);
    line.begins++;
    if (line.begin_says != IOT_OK)
        return line.begin_says;
    if (max > sizeof line.buffer)
        return IOT_ERR_SIZE;
    snprintf(line.topic, sizeof line.topic, "%.*s", (int)msg->topic.len, msg->topic.text);
    line.qos = msg->qos;
    line.flags = msg->flags;
    *w = (struct iot_writer){.ptr = line.buffer, .cap = max, .owner = dev};
    return IOT_OK;
}

static inline iot_err line_commit(struct iot_writer *w, iot_ticket *ticket)
{
    assert_ptr_equal(w->owner, DEV);
    w->owner = NULL;
    if (line.commit_says != IOT_OK)
        return line.commit_says;
    if (w->overflow)
        return IOT_ERR_SIZE;
    memcpy(line.payload, w->ptr, w->len);
    line.payload[w->len] = 0;
    line.sent++;
    if (ticket != NULL)
        *ticket = line.ticket;
    line.ticket++;
    return IOT_OK;
}

static inline void line_cancel(struct iot_writer *w)
{
    w->owner = NULL;
    line.cancels++;
}

static inline iot_err line_subscribe(struct iot_device *dev, const struct iot_filter *f,
                                     iot_ticket *ticket)
{
    assert_ptr_equal(dev, DEV);
    assert_null(ticket);
    if (line.subscribe_says != IOT_OK)
        return line.subscribe_says;
    size_t at = strlen(line.filters);
    snprintf(line.filters + at, sizeof line.filters - at, "%s%.*s:%u", at > 0 ? " " : "",
             (int)f->filter.len, f->filter.text, (unsigned)f->qos);
    line.subscribes++;
    return IOT_OK;
}

static inline iot_ticket line_next_ticket(const struct iot_device *dev)
{
    assert_ptr_equal(dev, DEV);
    return line.ticket;
}

static inline void line_hush(struct iot_device *dev, iot_ticket ticket)
{
    assert_ptr_equal(dev, DEV);
    line.hushed = ticket;
}

static inline void line_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void line_tell(const char *format, ...)
{
    size_t at = strlen(line.told);
    va_list args;

    at += (size_t)snprintf(line.told + at, sizeof line.told - at, "%s", at > 0 ? " " : "");
    va_start(args, format);
    vsnprintf(line.told + at, sizeof line.told - at, format, args);
    va_end(args);
}

static inline void line_report(struct iot_device *dev, const struct iot_event *ev)
{
    assert_ptr_equal(dev, DEV);
    switch (ev->kind) {
    case IOT_EV_REPLY:
        line_tell("reply(%u,%d,%.*s)", (unsigned)ev->ticket, (int)ev->detail,
                  (int)ev->reply->data.len, (const char *)ev->reply->data.ptr);
        break;
    case IOT_EV_FAILED:
        line_tell("failed(%u,%s)", (unsigned)ev->ticket, iot_err_name(ev->err));
        break;
    case IOT_EV_SKIPPED:
        line_tell("skipped(%s)", iot_err_name(ev->err));
        break;
    default:
        line_tell("event(%d)", (int)ev->kind);
        break;
    }
}

static inline const struct iot_port *line_port(const struct iot_device *dev)
{
    static const struct iot_port none = {.ctx = NULL};

    assert_ptr_equal(dev, DEV);
    return &none;
}

static inline void line_wake(struct iot_device *dev)
{
    assert_ptr_equal(dev, DEV);
}

static inline iot_time line_now(const struct iot_device *dev)
{
    (void)dev;
    return line.alink.now;
}

static inline bool line_vouches(struct iot_device *dev, int64_t unix_s)
{
    assert_ptr_equal(dev, DEV);
    (void)unix_s;
    return false;
}

static const struct iot_alink_line line_ops = {
    line_begin,  line_commit, line_cancel, line_subscribe, line_next_ticket, line_hush,
    line_report, line_port,   line_wake,   line_vouches,   line_now};

/* As if the identity were that of the options. */
static inline void line_setup(const struct iot_link_identity *id)
{
    heap_trap_off();
    memset(&line, 0, sizeof line);
    line.ticket = 1;
    iot_alink_init(&line.alink, id, &line_ops);
}

/* A message of the platform's, in memory that ends where it ends. */
static inline iot_err line_hear(const char *topic, const void *payload, size_t n)
{
    char *name = malloc(strlen(topic) + 1), *body = malloc(n + (n == 0));
    assert_non_null(name);
    assert_non_null(body);
    memcpy(name, topic, strlen(topic));
    memcpy(body, payload, n);
    struct iot_msg msg = {.topic = {name, (uint16_t)strlen(topic), 0},
                          .payload = {(const uint8_t *)body, (uint32_t)n},
                          .total = (uint32_t)n};
    heap_trap_on();
    iot_err err = iot_link_take(&line.alink, &msg);
    heap_trap_off();
    free(name);
    free(body);
    return err;
}

static inline iot_err line_hear_text(const char *topic, const char *payload)
{
    return line_hear(topic, payload, strlen(payload));
}

/* What was told since the last call. */
static inline const char *line_told(void)
{
    static char told[sizeof line.told];

    strcpy(told, line.told);
    line.told[0] = 0;
    return told;
}

#endif
