/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_coap.h
 * A CoAP client (RFC 7252) over UDP or DTLS that never waits: requests to one server, confirmable or not, observations
 * (RFC 7641), bodies larger than any buffer in blocks both ways (RFC 7959), Echo and Request-Tag (RFC 9175). A device has as
 * many clients as it likes, one per server.
 *
 *     static struct iot_coap hub;
 *     static const struct iot_coap_request get = {.method = IOT_COAP_GET, .path = "/light", .on = &handlers};
 *     iot_coap_init(&hub, &lamp, &hub_options);
 *     iot_coap_start(&hub, &get, NULL);
 *     ... head, body, end are called from iot_poll(&lamp, ...)
 *
 * It works within the tick of the device that it is attached to, whether that is connected or not. The association (name,
 * socket, handshake) is begun by the first request and kept; when the server has lost it, requests go on over a new one.
 */
#ifndef IOT_COAP_H
#define IOT_COAP_H

#include "iot/iot_base.h"
#include "iot/iot_dgram.h"
#include "iot/iot_dtls.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_COAP

struct iot_device;
struct iot_link_identity;
struct iot_coap; /* complete in iot_static.h */

/** A code as it stands in a message: class in the upper 3 bits (RFC 7252 3). 2.05 is IOT_COAP_CODE(2, 5). */
#define IOT_COAP_CODE(cls, detail) ((uint8_t)((cls) << 5 | (detail)))

/** RFC 7252 5.8, RFC 8132. */
enum iot_coap_method {
    IOT_COAP_PING, /* an empty confirmable message, answered by a reset: is the server there? No path, body, options */
    IOT_COAP_GET,
    IOT_COAP_POST,
    IOT_COAP_PUT,
    IOT_COAP_DELETE,
    IOT_COAP_FETCH,
    IOT_COAP_PATCH,
    IOT_COAP_IPATCH,
};

/** Option numbers (RFC 7252 5.10, 7641, 7959, 9175). Odd ones are critical. */
enum iot_coap_number {
    IOT_COAP_IF_MATCH = 1,
    IOT_COAP_URI_HOST = 3,
    IOT_COAP_ETAG = 4,
    IOT_COAP_IF_NONE_MATCH = 5,
    IOT_COAP_OBSERVE = 6,
    IOT_COAP_URI_PORT = 7,
    IOT_COAP_LOCATION_PATH = 8,
    IOT_COAP_URI_PATH = 11,
    IOT_COAP_CONTENT_FORMAT = 12,
    IOT_COAP_MAX_AGE = 14,
    IOT_COAP_URI_QUERY = 15,
    IOT_COAP_ACCEPT = 17,
    IOT_COAP_LOCATION_QUERY = 20,
    IOT_COAP_BLOCK2 = 23,
    IOT_COAP_BLOCK1 = 27,
    IOT_COAP_SIZE2 = 28,
    IOT_COAP_PROXY_URI = 35,
    IOT_COAP_PROXY_SCHEME = 39,
    IOT_COAP_SIZE1 = 60,
    IOT_COAP_ECHO = 252,
    IOT_COAP_REQUEST_TAG = 292,
};

/** Content formats (IANA, CoAP Content-Formats). */
enum iot_coap_format {
    IOT_COAP_TEXT = 0,
    IOT_COAP_LINK = 40,
    IOT_COAP_OCTETS = 42,
    IOT_COAP_JSON = 50,
    IOT_COAP_CBOR = 60,
};

struct iot_coap_option {
    uint16_t number;
    struct iot_bytes value;
};

/** Walks through options: begin with {head->options, 0}. Private. */
struct iot_coap_cursor {
    struct iot_bytes rest;
    uint16_t number;
};

/** The next option; false: there is none. */
bool iot_coap_next(struct iot_coap_cursor *at, struct iot_coap_option *out);

/** Value of an option that is a number (RFC 7252 3.2): at most 4 bytes, else its last 4. */
uint32_t iot_coap_uint(const struct iot_coap_option *option);

/** Of a response, or of a notification; valid until return. */
struct iot_coap_head {
    uint8_t code; /* IOT_COAP_CODE(2, 5) ... */
    bool
        observed; /* the server has us in its list: more will come. In the first response to an observation, and in each of
                             its notifications */
    bool has_format;
    bool has_total;  /* the server says how long the body will be: a hint */
    uint16_t format; /* if has_format */
    uint32_t total;  /* if has_total, bytes */
    uint32_t
        max_age_s; /* how long the body may be taken for fresh, 60 if the server says nothing. With 5.03 and 4.29: try
                             again after */
    struct iot_bytes etag;    /* 0 to 8 bytes */
    struct iot_bytes options; /* all of them, for iot_coap_next */
};

/**
 * Who gets the response. All are called from iot_poll; inside, everything may be called. Of an observation: head, body ...,
 * whole for its first response and for each notification; then once `end`.
 */
struct iot_coap_handlers {
    /** The first part of a response has come, whatever its class. IOT_OK; another error, but for IOT_ERR_AGAIN, which counts as
     *  body's, ends the request by it. NULL: any is well. Called again, and body from offset 0, when a body begins anew on the way: it
     *  changed, an error came in its place, the association was lost, body was not ready for its first part. */
    iot_err (*head)(void *ctx, const struct iot_coap_head *head);
    /**
     * Bytes of the body, in order and without gaps. Of a response of class 4 or 5: a text for humans, if anything.
     * offset   of `part` in the body. 0 again, and `head` before it, when the body begins anew: it changed on the server while it
     *          came, an error took its place, the first part was not taken, or the association is a new one. What came before
     *          counts for nothing then.
     * Returns  IOT_OK, all of it was taken; IOT_ERR_AGAIN: none of it, and it is asked of the server once more, after
     *          iot_coap_resume or 500 ms. Only where that does not repeat what the request does: GET and FETCH, and blocks
     *          behind the first of others; else, and with another error, the request ends by it.
     */
    iot_err (*body)(void *ctx, uint32_t offset, struct iot_bytes part);
    /** The body is complete. NULL: who knows that by `end`, and observes nothing. */
    void (*whole)(void *ctx);
    /** Exactly once, and last. IOT_OK: the response was whole and correctly framed, whatever its code was (look at head);
     *  a ping was answered; an observation ended in good order: cancelled and confirmed, or the server does not offer it, or
     *  ended it by a code of class 4 or 5. Otherwise the reason, and the foreign number beside it. iot_coap_start may be called. */
    void (*end)(void *ctx, iot_err err, int32_t detail);
};

/** Gives `cap` bytes of a body from `offset` on; fewer only at its end, where `*last` is set. May be asked for the same
 *  bytes more than once, as datagrams get lost, and from 0 again, if the server lost the body or wants smaller blocks; it has to give
 *  the same; in order otherwise. IOT_OK; IOT_ERR_AGAIN: asked
 *  again in a later tick; another error ends the request. */
typedef iot_err (*iot_coap_source)(void *ctx, uint32_t offset, uint8_t *into, uint32_t cap,
                                   uint32_t *got, bool *last);

/** All is borrowed until `end`. */
struct iot_coap_request {
    uint8_t method; /* enum iot_coap_method */
    bool
        non; /* non-confirmable: sent once, and nobody notices when it is lost. A response is waited for all the same,
                       for response_ms */
    bool observe; /* GET, FETCH: and be told when it changes */
    bool
        repeatable; /* this POST, PATCH or iPATCH may be executed twice: it is sent again over a new association if the old one
                       is lost before the answer. GET, PUT, DELETE and FETCH always are */
    bool has_format, has_accept;
    uint16_t format, accept; /* of our body; of the response's */
    uint16_t
        block_bytes; /* blocks of 16, 32 .. 1,024 bytes, both ways; 0: as large as datagrams allow */
    const char *path; /* "/a/b?x=1&y", percent-encoded, NUL-terminated (RFC 7252 6.4); NULL: none */
    const struct iot_coap_option *
        options; /* more, in any order; none that the client makes itself: Observe, Block1, Block2, Size1,
                                              Echo, Request-Tag, Content-Format, Accept, Uri-* */
    uint8_t option_count;
    uint16_t
        understands; /* a critical option that `head` knows: a response with it is not rejected. 0: none */
    struct iot_bytes
        token;             /* 1 to 8 bytes; len 0, as nearly always: chosen for each, never twice */
    struct iot_bytes body; /* or */
    iot_coap_source source; /* ... as it comes; NULL */
    uint32_t
        max_bytes; /* a response's body may have so many; more is IOT_ERR_COAP_LIMIT. 0: 65,536 */
    uint32_t response_ms; /* an acknowledged request is answered within; 0: options.response_ms */
    const struct iot_coap_handlers *on;
    void *ctx;
};

/** Everything is borrowed as long as the client is used; const in flash is fine. Times in ms, 0: the default. */
struct iot_coap_options {
    const char *host;                    /* name or address text. A name is also sent as Uri-Host */
    uint16_t port;                       /* 0: 5683, with DTLS 5684 */
    const struct iot_tls_options *tls;   /* coaps, with an arena of its own; NULL: plain coap */
    const struct iot_dtls_options *dtls; /* NULL: all defaults */
#if IOT_FEATURE_LINK
    /* A platform identity: TLS of kind IOT_TLS_PSK without a key takes key and name of it (iot_link.h). NULL. */
    const struct iot_link_identity *link;
#endif
    void *netif;             /* struct netif * to bind to, or NULL */
    struct iot_dgram *dgram; /* instead of lwIP's UDP; NULL */
    /* RFC 7252 4.8. */
    uint32_t ack_timeout_ms; /* 2,000; not below 1,000 */
    uint8_t max_retransmit;  /* 4; 1 to 8 */
    uint16_t probing_rate;   /* bytes per second to a server that answers no NON: 1 */
    uint32_t
        response_ms; /* from the acknowledgement, or from sending a NON, to the response: 60,000 */
    uint32_t
        keep_ms; /* an association without requests is kept so long; 0: as long as the device is open */
    /* An association over which so many transmissions of a request got no answer, and nothing else came either, is taken for
     * lost: a new one is made. 0: max_retransmit + 1, all of them. DTLS only. */
    uint8_t doubt_after;
};

/**
 * Prepare a client and attach it to a device; once per client, after iot_device_init. The device's IOT_EV_CLOSED waits
 * for it.
 *
 * coap     caller's storage, from iot_static.h.
 * Returns  IOT_OK; IOT_ERR_ARG: options that cannot work (TLS options, see iot_device_init; an arena that somebody else
 *          has; no host; ack_timeout_ms below 1,000); attached already.
 */
iot_err iot_coap_init(struct iot_coap *coap, struct iot_device *dev,
                      const struct iot_coap_options *options);

/**
 * Begin a request; it leaves in a later tick. Confirmable ones go one after the other (NSTART 1), the others wait in their
 * order.
 *
 * out      names it for iot_coap_cancel; may be NULL.
 * Returns  IOT_OK: `end` will be called; IOT_ERR_FULL: IOT_COAP_REQUESTS are under way; IOT_ERR_STATE: the device is closing or the
 *          client is being parked; IOT_ERR_COAP_URI: not a path, or a segment longer than 255 bytes; IOT_ERR_SIZE: path and options
 *          leave no room for a block of 16 bytes in IOT_COAP_BYTES; IOT_ERR_ARG: a member that is not allowed with this method, an
 *          option that the client makes itself, or of a length that is not allowed.
 */
iot_err iot_coap_start(struct iot_coap *coap, const struct iot_coap_request *request,
                       iot_ticket *out);

/** Not wanted any more. A request: `end` is called with IOT_ERR_CLOSED in the next tick, and a late answer reaches
 *  nobody. An observation: the server is told first (RFC 7641 3.6), `end` comes when it has confirmed, or with the reason why it
 *  has not. IOT_ERR_STATE: no such request. */
iot_err iot_coap_cancel(struct iot_coap *coap, iot_ticket request);

/** A body's handler took nothing (AGAIN) and will now: look in the next tick. */
void iot_coap_resume(struct iot_coap *coap);

/** No request is under way, observations included. The association may be kept. */
bool iot_coap_ready(const struct iot_coap *coap);

/**
 * The device goes to sleep: keep the association in the port's kv (dtls.context_key), give its memory back, and say nothing to the
 * server. The next request goes on with it, after a reboot too, without a handshake. Without a key, or without DTLS, the same, but
 * nothing is kept. Then iot_coap_idle. It is worth it with a connection ID (dtls.cid, and a server that takes it): without one the server
 * knows us by address and port, and lwIP's UDP has another port each time.
 *
 * Returns  IOT_OK; IOT_ERR_STATE: requests are under way.
 */
iot_err iot_coap_park(struct iot_coap *coap);

/** End a kept association in good order (close_notify); then iot_coap_idle. IOT_ERR_STATE: requests are under way. */
iot_err iot_coap_hang_up(struct iot_coap *coap);

/** Neither request nor association: nothing of its arena is in use. */
bool iot_coap_idle(const struct iot_coap *coap);

/** How it was since iot_coap_init; for diagnosis. */
struct iot_coap_counters {
    uint32_t sent, received; /* datagrams of CoAP */
    uint32_t repeated;       /* of `sent`: retransmissions */
    uint32_t duplicates;     /* of `received`: had come before */
    uint32_t ignored;        /* of `received`: not for any request, malformed, of another version */
    uint32_t handshakes,
        resumed; /* DTLS: associations that were new; that were kept while the device slept */
};
void iot_coap_counters(const struct iot_coap *coap, struct iot_coap_counters *out);

#if IOT_FEATURE_DTLS
/** Use of its TLS arena; `high` since iot_coap_init. All 0: plain. */
void iot_coap_tls_memory(const struct iot_coap *coap, struct iot_tls_memory *out);
#endif

#endif

#ifdef __cplusplus
}
#endif
#endif
