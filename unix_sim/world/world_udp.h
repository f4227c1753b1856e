/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_udp.h
 * Who speaks in datagrams on the cloud's side of the wire: a server or a client at a port of WORLD_CLOUD_ADDRESS, or somebody with
 * an address of its own, of whom there may be several around a device that serves. What it hears goes to a
 * callback, which may answer from inside; what it says, anybody can. The cloud's side wants for no memory.
 */
#ifndef WORLD_UDP_H
#define WORLD_UDP_H

#include "iot/iot_base.h"

struct udp_pcb;
struct world_udp;

/** In the host's byte order. */
struct world_udp_from {
    uint32_t ip;
    uint16_t port;
};

/** `bytes` are valid until it returns. */
typedef void (*world_udp_handler)(void *ctx, struct world_udp *u, const struct world_udp_from *from,
                                  struct iot_bytes bytes);

struct world_udp {
    world_udp_handler on_datagram; /* may be changed at any time; NULL: counted only */
    void *ctx;

    /* since it was opened */
    uint32_t heard, sent;
    struct world_udp_from from; /* of the last that was heard */

    /* private */
    struct udp_pcb *pcb;
    struct world_udp *next; /* of those with an address of their own */
    struct world_udp_from self;
};

/** Listen on this port. That it cannot be had is a violation. */
void world_udp_open(struct world_udp *u, uint16_t port, world_udp_handler on_datagram, void *ctx);

/** ... at an address of its own, WORLD_PEER_IP(n), which has no lwIP: nobody says that a port is unreachable. More than
 *  WORLD_HOSTS_MAX - 1 addresses, or the same address and port twice, is a violation. */
void world_udp_open_at(struct world_udp *u, uint32_t ip, uint16_t port,
                       world_udp_handler on_datagram, void *ctx);

/** Harmless when it is closed. From then on lwIP says to senders that the port is unreachable. Not from inside the
 *  callback. */
void world_udp_close(struct world_udp *u);

/** From its port to somebody, onto the wire: also to a group, or to 255.255.255.255. */
void world_udp_send(struct world_udp *u, const struct world_udp_from *to, struct iot_bytes bytes);

/** Sum over pseudo header and datagram of a packet without IP options (RFC 768), as it stands in memory; 0: its checksum is
 *  right. Of a whole datagram within a packet of at most 1,500 bytes. */
uint16_t world_udp_sum(const uint8_t *packet);

/** From an address of the cloud's side where nobody is. At most 1,472 bytes. */
void world_udp_forge(const struct world_udp_from *from, const struct world_udp_from *to,
                     struct iot_bytes bytes);

#endif
