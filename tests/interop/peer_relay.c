/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_relay.h"

#include "test.h"

#include "host/host_loop.h"
#include "peer_clock.h"
#include "peer_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELAYS_MAX     4u
#define HEADER_BYTES   5u
#define MESSAGE_HEADER 4u

enum { EXT_SESSION_TICKET = 35, EXT_PRE_SHARED_KEY = 41, EXT_SUPPORTED_VERSIONS = 43 };

static struct peer_relay *relays[RELAYS_MAX];

static void watch(struct peer_relay *r);

/* ---- Sockets ----------------------------------------------------------------------------- */

static void end_socket(int *fd, bool rudely)
{
    struct linger at_once = {1, 0};

    if (*fd < 0)
        return;
    if (rudely)
        setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    host_unwatch(*fd);
    close(*fd);
    *fd = -1;
}

static void end_both(struct peer_relay *r, bool rudely)
{
    end_socket(&r->near, rudely);
    end_socket(&r->far, rudely);
    r->leaving = 0;
}

/* ---- Records ----------------------------------------------------------------------------- */

/* One more byte passes. */
static void note_byte(struct peer_way *w, uint8_t byte)
{
    w->total++;
    if (w->header_have < HEADER_BYTES) {
        w->header[w->header_have++] = byte;
        if (w->header_have < HEADER_BYTES)
            return;
        w->left = (uint32_t)w->header[3] << 8 | w->header[4];
    } else {
        w->left--;
    }
    if (w->left != 0)
        return;
    if (w->records < PEER_RECORDS_MAX) {
        w->types[w->records] = w->header[0];
        w->sizes[w->records] = HEADER_BYTES + ((uint32_t)w->header[3] << 8 | w->header[4]);
    }
    w->records++;
    w->header_have = 0;
}

static bool at_cut(const struct peer_relay *r)
{
    return r->down.total >= r->cut_bytes || r->down.records >= r->cut_records;
}

/* How many of the waiting bytes may go now by the clock. */
static uint32_t allowed(struct peer_relay *r)
{
    uint32_t waited = peer_clock_ms() - r->since_ms;

    if (r->drip_ms != 0) {
        if (waited < r->drip_ms)
            return 0;
        r->since_ms += r->drip_ms;
        return 1;
    }
    return waited < r->delay_ms ? 0 : r->down.len;
}

/* The next byte? A message's length is left alone: the device would wait for the rest, and rightly. */
static bool spoils(const struct peer_relay *r)
{
    const struct peer_way *w = &r->down;
    uint32_t size = (uint32_t)w->header[3] << 8 | w->header[4];

    return w->records == r->spoil_record && w->header_have == HEADER_BYTES &&
           w->left == (size > MESSAGE_HEADER ? 1 : size);
}

static void take_front(struct peer_way *w, uint32_t n)
{
    memmove(w->bytes, w->bytes + n, w->len - n);
    w->len -= n;
}

/* To the device, as far as manners allow. */
static void pass_down(struct peer_relay *r)
{
    struct peer_way *w = &r->down;
    bool speaks = r->near >= 0 && r->leaving == 0 && !r->has_left;
    uint32_t most = speaks ? allowed(r) : 0, n = 0;

    while (n < most && n < w->len && w->total < r->mute_bytes && !at_cut(r)) {
        uint8_t byte = w->bytes[n];
        if (spoils(r))
            byte ^= 0x10;
        ssize_t sent = send(r->near, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE);
        if (sent != 1)
            break;
        note_byte(w, byte);
        n++;
    }
    if (n != 0) {
        int yes = 1; /* out with what MSG_MORE held back */
        setsockopt(r->near, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    take_front(w, n);
    if (speaks && at_cut(r))
        r->leaving = 2;
    else if (speaks && w->ended && w->len == 0)
        shutdown(r->near, SHUT_WR);
}

static void pass_up(struct peer_relay *r)
{
    struct peer_way *w = &r->up;
    ssize_t sent = r->far >= 0 && w->len != 0
                       ? send(r->far, w->bytes, w->len, MSG_NOSIGNAL | MSG_DONTWAIT)
                       : 0;

    for (ssize_t i = 0; i < sent; i++) {
        if (r->hello_len < PEER_HELLO_MAX)
            r->hello[r->hello_len++] = w->bytes[i];
        note_byte(w, w->bytes[i]);
    }
    if (sent > 0)
        take_front(w, (uint32_t)sent);
    if (r->far < 0)
        w->len = 0; /* nobody is left to hear it */
    if (w->ended && w->len == 0 && r->far >= 0)
        shutdown(r->far, SHUT_WR);
}

/* False: it said its last. */
static bool take_in(int fd, struct peer_way *w, bool *by_reset)
{
    if (w->len == sizeof w->bytes)
        return true;
    ssize_t n = recv(fd, w->bytes + w->len, sizeof w->bytes - w->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        w->ended = true;
        if (n < 0 && by_reset != NULL)
            *by_reset = true;
        return false;
    }
    w->len += (uint32_t)n;
    return true;
}

/* ---- Turning ----------------------------------------------------------------------------- */

static void leave(struct peer_relay *r)
{
    if (r->rudely) {
        end_both(r, true);
        return;
    }
    /* An orderly end is one even if the device's bytes are not read yet: half of it first. */
    shutdown(r->near, SHUT_WR);
    end_socket(&r->far, false);
    r->leaving = 0;
    r->has_left = true;
}

static void on_near(void *ctx, int fd, short revents)
{
    struct peer_relay *r = ctx;

    if (r->leaving != 0) {
        if (--r->leaving == 0)
            leave(r);
        if (r->near >= 0)
            watch(r);
        return;
    }
    if ((revents & (POLLIN | POLLHUP | POLLERR)) && !r->up.ended && !r->deaf)
        take_in(fd, &r->up, &r->by_reset);
    pass_up(r);
    pass_down(r);
    if (r->up.ended && (r->far < 0 || r->down.ended || r->by_reset || (revents & POLLERR)))
        end_both(r, false);
    else
        watch(r);
}

static void on_far(void *ctx, int fd, short revents)
{
    struct peer_relay *r = ctx;

    if (revents & (POLLIN | POLLHUP | POLLERR)) {
        if (r->down.len == 0)
            r->since_ms = peer_clock_ms();
        if (!r->down.ended)
            take_in(fd, &r->down, NULL);
    }
    pass_up(r);
    pass_down(r);
    if (r->down.ended && (r->up.ended || r->near < 0))
        end_both(r, false);
    else
        watch(r);
}

/* POLLOUT on a free socket makes the loop turn at once: that is how a drip and a departure go on. */
static void watch(struct peer_relay *r)
{
    bool works =
        r->leaving != 0 || (r->down.len != 0 && r->down.total < r->mute_bytes && !r->has_left);

    if (r->near >= 0)
        assert_true(host_watch(
            r->near,
            (short)((r->up.ended || r->deaf || r->up.len == sizeof r->up.bytes ? 0 : POLLIN) |
                    (works ? POLLOUT : 0)),
            on_near, r));
    if (r->far >= 0)
        assert_true(
            host_watch(r->far,
                       (short)((r->down.ended || r->down.len == sizeof r->down.bytes ? 0 : POLLIN) |
                               (r->up.len != 0 ? POLLOUT : 0)),
                       on_far, r));
}

static void on_listener(void *ctx, int fd, short revents)
{
    struct peer_relay *r = ctx;
    int yes = 1;
    (void)revents;

    int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (conn < 0)
        return;
    end_both(r, false);
    memset(&r->down, 0, sizeof r->down);
    memset(&r->up, 0, sizeof r->up);
    r->hello_len = 0;
    r->by_reset = r->has_left = false;
    r->accepted++;
    r->near = conn;
    r->since_ms = peer_clock_ms();
    r->far = peer_socket_connect(r->to);
    if (r->far < 0)
        end_both(r, true);
    if (r->near >= 0)
        setsockopt(r->near, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (r->far >= 0)
        setsockopt(r->far, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    pass_down(r);
    watch(r);
}

/* ---- Life -------------------------------------------------------------------------------- */

void peer_relay_behave(struct peer_relay *r)
{
    r->cut_bytes = r->cut_records = r->spoil_record = r->mute_bytes = PEER_NEVER;
    r->drip_ms = r->delay_ms = 0;
    r->rudely = r->deaf = false;
}

void peer_relay_start(struct peer_relay *r, uint16_t to)
{
    memset(r, 0, sizeof *r);
    r->near = r->far = -1;
    r->to = to;
    peer_relay_behave(r);
    r->listener = peer_socket_listen(0, 0, &r->port);
    assert_true(host_watch(r->listener, POLLIN, on_listener, r));
    for (uint32_t i = 0; i < RELAYS_MAX; i++) {
        if (relays[i] == NULL) {
            relays[i] = r;
            return;
        }
    }
    fail_msg("too many relays");
}

void peer_relay_stop_all(void)
{
    for (uint32_t i = 0; i < RELAYS_MAX; i++) {
        if (relays[i] == NULL)
            continue;
        end_both(relays[i], true);
        end_socket(&relays[i]->listener, false);
        relays[i] = NULL;
    }
}

void peer_relay_insert(struct peer_relay *r, struct iot_bytes bytes)
{
    assert_true(r->down.header_have == 0 || bytes.len == 0);
    assert_true(bytes.len <= sizeof r->down.bytes - r->down.len);
    memcpy(r->down.bytes + r->down.len, bytes.ptr, bytes.len);
    r->down.len += bytes.len;
    pass_down(r);
    watch(r);
}

void peer_relay_insert_record(struct peer_relay *r, uint8_t type, uint32_t len)
{
    static uint8_t bytes[HEADER_BYTES + 0xffff];

    assert_true(len <= 0xffff);
    memset(bytes, 0, sizeof bytes);
    bytes[0] = type;
    bytes[1] = bytes[2] = 3;
    bytes[3] = (uint8_t)(len >> 8);
    bytes[4] = (uint8_t)len;
    peer_relay_insert(r, (struct iot_bytes){bytes, HEADER_BYTES + len});
}

bool peer_relay_ends_in_alert(const struct peer_way *w)
{
    uint32_t last = w->records - 1;

    assert_in_range(w->records, 1, PEER_RECORDS_MAX);
    if (IOT_FEATURE_TLS_13 &&
        w->types[last] == PEER_RECORD_DATA) /* it and its type, the tag; mbedTLS pads */
        return w->sizes[last] == HEADER_BYTES + 3 + 16 || w->sizes[last] == HEADER_BYTES + 16 + 16;
    return w->types[last] == PEER_RECORD_ALERT;
}

/* ---- ClientHello (RFC 5246, 7.4.1.2) ----------------------------------------------------- */

/* Part `which` of it: 0 session id, 1 cipher suites, 2 extensions. */
static struct iot_bytes hello_part(const struct peer_relay *r, uint32_t which)
{
    /* record header, message header, version, random */
    uint32_t at = HEADER_BYTES + 4 + 2 + 32, n = 0;

    for (uint32_t part = 0, field = 0; part <= which; field++) {
        uint32_t width = field == 0 || field == 2 ? 1 : 2; /* 2: compression methods */
        if (at + width > r->hello_len)
            return (struct iot_bytes){NULL, 0};
        n = width == 1 ? r->hello[at] : (uint32_t)r->hello[at] << 8 | r->hello[at + 1];
        at += width;
        if (at + n > r->hello_len)
            return (struct iot_bytes){NULL, 0};
        if (field != 2 && part++ == which)
            break;
        at += n;
    }
    return (struct iot_bytes){r->hello + at, n};
}

struct iot_bytes peer_relay_extension(const struct peer_relay *r, uint16_t number)
{
    struct iot_bytes all = hello_part(r, 2);

    for (uint32_t at = 0; at + 4 <= all.len;) {
        uint32_t n = (uint32_t)all.ptr[at + 2] << 8 | all.ptr[at + 3];
        if ((all.ptr[at] << 8 | all.ptr[at + 1]) == number && at + 4 + n <= all.len)
            return (struct iot_bytes){all.ptr + at + 4, n};
        at += 4 + n;
    }
    return (struct iot_bytes){NULL, 0};
}

struct iot_bytes peer_relay_session_id(const struct peer_relay *r)
{
    return hello_part(r, 0);
}

bool peer_relay_offers_session(const struct peer_relay *r)
{
    /* a hello that offers 1.3 has a session id in any case (RFC 8446, appendix D.4) */
    bool with_13 = peer_relay_extension(r, EXT_SUPPORTED_VERSIONS).ptr != NULL;

    return peer_relay_extension(r, EXT_SESSION_TICKET).len != 0 ||
           peer_relay_extension(r, EXT_PRE_SHARED_KEY).len != 0 ||
           (!with_13 && peer_relay_session_id(r).len != 0);
}

bool peer_relay_offers(const struct peer_relay *r, uint16_t suite)
{
    struct iot_bytes all = hello_part(r, 1);

    for (uint32_t at = 0; at + 2 <= all.len; at += 2)
        if ((all.ptr[at] << 8 | all.ptr[at + 1]) == suite)
            return true;
    return false;
}
