/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_boot_unix.h
 * The boot contract on the simulated board: slots and journal are where iot_port_unix_areas says.
 */
#ifndef IOT_BOOT_UNIX_H
#define IOT_BOOT_UNIX_H

#include "nor/iot_nor_boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As a boot finds it: mount the journal, read the record. Returns as iot_nor_kv_mount and iot_nor_boot_open; after
 *  IOT_ERR_AGAIN the same call continues. */
iot_err iot_boot_unix_open(struct iot_nor_boot *boot);

#ifdef __cplusplus
}
#endif
#endif
