/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS and what others may do to our memory: pieces of messages that lie, records of every size; and several channels in one
 * process, each with its own arena. */
#include "test.h"

#include "certs.h"
#include "stub_stream.h"
#include "tls_dgram_world.h"

static struct dgram_world world, *const w = &world;
static struct dgram_world other, *const v = &other;

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

/* ---- Pieces of messages ------------------------------------------------------------------ */

/* A piece of a handshake's message, as anybody can make one: what its head says, and `n` bytes. */
struct piece {
    uint32_t length, offset, piece_length, n;
};

static struct iot_bytes forge(const struct piece *p, uint8_t type, uint8_t number)
{
    static uint8_t d[13 + 12 + 64];
    const uint8_t head[] = {22,
                            0xfe,
                            0xfd,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0,
                            0x7f,
                            number,
                            0,
                            (uint8_t)(12 + p->n),
                            type,
                            (uint8_t)(p->length >> 16),
                            (uint8_t)(p->length >> 8),
                            (uint8_t)p->length,
                            0,
                            number,
                            (uint8_t)(p->offset >> 16),
                            (uint8_t)(p->offset >> 8),
                            (uint8_t)p->offset,
                            (uint8_t)(p->piece_length >> 16),
                            (uint8_t)(p->piece_length >> 8),
                            (uint8_t)p->piece_length};
    memcpy(d, head, sizeof head);
    memset(d + sizeof head, 'x', p->n);
    return (struct iot_bytes){d, (uint32_t)sizeof head + p->n};
}

static void choose(bool by_certificate)
{
    dworld_init(w);
    if (by_certificate) {
        dworld_by_certificate(w);
        w->sopt.mtu = 200;
    }
}

/* One lie at one moment: the handshake comes through, or it ends, by a name, and the next one comes through. */
static bool survives(bool by_certificate, const struct piece *p, uint8_t type, uint8_t number,
                     uint32_t at)
{
    choose(by_certificate);
    w->trick = WIRE_FORGE;
    w->trick_at = at;
    w->forge = forge(p, type, number);
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    iot_err err = dworld_run(w);
    if (err == IOT_OK)
        assert_in_range(w->now - began, 0, 3500);
    else if (err != IOT_ERR_TLS_PROTOCOL && err != IOT_ERR_TLS_ALERT && err != IOT_ERR_TLS_KIND &&
             err != IOT_ERR_TLS_VERIFY && err != IOT_ERR_TLS_VERSION && err != IOT_ERR_TLS_TIMEOUT)
        fail_msg("piece %u+%u of %u, number %u before datagram %u: %s", p->offset, p->piece_length,
                 p->length, number, at, iot_err_name(err));
    assert_in_range(w->now - began, 0, IOT_TLS_HANDSHAKE_MS);
    assert_true(w->dtls.core.high < 2 * (IOT_TLS_RX_BYTES + IOT_TLS_TX_BYTES) + 13000);
    if (err == IOT_OK) {
        dworld_talk(w);
        dworld_close(w);
    } else {
        w->trick = WIRE_GOOD;
        w->address = 2; /* each attempt has a port of its own */
        dworld_connect(w);
        dworld_talk(w);
    }
    dworld_end(w);
    return err == IOT_OK;
}

static void pieces_that_lie_cost_an_attempt_at_most(void **state)
{
    static const struct piece lies[] = {
        {0xffffff, 0, 0xffffff, 16},  /* longer than any memory */
        {0xffffff, 0, 16, 16},        /* ... in pieces */
        {0xffffff, 0xffffef, 16, 16}, /* ... the last one */
        {20, 21, 4, 4},               /* behind the end */
        {20, 18, 4, 4},               /* across it */
        {20, 0xffffff, 0xffffff, 4},  /* ... so far that the sum is small again */
        {20, 0, 16, 4},               /* longer than its record */
        {20, 4, 4, 16},               /* shorter */
        {4000, 100, 1, 1},            /* as much as there is room for; the rest never comes */
        {0, 0, 0, 0},
    };
    static const uint8_t types[] = {2, 11, 12, 14, 4, 20};
    uint32_t good = 0, all = 0;
    (void)state;
    for (uint32_t i = 0; i < COUNT(lies); i++)
        for (uint8_t number = 0; number < 6; number++) {
            for (uint32_t at = 2; at <= 6; at++, all++)
                good += survives(false, &lies[i], types[number], number, at);
            for (uint32_t at = 4; at <= 9; at += 2, all++)
                good += survives(true, &lies[i], types[number], number, at);
        }
    print_message("%u of %u made no difference\n", (unsigned)good, (unsigned)all);
    assert_in_range(good, all / 4, all);
    dworld_init(w);
}

/* ---- Records ----------------------------------------------------------------------------- */

/* The server of these tests has no larger ones, either. */
#define LARGEST (IOT_TLS_RX_BYTES < 4096 ? IOT_TLS_RX_BYTES : 4096)

static void the_largest_record_that_was_agreed_upon_is_read(void **state)
{
    static uint8_t bytes[LARGEST + 1], got[LARGEST];
    (void)state;
    w->dopt.cid = w->sopt.cid = true;
    w->sopt.cid_len = 8;
    dworld_connect(w);
    for (uint32_t i = 0; i < LARGEST; i++)
        bytes[i] = (uint8_t)(i * 7 >> 3);
    for (uint32_t n = LARGEST; n + 2 > LARGEST; n--) {
        uint32_t len = 0;
        assert_true(dtls_server_write(w->server, w->address, (struct iot_bytes){bytes, n}));
        dworld_settle(w);
        assert_err(dworld_poll(w), IOT_OK);
        assert_err(w->dtls.base.ops->read(&w->dtls.base, got, sizeof got, &len), IOT_OK);
        assert_bytes(((struct iot_bytes){got, len}), ((struct iot_bytes){bytes, n}));
    }
    assert_false(dtls_server_write(w->server, w->address, (struct iot_bytes){bytes, LARGEST + 1}));
    dworld_talk(w);
}

/* A server may warn (it does not know the name, say) in the datagram with which it goes on. */
static void what_stands_behind_a_plain_alert_is_read(void **state)
{
    static const uint8_t warning[] = "\x15\xfe\xfd\0\0\0\0\0\0\0\x09\0\x02\x01\x70";
    static uint8_t both[STUB_DGRAM_BYTES];
    (void)state;
    for (int where = 0; where < 3; where++) { /* in front, in between, behind */
        w->count = 0;
        w->address++;
        w->trick = WIRE_LOSE;
        w->trick_at = 4;
        uint32_t dropped = iot_dtls_dropped(&w->dtls);
        assert_err(dworld_open(w), IOT_OK);
        assert_err(dworld_settle(w), IOT_ERR_AGAIN);
        assert_true(w->count == 4 && !w->log[3].ours);
        const uint8_t *flight = w->log[3].bytes;
        uint32_t len = w->log[3].len, first = 13u + ((uint32_t)flight[11] << 8 | flight[12]);
        uint32_t at = where == 0 ? 0 : where == 1 ? first : len;
        assert_true(first < len);
        memcpy(both, flight, at);
        memcpy(both + at, warning, 15);
        memcpy(both + at + 15, flight + at, len - at);
        stub_dgram_receive(&w->stub, (struct iot_bytes){both, len + 15});
        iot_time began = w->now;
        assert_err(dworld_run(w), IOT_OK);
        assert_true(w->now == began);
        assert_int_equal(iot_dtls_dropped(&w->dtls), dropped + 1);
        dworld_talk(w);
        dworld_close(w);
    }
}

/* ---- Handshakes in an association -------------------------------------------------------- */

static void who_asks_to_renegotiate_is_told_that_there_is_no_such_thing(void **state)
{
    (void)state;
    dworld_connect(w);
    dworld_talk(w);
    for (int i = 0; i < 3; i++) {
        uint32_t count = w->count;
        assert_true(dtls_server_ask_again(w->server, w->address));
        assert_null(dworld_hear(w));
        assert_int_equal(w->count, count + 2); /* and an alert, encrypted */
        assert_int_equal(w->log[count + 1].bytes[0], 21);
        assert_int_equal(w->log[count + 1].bytes[4], 1);
        dworld_talk(w);
    }
    assert_int_equal(dtls_server_counts(w->server).handshakes, 1);
}

/* ---- A carrier without room -------------------------------------------------------------- */

/* It takes so many datagrams, then none for four seconds: it says when it has room, and no tick asks for the next before. */
static void a_carrier_without_room_makes_no_tick_spin(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++)
        for (uint32_t room = 0; room < 6; room++) {
            choose(way == 1);
            assert_err(dworld_open(w), IOT_OK);
            w->stub.write_budget = room;
            iot_time began = w->now;
            iot_err err = dworld_settle(w);
            while (err == IOT_ERR_AGAIN && w->now < began + 4000) {
                assert_true(w->dtls.base.ops->deadline(&w->dtls.base) > w->now);
                w->now += 100;
                dtls_server_tick(w->server, w->now);
                err = dworld_settle(w);
            }
            stub_dgram_allow(&w->stub, 100);
            if (err == IOT_ERR_AGAIN)
                err = dworld_run(w);
            assert_err(err, IOT_OK);
            dworld_talk(w);
            dworld_end(w);
        }
    dworld_init(w);
}

/* ---- Several at once --------------------------------------------------------------------- */

static void run_alone(struct dgram_world *x, bool by_certificate, uint32_t *high)
{
    dworld_init(x);
    if (by_certificate)
        dworld_by_certificate(x);
    dworld_connect(x);
    dworld_talk(x);
    *high = x->dtls.core.high;
    dworld_end(x);
}

/* The stream's server is silent: it has its ClientHello out, and its memory. */
static void channels_beside_each_other_and_a_stream_do_not_mix(void **state)
{
    static uint8_t arena[DGRAM_WORLD_ARENA] __attribute__((aligned(8)));
    static const struct iot_endpoint to = {.host = "a.example", .port = 8883};
    static struct stub_stream stub;
    static struct iot_tls tls;
    uint32_t high_w, high_v, ticks = 0;
    (void)state;
    run_alone(w, true, &high_w);
    run_alone(v, false, &high_v);
    dworld_init(w);
    dworld_init(v);
    dworld_by_certificate(w);
    v->dopt.context_key = WORLD_CONTEXT;

    struct iot_tls_options opt = w->opt;
    bool wake = false;
    opt.arena = arena;
    stub_init(&stub);
    iot_tls_init(&tls, &stub.base, &opt, &w->port);
    tls.base.wake = &wake;
    assert_err(tls.base.ops->open(&tls.base, &to, w->now), IOT_OK);
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_open(v), IOT_OK);
    iot_err err_w = IOT_ERR_AGAIN, err_v = IOT_ERR_AGAIN;
    while (err_w == IOT_ERR_AGAIN || err_v == IOT_ERR_AGAIN) {
        assert_err(tls.base.ops->poll(&tls.base, w->now), IOT_ERR_AGAIN);
        if (err_w == IOT_ERR_AGAIN)
            err_w = dworld_step(w);
        if (err_v == IOT_ERR_AGAIN)
            err_v = dworld_step(v);
        assert_null(iot_arena_enter(NULL));
        assert_null(iot_drbg_enter(NULL));
        assert_true(++ticks < 20000);
    }
    assert_err(err_w, IOT_OK);
    assert_err(err_v, IOT_OK);
    for (int i = 0; i < 3; i++) {
        dworld_talk(w);
        dworld_talk(v);
    }
    assert_int_equal(w->dtls.core.high, high_w); /* each has what it has alone */
    assert_int_equal(v->dtls.core.high, high_v);
    dworld_park(v);
    dworld_talk(w);
    tls.base.ops->abort(&tls.base);
    dworld_connect(v);
    assert_true(iot_dtls_is_kept(&v->dtls));
    dworld_talk(w);
    dworld_talk(v);
    dtls_server_destroy(v->server);
    v->server = NULL;
    v->dtls.base.ops->abort(&v->dtls.base);
    for (uint32_t i = 0; i < sizeof arena; i++)
        assert_int_equal(arena[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_that_lie_cost_an_attempt_at_most),
        cmocka_unit_test_setup_teardown(the_largest_record_that_was_agreed_upon_is_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_stands_behind_a_plain_alert_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(who_asks_to_renegotiate_is_told_that_there_is_no_such_thing,
                                        setup, teardown),
        cmocka_unit_test(a_carrier_without_room_makes_no_tick_spin),
        cmocka_unit_test_setup_teardown(channels_beside_each_other_and_a_stream_do_not_mix, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
