/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_tls.h
 * The TLS words of build/probe:
 *
 *     ca=FILE cert=FILE key=FILE     PEM or DER; cert may hold the chain behind ours
 *     name=TEXT                      SNI, and what the certificate must be for; default: HOST
 *     alpn=TEXT[,TEXT...]            psk=HEX psk-id=TEXT
 *     suites=platform                older suites of the platform's SDK as well
 *     kinds=ecdsa[,rsa][,psk]        instead of ecdsa,rsa (with ca=) and psk (with psk=)
 *     time=unknown                   no trusted time; without it the machine's clock is trusted
 *     arena=BYTES
 */
#ifndef PROBE_TLS_H
#define PROBE_TLS_H

#include "host/host_pem.h"
#include "iot/iot.h"
#include "probe_event.h"

#define PROBE_ARENA_BYTES (96u * 1024u)

/* Pointers into the words of the command, and into itself. */
struct probe_tls {
    struct iot_tls_options options;
    struct iot_port port;
    struct host_pem ca, cert, key;
    const char *alpn[8];
    uint32_t kinds;
    bool platform;
    uint8_t psk[IOT_DEVICE_SECRET_MAX];
};

void probe_tls_begin(struct probe_tls *t);

/** One word, `name_len` bytes of it before the '='. PROBE_AGAIN: not one of TLS's. The value may be
 *  cut up in place. */
enum probe_step probe_tls_word(struct probe_tls *t, char *word, size_t name_len);

/** All words are there: make the options whole. */
enum probe_step probe_tls_end(struct probe_tls *t, const char *host);

#endif
