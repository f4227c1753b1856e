/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_thing.h"

#include <stdlib.h>
#include <string.h>

struct cloud_thing *cloud_thing_of(struct cloud *c, int device)
{
    struct cloud_thing *t = c->things[device];

    if (t != NULL)
        return t;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->properties = json_object();
    t->events = json_array();
    t->tags = json_object();
    t->desired = json_object();
    t->versions = json_object();
    t->exchanges = json_array();
    c->things[device] = t;
    return t;
}

void cloud_thing_free(struct cloud_thing *t)
{
    if (t == NULL)
        return;
    json_decref(t->properties);
    json_decref(t->events);
    json_decref(t->tags);
    json_decref(t->desired);
    json_decref(t->versions);
    json_decref(t->exchanges);
    json_decref(t->shadow);
    free(t);
}

void cloud_thing_value(struct cloud_thing *t, const char *identifier, json_t *value, int64_t time,
                       bool by_time)
{
    const json_t *before = json_object_get(t->properties, identifier);

    if (by_time && before != NULL && json_integer_value(json_object_get(before, "time")) > time)
        return;
    json_object_set_new(t->properties, identifier,
                        json_pack("{s:O, s:I}", "value", value, "time", (json_int_t)time));
}

void cloud_thing_event(struct cloud_thing *t, const json_t *event, json_t *value, int64_t time)
{
    cloud_json_append(
        t->events,
        json_pack("{s:O, s:O, s:O, s:I}", "identifier", json_object_get(event, "identifier"),
                  "type", json_object_get(event, "type"), "value", value, "time", (json_int_t)time),
        CLOUD_EVENTS_KEPT);
}

void cloud_thing_exchange(struct cloud *c, int device, const char *topic, const char *id, int code,
                          uint64_t now_ms)
{
    /* names have letters and digits, but what a device puts into a topic may be anything */
    json_t *name = json_string(topic);

    cloud_json_append(cloud_thing_of(c, device)->exchanges,
                      json_pack("{s:I, s:o, s:s, s:i}", "time",
                                (json_int_t)cloud_wall_ms(c, now_ms), "topic",
                                name != NULL ? name : json_null(), "id", id, "code", code),
                      CLOUD_EXCHANGES_KEPT);
}

void cloud_thing_desire(struct cloud_thing *t, const char *identifier, json_t *value)
{
    json_int_t version = json_integer_value(json_object_get(t->versions, identifier)) + 1;

    json_object_set_new(t->versions, identifier, json_integer(version));
    json_object_set_new(t->desired, identifier,
                        json_pack("{s:O, s:I}", "value", value, "version", version));
}

json_t *cloud_thing_show(struct cloud *c, int device, uint64_t now_ms)
{
    static const char *const states[] = {"enabled", "disabled", "deleted"};
    const struct cloud_device *d = &c->book.devices[device];
    struct cloud_thing *t = cloud_thing_of(c, device);

    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:I, s:O, s:O, s:O, s:O, s:o, s:i, s:b, s:O}",
                     "productKey", cloud_key_of(c, device), "deviceName", d->name, "state",
                     states[d->state], "online", (int)cloud_online(c, device, now_ms), "activated",
                     d->activated, "time", (json_int_t)cloud_wall_ms(c, now_ms), "properties",
                     t->properties, "events", t->events, "tags", t->tags, "desired", t->desired,
                     "shadow", t->shadow != NULL ? json_incref(t->shadow) : json_null(), "logMode",
                     t->log_mode, "reset", t->has_reset, "exchanges", t->exchanges);
}
