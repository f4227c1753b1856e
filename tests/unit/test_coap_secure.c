/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of a server's DTLS: who gets one, whose place he takes, and who gets none. */
#include "serve_world.h"

#define IDLE 60000u

/* ---- One --------------------------------------------------------------------------------- */

static void a_client_is_served(void **state)
{
    (void)state;
    join(&clients[0]);
    for (uint8_t id = 1; id < 20; id++)
        assert_true(serves(&clients[0], id));
    assert_true(last_call.secure);
    assert_string_equal(last_identity, "lamp0");
    assert_memory_equal(&last_call.peer, &clients[0].peer, sizeof last_call.peer);
    assert_int_equal(counters().handshakes, 1);
    assert_int_equal(counters().dropped, 0);
}

static void before_a_cookie_comes_back_nothing_is_kept(void **state)
{
    (void)state;
    open_client(&clients[0]);
    struct iot_bytes hello = catch (&clients[0]);
    memset(arena, 0xee, sizeof arena);
    for (uint32_t i = 0; i < 1000; i++) {
        struct iot_peer peer = peer_number(i);
        peer.addr[3] = (uint8_t)(i >> 8);
        send_as(&peer, hello);
        const struct stub_parcel *p = stub_parcel_take(&secure.tx);
        assert_non_null(p);
        assert_true(p->len <= hello.len);
        assert_memory_equal(&p->peer, &peer, sizeof peer);
        assert_null(stub_parcel_take(&secure.tx));
    }
    assert_int_equal(sessions(), 0);
    for (uint32_t i = 0; i < sizeof arena; i++)
        assert_int_equal(arena[i], 0xee);
    memset(arena, 0, sizeof arena);
    assert_int_equal(randoms, 2); /* the server's secret, and the client's own */
}

static void a_cookie_of_another_peer_is_none(void **state)
{
    (void)state;
    struct iot_bytes hello = proven_hello(&clients[0]);
    struct iot_peer others[3] = {clients[0].peer, clients[0].peer, clients[0].peer};
    others[0].port++;
    others[1].addr[3]++;
    others[2].family = 6;
    for (uint32_t i = 0; i < COUNT(others); i++) {
        send_as(&others[i], hello);
        const struct stub_parcel *p = stub_parcel_take(&secure.tx);
        assert_non_null(p);
        assert_int_equal(p->len, IOT_TLS_HELLO_VERIFY_BYTES);
        assert_int_equal(sessions(), 0);
    }
    send_as(&clients[0].peer, hello);
    assert_int_equal(sessions(), 1);
    forget_sent();
}

static void a_cookie_is_good_for_a_minute_or_two(void **state)
{
    (void)state;
    static const uint32_t after[] = {59000, 119000, 121000, 3600000};
    for (uint32_t i = 0; i < COUNT(after); i++) {
        serve_setup(NULL);
        struct iot_bytes hello = proven_hello(&clients[0]);
        now += after[i] / 2; /* others come meanwhile */
        (void)proven_hello(&clients[1]);
        now += after[i] - after[i] / 2;
        send_as(&clients[0].peer, hello);
        assert_int_equal(sessions(), after[i] < 120000);
        forget_sent();
        serve_teardown(NULL);
        serve_setup(NULL);
        hello = proven_hello(&clients[0]);
        now += after[i]; /* nobody */
        send_as(&clients[0].peer, hello);
        assert_int_equal(sessions(), after[i] < 120000);
        forget_sent();
        serve_teardown(NULL);
    }
    serve_setup(NULL);
}

static void the_same_hello_again_is_of_the_same_handshake(void **state)
{
    (void)state;
    struct iot_bytes hello = proven_hello(&clients[0]);
    send_as(&clients[0].peer, hello);
    uint32_t number = server.secure.sessions[0].number;
    assert_true(number != 0);
    forget_sent(); /* its answer is lost */
    send_as(&clients[0].peer, hello);
    assert_int_equal(server.secure.sessions[0].number, number);
    assert_int_equal(sessions(), 1);
    settle(); /* it was said once more */
    assert_err(clients[0].err, IOT_OK);
    assert_true(serves(&clients[0], 1));
    send_as(&clients[0].peer, hello); /* and late */
    assert_true(serves(&clients[0], 2));
    assert_int_equal(server.secure.sessions[0].number, number);
}

static void without_chance_a_hello_is_lost(void **state)
{
    (void)state;
    turn_all();
    struct iot_bytes hello = proven_hello(&clients[0]);
    random_says = IOT_ERR_AGAIN;
    send_as(&clients[0].peer, hello);
    random_says = IOT_OK;
    pass(2500);
    assert_err(clients[0].err, IOT_OK);
    assert_true(serves(&clients[0], 1));
}

/* ---- More than there is room for --------------------------------------------------------- */

static void fill(void)
{
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        join(&clients[i]);
    assert_int_equal(sessions(), IOT_COAP_SESSIONS);
}

static void one_too_many_waits_until_one_was_silent_long_enough(void **state)
{
    (void)state;
    struct client *last = &clients[IOT_COAP_SESSIONS];
    fill();
    pass(IDLE / 2);
    for (uint8_t i = 1; i < IOT_COAP_SESSIONS; i++)
        assert_true(serves(&clients[i], i)); /* all but the first */
    open_client(last);
    pass(20000);
    assert_err(last->err, IOT_ERR_AGAIN);
    assert_true(counters().dropped > 2);
    pass(IDLE / 2 - 20000);
    drop_client(last);
    join(last); /* now the first is silent for a minute */
    assert_true(serves(last, 1));
    for (uint8_t i = 1; i < IOT_COAP_SESSIONS; i++)
        assert_true(serves(&clients[i], (uint8_t)(i + 10)));
    assert_false(serves(&clients[0], 1));
}

static void a_handshake_that_does_not_go_on_gives_place(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        send_as(&clients[i].peer, proven_hello(&clients[i]));
        clients[i].deaf = true;
        forget_sent();
    }
    assert_int_equal(sessions(), IOT_COAP_SESSIONS);
    struct client *last = &clients[IOT_COAP_SESSIONS];
    open_client(last);
    pass(9000);
    assert_err(last->err, IOT_ERR_AGAIN);
    pass(9000);
    assert_err(last->err, IOT_OK);
    assert_true(serves(last, 1));
    pass(30000); /* the others end by themselves */
    assert_int_equal(sessions(), 1);
}

static void of_one_host_half_are_unfinished_handshakes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        memcpy(clients[i].peer.addr, clients[0].peer.addr, sizeof clients[0].peer.addr);
    send_as(&clients[0].peer, proven_hello(&clients[0]));
    clients[0].deaf = true;
    forget_sent();
    open_client(&clients[1]);
    pass(2000);
    assert_err(clients[1].err, IOT_ERR_AGAIN); /* waits, though there is a place */
    assert_int_equal(sessions(), 1);
    join(&clients[4]); /* another's */
    assert_true(serves(&clients[4], 1));
    pass(14000);
    assert_err(clients[1].err, IOT_OK); /* the first has not gone on for long */
    assert_true(serves(&clients[1], 2));
}

static void of_one_host_all_may_be_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        memcpy(clients[i].peer.addr, clients[0].peer.addr, sizeof clients[0].peer.addr);
        join(&clients[i]);
    }
    assert_int_equal(sessions(), IOT_COAP_SESSIONS);
}

/* ---- A client that has lost its end ------------------------------------------------------ */

static void reboot(struct client *c)
{
    drop_client(c);
    init_client((uint32_t)(c - clients));
}

static void who_begins_anew_for_ever_does_not_keep_his_place(void **state)
{
    (void)state;
    struct client *last = &clients[IOT_COAP_SESSIONS];
    for (uint32_t round = 0; round < 8; round++) {
        for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
            reboot(&clients[i]);
            send_as(&clients[i].peer, proven_hello(&clients[i]));
            clients[i].deaf = true;
            forget_sent();
        }
        if (round == 0)
            open_client(last);
        pass(4000);
    }
    assert_err(last->err, IOT_OK);
    assert_true(serves(last, 1));
}

static void the_old_session_serves_until_the_new_one_is_up(void **state)
{
    (void)state;
    join(&clients[0]);
    assert_true(serves(&clients[0], 1));
    uint32_t old = server.secure.sessions[0].number;

    /* Somebody with its address, and without its key: as far as he comes, the old one goes on. */
    struct client *thief = &clients[1];
    thief->peer = clients[0].peer;
    thief->opt.psk = BYTES("another key here");
    clients[0].deaf = true;
    open_client(thief);
    settle();
    assert_err(thief->err, IOT_ERR_AGAIN);
    assert_int_equal(sessions(), 2);
    thief->deaf = true;
    clients[0].deaf = false;
    assert_true(serves(&clients[0], 2));
    assert_int_equal(server.secure.sessions[0].number, old);
    drop_client(thief);
    pass(35000);
    assert_int_equal(sessions(), 1);
    assert_true(serves(&clients[0], 3));

    init_client(1);
    reboot(&clients[0]);
    join(&clients[0]);
    assert_true(serves(&clients[0], 4));
    assert_int_equal(sessions(), 1);
    assert_int_equal(server.secure.sessions[0].number, 0);
    assert_int_equal(counters().handshakes, 2);
}

/* The same, where the handshake is the first that is asked whose records they are. */
static void what_is_of_the_old_session_is_not_the_new_ones(void **state)
{
    (void)state;
    join(&clients[0]);
    join(&clients[1]);
    assert_true(serves(&clients[1], 1));
    clients[0].dtls.base.ops->close(&clients[0].dtls.base, now + 1000);
    settle();
    assert_int_equal(server.secure.sessions[0].number, 0);
    struct client *thief = &clients[2];
    thief->peer = clients[1].peer;
    clients[1].deaf = true;
    send_as(&thief->peer, proven_hello(thief));
    forget_sent();
    clients[1].deaf = false;
    assert_int_equal(sessions(), 2);
    for (uint8_t id = 2; id < 9; id++)
        assert_true(serves(&clients[1], id));
    assert_int_equal(called, 8);
}

static void without_a_free_one_it_gives_place_at_once(void **state)
{
    (void)state;
    fill();
    reboot(&clients[0]);
    join(&clients[0]);
    for (uint8_t i = 0; i < IOT_COAP_SESSIONS; i++)
        assert_true(serves(&clients[i], i));
}

static void a_handshake_begun_anew_takes_the_place_of_its_own(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        reboot(&clients[0]);
        send_as(&clients[0].peer, proven_hello(&clients[0]));
        forget_sent();
        assert_int_equal(sessions(), 1);
    }
    reboot(&clients[0]);
    join(&clients[0]);
    assert_true(serves(&clients[0], 1));
}

/* ---- Ends -------------------------------------------------------------------------------- */

static void who_says_good_bye_leaves_his_place(void **state)
{
    (void)state;
    fill();
    clients[0].dtls.base.ops->close(&clients[0].dtls.base, now + 1000);
    settle();
    assert_int_equal(sessions(), IOT_COAP_SESSIONS - 1);
    join(&clients[IOT_COAP_SESSIONS]);
    assert_true(serves(&clients[IOT_COAP_SESSIONS], 1));
}

static iot_err end_of(struct client *c)
{
    uint8_t none[8];
    uint32_t n;
    c->dtls.base.ops->poll(&c->dtls.base, now);
    c->dtls.base.ops->read(&c->dtls.base, none, sizeof none, &n);
    return c->dtls.base.ops->poll(&c->dtls.base, now);
}

static void silence_ends_it_with_a_word(void **state)
{
    (void)state;
    join(&clients[0]);
    assert_true(serves(&clients[0], 1));
    pass(10 * IDLE - 1);
    assert_int_equal(sessions(), 1);
    assert_true(serves(&clients[0], 2));
    pass(10 * IDLE - 1);
    assert_int_equal(sessions(), 1);
    pass(1);
    assert_int_equal(sessions(), 0);
    assert_err(end_of(&clients[0]), IOT_ERR_TLS_CLOSED);
}

static void the_times_are_the_options(void **state)
{
    (void)state;
    keys.idle_ms = 1000;
    join(&clients[0]);
    pass(9999);
    assert_int_equal(sessions(), 1);
    pass(1);
    assert_int_equal(sessions(), 0);
}

static void closing_tells_them_all(void **state)
{
    (void)state;
    fill();
    open_client(&clients[IOT_COAP_SESSIONS]);
    iot_coap_server_close(&server, true);
    turn_all();
    carry();
    assert_true(iot_coap_server_idle(&server));
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        assert_err(end_of(&clients[i]), IOT_ERR_TLS_CLOSED);
    iot_coap_server_close(&server, false);
    reboot(&clients[0]);
    join(&clients[0]);
    assert_true(serves(&clients[0], 1));
}

/* ---- Memory ------------------------------------------------------------------------------ */

static void too_small_an_arena_serves_nobody_over_dtls(void **state)
{
    struct iot_peer who = peer_number(50);
    (void)state;
    keys.arena_bytes = IOT_COAP_SESSIONS * 4096;
    assert_true(iot_coap_secure_check(&options));
    iot_coap_server_begin(&server, &options, &port, &wake);
    open_client(&clients[0]);
    pass(20000);
    assert_err(clients[0].err, IOT_ERR_AGAIN);
    assert_int_equal(sessions(), 0);
    stub_socket_receive(&plain, &who, ask_light(50), false);
    turn_all();
    assert_non_null(stub_parcel_take(&plain.tx));
}

static void options_are_checked(void **state)
{
    (void)state;
    struct iot_coap_keys bad = keys;
    options.keys = &bad;
    assert_true(iot_coap_secure_check(&options));
    bad.key = NULL;
    assert_false(iot_coap_secure_check(&options));
    bad = keys;
    bad.arena = NULL;
    assert_false(iot_coap_secure_check(&options));
    bad.arena = arena + 4;
    assert_false(iot_coap_secure_check(&options));
    bad = keys;
    bad.arena_bytes = 64;
    assert_false(iot_coap_secure_check(&options));
    bad = keys;
    bad.mtu = 127;
    assert_false(iot_coap_secure_check(&options));
    bad.mtu = 128;
    assert_true(iot_coap_secure_check(&options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, serve_setup, serve_teardown)
        TEST(a_client_is_served),
        TEST(before_a_cookie_comes_back_nothing_is_kept),
        TEST(a_cookie_of_another_peer_is_none),
        TEST(a_cookie_is_good_for_a_minute_or_two),
        TEST(the_same_hello_again_is_of_the_same_handshake),
        TEST(without_chance_a_hello_is_lost),
        TEST(one_too_many_waits_until_one_was_silent_long_enough),
        TEST(a_handshake_that_does_not_go_on_gives_place),
        TEST(of_one_host_half_are_unfinished_handshakes),
        TEST(of_one_host_all_may_be_up),
        TEST(who_begins_anew_for_ever_does_not_keep_his_place),
        TEST(the_old_session_serves_until_the_new_one_is_up),
        TEST(what_is_of_the_old_session_is_not_the_new_ones),
        TEST(without_a_free_one_it_gives_place_at_once),
        TEST(a_handshake_begun_anew_takes_the_place_of_its_own),
        TEST(who_says_good_bye_leaves_his_place),
        TEST(silence_ends_it_with_a_word),
        TEST(the_times_are_the_options),
        TEST(closing_tells_them_all),
        TEST(too_small_an_arena_serves_nobody_over_dtls),
        TEST(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
