/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marks on the board. QEMU with -icount lets a fixed time pass with each instruction, so that the board's
 * counter of 25 MHz counts instructions: bench.sh chooses that time and knows the factor. A line on the UART is
 * "NAME TICKS".
 *
 * SysTick is stopped at the first mark: its interrupt would fall into a span now and then.
 */
#include "mark.h"

#include "mps2_an385/iot_mps2_board.h"
#include "mps2_an385/iot_mps2_semihost.h"
#include "mps2_an385/iot_mps2_uart.h"

#include <stdarg.h>

/* FPGA system I/O of the MPS2: a register that counts cycles without end. */
#define COUNTER MPS2_REG(MPS2_FPGAIO + 0x18u)

static uint32_t began, ended;

void mark_begin(void)
{
    CPU_SYST_CSR = 0;
    began = COUNTER;
}

void mark_end(void)
{
    ended = COUNTER;
}

static void put_number(uint32_t number)
{
    char digits[10];
    uint32_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    iot_mps2_uart_write(digits + at, (uint32_t)sizeof digits - at);
}

void mark_name(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (; *format != '\0'; format++) {
        if (*format != '%')
            iot_mps2_uart_write(format, 1);
        else if (*++format == 's')
            iot_mps2_uart_text(va_arg(args, const char *));
        else if (*format == 'u')
            put_number(va_arg(args, unsigned));
        else
            mark_fail("a name is made of %s and %u");
    }
    va_end(args);
    iot_mps2_uart_text(" ");
    put_number(ended - began);
    iot_mps2_uart_text("\n");
}

void mark_fail(const char *why)
{
    iot_mps2_uart_text("bench: ");
    iot_mps2_uart_text(why);
    iot_mps2_uart_text("\n");
    iot_mps2_semihost_exit(2);
}

void mark_over(void)
{
    iot_mps2_semihost_exit(0);
}
