/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_broker.h
 * A correct MQTT 3.1.1 broker without network, clock and chance: bytes in, bytes out, time as argument. What a server must refuse
 * closes the connection and is a complaint: in the simulated world it is the library's mistake.
 *
 * A message is delivered once per session, at the smaller of its QoS and the highest granted one. QoS 0 for who is offline, or
 * takes no bytes, is dropped. Hooks may not call the broker.
 */
#ifndef WORLD_BROKER_H
#define WORLD_BROKER_H

#include "world/world_session.h"

#define WORLD_CONNS_MAX    1100
#define WORLD_SESSIONS_MAX 2048
#define WORLD_PACKET_MAX   (256u * 1024u + 1024u) /* Remaining Length taken */
#define WORLD_BACKLOG_MAX  65536u /* unsent bytes of a connection; then its input waits */
#define WORLD_CONNECT_MS   30000u /* time for CONNECT */
#define WORLD_LOGIN_CLOSE  (-1)
#define WORLD_NEVER        UINT64_MAX

/** What is allowed. NULL: everything. `conn` is the connection, -1: offline. */
struct world_broker_policy {
    void *ctx;
    /* 0: accept; 1..255: CONNACK with this code, then close; WORLD_LOGIN_CLOSE: close at once */
    int (*login)(void *ctx, int conn, const struct world_mqtt_connect *c, uint64_t now);
    /* Was accepted by `login` and has ended. */
    void (*gone)(void *ctx, int conn);
    /* A whole packet came. */
    void (*heard)(void *ctx, int conn, uint64_t now);
    /* `held`: subscriptions that it has. False: SUBACK 0x80. */
    bool (*may_subscribe)(void *ctx, int conn, const char *filter, uint32_t held);
    /* False: acknowledged and thrown away. */
    bool (*may_publish)(void *ctx, int conn, const struct world_message *m, uint64_t now);
    /* False: it was for the platform; nobody else gets it. */
    bool (*route)(void *ctx, int conn, const struct world_message *m, uint64_t now);
    bool (*may_deliver)(void *ctx, int conn, const char *topic, uint64_t now);
};

/** Who keeps account. NULL: nobody. `id` is the client id. */
struct world_broker_watch {
    void *ctx;
    void (*online)(void *ctx, const char *id, bool online);
    /* The session is no more, with all deliveries that were queued and all QoS 2 ids. */
    void (*session_lost)(void *ctx, const char *id);
    void (*subscribed)(void *ctx, const char *id, const char *filter, uint8_t code);
    /* The broker owns this message of the client now. fresh: false for a repeated QoS 2 PUBLISH. */
    void (*took)(void *ctx, const char *id, const struct world_message *m, bool fresh);
    /* A delivery begins, and ends: PUBACK, PUBCOMP, QoS 0 handed over. */
    void (*queued)(void *ctx, const char *id, const struct world_message *m, uint8_t qos);
    void (*done)(void *ctx, const char *id, const struct world_message *m, uint8_t qos);
    /* It broke the standard; its connection is closed. id "": before CONNECT. */
    void (*complain)(void *ctx, const char *id, const char *reason);
};

enum world_end {
    WORLD_END_NO,
    WORLD_END_FIN,   /* when what is pending has left */
    WORLD_END_RESET, /* at once */
};

struct world_conn {
    bool used;
    enum world_end end;
    const char *why; /* of its end; NULL: none yet */
    struct world_session *session;
    struct world_message *will;
    uint16_t keepalive_s;
    bool login; /* `gone` is owed */
    bool bye;   /* DISCONNECT came */
    uint64_t deadline;
    struct world_bytes in, out;
};

/** Fields may be read; window and queue_max set at any time, for sessions to come. */
struct world_broker {
    struct world_broker_policy policy;
    struct world_broker_watch watch;
    uint32_t window, queue_max; /* 20, 1000 */
    struct world_conn conns[WORLD_CONNS_MAX];
    int conn_high; /* conns from here on are unused */
    struct world_session *sessions[WORLD_SESSIONS_MAX];
    uint32_t session_count;
    struct world_message **retained;
    uint32_t retained_count, retained_cap;
    uint64_t next;
    uint32_t complaints, dropped; /* dropped: by full queues, and QoS 0 without a taker */
};

/** NULL hooks: none. */
void world_broker_init(struct world_broker *b, const struct world_broker_policy *policy,
                       const struct world_broker_watch *watch);
/** Gives back all memory; no hook is called. */
void world_broker_over(struct world_broker *b);

/* ---- A connection, by a small number ---------------------------------------------------------- */

/** -1: too many. */
int world_broker_open(struct world_broker *b, uint64_t now);
/** Bytes taken of `in`; the rest is to be offered again when pending bytes have left. */
uint32_t world_broker_feed(struct world_broker *b, int conn, struct iot_bytes in, uint64_t now);
struct iot_bytes world_broker_pending(const struct world_broker *b, int conn);
void world_broker_sent(struct world_broker *b, int conn, uint32_t n, uint64_t now);
enum world_end world_broker_wants_close(const struct world_broker *b, int conn);
/** The connection is no more, whoever ended it; its number may be given to another. */
void world_broker_closed(struct world_broker *b, int conn, uint64_t now);

/** When `tick` wants to be called at the latest. */
uint64_t world_broker_next(const struct world_broker *b);
void world_broker_tick(struct world_broker *b, uint64_t now);

/* ---- What happens on the broker's side -------------------------------------------------------- */

/** To all who have subscribed it. Returns how many deliveries began. */
uint32_t world_broker_publish(struct world_broker *b, const char *topic, struct iot_bytes payload,
                              uint8_t qos, bool retain, uint64_t now);
/** To this connection's client, subscribed or not. */
void world_broker_direct(struct world_broker *b, int conn, const char *topic,
                         struct iot_bytes payload, uint8_t qos, uint64_t now);
/** Close a connection without a word. `why` is kept: static. */
void world_broker_drop(struct world_broker *b, int conn, enum world_end end, const char *why,
                       uint64_t now);
/** The same by client id. False: it is not online. */
bool world_broker_kick(struct world_broker *b, const char *id, enum world_end end, uint64_t now);
/** Lose one session, or all, as a broker does that stores badly; connections of theirs are dropped. */
void world_broker_forget(struct world_broker *b, const char *id, uint64_t now);
void world_broker_forget_all(struct world_broker *b, uint64_t now);
/** The broker's process ends and starts again: no will is sent; without `remember` sessions and
 *  retained messages are gone. */
void world_broker_restart(struct world_broker *b, bool remember, enum world_end end, uint64_t now);

/* ---- Questions --------------------------------------------------------------------------------- */

/** What the broker remembers of a client: `conn`, `queue_count`, `delivery_count` and so on may be read.
 *  NULL: nothing. */
const struct world_session *world_broker_session(const struct world_broker *b, const char *id);
bool world_broker_online(const struct world_broker *b, const char *id);

#endif
