/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of chance, from seeds that are right: nothing falls over, nothing is done by half. */
#include "fuzz/thing_one.h"

static const char *const seeds[] = {
    ("\x00{\"id\":\"55\",\"version\":\"1.0\",\"params\":{\"Level\":7,\"Name\":\"a\\u00e9\"},"
     "\"method\":"
     "\"thing.service.property.set\"}"),
    ("\x00{\"id\":1,\"params\":{\"Color\":{\"R\":1,\"G\":2,\"Tag\":\"x\"},\"Points\":[{\"X\":1,"
     "\"Y\":"
     "0.5}],\"Since\":\"1700000000000\"}}"),
    ("\x00{\"id\":1,\"params\":{\"Box\":{\"List\":[{\"X\":1,\"Y\":1e3}],\"Id\":9},\"Numbers\":[1,2]"
     ","
     "\"Words\":[\"a\",\"b\"],\"Exact\":-1.5,\"Mode\":7,\"On\":true,\"Fan\":3}}"),
    "\x01{\"id\":8,\"params\":[\"Level\",\"Fan\",\"Points\"]}",
    "\x02{\"id\":77,\"params\":{\"A\":10,\"B\":20,\"Note\":1}}",
    "\x03{\"id\":77}",
    "\x04{\"id\":9,\"params\":{\"Level\":9},\"method\":\"thing.service.property.set\"}",
    "\x04{\"id\":9,\"params\":{\"A\":1,\"B\":2},\"method\":\"thing.service.Add\"}",
    "\x05raw",
    "\x07{\"code\":200,\"data\":{},\"id\":\"1\"}",
    "\x08{\"id\":1,\"params\":{\"Temp\":21.5}}",
    "\x09{\"id\":1,\"params\":{\"A\":1,\"B\":2}}",
    "\xdfrrpc/request/1/thing/service/Ad{\"id\":1}",
    "\xde/ext/rrpc/1/sys/a1B2c3D4e5F/de{\"id\":1}",
};

static const char *const words[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\",
    "null",
    "true",
    "-1",
    "1e99",
    "\"id\":",
    "\"params\":{",
    "\"Level\":",
    "\"Name\":\"",
    "\"Fan\":",
    "\"value\":",
    "\"main:Level\":1,",
    "[[[[[[[[[[[[[[[[[",
    "2147483648",
    "/",
    "+",
    "#",
    "\xff",
    "\xc3",
};

static uint32_t change(uint8_t *bytes, uint32_t n, uint32_t max, uint32_t *seed)
{
    uint32_t at = test_random(seed, n), len = 1 + test_random(seed, 8);
    const char *word = words[test_random(seed, COUNT(words))];

    switch (test_random(seed, 5)) {
    case 0: /* one byte */
        bytes[at] = (uint8_t)test_random(seed, 256);
        return n;
    case 1: /* some go */
        len = len < n - at ? len : n - at;
        memmove(bytes + at, bytes + at + len, n - at - len);
        return n - len;
    case 2: /* the end goes */
        return at;
    case 3: /* a part again */
        word = NULL;
        len = 1 + test_random(seed, n - at);
        break;
    default:
        len = (uint32_t)strlen(word);
    }
    if (len > max - n)
        return n;
    uint8_t part[4096];
    memcpy(part, word != NULL ? (const uint8_t *)word : bytes + at, len);
    memmove(bytes + at + len, bytes + at, n - at);
    memcpy(bytes + at, part, len);
    return n + len;
}

static void messages_of_chance_do_nothing_by_half(void **state)
{
    static uint8_t bytes[2048];
    uint32_t seed = test_seed();

    (void)state;
    fuzz_sets = fuzz_calls = fuzz_raws = 0;
    for (uint32_t run_ = 0; run_ < 4000; run_++) {
        const char *from = seeds[run_ % COUNT(seeds)];
        uint32_t n = 1 + (uint32_t)strlen(from + 1), changes = test_random(&seed, 6);
        memcpy(bytes, from, n);
        while (changes-- != 0 && n != 0)
            n = change(bytes, n, sizeof bytes, &seed);
        (void)thing_fuzz_one(guarded((struct iot_bytes){bytes, n}).ptr, n);
    }
    print_message("%u sets, %u calls, %u of bytes\n", fuzz_sets, fuzz_calls, fuzz_raws);
    assert_true(fuzz_sets > 100 && fuzz_calls > 100 && fuzz_raws > 100);
}

static void every_beginning_of_a_message_does_nothing_by_half(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT(seeds); i++) {
        uint32_t whole = 1 + (uint32_t)strlen(seeds[i] + 1);
        for (uint32_t n = 0; n <= whole; n++)
            (void)thing_fuzz_one((const uint8_t *)seeds[i], n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_chance_do_nothing_by_half),
        cmocka_unit_test(every_beginning_of_a_message_does_nothing_by_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
