/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_slirp.h"

#include <arpa/inet.h>
#include <libslirp.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIMERS_MAX 4 /* libslirp has one, for IPv6 router advertisements */
#define PORT_TRIES 8

struct timer {
    SlirpTimerCb run; /* NULL: free */
    void *opaque;
    int64_t expire_ms; /* -1: not armed */
};

/* One per process: lwIP is one as well. `fds` is valid between fill and polled. */
static struct {
    Slirp *slirp;
    host_slirp_deliver deliver;
    struct timer timers[TIMERS_MAX];
    struct pollfd *fds;
    uint32_t fd_count, fd_cap;
} world;

static ssize_t on_frame(const void *frame, size_t len, void *opaque)
{
    (void)opaque;
    if (len <= HOST_FRAME_MAX)
        world.deliver(frame, (uint32_t)len);
    return (ssize_t)len;
}

static void on_guest_error(const char *text, void *opaque)
{
    (void)text;
    (void)opaque;
}

static int64_t clock_ns(void *opaque)
{
    struct timespec now;

    (void)opaque;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *timer_new(SlirpTimerCb run, void *run_opaque, void *opaque)
{
    (void)opaque;
    for (int i = 0; i < TIMERS_MAX; i++) {
        struct timer *t = &world.timers[i];
        if (t->run == NULL) {
            *t = (struct timer){run, run_opaque, -1};
            return t;
        }
    }
    return NULL;
}

static void timer_free(void *timer, void *opaque)
{
    (void)opaque;
    if (timer != NULL)
        ((struct timer *)timer)->run = NULL;
}

static void timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
    (void)opaque;
    if (timer != NULL)
        ((struct timer *)timer)->expire_ms = expire_ms;
}

static void ignore_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void ignore_notify(void *opaque)
{
    (void)opaque;
}

static int add_poll(int fd, int events, void *opaque)
{
    struct pollfd *p = &world.fds[world.fd_count];

    (void)opaque;
    if (world.fd_count == world.fd_cap)
        return -1; /* libslirp looks at this one in a later turn */
    p->fd = fd;
    p->events =
        (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                (events & SLIRP_POLL_PRI ? POLLPRI : 0));
    p->revents = 0;
    return (int)world.fd_count++;
}

static int get_revents(int index, void *opaque)
{
    (void)opaque;
    if (index < 0 || (uint32_t)index >= world.fd_count)
        return 0;
    short r = world.fds[index].revents;
    return (r & POLLIN ? SLIRP_POLL_IN : 0) | (r & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (r & POLLPRI ? SLIRP_POLL_PRI : 0) | (r & POLLERR ? SLIRP_POLL_ERR : 0) |
           (r & POLLHUP ? SLIRP_POLL_HUP : 0);
}

bool host_slirp_open(bool ipv4, bool ipv6, uint32_t mtu, host_slirp_deliver deliver)
{
    static const SlirpCb callbacks = {
        .send_packet = on_frame,
        .guest_error = on_guest_error,
        .clock_get_ns = clock_ns,
        .timer_new = timer_new,
        .timer_free = timer_free,
        .timer_mod = timer_mod,
        .register_poll_fd = ignore_fd,
        .unregister_poll_fd = ignore_fd,
        .notify = ignore_notify,
    };
    SlirpConfig config;

    memset(&config, 0, sizeof config);
    config.version = 1; /* the oldest interface does, and every libslirp has it */
    config.in_enabled = ipv4;
    config.in6_enabled = ipv6;
    inet_pton(AF_INET, "10.0.2.0", &config.vnetwork);
    inet_pton(AF_INET, "255.255.255.0", &config.vnetmask);
    inet_pton(AF_INET, "10.0.2.2", &config.vhost);
    inet_pton(AF_INET, "10.0.2.15", &config.vdhcp_start);
    inet_pton(AF_INET, "10.0.2.3", &config.vnameserver);
    inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    config.vprefix_len = 64;
    inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    config.if_mtu = mtu;
    config.if_mru = mtu;

    world.deliver = deliver;
    world.slirp = slirp_new(&config, &callbacks, NULL);
    return world.slirp != NULL;
}

void host_slirp_close(void)
{
    if (world.slirp != NULL)
        slirp_cleanup(world.slirp);
    memset(&world, 0, sizeof world);
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t make_address(union address *a, bool ipv6, const char *text, uint16_t port)
{
    memset(a, 0, sizeof *a);
    a->any.sa_family = ipv6 ? AF_INET6 : AF_INET;
    a->v4.sin_port = htons(port); /* at the same place in both */
    inet_pton(a->any.sa_family, text, ipv6 ? (void *)&a->v6.sin6_addr : (void *)&a->v4.sin_addr);
    return ipv6 ? sizeof a->v6 : sizeof a->v4;
}

/* One that is free now, or 0. */
static uint16_t find_port(bool ipv6)
{
    union address here;
    socklen_t len = make_address(&here, ipv6, ipv6 ? "::1" : "127.0.0.1", 0);
    int fd = socket(here.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, &here.any, len) == 0 && getsockname(fd, &here.any, &len) == 0;

    if (fd >= 0)
        close(fd);
    return found ? ntohs(here.v4.sin_port) : 0;
}

static bool forward(bool ipv6, uint16_t host_port, uint16_t guest_port)
{
    union address here, there;
    socklen_t len = make_address(&here, ipv6, ipv6 ? "::1" : "127.0.0.1", host_port);

    make_address(&there, ipv6, ipv6 ? "fec0::15" : "10.0.2.15", guest_port);
    if (!ipv6)
        return slirp_add_hostfwd(world.slirp, 1, here.v4.sin_addr, host_port, there.v4.sin_addr,
                                 guest_port) == 0;
#if SLIRP_CHECK_VERSION(4, 5, 0)
    return slirp_add_hostxfwd(world.slirp, &here.any, len, &there.any, len,
                              SLIRP_HOSTFWD_UDP | SLIRP_HOSTFWD_V6ONLY) == 0;
#else
    (void)len;
    return false;
#endif
}

/* libslirp does not tell which port it got, so a free one is found first; somebody else may take it meanwhile. */
bool host_slirp_forward_udp(bool ipv6, uint16_t *host_port, uint16_t guest_port)
{
    if (*host_port != 0)
        return forward(ipv6, *host_port, guest_port);
    for (int i = 0; i < PORT_TRIES; i++) {
        *host_port = find_port(ipv6);
        if (*host_port != 0 && forward(ipv6, *host_port, guest_port))
            return true;
    }
    *host_port = 0;
    return false;
}

void host_slirp_input(const uint8_t *frame, uint32_t len)
{
    slirp_input(world.slirp, frame, (int)len);
}

uint32_t host_slirp_fill(struct pollfd *fds, uint32_t cap, uint32_t *wait_ms)
{
    int64_t now_ms = clock_ns(NULL) / 1000000;

    world.fds = fds;
    world.fd_cap = cap;
    world.fd_count = 0;
    slirp_pollfds_fill(world.slirp, wait_ms, add_poll, NULL);
    for (int i = 0; i < TIMERS_MAX; i++) {
        const struct timer *t = &world.timers[i];
        if (t->run == NULL || t->expire_ms < 0)
            continue;
        int64_t left = t->expire_ms > now_ms ? t->expire_ms - now_ms : 0;
        if (left < (int64_t)*wait_ms)
            *wait_ms = (uint32_t)left;
    }
    return world.fd_count;
}

void host_slirp_polled(bool failed)
{
    slirp_pollfds_poll(world.slirp, failed, get_revents, NULL);

    int64_t now_ms = clock_ns(NULL) / 1000000;
    for (int i = 0; i < TIMERS_MAX; i++) {
        struct timer *t = &world.timers[i];
        if (t->run == NULL || t->expire_ms < 0 || t->expire_ms > now_ms)
            continue;
        t->expire_ms = -1;
        t->run(t->opaque);
    }
}
