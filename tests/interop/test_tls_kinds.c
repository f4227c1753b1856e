/* SPDX-License-Identifier: Apache-2.0 */
/* What a device and a server agree on, or do not: versions, cipher suites, pre-shared keys, client
 * certificates, ALPN; and what its options must hold for that. */
#include "peer_broker.h"
#include "peer_relay.h"
#include "peer_tls.h"
#include "peer_trust.h"

enum { /* RFC 5246, section 7.2; RFC 4279, section 2; RFC 7301, section 3.2 */
       ALERT_BAD_RECORD_MAC = 20,
       ALERT_HANDSHAKE_FAILURE = 40,
       ALERT_UNKNOWN_CA = 48,
       ALERT_DECRYPT_ERROR = 51,
       ALERT_PROTOCOL_VERSION = 70,
       ALERT_UNKNOWN_PSK_IDENTITY = 115,
       ALERT_NO_APPLICATION_PROTOCOL = 120,
};
enum { EXT_MAX_FRAGMENT = 1, EXT_ALPN = 16, EXT_SESSION_TICKET = 35 };

#define MBEDTLS_BAD_PROTOCOL_VERSION (-0x6E80)

/* openssl itself refuses to use what is too weak, unless asked not to. */
#define WEAK ":@SECLEVEL=0"
#define KEY  "6c776c696e6b2d7073"

static struct peer_tls server;
static struct peer_relay relay;
static struct host_broker broker;
static struct peer_device one;
static struct peer_trust board;

static uint8_t key_bytes[32];

static void again(void)
{
    peer_trust_device(&one, &board, "kinds", server.port);
}

static void serve(enum peer_cert_id cert, const char *words)
{
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_trust_add(&board, CERT_RSA_ROOT);
    peer_tls_start(&server, cert, words);
    again();
}

static void expect_accepted(const char *suite)
{
    peer_tls_forget(&server);
    peer_trust_connect(&one);
    UNTIL(peer_tls_said(&server, "CIPHER is ") != 0);
    if (peer_tls_said(&server, suite) == 0)
        fail_msg("%s expected, but: %s", suite, strstr(server.text, "CIPHER is "));
    peer_trust_close(&one);
}

static void offer_psk(void)
{
    uint32_t n = from_hex(KEY, key_bytes, sizeof key_bytes);

    board.tls.kinds = IOT_TLS_PSK;
    board.tls.psk = (struct iot_bytes){key_bytes, n};
    board.tls.psk_identity = BYTES("lamp-7");
    peer_trust_secret(&board, board.tls.psk);
}

static void serve_psk(const char *words)
{
    peer_trust_prepare(&board, CERT_COUNT);
    peer_tls_start_bare(&server, words);
    again();
    offer_psk();
}

/* ---- Versions and suites ----------------------------------------------------------------- */

/* Our suites with certificates came with TLS 1.2, so an older openssl finds none of its own among
 * them; where it does, it answers with its version. */
static void a_server_older_than_tls_1_2_is_refused(void **state)
{
    static const char *const versions[] = {"-tls1", "-tls1_1"};
    char words[128];
    (void)state;

    for (size_t i = 0; i < COUNT(versions); i++) {
        snprintf(words, sizeof words, "%s -cipher ALL" WEAK, versions[i]);
        serve(CERT_EC_GOOD, words);
        board.tls.kinds = IOT_TLS_ECDHE_ECDSA; /* nor 1.3, to whose hello it says its version */
        peer_trust_refused(&one, IOT_ERR_TLS_KIND, ALERT_HANDSHAKE_FAILURE);
        peer_tls_stop(&server);

        snprintf(words, sizeof words, "%s -nocert -psk " KEY " -cipher ALL" WEAK, versions[i]);
        serve_psk(words);
        board.tls.kinds = IOT_TLS_PSK | IOT_TLS_PLATFORM;
        peer_trust_refused(&one, IOT_ERR_TLS_VERSION, MBEDTLS_BAD_PROTOCOL_VERSION);
        peer_tls_stop(&server);
    }
}

static void a_server_with_tls_1_3_alone_is_met_as_far_as_we_speak_it(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, "-tls1_3");
#if IOT_FEATURE_TLS_13
    expect_accepted("CIPHER is TLS_AES");
#else
    peer_trust_refused(&one, IOT_ERR_TLS_VERSION, ALERT_PROTOCOL_VERSION);
#endif
}

static void each_suite_of_the_usual_kinds_is_spoken(void **state)
{
    static const struct {
        enum peer_cert_id cert;
        const char *suite;
    } suites[] = {
        {CERT_EC_GOOD, "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {CERT_EC_GOOD, "ECDHE-ECDSA-AES256-GCM-SHA384"},
        {CERT_EC_GOOD, "ECDHE-ECDSA-AES128-CCM"},
        {CERT_RSA_GOOD, "ECDHE-RSA-AES128-GCM-SHA256"},
        {CERT_RSA_GOOD, "ECDHE-RSA-AES256-GCM-SHA384"},
    };
    char words[64];
    (void)state;

    for (size_t i = 0; i < COUNT(suites); i++) {
        snprintf(words, sizeof words, "-cipher %s", suites[i].suite);
        serve(suites[i].cert, words);
        expect_accepted(suites[i].suite);
        peer_tls_stop(&server);
    }
}

static void a_server_with_rsa_key_exchange_alone_needs_the_platform_kind(void **state)
{
    (void)state;
    serve(CERT_RSA_GOOD, "-cipher kRSA" WEAK);
    peer_trust_refused(&one, IOT_ERR_TLS_KIND, ALERT_HANDSHAKE_FAILURE);
    again();
    board.tls.kinds = IOT_TLS_PLATFORM;
    expect_accepted("CIPHER is AES");
    assert_true(peer_trust_busy(&one) > 0);
}

static void a_server_with_cbc_alone_needs_the_platform_kind(void **state)
{
    static const char *const suites[] = {"AES128-SHA256", "AES256-SHA256"};
    char words[64];
    (void)state;

    for (size_t i = 0; i < COUNT(suites); i++) {
        snprintf(words, sizeof words, "-cipher %s" WEAK, suites[i]);
        serve(CERT_RSA_GOOD, words);
        peer_trust_refused(&one, IOT_ERR_TLS_KIND, ALERT_HANDSHAKE_FAILURE);
        again();
        board.tls.kinds = IOT_TLS_KINDS_DEFAULT | IOT_TLS_PLATFORM;
        expect_accepted(suites[i]);
        peer_tls_stop(&server);
    }
}

static void with_the_platform_kind_better_suites_are_still_taken_first(void **state)
{
    (void)state;
    serve(CERT_RSA_GOOD, "-cipher ALL" WEAK);
    board.tls.kinds = IOT_TLS_KINDS_DEFAULT | IOT_TLS_PLATFORM;
    expect_accepted("ECDHE-RSA-AES128-GCM-SHA256");
}

static void kinds_above_the_options_are_refused(void **state)
{
    static const struct {
        enum peer_cert_id cert;
        uint32_t kinds;
    } pairs[] = {{CERT_RSA_GOOD, IOT_TLS_ECDHE_ECDSA}, {CERT_EC_GOOD, IOT_TLS_ECDHE_RSA}};
    (void)state;

    for (size_t i = 0; i < COUNT(pairs); i++) {
        serve(pairs[i].cert, NULL);
        board.tls.kinds = pairs[i].kinds;
        peer_trust_refused(&one, IOT_ERR_TLS_KIND, ALERT_HANDSHAKE_FAILURE);
        peer_tls_stop(&server);
    }
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_tls_start_bare(&server, "-nocert -psk " KEY);
    again();
    peer_trust_refused(&one, IOT_ERR_TLS_KIND, ALERT_HANDSHAKE_FAILURE);
}

static void nothing_is_offered_that_the_options_do_not_allow(void **state)
{
    static const struct {
        uint16_t suite;
        uint32_t kinds; /* all of them, for it to be offered */
    } suites[] = {
        {0xc02b, IOT_TLS_ECDHE_ECDSA}, {0xc02f, IOT_TLS_ECDHE_RSA},
        {0x009c, IOT_TLS_PLATFORM},    {0x003c, IOT_TLS_PLATFORM},
        {0x00a8, IOT_TLS_PSK},         {0x008c, IOT_TLS_PSK | IOT_TLS_PLATFORM},
        {0xc023, UINT32_MAX},          {0xc027, UINT32_MAX}, /* ECDHE with CBC */
        {0xc009, UINT32_MAX},          {0xc013, UINT32_MAX},
        {0x002c, UINT32_MAX},          {0x0005, UINT32_MAX}, /* no cipher, RC4 */
    };
    (void)state;

    serve(CERT_EC_GOOD, NULL);
    peer_relay_start(&relay, server.port);
    relay.mute_bytes = 0;
    for (uint32_t kinds = 1; kinds < 16; kinds++) {
        again();
        one.options.port = relay.port;
        offer_psk();
        board.tls.kinds = kinds;
        memset(board.secrets, 0, sizeof board.secrets);
        uint32_t accepted = relay.accepted;
        peer_begin(&one);
        UNTIL(relay.accepted > accepted && relay.up.records > 0);
        for (size_t i = 0; i < COUNT(suites); i++)
            if (peer_relay_offers(&relay, suites[i].suite) != ((suites[i].kinds & ~kinds) == 0))
                fail_msg("suite %04x with kinds %u", suites[i].suite, (unsigned)kinds);
        peer_trust_close(&one);
    }
}

static void the_server_is_asked_for_records_that_fit(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    peer_relay_start(&relay, server.port);
    one.options.port = relay.port;
    peer_trust_connect(&one);
    struct iot_bytes asked = peer_relay_extension(&relay, EXT_MAX_FRAGMENT);
#if IOT_TLS_RX_BYTES == 4096 && !IOT_FEATURE_TLS_13 /* mbedTLS cannot take the answer in TLS 1.3 */
    assert_int_equal(asked.len, 1);
    assert_int_equal(asked.ptr[0], 4);
#else
    (void)asked;
#endif
    assert_null(peer_relay_extension(&relay, EXT_SESSION_TICKET).ptr); /* no store: no tickets */
    peer_trust_close(&one);
}

/* With TLS 1.3 in the build nothing is sliced, and all of it is announced. */
static void what_takes_long_is_announced(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    board.tls.kinds = IOT_TLS_ECDHE_ECDSA;
    board.tls.ca_count = 1;
    expect_accepted("ECDHE-ECDSA");
    /* the certificates, which may be of any kind: not each slice of what is computed with them */
    assert_true(IOT_FEATURE_TLS_13 || peer_trust_busy(&one) <= 3);
    peer_tls_stop(&server);

    serve(CERT_RSA_GOOD, NULL);
    expect_accepted("ECDHE-RSA");
    assert_true(peer_trust_busy(&one) > 0);
    peer_tls_stop(&server);

    serve_psk("-nocert -psk " KEY);
    expect_accepted("PSK");
    assert_true(IOT_FEATURE_TLS_13 || peer_trust_busy(&one) == 0);
}

/* ---- Pre-shared keys --------------------------------------------------------------------- */

static void each_suite_with_a_pre_shared_key_is_spoken(void **state)
{
    static const char *const suites[] = {"PSK-AES128-GCM-SHA256", "PSK-AES128-CCM",
                                         "PSK-AES128-CCM8", "PSK-AES128-CBC-SHA"};
    char words[128];
    (void)state;

    for (size_t i = 0; i < COUNT(suites); i++) {
        snprintf(words, sizeof words, "-nocert -psk " KEY " -psk_hint x -cipher %s" WEAK,
                 suites[i]);
        serve_psk(words);
        if (strstr(suites[i], "CBC") != NULL)
            board.tls.kinds |= IOT_TLS_PLATFORM;
        expect_accepted(suites[i]);
        peer_tls_stop(&server);
    }
}

static void a_wrong_pre_shared_key_has_a_name(void **state)
{
    (void)state;
    serve_psk("-nocert -psk " KEY "00");
    peer_trust_refused(&one, IOT_ERR_TLS_PSK, ALERT_BAD_RECORD_MAC);
    assert_int_equal(server.greeted, 0);
}

static void an_unknown_identity_has_a_name(void **state)
{
    char dir[HOST_PATH_MAX], path[HOST_PATH_MAX], extra[HOST_PATH_MAX + 64];
    (void)state;

    assert_true(host_dir_make("psk", dir));
    peer_file_write(dir, "keys", "lamp-7:" KEY "\n", path);
    snprintf(extra, sizeof extra, "psk_file %s\npsk_hint x", path);
    peer_broker_start(&broker, 0, extra, NULL);
    peer_trust_prepare(&board, CERT_COUNT);
    peer_trust_device(&one, &board, "psk", broker.port);
    offer_psk();
    peer_trust_connect(&one);
    peer_trust_close(&one);

    peer_trust_device(&one, &board, "psk", broker.port);
    board.tls.psk_identity = BYTES("lamp-8");
    peer_trust_refused(&one, IOT_ERR_TLS_PSK, ALERT_UNKNOWN_PSK_IDENTITY);
    host_kill_mosquitto(&broker);
    host_dir_remove(dir);
}

static void a_key_beside_authorities_serves_whichever_the_server_wants(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, "-cipher ECDHE");
    offer_psk();
    board.tls.kinds |= IOT_TLS_KINDS_DEFAULT;
    expect_accepted("ECDHE-ECDSA");
    peer_tls_stop(&server);
    peer_tls_start_bare(&server, "-nocert -psk " KEY);
    again();
    expect_accepted("PSK");
}

/* ---- The device's own certificate -------------------------------------------------------- */

#define ASKS    "-verify 4"
#define INSISTS "-Verify 4 -verify_return_error"

static void insist(const char *how, enum peer_cert_id cert)
{
    char words[HOST_PATH_MAX + 64];

    snprintf(words, sizeof words, "%s -CAfile %s", how, peer_cert(CERT_EC_ROOT)->pem);
    serve(cert, words);
}

static void a_client_certificate_is_given_in_each_form_of_its_key(void **state)
{
    static const enum peer_cert_id certs[] = {CERT_CLIENT_EC, CERT_CLIENT_RSA};
    static const char *const subjects[] = {"device-ec", "device-rsa"};
    (void)state;

    insist(INSISTS, CERT_EC_GOOD);
    for (uint32_t i = 0; i < 4; i++) {
        again();
        memset(board.secrets, 0, sizeof board.secrets);
        peer_trust_client(&board, certs[i / 2]);
        board.tls.ca_count = 1; /* the elliptic one */
        if (i % 2 != 0)
            board.tls.key = peer_cert(certs[i / 2])->key_traditional;
        expect_accepted(subjects[i / 2]);
        assert_true(peer_trust_busy(&one) > 0);
    }
}

static void a_client_certificate_with_what_leads_to_its_root_fits(void **state)
{
    static struct iot_bytes chain[2];
    (void)state;

    insist(INSISTS, CERT_EC_GOOD);
    peer_trust_client(&board, CERT_CLIENT_EC);
    chain[0] = board.cert;
    chain[1] = peer_cert(CERT_EC_ROOT)->der;
    board.tls.cert = chain;
    board.tls.cert_count = 2;
    expect_accepted("device-ec");
}

static void a_client_certificate_that_is_missing_is_an_alert(void **state)
{
    (void)state;
    insist(INSISTS, CERT_EC_GOOD);
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, ALERT_HANDSHAKE_FAILURE);
    peer_tls_stop(&server);
    insist(ASKS, CERT_EC_GOOD); /* politely: it may be missing */
    expect_accepted("ECDHE-ECDSA");
}

static void a_client_certificate_of_a_stranger_is_an_alert(void **state)
{
    (void)state;
    insist(INSISTS, CERT_EC_GOOD);
    peer_trust_client(&board, CERT_CLIENT_STRANGE);
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, PEER_ANY);
    int32_t alert = peer_last(&one, IOT_EV_LOST)->detail;
    /* The strange authority has the name of the right one: to openssl the signature is wrong. */
    assert_true(alert == ALERT_UNKNOWN_CA || alert == ALERT_DECRYPT_ERROR);
}

static void a_key_of_another_certificate_is_an_alert(void **state)
{
    (void)state;
    insist(INSISTS, CERT_EC_GOOD);
    peer_trust_client(&board, CERT_CLIENT_EC);
    board.tls.key = peer_cert(CERT_CLIENT_LARGE)->key;
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, ALERT_DECRYPT_ERROR);
}

static void credentials_that_cannot_be_read_have_a_name(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        again();
        peer_trust_prepare(&board, CERT_EC_ROOT);
        peer_trust_client(&board, CERT_CLIENT_EC);
        if (i == 0)
            board.tls.key.len--;
        else if (i == 1)
            board.tls.key = BYTES("a key");
        else if (i == 2)
            board.cert.len--;
        else
            board.ca[0].len--;
        peer_trust_refused(&one, IOT_ERR_TLS_CREDENTIAL, PEER_ANY);
        assert_true(peer_last(&one, IOT_EV_LOST)->detail < 0);
    }
    assert_int_equal(peer_tls_said(&server, "CIPHER"), 0); /* the server never heard of it */
}

/* ---- ALPN -------------------------------------------------------------------------------- */

static void a_protocol_is_chosen_by_alpn(void **state)
{
    static const char *const protocols[] = {"x-other", "mqtt", NULL};
    (void)state;

    serve(CERT_EC_GOOD, "-alpn mqtt");
    board.tls.alpn = protocols;
    expect_accepted("ALPN protocols selected: mqtt");
    peer_tls_stop(&server);

    serve(CERT_EC_GOOD, NULL); /* knows nothing of it */
    board.tls.alpn = protocols;
    expect_accepted("ECDHE-ECDSA");
    peer_tls_stop(&server);

    serve(CERT_EC_GOOD, "-alpn http/1.1");
    board.tls.alpn = protocols;
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, ALERT_NO_APPLICATION_PROTOCOL);
    again();
    board.tls.alpn = NULL;
    expect_accepted("ECDHE-ECDSA");
}

/* ---- Options and the port ---------------------------------------------------------------- */

static void options_that_cannot_work_are_refused_at_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 9; i++) {
        peer_trust_prepare(&board, CERT_EC_ROOT);
        peer_trust_device(&one, &board, "options", 1);
        switch (i) {
        case 0:
            break;
        case 1:
            board.tls.arena = NULL;
            break;
        case 2:
            board.tls.arena = board.arena + 4;
            break;
        case 3:
            board.tls.arena_bytes = 0;
            break;
        case 4:
            board.tls.kinds = 16;
            break;
        case 5:
            board.tls.kinds = IOT_TLS_PSK; /* no key */
            break;
        case 6:
            peer_trust_client(&board, CERT_CLIENT_EC);
            board.tls.key = (struct iot_bytes){NULL, 0};
            break;
        case 7:
            board.tls.ca_count = 0;
            break;
        default:
            board.tls.ca = NULL;
        }
        print_message("  %u\n", (unsigned)i);
        assert_err(iot_device_init(&one.dev, &one.options), i == 0 ? IOT_OK : IOT_ERR_ARG);
    }
}

static void without_chance_there_is_no_handshake(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    board.random_breaks = true;
    peer_trust_refused(&one, IOT_ERR_RANDOM, PEER_ANY);
    assert_int_equal(peer_tls_said(&server, "CIPHER"), 0);

    again();
    board.random_breaks = false;
    board.random_again = 12; /* slow, not broken */
    expect_accepted("ECDHE-ECDSA");
    assert_int_equal(board.random_again, 0);
}

/* Nothing may be known without it, so nothing is tried. */
static void chance_that_never_comes_ends_by_name(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    board.random_again = UINT32_MAX;
    one.options.no_reconnect = true;
    peer_begin(&one);
    peer_trust_lost(&one, IOT_ERR_RANDOM, true);
    peer_trust_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUST_TEST(a_server_older_than_tls_1_2_is_refused),
        TRUST_TEST(a_server_with_tls_1_3_alone_is_met_as_far_as_we_speak_it),
        TRUST_TEST(each_suite_of_the_usual_kinds_is_spoken),
        TRUST_TEST(a_server_with_rsa_key_exchange_alone_needs_the_platform_kind),
        TRUST_TEST(a_server_with_cbc_alone_needs_the_platform_kind),
        TRUST_TEST(with_the_platform_kind_better_suites_are_still_taken_first),
        TRUST_TEST(kinds_above_the_options_are_refused),
        TRUST_TEST(nothing_is_offered_that_the_options_do_not_allow),
        TRUST_TEST(the_server_is_asked_for_records_that_fit),
        TRUST_TEST(what_takes_long_is_announced),
        TRUST_TEST(each_suite_with_a_pre_shared_key_is_spoken),
        TRUST_TEST(a_wrong_pre_shared_key_has_a_name),
        TRUST_TEST(an_unknown_identity_has_a_name),
        TRUST_TEST(a_key_beside_authorities_serves_whichever_the_server_wants),
        TRUST_TEST(a_client_certificate_is_given_in_each_form_of_its_key),
        TRUST_TEST(a_client_certificate_with_what_leads_to_its_root_fits),
        TRUST_TEST(a_client_certificate_that_is_missing_is_an_alert),
        TRUST_TEST(a_client_certificate_of_a_stranger_is_an_alert),
        TRUST_TEST(a_key_of_another_certificate_is_an_alert),
        TRUST_TEST(credentials_that_cannot_be_read_have_a_name),
        TRUST_TEST(a_protocol_is_chosen_by_alpn),
        TRUST_TEST(options_that_cannot_work_are_refused_at_once),
        TRUST_TEST(without_chance_there_is_no_handshake),
        TRUST_TEST(chance_that_never_comes_ends_by_name),
    };

    return cmocka_run_group_tests(tests, peer_trust_group_setup, peer_trust_group_teardown);
}
