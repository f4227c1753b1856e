/* SPDX-License-Identifier: Apache-2.0 */
/* A man in the middle, inside the test program: a TCP relay on loopback between a device and a TLS
 * server, which cuts, delays, spoils and invents what the server says. It sees the borders of TLS
 * records, as their headers are in the clear. It lives in host_turn, one connection at a time. */
#ifndef PEER_RELAY_H
#define PEER_RELAY_H

#include "iot/iot_base.h"

#define PEER_RELAY_MAX   65536u
#define PEER_RECORDS_MAX 256u
#define PEER_HELLO_MAX   2048u
#define PEER_NEVER       UINT32_MAX

enum peer_record_type {
    PEER_RECORD_CCS = 20,
    PEER_RECORD_ALERT = 21,
    PEER_RECORD_HANDSHAKE = 22,
    PEER_RECORD_DATA = 23,
};

/* What went one way on the present connection. */
struct peer_way {
    uint32_t total;   /* bytes passed on */
    uint32_t records; /* of these, whole records */
    uint8_t types[PEER_RECORDS_MAX];
    uint32_t sizes[PEER_RECORDS_MAX]; /* with header */
    uint32_t len;                     /* bytes that wait in `bytes` */
    bool ended;                       /* its source has nothing more to say */
    /* Inside: how far into a record it is. */
    uint32_t header_have, left;
    uint8_t header[5];
    uint8_t bytes[PEER_RELAY_MAX];
};

struct peer_relay {
    int listener, near, far; /* near: the device; far: the server; -1: none */
    uint16_t port, to;

    /* Manners, towards the device; read when they matter, and the same for each connection.
     * peer_relay_behave: none of them. */
    uint32_t cut_bytes;    /* ends the connection after so many bytes; PEER_NEVER */
    uint32_t cut_records;  /* ... or after so many records */
    bool rudely;           /* by RST */
    uint32_t spoil_record; /* of this one, from 0, the last byte has a bit flipped, or the first
                              if it holds no more than a message header; PEER_NEVER */
    uint32_t mute_bytes;   /* is silent after so many; PEER_NEVER */
    uint32_t drip_ms;      /* one byte each so many ms of the device's time; 0 */
    uint32_t delay_ms;     /* each lot waits so long; 0 */
    bool deaf;             /* reads nothing of the device */

    uint32_t accepted;
    struct peer_way down, up; /* down: to the device */
    bool by_reset;            /* the device ended with RST */
    uint32_t hello_len;
    uint8_t hello[PEER_HELLO_MAX]; /* the device's first bytes: its ClientHello */

    /* Inside. */
    uint32_t since_ms; /* drip and delay: of the last byte, of the first that waits */
    uint32_t leaving;  /* turns until it does; 0: it stays */
    bool has_left;     /* has said its last to the device */
};

/** Listen on a free port, and lead to `to` on loopback, with all manners good. */
void peer_relay_start(struct peer_relay *r, uint16_t to);
void peer_relay_stop_all(void);
void peer_relay_behave(struct peer_relay *r);

/** Bytes of our own to the device, behind what has passed. None: only looks at its manners again. */
void peer_relay_insert(struct peer_relay *r, struct iot_bytes bytes);
/** A record header that claims `len` bytes, and as many zeros. */
void peer_relay_insert_record(struct peer_relay *r, uint8_t type, uint32_t len);

/** Was the last record an alert? In TLS 1.3 all look alike: then, could it be one by its size? */
bool peer_relay_ends_in_alert(const struct peer_way *w);

/** An extension of the ClientHello (its number in RFC terms): its bytes, ptr NULL if there is none. */
struct iot_bytes peer_relay_extension(const struct peer_relay *r, uint16_t number);
/** Does the ClientHello offer a session: a ticket, an id of its own (1.2), a key made by one (1.3)? */
bool peer_relay_offers_session(const struct peer_relay *r);
/** The session id of the ClientHello. */
struct iot_bytes peer_relay_session_id(const struct peer_relay *r);
/** Does the ClientHello offer this cipher suite? */
bool peer_relay_offers(const struct peer_relay *r, uint16_t suite);

#endif
