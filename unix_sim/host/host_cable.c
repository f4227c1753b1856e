/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_cable.h"

#include "host/host_dns.h"
#include "host/host_slirp.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ETHER_MTU   1500u
#define WAITING_MAX 256u /* frames; more than the windows of all connections of a board */
#define TURN_FRAMES 64u  /* taken from the board in one turn */

struct frame {
    uint32_t len;
    uint8_t bytes[HOST_FRAME_MAX];
};

/* waiting: a ring, `first` is the oldest of `count`: what the board's socket had no room for. pollfd: ours of the
 * latest fill. */
static struct {
    int fd; /* 0: there is no cable */
    const struct pollfd *pollfd;
    host_cable_hook hook;
    void *hook_ctx;
    uint32_t first, count;
    struct frame waiting[WAITING_MAX];
} cable;

static enum host_dns_verdict on_question(void *ctx, const char *name, bool v6, uint8_t address[16])
{
    static const uint8_t here[4] = {10, 0, 2, 2};

    (void)ctx;
    (void)name;
    if (v6)
        return HOST_DNS_EMPTY;
    memcpy(address, here, sizeof here);
    return HOST_DNS_ADDRESS;
}

static bool passes(bool out, const uint8_t *frame, uint32_t len)
{
    return cable.hook == NULL || cable.hook(cable.hook_ctx, out, frame, len);
}

static bool send_frame(const uint8_t *bytes, uint32_t len)
{
    /* Any other error is a board that has gone: its frames are lost, as on Ethernet. */
    return send(cable.fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS && errno != EINTR);
}

static void on_deliver(const uint8_t *bytes, uint32_t len)
{
    if (!passes(false, bytes, len) || (cable.count == 0 && send_frame(bytes, len)) ||
        cable.count == WAITING_MAX)
        return;
    struct frame *f = &cable.waiting[(cable.first + cable.count++) % WAITING_MAX];
    f->len = len;
    memcpy(f->bytes, bytes, len);
}

static void send_waiting(void)
{
    while (cable.count > 0) {
        const struct frame *f = &cable.waiting[cable.first];
        if (!send_frame(f->bytes, f->len))
            return;
        cable.first = (cable.first + 1) % WAITING_MAX;
        cable.count--;
    }
}

static void take_frames(void)
{
    uint8_t frame[HOST_FRAME_MAX + 1], reply[HOST_FRAME_MAX];
    uint32_t reply_len;

    for (uint32_t i = 0; i < TURN_FRAMES; i++) {
        ssize_t n = recv(cable.fd, frame, sizeof frame, MSG_DONTWAIT);
        if (n <= 0)
            return;
        if (n > (ssize_t)HOST_FRAME_MAX || !passes(true, frame, (uint32_t)n))
            continue;
        if (!host_dns_frame(frame, (uint32_t)n, reply, sizeof reply, &reply_len))
            host_slirp_input(frame, (uint32_t)n);
        else if (reply_len > 0)
            on_deliver(reply, reply_len);
    }
}

bool host_cable_open(int *board_end)
{
    int ends[2];

    signal(SIGPIPE, SIG_IGN); /* libslirp writes to sockets whose peer may be gone */
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    if (!host_slirp_open(true, false, ETHER_MTU, on_deliver)) {
        close(ends[0]);
        close(ends[1]);
        errno = ENOMEM;
        return false;
    }
    host_dns_answer(on_question, NULL);
    host_cable_on_frame(NULL, NULL);
    cable.fd = ends[0];
    cable.first = cable.count = 0;
    *board_end = ends[1];
    return true;
}

void host_cable_close(void)
{
    if (cable.fd == 0)
        return;
    host_slirp_close();
    close(cable.fd);
    cable.fd = 0;
}

void host_cable_on_frame(host_cable_hook hook, void *ctx)
{
    cable.hook = hook;
    cable.hook_ctx = ctx;
}

uint32_t host_cable_fill(struct pollfd *fds, uint32_t cap, uint32_t *wait_ms)
{
    cable.pollfd = &fds[0];
    fds[0] = (struct pollfd){cable.fd, (short)(cable.count > 0 ? POLLIN | POLLOUT : POLLIN), 0};
    return 1 + host_slirp_fill(fds + 1, cap - 1, wait_ms);
}

void host_cable_polled(bool failed)
{
    if (!failed && (cable.pollfd->revents & POLLOUT) != 0)
        send_waiting();
    host_slirp_polled(failed);
    if (!failed && (cable.pollfd->revents & POLLIN) != 0)
        take_frames();
}
