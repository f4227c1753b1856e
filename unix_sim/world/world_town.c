/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_town.h"

#include "world/world_app.h"
#include "world/world_dns.h"
#include "world/world_serial.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX 6000u

/* ---- Who is who ---------------------------------------------------------------------------- */

/* "d007", or "a1World0001.d007|...|". */
struct world_life *world_town_find(struct world_town *t, const char *id)
{
    const char *dot = strstr(id, ".d");
    const char *digits = dot != NULL ? dot + 2 : id + 1;
    if (id[0] == '\0')
        return NULL;
    uint32_t n = (uint32_t)strtoul(digits, NULL, 10);
    return n < t->count ? &t->lives[n] : NULL;
}

const char *world_town_id(const struct world_town *t, const struct world_life *l)
{
    if (!t->platform)
        return world_broker_session(&t->broker, l->name) != NULL ? l->name : NULL;
    for (uint32_t i = 0; i < t->broker.session_count; i++) {
        const char *dot = strstr(t->broker.sessions[i]->id, ".d");
        if (dot != NULL && (uint32_t)strtoul(dot + 2, NULL, 10) == l->number)
            return t->broker.sessions[i]->id;
    }
    return NULL;
}

/* ---- What the broker tells ----------------------------------------------------------------- */

static uint64_t serial_of(const struct world_message *m)
{
    return world_serial_decode(m->payload);
}

static void on_took(void *ctx, const char *id, const struct world_message *m, bool fresh)
{
    struct world_life *l = world_town_find(ctx, id);
    uint64_t serial = serial_of(m);
    if (l == NULL || serial == 0)
        return;
    if (!world_app_is(serial, m->payload, 0))
        world_violation("town: payload of %016llx from %s is not what was sent",
                        (unsigned long long)serial, l->name);
    world_ledger_took(&l->ledger, serial, m->qos, fresh);
}

static void on_queued(void *ctx, const char *id, const struct world_message *m, uint8_t qos)
{
    struct world_life *l = world_town_find(ctx, id);
    uint64_t serial = serial_of(m);
    if (l != NULL && serial != 0)
        world_ledger_queued(&l->ledger, serial, qos, world_ms());
}

static void on_done(void *ctx, const char *id, const struct world_message *m, uint8_t qos)
{
    struct world_life *l = world_town_find(ctx, id);
    uint64_t serial = serial_of(m);
    if (l != NULL && serial != 0 && qos != 0)
        world_ledger_delivered(&l->ledger, serial);
}

static void on_session_lost(void *ctx, const char *id)
{
    struct world_life *l = world_town_find(ctx, id);
    if (l == NULL)
        return;
    world_lint_session_lost(&l->lint);
    world_ledger_session_lost(&l->ledger);
    world_ledger_forgot(&l->ledger);
}

static void on_complain(void *ctx, const char *id, const char *reason)
{
    (void)ctx;
    world_violation("broker: %s breaks the standard: %s", id, reason);
}

static void on_online(void *ctx, const char *id, bool online)
{
    (void)ctx;
    world_trace("broker: %.24s is %s", id, online ? "online" : "offline");
}

static void on_strike(void *ctx, int conn, int kind)
{
    struct world_town *t = ctx;
    const struct world_session *s = t->broker.conns[conn].session;
    struct world_life *l = s != NULL ? world_town_find(t, s->id) : NULL;
    world_trace("broker: %s strikes %s", world_rude_rows[kind].name, l != NULL ? l->name : "?");
}

/* ---- Somebody who writes to the devices ---------------------------------------------------- */

static void write_one(struct world_town *t, uint64_t now)
{
    static uint8_t bytes[PAYLOAD_MAX];
    struct world_life *l = &t->lives[world_chance_below(&t->chance, t->count)];
    uint64_t serial = world_serial(0, 1, ++t->serial);
    bool large = world_chance_hit(&t->chance, t->large);
    uint32_t n = large ? world_chance_between(&t->chance, IOT_MQTT_RX_BYTES, PAYLOAD_MAX)
                       : WORLD_SERIAL_BYTES + world_chance_below(&t->chance, 200);
    char topic[96];
    world_app_down_topic(l, large, serial, topic, sizeof topic);
    world_app_fill(serial, bytes, n);
    struct iot_bytes payload = {bytes, n};
    uint8_t qos = (uint8_t)world_chance_below(&t->chance, l->habit.qos_max + 1u);
    world_broker_publish(&t->broker, topic, payload, qos, false, now);
}

static uint64_t writer_tick(void *ctx, uint64_t now)
{
    struct world_town *t = ctx;
    if (t->write_ms == 0)
        return WORLD_NEVER;
    while (t->next_write <= now) {
        /* sometimes a burst, larger than any window */
        uint32_t n = world_chance_hit(&t->chance, 30000) ? 40 : 1;
        while (n-- > 0)
            write_one(t, now);
        t->next_write =
            now + 1 + world_chance_between(&t->chance, t->write_ms / 8, t->write_ms * 2) / t->count;
    }
    return t->next_write;
}

/* ---- Start --------------------------------------------------------------------------------- */

static void add(struct world_actor *a, uint64_t (*tick)(void *, uint64_t), void *ctx)
{
    a->tick = tick;
    a->ctx = ctx;
    a->attention = WORLD_BUSY_TURN;
    world_loop_add(a);
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    world_trace_aside("cloud: %s", line);
}

void world_town_start(struct world_town *t, uint64_t seed, const struct world_habit *habits,
                      uint32_t count)
{
    struct world_broker_policy policy;
    const struct world_broker_watch watch = {
        .ctx = t,
        .online = on_online,
        .session_lost = on_session_lost,
        .took = on_took,
        .queued = on_queued,
        .done = on_done,
        .complain = on_complain,
    };
    char why[256] = "";
    memset(t, 0, sizeof *t);
    memset(&policy, 0, sizeof policy);
    t->count = count;
    t->platform = habits[0].platform;
    t->next_write = world_ms();
    world_chance_seed(&t->chance, seed, WORLD_STREAM_BROKER);
    t->lives = calloc(count, sizeof *t->lives);
    t->cloud.log = say;
    if (t->lives == NULL ||
        (t->platform && !world_cloud_start(&t->cloud, &t->broker, count, &policy, why, sizeof why)))
        world_violation("town: cannot start: %s", why);
    for (uint32_t i = 0; i < count; i++)
        if (habits[i].product != NULL)
            world_cloud_move(&t->cloud, i, habits[i].product);
    world_broker_init(&t->broker, t->platform ? &policy : NULL, &watch);
    world_server_start(&t->broker);
    world_server_rude()->on_strike = on_strike;
    world_server_rude()->ctx = t;
    add(&t->server_actor, world_server_tick, NULL);
    if (t->platform)
        add(&t->cloud_actor, world_cloud_tick, &t->cloud);
    add(&t->writer_actor, writer_tick, t);
    world_dns_name(WORLD_TOWN_HOST);
    for (uint32_t i = 0; i < count; i++)
        world_life_start(&t->lives[i], seed, i, &habits[i], WORLD_TOWN_HOST);
}

/* ---- How they are -------------------------------------------------------------------------- */

static bool is_well(const struct world_life *l)
{
    const struct world_guest *g = l->habit.guest;
    return l->up && iot_device_idle(&l->dev) && world_ledger_drained(&l->ledger) &&
           (g == NULL || g->is_well == NULL || g->is_well(l));
}

bool world_town_is_well(const struct world_town *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (!is_well(&t->lives[i]))
            return false;
    return true;
}

/* What a device has in its pools, for a reader. */
static void tell_pools(const struct world_life *l)
{
    struct iot_pool_use use;
    for (uint32_t i = 0; iot_device_pool(&l->dev, i, &use); i++)
        if (use.used != 0)
            printf("    %s has %u of %s\n", l->name, use.used, use.name);
}

void world_town_complain(const struct world_town *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct world_life *l = &t->lives[i];
        if (is_well(l))
            continue;
        tell_pools(l);
        world_violation(
            "town: %s is not well: %s, %s idle, %s drained, last loss %s", l->name,
            world_stand_names[world_life_stand(l)], iot_device_idle(&l->dev) ? "is" : "not",
            world_ledger_drained(&l->ledger) ? "is" : "not", iot_err_name(l->last_loss));
    }
}
