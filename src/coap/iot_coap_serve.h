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

/* ---- Private parts --------------------------------------------------------------------------- */

/* What something under way is. */
enum iot_coap_task_kind {
    IOT_COAP_TASK_FREE,
    IOT_COAP_TASK_WATCH,  /* an observer: is told */
    IOT_COAP_TASK_LATER,  /* a request that the application has not answered yet */
    IOT_COAP_TASK_REPLY,  /* its answer, on the way; or one to a group, at a time by chance */
    IOT_COAP_TASK_UPLOAD, /* a body that comes in blocks */
};

/* Bits of iot_coap_task.flags. */
#define IOT_COAP_TASK_OUT                                                                          \
    1u /* a message was sent: nothing more before `due`, or before it is acknowledged */
#define IOT_COAP_TASK_CON     2u /* ... and it is confirmable */
#define IOT_COAP_TASK_CHANGED 4u /* what is observed has changed since */
#define IOT_COAP_TASK_LAST    8u /* it was told an error: not an observer any more */
#define IOT_COAP_TASK_ACKED                                                                        \
    16u /* the request is acknowledged: its answer is a message of its own */
#define IOT_COAP_TASK_NON    32u  /* the request was not confirmable */
#define IOT_COAP_TASK_GROUP  64u  /* ... and sent to a group */
#define IOT_COAP_TASK_ACCEPT 128u /* the request had Accept */

#define IOT_COAP_KEPT_NONE 255u

/* Something that goes on when nothing comes: each has a moment at which it wants the next step. */
struct iot_coap_task {
    uint8_t kind; /* enum iot_coap_task_kind */
    uint8_t flags;
    uint8_t kept; /* where its answer is, or IOT_COAP_KEPT_NONE */
    uint8_t szx;  /* of the blocks of the answer, as it was asked for; 7: it was not */
    uint8_t tries;
    uint8_t token_len;
    uint16_t id; /* of ours that is out; of the request, while that is not acknowledged */
    iot_time due;
    uint8_t token[IOT_COAP_TOKEN_MAX];
    uint16_t timeout_ms;
    uint16_t accept;
    const struct iot_coap_resource *resource;
    uint32_t
        number; /* WATCH: of the newest notification; LATER: the call's; UPLOAD: bytes that have come */
    uint32_t key;    /* UPLOAD: of the body; LATER, REPLY: its last Block1, or 0 */
    uint32_t sure_s; /* WATCH: when it showed last that it is there; UPLOAD: when it began */
    struct iot_coap_via via;
};

/* An answer that is said again when the request comes again, or that is not said yet. */
struct iot_coap_kept {
    uint8_t code; /* 0: there is none yet */
    bool
        stays; /* when it has been said: the request may come again, and is not to be executed again */
    bool has_format, has_max_age;
    uint8_t etag_len;
    uint16_t format, len;
    uint16_t id;    /* of the request */
    iot_time until; /* in the past: free */
    uint32_t hash;  /* of its bytes, which are the same when it is repeated */
    uint32_t key;   /* of its method and path */
    uint32_t max_age_s, total;
    struct iot_coap_via via;
    uint8_t bytes[IOT_COAP_ANSWER_BYTES]; /* ETag, and the body */
};

#define IOT_COAP_TASKS (IOT_COAP_CALLS + IOT_COAP_OBSERVERS)

struct iot_coap_serve {
    struct iot_coap_serve_rules rules;
    struct iot_jitter jitter;
    uint16_t next_id;
    uint16_t turn;       /* the task that had the last turn */
    uint32_t order;      /* of the newest notification; RFC 7641 uses 24 bits of it */
    uint32_t calls;      /* so many were counted */
    iot_time reset_at;   /* over UDP no reset leaves before */
    iot_time echo_after; /* what was shown to peers until then counts no more */
    uint16_t out_len;    /* a message is in `bytes`, for `out_to` */
    uint8_t offered;     /* of this task + 1; 0: it answers what came last */
    struct iot_coap_via out_to;
    struct iot_coap_server_counters counters;
    struct iot_coap_task tasks[IOT_COAP_TASKS]; /* IOT_COAP_CALLS, then observers */
    struct iot_coap_kept kept[IOT_COAP_ANSWERS];
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
