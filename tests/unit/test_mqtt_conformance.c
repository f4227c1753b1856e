/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of MQTT 3.1.1 that no other test shows; tests/mqtt311.md has the list of all. */
#include "test.h"

#include "heap_trap.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"
#include "no_tcp.h"
#include "stub_stream.h"

/* ---- a session between an application and a wire ------------------------------------------ */

static struct iot_options opt;
static struct iot_mqtt_session s;
static uint8_t scratch[IOT_MQTT_RX_BYTES];
static struct wire in;  /* what the broker says next */
static struct wire out; /* what the wire took */
static uint32_t written;
static char heard[1024]; /* what the application was told */

#define NOW ((iot_time)1000)

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t at = strlen(heard);
    va_list args;
    va_start(args, format);
    vsnprintf(heard + at, sizeof heard - at, format, args);
    va_end(args);
}

#define assert_heard(text)                                                                         \
    do {                                                                                           \
        assert_string_equal(heard, text);                                                          \
        heard[0] = '\0';                                                                           \
    } while (0)

#define assert_sent(words)                                                                         \
    do {                                                                                           \
        pump();                                                                                    \
        assert_string_equal(wire_words(wire_bytes(&out)), words);                                  \
        wire_clear(&out);                                                                          \
    } while (0)

static void init(enum iot_session_kind kind)
{
    memset(&opt, 0, sizeof opt);
    opt.client_id = "c";
    opt.keepalive_s = 60;
    opt.session = kind;
    iot_mqtt_session_init(&s, &opt, sizeof scratch);
    wire_clear(&in);
    wire_clear(&out);
    heard[0] = '\0';
}

static int setup(void **state)
{
    (void)state;
    init(IOT_SESSION_CLEAN);
    return 0;
}

/* The wire takes `most` bytes at most. */
static void pump_up_to(uint32_t most)
{
    enum iot_stream_write_flag how;
    struct iot_bytes bytes;
    heap_trap_on();
    while (most != 0 && (bytes = iot_mqtt_pending(&s, &how)).len != 0) {
        uint32_t n = bytes.len < most ? bytes.len : most;
        wire_put(&out, bytes.ptr, n);
        written += n;
        most -= n;
        iot_mqtt_sent(&s, n, written);
    }
    heap_trap_off();
}

static void pump(void)
{
    pump_up_to(UINT32_MAX);
}

static void note_ended(void)
{
    struct iot_mqtt_event ev;
    while (iot_mqtt_ended(&s, &ev))
        note("ended %u %s; ", (unsigned)ev.ticket, iot_err_name(ev.err));
}

static void note_event(const struct iot_mqtt_event *ev)
{
    if (ev->kind == IOT_MQTT_EV_MESSAGE)
        note("%.*s%s=%.*s; ", (int)ev->msg.topic.len, ev->msg.topic.text,
             ev->msg.flags & IOT_MSG_RETAIN ? " retain" : "", (int)ev->msg.payload.len,
             (const char *)ev->msg.payload.ptr);
    if (ev->kind == IOT_MQTT_EV_UNSUBACK)
        note("unsuback %u; ", (unsigned)ev->ticket);
}

/* All that the broker has said is digested. The error that ended it, or OK. */
static iot_err receive(void)
{
    struct iot_bytes rest = guarded(wire_bytes(&in));
    iot_err err = IOT_OK;
    while (err == IOT_OK && rest.len != 0) {
        struct iot_mqtt_event ev = {.kind = IOT_MQTT_EV_NONE};
        uint32_t used = 0;
        heap_trap_on();
        err = iot_mqtt_feed(&s, rest, &used, &ev);
        if (err == IOT_OK && ev.kind == IOT_MQTT_EV_MESSAGE)
            iot_mqtt_accept(&s);
        heap_trap_off();
        if (err == IOT_OK)
            note_event(&ev);
        note_ended();
        rest.ptr += used;
        rest.len -= used;
    }
    wire_clear(&in);
    return err;
}

static void receive_ok(void)
{
    assert_err(receive(), IOT_OK);
}

/* CONNECT is out, and this CONNACK has come. */
static iot_err connect_and_get(uint8_t session_present, uint8_t code)
{
    struct iot_credentials who;
    written = 0;
    wire_clear(&out);
    iot_mqtt_credentials(&opt, &who);
    s.now = NOW;
    assert_err(iot_mqtt_session_start(&s, &who, scratch, sizeof scratch), IOT_OK);
    assert_sent("CONNECT");
    wire_connack(&in, session_present, code);
    return receive();
}

static void come_up(uint8_t session_present)
{
    assert_err(connect_and_get(session_present, 0), IOT_OK);
    assert_true(iot_mqtt_up(&s));
}

static void lose(void)
{
    iot_mqtt_session_lost(&s);
    note_ended();
}

static void publish(uint8_t qos)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("payload"), .qos = qos};
    assert_err(iot_mqtt_session_publish(&s, &msg, NULL), IOT_OK);
}

static void subscribe(const char *text)
{
    struct iot_filter f = {.filter = {text, (uint16_t)strlen(text), 0}, .qos = IOT_MQTT_QOS_MAX};
    assert_err(iot_mqtt_session_subscribe(&s, &f, NULL), IOT_OK);
}

static void unsubscribe(const char *text)
{
    struct iot_topic topic = {text, (uint16_t)strlen(text), 0};
    uint8_t slot;
    assert_err(iot_mqtt_session_unsubscribe(&s, &topic, NULL, &slot), IOT_OK);
}

/* ---- strings ----------------------------------------------------------------------------- */

static void a_byte_order_mark_and_control_characters_reach_the_application_as_they_came(
    void **state)
{
    static const char *const topics[] = {"\xef\xbb\xbf", "\xef\xbb\xbfx/\xef\xbb\xbf",
                                         "\x01\x1f\x7f", "\xc2\x80\xc2\x9f", "\xef\xbf\xbf"};
    (void)state;
    come_up(0);
    for (size_t i = 0; i < COUNT(topics); i++) {
        char expected[64];
        wire_publish(&in, 2, topics[i], 1, "x", 1);
        receive_ok();
        snprintf(expected, sizeof expected, "%s=x; ", topics[i]);
        assert_heard(expected);
        assert_sent("PUBACK(1)");
        /* and the application may say the same */
        struct iot_msg msg = {.topic = {topics[i], (uint16_t)strlen(topics[i]), 0}};
        assert_err(iot_mqtt_session_publish(&s, &msg, NULL), IOT_OK);
        pump();
        struct iot_bytes rest = wire_bytes(&out);
        struct wire_packet p;
        assert_true(wire_next(&rest, &p));
        assert_bytes(p.topic, text_bytes(topics[i]));
        wire_clear(&out);
        note_ended();
        heard[0] = '\0';
    }
}

/* One looks like the other, and some rules of Unicode call them the same. */
static void topics_are_compared_by_their_bytes_not_by_how_they_look(void **state)
{
    static const struct {
        const char *one, *other;
    } pairs[] = {
        {"caf\xc3\xa9", "cafe\xcc\x81"}, /* composed, decomposed */
        {"\xc3\x85", "\xe2\x84\xab"},    /* A with a ring, the sign for an angstrom */
        {"A", "\xef\xbc\xa1"},           /* full width */
        {"x", "\xef\xbb\xbfx"},          /* a byte order mark */
        {"gro\xc3\x9f", "gross"},
        {"a", "A"},
        {"a/b", "a//b"},
        {"a/b", "/a/b"},
        {"a/b", "a/b/"},
        {"\xf0\x9f\x92\xa1", "\xf0\x9f\x92\xa2"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        for (int way = 0; way <= 1; way++) {
            const char *filter = way ? pairs[i].one : pairs[i].other;
            const char *name = way ? pairs[i].other : pairs[i].one;
            uint32_t hits[IOT_TOPIC_HITS_WORDS];
            init(IOT_SESSION_CLEAN);
            subscribe(filter);
            assert_false(iot_topic_match(text_bytes(filter), text_bytes(name)));
            assert_true(iot_topic_match(text_bytes(filter), text_bytes(filter)));
            iot_topic_index_match(&s.subs.index, text_bytes(name), hits);
            for (size_t word = 0; word < COUNT(hits); word++)
                assert_int_equal(hits[word], 0);
        }
    }
}

/* ---- packet ids -------------------------------------------------------------------------- */

static void one_number_serves_one_request_at_a_time_of_whatever_kind(void **state)
{
    (void)state;
    come_up(0);
    subscribe("off");
    assert_sent("SUBSCRIBE(1)");
    wire_suback(&in, 1, 2);
    receive_ok();
    s.next_id = 10;
    publish(1);
    publish(2);
    publish(2);
    pump();
    wire_ack(&in, 0x50, 12);
    receive_ok();
    pump();
    subscribe("on");
    pump();
    unsubscribe("off");
    pump();
    assert_sent("PUBLISH(10) PUBLISH(11) PUBLISH(12) PUBREL(12) SUBSCRIBE(13) UNSUBSCRIBE(14)");
    /* whoever comes next, and wherever the numbers stand: none of these is taken */
    for (uint16_t from = 10; from <= 14; from++) {
        s.next_id = from;
        publish(1);
        assert_int_equal(s.box.out[s.box.count - 1].id, 15 + from - 10);
    }
    s.next_id = 10;
    subscribe("more");
    assert_sent("SUBSCRIBE(20) PUBLISH(15) PUBLISH(16) PUBLISH(17) PUBLISH(18) PUBLISH(19)");
    /* each answer gives back its own number and no other */
    wire_ack(&in, 0x40, 10);
    wire_ack(&in, 0x70, 12);
    wire_ack(&in, 0xb0, 14);
    wire_suback(&in, 13, 0);
    for (uint16_t id = 15; id <= 19; id++) /* the table is small */
        wire_ack(&in, 0x40, id);
    receive_ok();
    s.next_id = 10;
    for (int i = 0; i < 4; i++)
        publish(1);
    s.next_id = 20;
    publish(1);
    assert_sent("PUBLISH(10) PUBLISH(12) PUBLISH(13) PUBLISH(14) PUBLISH(21)");
}

static void numbers_begin_with_1_and_0_is_none_also_when_every_slot_has_one(void **state)
{
    static char texts[IOT_MQTT_SUBS_MAX][8];
    (void)state;
    come_up(0);
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "s/%u", (unsigned)i);
        subscribe(texts[i]);
    }
    pump();
    struct iot_bytes rest = wire_bytes(&out);
    struct wire_packet p;
    for (uint16_t id = 1; id <= IOT_MQTT_SUBS_MAX; id++) {
        assert_true(wire_next(&rest, &p));
        assert_int_equal(p.id, id);
    }
    wire_clear(&out);
    s.next_id = 65535;
    publish(1);
    publish(1); /* 0 is no number, and the first ones await their SUBACK */
    char expected[64];
    snprintf(expected, sizeof expected, "PUBLISH(65535) PUBLISH(%u)", IOT_MQTT_SUBS_MAX + 1u);
    assert_sent(expected);
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    memset(into, *(const uint8_t *)ctx, n);
    return IOT_OK;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    (void)ev;
}

/* The number of the first message after a reboot, published before or after the first tick. */
static uint16_t first_number(enum iot_session_kind kind, uint16_t first_id, uint8_t chance,
                             bool early)
{
    static struct iot_device dev;
    static struct stub_stream stub;
    const struct iot_port port = {.ctx = &chance, .random = random_bytes};
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 2};
    stub_init(&stub);
    init(kind);
    opt.host = "broker.example";
    opt.first_id = first_id;
    opt.on_event = on_event;
    opt.port_ops = &port;
    opt.stream = &stub.base;
    memset(&dev, 0xee, sizeof dev); /* as memory is after power-up */
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    if (!early)
        iot_poll(&dev, 0);
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    uint16_t id = dev.mqtt.session.box.out[0].id;
    assert_err(iot_device_close(&dev, 0), IOT_OK);
    for (uint32_t ms = 0; ms < 5000; ms += 100)
        iot_poll(&dev, ms);
    return id;
}

static void after_a_reboot_a_kept_session_begins_with_a_random_number(void **state)
{
    (void)state;
    for (uint32_t chance = 0; chance < 256; chance++) {
        for (int early = 0; early <= 1; early++) {
            uint16_t id = first_number(IOT_SESSION_KEEP, 0, (uint8_t)chance, early);
            assert_int_equal(id, chance << 8 | chance | 1); /* odd: not 0 */
            assert_int_equal(first_number(IOT_SESSION_KEEP, 77, (uint8_t)chance, early), 77);
            assert_int_equal(first_number(IOT_SESSION_CLEAN, 0, (uint8_t)chance, early), 1);
        }
    }
}

/* ---- connecting -------------------------------------------------------------------------- */

static void what_waited_while_the_broker_refused_is_sent_when_it_accepts(void **state)
{
    (void)state;
    for (int keep = 0; keep <= 1; keep++) {
        init(keep ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN);
        publish(0);
        publish(1);
        publish(2);
        subscribe("a");
        for (uint8_t code = 1; code <= 6; code++) {
            assert_err(connect_and_get(0, code), IOT_ERR_MQTT_REFUSED);
            assert_false(iot_mqtt_up(&s));
            assert_sent(""); /* it would be thrown away */
            lose();
            assert_heard("");
        }
        come_up(0);
        assert_sent("SUBSCRIBE(3) PUBLISH PUBLISH(1) PUBLISH(2)");
    }
}

static void a_clean_session_subscribes_anew_on_each_connection_and_carries_nothing_over(
    void **state)
{
    (void)state;
    subscribe("a");
    for (uint16_t round = 0; round < 3; round++) {
        come_up(0);
        char expected[64];
        uint16_t id = (uint16_t)(1 + 3 * round);
        snprintf(expected, sizeof expected, "SUBSCRIBE(%u)", id);
        assert_sent(expected);
        wire_suback(&in, id, 2);
        wire_publish(&in, 4, "a", 9, "x", 1); /* in each session a new message */
        receive_ok();
        assert_heard("a=x; ");
        assert_sent("PUBREC(9)");
        publish(1);
        publish(2);
        snprintf(expected, sizeof expected, "PUBLISH(%u) PUBLISH(%u)", id + 1, id + 2);
        assert_sent(expected);
        wire_ack(&in, 0x50, (uint16_t)(id + 2));
        receive_ok();
        lose();
        snprintf(expected, sizeof expected, "ended %u UNKNOWN; ended %u UNKNOWN; ",
                 (unsigned)(3 + 2 * round), (unsigned)(2 + 2 * round));
        assert_heard(expected);
    }
}

/* ---- messages ---------------------------------------------------------------------------- */

static void qos_0_is_sent_once_and_without_dup(void **state)
{
    (void)state;
    init(IOT_SESSION_KEEP);
    come_up(0);
    publish(0);
    pump();
    uint32_t whole = out.len;
    assert_sent("PUBLISH");
    note_ended();
    assert_heard("ended 1 OK; ");
    lose();
    come_up(1);
    assert_sent(""); /* it was handed over: never again */
    /* what no broker can have understood goes again from its start, as the first time: wire_next
     * fails at a DUP */
    for (uint32_t cut = 1; cut < whole; cut++) {
        publish(0);
        pump_up_to(cut);
        assert_int_equal(out.len, cut);
        note_ended();
        assert_heard("");
        lose();
        assert_heard("");
        come_up(cut & 1);
        assert_sent("PUBLISH");
        note_ended();
        assert_true(iot_mqtt_session_idle(&s));
        heard[0] = '\0';
    }
}

static void each_quality_is_answered_by_its_own_packet_and_retain_is_told(void **state)
{
    static const struct {
        uint8_t flags;
        const char *told, *answer;
    } rows[] = {
        {0x0, "a=x; ", ""},
        {0x1, "a retain=x; ", ""},
        {0x2, "a=x; ", "PUBACK(7)"},
        {0x3, "a retain=x; ", "PUBACK(7)"},
        {0xa, "a=x; ", "PUBACK(7)"}, /* DUP says nothing about what was seen */
        {0xb, "a retain=x; ", "PUBACK(7)"},
        {0x4, "a=x; ", "PUBREC(7)"},
        {0x5, "a retain=x; ", "PUBREC(7)"},
        {0xc, "a=x; ", "PUBREC(7)"},
        {0xd, "a retain=x; ", "PUBREC(7)"},
    };
    (void)state;
    come_up(0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        wire_publish(&in, rows[i].flags, "a", 7, "x", 1);
        receive_ok();
        assert_heard(rows[i].told);
        assert_sent(rows[i].answer);
        if ((rows[i].flags & 4) == 0)
            continue;
        wire_ack(&in, 0x62, 7);
        receive_ok();
        assert_sent("PUBCOMP(7)");
    }
}

static void an_empty_retained_message_goes_both_ways(void **state)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("a"), .flags = IOT_MSG_RETAIN};
    (void)state;
    come_up(0);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        struct iot_bytes rest;
        struct wire_packet p;
        msg.qos = qos;
        assert_err(iot_mqtt_session_publish(&s, &msg, NULL), IOT_OK);
        pump();
        rest = wire_bytes(&out);
        assert_true(wire_next(&rest, &p));
        assert_int_equal(p.type, 3);
        assert_int_equal(p.flags, qos << 1 | 1);
        assert_int_equal(p.payload.len, 0);
        wire_clear(&out);
        note_ended();
        heard[0] = '\0';
        wire_publish(&in, (uint8_t)(qos << 1 | 1), "a", 9, NULL, 0);
        receive_ok();
        assert_heard("a retain=; ");
        assert_sent(qos == 0 ? "" : qos == 1 ? "PUBACK(9)" : "PUBREC(9)");
    }
}

/* ---- unsubscribing ----------------------------------------------------------------------- */

static void deliveries_that_unsubscribe_overtook_are_finished(void **state)
{
    (void)state;
    come_up(0);
    subscribe("a");
    assert_sent("SUBSCRIBE(1)");
    wire_suback(&in, 1, 2);
    wire_publish(&in, 4, "a", 20, "1", 1);
    receive_ok();
    assert_sent("PUBREC(20)");
    unsubscribe("a");
    assert_sent("UNSUBSCRIBE(2)");
    wire_publish(&in, 2, "a", 21, "2", 1); /* were on their way */
    wire_publish(&in, 4, "a", 22, "3", 1);
    wire_ack(&in, 0x62, 20);
    receive_ok();
    assert_sent("PUBACK(21) PUBREC(22) PUBCOMP(20)");
    wire_ack(&in, 0xb0, 2);
    wire_ack(&in, 0x62, 22);
    wire_publish(&in, 0xc, "a", 23, "4", 1); /* from before, sent again */
    wire_publish(&in, 0xa, "a", 24, "5", 1);
    receive_ok();
    assert_heard("a=1; a=2; a=3; unsuback 2; a=4; a=5; ");
    assert_sent("PUBCOMP(22) PUBREC(23) PUBACK(24)");
}

static void unsuback_ends_the_request_also_when_the_broker_knew_no_such_filter(void **state)
{
    (void)state;
    init(IOT_SESSION_KEEP);
    come_up(0);
    subscribe("a");
    assert_sent("SUBSCRIBE(1)");
    wire_suback(&in, 1, 2);
    receive_ok();
    unsubscribe("a");
    lose();
    come_up(0); /* the broker has forgotten all */
    assert_sent("UNSUBSCRIBE(2)");
    wire_ack(&in, 0xb0, 2);
    receive_ok();
    assert_heard("unsuback 2; ");
    assert_true(iot_mqtt_session_idle(&s));
    assert_int_equal(s.subs.count, 0);
    /* and for one that it has refused or never got */
    subscribe("b");
    unsubscribe("b");
    assert_sent("UNSUBSCRIBE(3)");
    wire_ack(&in, 0xb0, 3);
    receive_ok();
    assert_heard("unsuback 4; ");
    assert_true(iot_mqtt_session_idle(&s));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(a_byte_order_mark_and_control_characters_reach_the_application_as_they_came),
        CASE(topics_are_compared_by_their_bytes_not_by_how_they_look),
        CASE(one_number_serves_one_request_at_a_time_of_whatever_kind),
        CASE(numbers_begin_with_1_and_0_is_none_also_when_every_slot_has_one),
        CASE(after_a_reboot_a_kept_session_begins_with_a_random_number),
        CASE(what_waited_while_the_broker_refused_is_sent_when_it_accepts),
        CASE(a_clean_session_subscribes_anew_on_each_connection_and_carries_nothing_over),
        CASE(qos_0_is_sent_once_and_without_dup),
        CASE(each_quality_is_answered_by_its_own_packet_and_retain_is_told),
        CASE(an_empty_retained_message_goes_both_ways),
        CASE(deliveries_that_unsubscribe_overtook_are_finished),
        CASE(unsuback_ends_the_request_also_when_the_broker_knew_no_such_filter),
    };
    return cmocka_run_group_tests_name("mqtt_conformance", tests, NULL, NULL);
}
