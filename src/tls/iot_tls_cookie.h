/* SPDX-License-Identifier: Apache-2.0 */
/* The cookie of a DTLS server (RFC 6347 4.2.1), without any state: before a ClientHello comes with one that is right, nothing of
 * mbedTLS is asked, and no memory taken. Knows neither lwIP nor mbedTLS. */
#ifndef IOT_TLS_COOKIE_H
#define IOT_TLS_COOKIE_H

#include "iot/iot_base.h"

#if IOT_FEATURE_DTLS_SERVER

#define IOT_TLS_COOKIE_BYTES       16u
#define IOT_TLS_HELLO_VERIFY_BYTES (13u + 12u + 3u + IOT_TLS_COOKIE_BYTES)

enum iot_tls_hello {
    IOT_TLS_HELLO_NONE, /* not a ClientHello of DTLS, in one piece, at the beginning of an association */
    IOT_TLS_HELLO_ASK,    /* one without a cookie, or with another */
    IOT_TLS_HELLO_PROVEN, /* with the right one */
};

/** Look at a datagram of somebody unknown.
 *  secret, peer  16 bytes, and who sent it: the cookie is made of them, and of what the ClientHello asks for.
 *  out           with ASK: the HelloVerifyRequest to send, IOT_TLS_HELLO_VERIFY_BYTES. Not longer than what came. */
enum iot_tls_hello iot_tls_hello(struct iot_bytes datagram, const uint8_t secret[16],
                                 struct iot_bytes peer, uint8_t *out);

#endif
#endif
