/* SPDX-License-Identifier: Apache-2.0 */
/* iot_dgram over another iot_dgram: DTLS 1.2 by mbedTLS, one handshake step or one record per tick, all memory in one
 * arena. What a TLS stream and this have in common is struct iot_tls_core.
 *
 *     IDLE -open-> LOWER -up-> PREPARE -> HANDSHAKE -> UP -close-> OVER (close_notify is offered once: nobody confirms it)
 *                      (chance, kv: AGAIN) \- a kept context -> UP       park -> SAVE -> OVER
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
    const struct iot_dtls_options *dtls;
    struct iot_dgram *lower;
    iot_time deadline;               /* of the phase */
    iot_time flight_mid, flight_end; /* mbedTLS's timer: when its two delays pass; NEVER: not set */
};

/** `lower` carries the datagrams; options and port outlive the channel. `dtls` may be NULL. */
void iot_dtls_init(struct iot_dtls *d, struct iot_dgram *lower, const struct iot_tls_options *opt,
                   const struct iot_dtls_options *dtls, const struct iot_port *port);

/** Instead of close: keep the association under dtls.context_key and say nothing to the peer; then `poll` gives CLOSED. Whatever
 *  prevents it (no key, kv refuses, no connection) only means a handshake next time. */
void iot_dtls_park(struct iot_dtls *d);

/** It is up by a context that was kept: nobody has heard of the peer since. */
bool iot_dtls_is_kept(const struct iot_dtls *d);

/** Records that did not authenticate, were replays or not for us: dropped without a word; since init. */
uint32_t iot_dtls_dropped(const struct iot_dtls *d);

#endif
#endif
