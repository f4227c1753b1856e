/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on the UART, without printf. */
#ifndef SAY_H
#define SAY_H

#include <stdint.h>

void say(const char *text);
void say_number(uint32_t number);
void say_bytes(const void *bytes, uint32_t len);

#endif
