/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/iot_core_jitter.h"
#include "heap_trap.h"

static struct iot_jitter seeded(uint32_t seed)
{
    struct iot_jitter j;

    iot_jitter_seed(&j, seed);
    return j;
}

static void every_seed_gives_a_state_that_is_not_stuck(void **state)
{
    static const uint32_t seeds[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0x9e3779b9, UINT32_MAX};
    (void)state;

    for (size_t i = 0; i < COUNT(seeds); i++) {
        struct iot_jitter j = seeded(seeds[i]);
        assert_int_not_equal(j.state, 0);
        uint32_t a = iot_jitter_between(&j, 0, UINT32_MAX);
        uint32_t b = iot_jitter_between(&j, 0, UINT32_MAX);
        assert_int_not_equal(a, b);
        assert_int_not_equal(j.state, 0);
    }
}

static void the_same_seed_gives_the_same_numbers_and_another_gives_others(void **state)
{
    struct iot_jitter a = seeded(7), b = seeded(7), c = seeded(8);
    int same_as_c = 0;
    (void)state;

    for (int i = 0; i < 1000; i++) {
        uint32_t x = iot_jitter_between(&a, 0, 1000000);
        assert_int_equal(x, iot_jitter_between(&b, 0, 1000000));
        same_as_c += x == iot_jitter_between(&c, 0, 1000000);
    }
    assert_in_range(same_as_c, 0, 2);
}

static void numbers_stay_between_the_ends_and_reach_both(void **state)
{
    struct iot_jitter j = seeded(1);
    bool low = false, high = false;
    (void)state;

    heap_trap_on();
    for (int i = 0; i < 100000; i++) {
        uint32_t x = iot_jitter_between(&j, 250, 1000);
        assert_in_range(x, 250, 1000);
        low = low || x == 250;
        high = high || x == 1000;
    }
    heap_trap_off();
    assert_true(low && high);
}

static void numbers_are_even(void **state)
{
    struct iot_jitter j = seeded(3);
    int seen[10] = {0};
    (void)state;

    for (int i = 0; i < 1000000; i++)
        seen[iot_jitter_between(&j, 5, 14) - 5]++;
    for (size_t i = 0; i < COUNT(seen); i++)
        assert_in_range(seen[i], 98500, 101500); /* 5 standard deviations */
}

static void the_first_number_of_small_seeds_is_even_too(void **state)
{
    int seen[8] = {0};
    (void)state;

    for (uint32_t seed = 0; seed < 8000; seed++) {
        struct iot_jitter j = seeded(seed);
        seen[iot_jitter_between(&j, 0, 7)]++;
    }
    for (size_t i = 0; i < COUNT(seen); i++)
        assert_in_range(seen[i], 850, 1150);
}

static void a_range_of_one_and_the_whole_range_work(void **state)
{
    struct iot_jitter j = seeded(9);
    uint32_t ored = 0, anded = UINT32_MAX;
    (void)state;

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(iot_jitter_between(&j, 42, 42), 42);
        assert_int_equal(iot_jitter_between(&j, UINT32_MAX, UINT32_MAX), UINT32_MAX);
        uint32_t x = iot_jitter_between(&j, 0, UINT32_MAX);
        ored |= x;
        anded &= x;
    }
    assert_int_equal(ored, UINT32_MAX);
    assert_int_equal(anded, 0);
}

static void ends_in_the_wrong_order_are_a_mistake_of_the_caller(void **state)
{
    (void)state;
#if IOT_ASSERTS
    struct iot_jitter j = seeded(9);
    expect_assert_failure(iot_jitter_between(&j, 2, 1));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_seed_gives_a_state_that_is_not_stuck),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers_and_another_gives_others),
        cmocka_unit_test(numbers_stay_between_the_ends_and_reach_both),
        cmocka_unit_test(numbers_are_even),
        cmocka_unit_test(the_first_number_of_small_seeds_is_even_too),
        cmocka_unit_test(a_range_of_one_and_the_whole_range_work),
        cmocka_unit_test(ends_in_the_wrong_order_are_a_mistake_of_the_caller),
    };
    return cmocka_run_group_tests_name("core_jitter", tests, NULL, NULL);
}
