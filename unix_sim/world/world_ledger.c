/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_ledger.h"

#include "world/world_trace.h"

#include <inttypes.h>
#include <string.h>

#define SAID_MAX  3u /* of many that are missing */
#define NO_MEMORY "out of memory"
#define POWERLESS INT32_MIN /* the end that a reboot makes */
#define SERIAL    "%016" PRIx64

void world_ledger_init(struct world_ledger *l, const char *name)
{
    memset(l, 0, sizeof *l);
    l->name = name;
    world_shelf_init(&l->up, WORLD_LEDGER_KEEP);
    world_shelf_init(&l->down, WORLD_LEDGER_KEEP);
}

static void count_error(uint32_t counts[WORLD_ERRORS_MAX], iot_err err)
{
    uint32_t i = err <= 0 && err > -(iot_err)WORLD_ERRORS_MAX ? (uint32_t)-err : 0;
    counts[i]++;
}

static uint64_t longer(uint64_t most, uint64_t since, uint64_t now)
{
    return now - since > most ? now - since : most;
}

/* ---- Up ---------------------------------------------------------------------------------- */

void world_ledger_accepted(struct world_ledger *l, uint32_t ticket, uint64_t serial, uint8_t qos,
                           bool may_drop, uint64_t now)
{
    /* Numbers come back after 2^32 others only; the library counts them up. */
    if (ticket == 0 || (l->last_ticket != 0 && (int32_t)(ticket - l->last_ticket) <= 0))
        world_violation("ledger %s: ticket %" PRIu32 " was given behind %" PRIu32, l->name, ticket,
                        l->last_ticket);
    if (world_shelf_find(&l->up, serial) != NULL)
        world_violation("ledger %s: message " SERIAL " is published twice", l->name, serial);
    l->last_ticket = ticket;
    l->counts.accepted++;
    struct world_record *r = world_shelf_add(&l->up, serial, ticket);
    if (r == NULL) {
        world_violation("ledger %s: " NO_MEMORY, l->name);
        return;
    }
    r->since = now;
    r->place = ++l->accepts;
    r->losses = l->losses;
    r->news = l->news;
    r->qos = qos;
    r->may_drop = may_drop;
}

void world_ledger_refused(struct world_ledger *l, iot_err err)
{
    l->counts.refused++;
    count_error(l->counts.refused_as, err);
}

/* Ended in a way that says: the broker does not have it. */
static bool never(const struct world_record *r)
{
    return r->ended && r->err != IOT_OK && r->err != IOT_ERR_CUT && r->err != IOT_ERR_UNKNOWN &&
           r->err != POWERLESS;
}

static void judge_end(struct world_ledger *l, const struct world_record *r)
{
    const char *what = iot_err_name(r->err);

    if (r->err == IOT_OK && r->qos != 0 && r->times == 0)
        world_violation("ledger %s: message " SERIAL " is DONE with QoS %u, and the broker never "
                        "took it",
                        l->name, r->serial, r->qos);
    if ((r->err == IOT_ERR_CUT && r->qos != 0) || (r->err == IOT_ERR_UNKNOWN && r->qos == 0))
        world_violation("ledger %s: message " SERIAL " of QoS %u FAILED %s", l->name, r->serial,
                        r->qos, what);
    bool lost = r->news != l->news && (l->hand_back || r->qos == 2); /* its session */
    if (r->err == IOT_ERR_UNKNOWN && !l->closing && !l->clean && !lost)
        world_violation("ledger %s: message " SERIAL " FAILED UNKNOWN, and its session lives",
                        l->name, r->serial);
    if (r->err == IOT_ERR_CLOSED && !l->closing)
        world_violation("ledger %s: message " SERIAL " FAILED CLOSED, and nobody closes", l->name,
                        r->serial);
    if (never(r) && r->err != IOT_ERR_CLOSED && !r->may_drop)
        world_violation("ledger %s: message " SERIAL " FAILED %s, and nothing allows that", l->name,
                        r->serial, what);
    if (never(r) && r->times != 0)
        world_violation("ledger %s: message " SERIAL " FAILED %s, and the broker took it before",
                        l->name, r->serial, what);
}

void world_ledger_ended(struct world_ledger *l, uint32_t ticket, iot_err err, uint64_t now)
{
    struct world_record *r = world_shelf_ticket(&l->up, ticket);
    if (r == NULL) {
        world_violation("ledger %s: an end (%s) for ticket %" PRIu32 ", which is none", l->name,
                        iot_err_name(err), ticket);
        return;
    }
    if (r->ended) {
        world_violation("ledger %s: ticket %" PRIu32 " ended %s, and again %s", l->name, ticket,
                        iot_err_name(r->err), iot_err_name(err));
        return;
    }
    r->ended = true;
    r->err = err;
    judge_end(l, r);
    if (err == IOT_OK) {
        l->counts.done[r->qos]++;
    } else {
        l->counts.failed++;
        count_error(l->counts.failed_as, err);
    }
    l->counts.longest_up_ms = longer(l->counts.longest_up_ms, r->since, now);
    world_shelf_finish(&l->up, r);
}

static void took_first(struct world_ledger *l, const struct world_record *r)
{
    if (r->place <= l->last_taken)
        world_violation("ledger %s: the broker took message " SERIAL " behind later ones", l->name,
                        r->serial);
    else
        l->last_taken = r->place;
    if (never(r))
        world_violation("ledger %s: message " SERIAL " FAILED %s, and the broker took it later",
                        l->name, r->serial, iot_err_name(r->err));
}

static void took_again(struct world_ledger *l, const struct world_record *r)
{
    l->counts.took_again++;
    if (r->qos == 0)
        world_violation("ledger %s: the broker took message " SERIAL " of QoS 0 twice", l->name,
                        r->serial);
    if (r->qos == 2 && r->losses == l->losses)
        world_violation("ledger %s: the broker took message " SERIAL " of QoS 2 twice", l->name,
                        r->serial);
    if (r->qos == 1 && r->ended && r->err == IOT_OK)
        world_violation("ledger %s: the broker took message " SERIAL " again after its end",
                        l->name, r->serial);
}

void world_ledger_took(struct world_ledger *l, uint64_t serial, uint8_t qos, bool fresh)
{
    struct world_record *r = world_shelf_find(&l->up, serial);
    if (r == NULL) {
        world_violation("ledger %s: the broker took message " SERIAL ", which was not accepted, or "
                        "is long forgotten",
                        l->name, serial);
        return;
    }
    if (qos != r->qos)
        world_violation("ledger %s: the broker took message " SERIAL " with QoS %u, not %u",
                        l->name, serial, qos, r->qos);
    if (!fresh) {
        l->counts.took_again++;
        return;
    }
    l->counts.took[r->qos]++;
    if (r->times++ == 0)
        took_first(l, r);
    else
        took_again(l, r);
}

/* Those that have not ended: said, and no longer waited for. */
static void miss_tickets(struct world_ledger *l, const char *when)
{
    uint32_t missing = l->up.live.count, said = 0;
    struct world_record *r;
    while ((r = world_shelf_first(&l->up)) != NULL) {
        if (said++ < SAID_MAX)
            world_violation("ledger %s: %s ticket %" PRIu32 " (message " SERIAL ", QoS %u) has not "
                            "ended; %" PRIu32 " in all",
                            l->name, when, r->ticket, r->serial, r->qos, missing);
        r->ended = true;
        r->err = POWERLESS;
        world_shelf_finish(&l->up, r);
    }
}

void world_ledger_closing(struct world_ledger *l)
{
    l->closing = true;
}

void world_ledger_closed(struct world_ledger *l)
{
    l->closing = false;
    miss_tickets(l, "closed, and");
}

/* ---- Down -------------------------------------------------------------------------------- */

static bool awaited(const struct world_record *r)
{
    return r->qos != 0 && !r->ended && r->times == 0 && !r->skipped;
}

/* Its first delivery begins, or, of a retained message, the first after all others were finished. */
static void begin_delivery(struct world_ledger *l, struct world_record *r, uint8_t qos,
                           uint64_t now)
{
    r->qos = qos;
    r->since = now;
    r->place = ++l->queues;
    r->losses = l->losses;
    r->queued = 1;
    r->times = r->delivered = 0;
    r->ended = r->skipped = false;
    r->stale = l->unaware;
    l->pending += qos != 0;
    if (qos == 0)
        world_shelf_finish(&l->down, r); /* nobody waits for it */
}

void world_ledger_queued(struct world_ledger *l, uint64_t serial, uint8_t qos, uint64_t now)
{
    struct world_record *r = world_shelf_find(&l->down, serial);
    l->counts.queued[qos]++;
    if (r != NULL && !r->finished) {
        r->queued++;
        return;
    }
    if (r == NULL)
        r = world_shelf_add(&l->down, serial, 0);
    else
        world_shelf_revive(&l->down, r);
    if (r != NULL)
        begin_delivery(l, r, qos, now);
    else
        world_violation("ledger %s: " NO_MEMORY, l->name);
}

static struct world_record *find_queued(struct world_ledger *l, uint64_t serial, const char *what)
{
    struct world_record *r = world_shelf_find(&l->down, serial);
    if (r == NULL)
        world_violation("ledger %s: message " SERIAL " is %s, and was never queued for it, or is "
                        "long forgotten",
                        l->name, serial, what);
    return r;
}

static void first_delivery(struct world_ledger *l, const struct world_record *r)
{
    if (r->place < l->last_got[r->qos])
        world_violation("ledger %s: message " SERIAL " of QoS %u came behind later ones", l->name,
                        r->serial, r->qos);
    else
        l->last_got[r->qos] = r->place;
}

static void got_again(struct world_ledger *l, const struct world_record *r)
{
    l->counts.got_again++;
    if (r->qos == 0 || (r->qos == 2 && !r->ended && r->losses == l->losses))
        world_violation("ledger %s: the application got message " SERIAL " of QoS %u twice",
                        l->name, r->serial, r->qos);
    if (r->qos == 1 && r->finished && !r->ended)
        world_violation("ledger %s: the application got message " SERIAL " again after its end",
                        l->name, r->serial);
}

void world_ledger_got(struct world_ledger *l, uint64_t serial, uint8_t qos, bool dup, uint64_t now)
{
    struct world_record *r = find_queued(l, serial, "got");
    if (r == NULL)
        return;
    if (qos != r->qos)
        world_violation("ledger %s: the application got message " SERIAL " with QoS %u, not %u",
                        l->name, serial, qos, r->qos);
    if (qos == 0 && dup)
        world_violation("ledger %s: the application got message " SERIAL " of QoS 0 with DUP",
                        l->name, serial);
    l->counts.got[r->qos]++;
    if (awaited(r))
        l->pending--;
    if (r->times == 0 && !r->skipped) {
        first_delivery(l, r);
        l->counts.longest_down_ms = longer(l->counts.longest_down_ms, r->since, now);
    }
    if (++r->times > r->queued)
        got_again(l, r);
}

void world_ledger_skipped(struct world_ledger *l, uint64_t serial)
{
    struct world_record *r = find_queued(l, serial, "skipped");
    l->counts.skipped++;
    if (r == NULL)
        return;
    if (awaited(r))
        l->pending--;
    if (r->times == 0 && !r->skipped)
        first_delivery(l, r);
    r->skipped = true;
}

void world_ledger_delivered(struct world_ledger *l, uint64_t serial)
{
    struct world_record *r = find_queued(l, serial, "delivered");
    if (r == NULL || r->qos == 0 || r->finished)
        return;
    if (awaited(r)) {
        l->pending--;
        if (r->qos == 2 && r->stale)
            l->counts.swallowed++;
        else
            world_violation("ledger %s: message " SERIAL " is acknowledged, and the application "
                            "never got it",
                            l->name, serial);
    }
    if (++r->delivered >= r->queued)
        world_shelf_finish(&l->down, r);
}

void world_ledger_forgot(struct world_ledger *l)
{
    struct world_record *r;
    while ((r = world_shelf_first(&l->down)) != NULL) {
        if (awaited(r)) {
            l->pending--;
            l->counts.voided++;
        }
        r->ended = true;
        world_shelf_finish(&l->down, r);
    }
}

bool world_ledger_has(struct world_ledger *l, uint64_t serial)
{
    const struct world_record *r = world_shelf_find(&l->down, serial);
    return r != NULL && (r->times != 0 || r->skipped);
}

/* ---- Life -------------------------------------------------------------------------------- */

void world_ledger_rebooted(struct world_ledger *l)
{
    l->closing = false;
    struct world_record *r;
    l->losses++;
    l->unaware = false;
    l->last_ticket = 0;
    world_shelf_drop_tickets(&l->up);
    while ((r = world_shelf_first(&l->up)) != NULL) {
        l->counts.powerless++;
        r->ended = true;
        r->err = POWERLESS;
        world_shelf_finish(&l->up, r);
    }
}

void world_ledger_session_lost(struct world_ledger *l)
{
    l->losses++;
    l->unaware = true;
}

void world_ledger_session_new(struct world_ledger *l)
{
    l->news++;
    l->unaware = false;
}

bool world_ledger_drained(const struct world_ledger *l)
{
    return l->up.live.count == 0 && l->pending == 0;
}

void world_ledger_over(struct world_ledger *l)
{
    uint32_t said = 0;
    miss_tickets(l, "at the end");
    for (struct world_record *r = world_shelf_first(&l->down); r != NULL && said < SAID_MAX;
         r = world_shelf_next(&l->down, r)) {
        if (awaited(r)) {
            said++;
            world_violation("ledger %s: at the end message " SERIAL " of QoS %u was never got; "
                            "%" PRIu32 " in all",
                            l->name, r->serial, r->qos, l->pending);
        }
    }
    world_shelf_over(&l->up);
    world_shelf_over(&l->down);
    l->pending = 0;
}
