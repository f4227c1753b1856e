/* SPDX-License-Identifier: Apache-2.0 */
/* iot_stream over another iot_stream: TLS by mbedTLS, one handshake step or one record per tick, all
 * memory in one arena.
 *
 *     IDLE -open-> LOWER -connected-> PREPARE -> HANDSHAKE -> UP -close-> BYE -> CLOSING -> OVER
 *                        (chance, kv: AGAIN)                  (close_notify)  (the lower stream's)
 */
#ifndef IOT_TLS_STREAM_H
#define IOT_TLS_STREAM_H

#include "crypto/iot_crypto_arena.h"
#include "iot/iot_port.h"
#include "iot/iot_stream.h"
#include "iot/iot_tls.h"

struct iot_tls_state;

/** Longest PSK and its identity that a source may give. */
#define IOT_TLS_PSK_MAX          64
#define IOT_TLS_PSK_IDENTITY_MAX 100

/** Key and identity for PSK, asked for at each connection when the options hold none. IOT_OK;
 *  IOT_ERR_AGAIN; IOT_ERR_STATE: there is none this time, and PSK is not offered; another error ends the attempt. */
typedef iot_err (*iot_tls_psk_source)(void *ctx, uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX],
                                      uint32_t *identity_len, uint8_t key[IOT_TLS_PSK_MAX]);

/* Bytes are counted three times: `written` is plain text that was taken; when the lower stream has let go of
 * `mark_lower` of its bytes, the peer's TCP has confirmed the first `mark` of ours, which then are
 * `released`. One mark is out at a time. */
struct iot_tls {
    struct iot_stream base;
    uint8_t phase;
    uint8_t save_tries;
    bool may_read; /* this tick's one record is not yet decrypted */
    bool doubtful; /* dates were judged without trusted time */
    bool to_save;  /* the new session is not yet in kv */
    bool
        saved; /* one session per connection: flash wears, and a server may send tickets without end */
    bool judged;         /* the chain was looked at in this handshake: it was no resumption */
    bool shun;           /* the session in kv is not offered: it, or the login behind it, failed */
    bool more;           /* this tick has read its share of records */
    bool slicing;        /* the last handshake step was a slice */
    bool reading;        /* inside of mbedtls_ssl_read */
    uint8_t records;     /* begun in this tick */
    uint8_t answers;     /* what mbedTLS wrote by itself, to one record */
    bool partly;         /* the lower stream has not taken the whole record that it was offered */
    uint32_t sent_bytes; /* encrypted in this tick */
    bool ended;          /* nothing can be decrypted any more */
    bool goodbye;        /* BYE: close_notify is made; what is out may be a rest of it */
    bool mute;           /* the lower stream has ended: it is not written to */
    uint16_t
        frozen;    /* bytes offered to mbedTLS and not yet taken: to be offered again as they are */
    int16_t stuck; /* PREPARE: the name of what never comes */
    uint16_t faults; /* enum iot_tls_fault, of the chain that is looked at */
    const struct iot_tls_options *opt;
    const struct iot_port *port;
    struct iot_stream *lower;
    const struct iot_endpoint *to;
    struct iot_tls_state *state; /* mbedTLS's, in the arena; NULL: none */
    struct iot_arena arena;
    uint32_t high; /* most bytes of the arena since init */
    iot_tls_psk_source psk;
    void *psk_ctx;
    bool (*wall)(void *ctx, int64_t *now_s); /* trusted time where the port has none; or NULL */
    void *wall_ctx;
    iot_err reason; /* why the phase is OVER, or soon will be */
    int32_t detail;
    uint32_t written, released, mark, mark_lower;
    uint32_t lower_written;
    iot_time now;                     /* of the call under way */
    iot_time deadline;                /* of the phase */
    int64_t valid_from_s, valid_to_s; /* the narrowest dates of the peer's chain */
};

/** `lower` carries the bytes; `opt` and `port` outlive the stream. The owner's wake and on_busy are
 *  set in `base`; the lower stream's wake is taken from there at open. */
void iot_tls_init(struct iot_tls *t, struct iot_stream *lower, const struct iot_tls_options *opt,
                  const struct iot_port *port);

/** Options fit: IOT_OK; IOT_ERR_ARG: no authority for a kind that needs one, PSK without a key (and
 *  no source), certificate without key, unknown kinds; arena not aligned, too large or missing. */
iot_err iot_tls_check(const struct iot_tls_options *opt, bool psk_source);

/** The peer refused us behind the handshake: should this be the doing of a kept session (which shows no
 *  certificate and no key again), the next handshake is a full one. */
void iot_tls_refused(struct iot_tls *t);

/** May the peer be believed that it is now `unix_s`? It is authenticated; but it cannot vouch for a time at which its own
 *  certificates would be bad, or that has passed for certain. If so, what was judged without trusted time is judged
 *  again. */
bool iot_tls_vouches(struct iot_tls *t, int64_t unix_s);

void iot_tls_memory(const struct iot_tls *t, struct iot_tls_memory *out);

/** What was negotiated, as IANA names it ("TLS-ECDHE-..." in mbedTLS's spelling); "" before. */
const char *iot_tls_suite(const struct iot_tls *t);

/** It is up by a session of an earlier connection: no certificate was looked at. With a PSK there is none in any
 *  case, and nothing to tell by. */
bool iot_tls_is_resumed(const struct iot_tls *t);

#endif
