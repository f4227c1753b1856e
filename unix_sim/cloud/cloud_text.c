/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_text.h"

#include <string.h>

/* Not isalnum and the like: those ask the locale. */
bool cloud_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool cloud_is_alnum(char c)
{
    return cloud_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool cloud_text_all(const char *text, bool (*rule)(char))
{
    for (; *text != 0; text++)
        if (!rule(*text))
            return false;
    return true;
}

const char *cloud_text_after(const char *text, const char *head)
{
    size_t n = strlen(head);

    return strncmp(text, head, n) == 0 ? text + n : NULL;
}

bool cloud_text_number(const char *text, uint32_t max, uint32_t *value)
{
    uint64_t sum = 0;

    if (*text == 0)
        return false;
    for (; *text != 0; text++) {
        if (!cloud_is_digit(*text))
            return false;
        sum = sum * 10 + (uint64_t)(*text - '0');
        if (sum > max)
            return false;
    }
    *value = (uint32_t)sum;
    return true;
}

int cloud_text_words(char *line, char *words[], int max)
{
    int count = 0;

    for (;;) {
        line += strspn(line, " \t\r");
        if (*line == 0)
            return count;
        if (count < max)
            words[count] = line;
        count++;
        line += strcspn(line, " \t\r");
        if (*line == 0)
            return count;
        *line++ = 0;
    }
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool cloud_text_same_secret(const char *a, const char *b, size_t len)
{
    unsigned differ = 0;

    for (size_t i = 0; i < len; i++)
        differ |= (unsigned)(lower(a[i]) ^ lower(b[i]));
    return differ == 0;
}

void cloud_text_hex(const uint8_t *bytes, size_t count, bool upper, char *into)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        into[2 * i] = digits[bytes[i] >> 4];
        into[2 * i + 1] = digits[bytes[i] & 15];
    }
    into[2 * count] = 0;
}

void cloud_text_clean(char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}
