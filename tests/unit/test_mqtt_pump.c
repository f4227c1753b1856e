/* SPDX-License-Identifier: Apache-2.0 */
/* Messages larger than memory, both ways: in parts, and from a source. */
#include "stub_device.h"

#define WINDOW ((uint32_t)IOT_MQTT_RX_BYTES)
#define BIG    (5 * WINDOW + 17)

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

static const struct iot_port port = {.random = random_bytes};

/* What an in-parts handler has collected. */
static struct {
    uint8_t bytes[BIG];
    uint32_t len, total, calls, begun, complete, declines;
    uint32_t decline_at; /* from that offset on it says AGAIN, `declines` times */
} got;

static uint8_t fill(uint32_t i)
{
    return (uint8_t)(i * 7 + (i >> 8));
}

static iot_err take_part(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx;
    (void)d;
    got.calls++;
    assert_int_equal(msg->topic.len, 3);
    assert_memory_equal(msg->topic.text, "big", 3);
    assert_true(msg->payload.len != 0 && msg->payload.len <= msg->total - msg->offset);
    if (msg->offset == 0) {
        got.begun++;
        got.len = 0;
    }
    assert_int_equal(msg->offset, got.len);
    if (msg->offset >= got.decline_at && got.declines != 0) {
        got.declines--;
        return IOT_ERR_AGAIN;
    }
    memcpy(got.bytes + got.len, msg->payload.ptr, msg->payload.len);
    got.len += msg->payload.len;
    got.total = msg->total;
    if (got.len == got.total)
        got.complete++;
    return IOT_OK;
}

static uint32_t small_calls;

static iot_err take_whole(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx;
    (void)d;
    small_calls++;
    assert_int_equal(msg->offset, 0);
    assert_int_equal(msg->total, msg->payload.len);
    return IOT_OK;
}

static int setup(void **state)
{
    (void)state;
    stub_device_setup(&port);
    memset(&got, 0, sizeof got);
    small_calls = 0;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    return 0;
}

static void begin(enum iot_session_kind session, bool in_parts)
{
    opt.session = session;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    struct iot_filter f = {
        .filter = IOT_TOPIC("big"), .qos = IOT_MQTT_QOS_MAX, .on_message = take_part};
    f.in_parts = in_parts;
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    got.decline_at = UINT32_MAX;
    accept_login(false);
    wire_suback(&in, (uint16_t)(session == IOT_SESSION_CLEAN ? 1 : 0x5555), 2);
    receive();
    run(10);
    assert_int_equal(events[IOT_EV_SUBACK], 1);
}

static void put_big(uint8_t flags, uint16_t id, uint32_t n)
{
    static uint8_t bytes[BIG];
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = fill(i);
    wire_publish(&in, flags, "big", id, bytes, n);
}

static void assert_whole(uint32_t n)
{
    assert_int_equal(got.len, n);
    assert_int_equal(got.total, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(got.bytes[i], fill(i));
}

/* ---- In parts ---------------------------------------------------------------------------- */

static void a_message_of_many_windows_comes_in_parts_and_is_acknowledged_once_at_its_end(
    void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        setup(NULL);
        begin(IOT_SESSION_CLEAN, true);
        put_big((uint8_t)(qos << 1), 9, BIG);
        uint32_t len = in.len;
        in.len = len - 1;
        receive();
        run(1000);
        assert_int_equal(got.complete, 0);
        assert_null(strstr(sent_words(), "PUB")); /* neither PUBACK nor PUBREC */
        in.len = len;
        stub_receive(&stub, (struct iot_bytes){in.bytes + len - 1, 1});
        wire_clear(&in);
        run(1000);
        assert_whole(BIG);
        assert_int_equal(got.begun, 1);
        assert_int_equal(got.complete, 1);
        assert_int_equal(iot_device_counters(&dev)->received_messages, 1);
        assert_int_equal(events[IOT_EV_SKIPPED], 0);
        const char *answer = qos == 1 ? "PUBACK(9)" : qos == 2 ? "PUBREC(9)" : "SUBSCRIBE";
        assert_string_equal(sent_words() + strlen(sent_words()) - strlen(answer) -
                                (qos == 0 ? 3 : 0),
                            qos == 0 ? "SUBSCRIBE(1)" : answer);
    }
}

static void parts_are_the_same_bytes_however_they_are_cut(void **state)
{
    static const uint32_t cuts[] = {1, 2, 3, 7, 100, WINDOW - 1, WINDOW, 3000};
    (void)state;
    for (uint32_t i = 0; i < COUNT(cuts); i++) {
        setup(NULL);
        begin(IOT_SESSION_CLEAN, true);
        stub.read_max = cuts[i];
        wire_publish(&in, 0, "other", 0, "x", 1); /* before and behind it, in one piece */
        put_big(2, 9, BIG);
        wire_publish(&in, 0, "other", 0, "y", 1);
        put_big(2, 10, 40); /* a small one is whole */
        receive();
        run(10000);
        assert_int_equal(got.begun, 2);
        assert_int_equal(got.complete, 2);
        assert_whole(40);
        assert_int_equal(events[IOT_EV_MESSAGE], 2);
        assert_non_null(strstr(sent_words(), "PUBACK(9) PUBACK(10)"));
    }
}

static void every_size_around_the_window_is_whole_or_in_parts_and_never_lost(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, true);
    uint32_t ended = 0;
    for (uint32_t n = WINDOW - 20; n <= WINDOW + 20; n++) {
        put_big(2, (uint16_t)(n + 1), n);
        receive();
        run(50);
        assert_int_equal(got.complete, ++ended);
        assert_whole(n);
    }
    assert_int_equal(events[IOT_EV_LOST], 0);
}

static void a_part_that_is_declined_is_offered_again_and_nothing_behind_it(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, true);
    got.decline_at = 2 * WINDOW;
    got.declines = 5;
    put_big(2, 9, BIG);
    receive();
    run(60);
    assert_int_equal(got.complete, 0);
    assert_true(got.len <= 3 * WINDOW);
    run(1000);
    assert_whole(BIG);
    assert_int_equal(got.begun, 1);
    assert_int_equal(iot_device_counters(&dev)->declined, 5);
}

static void parts_declined_for_too_long_are_reported_or_end_the_link(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        setup(NULL);
        begin(IOT_SESSION_CLEAN, true);
        got.decline_at = WINDOW;
        got.declines = UINT32_MAX;
        put_big((uint8_t)(qos << 1), 9, BIG);
        wire_publish(&in, 0, "other", 0, "x", 1);
        receive();
        run(IOT_DECLINE_MAX_MS - 100);
        assert_int_equal(events[IOT_EV_MESSAGE] + events[IOT_EV_SKIPPED] + events[IOT_EV_LOST], 0);
        run(200);
        assert_null(strstr(sent_words(), "PUBACK"));
        assert_null(strstr(sent_words(), "PUBREC"));
        if (qos == 0) {
            assert_int_equal(events[IOT_EV_SKIPPED], 1);
            assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_MQTT_DECLINED);
            assert_int_equal(events[IOT_EV_MESSAGE], 1);
            assert_int_equal(events[IOT_EV_LOST], 0);
        } else {
            assert_int_equal(events[IOT_EV_LOST], 1);
            assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_DECLINED);
        }
        assert_int_equal(got.complete, 0);
    }
}

static void a_link_that_breaks_in_the_middle_begins_the_message_anew(void **state)
{
    (void)state;
    begin(IOT_SESSION_KEEP, true);
    put_big(4, 9, BIG);
    in.len -= 100;
    receive();
    run(1000);
    assert_true(got.len != 0);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(10);
    assert_int_equal(events[IOT_EV_LOST], 1);
    accept_login(true);
    put_big(4 | 8, 9, BIG);
    receive();
    run(1000);
    assert_whole(BIG);
    assert_int_equal(got.begun, 2);
    assert_int_equal(got.complete, 1);
    /* and QoS 2 once: what was complete is not offered again */
    put_big(4 | 8, 9, BIG);
    receive();
    run(1000);
    assert_int_equal(got.begun, 2);
    assert_non_null(strstr(sent_words(), "PUBREC(9) PUBREC(9)"));
}

static void without_a_handler_for_parts_it_is_skipped_and_reported_once(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, false);
    put_big(2, 9, BIG);
    receive();
    run(1000);
    assert_int_equal(got.calls, 0);
    assert_int_equal(events[IOT_EV_SKIPPED], 1);
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_MQTT_TOO_LARGE);
    assert_non_null(strstr(sent_words(), "PUBACK(9)"));
}

static void of_several_handlers_those_for_parts_get_it(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, true);
    struct iot_filter f = {
        .filter = IOT_TOPIC("#"), .qos = IOT_MQTT_QOS_MAX, .on_message = take_whole};
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    put_big(2, 9, BIG);
    put_big(2, 10, 30);
    receive();
    run(1000);
    assert_int_equal(got.complete, 2);
    assert_int_equal(small_calls, 1);
    assert_int_equal(events[IOT_EV_SKIPPED], 0);
}

static iot_err leave_at_once(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx;
    (void)msg;
    got.calls++;
    assert_err(iot_mqtt_unsubscribe(d, &(const struct iot_topic)IOT_TOPIC("big"), NULL), IOT_OK);
    return IOT_OK;
}

static void a_handler_that_unsubscribes_in_the_middle_gets_no_more_of_it(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, true);
    struct iot_filter f = {.filter = IOT_TOPIC("big"),
                           .qos = IOT_MQTT_QOS_MAX,
                           .in_parts = true,
                           .on_message = leave_at_once};
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    put_big(2, 9, BIG);
    receive();
    run(1000);
    assert_int_equal(got.calls, 1);
    assert_non_null(strstr(sent_words(), "PUBACK(9)"));
}

/* ---- From a source ----------------------------------------------------------------------- */

static struct {
    uint32_t total, calls, agains; /* agains: so many times it has nothing, at `again_at` */
    uint32_t again_at;
    iot_err says;
    bool too_much;
} src;

static iot_err source(void *ctx, struct iot_device *d, uint32_t offset, struct iot_writer *w)
{
    (void)ctx;
    (void)d;
    src.calls++;
    assert_true(offset < src.total);
    assert_true(w->cap != 0 && w->cap <= src.total - offset && w->cap <= IOT_MQTT_CONTROL_BYTES);
    if (src.says != IOT_OK)
        return src.says;
    if (offset >= src.again_at && src.agains != 0) {
        src.agains--;
        return IOT_ERR_AGAIN;
    }
    uint32_t n = w->cap > 100 ? 100 : w->cap;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t byte = fill(offset + i);
        iot_writer_put(w, &byte, 1);
    }
    for (uint32_t i = 0; src.too_much && i < 200; i++)
        iot_writer_text(w, "x");
    return IOT_OK;
}

static const struct iot_msg streamed = {.topic = IOT_TOPIC("up")};

static iot_err stream_it(uint32_t total, iot_ticket *ticket)
{
    memset(&src, 0, sizeof src);
    src.total = total;
    src.again_at = UINT32_MAX;
    return iot_mqtt_stream(&dev, &streamed, total, source, NULL, ticket);
}

static iot_err publish(uint8_t qos)
{
    struct iot_msg msg = {
        .topic = IOT_TOPIC("m"), .payload = {(const uint8_t *)"m", 1}, .qos = qos};
    return iot_mqtt_publish(&dev, &msg, NULL);
}

/* The one on topic "up" is whole on the wire. */
static void assert_streamed(uint32_t total)
{
    struct iot_bytes rest = stub_sent(&stub);
    struct wire_packet p;
    uint32_t found = 0;
    while (wire_next(&rest, &p)) {
        if (p.type != 3 || p.topic.len != 2)
            continue;
        found++;
        assert_int_equal(p.payload.len, total);
        for (uint32_t i = 0; i < total; i++)
            assert_int_equal(p.payload.ptr[i], fill(i));
    }
    assert_int_equal(found, 1);
    assert_int_equal(rest.len, 0);
}

static void a_streamed_message_may_be_many_rings_long_and_keeps_its_place(void **state)
{
    static const uint32_t totals[] = {1, 99, 100, 101, 144, 145, 5 * IOT_MQTT_TX_BYTES};
    (void)state;
    for (uint32_t i = 0; i < COUNT(totals); i++) {
        setup(NULL);
        begin(IOT_SESSION_CLEAN, true);
        iot_ticket t = 0;
        assert_err(publish(1), IOT_OK);
        assert_err(stream_it(totals[i], &t), IOT_OK);
        assert_err(publish(1), IOT_OK);
        run(100);
        assert_streamed(totals[i]);
        assert_int_equal(events[IOT_EV_DONE], 1);
        assert_int_equal(last[IOT_EV_DONE].ticket, t);
        assert_non_null(strstr(sent_words(), "PUBLISH(2) PUBLISH PUBLISH(3)"));
        assert_err(stream_it(5, NULL), IOT_OK); /* and the next one */
    }
}

static void what_is_owed_waits_until_a_streamed_message_is_whole(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, true);
    assert_err(stream_it(1000, NULL), IOT_OK);
    src.again_at = 300;
    src.agains = 20;
    run(100);
    put_big(2, 9, 10);
    receive();
    run(100);
    assert_int_equal(got.complete, 1);
    assert_null(strstr(sent_words(), "PUBACK"));
    assert_true(src.calls <= 3 + 200 / 20 + 2); /* asked now and then */
    run(1000);
    assert_streamed(1000);
    assert_non_null(strstr(sent_words(), "PUBLISH PUBACK(9)"));
}

static void a_wire_that_takes_little_is_no_fault_of_the_source(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, true);
    stub.write_budget = 250;
    assert_err(stream_it(3000, NULL), IOT_OK);
    run(IOT_STREAM_MAX_MS + 1000);
    assert_int_equal(events[IOT_EV_LOST], 0);
    uint32_t calls = src.calls;
    assert_true(calls <= 3);
    stub_allow(&stub, UINT32_MAX);
    run(10);
    assert_streamed(3000);
}

static void a_source_that_has_nothing_for_too_long_ends_the_link_by_name(void **state)
{
    static const iot_err says[] = {IOT_ERR_AGAIN, IOT_ERR_FULL, IOT_ERR_KV};
    (void)state;
    for (uint32_t i = 0; i < COUNT(says); i++) {
        setup(NULL);
        begin(IOT_SESSION_KEEP, true);
        iot_ticket t = 0;
        assert_err(stream_it(3000, &t), IOT_OK);
        assert_err(publish(1), IOT_OK);
        src.says = says[i];
        bool at_once = says[i] == IOT_ERR_KV;
        run(at_once ? 0 : IOT_STREAM_MAX_MS - 100);
        assert_int_equal(events[IOT_EV_LOST], at_once);
        run(200);
        assert_int_equal(events[IOT_EV_LOST], 1);
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_UNFINISHED);
        /* It does not stop the next link, too; what came behind it is sent. */
        assert_int_equal(events[IOT_EV_FAILED], 1);
        assert_int_equal(last[IOT_EV_FAILED].ticket, t);
        assert_err(last[IOT_EV_FAILED].err, IOT_ERR_MQTT_UNFINISHED);
        src.says = IOT_OK;
        accept_login(true);
        run(100);
        assert_non_null(strstr(sent_words(), "PUBLISH("));
    }
}

static void a_source_that_writes_too_much_ends_the_link(void **state)
{
    (void)state;
    begin(IOT_SESSION_CLEAN, true);
    assert_err(stream_it(3000, NULL), IOT_OK);
    src.too_much = true;
    run(0);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_UNFINISHED);
}

static void a_link_that_breaks_in_the_middle_cuts_a_streamed_message(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        setup(NULL);
        begin(keep ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN, true);
        iot_ticket t = 0;
        assert_err(stream_it(3000, &t), IOT_OK);
        src.again_at = 200;
        src.agains = UINT32_MAX;
        assert_err(publish(1), IOT_OK);
        run(100);
        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
        run(10);
        assert_int_equal(events[IOT_EV_FAILED], 1);
        assert_int_equal(last[IOT_EV_FAILED].ticket, t);
        assert_err(last[IOT_EV_FAILED].err, IOT_ERR_CUT);
        uint32_t calls = src.calls;
        accept_login(keep);
        run(100);
        assert_int_equal(src.calls, calls); /* it is not asked again */
        assert_non_null(strstr(sent_words(), "PUBLISH("));
        assert_err(stream_it(10, NULL), IOT_OK);
    }
}

static void one_streamed_message_lives_at_a_time_and_wrong_ones_are_refused(void **state)
{
    (void)state;
    struct iot_msg msg = streamed;
    assert_err(iot_mqtt_stream(&dev, &msg, 10, source, NULL, NULL), IOT_ERR_STATE);
    begin(IOT_SESSION_CLEAN, true);
    stub.write_budget = 0;
    assert_err(stream_it(3000, NULL), IOT_OK);
    assert_err(iot_mqtt_stream(&dev, &msg, 10, source, NULL, NULL), IOT_ERR_FULL);
    run(10);
    assert_int_equal(events[IOT_EV_WRITABLE], 0);
    stub_allow(&stub, UINT32_MAX);
    run(10);
    assert_int_equal(events[IOT_EV_WRITABLE], 1);
    for (uint8_t qos = 1; qos <= 3; qos++) {
        msg.qos = qos;
        assert_err(iot_mqtt_stream(&dev, &msg, 10, source, NULL, NULL), IOT_ERR_ARG);
    }
    msg.qos = 0;
    assert_err(iot_mqtt_stream(&dev, &msg, 0, source, NULL, NULL), IOT_ERR_ARG);
    assert_err(iot_mqtt_stream(&dev, &msg, 10, NULL, NULL, NULL), IOT_ERR_ARG);
    assert_err(iot_mqtt_stream(&dev, &msg, 268435455, source, NULL, NULL), IOT_ERR_SIZE);
    msg.flags = IOT_MSG_BY_REF;
    assert_err(iot_mqtt_stream(&dev, &msg, 10, source, NULL, NULL), IOT_ERR_ARG);
    msg.flags = 0;
    msg.topic = (struct iot_topic)IOT_TOPIC("a/#");
    assert_err(iot_mqtt_stream(&dev, &msg, 10, source, NULL, NULL), IOT_ERR_MQTT_TOPIC);
}

static void a_close_waits_for_a_streamed_message_or_cuts_it(void **state)
{
    (void)state;
    for (int stuck = 0; stuck < 2; stuck++) {
        setup(NULL);
        begin(IOT_SESSION_CLEAN, true);
        iot_ticket t = 0;
        assert_err(stream_it(1000, &t), IOT_OK);
        src.again_at = 500;
        src.agains = stuck ? UINT32_MAX : 10;
        run(50);
        assert_err(iot_device_close(&dev, 1000), IOT_OK);
        run(4000);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        if (stuck) {
            assert_int_equal(last[IOT_EV_FAILED].ticket, t);
            assert_err(last[IOT_EV_FAILED].err, IOT_ERR_CUT);
        } else {
            assert_int_equal(last[IOT_EV_DONE].ticket, t);
            assert_non_null(strstr(sent_words(), "PUBLISH DISCONNECT"));
        }
    }
}

/* ---- Drops ------------------------------------------------------------------------------- */

static void what_gives_way_is_told_also_while_there_is_no_link(void **state)
{
    (void)state;
    opt.queue = IOT_MSG_DROP_OLDEST;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    stub.connects = false;
    assert_err(iot_device_connect(&dev), IOT_OK);
    run(10);
    iot_ticket first = 0;
    struct iot_msg msg = {.topic = IOT_TOPIC("m"), .qos = 1};
    assert_err(iot_mqtt_publish(&dev, &msg, &first), IOT_OK);
    for (uint32_t i = 1; i < IOT_MQTT_OUT_MAX; i++)
        assert_err(publish(1), IOT_OK);
    assert_err(publish(1), IOT_OK);
    assert_int_equal(iot_sleep_ms(&dev, now_ms), 0);
    assert_int_equal(events[IOT_EV_FAILED], 0); /* never from inside the call */
    run(1);
    assert_int_equal(events[IOT_EV_FAILED], 1);
    assert_int_equal(last[IOT_EV_FAILED].ticket, first);
    assert_err(last[IOT_EV_FAILED].err, IOT_ERR_DROPPED);
}

static void publish_again(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    on_event(ctx, d, ev);
    if (ev->kind == IOT_EV_FAILED)
        (void)publish(1);
}

static void an_application_that_answers_each_drop_by_a_message_does_not_hold_the_tick(void **state)
{
    (void)state;
    opt.queue = IOT_MSG_DROP_OLDEST;
    opt.on_event = publish_again;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    stub.connects = false;
    assert_err(iot_device_connect(&dev), IOT_OK);
    for (uint32_t i = 0; i <= IOT_MQTT_OUT_MAX; i++)
        assert_err(publish(1), IOT_OK);
    uint32_t sleep = iot_poll(&dev, now_ms); /* it returns */
    assert_int_equal(sleep, 0);
    assert_in_range(events[IOT_EV_FAILED], 2, 100);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(a_message_of_many_windows_comes_in_parts_and_is_acknowledged_once_at_its_end),
        CASE(parts_are_the_same_bytes_however_they_are_cut),
        CASE(every_size_around_the_window_is_whole_or_in_parts_and_never_lost),
        CASE(a_part_that_is_declined_is_offered_again_and_nothing_behind_it),
        CASE(parts_declined_for_too_long_are_reported_or_end_the_link),
        CASE(a_link_that_breaks_in_the_middle_begins_the_message_anew),
        CASE(without_a_handler_for_parts_it_is_skipped_and_reported_once),
        CASE(of_several_handlers_those_for_parts_get_it),
        CASE(a_handler_that_unsubscribes_in_the_middle_gets_no_more_of_it),
        CASE(a_streamed_message_may_be_many_rings_long_and_keeps_its_place),
        CASE(what_is_owed_waits_until_a_streamed_message_is_whole),
        CASE(a_wire_that_takes_little_is_no_fault_of_the_source),
        CASE(a_source_that_has_nothing_for_too_long_ends_the_link_by_name),
        CASE(a_source_that_writes_too_much_ends_the_link),
        CASE(a_link_that_breaks_in_the_middle_cuts_a_streamed_message),
        CASE(one_streamed_message_lives_at_a_time_and_wrong_ones_are_refused),
        CASE(a_close_waits_for_a_streamed_message_or_cuts_it),
        CASE(what_gives_way_is_told_also_while_there_is_no_link),
        CASE(an_application_that_answers_each_drop_by_a_message_does_not_hold_the_tick),
    };
    return cmocka_run_group_tests_name("mqtt_pump", tests, NULL, NULL);
}
