/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IOT_JSON_READER_H
#define IOT_JSON_READER_H

#include "iot/iot_json.h"

#if IOT_FEATURE_JSON

/** The escape whose backslash is at `at`, both halves of a surrogate pair as one. Returns its length in bytes and its
 *  character in `code`; 0: it is none, or half a pair, or cut off by `end`. */
uint32_t iot_json_escape(const uint8_t *at, const uint8_t *end, uint32_t *code);

/** The next byte of a string, or as many as an escape stands for; `at` goes behind it. Returns how many. */
uint32_t iot_json_bytes(const uint8_t **at, const uint8_t *end, uint8_t into[4]);

#endif
#endif
