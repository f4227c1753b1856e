/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for keys and nonces: CTR_DRBG with AES-256 (NIST SP 800-90A), seeded once by the
 * port's random source. Lives in the arena that is entered. */
#ifndef IOT_CRYPTO_DRBG_H
#define IOT_CRYPTO_DRBG_H

#include "iot/iot_port.h"

struct iot_drbg;

/** Make one. IOT_OK; IOT_ERR_AGAIN: the port has no chance now; IOT_ERR_RANDOM, or it gave
 *  nothing but zeros or nothing but ones; IOT_ERR_TLS_MEMORY. */
iot_err iot_drbg_new(const struct iot_port *port, struct iot_drbg **out);

/** Wipe it and give it back. NULL is nothing. */
void iot_drbg_free(struct iot_drbg *d);

/** mbedTLS's f_rng; `d` is a struct iot_drbg. Never fails: mbedTLS asks for 512 bytes at most (1,024 are the
 *  limit of the algorithm), and no connection asks 2^31 times. */
int iot_drbg_random(void *d, unsigned char *into, size_t n);

/** From here on PSA, which has no instances, draws from `d`; returns the one before. Nothing but
 *  TLS 1.3 asks it. */
struct iot_drbg *iot_drbg_enter(struct iot_drbg *d);

#endif
