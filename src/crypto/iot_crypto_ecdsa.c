/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/iot_crypto_ecdsa.h"

#if IOT_FEATURE_OTA

#include <mbedtls/ecdsa.h>

struct state {
    mbedtls_ecdsa_context pair; /* the group and the public point; no private part */
    mbedtls_ecdsa_restart_ctx restart;
};

static iot_err begin(struct iot_ecdsa *v, const uint8_t *key)
{
    struct state *x = iot_arena_calloc(1, sizeof *x);
    mbedtls_ecp_group *group;
    mbedtls_ecp_point *point;

    if (x == NULL)
        return IOT_ERR_SIZE;
    v->state = x;
    mbedtls_ecdsa_init(&x->pair);
    mbedtls_ecdsa_restart_init(&x->restart);
    group = &x->pair.MBEDTLS_PRIVATE(grp);
    point = &x->pair.MBEDTLS_PRIVATE(Q);
    mbedtls_ecp_set_max_ops(IOT_TLS_ECP_OPS);
    int err = mbedtls_ecp_group_load(group, MBEDTLS_ECP_DP_SECP256R1);
    if (err == 0)
        err = mbedtls_ecp_point_read_binary(group, point, key, IOT_ECDSA_KEY_BYTES);
    if (err == 0)
        err = mbedtls_ecp_check_pubkey(group, point);
    if (err == 0)
        return IOT_ERR_AGAIN;
    return v->arena.failed != 0 ? IOT_ERR_SIZE : IOT_ERR_ARG;
}

iot_err iot_ecdsa_begin(struct iot_ecdsa *v, void *memory, uint32_t bytes, const uint8_t *key,
                        const uint8_t *sha256, struct iot_bytes signature)
{
    v->state = NULL;
    v->sha256 = sha256;
    v->signature = signature;
    if (!iot_arena_init(&v->arena, memory, bytes))
        return IOT_ERR_SIZE;
    struct iot_arena *before = iot_arena_enter(&v->arena);
    iot_err err = begin(v, key);
    iot_arena_enter(before);
    if (err != IOT_ERR_AGAIN)
        iot_ecdsa_end(v);
    return err;
}

iot_err iot_ecdsa_step(struct iot_ecdsa *v)
{
    struct state *x = v->state;
    iot_err err = IOT_ERR_OTA_SIGNATURE;

    if (x == NULL)
        return err;
    struct iot_arena *before = iot_arena_enter(&v->arena);
    int ret = mbedtls_ecdsa_read_signature_restartable(&x->pair, v->sha256, 32, v->signature.ptr,
                                                       v->signature.len, &x->restart);
    iot_arena_enter(before);
    if (ret == MBEDTLS_ERR_ECP_IN_PROGRESS)
        return IOT_ERR_AGAIN;
    if (ret == 0)
        err = IOT_OK;
    else if (v->arena.failed != 0)
        err = IOT_ERR_SIZE;
    iot_ecdsa_end(v);
    return err;
}

/* The arena goes as a whole, but for this: what mbedTLS wipes when it frees is public all the same. */
void iot_ecdsa_end(struct iot_ecdsa *v)
{
    v->state = NULL;
}

#endif
