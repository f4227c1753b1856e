/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes through mbedTLS: what it sends and receives below, what is read and written above, and how much of
 * that the peer's TCP has confirmed. */
#include "tls/iot_tls_stream.h"

#if IOT_FEATURE_TLS

#include "core/iot_core_assert.h"
#include "tls/iot_tls_mbedtls.h"

#define RECORD_COST 128 /* of a record with nothing in it, as bytes of one that is full */
#define ANSWERS_MAX 4   /* to one record: no honest server asks for renegotiation again and again */
#define RECORDS_MAX 4   /* in one tick: mbedTLS goes on by itself over warnings and HelloRequests */

static int bio_send(void *arg, const unsigned char *bytes, size_t n)
{
    struct iot_tls *t = arg;
    uint32_t taken = 0;
    struct iot_bytes b = {bytes, (uint32_t)n};
    /* The rest of a record, of whomever, is no answer: a slow wire makes no dishonest server. */
    if (t->reading && !t->partly && ++t->answers > ANSWERS_MAX)
        return MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
    if (t->mute) /* said into the void: mbedTLS shall go on and read the peer's last words */
        return (int)n;
    t->partly = true;
    if (t->lower->ops->write(t->lower, b, IOT_STREAM_COPY, t->core.now, &taken) != IOT_OK)
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    t->lower_written += taken;
    t->partly = taken != n;
    return (int)taken;
}

static int bio_recv(void *arg, unsigned char *into, size_t n)
{
    struct iot_tls *t = arg;
    uint32_t got = 0;
    /* It asks for a record's header first, and for no byte behind the record. */
    bool begins = t->core.state->ssl.MBEDTLS_PRIVATE(in_left) == 0;
    if (begins && t->records == RECORDS_MAX) {
        t->more = true;
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    if (t->lower->ops->read(t->lower, into, (uint32_t)n, &got) != IOT_OK || got == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    t->records = (uint8_t)(t->records + begins);
    if (begins)
        t->answers = 0;
    return (int)got;
}

void iot_tls_record_bio(struct iot_tls *t)
{
    mbedtls_ssl_set_bio(&t->core.state->ssl, t, bio_send, bio_recv, NULL);
}

void iot_tls_record_flush(struct iot_tls *t)
{
    if (!t->mute)
        t->lower->ops->flush(t->lower);
}

/* Has the peer's TCP what stood before the mark? Then the next mark is all there is by now, which it may
 * have, too: nobody may ask again. */
void iot_tls_record_mark(struct iot_tls *t)
{
    uint32_t confirmed = t->lower->ops->released(t->lower);
    for (int i = 0; i < 2 && (int32_t)(confirmed - t->mark_lower) >= 0; i++) {
        t->released = t->mark;
        t->mark = t->written;
        t->mark_lower = t->lower_written;
    }
}

static void fail(struct iot_tls *t, int code)
{
    if (t->core.reason == IOT_OK)
        t->core.reason = iot_tls_error(&t->core, code);
    iot_tls_record_flush(t); /* an alert of ours: the peer shall know why */
    iot_stream_wake(&t->base);
}

/* A session ticket came, which in TLS 1.3 is a handshake of its own: mbedTLS wants to be asked again
 * although no byte is waited for. Never so in 1.2, where it ends the handshake. */
static bool is_ticket(struct iot_tls *t, int ret)
{
    if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
        t->core.to_save = !t->saved;
    else if (ret != MBEDTLS_ERR_SSL_WANT_READ ||
             t->core.state->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_HANDSHAKE_OVER)
        return false;
    iot_stream_wake(&t->base);
    return true;
}

/* A record is decrypted whole, and long ones take long: one per tick. */
iot_err iot_tls_record_read(struct iot_tls *t, uint8_t *into, uint32_t cap, uint32_t *got)
{
    mbedtls_ssl_context *ssl = &t->core.state->ssl;
    bool decrypted = mbedtls_ssl_get_bytes_avail(ssl) != 0;
    if (!decrypted && !t->may_read) {
        *got = 0;
        return IOT_OK;
    }
    if (!decrypted && t->ended)
        return IOT_ERR_AGAIN;

    struct iot_tls_outside o = iot_tls_enter(&t->core);
    t->reading = true;
    int ret = mbedtls_ssl_read(ssl, into, cap);
    t->reading = false;
    iot_tls_leave(&t->core, o);
    if (!decrypted && ret != MBEDTLS_ERR_SSL_WANT_READ)
        t->may_read = false;
    if (ret > 0) {
        *got = (uint32_t)ret;
        return IOT_OK;
    }
    if (ret == 0 || is_ticket(t, ret) || (ret == MBEDTLS_ERR_SSL_WANT_READ && t->more)) {
        *got = 0;
        return IOT_OK;
    }
    if (ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
        t->ended = true;
        fail(t, ret);
    }
    return IOT_ERR_AGAIN;
}

/* mbedTLS has the bytes encrypted when it says WANT_WRITE, and wants to be asked again with the same
 * ones. An alert of its own, or a ticket that came, may have carried them out meanwhile. And what is on its way
 * may be others': such an alert. Asked for more, mbedTLS would take ours for it, so it is asked for nothing. */
iot_err iot_tls_record_write(struct iot_tls *t, struct iot_bytes bytes, uint32_t *taken)
{
    mbedtls_ssl_context *ssl = &t->core.state->ssl;
    IOT_ASSERT(t->frozen <= bytes.len);
    int room =
        mbedtls_ssl_get_max_out_record_payload(ssl); /* what the server takes, in its words */
    uint32_t len = t->frozen != 0 ? t->frozen : bytes.len;
    if (room > 0 && len > (uint32_t)room)
        len = (uint32_t)room;

    if (t->frozen == 0 && t->sent_bytes >= IOT_TLS_TX_BYTES) { /* enough for one tick */
        iot_stream_wake(&t->base);
        return IOT_ERR_AGAIN;
    }
    bool others = t->frozen == 0 && ssl->MBEDTLS_PRIVATE(out_left) != 0;
    int ret = (int)t->frozen;
    if (t->frozen == 0 || ssl->MBEDTLS_PRIVATE(out_left) != 0) {
        struct iot_tls_outside o = iot_tls_enter(&t->core);
        ret = mbedtls_ssl_write(ssl, bytes.ptr, others ? 0 : len);
        iot_tls_leave(&t->core, o);
    }
    if (is_ticket(t, ret))
        return IOT_ERR_AGAIN;
    if (ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        t->frozen = others ? 0 : (uint16_t)len;
        return IOT_ERR_AGAIN;
    }
    t->frozen = 0;
    if (ret == 0 && others) {
        iot_stream_wake(&t->base);
        return IOT_ERR_AGAIN;
    }
    if (ret <= 0) {
        fail(t, ret);
        return IOT_ERR_AGAIN;
    }
    t->written += (uint32_t)ret;
    t->sent_bytes += (uint32_t)ret + RECORD_COST;
    iot_tls_record_mark(t);
    *taken = (uint32_t)ret;
    return IOT_OK;
}

#endif
