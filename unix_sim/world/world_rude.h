/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_rude.h
 * Misbehaviour by script: stands between the broker and the network, with the same doors as the broker, and spoils what
 * passes for one connection. Which kinds there are, and what a client should make of each, is the table.
 *
 * Messages that are made up here have topics below "rude/", which no application of the world subscribes.
 * What was swallowed cannot be made good on the same connection: those kinds reset it WORLD_RUDE_SPELL_MS after they
 * struck. Others (TWICE, DRIP) then just end.
 */
#ifndef WORLD_RUDE_H
#define WORLD_RUDE_H

#include "world/world_broker.h"

#define WORLD_RUDE_SPELL_MS 90000u
#define WORLD_RUDE_DRIP_MS  50u
#define WORLD_RUDE_ERRORS   6
#define WORLD_RUDE_MAX      128

enum world_rude_expect {
    WORLD_RUDE_SURVIVE, /* the connection goes on */
    WORLD_RUDE_LOSE,    /* the client has to end it, or it is ended */
    WORLD_RUDE_EITHER,  /* depends on what happens to be under way */
};

enum world_rude_when {
    WORLD_RUDE_ACCEPT,   /* as soon as the connection is there */
    WORLD_RUDE_BEFORE,   /* a packet of `type` begins to come: it is swallowed, and all behind it */
    WORLD_RUDE_AFTER,    /* such a packet has come and was worked on, its answer has not left */
    WORLD_RUDE_ANSWERED, /* behind the first packet of `type` that the broker sends */
    WORLD_RUDE_AT_ANSWER, /* instead of that packet */
};

/* Hexadecimal digits; "@@@@" is the id of the packet that is replaced, or one that nobody uses. */
enum world_rude_what {
    WORLD_RUDE_FIN,         /* close */
    WORLD_RUDE_RST,         /* reset */
    WORLD_RUDE_SAY,         /* send `hex` */
    WORLD_RUDE_SAY_FIN,     /* send `hex`, close */
    WORLD_RUDE_SAY_MUTE,    /* send `hex`, then nothing more */
    WORLD_RUDE_MUTE,        /* nothing more is sent; what comes is read */
    WORLD_RUDE_DEAF,        /* nothing more is read */
    WORLD_RUDE_SPOIL,       /* send `hex`; the packet is lost, and those that come after it pass */
    WORLD_RUDE_SWALLOW,     /* no more packets of `type` are sent */
    WORLD_RUDE_TWICE,       /* packets of `type` are sent twice */
    WORLD_RUDE_PRESENT,     /* CONNACK claims a session for a client that wanted a clean one */
    WORLD_RUDE_DRIP,        /* a byte each WORLD_RUDE_DRIP_MS */
    WORLD_RUDE_LARGE,       /* a PUBLISH larger than the client's window */
    WORLD_RUDE_FLOOD,       /* many tiny PUBLISHes at once */
    WORLD_RUDE_LONG_SUBACK, /* a packet that is no PUBLISH and larger than the client's window */
};

#define WORLD_RUDE_ACKS 0 /* as `type`: PUBACK, PUBREC, PUBCOMP */

struct world_rude_row {
    const char *name;
    uint8_t when, type, what; /* of the enums above; of enum world_mqtt_type */
    uint8_t qos;              /* of LARGE and FLOOD */
    const char *hex;
    uint8_t expect;                    /* enum world_rude_expect */
    iot_err errors[WORLD_RUDE_ERRORS]; /* how the client may lose the connection */
};

/* A kind is an index of the table; 0 is "none". */
extern const struct world_rude_row world_rude_rows[];
extern const int world_rude_count;

/** -1: no such name. */
int world_rude_find(const char *name);
/** May a connection with this kind be lost for this reason? */
bool world_rude_legitimate(int kind, iot_err reason);

/* Where in the client's stream we are. */
struct world_rude_place {
    uint8_t type;        /* of the packet that has begun; 0: between packets */
    uint8_t length_size; /* bytes of its Remaining Length that are there */
    bool in_body;
    uint32_t left; /* the length so far; in_body: bytes still to come */
};

struct world_rude_conn {
    int kind;
    bool struck, swallow, mute, deaf, drip; /* swallow: what comes is thrown away */
    enum world_end end;
    uint64_t deadline, drip_ms;
    char *forget; /* this client's session is lost with the connection: nobody could go on in it */
    struct world_rude_place place;
    struct world_bytes out; /* whole packets are put in */
};

struct world_rude {
    struct world_broker *broker;
    int armed; /* kind of the next connection */
    uint64_t next;
    uint32_t given[WORLD_RUDE_MAX], struck[WORLD_RUDE_MAX]; /* by kind */
    void (*on_strike)(void *ctx, int conn, int kind);       /* it happens now; may be NULL */
    void *ctx;
    struct world_rude_conn conns[WORLD_CONNS_MAX];
};

void world_rude_init(struct world_rude *r, struct world_broker *b);
void world_rude_over(struct world_rude *r);

/** Give the next connection this kind; 0 takes it back. */
void world_rude_arm(struct world_rude *r, int kind);
/** Give it to the present connection of a client. False: it is not online, or has a kind already, or the
 *  kind's moment is over. */
bool world_rude_attack(struct world_rude *r, const char *id, int kind, uint64_t now);
/** The kind of a client's present connection; 0 also when it is not online. */
int world_rude_kind(const struct world_rude *r, const char *id);

/* The broker's doors, see world_broker.h. */
int world_rude_open(struct world_rude *r, uint64_t now);
uint32_t world_rude_feed(struct world_rude *r, int conn, struct iot_bytes in, uint64_t now);
struct iot_bytes world_rude_pending(struct world_rude *r, int conn, uint64_t now);
void world_rude_sent(struct world_rude *r, int conn, uint32_t n, uint64_t now);
/** There is nothing to send and no end to be made. */
bool world_rude_rests(const struct world_rude *r, int conn);
enum world_end world_rude_wants_close(const struct world_rude *r, int conn);
void world_rude_closed(struct world_rude *r, int conn, uint64_t now);
uint64_t world_rude_next(const struct world_rude *r);
void world_rude_tick(struct world_rude *r, uint64_t now);

#endif
