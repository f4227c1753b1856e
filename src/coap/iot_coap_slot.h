/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of an exchange share: see iot_coap_exchange.h. */
#ifndef IOT_COAP_SLOT_H
#define IOT_COAP_SLOT_H

#include "coap/iot_coap_exchange.h"

#if IOT_FEATURE_COAP

#define IOT_COAP_SZX_MAX     6u
#define IOT_COAP_SZX_NONE    7u
#define IOT_COAP_RESTARTS    3u      /* of one body */
#define IOT_COAP_ASIDE_MS    500u    /* a part that its handler did not take is asked for after */
#define IOT_COAP_SOURCE_MS   50u     /* ... and a source that had nothing */
#define IOT_COAP_LIFETIME_MS 247000u /* EXCHANGE_LIFETIME, RFC 7252 4.8.2 */

/* Of a response, read. */
struct iot_coap_reply {
    struct iot_coap_head head;
    uint32_t observe; /* 24 bits */
    struct iot_coap_block block1, block2;
    struct iot_bytes echo;
    bool has_observe, has_block1, has_block2;
};

/* ---- iot_coap_exchange.c */

/* A new message of this slot's is to be sent, from `due` on (0: now), by a token of its own or the one that it has. */
void iot_coap_queue(struct iot_coap_exchange *x, struct iot_coap_slot *s, bool fresh, iot_time due);

/* It ends by this, which `expire` will tell. */
void iot_coap_over(struct iot_coap_slot *s, iot_err err, int32_t detail);

/* GET and FETCH change nothing on the server. */
static inline bool iot_coap_safe(const struct iot_coap_slot *s)
{
    return s->req->method == IOT_COAP_GET || s->req->method == IOT_COAP_FETCH;
}

static inline bool iot_coap_has_body(const struct iot_coap_request *req)
{
    return req->body.len != 0 || req->source != NULL;
}

/* A confirmable message of it is out and not acknowledged. */
static inline bool iot_coap_is_out(const struct iot_coap_slot *s)
{
    return s->req != NULL && (s->phase == IOT_COAP_PH_SENT || s->phase == IOT_COAP_PH_REPEAT);
}

static inline bool iot_coap_is_waiting(const struct iot_coap_slot *s)
{
    return iot_coap_is_out(s) || (s->req != NULL && s->phase == IOT_COAP_PH_ACKED);
}

static inline bool iot_coap_is_ready(const struct iot_coap_slot *s)
{
    return s->req != NULL && s->due == 0 &&
           (s->phase == IOT_COAP_PH_QUEUED || s->phase == IOT_COAP_PH_REPEAT);
}

static inline struct iot_coap_slot *iot_coap_last(struct iot_coap_exchange *x)
{
    return x->slots + IOT_COAP_REQUESTS - 1;
}

/* The confirmable message that is out, or NULL. */
struct iot_coap_slot *iot_coap_outstanding(struct iot_coap_exchange *x);

/* The server has the message; now it owes the response. */
void iot_coap_await(const struct iot_coap_exchange *x, struct iot_coap_slot *s, iot_time now);

bool iot_coap_has_token(const struct iot_coap_exchange *x, const struct iot_coap_slot *s,
                        uint32_t number, struct iot_bytes token);

/* The bytes of a token; `into` has room for IOT_COAP_TOKEN_MAX. */
struct iot_bytes iot_coap_token(const struct iot_coap_exchange *x,
                                const struct iot_coap_request *req, uint32_t number, uint8_t *into);

/* ---- iot_coap_request.c */

/* As iot_coap_start says, but for pools and states. */
iot_err iot_coap_request_check(const struct iot_coap_exchange *x,
                               const struct iot_coap_request *req);

/* The slot's message. IOT_ERR_AGAIN: its source has nothing now. */
iot_err iot_coap_request_write(struct iot_coap_exchange *x, struct iot_coap_slot *s, uint8_t *into,
                               uint32_t room, uint32_t *len);

/* ---- iot_coap_reply.c */

/* IOT_OK; otherwise the reason to reject it: a critical option that is unknown, out of its range or repeated. `*detail` is its
 * number. `req`: what it answers, which may know one more; NULL. */
iot_err iot_coap_reply_read(const struct iot_coap_message *m, const struct iot_coap_request *req,
                            struct iot_coap_reply *out, int32_t *detail);

/* ---- iot_coap_block.c */

/* A request that begins: the sizes of blocks that it wishes. */
void iot_coap_block_init(struct iot_coap_slot *s);

/* Both bodies from their beginnings. */
void iot_coap_block_begin(struct iot_coap_slot *s);

/* A response to a message that carries our body, or a part of it. False: it is the response to the whole. */
bool iot_coap_block_sent(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                         const struct iot_coap_reply *r);

/* A response's body: the event, or what else follows from it. */
void iot_coap_block_came(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                         const struct iot_coap_reply *r, struct iot_bytes part,
                         struct iot_coap_event *ev);

/* Which block of the response is asked for, as an option's value; false: none is named. */
bool iot_coap_block_wanted(const struct iot_coap_slot *s, struct iot_coap_block *out);

/* The biggest block not above `bytes`, as SZX; 7: not even 16. */
uint8_t iot_coap_block_szx(uint32_t bytes);

/* ---- iot_coap_observe.c */

/* Is a notification newer than the newest (RFC 7641 3.4)? */
bool iot_coap_observe_newer(const struct iot_coap_slot *s, uint32_t order, iot_time now);

/* What a response to a registration, or a notification, says about the observation. */
void iot_coap_observe_noted(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                            const struct iot_coap_reply *r, iot_time now);

/* ---- iot_coap_seen.c */

/* Has it come before? Then it is answered again. */
bool iot_coap_seen_again(struct iot_coap_exchange *x, uint16_t id, iot_time now);
void iot_coap_seen_add(struct iot_coap_exchange *x, uint16_t id, uint8_t answer, iot_time now);
/* The next that is owed an answer, or NULL. */
struct iot_coap_seen *iot_coap_seen_owed(struct iot_coap_exchange *x);
/* The server has begun to count anew. */
void iot_coap_seen_forget(struct iot_coap_exchange *x);

#endif
#endif
