/* SPDX-License-Identifier: Apache-2.0 */
/* What is alike for each socket of UDP, be it connected (iot_net_udp.c) or not (iot_net_socket.c): which way a datagram goes,
 * how large it may be, and the copies in and out of pbufs. */
#ifndef IOT_NET_DATAGRAM_H
#define IOT_NET_DATAGRAM_H

#include "iot/iot_base.h"

#if IOT_FEATURE_COAP

#include "lwip/ip_addr.h"

struct netif;
struct pbuf;
struct udp_pcb;

/** The largest that may go there now, bytes. `bound`: the only interface that it may go by, or NULL: lwIP routes. */
uint32_t iot_datagram_room(const struct udp_pcb *pcb, struct netif *bound, const ip_addr_t *to);

/** Send one. IOT_OK; IOT_ERR_SIZE: there is no room for it; IOT_ERR_AGAIN: no memory or no route now. `*lwip_err` is lwIP's
 *  word, unless the size was wrong. */
iot_err iot_datagram_send(struct udp_pcb *pcb, struct netif *bound, const ip_addr_t *to,
                          uint16_t port, struct iot_bytes bytes, int32_t *lwip_err);

/** Copy one out and free it; `*got` is how long it was. IOT_OK; IOT_ERR_SIZE: longer than `cap`, nothing was copied. */
iot_err iot_datagram_take(struct pbuf *p, uint8_t *into, uint32_t cap, uint32_t *got);

#endif
#endif
