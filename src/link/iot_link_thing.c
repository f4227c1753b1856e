/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_thing.h"

#include "link/iot_link_field.h"

#include <string.h>

#if IOT_FEATURE_THING

#define SERVICES_MAX 250u

static iot_err check_model(const struct iot_model *m)
{
    bool fits = iot_field_fits(m->properties, m->property_count);

    if (m->service_count > SERVICES_MAX)
        return IOT_ERR_SIZE;
    for (uint32_t i = 0; i < m->event_count; i++)
        fits &= iot_field_fits(m->events[i].out, m->events[i].out_count);
    for (uint32_t i = 0; i < m->service_count; i++) {
        const struct iot_service_spec *s = &m->services[i];
        if (s->on_call == NULL)
            return IOT_ERR_ARG;
        fits &= iot_field_fits(s->in, s->in_count) && iot_field_fits(s->out, s->out_count);
    }
    return fits ? IOT_OK : IOT_ERR_SIZE;
}

iot_err iot_thing_attach(struct iot_device *dev, struct iot_thing *thing,
                         const struct iot_thing_options *options)
{
    struct iot_alink *a = iot_alink_of(dev);

    if (a->thing != NULL)
        return IOT_ERR_STATE;
    if (options->model == NULL ? options->on_request == NULL : options->values == NULL)
        return IOT_ERR_ARG;
    iot_err err = options->model == NULL ? IOT_OK : check_model(options->model);
    if (err != IOT_OK)
        return err;
    memset(thing, 0, sizeof *thing);
    thing->alink = a;
    thing->opt = options;
    a->thing = thing;
    return IOT_OK;
}

/* ---- Properties ------------------------------------------------------------------------------ */

const struct iot_field *iot_thing_properties(const struct iot_thing *t, uint32_t *count)
{
    const struct iot_model *m = t->opt->model;

    *count = m == NULL ? 0 : m->property_count;
    return m == NULL ? NULL : m->properties;
}

int32_t iot_thing_store(struct iot_thing *t, struct iot_json params, uint32_t how,
                        struct iot_properties *changed, const struct iot_field **failed)
{
    struct iot_field_taking k = {.ctx = t->opt->ctx, .base = t->opt->values};
    uint32_t count;
    const struct iot_field *fields = iot_thing_properties(t, &count);

    int32_t code = iot_field_store(&k, fields, count, how | IOT_ACCESS_WRITE, params, changed);
    *failed = k.failed;
    return code;
}

bool iot_thing_choose(const struct iot_thing *t, const struct iot_properties *which, uint8_t access,
                      struct iot_properties *set)
{
    uint32_t count;
    const struct iot_field *fields = iot_thing_properties(t, &count);

    return iot_field_choose(fields, count, which, access, set);
}

void iot_thing_put_properties(struct iot_thing *t, const struct iot_properties *which,
                              int64_t unix_ms, struct iot_writer *w)
{
    uint32_t count;
    const struct iot_field *fields = iot_thing_properties(t, &count);

    iot_field_put_all(t->opt->ctx, fields, count, which, t->opt->values, unix_ms, w);
}

iot_err iot_thing_post(struct iot_thing *thing, const struct iot_properties *which, uint32_t flags,
                       int64_t unix_ms, iot_ticket *ticket)
{
    struct iot_writer count = iot_field_counter(), w;
    struct iot_properties set;

    if (!iot_thing_choose(thing, which, IOT_ACCESS_READ, &set))
        return IOT_ERR_ARG;
    iot_thing_put_properties(thing, &set, unix_ms, &count);
    iot_err err = iot_alink_ask(thing->alink, "thing/event/property/post", NULL, IOT_ALINK_PLAIN,
                                flags, count.len, &w);
    if (err != IOT_OK)
        return err;
    iot_thing_put_properties(thing, &set, unix_ms, &w);
    return iot_alink_commit(&w, ticket);
}

/* ---- Events ---------------------------------------------------------------------------------- */

const struct iot_event_spec *iot_thing_event_spec(const struct iot_thing *t, uint32_t event)
{
    const struct iot_model *m = t->opt->model;

    return m == NULL || event >= m->event_count ? NULL : &m->events[event];
}

iot_err iot_thing_event(struct iot_thing *thing, uint32_t event, uint32_t flags, int64_t unix_ms,
                        iot_ticket *ticket)
{
    const struct iot_event_spec *e = iot_thing_event_spec(thing, event);
    struct iot_writer count = iot_field_counter(), w;

    if (e == NULL)
        return IOT_ERR_ARG;
    iot_field_put_event(thing->opt->ctx, e, thing->opt->values, unix_ms, &count);
    iot_err err = iot_alink_ask(thing->alink, "thing/event/+/post", e->id, IOT_ALINK_PLAIN, flags,
                                count.len, &w);
    if (err != IOT_OK)
        return err;
    iot_field_put_event(thing->opt->ctx, e, thing->opt->values, unix_ms, &w);
    return iot_alink_commit(&w, ticket);
}

#endif
