/* SPDX-License-Identifier: Apache-2.0 */
/* tests/support/dtls_server.h on a UDP port of loopback, with the least CoAP server behind it: what libcoap's server has not
 * got, connection IDs above all. It lives in host_turn; its time is the devices' (peer_clock.h), so it stands skipping.
 *
 *   GET          2.05 with `body`, whatever the path
 *   POST, PUT    2.04 with what was sent
 *   DELETE       2.02
 *   anything else 4.05
 *
 * A CON is answered in its ACK, a NON by a NON; an empty CON by RST. A request that comes again (same message id) gets the
 * same answer and is not counted again. Options are not looked at.
 *
 * Of `openssl s_server -dtls1_2`, peer_dtls_openssl starts one with the helpers of peer_tls.h. */
#ifndef PEER_DTLS_H
#define PEER_DTLS_H

#include "dtls_server.h"
#include "peer_tls.h"

#include <sys/socket.h>

#define PEER_DTLS_BODY_MAX      1024u
#define PEER_DTLS_ADDRESSES_MAX 16u

struct peer_dtls {
    struct dtls_server *server; /* ask it whatever dtls_server.h tells */
    uint16_t port;

    const char *body;  /* of what GET gets; "from afar" at first */
    bool silent;       /* reads records, answers nothing of CoAP */
    uint32_t requests; /* that came, each once */
    uint32_t repeated; /* that came again */
    uint8_t code;      /* of the last: 1 GET, 2 POST, 3 PUT, 4 DELETE */
    uint32_t said_len; /* ... and its payload */
    uint8_t said[PEER_DTLS_BODY_MAX];
    uint32_t at;        /* ... and where it came from, as dtls_server knows addresses */
    uint32_t addresses; /* that were ever heard of, from 1 on */

    /* Inside. */
    int fd, alarm;
    struct sockaddr_storage known[PEER_DTLS_ADDRESSES_MAX];
    uint16_t last_id;
    uint32_t answer_len;
    uint8_t answer[PEER_DTLS_BODY_MAX + 16];
};

/** Listen on a free port of peer_loopback. */
void peer_dtls_start(struct peer_dtls *p, const struct dtls_server_options *o);
void peer_dtls_stop(struct peer_dtls *p);
/** For the teardown of every test. */
void peer_dtls_stop_all(void);

/** A message of our own to the address `p->at`, in a record. */
void peer_dtls_send(struct peer_dtls *p, struct iot_bytes message);
/** dtls_server_close to that address. */
void peer_dtls_close(struct peer_dtls *p);
/** dtls_server_forget: as after a restart, on the same port. */
void peer_dtls_forget(struct peer_dtls *p);

/** `openssl s_server -dtls1_2` with this certificate, CERT_COUNT: none. It is for handshakes: what comes it prints
 *  (peer_tls_said), what is typed it sends (peer_tls_type). `words` as for peer_tls_start, as "-psk 6b6579 -nocert".
 *  It takes one association at a time; peer_tls_stop ends it. */
void peer_dtls_openssl(struct peer_tls *s, enum peer_cert_id cert, const char *words);

#endif
