/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_udp.h"

#include "world/world_famine.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include <string.h>

#include "lwip/ip.h"
#include "lwip/udp.h"

#define FORGED_MAX 1472u

static ip_addr_t to_lwip(uint32_t ip)
{
    ip_addr_t addr;

    ip_addr_set_ip4_u32_val(addr, lwip_htonl(ip));
    return addr;
}

static void on_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                    u16_t port)
{
    static uint8_t inbox[UINT16_MAX]; /* the wire hands over one after the other */
    struct world_udp *u = arg;
    const struct iot_bytes bytes = {inbox, p->tot_len};
    (void)pcb;

    u->from = (struct world_udp_from){lwip_ntohl(ip_addr_get_ip4_u32(from)), port};
    u->heard++;
    pbuf_copy_partial(p, inbox, p->tot_len, 0);
    pbuf_free(p);
    if (u->on_datagram != NULL) {
        const struct world_udp_from copy = u->from;
        u->on_datagram(u->ctx, u, &copy, bytes);
    }
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

void world_udp_close(struct world_udp *u)
{
    if (u->pcb != NULL)
        udp_remove(u->pcb);
    u->pcb = NULL;
}

void world_udp_send(struct world_udp *u, const struct world_udp_from *to, struct iot_bytes bytes)
{
    const ip_addr_t there = to_lwip(to->ip);
    err_t err = ERR_MEM;

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

void world_udp_forge(const struct world_udp_from *from, const struct world_udp_from *to,
                     struct iot_bytes bytes)
{
    uint8_t packet[IP_HLEN + UDP_HLEN + FORGED_MAX] = {0x45}, *udp = packet + IP_HLEN;

    if (bytes.len > FORGED_MAX) {
        world_violation("udp: %u bytes are too many to forge", (unsigned)bytes.len);
        return;
    }
    put16(packet + 2, IP_HLEN + UDP_HLEN + bytes.len);
    packet[8] = 64;
    packet[9] = IP_PROTO_UDP;
    put32(packet + 12, from->ip);
    put32(packet + 16, to->ip);
    put16(udp, from->port);
    put16(udp + 2, to->port);
    put16(udp + 4, UDP_HLEN + bytes.len); /* the checksum stays 0: there is none */
    if (bytes.len != 0)
        memcpy(udp + UDP_HLEN, bytes.ptr, bytes.len);
    world_wire_inject(packet, IP_HLEN + UDP_HLEN + bytes.len, 0);
}
