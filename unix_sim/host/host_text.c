/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_text.h"

#include <string.h>

bool host_text_number(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
    uint64_t sum = 0;

    if (*text == 0)
        return false;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9')
            return false;
        sum = sum * 10 + (uint32_t)(*text - '0');
        if (sum > max)
            return false;
    }
    *value = (uint32_t)sum;
    return sum >= min;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool host_text_hex(const char *text, uint8_t *bytes, uint32_t cap, uint32_t *count)
{
    uint32_t n = 0;

    for (; *text != 0; text += 2, n++) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || n == cap)
            return false;
        bytes[n] = (uint8_t)(high << 4 | low);
    }
    *count = n;
    return true;
}

bool host_text_endpoint(const char *text, char *host, uint32_t host_cap, uint16_t *port)
{
    const char *end, *after;
    uint32_t number = *port;

    if (*text == '[') {
        text++;
        end = strchr(text, ']');
        if (end == NULL)
            return false;
        after = end + 1;
    } else {
        end = strchr(text, ':');
        if (end == NULL || strchr(end + 1, ':') != NULL) /* none, or a bare IPv6 address */
            end = text + strlen(text);
        after = end;
    }
    if (end == text || (uint32_t)(end - text) >= host_cap)
        return false;
    if (*after != 0 && (*after != ':' || !host_text_number(after + 1, 1, 65535, &number)))
        return false;
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = 0;
    *port = (uint16_t)number;
    return true;
}
