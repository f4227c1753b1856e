/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_form.h"

#include "cloud/cloud_text.h"

#include <string.h>

/* -1: none. */
static int digit_of(char c)
{
    if (cloud_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool unescape(const char *text, size_t len, char *into, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < len ? digit_of(text[i + 1]) : -1;
            int low = high >= 0 ? digit_of(text[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == 0 || n + 1 >= cap)
            return false;
        into[n++] = c;
    }
    into[n] = 0;
    return true;
}

bool cloud_form_get(const char *form, size_t len, const char *name, char *value, size_t cap)
{
    size_t want = strlen(name);
    bool found = false;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(form + at, '&', len - at);
        size_t n = end != NULL ? (size_t)(end - form) - at : len - at;
        if (n > want && memcmp(form + at, name, want) == 0 && form[at + want] == '=') {
            if (found || !unescape(form + at + want + 1, n - want - 1, value, cap))
                return false;
            found = true;
        }
        at += n + 1;
    }
    return found;
}

void cloud_form_escape(const char *text, char *into)
{
    for (; *text != 0; text++) {
        char c = *text;
        if (cloud_is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
            *into++ = c;
        } else {
            char hex[3];
            cloud_text_hex((const uint8_t *)&c, 1, true, hex);
            *into++ = '%';
            *into++ = hex[0];
            *into++ = hex[1];
        }
    }
    *into = 0;
}

void cloud_base64(const void *bytes, size_t len, char *into)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *b = bytes;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t word = (uint32_t)b[i] << 16 | (n > 1 ? (uint32_t)b[i + 1] << 8 : 0) |
                        (n > 2 ? (uint32_t)b[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            *into++ = k <= n ? letters[word >> (18 - 6 * k) & 63] : '=';
    }
    *into = 0;
}
