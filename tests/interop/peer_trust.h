/* SPDX-License-Identifier: Apache-2.0 */
/* What a device under TLS stands on: a port whose clock, store, chance and log belong to the test,
 * and TLS options with an arena. */
#ifndef PEER_TRUST_H
#define PEER_TRUST_H

#include "peer_certs.h"
#include "peer_device.h"

#define PEER_ARENA_MAX   65536u
#define PEER_KV_MAX      4u
#define PEER_KV_BYTES    4096u
#define PEER_LOG_MAX     262144u
#define PEER_CAS_MAX     4u
#define PEER_SECRETS_MAX 8u

struct peer_kv {
    char key[16]; /* empty: free */
    uint32_t len;
    uint8_t bytes[PEER_KV_BYTES];
};

/* One board. Its clock stands still unless the test moves it. */
struct peer_trust {
    struct iot_port port;
    struct iot_tls_options tls;
    struct iot_bytes ca[PEER_CAS_MAX], cert;

    bool knows_time;
    int64_t now_s;
    uint32_t kv_again; /* so many calls of the store answer AGAIN */
    bool kv_breaks;
    uint32_t random_again; /* so many calls for chance answer AGAIN */
    bool random_breaks;
    struct peer_kv kv[PEER_KV_MAX];

    struct iot_bytes secrets[PEER_SECRETS_MAX];
    uint32_t log_len;
    char log[PEER_LOG_MAX]; /* line by line */
    _Alignas(8) uint8_t arena[PEER_ARENA_MAX];
};

/** A board that knows the time, an hour after the certificates were made; with an empty store and
 *  log, the whole arena, and trust in `root` alone (CERT_COUNT: in nobody). */
void peer_trust_prepare(struct peer_trust *t, enum peer_cert_id root);

/** A device on that board, for PEER_NAME on `port` of loopback; it tries again soon. Change the
 *  options before peer_begin. */
void peer_trust_device(struct peer_device *p, struct peer_trust *t, const char *name,
                       uint16_t port);

/** Trust one more. */
void peer_trust_add(struct peer_trust *t, enum peer_cert_id root);
/** Its own certificate and key. */
void peer_trust_client(struct peer_trust *t, enum peer_cert_id cert);

/** The board's clock shows so many days after the making of the certificates. */
void peer_trust_days(struct peer_trust *t, int64_t days);

/** A value of the store, or NULL. */
struct peer_kv *peer_trust_kv(struct peer_trust *t, const char *key);

/** The first whose name begins so. */
struct peer_kv *peer_trust_kv_begins(struct peer_trust *t, const char *key);

/** This must appear in no line of the log, neither as it is nor in hex. Borrowed until the test
 *  ends, which looks. */
void peer_trust_secret(struct peer_trust *t, struct iot_bytes secret);

/** What a device's TLS memory is used for. */
struct iot_tls_memory peer_trust_memory(const struct peer_device *p);

/** Begin, and turn until it is connected. */
void peer_trust_connect(struct peer_device *p);

/** Turn until the next attempt or link ends; its error must be this one, and the arena is empty.
 *  Returns the detail. */
int32_t peer_trust_lost(struct peer_device *p, iot_err err, bool fast);

/** Begin a device that does not try again; its attempt ends with this error and this detail, its
 *  arena is empty, it is closed. */
void peer_trust_refused(struct peer_device *p, iot_err err, int32_t detail);
#define PEER_ANY INT32_MIN /* any detail */

/** peer_close, and: the arena is empty, busy events came in pairs. */
void peer_trust_close(struct peer_device *p);

/** Events of IOT_EV_BUSY, begin and end counted as one. Fails if they are not in pairs. */
uint32_t peer_trust_busy(const struct peer_device *p);

/** Setup and teardown of a group; teardown of a test. */
int peer_trust_group_setup(void **state);
int peer_trust_group_teardown(void **state);
int peer_trust_test_teardown(void **state);

#define TRUST_TEST(f) cmocka_unit_test_teardown(f, peer_trust_test_teardown)

#endif
