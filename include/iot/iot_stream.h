/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_stream.h
 * A reliable byte stream that never waits: TCP here, TLS above it, or one of yours (a module with
 * its own TCP, hardware TLS).
 *
 * A stream is a struct that begins with `struct iot_stream`. It works only inside these calls;
 * from anywhere else (lwIP callback, interrupt bottom half in the same context) it writes down what
 * happened and calls iot_stream_wake. Life of one connection:
 *
 *     open -> poll .. AGAIN .. OK -> read, write, flush -> close -> poll .. AGAIN .. CLOSED
 *                       \-> error: sticks until the next open         abort -> CLOSED at once
 *
 * A stream may be opened again after CLOSED or an error (after `abort` in the latter case).
 */
#ifndef IOT_STREAM_H
#define IOT_STREAM_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iot_stream;

struct iot_endpoint {
    const char *host; /* name or address text, NUL-terminated; borrowed until connected or over */
    const char *server_name; /* whom we want to speak to: SNI and certificate check of a TLS stream;
                                NULL: host. Borrowed as host is */
    uint16_t port;           /* host byte order */
    uint16_t tcp_keepalive;  /* seconds of silence before TCP itself probes; 0: never */
    void *netif;             /* struct netif * to bind to, or NULL: lwIP routes */
};

enum iot_stream_write_flag {
    IOT_STREAM_COPY = 0, /* the stream takes a copy */
    IOT_STREAM_REF = 1,  /* the bytes stay valid until `released` counts past them */
};

struct iot_stream_ops {
    /** Begin to connect. IOT_OK: begun; IOT_ERR_AGAIN: not yet possible (an old name request is
     *  still out), ask again at the deadline or wake; anything else: failed. */
    iot_err (*open)(struct iot_stream *s, const struct iot_endpoint *to, iot_time now);

    /** Digest what happened, obey deadlines. A peer that takes no more bytes is the stream's to
     *  notice: it ends with IOT_ERR_TCP_STALLED or the like after a bounded time. IOT_ERR_AGAIN while connecting or closing, IOT_OK
     *  while connected (never AGAIN then), IOT_ERR_CLOSED after an orderly close in which all bytes
     *  were confirmed, IOT_ERR_CUT after one that ran into its deadline, otherwise the reason of the end,
     *  the same each time. Bytes received before the end can still be read. */
    iot_err (*poll)(struct iot_stream *s, iot_time now);

    /** Copy received bytes into `into`; `*got` is 1..cap with IOT_OK, or 0: more may be there, but
     *  not in this tick. IOT_ERR_AGAIN: none now. Only what is copied out opens the peer's window
     *  again. */
    iot_err (*read)(struct iot_stream *s, uint8_t *into, uint32_t cap, uint32_t *got);

    /** Offer bytes; `*taken` is 1..len with IOT_OK. IOT_ERR_AGAIN: none now; offer the same bytes
     *  again, and more behind them if you like. */
    iot_err (*write)(struct iot_stream *s, struct iot_bytes bytes, enum iot_stream_write_flag how,
                     iot_time now, uint32_t *taken);

    /** Send what was written without waiting for more. Once per tick. */
    void (*flush)(struct iot_stream *s);

    /** How many of all bytes written since open the stream no longer refers to, modulo 2^32. */
    uint32_t (*released)(const struct iot_stream *s);

    /** Orderly end: what was written is delivered, what is received is discarded. At `deadline`
     *  what is left is cut off. */
    void (*close)(struct iot_stream *s, iot_time deadline);

    /** End at once; every reference is given back before this returns. Always allowed. */
    void (*abort)(struct iot_stream *s);

    /** When `poll` wants to be called even if nothing happens; IOT_TIME_NEVER for never. */
    iot_time (*deadline)(const struct iot_stream *s);

    /** True when nothing outside refers to the struct: its memory may be reused. */
    bool (*idle)(const struct iot_stream *s);

    /** The foreign number behind the error (lwIP's err_t, a TLS code), or 0. */
    int32_t (*detail)(const struct iot_stream *s);
};

struct iot_stream {
    const struct iot_stream_ops *ops;
    bool *wake; /* set by the owner; true opens the gate of the next tick */
    /** Set by the owner or NULL: called before (true) and after (false) a step that cannot be sliced
     *  and may take long, such as an RSA verification, so that a watchdog can be fed. From inside
     *  `poll` only. */
    void (*on_busy)(void *ctx, bool begins);
    void *busy_ctx;
};

/** Something happened: let the next iot_poll look. The one thing a callback calls. */
static inline void iot_stream_wake(struct iot_stream *s)
{
    if (s->wake != NULL)
        *s->wake = true;
}

#ifdef __cplusplus
}
#endif
#endif
