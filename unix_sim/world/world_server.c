/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_server.h"

#include "world/world_loop.h"
#include "world/world_wire.h"

#include <string.h>

#include "lwip/tcp.h"

#define BACKLOG     255
#define RETRY_MS    20u    /* lwIP had no memory */
#define LINGER_MS   60000u /* a client that does not take our last bytes is cut off */
#define INBOX       (2 * TCP_WND)
#define PARKED_PORT 1u
#if INBOX > 0xffff
#error "what tcp_recved gets has 16 bits"
#endif

/* One connection. Its place is its number in the broker. lwIP's callbacks note and return; what was received
 * is copied, so that the window alone bounds it, not the pbufs of the pool. */
struct link {
    struct tcp_pcb *pcb; /* NULL: gone */
    bool used, eof, gone;
    uint32_t in_len;
    uint64_t write_at,
        linger; /* write_at: the answer's time; linger: WORLD_NEVER, it is not closing */
};

static struct {
    struct world_rude rude;
    struct tcp_pcb *listener;
    enum world_server_mode mode;
    uint64_t down_until, next;
    uint32_t ack_delay_ms, count, accepted;
    int high;                           /* links from here on are unused */
    uint64_t now;                       /* of the latest tick, for what arrives between two */
    struct link links[WORLD_CONNS_MAX]; /* looked at in every tick: what they received lies apart */
} server;
static uint8_t inbox[WORLD_CONNS_MAX][INBOX];

static void wake_at(uint64_t when)
{
    if (when < server.next)
        server.next = when;
}

static uint8_t *in_of(const struct link *l)
{
    return inbox[l - server.links];
}

/* ---- lwIP's callbacks ------------------------------------------------------------------------- */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct link *l = arg;

    (void)pcb;
    (void)err;
    world_loop_stir(NULL); /* lwIP's timers, too, offer what was refused */
    if (p == NULL) {
        l->eof = true;
        return ERR_OK;
    }
    if (p->tot_len > INBOX - l->in_len)
        return ERR_MEM; /* lwIP keeps it, and offers it again */
    pbuf_copy_partial(p, in_of(l) + l->in_len, p->tot_len, 0);
    l->in_len += p->tot_len;
    pbuf_free(p);
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    struct link *l = arg;

    (void)err;
    l->pcb = NULL; /* freed by lwIP */
    l->gone = true;
    world_loop_stir(NULL);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || pcb == NULL)
        return ERR_VAL;
    int conn = world_rude_open(&server.rude, server.now);
    if (conn < 0) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    struct link *l = &server.links[conn];
    memset(l, 0, sizeof *l);
    l->pcb = pcb;
    l->used = true;
    l->write_at = l->linger = WORLD_NEVER;
    if (conn >= server.high)
        server.high = conn + 1;
    server.count++;
    server.accepted++;
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, l);
    tcp_recv(pcb, on_recv);
    tcp_err(pcb, on_err);
    return ERR_OK;
}

/* ---- Ends ------------------------------------------------------------------------------------- */

static void detach(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
}

static void forget(int conn, uint64_t now)
{
    server.links[conn].used = false;
    server.count--;
    while (server.high > 0 && !server.links[server.high - 1].used)
        server.high--;
    world_rude_closed(&server.rude, conn, now);
}

static void reset(int conn, uint64_t now)
{
    struct link *l = &server.links[conn];

    if (l->pcb != NULL) {
        detach(l->pcb);
        tcp_abort(l->pcb);
        l->pcb = NULL;
    }
    forget(conn, now);
}

/* FIN behind what was written. What was received and not read would make a RST of it. */
static void end(int conn, uint64_t now)
{
    struct link *l = &server.links[conn];

    if (l->in_len != 0)
        tcp_recved(l->pcb, (u16_t)l->in_len);
    l->in_len = 0;
    detach(l->pcb);
    if (tcp_close(l->pcb) != ERR_OK) { /* older lwIP has no memory for a FIN */
        reset(conn, now);
        return;
    }
    l->pcb = NULL;
    forget(conn, now);
}

/* ---- The tick --------------------------------------------------------------------------------- */

static void read_in(int conn, uint64_t now)
{
    struct link *l = &server.links[conn];

    if (l->in_len == 0)
        return;
    uint32_t n = world_rude_feed(&server.rude, conn, (struct iot_bytes){in_of(l), l->in_len}, now);
    l->in_len -= n;
    memmove(in_of(l), in_of(l) + n, l->in_len);
    if (l->pcb != NULL && n != 0)
        tcp_recved(l->pcb, (u16_t)n);
}

/* Short of memory, less may still fit. Returns what was taken. */
static uint32_t write_some(struct tcp_pcb *pcb, struct iot_bytes out)
{
    uint32_t n = out.len < tcp_sndbuf(pcb) ? out.len : tcp_sndbuf(pcb);

    for (; n != 0; n /= 2)
        if (tcp_write(pcb, out.ptr, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK)
            return n;
    return 0;
}

/* True: nothing is left to write. Each pass writes something or ends. */
static bool write_out(int conn, uint64_t now)
{
    struct link *l = &server.links[conn];
    bool wrote = false;

    for (;;) {
        struct iot_bytes out = world_rude_pending(&server.rude, conn, now);
        if (out.len == 0)
            break;
        if (l->write_at == WORLD_NEVER)
            l->write_at = now + server.ack_delay_ms;
        if (now < l->write_at) {
            wake_at(l->write_at);
            break;
        }
        uint32_t n = write_some(l->pcb, out);
        if (n == 0) { /* room comes with an acknowledgement, memory with time */
            wake_at(now + RETRY_MS);
            break;
        }
        wrote = true;
        world_rude_sent(&server.rude, conn, n, now);
    }
    if (world_rude_pending(&server.rude, conn, now).len == 0)
        l->write_at = WORLD_NEVER;
    if (wrote)
        (void)tcp_output(l->pcb); /* else by lwIP's own timers */
    return l->write_at == WORLD_NEVER;
}

static void serve(int conn, uint64_t now)
{
    struct link *l = &server.links[conn];

    if (l->in_len == 0 && !l->gone && !l->eof && l->linger == WORLD_NEVER &&
        l->write_at == WORLD_NEVER && world_rude_rests(&server.rude, conn))
        return;
    read_in(conn, now);
    if (l->gone) {
        forget(conn, now);
        return;
    }
    if (l->eof && l->in_len == 0) { /* nobody reads answers any more, or only their echo */
        end(conn, now);
        return;
    }
    enum world_end wanted = world_rude_wants_close(&server.rude, conn);
    if (wanted == WORLD_END_RESET) {
        reset(conn, now);
        return;
    }
    bool empty = write_out(conn, now);
    wanted = world_rude_wants_close(&server.rude, conn); /* writing may have been the moment */
    if (wanted == WORLD_END_RESET || now >= l->linger) {
        reset(conn, now);
    } else if (wanted == WORLD_END_FIN && empty) {
        end(conn, now);
    } else if (wanted == WORLD_END_FIN && l->linger == WORLD_NEVER) {
        l->linger = now + LINGER_MS;
    }
    if (l->used)
        wake_at(l->linger);
}

/* Once; while there is no memory, again and again. */
static void start_listening(uint64_t now)
{
    ip_addr_t address = IPADDR4_INIT(lwip_htonl(WORLD_CLOUD_IP));
    struct tcp_pcb *pcb = tcp_new();

    if (pcb != NULL) {
        tcp_bind_netif(pcb, world_wire_cloud());
        if (tcp_bind(pcb, &address, WORLD_SERVER_PORT) == ERR_OK)
            server.listener = tcp_listen_with_backlog(pcb, BACKLOG);
        if (server.listener == NULL)
            tcp_abort(pcb);
    }
    if (server.listener == NULL)
        wake_at(now + RETRY_MS);
    else
        tcp_accept(server.listener, on_accept);
}

/* A port that is shut is one that the listener is moved away from: to bind it anew would be refused while there is
 * a connection left on it, be it in TIME-WAIT (SO_REUSE is off). */
static void listen_or_not(uint64_t now)
{
    bool wanted = server.mode != WORLD_SERVER_SHUT && now >= server.down_until;

    if (server.listener == NULL)
        start_listening(now);
    if (server.listener != NULL)
        server.listener->local_port = wanted ? WORLD_SERVER_PORT : PARKED_PORT;
    if (now < server.down_until)
        wake_at(server.down_until);
}

uint64_t world_server_tick(void *ctx, uint64_t now)
{
    (void)ctx;
    server.now = now;
    server.next = WORLD_NEVER;
    listen_or_not(now);
    if (server.mode == WORLD_SERVER_HUNG)
        return server.next;
    for (int i = 0; i < server.high; i++)
        if (server.links[i].used)
            read_in(i, now); /* before any silence is judged: we may have slept */
    world_rude_tick(&server.rude, now);
    for (int i = 0; i < server.high; i++)
        if (server.links[i].used)
            serve(i, now);
    wake_at(world_rude_next(&server.rude));
    return server.next;
}

/* ---- From outside ----------------------------------------------------------------------------- */

void world_server_start(struct world_broker *b)
{
    memset(&server, 0, sizeof server);
    world_rude_init(&server.rude, b);
}

struct world_rude *world_server_rude(void)
{
    return &server.rude;
}

void world_server_mode(enum world_server_mode mode)
{
    server.mode = mode;
}

void world_server_ack_delay(uint32_t ms)
{
    server.ack_delay_ms = ms;
}

void world_server_restart(uint32_t down_ms, bool remember, uint64_t now)
{
    world_broker_restart(server.rude.broker, remember, WORLD_END_RESET, now);
    for (int i = server.high - 1; i >= 0; i--) {
        struct link *l = &server.links[i];
        if (l->used && l->pcb != NULL && l->in_len == 0)
            end(i, now);
        else if (l->used)
            reset(i, now);
    }
    server.down_until = now + down_ms;
    listen_or_not(now);
}

uint32_t world_server_connections(void)
{
    return server.count;
}

uint32_t world_server_accepted(void)
{
    return server.accepted;
}
