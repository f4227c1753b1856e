/* SPDX-License-Identifier: Apache-2.0 */
#include "net/iot_net_tcp.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_stats.h"

#include <string.h>

#include "lwip/ip_addr.h"
#include "lwip/opt.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/tcpip.h"

#if !LWIP_TCP || !LWIP_CALLBACK_API
#error "lwlink needs LWIP_TCP 1 and LWIP_CALLBACK_API 1 in lwipopts.h"
#endif
#if IOT_FEATURE_DNS && !LWIP_DNS
#error "set LWIP_DNS 1 in lwipopts.h, or IOT_FEATURE_DNS 0 if hosts are always addresses"
#endif
#if IOT_RX_PBUFS_MAX + 2 > PBUF_POOL_SIZE
#error                                                                                             \
    "PBUF_POOL_SIZE in lwipopts.h: IOT_RX_PBUFS_MAX + 2 at least, or unread bytes starve ARP and ACK"
#endif
#if TCP_SND_BUF < 256
#error "TCP_SND_BUF in lwipopts.h: 256 bytes is the least that moves MQTT"
#endif

enum tcp_phase {
    PH_IDLE,
    PH_RESOLVING,
    PH_CONNECTING,
    PH_UP,
    PH_CLOSING, /* our bytes still on their way, then FIN */
    PH_OVER,    /* `reason` says why; no pcb */
};

enum tcp_mark { MARK_CONNECTED = 1, MARK_EOF = 2, MARK_ERR = 4 };

static struct iot_tcp *self(struct iot_stream *s)
{
    return (struct iot_tcp *)(void *)s; /* base is the first member */
}

static const struct iot_tcp *self_const(const struct iot_stream *s)
{
    return (const struct iot_tcp *)(const void *)s;
}

/* ---- lwIP's callbacks: note and return --------------------------------------------------- */

static bool rx_append(struct iot_tcp *t, struct pbuf *p)
{
    if (t->rx == NULL) {
        t->rx = p;
    } else {
        uint32_t pbufs = (uint32_t)pbuf_clen(t->rx) + pbuf_clen(p);
        if (pbufs > IOT_RX_PBUFS_MAX || (uint32_t)t->rx->tot_len + p->tot_len > UINT16_MAX)
            return false;
        pbuf_cat(t->rx, p);
    }
    IOT_HIGH(t->rx_pbufs_high, (uint8_t)pbuf_clen(t->rx));
    return true;
}

static void detach(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct iot_tcp *t = arg;
    (void)err;

    iot_stream_wake(&t->base);
    if (p == NULL) {
        t->marks |= MARK_EOF; /* counts after what is queued */
        if (t->shut) {        /* both FINs: lwIP may free it from now on, and tells nobody */
            detach(pcb);
            t->pcb = NULL;
        }
    } else if (t->phase == PH_CLOSING) {
        tcp_recved(pcb, p->tot_len); /* unread bytes would turn our FIN into a RST */
        pbuf_free(p);
    } else if (!rx_append(t, p)) {
        return ERR_MEM; /* not freed: lwIP keeps it and offers it again */
    }
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct iot_tcp *t = arg;
    (void)pcb;
    t->acked += len;
    t->stalled = IOT_TIME_NEVER; /* progress; poll sets it anew while bytes are out */
    iot_stream_wake(&t->base);
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct iot_tcp *t = arg;
    (void)pcb;
    (void)err; /* always ERR_OK; failures go to on_err */
    t->marks |= MARK_CONNECTED;
    iot_stream_wake(&t->base);
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    struct iot_tcp *t = arg;
    t->pcb = NULL; /* already freed */
    t->lwip_err = err;
    t->marks |= MARK_ERR;
    iot_stream_wake(&t->base);
}

/* ---- Endings ----------------------------------------------------------------------------- */

/* Give everything back at once. Detached first: tcp_abort calls the error callback. */
static void drop_pcb(struct iot_tcp *t)
{
    if (t->pcb != NULL) {
        detach(t->pcb);
        tcp_abort(t->pcb);
        t->pcb = NULL;
    }
}

/* What was read makes room in the window. */
static void report_eaten(struct iot_tcp *t)
{
    if (t->pcb != NULL)
        tcp_recved(t->pcb, t->eaten);
    t->eaten = 0;
}

static void drop_rx(struct iot_tcp *t)
{
    if (t->rx == NULL) /* and so nothing is eaten that was not reported */
        return;
    report_eaten(t);
    if (t->pcb != NULL)
        tcp_recved(t->pcb, t->rx->tot_len);
    pbuf_free(t->rx);
    t->rx = NULL;
}

/* Received bytes stay readable. */
static iot_err finish(struct iot_tcp *t, iot_err reason)
{
    drop_pcb(t);
    iot_dns_drop(&t->dns);
    t->phase = PH_OVER;
    t->reason = reason;
    t->deadline = t->stalled = t->retry = IOT_TIME_NEVER;
    t->acked = t->written;
    return reason;
}

static iot_err end_lwip(struct iot_tcp *t, bool connecting)
{
    switch (t->lwip_err) {
    case ERR_RST:
        return finish(t, connecting ? IOT_ERR_TCP_REFUSED : IOT_ERR_TCP_RESET);
    case ERR_RTE:
        return finish(t, IOT_ERR_TCP_ROUTE);
    case ERR_MEM:
    case ERR_BUF:
        return finish(t, IOT_ERR_TCP_MEMORY);
    default: /* ERR_ABRT: retries exhausted, or the interface's address went away */
        return finish(t, IOT_ERR_TCP_ABORTED);
    }
}

/* ---- Opening ----------------------------------------------------------------------------- */

static iot_err connect_to(struct iot_tcp *t, const struct iot_net_addr *to, iot_time now)
{
    ip_addr_t addr;
    memcpy(&addr, to, sizeof addr);

    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&addr));
    if (pcb == NULL) {
        t->lwip_err = ERR_MEM;
        return finish(t, IOT_ERR_TCP_MEMORY);
    }
    if (t->to->netif != NULL)
        tcp_bind_netif(pcb, t->to->netif);
    tcp_nagle_disable(pcb); /* Nagle against delayed ACK costs 40 ms and more per exchange */
    if (t->to->tcp_keepalive != 0) {
        pcb->so_options |= SOF_KEEPALIVE;
        pcb->keep_idle = t->to->tcp_keepalive * 1000u;
#if LWIP_TCP_KEEPALIVE /* otherwise lwIP's 9 probes, 75 s apart */
        pcb->keep_intvl = 10000;
        pcb->keep_cnt = 6;
#endif
    }
    t->pcb = pcb;
    tcp_arg(pcb, t);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_err);

    t->lwip_err = tcp_connect(pcb, &addr, t->to->port, on_connected);
    if (t->lwip_err != ERR_OK)
        return end_lwip(t, true);
    t->phase = PH_CONNECTING;
    t->deadline = now + IOT_TCP_CONNECT_MS;
    return IOT_OK;
}

static iot_err tcp_stream_open(struct iot_stream *s, const struct iot_endpoint *to, iot_time now)
{
    struct iot_tcp *t = self(s);
    IOT_ASSERT(t->phase == PH_IDLE || t->phase == PH_OVER);

    drop_rx(t);
    t->to = to;
    t->marks = 0;
    t->lwip_err = 0;
    t->written = t->acked = 0;
    t->unflushed = t->shut = false;
    t->stalled = t->retry = IOT_TIME_NEVER;

    struct iot_net_addr addr;
    iot_err err = iot_dns_ask(&t->dns, &s->wake, to, &addr, &t->lwip_err);
    if (err == IOT_ERR_STATE)
        return IOT_ERR_AGAIN; /* an abandoned request is still out; its answer wakes us */
    if (err == IOT_ERR_AGAIN) {
        t->phase = PH_RESOLVING;
        t->deadline = now + IOT_DNS_MS;
        return IOT_OK;
    }
    return err == IOT_OK ? connect_to(t, &addr, now) : finish(t, err);
}

/* ---- The tick ---------------------------------------------------------------------------- */

static iot_err poll_resolving(struct iot_tcp *t, iot_time now)
{
    struct iot_net_addr addr;
    iot_err err = iot_dns_take(&t->dns, t->deadline, now, &addr);
    if (err == IOT_OK)
        err = connect_to(t, &addr, now);
    else if (err != IOT_ERR_AGAIN)
        return finish(t, err);
    return err == IOT_OK ? IOT_ERR_AGAIN : err;
}

static iot_err poll_connecting(struct iot_tcp *t, iot_time now)
{
    if (t->marks & MARK_ERR) /* perhaps right behind the handshake: then it was no refusal */
        return end_lwip(t, !(t->marks & MARK_CONNECTED));
    if (t->marks & MARK_CONNECTED) {
        t->phase = PH_UP;
        t->deadline = IOT_TIME_NEVER;
        return IOT_OK;
    }
    return now >= t->deadline ? finish(t, IOT_ERR_TCP_TIMEOUT) : IOT_ERR_AGAIN;
}

static iot_err poll_up(struct iot_tcp *t, iot_time now)
{
    if (t->marks & MARK_ERR)
        return end_lwip(t, false);
    if ((t->marks & MARK_EOF) && t->rx == NULL) {
        t->lwip_err = ERR_OK; /* what a write met earlier is not the reason */
        return finish(t, IOT_ERR_TCP_EOF);
    }
    bool in_flight = t->written != t->acked;
    if (!in_flight && t->retry == IOT_TIME_NEVER)
        t->stalled = IOT_TIME_NEVER;
    else if (t->stalled == IOT_TIME_NEVER)
        t->stalled = now + IOT_STALL_MS;
    else if (now >= t->stalled)
        return finish(t, in_flight ? IOT_ERR_TCP_STALLED : IOT_ERR_TCP_MEMORY);
    if (now >= t->retry)
        t->retry = IOT_TIME_NEVER; /* this tick offers again */
    return IOT_OK;
}

/* tcp_close sends RST where bytes are unread, and for each that comes after it; and RST can overtake
 * a DISCONNECT in the broker: the will would fire. So only our half is closed, the other is read and
 * thrown away until its FIN. */
static iot_err poll_closing(struct iot_tcp *t, iot_time now)
{
    if (t->pcb == NULL)
        return finish(t, t->written == t->acked ? IOT_ERR_CLOSED : IOT_ERR_CUT);
    if (t->written != t->acked) /* they may be references: lwIP must not keep them */
        return now >= t->deadline ? finish(t, IOT_ERR_CUT) : IOT_ERR_AGAIN;

    bool over = (t->marks & MARK_EOF) || now >= t->deadline;
    if (over)
        detach(t->pcb);
    err_t err = over ? tcp_close(t->pcb) : t->shut ? ERR_OK : tcp_shutdown(t->pcb, 0, 1);
    if (err != ERR_OK) { /* lwIP 2.1: no memory for the FIN */
        if (over)
            return finish(t, IOT_ERR_CLOSED);
        t->retry = now + IOT_TCP_RETRY_MS;
        return IOT_ERR_AGAIN;
    }
    t->shut = true;
    t->retry = IOT_TIME_NEVER;
    if (!over)
        return IOT_ERR_AGAIN;
    t->pcb = NULL;
    return finish(t, IOT_ERR_CLOSED);
}

static iot_err tcp_stream_poll(struct iot_stream *s, iot_time now)
{
    struct iot_tcp *t = self(s);
    switch ((enum tcp_phase)t->phase) {
    case PH_IDLE:
        return IOT_ERR_CLOSED;
    case PH_RESOLVING:
        return poll_resolving(t, now);
    case PH_CONNECTING:
        return poll_connecting(t, now);
    case PH_UP:
        return poll_up(t, now);
    case PH_CLOSING:
        return poll_closing(t, now);
    case PH_OVER:
        return t->reason;
    }
    IOT_UNREACHABLE();
    return IOT_ERR_STATE;
}

static iot_err tcp_stream_read(struct iot_stream *s, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct iot_tcp *t = self(s);
    if (t->rx == NULL || cap == 0)
        return IOT_ERR_AGAIN;

    uint16_t n = (uint16_t)(cap < t->rx->tot_len ? cap : t->rx->tot_len);
    pbuf_copy_partial(t->rx, into, n, 0);
    t->rx = pbuf_free_header(t->rx, n);
    if (TCP_WND > UINT16_MAX && n > UINT16_MAX - t->eaten)
        report_eaten(t);
    t->eaten = (uint16_t)(t->eaten + n);
    if (t->rx == NULL || t->eaten >= TCP_WND / 2)
        report_eaten(t);
    if (t->rx == NULL && (t->marks & MARK_EOF))
        iot_stream_wake(s); /* now the end of the stream counts */
    *got = n;
    return IOT_OK;
}

static iot_err tcp_stream_write(struct iot_stream *s, struct iot_bytes bytes,
                                enum iot_stream_write_flag how, iot_time now, uint32_t *taken)
{
    struct iot_tcp *t = self(s);
    if (t->phase != PH_UP || t->pcb == NULL || t->retry != IOT_TIME_NEVER)
        return IOT_ERR_AGAIN;

    uint32_t room = tcp_sndbuf(t->pcb);
    uint32_t n = bytes.len < room ? bytes.len : room;
    if (n > UINT16_MAX)
        n = UINT16_MAX;
    if (n == 0)
        return IOT_ERR_AGAIN;

    /* Short of memory, less may still fit; otherwise `sent` tells when some is back. */
    uint8_t flags = how == IOT_STREAM_REF ? 0 : TCP_WRITE_FLAG_COPY;
    err_t err = tcp_write(t->pcb, bytes.ptr, (u16_t)n, flags);
    while (err == ERR_MEM && n > 64) {
        n /= 2;
        err = tcp_write(t->pcb, bytes.ptr, (u16_t)n, flags);
    }
    bool in_flight = t->written != t->acked;
    if (err != ERR_OK) {
        t->lwip_err = err;
        /* A full queue is told of by `sent`. Memory is not, and what is in flight may have been lost with
         * it: its repetition comes late. */
        if (tcp_sndqueuelen(t->pcb) + 2 <= TCP_SND_QUEUELEN)
            t->retry = now + IOT_TCP_RETRY_MS;
        return IOT_ERR_AGAIN;
    }
    t->lwip_err = ERR_OK;
    t->written += n;
    t->unflushed = true;
    if (!in_flight)
        t->stalled = now + IOT_STALL_MS; /* whatever famine there was is over */
    *taken = n;
    return IOT_OK;
}

static void tcp_stream_flush(struct iot_stream *s)
{
    struct iot_tcp *t = self(s);
    if (t->unflushed && t->pcb != NULL)
        (void)tcp_output(t->pcb); /* what cannot go now goes by lwIP's own timers */
    t->unflushed = false;
}

static uint32_t tcp_stream_released(const struct iot_stream *s)
{
    return self_const(s)->acked;
}

static void tcp_stream_close(struct iot_stream *s, iot_time deadline)
{
    struct iot_tcp *t = self(s);
    if (t->phase != PH_UP) {
        finish(t, IOT_ERR_CLOSED);
        return;
    }
    t->phase = PH_CLOSING;
    t->deadline = deadline;
    t->stalled = t->retry = IOT_TIME_NEVER;
    drop_rx(t);
    tcp_stream_flush(s);
    iot_stream_wake(s);
}

static void tcp_stream_abort(struct iot_stream *s)
{
    struct iot_tcp *t = self(s);
    drop_rx(t);
    finish(t, IOT_ERR_CLOSED);
}

static iot_time tcp_stream_deadline(const struct iot_stream *s)
{
    const struct iot_tcp *t = self_const(s);
    iot_time first = t->deadline < t->stalled ? t->deadline : t->stalled;
    return first < t->retry ? first : t->retry;
}

static bool tcp_stream_idle(const struct iot_stream *s)
{
    const struct iot_tcp *t = self_const(s);
    return t->pcb == NULL && t->rx == NULL && iot_dns_idle(&t->dns);
}

static int32_t tcp_stream_detail(const struct iot_stream *s)
{
    return self_const(s)->lwip_err;
}

static const struct iot_stream_ops tcp_ops = {
    .open = tcp_stream_open,
    .poll = tcp_stream_poll,
    .read = tcp_stream_read,
    .write = tcp_stream_write,
    .flush = tcp_stream_flush,
    .released = tcp_stream_released,
    .close = tcp_stream_close,
    .abort = tcp_stream_abort,
    .deadline = tcp_stream_deadline,
    .idle = tcp_stream_idle,
    .detail = tcp_stream_detail,
};

void iot_tcp_init(struct iot_tcp *t)
{
    memset(t, 0, sizeof *t);
    t->base.ops = &tcp_ops;
    t->phase = PH_IDLE;
    t->deadline = t->stalled = t->retry = IOT_TIME_NEVER;
}

void iot_net_assert_context(void)
{
    LWIP_ASSERT_CORE_LOCKED();
}
