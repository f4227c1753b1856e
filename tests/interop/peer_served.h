/* SPDX-License-Identifier: Apache-2.0 */
/* A device under test that serves CoAP, and what it serves, for the tests that ask it:
 *
 *   /count    GET, observable: a number, at first "7."; peer_served_step makes it one more.
 *   /large    GET, of a source: PEER_SERVED_BYTES bytes "abc...zab...". PUT, POST: taken in parts, counted.
 *   /light    GET, PUT, DELETE, also without DTLS: what was put last, at first "off".
 *   /secret   GET over DTLS only: the name of who asks.
 *   /slow     GET: "done", a moment later.
 *
 * Programs of the host reach it at peer_served_port, and by DTLS at peer_served_secure; the key of "lamp..." is
 * PEER_SERVED_KEY. */
#ifndef PEER_SERVED_H
#define PEER_SERVED_H

#include "peer_device.h"

#include "iot/iot_coap_server.h"

#define PEER_SERVED_BYTES 5000u
#define PEER_SERVED_KEY   "sesame, open"

extern struct iot_coap_server peer_served;
extern uint16_t peer_served_port, peer_served_secure;

struct peer_served_seen {
    uint32_t calls; /* handlers were called so often */
    uint32_t puts;  /* bodies that were taken whole */
    uint32_t put_bytes;
    uint32_t put_bad; /* bytes that were not those of /large */
    char light[128];
};
extern struct peer_served_seen peer_served_seen;

/** For cmocka_run_group_tests: lwIP, and the ways to the device's ports. */
int peer_served_group_setup(void **state);
int peer_served_group_teardown(void **state);

/** A device without a broker that serves; `keys`: over DTLS, too. */
void peer_served_begin(bool keys);
/** The same of one that peer_prepare has prepared; before it connects. */
void peer_served_attach(struct iot_device *dev, bool keys);
/** It closes; nothing may be left. */
void peer_served_end(void);
/** For teardowns: it is not turned any more. */
void peer_served_forget(void);

/** The device of peer_served_begin, and the host. */
void peer_served_turn(void);
void peer_served_step(void);

/** Sessions of DTLS there are. */
uint32_t peer_served_sessions(void);
/** Their arena is as if there had never been one. */
bool peer_served_untouched(void);

#endif
