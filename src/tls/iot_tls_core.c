/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "core/iot_core_assert.h"
#include "core/iot_core_log.h"
#include "crypto/iot_crypto_digest.h"
#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#define SAVE_TRIES 250    /* 5 s at least: a store that is slow for longer keeps no session */
#define RECHECK_MS 10000u /* is trusted time known by now? */

struct iot_tls_outside iot_tls_enter(struct iot_tls_core *t)
{
    struct iot_tls_outside o = {iot_arena_enter(&t->arena),
                                iot_drbg_enter(t->state != NULL ? t->state->drbg : NULL)};
    return o;
}

void iot_tls_leave(struct iot_tls_core *t, struct iot_tls_outside o)
{
    uint32_t high = t->arena.high * 8;
    if (high > t->high)
        t->high = high;
    iot_arena_enter(o.arena);
    iot_drbg_enter(o.drbg);
}

bool iot_tls_begin(struct iot_tls_core *t, const struct iot_endpoint *to, iot_time now)
{
    t->to = to;
    t->now = now;
    t->reason = IOT_OK;
    t->detail = 0;
    t->faults = 0;
    t->save_tries = 0;
    t->judged = t->doubtful = t->to_save = t->slicing = false;
    t->valid_from_s = INT64_MIN;
    t->valid_to_s = INT64_MAX;
    t->deadline = IOT_TIME_NEVER;
    return iot_arena_init(&t->arena, t->opt->arena, t->opt->arena_bytes);
}

void iot_tls_drop(struct iot_tls_core *t)
{
    if (t->arena.base == NULL)
        return;
    struct iot_tls_outside o = iot_tls_enter(t);
    iot_tls_teardown(t);
    iot_tls_leave(t, o);
    IOT_ASSERT(t->arena.blocks == 0 && t->arena.used == 0);
    iot_wipe(t->arena.base, t->arena.units * 8);
    memset(&t->arena, 0, sizeof t->arena);
}

int iot_tls_step(struct iot_tls_core *t, void (*on_busy)(void *ctx, bool begins), void *busy_ctx)
{
    struct iot_tls_state *x = t->state;
    /* Between two slices of an operation on a curve there is nothing to announce. */
    bool busy = on_busy != NULL && !t->slicing && iot_tls_long_step(x);
    if (busy)
        on_busy(busy_ctx, true);
    int ret = mbedtls_ssl_handshake_step(&x->ssl);
    if (busy)
        on_busy(busy_ctx, false);
    t->slicing = ret == MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS || ret == MBEDTLS_ERR_ECP_IN_PROGRESS;
    return ret;
}

/* What can be resumed in 1.3 comes with a ticket, later: until then what is kept stays. */
void iot_tls_begin_up(struct iot_tls_core *t, iot_time now)
{
    iot_tls_setup_shrink(t);
    if (!t->judged)
        iot_tls_resumed(t);
    if (!iot_tls_core_serves(t))
        iot_tls_floor_save(t);
    t->to_save = mbedtls_ssl_get_version_number(&t->state->ssl) != MBEDTLS_SSL_VERSION_TLS1_3;
    IOT_LOG (t->port, IOT_LOG_INFO, line) {
        iot_log_text(line, "tls: up, ");
        iot_log_text(line, iot_tls_core_suite(t));
        iot_log_text(line, t->judged ? "" : ", no certificate looked at");
    }
    /* Never known by the port: nothing to wait for, but for the peer's own word. */
    t->deadline = t->doubtful && t->port->wall != NULL ? now + RECHECK_MS : IOT_TIME_NEVER;
}

iot_err iot_tls_recheck(struct iot_tls_core *t, iot_time now)
{
    int64_t now_s;
    t->deadline = now + RECHECK_MS;
    if (!iot_tls_wall(t, &now_s))
        return IOT_OK;
    t->doubtful = false;
    t->deadline = IOT_TIME_NEVER;
    iot_tls_floor_save(t);
    t->faults = iot_tls_dates(t->valid_from_s, t->valid_to_s, now_s);
    if (t->faults == 0)
        return IOT_OK;
    t->detail = t->faults;
    return IOT_ERR_TLS_VERIFY;
}

void iot_tls_keep(struct iot_tls_core *t)
{
    struct iot_tls_outside o = iot_tls_enter(t);
    t->to_save = !iot_tls_resume_save(t) && ++t->save_tries < SAVE_TRIES;
    iot_tls_leave(t, o);
}

void iot_tls_core_memory(const struct iot_tls_core *t, struct iot_tls_memory *out)
{
    out->used = t->arena.used * 8;
    out->high = t->high;
    out->max = t->opt->arena_bytes;
    out->blocks = t->arena.blocks;
}

const char *iot_tls_core_suite(const struct iot_tls_core *t)
{
    const char *name = t->state != NULL ? mbedtls_ssl_get_ciphersuite(&t->state->ssl) : NULL;
    return name != NULL ? name : "";
}

bool iot_tls_core_is_resumed(const struct iot_tls_core *t)
{
    return !t->judged && t->state->offered &&
           !iot_tls_is_psk(mbedtls_ssl_get_ciphersuite_id_from_ssl(&t->state->ssl));
}

#endif
