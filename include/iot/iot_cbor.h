/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_cbor.h
 * CBOR (RFC 8949), written and read in place: without copies, trees or memory of its own. The sister of iot_json.h.
 *
 *     iot_cbor_map(&w, 2);
 *     iot_cbor_text(&w, "on");          iot_cbor_bool(&w, true);
 *     iot_cbor_text(&w, "brightness");  iot_cbor_int(&w, 40);
 *
 * Written is the deterministic encoding (4.2.1): heads as short as they can be, lengths that are known, floating point in the
 * shortest form that keeps the value. Read is what is well-formed (5.3.1), of any encoding, and a little less: no lengths that come
 * later (indefinite), no text that is not UTF-8 or has a U+0000 in it, nor more than IOT_JSON_DEPTH_MAX containers in each other.
 */
#ifndef IOT_CBOR_H
#define IOT_CBOR_H

#include "iot/iot_base.h"
#include "iot/iot_json.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_CBOR

/* ---- Writing. Who begins a container appends so many values behind it. */

void iot_cbor_int(struct iot_writer *w, int64_t value);
void iot_cbor_uint(struct iot_writer *w, uint64_t value);
void iot_cbor_bool(struct iot_writer *w, bool value);
void iot_cbor_null(struct iot_writer *w);
void iot_cbor_double(struct iot_writer *w, double value); /* also infinite, and what is no number */
void iot_cbor_text(struct iot_writer *w, const char *text); /* UTF-8 */
void iot_cbor_text_bytes(struct iot_writer *w, struct iot_bytes utf8);
void iot_cbor_bytes(struct iot_writer *w, struct iot_bytes bytes);
void iot_cbor_array(struct iot_writer *w, uint32_t items);
void iot_cbor_map(struct iot_writer *w, uint32_t pairs); /* of a key and a value */
void iot_cbor_tag(struct iot_writer *w, uint64_t tag);   /* of the value behind it */

#if IOT_FEATURE_JSON
/** A value of a checked JSON, and all that is in it: objects become maps, escapes are resolved; a number is an integer if its
 *  value is one and fits an int64_t (-0 is 0), else the nearest double, null beyond them. Needs no stack for what
 *  is nested; the time for a byte grows with the depth that it is in. */
void iot_cbor_of_json(struct iot_json v, struct iot_writer *w);
#endif

/* ---- Reading ---------------------------------------------------------------------------------- */

enum iot_cbor_kind {
    IOT_CBOR_NONE, /* there is no value */
    IOT_CBOR_UINT,
    IOT_CBOR_NEGATIVE, /* -1 - n */
    IOT_CBOR_BYTES,
    IOT_CBOR_TEXT,
    IOT_CBOR_ARRAY,
    IOT_CBOR_MAP,
    IOT_CBOR_TAG,
    IOT_CBOR_FLOAT, /* of 2, 4 or 8 bytes */
    IOT_CBOR_BOOL,
    IOT_CBOR_NULL,   /* null and undefined */
    IOT_CBOR_SIMPLE, /* another simple value */
};

/** A value within bytes that were checked. Of value 0 is IOT_CBOR_NONE. */
struct iot_cbor {
    const uint8_t *ptr; /* its head */
    const uint8_t *end; /* of the bytes that were checked */
};

/** Exactly one value, and all of it is well-formed: the others may be called. `root` is set then only. IOT_OK;
 *  IOT_ERR_CBOR_FORMAT; IOT_ERR_CBOR_CUT: so far it is right, but bytes are missing; IOT_ERR_CBOR_DEPTH; IOT_ERR_CBOR_RANGE: longer than
 *  4 GB, or of a form that is not read (see above). `at`: out, may be NULL: the head of the value with which it went wrong; the length,
 *  if bytes are missing. Time grows with the length only; there is no recursion. */
iot_err iot_cbor_check(struct iot_bytes bytes, struct iot_cbor *root, uint32_t *at);

enum iot_cbor_kind iot_cbor_kind(struct iot_cbor v);

/** Items of an array, pairs of a map, bytes of a string; else 0. */
uint32_t iot_cbor_count(struct iot_cbor v);

/** First value inside of an array, map (a key) or tag, and the one behind this one, in its container; NONE: there is none. Who walks
 *  counts (iot_cbor_count; a map has twice as many). */
struct iot_cbor iot_cbor_first(struct iot_cbor v);
struct iot_cbor iot_cbor_next(struct iot_cbor v);

/** The value of this key, a text; the first, if there are several. IOT_ERR_CBOR_MISSING; IOT_ERR_CBOR_KIND: not a map. */
iot_err iot_cbor_get(struct iot_cbor map, const char *key, struct iot_cbor *out);

/** IOT_ERR_CBOR_KIND: another kind, or a fraction where an integer is wanted; IOT_ERR_CBOR_RANGE: does not fit. `out` is unchanged
 *  then. A float that is whole is an integer, too. */
iot_err iot_cbor_i64(struct iot_cbor v, int64_t *out);
iot_err iot_cbor_u32(struct iot_cbor v, uint32_t *out);
iot_err iot_cbor_f64(struct iot_cbor v, double *out); /* integers, too, that a double can hold */
iot_err iot_cbor_is(struct iot_cbor v, bool *out);
iot_err iot_cbor_string(struct iot_cbor v, struct iot_bytes *out); /* text or bytes, in place */

#endif

#ifdef __cplusplus
}
#endif
#endif
