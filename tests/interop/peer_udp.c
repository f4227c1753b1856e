/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_udp.h"

#include "test.h"

#include "host/host_child.h"
#include "host/host_loop.h"
#include "peer_device.h"

#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#define RELAYS_MAX 4u
#define PAIR_TRIES 200

static struct peer_udp *relays[RELAYS_MAX];

/* ---- Sockets ----------------------------------------------------------------------------- */

socklen_t peer_udp_address(uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (strchr(peer_loopback, ':') != NULL) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        v6->sin6_addr = in6addr_loopback;
        return sizeof *v6;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof *v4;
}

static int bound(int type, uint16_t port, uint16_t *got)
{
    struct sockaddr_storage address;
    socklen_t len = peer_udp_address(port, &address);
    int fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&address, len) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    if (got != NULL)
        *got = ntohs(((struct sockaddr_in *)&address)->sin_port); /* at the same place in both */
    return fd;
}

int peer_udp_socket(uint16_t port, uint16_t *got)
{
    return bound(SOCK_DGRAM, port, got);
}

static bool is_free(uint16_t port)
{
    int udp = bound(SOCK_DGRAM, port, NULL), tcp = bound(SOCK_STREAM, port, NULL);

    if (udp >= 0)
        close(udp);
    if (tcp >= 0)
        close(tcp);
    return udp >= 0 && tcp >= 0;
}

uint16_t peer_udp_free_pair(void)
{
    for (int i = 0; i < PAIR_TRIES; i++) {
        uint16_t port = host_free_port();
        if (port != 0 && port < 65535 && is_free(port) && is_free((uint16_t)(port + 1)))
            return port;
    }
    fail_msg("no two free ports side by side");
    return 0;
}

/* ---- What passes ------------------------------------------------------------------------- */

static void pass(struct peer_udp *r, bool up, const uint8_t *bytes, uint32_t n)
{
    struct sockaddr_storage server;
    socklen_t len = peer_udp_address(r->to, &server);

    /* To a port that nobody listens on it fails at the next call: lost, as it would be on the way. */
    if (up)
        (void)sendto(r->far, bytes, n, MSG_NOSIGNAL, (struct sockaddr *)&server, len);
    else if (r->client_len != 0)
        (void)sendto(r->near, bytes, n, MSG_NOSIGNAL, (struct sockaddr *)&r->client, r->client_len);
}

static void take(struct peer_udp *r, bool up, uint8_t *bytes, uint32_t n)
{
    struct peer_udp_way *w = up ? &r->up : &r->down;
    uint32_t number = ++w->count;

    w->bytes += n;
    w->largest = n > w->largest ? n : w->largest;
    if (number <= PEER_UDP_SEEN_MAX) {
        w->sizes[number - 1] = n;
        w->firsts[number - 1] = n != 0 ? bytes[0] : 0;
    }
    memcpy(w->last, bytes, n);
    w->last_len = n;
    bool good = r->judge == NULL || r->judge(r, up, bytes, &n);
    if (!good || w->silent || number == w->lose ||
        (w->lose_from != 0 && number >= w->lose_from && number <= w->lose_to)) {
        w->lost++;
        return;
    }
    if (number == w->swap) {
        memcpy(w->held, bytes, n);
        w->held_len = n;
        return;
    }
    pass(r, up, bytes, n);
    if (number == w->twice)
        pass(r, up, bytes, n);
    if (w->held_len != 0) {
        pass(r, up, w->held, w->held_len);
        w->held_len = 0;
    }
}

static void on_far(void *ctx, int fd, short revents)
{
    struct peer_udp *r = ctx;
    uint8_t bytes[PEER_UDP_MAX];
    ssize_t n;
    (void)revents;

    while ((n = recv(fd, bytes, sizeof bytes, 0)) >= 0)
        take(r, false, bytes, (uint32_t)n);
}

static void end_socket(int *fd)
{
    if (*fd < 0)
        return;
    host_unwatch(*fd);
    close(*fd);
    *fd = -1;
}

static void open_far(struct peer_udp *r)
{
    r->far = peer_udp_socket(0, NULL);
    assert_true(r->far >= 0);
    assert_true(host_watch(r->far, POLLIN, on_far, r));
}

/* The old one goes after the new one is there, or the host might give the same port again. */
static void change_far(struct peer_udp *r)
{
    int old = r->far;

    open_far(r);
    end_socket(&old);
}

static void on_near(void *ctx, int fd, short revents)
{
    struct peer_udp *r = ctx;
    struct sockaddr_storage from;
    uint8_t bytes[PEER_UDP_MAX];
    (void)revents;

    for (;;) {
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len);
        if (n < 0)
            return;
        if (r->client_len != 0 && (len != r->client_len || memcmp(&from, &r->client, len) != 0))
            change_far(r);
        r->client = from;
        r->client_len = len;
        take(r, true, bytes, (uint32_t)n);
    }
}

/* ---- Life -------------------------------------------------------------------------------- */

static void clear(struct peer_udp_way *w)
{
    memset(w, 0, sizeof *w);
}

void peer_udp_behave(struct peer_udp *r)
{
    clear(&r->up);
    clear(&r->down);
    r->judge = NULL;
}

void peer_udp_start(struct peer_udp *r, uint16_t to)
{
    memset(r, 0, sizeof *r);
    r->to = to;
    r->near = peer_udp_socket(0, &r->port);
    assert_true(r->near >= 0);
    assert_true(host_watch(r->near, POLLIN, on_near, r));
    open_far(r);
    for (uint32_t i = 0; i < RELAYS_MAX; i++) {
        if (relays[i] == NULL || relays[i] == r) {
            relays[i] = r;
            return;
        }
    }
    fail_msg("too many relays");
}

void peer_udp_stop(struct peer_udp *r)
{
    end_socket(&r->near);
    end_socket(&r->far);
    for (uint32_t i = 0; i < RELAYS_MAX; i++)
        if (relays[i] == r)
            relays[i] = NULL;
}

void peer_udp_stop_all(void)
{
    for (uint32_t i = 0; i < RELAYS_MAX; i++)
        if (relays[i] != NULL)
            peer_udp_stop(relays[i]);
}

void peer_udp_rebind(struct peer_udp *r)
{
    change_far(r);
    r->rebinds++;
}

void peer_udp_insert(struct peer_udp *r, bool up, struct iot_bytes datagram)
{
    pass(r, up, datagram.ptr, datagram.len);
}

struct iot_bytes peer_udp_last(const struct peer_udp *r, bool up)
{
    const struct peer_udp_way *w = up ? &r->up : &r->down;

    return (struct iot_bytes){w->last, w->last_len};
}
