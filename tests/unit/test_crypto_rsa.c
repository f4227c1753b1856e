/* SPDX-License-Identifier: Apache-2.0 */
/* The public operation of mbedTLS's RSA as this build has it: with exponents that are used, and with no others.
 * The modulus is 2^3072 - 1, so that powers of two are known: 2^e is 2^(e mod 3072). */
#include "test.h"

#include "crypto/iot_crypto_arena.h"
#include "crypto/iot_crypto_rsa.h"

#include <mbedtls/rsa.h>

#define BITS      3072u
#define BYTES_MAX (BITS / 8)

static uint8_t memory[32768] __attribute__((aligned(8)));

/* 2^e; `exponent` as bytes, the highest first. */
static int power_of_two(const uint8_t *exponent, uint32_t len, uint8_t out[BYTES_MAX])
{
    static uint8_t modulus[BYTES_MAX], two[BYTES_MAX];
    struct iot_arena arena;
    mbedtls_rsa_context rsa;

    memset(modulus, 0xff, sizeof modulus);
    two[sizeof two - 1] = 2;
    assert_true(iot_arena_init(&arena, memory, sizeof memory));
    iot_arena_enter(&arena);
    mbedtls_rsa_init(&rsa);
    assert_int_equal(mbedtls_rsa_import_raw(&rsa, modulus, sizeof modulus, NULL, 0, NULL, 0, NULL,
                                            0, exponent, len),
                     0);
    int ret = mbedtls_rsa_public(&rsa, two, out);
    mbedtls_rsa_free(&rsa);
    assert_int_equal(arena.blocks, 0);
    iot_arena_enter(NULL);
    return ret;
}

static void exponents_up_to_32_bits_are_computed_with(void **state)
{
    static const uint32_t exponents[] = {3, 17, 65537, 0x80000001u, UINT32_MAX};
    uint8_t out[BYTES_MAX], want[BYTES_MAX];
    (void)state;
    for (uint32_t i = 0; i < COUNT(exponents); i++) {
        uint32_t e = exponents[i], bit = e % BITS;
        const uint8_t bytes[] = {(uint8_t)(e >> 24), (uint8_t)(e >> 16), (uint8_t)(e >> 8),
                                 (uint8_t)e};
        memset(want, 0, sizeof want);
        want[BYTES_MAX - 1 - bit / 8] = (uint8_t)(1u << bit % 8);
        assert_int_equal(power_of_two(bytes, sizeof bytes, out), 0);
        assert_memory_equal(out, want, sizeof want);
    }
}

/* Were it computed, it would be 2^e: that nothing is says that rsa.c comes by iot_mpi_exp_mod_public. */
static void longer_exponents_are_refused(void **state)
{
    static const uint32_t bits[] = {33, 64, 256, 2048, BITS - 2};
    uint8_t exponent[BYTES_MAX], out[BYTES_MAX];
    (void)state;
    assert_int_equal(IOT_RSA_EXPONENT_BITS, 32);
    for (uint32_t i = 0; i < COUNT(bits); i++) {
        uint32_t top = bits[i] - 1;
        memset(exponent, 0, sizeof exponent);
        exponent[BYTES_MAX - 1] = 1;
        exponent[BYTES_MAX - 1 - top / 8] |= (uint8_t)(1u << top % 8);
        assert_int_equal(power_of_two(exponent, sizeof exponent, out),
                         MBEDTLS_ERR_RSA_PUBLIC_FAILED + MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponents_up_to_32_bits_are_computed_with),
        cmocka_unit_test(longer_exponents_are_refused),
    };
    return cmocka_run_group_tests_name("crypto_rsa", tests, NULL, NULL);
}
