/* SPDX-License-Identifier: Apache-2.0 */
/* What strcmp, strncmp and strchr are used for elsewhere: not every board has them linked, and few words will do. Texts end with
 * a NUL. */
#ifndef IOT_CORE_TEXT_H
#define IOT_CORE_TEXT_H

#include "iot/iot_base.h"

/** The same, byte by byte? */
bool iot_text_is(const char *a, const char *b);

/** Does it begin so? */
bool iot_text_begins(const char *text, const char *with);

/** Is `c` one of these? NUL never is. */
bool iot_text_has(const char *set, char c);

#endif
