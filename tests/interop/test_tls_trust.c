/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a device believes: certificates that are good, and each way in which one can be bad, from
 * openssl's server. What is refused has its name and its fault, has seen no byte of MQTT, and leaves
 * nothing in the arena. */
#include "peer_relay.h"
#include "peer_tls.h"
#include "peer_trust.h"

#include "host/host_net.h"

#define EXT_SERVER_NAME  0
#define ALERT_UNKNOWN_CA "alert unknown ca"

/* openssl itself refuses to use what is too weak, unless asked not to. */
#define WEAK "-cipher ALL:@SECLEVEL=0"

static struct peer_tls server, second;
static struct peer_relay relay;
static struct peer_device one, two;
static struct peer_trust board, other_board;

/* The next device: as the one before, but new. */
static void again(void)
{
    peer_trust_device(&one, &board, "trust", server.port);
}

static void serve(enum peer_cert_id cert, const char *words)
{
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_tls_start(&server, cert, words);
    again();
}

static void expect_accepted(void)
{
    peer_trust_connect(&one);
    peer_trust_close(&one);
}

static void expect_fault(int32_t faults)
{
    uint32_t greeted = server.greeted;

    peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, faults);
    assert_int_equal(server.greeted, greeted);
}

/* ---- Good ones --------------------------------------------------------------------------- */

static void an_elliptic_certificate_is_accepted(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    expect_accepted();
    assert_int_equal(peer_tls_said(&server, "CIPHER is ECDHE-ECDSA"), 1);
}

static void an_rsa_certificate_with_one_between_it_and_the_root_is_accepted(void **state)
{
    (void)state;
    serve(CERT_RSA_GOOD, NULL);
    peer_trust_prepare(&board, CERT_RSA_ROOT);
    expect_accepted();
    assert_int_equal(peer_tls_said(&server, "CIPHER is ECDHE-RSA"), 1);
}

static void the_right_one_of_several_authorities_is_found(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    peer_trust_prepare(&board, CERT_STRANGE_ROOT); /* of the same name */
    peer_trust_add(&board, CERT_RSA_ROOT);
    peer_trust_add(&board, CERT_EC_ROOT);
    expect_accepted();
}

static void a_certificate_that_is_trusted_itself_is_accepted(void **state)
{
    (void)state;
    serve(CERT_SELF, NULL);
    peer_trust_prepare(&board, CERT_SELF);
    expect_accepted();
    again();
    board.tls.server_name = "b.test.lwlink"; /* but only for its own name */
    expect_fault(IOT_TLS_FAULT_NAME);
    again();
    peer_trust_days(&board, PEER_LEAF_DAYS + 1); /* and in its own time */
    board.tls.server_name = NULL;
    expect_fault(IOT_TLS_FAULT_EXPIRED);
}

/* ---- Authorities ------------------------------------------------------------------------- */

static void an_authority_of_the_right_name_with_another_key_is_refused(void **state)
{
    (void)state;
    serve(CERT_STRANGE_GOOD, NULL);
    expect_fault(IOT_TLS_FAULT_CA);
    UNTIL(peer_tls_said(&server, ALERT_UNKNOWN_CA) != 0); /* and the server is told why */
}

static void an_unknown_authority_is_refused(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    peer_trust_prepare(&board, CERT_RSA_ROOT);
    expect_fault(IOT_TLS_FAULT_CA);
}

static void a_certificate_that_signed_itself_is_refused(void **state)
{
    (void)state;
    serve(CERT_SELF, NULL);
    expect_fault(IOT_TLS_FAULT_CA);
}

static void a_chain_without_its_middle_is_refused(void **state)
{
    char words[2 * HOST_PATH_MAX];
    const struct peer_cert *c = peer_cert(CERT_RSA_GOOD);
    (void)state;

    peer_trust_prepare(&board, CERT_RSA_ROOT);
    snprintf(words, sizeof words, "-cert %s -key %s", c->pem, c->key_pem);
    peer_tls_start_bare(&server, words);
    again();
    expect_fault(IOT_TLS_FAULT_CA);
}

static void a_certificate_of_an_ordinary_server_issues_no_others(void **state)
{
    (void)state;
    serve(CERT_EC_BY_LEAF, NULL);
    expect_fault(IOT_TLS_FAULT_CA);
}

/* Its signatures are right: were that exponent computed with, which takes hundreds of times as long, it would be
 * accepted. */
static void an_rsa_key_with_a_long_exponent_is_nobodys_authority(void **state)
{
    (void)state;
    serve(CERT_EC_BY_LONG, NULL);
    peer_trust_prepare(&board, CERT_RSA_ROOT);
    expect_fault(IOT_TLS_FAULT_CA);
    again();
    peer_trust_prepare(&board, CERT_RSA_LONG); /* not even if it is trusted */
    expect_fault(IOT_TLS_FAULT_CA);
}

/* The same name, the same key; each in either order. */
static void an_authority_that_was_renewed_may_stand_beside_the_old_one(void **state)
{
    static const enum peer_cert_id order[][2] = {{CERT_EC_ROOT_OLD, CERT_EC_ROOT},
                                                 {CERT_EC_ROOT, CERT_EC_ROOT_OLD}};
    (void)state;

    serve(CERT_EC_GOOD, NULL);
    for (int knows = 0; knows <= 1; knows++)
        for (size_t i = 0; i < COUNT(order); i++) {
            peer_trust_prepare(&board, order[i][0]);
            peer_trust_add(&board, order[i][1]);
            again();
            peer_trust_days(&board, PEER_BRIEF_DAYS + 1);
            if (!knows) { /* but what must have passed */
                board.knows_time = false;
                board.tls.min_wall_s = board.now_s;
            }
            expect_accepted();
        }
    peer_trust_prepare(&board, CERT_EC_ROOT_OLD); /* alone it has had its time */
    again();
    expect_accepted();
    again();
    peer_trust_days(&board, PEER_BRIEF_DAYS + 1);
    expect_fault(IOT_TLS_FAULT_EXPIRED);
}

static void without_an_authority_there_is_no_device(void **state)
{
    (void)state;
    peer_trust_prepare(&board, CERT_COUNT);
    peer_trust_device(&one, &board, "nobody", 1);
    assert_err(iot_device_init(&one.dev, &one.options), IOT_ERR_ARG);
}

/* Each has an authority of its own, and both are at work at once. */
static void two_devices_with_different_authorities_refuse_each_others_servers(void **state)
{
    (void)state;
    peer_tls_start(&server, CERT_EC_GOOD, NULL);
    peer_tls_start(&second, CERT_STRANGE_GOOD, NULL);
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_trust_prepare(&other_board, CERT_STRANGE_ROOT);

    for (uint32_t crossed = 0; crossed < 2; crossed++) {
        peer_trust_device(&one, &board, "cross-one", crossed ? second.port : server.port);
        peer_trust_device(&two, &other_board, "cross-two", crossed ? server.port : second.port);
        one.options.no_reconnect = two.options.no_reconnect = true;
        peer_begin(&one);
        peer_begin(&two);
        if (crossed) {
            UNTIL(one.kinds[IOT_EV_LOST] == 1 && two.kinds[IOT_EV_LOST] == 1);
            assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_TLS_VERIFY);
            assert_err(peer_last(&two, IOT_EV_LOST)->err, IOT_ERR_TLS_VERIFY);
            assert_int_equal(peer_last(&one, IOT_EV_LOST)->detail, IOT_TLS_FAULT_CA);
            assert_int_equal(peer_last(&two, IOT_EV_LOST)->detail, IOT_TLS_FAULT_CA);
        } else {
            UNTIL(iot_device_connected(&one.dev) && iot_device_connected(&two.dev));
            assert_true(peer_trust_memory(&one).used > 0 && peer_trust_memory(&two).used > 0);
        }
        peer_trust_close(&one);
        peer_trust_close(&two);
    }
}

/* ---- Names ------------------------------------------------------------------------------- */

static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    serve(CERT_EC_OTHER, NULL);
    expect_fault(IOT_TLS_FAULT_NAME);
    again();
    board.tls.server_name = "b.test.lwlink"; /* unless it is that one who is wanted */
    expect_accepted();
}

static void a_common_name_is_no_name(void **state)
{
    static const enum peer_cert_id certs[] = {CERT_EC_CN_ONLY, CERT_EC_CN_RIGHT};
    (void)state;

    for (size_t i = 0; i < COUNT(certs); i++) {
        serve(certs[i], NULL);
        expect_fault(IOT_TLS_FAULT_NAME);
        peer_tls_stop(&server);
    }
}

static void a_wildcard_is_one_whole_label_and_no_more(void **state)
{
    static const struct {
        const char *name;
        bool fits;
    } names[] = {
        {"a.test.lwlink", true},    {"another.test.lwlink", true}, {"A.Test.LWLINK", true},
        {"x.y.test.lwlink", false}, {"test.lwlink", false},        {".test.lwlink", false},
        {"a.test.lwlink.x", false}, {"atest.lwlink", false},
    };
    (void)state;

    serve(CERT_EC_WILD, NULL);
    for (size_t i = 0; i < COUNT(names); i++) {
        print_message("  %s\n", names[i].name);
        again();
        board.tls.server_name = names[i].name;
        if (names[i].fits)
            expect_accepted();
        else
            expect_fault(IOT_TLS_FAULT_NAME);
    }
}

static void a_wildcard_within_a_label_is_refused(void **state)
{
    (void)state;
    serve(CERT_EC_PARTIAL, NULL);
    expect_fault(IOT_TLS_FAULT_NAME);
    again();
    board.tls.server_name = "abc.test.lwlink";
    expect_fault(IOT_TLS_FAULT_NAME);
}

static bool hello_names(const char *name)
{
    struct iot_bytes sni = peer_relay_extension(&relay, EXT_SERVER_NAME);
    size_t n = strlen(name);

    /* length of the list, type, length of the name (RFC 6066, section 3) */
    return sni.ptr != NULL && sni.len == n + 5 && memcmp(sni.ptr + 5, name, n) == 0;
}

static void the_server_is_told_whom_we_want(void **state)
{
    (void)state;
    serve(CERT_EC_WILD, NULL);
    peer_relay_start(&relay, server.port);
    one.options.port = relay.port;
    expect_accepted();
    assert_true(hello_names(PEER_NAME));

    again();
    one.options.port = relay.port;
    board.tls.server_name = "elsewhere.test.lwlink";
    expect_accepted();
    assert_true(hello_names("elsewhere.test.lwlink"));
}

static void an_address_is_looked_up_in_the_certificate_and_not_sent(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    peer_relay_start(&relay, server.port);
    one.options.host = host_reachable(peer_loopback);
    one.options.port = relay.port;
    expect_accepted();
    assert_null(peer_relay_extension(&relay, EXT_SERVER_NAME).ptr);

    again();
    board.tls.server_name = "10.0.2.3";
    expect_fault(IOT_TLS_FAULT_NAME);
}

static void a_name_alone_does_not_do_for_an_address(void **state)
{
    static const enum peer_cert_id certs[] = {CERT_EC_ADDRESS, CERT_EC_URI, CERT_EC_OTHER};
    static const char *const addresses[] = {"127.0.0.1", "10.0.2.2"};
    (void)state;

    for (size_t i = 0; i < COUNT(certs); i++) {
        serve(certs[i], NULL);
        one.options.host = host_reachable(peer_loopback);
        expect_fault(IOT_TLS_FAULT_NAME);
        for (size_t k = 0; k < COUNT(addresses); k++) {
            again();
            board.tls.server_name = addresses[k];
            expect_fault(IOT_TLS_FAULT_NAME);
        }
        peer_tls_stop(&server);
    }
}

static void a_uri_is_no_name(void **state)
{
    (void)state;
    serve(CERT_EC_URI, NULL);
    expect_fault(IOT_TLS_FAULT_NAME);
}

/* ---- Dates ------------------------------------------------------------------------------- */

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    peer_trust_days(&board, PEER_LEAF_DAYS - 1);
    expect_accepted();
    again();
    peer_trust_days(&board, PEER_LEAF_DAYS + 1);
    expect_fault(IOT_TLS_FAULT_EXPIRED);
}

static void a_certificate_that_is_not_yet_valid_is_refused(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    peer_trust_days(&board, -1);
    expect_fault(IOT_TLS_FAULT_NOT_YET);
}

static void an_expired_certificate_in_the_middle_is_refused(void **state)
{
    (void)state;
    serve(CERT_RSA_GOOD, NULL);
    peer_trust_prepare(&board, CERT_RSA_ROOT);
    peer_trust_days(&board, PEER_MIDDLE_DAYS - 1);
    expect_accepted();
    again();
    peer_trust_days(&board, PEER_MIDDLE_DAYS + 1);
    expect_fault(IOT_TLS_FAULT_EXPIRED);
}

static void all_faults_of_a_certificate_are_told_at_once(void **state)
{
    (void)state;
    serve(CERT_STRANGE_GOOD, NULL);
    peer_trust_days(&board, PEER_LEAF_DAYS + 1);
    board.tls.server_name = "b.test.lwlink";
    expect_fault(IOT_TLS_FAULT_CA | IOT_TLS_FAULT_NAME | IOT_TLS_FAULT_EXPIRED);
}

static void without_time_the_end_is_held_against_what_must_have_passed(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    board.knows_time = false;
    expect_accepted();
    assert_null(peer_trust_kv(&board, "iot-time"));

    again();
    board.tls.min_wall_s = peer_certs_made_s() + (PEER_LEAF_DAYS - 1) * PEER_DAY_S;
    expect_accepted();
    again();
    board.tls.min_wall_s = peer_certs_made_s() + (PEER_LEAF_DAYS + 1) * PEER_DAY_S;
    expect_fault(IOT_TLS_FAULT_EXPIRED);
    again();
    board.tls.min_wall_s =
        peer_certs_made_s() - 1000 * PEER_DAY_S; /* nothing is known of its begin */
    expect_accepted();
}

static void a_port_without_a_clock_is_one_that_does_not_know_the_time(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    board.port.wall = NULL;
    board.tls.min_wall_s = peer_certs_made_s();
    expect_accepted();
    again();
    board.tls.min_wall_s = peer_certs_made_s() + (PEER_LEAF_DAYS + 1) * PEER_DAY_S;
    expect_fault(IOT_TLS_FAULT_EXPIRED);
}

static void trusted_time_is_remembered_over_a_reboot(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    peer_trust_days(&board, PEER_BRIEF_DAYS + 1);
    expect_accepted();

    peer_tls_stop(&server);
    peer_tls_start(&server, CERT_EC_BRIEF, NULL);
    again();
    board.knows_time = false;
    expect_fault(IOT_TLS_FAULT_EXPIRED);

    memset(board.kv, 0, sizeof board.kv); /* another board, which never knew */
    again();
    expect_accepted();
}

static void when_time_becomes_known_a_link_with_good_dates_stays(void **state)
{
    (void)state;
    serve(CERT_EC_GOOD, NULL);
    board.knows_time = false;
    peer_trust_connect(&one);
    peer_trust_days(&board, 1);
    peer_pass_fast(50000);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    peer_trust_close(&one);
}

static void when_time_becomes_known_a_link_with_bad_dates_is_dropped(void **state)
{
    static const int64_t days[] = {PEER_LEAF_DAYS + 1, -1};
    (void)state;

    for (size_t i = 0; i < COUNT(days); i++) {
        serve(CERT_EC_GOOD, NULL);
        one.options.no_reconnect = true;
        board.knows_time = false;
        peer_trust_connect(&one);
        peer_pass_fast(15000);
        assert_int_equal(one.kinds[IOT_EV_LOST], 0);
        peer_trust_days(&board, days[i]);
        int32_t fault = peer_trust_lost(&one, IOT_ERR_TLS_VERIFY, true);
        assert_int_equal(fault, i == 0 ? IOT_TLS_FAULT_EXPIRED : IOT_TLS_FAULT_NOT_YET);
        peer_trust_close(&one);
        peer_tls_stop(&server);
    }
}

/* ---- What a certificate is for, and how well it is made ---------------------------------- */

static void a_certificate_for_clients_only_is_refused(void **state)
{
    (void)state;
    serve(CERT_EC_CLIENT_USE, NULL);
    expect_fault(IOT_TLS_FAULT_USAGE);
}

static void a_key_that_may_not_sign_is_refused(void **state)
{
    (void)state;
    serve(CERT_RSA_NO_SIGN, NULL);
    expect_fault(IOT_TLS_FAULT_USAGE);
}

static void a_short_key_is_refused(void **state)
{
    (void)state;
    serve(CERT_RSA_WEAK, WEAK);
    expect_fault(IOT_TLS_FAULT_KEY);
}

static void a_signature_with_sha1_is_refused(void **state)
{
    (void)state;
    serve(CERT_EC_SHA1, WEAK);
    expect_fault(IOT_TLS_FAULT_DIGEST);
}

static void each_fault_has_a_name_and_a_line_of_advice(void **state)
{
    (void)state;
    for (int32_t bit = IOT_TLS_FAULT_CA; bit <= IOT_TLS_FAULT_OTHER; bit *= 2) {
        assert_string_not_equal(iot_err_detail_name(IOT_ERR_TLS_VERIFY, bit), "");
        assert_string_not_equal(iot_err_detail_text(IOT_ERR_TLS_VERIFY, bit), "");
    }
    assert_string_equal(iot_err_detail_name(IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED), "EXPIRED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUST_TEST(an_elliptic_certificate_is_accepted),
        TRUST_TEST(an_rsa_certificate_with_one_between_it_and_the_root_is_accepted),
        TRUST_TEST(the_right_one_of_several_authorities_is_found),
        TRUST_TEST(a_certificate_that_is_trusted_itself_is_accepted),
        TRUST_TEST(an_authority_of_the_right_name_with_another_key_is_refused),
        TRUST_TEST(an_unknown_authority_is_refused),
        TRUST_TEST(a_certificate_that_signed_itself_is_refused),
        TRUST_TEST(a_chain_without_its_middle_is_refused),
        TRUST_TEST(a_certificate_of_an_ordinary_server_issues_no_others),
        TRUST_TEST(an_rsa_key_with_a_long_exponent_is_nobodys_authority),
        TRUST_TEST(an_authority_that_was_renewed_may_stand_beside_the_old_one),
        TRUST_TEST(without_an_authority_there_is_no_device),
        TRUST_TEST(two_devices_with_different_authorities_refuse_each_others_servers),
        TRUST_TEST(a_certificate_for_another_name_is_refused),
        TRUST_TEST(a_common_name_is_no_name),
        TRUST_TEST(a_wildcard_is_one_whole_label_and_no_more),
        TRUST_TEST(a_wildcard_within_a_label_is_refused),
        TRUST_TEST(the_server_is_told_whom_we_want),
        TRUST_TEST(an_address_is_looked_up_in_the_certificate_and_not_sent),
        TRUST_TEST(a_name_alone_does_not_do_for_an_address),
        TRUST_TEST(a_uri_is_no_name),
        TRUST_TEST(an_expired_certificate_is_refused),
        TRUST_TEST(a_certificate_that_is_not_yet_valid_is_refused),
        TRUST_TEST(an_expired_certificate_in_the_middle_is_refused),
        TRUST_TEST(all_faults_of_a_certificate_are_told_at_once),
        TRUST_TEST(without_time_the_end_is_held_against_what_must_have_passed),
        TRUST_TEST(a_port_without_a_clock_is_one_that_does_not_know_the_time),
        TRUST_TEST(trusted_time_is_remembered_over_a_reboot),
        TRUST_TEST(when_time_becomes_known_a_link_with_good_dates_stays),
        TRUST_TEST(when_time_becomes_known_a_link_with_bad_dates_is_dropped),
        TRUST_TEST(a_certificate_for_clients_only_is_refused),
        TRUST_TEST(a_key_that_may_not_sign_is_refused),
        TRUST_TEST(a_short_key_is_refused),
        TRUST_TEST(a_signature_with_sha1_is_refused),
        TRUST_TEST(each_fault_has_a_name_and_a_line_of_advice),
    };

    return cmocka_run_group_tests(tests, peer_trust_group_setup, peer_trust_group_teardown);
}
