/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_json.h
 * JSON (RFC 8259) in place: nothing is copied until you ask for it, and nothing is allocated.
 *
 * A received text is checked once, whole and strictly (iot_json_check). Everything else works on what was checked:
 * walking through it reads again, and remembers nothing. What was never checked may give any answer, but is not
 * read beyond its end.
 *
 *     struct iot_json root, params, key, value;
 *     if (iot_json_check(payload, &root, NULL) != IOT_OK) ...
 *     if (iot_json_get(root, "params", &params) == IOT_OK)
 *         for (struct iot_json_walk w = iot_json_walk(params); iot_json_next(&w, &key, &value);)
 *             ...
 *
 * Of duplicate keys the first counts. Numbers are read and written by the library's own code, exact to the last bit, without
 * libc, a locale or floating-point arithmetic. All of it may be called from anywhere: there is no state but yours.
 */
#ifndef IOT_JSON_H
#define IOT_JSON_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_JSON

enum iot_json_kind {
    IOT_JSON_NONE, /* no value: a slice that is empty */
    IOT_JSON_NULL,
    IOT_JSON_FALSE,
    IOT_JSON_TRUE,
    IOT_JSON_NUMBER,
    IOT_JSON_STRING,
    IOT_JSON_ARRAY,
    IOT_JSON_OBJECT,
};

/** One value of a checked text, from its first byte to its last: quotes and brackets are part of it. Lives as
 *  long as the text. */
struct iot_json {
    const uint8_t *ptr;
    uint32_t len;
};

/**
 * Is this JSON, all of it? One value, blanks around it allowed.
 *
 * text     at most 2^31 - 1 bytes. Time grows with them, the stack does not (200 bytes).
 * root     out: the value; unchanged unless IOT_OK is returned. Lives as long as the text.
 * offset   out, may be NULL: where it ceases to be JSON; the length, if something is missing at the end.
 * Returns  IOT_OK; IOT_ERR_JSON_SYNTAX: it is not (also ill-formed UTF-8, half a surrogate pair in \u, a control
 *          character in a string, bytes behind the value); IOT_ERR_JSON_DEPTH: nested deeper than
 *          IOT_JSON_DEPTH_MAX, where it begins to be; IOT_ERR_ARG: the text is too long.
 */
iot_err iot_json_check(struct iot_bytes text, struct iot_json *root, uint32_t *offset);

enum iot_json_kind iot_json_kind(struct iot_json v);

/** A walk through the members of an object or the elements of an array. Private but for its calls. */
struct iot_json_walk {
    const uint8_t *at, *end;
    bool keys;
};

/** To the front; of anything but an object or array: there is nothing to walk through. */
struct iot_json_walk iot_json_walk(struct iot_json container);

/** The next one; false: there are no more. `key` is a string of an object, and IOT_JSON_NONE of an array; may
 *  be NULL. */
bool iot_json_next(struct iot_json_walk *w, struct iot_json *key, struct iot_json *value);

/** Member `name` (plain ASCII) of an object; IOT_ERR_JSON_MISSING: it has none, or is no object. */
iot_err iot_json_get(struct iot_json object, const char *name, struct iot_json *value);

/** Is it a string with exactly these characters, escapes resolved? */
bool iot_json_is(struct iot_json string, const char *text);

/** How many members or elements; 0 also of anything else. */
uint32_t iot_json_count(struct iot_json container);

/* ---- Values. IOT_ERR_JSON_TYPE: of another kind; IOT_ERR_JSON_RANGE: outside of what the result can hold.
 * `out` is unchanged then. A number written with a point or an exponent is an integer if its value is one (1.0, 1e3,
 * -0); else it is of another kind (1.5). */

iot_err iot_json_i32(struct iot_json v, int32_t *out);
iot_err iot_json_u32(struct iot_json v, uint32_t *out);
iot_err iot_json_i64(struct iot_json v, int64_t *out);

/** The nearest value, of two as near the even one; what is too large is IOT_ERR_JSON_RANGE, what is too small becomes 0.
 *  Half a KB of stack. */
iot_err iot_json_float(struct iot_json v, float *out);
iot_err iot_json_double(struct iot_json v, double *out);

/** true, false, and the numbers 1 and 0 (the platform's form). */
iot_err iot_json_bool(struct iot_json v, bool *out);

/** A number, or a string that holds one, without escapes, and nothing else: the platform writes ids and times either
 *  way. */
iot_err iot_json_u32_text(struct iot_json v, uint32_t *out);
iot_err iot_json_i64_text(struct iot_json v, int64_t *out);

/**
 * A string, escapes resolved, with a NUL behind it.
 *
 * to       may be NULL if cap is 0.
 * cap      of `to`, with the NUL.
 * len      out, may be NULL: bytes without the NUL; of a string that is too long: what it needs, less one.
 * Returns  IOT_OK; IOT_ERR_JSON_TYPE; IOT_ERR_SIZE, `to` is too small and is ""; IOT_ERR_JSON_RANGE, it holds a
 *          NUL (\u0000), which would hide what is behind it; `to` is "".
 */
iot_err iot_json_text(struct iot_json v, char *to, uint32_t cap, uint32_t *len);

/** Bytes of a string, escapes resolved, without a NUL; 0 also of anything else. */
uint32_t iot_json_text_len(struct iot_json v);

/** A string without escapes as it lies there; IOT_ERR_JSON_TYPE: no string; IOT_ERR_STATE: it has escapes, use
 *  iot_json_text. */
iot_err iot_json_raw_text(struct iot_json v, struct iot_bytes *out);

/* ---- Writing. These append to a writer (iot_mqtt_begin gives one on the transmit ring); what does not fit sets
 * its `overflow`, and its commit says so. Commas and colons are yours: iot_json_key writes `"name":`. */

/** `{`, `[`, `,` and the like, as they are. */
#define iot_json_put iot_writer_text

/** `"name":`; the name is escaped. */
void iot_json_key(struct iot_writer *w, const char *name);

/** A string, quoted and escaped: quotes, backslashes and control characters. Each byte that is no well-formed UTF-8 becomes
 *  U+FFFD, so that what was written is JSON. `text` may be {NULL, 0}. */
void iot_json_put_text(struct iot_writer *w, const char *text);
void iot_json_put_bytes(struct iot_writer *w, struct iot_bytes text);

void iot_json_put_i32(struct iot_writer *w, int32_t value);
void iot_json_put_i64(struct iot_writer *w, int64_t value);

/** The shortest text that is read back as the same value: at most 15 bytes (float), 24 (double). Infinities and what is no
 *  number have no JSON: they become null. Half a KB of stack. */
void iot_json_put_float(struct iot_writer *w, float value);
void iot_json_put_double(struct iot_writer *w, double value);

#endif

#ifdef __cplusplus
}
#endif
#endif
