/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_rude.h
 * Misbehaviour by script: stands between the broker and the network, with the same doors as the broker, and spoils what
 * passes for one connection. Which kinds there are, and what a client should make of each, is the table.
 *
 * Messages that are made up here have topics below "rude/", which no application of the world subscribes.
 * What a kind swallows cannot be made good on the same connection, so most kinds end it after WORLD_RUDE_SPELL_MS:
 * then the broker is correct again.
 */
#ifndef WORLD_RUDE_H
#define WORLD_RUDE_H

#include "world/world_broker.h"

#define WORLD_RUDE_SPELL_MS 90000u
#define WORLD_RUDE_ERRORS   6

enum world_rude_expect {
    WORLD_RUDE_SURVIVE, /* the connection goes on */
    WORLD_RUDE_LOSE,    /* the client has to end it, or it is ended */
    WORLD_RUDE_EITHER,  /* depends on what happens to be under way */
};

enum world_rude_when {
    WORLD_RUDE_ACCEPT, /* as soon as the connection is there */
    WORLD_RUDE_BEFORE, /* a packet of type `type` begins to come: it is swallowed, and all behind it */
    WORLD_RUDE_AFTER, /* such a packet has come and was worked on; what is answered is held back */
    WORLD_RUDE_ANSWERED,  /* behind the first packet of type `type` that the broker sends */
    WORLD_RUDE_AT_ANSWER, /* instead of that packet */
};

enum world_rude_what {
    WORLD_RUDE_FIN,      /* close */
    WORLD_RUDE_RST,      /* reset */
    WORLD_RUDE_SAY,      /* send `hex` */
    WORLD_RUDE_SAY_FIN,  /* send `hex`, close */
    WORLD_RUDE_SAY_MUTE, /* send `hex`, then nothing more */
    WORLD_RUDE_MUTE,     /* nothing more is answered, all is read */
    WORLD_RUDE_DEAF,     /* nothing more is read */
    WORLD_RUDE_SPOIL, /* send the packet of the broker with `hex` as its new content; "id" in it: its id */
    WORLD_RUDE_SWALLOW, /* packets of type `type`, and of WORLD_RUDE_ACKS all acknowledgements, are not sent */
    WORLD_RUDE_TWICE,       /* acknowledgements are sent twice */
    WORLD_RUDE_PRESENT,     /* CONNACK claims a session for a client that wanted a clean one */
    WORLD_RUDE_DRIP,        /* one byte each 50 ms */
    WORLD_RUDE_LARGE,       /* a PUBLISH larger than the client's window */
    WORLD_RUDE_FLOOD,       /* many tiny PUBLISHes */
    WORLD_RUDE_LONG_SUBACK, /* a packet that is no PUBLISH and larger than the client's window */
};

#define WORLD_RUDE_ACKS 0 /* as `type` of WORLD_RUDE_SWALLOW */

struct world_rude_row {
    const char *name;
    uint8_t when, type, what; /* of the enums above; of enum world_mqtt_type */
    uint8_t qos;              /* of LARGE and FLOOD */
    const char *hex;
    uint8_t expect; /* enum world_rude_expect */
    iot_err errors
        [WORLD_RUDE_ERRORS]; /* under which names the connection may be lost, filled up by IOT_OK */
};

/* Kind 0 is "none". Other kinds are indices of the table. */
extern const struct world_rude_row world_rude_rows[];
extern const int world_rude_count;
/** -1: no such name. */
int world_rude_find(const char *name);
/** May a connection with this kind be lost for this reason? */
bool world_rude_legitimate(int kind, iot_err reason);

struct world_rude_conn {
    int kind;           /* 0: none */
    bool struck, clean; /* clean: CONNECT asked for it */
    bool mute, deaf;
    bool forget; /* the session is lost with the connection: its client cannot go on in it */
    enum world_end end;
    uint64_t deadline, drip_ms;
    /* where in the client's stream we are: `left` bytes of the packet, or its header so far */
    uint8_t header[5], header_len, type;
    uint32_t left;
    struct world_bytes out;
};

struct world_rude {
    struct world_broker *broker;
    int armed;                                     /* kind for the next connection */
    uint32_t (*strikes)[2];                        /* per kind: given, struck */
    void (*struck)(void *ctx, int conn, int kind); /* it happens now; may be NULL */
    void *ctx;
    struct world_rude_conn conns[WORLD_CONNS_MAX];
};

void world_rude_init(struct world_rude *r, struct world_broker *b);
void world_rude_over(struct world_rude *r);

/** Give the next connection this kind; 0 takes it back. */
void world_rude_arm(struct world_rude *r, int kind);
/** Give it to the present connection of a client. False: it is not online, or has one already, or the
 *  kind's moment is over on a connection that has its CONNACK. */
bool world_rude_attack(struct world_rude *r, const char *id, int kind, uint64_t now);
/** The kind of a client's present connection; 0: none, or it has not logged in. */
int world_rude_kind(const struct world_rude *r, const char *id);

/* The broker's doors, see world_broker.h. */
int world_rude_open(struct world_rude *r, uint64_t now);
uint32_t world_rude_feed(struct world_rude *r, int conn, struct iot_bytes in, uint64_t now);
struct iot_bytes world_rude_pending(struct world_rude *r, int conn, uint64_t now);
void world_rude_sent(struct world_rude *r, int conn, uint32_t n, uint64_t now);
enum world_end world_rude_wants_close(const struct world_rude *r, int conn);
void world_rude_closed(struct world_rude *r, int conn, uint64_t now);
uint64_t world_rude_next(const struct world_rude *r, uint64_t now);
void world_rude_tick(struct world_rude *r, uint64_t now);

#endif
