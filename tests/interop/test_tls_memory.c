/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: how much each kind of TLS needs (printed), that too little has a name, and that nothing
 * is left in it or written beside it, however a connection ends. */
#include "peer_relay.h"
#include "peer_tls.h"
#include "peer_trust.h"

#define STEP_BYTES  8u
#define GUARD_BYTE  0xa5
#define KEY         "6c776c696e6b2d7073"
#define GUARD_BYTES 64u
#define SLACK_BYTES 512u /* numbers in signatures are now and then a byte shorter */

static struct peer_tls server, second;
static struct peer_device one, two;
static struct peer_trust board, other_board;

static uint8_t key_bytes[16];

/* One kind of handshake. */
struct kind {
    const char *name;
    enum peer_cert_id cert, root; /* CERT_COUNT: a pre-shared key */
    enum peer_cert_id client;     /* CERT_COUNT: none */
    const char *words;
};

static const struct kind kinds[] = {
    {"PSK", CERT_COUNT, CERT_COUNT, CERT_COUNT, "-nocert -psk " KEY},
    {"ECDHE-ECDSA, small leaf", CERT_EC_GOOD, CERT_EC_ROOT, CERT_COUNT, NULL},
    {"ECDHE-ECDSA, client certificate", CERT_EC_GOOD, CERT_EC_ROOT, CERT_CLIENT_EC, "-Verify 4"},
    {"ECDHE-RSA-2048, three certificates", CERT_RSA_GOOD, CERT_RSA_ROOT, CERT_COUNT, NULL},
};

static void prepare_board(struct peer_trust *t, const struct kind *k)
{
    peer_trust_prepare(t, k->root);
    if (k->client != CERT_COUNT)
        peer_trust_client(t, k->client);
    if (k->cert == CERT_COUNT) {
        t->tls.kinds = IOT_TLS_PSK;
        t->tls.psk = (struct iot_bytes){key_bytes, from_hex(KEY, key_bytes, sizeof key_bytes)};
        t->tls.psk_identity = BYTES("lamp-7");
    }
}

static void serve(struct peer_tls *s, const struct kind *k)
{
    if (k->cert != CERT_COUNT)
        peer_tls_start(s, k->cert, k->words);
    else
        peer_tls_start_bare(s, k->words);
}

static void guard(struct peer_trust *t, uint32_t arena_bytes)
{
    t->tls.arena_bytes = arena_bytes;
    memset(t->arena + arena_bytes, GUARD_BYTE,
           arena_bytes + GUARD_BYTES <= PEER_ARENA_MAX ? GUARD_BYTES
                                                       : PEER_ARENA_MAX - arena_bytes);
}

static void check_guard(const struct peer_trust *t)
{
    for (uint32_t i = t->tls.arena_bytes;
         i < PEER_ARENA_MAX && i < t->tls.arena_bytes + GUARD_BYTES; i++)
        assert_int_equal(t->arena[i], GUARD_BYTE);
}

/* Does it work with so much? If not, it must be for that reason, and nothing is left. */
static bool works_with(const struct kind *k, uint32_t arena_bytes, struct iot_tls_memory *steady)
{
    prepare_board(&board, k);
    peer_trust_device(&one, &board, "arena", server.port);
    one.options.no_reconnect = true;
    guard(&board, arena_bytes);
    peer_begin(&one);
    UNTIL(iot_device_connected(&one.dev) || one.kinds[IOT_EV_LOST] != 0);
    bool works = iot_device_connected(&one.dev);
    *steady = peer_trust_memory(&one);
    if (!works) {
        const struct peer_event *e = peer_last(&one, IOT_EV_LOST);
        if (e->err != IOT_ERR_TLS_MEMORY)
            print_message("  with %u bytes: detail %d\n", (unsigned)arena_bytes, (int)e->detail);
        assert_err(e->err, IOT_ERR_TLS_MEMORY);
        assert_true(e->detail > 0); /* what found no room */
        assert_int_equal(steady->used, 0);
        assert_int_equal(steady->blocks, 0);
    }
    assert_true(steady->high <= arena_bytes);
    assert_int_equal(steady->max, arena_bytes);
    peer_trust_close(&one);
    check_guard(&board);
    return works;
}

/* The least that works where 8 bytes less do not. */
static uint32_t least_for(const struct kind *k)
{
    uint32_t fails = 64, works = PEER_ARENA_MAX;
    struct iot_tls_memory m;

    assert_true(works_with(k, works, &m));
    uint32_t high = m.high, used = m.used;
    while (works - fails > STEP_BYTES) {
        uint32_t middle = fails + (works - fails) / 2 / STEP_BYTES * STEP_BYTES;
        *(works_with(k, middle, &m) ? &works : &fails) = middle;
    }
    print_message("figure: TLS arena, %-34s least %5u, peak %5u, connected %5u bytes\n", k->name,
                  (unsigned)works, (unsigned)high, (unsigned)used);
    return works;
}

static void the_least_arena_works_and_one_block_less_has_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        serve(&server, &kinds[i]);
        least_for(&kinds[i]);
        peer_tls_stop(&server);
    }
}

static void too_small_an_arena_has_a_name_however_small_it_is(void **state)
{
    struct iot_tls_memory m;
    (void)state;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        serve(&server, &kinds[i]);
        assert_true(works_with(&kinds[i], PEER_ARENA_MAX, &m));
        uint32_t below = m.used; /* what is held at the end has to fit at least */
        for (uint32_t bytes = 64; bytes < below; bytes += (below / 40 + 8) / 8 * 8)
            assert_false(works_with(&kinds[i], bytes, &m));
        peer_tls_stop(&server);
    }
}

/* Each lives in its own arena, though their steps are mixed. */
static void two_devices_with_small_arenas_are_at_work_at_once(void **state)
{
    const struct kind *k = &kinds[1], *l = &kinds[3];
    (void)state;

    serve(&server, k);
    uint32_t least_k = least_for(k);
    peer_tls_stop(&server);
    serve(&server, l);
    uint32_t least_l = least_for(l);
    serve(&second, k);

    prepare_board(&board, l);
    prepare_board(&other_board, k);
    guard(&board, least_l + SLACK_BYTES);
    guard(&other_board, least_k + SLACK_BYTES);
    peer_trust_device(&one, &board, "arena-rsa", server.port);
    peer_trust_device(&two, &other_board, "arena-ec", second.port);
    peer_begin(&one);
    peer_begin(&two);
    UNTIL(iot_device_connected(&one.dev) && iot_device_connected(&two.dev));
    assert_int_equal(one.kinds[IOT_EV_LOST] + two.kinds[IOT_EV_LOST], 0);
    peer_trust_close(&one);
    assert_true(peer_trust_memory(&two).used != 0);
    peer_trust_close(&two);
    check_guard(&board);
    check_guard(&other_board);
}

static void one_arena_serves_connection_after_connection(void **state)
{
    struct iot_tls_memory first, m;
    (void)state;

    serve(&server, &kinds[1]);
    assert_true(works_with(&kinds[1], PEER_ARENA_MAX, &first));
    peer_trust_device(&one, &board, "arena", server.port);
    peer_begin(&one);
    for (uint32_t i = 1; i <= 10; i++) {
        UNTIL(one.kinds[IOT_EV_CONNECTED] == i);
        m = peer_trust_memory(&one);
        assert_in_range(m.used, first.used - 64, first.used + 64); /* signatures vary by bytes */
        assert_int_equal(m.blocks, first.blocks);
        peer_tls_type(&server, BYTES("Q\n"));
        UNTIL(one.kinds[IOT_EV_LOST] == i);
        assert_int_equal(peer_trust_memory(&one).blocks, 0);
        if (i == 10)
            break;
        peer_tls_stop(&server);
        serve(&server, &kinds[1]);
        one.options.port = server.port;
    }
    peer_trust_close(&one);
}

/* Keys, names and what was said: mbedTLS wipes the worst of it itself, we the rest. */
static void check_wiped(const struct peer_trust *t)
{
    for (uint32_t i = 0; i < t->tls.arena_bytes; i++)
        if (t->arena[i] != 0)
            fail_msg("byte %u of the arena is %02x", (unsigned)i, t->arena[i]);
}

static bool holds(const uint8_t *memory, uint32_t len, struct iot_bytes what)
{
    return memmem(memory, len, what.ptr, what.len) != NULL;
}

/* The 32 bytes of the private key in RFC 5915's form. */
static struct iot_bytes private_part(enum peer_cert_id cert)
{
    struct iot_bytes der = peer_cert(cert)->key_traditional;

    assert_true(der.len > 39 && der.ptr[5] == 0x04 && der.ptr[6] == 32);
    return (struct iot_bytes){der.ptr + 7, 32};
}

static void no_key_is_left_in_the_arena(void **state)
{
    (void)state;
    for (uint32_t refused = 0; refused < 2; refused++) {
        const struct kind *k = &kinds[2];
        struct iot_bytes secret = private_part(CERT_CLIENT_EC);
        serve(&server, k);
        prepare_board(&board, k);
        peer_trust_device(&one, &board, "wiped", server.port);
        if (refused != 0) {
            board.tls.server_name = "b.test.lwlink";
            peer_trust_refused(&one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NAME);
        } else {
            peer_trust_connect(&one);
            peer_trust_close(&one);
        }
        assert_false(holds(board.arena, sizeof board.arena, secret));
        check_wiped(&board);
        peer_tls_stop(&server);

        k = &kinds[0];
        serve(&server, k);
        prepare_board(&board, k);
        peer_trust_device(&one, &board, "wiped", server.port);
        peer_trust_connect(&one);
        if (refused != 0) {
            peer_tls_stop(&server); /* in the middle of things */
            UNTIL(one.kinds[IOT_EV_LOST] != 0 && peer_trust_memory(&one).used == 0);
        }
        peer_trust_close(&one);
        assert_false(holds(board.arena, sizeof board.arena, board.tls.psk));
        check_wiped(&board);
        peer_tls_stop(&server);
    }
}

static void the_arena_is_among_the_pools(void **state)
{
    struct iot_pool_use use;
    uint32_t found = 0;
    (void)state;

    serve(&server, &kinds[1]);
    prepare_board(&board, &kinds[1]);
    peer_trust_device(&one, &board, "pools", server.port);
    peer_trust_connect(&one);
    struct iot_tls_memory m = peer_trust_memory(&one);
    for (uint32_t i = 0; iot_device_pool(&one.dev, i, &use); i++) {
        if (strstr(use.name, "tls") == NULL)
            continue;
        found++;
        assert_int_equal(use.used, m.used);
        assert_int_equal(use.high, m.high);
        assert_int_equal(use.max, m.max);
    }
    assert_int_equal(found, 1);
    peer_trust_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUST_TEST(the_least_arena_works_and_one_block_less_has_a_name),
        TRUST_TEST(too_small_an_arena_has_a_name_however_small_it_is),
        TRUST_TEST(two_devices_with_small_arenas_are_at_work_at_once),
        TRUST_TEST(one_arena_serves_connection_after_connection),
        TRUST_TEST(no_key_is_left_in_the_arena),
        TRUST_TEST(the_arena_is_among_the_pools),
    };

    return cmocka_run_group_tests(tests, peer_trust_group_setup, peer_trust_group_teardown);
}
