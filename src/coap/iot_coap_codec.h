/* SPDX-License-Identifier: Apache-2.0 */
/* CoAP messages (RFC 7252 3): bytes <-> structs, in place. Knows core only. */
#ifndef IOT_COAP_CODEC_H
#define IOT_COAP_CODEC_H

#include "iot/iot_coap.h"

#if IOT_FEATURE_COAP

#define IOT_COAP_TOKEN_MAX  8u
#define IOT_COAP_HEAD_BYTES 4u

enum iot_coap_type { IOT_COAP_CON, IOT_COAP_NON, IOT_COAP_ACK, IOT_COAP_RST };

/* Slices of the datagram. */
struct iot_coap_message {
    uint8_t type; /* enum iot_coap_type */
    uint8_t code;
    uint16_t id;
    struct iot_bytes token, options, payload;
};

/** Read a datagram, all of its options included. IOT_OK; IOT_ERR_STATE: shorter than 4 bytes or of another version, to be
 *  ignored (RFC 7252 3); IOT_ERR_COAP_FORMAT: a message format error, `out->type` and `out->id` are valid. Empty messages with
 *  anything behind the id, tokens longer than 8 bytes, a payload marker without payload, option nibbles of 15, numbers above
 *  65,535 and lengths behind the end are such. Code classes are not judged. */
iot_err iot_coap_decode(struct iot_bytes datagram, struct iot_coap_message *out);

/* Writes a message; past the end it sets `overflow` and writes nothing more. */
struct iot_coap_encoder {
    uint8_t *ptr;
    uint32_t len, cap;
    uint16_t number; /* of the last option */
    bool overflow;
};

/** Head and token. */
void iot_coap_encode(struct iot_coap_encoder *e, uint8_t *into, uint32_t cap, uint8_t type,
                     uint8_t code, uint16_t id, struct iot_bytes token);

/** Options in the order of their numbers; one behind its place is a broken promise (asserted). */
void iot_coap_put(struct iot_coap_encoder *e, uint16_t number, struct iot_bytes value);
/** ... room for its value, `len` bytes to be written; NULL: past the end. */
uint8_t *iot_coap_put_room(struct iot_coap_encoder *e, uint16_t number, uint32_t len);
/** ... of the fewest bytes (RFC 7252 3.2). */
void iot_coap_put_uint(struct iot_coap_encoder *e, uint16_t number, uint32_t value);

/** The payload, if it is not empty. */
void iot_coap_put_payload(struct iot_coap_encoder *e, struct iot_bytes payload);

/* One value of Block1 and Block2 (RFC 7959 2.2). */
struct iot_coap_block {
    uint32_t number; /* 20 bits */
    bool more;
    uint8_t szx; /* 0 to 6: 16 to 1,024 bytes */
};

/** False: longer than 3 bytes, or SZX 7. */
bool iot_coap_block_read(const struct iot_coap_option *option, struct iot_coap_block *out);
uint32_t iot_coap_block_value(const struct iot_coap_block *block);

/** Bytes of a block. */
static inline uint32_t iot_coap_block_bytes(uint8_t szx)
{
    return 16u << szx;
}

#endif
#endif
