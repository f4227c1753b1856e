/* SPDX-License-Identifier: Apache-2.0 */
/* A device of the platform is sent away: by CONNACK, by a kick right after its login, by flow control. It stays away for
 * 5 to 7.5 minutes and comes back by itself. */
#include "town.h"

#define STAY_AWAY_MS 300000u
#define STAY_MAX_MS  450000u
#define BACK_MS      (STAY_MAX_MS + SECOND)
#define EMULATOR     (&town.cloud.cloud)
#define DEVICE       0

static const struct world_habit of_the_platform = {
    .platform = true, .session = IOT_SESSION_KEEP, .qos_max = 1, .keepalive_s = 60};

static uint32_t last_delay_ms(const struct world_life *l)
{
    return told_of(l)->loss[l->losses - 1].delay_ms;
}

static void is_sent_away(const struct world_life *l, iot_err name, uint64_t within_ms)
{
    town_loses(l, name, within_ms);
    assert_within(last_delay_ms(l), STAY_AWAY_MS, STAY_MAX_MS);
}

/* It is back when it said, and works. */
static void comes_back(struct world_life *l)
{
    uint32_t told_ms = last_delay_ms(l), done_before = done(l), got_before = got(l);

    assert_within(town_connects(l, BACK_MS), told_ms, told_ms + 100);
    assert_err(town_say(l, 1, 40), IOT_OK);
    assert_int_equal(town_write(l, 1, 40), 1);
    town_settles(SECOND);
    assert_int_equal(done(l), done_before + 1);
    assert_int_equal(got(l), got_before + 1);
}

static void kick(struct world_life *l, enum world_end end)
{
    assert_true(world_broker_kick(&town.broker, world_town_id(&town, l), end, world_ms()));
}

/* ---- Refused -------------------------------------------------------------------------------------- */

static int refusal; /* 0: as the emulator says */
static int (*login)(void *ctx, int conn, const struct world_mqtt_connect *c, uint64_t now);

static int refuse(void *ctx, int conn, const struct world_mqtt_connect *c, uint64_t now)
{
    return refusal != 0 ? refusal : login(ctx, conn, c, now);
}

static struct {
    int code;
    iot_err name;
} connack;

static void refused(void)
{
    struct world_life *l = town_with(of_the_platform);
    uint64_t since = world_ms();
    uint32_t losses;

    login = town.broker.policy.login;
    town.broker.policy.login = refuse;
    refusal = connack.code;
    kick(l, WORLD_END_RESET);
    town_loses(l, IOT_ERR_TCP_RESET, 100);
    is_sent_away(l, connack.name, 2 * SECOND);
    losses = l->losses;
    world_life_hint(
        l, IOT_NETWORK_UP); /* that the network has come does not change the platform's mind */
    world_life_hint(l, IOT_NETWORK_CHANGED);
    town_run(STAY_AWAY_MS - SECOND);
    assert_int_equal(l->losses, losses);
    town_run(HOUR);
    for (uint32_t i = losses; i < l->losses; i++) {
        assert_err(told_of(l)->loss[i].err, connack.name);
        assert_within(told_of(l)->loss[i].delay_ms, STAY_AWAY_MS, STAY_MAX_MS);
    }
    assert_within(l->losses, (world_ms() - since) / STAY_MAX_MS,
                  (world_ms() - since) / STAY_AWAY_MS + 2);
    refusal = 0;
    town_connects(l, BACK_MS);
    assert_err(town_say(l, 1, 40), IOT_OK);
    town_end();
    assert_int_equal(done(l), 1);
}

static void a_refused_login_is_tried_again_in_five_to_seven_and_a_half_minutes(void **state)
{
    (void)state;
    connack.code = 5;
    connack.name = IOT_ERR_LINK_DENIED;
    scenario_run(refused);
    connack.code = 4;
    connack.name = IOT_ERR_LINK_SECRET;
    scenario_run(refused);
    connack.code = 2;
    connack.name = IOT_ERR_LINK_CLIENT_ID;
    scenario_run(refused);
}

/* CONNACK 3 is a matter of the server's health. */
static void unavailable(void)
{
    struct world_life *l = town_with(of_the_platform);

    login = town.broker.policy.login;
    town.broker.policy.login = refuse;
    refusal = 3;
    kick(l, WORLD_END_RESET);
    town_loses(l, IOT_ERR_TCP_RESET, 100);
    for (int i = 0; i < 10; i++) {
        town_loses(l, IOT_ERR_MQTT_REFUSED, MINUTE + SECOND);
        assert_within(last_delay_ms(l), 250, MINUTE);
    }
    refusal = 0;
    town_connects(l, MINUTE + SECOND);
    town_end();
}

static void a_server_that_is_unavailable_is_tried_by_the_common_ladder(void **state)
{
    (void)state;
    scenario_run(unavailable);
}

/* ---- Kicked --------------------------------------------------------------------------------------- */

static void kicked_soon(void)
{
    struct world_life *l = town_begin(&of_the_platform, 1);

    town_connects(l, SECOND);
    town_run(10 * SECOND);
    assert_true(cloud_kick(EMULATOR, DEVICE, "a second login"));
    is_sent_away(l, IOT_ERR_LINK_TWICE, 2 * SECOND);
    comes_back(l);
    town_end();
}

/* A good link that ends is no verdict, nor is a reset. */
static void kicked_late(void)
{
    struct world_life *l = town_with(of_the_platform);

    assert_true(cloud_kick(EMULATOR, DEVICE, "maintenance"));
    town_loses(l, IOT_ERR_TCP_EOF, 2 * SECOND);
    assert_within(town_connects(l, 2 * SECOND), 250, 1100);
    town_run(SECOND);
    kick(l, WORLD_END_RESET);
    town_loses(l, IOT_ERR_TCP_RESET, 100);
    town_connects(l, 3 * SECOND);
    town_end();
}

static void a_kick_right_after_the_login_is_an_exile_and_a_later_one_is_not(void **state)
{
    (void)state;
    scenario_run(kicked_soon);
    scenario_run(kicked_late);
}

static void disabled(void)
{
    struct world_life *l = town_with(of_the_platform);
    struct iot_filter f = {.filter = IOT_TOPIC("/sys/" WORLD_CLOUD_KEY "/d000/thing/disable")};

    assert_err(iot_mqtt_subscribe(&l->dev, &f, NULL), IOT_OK);
    town_run(SECOND);
    cloud_set_state(EMULATOR, DEVICE, CLOUD_DISABLED, world_ms());
    is_sent_away(l, IOT_ERR_LINK_DISABLED, 2 * SECOND);
    town_loses_any(l, (const iot_err[]){IOT_ERR_LINK_SECRET, IOT_ERR_LINK_DENIED, IOT_OK}, BACK_MS);
    cloud_set_state(EMULATOR, DEVICE, CLOUD_ENABLED, world_ms());
    comes_back(l);
    town_end();
}

static void a_disabled_device_is_told_so_and_is_back_when_it_is_enabled(void **state)
{
    (void)state;
    scenario_run(disabled);
}

/* ---- Flow control --------------------------------------------------------------------------------- */

static void flow_control(void)
{
    struct world_life *l = town_with(of_the_platform);

    cloud_set_flow(EMULATOR, DEVICE, true);
    town_loses(l, IOT_ERR_TCP_EOF, 2 * SECOND);
    is_sent_away(l, IOT_ERR_LINK_FLOW, 2 * SECOND);
    is_sent_away(l, IOT_ERR_LINK_FLOW, BACK_MS);
    cloud_set_flow(EMULATOR, DEVICE, false);
    comes_back(l);
    town_end();
}

static void flow_control_is_an_exile_until_it_is_over(void **state)
{
    (void)state;
    scenario_run(flow_control);
}

/* The emulator counts connects: what a bad link makes of the ladder stays below what it allows. */
static void bad_link(void)
{
    struct world_life *l = town_with(of_the_platform);

    EMULATOR->book.rules.connect_rate = 10;
    for (int i = 0; i < 60; i++) {
        town_connects(l, MINUTE + SECOND);
        town_run(SECOND);
        kick(l, WORLD_END_RESET);
        town_loses(l, IOT_ERR_TCP_RESET, 100);
    }
    town_connects(l, MINUTE + SECOND);
    town_end();
    for (uint32_t i = 0; i < l->losses; i++)
        assert_err(told_of(l)->loss[i].err, IOT_ERR_TCP_RESET);
}

static void links_that_break_after_a_second_do_not_bring_flow_control_about(void **state)
{
    (void)state;
    scenario_run(bad_link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_login_is_tried_again_in_five_to_seven_and_a_half_minutes),
        cmocka_unit_test(a_server_that_is_unavailable_is_tried_by_the_common_ladder),
        cmocka_unit_test(a_kick_right_after_the_login_is_an_exile_and_a_later_one_is_not),
        cmocka_unit_test(a_disabled_device_is_told_so_and_is_back_when_it_is_enabled),
        cmocka_unit_test(flow_control_is_an_exile_until_it_is_over),
        cmocka_unit_test(links_that_break_after_a_second_do_not_bring_flow_control_about),
    };

    return cmocka_run_group_tests_name("life: the platform", tests, NULL, NULL);
}
