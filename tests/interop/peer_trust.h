/* SPDX-License-Identifier: Apache-2.0 */
/* What a device under TLS stands on: a port whose clock, store and log belong to the test, and
 * options with an arena. */
#ifndef PEER_TRUST_H
#define PEER_TRUST_H

#include "peer_certs.h"
#include "peer_device.h"

#define PEER_ARENA_MAX   65536u
#define PEER_KV_MAX      8u
#define PEER_KV_BYTES    4096u
#define PEER_LOG_MAX     262144u
#define PEER_CAS_MAX     4u
#define PEER_SECRETS_MAX 8u

struct peer_kv {
    char key[16]; /* empty: free */
    uint32_t len;
    uint8_t bytes[PEER_KV_BYTES];
};

/* One board. The log is text, line by line; the store is as durable as this struct. */
struct peer_trust {
    struct iot_port port;
    struct iot_tls_options tls;
    struct iot_bytes ca[PEER_CAS_MAX], cert[2];

    bool knows_time;
    int64_t offset_s; /* its clock is so far ahead of the machine's */
    bool clock_moves_with_peers; /* not yet used */
    bool kv_breaks;
    uint32_t gets, sets, dels; /* calls of kv so far */
    uint32_t random_again;     /* so many calls answer AGAIN */
    bool random_breaks;
    uint32_t random_calls;
    struct peer_kv kv[PEER_KV_MAX];

    uint32_t busy_begins, busy_ends;
    bool busy_wrong; /* not in pairs */

    uint32_t log_len;
    char log[PEER_LOG_MAX];
    _Alignas(8) uint8_t arena[PEER_ARENA_MAX];
};

/** A board that knows the time: an hour after the certificates were made; empty store and log, the
 *  whole arena, trusting `root` alone. The struct must outlive the test: it is remembered. */
void peer_trust_prepare(struct peer_trust *t, enum peer_cert_id root);

/** The next life of the board: all but its store is as after peer_trust_prepare. */
void peer_trust_reboot(struct peer_trust *t, enum peer_cert_id root);

/** A device on that board, for PEER_NAME on `port` of loopback; one quick try after another. Change
 *  the options before peer_begin. */
void peer_trust_device(struct peer_device *p, struct peer_trust *t, const char *name,
                       uint16_t port);

/** Trust one more. */
void peer_trust_add(struct peer_trust *t, enum peer_cert_id root);
/** The client's certificate and key. */
void peer_trust_client(struct peer_trust *t, enum peer_cert_id cert);

/** So many days later (than the certificates' making) by the board's clock. */
void peer_trust_days(struct peer_trust *t, double days);

/** A value of the store, or NULL. */
struct peer_kv *peer_trust_kv(struct peer_trust *t, const char *key);
struct peer_kv *peer_trust_kv_any(struct peer_trust *t, const char *begins_with);

/** This must appear in no log, neither as it is nor in hex. Borrowed until the test ends. */
void peer_trust_secret(struct iot_bytes secret);

/** What the TLS memory of a device is used for. */
struct iot_tls_memory peer_trust_memory(const struct peer_device *p);

/** The attempt ends with this error and this detail, and the arena is empty again. */
void peer_trust_refused(struct peer_device *p, iot_err err, int32_t detail);
/** ... any detail. */
int32_t peer_trust_lost(struct peer_device *p, iot_err err, bool fast);

/** peer_close, and: the arena is empty, busy events came in pairs. */
void peer_trust_close(struct peer_device *p);
/** The same without waiting for anybody: for a device that was refused. */

/** Setup of a group, and teardown of each test and of the group. */
int peer_trust_group_setup(void **state);
int peer_trust_group_teardown(void **state);
int peer_trust_test_teardown(void **state);

#define TRUST_TEST(f) cmocka_unit_test_teardown(f, peer_trust_test_teardown)

#endif
