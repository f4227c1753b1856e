/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_dgram.h
 * Datagrams to and from one peer, without ever waiting: UDP here, DTLS above it, or one of yours (a modem with its own
 * UDP, another radio). The sister of iot_stream.h: nothing is confirmed, nothing is in order, each datagram comes whole
 * or not at all.
 *
 * A channel is a struct that begins with `struct iot_dgram`. It works only inside these calls; from anywhere else it
 * writes down what happened and calls iot_dgram_wake. Life of one association:
 *
 *     open -> poll .. AGAIN .. OK -> read, write -> close -> poll .. AGAIN .. CLOSED
 *                       \-> error: sticks until the next open         abort -> CLOSED at once
 *
 * A channel may be opened again after CLOSED or an error.
 */
#ifndef IOT_DGRAM_H
#define IOT_DGRAM_H

#include "iot/iot_base.h"
#include "iot/iot_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iot_dgram;

struct iot_dgram_ops {
    /** Begin. `to` is borrowed until closed or over; tcp_keepalive counts for nothing. IOT_OK: begun; IOT_ERR_AGAIN: not
     *  yet possible (an old name request is still out), ask again at the deadline or wake; anything else: failed. */
    iot_err (*open)(struct iot_dgram *d, const struct iot_endpoint *to, iot_time now);

    /** Digest what happened, obey deadlines; once per tick, and first. IOT_ERR_AGAIN while opening or closing, IOT_OK
     *  while datagrams can be exchanged, IOT_ERR_CLOSED after an orderly close, otherwise the reason of the end, the same each
     *  time. That a peer is silent is no end: who sends has to notice. */
    iot_err (*poll)(struct iot_dgram *d, iot_time now);

    /** The next datagram that came, whole: `*got` is 0..cap with IOT_OK. IOT_ERR_AGAIN: none now. IOT_ERR_SIZE: one was
     *  larger than `cap` and is gone; `*got` says how large. */
    iot_err (*read)(struct iot_dgram *d, uint8_t *into, uint32_t cap, uint32_t *got);

    /** Send one datagram; the bytes are copied. IOT_OK: on its way, which is all there is to know. IOT_ERR_AGAIN: nothing
     *  was sent (lwIP is out of memory, the channel is not up): at the deadline, or when woken, it may go. IOT_ERR_SIZE: longer than
     *  `room` and never sent. */
    iot_err (*write)(struct iot_dgram *d, struct iot_bytes bytes, iot_time now);

    /** Largest datagram that `write` takes now, bytes. */
    uint32_t (*room)(const struct iot_dgram *d);

    /** Orderly end: the peer is told where the protocol has a word for it; what is received is discarded. Over at
     *  `deadline` in any case. */
    void (*close)(struct iot_dgram *d, iot_time deadline);

    /** End at once and say nothing. Always allowed. */
    void (*abort)(struct iot_dgram *d);

    /** When `poll` wants to be called even if nothing happens; IOT_TIME_NEVER for never. */
    iot_time (*deadline)(const struct iot_dgram *d);

    /** True when nothing outside refers to the struct: its memory may be reused. */
    bool (*idle)(const struct iot_dgram *d);

    /** The foreign number behind the error (lwIP's err_t, a TLS code), or 0. */
    int32_t (*detail)(const struct iot_dgram *d);
};

struct iot_dgram {
    const struct iot_dgram_ops *ops;
    bool *wake; /* set by the owner; true opens the gate of the next tick */
    /** As in struct iot_stream. */
    void (*on_busy)(void *ctx, bool begins);
    void *busy_ctx;
};

/** Something happened: let the next iot_poll look. The one thing a callback calls. */
static inline void iot_dgram_wake(struct iot_dgram *d)
{
    if (d->wake != NULL)
        *d->wake = true;
}

#ifdef __cplusplus
}
#endif
#endif
