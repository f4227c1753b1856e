/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT 3.1.1 packets: bytes <-> structs. Pure: no memory of its own, no time, no I/O. Statement
 * ids are those of the OASIS standard. */
#ifndef IOT_MQTT_CODEC_H
#define IOT_MQTT_CODEC_H

#include "iot/iot_base.h"

enum iot_mqtt_type {
    IOT_MQTT_CONNECT = 1,
    IOT_MQTT_CONNACK,
    IOT_MQTT_PUBLISH,
    IOT_MQTT_PUBACK,
    IOT_MQTT_PUBREC,
    IOT_MQTT_PUBREL,
    IOT_MQTT_PUBCOMP,
    IOT_MQTT_SUBSCRIBE,
    IOT_MQTT_SUBACK,
    IOT_MQTT_UNSUBSCRIBE,
    IOT_MQTT_UNSUBACK,
    IOT_MQTT_PINGREQ,
    IOT_MQTT_PINGRESP,
    IOT_MQTT_DISCONNECT,
};

#define IOT_MQTT_LENGTH_MAX  268435455u                              /* largest Remaining Length */
#define IOT_MQTT_PAYLOAD_MAX (IOT_MQTT_LENGTH_MAX - UINT16_MAX - 4u) /* whatever the topic */
#define IOT_MQTT_HEADER_MAX  5u /* type byte and four length bytes */

/* PUBLISH flags in the first byte */
#define IOT_MQTT_RETAIN    0x01u
#define IOT_MQTT_QOS_SHIFT 1
#define IOT_MQTT_DUP       0x08u

/** One packet from a broker. Slices point into the bytes that were decoded. */
struct iot_mqtt_packet {
    uint8_t type;           /* enum iot_mqtt_type */
    uint8_t qos;            /* PUBLISH */
    bool retain, dup;       /* PUBLISH */
    bool session_present;   /* CONNACK */
    uint8_t code;           /* CONNACK */
    uint16_t id;            /* never 0 where the packet has one; PUBLISH QoS 0: 0 */
    uint32_t total;         /* bytes of the whole packet; 0 until known */
    uint32_t head;          /* PUBLISH: bytes before the payload; 0 until topic and id are known */
    struct iot_bytes topic; /* PUBLISH: a valid topic name */
    struct iot_bytes payload; /* PUBLISH; SUBACK: one valid code per filter, at least one */
};

/**
 * Decode the packet at the start of `in`.
 *
 * Returns  IOT_OK, all of `p` is filled, `p->total` <= in.len. IOT_ERR_AGAIN, more bytes are
 *          needed: `total` is set once the fixed header is there, and for PUBLISH topic, id, qos,
 *          retain, dup and `head` once the variable header is. IOT_ERR_MQTT_MALFORMED: types 0 and
 *          15, reserved flags (2.2.2-2), a fifth or a needless length byte, wrong length for the
 *          type, id 0, QoS 3, DUP with QoS 0, topic empty, beyond the packet, not UTF-8, with NUL
 *          or wildcard (1.5.3-1, -2, 3.3.2-2), CONNACK flags, CONNACK refusing with a session
 *          (3.2.2-4), SUBACK codes (3.9.3-2). IOT_ERR_MQTT_PROTOCOL: a type only clients send.
 *          Errors are found as soon as the offending byte is there, whatever is still missing.
 */
iot_err iot_mqtt_decode(struct iot_bytes in, struct iot_mqtt_packet *p);

/** How many bytes `value` takes as Remaining Length, 1..4. value <= IOT_MQTT_LENGTH_MAX. */
uint32_t iot_mqtt_length_size(uint32_t value);

/** What CONNECT carries. ptr NULL: absent; len 0 with a pointer: present and empty. */
struct iot_mqtt_connect {
    struct iot_bytes client_id;
    struct iot_bytes will_topic, will_payload;
    struct iot_bytes user_name, password;
    uint16_t keepalive_s;
    uint8_t will_qos;
    bool will_retain, clean;
};

/** Write CONNECT. `*len` out. Returns IOT_OK; IOT_ERR_SIZE, `cap` or a 16-bit length too small. */
iot_err iot_mqtt_encode_connect(const struct iot_mqtt_connect *c, uint8_t *into, uint32_t cap,
                                uint32_t *len);

/** What stands before the payload of a PUBLISH: 1 + length + 2 + topic (+ 2) bytes. */
uint32_t iot_mqtt_publish_head_size(uint32_t topic_len, uint8_t qos, uint32_t payload_len);

/**
 * Write it. `flags` is the first byte's low nibble, QoS included; `id` 0 with QoS 0.
 * Returns the bytes written: iot_mqtt_publish_head_size of the same arguments.
 */
uint32_t iot_mqtt_encode_publish_head(uint8_t *into, uint8_t flags, struct iot_bytes topic,
                                      uint16_t id, uint32_t payload_len);

/** PUBACK, PUBREC, PUBREL, PUBCOMP: exactly 4 bytes. */
void iot_mqtt_encode_ack(uint8_t *into, enum iot_mqtt_type type, uint16_t id);

/** SUBSCRIBE (qos 0..2) for one filter. Bytes written; 0: `cap` too small. */
uint32_t iot_mqtt_encode_subscribe(uint8_t *into, uint32_t cap, uint16_t id,
                                   struct iot_bytes filter, uint8_t qos);
uint32_t iot_mqtt_encode_unsubscribe(uint8_t *into, uint32_t cap, uint16_t id,
                                     struct iot_bytes filter);

/** PINGREQ, DISCONNECT: exactly 2 bytes. */
void iot_mqtt_encode_empty(uint8_t *into, enum iot_mqtt_type type);

/* What the codec's two files have in common; iot_mqtt_codec_receive.c is what only a device needs that receives
 * messages: PUBLISH, SUBSCRIBE, UNSUBSCRIBE. */

#define IOT_MQTT_PUBREL_FLAGS 0x02u  /* 2.2.2: also of SUBSCRIBE and UNSUBSCRIBE */
#define IOT_MQTT_FIELD_MAX    65535u /* what a 16-bit length can say */

/** A packet id. IOT_OK; IOT_ERR_AGAIN; IOT_ERR_MQTT_MALFORMED: 0. */
iot_err iot_mqtt_decode_id(const uint8_t *at, uint32_t have, struct iot_mqtt_packet *p);

/* The writers return where to go on. */
uint8_t *iot_mqtt_put_u16(uint8_t *at, uint32_t value);
uint8_t *iot_mqtt_put_field(uint8_t *at, struct iot_bytes text);
uint8_t *iot_mqtt_put_header(uint8_t *at, uint32_t first, uint32_t len);

#if IOT_FEATURE_RECEIVE

static inline bool iot_mqtt_is_message(uint32_t type)
{
    return type == IOT_MQTT_PUBLISH;
}

/** `have` bytes of a body of `len` are here. IOT_OK: topic and id are among them. */
iot_err iot_mqtt_decode_publish(const uint8_t *body, uint32_t len, uint32_t have,
                                struct iot_mqtt_packet *p);

#else

static inline bool iot_mqtt_is_message(uint32_t type)
{
    (void)type;
    return false;
}

static inline iot_err iot_mqtt_decode_publish(const uint8_t *body, uint32_t len, uint32_t have,
                                              struct iot_mqtt_packet *p)
{
    (void)body, (void)len, (void)have, (void)p;
    return IOT_ERR_MQTT_PROTOCOL;
}

#endif

#endif
