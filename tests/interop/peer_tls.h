/* SPDX-License-Identifier: Apache-2.0 */
/* TLS servers on loopback: `openssl s_server`, driven like a terminal, and mosquitto's lines for a
 * TLS listener. */
#ifndef PEER_TLS_H
#define PEER_TLS_H

#include "peer_certs.h"

#include "host/host_broker.h"

#include <sys/types.h>

#define PEER_TLS_TEXT_MAX 65536u

struct peer_tls {
    pid_t pid; /* 0: not running */
    uint16_t port;
    int in, out; /* what it reads and what it says; -1: none */

    bool greets;      /* answers CONNECT with CONNACK; true at first */
    uint32_t greeted; /* how often */

    bool told_port;
    uint32_t text_len;
    char text[PEER_TLS_TEXT_MAX]; /* what it said, the last of it, zeros written as '.' */
    char fifo[HOST_PATH_MAX];
};

/** Start one on a free port with a certificate and what leads to its root, and wait until it
 *  listens. It speaks TLS 1.2 unless `words`, more arguments with blanks between, name another
 *  version. `words` may be NULL. */
void peer_tls_start(struct peer_tls *s, enum peer_cert_id cert, const char *words);
/** Without certificate: `words` have to name one, or -nocert. */
void peer_tls_start_bare(struct peer_tls *s, const char *words);
void peer_tls_stop(struct peer_tls *s);
/** For the teardown of every test. */
void peer_tls_stop_all(void);

/** How often it said this since it was started or since peer_tls_forget. */
uint32_t peer_tls_said(const struct peer_tls *s, const char *text);
void peer_tls_forget(struct peer_tls *s);

/** Type on its keyboard: at the start of what is typed R asks for renegotiation, P says something
 *  outside of TLS, Q ends it; anything else goes to the device as it is. */
void peer_tls_type(struct peer_tls *s, struct iot_bytes bytes);

/** Lines for peer_broker_start's `extra`: TLS with this certificate, and more lines or NULL. Static,
 *  until the next call. */
const char *peer_tls_lines(enum peer_cert_id cert, const char *more);

#endif
