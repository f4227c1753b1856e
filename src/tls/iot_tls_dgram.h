/* SPDX-License-Identifier: Apache-2.0 */
/* iot_dgram over another iot_dgram: DTLS 1.2 (RFC 6347) by mbedTLS, one handshake step or one datagram per tick, all
 * memory in one arena. What a TLS stream and this have in common is struct iot_tls_core.
 *
 *     IDLE -open-> LOWER -up-> PREPARE -> HANDSHAKE -> UP -close-> CLOSING -> OVER
 *                (chance, kv: AGAIN) \-> WAKE -> UP      \-park-> SAVE -> CLOSING
 *                                 (a kept association)
 *
 * What is not authentic changes nothing: it is dropped without a word. While a handshake lasts there is little that could
 * be authentic, so that somebody who can forge the server's address can end it with a forged message of the handshake,
 * which costs this attempt; with a forged alert, or with garbage under the coming keys, he cannot: a plain alert counts only if
 * nothing better came by the time at which our flight would be sent again.
 *
 * The server's end (iot_dtls_init_server) goes the same way, but for what is kept. A wrong key and a name that nobody knows
 * are alike there: it says no word to what it cannot decrypt, and ends by its deadline.
 *
 * close_notify is said once and nobody confirms it. Nothing else tells that the server has lost its end, or us behind another address:
 * who waits for an answer has to notice.
 */
#ifndef IOT_TLS_DGRAM_H
#define IOT_TLS_DGRAM_H

#include "iot/iot_dgram.h"
#include "iot/iot_dtls.h"
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_DTLS

struct iot_dtls {
    struct iot_dgram base;
    struct iot_tls_core core;
    uint8_t phase;
    bool heard;    /* this tick's one datagram has been read */
    bool looked;   /* at what is kept, in this opening */
    bool kept;     /* up by it, and nothing has come since */
    int16_t alert; /* that came in plain text in the handshake; -1: none since its last step */
    const struct iot_dtls_options *dtls;
    struct iot_dgram *lower;
    iot_time
        flight_end; /* mbedTLS's timer: its flight goes out again; or until when the store is asked. NEVER: not set */
    uint32_t dropped;
    iot_time heard_at; /* what was authentic and new came last; 0: nothing since it was opened */
};

/** `lower` carries the datagrams; options and port outlive the channel. `dtls` may be NULL. The owner's wake and on_busy are set
 *  in `base`, a source of PSKs and of trusted time in `core`; the lower channel's wake is taken from there at open. */
void iot_dtls_init(struct iot_dtls *d, struct iot_dgram *lower, const struct iot_tls_options *opt,
                   const struct iot_dtls_options *dtls, const struct iot_port *port);

#if IOT_FEATURE_DTLS_SERVER
/* What the server's side of an association needs to know; the owner has seen a cookie that is right (iot_tls_cookie.h) before it opens
 * one, whose first datagram is the ClientHello with it. */
struct iot_dtls_accept {
    /* The key of this identity; IOT_OK. Anything else: there is none, and whoever it is learns nothing of that. */
    iot_err (*key)(void *ctx, struct iot_bytes identity, uint8_t key[IOT_TLS_PSK_MAX],
                   uint32_t *len);
    void *ctx;
};

/** The same as iot_dtls_init, for the server's side: one peer, PSK only (opt->kinds is IOT_TLS_PSK; opt->psk is not used), no
 *  connection ID, nothing is kept. `accept` outlives the channel. The endpoint that it is opened with is not looked at. */
void iot_dtls_init_server(struct iot_dtls *d, struct iot_dgram *lower,
                          const struct iot_tls_options *opt, const struct iot_dtls_options *dtls,
                          const struct iot_port *port, const struct iot_dtls_accept *accept);

/** Whose key it was; valid while it is up. Length 0: it is not. */
struct iot_bytes iot_dtls_identity(const struct iot_dtls *d);

/** What was authentic and new came last at; 0: nothing yet. */
iot_time iot_dtls_heard(const struct iot_dtls *d);
#endif

/** Options fit: as iot_tls_check, and: context_key is a name for kv, not session_key's; mtu 0 or at least 128. IOT_OK;
 *  IOT_ERR_ARG. */
iot_err iot_dtls_check(const struct iot_tls_options *opt, const struct iot_dtls_options *dtls,
                       bool psk_source);

/** Instead of close: keep the association under dtls.context_key and say nothing to the peer; then `poll` gives CLOSED. Whatever
 *  prevents it (no key, kv refuses, no connection, or it came by a resumed session and the peer has not yet said a
 *  word) only means a handshake next time. */
void iot_dtls_park(struct iot_dtls *d);

/** It is up by a context that was kept: nobody has heard of the peer since. */
bool iot_dtls_is_kept(const struct iot_dtls *d);

/** What did not authenticate, was a replay, or too large to be received: dropped without a word. Datagrams, while it is
 *  up; plain alerts and garbage under the coming keys, in the handshake; since init. */
uint32_t iot_dtls_dropped(const struct iot_dtls *d);

/** What was negotiated, as iot_tls_suite. */
const char *iot_dtls_suite(const struct iot_dtls *d);

/** It is up by a session of an earlier handshake, as iot_tls_is_resumed. */
bool iot_dtls_is_resumed(const struct iot_dtls *d);

#endif
#endif
