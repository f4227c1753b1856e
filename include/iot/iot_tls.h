/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_tls.h
 * TLS over any iot_stream: whom to trust, how to prove who we are, and the memory for it.
 *
 * TLS 1.2 (RFC 5246), with IOT_FEATURE_TLS_13 also 1.3 (RFC 8446); never older, no renegotiation. 1.3 is
 * offered if both ECDHE kinds are allowed, as there the server's certificate alone decides between
 * them; none of its steps is sliced, and a server that changes its keys (KeyUpdate) is left. The
 * server's certificate is always checked: chain up to one of `ca`, name in subjectAltName (RFC 9525:
 * a name by dNSName, an address by iPAddress; the common name counts for nothing), key usage, key size
 * (RSA 2048 to 4096 with an exponent of at most 32 bits, P-256, P-384), digest, and dates. Not looked
 * at: revocation, and name constraints that are not critical; with critical ones a chain is refused.
 *
 * Dates: with trusted time (iot_port.wall, else iot_time_ask) both are checked. While it is unknown the end of each
 * certificate is compared with the latest moment that must have passed: `min_wall_s`, or the last
 * trusted time that was saved in the port's kv. When time becomes known they are checked again, and
 * a link whose dates do not fit is dropped.
 */
#ifndef IOT_TLS_H
#define IOT_TLS_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What may be negotiated; the price of the longest step that cannot be sliced is in README. */
enum iot_tls_kind {
    IOT_TLS_ECDHE_ECDSA = 1, /* certificate with an elliptic key; AES-GCM, AES-CCM. Sliced */
    IOT_TLS_ECDHE_RSA = 2,   /* certificate with an RSA key; AES-GCM. Long steps */
    IOT_TLS_PSK = 4,         /* a key both sides know, no certificate; AES-GCM, AES-CCM. Cheapest */
    IOT_TLS_PLATFORM = 8,    /* older suites that the platform's own SDK uses: RSA key exchange and
                                PSK, with AES-CBC. No forward secrecy: only if nothing else goes */
    IOT_TLS_KINDS_DEFAULT = IOT_TLS_ECDHE_ECDSA | (IOT_FEATURE_TLS_RSA ? IOT_TLS_ECDHE_RSA : 0),
};

/** IOT_ERR_TLS_VERIFY: what is wrong with the server's certificate; bits of `detail`. Names and texts
 *  by iot_err_detail_name and iot_err_detail_text. */
enum iot_tls_fault {
    IOT_TLS_FAULT_CA = 1,        /* no chain to one of `ca`; self-signed, or another authority */
    IOT_TLS_FAULT_NAME = 2,      /* issued for another name */
    IOT_TLS_FAULT_EXPIRED = 4,   /* its end has passed: or our clock runs ahead */
    IOT_TLS_FAULT_NOT_YET = 8,   /* its beginning has not come: or our clock runs behind */
    IOT_TLS_FAULT_USAGE = 16,    /* not for a TLS server */
    IOT_TLS_FAULT_KEY = 32,      /* key too short, or of a kind that is not allowed */
    IOT_TLS_FAULT_DIGEST = 64,   /* signed with SHA-1 or worse */
    IOT_TLS_FAULT_MISSING = 128, /* there was none */
    IOT_TLS_FAULT_OTHER = 256,
};

struct iot_device;

/** Everything is borrowed as long as options are; const in flash is fine (but for the arena). */
struct iot_tls_options {
    /** Certificate authorities, DER each, not copied. Needed for every kind but PSK. */
    const struct iot_bytes *ca;
    uint8_t ca_count;

    /** Our own certificate, DER, first ours, then what leads to its authority; and its private key,
     *  DER (RFC 5915, PKCS#1 or PKCS#8). Count 0: none. */
    uint8_t cert_count;
    const struct iot_bytes *cert;
    struct iot_bytes key;

    /** Pre-shared key and the name by which the server finds it (RFC 4279). Left NULL with a platform
     *  identity (iot_link.h): made from that. */
    struct iot_bytes psk;
    struct iot_bytes psk_identity;

    uint32_t kinds;          /* enum iot_tls_kind; 0: IOT_TLS_KINDS_DEFAULT */
    const char *server_name; /* what the certificate must be for, and SNI, 1..253 characters; NULL:
                                host */
    const char *const *alpn; /* RFC 7301, NULL at the end, best first; NULL: not sent. A server that
                                chooses none of them is accepted */
    int64_t min_wall_s; /* it is not earlier than this (build date), seconds since 1970; 0: none */

    /** Name under which the session is kept in the port's kv for a quick reconnect (RFC 5077), one per
     *  device, at most 15 characters, not "iot-time"; NULL: always a full handshake. Of at most IOT_TLS_SESSION_BYTES; a larger one is not kept. Another
     *  host, authority or identity, and dates that have passed make it void. */
    const char *session_key;

    /** All the memory that TLS uses: 8-byte aligned, for one device alone. Bytes per kind are in
     *  README; too little is IOT_ERR_TLS_MEMORY. */
    void *arena;
    uint32_t arena_bytes;
};

/** Use of a TLS arena, bytes, each block with its 4-byte header. */
struct iot_tls_memory {
    uint32_t used, high, max;
    uint32_t blocks; /* live allocations */
};

#ifdef __cplusplus
}
#endif
#endif
