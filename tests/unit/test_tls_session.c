/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in a store that is slow, broken, or asked too often; and what the dates of a session that came to
 * nothing may do. The plain cases: test_tls_stream.c. */
#include "test.h"

#include "tls_world.h"

static struct tls_world world, *const w = &world;

static int setup(void **state)
{
    (void)state;
    world_init(w);
    w->opt.session_key = "s";
    w->judged = true;
    return 0;
}

/* A session is in the store, of a chain whose dates are 1000 to 2000 (with a PSK: of none). */
static void keep_a_session(void)
{
    world_connect(w);
    assert_int_equal(w->sets, 1);
    assert_true(w->blob_len > 40);
    world_abort(w);
}

static bool is_offered(void)
{
    world_greet(w);
    bool offered = w->tls.core.state->offered;
    world_abort(w);
    return offered;
}

/* The server sends an alert as its answer. */
static bool is_offered_in_vain(void)
{
    world_greet(w);
    bool offered = w->tls.core.state->offered;
    world_receive(w, 0x15, "\2\x14", 2);
    assert_err(world_settle(w), IOT_ERR_TLS_ALERT);
    world_abort(w);
    return offered;
}

static void use_psk(uint32_t kinds, struct iot_bytes key)
{
    w->opt.kinds = kinds;
    w->opt.psk = key;
    w->opt.psk_identity = BYTES("me");
}

/* ---- A store that does not do what it should ---------------------------------------------- */

static void a_session_that_cannot_be_deleted_is_offered_in_vain_only_once(void **state)
{
    static const iot_err errs[] = {IOT_ERR_KV, IOT_ERR_AGAIN};
    (void)state;
    for (uint32_t i = 0; i <= COUNT(errs); i++) {
        setup(NULL);
        keep_a_session();
        if (i < COUNT(errs))
            w->del_says = errs[i];
        else
            w->port.kv_del = NULL;
        assert_true(is_offered_in_vain());
        assert_int_equal(w->dels, i < COUNT(errs));
        assert_true(w->blob_len != 0);
        for (int attempt = 0; attempt < 5; attempt++)
            assert_false(is_offered_in_vain());
        /* until a handshake without it makes another one */
        world_connect(w);
        assert_false(w->tls.core.state->offered);
        world_abort(w);
        assert_true(is_offered());
    }
}

static void the_same_session_is_not_written_again(void **state)
{
    (void)state;
    keep_a_session();
    for (int i = 0; i < 5; i++) {
        world_connect(w);
        assert_int_equal(w->sets, 1);
        world_abort(w);
    }
    w->secret++; /* but another one is */
    world_connect(w);
    assert_int_equal(w->sets, 2);
    world_abort(w);
}

static void the_same_session_is_not_written_again_by_a_slow_store_either(void **state)
{
    (void)state;
    keep_a_session();
    world_greet(w);
    w->get_says = IOT_ERR_AGAIN;
    world_jump(w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w->sets, 1);
        world_wait(w);
        assert_err(world_poll(w), IOT_OK);
    }
    w->get_says = IOT_OK;
    world_wait(w);
    assert_err(world_poll(w), IOT_OK);
    assert_int_equal(w->sets, 1);
    uint32_t gets = w->gets;
    for (int i = 0; i < 50; i++, w->now += 20)
        assert_err(world_poll(w), IOT_OK);
    assert_int_equal(w->gets, gets);
    world_abort(w);
}

static void a_store_that_stays_slow_is_given_up(void **state)
{
    (void)state;
    w->set_says = IOT_ERR_AGAIN;
    world_connect(w);
    for (int i = 0; i < 2000; i++, w->now += 20)
        assert_err(world_poll(w), IOT_OK);
    uint32_t sets = w->sets;
    assert_true(sets > 1 && sets < 1000);
    for (int i = 0; i < 2000; i++, w->now += 20)
        assert_err(world_poll(w), IOT_OK);
    assert_int_equal(w->sets, sets);
    assert_int_equal(w->tls.base.ops->deadline(&w->tls.base), IOT_TIME_NEVER); /* it can sleep */
    world_abort(w);
}

static void a_slow_store_does_not_ask_for_chance_again_and_again(void **state)
{
    (void)state;
    w->get_says = IOT_ERR_AGAIN;
    assert_err(world_open(w), IOT_OK);
    assert_err(world_settle(w), IOT_ERR_AGAIN);
    for (int i = 0; i < 50; i++) {
        world_wait(w);
        assert_err(world_poll(w), IOT_ERR_AGAIN);
    }
    assert_true(w->gets > 40);
    assert_int_equal(w->randoms, 0);
    assert_int_equal(w->stub.tx_len, 0);
    w->get_says = IOT_OK;
    world_wait(w);
    assert_err(world_settle(w), IOT_ERR_AGAIN);
    assert_int_equal(w->randoms, 1);
    assert_true(w->stub.tx_len > 50);
    world_abort(w);
}

/* As a server of TLS 1.3 may send tickets without end. */
static void one_session_is_saved_per_connection(void **state)
{
    (void)state;
    world_connect(w);
    for (int i = 0; i < 60; i++) {
        uint8_t b[8];
        uint32_t got;
        w->tls.core.state->ssl.MBEDTLS_PRIVATE(session)->MBEDTLS_PRIVATE(master)[0]++; /* another */
        w->now += 1000;
        assert_err(world_poll(w), IOT_OK);
        assert_err(world_read(w, b, sizeof b, &got), IOT_ERR_AGAIN);
    }
    assert_int_equal(w->sets, 1);
    assert_true(w->tls.saved); /* what iot_tls_record.c asks when a ticket comes */
    world_abort(w);
    w->secret++;
    world_connect(w);
    assert_int_equal(w->sets, 2);
    world_abort(w);
}

/* ---- Dates ------------------------------------------------------------------------------- */

/* Trusted time comes when the link is up. */
static iot_err when_time_becomes(int64_t now_s)
{
    w->wall_says = IOT_OK;
    w->wall_s = now_s;
    w->now += 60000;
    return world_poll(w);
}

static void dates_of_a_session_that_is_taken_up_count(void **state)
{
    (void)state;
    for (int late = 0; late <= 1; late++) {
        setup(NULL);
        keep_a_session();
        w->judged = false;
        world_connect(w);
        assert_err(when_time_becomes(late ? 5000 : 1500), late ? IOT_ERR_TLS_VERIFY : IOT_OK);
        world_abort(w);
    }
}

static void dates_of_a_session_that_is_not_offered_have_no_effect(void **state)
{
    (void)state;
    use_psk(IOT_TLS_ECDHE_ECDSA | IOT_TLS_PSK, BYTES("0123456789abcdef"));
    keep_a_session();
    w->opt.min_wall_s = 2001;
    w->judged = false; /* a handshake with the PSK looks at no certificate */
    world_connect(w);
    assert_false(w->tls.core.state->offered);
    assert_err(when_time_becomes(5000), IOT_OK);
    assert_true(w->tls.core.valid_to_s > 5000);
    world_abort(w);
}

static void dates_of_a_session_that_was_offered_and_not_taken_up_have_no_effect(void **state)
{
    (void)state;
    use_psk(IOT_TLS_ECDHE_ECDSA | IOT_TLS_PSK, BYTES("0123456789abcdef"));
    keep_a_session();
    w->judged = false;
    world_greet(w);
    assert_true(w->tls.core.state->offered);
    w->tls.core.state->ssl.MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(ciphersuite) =
        MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256; /* the server's answer */
    world_jump(w);
    assert_err(when_time_becomes(5000), IOT_OK);
    world_abort(w);
}

/* ---- Keys -------------------------------------------------------------------------------- */

static void a_session_of_another_key_with_the_same_identity_is_not_offered(void **state)
{
    (void)state;
    use_psk(IOT_TLS_PSK, BYTES("0123456789abcdef"));
    w->opt.ca_count = 0;
    keep_a_session();
    assert_true(is_offered());
    w->opt.psk = BYTES("0123456789abcdeg");
    assert_false(is_offered());
    w->opt.psk = BYTES("0123456789abcde");
    assert_false(is_offered());
    w->opt.psk = BYTES("0123456789abcdef");
    assert_true(is_offered());
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_session_that_cannot_be_deleted_is_offered_in_vain_only_once),
        CASE(the_same_session_is_not_written_again),
        CASE(the_same_session_is_not_written_again_by_a_slow_store_either),
        CASE(a_store_that_stays_slow_is_given_up),
        CASE(a_slow_store_does_not_ask_for_chance_again_and_again),
        CASE(one_session_is_saved_per_connection),
        CASE(dates_of_a_session_that_is_taken_up_count),
        CASE(dates_of_a_session_that_is_not_offered_have_no_effect),
        CASE(dates_of_a_session_that_was_offered_and_not_taken_up_have_no_effect),
        CASE(a_session_of_another_key_with_the_same_identity_is_not_offered),
    };
    return cmocka_run_group_tests_name("tls_session", tests, NULL, NULL);
}
