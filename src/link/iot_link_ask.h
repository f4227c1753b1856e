/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform's channels beside MQTT have in common, HTTPS and CoAP: texts of requests, signed with the device's
 * secret, and members of answers.
 *
 * Texts are templates, in which a character below ' ' stands for a value of the identity or of the request (but for CR and LF,
 * which are themselves). */
#ifndef IOT_LINK_ASK_H
#define IOT_LINK_ASK_H

#include "crypto/iot_crypto_digest.h"
#include "iot/iot_json.h"
#include "iot/iot_port.h"
#include "link/iot_link_sign.h"

#if IOT_FEATURE_WEB || IOT_FEATURE_UPLINK

#define IOT_ASK_TOKEN_MAX 192 /* for messages */

#define IOT_ASK_PK     "\1"
#define IOT_ASK_DN     "\2"
#define IOT_ASK_CID    "\3" /* the client id's name: the identity's, or {pk}.{dn} */
#define IOT_ASK_METHOD "\4"
#define IOT_ASK_PLACE  "\5" /* the region */
#define IOT_ASK_OURS   5u   /* these are escaped where they stand */
#define IOT_ASK_SIGN   "\6"
#define IOT_ASK_VALUE  "\7"  /* the request's own */
#define IOT_ASK_TOPIC  "\10" /* the message's */
#define IOT_ASK_VALUES 8u

/* What a device signs; more may be put behind. */
#define IOT_ASK_SIGNED "clientId" IOT_ASK_CID "deviceName" IOT_ASK_DN "productKey" IOT_ASK_PK

struct iot_ask_values {
    const char *of[IOT_ASK_VALUES]; /* NULL: nothing stands there */
};

/** Those of the identity; the others are NULL. */
void iot_ask_values(struct iot_ask_values *v, const struct iot_link_identity *id);

/** How values of the identity are written: as they are; as application/x-www-form-urlencoded; within a string of JSON. */
enum iot_ask_form { IOT_ASK_AS_IS, IOT_ASK_FORM, IOT_ASK_JSON };

void iot_ask_put(struct iot_writer *t, const struct iot_ask_values *v, enum iot_ask_form form,
                 const char *text);

/** The device's secret: the identity's own, or the stored one, in `room`, which the caller wipes. IOT_OK; IOT_ERR_AGAIN, IOT_ERR_KV;
 *  IOT_ERR_ARG: it has none. */
iot_err iot_ask_secret(const struct iot_link_identity *id, const struct iot_port *port,
                       char room[IOT_DEVICE_SECRET_MAX + 1], const char **secret);

#define IOT_ASK_HEX_BYTES (2 * IOT_DIGEST_BYTES_MAX + 1)

/** HMAC over `text`, by the identity's method, in HEX with a NUL. `key` NULL: the device's secret signs, or who does it for it.
 *  Errors as iot_ask_secret, and of `sign`. */
iot_err iot_ask_sign(const struct iot_link_identity *id, const struct iot_port *port,
                     const char *key, struct iot_bytes text, char hex[IOT_ASK_HEX_BYTES]);

/** Does it begin with '/', and is of characters that stand for themselves in a path; not longer than the platform's are? */
bool iot_ask_is_topic(const char *topic);

/** A member of members: `path` is names with a NUL behind each, and another at the end. */
iot_err iot_ask_find(struct iot_json v, const char *path, struct iot_json *out);

/** The same, a number, also as text. */
iot_err iot_ask_number(struct iot_json v, const char *path, uint32_t *out);

/** The same, a text that is not empty and fits; else IOT_ERR_JSON_RANGE. */
iot_err iot_ask_text(struct iot_json v, const char *path, char *into, uint32_t cap);

/** The same, a token; if it is none, `into` is "". IOT_ERR_JSON_RANGE also for characters that do not fit into a line. */
iot_err iot_ask_token(struct iot_json v, const char *path, char into[IOT_ASK_TOKEN_MAX + 1]);

#endif
#endif
