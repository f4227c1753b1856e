/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the thing model, from JSON into RAM and back. Pure: knows the tables and the values, no messages. */
#ifndef IOT_LINK_FIELD_H
#define IOT_LINK_FIELD_H

#include "iot/iot_thing.h"

#if IOT_FEATURE_THING

/** Storing what the platform says goes over the JSON as often as it takes: first nothing changes but `seen`. */
enum iot_field_pass { IOT_FIELD_CHECK, IOT_FIELD_SETTERS, IOT_FIELD_STORE };

/** Beside the bits of enum iot_access that are asked of each field: */
enum iot_field_how {
    IOT_FIELD_WHOLE = 0x40,   /* every field that is not optional has to be there */
    IOT_FIELD_WRAPPED = 0x80, /* values are {"value":v} */
};

struct iot_field_taking {
    void *ctx; /* of setters */
    uint8_t *base;
    enum iot_field_pass pass;
    bool via; /* there are setters */
    const struct iot_field *failed;
};

/** One pass over the members of `object`; `seen`: out, which they are. Returns a code. */
int32_t iot_field_take(struct iot_field_taking *k, const struct iot_field *fields, uint32_t count,
                       uint32_t how, struct iot_json object, struct iot_properties *seen);

/** All passes: everything is stored, or nothing but what setters did that came before `failed`; then `seen` are those. */
int32_t iot_field_store(struct iot_field_taking *k, const struct iot_field *fields, uint32_t count,
                        uint32_t how, struct iot_json object, struct iot_properties *seen);

/** Index of the one called `name`, a string; `count`: none. Looks first at `from`. */
uint32_t iot_field_find(const struct iot_field *fields, uint32_t count, uint32_t from,
                        struct iot_json name);

/** Append a value. A writer without memory counts: never less than what is written later. */
void iot_field_put(void *ctx, const struct iot_field *f, const uint8_t *base, struct iot_writer *w);

/** An object of those in `which`, NULL: of all. `unix_ms` not 0: values as {"value":v,"time":ms}. */
void iot_field_put_all(void *ctx, const struct iot_field *fields, uint32_t count,
                       const struct iot_properties *which, const void *base, int64_t unix_ms,
                       struct iot_writer *w);

/** What an event says; `unix_ms` not 0: as {"value":{...},"time":ms}. */
void iot_field_put_event(void *ctx, const struct iot_event_spec *e, const void *base,
                         int64_t unix_ms, struct iot_writer *w);

/** Those in `which`, NULL: all with that access. False: there are none, or one that the table has not. */
bool iot_field_choose(const struct iot_field *fields, uint32_t count,
                      const struct iot_properties *which, uint8_t access,
                      struct iot_properties *set);

/** `,"time":1700000000000}`, behind a value. */
void iot_field_put_time(struct iot_writer *w, int64_t unix_ms);

/** Is a table of `count` within what struct iot_model allows? */
bool iot_field_fits(const struct iot_field *fields, uint32_t count);

/** A writer that counts. */
static inline struct iot_writer iot_field_counter(void)
{
    struct iot_writer w = {.ptr = NULL, .cap = UINT32_MAX};
    return w;
}

#endif
#endif
