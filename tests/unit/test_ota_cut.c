/* SPDX-License-Identifier: Apache-2.0 */
/* Power and network are cut wherever they can be while an image of four sectors comes in two ranges; then the device boots, is
 * offered the same job, and so on until it is through. Whatever was cut: the bootloader always finds a whole image, and in
 * the end it is the new one. TEST_CUTS=all: more of the cuts by two. */
#include "test.h"

#include "fake_http.h"
#include "nor/iot_nor_boot.h"
#include "nor/iot_nor_kv.h"
#include "nor/iot_nor_place.h"
#include "ota/iot_ota_fetch.h"
#include "unix/iot_nor_unix.h"

#define SECTOR      1024u
#define JOURNAL     3u /* sectors, at the beginning */
#define SLOT        4u /* sectors of each of two */
#define SECTORS     (JOURNAL + 2 * SLOT)
#define SLOT_AT(s)  ((JOURNAL + (s)*SLOT) * SECTOR)
#define IMAGE_BYTES (3u * SECTOR + 100u)
#define CHUNK       2000u
#define TURNS_MAX   100000
#define BOOTS_MAX   20

static struct iot_nor_unix chip;
static struct iot_nor_kv journal;
static struct iot_nor_boot boot;
static struct iot_nor_boot_map map;
static struct iot_nor_place place;
static struct iot_port port;
static struct iot_http web;
static struct iot_ota_fetch fetch;
static struct iot_ota_job job;
static struct iot_ota_options opt;
static uint32_t room[SECTOR * SECTORS * 3 / 4 + 64], first_room[SECTOR * SECTORS * 3 / 4 + 64];
static size_t room_bytes;
static struct iot_nor_unix first_chip;
static uint8_t old_image[IMAGE_BYTES], new_image[IMAGE_BYTES];
static jmp_buf power;
static iot_time now;
static uint32_t seed, cuts, net_cuts;

/* ---- The board ---------------------------------------------------------------------------- */

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    return iot_nor_kv_get(ctx, key, into, cap, len);
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    return iot_nor_kv_set(ctx, key, bytes, len);
}

static iot_err kv_del(void *ctx, const char *key)
{
    return iot_nor_kv_del(ctx, key);
}

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

/* What may answer AGAIN, until it does not. */
#define UNTIL_DONE(err, call)                                                                      \
    do {                                                                                           \
        err = IOT_ERR_AGAIN;                                                                       \
        for (int i_ = 0; i_ < TURNS_MAX && err == IOT_ERR_AGAIN; i_++)                             \
            err = (call);                                                                          \
    } while (0)

static void open_all(void)
{
    iot_err err;

    memset(&journal, 0, sizeof journal);
    UNTIL_DONE(err, iot_nor_kv_mount(&journal, &chip.nor, 0, JOURNAL));
    assert_err(err, IOT_OK);
    UNTIL_DONE(err, iot_nor_boot_open(&boot, &map));
    assert_err(err, IOT_OK);
    iot_nor_place_boot(&place, &boot);
}

static void digest_of(const uint8_t *bytes, uint8_t sum[32])
{
    struct iot_digest d;

    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){bytes, IMAGE_BYTES});
    iot_digest_end(&d, sum);
}

/* A device as it left the factory: an image in A that is active. */
static void new_device(uint32_t write_bytes, uint32_t slow)
{
    struct iot_nor_boot_choice choice;
    uint8_t sum[32];
    uint32_t at = 0, used;
    iot_err err;

    room_bytes = iot_nor_unix_room(SECTOR, SECTORS, write_bytes);
    assert_true(room_bytes <= sizeof room);
    iot_nor_unix_init(&chip, SECTOR, SECTORS, write_bytes, room);
    chip.on_fault = on_fault;
    chip.on_cut = on_cut;
    chip.slow = slow;
    memset(&map, 0, sizeof map);
    map.nor = &chip.nor;
    map.journal = &journal;
    map.offset[0] = SLOT_AT(0);
    map.offset[1] = SLOT_AT(1);
    map.sectors = SLOT;
    open_all();
    UNTIL_DONE(err, iot_nor_slot_begin(&boot.slot[0], IMAGE_BYTES, "1.0"));
    assert_err(err, IOT_OK);
    while (at != IMAGE_BYTES) {
        err = iot_nor_slot_write(&boot.slot[0], old_image + at, IMAGE_BYTES - at, &used);
        assert_true(err == IOT_OK || err == IOT_ERR_AGAIN);
        at += used;
    }
    digest_of(old_image, sum);
    UNTIL_DONE(err, iot_nor_slot_done(&boot.slot[0], sum));
    assert_err(err, IOT_OK);
    open_all();
    UNTIL_DONE(err, iot_nor_boot_start(&boot, &choice));
    assert_err(err, IOT_OK);
    assert_int_equal(choice.slot, 0);
    iot_nor_unix_reboot(&chip);
    first_chip = chip;
    memcpy(first_room, room, room_bytes);
}

static void as_new(void)
{
    uint32_t chance = chip.chance;

    chip = first_chip;
    chip.chance = chance != 0 ? chance : 1;
    memcpy(room, first_room, room_bytes);
    now = 1000;
}

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < IMAGE_BYTES; i++) {
        old_image[i] = (uint8_t)(i * 13 + i / 256);
        new_image[i] = (uint8_t)(i * 7 + i / 251);
    }
    memset(&job, 0, sizeof job);
    job.size = IMAGE_BYTES;
    digest_of(new_image, job.digest);
    strcpy(job.version, "2.0");
    strcpy(job.url, "http://ota.example.com/a");
    memset(&port, 0, sizeof port);
    port.ctx = &journal;
    port.kv_get = kv_get;
    port.kv_set = kv_set;
    port.kv_del = kv_del;
    memset(&opt, 0, sizeof opt);
    opt.http = &web;
    opt.port = &port;
    opt.chunk = CHUNK;
    seed = test_seed();
    cuts = net_cuts = 0;
    return 0;
}

/* ---- One life from power on --------------------------------------------------------------- */

static uint32_t net_cut_at; /* of the next life's responses, bytes of bodies; UINT32_MAX: none */
static iot_err net_cut_err;

/* True: the new image runs, and has confirmed. False: the old one does, and has fetched the new one. */
static bool live(void)
{
    struct iot_nor_boot_choice choice;
    iot_err err = IOT_ERR_AGAIN;

    open_all();
    UNTIL_DONE(err, iot_nor_boot_start(&boot, &choice));
    assert_err(err, IOT_OK);
    assert_memory_equal(chip.bytes + SLOT_AT(choice.slot), choice.slot == 0 ? old_image : new_image,
                        IMAGE_BYTES);
    if (choice.slot == 1) {
        UNTIL_DONE(err, iot_nor_boot_confirm(&boot, 1));
        assert_err(err, IOT_OK);
        return true;
    }
    fake_init(&web, new_image, IMAGE_BYTES);
    web.portion = 700;
    web.cut_at = net_cut_at;
    web.cut_err = net_cut_err;
    net_cut_at = UINT32_MAX;
    err = iot_ota_fetch_start(&fetch, &opt, &place.slot, &job, NULL, NULL, now);
    assert_err(err, IOT_OK);
    err = IOT_ERR_AGAIN;
    for (int i = 0; i < TURNS_MAX && err == IOT_ERR_AGAIN; i++) {
        err = iot_ota_fetch_step(&fetch, now);
        iot_time next = iot_ota_fetch_deadline(&fetch);
        now++;
        if (!fake_tick(&web) && next != IOT_TIME_NEVER && next > now)
            now = next;
    }
    assert_err(err, IOT_OK);
    return false;
}

/* A life that ends at its n-th operation of the flash. In a function of its own, as longjmp is hard on variables.
 * False: it did not have so many. */
static bool live_until(uint32_t n, enum iot_nor_cut kind, bool *through)
{
    chip.cut_at = n;
    chip.cut = kind;
    if (setjmp(power) != 0) {
        iot_nor_unix_reboot(&chip);
        chip.cut_at = 0;
        return true;
    }
    *through = live();
    chip.cut_at = 0;
    return false;
}

/* Until the new image runs. */
static void live_on(void)
{
    bool through = false;

    for (int boots = 0; boots < BOOTS_MAX && !through; boots++) {
        iot_nor_unix_reboot(&chip);
        through = live();
    }
    assert_true(through);
    assert_memory_equal(chip.bytes + SLOT_AT(1), new_image, IMAGE_BYTES);
    assert_memory_equal(chip.bytes + SLOT_AT(0), old_image, IMAGE_BYTES);
}

static uint32_t count_operations(void)
{
    bool through;

    as_new();
    assert_false(live_until(0, IOT_NOR_CUT_NONE, &through));
    assert_false(through);
    return chip.count;
}

/* ---- Cuts --------------------------------------------------------------------------------- */

static void cut_power_everywhere(uint32_t write_bytes, uint32_t slow, uint32_t second)
{
    bool through;

    net_cut_at = UINT32_MAX;
    new_device(write_bytes, slow);
    uint32_t operations = count_operations();
    assert_true(operations > 50);
    live_on();
    for (uint32_t i = 1; i <= operations; i++) {
        for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
            as_new();
            assert_true(live_until(i, (enum iot_nor_cut)kind, &through));
            cuts++;
            live_on();
            for (uint32_t s = 0; s < second; s++) { /* and once more in the life after it */
                as_new();
                assert_true(live_until(i, (enum iot_nor_cut)kind, &through));
                cuts += 1u + live_until(1 + test_random(&seed, operations),
                                        (enum iot_nor_cut)test_random(&seed, IOT_NOR_CUT_KINDS),
                                        &through);
                live_on();
            }
        }
    }
}

static bool want_all(void)
{
    const char *all = getenv("TEST_CUTS");
    return all != NULL && strcmp(all, "all") == 0;
}

static void power_cut_at_any_operation_of_the_flash_costs_nothing_but_time(void **state)
{
    (void)state;
    cut_power_everywhere(8, 0, want_all() ? 20 : 1);
    cut_power_everywhere(1, 0, want_all() ? 10 : 0);
    cut_power_everywhere(32, 2, want_all() ? 10 : 0);
    print_message("%u cuts of power tried, 0 failures\n", cuts);
}

static void network_cut_at_any_byte_costs_nothing_but_time(void **state)
{
    static const iot_err ends[] = {IOT_ERR_HTTP_CUT, IOT_ERR_TCP_RESET, IOT_ERR_HTTP_TIMEOUT};
    bool through;
    (void)state;
    new_device(8, 0);
    net_cut_at = UINT32_MAX;
    uint32_t operations = count_operations();
    for (uint32_t at = 0; at < IMAGE_BYTES; at++) {
        as_new();
        net_cut_at = at;
        net_cut_err = ends[at % COUNT(ends)];
        assert_false(live_until(0, IOT_NOR_CUT_NONE, &through));
        net_cuts++;
        assert_true(web.requests >= 2 && web.requests <= 3 && web.sent == IMAGE_BYTES);
        if (at % 16 == 0)
            live_on();
        if (at % 8 != 0)
            continue;
        as_new(); /* and power somewhere behind it, or before */
        net_cut_at = at;
        (void)live_until(1 + test_random(&seed, operations),
                         (enum iot_nor_cut)test_random(&seed, IOT_NOR_CUT_KINDS), &through);
        cuts++;
        net_cut_at = test_random(&seed, IMAGE_BYTES);
        live_on();
        net_cuts += 2;
    }
    print_message("%u cuts of the network and %u of power tried, 0 failures\n", net_cuts, cuts);
}

/* What was durable is not fetched again. */
static void a_power_cut_costs_a_sector_at_most(void **state)
{
    bool through;
    (void)state;
    net_cut_at = UINT32_MAX;
    new_device(8, 0);
    uint32_t operations = count_operations();
    for (uint32_t i = 1; i <= operations; i++) {
        as_new();
        assert_true(live_until(i, IOT_NOR_CUT_ALL, &through));
        uint32_t taken = fetch.image.state == IOT_IMAGE_WRITING ? fetch.image.at : 0;
        if (live())
            continue;
        assert_true(web.sent <= IMAGE_BYTES - taken + SECTOR + 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(power_cut_at_any_operation_of_the_flash_costs_nothing_but_time,
                               setup),
        cmocka_unit_test_setup(network_cut_at_any_byte_costs_nothing_but_time, setup),
        cmocka_unit_test_setup(a_power_cut_costs_a_sector_at_most, setup),
    };
    return cmocka_run_group_tests_name("ota_cut", tests, NULL, NULL);
}
