/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS handshakes with a server, in virtual time: what a network does to each single datagram of them. */
#include "test.h"

#include "certs.h"
#include "tls_dgram_world.h"

#define CCM_8       0xC0A8
#define ECDSA_CCM_8 0xC0AE

static struct dgram_world world, *const w = &world;

static int setup(void **state)
{
    (void)state;
    dworld_init(w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dworld_end(w);
    return 0;
}

static void a_key_opens(void **state)
{
    static const int suites[] = {CCM_8, 0};
    (void)state;
    w->sopt.suites = suites;
    dworld_connect(w);
    assert_string_equal(iot_dtls_suite(&w->dtls), "TLS-PSK-WITH-AES-128-CCM-8");
    assert_int_equal(dtls_server_counts(w->server).cookies, 1);
    dworld_talk(w);
    assert_int_equal(w->busy, 0);
    dworld_close(w);
}

static void a_certificate_opens(void **state)
{
    static const int suites[] = {ECDSA_CCM_8, 0};
    (void)state;
    w->sopt.suites = suites;
    dworld_by_certificate(w);
    dworld_connect(w);
    assert_string_equal(iot_dtls_suite(&w->dtls), "TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8");
    dworld_talk(w);
    assert_true(w->dtls.core.judged && w->dtls.core.doubtful);
    assert_int_equal(w->busy, 1); /* nobody knows beforehand what is in a chain */
    dworld_close(w);
}

static void our_own_certificate_is_shown(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    w->cert[0] = cert_far;
    w->opt.cert = w->cert;
    w->opt.cert_count = 1;
    w->opt.key = cert_key;
    w->sopt.ca = cert_ca;
    dworld_connect(w);
    dworld_talk(w);
    dworld_close(w);
}

/* ---- What a network does ----------------------------------------------------------------- */

enum way { BY_KEY, BY_CERT, BY_CERT_CUT, BY_TICKET, BY_ID, BY_KEY_NO_COOKIE, WAYS };

static void choose(enum way way)
{
    dworld_init(w);
    if (way == BY_CERT || way == BY_CERT_CUT) {
        dworld_by_certificate(w);
        w->cert[0] = cert_far;
        w->opt.cert = w->cert;
        w->opt.cert_count = 1;
        w->opt.key = cert_key;
        w->sopt.ca = cert_ca;
    }
    if (way == BY_CERT_CUT)
        w->dopt.mtu = w->sopt.mtu = 160;
    if (way == BY_TICKET || way == BY_ID) {
        w->opt.session_key = WORLD_SESSION;
        w->sopt.resume = way == BY_ID ? DTLS_SERVER_RESUME_ID : DTLS_SERVER_RESUME_TICKET;
        dworld_connect(w);
        dworld_talk(w);
        dworld_close(w);
    }
    w->sopt.cookie = way != BY_KEY_NO_COOKIE;
    w->dopt.cid = w->sopt.cid = way == BY_KEY || way == BY_CERT;
    w->sopt.cid_len = 4;
    w->count = 0;
}

/* The whole way, with one trick. Returns how many datagrams the handshake took. */
static uint32_t walk(enum way way, enum wire_trick trick, uint32_t at, uint32_t budget_ms)
{
    choose(way);
    w->trick = trick;
    w->trick_at = at;
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    iot_err err = dworld_run(w);
    if (err != IOT_OK)
        fail_msg("way %d, trick %d of datagram %u: %s", way, trick, (unsigned)at,
                 iot_err_name(err));
    uint32_t count = w->count;
    if (!dtls_server_up(w->server, w->address)) /* by a session our flight is the last */
        dworld_idle(w, 1500);
    if (w->now - began > budget_ms)
        fail_msg("way %d, trick %d of datagram %u: %u ms", way, trick, (unsigned)at,
                 (unsigned)(w->now - began));
    assert_true(dtls_server_up(w->server, w->address));
    assert_int_equal(iot_dtls_is_resumed(&w->dtls), false); /* a key shows no certificate */
    dworld_talk(w);
    dworld_close(w);
    struct dtls_server_counts counts = dtls_server_counts(w->server);
    assert_int_equal(counts.resumptions, way == BY_TICKET || way == BY_ID);
    dworld_end(w);
    return count;
}

static void try_each(enum wire_trick trick, uint32_t budget_ms)
{
    for (int way = 0; way < WAYS; way++) {
        uint32_t count = walk((enum way)way, WIRE_GOOD, 0, 1);
        print_message("way %d: %u datagrams\n", way, (unsigned)count);
        assert_true(count >= (way == BY_CERT_CUT ? 14u : 4u));
        for (uint32_t i = 1; i <= count; i++)
            walk((enum way)way, trick, i, budget_ms);
    }
}

static void each_datagram_may_be_lost(void **state)
{
    (void)state;
    try_each(WIRE_LOSE, 3500);
}

static void each_datagram_may_come_twice(void **state)
{
    (void)state;
    try_each(WIRE_DOUBLE, 1500);
}

static void each_datagram_may_be_overtaken(void **state)
{
    (void)state;
    try_each(WIRE_SWAP, 1500);
}

/* Two fatal alerts and a word of farewell, in plain text; records of no kind; of the right kind with nothing right in them,
 * in this epoch, and in the next. A datagram of one byte, and none. */
static void forgeries_change_nothing(void **state)
{
    static const struct iot_bytes forged[] = {
        {(const uint8_t *)"\x15\xfe\xfd\0\0\0\0\0\0\x7f\x01\0\x02\x02\x28", 15},
        {(const uint8_t *)"\x15\xfe\xfd\0\0\0\0\0\0\x7f\x02\0\x02\x02\x14", 15},
        {(const uint8_t *)"\x15\xfe\xfd\0\0\0\0\0\0\x7f\x03\0\x02\x01\x00", 15},
        {(const uint8_t *)"\x15\xfe\xfd\0\0\0\0\0\0\x7f\x04\0\x01\x02", 14},
        {(const uint8_t *)"\x15\xfe\xfd\0\0\0\0\0\0\x7f\x05\0\x00", 13},
        {(const uint8_t *)"\x63\xfe\xfd\0\0\0\0\0\0\x7f\x06\0\x02\x02\x28", 15},
        {(const uint8_t *)"\x17\xfe\xfd\0\0\0\0\0\0\x7f\x07\0\x02\x02\x28", 15},
        {(const uint8_t *)"\x16\xfe\xfd\0\x01\0\0\0\0\x7f\x08\0\x20"
                          "0123456789abcdef0123456789abcdef",
         45},
        {(const uint8_t *)"\x17\xfe\xfd\0\x01\0\0\0\0\x7f\x09\0\x20"
                          "0123456789abcdef0123456789abcdef",
         45},
        {(const uint8_t *)"\x19\xfe\xfd\0\x01\0\0\0\0\x7f\x09\0\x20"
                          "0123456789abcdef0123456789abcdef",
         45},
        {(const uint8_t *)"\x16\xfe\xfd\0\x01\0\0\0\0\x7f\x0a\xff\xff"
                          "0123",
         17},
        {(const uint8_t *)"\x16\xfe\xfd\0\x02\0\0\0\0\x7f\x0b\0\x04"
                          "0123",
         17},
        {(const uint8_t *)"\x16", 1},
        {(const uint8_t *)"", 0},
    };
    static const enum way ways[] = {BY_KEY, BY_CERT_CUT, BY_TICKET};
    (void)state;
    for (uint32_t k = 0; k < COUNT(ways); k++) {
        uint32_t count = walk(ways[k], WIRE_GOOD, 0, 1);
        for (uint32_t f = 0; f < COUNT(forged); f++)
            for (uint32_t i = 1; i <= count; i++) {
                choose(ways[k]);
                w->trick = WIRE_FORGE;
                w->trick_at = i;
                w->forge = forged[f];
                assert_err(dworld_open(w), IOT_OK);
                iot_time began = w->now;
                iot_err err = dworld_run(w);
                if (err != IOT_OK)
                    fail_msg("way %d, forgery %u before datagram %u: %s", ways[k], f, i,
                             iot_err_name(err));
                if (w->now - began > 1500)
                    fail_msg("way %d, forgery %u before datagram %u: %u ms", ways[k], f, i,
                             (unsigned)(w->now - began));
                if (!dtls_server_up(w->server, w->address))
                    dworld_idle(w, 1500);
                dworld_talk(w);
                dworld_close(w);
                dworld_end(w);
            }
    }
}

static void handshakes_are_cut_to_the_path(void **state)
{
    static const uint16_t mtus[] = {200, 260, 300, 508, 1200, 1500};
    (void)state;
    for (uint32_t i = 0; i < COUNT(mtus); i++) {
        choose(BY_CERT);
        w->dopt.mtu = i < COUNT(mtus) - 1 ? mtus[i] : 0;
        w->stub.room = i == 4 ? 700 : STUB_DGRAM_BYTES; /* or what is below is narrower */
        w->sopt.mtu = mtus[i];
        dworld_connect(w);
        uint32_t largest = 0;
        for (uint32_t k = 0; k < w->count; k++)
            if (w->log[k].ours && w->log[k].len > largest)
                largest = w->log[k].len;
        assert_in_range(largest, 100, i == 4 ? 700 : i == 5 ? 1200 : mtus[i]);
        dworld_talk(w);
        dworld_end(w);
    }
    for (uint16_t mtu = 130; mtu < 700;
         mtu = (uint16_t)(mtu + 3)) { /* each message, in all kinds of pieces */
        dworld_init(w);
        dworld_by_certificate(w);
        w->sopt.mtu = mtu;
        dworld_connect(w);
        dworld_end(w);
    }
}

/* ---- What we say ------------------------------------------------------------------------- */

/* Of ClientHello `i` (of the wire) the part behind cookie and, in `cookie`, that. */
static struct iot_bytes hello(uint32_t i, struct iot_bytes *cookie)
{
    const uint8_t *p = w->log[i].bytes;
    assert_true(w->log[i].ours && p[0] == 22 && p[13] == 1);
    uint32_t at = 13 + 12 + 2 + 32;
    assert_true(p[13 + 12] == 254 && p[13 + 13] == 253); /* 1.2 */
    at += 1u + p[at];
    *cookie = (struct iot_bytes){p + at + 1, p[at]};
    at += 1u + p[at];
    return (struct iot_bytes){p + at, w->log[i].len - at};
}

static void the_cookie_is_all_that_the_second_hello_adds(void **state)
{
    struct iot_bytes cookie;
    (void)state;
    dworld_connect(w);
    struct iot_bytes first = hello(0, &cookie);
    assert_int_equal(cookie.len, 0);
    struct iot_bytes second = hello(2, &cookie);
    assert_true(cookie.len != 0);
    assert_bytes(second, first);
    assert_memory_equal(w->log[0].bytes + 25, w->log[2].bytes + 25, 2 + 32 + 1);
}

static void assert_offers(const char *hex)
{
    uint8_t expected[64];
    struct iot_bytes cookie;
    uint32_t n = from_hex(hex, expected, sizeof expected);

    assert_err(dworld_open(w), IOT_OK);
    w->deaf = true;
    assert_err(dworld_settle(w), IOT_ERR_AGAIN);
    struct iot_bytes rest = hello(0, &cookie);
    uint32_t len = (uint32_t)rest.ptr[0] << 8 | rest.ptr[1];
    /* and TLS_EMPTY_RENEGOTIATION_INFO_SCSV at the end, RFC 5746 */
    assert_true(len >= 2 && rest.ptr[len] == 0 && rest.ptr[len + 1] == 0xff);
    assert_bytes(((struct iot_bytes){rest.ptr + 2, len - 2}), ((struct iot_bytes){expected, n}));
    dworld_end(w);
    dworld_init(w);
}

static void only_aead_is_offered_and_the_short_tag_first(void **state)
{
    (void)state;
    assert_offers("c0a8 00a8 c0a4");
    dworld_by_certificate(w);
    assert_offers("c0ae c02b c02c c0ac");
    w->opt.kinds |= IOT_TLS_ECDHE_ECDSA;
    w->opt.ca = w->ca;
    w->opt.ca_count = 1;
    assert_offers("c0a8 00a8 c0a4 c0ae c02b c02c c0ac");
#if IOT_FEATURE_TLS_PLATFORM
    w->opt.kinds |= IOT_TLS_PLATFORM; /* who asks for it */
    assert_offers("c0a8 00a8 c0a4 008c");
#endif
}

/* ---- Time -------------------------------------------------------------------------------- */

/* When each of our datagrams went out, if nobody answers. */
static void assert_moments(const uint32_t *ms, uint32_t count, iot_err expected)
{
    w->deaf = true;
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    uint32_t seen = 0;
    iot_err err;
    while ((err = dworld_settle(w)) == IOT_ERR_AGAIN) {
        for (; seen < w->count; seen++) {
            assert_true(seen < count);
            assert_int_equal(w->now - began, ms[seen]);
        }
        iot_time next = w->dtls.base.ops->deadline(&w->dtls.base);
        assert_true(next > w->now && next != IOT_TIME_NEVER);
        w->now = next;
    }
    assert_err(err, expected);
    assert_int_equal(seen, count);
    assert_int_equal(w->now - began, IOT_TLS_HANDSHAKE_MS);
    dworld_end(w);
    dworld_init(w);
}

static void a_flight_is_sent_again_at_twice_the_time(void **state)
{
    static const uint32_t usual[] = {0, 1000, 3000, 7000, 15000};
    static const uint32_t slow[] = {0, 9000, 27000};
    static const uint32_t even[] = {0, 5000, 10000, 15000, 20000, 25000};
    static const uint32_t capped[] = {0, 2000, 6000, 13000, 20000, 27000};
    (void)state;
    assert_moments(usual, COUNT(usual), IOT_ERR_TLS_TIMEOUT);
    w->dopt.first_ms = 9000;
    assert_moments(slow, COUNT(slow), IOT_ERR_TLS_TIMEOUT);
    w->dopt.first_ms = w->dopt.last_ms = 5000;
    assert_moments(even, COUNT(even), IOT_ERR_TLS_TIMEOUT);
    w->dopt.first_ms = 2000;
    w->dopt.last_ms = 7000;
    assert_moments(capped, COUNT(capped), IOT_ERR_TLS_TIMEOUT);
}

static void asking_for_cookies_has_an_end(void **state)
{
    uint8_t again[] = "\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x17\x03\0\0\x0b\0\0\0\0\0\0\0\x0b\xfe\xfd\x08"
                      "cookies!";
    (void)state;
    w->deaf = true;
    assert_err(dworld_open(w), IOT_OK);
    iot_time began = w->now;
    iot_err err;
    uint32_t hellos = 0;
    while ((err = dworld_settle(w)) == IOT_ERR_AGAIN) {
        hellos += w->count;
        w->count = 0;
        again[10]++; /* the record's number and the message's */
        stub_dgram_receive(&w->stub, (struct iot_bytes){again, sizeof again - 1});
        again[18]++;
        w->now += 250;
    }
    assert_err(err, IOT_ERR_TLS_TIMEOUT);
    assert_in_range(w->now - began, IOT_TLS_HANDSHAKE_MS, IOT_TLS_HANDSHAKE_MS + 250);
    assert_in_range(hellos, 100, 125);
    assert_true(w->dtls.core.high < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(a_certificate_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_certificate_is_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(each_datagram_may_be_lost, NULL, NULL),
        cmocka_unit_test_setup_teardown(each_datagram_may_come_twice, NULL, NULL),
        cmocka_unit_test_setup_teardown(each_datagram_may_be_overtaken, NULL, NULL),
        cmocka_unit_test_setup_teardown(forgeries_change_nothing, NULL, NULL),
        cmocka_unit_test_setup_teardown(handshakes_are_cut_to_the_path, NULL, NULL),
        cmocka_unit_test_setup_teardown(the_cookie_is_all_that_the_second_hello_adds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_aead_is_offered_and_the_short_tag_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flight_is_sent_again_at_twice_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(asking_for_cookies_has_an_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
