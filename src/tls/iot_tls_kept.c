/* SPDX-License-Identifier: Apache-2.0 */
/* An association of DTLS in the port's kv, while the device sleeps: tag and dates as of a session (iot_tls_resume.c),
 * then mbedTLS's own form, with the keys and with the number of the next record.
 *
 * A record number that is used twice gives AES-GCM's and AES-CCM's secrets away. So what is in kv is used at most once: it is
 * erased, durably, before it is looked at, and only if the store says so. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_DTLS

#include "crypto/iot_crypto_digest.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

/* mbedTLS's form without a ticket: some 300 bytes, and the name that ALPN chose. */
#define KEPT_BYTES (IOT_TLS_SAVED_HEAD + 640u)

static void forget(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    if (x->kept != NULL)
        iot_wipe(x->kept, KEPT_BYTES);
    iot_arena_free(x->kept);
    x->kept = NULL;
    t->arena.failed = 0; /* too little room is no failure here */
}

/* From kv into x->kept, and out of kv. */
static iot_err take(struct iot_tls_core *t, const char *key)
{
    struct iot_tls_state *x = t->state;
    const struct iot_port *port = t->port;
    if (x->kept == NULL)
        x->kept = iot_arena_calloc(1, KEPT_BYTES);
    if (x->kept == NULL)
        return IOT_ERR_STATE;
    iot_err err = IOT_OK;
    if (x->kept_len == 0)
        err = port->kv_get(port->ctx, key, x->kept, KEPT_BYTES, &x->kept_len);
    if (err == IOT_OK) /* also what cannot be used: keys do not lie about */
        return port->kv_del(port->ctx, key);
    x->kept_len = 0;
    return err;
}

static iot_err use(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    struct iot_tls_saved head;
    if (!iot_tls_saved_fits(t, x->kept, x->kept_len, &head))
        return IOT_ERR_STATE;
    if (mbedtls_ssl_context_load(&x->ssl, x->kept + IOT_TLS_SAVED_HEAD,
                                 x->kept_len - IOT_TLS_SAVED_HEAD) != 0)
        return IOT_ERR_CUT;
    t->valid_from_s = x->kept_from_s = head.valid_from_s;
    t->valid_to_s = x->kept_to_s = head.valid_to_s;
    return IOT_OK;
}

iot_err iot_tls_kept_load(struct iot_tls_core *t, const char *key, bool last)
{
    iot_err err = take(t, key);
    if (err == IOT_ERR_AGAIN && !last)
        return err;
    err = err == IOT_OK ? use(t) : IOT_ERR_STATE;
    forget(t);
    return err;
}

/* A ticket is kept with its session, and would make most of this. */
static void drop_ticket(mbedtls_ssl_session *session)
{
    if (session == NULL || session->MBEDTLS_PRIVATE(ticket) == NULL)
        return;
    iot_wipe(session->MBEDTLS_PRIVATE(ticket), (uint32_t)session->MBEDTLS_PRIVATE(ticket_len));
    iot_arena_free(session->MBEDTLS_PRIVATE(ticket));
    session->MBEDTLS_PRIVATE(ticket) = NULL;
    session->MBEDTLS_PRIVATE(ticket_len) = 0;
}

bool iot_tls_kept_make(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    size_t len = 0;
    x->kept = iot_arena_calloc(1, KEPT_BYTES);
    if (x->kept == NULL)
        return false;
    drop_ticket(x->ssl.MBEDTLS_PRIVATE(session));
    iot_tls_saved_head(t, x->kept);
    if (mbedtls_ssl_context_save(&x->ssl, x->kept + IOT_TLS_SAVED_HEAD,
                                 KEPT_BYTES - IOT_TLS_SAVED_HEAD, &len) != 0)
        return false;
    x->kept_len = IOT_TLS_SAVED_HEAD + (uint32_t)len;
    return true;
}

iot_err iot_tls_kept_save(struct iot_tls_core *t, const char *key)
{
    struct iot_tls_state *x = t->state;
    return t->port->kv_set(t->port->ctx, key, x->kept, x->kept_len);
}

#endif
