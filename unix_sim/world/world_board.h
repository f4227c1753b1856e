/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_board.h
 * One board per device: chance, wall clock, a store that outlives power, and how each of them fails.
 * Settings are fields, written at any time.
 */
#ifndef WORLD_BOARD_H
#define WORLD_BOARD_H

#include "iot/iot_port.h"
#include "world/world_chance.h"

#define WORLD_BOARD_KEYS_MAX      8u
#define WORLD_BOARD_KEY_BYTES_MAX 15u
#define WORLD_BOARD_BYTES_MAX     2048u

struct world_board {
    uint32_t number; /* of the device, from 0; shown in traces */

    /* settings */
    uint32_t random_again; /* so many calls answer AGAIN */
    bool random_broken;
    uint32_t kv_again; /* the same for the store, its calls of all kinds together */
    bool kv_broken;
    uint32_t kv_cut; /* power goes in the n-th set or del from now: the old value or the new one
                        stays, by chance; 0: it does not */

    /* what happened */
    bool power_gone; /* by kv_cut. The store answers KV until world_board_power_cut */
    uint32_t randoms, gets, sets, dels; /* calls */

    /* private */
    struct world_chance chance;
    bool wall_known;
    int64_t wall_s;   /* at wall_at */
    uint64_t wall_at; /* world_ms */
    struct world_board_slot {
        char key[WORLD_BOARD_KEY_BYTES_MAX + 1]; /* empty: free */
        uint32_t len;
        uint8_t bytes[WORLD_BOARD_BYTES_MAX];
    } slots[WORLD_BOARD_KEYS_MAX];
};

/** An empty store, time unknown, nothing fails. */
void world_board_start(struct world_board *board, uint64_t seed, uint32_t number);

/** The port of this board. It has a log only while the trace is shown: nobody pays for lines that
 *  nobody reads. */
void world_board_port(struct world_board *board, struct iot_port *port);

/** Trusted time is this now, and goes on. */
void world_board_wall_set(struct world_board *board, int64_t unix_s);
void world_board_wall_forget(struct world_board *board);

/** Power goes (or has gone by kv_cut) and is back: the store and the settings of the wall clock stay,
 *  faults that were counted out are forgotten. */
void world_board_power_cut(struct world_board *board);

#endif
