/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_mqtt.h
 * The server's side of the MQTT 3.1.1 wire: reads what clients send, as strictly as a server must, and writes
 * what servers send. Shares no code with the library, so that one mistake cannot be made twice.
 */
#ifndef WORLD_MQTT_H
#define WORLD_MQTT_H

#include "iot/iot_base.h"

enum world_mqtt_type {
    WORLD_MQTT_CONNECT = 1,
    WORLD_MQTT_CONNACK,
    WORLD_MQTT_PUBLISH,
    WORLD_MQTT_PUBACK,
    WORLD_MQTT_PUBREC,
    WORLD_MQTT_PUBREL,
    WORLD_MQTT_PUBCOMP,
    WORLD_MQTT_SUBSCRIBE,
    WORLD_MQTT_SUBACK,
    WORLD_MQTT_UNSUBSCRIBE,
    WORLD_MQTT_UNSUBACK,
    WORLD_MQTT_PINGREQ,
    WORLD_MQTT_PINGRESP,
    WORLD_MQTT_DISCONNECT,
};

/** Bytes that grow. `at`: how many of them are gone already. All zero: empty. */
struct world_bytes {
    uint8_t *ptr;
    uint32_t at, len, cap;
};

void world_bytes_put(struct world_bytes *b, const void *bytes, uint32_t n);
void world_bytes_drop(struct world_bytes *b, uint32_t n);
struct iot_bytes world_bytes_left(const struct world_bytes *b);
/** Gives the memory back; empty again. */
void world_bytes_free(struct world_bytes *b);

/** CONNECT; slices point into the packet. ptr NULL: absent. */
struct world_mqtt_connect {
    uint8_t level; /* 4: MQTT 3.1.1; with others only this is filled */
    bool clean, will_retain;
    uint8_t will_qos;
    uint16_t keepalive_s;
    struct iot_bytes client_id, will_topic, will_payload, user_name, password;
};

struct world_mqtt_packet {
    uint8_t type, flags;    /* flags: low nibble of the first byte */
    uint8_t qos;            /* PUBLISH */
    uint16_t id;            /* 0: none */
    uint32_t total;         /* bytes of the packet, all of it */
    struct iot_bytes topic; /* PUBLISH */
    struct iot_bytes body;  /* PUBLISH: payload; SUBSCRIBE, UNSUBSCRIBE: filters, checked */
    struct world_mqtt_connect connect;
};

enum world_mqtt_said { WORLD_MQTT_MORE, WORLD_MQTT_OK, WORLD_MQTT_BAD };

/**
 * Read the packet at the start of `in`.
 *
 * max      largest Remaining Length taken.
 * why      out, with WORLD_MQTT_BAD: which statement of the standard it breaks.
 */
enum world_mqtt_said world_mqtt_read(struct iot_bytes in, uint32_t max, struct world_mqtt_packet *p,
                                     const char **why);

/** Take the next filter of a SUBSCRIBE (`qos` not NULL) or UNSUBSCRIBE. False: there is none. */
bool world_mqtt_filter(struct iot_bytes *body, struct iot_bytes *filter, uint8_t *qos);

/** Does a filter match a name? Level by level (4.7). */
bool world_mqtt_match(const char *filter, const char *name);

/* A CONNACK's flags are a whole byte, so that it can be a wrong one. */
void world_mqtt_connack(struct world_bytes *b, uint8_t flags, uint8_t code);
/** flags: the first byte's low nibble, QoS included; id is written if QoS is not 0. */
void world_mqtt_publish(struct world_bytes *b, uint8_t flags, const char *topic, uint16_t id,
                        struct iot_bytes payload);
/** PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK; the reserved flags are as they should be. */
void world_mqtt_ack(struct world_bytes *b, enum world_mqtt_type type, uint16_t id);
void world_mqtt_suback(struct world_bytes *b, uint16_t id, const uint8_t *codes, uint32_t count);
void world_mqtt_pingresp(struct world_bytes *b);

#endif
