/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's CoAP channel: what its calls share. One at a time: the message is written into the work memory, and stays there
 * until the call ends, as the client of CoAP writes each datagram anew from what it was lent. Behind it
 * stands what belongs to the request under way, and behind that its answer.
 *
 *     path NUL payload [16] | authentication, or number | answer, as it comes
 *     work                  ^ kept                      ^ used      ^ used + got
 *
 * With `symmetric` the payload is encrypted where it stands, and decrypted there again should the key change. */
#ifndef IOT_LINK_UPLINK_H
#define IOT_LINK_UPLINK_H

#include "crypto/iot_crypto_aes.h"
#include "iot/iot_uplink.h"
#include "link/iot_link_ask.h"

#if IOT_FEATURE_UPLINK

struct iot_uplink {
    const struct iot_uplink_options *opt;
    uint8_t call;   /* of enum iot_uplink_call */
    uint8_t fails;  /* in a row */
    uint8_t status; /* code of the response; 0: there is none */
    bool authenticates;
    bool fresh;  /* the token is of this call */
    bool sealed; /* the message is encrypted */
    bool coded;  /* the answer says by a code of its own how it went */
    bool non;
    bool cancelled;
    uint16_t format, reply_format;
    uint32_t id;       /* of the last message of ours */
    uint32_t number;   /* symmetric: of the next message */
    uint32_t at, kept; /* where our payload begins, and the message ends */
    uint32_t used, got;
    struct iot_bytes payload;
    iot_ticket ticket;
    struct iot_coap_request request;
    struct iot_coap_option option[2]; /* token, number */
    uint8_t key[IOT_AES_BYTES];
    char token[IOT_ASK_TOKEN_MAX + 1]; /* "": none */
};

/** Begin a message: its path is written, of a template below "/topic"; a payload may follow in `w`, as JSON. IOT_ERR_STATE: a call is
 *  under way. */
iot_err iot_uplink_begin(struct iot_uplink *up, const char *topic, const char *value,
                         struct iot_writer *w);

/** Send it, as what is set by now (format, payload, coded, non). Errors as of a call; whatever was written is wiped then. */
iot_err iot_uplink_send(struct iot_uplink *up, struct iot_writer *w, enum iot_uplink_call call);

/** Nothing of it is kept. Returns `err`. */
iot_err iot_uplink_drop(struct iot_uplink *up, iot_err err);

/* ---- Messages of ours (iot_link_uplink_say.c) */

/** A topic of a thing. */
#define IOT_UPLINK_THING(what) "/sys/" IOT_ASK_PK "/" IOT_ASK_DN "/" what

/** The envelope of Alink, up to its params; and from there on. */
iot_err iot_uplink_open(struct iot_uplink *up, const char *topic, const char *value,
                        struct iot_writer *w);
void iot_uplink_close(struct iot_uplink *up, struct iot_writer *w);

/* ---- The symmetric mode (iot_link_uplink_seal.c) */

struct iot_uplink_cipher {
    /* Make the key. Errors as iot_ask_secret. */
    iot_err (*key)(struct iot_uplink *up, struct iot_bytes random);
    /* As iot_aes_encrypt, iot_aes_decrypt. */
    uint32_t (*seal)(const struct iot_uplink *up, uint8_t *bytes, uint32_t len);
    bool (*unseal)(const struct iot_uplink *up, uint8_t *bytes, uint32_t len, uint32_t *plain);
};

#endif
#endif
