/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_mps2_uart.h"

#include "iot_mps2_board.h"

#include <string.h>

/* Arm DDI 0479, APB UART. */
#define UART_DATA    MPS2_REG(MPS2_UART0 + 0x00u)
#define UART_STATE   MPS2_REG(MPS2_UART0 + 0x04u)
#define UART_CTRL    MPS2_REG(MPS2_UART0 + 0x08u)
#define UART_BAUDDIV MPS2_REG(MPS2_UART0 + 0x10u)

#define STATE_TX_FULL 1u
#define CTRL_TX       1u
#define BAUD          115200u

void iot_mps2_uart_init(void)
{
    UART_BAUDDIV = MPS2_HZ / BAUD;
    UART_CTRL = CTRL_TX;
}

void iot_mps2_uart_write(const char *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        while ((UART_STATE & STATE_TX_FULL) != 0)
            ;
        UART_DATA = (uint8_t)text[i];
    }
}

void iot_mps2_uart_text(const char *text)
{
    iot_mps2_uart_write(text, (uint32_t)strlen(text));
}
