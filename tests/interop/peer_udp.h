/* SPDX-License-Identifier: Apache-2.0 */
/* A UDP relay on loopback between the device and a server, which loses, doubles and swaps datagrams as it is told, and
 * changes the address that the server sees, as a NAT does. It lives in host_turn; nothing in it waits. It serves one
 * client: whoever sent last; the server sees each behind another port, and the one before is cut off. */
#ifndef PEER_UDP_H
#define PEER_UDP_H

#include "iot/iot_base.h"

#include <sys/socket.h>

#define PEER_UDP_MAX      2048u /* bytes of a datagram */
#define PEER_UDP_SEEN_MAX 512u

/* One direction. Datagrams are counted from 1, from the start or from peer_udp_behave. */
struct peer_udp_way {
    /* Manners: the number of the datagram that it happens to; 0: to none. */
    uint32_t lose;
    uint32_t twice;
    uint32_t swap;               /* with the one behind it: it waits for that one */
    uint32_t lose_from, lose_to; /* all of these, inclusive */
    bool silent;                 /* nothing passes */

    uint32_t count, lost;              /* that came; of these, did not go on */
    uint32_t bytes, largest;           /* of those that came */
    uint32_t sizes[PEER_UDP_SEEN_MAX]; /* of the first that came ... */
    uint8_t firsts[PEER_UDP_SEEN_MAX]; /* ... and their first bytes: of DTLS, the record's type */

    uint32_t last_len, held_len; /* inside: held waits for the next */
    uint8_t last[PEER_UDP_MAX], held[PEER_UDP_MAX];
};

struct peer_udp {
    int near, far;     /* sockets towards the device and the server; -1: none */
    uint16_t port, to; /* where it listens; the server's */
    uint32_t rebinds;
    struct peer_udp_way up, down; /* up: to the server */

    /* May be NULL: looks at each datagram before the manners do, and may change it. False: it is lost. */
    bool (*judge)(struct peer_udp *r, bool up, uint8_t *bytes, uint32_t *len);
    void *judge_ctx;

    struct sockaddr_storage client; /* inside */
    socklen_t client_len;
};

/** Listen on a free port of peer_loopback and lead to `to` there, with all manners good. */
void peer_udp_start(struct peer_udp *r, uint16_t to);
void peer_udp_stop(struct peer_udp *r);
/** For the teardown of every test. */
void peer_udp_stop_all(void);

/** All manners good, counters at nothing, nothing held back. */
void peer_udp_behave(struct peer_udp *r);

/** From now on the server sees another port, and what it sends to the old one is lost: a NAT has forgotten us. */
void peer_udp_rebind(struct peer_udp *r);

/** A datagram of our own: to the server from where it knows us, or to the client that was heard last. */
void peer_udp_insert(struct peer_udp *r, bool up, struct iot_bytes datagram);
/** The last that came in this direction, for a replay or to be spoiled. Valid until the next one. */
struct iot_bytes peer_udp_last(const struct peer_udp *r, bool up);

/** A port of loopback that is free for UDP and TCP, and so is the one behind it. */
uint16_t peer_udp_free_pair(void);

/** A socket of the host's own at peer_loopback, not blocking; `port` 0: a free one. `*got` may be NULL. -1: taken. */
int peer_udp_socket(uint16_t port, uint16_t *got);
/** The address of a port at peer_loopback. */
socklen_t peer_udp_address(uint16_t port, struct sockaddr_storage *address);

#endif
