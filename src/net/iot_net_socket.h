/* SPDX-License-Identifier: Apache-2.0 */
/* iot_socket over lwIP's udp_* callbacks, not connected. The callback only queues and marks; everything else is done in the
 * calls, that is, inside iot_poll. */
#ifndef IOT_NET_SOCKET_H
#define IOT_NET_SOCKET_H

#include "iot/iot_socket.h"

#if IOT_FEATURE_COAP_SERVER

struct pbuf;
struct udp_pcb;

/* One datagram that waits. */
struct iot_socket_held {
    struct pbuf *p;
    struct iot_peer from;
    bool to_many;
};

/* Datagrams wait in held[], the oldest first, at most IOT_SOCKET_PBUFS pbufs together (one alone may be in more). The one that
 * is too many is dropped, as the network might have: of the host from which most wait the newest, be that the one that came or
 * another. A host is an address, as each has many ports. */
struct iot_udp_socket {
    struct iot_socket base;
    struct udp_pcb *pcb; /* NULL: not open */
    const struct iot_socket_where *where;
    struct iot_socket_held held[IOT_SOCKET_PBUFS + 1]; /* the last: who came when all are taken */
    uint8_t count;
    int32_t lwip_err;
    uint32_t dropped;
};

void iot_udp_socket_init(struct iot_udp_socket *s);

#endif
#endif
