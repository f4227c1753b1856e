/* SPDX-License-Identifier: Apache-2.0 */
/* What every test includes first: cmocka with what it wants before itself, and a few helpers. */
#ifndef TEST_H
#define TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "iot/iot_base.h"

/* Tests that are left out by name, as what they need is not built in (tests/check/switches.txt; the runner puts the
 * names into TEST_LEFT_OUT). A name that is no test of this program is a mistake in that list, unless several things are
 * left out: then one may not even have been compiled (TEST_LEFT_OUT_OF_MORE). */
#undef cmocka_run_group_tests_name
#define cmocka_run_group_tests_name(group, tests, setup, teardown)                                 \
    test_run(group, tests, COUNT(tests), setup, teardown)
#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    test_run(#tests, tests, COUNT(tests), setup, teardown)

static inline int test_run(const char *group, const struct CMUnitTest *tests, size_t count,
                           CMFixtureFunction setup, CMFixtureFunction teardown)
{
    static struct CMUnitTest kept[256];
    const char *names = getenv("TEST_LEFT_OUT");
    size_t n = 0;

    if (names == NULL || *names == '\0')
        return _cmocka_run_group_tests(group, tests, count, setup, teardown);
    for (size_t i = 0; i < count && n < 256; i++) {
        char word[128];
        snprintf(word, sizeof word, " %s ", tests[i].name);
        if (strstr(names, word) == NULL)
            kept[n++] = tests[i];
        else
            printf("left out: %s\n", tests[i].name);
    }
    size_t listed = 0;
    for (const char *c = names; *c != '\0'; c++)
        listed += *c != ' ' && c[1] == ' ';
    if (n != count - listed && getenv("TEST_LEFT_OUT_OF_MORE") == NULL) {
        printf("TEST_LEFT_OUT has names that are no test of %s:%s\n", group, names);
        return 1;
    }
    return _cmocka_run_group_tests(group, kept, n, setup, teardown);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Slice of a string literal, which may hold NULs; the NUL at its end is not part of it. */
#define BYTES(literal)                                                                             \
    ((struct iot_bytes){(const uint8_t *)(literal), (uint32_t)(sizeof(literal) - 1)})

#if !IOT_FEATURE_ERR_NAMES
static inline const char *iot_err_name(iot_err err)
{
#define TEST_ERR_NAME(name, value, text)                                                           \
    if (err == (value))                                                                            \
        return #name;
    IOT_ERR_LIST(TEST_ERR_NAME)
#undef TEST_ERR_NAME
    return "?";
}
#endif

#define assert_err(got, expected) assert_string_equal(iot_err_name(got), iot_err_name(expected))

#define assert_bytes(got, expected)                                                                \
    do {                                                                                           \
        struct iot_bytes got_ = (got), expected_ = (expected);                                     \
        assert_int_equal(got_.len, expected_.len);                                                 \
        if (got_.len != 0)                                                                         \
            assert_memory_equal(got_.ptr, expected_.ptr, got_.len);                                \
    } while (0)

static inline struct iot_bytes text_bytes(const char *text)
{
    return (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)};
}

/* "82 0a 00" -> bytes; blanks are skipped. Returns how many. */
static inline uint32_t from_hex(const char *hex, uint8_t *into, uint32_t cap)
{
    uint32_t n = 0;

    while (*hex != '\0') {
        char pair[3] = {hex[0], hex[1], '\0'};
        char *end;
        if (*hex == ' ') {
            hex++;
            continue;
        }
        unsigned long value = strtoul(pair, &end, 16);
        if (end != pair + 2 || n == cap)
            fail_msg("bad hex or too much of it: %s", hex);
        into[n++] = (uint8_t)value;
        hex += 2;
    }
    return n;
}

static inline void to_hex(struct iot_bytes in, char *into, size_t cap)
{
    size_t at = 0;

    into[0] = '\0';
    for (uint32_t i = 0; i < in.len && at + 3 < cap; i++)
        at += (size_t)snprintf(into + at, cap - at, "%02x", in.ptr[i]);
}

/* A copy whose end is the end of readable memory: one byte further is a crash, with or without
 * sanitizers. There is one such place per test program; each call overwrites it. */
#define AT_GUARD_MAX (1u << 20)

static inline uint8_t *at_guard(const void *bytes, uint32_t n)
{
    static uint8_t *end;

    if (end == NULL) {
        uint8_t *room = mmap(NULL, AT_GUARD_MAX + 65536, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(room != MAP_FAILED);
        end = room + AT_GUARD_MAX;
        assert_int_equal(mprotect(end, 65536, PROT_NONE), 0);
    }
    if (n > AT_GUARD_MAX)
        fail_msg("at_guard: %u bytes are too many", n);
    if (n != 0 && bytes != NULL)
        memcpy(end - n, bytes, n);
    return end - n;
}

static inline struct iot_bytes guarded(struct iot_bytes in)
{
    return (struct iot_bytes){at_guard(in.ptr, in.len), in.len};
}

/* The seed of a test with chance in it: TEST_SEED, or always the same. Printed, to be replayed. */
static inline uint32_t test_seed(void)
{
    const char *text = getenv("TEST_SEED");
    uint32_t seed = text != NULL ? (uint32_t)strtoul(text, NULL, 0) : 20240607u;

    print_message("TEST_SEED=%u\n", (unsigned)seed);
    return seed != 0 ? seed : 1;
}

/* 0 .. below - 1 */
static inline uint32_t test_random(uint32_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % below;
}

#endif
