/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_flash.h"

#include "host/host_text.h"
#include "probe_event.h"
#include "unix/iot_nor_unix.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT_EXIT     42
#define MOUNT_ASKS   100000u
#define CUT_WORD_MAX 32u
#define SLOW_MAX     1000u

static struct {
    const char *file;
    uint32_t cut_at, slow, seed;
    enum iot_nor_cut cut;
    bool map, erase_count;
} flash;

static void on_cut(void *ctx, const struct iot_nor_unix_op *op)
{
    (void)ctx;
    probe_event("cut %lu %s %lu %lu", (unsigned long)op->number, op->kind,
                (unsigned long)op->offset, (unsigned long)op->len);
    _Exit(CUT_EXIT);
}

static int wrong(const char *text)
{
    (void)probe_usage("%s", text);
    return -1;
}

static int read_cut(const char *text)
{
    char word[CUT_WORD_MAX];
    int cut = IOT_NOR_CUT_NONE;

    if (strlen(text) >= sizeof word)
        return wrong("--cut N[:none|half|all|junk|weak]");
    strcpy(word, text);
    char *colon = strchr(word, ':');
    if (colon != NULL) {
        *colon = 0;
        cut = iot_nor_unix_cut(colon + 1);
    }
    if (cut < 0 || !host_text_number(word, 1, UINT32_MAX, &flash.cut_at))
        return wrong("--cut N[:none|half|all|junk|weak]");
    flash.cut = (enum iot_nor_cut)cut;
    return 2;
}

int probe_flash_option(int argc, char **argv)
{
    const char *name = argv[0], *value = argc > 1 ? argv[1] : NULL;

    if (strcmp(name, "--flash-map") == 0) {
        flash.map = true;
        return 1;
    }
    if (strcmp(name, "--erase-count") == 0) {
        flash.erase_count = true;
        return 1;
    }
    if (value == NULL)
        return 0;
    if (strcmp(name, "--flash") == 0) {
        flash.file = value;
        return 2;
    }
    if (strcmp(name, "--cut") == 0)
        return read_cut(value);
    if (strcmp(name, "--seed") == 0)
        return host_text_number(value, 1, UINT32_MAX, &flash.seed) ? 2 : wrong("--seed 1...");
    if (strcmp(name, "--slow") == 0)
        return host_text_number(value, 0, SLOW_MAX, &flash.slow) ? 2 : wrong("--slow 0 to 1000");
    return 0;
}

static void print_map(void)
{
    for (uint32_t i = 0; i < IOT_PORT_UNIX_AREAS; i++) {
        const struct iot_port_unix_area *area = &iot_port_unix_areas[i];
        printf("%s %lu %lu\n", area->name, (unsigned long)area->offset, (unsigned long)area->bytes);
    }
    fflush(stdout);
}

bool probe_flash_boot(void)
{
    iot_err err = IOT_OK;

    if (flash.map)
        print_map();
    if (flash.seed != 0)
        iot_port_unix_seed(flash.seed);
    if (flash.file != NULL && !iot_port_unix_file(flash.file)) {
        probe_event("err HOST --flash %s: cannot be used", flash.file);
        return false;
    }
    struct iot_nor_unix *chip = iot_port_unix_flash();
    chip->cut_at = flash.cut_at;
    chip->cut = flash.cut;
    chip->slow = flash.slow;
    chip->chance = flash.seed != 0 ? flash.seed : 1;
    chip->on_cut = on_cut;
    if (flash.file == NULL)
        return true;
    for (uint32_t i = 0; i < MOUNT_ASKS; i++)
        if ((err = iot_port_unix_mount()) != IOT_ERR_AGAIN)
            break;
    if (err != IOT_OK)
        probe_event("err %s --flash %s: %s", iot_err_name(err), flash.file, iot_err_text(err));
    return err == IOT_OK;
}

bool probe_flash_mapped(void)
{
    return flash.map;
}

bool probe_flash_kept(void)
{
    return flash.file != NULL;
}

void probe_flash_end(void)
{
    const struct iot_nor_unix *chip = iot_port_unix_flash();

    probe_event("flash %lu", (unsigned long)chip->count);
    for (uint32_t i = 0; flash.erase_count && i < chip->sectors; i++)
        probe_event("wear %lu %lu", (unsigned long)i, (unsigned long)chip->wear[i]);
}
