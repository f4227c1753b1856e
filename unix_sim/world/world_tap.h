/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_tap.h
 * Sees what a device's own TCP does, from between it and lwIP: lints and ledgers listen here. A
 * connection belongs to the device whose memory holds tcp_arg's pointer.
 */
#ifndef WORLD_TAP_H
#define WORLD_TAP_H

#include "iot/iot_base.h"

struct iot_device;

#define WORLD_TAPS_MAX 1024u

/** Members may be NULL. They are called in the middle of the device's tick or of lwIP's work: write
 *  down and return, call neither of them. In the order resolving, connecting, connected, then sent and
 *  heard, at most one eof, closed; closed comes for each connecting, exactly once. */
struct world_tap_ops {
    void (*resolving)(void *ctx);  /* a name is asked for */
    void (*connecting)(void *ctx); /* SYN is out */
    void (*connected)(void *ctx);
    void (*sent)(void *ctx, struct iot_bytes bytes);  /* tcp_write took them */
    void (*heard)(void *ctx, struct iot_bytes bytes); /* the device took them from lwIP; comes in
                                                         the pieces of pbufs */
    void (*eof)(void *ctx);
    void (*closed)(void *ctx); /* the device let go of the connection, or lwIP ended it */
    void (*called)(
        void *ctx); /* lwIP has called the device back, whatever about: it may want to work */
};

/** Listen to this device; again: replaces. `ops` NULL: no longer. At most 1,024 devices. */
void world_tap(struct iot_device *dev, const struct world_tap_ops *ops, void *ctx);

#endif
