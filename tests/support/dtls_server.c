/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls_server.h"

#include "dtls_end.h"

#include "mbedtls/ssl_cache.h"
#include "mbedtls/ssl_cookie.h"
#include "mbedtls/ssl_ticket.h"

#include <string.h>

#define RECORD_CID  25  /* tls12_cid, RFC 9146 */
#define RECORD_HEAD 11u /* type, version, epoch, number; the connection ID follows */

struct peer {
    struct dtls_end end;
    uint8_t cid[8];    /* what it has to send */
    iot_time heard_at; /* last */
    bool used;         /* `end` says something, maybe that it is over */
};

struct dtls_server {
    struct dtls_server_options opt;
    uint64_t chance;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt cert, ca;
    mbedtls_pk_context key;
    mbedtls_ssl_cookie_ctx cookies;
    mbedtls_ssl_cache_context cache;
    mbedtls_ssl_ticket_context tickets;
    struct peer peers[DTLS_SERVER_PEERS_MAX];
    struct dtls_queue out, data;
    struct dtls_server_counts counts;
    iot_time now;
};

/* ---- What it is made of ------------------------------------------------------------------ */

static int set_trust(struct dtls_server *s)
{
    const struct dtls_server_options *o = &s->opt;
    int err = 0;

    if (o->psk.len != 0)
        err = mbedtls_ssl_conf_psk(&s->conf, o->psk.ptr, o->psk.len, o->identity.ptr,
                                   o->identity.len);
    if (err == 0 && o->cert.len != 0) {
        err = mbedtls_x509_crt_parse_der(&s->cert, o->cert.ptr, o->cert.len);
        if (err == 0)
            err = mbedtls_pk_parse_key(&s->key, o->key.ptr, o->key.len, NULL, 0, dtls_random,
                                       &s->chance);
        if (err == 0)
            err = mbedtls_ssl_conf_own_cert(&s->conf, &s->cert, &s->key);
    }
    if (err == 0 && o->ca.len != 0) {
        err = mbedtls_x509_crt_parse_der(&s->ca, o->ca.ptr, o->ca.len);
        mbedtls_ssl_conf_ca_chain(&s->conf, &s->ca, NULL);
    }
    mbedtls_ssl_conf_authmode(&s->conf, o->ca.len != 0 ? MBEDTLS_SSL_VERIFY_REQUIRED
                                                       : MBEDTLS_SSL_VERIFY_NONE);
    return err;
}

static int set_resume(struct dtls_server *s)
{
    mbedtls_ssl_conf_session_tickets(&s->conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    if (s->opt.resume == DTLS_SERVER_RESUME_ID)
        mbedtls_ssl_conf_session_cache(&s->conf, &s->cache, mbedtls_ssl_cache_get,
                                       mbedtls_ssl_cache_set);
    if (s->opt.resume != DTLS_SERVER_RESUME_TICKET)
        return 0;
    mbedtls_ssl_conf_session_tickets(&s->conf, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_session_tickets_cb(&s->conf, mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse, &s->tickets);
    return mbedtls_ssl_ticket_setup(&s->tickets, dtls_random, &s->chance,
                                    MBEDTLS_CIPHER_AES_256_GCM, 86400);
}

static int begin(struct dtls_server *s)
{
    int err = dtls_conf_init(&s->conf, MBEDTLS_SSL_IS_SERVER, &s->chance, s->opt.suites,
                             s->opt.first_ms, s->opt.last_ms);

    mbedtls_x509_crt_init(&s->cert);
    mbedtls_x509_crt_init(&s->ca);
    mbedtls_pk_init(&s->key);
    mbedtls_ssl_cookie_init(&s->cookies);
    mbedtls_ssl_cache_init(&s->cache);
    mbedtls_ssl_ticket_init(&s->tickets);
    if (err == 0)
        err = set_trust(s);
    if (err == 0)
        err = set_resume(s);
    if (err == 0)
        err = mbedtls_ssl_cookie_setup(&s->cookies, dtls_random, &s->chance);
    if (s->opt.cookie)
        mbedtls_ssl_conf_dtls_cookies(&s->conf, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check,
                                      &s->cookies);
    else
        mbedtls_ssl_conf_dtls_cookies(&s->conf, NULL, NULL, NULL);
    if (err == 0 && s->opt.cid)
        err = mbedtls_ssl_conf_cid(&s->conf, s->opt.cid_len, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE);
    return err;
}

static void end(struct dtls_server *s)
{
    for (uint32_t i = 0; i < DTLS_SERVER_PEERS_MAX; i++)
        dtls_end_free(&s->peers[i].end);
    memset(s->peers, 0, sizeof s->peers);
    mbedtls_ssl_ticket_free(&s->tickets);
    mbedtls_ssl_cache_free(&s->cache);
    mbedtls_ssl_cookie_free(&s->cookies);
    mbedtls_pk_free(&s->key);
    mbedtls_x509_crt_free(&s->ca);
    mbedtls_x509_crt_free(&s->cert);
    mbedtls_ssl_config_free(&s->conf);
    dtls_queue_clear(&s->out);
    dtls_queue_clear(&s->data);
}

struct dtls_server *dtls_server_create(const struct dtls_server_options *o)
{
    struct dtls_server *s = dtls_calloc(1, sizeof *s);

    s->opt = *o;
    s->chance = o->seed;
    if (begin(s) == 0)
        return s;
    dtls_server_destroy(s);
    return NULL;
}

void dtls_server_destroy(struct dtls_server *s)
{
    if (s == NULL)
        return;
    end(s);
    dtls_free(s);
}

/* The chance goes on, so that nothing is as before. The options were good once. */
void dtls_server_forget(struct dtls_server *s)
{
    end(s);
    (void)begin(s);
}

/* ---- Whose a datagram is ----------------------------------------------------------------- */

static struct peer *peer_at(const struct dtls_server *s, uint32_t address)
{
    for (uint32_t i = 0; i < DTLS_SERVER_PEERS_MAX; i++)
        if (s->peers[i].used && s->peers[i].end.address == address)
            return (struct peer *)&s->peers[i];
    return NULL;
}

static bool has_cid(struct iot_bytes d)
{
    return d.len > RECORD_HEAD && d.ptr[0] == RECORD_CID;
}

/* By the connection ID in its first record. With one of no bytes only the address tells. */
static struct peer *peer_by_cid(struct dtls_server *s, struct iot_bytes d)
{
    if (!has_cid(d) || s->opt.cid_len == 0 || d.len < RECORD_HEAD + s->opt.cid_len)
        return NULL;
    for (uint32_t i = 0; i < DTLS_SERVER_PEERS_MAX; i++)
        if (s->peers[i].used && s->peers[i].end.info.cid &&
            memcmp(s->peers[i].cid, d.ptr + RECORD_HEAD, s->opt.cid_len) == 0)
            return &s->peers[i];
    return NULL;
}

static bool is_hello(struct iot_bytes d)
{
    return d.len > 13 && d.ptr[0] == 22 && d.ptr[3] == 0 && d.ptr[4] == 0 && d.ptr[13] == 1;
}

/* A place for a new one: free, else of one that is over, else of the one that was silent longest. */
static struct peer *new_peer(struct dtls_server *s, uint32_t address)
{
    struct peer *p = peer_at(s, address);

    for (uint32_t i = 0; p == NULL && i < DTLS_SERVER_PEERS_MAX; i++)
        p = !s->peers[i].used ? &s->peers[i] : NULL;
    for (uint32_t i = 0; p == NULL && i < DTLS_SERVER_PEERS_MAX; i++)
        p = s->peers[i].end.over ? &s->peers[i] : NULL;
    if (p == NULL)
        p = &s->peers[0];
    for (uint32_t i = 0; !p->end.over && p->used && i < DTLS_SERVER_PEERS_MAX; i++)
        if (s->peers[i].heard_at < p->heard_at)
            p = &s->peers[i];
    dtls_end_free(&p->end);
    memset(p, 0, sizeof *p);
    p->used = true;
    p->end.out = &s->out;
    p->end.data = &s->data;
    p->end.address = address;
    p->end.now = s->now;
    dtls_random(&s->chance, p->cid, sizeof p->cid);
    p->cid[0] = (uint8_t)(p - s->peers); /* so no two are alike */
    int err = dtls_end_init(&p->end, &s->conf, s->opt.mtu, s->opt.cid, p->cid, s->opt.cid_len);
    if (err == 0)
        err = mbedtls_ssl_set_client_transport_id(&p->end.ssl, (const unsigned char *)&address,
                                                  sizeof address);
    if (err != 0)
        dtls_end_over(&p->end, err);
    return p;
}

/* ---- Work -------------------------------------------------------------------------------- */

static void run(struct dtls_server *s, struct peer *p)
{
    bool was_up = p->end.info.up;
    int err = dtls_end_run(&p->end);

    if (err == MBEDTLS_ERR_SSL_CLIENT_RECONNECT) {
        was_up = false;
        p->end.info = (struct dtls_server_info){.alert = -1};
        err = dtls_end_run(&p->end);
    }
    if (p->end.info.up && !was_up) {
        s->counts.handshakes++;
        s->counts.resumptions += p->end.info.resumed;
    }
    if (err == 0)
        return;
    if (err == MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED) { /* it keeps nothing */
        s->counts.cookies++;
        dtls_end_free(&p->end);
        memset(p, 0, sizeof *p);
        return;
    }
    if (err ==
        MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) /* the only one that mbedTLS is silent about */
        mbedtls_ssl_send_alert_message(&p->end.ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                       MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
    s->counts.failures += err != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
    dtls_end_over(&p->end, err);
}

/* RFC 9146, 6: an address is new when the record is authentic and newer than all before. */
struct newest {
    unsigned epoch;
    uint64_t number;
};

static struct newest newest_of(const struct dtls_end *e)
{
    return (struct newest){e->ssl.in_epoch, e->ssl.in_window_top};
}

static bool is_newer(struct newest a, struct newest b)
{
    return a.epoch != b.epoch ? a.epoch > b.epoch : a.number > b.number;
}

void dtls_server_feed(struct dtls_server *s, uint32_t from, struct iot_bytes datagram,
                      iot_time now_ms)
{
    struct peer *p = peer_by_cid(s, datagram);

    s->now = now_ms;
    if (p == NULL)
        p = peer_at(s, from);
    if (p == NULL || p->end.over)
        p = is_hello(datagram) ? new_peer(s, from) : NULL;
    if (p == NULL || p->end.over) {
        s->counts.lost++;
        return;
    }
    uint32_t old = p->end.address;
    bool was_up = p->end.info.up;
    struct newest before = newest_of(&p->end);
    p->heard_at = now_ms;
    p->end.now = now_ms;
    p->end.in = datagram;
    p->end.address = was_up ? from : old; /* so that what is read has its sender */
    run(s, p);
    p->end.in = (struct iot_bytes){NULL, 0}; /* a leftover, as the datagram is the caller's */
    if (!p->used || from == old || !was_up)
        return;
    if (p->end.over || !is_newer(newest_of(&p->end), before)) {
        p->end.address = old;
        return;
    }
    p->end.info.moved++;
    s->counts.moves++;
    struct peer *other = NULL;
    for (uint32_t i = 0; i < DTLS_SERVER_PEERS_MAX; i++)
        if (&s->peers[i] != p && s->peers[i].used && s->peers[i].end.address == from)
            other = &s->peers[i];
    if (other != NULL) { /* somebody was there before */
        dtls_end_free(&other->end);
        memset(other, 0, sizeof *other);
    }
}

iot_time dtls_server_tick(struct dtls_server *s, iot_time now_ms)
{
    iot_time next = DTLS_SERVER_NEVER;

    s->now = now_ms;
    for (uint32_t i = 0; i < DTLS_SERVER_PEERS_MAX; i++) {
        struct peer *p = &s->peers[i];
        if (!p->used || p->end.over)
            continue;
        p->end.now = now_ms;
        if (p->end.timer_end <= now_ms)
            run(s, p);
        if (p->used && p->end.timer_end < next)
            next = p->end.timer_end;
    }
    return next;
}

static bool take(struct dtls_queue *q, uint32_t *address, uint8_t *into, uint32_t cap, uint32_t *n)
{
    struct dtls_parcel *p = dtls_queue_take(q);

    *n = 0;
    if (p == NULL)
        return false;
    *address = p->address;
    if (p->len <= cap) {
        memcpy(into, p->bytes, p->len);
        *n = p->len;
    }
    dtls_free(p);
    return true;
}

uint32_t dtls_server_out(struct dtls_server *s, uint32_t *to, uint8_t *into, uint32_t cap)
{
    uint32_t n;

    (void)take(&s->out, to, into, cap, &n);
    return n;
}

bool dtls_server_read(struct dtls_server *s, uint32_t *from, uint8_t *into, uint32_t cap,
                      uint32_t *n)
{
    return take(&s->data, from, into, cap, n);
}

bool dtls_server_write(struct dtls_server *s, uint32_t to, struct iot_bytes data)
{
    struct peer *p = peer_at(s, to);

    return p != NULL && dtls_end_write(&p->end, data);
}

bool dtls_server_ask_again(struct dtls_server *s, uint32_t to)
{
    struct peer *p = peer_at(s, to);

    return p != NULL && dtls_end_ask_again(&p->end);
}

bool dtls_server_up(const struct dtls_server *s, uint32_t address)
{
    const struct peer *p = peer_at(s, address);

    return p != NULL && p->end.info.up;
}

bool dtls_server_info(const struct dtls_server *s, uint32_t address, struct dtls_server_info *info)
{
    const struct peer *p = peer_at(s, address);

    if (p != NULL)
        *info = p->end.info;
    return p != NULL;
}

struct dtls_server_counts dtls_server_counts(const struct dtls_server *s)
{
    return s->counts;
}

void dtls_server_close(struct dtls_server *s, uint32_t address)
{
    struct peer *p = peer_at(s, address);

    if (p == NULL)
        return;
    if (p->end.info.up)
        mbedtls_ssl_close_notify(&p->end.ssl);
    dtls_end_free(&p->end);
    memset(p, 0, sizeof *p);
}
