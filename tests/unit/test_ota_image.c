/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "ecdsa_vectors.h"
#include "ota/iot_ota_image.h"
#include "ram_slot.h"

#define STEPS_MAX 100000

static struct ram_slot ram;
static struct iot_ota_image image;
static struct iot_ota_job job;
static struct iot_ota_trust trust;
static uint8_t bytes[RAM_ROOM + 1], key[IOT_ECDSA_KEY_BYTES];
static uint8_t arena[4096] __attribute__((aligned(8)));

static void digest_of(enum iot_digest_kind kind, uint32_t n, uint8_t *out)
{
    struct iot_digest d;

    iot_digest_begin(&d, kind);
    iot_digest_put(&d, (struct iot_bytes){bytes, n});
    iot_digest_end(&d, out);
}

static void make_job(uint32_t n, enum iot_ota_digest kind)
{
    memset(&job, 0, sizeof job);
    job.size = n;
    job.digest_kind = kind;
    strcpy(job.version, "2.0");
    digest_of(kind == IOT_OTA_MD5 ? IOT_DIGEST_MD5 : IOT_DIGEST_SHA256, n, job.digest);
    if (kind == IOT_OTA_MD5)
        memset(job.digest + 16, 0xee, 16); /* nobody's business */
}

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    ram_slot_init(&ram);
    memset(&trust, 0, sizeof trust);
    make_job(ECDSA_SIGNED_BYTES, IOT_OTA_SHA256);
    return 0;
}

static void sign_job(void)
{
    assert_int_equal(from_hex(ECDSA_KEY, key, sizeof key), sizeof key);
    job.signature_bytes =
        (uint8_t)from_hex(ECDSA_SIGNED_SIGNATURE, job.signature, sizeof job.signature);
    trust.key = key;
    trust.arena = arena;
    trust.arena_bytes = sizeof arena;
}

static void start(bool resume)
{
    assert_err(iot_ota_image_start(&image, &job, &ram.slot, &trust, resume), IOT_OK);
}

/* Until it wants bytes, or is over. */
static iot_err go(void)
{
    iot_err err = IOT_OK;

    for (int i = 0; i < STEPS_MAX; i++) {
        if (image.state == IOT_IMAGE_NEW)
            err = iot_ota_image_begin(&image);
        else if (image.state == IOT_IMAGE_WRITING || image.state == IOT_IMAGE_READY)
            return IOT_OK;
        else
            err = iot_ota_image_step(&image);
        if (err != IOT_OK && err != IOT_ERR_AGAIN) {
            assert_int_equal(image.state, IOT_IMAGE_FAILED);
            return err;
        }
    }
    return IOT_ERR_AGAIN;
}

static iot_err write_to(uint32_t end, uint32_t portion)
{
    for (int i = 0; i < STEPS_MAX && image.at < end; i++) {
        uint32_t at = image.at, used = 99, n = end - at < portion ? end - at : portion;
        iot_err err =
            iot_ota_image_write(&image, guarded((struct iot_bytes){bytes + at, n}), &used);
        assert_int_equal(image.at, at + used);
        if (err != IOT_OK && err != IOT_ERR_AGAIN)
            return err;
        assert_true(err == IOT_ERR_AGAIN || used == n);
    }
    return image.at == end ? IOT_OK : IOT_ERR_AGAIN;
}

static iot_err all(uint32_t portion)
{
    iot_err err = go();

    if (err == IOT_OK && image.state == IOT_IMAGE_WRITING)
        err = write_to(job.size, portion);
    return err == IOT_OK ? go() : err;
}

static void assert_ready(void)
{
    uint8_t sha256[32];

    assert_int_equal(image.state, IOT_IMAGE_READY);
    assert_true(ram.info.whole && ram.chosen);
    assert_memory_equal(ram.bytes, bytes, job.size);
    assert_string_equal(ram.info.version, job.version);
    digest_of(IOT_DIGEST_SHA256, job.size, sha256);
    assert_memory_equal(ram.sha256, sha256, 32);
}

static void an_image_is_ready_whatever_its_size_and_its_portions(void **state)
{
    static const uint32_t sizes[] = {1, 127, 128, 129, 1023, 1024, 1025, 4096, RAM_ROOM};
    static const uint32_t portions[] = {1, 100, 1024, RAM_ROOM};
    (void)state;
    for (uint32_t i = 0; i < COUNT(sizes) * COUNT(portions) * 2; i++) {
        ram_slot_init(&ram);
        ram.again = i % 3;
        ram.portion = i % 5 * 40;
        make_job(sizes[i % COUNT(sizes)], i % 2 == 0 ? IOT_OTA_MD5 : IOT_OTA_SHA256);
        start(false);
        assert_err(all(portions[i / COUNT(sizes) % COUNT(portions)]), IOT_OK);
        assert_ready();
        assert_err(iot_ota_image_step(&image), IOT_ERR_STATE);
    }
}

static void sizes_are_looked_at_before_anything_is_written(void **state)
{
    (void)state;
    job.size = 0;
    assert_err(iot_ota_image_start(&image, &job, &ram.slot, &trust, false), IOT_ERR_OTA_SIZE);
    make_job(RAM_ROOM + 1, IOT_OTA_SHA256);
    start(false);
    assert_err(go(), IOT_ERR_OTA_SIZE);
    assert_int_equal(ram.calls[RAM_BEGIN], 0);
    make_job(10, IOT_OTA_SHA256);
    memset(job.version, 'x', IOT_SLOT_VERSION_MAX); /* too long for this slot */
    start(false);
    assert_err(go(), IOT_ERR_OTA_SIZE);
    assert_int_equal(ram.calls[RAM_WRITE], 0);
}

static void more_bytes_than_promised_are_not_taken(void **state)
{
    uint32_t used;
    (void)state;
    start(false);
    assert_err(iot_ota_image_write(&image, BYTES("x"), &used), IOT_ERR_STATE);
    assert_err(iot_ota_image_begin(&image), IOT_ERR_STATE);
    assert_err(go(), IOT_OK);
    assert_err(iot_ota_image_step(&image), IOT_ERR_STATE);
    assert_err(iot_ota_image_write(&image, (struct iot_bytes){bytes, job.size + 1}, &used),
               IOT_ERR_OTA_SIZE);
    assert_int_equal(used, 0);
    assert_err(write_to(job.size - 1, 100), IOT_OK);
    assert_err(iot_ota_image_write(&image, BYTES("xy"), &used), IOT_ERR_OTA_SIZE);
    assert_int_equal(used, 0);
    assert_err(write_to(job.size, 100), IOT_OK);
    assert_err(iot_ota_image_write(&image, BYTES("x"), &used), IOT_ERR_OTA_SIZE);
    assert_err(go(), IOT_OK);
    assert_ready();
}

static void every_bit_of_the_digest_counts(void **state)
{
    static const enum iot_ota_digest kinds[] = {IOT_OTA_SHA256, IOT_OTA_MD5};
    (void)state;
    for (uint32_t k = 0; k < COUNT(kinds); k++) {
        for (uint32_t bit = 0; bit < (k == 0 ? 256u : 128u); bit++) {
            ram_slot_init(&ram);
            make_job(40, kinds[k]);
            job.digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
            start(false);
            assert_err(all(16), IOT_ERR_OTA_DIGEST);
            assert_int_equal(ram.calls[RAM_DONE], 0);
            assert_false(ram.info.whole);
        }
    }
}

static void what_lies_there_counts_not_what_was_sent(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < job.size; at += 97) {
        ram_slot_init(&ram);
        ram.rot = at;
        start(false);
        assert_err(all(500), IOT_ERR_OTA_DIGEST);
        assert_int_equal(ram.calls[RAM_DONE] + ram.calls[RAM_CHOOSE], 0);
    }
}

static void reading_back_is_done_in_bounded_steps(void **state)
{
    (void)state;
    make_job(RAM_ROOM, IOT_OTA_SHA256);
    start(false);
    assert_err(go(), IOT_OK);
    assert_err(write_to(job.size, 1000), IOT_OK);
    for (uint32_t steps = 0; image.state == IOT_IMAGE_WRITTEN || image.state == IOT_IMAGE_CHECKING;
         steps++) {
        uint32_t at = image.state == IOT_IMAGE_CHECKING ? image.at : 0;
        assert_err(iot_ota_image_step(&image), IOT_OK);
        assert_true(image.at - at <= IOT_OTA_STEP_BYTES || image.at == 0);
        assert_true(steps <= 1 + RAM_ROOM / IOT_OTA_STEP_BYTES);
    }
    assert_err(go(), IOT_OK);
    assert_ready();
}

static void a_signature_of_the_sha256_is_wanted_where_a_key_is_set(void **state)
{
    static const enum iot_ota_digest kinds[] = {IOT_OTA_SHA256, IOT_OTA_MD5};
    (void)state;
    for (uint32_t k = 0; k < COUNT(kinds); k++) {
        ram_slot_init(&ram);
        make_job(ECDSA_SIGNED_BYTES, kinds[k]);
        sign_job();
        start(false);
        assert_err(all(300), IOT_OK);
        assert_ready();
        ram_slot_init(&ram);
        job.signature[20] ^= 1;
        start(false);
        assert_err(all(300), IOT_ERR_OTA_SIGNATURE);
        assert_int_equal(ram.calls[RAM_DONE] + ram.calls[RAM_CHOOSE], 0);
        job.signature_bytes = 0;
        assert_err(iot_ota_image_start(&image, &job, &ram.slot, &trust, false),
                   IOT_ERR_OTA_SIGNATURE);
        job.signature_bytes = IOT_OTA_SIGNATURE_MAX + 1; /* more than there is room for */
        assert_err(iot_ota_image_start(&image, &job, &ram.slot, &trust, false),
                   IOT_ERR_OTA_SIGNATURE);
        trust.key = NULL; /* and without a key nobody looks */
        start(false);
        assert_err(all(300), IOT_OK);
    }
}

static void a_key_or_an_arena_that_do_not_serve_are_told_by_name(void **state)
{
    (void)state;
    sign_job();
    trust.arena_bytes = 512;
    start(false);
    assert_err(all(300), IOT_ERR_SIZE);
    trust.arena_bytes = sizeof arena;
    key[64] ^= 1;
    start(false);
    assert_err(all(300), IOT_ERR_ARG);
    assert_int_equal(ram.calls[RAM_DONE], 0);
}

/* After a reboot: the slot says how much is durable, the rest is fetched again. */
static void an_image_goes_on_where_the_slot_was_durable(void **state)
{
    (void)state;
    for (uint32_t stop = 0; stop <= ECDSA_SIGNED_BYTES; stop += 100) {
        ram_slot_init(&ram);
        ram.sector = 512;
        ram.again = stop % 3;
        make_job(ECDSA_SIGNED_BYTES, stop % 200 == 0 ? IOT_OTA_MD5 : IOT_OTA_SHA256);
        start(false);
        assert_err(go(), IOT_OK);
        assert_err(write_to(stop, 70), IOT_OK);
        iot_ota_image_end(&image);
        assert_err(iot_ota_image_step(&image), IOT_ERR_STATE);
        start(true);
        assert_err(go(), IOT_OK);
        assert_int_equal(image.at, stop - stop % 512);
        assert_int_equal(ram.calls[RAM_BEGIN], stop < 512 ? 2 : 1);
        assert_err(all(70), IOT_OK);
        assert_ready();
    }
}

static void what_is_not_this_image_begins_at_zero(void **state)
{
    (void)state;
    for (int what = 0; what < 5; what++) {
        ram_slot_init(&ram);
        start(false);
        assert_err(go(), IOT_OK);
        assert_err(write_to(1000, 100), IOT_OK);
        if (what == 0)
            strcpy(ram.info.version, "2.1");
        else if (what == 1)
            ram.info.bytes++;
        else if (what == 2)
            ram.info.written = ram.info.bytes + 1; /* nonsense */
        else if (what == 3)
            memset(&ram.info.bytes, 0, sizeof ram.info.bytes);
        start(what != 4);
        assert_err(go(), IOT_OK);
        assert_int_equal(image.at, 0);
        assert_int_equal(ram.calls[RAM_BEGIN], 2);
        assert_err(all(100), IOT_OK);
        assert_ready();
    }
}

static void a_slot_that_was_done_is_only_checked_and_chosen(void **state)
{
    (void)state;
    start(false);
    assert_err(all(100), IOT_OK);
    for (int rot = 0; rot < 2; rot++) {
        ram.chosen = false;
        ram.rot = rot ? 1500 : RAM_ROOM;
        start(true);
        assert_err(all(100), rot ? IOT_ERR_OTA_DIGEST : IOT_OK);
        assert_int_equal(ram.calls[RAM_BEGIN], 1);
        assert_int_equal(ram.calls[RAM_DONE], 1);
        assert_int_equal(ram.chosen, !rot);
    }
    ram.rot = RAM_ROOM;
    iot_ota_image_restart(&image);
    assert_err(all(100), IOT_OK);
    assert_ready();
    assert_int_equal(ram.calls[RAM_BEGIN], 2);
}

static void each_call_of_a_slot_may_fail_once_and_is_told_by_its_name(void **state)
{
    (void)state;
    for (int call = 0; call < RAM_CALLS; call++) {
        ram_slot_init(&ram);
        ram.fail = call;
        ram.fail_err = call % 2 == 0 ? IOT_ERR_KV : IOT_ERR_FULL;
        start(false);
        assert_err(all(100), ram.fail_err);
        assert_err(iot_ota_image_step(&image), IOT_ERR_STATE);
        assert_false(ram.chosen);
        ram.fail = -1;
        start(false);
        assert_err(all(100), IOT_OK);
        assert_ready();
    }
}

static void a_sink_without_choose_is_ready_when_it_is_done(void **state)
{
    struct iot_slot_ops ops = ram_ops;
    (void)state;
    ops.choose = NULL;
    ram.slot.ops = &ops;
    start(false);
    assert_err(all(100), IOT_OK);
    assert_int_equal(image.state, IOT_IMAGE_READY);
    assert_true(ram.info.whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_image_is_ready_whatever_its_size_and_its_portions, setup),
        cmocka_unit_test_setup(sizes_are_looked_at_before_anything_is_written, setup),
        cmocka_unit_test_setup(more_bytes_than_promised_are_not_taken, setup),
        cmocka_unit_test_setup(every_bit_of_the_digest_counts, setup),
        cmocka_unit_test_setup(what_lies_there_counts_not_what_was_sent, setup),
        cmocka_unit_test_setup(reading_back_is_done_in_bounded_steps, setup),
        cmocka_unit_test_setup(a_signature_of_the_sha256_is_wanted_where_a_key_is_set, setup),
        cmocka_unit_test_setup(a_key_or_an_arena_that_do_not_serve_are_told_by_name, setup),
        cmocka_unit_test_setup(an_image_goes_on_where_the_slot_was_durable, setup),
        cmocka_unit_test_setup(what_is_not_this_image_begins_at_zero, setup),
        cmocka_unit_test_setup(a_slot_that_was_done_is_only_checked_and_chosen, setup),
        cmocka_unit_test_setup(each_call_of_a_slot_may_fail_once_and_is_told_by_its_name, setup),
        cmocka_unit_test_setup(a_sink_without_choose_is_ready_when_it_is_done, setup),
    };
    return cmocka_run_group_tests_name("ota_image", tests, NULL, NULL);
}
