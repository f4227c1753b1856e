/* SPDX-License-Identifier: Apache-2.0 */
#include "heap_trap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

static bool is_on;
static uint32_t calls;

void heap_trap_on(void)
{
    is_on = true;
}

void heap_trap_off(void)
{
    is_on = false;
}

uint32_t heap_trap_calls(void)
{
    return calls;
}

static void note(const char *what, size_t n, void *caller)
{
    calls++;
    if (!is_on)
        return;
    is_on = false;
    fflush(stdout);
    fprintf(stderr, "heap_trap: %s(%zu) while the heap is forbidden, called from\n", what, n);
#ifdef __GLIBC__
    backtrace_symbols_fd(&caller, 1, 2); /* binary(+offset), for addr2line -fe */
#else
    fprintf(stderr, "%p\n", caller);
#endif
    abort();
}

void *__wrap_malloc(size_t n)
{
    note("malloc", n, __builtin_return_address(0));
    return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    note("calloc", count * n, __builtin_return_address(0));
    return __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    note("realloc", n, __builtin_return_address(0));
    return __real_realloc(p, n);
}

void __wrap_free(void *p)
{
    note("free", 0, __builtin_return_address(0));
    __real_free(p);
}
