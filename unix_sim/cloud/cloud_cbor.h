/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_cbor.h
 * CBOR (RFC 8949) for the emulator, as far as it says what JSON says. Not the code of the library that is tested here.
 */
#ifndef CLOUD_CBOR_H
#define CLOUD_CBOR_H

#include "cloud/cloud_json.h"

/**
 * Read one value: a map or an array, nothing behind it. Strict: known lengths, integers and lengths in their shortest form,
 * names are texts and none comes twice, no bytes, tags, undefined and other simple values, numbers that JSON has (finite;
 * integers of 64 bits with sign), CLOUD_JSON_DEPTH_MAX levels.
 *
 * why      out, if NULL is returned: what is wrong, in words.
 * Returns  a new reference.
 */
json_t *cloud_cbor_read(const void *bytes, size_t len, char *why, size_t cap);

/** The bytes of a value, by malloc. Reals are double, or single if that says the same. */
uint8_t *cloud_cbor_write(const json_t *value, size_t *len);

#endif
