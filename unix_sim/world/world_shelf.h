/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_shelf.h
 * Records of messages, found by serial or by ticket. Finished ones are remembered for a while: the last
 * `keep` of them; then their places serve again. So memory follows what is under way, not what was.
 * A part of world_ledger.
 */
#ifndef WORLD_SHELF_H
#define WORLD_SHELF_H

#include <stdbool.h>
#include <stdint.h>

/* How a message stands. Of the ledger's columns each uses some. */
struct world_record {
    uint64_t serial;
    uint64_t since;  /* accepted, queued */
    uint64_t place;  /* in the order of acceptance, or of the broker's queue */
    uint64_t losses; /* of sessions and of RAM, counted until then */
    uint64_t news;   /* of lost sessions that the device had got */
    uint32_t ticket; /* 0: none */
    uint32_t times;  /* the broker took it; the application got it */
    uint32_t queued; /* the broker began to deliver it; has finished doing so */
    uint32_t delivered;
    int32_t err; /* of its end */
    uint8_t qos;
    bool may_drop;
    bool ended; /* a ticket that has ended; a delivery that is void */
    bool skipped;
    bool stale;    /* queued when the device may not have known that the session is a new one */
    bool finished; /* on its way to be forgotten */
    /* the shelf's own */
    uint32_t next_serial, next_ticket; /* in their chains */
    uint32_t before, after;            /* among the live, or among the finished; free: after */
};

struct world_list {
    uint32_t first, last, count;
};

struct world_shelf {
    struct world_record *record; /* from 1 on; 0 is none */
    uint32_t *by_serial, *by_ticket;
    uint32_t cap; /* a power of two */
    uint32_t keep;
    uint32_t free;
    struct world_list live, finished;
};

void world_shelf_init(struct world_shelf *s, uint32_t keep);
void world_shelf_over(struct world_shelf *s);

/** Blank, live. It stays where it is until the next add. NULL: no memory. */
struct world_record *world_shelf_add(struct world_shelf *s, uint64_t serial, uint32_t ticket);

/** NULL: none, or forgotten. */
struct world_record *world_shelf_find(struct world_shelf *s, uint64_t serial);
struct world_record *world_shelf_ticket(struct world_shelf *s, uint32_t ticket);

/** It has ended. Forgets the finished one that is one too many. `r` stays valid until the next add. */
void world_shelf_finish(struct world_shelf *s, struct world_record *r);

/** It is under way again. */
void world_shelf_revive(struct world_shelf *s, struct world_record *r);

/** Nothing is found by ticket any more. */
void world_shelf_drop_tickets(struct world_shelf *s);

/** The live ones, oldest first; NULL: none, no more. */
struct world_record *world_shelf_first(struct world_shelf *s);
struct world_record *world_shelf_next(struct world_shelf *s, const struct world_record *r);

#endif
