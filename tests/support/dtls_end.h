/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a DTLS association: what server and client of tests/support have in common. Not seen outside their object. */
#ifndef DTLS_END_H
#define DTLS_END_H

#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include "dtls_server.h"

#include "mbedtls/ssl.h"

/* A queue of datagrams or records. */
struct dtls_parcel {
    struct dtls_parcel *next;
    uint32_t address, len;
    uint8_t bytes[];
};

struct dtls_queue {
    struct dtls_parcel *first, *last;
};

void dtls_queue_add(struct dtls_queue *q, uint32_t address, const uint8_t *bytes, uint32_t n);
struct dtls_parcel *dtls_queue_take(struct dtls_queue *q); /* NULL: empty; dtls_free it */
void dtls_queue_clear(struct dtls_queue *q);

struct dtls_end {
    mbedtls_ssl_context ssl;
    struct dtls_queue *out, *data; /* whose they are */
    uint32_t address;              /* to which it sends */
    struct iot_bytes in;           /* the datagram that is being read; empty once it was */
    iot_time now, timer_mid, timer_end;
    bool started, over; /* over: what is left is what it says */
    struct dtls_server_info info;
};

/** Memory that is zero. Out of it the test ends. */
void *dtls_calloc(size_t count, size_t size);
void dtls_free(void *p);

/** mbedTLS's f_rng; ctx is a uint64_t. */
int dtls_random(void *ctx, unsigned char *into, size_t n);

/** Settings that both have. 0 or mbedTLS's error. */
int dtls_conf_init(mbedtls_ssl_config *conf, int side, uint64_t *chance, const int *suites,
                   uint32_t first_ms, uint32_t last_ms);

int dtls_end_init(struct dtls_end *e, const mbedtls_ssl_config *conf, uint16_t mtu, bool cid,
                  const uint8_t *own_cid, uint8_t cid_len);
void dtls_end_free(struct dtls_end *e);

/** Handshake or read as long as there is something to do. 0, or the error that is to be handled. */
int dtls_end_run(struct dtls_end *e);
/** Note why it ended. */
void dtls_end_over(struct dtls_end *e, int error);
bool dtls_end_write(struct dtls_end *e, struct iot_bytes data);
/** HelloRequest, encrypted: begin a handshake on this association. */
bool dtls_end_ask_again(struct dtls_end *e);

#endif
