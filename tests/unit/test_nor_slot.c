/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "nor/iot_nor_kv.h"
#include "nor/iot_nor_slot.h"
#include "unix/iot_nor_unix.h"

#define SECTOR     512u
#define JOURNAL    2u /* sectors, at the beginning of the chip */
#define SLOT       6u /* sectors, behind them; and one more of somebody else */
#define SECTORS    (JOURNAL + SLOT + 1u)
#define SLOT_AT    (JOURNAL * SECTOR)
#define SLOT_BYTES (SLOT * SECTOR)
#define CALLS_MAX  5000

static struct iot_nor_unix chip;
static struct iot_nor_kv journal;
static struct iot_nor_slot slot;
static uint32_t room[SECTOR * SECTORS * 3 / 4 + 64];
static uint8_t image[SLOT_BYTES + 1], into[SLOT_BYTES + 1];
static uint8_t digest[IOT_NOR_DIGEST_BYTES] = {1, 2, 3, 4, 5};
static jmp_buf power;

static void on_fault(void *ctx, const char *rule, uint32_t offset, uint32_t n)
{
    (void)ctx;
    fail_msg("%s: 0x%x, %u bytes", rule, offset, n);
}

static void on_cut(void *ctx, const struct iot_nor_unix_op *op)
{
    (void)ctx;
    (void)op;
    longjmp(power, 1);
}

static void new_chip(uint32_t write_bytes)
{
    iot_nor_unix_init(&chip, SECTOR, SECTORS, write_bytes, room);
    chip.on_fault = on_fault;
    chip.on_cut = on_cut;
    memset(chip.bytes + SLOT_AT, 0x22, SLOT_BYTES + SECTOR); /* an image of old, and a neighbour */
    memset(chip.used + SLOT_AT / write_bytes, 1, (SLOT_BYTES + SECTOR) / write_bytes);
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 13 + i / 256);
}

static void boot(void)
{
    iot_err err = IOT_ERR_AGAIN;

    memset(&journal, 0, sizeof journal);
    for (int i = 0; i < CALLS_MAX && err == IOT_ERR_AGAIN; i++)
        err = iot_nor_kv_mount(&journal, &chip.nor, 0, JOURNAL);
    assert_err(err, IOT_OK);
    assert_err(iot_nor_slot_open(&slot, &chip.nor, SLOT_AT, SLOT, &journal, "slot-b"), IOT_OK);
}

static int setup(void **state)
{
    (void)state;
    new_chip(8);
    boot();
    return 0;
}

static iot_err begin(uint32_t bytes, const char *version)
{
    iot_err err = IOT_ERR_AGAIN;

    for (int i = 0; i < CALLS_MAX && err == IOT_ERR_AGAIN; i++)
        err = iot_nor_slot_begin(&slot, bytes, version);
    return err;
}

/* The image from `at` to `end`, in portions of so many bytes. */
static iot_err write_on(uint32_t at, uint32_t end, uint32_t portion)
{
    for (int i = 0; i < CALLS_MAX && at < end; i++) {
        uint32_t n = end - at < portion ? end - at : portion, used = 99;
        iot_err err = iot_nor_slot_write(&slot, image + at, n, &used);
        if (err != IOT_OK && err != IOT_ERR_AGAIN)
            return err;
        assert_true(used <= n && (err == IOT_ERR_AGAIN || used == n));
        at += used;
    }
    return at == end ? IOT_OK : IOT_ERR_AGAIN;
}

static iot_err done(void)
{
    iot_err err = IOT_ERR_AGAIN;

    for (int i = 0; i < CALLS_MAX && err == IOT_ERR_AGAIN; i++)
        err = iot_nor_slot_done(&slot, digest);
    return err;
}

static void assert_image(uint32_t bytes)
{
    assert_err(iot_nor_slot_read(&slot, 0, into, bytes), IOT_OK);
    assert_memory_equal(into, image, bytes);
}

static void an_image_is_whole_when_it_is_done(void **state)
{
    static const uint32_t sizes[] = {1, 7, 8, 511, 512, 513, 2000, SLOT_BYTES};
    static const uint32_t portions[] = {1, 3, 8, 64, 100, 700, SLOT_BYTES};
    static const uint32_t units[] = {1, 4, 8, 16, 32};
    (void)state;
    for (uint32_t i = 0; i < COUNT(sizes) * COUNT(portions) * COUNT(units); i++) {
        uint32_t bytes = sizes[i % COUNT(sizes)];
        new_chip(units[i / COUNT(sizes) % COUNT(units)]);
        boot();
        assert_int_equal(slot.image.bytes, 0);
        assert_err(begin(bytes, "1.2"), IOT_OK);
        assert_err(write_on(0, bytes, portions[i / COUNT(sizes) / COUNT(units)]), IOT_OK);
        assert_image(bytes);
        assert_false(slot.image.whole);
        assert_err(done(), IOT_OK);
        for (int boots = 0; boots < 2; boots++) {
            assert_true(slot.image.whole);
            assert_int_equal(slot.image.bytes, bytes);
            assert_int_equal(slot.image.written, bytes);
            assert_memory_equal(slot.image.digest, digest, sizeof digest);
            assert_string_equal(slot.image.version, "1.2");
            assert_image(bytes);
            boot();
        }
        assert_memory_equal(chip.bytes + SLOT_AT, image, bytes);
        for (uint32_t at = SLOT_AT + SLOT_BYTES; at < SECTOR * SECTORS; at++)
            assert_int_equal(chip.bytes[at], 0x22);
    }
}

static void only_sectors_that_are_needed_are_erased(void **state)
{
    (void)state;
    assert_err(begin(600, "1"), IOT_OK);
    assert_int_equal(chip.wear[JOURNAL], 0); /* not before the first byte */
    assert_err(write_on(0, 600, 100), IOT_OK);
    for (uint32_t i = 0; i < SLOT; i++)
        assert_int_equal(chip.wear[JOURNAL + i], i < 2);
}

static void what_is_too_large_is_refused_before_anything_is_written(void **state)
{
    uint32_t used = 99;
    (void)state;
    uint32_t count = chip.count;
    assert_err(begin(SLOT_BYTES + 1, "1"), IOT_ERR_SIZE);
    assert_err(begin(UINT32_MAX, "1"), IOT_ERR_SIZE);
    assert_err(begin(0, "1"), IOT_ERR_SIZE);
    assert_err(begin(10, "a version of thirty-two letters."
                         "a version of thirty-two letters.!"),
               IOT_ERR_SIZE);
    assert_int_equal(chip.count, count);
    assert_err(begin(10, "a version of thirty-two letters."
                         "a version of thirty-two letters."),
               IOT_OK);
    assert_int_equal(strlen(slot.image.version), IOT_NOR_VERSION_MAX);
    assert_err(iot_nor_slot_write(&slot, image, 11, &used), IOT_ERR_SIZE);
    assert_int_equal(used, 0);
    assert_err(write_on(0, 10, 10), IOT_OK);
    assert_err(iot_nor_slot_write(&slot, image, 1, &used), IOT_ERR_SIZE);
    assert_err(iot_nor_slot_write(&slot, image, UINT32_MAX, &used), IOT_ERR_SIZE);
}

static void out_of_order_is_refused(void **state)
{
    uint32_t used;
    (void)state;
    assert_err(iot_nor_slot_write(&slot, image, 1, &used), IOT_ERR_STATE);
    assert_err(done(), IOT_ERR_STATE);
    assert_err(iot_nor_slot_read(&slot, 0, into, 1), IOT_ERR_ARG);
    assert_err(begin(100, "1"), IOT_OK);
    assert_err(write_on(0, 99, 50), IOT_OK);
    assert_err(done(), IOT_ERR_STATE);
    assert_err(iot_nor_slot_read(&slot, 90, into, 10), IOT_ERR_ARG);
    assert_err(iot_nor_slot_read(&slot, 90, into, 9), IOT_OK);
    assert_err(write_on(99, 100, 1), IOT_OK);
    assert_err(done(), IOT_OK);
    assert_err(done(), IOT_ERR_STATE);
    assert_err(iot_nor_slot_write(&slot, image, 1, &used), IOT_ERR_STATE);
    assert_err(iot_nor_slot_open(&slot, &chip.nor, 8, SLOT, &journal, "b"), IOT_ERR_ARG);
    assert_err(iot_nor_slot_open(&slot, &chip.nor, SLOT_AT, 0, &journal, "b"), IOT_ERR_ARG);
}

static void an_image_is_no_longer_whole_before_it_is_touched(void **state)
{
    (void)state;
    assert_err(begin(1000, "1"), IOT_OK);
    assert_err(write_on(0, 1000, 100), IOT_OK);
    assert_err(done(), IOT_OK);
    assert_err(begin(500, "2"), IOT_OK);
    boot();
    assert_false(slot.image.whole);
    assert_int_equal(slot.image.bytes, 500);
    assert_int_equal(slot.image.written, 0);
    assert_string_equal(slot.image.version, "2");
    assert_memory_equal(chip.bytes + SLOT_AT, image, 1000);
}

static void writing_goes_on_after_a_reboot_where_it_was_durable(void **state)
{
    (void)state;
    assert_err(begin(2000, "1"), IOT_OK);
    assert_err(write_on(0, 1030, 100), IOT_OK);
    boot();
    assert_int_equal(slot.image.written, 1024);
    assert_err(iot_nor_slot_read(&slot, 0, into, 1024), IOT_OK);
    assert_memory_equal(into, image, 1024);
    assert_err(iot_nor_slot_read(&slot, 0, into, 1025), IOT_ERR_ARG);
    assert_err(write_on(1024, 2000, 100), IOT_OK);
    assert_err(done(), IOT_OK);
    assert_image(2000);
}

static void two_slots_share_a_journal(void **state)
{
    struct iot_nor_slot a;
    (void)state;
    assert_err(iot_nor_slot_open(&a, &chip.nor, SLOT_AT, 3, &journal, "slot-a"), IOT_OK);
    assert_err(iot_nor_slot_open(&slot, &chip.nor, SLOT_AT + 3 * SECTOR, 3, &journal, "slot-b"),
               IOT_OK);
    assert_err(iot_nor_slot_begin(&a, 10, "1"), IOT_OK);
    assert_err(begin(20, "2"), IOT_OK);
    assert_err(iot_nor_slot_open(&a, &chip.nor, SLOT_AT, 3, &journal, "slot-a"), IOT_OK);
    assert_int_equal(a.image.bytes, 10);
    assert_int_equal(slot.image.bytes, 20);
}

static void a_record_that_is_none_is_no_image(void **state)
{
    uint8_t record[106];
    (void)state;
    memset(record, 0xff, sizeof record);
    for (uint32_t n = 0; n <= sizeof record; n += 106) {
        assert_err(iot_nor_kv_set(&journal, "slot-b", record, n), IOT_OK);
        assert_err(iot_nor_slot_open(&slot, &chip.nor, SLOT_AT, SLOT, &journal, "slot-b"), IOT_OK);
        assert_int_equal(slot.image.bytes, 0);
    }
    assert_err(begin(SLOT_BYTES, "1"), IOT_OK); /* of a larger slot */
    assert_err(iot_nor_slot_open(&slot, &chip.nor, SLOT_AT, SLOT - 1, &journal, "slot-b"), IOT_OK);
    assert_int_equal(slot.image.bytes, 0);
}

static void one_call_does_a_bounded_piece_of_work(void **state)
{
    uint32_t used, at = 0;
    (void)state;
    assert_err(begin(SLOT_BYTES, "1"), IOT_OK);
    while (at < SLOT_BYTES) {
        uint32_t erased = 0, before[SLOT];
        memcpy(before, chip.wear + JOURNAL, sizeof before);
        iot_err err = iot_nor_slot_write(&slot, image + at, SLOT_BYTES - at, &used);
        for (uint32_t i = 0; i < SLOT; i++)
            erased += chip.wear[JOURNAL + i] - before[i];
        assert_true(used <= SECTOR && erased <= 1);
        at += used;
        assert_err(err, at < SLOT_BYTES ? IOT_ERR_AGAIN : IOT_OK);
    }
}

static void a_slow_chip_gets_the_same_image(void **state)
{
    uint32_t calls = 0, at = 0;
    (void)state;
    chip.slow = 3;
    assert_err(begin(1500, "1"), IOT_OK);
    while (at < 1500) {
        uint32_t used, n = 1500 - at < 37 ? 1500 - at : 37;
        (void)iot_nor_slot_write(&slot, image + at, n, &used);
        at += used;
        assert_true(++calls < 5000);
    }
    assert_true(calls > chip.count);
    assert_err(done(), IOT_OK);
    assert_image(1500);
}

static void a_flash_that_does_not_hold_is_named(void **state)
{
    uint32_t used;
    (void)state;
    assert_err(begin(1500, "1"), IOT_OK);
    assert_err(write_on(0, 600, 50), IOT_OK);
    chip.broken = true;
    assert_err(iot_nor_slot_write(&slot, image + 600, 64, &used), IOT_ERR_KV);
    chip.broken = false;
    assert_err(iot_nor_slot_write(&slot, image + 600, 64, &used), IOT_ERR_STATE);
    assert_err(begin(1500, "1"), IOT_OK);
    assert_err(write_on(0, 1500, 50), IOT_OK);
    assert_err(done(), IOT_OK);
}

/* An update from beginning to end. */
static void update_on(void)
{
    uint32_t from = 0;

    boot();
    if (slot.image.bytes == 1900 && strcmp(slot.image.version, "new") == 0)
        from = slot.image.written;
    else
        assert_err(begin(1900, "new"), IOT_OK);
    if (!slot.image.whole) {
        assert_err(write_on(from, 1900, 90), IOT_OK);
        assert_err(done(), IOT_OK);
    }
}

/* false: power was cut. */
static bool update(void)
{
    if (setjmp(power) != 0)
        return false;
    update_on();
    return true;
}

/* What a bootloader sees: the whole old image, the whole new one, or a beginning of the new one that is true. */
static void assert_truth(void)
{
    iot_nor_unix_reboot(&chip);
    boot();
    const struct iot_nor_image *i = &slot.image;
    bool old = i->whole && i->bytes == 1000 && strcmp(i->version, "old") == 0;
    assert_true(old || (i->bytes == 1900 && strcmp(i->version, "new") == 0));
    if (old)
        for (uint32_t at = 0; at < 1000; at++)
            assert_int_equal(chip.bytes[SLOT_AT + at], (uint8_t)~image[at]);
    for (int look = 0; look < 3 && !old; look++)
        assert_image(i->written);
    for (uint32_t at = 0; !old && at < i->written; at++)
        assert_int_equal(chip.weak[SLOT_AT + at], 0);
}

static void prepare_old(uint32_t write_bytes)
{
    new_chip(write_bytes);
    boot();
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)~image[i];
    assert_err(begin(1000, "old"), IOT_OK);
    assert_err(write_on(0, 1000, 90), IOT_OK);
    assert_err(done(), IOT_OK);
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)~image[i];
    iot_nor_unix_reboot(&chip);
}

static void a_cut_anywhere_leaves_the_truth_and_the_update_goes_on(void **state)
{
    static const uint32_t units[] = {1, 8, 32};
    uint32_t seed = test_seed(), cuts = 0;
    (void)state;
    for (uint32_t u = 0; u < COUNT(units); u++) {
        prepare_old(units[u]);
        assert_true(update());
        uint32_t operations = chip.count;
        for (uint32_t at = 1; at <= operations; at++) {
            for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
                prepare_old(units[u]);
                chip.cut_at = at;
                chip.cut = (enum iot_nor_cut)kind;
                chip.chance = test_random(&seed, 1000000) + 1;
                assert_false(update());
                cuts++;
                assert_truth();
                /* and again in what comes then */
                chip.cut_at = chip.count + 1 + test_random(&seed, operations);
                chip.cut = (enum iot_nor_cut)test_random(&seed, IOT_NOR_CUT_KINDS);
                if (!update())
                    assert_truth();
                iot_nor_unix_reboot(&chip);
                assert_true(update());
                assert_truth();
                assert_true(slot.image.whole);
                assert_image(1900);
            }
        }
    }
    print_message("%u cuts\n", cuts);
    assert_true(cuts > 500);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_image_is_whole_when_it_is_done),
        CASE(only_sectors_that_are_needed_are_erased),
        CASE(what_is_too_large_is_refused_before_anything_is_written),
        CASE(out_of_order_is_refused),
        CASE(an_image_is_no_longer_whole_before_it_is_touched),
        CASE(writing_goes_on_after_a_reboot_where_it_was_durable),
        CASE(two_slots_share_a_journal),
        CASE(a_record_that_is_none_is_no_image),
        CASE(one_call_does_a_bounded_piece_of_work),
        CASE(a_slow_chip_gets_the_same_image),
        CASE(a_flash_that_does_not_hold_is_named),
        CASE(a_cut_anywhere_leaves_the_truth_and_the_update_goes_on),
    };
    return cmocka_run_group_tests_name("nor_slot", tests, NULL, NULL);
}
