/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about NUL-terminated texts; of libc's functions for them the library uses strlen only. */
#ifndef IOT_CORE_TEXT_H
#define IOT_CORE_TEXT_H

#include <stdbool.h>

/** They are equal. */
bool iot_text_is(const char *text, const char *other);

/** `text` begins with `with`. */
bool iot_text_begins(const char *text, const char *with);

/** The character is one of `set`; the NUL never is. */
bool iot_text_has(const char *set, char c);

#endif
