/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector table, reset, faults, watchdog's warning, restart. The only file that has to know the linker script.
 *
 * A fault is reported on the UART in words, remembered for the next boot, and ends in a reset: nobody may be there
 * to read it.
 */
#include "iot_mps2_start.h"

#include "iot/iot_port.h"
#include "iot_mps2_board.h"
#include "iot_mps2_clock.h"
#include "iot_mps2_netif.h"
#include "iot_mps2_uart.h"

#define GUARD_BYTES_LOG2 10u
#define BELOW_BYTES_LOG2 20u
#define LAST_WORDS       2000u /* turns: two characters at 115200 baud */
#define PAINT            0x57ac57acu
#define MAGIC            0x1e55e4a1u

extern uint32_t _guard_begin[], _stack_begin[], _stack_end[], _fault_stack_end[];
extern uint32_t _data_begin[], _data_end[], _bss_begin[], _bss_end[];
extern const uint32_t _data_load[];
int main(void);

/* Survives a reset, not a power cut. */
enum cause { CAUSE_PIN, CAUSE_SOFTWARE, CAUSE_WATCHDOG, CAUSE_FAULT, CAUSE_PANIC, CAUSE_POWER };
static struct {
    uint32_t magic;
    uint32_t cause; /* of the next reset */
    uint32_t word;  /* from a bootloader to the program that it starts */
} lasting __attribute__((section(".noinit")));
static uint32_t cause_of_boot, boot_word;

/* ---- reset ----------------------------------------------------------------------------------- */

/* No code, no access. */
static void forbid(uint32_t region, uint32_t begin, uint32_t bytes_log2)
{
    CPU_MPU_RNR = region;
    CPU_MPU_RBAR = begin;
    CPU_MPU_RASR = (1u << 28) | ((bytes_log2 - 1) << 1) | 1u;
}

/* The guard ends a stack that grows little by little; what is below RAM ends one that grows by more than the guard at
 * once: some boards answer there. */
static void watch_memory(void)
{
    uint32_t guard = (uint32_t)(uintptr_t)_guard_begin;

    forbid(0, guard, GUARD_BYTES_LOG2);
    forbid(1, guard - (1u << BELOW_BYTES_LOG2), BELOW_BYTES_LOG2);
    CPU_MPU_CTRL = (1u << 2) | 1u;                         /* the rest as without it */
    CPU_SCB_SHCSR |= (1u << 16) | (1u << 17) | (1u << 18); /* faults under their names */
    CPU_SCB_CCR |= 1u << 4;                                /* division by zero is one */
    cpu_barrier();
}

static void read_lasting(void)
{
    bool kept = lasting.magic == MAGIC;

    cause_of_boot = kept ? lasting.cause : CAUSE_POWER;
    boot_word = kept ? lasting.word : 0;
    lasting.magic = MAGIC;
    lasting.cause = CAUSE_PIN;
    lasting.word = 0;
}

static void copy(uint32_t *to, const uint32_t *end, const uint32_t *from)
{
    while (to < end)
        *to++ = *from++;
}

static void fill(volatile uint32_t *to, const volatile uint32_t *end, uint32_t word)
{
    while (to < end)
        *to++ = word;
}

/* Not what is in use right now. */
void iot_mps2_stack_mark(void)
{
    fill(_stack_begin, (uint32_t *)__builtin_frame_address(0) - 16, PAINT);
}

/* The start of everything: no variable has its value yet. */
void iot_mps2_reset(void);
void iot_mps2_reset(void)
{
    copy(_data_begin, _data_end, _data_load);
    fill(_bss_begin, _bss_end, 0);
#if defined(__ARM_FP)
    CPU_SCB_CPACR |= 0xfu << 20; /* this compiler uses the floating-point registers */
    cpu_barrier();
#endif
    watch_memory();
    iot_mps2_stack_mark();
    read_lasting();
    iot_mps2_uart_init();
    iot_mps2_clock_init();
    main();
    iot_mps2_restart();
}

const char *iot_mps2_reset_cause(void)
{
    static const char *const names[] = {"pin", "software", "watchdog", "fault", "panic", "power"};

    return names[cause_of_boot <= CAUSE_POWER ? cause_of_boot : CAUSE_PIN];
}

uint32_t iot_mps2_boot_word(void)
{
    return boot_word;
}

void iot_mps2_jump(const uint32_t *vectors, uint32_t word)
{
    (void)cpu_irq_save();
    CPU_SYST_CSR = 0;
    CPU_SCB_ICSR = 1u << 25; /* SysTick is not pending either */
    CPU_NVIC_ICER = UINT32_MAX;
    CPU_NVIC_ICPR = UINT32_MAX;
    CPU_MPU_CTRL = 0;
    lasting.cause = cause_of_boot;
    lasting.word = word;
    CPU_SCB_VTOR = (uint32_t)(uintptr_t)vectors;
    cpu_barrier();
    /* Its stack may be where ours is: nothing of ours is touched from here on. */
    __asm__ volatile("msr msp, %0\n\tisb\n\tcpsie i\n\tbx %1" ::"r"(vectors[0]), "r"(vectors[1])
                     : "memory");
    __builtin_unreachable();
}

static void reset(enum cause cause) __attribute__((noreturn));
static void reset(enum cause cause)
{
    lasting.cause = (uint32_t)cause;
    for (volatile uint32_t i = 0; i < LAST_WORDS; i++) /* until the UART has said all */
        ;
    cpu_barrier();
    CPU_SCB_AIRCR = 0x05fa0004u;
    cpu_barrier();
    for (;;)
        ;
}

void iot_mps2_restart(void)
{
    reset(CAUSE_SOFTWARE);
}

uint32_t iot_mps2_stack_bytes(void)
{
    return (uint32_t)((uintptr_t)_stack_end - (uintptr_t)_stack_begin);
}

uint32_t iot_mps2_stack_used(void)
{
    uint32_t words = iot_mps2_stack_bytes() / 4, unused = 0;

    while (unused < words && *(volatile uint32_t *)(_stack_begin + unused) == PAINT)
        unused++;
    return 4 * (words - unused);
}

/* ---- when something breaks --------------------------------------------------------------------- */

static void say_hex(const char *name, uint32_t value)
{
    char digits[9];

    for (int i = 0; i < 8; i++)
        digits[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
    digits[8] = '\0';
    iot_mps2_uart_text(name);
    iot_mps2_uart_text(digits);
}

/* Which bit of CFSR means what (Armv7-M B3.2.15). The first that is set is the reason. */
static const struct {
    uint32_t bit;
    const char *text;
} reasons[] = {
    {1u << 4, "stack overflow"}, /* or at least: no access where the stack went */
    {1u << 0, "jump to forbidden memory"},
    {1u << 1, "access to forbidden memory"},
    {1u << 12, "stack in no memory"},
    {1u << 8, "jump to where no memory is"},
    {1u << 9, "access to where no memory is"},
    {1u << 10, "write to where no memory is"},
    {1u << 16, "undefined instruction"},
    {1u << 17, "jump to an even address"},
    {1u << 18, "bad return from an exception"},
    {1u << 19, "no coprocessor"},
    {1u << 24, "unaligned access"},
    {1u << 25, "division by zero"},
};

static bool in_stack(const uint32_t *frame)
{
    uintptr_t at = (uintptr_t)frame;

    return at >= (uintptr_t)_stack_begin && at + 32 <= (uintptr_t)_stack_end;
}

static void say_place(const uint32_t *frame)
{
    if (!in_stack(frame)) {
        say_hex("stack pointer ", (uint32_t)(uintptr_t)frame);
        return;
    }
    say_hex("at ", frame[6]);
    say_hex(", called from ", frame[5]);
    say_hex(", r0 ", frame[0]);
}

/* `frame`: what the processor saved, if its stack was good: r0-r3, r12, lr, pc, xpsr. */
void iot_mps2_report(const uint32_t *frame);
void iot_mps2_report(const uint32_t *frame)
{
    uint32_t cfsr = CPU_SCB_CFSR;
    const char *reason = "hard fault";

    for (uint32_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if ((cfsr & reasons[i].bit) != 0) {
            reason = reasons[i].text;
            break;
        }
    }
    if ((uintptr_t)frame < (uintptr_t)_stack_begin)
        reason = "stack overflow";
    iot_mps2_uart_text("\nfault: ");
    iot_mps2_uart_text(reason);
    if ((cfsr & (1u << 7)) != 0)
        say_hex(", address ", CPU_SCB_MMFAR);
    if ((cfsr & (1u << 15)) != 0)
        say_hex(", address ", CPU_SCB_BFAR);
    iot_mps2_uart_text("\nfault: ");
    say_place(frame);
    say_hex(", cfsr ", cfsr);
    say_hex(", hfsr ", CPU_SCB_HFSR);
    iot_mps2_uart_text("\n");
    reset(CAUSE_FAULT);
}

/* The stack may be what broke: report from another one. */
__attribute__((naked)) static void on_fault(void)
{
    __asm__ volatile("mrs r0, msp\n\t"
                     "ldr r1, =_fault_stack_end\n\t"
                     "msr msp, r1\n\t"
                     "b iot_mps2_report");
}

/* The watchdog's first expiry: it says where the loop hangs, and its second one resets. A restart from here would
 * do as well; waiting shows that the watchdog works without us. */
void iot_mps2_warn(const uint32_t *frame);
void iot_mps2_warn(const uint32_t *frame)
{
    iot_mps2_uart_text("\nfault: watchdog, ");
    say_place(frame);
    iot_mps2_uart_text("\n");
    lasting.cause = CAUSE_WATCHDOG;
    for (;;)
        ;
}

__attribute__((naked)) static void on_nmi(void)
{
    __asm__ volatile("mrs r0, msp\n\t"
                     "ldr r1, =_fault_stack_end\n\t"
                     "msr msp, r1\n\t"
                     "b iot_mps2_warn");
}

static void on_unexpected(void)
{
    iot_mps2_uart_text("\nfault: interrupt without a handler\n");
    reset(CAUSE_FAULT);
}

void iot_assert_failed(const char *file, int line)
{
    char digits[11] = "";
    uint32_t at = sizeof digits - 1, left = (uint32_t)line;

    do
        digits[--at] = (char)('0' + left % 10);
    while ((left /= 10) != 0 && at > 0);
    iot_mps2_uart_text("\npanic: assertion failed: ");
    iot_mps2_uart_text(file);
    iot_mps2_uart_text(":");
    iot_mps2_uart_text(digits + at);
    iot_mps2_uart_text("\n");
    reset(CAUSE_PANIC);
}

/* ---- the table --------------------------------------------------------------------------------- */

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler system[15];
    handler irq[MPS2_IRQ_COUNT];
} vectors = {
    .stack = _stack_end,
    .system =
        {
            iot_mps2_reset, on_nmi, on_fault, on_fault, on_fault, on_fault, /* ... usage fault */
            on_unexpected, on_unexpected, on_unexpected, on_unexpected,     /* reserved */
            on_unexpected, on_unexpected, on_unexpected, on_unexpected, /* SVC, debug, -, PendSV */
            iot_mps2_clock_on_wrap,                                     /* SysTick */
        },
    /* The others are never enabled. */
    .irq = {[MPS2_TIMER0_IRQ] = iot_mps2_clock_on_alarm,
            [MPS2_ETHERNET_IRQ] = iot_mps2_netif_on_interrupt},
};
