/* SPDX-License-Identifier: Apache-2.0 */
/* The rules between us and one server: messages (RFC 7252 4), requests and their responses (5), observations (RFC 7641), blocks (RFC
 * 7959), Echo and Request-Tag (RFC 9175). Memory and rules, no I/O: datagrams go in and come out, time is an argument, each
 * call finds one event at most.
 *
 * Nothing that was sent is kept: a datagram is made from the request, which the caller lends until its end, each time that it is
 * sent, and comes out the same.
 *
 *     FREE -start-> QUEUED -next, sent-> SENT -empty ack-> ACKED -response-> (END, OBSERVED, or QUEUED for the next block)
 *                     ^                    |  \- response in the ack -> the same
 *                     |_ more blocks, Echo_|_ nothing in time: END
 *
 * iot_coap_take.c has what is about datagrams that come, iot_coap_send.c those that leave; iot_coap_request.c makes a message of a request, iot_coap_reply.c reads a response, iot_coap_block.c has what is about blocks,
 * iot_coap_observe.c what is about observations, iot_coap_seen.c the messages that came before. */
#ifndef IOT_COAP_EXCHANGE_H
#define IOT_COAP_EXCHANGE_H

#include "coap/iot_coap_codec.h"
#include "core/iot_core_jitter.h"

#if IOT_FEATURE_COAP

/* Where a request is. */
enum iot_coap_phase {
    IOT_COAP_PH_QUEUED, /* a new message is to be sent; not before `due`, if that is not 0 */
    IOT_COAP_PH_SENT, /* confirmable, not acknowledged: patience with this transmission ends at `due` */
    IOT_COAP_PH_REPEAT,   /* and the same is to be sent again, as when queued */
    IOT_COAP_PH_ACKED,    /* or non-confirmable: the response is awaited until `due` */
    IOT_COAP_PH_HANDED,   /* a part is with its handler */
    IOT_COAP_PH_OBSERVED, /* nothing is out; registers again at `due` */
    IOT_COAP_PH_OVER,     /* by `err`, which is to be told */
};

/* What the next message is for. */
enum iot_coap_ask {
    IOT_COAP_ASK_WHOLE,  /* what the caller wants, with Observe if so */
    IOT_COAP_ASK_REST,   /* a body, or more of it; no Observe */
    IOT_COAP_ASK_CANCEL, /* an observation */
};

/* Bits of iot_coap_slot.flags. */
#define IOT_COAP_WATCHED  1u  /* the server notifies us, by the token `watch` */
#define IOT_COAP_UPLOADED 2u  /* our body is there */
#define IOT_COAP_MORE_UP  4u  /* the message that is out does not have the last of our body */
#define IOT_COAP_MORE     8u  /* the part that was handed was not the last of the response's */
#define IOT_COAP_ECHOES   16u /* sends Echo */
#define IOT_COAP_ECHOED   32u /* the message that is out was sent once more because of it */

/* One request. A token is named by a number: 0 is the request's own, others are the lower half of ours. */
struct iot_coap_slot {
    const struct iot_coap_request *req; /* NULL: free */
    iot_ticket ticket;
    uint8_t phase; /* enum iot_coap_phase */
    uint8_t ask;   /* enum iot_coap_ask */
    uint8_t flags;
    uint8_t tries;       /* transmissions of this message */
    iot_time due;        /* of the phase */
    uint32_t timeout_ms; /* doubled with each try */
    uint32_t turn;       /* who was queued first leaves first */
    uint32_t token;      /* of the message that is out, or was */
    uint16_t id;         /* its */
    uint16_t got;        /* bytes of the part that was handed */
    /* Bodies: iot_coap_block.c. */
    uint32_t at;      /* ours is there, or out, up to here */
    uint32_t from;    /* the response's is here up to here */
    uint32_t tag;     /* Request-Tag; 0: our body fits into one message, as far as we know */
    uint8_t up, down; /* sizes of blocks, as SZX; 7: not agreed on */
    uint8_t restarts;
    uint8_t etag_len, etag[8]; /* of the body that comes */
    /* The observation: iot_coap_observe.c. */
    uint32_t watch, order; /* its token; number of the newest notification */
    iot_time order_at;     /* when that came */
    iot_time renew_at;     /* registers again then */
    iot_err err;
    int32_t detail;
};

/* What is to be told; `slot` NULL: nothing. */
enum iot_coap_what {
    IOT_COAP_NOTHING,
    IOT_COAP_PART, /* of `take`: bytes of a body, or an empty one: head if `first`, whole if `last`. To be answered */
    IOT_COAP_END, /* of `expire`: over: `err`, `detail`; the slot is free already */
};

struct iot_coap_event {
    uint8_t what;
    bool first, last;
    struct iot_coap_slot *slot;
    const struct iot_coap_request *req; /* whose: valid for END, too */
    struct iot_coap_head head;          /* if first */
    uint32_t offset;
    struct iot_bytes part; /* of the datagram */
    iot_err err;
    int32_t detail;
};

/* Options in force, defaults filled in. */
struct iot_coap_rules {
    uint32_t ack_timeout_ms, response_ms;
    uint16_t probing_rate;
    uint8_t max_retransmit;
    const char *uri_host; /* sent as Uri-Host, or NULL */
};

/* A message that came and is answered by an empty one, so that its copy is answered alike (RFC 7252 4.2). Non-confirmable ones are
 * not kept: each token is good for one response, and numbers of notifications tell copies from news. */
struct iot_coap_seen {
    iot_time until;
    uint16_t id;
    uint8_t answer; /* IOT_COAP_ACK, IOT_COAP_RST */
    bool owed;      /* it has to be sent, or sent again */
};

#define IOT_COAP_ECHO_MAX 40u /* RFC 9175 2.2.1 */

struct iot_coap_exchange {
    struct iot_coap_rules rules;
    struct iot_jitter jitter;
    uint16_t first_id, next_id;
    uint16_t
        offered; /* by `next`, not sent yet: a slot's index + 1, or behind them one of `seen`; 0: nothing */
    uint16_t offered_len; /* bytes */
    uint8_t unheard;
    uint8_t echo_len, echo[IOT_COAP_ECHO_MAX]; /* the server's latest; slots that send it say so */
    uint32_t salt, count; /* upper half of tokens; the last number of a token, a tag or a turn */
    iot_time
        half_since; /* when the present half of all message ids was begun; NEVER: it is the first */
    iot_time hush;  /* no non-confirmable message before: see PROBING_RATE, RFC 7252 4.7 */
    iot_ticket last_ticket;
    struct iot_coap_slot slots[IOT_COAP_REQUESTS];
    struct iot_coap_seen seen[IOT_COAP_SEEN];
    struct iot_coap_counters counters;
};

void iot_coap_exchange_init(struct iot_coap_exchange *x, const struct iot_coap_rules *rules,
                            uint32_t seed);

/** Another seed, before anything was sent: chance may come later than requests. */
void iot_coap_exchange_seed(struct iot_coap_exchange *x, uint32_t seed);

/** As iot_coap_start and iot_coap_cancel. */
iot_err iot_coap_exchange_start(struct iot_coap_exchange *x, const struct iot_coap_request *req,
                                iot_ticket *out);
iot_err iot_coap_exchange_cancel(struct iot_coap_exchange *x, iot_ticket ticket);

/** A datagram came. What it makes us send, `next` gives. */
void iot_coap_exchange_take(struct iot_coap_exchange *x, struct iot_bytes datagram, iot_time now,
                            struct iot_coap_event *ev);

/** The handler's answer to a PART: IOT_OK; IOT_ERR_AGAIN; another: end it. What ends is an event of `expire`. */
void iot_coap_exchange_answer(struct iot_coap_exchange *x, struct iot_coap_slot *slot, iot_err err,
                              iot_time now);

/** What is due by itself: time-outs, cancelled requests. Ask until NOTHING. */
void iot_coap_exchange_expire(struct iot_coap_exchange *x, iot_time now, struct iot_coap_event *ev);

/** The next datagram to be sent, at most `room` bytes of it in `into`: answers to messages first. IOT_OK; IOT_ERR_AGAIN: nothing now. It
 *  is the same again until `sent`. */
iot_err iot_coap_exchange_next(struct iot_coap_exchange *x, uint8_t *into, uint32_t room,
                               iot_time now, uint32_t *len);

/** What `next` gave has left. */
void iot_coap_exchange_sent(struct iot_coap_exchange *x, iot_time now);

/** A body's handler will take now: see iot_coap_resume. */
void iot_coap_exchange_resume(struct iot_coap_exchange *x, iot_time now);

/** So many transmissions were waited for in vain since something came, 255 at most. */
uint32_t iot_coap_exchange_unheard(const struct iot_coap_exchange *x);

/** The association is gone, and a new one will be made: observations register again, repeatable requests begin again with new ids and
 *  tokens, what was not sent yet waits on. Others that are out end with IOT_ERR_UNKNOWN, by `expire`. */
void iot_coap_exchange_renew(struct iot_coap_exchange *x, iot_time now);

/** No association can be had: all end with `err` and `detail`, by `expire`. */
void iot_coap_exchange_fail(struct iot_coap_exchange *x, iot_err err, int32_t detail);

/** Something wants to be sent (an association is needed), though `next` may have reasons to wait / nothing is under way. */
bool iot_coap_exchange_wants(const struct iot_coap_exchange *x);
bool iot_coap_exchange_idle(const struct iot_coap_exchange *x);

/** When `expire` or `next` has something to do even if nothing comes. What could leave at once does not count: see `wants`. */
iot_time iot_coap_exchange_deadline(const struct iot_coap_exchange *x);

#endif
#endif
