/* SPDX-License-Identifier: Apache-2.0 */
/* Key and cipher of the symmetric mode. Protocol: Alibaba Cloud IoT platform, CoAP with symmetric encryption. */
#include "link/iot_link_uplink.h"

#if IOT_FEATURE_UPLINK

#include <string.h>

#define KEY_AT 8u /* in a SHA-256 */

static const uint8_t iv[IOT_AES_BYTES] = {'5', '4', '3', 'y', 'h', 'j', 'y', '9',
                                          '7', 'a', 'e', '7', 'f', 'y', 'f', 'g'};

static iot_err make_key(struct iot_uplink *up, struct iot_bytes random)
{
    uint8_t hash[IOT_DIGEST_BYTES_MAX];
    char room[IOT_DEVICE_SECRET_MAX + 1];
    const char *secret;
    struct iot_digest d;
    iot_err err = iot_ask_secret(up->opt->link, up->opt->port, room, &secret);

    if (err == IOT_OK) {
        iot_digest_begin(&d, IOT_DIGEST_SHA256);
        iot_digest_put(&d, (struct iot_bytes){(const uint8_t *)secret, (uint32_t)strlen(secret)});
        iot_digest_put(&d, (struct iot_bytes){(const uint8_t *)",", 1});
        iot_digest_put(&d, random);
        iot_digest_end(&d, hash);
        memcpy(up->key, hash + KEY_AT, sizeof up->key);
        iot_wipe(hash, sizeof hash);
    }
    iot_wipe(room, sizeof room);
    return err;
}

static uint32_t seal(const struct iot_uplink *up, uint8_t *bytes, uint32_t len)
{
    return iot_aes_encrypt(up->key, iv, bytes, len);
}

static bool unseal(const struct iot_uplink *up, uint8_t *bytes, uint32_t len, uint32_t *plain)
{
    return iot_aes_decrypt(up->key, iv, bytes, len, plain);
}

const struct iot_uplink_cipher iot_uplink_symmetric = {make_key, seal, unseal};

#endif
