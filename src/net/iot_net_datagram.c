/* SPDX-License-Identifier: Apache-2.0 */
#include "net/iot_net_datagram.h"

#if IOT_FEATURE_COAP

#include <string.h>

#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "lwip/netif.h"
#include "lwip/opt.h"
#include "lwip/pbuf.h"
#include "lwip/udp.h"

/* RFC 8200 section 5: no link has less. Also what is assumed as long as no link is known. */
#define MTU_MIN 1280u
/* Behind these headers: IPv4 without options, IPv6 without extensions. */
#define HEADERS_V4  28u
#define HEADERS_V6  48u
#define LARGEST_MAX 65507u /* what the length field of IPv4 leaves */

#if LWIP_IPV6
/* Of the path, as far as ICMPv6 told it. That may be anybody: it is believed within bounds. */
static uint32_t mtu_v6(const ip_addr_t *to, struct netif *via)
{
    uint32_t mtu = nd6_get_destination_mtu(ip_2_ip6(to), via);
    return mtu > via->mtu && via->mtu != 0 ? via->mtu : mtu < MTU_MIN ? MTU_MIN : mtu;
}
#else
#define mtu_v6(to, via) ((void)(to), (void)(via), MTU_MIN)
#endif

#if LWIP_IPV4
/* lwIP would send from 0.0.0.0. For IPv6 it looks itself. */
static bool has_address(const ip_addr_t *to, const struct netif *via)
{
    (void)to;
    return IP_IS_V6(to) || !ip4_addr_isany_val(*netif_ip4_addr(via));
}
#else
static bool has_address(const ip_addr_t *to, const struct netif *via)
{
    (void)to;
    (void)via;
    return true;
}
#endif

/* The interface, or NULL: none now. lwIP asks nothing of one that a socket is bound to. */
static struct netif *way_out(const struct udp_pcb *pcb, struct netif *bound, const ip_addr_t *to)
{
    (void)pcb; /* for IPv4 alone */
    if (bound == NULL)
        return ip_route(&pcb->local_ip, to);
    return netif_is_up(bound) && netif_is_link_up(bound) && has_address(to, bound) ? bound : NULL;
}

static uint32_t largest(const ip_addr_t *to, struct netif *via)
{
    bool is_v6 = IP_IS_V6(to);
    uint32_t headers = is_v6 ? HEADERS_V6 : HEADERS_V4;
    uint32_t mtu = via == NULL ? MTU_MIN : is_v6 ? mtu_v6(to, via) : via->mtu;

    if (mtu == 0) /* an interface without a bound */
        return LARGEST_MAX;
    return mtu > headers ? mtu - headers : 0;
}

static err_t send_by(struct udp_pcb *pcb, struct netif *via, const ip_addr_t *to, uint16_t port,
                     struct iot_bytes bytes)
{
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)bytes.len, PBUF_RAM);
    if (p == NULL)
        return ERR_MEM;
    if (bytes.len != 0)
        memcpy(p->payload, bytes.ptr, bytes.len);
    err_t err = udp_sendto_if(pcb, p, to, port, via);
    pbuf_free(p);
    return err;
}

uint32_t iot_datagram_room(const struct udp_pcb *pcb, struct netif *bound, const ip_addr_t *to)
{
    return largest(to, way_out(pcb, bound, to));
}

iot_err iot_datagram_send(struct udp_pcb *pcb, struct netif *bound, const ip_addr_t *to,
                          uint16_t port, struct iot_bytes bytes, int32_t *lwip_err)
{
    struct netif *via = way_out(pcb, bound, to);
    if (via != NULL && bytes.len > largest(to, via))
        return IOT_ERR_SIZE;
    *lwip_err = via != NULL ? send_by(pcb, via, to, port, bytes) : ERR_RTE;
    return *lwip_err == ERR_OK ? IOT_OK : IOT_ERR_AGAIN;
}

iot_err iot_datagram_take(struct pbuf *p, uint8_t *into, uint32_t cap, uint32_t *got)
{
    uint32_t len = *got = p->tot_len;

    if (len != 0 && len <= cap)
        pbuf_copy_partial(p, into, (u16_t)len, 0);
    pbuf_free(p);
    return len <= cap ? IOT_OK : IOT_ERR_SIZE;
}

#endif
