/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "crypto/iot_crypto_aes.h"
#include "heap_trap.h"

#define PAGE 4096u

static uint8_t room[PAGE];

static uint32_t encrypt(const char *key, const char *iv, const char *plain_hex)
{
    uint8_t k[16], v[16];
    uint32_t len = from_hex(plain_hex, room, sizeof room), out;

    assert_int_equal(from_hex(key, k, 16), 16);
    assert_int_equal(from_hex(iv, v, 16), 16);
    heap_trap_on();
    out = iot_aes_encrypt(k, v, room, len);
    heap_trap_off();
    return out;
}

static bool decrypt(const char *key, const char *iv, const char *hex, uint32_t *len)
{
    uint8_t k[16], v[16];
    uint32_t n = from_hex(hex, room, sizeof room);
    bool ok;

    (void)from_hex(key, k, 16), (void)from_hex(iv, v, 16);
    uint8_t *at = at_guard(room, n);
    heap_trap_on();
    ok = iot_aes_decrypt(k, v, at, n, len);
    heap_trap_off();
    memcpy(room, at, n);
    return ok;
}

/* NIST SP 800-38A F.2.1: four blocks, behind which one of padding comes. */
#define NIST_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define NIST_IV  "000102030405060708090a0b0c0d0e0f"
static const char nist_plain[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                                 "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const char nist_cipher[] =
    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7";

static void the_standard_has_an_example(void **state)
{
    char text[256];
    uint32_t len;
    (void)state;
    assert_int_equal(encrypt(NIST_KEY, NIST_IV, nist_plain), 80);
    to_hex((struct iot_bytes){room, 64}, text, sizeof text);
    assert_string_equal(text, nist_cipher);
    to_hex((struct iot_bytes){room, 80}, text, sizeof text);
    assert_true(decrypt(NIST_KEY, NIST_IV, text, &len));
    assert_int_equal(len, 64);
    to_hex((struct iot_bytes){room, 64}, text, sizeof text);
    assert_string_equal(text, nist_plain);
    assert_false(decrypt(NIST_KEY, NIST_IV, nist_cipher, &len)); /* which has no padding */
}

/* Of the platform's symmetric mode. */
#define KEY "c853e359416f8dd266817b5c8d131b64"
#define IV  "35343379686a79393761653766796667" /* 543yhjy97ae7fyfg */

static void the_platform_has_others(void **state)
{
    static const char payload[] =
        "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},"
        "\"method\":\"thing.event.property.post\"}";
    char text[256];
    uint32_t len;
    (void)state;
    assert_int_equal(encrypt(KEY, IV, "31"), 16);
    to_hex((struct iot_bytes){room, 16}, text, sizeof text);
    assert_string_equal(text, "a90ad3e7544a395c31a83d457b6aa4b9");
    to_hex(text_bytes(payload), text, sizeof text);
    assert_int_equal(encrypt(KEY, IV, text), 96);
    to_hex((struct iot_bytes){room, 96}, text, sizeof text);
    assert_string_equal(text, "5cf501017e9fcf7112e56047a1adca98937e19ff0f5d7e99d284d5db3e78b335"
                              "a30d811365d2600902718e1369eb022c30f72bef97363e6b5e074ae43da58c4c"
                              "e8e4e80e17ca1afb8ddc84524f8a85440b755d19840ef9ef086be7388535276b");
    assert_true(decrypt(KEY, IV, text, &len));
    assert_bytes(((struct iot_bytes){room, len}), text_bytes(payload));
}

static void every_length_comes_back(void **state)
{
    static const uint8_t key[16] = {1, 2, 3}, iv[16] = {4, 5, 6};
    uint8_t bytes[130];
    (void)state;
    for (uint32_t len = 0; len <= 100; len++) {
        uint32_t padded = (len / 16 + 1) * 16, plain = 999;
        for (uint32_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(i * 37);
        uint8_t *at = at_guard(bytes, padded);
        assert_int_equal(iot_aes_encrypt(key, iv, at, len), padded);
        assert_true(len < 4 || memcmp(at, bytes, len) != 0);
        assert_true(iot_aes_decrypt(key, iv, at, padded, &plain));
        assert_int_equal(plain, len);
        assert_memory_equal(at, bytes, len);
    }
}

static void what_is_no_number_of_blocks_is_refused(void **state)
{
    char hex[97];
    uint32_t len;
    (void)state;
    memset(hex, '5', 96);
    for (int n = 0; n <= 96; n += 2) {
        hex[n] = '\0';
        if (n % 32 != 0 || n == 0)
            assert_false(decrypt(KEY, IV, hex, &len));
        hex[n] = '5';
    }
}

/* Blocks that decrypt to any end: made by encrypting that, and taking the padding's own block off. */
static void padding_is_looked_at_whole(void **state)
{
    uint32_t good = 0, len;
    char text[128];
    (void)state;
    for (uint32_t pad = 0; pad <= 18; pad++) {
        for (uint32_t wrong = 0; wrong <= 16;
             wrong++) { /* the byte so far from the end is another; 0: none */
            uint8_t block[16];
            memset(block, 0x77, sizeof block);
            for (uint32_t i = 1; i <= 16 && i <= pad; i++)
                block[16 - i] = (uint8_t)pad;
            block[15] = (uint8_t)pad;
            if (wrong > 1)
                block[16 - wrong] ^= 0x40;
            to_hex((struct iot_bytes){block, 16}, text, sizeof text);
            assert_int_equal(encrypt(KEY, IV, text), 32);
            to_hex((struct iot_bytes){room, 16}, text, sizeof text);
            bool want = pad >= 1 && pad <= 16 && (wrong < 2 || wrong > pad);
            assert_int_equal(decrypt(KEY, IV, text, &len), want);
            if (want)
                assert_int_equal(len, 16 - pad);
            good += want;
        }
    }
    assert_true(good > 100);
}

static void another_key_or_a_bit_that_was_hit(void **state)
{
    uint32_t len, taken = 0;
    char text[64];
    (void)state;
    assert_int_equal(encrypt(KEY, IV, "00112233"), 16);
    to_hex((struct iot_bytes){room, 16}, text, sizeof text);
    for (int i = 0; i < 16; i++) {
        char key[33] = KEY;
        key[2 * i] = key[2 * i] == '1' ? '2' : '1';
        taken += decrypt(key, IV, text, &len);
    }
    assert_true(taken <= 1); /* nothing else tells */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard_has_an_example),
        cmocka_unit_test(the_platform_has_others),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(what_is_no_number_of_blocks_is_refused),
        cmocka_unit_test(padding_is_looked_at_whole),
        cmocka_unit_test(another_key_or_a_bit_that_was_hit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
