/* SPDX-License-Identifier: Apache-2.0 */
/* The least device, and what becomes of a thing that is not built in: it is refused by name, whoever asks for it. Runs
 * in every build; what a test says of a switch it says of both its positions. */
#include "stub_device.h"

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx, (void)key, (void)into, (void)cap, (void)len;
    return IOT_ERR_STATE;
}

static const struct iot_port port = {.random = random_bytes, .kv_get = kv_get};

#define BUILT_IN(switched) ((switched) ? IOT_OK : IOT_ERR_ARG)

static void come_up(void)
{
    stub_device_setup(&port);
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    stub.tx_len = 0;
}

static struct iot_msg message(uint8_t qos, uint8_t flags)
{
    return (struct iot_msg){
        .topic = IOT_TOPIC("t"), .payload = BYTES("x"), .qos = qos, .flags = flags};
}

static void a_device_connects_reports_and_closes(void **state)
{
    (void)state;
    come_up();
    struct iot_msg msg = message(1, 0);
    iot_ticket ticket;
    assert_err(iot_mqtt_publish(&dev, &msg, &ticket), IOT_OK);
    run(10);
    assert_string_equal(sent_words(), "PUBLISH(1)");
    wire_ack(&in, 0x40, 1);
    receive();
    run(10);
    assert_int_equal(events[IOT_EV_DONE], 1);
    assert_int_equal(last[IOT_EV_DONE].ticket, ticket);
    assert_err(iot_device_close(&dev, 1000), IOT_OK);
    run(5000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
}

static void messages_that_need_what_is_left_out_are_refused(void **state)
{
    static const struct {
        uint8_t qos, flags;
        bool built_in;
    } rows[] = {
        {2, 0, IOT_FEATURE_QOS2},
        {3, 0, false},
        {0, IOT_MSG_BY_REF, IOT_FEATURE_BY_REF},
        {1, IOT_MSG_BY_REF, IOT_FEATURE_BY_REF},
        {1, IOT_MSG_DROP_OLDEST, IOT_FEATURE_QUEUE_DROP},
        {1, IOT_MSG_REPLACE, IOT_FEATURE_QUEUE_DROP},
        {1, IOT_MSG_REFUSE, true},
        {1, IOT_MSG_RETAIN, true},
        {1, 0x40, false}, /* no flag of ours */
    };
    (void)state;
    come_up();
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        struct iot_msg msg = message(rows[i].qos, rows[i].flags);
        assert_err(iot_mqtt_publish(&dev, &msg, NULL), BUILT_IN(rows[i].built_in));
    }
}

static void options_that_need_what_is_left_out_are_refused(void **state)
{
    static const struct {
        enum iot_session_kind session;
        uint8_t queue, will_qos;
        bool built_in;
    } rows[] = {
        {IOT_SESSION_CLEAN, 0, 0, true},
        {IOT_SESSION_KEEP, 0, 0, IOT_FEATURE_SESSION_KEEP},
        {IOT_SESSION_KEEP_REBOOT, 0, 0, IOT_FEATURE_SESSION_KEEP},
        {IOT_SESSION_CLEAN, IOT_MSG_REFUSE, 0, true},
        {IOT_SESSION_CLEAN, IOT_MSG_DROP_OLDEST, 0, IOT_FEATURE_QUEUE_DROP},
        {IOT_SESSION_CLEAN, IOT_MSG_REPLACE, 0, IOT_FEATURE_QUEUE_DROP},
        {IOT_SESSION_CLEAN, 0, 2, IOT_FEATURE_QOS2},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        stub_device_setup(&port);
        opt.session = rows[i].session;
        opt.session_key = "k";
        opt.queue = rows[i].queue;
        opt.will.topic = (struct iot_topic)IOT_TOPIC("w");
        opt.will.qos = rows[i].will_qos;
        assert_err(iot_device_init(&dev, &opt), BUILT_IN(rows[i].built_in));
    }
}

static void a_broker_that_answers_what_was_never_asked_does_no_harm(void **state)
{
    (void)state;
    come_up();
    wire_ack(&in, 0x50, 7); /* PUBREC, PUBCOMP, UNSUBACK, SUBACK: of nobody's */
    wire_ack(&in, 0x70, 8);
    wire_ack(&in, 0xb0, 9);
    wire_suback(&in, 10, 0);
    receive();
    run(10);
    assert_int_equal(events[IOT_EV_LOST], 0);
    assert_string_equal(sent_words(), IOT_FEATURE_QOS2 ? "PUBREL(7)" : "");
}

/* A session of before, of a firmware that could more, may hold one. */
static void a_pubrel_is_answered_in_every_build(void **state)
{
    (void)state;
    come_up();
    wire_ack(&in, 0x62, 7);
    receive();
    run(10);
    assert_string_equal(sent_words(), "PUBCOMP(7)");
}

static void a_message_that_cannot_have_been_asked_for_ends_the_link_by_name(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        bool fair = IOT_FEATURE_RECEIVE && (qos < 2 || IOT_FEATURE_QOS2);
        come_up();
        wire_publish(&in, (uint8_t)(qos << 1), "t", qos != 0 ? 5 : 0, "x", 1);
        receive();
        run(10);
        assert_int_equal(events[IOT_EV_MESSAGE], fair);
        assert_int_equal(events[IOT_EV_LOST], !fair);
        if (!fair) {
            assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_PROTOCOL);
            assert_int_equal(last[IOT_EV_LOST].detail, 0x30 | qos << 1);
        }
    }
}

#if IOT_FEATURE_RECEIVE
static iot_err decline(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx, (void)d, (void)msg;
    return IOT_ERR_AGAIN;
}

static void subscriptions_that_need_what_is_left_out_are_refused(void **state)
{
    (void)state;
    come_up();
    struct iot_filter f = {.filter = IOT_TOPIC("a"), .qos = 2, .on_message = decline};
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), BUILT_IN(IOT_FEATURE_QOS2));
    f.qos = 1;
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    f.in_parts = true;
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), BUILT_IN(IOT_FEATURE_PARTS));
}

/* Without IOT_FEATURE_DECLINE there is no second time: never is a message acknowledged that was not taken. */
static void a_declined_message_is_offered_again_or_given_up_at_once_by_name(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 1; qos++) {
        come_up();
        struct iot_filter f = {.filter = IOT_TOPIC("t"), .qos = 1, .on_message = decline};
        assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
        run(10);
        wire_suback(&in, 1, 1);
        wire_publish(&in, (uint8_t)(qos << 1), "t", qos != 0 ? 5 : 0, "x", 1);
        stub.tx_len = 0;
        receive();
        run(10);
        assert_string_equal(sent_words(), "");
        assert_int_equal(events[IOT_EV_SKIPPED], !IOT_FEATURE_DECLINE && qos == 0);
        assert_int_equal(events[IOT_EV_LOST], !IOT_FEATURE_DECLINE && qos == 1);
        if (!IOT_FEATURE_DECLINE)
            assert_err(last[qos == 0 ? IOT_EV_SKIPPED : IOT_EV_LOST].err, IOT_ERR_MQTT_DECLINED);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_connects_reports_and_closes),
        cmocka_unit_test(messages_that_need_what_is_left_out_are_refused),
        cmocka_unit_test(options_that_need_what_is_left_out_are_refused),
        cmocka_unit_test(a_broker_that_answers_what_was_never_asked_does_no_harm),
        cmocka_unit_test(a_pubrel_is_answered_in_every_build),
        cmocka_unit_test(a_message_that_cannot_have_been_asked_for_ends_the_link_by_name),
#if IOT_FEATURE_RECEIVE
        cmocka_unit_test(subscriptions_that_need_what_is_left_out_are_refused),
        cmocka_unit_test(a_declined_message_is_offered_again_or_given_up_at_once_by_name),
#endif
    };
    return cmocka_run_group_tests_name("mqtt_switches", tests, NULL, NULL);
}
