/* SPDX-License-Identifier: Apache-2.0 */
/* An iot_dgram in memory, without a network behind it: the test decides when it is up, what comes in, how much it takes,
 * and how it ends. It watches over its user as well: a call out of place fails the test. */
#ifndef STUB_DGRAM_H
#define STUB_DGRAM_H

#include "iot/iot_dgram.h"

#define STUB_DGRAM_BYTES 5000u
#define STUB_DGRAMS_MAX  64u

enum stub_dgram_state { DGRAM_CLOSED, DGRAM_OPENING, DGRAM_UP, DGRAM_CLOSING, DGRAM_ENDED };

struct stub_dgrams {
    uint32_t at, count; /* a ring: the oldest, and how many */
    uint32_t len[STUB_DGRAMS_MAX];
    uint8_t bytes[STUB_DGRAMS_MAX][STUB_DGRAM_BYTES];
};

struct stub_dgram {
    struct iot_dgram base;
    enum stub_dgram_state state;

    /* knobs; stub_dgram_init sets the friendly values */
    uint32_t open_again;   /* so many opens answer AGAIN */
    iot_err open_result;   /* OK: begins */
    bool connects;         /* poll says OK */
    uint32_t write_budget; /* so many writes until they answer AGAIN; UINT32_MAX: for ever */
    uint32_t room;
    bool closes; /* an orderly close is over at the next poll; else at its deadline */
    bool is_idle;
    iot_time wants; /* its deadline */
    int32_t detail;

    /* what happened */
    uint32_t opens, closes_asked, aborts, reads, writes;
    struct iot_endpoint to;

    /* inside */
    iot_err end; /* why it ended; OK: it has not */
    iot_time close_deadline;
    struct stub_dgrams rx, tx;
};

void stub_dgram_init(struct stub_dgram *s);

/** One from the peer; the owner is woken. */
void stub_dgram_receive(struct stub_dgram *s, struct iot_bytes bytes);

/** The channel ends for this reason. The owner is woken. */
void stub_dgram_end(struct stub_dgram *s, iot_err why, int32_t detail);

/** It takes so many more. The owner is woken. */
void stub_dgram_allow(struct stub_dgram *s, uint32_t n);

/** The oldest that the owner wrote and nobody has taken; false: none. Valid until the next write. */
bool stub_dgram_sent(struct stub_dgram *s, struct iot_bytes *out);

#endif
