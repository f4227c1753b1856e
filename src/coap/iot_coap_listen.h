/* SPDX-License-Identifier: Apache-2.0 */
/* The skin around the rules of a server (iot_coap_serve.h): owns the sockets and the sessions of DTLS, pumps. It works in
 * iot_coap_server_run only. */
#ifndef IOT_COAP_LISTEN_H
#define IOT_COAP_LISTEN_H

#include "coap/iot_coap_serve.h"
#include "core/iot_core_part.h"
#include "iot/iot_port.h"
#include "net/iot_net_socket.h"
#if IOT_FEATURE_DTLS_SERVER
#include "tls/iot_tls_dgram.h"
#endif

#if IOT_FEATURE_COAP_SERVER

struct iot_coap_server {
    struct iot_part part; /* first: see iot_device_serve.c */
    const struct iot_coap_server_options *opt;
    const struct iot_port *port;
    bool *wake;
    struct iot_coap_serve serve;
    struct iot_udp_socket udp[2]; /* UDP; DTLS */
};

/** Sockets and options outlive the server. */
void iot_coap_server_begin(struct iot_coap_server *s, const struct iot_coap_server_options *opt,
                           const struct iot_port *port, bool *wake);

/** Its share of a tick; calls the handlers. */
void iot_coap_server_run(struct iot_coap_server *s, iot_time now);

/** When it wants the next; 0: at once. */
iot_time iot_coap_server_deadline(const struct iot_coap_server *s);

/** Nothing outside refers to its memory. */
bool iot_coap_server_idle(const struct iot_coap_server *s);

/** True: end, in good order where there is a word for it. False: the device may be used again, and so will this. */
void iot_coap_server_close(struct iot_coap_server *s, bool closing);

#endif
#endif
