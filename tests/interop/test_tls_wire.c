/* SPDX-License-Identifier: Apache-2.0 */
/* A wire that fails, and servers that are silent, slow, rude or no TLS servers at all: each end has
 * its name, comes in bounded time, and leaves nothing in the arena; then the device tries again. */
#include "peer_broker.h"
#include "peer_relay.h"
#include "peer_server.h"
#include "peer_tls.h"
#include "peer_trust.h"

enum { ALERT_BAD_RECORD_MAC = 20, ALERT_HANDSHAKE_FAILURE = 40, ALERT_PROTOCOL_VERSION = 70 };

#define MBEDTLS_INVALID_RECORD       (-0x7200)
#define MBEDTLS_INVALID_MAC          (-0x7180)
#define MBEDTLS_BAD_PROTOCOL_VERSION (-0x6E80)
#define HEADER_BYTES                 5u

static struct peer_tls server;
static struct peer_relay relay;
static struct host_broker broker;
static struct peer_device one, two;
static struct peer_trust board, other_board;

/* What a handshake and CONNACK are made of, towards the device. */
static struct peer_way good;

static void again(void)
{
    peer_trust_device(&one, &board, "wire", relay.port);
}

static void serve(void)
{
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_tls_start(&server, CERT_EC_GOOD, NULL);
    peer_relay_start(&relay, server.port);
    again();
}

static void learn_handshake(void)
{
    serve();
    peer_trust_connect(&one);
    good = relay.down;
    peer_trust_close(&one);
    assert_in_range(good.records, 6, 20);
    assert_int_equal(good.types[good.records - 1], PEER_RECORD_DATA);
}

/* The wire is well again: the device gets through by itself. */
static void expect_recovery(void)
{
    peer_relay_behave(&relay);
    UNTIL(iot_device_connected(&one.dev));
    peer_trust_close(&one);
}

static void connect_through(void)
{
    serve();
    one.options.no_reconnect = true;
    peer_trust_connect(&one);
}

/* ---- Cuts -------------------------------------------------------------------------------- */

static void a_cut_behind_each_record_of_the_handshake_has_a_name(void **state)
{
    (void)state;
    learn_handshake();
    for (uint32_t records = 0; records < good.records; records++) {
        again();
        relay.cut_records = records;
        peer_begin(&one);
        peer_trust_lost(&one, IOT_ERR_TLS_EOF, false);
        if (records == 0 || records + 1 == good.records)
            expect_recovery();
        else
            peer_trust_close(&one);
    }
}

static void a_cut_within_each_record_of_the_handshake_has_a_name(void **state)
{
    uint32_t at = 0;
    (void)state;

    learn_handshake();
    for (uint32_t i = 0; i < good.records; at += good.sizes[i++]) {
        /* An ECDSA signature is now and then a byte or two shorter than that of the handshake which was
         * learnt: the last cut of all keeps its distance from the end, or there would be none. */
        const uint32_t before_end = i + 1 == good.records ? 8 : 1;
        const uint32_t cuts[] = {at + 1, at + HEADER_BYTES, at + good.sizes[i] - before_end};
        for (size_t k = 0; k < COUNT(cuts); k++) {
            again();
            one.options.no_reconnect = true;
            relay.cut_bytes = cuts[k];
            peer_begin(&one);
            peer_trust_lost(&one, IOT_ERR_TLS_EOF, false);
            peer_trust_close(&one);
        }
    }
}

static void a_reset_behind_each_record_of_the_handshake_has_a_name(void **state)
{
    (void)state;
    learn_handshake();
    relay.rudely = true;
    for (uint32_t records = 0; records < good.records; records++) {
        again();
        one.options.no_reconnect = true;
        relay.cut_records = records;
        peer_begin(&one);
        UNTIL(one.kinds[IOT_EV_LOST] == 1);
        /* libslirp makes a FIN of some resets. */
        iot_err err = peer_last(&one, IOT_EV_LOST)->err;
        if (err != IOT_ERR_TLS_EOF)
            assert_err(err, IOT_ERR_TCP_RESET);
        peer_trust_close(&one);
    }
}

static void a_cut_in_the_middle_of_the_stream_has_a_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        serve();
        one.options.no_reconnect = true;
        peer_trust_connect(&one);
        peer_subscribe(&one, "wire/+", 0);
        UNTIL(relay.up.len == 0 && relay.up.records > 5);
        /* at a record's border; in its header; in its middle */
        relay.cut_bytes = relay.down.total + (i == 0 ? 0 : i == 1 ? 3 : 20);
        peer_tls_type(&server, BYTES("\x30\x0a\x00\x03"
                                     "a/b12345"));
        peer_trust_lost(&one, IOT_ERR_TLS_EOF, false);
        peer_trust_close(&one);
        peer_relay_stop_all();
        peer_tls_stop_all();
    }
}

static void begin_with_broker(void)
{
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_broker_start(&broker, 0, peer_tls_lines(CERT_EC_GOOD, NULL), NULL);
    peer_relay_start(&relay, broker.port);
    again();
    one.options.no_reconnect = true;
    peer_trust_connect(&one);
}

/* openssl's server closes without one, mosquitto does not. */
static void a_goodbye_of_the_server_has_a_name_of_its_own(void **state)
{
    (void)state;
    begin_with_broker();
    host_stop_mosquitto(&broker);
    assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_CLOSED, false), 0);
    assert_true(peer_relay_ends_in_alert(&relay.down));
    peer_trust_close(&one);

    connect_through();
    peer_tls_type(&server, BYTES("Q\n"));
    peer_trust_lost(&one, IOT_ERR_TLS_EOF, false);
    peer_trust_close(&one);
}

/* It is all with lwIP when the device wakes up: messages, each in a record of its own, and the end. */
static void expect_all_of_them(uint32_t count, iot_err end)
{
    UNTIL(relay.down.ended && relay.down.len == 0);
    for (int i = 0; i < 10; i++)
        peer_turn();
    one.asleep = false;
    UNTIL(one.kinds[IOT_EV_LOST] == 1);
    assert_int_equal(one.kinds[IOT_EV_MESSAGE], count);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, end);
    peer_trust_close(&one);
    peer_relay_stop_all();
}

static void what_comes_before_an_end_is_delivered(void **state)
{
    (void)state;
    connect_through();
    one.asleep = true;
    uint32_t records = relay.down.records;
    for (uint32_t i = 0; i < 5; i++) {
        peer_tls_type(&server, BYTES("\x30\x08\x00\x03"
                                     "a/b12x"));
        UNTIL(relay.down.records == records + i + 1);
    }
    peer_tls_stop(&server);
    expect_all_of_them(5, IOT_ERR_TLS_EOF);
}

static void what_comes_before_a_goodbye_is_delivered(void **state)
{
    (void)state;
    begin_with_broker();
    const struct iot_filter all = {.filter = peer_topic("bye/+")};
    assert_err(iot_mqtt_subscribe(&one.dev, &all, NULL), IOT_OK);
    UNTIL(one.kinds[IOT_EV_SUBACK] == 1);
    one.asleep = true;
    peer_trust_prepare(&other_board, CERT_EC_ROOT);
    peer_trust_device(&two, &other_board, "bye", broker.port);
    peer_trust_connect(&two);
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t records = relay.down.records;
        peer_publish(&two, "bye/x", "a message", 0, 0);
        UNTIL(relay.down.records == records + 1);
    }
    peer_trust_close(&two);
    host_stop_mosquitto(&broker);
    expect_all_of_them(5, IOT_ERR_TLS_CLOSED);
}

/* ---- Silence and slowness ---------------------------------------------------------------- */

static uint32_t begin_until_server_spoke(void)
{
    uint32_t start = peer_clock_ms();

    one.options.no_reconnect = true;
    peer_begin(&one);
    UNTIL(relay.down.len + relay.down.total >= 200);
    return start;
}

/* A new attempt, of which the device has got no more than `bytes` when this returns. */
static void begin_muted_at(uint32_t bytes)
{
    again();
    relay.mute_bytes = bytes;
    begin_until_server_spoke();
    UNTIL(relay.down.total == bytes);
}

static void a_server_that_never_answers_is_given_up_in_time(void **state)
{
    (void)state;
    serve();
    relay.mute_bytes = 0;
    uint32_t start = begin_until_server_spoke();
    peer_trust_lost(&one, IOT_ERR_TLS_TIMEOUT, true);
    assert_in_range(peer_clock_ms() - start, IOT_TLS_HANDSHAKE_MS, IOT_TLS_HANDSHAKE_MS + 3000);
    peer_trust_close(&one);
}

static void a_server_that_falls_silent_in_the_handshake_is_given_up(void **state)
{
    (void)state;
    learn_handshake();
    uint32_t at = 0;
    for (uint32_t i = 0; i + 1 < good.records; at += good.sizes[i++]) {
        begin_muted_at(at + good.sizes[i] / 2);
        peer_trust_lost(&one, IOT_ERR_TLS_TIMEOUT, true);
        peer_trust_close(&one);
    }
}

static void a_byte_a_second_does_not_keep_a_handshake_alive(void **state)
{
    (void)state;
    serve();
    relay.drip_ms = 1000;
    uint32_t start = begin_until_server_spoke();
    peer_trust_lost(&one, IOT_ERR_TLS_TIMEOUT, true);
    assert_in_range(peer_clock_ms() - start, IOT_TLS_HANDSHAKE_MS, IOT_TLS_HANDSHAKE_MS + 3000);
    assert_in_range(relay.down.total, 15, 40);
    peer_trust_close(&one);
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    serve();
    relay.drip_ms = 1;
    peer_begin(&one);
    UNTIL(iot_device_connected(&one.dev) || one.kinds[IOT_EV_LOST] != 0);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    peer_trust_close(&one);
}

static void each_lot_may_come_late(void **state)
{
    (void)state;
    serve();
    relay.delay_ms = 300;
    peer_trust_connect(&one);
    peer_trust_close(&one);
}

/* The goodbye gets no answer, and the close does not wait for one for ever. */
static void a_close_towards_a_silent_server_ends(void **state)
{
    (void)state;
    connect_through();
    relay.mute_bytes = 0;
    assert_err(iot_device_close(&one.dev, 1000), IOT_OK);
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
    peer_check_over(&one);
    assert_int_equal(peer_trust_memory(&one).used, 0);
    peer_leave(&one);
}

static void a_device_stopped_in_the_middle_of_a_handshake_leaves_nothing(void **state)
{
    (void)state;
    learn_handshake();
    uint32_t at = 0;
    for (uint32_t i = 0; i + 1 < good.records; at += good.sizes[i++]) {
        begin_muted_at(at + good.sizes[i] / 2);
        for (int n = 0; n < 5; n++)
            peer_turn();
        if (i % 2 != 0) {
            iot_network(&one.dev, IOT_NETWORK_DOWN);
            UNTIL(one.kinds[IOT_EV_LOST] == 1);
            assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_NET_DOWN);
            assert_int_equal(peer_trust_memory(&one).used, 0);
        }
        peer_trust_close(&one);
    }
}

/* ---- Other bytes ------------------------------------------------------------------------- */

static void a_flipped_bit_in_any_record_ends_the_handshake(void **state)
{
    (void)state;
    learn_handshake();
    for (uint32_t i = 0; i < good.records; i++) {
        again();
        one.options.no_reconnect = true;
        relay.spoil_record = i;
        peer_begin(&one);
        print_message("  record %u of type %u\n", (unsigned)i, good.types[i]);
        if (i == 1) /* the certificate: its signature is wrong */
            assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_VERIFY, false), IOT_TLS_FAULT_CA);
        else
            assert_true(peer_trust_lost(&one, IOT_ERR_TLS_PROTOCOL, false) < 0);
        assert_int_equal(one.kinds[IOT_EV_CONNECTED], 0);
        peer_trust_close(&one);
    }
}

static void a_flipped_bit_in_the_stream_is_found_by_its_mac(void **state)
{
    (void)state;
    connect_through();
    relay.spoil_record = relay.down.records;
    peer_tls_type(&server, BYTES("\x30\x0a\x00\x03"
                                 "a/b12345"));
    assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_PROTOCOL, false), MBEDTLS_INVALID_MAC);
    assert_int_equal(one.kinds[IOT_EV_MESSAGE], 0);
    UNTIL(relay.up.ended); /* and the server is told */
    assert_true(peer_relay_ends_in_alert(&relay.up));
    peer_trust_close(&one);
}

static void a_record_larger_than_our_limit_names_the_limit(void **state)
{
    static const uint32_t sizes[] = {IOT_TLS_RX_BYTES + 600, 16384 + 256};
    (void)state;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        connect_through();
        peer_relay_insert_record(&relay, PEER_RECORD_DATA, sizes[i]);
        assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_RECORD, false), sizes[i]);
        peer_trust_close(&one);
        peer_relay_stop_all();
        peer_tls_stop_all();
    }
}

static void a_record_larger_than_our_limit_in_the_handshake_names_the_limit(void **state)
{
    static const uint32_t sizes[] = {IOT_TLS_RX_BYTES + 600, 16384 + 256};
    (void)state;

    serve();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        again();
        one.options.no_reconnect = true;
        relay.mute_bytes = 0;
        peer_begin(&one);
        UNTIL(relay.down.len >= 200);
        relay.down.len = 0;
        relay.mute_bytes = PEER_NEVER;
        peer_relay_insert_record(&relay, PEER_RECORD_HANDSHAKE, sizes[i]);
        assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_RECORD, false), sizes[i]);
        peer_trust_close(&one);
    }
}

/* It is asked for records that fit; its certificate has no smaller form. */
static void a_certificate_larger_than_our_limit_names_the_limit(void **state)
{
    (void)state;
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_tls_start(&server, CERT_EC_HUGE, NULL);
    peer_trust_device(&one, &board, "huge", server.port);
#if IOT_TLS_RX_BYTES < 5000
    peer_trust_refused(&one, IOT_ERR_TLS_RECORD, PEER_ANY);
    assert_in_range(peer_last(&one, IOT_EV_LOST)->detail, IOT_TLS_RX_BYTES + 1, 6500);
#else
    peer_trust_connect(&one);
    peer_trust_close(&one);
#endif
}

/* What a server says first instead of its ServerHello. */
static int32_t answered(struct iot_bytes bytes, iot_err err)
{
    again();
    one.options.no_reconnect = true;
    relay.mute_bytes = 0;
    peer_begin(&one);
    UNTIL(relay.down.len >= 200);
    relay.down.len = 0;
    relay.mute_bytes = PEER_NEVER;
    peer_relay_insert(&relay, bytes);
    int32_t detail = peer_trust_lost(&one, err, false);
    peer_trust_close(&one);
    return detail;
}

static void an_answer_that_is_no_tls_has_a_name(void **state)
{
    (void)state;
    serve();
    assert_int_equal(answered(BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), IOT_ERR_TLS_PROTOCOL),
                     MBEDTLS_INVALID_RECORD);
    assert_int_equal(answered(BYTES("\x20\x02\x00\x05"
                                    "and more"),
                              IOT_ERR_TLS_PROTOCOL),
                     MBEDTLS_INVALID_RECORD);
}

static void alerts_instead_of_an_answer_have_names(void **state)
{
    (void)state;
    serve();
    assert_int_equal(answered(BYTES("\x15\x03\x03\x00\x02\x02\x28"), IOT_ERR_TLS_KIND),
                     ALERT_HANDSHAKE_FAILURE);
    assert_int_equal(answered(BYTES("\x15\x03\x01\x00\x02\x02\x46"), IOT_ERR_TLS_VERSION),
                     ALERT_PROTOCOL_VERSION);
    assert_int_equal(answered(BYTES("\x15\x03\x03\x00\x02\x02\x50"), IOT_ERR_TLS_ALERT), 80);
    assert_int_equal(answered(BYTES("\x15\x03\x03\x00\x02\x01\x00"), IOT_ERR_TLS_CLOSED), 0);
}

static void an_old_version_in_the_answer_has_a_name(void **state)
{
    uint8_t hello[HEADER_BYTES + 4 + 38] = {0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1};
    (void)state;

    serve();
    for (uint8_t minor = 0; minor <= 2; minor++) {
        hello[10] = minor;
        assert_int_equal(answered((struct iot_bytes){hello, sizeof hello}, IOT_ERR_TLS_VERSION),
                         MBEDTLS_BAD_PROTOCOL_VERSION);
    }
}

/* The client's own list is what a man in the middle would want to shorten; here it chooses what was
 * not offered. */
static void a_suite_that_was_not_offered_is_refused(void **state)
{
    uint8_t hello[HEADER_BYTES + 4 + 38] = {0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3};
    (void)state;

    serve();
    hello[HEADER_BYTES + 4 + 2 + 32 + 1 + 1] = 0x05; /* RC4 */
    assert_true(answered((struct iot_bytes){hello, sizeof hello}, IOT_ERR_TLS_PROTOCOL) < 0);
}

static void a_plain_broker_is_told_from_a_tls_server(void **state)
{
    static struct peer_server plain;
    (void)state;

    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_server_start(&plain);
    plain.leaves = PEER_AT_ACCEPT;
    peer_trust_device(&one, &board, "plain", plain.port);
    peer_trust_refused(&one, IOT_ERR_TLS_EOF, PEER_ANY);
}

static void plain_text_in_the_stream_is_no_message(void **state)
{
    (void)state;
    connect_through();
    peer_tls_type(&server, BYTES("P\n")); /* "Lets print some clear text" */
    assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_PROTOCOL, false), MBEDTLS_INVALID_RECORD);
    assert_int_equal(one.kinds[IOT_EV_MESSAGE], 0);
    peer_trust_close(&one);
}

static void a_renegotiation_is_declined(void **state)
{
    (void)state;
    connect_through();
    uint32_t records = relay.up.records;
    peer_tls_type(&server, BYTES("R\n"));
    /* Told no, openssl gives up by a fatal alert. */
    assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_ALERT, false), ALERT_HANDSHAKE_FAILURE);
    assert_true(relay.up.records > records);
    for (uint32_t i = records; i < relay.up.records; i++)
        assert_int_not_equal(relay.up.types[i], PEER_RECORD_HANDSHAKE);
    peer_trust_close(&one);
}

/* ---- The end in good order --------------------------------------------------------------- */

static void a_wanted_close_says_goodbye_and_resets_nothing(void **state)
{
    (void)state;
    connect_through();
    peer_watch_resets();
    peer_trust_close(&one);
    UNTIL(relay.up.ended);
    assert_true(peer_relay_ends_in_alert(&relay.up));
    assert_false(relay.by_reset);
    assert_int_equal(peer_resets_sent(), 0);
    UNTIL(peer_tls_said(&server, "DONE") != 0); /* what openssl says to close_notify */
    assert_int_equal(peer_tls_said(&server, "unexpected eof"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUST_TEST(a_cut_behind_each_record_of_the_handshake_has_a_name),
        TRUST_TEST(a_cut_within_each_record_of_the_handshake_has_a_name),
        TRUST_TEST(a_reset_behind_each_record_of_the_handshake_has_a_name),
        TRUST_TEST(a_cut_in_the_middle_of_the_stream_has_a_name),
        TRUST_TEST(a_goodbye_of_the_server_has_a_name_of_its_own),
        TRUST_TEST(what_comes_before_an_end_is_delivered),
        TRUST_TEST(what_comes_before_a_goodbye_is_delivered),
        TRUST_TEST(a_server_that_never_answers_is_given_up_in_time),
        TRUST_TEST(a_server_that_falls_silent_in_the_handshake_is_given_up),
        TRUST_TEST(a_byte_a_second_does_not_keep_a_handshake_alive),
        TRUST_TEST(bytes_may_come_one_by_one),
        TRUST_TEST(each_lot_may_come_late),
        TRUST_TEST(a_close_towards_a_silent_server_ends),
        TRUST_TEST(a_device_stopped_in_the_middle_of_a_handshake_leaves_nothing),
        TRUST_TEST(a_flipped_bit_in_any_record_ends_the_handshake),
        TRUST_TEST(a_flipped_bit_in_the_stream_is_found_by_its_mac),
        TRUST_TEST(a_record_larger_than_our_limit_names_the_limit),
        TRUST_TEST(a_record_larger_than_our_limit_in_the_handshake_names_the_limit),
        TRUST_TEST(a_certificate_larger_than_our_limit_names_the_limit),
        TRUST_TEST(an_answer_that_is_no_tls_has_a_name),
        TRUST_TEST(alerts_instead_of_an_answer_have_names),
        TRUST_TEST(an_old_version_in_the_answer_has_a_name),
        TRUST_TEST(a_suite_that_was_not_offered_is_refused),
        TRUST_TEST(a_plain_broker_is_told_from_a_tls_server),
        TRUST_TEST(plain_text_in_the_stream_is_no_message),
        TRUST_TEST(a_renegotiation_is_declined),
        TRUST_TEST(a_wanted_close_says_goodbye_and_resets_nothing),
    };

    return cmocka_run_group_tests(tests, peer_trust_group_setup, peer_trust_group_teardown);
}
