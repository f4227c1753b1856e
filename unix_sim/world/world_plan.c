/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_plan.h"

#include "world/world_dns.h"
#include "world/world_lwip.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "lwip/memp.h"

#include <string.h>

#define AIM_MS   600000u /* so long a stand is waited for */
#define GRACE_MS 2000u   /* after a fault that hinders a device: it needs a moment to catch up */

const char *const world_fault_names[WORLD_FAULTS] = {
#define FAULT_NAME(name, who, low, high) #name,
    WORLD_FAULT_LIST(FAULT_NAME)
#undef FAULT_NAME
};

enum whom { ALL, ONE };
static const struct {
    enum whom whom;
    uint32_t low, high;
} kinds[WORLD_FAULTS] = {
#define FAULT_KIND(name, who, low, high) {who, low, high},
    WORLD_FAULT_LIST(FAULT_KIND)
#undef FAULT_KIND
};

/* ---- Helpers ------------------------------------------------------------------------------- */

static uint32_t below(struct world_plan *p, uint32_t n)
{
    return world_chance_below(&p->chance, n);
}

static uint32_t between(struct world_plan *p, uint32_t low, uint32_t high)
{
    return world_chance_between(&p->chance, low, high);
}

static void excuse(struct world_life *l, uint64_t until)
{
    if (l->excused < until + GRACE_MS)
        l->excused = until + GRACE_MS;
    world_lint_excuse(&l->lint, until + GRACE_MS);
}

static void excuse_all(struct world_plan *p, uint64_t until)
{
    for (uint32_t i = 0; i < p->town->count; i++)
        excuse(&p->town->lives[i], until);
}

static void hint_all(struct world_plan *p, enum iot_network_change change)
{
    for (uint32_t i = 0; i < p->town->count; i++)
        world_life_hint(&p->town->lives[i], change);
}

static void both(uint32_t *up, uint32_t *down, uint32_t value)
{
    *up = *down = value;
}

static const char *id_of(struct world_plan *p, const struct world_life *l)
{
    return world_town_id(p->town, l);
}

/* Drawn one after the other: the order of a call's arguments is the compiler's, and the run would be. */
static bool close_for_a_while(struct world_plan *p, struct world_life *l)
{
    uint32_t pause_ms = below(p, 120000);
    uint32_t drain_ms = below(p, 3) == 0 ? 0 : below(p, 20000);
    return world_life_close(l, drain_ms, pause_ms);
}

static void attack(struct world_plan *p, struct world_life *l)
{
    int kind = 1 + (int)below(p, (uint32_t)world_rude_count - 1);
    const char *id = id_of(p, l);
    if (id == NULL || !world_rude_attack(world_server_rude(), id, kind, world_ms()))
        world_rude_arm(world_server_rude(), kind);
    world_trace("plan: rude is %s", world_rude_rows[kind].name);
}

static void hint_of_any_kind(struct world_plan *p, struct world_life *l)
{
    static const enum iot_network_change changes[] = {IOT_NETWORK_UP, IOT_NETWORK_DOWN,
                                                      IOT_NETWORK_CHANGED};
    world_life_hint(l, changes[below(p, 3)]);
}

static void new_address(struct world_plan *p)
{
    p->address = (uint8_t)(p->address >= 200 ? 2 : p->address + 1);
    world_wire_address(p->address);
}

/* ---- Begin and end ------------------------------------------------------------------------- */

/* False: it hit nothing. */
static bool begin(struct world_plan *p, enum world_fault fault, struct world_life *l,
                  uint64_t until)
{
    struct world_lane *up = world_lane(WORLD_UP), *down = world_lane(WORLD_DOWN);
    uint64_t now = world_ms();
    switch (fault) {
    case WORLD_FAULT_loss:
        both(&up->loss, &down->loss, between(p, 10000, 400000));
        break;
    case WORLD_FAULT_duplicate:
        both(&up->duplicate, &down->duplicate, between(p, 10000, 500000));
        break;
    case WORLD_FAULT_reorder:
        both(&up->reorder, &down->reorder, between(p, 10000, 500000));
        break;
    case WORLD_FAULT_delay:
        both(&up->delay_ms, &down->delay_ms, between(p, 200, 4000));
        both(&up->jitter_ms, &down->jitter_ms, below(p, 2000));
        break;
    case WORLD_FAULT_corrupt:
        both(&up->corrupt, &down->corrupt, between(p, 10000, 300000));
        break;
    case WORLD_FAULT_slow:
        both(&up->rate_bps, &down->rate_bps, between(p, 2400, 60000));
        break;
    case WORLD_FAULT_cut_up:
        up->cut = true;
        break;
    case WORLD_FAULT_cut_down:
        down->cut = true;
        break;
    case WORLD_FAULT_cut_both:
        up->cut = down->cut = true;
        break;
    case WORLD_FAULT_link:
        world_wire_link(false);
        break;
    case WORLD_FAULT_link_hint:
        world_wire_link(false);
        hint_all(p, IOT_NETWORK_DOWN);
        break;
    case WORLD_FAULT_admin:
        world_wire_admin(false);
        break;
    case WORLD_FAULT_address:
        new_address(p);
        break;
    case WORLD_FAULT_address_hint:
        new_address(p);
        hint_all(p, IOT_NETWORK_CHANGED);
        break;
    case WORLD_FAULT_hint:
        hint_of_any_kind(p, l);
        break;
    case WORLD_FAULT_dns_slow:
        world_dns_mode(WORLD_DNS_SLOW, between(p, 500, 15000));
        break;
    case WORLD_FAULT_dns_wrong:
        world_dns_mode(WORLD_DNS_WRONG, 0);
        break;
    case WORLD_FAULT_dns_unknown:
        world_dns_mode(WORLD_DNS_UNKNOWN, 0);
        break;
    case WORLD_FAULT_dns_failure:
        world_dns_mode(WORLD_DNS_FAILURE, 0);
        break;
    case WORLD_FAULT_dns_silent:
        world_dns_mode(WORLD_DNS_SILENT, 0);
        break;
    case WORLD_FAULT_famine:
        world_famine_set(between(p, 1000, 500000));
        excuse_all(p, until);
        break;
    case WORLD_FAULT_famine_nth:
        world_famine_nth(1 + below(p, 12));
        excuse_all(p, now);
        break;
    case WORLD_FAULT_no_pbufs:
        world_famine_pool(MEMP_PBUF_POOL, true);
        excuse_all(p, until);
        break;
    case WORLD_FAULT_no_segments:
        world_famine_pool(MEMP_TCP_SEG, true);
        excuse_all(p, until);
        break;
    case WORLD_FAULT_no_heap:
        world_famine_pool(-1, true);
        excuse_all(p, until);
        break;
    case WORLD_FAULT_sleep:
        l->asleep = until;
        excuse(l, until);
        break;
    case WORLD_FAULT_freeze: {
        uint64_t ms = between(p, 100, 120000);
        excuse_all(p, now + ms);
        world_loop_freeze(ms);
        break;
    }
    case WORLD_FAULT_broker_restart:
        world_server_restart(between(p, 10, 60000), true, now);
        break;
    case WORLD_FAULT_broker_forgets:
        world_server_restart(between(p, 10, 60000), false, now);
        break;
    case WORLD_FAULT_session_lost: {
        const char *id = id_of(p, l);
        if (id == NULL)
            return false;
        world_broker_forget(&p->town->broker, id, now);
        break;
    }
    case WORLD_FAULT_broker_shut:
        world_server_mode(WORLD_SERVER_SHUT);
        break;
    case WORLD_FAULT_broker_hung:
        world_server_mode(WORLD_SERVER_HUNG);
        break;
    case WORLD_FAULT_kick: {
        const char *id = id_of(p, l);
        enum world_end how = below(p, 2) ? WORLD_END_FIN : WORLD_END_RESET;
        if (id == NULL || !world_broker_kick(&p->town->broker, id, how, now))
            return false;
        break;
    }
    case WORLD_FAULT_slow_acks:
        world_server_ack_delay(between(p, 50, 8000));
        break;
    case WORLD_FAULT_rude:
        attack(p, l);
        break;
    case WORLD_FAULT_decline:
        l->declines = until;
        break;
    case WORLD_FAULT_close:
        return close_for_a_while(p, l);
    case WORLD_FAULT_power:
        if (!l->powered)
            return false;
        world_life_power_cut(l, between(p, 1, 60000));
        break;
    case WORLD_FAULT_kv_slow:
        l->board.kv_again = 1 + below(p, 40);
        break;
    case WORLD_FAULT_kv_broken:
        l->board.kv_broken = true;
        break;
    case WORLD_FAULT_kv_cut:
        l->board.kv_cut = 1 + below(p, 4);
        break;
    case WORLD_FAULT_random_slow:
        l->board.random_again = 1 + below(p, 300);
        break;
    case WORLD_FAULTS:
        break;
    }
    return true;
}

static void end(struct world_plan *p, enum world_fault fault, struct world_life *l)
{
    struct world_lane *up = world_lane(WORLD_UP), *down = world_lane(WORLD_DOWN);
    switch (fault) {
    case WORLD_FAULT_loss:
        both(&up->loss, &down->loss, 0);
        break;
    case WORLD_FAULT_duplicate:
        both(&up->duplicate, &down->duplicate, 0);
        break;
    case WORLD_FAULT_reorder:
        both(&up->reorder, &down->reorder, 0);
        break;
    case WORLD_FAULT_delay:
        both(&up->delay_ms, &down->delay_ms, 5 + below(p, 80));
        both(&up->jitter_ms, &down->jitter_ms, 0);
        break;
    case WORLD_FAULT_corrupt:
        both(&up->corrupt, &down->corrupt, 0);
        break;
    case WORLD_FAULT_slow:
        both(&up->rate_bps, &down->rate_bps, 0);
        break;
    case WORLD_FAULT_cut_up:
    case WORLD_FAULT_cut_down:
    case WORLD_FAULT_cut_both:
        up->cut = down->cut = false;
        break;
    case WORLD_FAULT_link:
        world_wire_link(true);
        break;
    case WORLD_FAULT_link_hint:
        world_wire_link(true);
        hint_all(p, IOT_NETWORK_UP);
        break;
    case WORLD_FAULT_admin:
        world_wire_admin(true);
        break;
    case WORLD_FAULT_dns_slow:
    case WORLD_FAULT_dns_wrong:
    case WORLD_FAULT_dns_unknown:
    case WORLD_FAULT_dns_failure:
    case WORLD_FAULT_dns_silent:
        world_dns_mode(WORLD_DNS_GOOD, 0);
        break;
    case WORLD_FAULT_famine:
    case WORLD_FAULT_no_pbufs:
    case WORLD_FAULT_no_segments:
    case WORLD_FAULT_no_heap:
        world_famine_end();
        world_famine_pool(MEMP_PBUF_POOL, false);
        world_famine_pool(MEMP_TCP_SEG, false);
        world_famine_pool(-1, false);
        break;
    case WORLD_FAULT_broker_shut:
    case WORLD_FAULT_broker_hung:
        world_server_mode(WORLD_SERVER_OPEN);
        break;
    case WORLD_FAULT_slow_acks:
        world_server_ack_delay(0);
        break;
    case WORLD_FAULT_kv_broken:
        l->board.kv_broken = false;
        break;
    case WORLD_FAULT_address:
    case WORLD_FAULT_address_hint:
    case WORLD_FAULT_hint:
    case WORLD_FAULT_famine_nth:
    case WORLD_FAULT_sleep:
    case WORLD_FAULT_freeze:
    case WORLD_FAULT_broker_restart:
    case WORLD_FAULT_broker_forgets:
    case WORLD_FAULT_session_lost:
    case WORLD_FAULT_kick:
    case WORLD_FAULT_rude:
    case WORLD_FAULT_decline:
    case WORLD_FAULT_close:
    case WORLD_FAULT_power:
    case WORLD_FAULT_kv_slow:
    case WORLD_FAULT_kv_cut:
    case WORLD_FAULT_random_slow:
    case WORLD_FAULTS:
        break;
    }
    world_trace("plan: %s is over", world_fault_names[fault]);
    world_loop_stir_all();
}

void world_plan_strike(struct world_plan *p, enum world_fault fault, struct world_life *l,
                       uint64_t for_ms)
{
    uint64_t until = world_ms() + for_ms;
    world_trace("plan: %s for %u ms, %s is in %s", world_fault_names[fault], (unsigned)for_ms,
                l->name, world_stand_names[world_life_stand(l)]);
    enum world_stand stands[WORLD_TOWN_MAX];
    for (uint32_t i = 0; i < p->town->count; i++)
        stands[i] = world_life_stand(&p->town->lives[i]);
    for (uint32_t i = 0; i < WORLD_FAULTS_AT_ONCE && kinds[fault].high != 0; i++) {
        if (p->ongoing[i].until != WORLD_NEVER)
            continue;
        p->ongoing[i] = (struct world_ongoing){until, fault, l};
        break;
    }
    world_loop_stir_all();
    if (!begin(p, fault, l, until))
        return;
    p->strikes++;
    for (uint32_t i = 0; i < p->town->count; i++)
        if (&p->town->lives[i] == l || kinds[fault].whom == ALL)
            p->hits[fault][stands[i]]++;
}

bool world_plan_can_hit(enum world_fault fault, enum world_stand stand)
{
    return fault != WORLD_FAULT_close || (stand != WORLD_STAND_CLOSE && stand != WORLD_STAND_OFF);
}

/* ---- Aim ----------------------------------------------------------------------------------- */

static bool has_free_place(const struct world_plan *p)
{
    for (uint32_t i = 0; i < WORLD_FAULTS_AT_ONCE; i++)
        if (p->ongoing[i].until == WORLD_NEVER)
            return true;
    return false;
}

/* Some stands are rare: bring one about. */
static void provoke(struct world_plan *p, struct world_life *l)
{
    const char *id = id_of(p, l);
    uint32_t pause_ms;
    switch (p->stand) {
    case WORLD_STAND_WAIT:
    case WORLD_STAND_RESOLVE:
    case WORLD_STAND_TCP:
    case WORLD_STAND_LOGIN:
        if (l->up && id != NULL)
            world_broker_kick(&p->town->broker, id, WORLD_END_RESET, world_ms());
        break;
    case WORLD_STAND_DECLINE:
        l->declines = world_ms() + 3000;
        break;
    case WORLD_STAND_CLOSE:
    case WORLD_STAND_OFF:
        pause_ms = 5000 + below(p, 60000);
        (void)world_life_close(l, below(p, 5000), pause_ms);
        break;
    case WORLD_STAND_UP:
    case WORLD_STAND_FLIGHT:
    case WORLD_STANDS:
        break;
    }
}

static void aim(struct world_plan *p, uint64_t now)
{
    p->fault = (enum world_fault)below(p, WORLD_FAULTS);
    p->stand = (enum world_stand)below(p, WORLD_STANDS);
    p->life = &p->town->lives[below(p, p->town->count)];
    p->give_up_at = now + AIM_MS;
    p->aimed = true;
    provoke(p, p->life);
    world_loop_stir_all();
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t tick(void *ctx, uint64_t now)
{
    struct world_plan *p = ctx;
    uint64_t next = WORLD_NEVER;
    for (uint32_t i = 0; i < WORLD_FAULTS_AT_ONCE; i++) {
        struct world_ongoing *o = &p->ongoing[i];
        if (o->until <= now) {
            enum world_fault fault = o->fault;
            o->until = WORLD_NEVER;
            end(p, fault, o->life);
        }
        next = earlier(next, o->until);
    }
    if (!p->on)
        return next;
    if (!p->aimed && now >= p->next_at)
        aim(p, now);
    if (!p->aimed)
        return earlier(next, p->next_at);
    if ((world_life_stand(p->life) == p->stand || now >= p->give_up_at) &&
        (kinds[p->fault].high == 0 || has_free_place(p))) {
        p->aimed = false;
        p->next_at = now + between(p, p->between_ms / 4, p->between_ms * 2);
        world_plan_strike(p, p->fault, p->life,
                          between(p, kinds[p->fault].low, kinds[p->fault].high));
        return now;
    }
    return now >= p->give_up_at ? next : earlier(next, p->give_up_at);
}

void world_plan_start(struct world_plan *p, struct world_town *t, uint64_t seed,
                      uint32_t between_ms)
{
    memset(p, 0, sizeof *p);
    p->town = t;
    p->between_ms = between_ms;
    p->address = WORLD_DEVICE_FIRST;
    world_chance_seed(&p->chance, seed, WORLD_STREAM_PLAN);
    for (uint32_t i = 0; i < WORLD_FAULTS_AT_ONCE; i++)
        p->ongoing[i].until = WORLD_NEVER;
    p->actor.tick = tick;
    p->actor.ctx = p;
    p->actor.attention = WORLD_BUSY_TURN;
    world_loop_add(&p->actor);
    world_plan_go_on(p);
}

void world_plan_calm(struct world_plan *p)
{
    for (uint32_t i = 0; i < WORLD_FAULTS_AT_ONCE; i++) {
        if (p->ongoing[i].until != WORLD_NEVER)
            end(p, p->ongoing[i].fault, p->ongoing[i].life);
        p->ongoing[i].until = WORLD_NEVER;
    }
    p->on = p->aimed = false;
    world_famine_end();
    world_rude_arm(world_server_rude(), 0);
    for (uint32_t i = 0; i < p->town->count; i++) {
        struct world_life *l = &p->town->lives[i];
        l->asleep = l->declines = 0;
        l->board.kv_again = l->board.kv_cut = l->board.random_again = 0;
    }
}

void world_plan_go_on(struct world_plan *p)
{
    p->on = true;
    p->next_at = world_ms() + between(p, p->between_ms / 4, p->between_ms * 2);
}
