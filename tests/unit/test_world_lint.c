/* SPDX-License-Identifier: Apache-2.0 */
/* The linter of the simulated world: of each rule a conversation that keeps it and one that breaks it. */
#include "test.h"

#include "mqtt_wire.h"
#include "world/world_lint.h"
#include "world/world_serial.h"
#include "world_said.h"

#define Q1  2
#define Q2  4
#define DUP 8

#define PUBACK  0x40
#define PUBREC  0x50
#define PUBREL  0x62
#define PUBCOMP 0x70

static struct world_lint lint;
static struct wire wire;
static uint64_t now;
static uint64_t taken[64];
static uint32_t taken_count;

/* ---- Words ------------------------------------------------------------------------------- */

static bool accepted(void *ctx, uint64_t serial, uint8_t qos)
{
    (void)ctx;
    (void)qos;
    for (uint32_t i = 0; i < taken_count; i++)
        if (taken[i] == serial)
            return true;
    return false;
}

static void take(uint64_t serial)
{
    assert_true(taken_count < COUNT(taken));
    taken[taken_count++] = serial;
}

static void begin(uint16_t keepalive_s, bool clean)
{
    static const struct world_lint_app app = {accepted, NULL};
    hush();
    taken_count = 0;
    now = 0x100000000u - 5000;
    world_lint_init(&lint, "d1", keepalive_s, clean, &app);
}

static void send(void)
{
    world_lint_sent(&lint, wire_bytes(&wire), now);
    wire_clear(&wire);
}

static void hear(void)
{
    world_lint_heard(&lint, wire_bytes(&wire), now);
    wire_clear(&wire);
}

static void send_hex(const char *hex)
{
    wire_hex(&wire, hex);
    send();
}

static void put_publish(uint8_t flags, uint16_t id, uint64_t serial)
{
    uint8_t payload[WORLD_SERIAL_BYTES];
    world_serial_encode(serial, payload);
    wire_publish(&wire, flags, "t/1", id, payload, sizeof payload);
}

static void send_publish(uint8_t flags, uint16_t id, uint64_t serial)
{
    put_publish(flags, id, serial);
    send();
}

static void hear_publish(uint8_t flags, uint16_t id, uint64_t serial)
{
    put_publish(flags, id, serial);
    hear();
}

static void send_ack(uint8_t first, uint16_t id)
{
    wire_ack(&wire, first, id);
    send();
}

static void hear_ack(uint8_t first, uint16_t id)
{
    wire_ack(&wire, first, id);
    hear();
}

static void send_connect(void)
{
    wire_hex(&wire, "10 0e 00 04 4d515454 04");
    uint8_t rest[] = {(uint8_t)(lint.clean ? 2 : 0),
                      (uint8_t)(lint.keepalive_s >> 8),
                      (uint8_t)lint.keepalive_s,
                      0,
                      2,
                      'd',
                      '1'};
    wire_put(&wire, rest, sizeof rest);
    send();
}

static void open_link(void)
{
    world_lint_opened(&lint, now);
    send_connect();
}

static void connack(uint8_t session_present)
{
    wire_connack(&wire, session_present, 0);
    hear();
}

static void connect(uint8_t session_present)
{
    open_link();
    connack(session_present);
}

static void reconnect(uint8_t session_present)
{
    world_lint_closed(&lint, now);
    connect(session_present);
}

static void pass(uint32_t ms)
{
    now += ms;
    world_lint_tick(&lint, now);
}

static int clean_up(void **state)
{
    (void)state;
    world_lint_over(&lint, now);
    quiet();
    return 0;
}

/* ---- Single packets ---------------------------------------------------------------------- */

static void each_malformed_packet_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } bad[] = {
        {"20 02 00 00", "no client may send"},
        {"00 00", "no client may send"},
        {"f0 00", "no client may send"},
        {"41 02 00 01", "MQTT-2.2.2-1"},
        {"60 02 00 01", "MQTT-2.2.2-1"},
        {"80 08 00 01 00 03 612f62 00", "MQTT-2.2.2-1"},
        {"c1 00", "MQTT-2.2.2-1"},
        {"c0 80 00", "(2.2.3): a needlessly long"},
        {"30 86 00 00 01 61 414243", "(2.2.3): a needlessly long"},
        {"c0 80 80 80 80", "(2.2.3): five bytes"},
        {"40 02 00 00", "MQTT-2.3.1-6: an acknowledgement of packet id 0"},
        {"40 03 00 01 00", "bytes behind the last field"},
        {"40 01 00", "shorter than its fields"},
        {"c0 01 00", "bytes behind the last field"},
        {"36 06 00 01 61 00 01 41", "MQTT-3.3.1-4"},
        {"38 04 00 01 61 41", "MQTT-3.3.1-2"},
        {"32 06 00 01 61 00 00 41", "MQTT-2.3.1-1"},
        {"30 03 00 00 41", "MQTT-4.7.3-1"},
        {"30 05 00 02 612b 41", "MQTT-3.3.2-2"},
        {"30 05 00 02 2361 41", "MQTT-3.3.2-2"},
        {"30 05 00 02 c080 41", "MQTT-1.5.3-1"},
        {"30 05 00 02 61c3 41", "MQTT-1.5.3-1"},
        {"30 06 00 03 eda080 41", "MQTT-1.5.3-1"},
        {"30 05 00 02 6100 41", "MQTT-1.5.3-2"},
        {"30 03 00 05 61", "shorter than its fields"},
        {"82 08 00 00 00 03 612f62 00", "MQTT-2.3.1-1"},
        {"82 02 00 01", "MQTT-3.8.3-3"},
        {"a2 02 00 01", "MQTT-3.10.3-2"},
        {"82 08 00 01 00 03 612f62 03", "MQTT-3.8.3-4"},
        {"82 07 00 01 00 03 612f62", "shorter than its fields"},
        {"82 08 00 01 00 03 612f2b 80", "MQTT-3.8.3-4"},
        {"82 08 00 01 00 03 23 2f62 00", "MQTT-4.7.1-2"},
        {"82 08 00 01 00 03 612f62 00 82 08 00 02 00 03 61 2f23 00 82 08 00 03 00 03 61 6223 00",
         "MQTT-4.7.1-2"},
        {"82 08 00 01 00 03 61 2b62 00", "MQTT-4.7.1-3"},
        {"a2 07 00 01 00 03 2b2f61 a2 07 00 02 00 03 2b61 2f", "MQTT-4.7.1-3"},
        {"a2 04 00 01 00 00", "MQTT-4.7.3-1"},
        {"82 06 00 01 00 01 00 00", "MQTT-1.5.3-2"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        begin(0, true);
        connect(0);
        send_hex(bad[i].hex);
        caught(bad[i].text);
        world_lint_closed(&lint, now);
    }
}

static void each_malformed_connect_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } bad[] = {
        {"11 0e 00 04 4d515454 04 02 00 00 00 02 6431", "MQTT-2.2.2-1"},
        {"10 0e 00 04 4d515455 04 02 00 00 00 02 6431", "MQTT-3.1.2-1"},
        {"10 0e 00 04 4d515454 05 02 00 00 00 02 6431", "MQTT-3.1.2-2"},
        {"10 0e 00 04 4d515454 04 03 00 00 00 02 6431", "MQTT-3.1.2-3"},
        {"10 0e 00 04 4d515454 04 22 00 00 00 02 6431", "MQTT-3.1.2-11"},
        {"10 0e 00 04 4d515454 04 0a 00 00 00 02 6431", "MQTT-3.1.2-11"},
        {"10 13 00 04 4d515454 04 1e 00 00 00 02 6431 0001 61 0000", "MQTT-3.1.2-14"},
        {"10 11 00 04 4d515454 04 42 00 00 00 02 6431 0001 61", "MQTT-3.1.2-22"},
        {"10 0c 00 04 4d515454 04 00 00 00 00 00", "MQTT-3.1.3-7"},
        {"10 0e 00 04 4d515454 04 02 00 00 00 02 64ff", "MQTT-1.5.3-1"},
        {"10 13 00 04 4d515454 04 06 00 00 00 02 6431 0001 23 0000", "MQTT-3.3.2-2"},
        {"10 11 00 04 4d515454 04 82 00 00 00 02 6431 0001 00", "MQTT-1.5.3-2"},
        {"10 0e 00 04 4d515454 04 82 00 00 00 02 6431", "shorter than its fields"},
        {"10 0f 00 04 4d515454 04 02 00 00 00 02 6431 00", "bytes behind the last field"},
        {"10 0e 00 04 4d515454 04 02 00 01 00 02 6431", "the options are 0 s, 1"},
        {"10 0e 00 04 4d515454 04 00 00 00 00 02 6431", "the options are 0 s, 1"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        begin(0, true);
        world_lint_opened(&lint, now);
        send_hex(bad[i].hex);
        caught(bad[i].text);
        world_lint_closed(&lint, now);
    }
    begin(0, true);
    world_lint_opened(&lint, now);
    send_hex("10 1b 00 04 4d515454 04 f6 00 00 00 02 6431 0001 61 0001 00 0001 75 0002 00ff");
    quiet();
}

static void what_is_too_long_to_judge_is_said(void **state)
{
    (void)state;
    static char topic[WORLD_PACKET_KEPT + 2];
    memset(topic, 't', sizeof topic - 1);
    begin(0, true);
    connect(0);
    wire_publish(&wire, 0, topic, 0, "x", 1);
    send();
    caught("a topic longer than this linter can judge");
    topic[WORLD_PACKET_KEPT - 4] = '\0';
    wire_publish(&wire, Q1, topic, 1, "x", 1);
    send();
    quiet();
    wire_hex(&wire, "82 81 20");
    for (uint32_t i = 0; i < WORLD_PACKET_KEPT + 1; i++)
        wire_put(&wire, "x", 1);
    send();
    caught("a packet longer than this linter can judge");
    for (uint16_t id = 1; id <= 8192; id++)
        wire_ack(&wire, PUBREL, id);
    hear();
    quiet();
    hear_ack(PUBREL, 9000);
    caught("more answers owed");
}

static void a_conversation_may_be_cut_anywhere(void **state)
{
    (void)state;
    static struct wire up;
    for (uint32_t cut = 0; cut < 400; cut++) {
        begin(0, true);
        connect(0);
        hear_publish(Q1, 5, 77);
        take(77);
        wire_hex(&wire, "82 08 00 03 00 03 612f62 02");
        wire_ack(&wire, PUBACK, 5);
        put_publish(Q2, 4, 1);
        wire_publish_filled(&wire, 0, "big", 0, 'x', 200);
        wire_hex(&wire, "c0 00 e0 00");
        up = wire;
        wire_clear(&wire);
        uint32_t first = cut < up.len ? cut : up.len;
        world_lint_sent(&lint, (struct iot_bytes){up.bytes, first}, now);
        world_lint_sent(&lint, (struct iot_bytes){up.bytes + first, up.len - first}, now);
        quiet();
        send_hex("c0");
        caught("MQTT-3.14.4-2: PINGREQ after DISCONNECT");
        world_lint_over(&lint, now);
    }
    begin(0, true);
    connect(0);
    for (uint32_t i = 0; i < up.len - 2; i++) {
        if (i == 10)
            hear_publish(Q1, 5, 77);
        take(77);
        taken_count = 1;
        world_lint_sent(&lint, (struct iot_bytes){up.bytes + i, 1}, now);
    }
    quiet();
}

/* ---- A connection ------------------------------------------------------------------------ */

static void connect_comes_first_and_once(void **state)
{
    (void)state;
    begin(0, true);
    world_lint_opened(&lint, now);
    send_hex("c0 00");
    caught("MQTT-3.1.0-1: PINGREQ before CONNECT");
    world_lint_closed(&lint, now);
    connect(0);
    quiet();
    send_connect();
    caught("MQTT-3.1.0-2");
    world_lint_closed(&lint, now);
    world_lint_sent(&lint, BYTES("\xc0"), now);
    caught("bytes without a connection");
    world_lint_opened(&lint, now);
    world_lint_opened(&lint, now);
    caught("a second connection beside the first");
}

static void nothing_is_sent_before_connack_or_after_a_refusal(void **state)
{
    (void)state;
    begin(0, true);
    open_link();
    send_publish(0, 0, 1);
    caught("(promise): PUBLISH before CONNACK");
    world_lint_closed(&lint, now);
    open_link();
    wire_connack(&wire, 0, 5);
    hear();
    send_hex("c0 00");
    caught("MQTT-3.1.4-5");
    world_lint_closed(&lint, now);
    open_link(); /* a session that a clean one cannot have */
    connack(1);
    send_hex("c0 00");
    caught("MQTT-3.1.4-5");
}

static void connect_is_not_late(void **state)
{
    (void)state;
    begin(0, true);
    world_lint_opened(&lint, now);
    pass(1000);
    quiet();
    pass(1);
    caught("CONNECT is late");
    world_lint_closed(&lint, now);
    world_lint_opened(&lint, now);
    world_lint_excuse(&lint, now + 5000);
    pass(6000);
    send_connect();
    pass(60000);
    quiet();
}

static void the_gap_between_packets_stays_below_the_keep_alive(void **state)
{
    (void)state;
    begin(10, true);
    connect(0);
    pass(10000);
    send_hex("c0 00");
    pass(10000);
    quiet();
    pass(1);
    caught("MQTT-3.1.2-23");
    pass(5000); /* once */
    send_publish(0, 0, 1);
    quiet();
    now += 10001;
    send_hex("c0 00"); /* found by the packet that ends the gap, too */
    caught("MQTT-3.1.2-23");
    hear_publish(0, 0, 9); /* what comes in does not count */
    pass(10001);
    caught("MQTT-3.1.2-23");
}

static void a_gap_is_excused_while_nothing_can_be_sent(void **state)
{
    (void)state;
    begin(10, true);
    open_link();
    pass(20000); /* no CONNACK: nothing may be sent */
    connack(0);
    pass(1000);
    quiet();
    pass(1);
    caught("MQTT-3.1.2-23");
    send_hex("c0 00");
    world_lint_excuse(&lint, now + 15000);
    pass(16000);
    quiet();
    pass(1);
    caught("MQTT-3.1.2-23");
    world_lint_eof(&lint);
    pass(100000);
    quiet();
}

/* ---- Packet ids -------------------------------------------------------------------------- */

static void an_id_serves_one_message_at_a_time(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    send_publish(Q1, 7, 1);
    hear_ack(PUBACK, 7);
    send_publish(Q1, 7, 2);
    quiet();
    send_publish(Q1, 7, 3);
    caught("MQTT-2.3.1-2: PUBLISH takes id 7");
    send_publish(Q2, 8, 4);
    hear_ack(PUBREC, 8);
    send_ack(PUBREL, 8);
    send_publish(Q1, 8, 5); /* not free before PUBCOMP */
    caught("MQTT-2.3.1-2: PUBLISH takes id 8");
    hear_ack(PUBCOMP, 8);
    send_publish(Q1, 8, 6);
    quiet();
}

static void requests_take_free_ids_too(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    send_hex("82 08 00 07 00 03 612f62 00");
    send_publish(Q1, 7, 1);
    caught("MQTT-2.3.1-2: PUBLISH takes id 7 of an unanswered request");
    hear_ack(PUBACK, 7);
    send_hex("a2 07 00 07 00 03 612f62");
    caught("MQTT-2.3.1-2: UNSUBSCRIBE takes id 7");
    hear_ack(0xb0, 7);
    wire_suback(&wire, 7, 0);
    hear();
    send_hex("82 08 00 07 00 03 612f62 00");
    quiet();
    send_publish(Q1, 9, 2);
    send_hex("82 08 00 09 00 03 612f62 00");
    caught("MQTT-2.3.1-2: SUBSCRIBE takes id 9");
    reconnect(0);
    send_hex("82 08 00 09 00 03 612f62 00 a2 07 00 07 00 03 612f62");
    quiet();
}

static void more_messages_than_slots_are_noticed(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    for (uint16_t i = 1; i <= IOT_MQTT_OUT_MAX; i++)
        send_publish(Q1, i, i);
    hear_ack(PUBACK, 3);
    send_publish(Q1, 100, 100);
    quiet();
    send_publish(Q1, 101, 101);
    caught("more messages in flight");
}

/* ---- Resends ----------------------------------------------------------------------------- */

/* In flight: 1 (QoS 1), 2 and 3 (QoS 2), 4 (QoS 1); 2 has its PUBREL out. */
static void fly(void)
{
    begin(0, false);
    connect(0);
    send_publish(Q1, 1, 1);
    send_publish(Q2, 2, 2);
    send_publish(Q2, 3, 3);
    send_publish(Q1, 4, 4);
    hear_ack(PUBREC, 2);
    send_ack(PUBREL, 2);
    reconnect(1);
}

static void a_kept_session_goes_on_as_the_standard_says(void **state)
{
    (void)state;
    fly();
    send_ack(PUBREL, 2);
    send_publish(Q1 | DUP, 1, 1);
    send_publish(Q2 | DUP, 3, 3);
    send_publish(Q1 | DUP, 4, 4);
    send_publish(0, 0, 5);
    quiet();
    hear_ack(PUBACK, 1);
    send_publish(Q1, 1, 6);
    reconnect(1);
    send_ack(PUBREL, 2);
    send_publish(Q2 | DUP, 3, 3);
    send_publish(Q1 | DUP, 4, 4);
    send_publish(Q1 | DUP, 1, 6);
    quiet();
}

static void a_resend_has_dup(void **state)
{
    (void)state;
    fly();
    send_publish(Q1, 1, 1);
    caught("MQTT-3.3.1-1: resent id 1 without DUP");
}

static void a_resend_is_the_same_message(void **state)
{
    (void)state;
    fly();
    send_publish(Q1 | DUP, 1, 9);
    caught("MQTT-4.4.0-1: id 1 is resent with another message");
}

static void an_id_in_flight_is_not_taken_after_a_reconnect(void **state)
{
    (void)state;
    fly();
    send_publish(Q1, 1, 9);
    caught("MQTT-2.3.1-2: PUBLISH takes id 1");
}

static void resends_keep_their_order(void **state)
{
    (void)state;
    fly();
    send_publish(Q1 | DUP, 4, 4);
    quiet();
    send_publish(Q1 | DUP, 1, 1);
    caught("MQTT-4.6.0-1");
}

static void no_new_message_goes_before_a_resend(void **state)
{
    (void)state;
    fly();
    send_publish(Q1 | DUP, 1, 1);
    send_publish(Q2 | DUP, 3, 3);
    send_publish(Q1 | DUP, 4, 4);
    send_publish(0, 0, 5); /* PUBREL 2 is missing */
    caught("MQTT-4.4.0-1: a new message before the resend of id 2");
    world_lint_closed(&lint, now);
    fly();
    send_ack(PUBREL, 2);
    send_publish(Q1 | DUP, 1, 1);
    send_publish(Q1, 5, 5);
    caught("MQTT-4.4.0-1: a new message before the resend of id 3");
}

/* The end of the connection was heard together with CONNACK: nothing more is owed, and what is sent counts. */
static void a_pubrel_behind_the_end_of_the_connection_is_a_resend(void **state)
{
    (void)state;
    begin(0, false);
    connect(0);
    send_publish(Q2, 1, 1);
    hear_ack(PUBREC, 1);
    send_ack(PUBREL, 1);
    reconnect(1);
    world_lint_eof(&lint);
    send_ack(PUBREL, 1);
    send_publish(Q1, 2, 2);
    quiet();
}

static void after_pubrel_there_is_no_publish(void **state)
{
    (void)state;
    fly();
    send_publish(Q2 | DUP, 2, 2);
    caught("MQTT-4.3.3-1: PUBLISH of id 2 after its PUBREC");
}

static void a_living_connection_knows_no_resend(void **state)
{
    (void)state;
    begin(0, false);
    connect(0);
    send_publish(Q1, 1, 1);
    send_publish(Q1 | DUP, 1, 1);
    caught("MQTT-4.4.0-1: id 1 is resent on a living connection");
    hear_ack(PUBACK, 1);
    send_publish(Q1, 2, 1);
    caught("was sent twice on one connection");
}

static void the_first_sending_has_no_dup(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    send_publish(Q1 | DUP, 1, 1);
    caught("MQTT-3.3.1-1: id 1 is sent first, and with DUP");
}

static void what_was_not_read_may_be_resent_or_not(void **state)
{
    (void)state;
    /* The device's queue took PUBACK 1, PUBREC 3 and PUBCOMP 2, and the link broke. It read none: */
    fly();
    send_ack(PUBREL, 2);
    for (uint16_t id = 1; id <= 4; id++)
        if (id != 2)
            send_publish(id == 3 ? Q2 | DUP : Q1 | DUP, id, id);
    hear_ack(PUBACK, 1);
    hear_ack(PUBREC, 3);
    hear_ack(PUBCOMP, 2);
    reconnect(1);
    send_ack(PUBREL, 2);
    send_publish(Q1 | DUP, 1, 1);
    send_publish(Q2 | DUP, 3, 3);
    hear_ack(PUBACK, 1);
    hear_ack(PUBREC, 3);
    hear_ack(PUBCOMP, 2);
    /* It read all: */
    reconnect(1);
    send_ack(PUBREL, 3);
    send_publish(Q1 | DUP, 4, 4);
    send_publish(Q1, 5, 5);
    quiet();
    /* What it has proved to have read it knows: the order of PUBRELs, and an ack behind a PUBACK. */
    hear_ack(PUBACK, 4);
    hear_publish(Q1, 77, 700);
    take(700);
    send_ack(PUBACK, 77);
    reconnect(1);
    send_ack(PUBREL, 3);
    send_publish(Q1 | DUP, 5, 5);
    quiet();
    send_publish(Q1 | DUP, 4, 4);
    caught("MQTT-3.3.1-1: id 4 is sent first, and with DUP");
}

static void a_lost_session_begins_anew_without_dup(void **state)
{
    (void)state;
    fly();
    reconnect(0);
    send_publish(Q1, 1, 1);
    send_publish(Q2, 2, 20);
    quiet();
    send_publish(Q1 | DUP, 4, 4);
    caught("MQTT-3.3.1-1: id 4 is sent first, and with DUP");
    world_lint_closed(&lint, now);
    fly();
    reconnect(0);
    send_ack(PUBREL, 2);
    caught("PUBREL of id 2, and no PUBREC asks for it");
}

static void that_the_session_is_lost_may_be_unread(void **state)
{
    (void)state;
    fly();
    reconnect(0); /* CONNACK says so, and the link breaks */
    reconnect(1);
    send_publish(Q1 | DUP, 1, 1);
    send_publish(Q2, 3, 3);
    send_publish(Q1, 9, 9);
    quiet();
}

static void a_torn_message_may_come_again_as_new(void **state)
{
    (void)state;
    for (int dup = 0; dup < 2; dup++) {
        begin(0, false);
        connect(0);
        send_publish(Q1, 1, 1);
        put_publish(Q1, 2, 2);
        wire.len -= 3;
        send();
        reconnect(1);
        send_publish(Q1 | DUP, 1, 1);
        send_publish((uint8_t)(dup ? Q1 | DUP : Q1), 2, 2);
        quiet();
        reconnect(1); /* now it was whole */
        send_publish(Q1 | DUP, 1, 1);
        send_publish(Q1, 2, 2);
        caught("MQTT-3.3.1-1: resent id 2 without DUP");
        world_lint_closed(&lint, now);
    }
}

static void a_clean_session_a_reboot_and_a_close_forget(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    send_publish(Q1, 1, 1);
    reconnect(0);
    send_publish(Q1, 1, 2);
    quiet();
    fly();
    world_lint_closed(&lint, now);
    world_lint_rebooted(&lint);
    connect(1);
    send_publish(Q1, 1, 9);
    quiet();
    world_lint_closed(&lint, now);
    world_lint_finished(&lint);
    connect(1);
    send_publish(Q1, 1, 10);
    quiet();
}

/* ---- PUBREL ------------------------------------------------------------------------------ */

static void pubrels_answer_pubrecs_in_their_order(void **state)
{
    (void)state;
    begin(0, false);
    connect(0);
    send_publish(Q2, 1, 1);
    send_publish(Q2, 2, 2);
    send_ack(PUBREL, 1);
    caught("MQTT-4.3.3-1: PUBREL of id 1");
    hear_ack(PUBREC, 2);
    hear_ack(PUBREC, 1);
    hear_ack(PUBREC, 40); /* of nobody: may be answered */
    send_ack(PUBREL, 2);
    send_ack(PUBREL, 1);
    send_ack(PUBREL, 40);
    quiet();
    send_ack(PUBREL, 1);
    caught("MQTT-4.3.3-1: PUBREL of id 1");
    reconnect(1);
    send_ack(PUBREL, 1);
    send_ack(PUBREL, 2);
    caught("MQTT-4.6.0-4");
}

static void a_pubrel_is_not_late(void **state)
{
    (void)state;
    begin(0, false);
    connect(0);
    send_publish(Q2, 1, 1);
    hear_ack(PUBREC, 1);
    pass(1000);
    quiet();
    pass(1);
    caught("control packet late: PUBREL of id 1");
    send_ack(PUBREL, 1);
    reconnect(1);
    send_hex("c0 00");
    pass(1001);
    caught("control packet late: PUBREL of id 1");
}

/* ---- Acknowledgements -------------------------------------------------------------------- */

static void acknowledgements_answer_what_was_heard_once(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    hear_publish(Q1, 5, 50);
    hear_publish(Q2, 6, 60);
    hear_ack(PUBREL, 7); /* of an id that nobody knows: answered too */
    take(50);
    take(60);
    send_ack(PUBACK, 5);
    send_ack(PUBREC, 6);
    send_ack(PUBCOMP, 7);
    quiet();
    send_ack(PUBACK, 5);
    caught("MQTT-2.3.1-6: PUBACK of id 5");
    send_ack(PUBACK, 6);
    caught("MQTT-2.3.1-6: PUBACK of id 6");
    send_ack(PUBCOMP, 6);
    caught("MQTT-2.3.1-6: PUBCOMP of id 6");
    hear_publish(Q1, 8, 80);
    reconnect(0);
    take(80);
    send_ack(PUBACK, 8); /* was heard on another connection */
    caught("MQTT-2.3.1-6: PUBACK of id 8");
}

static void acknowledgements_keep_the_order_of_their_messages(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    for (uint16_t id = 1; id <= 4; id++) {
        hear_publish(id < 3 ? Q1 : Q2, id, id);
        take(id);
    }
    send_ack(PUBREC, 3); /* of other kinds they are not ordered */
    send_ack(PUBACK, 1);
    send_ack(PUBREC, 4);
    send_ack(PUBACK, 2);
    quiet();
    for (uint16_t id = 11; id <= 14; id++) {
        hear_publish(id < 13 ? Q1 : Q2, id, id);
        take(id);
    }
    send_ack(PUBACK, 12);
    caught("MQTT-4.6.0-2: PUBACK of id 12 before that of id 11");
    send_ack(PUBREC, 14);
    caught("MQTT-4.6.0-3: PUBREC of id 14 before that of id 13");
    send_ack(PUBACK, 11);
    send_ack(PUBREC, 13);
    quiet();
}

static void nothing_is_acknowledged_before_the_application_took_it(void **state)
{
    (void)state;
    begin(0, false);
    connect(0);
    hear_publish(Q1, 1, 10);
    send_ack(PUBACK, 1);
    caught("MQTT-4.3.2-2: PUBACK of id 1 before the application took");
    hear_publish(Q2, 2, 20);
    send_ack(PUBREC, 2);
    caught("PUBREC of id 2 before the application took");
    /* That it has answered once it need not ask again, until PUBREL. */
    hear_publish(Q2 | DUP, 2, 21);
    send_ack(PUBREC, 2);
    reconnect(1);
    hear_publish(Q2 | DUP, 2, 22);
    hear_publish(Q2 | DUP, 2, 22);
    send_ack(PUBREC, 2);
    send_ack(PUBREC, 2);
    quiet();
    hear_ack(PUBREL, 2);
    hear_publish(Q2, 2, 23);
    send_ack(PUBCOMP, 2);
    send_ack(PUBREC, 2);
    caught("PUBREC of id 2 before the application took");
}

static void while_the_device_does_not_know_its_session_ids_may_be_mistaken(void **state)
{
    (void)state;
    begin(0, false);
    connect(0);
    world_lint_session_lost(&lint);
    reconnect(1);
    hear_publish(Q2, 2, 20);
    send_ack(PUBREC, 2);
    quiet();
    hear_publish(Q1, 3, 30); /* QoS 1 knows no ids */
    send_ack(PUBACK, 3);
    caught("PUBACK of id 3 before the application took");
    reconnect(0);
    send_hex("c0 00");
    hear_publish(Q2, 2, 21);
    send_ack(PUBREC, 2);
    caught("PUBREC of id 2 before the application took");
    world_lint_session_lost(&lint);
    world_lint_closed(&lint, now);
    world_lint_rebooted(&lint);
    connect(1);
    hear_publish(Q2, 2, 22);
    send_ack(PUBREC, 2);
    caught("PUBREC of id 2 before the application took");
}

static void acknowledgements_are_not_late(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    hear_publish(Q1, 1, 10);
    pass(1000);
    quiet();
    pass(1);
    caught("control packet late: PUBACK of id 1");
    take(10);
    send_ack(PUBACK, 1);
    hear_ack(PUBREL, 2);
    pass(1001);
    caught("control packet late: PUBCOMP of id 2");
    send_ack(PUBCOMP, 2);
    hear_publish(Q2, 3, 30);
    world_lint_declines(&lint, true, now);
    pass(9000);
    quiet();
    world_lint_declines(&lint, false, now);
    world_lint_excuse(&lint, now + 500);
    pass(1500);
    quiet();
    pass(1);
    caught("control packet late: PUBREC of id 3");
    take(30);
    send_ack(PUBREC, 3);
    hear_publish(Q1, 4, 40);
    world_lint_declines(&lint, true, now);
    take(40); /* it declines another one: this one is owed */
    pass(1);
    pass(1001);
    caught("control packet late: PUBACK of id 4");
    world_lint_eof(&lint);
    pass(60000);
    quiet();
}

static void a_control_packet_waits_behind_one_message_at_most(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    hear_publish(Q1, 1, 10);
    for (uint16_t i = 0; i < 4; i++)
        send_publish(0, 0, 101u + i); /* the device has not read it */
    take(10);
    send_publish(0, 0, 111);
    quiet();
    put_publish(0, 0, 112);
    wire.len = 1;
    send(); /* its first byte tells */
    caught("two messages overtook the PUBACK of id 1");
    put_publish(0, 0, 112);
    memmove(wire.bytes, wire.bytes + 1, --wire.len);
    send();
    send_ack(PUBACK, 1);
    quiet();
}

static void what_was_heard_before_a_taken_message_is_owed_too(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    send_publish(Q2, 1, 1);
    hear_ack(PUBREL, 50);
    hear_ack(PUBREC, 1);
    hear_publish(Q1, 2, 20);
    take(20);
    send_ack(PUBCOMP, 50);
    send_ack(PUBACK, 2);
    send_publish(0, 0, 102);
    quiet();
    send_publish(0, 0, 103);
    caught("two messages overtook the PUBREL of id 1");
    send_ack(PUBREL, 1);
    hear_ack(PUBREL, 51);
    hear_publish(Q1, 3, 30);
    take(30);
    send_publish(0, 0, 104);
    send_publish(0, 0, 105);
    caught("two messages overtook the PUBCOMP of id 51");
    send_ack(PUBCOMP, 51);
    send_ack(PUBACK, 3);
}

static void rubbish_from_the_broker_ends_all_duties(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    hear_publish(Q1, 1, 10);
    wire_hex(&wire, "36 06 00 01 61 00 01 41"); /* QoS 3 */
    hear();
    hear_publish(Q1, 2, 20);
    pass(60000);
    send_ack(PUBACK, 1);
    quiet();
}

static void what_is_owed_at_the_end_is_missing(void **state)
{
    (void)state;
    begin(0, true);
    connect(0);
    hear_publish(Q1, 1, 10);
    world_lint_tick(&lint, now);
    take(10);
    world_lint_over(&lint, now);
    caught("at the end the PUBACK of id 1 is still owed");
}

static void serials_are_read_as_they_were_written(void **state)
{
    (void)state;
    uint8_t text[WORLD_SERIAL_BYTES];
    world_serial_encode(world_serial(0x12, 0xabcd, 0x90fedcba), text);
    assert_memory_equal(text, "0012abcd90fedcba", sizeof text);
    assert_true(world_serial_decode((struct iot_bytes){text, 16}) == 0x0012abcd90fedcbau);
    assert_true(world_serial_decode((struct iot_bytes){text, 15}) == 0);
    text[7] = 'g';
    assert_true(world_serial_decode((struct iot_bytes){text, 16}) == 0);
}

#define LINT_TEST(name) cmocka_unit_test_teardown(name, clean_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINT_TEST(each_malformed_packet_is_named),
        LINT_TEST(each_malformed_connect_is_named),
        LINT_TEST(what_is_too_long_to_judge_is_said),
        LINT_TEST(a_conversation_may_be_cut_anywhere),
        LINT_TEST(connect_comes_first_and_once),
        LINT_TEST(nothing_is_sent_before_connack_or_after_a_refusal),
        LINT_TEST(connect_is_not_late),
        LINT_TEST(the_gap_between_packets_stays_below_the_keep_alive),
        LINT_TEST(a_gap_is_excused_while_nothing_can_be_sent),
        LINT_TEST(an_id_serves_one_message_at_a_time),
        LINT_TEST(requests_take_free_ids_too),
        LINT_TEST(more_messages_than_slots_are_noticed),
        LINT_TEST(a_kept_session_goes_on_as_the_standard_says),
        LINT_TEST(a_resend_has_dup),
        LINT_TEST(a_resend_is_the_same_message),
        LINT_TEST(an_id_in_flight_is_not_taken_after_a_reconnect),
        LINT_TEST(resends_keep_their_order),
        LINT_TEST(no_new_message_goes_before_a_resend),
        LINT_TEST(a_pubrel_behind_the_end_of_the_connection_is_a_resend),
        LINT_TEST(after_pubrel_there_is_no_publish),
        LINT_TEST(a_living_connection_knows_no_resend),
        LINT_TEST(the_first_sending_has_no_dup),
        LINT_TEST(what_was_not_read_may_be_resent_or_not),
        LINT_TEST(a_lost_session_begins_anew_without_dup),
        LINT_TEST(that_the_session_is_lost_may_be_unread),
        LINT_TEST(a_torn_message_may_come_again_as_new),
        LINT_TEST(a_clean_session_a_reboot_and_a_close_forget),
        LINT_TEST(pubrels_answer_pubrecs_in_their_order),
        LINT_TEST(a_pubrel_is_not_late),
        LINT_TEST(acknowledgements_answer_what_was_heard_once),
        LINT_TEST(acknowledgements_keep_the_order_of_their_messages),
        LINT_TEST(nothing_is_acknowledged_before_the_application_took_it),
        LINT_TEST(while_the_device_does_not_know_its_session_ids_may_be_mistaken),
        LINT_TEST(acknowledgements_are_not_late),
        LINT_TEST(a_control_packet_waits_behind_one_message_at_most),
        LINT_TEST(what_was_heard_before_a_taken_message_is_owed_too),
        LINT_TEST(rubbish_from_the_broker_ends_all_duties),
        LINT_TEST(what_is_owed_at_the_end_is_missing),
        LINT_TEST(serials_are_read_as_they_were_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
