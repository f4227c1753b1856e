/* SPDX-License-Identifier: Apache-2.0 */
/* iot_dgram over lwIP's udp_* callbacks, connected to one peer: what others send is lwIP's to drop. The callback only
 * queues and marks; everything else is done in `poll`, `read`, `write`, that is, inside iot_poll. */
#ifndef IOT_NET_UDP_H
#define IOT_NET_UDP_H

#include "iot/iot_dgram.h"
#include "net/iot_net_dns.h"

#if IOT_FEATURE_COAP

struct pbuf;
struct udp_pcb;

/* Datagrams wait in rx[], the oldest first, at most IOT_RX_PBUFS_MAX pbufs together (one alone may be in more): what comes
 * beyond that is dropped, as the network might have. A datagram that cannot leave now, as memory or a route is missing,
 * may be offered again at `retry`; when each offer fails for IOT_STALL_MS, that is the end. */
struct iot_udp {
    struct iot_dgram base;
    uint8_t phase;
    uint8_t rx_count;
    const struct iot_endpoint *to;
    struct udp_pcb *pcb; /* while up */
    struct pbuf *rx[IOT_RX_PBUFS_MAX];
    iot_err reason; /* why the phase is OVER */
    int32_t lwip_err;
    iot_time deadline; /* resolving: of that; up: when offers that fail become the end */
    iot_time retry;    /* the last offer failed: take none before */
#if IOT_FEATURE_DNS
    struct iot_dns dns;
#endif
};

void iot_udp_init(struct iot_udp *u);

#endif
#endif
