/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flash.c
 * build/flash FILE [KEY=VALUE | KEY=@FILE]...: what a factory writes into the flash of a board. FILE is made if it is
 * not there; values that it has under other keys stay. The firmware's keys are in examples/firmware_superloop.
 *
 *     build/flash board.flash pk=a1B2c3D4e5F dn=dev001 ds=0f1e2d3c4b5a69788796a5b4c3d2e1f0 ca=@ca.der
 */
#include "host/host_flash.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool set(struct host_flash *f, char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL || value == word) {
        snprintf(f->why, sizeof f->why, "%.60s is neither KEY=VALUE nor KEY=@FILE", word);
        return false;
    }
    *value++ = 0;
    return *value == '@' ? host_flash_set_file(f, word, value + 1)
                         : host_flash_set_text(f, word, value);
}

int main(int argc, char **argv)
{
    struct host_flash f;

    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE [KEY=VALUE | KEY=@FILE]...\n", argv[0]);
        return 2;
    }
    bool ok =
        access(argv[1], F_OK) == 0 ? host_flash_open(&f, argv[1]) : host_flash_make(&f, argv[1]);
    for (int i = 2; i < argc && ok; i++)
        ok = set(&f, argv[i]);
    if (!ok)
        fprintf(stderr, "flash: %s\n", f.why);
    host_flash_close(&f);
    return ok ? 0 : 1;
}
