/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls_client.h"

#include "dtls_end.h"

#include <string.h>

struct dtls_client {
    struct dtls_client_options opt;
    uint64_t chance;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt cert, ca;
    mbedtls_pk_context key;
    mbedtls_ssl_session session;
    bool has_session;
    uint8_t cid[8];
    struct dtls_end end;
    struct dtls_queue out, data;
};

static int begin(struct dtls_client *c)
{
    const struct dtls_client_options *o = &c->opt;
    int err = dtls_conf_init(&c->conf, MBEDTLS_SSL_IS_CLIENT, &c->chance, o->suites, 0, 0);

    if (err == 0 && o->psk.len != 0)
        err = mbedtls_ssl_conf_psk(&c->conf, o->psk.ptr, o->psk.len, o->identity.ptr,
                                   o->identity.len);
    if (err == 0 && o->ca.len != 0) {
        err = mbedtls_x509_crt_parse_der(&c->ca, o->ca.ptr, o->ca.len);
        mbedtls_ssl_conf_ca_chain(&c->conf, &c->ca, NULL);
    }
    if (err == 0 && o->cert.len != 0) {
        err = mbedtls_x509_crt_parse_der(&c->cert, o->cert.ptr, o->cert.len);
        if (err == 0)
            err = mbedtls_pk_parse_key(&c->key, o->key.ptr, o->key.len, NULL, 0, dtls_random,
                                       &c->chance);
        if (err == 0)
            err = mbedtls_ssl_conf_own_cert(&c->conf, &c->cert, &c->key);
    }
    if (err == 0 && o->cid)
        err = mbedtls_ssl_conf_cid(&c->conf, o->cid_len, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE);
    return err;
}

struct dtls_client *dtls_client_create(const struct dtls_client_options *o)
{
    struct dtls_client *c = dtls_calloc(1, sizeof *c);

    c->opt = *o;
    c->chance = ~(uint64_t)o->seed;
    mbedtls_x509_crt_init(&c->cert);
    mbedtls_x509_crt_init(&c->ca);
    mbedtls_pk_init(&c->key);
    mbedtls_ssl_session_init(&c->session);
    if (begin(c) == 0)
        return c;
    dtls_client_destroy(c);
    return NULL;
}

void dtls_client_destroy(struct dtls_client *c)
{
    if (c == NULL)
        return;
    dtls_end_free(&c->end);
    mbedtls_ssl_session_free(&c->session);
    mbedtls_pk_free(&c->key);
    mbedtls_x509_crt_free(&c->ca);
    mbedtls_x509_crt_free(&c->cert);
    mbedtls_ssl_config_free(&c->conf);
    dtls_queue_clear(&c->out);
    dtls_queue_clear(&c->data);
    dtls_free(c);
}

static void run(struct dtls_client *c)
{
    bool was_up = c->end.info.up;
    int err = dtls_end_run(&c->end);

    if (c->end.info.up && !was_up) {
        mbedtls_ssl_session_free(&c->session);
        mbedtls_ssl_session_init(&c->session);
        c->has_session = mbedtls_ssl_get_session(&c->end.ssl, &c->session) == 0;
    }
    if (err != 0)
        dtls_end_over(&c->end, err);
}

void dtls_client_open(struct dtls_client *c, bool resume, iot_time now_ms)
{
    dtls_end_free(&c->end);
    memset(&c->end, 0, sizeof c->end);
    dtls_queue_clear(&c->out);
    dtls_queue_clear(&c->data);
    c->end.out = &c->out;
    c->end.data = &c->data;
    c->end.now = now_ms;
    dtls_random(&c->chance, c->cid, sizeof c->cid);
    int err = dtls_end_init(&c->end, &c->conf, c->opt.mtu, c->opt.cid, c->cid, c->opt.cid_len);
    if (err == 0)
        err = mbedtls_ssl_set_hostname(&c->end.ssl, c->opt.name);
    if (err == 0 && resume && c->has_session)
        err = mbedtls_ssl_set_session(&c->end.ssl, &c->session);
    if (err != 0)
        dtls_end_over(&c->end, err);
    else
        run(c);
}

void dtls_client_feed(struct dtls_client *c, struct iot_bytes datagram, iot_time now_ms)
{
    if (!c->end.started)
        return;
    c->end.now = now_ms;
    c->end.in = datagram;
    run(c);
    c->end.in = (struct iot_bytes){NULL, 0};
}

iot_time dtls_client_tick(struct dtls_client *c, iot_time now_ms)
{
    if (!c->end.started)
        return DTLS_SERVER_NEVER;
    c->end.now = now_ms;
    if (c->end.timer_end <= now_ms)
        run(c);
    return c->end.timer_end;
}

static bool take(struct dtls_queue *q, uint8_t *into, uint32_t cap, uint32_t *n)
{
    struct dtls_parcel *p = dtls_queue_take(q);

    *n = 0;
    if (p == NULL)
        return false;
    if (p->len <= cap) {
        memcpy(into, p->bytes, p->len);
        *n = p->len;
    }
    dtls_free(p);
    return true;
}

uint32_t dtls_client_out(struct dtls_client *c, uint8_t *into, uint32_t cap)
{
    uint32_t n;

    (void)take(&c->out, into, cap, &n);
    return n;
}

bool dtls_client_read(struct dtls_client *c, uint8_t *into, uint32_t cap, uint32_t *n)
{
    return take(&c->data, into, cap, n);
}

bool dtls_client_write(struct dtls_client *c, struct iot_bytes data)
{
    return dtls_end_write(&c->end, data);
}

void dtls_client_close(struct dtls_client *c)
{
    if (c->end.info.up)
        mbedtls_ssl_close_notify(&c->end.ssl);
    dtls_end_free(&c->end);
    c->end.info.up = false;
}

void dtls_client_info(const struct dtls_client *c, struct dtls_server_info *info)
{
    *info = c->end.info;
}
