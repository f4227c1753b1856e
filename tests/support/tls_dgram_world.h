/* SPDX-License-Identifier: Apache-2.0 */
/* A DTLS channel of ours and a server of another mbedTLS (dtls_server.h) in one process and in virtual time. Between them is
 * a wire that counts datagrams, of both directions, from 1, and does to one of them what a test says. The device's store
 * outlives it: power can be cut in any of its calls. */
#ifndef TLS_DGRAM_WORLD_H
#define TLS_DGRAM_WORLD_H

#include "dtls_server.h"
#include "stub_dgram.h"
#include "tls/iot_tls_dgram.h"
#include "tls/iot_tls_mbedtls.h"

#include <setjmp.h>

#define DGRAM_WORLD_ARENA 49152u
#define DGRAM_WORLD_LOG   96u

enum wire_trick { WIRE_GOOD, WIRE_LOSE, WIRE_DOUBLE, WIRE_SWAP, WIRE_FORGE };

struct kv_entry {
    char key[16];
    uint8_t bytes[2048];
    uint32_t len;
};

struct dgram_world {
    struct stub_dgram stub;
    struct iot_dtls dtls;
    struct iot_tls_options opt;
    struct iot_dtls_options dopt;
    struct dtls_server_options sopt;
    struct iot_port port;
    struct iot_bytes ca[1], cert[1];
    struct dtls_server *server; /* made at the first open; NULL: nobody there */
    uint32_t address;           /* ours, as the server sees it */
    iot_time now;
    bool wake;
    iot_err wall_says;
    int64_t wall_s;
    uint32_t randoms, busy;

    /* the wire */
    enum wire_trick trick;
    uint32_t trick_at;      /* the datagram it happens to */
    bool deaf;              /* nothing arrives anywhere */
    struct iot_bytes forge; /* comes to us before datagram `trick_at` does */
    uint32_t count;
    struct {
        bool ours;
        uint32_t len;
        uint8_t bytes[STUB_DGRAM_BYTES];
    } log[DGRAM_WORLD_LOG];
    uint8_t held[STUB_DGRAM_BYTES];
    uint32_t held_len;
    bool held_ours;
    uint64_t numbers
        [256]; /* of our protected records, since our last first ClientHello: none comes twice */
    uint32_t number_count;

    /* the store */
    struct kv_entry kv[4];
    uint32_t kv_calls;
    uint32_t cut_at;       /* in this call, from 1, power fails; 0: never */
    bool cut_behind;       /* what it was asked is done; else not */
    uint32_t kv_again;     /* so many calls answer AGAIN first, each time ... */
    const char *again_key; /* ... of this key; NULL: of all */
    uint32_t kv_asked;
    iot_err get_says, set_says, del_says;
    jmp_buf power;

    uint8_t arena[DGRAM_WORLD_ARENA] __attribute__((aligned(8)));
};

#define WORLD_CONTEXT "ctx"
#define WORLD_SESSION "ses"

/** A key that both know, cookies, an empty store, time that is not known. */
void dworld_init(struct dgram_world *w);
/** By certificate instead: the server's is cert_edge, for a.example. */
void dworld_by_certificate(struct dgram_world *w);
/** Nothing of the device is left but its store. */
void dworld_reboot(struct dgram_world *w);
/** Everything is over and given back. */
void dworld_end(struct dgram_world *w);

iot_err dworld_open(struct dgram_world *w);
/** One tick; ticks at this moment until nothing more happens, datagrams carried to and fro; the same until it is up or over, in
 *  at most two minutes, or AGAIN. */
iot_err dworld_poll(struct dgram_world *w);
iot_err dworld_step(struct dgram_world *w); /* ... and what is sent arrives */
iot_err dworld_settle(struct dgram_world *w);
iot_err dworld_run(struct dgram_world *w);
/** Open and run; it has to be up, on both sides. */
void dworld_connect(struct dgram_world *w);
/** Something in each direction. */
void dworld_talk(struct dgram_world *w);
bool dworld_say(struct dgram_world *w, const char *text);
/** What we read next, NUL-terminated; NULL: nothing. */
const char *dworld_hear(struct dgram_world *w);
/** So long nothing is said by the applications; but we read, and what comes is lost. */
void dworld_idle(struct dgram_world *w, uint32_t ms);
void dworld_park(struct dgram_world *w);
void dworld_close(struct dgram_world *w);

struct kv_entry *dworld_kv(struct dgram_world *w, const char *key);

#endif
