/* SPDX-License-Identifier: Apache-2.0 */
/* The DTLS channel by itself: options, what is below, the port, and its life. Nobody answers here. */
#include "test.h"

#include "certs.h"
#include "tls_dgram_world.h"

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

static iot_err check(void)
{
    return iot_dtls_check(&w->opt, &w->dopt, false);
}

static void options_are_checked(void **state)
{
    (void)state;
    assert_err(check(), IOT_OK);
    assert_err(iot_dtls_check(&w->opt, NULL, false), IOT_OK);
    w->dopt.mtu = 127;
    assert_err(check(), IOT_ERR_ARG);
    w->dopt.mtu = 128;
    assert_err(check(), IOT_OK);
    static const char *const bad[] = {"", "sixteen letters!", IOT_TLS_TIME_KEY, "same"};
    w->opt.session_key = "same";
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        char copy[32];
        strcpy(copy, bad[i]);
        w->dopt.context_key = copy;
        assert_err(check(), IOT_ERR_ARG);
    }
    w->dopt.context_key = "samE";
    assert_err(check(), IOT_OK);
    w->dopt.context_key = "sam";
    assert_err(check(), IOT_OK);
    w->opt.psk.len = 0;
    assert_err(check(), IOT_ERR_ARG); /* what iot_tls_check has against it */
    dworld_init(w);
}

static void without_options_of_its_own_it_has_the_usual_ones(void **state)
{
    (void)state;
    iot_dtls_init(&w->dtls, &w->stub.base, &w->opt, NULL, &w->port);
    w->dtls.base.wake = &w->wake;
    dworld_connect(w);
    dworld_talk(w);
    dworld_park(w);
    assert_int_equal(w->kv_calls, 1); /* the time; no context */
}

static void nothing_happens_before_it_is_opened(void **state)
{
    uint8_t b[4];
    uint32_t n;
    const struct iot_dgram_ops *ops = w->dtls.base.ops;
    (void)state;
    assert_err(dworld_poll(w), IOT_ERR_CLOSED);
    assert_err(ops->read(&w->dtls.base, b, sizeof b, &n), IOT_ERR_AGAIN);
    assert_err(ops->write(&w->dtls.base, BYTES("x"), w->now), IOT_ERR_AGAIN);
    assert_int_equal(ops->room(&w->dtls.base), 0);
    assert_true(ops->deadline(&w->dtls.base) == IOT_TIME_NEVER);
    assert_true(ops->idle(&w->dtls.base));
    ops->close(&w->dtls.base, w->now);
    assert_int_equal(w->stub.closes_asked, 0);
    assert_false(iot_dtls_is_kept(&w->dtls) || iot_dtls_is_resumed(&w->dtls));
    assert_string_equal(iot_dtls_suite(&w->dtls), "");
}

static void opening_waits_for_what_is_below(void **state)
{
    (void)state;
    w->stub.open_again = 2;
    for (int i = 0; i < 2; i++) {
        assert_err(dworld_open(w), IOT_ERR_AGAIN);
        memset(w->arena, 0xee, sizeof w->arena); /* may be lent meanwhile */
        assert_err(dworld_poll(w), IOT_ERR_CLOSED);
    }
    w->stub.connects = false;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_settle(w), IOT_ERR_AGAIN);
    w->now += 100000; /* which has its own deadlines */
    assert_err(dworld_settle(w), IOT_ERR_AGAIN);
    assert_null(w->dtls.core.state);
    w->stub.connects = true;
    assert_err(dworld_run(w), IOT_OK);
    dworld_talk(w);
}

static void what_fails_below_is_the_reason(void **state)
{
    (void)state;
    w->stub.open_result = IOT_ERR_DNS_UNKNOWN;
    w->stub.detail = -6;
    assert_err(dworld_open(w), IOT_ERR_DNS_UNKNOWN);
    assert_err(dworld_poll(w), IOT_ERR_DNS_UNKNOWN);
    assert_int_equal(w->dtls.base.ops->detail(&w->dtls.base), -6);
    w->stub.open_result = IOT_OK;
    for (uint32_t ticks = 0; ticks < 6; ticks++) {
        assert_err(dworld_open(w), IOT_OK);
        for (uint32_t i = 0; i < ticks; i++)
            dworld_poll(w);
        stub_dgram_end(&w->stub, IOT_ERR_UDP_MEMORY, (int32_t)ticks);
        assert_err(dworld_poll(w), IOT_ERR_UDP_MEMORY);
        assert_err(dworld_poll(w), IOT_ERR_UDP_MEMORY);
        assert_int_equal(w->dtls.base.ops->detail(&w->dtls.base), ticks);
        assert_true(w->dtls.base.ops->idle(&w->dtls.base));
    }
    dworld_connect(w);
}

static void it_may_be_closed_at_any_time(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++)
        for (uint32_t ticks = 0; ticks < 20; ticks++) {
            assert_err(dworld_open(w), IOT_OK);
            for (uint32_t i = 0; i < ticks; i++)
                dworld_poll(w);
            if (how == 0) {
                w->dtls.base.ops->abort(&w->dtls.base);
            } else {
                w->stub.closes = ticks % 2 == 0;
                w->dtls.base.ops->close(&w->dtls.base, w->now + 500);
                assert_err(dworld_poll(w), w->stub.closes ? IOT_ERR_CLOSED : IOT_ERR_AGAIN);
                w->now += 500;
            }
            assert_err(dworld_poll(w), IOT_ERR_CLOSED);
            assert_err(dworld_poll(w), IOT_ERR_CLOSED);
            assert_true(w->dtls.base.ops->idle(&w->dtls.base));
        }
    w->count = 0;
    dworld_connect(w);
    stub_dgram_end(&w->stub, IOT_ERR_UDP_ROUTE, 0);
    w->dtls.base.ops->close(&w->dtls.base, w->now + 500); /* whatever becomes of it below */
    assert_err(dworld_poll(w), IOT_ERR_CLOSED);
}

/* ---- The port ---------------------------------------------------------------------------- */

static iot_err random_says;

static iot_err no_random(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0, n);
    return random_says;
}

static void without_chance_there_is_no_handshake(void **state)
{
    iot_err (*good)(void *, void *, uint32_t) = w->port.random;
    (void)state;
    w->port.random = no_random;
    random_says = IOT_ERR_AGAIN;
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), IOT_ERR_RANDOM);
    assert_int_equal(w->now - began, IOT_TLS_HANDSHAKE_MS);
    random_says = IOT_OK; /* nothing but zeros */
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), IOT_ERR_RANDOM);
    assert_int_equal(w->count, 0);
    w->port.random = good;
    dworld_connect(w);
}

static void a_store_that_never_answers_ends_it(void **state)
{
    (void)state;
    w->kv_again = UINT32_MAX;
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), IOT_ERR_KV);
    assert_int_equal(w->now - began, IOT_TLS_HANDSHAKE_MS);
    w->kv_again = 0;
    dworld_connect(w);
}

static iot_err psk_says;
static uint32_t psk_asked;

static iot_err psk_source(void *ctx, uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX],
                          uint32_t *identity_len, uint8_t key[IOT_TLS_PSK_MAX])
{
    (void)ctx;
    psk_asked++;
    memcpy(identity, "lamp", *identity_len = 4);
    memset(key, 'k', IOT_TLS_PSK_MAX);
    return psk_says;
}

static void a_key_may_have_a_source(void **state)
{
    static uint8_t key[IOT_TLS_PSK_MAX];
    (void)state;
    memset(key, 'k', sizeof key);
    w->sopt.psk = (struct iot_bytes){key, sizeof key};
    w->opt.psk = w->opt.psk_identity = (struct iot_bytes){NULL, 0};
    assert_err(iot_dtls_check(&w->opt, &w->dopt, true), IOT_OK);
    w->server = dtls_server_create(&w->sopt);
    w->dtls.core.psk = psk_source;
    psk_says = IOT_OK;
    psk_asked = 0;
    static const struct iot_endpoint to = {.host = "a.example", .port = 5684};
    assert_err(w->dtls.base.ops->open(&w->dtls.base, &to, w->now), IOT_OK);
    assert_err(dworld_run(w), IOT_OK);
    assert_int_equal(psk_asked, 1);
    dworld_talk(w);
}

/* ---- Memory ------------------------------------------------------------------------------ */

static bool works_with(uint32_t bytes, bool by_cert, bool cut)
{
    dworld_init(w);
    if (by_cert)
        dworld_by_certificate(w);
    w->opt.arena_bytes = bytes;
    w->dopt.cid = w->sopt.cid = true;
    w->sopt.cid_len = 4;
    if (cut)
        w->sopt.mtu = 300;
    assert_err(dworld_open(w), IOT_OK);
    iot_err err = dworld_run(w);
    if (err == IOT_OK)
        dworld_talk(w);
    else if (err != IOT_ERR_TLS_MEMORY)
        fail_msg("%u bytes: %s", (unsigned)bytes, iot_err_name(err));
    for (uint32_t i = bytes; i < sizeof w->arena; i++)
        assert_int_equal(w->arena[i], 0xa5);
    if (err != IOT_OK)
        dworld_end(w);
    return err == IOT_OK;
}

static void too_little_memory_is_named_and_enough_is_known(void **state)
{
    static const struct {
        const char *name;
        bool cert, cut;
    } kinds[] = {{"PSK", false, false},
                 {"ECDHE-ECDSA, small leaf", true, false},
                 {"ECDHE-ECDSA, small leaf in pieces of 300", true, true}};
    (void)state;
    for (uint32_t k = 0; k < COUNT(kinds); k++) {
        uint32_t no = 1024, yes = DGRAM_WORLD_ARENA - 8;
        while (yes - no > 8) {
            uint32_t middle = (no + yes) / 2 & ~7u;
            bool works = works_with(middle, kinds[k].cert, kinds[k].cut);
            if (works)
                dworld_end(w);
            *(works ? &yes : &no) = middle;
        }
        assert_true(works_with(yes, kinds[k].cert, kinds[k].cut));
        struct iot_tls_memory m;
        iot_tls_core_memory(&w->dtls.core, &m);
        print_message("DTLS arena, records of %u/%u, %-40s least %u, peak %u, connected %u\n",
                      IOT_TLS_RX_BYTES, IOT_TLS_TX_BYTES, kinds[k].name, (unsigned)yes,
                      (unsigned)m.high, (unsigned)m.used);
        dworld_end(w);
    }
    dworld_init(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(options_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(without_options_of_its_own_it_has_the_usual_ones, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_happens_before_it_is_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(opening_waits_for_what_is_below, setup, teardown),
        cmocka_unit_test_setup_teardown(what_fails_below_is_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(it_may_be_closed_at_any_time, setup, teardown),
        cmocka_unit_test_setup_teardown(without_chance_there_is_no_handshake, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_never_answers_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_may_have_a_source, setup, teardown),
        cmocka_unit_test_setup_teardown(too_little_memory_is_named_and_enough_is_known, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
