/* SPDX-License-Identifier: Apache-2.0 */
/* A DTLS association that is up: data, what is not authentic, another address, slow carriers, and its end. */
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

static uint32_t served(char *into, uint32_t cap)
{
    uint32_t n = 0, from;
    if (!dtls_server_read(w->server, &from, (uint8_t *)into, cap - 1, &n))
        return UINT32_MAX;
    into[n] = '\0';
    return n;
}

static void assert_served(const char *text)
{
    char got[256];
    assert_true(served(got, sizeof got) != UINT32_MAX);
    assert_string_equal(got, text);
}

/* What the server has to say, taken from the wire. */
static struct iot_bytes from_server(const char *text)
{
    static uint8_t bytes[4][DTLS_SERVER_DATAGRAM_MAX];
    static uint32_t turn;
    uint8_t *into = bytes[turn++ % 4];
    uint32_t to;
    assert_true(dtls_server_write(w->server, w->address, text_bytes(text)));
    uint32_t n = dtls_server_out(w->server, &to, into, DTLS_SERVER_DATAGRAM_MAX);
    assert_true(n != 0);
    return (struct iot_bytes){into, n};
}

/* ---- What is not authentic --------------------------------------------------------------- */

static void what_came_once_never_comes_again(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        dworld_init(w);
        if (kind != 0)
            dworld_by_certificate(w);
        if (kind == 2)
            w->dopt.mtu = w->sopt.mtu = 200;
        dworld_connect(w);
        dworld_talk(w);
        uint32_t count = w->count, dropped = iot_dtls_dropped(&w->dtls);
        for (uint32_t i = 0; i < count; i++) {
            if (w->log[i].ours)
                continue;
            stub_dgram_receive(&w->stub, (struct iot_bytes){w->log[i].bytes, w->log[i].len});
            assert_null(dworld_hear(w));
            assert_int_equal(iot_dtls_dropped(&w->dtls), ++dropped);
            assert_int_equal(w->count, count); /* and nobody is told */
        }
        assert_true(dropped >= 4);
        dworld_talk(w);
        dworld_end(w);
    }
    dworld_init(w);
}

/* By a session our flight is the last: until the server says something it may have to be sent again. */
static void a_last_flight_is_repeated_when_the_server_repeats_its_own(void **state)
{
    (void)state;
    w->opt.session_key = WORLD_SESSION;
    w->sopt.resume = DTLS_SERVER_RESUME_TICKET;
    dworld_connect(w);
    dworld_talk(w);
    dworld_close(w);
    w->count = 0;
    w->trick = WIRE_LOSE;
    w->trick_at = 5;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), IOT_OK);
    assert_int_equal(w->count, 5);
    assert_true(w->log[4].ours);
    assert_false(dtls_server_up(w->server, w->address));
    assert_true(dworld_say(w, "early")); /* cannot be understood yet, and is lost: datagrams are */
    dworld_idle(w, 1100);
    assert_true(dtls_server_up(w->server, w->address));
    dworld_talk(w);
    for (uint32_t i = 0, count = w->count; i < count; i++) /* then never again */
        if (!w->log[i].ours)
            stub_dgram_receive(&w->stub, (struct iot_bytes){w->log[i].bytes, w->log[i].len});
    uint32_t count = w->count;
    assert_null(dworld_hear(w));
    assert_int_equal(w->count, count);
}

static void what_is_changed_on_the_way_is_dropped(void **state)
{
    (void)state;
    w->dopt.cid = w->sopt.cid = true;
    w->sopt.cid_len = 3;
    dworld_connect(w);
    struct iot_bytes good = from_server("genuine");
    uint32_t dropped = iot_dtls_dropped(&w->dtls);
    uint8_t bad[256];
    assert_true(good.len < sizeof bad);
    for (uint32_t i = 0; i < good.len; i++)
        for (uint32_t bit = 0; bit < 8; bit++) {
            memcpy(bad, good.ptr, good.len);
            bad[i] ^= (uint8_t)(1u << bit);
            /* its version stands in no sum until the length of records does: mbedTLS has it in there, too */
            stub_dgram_receive(&w->stub, (struct iot_bytes){bad, good.len});
            assert_null(dworld_hear(w));
            assert_int_equal(iot_dtls_dropped(&w->dtls), ++dropped);
        }
    for (uint32_t n = 0; n < good.len; n++) {
        stub_dgram_receive(&w->stub, (struct iot_bytes){good.ptr, n});
        assert_null(dworld_hear(w));
    }
    stub_dgram_receive(&w->stub, good);
    assert_string_equal(dworld_hear(w), "genuine");
    dworld_talk(w);
}

static void plain_alerts_and_garbage_change_nothing(void **state)
{
    static const struct iot_bytes forged[] = {
        {(const uint8_t *)"\x15\xfe\xfd\0\0\0\0\0\0\0\x09\0\x02\x02\x28", 15},
        {(const uint8_t *)"\x15\xfe\xfd\0\0\0\0\0\0\0\x0a\0\x02\x01\x00", 15},
        {(const uint8_t *)"\x15\xfe\xfd\0\x01\0\0\0\0\0\x50\0\x02\x02\x28", 15},
        {(const uint8_t *)"\x15\xfe\xfd\0\x02\0\0\0\0\0\x01\0\x02\x02\x28", 15},
        {(const uint8_t *)"\x16\xfe\xfd\0\0\0\0\0\0\0\x0b\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 25},
        {(const uint8_t *)"\x14\xfe\xfd\0\0\0\0\0\0\0\x0c\0\x01\x01", 14},
        {(const uint8_t *)"\x14\xfe\xfd\0\x01\0\0\0\0\0\x51\0\x01\x01", 14},
        {(const uint8_t *)"\x19\xfe\xfd\0\x01\0\0\0\0\0\x51\0\x01\x01", 14},
        {(const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18},
        {(const uint8_t *)"\x60\x45\x00\x01", 4}, /* CoAP, in the clear */
    };
    (void)state;
    dworld_connect(w);
    for (uint32_t i = 0; i < COUNT(forged); i++) {
        uint32_t dropped = iot_dtls_dropped(&w->dtls), count = w->count;
        stub_dgram_receive(&w->stub, forged[i]);
        assert_null(dworld_hear(w));
        assert_int_equal(iot_dtls_dropped(&w->dtls), dropped + 1);
        assert_int_equal(w->count, count);
    }
    dworld_talk(w);
    static uint8_t large[STUB_DGRAM_BYTES];
    uint32_t dropped = iot_dtls_dropped(&w->dtls);
    stub_dgram_receive(&w->stub, (struct iot_bytes){large, sizeof large});
    assert_null(dworld_hear(w));
    assert_int_equal(iot_dtls_dropped(&w->dtls), dropped + 1);
    dworld_talk(w);
}

static void late_records_count_within_64(void **state)
{
    static uint8_t late[2][256];
    uint32_t len[2];
    (void)state;
    dworld_connect(w);
    for (uint32_t i = 0; i < 2; i++) {
        struct iot_bytes d = from_server(i == 0 ? "65 behind" : "64 behind");
        memcpy(late[i], d.ptr, len[i] = d.len);
    }
    for (uint32_t i = 0; i < 63; i++) {
        stub_dgram_receive(&w->stub, from_server("x"));
        assert_string_equal(dworld_hear(w), "x");
    }
    stub_dgram_receive(&w->stub, (struct iot_bytes){late[1], len[1]});
    assert_string_equal(dworld_hear(w), "64 behind");
    stub_dgram_receive(&w->stub, from_server("y"));
    assert_string_equal(dworld_hear(w), "y");
    stub_dgram_receive(&w->stub, (struct iot_bytes){late[0], len[0]});
    assert_null(dworld_hear(w));
}

/* ---- Data -------------------------------------------------------------------------------- */

static void one_datagram_is_read_per_tick(void **state)
{
    uint8_t got[16];
    uint32_t n;
    (void)state;
    dworld_connect(w);
    for (uint32_t i = 0; i < 3; i++)
        stub_dgram_receive(&w->stub, from_server("abc"));
    for (uint32_t i = 0; i < 3; i++) {
        assert_err(dworld_poll(w), IOT_OK);
        assert_err(w->dtls.base.ops->read(&w->dtls.base, got, sizeof got, &n), IOT_OK);
        assert_int_equal(n, 3);
        assert_err(w->dtls.base.ops->read(&w->dtls.base, got, sizeof got, &n), IOT_ERR_AGAIN);
        assert_true(w->wake); /* there may be more */
    }
    assert_err(dworld_poll(w), IOT_OK);
    assert_err(w->dtls.base.ops->read(&w->dtls.base, got, sizeof got, &n), IOT_ERR_AGAIN);
    assert_false(w->wake);
}

static void records_may_share_a_datagram(void **state)
{
    uint8_t both[512];
    uint32_t n = 0;
    (void)state;
    dworld_connect(w);
    for (uint32_t i = 0; i < 2; i++) {
        struct iot_bytes d = from_server(i == 0 ? "one" : "two");
        memcpy(both + n, d.ptr, d.len);
        n += d.len;
    }
    struct iot_bytes old = from_server("three");
    stub_dgram_receive(&w->stub, old);
    assert_string_equal(dworld_hear(w), "three");
    memcpy(both + n, old.ptr, old.len); /* which was there */
    n += old.len;
    stub_dgram_receive(&w->stub, (struct iot_bytes){both, n});
    assert_string_equal(dworld_hear(w), "one");
    assert_string_equal(dworld_hear(w), "two");
    assert_null(dworld_hear(w));
    dworld_talk(w);
}

static void records_without_bytes_are_nothing(void **state)
{
    (void)state;
    dworld_connect(w);
    for (uint32_t i = 0; i < 8; i++) {
        struct iot_bytes d = from_server("");
        stub_dgram_receive(&w->stub, d);
        assert_null(dworld_hear(w));
    }
    dworld_talk(w);
}

static void what_does_not_fit_is_gone_whole(void **state)
{
    uint8_t got[4];
    uint32_t n = 0;
    (void)state;
    dworld_connect(w);
    stub_dgram_receive(&w->stub, from_server("a long one, longer than the room for it"));
    stub_dgram_receive(&w->stub, from_server("next"));
    assert_err(dworld_poll(w), IOT_OK);
    assert_err(w->dtls.base.ops->read(&w->dtls.base, got, 0, &n), IOT_ERR_AGAIN);
    assert_err(w->dtls.base.ops->read(&w->dtls.base, got, sizeof got, &n), IOT_ERR_SIZE);
    assert_int_equal(n, 39);
    assert_err(dworld_poll(w), IOT_OK);
    assert_err(w->dtls.base.ops->read(&w->dtls.base, got, sizeof got, &n), IOT_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(got, "next", 4);
}

static void no_datagram_is_larger_than_the_path(void **state)
{
    static uint8_t bytes[4096];
    static const uint16_t mtus[] = {0, 128, 600, 1152, 1400};
    static char got[4096];
    (void)state;
    for (uint32_t i = 0; i < COUNT(mtus); i++) {
        dworld_init(w);
        w->dopt.mtu = mtus[i];
        w->dopt.cid = w->sopt.cid = true;
        w->sopt.cid_len = 8;
        assert_int_equal(w->dtls.base.ops->room(&w->dtls.base), 0);
        dworld_connect(w);
        uint32_t mtu = mtus[i] != 0 ? mtus[i] : 1200, room = w->dtls.base.ops->room(&w->dtls.base);
        if (mtu <= IOT_TLS_TX_BYTES && mtu <= IOT_TLS_RX_BYTES)
            assert_in_range(room, mtu - 60, mtu - 29); /* head, connection ID, nonce, tag, type */
        memset(bytes, 'x', sizeof bytes);
        assert_err(
            w->dtls.base.ops->write(&w->dtls.base, (struct iot_bytes){bytes, room + 1}, w->now),
            IOT_ERR_SIZE);
        assert_err(w->dtls.base.ops->write(&w->dtls.base, (struct iot_bytes){bytes, room}, w->now),
                   IOT_OK);
        uint32_t at = w->count;
        dworld_settle(w);
        assert_int_equal(w->count, at + 1);
        assert_in_range(w->log[at].len, room + 20, mtu);
        assert_int_equal(served(got, sizeof got), room);
        dworld_end(w);
    }
    dworld_init(w);
}

static void a_carrier_without_room_gets_it_later_and_in_order(void **state)
{
    (void)state;
    dworld_connect(w);
    w->stub.write_budget = 0;
    assert_true(dworld_say(w, "first")); /* encrypted, and waits */
    assert_false(dworld_say(w, "second"));
    assert_false(dworld_say(w, "third"));
    assert_err(dworld_poll(w), IOT_OK);
    stub_dgram_allow(&w->stub, 1);
    assert_err(dworld_settle(w), IOT_OK);
    assert_served("first");
    assert_true(dworld_say(w, "second"));
    assert_false(dworld_say(w, "third"));
    stub_dgram_allow(&w->stub, 2);
    assert_true(dworld_say(w, "third"));
    assert_served("second");
    assert_served("third");
    w->stub.write_budget = UINT32_MAX;
    dworld_talk(w);
}

/* ---- Addresses --------------------------------------------------------------------------- */

static void with_a_connection_id_another_address_is_the_same_peer(void **state)
{
    static const uint8_t lens[] = {1, 4, 8};
    (void)state;
    for (uint32_t i = 0; i < COUNT(lens); i++) {
        dworld_init(w);
        w->dopt.cid = w->sopt.cid = true;
        w->sopt.cid_len = lens[i];
        dworld_connect(w);
        dworld_talk(w);
        w->address = 2;
        dworld_talk(w);
        w->address = 3;
        dworld_talk(w);
        struct dtls_server_info info;
        assert_true(dtls_server_info(w->server, 3, &info));
        assert_true(info.cid && info.moved == 2 && info.cid_out == 0);
        assert_int_equal(dtls_server_counts(w->server).handshakes, 1);
        for (uint32_t k = 0; k < w->count; k++) /* RFC 9146: protected records say so */
            if (w->log[k].ours && w->log[k].bytes[4] != 0)
                assert_int_equal(w->log[k].bytes[0], 25);
        dworld_end(w);
    }
    dworld_init(w);
}

static void without_one_it_is_a_stranger_until_the_next_handshake(void **state)
{
    char got[8];
    (void)state;
    for (int who = 0; who < 3; who++) { /* nobody offers, we alone, the server alone */
        dworld_init(w);
        w->dopt.cid = who == 1;
        w->sopt.cid = who == 2;
        w->sopt.cid_len = 4;
        dworld_connect(w);
        w->address = 2;
        assert_true(dworld_say(w, "who am I"));
        assert_int_equal(served(got, sizeof got), UINT32_MAX);
        assert_null(dworld_hear(w));
        w->dtls.base.ops->abort(&w->dtls.base);
        dworld_connect(w);
        dworld_talk(w);
        dworld_end(w);
    }
    dworld_init(w);
}

static void a_server_that_forgot_us_is_silent_and_a_new_handshake_helps(void **state)
{
    char got[8];
    (void)state;
    dworld_connect(w);
    dtls_server_forget(w->server);
    assert_true(dworld_say(w, "hello"));
    dworld_idle(w, 60000);
    assert_int_equal(served(got, sizeof got), UINT32_MAX);
    assert_err(dworld_poll(w), IOT_OK);
    dworld_close(w);
    dworld_connect(w);
    dworld_talk(w);
}

/* ---- Its end ----------------------------------------------------------------------------- */

static void farewell_is_said_once(void **state)
{
    struct dtls_server_info info;
    (void)state;
    dworld_connect(w);
    uint32_t count = w->count;
    w->dtls.base.ops->close(&w->dtls.base, w->now + 1000);
    w->dtls.base.ops->close(&w->dtls.base, w->now + 1000);
    assert_false(dworld_say(w, "too late"));
    assert_err(dworld_run(w), IOT_ERR_CLOSED);
    assert_int_equal(w->count, count + 1);
    assert_true(dtls_server_info(w->server, w->address, &info));
    assert_true(info.closed && !info.up);
    assert_int_equal(w->stub.closes_asked, 1);
    dworld_connect(w);
    w->stub.write_budget = 0; /* no room: it is not waited for */
    dworld_close(w);
}

static void farewell_of_the_server_ends_it(void **state)
{
    (void)state;
    dworld_connect(w);
    dtls_server_close(w->server, w->address);
    assert_null(dworld_hear(w));
    assert_err(dworld_poll(w), IOT_ERR_TLS_CLOSED);
    assert_err(dworld_poll(w), IOT_ERR_TLS_CLOSED);
    dworld_connect(w);
    dworld_talk(w);
}

static void record_numbers_do_not_run_out_unnoticed(void **state)
{
    (void)state;
    for (uint8_t last = 0xfe; last != 0; last++) {
        dworld_init(w);
        dworld_connect(w);
        uint8_t *number = w->dtls.core.state->ssl.MBEDTLS_PRIVATE(cur_out_ctr);
        memset(number + 2, 0xff, 6);
        number[4] = last;
        bool worn = last == 0xff;
        assert_int_equal(dworld_say(w, "on"), !worn);
        assert_err(dworld_poll(w), worn ? IOT_ERR_DTLS_WORN : IOT_OK);
        if (worn)
            dworld_connect(w);
        dworld_end(w);
    }
    dworld_init(w);
}

static void what_ends_below_ends_it_by_name(void **state)
{
    (void)state;
    dworld_connect(w);
    stub_dgram_end(&w->stub, IOT_ERR_UDP_ROUTE, -4);
    assert_err(dworld_poll(w), IOT_ERR_UDP_ROUTE);
    assert_int_equal(w->dtls.base.ops->detail(&w->dtls.base), -4);
    assert_err(dworld_poll(w), IOT_ERR_UDP_ROUTE);
    assert_false(dworld_say(w, "x"));
    dworld_connect(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_came_once_never_comes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_last_flight_is_repeated_when_the_server_repeats_its_own,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_changed_on_the_way_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_alerts_and_garbage_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(late_records_count_within_64, setup, teardown),
        cmocka_unit_test_setup_teardown(one_datagram_is_read_per_tick, setup, teardown),
        cmocka_unit_test_setup_teardown(records_may_share_a_datagram, setup, teardown),
        cmocka_unit_test_setup_teardown(records_without_bytes_are_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_gone_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(no_datagram_is_larger_than_the_path, setup, teardown),
        cmocka_unit_test_setup_teardown(a_carrier_without_room_gets_it_later_and_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(with_a_connection_id_another_address_is_the_same_peer,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(without_one_it_is_a_stranger_until_the_next_handshake,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_that_forgot_us_is_silent_and_a_new_handshake_helps,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(farewell_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(farewell_of_the_server_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(record_numbers_do_not_run_out_unnoticed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_below_ends_it_by_name, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
