/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_coap_server.h
 * A CoAP server (RFC 7252) for whoever is near: a table of resources, served over UDP, over DTLS with pre-shared keys, or
 * both. Discovery (RFC 6690), observations (RFC 7641), bodies in blocks both ways (RFC 7959), Echo (RFC 9175).
 *
 *     static void on_light(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer);
 *     static const struct iot_coap_resource resources[] = {      (sorted by path)
 *         {"light", IOT_COAP_CAN_GET | IOT_COAP_CAN_PUT | IOT_COAP_OBSERVABLE, "rt=\"light\"", on_light},
 *         {"uptime", IOT_COAP_CAN_GET, NULL, on_uptime},
 *     };
 *     static struct iot_coap_server server;                      (complete in iot_static.h)
 *     iot_coap_server_init(&server, &lamp, &server_options);
 *
 * It works within the tick of the device that it is attached to. All of its memory is its own: whatever is sent to it, clients
 * of the cloud, and MQTT, lose nothing by it but the time of two datagrams per tick.
 *
 * Who is not known is told little and changes nothing. Over UDP an address may be forged, so that before an observer
 * is noted, before a method that changes something is executed, and before an answer of more than three times the request's
 * bytes, the peer has to show that it is there: 4.01 with Echo (RFC 9175 2.3), which each client of today answers by itself. And
 * a method that changes something is refused over UDP (4.01) unless the resource says IOT_COAP_OPEN.
 *
 * Tables are bounded, and no host has more than its share: half of each. Beyond it an observer gets a plain answer (RFC 7641
 * 4.1), everything else 5.03 with Max-Age. A host is an address: two that are really there can fill a table, and with observers
 * that acknowledge for as long as they like; it takes keys, or a network of your own, to keep them away.
 */
#ifndef IOT_COAP_SERVER_H
#define IOT_COAP_SERVER_H

#include "iot/iot_coap.h"
#include "iot/iot_socket.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_COAP_SERVER

struct iot_coap_server; /* complete in iot_static.h */

/** Bits of iot_coap_resource.flags. Methods that it knows; others are answered by 4.05. */
enum iot_coap_can {
    IOT_COAP_CAN_GET = 1u << IOT_COAP_GET,
    IOT_COAP_CAN_POST = 1u << IOT_COAP_POST,
    IOT_COAP_CAN_PUT = 1u << IOT_COAP_PUT,
    IOT_COAP_CAN_DELETE = 1u << IOT_COAP_DELETE,
    IOT_COAP_CAN_FETCH = 1u << IOT_COAP_FETCH,
    IOT_COAP_CAN_PATCH = 1u << IOT_COAP_PATCH,
    IOT_COAP_CAN_IPATCH = 1u << IOT_COAP_IPATCH,
    /** GET may observe it; tell changes by iot_coap_server_changed. */
    IOT_COAP_OBSERVABLE = 1u << 8,
    /** Notifications are not confirmable, but for one in 24 hours (RFC 7641 4.5): the newest may be lost. */
    IOT_COAP_NOTIFY_NON = 1u << 9,
    /** POST, PUT, DELETE, PATCH and iPATCH also without DTLS, from a peer that has shown that it is there. */
    IOT_COAP_OPEN = 1u << 10,
    /** ... and without showing it: the resource has a protocol of its own that knows who asks and how fresh that is, and answers
     *  nobody with much. But for bodies in blocks, which take memory. Group requests may change it. */
    IOT_COAP_NO_ECHO = 1u << 11,
    /** Answers requests that were sent to a group. /.well-known/core does. */
    IOT_COAP_MULTICAST = 1u << 12,
    /** Not at all without DTLS, reading neither: 4.01. */
    IOT_COAP_SECRET = 1u << 13,
    /** Not in /.well-known/core. */
    IOT_COAP_HIDDEN = 1u << 14,
    /** Everything below its path as well: "a" is also "a/b/c"; call->rest says what. The longest path of the table that fits gets it. */
    IOT_COAP_SUBTREE = 1u << 15,
};

/** A request; valid until return. */
struct iot_coap_call {
    uint32_t id; /* for iot_coap_server_answer; 0: this one has to be answered at once */
    const struct iot_coap_resource *resource;
    const char *
        rest; /* of IOT_COAP_SUBTREE: the path behind the resource's, segments with '/' between, "": none; NUL-terminated */
    uint8_t method; /* enum iot_coap_method */
    bool secure;    /* came over DTLS */
    bool to_many;   /* ... or to a group */
    bool observes;  /* this is for an observer, or for one to be */
    bool has_format, has_accept;
    uint16_t format, accept; /* of its body; of the answer's */
    struct iot_bytes
        options; /* all of them, for iot_coap_next (iot_coap_cursor): Uri-Query, If-Match ... None, for a notification */
    struct iot_bytes identity; /* the peer's, of its pre-shared key; len 0: not known */
    struct iot_peer peer;
    /* Its body, in order and without gaps: `part` begins at `offset`. A handler that wants more than one part gathers them; the answer
     * counts with the last one only, but for a code of class 4 or 5, which ends it. */
    uint32_t offset;
    struct iot_bytes part;
    bool last;
};

/** What is answered; filled with: 2.05 for GET and FETCH, else 2.04; no format, no body. */
struct iot_coap_answer {
    uint8_t code; /* IOT_COAP_CODE(2, 5) ... */
    bool has_format, has_max_age;
    uint16_t format;
    uint32_t max_age_s;
    /* 0 to 8 bytes, read after return: static, or of ctx. Empty: made of the body, where that goes in blocks or the client asks for
     * it. To a source it gives none: one whose bytes may change needs its own. */
    struct iot_bytes etag;
    /** The body: append. IOT_COAP_BODY_BYTES; for methods that change something, bodies that came in blocks, groups, and what is answered
     *  later, ETag and body fit into IOT_COAP_ANSWER_BYTES. More is answered by 5.00, to a group by nothing. Of GET and FETCH it has
     *  to be the same as long as nothing changes: for each block it is asked anew. */
    struct iot_writer body;
    /** Or, of GET and FETCH, a longer one, as it is wanted: as iot_coap_source, with iot_coap_resource.ctx. IOT_ERR_AGAIN is answered by 5.03,
     *  which ends an observation, too. Where the body has to fit into IOT_COAP_ANSWER_BYTES there is none (5.00). NULL. */
    iot_coap_source source;
    uint32_t
        total; /* of it, if known: told as Size2; with 4.13: how much would be taken, as Size1; 0 */
    /** Answered later, by iot_coap_server_answer(call->id), within IOT_COAP_LATER_MS; nothing else in here counts. Not if
     *  call->id is 0. Of a peer that has yet to show that it is there nothing is kept: it asks again, and this call is nobody's. */
    bool later;
};

/** A request has come. Called from iot_poll; inside, everything may be called. */
typedef void (*iot_coap_handler)(void *ctx, const struct iot_coap_call *call,
                                 struct iot_coap_answer *answer);

/** const, in flash. Paths are sorted by their bytes, have 128 at most, and their segments are not encoded. */
struct iot_coap_resource {
    const char *path; /* "a/b": no '/' in front or behind; "": the root */
    uint16_t flags;   /* enum iot_coap_can */
    /** Attributes for discovery, as `rt="light";if="sensor";ct=50` (RFC 6690 section 2); NULL: none. `obs` is added by itself. */
    const char *link;
    iot_coap_handler on_call;
    void *ctx;
};

#if IOT_FEATURE_DTLS_SERVER
/** DTLS 1.2 with pre-shared keys (RFC 4279); AES-CCM-8, -CCM, -GCM. No state is kept before a peer has answered a cookie (RFC 6347
 *  4.2.1), which is good for one to two minutes. An identity that nobody knows looks like a wrong key: silence. Peers are known by
 *  address and port: there are no connection IDs, tickets or sessions to resume.
 *
 *  When all IOT_COAP_SESSIONS are taken a new peer waits for one that was silent for idle_ms, or a handshake that has not
 *  got on for 10 s; of one host at most half of them are handshakes. A peer that begins anew, as it has rebooted, gives up its old session:
 *  when the new one is up, or, if none was free, at once (4.2.8).
 *
 *  Borrowed as long as the server is used. Times in ms, 0: the default. */
struct iot_coap_keys {
    /** The key of this identity, which has at most 128 bytes. IOT_OK; anything else: there is none, and what was written is not
     *  used. Called from iot_poll, in the middle of a handshake: nothing of this device may be called. */
    iot_err (*key)(void *ctx, struct iot_bytes identity, uint8_t key[64], uint32_t *len);
    void *ctx;
    /** For all sessions together, each has its IOT_COAP_SESSIONSth part. 8-byte aligned. Bytes are in README. */
    void *arena;
    uint32_t arena_bytes;
    uint16_t mtu;      /* as in iot_dtls_options */
    uint32_t first_ms; /* ... */
    /** A session in which nothing was authentic for so long gives place to a new peer: 60,000; and ends after ten times that. */
    uint32_t idle_ms;
};
#endif

/** Everything is borrowed as long as the server is used; const in flash is fine. */
struct iot_coap_server_options {
    const struct iot_coap_resource *resources;
    uint16_t resource_count;
    bool plain; /* serve UDP */
    struct iot_socket_where
        listen; /* port 0: 5683; for DTLS, port + 1. Groups are those of UDP: "224.0.1.187", "ff02::fd" (RFC 7252 12.8) */
#if IOT_FEATURE_DTLS_SERVER
    const struct iot_coap_keys *keys; /* serve DTLS; NULL: not */
#endif
    struct iot_socket *socket, *secure_socket; /* instead of lwIP's UDP; NULL */
    uint32_t leisure_ms; /* answers to a group are spread over: 5,000 (RFC 7252 4.8) */
};

/**
 * Prepare a server and attach it to a device; once, after iot_device_init. It listens from the next tick on, until the device
 * closes, and again from the first tick after IOT_EV_CLOSED on; a socket that cannot be opened is tried again every second.
 *
 * Returns  IOT_OK; IOT_ERR_ARG: resources that are not sorted, a path or attributes that are none, neither UDP nor DTLS, an arena that is
 *          missing, not aligned or somebody else's; attached already.
 */
iot_err iot_coap_server_init(struct iot_coap_server *server, struct iot_device *dev,
                             const struct iot_coap_server_options *options);

/** What the resource at this path (of the table) stands for has changed: each observer is told the newest state, at most one notification
 *  under way to each. Cheap: it marks. Unknown paths change nothing. */
void iot_coap_server_changed(struct iot_coap_server *server, const char *path);

/** What iot_coap_server_answer's caller writes into, IOT_COAP_ANSWER_BYTES at most. It is the memory of a handler's answer: inside one, answer
 *  the other call before you write your own. */
void iot_coap_answer_init(struct iot_coap_server *server, uint8_t method,
                          struct iot_coap_answer *answer);

/** The answer to a call that was taken by `later`: begun by iot_coap_answer_init, in the same callback or tick.
 *  IOT_OK; IOT_ERR_STATE: nobody waits for it any more; IOT_ERR_SIZE: too long (5.00 is sent). */
iot_err iot_coap_server_answer(struct iot_coap_server *server, uint32_t call,
                               const struct iot_coap_answer *answer);

/** Observers of a resource, or with NULL of all. */
uint32_t iot_coap_server_observers(const struct iot_coap_server *server, const char *path);

/** The error that keeps it from listening, or IOT_OK; `detail` may be NULL. */
iot_err iot_coap_server_state(const struct iot_coap_server *server, int32_t *detail);

/** How it was since iot_coap_server_init; for diagnosis. */
struct iot_coap_server_counters {
    uint32_t received, sent; /* datagrams of CoAP */
    uint32_t
        ignored; /* of `received`: malformed, of another version, nobody's, or to a group and not answered */
    uint32_t duplicates; /* of `received` */
    uint32_t repeated;   /* of `sent`: retransmissions of ours */
    uint32_t echoes;     /* peers that had to show that they are there */
    uint32_t refused;    /* 5.03: a table was full */
    uint32_t notified;   /* notifications, each counted once */
    uint32_t handshakes; /* of DTLS, that ended well */
    uint32_t
        dropped; /* datagrams that had no place to wait, were too large, or not authentic; and hellos that found no session */
};
void iot_coap_server_counters(const struct iot_coap_server *server,
                              struct iot_coap_server_counters *out);

#endif

#ifdef __cplusplus
}
#endif
#endif
