/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_lint.h
 * A strict linter of what one device sends: MQTT 3.1.1, and what the library promises beyond it. Every
 * breach is a violation of its own that begins "lint NAME: " and names the statement.
 *
 * Besides the form of each packet it judges ids, resends and their order (world_flight.h), acknowledgements
 * and their order, the keep-alive, and three promises:
 *
 *   * Nothing but CONNECT is sent before CONNACK.
 *   * No message is acknowledged that the application has not taken.
 *   * Control packets wait behind one message at most. What is owed is known from outside only when
 *     the application has taken a message: then an answer is owed for it, and for everything heard
 *     before it. While one is owed the first byte of one PUBLISH may go out (it was offered to TCP
 *     before), not that of a second. A message larger than the device's window is left out, as its
 *     end is what asks for the answer. PINGREQ and SUBSCRIBE are left out: only the device knows since
 *     when it wants them.
 *
 * And nothing owed is late: patience_ms after it was heard, or after what excuses it was over.
 */
#ifndef WORLD_LINT_H
#define WORLD_LINT_H

#include "world/world_flight.h"

#define WORLD_LINT_PATIENCE_MS 1000u

struct world_lint_app {
    /** Has the application taken this message, or was it told that it was skipped? From the moment on
     *  that the library's callback returned IOT_OK. */
    bool (*accepted)(void *ctx, uint64_t serial, uint8_t qos);
    void *ctx;
};

/* An acknowledgement that the device owes. */
struct world_owed {
    uint64_t serial, since;
    uint32_t at; /* number of the packet heard */
    uint16_t id;
    uint8_t type;
    uint8_t overtook;
    bool paid;
    bool telling; /* that the application took it tells that the packet was read */
    bool proven;  /* the device has surely read it */
    bool known;   /* QoS 2, and the id was answered before: not delivered again */
    bool late;
};

/** Private, but for what world_lint_init says. */
struct world_lint {
    const char *name;
    struct world_lint_app app;
    uint32_t patience_ms;
    uint16_t keepalive_s;
    bool clean;

    bool open, asked, up, refused, bye; /* this connection: CONNECT sent, CONNACK heard ... */
    bool applied;                       /* the device has surely read CONNACK */
    bool session_present;
    bool deaf, dumb; /* the broker sends rubbish, or has ended; the device does */
    bool silent;     /* the gap since the last packet has been reported */
    bool late;       /* so has CONNECT */
    bool declines;
    bool gave_up;
    bool unaware; /* the session was lost, and the device does not know yet */
    uint64_t opened_at, up_at, last_end, excused, declined;
    uint32_t heard_count;
    uint32_t
        read; /* PUBLISH and PUBREL up to this packet have surely been read; answers may be before */
    struct world_owed *owed; /* a ring of owed_cap from owed_first on */
    uint32_t owed_first, owed_count, owed_cap;
    uint16_t held[256]; /* QoS 2 ids answered by PUBREC, PUBREL not answered */
    uint32_t held_count;
    struct world_reader out, in;
    struct world_flight flight;
};

/** `name` is borrowed; patience_ms may be changed afterwards. */
void world_lint_init(struct world_lint *l, const char *name, uint16_t keepalive_s, bool clean,
                     const struct world_lint_app *app);

void world_lint_opened(struct world_lint *l, uint64_t now);
/** Bytes that TCP has taken from the device; bytes that the device's queue has taken from TCP. */
void world_lint_sent(struct world_lint *l, struct iot_bytes bytes, uint64_t now);
void world_lint_heard(struct world_lint *l, struct iot_bytes bytes, uint64_t now);
/** The broker sends no more: from here on the device owes nothing. */
void world_lint_eof(struct world_lint *l);
/** Any end. */
void world_lint_closed(struct world_lint *l, uint64_t now);

/** RAM is gone, or iot_device_init was called. After closed. */
void world_lint_rebooted(struct world_lint *l);
/** The broker has no session of this device any more. Until it is told, the device may take new QoS 2 ids
 *  for old ones (world_ledger.h). */
void world_lint_session_lost(struct world_lint *l);
/** IOT_EV_CLOSED: what was in flight was handed back and is not sent again. After closed. */
void world_lint_finished(struct world_lint *l);

/** The application begins to decline messages; it takes them again. */
void world_lint_declines(struct world_lint *l, bool declines, uint64_t now);
/** It has declined one for too long: QoS 1 and 2 messages may stay unanswered until the connection ends. */
void world_lint_gives_up(struct world_lint *l);
/** Up to `until` the device could not send: the loop stood still, TCP took no bytes or had no memory,
 *  or a streamed message was not written on. */
void world_lint_excuse(struct world_lint *l, uint64_t until);

/** Looks for what is late. Cheap; once per turn. */
void world_lint_tick(struct world_lint *l, uint64_t now);

/** The end of the run: nothing may be owed that should have been sent. Gives the memory back. */
void world_lint_over(struct world_lint *l, uint64_t now);

#endif
