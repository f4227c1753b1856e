/* SPDX-License-Identifier: Apache-2.0 */
/* The memory functions that both sides are measured with. libc's choose their code by this
 * machine's processor, so that counts would differ from machine to machine and say little about a
 * small one. These take a word at a time: half an instruction per byte, about what newlib's need
 * on a Cortex-M3. Built without the compiler's knowledge of their names (see bench.mk). */
#include <stddef.h>
#include <stdint.h>

#define WORD sizeof(uint64_t)

static inline uint64_t load(const uint8_t *p)
{
    uint64_t word;
    __builtin_memcpy(&word, p, WORD);
    return word;
}

static inline void store(uint8_t *p, uint64_t word)
{
    __builtin_memcpy(p, &word, WORD);
}

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    for (; n >= WORD; n -= WORD, t += WORD, f += WORD)
        store(t, load(f));
    for (; n != 0; n--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if (t <= f) {
        for (; n >= WORD; n -= WORD, t += WORD, f += WORD)
            store(t, load(f));
        for (; n != 0; n--)
            *t++ = *f++;
        return to;
    }
    for (; n >= WORD; n -= WORD)
        store(t + n - WORD, load(f + n - WORD));
    while (n-- != 0)
        t[n] = f[n];
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *t = to;
    uint64_t word = (uint8_t)value * UINT64_C(0x0101010101010101);

    for (; n >= WORD; n -= WORD, t += WORD)
        store(t, word);
    for (; n != 0; n--)
        *t++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (; n != 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

/* A word is read whole only at a whole address, so that nothing beyond the text's page is touched. */
size_t strlen(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    uint64_t ones = UINT64_C(0x0101010101010101);

    for (; (uintptr_t)p % WORD != 0; p++)
        if (*p == 0)
            return (size_t)(p - (const uint8_t *)text);
    while (((load(p) - ones) & ~load(p) & ones << 7) == 0)
        p += WORD;
    while (*p != 0)
        p++;
    return (size_t)(p - (const uint8_t *)text);
}
