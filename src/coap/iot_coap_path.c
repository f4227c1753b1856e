/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_path.h"

#if IOT_FEATURE_COAP

#include <string.h>

#define SEGMENT_MAX 255u

/* A bit per character from NUL on. */
static const uint32_t allowed[4] = {0, 0xaffffff2, 0x87ffffff, 0x47fffffe};

bool iot_coap_path_has(uint8_t c)
{
    return c < 128 && (allowed[c / 32] >> c % 32 & 1u) != 0;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many bytes a segment, or an argument of the query, has when it is decoded; `*path` goes on to its end. A '%' without its
 * digits may make it a number that nothing has. What needs a look is not above '?', and most is: hence the first test. */
static uint32_t measure(const char **path, bool query)
{
    const char *p = *path;
    uint32_t n = 0;

    for (;; p++, n++) {
        if ((uint8_t)*p > '?')
            continue;
        if (*p == '\0' || (query ? *p == '&' : *p == '/' || *p == '?'))
            break;
        if (*p == '%')
            n -= 2;
    }
    *path = p;
    return n;
}

/* They themselves. Reads nothing behind the end that measure found, whatever is there: each '%' has cost two. */
static void decode(const char *from, uint32_t n, uint8_t *into)
{
    while (n-- != 0) {
        char c = *from++;
        if (c == '%') {
            c = (char)(digit(from[0]) * 16 + digit(from[1]));
            from += 2;
        }
        *into++ = (uint8_t)c;
    }
}

/* Where the first segment, or argument, begins, with what is before it. "/" alone is the root, which has none (RFC 7252 6.4, 8). */
static const char *first(const char *path, bool query)
{
    if (!query)
        return path + (*path == '/' && (path[1] == '\0' || path[1] == '?'));
    while ((uint8_t)*path > '?' || (*path != '?' && *path != '\0'))
        path++;
    return path;
}

/* Is there one at `p`, or is that the end? */
static bool begins(const char *p, bool query)
{
    return query ? *p != '\0' : *p == '/';
}

/* Dots also as "%2e": a server that decodes before it looks would walk up. */
static bool is_good(const char *path, bool query)
{
    const char *p = first(path, query);

    while (begins(p, query)) {
        const char *segment = ++p;
        uint8_t text[2] = {0, '.'};
        uint32_t n = measure(&p, query);
        if (n > SEGMENT_MAX)
            return false;
        if (query || n > sizeof text)
            continue;
        decode(segment, n, text);
        if (n != 0 && text[0] == '.' && text[1] == '.')
            return false;
    }
    return true;
}

/* Characters of a URI, and each '%' with its digits. */
static bool is_plain(const char *path)
{
    for (const char *p = path; *p != '\0'; p++) {
        if (!iot_coap_path_has((uint8_t)*p))
            return false;
        if (*p == '%' && (digit(p[1]) < 0 || digit(p[2]) < 0))
            return false;
    }
    return true;
}

iot_err iot_coap_path_check(const char *path)
{
    bool good = path == NULL || ((*path == '/' || *path == '?') && is_plain(path) &&
                                 is_good(path, false) && is_good(path, true));

    return good ? IOT_OK : IOT_ERR_COAP_URI;
}

void iot_coap_path_put(struct iot_coap_encoder *e, const char *path, uint16_t number)
{
    bool query = number == IOT_COAP_URI_QUERY;
    const char *p = path != NULL ? first(path, query) : "";

    while (begins(p, query)) {
        const char *segment = ++p;
        uint32_t n = measure(&p, query);
        uint8_t *into = iot_coap_put_room(e, number, n);
        if (into == NULL)
            return;
        if (n == (size_t)(p - segment))
            memcpy(into, segment, n);
        else
            decode(segment, n, into);
    }
}

#endif
