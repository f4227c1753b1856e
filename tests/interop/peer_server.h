/* SPDX-License-Identifier: Apache-2.0 */
/* A broker on loopback, inside the test program, that does what a script tells it: by default it
 * speaks the least MQTT there is, correctly, to one client at a time; each of its manners can be
 * taken away. It lives in host_turn; nothing in it waits. */
#ifndef PEER_SERVER_H
#define PEER_SERVER_H

#include "iot/iot_base.h"

#define PEER_OUT_MAX     65536u
#define PEER_IN_MAX      65536u
#define PEER_PACKETS_MAX 1024u

/** When it leaves: a turn after what it said last, as libslirp makes a FIN of a RST right behind
 *  bytes. */
enum peer_step {
    PEER_STAYS,
    PEER_AT_ACCEPT,
    PEER_AT_CONNECT, /* read, not answered */
    PEER_IN_CONNACK, /* two bytes of four are out */
    PEER_AFTER_CONNACK,
    PEER_IN_OUR_PUBLISH, /* its first bytes are here */
    PEER_AT_PUBLISH,     /* read, not answered */
    PEER_AT_SUBSCRIBE,
    PEER_AT_PUBREL,
};

/** Packet types as bits, for `answers`. */
#define PEER_BIT(first_byte) (1u << ((first_byte) >> 4))
#define PEER_CONNECT         0x10u
#define PEER_PUBLISH         0x30u
#define PEER_PUBACK          0x40u
#define PEER_PUBREC          0x50u
#define PEER_PUBREL          0x60u
#define PEER_PUBCOMP         0x70u
#define PEER_SUBSCRIBE       0x80u
#define PEER_UNSUBSCRIBE     0xa0u
#define PEER_PINGREQ         0xc0u
#define PEER_DISCONNECT      0xe0u
#define PEER_ALL             0xffffu

/* One packet that came. */
struct peer_packet {
    uint8_t first; /* the first byte */
    uint16_t id;   /* 0: none */
    uint32_t len;
};

struct peer_server {
    int listener, conn; /* -1: none */
    uint16_t port;

    /* Manners; read when they matter, so a test may change them at any moment. */
    uint32_t answers; /* PEER_BIT of what is answered */
    bool deaf;        /* reads nothing */
    bool drip;        /* sends one byte a turn, each in a segment of its own */
    enum peer_step leaves;
    bool rudely; /* leaves with RST */
    uint8_t connack[4];
    uint8_t granted; /* SUBACK's code */

    uint32_t accepted; /* connections so far */
    uint32_t got[16];  /* packets so far, by type */
    uint64_t in_total; /* bytes so far */
    bool ended;        /* the device ended the present connection: FIN or RST */
    bool by_reset;

    /* Of the present connection. */
    uint32_t in_len, parsed;
    uint32_t leaving; /* turns until it does; 0: it stays */
    uint32_t skip;    /* bytes still to come of a packet too large for `in` */
    uint32_t packet_count;
    struct peer_packet packets[PEER_PACKETS_MAX];
    uint8_t in[PEER_IN_MAX];
    uint32_t out_len, out_at;
    uint8_t out[PEER_OUT_MAX];
};

/** Listen on a free port with all manners good. */
void peer_server_start(struct peer_server *s);
/** Listen no more and cut the connection; the port then refuses. */
void peer_server_stop(struct peer_server *s);
/** Again, on the same port, manners as they are. */
void peer_server_resume(struct peer_server *s);
/** For the teardown of every test. */
void peer_server_stop_all(void);

/** All manners good again. */
void peer_server_behave(struct peer_server *s);

/** Give up the present connection. */
void peer_server_drop(struct peer_server *s, bool rudely);

/** Queue bytes for the device. */
void peer_server_send(struct peer_server *s, struct iot_bytes bytes);
void peer_server_send_hex(struct peer_server *s, const char *hex);
/** Queue a PUBLISH. `id` only with QoS 1 and 2. `flags`: DUP 8, RETAIN 1. */
void peer_server_publish(struct peer_server *s, const char *topic, struct iot_bytes payload,
                         uint8_t qos, uint16_t id, uint8_t flags);

/** How many packets of this type came on the present connection; the last, or NULL. */
uint32_t peer_server_count(const struct peer_server *s, uint8_t first);
const struct peer_packet *peer_server_last(const struct peer_server *s, uint8_t first);

#endif
