/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_thing.h
 * The thing model: properties, events and services of a device, as tables in flash over values in RAM.
 *
 *     struct lamp_values values;                       (lamp.h, lamp.c: made of the platform's model by `make thing`)
 *     static const struct iot_thing_options options = {.model = &lamp_model, .values = &values, .on_set = on_set};
 *     static struct iot_thing thing;
 *     iot_thing_attach(&lamp, &thing, &options);       (once, after iot_device_init)
 *     values.light_switch = true;
 *     iot_thing_post(&thing, IOT_PROPERTIES(LAMP_LIGHT_SWITCH), 0, 0, NULL);
 *
 * What the platform sets is checked whole before any of it is stored. With a kept session a link that ends between a
 * request and its acknowledgement has the broker deliver the request again: it is served again and answered, and `again`
 * of struct iot_thing tells the handler that it may have been served before: the first copy need not have come. To set a
 * value twice does no harm; a service that counts or toggles has to find out by its input, or to be safe to repeat.
 * Requests of ours end as iot_alink.h says:
 * IOT_EV_REPLY or IOT_EV_FAILED. All calls: application code or any callback, in lwIP's context.
 * Protocol: Alibaba Cloud IoT platform, Alink 1.0, thing model; codes as in its table of Alink codes.
 */
#ifndef IOT_THING_H
#define IOT_THING_H

#include "iot/iot_alink.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_THING

struct iot_thing;

/* ---- The model ------------------------------------------------------------------------------- */

/** A type, what holds its value in RAM, and its form in JSON. */
enum iot_type {
    IOT_TYPE_INT,   /* int32_t; number */
    IOT_TYPE_FLOAT, /* float; number */
    IOT_TYPE_BOOL,  /* bool; 1 or 0, and read as true or false as well */
    IOT_TYPE_ENUM,  /* int32_t; number */
    IOT_TYPE_TEXT,  /* char[max + 1], a NUL behind it; string */
    IOT_TYPE_DATE,  /* int64_t, ms since 1970 UTC; string of digits, and read as a number as well */
    IOT_TYPE_STRUCT, /* a struct; object */
    IOT_TYPE_DOUBLE, /* double; number */
    IOT_TYPE_ARRAY,  /* struct { uint16_t count; ITEM item[max]; }; array */
};

enum iot_access {
    IOT_ACCESS_READ = 1,  /* the device posts it */
    IOT_ACCESS_WRITE = 2, /* the platform may set it */
    IOT_ACCESS_OPTIONAL =
        4, /* of input and of members: may be missing, its value stays as it is then */
};

struct iot_ints {
    int32_t min, max;
};

struct iot_reals {
    double min, max;
};

struct iot_field;

/**
 * Where a property is that is not in the values: behind a driver, in a list of another form. Its value is read and
 * written as JSON (iot_json.h). Of properties, input and output; not of members and items.
 *
 * get      append one value of the field's type. Numbers are asked for once; all else twice, with a writer that counts
 *          first, and has to have the same length then.
 * set      `value` is checked already; valid until return. NULL: a request with it is refused (IOT_CODE_ACCESS) before
 *          any setter. An error refuses the whole request (IOT_CODE_SET), of which nothing is in the values then;
 *          setters before this one have had theirs.
 * ctx      of iot_thing_options.
 */
struct iot_accessor {
    void (*get)(void *ctx, const struct iot_field *f, struct iot_writer *w);
    iot_err (*set)(void *ctx, const struct iot_field *f, struct iot_json value);
};

/** One property, input, output, member or item. */
struct iot_field {
    const char *id;  /* plain ASCII; "module:id" in a module. NULL: an item */
    uint8_t type;    /* enum iot_type */
    uint8_t access;  /* enum iot_access */
    uint16_t offset; /* bytes from the values, or from the struct or array that holds it */
    uint16_t size;   /* of an item: bytes from one to the next */
    uint16_t
        max; /* TEXT: bytes without NUL; ENUM: how many values; STRUCT: members; ARRAY: items */
    union {
        const struct iot_ints *ints;    /* INT; NULL: any */
        const struct iot_reals *reals;  /* FLOAT, DOUBLE; NULL: any */
        const int32_t *values;          /* ENUM; NULL: any */
        const struct iot_field *fields; /* STRUCT: its members; ARRAY: its item */
    } of;
    const struct iot_accessor *via; /* NULL: in the values */
};

enum iot_event_level { IOT_LEVEL_INFO, IOT_LEVEL_ALERT, IOT_LEVEL_ERROR };

struct iot_event_spec {
    const char *id;
    const struct iot_field *out;
    uint16_t out_count;
    uint8_t level; /* enum iot_event_level; the platform knows it from its own model */
};

/** Names one call of a service until it is answered. Never 0; a number does not come back soon. */
typedef uint32_t iot_call;

/** The call is answered later, by iot_thing_answer within IOT_CALL_MS, or was answered in the handler. */
#define IOT_CALL_LATER 0

/**
 * A service is called. Its input is in the values, until it is called again: who answers later copies what he needs.
 *
 * call     for iot_thing_answer.
 * Returns  a code: the answer, with the output as it is in the values (IOT_CODE_OK), or without (others);
 *          IOT_CALL_LATER; IOT_ERR_AGAIN, IOT_ERR_FULL: nothing was done, the call comes again.
 * Context  inside iot_poll. As a message handler (iot_mqtt.h): any call but iot_poll is allowed.
 */
typedef int32_t (*iot_call_handler)(void *ctx, struct iot_thing *thing, iot_call call);

struct iot_service_spec {
    const char *id;
    const struct iot_field *in, *out;
    uint16_t in_count, out_count;
    iot_call_handler on_call;
};

/** All of it const, offsets from one struct of values. At most IOT_PROPERTIES_MAX properties, and so many members of a
 *  struct; 250 services; a struct in an array in a struct, not deeper. */
struct iot_model {
    const struct iot_field *properties;
    const struct iot_event_spec *events;
    const struct iot_service_spec *services;
    uint16_t property_count, event_count, service_count;
};

/** A set of properties, by their index in the model, which is below IOT_PROPERTIES_MAX. */
struct iot_properties {
    uint32_t bits[(IOT_PROPERTIES_MAX + 31) / 32];
};

static inline void iot_properties_add(struct iot_properties *set, uint32_t index)
{
    set->bits[index / 32] |= (uint32_t)1 << index % 32;
}

static inline bool iot_properties_has(const struct iot_properties *set, uint32_t index)
{
    return (set->bits[index / 32] >> index % 32 & 1) != 0;
}

/** A set of one, as an argument: it is gone at the end of the statement in C++, of the block in C. In C the index is a
 *  constant. */
#ifdef __cplusplus
struct iot_properties_one {
    explicit iot_properties_one(uint32_t index) : set()
    {
        iot_properties_add(&set, index);
    }
    operator const struct iot_properties *() const
    {
        return &set;
    }
    struct iot_properties set;
};
#define IOT_PROPERTIES(index) iot_properties_one(index)
#else
#define IOT_PROPERTIES(index)                                                                      \
    (&(const struct iot_properties){.bits = {[(index) / 32] = (uint32_t)1 << (index) % 32}})
#endif

/* ---- Codes ----------------------------------------------------------------------------------- */

/** What the library answers itself. Handlers may answer any number. */
enum iot_code {
    IOT_CODE_OK = 200,
    IOT_CODE_SET = 6150,     /* a setter failed */
    IOT_CODE_CALL = 6151,    /* a service did not answer in time; its answer or name is too long */
    IOT_CODE_FORMAT = 6301,  /* params are no object (get: no array of names) */
    IOT_CODE_EMPTY = 6302,   /* params are missing, or a set sets nothing */
    IOT_CODE_MISSING = 6304, /* an input is not there */
    IOT_CODE_INT = 6306,     /* of another type than, or outside of, what the model says: */
    IOT_CODE_FLOAT = 6307,
    IOT_CODE_BOOL = 6308,
    IOT_CODE_ENUM = 6309,
    IOT_CODE_TEXT = 6310,
    IOT_CODE_DATE = 6311,
    IOT_CODE_STRUCT =
        6312, /* also: with a member that it has not, or in an array without one that it has */
    IOT_CODE_DOUBLE = 6322,
    IOT_CODE_ARRAY = 6328,   /* also: too many items */
    IOT_CODE_SERVICE = 6313, /* there is no such service */
    IOT_CODE_ACCESS = 6315,  /* the property cannot be set */
    IOT_CODE_UNKNOWN = 6320, /* there is no such property or input */
};

/* ---- A thing --------------------------------------------------------------------------------- */

/** A service or a set that the model does not know, as it came. Valid until return but for `call`. */
struct iot_request {
    struct iot_bytes name;  /* "property/set", or the service's */
    struct iot_json params; /* IOT_JSON_NONE: there are none */
    iot_call call;
};

/** Borrowed while the thing is attached; const in flash is fine. */
struct iot_thing_options {
    const struct iot_model *model; /* NULL: on_request serves everything */
    void *values;
    void *ctx;

    /**
     * The platform has set properties, and was answered. They are in the values; the application normally posts them.
     *
     * changed  all that were named, also if the value is the same as before; valid until return.
     * failed   NULL: none. Else the property whose setter failed: `changed` are those whose setters came before it.
     */
    void (*on_set)(void *ctx, struct iot_thing *thing, const struct iot_properties *changed,
                   const struct iot_field *failed);

    /** Services that the model does not have; and property/set and get if it has no properties. Returns as
     *  iot_call_handler; an answer with data is given by iot_thing_answer_bytes. NULL: there are none. */
    int32_t (*on_request)(void *ctx, struct iot_thing *thing, const struct iot_request *request);
};

/* A request of the platform's that is not answered yet. Private. */
struct iot_call_slot {
    iot_call call; /* 0: free */
    uint32_t id;
    uint32_t deadline; /* low bits of iot_time */
    int32_t code; /* of the answer that is owed; IOT_CALL_LATER: the application has to give one */
    uint8_t service; /* index, or CALL_... */
    uint8_t form;    /* where the answer goes */
    uint8_t token_len;
    char token[IOT_CALL_TOKEN_BYTES];
};

/** Caller's storage; private but for `again`. */
struct iot_thing {
    struct iot_alink *alink;
    const struct iot_thing_options *opt;
    uint32_t calls; /* so far: makes their numbers */
    bool
        again; /* to be read in a handler: this request may have been served before (QoS 1, MQTT's DUP) */
    struct iot_call_slot slots[IOT_CALLS_MAX];
};

/**
 * Give a device its thing, which stays until the next iot_device_init. Before iot_device_connect, or the first requests
 * find nobody.
 *
 * Returns  IOT_OK; IOT_ERR_STATE: it has one; IOT_ERR_ARG: no model and no on_request, a model without values, a
 *          service without on_call;
 *          IOT_ERR_SIZE: a model larger or deeper than struct iot_model says.
 */
iot_err iot_thing_attach(struct iot_device *dev, struct iot_thing *thing,
                         const struct iot_thing_options *options);

/**
 * Post properties as they are in the values, in the order of the model.
 *
 * which    borrowed until return; NULL: all that can be read.
 * flags    enum iot_ask_flag.
 * unix_ms  each value with this time, 13 digits; 0: plain values.
 * ticket   out, may be NULL.
 * Returns  IOT_OK; IOT_ERR_FULL: nothing was queued; IOT_ERR_SIZE: can never fit IOT_MQTT_TX_BYTES, post fewer at a
 *          time; IOT_ERR_ARG: the set is empty or names what the model has not; others as iot_alink_begin.
 */
iot_err iot_thing_post(struct iot_thing *thing, const struct iot_properties *which, uint32_t flags,
                       int64_t unix_ms, iot_ticket *ticket);

/** Post an event, with its output as it is in the values. Arguments and errors as iot_thing_post. */
iot_err iot_thing_event(struct iot_thing *thing, uint32_t event, uint32_t flags, int64_t unix_ms,
                        iot_ticket *ticket);

/** The call waits for its answer, and its output may be written into the values: no other answer of this service, whose
 *  output is there, waits for room. To be asked before that, where several calls of a service may be open at once. */
bool iot_thing_can_answer(struct iot_thing *thing, iot_call call);

/**
 * Answer a call. With IOT_CODE_OK the output is read from the values when the answer is written: at once, or when the
 * outbox has room again. A second call of that service waits until then. While the device closes it may be given until the
 * queue has drained, which does not wait for calls that nobody has answered.
 *
 * Returns  IOT_OK; IOT_ERR_STATE: no such call, as it was answered, came too late or the device was closed; or `code`
 *          is IOT_CALL_LATER;
 *          IOT_ERR_FULL: another answer of this service waits for room, ask again.
 */
iot_err iot_thing_answer(struct iot_thing *thing, iot_call call, int32_t code);

/** Answer a call with `data`, one JSON value. Returns IOT_OK; IOT_ERR_STATE as above; errors as iot_mqtt_begin: nothing was
 *  sent, the call waits on. */
iot_err iot_thing_answer_bytes(struct iot_thing *thing, iot_call call, int32_t code,
                               struct iot_bytes data);

/* ---- Desired values: what the platform holds for a device that was away ---------------------- */

/** Ask for them. The reply's data go to iot_thing_desired_apply. `which` NULL: all that the platform may set. Errors as
 *  iot_thing_post. */
iot_err iot_thing_desired_get(struct iot_thing *thing, const struct iot_properties *which,
                              iot_ticket *ticket);

/**
 * Store the data of such a reply, {"Power":{"value":1,"version":2}}, checked as a set is: all or nothing. on_set is not
 * called.
 *
 * applied  out: those that were named.
 * versions out, may be NULL; by index, property_count of them. Those that are not named stay as they are.
 * Returns  IOT_CODE_OK, or what a set would be answered (enum iot_code).
 */
int32_t iot_thing_desired_apply(struct iot_thing *thing, struct iot_json data,
                                struct iot_properties *applied, uint32_t *versions);

/** Delete desired values that were dealt with. `versions` NULL: whatever their version; else those that are not newer.
 *  Errors as iot_thing_post. */
iot_err iot_thing_desired_delete(struct iot_thing *thing, const struct iot_properties *which,
                                 const uint32_t *versions, iot_ticket *ticket);

/* ---- Many values at once, each with its time -------------------------------------------------- */

enum iot_batch_kind {
    IOT_BATCH,   /* thing/event/property/batch/post: new values */
    IOT_HISTORY, /* thing/event/property/history/post: those of before */
};

/** An open batch. Private. */
struct iot_batch {
    struct iot_writer w;
    struct iot_thing *thing;
    uint8_t kind, part;
    uint16_t last;
};

/**
 * Begin one. Until its commit nothing else can be published.
 *
 * max      bytes of JSON to reserve.
 * Returns  as iot_alink_begin; IOT_ERR_SIZE also when `max` is too small for an empty one.
 */
iot_err iot_thing_batch_begin(struct iot_thing *thing, enum iot_batch_kind kind, uint32_t flags,
                              uint32_t max, struct iot_batch *batch);

/**
 * Add a property, or an event, as it is in `values`: the thing's own, or a copy from then. Properties come before
 * events. In an IOT_BATCH those of one index come one after the other.
 *
 * Returns  IOT_OK; IOT_ERR_FULL: no room, the batch is as before: commit it, begin another; IOT_ERR_STATE: a property
 *          behind an event; IOT_ERR_ARG: the model has no such.
 */
iot_err iot_thing_batch_property(struct iot_batch *batch, uint32_t property, const void *values,
                                 int64_t unix_ms);
iot_err iot_thing_batch_event(struct iot_batch *batch, uint32_t event, const void *values,
                              int64_t unix_ms);

/** Queue it. Errors as iot_mqtt_commit. */
iot_err iot_thing_batch_commit(struct iot_batch *batch, iot_ticket *ticket);

#endif

/* ---- Bytes: products whose data the platform's own script translates, and custom synchronous calls -------------- */

#if IOT_FEATURE_RAW

/** Who takes them. Each handler is one of iot_mqtt.h: valid until return, may decline; NULL: such messages are the
 *  application's, as any other. Borrowed until the next iot_device_init. */
struct iot_raw_handlers {
    /** Bytes from the platform, in parts if they are larger than the window. iot_raw_answer answers, at once. */
    iot_mqtt_handler on_down;
    /** What the platform's script made of its reply to what was posted; in parts, too. */
    iot_mqtt_handler on_reply;
    /** A synchronous call (RRPC) that is no service: on /ext/rrpc/{id}/{any topic}, or on rrpc/request/{id} when it is no
     *  request of a service's. iot_raw_answer answers; the platform waits for some seconds. */
    iot_mqtt_handler on_rrpc;
    void *ctx;
};

void iot_raw_attach(struct iot_device *dev, const struct iot_raw_handlers *handlers);

/** Post bytes. The platform's reply goes to on_reply; nobody waits for it. Errors as iot_mqtt_publish. */
iot_err iot_raw_post(struct iot_device *dev, struct iot_bytes bytes, uint8_t qos,
                     iot_ticket *ticket);

/** Answer `msg` of a handler's, in the handler, by QoS 0. Errors as iot_mqtt_publish, but for an open writer IOT_ERR_FULL:
 *  on that return it, and the message comes again. */
iot_err iot_raw_answer(struct iot_device *dev, const struct iot_msg *msg, struct iot_bytes bytes);

#endif

#ifdef __cplusplus
}
#endif
#endif
