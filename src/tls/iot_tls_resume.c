/* SPDX-License-Identifier: Apache-2.0 */
/* A session in the port's kv: tag, dates of the peer's chain, then mbedTLS's own form. The tag says for
 * which host, trust and identity it was made, so that options of another firmware do not meet it. A
 * session is an offer: whatever is wrong with it, the handshake is a full one. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "crypto/iot_crypto_digest.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#define TAG_BYTES IOT_TLS_TAG_BYTES

#define HEAD IOT_TLS_SAVED_HEAD

static void put_u32(struct iot_digest *d, uint32_t value)
{
    iot_digest_put(d, (struct iot_bytes){(const uint8_t *)&value, sizeof value});
}

/* Each part with its length, so that no two lists of parts look alike. */
static void put(struct iot_digest *d, struct iot_bytes part)
{
    put_u32(d, part.len);
    iot_digest_put(d, part);
}

static void put_text(struct iot_digest *d, const char *text)
{
    put(d, (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)});
}

static bool has_store(const struct iot_tls_core *t)
{
    return t->opt->session_key != NULL && t->port->kv_get != NULL && t->port->kv_set != NULL;
}

void iot_tls_saved_tag(struct iot_tls_core *t)
{
    uint8_t sum[IOT_DIGEST_BYTES_MAX];
    struct iot_digest d;

    if (!t->dgram && !has_store(t))
        return;
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    if (t->dgram) /* not to be met by a stream */
        put_text(&d, "DTLS");
    put_text(&d, t->to->host);
    put_text(&d, iot_tls_name(t));
    put_u32(&d, t->to->port);
    put_u32(&d, t->opt->kinds);
    put_u32(&d, t->opt->ca_count);
    for (uint32_t i = 0; i < t->opt->ca_count; i++)
        put(&d, t->opt->ca[i]);
    for (uint32_t i = 0; i < t->opt->cert_count; i++)
        put(&d, t->opt->cert[i]);
    /* as it is set: it may be made by a source, not by the options */
    put(&d, (struct iot_bytes){t->state->conf.MBEDTLS_PRIVATE(psk_identity),
                               (uint32_t)t->state->conf.MBEDTLS_PRIVATE(psk_identity_len)});
    put(&d, (struct iot_bytes){t->state->conf.MBEDTLS_PRIVATE(psk),
                               (uint32_t)t->state->conf.MBEDTLS_PRIVATE(psk_len)});
    iot_digest_end(&d, sum);
    memcpy(t->state->tag, sum, TAG_BYTES);
}

void iot_tls_saved_head(const struct iot_tls_core *t, uint8_t *blob)
{
    struct iot_tls_saved head = {.valid_from_s = t->valid_from_s, .valid_to_s = t->valid_to_s};
    memcpy(head.tag, t->state->tag, TAG_BYTES);
    memcpy(blob, &head, HEAD);
}

/* Dates are judged as those of a chain that is seen now. */
bool iot_tls_saved_fits(const struct iot_tls_core *t, const uint8_t *blob, uint32_t len,
                        struct iot_tls_saved *head)
{
    int64_t now_s;

    if (len <= HEAD)
        return false;
    memcpy(head, blob, HEAD);
    if (memcmp(t->state->tag, head->tag, TAG_BYTES) != 0)
        return false;
    if (iot_tls_wall(t, &now_s))
        return iot_tls_dates(head->valid_from_s, head->valid_to_s, now_s) == 0;
    return t->state->floor_s <= head->valid_to_s;
}

static void offer(struct iot_tls_core *t, const uint8_t *blob, uint32_t len)
{
    mbedtls_ssl_session session;
    struct iot_tls_saved head;

    if (!iot_tls_saved_fits(t, blob, len, &head))
        return;
    mbedtls_ssl_session_init(&session);
    if (mbedtls_ssl_session_load(&session, blob + HEAD, len - HEAD) == 0)
        t->state->offered = mbedtls_ssl_set_session(&t->state->ssl, &session) == 0;
    mbedtls_ssl_session_free(&session);
    t->state->kept_from_s = head.valid_from_s;
    t->state->kept_to_s = head.valid_to_s;
}

/* No certificate was looked at: it was when the session was made, or there is none, with a PSK. */
void iot_tls_resumed(struct iot_tls_core *t)
{
    int64_t now_s;
    int suite = mbedtls_ssl_get_ciphersuite_id_from_ssl(&t->state->ssl);
    if (!t->state->offered || iot_tls_is_psk(suite))
        return;
    t->valid_from_s = t->state->kept_from_s;
    t->valid_to_s = t->state->kept_to_s;
    t->doubtful = !iot_tls_wall(t, &now_s);
}

/* Too little room in the arena is no failure here. */
static void forgive(struct iot_tls_core *t)
{
    t->arena.failed = 0;
}

iot_err iot_tls_resume_read(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    uint32_t cap = HEAD + IOT_TLS_SESSION_BYTES;
    if (!has_store(t) || t->shun)
        return IOT_OK;
    x->blob = iot_arena_calloc(1, cap);
    forgive(t);
    if (x->blob == NULL)
        return IOT_OK;
    iot_err err = t->port->kv_get(t->port->ctx, t->opt->session_key, x->blob, cap, &x->blob_len);
    if (err != IOT_OK)
        x->blob_len = 0;
    return err == IOT_ERR_AGAIN ? err : IOT_OK;
}

void iot_tls_resume(struct iot_tls_core *t)
{
    struct iot_tls_state *x = t->state;
    if (x->blob == NULL)
        return;
    offer(t, x->blob, x->blob_len);
    iot_wipe(x->blob, HEAD + IOT_TLS_SESSION_BYTES);
    iot_arena_free(x->blob);
    x->blob = NULL;
    forgive(t);
}

/* Also if the store cannot forget it, until another one is kept. */
void iot_tls_resume_forget(struct iot_tls_core *t)
{
    t->shun |= t->state->offered;
    if (t->state->offered && t->port->kv_del != NULL)
        (void)t->port->kv_del(t->port->ctx, t->opt->session_key);
    t->state->offered = false;
}

void iot_tls_core_refused(struct iot_tls_core *t)
{
    if (t->state != NULL)
        iot_tls_resume_forget(t);
}

/* Flash wears, and a session that was resumed is most often the same one as before. */
static iot_err keep(struct iot_tls_core *t, const uint8_t *blob, uint32_t len)
{
    uint32_t have = 0;
    uint8_t *kept = iot_arena_calloc(1, len);
    iot_err err = IOT_ERR_STATE;
    if (kept != NULL) {
        err = t->port->kv_get(t->port->ctx, t->opt->session_key, kept, len, &have);
        if (err == IOT_OK && (have != len || memcmp(kept, blob, len) != 0))
            err = IOT_ERR_STATE; /* another one */
        iot_wipe(kept, len);
    }
    iot_arena_free(kept);
    if (err == IOT_OK || err == IOT_ERR_AGAIN)
        return err;
    return t->port->kv_set(t->port->ctx, t->opt->session_key, blob, len);
}

bool iot_tls_resume_save(struct iot_tls_core *t)
{
    const mbedtls_ssl_session *session = t->state->ssl.MBEDTLS_PRIVATE(session);
    size_t len = 0, room = 0;

    if (!has_store(t) || session == NULL)
        return true;
    (void)mbedtls_ssl_session_save(session, NULL, 0, &room); /* says how much it wants */
    if (room == 0 || room > IOT_TLS_SESSION_BYTES)
        return true;
    uint8_t *blob = iot_arena_calloc(1, HEAD + room);
    iot_err err = IOT_ERR_FULL;
    if (blob != NULL && mbedtls_ssl_session_save(session, blob + HEAD, room, &len) == 0) {
        iot_tls_saved_head(t, blob);
        err = keep(t, blob, HEAD + (uint32_t)len);
        t->shun &= err != IOT_OK;
    }
    if (blob != NULL)
        iot_wipe(blob, HEAD + (uint32_t)room);
    iot_arena_free(blob);
    forgive(t);
    return err != IOT_ERR_AGAIN;
}

#endif
