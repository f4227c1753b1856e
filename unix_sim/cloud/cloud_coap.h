/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_coap.h
 * What the platform does by CoAP, without the CoAP (protocol 8, 6.8): a request comes in as what of it matters, an answer
 * goes out as what a front has to send. Paths, by POST:
 *
 *     auth              a token for a signature
 *     topic/PATH        a message for a token; what the platform answers to it comes in the answer
 *
 * Over DTLS a token is all it takes. Without, in the symmetric mode, the signature covers a number, the answer to it has
 * `random` of which the key is made, and a message is encrypted and has a sequence number, which may not come again. A
 * token is good by the way by which it came, until the device gets another, or the option coap-token-s ends it.
 *
 * How strictly: Content-Format 50 or none is JSON, 60 CBOR; other formats only on custom topics and thing/model/up_raw,
 * whose bytes nobody looks at. JSON to a system topic has to be JSON (4.00); what is wrong with it as a message is said in
 * a reply of code 2.05, as by MQTT. An answer is CBOR if the message was and Accept asks for that.
 *
 *     4.00  body or options are not understood       4.04  no such device, no such topic of the device's
 *     4.01  sign or token wrong, token at its end    4.05  no POST
 *     4.03  not allowed: topic, state, a sequence    4.14  the topic is longer than 128 bytes
 *           number that was there already            5.00  too many in a second, or as an option says
 *
 * Faults, by options: coap-code, coap-drop-ack, coap-double-ack, coap-separate, coap-delay-ms.
 */
#ifndef CLOUD_COAP_H
#define CLOUD_COAP_H

#include "cloud/cloud_out.h"

#define CLOUD_COAP_BODY_MAX 4096u /* of a request; a front answers 4.13 to more */
#define CLOUD_COAP_PATH_MAX 1024u

#define CLOUD_COAP_OPTION_TOKEN    2088
#define CLOUD_COAP_OPTION_SEQUENCE 2089
/* An older generation has both by this one: first the token, then the number. */
#define CLOUD_COAP_OPTION_OLDER 61

#define CLOUD_COAP_JSON 50
#define CLOUD_COAP_CBOR 60

#define CLOUD_COAP_CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

/** How a request came. */
enum cloud_coap_way {
    CLOUD_COAP_CERT,      /* DTLS, the platform showed its certificate */
    CLOUD_COAP_PSK,       /* DTLS by a key, so the front knows who it is */
    CLOUD_COAP_SYMMETRIC, /* no DTLS */
};

/** A request. Texts end with a NUL. */
struct cloud_coap_request {
    enum cloud_coap_way way;
    const char *identity; /* CLOUD_COAP_PSK: as cloud_coap_key took it; else NULL */
    uint8_t method;       /* 2: POST */
    const char *path;     /* its segments with '/' between */
    int32_t format;       /* Content-Format; -1: none */
    int32_t accept;       /* -1: none */
    const char *token;    /* option 2088; NULL: none */
    const uint8_t *seq;   /* option 2089; NULL: none */
    size_t seq_len;
    const uint8_t *payload; /* payload_len bytes */
    size_t payload_len;
};

/** An answer; cloud_coap_free takes its memory back. */
struct cloud_coap_answer {
    uint8_t code;     /* as it is on the wire */
    int32_t format;   /* -1: none */
    uint8_t *payload; /* by malloc; NULL: none */
    size_t payload_len;
    uint8_t seq[32]; /* option 2089, seq_len bytes; 0: none */
    size_t seq_len;
    uint32_t delay_ms; /* send nothing before */
    bool drop;         /* send nothing at all, this time */
    bool twice;        /* send it, and its copy */
    bool separate;     /* of a CON: an empty ACK at once, this as a CON of its own */
};

/** Always an answer. */
void cloud_coap(struct cloud *c, const struct cloud_coap_request *q, uint64_t now_ms,
                struct cloud_coap_answer *a);

void cloud_coap_free(struct cloud_coap_answer *a);

/** The key of a DTLS-PSK identity (protocol 8.6), as text: its bytes are the key. False: unknown, logged. */
bool cloud_coap_key(struct cloud *c, const char *identity, char key[65]);

/* ---- Among the parts ------------------------------------------------------------------------- */

/** The answer is this code, and `format` in words where nobody could have changed them on the way. */
__attribute__((format(printf, 4, 5))) void cloud_coap_refuse(const struct cloud_coap_request *q,
                                                             struct cloud_coap_answer *a,
                                                             uint8_t code, const char *format, ...);

/** The answer is 2.05 with these bytes, by malloc, taken over. */
void cloud_coap_give(struct cloud_coap_answer *a, int32_t format, void *bytes, size_t len);

/** POST /auth. */
void cloud_coap_auth(struct cloud *c, const struct cloud_coap_request *q, uint64_t now_ms,
                     struct cloud_coap_answer *a);

#endif
