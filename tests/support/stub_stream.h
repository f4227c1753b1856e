/* SPDX-License-Identifier: Apache-2.0 */
/* An iot_stream in memory, without a network behind it: the test decides when it connects, what
 * comes in and in which pieces, how much it takes, when it lets go of referenced bytes, and how it
 * ends. It watches over its user as well: a call out of place, bytes that change after they were
 * offered or while they are referred to fail the test. */
#ifndef STUB_STREAM_H
#define STUB_STREAM_H

#include "iot/iot_stream.h"

#define STUB_RX_MAX   65536u
#define STUB_TX_MAX   262144u
#define STUB_REFS_MAX 512u

enum stub_state { STUB_CLOSED, STUB_OPENING, STUB_UP, STUB_CLOSING, STUB_ENDED };

struct stub_stream {
    struct iot_stream base;
    enum stub_state state;
    iot_time now; /* of the last call that said so */

    /* knobs; stub_init sets the friendly values */
    uint32_t open_again; /* so many opens answer AGAIN */
    iot_err open_result; /* OK: begins to connect */
    bool connects;       /* poll says OK at connects_at, or `end` */
    uint32_t connect_ms;
    uint32_t read_max;     /* bytes per read */
    uint32_t read_later;   /* so many reads answer OK with nothing: more, but not in this tick */
    uint32_t write_max;    /* bytes per write */
    uint32_t write_budget; /* bytes until writes answer AGAIN; UINT32_MAX: for ever */
    bool releases;         /* lets go of what it took at once; else stub_release */
    bool closes;           /* an orderly close completes at the next poll; else at its deadline */
    bool is_idle;
    iot_time wants; /* its deadline */
    int32_t detail;

    /* what happened */
    uint32_t opens, closes_asked, aborts, flushes, reads, writes;
    iot_time opened_at;
    struct iot_endpoint to;

    /* inside */
    iot_err end; /* why it ended; OK: it has not */
    iot_time up_at, close_deadline;
    uint32_t rx_at, rx_len;
    uint32_t tx_len;     /* since the last open */
    uint32_t taken;      /* bytes written since open */
    uint32_t let_go;     /* of these, no longer referred to */
    uint32_t frozen_len; /* offered and not taken: the next write begins with them */
    struct stub_ref {
        const uint8_t *ptr;
        uint32_t len, at;
    } refs[STUB_REFS_MAX];
    uint32_t ref_count;
    uint8_t frozen[1024];
    uint8_t rx[STUB_RX_MAX];
    uint8_t tx[STUB_TX_MAX];
};

void stub_init(struct stub_stream *s);

/* Bytes from the peer; the owner is woken. */
void stub_receive(struct stub_stream *s, struct iot_bytes bytes);

/* The stream ends for this reason, behind what is received. The owner is woken. */
void stub_end(struct stub_stream *s, iot_err why, int32_t detail);

/* It takes so many more bytes. The owner is woken. */
void stub_allow(struct stub_stream *s, uint32_t n);

/* It no longer refers to the first `count` bytes. The owner is woken. */
void stub_release(struct stub_stream *s, uint32_t count);

/* What the owner wrote since the last open. */
struct iot_bytes stub_sent(const struct stub_stream *s);

#endif
