/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_path.h"

#if IOT_FEATURE_COAP

#define SEGMENT_MAX 255u
#define BAD         UINT32_MAX

/* A bit per character from NUL on: what a segment may have (RFC 3986 3.3), '%' apart. */
static const uint32_t allowed[4] = {0, 0x2fff7fd2, 0x87ffffff, 0x47fffffe};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads on to the end of the segment, or of the query's argument. Its bytes go to `into` unless that is NULL; returned is how
 * many there are, or BAD. */
static uint32_t decode(const char **path, bool query, uint8_t *into)
{
    const char *p = *path;
    uint32_t n = 0;

    for (;; p++, n++) {
        uint8_t c = (uint8_t)*p;
        if (c == '\0' || (query ? c == '&' : c == '/' || c == '?'))
            break;
        if (c == '%') {
            int high = digit(p[1]), low = high < 0 ? -1 : digit(p[2]);
            if (low < 0)
                return BAD;
            c = (uint8_t)(high << 4 | low);
            p += 2;
        } else if (c != '/' && c != '?' && (c >= 128 || (allowed[c / 32] >> c % 32 & 1u) == 0)) {
            return BAD;
        }
        if (into != NULL)
            into[n] = c;
    }
    *path = p;
    return n;
}

/* Does a segment, or an argument, begin at `p`, with what separates it from the one before? "/" alone is the root, which has
 * none (RFC 7252 6.4, 8). */
static bool begins(const char *path, const char *p, bool query)
{
    if (*p == '\0' || (!query && *p == '?'))
        return false;
    return query || p != path || (p[1] != '\0' && p[1] != '?');
}

/* Also "%2e": a server that decodes before it looks would walk up. */
static bool is_dots(const char *segment, uint32_t n)
{
    uint8_t text[2] = {'.', '.'};

    if (n == 0 || n > sizeof text)
        return false;
    decode(&segment, false, text);
    return text[0] == '.' && text[1] == '.';
}

iot_err iot_coap_path_check(const char *path)
{
    const char *p = path;
    bool query = false;

    if (path == NULL)
        return IOT_OK;
    if (*path != '/' && *path != '?')
        return IOT_ERR_COAP_URI;
    for (;;) {
        if (begins(path, p, query)) {
            const char *segment = ++p;
            uint32_t n = decode(&p, query, NULL);
            if (n > SEGMENT_MAX || (!query && is_dots(segment, n)))
                return IOT_ERR_COAP_URI;
        } else {
            p += *p == '/'; /* the root's */
            if (*p == '\0')
                return IOT_OK;
            query = true;
        }
    }
}

void iot_coap_path_put(struct iot_coap_encoder *e, const char *path, uint16_t number)
{
    const char *p = path;
    bool query = number == IOT_COAP_URI_QUERY;

    if (path == NULL)
        return;
    while (query && *p != '?' && *p != '\0')
        p++;
    while (begins(path, p, query)) {
        const char *segment = ++p;
        uint8_t *into = iot_coap_put_room(e, number, decode(&p, query, NULL));
        if (into == NULL)
            return;
        decode(&segment, query, into);
    }
}

#endif
