/* SPDX-License-Identifier: Apache-2.0 */
/* The broker of the world over the world's wire, with a device of the library: at its best, at its worst, and what
 * the library makes of each kind of misbehaviour. */
#include "scenario.h"

#include "world/world_board.h"
#include "world/world_clock.h"
#include "world/world_dns.h"
#include "world/world_famine.h"
#include "world/world_loop.h"
#include "world/world_server.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "iot/iot_static.h"

#define HOST     "broker.world"
#define PATIENCE (20u * 60000u)
#define NUMBERS  256u

static struct world_broker broker;
static struct iot_device dev;
static struct world_board board;
static struct iot_port port;
static struct iot_options options;

static struct {
    uint32_t connects, losses, published, ended, skipped;
    iot_err reason, legitimate; /* of the latest loss; of the first one that was not */
    uint32_t got[NUMBERS], took[NUMBERS];
    uint32_t sent; /* by the broker's side */
    int kind;
    uint32_t struck;
} seen;

/* ---- Who is there ------------------------------------------------------------------------ */

static void on_complain(void *ctx, const char *id, const char *reason)
{
    (void)ctx;
    world_violation("'%s' breaks %s", id, reason);
}

static void on_took(void *ctx, const char *id, const struct world_message *m, bool fresh)
{
    (void)ctx;
    (void)id;
    if (fresh)
        seen.took[m->payload.ptr[0]]++;
}

static void on_strike(void *ctx, int conn, int kind)
{
    (void)ctx;
    (void)conn;
    world_trace("strikes: %s", world_rude_rows[kind].name);
    seen.struck++;
}

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    (void)ctx;
    (void)device;
    world_trace("event %d, %s %d", (int)ev->kind, iot_err_name(ev->err), (int)ev->detail);
    seen.connects += ev->kind == IOT_EV_CONNECTED;
    seen.ended += ev->kind == IOT_EV_DONE || ev->kind == IOT_EV_FAILED;
    seen.skipped += ev->kind == IOT_EV_SKIPPED;
    if (ev->kind != IOT_EV_LOST)
        return;
    seen.losses++;
    seen.reason = ev->err;
}

static iot_err on_message(void *ctx, struct iot_device *device, const struct iot_msg *msg)
{
    (void)ctx;
    (void)device;
    seen.got[msg->payload.ptr[0]]++;
    return IOT_OK;
}

static uint64_t tick_device(void *ctx, uint64_t now)
{
    (void)ctx;
    uint32_t ms = iot_poll(&dev, (uint32_t)now);
    return ms == IOT_MS_NEVER ? WORLD_NEVER : now + ms;
}

static void begin(enum iot_session_kind session)
{
    static const struct world_broker_watch watch = {.took = on_took, .complain = on_complain};
    static struct world_actor device = {.tick = tick_device}, server = {.tick = world_server_tick};
    static const struct iot_filter filter = {
        .filter = IOT_TOPIC("down/#"), .qos = 2, .on_message = on_message};

    world_broker_init(&broker, NULL, &watch);
    world_server_start(&broker);
    world_server_rude()->on_strike = on_strike;
    world_dns_name(HOST);
    world_board_start(&board, scenario_seed(), 0);
    world_board_port(&board, &port);
    options = (struct iot_options){.host = HOST,
                                   .netif = world_wire_dev(),
                                   .client_id = "d",
                                   .session = session,
                                   .keepalive_s = 20,
                                   .on_event = on_event,
                                   .port_ops = &port};
    assert_err(iot_device_init(&dev, &options), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    assert_err(iot_mqtt_subscribe(&dev, &filter, NULL), IOT_OK);
    world_loop_add(&device);
    world_loop_add(&server);
}

static bool is_away(void *ctx)
{
    (void)ctx;
    return !iot_device_connected(&dev) || !world_broker_online(&broker, "d");
}

static void arrive(void)
{
    assert_true(world_loop_while(is_away, NULL, PATIENCE));
}

static bool has_no_loss(void *ctx)
{
    return seen.losses == *(uint32_t *)ctx;
}

static void lose(iot_err reason)
{
    uint32_t before = seen.losses;

    assert_true(world_loop_while(has_no_loss, &before, PATIENCE));
    assert_err(seen.reason, reason);
}

static void rest(uint32_t ms)
{
    assert_true(world_loop_until(world_ms() + ms));
}

/* One message of each quality both ways. */
static void exchange(void)
{
    for (uint8_t qos = 1; qos <= 2; qos++) {
        uint8_t number = (uint8_t)seen.published;
        struct iot_msg msg = {.topic = IOT_TOPIC("up"), .payload = {&number, 1}, .qos = qos};
        if (iot_mqtt_publish(&dev, &msg, NULL) == IOT_OK)
            seen.published++;
        number = (uint8_t)seen.sent;
        if (world_broker_publish(&broker, "down/x", (struct iot_bytes){&number, 1}, qos, false,
                                 world_ms()) == 1)
            seen.sent++;
    }
}

static bool is_busy(void *ctx)
{
    const struct world_session *s = world_broker_session(&broker, "d");

    (void)ctx;
    return !iot_device_connected(&dev) || seen.ended < seen.published || s == NULL ||
           s->delivery_count + s->queue_count != 0;
}

/* Nothing is under way any more; what was accepted was taken, what was queued was got. */
static void settle(void)
{
    if (!world_loop_while(is_busy, NULL, PATIENCE))
        fail_msg("%u of %u ended, %s", seen.ended, seen.published,
                 iot_device_connected(&dev) ? "connected" : "away");
    rest(5000);
}

static void all_arrived(void)
{
    settle();
    assert_int_equal(seen.sent, seen.published);
    for (uint32_t i = 0; i < seen.published; i++) {
        assert_true(seen.took[i] >= 1);
        assert_true(seen.got[i] >= 1);
    }
}

/* ---- At its best ------------------------------------------------------------------------- */

static void messages(void)
{
    begin(IOT_SESSION_KEEP);
    arrive();
    rest(1000);
    for (int i = 0; i < 20; i++) {
        exchange();
        rest(2000);
    }
    all_arrived();
    assert_int_equal(seen.losses, 0);
    for (uint32_t i = 0; i < seen.published; i++)
        assert_int_equal(seen.got[i] + seen.took[i], 2);
    rest(3600000);
    assert_int_equal(seen.losses, 0);
    assert_int_equal(world_server_connections(), 1);
    assert_err(iot_device_close(&dev, 1000), IOT_OK);
    rest(10000);
    assert_int_equal(world_server_connections(), 0);
    assert_int_equal(broker.complaints, 0);
}

static void messages_of_all_qualities_go_both_ways_and_the_link_lives(void **state)
{
    (void)state;
    uint64_t one = scenario_run(messages);
    assert_true(one == scenario_run(messages));
}

static void slow_answers(void)
{
    begin(IOT_SESSION_KEEP);
    world_server_ack_delay(3000);
    arrive();
    rest(7000);
    uint64_t start = world_ms();
    exchange();
    all_arrived();
    assert_true(world_ms() - start >= 6000);
    assert_int_equal(seen.losses, 0);
}

static void answers_can_take_their_time(void **state)
{
    (void)state;
    scenario_run(slow_answers);
}

/* ---- Down, shut, hung, hungry ------------------------------------------------------------- */

static void restarts(void)
{
    begin(IOT_SESSION_KEEP);
    for (int i = 0; i < 6; i++) {
        arrive();
        rest(1000);
        exchange();
        if (i % 3 != 0)
            rest(i % 3 == 1 ? 7 : 500);
        world_server_restart(30000, i % 2 == 0, world_ms());
        assert_int_equal(world_server_connections(), 0);
        rest(25000);
        assert_false(iot_device_connected(&dev));
    }
    settle();
    for (uint32_t i = 0; i < seen.published; i++)
        assert_true(seen.took[i] >= 1);
}

static void a_restart_ends_connections_and_a_shut_port_refuses(void **state)
{
    (void)state;
    scenario_run(restarts);
}

static void shut(void)
{
    begin(IOT_SESSION_KEEP);
    arrive();
    world_server_mode(WORLD_SERVER_SHUT);
    rest(60000);
    assert_true(iot_device_connected(&dev));
    world_broker_kick(&broker, "d", WORLD_END_FIN, world_ms());
    lose(IOT_ERR_TCP_EOF);
    lose(IOT_ERR_TCP_REFUSED);
    world_server_mode(WORLD_SERVER_HUNG);
    lose(IOT_ERR_MQTT_CONNACK_TIMEOUT);
    world_server_mode(WORLD_SERVER_OPEN);
    arrive();
    exchange();
    all_arrived();
    world_server_mode(WORLD_SERVER_HUNG);
    lose(IOT_ERR_MQTT_PING_TIMEOUT);
    world_server_mode(WORLD_SERVER_OPEN);
    exchange();
    all_arrived();
}

static void a_shut_port_refuses_and_a_hung_broker_times_out(void **state)
{
    (void)state;
    scenario_run(shut);
}

static void famine(void)
{
    begin(IOT_SESSION_KEEP);
    world_wire_shield(WORLD_UP, false);
    world_famine_set(50000);
    for (int i = 0; i < 40; i++) {
        rest(3000);
        exchange();
    }
    assert_true(world_famine_refused_all() > 20);
    world_famine_end();
    exchange();
    settle();
    for (uint32_t i = 0; i < seen.published; i++)
        assert_true(seen.took[i] >= 1);
    for (uint32_t i = 0; i < seen.sent; i++)
        assert_true(seen.got[i] >= 1);
}

static void nothing_is_lost_when_memory_is_refused_on_both_sides(void **state)
{
    (void)state;
    scenario_run(famine);
}

static void torn(void)
{
    begin(IOT_SESSION_KEEP);
    world_lane(WORLD_UP)->loss = world_lane(WORLD_DOWN)->loss = 150000;
    world_lane(WORLD_UP)->reorder = world_lane(WORLD_DOWN)->duplicate = 100000;
    for (int i = 0; i < 40; i++) {
        rest(3000);
        exchange();
        if (i % 8 == 7)
            world_broker_kick(&broker, "d", i % 16 == 7 ? WORLD_END_FIN : WORLD_END_RESET,
                              world_ms());
    }
    world_wire_calm();
    settle();
    for (uint32_t i = 0; i < seen.published; i++) /* every second one is QoS 2 */
        assert_true(i % 2 == 0 ? seen.took[i] >= 1 : seen.took[i] == 1);
    for (uint32_t i = 0; i < seen.sent; i++)
        assert_true(i % 2 == 0 ? seen.got[i] >= 1 : seen.got[i] == 1);
}

static void qos_2_comes_once_through_loss_and_kicks(void **state)
{
    (void)state;
    scenario_run(torn);
}

/* ---- Rude ---------------------------------------------------------------------------------- */

/* A kind gets its chance: traffic of all sorts, a pause that is long enough for a ping, traffic again. */
static void meet(void)
{
    const struct world_rude_row *row = &world_rude_rows[seen.kind];
    bool clean = row->what == WORLD_RUDE_PRESENT;

    begin(clean ? IOT_SESSION_CLEAN : IOT_SESSION_KEEP);
    world_rude_arm(world_server_rude(), seen.kind);
    for (int i = 0; i < 10; i++) {
        rest(1000);
        exchange();
    }
    rest(60000);
    for (int i = 0; i < 5; i++) {
        rest(1000);
        exchange();
    }
    rest(2 * WORLD_RUDE_SPELL_MS);
    settle();
    if (seen.struck != 1)
        fail_msg("%s: struck %u times", row->name, seen.struck);
    if (row->expect == WORLD_RUDE_SURVIVE && seen.losses != 0)
        fail_msg("%s: lost, %s", row->name, iot_err_name(seen.reason));
    if (row->expect == WORLD_RUDE_LOSE && seen.losses == 0)
        fail_msg("%s: survived", row->name);
    if (seen.losses != 0 && !world_rude_legitimate(seen.kind, seen.reason))
        fail_msg("%s: lost %u times, %s", row->name, seen.losses, iot_err_name(seen.reason));
    bool large = row->what == WORLD_RUDE_LARGE;
    assert_int_equal(seen.skipped, large ? 1 : 0);
    for (uint32_t i = 0; !clean && i < seen.published; i++)
        assert_true(seen.took[i] >= 1);
}

static void every_kind_of_misbehaviour_is_met_as_the_table_says(void **state)
{
    const char *only = getenv("TEST_KIND");

    (void)state;
    for (int kind = 1; kind < world_rude_count; kind++) {
        if (only != NULL && strcmp(only, world_rude_rows[kind].name) != 0)
            continue;
        seen.kind = kind;
        scenario_run(meet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_all_qualities_go_both_ways_and_the_link_lives),
        cmocka_unit_test(answers_can_take_their_time),
        cmocka_unit_test(a_restart_ends_connections_and_a_shut_port_refuses),
        cmocka_unit_test(a_shut_port_refuses_and_a_hung_broker_times_out),
        cmocka_unit_test(nothing_is_lost_when_memory_is_refused_on_both_sides),
        cmocka_unit_test(qos_2_comes_once_through_loss_and_kicks),
        cmocka_unit_test(every_kind_of_misbehaviour_is_met_as_the_table_says),
    };

    return cmocka_run_group_tests_name("world server", tests, NULL, NULL);
}
