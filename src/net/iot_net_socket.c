/* SPDX-License-Identifier: Apache-2.0 */
#include "net/iot_net_socket.h"

#if IOT_FEATURE_COAP_SERVER

#include "core/iot_core_assert.h"
#include "net/iot_net_datagram.h"

#include <string.h>

#include "lwip/igmp.h"
#include "lwip/ip.h"
#include "lwip/mld6.h"
#include "lwip/netif.h"
#include "lwip/opt.h"
#include "lwip/pbuf.h"
#include "lwip/udp.h"

#if defined IOT_LWIP_SOCKETS /* our lwipopts.h */
#if IOT_LWIP_SOCKET_PBUFS < IOT_LWIP_SOCKETS * IOT_SOCKET_PBUFS
#error                                                                                             \
    "IOT_LWIP_SOCKET_PBUFS in lwipopts.h: IOT_SOCKET_PBUFS for each socket, or a flood takes what TCP needs"
#endif
#endif

IOT_STATIC_ASSERT(IOT_SOCKET_PBUFS >= 1 && IOT_SOCKET_PBUFS < 255, "they are counted in a byte");

static struct iot_udp_socket *self(struct iot_socket *s)
{
    return (struct iot_udp_socket *)(void *)s; /* base is the first member */
}

static const struct iot_udp_socket *self_const(const struct iot_socket *s)
{
    return (const struct iot_udp_socket *)(const void *)s;
}

/* ---- Addresses, lwIP's and ours ------------------------------------------------------------ */

/* An address of IPv4 within one of IPv6 does not come: lwIP drops those. */
static void from_lwip(struct iot_peer *out, const ip_addr_t *addr, u16_t port)
{
    memset(out, 0, sizeof *out);
    out->port = port;
#if LWIP_IPV6
    if (IP_IS_V6_VAL(*addr)) {
        out->family = 6;
        out->zone = ip6_addr_zone(ip_2_ip6(addr));
        memcpy(out->addr, ip_2_ip6(addr)->addr, 16);
    }
#endif
#if LWIP_IPV4
    if (IP_IS_V4_VAL(*addr)) {
        out->family = 4;
        memcpy(out->addr, &ip_2_ip4(addr)->addr, 4);
    }
#endif
}

/* False: nobody, or of a family that is not built in. */
static bool to_lwip(ip_addr_t *out, const struct iot_peer *peer)
{
    memset(out, 0, sizeof *out);
#if LWIP_IPV6
    if (peer->family == 6) {
        memcpy(ip_2_ip6(out)->addr, peer->addr, 16);
        ip6_addr_set_zone(ip_2_ip6(out), peer->zone);
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V6);
        return true;
    }
#endif
#if LWIP_IPV4
    if (peer->family == 4) {
        memcpy(&ip_2_ip4(out)->addr, peer->addr, 4);
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V4);
        return true;
    }
#endif
    return false;
}

/* ---- lwIP's callback: note and return ------------------------------------------------------ */

static struct pbuf *take_out(struct iot_udp_socket *s, uint32_t at)
{
    struct pbuf *p = s->held[at].p;

    s->count--;
    memmove(s->held + at, s->held + at + 1, (s->count - at) * sizeof s->held[0]);
    return p;
}

static bool is_same_host(const struct iot_peer *a, const struct iot_peer *b)
{
    return memcmp(a->addr, b->addr, sizeof a->addr) == 0 && a->family == b->family &&
           a->zone == b->zone;
}

/* The newest one of the host from which most wait. */
static uint32_t find_victim(const struct iot_udp_socket *s)
{
    uint32_t most = 0, victim = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t n = 0;
        for (uint32_t j = 0; j < s->count; j++)
            n += is_same_host(&s->held[i].from, &s->held[j].from);
        if (n >= most) {
            most = n;
            victim = i;
        }
    }
    return victim;
}

static uint32_t count_pbufs(const struct iot_udp_socket *s)
{
    uint32_t pbufs = 0;

    for (uint32_t i = 0; i < s->count; i++)
        pbufs += pbuf_clen(s->held[i].p);
    return pbufs;
}

static void drop(struct iot_udp_socket *s, uint32_t at)
{
    pbuf_free(take_out(s, at));
    s->dropped++;
}

static void on_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                    u16_t port)
{
    const ip_addr_t *dest = ip_current_dest_addr();
    struct iot_udp_socket *s = arg;
    struct iot_socket_held *h = &s->held[s->count++];
    (void)pcb;

    h->p = p;
    h->to_many = ip_addr_ismulticast(dest) || ip_addr_isbroadcast(dest, ip_current_input_netif());
    from_lwip(&h->from, from, port);
    if (ip_addr_isany_val(*from) || port == 0) /* who could not be answered */
        drop(s, s->count - 1u);
    while (s->count > 1 && count_pbufs(s) > IOT_SOCKET_PBUFS)
        drop(s, find_victim(s));
    iot_socket_wake(&s->base);
}

/* ---- Groups -------------------------------------------------------------------------------- */

/* Where no interface is named, each that can. */
static bool is_meant(const struct iot_udp_socket *s, const struct netif *netif,
                     const ip_addr_t *group)
{
    uint8_t can = IP_IS_V6_VAL(*group) ? NETIF_FLAG_MLD6 : NETIF_FLAG_IGMP;
    (void)group;

    return s->where->netif == NULL ? (netif->flags & can) != 0 : s->where->netif == netif;
}

static err_t join_or_leave(struct netif *netif, const ip_addr_t *group, bool join)
{
    (void)netif;
    (void)join;
#if LWIP_IPV6_MLD
    if (IP_IS_V6_VAL(*group))
        return (join ? mld6_joingroup_netif : mld6_leavegroup_netif)(netif, ip_2_ip6(group));
#endif
#if LWIP_IGMP
    if (IP_IS_V4_VAL(*group))
        return (join ? igmp_joingroup_netif : igmp_leavegroup_netif)(netif, ip_2_ip4(group));
#endif
    (void)group;
    return ERR_VAL; /* of a family whose groups are not built in */
}

/* Each group at each interface that is meant; the first `*left` such pairs, of which it is lowered by those that were done. */
static iot_err change_groups(struct iot_udp_socket *s, bool join, uint32_t *left)
{
    const char *const *text = s->where->groups;
    struct netif *netif;
    ip_addr_t group;

    for (; text != NULL && *text != NULL && *left != 0; text++) {
        if (!ipaddr_aton(*text, &group) || !ip_addr_ismulticast(&group))
            return IOT_ERR_ARG;
        bool go = true, any = false;
        NETIF_FOREACH(netif)
        {
            if (go && *left != 0 && is_meant(s, netif, &group)) {
                err_t err = join_or_leave(netif, &group, join);
                go = !join || err == ERR_OK;
                s->lwip_err = go ? s->lwip_err : err;
                *left -= go;
                any = true;
            }
        }
        if (!go || !any)
            return IOT_ERR_UDP_ROUTE;
    }
    return IOT_OK;
}

/* ---- Calls --------------------------------------------------------------------------------- */

/* The first `joined` pairs of a group and an interface are left. */
static void finish(struct iot_udp_socket *s, uint32_t joined)
{
    if (s->pcb != NULL) {
        udp_remove(s->pcb);
        (void)change_groups(s, false, &joined);
    }
    s->pcb = NULL;
    while (s->count != 0)
        pbuf_free(s->held[--s->count].p);
}

static iot_err udp_socket_open(struct iot_socket *base, const struct iot_socket_where *where)
{
    struct iot_udp_socket *s = self(base);
    uint32_t left = UINT32_MAX;
    IOT_ASSERT(s->pcb == NULL && where->port != 0);

    s->where = where;
    s->lwip_err = ERR_MEM;
    s->pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (s->pcb != NULL) {
        if (where->netif != NULL)
            udp_bind_netif(s->pcb, where->netif);
        udp_recv(s->pcb, on_recv, s);
        s->lwip_err = udp_bind(s->pcb, &s->pcb->local_ip, where->port);
    }
    if (s->lwip_err != ERR_OK) {
        finish(s, 0);
        return IOT_ERR_UDP_MEMORY;
    }
    iot_err err = change_groups(s, true, &left);
    if (err != IOT_OK)
        finish(s, UINT32_MAX - left);
    return err;
}

static iot_err udp_socket_read(struct iot_socket *base, uint8_t *into, uint32_t cap, uint32_t *got,
                               struct iot_peer *from, bool *to_many)
{
    struct iot_udp_socket *s = self(base);
    if (s->count == 0)
        return IOT_ERR_AGAIN;

    *from = s->held[0].from;
    *to_many = s->held[0].to_many;
    return iot_datagram_take(take_out(s, 0), into, cap, got);
}

static iot_err udp_socket_write(struct iot_socket *base, const struct iot_peer *to,
                                struct iot_bytes bytes)
{
    struct iot_udp_socket *s = self(base);
    ip_addr_t addr;

    if (s->pcb == NULL || !to_lwip(&addr, to))
        return IOT_ERR_AGAIN;
    return iot_datagram_send(s->pcb, s->where->netif, &addr, to->port, bytes, &s->lwip_err);
}

static uint32_t udp_socket_room(const struct iot_socket *base, const struct iot_peer *to)
{
    const struct iot_udp_socket *s = self_const(base);
    ip_addr_t addr;

    if (s->pcb == NULL || !to_lwip(&addr, to))
        return 0;
    return iot_datagram_room(s->pcb, s->where->netif, &addr);
}

static void udp_socket_close(struct iot_socket *base)
{
    finish(self(base), UINT32_MAX);
}

static int32_t udp_socket_detail(const struct iot_socket *base)
{
    return self_const(base)->lwip_err;
}

static uint32_t udp_socket_dropped(const struct iot_socket *base)
{
    return self_const(base)->dropped;
}

static const struct iot_socket_ops socket_ops = {
    .open = udp_socket_open,
    .read = udp_socket_read,
    .write = udp_socket_write,
    .room = udp_socket_room,
    .close = udp_socket_close,
    .detail = udp_socket_detail,
    .dropped = udp_socket_dropped,
};

void iot_udp_socket_init(struct iot_udp_socket *s)
{
    memset(s, 0, sizeof *s);
    s->base.ops = &socket_ops;
}

#endif
