/* SPDX-License-Identifier: Apache-2.0 */
/* The library is built with the level of the configuration, so the log is compiled in here: once with all
 * levels, once with none. What a block of IOT_LOG becomes is decided where it stands: blocks stand below under
 * each level. */
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 5
#undef IOT_LOG_LINE_BYTES
#define IOT_LOG_LINE_BYTES 256
#include "core/iot_core_log.h"
#include "core/iot_core_log.c"

#include "test.h"

#include "heap_trap.h"

static struct {
    char line[IOT_LOG_LINE_BYTES + 1];
    uint32_t lines, len;
    enum iot_log_level level;
    void *ctx;
} got;

static void on_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    assert_in_range(len, 0, IOT_LOG_LINE_BYTES);
    memcpy(got.line, line, len);
    got.line[len] = '\0';
    got.len = len;
    got.level = level;
    got.ctx = ctx;
    got.lines++;
}

static const struct iot_port board = {.ctx = &got, .log = on_line};
static uint32_t asked;

static const char *ask(void)
{
    asked++;
    return "text";
}

/* One block for each level. Returns a bit for each that wrote a line. */
#define BLOCK(level_)                                                                              \
    got.lines = 0;                                                                                 \
    IOT_LOG (&board, level_, line) {                                                               \
        iot_log_text(line, ask());                                                                 \
        iot_log_bytes(line, BYTES("bytes"));                                                       \
        iot_log_u32(line, asked);                                                                  \
        iot_log_i32(line, -1);                                                                     \
        iot_log_hex(line, BYTES("\x01"));                                                          \
    }                                                                                              \
    written |= got.lines << level_

#define BLOCKS(name)                                                                               \
    static uint32_t name(void)                                                                     \
    {                                                                                              \
        uint32_t written = 0;                                                                      \
        asked = 0;                                                                                 \
        BLOCK(IOT_LOG_ERROR);                                                                      \
        BLOCK(IOT_LOG_WARN);                                                                       \
        BLOCK(IOT_LOG_INFO);                                                                       \
        BLOCK(IOT_LOG_DEBUG);                                                                      \
        BLOCK(IOT_LOG_DUMP);                                                                       \
        return written;                                                                            \
    }

BLOCKS(blocks_5)
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 4
BLOCKS(blocks_4)
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 3
BLOCKS(blocks_3)
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 2
BLOCKS(blocks_2)
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 1
BLOCKS(blocks_1)

/* The whole header as it is without a log, and the file, in which then is nothing. */
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 0
#undef IOT_CORE_LOG_H
#define iot_log_line  none_line
#define iot_log_open  none_open
#define iot_log_end   none_end
#define iot_log_text  none_text
#define iot_log_bytes none_bytes
#define iot_log_u32   none_u32
#define iot_log_i32   none_i32
#define iot_log_err   none_err
#define iot_log_hex   none_hex
#include "core/iot_core_log.h"
#include "core/iot_core_log.c"
BLOCKS(blocks_0)
#undef iot_log_line
#undef iot_log_open
#undef iot_log_end
#undef iot_log_text
#undef iot_log_bytes
#undef iot_log_u32
#undef iot_log_i32
#undef iot_log_err
#undef iot_log_hex
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 5

static void levels_above_the_configured_one_neither_write_nor_evaluate(void **state)
{
    uint32_t (*const blocks[])(void) = {blocks_0, blocks_1, blocks_2, blocks_3, blocks_4, blocks_5};
    (void)state;

    for (uint32_t level = 0; level < COUNT(blocks); level++) {
        assert_int_equal(blocks[level](), (2u << level) - 2); /* bits 1 to level */
        assert_int_equal(asked, level);
    }
}

static void a_line_goes_to_the_port_once_with_its_level_and_context(void **state)
{
    (void)state;
    memset(&got, 0, sizeof got);
    heap_trap_on();
    IOT_LOG (&board, IOT_LOG_WARN, line) {
        iot_log_text(line, "tls: code ");
        iot_log_i32(line, -7);
        iot_log_text(line, " after ");
        iot_log_u32(line, 4294967295u);
        iot_log_text(line, " ms from ");
        iot_log_bytes(line, BYTES("10.0.2.2"));
        iot_log_text(line, " ");
        iot_log_hex(line, BYTES("\x00\xfe\x10"));
        assert_int_equal(got.lines, 0);
    }
    heap_trap_off();
    assert_string_equal(got.line, "tls: code -7 after 4294967295 ms from 10.0.2.2 00fe10");
    assert_int_equal(got.lines, 1);
    assert_int_equal(got.level, IOT_LOG_WARN);
    assert_ptr_equal(got.ctx, &got);
}

static void a_port_without_a_log_costs_no_word(void **state)
{
    static const struct iot_port silent = {.ctx = NULL};
    (void)state;

    asked = 0;
    IOT_LOG (&silent, IOT_LOG_ERROR, line) {
        iot_log_text(line, ask());
    }
    IOT_LOG ((const struct iot_port *)NULL, IOT_LOG_ERROR, line) {
        iot_log_text(line, ask());
    }
    assert_int_equal(asked, 0);
}

static void a_block_is_one_statement_and_may_stand_before_else(void **state)
{
    (void)state;
    got.lines = 0;
    for (int i = 0; i < 2; i++)
        if (i == 0)
            IOT_LOG (&board, IOT_LOG_INFO, line)
                iot_log_text(line, "then");
        else
            IOT_LOG (&board, IOT_LOG_INFO, line)
                iot_log_text(line, "else");
    assert_int_equal(got.lines, 2);
    assert_string_equal(got.line, "else");
}

static void a_block_that_is_broken_off_writes_nothing(void **state)
{
    (void)state;
    got.lines = 0;
    IOT_LOG (&board, IOT_LOG_INFO, line) {
        iot_log_text(line, "half");
        break;
    }
    assert_int_equal(got.lines, 0);
}

static void an_empty_block_is_an_empty_line(void **state)
{
    (void)state;
    memset(&got, 0, sizeof got);
    IOT_LOG (&board, IOT_LOG_INFO, line) {
        iot_log_bytes(line, (struct iot_bytes){NULL, 0});
        iot_log_hex(line, (struct iot_bytes){NULL, 0});
        iot_log_text(line, "");
    }
    assert_int_equal(got.lines, 1);
    assert_int_equal(got.len, 0);
}

static void numbers_are_written_to_their_ends(void **state)
{
    static const int32_t values[] = {0, 1, -1, 42, -2147483647, INT32_MAX, INT32_MIN};
    (void)state;

    for (size_t i = 0; i < COUNT(values); i++) {
        char expected[16];
        IOT_LOG (&board, IOT_LOG_INFO, line) {
            iot_log_i32(line, values[i]);
        }
        snprintf(expected, sizeof expected, "%d", (int)values[i]);
        assert_string_equal(got.line, expected);
    }
}

static void put(struct iot_bytes bytes)
{
    bytes = guarded(bytes);
    IOT_LOG (&board, IOT_LOG_INFO, line) {
        iot_log_bytes(line, bytes);
    }
}

static void every_byte_alone_is_printable_or_an_escape(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 256; c++) {
        char expected[8];
        uint8_t byte = (uint8_t)c;
        put((struct iot_bytes){&byte, 1});
        snprintf(expected, sizeof expected, c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", (int)c);
        assert_string_equal(got.line, expected);
    }
}

static void text_of_outside_cannot_forge_a_line_or_hide_one(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a\nE forged\r", "a\\x0aE forged\\x0d"},
        {"\x1b[2J", "\\x1b[2J"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"},                                                 /* C1: CSI */
        {"\xc2\x85", "\\xc2\\x85"},                                       /* C1: next line */
        {"\xe2\x80\xa8|\xe2\x80\xa9", "\\xe2\\x80\\xa8|\\xe2\\x80\\xa9"}, /* U+2028, U+2029 */
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},                              /* right to left */
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},
        {"\xc0\x8a", "\\xc0\\x8a"}, /* a line end, not in its shortest form */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"ab\xe6\xb8", "ab\\xe6\\xb8"}, /* cut */
        {"\xff", "\\xff"},
        /* and what may pass */
        {"\xe6\xb8\xa9\xe5\xba\xa6 \xc2\xb0"
         "C",
         "\xe6\xb8\xa9\xe5\xba\xa6 \xc2\xb0"
         "C"},
        {"\xf0\x9f\x92\xa1", "\xf0\x9f\x92\xa1"},
        {"\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x80\xa7\xe2\x80\xaf"}, /* neighbours of the above */
        {"\xc2\xa0", "\xc2\xa0"},
        {"C:\\x0a", "C:\\x0a"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        put(text_bytes(rows[i].in));
        assert_string_equal(got.line, rows[i].out);
        IOT_LOG (&board, IOT_LOG_INFO, line) {
            iot_log_text(line, rows[i].in); /* a text of ours may quote one of theirs */
        }
        assert_string_equal(got.line, rows[i].out);
    }
}

static void a_line_is_whole_up_to_its_limit_and_cut_beyond(void **state)
{
    char text[IOT_LOG_LINE_BYTES + 20];
    (void)state;

    memset(text, 'x', sizeof text);
    for (uint32_t n = IOT_LOG_LINE_BYTES - 10; n < sizeof text; n++) {
        bool whole = n <= IOT_LOG_LINE_BYTES;
        put((struct iot_bytes){(const uint8_t *)text, n});
        assert_int_equal(got.len, whole ? n : IOT_LOG_LINE_BYTES);
        assert_string_equal(got.line + got.len - 3, whole ? "xxx" : "...");
        assert_int_equal(got.line[got.len - 4], 'x');
    }
}

static void a_cut_falls_between_characters_escapes_and_numbers(void **state)
{
    char text[IOT_LOG_LINE_BYTES];
    (void)state;

    memset(text, 'x', sizeof text);
    for (uint32_t n = IOT_LOG_LINE_BYTES - 12; n <= IOT_LOG_LINE_BYTES; n++) {
        for (int kind = 0; kind < 4; kind++) {
            uint32_t size = kind == 0 ? 4 : kind == 1 ? 4 : kind == 2 ? 10 : 2;
            IOT_LOG (&board, IOT_LOG_INFO, line) {
                iot_log_bytes(line, (struct iot_bytes){(const uint8_t *)text, n});
                if (kind == 0)
                    iot_log_text(line, "\xf0\x9f\x92\xa1");
                else if (kind == 1)
                    iot_log_text(line, "\n");
                else if (kind == 2)
                    iot_log_u32(line, 4000000000u);
                else
                    iot_log_hex(line, BYTES("\xab"));
                iot_log_text(line, "yyyyyyyyyyyyyyyyyyyy");
            }
            bool shown = n + size <= IOT_LOG_LINE_BYTES - 3;
            uint32_t y = shown ? IOT_LOG_LINE_BYTES - 3 - n - size : 0;
            uint32_t x = n < IOT_LOG_LINE_BYTES - 3 ? n : IOT_LOG_LINE_BYTES - 3;
            assert_int_equal(got.len, (shown ? n + size + y : x) + 3);
            assert_string_equal(got.line + got.len - 3, "...");
            assert_int_equal(strspn(got.line, "x"), x);
        }
    }
}

static void a_very_long_text_is_not_read_to_its_end(void **state)
{
    uint8_t *text = at_guard(NULL, IOT_LOG_LINE_BYTES + 1);
    (void)state;

    memset(text, 'x', IOT_LOG_LINE_BYTES + 1);
    IOT_LOG (&board, IOT_LOG_INFO, line) {
        iot_log_bytes(line, (struct iot_bytes){text, UINT32_MAX});
        iot_log_hex(line, (struct iot_bytes){text, UINT32_MAX});
    }
    assert_int_equal(got.len, IOT_LOG_LINE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_above_the_configured_one_neither_write_nor_evaluate),
        cmocka_unit_test(a_line_goes_to_the_port_once_with_its_level_and_context),
        cmocka_unit_test(a_port_without_a_log_costs_no_word),
        cmocka_unit_test(a_block_is_one_statement_and_may_stand_before_else),
        cmocka_unit_test(a_block_that_is_broken_off_writes_nothing),
        cmocka_unit_test(an_empty_block_is_an_empty_line),
        cmocka_unit_test(numbers_are_written_to_their_ends),
        cmocka_unit_test(every_byte_alone_is_printable_or_an_escape),
        cmocka_unit_test(text_of_outside_cannot_forge_a_line_or_hide_one),
        cmocka_unit_test(a_line_is_whole_up_to_its_limit_and_cut_beyond),
        cmocka_unit_test(a_cut_falls_between_characters_escapes_and_numbers),
        cmocka_unit_test(a_very_long_text_is_not_read_to_its_end),
    };
    return cmocka_run_group_tests_name("core_log", tests, NULL, NULL);
}
