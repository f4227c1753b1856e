/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of JSON: their grammar, their values to the last bit, and the shortest text of a value. No libc, whose
 * conversions are large and know a locale; no floating point either, which many boards only have in software. */
#ifndef IOT_JSON_NUMBER_H
#define IOT_JSON_NUMBER_H

#include "iot/iot_json.h"

#if IOT_FEATURE_JSON

/** The end of the number that begins at `at`; where it ceases to be one, *ok is false. Reads nothing from `end` on. */
const uint8_t *iot_json_number_end(const uint8_t *at, const uint8_t *end, bool *ok);

/** A binary format of IEEE 754. */
struct iot_json_format {
    uint8_t precision; /* bits of the mantissa, the hidden one too */
    uint8_t words;     /* of 32 bits, enough for the numbers that are compared */
    uint8_t digits;    /* that tell any two values apart */
    int16_t lowest;    /* exponent of the lowest bit of the smallest value */
    int16_t highest;   /* exponent of the highest bit of the largest one */
};
extern const struct iot_json_format iot_json_float_format, iot_json_double_format;

/* The text given to these is a number from end to end, of less than 10^8 bytes. Of anything else they may say anything. */

/** IOT_ERR_JSON_TYPE: it has a fraction; IOT_ERR_JSON_RANGE. */
iot_err iot_json_number_i64(struct iot_bytes text, int64_t *out);

/** The nearest value, ties to even, as the bits of the format; IOT_ERR_JSON_RANGE: too large. */
iot_err iot_json_number_bits(struct iot_bytes text, const struct iot_json_format *format,
                             uint64_t *bits);

/** The shortest text that is read back as the same value and, of those, the nearest to it. At most 24 bytes. */
#define IOT_JSON_NUMBER_MAX 24
uint32_t iot_json_number_text(uint64_t bits, const struct iot_json_format *format,
                              char text[IOT_JSON_NUMBER_MAX]);

#endif
#endif
