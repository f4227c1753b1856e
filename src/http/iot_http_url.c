/* SPDX-License-Identifier: Apache-2.0 */
#include "http/iot_http_url.h"

#if IOT_FEATURE_HTTP

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

/* Behind the host: of a name or IPv4 address what DNS knows, and the underscore; of an IPv6 address what is between the
 * brackets. Whether that is one is found out by who looks it up. */
static const char *skip_host(const char *at)
{
    if (*at == '[') {
        do
            at++;
        while (is_digit(*at) || (is_letter(*at) && (*at | 0x20) <= 'f') || *at == ':' ||
               *at == '.');
        return at;
    }
    while (is_letter(*at) || is_digit(*at) || *at == '-' || *at == '.' || *at == '_')
        at++;
    return at;
}

iot_err iot_http_url_read(const char *url, struct iot_http_url *out)
{
    const char *end = url, *at, *from;

    for (; *end != '\0'; end++) {
        if (*end <= ' ' || *end > '~' || end - url >= IOT_HTTP_URL_MAX)
            return IOT_ERR_HTTP_URL;
    }
    at = skip_scheme(url, end);
    uint32_t scheme = (uint32_t)(at - url);
    for (uint32_t i = 0; i + 1 < scheme; i++) {
        if (i >= 5 || (url[i] | 0x20) != "https"[i])
            return IOT_ERR_HTTP_URL;
    }
    if (scheme < 5 || at[0] != '/' || at[1] != '/')
        return IOT_ERR_HTTP_URL;
    out->tls = scheme == 6;
    at += 2;

    from = at;
    at = skip_host(at);
    out->host = slice(from, at);
    if (*from == '[') {
        out->host.ptr++;
        out->host.len--;
        if (*at++ != ']')
            return IOT_ERR_HTTP_URL;
    }
    if (out->host.len == 0)
        return IOT_ERR_HTTP_URL;

    uint32_t port = out->tls ? 443 : 80;
    if (*at == ':') {
        for (at++, port = 0; is_digit(*at) && port <= UINT16_MAX; at++)
            port = port * 10 + (uint32_t)(*at - '0');
        if (port == 0 || port > UINT16_MAX)
            return IOT_ERR_HTTP_URL;
    }
    out->port = (uint16_t)port;
    out->authority = slice(from, at);
    if (*at != '\0' && *at != '/' && *at != '?' && *at != '#')
        return IOT_ERR_HTTP_URL;

    from = at;
    while (*at != '\0' && *at != '?' && *at != '#')
        at++;
    out->path = at != from ? slice(from, at) : slice(root, root + 1);
    from = at;
    while (*at != '\0' && *at != '#')
        at++;
    out->query = slice(from, at);
    return IOT_OK;
}

/* RFC 3986, section 5.2.4, in place. `path` begins with a slash. Returns where it ends now. */
static char *resolve_dots(char *path, const char *end)
{
    char *to = path;

    for (const char *at = path; at < end;) {
        const char *next = at + 1;
        while (next < end && *next != '/')
            next++;
        uint32_t n = (uint32_t)(next - at);
        bool one = n == 2 && at[1] == '.', two = n == 3 && at[1] == '.' && at[2] == '.';
        if (two) {
            while (to > path && *--to != '/') {}
        }
        if (one || two) {
            if (next == end) /* what is left is a directory */
                *to++ = '/';
        } else {
            memmove(to, at, n);
            to += n;
        }
        at = next;
    }
    return to;
}

iot_err iot_http_url_resolve(const char *base, struct iot_bytes location, char *into)
{
    struct iot_http_url url;
    const char *ref = (const char *)location.ptr, *end = ref;
    uint32_t keep; /* of the base */
    bool slash = false;

    if (iot_http_url_read(base, &url) != IOT_OK)
        return IOT_ERR_HTTP_URL;
    while (end < ref + location.len && *end != '#')
        end++;
    uint32_t n = (uint32_t)(end - ref);
    uint32_t host_end = (uint32_t)((const char *)url.authority.ptr - base) + url.authority.len;
    uint32_t path_end = (uint32_t)((const char *)url.query.ptr - base);

    if (n == 0) {
        keep = path_end + url.query.len;
    } else if (skip_scheme(ref, end) != ref) {
        keep = 0;
    } else if (*ref == '/') {
        keep = n > 1 && ref[1] == '/' ? (url.tls ? 6 : 5) : host_end;
    } else if (*ref == '?') {
        keep = path_end;
    } else {
        keep = path_end;
        while (keep > host_end && base[keep - 1] != '/')
            keep--;
        slash = keep == host_end;
    }
    if (n > IOT_HTTP_URL_MAX || keep + slash + n > IOT_HTTP_URL_MAX ||
        (n != 0 && memchr(ref, '\0', n) != NULL))
        return IOT_ERR_HTTP_URL;
    if (into != base)
        memcpy(into, base, keep);
    if (slash)
        into[keep++] = '/';
    if (n != 0)
        memcpy(into + keep, ref, n);
    into[keep + n] = '\0';

    if (iot_http_url_read(into, &url) != IOT_OK)
        return IOT_ERR_HTTP_URL;
    char *query = into + ((const char *)url.query.ptr - into);
    if (query != into + ((const char *)url.authority.ptr - into) + url.authority.len) {
        char *path = query - url.path.len;
        path = resolve_dots(path, query);
        memmove(path, query, url.query.len + 1u);
    }
    return IOT_OK;
}

#endif
