/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of time: trusted time, and a floor below which it cannot be, which outlives a reboot. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "tls/iot_tls_mbedtls.h"

#define TIME_KEY  IOT_TLS_TIME_KEY
#define SAVE_DIFF (24 * 3600) /* flash wears: a floor may be a day old */

bool iot_tls_wall(const struct iot_tls_core *t, int64_t *now_s)
{
    if (t->port->wall != NULL && t->port->wall(t->port->ctx, now_s) == IOT_OK)
        return true;
    return t->wall != NULL && t->wall(t->wall_ctx, now_s);
}

bool iot_tls_core_vouches(struct iot_tls_core *t, int64_t unix_s)
{
    if (t->state == NULL || unix_s < t->state->floor_s ||
        iot_tls_dates(t->valid_from_s, t->valid_to_s, unix_s) != 0)
        return false;
    if (t->doubtful)
        t->deadline = 0;
    return true;
}

static iot_err saved_time(const struct iot_tls_core *t, int64_t *at_s)
{
    uint32_t len = 0;
    if (t->port->kv_get == NULL)
        return IOT_ERR_STATE;
    iot_err err = t->port->kv_get(t->port->ctx, TIME_KEY, at_s, sizeof *at_s, &len);
    return err == IOT_OK && len != sizeof *at_s ? IOT_ERR_SIZE : err;
}

iot_err iot_tls_floor(const struct iot_tls_core *t, int64_t *floor_s)
{
    int64_t saved_s = 0;
    iot_err err = saved_time(t, &saved_s);
    if (err == IOT_ERR_AGAIN)
        return err;
    *floor_s = t->opt->min_wall_s;
    if (err == IOT_OK && saved_s > *floor_s)
        *floor_s = saved_s;
    return IOT_OK;
}

/* A store that is slow or broken costs only the age of the floor. */
void iot_tls_floor_save(const struct iot_tls_core *t)
{
    int64_t now_s = 0;
    if (t->port->kv_set == NULL || !iot_tls_wall(t, &now_s))
        return;
    /* Also downwards: a floor in the future, of whatever origin, would make good certificates look expired. */
    int64_t ahead_s = now_s - t->state->floor_s;
    bool behind = ahead_s <= -SAVE_DIFF && now_s >= t->opt->min_wall_s;
    if ((ahead_s >= SAVE_DIFF || behind) &&
        t->port->kv_set(t->port->ctx, TIME_KEY, &now_s, sizeof now_s) == IOT_OK)
        t->state->floor_s = now_s; /* not again for this connection */
}

#endif
