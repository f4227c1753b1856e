/* SPDX-License-Identifier: Apache-2.0 */
/* What may be negotiated, and what that costs in one step. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "core/iot_core_assert.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#include <mbedtls/ssl_ciphersuites.h>

#define KINDS_ALL                                                                                  \
    (IOT_TLS_ECDHE_ECDSA | IOT_TLS_PSK | (IOT_FEATURE_TLS_RSA ? IOT_TLS_ECDHE_RSA : 0) |           \
     (IOT_FEATURE_TLS_PLATFORM ? IOT_TLS_PLATFORM : 0))
#define KINDS_CERT     (IOT_TLS_ECDHE_ECDSA | IOT_TLS_ECDHE_RSA)
#define NAME_MAX_BYTES 253u /* RFC 1035, section 2.3.4 */

/* Beside the kinds: only over datagrams, where RFC 7925 makes the short tag common; or in another place there. */
#define ONLY_DGRAM  0x40u
#define ONLY_STREAM 0x80u
#define KINDS_MASK  0x3fu

/* Best first. A suite is offered if its kinds are all asked for: PSK suites only with a key at hand. */
static const struct {
    uint16_t suite;
    uint8_t kinds;
} suites[] = {
#if IOT_FEATURE_TLS_13
    {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, 0},
    {MBEDTLS_TLS1_3_AES_256_GCM_SHA384, 0},
    {MBEDTLS_TLS1_3_AES_128_CCM_SHA256, 0},
#endif
#if IOT_FEATURE_DTLS
    {MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8, IOT_TLS_PSK | ONLY_DGRAM},
#endif
    {MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256, IOT_TLS_PSK},
    {MBEDTLS_TLS_PSK_WITH_AES_128_CCM, IOT_TLS_PSK},
    {MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8, IOT_TLS_PSK | ONLY_STREAM},
#if IOT_FEATURE_DTLS
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, IOT_TLS_ECDHE_ECDSA | ONLY_DGRAM},
#endif
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, IOT_TLS_ECDHE_ECDSA},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, IOT_TLS_ECDHE_ECDSA},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM, IOT_TLS_ECDHE_ECDSA},
#if IOT_FEATURE_TLS_RSA
    {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, IOT_TLS_ECDHE_RSA},
    {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, IOT_TLS_ECDHE_RSA},
#endif
#if IOT_FEATURE_TLS_RSA && IOT_FEATURE_TLS_PLATFORM
    {MBEDTLS_TLS_RSA_WITH_AES_128_GCM_SHA256, IOT_TLS_PLATFORM},
    {MBEDTLS_TLS_RSA_WITH_AES_256_CBC_SHA256, IOT_TLS_PLATFORM},
    {MBEDTLS_TLS_RSA_WITH_AES_128_CBC_SHA256, IOT_TLS_PLATFORM},
#endif
#if IOT_FEATURE_TLS_PLATFORM
    {MBEDTLS_TLS_PSK_WITH_AES_128_CBC_SHA, IOT_TLS_PLATFORM | IOT_TLS_PSK},
#endif
};

#define SUITES (sizeof suites / sizeof suites[0])

IOT_STATIC_ASSERT(SUITES <= IOT_TLS_SUITES_MAX, "iot_tls_state.suites has room for all");

uint32_t iot_tls_kinds(const struct iot_tls_options *o)
{
    return o->kinds != 0 ? o->kinds : IOT_TLS_KINDS_DEFAULT;
}

static bool is_name(const char *name)
{
    return name == NULL || (name[0] != '\0' && strlen(name) <= NAME_MAX_BYTES);
}

/* RFC 7301, section 3.1. */
static bool are_protocols(const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if ((*names)[0] == '\0' || strlen(*names) > 255)
            return false;
    return true;
}

/* As iot_port.kv_get wants them, and not our own. */
bool iot_tls_is_key(const char *key)
{
    const size_t own = sizeof IOT_TLS_TIME_KEY - 1;

    if (key == NULL)
        return true;
    size_t len = strlen(key);
    return len >= 1 && len <= 15 && (len != own || memcmp(key, IOT_TLS_TIME_KEY, own) != 0);
}

iot_err iot_tls_check(const struct iot_tls_options *o, bool psk_source)
{
    uint32_t kinds = iot_tls_kinds(o);
    bool psk = o->psk.ptr != NULL ? o->psk.len != 0 && o->psk_identity.len != 0 : psk_source;
    bool only_psk = (kinds & ~(uint32_t)IOT_TLS_PLATFORM) == IOT_TLS_PSK;

    if (!is_name(o->server_name) || !are_protocols(o->alpn) || !iot_tls_is_key(o->session_key))
        return IOT_ERR_ARG;
    if ((kinds & ~(uint32_t)KINDS_ALL) != 0 || ((kinds & IOT_TLS_PSK) != 0 && !psk))
        return IOT_ERR_ARG;
    if (!only_psk && (o->ca == NULL || o->ca_count == 0))
        return IOT_ERR_ARG;
    if ((o->cert_count != 0) != (o->key.ptr != NULL) || (o->cert_count != 0 && o->cert == NULL))
        return IOT_ERR_ARG;
    if (o->psk.len > IOT_TLS_PSK_MAX || o->psk_identity.len > IOT_TLS_PSK_IDENTITY_MAX)
        return IOT_ERR_ARG;
    return iot_arena_fits(o->arena, o->arena_bytes) ? IOT_OK : IOT_ERR_ARG;
}

/* TLS 1.3 leaves the kind of key to the certificate: offered only where all are welcome. mbedTLS has no DTLS 1.3. */
bool iot_tls_offers_13(const struct iot_tls_core *t)
{
    return IOT_FEATURE_TLS_13 && !t->dgram && (iot_tls_kinds(t->opt) & KINDS_CERT) == KINDS_CERT &&
           t->opt->ca_count != 0;
}

static bool offered(uint32_t i, const struct iot_tls_core *t)
{
    uint32_t kinds = suites[i].kinds & KINDS_MASK;
    if (kinds == 0)
        return iot_tls_offers_13(t);
    return (suites[i].kinds & (t->dgram ? ONLY_STREAM : ONLY_DGRAM)) == 0 &&
           (kinds & ~iot_tls_kinds(t->opt)) == 0 &&
           (t->opt->ca_count != 0 || (kinds & IOT_TLS_PSK) != 0);
}

void iot_tls_choose_suites(const struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    uint32_t n = 0;
    for (uint32_t i = 0; i < SUITES; i++)
        if (offered(i, t))
            x->suites[n++] = suites[i].suite;
    x->suites[n] = 0;
    mbedtls_ssl_conf_ciphersuites(&x->conf, x->suites);
}

static bool is_rsa(const mbedtls_pk_context *key)
{
    return mbedtls_pk_get_type(key) == MBEDTLS_PK_RSA;
}

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
    /* A chain may hold RSA whatever the suite and the authorities are, and mbedTLS computes before it trusts. */
    bool certificate = state == MBEDTLS_SSL_SERVER_CERTIFICATE &&
                       !iot_tls_is_psk(session->MBEDTLS_PRIVATE(ciphersuite));
    return certificate || (state == MBEDTLS_SSL_CERTIFICATE_VERIFY && is_rsa(&x->key));
}

#endif
