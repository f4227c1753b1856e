/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_text.h
 * Strict reading of what people and scripts write: all of the text, or nothing.
 */
#ifndef HOST_TEXT_H
#define HOST_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/** Decimal digits only, min..max. */
bool host_text_number(const char *text, uint32_t min, uint32_t max, uint32_t *value);

/** Pairs of hexadecimal digits, either case; an empty text is no byte. `bytes` may be the text
 *  itself. False also if more than `cap` bytes. */
bool host_text_hex(const char *text, uint8_t *bytes, uint32_t cap, uint32_t *count);

/** "host", "host:port", "[v6]", "[v6]:port" or a bare IPv6 address. `*port` stays as it is if none
 *  is given. */
bool host_text_endpoint(const char *text, char *host, uint32_t host_cap, uint16_t *port);

#endif
