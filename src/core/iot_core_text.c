/* SPDX-License-Identifier: Apache-2.0 */
#include "core/iot_core_text.h"

bool iot_text_begins(const char *text, const char *with)
{
    while (*with != '\0' && *text == *with)
        text++, with++;
    return *with == '\0';
}

bool iot_text_is(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

bool iot_text_has(const char *set, char c)
{
    while (*set != '\0' && *set != c)
        set++;
    return c != '\0' && *set == c;
}
