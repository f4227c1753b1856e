/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_thing.h"

#include "link/iot_link_field.h"

#if IOT_FEATURE_THING

enum part { PART_NONE, PART_PROPERTIES, PART_EVENTS };

#define LAST_NONE UINT16_MAX

/* What closes the JSON, whatever is open. */
#define END_BYTES 5u

static void put_end(struct iot_batch *b)
{
    bool none = b->part == PART_NONE;

    if (b->kind == IOT_HISTORY)
        iot_json_put(&b->w, none ? "[]}]" : "]}]");
    else
        iot_json_put(&b->w, none ? "{}}" : "]}}");
}

/* For what closes it, the request's own brace among that. */
static bool has_room(const struct iot_writer *w)
{
    return !w->overflow && w->cap - w->len >= END_BYTES + 1;
}

static void put_head(struct iot_batch *b)
{
    struct iot_writer *w = &b->w;
    const struct iot_link_identity *id = b->thing->alink->id;

    if (b->kind == IOT_HISTORY) {
        iot_json_put(w, "[{\"identity\":{\"productKey\":");
        iot_json_put_text(w, id->product_key);
        iot_json_put(w, ",\"deviceName\":");
        iot_json_put_text(w, id->device_name);
        iot_json_put(w, "},");
    } else {
        iot_json_put(w, "{");
    }
    iot_json_put(w, "\"properties\":");
}

iot_err iot_thing_batch_begin(struct iot_thing *thing, enum iot_batch_kind kind, uint32_t flags,
                              uint32_t max, struct iot_batch *batch)
{
    *batch = (struct iot_batch){.thing = thing, .kind = (uint8_t)kind, .last = LAST_NONE};
    iot_err err = iot_alink_ask(thing->alink,
                                kind == IOT_HISTORY ? "thing/event/property/history/post"
                                                    : "thing/event/property/batch/post",
                                NULL, IOT_ALINK_PLAIN, flags, max, &batch->w);
    if (err != IOT_OK)
        return err;
    put_head(batch);
    if (has_room(&batch->w))
        return IOT_OK;
    thing->alink->line->cancel(&batch->w);
    return IOT_ERR_SIZE;
}

/* What comes before the value of `id`, of another part or index than the one before. */
static void put_next(struct iot_batch *b, enum part part, bool same, const char *id)
{
    struct iot_writer *w = &b->w;
    bool lists = b->kind == IOT_BATCH; /* of values, by id */
    bool first = part != b->part;

    if (first && part == PART_EVENTS && b->part == PART_NONE)
        iot_json_put(w, lists ? "{}," : "[],");
    else if (first && part == PART_EVENTS)
        iot_json_put(w, lists ? "]}," : "],");
    if (first && part == PART_EVENTS)
        iot_json_put(w, "\"events\":");
    if (first)
        iot_json_put(w, lists ? "{" : "[");
    else
        iot_json_put(w, lists && !same ? "]," : ",");
    if (!lists)
        iot_json_put(w, "{");
    if (!lists || !same)
        iot_json_key(w, id);
    if (lists && !same)
        iot_json_put(w, "[");
}

/* Undone if it does not fit, with what closes it. */
static iot_err added(struct iot_batch *b, enum part part, uint32_t index, uint32_t before)
{
    struct iot_writer *w = &b->w;

    if (b->kind == IOT_HISTORY)
        iot_json_put(w, "}");
    if (!has_room(w)) {
        w->overflow = false;
        w->len = before;
        return IOT_ERR_FULL;
    }
    b->part = (uint8_t)part;
    b->last = (uint16_t)index;
    return IOT_OK;
}

iot_err iot_thing_batch_property(struct iot_batch *batch, uint32_t property, const void *values,
                                 int64_t unix_ms)
{
    struct iot_thing *t = batch->thing;
    uint32_t count, before = batch->w.len;
    const struct iot_field *fields = iot_thing_properties(t, &count);

    if (property >= count)
        return IOT_ERR_ARG;
    if (batch->part == PART_EVENTS)
        return IOT_ERR_STATE;
    put_next(batch, PART_PROPERTIES, batch->last == property, fields[property].id);
    iot_json_put(&batch->w, "{\"value\":");
    iot_field_put(t->opt->ctx, &fields[property], values, &batch->w);
    iot_field_put_time(&batch->w, unix_ms);
    return added(batch, PART_PROPERTIES, property, before);
}

iot_err iot_thing_batch_event(struct iot_batch *batch, uint32_t event, const void *values,
                              int64_t unix_ms)
{
    const struct iot_event_spec *e = iot_thing_event_spec(batch->thing, event);
    uint32_t before = batch->w.len;

    if (e == NULL)
        return IOT_ERR_ARG;
    put_next(batch, PART_EVENTS, batch->part == PART_EVENTS && batch->last == event, e->id);
    iot_json_put(&batch->w, "{\"value\":");
    iot_field_put_all(batch->thing->opt->ctx, e->out, e->out_count, NULL, values, 0, &batch->w);
    iot_field_put_time(&batch->w, unix_ms);
    return added(batch, PART_EVENTS, event, before);
}

iot_err iot_thing_batch_commit(struct iot_batch *batch, iot_ticket *ticket)
{
    put_end(batch);
    return iot_alink_commit(&batch->w, ticket);
}

#endif
