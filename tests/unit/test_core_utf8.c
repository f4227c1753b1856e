/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/iot_core_utf8.h"
#include "heap_trap.h"

/* The plain way: take the bits out, then ask whether they should have been written so. */
static bool reference(struct iot_bytes text)
{
    uint32_t at = 0;

    while (at < text.len) {
        uint8_t lead = text.ptr[at];
        uint32_t size = lead < 0x80       ? 1
                        : lead >> 5 == 6  ? 2
                        : lead >> 4 == 14 ? 3
                        : lead >> 3 == 30 ? 4
                                          : 0;
        static const uint32_t least[] = {0, 0x1, 0x80, 0x800, 0x10000};
        if (size == 0 || size > text.len - at)
            return false;
        uint32_t code = size == 1 ? lead : lead & (0x7fu >> size);
        for (uint32_t i = 1; i < size; i++) {
            if (text.ptr[at + i] >> 6 != 2)
                return false;
            code = code << 6 | (text.ptr[at + i] & 0x3f);
        }
        if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
        at += size;
    }
    return true;
}

static void check_against_reference(const uint8_t *bytes, uint32_t n)
{
    struct iot_bytes text = guarded((struct iot_bytes){bytes, n});

    if (iot_utf8_valid(text) != reference(text)) {
        char hex[64];
        to_hex(text, hex, sizeof hex);
        fail_msg("%s: valid is %d", hex, iot_utf8_valid(text));
    }
}

/* Writes `code` in `size` bytes, shortest or not, allowed or not. */
static void put_code(uint8_t *into, uint32_t code, uint32_t size)
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (uint32_t i = size - 1; i > 0; i--) {
        into[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    into[0] = (uint8_t)(lead[size] | code);
}

static void every_code_point_is_valid_in_its_shortest_form_only(void **state)
{
    static const uint32_t limit[] = {0, 0x80, 0x800, 0x10000, 0x200000};
    (void)state;

    for (uint32_t size = 1; size <= 4; size++) {
        for (uint32_t code = 0; code < limit[size]; code++) {
            uint8_t bytes[4];
            put_code(bytes, code, size);
            bool expected = code >= (size == 1 ? 1 : limit[size - 1]) && code <= 0x10ffff &&
                            (code < 0xd800 || code > 0xdfff);
            if (iot_utf8_valid((struct iot_bytes){bytes, size}) != expected)
                fail_msg("U+%06X in %u bytes", code, size);
        }
    }
}

static void all_texts_of_one_two_and_three_bytes_are_as_the_reference_says(void **state)
{
    (void)state;
    heap_trap_on();
    for (uint32_t n = 1; n <= 3; n++) {
        for (uint32_t value = 0; value < 1u << 8 * n; value++) {
            uint8_t bytes[3] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16)};
            check_against_reference(bytes, n);
        }
    }
    heap_trap_off();
}

static void all_classes_of_four_and_five_bytes_are_as_the_reference_says(void **state)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                    0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                    0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    (void)state;

    for (uint32_t lead = 0; lead < 256; lead++) {
        for (size_t i = 0; i < COUNT(edges) * COUNT(edges) * COUNT(edges); i++) {
            uint8_t bytes[5] = {(uint8_t)lead};
            size_t rest = i;
            for (int k = 1; k < 4; k++, rest /= COUNT(edges))
                bytes[k] = edges[rest % COUNT(edges)];
            bytes[4] = i % 2 == 0 ? 'a' : 0x80;
            check_against_reference(bytes, 4);
            check_against_reference(bytes, 5);
        }
    }
}

static void a_part_is_refused_as_soon_as_nothing_could_save_it(void **state)
{
    (void)state;
    /* A valid text ends with ASCII or a continuation; 80 can stand for any of these. */
    for (uint32_t value = 0; value < 1u << 24; value++) {
        uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), 'a'};
        bool can = reference((struct iot_bytes){bytes, 4});
        bytes[3] = 0x80;
        can = can || reference((struct iot_bytes){bytes, 4});
        struct iot_bytes text = {at_guard(bytes, 3), 4};
        if (iot_utf8_valid_so_far(text, 3, "") != can)
            fail_msg("%02x %02x %02x of four bytes", bytes[0], bytes[1], bytes[2]);
    }
    for (uint32_t value = 0; value < 1u << 16; value++) {
        uint8_t bytes[3] = {(uint8_t)value, (uint8_t)(value >> 8), 0};
        bool can = false;
        for (uint32_t last = 1; last < 256 && !can; last++) {
            bytes[2] = (uint8_t)last;
            can = reference((struct iot_bytes){bytes, 3});
        }
        struct iot_bytes text = {at_guard(bytes, 2), 3};
        if (iot_utf8_valid_so_far(text, 2, "") != can)
            fail_msg("%02x %02x of three bytes", bytes[0], bytes[1]);
    }
}

static void a_character_that_the_end_would_cut_is_refused_at_its_first_byte(void **state)
{
    (void)state;
    assert_true(iot_utf8_valid_so_far((struct iot_bytes){at_guard("\xf0", 1), 4}, 1, ""));
    assert_false(iot_utf8_valid_so_far((struct iot_bytes){at_guard("\xf0", 1), 3}, 1, ""));
    assert_true(iot_utf8_valid_so_far((struct iot_bytes){at_guard("a\xe2", 2), 4}, 2, ""));
    assert_false(iot_utf8_valid_so_far((struct iot_bytes){at_guard("a\xe2", 2), 3}, 2, ""));
    assert_true(iot_utf8_valid_so_far((struct iot_bytes){at_guard("ab\xc3", 3), 4}, 3, ""));
    assert_false(iot_utf8_valid_so_far((struct iot_bytes){at_guard("ab\xc3", 3), 3}, 3, ""));
}

static void unwanted_characters_are_found_at_every_place(void **state)
{
    (void)state;
    for (uint32_t len = 1; len <= 20; len++) {
        for (uint32_t at = 0; at < len; at++) {
            for (uint32_t c = 0; c < 0x80; c++) {
                uint8_t bytes[20];
                memset(bytes, 'x', sizeof bytes);
                bytes[at] = (uint8_t)c;
                struct iot_bytes text = guarded((struct iot_bytes){bytes, len});
                assert_int_equal(iot_utf8_valid(text), c != 0);
                assert_int_equal(iot_utf8_valid_so_far(text, len, "#+"),
                                 c != 0 && c != '#' && c != '+');
                assert_int_equal(iot_utf8_valid_so_far(text, at, "#+"), true);
            }
        }
    }
}

static void an_empty_text_is_valid(void **state)
{
    (void)state;
    assert_true(iot_utf8_valid((struct iot_bytes){NULL, 0}));
    assert_true(iot_utf8_valid_so_far((struct iot_bytes){NULL, 7}, 0, ""));
}

static void a_byte_order_mark_and_control_characters_are_let_through(void **state)
{
    (void)state;
    assert_true(iot_utf8_valid(BYTES("\xef\xbb\xbf"
                                     "a\xef\xbb\xbf"))); /* MQTT-1.5.3-3 */
    assert_true(iot_utf8_valid(BYTES("\x01\x1f\x7f\xc2\x80\xc2\x9f\xef\xbf\xbf")));
    assert_false(iot_utf8_valid(BYTES("a\0b"))); /* MQTT-1.5.3-2 */
    assert_false(iot_utf8_valid(BYTES("\xc0\x80")));
    assert_false(iot_utf8_valid(BYTES("\xed\xa0\x80\xed\xb0\x80"))); /* a pair of surrogates */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_valid_in_its_shortest_form_only),
        cmocka_unit_test(all_texts_of_one_two_and_three_bytes_are_as_the_reference_says),
        cmocka_unit_test(all_classes_of_four_and_five_bytes_are_as_the_reference_says),
        cmocka_unit_test(a_part_is_refused_as_soon_as_nothing_could_save_it),
        cmocka_unit_test(a_character_that_the_end_would_cut_is_refused_at_its_first_byte),
        cmocka_unit_test(unwanted_characters_are_found_at_every_place),
        cmocka_unit_test(an_empty_text_is_valid),
        cmocka_unit_test(a_byte_order_mark_and_control_characters_are_let_through),
    };
    return cmocka_run_group_tests_name("core_utf8", tests, NULL, NULL);
}
