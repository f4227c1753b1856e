/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128-CBC with the padding of PKCS#7 (NIST SP 800-38A 6.2, RFC 5652 6.3), in place. It hides, and does not protect: who
 * changes what is on its way is not noticed. */
#ifndef IOT_CRYPTO_AES_H
#define IOT_CRYPTO_AES_H

#include "iot/iot_base.h"

#define IOT_AES_BYTES 16u /* of a key, of a block, of where a chain begins; and added at most */

/** Encrypt `len` bytes; there is room for IOT_AES_BYTES more. Returns how many they are now: the next multiple of
 *  IOT_AES_BYTES. 300 bytes of stack, wiped. */
uint32_t iot_aes_encrypt(const uint8_t key[IOT_AES_BYTES], const uint8_t iv[IOT_AES_BYTES],
                         uint8_t *bytes, uint32_t len);

/** The way back; `*plain`: how many are left. False: not a whole number of blocks, or none, or their end is no padding, of which
 *  each byte is looked at; what the bytes are then is nothing. */
bool iot_aes_decrypt(const uint8_t key[IOT_AES_BYTES], const uint8_t iv[IOT_AES_BYTES],
                     uint8_t *bytes, uint32_t len, uint32_t *plain);

#endif
