/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures were made for this test with openssl: `dgst -sha256 -sign` of the text "image". */
#include "test.h"

#include "crypto/iot_crypto_digest.h"
#include "crypto/iot_crypto_ecdsa.h"
#include "ecdsa_vectors.h"

#define STEPS_MAX 2000

static uint8_t memory[8192] __attribute__((aligned(8)));
static uint8_t key[IOT_ECDSA_KEY_BYTES], other_key[IOT_ECDSA_KEY_BYTES], sha256[32], der[80];
static uint32_t der_len;
static struct iot_ecdsa v;

static int setup(void **state)
{
    struct iot_digest d;
    (void)state;
    assert_int_equal(from_hex(ECDSA_KEY, key, sizeof key), sizeof key);
    assert_int_equal(from_hex(ECDSA_OTHER_KEY, other_key, sizeof other_key), sizeof other_key);
    der_len = from_hex(ECDSA_IMAGE_SIGNATURE, der, sizeof der);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, BYTES("image"));
    iot_digest_end(&d, sha256);
    return 0;
}

static uint32_t steps;

static iot_err verify(uint32_t bytes, const uint8_t *with, struct iot_bytes signature)
{
    iot_err err = iot_ecdsa_begin(&v, memory, bytes, with, sha256, signature);

    for (steps = 0; steps < STEPS_MAX && err == IOT_ERR_AGAIN; steps++)
        err = iot_ecdsa_step(&v);
    assert_null(v.state);
    return err;
}

static iot_err verify_der(void)
{
    return verify(sizeof memory, key, guarded((struct iot_bytes){der, der_len}));
}

static void a_good_signature_is_accepted_in_many_slices(void **state)
{
    (void)state;
    assert_err(verify_der(), IOT_OK);
    assert_true(steps > 20);
    print_message("%u slices, %u bytes of arena\n", steps, v.arena.high * 8);
    assert_err(verify_der(), IOT_OK); /* and again, in the same memory */
}

static void another_digest_another_key_or_any_other_bit_is_refused(void **state)
{
    (void)state;
    assert_err(verify(sizeof memory, other_key, (struct iot_bytes){der, der_len}),
               IOT_ERR_OTA_SIGNATURE);
    sha256[31] ^= 1;
    assert_err(verify_der(), IOT_ERR_OTA_SIGNATURE);
    sha256[31] ^= 1;
    for (uint32_t bit = 0; bit < der_len * 8; bit += 5) {
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_err(verify_der(), IOT_ERR_OTA_SIGNATURE);
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void what_is_no_signature_is_refused(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < der_len; n++)
        assert_err(verify(sizeof memory, key, guarded((struct iot_bytes){der, n})),
                   IOT_ERR_OTA_SIGNATURE);
    der[der_len] = 0; /* one byte too many */
    assert_err(verify(sizeof memory, key, (struct iot_bytes){der, der_len + 1}),
               IOT_ERR_OTA_SIGNATURE);
    memset(der, 0xff, sizeof der);
    assert_err(verify_der(), IOT_ERR_OTA_SIGNATURE);
    assert_err(verify(sizeof memory, key, BYTES("\x30\x06\x02\x01\x00\x02\x01\x00")),
               IOT_ERR_OTA_SIGNATURE); /* r = s = 0 */
    assert_err(verify(sizeof memory, key, BYTES("\x30\x06\x02\x01\x01\x02\x01\x00")),
               IOT_ERR_OTA_SIGNATURE);
}

static void what_is_no_key_is_refused(void **state)
{
    uint8_t bad[IOT_ECDSA_KEY_BYTES];
    struct iot_bytes signature = {der, der_len};
    (void)state;
    memcpy(bad, key, sizeof bad);
    bad[64] ^= 1; /* not on the curve */
    assert_err(verify(sizeof memory, bad, signature), IOT_ERR_ARG);
    memset(bad, 0, sizeof bad);
    assert_err(verify(sizeof memory, bad, signature), IOT_ERR_ARG);
    bad[0] = 4; /* 0, 0 */
    assert_err(verify(sizeof memory, bad, signature), IOT_ERR_ARG);
    memset(bad + 1, 0xff, 64); /* larger than the field */
    assert_err(verify(sizeof memory, bad, signature), IOT_ERR_ARG);
    memcpy(bad, key, sizeof bad);
    bad[0] = 2; /* the short form has other 33 bytes */
    assert_true(verify(sizeof memory, bad, signature) != IOT_OK);
}

static void memory_that_does_not_do_is_told_by_name(void **state)
{
    bool enough = false;
    (void)state;
    for (uint32_t n = 64; n <= sizeof memory; n += 64) {
        iot_err err = verify(n, key, (struct iot_bytes){der, der_len});
        if (enough || err == IOT_OK)
            assert_err(err, IOT_OK);
        else
            assert_err(err, IOT_ERR_SIZE);
        enough = err == IOT_OK;
        if (n >= IOT_ECDSA_ARENA_BYTES + (sizeof(void *) == 8 ? 512u : 0u))
            assert_true(enough);
    }
    assert_err(iot_ecdsa_begin(&v, memory + 1, 4096, key, sha256, BYTES("")), IOT_ERR_SIZE);
    assert_err(iot_ecdsa_begin(&v, NULL, 0, key, sha256, BYTES("")), IOT_ERR_SIZE);
}

static void it_can_be_given_up_and_leaves_the_arena_of_others_alone(void **state)
{
    static uint8_t others[256] __attribute__((aligned(8)));
    struct iot_arena theirs;
    (void)state;
    assert_true(iot_arena_init(&theirs, others, sizeof others));
    iot_arena_enter(&theirs);
    assert_err(
        iot_ecdsa_begin(&v, memory, sizeof memory, key, sha256, (struct iot_bytes){der, der_len}),
        IOT_ERR_AGAIN);
    assert_err(iot_ecdsa_step(&v), IOT_ERR_AGAIN);
    iot_ecdsa_end(&v);
    assert_err(iot_ecdsa_step(&v), IOT_ERR_OTA_SIGNATURE);
    assert_int_equal(theirs.high, 0);
    assert_ptr_equal(iot_arena_enter(NULL), &theirs);
    assert_err(verify_der(), IOT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_signature_is_accepted_in_many_slices, setup),
        cmocka_unit_test_setup(another_digest_another_key_or_any_other_bit_is_refused, setup),
        cmocka_unit_test_setup(what_is_no_signature_is_refused, setup),
        cmocka_unit_test_setup(what_is_no_key_is_refused, setup),
        cmocka_unit_test_setup(memory_that_does_not_do_is_told_by_name, setup),
        cmocka_unit_test_setup(it_can_be_given_up_and_leaves_the_arena_of_others_alone, setup),
    };
    return cmocka_run_group_tests_name("crypto_ecdsa", tests, NULL, NULL);
}
