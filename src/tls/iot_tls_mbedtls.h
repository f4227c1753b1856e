/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share and nobody else sees: mbedTLS's contexts, which live in the
 * arena from PREPARE to the end of UP. */
#ifndef IOT_TLS_MBEDTLS_H
#define IOT_TLS_MBEDTLS_H

#include "crypto/iot_crypto_drbg.h"
#include "tls/iot_tls_stream.h"

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#define IOT_TLS_SUITES_MAX 20
#define IOT_TLS_TAG_BYTES  16
#define IOT_TLS_TIME_KEY   "iot-time" /* in the port's kv */

struct iot_tls_state {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt *ca, *own; /* the first of each chain, or NULL; `ca` only in the handshake */
    mbedtls_pk_context key;
    struct iot_drbg *drbg;
    int64_t floor_s;                /* it is not earlier than this */
    uint8_t tag[IOT_TLS_TAG_BYTES]; /* of what is kept in kv for this host, trust and identity */
    bool offered;                   /* a session from kv, of a chain with these dates */
    int64_t kept_from_s, kept_to_s;
    uint8_t *blob; /* what is in kv, until it is offered */
    uint32_t blob_len;
    uint8_t *kept; /* DTLS: an association from kv, or for it */
    uint32_t kept_len;
    uint8_t *identity; /* DTLS, the server's end: the peer's, as far as it has said it */
    uint32_t identity_len;
    int suites[IOT_TLS_SUITES_MAX + 1];
};

/** iot_tls_core.c: mbedTLS and PSA know one arena and one generator: ours, from enter to leave. */
struct iot_tls_outside {
    struct iot_arena *arena;
    struct iot_drbg *drbg;
};
struct iot_tls_outside iot_tls_enter(struct iot_tls_core *t);
void iot_tls_leave(struct iot_tls_core *t, struct iot_tls_outside o);
/** A new connection, with an empty arena. False: there is none that fits. */
bool iot_tls_begin(struct iot_tls_core *t, const struct iot_endpoint *to, iot_time now);
/** Everything that mbedTLS had is wiped: it held keys. */
void iot_tls_drop(struct iot_tls_core *t);
/** One step of the handshake, announced to `on_busy` (or NULL) if it may take long. Returns mbedTLS's code. */
int iot_tls_step(struct iot_tls_core *t, void (*on_busy)(void *ctx, bool begins), void *busy_ctx);
/** The handshake is over. */
void iot_tls_begin_up(struct iot_tls_core *t, iot_time now);
/** At t->deadline, while dates are doubtful: are they right by a time that is trusted by now? IOT_OK, also if there is none;
 *  IOT_ERR_TLS_VERIFY. */
iot_err iot_tls_recheck(struct iot_tls_core *t, iot_time now);
/** Once per tick while t->to_save. */
void iot_tls_keep(struct iot_tls_core *t);
/** What was negotiated, once the handshake is over; "" before. */
const char *iot_tls_core_suite(const struct iot_tls_core *t);
bool iot_tls_core_is_resumed(const struct iot_tls_core *t);

/** iot_tls_record.c: mbedTLS sends and receives by the lower stream. */
void iot_tls_record_bio(struct iot_tls *t);
/** As iot_stream_ops.read and write, in phase UP. */
iot_err iot_tls_record_read(struct iot_tls *t, uint8_t *into, uint32_t cap, uint32_t *got);
iot_err iot_tls_record_write(struct iot_tls *t, struct iot_bytes bytes, uint32_t *taken);
/** What the lower stream holds goes out, if it can still be spoken to. */
void iot_tls_record_flush(struct iot_tls *t);
/** Look how much the peer's TCP has confirmed: t->released. */
void iot_tls_record_mark(struct iot_tls *t);

/** iot_tls_setup.c: make and configure the contexts, in the arena that is entered. IOT_OK; IOT_ERR_AGAIN:
 *  nothing was made; another error, `t->detail` is mbedTLS's code. Frees nothing: iot_tls_teardown. */
iot_err iot_tls_setup(struct iot_tls_core *t);
/** Give all back and wipe it. */
void iot_tls_teardown(struct iot_tls_core *t);
/** Once the handshake is over nobody looks at the authorities and our key again. */
void iot_tls_setup_shrink(struct iot_tls_core *t);

/** The generator and what both ends have in common. */
void iot_tls_setup_base(struct iot_tls_core *t);

/** iot_tls_name.c: whom the certificate must be for; is that an address; is it for that one. */
const char *iot_tls_name(const struct iot_tls_core *t);
bool iot_tls_is_address(const char *name);
bool iot_tls_is_for(const mbedtls_x509_crt *crt, const char *name);

/** iot_tls_kinds.c: what options ask for. */
uint32_t iot_tls_kinds(const struct iot_tls_options *o);
bool iot_tls_offers_13(const struct iot_tls_core *t);
void iot_tls_choose_suites(const struct iot_tls_core *t);
/** A name for the port's kv, or NULL, and not our own. */
bool iot_tls_is_key(const char *key);
/** A suite that begins with a pre-shared key. */
bool iot_tls_is_psk(int suite);
/** The next handshake step may take long and is not sliced. */
bool iot_tls_long_step(const struct iot_tls_state *x);

/** iot_tls_verify.c: mbedTLS's f_vrfy, once per certificate of the chain, the leaf last. Collects
 *  t->faults and the chain's dates. */
int iot_tls_on_certificate(void *tls, mbedtls_x509_crt *crt, int depth, uint32_t *flags);
/** mbedTLS's flags as enum iot_tls_fault. */
uint16_t iot_tls_faults(uint32_t flags);
/** iot_tls_floor.c: the latest moment that has passed for certain: options, and the last trusted time in kv. AGAIN: the
 *  store is slow. */
iot_err iot_tls_floor(const struct iot_tls_core *t, int64_t *floor_s);
/** Trusted time, remembered as a floor for the next boot; false: unknown. */
bool iot_tls_wall(const struct iot_tls_core *t, int64_t *now_s);
void iot_tls_floor_save(const struct iot_tls_core *t);
/** As far as we know, is this certificate in its time? */
bool iot_tls_is_time_of(const struct iot_tls_core *t, const mbedtls_x509_crt *crt);
/** Do these dates fit this moment? The fault, or 0. */
uint16_t iot_tls_dates(int64_t from_s, int64_t to_s, int64_t now_s);

/** iot_tls_resume.c: what stands in front of everything that is kept in kv. `saved_tag` makes state->tag; `saved_fits`:
 *  it is for the same host and trust, of a chain that is in its time. */
struct iot_tls_saved {
    uint8_t tag[IOT_TLS_TAG_BYTES];
    int64_t valid_from_s, valid_to_s;
};
#define IOT_TLS_SAVED_HEAD ((uint32_t)sizeof(struct iot_tls_saved))
void iot_tls_saved_tag(struct iot_tls_core *t);
void iot_tls_saved_head(const struct iot_tls_core *t, uint8_t *blob);
bool iot_tls_saved_fits(const struct iot_tls_core *t, const uint8_t *blob, uint32_t len,
                        struct iot_tls_saved *head);

/** Read the session from kv. IOT_OK, also if there is none; IOT_ERR_AGAIN: the store is slow. */
iot_err iot_tls_resume_read(struct iot_tls_core *t);
/** Offer it, before the handshake begins. Whatever is wrong with it means a full handshake. */
void iot_tls_resume(struct iot_tls_core *t);
/** Keep the session for next time. False: the store is slow, ask again. */
bool iot_tls_resume_save(struct iot_tls_core *t);

/** The handshake is over, and no certificate was looked at in it. */
void iot_tls_resumed(struct iot_tls_core *t);
/** The handshake failed: a session that was offered is not offered again. */
void iot_tls_resume_forget(struct iot_tls_core *t);

/** iot_tls_kept.c: an association of DTLS in the port's kv under `key`. Read it, erase it durably, and only then use it: up.
 *  IOT_ERR_AGAIN: the store is slow, and this was not the `last` time; IOT_ERR_STATE: there is none, or it cannot be used;
 *  IOT_ERR_CUT: the same, and mbedTLS's context is used up: set up anew. */
iot_err iot_tls_kept_load(struct iot_tls_core *t, const char *key, bool last);
/** Out of mbedTLS's context, which is used up then, into state->kept; false: that is not possible now. */
bool iot_tls_kept_make(struct iot_tls_core *t);
/** From there into kv. IOT_ERR_AGAIN: the store is slow. */
iot_err iot_tls_kept_save(struct iot_tls_core *t, const char *key);

/** iot_tls_error.c: mbedTLS's code as an error of ours; sets t->detail. */
iot_err iot_tls_error(struct iot_tls_core *t, int code);
/** The same of an alert that the peer has sent. */
iot_err iot_tls_alert_error(struct iot_tls_core *t, uint8_t alert);
/** The server has chosen a suite that begins with a pre-shared key. */
bool iot_tls_chose_psk(const struct iot_tls_state *x);

#endif
