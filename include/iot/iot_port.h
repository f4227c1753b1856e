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

enum iot_log_level { IOT_LOG_ERROR = 1, IOT_LOG_WARN, IOT_LOG_INFO, IOT_LOG_DEBUG, IOT_LOG_DUMP };

/** Members may be NULL where it says so. Functions that may answer IOT_ERR_AGAIN (a slow chip) are
 *  asked again in a later tick.
 *
 *  They must not call the mbedTLS that the library is built with (a store that encrypts, a log that signs), nor may
 *  the handler of IOT_EV_BUSY: it allocates from the device's arena then, and what it keeps there dangles when
 *  the connection ends. Anywhere else this mbedTLS gets no memory at all. */
struct iot_port {
    void *ctx; /* given back as first argument */

    /**
     * Fill `into` with `n` bytes nobody can predict (a hardware generator, not a counter).
     * Returns IOT_OK; IOT_ERR_AGAIN, not ready, asked again at a later tick; IOT_ERR_RANDOM. After 5 s
     * of AGAIN, and after RANDOM, it goes on without.
     * The library asks once per device, 4 bytes, at the first tick or request: jitter of
     * reconnects, and the first packet id of a kept session. TLS asks for 48 bytes at the beginning
     * of each connection and is strict: without them there is no handshake, nor with 48 zeros or 48
     * bytes of 0xff.
     */
    iot_err (*random)(void *ctx, void *into, uint32_t n);

    /**
     * Trusted time: seconds since 1970-01-01 UTC. Certificates are judged by it. Time from SNTP that
     * nobody signed is not trusted: who can forge it makes an expired certificate good again.
     * Returns IOT_OK; IOT_ERR_AGAIN, not known (yet). NULL: never known.
     */
    iot_err (*wall)(void *ctx, int64_t *unix_s);

    /**
     * Small values that outlive a reboot, by name (at most 15 characters). set is atomic and durable
     * when it returns IOT_OK: afterwards, and after a power cut at any moment, get gives the old
     * value or the new one. All three or none.
     *
     * get      IOT_OK, `*len` bytes are in `into`; IOT_ERR_STATE, no such key; IOT_ERR_SIZE, longer
     *          than cap.
     * set      IOT_OK; IOT_ERR_FULL; IOT_ERR_SIZE.
     * del      IOT_OK, also if there was none.
     * All      IOT_ERR_AGAIN; IOT_ERR_KV, the store is broken.
     */
    iot_err (*kv_get)(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len);
    iot_err (*kv_set)(void *ctx, const char *key, const void *bytes, uint32_t len);
    iot_err (*kv_del)(void *ctx, const char *key);

    /**
     * One line of the log, without its end; valid until return. Levels above IOT_LOG_LEVEL are not
     * compiled in. NULL: no log.
     */
    void (*log)(void *ctx, enum iot_log_level level, const char *line, uint32_t len);
};

/** Called with IOT_ASSERTS 1 when the library finds a broken promise of its own or of its caller.
 *  Written by the port; does not return (log and reset). Bytes from the network never lead here. */
void iot_assert_failed(const char *file, int line);

#ifdef __cplusplus
}
#endif
#endif
