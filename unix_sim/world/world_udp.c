/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_udp.h"

#include "world/world_famine.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include <string.h>

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/udp.h"

#define FORGED_MAX 1472u
#define PACKET_MAX (IP_HLEN + UDP_HLEN + FORGED_MAX)
#define PSEUDO     12u

static struct world_udp *peers; /* those with an address of their own */

static ip_addr_t to_lwip(uint32_t ip)
{
    ip_addr_t addr;

    ip_addr_set_ip4_u32_val(addr, lwip_htonl(ip));
    return addr;
}

static void hear(struct world_udp *u, uint32_t ip, uint16_t port, struct iot_bytes bytes)
{
    u->from = (struct world_udp_from){ip, port};
    u->heard++;
    if (u->on_datagram != NULL) {
        const struct world_udp_from copy = u->from;
        u->on_datagram(u->ctx, u, &copy, bytes);
    }
}

static void on_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                    u16_t port)
{
    static uint8_t inbox[UINT16_MAX]; /* the wire hands over one after the other */
    const struct iot_bytes bytes = {inbox, p->tot_len};
    (void)pcb;

    pbuf_copy_partial(p, inbox, p->tot_len, 0);
    pbuf_free(p);
    hear(arg, lwip_ntohl(ip_addr_get_ip4_u32(from)), port, bytes);
}

void world_udp_open(struct world_udp *u, uint16_t port, world_udp_handler on_datagram, void *ctx)
{
    const ip_addr_t here = to_lwip(WORLD_CLOUD_IP);

    memset(u, 0, sizeof *u);
    u->on_datagram = on_datagram;
    u->ctx = ctx;
    world_famine_shield(1);
    u->pcb = udp_new();
    world_famine_shield(-1);
    if (u->pcb == NULL || udp_bind(u->pcb, &here, port) != ERR_OK) {
        world_violation("udp: port %u cannot be had", port);
        world_udp_close(u);
        return;
    }
    udp_bind_netif(u->pcb, world_wire_cloud());
    udp_recv(u->pcb, on_recv, u);
}

/* ---- Packets made by hand ---------------------------------------------------------------- */

static uint32_t get16(const uint8_t *from)
{
    return (uint32_t)from[0] << 8 | from[1];
}

static uint32_t get32(const uint8_t *from)
{
    return get16(from) << 16 | get16(from + 2);
}

static void put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
    put16(to, value >> 16);
    put16(to + 2, value & 0xffffu);
}

uint16_t world_udp_sum(const uint8_t *packet)
{
    uint8_t room[PSEUDO + 1500];
    uint32_t len = get16(packet + IP_HLEN + 4);

    memcpy(room, packet + 12, 8);
    put16(room + 8, IP_PROTO_UDP);
    put16(room + 10, len);
    memcpy(room + PSEUDO, packet + IP_HLEN, len);
    return inet_chksum(room, (u16_t)(PSEUDO + len));
}

/* How long it is. */
static uint32_t make_packet(uint8_t packet[PACKET_MAX], const struct world_udp_from *from,
                            const struct world_udp_from *to, struct iot_bytes bytes)
{
    uint8_t *udp = packet + IP_HLEN;

    memset(packet, 0, IP_HLEN + UDP_HLEN);
    packet[0] = 0x45;
    put16(packet + 2, IP_HLEN + UDP_HLEN + bytes.len);
    packet[8] = 64;
    packet[9] = IP_PROTO_UDP;
    put32(packet + 12, from->ip);
    put32(packet + 16, to->ip);
    put16(udp, from->port);
    put16(udp + 2, to->port);
    put16(udp + 4, UDP_HLEN + bytes.len);
    if (bytes.len != 0)
        memcpy(udp + UDP_HLEN, bytes.ptr, bytes.len);
    const uint16_t sum = world_udp_sum(packet), all_ones = 0xffff; /* 0 says that there is none */
    memcpy(udp + 6, sum != 0 ? &sum : &all_ones, sizeof sum);
    return IP_HLEN + UDP_HLEN + bytes.len;
}

static bool is_too_long(struct iot_bytes bytes)
{
    if (bytes.len > FORGED_MAX)
        world_violation("udp: %u bytes are too many for a packet", (unsigned)bytes.len);
    return bytes.len > FORGED_MAX;
}

void world_udp_forge(const struct world_udp_from *from, const struct world_udp_from *to,
                     struct iot_bytes bytes)
{
    uint8_t packet[PACKET_MAX];

    if (!is_too_long(bytes))
        world_wire_inject(packet, make_packet(packet, from, to, bytes), 0);
}

static void send_as_peer(struct world_udp *u, const struct world_udp_from *to,
                         struct iot_bytes bytes)
{
    uint8_t packet[PACKET_MAX];

    u->sent++;
    if (!is_too_long(bytes))
        world_wire_send(packet, make_packet(packet, &u->self, to, bytes));
}

/* ---- Peers with an address of their own ---------------------------------------------------- */

static struct world_udp *find_peer(uint32_t ip, uint32_t port)
{
    struct world_udp *u = peers;

    while (u != NULL && (u->self.ip != ip || (port != 0 && u->self.port != port)))
        u = u->next;
    return u;
}

static void on_packet(const uint8_t *packet, uint32_t len)
{
    const uint8_t *udp = packet + IP_HLEN;

    if (len < IP_HLEN + UDP_HLEN || packet[0] != 0x45 || packet[9] != IP_PROTO_UDP)
        return;
    uint32_t udp_len = get16(udp + 4);
    if (udp_len < UDP_HLEN || IP_HLEN + udp_len > len || len > 1500 || world_udp_sum(packet) != 0)
        return;
    struct world_udp *u = find_peer(get32(packet + 16), get16(udp + 2));
    if (u != NULL)
        hear(u, get32(packet + 12), (uint16_t)get16(udp),
             (struct iot_bytes){udp + UDP_HLEN, udp_len - UDP_HLEN});
}

void world_udp_open_at(struct world_udp *u, uint32_t ip, uint16_t port,
                       world_udp_handler on_datagram, void *ctx)
{
    memset(u, 0, sizeof *u);
    u->on_datagram = on_datagram;
    u->ctx = ctx;
    if (port == 0 || find_peer(ip, port) != NULL) {
        world_violation("udp: port %u cannot be had", port);
        return;
    }
    u->self = (struct world_udp_from){ip, port};
    u->next = peers;
    peers = u;
    world_wire_host(ip, on_packet);
}

static void leave(struct world_udp *u)
{
    struct world_udp **at = &peers;

    while (*at != NULL && *at != u)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = u->next;
    if (find_peer(u->self.ip, 0) == NULL)
        world_wire_host(u->self.ip, NULL);
    u->self.port = 0;
}

/* ---- Both kinds ------------------------------------------------------------------------------ */

void world_udp_close(struct world_udp *u)
{
    if (u->pcb != NULL)
        udp_remove(u->pcb);
    u->pcb = NULL;
    leave(u);
}

void world_udp_send(struct world_udp *u, const struct world_udp_from *to, struct iot_bytes bytes)
{
    const ip_addr_t there = to_lwip(to->ip);
    err_t err = ERR_MEM;

    if (u->self.port != 0) {
        send_as_peer(u, to, bytes);
        return;
    }
    world_famine_shield(1);
    struct pbuf *p = u->pcb == NULL ? NULL : pbuf_alloc(PBUF_TRANSPORT, (u16_t)bytes.len, PBUF_RAM);
    if (p != NULL) {
        if (bytes.len != 0)
            memcpy(p->payload, bytes.ptr, bytes.len);
        err = udp_sendto(u->pcb, p, &there, to->port);
        pbuf_free(p);
    }
    world_famine_shield(-1);
    u->sent++;
    if (err != ERR_OK)
        world_violation("udp: %u bytes cannot be sent: %d", (unsigned)bytes.len, err);
}
