/* SPDX-License-Identifier: Apache-2.0 */
#include "http/iot_http_url.h"

#if IOT_FEATURE_HTTP

#include "core/iot_core_text.h"

#include <string.h>

static const char root[] = "/";

static bool is_letter(char c)
{
    return (uint32_t)((c | 0x20) - 'a') < 26;
}

static bool is_digit(char c)
{
    return (uint32_t)(c - '0') < 10;
}

static struct iot_bytes slice(const char *from, const char *to)
{
    return (struct iot_bytes){(const uint8_t *)from, (uint32_t)(to - from)};
}

/* Behind the scheme and its colon, if that is what the text begins with; otherwise where it begins. */
static const char *skip_scheme(const char *at, const char *end)
{
    const char *from = at;

    while (at < end && (is_letter(*at) ||
                        (at != from && (is_digit(*at) || *at == '+' || *at == '-' || *at == '.'))))
        at++;
    return at < end && at != from && *at == ':' ? at + 1 : from;
}

iot_err iot_http_url_read(const char *url, struct iot_http_url *out)
{
    const char *end = url, *at = url, *from;
    uint32_t port = 80;

    for (; *end != '\0'; end++) {
        if (*end <= ' ' || *end > '~' || end - url >= IOT_HTTP_URL_MAX)
            return IOT_ERR_HTTP_URL;
    }
    for (const char *known = "http"; *known != '\0'; known++, at++) {
        if ((*at | 0x20) != *known)
            return IOT_ERR_HTTP_URL;
    }
    out->tls = (*at | 0x20) == 's';
    if (out->tls) {
        at++;
        port = 443;
    }
    if (!iot_text_begins(at, "://"))
        return IOT_ERR_HTTP_URL;
    at += 3;

    /* Of a name or IPv4 address what DNS knows, and the underscore; of an IPv6 address what is between the brackets.
     * Whether that is one is found out by who looks it up. */
    from = at;
    bool bracket = *at == '[';
    at += bracket;
    out->host.ptr = (const uint8_t *)at;
    while (is_digit(*at) || *at == '.' ||
           (bracket ? *at == ':' || (uint32_t)((*at | 0x20) - 'a') < 6
                    : is_letter(*at) || *at == '-' || *at == '_'))
        at++;
    out->host.len = (uint32_t)(at - (const char *)out->host.ptr);
    if (out->host.len == 0 || (bracket && *at++ != ']'))
        return IOT_ERR_HTTP_URL;

    if (*at == ':') {
        for (at++, port = 0; is_digit(*at) && port <= UINT16_MAX; at++)
            port = port * 10 + (uint32_t)(*at - '0');
        if (port == 0 || port > UINT16_MAX)
            return IOT_ERR_HTTP_URL;
    }
    out->port = (uint16_t)port;
    out->authority = slice(from, at);
    from = at;
    while (*at != '\0' && *at != '?' && *at != '#')
        at++;
    out->path = slice(from, at);
    if (from == at)
        out->path = slice(root, root + 1);
    else if (*from != '/')
        return IOT_ERR_HTTP_URL;
    for (from = at; *at != '\0' && *at != '#';)
        at++;
    out->query = slice(from, at);
    return IOT_OK;
}

/* RFC 3986, section 5.2.4, in place. `path` begins with a slash. Returns where it ends now. */
static char *resolve_dots(char *path, const char *end)
{
    char *to = path;

    for (const char *at = path, *next; at < end; at = next) {
        next = at + 1;
        while (next < end && *next != '/')
            next++;
        uint32_t n = (uint32_t)(next - at);
        if (at[n - 1] != '.' || n > 3 || at[1] != '.') {
            memmove(to, at, n);
            to += n;
            continue;
        }
        if (n == 3) {
            while (to > path && *--to != '/') {}
        }
        if (next == end) /* what is left is a directory */
            *to++ = '/';
    }
    return to;
}

iot_err iot_http_url_resolve(const char *base, struct iot_bytes location, char *into)
{
    struct iot_http_url url;
    const char *ref = (const char *)location.ptr;
    uint32_t n = 0;

    if (iot_http_url_read(base, &url) != IOT_OK)
        return IOT_ERR_HTTP_URL;
    for (; n < location.len && ref[n] != '#'; n++) {
        if (ref[n] == '\0' || n == IOT_HTTP_URL_MAX)
            return IOT_ERR_HTTP_URL;
    }

    /* How much of the base is kept. */
    const char *path = (const char *)url.authority.ptr + url.authority.len;
    const char *keep = (const char *)url.query.ptr;
    bool slash = false;
    if (n == 0) {
        keep += url.query.len;
    } else if (skip_scheme(ref, ref + n) != ref) {
        keep = base;
    } else if (*ref == '/') {
        keep = n > 1 && ref[1] == '/' ? base + 5 + url.tls : path;
    } else if (*ref != '?') {
        while (keep > path && keep[-1] != '/')
            keep--;
        slash = keep == path;
    }
    uint32_t at = (uint32_t)(keep - base);
    if (at + slash + n > IOT_HTTP_URL_MAX)
        return IOT_ERR_HTTP_URL;
    memmove(into, base, at);
    if (slash)
        into[at++] = '/';
    if (n != 0)
        memcpy(into + at, ref, n);
    into[at + n] = '\0';

    if (iot_http_url_read(into, &url) != IOT_OK)
        return IOT_ERR_HTTP_URL;
    char *query = into + ((const char *)url.query.ptr - into);
    if (url.path.ptr != (const uint8_t *)root) {
        char *to = resolve_dots(query - url.path.len, query);
        memmove(to, query, url.query.len + 1u);
    }
    return IOT_OK;
}

#endif
