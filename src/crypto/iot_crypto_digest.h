/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and HMAC (RFC 2104), without heap. SHA-1 and MD5 only where a protocol wants them. */
#ifndef IOT_CRYPTO_DIGEST_H
#define IOT_CRYPTO_DIGEST_H

#include "iot/iot_base.h"

enum iot_digest_kind { IOT_DIGEST_SHA256, IOT_DIGEST_SHA1, IOT_DIGEST_MD5 };

#define IOT_DIGEST_BYTES_MAX 32

/* Room for mbedTLS's context of any of the three, its software ones (SHA-224 beside SHA-256 included);
 * checked in the .c. An accelerator's context may want more. */
#ifndef IOT_DIGEST_WORDS
#define IOT_DIGEST_WORDS 27
#endif

/* A value: a copy made between two puts goes on by itself. Holds what was put last, so it is wiped where
 * that was a secret: iot_digest_end does it, and who gives up halfway does it with iot_wipe. */
struct iot_digest {
    uint32_t kind;
    uint32_t words[IOT_DIGEST_WORDS];
};

/** Bytes of a digest: 32, 20, 16. */
uint32_t iot_digest_bytes(enum iot_digest_kind kind);

void iot_digest_begin(struct iot_digest *d, enum iot_digest_kind kind);
void iot_digest_put(struct iot_digest *d, struct iot_bytes bytes);
/** `out` gets iot_digest_bytes(kind); `d` is wiped. */
void iot_digest_end(struct iot_digest *d, uint8_t *out);

/** HMAC over the parts in a row. `out` gets iot_digest_bytes(kind). What held the key is wiped. `out` may
 *  overlap neither the key nor a part. */
void iot_hmac(enum iot_digest_kind kind, struct iot_bytes key, const struct iot_bytes *parts,
              uint32_t count, uint8_t *out);

/** Overwrite secrets in a way that the compiler keeps. */
void iot_wipe(void *bytes, uint32_t n);

#endif
