/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls_end.h"

#include "mbedtls/memory_buffer_alloc.h"
#include "mbedtls/platform.h"
#include "ssl_misc.h"

#include <stdlib.h>
#include <string.h>

/* ---- Memory ------------------------------------------------------------------------------ */

static uint8_t memory[4u << 20] __attribute__((aligned(16)));

void *dtls_calloc(size_t count, size_t size)
{
    static bool ready;

    if (!ready)
        mbedtls_memory_buffer_alloc_init(memory, sizeof memory);
    ready = true;
    void *p = mbedtls_calloc(count, size != 0 ? size : 1);
    if (p == NULL)
        abort();
    return p;
}

void dtls_free(void *p)
{
    mbedtls_free(p);
}

uint32_t dtls_server_memory(void)
{
    size_t bytes, blocks;

    mbedtls_memory_buffer_alloc_cur_get(&bytes, &blocks);
    return (uint32_t)bytes;
}

/* ---- Queues ------------------------------------------------------------------------------ */

void dtls_queue_add(struct dtls_queue *q, uint32_t address, const uint8_t *bytes, uint32_t n)
{
    struct dtls_parcel *p = dtls_calloc(1, sizeof *p + n);

    p->address = address;
    p->len = n;
    if (n != 0)
        memcpy(p->bytes, bytes, n);
    if (q->last != NULL)
        q->last->next = p;
    else
        q->first = p;
    q->last = p;
}

struct dtls_parcel *dtls_queue_take(struct dtls_queue *q)
{
    struct dtls_parcel *p = q->first;

    if (p == NULL)
        return NULL;
    q->first = p->next;
    if (q->first == NULL)
        q->last = NULL;
    return p;
}

void dtls_queue_clear(struct dtls_queue *q)
{
    for (struct dtls_parcel *p; (p = dtls_queue_take(q)) != NULL;)
        dtls_free(p);
}

/* ---- What mbedTLS asks for --------------------------------------------------------------- */

/* splitmix64: nobody has to guess it. */
int dtls_random(void *ctx, unsigned char *into, size_t n)
{
    uint64_t *state = ctx, z = 0;

    for (size_t i = 0; i < n; i++) {
        if (i % 8 == 0) {
            z = *state += 0x9e3779b97f4a7c15u;
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
            z = (z ^ z >> 27) * 0x94d049bb133111ebu;
            z ^= z >> 31;
        }
        into[i] = (unsigned char)(z >> i % 8 * 8);
    }
    return 0;
}

static int on_send(void *ctx, const unsigned char *bytes, size_t n)
{
    struct dtls_end *e = ctx;

    dtls_queue_add(e->out, e->address, bytes, (uint32_t)n);
    return (int)n;
}

static int on_recv(void *ctx, unsigned char *into, size_t cap)
{
    struct dtls_end *e = ctx;
    size_t n = e->in.len < cap ? e->in.len : cap;

    if (e->in.ptr == NULL)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(into, e->in.ptr, n);
    e->in = (struct iot_bytes){NULL, 0};
    return n != 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

static void on_set_timer(void *ctx, uint32_t mid_ms, uint32_t end_ms)
{
    struct dtls_end *e = ctx;

    e->timer_mid = end_ms != 0 ? e->now + mid_ms : DTLS_SERVER_NEVER;
    e->timer_end = end_ms != 0 ? e->now + end_ms : DTLS_SERVER_NEVER;
}

static int on_get_timer(void *ctx)
{
    struct dtls_end *e = ctx;

    if (e->timer_end == DTLS_SERVER_NEVER)
        return -1;
    e->info.flights += e->now >= e->timer_end;
    return e->now >= e->timer_end ? 2 : e->now >= e->timer_mid ? 1 : 0;
}

/* ---- An end ------------------------------------------------------------------------------ */

int dtls_conf_init(mbedtls_ssl_config *conf, int side, uint64_t *chance, const int *suites,
                   uint32_t first_ms, uint32_t last_ms)
{
    mbedtls_ssl_config_init(conf);
    int err = mbedtls_ssl_config_defaults(conf, side, MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                          MBEDTLS_SSL_PRESET_DEFAULT);
    if (err != 0)
        return err;
    mbedtls_ssl_conf_rng(conf, dtls_random, chance);
    mbedtls_ssl_conf_handshake_timeout(conf, first_ms != 0 ? first_ms : 1000,
                                       last_ms != 0 ? last_ms : 60000);
    if (suites != NULL)
        mbedtls_ssl_conf_ciphersuites(conf, suites);
    return 0;
}

int dtls_end_init(struct dtls_end *e, const mbedtls_ssl_config *conf, uint16_t mtu, bool cid,
                  const uint8_t *own_cid, uint8_t cid_len)
{
    mbedtls_ssl_init(&e->ssl);
    e->timer_mid = e->timer_end = DTLS_SERVER_NEVER;
    e->info = (struct dtls_server_info){.alert = -1};
    e->started = true;
    int err = mbedtls_ssl_setup(&e->ssl, conf);
    if (err != 0)
        return err;
    mbedtls_ssl_set_bio(&e->ssl, e, on_send, on_recv, NULL);
    mbedtls_ssl_set_timer_cb(&e->ssl, e, on_set_timer, on_get_timer);
    if (mtu != 0)
        mbedtls_ssl_set_mtu(&e->ssl, mtu);
    return cid ? mbedtls_ssl_set_cid(&e->ssl, MBEDTLS_SSL_CID_ENABLED, own_cid, cid_len) : 0;
}

void dtls_end_free(struct dtls_end *e)
{
    if (e->started)
        mbedtls_ssl_free(&e->ssl);
    e->started = false;
}

static void note_up(struct dtls_end *e)
{
    unsigned char cid[MBEDTLS_SSL_CID_OUT_LEN_MAX];
    size_t len = 0;
    int on = 0;

    mbedtls_ssl_get_peer_cid(&e->ssl, &on, cid, &len);
    e->info.cid = on == MBEDTLS_SSL_CID_ENABLED;
    e->info.cid_out = (uint8_t)(e->info.cid ? len : 0);
    e->info.suite = mbedtls_ssl_get_ciphersuite_id_from_ssl(&e->ssl);
    e->info.up = true;
}

int dtls_end_run(struct dtls_end *e)
{
    uint8_t record[MBEDTLS_SSL_IN_CONTENT_LEN];

    for (int still = 0; still < 2;) {
        bool had = e->in.ptr != NULL;
        int n = 0;

        if (!mbedtls_ssl_is_handshake_over(&e->ssl)) {
            e->info.up = false;
            /* Its last step forgets how it came there: an abbreviated one has told so before. */
            while (n == 0 && !mbedtls_ssl_is_handshake_over(&e->ssl)) {
                if (e->ssl.handshake != NULL)
                    e->info.resumed = e->ssl.handshake->resume != 0;
                n = mbedtls_ssl_handshake_step(&e->ssl);
            }
            if (n == 0)
                note_up(e);
        } else {
            n = mbedtls_ssl_read(&e->ssl, record, sizeof record);
            if (n > 0)
                dtls_queue_add(e->data, e->address, record, (uint32_t)n);
        }
        if (n < 0 && n != MBEDTLS_ERR_SSL_WANT_READ)
            return n;
        /* A timer that has passed comes before the datagram, which is read by the next call. */
        still = n == MBEDTLS_ERR_SSL_WANT_READ && !(had && e->in.ptr != NULL) ? still + 1 : 0;
    }
    return 0;
}

void dtls_end_over(struct dtls_end *e, int error)
{
    if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        e->info.closed = true;
    else
        e->info.error = error;
    if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        e->info.alert = e->ssl.in_msg[1];
    e->info.up = false;
    e->over = true;
    e->in = (struct iot_bytes){NULL, 0};
    e->timer_mid = e->timer_end = DTLS_SERVER_NEVER;
    dtls_end_free(e);
}

bool dtls_end_write(struct dtls_end *e, struct iot_bytes data)
{
    return e->info.up && mbedtls_ssl_write(&e->ssl, data.ptr, data.len) == (int)data.len;
}

bool dtls_end_ask_again(struct dtls_end *e)
{
    if (!e->info.up)
        return false;
    e->ssl.out_msgtype = MBEDTLS_SSL_MSG_HANDSHAKE;
    e->ssl.out_msglen = 12;
    memset(e->ssl.out_msg, 0, 12); /* type, length, number, offset and length of the piece */
    return mbedtls_ssl_write_record(&e->ssl, 1) == 0;
}
