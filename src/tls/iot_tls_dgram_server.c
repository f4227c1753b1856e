/* SPDX-License-Identifier: Apache-2.0 */
/* The server's end of DTLS: what mbedTLS is told, and whose key it is. Everything else is as with a client. */
#include "tls/iot_tls_dgram.h"

#if IOT_FEATURE_DTLS_SERVER

#include "crypto/iot_crypto_digest.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#ifdef MBEDTLS_SSL_DTLS_CLIENT_PORT_REUSE
#error                                                                                             \
    "MBEDTLS_SSL_DTLS_CLIENT_PORT_REUSE in mbedTLS's configuration: leave it out, or a forged hello ends a session"
#endif

#define IDENTITY_MAX 128u /* RFC 4279, section 5.3 */

/* The owner has seen that it is right. */
static int on_cookie(void *unused, const unsigned char *cookie, size_t n, const unsigned char *id,
                     size_t id_len)
{
    (void)unused, (void)cookie, (void)n, (void)id, (void)id_len;
    return 0;
}

/* Never asked for: no ClientHello is answered by a question here. */
static int on_no_cookie(void *unused, unsigned char **at, unsigned char *end,
                        const unsigned char *id, size_t id_len)
{
    (void)unused, (void)at, (void)end, (void)id, (void)id_len;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
}

/* For the handler, and as long as it is up. */
static bool remember(struct iot_tls_state *x, const unsigned char *name, size_t n)
{
    x->identity = n <= IDENTITY_MAX ? iot_arena_calloc(1, n) : NULL;
    if (x->identity == NULL)
        return false;
    memcpy(x->identity, name, n);
    x->identity_len = (uint32_t)n;
    return true;
}

/* Where there is no key it is one that nobody knows: mbedTLS's own answer would tell which names there are. */
static int on_identity(void *arg, mbedtls_ssl_context *ssl, const unsigned char *name, size_t n)
{
    const struct iot_tls_core *t = arg;
    struct iot_tls_state *x = t->state;
    uint8_t key[IOT_TLS_PSK_MAX];
    uint32_t len = 0;

    bool known = remember(x, name, n) &&
                 t->accept->key(t->accept->ctx, (struct iot_bytes){x->identity, x->identity_len},
                                key, &len) == IOT_OK;
    if (!known || len == 0 || len > sizeof key)
        (void)iot_drbg_random(x->drbg, key, len = 16);
    int ret = mbedtls_ssl_set_hs_psk(ssl, key, len);
    iot_wipe(key, sizeof key);
    return ret;
}

static iot_err fill(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    int ret =
        mbedtls_ssl_config_defaults(&x->conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret == 0) {
        iot_tls_setup_base(t);
        mbedtls_ssl_conf_dtls_cookies(&x->conf, on_no_cookie, on_cookie, NULL);
        mbedtls_ssl_conf_psk_cb(&x->conf, on_identity, t);
        ret = mbedtls_ssl_setup(&x->ssl, &x->conf);
    }
    return ret != 0 ? iot_tls_error(t, ret) : IOT_OK;
}

void iot_dtls_init_server(struct iot_dtls *d, struct iot_dgram *lower,
                          const struct iot_tls_options *opt, const struct iot_dtls_options *dtls,
                          const struct iot_port *port, const struct iot_dtls_accept *accept)
{
    iot_dtls_init(d, lower, opt, dtls, port);
    d->core.server = fill;
    d->core.accept = accept;
}

struct iot_bytes iot_dtls_identity(const struct iot_dtls *d)
{
    struct iot_bytes none = {NULL, 0};
    const struct iot_tls_state *x = d->core.state;
    return d->heard_at != 0 && x != NULL ? (struct iot_bytes){x->identity, x->identity_len} : none;
}

iot_time iot_dtls_heard(const struct iot_dtls *d)
{
    return d->heard_at;
}

#endif
