/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_mps2_clock.h"

#include "iot_mps2_board.h"
#include "lwip/sys.h"

#include <stdbool.h>

#define CYCLES_PER_MS (MPS2_HZ / 1000u)

/* SysTick has 24 bits: it is let run for a whole number of milliseconds, as many as fit. */
#define WRAP_MS     671u
#define WRAP_CYCLES (WRAP_MS * CYCLES_PER_MS)

#define ICSR_SYSTICK_PENDING (1u << 26)

/* Arm DDI 0479, APB timer. */
#define TIMER_CTRL     MPS2_REG(MPS2_TIMER0 + 0x00u)
#define TIMER_VALUE    MPS2_REG(MPS2_TIMER0 + 0x04u)
#define TIMER_RELOAD   MPS2_REG(MPS2_TIMER0 + 0x08u)
#define TIMER_INTCLEAR MPS2_REG(MPS2_TIMER0 + 0x0cu)

#define TIMER_ON        (1u << 0)
#define TIMER_INTERRUPT (1u << 3)

#define SLEEP_MAX_MS 60000u

static volatile uint32_t wraps;
static volatile bool woken;

/* Between two periods it stands at 0 for a cycle; emulated, as long as the emulator is busy elsewhere. Read as a moment that
 * would be the end of a period, not its beginning: time would leap ahead and back again. */
static void await_reload(void)
{
    while (CPU_SYST_CVR == 0)
        ;
}

void iot_mps2_clock_init(void)
{
    CPU_SYST_RVR = WRAP_CYCLES - 1;
    CPU_SYST_CVR = 0;
    CPU_SYST_CSR = 7; /* the processor's clock, interrupt, on */
    await_reload();
    CPU_NVIC_ISER = 1u << MPS2_TIMER0_IRQ;
}

void iot_mps2_clock_on_wrap(void)
{
    wraps++;
    await_reload();
}

/* Wraps and the cycles since the last one, as they belong together. */
static uint32_t read_clock(uint32_t *since_wrap)
{
    uint32_t mask = cpu_irq_save();
    uint32_t left = CPU_SYST_CVR, count = wraps;

    if ((CPU_SCB_ICSR & ICSR_SYSTICK_PENDING) != 0) { /* wrapped, and nobody counted it yet */
        await_reload();
        left = CPU_SYST_CVR;
        count++;
    }
    cpu_irq_restore(mask);
    *since_wrap = WRAP_CYCLES - 1 - left;
    return count;
}

uint64_t iot_mps2_cycles(void)
{
    uint32_t since, count = read_clock(&since);

    return (uint64_t)count * WRAP_CYCLES + since;
}

uint32_t iot_mps2_ms(void)
{
    uint32_t since, count = read_clock(&since);

    return count * WRAP_MS + since / CYCLES_PER_MS;
}

u32_t sys_now(void)
{
    return iot_mps2_ms();
}

void iot_mps2_wake(void)
{
    woken = true;
}

void iot_mps2_clock_on_alarm(void)
{
    TIMER_CTRL = 0;
    TIMER_INTCLEAR = 1;
    woken = true;
}

static void set_alarm(uint32_t ms)
{
    uint32_t cycles = (ms < SLEEP_MAX_MS ? ms : SLEEP_MAX_MS) * CYCLES_PER_MS;

    TIMER_CTRL = 0;
    TIMER_RELOAD = cycles;
    TIMER_VALUE = cycles;
    TIMER_CTRL = TIMER_ON | TIMER_INTERRUPT;
}

void iot_mps2_sleep(uint32_t ms)
{
    if (ms == 0)
        return;
    set_alarm(ms);
    /* With interrupts off, one that comes between the test and WFI is not served, but ends WFI all the same. It is
     * served when they are on again for a moment; the wrap of the clock is one that does not wake us. */
    uint32_t mask = cpu_irq_save();
    while (!woken) {
        cpu_wait_for_interrupt();
        cpu_irq_restore(mask);
        cpu_barrier();
        mask = cpu_irq_save();
    }
    woken = false;
    cpu_irq_restore(mask);
    TIMER_CTRL = 0;
    TIMER_INTCLEAR = 1;
    CPU_NVIC_ICPR = 1u << MPS2_TIMER0_IRQ;
}
