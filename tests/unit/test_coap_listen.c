/* SPDX-License-Identifier: Apache-2.0 */
/* The skin of a server without DTLS: sockets, chance, what one tick does, and its end. */
#include "serve_world.h"

static void receive(uint8_t id)
{
    struct iot_peer who = peer_number(id);
    stub_socket_receive(&plain, &who, ask_light(id), false);
}

static void assert_answered(uint8_t id)
{
    struct iot_peer who = peer_number(id);
    const struct stub_parcel *p = stub_parcel_take(&plain.tx);
    assert_non_null(p);
    assert_true(is_answer((struct iot_bytes){p->bytes, p->len}, id));
    assert_memory_equal(&p->peer, &who, sizeof who);
}

static void it_listens_from_the_first_tick_on(void **state)
{
    (void)state;
    assert_false(plain.is_open);
    assert_err(iot_coap_server_state(&server, NULL), IOT_OK);
    tick();
    assert_true(plain.is_open);
    assert_int_equal(plain.where.port, 5683);
    assert_true(plain.base.wake == &wake);
    turn_all();
    assert_int_equal(plain.opens, 1);
}

static void its_port_and_groups_are_the_options(void **state)
{
    static const char *const groups[] = {"224.0.1.187", NULL};
    (void)state;
    options.listen.port = 7000;
    options.listen.groups = groups;
    options.listen.netif = &now;
    iot_coap_server_begin(&server, &options, &port, &wake);
    tick();
    assert_int_equal(plain.where.port, 7000);
    assert_ptr_equal(plain.where.groups, groups);
    assert_ptr_equal(plain.where.netif, &now);
#if IOT_FEATURE_DTLS_SERVER
    assert_int_equal(secure.where.port, 7001);
    assert_null(secure.where.groups);
    assert_ptr_equal(secure.where.netif, &now);
#endif
}

static void what_comes_is_answered(void **state)
{
    (void)state;
    turn_all();
    receive(1);
    assert_true(wake);
    turn_all();
    assert_answered(1);
    assert_null(stub_parcel_take(&plain.tx));
    assert_false(last_call.secure);
    assert_int_equal(last_call.identity.len, 0);
}

static void a_tick_digests_one(void **state)
{
    (void)state;
    turn_all();
    for (uint8_t i = 1; i <= 20; i++)
        receive(i);
    for (uint8_t i = 1; i <= 20; i++) {
        assert_true(iot_coap_server_deadline(&server) == 0 || wake);
        tick();
        assert_int_equal(plain.reads, i);
        assert_answered(i);
    }
    turn_all();
    assert_true(iot_coap_server_deadline(&server) > now);
}

static void what_cannot_leave_is_lost_and_nobody_waits_for_it(void **state)
{
    (void)state;
    turn_all();
    plain.write_result = IOT_ERR_AGAIN;
    receive(1);
    turn_all();
    plain.write_result = IOT_OK;
    receive(2);
    turn_all();
    assert_answered(2);
    assert_null(stub_parcel_take(&plain.tx));
}

static void what_is_too_large_is_counted(void **state)
{
    static uint8_t large[STUB_SOCKET_BYTES];
    struct iot_coap_server_counters counters;
    struct iot_peer who = peer_number(1);
    (void)state;
    turn_all();
    stub_socket_receive(&plain, &who, (struct iot_bytes){large, sizeof large}, false);
    receive(2);
    turn_all();
    assert_answered(2);
    plain.lost = 5;
    iot_coap_server_counters(&server, &counters);
    assert_int_equal(counters.dropped, 6);
}

static void without_chance_nobody_is_served(void **state)
{
    (void)state;
    random_says = IOT_ERR_AGAIN;
    tick();
    assert_false(plain.is_open);
    iot_time next = iot_coap_server_deadline(&server);
    assert_true(next > now && next <= now + 100);
    now = next;
    tick();
    assert_int_equal(randoms, 2);
    random_says = IOT_ERR_RANDOM;
    now = iot_coap_server_deadline(&server);
    tick();
    assert_err(iot_coap_server_state(&server, NULL), IOT_ERR_RANDOM);
    assert_true(iot_coap_server_deadline(&server) == now + 1000);
    tick();
    assert_int_equal(randoms, 3); /* not more often */
    random_says = IOT_OK;
    now += 1000;
    tick();
    assert_err(iot_coap_server_state(&server, NULL), IOT_OK);
    receive(1);
    turn_all();
    assert_answered(1);
    assert_int_equal(randoms, 4);
}

static void a_socket_that_does_not_open_is_tried_each_second(void **state)
{
    int32_t detail = 0;
    (void)state;
    plain.open_result = IOT_ERR_UDP_MEMORY;
    for (uint32_t i = 1; i <= 5; i++) {
        tick();
        tick();
        assert_int_equal(plain.opens, i);
        assert_err(iot_coap_server_state(&server, &detail), IOT_ERR_UDP_MEMORY);
        assert_int_equal(detail, -8);
        assert_true(iot_coap_server_deadline(&server) == now + 1000);
        now += 1000;
    }
    plain.open_result = IOT_OK;
    tick();
    assert_err(iot_coap_server_state(&server, &detail), IOT_OK);
    assert_int_equal(detail, 0);
    receive(1);
    turn_all();
    assert_answered(1);
}

static void closed_it_may_be_used_again(void **state)
{
    (void)state;
    turn_all();
    assert_false(iot_coap_server_idle(&server));
    receive(1);
    iot_coap_server_close(&server, true);
    assert_true(wake);
    turn_all();
    assert_true(iot_coap_server_idle(&server));
    assert_false(plain.is_open);
    assert_null(stub_parcel_take(&plain.tx));
    iot_coap_server_close(&server, false);
    turn_all();
    assert_true(plain.is_open);
    receive(2);
    turn_all();
    assert_answered(2);
}

static void close_it(void)
{
    iot_coap_server_close(&server, true);
}

static void a_handler_may_close_the_device_and_its_answer_leaves(void **state)
{
    (void)state;
    turn_all();
    in_call = close_it;
    receive(1);
    tick();
    assert_answered(1);
    turn_all();
    assert_true(iot_coap_server_idle(&server));
    in_call = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, serve_setup, serve_teardown)
        TEST(it_listens_from_the_first_tick_on),
        TEST(its_port_and_groups_are_the_options),
        TEST(what_comes_is_answered),
        TEST(a_tick_digests_one),
        TEST(what_cannot_leave_is_lost_and_nobody_waits_for_it),
        TEST(what_is_too_large_is_counted),
        TEST(without_chance_nobody_is_served),
        TEST(a_socket_that_does_not_open_is_tried_each_second),
        TEST(closed_it_may_be_used_again),
        TEST(a_handler_may_close_the_device_and_its_answer_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
