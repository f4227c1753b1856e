/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_server.h
 * The broker on lwIP: listens on the cloud's address and carries bytes between TCP and the broker, by way of
 * world_rude.h. One per process. Takes every failed allocation of lwIP as a reason to try again later.
 */
#ifndef WORLD_SERVER_H
#define WORLD_SERVER_H

#include "world/world_rude.h"

#define WORLD_SERVER_PORT 1883

enum world_server_mode {
    WORLD_SERVER_OPEN,
    WORLD_SERVER_SHUT, /* nobody listens: RST. Present connections go on */
    WORLD_SERVER_HUNG, /* connects are accepted, nothing is read or written, no deadline fires */
};

/** Listen from the next tick on. `b` outlives the process. */
void world_server_start(struct world_broker *b);
/** An actor of world_loop: returns when it wants to be called again at the latest. */
uint64_t world_server_tick(void *ctx, uint64_t now);
struct world_rude *world_server_rude(void);

void world_server_mode(enum world_server_mode mode);
/** How long an answer waits before it leaves; the broker has done what it says long before. */
void world_server_ack_delay(uint32_t ms);
/** All connections are cut, the port is shut for `down_ms`, then the broker is back, with or without its
 *  sessions. As a process that ends: reset where bytes were unread, FIN elsewhere. */
void world_server_restart(uint32_t down_ms, bool remember, uint64_t now);
/** Connections that live; accepted since the start. */
uint32_t world_server_connections(void);
uint32_t world_server_accepted(void);

#endif
