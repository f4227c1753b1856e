/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.3, which is a build of its own: what of TLS is different there, against openssl's server and mosquitto.
 * What does not depend on the version is tested in 1.2 (test_tls_*.c). After each test no key is left in PSA's
 * store, which all devices share. */
#include "peer_broker.h"
#include "peer_relay.h"
#include "peer_tls.h"
#include "peer_trust.h"

#include "host/host_net.h"

#include <psa/crypto.h>

#if !IOT_FEATURE_TLS_13
#error "this file is for builds with IOT_FEATURE_TLS_13"
#endif

enum { /* RFC 8446, section 6 */
       ALERT_ILLEGAL_PARAMETER = 47,
       ALERT_UNKNOWN_CA = 48,
       ALERT_DECRYPT_ERROR = 51,
       ALERT_PROTOCOL_VERSION = 70,
       ALERT_CERTIFICATE_REQUIRED = 116,
       ALERT_NO_APPLICATION_PROTOCOL = 120,
};
enum {
    EXT_SERVER_NAME = 0,
    EXT_MAX_FRAGMENT = 1,
    EXT_RECORD_SIZE_LIMIT = 28,
    EXT_PRE_SHARED_KEY = 41
};

#define MBEDTLS_UNEXPECTED_MESSAGE (-0x7700)
#define MBEDTLS_ILLEGAL_PARAMETER  (-0x6600)

#define TICKETS      2u /* what openssl sends */
#define CHANCE_BYTES 256u
#define HEADER_BYTES 5u
#define STORE        "tls"
#define REUSED       "Reused session-id"
#define V13          "-tls1_3 "

static struct peer_tls server;
static struct peer_relay relay;
static struct host_broker broker;
static struct peer_device one, two;
static struct peer_trust board, other_board;

static struct peer_way good; /* what a handshake is made of, towards the device */
static uint32_t arena_peak;

/* ---- Life -------------------------------------------------------------------------------- */

static void again_at(uint16_t port)
{
    peer_trust_device(&one, &board, "tls13", port);
    one.options.no_reconnect = true;
}

static void serve(enum peer_cert_id cert, enum peer_cert_id root, const char *words)
{
    peer_trust_prepare(&board, root);
    peer_tls_start(&server, cert, words);
    again_at(server.port);
}

static void relay_it(void)
{
    peer_relay_start(&relay, server.port);
    again_at(relay.port);
}

static void serve_relayed(const char *words)
{
    serve(CERT_EC_GOOD, CERT_EC_ROOT, words);
    relay_it();
}

static void serve_broker(enum peer_cert_id cert, enum peer_cert_id root)
{
    peer_broker_start(&broker, 0, peer_tls_lines(cert, NULL), NULL);
    peer_trust_prepare(&board, root);
    again_at(broker.port);
}

static bool speaks_13(const struct peer_device *p)
{
    return strncmp(iot_tls_suite(&p->dev.tls), "TLS1-3-", 7) == 0;
}

static void note_peak(const char *what)
{
    uint32_t high = peer_trust_memory(&one).high;

    if (high > arena_peak)
        arena_peak = high;
    print_message("  %s: arena peak %u bytes, then %u\n", what, (unsigned)high,
                  (unsigned)peer_trust_memory(&one).used);
}

static void expect_13(const char *words)
{
    peer_tls_forget(&server);
    peer_trust_connect(&one);
    assert_true(speaks_13(&one));
    UNTIL(peer_tls_said(&server, "CIPHER is TLS_") != 0);
    if (peer_tls_said(&server, words) == 0)
        fail_msg("%s expected, but: %s", words, server.text);
    note_peak(words);
    peer_trust_close(&one);
}

/* A store that two devices share gives nobody's key away, and keeps none. */
static void check_key_store(void)
{
    mbedtls_psa_stats_t stats;

    mbedtls_psa_get_stats(&stats);
    assert_int_equal(stats.MBEDTLS_PRIVATE(volatile_slots), 0);
    assert_int_equal(stats.MBEDTLS_PRIVATE(persistent_slots), 0);
    assert_int_equal(stats.MBEDTLS_PRIVATE(external_slots), 0);
    assert_int_equal(stats.MBEDTLS_PRIVATE(half_filled_slots), 0);
    assert_int_equal(stats.MBEDTLS_PRIVATE(locked_slots), 0);
}

static uint32_t keys_in_store(void)
{
    mbedtls_psa_stats_t stats;

    mbedtls_psa_get_stats(&stats);
    return (uint32_t)stats.MBEDTLS_PRIVATE(volatile_slots);
}

static int teardown(void **state)
{
    int result = peer_trust_test_teardown(state);

    peer_broker_kill_all();
    check_key_store();
    return result;
}

/* ---- Versions and suites ----------------------------------------------------------------- */

static void each_kind_of_certificate_is_accepted(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13);
    expect_13("TLS_AES_128_GCM_SHA256");
    peer_tls_stop(&server);
    serve(CERT_RSA_GOOD, CERT_RSA_ROOT, V13); /* a chain of three */
    expect_13("TLS_AES_128_GCM_SHA256");
}

static void each_suite_is_spoken(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_AES_128_CCM_SHA256"};
    char words[64];
    (void)state;

    for (size_t i = 0; i < COUNT(suites); i++) {
        snprintf(words, sizeof words, V13 "-ciphersuites %s", suites[i]);
        serve(CERT_EC_GOOD, CERT_EC_ROOT, words);
        expect_13(suites[i]);
        peer_tls_stop(&server);
    }
}

static void a_server_limited_to_1_2_is_met_with_1_2(void **state)
{
    static const enum peer_cert_id certs[][2] = {{CERT_EC_GOOD, CERT_EC_ROOT},
                                                 {CERT_RSA_GOOD, CERT_RSA_ROOT}};
    (void)state;

    for (size_t i = 0; i < COUNT(certs); i++) {
        serve(certs[i][0], certs[i][1], "-tls1_2");
        peer_trust_connect(&one);
        assert_false(speaks_13(&one));
        UNTIL(peer_tls_said(&server, "CIPHER is ECDHE-") != 0);
        peer_trust_close(&one);
        peer_tls_stop(&server);
    }
}

/* mbedTLS offers RSA-PSS for the sake of 1.3 and takes it for a mistake in 1.2. */
static void a_server_of_1_2_that_insists_on_rsa_pss_has_a_name(void **state)
{
    (void)state;
    serve(CERT_RSA_GOOD, CERT_RSA_ROOT, "-tls1_2 -serverpref");
    peer_trust_refused(&one, IOT_ERR_TLS_PROTOCOL, MBEDTLS_ILLEGAL_PARAMETER);
    again_at(server.port);
    board.tls.kinds = IOT_TLS_ECDHE_RSA; /* the way out: no 1.3, no PSS */
    peer_trust_connect(&one);
    peer_trust_close(&one);
}

static void a_server_with_both_versions_chooses_1_3_if_both_kinds_are_allowed(void **state)
{
    static const uint32_t kinds[] = {0, IOT_TLS_ECDHE_ECDSA,
                                     IOT_TLS_KINDS_DEFAULT | IOT_TLS_PLATFORM};
    (void)state;

    serve_broker(CERT_EC_GOOD, CERT_EC_ROOT);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        again_at(broker.port);
        board.tls.kinds = kinds[i];
        peer_trust_connect(&one);
        assert_int_equal(speaks_13(&one), i != 1);
        peer_trust_close(&one);
    }
}

static void a_server_with_1_3_alone_refuses_who_allows_one_kind(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13);
    board.tls.kinds = IOT_TLS_ECDHE_ECDSA;
    peer_trust_refused(&one, IOT_ERR_TLS_VERSION, ALERT_PROTOCOL_VERSION);
}

static void the_hello_asks_for_records_that_fit_in_the_way_of_1_3(void **state)
{
    (void)state;
    serve_relayed(V13);
    peer_trust_connect(&one);
    struct iot_bytes limit = peer_relay_extension(&relay, EXT_RECORD_SIZE_LIMIT);
    assert_int_equal(limit.len, 2);
    assert_int_equal(limit.ptr[0] << 8 | limit.ptr[1], IOT_TLS_RX_BYTES);
    assert_null(peer_relay_extension(&relay, EXT_MAX_FRAGMENT).ptr);
    peer_trust_close(&one);
}

static void a_second_hello_is_sent_if_the_server_wants_another_curve(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        serve_relayed(V13 "-groups P-384");
        if (i == 1)
            one.options.host = host_reachable(peer_loopback);
        board.tls.session_key = STORE;
        for (uint32_t k = 0; k < 2; k++) { /* the second time with a session */
            peer_tls_forget(&server);
            peer_trust_connect(&one);
            assert_true(speaks_13(&one));
            UNTIL(peer_tls_said(&server, "CIPHER is TLS_") != 0);
            UNTIL(peer_trust_kv(&board, STORE) != NULL);
            assert_int_equal(peer_tls_said(&server, REUSED), k);
            peer_trust_close(&one);
            again_at(relay.port);
            if (i == 1)
                one.options.host = host_reachable(peer_loopback);
        }
        peer_relay_stop_all();
        peer_tls_stop(&server);
    }
}

static void what_takes_long_is_announced(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13);
    peer_trust_connect(&one);
    assert_in_range(peer_trust_busy(&one), 4, 10);
    peer_trust_close(&one);
    uint32_t events = one.kinds[IOT_EV_BUSY];
    peer_tls_stop(&server);
    serve(CERT_EC_GOOD, CERT_EC_ROOT, "-tls1_2"); /* the hellos, as nobody knows yet */
    peer_trust_connect(&one);
    assert_in_range(peer_trust_busy(&one), 2, events / 2);
    peer_trust_close(&one);
}

static void a_protocol_is_chosen_by_alpn(void **state)
{
    static const char *const protocols[] = {"x-other", "mqtt", NULL};
    (void)state;

    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13 "-alpn mqtt");
    board.tls.alpn = protocols;
    expect_13("ALPN protocols selected: mqtt");
    peer_tls_stop(&server);
    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13 "-alpn http/1.1");
    board.tls.alpn = protocols;
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, ALERT_NO_APPLICATION_PROTOCOL);
}

/* Allowed beside certificates, a key serves in 1.3, too; together with ECDHE. */
static void a_pre_shared_key_beside_the_kinds_is_used_in_1_3(void **state)
{
    static const char *const keys[] = {"6c776c696e6b2d7073", "6c776c696e6b2d7074"};
    static uint8_t key[16];
    char words[128];
    (void)state;

    for (size_t i = 0; i < COUNT(keys); i++) {
        peer_trust_prepare(&board, CERT_EC_ROOT);
        snprintf(words, sizeof words, V13 "-nocert -psk_identity lamp-7 -psk %s", keys[i]);
        peer_tls_start_bare(&server, words);
        again_at(server.port);
        board.tls.kinds = IOT_TLS_KINDS_DEFAULT | IOT_TLS_PSK;
        board.tls.psk = (struct iot_bytes){key, from_hex(keys[0], key, sizeof key)};
        board.tls.psk_identity = BYTES("lamp-7");
        if (i == 0)
            expect_13("TLS_AES_128_GCM_SHA256");
        else
            peer_trust_refused(&one, IOT_ERR_TLS_PSK, ALERT_ILLEGAL_PARAMETER);
        peer_tls_stop(&server);
    }
}

/* ---- Whom to believe --------------------------------------------------------------------- */

static void each_fault_of_a_certificate_has_its_name(void **state)
{
    static const struct {
        enum peer_cert_id cert;
        const char *name;
        int64_t days;
        int32_t faults;
    } cases[] = {
        {CERT_EC_OTHER, NULL, 0, IOT_TLS_FAULT_NAME},
        {CERT_EC_CN_ONLY, NULL, 0, IOT_TLS_FAULT_NAME},
        {CERT_STRANGE_GOOD, NULL, 0, IOT_TLS_FAULT_CA},
        {CERT_RSA_GOOD, NULL, 0, IOT_TLS_FAULT_CA},
        {CERT_SELF, NULL, 0, IOT_TLS_FAULT_CA},
        {CERT_EC_BY_LEAF, NULL, 0, IOT_TLS_FAULT_CA},
        {CERT_EC_GOOD, NULL, PEER_LEAF_DAYS + 1, IOT_TLS_FAULT_EXPIRED},
        {CERT_EC_GOOD, NULL, -1, IOT_TLS_FAULT_NOT_YET},
        {CERT_EC_CLIENT_USE, NULL, 0, IOT_TLS_FAULT_USAGE},
        {CERT_STRANGE_GOOD, "b.test.lwlink", PEER_LEAF_DAYS + 1,
         IOT_TLS_FAULT_CA | IOT_TLS_FAULT_NAME | IOT_TLS_FAULT_EXPIRED},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("  case %u\n", (unsigned)i);
        serve(cases[i].cert, CERT_EC_ROOT, V13);
        board.tls.server_name = cases[i].name;
        peer_trust_days(&board, cases[i].days);
        peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, cases[i].faults);
        assert_int_equal(server.greeted, 0);
        if (cases[i].faults == IOT_TLS_FAULT_CA && cases[i].cert != CERT_EC_BY_LEAF)
            UNTIL(peer_tls_said(&server, "alert unknown ca") != 0); /* it is told why */
        peer_tls_stop(&server);
    }
}

static void without_time_the_end_is_held_against_what_must_have_passed(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13);
    board.knows_time = false;
    board.tls.min_wall_s = peer_certs_made_s() + (PEER_LEAF_DAYS - 1) * PEER_DAY_S;
    expect_13("TLS_AES");
    again_at(server.port);
    board.tls.min_wall_s = peer_certs_made_s() + (PEER_LEAF_DAYS + 1) * PEER_DAY_S;
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED);
}

static void an_address_is_looked_up_in_the_certificate_and_not_sent(void **state)
{
    (void)state;
    serve_relayed(V13);
    one.options.host = host_reachable(peer_loopback);
    peer_trust_connect(&one);
    assert_null(peer_relay_extension(&relay, EXT_SERVER_NAME).ptr);
    peer_trust_close(&one);
    again_at(relay.port);
    board.tls.server_name = "10.0.2.3";
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NAME);
}

/* ---- The device's own certificate -------------------------------------------------------- */

static void insist(const char *how)
{
    char words[HOST_PATH_MAX + 64];

    snprintf(words, sizeof words, V13 "%s -CAfile %s", how, peer_cert(CERT_EC_ROOT)->pem);
    serve(CERT_EC_GOOD, CERT_EC_ROOT, words);
}

static void a_client_certificate_is_given(void **state)
{
    static const enum peer_cert_id certs[] = {CERT_CLIENT_EC, CERT_CLIENT_RSA};
    static const char *const subjects[] = {"device-ec", "device-rsa"};
    (void)state;

    insist("-Verify 4 -verify_return_error");
    for (size_t i = 0; i < COUNT(certs); i++) {
        again_at(server.port);
        peer_trust_client(&board, certs[i]);
        expect_13(subjects[i]);
    }
    peer_tls_stop(&server);
    insist("-verify 4"); /* politely: it may be missing */
    expect_13("TLS_AES");
}

/* In 1.3 the server looks at it when the handshake is over for us: the link seems to be up, until it answers. */
static void a_client_certificate_that_does_not_fit_is_an_alert_behind_the_handshake(void **state)
{
    (void)state;
    insist("-Verify 4 -verify_return_error");
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, ALERT_CERTIFICATE_REQUIRED);
    assert_int_equal(one.kinds[IOT_EV_CONNECTED], 0);

    again_at(server.port);
    peer_trust_client(&board, CERT_CLIENT_STRANGE);
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, PEER_ANY);
    int32_t alert = peer_last(&one, IOT_EV_LOST)->detail;
    assert_true(alert == ALERT_UNKNOWN_CA || alert == ALERT_DECRYPT_ERROR);

    again_at(server.port);
    peer_trust_client(&board, CERT_CLIENT_EC);
    board.tls.key = peer_cert(CERT_CLIENT_LARGE)->key; /* somebody else's */
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, ALERT_DECRYPT_ERROR);
    assert_int_equal(server.greeted, 0);
}

/* ---- Tickets ----------------------------------------------------------------------------- */

static const struct peer_kv *kept(void)
{
    return peer_trust_kv(&board, STORE);
}

/* One life of the device; was its handshake a short one? */
static bool resumes(uint16_t port)
{
    again_at(port);
    board.tls.session_key = STORE;
    peer_tls_forget(&server);
    peer_trust_connect(&one);
    assert_true(speaks_13(&one));
    UNTIL(peer_tls_said(&server, "CIPHER is TLS_") != 0);
    bool reused = peer_tls_said(&server, REUSED) != 0;
    assert_int_equal(one.dev.tls.core.judged, !reused);
    peer_turn(); /* tickets come in records of their own, before CONNACK */
    peer_trust_close(&one);
    return reused;
}

static void a_ticket_in_the_stream_is_kept_and_taken_up(void **state)
{
    static const enum peer_cert_id certs[][2] = {{CERT_EC_GOOD, CERT_EC_ROOT},
                                                 {CERT_RSA_GOOD, CERT_RSA_ROOT}};
    (void)state;

    for (size_t i = 0; i < COUNT(certs); i++) {
        serve(certs[i][0], certs[i][1], V13);
        assert_false(resumes(server.port));
        assert_non_null(kept());
        assert_in_range(kept()->len, 100, IOT_TLS_SESSION_BYTES + 64);
        for (int k = 0; k < 3; k++) {
            uint32_t before = peer_hash((struct iot_bytes){kept()->bytes, kept()->len});
            assert_true(resumes(server.port));
            assert_int_not_equal(before, peer_hash((struct iot_bytes){kept()->bytes, kept()->len}));
        }
        peer_tls_stop(&server);
    }
}

static void a_ticket_is_for_one_identity_and_for_the_dates_of_its_certificate(void **state)
{
    (void)state;
    serve_relayed(V13);
    assert_false(resumes(relay.port));

    again_at(relay.port);
    board.tls.session_key = STORE;
    peer_trust_days(&board, PEER_LEAF_DAYS + 1);
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED);
    assert_null(peer_relay_extension(&relay, EXT_PRE_SHARED_KEY).ptr);

    again_at(relay.port);
    peer_trust_days(&board, 0);
    board.tls.server_name = "b.test.lwlink";
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NAME);
    assert_null(peer_relay_extension(&relay, EXT_PRE_SHARED_KEY).ptr);
    board.tls.server_name = NULL;
    assert_true(resumes(relay.port));
    assert_non_null(peer_relay_extension(&relay, EXT_PRE_SHARED_KEY).ptr);
}

static void a_server_without_tickets_leaves_the_store_as_it_is(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13 "-num_tickets 0");
    assert_false(resumes(server.port));
    assert_null(kept());
    peer_tls_stop(&server);

    serve_relayed(V13);
    assert_false(resumes(relay.port));
    struct peer_kv before = *kept();
    peer_tls_stop(&server);
    peer_tls_start(&server, CERT_EC_GOOD, V13 "-num_tickets 0");
    relay.to = server.port;
    assert_false(resumes(relay.port));
    assert_memory_equal(before.bytes, kept()->bytes, before.len);
}

static void a_ticket_that_the_server_forgot_costs_a_full_handshake(void **state)
{
    (void)state;
    serve_relayed(V13);
    assert_false(resumes(relay.port));
    peer_tls_stop(&server);
    peer_tls_start(&server, CERT_EC_GOOD, V13);
    relay.to = server.port;
    assert_false(resumes(relay.port));
    assert_true(resumes(relay.port));
}

/* What was begun in 1.3 offers nothing older; who was replaced by an older server is asked anew. */
static void a_server_that_fell_back_to_1_2_costs_one_attempt(void **state)
{
    (void)state;
    serve_relayed(V13);
    assert_false(resumes(relay.port));
    peer_tls_stop(&server);
    peer_tls_start(&server, CERT_EC_GOOD, "-tls1_2");
    relay.to = server.port;
    again_at(relay.port);
    one.options.no_reconnect = false;
    peer_begin(&one);
    UNTIL(iot_device_connected(&one.dev));
    assert_int_equal(one.kinds[IOT_EV_LOST], 1);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_TLS_VERSION);
    assert_false(speaks_13(&one));
    peer_trust_close(&one);
}

static void a_session_with_a_wrong_byte_costs_one_attempt_at_most(void **state)
{
    static struct peer_kv whole;
    uint32_t lost = 0;
    (void)state;

    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13);
    assert_false(resumes(server.port));
    whole = *kept();
    for (uint32_t at = 0; at < whole.len; at += 1 + whole.len / 40) {
        again_at(server.port);
        one.options.no_reconnect = false;
        *peer_trust_kv(&board, STORE) = whole;
        peer_trust_kv(&board, STORE)->bytes[at] ^= 0x20;
        peer_begin(&one);
        UNTIL(iot_device_connected(&one.dev) || one.kinds[IOT_EV_LOST] > 1);
        assert_true(one.kinds[IOT_EV_LOST] <= 1);
        lost += one.kinds[IOT_EV_LOST];
        peer_trust_close(&one);
        if (kept() == NULL)
            assert_false(resumes(server.port));
    }
    print_message("  %u cost an attempt\n", (unsigned)lost);
}

/* A wire below TLS that takes a few bytes of what comes behind the handshake, and then none while it is stuck. */
static struct iot_stream_ops narrow, wide;
static bool stuck;

static iot_err narrow_write(struct iot_stream *s, struct iot_bytes bytes,
                            enum iot_stream_write_flag how, iot_time now, uint32_t *taken)
{
    if (stuck && one.dev.tls.frozen != 0)
        return IOT_ERR_AGAIN;
    if (stuck && iot_tls_suite(&one.dev.tls)[0] != '\0' && bytes.len > 7)
        bytes.len = 7;
    else if (stuck && iot_tls_suite(&one.dev.tls)[0] != '\0')
        return IOT_ERR_AGAIN;
    return wide.write(s, bytes, how, now, taken);
}

static void wake_on_release(void)
{
    stuck = false;
    iot_stream_wake(&one.dev.tls.base);
}

/* What the client does, but it reads nothing while its CONNECT is not sent. */
static void read_nothing(uint32_t times)
{
    struct iot_stream *s = &one.dev.tls.base;
    uint8_t byte;

    for (uint32_t i = 0; i < times; i++) {
        uint32_t got = 0;
        assert_err(s->ops->poll(s, peer_clock_ms()), IOT_OK);
        (void)s->ops->read(s, &byte, 1, &got);
        assert_int_equal(got, 0);
    }
}

/* With RSA: signatures on a curve differ in length from one to the next. Returns how many bytes come before the
 * tickets, behind which there is CONNACK. */
static uint32_t learn_handshake(void)
{
    uint32_t total = 0;

    serve(CERT_RSA_GOOD, CERT_RSA_ROOT, V13);
    relay_it();
    peer_trust_connect(&one);
    good = relay.down;
    peer_trust_close(&one);
    peer_tls_forget(&server);
    assert_in_range(good.records, 7, 12);
    for (uint32_t i = 0; i + TICKETS + 1 < good.records; i++)
        total += good.sizes[i];
    return total;
}

static void tickets_that_come_while_a_write_is_stuck_spoil_nothing(void **state)
{
    (void)state;
    for (uint32_t how = 0; how < 3; how++) {
        uint32_t handshake = learn_handshake();

        again_at(relay.port);
        board.tls.session_key = STORE;
        assert_err(iot_device_init(&one.dev, &one.options), IOT_OK);
        relay.mute_bytes = handshake;
        stuck = true;
        peer_begin(&one);
        wide = narrow = *one.dev.tls.lower->ops;
        narrow.write = narrow_write;
        one.dev.tls.lower->ops = &narrow;
        UNTIL(one.dev.tls.frozen != 0); /* CONNECT, a part of it */
        assert_null(kept());
        if (how == 2)
            wake_on_release(); /* the rest leaves before the tickets come */
        relay.mute_bytes = PEER_NEVER;
        peer_relay_insert(&relay, (struct iot_bytes){(const uint8_t *)"", 0});
        for (int i = 0; i < 20; i++)
            peer_turn();
        assert_int_equal(iot_device_connected(&one.dev), how == 2);
        if (how != 2) {
            read_nothing(2); /* the first ticket, up to where it wants the wire */
            assert_int_not_equal(one.dev.tls.frozen, 0);
            assert_null(kept());
        }
        if (how == 0) {
            stuck = false;
            read_nothing(1); /* it carries the rest of CONNECT out */
            assert_int_not_equal(one.dev.tls.frozen, 0);
        } /* else the write finds it */
        wake_on_release();
        UNTIL(iot_device_connected(&one.dev) || one.kinds[IOT_EV_LOST] != 0);
        assert_int_equal(one.kinds[IOT_EV_LOST], 0);
        UNTIL(kept() != NULL);
        peer_publish(&one, "stuck/x", "hello", 0, 0);
        UNTIL(peer_tls_said(&server, "stuck/x") == 1);
        assert_int_equal(peer_tls_said(&server, "MQTT"), 1); /* CONNECT came once */
        peer_trust_close(&one);
        peer_relay_stop_all();
        peer_tls_stop(&server);
    }
}

/* ---- In the stream ----------------------------------------------------------------------- */

/* mbedTLS 3.6 cannot follow a server to new keys: the link ends by name, and the device is back at once. */
static void a_server_that_changes_its_keys_is_left_and_met_again(void **state)
{
    static const char *const keys[] = {"K\n", "k\n"};
    (void)state;

    for (size_t i = 0; i < COUNT(keys); i++) {
        serve(CERT_EC_GOOD, CERT_EC_ROOT, V13);
        one.options.no_reconnect = false;
        board.tls.session_key = STORE;
        peer_trust_connect(&one);
        peer_tls_type(&server, BYTES("\x30\x08\x00\x03"
                                     "a/b12x"));
        UNTIL(one.kinds[IOT_EV_MESSAGE] == 1);
        peer_tls_type(&server, (struct iot_bytes){(const uint8_t *)keys[i], 2});
        int32_t detail = peer_trust_lost(&one, IOT_ERR_TLS_PROTOCOL, false);
        assert_int_equal(detail, MBEDTLS_UNEXPECTED_MESSAGE);
        UNTIL(one.kinds[IOT_EV_CONNECTED] == 2);
        peer_trust_close(&one);
        peer_tls_stop(&server);
    }
}

static void mosquitto_gives_and_takes_each_qos_and_is_met_again(void **state)
{
    static const char *const topics[] = {"v13/0", "v13/1", "v13/2"};
    (void)state;

    serve_broker(CERT_RSA_GOOD, CERT_RSA_ROOT);
    one.options.no_reconnect = false;
    board.tls.session_key = STORE;
    peer_trust_connect(&one);
    assert_true(speaks_13(&one));
    note_peak("mosquitto, RSA");
    peer_subscribed(&one, "v13/+", 2);
    for (uint8_t round = 0; round < 3; round++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            iot_ticket t = peer_publish(&one, topics[qos], "21.5 C", qos, 0);
            UNTIL(peer_ended(&one, t) && peer_count_of(&one, topics[qos]) == round + 1u);
            assert_err(peer_result(&one, t), IOT_OK);
            assert_int_equal(peer_last_of(&one, topics[qos])->qos, qos);
        }
        if (round == 2)
            break;
        uint16_t port = broker.port;
        if (round == 0)
            host_stop_mosquitto(&broker);
        else
            host_kill_mosquitto(&broker);
        UNTIL(one.kinds[IOT_EV_LOST] > round);
        peer_broker_start(&broker, port, peer_tls_lines(CERT_RSA_GOOD, NULL), NULL);
        UNTIL(one.kinds[IOT_EV_CONNECTED] == round + 2u);
        assert_true(speaks_13(&one));
        peer_subscribed(&one, "v13/+", 2);
    }
    peer_trust_close(&one);
}

static void mosquitto_takes_a_session_up(void **state)
{
    (void)state;
    serve_broker(CERT_RSA_GOOD, CERT_RSA_ROOT);
    for (uint32_t i = 0; i < 3; i++) {
        again_at(broker.port);
        board.tls.session_key = STORE;
        peer_trust_connect(&one);
        assert_true(speaks_13(&one));
        assert_int_equal(one.dev.tls.core.judged, i == 0);
        UNTIL(kept() != NULL);
        peer_trust_close(&one);
    }
}

static void a_record_larger_than_our_limit_names_the_limit(void **state)
{
    (void)state;
    serve_broker(CERT_EC_GOOD, CERT_EC_ROOT);
    peer_trust_connect(&one);
    peer_subscribed(&one, "large/+", 0);
    peer_trust_prepare(&other_board, CERT_EC_ROOT);
    peer_trust_device(&two, &other_board, "sender", broker.port);
    peer_trust_connect(&two);
    peer_publish_bytes(&two, "large/x", peer_payload(IOT_TLS_RX_BYTES + 1000, 1), 0,
                       IOT_MSG_BY_REF);
    int32_t size = peer_trust_lost(&one, IOT_ERR_TLS_RECORD, false);
    assert_in_range(size, IOT_TLS_RX_BYTES + 1000, IOT_TLS_RX_BYTES + 1100);
    peer_trust_close(&one);
    peer_trust_close(&two);
}

/* ---- A wire that fails ------------------------------------------------------------------- */

static void a_cut_in_each_record_has_a_name(void **state)
{
    uint32_t at = 0;
    (void)state;

    learn_handshake();
    for (uint32_t i = 0; i < good.records; at += good.sizes[i++]) {
        const uint32_t cuts[] = {at, at + 1, at + HEADER_BYTES, at + good.sizes[i] - 1};
        for (size_t k = 0; k < COUNT(cuts); k++) {
            again_at(relay.port);
            relay.cut_bytes = cuts[k];
            peer_trust_refused(&one, IOT_ERR_TLS_EOF, PEER_ANY);
            check_key_store();
        }
    }
}

static void a_flipped_bit_in_any_record_ends_the_attempt(void **state)
{
    (void)state;
    learn_handshake();
    for (uint32_t i = 0; i < good.records; i++) {
        print_message("  record %u of type %u\n", (unsigned)i, good.types[i]);
        again_at(relay.port);
        relay.spoil_record = i;
        peer_trust_refused(&one, IOT_ERR_TLS_PROTOCOL, PEER_ANY);
        assert_true(peer_last(&one, IOT_EV_LOST)->detail < 0);
        assert_int_equal(one.kinds[IOT_EV_CONNECTED], 0);
        check_key_store();
    }
}

static void a_server_that_falls_silent_is_given_up(void **state)
{
    uint32_t at = 0;
    (void)state;

    learn_handshake();
    for (uint32_t i = 0; i + 3 < good.records; at += good.sizes[i++]) {
        again_at(relay.port);
        relay.mute_bytes = at + good.sizes[i] / 2;
        peer_begin(&one);
        UNTIL(relay.down.total == relay.mute_bytes);
        peer_trust_lost(&one, IOT_ERR_TLS_TIMEOUT, true);
        peer_trust_close(&one);
        check_key_store();
    }
}

/* ---- Memory ------------------------------------------------------------------------------ */

static iot_err try_with(uint32_t arena_bytes)
{
    again_at(server.port);
    board.tls.arena_bytes = arena_bytes;
    peer_begin(&one);
    UNTIL(iot_device_connected(&one.dev) || one.kinds[IOT_EV_LOST] != 0);
    const struct peer_event *lost = peer_last(&one, IOT_EV_LOST);
    iot_err err = lost != NULL ? lost->err : IOT_OK;
    peer_trust_close(&one);
    check_key_store();
    return err;
}

static void an_arena_that_is_too_small_by_one_block_has_a_name(void **state)
{
    static const enum peer_cert_id certs[][2] = {{CERT_EC_GOOD, CERT_EC_ROOT},
                                                 {CERT_RSA_GOOD, CERT_RSA_ROOT}};
    (void)state;

    for (size_t i = 0; i < COUNT(certs); i++) {
        serve(certs[i][0], certs[i][1], V13);
        uint32_t no = 1024, yes = PEER_ARENA_MAX;
        while (yes - no > 8) {
            uint32_t middle = (no + yes) / 16 * 8;
            iot_err err = try_with(middle);
            if (err != IOT_OK)
                assert_err(err, IOT_ERR_TLS_MEMORY);
            *(err == IOT_OK ? &yes : &no) = middle;
        }
        print_message("  %s: %u bytes of arena do\n", i == 0 ? "ECDSA" : "RSA", (unsigned)yes);
        /* Chance decides over a few bytes: how long the numbers of a handshake are. */
        for (uint32_t less = 8; less <= CHANCE_BYTES; less += 8) {
            iot_err err = try_with(yes - less);
            if (err != IOT_OK)
                assert_err(err, IOT_ERR_TLS_MEMORY);
        }
        for (uint32_t less = CHANCE_BYTES; less + 64 < yes; less += yes / 24 / 8 * 8)
            assert_err(try_with(yes - less - 8), IOT_ERR_TLS_MEMORY);
        peer_tls_stop(&server);
    }
}

static void a_full_key_store_is_a_lack_of_memory(void **state)
{
    static const uint8_t secret[16] = {1, 2, 3};
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    _Alignas(8) static uint8_t memory[1024]; /* PSA copies what it is given */
    struct iot_arena arena;
    psa_key_id_t ids[64];
    uint32_t n = 0;
    (void)state;

    serve(CERT_EC_GOOD, CERT_EC_ROOT, V13);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    psa_set_key_type(&a, PSA_KEY_TYPE_DERIVE);
    assert_true(iot_arena_init(&arena, memory, sizeof memory));
    struct iot_arena *before = iot_arena_enter(&arena);
    while (n < COUNT(ids) && psa_import_key(&a, secret, sizeof secret, &ids[n]) == PSA_SUCCESS)
        n++;
    iot_arena_enter(before);
    assert_in_range(n, 2, COUNT(ids) - 1);
    peer_trust_refused(&one, IOT_ERR_TLS_MEMORY, PEER_ANY);
    while (n != 0)
        assert_int_equal(psa_destroy_key(ids[--n]), PSA_SUCCESS);
    again_at(server.port);
    expect_13("TLS_AES");
}

/* ---- Two devices ------------------------------------------------------------------------- */

static void begin_two(void)
{
    again_at(relay.port);
    peer_trust_prepare(&other_board, CERT_EC_ROOT);
    peer_trust_device(&two, &other_board, "tls13-two", broker.port);
    peer_begin(&one);
    peer_begin(&two);
}

static void two_handshakes_at_once_do_not_disturb_each_other(void **state)
{
    (void)state;
    serve_broker(CERT_EC_GOOD, CERT_EC_ROOT);
    peer_relay_start(&relay, broker.port);
    for (uint32_t i = 0; i < 8; i++) {
        begin_two();
        UNTIL(iot_device_connected(&one.dev) && iot_device_connected(&two.dev));
        assert_true(speaks_13(&one) && speaks_13(&two));
        assert_int_equal(one.kinds[IOT_EV_LOST] + two.kinds[IOT_EV_LOST], 0);
        peer_trust_close(&one);
        peer_trust_close(&two);
        check_key_store();
    }
}

static void a_device_that_is_closed_in_the_handshake_takes_no_other_key_along(void **state)
{
    static const uint32_t mutes[] = {0, 60, 200, 900};
    (void)state;

    serve_broker(CERT_EC_GOOD, CERT_EC_ROOT);
    peer_relay_start(&relay, broker.port);
    for (size_t i = 0; i < COUNT(mutes); i++) {
        relay.mute_bytes = mutes[i];
        begin_two();
        UNTIL(relay.down.total == mutes[i] && relay.up.records > 0);
        for (int k = 0; k < 5; k++)
            peer_turn();
        assert_true(keys_in_store() >= (mutes[i] < 200 ? 1u : 0u));
        peer_trust_close(&one); /* in the middle of its own, wherever the other is */
        UNTIL(iot_device_connected(&two.dev));
        assert_int_equal(two.kinds[IOT_EV_LOST], 0);
        peer_trust_close(&two);
        check_key_store();
    }
    for (uint32_t turns = 1; turns < 24; turns++) { /* the other one, at every step */
        relay.mute_bytes = 60;
        begin_two();
        for (uint32_t k = 0; k < turns; k++)
            peer_turn();
        peer_trust_close(&two);
        relay.mute_bytes = PEER_NEVER;
        if (relay.near >= 0)
            peer_relay_insert(&relay, (struct iot_bytes){(const uint8_t *)"", 0});
        UNTIL(iot_device_connected(&one.dev));
        assert_int_equal(one.kinds[IOT_EV_LOST], 0);
        peer_trust_close(&one);
        check_key_store();
    }
}

static int group_teardown(void **state)
{
    print_message("TLS 1.3: most of an arena in use: %u bytes\n", (unsigned)arena_peak);
    return peer_trust_group_teardown(state);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_certificate_is_accepted),
        TEST(each_suite_is_spoken),
        TEST(a_server_limited_to_1_2_is_met_with_1_2),
        TEST(a_server_of_1_2_that_insists_on_rsa_pss_has_a_name),
        TEST(a_server_with_both_versions_chooses_1_3_if_both_kinds_are_allowed),
        TEST(a_server_with_1_3_alone_refuses_who_allows_one_kind),
        TEST(the_hello_asks_for_records_that_fit_in_the_way_of_1_3),
        TEST(a_second_hello_is_sent_if_the_server_wants_another_curve),
        TEST(what_takes_long_is_announced),
        TEST(a_protocol_is_chosen_by_alpn),
        TEST(a_pre_shared_key_beside_the_kinds_is_used_in_1_3),
        TEST(each_fault_of_a_certificate_has_its_name),
        TEST(without_time_the_end_is_held_against_what_must_have_passed),
        TEST(an_address_is_looked_up_in_the_certificate_and_not_sent),
        TEST(a_client_certificate_is_given),
        TEST(a_client_certificate_that_does_not_fit_is_an_alert_behind_the_handshake),
        TEST(a_ticket_in_the_stream_is_kept_and_taken_up),
        TEST(a_ticket_is_for_one_identity_and_for_the_dates_of_its_certificate),
        TEST(a_server_without_tickets_leaves_the_store_as_it_is),
        TEST(a_ticket_that_the_server_forgot_costs_a_full_handshake),
        TEST(a_server_that_fell_back_to_1_2_costs_one_attempt),
        TEST(a_session_with_a_wrong_byte_costs_one_attempt_at_most),
        TEST(tickets_that_come_while_a_write_is_stuck_spoil_nothing),
        TEST(a_server_that_changes_its_keys_is_left_and_met_again),
        TEST(mosquitto_gives_and_takes_each_qos_and_is_met_again),
        TEST(mosquitto_takes_a_session_up),
        TEST(a_record_larger_than_our_limit_names_the_limit),
        TEST(a_cut_in_each_record_has_a_name),
        TEST(a_flipped_bit_in_any_record_ends_the_attempt),
        TEST(a_server_that_falls_silent_is_given_up),
        TEST(an_arena_that_is_too_small_by_one_block_has_a_name),
        TEST(a_full_key_store_is_a_lack_of_memory),
        TEST(two_handshakes_at_once_do_not_disturb_each_other),
        TEST(a_device_that_is_closed_in_the_handshake_takes_no_other_key_along),
    };

    return cmocka_run_group_tests(tests, peer_trust_group_setup, group_teardown);
}
