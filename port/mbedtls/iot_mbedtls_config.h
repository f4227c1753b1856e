/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mbedtls_config.h
 * How mbedTLS 3.6 is built for lwlink: MBEDTLS_CONFIG_FILE names this file, for mbedTLS and for whoever includes
 * its headers. A client, and a server of DTLS with keys (IOT_FEATURE_DTLS_SERVER); no clock, no file, no heap but the
 * arena of the stream at work.
 *
 * Sizes and switches come from iot_config.h: change them there, or on the compiler's command line for all.
 */
#ifndef IOT_MBEDTLS_CONFIG_H
#define IOT_MBEDTLS_CONFIG_H

/* mbedTLS says which it is before it asks for this file. Series 2.28 does not, and may lie in /usr/include. */
#if !defined(MBEDTLS_VERSION_NUMBER) || MBEDTLS_VERSION_NUMBER < 0x03060000 ||                     \
    MBEDTLS_VERSION_NUMBER >= 0x04000000
#error "lwlink is written for mbedTLS 3.6: put the include folder of its sources first"
#endif

#include <stddef.h>

#include "iot/iot_config.h"

/* ---- The platform ------------------------------------------------------------------------ */

/* Memory comes from the arena of the stream that is at work; NULL when it is full or when none is. */
void *iot_arena_calloc(size_t count, size_t size);
void iot_arena_free(void *block);

#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_CALLOC_MACRO iot_arena_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO   iot_arena_free

/* Nothing of stdio and no exit: they would bring malloc and the system's calls along. What is printed is
 * lost; who asks mbedTLS for a text gets its error for "does not fit". */
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_PLATFORM_SNPRINTF_MACRO(...)        (-1)
#define MBEDTLS_PLATFORM_VSNPRINTF_MACRO(...)       (-1)
#define MBEDTLS_PLATFORM_PRINTF_MACRO(...)          (0)
#define MBEDTLS_PLATFORM_FPRINTF_MACRO(...)         (0)
#define MBEDTLS_PLATFORM_EXIT_MACRO(status)         ((void)(status))
#define MBEDTLS_PLATFORM_SETBUF_MACRO(file, buffer) ((void)0)

/* No HAVE_TIME: nothing below the tick reads a clock. Dates are compared in our verify callback. */
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_DEPRECATED_REMOVED

/* ---- Digests and ciphers ----------------------------------------------------------------- */

#define MBEDTLS_MD_C
#define MBEDTLS_MD5_C
#define MBEDTLS_SHA1_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C

#define MBEDTLS_CIPHER_C
#if IOT_FEATURE_TLS_PLATFORM
#define MBEDTLS_CIPHER_MODE_CBC
#define MBEDTLS_CIPHER_PADDING_PKCS7
#endif
#define MBEDTLS_AES_C
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_AES_ROM_TABLES /* else they are made in RAM at first use, for the whole process */
#define MBEDTLS_GCM_C
#define MBEDTLS_CCM_C

#define MBEDTLS_CTR_DRBG_C /* its seed is the caller's: no entropy module */

/* ---- Public keys ------------------------------------------------------------------------- */

#define MBEDTLS_BIGNUM_C
#define MBEDTLS_MPI_MAX_SIZE 512 /* RSA of 4096 bits: some roots */
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED /* no x25519: it is not sliced */
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED /* certificates only */
#define MBEDTLS_ECP_NIST_OPTIM
/* Tables of points in the arena: with 2 it is 250 bytes less and a handshake costs 8 % more, with 4 it is 1.3 KB
 * more and 3 % less. Tables of the generators in flash, 6 KB: 30 % less. */
#define MBEDTLS_ECP_WINDOW_SIZE       3
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 1
#define MBEDTLS_ECP_RESTARTABLE
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#if IOT_FEATURE_TLS_RSA
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21
#endif
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C

/* ---- Certificates: DER from memory ------------------------------------------------------- */

#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#if IOT_FEATURE_TLS_RSA
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#endif
#define MBEDTLS_X509_REMOVE_INFO

/* ---- TLS --------------------------------------------------------------------------------- */

#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#if IOT_FEATURE_DTLS_SERVER
#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_SSL_DTLS_HELLO_VERIFY
#endif
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_SSL_IN_CONTENT_LEN  IOT_TLS_RX_BYTES
#define MBEDTLS_SSL_OUT_CONTENT_LEN IOT_TLS_TX_BYTES
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_ALPN
#define MBEDTLS_PSK_MAX_LEN 64 /* the platform's */
#define MBEDTLS_SSL_SESSION_TICKETS
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#if IOT_FEATURE_TLS_PLATFORM
#define MBEDTLS_SSL_ENCRYPT_THEN_MAC
#endif
#define MBEDTLS_SSL_ALL_ALERT_MESSAGES

#if IOT_FEATURE_DTLS
#define MBEDTLS_SSL_PROTO_DTLS
#define MBEDTLS_SSL_DTLS_ANTI_REPLAY
#define MBEDTLS_SSL_DTLS_CONNECTION_ID
#define MBEDTLS_SSL_CID_IN_LEN_MAX  1 /* ours is empty: one server, one socket */
#define MBEDTLS_SSL_CID_OUT_LEN_MAX 32
#define MBEDTLS_SSL_CID_TLS1_3_PADDING_GRANULARITY                                                 \
    1 /* no padding: bytes on the air cost more than lengths tell */
#define MBEDTLS_SSL_CONTEXT_SERIALIZATION
/* Fragments of messages, and what came too early, bytes of arena: the next message has room in any case; for what comes
 * behind it there may be none, then the server sends it again. */
#define MBEDTLS_SSL_DTLS_MAX_BUFFERING (IOT_TLS_RX_BYTES + IOT_TLS_RX_BYTES / 8 + 64)
#endif

#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_PSK_ENABLED
#if IOT_FEATURE_TLS_RSA
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#endif
#if IOT_FEATURE_TLS_RSA && IOT_FEATURE_TLS_PLATFORM
#define MBEDTLS_KEY_EXCHANGE_RSA_ENABLED
#endif

#if IOT_FEATURE_TLS_13
/* TLS 1.3 computes with PSA in any case; 1.2 does not (no USE_PSA_CRYPTO), or it could not be sliced. */
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_RECORD_SIZE_LIMIT
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_HKDF_C
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG /* mbedtls_psa_external_get_random is ours */
/* The store outlives any stream's arena, so its keys lie in the store itself. A handshake has two at most. */
#define MBEDTLS_PSA_STATIC_KEY_SLOTS
#define MBEDTLS_PSA_KEY_SLOT_COUNT 8
/* bytes: secrets and P-384 points; RSA keys never come here */
#define MBEDTLS_PSA_STATIC_KEY_SLOT_BUFFER_SIZE 128
#endif

#endif
