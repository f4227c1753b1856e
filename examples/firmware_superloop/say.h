/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on the UART, without printf. */
#ifndef SAY_H
#define SAY_H

#include "iot/iot_base.h"

void say(const char *text);
void say_number(uint32_t number);
void say_bytes(const void *bytes, uint32_t len);

/* Decimal, NUL at the end. Returns its length. */
uint32_t number_text(uint32_t number, char text[11]);

/* The number that `len` characters are; false: they are none. */
bool text_number(const char *text, uint32_t len, uint32_t *number);

#endif
