/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IOT_CRYPTO_RSA_H
#define IOT_CRYPTO_RSA_H

#include "iot/iot_config.h"

/** Longest public exponent of an RSA key that is computed with. 65537 has 17 bits; FIPS 186-5 allows 256, nobody
 *  uses more than 32. */
#define IOT_RSA_EXPONENT_BITS 32

struct mbedtls_mpi;

/** In the place of mbedtls_mpi_exp_mod_unsafe, for mbedTLS's rsa.c. */
int iot_mpi_exp_mod_public(struct mbedtls_mpi *x, const struct mbedtls_mpi *a,
                           const struct mbedtls_mpi *e, const struct mbedtls_mpi *n,
                           struct mbedtls_mpi *prec_rr);

#endif
