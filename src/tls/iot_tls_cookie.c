/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/iot_tls_cookie.h"

#if IOT_FEATURE_DTLS_SERVER

#include "core/iot_core_assert.h"
#include "crypto/iot_crypto_digest.h"

#include <string.h>

#define RECORD    13u /* type, version 2, epoch 2, number 6, length 2 */
#define MESSAGE   12u /* type, length 3, message 2, fragment's offset 3, its length 3 */
#define HEADS     (RECORD + MESSAGE)
#define RANDOM    (2u + 32u) /* version, random */
#define HANDSHAKE 22u
#define HELLO     1u
#define VERIFY    3u

IOT_STATIC_ASSERT(IOT_TLS_HELLO_VERIFY_BYTES < HEADS + RANDOM,
                  "no answer is longer than the question");

/* Version and random; session id; cookie; suites; compression. Extensions may follow. */
struct hello {
    struct iot_bytes front; /* up to the cookie's length */
    struct iot_bytes cookie;
    struct iot_bytes back; /* suites and compression */
};

static uint32_t get(const uint8_t *p, uint32_t n)
{
    uint32_t value = 0;
    while (n-- != 0)
        value = value << 8 | *p++;
    return value;
}

/* Behind a vector with a length of `width` bytes at `at`, or beyond `end`. */
static uint32_t skip(const uint8_t *p, uint32_t at, uint32_t end, uint32_t width)
{
    return at + width > end ? end + 1 : at + width + get(p + at, width);
}

/* Of the record only the first message is looked at: it has to fill it, as ours would have to be put together first otherwise (RFC
 * 6347 4.2.1 leaves out servers that do). What follows the record is not for us. */
static bool parse(struct iot_bytes d, struct hello *h)
{
    const uint8_t *p = d.ptr;
    if (d.len < HEADS + RANDOM || p[0] != HANDSHAKE || p[1] != 0xfe || get(p + 3, 2) != 0)
        return false;
    uint32_t len = get(p + 11, 2), body = get(p + 14, 3), end = HEADS + body;
    if (p[RECORD] != HELLO || len > d.len - RECORD || len < MESSAGE || body != len - MESSAGE ||
        get(p + 19, 3) != 0 || get(p + 22, 3) != body)
        return false;

    uint32_t cookie = skip(p, HEADS + RANDOM, end, 1);
    uint32_t suites = skip(p, cookie, end, 1);
    uint32_t compression = skip(p, suites, end, 2);
    uint32_t rest = skip(p, compression, end, 1);
    if (rest > end)
        return false;
    h->front = (struct iot_bytes){p + HEADS, cookie - HEADS};
    h->cookie = (struct iot_bytes){p + cookie + 1, suites - cookie - 1};
    h->back = (struct iot_bytes){p + suites, rest - suites};
    return true;
}

/* Versions are the first (RFC 6347 4.2.1: 1.0 whatever will be negotiated), numbers are those of the question. */
static void write_verify(const uint8_t *question, const uint8_t *cookie, uint8_t *out)
{
    memset(out, 0, HEADS);
    memcpy(out + 3, question + 3, 8);
    out[0] = HANDSHAKE;
    out[RECORD] = VERIFY;
    out[1] = out[HEADS] = 0xfe;
    out[2] = out[HEADS + 1] = 0xff;
    out[12] = MESSAGE + 3 + IOT_TLS_COOKIE_BYTES;
    out[16] = out[24] = 3 + IOT_TLS_COOKIE_BYTES;
    memcpy(out + 17, question + 17, 2);
    out[HEADS + 2] = IOT_TLS_COOKIE_BYTES;
    memcpy(out + HEADS + 3, cookie, IOT_TLS_COOKIE_BYTES);
}

/* Takes as long wherever they differ. */
static bool same(const uint8_t *a, const uint8_t *b)
{
    uint32_t differ = 0;
    for (uint32_t i = 0; i < IOT_TLS_COOKIE_BYTES; i++)
        differ |= (uint32_t)(a[i] ^ b[i]);
    return differ == 0;
}

enum iot_tls_hello iot_tls_hello(struct iot_bytes datagram, const uint8_t secret[16],
                                 struct iot_bytes peer, uint8_t *out)
{
    uint8_t mac[IOT_DIGEST_BYTES_MAX];
    struct hello h;

    if (!parse(datagram, &h))
        return IOT_TLS_HELLO_NONE;
    const struct iot_bytes parts[] = {peer, h.front, h.back};
    iot_hmac(IOT_DIGEST_SHA256, (struct iot_bytes){secret, 16}, parts, 3, mac);
    if (h.cookie.len == IOT_TLS_COOKIE_BYTES && same(h.cookie.ptr, mac))
        return IOT_TLS_HELLO_PROVEN;
    write_verify(datagram.ptr, mac, out);
    return IOT_TLS_HELLO_ASK;
}

#endif
