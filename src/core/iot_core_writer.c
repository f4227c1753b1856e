/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/iot_base.h"

#include <string.h>

#if IOT_WRITERS

void iot_writer_put(struct iot_writer *w, const void *bytes, uint32_t n)
{
    if (w->overflow || n > w->cap - w->len) {
        w->overflow = true; /* sticks: a later, shorter put must not leave a text with a hole */
        return;
    }
    if (n != 0 && w->ptr != NULL) /* memcpy must not see the NULL that an empty slice may carry */
        memcpy(w->ptr + w->len, bytes, n);
    w->len += n;
}

void iot_writer_text(struct iot_writer *w, const char *text)
{
    iot_writer_put(w, text, (uint32_t)strlen(text));
}

void iot_writer_u32(struct iot_writer *w, uint32_t value)
{
    char digits[10];
    uint32_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    iot_writer_put(w, digits + at, (uint32_t)sizeof digits - at);
}

#endif
