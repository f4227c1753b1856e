/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/iot_crypto_aes.h"

#if IOT_FEATURE_UPLINK

#include "crypto/iot_crypto_digest.h"

#include <string.h>

#include <mbedtls/aes.h>

/* A context is a plain value, as those of digests are, and software has no errors. The chain is ours: mbedTLS's is there only if
 * TLS has suites with it. */

static void mix(uint8_t *block, const uint8_t *with)
{
    for (uint32_t i = 0; i < IOT_AES_BYTES; i++)
        block[i] ^= with[i];
}

uint32_t iot_aes_encrypt(const uint8_t key[IOT_AES_BYTES], const uint8_t iv[IOT_AES_BYTES],
                         uint8_t *bytes, uint32_t len)
{
    uint32_t pad = IOT_AES_BYTES - len % IOT_AES_BYTES;
    mbedtls_aes_context aes;

    memset(&aes, 0, sizeof aes);
    (void)mbedtls_aes_setkey_enc(&aes, key, 8 * IOT_AES_BYTES);
    memset(bytes + len, (int)pad, pad);
    len += pad;
    for (uint32_t at = 0; at < len; at += IOT_AES_BYTES) {
        mix(bytes + at, iv);
        (void)mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, bytes + at, bytes + at);
        iv = bytes + at;
    }
    iot_wipe(&aes, sizeof aes);
    return len;
}

bool iot_aes_decrypt(const uint8_t key[IOT_AES_BYTES], const uint8_t iv[IOT_AES_BYTES],
                     uint8_t *bytes, uint32_t len, uint32_t *plain)
{
    uint32_t pad, wrong = 0;
    mbedtls_aes_context aes;

    if (len == 0 || len % IOT_AES_BYTES != 0)
        return false;
    memset(&aes, 0, sizeof aes);
    (void)mbedtls_aes_setkey_dec(&aes, key, 8 * IOT_AES_BYTES);
    /* Backwards, so that what a block is mixed with is still as it came. */
    for (uint32_t at = len; at != 0;) {
        at -= IOT_AES_BYTES;
        (void)mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_DECRYPT, bytes + at, bytes + at);
        mix(bytes + at, at != 0 ? bytes + at - IOT_AES_BYTES : iv);
    }
    iot_wipe(&aes, sizeof aes);
    pad = bytes[len - 1];
    if (pad == 0 || pad > IOT_AES_BYTES)
        return false;
    for (uint32_t i = 1; i <= pad; i++)
        wrong |= bytes[len - i] ^ pad;
    *plain = len - pad;
    return wrong == 0;
}

#endif
