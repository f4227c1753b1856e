/* SPDX-License-Identifier: Apache-2.0 */
/* From options to mbedTLS's contexts. */
#include "tls/iot_tls_stream.h"

#if IOT_TLS

#include "crypto/iot_crypto_digest.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/ssl_ciphersuites.h>

#if MBEDTLS_SSL_IN_CONTENT_LEN != IOT_TLS_RX_BYTES ||                                              \
    MBEDTLS_SSL_OUT_CONTENT_LEN != IOT_TLS_TX_BYTES
#error                                                                                             \
    "mbedTLS was configured with other record sizes: build it with port/mbedtls/iot_mbedtls_config.h"
#endif
#ifdef MBEDTLS_HAVE_TIME
#error                                                                                             \
    "mbedTLS must be built without MBEDTLS_HAVE_TIME: dates are judged here, with the device's time"
#endif
#if IOT_TLS_13 && !defined(MBEDTLS_SSL_PROTO_TLS1_3)
#error "IOT_TLS_13 needs MBEDTLS_SSL_PROTO_TLS1_3 in mbedTLS's configuration"
#endif

#define KINDS_ALL      (IOT_TLS_ECDHE_ECDSA | IOT_TLS_ECDHE_RSA | IOT_TLS_PSK | IOT_TLS_PLATFORM)
#define KINDS_CERT     (IOT_TLS_ECDHE_ECDSA | IOT_TLS_ECDHE_RSA)
#define RSA_BITS       2048u
#define NAME_MAX_BYTES 253u /* RFC 1035, section 2.3.4 */

/* Best first. A suite is offered if its kinds are all asked for: PSK suites only with a key at hand. */
static const struct {
    uint16_t suite;
    uint8_t kinds;
} suites[] = {
#if IOT_TLS_13
    {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, 0},
    {MBEDTLS_TLS1_3_AES_256_GCM_SHA384, 0},
    {MBEDTLS_TLS1_3_AES_128_CCM_SHA256, 0},
#endif
    {MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256, IOT_TLS_PSK},
    {MBEDTLS_TLS_PSK_WITH_AES_128_CCM, IOT_TLS_PSK},
    {MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8, IOT_TLS_PSK},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, IOT_TLS_ECDHE_ECDSA},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, IOT_TLS_ECDHE_ECDSA},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM, IOT_TLS_ECDHE_ECDSA},
    {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, IOT_TLS_ECDHE_RSA},
    {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, IOT_TLS_ECDHE_RSA},
    {MBEDTLS_TLS_RSA_WITH_AES_128_GCM_SHA256, IOT_TLS_PLATFORM},
    {MBEDTLS_TLS_RSA_WITH_AES_256_CBC_SHA256, IOT_TLS_PLATFORM},
    {MBEDTLS_TLS_RSA_WITH_AES_128_CBC_SHA256, IOT_TLS_PLATFORM},
    {MBEDTLS_TLS_PSK_WITH_AES_128_CBC_SHA, IOT_TLS_PLATFORM | IOT_TLS_PSK},
};

#define SUITES (sizeof suites / sizeof suites[0])

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

static uint32_t kinds_of(const struct iot_tls_options *o)
{
    return o->kinds != 0 ? o->kinds : IOT_TLS_KINDS_DEFAULT;
}

iot_err iot_tls_check(const struct iot_tls_options *o, bool psk_source)
{
    uint32_t kinds = kinds_of(o);
    bool psk = o->psk.ptr != NULL ? o->psk.len != 0 && o->psk_identity.len != 0 : psk_source;
    bool only_psk = (kinds & ~(uint32_t)IOT_TLS_PLATFORM) == IOT_TLS_PSK;
    struct iot_arena arena;

    if (o->server_name != NULL && strlen(o->server_name) > NAME_MAX_BYTES)
        return IOT_ERR_ARG;
    if ((kinds & ~(uint32_t)KINDS_ALL) != 0 || ((kinds & IOT_TLS_PSK) != 0 && !psk))
        return IOT_ERR_ARG;
    if (!only_psk && (o->ca == NULL || o->ca_count == 0))
        return IOT_ERR_ARG;
    if ((o->cert_count != 0) != (o->key.ptr != NULL) || (o->cert_count != 0 && o->cert == NULL))
        return IOT_ERR_ARG;
    if (o->psk.len > IOT_TLS_PSK_MAX || o->psk_identity.len > IOT_TLS_PSK_IDENTITY_MAX)
        return IOT_ERR_ARG;
    return iot_arena_init(&arena, o->arena, o->arena_bytes) ? IOT_OK : IOT_ERR_ARG;
}

/* RFC 6066, section 3: addresses are no server names. */
static bool is_address(const char *name)
{
    return strchr(name, ':') != NULL || name[strspn(name, "0123456789.")] == '\0';
}

/* TLS 1.3 leaves the kind of key to the certificate: offered only where all are welcome. */
static bool offers_13(const struct iot_tls_options *o)
{
    return IOT_TLS_13 && (kinds_of(o) & KINDS_CERT) == KINDS_CERT && o->ca_count != 0;
}

static bool offered(uint32_t i, const struct iot_tls_options *o)
{
    if (suites[i].kinds == 0)
        return offers_13(o);
    return (suites[i].kinds & ~kinds_of(o)) == 0 &&
           (o->ca_count != 0 || (suites[i].kinds & IOT_TLS_PSK) != 0);
}

static void choose_suites(struct iot_tls_state *x, const struct iot_tls_options *o)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SUITES; i++)
        if (offered(i, o))
            x->suites[n++] = suites[i].suite;
    x->suites[n] = 0;
    mbedtls_ssl_conf_ciphersuites(&x->conf, x->suites);
}

static bool is_rsa(const mbedtls_pk_context *key)
{
    return mbedtls_pk_get_type(key) == MBEDTLS_PK_RSA;
}

static bool has_rsa_authority(const struct iot_tls_state *x)
{
    for (const mbedtls_x509_crt *c = x->ca; c != NULL; c = c->next)
        if (is_rsa(&c->pk))
            return true;
    return false;
}

/* In 1.3 nothing is sliced: PSA's part of ECDHE begins in our hello, even if the server then speaks 1.2. */
static bool is_long_in_13(int state)
{
    return state == MBEDTLS_SSL_CLIENT_HELLO || state == MBEDTLS_SSL_SERVER_HELLO ||
           state == MBEDTLS_SSL_SERVER_CERTIFICATE || state == MBEDTLS_SSL_CERTIFICATE_VERIFY ||
           state == MBEDTLS_SSL_CLIENT_CERTIFICATE_VERIFY;
}

bool iot_tls_is_psk(int suite)
{
    for (uint32_t i = 0; i < SUITES; i++)
        if (suites[i].suite == suite)
            return (suites[i].kinds & IOT_TLS_PSK) != 0;
    return false;
}

/* What can be sliced are operations on a curve in a handshake that mbedTLS knows to be ECDHE-ECDSA. */
bool iot_tls_long_step(const struct iot_tls_state *x)
{
    int state = x->ssl.MBEDTLS_PRIVATE(state);
    const mbedtls_ssl_session *session = x->ssl.MBEDTLS_PRIVATE(session_negotiate);
    if (mbedtls_ssl_get_version_number(&x->ssl) == MBEDTLS_SSL_VERSION_TLS1_3)
        return is_long_in_13(state);
    if (session == NULL)
        return false;
    if (state < MBEDTLS_SSL_SERVER_CERTIFICATE || state > MBEDTLS_SSL_CERTIFICATE_VERIFY)
        return false;
    for (uint32_t i = 0; i < SUITES; i++)
        if (suites[i].suite == session->MBEDTLS_PRIVATE(ciphersuite) &&
            (suites[i].kinds == IOT_TLS_ECDHE_RSA || suites[i].kinds == IOT_TLS_PLATFORM))
            return true;
    return (state == MBEDTLS_SSL_SERVER_CERTIFICATE && has_rsa_authority(x)) ||
           (state == MBEDTLS_SSL_CERTIFICATE_VERIFY && is_rsa(&x->key));
}

/* Certificates in DER, which stay where they are. None: `*chain` stays NULL. */
static int parse_chain(const struct iot_bytes *der, uint32_t count, mbedtls_x509_crt **chain)
{
    if (count == 0)
        return 0;
    *chain = iot_arena_calloc(1, sizeof **chain);
    if (*chain == NULL)
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    mbedtls_x509_crt_init(*chain);
    for (uint32_t i = 0; i < count; i++) {
        int ret = mbedtls_x509_crt_parse_der_nocopy(*chain, der[i].ptr, der[i].len);
        if (ret != 0)
            return ret;
    }
    return 0;
}

static void free_chain(mbedtls_x509_crt **chain)
{
    mbedtls_x509_crt_free(*chain);
    iot_arena_free(*chain);
    *chain = NULL;
}

static int add_certificates(struct iot_tls *t)
{
    struct iot_tls_state *x = t->state;
    const struct iot_tls_options *o = t->opt;
    int ret = parse_chain(o->ca, o->ca_count, &x->ca);
    mbedtls_ssl_conf_ca_chain(&x->conf, x->ca, NULL);
    if (ret == 0)
        ret = parse_chain(o->cert, o->cert_count, &x->own);
    if (ret != 0 || o->cert_count == 0)
        return ret;
    ret = mbedtls_pk_parse_key(&x->key, o->key.ptr, o->key.len, NULL, 0, iot_drbg_random, x->drbg);
    return ret != 0 ? ret : mbedtls_ssl_conf_own_cert(&x->conf, x->own, &x->key);
}

/* IOT_OK also when there is none. */
static iot_err add_psk(struct iot_tls *t, int *ret)
{
    const struct iot_tls_options *o = t->opt;
    uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX], key[IOT_TLS_PSK_MAX];
    uint32_t len = 0;

    *ret = 0;
    if ((kinds_of(o) & IOT_TLS_PSK) == 0)
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
    return err;
}

/* In TLS 1.3 tickets come after the handshake, and mbedtls_ssl_read reports each.
 *
 * A server that is limited to 1.2 takes the first algorithm of ours that it knows; mbedTLS's own order begins
 * with RSA-PSS, which it then refuses in 1.2. In 1.3 servers sign with nothing but PSS of the RSA ones. */
#if IOT_TLS_13
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

static void configure(struct iot_tls *t)
{
    struct iot_tls_state *x = t->state;
    mbedtls_ssl_conf_rng(&x->conf, iot_drbg_random, x->drbg);
    mbedtls_ssl_conf_authmode(&x->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(&x->conf, iot_tls_on_certificate, t);
    mbedtls_ssl_conf_cert_profile(&x->conf, &profile);
    mbedtls_ssl_conf_groups(&x->conf, groups);
    mbedtls_ssl_conf_min_tls_version(&x->conf, MBEDTLS_SSL_VERSION_TLS1_2);
    /* A version without a suite for it would be chosen, and then found to have none in common. */
    mbedtls_ssl_conf_max_tls_version(&x->conf, MBEDTLS_SSL_VERSION_TLS1_2);
    if (offers_13(t->opt))
        configure_13(x);
    mbedtls_ssl_conf_session_tickets(&x->conf, t->opt->session_key != NULL);
    choose_suites(x, t->opt);
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

static iot_err credential_error(struct iot_tls *t, int ret)
{
    t->detail = ret;
    return t->arena.failed != 0 ? iot_tls_error(t, ret) : IOT_ERR_TLS_CREDENTIAL;
}

static iot_err fill(struct iot_tls *t)
{
    struct iot_tls_state *x = t->state;
    int ret = mbedtls_ssl_config_defaults(&x->conf, MBEDTLS_SSL_IS_CLIENT,
                                          MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
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

    ask_for_small_records(x, offers_13(t->opt));
    if (t->opt->alpn != NULL)
        /* it only reads them; its prototype forgot a const */
        ret = mbedtls_ssl_conf_alpn_protocols(&x->conf, (const char **)(uintptr_t)t->opt->alpn);
    if (ret == 0)
        ret = mbedtls_ssl_setup(&x->ssl, &x->conf);
    x->named = !is_address(iot_tls_name(t));
    if (ret == 0)
        ret = mbedtls_ssl_set_hostname(&x->ssl, x->named ? iot_tls_name(t) : NULL);
    t->stuck = IOT_ERR_KV;
    return ret == 0 ? iot_tls_resume(t) : iot_tls_error(t, ret);
}

iot_err iot_tls_setup(struct iot_tls *t)
{
    int64_t floor_s = 0;
    t->stuck = IOT_ERR_KV;
    iot_err err = iot_tls_floor(t, &floor_s);
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
    t->stuck = IOT_ERR_RANDOM;
    err = iot_drbg_new(t->port, &x->drbg);
    if (err == IOT_OK) {
        iot_drbg_enter(x->drbg);
        mbedtls_ecp_set_max_ops(IOT_TLS_ECP_OPS);
        err = fill(t);
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

void iot_tls_setup_shrink(struct iot_tls *t)
{
    struct iot_tls_state *x = t->state;
    drop_peer_certificate(x);
    mbedtls_ssl_conf_ca_chain(&x->conf, NULL, NULL);
    free_chain(&x->ca);
}

void iot_tls_teardown(struct iot_tls *t)
{
    struct iot_tls_state *x = t->state;
    if (x == NULL)
        return;
    mbedtls_ssl_free(&x->ssl);
    mbedtls_ssl_config_free(&x->conf);
    free_chain(&x->ca);
    free_chain(&x->own);
    mbedtls_pk_free(&x->key);
    iot_drbg_free(x->drbg);
    iot_drbg_enter(NULL);
    iot_arena_free(x);
    t->state = NULL;
}

#endif
