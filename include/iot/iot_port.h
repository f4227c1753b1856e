/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_port.h
 * What a board gives to the library. One constant struct per board; port/template shows it empty,
 * port/unix filled.
 */
#ifndef IOT_PORT_H
#define IOT_PORT_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iot_port {
    void *ctx; /* given back as first argument */

    /**
     * Fill `into` with `n` bytes nobody can predict (a hardware generator, not a counter).
     * Returns IOT_OK; IOT_ERR_AGAIN, not ready, asked again at a later tick; IOT_ERR_RANDOM. After 5 s
     * of AGAIN, and after RANDOM, it goes on without.
     * The library asks once per device, 4 bytes, at the first tick or request: jitter of
     * reconnects, and the first packet id of a kept session.
     */
    iot_err (*random)(void *ctx, void *into, uint32_t n);
};

/** Called with IOT_ASSERTS 1 when the library finds a broken promise of its own or of its caller.
 *  Written by the port; does not return (log and reset). Bytes from the network never lead here. */
void iot_assert_failed(const char *file, int line);

#ifdef __cplusplus
}
#endif
#endif
