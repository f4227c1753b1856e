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
 * iot_coap_block.c has what is about blocks, iot_coap_observe.c what is about observations, iot_coap_seen.c the messages that came
 * before. */
#ifndef IOT_COAP_EXCHANGE_H
#define IOT_COAP_EXCHANGE_H

#include "coap/iot_coap_codec.h"
#include "core/iot_core_jitter.h"

#if IOT_FEATURE_COAP

/* One request. */
struct iot_coap_slot {
    const struct iot_coap_request *req; /* NULL: free */
    uint8_t phase;
    uint8_t tries;    /* transmissions of this message */
    uint8_t restarts; /* of a body that changed, or Echo */
    uint16_t id;      /* of the message that is out, or was */
    iot_ticket ticket;
    uint8_t token[IOT_COAP_TOKEN_MAX], token_len;
    bool cancelled;
    iot_time due;        /* of the phase */
    uint32_t timeout_ms; /* doubled with each try */
    /* ... and the states of blocks and observation: private to their files */
};

/* What is to be told; `slot` NULL: nothing. */
enum iot_coap_what {
    IOT_COAP_NOTHING,
    IOT_COAP_PART, /* bytes of a body, or an empty one: head if `first`, whole if `last` */
    IOT_COAP_END,  /* over: `err`, `detail`; the slot is free already */
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

/* A message that came and was answered, so that its copy is answered alike (RFC 7252 4.2, 4.3). */
struct iot_coap_seen {
    iot_time until;
    uint16_t id;
    uint8_t answer; /* enum iot_coap_type; IOT_COAP_NON: nothing */
};

struct iot_coap_exchange {
    struct iot_coap_rules rules;
    struct iot_jitter jitter;
    uint16_t next_id;
    uint32_t salt, count; /* of tokens */
    iot_ticket last_ticket;
    struct iot_coap_slot slots[IOT_COAP_REQUESTS];
    struct iot_coap_seen seen[IOT_COAP_SEEN];
    struct iot_coap_counters counters;
    /* ... empty messages to be sent, NON's budget: private */
};

void iot_coap_exchange_init(struct iot_coap_exchange *x, const struct iot_coap_rules *rules,
                            uint32_t seed);

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

/** So many transmissions of the message that is out were not answered. */
uint32_t iot_coap_exchange_unheard(const struct iot_coap_exchange *x);

/** The association is gone, and a new one will be made: observations register again, repeatable requests begin again with new ids and
 *  tokens, what was not sent yet waits on. Others that are out end with IOT_ERR_UNKNOWN, by `expire`. */
void iot_coap_exchange_renew(struct iot_coap_exchange *x, iot_time now);

/** No association can be had: all end with `err` and `detail`, by `expire`. */
void iot_coap_exchange_fail(struct iot_coap_exchange *x, iot_err err, int32_t detail);

/** Something wants to be sent (an association is needed) / nothing is under way. */
bool iot_coap_exchange_wants(const struct iot_coap_exchange *x);
bool iot_coap_exchange_idle(const struct iot_coap_exchange *x);

iot_time iot_coap_exchange_deadline(const struct iot_coap_exchange *x);

#endif
#endif
