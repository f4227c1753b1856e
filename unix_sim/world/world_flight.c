/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_flight.h"

#include "world/world_trace.h"

#include <inttypes.h>
#include <string.h>

enum { AS_SENT = 1, AS_REC = 2, AS_DONE = 4 };

/* done_at of an answer that came before its message was sent again: counts only if read behind that. */
#define UNPROVABLE UINT32_MAX

void world_flight_init(struct world_flight *f, const char *name)
{
    memset(f, 0, sizeof *f);
    f->name = name;
}

static void remove_at(struct world_flight *f, uint32_t i)
{
    f->count--;
    memmove(&f->message[i], &f->message[i + 1], (f->count - i) * sizeof f->message[0]);
}

void world_flight_forget(struct world_flight *f)
{
    f->count = 0;
    f->asked_count = 0;
    f->resumed = false;
}

void world_flight_doubt(struct world_flight *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        f->message[i].whole = false;
}

void world_flight_closed(struct world_flight *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct world_flight_message *m = &f->message[i];
        m->rec_at = m->done_at = 0;
        m->here = m->rel_here = m->late = false;
        m->overtook = 0;
    }
    /* SUBSCRIBE and UNSUBSCRIBE are no part of the session (MQTT 3.1.1, 4.1). */
    f->asked_count = 0;
    f->stray_count = f->recent_count = 0;
    f->last_order = f->last_rec = 0;
    f->digested = 0;
    f->resumed = false;
}

void world_flight_resume(struct world_flight *f, uint64_t now)
{
    f->resumed = true;
    for (uint32_t i = 0; i < f->count; i++)
        f->message[i].rec_since = now;
}

/* ---- What the device has read ------------------------------------------------------------ */

void world_flight_digest(struct world_flight *f, uint32_t at)
{
    if (at <= f->digested)
        return;
    f->digested = at;
    for (uint32_t i = f->count; i-- > 0;) {
        struct world_flight_message *m = &f->message[i];
        if (m->done_at != 0 && m->done_at <= at)
            remove_at(f, i);
        else if (m->rec_at != 0 && m->rec_at <= at)
            m->may_be &= (uint8_t)~AS_SENT;
    }
}

static struct world_flight_message *find(struct world_flight *f, uint16_t id)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (f->message[i].id == id)
            return &f->message[i];
    return NULL;
}

static void done(struct world_flight_message *m, uint32_t at)
{
    m->may_be |= AS_DONE;
    if (m->done_at == 0)
        m->done_at = m->here || m->rel_here ? at : UNPROVABLE;
}

static void on_pubrec(struct world_flight *f, struct world_flight_message *m, uint16_t id,
                      uint32_t at, uint64_t now)
{
    if (m != NULL && m->qos == 2 && m->here && !(m->may_be & AS_REC)) {
        m->may_be |= AS_REC;
        m->rec_at = at;
        m->rec_order = ++f->rec_orders;
        m->rec_since = now;
        return;
    }
    if (m != NULL && m->here && !(m->may_be & AS_DONE))
        return; /* once too often, or for a message that is owed PUBACK: not answered */
    uint32_t i = f->stray_count++ % WORLD_STRAY_MAX;
    f->stray[i].id = id;
    f->stray[i].order = ++f->rec_orders;
}

static uint32_t find_asked(const struct world_flight *f, uint16_t id)
{
    uint32_t i = 0;
    while (i < f->asked_count && f->asked[i].id != id)
        i++;
    return i;
}

static void on_answer(struct world_flight *f, uint8_t request, uint16_t id)
{
    uint32_t i = 0;
    while (i < f->asked_count && (f->asked[i].id != id || f->asked[i].type != request))
        i++;
    if (i < f->asked_count)
        f->asked[i] = f->asked[--f->asked_count];
}

void world_flight_answer(struct world_flight *f, uint8_t type, uint16_t id, uint32_t at,
                         uint64_t now)
{
    struct world_flight_message *m = find(f, id);
    switch (type) {
    case WORLD_PUBACK:
        if (m != NULL && m->qos == 1)
            done(m, at);
        break;
    case WORLD_PUBREC:
        on_pubrec(f, m, id, at, now);
        break;
    case WORLD_PUBCOMP:
        if (m != NULL && m->qos == 2 && (m->may_be & AS_REC))
            done(m, at);
        break;
    case WORLD_SUBACK:
        on_answer(f, WORLD_SUBSCRIBE, id);
        break;
    case WORLD_UNSUBACK:
        on_answer(f, WORLD_UNSUBSCRIBE, id);
        break;
    default:
        break;
    }
}

/* ---- PUBLISH ----------------------------------------------------------------------------- */

static bool differ(uint64_t a, uint64_t b)
{
    return a != 0 && b != 0 && a != b; /* who has no serial is not told apart */
}

/* Its end was read by the device. */
static void settle(struct world_flight *f, struct world_flight_message *m)
{
    uint32_t at = m->done_at;
    remove_at(f, (uint32_t)(m - f->message));
    if (at != UNPROVABLE)
        world_flight_digest(f, at);
}

/* The device holds at most IOT_MQTT_OUT_MAX: when one more comes, the one that was answered first has
 * been read. */
static void make_room(struct world_flight *f)
{
    struct world_flight_message *first = NULL;
    if (f->count < IOT_MQTT_OUT_MAX)
        return;
    for (uint32_t i = 0; i < f->count; i++) {
        struct world_flight_message *m = &f->message[i];
        if (m->done_at != 0 && (first == NULL || m->done_at < first->done_at))
            first = m;
    }
    if (first != NULL) {
        settle(f, first);
        return;
    }
    world_violation("lint %s: more messages in flight than the device can hold", f->name);
    remove_at(f, 0);
}

/* A new message goes out: those before it that did not have to be sent again are gone. */
static void purge(struct world_flight *f)
{
    for (uint32_t i = f->count; i-- > 0;) {
        const struct world_flight_message *m = &f->message[i];
        if (!m->here && !m->rel_here && (!m->whole || (m->may_be & AS_DONE)))
            remove_at(f, i);
    }
}

static struct world_flight_message *add(struct world_flight *f, const struct world_packet *p)
{
    make_room(f);
    struct world_flight_message *m = &f->message[f->count++];
    memset(m, 0, sizeof *m);
    m->serial = p->serial;
    m->order = ++f->orders;
    m->id = p->id;
    m->qos = p->qos;
    m->may_be = AS_SENT;
    return m;
}

static bool carried(const struct world_flight *f, uint64_t serial)
{
    uint32_t n = f->recent_count < WORLD_RECENT_MAX ? f->recent_count : WORLD_RECENT_MAX;
    for (uint32_t i = 0; i < n; i++)
        if (f->recent[i] == serial)
            return true;
    return false;
}

static void carry(struct world_flight *f, uint64_t serial)
{
    if (serial == 0)
        return;
    if (carried(f, serial))
        world_violation("lint %s: MQTT-4.4.0-1: message %016" PRIx64
                        " was sent twice on one connection",
                        f->name, serial);
    f->recent[f->recent_count++ % WORLD_RECENT_MAX] = serial;
}

/* A new message may rely on it that what is older was sent before. Reported once. */
static void expect_resent(struct world_flight *f)
{
    for (uint32_t i = 0; f->resumed && i < f->count; i++) {
        const struct world_flight_message *m = &f->message[i];
        if (!m->whole || m->here || m->rel_here || (m->may_be & AS_DONE))
            continue;
        world_violation("lint %s: MQTT-4.4.0-1: a new message before the resend of id %u", f->name,
                        m->id);
        f->resumed = false;
    }
}

static void publish_new(struct world_flight *f, const struct world_packet *p)
{
    expect_resent(f);
    purge(f);
    carry(f, p->serial);
    if (p->qos == 0)
        return;
    if (p->dup)
        world_violation("lint %s: MQTT-3.3.1-1: id %u is sent first, and with DUP", f->name, p->id);
    if (find_asked(f, p->id) < f->asked_count)
        world_violation("lint %s: MQTT-2.3.1-2: PUBLISH takes id %u of an unanswered request",
                        f->name, p->id);
    struct world_flight_message *m = add(f, p);
    m->whole = m->here = true;
    f->last_order = m->order;
}

static void publish_again(struct world_flight *f, struct world_flight_message *m,
                          const struct world_packet *p)
{
    if (differ(m->serial, p->serial))
        world_violation("lint %s: MQTT-4.4.0-1: id %u is resent with another message", f->name,
                        p->id);
    else
        carry(f, p->serial);
    if (!(m->may_be & AS_SENT))
        world_violation("lint %s: MQTT-4.3.3-1: PUBLISH of id %u after its PUBREC", f->name, p->id);
    if (m->whole && !p->dup)
        world_violation("lint %s: MQTT-3.3.1-1: resent id %u without DUP", f->name, p->id);
    if (m->order < f->last_order)
        world_violation("lint %s: MQTT-4.6.0-1: id %u is resent behind a later one", f->name,
                        p->id);
    else
        f->last_order = m->order;
    /* An answer of this connection may still be read; those of the last one were not. */
    m->may_be = m->done_at != 0 ? AS_SENT | AS_DONE : AS_SENT;
    m->whole = m->here = true;
}

void world_flight_publish(struct world_flight *f, const struct world_packet *p)
{
    struct world_flight_message *m = p->qos == 0 ? NULL : find(f, p->id);
    bool other = m != NULL && differ(m->serial, p->serial);
    bool same = m != NULL && m->serial != 0 && m->serial == p->serial;

    if (m != NULL && (m->may_be & AS_DONE) && (m->here || other || (!same && !p->dup))) {
        settle(f, m); /* that the id serves again proves it */
        m = NULL;
    } else if (other && !m->whole && !p->dup) {
        remove_at(f, (uint32_t)(m - f->message)); /* dropped, or ended for good */
        m = NULL;
    }
    if (m == NULL) {
        publish_new(f, p);
    } else if (other && !p->dup) {
        world_violation("lint %s: MQTT-2.3.1-2: PUBLISH takes id %u of a message in flight",
                        f->name, p->id);
    } else if (m->here) {
        world_violation("lint %s: MQTT-4.4.0-1: id %u is resent on a living connection", f->name,
                        p->id);
    } else {
        publish_again(f, m, p);
    }
}

void world_flight_torn(struct world_flight *f, const struct world_packet *p)
{
    if (p->qos == 0 || find(f, p->id) != NULL)
        return;
    purge(f);
    add(f, p);
}

/* ---- Requests, PUBREL --------------------------------------------------------------------- */

void world_flight_ask(struct world_flight *f, uint8_t type, uint16_t id)
{
    const struct world_flight_message *m = find(f, id);
    if ((m != NULL && m->whole && !(m->may_be & AS_DONE)) || find_asked(f, id) < f->asked_count)
        world_violation("lint %s: MQTT-2.3.1-2: %s takes id %u, which is in flight", f->name,
                        type == WORLD_SUBSCRIBE ? "SUBSCRIBE" : "UNSUBSCRIBE", id);
    if (f->asked_count == WORLD_ASKED_MAX)
        memmove(f->asked, f->asked + 1, --f->asked_count * sizeof f->asked[0]);
    f->asked[f->asked_count].id = id;
    f->asked[f->asked_count++].type = type;
}

/* The first of the stray PUBRECs with this id, or 0. */
static uint64_t take_stray(struct world_flight *f, uint16_t id)
{
    uint32_t n = f->stray_count < WORLD_STRAY_MAX ? f->stray_count : WORLD_STRAY_MAX, first = n;
    for (uint32_t i = 0; i < n; i++)
        if (f->stray[i].id == id && (first == n || f->stray[i].order < f->stray[first].order))
            first = i;
    if (first == n)
        return 0;
    f->stray[first].id = 0;
    return f->stray[first].order;
}

void world_flight_released(struct world_flight *f, uint16_t id)
{
    struct world_flight_message *m = find(f, id);
    if (m == NULL || m->qos != 2)
        return;
    m->may_be = AS_REC;
    m->rel_here = true;
}

void world_flight_pubrel(struct world_flight *f, uint16_t id)
{
    struct world_flight_message *m = find(f, id);
    uint64_t order;

    if (m != NULL && (m->may_be & AS_REC) && !m->rel_here) {
        order = m->rec_order;
        m->may_be &= (uint8_t)~AS_SENT;
        m->rel_here = true;
        world_flight_digest(f, m->rec_at);
    } else {
        order = take_stray(f, id);
        if (order != 0 && m != NULL && m->qos == 2 && m->here) {
            m->may_be = AS_REC; /* PUBREC came too early, and was read behind the resend */
            m->rel_here = true;
        }
    }
    if (order == 0 && f->foreign && (m == NULL || !m->whole))
        return; /* it clears the id for a new message */
    if (order == 0)
        world_violation("lint %s: MQTT-4.3.3-1: PUBREL of id %u, and no PUBREC asks for it",
                        f->name, id);
    else if (order < f->last_rec)
        world_violation("lint %s: MQTT-4.6.0-4: PUBREL of id %u behind that of a later PUBREC",
                        f->name, id);
    else
        f->last_rec = order;
}

struct world_flight_message *world_flight_owed(struct world_flight *f, bool *proven)
{
    struct world_flight_message *first = NULL;
    for (uint32_t i = 0; i < f->count; i++) {
        struct world_flight_message *m = &f->message[i];
        /* Of an earlier connection it is owed only when the session goes on, and PUBLISH is not an
         * answer as good. */
        bool owed = m->rec_at != 0 || (f->resumed && m->whole && m->may_be == AS_REC);
        if ((m->may_be & AS_REC) && !(m->may_be & AS_DONE) && owed && !m->rel_here &&
            (first == NULL || m->rec_order < first->rec_order))
            first = m;
    }
    *proven = first != NULL && first->rec_at <= f->digested;
    return first;
}

void world_flight_overtake(struct world_flight *f)
{
    bool proven;
    struct world_flight_message *m = world_flight_owed(f, &proven);
    if (m != NULL && proven && m->rec_at != 0 && ++m->overtook == 2)
        world_violation("lint %s: two messages overtook the PUBREL of id %u", f->name, m->id);
}
