/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/iot_crypto_digest.h"

#if IOT_FEATURE_TLS || IOT_FEATURE_LINK

#include <string.h>

#include <mbedtls/md5.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>

#include "core/iot_core_assert.h"

/* All three work on blocks of this size, which is also the unit of HMAC's key. */
#define BLOCK_BYTES 64

#define FITS(context)                                                                              \
    IOT_STATIC_ASSERT(sizeof(context) <= sizeof(((struct iot_digest *)0)->words),                  \
                      "raise IOT_DIGEST_WORDS: the context of mbedTLS is larger")
FITS(mbedtls_sha256_context);
FITS(mbedtls_sha1_context);
FITS(mbedtls_md5_context);

/* The contexts are plain values: clearing is all that their init does, and zeroing all that their free
 * does. mbedTLS's results are not looked at: in software they are always 0, and a broken accelerator
 * shows in a digest that fits nothing. */

uint32_t iot_digest_bytes(enum iot_digest_kind kind)
{
    static const uint8_t bytes[] = {
        [IOT_DIGEST_SHA256] = 32, [IOT_DIGEST_SHA1] = 20, [IOT_DIGEST_MD5] = 16};

    return bytes[kind];
}

void iot_digest_begin(struct iot_digest *d, enum iot_digest_kind kind)
{
    void *context;

    memset(d, 0, sizeof *d);
    d->kind = (uint32_t)kind;
    context = d->words;
    switch (kind) {
    case IOT_DIGEST_SHA256:
        (void)mbedtls_sha256_starts(context, 0);
        break;
    case IOT_DIGEST_SHA1:
        (void)mbedtls_sha1_starts(context);
        break;
    case IOT_DIGEST_MD5:
        (void)mbedtls_md5_starts(context);
        break;
    }
}

void iot_digest_put(struct iot_digest *d, struct iot_bytes bytes)
{
    void *context = d->words;

    switch ((enum iot_digest_kind)d->kind) {
    case IOT_DIGEST_SHA256:
        (void)mbedtls_sha256_update(context, bytes.ptr, bytes.len);
        break;
    case IOT_DIGEST_SHA1:
        (void)mbedtls_sha1_update(context, bytes.ptr, bytes.len);
        break;
    case IOT_DIGEST_MD5:
        (void)mbedtls_md5_update(context, bytes.ptr, bytes.len);
        break;
    }
}

void iot_digest_end(struct iot_digest *d, uint8_t *out)
{
    void *context = d->words;

    switch ((enum iot_digest_kind)d->kind) {
    case IOT_DIGEST_SHA256:
        (void)mbedtls_sha256_finish(context, out);
        break;
    case IOT_DIGEST_SHA1:
        (void)mbedtls_sha1_finish(context, out);
        break;
    case IOT_DIGEST_MD5:
        (void)mbedtls_md5_finish(context, out);
        break;
    }
    iot_wipe(d, sizeof *d);
}

/* Begin with the block that is the key, padded with zeros, each byte turned by `pad`. */
static void begin_keyed(struct iot_digest *d, enum iot_digest_kind kind, uint8_t key[BLOCK_BYTES],
                        uint8_t pad)
{
    for (uint32_t i = 0; i < BLOCK_BYTES; i++)
        key[i] ^= pad;
    iot_digest_begin(d, kind);
    iot_digest_put(d, (struct iot_bytes){key, BLOCK_BYTES});
}

void iot_hmac(enum iot_digest_kind kind, struct iot_bytes key, const struct iot_bytes *parts,
              uint32_t count, uint8_t *out)
{
    struct iot_digest d;
    uint8_t block[BLOCK_BYTES] = {0};

    if (key.len > BLOCK_BYTES) {
        iot_digest_begin(&d, kind);
        iot_digest_put(&d, key);
        iot_digest_end(&d, block);
    } else if (key.len != 0) {
        memcpy(block, key.ptr, key.len);
    }
    begin_keyed(&d, kind, block, 0x36);
    for (uint32_t i = 0; i < count; i++)
        iot_digest_put(&d, parts[i]);
    iot_digest_end(&d, out); /* the inner digest waits in `out` for the outer one */
    begin_keyed(&d, kind, block, 0x36 ^ 0x5c);
    iot_digest_put(&d, (struct iot_bytes){out, iot_digest_bytes(kind)});
    iot_digest_end(&d, out);
    iot_wipe(block, sizeof block);
}

void iot_wipe(void *bytes, uint32_t n)
{
    mbedtls_platform_zeroize(bytes, n);
}

#endif
