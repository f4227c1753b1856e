/* SPDX-License-Identifier: Apache-2.0 */
/* What the thing model says, as JSON or CBOR. Protocol: Alibaba Cloud IoT platform, Alink 1.0, thing model. */
#include "link/iot_link_uplink.h"

#if IOT_FEATURE_UPLINK && IOT_FEATURE_THING

#include "iot/iot_cbor.h"
#include "link/iot_link_field.h"

#include <string.h>

#if IOT_FEATURE_CBOR
/* Behind the JSON, and then in its place. What an accessor wrote may be none. */
static iot_err encode(struct iot_uplink *up, struct iot_writer *w)
{
    uint8_t *json = up->opt->work + up->at;
    uint32_t from = w->len;
    struct iot_json root;

    if (w->overflow)
        return IOT_ERR_SIZE;
    iot_err err = iot_json_check((struct iot_bytes){json, from - up->at}, &root, NULL);
    if (err != IOT_OK)
        return err;
    iot_cbor_of_json(root, w);
    memmove(json, up->opt->work + from, w->len - from);
    w->len -= from - up->at;
    up->format = IOT_COAP_CBOR;
    return IOT_OK;
}
#else
static iot_err encode(struct iot_uplink *up, struct iot_writer *w)
{
    (void)up, (void)w;
    return IOT_ERR_ARG; /* iot_uplink_init has refused it */
}
#endif

static iot_err send(struct iot_uplink *up, struct iot_writer *w)
{
    iot_uplink_close(up, w);
    up->coded = true;
    iot_err err = up->opt->cbor ? encode(up, w) : IOT_OK;
    return err == IOT_OK ? iot_uplink_send(up, w, IOT_UPLINK_POST) : iot_uplink_drop(up, err);
}

iot_err iot_uplink_properties(struct iot_uplink *up, const struct iot_model *model, void *values,
                              const struct iot_properties *which, int64_t unix_ms)
{
    const struct iot_field *fields = model->properties;
    uint32_t count = model->property_count;
    struct iot_properties set;
    struct iot_writer w;

    if (!iot_field_fits(fields, count))
        return IOT_ERR_SIZE;
    if (!iot_field_choose(fields, count, which, IOT_ACCESS_READ, &set))
        return IOT_ERR_ARG;
    iot_err err = iot_uplink_open(up, IOT_UPLINK_THING("thing/event/property/post"), NULL, &w);
    if (err != IOT_OK)
        return err;
    iot_field_put_all(up->opt->ctx, fields, count, &set, values, unix_ms, &w);
    return send(up, &w);
}

iot_err iot_uplink_event(struct iot_uplink *up, const struct iot_model *model, void *values,
                         uint32_t event, int64_t unix_ms)
{
    const struct iot_event_spec *e;
    struct iot_writer w;

    if (event >= model->event_count)
        return IOT_ERR_ARG;
    e = &model->events[event];
    if (!iot_field_fits(e->out, e->out_count))
        return IOT_ERR_SIZE;
    iot_err err =
        iot_uplink_open(up, IOT_UPLINK_THING("thing/event/" IOT_ASK_VALUE "/post"), e->id, &w);
    if (err != IOT_OK)
        return err;
    iot_field_put_event(up->opt->ctx, e, values, unix_ms, &w);
    return send(up, &w);
}

#endif
