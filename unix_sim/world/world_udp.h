/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_udp.h
 * A server of datagrams on the cloud's side of the wire: a port of WORLD_CLOUD_ADDRESS. What it hears goes to a
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
};

/** Listen on this port. That it cannot be had is a violation. */
void world_udp_open(struct world_udp *u, uint16_t port, world_udp_handler on_datagram, void *ctx);

/** Harmless when it is closed. From then on lwIP says to senders that the port is unreachable. Not from inside the
 *  callback. */
void world_udp_close(struct world_udp *u);

/** From its port to somebody, onto the wire. */
void world_udp_send(struct world_udp *u, const struct world_udp_from *to, struct iot_bytes bytes);

/** From an address of the cloud's side where nobody is. At most 1,472 bytes. */
void world_udp_forge(const struct world_udp_from *from, const struct world_udp_from *to,
                     struct iot_bytes bytes);

#endif
