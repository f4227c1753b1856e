/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_model.h
 * A product's thing model (its TSL, as the console exports it), and whether values keep to it: protocol 4.3, 4.12.
 *
 * A text is refused unless it is a model: `profile` with the product's key; `properties`, `events` and `services`, each
 * of which may be missing; identifiers that are unique; types as in table 4.3 with the specs that they need. Numbers in
 * specs are numbers or text, as consoles have either; without min and max a number has only its type's bounds.
 */
#ifndef CLOUD_MODEL_H
#define CLOUD_MODEL_H

#include "cloud/cloud_json.h"

#define CLOUD_MODEL_BYTES_MAX  (256u * 1024u) /* of the file */
#define CLOUD_IDENTIFIER_MAX   50
#define CLOUD_MODEL_ARRAY_MAX  512
#define CLOUD_MODEL_STRUCT_MAX 50
#define CLOUD_MODEL_ENUM_MAX   100
#define CLOUD_MODEL_TEXT_MAX   10240

/* Codes of table 14.3; which of them is meant by what is the emulator's reading of their names. */
enum cloud_code {
    CLOUD_OK = 200,
    CLOUD_REQUEST_ERROR = 400, /* not JSON, no object */
    CLOUD_PARAMETER_ERROR = 460,
    CLOUD_SYSTEM_ERROR = 500,
    CLOUD_LIST_TOO_LONG = 6104,
    CLOUD_LIST_EMPTY = 6105,
    CLOUD_MAP_TOO_LARGE = 6106,
    CLOUD_MAP_EMPTY = 6107,
    CLOUD_NO_MODEL = 6206,    /* the product has no properties at all */
    CLOUD_DATA_FORMAT = 6207, /* params of a post are no object */
    CLOUD_METHOD_MISSING = 6300,
    CLOUD_PARAMS_FORMAT = 6301, /* a value that is neither plain nor {"value","time"} */
    CLOUD_PARAMS_EMPTY = 6302,  /* null */
    CLOUD_PARAMS_NUMBER = 6303, /* a time or a version is no such number */
    CLOUD_PARAMS_MISSING = 6304,
    CLOUD_PARAMS_TYPE = 6305, /* an array instead of an object, or the other way round */
    CLOUD_BAD_INT = 6306,
    CLOUD_BAD_FLOAT = 6307,
    CLOUD_BAD_BOOL = 6308,
    CLOUD_BAD_ENUM = 6309,
    CLOUD_BAD_TEXT = 6310,
    CLOUD_BAD_DATE = 6311,
    CLOUD_BAD_STRUCT = 6312,
    CLOUD_NO_SERVICE = 6313,
    CLOUD_BAD_TYPE = 6314, /* not even the JSON type */
    CLOUD_NO_PROPERTY = 6320,
    CLOUD_NO_IDENTIFIER = 6321, /* it is empty */
    CLOUD_BAD_DOUBLE = 6322,
    CLOUD_BAD_ARRAY = 6328,
    CLOUD_NO_EVENT = 6352,
    CLOUD_EVENTS_TOO_MANY = 6356,
    CLOUD_CHILDREN_TOO_MANY = 6357,
    CLOUD_NO_TOPOLOGY = 6401,
    CLOUD_DESIRED_VERSION = 6661,
    CLOUD_NO_FILE = 6710,
    CLOUD_NO_FILE_SERVICE = 6713,
};

/** What is wrong with a value. */
struct cloud_fault {
    int code;
    char text[256];
};

struct cloud_model;

/**
 * Read a model.
 *
 * key      the product that it must be for; NULL: any.
 * why      out, if NULL is returned: what is wrong, in words.
 * Returns  a model, for cloud_model_free.
 */
struct cloud_model *cloud_model_read(const char *text, const char *key, char *why, size_t cap);

/** NULL is none. */
void cloud_model_free(struct cloud_model *m);

/** The whole TSL, as it was read. Lives as long as the model; so do the others. */
json_t *cloud_model_tsl(const struct cloud_model *m);

/** What has that identifier; NULL: nothing, or no model. Of a model with a functionBlockId BLOCK, "BLOCK:identifier" is
 *  the same as "identifier". */
json_t *cloud_model_property(const struct cloud_model *m, const char *identifier);
json_t *cloud_model_event(const struct cloud_model *m, const char *identifier);
json_t *cloud_model_service(const struct cloud_model *m, const char *identifier);

/** Does the console let an application set it? */
bool cloud_model_writable(const json_t *property);

/** A value of a property; `name` is for the words of the fault. */
bool cloud_model_check(json_t *property, json_t *value, const char *name,
                       struct cloud_fault *fault);

/** Members of an object, by a list of {identifier, name, dataType}: each is known and keeps to its type. `all`: none is
 *  missing. */
bool cloud_model_check_fields(json_t *fields, json_t *object, bool all, struct cloud_fault *fault);

/** Note a fault; always false. */
__attribute__((format(printf, 3, 4))) bool cloud_fault(struct cloud_fault *fault, int code,
                                                       const char *format, ...);

#endif
