/* SPDX-License-Identifier: Apache-2.0 */
/* From an identity to the texts of CONNECT and of TLS-PSK. Pure: no I/O, no memory of its own.
 * Protocol: Alibaba Cloud IoT platform, MQTT login by HMAC. */
#ifndef IOT_LINK_SIGN_H
#define IOT_LINK_SIGN_H

#include "iot/iot_link.h"

/* How the bytes travel. Decides `securemode` (2, 3, 2) and, on the public instance, the host. */
enum iot_link_transport { IOT_LINK_TLS, IOT_LINK_PLAIN, IOT_LINK_TLS_PSK };

/* Results of iot_link_login, slices into its scratch. */
struct iot_link_login {
    struct iot_bytes client_id, user_name;
    struct iot_bytes password; /* ptr NULL with x509; the caller wipes it */
};

/** Scratch that is enough for every identity; usual ones need 150 to 250 bytes. */
#define IOT_LINK_LOGIN_MAX 659

/** Is the identity well-formed? IOT_OK; IOT_ERR_ARG: a text is missing, too long, or has a character that
 *  it may not have; one name without the other; neither secret nor sign nor x509. */
iot_err iot_link_check(const struct iot_link_identity *id);

/**
 * Make the login.
 *
 * id       checked, as iot_link_check does, each time: credentials may change between two connects.
 * scratch  gets the texts, without NULs; they are valid as long as it is.
 * out      all zero unless IOT_OK is returned.
 * Returns  IOT_OK; IOT_ERR_ARG: iot_link_check refuses `id`, or x509 without TLS; IOT_ERR_SIZE: scratch is
 *          too small; what `sign` returned (AGAIN included).
 */
iot_err iot_link_login(const struct iot_link_identity *id, enum iot_link_transport transport,
                       uint8_t *scratch, uint32_t cap, struct iot_link_login *out);

/** Bytes of the pre-shared key: HEX of an HMAC-SHA256. */
#define IOT_LINK_PSK_BYTES 64
/** Longest PSK identity: fixed parts of 36 bytes, both names, and '&' between them. */
#define IOT_LINK_PSK_IDENTITY_MAX (36 + IOT_PRODUCT_KEY_MAX + 1 + IOT_DEVICE_NAME_MAX)

/** Identity and key for TLS-PSK and DTLS-PSK. `identity` gets text without NUL, `*len` its length.
 *  IOT_OK; what `sign` returned; IOT_ERR_ARG: iot_link_check refuses `id`, or it has no names, or neither
 *  secret nor sign. The caller wipes `key`. */
iot_err iot_link_psk(const struct iot_link_identity *id,
                     uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX], uint32_t *len,
                     uint8_t key[IOT_LINK_PSK_BYTES]);

#endif
