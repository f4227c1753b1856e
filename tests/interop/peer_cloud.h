/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform as peer of devices that have an identity on it. What they are asked to keep
 * secret is looked for in all logs when a test ends: theirs, the platform's, the broker's. */
#ifndef PEER_CLOUD_H
#define PEER_CLOUD_H

#include "host/host_cloud.h"
#include "peer_trust.h"

/* Identities of unix_sim/cloud/devices.txt. */
#define PEER_PK     "a1B2c3D4e5F"
#define PEER_DS     "0f1e2d3c4b5a69788796a5b4c3d2e1f0" /* dev001 */
#define PEER_DS_TWO "1a2b3c4d5e6f708192a3b4c5d6e7f809" /* dev002 */
#define PEER_DS_OFF "2f3e4d5c6b7a89980716253443526170" /* off001 */
#define PEER_DS_PSK "3c4d5e6f708192a3b4c5d6e7f8091a2b" /* psk001 */
/* And one more, gone001, to be deleted. */
#define PEER_DS_GONE "4d5e6f708192a3b4c5d6e7f8091a2b3c"

/* Products with models of their own (peer_thing.h): every type; forty numbers; bytes. */
#define PEER_EVERY    "a1EveryTyp1"
#define PEER_WIDE     "a1WideProd1"
#define PEER_RAW      "a1RawProd01"
#define PEER_DS_EVERY "788796a5b4c3d2e1f00f1e2d3c4b5a69" /* every001 */
#define PEER_DS_WIDE  "69788796a5b4c3d2e1f00f1e2d3c4b5a" /* wide001 */
#define PEER_DS_RAW   "5a69788796a5b4c3d2e1f00f1e2d3c4b" /* raw001 */

#define PEER_HOST PEER_PK ".iot-as-mqtt.cn-shanghai.aliyuncs.com"

/** Texts "/PK/NAME/..." and "/sys/PK/NAME/..." of the first two. */
#define PEER_OWN "/" PEER_PK "/dev001/"
#define PEER_TWO "/" PEER_PK "/dev002/"

extern struct host_cloud peer_cloud;

/* One device with its board, and what it logged in with. */
struct peer_seat {
    struct peer_device one; /* first: it is the context of the callbacks */
    struct peer_trust board;
    struct iot_link_identity id;

    /* Of the latest attempt, as on_credentials saw it, before `login` changed it. */
    uint32_t attempts;
    char host[128], client_id[512], user_name[64], password[65];
    uint16_t port;
    /* May be NULL: the test's on_credentials. */
    iot_err (*login)(struct peer_seat *seat, struct iot_credentials *c);

    uint32_t passwords;
    char secrets[4][65];
};

/** Setup and teardown of a group: the platform runs, the heap is forbidden. */
int peer_cloud_group_setup(void **state);
int peer_cloud_group_teardown(void **state);

/** Of a test: each looks at its own lines of the log; at the end no secret is in any. */
int peer_cloud_test_setup(void **state);
int peer_cloud_test_teardown(void **state);
#define CLOUD_TEST(f)                                                                              \
    cmocka_unit_test_setup_teardown(f, peer_cloud_test_setup, peer_cloud_test_teardown)

/** A device `name` of PEER_PK: TLS, its region's host, the port of the platform's TLS listener; it trusts
 *  the platform's authority. Change id and options before it begins. `secret` may be NULL. */
void peer_seat(struct peer_seat *s, const char *name, const char *secret);

/** Without TLS. */
void peer_seat_plain(struct peer_seat *s);

/** Begin, and turn until it is connected; any loss fails the test. */
void peer_seat_connect(struct peer_seat *s);

/** Connect, let the platform's log say how ("hmacsha256, tls"), close. */
void peer_seat_visits(struct peer_seat *s, const char *name, const char *how);

/** Its next loss has this name, and it stays away for five minutes at least, whatever it is told about the
 *  network. Then it tries again, which the test has to watch. */
void peer_seat_exiled(struct peer_seat *s, iot_err err);

/** Closed, whatever carries it. */
void peer_seat_close(struct peer_seat *s);

/** Time passes for devices that wait or idle, in steps of two seconds; no faster than the network for others. */
void peer_cloud_pass(uint32_t ms);

/** A command must be obeyed. */
void peer_cloud_command(const char *line);

/** The platform's log: how often it says so; turn until it does. */
uint32_t peer_cloud_says(const char *what);
void peer_cloud_await(const char *what);
void peer_cloud_said(const char *what);

#endif
