/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_uart.h
 * Text out of UART0, polled: it waits while the line is busy, some 90 us a character at 115200 baud. A product that logs
 * much wants a ring and an interrupt; a report of a fault wants just this.
 */
#ifndef IOT_MPS2_UART_H
#define IOT_MPS2_UART_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void iot_mps2_uart_init(void);

void iot_mps2_uart_write(const char *text, uint32_t len);

/** NUL-terminated. */
void iot_mps2_uart_text(const char *text);

#ifdef __cplusplus
}
#endif
#endif
