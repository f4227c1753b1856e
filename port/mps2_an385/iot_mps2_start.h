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

/** Bytes of the stack that were ever used, and how many there are. */
uint32_t iot_mps2_stack_used(void);
uint32_t iot_mps2_stack_bytes(void);

/** Count from now on. */
void iot_mps2_stack_mark(void);

#ifdef __cplusplus
}
#endif
#endif
