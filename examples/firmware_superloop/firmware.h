/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application's part of the boot contract (port/nor/iot_nor_boot.h): a new firmware that has reached its platform stays;
 * one that does not in time restarts itself, until the bootloader goes back to the old one.
 */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include "nor/iot_nor_boot.h"

/* Which version this is, "1.0.0": given to the linker. */
const char *firmware_version(void);

/* The slots, once firmware_start has read them: for who fetches an update. NULL: no bootloader started us. */
struct iot_nor_boot *firmware_boot(void);

/* No new firmware can be fetched while this one has not proved itself. */
bool firmware_on_trial(void);

/* Read which slot runs, and say it. */
void firmware_start(void);

/* The device is connected: nothing better can be asked of a new firmware. */
void firmware_proved(void);

/* Returns ms until it wants to be called again. May restart the board. */
uint32_t firmware_tick(uint32_t now_ms);

#endif
