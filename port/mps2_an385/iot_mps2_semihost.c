/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_mps2_semihost.h"

/* Semihosting for AArch32 and AArch64, chapter 6. */
enum operation {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_READ = 0x06,
    SYS_TIME = 0x11,
    SYS_EXIT_EXTENDED = 0x20,
};
#define OPEN_BINARY_READ 1u
#define EXIT_APPLICATION 0x20026u

static uint32_t ask(enum operation operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = (uint32_t)operation;
    register const void *r1 __asm__("r1") = arguments;

    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

bool iot_mps2_semihost_random(void *into, uint32_t n)
{
    static const char path[] = "/dev/urandom";
    const uint32_t name[3] = {(uint32_t)(uintptr_t)path, OPEN_BINARY_READ, sizeof path - 1};
    uint32_t handle = ask(SYS_OPEN, name);

    if (handle == UINT32_MAX)
        return false;
    const uint32_t span[3] = {handle, (uint32_t)(uintptr_t)into, n};
    uint32_t missing = ask(SYS_READ, span);
    ask(SYS_CLOSE, &handle);
    return missing == 0;
}

uint32_t iot_mps2_semihost_time(void)
{
    return ask(SYS_TIME, (void *)0);
}

void iot_mps2_semihost_exit(uint32_t code)
{
    const uint32_t how[2] = {EXIT_APPLICATION, code};

    ask(SYS_EXIT_EXTENDED, how);
    for (;;)
        ;
}
