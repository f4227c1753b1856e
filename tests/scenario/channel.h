/* SPDX-License-Identifier: Apache-2.0 */
/* A channel of datagrams over real lwIP, in virtual time, and the server that it talks to. It is ticked as a device
 * would: when it was woken or its deadline is there, and at no other time. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "scenario.h"

#include "net/iot_net_udp.h"
#include "world/world_clock.h"
#include "world/world_loop.h"
#include "world/world_udp.h"
#include "world/world_wire.h"

#define CHANNEL_PORT    5683u
#define CHANNEL_KEPT    32u
#define CHANNEL_ROOM    1472u /* of the wire's interface */
#define CHANNEL_LOG_MAX 64u

struct channel {
    struct iot_udp udp;
    struct iot_endpoint to;
    bool wake;
    iot_err state; /* what the last poll said */
    uint32_t polls;
    struct world_actor actor;
};

/* What the server heard: the beginning of each, as text. */
struct channel_heard {
    uint32_t len;
    struct world_udp_from from;
    char text[CHANNEL_KEPT];
};

extern struct channel channel;
extern struct world_udp server;
extern struct channel_heard heard[CHANNEL_LOG_MAX];

/** The server listens, and the channel is ready to be opened: by address, by the wire's interface. */
void channel_begin(void);

/** Another one, to the same server. */
void channel_prepare(struct channel *c);

iot_err channel_open(struct channel *c);
/** Open, and up: at once, as `to` is an address. */
void channel_up(struct channel *c);

iot_err channel_write(struct channel *c, struct iot_bytes bytes);
/** Must go. */
void channel_say(struct channel *c, const char *text);
/** The next that it has is this. */
void channel_expect(struct channel *c, const char *text);
void channel_expect_none(struct channel *c);

/** It has ended for this reason, and holds, wants and takes nothing. */
void channel_is_over(struct channel *c, iot_err why);

/** The server to whoever spoke last. */
void server_say(const char *text);

/** The world goes on. */
void pass(uint32_t ms);

/** End all; then lwIP must have back what it gave. */
void channel_end(void);

#endif
