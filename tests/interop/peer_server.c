/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_server.h"

#include "test.h"

#include "host/host_loop.h"
#include "peer_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVERS_MAX  4
#define RCVBUF_BYTES 4096 /* so that a deaf server is full soon */
#define LARGE_BYTES  16384u

static struct peer_server *servers[SERVERS_MAX];

static void watch_conn(struct peer_server *s);

/* ---- Sockets ----------------------------------------------------------------------------- */

static void close_conn(struct peer_server *s, bool rudely)
{
    struct linger at_once = {1, 0};

    if (s->conn < 0)
        return;
    if (rudely)
        setsockopt(s->conn, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    host_unwatch(s->conn);
    close(s->conn);
    s->conn = -1;
    s->out_len = s->out_at = 0;
    s->leaving = 0;
}

void peer_server_drop(struct peer_server *s, bool rudely)
{
    close_conn(s, rudely);
}

static bool leave_at(struct peer_server *s, enum peer_step step)
{
    if (s->leaves != step)
        return false;
    s->leaving = 2;
    watch_conn(s);
    return true;
}

static void flush(struct peer_server *s)
{
    while (s->conn >= 0 && s->out_at < s->out_len) {
        size_t n = s->drip ? 1 : s->out_len - s->out_at;
        ssize_t sent = send(s->conn, s->out + s->out_at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0)
            break;
        s->out_at += (uint32_t)sent;
        if (s->drip)
            break;
    }
    if (s->out_at == s->out_len)
        s->out_at = s->out_len = 0;
    watch_conn(s);
}

void peer_server_send(struct peer_server *s, struct iot_bytes bytes)
{
    assert_true(bytes.len <= sizeof s->out - s->out_len);
    memcpy(s->out + s->out_len, bytes.ptr, bytes.len);
    s->out_len += bytes.len;
    flush(s);
}

void peer_server_send_hex(struct peer_server *s, const char *hex)
{
    uint8_t bytes[2048];
    uint32_t n = from_hex(hex, bytes, sizeof bytes);

    peer_server_send(s, (struct iot_bytes){bytes, n});
}

void peer_server_publish(struct peer_server *s, const char *topic, struct iot_bytes payload,
                         uint8_t qos, uint16_t id, uint8_t flags)
{
    uint8_t head[128];
    uint32_t n = 0, topic_len = (uint32_t)strlen(topic);
    uint32_t length = 2 + topic_len + (qos != 0 ? 2 : 0) + payload.len;

    assert_true(topic_len < 100);
    head[n++] = (uint8_t)(PEER_PUBLISH | (uint32_t)qos << 1 | flags);
    do {
        head[n++] = (uint8_t)((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
        length >>= 7;
    } while (length != 0);
    head[n++] = 0;
    head[n++] = (uint8_t)topic_len;
    memcpy(head + n, topic, topic_len);
    n += topic_len;
    if (qos != 0) {
        head[n++] = (uint8_t)(id >> 8);
        head[n++] = (uint8_t)id;
    }
    peer_server_send(s, (struct iot_bytes){head, n});
    if (payload.len != 0)
        peer_server_send(s, payload);
}

/* ---- What comes -------------------------------------------------------------------------- */

static void answer(struct peer_server *s, uint8_t first, uint16_t id)
{
    uint8_t bytes[5] = {first, 2, (uint8_t)(id >> 8), (uint8_t)id, s->granted};

    bytes[1] = first == 0xd0 ? 0 : first == 0x90 ? 3 : 2;
    peer_server_send(s, (struct iot_bytes){bytes, bytes[1] + 2u});
}

static void greet(struct peer_server *s)
{
    if (leave_at(s, PEER_AT_CONNECT) || (s->answers & PEER_BIT(PEER_CONNECT)) == 0)
        return;
    uint32_t n = s->leaves == PEER_IN_CONNACK ? 2 : 4;
    peer_server_send(s, (struct iot_bytes){s->connack, n});
    if (!leave_at(s, PEER_IN_CONNACK))
        leave_at(s, PEER_AFTER_CONNACK);
}

static void on_publish(struct peer_server *s, uint8_t first, uint16_t id)
{
    uint32_t qos = first >> 1 & 3u;

    if (qos != 0)
        answer(s, qos == 1 ? PEER_PUBACK : PEER_PUBREC, id);
}

static void on_packet(struct peer_server *s, uint8_t first, uint16_t id)
{
    uint8_t type = first & 0xf0u;
    bool answers = (s->answers & PEER_BIT(first)) != 0;

    s->got[first >> 4]++;
    if (type == PEER_CONNECT)
        greet(s);
    else if (type == PEER_PUBLISH && !leave_at(s, PEER_AT_PUBLISH) && answers)
        on_publish(s, first, id);
    else if (type == PEER_SUBSCRIBE && !leave_at(s, PEER_AT_SUBSCRIBE) && answers)
        answer(s, 0x90, id);
    else if (type == PEER_PUBREL && !leave_at(s, PEER_AT_PUBREL) && answers)
        answer(s, PEER_PUBCOMP, id);
    else if (type == PEER_PUBREC && answers)
        answer(s, PEER_PUBREL | 2, id);
    else if (type == PEER_UNSUBSCRIBE && answers)
        answer(s, 0xb0, id);
    else if (type == PEER_PINGREQ && answers)
        answer(s, 0xd0, 0);
}

static uint16_t id_of(const uint8_t *p, uint32_t head)
{
    uint8_t type = p[0] & 0xf0u;

    if (type == PEER_CONNECT || type >= PEER_PINGREQ || (type == PEER_PUBLISH && !(p[0] & 6)))
        return 0;
    if (type == PEER_PUBLISH)
        head += 2 + ((uint32_t)p[head] << 8 | p[head + 1]);
    return (uint16_t)(p[head] << 8 | p[head + 1]);
}

/* One whole packet at `parsed`; the device is trusted to frame correctly, it has its own tests. */
static bool parse_one(struct peer_server *s)
{
    const uint8_t *p = s->in + s->parsed;
    uint32_t have = s->in_len - s->parsed, length = 0, head = 1;

    do {
        if (head >= have)
            return false;
        length |= (uint32_t)(p[head] & 0x7f) << 7 * (head - 1);
    } while ((p[head++] & 0x80) != 0);
    if ((p[0] & 0xf0) == PEER_PUBLISH && have > 4 && leave_at(s, PEER_IN_OUR_PUBLISH))
        return false;
    /* Of a large one the start is enough, as topics are short. */
    if (have < head + length && have < LARGE_BYTES)
        return false;
    uint16_t id = id_of(p, head);
    if (s->packet_count < PEER_PACKETS_MAX)
        s->packets[s->packet_count++] = (struct peer_packet){p[0], id, head + length};
    s->skip = have < head + length ? head + length - have : 0;
    s->parsed = s->skip != 0 ? s->in_len : s->parsed + head + length;
    on_packet(s, p[0], id);
    return true;
}

/* Room for more: whole packets go. */
static void make_room(struct peer_server *s)
{
    if (s->in_len < sizeof s->in / 2)
        return;
    memmove(s->in, s->in + s->parsed, s->in_len - s->parsed);
    s->in_len -= s->parsed;
    s->parsed = 0;
}

static void on_readable(struct peer_server *s)
{
    make_room(s);
    ssize_t n = recv(s->conn, s->in + s->in_len, sizeof s->in - s->in_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        s->ended = true;
        s->by_reset = n < 0;
        close_conn(s, false);
        return;
    }
    s->in_total += (uint64_t)n;
    uint32_t gone = s->skip < (uint32_t)n ? s->skip : (uint32_t)n;
    s->skip -= gone;
    memmove(s->in + s->in_len, s->in + s->in_len + gone, (size_t)n - gone);
    s->in_len += (uint32_t)n - gone;
    while (s->conn >= 0 && s->leaving == 0 && s->parsed < s->in_len && parse_one(s))
        ;
}

static void on_conn(void *ctx, int fd, short revents)
{
    struct peer_server *s = ctx;
    (void)fd;

    if (s->leaving != 0) {
        if (--s->leaving == 0)
            close_conn(s, s->rudely);
        return;
    }
    if (revents & POLLOUT)
        flush(s);
    if (s->conn >= 0 && (revents & (POLLIN | POLLHUP | POLLERR)) &&
        (!s->deaf || (revents & (POLLHUP | POLLERR))))
        on_readable(s);
    if (s->conn >= 0)
        watch_conn(s);
}

static void watch_conn(struct peer_server *s)
{
    if (s->conn >= 0)
        assert_true(host_watch(
            s->conn,
            (short)((s->deaf ? 0 : POLLIN) | (s->out_at < s->out_len || s->leaving ? POLLOUT : 0)),
            on_conn, s));
}

static void on_listener(void *ctx, int fd, short revents)
{
    struct peer_server *s = ctx;
    int yes = 1;
    (void)revents;

    int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (conn < 0)
        return;
    close_conn(s, false); /* the device has a new one: the old one is over */
    s->conn = conn;
    setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    s->accepted++;
    s->in_len = s->parsed = s->skip = s->packet_count = 0;
    s->ended = s->by_reset = false;
    watch_conn(s);
    if (s->leaves == PEER_AT_ACCEPT)
        close_conn(s, s->rudely);
}

/* ---- Life -------------------------------------------------------------------------------- */

static void listen_on(struct peer_server *s, uint16_t port)
{
    s->listener = peer_socket_listen(port, RCVBUF_BYTES, &s->port);
    assert_true(host_watch(s->listener, POLLIN, on_listener, s));
}

void peer_server_behave(struct peer_server *s)
{
    static const uint8_t welcome[4] = {0x20, 2, 0, 0};

    s->answers = PEER_ALL;
    s->deaf = s->drip = s->rudely = false;
    s->leaves = PEER_STAYS;
    s->granted = 1;
    memcpy(s->connack, welcome, sizeof welcome);
    if (s->conn >= 0)
        watch_conn(s);
}

void peer_server_start(struct peer_server *s)
{
    memset(s, 0, sizeof *s);
    s->listener = s->conn = -1;
    peer_server_behave(s);
    listen_on(s, 0);
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        if (servers[i] == NULL) {
            servers[i] = s;
            return;
        }
    }
    fail_msg("too many servers");
}

void peer_server_resume(struct peer_server *s)
{
    assert_int_equal(s->listener, -1);
    listen_on(s, s->port);
}

void peer_server_stop(struct peer_server *s)
{
    close_conn(s, true); /* no TIME-WAIT: the port is taken again at once */
    if (s->listener >= 0) {
        host_unwatch(s->listener);
        close(s->listener);
        s->listener = -1;
    }
}

void peer_server_stop_all(void)
{
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        if (servers[i] != NULL)
            peer_server_stop(servers[i]);
        servers[i] = NULL;
    }
}

/* ---- The record -------------------------------------------------------------------------- */

uint32_t peer_server_count(const struct peer_server *s, uint8_t first)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->packet_count; i++)
        n += (s->packets[i].first & 0xf0) == (first & 0xf0);
    return n;
}

const struct peer_packet *peer_server_last(const struct peer_server *s, uint8_t first)
{
    for (uint32_t i = s->packet_count; i-- > 0;)
        if ((s->packets[i].first & 0xf0) == (first & 0xf0))
            return &s->packets[i];
    return NULL;
}
