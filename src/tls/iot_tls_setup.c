/* SPDX-License-Identifier: Apache-2.0 */
/* From options to mbedTLS's contexts. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "crypto/iot_crypto_digest.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#include <mbedtls/ecp.h>

#if MBEDTLS_SSL_IN_CONTENT_LEN != IOT_TLS_RX_BYTES ||                                              \
    MBEDTLS_SSL_OUT_CONTENT_LEN != IOT_TLS_TX_BYTES
#error                                                                                             \
    "mbedTLS was configured with other record sizes: build it with port/mbedtls/iot_mbedtls_config.h"
#endif
#ifdef MBEDTLS_HAVE_TIME
#error                                                                                             \
    "mbedTLS must be built without MBEDTLS_HAVE_TIME: dates are judged here, with the device's time"
#endif
#if IOT_FEATURE_DTLS && !defined(MBEDTLS_SSL_PROTO_DTLS)
#error "IOT_FEATURE_DTLS needs MBEDTLS_SSL_PROTO_DTLS in mbedTLS's configuration"
#endif
#if IOT_FEATURE_TLS_13 && !defined(MBEDTLS_SSL_PROTO_TLS1_3)
#error "IOT_FEATURE_TLS_13 needs MBEDTLS_SSL_PROTO_TLS1_3 in mbedTLS's configuration"
#endif

#define RSA_BITS 2048u

static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, /* first: what ECP_RESTARTABLE can slice and is cheapest */
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

static const mbedtls_x509_crt_profile profile = {
    .allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    .allowed_pks = MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSA) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSASSA_PSS),
    .allowed_curves = MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) |
                      MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1),
    .rsa_min_bitlen = RSA_BITS,
};

/* A certificate in DER, which stays where it is, at the end of a chain. With `fits`: unless it says no. */
static int add_to_chain(struct iot_tls_core *t, const struct iot_bytes *der, mbedtls_x509_crt **end,
                        bool (*fits)(const struct iot_tls_core *t, const mbedtls_x509_crt *crt))
{
    mbedtls_x509_crt *crt = iot_arena_calloc(1, sizeof *crt);
    if (crt == NULL)
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    mbedtls_x509_crt_init(crt);
    int ret = mbedtls_x509_crt_parse_der_nocopy(crt, der->ptr, der->len);
    if (ret == 0 && (fits == NULL || fits(t, crt))) {
        *end = crt;
        return 0;
    }
    mbedtls_x509_crt_free(crt);
    iot_arena_free(crt);
    return ret;
}

static int parse_chain(struct iot_tls_core *t, const struct iot_bytes *der, uint32_t count,
                       mbedtls_x509_crt **chain,
                       bool (*fits)(const struct iot_tls_core *t, const mbedtls_x509_crt *crt))
{
    mbedtls_x509_crt **end = chain;
    for (uint32_t i = 0; i < count; i++) {
        int ret = add_to_chain(t, &der[i], end, fits);
        if (ret != 0)
            return ret;
        if (*end != NULL)
            end = &(*end)->next;
    }
    return 0;
}

static void free_chain(mbedtls_x509_crt **chain)
{
    mbedtls_x509_crt_free(*chain); /* and those behind it, which it gives back itself */
    iot_arena_free(*chain);
    *chain = NULL;
}

static int add_certificates(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    const struct iot_tls_options *o = t->opt;
    /* Of a renewed authority only the one whose time it is: mbedTLS would take the first. If it is nobody's
     * time, all: then that is what is found. */
    int ret = parse_chain(t, o->ca, o->ca_count, &x->ca, iot_tls_is_time_of);
    if (ret == 0 && x->ca == NULL)
        ret = parse_chain(t, o->ca, o->ca_count, &x->ca, NULL);
    mbedtls_ssl_conf_ca_chain(&x->conf, x->ca, NULL);
    if (ret == 0)
        ret = parse_chain(t, o->cert, o->cert_count, &x->own, NULL);
    if (ret != 0 || o->cert_count == 0)
        return ret;
    ret = mbedtls_pk_parse_key(&x->key, o->key.ptr, o->key.len, NULL, 0, iot_drbg_random, x->drbg);
    return ret != 0 ? ret : mbedtls_ssl_conf_own_cert(&x->conf, x->own, &x->key);
}

/* IOT_OK also when there is none. */
static iot_err add_psk(struct iot_tls_core *t, int *ret)
{
    const struct iot_tls_options *o = t->opt;
    uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX], key[IOT_TLS_PSK_MAX];
    uint32_t len = 0;

    *ret = 0;
    if ((iot_tls_kinds(o) & IOT_TLS_PSK) == 0)
        return IOT_OK;
    if (o->psk.ptr != NULL) {
        *ret = mbedtls_ssl_conf_psk(&t->state->conf, o->psk.ptr, o->psk.len, o->psk_identity.ptr,
                                    o->psk_identity.len);
        return IOT_OK;
    }
    t->stuck = IOT_ERR_TLS_TIMEOUT;
    iot_err err = t->psk(t->psk_ctx, identity, &len, key);
    if (err == IOT_OK)
        *ret = mbedtls_ssl_conf_psk(&t->state->conf, key, sizeof key, identity, len);
    iot_wipe(key, sizeof key);
    return err == IOT_ERR_STATE ? IOT_OK : err; /* mbedTLS offers no suite with PSK then */
}

/* In TLS 1.3 tickets come after the handshake, and mbedtls_ssl_read reports each.
 *
 * A server that is limited to 1.2 takes the first algorithm of ours that it knows; mbedTLS's own order begins
 * with RSA-PSS, which it then refuses in 1.2. In 1.3 servers sign with nothing but PSS of the RSA ones. */
#if IOT_FEATURE_TLS_13
static void configure_13(struct iot_tls_state *x)
{
    static const uint16_t algorithms[] = {
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
        MBEDTLS_TLS1_3_SIG_NONE,
    };
    mbedtls_ssl_conf_max_tls_version(&x->conf, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_sig_algs(&x->conf, algorithms);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &x->conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
}
#else
static void configure_13(struct iot_tls_state *x)
{
    (void)x; /* not compiled in, so not offered */
}
#endif

void iot_tls_setup_base(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    mbedtls_ssl_conf_rng(&x->conf, iot_drbg_random, x->drbg);
    mbedtls_ssl_conf_min_tls_version(&x->conf, MBEDTLS_SSL_VERSION_TLS1_2);
    /* A version without a suite for it would be chosen, and then found to have none in common. */
    mbedtls_ssl_conf_max_tls_version(&x->conf, MBEDTLS_SSL_VERSION_TLS1_2);
    iot_tls_choose_suites(t);
}

static void configure(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    iot_tls_setup_base(t);
    mbedtls_ssl_conf_authmode(&x->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(&x->conf, iot_tls_on_certificate, t);
    mbedtls_ssl_conf_cert_profile(&x->conf, &profile);
    mbedtls_ssl_conf_groups(&x->conf, groups);
    if (iot_tls_offers_13(t))
        configure_13(x);
    mbedtls_ssl_conf_session_tickets(&x->conf, t->opt->session_key != NULL);
}

/* Asks the server for records that fit; only four sizes can be named. mbedTLS's own function refuses what
 * is more than it can send, which is not the question: it never sends more than it has room for.
 *
 * Not beside 1.3: openssl would agree in 1.3, too, where mbedTLS takes its answer for a mistake. There it is
 * asked by RFC 8449's extension, which openssl does not know. */
static void ask_for_small_records(struct iot_tls_state *x, bool beside_13)
{
    if (beside_13)
        return;
    x->conf.MBEDTLS_PRIVATE(mfl_code) = IOT_TLS_RX_BYTES == 512    ? MBEDTLS_SSL_MAX_FRAG_LEN_512
                                        : IOT_TLS_RX_BYTES == 1024 ? MBEDTLS_SSL_MAX_FRAG_LEN_1024
                                        : IOT_TLS_RX_BYTES == 2048 ? MBEDTLS_SSL_MAX_FRAG_LEN_2048
                                        : IOT_TLS_RX_BYTES == 4096 ? MBEDTLS_SSL_MAX_FRAG_LEN_4096
                                                                   : MBEDTLS_SSL_MAX_FRAG_LEN_NONE;
}

static iot_err credential_error(struct iot_tls_core *t, int ret)
{
    t->detail = ret;
    return t->arena.failed != 0 ? iot_tls_error(t, ret) : IOT_ERR_TLS_CREDENTIAL;
}

static iot_err fill(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    int ret = mbedtls_ssl_config_defaults(&x->conf, MBEDTLS_SSL_IS_CLIENT,
                                          t->dgram ? MBEDTLS_SSL_TRANSPORT_DATAGRAM
                                                   : MBEDTLS_SSL_TRANSPORT_STREAM,
                                          MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret != 0)
        return iot_tls_error(t, ret);
    configure(t);
    iot_err err = add_psk(t, &ret);
    if (err != IOT_OK)
        return err;
    if (ret == 0)
        ret = add_certificates(t);
    if (ret != 0)
        return credential_error(t, ret);

    ask_for_small_records(x, iot_tls_offers_13(t));
    if (t->opt->alpn != NULL)
        /* it only reads them; its prototype forgot a const */
        ret = mbedtls_ssl_conf_alpn_protocols(&x->conf, (const char **)(uintptr_t)t->opt->alpn);
    if (ret == 0)
        ret = mbedtls_ssl_setup(&x->ssl, &x->conf);
    /* For SNI, which knows no addresses (RFC 6066, section 3). NULL: mbedTLS shall not look at names itself. */
    const char *name = iot_tls_name(t);
    if (ret == 0)
        ret = mbedtls_ssl_set_hostname(&x->ssl, iot_tls_is_address(name) ? NULL : name);
    if (ret != 0)
        return iot_tls_error(t, ret);
    iot_tls_saved_tag(t);
    return IOT_OK;
}

static iot_err make(struct iot_tls_core *t)
{
#if IOT_FEATURE_DTLS_SERVER
    if (t->server != NULL)
        return t->server(t);
#endif
    return fill(t);
}

iot_err iot_tls_setup(struct iot_tls_core *t)
{
    int64_t floor_s = 0;
    t->stuck = IOT_ERR_KV;
    iot_err err = iot_tls_core_serves(t) ? IOT_OK : iot_tls_floor(t, &floor_s);
    if (err != IOT_OK)
        return err;
    struct iot_tls_state *x = iot_arena_calloc(1, sizeof *x);
    if (x == NULL)
        return iot_tls_error(t, MBEDTLS_ERR_SSL_ALLOC_FAILED);
    t->state = x;
    x->floor_s = floor_s;
    mbedtls_ssl_init(&x->ssl);
    mbedtls_ssl_config_init(&x->conf);
    mbedtls_pk_init(&x->key);
    err = iot_tls_resume_read(t); /* what may be slow comes before what is dear */
    if (err == IOT_OK) {
        t->stuck = IOT_ERR_RANDOM;
        err = iot_drbg_new(t->port, &x->drbg);
    }
    if (err == IOT_OK) {
        iot_drbg_enter(x->drbg);
        mbedtls_ecp_set_max_ops(IOT_TLS_ECP_OPS);
        err = make(t);
    }
    if (err == IOT_ERR_TLS_MEMORY)
        t->detail = (int32_t)t->arena.failed;
    if (err == IOT_ERR_AGAIN)
        iot_tls_teardown(t);
    return err;
}

#ifdef MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
/* 1.3 wants it kept while the handshake lasts; in a session of 1.2 it would be saved as well. */
static void drop_peer_certificate(struct iot_tls_state *x)
{
    mbedtls_ssl_session *session = x->ssl.MBEDTLS_PRIVATE(session);
    if (session == NULL || session->MBEDTLS_PRIVATE(peer_cert) == NULL)
        return;
    mbedtls_x509_crt_free(session->MBEDTLS_PRIVATE(peer_cert));
    iot_arena_free(session->MBEDTLS_PRIVATE(peer_cert));
    session->MBEDTLS_PRIVATE(peer_cert) = NULL;
}
#else
static void drop_peer_certificate(struct iot_tls_state *x)
{
    (void)x;
}
#endif

/* It is made from the device's secret. */
static void drop_psk(struct iot_tls_state *x)
{
    if (x->conf.MBEDTLS_PRIVATE(psk) == NULL)
        return;
    iot_wipe(x->conf.MBEDTLS_PRIVATE(psk), (uint32_t)x->conf.MBEDTLS_PRIVATE(psk_len));
    iot_arena_free(x->conf.MBEDTLS_PRIVATE(psk));
    x->conf.MBEDTLS_PRIVATE(psk) = NULL;
    x->conf.MBEDTLS_PRIVATE(psk_len) = 0;
}

void iot_tls_setup_shrink(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    drop_peer_certificate(x);
    mbedtls_ssl_conf_ca_chain(&x->conf, NULL, NULL);
    free_chain(&x->ca);
    mbedtls_ssl_conf_own_cert(&x->conf, NULL, NULL);
    free_chain(&x->own);
    mbedtls_pk_free(&x->key);
    drop_psk(x);
}

void iot_tls_teardown(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    if (x == NULL)
        return;
    mbedtls_ssl_free(&x->ssl);
    mbedtls_ssl_config_free(&x->conf);
    free_chain(&x->ca);
    free_chain(&x->own);
    mbedtls_pk_free(&x->key);
    iot_arena_free(x->blob);
    iot_arena_free(x->kept);
    iot_arena_free(x->identity);
    iot_drbg_free(x->drbg);
    iot_drbg_enter(NULL);
    iot_arena_free(x);
    t->state = NULL;
}

#endif
