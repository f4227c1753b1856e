/* SPDX-License-Identifier: Apache-2.0 */
/* libcoap's example server and client on loopback, as Debian's libcoap3-bin has them: over OpenSSL, over GnuTLS, and
 * without DTLS. The server's resources (4.3.1), all Content-Format 0 where they say one:
 *
 *   /                   GET: three lines of text, Max-Age 196607. Nothing else (4.05).
 *   /time               GET: the time as text, "Nov 26 08:10:50"; ?ticks: seconds since 1970. Max-Age 1. Observable: a
 *                       notification each second, CON, the Observe value one more each time. DELETE takes it away, then
 *                       GET is 4.04, and a PUT (text of a number) makes it again: 2.01.
 *   /async              GET: an empty ACK, and "done" as a separate response (CON) after 5 s; /async?N after N s.
 *   /example_data       GET: at first 1,500 bytes, "a123456789b123456789..."; with ETag, Size2 and Block2 when it does not
 *                       fit 1,024 bytes or the block that was asked for. Each GET of block 0 has another ETag, the blocks
 *                       behind it have the same. PUT: takes its place, one datagram or block by block: 2.31 with
 *                       Block1, at the end 2.04 *without* Block1. Observable: a notification (CON) for each PUT that
 *                       is complete; the first block of it when it is large. While somebody has fetched a part of a
 *                       body only, no notification goes to him.
 *   /.well-known/core   GET: links to all of these (Content-Format 40), some 150 bytes; with dynamic resources more.
 *   any other           PUT or POST makes it when `dynamic` allows: 2.01, then 2.04; 4.06 when there are too many. GET of
 *                       it then; it is observable. DELETE: 2.02, also of what is not there. Without `dynamic`: 4.04.
 *
 * Other methods: 4.05. An empty CON is answered by RST. Accept is not looked at. It takes Request-Tag, but asks for no Echo;
 * it knows no connection IDs, and keeps no session for resumption. A wrong key or identity it does not answer: what cannot be
 * decrypted is dropped, as DTLS has it, so the client's own deadline is what ends the handshake. A certificate that is missing
 * gets an alert (40 by OpenSSL, 42 by GnuTLS). With a key, GnuTLS does not answer who names "::1" as the server, as libcoap's
 * own clients do. Its log shows for each notification a GET that nobody sent. */
#ifndef PEER_COAP_H
#define PEER_COAP_H

#include "peer_certs.h"

#include "host/host_dir.h"

#include <sys/types.h>

#define PEER_COAP_EXAMPLE_BYTES 1500u

enum peer_coap_kind { PEER_COAP_OPENSSL, PEER_COAP_GNUTLS, PEER_COAP_NOTLS };

/* With neither key nor certificate it speaks plain CoAP alone. The two together: both kinds of suites. */
struct peer_coap_options {
    const char *key;         /* PSK, as text */
    const char *identity;    /* whose key it is; NULL: anybody's */
    const char *hint;        /* NULL: "CoAP" */
    enum peer_cert_id cert;  /* CERT_COUNT: none */
    bool asks_cert;          /* clients need a certificate below CERT_EC_ROOT */
    uint32_t dynamic;        /* resources that a PUT may make */
    const char *loss;        /* what it fails to send: "2,5-7" or "10%" */
    bool quiet_observe;      /* notifications as NON, every fifth is CON all the same */
    const char *const *more; /* further arguments, closed by NULL */
};

#define PEER_COAP_PLAIN   ((struct peer_coap_options){.cert = CERT_COUNT, .dynamic = 16})
#define PEER_COAP_KEY(k)  ((struct peer_coap_options){.cert = CERT_COUNT, .key = (k), .dynamic = 16})
#define PEER_COAP_CERT(c) ((struct peer_coap_options){.cert = (c), .dynamic = 16})

struct peer_coap {
    pid_t pid;             /* 0: not running */
    uint16_t port, secure; /* plain, and DTLS: the one behind it */
    enum peer_coap_kind kind;
    struct peer_coap_options options;
    /* What it says: every message in and out, as build/san/log/test_NAME-coap0-openssl.log. It stays there
     * until the next start. */
    char log[HOST_PATH_MAX];
};

/** Start one on free ports and wait until it answers. */
void peer_coap_start(struct peer_coap *s, enum peer_coap_kind kind,
                     const struct peer_coap_options *o);
void peer_coap_stop(struct peer_coap *s);
/** Kill it and start it on the same ports: sessions, observers and resources are gone. */
void peer_coap_restart(struct peer_coap *s);
/** Kill it without a word, as a power cut. peer_coap_restart brings it back. */
void peer_coap_kill(struct peer_coap *s);
/** For the teardown of every test. */
void peer_coap_stop_all(void);

/** How often its log has this text, as "c:GET" or " t:RST ". */
uint32_t peer_coap_said(const struct peer_coap *s, const char *text);

/** What turns while a client runs, at most some 2 ms at a time; at first the host's loop alone. A test that is itself the server sets
 *  it to a turn with its device. */
extern void (*peer_coap_turn)(void);

/**
 * Run coap-client to its end, at most 30 s; the loop turns meanwhile, so relays work. `more`: further arguments, NULL at
 * the end, as "-m", "put", "-e", "text"; NULL: a GET. What it prints is peer_output. Returns its exit code.
 */
int peer_coap_ask(enum peer_coap_kind kind, const char *uri, const char *const more[]);

/** The same where no answer is to be expected: it is given a second and a half. (Its own option for that, -B, now and then
 *  misses the moment and waits for ever.) */
void peer_coap_ask_in_vain(enum peer_coap_kind kind, const char *uri, const char *const more[]);

/** "coap://127.0.0.1:PORT/PATH", or coaps. One of few rotating places. */
const char *peer_coap_uri(bool secure, uint16_t port, const char *path);

#endif
