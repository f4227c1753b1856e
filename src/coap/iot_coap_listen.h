/* SPDX-License-Identifier: Apache-2.0 */
/* The skin around the rules of a server (iot_coap_serve.h): owns the sockets and the sessions of DTLS, pumps. It works in
 * iot_coap_server_run only; what is asked for elsewhere is written down.
 *
 * Per tick at most one datagram of each socket is digested, and so much said: what anybody sends costs the time of two
 * datagrams, and no memory but the server's own. A datagram is read into the rules' buffer, and there is no other: one of a session
 * is taken over by its DTLS before its text comes back into the same place.
 *
 * Who is not known at the socket of DTLS gets a cookie, and nothing is kept. Who comes with the right one gets a session: a free one;
 * or one whose place is worth less (iot_coap_secure.c); or none, then its ClientHello is dropped, and it asks again. */
#ifndef IOT_COAP_LISTEN_H
#define IOT_COAP_LISTEN_H

#include "coap/iot_coap_serve.h"
#include "core/iot_core_part.h"
#include "iot/iot_port.h"
#include "net/iot_net_socket.h"
#if IOT_FEATURE_DTLS_SERVER
#include "tls/iot_tls_dgram.h"
#endif

#if IOT_FEATURE_COAP_SERVER

#define IOT_COAP_PLAIN      0u
#define IOT_COAP_SECURE     1u
#define IOT_COAP_SECRET_MAX 16u

/* One of the two sockets. */
struct iot_coap_door {
    struct iot_socket *socket; /* NULL: not served */
    struct iot_socket_where where;
    bool open;
    iot_err err; /* why it is not */
    iot_time again;
};

#if IOT_FEATURE_DTLS_SERVER
struct iot_coap_server;

struct iot_coap_session {
    struct iot_dgram lower; /* first: what its DTLS takes for the network */
    struct iot_coap_server *server;
    struct iot_peer peer;
    uint32_t number; /* 0: free */
    uint32_t hello;  /* of the random number of the ClientHello that began it */
    bool up, closing;
    iot_time since; /* the ClientHello */
    struct iot_dtls dtls;
};

struct iot_coap_secure {
    struct iot_bytes box; /* a datagram for `box_of`; ptr NULL: none */
    struct iot_coap_session *box_of;
    uint32_t numbers;
    iot_time turned;                         /* when the newer of the secrets was made */
    uint8_t cookies[2][IOT_COAP_SECRET_MAX]; /* of cookies: the newer, and the one before */
    struct iot_dtls_accept accept;
    struct iot_dtls_options dtls;
    struct iot_tls_options tls; /* with all of the arena, but while a session opens with its part */
    struct iot_coap_session sessions[IOT_COAP_SESSIONS];
};
#endif

struct iot_coap_server {
    struct iot_part part; /* first: see iot_device_serve.c */
    bool seeded;
    bool closing; /* the device closes */
    bool more;    /* this tick stopped at a bound */
    const struct iot_coap_server_options *opt;
    const struct iot_port *port;
    bool *wake;
    iot_time now;   /* of the last tick */
    iot_time again; /* chance is asked for */
    iot_err err;    /* ... and did not come */
    uint8_t secret[IOT_COAP_SECRET_MAX];
    struct iot_coap_serve serve;
    struct iot_coap_door doors[2];
    struct iot_udp_socket udp[2];
#if IOT_FEATURE_DTLS_SERVER
    struct iot_coap_secure secure;
#endif
};

/** Sockets and options outlive the server. */
void iot_coap_server_begin(struct iot_coap_server *s, const struct iot_coap_server_options *opt,
                           const struct iot_port *port, bool *wake);

/** Its share of a tick; calls the handlers. */
void iot_coap_server_run(struct iot_coap_server *s, iot_time now);

/** When it wants the next; 0: at once. */
iot_time iot_coap_server_deadline(const struct iot_coap_server *s);

/** Nothing outside refers to its memory. */
bool iot_coap_server_idle(const struct iot_coap_server *s);

/** True: end, in good order where there is a word for it. False: the device may be used again, and so will this. */
void iot_coap_server_close(struct iot_coap_server *s, bool closing);

/* ---- Between the files of the skin ----------------------------------------------------------- */

/** A message of `len` bytes lies in s->serve.bytes: the rules take it, and what they have to say leaves. */
void iot_coap_server_take(struct iot_coap_server *s, const struct iot_coap_via *via,
                          struct iot_bytes identity, bool to_many, uint32_t len);

/** 16 bytes that only we can make of this; `label` keeps those of one use apart from those of another. */
void iot_coap_server_mac(const struct iot_coap_server *s, char label, struct iot_bytes text,
                         uint8_t out[IOT_COAP_SECRET_MAX]);

#if IOT_FEATURE_DTLS_SERVER

/* iot_coap_secure.c: the sessions. */
static inline bool iot_coap_secure_wanted(const struct iot_coap_server_options *opt)
{
    return opt->keys != NULL;
}

/** Options fit, as iot_coap_server_init wants them. */
bool iot_coap_secure_check(const struct iot_coap_server_options *opt);
void iot_coap_secure_begin(struct iot_coap_server *s);
/** A tick, before anything is read; true: a message came out of what was read before. */
bool iot_coap_secure_run(struct iot_coap_server *s);
/** A datagram of this peer lies in s->serve.bytes. */
void iot_coap_secure_take(struct iot_coap_server *s, const struct iot_peer *from, uint32_t len);
/** Largest message for this session, bytes; 0: it is over, or not up yet. */
uint32_t iot_coap_secure_room(const struct iot_coap_server *s, uint32_t session);
void iot_coap_secure_send(struct iot_coap_server *s, uint32_t session, struct iot_bytes message);
iot_time iot_coap_secure_deadline(const struct iot_coap_server *s);
/** All of them end, and their peers are told. */
void iot_coap_secure_stop(struct iot_coap_server *s);
bool iot_coap_secure_idle(const struct iot_coap_server *s);

#else

static inline bool iot_coap_secure_wanted(const struct iot_coap_server_options *opt)
{
    (void)opt;
    return false;
}

static inline bool iot_coap_secure_check(const struct iot_coap_server_options *opt)
{
    (void)opt;
    return true;
}

static inline void iot_coap_secure_begin(struct iot_coap_server *s)
{
    (void)s;
}

static inline bool iot_coap_secure_run(struct iot_coap_server *s)
{
    (void)s;
    return false;
}

static inline void iot_coap_secure_take(struct iot_coap_server *s, const struct iot_peer *from,
                                        uint32_t len)
{
    (void)s, (void)from, (void)len;
}

static inline uint32_t iot_coap_secure_room(const struct iot_coap_server *s, uint32_t session)
{
    (void)s, (void)session;
    return 0;
}

static inline void iot_coap_secure_send(struct iot_coap_server *s, uint32_t session,
                                        struct iot_bytes message)
{
    (void)s, (void)session, (void)message;
}

static inline iot_time iot_coap_secure_deadline(const struct iot_coap_server *s)
{
    (void)s;
    return IOT_TIME_NEVER;
}

static inline void iot_coap_secure_stop(struct iot_coap_server *s)
{
    (void)s;
}

static inline bool iot_coap_secure_idle(const struct iot_coap_server *s)
{
    (void)s;
    return true;
}

#endif
#endif
#endif
