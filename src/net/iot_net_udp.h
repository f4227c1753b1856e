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

/* Datagrams wait in rx[], the oldest first, at most IOT_RX_PBUFS_MAX pbufs together: what comes beyond that is dropped, as
 * the network might have. */
struct iot_udp {
    struct iot_dgram base;
    uint8_t phase;
    uint8_t rx_count;
    const struct iot_endpoint *to;
    struct udp_pcb *pcb;
    struct pbuf *rx[IOT_RX_PBUFS_MAX];
    iot_err reason;
    int32_t lwip_err;
    iot_time deadline; /* of the phase */
    iot_time retry;    /* lwIP was out of memory: try again then */
#if IOT_FEATURE_DNS
    struct iot_dns dns;
#endif
};

void iot_udp_init(struct iot_udp *u);

#endif
#endif
