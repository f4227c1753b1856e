/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_life.h"

#include "world/world_app.h"
#include "world/world_lwip.h"
#include "world/world_serial.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "mqtt/iot_mqtt_decline.h"

#include "lwip/tcp.h"

#include <stdio.h>
#include <string.h>

#define CLOSE_MS      6000u /* DISCONNECT and the orderly end of TCP, 2 s each, and a tick between */
#define DNS_MS        30000u /* lwIP gives a name request up */
#define ATTEMPT_SLACK 250u
#define STABLE_MS     30000u
#define CHECK_MS      250u
#define NAP_MS        10000u

const char *const world_stand_names[WORLD_STANDS] = {"wait",   "resolve", "tcp",   "login", "up",
                                                     "flight", "decline", "close", "off"};

enum tap_saw { SAW_NOTHING, SAW_RESOLVING, SAW_CONNECTING, SAW_CONNECTED };

/* ---- Events -------------------------------------------------------------------------------- */

/* Attempts that fail one after the other are further and further apart: from the fifth on, their waits are
 * a good part of the ladder's. Waits that do not follow the ladder are left out. */
static void check_ladder(struct world_life *l, const struct iot_event *ev, bool was_up)
{
    bool stable = was_up && world_ms() - l->up_since >= STABLE_MS;
    bool other = ev->err == IOT_ERR_NET_DOWN || ev->err == IOT_ERR_NET_CHANGED ||
                 ev->err == IOT_ERR_MQTT_REFUSED || ev->err == IOT_ERR_MQTT_DECLINED;
    if (stable || other || l->habit.platform) {
        l->rungs = 0;
        return;
    }
    if (++l->rungs < 5)
        return;
    l->waits++;
    l->waited_ms += ev->delay_ms;
    l->ladder_ms += l->rungs > 7 ? 60000 : 1000u << (l->rungs - 1);
}

static uint32_t cap_of(const struct world_life *l)
{
    return l->opt.backoff_cap_ms != 0 ? l->opt.backoff_cap_ms : 60000;
}

static void check_loss(struct world_life *l, const struct iot_event *ev)
{
    uint32_t cap = cap_of(l);
    uint32_t most = l->habit.platform && cap < 450000 ? 450000 : cap;
    if (ev->err == IOT_OK || ev->err == IOT_ERR_ARG || ev->err == IOT_ERR_CONFIG)
        world_violation("life %s: a loss without a reason: %s", l->name, iot_err_name(ev->err));
    if (ev->delay_ms > most)
        world_violation("life %s: it wants to wait %u ms", l->name, ev->delay_ms);
    l->attempt_by = world_ms() + ev->delay_ms + ATTEMPT_SLACK;
    l->not_before = world_ms() + ev->delay_ms;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    struct world_life *l = ctx;
    l->acts++;
    uint64_t now = world_ms();
    (void)dev;
    if (l->habit.guest != NULL && l->habit.guest->event != NULL && l->habit.guest->event(l, ev))
        return;
    switch (ev->kind) {
    case IOT_EV_CONNECTING:
        if (now < l->not_before)
            world_violation("life %s: it connects %u ms before its time", l->name,
                            (unsigned)(l->not_before - now));
        l->not_before = 0;
        l->attempt_by = WORLD_NEVER;
        break;
    case IOT_EV_CONNECTED:
        l->up = true;
        l->connects++;
        if (!ev->session_present)
            world_ledger_session_new(&l->ledger);
        l->up_since = now;
        world_trace("%s connected, session %s", l->name, ev->session_present ? "kept" : "new");
        break;
    case IOT_EV_LOST:
        check_ladder(l, ev, l->up);
        l->up = false;
        l->losses++;
        l->last_loss = ev->err;
        l->lost_at = now;
        check_loss(l, ev);
        world_trace("%s lost, %s %d, again in %u ms", l->name, iot_err_name(ev->err), ev->detail,
                    ev->delay_ms);
        break;
    case IOT_EV_DONE:
    case IOT_EV_FAILED:
        world_app_ended(l, ev);
        break;
    case IOT_EV_SKIPPED:
        world_app_skipped(l, ev);
        break;
    case IOT_EV_WRITABLE:
        if (!l->want_room && l->habit.guest == NULL) /* an answer of the library's may have been */
            world_violation("life %s: WRITABLE, and nobody was refused", l->name);
        l->want_room = false;
        break;
    case IOT_EV_CLOSED:
        l->begun = l->closing = l->up = false;
        l->closes++;
        l->rungs = 0;
        l->closed_by = l->attempt_by = WORLD_NEVER;
        l->check_pools = true;
        l->not_before = 0;
        world_ledger_closed(&l->ledger);
        world_lint_finished(&l->lint);
        world_trace("%s closed", l->name);
        break;
    case IOT_EV_MESSAGE:
        if (world_serial_decode(ev->msg->payload) != 0)
            world_violation("life %s: a message passed its handler", l->name);
        break;
    case IOT_EV_SUBACK:
    case IOT_EV_UNSUBACK:
    case IOT_EV_REPLY:
    case IOT_EV_NOTICE:
    case IOT_EV_REGISTERED:
    case IOT_EV_BUSY:
        break;
    }
}

/* ---- What the wire sees -------------------------------------------------------------------- */

static void on_resolving(void *ctx)
{
    ((struct world_life *)ctx)->link = SAW_RESOLVING;
}

static void on_connecting(void *ctx)
{
    ((struct world_life *)ctx)->link = SAW_CONNECTING;
}

static void on_connected(void *ctx)
{
    struct world_life *l = ctx;
    l->link = SAW_CONNECTED;
    world_show_reset(&l->show_sent, l->name, ">");
    world_show_reset(&l->show_heard, l->name, "<");
    world_lint_opened(&l->lint, world_ms());
}

static void on_sent(void *ctx, struct iot_bytes bytes)
{
    struct world_life *l = ctx;
    l->acts++;
    if (l->dev.mqtt.deaf != 0)
        world_lint_gives_up(&l->lint);
    world_show_bytes(&l->show_sent, bytes);
    world_lint_sent(&l->lint, bytes, world_ms());
}

static void on_heard(void *ctx, struct iot_bytes bytes)
{
    struct world_life *l = ctx;
    world_show_bytes(&l->show_heard, bytes);
    world_lint_heard(&l->lint, bytes, world_ms());
}

static void on_eof(void *ctx)
{
    struct world_life *l = ctx;
    world_lint_eof(&l->lint);
}

static void on_tcp_closed(void *ctx)
{
    struct world_life *l = ctx;
    if (l->link == SAW_CONNECTED)
        world_lint_closed(&l->lint, world_ms());
    l->link = SAW_NOTHING;
}

static void on_called(void *ctx)
{
    world_loop_stir(&((struct world_life *)ctx)->actor);
}

static const struct world_tap_ops tap = {on_resolving, on_connecting, on_connected,  on_sent,
                                         on_heard,     on_eof,        on_tcp_closed, on_called};

static bool app_accepted(void *ctx, uint64_t serial, uint8_t qos)
{
    struct world_life *l = ctx;
    (void)qos;
    return world_ledger_has(&l->ledger, serial);
}

/* ---- Life ---------------------------------------------------------------------------------- */

/* The device's own counter has nothing to do with the world's but its speed. */
static uint32_t own_ms(const struct world_life *l, uint64_t now)
{
    return (uint32_t)(now + l->number * 7919u);
}

static void boot(struct world_life *l)
{
    memset(&l->dev, 0xee, sizeof l->dev);
    l->boots++;
    l->serial = l->rungs = 0;
    l->stream_ticket = 0;
    l->want_room = false;
    iot_err err = iot_device_init(&l->dev, &l->opt);
    if (err != IOT_OK)
        world_violation("life %s: init says %s", l->name, iot_err_name(err));
    l->powered = true;
    if (l->habit.guest != NULL && l->habit.guest->booted != NULL)
        l->habit.guest->booted(l);
}

static void open(struct world_life *l)
{
    struct iot_filter f = {.filter = {l->down_filter, (uint16_t)strlen(l->down_filter), 0},
                           .qos = l->habit.qos_max,
                           .in_parts = l->habit.parts,
                           .on_message = world_app_take,
                           .ctx = l};
    if (iot_device_connect(&l->dev) != IOT_OK || iot_mqtt_subscribe(&l->dev, &f, NULL) != IOT_OK)
        world_violation("life %s: connect or subscribe refused", l->name);
    if (l->habit.guest != NULL && l->habit.guest->opened != NULL)
        l->habit.guest->opened(l);
    l->begun = true;
    l->attempt_by = world_ms() + DNS_MS; /* an old name request may be out */
    if (l->hinted_down)
        l->attempt_by += cap_of(l);
    l->hinted_down = false;
    l->reopen_at = WORLD_NEVER;
}

static bool idle_outside(const struct world_life *l)
{
    return l->dev.tcp.base.ops->idle(&l->dev.tcp.base);
}

bool world_life_close(struct world_life *l, uint32_t drain_ms, uint64_t pause_ms)
{
    if (!l->powered || !l->begun || l->closing || iot_device_close(&l->dev, drain_ms) != IOT_OK)
        return false;
    l->closing = true;
    world_ledger_closing(&l->ledger);
    world_loop_stir(&l->actor);
    l->close_within = drain_ms + CLOSE_MS + DNS_MS;
    l->reopen_at = world_ms() + drain_ms + pause_ms;
    l->attempt_by = WORLD_NEVER;
    return true;
}

void world_life_power_cut(struct world_life *l, uint64_t ms)
{
    if (!l->powered)
        return;
    world_trace("%s power cut", l->name);
    /* What lwIP would say to the peer on its behalf nobody says. */
    bool cut = world_lane(WORLD_UP)->cut;
    world_lane(WORLD_UP)->cut = true;
    l->dev.tcp.base.ops->abort(&l->dev.tcp.base);
    world_lane(WORLD_UP)->cut = cut;
    l->powered = l->begun = l->closing = l->up = false;
    l->close_within = 0;
    world_loop_stir(&l->actor);
    l->power_at = world_ms() + ms;
    l->asleep = l->declines = 0;
    l->closed_by = l->attempt_by = WORLD_NEVER;
    l->not_before = l->promised = 0;
    l->check_pools = false;
    memset(l->refs, 0, sizeof l->refs);
    world_ledger_rebooted(&l->ledger);
    world_lint_rebooted(&l->lint);
    world_board_power_cut(&l->board);
}

void world_life_hint(struct world_life *l, enum iot_network_change change)
{
    if (!l->powered)
        return;
    iot_network(&l->dev, change);
    l->not_before = 0; /* a wait is drawn anew */
    world_loop_stir(&l->actor);
    l->hinted_down = !l->begun && change == IOT_NETWORK_DOWN;
    if (l->attempt_by != WORLD_NEVER) { /* a wait is drawn anew, and not longer than the cap */
        uint64_t from = world_ms() < l->asleep ? l->asleep : world_ms(); /* the next tick */
        uint64_t by = from + cap_of(l) + ATTEMPT_SLACK;
        if (by > l->attempt_by || change == IOT_NETWORK_DOWN)
            l->attempt_by = by > l->attempt_by ? by : l->attempt_by;
    }
}

enum world_stand world_life_stand(const struct world_life *l)
{
    if (!l->powered || !l->begun)
        return WORLD_STAND_OFF;
    if (l->closing)
        return WORLD_STAND_CLOSE;
    if (l->up) {
        if (world_ms() < l->declines || iot_mqtt_declining(&l->dev.mqtt))
            return WORLD_STAND_DECLINE;
        return iot_device_idle(&l->dev) ? WORLD_STAND_UP : WORLD_STAND_FLIGHT;
    }
    switch ((enum tap_saw)l->link) {
    case SAW_CONNECTED:
        return WORLD_STAND_LOGIN;
    case SAW_CONNECTING:
        return WORLD_STAND_TCP;
    case SAW_RESOLVING:
        return l->attempt_by == WORLD_NEVER ? WORLD_STAND_RESOLVE : WORLD_STAND_WAIT;
    case SAW_NOTHING:
        break;
    }
    return WORLD_STAND_WAIT;
}

static bool is_wire_full(const struct world_life *l)
{
    const struct tcp_pcb *pcb = l->dev.tcp.pcb;
    return pcb != NULL && (tcp_sndbuf(pcb) < 300 || tcp_sndqueuelen(pcb) + 2 >= TCP_SND_QUEUELEN);
}

/* TCP that takes no more bytes is not the device's fault; it was so all the time since the last tick. */
static void excuse_wire(struct world_life *l, uint64_t now)
{
    bool full = is_wire_full(l);
    if (full || l->was_full)
        world_lint_excuse(&l->lint, now + full);
    if (now < l->excused)
        world_lint_excuse(&l->lint, l->excused);
}

/* Whatever state it is in, something will lead out of it. */
static void check_deadlines(struct world_life *l, uint64_t now, uint32_t sleep)
{
    /* While lwIP holds a name request nobody can cancel, there is no other attempt. */
    if (!idle_outside(l) && l->attempt_by < now + ATTEMPT_SLACK)
        l->attempt_by = now + ATTEMPT_SLACK;
    if (now > l->excused && now > l->attempt_by && idle_outside(l))
        world_violation("life %s: no attempt to connect in time", l->name);
    if (now > l->excused && now > l->closed_by)
        world_violation("life %s: not closed in time", l->name);
    if ((now > l->attempt_by && idle_outside(l)) || now > l->closed_by)
        l->attempt_by = l->closed_by = WORLD_NEVER;
    if (l->begun && sleep == IOT_MS_NEVER && idle_outside(l))
        world_violation("life %s: it sleeps for ever in state %s", l->name,
                        world_stand_names[world_life_stand(l)]);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something may be late, at the earliest. What the linter waits for it looks after as often as lwIP's
 * own timers pass. */
static uint64_t next_check(struct world_life *l, uint64_t now)
{
    struct world_lint *lint = &l->lint;
    uint64_t next = WORLD_NEVER;
    bool proven;
    if (l->closed_by != WORLD_NEVER)
        next = l->closed_by + 1;
    if (l->attempt_by != WORLD_NEVER)
        next = earlier(next, l->attempt_by + idle_outside(l));
    if (!lint->open)
        return next;
    uint64_t silent = WORLD_NEVER;
    if (lint->keepalive_s != 0)
        silent = lint->last_end + lint->keepalive_s * 1000u + lint->patience_ms + 1;
    if (!lint->asked || lint->owed_count != 0 || silent <= now ||
        world_flight_owed(&lint->flight, &proven) != NULL)
        silent = now - now % CHECK_MS + CHECK_MS; /* all in the same turn */
    return earlier(next, silent);
}

/* After IOT_EV_CLOSED nothing is left in the device. */
static void check_pools(struct world_life *l)
{
    struct iot_pool_use use;
    l->check_pools = false;
    for (uint32_t i = 0; iot_device_pool(&l->dev, i, &use); i++)
        if (use.used != 0 &&
            !(l->habit.session != IOT_SESSION_CLEAN && strcmp(use.name, "qos2-in") == 0))
            world_violation("life %s: %u of %s are left after the close", l->name, use.used,
                            use.name);
}

static uint64_t live(struct world_life *l, uint64_t now)
{
    if (!l->begun && now >= l->reopen_at)
        open(l);
    if (l->begun && !l->closing && !l->quiet && now >= l->next_publish) {
        world_app_publish(l);
        uint32_t mean = l->habit.publish_ms;
        l->next_publish =
            mean == 0 ? WORLD_NEVER : now + world_chance_between(&l->chance, mean / 8, mean * 2);
    }
    uint64_t guest_at = WORLD_NEVER;
    if (l->begun && !l->closing && l->habit.guest != NULL && l->habit.guest->act != NULL)
        guest_at = l->habit.guest->act(l, now);
    if (l->close_within != 0) { /* counted from the next tick after the call */
        l->closed_by = now + l->close_within;
        l->close_within = 0;
    }
    bool stood_still = now - l->polled_at > IOT_STALE_MS;
    bool early = now < l->promised && !stood_still && iot_sleep_ms(&l->dev, own_ms(l, now)) != 0;
    l->polled_at = now;
    uint32_t acts = l->acts;
    uint32_t sleep = iot_poll(&l->dev, own_ms(l, now));
    if (l->habit.guest != NULL && iot_mqtt_declining(&l->dev.mqtt))
        world_lint_excuse(&l->lint, now); /* the library does, for want of room for its answers */
    if (l->habit.guest != NULL && l->dev.mqtt.deaf != 0)
        world_lint_gives_up(&l->lint);
    if (l->acts != acts && guest_at > now + 1) /* it may have more to do now */
        guest_at = l->habit.guest != NULL ? now + 1 : WORLD_NEVER;
    if (early && l->acts != acts)
        world_violation("life %s: it acts %u ms before the time it asked for", l->name,
                        (unsigned)(l->promised - now));
    l->promised = sleep == IOT_MS_NEVER ? WORLD_NEVER : now + sleep;
    if (l->check_pools)
        check_pools(l);
    if (sleep != iot_sleep_ms(&l->dev, own_ms(l, now)))
        world_violation("life %s: poll says %u ms, sleep says otherwise", l->name, sleep);
    check_deadlines(l, now, sleep);
    uint64_t next = sleep == IOT_MS_NEVER ? WORLD_NEVER : now + sleep;
    next = earlier(next, guest_at);
    next = earlier(next, next_check(l, now));
    /* Sooner than it wants, as lwIP's timers would have it: after IOT_STALE_MS without a tick it takes the
     * loop for one that stood still. Then it may do nothing yet. */
    next = earlier(next, now - now % NAP_MS + NAP_MS);
    if (l->begun && !l->closing && !l->quiet)
        next = earlier(next, l->next_publish);
    if (!l->begun)
        next = earlier(next, l->reopen_at);
    if (now < l->declines)
        next = earlier(next, l->declines);
    return next;
}

static uint64_t tick(void *ctx, uint64_t now)
{
    struct world_life *l = ctx;
    if (l->powered && l->board.power_gone)
        world_life_power_cut(l, 1000);
    if (!l->powered) {
        if (now < l->power_at || !idle_outside(l))
            return now < l->power_at ? l->power_at : WORLD_NEVER;
        boot(l);
        open(l);
    }
    if (now < l->asleep)
        return l->asleep;
    excuse_wire(l, now);
    uint64_t next = live(l, now);
    l->was_full = is_wire_full(l);
    world_lint_tick(&l->lint, now);
    return next;
}

static void make_options(struct world_life *l, const char *host)
{
    const struct world_habit *h = &l->habit;
    l->opt = (struct iot_options){
        .host = host,
        .port = 1883,
        .netif = world_wire_dev(),
        .client_id = l->name,
        .session = h->session,
        .session_key = "mqtt",
        .hand_back = h->hand_back,
        .queue = h->policy,
        .keepalive_s = h->keepalive_s,
        .on_event = on_event,
        .ctx = l,
        .port_ops = &l->port,
    };
    snprintf(l->up_topic, sizeof l->up_topic, "%s/up", l->name);
    snprintf(l->down_filter, sizeof l->down_filter, "%s/down/#", l->name);
    if (!h->platform)
        return;
    const char *key = h->product != NULL ? h->product : WORLD_CLOUD_KEY;
    world_cloud_identity(l->number, &l->identity_text);
    l->identity = (struct iot_link_identity){.product_key = key,
                                             .device_name = l->identity_text.name,
                                             .device_secret = l->identity_text.secret,
                                             .system_topics = h->guest != NULL};
    if (h->guest != NULL)
        l->identity.ext = IOT_LINK_EXT_RRPC | IOT_LINK_EXT_ERROR;
    l->opt.link = &l->identity;
    l->opt.client_id = NULL;
    snprintf(l->up_topic, sizeof l->up_topic, "/%s/%s/user/up", key, l->name);
    snprintf(l->down_filter, sizeof l->down_filter, "/%s/%s/user/down/#", key, l->name);
}

void world_life_start(struct world_life *l, uint64_t seed, uint32_t number,
                      const struct world_habit *habit, const char *host)
{
    static const struct world_lint_app none = {0};
    memset(l, 0, sizeof *l);
    l->number = number;
    snprintf(l->name, sizeof l->name, "d%03u", number % 1000);
    l->habit = *habit;
    l->attempt_by = l->closed_by = l->reopen_at = WORLD_NEVER;
    world_chance_seed(&l->chance, seed, WORLD_STREAM_APP + number);
    world_board_start(&l->board, seed, number);
    world_board_port(&l->board, &l->port);
    make_options(l, host);
    world_ledger_init(&l->ledger, l->name);
    l->ledger.clean = habit->session == IOT_SESSION_CLEAN;
    l->ledger.hand_back = habit->hand_back;
    struct world_lint_app app = none;
    app.accepted = app_accepted;
    app.ctx = l;
    world_lint_init(&l->lint, l->name, habit->keepalive_s, habit->session == IOT_SESSION_CLEAN,
                    &app);
    world_tap(&l->dev, &tap, l);
    boot(l);
    open(l);
    l->actor.tick = tick;
    l->actor.ctx = l;
    l->actor.attention = WORLD_STIRRED;
    world_loop_add(&l->actor);
}

void world_life_over(struct world_life *l)
{
    struct iot_pool_use use;
    for (uint32_t i = 0; l->powered && iot_device_pool(&l->dev, i, &use); i++)
        if (use.used != 0)
            world_violation("life %s: %u of %s are left after the close", l->name, use.used,
                            use.name);
    if (l->waits >= 30 && l->waited_ms < l->ladder_ms / 4)
        world_violation("life %s: %u attempts in a row came too soon, after %u ms on average",
                        l->name, l->waits, (unsigned)(l->waited_ms / l->waits));
    if (l->habit.guest != NULL && l->habit.guest->over != NULL)
        l->habit.guest->over(l);
    world_lint_over(&l->lint, world_ms());
    world_ledger_over(&l->ledger);
    world_loop_remove(&l->actor);
}
