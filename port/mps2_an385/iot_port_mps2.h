/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_port_mps2.h
 * The board as the library sees it.
 */
#ifndef IOT_PORT_MPS2_H
#define IOT_PORT_MPS2_H

#include "iot/iot_port.h"
#include "nor/iot_nor_boot.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct iot_port iot_port_mps2;

/** Before the first use of its store. Returns as iot_nor_kv_mount. */
iot_err iot_port_mps2_mount(void);

/** Its two slots for firmware, behind the same flash and store, for bootloader and application alike; after the store is
 *  mounted. verify: of iot_nor_boot_map; an application needs none. Returns as iot_nor_boot_open. */
iot_err iot_port_mps2_boot(struct iot_nor_boot *boot,
                           bool (*verify)(void *ctx, const uint8_t *sha256,
                                          struct iot_bytes signature));

#ifdef __cplusplus
}
#endif
#endif
