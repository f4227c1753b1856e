/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_thing.h"

#include "link/iot_link_field.h"

#include <string.h>

#if IOT_FEATURE_THING

/* `["Power","Brightness"]`, or with versions `{"Power":{"version":2},"Brightness":{}}`. */
static void put_names(const struct iot_thing *t, const struct iot_properties *which, bool object,
                      const uint32_t *versions, struct iot_writer *w)
{
    uint32_t count;
    const struct iot_field *fields = iot_thing_properties(t, &count);
    const char *before = object ? "{" : "[";

    for (uint32_t i = 0; i < count; i++) {
        if (!iot_properties_has(which, i))
            continue;
        iot_json_put(w, before);
        before = ",";
        iot_json_put_text(w, fields[i].id);
        if (!object)
            continue;
        iot_json_put(w, versions != NULL ? ":{\"version\":" : ":{");
        if (versions != NULL)
            iot_writer_u32(w, versions[i]);
        iot_json_put(w, "}");
    }
    iot_json_put(w, object ? "}" : "]");
}

static iot_err ask_desired(struct iot_thing *t, const char *method, bool object,
                           const struct iot_properties *which, const uint32_t *versions,
                           iot_ticket *ticket)
{
    struct iot_writer count = iot_field_counter(), w;
    struct iot_properties set;

    if (!iot_thing_choose(t, which, IOT_ACCESS_WRITE, &set))
        return IOT_ERR_ARG;
    put_names(t, &set, object, versions, &count);
    iot_err err = iot_alink_ask(t->alink, method, NULL, IOT_ALINK_PLAIN, 0, count.len, &w);
    if (err != IOT_OK)
        return err;
    put_names(t, &set, object, versions, &w);
    return iot_alink_commit(&w, ticket);
}

iot_err iot_thing_desired_get(struct iot_thing *thing, const struct iot_properties *which,
                              iot_ticket *ticket)
{
    return ask_desired(thing, "thing/property/desired/get", false, which, NULL, ticket);
}

iot_err iot_thing_desired_delete(struct iot_thing *thing, const struct iot_properties *which,
                                 const uint32_t *versions, iot_ticket *ticket)
{
    return ask_desired(thing, "thing/property/desired/delete", true, which, versions, ticket);
}

int32_t iot_thing_desired_apply(struct iot_thing *thing, struct iot_json data,
                                struct iot_properties *applied, uint32_t *versions)
{
    const struct iot_field *fields, *failed;
    struct iot_json_walk w = iot_json_walk(data);
    struct iot_properties told;
    struct iot_json key, value, version;
    uint32_t count;

    memset(applied, 0, sizeof *applied);
    if (iot_json_kind(data) != IOT_JSON_OBJECT)
        return IOT_CODE_FORMAT;
    int32_t code = iot_thing_store(thing, data, IOT_FIELD_WRAPPED, applied, &failed);
    if (code != IOT_CODE_OK || versions == NULL)
        return code;
    fields = iot_thing_properties(thing, &count);
    memset(&told, 0, sizeof told);
    for (uint32_t i = 0; iot_json_next(&w, &key, &value); i++) {
        i = iot_field_find(fields, count, i, key);
        if (!iot_properties_has(&told, i) && iot_json_get(value, "version", &version) == IOT_OK)
            (void)iot_json_u32(version, &versions[i]);
        iot_properties_add(&told, i);
    }
    return code;
}

#endif
