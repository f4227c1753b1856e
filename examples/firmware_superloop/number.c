/* SPDX-License-Identifier: Apache-2.0 */
#include "number.h"

uint32_t number_text(uint32_t number, char text[11])
{
    char digits[10];
    uint32_t n = 0;

    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    for (uint32_t i = 0; i < n; i++)
        text[i] = digits[n - 1 - i];
    text[n] = '\0';
    return n;
}

bool text_number(const char *text, uint32_t len, uint32_t *number)
{
    uint32_t value = 0;

    if (len == 0 || len > 9)
        return false;
    for (uint32_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *number = value;
    return true;
}
