/* SPDX-License-Identifier: Apache-2.0 */
/* A DTLS 1.2 server in the test's own process, on a second mbedTLS that lies under other names (Makefile: it and
 * tests/support/dtls_*.c are one object of which nothing else is visible). Datagrams go in and come out, an address is a
 * number, and the moment is an argument: it does nothing by itself. Chance comes from a seed, so that a run can be
 * repeated. All servers and clients of a process share one block of memory, which is not the heap. */
#ifndef DTLS_SERVER_H
#define DTLS_SERVER_H

#include "iot/iot_base.h"

#define DTLS_SERVER_PEERS_MAX    8 /* peers at once; the one that was silent longest makes room */
#define DTLS_SERVER_DATAGRAM_MAX 4352 /* bytes */

#define DTLS_SERVER_NEVER (~(iot_time)0)

enum dtls_server_resume {
    DTLS_SERVER_RESUME_NOT,
    DTLS_SERVER_RESUME_TICKET, /* RFC 5077, to clients that ask for one */
    DTLS_SERVER_RESUME_ID,     /* by session id, from a list of its own */
};

/* All pointers are the caller's, until destroy. */
struct dtls_server_options {
    bool cookie;                    /* ask for one by HelloVerifyRequest */
    struct iot_bytes psk, identity; /* psk empty: no PSK suites. Both at most 64 bytes */
    struct iot_bytes cert, key;     /* DER; cert empty: no ECDSA suites */
    struct iot_bytes ca;        /* DER: clients need a certificate by it; empty: it asks for none */
    bool cid;                   /* take connection IDs when they are offered ... */
    uint8_t cid_len;            /* ... and want one of 0 to 8 bytes in what comes in */
    uint16_t mtu;               /* bytes of the largest datagram it sends; 0: no limit */
    uint32_t first_ms, last_ms; /* timer of a flight, 0: 1,000 and 60,000 */
    enum dtls_server_resume resume;
    const int *suites; /* IANA's numbers, the best first, closed by 0; NULL: all */
    uint32_t seed;
};

/** What became of the association with an address; also after its end, until somebody needs the place. */
struct dtls_server_info {
    bool up;          /* handshake done, nothing has ended it */
    bool resumed;     /* by an abbreviated handshake */
    bool closed;      /* the peer said close_notify */
    int suite;        /* IANA's number; 0: none yet */
    int alert;        /* the fatal one that came, -1: none */
    int error;        /* mbedTLS's, that ended it; 0: none */
    uint8_t cid_out;  /* bytes of the peer's connection ID */
    bool cid;         /* negotiated */
    uint32_t moved;   /* times it followed its peer to another address */
    uint32_t flights; /* times the timer of a flight passed */
};

/** Counted since create, over all peers; forget changes nothing here. */
struct dtls_server_counts {
    uint32_t handshakes, resumptions; /* done */
    uint32_t failures;                /* ended by an error or a fatal alert, handshakes or later */
    uint32_t cookies;                 /* HelloVerifyRequests sent */
    uint32_t lost;                    /* datagrams that no association wanted */
    uint32_t moves;
};

struct dtls_server;

/** NULL: options that cannot be. */
struct dtls_server *dtls_server_create(const struct dtls_server_options *o);
void dtls_server_destroy(struct dtls_server *s);

/** A datagram has come. `from` is any number; the same one is the same address. An association that is up gives way to
 *  a new ClientHello only when there are cookies: then it has shown that it comes from there. */
void dtls_server_feed(struct dtls_server *s, uint32_t from, struct iot_bytes datagram,
                      iot_time now_ms);
/** The next datagram that wants to go, in order. 0: none, or longer than `cap` and gone. */
uint32_t dtls_server_out(struct dtls_server *s, uint32_t *to, uint8_t *into, uint32_t cap);
/** Let time pass: flights are sent again. Returns the next moment to call, or DTLS_SERVER_NEVER. */
iot_time dtls_server_tick(struct dtls_server *s, iot_time now_ms);

/** The next application record that came. False: none. mbedTLS passes records without bytes over. */
bool dtls_server_read(struct dtls_server *s, uint32_t *from, uint8_t *into, uint32_t cap,
                      uint32_t *n);
/** One application record. False: that address is not up, or more than fits a datagram. */
bool dtls_server_write(struct dtls_server *s, uint32_t to, struct iot_bytes data);

/** HelloRequest (RFC 5246 7.4.1.1), encrypted: begin another handshake on this association. False: that address is not up. */
bool dtls_server_ask_again(struct dtls_server *s, uint32_t to);

bool dtls_server_up(const struct dtls_server *s, uint32_t address);
/** False: nothing is known of that address. */
bool dtls_server_info(const struct dtls_server *s, uint32_t address, struct dtls_server_info *info);
struct dtls_server_counts dtls_server_counts(const struct dtls_server *s);

/** Say close_notify and forget that peer. */
void dtls_server_close(struct dtls_server *s, uint32_t address);
/** As after a restart: no association, ticket, session or cookie is known any more, and nobody is told. */
void dtls_server_forget(struct dtls_server *s);

/** Bytes that all servers and clients of the process have at this moment. 0: nothing was left behind. */
uint32_t dtls_server_memory(void);

#endif
