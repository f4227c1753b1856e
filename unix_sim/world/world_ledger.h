/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_ledger.h
 * Account of every message of one device, both ways, across reboots. What iot_mqtt.h and iot_device.h
 * promise is checked at each call; a breach is a violation that begins "ledger NAME: ".
 *
 *     up      a ticket ends exactly once. DONE: QoS 1 was taken by the broker, QoS 2 exactly once, but
 *             for lost sessions. FAILED CLOSED, DROPPED and the like: never taken, not later either;
 *             CUT (QoS 0), UNKNOWN (QoS 1, 2): either. Taken first in the order of acceptance.
 *     down    the application gets only what the broker queued for it, at the QoS of the delivery; QoS 0
 *             at most once, QoS 2 exactly once, but for reboots and lost sessions; first in the broker's
 *             order, QoS by QoS. The broker is told that it is done only after that. One hole has
 *             MQTT itself: a device that never reads the CONNACK which says that its session is lost
 *             finds a session at the next, and takes QoS 2 ids of the new one for those it knows.
 *             Such messages are counted as swallowed.
 *
 * Ended messages are remembered for WORLD_LEDGER_KEEP others. Messages are named by their serials.
 */
#ifndef WORLD_LEDGER_H
#define WORLD_LEDGER_H

#include "iot/iot_base.h"
#include "world/world_shelf.h"

#define WORLD_LEDGER_KEEP 4096u
#define WORLD_ERRORS_MAX  128u

struct world_counts {
    uint32_t accepted, refused;
    uint32_t done[3], failed; /* by QoS */
    uint32_t powerless;       /* accepted and undone at a reboot */
    uint32_t refused_as[WORLD_ERRORS_MAX], failed_as[WORLD_ERRORS_MAX]; /* by -err */
    uint32_t took[3], took_again;
    uint32_t queued[3], got[3], got_again, skipped, voided, swallowed;
    uint64_t longest_up_ms,
        longest_down_ms; /* from acceptance to end; from the broker's queue to the
                                                application */
};

struct world_ledger {
    const char *name;
    bool clean, hand_back; /* of the device's options: set after init */
    bool closing;
    struct world_shelf up, down;
    uint64_t accepts, last_taken; /* places given; of the last one taken first */
    uint64_t queues, last_got[3];
    uint64_t losses, news; /* news: the device was told of a lost session */
    uint32_t last_ticket;  /* 0: none in this boot */
    uint32_t pending;      /* deliveries of QoS 1, 2 that nobody got */
    bool unaware;          /* the session was lost, and the device has not been told */
    struct world_counts counts;
};

/** `name` is borrowed. */
void world_ledger_init(struct world_ledger *l, const char *name);

/* ---- Up ---------------------------------------------------------------------------------------- */

/** iot_mqtt_publish or commit returned IOT_OK. `may_drop`: a policy allows that it gives way, or it is
 *  streamed, so that it may fail by another name than CLOSED, CUT and UNKNOWN. */
void world_ledger_accepted(struct world_ledger *l, uint32_t ticket, uint64_t serial, uint8_t qos,
                           bool may_drop, uint64_t now);
void world_ledger_refused(struct world_ledger *l, iot_err err);
/** IOT_EV_DONE (IOT_OK) or IOT_EV_FAILED, of a message. */
void world_ledger_ended(struct world_ledger *l, uint32_t ticket, iot_err err, uint64_t now);
/** The broker owns it. `fresh`: not QoS 2 that it had already. */
void world_ledger_took(struct world_ledger *l, uint64_t serial, uint8_t qos, bool fresh);
/** iot_device_close was called: from now on CLOSED and UNKNOWN are fair ends. */
void world_ledger_closing(struct world_ledger *l);
/** IOT_EV_CLOSED. */
void world_ledger_closed(struct world_ledger *l);

/* ---- Down -------------------------------------------------------------------------------------- */

/** A delivery begins, at this QoS. */
void world_ledger_queued(struct world_ledger *l, uint64_t serial, uint8_t qos, uint64_t now);
/** The application took it; it was told that it was skipped. */
void world_ledger_got(struct world_ledger *l, uint64_t serial, uint8_t qos, bool dup, uint64_t now);
void world_ledger_skipped(struct world_ledger *l, uint64_t serial);
/** The broker has PUBACK or PUBCOMP; QoS 0: it was handed over. */
void world_ledger_delivered(struct world_ledger *l, uint64_t serial);
/** The broker has thrown its queue for this device away. */
void world_ledger_forgot(struct world_ledger *l);

/** Was this delivery taken by the application, or reported as skipped? What a linter asks. */
bool world_ledger_has(struct world_ledger *l, uint64_t serial);

/* ---- Life -------------------------------------------------------------------------------------- */

/** The device's RAM is gone, or iot_device_init was called: its tickets begin anew. */
void world_ledger_rebooted(struct world_ledger *l);
/** The broker has no session of this device any more; it has told the device: IOT_EV_CONNECTED without
 *  session_present. */
void world_ledger_session_lost(struct world_ledger *l);
void world_ledger_session_new(struct world_ledger *l);

/** Nothing is under way: each ticket has ended, each QoS 1 and 2 delivery was got. */
bool world_ledger_drained(const struct world_ledger *l);

/** The end of the run: what is missing is a violation. Gives the memory back; counts remain. */
void world_ledger_over(struct world_ledger *l);

#endif
