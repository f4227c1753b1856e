/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_board.h
 * Which board, and where its parts are: Arm's MPS2 with a Cortex-M3 (AN385), -M4 (AN386) or -M7 (AN500). What a
 * vendor's CMSIS header gives elsewhere; only what this port touches.
 */
#ifndef IOT_MPS2_BOARD_H
#define IOT_MPS2_BOARD_H

#include <stdint.h>

/** 385, 386 or 500; from the compiler's command line. */
#ifndef IOT_MPS2_BOARD
#define IOT_MPS2_BOARD 385
#endif

#if IOT_MPS2_BOARD == 385 || IOT_MPS2_BOARD == 386
#define MPS2_ETHERNET 0x40200000u
#define MPS2_PSRAM    0x21000000u
#elif IOT_MPS2_BOARD == 500
#define MPS2_ETHERNET 0xA0000000u
#define MPS2_PSRAM    0x60000000u
#else
#error "IOT_MPS2_BOARD: choose 385 (Cortex-M3), 386 (-M4) or 500 (-M7)"
#endif

#if IOT_MPS2_BOARD == 385
#define MPS2_NAME "mps2-an385"
#elif IOT_MPS2_BOARD == 386
#define MPS2_NAME "mps2-an386"
#else
#define MPS2_NAME "mps2-an500"
#endif

/** Clock of the processor, SysTick, timers and watchdog. */
#define MPS2_HZ 25000000u

#define MPS2_TIMER0   0x40000000u
#define MPS2_UART0    0x40004000u
#define MPS2_WATCHDOG 0x40008000u
#define MPS2_FPGAIO   0x40028000u

/** Interrupt numbers, as the NVIC counts. */
#define MPS2_TIMER0_IRQ   8u
#define MPS2_ETHERNET_IRQ 13u
#define MPS2_IRQ_COUNT    32u

/** A register. */
#define MPS2_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* The processor's own, same on all three (Armv7-M Architecture Reference Manual, B3). */
#define CPU_SYST_CSR  MPS2_REG(0xE000E010u)
#define CPU_SYST_RVR  MPS2_REG(0xE000E014u)
#define CPU_SYST_CVR  MPS2_REG(0xE000E018u)
#define CPU_NVIC_ISER MPS2_REG(0xE000E100u)
#define CPU_NVIC_ICER MPS2_REG(0xE000E180u)
#define CPU_NVIC_ICPR MPS2_REG(0xE000E280u)
#define CPU_SCB_ICSR  MPS2_REG(0xE000ED04u)
#define CPU_SCB_VTOR  MPS2_REG(0xE000ED08u)
#define CPU_SCB_AIRCR MPS2_REG(0xE000ED0Cu)
#define CPU_SCB_CCR   MPS2_REG(0xE000ED14u)
#define CPU_SCB_SHCSR MPS2_REG(0xE000ED24u)
#define CPU_SCB_CFSR  MPS2_REG(0xE000ED28u)
#define CPU_SCB_HFSR  MPS2_REG(0xE000ED2Cu)
#define CPU_SCB_MMFAR MPS2_REG(0xE000ED34u)
#define CPU_SCB_BFAR  MPS2_REG(0xE000ED38u)
#define CPU_MPU_CTRL  MPS2_REG(0xE000ED94u)
#define CPU_MPU_RNR   MPS2_REG(0xE000ED98u)
#define CPU_MPU_RBAR  MPS2_REG(0xE000ED9Cu)
#define CPU_MPU_RASR  MPS2_REG(0xE000EDA0u)
#define CPU_SCB_CPACR MPS2_REG(0xE000ED88u)

/** Interrupts off, and on again as they were. */
static inline uint32_t cpu_irq_save(void)
{
    uint32_t mask;

    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(mask)::"memory");
    return mask;
}

static inline void cpu_irq_restore(uint32_t mask)
{
    __asm__ volatile("msr primask, %0" ::"r"(mask) : "memory");
}

/** What was written before is seen by everybody before what comes after. */
static inline void cpu_barrier(void)
{
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

static inline void cpu_wait_for_interrupt(void)
{
    __asm__ volatile("dsb\n\twfi\n\tisb" ::: "memory");
}

#endif
