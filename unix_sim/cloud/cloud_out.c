/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_out.h"

#include "cloud/cloud_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cloud_say(struct cloud *c, const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    cloud_text_clean(line); /* names and topics come from outside */
    c->config.log(c->config.ctx, line);
}

const char *cloud_key_of(const struct cloud *c, int device)
{
    return cloud_book_key(&c->book, device);
}

const char *cloud_name_of(const struct cloud *c, int device)
{
    return c->book.devices[device].name;
}

struct cloud_model *cloud_model_of(const struct cloud *c, int device)
{
    return c->models[c->book.devices[device].product];
}

int cloud_device_of(const struct cloud *c, cloud_link link)
{
    for (int i = 0; link != 0 && i < c->book.device_count; i++)
        if (c->sessions[i].link == link)
            return i;
    return -1;
}

uint64_t cloud_wall_ms(const struct cloud *c, uint64_t now_ms)
{
    return c->config.wall_ms + now_ms;
}

const char *cloud_own_path(const struct cloud *c, int device, const char *topic, const char *head)
{
    char own[CLOUD_TOPIC_MAX + 1];

    snprintf(own, sizeof own, "%s%s/%s", head, cloud_key_of(c, device), cloud_name_of(c, device));
    const char *rest = cloud_text_after(topic, own);
    if (rest == NULL || (*rest != 0 && *rest != '/'))
        return NULL;
    return rest + (*rest == '/');
}

void cloud_draw(struct cloud *c, char text[33])
{
    uint8_t bytes[16];

    c->config.random(c->config.ctx, bytes, sizeof bytes);
    cloud_text_hex(bytes, sizeof bytes, false, text);
}

/* ---- Outputs --------------------------------------------------------------------------------- */

static char *copy_of(const void *payload, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy, payload, len);
    copy[len] = 0;
    return copy;
}

/* NULL: no room; then it is lost, which the log says. */
static struct cloud_output *new_output(struct cloud *c, enum cloud_output_kind kind,
                                       cloud_link link)
{
    if (c->out_count == CLOUD_OUTPUTS_MAX) {
        cloud_say(c, "output lost: more than %d at once", CLOUD_OUTPUTS_MAX);
        return NULL;
    }
    struct cloud_output *o =
        &c->outputs[(c->out_first + c->out_count++) % (uint32_t)CLOUD_OUTPUTS_MAX];
    memset(o, 0, sizeof *o);
    o->kind = kind;
    o->link = link;
    return o;
}

bool cloud_put(struct cloud *c, enum cloud_output_kind kind, cloud_link link, const char *topic,
               const void *payload, size_t len)
{
    struct cloud_output *o = new_output(c, kind, link);

    if (o == NULL)
        return false;
    o->qos = 1; /* as far as the subscription allows */
    snprintf(o->topic, sizeof o->topic, "%s", topic);
    o->payload = copy_of(payload, len);
    o->payload_len = (uint32_t)len;
    return true;
}

bool cloud_put_kick(struct cloud *c, cloud_link link)
{
    return new_output(c, CLOUD_OUT_KICK, link) != NULL;
}

const struct cloud_output *cloud_next(struct cloud *c)
{
    free(c->taken);
    c->taken = NULL;
    if (c->out_count == 0)
        return NULL;
    const struct cloud_output *o = &c->outputs[c->out_first];
    c->out_first = (c->out_first + 1) % CLOUD_OUTPUTS_MAX;
    c->out_count--;
    c->taken = o->payload;
    return o;
}

bool cloud_tell(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                enum cloud_topic_kind kind)
{
    const struct cloud_session *s = &c->sessions[device];
    /* these name no device: only this one may get it */
    bool nameless = cloud_text_after(topic, "/ext/rrpc/") != NULL ||
                    cloud_text_after(topic, "/ext/auth/") != NULL;
    bool direct = nameless || (kind == CLOUD_TOPIC_SYSTEM && s->system_subscribed);

    return cloud_put(c, direct ? CLOUD_OUT_DIRECT : CLOUD_OUT_PUBLISH, s->link, topic, payload,
                     len);
}

/* ---- Answers, and what may befall them ------------------------------------------------------- */

static void hold_back(struct cloud *c, int device, const char *topic, const void *payload,
                      size_t len, uint64_t due_ms)
{
    for (int i = 0; i < CLOUD_LATER_MAX; i++) {
        struct cloud_later *l = &c->later[i];
        if (l->payload != NULL)
            continue;
        l->due_ms = due_ms;
        l->order = c->held++;
        l->link = c->sessions[device].link;
        l->device = (uint16_t)device;
        snprintf(l->topic, sizeof l->topic, "%s", topic);
        l->payload = copy_of(payload, len);
        l->payload_len = (uint32_t)len;
        c->later_count++;
        return;
    }
    cloud_say(c, "answer lost: more than %d wait for their time", CLOUD_LATER_MAX);
}

void cloud_answer(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                  uint64_t now_ms)
{
    const struct cloud_rules *r = &c->book.rules;
    int times = 1;

    if (c->catching) {
        free(c->caught);
        c->caught = copy_of(payload, len);
        c->caught_len = len;
        return;
    }
    c->replies++;
    if (r->reply_drop != 0 && c->replies % r->reply_drop == 0) {
        cloud_say(c, "answer to %s %s %s dropped by an option", cloud_key_of(c, device),
                  cloud_name_of(c, device), topic);
        return;
    }
    if (r->reply_double != 0 && c->replies % r->reply_double == 0)
        times = 2;
    for (; times > 0; times--) {
        if (r->reply_delay_ms == 0)
            cloud_tell(c, device, topic, payload, len, CLOUD_TOPIC_SYSTEM);
        else
            hold_back(c, device, topic, payload, len, now_ms + r->reply_delay_ms);
    }
}

void cloud_out_tick(struct cloud *c, uint64_t now_ms)
{
    struct cloud_later *first;

    do { /* in the order in which they are due */
        first = NULL;
        for (int i = 0; c->later_count > 0 && i < CLOUD_LATER_MAX; i++) {
            struct cloud_later *l = &c->later[i];
            if (l->payload != NULL && l->due_ms <= now_ms &&
                (first == NULL || l->due_ms < first->due_ms ||
                 (l->due_ms == first->due_ms && l->order < first->order)))
                first = l;
        }
        if (first == NULL || c->out_count == CLOUD_OUTPUTS_MAX)
            return;
        if (first->link != 0 && c->sessions[first->device].link == first->link)
            cloud_tell(c, first->device, first->topic, first->payload, first->payload_len,
                       CLOUD_TOPIC_SYSTEM);
        free(first->payload);
        first->payload = NULL;
        c->later_count--;
    } while (first != NULL);
}

uint64_t cloud_due(const struct cloud *c)
{
    uint64_t due = UINT64_MAX;

    for (int i = 0; c->later_count > 0 && i < CLOUD_LATER_MAX; i++)
        if (c->later[i].payload != NULL && c->later[i].due_ms < due)
            due = c->later[i].due_ms;
    return due;
}

void cloud_out_end(struct cloud *c)
{
    while (cloud_next(c) != NULL)
        ;
    for (int i = 0; i < CLOUD_LATER_MAX; i++) {
        free(c->later[i].payload);
        c->later[i].payload = NULL;
    }
    c->later_count = 0;
}
