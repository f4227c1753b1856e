/* SPDX-License-Identifier: Apache-2.0 */
/* The linker puts the __wrap_ functions in lwIP's place wherever another file calls it. The device's
 * callbacks are kept here and called from ours, which find them by their argument. */
#include "world/world_tap.h"

#include "world/world_famine.h"
#include "world/world_trace.h"

#include "iot/iot_static.h"

#include <string.h>

#include "lwip/dns.h"
#include "lwip/tcp.h"

struct tap {
    const uint8_t *base; /* the device */
    const struct world_tap_ops *ops;
    void *ctx;
    bool open; /* between connecting and closed */
    tcp_connected_fn connected;
    tcp_recv_fn recv;
    tcp_sent_fn sent;
    tcp_err_fn err;
    dns_found_callback found;
};

static const struct world_tap_ops deaf;
static struct tap taps[WORLD_TAPS_MAX]; /* by address */
static uint32_t tap_count;

struct tcp_pcb *__real_tcp_new_ip_type(u8_t type);
struct tcp_pcb *__wrap_tcp_new_ip_type(u8_t type);
err_t __real_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *ip, u16_t port, tcp_connected_fn fn);
err_t __wrap_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *ip, u16_t port, tcp_connected_fn fn);
err_t __real_tcp_write(struct tcp_pcb *pcb, const void *bytes, u16_t n, u8_t flags);
err_t __wrap_tcp_write(struct tcp_pcb *pcb, const void *bytes, u16_t n, u8_t flags);
void __real_tcp_arg(struct tcp_pcb *pcb, void *arg);
void __wrap_tcp_arg(struct tcp_pcb *pcb, void *arg);
void __real_tcp_recv(struct tcp_pcb *pcb, tcp_recv_fn fn);
void __wrap_tcp_recv(struct tcp_pcb *pcb, tcp_recv_fn fn);
void __real_tcp_sent(struct tcp_pcb *pcb, tcp_sent_fn fn);
void __wrap_tcp_sent(struct tcp_pcb *pcb, tcp_sent_fn fn);
void __real_tcp_err(struct tcp_pcb *pcb, tcp_err_fn fn);
void __wrap_tcp_err(struct tcp_pcb *pcb, tcp_err_fn fn);
err_t __real_dns_gethostbyname_addrtype(const char *name, ip_addr_t *ip, dns_found_callback fn,
                                        void *arg, u8_t type);
err_t __wrap_dns_gethostbyname_addrtype(const char *name, ip_addr_t *ip, dns_found_callback fn,
                                        void *arg, u8_t type);

/* ---- Who is it --------------------------------------------------------------------------- */

/* How many devices begin at `p` or before it. */
static uint32_t rank(const uint8_t *p)
{
    uint32_t lo = 0, hi = tap_count;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (taps[mid].base <= p)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct tap *find(const void *inside)
{
    const uint8_t *p = inside;
    uint32_t n = p == NULL ? 0 : rank(p);

    if (n == 0 || p >= taps[n - 1].base + sizeof(struct iot_device))
        return NULL;
    return &taps[n - 1];
}

/* Deaf is not forgotten: lwIP may hold callbacks of ours for it. */
void world_tap(struct iot_device *dev, const struct world_tap_ops *ops, void *ctx)
{
    struct tap *t = find(dev);

    if (t == NULL) {
        if (tap_count == WORLD_TAPS_MAX) {
            world_violation("more than %u taps", WORLD_TAPS_MAX);
            return;
        }
        uint32_t at = rank((const uint8_t *)dev);
        memmove(&taps[at + 1], &taps[at], (tap_count - at) * sizeof taps[0]);
        tap_count++;
        t = &taps[at];
        memset(t, 0, sizeof *t);
        t->base = (const uint8_t *)dev;
    }
    t->ops = ops != NULL ? ops : &deaf;
    t->ctx = ctx;
}

static void tell(const struct tap *t, void (*op)(void *ctx))
{
    if (op != NULL)
        op(t->ctx);
}

static void tell_bytes(const struct tap *t, void (*op)(void *ctx, struct iot_bytes bytes),
                       const void *bytes, uint32_t n)
{
    if (op != NULL)
        op(t->ctx, (struct iot_bytes){bytes, n});
}

static void tell_closed(struct tap *t)
{
    bool was_open = t->open;

    t->open = false;
    if (was_open)
        tell(t, t->ops->closed);
}

/* ---- What lwIP calls --------------------------------------------------------------------- */

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tap *t = find(arg);

    tell(t, t->ops->connected);
    err_t said = t->connected(arg, pcb, err);
    tell(t, t->ops->called);
    return said;
}

/* `p` is held over the call, as the device may free it; heard is only what the device takes. */
static err_t hear(struct tap *t, void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    pbuf_ref(p);
    uint32_t left = p->tot_len;
    err_t said = t->recv(arg, pcb, p, err);
    for (struct pbuf *q = p; said == ERR_OK && q != NULL && left > 0; q = q->next) {
        tell_bytes(t, t->ops->heard, q->payload, q->len);
        left -= q->len;
    }
    pbuf_free(p);
    return said;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct tap *t = find(arg);

    if (p == NULL)
        tell(t, t->ops->eof); /* first: the device may let go in there */
    err_t said = p == NULL ? t->recv(arg, pcb, p, err) : hear(t, arg, pcb, p, err);
    tell(t, t->ops->called);
    return said;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    struct tap *t = find(arg);
    err_t said = t->sent(arg, pcb, n);

    tell(t, t->ops->called);
    return said;
}

static void on_err(void *arg, err_t err)
{
    struct tap *t = find(arg);

    tell_closed(t);
    t->err(arg, err);
    tell(t, t->ops->called);
}

static void on_found(const char *name, const ip_addr_t *ip, void *arg)
{
    struct tap *t = find(arg);

    t->found(name, ip, arg);
    tell(t, t->ops->called);
}

/* ---- What devices call ------------------------------------------------------------------- */

struct tcp_pcb *__wrap_tcp_new_ip_type(u8_t type)
{
    return world_famine_strikes(WORLD_FAMINE_NEW) ? NULL : __real_tcp_new_ip_type(type);
}

err_t __wrap_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *ip, u16_t port, tcp_connected_fn fn)
{
    struct tap *t = find(pcb->callback_arg);

    if (world_famine_strikes(WORLD_FAMINE_CONNECT))
        return ERR_MEM;
    if (t == NULL)
        return __real_tcp_connect(pcb, ip, port, fn);
    t->connected = fn;
    err_t err = __real_tcp_connect(pcb, ip, port, on_connected);
    if (err == ERR_OK) {
        t->open = true;
        tell(t, t->ops->connecting);
    }
    return err;
}

err_t __wrap_tcp_write(struct tcp_pcb *pcb, const void *bytes, u16_t n, u8_t flags)
{
    if (world_famine_strikes(WORLD_FAMINE_WRITE))
        return ERR_MEM;
    err_t err = __real_tcp_write(pcb, bytes, n, flags);
    const struct tap *t = err == ERR_OK ? find(pcb->callback_arg) : NULL;
    if (t != NULL)
        tell_bytes(t, t->ops->sent, bytes, n);
    return err;
}

/* A device takes its argument off just before it closes, aborts or forgets a connection. */
void __wrap_tcp_arg(struct tcp_pcb *pcb, void *arg)
{
    struct tap *t = arg == NULL ? find(pcb->callback_arg) : NULL;

    __real_tcp_arg(pcb, arg);
    if (t != NULL)
        tell_closed(t);
}

void __wrap_tcp_recv(struct tcp_pcb *pcb, tcp_recv_fn fn)
{
    struct tap *t = fn != NULL ? find(pcb->callback_arg) : NULL;

    if (t != NULL)
        t->recv = fn;
    __real_tcp_recv(pcb, t != NULL ? on_recv : fn);
}

void __wrap_tcp_sent(struct tcp_pcb *pcb, tcp_sent_fn fn)
{
    struct tap *t = fn != NULL ? find(pcb->callback_arg) : NULL;

    if (t != NULL)
        t->sent = fn;
    __real_tcp_sent(pcb, t != NULL ? on_sent : fn);
}

void __wrap_tcp_err(struct tcp_pcb *pcb, tcp_err_fn fn)
{
    struct tap *t = fn != NULL ? find(pcb->callback_arg) : NULL;

    if (t != NULL)
        t->err = fn;
    __real_tcp_err(pcb, t != NULL ? on_err : fn);
}

err_t __wrap_dns_gethostbyname_addrtype(const char *name, ip_addr_t *ip, dns_found_callback fn,
                                        void *arg, u8_t type)
{
    struct tap *t = find(arg);

    if (t == NULL)
        return __real_dns_gethostbyname_addrtype(name, ip, fn, arg, type);
    tell(t, t->ops->resolving);
    t->found = fn;
    return __real_dns_gethostbyname_addrtype(name, ip, on_found, arg, type);
}
