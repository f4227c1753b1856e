/* SPDX-License-Identifier: Apache-2.0 */
/* A server of readings for the sensor of examples/coap_sensor, on a UDP port of loopback: DTLS with a pre-shared key and
 * connection IDs (dtls_server.h), one resource of CoAP. It keeps a ledger of what came, and of the numbers of all records. */
#ifndef PEER_READINGS_H
#define PEER_READINGS_H

#include "dtls_server.h"

#define PEER_READINGS_MAX     512u
#define PEER_READINGS_RECORDS 8192u

#define PEER_READINGS_NAME "sensor1"
#define PEER_READINGS_KEY  "a key that both know"

/* How requests are answered. */
enum peer_readings_mood { READINGS_TAKES, READINGS_REFUSES, READINGS_MUTE };

struct peer_readings {
    uint16_t port;
    int fd;
    struct dtls_server *dtls;
    enum peer_readings_mood mood;
    /* ---- the ledger, since the start */
    uint32_t count;   /* readings 1 to count have come, in this order */
    uint32_t again;   /* ... and so many once more */
    uint32_t posts;   /* requests */
    uint32_t sources; /* addresses that something came from, one after the other */
    uint32_t sealed;  /* protected records */
    uint32_t twice;   /* ... with a number that its association had used before */
    char wrong[160];  /* what must not be, the first of it; "": nothing */
    /* ---- private */
    uint32_t from[64];
    int16_t value[PEER_READINGS_MAX + 1];
    uint8_t record[PEER_READINGS_RECORDS][16];
};

/** cid: take connection IDs. False: no port, no server. */
bool peer_readings_start(struct peer_readings *r, bool cid);
void peer_readings_stop(struct peer_readings *r);

/** What has come, after at most `wait_ms`. */
void peer_readings_turn(struct peer_readings *r, uint32_t wait_ms);

/** As after its power went: no association is known any more. The ledger stays. */
void peer_readings_restart(struct peer_readings *r);

/** Nothing is wrong, so many readings have come, and no number of a record came twice; else the test fails. */
void peer_readings_check(const struct peer_readings *r, uint32_t count);

#endif
