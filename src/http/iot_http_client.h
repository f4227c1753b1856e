/* SPDX-License-Identifier: Apache-2.0 */
/* The skin around a parser: owns the streams and the window, connects, asks, hands on, keeps the connection. It works in
 * iot_http_run only; what is asked for elsewhere is written down.
 *
 *     IDLE -start-> OPEN -> CONNECT -up-> SEND -sent-> ANSWER -whole-> KEPT -start-> SEND
 *       ^                                                  \-> CLOSING  |
 *       |____________________________________________________|_________|
 *
 * A request that goes on while its connection ends (a redirect to another host, or one that was begun meanwhile) has `busy`
 * set in CLOSING or IDLE, and opens from there. A failure aborts: from any state to IDLE. */
#ifndef IOT_HTTP_CLIENT_H
#define IOT_HTTP_CLIENT_H

#include "core/iot_core_part.h"
#include "http/iot_http_parser.h"
#include "http/iot_http_url.h"
#include "iot/iot_http.h"
#include "iot/iot_port.h"
#include "net/iot_net_tcp.h"
#if IOT_FEATURE_TLS
#include "tls/iot_tls_stream.h"
#endif

#if IOT_FEATURE_HTTP

/* The window, while a response comes: rx[0 .. held) is the target of a redirect, rx[held .. rx_at) is digested, rx[rx_at ..
 * rx_len) is not. While a request leaves: rx[rx_at .. rx_len) is the piece of it that is offered to the stream, of `sent`
 * bytes on. */
struct iot_http {
    struct iot_part part; /* first: see iot_device_http.c */
    uint8_t phase;
    uint8_t method;   /* of this hop: a redirect may make a GET of a POST */
    uint8_t hops;     /* redirects followed */
    bool busy;        /* a request is under way */
    bool cancel;      /* ... and unwanted */
    bool hang;        /* the connection is not to be kept */
    bool closing;     /* nothing new: the device closes */
    bool more;        /* this tick stopped at its bound */
    bool reused;      /* the connection has served before, and the server may have left it */
    bool heard;       /* something of this response came */
    bool strange;     /* redirected to another host: the caller's header lines are not for it */
    bool skip;        /* a response that leads on: its body is nobody's */
    bool in_body;     /* ANSWER: the head is complete */
    bool declined;    /* the handler has not taken what was offered */
    uint8_t etag_len; /* 0: none */
    const struct iot_http_options *opt;
    const struct iot_port *port;
    bool *wake;
    const bool
        *loan; /* `secure` may be opened while this is true, its arena is lent; NULL: always */
    struct iot_stream *plain, *secure; /* secure NULL: no TLS */
    struct iot_stream *stream;         /* the one in use */
    struct iot_endpoint to;
    struct iot_http_request request;
    struct iot_http_url at; /* slices of `url` */
    iot_time now;           /* of the last tick */
    iot_time until;         /* patience: connect, send, the answer's head, kept */
    iot_time again;         /* when to try again what had to wait; or NEVER */
    iot_time idle_since;    /* in the body: the last byte */
    iot_time rate_since;    /* in the body: from here on `rate_bytes` are counted */
    iot_time declined_since;
    uint32_t rate_bytes;
    uint32_t sent;       /* bytes of the request that left the window */
    uint32_t source_got; /* of request.body_bytes */
    uint32_t offset;     /* of the next byte of the body */
    uint32_t rx_at, rx_len, held;
    struct iot_http_parser parser;
    char url[IOT_HTTP_URL_MAX +
             1]; /* of this hop; its host is ended by a NUL, in the place of `behind_host` */
    char behind_host;
    uint8_t etag[IOT_HTTP_ETAG_MAX];
    uint8_t rx[IOT_HTTP_RX_BYTES];
    struct iot_tcp tcp;
#if IOT_FEATURE_TLS
    struct iot_tls tls;
#endif
};

/** Streams and options outlive the client; `wake` is set when something is to be done. `secure` NULL: https is refused. */
void iot_http_client_init(struct iot_http *h, const struct iot_http_options *opt,
                          const struct iot_port *port, struct iot_stream *plain,
                          struct iot_stream *secure, bool *wake);

/** Its share of a tick; calls the handlers. */
void iot_http_run(struct iot_http *h, iot_time now);

/** When it wants the next; 0: at once. */
iot_time iot_http_deadline(const struct iot_http *h);

/** True: end what is begun, and begin nothing. False: the device has closed and may be used again. */
void iot_http_close(struct iot_http *h, bool closing);

#endif
#endif
