/* SPDX-License-Identifier: Apache-2.0 */
/* One device at work, a lamp, and a broker that says yes to everything. Enough to see the world by. */
#ifndef LAMP_H
#define LAMP_H

#include "scenario.h"

#include "world/world_board.h"
#include "world/world_loop.h"

#include "iot/iot_static.h"

#define LAMP_HOST "broker.world"

struct broker {
    uint32_t connects, publishes;
    bool seen[4096]; /* the message with this number */
};

struct lamp {
    struct iot_device dev;
    struct world_board board;
    struct iot_port port;
    struct iot_options options;
    struct world_actor actor;
    uint32_t wanted; /* messages, in all: they are published as there is room */
    uint32_t published, done, connects, losses, closes;
    iot_err reason; /* of the first loss */
};

extern struct broker broker;
extern struct lamp lamp;

/* Broker, name, board, device, which begins to connect. */
void lamp_begin(void);
/* The device alone, anew. */
void lamp_init(void);

/* These work until it is so, and fail the test after half an hour. */
void lamp_connect(void);
/* `count` more messages are at the broker and acknowledged. */
void lamp_deliver(uint32_t count);
/* The next loss is called so. */
void lamp_loses(iot_err err);
void lamp_close(void);

#endif
