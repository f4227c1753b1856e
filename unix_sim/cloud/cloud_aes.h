/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_aes.h
 * AES-128-CBC with PKCS#7, as the symmetric mode of the platform's CoAP has it (protocol 8.4). Not the code of the library
 * that is tested here, and slow: no table is kept.
 */
#ifndef CLOUD_AES_H
#define CLOUD_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOUD_AES_BLOCK 16u
/** Bytes that `n` bytes take when they are encrypted: a full block is added when they fill the last one. */
#define CLOUD_AES_BYTES(n) (((size_t)(n) / CLOUD_AES_BLOCK + 1) * CLOUD_AES_BLOCK)

/** `out` has room for CLOUD_AES_BYTES(len), and may not be `in`. The platform's own vector begins each message. */
void cloud_aes_encrypt(const uint8_t key[16], const void *in, size_t len, uint8_t *out);

/** `out` has room for `len`, and may not be `in`. False: no whole blocks, or what is behind the last byte is no padding. */
bool cloud_aes_decrypt(const uint8_t key[16], const void *in, size_t len, uint8_t *out,
                       size_t *out_len);

#endif
