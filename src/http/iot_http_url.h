/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute URLs of http and https, and what a redirect makes of one (RFC 3986). Pure. */
#ifndef IOT_HTTP_URL_H
#define IOT_HTTP_URL_H

#include "iot/iot_http.h"

#if IOT_FEATURE_HTTP

/* Slices of the text, but for an empty path; what is sent is path and query, and "Host: " authority. */
struct iot_http_url {
    bool tls; /* https */
    uint16_t port;
    struct iot_bytes authority; /* host and port, as written */
    struct iot_bytes host;      /* a name, an IPv4 or, without its brackets, an IPv6 address */
    struct iot_bytes path;      /* begins with "/" */
    struct iot_bytes query;     /* with its "?"; empty: none. Its ptr is in the text in any case */
};

/**
 * Take a URL apart.
 *
 * url      NUL-terminated, not looked at behind IOT_HTTP_URL_MAX + 1. A fragment is left out.
 * out      points into it.
 * Returns  IOT_OK; IOT_ERR_HTTP_URL: another scheme, user information, no host, a port that is none, blanks, control
 *          characters or bytes that are no ASCII, too long.
 */
iot_err iot_http_url_read(const char *url, struct iot_http_url *out);

/**
 * What `location`, absolute or relative, is as seen from `base` (RFC 3986, section 5.2; RFC 9110, section 10.2.2). "." and ".."
 * in its path are resolved.
 *
 * base     a URL that iot_http_url_read takes.
 * into     IOT_HTTP_URL_MAX + 1 bytes, not in `location`; may be `base` itself. A URL, too, with IOT_OK; otherwise rubbish.
 * Returns  IOT_OK; IOT_ERR_HTTP_URL: does not fit, or is no URL.
 */
iot_err iot_http_url_resolve(const char *base, struct iot_bytes location, char *into);

#endif
#endif
