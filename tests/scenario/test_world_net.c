/* SPDX-License-Identifier: Apache-2.0 */
/* The net of the world, seen by a device at work on it: each kind of fault happens, is counted, and can be
 * had again from the same seed. */
#include "lamp.h"

#include "world/world_clock.h"
#include "world/world_dns.h"
#include "world/world_wire.h"

#include "lwip/netif.h"

#define MESSAGES   30u
#define PERCENT(n) ((n)*10000u)

static uint64_t up_and_down(uint64_t (*of)(const struct world_lane_counts *c))
{
    return of(world_lane_counts(WORLD_UP)) + of(world_lane_counts(WORLD_DOWN));
}

/* ---- A quiet wire ------------------------------------------------------------------------ */

static void quiet(void)
{
    lamp_begin();
    lamp_connect();
    /* name there and back, SYN and back, CONNECT and back: 5 ms each */
    assert_in_range(world_age_ms(), 30, 31);
    lamp_deliver(MESSAGES);
    assert_int_equal(broker.publishes, MESSAGES);
    assert_int_equal(world_dns_questions(), 1);
    for (int way = 0; way < 2; way++) {
        const struct world_lane_counts *c = world_lane_counts((enum world_way)way);
        assert_true(c->sent >= 6 && c->bytes > 400);
        assert_true(c->delivered + world_wire_load() >= c->sent);
        assert_int_equal(c->lost + c->duplicated + c->reordered + c->corrupted + c->cut + c->dead +
                             c->tail + c->refused + c->astray,
                         0);
    }
}

static void a_device_connects_and_publishes_over_a_quiet_wire(void **state)
{
    (void)state;
    scenario_run(quiet);
}

static void long_quiet(void)
{
    lamp_begin();
    lamp_connect();
    assert_true(world_ms() < 1ull << 32);
    assert_true(world_loop_until(world_ms() + 3600000u));
    assert_true(world_ms() > 1ull << 32);
    lamp_deliver(1);
    assert_int_equal(lamp.losses, 0);
    assert_int_equal(broker.connects, 1);
}

static void a_connection_outlives_the_wrap_of_the_counter(void **state)
{
    (void)state;
    scenario_run(long_quiet);
}

/* ---- Faults of the wire ------------------------------------------------------------------ */

static void set_both(const struct world_lane *lane)
{
    *world_lane(WORLD_UP) = *world_lane(WORLD_DOWN) = *lane;
}

static void storm(void)
{
    lamp_begin();
    set_both(&(struct world_lane){.rate_bps = 64000,
                                  .queue_ms_max = 2000,
                                  .delay_ms = 40,
                                  .jitter_ms = 30,
                                  .loss = PERCENT(5),
                                  .duplicate = PERCENT(5),
                                  .reorder = PERCENT(5),
                                  .corrupt = PERCENT(5)});
    lamp_deliver(300);
}

static void one_seed_is_one_trace_and_another_is_another(void **state)
{
    (void)state;
    uint64_t first = scenario_run_seed(storm, 7);
    assert_true(first == scenario_run_seed(storm, 7));
    assert_true(first != scenario_run_seed(storm, 8));

    /* without a fault the wire draws nothing: what differs are lwIP's ports and numbers */
    first = scenario_run_seed(quiet, 7);
    assert_true(first == scenario_run_seed(quiet, 7));
    assert_true(first != scenario_run_seed(quiet, 8));
}

static uint64_t lost(const struct world_lane_counts *c)
{
    return c->lost;
}
static uint64_t duplicated(const struct world_lane_counts *c)
{
    return c->duplicated;
}
static uint64_t reordered(const struct world_lane_counts *c)
{
    return c->reordered;
}
static uint64_t corrupted(const struct world_lane_counts *c)
{
    return c->corrupted;
}

static void each_fault(void)
{
    const struct {
        struct world_lane lane;
        uint64_t (*of)(const struct world_lane_counts *c);
    } faults[] = {
        {{.queue_ms_max = 4000, .delay_ms = 5, .loss = PERCENT(20)}, lost},
        {{.queue_ms_max = 4000, .delay_ms = 5, .duplicate = PERCENT(50)}, duplicated},
        {{.queue_ms_max = 4000, .delay_ms = 5, .reorder = PERCENT(30)}, reordered},
        {{.queue_ms_max = 4000, .delay_ms = 5, .corrupt = PERCENT(20)}, corrupted},
    };

    lamp_begin();
    for (size_t i = 0; i < COUNT(faults); i++) {
        set_both(&faults[i].lane);
        for (int message = 0; message < 60; message++)
            lamp_deliver(1); /* a frame each */
        for (size_t j = 0; j < COUNT(faults); j++)
            assert_int_equal(up_and_down(faults[j].of) != 0, j <= i);
        assert_true(up_and_down(faults[i].of) >= 5);
    }
    /* a flipped bit never reaches a payload: messages out of order or unknown would have shown */
    for (uint32_t i = lamp.wanted; i < COUNT(broker.seen); i++)
        assert_false(broker.seen[i]);
}

static void each_fault_of_the_wire_happens_and_messages_pass_it(void **state)
{
    (void)state;
    scenario_run(each_fault);
}

static void slow_line(void)
{
    lamp_begin();
    lamp_connect();
    world_lane(WORLD_UP)->rate_bps = 8000; /* a byte per ms */
    uint64_t from = world_ms(), bytes = world_lane_counts(WORLD_UP)->bytes;
    lamp_deliver(100);
    bytes = world_lane_counts(WORLD_UP)->bytes - bytes;
    assert_true(bytes > 100u * 116u);
    assert_true(world_ms() - from >= bytes);

    world_lane(WORLD_UP)->queue_ms_max = 100;
    world_lane(WORLD_UP)->duplicate = PERCENT(100); /* the twin has to wait for its brother */
    lamp_deliver(100);
    assert_true(world_lane_counts(WORLD_UP)->tail > 0);
}

static void a_rate_delays_and_its_queue_has_an_end(void **state)
{
    (void)state;
    scenario_run(slow_line);
}

static void cuts(void)
{
    lamp_begin();
    world_lane(WORLD_DOWN)->cut = true;
    lamp_loses(IOT_ERR_DNS_TIMEOUT);
    world_wire_calm();
    lamp_connect();

    world_lane(WORLD_UP)->cut = true;
    lamp_loses(IOT_ERR_MQTT_PING_TIMEOUT);
    assert_true(world_lane_counts(WORLD_UP)->cut > 0 && world_lane_counts(WORLD_DOWN)->cut > 0);
    lamp_loses(IOT_ERR_TCP_TIMEOUT);
    world_wire_calm();
    lamp_connect();

    uint64_t dead = world_lane_counts(WORLD_UP)->dead;
    world_wire_link(false);
    lamp_loses(IOT_ERR_MQTT_PING_TIMEOUT);
    assert_true(world_lane_counts(WORLD_UP)->dead > dead);
    world_wire_calm();
    lamp_connect();

    world_wire_admin(false);
    lamp_loses(IOT_ERR_MQTT_PING_TIMEOUT);
    world_wire_calm();
    lamp_deliver(1);
}

static void nothing_passes_a_cut_a_dead_link_a_closed_interface(void **state)
{
    (void)state;
    scenario_run(cuts);
}

static void new_address(void)
{
    lamp_begin();
    lamp_deliver(1);
    world_wire_address(7);
    lamp_loses(IOT_ERR_TCP_ABORTED);
    lamp_deliver(1);
    assert_int_equal(ip4_addr4(netif_ip4_addr(world_wire_dev())), 7);
}

static void another_address_aborts_and_the_device_comes_back(void **state)
{
    (void)state;
    scenario_run(new_address);
}

/* ---- Names ------------------------------------------------------------------------------- */

static void dns_modes(void)
{
    world_dns_mode(WORLD_DNS_UNKNOWN, 0);
    lamp_begin();
    lamp_loses(IOT_ERR_DNS_UNKNOWN);
    world_dns_mode(WORLD_DNS_FAILURE, 0);
    lamp_loses(IOT_ERR_DNS_UNKNOWN);
    world_dns_mode(WORLD_DNS_SILENT, 0);
    lamp_loses(IOT_ERR_DNS_TIMEOUT);
    world_dns_mode(WORLD_DNS_WRONG, 0);
    lamp_loses(IOT_ERR_TCP_TIMEOUT);
    assert_true(world_lane_counts(WORLD_UP)->astray > 0);
    assert_int_equal(lamp.connects, 0);

    world_dns_mode(WORLD_DNS_SLOW, 1500);
    lamp_connect();
    assert_true(world_dns_questions() >= 5);
}

static void each_mood_of_the_name_server_has_its_error(void **state)
{
    (void)state;
    scenario_run(dns_modes);
}

static void other_name(void)
{
    lamp_begin();
    lamp.options.host = "Other.world";
    lamp_loses(IOT_ERR_DNS_UNKNOWN);
    world_dns_name("other.world");
    lamp_connect();
}

static void a_name_is_known_when_it_was_given(void **state)
{
    (void)state;
    scenario_run(other_name);
}

/* ---- Time -------------------------------------------------------------------------------- */

static void frozen(void)
{
    lamp_begin();
    lamp_deliver(1);
    uint64_t before = world_ms();
    world_loop_freeze(20000);
    assert_int_equal(world_ms() - before, 20000);
    lamp_deliver(1);
    assert_int_equal(lamp.losses, 0);

    /* Half the messages are on the wire when it stands still: they have piled up behind it. */
    lamp.wanted += 10;
    assert_true(world_loop_until(world_ms() + 1));
    assert_true(world_wire_load() > 0);
    world_loop_freeze(90000);
    assert_true(world_wire_next() < world_ms());
    lamp_deliver(1);
}

static void a_loop_that_stood_still_goes_on(void **state)
{
    (void)state;
    scenario_run(frozen);
}

static uint64_t spin(void *ctx, uint64_t now)
{
    (void)ctx;
    return now;
}

static void spinning(void)
{
    static struct world_actor actor = {.tick = spin};

    scenario_expect_violations(1);
    world_loop_add(&actor);
    assert_false(world_loop_until(world_ms() + 1000));
    assert_int_equal(world_age_ms(), 0);
    assert_true(world_loop_turns() <= WORLD_TURNS_MAX + 1);
}

static void a_world_that_spins_is_stopped(void **state)
{
    (void)state;
    scenario_run(spinning);
}

static struct world_actor leaver, second;

static uint64_t leave_at_once(void *ctx, uint64_t now)
{
    (void)ctx;
    world_loop_remove(&leaver);
    world_loop_remove(&second);
    return now;
}

static uint64_t count_tick(void *ctx, uint64_t now)
{
    ++*(uint32_t *)ctx;
    return now + 100;
}

static void leaving(void)
{
    static uint32_t ticks_of_second, ticks_of_third;
    static struct world_actor third = {.tick = count_tick, .ctx = &ticks_of_third};

    leaver.tick = leave_at_once;
    second = (struct world_actor){.tick = count_tick, .ctx = &ticks_of_second};
    world_loop_add(&leaver);
    world_loop_add(&second);
    world_loop_add(&third);
    assert_true(world_loop_until(world_ms() + 1000));
    assert_int_equal(ticks_of_second, 0);
    assert_true(ticks_of_third >= 11);
}

static void an_actor_may_remove_itself_and_others(void **state)
{
    (void)state;
    scenario_run(leaving);
}

/* ---- Who makes work for whom ------------------------------------------------------------- */

static uint64_t work_from, done_at;

static uint64_t work(void *ctx, uint64_t now)
{
    (void)ctx;
    if (work_from != 0 && done_at == 0)
        done_at = now;
    return WORLD_NEVER;
}

static uint64_t make_work(void *ctx, uint64_t now)
{
    uint64_t *at = ctx;

    if (*at == 0)
        *at = now + 123;
    if (now < *at)
        return *at;
    if (work_from == 0)
        work_from = now;
    return WORLD_NEVER;
}

static void late_work(void)
{
    static uint64_t at;
    static struct world_actor worker = {.tick = work}, maker = {.tick = make_work, .ctx = &at};

    world_loop_add(&worker);
    world_loop_add(&maker);
    assert_true(world_loop_until(world_ms() + 10000));
    assert_int_equal(work_from, at);
    assert_int_equal(done_at, at);
}

static void what_a_later_actor_asks_is_done_in_the_same_moment(void **state)
{
    (void)state;
    scenario_run(late_work);
}

static uint64_t count_only(void *ctx, uint64_t now)
{
    (void)now;
    ++*(uint32_t *)ctx;
    return WORLD_NEVER;
}

static uint64_t stir_once(void *ctx, uint64_t now)
{
    static uint64_t at;

    if (at == 0)
        at = now + 5000;
    if (now < at)
        return at;
    world_loop_stir(ctx);
    return WORLD_NEVER;
}

/* For 10 s nothing but lwIP's timers passes; in their middle somebody is stirred. */
static void attending(void)
{
    static uint32_t each, busy, stirred, ever;
    static struct world_actor
        waiter = {.tick = count_only, .ctx = &stirred, .attention = WORLD_STIRRED},
        other = {.tick = count_only, .ctx = &ever, .attention = WORLD_STIRRED},
        eager = {.tick = count_only, .ctx = &each},
        half = {.tick = count_only, .ctx = &busy, .attention = WORLD_BUSY_TURN},
        stirrer = {.tick = stir_once, .ctx = &waiter, .attention = WORLD_STIRRED};

    world_loop_add(&waiter);
    world_loop_add(&other);
    world_loop_add(&eager);
    world_loop_add(&half);
    world_loop_add(&stirrer);
    assert_true(world_loop_until(world_ms() + 10000));
    assert_int_equal(stirred, 2); /* and at the beginning */
    assert_int_equal(ever, 1);
    assert_in_range(busy, 3, 8);
    assert_true(each >= 10);
}

static void an_actor_is_called_when_it_asked_to_be(void **state)
{
    (void)state;
    scenario_run(attending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_connects_and_publishes_over_a_quiet_wire),
        cmocka_unit_test(a_connection_outlives_the_wrap_of_the_counter),
        cmocka_unit_test(one_seed_is_one_trace_and_another_is_another),
        cmocka_unit_test(each_fault_of_the_wire_happens_and_messages_pass_it),
        cmocka_unit_test(a_rate_delays_and_its_queue_has_an_end),
        cmocka_unit_test(nothing_passes_a_cut_a_dead_link_a_closed_interface),
        cmocka_unit_test(another_address_aborts_and_the_device_comes_back),
        cmocka_unit_test(each_mood_of_the_name_server_has_its_error),
        cmocka_unit_test(a_name_is_known_when_it_was_given),
        cmocka_unit_test(a_loop_that_stood_still_goes_on),
        cmocka_unit_test(a_world_that_spins_is_stopped),
        cmocka_unit_test(what_a_later_actor_asks_is_done_in_the_same_moment),
        cmocka_unit_test(an_actor_may_remove_itself_and_others),
        cmocka_unit_test(an_actor_is_called_when_it_asked_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
