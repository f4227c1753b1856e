/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_flight.h
 * The linter's book of what a device has sent and what the broker has not finished: packet ids, resends
 * and their order. A part of world_lint.
 *
 * What the device's queue has taken from TCP it may not have looked at yet, and never will if the
 * connection ends. So of a message the book keeps all states that the device may see it in:
 *
 *     AS_SENT  PUBLISH is out, or must go out again      AS_REC  PUBREC came, PUBREL must go out
 *     AS_DONE  PUBACK or PUBCOMP came                    several: it may have read the answer, or not
 *
 * Packets heard on a connection are numbered from 1; `digested` says up to which one the device has
 * proved to have read them.
 */
#ifndef WORLD_FLIGHT_H
#define WORLD_FLIGHT_H

#include "world/world_packet.h"

#define WORLD_ASKED_MAX                                                                            \
    (2 * IOT_MQTT_SUBS_MAX + 64) /* SUBSCRIBEs may replace each other unanswered */
#define WORLD_STRAY_MAX  64u
#define WORLD_RECENT_MAX 64u

struct world_flight_message {
    uint64_t serial;
    uint64_t order;     /* of first sendings */
    uint64_t rec_order; /* of PUBRECs */
    uint64_t rec_since;
    uint32_t rec_at, done_at; /* the packet heard on this connection that said so; 0: none */
    uint16_t id;
    uint8_t qos;
    uint8_t may_be;   /* a set of AS_ states */
    uint8_t overtook; /* messages begun while its PUBREL was owed */
    bool whole;       /* was sent whole, and the device knows no reason to send it as new */
    bool here;        /* sent on this connection */
    bool rel_here;    /* PUBREL was */
    bool late;        /* has been reported */
};

struct world_flight {
    const char *name;
    struct world_flight_message message[IOT_MQTT_OUT_MAX];
    uint32_t count;
    struct {
        uint16_t id;
        uint8_t type;
    } asked[WORLD_ASKED_MAX];
    uint32_t asked_count;
    struct { /* PUBRECs for messages we know nothing of: may be answered */
        uint64_t order;
        uint16_t id;
    } stray[WORLD_STRAY_MAX];
    uint32_t stray_count; /* since the connection opened; the last WORLD_STRAY_MAX are kept */
    uint64_t recent[WORLD_RECENT_MAX]; /* serials of messages that this connection carried */
    uint32_t recent_count;
    uint64_t orders, rec_orders;   /* given so far */
    uint64_t last_order, last_rec; /* sent on this connection */
    uint32_t digested;
    bool resumed;
    bool
        foreign; /* the broker's session is older than what the device knows: it may clear ids by PUBREL */
};

void world_flight_init(struct world_flight *f, const char *name);

/** The device's memory of all this is gone: a reboot, a clean session, a lost one. */
void world_flight_forget(struct world_flight *f);

/** Perhaps: whether it has read that its session is lost nobody knows. */
void world_flight_doubt(struct world_flight *f);

/** A connection ends; the session stays. */
void world_flight_closed(struct world_flight *f);

/** The session goes on. */
void world_flight_resume(struct world_flight *f, uint64_t now);

/* ---- Sent. Breaches are violations ---------------------------------------------------------- */

void world_flight_publish(struct world_flight *f, const struct world_packet *p);
/** A PUBLISH that the end of the connection cut. */
void world_flight_torn(struct world_flight *f, const struct world_packet *p);
void world_flight_ask(struct world_flight *f, uint8_t type, uint16_t id);
void world_flight_pubrel(struct world_flight *f, uint16_t id);
/** The same, not judged: what the device has heard since the end of the connection began is not known. */
void world_flight_released(struct world_flight *f, uint16_t id);

/* ---- Heard, and read -------------------------------------------------------------------------- */

/** PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK as the `at`-th packet heard. */
void world_flight_answer(struct world_flight *f, uint8_t type, uint16_t id, uint32_t at,
                         uint64_t now);

/** The device has read everything up to the `at`-th packet. */
void world_flight_digest(struct world_flight *f, uint32_t at);

/** A message begins: PUBRELs that are surely owed should have gone before it. */
void world_flight_overtake(struct world_flight *f);

/** The PUBREL that is owed for longest, or NULL. `proven` out: the device has surely read PUBREC. */
struct world_flight_message *world_flight_owed(struct world_flight *f, bool *proven);

#endif
