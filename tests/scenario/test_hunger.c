/* SPDX-License-Identifier: Apache-2.0 */
/* A device whose lwIP has no memory: one life in which everything happens once, lived again and again, each time
 * with another allocation refused. What is accepted ends by name, the link comes back, and lwIP's pools are in
 * the end as they were. */
#include "town.h"

#include "world/world_app.h"
#include "world/world_clock.h"
#include "world/world_famine.h"
#include "world/world_pools.h"

#include "lwip/memp.h"

#define PATIENCE  (5u * MINUTE)
#define LARGE     3000u
#define HUNGRY_MS 5000u
#define EMPTY_MS  3000u
#define HEAP      (-1)
/* How much longer a life may take. One thing refused: lwIP repeats a segment or a SYN after 3 s, counted in steps of
 * 500 ms. For longer: a repetition waits twice as long as the one before it, so the next one comes as long
 * after the end as the hunger has lasted, or 12 s after it. */
#define ONE_MS     3500u
#define REPEATS_MS 15000u

enum stage { CONNECT, PUBLISH, RECEIVE, LOSE, CLOSE, STAGES };

static const char *const stage_names[] = {"connect", "publish", "receive", "lose", "close"};

/* What a run suffers; all zero: nothing. */
static struct {
    uint32_t nth, from; /* of the allocations */
    bool is_empty;      /* this pool, from the beginning of this stage on */
    bool is_needed;     /* it is, in this stage */
    int pool;
    enum stage stage;
    iot_err loss; /* so the first loss is called; IOT_OK: whatever it is */
} hunger;

/* From a child to its parent: allocations of the life, and how long it took. */
static struct {
    uint32_t calls;
    uint64_t age_ms;
} * seen;

/* ---- Memory comes back ---------------------------------------------------------------------------------- */

static uint64_t ends_at;

static uint64_t feed(void *ctx, uint64_t now)
{
    (void)ctx;
    if (hunger.from != 0 && ends_at == WORLD_NEVER && world_famine_refused_all() != 0)
        ends_at = now + HUNGRY_MS;
    if (now < ends_at)
        return ends_at;
    world_famine_end();
    hunger.from = 0; /* once */
    ends_at = WORLD_NEVER;
    return WORLD_NEVER;
}

static bool is_hungry(enum stage stage)
{
    return hunger.is_empty && hunger.stage == stage;
}

static void begin_stage(enum stage stage)
{
    if (is_hungry(stage)) {
        world_famine_pool(hunger.pool, true);
        ends_at = world_ms() + EMPTY_MS;
    }
}

/* Whatever stage comes next begins with memory. */
static void end_stage(enum stage stage)
{
    town_settles(PATIENCE);
    if (is_hungry(stage))
        town_run(EMPTY_MS);
}

/* ---- The life ------------------------------------------------------------------------------------------- */

static uint64_t stream_serial;

static iot_err source(void *ctx, struct iot_device *dev, uint32_t offset, struct iot_writer *w)
{
    static uint8_t whole[LARGE];
    (void)ctx;
    (void)dev;

    world_app_fill(stream_serial, whole, sizeof whole);
    iot_writer_put(w, whole + offset, w->cap);
    return IOT_OK;
}

/* By reference, by writer, streamed; copied ones town_say does. */
static void say_otherwise(struct world_life *l)
{
    static uint8_t kept[500], written[100];
    struct iot_msg msg = {.topic = {l->up_topic, (uint16_t)strlen(l->up_topic), 0}};
    struct iot_writer w;
    iot_ticket ticket = 0;
    iot_err err;

    for (uint8_t qos = 0; qos <= 2; qos++) {
        uint64_t serial = town_serial(l);
        uint8_t *at = kept + qos * 150u;
        world_app_fill(serial, at, 150);
        msg.qos = qos;
        msg.flags = IOT_MSG_BY_REF;
        msg.payload = (struct iot_bytes){at, 150};
        err = iot_mqtt_publish(&l->dev, &msg, &ticket);
        town_accepted(l, err, ticket, serial, qos, false);
    }
    msg.flags = 0;
    uint64_t serial = town_serial(l);
    world_app_fill(serial, written, sizeof written);
    assert_err(iot_mqtt_begin(&l->dev, &msg, sizeof written, &w), IOT_OK);
    iot_writer_put(&w, written, sizeof written);
    err = iot_mqtt_commit(&w, &ticket);
    town_accepted(l, err, ticket, serial, msg.qos, false);

    stream_serial = town_serial(l);
    msg.qos = 0;
    err = iot_mqtt_stream(&l->dev, &msg, LARGE, source, NULL, &ticket);
    town_accepted(l, err, ticket, stream_serial, 0, true);
}

static void say_all(struct world_life *l)
{
    for (uint8_t qos = 0; qos <= 2; qos++)
        assert_err(town_say(l, qos, 60), IOT_OK);
    say_otherwise(l);
}

static void write_all(struct world_life *l)
{
    for (uint8_t qos = 0; qos <= 2; qos++)
        assert_int_equal(town_write(l, qos, 60), 1);
    assert_int_equal(town_write(l, 1, LARGE), 1);
}

static bool is_not_closed(void *ctx)
{
    return ((const struct world_life *)ctx)->begun;
}

static void close_it(struct world_life *l)
{
    assert_true(world_life_close(l, 2 * SECOND, HOUR));
    l->reopen_at = WORLD_NEVER;
    assert_true(world_loop_while(is_not_closed, l, MINUTE));
    world_life_over(l);
    seen->calls = world_famine_calls();
    seen->age_ms = world_age_ms();
    world_famine_end();
    world_server_restart(HOUR, false, world_ms());
    world_pools_settle();
}

/* All of it, whatever is refused. What is late is the hunger's fault, what is lost is not. */
static void live(void)
{
    static struct world_actor feeder = {.tick = feed};
    const struct world_habit habit = {
        .session = IOT_SESSION_KEEP, .parts = true, .qos_max = 2, .keepalive_s = 60};

    ends_at = WORLD_NEVER;
    world_loop_add(&feeder);
    begin_stage(CONNECT);
    world_famine_nth(hunger.nth);
    world_famine_from(hunger.from);
    struct world_life *l = town_begin(&habit, 1);
    town_excuse(l, HOUR);
    end_stage(CONNECT);

    begin_stage(PUBLISH);
    say_all(l);
    end_stage(PUBLISH);

    begin_stage(RECEIVE);
    write_all(l);
    end_stage(RECEIVE);

    begin_stage(LOSE);
    assert_err(town_say(l, 1, 60), IOT_OK);
    assert_err(town_say(l, 2, 60), IOT_OK);
    (void)world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    town_run(SECOND);
    end_stage(LOSE);

    begin_stage(CLOSE);
    assert_int_equal(counts(l)->refused, 0);
    close_it(l);
    if (hunger.nth != 0 || hunger.is_needed)
        assert_true(world_famine_refused_all() != 0);
    if (hunger.loss != IOT_OK)
        assert_err(told_of(l)->loss[0].err, hunger.loss);
}

/* ---- Every allocation ----------------------------------------------------------------------------------- */

/* Virtual ms that it took. */
static uint64_t run(const char *what, uint32_t n)
{
    printf("hunger: %s %u\n", what, n); /* the last line is of the one that fails */
    fflush(stdout);
    scenario_run_seed(live, 20240607);
    return seen->age_ms;
}

/* With enough of everything. Returns the number of allocations. */
static uint32_t run_well(uint64_t *age_ms)
{
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(seen != MAP_FAILED);
    memset(&hunger, 0, sizeof hunger);
    *age_ms = run("none", 0);
    assert_in_range(seen->calls, 100, 10000);
    return seen->calls;
}

static void each_allocation_may_be_refused(void **state)
{
    uint64_t well_ms;
    uint32_t count = run_well(&well_ms);
    uint64_t longest_ms = 0;
    (void)state;

    for (uint32_t n = 1; n <= count; n++) {
        hunger.nth = n;
        uint64_t ms = run("refused: number", n);
        assert_in_range(ms, well_ms, well_ms + ONE_MS);
        longest_ms = ms > longest_ms ? ms : longest_ms;
    }
    print_message("figure: %u allocations in a life of %u ms; each refused once: %u ms at most\n",
                  count, (unsigned)well_ms, (unsigned)longest_ms);
}

static void all_allocations_may_be_refused_for_five_seconds(void **state)
{
    uint64_t well_ms;
    uint32_t count = run_well(&well_ms);
    (void)state;

    for (uint32_t n = 1; n <= count; n++) {
        hunger.from = n;
        uint64_t ms = run("refused for 5 s: number", n);
        assert_in_range(ms, well_ms, well_ms + HUNGRY_MS + REPEATS_MS);
    }
}

/* What the stages need of each pool, and what the attempt to connect is told without it: lwIP repeats what it
 * could not send or keep, but for what it refuses at once. */
static void each_pool_may_be_empty_at_each_stage(void **state)
{
#define BIT(stage) (1u << (stage))
    static const uint32_t every = BIT(STAGES) - 1;
    static const struct {
        int pool;
        iot_err at_connect;
        uint32_t needed;
    } pools[] = {
        {MEMP_PBUF_POOL, IOT_OK, every},
        {MEMP_PBUF, IOT_OK, BIT(PUBLISH)},
        {MEMP_TCP_SEG, IOT_ERR_TCP_MEMORY, every},
        {MEMP_TCP_PCB, IOT_ERR_TCP_MEMORY, BIT(CONNECT) | BIT(LOSE)},
        {MEMP_UDP_PCB, IOT_ERR_DNS_BUSY, BIT(CONNECT)},
        {HEAP, IOT_OK, every},
    };
    uint64_t well_ms;
    (void)state;

    run_well(&well_ms);
    for (uint32_t i = 0; i < COUNT(pools); i++)
        for (uint32_t stage = 0; stage < STAGES; stage++) {
            hunger.is_empty = true;
            hunger.is_needed = (pools[i].needed & BIT(stage)) != 0;
            hunger.pool = pools[i].pool;
            hunger.stage = (enum stage)stage;
            hunger.loss = stage == CONNECT ? pools[i].at_connect : IOT_OK;
            uint64_t ms = run(stage_names[stage], i);
            assert_in_range(ms, well_ms, well_ms + 2 * EMPTY_MS + REPEATS_MS);
        }
#undef BIT
}

/* ---- The library's own pools ---------------------------------------------------------------------------- */

/* The bytes of a ring that is full, and of tables that are full in other ways, are in
 * tests/interop/test_callbacks.c; drops in test_life_queue.c. */

static struct iot_pool_use pool_of(const struct world_life *l, const char *name)
{
    struct iot_pool_use use = {.name = ""};

    for (uint32_t i = 0; iot_device_pool(&l->dev, i, &use); i++)
        if (strcmp(use.name, name) == 0)
            return use;
    fail_msg("no pool %s", name);
    return use;
}

/* The second refusal leaves every byte of the device as the first did; that one notes who wants room. */
static void refuses(struct world_life *l, iot_err (*call)(struct world_life *l))
{
    static struct iot_device before;

    assert_err(call(l), IOT_ERR_FULL);
    memcpy(&before, &l->dev, sizeof before);
    assert_err(call(l), IOT_ERR_FULL);
    assert_memory_equal(&before, &l->dev, sizeof before);
}

static iot_err say_little(struct world_life *l)
{
    return town_say(l, (uint8_t)(l->serial % 3), 16);
}

static iot_err say_more(struct world_life *l)
{
    return town_say(l, 2, 120);
}

static struct world_life *away(void)
{
    const struct world_habit habit = {
        .session = IOT_SESSION_KEEP, .parts = true, .qos_max = 2, .keepalive_s = 60};
    struct world_life *l = town_with(habit);

    town_cut(true, true);
    world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    town_loses_any(l, (const iot_err[]){IOT_ERR_MQTT_PING_TIMEOUT, IOT_ERR_TCP_STALLED, IOT_OK},
                   2 * MINUTE);
    return l;
}

/* k messages wait, then the link is back: they leave, and whoever was refused is told once. */
static void fill(const char *pool, uint32_t k, iot_err (*call)(struct world_life *l))
{
    struct world_life *l = away();
    uint32_t n = 0;

    while (n < k && call(l) == IOT_OK)
        n++;
    bool is_full = n < k;
    if (is_full) {
        refuses(l, call);
        assert_true(pool_of(l, pool).used <= pool_of(l, pool).max);
    }
    if (strcmp(pool, "messages") == 0)
        assert_int_equal(pool_of(l, pool).used, n);
    assert_int_equal(told_of(l)->writable, 0);
    town_cut(false, false);
    town_settles(2 * MINUTE);
    assert_int_equal(told_of(l)->writable, is_full ? 1 : 0);
    assert_int_equal(done(l), n);
    assert_int_equal(pool_of(l, pool).used, 0);
    if (is_full)
        assert_err(call(l), IOT_OK);
    town_end();
}

static uint32_t fill_to;

static void fill_messages(void)
{
    fill("messages", fill_to, say_little);
}

static void fill_bytes(void)
{
    fill("tx-bytes", fill_to, say_more);
}

static void messages_wait_up_to_the_last_slot_and_one_more_is_refused(void **state)
{
    (void)state;
    for (fill_to = 1; fill_to <= IOT_MQTT_OUT_MAX + 1; fill_to++) {
        scenario_run_seed(fill_messages, fill_to);
        scenario_run_seed(fill_bytes, fill_to);
    }
}

static char filters[IOT_MQTT_SUBS_MAX + 1][8];

static iot_err subscribe_more(struct world_life *l)
{
    char *text = filters[pool_of(l, "subscriptions").used];
    struct iot_filter f = {.filter = {text, (uint16_t)strlen(text), 0}, .qos = 1};
    return iot_mqtt_subscribe(&l->dev, &f, NULL);
}

/* One slot is the life's own subscription. */
static void fill_subscriptions(void)
{
    struct world_life *l = away();

    for (uint32_t i = 0; i <= IOT_MQTT_SUBS_MAX; i++)
        snprintf(filters[i], sizeof filters[i], "f/%u", i);
    for (uint32_t i = 1; i < fill_to; i++)
        assert_err(subscribe_more(l), IOT_OK);
    assert_int_equal(pool_of(l, "subscriptions").used, fill_to);
    if (fill_to == IOT_MQTT_SUBS_MAX)
        refuses(l, subscribe_more);
    town_cut(false, false);
    town_settles(2 * MINUTE);
    town_run(SECOND);
    assert_int_equal(world_broker_session(&town.broker, l->name)->sub_count, fill_to);
    town_end();
}

static void subscriptions_are_made_up_to_the_last_slot_and_one_more_is_refused(void **state)
{
    (void)state;
    for (fill_to = 1; fill_to <= IOT_MQTT_SUBS_MAX; fill_to++)
        scenario_run_seed(fill_subscriptions, fill_to);
}

/* `fill_to` messages in one burst, all of one QoS. */
static void receive_burst(uint8_t qos)
{
    const struct world_habit habit = {
        .session = IOT_SESSION_KEEP, .parts = true, .qos_max = 2, .keepalive_s = 60};
    struct world_life *l = town_begin(&habit, 1);
    const uint32_t room = qos == 2 ? IOT_MQTT_QOS2_IN_MAX : IOT_MQTT_ACKS_MAX;
    const char *pool = qos == 2 ? "qos2-in" : "acks";

    town.broker.window = WORLD_WINDOW_MAX; /* more than the device can remember */
    town_connects(l, MINUTE);
    town_settles(MINUTE);
    for (uint32_t i = 0; i < fill_to; i++)
        assert_int_equal(town_write(l, qos, 16), 1);
    town_settles(PATIENCE);
    assert_int_equal(got(l), fill_to);
    assert_int_equal(pool_of(l, pool).high, fill_to < room ? fill_to : room);
    assert_int_equal(told_of(l)->losses != 0, qos == 2 && fill_to > room);
    if (told_of(l)->losses != 0)
        assert_err(told_of(l)->loss[0].err, IOT_ERR_MQTT_QOS2_FULL);
    town_end();
}

static void burst_1(void)
{
    receive_burst(1);
}

static void burst_2(void)
{
    receive_burst(2);
}

static void a_burst_of_any_size_is_acknowledged_whole(void **state)
{
    (void)state;
    for (fill_to = 1; fill_to <= IOT_MQTT_QOS2_IN_MAX + 1; fill_to++) {
        printf("burst of %u\n", fill_to);
        scenario_run_seed(burst_1, fill_to);
        scenario_run_seed(burst_2, fill_to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_be_refused),
        cmocka_unit_test(all_allocations_may_be_refused_for_five_seconds),
        cmocka_unit_test(each_pool_may_be_empty_at_each_stage),
        cmocka_unit_test(messages_wait_up_to_the_last_slot_and_one_more_is_refused),
        cmocka_unit_test(subscriptions_are_made_up_to_the_last_slot_and_one_more_is_refused),
        cmocka_unit_test(a_burst_of_any_size_is_acknowledged_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
