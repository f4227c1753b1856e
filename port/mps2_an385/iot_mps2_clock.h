/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_clock.h
 * Time and sleep. SysTick runs through, so that time has no drift however long the processor slept; a timer is
 * the alarm clock.
 */
#ifndef IOT_MPS2_CLOCK_H
#define IOT_MPS2_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void iot_mps2_clock_init(void);

/** Cycles of 40 ns since the start. Any context. */
uint64_t iot_mps2_cycles(void);

/** Milliseconds since the start; wraps after 49 days. Also lwIP's sys_now. Any context. */
uint32_t iot_mps2_ms(void);

/**
 * Sleep until an interrupt calls iot_mps2_wake, at most `ms` (at most 60 s of them). Returns at once when that happened
 * since the last sleep: test what there is to do, then call this, and nothing is overslept.
 *
 * Not from an interrupt.
 */
void iot_mps2_sleep(uint32_t ms);

/** There is something to do. From interrupts. */
void iot_mps2_wake(void);

/** Interrupt handlers, for the vector table. */
void iot_mps2_clock_on_wrap(void);
void iot_mps2_clock_on_alarm(void);

#ifdef __cplusplus
}
#endif
#endif
