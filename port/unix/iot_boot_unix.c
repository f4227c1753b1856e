/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_boot_unix.h"

#include "iot_nor_unix.h"
#include "iot_port_unix.h"

enum { SLOT_A, SLOT_B, JOURNAL }; /* of iot_port_unix_areas */

iot_err iot_boot_unix_open(struct iot_nor_boot *boot)
{
    static struct iot_nor_kv journal;
    static struct iot_nor_boot_map map = {.journal = &journal};
    const struct iot_port_unix_area *area = iot_port_unix_areas;
    const struct iot_nor *nor = &iot_port_unix_flash()->nor;
    iot_err err = IOT_OK;

    map.nor = nor;
    map.offset[0] = area[SLOT_A].offset;
    map.offset[1] = area[SLOT_B].offset;
    map.sectors = area[SLOT_A].bytes / nor->sector_bytes;
    if (!journal.mounted)
        err = iot_nor_kv_mount(&journal, nor, area[JOURNAL].offset,
                               area[JOURNAL].bytes / nor->sector_bytes);
    return err == IOT_OK ? iot_nor_boot_open(boot, &map) : err;
}
