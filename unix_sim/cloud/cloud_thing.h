/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_thing.h
 * What the platform knows of one device: its last values, events, tags, desired values, shadow. Made when the
 * first of it is known.
 */
#ifndef CLOUD_THING_H
#define CLOUD_THING_H

#include "cloud/cloud_json.h"
#include "cloud/cloud_out.h"

#define CLOUD_EVENTS_KEPT    16
#define CLOUD_EXCHANGES_KEPT 32
#define CLOUD_TAGS_MAX       100

struct cloud_thing {
    json_t *properties; /* identifier: {"value", "time"} */
    json_t *events;     /* [{"identifier", "type", "value", "time"}], the oldest first */
    json_t *tags;       /* attrKey: {"value", "domain"} */
    json_t *desired;    /* identifier: {"value", "version"} */
    json_t *versions;   /* identifier: the last version that a desired value had */
    json_t *exchanges;  /* [{"time", "topic", "id", "code"}], the oldest first */
    json_t *shadow;     /* NULL: none; see cloud_shadow.c */
    int log_mode;       /* of 4.15 */
    bool has_reset;     /* it has reported a reset since the platform started */
};

/** Never NULL. */
struct cloud_thing *cloud_thing_of(struct cloud *c, int device);
void cloud_thing_free(struct cloud_thing *t);

/** The last value of a property, by the model's identifier; `value` is borrowed. With `by_time` one that is older than
 *  what is there is not taken. */
void cloud_thing_value(struct cloud_thing *t, const char *identifier, json_t *value, int64_t time,
                       bool by_time);

void cloud_thing_event(struct cloud_thing *t, const json_t *event, json_t *value, int64_t time);

/** A request and what was answered. */
void cloud_thing_exchange(struct cloud *c, int device, const char *topic, const char *id, int code,
                          uint64_t now_ms);

/** Set a desired value; its version is one more than the last. */
void cloud_thing_desire(struct cloud_thing *t, const char *identifier, json_t *value);

/** All of it, as one object; a new reference. */
json_t *cloud_thing_show(struct cloud *c, int device, uint64_t now_ms);

#endif
