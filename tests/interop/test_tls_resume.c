/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that are kept for a quick reconnect: taken up by openssl and by mosquitto, refused, spoilt,
 * too large, or for somebody else. Whatever is wrong with one, the handshake is a full one and nobody
 * is believed who would not be believed without it. */
#include "peer_broker.h"
#include "peer_relay.h"
#include "peer_tls.h"
#include "peer_trust.h"

#define EXT_SESSION_TICKET 35

#define STORE  "tls"
#define REUSED "Reused session-id"

static struct peer_tls server;
static struct peer_relay relay;
static struct host_broker broker;
static struct peer_device one;
static struct peer_trust board;

static uint16_t port; /* of the relay instead of the server, if a test says so */

static void again(void)
{
    peer_trust_device(&one, &board, "resume", port != 0 ? port : server.port);
    one.options.no_reconnect = true;
    board.tls.session_key = STORE;
}

static void serve(enum peer_cert_id cert, enum peer_cert_id root, const char *words)
{
    port = 0;
    peer_trust_prepare(&board, root);
    peer_tls_start(&server, cert, words);
    again();
}

/* One life of the device; was its handshake a short one? */
static bool resumes(void)
{
    again();
    peer_tls_forget(&server);
    peer_trust_connect(&one);
    UNTIL(peer_tls_said(&server, "CIPHER is") != 0);
    bool reused = peer_tls_said(&server, REUSED) != 0;
    if (board.tls.psk.ptr == NULL)
        assert_int_equal(iot_device_resumed(&one.dev), reused);
    peer_trust_close(&one);
    return reused;
}

static struct peer_kv *kept(void)
{
    struct peer_kv *v = peer_trust_kv(&board, STORE);

    if (v == NULL)
        fail_msg("no session is kept");
    return v;
}

/* The next attempt goes through the relay, which can tell what was offered. */
static void through_relay(void)
{
    again();
    one.options.port = relay.port;
}

static bool offered(void)
{
    return peer_relay_offers_session(&relay);
}

/* ---- Taken up and refused ---------------------------------------------------------------- */

static void a_session_is_taken_up_after_a_reboot(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    assert_false(resumes());
    assert_in_range(kept()->len, 100, IOT_TLS_SESSION_BYTES + 64);
    for (int i = 0; i < 3; i++)
        assert_true(resumes());
}

static void a_session_with_rsa_is_taken_up_without_a_long_step(void **state)
{
    (void)state;
    serve(CERT_RSA_GOOD, CERT_RSA_ROOT, NULL);
    assert_false(resumes());
    assert_true(peer_trust_busy(&one) > 0);
    assert_true(resumes());
    assert_true(IOT_FEATURE_TLS_13 || peer_trust_busy(&one) == 0);
}

static void a_session_is_taken_up_when_the_link_was_cut(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    peer_relay_start(&relay, server.port);
    through_relay();
    one.options.no_reconnect = false;
    peer_trust_connect(&one);
    peer_tls_forget(&server);
    relay.cut_bytes = relay.down.total;
    peer_subscribe(&one, "resume/+", 0); /* something moves, so the relay sees its mark */
    peer_trust_lost(&one, IOT_ERR_TLS_EOF, false);
    peer_relay_behave(&relay);
    UNTIL(one.kinds[IOT_EV_CONNECTED] == 2);
    assert_int_equal(peer_tls_said(&server, REUSED), 1);
    peer_trust_close(&one);
}

static void a_session_is_taken_up_by_its_id_where_there_are_no_tickets(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, "-no_ticket");
    assert_false(resumes());
    assert_true(resumes());
}

static void a_session_that_the_server_forgot_is_made_anew(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    peer_relay_start(&relay, server.port);
    port = relay.port;
    assert_false(resumes());
    struct peer_kv before = *kept();

    /* Another one with new keys for its tickets, behind the same port. */
    peer_tls_stop(&server);
    peer_tls_start(&server, CERT_EC_GOOD, NULL);
    relay.to = server.port;
    assert_false(resumes());
    assert_true(kept()->len != before.len || memcmp(kept()->bytes, before.bytes, before.len) != 0);
    assert_true(resumes());
}

static void without_a_name_nothing_is_kept_or_offered(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    peer_relay_start(&relay, server.port);
    for (int i = 0; i < 2; i++) {
        through_relay();
        board.tls.session_key = NULL;
        peer_trust_connect(&one);
        assert_null(peer_relay_extension(&relay, EXT_SESSION_TICKET).ptr);
        peer_trust_close(&one);
    }
    assert_null(peer_trust_kv(&board, STORE));
}

static void mosquitto_takes_a_session_up(void **state)
{
    (void)state;
    peer_broker_start(&broker, 0, peer_tls_lines(CERT_RSA_GOOD, NULL), NULL);
    peer_trust_prepare(&board, CERT_RSA_ROOT);
    peer_relay_start(&relay, broker.port);
    for (uint32_t i = 0; i < 3; i++) {
        through_relay();
        peer_trust_connect(&one);
        assert_int_equal(offered(), i > 0);
        assert_true(IOT_FEATURE_TLS_13 || (peer_trust_busy(&one) != 0) == (i == 0));
        peer_trust_close(&one);
    }
    host_kill_mosquitto(&broker);
}

static void a_session_with_a_pre_shared_key_is_taken_up(void **state)
{
    (void)state;
    port = 0;
    peer_trust_prepare(&board, CERT_COUNT);
    peer_tls_start_bare(&server, "-nocert -psk 0102030405060708090a");
    board.tls.kinds = IOT_TLS_PSK;
    board.tls.psk = BYTES("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a");
    board.tls.psk_identity = BYTES("lamp-7");
    peer_trust_secret(&board, board.tls.psk);
    assert_false(resumes());
    assert_true(resumes());
    board.tls.psk_identity = BYTES("lamp-8"); /* somebody else */
    assert_false(resumes());
}

/* ---- Large, small and spoilt ------------------------------------------------------------- */

/* openssl puts the client's certificate into the ticket. */
static void a_ticket_that_is_too_large_is_not_kept(void **state)
{
    char words[HOST_PATH_MAX + 64];
    (void)state;

    snprintf(words, sizeof words, "-verify 4 -CAfile %s", peer_cert(CERT_EC_ROOT)->pem);
    serve(CERT_EC_GOOD, CERT_EC_ROOT, words);
    peer_trust_client(&board, CERT_CLIENT_LARGE);
    for (int i = 0; i < 2; i++) {
        assert_false(resumes());
        assert_null(peer_trust_kv(&board, STORE));
    }

    memset(board.secrets, 0, sizeof board.secrets);
    peer_trust_client(&board, CERT_CLIENT_EC); /* a certificate as they usually are: it fits */
    assert_false(resumes());
    assert_in_range(kept()->len, 600, IOT_TLS_SESSION_BYTES + 64);
    assert_true(resumes());
}

static void a_session_that_is_cut_off_is_none(void **state)
{
    static struct peer_kv whole;
    (void)state;

    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    assert_false(resumes());
    whole = *kept();
    uint32_t step = whole.len / 16;
    for (uint32_t len = 0; len < whole.len; len += len < 4 || len + step >= whole.len ? 1 : step) {
        if (len + step >= whole.len && len + 4 < whole.len)
            len = whole.len - 4;
        *kept() = whole;
        kept()->len = len;
        assert_false(resumes());
        assert_int_equal(kept()->len, whole.len); /* and there is a whole one again */
    }
    assert_true(resumes());
}

static void a_session_that_is_too_long_is_none(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    assert_false(resumes());
    uint32_t len = kept()->len;
    static const uint32_t more[] = {1, 100, PEER_KV_BYTES};
    for (size_t i = 0; i < COUNT(more); i++) {
        kept()->len = more[i] == PEER_KV_BYTES ? PEER_KV_BYTES : len + more[i];
        assert_false(resumes());
        assert_int_equal(kept()->len, len);
    }
}

/* A wrong byte may be one that only the server finds, behind our back: then the attempt may fail, but
 * the next one is made without it. */
static void a_session_with_a_wrong_byte_costs_one_attempt_at_most(void **state)
{
    static struct peer_kv whole;
    uint32_t lost = 0, tries = 0;
    (void)state;

    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    assert_false(resumes());
    whole = *kept();
    for (uint32_t at = 0; at < whole.len; at += 1 + whole.len / 60, tries++) {
        again();
        one.options.no_reconnect = false;
        *kept() = whole;
        kept()->bytes[at] ^= 0x20;
        peer_begin(&one);
        UNTIL(iot_device_connected(&one.dev) || one.kinds[IOT_EV_LOST] > 1);
        if (one.kinds[IOT_EV_LOST] > 1)
            fail_msg("byte %u of %u: %s, detail %d, twice", (unsigned)at, (unsigned)whole.len,
                     iot_err_name(peer_last(&one, IOT_EV_LOST)->err),
                     (int)peer_last(&one, IOT_EV_LOST)->detail);
        lost += one.kinds[IOT_EV_LOST];
        peer_trust_close(&one);
    }
    print_message("  %u of %u cost an attempt\n", (unsigned)lost, (unsigned)tries);
}

/* ---- For somebody else ------------------------------------------------------------------- */

static void a_session_does_not_outlive_trust_in_its_authority(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    peer_relay_start(&relay, server.port);
    through_relay();
    peer_trust_connect(&one);
    peer_trust_close(&one);
    through_relay();
    board.ca[0] = peer_cert(CERT_STRANGE_ROOT)->der;
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_CA);
    assert_false(offered());
}

static void a_session_is_for_one_name(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    peer_relay_start(&relay, server.port);
    through_relay();
    peer_trust_connect(&one);
    peer_trust_close(&one);
    through_relay();
    board.tls.server_name = "b.test.lwlink";
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NAME);
    assert_false(offered());
}

static void a_session_is_for_one_port_of_a_host(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    peer_relay_start(&relay, server.port);
    assert_false(resumes()); /* on the server's own port */
    through_relay();
    peer_trust_connect(&one);
    assert_false(offered());
    peer_trust_close(&one);
}

static void a_session_is_for_one_identity_of_ours(void **state)
{
    char words[HOST_PATH_MAX + 64];
    (void)state;

    snprintf(words, sizeof words, "-verify 4 -CAfile %s", peer_cert(CERT_EC_ROOT)->pem);
    serve(CERT_EC_GOOD, CERT_EC_ROOT, words);
    peer_relay_start(&relay, server.port);
    for (uint32_t i = 0; i < 4; i++) {
        static const bool expected[] = {false, false, true, false};
        through_relay();
        if (i == 1)
            peer_trust_client(&board, CERT_CLIENT_EC);
        if (i == 3)
            peer_trust_client(&board, CERT_CLIENT_RSA);
        peer_trust_connect(&one);
        assert_int_equal(offered(), expected[i]);
        peer_trust_close(&one);
    }
}

static void a_session_does_not_outlive_the_dates_of_its_certificate(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    peer_relay_start(&relay, server.port);
    through_relay();
    peer_trust_connect(&one);
    peer_trust_close(&one);

    through_relay();
    peer_trust_days(&board, PEER_LEAF_DAYS + 1);
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED);
    assert_false(offered());

    through_relay(); /* without time, by the floor */
    board.knows_time = false;
    board.tls.min_wall_s = peer_certs_made_s() + (PEER_LEAF_DAYS + 1) * PEER_DAY_S;
    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED);
    assert_false(offered());
}

static void a_resumed_link_is_dropped_when_time_shows_its_dates_wrong(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    board.knows_time = false;
    assert_false(resumes());
    again();
    board.knows_time = false;
    peer_tls_forget(&server);
    peer_trust_connect(&one);
    UNTIL(peer_tls_said(&server, "CIPHER is") != 0);
    assert_int_equal(peer_tls_said(&server, REUSED), 1);
    peer_trust_days(&board, PEER_LEAF_DAYS + 1);
    assert_int_equal(peer_trust_lost(&one, IOT_ERR_TLS_VERIFY, true), IOT_TLS_FAULT_EXPIRED);
    peer_trust_close(&one);
}

/* ---- The store --------------------------------------------------------------------------- */

static void a_store_that_is_slow_is_waited_for(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    board.kv_again = 9;
    assert_false(resumes());
    assert_int_equal(board.kv_again, 0);
    board.kv_again = 9;
    assert_true(resumes());
}

static void a_store_that_is_broken_costs_only_the_session(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    board.kv_breaks = true;
    assert_false(resumes());
    assert_false(resumes());
    board.kv_breaks = false;
    assert_false(resumes());
    assert_true(resumes());
}

static void a_port_without_a_store_keeps_no_session(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, CERT_EC_ROOT, NULL);
    board.port.kv_get = NULL;
    board.port.kv_set = NULL;
    board.port.kv_del = NULL;
    assert_false(resumes());
    assert_false(resumes());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUST_TEST(a_session_is_taken_up_after_a_reboot),
        TRUST_TEST(a_session_with_rsa_is_taken_up_without_a_long_step),
        TRUST_TEST(a_session_is_taken_up_when_the_link_was_cut),
        TRUST_TEST(a_session_is_taken_up_by_its_id_where_there_are_no_tickets),
        TRUST_TEST(a_session_that_the_server_forgot_is_made_anew),
        TRUST_TEST(without_a_name_nothing_is_kept_or_offered),
        TRUST_TEST(mosquitto_takes_a_session_up),
        TRUST_TEST(a_session_with_a_pre_shared_key_is_taken_up),
        TRUST_TEST(a_ticket_that_is_too_large_is_not_kept),
        TRUST_TEST(a_session_that_is_cut_off_is_none),
        TRUST_TEST(a_session_that_is_too_long_is_none),
        TRUST_TEST(a_session_with_a_wrong_byte_costs_one_attempt_at_most),
        TRUST_TEST(a_session_does_not_outlive_trust_in_its_authority),
        TRUST_TEST(a_session_is_for_one_name),
        TRUST_TEST(a_session_is_for_one_port_of_a_host),
        TRUST_TEST(a_session_is_for_one_identity_of_ours),
        TRUST_TEST(a_session_does_not_outlive_the_dates_of_its_certificate),
        TRUST_TEST(a_resumed_link_is_dropped_when_time_shows_its_dates_wrong),
        TRUST_TEST(a_store_that_is_slow_is_waited_for),
        TRUST_TEST(a_store_that_is_broken_costs_only_the_session),
        TRUST_TEST(a_port_without_a_store_keeps_no_session),
    };

    return cmocka_run_group_tests(tests, peer_trust_group_setup, peer_trust_group_teardown);
}
