/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal numbers. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* With a NUL at the end. Returns its length. */
uint32_t number_text(uint32_t number, char text[11]);

/* The number that `len` characters are; false: they are none. */
bool text_number(const char *text, uint32_t len, uint32_t *number);

#endif
