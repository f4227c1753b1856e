/* SPDX-License-Identifier: Apache-2.0 */
/* One instance and its tick, over a stream of the test's: time, chance, requests, and what the
 * public functions promise. The same over lwIP: tests/interop/test_callbacks.c. */
#include "stub_device.h"

static iot_err random_says;
static uint32_t random_calls;

static iot_err handler_says;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    random_calls++;
    if (random_says == IOT_OK)
        memset(into, 0x55, n);
    return random_says;
}

static const struct iot_port port = {.random = random_bytes};

static int setup(void **state)
{
    (void)state;
    stub_device_setup(&port);
    random_says = handler_says = IOT_OK;
    random_calls = 0;
    assert_int_equal(iot_device_init(&dev, &opt), IOT_OK);
    return 0;
}

static void come_up(void)
{
    assert_int_equal(iot_device_connect(&dev), IOT_OK);
    run(10);
    wire_clear(&in);
    wire_connack(&in, 0, 0);
    receive();
    run(10);
    assert_true(iot_device_connected(&dev));
}

static iot_err handler(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx;
    (void)d;
    assert_int_equal(msg->topic.prepared, 0);
    return handler_says;
}

static void subscribe(void)
{
    static const struct iot_filter f = {.filter = IOT_TOPIC("t"), .qos = 1, .on_message = handler};
    assert_int_equal(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    run(10);
}

/* ---- time -------------------------------------------------------------------------------- */

static void a_gap_of_many_days_is_time_and_a_small_step_back_is_none(void **state)
{
    (void)state;
    iot_poll(&dev, now_ms);
    iot_time before = dev.now;
    iot_poll(&dev, now_ms - 3);
    assert_int_equal(dev.now, before);
    for (uint32_t days = 1; days <= 49; days += 6) {
        now_ms += days * 86400000u;
        before = dev.now;
        iot_poll(&dev, now_ms);
        assert_int_equal(dev.now - before, (iot_time)days * 86400000u);
    }
}

static void attempts_go_on_after_a_sleep_of_25_days(void **state)
{
    (void)state;
    iot_poll(&dev, now_ms);
    now_ms += 25u * 86400000u;
    stub.open_result = IOT_ERR_TCP_MEMORY;
    assert_int_equal(iot_device_connect(&dev), IOT_OK);
    run(10000);
    assert_true(events[IOT_EV_LOST] >= 9); /* the cap is a second */
}

/* ---- chance ------------------------------------------------------------------------------ */

static void a_source_of_chance_that_is_never_ready_is_waited_for_5_s(void **state)
{
    (void)state;
    random_says = IOT_ERR_AGAIN;
    assert_int_equal(iot_device_connect(&dev), IOT_OK);
    run(4900);
    assert_int_equal(events[IOT_EV_CONNECTING], 0);
    run(200);
    assert_int_equal(events[IOT_EV_CONNECTING], 1);
    uint32_t calls = random_calls;
    run(5000);
    assert_int_equal(random_calls, calls);
}

static void a_device_without_chance_can_be_closed(void **state)
{
    (void)state;
    random_says = IOT_ERR_AGAIN;
    assert_int_equal(iot_device_connect(&dev), IOT_OK);
    assert_int_equal(iot_device_close(&dev, 100), IOT_OK);
    run(6000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
}

/* A kept session's ids begin at a random number: there is none yet. */
static void a_kept_session_without_chance_takes_qos_0_only(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    assert_int_equal(iot_device_init(&dev, &opt), IOT_OK);
    random_says = IOT_ERR_AGAIN;
    assert_int_equal(iot_device_connect(&dev), IOT_OK);
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 1};
    struct iot_writer w;
    assert_int_equal(iot_mqtt_publish(&dev, &msg, NULL), IOT_ERR_AGAIN);
    assert_int_equal(iot_mqtt_begin(&dev, &msg, 8, &w), IOT_ERR_AGAIN);
    assert_int_equal(dev.mqtt.session.box.count, 0);
    msg.qos = 0;
    assert_int_equal(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    random_says = IOT_OK;
    msg.qos = 1;
    assert_int_equal(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    assert_int_equal(dev.mqtt.session.box.out[1].id, 0x5555);
}

/* ---- sleep and idle ---------------------------------------------------------------------- */

static void only_an_accepted_request_keeps_the_device_awake(void **state)
{
    (void)state;
    come_up();
    struct iot_msg msg = {.topic = IOT_TOPIC("+"), .qos = 0};
    struct iot_topic unknown = IOT_TOPIC("x");
    assert_int_equal(iot_mqtt_publish(&dev, &msg, NULL), IOT_ERR_MQTT_TOPIC);
    assert_int_equal(iot_mqtt_unsubscribe(&dev, &unknown, NULL), IOT_ERR_ARG);
    assert_true(iot_sleep_ms(&dev, now_ms) > 0);
    msg.topic = (struct iot_topic)IOT_TOPIC("t");
    assert_int_equal(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    assert_int_equal(iot_sleep_ms(&dev, now_ms), 0);
}

static void a_device_is_idle_when_the_peers_tcp_has_confirmed_everything(void **state)
{
    (void)state;
    come_up();
    assert_true(iot_device_idle(&dev));
    stub.releases = false;
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 0};
    assert_int_equal(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    assert_false(iot_device_idle(&dev));
    run(10);
    assert_int_equal(events[IOT_EV_DONE], 1); /* QoS 0: handed over */
    assert_false(iot_device_idle(&dev));
    stub_release(&stub, stub.taken);
    assert_true(iot_device_idle(&dev));
}

/* ---- messages ---------------------------------------------------------------------------- */

static void a_handler_that_returns_full_has_declined(void **state)
{
    (void)state;
    come_up();
    subscribe();
    handler_says = IOT_ERR_FULL;
    wire_publish(&in, 0x02, "t", 7, "x", 1); /* QoS 1 */
    receive();
    run(100);
    assert_int_equal(iot_device_counters(&dev)->received_messages, 0);
    assert_true(iot_device_counters(&dev)->declined > 1);
    handler_says = IOT_OK;
    run(100);
    assert_int_equal(iot_device_counters(&dev)->received_messages, 1);
}

static void a_link_that_ends_while_a_message_is_declined_is_lost_at_once_and_by_its_own_name(
    void **state)
{
    (void)state;
    come_up();
    subscribe();
    handler_says = IOT_ERR_AGAIN;
    wire_publish(&in, 0x02, "t", 7, "x", 1);
    receive();
    run(100);
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(100);
    assert_int_equal(events[IOT_EV_LOST], 1);
    assert_int_equal(last[IOT_EV_LOST].err, IOT_ERR_TCP_EOF);
}

static void a_reference_confirmed_during_the_close_is_done(void **state)
{
    (void)state;
    static const uint8_t payload[500] = {1};
    for (int confirmed = 0; confirmed <= 1; confirmed++) {
        setup(NULL);
        come_up();
        stub.releases = stub.closes = false;
        struct iot_msg msg = {
            .topic = IOT_TOPIC("t"), .payload = {payload, sizeof payload}, .flags = IOT_MSG_BY_REF};
        assert_int_equal(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
        assert_int_equal(iot_device_close(&dev, 50), IOT_OK);
        run(200);
        assert_int_equal(events[IOT_EV_DONE] + events[IOT_EV_FAILED], 0);
        if (confirmed)
            stub_release(&stub, stub.taken);
        run(3000);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        assert_int_equal(events[IOT_EV_DONE], confirmed);
        assert_int_equal(events[IOT_EV_FAILED], !confirmed);
        if (!confirmed)
            assert_int_equal(last[IOT_EV_FAILED].err, IOT_ERR_CUT);
    }
}

/* The broker lost the session and said so in a CONNACK that never came; the next one finds the session that
 * the lost CONNECT had made. What it does not say again it does not know. */
static void qos_2_ids_of_a_session_that_was_lost_unnoticed_swallow_nothing(void **state)
{
    (void)state;
    for (uint16_t keepalive_s = 0; keepalive_s <= 300;
         keepalive_s = (uint16_t)(keepalive_s + 300)) {
        setup(NULL);
        opt.session = IOT_SESSION_KEEP;
        opt.keepalive_s = keepalive_s;
        assert_int_equal(iot_device_init(&dev, &opt), IOT_OK);
        come_up();
        subscribe();
        wire_suback(&in, 0x5555, 1);
        wire_publish(&in, 0x04, "t", 8, "x", 1);
        wire_publish(&in, 0x04, "t", 9, "x", 1);
        receive();
        run(100);
        assert_int_equal(iot_device_counters(&dev)->received_messages, 2);
        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
        run(1500);
        wire_connack(&in, 1, 0);
        wire_ack(&in, 0x62, 8); /* this one it knows */
        receive();
        run(29000);
        assert_null(strstr(wire_words(stub_sent(&stub)), "PINGREQ"));
        wire_publish(&in, 0x0c, "t", 9, "x", 1); /* and this one, it seems */
        receive();
        run(2000);
        assert_int_equal(iot_device_counters(&dev)->received_messages, 2);
        assert_null(strstr(wire_words(stub_sent(&stub)), "PINGREQ")); /* nothing is open */

        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
        run(1500);
        wire_connack(&in, 1, 0);
        receive();
        run(31000); /* of 9 it says nothing: it is asked for a sign of life */
        assert_non_null(strstr(wire_words(stub_sent(&stub)), "PINGREQ"));
        wire_pingresp(&in);
        wire_publish(&in, 0x04, "t", 9, "new", 3);
        receive();
        run(100);
        assert_int_equal(iot_device_counters(&dev)->received_messages, 3);
    }
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_gap_of_many_days_is_time_and_a_small_step_back_is_none),
        CASE(attempts_go_on_after_a_sleep_of_25_days),
        CASE(a_source_of_chance_that_is_never_ready_is_waited_for_5_s),
        CASE(a_device_without_chance_can_be_closed),
        CASE(a_kept_session_without_chance_takes_qos_0_only),
        CASE(only_an_accepted_request_keeps_the_device_awake),
        CASE(a_device_is_idle_when_the_peers_tcp_has_confirmed_everything),
        CASE(a_handler_that_returns_full_has_declined),
        CASE(a_link_that_ends_while_a_message_is_declined_is_lost_at_once_and_by_its_own_name),
        CASE(a_reference_confirmed_during_the_close_is_done),
        CASE(qos_2_ids_of_a_session_that_was_lost_unnoticed_swallow_nothing),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
