/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS between a client and a server of ours: handshakes on a bad wire, who is not let in, bytes of others, and memory. */
#include "tls_server_world.h"

/* ---- Handshakes -------------------------------------------------------------------------- */

static void a_key_opens(void **state)
{
    (void)state;
    assert_int_equal(iot_dtls_identity(&w->server.dtls).len, 0);
    connect_both();
    assert_int_equal(w->questions, 1);
    assert_int_equal(w->asked, 1);
    assert_string_equal(iot_dtls_suite(&w->server.dtls), "TLS-PSK-WITH-AES-128-CCM-8");
    assert_bytes(iot_dtls_identity(&w->server.dtls), BYTES("lamp"));
    assert_true(iot_dtls_heard(&w->server.dtls) == w->now);
    talk();
}

static iot_err no_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx, (void)into, (void)cap, (void)len;
    fail_msg("%s is asked for", key);
    return IOT_ERR_STATE;
}

static iot_err no_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx, (void)bytes, (void)len;
    fail_msg("%s is kept", key);
    return IOT_ERR_STATE;
}

static iot_err no_del(void *ctx, const char *key)
{
    (void)ctx;
    fail_msg("%s is erased", key);
    return IOT_ERR_STATE;
}

static void nothing_is_kept_of_it_and_it_has_no_connection_id(void **state)
{
    static const uint8_t taken[] = {0, 54, 0, 1, 0}; /* RFC 9146, section 3, of no length */
    struct iot_port store = w->port;
    (void)state;
    store.kv_get = no_get;
    store.kv_set = no_set;
    store.kv_del = no_del;
    w->sdopt.context_key = "never";
    w->sdopt.cid = w->cdopt.cid = true;
    iot_dtls_init_server(&w->server.dtls, &w->server.stub.base, &w->server.opt, &w->sdopt, &store,
                         &w->accept);
    w->server.dtls.base.wake = &w->server.wake;
    connect_both();
    talk();
    bool offered = false;
    for (uint32_t i = 0; i < w->count; i++) {
        bool has = memmem(w->log[i].bytes, w->log[i].len, taken, sizeof taken) != NULL;
        offered |= w->log[i].ours && has;
        assert_false(!w->log[i].ours && has);
    }
    assert_true(offered);
    iot_dtls_park(&w->server.dtls);
    assert_err(tick(&w->server), IOT_ERR_CLOSED);
}

static uint32_t walk(enum trick trick, uint32_t at)
{
    setup(NULL);
    w->trick = trick;
    w->trick_at = at;
    iot_time began = w->now;
    begin();
    run();
    if (w->client.err != IOT_OK || w->server.err != IOT_OK)
        fail_msg("trick %d of datagram %u: %s, %s", trick, (unsigned)at,
                 iot_err_name(w->client.err), iot_err_name(w->server.err));
    uint32_t count = w->count;
    assert_true(w->now - began <= 3500);
    talk();
    teardown(NULL);
    setup(NULL);
    return count;
}

static void each_datagram_may_be_lost_doubled_or_overtaken(void **state)
{
    (void)state;
    uint32_t count = walk(GOOD, 0);
    assert_true(count >= 4);
    for (uint32_t i = 1; i <= count; i++) {
        walk(LOSE, i);
        walk(DOUBLE, i);
        walk(SWAP, i);
    }
}

/* Its last flight was lost: the client repeats its own, and the server says it again. */
static void a_lost_last_flight_is_said_again(void **state)
{
    (void)state;
    uint32_t count = walk(GOOD, 0);
    w->trick = LOSE;
    w->trick_at = count;
    begin();
    settle();
    assert_err(w->server.err, IOT_OK);
    assert_err(w->client.err, IOT_ERR_AGAIN);
    w->now += 1000;
    settle();
    assert_err(w->client.err, IOT_OK);
    talk();
}

/* ---- Who is not let in ------------------------------------------------------------------- */

struct outcome {
    iot_err client, server;
    uint32_t count, lens[LOG_MAX], ended_ms;
};

static struct outcome fail_with(const char *name, struct iot_bytes key)
{
    struct outcome o = {.count = 0};
    setup(NULL);
    w->client.opt.psk_identity = text_bytes(name);
    w->client.opt.psk = key;
    begin();
    iot_time began = w->now;
    run();
    o.client = w->client.err;
    o.server = w->server.err;
    o.ended_ms = (uint32_t)(w->now - began);
    o.count = w->count;
    for (uint32_t i = 0; i < w->count; i++)
        o.lens[i] = w->log[i].ours ? 0 : w->log[i].len;
    assert_int_equal(iot_dtls_identity(&w->server.dtls).len, 0);
    assert_true(iot_dtls_heard(&w->server.dtls) == 0);
    teardown(NULL);
    setup(NULL);
    return o;
}

static void an_unknown_name_looks_like_a_wrong_key(void **state)
{
    (void)state;
    struct outcome wrong = fail_with("lamp", BYTES("another key here"));
    struct outcome unknown = fail_with("lanp", BYTES("a key of 16 byte"));
    /* not even what the callback left behind */
    struct outcome filled = fail_with("lanp", BYTES("kkkkkkkkkkkkkkkk"));
    assert_err(wrong.client, IOT_ERR_TLS_PSK);
    assert_err(wrong.server, IOT_ERR_TLS_PSK);
    assert_memory_equal(&wrong, &unknown, sizeof wrong);
    assert_memory_equal(&wrong, &filled, sizeof wrong);
    assert_true(wrong.ended_ms <= IOT_TLS_HANDSHAKE_MS);
}

static void a_name_that_is_too_long_looks_like_it_too(void **state)
{
    (void)state;
    static char name[IOT_TLS_PSK_IDENTITY_MAX + 1];
    memset(name, 'n', sizeof name - 1);
    struct outcome wrong = fail_with("lamp", BYTES("another key here"));
    struct outcome unknown = fail_with(name, BYTES("a key of 16 byte"));
    assert_memory_equal(&wrong, &unknown, sizeof wrong);
}

static void a_key_of_no_length_is_none(void **state)
{
    static uint8_t many[IOT_TLS_PSK_MAX + 1];
    (void)state;
    const uint32_t lens[] = {0, IOT_TLS_PSK_MAX + 1};
    for (uint32_t i = 0; i < COUNT(lens); i++) {
        setup(NULL);
        w->key = (struct iot_bytes){many, lens[i]};
        begin();
        run();
        assert_err(w->server.err, IOT_ERR_TLS_PSK);
        teardown(NULL);
    }
    setup(NULL);
    w->key = w->client.opt.psk = (struct iot_bytes){many, IOT_TLS_PSK_MAX};
    connect_both();
}

/* ---- Bytes of others --------------------------------------------------------------------- */

static void feed(struct iot_bytes d)
{
    stub_dgram_receive(&w->server.stub, d);
    settle();
}

static const uint8_t forged_alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40};
static const uint8_t forged_data[] = {23, 0xfe, 0xfd, 0,  1,  0,  0,  0,  0,  0,  99,
                                      0,  20,   1,    2,  3,  4,  5,  6,  7,  8,  9,
                                      10, 11,   12,   13, 14, 15, 16, 17, 18, 19, 20};
static const struct iot_bytes forged[] = {{forged_alert, sizeof forged_alert},
                                          {forged_data, sizeof forged_data}};

static bool has_hello(void)
{
    const struct iot_tls_state *x = w->server.dtls.core.state;
    return x != NULL && x->ssl.MBEDTLS_PRIVATE(state) > MBEDTLS_SSL_CLIENT_HELLO;
}

/* While each datagram is waited for, and the client's Finished is in one of its own: an alert in plain text, and garbage under
 * the coming keys. Before the hello nothing is let through. */
static void forged_records_cost_nothing(void **state)
{
    (void)state;
    uint32_t tried = 0;
    for (uint32_t kind = 0; kind < COUNT(forged); kind++) {
        uint32_t count = 1;
        for (uint32_t at = 0; at <= count; at++) {
            setup(NULL);
            w->cdopt.mtu = 128; /* so that its Finished is alone */
            w->name = "a lamp with a name that is quite a bit longer than a lamp's";
            w->client.opt.psk_identity = text_bytes(w->name);
            w->trick = LOSE;
            w->trick_at = at;
            begin();
            settle();
            if (at != 0 && has_hello() && w->server.err == IOT_ERR_AGAIN) {
                uint32_t said = w->count;
                feed(forged[kind]);
                assert_int_equal(w->count, said);
                tried++;
            }
            if (at != 0)
                deliver(&w->log[at - 1]); /* late */
            run();
            assert_err(w->client.err, IOT_OK);
            assert_err(w->server.err, IOT_OK);
            talk();
            count = at == 0 ? w->count - 2 : count;
            teardown(NULL);
        }
    }
    setup(NULL);
    assert_true(tried >= 2 * 3); /* our answer, and its two datagrams */
}

static void what_came_once_never_comes_again(void **state)
{
    (void)state;
    connect_both();
    talk();
    uint32_t count = w->count, dropped = iot_dtls_dropped(&w->server.dtls);
    for (uint32_t i = 0; i < count; i++)
        if (w->log[i].ours) {
            w->now++;
            stub_dgram_receive(&w->server.stub, (struct iot_bytes){w->log[i].bytes, w->log[i].len});
            assert_null(hear(&w->server));
            assert_int_equal(iot_dtls_dropped(&w->server.dtls), ++dropped);
            assert_int_equal(w->count, count);
        }
    assert_true(iot_dtls_heard(&w->server.dtls) < w->now);
    talk();
    assert_true(iot_dtls_heard(&w->server.dtls) == w->now);
}

static void each_changed_byte_is_noticed(void **state)
{
    (void)state;
    connect_both();
    say(&w->client, "one");
    assert_string_equal(hear(&w->server), "one");
    w->trick = LOSE;
    w->trick_at = w->count + 1;
    say(&w->client, "two");
    struct datagram lost = w->log[w->count - 1];
    for (uint32_t at = 0; at < lost.len; at++) {
        struct datagram bad = lost;
        bad.bytes[at] ^= 1;
        stub_dgram_receive(&w->server.stub, (struct iot_bytes){bad.bytes, bad.len});
        assert_null(hear(&w->server));
        stub_dgram_receive(&w->server.stub, (struct iot_bytes){lost.bytes, at});
        assert_null(hear(&w->server));
    }
    stub_dgram_receive(&w->server.stub, (struct iot_bytes){lost.bytes, lost.len});
    assert_string_equal(hear(&w->server), "two");
}

/* Proven and nonsense: it ends, and only it. */
static void a_proven_hello_without_a_suite_of_ours_ends(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 0; i < 20 && !w->open; i++) {
        tick(&w->client);
        carry();
    }
    assert_true(w->open);
    struct iot_bytes d;
    while (stub_dgram_sent(&w->server.stub, &d))
        ;
    struct datagram hello = w->log[w->count - 1];
    for (uint32_t i = 80; i + 2 < hello.len; i++)
        if (hello.bytes[i] == 0xc0 && hello.bytes[i + 1] == 0xa8)
            memset(hello.bytes + i, 0xc0, 2);
        else if (hello.bytes[i] == 0 && hello.bytes[i + 1] == 0xa8)
            memset(hello.bytes + i, 0xc0, 2);
    w->server.stub.rx.count = 0;
    /* cut short, too, in each place: mbedTLS is asked only by what iot_tls_hello let through, and bears anything */
    feed((struct iot_bytes){hello.bytes, hello.len});
    assert_true(w->server.err != IOT_OK);
}

/* ---- Ends and memory --------------------------------------------------------------------- */

static void the_client_says_good_bye(void **state)
{
    (void)state;
    connect_both();
    talk();
    w->client.dtls.base.ops->close(&w->client.dtls.base, w->now + 1000);
    carry();
    assert_null(hear(&w->server));
    assert_err(tick(&w->server), IOT_ERR_TLS_CLOSED);
    assert_int_equal(iot_dtls_identity(&w->server.dtls).len, 0);
}

static void the_server_says_good_bye(void **state)
{
    (void)state;
    connect_both();
    talk();
    w->server.dtls.base.ops->close(&w->server.dtls.base, w->now + 1000);
    carry();
    assert_err(tick(&w->server), IOT_ERR_CLOSED);
    assert_null(hear(&w->client));
    assert_err(tick(&w->client), IOT_ERR_TLS_CLOSED);
}

static void who_goes_on_with_nothing_ends_in_time(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 0; i < 20 && !w->open; i++) {
        tick(&w->client);
        carry();
    }
    w->client.dtls.base.ops->abort(&w->client.dtls.base);
    run();
    assert_err(w->server.err, IOT_ERR_TLS_TIMEOUT);
    assert_true(w->now <= 1000 + IOT_TLS_HANDSHAKE_MS);
}

static void too_small_an_arena_is_said_to_be(void **state)
{
    (void)state;
    struct iot_tls_memory memory;
    connect_both();
    talk();
    iot_tls_core_memory(&w->server.dtls.core, &memory);
    uint32_t high = memory.high;
    print_message("arena of a session: %u bytes in the handshake, %u behind it\n", (unsigned)high,
                  (unsigned)memory.used);
    teardown(NULL);
    for (uint32_t bytes = 64; bytes < high + 512; bytes += 256) {
        setup(NULL);
        w->server.opt.arena_bytes = bytes;
        begin();
        run();
        if (w->server.err == IOT_OK)
            talk();
        else
            assert_err(w->server.err, IOT_ERR_TLS_MEMORY);
        assert_true(w->server.err == IOT_OK || bytes < high + 512);
        teardown(NULL);
    }
    setup(NULL);
    w->server.opt.arena_bytes = (high + 71) / 8 * 8;
    connect_both();
    talk();
}

static void it_may_be_opened_again(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        connect_both();
        talk();
        w->server.dtls.base.ops->abort(&w->server.dtls.base);
        w->client.dtls.base.ops->abort(&w->client.dtls.base);
        w->open = false;
        w->client.err = w->server.err = IOT_ERR_AGAIN;
    }
    assert_int_equal(w->questions, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_kept_of_it_and_it_has_no_connection_id, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_datagram_may_be_lost_doubled_or_overtaken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_lost_last_flight_is_said_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_name_looks_like_a_wrong_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_is_too_long_looks_like_it_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_of_no_length_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(forged_records_cost_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_came_once_never_comes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(each_changed_byte_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proven_hello_without_a_suite_of_ours_ends, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_client_says_good_bye, setup, teardown),
        cmocka_unit_test_setup_teardown(the_server_says_good_bye, setup, teardown),
        cmocka_unit_test_setup_teardown(who_goes_on_with_nothing_ends_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(too_small_an_arena_is_said_to_be, setup, teardown),
        cmocka_unit_test_setup_teardown(it_may_be_opened_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
