/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_dtls.h
 * What DTLS 1.2 (RFC 6347) wants to know beside iot_tls.h: timers and sizes of datagrams, connection IDs (RFC 9146),
 * and a context that outlives the device's sleep.
 *
 * Whom to trust, keys, kinds and the arena are iot_tls_options, and mean the same. Without IOT_TLS_PLATFORM only AEAD suites are
 * offered; with a PSK also AES-CCM-8, which RFC 7925 makes the common one of small devices.
 */
#ifndef IOT_DTLS_H
#define IOT_DTLS_H

#include "iot/iot_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Everything is borrowed as long as the options are; const in flash is fine. Times in ms, 0: the default. */
struct iot_dtls_options {
    uint16_t
        mtu; /* largest datagram that is sent, bytes of UDP payload, records' heads included: 1,200 */
    bool
        cid; /* offer a connection ID: a server that takes it knows us behind another address, too. Nothing
                          else changes with one that does not */
    uint32_t
        first_ms; /* a flight of the handshake is sent again after: 1,000 (RFC 6347 4.2.4.1); RFC 7925 11 advises
                          9,000 where the link is slow */
    uint32_t
        last_ms; /* ... doubled each time up to: 60,000. IOT_TLS_HANDSHAKE_MS ends it in any case */
    /** Name under which the association is kept in the port's kv while the device sleeps (iot_coap_park), at most 15
     *  characters, one per channel, not "iot-time"; NULL: it is not kept. It is erased before it is used again, so that no
     *  record number is used twice whenever power fails. */
    const char *context_key;
};

#ifdef __cplusplus
}
#endif
#endif
