/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_flash.h"

static struct iot_nor_boot_choice choice;

static int setup(void **state)
{
    (void)state;
    new_chip(8);
    factory(1);
    return 0;
}

static void assert_started(uint8_t slot, bool trial, int number)
{
    assert_err(boot_again(&choice), IOT_OK);
    assert_int_equal(choice.slot, slot);
    assert_int_equal(choice.trial, trial);
    assert_int_equal(image_in(slot, 9), number);
}

/* An update as far as the next boot. */
static void update(int number)
{
    fetch(&place.slot, number);
    choose();
}

static void spoil(uint8_t slot, uint32_t at)
{
    chip.bytes[SLOT_AT(slot) + at] ^= 1;
}

/* ---- The rule -------------------------------------------------------------------------------- */

static bool usable(iot_err err)
{
    return err == IOT_OK || err == IOT_ERR_AGAIN;
}

static void assert_rule(const struct iot_nor_boot_record *before, const iot_err state[2])
{
    struct iot_nor_boot_record after = *before;
    uint8_t candidate = before->candidate;
    iot_err err = iot_nor_boot_decide(&after, state, &choice);
    bool to_be_tried =
        candidate != IOT_NOR_BOOT_NONE && before->tries > 0 && usable(state[candidate]);

    assert_true(choice.slot < 2);
    if (err == IOT_ERR_AGAIN) {
        assert_err(state[choice.slot], IOT_ERR_AGAIN);
        assert_memory_equal(&after, before, sizeof after);
        assert_int_equal(choice.trial, to_be_tried);
    } else if (err == IOT_OK && choice.trial) {
        assert_true(to_be_tried && choice.slot == candidate && after.running);
        assert_int_equal(after.tries, before->tries - 1);
        assert_int_equal(after.active, before->active);
    } else if (err == IOT_OK) {
        assert_false(to_be_tried);
        assert_true(after.candidate == IOT_NOR_BOOT_NONE && !after.running);
        assert_int_equal(after.active, choice.slot);
        if (choice.slot != before->active)
            assert_true(candidate == IOT_NOR_BOOT_NONE && !usable(state[before->active]));
    } else {
        assert_false(to_be_tried);
        assert_err(err, state[before->active]);
        assert_true(candidate != IOT_NOR_BOOT_NONE || !usable(state[1 - before->active]));
    }
    if (!usable(err) || err == IOT_OK)
        assert_true((after.dropped != before->dropped) ==
                    (candidate != IOT_NOR_BOOT_NONE && !to_be_tried));
    if (err == IOT_OK)
        assert_err(state[choice.slot], IOT_OK);
}

static void the_rule_holds_for_every_record_and_every_pair_of_images(void **state)
{
    static const iot_err states[] = {IOT_OK, IOT_ERR_AGAIN, IOT_ERR_OTA_DIGEST, IOT_ERR_STATE};
    (void)state;
    for (int i = 0; i < 2 * 2 * 3 * 2 * 4 * 4; i++) {
        struct iot_nor_boot_record r;
        memset(&r, 0, sizeof r);
        r.active = (uint8_t)(i & 1);
        r.candidate = i & 2 ? (uint8_t)(1 - r.active) : IOT_NOR_BOOT_NONE;
        r.tries = (uint8_t)(i / 4 % 3);
        r.running = i / 12 % 2 && r.candidate != IOT_NOR_BOOT_NONE;
        memset(r.digest, 7, sizeof r.digest);
        const iot_err pair[2] = {states[i / 24 % 4], states[i / 96]};
        assert_rule(&r, pair);
    }
}

/* ---- The ordinary way ------------------------------------------------------------------------ */

static void a_factory_image_is_started_without_a_record(void **state)
{
    (void)state;
    uint32_t count = chip.count;
    for (int i = 0; i < 3; i++)
        assert_started(A, false, 1);
    assert_err(confirm(A), IOT_OK);
    assert_int_equal(chip.count, count); /* nobody had to write anything */
    assert_int_equal(iot_nor_boot_running(&boot), A);
    assert_int_equal(iot_nor_boot_spare(&boot), B);
}

static void an_accepted_image_is_tried_and_stays_when_it_confirms(void **state)
{
    (void)state;
    update(2);
    assert_started(B, true, 2);
    assert_int_equal(iot_nor_boot_running(&boot), B);
    assert_err(confirm(B), IOT_OK);
    assert_err(confirm(B), IOT_OK);
    uint32_t count = chip.count;
    for (int i = 0; i < 5; i++)
        assert_started(B, false, 2);
    assert_int_equal(chip.count, count);
    update(3);
    assert_started(A, true, 3);
    assert_started(A, true, 3);
    assert_err(confirm(A), IOT_OK);
    assert_started(A, false, 3);
    assert_err(boot.record.dropped, IOT_OK);
}

static void one_that_never_confirms_is_given_up_after_its_tries(void **state)
{
    (void)state;
    for (uint8_t tries = 0; tries < 6; tries++) {
        new_chip(8);
        factory(1);
        map.tries = tries;
        update(2);
        for (uint32_t i = 0; i < (tries == 0 ? IOT_NOR_BOOT_TRIES : tries); i++)
            assert_started(B, true, 2);
        for (int i = 0; i < 3; i++)
            assert_started(A, false, 1);
        assert_err(boot.record.dropped, IOT_ERR_OTA_FAILED);
        assert_err(confirm(A), IOT_OK);
        assert_err(confirm(B), IOT_ERR_STATE); /* too late */
        assert_started(A, false, 1);
        update(3); /* its slot is free again */
        assert_err(boot.record.dropped, IOT_OK);
        assert_started(B, true, 3);
    }
}

static void what_was_not_started_cannot_be_confirmed(void **state)
{
    (void)state;
    assert_err(confirm(B), IOT_ERR_STATE);
    update(2);
    assert_err(confirm(B), IOT_ERR_STATE);
    assert_err(confirm(A), IOT_OK); /* it connects once more before its reboot */
    assert_err(confirm(IOT_NOR_BOOT_NONE), IOT_ERR_STATE);
    assert_started(B, true, 2);
    assert_err(confirm(A), IOT_OK);
    assert_started(B, true, 2);
}

static void a_second_choice_takes_the_place_of_the_first(void **state)
{
    (void)state;
    update(2);
    update(3);
    assert_started(B, true, 3);
    assert_err(confirm(B), IOT_OK);
    assert_started(B, false, 3);
}

/* ---- What is never started --------------------------------------------------------------------- */

static void without_an_image_there_is_nothing_to_start_and_the_reason_has_a_name(void **state)
{
    (void)state;
    new_chip(8);
    assert_err(boot_again(&choice), IOT_ERR_STATE);
    factory(1);
    spoil(A, IMAGE_BYTES - 1);
    assert_err(boot_again(&choice), IOT_ERR_OTA_DIGEST);
    assert_err(boot_again(&choice), IOT_ERR_OTA_DIGEST);
    spoil(A, IMAGE_BYTES - 1);
    assert_started(A, false, 1);
}

static void a_broken_candidate_is_never_started(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < IMAGE_BYTES; at += 499) {
        new_chip(8);
        factory(1);
        update(2);
        spoil(B, at);
        assert_started(A, false, 1);
        assert_err(boot.record.dropped, IOT_ERR_OTA_DIGEST);
        spoil(B, at);
        assert_started(A, false, 1); /* given up is given up */
    }
}

static void neither_is_one_that_breaks_between_two_tries(void **state)
{
    (void)state;
    update(2);
    assert_started(B, true, 2);
    spoil(B, 5);
    assert_started(A, false, 1);
    assert_err(boot.record.dropped, IOT_ERR_OTA_DIGEST);
}

static void neither_is_one_that_nobody_accepted(void **state)
{
    (void)state;
    update(2);
    assert_started(B, true, 2);
    assert_err(confirm(B), IOT_OK);
    open_all();
    fetch(&place.slot, 3); /* whole, and not chosen */
    assert_started(B, false, 2);
    spoil(B, 0);
    assert_err(boot_again(&choice), IOT_ERR_OTA_DIGEST);
}

static void neither_is_what_came_after_the_choice(void **state)
{
    struct iot_slot_info info;
    (void)state;
    update(2);
    fetch(&place.slot, 3);
    assert_started(A, false, 1);
    assert_err(boot.record.dropped, IOT_ERR_STATE);
    update(4);
    assert_err(place.slot.ops->begin(place.slot.ctx, IMAGE_BYTES, "5"), IOT_OK);
    assert_started(A, false, 1);
    assert_err(place.slot.ops->open(place.slot.ctx, &info), IOT_OK);
    assert_false(info.whole);
    assert_err(place.slot.ops->choose(place.slot.ctx), IOT_ERR_STATE);
}

static void when_the_active_one_rots_the_one_before_it_is_started(void **state)
{
    (void)state;
    update(2);
    assert_started(B, true, 2);
    assert_err(confirm(B), IOT_OK);
    spoil(B, 700);
    assert_started(A, false, 1);
    spoil(B, 700);
    assert_started(A, false, 1);
    assert_int_equal(iot_nor_boot_spare(&boot), B);
}

/* It is whole and has its digest; it was given up all the same. */
static void what_was_given_up_is_no_image_to_fall_back_on(void **state)
{
    (void)state;
    map.tries = 1;
    update(2);
    assert_started(B, true, 2);
    assert_started(A, false, 1);
    spoil(A, 700);
    assert_err(boot_again(&choice), IOT_ERR_OTA_DIGEST);
    assert_err(boot_again(&choice), IOT_ERR_OTA_DIGEST);
}

/* ---- Slots in use ------------------------------------------------------------------------------ */

static void nobody_writes_where_somebody_runs(void **state)
{
    const struct iot_slot *s = &place.slot;
    struct iot_slot_info info;
    uint32_t used;
    (void)state;
    assert_err(s->ops->begin(s->ctx, 10, "1"), IOT_ERR_STATE); /* not opened */
    update(2);
    assert_started(B, true, 2);
    uint32_t count = chip.count;
    assert_int_equal(iot_nor_boot_spare(&boot), IOT_NOR_BOOT_NONE);
    assert_err(s->ops->open(s->ctx, &info), IOT_ERR_STATE);
    assert_err(s->ops->begin(s->ctx, 10, "1"), IOT_ERR_STATE);
    assert_err(s->ops->write(s->ctx, "x", 1, &used), IOT_ERR_STATE);
    assert_err(s->ops->done(s->ctx, image), IOT_ERR_STATE);
    assert_err(s->ops->choose(s->ctx), IOT_ERR_STATE);
    assert_int_equal(chip.count, count);
    assert_err(confirm(B), IOT_OK);
    assert_err(s->ops->begin(s->ctx, 10, "1"), IOT_ERR_STATE); /* which slot, says open */
    assert_err(s->ops->open(s->ctx, &info), IOT_OK);
    assert_string_equal(info.version, "1");
    assert_true(info.whole);
    update(3);
    assert_int_equal(image_in(B, 9), 2);
    assert_started(A, true, 3);
}

static void a_place_tells_what_is_in_it(void **state)
{
    static const char longest[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    const struct iot_slot *s = &place.slot;
    struct iot_slot_info info;
    uint32_t used = 9;
    uint8_t byte;
    (void)state;
    open_all();
    assert_err(s->ops->open(s->ctx, &info), IOT_OK);
    assert_true(info.bytes == 0 && info.written == 0 && !info.whole);
    assert_err(s->ops->begin(s->ctx, SLOT * SECTOR + 1, "1"), IOT_ERR_SIZE);
    assert_err(s->ops->begin(s->ctx, 2000, longest), IOT_OK);
    assert_err(s->ops->write(s->ctx, image, IMAGE_BYTES, &used), IOT_ERR_AGAIN);
    assert_int_equal(used, SECTOR);
    assert_err(s->ops->write(s->ctx, image + used, 10, &used), IOT_OK);
    assert_int_equal(used, 10);
    assert_err(s->ops->read(s->ctx, SECTOR + 9, &byte, 1), IOT_OK);
    assert_int_equal(byte, image[SECTOR + 9]);
    assert_err(s->ops->read(s->ctx, SECTOR + 10, &byte, 1), IOT_ERR_ARG);
    assert_err(s->ops->open(s->ctx, &info), IOT_OK);
    assert_int_equal(info.written, SECTOR);
    assert_int_equal(info.bytes, 2000);
    assert_string_equal(info.version, longest);
    assert_null(strchr(info.version, '!'));
    struct iot_nor_place other;
    iot_nor_place_alone(&other, &boot.slot[B]);
    assert_null(other.slot.ops->choose);
    assert_err(other.slot.ops->open(other.slot.ctx, &info), IOT_OK);
    assert_int_equal(info.written, SECTOR);
}

/* ---- Signatures -------------------------------------------------------------------------------- */

static void with_a_key_unsigned_and_wrongly_signed_images_are_never_started(void **state)
{
    static uint8_t too_long[IOT_NOR_BOOT_SIGNATURE_MAX + 1];
    (void)state;
    map.verify = verify;
    assert_err(boot_again(&choice), IOT_ERR_OTA_SIGNATURE);
    struct iot_bytes signature = sign(1); /* the factory's */
    assert_err(iot_nor_kv_set(&journal, "sig-a", signature.ptr, signature.len), IOT_OK);
    assert_started(A, false, 1);
    for (int wrong = 0; wrong < 3; wrong++) {
        place.signature = sign(wrong == 0 ? 1 : 2);
        if (wrong != 0)
            place.signature.len -= (uint32_t)wrong;
        update(2);
        assert_started(A, false, 1);
        assert_err(boot.record.dropped, IOT_ERR_OTA_SIGNATURE);
    }
    place.signature = (struct iot_bytes){too_long, sizeof too_long};
    fetch(&place.slot, 2);
    assert_err(place.slot.ops->choose(place.slot.ctx), IOT_ERR_SIZE);
    place.signature = sign(2);
    update(2);
    assert_started(B, true, 2);
    assert_err(confirm(B), IOT_OK);
    assert_started(B, false, 2);
    update(3); /* unsigned, in a slot that once had a signature */
    assert_started(B, false, 2);
    assert_err(boot.record.dropped, IOT_ERR_OTA_SIGNATURE);
}

/* ---- Flash that is slow, broken, or full of something else --------------------------------------- */

static void a_slow_chip_comes_to_the_same(void **state)
{
    (void)state;
    chip.slow = 7;
    map.verify = verify;
    assert_err(iot_nor_kv_set(&journal, "x", "y", 1), IOT_ERR_AGAIN);
    open_all();
    struct iot_bytes signature = sign(1);
    iot_err err;
    UNTIL_DONE(err, iot_nor_kv_set(&journal, "sig-a", signature.ptr, signature.len));
    assert_err(err, IOT_OK);
    assert_started(A, false, 1);
    place.signature = sign(2);
    update(2);
    assert_started(B, true, 2);
    assert_err(confirm(B), IOT_OK);
    assert_started(B, false, 2);
    place.signature = sign(3);
    update(3);
    for (uint32_t i = 0; i < IOT_NOR_BOOT_TRIES; i++)
        assert_started(A, true, 3);
    assert_started(B, false, 2);
}

static void a_try_that_cannot_be_counted_is_not_made(void **state)
{
    (void)state;
    update(2);
    chip.broken = true;
    assert_started(A, false, 1);
    assert_started(A, false, 1);
    chip.broken = false;
    assert_started(B, true, 2);
    assert_started(B, true, 2);
    assert_started(B, true, 2);
    chip.broken = true; /* the end of the trial cannot be written either */
    assert_started(A, false, 1);
    chip.broken = false;
    assert_err(confirm(A), IOT_OK);
    assert_started(A, false, 1);
    assert_err(boot.record.dropped, IOT_ERR_OTA_FAILED);
}

static void a_record_that_is_none_is_none(void **state)
{
    static const uint8_t rows[][6] = {
        {2, 0, 1, 3, 0, 0}, {1, 2, 1, 3, 0, 0}, {1, 0, 3, 3, 0, 0},
        {1, 1, 1, 3, 0, 0}, {1, 0, 1, 3, 2, 0}, {1, 1, 2, 3, 1, 0},
    };
    uint8_t record[80];
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows) + 2; i++) {
        memset(record, 0, sizeof record);
        record[0] = 1;
        record[2] = 1;
        record[3] = 3;
        if (i < COUNT(rows))
            memcpy(record, rows[i], sizeof rows[i]);
        uint32_t len = i == COUNT(rows) ? 71 : i == COUNT(rows) + 1 ? 73 : 72;
        assert_err(iot_nor_kv_set(&journal, "boot", record, len), IOT_OK);
        assert_started(A, false, 1);
        assert_int_equal(boot.record.candidate, IOT_NOR_BOOT_NONE);
        assert_err(boot.record.dropped, IOT_OK);
    }
}

static void without_a_record_the_image_in_b_is_better_than_none(void **state)
{
    (void)state;
    update(2);
    assert_started(B, true, 2);
    assert_err(confirm(B), IOT_OK);
    assert_err(iot_nor_kv_del(&journal, "boot"), IOT_OK);
    spoil(A, 3);
    assert_started(B, false, 2);
    assert_started(B, false, 2);
}

static void a_wrong_map_is_refused(void **state)
{
    (void)state;
    map.offset[B] += 8;
    assert_err(iot_nor_boot_open(&boot, &map), IOT_ERR_ARG);
    map.offset[B] -= 8;
    map.sectors = 0;
    assert_err(iot_nor_boot_open(&boot, &map), IOT_ERR_ARG);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_rule_holds_for_every_record_and_every_pair_of_images),
        CASE(a_factory_image_is_started_without_a_record),
        CASE(an_accepted_image_is_tried_and_stays_when_it_confirms),
        CASE(one_that_never_confirms_is_given_up_after_its_tries),
        CASE(what_was_not_started_cannot_be_confirmed),
        CASE(a_second_choice_takes_the_place_of_the_first),
        CASE(without_an_image_there_is_nothing_to_start_and_the_reason_has_a_name),
        CASE(a_broken_candidate_is_never_started),
        CASE(what_was_given_up_is_no_image_to_fall_back_on),
        CASE(neither_is_one_that_breaks_between_two_tries),
        CASE(neither_is_one_that_nobody_accepted),
        CASE(neither_is_what_came_after_the_choice),
        CASE(when_the_active_one_rots_the_one_before_it_is_started),
        CASE(nobody_writes_where_somebody_runs),
        CASE(a_place_tells_what_is_in_it),
        CASE(with_a_key_unsigned_and_wrongly_signed_images_are_never_started),
        CASE(a_slow_chip_comes_to_the_same),
        CASE(a_try_that_cannot_be_counted_is_not_made),
        CASE(a_record_that_is_none_is_none),
        CASE(without_a_record_the_image_in_b_is_better_than_none),
        CASE(a_wrong_map_is_refused),
    };
    return cmocka_run_group_tests_name("nor_boot", tests, NULL, NULL);
}
