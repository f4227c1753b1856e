/* SPDX-License-Identifier: Apache-2.0 */
/* Links that die, in each way there is: how it is found out, by what name, how soon, and how soon the device is back. */
#include "town.h"

#include "world/world_mqtt.h"

#define KEEPALIVE_S 60u
#define PING_MS     (KEEPALIVE_S * 750u) /* a quarter is kept in hand */
#define ANSWER_MS   10000u               /* for PINGRESP */

static struct world_life *begin(uint16_t keepalive_s)
{
    return town_with((struct world_habit){
        .session = IOT_SESSION_KEEP, .qos_max = 2, .keepalive_s = keepalive_s});
}

/* ---- Keep-alive ----------------------------------------------------------------------------------- */

static bool device_talks, broker_talks;

static void one_way_traffic(void)
{
    struct world_life *l = begin(KEEPALIVE_S);
    uint32_t heard = told_of(l)->heard;

    for (int i = 0; i < 720; i++) { /* an hour */
        if (device_talks)
            assert_err(town_say(l, 0, 40), IOT_OK);
        if (broker_talks)
            town_write(l, 0, 40);
        town_run(5 * SECOND);
    }
    heard = told_of(l)->heard - heard;
    assert_int_equal(l->losses, 0);
    if (device_talks) { /* each message counts: no ping in between */
        assert_int_equal(heard, 720);
        assert_within(told_of(l)->longest_silence_ms, 5 * SECOND, PING_MS);
    } else {
        assert_within(heard, 3600000 / PING_MS - 1, 3600000 / PING_MS + 1);
        assert_within(told_of(l)->longest_silence_ms, PING_MS, PING_MS + 100);
    }
    town_end();
}

static void traffic_one_way_never_silences_a_device_and_spares_pings_where_it_can(void **state)
{
    (void)state;
    scenario_run(one_way_traffic); /* none at all */
    broker_talks = true;
    scenario_run(one_way_traffic);
    device_talks = true;
    scenario_run(one_way_traffic);
    broker_talks = false;
    scenario_run(one_way_traffic);
}

/* ---- Half open ------------------------------------------------------------------------------------ */

enum talk { NOBODY, DEVICE_0, DEVICE_1, BROKER_0, TALKS };

/* How it is found out that the wire was cut, in silence. */
static const struct death {
    uint16_t keepalive_s;
    bool up, down; /* what is cut */
    uint8_t talk;  /* who goes on talking, each second */
    iot_err name;
    uint32_t within_ms;
} deaths[] = {
    {KEEPALIVE_S, true, true, NOBODY, IOT_ERR_MQTT_PING_TIMEOUT, PING_MS + ANSWER_MS},
    {KEEPALIVE_S, true, false, NOBODY, IOT_ERR_MQTT_PING_TIMEOUT, PING_MS + ANSWER_MS},
    {KEEPALIVE_S, false, true, NOBODY, IOT_ERR_MQTT_PING_TIMEOUT, PING_MS + ANSWER_MS},
    {KEEPALIVE_S, true, true, BROKER_0, IOT_ERR_MQTT_PING_TIMEOUT, PING_MS + ANSWER_MS},
    {KEEPALIVE_S, true, false, BROKER_0, IOT_ERR_MQTT_PING_TIMEOUT, PING_MS + ANSWER_MS},
    {KEEPALIVE_S, false, true, BROKER_0, IOT_ERR_MQTT_PING_TIMEOUT, PING_MS + ANSWER_MS},
    {KEEPALIVE_S, true, true, DEVICE_0, IOT_ERR_TCP_STALLED, IOT_STALL_MS + SECOND},
    {KEEPALIVE_S, true, false, DEVICE_0, IOT_ERR_TCP_STALLED, IOT_STALL_MS + SECOND},
    {KEEPALIVE_S, false, true, DEVICE_0, IOT_ERR_TCP_STALLED, IOT_STALL_MS + SECOND},
    {KEEPALIVE_S, true, true, DEVICE_1, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND},
    {KEEPALIVE_S, true, false, DEVICE_1, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND},
    {KEEPALIVE_S, false, true, DEVICE_1, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND},
    /* TCP's own probes: after 60 s, six of them, 10 s apart */
    {0, true, true, NOBODY, IOT_ERR_TCP_ABORTED, 122 * SECOND},
    {0, true, false, NOBODY, IOT_ERR_TCP_ABORTED, 122 * SECOND},
    {0, false, true, NOBODY, IOT_ERR_TCP_ABORTED, 122 * SECOND},
    {0, true, true, DEVICE_0, IOT_ERR_TCP_STALLED, IOT_STALL_MS + SECOND},
    {0, false, true, DEVICE_0, IOT_ERR_TCP_STALLED, IOT_STALL_MS + SECOND},
    {0, true, true, DEVICE_1, IOT_ERR_MQTT_ACK_TIMEOUT, 21 * SECOND},
};
static const struct death *death;

static void talk(struct world_life *l)
{
    if (death->talk == DEVICE_0 || death->talk == DEVICE_1)
        (void)town_say(l, death->talk == DEVICE_1, 40);
    else if (death->talk == BROKER_0)
        town_write(l, 0, 40);
}

static void half_open(void)
{
    struct world_life *l = begin(death->keepalive_s);
    uint64_t since = world_ms();

    town_cut(death->up, death->down);
    while (l->losses == 0 && world_ms() - since < 4 * MINUTE) {
        talk(l);
        town_run(SECOND);
    }
    if (l->losses != 1 || l->last_loss != death->name || l->lost_at - since > death->within_ms)
        fail_msg("row %u: %s after %llu ms, not %s", (unsigned)(death - deaths),
                 iot_err_name(l->last_loss), (unsigned long long)(l->lost_at - since),
                 iot_err_name(death->name));
    town_run(5 * MINUTE);
    assert_false(l->up);
    town_cut(false, false);
    town_connects(l, MINUTE + 15 * SECOND);
    town_end();
}

static void a_link_cut_in_silence_is_found_dead_by_name_and_in_time(void **state)
{
    (void)state;
    for (death = deaths; death < deaths + COUNT(deaths); death++)
        scenario_run(half_open);
}

/* ---- A device that slept, a loop that stood still ---------------------------------------------------- */

/* The link is as it was: it is asked first, and found well. */
static void slept_well(void)
{
    struct world_life *l = begin(1200);

    town_excuse(l, 5 * MINUTE + SECOND);
    l->asleep = world_ms() + 5 * MINUTE;
    town_run(5 * MINUTE - 1);
    uint32_t heard = told_of(l)->heard;
    town_run(20);
    assert_int_equal(told_of(l)->heard, heard + 1); /* PINGREQ */
    town_run(HOUR / 4);
    assert_int_equal(l->losses, 0);
    town_end();
}

/* Nobody is there any more: the question comes first, the verdict after ten seconds and not before. */
static void slept_ill(void)
{
    struct world_life *l = begin(1200);

    town_excuse(l, 5 * MINUTE + SECOND);
    l->asleep = world_ms() + 5 * MINUTE;
    town_cut(true, true);
    town_run(5 * MINUTE - 1);
    assert_within(town_loses(l, IOT_ERR_MQTT_PING_TIMEOUT, 11 * SECOND), ANSWER_MS, ANSWER_MS + 10);
    town_cut(false, false);
    town_connects(l, 2 * SECOND);
    town_end();
}

/* It missed its keep-alive, the broker has closed: known at once, back at once. */
static void slept_too_long(void)
{
    struct world_life *l = begin(KEEPALIVE_S);

    town_excuse(l, 5 * MINUTE + SECOND);
    l->asleep = world_ms() + 5 * MINUTE;
    assert_err(town_say(l, 1, 40), IOT_OK);
    town_run(5 * MINUTE - 1);
    assert_false(world_broker_online(&town.broker, l->name));
    town_loses(l, IOT_ERR_TCP_EOF, 10);
    assert_within(town_connects(l, 2 * SECOND), 0, 1100);
    town_end();
    assert_int_equal(counts(l)->took[1], 1);
}

/* The answer was there in time, behind more than is read in one tick. */
static void slept_with_mail(void)
{
    struct world_life *l = begin(1200);

    assert_err(town_say(l, 1, 40), IOT_OK);
    town_run(1);
    for (int i = 0; i < 4 * IOT_POLL_PACKETS; i++)
        assert_int_equal(town_write(l, 0, 16), 1);
    town_excuse(l, 26 * SECOND);
    l->asleep = world_ms() + 25 * SECOND;
    town_run(25 * SECOND - 1);
    assert_int_equal(done(l), 0);
    town_run(100);
    assert_int_equal(done(l), 1);
    assert_int_equal(got(l), 4 * IOT_POLL_PACKETS);
    assert_int_equal(l->losses, 0);
    town_end();
}

static void what_came_in_time_is_read_before_a_verdict(void **state)
{
    (void)state;
    scenario_run(slept_with_mail);
}

static void after_five_minutes_of_sleep_the_link_is_asked_before_it_is_judged(void **state)
{
    (void)state;
    scenario_run(slept_well);
    scenario_run(slept_ill);
    scenario_run(slept_too_long);
}

static void frozen(void)
{
    struct world_life *l = begin(200);

    assert_err(town_say(l, 1, 40), IOT_OK);
    town_run(12); /* PUBACK is on its way */
    town_excuse(l, 2 * MINUTE + SECOND);
    uint32_t heard = told_of(l)->heard;
    world_loop_freeze(2 * MINUTE);
    town_run(20);
    assert_int_equal(told_of(l)->heard, heard + 1); /* PINGREQ */
    assert_int_equal(done(l), 1);                   /* what had come while it stood still counts */
    town_run(HOUR / 4);
    assert_int_equal(l->losses, 0);
    town_end();
}

static void a_loop_that_stood_still_for_two_minutes_costs_a_ping(void **state)
{
    (void)state;
    scenario_run(frozen);
}

/* ---- The interface -------------------------------------------------------------------------------- */

static struct {
    bool hint;
    uint32_t ms;
    void (*set)(bool up);
} pull;

/* lwIP repeats what was lost after 2.7, 8.7 and 20.7 s; the library waits 20 s for an acknowledgement. */
#define UNNOTICED_MS 8000u

static void pulled(void)
{
    struct world_life *l = begin(KEEPALIVE_S);

    pull.set(false);
    assert_err(town_say(l, 1, 40), IOT_OK);
    if (pull.hint) {
        world_life_hint(l, IOT_NETWORK_DOWN);
        town_loses(l, IOT_ERR_NET_DOWN, 0);
    }
    town_run(pull.ms);
    if (pull.hint)
        town_waits(l); /* else see below */
    uint32_t losses = l->losses;
    pull.set(true);
    if (pull.hint) {
        world_life_hint(l, IOT_NETWORK_UP);
        assert_within(town_connects(l, SECOND), 1, 300);
        town_settles(100);
        assert_int_equal(l->losses, losses);
    } else if (pull.ms <= UNNOTICED_MS) {
        town_settles(13 * SECOND);
        assert_int_equal(l->losses, 0);
    } else { /* at most a wait, and an attempt under way */
        town_run(20 * SECOND);
        assert_err(told_of(l)->loss[0].err, IOT_ERR_MQTT_ACK_TIMEOUT);
        town_connects(l, MINUTE - 5 * SECOND);
        town_settles(SECOND);
    }
    assert_int_equal(done(l), 1);
    town_end();
}

static void pull_for(bool hint)
{
    static const uint32_t spans[] = {20,          SECOND,      UNNOTICED_MS,
                                     12 * SECOND, 59 * SECOND, 50 * MINUTE};

    pull.hint = hint;
    for (size_t i = 0; i < COUNT(spans); i++) {
        pull.ms = spans[i];
        pull.set = world_wire_link;
        scenario_run(pulled);
        pull.set = world_wire_admin;
        scenario_run(pulled);
    }
}

static void with_the_hint_an_interface_down_is_lost_at_once_and_back_within_300_ms(void **state)
{
    (void)state;
    pull_for(true);
}

static void without_the_hint_eight_seconds_down_cost_nothing_and_longer_ones_a_wait(void **state)
{
    (void)state;
    pull_for(false);
}

/* The hint comes when an attempt is under way whose first packet was lost: TCP repeats it. */
static void up_in_an_attempt(void)
{
    struct world_life *l = begin(KEEPALIVE_S);

    world_wire_link(false);
    world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    world_life_hint(l, IOT_NETWORK_CHANGED);
    town_run(SECOND);
    assert_int_equal(world_life_stand(l), WORLD_STAND_TCP);
    world_wire_link(true);
    world_life_hint(l, IOT_NETWORK_UP);
    assert_within(town_connects(l, 4 * SECOND), 1, 3 * SECOND);
    town_end();
}

static void the_hint_during_an_attempt_waits_for_tcp_to_repeat_itself(void **state)
{
    (void)state;
    scenario_run(up_in_an_attempt);
}

static void another_address(void)
{
    struct world_life *l = begin(KEEPALIVE_S);

    assert_err(town_say(l, 1, 40), IOT_OK);
    town_run(1);
    world_wire_address(77);
    if (pull.hint)
        world_life_hint(l, IOT_NETWORK_CHANGED);
    town_loses(l, pull.hint ? IOT_ERR_NET_CHANGED : IOT_ERR_TCP_ABORTED, 10);
    assert_within(town_connects(l, 2 * SECOND), 0, pull.hint ? 300 : 1100);
    town_settles(SECOND);
    assert_int_equal(done(l), 1);
    assert_true(told_of(l)->kept);
    town_end();
}

static void a_new_address_is_noticed_at_once_with_the_hint_and_without(void **state)
{
    (void)state;
    pull.hint = true;
    scenario_run(another_address);
    pull.hint = false;
    scenario_run(another_address);
}

/* ---- Somebody else has its id --------------------------------------------------------------------- */

static int rival = -1;

/* The other one logs in; it has no network to cross. */
static void rival_logs_in(void)
{
    static const uint8_t connect[] = "\x10\x10\x00\x04MQTT\x04\x00\x00\x00\x00\x04"
                                     "d000";

    if (rival >= 0)
        world_rude_closed(world_server_rude(), rival, world_ms());
    rival = world_rude_open(world_server_rude(), world_ms());
    assert_true(rival >= 0);
    world_rude_feed(world_server_rude(), rival, (struct iot_bytes){connect, sizeof connect - 1},
                    world_ms());
}

static void second_login(void)
{
    struct world_life *l = begin(KEEPALIVE_S);

    rival_logs_in();
    town_loses(l, IOT_ERR_TCP_EOF, 100);
    assert_within(town_connects(l, 2 * SECOND), 250, 1100); /* it takes its id back */
    town_run(MINUTE);
    assert_int_equal(l->losses, 1);

    /* the other one does not give in: each time it is there again after two seconds */
    uint32_t connects = l->connects;
    for (int i = 0; i < 20; i++) {
        rival_logs_in();
        town_loses(l, IOT_ERR_TCP_EOF, 100);
        town_connects(l, MINUTE + SECOND);
        town_run(2 * SECOND);
    }
    connects = l->connects - connects;
    assert_int_equal(connects, 20);
    /* links of two seconds are no good ones: pauses of 30 s in the mean are reached, and kept */
    uint64_t first = told_of(l)->loss[1].at, last = told_of(l)->loss[l->losses - 1].at;
    assert_within(last - first, 4 * MINUTE, 15 * MINUTE);
    town_run(MINUTE);
    world_rude_closed(world_server_rude(), rival, world_ms());
    town_end();
}

static void two_with_one_id_drive_each_other_out_ever_more_slowly(void **state)
{
    (void)state;
    scenario_run(second_login);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traffic_one_way_never_silences_a_device_and_spares_pings_where_it_can),
        cmocka_unit_test(a_link_cut_in_silence_is_found_dead_by_name_and_in_time),
        cmocka_unit_test(after_five_minutes_of_sleep_the_link_is_asked_before_it_is_judged),
        cmocka_unit_test(what_came_in_time_is_read_before_a_verdict),
        cmocka_unit_test(a_loop_that_stood_still_for_two_minutes_costs_a_ping),
        cmocka_unit_test(with_the_hint_an_interface_down_is_lost_at_once_and_back_within_300_ms),
        cmocka_unit_test(without_the_hint_eight_seconds_down_cost_nothing_and_longer_ones_a_wait),
        cmocka_unit_test(the_hint_during_an_attempt_waits_for_tcp_to_repeat_itself),
        cmocka_unit_test(a_new_address_is_noticed_at_once_with_the_hint_and_without),
        cmocka_unit_test(two_with_one_id_drive_each_other_out_ever_more_slowly),
    };

    return cmocka_run_group_tests_name("life: links", tests, NULL, NULL);
}
