/* SPDX-License-Identifier: Apache-2.0 */
/* More than anybody can take: floods, full rings, applications that are slow or do not want to. Nothing deadlocks,
 * nothing is lost but what is reported, and what is owed to the broker does not wait behind messages. */
#include "town.h"

#include "lwip/tcp.h"

static const struct world_habit keeps = {
    .session = IOT_SESSION_KEEP, .qos_max = 2, .keepalive_s = 60};

static uint32_t said, say_max;

/* ---- Echo ----------------------------------------------------------------------------------------- */

/* As soon as there is room it is gone: the echo has to fight for it. */
static void keep_full(struct world_life *l, const struct iot_event *ev)
{
    if (ev->kind != IOT_EV_DONE && ev->kind != IOT_EV_WRITABLE)
        return;
    while (said < say_max && town_say(l, (uint8_t)(said % 3), 60) == IOT_OK)
        said++;
}

static struct {
    uint8_t qos;
    bool rival;
    uint32_t window; /* of the broker */
} flood;

/* A flood comes in, each message is answered from the handler by another one. With 20 messages at once from the
 * broker the answers to ours, which would make room, are where the device cannot see them: behind more than its
 * window holds. Then waiting is no use: the link ends, and the next one goes on. */
static void echo(void)
{
    struct world_habit habit = keeps;
    uint32_t fit = IOT_MQTT_RX_BYTES / 90;

    habit.echo = true;
    struct world_life *l = town_begin(&habit, 1);
    town.broker.window = flood.window;
    town_connects(l, 5 * SECOND);
    town_run(40 * SECOND);
    say_max = 200;
    said = flood.rival ? town_say_until_full(l, 1, 60) : 0;
    town_on_event = flood.rival ? keep_full : NULL;
    for (int i = 0; i < 300; i++)
        assert_int_equal(town_write(l, flood.qos, 60), 1);
    uint64_t took = town_gets(l, 300, MINUTE);
    took += town_settles(MINUTE);
    town_run(SECOND);
    assert_within(took, 1, 30 * SECOND);
    assert_int_equal(counts(l)->got[flood.qos] + counts(l)->skipped, 300 + counts(l)->got_again);
    assert_int_equal(counts(l)->accepted, done(l));
    assert_int_equal(done(l), got(l) + said);
    assert_true(counts(l)->refused_as[-IOT_ERR_FULL] > 20);
    assert_true(counts(l)->skipped == 0 ||
                (flood.qos == 0 && flood.rival && told_of(l)->skipped_as == IOT_ERR_MQTT_DECLINED));
    assert_true(l->losses == 0 || (flood.qos != 0 && flood.window > fit));
    for (uint32_t i = 0; i < l->losses; i++)
        assert_err(told_of(l)->loss[i].err, IOT_ERR_MQTT_DECLINED);
    town_end();
}

static void echo_of_all_qualities(void)
{
    for (flood.window = 8; flood.window <= 20; flood.window += 12)
        for (flood.qos = 0; flood.qos <= 2; flood.qos++)
            scenario_run(echo);
}

static void an_echo_under_a_flood_never_deadlocks(void **state)
{
    (void)state;
    echo_of_all_qualities();
}

static void an_echo_under_a_flood_gets_its_share_of_a_ring_that_others_fill(void **state)
{
    (void)state;
    flood.rival = true;
    echo_of_all_qualities();
}

/* The broker is as slow to acknowledge as it may be, and the flood comes in on top. */
static void slow_echo(void)
{
    struct world_habit habit = keeps;

    habit.echo = true;
    struct world_life *l = town_with(habit);
    world_server_ack_delay(2 * SECOND);
    for (int i = 0; i < 60; i++)
        assert_int_equal(town_write(l, (uint8_t)(i % 3), 60), 1);
    assert_within(town_settles(10 * MINUTE), 0, 2 * MINUTE);
    assert_int_equal(counts(l)->got[1] + counts(l)->got[2], 40 + counts(l)->got_again);
    assert_int_equal(counts(l)->got[0] + counts(l)->skipped, 20);
    world_server_ack_delay(0);
    town_end();
}

static void an_echo_at_a_slow_broker_drains(void **state)
{
    (void)state;
    scenario_run(slow_echo);
}

/* ---- Declining ------------------------------------------------------------------------------------ */

static struct {
    uint8_t qos;
    uint32_t ms;
} decline;

static void declining(void)
{
    struct world_life *l = town_with(keeps);
    bool too_long = decline.ms > IOT_DECLINE_MAX_MS;
    uint64_t since = world_ms();

    l->declines = since + decline.ms;
    assert_int_equal(town_write(l, decline.qos, 60), 1);
    if (too_long && decline.qos == 0) {
        town_run(IOT_DECLINE_MAX_MS + 100);
        assert_int_equal(counts(l)->skipped, 1);
        assert_err(told_of(l)->skipped_as, IOT_ERR_MQTT_DECLINED);
        town_run(decline.ms);
        assert_int_equal(counts(l)->got[0], 0);
    } else if (too_long) {
        assert_within(town_loses(l, IOT_ERR_MQTT_DECLINED, 11 * SECOND), IOT_DECLINE_MAX_MS,
                      IOT_DECLINE_MAX_MS + 100);
        town_connects(l, 2 * SECOND);
        /* a link that lasts 10 s is none of the good ones: the pauses grow */
        town_settles(decline.ms + 20 * SECOND);
        assert_within(world_ms() - since, decline.ms, decline.ms + 20 * SECOND);
    } else {
        town_gets(l, 1, decline.ms + 100);
        assert_within(world_ms() - since, decline.ms, decline.ms + 50);
    }
    assert_int_equal(l->losses != 0, too_long && decline.qos != 0);
    assert_int_equal(counts(l)->got[decline.qos] + counts(l)->skipped, 1);
    assert_true(iot_device_counters(&l->dev)->declined > 10);
    town_write(l, decline.qos, 60);
    town_gets(l, 2, SECOND);
    town_end();
}

static void declined_for(uint32_t ms)
{
    decline.ms = ms;
    for (decline.qos = 0; decline.qos <= 2; decline.qos++)
        scenario_run(declining);
}

static void declined_for_less_than_10_s_a_message_is_taken_on_the_same_link(void **state)
{
    (void)state;
    declined_for(SECOND);
    declined_for(9 * SECOND);
}

static void declined_for_longer_qos_0_is_dropped_and_told_others_come_again(void **state)
{
    (void)state;
    declined_for(11 * SECOND);
    declined_for(MINUTE);
}

/* While an application declines, nobody judges the broker, but it goes on hearing from us. */
static void declining_pings(void)
{
    struct world_habit habit = keeps;

    habit.keepalive_s = 8;
    struct world_life *l = town_with(habit);
    town_run(5900); /* the next ping is due in the middle of it */
    uint32_t heard = told_of(l)->heard;
    l->declines = world_ms() + 9 * SECOND;
    town_write(l, 1, 60);
    town_run(9 * SECOND - 100);
    assert_true(told_of(l)->heard > heard);
    town_run(200);
    assert_int_equal(counts(l)->got[1], 1);
    town_run(20 * SECOND);
    assert_int_equal(l->losses, 0);
    assert_within(told_of(l)->longest_silence_ms, 5900, 6100);
    town_end();
}

static void keep_alive_goes_on_while_a_message_is_declined(void **state)
{
    (void)state;
    scenario_run(declining_pings);
}

/* ---- A slow application closes the window ---------------------------------------------------------- */

static void slow_application(void)
{
    struct world_life *l = town_with(keeps);

    uint64_t before = world_lane_counts(WORLD_DOWN)->bytes;
    l->declines = world_ms() + 9 * SECOND;
    for (int i = 0; i < 200; i++)
        assert_int_equal(town_write(l, 0, 200), 1);
    town_run(8 * SECOND);
    /* of 43,800 bytes only what the device's window and its TCP hold has come */
    assert_within(world_lane_counts(WORLD_DOWN)->bytes - before, TCP_WND - TCP_MSS,
                  TCP_WND + IOT_MQTT_RX_BYTES);
    assert_within(l->dev.tcp.pcb->rcv_wnd, 0, TCP_MSS);
    assert_within(l->dev.tcp.rx_pbufs_high, 1, IOT_RX_PBUFS_MAX);
    assert_int_equal(counts(l)->got[0], 0);
    assert_within(town_settles(SECOND + 500), 0, SECOND + 500);
    town_run(3 * SECOND);
    assert_int_equal(counts(l)->got[0], 200);
    assert_int_equal(counts(l)->skipped + l->losses, 0);
    town_end();
}

static void a_slow_application_closes_the_window_and_nothing_is_lost(void **state)
{
    (void)state;
    scenario_run(slow_application);
}

/* The answer to a ping waits at the broker, behind what the application does not take, for longer than any ping may
 * take; and it is not there yet when the application goes on. */
static void unread_answer(void)
{
    struct world_habit habit = keeps;

    habit.keepalive_s = 8;
    struct world_life *l = town_with(habit);
    town_delay(100);
    l->declines = world_ms() + 25 * SECOND;
    for (int i = 0; i < 200; i++)
        assert_int_equal(town_write(l, 0, 200), 1);
    town_gets(l, 200, 40 * SECOND);
    town_run(20 * SECOND);
    assert_int_equal(counts(l)->skipped, 2); /* after 10 s each */
    assert_int_equal(l->losses, 0);
    town_end();
}

static void nobody_is_given_up_whose_answer_we_did_not_read(void **state)
{
    (void)state;
    scenario_run(unread_answer);
}

/* ---- What is owed does not wait behind messages ----------------------------------------------------- */

static void unacknowledged(void)
{
    struct world_habit habit = keeps;

    habit.keepalive_s = 8;
    struct world_life *l = town_with(habit);
    const struct world_session *s = world_broker_session(&town.broker, l->name);
    assert_true(
        world_rude_attack(world_server_rude(), l->name, world_rude_find("no-acks"), world_ms()));
    assert_int_equal(town_say_until_full(l, 1, 60), IOT_MQTT_OUT_MAX);
    town_run(100);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(town_write(l, 1, 60), 1);
        town_run(4 * 5 + 1);
        assert_int_equal(s->delivery_count, 0); /* PUBACK is there */
    }
    uint32_t heard = told_of(l)->heard;
    town_run(6100);
    assert_int_equal(told_of(l)->heard - heard, 1); /* PINGREQ */
    struct iot_filter f = {.filter = IOT_TOPIC("else"), .qos = 1};
    assert_err(iot_mqtt_subscribe(&l->dev, &f, NULL), IOT_OK);
    town_run(4 * 5);
    assert_int_equal(s->sub_count, 2);
    town_loses(l, IOT_ERR_MQTT_ACK_TIMEOUT, 20 * SECOND);
    town_connects(l, 2 * SECOND); /* nor does CONNECT */
    assert_within(town_settles(SECOND), 0, 100);
    assert_int_equal(done(l), IOT_MQTT_OUT_MAX);
    town_end();
}

static void answers_pings_and_subscriptions_pass_a_ring_full_of_unacknowledged_messages(
    void **state)
{
    (void)state;
    scenario_run(unacknowledged);
}

/* The ring is full of what could not even be sent: 8 segments of 130 bytes wait in TCP for 4.8 kbit/s, that is
 * 2.3 s; ten more in the ring would make it 4 s and more. */
static void slow_wire(void)
{
    struct world_life *l = town_with(keeps);
    const struct world_session *s = world_broker_session(&town.broker, l->name);

    world_lane(WORLD_UP)->rate_bps = 4800;
    world_lane(WORLD_UP)->queue_ms_max = MINUTE;
    say_max = 1000;
    town_on_event = keep_full;
    assert_true(town_say_until_full(l, 1, 60) > 0);
    for (int i = 0; i < 6; i++) {
        town_run(3 * SECOND);
        assert_int_equal(town_write(l, 1, 60), 1);
        uint64_t since = world_ms();
        while (s->delivery_count != 0)
            town_run(1);
        assert_within(world_ms() - since, 0, 3 * SECOND);
    }
    assert_true(said < say_max); /* it was full all the time */
    town_settles(5 * MINUTE);
    assert_int_equal(l->losses, 0);
    world_wire_calm();
    town_end();
}

static void an_answer_passes_a_ring_full_of_unsent_messages(void **state)
{
    (void)state;
    scenario_run(slow_wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_under_a_flood_never_deadlocks),
        cmocka_unit_test(an_echo_under_a_flood_gets_its_share_of_a_ring_that_others_fill),
        cmocka_unit_test(an_echo_at_a_slow_broker_drains),
        cmocka_unit_test(declined_for_less_than_10_s_a_message_is_taken_on_the_same_link),
        cmocka_unit_test(declined_for_longer_qos_0_is_dropped_and_told_others_come_again),
        cmocka_unit_test(keep_alive_goes_on_while_a_message_is_declined),
        cmocka_unit_test(a_slow_application_closes_the_window_and_nothing_is_lost),
        cmocka_unit_test(nobody_is_given_up_whose_answer_we_did_not_read),
        cmocka_unit_test(
            answers_pings_and_subscriptions_pass_a_ring_full_of_unacknowledged_messages),
        cmocka_unit_test(an_answer_passes_a_ring_full_of_unsent_messages),
    };

    return cmocka_run_group_tests_name("life: pressure", tests, NULL, NULL);
}
