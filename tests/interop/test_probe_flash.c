/* SPDX-License-Identifier: Apache-2.0 */
/* build/probe with a flash in a file: each run is a boot. Power is cut at every operation of a small script; the next
 * boot has to find the old value or the new one, and everything else as it was. */
#include "test.h"

#include "host/host_broker.h"
#include "host/host_dir.h"
#include "nor/iot_nor_kv.h"
#include "peer_broker.h"
#include "peer_run.h"
#include "unix/iot_nor_unix.h"
#include "unix/iot_port_unix.h"

#include <sys/mman.h>
#include <unistd.h>

#define SECTOR_BYTES 4096u
#define WRITE_BYTES  8u
#define OTHERS       6
#define BLOCK        256u /* packet ids that one reservation of the library takes */
#define EXIT_CUT     42

static struct host_broker broker;
static char dir[HOST_PATH_MAX], file[HOST_PATH_MAX + 16], copy[HOST_PATH_MAX + 16];
static const struct iot_port_unix_area *const kv_area = &iot_port_unix_areas[3];

/* ---- The chip in the file ---------------------------------------------------------------------- */

static struct iot_nor_unix chip;
static struct iot_nor_kv kv;

static uint32_t chip_sectors(void)
{
    return (kv_area->offset + kv_area->bytes) / SECTOR_BYTES;
}

static void open_chip(const char *path)
{
    assert_true(iot_nor_unix_open(&chip, SECTOR_BYTES, chip_sectors(), WRITE_BYTES, path));
    memset(&kv, 0, sizeof kv);
    assert_err(iot_nor_kv_mount(&kv, &chip.nor, kv_area->offset, kv_area->bytes / SECTOR_BYTES),
               IOT_OK);
}

static void close_chip(void)
{
    munmap(chip.bytes, iot_nor_unix_room(SECTOR_BYTES, chip_sectors(), WRITE_BYTES));
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

static const char *other_key(int i)
{
    static char key[24];

    snprintf(key, sizeof key, "other%d", i);
    return key;
}

/* A store in which everything was in use; the next set needs a new sector, and has to save all the other values from the
 * oldest one. */
static void prepare_file(void)
{
    uint8_t value[300], ids[2] = {1, 0};

    unlink(file);
    open_chip(file);
    for (uint32_t turn = 0; turn < 40; turn++) {
        for (int i = 0; i < OTHERS; i++) {
            memset(value, i, sizeof value);
            assert_err(iot_nor_kv_set(&kv, other_key(i), value, 40u * (uint32_t)(i + 1)), IOT_OK);
        }
    }
    for (;;) {
        uint32_t before = chip.count;
        if (kv.tail + 64 > SECTOR_BYTES)
            copy_file(file, copy);
        assert_err(iot_nor_kv_set(&kv, "probe-ids", ids, sizeof ids), IOT_OK);
        if (chip.count > before + 2 * OTHERS)
            break;
    }
    close_chip();
    copy_file(copy, file);
}

/* The last id that is reserved in the file; everything else is as it was. */
static uint32_t ids_in_file(void)
{
    uint8_t value[300], expected[300], ids[2];
    uint32_t len = 0;

    open_chip(file);
    for (int i = 0; i < OTHERS; i++) {
        memset(expected, i, sizeof expected);
        assert_err(iot_nor_kv_get(&kv, other_key(i), value, sizeof value, &len), IOT_OK);
        assert_bytes(((struct iot_bytes){value, len}),
                     ((struct iot_bytes){expected, 40u * (uint32_t)(i + 1)}));
    }
    assert_err(iot_nor_kv_get(&kv, "probe-ids", ids, sizeof ids, &len), IOT_OK);
    assert_int_equal(len, 2);
    close_chip();
    return (uint32_t)ids[0] << 8 | ids[1];
}

/* ---- The probe --------------------------------------------------------------------------------- */

/* A device that reserves packet ids and finds no broker. */
static int boot(const char *option, const char *value)
{
    const char *argv[] = {peer_program("probe"),
                          "--flash",
                          file,
                          "--seed",
                          "77",
                          option,
                          value,
                          "-c",
                          "connect 127.0.0.1 1 plain id=t clean=0",
                          "-c",
                          "wait lost 20000",
                          "-c",
                          "quit",
                          NULL};
    if (option == NULL)
        memmove(argv + 5, argv + 7, 7 * sizeof argv[0]);
    return peer_run(argv);
}

/* The number behind "EV NAME ". */
static uint32_t number_of(const char *name)
{
    const char *found = strstr(peer_output, name);

    if (found == NULL)
        fail_msg("no %s:\n%s", name, peer_output);
    return (uint32_t)strtoul(found + strlen(name), NULL, 10);
}

static void assert_boots(void)
{
    int code = boot(NULL, NULL);

    if (code != 0)
        fail_msg("exit %d:\n%s", code, peer_output);
}

static void cut_everywhere(void)
{
    static char base[HOST_PATH_MAX + 16];
    uint32_t old, operations;

    snprintf(base, sizeof base, "%s/base", dir);
    copy_file(file, base);
    old = ids_in_file();
    copy_file(base, file);
    assert_boots();
    operations = number_of("EV flash ");
    assert_int_equal(ids_in_file(), old + BLOCK);
    for (uint32_t at = 1; at <= operations; at++) {
        for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
            char cut[32], said[32];
            copy_file(base, file);
            snprintf(cut, sizeof cut, "%u:%s", at, iot_nor_unix_cut_name((enum iot_nor_cut)kind));
            snprintf(said, sizeof said, "EV cut %u ", at);
            int code = boot("--cut", cut);
            if (code != EXIT_CUT || strstr(peer_output, said) == NULL)
                fail_msg("--cut %s: exit %d\n%s", cut, code, peer_output);
            /* the boot that mends it is cut as well, if it mends anything */
            snprintf(cut, sizeof cut, "1:%s",
                     iot_nor_unix_cut_name((enum iot_nor_cut)((kind + 1) % IOT_NOR_CUT_KINDS)));
            assert_int_equal(boot("--cut", cut), EXIT_CUT);
            assert_boots();
            uint32_t now = ids_in_file();
            if (now != old + BLOCK && now != old + 2 * BLOCK)
                fail_msg("cut at %u, %s: ids %u after %u", at,
                         iot_nor_unix_cut_name((enum iot_nor_cut)kind), now, old);
        }
    }
    char behind[16];
    snprintf(behind, sizeof behind, "%u", operations + 1);
    copy_file(base, file);
    assert_int_equal(boot("--cut", behind), 0);
    unlink(base);
    print_message("%u operations, %d cuts each\n", operations, IOT_NOR_CUT_KINDS);
}

static void a_cut_in_an_append_leaves_the_old_ids_or_the_new_ones(void **state)
{
    (void)state;
    prepare_file();
    assert_boots(); /* that one made a new sector */
    cut_everywhere();
}

static void a_cut_in_a_new_sector_leaves_the_old_ids_or_the_new_ones(void **state)
{
    (void)state;
    prepare_file();
    cut_everywhere();
}

/* ---- Its options ------------------------------------------------------------------------------- */

static void the_map_names_all_areas(void **state)
{
    const char *argv[] = {peer_program("probe"), "--flash-map", NULL};
    char *line = peer_output;
    (void)state;
    assert_int_equal(peer_run(argv), 0);
    for (uint32_t i = 0; i < IOT_PORT_UNIX_AREAS; i++) {
        char name[16];
        unsigned long offset, bytes;
        int used = 0;
        assert_int_equal(sscanf(line, "%15s %lu %lu\n%n", name, &offset, &bytes, &used), 3);
        assert_string_equal(name, iot_port_unix_areas[i].name);
        assert_int_equal(offset, iot_port_unix_areas[i].offset);
        assert_int_equal(bytes, iot_port_unix_areas[i].bytes);
        line += used;
    }
    assert_string_equal(line, "");
}

static void a_session_outlives_the_reboot(void **state)
{
    char connect[80];
    (void)state;
    snprintf(connect, sizeof connect, "connect 127.0.0.1 %u plain id=keeper clean=0", broker.port);
    unlink(file);
    for (int turn = 0; turn < 2; turn++) {
        const char *argv[] = {peer_program("probe"),
                              "--flash",
                              file,
                              "-c",
                              connect,
                              "-c",
                              "sub kept/# 1",
                              "-c",
                              "wait suback 20000",
                              "-c",
                              "pub kept/a 1 0 6869",
                              "-c",
                              "wait done 20000",
                              "-c",
                              "wait msg 20000",
                              NULL};
        int code = peer_run(argv);
        if (code != 0 ||
            strstr(peer_output, turn == 0 ? "EV connected sp=0" : "EV connected sp=1") == NULL)
            fail_msg("exit %d:\n%s", code, peer_output);
    }
}

static void the_same_seed_leaves_the_same_flash(void **state)
{
    static uint8_t first[1u << 23], second[1u << 23];
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        unlink(file);
        assert_boots();
        assert_int_equal(boot("--cut", "2:junk"), EXIT_CUT);
        FILE *f = fopen(file, "rb");
        assert_non_null(f);
        size_t n = fread(turn == 0 ? first : second, 1, sizeof first, f);
        assert_true(n > chip_sectors() * SECTOR_BYTES);
        fclose(f);
    }
    assert_memory_equal(first, second, sizeof first);
}

static void a_slow_flash_comes_to_the_same(void **state)
{
    (void)state;
    prepare_file();
    uint32_t old = ids_in_file();
    prepare_file();
    assert_boots();
    uint32_t operations = number_of("EV flash ");
    prepare_file();
    assert_int_equal(boot("--slow", "2"), 0);
    assert_int_equal(number_of("EV flash "), operations);
    assert_int_equal(ids_in_file(), old + BLOCK);
}

static void erases_are_counted_over_all_boots(void **state)
{
    (void)state;
    unlink(file);
    assert_boots();
    const char *argv[] = {
        peer_program("probe"), "--flash", file, "--erase-count", "-c", "quit", NULL};
    assert_int_equal(peer_run(argv), 0);
    assert_int_equal(number_of("EV flash "), 0);
    char wear[32];
    snprintf(wear, sizeof wear, "EV wear %u 1\n", kv_area->offset / SECTOR_BYTES);
    assert_non_null(strstr(peer_output, wear));
    assert_non_null(strstr(peer_output, "EV wear 0 0\n"));
    snprintf(wear, sizeof wear, "EV wear %u 0\n", chip_sectors() - 1);
    assert_non_null(strstr(peer_output, wear));
}

static void garbage_in_the_file_is_an_empty_store(void **state)
{
    (void)state;
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    for (uint32_t i = 0; i < 3u << 20; i++)
        fputc((int)(i * 7 % 251), f);
    fclose(f);
    assert_boots();
    assert_boots();
    assert_int_equal(number_of("EV flash "), 3);
}

static void wrong_options_are_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"--cut", "0"},  {"--cut", "x"},   {"--cut", "3:often"},           {"--seed", "0"},
        {"--slow", "x"}, {"--slow", "-1"}, {"--flash", "/nowhere/at/all"}, {"--flush", "file"},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(wrong); i++) {
        const char *argv[] = {peer_program("probe"), wrong[i][0], wrong[i][1], "-c", "quit", NULL};
        assert_int_equal(peer_run(argv), 1);
        assert_non_null(strstr(peer_output, "EV err "));
    }
}

static int setup(void **state)
{
    if (peer_broker_group_setup(&broker, state) != 0 || !host_dir_make("flash", dir))
        return -1;
    snprintf(file, sizeof file, "%s/flash", dir);
    snprintf(copy, sizeof copy, "%s/copy", dir);
    return 0;
}

static int teardown(void **state)
{
    host_dir_remove(dir);
    return peer_broker_group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_names_all_areas),
        cmocka_unit_test(a_session_outlives_the_reboot),
        cmocka_unit_test(the_same_seed_leaves_the_same_flash),
        cmocka_unit_test(a_slow_flash_comes_to_the_same),
        cmocka_unit_test(erases_are_counted_over_all_boots),
        cmocka_unit_test(garbage_in_the_file_is_an_empty_store),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_cut_in_an_append_leaves_the_old_ids_or_the_new_ones),
        cmocka_unit_test(a_cut_in_a_new_sector_leaves_the_old_ids_or_the_new_ones),
    };
    return cmocka_run_group_tests_name("probe_flash", tests, setup, teardown);
}
