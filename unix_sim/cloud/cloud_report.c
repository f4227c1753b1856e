/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_report.h"

#include "cloud/cloud_thing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MIN 1000000000000
#define TIME_MAX 9999999999999

/* ---- One value ------------------------------------------------------------------------------- */

struct timed {
    json_t *value; /* borrowed */
    int64_t time;
    bool has_time;
};

static const char *const timed_names[] = {"value", "time", NULL};

static bool is_timed(json_t *value)
{
    return json_is_object(value) && json_object_get(value, "value") != NULL &&
           cloud_json_stranger(value, timed_names) == NULL;
}

/* Plain, or {"value", "time"}; `must`: it has to have a time. */
static bool read_timed(const struct cloud_request *r, json_t *value, const char *name, bool must,
                       struct timed *out, struct cloud_fault *f)
{
    const json_t *time = NULL;

    out->value = value;
    out->time = (int64_t)cloud_wall_ms(r->cloud, r->now_ms);
    if (is_timed(value)) {
        out->value = json_object_get(value, "value");
        time = json_object_get(value, "time");
    }
    out->has_time = time != NULL;
    if (time == NULL)
        return !must ||
               cloud_fault(f, CLOUD_PARAMS_MISSING, "%s has to be {\"value\",\"time\"} here", name);
    return cloud_json_integer(time, TIME_MIN, TIME_MAX, &out->time) ||
           cloud_fault(f, CLOUD_PARAMS_NUMBER, "%s: its time is no number of 13 digits", name);
}

static const char *identifier_of(const json_t *entry)
{
    return cloud_json_string(entry, "identifier");
}

/* Of a device, which may be another than the one that speaks. */
static bool read_property(const struct cloud_request *r, int device, const char *name,
                          json_t *value, bool must, json_t **property, struct timed *out,
                          struct cloud_fault *f)
{
    static const char *const odd[] = {NULL};
    struct cloud_model *m = cloud_model_of(r->cloud, device);

    *property = cloud_model_property(m, name);
    if (m == NULL)
        return cloud_fault(f, CLOUD_NO_MODEL, "the product has no model");
    if (*name == 0)
        return cloud_fault(f, CLOUD_NO_IDENTIFIER, "an identifier is empty");
    if (*property == NULL)
        return cloud_fault(f, CLOUD_NO_PROPERTY, "%.60s is not in the model", name);
    const char *type = cloud_json_string(json_object_get(*property, "dataType"), "type");
    if (json_is_object(value) && !is_timed(value) && strcmp(type, "struct") != 0 &&
        cloud_json_stranger(value, odd) != NULL)
        return cloud_fault(f, CLOUD_PARAMS_FORMAT, "%s is neither a value nor {\"value\",\"time\"}",
                           name);
    return read_timed(r, value, name, must, out, f) &&
           cloud_model_check(*property, out->value, name, f);
}

static bool read_event(const struct cloud_request *r, int device, const char *name, json_t *value,
                       bool must, json_t **event, struct timed *out, struct cloud_fault *f)
{
    struct cloud_model *m = cloud_model_of(r->cloud, device);

    *event = cloud_model_event(m, name);
    if (m == NULL)
        return cloud_fault(f, CLOUD_NO_MODEL, "the product has no model");
    if (*event == NULL)
        return cloud_fault(f, CLOUD_NO_EVENT, "no event %.60s is in the model", name);
    if (!read_timed(r, value, name, must, out, f))
        return false;
    if (!json_is_object(out->value))
        return cloud_fault(f, CLOUD_DATA_FORMAT, "the outputs of %s are no object", name);
    return cloud_model_check_fields(json_object_get(*event, "outputData"), out->value, false, f);
}

/* ---- Property and event ---------------------------------------------------------------------- */

static void drop(struct cloud_request *r, const char *name, const struct cloud_fault *f, int *count)
{
    size_t n = *count == 0 ? 0 : strlen(r->message);

    snprintf(r->message + n, sizeof r->message - n, "%s%.60s (%d: %s)", n == 0 ? "dropped: " : ", ",
             *name == 0 ? "''" : name, f->code, f->text);
    (*count)++;
}

/* In two rounds: the first looks for faults, the second stores. */
void cloud_report_properties(struct cloud_request *r)
{
    struct cloud_thing *t = cloud_thing_of(r->cloud, r->device);
    size_t size = json_object_size(r->params);
    int dropped = 0;

    if (size == 0) {
        cloud_refuse(r, CLOUD_MAP_EMPTY, "params has no property");
        return;
    }
    if (size > CLOUD_POST_PROPERTIES_MAX) {
        cloud_refuse(r, CLOUD_MAP_TOO_LARGE, "more than %d properties", CLOUD_POST_PROPERTIES_MAX);
        return;
    }
    if (cloud_model_of(r->cloud, r->device) == NULL) {
        cloud_refuse(r, CLOUD_NO_MODEL, "the product has no model");
        return;
    }
    for (int round = 0; round < 2; round++) {
        const char *name;
        json_t *value, *property;
        json_object_foreach (r->params, name, value) {
            struct timed v;
            struct cloud_fault f;
            bool ok = read_property(r, r->device, name, value, false, &property, &v, &f);
            if (ok && round == 1)
                cloud_thing_value(t, identifier_of(property), v.value, v.time, false);
            if (ok || round == 1)
                continue;
            if (r->cloud->book.rules.post_strict) {
                cloud_refuse_fault(r, &f);
                return;
            }
            drop(r, name, &f, &dropped);
        }
    }
}

void cloud_report_event(struct cloud_request *r)
{
    const char *start = r->path + strlen("thing/event/");
    char name[CLOUD_TOPIC_MAX + 1];
    struct timed v;
    struct cloud_fault f;
    json_t *event;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "/"), start);
    if (!read_event(r, r->device, name, r->params, false, &event, &v, &f)) {
        cloud_refuse_fault(r, &f);
        return;
    }
    cloud_say(r->cloud, "event of %s %s: %s, %s", cloud_key_of(r->cloud, r->device),
              cloud_name_of(r->cloud, r->device), name, cloud_json_string(event, "type"));
    cloud_thing_event(cloud_thing_of(r->cloud, r->device), event, v.value, v.time);
}

/* ---- Many of them ---------------------------------------------------------------------------- */

/* What one message holds; gone through twice, as above. */
struct batch {
    struct cloud_request *r;
    bool store;
    int properties, events, events_max;
    struct cloud_fault f;
};

static bool take_one(struct batch *b, int device, const char *name, json_t *value, bool is_event)
{
    json_t *entry;
    struct timed v;

    if (is_event ? ++b->events > b->events_max : ++b->properties > CLOUD_POST_PROPERTIES_MAX)
        return is_event
                   ? cloud_fault(&b->f, CLOUD_EVENTS_TOO_MANY, "more than %d events", b->events_max)
                   : cloud_fault(&b->f, CLOUD_MAP_TOO_LARGE, "more than %d properties",
                                 CLOUD_POST_PROPERTIES_MAX);
    if (!(is_event ? read_event : read_property)(b->r, device, name, value, true, &entry, &v,
                                                 &b->f))
        return false;
    struct cloud_thing *t = cloud_thing_of(b->r->cloud, device);
    if (b->store && is_event)
        cloud_thing_event(t, entry, v.value, v.time);
    else if (b->store)
        cloud_thing_value(t, identifier_of(entry), v.value, v.time, true);
    return true;
}

/* {identifier: value, or an array of values}; NULL: nothing. `many`: arrays are what it has. */
static bool take_map(struct batch *b, int device, json_t *map, bool is_event, bool single)
{
    const char *name;
    json_t *value, *item;
    size_t i;

    if (map != NULL && !json_is_object(map))
        return cloud_fault(&b->f, CLOUD_DATA_FORMAT, "%s is no object",
                           is_event ? "events" : "properties");
    json_object_foreach (map, name, value) {
        if (!json_is_array(value)) {
            if (!single)
                return cloud_fault(&b->f, CLOUD_DATA_FORMAT, "%.60s has to be an array", name);
            if (!take_one(b, device, name, value, is_event))
                return false;
        }
        json_array_foreach (value, i, item)
            if (!take_one(b, device, name, item, is_event))
                return false;
    }
    return true;
}

/* An array of such maps, with single values. */
static bool take_maps(struct batch *b, int device, json_t *maps, bool is_event)
{
    json_t *map;
    size_t i;

    if (maps != NULL && !json_is_array(maps))
        return cloud_fault(&b->f, CLOUD_DATA_FORMAT, "%s is no array",
                           is_event ? "events" : "properties");
    json_array_foreach (maps, i, map)
        if (!take_map(b, device, map, is_event, true))
            return false;
    return true;
}

static bool find_child(struct batch *b, const json_t *entry, bool self, int *device)
{
    const json_t *identity = json_object_get(entry, "identity");
    const char *key = cloud_json_string(identity, "productKey");
    const char *name = cloud_json_string(identity, "deviceName");
    const struct cloud_book *book = &b->r->cloud->book;

    if (key == NULL || name == NULL)
        return cloud_fault(&b->f, CLOUD_PARAMETER_ERROR,
                           "an entry has no identity {\"productKey\",\"deviceName\"}");
    *device = cloud_book_device(book, key, name);
    if (self && *device == b->r->device)
        return true;
    if (!book->products[book->devices[b->r->device].product].gateway || *device == b->r->device)
        return cloud_fault(&b->f, CLOUD_NO_TOPOLOGY, "%.40s %.40s is none of its sub-devices", key,
                           name);
    return *device >= 0 || cloud_fault(&b->f, 6100, "no device %.40s %.40s", key, name);
}

static bool take_history(struct batch *b)
{
    json_t *entry;
    size_t i;
    int device;

    json_array_foreach (b->r->params, i, entry)
        if (!find_child(b, entry, true, &device) ||
            !take_maps(b, device, json_object_get(entry, "properties"), false) ||
            !take_maps(b, device, json_object_get(entry, "events"), true))
            return false;
    return true;
}

static bool take_batch(struct batch *b)
{
    json_t *params = b->r->params;

    return take_map(b, b->r->device, json_object_get(params, "properties"), false, false) &&
           take_map(b, b->r->device, json_object_get(params, "events"), true, false);
}

static bool take_pack(struct batch *b)
{
    json_t *params = b->r->params, *entry;
    json_t *children = json_object_get(params, "subDevices");
    size_t i;
    int device;

    if (children != NULL && !json_is_array(children))
        return cloud_fault(&b->f, CLOUD_DATA_FORMAT, "subDevices is no array");
    if (json_array_size(children) > CLOUD_PACK_CHILDREN_MAX)
        return cloud_fault(&b->f, CLOUD_CHILDREN_TOO_MANY, "more than %d sub-devices",
                           CLOUD_PACK_CHILDREN_MAX);
    if (!take_map(b, b->r->device, json_object_get(params, "properties"), false, true) ||
        !take_map(b, b->r->device, json_object_get(params, "events"), true, true))
        return false;
    json_array_foreach (children, i, entry)
        if (!find_child(b, entry, false, &device) ||
            !take_map(b, device, json_object_get(entry, "properties"), false, true) ||
            !take_map(b, device, json_object_get(entry, "events"), true, true))
            return false;
    return true;
}

static void take(struct cloud_request *r, int events_max, bool (*walk)(struct batch *))
{
    for (int round = 0; round < 2; round++) {
        struct batch b = {.r = r, .store = round == 1, .events_max = events_max};
        if (!walk(&b)) {
            cloud_refuse_fault(r, &b.f);
            return;
        }
        if (b.properties + b.events == 0) {
            cloud_refuse(r, CLOUD_MAP_EMPTY, "neither a property nor an event");
            return;
        }
    }
}

void cloud_report_history(struct cloud_request *r)
{
    take(r, CLOUD_POST_EVENTS_MAX, take_history);
}

void cloud_report_batch(struct cloud_request *r)
{
    take(r, CLOUD_POST_EVENTS_MAX, take_batch);
}

void cloud_report_pack(struct cloud_request *r)
{
    take(r, CLOUD_PACK_EVENTS_MAX, take_pack);
}

/* ---- Raw data -------------------------------------------------------------------------------- */

void cloud_report_raw(struct cloud *c, int device, const void *payload, size_t len, uint64_t now_ms)
{
    const struct cloud_product *p = &c->book.products[c->book.devices[device].product];
    char topic[CLOUD_TOPIC_MAX + 1];

    if (!p->raw) {
        cloud_say(c, "raw data of %s %s dropped: its product is not raw", p->key,
                  cloud_name_of(c, device));
        return;
    }
    char *answer = calloc(1, len + 1);
    if (answer == NULL)
        abort();
    if (len > 1)
        memcpy(answer + 1, (const char *)payload + 1, len - 1);
    snprintf(topic, sizeof topic, "/sys/%s/%s/thing/model/up_raw_reply", p->key,
             cloud_name_of(c, device));
    cloud_thing_exchange(c, device, "thing/model/up_raw", "", CLOUD_OK, now_ms);
    cloud_answer(c, device, topic, answer, len > 0 ? len : 1, now_ms);
    free(answer);
}
