/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the broker: its sessions, and how a message finds its way into them. */
#ifndef WORLD_POST_H
#define WORLD_POST_H

#include "world/world_broker.h"

#define TELL(b, hook, ...)                                                                         \
    do {                                                                                           \
        if ((b)->watch.hook != NULL)                                                               \
            (b)->watch.hook((b)->watch.ctx, __VA_ARGS__);                                          \
    } while (0)
#define ASK(b, hook, ...)                                                                          \
    ((b)->policy.hook == NULL || (b)->policy.hook((b)->policy.ctx, __VA_ARGS__))

/** Has it so many unsent bytes that it gets no more? */
bool world_post_full(const struct world_conn *c);

/** NULL: none. */
struct world_session *world_post_find(const struct world_broker *b, const char *id);
/** NULL: too many. */
struct world_session *world_post_add(struct world_broker *b, const char *id, bool clean);
void world_post_lose(struct world_broker *b, struct world_session *s);

/** Begin a delivery. False: none began. */
bool world_post_deliver(struct world_broker *b, struct world_session *s, struct world_message *m,
                        uint8_t qos, bool retain, uint64_t now);
/** Deliver to all who want it, and retain it if it says so. Returns how many deliveries began. */
uint32_t world_post_spread(struct world_broker *b, struct world_message *m, uint64_t now);
/** A SUBSCRIBE: each filter, the answer, and what is retained for the new ones. */
void world_post_subscribe(struct world_broker *b, int conn, const struct world_mqtt_packet *p,
                          uint64_t now);
/** Forget all that is retained. */
void world_post_clear(struct world_broker *b);

#endif
