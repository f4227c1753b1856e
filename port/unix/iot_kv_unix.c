/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_kv_unix.h"

#include <string.h>

/* The slot with this key; a free one if `or_free`; else -1. */
static int find(const struct iot_kv_unix *kv, const char *key, bool or_free)
{
    int empty = -1;

    for (int i = 0; i < IOT_KV_UNIX_KEYS_MAX; i++) {
        if (strcmp(kv->slots[i].key, key) == 0)
            return i;
        if (kv->slots[i].key[0] == '\0' && empty < 0)
            empty = i;
    }
    return or_free ? empty : -1;
}

static bool is_key(const char *key)
{
    return key[0] != '\0' && strlen(key) < sizeof((struct iot_kv_unix *)0)->slots[0].key;
}

iot_err iot_kv_unix_get(const struct iot_kv_unix *kv, const char *key, void *into, uint32_t cap,
                        uint32_t *len)
{
    int i = is_key(key) ? find(kv, key, false) : -1;

    if (i < 0)
        return IOT_ERR_STATE;
    if (kv->slots[i].len > cap)
        return IOT_ERR_SIZE;
    if (kv->slots[i].len != 0) /* `into` may be NULL then */
        memcpy(into, kv->slots[i].bytes, kv->slots[i].len);
    *len = kv->slots[i].len;
    return IOT_OK;
}

iot_err iot_kv_unix_set(struct iot_kv_unix *kv, const char *key, const void *bytes, uint32_t len)
{
    if (!is_key(key) || len > IOT_KV_UNIX_BYTES_MAX)
        return IOT_ERR_SIZE;
    int i = find(kv, key, true);
    if (i < 0)
        return IOT_ERR_FULL;
    strcpy(kv->slots[i].key, key);
    if (len != 0)
        memcpy(kv->slots[i].bytes, bytes, len);
    kv->slots[i].len = len;
    return IOT_OK;
}

iot_err iot_kv_unix_del(struct iot_kv_unix *kv, const char *key)
{
    int i = is_key(key) ? find(kv, key, false) : -1;

    if (i >= 0)
        memset(&kv->slots[i], 0, sizeof kv->slots[i]);
    return IOT_OK;
}
