/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"

static uint8_t room[64];

/* `cap` bytes with 0xEE behind them. */
static struct iot_writer writer(uint32_t cap)
{
    memset(room, 0xee, sizeof room);
    return (struct iot_writer){.ptr = room, .cap = cap};
}

static void assert_written(const struct iot_writer *w, const char *expected)
{
    assert_bytes(((struct iot_bytes){room, w->len}), text_bytes(expected));
    for (uint32_t i = w->len; i < sizeof room; i++)
        assert_int_equal(room[i], 0xee);
}

static void puts_are_appended_in_order(void **state)
{
    struct iot_writer w = writer(32);
    (void)state;

    heap_trap_on();
    iot_writer_text(&w, "{\"t\":");
    iot_writer_u32(&w, 215);
    iot_writer_put(&w, "}xx", 1);
    heap_trap_off();
    assert_written(&w, "{\"t\":215}");
    assert_false(w.overflow);
}

static void a_put_that_fills_the_room_exactly_is_no_overflow(void **state)
{
    struct iot_writer w = writer(5);
    (void)state;

    iot_writer_text(&w, "12");
    iot_writer_text(&w, "345");
    assert_written(&w, "12345");
    assert_false(w.overflow);
}

static void one_byte_too_many_writes_nothing_of_that_put(void **state)
{
    struct iot_writer w = writer(5);
    (void)state;

    iot_writer_text(&w, "123");
    iot_writer_text(&w, "456");
    assert_written(&w, "123");
    assert_true(w.overflow);
}

static void one_without_memory_counts(void **state)
{
    struct iot_writer w = {.cap = 5};
    (void)state;

    iot_writer_text(&w, "123");
    iot_writer_u32(&w, 45);
    assert_int_equal(w.len, 5);
    assert_false(w.overflow);
    iot_writer_text(&w, "6");
    assert_true(w.overflow);
}

static void after_an_overflow_nothing_more_is_written(void **state)
{
    struct iot_writer w = writer(5);
    (void)state;

    iot_writer_text(&w, "123456");
    iot_writer_text(&w, "1");
    iot_writer_u32(&w, 2);
    iot_writer_put(&w, "", 0);
    assert_written(&w, "");
    assert_true(w.overflow);
}

static void empty_puts_change_nothing(void **state)
{
    struct iot_writer w = writer(0);
    (void)state;

    iot_writer_put(&w, NULL, 0);
    iot_writer_text(&w, "");
    assert_written(&w, "");
    assert_false(w.overflow);
    w = (struct iot_writer){0}; /* closed: no memory at all */
    iot_writer_put(&w, NULL, 0);
    assert_false(w.overflow);
    iot_writer_put(&w, "x", 1);
    assert_true(w.overflow);
}

static void a_length_near_2_to_the_32_does_not_wrap(void **state)
{
    struct iot_writer w = writer(5);
    (void)state;

    iot_writer_text(&w, "123");
    iot_writer_put(&w, "x", UINT32_MAX);
    iot_writer_put(&w, "x", UINT32_MAX - 2);
    assert_written(&w, "123");
    assert_true(w.overflow);
}

static void numbers_are_decimal_without_leading_zeros(void **state)
{
    static const uint32_t values[] = {0,     1,     9,          10,         99,        100,
                                      65535, 65536, 1000000000, 4294967294, UINT32_MAX};
    (void)state;

    for (size_t i = 0; i < COUNT(values); i++) {
        char expected[16];
        struct iot_writer w = writer(32);
        iot_writer_u32(&w, values[i]);
        snprintf(expected, sizeof expected, "%u", (unsigned)values[i]);
        assert_written(&w, expected);
    }
}

static void a_number_that_does_not_fit_is_not_cut(void **state)
{
    struct iot_writer w = writer(9);
    (void)state;

    iot_writer_u32(&w, UINT32_MAX);
    assert_written(&w, "");
    assert_true(w.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_are_appended_in_order),
        cmocka_unit_test(a_put_that_fills_the_room_exactly_is_no_overflow),
        cmocka_unit_test(one_byte_too_many_writes_nothing_of_that_put),
        cmocka_unit_test(one_without_memory_counts),
        cmocka_unit_test(after_an_overflow_nothing_more_is_written),
        cmocka_unit_test(empty_puts_change_nothing),
        cmocka_unit_test(a_length_near_2_to_the_32_does_not_wrap),
        cmocka_unit_test(numbers_are_decimal_without_leading_zeros),
        cmocka_unit_test(a_number_that_does_not_fit_is_not_cut),
    };
    return cmocka_run_group_tests_name("core_writer", tests, NULL, NULL);
}
