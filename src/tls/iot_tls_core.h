/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS over a stream (iot_tls_stream.h) and DTLS over datagrams (iot_tls_dgram.h) have in common: options, whom we
 * speak to, mbedTLS's contexts in the arena, and what is known of the peer's certificates. It knows nothing of what
 * carries the records. */
#ifndef IOT_TLS_CORE_H
#define IOT_TLS_CORE_H

#include "crypto/iot_crypto_arena.h"
#include "iot/iot_port.h"
#include "iot/iot_stream.h"
#include "iot/iot_tls.h"

struct iot_dtls_accept;
struct iot_tls_state;

/** Longest PSK and its identity that a source may give. */
#define IOT_TLS_PSK_MAX          64
#define IOT_TLS_PSK_IDENTITY_MAX 100

/** Key and identity for PSK, asked for at each connection when the options hold none. IOT_OK;
 *  IOT_ERR_AGAIN; IOT_ERR_STATE: there is none this time, and PSK is not offered; another error ends the attempt. */
typedef iot_err (*iot_tls_psk_source)(void *ctx, uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX],
                                      uint32_t *identity_len, uint8_t key[IOT_TLS_PSK_MAX]);

struct iot_tls_core {
    bool dgram; /* DTLS; for good, set at init */
    uint8_t save_tries;
    bool doubtful;   /* dates were judged without trusted time */
    bool to_save;    /* the new session is not yet in kv */
    bool judged;     /* the chain was looked at in this handshake: it was no resumption */
    bool shun;       /* the session in kv is not offered: it, or the login behind it, failed */
    bool slicing;    /* the last handshake step was a slice */
    int16_t stuck;   /* PREPARE: the name of what never comes */
    uint16_t faults; /* enum iot_tls_fault, of the chain that is looked at */
    const struct iot_tls_options *opt;
    const struct iot_port *port;
    const struct iot_endpoint *to;
    struct iot_tls_state *state; /* mbedTLS's, in the arena; NULL: none */
    struct iot_arena arena;
    uint32_t high; /* most bytes of the arena since init */
    iot_tls_psk_source psk;
    void *psk_ctx;
#if IOT_FEATURE_DTLS_SERVER
    /* The server's end: makes its contexts (iot_tls_dgram_server.c). NULL: the client's. */
    iot_err (*server)(struct iot_tls_core *t);
    const struct iot_dtls_accept *accept; /* ... and the keys that it knows */
#endif
    bool (*wall)(void *ctx, int64_t *now_s); /* trusted time where the port has none; or NULL */
    void *wall_ctx;
    iot_err reason; /* why it is over, or soon will be */
    int32_t detail;
    iot_time now;                     /* of the call under way */
    iot_time deadline;                /* of the phase */
    int64_t valid_from_s, valid_to_s; /* the narrowest dates of the peer's chain */
};

/** Is this the server's end? */
static inline bool iot_tls_core_serves(const struct iot_tls_core *t)
{
#if IOT_FEATURE_DTLS_SERVER
    return t->server != NULL;
#else
    (void)t;
    return false;
#endif
}

/** Options fit: IOT_OK; IOT_ERR_ARG: no authority for a kind that needs one, PSK without a key (and
 *  no source), certificate without key, unknown kinds; arena not aligned, too large or missing. */
iot_err iot_tls_check(const struct iot_tls_options *opt, bool psk_source);

/** The peer refused us behind the handshake: should this be the doing of a kept session (which shows no
 *  certificate and no key again), the next handshake is a full one. */
void iot_tls_core_refused(struct iot_tls_core *t);

/** May the peer be believed that it is now `unix_s`? It is authenticated; but it cannot vouch for a time at which its own
 *  certificates would be bad, or that has passed for certain. If so, what was judged without trusted time is judged
 *  again. */
bool iot_tls_core_vouches(struct iot_tls_core *t, int64_t unix_s);

void iot_tls_core_memory(const struct iot_tls_core *t, struct iot_tls_memory *out);

#endif
