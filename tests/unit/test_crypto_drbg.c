/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "crypto/iot_crypto_arena.h"
#include "crypto/iot_crypto_drbg.h"
#include "heap_trap.h"

#define SEED_BYTES 48u

static uint8_t room[4096] __attribute__((aligned(8)));
static struct iot_arena arena;
static uint8_t seed[SEED_BYTES];
static iot_err random_says;
static uint32_t random_calls;

/* A source that fails has half done its work. */
static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    assert_ptr_equal(ctx, seed);
    assert_int_equal(n, SEED_BYTES);
    random_calls++;
    memcpy(into, seed, random_says == IOT_OK ? n : n - 1);
    return random_says;
}

static const struct iot_port port = {.ctx = seed, .random = random_bytes};

static int setup(void **state)
{
    (void)state;
    memset(room, 0, sizeof room);
    for (uint32_t i = 0; i < SEED_BYTES; i++)
        seed[i] = (uint8_t)(0x80 + i);
    random_says = IOT_OK;
    random_calls = 0;
    assert_true(iot_arena_init(&arena, room, sizeof room));
    iot_arena_enter(&arena);
    heap_trap_on();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    heap_trap_off();
    iot_arena_enter(NULL);
    return 0;
}

static struct iot_drbg *make(void)
{
    struct iot_drbg *d = NULL;
    assert_err(iot_drbg_new(&port, &d), IOT_OK);
    assert_non_null(d);
    return d;
}

static bool room_holds(const void *bytes, uint32_t n)
{
    return memmem(room, sizeof room, bytes, n) != NULL;
}

static void the_port_is_asked_once_and_the_seed_is_forgotten(void **state)
{
    uint8_t bytes[32];
    (void)state;
    struct iot_drbg *d = make();
    assert_int_equal(random_calls, 1);
    assert_int_equal(arena.blocks, 1); /* mbedTLS took none of its own */
    for (uint32_t i = 0; i + 8 <= SEED_BYTES; i++)
        assert_false(room_holds(seed + i, 8));
    assert_int_equal(iot_drbg_random(d, bytes, sizeof bytes), 0);
    assert_false(room_holds(bytes, sizeof bytes));
    iot_drbg_free(d);
    assert_int_equal(arena.used, 0);
}

static void a_source_that_is_not_ready_or_fails_leaves_nothing(void **state)
{
    static const iot_err says[] = {IOT_ERR_AGAIN, IOT_ERR_RANDOM, IOT_ERR_KV, -9999};
    (void)state;
    for (uint32_t i = 0; i < COUNT(says); i++) {
        struct iot_drbg *d = NULL;
        random_says = says[i];
        assert_err(iot_drbg_new(&port, &d), i == 0 ? IOT_ERR_AGAIN : IOT_ERR_RANDOM);
        assert_null(d);
        assert_int_equal(arena.used + arena.blocks, 0);
        for (uint32_t k = 0; k + 8 < SEED_BYTES; k++)
            assert_false(room_holds(seed + k, 8));
    }
    random_says = IOT_OK;
    iot_drbg_free(make());
}

static void a_source_that_gives_only_zeros_or_only_ones_is_refused(void **state)
{
    (void)state;
    for (uint32_t ones = 0; ones < 2; ones++) {
        struct iot_drbg *d = NULL;
        memset(seed, ones ? 0xff : 0, sizeof seed);
        assert_err(iot_drbg_new(&port, &d), IOT_ERR_RANDOM);
        assert_null(d);
        assert_int_equal(arena.used + arena.blocks, 0);
        for (uint32_t bit = 0; bit < SEED_BYTES * 8; bit++) { /* no other is judged */
            seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            iot_drbg_free(make());
            seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void an_arena_that_is_one_block_too_small_is_no_memory(void **state)
{
    (void)state;
    iot_drbg_free(make());
    uint32_t enough = (arena.high + 1) * 8;
    for (int small = 1; small >= 0; small--) {
        struct iot_drbg *d = NULL;
        memset(room, 0, sizeof room);
        assert_true(iot_arena_init(&arena, room, enough - 8 * (uint32_t)small));
        random_calls = 0;
        assert_err(iot_drbg_new(&port, &d), small ? IOT_ERR_TLS_MEMORY : IOT_OK);
        assert_int_equal(random_calls, !small); /* no chance is wasted */
        assert_int_equal(arena.failed != 0, small);
        iot_drbg_free(d);
        assert_int_equal(arena.used + arena.blocks, 0);
    }
    iot_arena_enter(NULL);
    struct iot_drbg *d = NULL;
    assert_err(iot_drbg_new(&port, &d), IOT_ERR_TLS_MEMORY);
}

/* NIST CAVP, CTR_DRBG.rsp: AES-256 use df, no reseed, no prediction resistance, no personalisation, no
 * additional input; COUNT 0: entropy and nonce make the seed, the second answer is what is returned. */
static void it_is_the_ctr_drbg_of_nist(void **state)
{
    uint8_t expected[64], got[64];
    (void)state;
    from_hex("36401940fa8b1fba91a1661f211d78a0b9389a74e5bccfece8d766af1a6d3b14"
             "496f25b0f1301b4f501be30380a137eb",
             seed, sizeof seed);
    from_hex("5862eb38bd558dd978a696e6df164782ddd887e7e9a6c9f3f1fbafb78941b535"
             "a64912dfd224c6dc7454e5250b3d97165e16260c2faf1cc7735cb75fb4f07e1d",
             expected, sizeof expected);
    struct iot_drbg *d = make();
    assert_int_equal(iot_drbg_random(d, got, sizeof got), 0);
    assert_int_equal(iot_drbg_random(d, got, sizeof got), 0);
    assert_memory_equal(got, expected, sizeof got);
    iot_drbg_free(d);
}

static void the_same_seed_gives_the_same_bytes_and_each_bit_of_it_counts(void **state)
{
    uint8_t first[32], other[32], second[32];
    (void)state;
    struct iot_drbg *d = make();
    assert_int_equal(iot_drbg_random(d, first, sizeof first), 0);
    assert_int_equal(iot_drbg_random(d, second, sizeof second), 0);
    assert_memory_not_equal(first, second, sizeof first);
    iot_drbg_free(d);
    d = make();
    assert_int_equal(iot_drbg_random(d, other, sizeof other), 0);
    assert_memory_equal(first, other, sizeof first);
    iot_drbg_free(d);
    for (uint32_t bit = 0; bit < SEED_BYTES * 8; bit++) {
        seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        d = make();
        assert_int_equal(iot_drbg_random(d, other, sizeof other), 0);
        assert_memory_not_equal(first, other, sizeof first);
        iot_drbg_free(d);
        seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void two_at_once_do_not_disturb_each_other(void **state)
{
    uint8_t alone[4][16], a_bytes[16], b_bytes[16];
    (void)state;
    struct iot_drbg *a = make();
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(iot_drbg_random(a, alone[i], 16), 0);
    iot_drbg_free(a);
    a = make();
    seed[0]++;
    struct iot_drbg *b = make();
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(iot_drbg_random(a, a_bytes, 16), 0);
        assert_int_equal(iot_drbg_random(b, b_bytes, 16), 0);
        assert_memory_equal(a_bytes, alone[i], 16);
        assert_memory_not_equal(b_bytes, alone[i], 16);
    }
    iot_drbg_free(a);
    assert_int_equal(iot_drbg_random(b, b_bytes, 16), 0);
    iot_drbg_free(b);
    assert_int_equal(arena.used, 0);
}

/* mbedTLS's own default asks for new entropy after 10,000 requests. */
static void it_goes_on_without_the_port(void **state)
{
    static uint8_t bytes[512];
    uint8_t before[16] = {0};
    (void)state;
    struct iot_drbg *d = make();
    random_says = IOT_ERR_RANDOM;
    for (uint32_t i = 0; i < 30000; i++) {
        assert_int_equal(iot_drbg_random(d, bytes, 16), 0);
        assert_memory_not_equal(bytes, before, 16);
        memcpy(before, bytes, 16);
    }
    for (uint32_t n = 0; n <= sizeof bytes; n++)
        assert_int_equal(iot_drbg_random(d, bytes, n), 0);
    assert_int_equal(random_calls, 1);
    iot_drbg_free(d);
}

/* Key and counter would give away everything that is made from here on. */
static void what_is_freed_is_wiped(void **state)
{
    (void)state;
    struct iot_drbg *d = make();
    uint32_t end = (arena.used + 1) * 8 - 4;
    uint32_t secrets = 0;
    for (uint32_t i = 8; i < end; i++)
        secrets += room[i] != 0;
    assert_true(secrets > 48);
    iot_drbg_free(d);
    iot_drbg_free(NULL);
    secrets = 0;
    for (uint32_t i = 12; i < end; i++) /* behind the links of the free list */
        secrets += room[i] != 0;
    assert_in_range(secrets, 0, 8); /* how often and how much may be asked is no secret */
}

static void who_is_entered_is_told_to_the_next(void **state)
{
    (void)state;
    struct iot_drbg *d = make();
    assert_null(iot_drbg_enter(d));
    assert_ptr_equal(iot_drbg_enter(NULL), d);
    assert_null(iot_drbg_enter(NULL));
    iot_drbg_free(d);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_port_is_asked_once_and_the_seed_is_forgotten),
        CASE(a_source_that_is_not_ready_or_fails_leaves_nothing),
        CASE(a_source_that_gives_only_zeros_or_only_ones_is_refused),
        CASE(an_arena_that_is_one_block_too_small_is_no_memory),
        CASE(it_is_the_ctr_drbg_of_nist),
        CASE(the_same_seed_gives_the_same_bytes_and_each_bit_of_it_counts),
        CASE(two_at_once_do_not_disturb_each_other),
        CASE(it_goes_on_without_the_port),
        CASE(what_is_freed_is_wiped),
        CASE(who_is_entered_is_told_to_the_next),
    };
    return cmocka_run_group_tests_name("crypto_drbg", tests, NULL, NULL);
}
