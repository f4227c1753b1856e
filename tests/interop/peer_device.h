/* SPDX-License-Identifier: Apache-2.0 */
/* A device under test and a record of all that it says. The record itself checks what must hold in
 * every test: each accepted message ends exactly once, after the close every pool is empty, a tick
 * does not ask for the next one for ever. */
#ifndef PEER_DEVICE_H
#define PEER_DEVICE_H

#include "test.h"

#include "iot/iot_static.h"
#include "peer_clock.h"

/* Where brokers listen: what the device's gateway leads to. */
extern const char *const peer_loopback;

#define PEER_DEVICES_MAX 4
#define PEER_EVENTS_MAX  8192u
#define PEER_TICKETS_MAX 8192u
#define PEER_INBOX_MAX   2048u
#define PEER_KINDS       (IOT_EV_CLOSED + 1)

struct peer_event {
    enum iot_event_kind kind;
    iot_err err;
    int32_t detail;
    iot_ticket ticket;
    uint32_t delay_ms;
    uint8_t code;
    bool session_present;
};

/* What is kept of a message: enough to know it again. */
struct peer_message {
    char topic[64];
    char text[32]; /* the payload's start, with a NUL */
    uint32_t len;
    uint32_t hash;
    uint8_t qos, flags;
    bool by_handler;
};

/* Of one that was accepted, or has ended. */
struct peer_ticket {
    iot_ticket ticket;
    bool used, accepted; /* by peer_publish, peer_accepted */
    uint8_t ends;
    iot_err result;
};

struct peer_device {
    struct iot_device dev;
    struct iot_options options;
    const char *name;
    bool joined;
    bool asleep; /* does not tick while the others do */

    uint32_t kinds[PEER_KINDS]; /* how often each came */
    uint32_t event_count, inbox_count, zeros;
    struct peer_event events[PEER_EVENTS_MAX];
    struct peer_message inbox[PEER_INBOX_MAX];
    struct peer_ticket tickets[PEER_TICKETS_MAX]; /* a table with open addresses */

    /* May be NULL: called after an event was noted, inside the library's callback. */
    void (*also)(struct peer_device *p, const struct iot_event *ev);
    /* The answer of peer_on_message; AGAIN leaves the message unnoted. NULL: IOT_OK. */
    iot_err (*verdict)(struct peer_device *p, const struct iot_msg *msg);
    uint32_t user; /* the test's own */
    bool asks;     /* its library sends messages of its own: requests, answers */
};

/* ---- Group and test ---------------------------------------------------------------------- */

/** For cmocka_run_group_tests: starts lwIP, then forbids the heap. Ends what it began. */
int peer_group_setup(void **state);
int peer_group_teardown(void **state);

/** For each test, also a failed one: devices are cut off and forgotten, hooks removed, the cable
 *  plugged in. */
int peer_test_teardown(void **state);

/** A test with its teardown. */
#define PEER_TEST(f) cmocka_unit_test_teardown(f, peer_test_teardown)

/* ---- Turning ----------------------------------------------------------------------------- */

/** All devices tick, then the world moves, at most until one wants to tick again. */
void peer_turn(void);

/** The same, and the time that would have been waited passes at once, up to 50 ms of it for each
 *  1 ms of waiting. For peers inside the test program. */
void peer_turn_fast(void);

struct peer_wait {
    const char *what, *file;
    int line;
    uint64_t end_ms;
};

struct peer_wait peer_wait_begin(const char *what, const char *file, int line);
/** Fails the test, with all events, when the bound is reached. */
void peer_wait_check(const struct peer_wait *w);

#define UNTIL_WITH(turn, condition)                                                                \
    do {                                                                                           \
        struct peer_wait wait_ = peer_wait_begin(#condition, __FILE__, __LINE__);                  \
        while (!(condition)) {                                                                     \
            peer_wait_check(&wait_);                                                               \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

/** Turn until the condition holds. There is a bound, generous, and reaching it is a failure. */
#define UNTIL(condition)      UNTIL_WITH(peer_turn, condition)
#define UNTIL_FAST(condition) UNTIL_WITH(peer_turn_fast, condition)

/** Turn for so long in the device's time, fast; for what must not happen. */
void peer_pass_fast(uint32_t ms);

/* ---- One device -------------------------------------------------------------------------- */

/** Empty, with options for a broker on `port` of loopback: client id `name`, clean session,
 *  keep-alive 60 s. Change the options before peer_begin. */
void peer_prepare(struct peer_device *p, const char *name, uint16_t port);

/** Initialise and connect; it takes part in the turns from now on. */
void peer_begin(struct peer_device *p);

/** peer_begin, then until it is connected. */
void peer_connect(struct peer_device *p);

/** Close and turn until it is closed; then the record is checked and it leaves. */
void peer_close(struct peer_device *p);

/** No device is to be cut off any more: it was closed otherwise. */
void peer_leave(struct peer_device *p);

/** What peer_close checks: all messages ended once, all pools empty. */
void peer_check_over(struct peer_device *p);

/** Its connection as lwIP knows it, or 0: the local TCP port. */
uint16_t peer_local_port(const struct peer_device *p);

/** Must be accepted. */
iot_ticket peer_publish(struct peer_device *p, const char *topic, const char *payload, uint8_t qos,
                        uint8_t flags);
iot_ticket peer_publish_bytes(struct peer_device *p, const char *topic, struct iot_bytes payload,
                              uint8_t qos, uint8_t flags);
/** As it comes; if accepted, it is noted. */
iot_err peer_try_publish(struct peer_device *p, const struct iot_msg *msg, iot_ticket *ticket);

/** Must be accepted. Messages are noted by peer_on_message, its context is `p`. */
iot_ticket peer_subscribe(struct peer_device *p, const char *filter, uint8_t qos);
/** ... and turn until it was granted so. */
void peer_subscribed(struct peer_device *p, const char *filter, uint8_t qos);
iot_err peer_on_message(void *ctx, struct iot_device *dev, const struct iot_msg *msg);

struct iot_topic peer_topic(const char *text);

/** Note one that was accepted otherwise. */
void peer_accepted(struct peer_device *p, iot_ticket ticket);

/** All messages accepted so far have ended. */
bool peer_all_ended(const struct peer_device *p);
bool peer_ended(const struct peer_device *p, iot_ticket ticket);
/** The one result of a ticket that has ended. */
iot_err peer_result(const struct peer_device *p, iot_ticket ticket);

/** The last event of a kind, or NULL. */
const struct peer_event *peer_last(const struct peer_device *p, enum iot_event_kind kind);
/** The last event of a kind with this ticket, or NULL. */
const struct peer_event *peer_last_for(const struct peer_device *p, enum iot_event_kind kind,
                                       iot_ticket ticket);
/** How many messages with this topic were noted; the last of them, or NULL. */
uint32_t peer_count_of(const struct peer_device *p, const char *topic);
const struct peer_message *peer_last_of(const struct peer_device *p, const char *topic);

struct iot_pool_use peer_pool(const struct peer_device *p, const char *name);

/** Turn until it is lost once more (than `losses` times), fast or not, and check by name. */
void peer_expect_lost(struct peer_device *p, uint32_t losses, iot_err err, bool fast);

/** Count the TCP segments with RST that leave from now on, until the end of the test: a wanted close
 *  sends none, as it could overtake DISCONNECT. Takes the place of another frame hook. */
void peer_watch_resets(void);
uint32_t peer_resets_sent(void);

/* ---- Payloads ---------------------------------------------------------------------------- */

/** `n` bytes that depend on `seed`, in one of few rotating places of 64 KiB. */
struct iot_bytes peer_payload(uint32_t n, uint32_t seed);
uint32_t peer_hash(struct iot_bytes b);
bool peer_same(const struct peer_message *m, struct iot_bytes payload);

#endif
