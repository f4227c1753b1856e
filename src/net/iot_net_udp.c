/* SPDX-License-Identifier: Apache-2.0 */
#include "net/iot_net_udp.h"

#if IOT_FEATURE_COAP

#include "core/iot_core_assert.h"
#include "net/iot_net_datagram.h"

#include <string.h>

#include "lwip/ip_addr.h"
#include "lwip/opt.h"
#include "lwip/pbuf.h"
#include "lwip/udp.h"

#if !LWIP_UDP
#error "CoAP needs LWIP_UDP 1 in lwipopts.h; or set IOT_FEATURE_COAP 0"
#endif

#define PORT_TRIES 4 /* of 16,384: that each is taken happens to nobody */

/* lwIP draws a port when it starts, and counts from there: who sees one knows the next, which helps to forge answers
 * (RFC 6056, RFC 7252 section 11.4). So each is drawn. */
#ifdef LWIP_RAND
#define LOCAL_PORT() ((u16_t)(0xc000u | (LWIP_RAND() & 0x3fffu)))
#else
#define LOCAL_PORT() 0
#endif

enum udp_phase {
    PH_IDLE,
    PH_RESOLVING,
    PH_UP,
    PH_OVER, /* `reason` says why; no pcb, nothing received */
};

static struct iot_udp *self(struct iot_dgram *d)
{
    return (struct iot_udp *)(void *)d; /* base is the first member */
}

static const struct iot_udp *self_const(const struct iot_dgram *d)
{
    return (const struct iot_udp *)(const void *)d;
}

/* ---- lwIP's callback: note and return ---------------------------------------------------- */

/* One that came in more pbufs than are ours is taken when none is held, as by TCP. */
static bool has_place(const struct iot_udp *u, const struct pbuf *p)
{
    uint32_t pbufs = pbuf_clen(p);
    for (uint32_t i = 0; i < u->rx_count; i++)
        pbufs += pbuf_clen(u->rx[i]);
    return u->rx_count == 0 || pbufs <= IOT_RX_PBUFS_MAX;
}

/* That nobody listens there (ICMP) is told to nobody by lwIP: it looks as a silent peer does. */
static void on_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                    u16_t port)
{
    struct iot_udp *u = arg;
    (void)pcb;
    (void)from; /* the peer: the pcb is connected */
    (void)port;

    if (has_place(u, p))
        u->rx[u->rx_count++] = p;
    else
        pbuf_free(p); /* as the network might have lost it; whoever misses it asks again */
    iot_dgram_wake(&u->base);
}

/* ---- Endings ----------------------------------------------------------------------------- */

static iot_err finish(struct iot_udp *u, iot_err reason)
{
    if (u->pcb != NULL)
        udp_remove(u->pcb);
    u->pcb = NULL;
    while (u->rx_count != 0)
        pbuf_free(u->rx[--u->rx_count]);
    iot_dns_drop(&u->dns);
    u->phase = PH_OVER;
    u->reason = reason;
    u->deadline = u->retry = IOT_TIME_NEVER;
    return reason;
}

static iot_err end_lwip(struct iot_udp *u)
{
    switch (u->lwip_err) {
    case ERR_MEM:
    case ERR_BUF:
    case ERR_USE:
        return finish(u, IOT_ERR_UDP_MEMORY);
    default: /* ERR_RTE, ERR_IF, or what the driver says */
        return finish(u, IOT_ERR_UDP_ROUTE);
    }
}

/* ---- Opening ----------------------------------------------------------------------------- */

static err_t bind_and_connect(struct iot_udp *u, struct udp_pcb *pcb, const ip_addr_t *addr)
{
    err_t err = ERR_USE;
    for (int i = 0; i < PORT_TRIES && err == ERR_USE; i++)
        err = udp_bind(pcb, &pcb->local_ip, LOCAL_PORT());
    return err == ERR_OK ? udp_connect(pcb, addr, u->to->port) : err;
}

static iot_err connect_to(struct iot_udp *u, const struct iot_net_addr *to)
{
    ip_addr_t addr;
    memcpy(&addr, to, sizeof addr);

    /* "Any", which name servers that block say, would be connected to everybody. */
    u->lwip_err = ERR_VAL;
    if (ip_addr_isany_val(addr))
        return end_lwip(u);

    u->lwip_err = ERR_MEM;
    u->pcb = udp_new_ip_type(IP_GET_TYPE(&addr));
    if (u->pcb != NULL) {
        if (u->to->netif != NULL)
            udp_bind_netif(u->pcb, u->to->netif);
        udp_recv(u->pcb, on_recv, u);
        u->lwip_err = bind_and_connect(u, u->pcb, &addr);
    }
    if (u->lwip_err != ERR_OK)
        return end_lwip(u);
    u->phase = PH_UP;
    u->deadline = IOT_TIME_NEVER;
    return IOT_OK;
}

static iot_err udp_dgram_open(struct iot_dgram *d, const struct iot_endpoint *to, iot_time now)
{
    struct iot_udp *u = self(d);
    IOT_ASSERT(u->phase == PH_IDLE || u->phase == PH_OVER);

    u->to = to;
    u->lwip_err = 0;

    struct iot_net_addr addr;
    iot_err err = iot_dns_ask(&u->dns, &d->wake, to, &addr, &u->lwip_err);
    if (err == IOT_ERR_STATE)
        return IOT_ERR_AGAIN; /* an abandoned request is still out; its answer wakes us */
    if (err == IOT_ERR_AGAIN) {
        u->phase = PH_RESOLVING;
        u->deadline = now + IOT_DNS_MS;
        return IOT_OK;
    }
    iot_dgram_wake(d); /* for the poll that says so; no callback will */
    return err == IOT_OK ? connect_to(u, &addr) : finish(u, err);
}

/* ---- The tick ---------------------------------------------------------------------------- */

static iot_err poll_resolving(struct iot_udp *u, iot_time now)
{
    struct iot_net_addr addr;
    iot_err err = iot_dns_take(&u->dns, u->deadline, now, &addr);
    if (err == IOT_OK)
        return connect_to(u, &addr);
    return err == IOT_ERR_AGAIN ? err : finish(u, err);
}

/* A route may be missing for a moment (DHCP renews, a cable is put back), memory too: then it goes when it can. While
 * somebody tries, and fails each time, the deadline stands; who stops trying ends that. */
static iot_err poll_up(struct iot_udp *u, iot_time now)
{
    if (u->retry == IOT_TIME_NEVER)
        u->deadline = IOT_TIME_NEVER;
    else if (now >= u->deadline)
        return end_lwip(u);
    if (now >= u->retry)
        u->retry = IOT_TIME_NEVER; /* this tick offers again */
    return IOT_OK;
}

static iot_err udp_dgram_poll(struct iot_dgram *d, iot_time now)
{
    struct iot_udp *u = self(d);
    switch ((enum udp_phase)u->phase) {
    case PH_IDLE:
        return IOT_ERR_CLOSED;
    case PH_RESOLVING:
        return poll_resolving(u, now);
    case PH_UP:
        return poll_up(u, now);
    case PH_OVER:
        return u->reason;
    }
    IOT_UNREACHABLE();
    return IOT_ERR_STATE;
}

static iot_err udp_dgram_read(struct iot_dgram *d, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct iot_udp *u = self(d);
    if (u->rx_count == 0)
        return IOT_ERR_AGAIN;

    struct pbuf *p = u->rx[0];
    u->rx_count--;
    memmove(u->rx, u->rx + 1, u->rx_count * sizeof u->rx[0]);
    return iot_datagram_take(p, into, cap, got);
}

static iot_err udp_dgram_write(struct iot_dgram *d, struct iot_bytes bytes, iot_time now)
{
    struct iot_udp *u = self(d);
    if (u->phase != PH_UP || u->retry != IOT_TIME_NEVER)
        return IOT_ERR_AGAIN;

    iot_err err = iot_datagram_send(u->pcb, u->to->netif, &u->pcb->remote_ip, u->pcb->remote_port,
                                    bytes, &u->lwip_err);
    if (err == IOT_ERR_SIZE)
        return err;
    if (err == IOT_OK) {
        u->deadline = IOT_TIME_NEVER;
        return IOT_OK;
    }
    u->retry = now + IOT_TCP_RETRY_MS;
    if (u->deadline == IOT_TIME_NEVER)
        u->deadline = now + IOT_STALL_MS;
    return IOT_ERR_AGAIN;
}

static uint32_t udp_dgram_room(const struct iot_dgram *d)
{
    const struct iot_udp *u = self_const(d);
    return u->phase == PH_UP ? iot_datagram_room(u->pcb, u->to->netif, &u->pcb->remote_ip) : 0;
}

static void udp_dgram_abort(struct iot_dgram *d)
{
    finish(self(d), IOT_ERR_CLOSED);
}

/* UDP has no word for it. */
static void udp_dgram_close(struct iot_dgram *d, iot_time deadline)
{
    (void)deadline;
    udp_dgram_abort(d);
    iot_dgram_wake(d);
}

static iot_time udp_dgram_deadline(const struct iot_dgram *d)
{
    const struct iot_udp *u = self_const(d);
    return u->deadline < u->retry ? u->deadline : u->retry;
}

static bool udp_dgram_idle(const struct iot_dgram *d)
{
    const struct iot_udp *u = self_const(d);
    return u->pcb == NULL && iot_dns_idle(&u->dns);
}

static int32_t udp_dgram_detail(const struct iot_dgram *d)
{
    return self_const(d)->lwip_err;
}

static const struct iot_dgram_ops udp_ops = {
    .open = udp_dgram_open,
    .poll = udp_dgram_poll,
    .read = udp_dgram_read,
    .write = udp_dgram_write,
    .room = udp_dgram_room,
    .close = udp_dgram_close,
    .abort = udp_dgram_abort,
    .deadline = udp_dgram_deadline,
    .idle = udp_dgram_idle,
    .detail = udp_dgram_detail,
};

void iot_udp_init(struct iot_udp *u)
{
    memset(u, 0, sizeof *u);
    u->base.ops = &udp_ops;
    u->phase = PH_IDLE;
    u->deadline = u->retry = IOT_TIME_NEVER;
}

#endif
