/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT packets as tests write and read them: a second, naive view of the wire that shares no code
 * with the library. */
#ifndef MQTT_WIRE_H
#define MQTT_WIRE_H

#include "iot/iot_base.h"

/* Bytes collected one after the other. */
#define WIRE_MAX 65536u
struct wire {
    uint32_t len;
    uint8_t bytes[WIRE_MAX];
};

void wire_clear(struct wire *w);
void wire_put(struct wire *w, const void *bytes, uint32_t n);
void wire_hex(struct wire *w, const char *hex);
struct iot_bytes wire_bytes(const struct wire *w);

/* What a broker says. `flags`: low nibble of the first byte; id only if they say QoS 1 or 2. */
void wire_connack(struct wire *w, uint8_t session_present, uint8_t code);
void wire_publish(struct wire *w, uint8_t flags, const char *topic, uint16_t id,
                  const void *payload, uint32_t n);
/* PUBLISH with a payload of `n` times `fill`. */
void wire_publish_filled(struct wire *w, uint8_t flags, const char *topic, uint16_t id,
                         uint8_t fill, uint32_t n);
/* `first` is the whole first byte: 0x40 PUBACK, 0x50 PUBREC, 0x62 PUBREL, 0x70 PUBCOMP,
 * 0xb0 UNSUBACK. */
void wire_ack(struct wire *w, uint8_t first, uint16_t id);
void wire_suback(struct wire *w, uint16_t id, uint8_t code);
void wire_pingresp(struct wire *w);

/* What a client said. */
struct wire_packet {
    uint8_t type, flags;
    uint16_t id;              /* 0: none */
    struct iot_bytes topic;   /* PUBLISH; SUBSCRIBE, UNSUBSCRIBE: the one filter */
    struct iot_bytes payload; /* PUBLISH; SUBSCRIBE: the QoS byte */
    struct iot_bytes whole;
};

/* Take the packet at the start of `*rest`. False: none, or not all of it is there. Fails the test
 * if it is one that no client may send. */
bool wire_next(struct iot_bytes *rest, struct wire_packet *p);

/* One word per packet, as "CONNECT PUBLISH(7) PUBACK(3)", for comparing whole conversations. What
 * is left of an unfinished packet is "...". */
const char *wire_words(struct iot_bytes sent);

#endif
