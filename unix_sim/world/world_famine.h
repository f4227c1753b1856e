/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_famine.h
 * Shortage of memory in lwIP: every allocation (memp_malloc, mem_malloc) and the calls tcp_new,
 * tcp_connect and tcp_write may be refused. lwIP's timers are spared: their pool is exactly as large
 * as it needs, and lwIP asserts that.
 */
#ifndef WORLD_FAMINE_H
#define WORLD_FAMINE_H

#include <stdbool.h>
#include <stdint.h>

enum world_famine_kind {
    WORLD_FAMINE_POOL,    /* memp_malloc: pbufs of the pool, segments, connections */
    WORLD_FAMINE_HEAP,    /* mem_malloc: pbufs with copies of what is sent */
    WORLD_FAMINE_NEW,     /* tcp_new_ip_type: NULL */
    WORLD_FAMINE_CONNECT, /* tcp_connect: ERR_MEM */
    WORLD_FAMINE_WRITE,   /* tcp_write: ERR_MEM */
    WORLD_FAMINE_KINDS
};

/** By world_lwip_start. */
void world_famine_start(uint64_t seed);

/** Each is refused with this chance; 0 ends it. */
void world_famine_set(uint32_t per_million);
/** The n-th from now is refused, once; 0: none. */
void world_famine_nth(uint32_t n);
/** So are the n-th from now and all behind it; 0: none. */
void world_famine_from(uint32_t n);
/** A pool (memp_t) is empty, or has come back; -1: the heap. */
void world_famine_pool(int memp_type, bool empty);
/** Ends all of them. */
void world_famine_end(void);

/** +1 and -1: between them nothing fails and nothing is counted. Nests. */
void world_famine_shield(int delta);

/** Unshielded allocations so far. */
uint32_t world_famine_calls(void);
uint32_t world_famine_refused(enum world_famine_kind kind);
uint32_t world_famine_refused_all(void);

/** For the functions that stand in lwIP's place: is this one refused? Counts it. */
bool world_famine_strikes(enum world_famine_kind kind);

#endif
