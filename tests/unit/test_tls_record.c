/* SPDX-License-Identifier: Apache-2.0 */
/* How much of what a peer sends, and of what we write, is worked on in one tick; and that with all those
 * pauses no byte is lost, doubled or out of order. Records travel in the clear here: nothing is added to them. */
#include "test.h"

#include "tls_world.h"

#define ALERT         0x15
#define HANDSHAKE     0x16
#define DATA          0x17
#define RECORDS_MAX   4u /* begun in one tick */
#define ANSWERS_MAX   4u /* to one of them */
#define REFUSAL_BYTES 7u /* of an alert */
#define FLOOD         1000u

static struct tls_world world, *const w = &world;
static uint8_t b[4096];

static int setup(void **state)
{
    (void)state;
    world_init(w);
    return 0;
}

static uint32_t waiting(void)
{
    return w->stub.rx_len - w->stub.rx_at;
}

static void flood(uint8_t type, const void *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < FLOOD; i++)
        world_receive(w, type, bytes, n);
}

/* ---- Received ---------------------------------------------------------------------------- */

static void a_flood_of_warnings_is_read_some_records_per_tick(void **state)
{
    uint32_t got, ticks = 0;
    (void)state;
    world_connect(w);
    flood(ALERT, "\1\x5a", 2);
    world_receive(w, DATA, "at last", 7);
    do {
        uint32_t before = waiting();
        assert_err(world_poll(w), IOT_OK);
        for (int again = 0; again < 5; again++) { /* who asks on gets no more of them */
            got = 99;
            assert_err(world_read(w, b, sizeof b, &got), IOT_OK);
            if (got != 0)
                break;
        }
        assert_true(before - waiting() <= RECORDS_MAX * 12);
        assert_true(++ticks <= FLOOD);
    } while (got == 0);
    assert_true(ticks >= FLOOD / RECORDS_MAX);
    assert_int_equal(got, 7);
    assert_memory_equal(b, "at last", 7);
    assert_int_equal(w->stub.tx_len, 0);
    world_abort(w);
}

static void a_flood_of_warnings_before_the_handshake_is_read_some_records_per_tick(void **state)
{
    (void)state;
    world_greet(w);
    flood(ALERT, "\1\x5a", 2);
    for (uint32_t left = FLOOD; left > RECORDS_MAX; left -= RECORDS_MAX) {
        assert_int_equal(waiting(), left * 7);
        assert_err(world_poll(w), IOT_ERR_AGAIN);
        assert_true(w->wake); /* it goes on by itself */
    }
    assert_err(world_settle(w), IOT_ERR_AGAIN);
    assert_int_equal(waiting(), 0);
    world_abort(w);
}

static void a_flood_of_wishes_for_a_new_handshake_is_refused_some_per_tick(void **state)
{
    uint32_t got, ticks = 0;
    (void)state;
    world_connect(w);
    flood(HANDSHAKE, "\0\0\0\0", 4);
    world_receive(w, DATA, "at last", 7);
    do {
        uint32_t sent = w->stub.tx_len;
        assert_err(world_poll(w), IOT_OK);
        assert_err(world_read(w, b, sizeof b, &got), IOT_OK);
        assert_true(w->stub.tx_len - sent <= RECORDS_MAX * REFUSAL_BYTES);
        assert_true(++ticks <= FLOOD);
    } while (got == 0);
    assert_memory_equal(b, "at last", 7);
    assert_int_equal(w->stub.tx_len, FLOOD * REFUSAL_BYTES);
    world_abort(w);
}

/* 1,024 in one record: no honest server does. */
static void many_wishes_in_one_record_end_the_link(void **state)
{
    static const uint8_t many[IOT_TLS_RX_BYTES];
    uint32_t got;
    (void)state;
    world_connect(w);
    world_receive(w, HANDSHAKE, many, sizeof many);
    assert_err(world_poll(w), IOT_OK);
    assert_err(world_read(w, b, sizeof b, &got), IOT_ERR_AGAIN);
    assert_true(w->stub.tx_len <= (ANSWERS_MAX + 1) * REFUSAL_BYTES);
    assert_err(world_poll(w), IOT_ERR_TLS_PROTOCOL);
    world_abort(w);
}

static void a_few_wishes_in_one_record_are_refused_and_the_link_stays(void **state)
{
    static const uint8_t few[ANSWERS_MAX * 4];
    uint32_t got;
    (void)state;
    world_connect(w);
    for (int i = 0; i < 3; i++) {
        world_receive(w, HANDSHAKE, few, sizeof few);
        world_receive(w, DATA, "x", 1);
        do {
            assert_err(world_poll(w), IOT_OK);
            assert_err(world_read(w, b, sizeof b, &got), IOT_OK);
        } while (got == 0);
        assert_int_equal(b[0], 'x');
    }
    assert_int_equal(w->stub.tx_len, 3 * ANSWERS_MAX * REFUSAL_BYTES);
    world_abort(w);
}

static void an_answer_in_many_pieces_is_one_answer(void **state)
{
    uint32_t got;
    (void)state;
    world_connect(w);
    w->stub.write_max = 1;
    for (int i = 0; i < 5; i++) {
        world_receive(w, HANDSHAKE, "\0\0\0\0", 4);
        assert_err(world_poll(w), IOT_OK);
        assert_err(world_read(w, b, sizeof b, &got), IOT_ERR_AGAIN);
        assert_err(world_poll(w), IOT_OK);
    }
    assert_int_equal(w->stub.tx_len, 5 * REFUSAL_BYTES);
    world_abort(w);
}

/* ---- Sent -------------------------------------------------------------------------------- */

static uint8_t pattern(uint32_t at)
{
    return (uint8_t)(at * 7 + (at >> 8));
}

/* What stands in the records of data that were sent; `others` counts those that are none. */
static uint32_t sent_data(uint8_t *into, uint32_t cap, uint32_t *others)
{
    struct iot_bytes out = stub_sent(&w->stub);
    uint32_t n = 0, at = 0;
    *others = 0;
    while (at < out.len) {
        assert_true(at + 5 <= out.len);
        uint32_t len = (uint32_t)out.ptr[at + 3] << 8 | out.ptr[at + 4];
        assert_true(at + 5 + len <= out.len);
        if (out.ptr[at] == DATA) {
            assert_true(n + len <= cap);
            memcpy(into + n, out.ptr + at + 5, len);
            n += len;
        } else {
            ++*others;
        }
        at += 5 + len;
    }
    return n;
}

static void what_is_encrypted_in_one_tick_is_bounded_and_nothing_is_lost(void **state)
{
    static const uint32_t sizes[] = {1, 100, IOT_TLS_TX_BYTES, 3 * IOT_TLS_TX_BYTES};
    static uint8_t bytes[40000], out[sizeof bytes];
    (void)state;
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = pattern(i);
    for (uint32_t i = 0; i < COUNT(sizes); i++) {
        uint32_t at = 0, others, total = sizes[i] == 1 ? 1000 : sizeof bytes;
        setup(NULL);
        world_connect(w);
        while (at < total) {
            uint32_t in_tick = 0, records = 0, taken = 0, n;
            assert_err(world_poll(w), IOT_OK);
            for (;;) {
                n = total - at < sizes[i] ? total - at : sizes[i];
                if (n == 0 || world_write(w, bytes + at, n, &taken) != IOT_OK)
                    break;
                at += taken, in_tick += taken, records++;
            }
            assert_true(records > 0 && records <= 40); /* small ones are not for nothing */
            assert_true(in_tick < 2 * IOT_TLS_TX_BYTES);
            assert_true(n == 0 || w->wake); /* and on it goes */
        }
        assert_int_equal(sent_data(out, sizeof out, &others), total);
        assert_memory_equal(out, bytes, total);
        assert_int_equal(others, 0);
        world_abort(w);
    }
}

/* ---- Both at once ------------------------------------------------------------------------ */

static uint32_t chance;

static uint32_t below(uint32_t n)
{
    chance = chance * 1664525u + 1013904223u;
    return (chance >> 12) % n;
}

/* Data of the pattern, from `at` on. */
struct writer {
    uint32_t at, wanted; /* taken; offered and not taken, which is offered again */
};

static void write_some(struct writer *out, uint32_t more)
{
    uint8_t bytes[2048];
    uint32_t taken = 0, n = out->wanted + more;
    assert_true(n <= sizeof bytes);
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = pattern(out->at + i);
    if (n != 0 && world_write(w, bytes, n, &taken) == IOT_OK)
        out->at += taken;
    out->wanted = n - taken;
}

static void one_of_many_things_happens(struct writer *out)
{
    uint32_t got;
    switch (below(5)) {
    case 0:
        world_receive(w, HANDSHAKE, "\0\0\0\0", 4); /* makes mbedTLS write by itself */
        break;
    case 1:
        (void)world_read(w, b, 8, &got);
        break;
    case 2:
        write_some(out, out->wanted != 0 ? below(3) : 1 + below(20));
        break;
    case 3:
        write_some(out, 0);
        break;
    default:
        stub_allow(&w->stub, below(16));
        break;
    }
    if (below(7) == 0)
        stub_release(&w->stub, w->stub.taken);
    assert_err(world_poll(w), IOT_OK);
    assert_true(w->tls.base.ops->released(&w->tls.base) <= w->tls.written);
}

static void writes_under_way_and_answers_do_not_get_into_each_others_way(void **state)
{
    static uint8_t data[65536];
    uint32_t alerts = 0, total = 0;
    (void)state;
    for (uint32_t seed = 1; seed <= 1000; seed++) {
        struct writer out = {0, 0};
        uint32_t others, got;
        setup(NULL);
        chance = seed * 2654435761u;
        world_connect(w);
        w->stub.write_budget = 0;
        w->stub.releases = false;
        for (int i = 0; i < 60; i++)
            one_of_many_things_happens(&out);
        stub_allow(&w->stub, 100000);
        for (int i = 0; i < 20; i++) { /* and then the wire is free */
            assert_err(world_poll(w), IOT_OK);
            (void)world_read(w, b, sizeof b, &got);
            write_some(&out, i == 0); /* also pushes out what is left of an answer */
        }
        assert_int_equal(out.wanted, 0);
        uint32_t n = sent_data(data, sizeof data, &others);
        if (n != out.at || w->tls.written != n)
            fail_msg("seed %u: %u bytes were sent, %u taken", (unsigned)seed, (unsigned)n,
                     (unsigned)out.at);
        for (uint32_t i = 0; i < n; i++)
            if (data[i] != pattern(i))
                fail_msg("seed %u: byte %u is wrong", (unsigned)seed, (unsigned)i);
        alerts += others;
        total += n;
        world_abort(w);
    }
    assert_true(alerts > 1000 && total > 10000); /* it was about something */
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_flood_of_warnings_is_read_some_records_per_tick),
        CASE(a_flood_of_warnings_before_the_handshake_is_read_some_records_per_tick),
        CASE(a_flood_of_wishes_for_a_new_handshake_is_refused_some_per_tick),
        CASE(many_wishes_in_one_record_end_the_link),
        CASE(a_few_wishes_in_one_record_are_refused_and_the_link_stays),
        CASE(an_answer_in_many_pieces_is_one_answer),
        CASE(what_is_encrypted_in_one_tick_is_bounded_and_nothing_is_lost),
        CASE(writes_under_way_and_answers_do_not_get_into_each_others_way),
    };
    return cmocka_run_group_tests_name("tls_record", tests, NULL, NULL);
}
