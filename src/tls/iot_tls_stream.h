/* SPDX-License-Identifier: Apache-2.0 */
/* iot_stream over another iot_stream: TLS by mbedTLS, one handshake step or one record per tick, all
 * memory in one arena.
 *
 *     IDLE -open-> LOWER -connected-> PREPARE -> HANDSHAKE -> UP -close-> BYE -> CLOSING -> OVER
 *                        (chance, kv: AGAIN)                  (close_notify)  (the lower stream's)
 */
#ifndef IOT_TLS_STREAM_H
#define IOT_TLS_STREAM_H

#include "iot/iot_stream.h"
#include "tls/iot_tls_core.h"

/* Bytes are counted three times: `written` is plain text that was taken; when the lower stream has let go of
 * `mark_lower` of its bytes, the peer's TCP has confirmed the first `mark` of ours, which then are
 * `released`. One mark is out at a time. */
struct iot_tls {
    struct iot_stream base;
    struct iot_tls_core core;
    uint8_t phase;
    bool may_read; /* this tick's one record is not yet decrypted */
    bool
        saved; /* one session per connection: flash wears, and a server may send tickets without end */
    bool more;       /* this tick has read its share of records */
    bool reading;    /* inside of mbedtls_ssl_read */
    uint8_t records; /* begun in this tick */
    uint8_t answers; /* what mbedTLS wrote by itself, to one record */
    bool partly;     /* the lower stream has not taken the whole record that it was offered */
    bool ended;      /* nothing can be decrypted any more */
    bool goodbye;    /* BYE: close_notify is made; what is out may be a rest of it */
    bool mute;       /* the lower stream has ended: it is not written to */
    uint16_t
        frozen; /* bytes offered to mbedTLS and not yet taken: to be offered again as they are */
    uint32_t sent_bytes; /* encrypted in this tick */
    struct iot_stream *lower;
    uint32_t written, released, mark, mark_lower;
    uint32_t lower_written;
};

/** `lower` carries the bytes; `opt` and `port` outlive the stream. The owner's wake and on_busy are
 *  set in `base`; the lower stream's wake is taken from there at open. */
void iot_tls_init(struct iot_tls *t, struct iot_stream *lower, const struct iot_tls_options *opt,
                  const struct iot_port *port);

/** See iot_tls_core.h. */
static inline void iot_tls_refused(struct iot_tls *t)
{
    iot_tls_core_refused(&t->core);
}

static inline bool iot_tls_vouches(struct iot_tls *t, int64_t unix_s)
{
    return iot_tls_core_vouches(&t->core, unix_s);
}

static inline void iot_tls_memory(const struct iot_tls *t, struct iot_tls_memory *out)
{
    iot_tls_core_memory(&t->core, out);
}

/** What was negotiated, as IANA names it ("TLS-ECDHE-..." in mbedTLS's spelling); "" before. */
const char *iot_tls_suite(const struct iot_tls *t);

/** It is up by a session of an earlier connection: no certificate was looked at. With a PSK there is none in any
 *  case, and nothing to tell by. */
bool iot_tls_is_resumed(const struct iot_tls *t);

#endif
