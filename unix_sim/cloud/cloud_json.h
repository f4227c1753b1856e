/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_json.h
 * JSON for the emulator: jansson, and the few things that it has no call for. It is not the code of the library that is
 * tested here: a fault of one is seen by the other. Objects keep the order in which their members came.
 */
#ifndef CLOUD_JSON_H
#define CLOUD_JSON_H

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOUD_JSON_DEPTH_MAX 64 /* levels of a message */

/** So that each run is like the other. Call before anything else in here. */
void cloud_json_start(void);

/**
 * Read one value: an object or an array, nothing behind it, no name twice in an object.
 *
 * why      out, if NULL is returned: what is wrong, in words.
 * Returns  a new reference.
 */
json_t *cloud_json_read(const void *bytes, size_t len, char *why, size_t cap);

/** As text, in one line, by malloc; a real number with 15 digits. NULL never comes back. */
char *cloud_json_text(const json_t *value);

/** The text of a member; NULL: there is none, or it is no text. */
const char *cloud_json_string(const json_t *object, const char *name);

/** Whole, and min..max? */
bool cloud_json_integer(const json_t *value, int64_t min, int64_t max, int64_t *out);

/** A number that is given as one or as decimal text. */
bool cloud_json_number(const json_t *value, double *out);

/** Are all members of the object named in the list? NULL ends it. Else the first that is not. */
const char *cloud_json_stranger(json_t *object, const char *const *names);

/** Put `value` (its reference is taken over) behind all others of the array; the oldest go when there are more than
 *  `max`. */
void cloud_json_append(json_t *array, json_t *value, size_t max);

#endif
