/* SPDX-License-Identifier: Apache-2.0 */
/* A thousand devices at one broker: switched on together, thrown out together, cut off together. They come back
 * spread over time, nobody is lost, and each needs its own bytes and no more. */
#include "scenario.h"

#include "world/world_pools.h"
#include "world/world_town.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "heap_trap.h"

#include "lwip/netif.h"

#define CROWD       1000u
#define SECOND      1000u
#define MINUTE      60000u
#define SECONDS_MAX 1024u
#define OUTAGE_MS   (1u * MINUTE)
#define CUT_MS      (10u * MINUTE)
#define WELL_MS     (5u * MINUTE)

/* Nothing has any: the ladder of waits is that of iot_mqtt_backoff.c, n = 0, 1, 2 ...
 *
 *     random between 250 ms and H(n) = min(60 s, 1 s x 2^n)
 *
 * so that no second holds more than 1 / (H(n) - 0.25 s) of those who wait in step n, whenever they began, and a
 * device comes once: the first attempt succeeds when the broker is back.
 *
 * An outage of 60 s: steps 0 to 4 take 31 s at most, so all wait in step 5 or above when it ends. Of each device
 * step 5 may fall into a given second with chance 1 / 31.75, and a later one with 1 / 59.75; on average less than
 * two of those have begun by then. 65 of 1,000 at most, and five times the root of it for chance.
 *
 * A cut of 10 minutes: an attempt takes 15 s, its wait 30 s on average, so 22 of 1,000 begin in a second. lwIP repeats
 * a SYN every 3 s, for the first time after 2.5 s and more: six of them, and any may be the first to get through. 133,
 * and chance. */
#define EXPECTED_OUTAGE (CROWD / 31.75 + 2 * CROWD / 59.75)
#define EXPECTED_CUT    (CROWD * 6 / 45.125)

/* The longest wait; and an attempt that began while nobody answered, with the wait behind it. */
#define BACK_OUTAGE_MS (60u * SECOND + SECOND)
#define BACK_CUT_MS    (75u * SECOND + SECOND)

static struct world_town town;
static struct world_habit habits[CROWD];

static struct {
    uint64_t since;           /* of the watch */
    uint32_t accepted;        /* by the server, until the second that passes */
    uint32_t in[SECONDS_MAX]; /* each second */
    uint32_t seconds;
    bool all_up, all_well;
    uint64_t up_ms; /* from `since` on; by the second */
} seen;

/* ---- Watching ------------------------------------------------------------------------------------------- */

static bool are_up(void)
{
    for (uint32_t i = 0; i < CROWD; i++)
        if (!town.lives[i].up)
            return false;
    return true;
}

/* Once a second: to ask a thousand is not cheap. */
static uint64_t observe(void *ctx, uint64_t now)
{
    (void)ctx;
    if (now < seen.since + (seen.seconds + 1) * SECOND)
        return seen.since + (seen.seconds + 1) * SECOND;
    uint32_t accepted = world_server_accepted();
    if (seen.seconds < SECONDS_MAX)
        seen.in[seen.seconds] = accepted - seen.accepted;
    seen.accepted = accepted;
    seen.seconds++;
    bool up = are_up();
    if (up && !seen.all_up)
        seen.up_ms = now - seen.since;
    seen.all_up = up;
    seen.all_well = up && world_town_is_well(&town);
    return now + SECOND;
}

static void watch_from_now(void)
{
    memset(&seen, 0, sizeof seen);
    seen.since = world_ms();
    seen.accepted = world_server_accepted();
}

static uint32_t peak(void)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < seen.seconds && i < SECONDS_MAX; i++)
        most = seen.in[i] > most ? seen.in[i] : most;
    return most;
}

static bool is_somebody_away(void *ctx)
{
    (void)ctx;
    return !seen.all_up;
}

static bool is_somebody_unwell(void *ctx)
{
    (void)ctx;
    return !seen.all_well;
}

static void run(uint64_t ms)
{
    assert_true(world_loop_until(world_ms() + ms));
}

/* ---- A thousand lives ----------------------------------------------------------------------------------- */

static void begin(void)
{
    static struct world_actor observer = {.tick = observe, .attention = WORLD_STIRRED};

    for (uint32_t i = 0; i < CROWD; i++)
        habits[i] = (struct world_habit){.session = (enum iot_session_kind)(i % 3),
                                         .parts = true,
                                         .qos_max = 2,
                                         .keepalive_s = 60,
                                         .publish_ms = 2 * MINUTE};
    world_town_start(&town, scenario_seed(), habits, CROWD);
    for (uint32_t i = 0; i < CROWD; i++)
        town.lives[i].opt.host = WORLD_CLOUD_ADDRESS;
    town.write_ms = 5 * MINUTE;
    watch_from_now();
    world_loop_add(&observer);
}

static void all_are_back(uint64_t within_ms)
{
    if (!world_loop_while(is_somebody_away, NULL, within_ms)) {
        world_town_complain(&town);
        fail_msg("not all are back after %u ms", (unsigned)within_ms);
    }
}

static void no_second_has_more_than(double expected)
{
    double above = peak() - expected;

    if (above > 0 && above * above > 25 * expected)
        fail_msg("%u connects in one second, %.0f were expected", peak(), expected);
}

static bool is_somebody_open(void *ctx)
{
    (void)ctx;
    for (uint32_t i = 0; i < CROWD; i++)
        if (town.lives[i].begun)
            return true;
    return false;
}

/* Everybody gets well, and closes; nobody's messages and none of lwIP's memory is missing. */
static void end(void)
{
    town.write_ms = 0;
    for (uint32_t i = 0; i < CROWD; i++)
        town.lives[i].quiet = true;
    seen.all_well = false;
    if (!world_loop_while(is_somebody_unwell, NULL, WELL_MS)) {
        world_town_complain(&town);
        fail_msg("not all are well");
    }
    for (uint32_t i = 0; i < CROWD; i++) {
        assert_true(world_life_close(&town.lives[i], 2 * SECOND, MINUTE));
        town.lives[i].reopen_at = WORLD_NEVER;
    }
    assert_true(world_loop_while(is_somebody_open, NULL, MINUTE));
    uint32_t messages = 0;
    for (uint32_t i = 0; i < CROWD; i++) {
        const struct world_counts *n = &town.lives[i].ledger.counts;
        world_life_over(&town.lives[i]);
        messages += n->done[0] + n->done[1] + n->done[2] + n->got[0] + n->got[1] + n->got[2];
    }
    assert_true(messages > CROWD);
    world_server_restart(60 * MINUTE, false, world_ms());
    world_pools_settle();
}

/* The library waits for nothing before the first attempt: who switches a thousand on at once should spread
 * that himself. */
static void switch_on(void)
{
    begin();
    all_are_back(10 * SECOND);
    print_message("figure: %u switched on in one ms: all connected within %u s\n", CROWD,
                  (unsigned)(seen.up_ms / SECOND));
    run(2 * MINUTE);
    assert_int_equal(world_server_accepted(), CROWD);
    end();
}

static void a_thousand_can_be_switched_on_in_one_ms(void **state)
{
    (void)state;
    scenario_run(switch_on);
}

static void outage(void)
{
    begin();
    all_are_back(10 * SECOND);
    run(2 * MINUTE);
    world_server_restart(OUTAGE_MS, true, world_ms());
    run(OUTAGE_MS);
    watch_from_now();
    all_are_back(BACK_OUTAGE_MS);
    print_message(
        "figure: broker away for %u s: %u connects in the busiest second, all %u back after "
        "%u s\n",
        OUTAGE_MS / SECOND, peak(), CROWD, (unsigned)(seen.up_ms / SECOND));
    no_second_has_more_than(EXPECTED_OUTAGE);
    end();
}

static void after_an_outage_a_thousand_come_back_spread(void **state)
{
    (void)state;
    scenario_run(outage);
}

static void cut(void)
{
    begin();
    all_are_back(10 * SECOND);
    run(2 * MINUTE);
    world_lane(WORLD_UP)->cut = world_lane(WORLD_DOWN)->cut = true;
    run(CUT_MS);
    world_wire_calm();
    watch_from_now();
    all_are_back(BACK_CUT_MS);
    print_message("figure: wire cut for %u s: %u connects in the busiest second, all %u back after "
                  "%u s\n",
                  CUT_MS / SECOND, peak(), CROWD, (unsigned)(seen.up_ms / SECOND));
    no_second_has_more_than(EXPECTED_CUT);
    end();
}

static void after_a_cut_wire_a_thousand_come_back_spread(void **state)
{
    (void)state;
    scenario_run(cut);
}

/* ---- A thousand devices and nothing else ---------------------------------------------------------------- */

static struct {
    struct iot_device devices[CROWD];
    char ids[CROWD][8];
    struct iot_options options[CROWD];
    struct iot_port port;
    struct world_board board; /* of all */
    struct world_broker broker;
    struct world_actor actors[CROWD + 1];
    uint32_t up, done, got;
} bare;

static netif_output_fn wire_output;
static bool is_in_tick;

static void trap(bool on)
{
    is_in_tick = on;
    if (on)
        heap_trap_on();
    else
        heap_trap_off();
}

/* A frame is the wire's, and not the library's memory. */
static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    bool was_in_tick = is_in_tick;

    trap(false);
    err_t err = wire_output(netif, p, to);
    trap(was_in_tick);
    return err;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    bare.up += ev->kind == IOT_EV_CONNECTED;
    bare.up -= ev->kind == IOT_EV_LOST && bare.up != 0;
    bare.done += ev->kind == IOT_EV_DONE;
    bare.got += ev->kind == IOT_EV_MESSAGE;
}

static uint64_t tick(void *ctx, uint64_t now)
{
    trap(true);
    uint32_t ms = iot_poll(ctx, (uint32_t)now);
    trap(false);
    return ms == IOT_MS_NEVER ? WORLD_NEVER : now + ms;
}

static bool are_not_all_done(void *ctx)
{
    (void)ctx;
    return bare.up < CROWD || bare.done < CROWD || bare.got < CROWD;
}

/* All connect, publish to themselves, are thrown out, and come back. */
static void live_without_a_heap(void)
{
    const struct iot_filter filter = {.filter = IOT_TOPIC("to/all"), .qos = 1};
    const struct iot_msg msg = {.topic = IOT_TOPIC("from/one"), .payload = BYTES("x"), .qos = 1};

    world_broker_init(&bare.broker, NULL, NULL);
    world_server_start(&bare.broker);
    world_board_start(&bare.board, scenario_seed(), 0);
    world_board_port(&bare.board, &bare.port);
    bare.actors[CROWD].tick = world_server_tick;
    world_loop_add(&bare.actors[CROWD]);
    uint32_t heap_calls = heap_trap_calls();
    for (uint32_t i = 0; i < CROWD; i++) {
        snprintf(bare.ids[i], sizeof bare.ids[i], "b%u", i);
        bare.options[i] = (struct iot_options){.host = WORLD_CLOUD_ADDRESS,
                                               .netif = world_wire_dev(),
                                               .client_id = bare.ids[i],
                                               .session = IOT_SESSION_KEEP,
                                               .keepalive_s = 60,
                                               .on_event = on_event,
                                               .port_ops = &bare.port};
        assert_err(iot_device_init(&bare.devices[i], &bare.options[i]), IOT_OK);
        assert_err(iot_device_connect(&bare.devices[i]), IOT_OK);
        assert_err(iot_mqtt_subscribe(&bare.devices[i], &filter, NULL), IOT_OK);
        assert_err(iot_mqtt_publish(&bare.devices[i], &msg, NULL), IOT_OK);
        bare.actors[i].tick = tick;
        bare.actors[i].ctx = &bare.devices[i];
        world_loop_add(&bare.actors[i]);
    }
    assert_int_equal(heap_trap_calls(), heap_calls);
    wire_output = world_wire_dev()->output;
    world_wire_dev()->output = output;
    run(SECOND);
    assert_int_equal(bare.up, CROWD);
    world_server_restart(SECOND, true, world_ms());
    run(10 * SECOND);
    assert_int_equal(world_broker_publish(&bare.broker, "to/all", BYTES("y"), 1, false, world_ms()),
                     CROWD);
    assert_true(world_loop_while(are_not_all_done, NULL, MINUTE));
    print_message("figure: one device on this machine: %u bytes, and nothing else\n",
                  (unsigned)sizeof bare.devices[0]);
}

static void a_device_needs_its_own_bytes_and_no_more(void **state)
{
    (void)state;
    scenario_run(live_without_a_heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_can_be_switched_on_in_one_ms),
        cmocka_unit_test(after_an_outage_a_thousand_come_back_spread),
        cmocka_unit_test(after_a_cut_wire_a_thousand_come_back_spread),
        cmocka_unit_test(a_device_needs_its_own_bytes_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
