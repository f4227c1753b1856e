/* SPDX-License-Identifier: Apache-2.0 */
/* mbedTLS's numbers as errors of ours. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "tls/iot_tls_mbedtls.h"

#include <mbedtls/error.h>
#include <mbedtls/ssl_ciphersuites.h>

/* RFC 5246, section 7.2; RFC 4279, section 2 */
enum alert {
    BAD_RECORD_MAC = 20,
    DECRYPTION_FAILED = 21,
    HANDSHAKE_FAILURE = 40,
    ILLEGAL_PARAMETER = 47,
    DECRYPT_ERROR = 51,
    PROTOCOL_VERSION = 70,
    INSUFFICIENT_SECURITY = 71,
    UNKNOWN_PSK_IDENTITY = 115,
};

#define RECORD_MAX (16384 + 2048) /* RFC 5246, section 6.2.3: no TLS has larger ones */

static bool in_handshake(const struct iot_tls_state *x)
{
    /* in 1.3 tickets come behind it */
    return x->ssl.MBEDTLS_PRIVATE(state) < MBEDTLS_SSL_HANDSHAKE_OVER;
}

bool iot_tls_chose_psk(const struct iot_tls_state *x)
{
    const mbedtls_ssl_session *session = x->ssl.MBEDTLS_PRIVATE(session_negotiate);
    const mbedtls_ssl_ciphersuite_t *suite =
        session == NULL ? NULL
                        : mbedtls_ssl_ciphersuite_from_id(session->MBEDTLS_PRIVATE(ciphersuite));
    return suite != NULL && suite->MBEDTLS_PRIVATE(key_exchange) == MBEDTLS_KEY_EXCHANGE_PSK;
}

/* In 1.3 our hello itself shows that we have the key (RFC 8446, section 4.2.11.2); a session does, too. */
static bool showed_psk(const struct iot_tls_state *x)
{
    return mbedtls_ssl_get_version_number(&x->ssl) == MBEDTLS_SSL_VERSION_TLS1_3 &&
           x->conf.MBEDTLS_PRIVATE(psk) != NULL && !x->offered;
}

iot_err iot_tls_alert_error(struct iot_tls_core *t, uint8_t alert)
{
    const struct iot_tls_state *x = t->state;
    bool no_hello = x->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_HELLO;

    t->detail = alert;
    switch (alert) {
    case PROTOCOL_VERSION:
        return IOT_ERR_TLS_VERSION;
    case HANDSHAKE_FAILURE:
    case INSUFFICIENT_SECURITY:
        return no_hello ? IOT_ERR_TLS_KIND : IOT_ERR_TLS_ALERT;
    case UNKNOWN_PSK_IDENTITY:
        return IOT_ERR_TLS_PSK;
    case ILLEGAL_PARAMETER:
        return no_hello && showed_psk(x) ? IOT_ERR_TLS_PSK : IOT_ERR_TLS_ALERT;
    case BAD_RECORD_MAC:
    case DECRYPTION_FAILED:
    case DECRYPT_ERROR: /* to our first encrypted message: the keys differ */
        if (no_hello && showed_psk(x))
            return IOT_ERR_TLS_PSK;
        return in_handshake(x) && iot_tls_chose_psk(x) ? IOT_ERR_TLS_PSK : IOT_ERR_TLS_ALERT;
    default:
        return IOT_ERR_TLS_ALERT;
    }
}

/* The record header that mbedTLS stumbled over says a size that we have no room for. Anything that is
 * no TLS at all says sizes, too. */
static bool record_too_large(struct iot_tls_core *t)
{
    const mbedtls_ssl_context *ssl = &t->state->ssl;
    const uint8_t *header = ssl->MBEDTLS_PRIVATE(in_hdr);
    if (t->dgram) /* those are dropped */
        return false;
    if (header == NULL || header[0] < MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC ||
        header[0] > MBEDTLS_SSL_MSG_APPLICATION_DATA || header[1] != 3)
        return false;
    t->detail = header[3] << 8 | header[4];
    if (t->detail > RECORD_MAX)
        return false;
    if (t->detail > IOT_TLS_RX_BYTES)
        return true;
    /* of what is inside, in 1.3 */
    if (ssl->MBEDTLS_PRIVATE(in_msgtype) != MBEDTLS_SSL_MSG_HANDSHAKE || !in_handshake(t->state))
        return false;
    t->detail = (int32_t)ssl->MBEDTLS_PRIVATE(in_hslen);
    return t->detail > IOT_TLS_RX_BYTES;
}

/* Codes of mbedTLS's X.509 module, whatever ASN.1 adds to them. */
static bool is_of_x509(int code)
{
    return code <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && code >= MBEDTLS_ERR_X509_FATAL_ERROR;
}

iot_err iot_tls_error(struct iot_tls_core *t, int code)
{
    if (t->arena.failed != 0) {
        t->detail = t->arena.failed > INT32_MAX ? INT32_MAX : (int32_t)t->arena.failed;
        return IOT_ERR_TLS_MEMORY;
    }
    t->detail = code;
    switch (code) {
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE: /* of a kind, or for a use, that does not fit the suite */
        t->faults |= iot_tls_faults(mbedtls_ssl_get_verify_result(&t->state->ssl));
        t->detail = t->faults != 0 ? t->faults : IOT_TLS_FAULT_OTHER;
        return IOT_ERR_TLS_VERIFY;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return iot_tls_alert_error(t, t->state->ssl.MBEDTLS_PRIVATE(in_msg)[1]);
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        t->detail = 0;
        return IOT_ERR_TLS_CLOSED;
    case MBEDTLS_ERR_SSL_CONN_EOF:
        t->detail = 0;
        return IOT_ERR_TLS_EOF;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED: /* not by the arena: PSA has no free slot for a key */
        return IOT_ERR_TLS_MEMORY;
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return IOT_ERR_TLS_VERSION;
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_BAD_INPUT_DATA:
    case MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL:
        if (t->state != NULL && record_too_large(t))
            return IOT_ERR_TLS_RECORD;
        t->detail = code;
        return IOT_ERR_TLS_PROTOCOL;
    default:
        break;
    }
    if (t->state != NULL && in_handshake(t->state) && is_of_x509(code)) {
        t->detail =
            IOT_TLS_FAULT_OTHER; /* it cannot be parsed, or has a critical part that nobody knows */
        return IOT_ERR_TLS_VERIFY;
    }
    return IOT_ERR_TLS_PROTOCOL;
}

#endif
