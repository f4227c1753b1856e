/* SPDX-License-Identifier: Apache-2.0 */
#include "core/iot_core_text.h"

bool iot_text_is(const char *text, const char *other)
{
    while (*text == *other && *text != '\0') {
        text++;
        other++;
    }
    return *text == *other;
}

bool iot_text_begins(const char *text, const char *with)
{
    while (*with != '\0')
        if (*text++ != *with++)
            return false;
    return true;
}

bool iot_text_has(const char *set, char c)
{
    while (*set != '\0')
        if (*set++ == c)
            return true;
    return false;
}
