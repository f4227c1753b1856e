/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "crypto/iot_crypto_arena.h"
#include "heap_trap.h"

#define UNIT 8u
#define HEAD 4u

static uint8_t room[IOT_ARENA_BYTES_MAX] __attribute__((aligned(8)));
static struct iot_arena arena;

static void begin(uint32_t bytes)
{
    memset(room, 0xaa, sizeof room);
    memset(&arena, 0xee, sizeof arena);
    assert_true(iot_arena_init(&arena, room, bytes));
    iot_arena_enter(&arena);
}

static int setup(void **state)
{
    (void)state;
    heap_trap_on();
    begin(1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    iot_arena_enter(NULL);
    heap_trap_off();
    return 0;
}

static uint32_t units_of(uint32_t bytes)
{
    return (bytes + HEAD + UNIT - 1) / UNIT;
}

/* What can be had at once from an empty arena of so many bytes. */
static uint32_t whole(uint32_t bytes)
{
    return (bytes / UNIT - 1) * UNIT - HEAD;
}

static bool all_are(const uint8_t *p, uint32_t n, uint8_t value)
{
    for (uint32_t i = 0; i < n; i++)
        if (p[i] != value)
            return false;
    return true;
}

/* ---- the structure, looked at from outside ----------------------------------------------- */

static uint32_t u16_at(const struct iot_arena *a, uint32_t offset)
{
    uint16_t value;
    memcpy(&value, a->base + offset, sizeof value);
    return value;
}

/* Blocks cover the arena without a gap; each knows the size of the one before; no two free ones are
 * neighbours; the list holds just the free ones, linked both ways; counters fit. */
static void assert_sound(const struct iot_arena *a)
{
    static bool is_free[IOT_ARENA_BYTES_MAX / UNIT + 1];
    uint32_t before = 0, used = 0, blocks = 0, frees = 0;
    bool free_before = false;
    uint32_t at = 1;

    while (at < a->units) {
        uint32_t units = u16_at(a, at * UNIT - 4), was = u16_at(a, at * UNIT - 2);
        bool given = (units & 0x8000) != 0;
        units &= 0x7fff;
        assert_true(units != 0 && units <= a->units - at);
        assert_int_equal(was, before);
        assert_false(!given && free_before);
        is_free[at] = !given;
        used += given ? units : 0;
        blocks += given;
        frees += !given;
        free_before = !given;
        before = units;
        at += units;
    }
    assert_int_equal(at, a->units);
    assert_int_equal(a->used, used);
    assert_int_equal(a->blocks, blocks);
    assert_true(a->high >= a->used);

    uint32_t prev = 0;
    for (at = a->free; at != 0; at = u16_at(a, at * UNIT)) {
        assert_true(frees-- != 0);
        assert_true(is_free[at]);
        assert_int_equal(u16_at(a, at * UNIT + 2), prev);
        prev = at;
    }
    assert_int_equal(frees, 0);
}

/* ---- taking over memory ------------------------------------------------------------------ */

static void memory_that_does_not_fit_is_refused(void **state)
{
    struct iot_arena a;
    (void)state;
    assert_false(iot_arena_init(&a, NULL, 1024));
    for (uint32_t off = 1; off < 8; off++)
        assert_false(iot_arena_init(&a, room + off, 512));
    assert_false(iot_arena_init(&a, room, 0));
    assert_false(iot_arena_init(&a, room, 63));
    assert_false(iot_arena_init(&a, room, IOT_ARENA_BYTES_MAX + 1));
    assert_false(iot_arena_init(&a, room, UINT32_MAX));
    assert_true(iot_arena_init(&a, room, 64));
    assert_true(iot_arena_init(&a, room, IOT_ARENA_BYTES_MAX));
}

static void bytes_that_make_no_whole_unit_are_left_alone(void **state)
{
    (void)state;
    for (uint32_t bytes = 64; bytes < 72; bytes++) {
        begin(bytes);
        uint8_t *p = iot_arena_calloc(1, whole(64));
        assert_non_null(p);
        memset(p, 0x55, whole(64));
        assert_true(all_are(room + 64 - HEAD, HEAD + 8, 0xaa));
        iot_arena_free(p);
        assert_sound(&arena);
        assert_true(all_are(room + 64 - HEAD, HEAD + 8, 0xaa));
    }
}

/* One byte behind the end is a crash. */
static void nothing_is_touched_behind_the_end(void **state)
{
    struct iot_arena a;
    (void)state;
    for (uint32_t bytes = 64; bytes <= 4096; bytes += 504) {
        uint8_t *memory = at_guard(NULL, bytes); /* a page's end is aligned, so is what is before */
        assert_true(iot_arena_init(&a, memory, bytes));
        iot_arena_enter(&a);
        uint8_t *p = iot_arena_calloc(1, whole(bytes));
        assert_non_null(p);
        assert_true(p + whole(bytes) <= memory + bytes);
        memset(p, 1, whole(bytes));
        assert_null(iot_arena_calloc(1, 1));
        iot_arena_free(p);
        void *many[4096 / UNIT];
        uint32_t n = 0;
        while ((many[n] = iot_arena_calloc(1, 1)) != NULL)
            n++;
        assert_int_equal(n, bytes / UNIT - 1);
        while (n-- != 0)
            iot_arena_free(many[n]);
        assert_sound(&a);
    }
}

static void without_an_arena_there_is_nothing(void **state)
{
    (void)state;
    iot_arena_enter(NULL);
    assert_null(iot_arena_calloc(1, 1));
    iot_arena_free(NULL);
    assert_int_equal(arena.failed, 0);
}

static void init_forgets_what_was(void **state)
{
    (void)state;
    assert_non_null(iot_arena_calloc(1, 100));
    assert_null(iot_arena_calloc(1, 5000));
    assert_true(iot_arena_init(&arena, room, 1024));
    assert_int_equal(arena.used + arena.high + arena.blocks + arena.failed, 0);
    assert_non_null(iot_arena_calloc(1, whole(1024)));
}

/* ---- one block --------------------------------------------------------------------------- */

static void each_size_costs_what_it_says_is_aligned_and_zero(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= whole(1024); n++) {
        begin(1024);
        uint8_t *p = iot_arena_calloc(1, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 8, 0);
        assert_true(all_are(p, n, 0));
        assert_int_equal(arena.used, units_of(n));
        assert_int_equal(arena.high, units_of(n));
        assert_int_equal(arena.blocks, 1);
        assert_int_equal(arena.failed, 0);
        assert_sound(&arena);
        memset(p, 0xff, n);
        assert_sound(&arena);
        iot_arena_free(p);
        assert_int_equal(arena.used, 0);
        assert_int_equal(arena.blocks, 0);
        assert_int_equal(arena.high, units_of(n));
        assert_sound(&arena);
    }
}

static void the_overhead_is_four_bytes(void **state)
{
    (void)state;
    iot_arena_calloc(1, 4);
    assert_int_equal(arena.used, 1);
    iot_arena_calloc(1, 12);
    assert_int_equal(arena.used, 3);
    iot_arena_calloc(1, 13);
    assert_int_equal(arena.used, 6);
}

static void used_bytes_come_back_as_zeros(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 200; n++) {
        uint8_t *p = iot_arena_calloc(n, 1);
        assert_true(all_are(p, units_of(n) * UNIT - HEAD, 0));
        memset(p, 0xff, n);
        iot_arena_free(p);
    }
}

static void nothing_of_nothing_is_null_and_no_failure(void **state)
{
    (void)state;
    assert_null(iot_arena_calloc(0, 10));
    assert_null(iot_arena_calloc(10, 0));
    assert_null(iot_arena_calloc(0, 0));
    assert_int_equal(arena.failed, 0);
    iot_arena_free(NULL);
    assert_sound(&arena);
}

static void the_largest_arena_works_to_its_last_byte(void **state)
{
    (void)state;
    begin(IOT_ARENA_BYTES_MAX);
    uint32_t n = whole(IOT_ARENA_BYTES_MAX);
    assert_null(iot_arena_calloc(1, n + 1));
    assert_int_equal(arena.failed, n + 1);
    uint8_t *p = iot_arena_calloc(n, 1);
    assert_non_null(p);
    assert_true(all_are(p, n, 0));
    assert_int_equal(arena.used, IOT_ARENA_BYTES_MAX / UNIT - 1);
    assert_sound(&arena);
    iot_arena_free(p);
    assert_sound(&arena);
    assert_non_null(iot_arena_calloc(1, n));
}

/* ---- full -------------------------------------------------------------------------------- */

static void a_product_that_overflows_is_no_room(void **state)
{
    static const size_t pairs[][2] = {
        {SIZE_MAX, SIZE_MAX},
        {SIZE_MAX, 1},
        {1, SIZE_MAX},
        {SIZE_MAX / 2 + 1, 2},
        {2, SIZE_MAX / 2 + 1},
        {(size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4)},
        {UINT32_MAX, 2},
        {0x10000, 0x10000},
        {IOT_ARENA_BYTES_MAX, 2},
        {IOT_ARENA_BYTES_MAX / 2 + 1, 2},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(pairs); i++) {
        begin(1024);
        assert_null(iot_arena_calloc(pairs[i][0], pairs[i][1]));
        assert_true(arena.failed > IOT_ARENA_BYTES_MAX);
        assert_int_equal(arena.used + arena.high + arena.blocks, 0);
        assert_sound(&arena);
    }
}

static void full_and_one_more_changes_nothing_but_failed(void **state)
{
    uint8_t copy[1024];
    void *blocks[64];
    uint32_t n = 0;
    (void)state;
    while (arena.units - 1 - arena.used >= 3) {
        blocks[n] = iot_arena_calloc(1, 20); /* 3 units */
        memset(blocks[n], (int)n, 20);
        n++;
    }
    iot_arena_free(blocks[1]);
    iot_arena_free(blocks[3]);
    struct iot_arena before = arena;
    memcpy(copy, room, sizeof copy);
    assert_null(iot_arena_calloc(1, 21)); /* 6 units are free, in two places, and a rest of 1 */
    assert_int_equal(arena.failed, 21);
    before.failed = 21;
    assert_memory_equal(&arena, &before, sizeof arena);
    assert_memory_equal(room, copy, sizeof copy);
    assert_non_null(iot_arena_calloc(1, 20));
    assert_non_null(iot_arena_calloc(20, 1));
    assert_null(iot_arena_calloc(5, 4));
    assert_int_equal(arena.failed, 20);
    assert_sound(&arena);
}

/* ---- several blocks ---------------------------------------------------------------------- */

static void the_smallest_block_that_fits_is_taken(void **state)
{
    static const uint32_t sizes[] = {100, 28, 60, 36, 200};
    void *hole[COUNT(sizes)];
    (void)state;
    for (uint32_t i = 0; i < COUNT(sizes); i++) {
        hole[i] = iot_arena_calloc(1, sizes[i]);
        assert_non_null(iot_arena_calloc(1, 1)); /* keeps them apart */
    }
    for (uint32_t i = 0; i < COUNT(sizes); i++)
        iot_arena_free(hole[i]);
    assert_sound(&arena);
    assert_ptr_equal(iot_arena_calloc(1, 29), hole[3]);
    assert_ptr_equal(iot_arena_calloc(1, 28), hole[1]);
    assert_ptr_equal(iot_arena_calloc(1, 1), hole[2]); /* cut in two */
    assert_ptr_equal(iot_arena_calloc(1, 52), (uint8_t *)hole[2] + 8);
    assert_ptr_equal(iot_arena_calloc(1, 90), hole[0]);
    assert_sound(&arena);
}

/* Five blocks, freed in every order: each time one block of full size is left. */
static void neighbours_are_joined_in_every_order(void **state)
{
    uint32_t orders = 0;
    (void)state;
    for (uint32_t code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
        uint32_t order[5], c = code, taken = 0;
        for (uint32_t i = 0; i < 5; i++, c /= 5) {
            order[i] = c % 5;
            taken |= 1u << order[i];
        }
        if (taken != 31)
            continue;
        orders++;
        begin(256);
        void *block[5];
        for (uint32_t i = 0; i < 5; i++)
            block[i] = iot_arena_calloc(1, i == 4 ? whole(256) - 4 * 40 : 36);
        assert_null(iot_arena_calloc(1, 1));
        for (uint32_t i = 0; i < 5; i++) {
            iot_arena_free(block[order[i]]);
            assert_sound(&arena);
        }
        assert_int_equal(arena.used, 0);
        assert_int_equal(arena.high, 256 / UNIT - 1);
        assert_ptr_equal(iot_arena_calloc(1, whole(256)), block[0]);
    }
    assert_int_equal(orders, 120);
}

static void a_block_freed_twice_or_never_given_is_caught(void **state)
{
    (void)state;
#if IOT_ASSERTS
    uint8_t *p = iot_arena_calloc(1, 20);
    uint8_t elsewhere[8];
    assert_non_null(iot_arena_calloc(1, 20));
    iot_arena_free(p);
    expect_assert_failure(iot_arena_free(p));
    expect_assert_failure(iot_arena_free(elsewhere));
    expect_assert_failure(iot_arena_free(room + 1024));
    iot_arena_enter(NULL);
    expect_assert_failure(iot_arena_free(p));
#endif
}

/* Four blocks, of which the second and third are freed, in both orders, and the first before or behind them or
 * never: whatever they were joined with, none goes a second time, and nothing changes. */
static void a_block_freed_twice_is_caught_also_when_it_was_joined(void **state)
{
    static const uint8_t orders[][3] = {{1, 2, 0}, {2, 1, 0}, {0, 1, 2}, {0, 2, 1}, {1, 0, 2}};
    (void)state;
#if IOT_ASSERTS
    for (uint32_t o = 0; o < COUNT(orders); o++) {
        void *block[4];
        begin(1024);
        for (uint32_t i = 0; i < COUNT(block); i++)
            block[i] = iot_arena_calloc(1, 20 + 8 * i);
        for (uint32_t done = 0; done < 3; done++) {
            iot_arena_free(block[orders[o][done]]);
            struct iot_arena before = arena;
            for (uint32_t again = 0; again <= done; again++)
                expect_assert_failure(iot_arena_free(block[orders[o][again]]));
            assert_memory_equal(&arena, &before, sizeof arena);
            assert_sound(&arena);
        }
        iot_arena_free(block[3]);
        expect_assert_failure(iot_arena_free(block[3]));
        assert_int_equal(arena.used + arena.blocks, 0);
    }
#endif
}

static void a_pointer_into_a_block_is_caught(void **state)
{
    (void)state;
#if IOT_ASSERTS
    uint8_t *p = iot_arena_calloc(1, 20);
    memset(p, 0xff, 20);
    for (uint32_t off = 1; off < 20; off++)
        expect_assert_failure(iot_arena_free(p + off));
    iot_arena_free(p);
    assert_sound(&arena);
#endif
}

/* Who wrote too much is caught when it goes, and so is its victim. */
static void an_overrun_over_the_next_header_is_caught(void **state)
{
    static const uint8_t fills[] = {0x00, 0x01, 0x41, 0x7f, 0x80, 0x81, 0xff};
    (void)state;
#if IOT_ASSERTS
    for (uint32_t i = 0; i < COUNT(fills); i++) {
        uint8_t good[HEAD];
        begin(1024);
        uint8_t *p = iot_arena_calloc(1, 20), *q = iot_arena_calloc(1, 20);
        memcpy(good, p + 20, HEAD);
        memset(p, fills[i], 20 + HEAD);
        expect_assert_failure(iot_arena_free(p));
        expect_assert_failure(iot_arena_free(q));
        assert_int_equal(arena.blocks, 2);
        memcpy(p + 20, good, HEAD);
        iot_arena_free(q);
        iot_arena_free(p);
        assert_sound(&arena);
    }
#endif
}

/* Each half of a header for itself, with one or two wrong bits. Nothing is looked at behind the end for it. */
static void a_header_that_does_not_fit_its_neighbours_is_caught(void **state)
{
    (void)state;
#if IOT_ASSERTS
    uint16_t good, bad;
    for (uint32_t half = 0; half < 4; half++) {
        uint8_t *memory = at_guard(NULL, 1024);
        assert_true(iot_arena_init(&arena, memory, 1024));
        uint8_t *first = iot_arena_calloc(1, 20), *p = iot_arena_calloc(1, 28);
        if (half >= 2) /* all is given out, and this is the last */
            p = iot_arena_calloc(1, whole(1024) - 7 * UNIT);
        assert_non_null(p);
        uint8_t *at = p - HEAD + 2 * (half % 2);
        memcpy(&good, at, sizeof good);
        for (uint32_t bits = 0; bits < 256; bits++) {
            bad = (uint16_t)(good ^ 1u << bits / 16 ^ (bits / 16 != bits % 16) << bits % 16);
            memcpy(at, &bad, sizeof bad);
            expect_assert_failure(iot_arena_free(p));
        }
        memcpy(at, &good, sizeof good);
        bad = 1; /* the first has none before it */
        memcpy(first - 2, &bad, sizeof bad);
        expect_assert_failure(iot_arena_free(first));
        bad = 0;
        memcpy(first - 2, &bad, sizeof bad);
        iot_arena_free(p);
        iot_arena_free(first);
        assert_sound(&arena);
    }
#endif
}

static void a_size_that_leads_to_the_end_over_what_is_free_is_caught(void **state)
{
    (void)state;
#if IOT_ASSERTS
    uint8_t *p = iot_arena_calloc(1, 20);
    uint16_t bad = 0x8000 | (1024 / UNIT - 1);
    memcpy(p - HEAD, &bad, sizeof bad);
    expect_assert_failure(iot_arena_free(p));
#endif
}

/* ---- two arenas -------------------------------------------------------------------------- */

static void two_arenas_do_not_know_each_other(void **state)
{
    struct iot_arena other;
    (void)state;
    assert_true(iot_arena_init(&other, room + 2048, 512));
    uint8_t *mine = iot_arena_calloc(1, 50);
    assert_ptr_equal(iot_arena_enter(&other), &arena);
    uint8_t *its = iot_arena_calloc(1, 100);
    assert_true(its > room + 2048 && its < room + 2048 + 512);
    assert_null(iot_arena_calloc(1, 600));
    assert_int_equal(other.failed, 600);
    assert_int_equal(arena.failed, 0);
    assert_ptr_equal(iot_arena_enter(NULL), &other);
    assert_null(iot_arena_enter(&arena));
    assert_int_equal(arena.used, units_of(50));
    assert_int_equal(other.used, units_of(100));
    iot_arena_free(mine);
    iot_arena_enter(&other);
    iot_arena_free(its);
    assert_int_equal(arena.used + other.used, 0);
    assert_sound(&arena);
    assert_sound(&other);
}

/* ---- a storm ----------------------------------------------------------------------------- */

#define LIVE_MAX 400u
static struct live {
    uint8_t *p;
    uint32_t n;
    uint8_t fill;
} live[2][LIVE_MAX];

static void storm(uint32_t *rng, uint32_t bytes, uint32_t size_max, uint32_t steps)
{
    struct iot_arena arenas[2];
    uint32_t count[2] = {0, 0}, used[2] = {0, 0}, high[2] = {0, 0};
    uint8_t *base[2] = {room, room + IOT_ARENA_BYTES_MAX / 2 / UNIT * UNIT};

    memset(room, 0xaa, sizeof room);
    for (uint32_t i = 0; i < 2; i++)
        assert_true(iot_arena_init(&arenas[i], base[i], bytes));
    for (uint32_t s = 0; s < steps; s++) {
        uint32_t w = test_random(rng, 2);
        struct iot_arena *a = &arenas[w];
        iot_arena_enter(a);
        /* grows and shrinks by turns */
        bool take = test_random(rng, 100) < ((s / 500) % 2 != 0 ? 35u : 65u);
        if (take && count[w] < LIVE_MAX) {
            uint32_t n = 1 + test_random(rng, test_random(rng, 8) == 0 ? size_max : size_max / 8);
            uint8_t *p = iot_arena_calloc(1, n);
            if (p == NULL) {
                assert_int_equal(a->failed, n);
            } else {
                assert_true(p >= a->base + UNIT && p + n <= a->base + bytes);
                assert_int_equal((uintptr_t)p % 8, 0);
                assert_true(all_are(p, n, 0));
                uint8_t fill = (uint8_t)(1 + test_random(rng, 255));
                memset(p, fill, n);
                live[w][count[w]++] = (struct live){p, n, fill};
                used[w] += units_of(n);
            }
        } else if (count[w] != 0) {
            uint32_t i = test_random(rng, count[w]);
            struct live l = live[w][i];
            assert_true(all_are(l.p, l.n, l.fill)); /* nobody else was given them */
            live[w][i] = live[w][--count[w]];
            iot_arena_free(l.p);
            used[w] -= units_of(l.n);
        }
        high[w] = used[w] > high[w] ? used[w] : high[w];
        assert_int_equal(a->used, used[w]);
        assert_int_equal(a->high, high[w]);
        assert_int_equal(a->blocks, count[w]);
        if (s % 16 == 0)
            assert_sound(a);
    }
    for (uint32_t w = 0; w < 2; w++) {
        iot_arena_enter(&arenas[w]);
        while (count[w] != 0) {
            struct live l = live[w][--count[w]];
            assert_true(all_are(l.p, l.n, l.fill));
            iot_arena_free(l.p);
        }
        assert_sound(&arenas[w]);
        assert_int_equal(arenas[w].used, 0);
        assert_non_null(iot_arena_calloc(1, whole(bytes)));
        assert_true(all_are(base[w] + bytes, 8, 0xaa));
    }
}

static void a_storm_of_random_calls_keeps_every_byte_and_leaves_one_block(void **state)
{
    uint32_t rng = test_seed();
    (void)state;
    for (uint32_t round = 0; round < 12; round++) {
        storm(&rng, 64 + 8 * test_random(&rng, 500), 400, 3000);
        storm(&rng, 16384, 2000, 3000);
    }
    storm(&rng, IOT_ARENA_BYTES_MAX / 2 / UNIT * UNIT - 16, 8000, 3000);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(memory_that_does_not_fit_is_refused),
        CASE(bytes_that_make_no_whole_unit_are_left_alone),
        CASE(nothing_is_touched_behind_the_end),
        CASE(without_an_arena_there_is_nothing),
        CASE(init_forgets_what_was),
        CASE(each_size_costs_what_it_says_is_aligned_and_zero),
        CASE(the_overhead_is_four_bytes),
        CASE(used_bytes_come_back_as_zeros),
        CASE(nothing_of_nothing_is_null_and_no_failure),
        CASE(the_largest_arena_works_to_its_last_byte),
        CASE(a_product_that_overflows_is_no_room),
        CASE(full_and_one_more_changes_nothing_but_failed),
        CASE(the_smallest_block_that_fits_is_taken),
        CASE(neighbours_are_joined_in_every_order),
        CASE(a_block_freed_twice_or_never_given_is_caught),
        CASE(a_block_freed_twice_is_caught_also_when_it_was_joined),
        CASE(a_pointer_into_a_block_is_caught),
        CASE(an_overrun_over_the_next_header_is_caught),
        CASE(a_header_that_does_not_fit_its_neighbours_is_caught),
        CASE(a_size_that_leads_to_the_end_over_what_is_free_is_caught),
        CASE(two_arenas_do_not_know_each_other),
        CASE(a_storm_of_random_calls_keeps_every_byte_and_leaves_one_block),
    };
    return cmocka_run_group_tests_name("crypto_arena", tests, NULL, NULL);
}
