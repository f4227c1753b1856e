/* SPDX-License-Identifier: Apache-2.0 */
/* A small town for a scenario with a script: devices that say nothing of their own accord, a broker, the wire;
 * a ledger and a linter watch each device (world_life.h), and this notes what else it was told, and what the
 * broker heard from it. */
#ifndef TOWN_H
#define TOWN_H

#include "scenario.h"

#include "world/world_dns.h"
#include "world/world_town.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#define TOWN_LIVES_MAX  4u
#define TOWN_LOSSES_MAX 256u
#define TOWN_TAKEN_MAX  4096u
#define SECOND          1000u
#define MINUTE          60000u
#define HOUR            3600000u

/* Counted since town_begin. */
struct town_told {
    uint32_t writable, skipped, losses;
    iot_err skipped_as; /* the latest */
    struct {
        iot_err err;
        uint32_t delay_ms;
        uint64_t at;
    } loss[TOWN_LOSSES_MAX]; /* the first ones */
    bool kept;               /* session_present of the latest CONNACK */

    /* at the broker */
    uint32_t heard, dups;                  /* packets; PUBLISHes with DUP */
    uint64_t heard_at, longest_silence_ms; /* on a connection */
    uint32_t connects_seen;
    uint16_t last_id; /* of PUBLISH and SUBSCRIBE */
    bool id_seen[65536], notes_ids;
    uint32_t ids_again; /* seen already, while no more are noted */
};

/* What the broker took, in the order of first times; of one boot of each device. */
struct town_taken {
    const struct world_life *from;
    uint32_t serial; /* counts up from 1, by town_say */
    char topic[40];
    uint8_t qos;
};

extern struct world_town town;
extern struct town_told told[TOWN_LIVES_MAX];
extern struct town_taken taken[TOWN_TAKEN_MAX];
extern uint32_t taken_count; /* may be set to 0 */

/* Called behind the device's own handler of events; NULL: nobody. */
extern void (*town_on_event)(struct world_life *l, const struct iot_event *ev);

/* ---- Begin and end ---------------------------------------------------------------------------------- */

/* Devices of these habits; nothing has happened yet. Returns the first one. */
struct world_life *town_begin(const struct world_habit *habits, uint32_t count);
/* One device, connected, with its subscription, and so long ago that its link counts as a good one. */
struct world_life *town_with(struct world_habit habit);
/* Everybody gets well within a minute and closes; nothing may be left. */
void town_end(void);

/* ---- Time ------------------------------------------------------------------------------------------- */

void town_run(uint64_t ms);
/* All are connected, have what was sent to them and got rid of what they had, after so long at most. Return how
 * long it took, as those below do. */
uint64_t town_settles(uint64_t within_ms);
/* Its next loss comes within this time and has this name. */
uint64_t town_loses(const struct world_life *l, iot_err name, uint64_t within_ms);
/* The same, where several names are fair: IOT_OK ends the list. */
uint64_t town_loses_any(const struct world_life *l, const iot_err *names, uint64_t within_ms);
/* Its application has got, or was told that it will not get, `n` messages since the begin. */
uint64_t town_gets(const struct world_life *l, uint32_t n, uint64_t within_ms);
/* It is between two attempts, at once or when the one under way has failed, and lwIP has forgotten that one, too. */
void town_waits(const struct world_life *l);
uint64_t town_connects(const struct world_life *l, uint64_t within_ms);

/* ---- What happens ----------------------------------------------------------------------------------- */

/* The device publishes to its own topic, or to one below it. `bytes` of payload, 16 and more. */
iot_err town_say(struct world_life *l, uint8_t qos, uint32_t bytes);
iot_err town_say_so(struct world_life *l, const char *below, uint8_t qos, uint32_t bytes,
                    uint8_t flags);
/* As many as there is room for. */
uint32_t town_say_until_full(struct world_life *l, uint8_t qos, uint32_t bytes);
/* For other ways to publish: the next message's number for the ledger, and what came of it. */
uint64_t town_serial(struct world_life *l);
void town_accepted(struct world_life *l, iot_err err, iot_ticket ticket, uint64_t serial,
                   uint8_t qos, bool may_drop);

/* Somebody publishes to the device. Returns the number of deliveries that began. */
uint32_t town_write(struct world_life *l, uint8_t qos, uint32_t bytes);

void town_cut(bool up, bool down);
void town_delay(uint32_t one_way_ms);
/* What is late until then is nobody's fault. */
void town_excuse(struct world_life *l, uint64_t ms);

/* ---- Questions -------------------------------------------------------------------------------------- */

static inline const struct world_counts *counts(const struct world_life *l)
{
    return &l->ledger.counts;
}

static inline uint32_t failed_as(const struct world_life *l, iot_err err)
{
    return l->ledger.counts.failed_as[-err];
}

static inline uint32_t done(const struct world_life *l)
{
    return l->ledger.counts.done[0] + l->ledger.counts.done[1] + l->ledger.counts.done[2];
}

static inline uint32_t got(const struct world_life *l)
{
    return l->ledger.counts.got[0] + l->ledger.counts.got[1] + l->ledger.counts.got[2];
}

static inline struct town_told *told_of(const struct world_life *l)
{
    return &told[l->number];
}

/* In the middle of a range, both ends allowed; both numbers are printed. */
#define assert_within(got, low, high)                                                              \
    do {                                                                                           \
        uint64_t got_ = (got), low_ = (low), high_ = (high);                                       \
        if (got_ < low_ || got_ > high_)                                                           \
            fail_msg("%s:%d: %s is %llu, not %llu .. %llu", __FILE__, __LINE__, #got,              \
                     (unsigned long long)got_, (unsigned long long)low_,                           \
                     (unsigned long long)high_);                                                   \
    } while (0)

#endif
