/* SPDX-License-Identifier: Apache-2.0 */
/* build/probe as bootloader and application: `boot` decides on the flash in a file, `confirm` makes it stay. The test fetches
 * the images, and cuts power in either. */
#include "test.h"

#include "crypto/iot_crypto_digest.h"
#include "host/host_dir.h"
#include "nor/iot_nor_boot.h"
#include "nor/iot_nor_place.h"
#include "peer_run.h"
#include "unix/iot_nor_unix.h"
#include "unix/iot_port_unix.h"

#include <sys/mman.h>
#include <unistd.h>

#define SECTOR_BYTES 4096u
#define WRITE_BYTES  8u
#define IMAGE_BYTES  9000u
#define EXIT_CUT     42
#define CUTS_MAX     60

static char dir[HOST_PATH_MAX], file[HOST_PATH_MAX + 16], copy[HOST_PATH_MAX + 16];

/* ---- The chip in the file, from outside ---------------------------------------------------------- */

static struct iot_nor_unix chip;
static struct iot_nor_kv journal;
static struct iot_nor_boot boot;
static struct iot_nor_boot_map map;

static uint32_t chip_sectors(void)
{
    const struct iot_port_unix_area *last = &iot_port_unix_areas[IOT_PORT_UNIX_AREAS - 1];

    return (last->offset + last->bytes) / SECTOR_BYTES;
}

static void open_chip(void)
{
    const struct iot_port_unix_area *area = iot_port_unix_areas;

    assert_true(iot_nor_unix_open(&chip, SECTOR_BYTES, chip_sectors(), WRITE_BYTES, file));
    memset(&journal, 0, sizeof journal);
    assert_err(iot_nor_kv_mount(&journal, &chip.nor, area[2].offset, area[2].bytes / SECTOR_BYTES),
               IOT_OK);
    map = (struct iot_nor_boot_map){.nor = &chip.nor,
                                    .journal = &journal,
                                    .offset = {area[0].offset, area[1].offset},
                                    .sectors = area[0].bytes / SECTOR_BYTES};
    assert_err(iot_nor_boot_open(&boot, &map), IOT_OK);
}

static void close_chip(void)
{
    munmap(chip.bytes, iot_nor_unix_room(SECTOR_BYTES, chip_sectors(), WRITE_BYTES));
}

static void write_image(const struct iot_slot *s, const char *version)
{
    static uint8_t image[IMAGE_BYTES];
    struct iot_slot_info info;
    struct iot_digest d;
    uint8_t sum[32];
    uint32_t used;

    memset(image, version[0], sizeof image);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, sizeof image});
    iot_digest_end(&d, sum);
    assert_err(s->ops->open(s->ctx, &info), IOT_OK);
    assert_err(s->ops->begin(s->ctx, sizeof image, version), IOT_OK);
    for (uint32_t at = 0; at < sizeof image; at += used)
        (void)s->ops->write(s->ctx, image + at, (uint32_t)sizeof image - at, &used);
    assert_err(s->ops->done(s->ctx, sum), IOT_OK);
}

/* A new device. */
static void factory(const char *version)
{
    struct iot_nor_place a;

    unlink(file);
    open_chip();
    iot_nor_place_alone(&a, &boot.slot[0]);
    write_image(&a.slot, version);
    close_chip();
}

static void update(const char *version)
{
    struct iot_nor_place place;

    open_chip();
    iot_nor_place_boot(&place, &boot);
    write_image(&place.slot, version);
    assert_err(place.slot.ops->choose(place.slot.ctx), IOT_OK);
    close_chip();
}

static void spoil(uint32_t area, uint32_t at)
{
    open_chip();
    chip.bytes[iot_port_unix_areas[area].offset + at] ^= 0x40;
    close_chip();
}

static void copy_file(const char *from, const char *to)
{
    static uint8_t bytes[8u << 20];
    FILE *f = fopen(from, "rb");

    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    assert_true(n > 0 && n < sizeof bytes);
    fclose(f);
    f = fopen(to, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* ---- The probe ----------------------------------------------------------------------------------- */

static int probe(const char *option, const char *value, const char *first, const char *second)
{
    const char *argv[] = {
        peer_program("probe"), "--flash", file, option, value, "-c", first, "-c", second, NULL};

    if (second == NULL)
        argv[7] = NULL;
    return peer_run(argv);
}

static void assert_said(int code, int expected, const char *line)
{
    if (code != expected || strstr(peer_output, line) == NULL)
        fail_msg("exit %d, no '%s' in:\n%s", code, line, peer_output);
}

static void assert_boot(const char *line)
{
    assert_said(probe("--seed", "5", "boot", NULL), 0, line);
}

static void an_empty_flash_has_nothing_to_start(void **state)
{
    const char *without[] = {peer_program("probe"), "-c", "boot", "-c", "quit", NULL};
    (void)state;
    unlink(file);
    assert_said(probe("--seed", "5", "boot", NULL), 1, "EV boot none STATE\n");
    assert_said(probe("--seed", "5", "confirm", NULL), 0, "EV flash 0\n"); /* nothing to be done */
    assert_said(peer_run(without), 1, "EV boot none STATE\n");
}

static void the_factorys_image_is_started(void **state)
{
    (void)state;
    factory("1.0");
    assert_boot("EV boot slot-a 1.0 ok\n");
    assert_said(probe("--seed", "5", "boot", "confirm"), 0, "EV flash 0\n");
    spoil(0, IMAGE_BYTES - 1);
    assert_said(probe("--seed", "5", "boot", "confirm"), 1, "EV boot none OTA_DIGEST\n");
}

static void an_update_is_tried_and_stays_when_confirmed(void **state)
{
    (void)state;
    factory("1.0");
    update("2.0");
    assert_said(probe("--seed", "5", "wait boot 0", "boot"), 1, "EV err TIMEOUT");
    assert_said(probe("--seed", "5", "confirm", NULL), 0, "EV flash 0\n"); /* by the old one */
    assert_said(probe("--seed", "5", "boot", "confirm"), 0, "EV boot slot-b 2.0 trial\n");
    assert_boot("EV boot slot-b 2.0 ok\n");
    update("3.0");
    assert_boot("EV boot slot-a 3.0 trial\n");
    assert_said(probe("--seed", "5", "confirm", NULL), 0, "EV flash"); /* as the record says */
    assert_boot("EV boot slot-a 3.0 ok\n");
    assert_said(probe("--seed", "5", "boot", "wait boot 0"), 0, "EV boot slot-a 3.0 ok\n");
}

static void one_that_never_confirms_is_rolled_back(void **state)
{
    (void)state;
    factory("1.0");
    update("2.0");
    for (uint32_t i = 0; i < IOT_NOR_BOOT_TRIES; i++)
        assert_boot("EV boot slot-b 2.0 trial\n");
    assert_said(probe("--seed", "5", "boot", "confirm"), 0, "EV boot slot-a 1.0 ok\n");
    assert_boot("EV boot slot-a 1.0 ok\n");
    update("2.1");
    spoil(1, 77);
    assert_boot("EV boot slot-a 1.0 ok\n");
}

static void a_version_is_one_word_in_any_case(void **state)
{
    (void)state;
    factory("");
    assert_boot("EV boot slot-a - ok\n");
    factory("one two\n3");
    assert_boot("EV boot slot-a one?two?3 ok\n");
}

static void words_behind_them_are_refused(void **state)
{
    (void)state;
    factory("1.0");
    assert_said(probe("--seed", "5", "boot now", NULL), 1, "EV err USAGE");
    assert_said(probe("--seed", "5", "confirm it", NULL), 1, "EV err USAGE");
}

/* ---- Cuts ---------------------------------------------------------------------------------------- */

/* Power goes in each operation of a boot with its confirmation. It may cost a try, nothing else. */
static void a_cut_in_either_leaves_a_device_that_boots(void **state)
{
    int cuts = 0;
    (void)state;
    factory("1.0");
    update("2.0");
    copy_file(file, copy);
    for (uint32_t at = 1; at < CUTS_MAX; at++) {
        int before = cuts;
        for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
            char cut[32];
            snprintf(cut, sizeof cut, "%u:%s", at, iot_nor_unix_cut_name((enum iot_nor_cut)kind));
            copy_file(copy, file);
            int code = probe("--cut", cut, "boot", "confirm");
            cuts += code == EXIT_CUT;
            assert_true(code == EXIT_CUT || code == 0);
            assert_said(probe("--slow", "3", "boot", "confirm"), 0, "EV boot slot-b 2.0 ");
            assert_boot("EV boot slot-b 2.0 ok\n");
        }
        if (cuts == before)
            break;
    }
    print_message("%d cuts\n", cuts);
    assert_true(cuts >= 4 * IOT_NOR_CUT_KINDS);
}

static int setup(void **state)
{
    (void)state;
    if (!host_dir_make("boot", dir))
        return -1;
    snprintf(file, sizeof file, "%s/flash", dir);
    snprintf(copy, sizeof copy, "%s/copy", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_dir_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_flash_has_nothing_to_start),
        cmocka_unit_test(the_factorys_image_is_started),
        cmocka_unit_test(an_update_is_tried_and_stays_when_confirmed),
        cmocka_unit_test(one_that_never_confirms_is_rolled_back),
        cmocka_unit_test(a_version_is_one_word_in_any_case),
        cmocka_unit_test(words_behind_them_are_refused),
        cmocka_unit_test(a_cut_in_either_leaves_a_device_that_boots),
    };
    return cmocka_run_group_tests_name("probe_boot", tests, setup, teardown);
}
