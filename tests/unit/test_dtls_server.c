/* SPDX-License-Identifier: Apache-2.0 */
/* The DTLS server that others are tested against, with a client of the same make: what it is believed to do it does. */
#include "test.h"

#include "certs.h"
#include "dtls_client.h"
#include "dtls_server.h"

#define CCM   0xC0A4
#define CCM_8 0xC0A8
#define GCM   0x00A8
#define ECDSA 0xC0AE /* ..._WITH_AES_128_CCM_8 */

#define UNKNOWN_PSK_IDENTITY 115
#define HANDSHAKE_FAILURE    40
#define BAD_CERTIFICATE      42

#define HERE  1u /* where the client is */
#define THERE 2u

static struct dtls_server *server;
static struct dtls_client *client;
static iot_time now;
static uint32_t client_at;
static uint32_t sent, lose, largest; /* datagrams of both; the one that is lost, from 1 */
static uint8_t kept[DTLS_SERVER_DATAGRAM_MAX];
static uint32_t kept_len; /* the last one to the server */

static struct dtls_server_options server_options(void)
{
    return (struct dtls_server_options){
        .cookie = true,
        .psk = BYTES("a key of 16 byte"),
        .identity = BYTES("lamp"),
        .seed = 7,
    };
}

static struct dtls_client_options client_options(void)
{
    return (struct dtls_client_options){
        .psk = BYTES("a key of 16 byte"),
        .identity = BYTES("lamp"),
        .seed = 7,
    };
}

static void make(const struct dtls_server_options *s, const struct dtls_client_options *c)
{
    server = dtls_server_create(s);
    client = dtls_client_create(c);
    assert_non_null(server);
    assert_non_null(client);
    now = 5;
    client_at = HERE;
    sent = lose = largest = 0;
}

static int teardown(void **state)
{
    (void)state;
    dtls_server_destroy(server);
    dtls_client_destroy(client);
    server = NULL;
    client = NULL;
    return dtls_server_memory() == 0 ? 0 : -1;
}

/* Carry what there is. False: nothing. */
static bool carry(void)
{
    static uint8_t d[DTLS_SERVER_DATAGRAM_MAX];
    uint32_t n, to;
    bool any = false;

    while ((n = dtls_client_out(client, d, sizeof d)) != 0) {
        any = true;
        memcpy(kept, d, kept_len = n);
        if (n > largest)
            largest = n;
        if (++sent != lose)
            dtls_server_feed(server, client_at, guarded((struct iot_bytes){d, n}), now);
    }
    while ((n = dtls_server_out(server, &to, d, sizeof d)) != 0) {
        any = true;
        if (n > largest)
            largest = n;
        if (++sent != lose && to == client_at)
            dtls_client_feed(client, guarded((struct iot_bytes){d, n}), now);
    }
    return any;
}

/* Until nothing happens any more, in at most ten minutes. */
static void settle(void)
{
    iot_time end = now + 600000;

    while (now < end) {
        while (carry())
            ;
        iot_time s = dtls_server_tick(server, now), c = dtls_client_tick(client, now);
        iot_time next = s < c ? s : c;
        if (carry())
            continue;
        if (next == DTLS_SERVER_NEVER)
            return;
        now = next > now ? next : now + 1;
    }
    fail_msg("it does not come to an end");
}

static struct dtls_server_info at_server(uint32_t address)
{
    struct dtls_server_info info;

    assert_true(dtls_server_info(server, address, &info));
    return info;
}

static struct dtls_server_info at_client(void)
{
    struct dtls_server_info info;

    dtls_client_info(client, &info);
    return info;
}

static void assert_both_ways(void)
{
    uint8_t got[64];
    uint32_t n, from;

    assert_true(dtls_client_write(client, BYTES("up")));
    carry();
    assert_true(dtls_server_read(server, &from, got, sizeof got, &n));
    assert_int_equal(from, client_at);
    assert_bytes(((struct iot_bytes){got, n}), BYTES("up"));
    assert_true(dtls_server_write(server, client_at, BYTES("down")));
    carry();
    assert_true(dtls_client_read(client, got, sizeof got, &n));
    assert_bytes(((struct iot_bytes){got, n}), BYTES("down"));
    assert_false(dtls_server_read(server, &from, got, sizeof got, &n));
    assert_false(dtls_client_read(client, got, sizeof got, &n));
}

static void connect_up(bool resume)
{
    dtls_client_open(client, resume, now);
    settle();
    assert_true(dtls_server_up(server, client_at));
    assert_true(at_client().up);
    assert_both_ways();
}

static void a_key_opens_and_the_suite_is_the_best_of_both(void **state)
{
    static const int suites[][2] = {{CCM_8, 0}, {CCM, 0}, {GCM, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(suites); i++) {
        struct dtls_server_options s = server_options();
        struct dtls_client_options c = client_options();
        c.suites = suites[i];
        make(&s, &c);
        connect_up(false);
        assert_int_equal(at_server(HERE).suite, suites[i][0]);
        assert_int_equal(at_client().suite, suites[i][0]);
        assert_false(at_server(HERE).cid);
        assert_int_equal(dtls_server_counts(server).cookies, 1);
        assert_int_equal(teardown(NULL), 0);
    }
}

static void without_cookies_it_asks_for_none(void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    s.cookie = false;
    make(&s, &c);
    connect_up(false);
    assert_int_equal(dtls_server_counts(server).cookies, 0);
    assert_int_equal(dtls_server_counts(server).handshakes, 1);
}

static void certificates_of_both_sides_are_looked_at(void **state)
{
    static const int suites[] = {ECDSA, 0};
    struct dtls_server_options s = {
        .cookie = true, .cert = cert_edge, .key = cert_key, .ca = cert_ca, .suites = suites};
    struct dtls_client_options c = {
        .ca = cert_ca, .cert = cert_far, .key = cert_key, .name = "a.example"};

    (void)state;
    make(&s, &c);
    connect_up(false);
    assert_int_equal(at_server(HERE).suite, ECDSA);
    assert_int_equal(teardown(NULL), 0);

    c.cert.len = 0; /* it has none */
    make(&s, &c);
    dtls_client_open(client, false, now);
    settle();
    assert_false(dtls_server_up(server, HERE));
    assert_int_equal(at_client().alert, HANDSHAKE_FAILURE);
    assert_int_equal(teardown(NULL), 0);

    c.name = "b.example"; /* the server's is for another */
    s.ca.len = 0;
    make(&s, &c);
    dtls_client_open(client, false, now);
    settle();
    assert_false(at_client().up);
    assert_int_equal(at_server(HERE).alert, BAD_CERTIFICATE);
    assert_int_equal(dtls_server_counts(server).failures, 1);
}

static void a_wrong_identity_or_key_ends_with_an_alert(void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    c.identity = BYTES("lump");
    make(&s, &c);
    dtls_client_open(client, false, now);
    settle();
    assert_int_equal(at_client().alert, UNKNOWN_PSK_IDENTITY);
    assert_int_equal(dtls_server_counts(server).failures, 1);
    assert_int_equal(teardown(NULL), 0);

    c = client_options();
    c.psk = BYTES("a key of 16 bytf");
    make(&s, &c);
    dtls_client_open(client, false, now);
    settle();
    assert_false(at_client().up);
    assert_false(dtls_server_up(server, HERE));
    assert_int_equal(dtls_server_counts(server).handshakes, 0);
}

static void nothing_in_common_is_a_failure(void **state)
{
    static const int one[] = {CCM, 0}, other[] = {GCM, 0};
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    s.suites = one;
    c.suites = other;
    make(&s, &c);
    dtls_client_open(client, false, now);
    settle();
    assert_int_equal(at_client().alert, HANDSHAKE_FAILURE);
}

static void each_datagram_may_be_lost(void **state)
{
    struct dtls_server_options s = {
        .cookie = true, .cert = cert_edge, .key = cert_key, .ca = cert_ca, .mtu = 300};
    struct dtls_client_options c = {
        .ca = cert_ca, .cert = cert_far, .key = cert_key, .name = "a.example", .mtu = 300};
    uint32_t all = 0, flights = 0;

    (void)state;
    for (uint32_t i = 0; i <= all; i++) {
        make(&s, &c);
        lose = i;
        connect_up(false);
        if (i == 0)
            all = sent - 2; /* those of the handshake */
        assert_in_range(largest, 200, 300);
        assert_true(i == 0 || now >= 1000);
        flights += at_server(HERE).flights;
        assert_int_equal(teardown(NULL), 0);
    }
    assert_true(all >= 10);
    assert_true(flights > 0); /* some were the server's to repeat */
}

static void a_session_is_taken_up_again_until_it_is_forgotten(void **state)
{
    static const enum dtls_server_resume how[] = {DTLS_SERVER_RESUME_NOT, DTLS_SERVER_RESUME_TICKET,
                                                  DTLS_SERVER_RESUME_ID};

    (void)state;
    for (size_t i = 0; i < COUNT(how); i++) {
        struct dtls_server_options s = server_options();
        struct dtls_client_options c = client_options();
        s.resume = how[i];
        make(&s, &c);
        connect_up(false);
        assert_false(at_server(HERE).resumed);
        dtls_client_close(client);
        carry();
        assert_true(at_server(HERE).closed);
        assert_int_equal(at_server(HERE).error, 0);
        connect_up(true);
        assert_int_equal(at_server(HERE).resumed, how[i] != DTLS_SERVER_RESUME_NOT);
        assert_int_equal(dtls_server_counts(server).resumptions, how[i] != DTLS_SERVER_RESUME_NOT);
        dtls_server_forget(server);
        connect_up(true);
        assert_false(at_server(HERE).resumed);
        assert_int_equal(teardown(NULL), 0);
    }
}

static void after_a_restart_records_mean_nothing_to_it(void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    make(&s, &c);
    connect_up(false);
    dtls_server_forget(server);
    assert_true(dtls_client_write(client, BYTES("who?")));
    carry();
    assert_int_equal(dtls_server_counts(server).lost, 1);
    struct dtls_server_info info;
    assert_false(dtls_server_info(server, HERE, &info));
    connect_up(false);
}

static void a_client_that_starts_again_at_its_address_is_let_in_when_its_cookie_is_right(
    void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    make(&s, &c);
    connect_up(false);
    connect_up(false);
    assert_int_equal(dtls_server_counts(server).handshakes, 2);
}

static void connection_ids_of_every_length_follow_the_client(void **state)
{
    (void)state;
    for (uint8_t n = 0; n <= 8; n++) {
        struct dtls_server_options s = server_options();
        struct dtls_client_options c = client_options();
        s.cid = c.cid = true;
        s.cid_len = n;
        c.cid_len = (uint8_t)(8 - n);
        make(&s, &c);
        connect_up(false);
        assert_true(at_server(HERE).cid);
        assert_int_equal(at_server(HERE).cid_out, 8 - n);
        assert_int_equal(at_client().cid_out, n);
        client_at = THERE;
        if (n == 0) { /* nothing tells whose it is */
            assert_true(dtls_client_write(client, BYTES("up")));
            carry();
            assert_int_equal(dtls_server_counts(server).lost, 1);
            assert_true(dtls_server_up(server, HERE));
        } else {
            assert_both_ways();
            assert_int_equal(at_server(THERE).moved, 1);
            assert_false(dtls_server_up(server, HERE));
            client_at = HERE;
            assert_both_ways();
            assert_int_equal(dtls_server_counts(server).moves, 2);
        }
        assert_int_equal(teardown(NULL), 0);
    }
}

static void only_a_newer_record_that_is_genuine_moves_it(void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();
    uint8_t got[64], old[sizeof kept];
    uint32_t from, n, old_len;

    (void)state;
    s.cid = c.cid = true;
    s.cid_len = 4;
    make(&s, &c);
    connect_up(false);

    dtls_server_feed(server, THERE, (struct iot_bytes){kept, kept_len}, now); /* seen before */
    kept[kept_len - 1] ^= 1;
    kept[10] = (uint8_t)(kept[10] + 9); /* newer, but nobody made it */
    dtls_server_feed(server, THERE, (struct iot_bytes){kept, kept_len}, now);
    assert_false(dtls_server_read(server, &from, got, sizeof got, &n));
    assert_true(dtls_server_up(server, HERE));

    /* Late, from where the client was: it is read, and changes nothing. */
    assert_true(dtls_client_write(client, BYTES("late")));
    old_len = dtls_client_out(client, old, sizeof old);
    assert_true(old_len != 0);
    client_at = THERE;
    assert_both_ways();
    dtls_server_feed(server, HERE, (struct iot_bytes){old, old_len}, now);
    assert_true(dtls_server_read(server, &from, got, sizeof got, &n));
    assert_bytes(((struct iot_bytes){got, n}), BYTES("late"));
    assert_true(dtls_server_up(server, THERE));
    assert_false(dtls_server_up(server, HERE));
    assert_int_equal(dtls_server_counts(server).moves, 1);
}

static void without_a_connection_id_another_address_is_a_stranger(void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    s.cid = true; /* but nobody offers one */
    s.cid_len = 8;
    make(&s, &c);
    connect_up(false);
    assert_false(at_server(HERE).cid);
    client_at = THERE;
    assert_true(dtls_client_write(client, BYTES("up")));
    carry();
    assert_int_equal(dtls_server_counts(server).lost, 1);
    assert_true(dtls_server_up(server, HERE));
}

static void it_says_goodbye(void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    make(&s, &c);
    connect_up(false);
    dtls_server_close(server, HERE);
    assert_false(dtls_server_up(server, HERE));
    carry();
    assert_true(at_client().closed);
}

static void the_one_that_was_silent_longest_makes_room(void **state)
{
    struct dtls_server_options s = server_options();
    struct dtls_client_options c = client_options();

    (void)state;
    make(&s, &c);
    for (uint32_t i = 1; i <= DTLS_SERVER_PEERS_MAX; i++) {
        client_at = i;
        now++;
        connect_up(false);
    }
    client_at = 100;
    now++;
    connect_up(false);
    assert_false(dtls_server_up(server, 1));
    assert_true(dtls_server_up(server, 2));
}

static void options_that_cannot_be_are_refused(void **state)
{
    struct dtls_server_options s = server_options();

    (void)state;
    s.cid = true;
    s.cid_len = 9;
    assert_null(dtls_server_create(&s));
    s = (struct dtls_server_options){.cert = cert_edge, .key = cert_ca};
    assert_null(dtls_server_create(&s));
    assert_int_equal(dtls_server_memory(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_key_opens_and_the_suite_is_the_best_of_both, teardown),
        cmocka_unit_test_teardown(without_cookies_it_asks_for_none, teardown),
        cmocka_unit_test_teardown(certificates_of_both_sides_are_looked_at, teardown),
        cmocka_unit_test_teardown(a_wrong_identity_or_key_ends_with_an_alert, teardown),
        cmocka_unit_test_teardown(nothing_in_common_is_a_failure, teardown),
        cmocka_unit_test_teardown(each_datagram_may_be_lost, teardown),
        cmocka_unit_test_teardown(a_session_is_taken_up_again_until_it_is_forgotten, teardown),
        cmocka_unit_test_teardown(after_a_restart_records_mean_nothing_to_it, teardown),
        cmocka_unit_test_teardown(
            a_client_that_starts_again_at_its_address_is_let_in_when_its_cookie_is_right, teardown),
        cmocka_unit_test_teardown(connection_ids_of_every_length_follow_the_client, teardown),
        cmocka_unit_test_teardown(only_a_newer_record_that_is_genuine_moves_it, teardown),
        cmocka_unit_test_teardown(without_a_connection_id_another_address_is_a_stranger, teardown),
        cmocka_unit_test_teardown(it_says_goodbye, teardown),
        cmocka_unit_test_teardown(the_one_that_was_silent_longest_makes_room, teardown),
        cmocka_unit_test(options_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
