/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_trust.h"

#include "host/host_net.h"
#include "iot_port_unix.h"
#include "peer_broker.h"
#include "peer_relay.h"
#include "peer_tls.h"

#include <strings.h>

#define BOARDS_MAX 4u
#define HOUR_S     3600

static struct peer_trust *boards[BOARDS_MAX];

static void forget_board(const struct peer_trust *t);

/* ---- The port ---------------------------------------------------------------------------- */

static bool uses_up(uint32_t *times)
{
    if (*times == 0)
        return false;
    --*times;
    return true;
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    struct peer_trust *t = ctx;

    if (uses_up(&t->random_again))
        return IOT_ERR_AGAIN;
    return t->random_breaks ? IOT_ERR_RANDOM : iot_port_unix.random(iot_port_unix.ctx, into, n);
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    const struct peer_trust *t = ctx;

    if (!t->knows_time)
        return IOT_ERR_AGAIN;
    *unix_s = t->now_s;
    return IOT_OK;
}

struct peer_kv *peer_trust_kv(struct peer_trust *t, const char *key)
{
    for (uint32_t i = 0; i < PEER_KV_MAX; i++)
        if (t->kv[i].key[0] != '\0' && strcmp(t->kv[i].key, key) == 0)
            return &t->kv[i];
    return NULL;
}

struct peer_kv *peer_trust_kv_begins(struct peer_trust *t, const char *key)
{
    for (uint32_t i = 0; i < PEER_KV_MAX; i++)
        if (strncmp(t->kv[i].key, key, strlen(key)) == 0)
            return &t->kv[i];
    return NULL;
}

static iot_err store_state(struct peer_trust *t)
{
    if (uses_up(&t->kv_again))
        return IOT_ERR_AGAIN;
    return t->kv_breaks ? IOT_ERR_KV : IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    struct peer_trust *t = ctx;
    const struct peer_kv *v = peer_trust_kv(t, key);
    iot_err err = store_state(t);

    if (err != IOT_OK)
        return err;
    if (v == NULL)
        return IOT_ERR_STATE;
    if (v->len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, v->bytes, v->len);
    *len = v->len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    struct peer_trust *t = ctx;
    struct peer_kv *v = peer_trust_kv(t, key);
    iot_err err = store_state(t);

    if (err != IOT_OK)
        return err;
    for (uint32_t i = 0; v == NULL && i < PEER_KV_MAX; i++)
        if (t->kv[i].key[0] == '\0')
            v = &t->kv[i];
    if (v == NULL)
        return IOT_ERR_FULL;
    if (len > PEER_KV_BYTES || strlen(key) >= sizeof v->key)
        return IOT_ERR_SIZE;
    snprintf(v->key, sizeof v->key, "%s", key);
    memcpy(v->bytes, bytes, len);
    v->len = len;
    return IOT_OK;
}

static iot_err kv_del(void *ctx, const char *key)
{
    struct peer_trust *t = ctx;
    struct peer_kv *v = peer_trust_kv(t, key);
    iot_err err = store_state(t);

    if (err == IOT_OK && v != NULL)
        memset(v, 0, sizeof *v);
    return err;
}

static void log_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    struct peer_trust *t = ctx;
    (void)level;

    if (len + 1 > PEER_LOG_MAX - t->log_len)
        t->log_len = 0;
    memcpy(t->log + t->log_len, line, len);
    t->log[t->log_len + len] = '\n';
    t->log_len += len + 1;
}

/* ---- The board --------------------------------------------------------------------------- */

void peer_trust_add(struct peer_trust *t, enum peer_cert_id root)
{
    assert_true(t->tls.ca_count < PEER_CAS_MAX);
    t->ca[t->tls.ca_count++] = peer_cert(root)->der;
    t->tls.ca = t->ca;
}

void peer_trust_client(struct peer_trust *t, enum peer_cert_id cert)
{
    t->cert = peer_cert(cert)->der;
    t->tls.cert = &t->cert;
    t->tls.cert_count = 1;
    t->tls.key = peer_cert(cert)->key;
    peer_trust_secret(t, t->tls.key);
}

void peer_trust_days(struct peer_trust *t, int64_t days)
{
    t->knows_time = true;
    t->now_s = peer_certs_made_s() + days * PEER_DAY_S + HOUR_S;
}

void peer_trust_prepare(struct peer_trust *t, enum peer_cert_id root)
{
    for (uint32_t i = 0; i < BOARDS_MAX; i++)
        if (boards[i] == t)
            forget_board(t); /* its log ends here */
    memset(t, 0, sizeof *t);
    t->port = (struct iot_port){t, random_bytes, wall, kv_get, kv_set, kv_del, log_line};
    t->tls.arena = t->arena;
    t->tls.arena_bytes = sizeof t->arena;
    peer_trust_days(t, 0);
    if (root != CERT_COUNT)
        peer_trust_add(t, root);
    for (uint32_t i = 0; i < BOARDS_MAX; i++) {
        if (boards[i] == NULL || boards[i] == t) {
            boards[i] = t;
            return;
        }
    }
    fail_msg("too many boards");
}

void peer_trust_device(struct peer_device *p, struct peer_trust *t, const char *name, uint16_t port)
{
    peer_prepare(p, name, port);
    p->options.host = PEER_NAME;
    p->options.tls = &t->tls;
    p->options.port_ops = &t->port;
    p->options.backoff_cap_ms = 500;
}

struct iot_tls_memory peer_trust_memory(const struct peer_device *p)
{
    struct iot_tls_memory m;

    iot_tls_memory(&p->dev.tls, &m);
    return m;
}

/* ---- Secrets ----------------------------------------------------------------------------- */

void peer_trust_secret(struct peer_trust *t, struct iot_bytes secret)
{
    for (uint32_t i = 0; i < PEER_SECRETS_MAX; i++) {
        if (t->secrets[i].ptr == NULL) {
            t->secrets[i] = secret;
            return;
        }
    }
    fail_msg("too many secrets");
}

static bool log_has(const struct peer_trust *t, const char *text, size_t n)
{
    for (size_t at = 0; at + n <= t->log_len; at++)
        if (strncasecmp(t->log + at, text, n) == 0)
            return true;
    return false;
}

/* A part of it is enough to be too much: its last eight bytes, or all of it if it is shorter. */
static bool log_tells(const struct peer_trust *t, struct iot_bytes secret)
{
    uint32_t n = secret.len < 8 ? secret.len : 8;
    struct iot_bytes part = {secret.ptr + secret.len - n, n};
    char hex[2 * 8 + 3];

    to_hex(part, hex, sizeof hex);
    return log_has(t, (const char *)part.ptr, n) || log_has(t, hex, 2 * n);
}

static void forget_board(const struct peer_trust *t)
{
    for (uint32_t i = 0; i < PEER_SECRETS_MAX && t->secrets[i].ptr != NULL; i++)
        if (log_tells(t, t->secrets[i]))
            fail_msg("secret %u is in the log", (unsigned)i);
}

/* ---- One device -------------------------------------------------------------------------- */

static void check_arena(const struct peer_device *p)
{
    struct iot_tls_memory m = peer_trust_memory(p);

    if (m.used != 0 || m.blocks != 0)
        fail_msg("%s: %u bytes in %u blocks are left in the arena", p->name, (unsigned)m.used,
                 (unsigned)m.blocks);
    assert_true(m.high <= m.max);
}

void peer_trust_connect(struct peer_device *p)
{
    peer_begin(p);
    UNTIL(iot_device_connected(&p->dev) || p->kinds[IOT_EV_LOST] != 0);
    const struct peer_event *e = peer_last(p, IOT_EV_LOST);
    if (e != NULL)
        fail_msg("%s: %s, detail %d (%s)", p->name, iot_err_name(e->err), (int)e->detail,
                 iot_err_detail_name(e->err, e->detail));
}

/* The end that has just come. */
static int32_t check_lost(const struct peer_device *p, iot_err err)
{
    const struct peer_event *e = peer_last(p, IOT_EV_LOST);
    int32_t detail;

    if (e->err != err)
        print_message("%s: detail %d\n", p->name, (int)e->detail);
    assert_err(e->err, err);
    assert_err(iot_device_last_reason(&p->dev, &detail), err);
    assert_int_equal(detail, e->detail);
    check_arena(p);
    return detail;
}

int32_t peer_trust_lost(struct peer_device *p, iot_err err, bool fast)
{
    uint32_t losses = p->kinds[IOT_EV_LOST];

    if (fast)
        UNTIL_FAST(p->kinds[IOT_EV_LOST] > losses);
    else
        UNTIL(p->kinds[IOT_EV_LOST] > losses);
    assert_int_equal(p->kinds[IOT_EV_LOST], losses + 1);
    return check_lost(p, err);
}

uint32_t peer_trust_busy(const struct peer_device *p)
{
    uint32_t begins = 0, ends = 0;

    for (uint32_t i = 0; i < p->event_count; i++) {
        if (p->events[i].kind != IOT_EV_BUSY)
            continue;
        *(p->events[i].code != 0 ? &begins : &ends) += 1;
        assert_in_range(begins - ends, 0, 1);
    }
    assert_int_equal(begins, ends);
    return begins;
}

void peer_trust_close(struct peer_device *p)
{
    peer_close(p);
    check_arena(p);
    peer_trust_busy(p);
}

void peer_trust_refused(struct peer_device *p, iot_err err, int32_t detail)
{
    p->options.no_reconnect = true;
    peer_begin(p);
    UNTIL(p->kinds[IOT_EV_LOST] != 0 || iot_device_connected(&p->dev));
    if (iot_device_connected(&p->dev))
        fail_msg("%s: connected, not %s", p->name, iot_err_name(err));
    int32_t got = check_lost(p, err);
    if (detail != PEER_ANY && got != detail)
        fail_msg("%s: %s has detail %d (%s), not %d", p->name, iot_err_name(err), (int)got,
                 iot_err_detail_name(err, got), (int)detail);
    peer_trust_close(p);
}

/* ---- Groups ------------------------------------------------------------------------------ */

int peer_trust_group_setup(void **state)
{
    if (peer_group_setup(state) != 0)
        return -1;
    return host_name_add(PEER_NAME, peer_loopback) ? 0 : -1;
}

int peer_trust_group_teardown(void **state)
{
    peer_broker_kill_all();
    peer_certs_remove();
    return peer_group_teardown(state);
}

int peer_trust_test_teardown(void **state)
{
    int result = peer_test_teardown(state);

    peer_relay_stop_all();
    peer_tls_stop_all();
    for (uint32_t i = 0; i < BOARDS_MAX; i++) {
        if (boards[i] != NULL)
            forget_board(boards[i]);
        boards[i] = NULL;
    }
    return result;
}
