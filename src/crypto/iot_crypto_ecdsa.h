/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of images: ECDSA on P-256 over a SHA-256 (FIPS 186-5), verified in slices. One verification is 24 million
 * instructions of a Cortex-M3; a slice is as long as one of a TLS handshake (IOT_TLS_ECP_OPS).
 *
 *     iot_err err = iot_ecdsa_begin(&v, arena, sizeof arena, key, sha256, signature);
 *     while (err == IOT_ERR_AGAIN) ... in a later tick: err = iot_ecdsa_step(&v);
 */
#ifndef IOT_CRYPTO_ECDSA_H
#define IOT_CRYPTO_ECDSA_H

#include "crypto/iot_crypto_arena.h"

/** A public key: a point of P-256 in its long form, 0x04 and the two coordinates (SEC 1, 2.3.3). */
#define IOT_ECDSA_KEY_BYTES 65u

/** What a verification allocates at most, bytes, on a 32-bit machine; 64-bit ones want 500 more. */
#define IOT_ECDSA_ARENA_BYTES 2304u

/** Private. The arena's owner may look at arena.high. */
struct iot_ecdsa {
    struct iot_arena arena;
    void *state; /* in the arena; NULL: nothing is under way */
    const uint8_t *sha256;
    struct iot_bytes signature;
};

/**
 * Begin. All is borrowed until the end.
 *
 * memory     8-byte aligned; nobody else's until the end.
 * signature  DER: a sequence of r and s (RFC 3279 2.2.3), and nothing behind it.
 * Returns    IOT_ERR_AGAIN: go on with iot_ecdsa_step. IOT_ERR_ARG: `key` is no point of the curve. IOT_ERR_SIZE: the
 *            memory is too small.
 */
iot_err iot_ecdsa_begin(struct iot_ecdsa *v, void *memory, uint32_t bytes, const uint8_t *key,
                        const uint8_t *sha256, struct iot_bytes signature);

/**
 * The next slice. Returns IOT_ERR_AGAIN: not over. Else it is over, and nothing in the memory is in use: IOT_OK, the
 * signature is that key's; IOT_ERR_OTA_SIGNATURE, it is not, or no signature at all; IOT_ERR_SIZE, as above.
 */
iot_err iot_ecdsa_step(struct iot_ecdsa *v);

/** Give up. Allowed at any time after a begin. */
void iot_ecdsa_end(struct iot_ecdsa *v);

#endif
