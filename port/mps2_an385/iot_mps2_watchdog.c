/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_mps2_watchdog.h"

#include "iot_mps2_board.h"

/* Arm DDI 0479, APB watchdog. */
#define WDOG_LOAD    MPS2_REG(MPS2_WATCHDOG + 0x000u)
#define WDOG_CONTROL MPS2_REG(MPS2_WATCHDOG + 0x008u)
#define WDOG_INTCLR  MPS2_REG(MPS2_WATCHDOG + 0x00cu)
#define WDOG_LOCK    MPS2_REG(MPS2_WATCHDOG + 0xc00u)

#define CONTROL_INTERRUPT 1u
#define CONTROL_RESET     2u
#define LOCK_OPEN         0x1acce551u

void iot_mps2_watchdog_start(uint32_t period_ms)
{
    WDOG_LOCK = LOCK_OPEN;
    WDOG_LOAD = period_ms * (MPS2_HZ / 1000u);
    WDOG_CONTROL = CONTROL_INTERRUPT | CONTROL_RESET;
    WDOG_LOCK = 0; /* a program gone wild does not stop it by chance */
}

void iot_mps2_watchdog_feed(void)
{
    WDOG_LOCK = LOCK_OPEN;
    WDOG_INTCLR = 1; /* begins its period anew */
    WDOG_LOCK = 0;
}
