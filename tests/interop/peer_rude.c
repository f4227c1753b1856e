/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_rude.h"

#include "test.h"

#include "host/host_loop.h"
#include "peer_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_BYTES  4096u
#define LEAVE_TURNS 2 /* libslirp makes a FIN of a RST right behind bytes */

static void watch(struct peer_rude *r);

static void drop(struct peer_rude *r, bool rudely)
{
    struct linger at_once = {1, 0};

    if (r->conn < 0)
        return;
    if (rudely)
        setsockopt(r->conn, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    host_unwatch(r->conn);
    close(r->conn);
    r->conn = -1;
    r->answering = false;
    r->leaving = r->in_len = 0;
}

static const struct peer_rude_answer *answer_of(const struct peer_rude *r)
{
    uint32_t n = r->requests - 1;
    return &r->answers[n < r->answer_count ? n : r->answer_count - 1];
}

/* ---- What it says ------------------------------------------------------------------------ */

static void say(struct peer_rude *r)
{
    static uint8_t room[TURN_BYTES];
    const struct peer_rude_answer *a = answer_of(r);
    uint32_t most = a->drips ? 1 : TURN_BYTES, n = 0;

    for (; n < most && (r->said + n < a->text.len || a->forever.len != 0); n++) {
        uint32_t at = r->said + n;
        room[n] = at < a->text.len ? a->text.ptr[at]
                                   : a->forever.ptr[(at - a->text.len) % a->forever.len];
    }
    if (n != 0) {
        ssize_t sent = send(r->conn, room, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            r->said += (uint32_t)sent;
            r->said_bytes += (uint64_t)sent;
        }
    } else if (a->end == RUDE_STAYS) {
        r->answering = false;
    } else {
        r->leaving++;
    }
}

/* ---- What it hears ----------------------------------------------------------------------- */

static void hear(struct peer_rude *r)
{
    if (r->in_len == sizeof r->in - 1)
        r->in_len = 0;
    ssize_t n = recv(r->conn, r->in + r->in_len, sizeof r->in - 1 - r->in_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(r, false);
        return;
    }
    r->in_len += (uint32_t)n;
    r->in[r->in_len] = '\0';
    if (r->answering || strstr(r->in, "\r\n\r\n") == NULL)
        return;
    r->requests++;
    if (r->asked != NULL)
        r->asked(r);
    r->in_len = 0; /* the text stays for who wants to look */
    r->said = 0;
    r->answering = true;
}

static void on_conn(void *ctx, int fd, short revents)
{
    struct peer_rude *r = ctx;
    (void)fd;

    if (r->leaving > LEAVE_TURNS) {
        drop(r, answer_of(r)->end == RUDE_RST);
        return;
    }
    if (revents & (POLLIN | POLLHUP | POLLERR))
        hear(r);
    if (r->conn >= 0 && r->answering)
        say(r);
    watch(r);
}

static void watch(struct peer_rude *r)
{
    if (r->conn >= 0)
        assert_true(
            host_watch(r->conn, (short)(POLLIN | (r->answering ? POLLOUT : 0)), on_conn, r));
}

static void on_listener(void *ctx, int fd, short revents)
{
    struct peer_rude *r = ctx;
    int yes = 1;
    (void)revents;

    int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (conn < 0)
        return;
    drop(r, true);
    r->conn = conn;
    setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    r->accepted++;
    watch(r);
}

/* ---- Life -------------------------------------------------------------------------------- */

void peer_rude_start(struct peer_rude *r)
{
    memset(r, 0, sizeof *r);
    r->conn = -1;
    r->listener = peer_socket_listen(0, 0, &r->port);
    assert_true(host_watch(r->listener, POLLIN, on_listener, r));
}

void peer_rude_stop(struct peer_rude *r)
{
    if (r->listener < 0)
        return;
    drop(r, true);
    host_unwatch(r->listener);
    close(r->listener);
    r->listener = -1;
}

void peer_rude_says(struct peer_rude *r, const struct peer_rude_answer *answers, uint32_t count)
{
    drop(r, true);
    r->answers = answers;
    r->answer_count = count;
    r->requests = r->accepted = 0;
    r->said_bytes = 0;
}
