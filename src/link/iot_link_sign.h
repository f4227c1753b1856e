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
 *  it may not have; one name without the other; neither secret nor sign nor x509; a registration beside one of
 *  them, or ill-formed. */
iot_err iot_link_check(const struct iot_link_identity *id);

/**
 * Make the login.
 *
 * id       checked, as iot_link_check does, each time: credentials may change between two connects.
 * scratch  gets the texts, without NULs; they are valid as long as it is.
 * out      all zero unless IOT_OK is returned.
 * Returns  IOT_OK; IOT_ERR_ARG: iot_link_check refuses `id`, x509 without TLS, or `id` has a registration instead of
 *          what it logs in with (iot_link_register.h); IOT_ERR_SIZE: scratch is
 *          too small; what `sign` returned (AGAIN included).
 */
iot_err iot_link_login(const struct iot_link_identity *id, enum iot_link_transport transport,
                       uint8_t *scratch, uint32_t cap, struct iot_link_login *out);

/* ---- For the other logins (iot_link_register.h) ---- */

/* Kinds of characters. '|' is of none: it ends the parts of a client id. */
enum iot_char {
    IOT_CHAR_DIGIT = 1,
    IOT_CHAR_LETTER = 2,
    IOT_CHAR_DASH = 4,
    IOT_CHAR_NAME = 8,   /* _ @ . : */
    IOT_CHAR_OTHER = 16, /* printable, neither of the others */
    IOT_CHAR_LIST = 32,  /* , = */
    IOT_CHAR_BLANK = 64,
    IOT_CHAR_PLAIN =
        IOT_CHAR_DIGIT | IOT_CHAR_LETTER | IOT_CHAR_DASH | IOT_CHAR_NAME | IOT_CHAR_OTHER,
};

/** Are these `min` to `max` characters of these kinds? */
bool iot_link_is_text(const char *text, uint32_t min, uint32_t max, uint32_t kinds);

/** `digits` in capitals, two a byte. */
void iot_link_put_hex(struct iot_writer *w, const uint8_t *bytes, uint32_t digits);

/** What `signmethod` and `_v` say. */
const char *iot_link_method_name(enum iot_sign_method method);
const char *iot_link_version(const struct iot_link_identity *id);

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
