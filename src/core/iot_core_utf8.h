/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IOT_CORE_UTF8_H
#define IOT_CORE_UTF8_H

#include "iot/iot_base.h"

/** Well-formed UTF-8 (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF) without
 *  U+0000. Other control characters and non-characters are let through. */
bool iot_utf8_valid(struct iot_bytes text);

/**
 * The same for a text that may still be arriving.
 *
 * have     how many bytes of it are there, <= text.len; the rest is not read.
 * without  characters that it may not contain either, all of them before ',' in ASCII.
 * Returns  whether it can still become valid; with have == text.len, whether it is.
 */
bool iot_utf8_valid_so_far(struct iot_bytes text, uint32_t have, const char *without);

#endif
