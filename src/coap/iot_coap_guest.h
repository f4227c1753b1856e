/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the server's rules (iot_coap_serve.h): iot_coap_serve.c judges what comes, iot_coap_serve_body.c has what is
 * about bodies in blocks that come, iot_coap_serve_answer.c makes messages, iot_coap_serve_later.c has what goes on when nothing comes,
 * iot_coap_serve_table.c the tables and who may have how much of them. */
#ifndef IOT_COAP_GUEST_H
#define IOT_COAP_GUEST_H

#include "coap/iot_coap_serve.h"

#include <string.h>

#if IOT_FEATURE_COAP_SERVER

/* RFC 7252 4.8. */
#define IOT_COAP_LIFETIME_MS 247000u
#define IOT_COAP_TRIES       5u
/* What a peer sends back of what was shown to it (RFC 9175 2.3) says for so long that it is there, and for so long that what it
 * wants to change is wanted now. */
#define IOT_COAP_THERE_MS 100000u
#define IOT_COAP_FRESH_MS 10000u
/* A body's next block has to come within, and all of them. */
#define IOT_COAP_BODY_MS 60000u
#define IOT_COAP_BODY_S  600u
/* Who asked is told that it was heard. PROCESSING_DELAY is 2 s. */
#define IOT_COAP_HEARD_MS 1000u
/* Once in so long it has to be sure that an observer listens (RFC 7641 4.5). */
#define IOT_COAP_DAY_MS   86400000u
#define IOT_COAP_SZX_NONE 7u
#define IOT_COAP_PATH_MAX 128u
/* Who is told 5.03 may come again after. */
#define IOT_COAP_RETRY_S 5u

/* Whom an answer is for, and how much of it was asked for. */
struct iot_coap_say {
    uint8_t type;
    uint8_t szx;     /* of Block2; IOT_COAP_SZX_NONE: there was none */
    bool has_block1; /* to be said again */
    bool has_order;  /* Observe */
    bool has_accept; /* an answer of another format does not count */
    uint8_t token_len;
    uint16_t id;
    uint16_t accept;
    uint8_t token[IOT_COAP_TOKEN_MAX];
    uint32_t block1; /* value */
    uint32_t block2; /* number */
    uint32_t order;
    void *ctx;              /* of a source */
    struct iot_bytes etags; /* options of the request, if ETag is among them */
    struct iot_coap_via via;
};

/* A request, read. Its slices are of x->bytes. */
struct iot_coap_heard {
    bool to_many;
    bool secure;
    bool known;   /* its Echo is one of ours, or it has a session */
    bool fresh;   /* ... and that is new */
    bool bad;     /* a critical option that is unknown, too long, or there twice */
    bool proxy;   /* is for somebody else */
    bool blocked; /* SZX 7 */
    bool nowhere; /* no path that anything could have */
    bool has_observe;
    uint8_t path_len;
    uint32_t observe;
    struct iot_coap_block block1;
    struct iot_coap_message m;
    uint32_t len;  /* of the datagram, bytes */
    uint32_t hash; /* of it */
    uint32_t key;  /* of its method, path and query */
    uint32_t tag;  /* of its Request-Tag */
    struct iot_coap_say say;
    struct iot_coap_call call;        /* as the handler gets it */
    char path[IOT_COAP_PATH_MAX + 1]; /* segments with '/' between; all of it was 0 before */
};

/* ---- iot_coap_serve.c ------------------------------------------------------------------------ */

/** It changes something. */
static inline bool iot_coap_unsafe(uint8_t method)
{
    return method != IOT_COAP_GET && method != IOT_COAP_FETCH;
}

/** What an application has answered: 5.00 instead, if that is none. */
void iot_coap_serve_check_answer(struct iot_coap_serve *x, struct iot_coap_answer *answer);

/** Ask the application, or discovery. */
void iot_coap_serve_call(struct iot_coap_serve *x, const struct iot_coap_call *call,
                         struct iot_coap_answer *answer);

/* ---- iot_coap_serve_read.c -------------------------------------------------------------------- */

/** What its options say; `ask->m` is there. */
void iot_coap_heard_read(struct iot_coap_serve *x, struct iot_coap_heard *ask, iot_time now);

/** 4 bytes of anything. Begin with 0. */
uint32_t iot_coap_hash(uint32_t hash, const void *bytes, uint32_t len);

/* ---- iot_coap_serve_answer.c ----------------------------------------------------------------- */

/** Make the message. `answer` is changed into what can be said. */
void iot_coap_say(struct iot_coap_serve *x, const struct iot_coap_say *say,
                  struct iot_coap_answer *answer);

/** An answer that is only a code. 5.03 has Max-Age, and is counted. */
void iot_coap_plain(struct iot_coap_serve *x, struct iot_coap_answer *answer, uint8_t code);

void iot_coap_say_code(struct iot_coap_serve *x, const struct iot_coap_say *say, uint8_t code);

/** An empty message. */
void iot_coap_say_empty(struct iot_coap_serve *x, const struct iot_coap_via *via, uint8_t type,
                        uint16_t id);

/** The id of a message of ours. They count up, for each peer from another place: who sees his own does not know those of others, which
 *  he could acknowledge or reset in their names. */
uint16_t iot_coap_new_id(struct iot_coap_serve *x, const struct iot_peer *peer);

/** 4.01, and what is to be sent back. */
void iot_coap_say_echo(struct iot_coap_serve *x, const struct iot_coap_say *say, iot_time now);

/** How old it is, ms; IOT_MS_NEVER: too old, or not from us. */
uint32_t iot_coap_echo_age(struct iot_coap_serve *x, const struct iot_peer *peer,
                           struct iot_bytes echo, iot_time now);

/** From the answer of a task, or of a request that has come again. */
void iot_coap_say_kept(struct iot_coap_serve *x, const struct iot_coap_say *say,
                       struct iot_coap_kept *k);

/** Keep it. False: it is too long, 5.00 is there instead. */
bool iot_coap_keep(struct iot_coap_kept *k, const struct iot_coap_answer *answer);

/* ---- iot_coap_serve_body.c ------------------------------------------------------------------- */

/** A block of a body: 0, it is the next one: of `*task`, which is new for the first of several; or what is to be said. */
uint8_t iot_coap_body_take(struct iot_coap_serve *x, struct iot_coap_heard *ask,
                           struct iot_coap_task **task, iot_time now);

/* ---- iot_coap_serve_later.c ------------------------------------------------------------------ */

/** An acknowledgement or a reset has come. False: of nothing. */
bool iot_coap_serve_told(struct iot_coap_serve *x, const struct iot_coap_via *via,
                         const struct iot_coap_message *m, iot_time now);

/** Nothing is offered any more: something else comes into `bytes`. */
void iot_coap_serve_withdraw(struct iot_coap_serve *x);

/* ---- iot_coap_serve_table.c ------------------------------------------------------------------ */

/** For a call, or for an observer. NULL: full, or this host has its share. */
struct iot_coap_task *iot_coap_task_new(struct iot_coap_serve *x, const struct iot_coap_heard *ask,
                                        uint8_t kind);
void iot_coap_task_end(struct iot_coap_serve *x, struct iot_coap_task *t);

/** The observer by this token; NULL. */
struct iot_coap_task *iot_coap_task_watch(struct iot_coap_serve *x, const struct iot_coap_say *say);

/** A place for an answer, which is not taken yet. NULL: none. `weak`: nothing may give way to it. */
struct iot_coap_kept *iot_coap_kept_room(struct iot_coap_serve *x, const struct iot_coap_via *via,
                                         bool weak, iot_time now);

/** Take it, for the answer to this. */
void iot_coap_kept_take(struct iot_coap_serve *x, struct iot_coap_kept *k,
                        const struct iot_coap_heard *ask, iot_time now);

/** What this was answered before; NULL. */
struct iot_coap_kept *iot_coap_kept_find(struct iot_coap_serve *x, const struct iot_coap_heard *ask,
                                         iot_time now);

bool iot_coap_via_same(const struct iot_coap_via *a, const struct iot_coap_via *b);

#endif
#endif
