/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_packet.h
 * MQTT 3.1.1 packets out of a stream of bytes that may be cut anywhere, and what the standard demands
 * of a single packet. Written a second time on purpose: it shares no code with the library it judges.
 */
#ifndef WORLD_PACKET_H
#define WORLD_PACKET_H

#include "iot/iot_base.h"

/* Of a packet's body so much is kept: enough for every topic and filter that a test sends. */
#define WORLD_PACKET_KEPT 4096u

enum world_packet_type {
    WORLD_CONNECT = 1,
    WORLD_CONNACK,
    WORLD_PUBLISH,
    WORLD_PUBACK,
    WORLD_PUBREC,
    WORLD_PUBREL,
    WORLD_PUBCOMP,
    WORLD_SUBSCRIBE,
    WORLD_SUBACK,
    WORLD_UNSUBSCRIBE,
    WORLD_UNSUBACK,
    WORLD_PINGREQ,
    WORLD_PINGRESP,
    WORLD_DISCONNECT,
};

/** "PUBLISH"; static. */
const char *world_packet_name(uint8_t type);

struct world_packet {
    uint8_t type, flags;
    uint8_t qos; /* PUBLISH */
    bool dup, clean, session_present;
    uint8_t code;          /* CONNACK */
    uint16_t id;           /* 0: none */
    uint16_t keepalive_s;  /* CONNECT */
    uint32_t bytes;        /* the whole packet */
    struct iot_bytes body; /* what was kept of it */
    uint64_t serial;       /* PUBLISH: of its payload, or 0 */
};

enum world_reader_said {
    WORLD_READ_MORE,    /* all bytes are used up */
    WORLD_READ_BEGIN,   /* the first byte of a packet */
    WORLD_READ_PACKET,  /* the last byte of a packet */
    WORLD_READ_GARBLED, /* no end of a Remaining Length: nothing behind it can be read */
};

struct world_reader {
    uint8_t place; /* in the packet: first byte, length, body, garbled */
    uint8_t first, length_bytes;
    uint32_t length, seen;
    uint8_t kept[WORLD_PACKET_KEPT];
};

void world_reader_reset(struct world_reader *r);

/** Take bytes off the front of `in`, up to the next thing to say. */
enum world_reader_said world_reader_take(struct world_reader *r, struct iot_bytes *in);

/**
 * The packet that WORLD_READ_PACKET announced, as a client may send it.
 *
 * p        out; `body` is valid until the next take.
 * Returns  NULL; or the statement that is broken, static.
 */
const char *world_packet_judge(const struct world_reader *r, struct world_packet *p);

/** The same as a server may send it, without asking more than that the fields can be found. */
bool world_packet_split(const struct world_reader *r, struct world_packet *p);

/** The PUBLISH that is torn. False: it is another packet, or it is not known yet which message. */
bool world_packet_glimpse(const struct world_reader *r, struct world_packet *p);

#endif
