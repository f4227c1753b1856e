/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a server: which resource, duplicates, separate answers, blocks, observers, Echo. Memory and rules, no I/O: datagrams
 * go in and come out, time is an argument. The exchange of a client (iot_coap_exchange.h) knows one server that it trusts to be
 * there; this knows many peers and trusts none.
 *
 * One datagram is worked on at a time, in `bytes`: the owner reads it into there, `take` digests it and calls the handler,
 * and what is to be said at once stands there when `next` is asked. What is said later (separate answers, notifications, their
 * repetitions) is made in there when its time has come: nothing that was sent is kept, but for the short answers to requests
 * that change something. */
#ifndef IOT_COAP_SERVE_H
#define IOT_COAP_SERVE_H

#include "coap/iot_coap_codec.h"
#include "core/iot_core_jitter.h"
#include "iot/iot_coap_server.h"

#if IOT_FEATURE_COAP_SERVER

/* The way to a peer: by UDP, or by a session of DTLS, each of which has a number that does not come again. */
struct iot_coap_via {
    struct iot_peer peer;
    uint32_t session; /* 0: UDP */
};

/* What the owner knows. */
struct iot_coap_serve_rules {
    const struct iot_coap_resource *resources;
    uint16_t resource_count;
    uint32_t leisure_ms;
    void *ctx;
    /* Largest message that may go this way, bytes; 0: the way is gone. */
    uint32_t (*room)(void *ctx, const struct iot_coap_via *via);
    /* 8 bytes that only we can make of this text, and the same each time until a reboot. */
    void (*mac)(void *ctx, struct iot_bytes text, uint8_t out[8]);
};

struct iot_coap_serve; /* below: the owner of this file adds what it needs */

/* ---- Private parts --------------------------------------------------------------------------- */

struct iot_coap_serve {
    struct iot_coap_serve_rules rules;
    struct iot_jitter jitter;
    uint16_t next_id;
    struct iot_coap_server_counters counters;
    uint8_t bytes[IOT_COAP_BYTES];     /* the message that came, or the one that leaves */
    uint8_t body[IOT_COAP_BODY_BYTES]; /* a representation, while an answer is made of it */
};

/* ---- Calls ----------------------------------------------------------------------------------- */

void iot_coap_serve_init(struct iot_coap_serve *x, const struct iot_coap_serve_rules *rules,
                         uint32_t seed);

/** Table and attributes are as iot_coap_server_init wants them. */
bool iot_coap_serve_check(const struct iot_coap_resource *resources, uint16_t count);

/** `len` bytes have come into x->bytes. `identity`: of a session; valid until return. Only when `next` has nothing that is to be said at
 *  once (iot_coap_serve_owes). */
void iot_coap_serve_take(struct iot_coap_serve *x, const struct iot_coap_via *via,
                         struct iot_bytes identity, bool to_many, uint32_t len, iot_time now);

/** The next message to be sent, and where to; `out` lies in x->bytes. IOT_OK; IOT_ERR_AGAIN: nothing now. It is the same again until
 *  `sent`. Calls handlers, for notifications. */
iot_err iot_coap_serve_next(struct iot_coap_serve *x, iot_time now, struct iot_coap_via *to,
                            struct iot_bytes *out);

/** What `next` gave has left, or could not: both are alike, as the network might have lost it. */
void iot_coap_serve_sent(struct iot_coap_serve *x, iot_time now);

/** `next` has what answers the message that came last: nothing else may be taken. */
bool iot_coap_serve_owes(const struct iot_coap_serve *x);

/** A session is over: its observers, calls and answers are gone. */
void iot_coap_serve_gone(struct iot_coap_serve *x, uint32_t session);

/** As iot_coap_server_changed, _answer_init, _answer, _observers. */
void iot_coap_serve_changed(struct iot_coap_serve *x, const char *path);
void iot_coap_serve_answer_init(struct iot_coap_serve *x, uint8_t method,
                                struct iot_coap_answer *answer);
iot_err iot_coap_serve_answer(struct iot_coap_serve *x, uint32_t call,
                              const struct iot_coap_answer *answer, iot_time now);
uint32_t iot_coap_serve_observers(const struct iot_coap_serve *x, const char *path);

/** Nobody is served any more: forget peers, calls, observers. */
void iot_coap_serve_stop(struct iot_coap_serve *x);

/** When `next` has something even if nothing comes; 0: at once. */
iot_time iot_coap_serve_deadline(const struct iot_coap_serve *x);

/* ---- iot_coap_links.c ------------------------------------------------------------------------ */

/** /.well-known/core (RFC 6690): what of the table is not hidden and passes the filter of `options` (its Uri-Query; section 4.1).
 *  False: nothing does. */
bool iot_coap_links(const struct iot_coap_resource *resources, uint16_t count,
                    struct iot_bytes options, struct iot_writer *w);

#endif
#endif
