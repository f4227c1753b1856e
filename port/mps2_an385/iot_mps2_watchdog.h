/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_watchdog.h
 * Resets a loop that hangs: after one period it warns (an NMI, see iot_mps2_start.c), after the next it bites.
 */
#ifndef IOT_MPS2_WATCHDOG_H
#define IOT_MPS2_WATCHDOG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `period_ms`: at most 170,000. It cannot be stopped again. */
void iot_mps2_watchdog_start(uint32_t period_ms);

/** All is well. */
void iot_mps2_watchdog_feed(void);

#ifdef __cplusplus
}
#endif
#endif
