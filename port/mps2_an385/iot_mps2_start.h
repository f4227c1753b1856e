/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_start.h
 * From reset to main, and what happens when something breaks.
 */
#ifndef IOT_MPS2_START_H
#define IOT_MPS2_START_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why this boot began: "power", "software" (iot_mps2_restart), "watchdog", "fault", "panic" (a failed assertion),
 *  "pin" (somebody pressed reset). Static. */
const char *iot_mps2_reset_cause(void);

/** Begin anew, as after power. */
void iot_mps2_restart(void) __attribute__((noreturn));

/** For a bootloader: leave everything as after a reset, and start the program whose vector table is there. What it is told
 *  about: why this boot began, and `word`. */
void iot_mps2_jump(const uint32_t *vectors, uint32_t word) __attribute__((noreturn));

/** The word that a bootloader left: the slot that it started, and 1. 0: no bootloader started us. */
uint32_t iot_mps2_boot_word(void);

/** Bytes of the stack that were ever used, and how many there are. */
uint32_t iot_mps2_stack_used(void);
uint32_t iot_mps2_stack_bytes(void);

/** Count from now on. */
void iot_mps2_stack_mark(void);

#ifdef __cplusplus
}
#endif
#endif
