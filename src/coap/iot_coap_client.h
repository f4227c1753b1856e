/* SPDX-License-Identifier: Apache-2.0 */
/* The skin around an exchange: owns the channels and one buffer, makes the association, pumps. It works in iot_coap_run only;
 * what is asked for elsewhere is written down.
 *
 *     IDLE -a request-> OPEN -> WAIT -up-> UP -unused for keep_ms, hang_up, park-> CLOSING -> IDLE
 *                        ^        \- fails: wait, longer each time; the requests fail when that is worth it -> IDLE
 *                        |_______________________ doubt_after, alert __________________|
 */
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
    bool closing; /* the device closes */
    const struct iot_coap_options *opt;
    bool *wake;
    struct iot_dgram *channel; /* DTLS or its carrier */
    struct iot_endpoint to;
    struct iot_coap_exchange exchange;
    struct iot_udp udp;
#if IOT_FEATURE_DTLS
    struct iot_dtls dtls;
#endif
    uint8_t bytes[IOT_COAP_BYTES]; /* the datagram that came, or the one that leaves */
};

#endif
#endif
