/* SPDX-License-Identifier: Apache-2.0 */
/* What a TLS stream stands on, all of it the test's: the stream below, chance, store, clock, memory. There is
 * no server: what comes behind a handshake is shown with one that is jumped over, so that records travel in
 * the clear. */
#ifndef TLS_WORLD_H
#define TLS_WORLD_H

#include "stub_stream.h"
#include "tls/iot_tls_mbedtls.h"

#define WORLD_ARENA_BYTES 49152u

struct tls_world {
    struct stub_stream stub;
    struct iot_tls tls;
    struct iot_tls_options opt;
    struct iot_port port;
    struct iot_bytes ca[1];
    iot_time now;
    bool wake;
    bool judged;    /* the next jump looks like one over a chain, whose dates are 1000 to 2000 */
    uint8_t secret; /* of the session that the next jump makes */
    iot_err get_says, set_says, del_says;
    uint32_t randoms, gets, sets, dels; /* calls; those of the store for the session alone */
    uint8_t blob[2048];                 /* the one value of the store, key "s" */
    uint32_t blob_len;
    iot_err wall_says;
    int64_t wall_s;
    uint8_t arena[WORLD_ARENA_BYTES] __attribute__((aligned(8)));
};

/** Friendly, with an empty store that answers, and time that is not known. */
void world_init(struct tls_world *w);

/** One tick; ticks at this moment until it ends or waits for something that is to come. */
iot_err world_poll(struct tls_world *w);
iot_err world_settle(struct tls_world *w);
/** Its next deadline becomes now. */
void world_wait(struct tls_world *w);

iot_err world_open(struct tls_world *w);
/** Open, and ClientHello is out. */
void world_greet(struct tls_world *w);
/** From there over the handshake; UP when settled. */
void world_jump(struct tls_world *w);
/** Both, and bytes are counted from here. */
void world_connect(struct tls_world *w);
/** Nothing is left of it. */
void world_abort(struct tls_world *w);

void world_receive(struct tls_world *w, uint8_t type, const void *bytes, uint32_t n);
iot_err world_read(struct tls_world *w, void *into, uint32_t cap, uint32_t *got);
iot_err world_write(struct tls_world *w, const void *bytes, uint32_t n, uint32_t *taken);

#endif
