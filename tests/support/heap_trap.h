/* SPDX-License-Identifier: Apache-2.0 */
/* Shows that the library does not use the heap. Needs the linker's --wrap for malloc, calloc,
 * realloc and free: calls from the objects that are linked go through here, those of libc, cmocka
 * and other shared libraries do not. */
#ifndef HEAP_TRAP_H
#define HEAP_TRAP_H

#include <stdint.h>

/* From on to off each call ends the program with a message. Calls do not nest. */
void heap_trap_on(void);
void heap_trap_off(void);

/* Calls so far, trap on or off. */
uint32_t heap_trap_calls(void);

#endif
