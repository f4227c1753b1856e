/* SPDX-License-Identifier: Apache-2.0 */
#include "town.h"

#include "world/world_app.h"
#include "world/world_serial.h"

#define PAYLOAD_MAX 65536u
#define STABLE_MS   31000u /* the library's own: a link that lived so long was a good one */
#define WRITER_BOOT 2u     /* the town's own writer is 1 */

struct world_town town;
struct town_told told[TOWN_LIVES_MAX];
struct town_taken taken[TOWN_TAKEN_MAX];
uint32_t taken_count;
void (*town_on_event)(struct world_life *l, const struct iot_event *ev);

static struct world_broker_watch watch; /* the town's own */
static void (*heard_before)(void *ctx, int conn, uint64_t now);
static iot_event_handler events[TOWN_LIVES_MAX]; /* the lives' own */
static uint32_t written;

/* ---- Spies --------------------------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    struct world_life *l = ctx;
    struct town_told *t = told_of(l);

    t->writable += ev->kind == IOT_EV_WRITABLE;
    if (ev->kind == IOT_EV_CONNECTED)
        t->kept = ev->session_present;
    if (ev->kind == IOT_EV_SKIPPED) {
        t->skipped++;
        t->skipped_as = ev->err;
    }
    if (ev->kind == IOT_EV_LOST) {
        if (t->losses < TOWN_LOSSES_MAX) {
            t->loss[t->losses].err = ev->err;
            t->loss[t->losses].delay_ms = ev->delay_ms;
            t->loss[t->losses].at = world_ms();
        }
        t->losses++;
    }
    events[l->number](ctx, dev, ev);
    if (town_on_event != NULL)
        town_on_event(l, ev);
}

static void on_online(void *ctx, const char *id, bool online)
{
    struct world_life *l = world_town_find(&town, id);

    watch.online(ctx, id, online);
    if (l == NULL || !online)
        return;
    told_of(l)->connects_seen++;
    told_of(l)->heard_at = world_ms();
}

static void on_heard(void *ctx, int conn, uint64_t now)
{
    const struct world_session *s = town.broker.conns[conn].session;
    struct world_life *l = s != NULL ? world_town_find(&town, s->id) : NULL;

    if (heard_before != NULL)
        heard_before(ctx, conn, now);
    if (l == NULL)
        return;
    struct town_told *t = told_of(l);
    t->heard++;
    if (now - t->heard_at > t->longest_silence_ms)
        t->longest_silence_ms = now - t->heard_at;
    t->heard_at = now;
    if (s->last_id != t->last_id) {
        t->ids_again += !t->notes_ids && t->id_seen[s->last_id];
        t->id_seen[s->last_id] |= t->notes_ids;
    }
    t->last_id = s->last_id;
}

static bool is_taken(const struct world_life *l, uint32_t serial)
{
    for (uint32_t i = 0; i < taken_count; i++)
        if (taken[i].from == l && taken[i].serial == serial)
            return true;
    return false;
}

static void on_took(void *ctx, const char *id, const struct world_message *m, bool fresh)
{
    struct world_life *l = world_town_find(&town, id);
    uint64_t serial = world_serial_decode(m->payload);

    if (l != NULL && serial != 0) {
        told_of(l)->dups += m->dup;
        if (!is_taken(l, (uint32_t)serial) && taken_count < TOWN_TAKEN_MAX) {
            struct town_taken *t = &taken[taken_count++];
            t->from = l;
            t->serial = (uint32_t)serial;
            t->qos = m->qos;
            snprintf(t->topic, sizeof t->topic, "%s", m->topic);
        }
    }
    watch.took(ctx, id, m, fresh);
}

/* ---- Begin and end ------------------------------------------------------------------------------- */

struct world_life *town_begin(const struct world_habit *habits, uint32_t count)
{
    assert_true(count <= TOWN_LIVES_MAX);
    world_town_start(&town, scenario_seed(), habits, count);
    watch = town.broker.watch;
    town.broker.watch.took = on_took;
    town.broker.watch.online = on_online;
    heard_before = town.broker.policy.heard;
    town.broker.policy.heard = on_heard;
    for (uint32_t i = 0; i < count; i++) {
        struct world_life *l = &town.lives[i];
        l->quiet = true;
        events[i] = l->opt.on_event;
        l->opt.on_event = on_event;
    }
    return town.lives;
}

struct world_life *town_with(struct world_habit habit)
{
    struct world_life *l = town_begin(&habit, 1);

    town_connects(l, 5 * SECOND);
    town_run(STABLE_MS);
    assert_true(world_town_is_well(&town));
    return l;
}

static bool is_not_closed(void *ctx)
{
    (void)ctx;
    for (uint32_t i = 0; i < town.count; i++)
        if (town.lives[i].begun || !town.lives[i].powered)
            return true;
    return false;
}

void town_end(void)
{
    town_settles(MINUTE);
    for (uint32_t i = 0; i < town.count; i++) {
        assert_true(world_life_close(&town.lives[i], 2 * SECOND, HOUR));
        town.lives[i].reopen_at = WORLD_NEVER;
    }
    assert_true(world_loop_while(is_not_closed, NULL, 10 * SECOND));
    for (uint32_t i = 0; i < town.count; i++)
        world_life_over(&town.lives[i]);
    assert_int_equal(town.broker.complaints, 0);
}

/* ---- Time ---------------------------------------------------------------------------------------- */

void town_run(uint64_t ms)
{
    assert_true(world_loop_until(world_ms() + ms));
}

static bool is_not_well(void *ctx)
{
    (void)ctx;
    return !world_town_is_well(&town);
}

uint64_t town_settles(uint64_t within_ms)
{
    uint64_t since = world_ms();

    if (!world_loop_while(is_not_well, NULL, within_ms)) {
        world_town_complain(&town);
        fail_msg("not well after %llu ms", (unsigned long long)within_ms);
    }
    return world_ms() - since;
}

struct awaited {
    const struct world_life *life;
    uint32_t count; /* losses so far; messages */
};

static bool has_less(void *ctx)
{
    const struct awaited *a = ctx;
    return got(a->life) + counts(a->life)->skipped < a->count;
}

uint64_t town_gets(const struct world_life *l, uint32_t n, uint64_t within_ms)
{
    struct awaited a = {l, n};
    uint64_t since = world_ms();

    if (!world_loop_while(has_less, &a, within_ms))
        fail_msg("%u messages and %u skipped after %llu ms, not %u", got(l), counts(l)->skipped,
                 (unsigned long long)within_ms, n);
    return world_ms() - since;
}

static bool has_no_loss(void *ctx)
{
    const struct awaited *a = ctx;
    return a->life->losses == a->count;
}

uint64_t town_loses_any(const struct world_life *l, const iot_err *names, uint64_t within_ms)
{
    struct awaited a = {l, l->losses};
    uint64_t since = world_ms();

    if (!world_loop_while(has_no_loss, &a, within_ms))
        fail_msg("no loss within %llu ms, %s was expected", (unsigned long long)within_ms,
                 iot_err_name(names[0]));
    while (*names != IOT_OK && *names != l->last_loss)
        names++;
    if (*names == IOT_OK)
        fail_msg("lost as %s after %llu ms", iot_err_name(l->last_loss),
                 (unsigned long long)(world_ms() - since));
    return world_ms() - since;
}

uint64_t town_loses(const struct world_life *l, iot_err name, uint64_t within_ms)
{
    const iot_err names[] = {name, IOT_OK};
    return town_loses_any(l, names, within_ms);
}

static bool is_trying(void *ctx)
{
    const struct world_life *l = ctx;
    return world_life_stand(l) != WORLD_STAND_WAIT || !l->dev.tcp.base.ops->idle(&l->dev.tcp.base);
}

void town_waits(const struct world_life *l)
{
    assert_true(world_loop_while(is_trying, (void *)(uintptr_t)l, 30 * SECOND));
}

static bool is_away(void *ctx)
{
    const struct world_life *l = ctx;
    return !l->up;
}

uint64_t town_connects(const struct world_life *l, uint64_t within_ms)
{
    uint64_t since = world_ms();

    if (!world_loop_while(is_away, (void *)(uintptr_t)l, within_ms))
        fail_msg("not connected after %llu ms, last loss %s", (unsigned long long)within_ms,
                 iot_err_name(l->last_loss));
    return world_ms() - since;
}

/* ---- What happens -------------------------------------------------------------------------------- */

uint64_t town_serial(struct world_life *l)
{
    return world_serial((uint16_t)(l->number + 1), (uint16_t)l->boots, l->serial + 1);
}

void town_accepted(struct world_life *l, iot_err err, iot_ticket ticket, uint64_t serial,
                   uint8_t qos, bool may_drop)
{
    if (err == IOT_OK) {
        l->serial++;
        world_ledger_accepted(&l->ledger, ticket, serial, qos, may_drop, world_ms());
        return;
    }
    world_ledger_refused(&l->ledger, err);
    l->want_room |= err == IOT_ERR_FULL;
}

iot_err town_say_so(struct world_life *l, const char *below, uint8_t qos, uint32_t bytes,
                    uint8_t flags)
{
    static uint8_t payload[PAYLOAD_MAX];
    char topic[96];
    iot_ticket ticket = 0;
    uint64_t serial = town_serial(l);
    uint8_t policy = flags & IOT_MSG_POLICY;

    int len = snprintf(topic, sizeof topic, "%s%s%s", l->up_topic, below != NULL ? "/" : "",
                       below != NULL ? below : "");
    assert_true(bytes <= PAYLOAD_MAX);
    world_app_fill(serial, payload, bytes);
    struct iot_msg msg = {.topic = {topic, (uint16_t)len, 0},
                          .payload = {payload, bytes},
                          .qos = qos,
                          .flags = flags};
    iot_err err = iot_mqtt_publish(&l->dev, &msg, &ticket);
    if (policy == 0)
        policy = l->habit.policy;
    town_accepted(l, err, ticket, serial, qos,
                  policy == IOT_MSG_DROP_OLDEST || policy == IOT_MSG_REPLACE);
    return err;
}

iot_err town_say(struct world_life *l, uint8_t qos, uint32_t bytes)
{
    return town_say_so(l, NULL, qos, bytes, 0);
}

uint32_t town_say_until_full(struct world_life *l, uint8_t qos, uint32_t bytes)
{
    uint32_t n = 0;
    iot_err err;

    while ((err = town_say(l, qos, bytes)) == IOT_OK)
        assert_true(++n <= IOT_MQTT_OUT_MAX);
    assert_err(err, IOT_ERR_FULL);
    return n;
}

uint32_t town_write(struct world_life *l, uint8_t qos, uint32_t bytes)
{
    static uint8_t payload[PAYLOAD_MAX];
    char topic[96];
    uint64_t serial = world_serial(0, WRITER_BOOT, ++written);

    assert_true(bytes <= PAYLOAD_MAX);
    world_app_down_topic(l, bytes > IOT_MQTT_RX_BYTES - 100, serial, topic, sizeof topic);
    world_app_fill(serial, payload, bytes);
    return world_broker_publish(&town.broker, topic, (struct iot_bytes){payload, bytes}, qos, false,
                                world_ms());
}

void town_cut(bool up, bool down)
{
    world_lane(WORLD_UP)->cut = up;
    world_lane(WORLD_DOWN)->cut = down;
}

void town_delay(uint32_t one_way_ms)
{
    world_lane(WORLD_UP)->delay_ms = world_lane(WORLD_DOWN)->delay_ms = one_way_ms;
}

void town_excuse(struct world_life *l, uint64_t ms)
{
    l->excused = world_ms() + ms;
    world_lint_excuse(&l->lint, l->excused);
}
