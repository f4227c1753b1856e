/* SPDX-License-Identifier: Apache-2.0 */
/* The store in days without power cuts; test_nor_kv_cut.c has the others. */
#include "test.h"

#include "nor/iot_nor_kv.h"
#include "unix/iot_nor_unix.h"

#define SECTOR  4096u
#define SECTORS 9u
#define ROOM    (SECTOR * SECTORS * 3 + 1024)

static struct iot_nor_unix chip;
static struct iot_nor_kv kv;
static uint32_t room[ROOM / 4];
static uint8_t into[SECTOR + 1], many[70000];
static uint32_t len;

static void on_fault(void *ctx, const char *rule, uint32_t offset, uint32_t n)
{
    (void)ctx;
    fail_msg("%s: 0x%x, %u bytes", rule, offset, n);
}

static void new_chip(uint32_t sector_bytes, uint32_t sectors, uint32_t write_bytes)
{
    assert_true(iot_nor_unix_room(sector_bytes, sectors, write_bytes) <= sizeof room);
    iot_nor_unix_init(&chip, sector_bytes, sectors, write_bytes, room);
    chip.on_fault = on_fault;
    memset(&kv, 0, sizeof kv);
    memset(into, 0xee, sizeof into);
    len = 99;
}

static void boot(void)
{
    memset(&kv, 0, sizeof kv);
    assert_err(iot_nor_kv_mount(&kv, &chip.nor, 0, chip.sectors), IOT_OK);
}

static int setup(void **state)
{
    (void)state;
    new_chip(SECTOR, 2, 8);
    boot();
    for (uint32_t i = 0; i < sizeof many; i++)
        many[i] = (uint8_t)(i * 7 + i / 251);
    return 0;
}

static iot_err set(const char *key, struct iot_bytes value)
{
    return iot_nor_kv_set(&kv, key, value.ptr, value.len);
}

static iot_err get(const char *key)
{
    return iot_nor_kv_get(&kv, key, into, sizeof into, &len);
}

static void assert_value(const char *key, struct iot_bytes expected)
{
    assert_err(get(key), IOT_OK);
    assert_bytes(((struct iot_bytes){into, len}), expected);
}

static struct iot_bytes value_of(int key, int turn, uint32_t n)
{
    static uint8_t bytes[1024];

    memset(bytes, key, sizeof bytes);
    memcpy(bytes, &turn, sizeof turn);
    return (struct iot_bytes){bytes, n};
}

/* ---- As iot_port.h says ------------------------------------------------------------------------ */

static void what_is_set_is_got_until_deleted(void **state)
{
    (void)state;
    for (int reboots = 0; reboots < 2; reboots++) {
        assert_err(get("a"), IOT_ERR_STATE);
        assert_err(set("a", BYTES("one\0two")), IOT_OK);
        assert_err(set("b", BYTES("other")), IOT_OK);
        assert_value("a", BYTES("one\0two"));
        assert_err(set("a", BYTES("x")), IOT_OK);
        if (reboots == 1)
            boot();
        assert_value("a", BYTES("x"));
        assert_value("b", BYTES("other"));
        assert_err(iot_nor_kv_del(&kv, "a"), IOT_OK);
        assert_err(iot_nor_kv_del(&kv, "a"), IOT_OK);
        if (reboots == 1)
            boot();
        assert_err(get("a"), IOT_ERR_STATE);
        assert_value("b", BYTES("other"));
    }
}

static void to_delete_what_is_not_there_writes_nothing(void **state)
{
    (void)state;
    assert_err(iot_nor_kv_del(&kv, "a"), IOT_OK);
    assert_int_equal(chip.count, 0);
}

static void a_value_of_no_bytes_is_a_value(void **state)
{
    (void)state;
    assert_err(iot_nor_kv_set(&kv, "a", NULL, 0), IOT_OK);
    boot();
    assert_err(iot_nor_kv_get(&kv, "a", NULL, 0, &len), IOT_OK);
    assert_int_equal(len, 0);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    assert_err(set("a", BYTES("old")), IOT_OK);
    uint32_t count = chip.count;
    assert_err(iot_nor_kv_set(&kv, "a", many, SECTOR), IOT_ERR_SIZE);
    assert_err(iot_nor_kv_set(&kv, "a", many, 65536), IOT_ERR_SIZE);
    assert_err(iot_nor_kv_set(&kv, "a", many, UINT32_MAX), IOT_ERR_SIZE);
    assert_int_equal(chip.count, count);
    assert_value("a", BYTES("old"));
    assert_err(iot_nor_kv_set(&kv, "a", many, 2048), IOT_OK);
    memset(into, 0xee, sizeof into);
    len = 99;
    assert_err(iot_nor_kv_get(&kv, "a", into, 2047, &len), IOT_ERR_SIZE);
    assert_int_equal(len, 99);
    assert_int_equal(into[0], 0xee);
    assert_value("a", (struct iot_bytes){many, 2048});
}

/* The longest that is taken, found by asking. */
static void a_value_may_fill_a_sector(void **state)
{
    uint32_t n = SECTOR;
    (void)state;
    while (iot_nor_kv_set(&kv, "large", many, n) == IOT_ERR_SIZE)
        n--;
    assert_in_range(n, SECTOR - 100, SECTOR - 1);
    assert_value("large", (struct iot_bytes){many, n});
    many[0] ^= 1;
    assert_err(iot_nor_kv_set(&kv, "large", many, n), IOT_OK);
    boot();
    assert_value("large", (struct iot_bytes){many, n});
    assert_err(set("more", BYTES("")), IOT_ERR_FULL);
}

static void keys_have_1_to_15_characters(void **state)
{
    static const char *const bad[] = {"", "1234567890123456", "12345678901234567890"};
    (void)state;
    assert_err(set("123456789012345", BYTES("x")), IOT_OK);
    assert_value("123456789012345", BYTES("x"));
    assert_err(get("12345678901234"), IOT_ERR_STATE);
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        assert_err(set(bad[i], BYTES("y")), IOT_ERR_SIZE);
        assert_err(get(bad[i]), IOT_ERR_STATE);
        assert_err(iot_nor_kv_del(&kv, bad[i]), IOT_OK);
    }
    assert_value("123456789012345", BYTES("x"));
}

static void two_stores_in_one_chip_do_not_know_each_other(void **state)
{
    static struct iot_nor_kv one, two;
    (void)state;
    new_chip(SECTOR, 4, 8);
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    assert_err(iot_nor_kv_mount(&one, &chip.nor, 0, 2), IOT_OK);
    assert_err(iot_nor_kv_mount(&two, &chip.nor, 2 * SECTOR, 2), IOT_OK);
    for (int i = 0; i < 300; i++) {
        assert_err(iot_nor_kv_set(&one, "a", &i, sizeof i), IOT_OK);
        assert_err(iot_nor_kv_set(&two, "b", &i, sizeof i), IOT_OK);
    }
    assert_err(iot_nor_kv_get(&one, "b", into, sizeof into, &len), IOT_ERR_STATE);
    assert_err(iot_nor_kv_get(&two, "a", into, sizeof into, &len), IOT_ERR_STATE);
}

static void a_store_that_was_not_mounted_says_so(void **state)
{
    static struct iot_nor_kv none;
    (void)state;
    assert_err(iot_nor_kv_get(&none, "a", into, sizeof into, &len), IOT_ERR_KV);
    assert_err(iot_nor_kv_set(&none, "a", "x", 1), IOT_ERR_KV);
    assert_err(iot_nor_kv_del(&none, "a"), IOT_ERR_KV);
}

static void shapes_that_cannot_be_are_refused(void **state)
{
    struct iot_nor odd = chip.nor;
    (void)state;
    assert_err(iot_nor_kv_mount(&kv, &chip.nor, 0, 1), IOT_ERR_ARG);
    assert_err(iot_nor_kv_mount(&kv, &chip.nor, 8, 2), IOT_ERR_ARG);
    assert_err(iot_nor_kv_mount(&kv, &chip.nor, UINT32_MAX - SECTOR + 1, 2), IOT_ERR_ARG);
    odd.write_bytes = 12;
    assert_err(iot_nor_kv_mount(&kv, &odd, 0, 2), IOT_ERR_ARG);
    odd.write_bytes = 64;
    assert_err(iot_nor_kv_mount(&kv, &odd, 0, 2), IOT_ERR_ARG);
    odd.write_bytes = 0;
    assert_err(iot_nor_kv_mount(&kv, &odd, 0, 2), IOT_ERR_ARG);
}

/* ---- What is in the chip before ---------------------------------------------------------------- */

static void garbage_is_an_empty_store_and_is_erased(void **state)
{
    uint32_t chance = test_seed();
    (void)state;
    for (int turn = 0; turn < 20; turn++) {
        new_chip(SECTOR, 3, turn % 2 == 0 ? 1 : 16);
        for (uint32_t i = 0; i < 3 * SECTOR; i++)
            chip.bytes[i] = turn < 2 ? 0 : (uint8_t)test_random(&chance, 256);
        memset(chip.used, 1, 3 * SECTOR / chip.nor.write_bytes);
        boot();
        assert_err(get("a"), IOT_ERR_STATE);
        for (uint32_t i = 0; i < 3 * SECTOR; i++)
            assert_int_equal(chip.bytes[i], 0xff);
        for (int i = 0; i < 1000; i++)
            assert_err(set("a", value_of(1, i, 30)), IOT_OK);
        boot();
        assert_value("a", value_of(1, 999, 30));
    }
}

/* A head that is blank says nothing about what is behind it. */
static void a_sector_is_erased_before_it_is_used(void **state)
{
    (void)state;
    new_chip(SECTOR, 3, 8);
    memset(chip.bytes + SECTOR / 2, 0, SECTOR);
    memset(chip.bytes + 2 * SECTOR, 0x33, SECTOR);
    memset(chip.used + SECTOR / 2 / 8, 1, (3 * SECTOR - SECTOR / 2) / 8);
    boot();
    for (int i = 0; i < 1000; i++)
        assert_err(set("a", value_of(1, i, 30)), IOT_OK);
    assert_value("a", value_of(1, 999, 30));
}

static void a_store_of_another_shape_is_foreign(void **state)
{
    (void)state;
    new_chip(SECTOR, 4, 4);
    assert_err(iot_nor_kv_mount(&kv, &chip.nor, 0, 4), IOT_OK);
    assert_err(set("a", BYTES("x")), IOT_OK);
    memset(&kv, 0, sizeof kv);
    assert_err(iot_nor_kv_mount(&kv, &chip.nor, 0, 3), IOT_OK);
    assert_err(get("a"), IOT_ERR_STATE);
    assert_err(set("a", BYTES("y")), IOT_OK);
    assert_value("a", BYTES("y"));
}

static void a_mounted_store_can_be_mounted_again(void **state)
{
    (void)state;
    assert_err(set("a", BYTES("x")), IOT_OK);
    for (int i = 0; i < 3; i++)
        assert_err(iot_nor_kv_mount(&kv, &chip.nor, 0, 2), IOT_OK);
    assert_value("a", BYTES("x"));
}

/* ---- Room -------------------------------------------------------------------------------------- */

static const char *key_of(int i)
{
    static char key[16];

    snprintf(key, sizeof key, "key%d", i);
    return key;
}

/* Until FULL. Returns how many went in. */
static int fill(uint32_t n)
{
    for (int i = 0;; i++) {
        uint32_t before = chip.count;
        iot_err err = set(key_of(i), value_of(i, 0, n));
        if (err == IOT_OK)
            continue;
        assert_err(err, IOT_ERR_FULL);
        assert_int_equal(chip.count, before);
        return i;
    }
}

static void a_full_store_loses_nothing(void **state)
{
    static const uint32_t counts[] = {2, 3, 8}, units[] = {1, 8, 32}, sizes[] = {20, 300, 800};
    (void)state;
    for (uint32_t c = 0; c < COUNT(counts) * COUNT(units) * COUNT(sizes); c++) {
        uint32_t sectors = counts[c % 3], unit = units[c / 3 % 3], n = sizes[c / 9];
        new_chip(1024, sectors, unit);
        boot();
        int most = fill(n);
        /* At least four fifths of all sectors but one hold records, if records are small. */
        if (n == 20)
            assert_true((uint32_t)most * (n + 12 + 4 + 2 * unit) >=
                        (sectors - 1) * 1024 * 4 / 5 - 100);
        assert_err(get(key_of(most)), IOT_ERR_STATE);
        for (int turn = 1; turn < 40; turn++) { /* what is there can be replaced, again and again */
            assert_err(set(key_of(turn % most), value_of(turn % most, turn, n)), IOT_OK);
            assert_err(set("more", value_of(0, 0, n)), IOT_ERR_FULL);
            if (turn % 8 == 0)
                boot();
            for (int i = 0; i < most; i++) {
                int last = turn - (turn - i % most + most) % most;
                assert_value(key_of(i), value_of(i, last > 0 && last % most == i ? last : 0, n));
            }
        }
        for (int i = 0; i < most; i++) { /* and deleted, however full it is */
            assert_err(iot_nor_kv_del(&kv, key_of(i)), IOT_OK);
            assert_err(get(key_of(i)), IOT_ERR_STATE);
        }
        boot();
        for (int i = 0; i < most; i++)
            assert_err(get(key_of(i)), IOT_ERR_STATE);
        assert_true(fill(n) >= most - 1);
    }
}

static void a_deleted_key_stays_deleted_when_its_sector_moves_on(void **state)
{
    (void)state;
    new_chip(512, 3, 4);
    boot();
    assert_err(set("old", BYTES("value")), IOT_OK);
    for (int i = 0; i < 30;
         i++) /* its record is in the oldest sector, the deletion in a newer one */
        assert_err(set("fill", value_of(1, i, 20)), IOT_OK);
    assert_err(iot_nor_kv_del(&kv, "old"), IOT_OK);
    for (int i = 0; i < 200; i++) {
        assert_err(set("fill", value_of(1, i, 20)), IOT_OK);
        assert_err(get("old"), IOT_ERR_STATE);
        boot();
        assert_err(get("old"), IOT_ERR_STATE);
    }
}

static void deleted_keys_leave_nothing_behind(void **state)
{
    (void)state;
    new_chip(512, 3, 8);
    boot();
    int most = fill(30);
    for (int i = 0; i < most; i++)
        assert_err(iot_nor_kv_del(&kv, key_of(i)), IOT_OK);
    for (int i = 100; i < 500; i++) {
        assert_err(set(key_of(i), value_of(i, 0, 30)), IOT_OK);
        assert_err(iot_nor_kv_del(&kv, key_of(i)), IOT_OK);
    }
    assert_true(fill(30) >= most - 1);
}

static void wear_is_spread_over_all_sectors(void **state)
{
    static const uint32_t counts[] = {2, 3, 8};
    (void)state;
    for (uint32_t c = 0; c < COUNT(counts); c++) {
        new_chip(SECTOR, counts[c], 8);
        boot();
        for (int i = 0; i < 5; i++) /* never touched again */
            assert_err(set(key_of(i), value_of(i, 0, 300)), IOT_OK);
        for (int turn = 0; turn < 8000; turn++) {
            assert_err(set("ids", value_of(9, turn, 8)), IOT_OK);
            if (turn % 500 == 0)
                boot();
        }
        uint32_t least = UINT32_MAX, most = 0;
        for (uint32_t i = 0; i < chip.sectors; i++) {
            least = chip.wear[i] < least ? chip.wear[i] : least;
            most = chip.wear[i] > most ? chip.wear[i] : most;
        }
        print_message("%u sectors: erased %u to %u times in 8000 sets\n", counts[c], least, most);
        assert_true(least > 0 && most - least <= 1);
        for (int i = 0; i < 5; i++)
            assert_value(key_of(i), value_of(i, 0, 300));
    }
}

/* What a set may cost, as README says it. */
static void a_set_takes_so_many_operations_at_most(void **state)
{
    uint32_t plain = 0, most = 0, erases = 0;
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_err(set(key_of(i), value_of(i, 0, 100)), IOT_OK);
    for (int turn = 0; turn < 400; turn++) {
        uint32_t before = chip.count, wear = chip.wear[0] + chip.wear[1];
        assert_err(set("state", value_of(9, turn, 100)), IOT_OK);
        uint32_t took = chip.count - before;
        erases = chip.wear[0] + chip.wear[1] - wear;
        assert_true(erases <= 1);
        if (erases == 0 && took > plain)
            plain = took;
        if (erases != 0 && took > most)
            most = took;
    }
    print_message("100 bytes beside 20 others: %u operations, %u with a new sector\n", plain, most);
    assert_int_equal(plain, 3);                 /* 64 bytes each, the mark */
    assert_int_equal(most, 1 + 1 + 21 * 2 + 2); /* erase, head, records, two marks */
}

/* ---- Bits that change their mind ----------------------------------------------------------------- */

/* A mark that was cut may read FULL in one boot, and less in the next. */
static void fade(uint32_t at, uint32_t ones)
{
    memset(chip.bytes + at, 0xff, ones);
}

static void a_value_that_was_told_once_stays_when_its_mark_fades(void **state)
{
    (void)state;
    for (uint32_t sectors = 2; sectors < 5; sectors++) {
        new_chip(1024, sectors, 8);
        boot();
        assert_err(set("b", BYTES("other")), IOT_OK);
        assert_err(set("a", BYTES("old")), IOT_OK);
        assert_err(set("a", BYTES("new")), IOT_OK);
        uint32_t mark = kv.tail - 8;
        boot();
        assert_value("a", BYTES("new"));
        assert_int_equal(chip.wear[1], 0);
        fade(mark, 3);
        boot();
        assert_value("a", BYTES("new"));
        assert_int_equal(chip.wear[1], 1); /* it has been written down */
        fade(mark, 8);
        boot();
        assert_value("a", BYTES("new"));
        assert_value("b", BYTES("other"));
    }
}

static void a_sector_that_counted_once_counts_when_its_mark_fades(void **state)
{
    (void)state;
    for (uint32_t ones = 0; ones < 8; ones += 7) {
        boot();
        assert_err(set("a", BYTES("new")), IOT_OK);
        /* as if power had gone in `opened`, behind a head of 24 bytes: `confirmed` was not begun */
        fade(24, ones);
        fade(32, 8);
        chip.used[32 / 8] = 0;
        boot();
        assert_value("a", BYTES("new"));
        assert_int_equal(chip.bytes[32], 0);
        fade(24, 8);
        boot();
        assert_value("a", BYTES("new"));
        setup(NULL);
    }
}

static void a_sector_that_was_not_finished_is_erased_before_anything_is_told(void **state)
{
    (void)state;
    assert_err(set("a", BYTES("new")), IOT_OK);
    fade(24, 16); /* neither mark */
    boot();
    assert_err(get("a"), IOT_ERR_STATE);
    for (uint32_t i = 0; i < SECTOR; i++)
        assert_int_equal(chip.bytes[i], 0xff);
}

/* ---- A chip that is busy ----------------------------------------------------------------------- */

static void again_is_continued_when_asked_again(void **state)
{
    (void)state;
    new_chip(512, 3, 8);
    chip.slow = 3;
    uint32_t asks = 0;
    while (iot_nor_kv_mount(&kv, &chip.nor, 0, 3) == IOT_ERR_AGAIN)
        assert_true(++asks < 100);
    assert_err(set("other", BYTES("value")), IOT_ERR_AGAIN);
    for (asks = 0; set("other", BYTES("value")) == IOT_ERR_AGAIN; asks++)
        assert_true(asks < 100);
    for (int turn = 0; turn < 100; turn++) {
        uint32_t before = chip.count;
        iot_err err;
        for (asks = 1; (err = set("a", value_of(1, turn, 70))) == IOT_ERR_AGAIN; asks++) {
            assert_true(asks < 1000);
            err = get("other"); /* in between, the busy chip permitting */
            assert_true(err == IOT_ERR_AGAIN || err == IOT_OK);
        }
        assert_err(err, IOT_OK);
        assert_true(asks > chip.count - before); /* more often than it had operations */
        assert_value("a", value_of(1, turn, 70));
        for (asks = 1; turn % 10 == 0 && iot_nor_kv_del(&kv, "a") == IOT_ERR_AGAIN; asks++)
            assert_true(asks < 1000);
    }
    assert_value("other", BYTES("value"));
}

/* At each point of its work: behind the other records, or with a new sector. */
static void a_set_that_is_given_up_leaves_the_store_whole(void **state)
{
    uint32_t with_new_sector = 0;
    (void)state;
    for (int point = 0; point < 120; point++) {
        new_chip(1024, 2, 8);
        boot();
        for (int turn = 0; turn <= point % 3; turn++)
            for (int i = 0; i < 3; i++)
                assert_err(set(key_of(i), value_of(i, turn, 60)), IOT_OK);
        chip.slow = 1;
        bool over = false;
        for (int i = 0; i < 1 + point / 3 && !over; i++)
            over = set("a", value_of(1, 1, 250)) != IOT_ERR_AGAIN;
        with_new_sector += chip.wear[1];
        chip.slow = 0;
        assert_err(set("b", value_of(2, 2, 40)), IOT_OK);
        for (int boots = 0; boots < 2; boots++) {
            for (int i = 0; i < 3; i++)
                assert_value(key_of(i), value_of(i, point % 3, 60));
            assert_value("b", value_of(2, 2, 40));
            iot_err err = get("a");
            assert_true(err == IOT_OK || (err == IOT_ERR_STATE && !over));
            boot();
        }
    }
    assert_true(with_new_sector > 10);
}

static void a_mount_that_has_to_wait_is_finished_by_whoever_asks_next(void **state)
{
    (void)state;
    new_chip(512, 3, 8);
    memset(chip.bytes, 0x5a, 3 * 512);
    memset(chip.used, 1, 3 * 512 / 8);
    chip.slow = 2;
    iot_err err = iot_nor_kv_mount(&kv, &chip.nor, 0, 3);
    assert_err(err, IOT_ERR_AGAIN);
    for (int asks = 0; (err = get("a")) == IOT_ERR_AGAIN; asks++)
        assert_true(asks < 100);
    assert_err(err, IOT_ERR_STATE);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(chip.wear[i], 1);
}

/* ---- A chip that is worn ----------------------------------------------------------------------- */

static uint32_t find_bytes(const char *text)
{
    uint8_t *found = memmem(chip.bytes, chip.sectors * SECTOR, text, strlen(text));

    assert_non_null(found);
    return (uint32_t)(found - chip.bytes);
}

static void a_value_that_rots_is_named_and_can_be_mended(void **state)
{
    (void)state;
    assert_err(set("a", BYTES("first value")), IOT_OK);
    assert_err(set("a", BYTES("a value that rots")), IOT_OK);
    assert_err(set("b", BYTES("other")), IOT_OK);
    chip.bytes[find_bytes("that rots")] ^= 4;
    boot();
    assert_err(get("a"), IOT_ERR_KV); /* and not the older one */
    assert_value("b", BYTES("other"));
    assert_err(set("a", BYTES("new")), IOT_OK);
    assert_value("a", BYTES("new"));
    for (int i = 0; i < 300; i++)
        assert_err(set("b", BYTES("other")), IOT_OK);
    assert_value("a", BYTES("new"));
}

static void a_record_that_cannot_be_read_hides_no_older_value(void **state)
{
    (void)state;
    new_chip(512, 3, 8);
    boot();
    assert_err(set("a", BYTES("first value")), IOT_OK);
    assert_err(set("name-rots", BYTES("x")), IOT_OK);
    assert_err(set("a", BYTES("second")), IOT_OK);
    for (int i = 0; i < 12; i++)
        assert_err(set("b", BYTES("some twenty bytes are here")), IOT_OK);
    uint8_t *at = memmem(chip.bytes, 512 * 3, "name-rots", 9);
    assert_non_null(at);
    *at ^= 4;
    boot();
    assert_err(get("a"), IOT_ERR_KV);
    assert_value("b", BYTES("some twenty bytes are here"));
    assert_err(set("a", BYTES("third")), IOT_OK);
    for (int i = 0; i < 100; i++)
        assert_err(set("b", BYTES("some twenty bytes are here")), IOT_OK);
    assert_value("a", BYTES("third"));
    assert_err(get("name-rots"), IOT_ERR_STATE);
}

static void a_broken_chip_can_still_be_read(void **state)
{
    (void)state;
    assert_err(set("a", BYTES("x")), IOT_OK);
    chip.broken = true;
    assert_err(set("a", BYTES("y")), IOT_ERR_KV);
    assert_err(iot_nor_kv_del(&kv, "a"), IOT_ERR_KV);
    assert_value("a", BYTES("x"));
    boot();
    assert_value("a", BYTES("x"));
    chip.broken = false;
    assert_err(set("a", BYTES("z")), IOT_OK);
    boot();
    assert_value("a", BYTES("z"));
}

/* A chip that says OK and did not program all bits: the next sector is tried. */
static uint32_t stuck_at;

static iot_err (*true_program)(void *ctx, uint32_t offset, const void *bytes, uint32_t n);

static iot_err program_all_but_one_bit(void *ctx, uint32_t offset, const void *bytes, uint32_t n)
{
    iot_err err = true_program(ctx, offset, bytes, n);

    if (offset <= stuck_at && stuck_at < offset + n)
        chip.bytes[stuck_at] |= 1;
    return err;
}

static void what_was_not_programmed_right_is_written_elsewhere(void **state)
{
    (void)state;
    assert_err(set("a", BYTES("old")), IOT_OK);
    true_program = chip.nor.program;
    chip.nor.program = program_all_but_one_bit;
    for (stuck_at = 0; chip.bytes[stuck_at] != 0xff || stuck_at % 64 != 0; stuck_at++)
        ;
    stuck_at += 2; /* in the head of the next record: its length, which is even */
    assert_err(set("a", BYTES("twenty bytes of it..")), IOT_OK);
    assert_value("a", BYTES("twenty bytes of it.."));
    boot();
    assert_value("a", BYTES("twenty bytes of it.."));
}

/* A bus that fails once, at each read in turn: nothing is taken for erased or rotten. */
static uint32_t reads_until;

static iot_err (*true_read)(void *ctx, uint32_t offset, void *bytes, uint32_t n);

static iot_err read_or_fail(void *ctx, uint32_t offset, void *bytes, uint32_t n)
{
    if (reads_until != 0 && --reads_until == 0)
        return IOT_ERR_TCP_RESET; /* whatever a board says */
    return true_read(ctx, offset, bytes, n);
}

static void a_read_that_fails_loses_nothing(void **state)
{
    bool failed = true;
    uint32_t at;
    (void)state;
    for (at = 1; failed; at++) {
        assert_true(at < 10000);
        new_chip(512, 3, 8);
        true_read = chip.nor.read;
        chip.nor.read = read_or_fail;
        reads_until = 0;
        boot();
        for (int i = 0; i < 4; i++)
            assert_err(set(key_of(i), value_of(i, 0, 60)), IOT_OK);
        while (kv.newest == 0 || kv.tail + 48 <= 512)
            assert_err(set("more", BYTES("twenty bytes of it..")), IOT_OK);
        reads_until = at;
        iot_err err = set("last", value_of(1, 1, 100));
        failed = reads_until == 0;
        reads_until = 0;
        assert_true(err == IOT_OK || (err == IOT_ERR_KV && failed));
        if (err == IOT_OK)
            assert_value("last", value_of(1, 1, 100));
        for (int boots = 0; boots < 2; boots++) {
            for (int i = 0; i < 4; i++)
                assert_value(key_of(i), value_of(i, 0, 60));
            assert_value("more", BYTES("twenty bytes of it.."));
            boot();
        }
    }
    assert_true(at > 100);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_set_is_got_until_deleted),
        CASE(to_delete_what_is_not_there_writes_nothing),
        CASE(a_value_of_no_bytes_is_a_value),
        CASE(what_does_not_fit_changes_nothing),
        CASE(a_value_may_fill_a_sector),
        CASE(keys_have_1_to_15_characters),
        CASE(two_stores_in_one_chip_do_not_know_each_other),
        CASE(a_store_that_was_not_mounted_says_so),
        CASE(shapes_that_cannot_be_are_refused),
        CASE(garbage_is_an_empty_store_and_is_erased),
        CASE(a_sector_is_erased_before_it_is_used),
        CASE(a_store_of_another_shape_is_foreign),
        CASE(a_mounted_store_can_be_mounted_again),
        CASE(a_full_store_loses_nothing),
        CASE(a_deleted_key_stays_deleted_when_its_sector_moves_on),
        CASE(deleted_keys_leave_nothing_behind),
        CASE(wear_is_spread_over_all_sectors),
        CASE(a_set_takes_so_many_operations_at_most),
        CASE(a_value_that_was_told_once_stays_when_its_mark_fades),
        CASE(a_sector_that_counted_once_counts_when_its_mark_fades),
        CASE(a_sector_that_was_not_finished_is_erased_before_anything_is_told),
        CASE(again_is_continued_when_asked_again),
        CASE(a_set_that_is_given_up_leaves_the_store_whole),
        CASE(a_mount_that_has_to_wait_is_finished_by_whoever_asks_next),
        CASE(a_value_that_rots_is_named_and_can_be_mended),
        CASE(a_record_that_cannot_be_read_hides_no_older_value),
        CASE(a_broken_chip_can_still_be_read),
        CASE(what_was_not_programmed_right_is_written_elsewhere),
        CASE(a_read_that_fails_loses_nothing),
    };
    return cmocka_run_group_tests_name("nor_kv", tests, NULL, NULL);
}
