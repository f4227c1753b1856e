/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_http.h
 * An HTTP/1.1 client (RFC 9110, 9112) that never waits: one request at a time over one connection, which is kept for
 * the next one to the same server. GET, HEAD, POST; ranges; chunked bodies; bounded redirects. What is received is
 * handed over in place and in any portions; what the handler does not take stays in the connection, and the window of
 * TCP closes.
 *
 *     static struct iot_http web;
 *     iot_http_init(&web, &lamp, &web_options);
 *     iot_http_start(&web, &(struct iot_http_request){.url = "https://example.com/a", .on = &handlers});
 *     ... head, body, body, end are called from iot_poll(&lamp, ...)
 *
 * It works within the tick of the device that it is attached to, whether that is connected or not. Strict: Content-Length
 * together with chunked, lengths that differ, bare LF, CR or NUL in headers, folded headers, bad chunk sizes, a 206 that is
 * not the range asked for, a body that is cut short, a TLS connection that ends without close_notify where the end of the
 * body is the end of the connection: each an error by name.
 */
#ifndef IOT_HTTP_H
#define IOT_HTTP_H

#include "iot/iot_base.h"
#include "iot/iot_stream.h"
#include "iot/iot_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_HTTP

struct iot_device;
struct iot_http; /* complete in iot_static.h */

enum iot_http_method { IOT_HTTP_GET, IOT_HTTP_HEAD, IOT_HTTP_POST };

/** Of a final response; valid until return. */
struct iot_http_head {
    uint16_t status; /* 200 to 599 */
    bool partial;    /* 206: the body is [from .. from + length) of the resource */
    bool has_length; /* the length of this body is known; without, its framing tells the end */
    bool has_total;  /* the length of the whole resource is known */
    uint32_t from;   /* where in the resource the body begins; 0 but for a partial one */
    uint32_t length; /* bytes of this body */
    uint32_t total;  /* bytes of the resource */
    uint32_t bytes;  /* of this head as it came, from its status line to the empty line */
    struct iot_bytes
        etag; /* with its quotes; len 0: none, or longer than IOT_HTTP_ETAG_MAX, or a weak one */
};

/**
 * Who gets the response. All are called from iot_poll; inside, everything may be called but iot_http_start, which `end`
 * may call as well.
 */
struct iot_http_handlers {
    /** The head of the final response: redirects that are followed and 1xx are not shown. IOT_OK; another error ends the
     *  request by it. NULL: any is well. */
    iot_err (*head)(void *ctx, const struct iot_http_head *head);
    /**
     * Bytes of the body.
     * offset   of `part` in the resource: those of a partial response begin at head.from.
     * used     out: so many were taken, 0 .. part.len.
     * Returns  IOT_OK; IOT_ERR_AGAIN: `*used` were taken and the rest not now, it is offered again in a later tick; another
     *          error ends the request by it.
     */
    iot_err (*body)(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used);
    /** Exactly once, and last. IOT_OK: the response was whole and correctly framed, whatever its status was (look at head).
     *  Otherwise the reason; `detail` is the foreign number beside it: with IOT_ERR_HTTP_CUT how the connection ended
     *  (IOT_ERR_TCP_EOF, IOT_ERR_TLS_EOF ...), with IOT_ERR_HTTP_RANGE and _REDIRECT the status. IOT_ERR_HTTP_TIMEOUT:
     *  connect_ms, header_ms or idle_ms are over; IOT_ERR_HTTP_SLOW: min_rate. iot_http_start may be called. */
    void (*end)(void *ctx, iot_err err, int32_t detail);
};

/** Gives the body of a POST piece by piece: at most `cap` bytes into `into`. IOT_OK, `*got` 1..cap; IOT_ERR_AGAIN; another
 *  error ends the request. Asked until request.body_bytes are given, but in idle_ms it has to give something. A request that
 *  was lost with its connection is not repeated by the client. */
typedef iot_err (*iot_http_source)(void *ctx, uint8_t *into, uint32_t cap, uint32_t *got);

/** All is borrowed until `end`. */
struct iot_http_request {
    enum iot_http_method method;
    const char *url; /* http:// or https://, NUL-terminated, at most IOT_HTTP_URL_MAX bytes */
    const char *
        headers; /* more header lines, each ended by "\r\n"; NULL: none. Sent to the first host only when it redirects */
    /* GET: bytes range_from to range_to of the resource, both included; has_range false: all of it. range_to
     * UINT32_MAX: to its end. if_range: an etag as head.etag gave it, NUL-terminated, or NULL (RFC 9110 13.1.5). */
    bool has_range;
    uint32_t range_from, range_to;
    const char *if_range;
    struct iot_bytes body;  /* POST; or */
    iot_http_source source; /* ... as it comes, body_bytes of it */
    uint32_t body_bytes;
    const struct iot_http_handlers *on;
    void *ctx;
};

/** Everything is borrowed as long as the client is used; const in flash is fine. Times in ms, 0: the default. */
struct iot_http_options {
    /* For https, with an arena of its own; NULL: https is refused. With MQTT's arena, requests by https end by
     * IOT_ERR_STATE unless an update has that lent (IOT_OTA_INSTEAD_OF_MQTT). */
    const struct iot_tls_options *tls;
    void *netif;               /* struct netif * to bind to, or NULL */
    struct iot_stream *stream; /* instead of lwIP's TCP, as iot_options.stream; NULL */
    uint32_t connect_ms;       /* name, TCP and TLS together: 45 000 */
    uint32_t header_ms;        /* from the request's last byte to the head's last: 20 000 */
    uint32_t idle_ms;          /* no byte of the body, while we would take some: 20 000 */
    uint32_t
        min_rate; /* bytes per second, over rate_ms; 0: any. Time in which the handler took nothing does not count */
    uint32_t rate_ms; /* 30 000 */
    uint32_t keep_ms; /* an idle connection is kept so long: 10 000; UINT32_MAX: none is kept */
    /* Followed at most, of 301, 302, 303, 307, 308; 0: none, they are responses as others. Never from https to http; one
     * too many and what cannot be followed are IOT_ERR_HTTP_REDIRECT, detail the status. A POST becomes a GET, but for 307
     * and 308: there its body is sent again if it is no source's, and to the same server only. */
    uint8_t redirects;
};

/**
 * Prepare a client and attach it to a device; once per client, after iot_device_init. The device's IOT_EV_CLOSED waits
 * for it.
 *
 * http     caller's storage, from iot_static.h.
 * Returns  IOT_OK; IOT_ERR_ARG: TLS options that cannot work, see iot_device_init, or with another client's arena, or,
 *          without IOT_FEATURE_OTA, with MQTT's; attached already.
 */
iot_err iot_http_init(struct iot_http *http, struct iot_device *dev,
                      const struct iot_http_options *options);

/** Begin. Returns IOT_OK: `end` will be called; IOT_ERR_STATE: one is under way, or the device is closing; IOT_ERR_HTTP_URL: not a URL, without a host,
 *  of an unknown scheme, or too long; IOT_ERR_ARG: https without TLS options, a body where none is allowed, an ill-formed
 *  header line or range. */
iot_err iot_http_start(struct iot_http *http, const struct iot_http_request *request);

/** End it now: `end` is called with IOT_ERR_CLOSED in the next tick. IOT_ERR_STATE: none is under way. */
iot_err iot_http_cancel(struct iot_http *http);

/** The handler took nothing (AGAIN) and will now: look in the next tick. */
void iot_http_resume(struct iot_http *http);

/** No request is under way. The connection may be kept. */
bool iot_http_ready(const struct iot_http *http);

/** End a kept connection in good order, so that its arena can be lent; then `idle`. While a request is under way: as soon as
 *  that has ended. */
void iot_http_hang_up(struct iot_http *http);

#if IOT_FEATURE_TLS
/** Use of its TLS arena; `high` since iot_http_init. All 0: options without TLS. */
void iot_http_tls_memory(const struct iot_http *http, struct iot_tls_memory *out);
#endif

/** Neither request nor connection: nothing of its arena is in use. */
bool iot_http_idle(const struct iot_http *http);

#endif

#ifdef __cplusplus
}
#endif
#endif
