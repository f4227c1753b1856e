/* SPDX-License-Identifier: Apache-2.0 */
/* Messages larger than the device's buffers: those that come in parts, those that nobody wants in parts, those that
 * are written bit by bit. Over wires that are slow, lossy, cut. */
#include "town.h"

#include "world/world_app.h"
#include "world/world_serial.h"

#define LARGE 20000u
#define FITS  (IOT_MQTT_RX_BYTES - 37u) /* with its header, of QoS 1, exactly */

static struct world_life *begin(bool parts)
{
    return town_with((struct world_habit){
        .session = IOT_SESSION_KEEP, .qos_max = 2, .keepalive_s = 60, .parts = parts});
}

static void slow_and_lossy(uint32_t rate_bps, uint32_t loss)
{
    for (enum world_way way = WORLD_UP; way <= WORLD_DOWN; way++) {
        world_lane(way)->rate_bps = rate_bps;
        world_lane(way)->queue_ms_max = 20 * SECOND;
        world_lane(way)->loss = loss;
    }
}

/* ---- In parts ------------------------------------------------------------------------------------- */

/* Each byte is looked at by the life's handler. */
static void in_parts(void)
{
    struct world_life *l = begin(true);

    slow_and_lossy(100000, 30000);
    for (uint32_t i = 0; i < 30; i++) {
        uint32_t bytes = i % 3 == 0 ? 40 : IOT_MQTT_RX_BYTES - 40 + i * 700;
        assert_int_equal(town_write(l, (uint8_t)(i % 3), bytes), 1);
        if (i % 3 == 2) /* more than 64 KB at once are too much for the broker */
            town_gets(l, i + 1, MINUTE);
    }
    town_settles(MINUTE);
    assert_int_equal(got(l), 30);
    assert_int_equal(counts(l)->skipped, 0);
    assert_int_equal(l->losses, 0);
    world_wire_calm();
    town_end();
}

static void large_messages_come_whole_in_parts_over_a_slow_and_lossy_wire(void **state)
{
    (void)state;
    scenario_run(in_parts);
}

static uint8_t qos;

/* The link breaks in the middle; QoS 1 and 2 begin again, QoS 0 is gone, and what follows is in step. */
static void cut(void)
{
    struct world_life *l = begin(true);

    slow_and_lossy(40000, 0);
    assert_int_equal(town_write(l, qos, LARGE), 1); /* 4 s */
    town_run(2 * SECOND);
    assert_within(l->part_at, LARGE / 4, LARGE * 3 / 4);
    world_life_hint(l, IOT_NETWORK_CHANGED);
    town_loses(l, IOT_ERR_NET_CHANGED, 1);
    town_connects(l, 10 * SECOND);
    if (qos != 0)
        assert_within(town_gets(l, 1, 10 * SECOND), 3 * SECOND, 8 * SECOND);
    assert_int_equal(town_write(l, 1, FITS), 1);
    town_settles(10 * SECOND);
    assert_int_equal(got(l), qos == 0 ? 1 : 2);
    assert_int_equal(counts(l)->skipped, 0);
    world_wire_calm();
    town_end();
}

static void a_large_message_cut_in_the_middle_begins_again_unless_it_is_qos_0(void **state)
{
    (void)state;
    for (qos = 0; qos <= 2; qos++)
        scenario_run(cut);
}

/* Each part can be declined, too. */
static void declined(void)
{
    struct world_life *l = begin(true);

    slow_and_lossy(40000, 0);
    assert_int_equal(town_write(l, qos, LARGE), 1);
    town_run(2 * SECOND);
    uint32_t at = l->part_at;
    l->declines = world_ms() + 9 * SECOND;
    town_run(8 * SECOND);
    assert_int_equal(l->part_at, at);
    town_gets(l, 1, 6 * SECOND);
    assert_int_equal(l->losses, 0);
    town_settles(SECOND);

    /* for too long: QoS 0 is dropped and told, the others come again */
    assert_int_equal(town_write(l, qos, LARGE), 1);
    town_run(2 * SECOND);
    l->declines = world_ms() + 11 * SECOND;
    town_gets(l, 2, 25 * SECOND);
    assert_int_equal(counts(l)->skipped, qos == 0 ? 1 : 0);
    assert_int_equal(l->losses, qos == 0 ? 0 : 1);
    assert_err(qos == 0 ? told_of(l)->skipped_as : l->last_loss, IOT_ERR_MQTT_DECLINED);
    assert_int_equal(town_write(l, 1, 40), 1);
    town_settles(20 * SECOND);
    town_run(SECOND);
    assert_int_equal(got(l) + counts(l)->skipped, 3); /* nobody gets the rest of what was dropped */
    world_wire_calm();
    town_end();
}

static void a_part_can_be_declined(void **state)
{
    (void)state;
    for (qos = 0; qos <= 2; qos++)
        scenario_run(declined);
}

/* No handler takes parts. */
static void skipped(void)
{
    struct world_life *l = begin(false);

    slow_and_lossy(100000, 30000);
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(town_write(l, (uint8_t)(i % 3), i % 2 == 0 ? LARGE / 4 : 40), 1);
        town_gets(l, i + 1, 20 * SECOND);
    }
    town_settles(10 * SECOND);
    assert_int_equal(counts(l)->skipped, 6);
    assert_int_equal(got(l), 6);
    assert_err(told_of(l)->skipped_as, IOT_ERR_MQTT_TOO_LARGE);
    assert_int_equal(l->losses, 0);
    world_wire_calm();
    town_end();
}

static void a_large_message_that_nobody_takes_in_parts_is_skipped_told_and_acknowledged(
    void **state)
{
    (void)state;
    scenario_run(skipped);
}

/* ---- Streamed ------------------------------------------------------------------------------------- */

static struct {
    struct world_life *life;
    uint64_t serial;
    uint32_t given;
    uint64_t pause_at, pause_ms; /* behind so many bytes, for so long */
    uint64_t go_on;
    bool breaks;
} stream;

static iot_err source(void *ctx, struct iot_device *dev, uint32_t offset, struct iot_writer *w)
{
    static uint8_t whole[65536];

    (void)ctx;
    (void)dev;
    assert_int_equal(offset, stream.given);
    if (stream.pause_ms != 0 && offset >= stream.pause_at) {
        stream.go_on = world_ms() + stream.pause_ms;
        stream.pause_ms = 0;
        town_excuse(stream.life, (uint32_t)(stream.go_on - world_ms()) + SECOND);
    }
    if (stream.breaks && offset >= stream.pause_at)
        return IOT_ERR_KV; /* cannot read it any more */
    if (world_ms() < stream.go_on)
        return IOT_ERR_AGAIN;
    world_app_fill(stream.serial, whole, sizeof whole);
    iot_writer_put(w, whole + offset, w->cap);
    stream.given += w->cap;
    return IOT_OK;
}

static void write_stream(struct world_life *l)
{
    struct iot_msg msg = {.topic = {l->up_topic, (uint16_t)strlen(l->up_topic), 0}};
    iot_ticket ticket = 0;

    stream.life = l;
    stream.serial = town_serial(l);
    stream.given = 0;
    stream.go_on = 0;
    iot_err err = iot_mqtt_stream(&l->dev, &msg, LARGE, source, NULL, &ticket);
    town_accepted(l, err, ticket, stream.serial, 0, true);
    assert_err(err, IOT_OK);
    assert_err(iot_mqtt_stream(&l->dev, &msg, LARGE, source, NULL, NULL), IOT_ERR_FULL);
    l->want_room = true;
}

static void streamed(void)
{
    struct world_life *l = begin(false);

    slow_and_lossy(40000, 20000);
    assert_err(town_say(l, 1, 40), IOT_OK);
    stream.pause_at = LARGE / 2;
    stream.pause_ms = 4 * SECOND;
    write_stream(l);
    assert_err(town_say(l, 2, 40), IOT_OK);
    assert_within(town_settles(MINUTE), 8 * SECOND, 30 * SECOND);
    town_run(SECOND);
    assert_int_equal(done(l), 3);
    assert_int_equal(taken_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(taken[i].serial, i + 1); /* nobody overtook it */
    assert_int_equal(l->losses, 0);
    world_wire_calm();
    town_end();
}

static void a_streamed_message_larger_than_the_ring_goes_out_though_its_source_pauses(void **state)
{
    (void)state;
    scenario_run(streamed);
}

static void unfinished(void)
{
    struct world_life *l = begin(false);

    stream.pause_at = LARGE / 2;
    stream.pause_ms = HOUR;
    write_stream(l);
    assert_err(town_say(l, 1, 40), IOT_OK);
    town_loses(l, IOT_ERR_MQTT_UNFINISHED, IOT_STREAM_MAX_MS + 2 * SECOND);
    assert_within(world_ms() - (stream.go_on - HOUR), IOT_STREAM_MAX_MS, IOT_STREAM_MAX_MS + 200);
    assert_int_equal(failed_as(l, IOT_ERR_MQTT_UNFINISHED), 1);
    town_connects(l, 2 * SECOND);
    town_settles(SECOND);
    assert_int_equal(done(l), 1);
    assert_int_equal(taken_count, 1); /* half a message is none */

    stream.breaks = true;
    stream.pause_at = LARGE / 4;
    write_stream(l);
    town_loses(l, IOT_ERR_MQTT_UNFINISHED, SECOND);
    assert_int_equal(failed_as(l, IOT_ERR_MQTT_UNFINISHED), 2);
    stream.breaks = false;
    town_connects(l, 5 * SECOND);
    write_stream(l);
    town_run(5 * SECOND);
    assert_int_equal(done(l), 2);
    town_end();
}

static void a_source_that_pauses_for_too_long_or_fails_costs_the_link_and_that_message_only(
    void **state)
{
    (void)state;
    scenario_run(unfinished);
}

static void stream_cut(void)
{
    struct world_life *l = begin(false);

    slow_and_lossy(40000, 0);
    write_stream(l);
    assert_err(town_say(l, 1, 40), IOT_OK);
    town_run(2 * SECOND);
    assert_within(stream.given, LARGE / 4, LARGE * 3 / 4);
    world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    town_loses(l, IOT_ERR_TCP_RESET, SECOND);
    assert_int_equal(failed_as(l, IOT_ERR_CUT), 1);
    town_connects(l, 5 * SECOND);
    town_settles(5 * SECOND);
    assert_int_equal(done(l), 1);

    /* one that has not begun waits for the next link */
    town_cut(true, true);
    world_life_hint(l, IOT_NETWORK_CHANGED);
    town_loses(l, IOT_ERR_NET_CHANGED, 1);
    write_stream(l);
    town_run(MINUTE);
    assert_int_equal(stream.given, 0);
    town_cut(false, false);
    town_connects(l, MINUTE + 15 * SECOND);
    town_run(10 * SECOND);
    assert_int_equal(done(l), 2);
    world_wire_calm();
    town_end();
}

static void a_streamed_message_cut_in_the_middle_is_cut_and_one_that_has_not_begun_waits(
    void **state)
{
    (void)state;
    scenario_run(stream_cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_messages_come_whole_in_parts_over_a_slow_and_lossy_wire),
        cmocka_unit_test(a_large_message_cut_in_the_middle_begins_again_unless_it_is_qos_0),
        cmocka_unit_test(a_part_can_be_declined),
        cmocka_unit_test(
            a_large_message_that_nobody_takes_in_parts_is_skipped_told_and_acknowledged),
        cmocka_unit_test(a_streamed_message_larger_than_the_ring_goes_out_though_its_source_pauses),
        cmocka_unit_test(
            a_source_that_pauses_for_too_long_or_fails_costs_the_link_and_that_message_only),
        cmocka_unit_test(
            a_streamed_message_cut_in_the_middle_is_cut_and_one_that_has_not_begun_waits),
    };

    return cmocka_run_group_tests_name("life: large messages", tests, NULL, NULL);
}
