/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_kv_unix.h
 * A key-value store in memory: it lives as long as the process, which stands for a device that is not
 * switched off.
 */
#ifndef IOT_KV_UNIX_H
#define IOT_KV_UNIX_H

#include "iot/iot_port.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IOT_KV_UNIX_KEYS_MAX  16
#define IOT_KV_UNIX_BYTES_MAX 4096

struct iot_kv_unix {
    struct {
        char key[16]; /* "": free */
        uint32_t len;
        uint8_t bytes[IOT_KV_UNIX_BYTES_MAX];
    } slots[IOT_KV_UNIX_KEYS_MAX];
};

/** As iot_port.kv_get, kv_set, kv_del say. */
iot_err iot_kv_unix_get(const struct iot_kv_unix *kv, const char *key, void *into, uint32_t cap,
                        uint32_t *len);
iot_err iot_kv_unix_set(struct iot_kv_unix *kv, const char *key, const void *bytes, uint32_t len);
iot_err iot_kv_unix_del(struct iot_kv_unix *kv, const char *key);

#ifdef __cplusplus
}
#endif
#endif
