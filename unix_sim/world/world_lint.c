/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_lint.h"

#include "world/world_trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* More than a device can have taken and not answered: its TCP window and its own, in the smallest
 * packets that want an answer. */
#define OWED_MAX 8192u
#define HELD_MAX (sizeof((struct world_lint *)0)->held / sizeof((struct world_lint *)0)->held[0])

void world_lint_init(struct world_lint *l, const char *name, uint16_t keepalive_s, bool clean,
                     const struct world_lint_app *app)
{
    memset(l, 0, sizeof *l);
    l->name = name;
    l->app = *app;
    l->patience_ms = WORLD_LINT_PATIENCE_MS;
    l->keepalive_s = keepalive_s;
    l->clean = clean;
    world_flight_init(&l->flight, name);
    l->flight.foreign = true;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- What is owed ------------------------------------------------------------------------ */

static struct world_owed *owed_at(struct world_lint *l, uint32_t i)
{
    return &l->owed[(l->owed_first + i) % l->owed_cap];
}

static bool grow(struct world_lint *l)
{
    uint32_t cap = l->owed_cap == 0 ? 16 : 2 * l->owed_cap;
    struct world_owed *more = cap <= OWED_MAX ? malloc(cap * sizeof *more) : NULL;
    if (more == NULL)
        return false;
    for (uint32_t i = 0; i < l->owed_count; i++)
        more[i] = *owed_at(l, i);
    free(l->owed);
    l->owed = more;
    l->owed_cap = cap;
    l->owed_first = 0;
    return true;
}

static void drop_paid(struct world_lint *l)
{
    while (l->owed_count != 0 && owed_at(l, 0)->paid) {
        l->owed_first = (l->owed_first + 1) % l->owed_cap;
        l->owed_count--;
    }
}

/* Among those that are not paid; NULL: none. `id` 0: any. */
static struct world_owed *find_owed(struct world_lint *l, uint8_t type, uint16_t id)
{
    for (uint32_t i = 0; i < l->owed_count; i++) {
        struct world_owed *o = owed_at(l, i);
        if (!o->paid && o->type == type && (id == 0 || o->id == id))
            return o;
    }
    return NULL;
}

static bool is_held(const struct world_lint *l, uint16_t id)
{
    for (uint32_t i = 0; i < l->held_count; i++)
        if (l->held[i] == id)
            return true;
    return false;
}

static void release(struct world_lint *l, uint16_t id)
{
    for (uint32_t i = l->held_count; i-- > 0;)
        if (l->held[i] == id)
            l->held[i] = l->held[--l->held_count];
}

/* Has the id been heard already, with no PUBREL since? */
static bool is_known(struct world_lint *l, uint16_t id)
{
    for (uint32_t i = l->owed_count; i-- > 0;) {
        const struct world_owed *o = owed_at(l, i);
        if (!o->paid && o->id == id && (o->type == WORLD_PUBREC || o->type == WORLD_PUBCOMP))
            return o->type == WORLD_PUBREC;
    }
    return is_held(l, id);
}

static bool accepted(const struct world_lint *l, const struct world_owed *o)
{
    return l->app.accepted(l->app.ctx, o->serial, o->type == WORLD_PUBREC ? 2 : 1);
}

static bool repeats(struct world_lint *l, const struct world_owed *o)
{
    for (uint32_t i = 0; i < l->owed_count; i++)
        if (!owed_at(l, i)->paid && owed_at(l, i)->serial == o->serial)
            return true;
    return accepted(l, o);
}

static void owe(struct world_lint *l, uint8_t type, const struct world_packet *p, uint64_t now)
{
    struct world_owed o = {
        .serial = p->serial, .since = now, .at = l->heard_count, .id = p->id, .type = type};
    o.known = type == WORLD_PUBREC && (l->unaware || is_known(l, p->id));
    o.telling = o.serial != 0 && !o.known && p->bytes <= IOT_MQTT_RX_BYTES && !repeats(l, &o);
    if (l->owed_count == l->owed_cap && !grow(l)) {
        world_violation("lint %s: more answers owed than one window can ask for", l->name);
        return;
    }
    l->owed_count++;
    *owed_at(l, l->owed_count - 1) = o;
}

/* What the application has taken proves that all before it were read: packets are read in their order, but
 * for answers behind a message that the application declines. */
static void prove(struct world_lint *l, uint64_t now)
{
    uint32_t i = 0;
    for (; i < l->owed_count; i++) {
        const struct world_owed *o = owed_at(l, i);
        if (o->paid || !o->telling)
            continue;
        if (!o->proven && !accepted(l, o))
            break;
        l->read = l->read > o->at ? l->read : o->at;
    }
    world_flight_digest(&l->flight, l->read);
    for (i = 0; i < l->owed_count && owed_at(l, i)->at <= l->read; i++) {
        struct world_owed *o = owed_at(l, i);
        if (!o->proven) {
            o->proven = true;
            o->since = now;
        }
    }
}

static void pay(struct world_lint *l, uint8_t type, uint16_t id)
{
    struct world_owed *first = find_owed(l, type, 0);
    struct world_owed *o = find_owed(l, type, id);

    if (o == NULL) {
        if (!l->deaf)
            world_violation("lint %s: MQTT-2.3.1-6: %s of id %u, and nothing asks for it", l->name,
                            world_packet_name(type), id);
        return;
    }
    if (o != first && !l->gave_up)
        world_violation("lint %s: %s of id %u before that of id %u, which came first", l->name,
                        type == WORLD_PUBACK   ? "MQTT-4.6.0-2: PUBACK"
                        : type == WORLD_PUBREC ? "MQTT-4.6.0-3: PUBREC"
                                               : "(promise): PUBCOMP",
                        id, first->id);
    if (o->serial != 0 && !o->known && !accepted(l, o))
        world_violation("lint %s: MQTT-4.3.2-2: %s of id %u before the application took "
                        "message %016" PRIx64,
                        l->name, world_packet_name(type), id, o->serial);
    o->paid = true;
    l->read = l->read > o->at ? l->read : o->at;
    world_flight_digest(&l->flight, l->read);
    if (type == WORLD_PUBCOMP)
        release(l, id);
    if (type == WORLD_PUBREC && !is_known(l, id) && l->held_count < HELD_MAX &&
        find_owed(l, WORLD_PUBCOMP, id) == NULL)
        l->held[l->held_count++] = id;
    drop_paid(l);
}

/* ---- Time -------------------------------------------------------------------------------- */

static bool bound(const struct world_lint *l)
{
    return l->open && !l->deaf && !l->dumb && !l->bye && !l->refused;
}

static void check_keepalive(struct world_lint *l, uint64_t now)
{
    if (l->keepalive_s == 0 || !l->up || !bound(l) || l->silent)
        return;
    uint64_t by = l->last_end + l->keepalive_s * 1000u;
    by = later(by, later(l->up_at, l->excused) + l->patience_ms);
    if (now <= by)
        return;
    l->silent = true;
    world_violation("lint %s: MQTT-3.1.2-23: no packet for %" PRIu64 " ms, the keep-alive is %u s",
                    l->name, now - l->last_end, l->keepalive_s);
}

/* Since when an answer could have been given that was heard at `since`. */
static uint64_t excused(const struct world_lint *l, uint64_t since, bool proven, uint64_t now)
{
    since = later(since, l->excused);
    return proven ? since : later(since, l->declines ? now : l->declined);
}

static void check_late(struct world_lint *l, uint64_t now)
{
    if (!bound(l))
        return;
    if (!l->asked && !l->late && now > later(l->opened_at, l->excused) + l->patience_ms) {
        l->late = true;
        world_violation("lint %s: CONNECT is late", l->name);
    }
    prove(l, now);
    if (l->owed_count != 0 && !l->gave_up) {
        struct world_owed *o = owed_at(l, 0);
        uint64_t since = excused(l, o->since, o->proven, now);
        if (!o->late && now > since + l->patience_ms) {
            o->late = true;
            world_violation("lint %s: control packet late: %s of id %u", l->name,
                            world_packet_name(o->type), o->id);
        }
    }
    bool proven;
    struct world_flight_message *m = world_flight_owed(&l->flight, &proven);
    if (m != NULL && l->applied && !m->late &&
        now > excused(l, m->rec_since, proven, now) + l->patience_ms) {
        m->late = true;
        world_violation("lint %s: control packet late: PUBREL of id %u", l->name, m->id);
    }
}

void world_lint_tick(struct world_lint *l, uint64_t now)
{
    check_keepalive(l, now);
    check_late(l, now);
}

void world_lint_excuse(struct world_lint *l, uint64_t until)
{
    l->excused = later(l->excused, until);
}

void world_lint_declines(struct world_lint *l, bool declines, uint64_t now)
{
    if (l->declines)
        l->declined = now;
    l->declines = declines;
}

void world_lint_gives_up(struct world_lint *l)
{
    l->gave_up = true;
}

/* ---- Sent -------------------------------------------------------------------------------- */

/* The device has read CONNACK: it sends something. */
static void apply_connack(struct world_lint *l)
{
    l->applied = true;
    if (l->session_present) {
        world_flight_resume(&l->flight, l->up_at);
        return;
    }
    world_flight_forget(&l->flight);
    l->flight.foreign = false;
    l->held_count = 0;
    l->unaware = false;
}

static void on_begin(struct world_lint *l, uint8_t type, uint64_t now)
{
    if (l->bye)
        world_violation("lint %s: MQTT-3.14.4-2: %s after DISCONNECT", l->name,
                        world_packet_name(type));
    if (!l->asked) {
        if (type != WORLD_CONNECT)
            world_violation("lint %s: MQTT-3.1.0-1: %s before CONNECT", l->name,
                            world_packet_name(type));
        return;
    }
    if (l->refused)
        world_violation("lint %s: MQTT-3.1.4-5: %s after a refusing CONNACK", l->name,
                        world_packet_name(type));
    else if (!l->up && type != WORLD_CONNECT)
        world_violation("lint %s: (promise): %s before CONNACK", l->name, world_packet_name(type));
    if (l->up && !l->applied)
        apply_connack(l);
    if (type != WORLD_PUBLISH || !bound(l))
        return;
    prove(l, now);
    struct world_owed *o = l->owed_count != 0 ? owed_at(l, 0) : NULL;
    if (o != NULL && o->proven && !l->gave_up && ++o->overtook == 2)
        world_violation("lint %s: two messages overtook the %s of id %u", l->name,
                        world_packet_name(o->type), o->id);
    world_flight_overtake(&l->flight);
}

static void on_connect(struct world_lint *l, const struct world_packet *p)
{
    if (l->asked)
        world_violation("lint %s: MQTT-3.1.0-2: a second CONNECT", l->name);
    l->asked = true;
    if (p->clean != l->clean || p->keepalive_s != l->keepalive_s)
        world_violation("lint %s: CONNECT says keep-alive %u s, clean %d; the options are %u s, %d",
                        l->name, p->keepalive_s, p->clean, l->keepalive_s, l->clean);
}

static void on_sent(struct world_lint *l, uint64_t now)
{
    struct world_packet p;
    const char *bad = world_packet_judge(&l->out, &p);

    check_keepalive(l, now);
    l->last_end = now;
    l->silent = false;
    if (bad != NULL) {
        world_violation("lint %s: %s, in %s", l->name, bad, world_packet_name(p.type));
        l->asked |= p.type == WORLD_CONNECT;
        return;
    }
    switch (p.type) {
    case WORLD_CONNECT:
        on_connect(l, &p);
        break;
    case WORLD_PUBLISH:
        world_flight_publish(&l->flight, &p);
        break;
    case WORLD_PUBACK:
    case WORLD_PUBREC:
    case WORLD_PUBCOMP:
        pay(l, p.type, p.id);
        break;
    case WORLD_PUBREL:
        if (l->deaf)
            world_flight_released(&l->flight, p.id);
        else
            world_flight_pubrel(&l->flight, p.id);
        break;
    case WORLD_SUBSCRIBE:
    case WORLD_UNSUBSCRIBE:
        world_flight_ask(&l->flight, p.type, p.id);
        break;
    case WORLD_DISCONNECT:
        l->bye = true;
        break;
    default:
        break;
    }
}

void world_lint_sent(struct world_lint *l, struct iot_bytes bytes, uint64_t now)
{
    enum world_reader_said said;
    if (!l->open)
        world_violation("lint %s: bytes without a connection", l->name);
    while (l->open && (said = world_reader_take(&l->out, &bytes)) != WORLD_READ_MORE) {
        if (said == WORLD_READ_BEGIN) {
            on_begin(l, l->out.first >> 4, now);
        } else if (said == WORLD_READ_PACKET) {
            on_sent(l, now);
        } else {
            l->dumb = true;
            world_violation("lint %s: (2.2.3): five bytes of Remaining Length", l->name);
        }
    }
}

/* ---- Heard ------------------------------------------------------------------------------- */

/* The device will close for this, and owes nothing any more. */
static void go_deaf(struct world_lint *l)
{
    l->deaf = true;
    l->owed_count = 0;
}

static void on_connack(struct world_lint *l, const struct world_packet *p, uint64_t now)
{
    if (p->code != 0 || (p->session_present && l->clean)) {
        l->refused = true;
        return;
    }
    l->up = true;
    l->up_at = now;
    l->session_present = p->session_present;
}

static void on_heard(struct world_lint *l, uint64_t now)
{
    struct world_packet p;
    l->heard_count++;
    if (!world_packet_split(&l->in, &p) || (p.type == WORLD_CONNACK) != !l->up || l->refused) {
        go_deaf(l);
        return;
    }
    switch (p.type) {
    case WORLD_CONNACK:
        on_connack(l, &p, now);
        break;
    case WORLD_PUBLISH:
        if (p.qos != 0)
            owe(l, p.qos == 1 ? WORLD_PUBACK : WORLD_PUBREC, &p, now);
        break;
    case WORLD_PUBREL:
        owe(l, WORLD_PUBCOMP, &p, now);
        break;
    case WORLD_PUBACK:
    case WORLD_PUBREC:
    case WORLD_PUBCOMP:
    case WORLD_SUBACK:
    case WORLD_UNSUBACK:
        world_flight_answer(&l->flight, p.type, p.id, l->heard_count, now);
        break;
    default:
        break;
    }
}

void world_lint_heard(struct world_lint *l, struct iot_bytes bytes, uint64_t now)
{
    enum world_reader_said said;
    while (l->open && !l->deaf && (said = world_reader_take(&l->in, &bytes)) != WORLD_READ_MORE) {
        if (said == WORLD_READ_PACKET)
            on_heard(l, now);
        else if (said == WORLD_READ_GARBLED)
            go_deaf(l);
    }
}

void world_lint_eof(struct world_lint *l)
{
    go_deaf(l);
}

/* ---- Life -------------------------------------------------------------------------------- */

void world_lint_opened(struct world_lint *l, uint64_t now)
{
    if (l->open)
        world_violation("lint %s: a second connection beside the first", l->name);
    world_reader_reset(&l->out);
    world_reader_reset(&l->in);
    l->open = true;
    l->asked = l->up = l->refused = l->bye = l->applied = l->session_present = false;
    l->deaf = l->dumb = l->silent = l->late = l->gave_up = false;
    l->opened_at = l->last_end = now;
    l->heard_count = l->read = 0;
    l->owed_count = 0;
}

void world_lint_closed(struct world_lint *l, uint64_t now)
{
    struct world_packet p;
    if (!l->open)
        return;
    world_lint_tick(l, now);
    if (!l->dumb && l->applied && world_packet_glimpse(&l->out, &p))
        world_flight_torn(&l->flight, &p);
    if (l->clean) {
        world_flight_forget(&l->flight);
        l->held_count = 0;
    } else if (l->up && !l->applied && !l->session_present) {
        world_flight_doubt(&l->flight);
    }
    world_flight_closed(&l->flight);
    l->open = false;
    l->declines = false;
    l->owed_count = 0;
}

void world_lint_rebooted(struct world_lint *l)
{
    world_flight_forget(&l->flight);
    l->flight.foreign = true;
    l->held_count = 0;
    l->unaware = false;
}

void world_lint_session_lost(struct world_lint *l)
{
    l->unaware = !l->clean;
}

void world_lint_finished(struct world_lint *l)
{
    world_flight_forget(&l->flight);
    l->flight.foreign = true;
}

void world_lint_over(struct world_lint *l, uint64_t now)
{
    world_lint_tick(l, now);
    if (bound(l) && l->owed_count != 0 && owed_at(l, 0)->proven)
        world_violation("lint %s: at the end the %s of id %u is still owed", l->name,
                        world_packet_name(owed_at(l, 0)->type), owed_at(l, 0)->id);
    free(l->owed);
    l->owed = NULL;
    l->owed_count = l->owed_cap = 0;
}
