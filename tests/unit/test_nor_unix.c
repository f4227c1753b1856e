/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated flash: does it insist on the rules, and lose power as it was told? */
#include "test.h"

#include "unix/iot_nor_unix.h"

#include <unistd.h>

#define SECTOR  512u
#define SECTORS 4u

static struct iot_nor_unix chip;
static uint32_t room[(SECTOR * SECTORS * 3 + 256) / 4];
static jmp_buf out;
static const char *rule;
static struct iot_nor_unix_op cut;
static uint8_t bytes[SECTOR], zeros[SECTOR];

static void on_fault(void *ctx, const char *what, uint32_t offset, uint32_t n)
{
    (void)ctx;
    (void)offset;
    (void)n;
    rule = what;
    longjmp(out, 1);
}

static void on_cut(void *ctx, const struct iot_nor_unix_op *op)
{
    (void)ctx;
    cut = *op;
    longjmp(out, 2);
}

static void prepare(uint32_t write_bytes)
{
    assert_true(iot_nor_unix_room(SECTOR, SECTORS, write_bytes) <= sizeof room);
    iot_nor_unix_init(&chip, SECTOR, SECTORS, write_bytes, room);
    chip.on_fault = on_fault;
    chip.on_cut = on_cut;
    memset(&cut, 0, sizeof cut);
}

static int setup(void **state)
{
    (void)state;
    prepare(8);
    return 0;
}

static iot_err program(uint32_t offset, const void *from, uint32_t n)
{
    return chip.nor.program(chip.nor.ctx, offset, from, n);
}

static iot_err erase(uint32_t offset)
{
    return chip.nor.erase(chip.nor.ctx, offset);
}

static iot_err fetch(uint32_t offset, uint32_t n)
{
    return chip.nor.read(chip.nor.ctx, offset, bytes, n);
}

/* What rule a program breaks; "" if none. */
static const char *broken_by_program(uint32_t offset, const void *from, uint32_t n)
{
    rule = "";
    if (setjmp(out) == 0)
        (void)program(offset, from, n);
    return rule;
}

static const char *broken_by_erase(uint32_t offset)
{
    rule = "";
    if (setjmp(out) == 0)
        (void)erase(offset);
    return rule;
}

static const char *broken_by_read(uint32_t offset, uint32_t n)
{
    rule = "";
    if (setjmp(out) == 0)
        (void)fetch(offset, n);
    return rule;
}

/* ---- Rules ------------------------------------------------------------------------------------- */

static void what_is_programmed_is_read_until_it_is_erased(void **state)
{
    (void)state;
    assert_err(program(SECTOR + 8, "12345678abcdefgh", 16), IOT_OK);
    assert_err(fetch(SECTOR + 10, 4), IOT_OK);
    assert_memory_equal(bytes, "3456", 4);
    assert_err(erase(0), IOT_OK);
    assert_err(fetch(SECTOR + 8, 16), IOT_OK);
    assert_memory_equal(bytes, "12345678abcdefgh", 16);
    assert_err(erase(SECTOR), IOT_OK);
    assert_err(fetch(SECTOR, SECTOR), IOT_OK);
    for (uint32_t i = 0; i < SECTOR; i++)
        assert_int_equal(bytes[i], 0xff);
    assert_int_equal(chip.count, 3);
    assert_int_equal(chip.wear[0], 1);
    assert_int_equal(chip.wear[1], 1);
    assert_int_equal(chip.wear[2], 0);
}

static void a_unit_is_programmed_once_between_two_erases(void **state)
{
    static const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    (void)state;
    assert_string_equal(broken_by_program(0, zeros, 8), "");
    assert_string_equal(broken_by_program(0, zeros, 8), "program: a unit twice");
    assert_string_equal(broken_by_program(8, ones, 8), ""); /* nothing changed, and yet */
    assert_string_equal(broken_by_program(8, zeros, 8), "program: a unit twice");
    assert_string_equal(broken_by_erase(0), "");
    assert_string_equal(broken_by_program(0, zeros, 16), "");
}

static void only_whole_units_and_sectors_inside_the_chip(void **state)
{
    (void)state;
    assert_string_equal(broken_by_program(4, zeros, 8), "program: not whole units");
    assert_string_equal(broken_by_program(0, zeros, 4), "program: not whole units");
    assert_string_equal(broken_by_program(0, zeros, 0), "program: not whole units");
    assert_string_equal(broken_by_program(SECTOR * SECTORS, zeros, 8), "program: beyond the end");
    assert_string_equal(broken_by_program(SECTOR * SECTORS - 8, zeros, 16),
                        "program: beyond the end");
    assert_string_equal(broken_by_program(0xfffffff8, zeros, 16), "program: beyond the end");
    assert_string_equal(broken_by_erase(8), "erase: not a sector");
    assert_string_equal(broken_by_erase(SECTOR * SECTORS), "erase: not a sector");
    assert_string_equal(broken_by_read(SECTOR * SECTORS - 4, 5), "read: beyond the end");
    assert_string_equal(broken_by_read(UINT32_MAX, 2), "read: beyond the end");
    assert_string_equal(broken_by_read(SECTOR * SECTORS - 4, 4), "");
}

/* ---- Cuts -------------------------------------------------------------------------------------- */

static bool cut_program(enum iot_nor_cut kind, uint32_t offset, const void *from, uint32_t n)
{
    chip.cut_at = chip.count + 1;
    chip.cut = kind;
    if (setjmp(out) != 0)
        return true;
    (void)program(offset, from, n);
    return false;
}

static bool cut_erase(enum iot_nor_cut kind, uint32_t offset)
{
    chip.cut_at = chip.count + 1;
    chip.cut = kind;
    if (setjmp(out) != 0)
        return true;
    (void)erase(offset);
    return false;
}

static uint32_t count_bytes(uint8_t value, uint32_t n)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        count += bytes[i] == value;
    return count;
}

static void a_cut_program_leaves_what_it_was_told_to(void **state)
{
    (void)state;
    for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
        uint8_t first[64];
        prepare(8);
        assert_true(cut_program((enum iot_nor_cut)kind, 64, zeros, 64));
        assert_int_equal(cut.number, 1);
        assert_string_equal(cut.kind, "program");
        assert_int_equal(cut.offset, 64);
        assert_int_equal(cut.len, 64);
        iot_nor_unix_reboot(&chip);
        assert_err(fetch(64, 64), IOT_OK);
        memcpy(first, bytes, 64);
        assert_err(fetch(64, 64), IOT_OK);
        assert_int_equal(memcmp(first, bytes, 64) != 0, kind == IOT_NOR_CUT_WEAK);
        if (kind == IOT_NOR_CUT_NONE)
            assert_int_equal(count_bytes(0xff, 64), 64);
        if (kind == IOT_NOR_CUT_HALF)
            assert_true(count_bytes(0xff, 64) == 32 && count_bytes(0, 64) == 32);
        if (kind == IOT_NOR_CUT_ALL)
            assert_int_equal(count_bytes(0, 64), 64);
        if (kind == IOT_NOR_CUT_JUNK)
            assert_true(count_bytes(0, 64) < 32 && count_bytes(0xff, 64) < 32);
        /* the units are used, unless nothing came to them */
        assert_string_equal(broken_by_program(64, zeros, 64),
                            kind == IOT_NOR_CUT_NONE ? "" : "program: a unit twice");
        assert_string_equal(broken_by_program(56, zeros, 8), "");
        assert_string_equal(broken_by_program(128, zeros, 8), "");
    }
}

static void a_cut_erase_leaves_what_it_was_told_to(void **state)
{
    (void)state;
    for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
        uint8_t first[SECTOR];
        prepare(8);
        assert_err(program(SECTOR, zeros, SECTOR), IOT_OK);
        assert_true(cut_erase((enum iot_nor_cut)kind, SECTOR));
        assert_string_equal(cut.kind, "erase");
        iot_nor_unix_reboot(&chip);
        assert_err(fetch(SECTOR, SECTOR), IOT_OK);
        memcpy(first, bytes, SECTOR);
        assert_err(fetch(SECTOR, SECTOR), IOT_OK);
        assert_int_equal(memcmp(first, bytes, SECTOR) != 0, kind == IOT_NOR_CUT_WEAK);
        if (kind == IOT_NOR_CUT_NONE)
            assert_int_equal(count_bytes(0, SECTOR), SECTOR);
        if (kind == IOT_NOR_CUT_HALF)
            assert_true(count_bytes(0xff, SECTOR) == SECTOR / 2 &&
                        count_bytes(0, SECTOR) == SECTOR / 2);
        if (kind == IOT_NOR_CUT_ALL)
            assert_int_equal(count_bytes(0xff, SECTOR), SECTOR);
        if (kind == IOT_NOR_CUT_JUNK)
            assert_true(count_bytes(0, SECTOR) < SECTOR / 8);
        assert_int_equal(chip.wear[1], 1);
        assert_err(erase(SECTOR), IOT_OK); /* this one is whole */
        assert_err(fetch(SECTOR, SECTOR), IOT_OK);
        assert_int_equal(count_bytes(0xff, SECTOR), SECTOR);
    }
}

static void operations_are_counted_together(void **state)
{
    (void)state;
    assert_err(erase(0), IOT_OK);
    assert_err(program(0, zeros, 8), IOT_OK);
    iot_nor_unix_count(&chip, "set", 77, 5);
    assert_int_equal(chip.count, 3);
    chip.cut_at = 4;
    if (setjmp(out) == 0) {
        iot_nor_unix_count(&chip, "del", 77, 5);
        fail_msg("power stayed");
    }
    assert_int_equal(cut.number, 4);
    assert_string_equal(cut.kind, "del");
    assert_int_equal(cut.offset, 77);
    assert_int_equal(cut.len, 5);
}

static void the_same_chance_makes_the_same_junk(void **state)
{
    uint8_t before[64];
    (void)state;
    for (uint32_t chance = 1; chance < 4; chance++) {
        prepare(8);
        chip.chance = chance < 3 ? 7 : 8;
        assert_true(cut_program(IOT_NOR_CUT_JUNK, 0, zeros, 64));
        assert_err(fetch(0, 64), IOT_OK);
        if (chance > 1)
            assert_int_equal(memcmp(before, bytes, 64) == 0, chance == 2);
        memcpy(before, bytes, 64);
    }
}

static void cuts_have_names(void **state)
{
    (void)state;
    for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++)
        assert_int_equal(iot_nor_unix_cut(iot_nor_unix_cut_name((enum iot_nor_cut)kind)), kind);
    assert_int_equal(iot_nor_unix_cut("weak"), IOT_NOR_CUT_WEAK);
    assert_int_equal(iot_nor_unix_cut("often"), -1);
}

/* ---- Busy -------------------------------------------------------------------------------------- */

static void a_slow_chip_answers_again_so_often(void **state)
{
    (void)state;
    chip.slow = 3;
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 3; i++)
            assert_err(erase(0), IOT_ERR_AGAIN);
        assert_err(erase(0), IOT_OK);
        for (int i = 0; i < 3; i++) {
            assert_err(program(0, "12345678", 8), IOT_ERR_AGAIN);
            assert_err(fetch(0, 8), IOT_OK);
            assert_int_equal(count_bytes(0xff, 8), 8); /* nothing was begun */
        }
        assert_err(program(0, "12345678", 8), IOT_OK);
    }
    assert_int_equal(chip.count, 4);
}

static void an_erase_works_on_by_itself_and_keeps_the_chip_busy(void **state)
{
    (void)state;
    assert_err(program(0, zeros, 8), IOT_OK);
    chip.slow = 4;
    assert_err(erase(0), IOT_ERR_AGAIN);
    assert_err(fetch(SECTOR, 8), IOT_ERR_AGAIN);
    chip.slow = 0;
    assert_err(program(SECTOR, zeros, 8), IOT_ERR_AGAIN);
    assert_err(erase(2 * SECTOR), IOT_ERR_AGAIN);
    assert_int_equal(chip.count, 1);
    assert_err(fetch(0, 8), IOT_OK);
    assert_int_equal(count_bytes(0xff, 8), 8);
    assert_int_equal(chip.count, 2);
    assert_err(erase(0), IOT_OK); /* that one is over, it says */
    assert_int_equal(chip.count, 2);
    assert_err(erase(0), IOT_OK); /* this is another */
    assert_int_equal(chip.count, 3);
}

static void a_broken_chip_says_so(void **state)
{
    (void)state;
    chip.broken = true;
    assert_err(erase(0), IOT_ERR_KV);
    assert_err(program(0, zeros, 8), IOT_ERR_KV);
    assert_err(fetch(0, 8), IOT_OK);
}

/* ---- Files ------------------------------------------------------------------------------------- */

static void open_file(const char *path)
{
    assert_true(iot_nor_unix_open(&chip, SECTOR, SECTORS, 8, path));
    chip.on_fault = on_fault;
    chip.on_cut = on_cut;
}

static void a_file_is_the_chip_of_the_next_boot(void **state)
{
    char path[] = "/tmp/iot-nor-XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    open_file(path);
    assert_err(fetch(0, SECTOR), IOT_OK);
    assert_int_equal(count_bytes(0xff, SECTOR), SECTOR);
    assert_err(erase(SECTOR), IOT_OK);
    assert_err(program(8, "12345678", 8), IOT_OK);
    assert_true(cut_program(IOT_NOR_CUT_WEAK, 64, zeros, 8));
    open_file(path); /* as the next process does */
    assert_err(fetch(8, 8), IOT_OK);
    assert_memory_equal(bytes, "12345678", 8);
    assert_string_equal(broken_by_program(8, "12345678", 8), "program: a unit twice");
    assert_int_equal(chip.wear[1], 1);
    uint8_t seen = 0;
    for (int i = 0; i < 20; i++) {
        assert_err(fetch(64, 1), IOT_OK);
        seen |= bytes[0];
    }
    assert_int_equal(seen, 0xff); /* still weak */
    close(fd);
    unlink(path);
}

static void bytes_from_elsewhere_are_taken_as_they_are(void **state)
{
    char path[] = "/tmp/iot-nor-XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "some image", 10), 10);
    open_file(path);
    assert_err(fetch(0, 16), IOT_OK);
    assert_memory_equal(bytes, "some image\xff\xff\xff\xff\xff\xff", 16);
    assert_string_equal(broken_by_program(8, zeros, 8), "program: a unit twice");
    assert_string_equal(broken_by_program(16, zeros, 8), "");
    close(fd);
    unlink(path);
    assert_false(iot_nor_unix_open(&chip, SECTOR, SECTORS, 8, "/nowhere/at/all"));
}

static void a_file_that_is_too_long_for_the_chip_is_left_alone(void **state)
{
    char path[] = "/tmp/iot-nor-XXXXXX";
    int fd = mkstemp(path);
    off_t longest = (off_t)iot_nor_unix_room(SECTOR, SECTORS, 8);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, longest + 1), 0);
    bool opened = iot_nor_unix_open(&chip, SECTOR, SECTORS, 8, path);
    off_t len = lseek(fd, 0, SEEK_END);
    close(fd);
    unlink(path);
    assert_false(opened);
    assert_int_equal(len, longest + 1);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_programmed_is_read_until_it_is_erased),
        CASE(a_unit_is_programmed_once_between_two_erases),
        CASE(only_whole_units_and_sectors_inside_the_chip),
        CASE(a_cut_program_leaves_what_it_was_told_to),
        CASE(a_cut_erase_leaves_what_it_was_told_to),
        CASE(operations_are_counted_together),
        CASE(the_same_chance_makes_the_same_junk),
        CASE(cuts_have_names),
        CASE(a_slow_chip_answers_again_so_often),
        CASE(an_erase_works_on_by_itself_and_keeps_the_chip_busy),
        CASE(a_broken_chip_says_so),
        CASE(a_file_is_the_chip_of_the_next_boot),
        CASE(bytes_from_elsewhere_are_taken_as_they_are),
        CASE(a_file_that_is_too_long_for_the_chip_is_left_alone),
    };
    return cmocka_run_group_tests_name("nor_unix", tests, NULL, NULL);
}
