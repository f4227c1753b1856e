/* SPDX-License-Identifier: Apache-2.0 */
/* The cipher and the CBOR of the emulated platform, which are its own; by the vectors of section 16.6 and of RFC 8949. */
#include "test.h"

#include "cloud/cloud_aes.h"
#include "cloud/cloud_cbor.h"

#include <stdlib.h>

#define KEY "c853e359416f8dd266817b5c8d131b64"
#define LIT                                                                                        \
    "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},"                            \
    "\"method\":\"thing.event.property.post\"}"
#define LIT_SEALED                                                                                 \
    "5cf501017e9fcf7112e56047a1adca98937e19ff0f5d7e99d284d5db3e78b335a30d811365d2600902718e1369eb" \
    "022c30f72bef97363e6b5e074ae43da58c4ce8e4e80e17ca1afb8ddc84524f8a85440b755d19840ef9ef086be738" \
    "8535276b"

static uint8_t key[16];

static int start(void **state)
{
    (void)state;
    cloud_json_start();
    return from_hex(KEY, key, sizeof key) == 16 ? 0 : -1;
}

static void the_cipher_is_that_of_the_vectors(void **state)
{
    uint8_t out[128], back[128], expected[128];
    size_t len = 0;
    (void)state;
    cloud_aes_encrypt(key, "1", 1, out);
    from_hex("a90ad3e7544a395c31a83d457b6aa4b9", expected, 16);
    assert_memory_equal(out, expected, 16);
    assert_int_equal(strlen(LIT), 90);
    cloud_aes_encrypt(key, LIT, 90, out);
    from_hex(LIT_SEALED, expected, 96);
    assert_memory_equal(out, expected, 96);
    assert_true(cloud_aes_decrypt(key, out, 96, back, &len));
    assert_int_equal(len, 90);
    assert_memory_equal(back, LIT, 90);
}

static void padding_is_checked_and_a_full_block_is_added(void **state)
{
    uint8_t out[64], back[64], other[16] = {0};
    size_t len = 0;
    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        cloud_aes_encrypt(key, "0123456789abcdef0123456789abcdef01234567", n, out);
        assert_true(cloud_aes_decrypt(key, out, CLOUD_AES_BYTES(n), back, &len));
        assert_int_equal(len, n);
        assert_memory_equal(back, "0123456789abcdef0123456789abcdef01234567", n);
    }
    assert_int_equal(CLOUD_AES_BYTES(16), 32);
    assert_false(cloud_aes_decrypt(key, out, 0, back, &len));
    assert_false(cloud_aes_decrypt(key, out, 15, back, &len));
    assert_false(cloud_aes_decrypt(key, out, 16, back, &len)); /* its end is text */
    assert_false(cloud_aes_decrypt(other, out, 48, back, &len));
}

static void cbor_says_what_json_says(void **state)
{
    static const char *const rows[][2] = {
        {"a0", "{}"},
        {"80", "[]"},
        {"83010203", "[1,2,3]"},
        {"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"},
        {"8618181903e81a000f42401b000000e8d4a51000203903e7",
         "[24,1000,1000000,1000000000000,-1,-1000]"},
        {"83f4f5f6", "[false,true,null]"},
        {"8264c3bc623160", "[\"\\u00fcb1\",\"\"]"},
        {"82fa3fc00000fb3ff199999999999a", "[1.5,1.1]"},
        {"821b7fffffffffffffff3b7fffffffffffffff", "[9223372036854775807,-9223372036854775808]"},
    };
    uint8_t bytes[64];
    char why[200];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = from_hex(rows[i][0], bytes, sizeof bytes), len;
        json_t *value = cloud_cbor_read(bytes, n, why, sizeof why);
        if (value == NULL)
            fail_msg("%s: %s", rows[i][0], why);
        json_t *expected = cloud_json_read(rows[i][1], strlen(rows[i][1]), why, sizeof why);
        assert_non_null(expected);
        assert_true(json_equal(value, expected));
        uint8_t *back = cloud_cbor_write(value, &len);
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
        free(back);
        json_decref(value);
        json_decref(expected);
        for (size_t cut = 0; cut < n; cut++)
            assert_null(cloud_cbor_read(bytes, cut, why, sizeof why));
    }
    from_hex("82f93e00f90001", bytes, sizeof bytes); /* half: 1.5, 2^-24 */
    json_t *halves = cloud_cbor_read(bytes, 7, why, sizeof why);
    assert_true(json_real_value(json_array_get(halves, 0)) == 1.5);
    assert_true(json_real_value(json_array_get(halves, 1)) == 1.0 / 16777216);
    json_decref(halves);
}

static void other_cbor_is_refused(void **state)
{
    static const char *const rows[] = {"01",
                                       "6161",
                                       "a000",
                                       "811801",
                                       "81190018",
                                       "811a0000ffff",
                                       "811b00000000ffffffff",
                                       "9f01ff",
                                       "bf616101ff",
                                       "817f6161ff",
                                       "8141aa",
                                       "81c000",
                                       "81f7",
                                       "81f0",
                                       "81f818",
                                       "a10101",
                                       "a2616101616102",
                                       "81f97c00",
                                       "81f97e00",
                                       "81fa7f800000",
                                       "8161ff",
                                       "816100",
                                       "811b8000000000000000",
                                       "81fc",
                                       "813b8000000000000000",
                                       "9a7fffffff",
                                       "ba7fffffff",
                                       "817a7fffffff61",
                                       "81f99c"};
    uint8_t bytes[200];
    char why[200];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = from_hex(rows[i], bytes, sizeof bytes);
        assert_true(n > 0);
        json_t *value = cloud_cbor_read(bytes, n, why, sizeof why);
        if (value != NULL)
            fail_msg("%s was taken", rows[i]);
        assert_non_null(strstr(why, "no CBOR"));
    }
    memset(bytes, 0x81, sizeof bytes); /* an array in an array in an array... */
    bytes[sizeof bytes - 1] = 0x80;
    assert_null(cloud_cbor_read(bytes, sizeof bytes, why, sizeof why));
    assert_non_null(strstr(why, "too deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cipher_is_that_of_the_vectors),
        cmocka_unit_test(padding_is_checked_and_a_full_block_is_added),
        cmocka_unit_test(cbor_says_what_json_says),
        cmocka_unit_test(other_cbor_is_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
