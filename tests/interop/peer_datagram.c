/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_datagram.h"

#include "test.h"

#include "host/host_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

static void on_readable(void *ctx, int fd, short revents)
{
    struct peer_datagram *u = ctx;
    (void)revents;

    for (;;) {
        socklen_t from_len = sizeof u->from;
        ssize_t n =
            recvfrom(fd, u->bytes, sizeof u->bytes, 0, (struct sockaddr *)&u->from, &from_len);
        if (n < 0)
            return; /* EAGAIN, or that the last answer was refused */
        u->from_len = from_len;
        u->from_port = ntohs(((struct sockaddr_in *)&u->from)->sin_port);
        u->len = (uint32_t)n;
        u->heard++;
        if (!u->silent)
            peer_datagram_say(u, (struct iot_bytes){u->bytes, u->len});
    }
}

static socklen_t make_address(struct sockaddr_storage *out, const char *address, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    bool is_v6 = strchr(address, ':') != NULL;

    memset(out, 0, sizeof *out);
    out->ss_family = is_v6 ? AF_INET6 : AF_INET;
    v4->sin_port = htons(port); /* at the same place in both */
    assert_int_equal(
        inet_pton(out->ss_family, address, is_v6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr),
        1);
    return is_v6 ? sizeof *v6 : sizeof *v4;
}

bool peer_datagram_start(struct peer_datagram *u, const char *address, uint16_t port)
{
    struct sockaddr_storage here;
    socklen_t len = make_address(&here, address, port);

    memset(u, 0, sizeof *u);
    u->fd = socket(here.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (u->fd < 0 || bind(u->fd, (struct sockaddr *)&here, len) != 0) {
        peer_datagram_stop(u);
        return false;
    }
    assert_int_equal(getsockname(u->fd, (struct sockaddr *)&here, &len), 0);
    u->port = ntohs(((struct sockaddr_in *)&here)->sin_port);
    assert_true(host_watch(u->fd, POLLIN, on_readable, u));
    return true;
}

void peer_datagram_stop(struct peer_datagram *u)
{
    if (u->fd >= 0) {
        host_unwatch(u->fd);
        close(u->fd);
    }
    u->fd = -1;
}

void peer_datagram_to(struct peer_datagram *u, const char *address, uint16_t port)
{
    u->from_len = make_address(&u->from, address, port);
}

void peer_datagram_say(struct peer_datagram *u, struct iot_bytes bytes)
{
    ssize_t n = sendto(u->fd, bytes.ptr, bytes.len, 0, (struct sockaddr *)&u->from, u->from_len);
    assert_true(n == (ssize_t)bytes.len);
}
