/* SPDX-License-Identifier: Apache-2.0 */
/* From an identity to the texts of CONNECT and of TLS-PSK. Pure: no I/O, no memory of its own.
 * Protocol: Alibaba Cloud IoT platform, MQTT login by HMAC. */
#ifndef IOT_LINK_SIGN_H
#define IOT_LINK_SIGN_H

#include "iot/iot_link.h"

/* How the bytes travel; decides `securemode`: 2 and 3. */
enum iot_link_transport { IOT_LINK_TLS, IOT_LINK_PLAIN };

/* Results of iot_link_login, slices into its scratch. */
struct iot_link_login {
    struct iot_bytes client_id, user_name;
    struct iot_bytes password; /* ptr NULL with x509 */
};

/** Is the identity well-formed? IOT_OK; IOT_ERR_ARG: a text is missing, too long, or has a character that
 *  it may not have; neither secret nor sign nor x509. */
iot_err iot_link_check(const struct iot_link_identity *id);

/**
 * Make the login.
 *
 * scratch  gets the texts (some 200 to 400 bytes, without NULs); they are valid as long as it is.
 * Returns  IOT_OK; IOT_ERR_SIZE: scratch is too small; what `sign` returned (AGAIN included).
 */
iot_err iot_link_login(const struct iot_link_identity *id, enum iot_link_transport transport,
                       uint8_t *scratch, uint32_t cap, struct iot_link_login *out);

/** Host for MQTT, NUL-terminated: instance or region. IOT_OK; IOT_ERR_SIZE. */
iot_err iot_link_host(const struct iot_link_identity *id, char *into, uint32_t cap);

/** Bytes of the pre-shared key: HEX of an HMAC-SHA256. */
#define IOT_LINK_PSK_BYTES 64
/** Longest PSK identity. */
#define IOT_LINK_PSK_IDENTITY_MAX 100

/** Identity and key for TLS-PSK and DTLS-PSK. `identity` gets text without NUL, `*len` its length.
 *  IOT_OK; what `sign` returned; IOT_ERR_ARG: neither secret nor sign. The caller wipes `key`. */
iot_err iot_link_psk(const struct iot_link_identity *id,
                     uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX], uint32_t *len,
                     uint8_t key[IOT_LINK_PSK_BYTES]);

#endif
