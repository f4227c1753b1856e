/* SPDX-License-Identifier: Apache-2.0 */
/* mbedTLS bounds an RSA modulus, not its public exponent, and it verifies signatures while it looks for a chain, that is,
 * with keys of anybody. An exponent as long as the modulus costs some 300 times the usual one: a minute in one tick. So
 * library/rsa.c is compiled with
 *
 *     -Dmbedtls_mpi_exp_mod_unsafe=iot_mpi_exp_mod_public
 *
 * and its only call of that function, the public operation, comes by here. */
#include "crypto/iot_crypto_rsa.h"

#if IOT_FEATURE_TLS && IOT_FEATURE_TLS_RSA

#include <mbedtls/bignum.h>

/* Of mbedTLS's bignum_internal.h, which is not public. */
int mbedtls_mpi_exp_mod_unsafe(mbedtls_mpi *x, const mbedtls_mpi *a, const mbedtls_mpi *e,
                               const mbedtls_mpi *n, mbedtls_mpi *prec_rr);

int iot_mpi_exp_mod_public(mbedtls_mpi *x, const mbedtls_mpi *a, const mbedtls_mpi *e,
                           const mbedtls_mpi *n, mbedtls_mpi *prec_rr)
{
    if (mbedtls_mpi_bitlen(e) > IOT_RSA_EXPONENT_BITS)
        return MBEDTLS_ERR_MPI_BAD_INPUT_DATA;
    return mbedtls_mpi_exp_mod_unsafe(x, a, e, n, prec_rr);
}

#endif
