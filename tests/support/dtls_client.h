/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of dtls_server.h, on the same second mbedTLS: shows that the server works, whatever our own client does. */
#ifndef DTLS_CLIENT_H
#define DTLS_CLIENT_H

#include "dtls_server.h"

struct dtls_client_options {
    struct iot_bytes psk, identity; /* psk empty: no PSK suites */
    struct iot_bytes ca;            /* DER; empty: no ECDSA suites */
    struct iot_bytes cert, key;     /* DER; empty: none */
    const char *name;               /* the server's, NULL: any */
    bool cid;                       /* offer one of cid_len bytes, 0 to 8 */
    uint8_t cid_len;
    uint16_t mtu;
    const int *suites;
    uint32_t seed;
};

struct dtls_client;

struct dtls_client *dtls_client_create(const struct dtls_client_options *o);
void dtls_client_destroy(struct dtls_client *c);

/** Begin, with the session of the last connection if there was one and `resume`. */
void dtls_client_open(struct dtls_client *c, bool resume, iot_time now_ms);
void dtls_client_feed(struct dtls_client *c, struct iot_bytes datagram, iot_time now_ms);
uint32_t dtls_client_out(struct dtls_client *c, uint8_t *into, uint32_t cap);
iot_time dtls_client_tick(struct dtls_client *c, iot_time now_ms);
bool dtls_client_read(struct dtls_client *c, uint8_t *into, uint32_t cap, uint32_t *n);
bool dtls_client_write(struct dtls_client *c, struct iot_bytes data);
void dtls_client_close(struct dtls_client *c);
void dtls_client_info(const struct dtls_client *c, struct dtls_server_info *info);

#endif
