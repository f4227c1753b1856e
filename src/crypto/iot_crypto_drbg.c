/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/iot_crypto_drbg.h"

#if IOT_FEATURE_TLS

#include "crypto/iot_crypto_arena.h"
#include "crypto/iot_crypto_digest.h"

#include <limits.h>
#include <string.h>

#include <mbedtls/ctr_drbg.h>
#if IOT_FEATURE_TLS_13
#include <psa/crypto.h>
#endif

#define SEED_BYTES 48u

struct iot_drbg {
    mbedtls_ctr_drbg_context ctr;
    uint8_t seed[SEED_BYTES]; /* only while seeding */
    uint32_t left;
};

static struct iot_drbg *current;

/* mbedTLS asks for entropy and nonce in one or two calls, for 48 bytes together at most. Asked
 * again later, which cannot be in the number of requests below, there is none. */
static int give_seed(void *arg, unsigned char *into, size_t n)
{
    struct iot_drbg *d = arg;
    if (n > d->left)
        return MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
    memcpy(into, d->seed + (SEED_BYTES - d->left), n);
    d->left -= (uint32_t)n;
    return 0;
}

/* A generator that was not switched on, a bus that does not answer: the port may say it went well. */
static bool is_dead(const uint8_t seed[SEED_BYTES])
{
    uint8_t any = 0, all = 0xff;

    for (uint32_t i = 0; i < SEED_BYTES; i++) {
        any |= seed[i];
        all &= seed[i];
    }
    return any == 0 || all == 0xff;
}

iot_err iot_drbg_new(const struct iot_port *port, struct iot_drbg **out)
{
    struct iot_drbg *d = iot_arena_calloc(1, sizeof *d);
    if (d == NULL)
        return IOT_ERR_TLS_MEMORY;
    iot_err err = port->random(port->ctx, d->seed, SEED_BYTES);
    mbedtls_ctr_drbg_init(&d->ctr);
    if (err == IOT_OK && is_dead(d->seed))
        err = IOT_ERR_RANDOM;
    if (err == IOT_OK) {
        d->left = SEED_BYTES;
        mbedtls_ctr_drbg_set_reseed_interval(&d->ctr, INT_MAX);
        if (mbedtls_ctr_drbg_seed(&d->ctr, give_seed, d, NULL, 0) != 0)
            err = IOT_ERR_RANDOM;
    }
    iot_wipe(d->seed, SEED_BYTES);
    d->left = 0;
    if (err == IOT_OK) {
        *out = d;
        return IOT_OK;
    }
    iot_drbg_free(d);
    return err == IOT_ERR_AGAIN ? IOT_ERR_AGAIN : IOT_ERR_RANDOM;
}

void iot_drbg_free(struct iot_drbg *d)
{
    if (d == NULL)
        return;
    mbedtls_ctr_drbg_free(&d->ctr);
    iot_arena_free(d);
}

int iot_drbg_random(void *d, unsigned char *into, size_t n)
{
    struct iot_drbg *self = d;
    return mbedtls_ctr_drbg_random(&self->ctr, into, n);
}

struct iot_drbg *iot_drbg_enter(struct iot_drbg *d)
{
    struct iot_drbg *before = current;
    current = d;
    return before;
}

#if IOT_FEATURE_TLS_13
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                             uint8_t *into, size_t n, size_t *got)
{
    (void)context;
    if (current == NULL || iot_drbg_random(current, into, n) != 0)
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    *got = n;
    return PSA_SUCCESS;
}
#endif

#endif
