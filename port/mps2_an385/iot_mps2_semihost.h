/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_semihost.h
 * What the emulated board borrows from the machine it runs on: chance, the date, an end. A real board has a generator,
 * a clock with a battery, and no end: these three functions are what you replace first. Without an emulator or a
 * debugger at the other end each is a fault.
 */
#ifndef IOT_MPS2_SEMIHOST_H
#define IOT_MPS2_SEMIHOST_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of the machine's random device. False: there is none. */
bool iot_mps2_semihost_random(void *into, uint32_t n);

/** Seconds since 1970. */
uint32_t iot_mps2_semihost_time(void);

/** The emulator ends with this exit code; for programs that measure or test. */
void iot_mps2_semihost_exit(uint32_t code) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
