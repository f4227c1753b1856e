/* SPDX-License-Identifier: Apache-2.0 */
/* A web server on loopback, inside the test program, that says what it is told to say, whatever it is asked. It lives in
 * host_turn; nothing in it waits. */
#ifndef PEER_RUDE_H
#define PEER_RUDE_H

#include "iot/iot_base.h"

enum peer_rude_end { RUDE_STAYS, RUDE_FIN, RUDE_RST };

/* What it says to one request. */
struct peer_rude_answer {
    struct iot_bytes text;
    struct iot_bytes forever; /* behind it, again and again; len 0: nothing */
    enum peer_rude_end end;   /* when all is said */
    bool drips;               /* a byte a turn */
};

struct peer_rude {
    /* NULL, or before each request is answered: may look at it in `in`, and change what is said. */
    void (*asked)(struct peer_rude *r);
    int listener, conn; /* -1: none */
    uint16_t port;
    const struct peer_rude_answer *answers; /* to the first request, the second ... */
    uint32_t answer_count;                  /* the last of them to all that follow */
    uint32_t accepted, requests;
    uint64_t said_bytes;
    uint32_t in_len, said, leaving;
    bool answering;
    char in[8192]; /* the last request, with a NUL */
};

void peer_rude_start(struct peer_rude *r);
void peer_rude_stop(struct peer_rude *r);

/** From now on; borrowed. */
void peer_rude_says(struct peer_rude *r, const struct peer_rude_answer *answers, uint32_t count);

#endif
