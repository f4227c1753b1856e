/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_socket.h"

#include "test.h"

#include "peer_device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_at(uint16_t port, int flags, struct sockaddr_storage *address, socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (strchr(peer_loopback, ':') != NULL) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        v6->sin6_addr = in6addr_loopback;
        *len = sizeof *v6;
    } else {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *len = sizeof *v4;
    }
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    assert_true(fd >= 0);
    return fd;
}

int peer_socket_listen(uint16_t port, int rcvbuf_bytes, uint16_t *got)
{
    struct sockaddr_storage address;
    socklen_t len;
    int yes = 1;

    int fd = open_at(port, SOCK_NONBLOCK, &address, &len);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (rcvbuf_bytes != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf_bytes, sizeof rcvbuf_bytes);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *got = ntohs(((struct sockaddr_in *)&address)->sin_port); /* at the same place in both */
    return fd;
}

int peer_socket_connect(uint16_t port)
{
    struct sockaddr_storage address;
    socklen_t len;

    int fd = open_at(port, 0, &address, &len);
    if (connect(fd, (struct sockaddr *)&address, len) == 0) /* loopback: at once, or refused */
        return fd;
    close(fd);
    return -1;
}
