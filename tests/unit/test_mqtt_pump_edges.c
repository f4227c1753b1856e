/* SPDX-License-Identifier: Apache-2.0 */
/* Where the pump could go wrong: order behind declined messages, edges of the window, sources that fail,
 * ids that run out, ticks that never sleep. */
#include "stub_device.h"

#define WINDOW ((uint32_t)IOT_MQTT_RX_BYTES)

static bool kv_works;
static uint8_t kv_record[2];
static bool kv_has;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x11, n);
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    (void)key;
    if (!kv_has)
        return IOT_ERR_STATE;
    assert_true(cap >= 2);
    memcpy(into, kv_record, 2);
    *len = 2;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    (void)key;
    assert_int_equal(len, 2);
    if (!kv_works)
        return IOT_ERR_AGAIN;
    memcpy(kv_record, bytes, 2);
    kv_has = true;
    return IOT_OK;
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return IOT_OK;
}

static const struct iot_port port = {
    .random = random_bytes, .kv_get = kv_get, .kv_set = kv_set, .kv_del = kv_del};

/* A handler that writes down what it got; it declines so often, by that name. */
struct ear {
    uint32_t calls, bytes, next_offset, declines, first_offset;
    iot_err why; /* of declining */
    bool holes;  /* a part began elsewhere than where the one before had ended */
    char topic[32];
    uint8_t first; /* first byte of the last payload */
    uint32_t taken;
};

static struct ear ears[3];

static iot_err listen(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    struct ear *e = ctx;
    (void)d;
    if (e->calls++ == 0)
        e->first_offset = msg->offset;
    if (e->declines != 0) {
        e->declines--;
        return e->why != IOT_OK ? e->why : IOT_ERR_AGAIN;
    }
    if (msg->offset == 0)
        e->next_offset = 0;
    e->holes |= msg->offset != e->next_offset;
    e->next_offset = msg->offset + msg->payload.len;
    e->bytes += msg->payload.len;
    e->taken++;
    snprintf(e->topic, sizeof e->topic, "%.*s", msg->topic.len < 31 ? msg->topic.len : 31,
             msg->topic.text);
    e->first = msg->payload.len != 0 ? msg->payload.ptr[0] : 0;
    return IOT_OK;
}

static int setup(void **state)
{
    (void)state;
    stub_device_setup(&port);
    memset(ears, 0, sizeof ears);
    kv_works = true;
    kv_has = false;
    return 0;
}

static void boot(void)
{
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
}

#define HEAR(text, ear, parts)                                                                     \
    do {                                                                                           \
        struct iot_filter f_ = {.filter = IOT_TOPIC(text),                                         \
                                .qos = IOT_MQTT_QOS_MAX,                                           \
                                .on_message = listen,                                              \
                                .ctx = (ear),                                                      \
                                .in_parts = (parts)};                                              \
        assert_err(iot_mqtt_subscribe(&dev, &f_, NULL), IOT_OK);                                   \
    } while (0)

static iot_err publish(const char *topic, uint8_t qos, uint8_t flags, uint32_t n, iot_ticket *t)
{
    static uint8_t zeros[IOT_MQTT_TX_BYTES];
    struct iot_msg msg = {.topic = {topic, (uint16_t)strlen(topic), 0},
                          .payload = {zeros, n},
                          .qos = qos,
                          .flags = flags};
    return iot_mqtt_publish(&dev, &msg, t);
}

/* True: the device sleeps now and then within so many ticks, the clock standing still. */
static bool comes_to_rest(void)
{
    for (uint32_t i = 0; i < 1000; i++)
        if (iot_poll(&dev, now_ms) != 0)
            return true;
    return false;
}

/* ---- In parts ---------------------------------------------------------------------------- */

/* A declined part grows by what arrives meanwhile; who took it already is not offered the growth. */
static void of_two_handlers_in_parts_the_one_that_takes_at_once_misses_nothing(void **state)
{
    (void)state;
    boot();
    HEAR("big", &ears[0], true);
    HEAR("+", &ears[1], true);
    accept_login(false);
    ears[1].declines = 1;
    stub.read_max = 100;
    wire_publish_filled(&in, 0, "big", 0, 'x', 3000);
    receive();
    run(2000);
    assert_int_equal(ears[1].bytes, 3000);
    assert_false(ears[0].holes);
    assert_int_equal(ears[0].bytes, 3000);
}

/* Type, two bytes of length, two of the topic's: the head fills the window, no byte of payload fits behind
 * it. */
static void a_head_that_fills_the_window_stops_nothing(void **state)
{
    static char topic[WINDOW];
    (void)state;
    for (uint32_t head = WINDOW - 1; head <= WINDOW; head++) {
        setup(NULL);
        boot();
        HEAR("#", &ears[0], true);
        accept_login(false);
        memset(topic, 't', sizeof topic);
        topic[head - 5] = '\0';
        wire_publish_filled(&in, 0, topic, 0, 'x', 50);
        wire_publish(&in, 0, "next", 0, "n", 1);
        receive();
        run(3000);
        assert_string_equal(ears[0].topic, "next");
        assert_int_equal(events[IOT_EV_LOST], 0);
    }
}

static iot_err second_joins(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx;
    (void)d;
    if (msg->offset == 0)
        HEAR("+", &ears[1], true);
    return IOT_OK;
}

static void a_handler_that_joins_in_the_middle_gets_no_message_without_its_beginning(void **state)
{
    (void)state;
    boot();
    struct iot_filter f = {.filter = IOT_TOPIC("big"),
                           .qos = IOT_MQTT_QOS_MAX,
                           .on_message = second_joins,
                           .in_parts = true};
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    accept_login(false);
    wire_publish_filled(&in, 0, "big", 0, 'x', 5000);
    receive();
    run(1000);
    assert_int_equal(ears[1].first_offset, 0);
}

/* ---- Behind a declined message ----------------------------------------------------------- */

/* The broker says everything again first and answers PINGREQ then, as it should. */
static void a_pingresp_behind_a_declined_message_settles_nothing_in_front_of_it(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    opt.keepalive_s = 4;
    boot();
    HEAR("t", &ears[0], false);
    HEAR("other", &ears[1], false);
    accept_login(false);
    wire_publish(&in, 4, "t", 7, "a", 1);
    receive();
    run(10);
    assert_int_equal(ears[0].taken, 1);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(10);
    accept_login(true);
    ears[1].declines = 200; /* 4 s */
    wire_publish(&in, 2, "other", 20, "o", 1);
    wire_publish(&in, 4 | 8, "t", 7, "a", 1);
    receive();
    run(3500);
    assert_non_null(strstr(sent_words(), "PINGREQ"));
    wire_pingresp(&in);
    receive();
    run(2000);
    assert_int_equal(ears[1].taken, 1);
    assert_int_equal(ears[0].taken, 1); /* exactly once */
    assert_int_equal(events[IOT_EV_LOST], 1);
}

static void subscribe_anew(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    on_event(ctx, d, ev);
    if (ev->kind == IOT_EV_SUBACK && ev->err != IOT_OK)
        HEAR("quite/different", &ears[2], false);
}

/* With a refusing SUBACK its text, handler and context are the application's again: it is not read before
 * the message in front of it is done with. */
static void a_refusing_suback_waits_behind_a_declined_message(void **state)
{
    (void)state;
    for (int anew = 0; anew < 2; anew++) {
        setup(NULL);
        if (anew)
            opt.on_event = subscribe_anew;
        boot();
        HEAR("t", &ears[0], false);
        accept_login(false);
        wire_suback(&in, 1, 2);
        receive();
        run(10);
        HEAR("+", &ears[1], false);
        run(10);
        ears[1].declines = 1;
        wire_publish(&in, 0, "t", 0, "a", 1);
        wire_suback(&in, 2, 0x80);
        receive();
        run(500);
        assert_int_equal(events[IOT_EV_SUBACK], 2);
        assert_int_equal(ears[1].calls, 2); /* before the SUBACK was read */
        assert_int_equal(ears[2].calls, 0); /* "t" is not "quite/different" */
    }
}

/* PUBRELs for ids we do not know fill the table of acknowledgements while the wire takes nothing. */
static void a_declined_message_and_a_wire_that_takes_nothing_let_the_loop_sleep(void **state)
{
    (void)state;
    boot();
    HEAR("t", &ears[0], false);
    accept_login(false);
    stub.write_budget = 0;
    ears[0].declines = UINT32_MAX;
    wire_publish(&in, 2, "t", 9, "a", 1);
    for (uint16_t round = 0; round < 3;
         round++) { /* the first fills the slot, the second the table */
        for (uint16_t i = 0; i < IOT_MQTT_ACKS_MAX; i++)
            wire_ack(&in, 0x50, (uint16_t)(900 + 8 * round + i));
        receive();
        now_ms += 100;
        assert_true(comes_to_rest());
    }
}

/* FULL once, long ago, says nothing about why a handler declines now. */
static void a_handler_that_is_busy_is_not_hopeless_because_of_a_publish_that_was_refused(
    void **state)
{
    (void)state;
    boot();
    HEAR("t", &ears[0], false);
    accept_login(false);
    wire_suback(&in, 1, 2);
    receive();
    run(10);
    assert_err(publish("up", 1, 0, 100, NULL), IOT_OK);
    assert_err(publish("up", 1, 0, 1000, NULL), IOT_ERR_FULL);
    run(10);
    ears[0].declines = 5; /* 100 ms: its flash is erasing */
    wire_publish_filled(&in, 0, "t", 0, 'x', WINDOW - 30);
    wire_publish_filled(&in, 0, "t", 0, 'x', WINDOW - 30);
    receive();
    run(1000);
    assert_int_equal(events[IOT_EV_SKIPPED], 0);
    assert_int_equal(ears[0].taken, 2);
}

/* A retained message comes with each subscription: that it is taken is no progress. */
static void taking_what_is_retained_does_not_reset_the_ladder(void **state)
{
    (void)state;
    opt.backoff_cap_ms = 60000;
    boot();
    HEAR("retained", &ears[0], false);
    HEAR("t", &ears[1], false);
    ears[1].declines = UINT32_MAX;
    uint32_t logins = 0;
    uint32_t opens = 0;
    for (uint32_t s = 0; s < 1200; s++) {
        run(1000);
        if (stub.opens != opens) {
            opens = stub.opens;
            logins++;
            wire_connack(&in, 0, 0);
            wire_publish(&in, 1, "retained", 0, "r", 1);
            wire_publish(&in, 2, "t", 9, "a", 1);
            receive();
        }
    }
    assert_in_range(logins, 10, 40); /* 20 minutes, ladder up to 60 s: some 30 */
}

static void the_detail_of_declined_is_the_qos_of_what_was_declined(void **state)
{
    (void)state;
    boot();
    HEAR("t", &ears[0], false);
    accept_login(false);
    ears[0].declines = UINT32_MAX;
    wire_publish(&in, 2, "t", 9, "a", 1);
    wire_publish(&in, 4, "t", 10, "a", 1);
    receive();
    run(2 * IOT_DECLINE_MAX_MS + 100);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_DECLINED);
    assert_int_equal(last[IOT_EV_LOST].detail, 1);
}

/* ---- QoS 2 ids --------------------------------------------------------------------------- */

static void hold_id_7_and_reconnect(void)
{
    opt.session = IOT_SESSION_KEEP;
    boot();
    HEAR("t", &ears[0], false);
    accept_login(false);
    wire_publish(&in, 4, "t", 7, "a", 1);
    receive();
    run(10);
    assert_int_equal(ears[0].taken, 1);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(10);
}

/* The broker has 30 s to repeat what it has: a PINGRESP before that settles nothing. */
static void a_repetition_soon_after_the_login_is_one_though_a_pingresp_came_before_it(void **state)
{
    (void)state;
    opt.keepalive_s = 4;
    hold_id_7_and_reconnect();
    accept_login(true);
    run(3500);
    assert_non_null(strstr(sent_words(), "PINGREQ"));
    wire_pingresp(&in);
    wire_publish(&in, 4 | 8, "t", 7, "a", 1);
    receive();
    run(100);
    assert_int_equal(ears[0].taken, 1);
}

/* ---- Ids --------------------------------------------------------------------------------- */

static void answer_sub(uint8_t type, uint32_t *seen)
{
    struct iot_bytes rest = stub_sent(&stub);
    struct wire_packet p;
    uint32_t n = 0;
    while (wire_next(&rest, &p)) {
        if (p.type != 8 && p.type != 10)
            continue;
        if (n++ < *seen)
            continue;
        assert_int_equal(p.type, type);
        if (p.type == 8)
            wire_suback(&in, p.id, 1);
        else
            wire_ack(&in, 0xb0, p.id);
        *seen = n;
    }
    receive();
    run(1);
}

/* An application that publishes by QoS 0 only, and whose store works. */
static void subscriptions_that_come_and_go_do_not_run_out_of_ids(void **state)
{
    (void)state;
    uint32_t seen = 0;
    opt.session = IOT_SESSION_KEEP_REBOOT;
    opt.session_key = "ids";
    opt.keepalive_s = 0;
    boot();
    accept_login(false);
    for (uint32_t i = 0; i < 300; i++) {
        HEAR("t", &ears[0], false);
        run(1);
        answer_sub(8, &seen);
        assert_int_equal(events[IOT_EV_SUBACK], i + 1);
        assert_err(iot_mqtt_unsubscribe(&dev, &(const struct iot_topic)IOT_TOPIC("t"), NULL),
                   IOT_OK);
        run(1);
        answer_sub(10, &seen);
        assert_int_equal(events[IOT_EV_UNSUBACK], i + 1);
    }
}

/* The store is slow while the subscription is made; afterwards it works, and nobody publishes. */
static void a_subscription_waits_for_a_slow_store_but_not_for_a_publish(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP_REBOOT;
    opt.session_key = "ids";
    boot();
    accept_login(false);
    kv_works = false;
    uint32_t left = 0;
    while (publish("t", 1, 0, 1, NULL) == IOT_OK) {
        run(1);
        left++;
        wire_ack(&in, 0x40, (uint16_t)(0x1111 + left - 1));
        receive();
        run(1);
    }
    HEAR("t", &ears[0], false);
    run(100);
    kv_works = true;
    run(1000);
    assert_non_null(strstr(sent_words(), "SUBSCRIBE"));
}

/* ---- Tickets ----------------------------------------------------------------------------- */

static void what_gave_way_to_a_writer_that_is_cancelled_is_told(void **state)
{
    (void)state;
    opt.keepalive_s = 0;
    boot();
    accept_login(false);
    stub.write_budget = 0;
    iot_ticket first = 0;
    assert_err(publish("a", 0, 0, 1, NULL), IOT_OK); /* is being sent */
    run(1);
    assert_err(publish("b", 0, IOT_MSG_REPLACE, 1, &first), IOT_OK);
    run(1);
    struct iot_msg msg = {.topic = IOT_TOPIC("b"), .flags = IOT_MSG_REPLACE};
    struct iot_writer w;
    assert_err(iot_mqtt_begin(&dev, &msg, 10, &w), IOT_OK);
    iot_mqtt_cancel(&w);
    run(IOT_STALE_MS - 1000);
    assert_int_equal(events[IOT_EV_FAILED], 1);
    assert_int_equal(last[IOT_EV_FAILED].ticket, first);
}

static uint32_t source_calls;
static iot_err source_says;

static iot_err source(void *ctx, struct iot_device *d, uint32_t offset, struct iot_writer *w)
{
    (void)ctx;
    (void)d;
    (void)offset;
    (void)w;
    source_calls++;
    return source_says;
}

/* Its file is gone: no link will ever help, and everything behind it waits. */
static void a_source_that_fails_for_good_costs_its_message_and_not_every_link(void **state)
{
    (void)state;
    boot();
    accept_login(false);
    source_says = IOT_ERR_KV;
    static const struct iot_msg msg = {.topic = IOT_TOPIC("up")};
    assert_err(iot_mqtt_stream(&dev, &msg, 1000, source, NULL, NULL), IOT_OK);
    assert_err(publish("m", 1, 0, 1, NULL), IOT_OK);
    for (int i = 0; i < 5 && events[IOT_EV_FAILED] == 0; i++) {
        run(10);
        if (events[IOT_EV_LOST] == events[IOT_EV_CONNECTED])
            accept_login(false);
    }
    assert_int_equal(events[IOT_EV_FAILED], 1);
}

/* A superloop with other work: a tick each second. IOT_STREAM_MAX_MS is a time, not a count of questions. */
static void a_source_without_bytes_ends_the_link_in_time_however_slow_the_loop(void **state)
{
    (void)state;
    boot();
    accept_login(false);
    source_says = IOT_ERR_AGAIN;
    static const struct iot_msg msg = {.topic = IOT_TOPIC("up")};
    assert_err(iot_mqtt_stream(&dev, &msg, 1000, source, NULL, NULL), IOT_OK);
    for (uint32_t i = 0; i < IOT_STREAM_MAX_MS / 1000 + 2; i++) {
        now_ms += 1000;
        (void)iot_poll(&dev, now_ms);
    }
    assert_int_equal(events[IOT_EV_LOST], 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(of_two_handlers_in_parts_the_one_that_takes_at_once_misses_nothing),
        CASE(a_head_that_fills_the_window_stops_nothing),
        CASE(a_handler_that_joins_in_the_middle_gets_no_message_without_its_beginning),
        CASE(a_pingresp_behind_a_declined_message_settles_nothing_in_front_of_it),
        CASE(a_refusing_suback_waits_behind_a_declined_message),
        CASE(a_declined_message_and_a_wire_that_takes_nothing_let_the_loop_sleep),
        CASE(a_handler_that_is_busy_is_not_hopeless_because_of_a_publish_that_was_refused),
        CASE(taking_what_is_retained_does_not_reset_the_ladder),
        CASE(the_detail_of_declined_is_the_qos_of_what_was_declined),
        CASE(a_repetition_soon_after_the_login_is_one_though_a_pingresp_came_before_it),
        CASE(subscriptions_that_come_and_go_do_not_run_out_of_ids),
        CASE(a_subscription_waits_for_a_slow_store_but_not_for_a_publish),
        CASE(what_gave_way_to_a_writer_that_is_cancelled_is_told),
        CASE(a_source_that_fails_for_good_costs_its_message_and_not_every_link),
        CASE(a_source_without_bytes_ends_the_link_in_time_however_slow_the_loop),
    };
    return cmocka_run_group_tests_name("mqtt_pump_edges", tests, NULL, NULL);
}
