/* SPDX-License-Identifier: Apache-2.0 */
#include "link_device.h"

static struct iot_raw_handlers raw;

static struct {
    uint32_t downs, replies, rrpcs;
    uint32_t bytes; /* of parts that came in order */
    uint32_t total;
    iot_err says;
    bool answers;
} app;

static iot_err taken(struct iot_device *d, const struct iot_msg *msg)
{
    if (app.says != IOT_OK)
        return app.says;
    assert_int_equal(msg->offset, app.bytes);
    app.bytes += msg->payload.len;
    app.total = msg->total;
    return app.answers ? iot_raw_answer(d, msg, BYTES("\x01\x02")) : IOT_OK;
}

static iot_err on_down(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    assert_ptr_equal(ctx, &app);
    app.downs++;
    return taken(d, msg);
}

static iot_err on_reply(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    assert_ptr_equal(ctx, &app);
    app.replies++;
    return taken(d, msg);
}

static iot_err on_rrpc(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    assert_ptr_equal(ctx, &app);
    app.rrpcs++;
    return taken(d, msg);
}

static int setup(void **state)
{
    (void)state;
    memset(&app, 0, sizeof app);
    raw = (struct iot_raw_handlers){on_down, on_reply, on_rrpc, &app};
    link_setup();
    iot_raw_attach(&dev, &raw);
    link_login();
    return 0;
}

static void bytes_go_up_and_their_reply_comes_down(void **state)
{
    iot_ticket ticket;

    (void)state;
    assert_err(iot_raw_post(&dev, BYTES("abc"), 0, &ticket), IOT_OK);
    run(1);
    assert_string_equal(link_said(), LINK_SYS "thing/model/up_raw abc");
    assert_int_equal(events[IOT_EV_DONE], 1);
    assert_int_equal(last[IOT_EV_DONE].ticket, ticket);
    link_feed("thing/model/up_raw_reply", "ok");
    assert_int_equal(app.replies, 1);
    assert_int_equal(events[IOT_EV_MESSAGE] + events[IOT_EV_SKIPPED], 0);
}

static void bytes_come_down_and_are_answered(void **state)
{
    (void)state;
    app.answers = true;
    link_feed("thing/model/down_raw", "hello");
    assert_int_equal(app.downs, 1);
    assert_string_equal(link_said(), LINK_SYS "thing/model/down_raw_reply \x01\x02");
    app.bytes = 0;
    link_feed("/ext/rrpc/77/sys/" LINK_PK "/" LINK_DN "/thing/model/down_raw", "hello");
    assert_int_equal(app.downs, 2);
    assert_string_equal(link_said(), "/ext/rrpc/77/sys/" LINK_PK "/" LINK_DN
                                     "/thing/model/down_raw_reply \x01\x02");
    assert_int_equal(events[IOT_EV_DONE], 0);
}

static void synchronous_calls_of_any_form_are_answered_where_they_wait(void **state)
{
    (void)state;
    app.answers = true;
    link_feed("/ext/rrpc/77/" LINK_PK "/" LINK_DN "/user/get", "hello");
    assert_string_equal(link_said(), "/ext/rrpc/77/" LINK_PK "/" LINK_DN "/user/get \x01\x02");
    app.bytes = 0;
    link_feed("/ext/rrpc/78/rrpc/request/5", "hello"); /* no RRPC of the old form */
    assert_string_equal(link_said(), "/ext/rrpc/78/rrpc/request/5 \x01\x02");
    app.bytes = 0;
    link_feed("rrpc/request/5", "no JSON");
    assert_string_equal(link_said(), LINK_SYS "rrpc/response/5 \x01\x02");
    assert_int_equal(app.rrpcs, 3);
}

static void messages_larger_than_the_window_come_in_parts(void **state)
{
    static uint8_t large[5 * IOT_MQTT_RX_BYTES];

    (void)state;
    link_feed_bytes("thing/model/down_raw", (struct iot_bytes){large, sizeof large});
    run(50);
    assert_true(app.downs > 1);
    assert_int_equal(app.bytes, sizeof large);
    assert_int_equal(app.total, sizeof large);
    app.bytes = 0;
    link_feed_bytes("thing/model/up_raw_reply", (struct iot_bytes){large, sizeof large});
    run(50);
    assert_int_equal(app.bytes, sizeof large);
    assert_int_equal(events[IOT_EV_SKIPPED], 0);
    raw.on_down = NULL; /* nobody is there */
    link_feed_bytes("thing/model/down_raw", (struct iot_bytes){large, sizeof large});
    run(50);
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_MQTT_TOO_LARGE);
    assert_int_equal(app.bytes, sizeof large);
}

static void who_declines_gets_the_message_again(void **state)
{
    (void)state;
    app.says = IOT_ERR_AGAIN;
    link_feed("thing/model/down_raw", "hello");
    run(100);
    assert_true(app.downs > 1);
    app.says = IOT_OK;
    run(100);
    assert_int_equal(app.bytes, 5);

    app.bytes = 0;
    app.answers = true;
    link_jam(); /* the answer comes first: nothing is done while there is no room for it */
    link_feed("/ext/rrpc/1/x", "");
    run(50);
    link_unjam();
    assert_string_equal(link_said_behind_jam(), "/ext/rrpc/1/x \x01\x02");
    assert_string_equal(link_said_behind_jam(), "");
}

static void without_handlers_messages_are_the_applications(void **state)
{
    (void)state;
    link_setup();
    link_login();
    link_feed("thing/model/down_raw", "a");
    link_feed("thing/model/up_raw_reply", "a");
    link_feed("rrpc/request/1", "a");
    link_feed("/ext/rrpc/1/a", "a");
    assert_int_equal(events[IOT_EV_MESSAGE], 4);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    static uint8_t large[IOT_MQTT_TX_BYTES];
    char topic[IOT_LINK_TOPIC_MAX + 16];
    struct iot_msg msg = {.topic = {topic, sizeof topic, 0}};

    (void)state;
    memset(topic, 'x', sizeof topic);
    assert_err(iot_raw_answer(&dev, &msg, BYTES("a")), IOT_ERR_SIZE);
    assert_err(iot_raw_post(&dev, (struct iot_bytes){large, sizeof large}, 0, NULL), IOT_ERR_SIZE);
    opt.link = NULL;
    opt.host = "broker.example";
    opt.client_id = "d";
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_raw_post(&dev, BYTES("a"), 0, NULL), IOT_ERR_ARG);
}

/* Two requests in a burst: the platform waits for both. */
static void answers_give_way_to_nothing_whatever_the_queues_policy(void **state)
{
    (void)state;
    app.answers = true;
    opt.queue = IOT_MSG_REPLACE;
    stub_init(&stub);
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    iot_raw_attach(&dev, &raw);
    link_login();
    stub.write_budget = 0;
    assert_err(iot_mqtt_publish(&dev, &(struct iot_msg){.topic = IOT_TOPIC("jam")}, NULL), IOT_OK);
    for (uint32_t i = 0; i < 2; i++) {
        app.bytes = 0;
        link_feed("thing/model/down_raw", "a");
    }
    link_unjam();
    assert_string_equal(link_said_behind_jam(), LINK_SYS "thing/model/down_raw_reply \x01\x02");
    assert_string_equal(link_said(), LINK_SYS "thing/model/down_raw_reply \x01\x02");
}

static void an_open_writer_declines_and_the_bytes_come_again(void **state)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t")};
    struct iot_writer w;

    (void)state;
    app.answers = true;
    assert_err(iot_mqtt_begin(&dev, &msg, 10, &w), IOT_OK);
    wire_publish(&in, 0, LINK_SYS "thing/model/down_raw", 0, "", 0); /* empty: app.bytes stays */
    receive();
    run(100);
    assert_true(app.downs > 1);
    assert_string_equal(link_said(), "");
    iot_mqtt_cancel(&w);
    run(100);
    assert_string_equal(link_said(), LINK_SYS "thing/model/down_raw_reply \x01\x02");
    assert_string_equal(link_said(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bytes_go_up_and_their_reply_comes_down, setup),
        cmocka_unit_test_setup(bytes_come_down_and_are_answered, setup),
        cmocka_unit_test_setup(synchronous_calls_of_any_form_are_answered_where_they_wait, setup),
        cmocka_unit_test_setup(messages_larger_than_the_window_come_in_parts, setup),
        cmocka_unit_test_setup(who_declines_gets_the_message_again, setup),
        cmocka_unit_test_setup(without_handlers_messages_are_the_applications, setup),
        cmocka_unit_test_setup(an_open_writer_declines_and_the_bytes_come_again, setup),
        cmocka_unit_test_setup(what_cannot_be_sent_is_refused, setup),
        cmocka_unit_test_setup(answers_give_way_to_nothing_whatever_the_queues_policy, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
