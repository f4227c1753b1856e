/* SPDX-License-Identifier: Apache-2.0 */
#include "say.h"

#include "mps2_an385/iot_mps2_uart.h"
#include "number.h"

void say(const char *text)
{
    iot_mps2_uart_text(text);
}

void say_bytes(const void *bytes, uint32_t len)
{
    iot_mps2_uart_write(bytes, len);
}

void say_number(uint32_t number)
{
    char text[11];

    say_bytes(text, number_text(number, text));
}
