/* SPDX-License-Identifier: Apache-2.0 */
/* The skin around an exchange: owns the channels and one buffer, makes the association, pumps. It works in iot_coap_run only;
 * what is asked for elsewhere is written down.
 *
 *     IDLE -a request-> OPEN -> WAIT -up-> UP -unused for keep_ms, hang_up, park, close-> CLOSING -> IDLE
 *      ^                 |       |         |
 *      |_________________|_______|_________| failed, lost, in doubt; the next attempt is not before `not_before`
 *
 * An attempt that fails is made again while requests wait, later each time; after some of them the requests fail. */
#ifndef IOT_COAP_CLIENT_H
#define IOT_COAP_CLIENT_H

#include "coap/iot_coap_exchange.h"
#include "core/iot_core_part.h"
#include "iot/iot_port.h"
#include "net/iot_net_udp.h"
#if IOT_FEATURE_DTLS
#include "tls/iot_tls_dgram.h"
#endif

#if IOT_FEATURE_COAP

struct iot_coap {
    struct iot_part part; /* first: see iot_device_coap.c */
    uint8_t phase;
    uint8_t attempts; /* at an association, since something good came of one */
    uint8_t failures; /* ... of them in a row, which did not lead to anything */
    bool secure;      /* the channel is DTLS */
    bool seeded;      /* tokens and ids begin where nobody can guess */
    bool closing;     /* the device closes */
    bool hang;        /* the association is not to be kept */
    bool parking;     /* ... but put away */
    bool more;        /* this tick stopped at a bound */
    const struct iot_coap_options *opt;
    const struct iot_port *port;
    bool *wake;
    struct iot_dgram *carrier;
    struct iot_dgram *channel; /* DTLS over it, or the carrier itself */
    struct iot_endpoint to;
    iot_time now;        /* of the last tick */
    iot_time until;      /* patience: open, wait, close */
    iot_time again;      /* when to try again what had to wait */
    iot_time since;      /* the first of `attempts` */
    iot_time not_before; /* no attempt is made earlier */
    iot_time used;       /* up: when a request was under way last */
    struct iot_coap_exchange exchange;
    struct iot_udp udp;
#if IOT_FEATURE_DTLS
    struct iot_dtls dtls;
#endif
    uint8_t bytes[IOT_COAP_BYTES]; /* the datagram that came, or the one that leaves */
};

/** Channels and options outlive the client; `wake` is set when something is to be done. `secure`: the channel is c->dtls. Rules as
 *  the options say. */
void iot_coap_client_init(struct iot_coap *c, const struct iot_coap_options *opt,
                          const struct iot_port *port, struct iot_dgram *carrier,
                          struct iot_dgram *channel, bool *wake);

/** Its share of a tick; calls the handlers. */
void iot_coap_run(struct iot_coap *c, iot_time now);

/** When it wants the next; 0: at once. */
iot_time iot_coap_deadline(const struct iot_coap *c);

/** True: end what is begun, and begin nothing. False: the device has closed and may be used again. */
void iot_coap_close(struct iot_coap *c, bool closing);

#endif
#endif
