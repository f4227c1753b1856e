/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_boot.h
 * The commands `boot` and `confirm` of build/probe: the two halves of the boot contract, on its flash.
 */
#ifndef PROBE_BOOT_H
#define PROBE_BOOT_H

#include "nor/iot_nor_boot.h"
#include "probe_event.h"

#include <stdint.h>

/** Both slots and what is recorded about them, as a boot finds them. IOT_OK: `*boot` is valid until the program ends, and
 *  opened anew by each call. */
iot_err probe_boot_open(struct iot_nor_boot **boot);

/** What the bootloader does: "EV boot SLOT VERSION ok|trial", SLOT as in the map; or "EV boot none NAME", which fails. A
 *  version that is empty is -. */
enum probe_step probe_boot(char **words, uint32_t count, uint32_t waited_ms);

/** What the application does that has reached its platform: the slot that was started, by `boot` in this run or in
 *  the last one, stays. Nothing is printed unless it fails. */
enum probe_step probe_confirm(char **words, uint32_t count, uint32_t waited_ms);

#endif
