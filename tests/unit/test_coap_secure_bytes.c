/* SPDX-License-Identifier: Apache-2.0 */
/* What comes to the socket of a server's DTLS: in pieces, of others, and nonsense. */
#include "serve_world.h"

/* ---- Bytes of others --------------------------------------------------------------------- */

static void a_record_from_another_address_is_nobodys(void **state)
{
    (void)state;
    join(&clients[0]);
    join(&clients[1]);
    assert_err(clients[0].dtls.base.ops->write(&clients[0].dtls.base, ask_light(9), now), IOT_OK);
    struct iot_bytes record = catch (&clients[0]);
    struct iot_peer other = clients[0].peer;
    other.port++;
    uint32_t before = called, dropped = counters().dropped;
    send_as(&other, record);
    send_as(&clients[1].peer, record);
    assert_int_equal(called, before);
    assert_int_equal(counters().dropped, dropped + 2);
    assert_null(stub_parcel_take(&secure.tx));
    send_as(&clients[0].peer, record);
    assert_int_equal(called, before + 1);
    send_as(&clients[0].peer, record); /* twice */
    assert_int_equal(called, before + 1);
    assert_int_equal(counters().dropped, dropped + 3);
    forget_sent();
    assert_true(serves(&clients[1], 2));
}

static void garbage_disturbs_nobody(void **state)
{
    uint32_t chance = 7;
    (void)state;
    join(&clients[0]);
    struct iot_peer stranger = peer_number(77);
    for (uint32_t i = 0; i < 3000; i++) {
        uint8_t bytes[200];
        for (uint32_t k = 0; k < sizeof bytes; k++) {
            chance = chance * 1664525u + 1013904223u;
            bytes[k] = (uint8_t)(chance >> 24);
        }
        if (i % 3 != 0) { /* with a head that is right */
            static const uint8_t head[] = {0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0};
            memcpy(bytes + 1, head, sizeof head);
            bytes[0] = (uint8_t)(20 + i % 6);
            bytes[4] = i % 2;
            bytes[12] = (uint8_t)(sizeof bytes - 13);
        }
        send_as(i % 2 ? &clients[0].peer : &stranger, (struct iot_bytes){bytes, i % sizeof bytes});
        if (i % 500 == 0)
            assert_true(serves(&clients[0], (uint8_t)i));
    }
    assert_true(serves(&clients[0], 200));
    assert_int_equal(sessions(), 1);
    forget_sent();
}

static void what_was_sent_to_many_is_not_looked_at(void **state)
{
    (void)state;
    struct iot_bytes hello = proven_hello(&clients[0]);
    stub_socket_receive(&secure, &clients[0].peer, hello, true);
    turn_all();
    assert_int_equal(sessions(), 0);
    assert_null(stub_parcel_take(&secure.tx));
}

/* ---- More than one thing at a time ------------------------------------------------------- */

/* As some clients send their last flight: in more than one datagram, all at once. */
static void a_flight_may_come_in_many_datagrams(void **state)
{
    static const struct iot_dtls_options small = {.mtu = 128};
    (void)state;
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        iot_dtls_init(&clients[i].dtls, &clients[i].stub.base, &clients[i].opt, &small, &port);
        clients[i].dtls.base.wake = &clients[i].wake;
        clients[i].opt.psk_identity =
            BYTES("lamp with a name that is quite a bit longer than a lamp's");
        open_client(&clients[i]);
    }
    iot_time began = now;
    settle();
    assert_true(now == began); /* nothing had to be said again */
    for (uint8_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        assert_err(clients[i].err, IOT_OK);
        assert_true(serves(&clients[i], i));
    }
    assert_int_equal(counters().dropped, 0);
    assert_true(secure.reads >=
                IOT_COAP_SESSIONS * 5); /* hello twice, two of a flight, and a question */
}

static void a_datagram_may_have_many_records(void **state)
{
    uint8_t all[STUB_SOCKET_BYTES];
    uint32_t len = 0;
    (void)state;
    join(&clients[0]);
    join(&clients[1]);
    for (uint8_t id = 1; id <= 5; id++) {
        struct iot_dgram *d = &clients[0].dtls.base;
        assert_err(d->ops->write(d, ask_light(id), now), IOT_OK);
        struct iot_bytes record = catch (&clients[0]);
        memcpy(all + len, record.ptr, record.len);
        len += record.len;
    }
    stub_socket_receive(&secure, &clients[0].peer, (struct iot_bytes){all, len}, false);
    struct iot_dgram *other = &clients[1].dtls.base;
    assert_err(other->ops->write(other, ask_light(9), now), IOT_OK);
    stub_socket_receive(&secure, &clients[1].peer, catch (&clients[1]), false);
    for (uint32_t i = 1; i <= 5; i++) { /* one per tick, and the other's has to wait */
        tick();
        assert_int_equal(called, i);
        assert_memory_equal(&last_call.peer, &clients[0].peer, sizeof last_call.peer);
    }
    turn_all();
    assert_int_equal(called, 6);
    assert_memory_equal(&last_call.peer, &clients[1].peer, sizeof last_call.peer);
    assert_int_equal(secure.tx.count, 6);
    forget_sent();
}

/* The clients' tick is not the server's: what one of them sends at once is digested one by one. */
static void a_tick_digests_one_of_each_socket(void **state)
{
    struct iot_peer who = peer_number(50);
    (void)state;
    join(&clients[0]);
    for (uint8_t id = 1; id <= 8; id++) {
        struct iot_dgram *d = &clients[0].dtls.base;
        assert_err(d->ops->write(d, ask_light(id), now), IOT_OK);
        stub_socket_receive(&secure, &clients[0].peer, catch (&clients[0]), false);
        stub_socket_receive(&plain, &who, ask_light(id), false);
    }
    uint32_t secure_before = secure.reads, plain_before = plain.reads;
    for (uint32_t i = 1; i <= 8; i++) {
        assert_true(wake || iot_coap_server_deadline(&server) == 0);
        tick();
        assert_int_equal(secure.reads, secure_before + i);
        assert_int_equal(plain.reads, plain_before + i);
        assert_int_equal(called, 2 * i);
    }
    forget_sent();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, serve_setup, serve_teardown)
        TEST(a_record_from_another_address_is_nobodys), TEST(garbage_disturbs_nobody),
        TEST(what_was_sent_to_many_is_not_looked_at),   TEST(a_flight_may_come_in_many_datagrams),
        TEST(a_datagram_may_have_many_records),         TEST(a_tick_digests_one_of_each_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
