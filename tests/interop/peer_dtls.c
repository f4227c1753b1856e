/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_dtls.h"

#include "test.h"

#include "host/host_loop.h"
#include "peer_clock.h"
#include "peer_device.h"
#include "peer_udp.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SERVERS_MAX 4u
#define STEP_MS                                                                                    \
    5 /* how often its time is looked at while a flight waits: skipped time is not the kernel's */

enum { TYPE_CON, TYPE_NON, TYPE_ACK, TYPE_RST };

static struct peer_dtls *servers[SERVERS_MAX];

/* ---- CoAP (RFC 7252, 3) ------------------------------------------------------------------ */

/* The payload behind the options, which are passed over. */
static struct iot_bytes payload_of(struct iot_bytes m, uint32_t at)
{
    while (at < m.len && m.ptr[at] != 0xff) {
        uint32_t nibbles[2] = {m.ptr[at] >> 4, m.ptr[at] & 15u}, extra = 0, len = nibbles[1];
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t width = nibbles[i] == 13 ? 1 : nibbles[i] == 14 ? 2 : 0;
            if (at + extra + width >= m.len)
                return (struct iot_bytes){NULL, 0};
            const uint8_t *more = m.ptr + at + 1 + extra;
            if (i == 1 && width != 0)
                len = width == 1 ? 13u + more[0] : 269u + ((uint32_t)more[0] << 8 | more[1]);
            extra += width;
        }
        at += 1 + extra + len;
    }
    if (at >= m.len)
        return (struct iot_bytes){NULL, 0};
    return (struct iot_bytes){m.ptr + at + 1, m.len - at - 1};
}

static void answer(struct peer_dtls *p, const uint8_t *head, uint32_t token_len, uint8_t type,
                   uint8_t code, struct iot_bytes body)
{
    uint32_t n = 4 + token_len;

    assert_true(n + 1 + body.len <= sizeof p->answer);
    memcpy(p->answer, head, n);
    p->answer[0] = (uint8_t)(0x40u | (uint32_t)type << 4 | token_len);
    p->answer[1] = code;
    if (body.len != 0) {
        p->answer[n++] = 0xff;
        memcpy(p->answer + n, body.ptr, body.len);
        n += body.len;
    }
    p->answer_len = n;
}

static void on_message(struct peer_dtls *p, uint32_t from, struct iot_bytes m)
{
    p->at = from;
    if (m.len < 4 || m.ptr[0] >> 6 != 1 || (m.ptr[0] & 15) > 8)
        return;
    uint32_t token_len = m.ptr[0] & 15u;
    uint8_t type = m.ptr[0] >> 4 & 3, code = m.ptr[1];
    uint16_t id = (uint16_t)(m.ptr[2] << 8 | m.ptr[3]);
    if (type > TYPE_NON || code >= 32 || 4 + token_len > m.len)
        return;
    bool again = code != 0 && p->requests != 0 && id == p->last_id;
    if (code == 0)
        answer(p, m.ptr, 0, TYPE_RST, 0, (struct iot_bytes){NULL, 0});
    else if (!again) {
        struct iot_bytes said = payload_of(m, 4 + token_len), body = {NULL, 0};
        uint8_t with = 0x85; /* 4.05 */
        p->requests++;
        p->last_id = id;
        p->code = code;
        p->said_len = said.len < sizeof p->said ? said.len : (uint32_t)sizeof p->said;
        if (said.len != 0)
            memcpy(p->said, said.ptr, p->said_len);
        if (code == 1) {
            with = 0x45;
            body = text_bytes(p->body);
        } else if (code == 2 || code == 3) {
            with = 0x44;
            body = (struct iot_bytes){p->said, p->said_len};
        } else if (code == 4) {
            with = 0x42;
        }
        answer(p, m.ptr, token_len, type == TYPE_CON ? TYPE_ACK : TYPE_NON, with, body);
    }
    p->repeated += again;
    if (!p->silent)
        (void)dtls_server_write(p->server, from, (struct iot_bytes){p->answer, p->answer_len});
}

/* ---- The socket -------------------------------------------------------------------------- */

static iot_time now(void)
{
    static uint32_t before;
    static iot_time high;
    uint32_t ms = peer_clock_ms(); /* it wraps */

    if (ms < before)
        high += (iot_time)1 << 32;
    before = ms;
    return high + ms;
}

/* Whose number it is; the oldest numbers are given again. */
static uint32_t number_of(struct peer_dtls *p, const struct sockaddr_storage *from)
{
    uint32_t last = p->addresses;

    for (uint32_t i = last; i > 0 && i + PEER_DTLS_ADDRESSES_MAX > last; i--)
        if (memcmp(&p->known[i % PEER_DTLS_ADDRESSES_MAX], from, sizeof *from) == 0)
            return i;
    p->known[++p->addresses % PEER_DTLS_ADDRESSES_MAX] = *from;
    return p->addresses;
}

/* What it has to say, and when it wants to be looked at again. */
static void go_on(struct peer_dtls *p)
{
    uint8_t bytes[DTLS_SERVER_DATAGRAM_MAX];
    struct itimerspec again = {{0, 0}, {0, 0}};
    struct sockaddr_storage any;
    socklen_t len = peer_udp_address(0, &any);
    uint32_t from, to, n;

    while (dtls_server_read(p->server, &from, bytes, sizeof bytes, &n))
        on_message(p, from, (struct iot_bytes){bytes, n});
    if (dtls_server_tick(p->server, now()) != DTLS_SERVER_NEVER)
        again.it_value.tv_nsec = STEP_MS * 1000000;
    assert_int_equal(timerfd_settime(p->alarm, 0, &again, NULL), 0);
    while ((n = dtls_server_out(p->server, &to, bytes, sizeof bytes)) != 0)
        (void)sendto(p->fd, bytes, n, MSG_NOSIGNAL,
                     (struct sockaddr *)&p->known[to % PEER_DTLS_ADDRESSES_MAX], len);
}

static void on_socket(void *ctx, int fd, short revents)
{
    struct peer_dtls *p = ctx;
    uint8_t bytes[DTLS_SERVER_DATAGRAM_MAX];
    (void)revents;

    for (;;) {
        struct sockaddr_storage from;
        memset(&from, 0, sizeof from); /* it is compared whole */
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len);
        if (n < 0)
            break;
        dtls_server_feed(p->server, number_of(p, &from), (struct iot_bytes){bytes, (uint32_t)n},
                         now());
    }
    go_on(p);
}

static void on_alarm(void *ctx, int fd, short revents)
{
    struct peer_dtls *p = ctx;
    uint64_t times;
    (void)revents;

    (void)!read(fd, &times, sizeof times);
    go_on(p);
}

/* ---- Life -------------------------------------------------------------------------------- */

void peer_dtls_start(struct peer_dtls *p, const struct dtls_server_options *o)
{
    memset(p, 0, sizeof *p);
    p->body = "from afar";
    p->server = dtls_server_create(o);
    assert_non_null(p->server);
    p->fd = peer_udp_socket(0, &p->port);
    p->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    assert_true(p->fd >= 0 && p->alarm >= 0);
    assert_true(host_watch(p->fd, POLLIN, on_socket, p));
    assert_true(host_watch(p->alarm, POLLIN, on_alarm, p));
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        if (servers[i] == NULL) {
            servers[i] = p;
            return;
        }
    }
    fail_msg("too many servers");
}

void peer_dtls_stop(struct peer_dtls *p)
{
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        if (servers[i] != p)
            continue;
        servers[i] = NULL;
        host_unwatch(p->fd);
        host_unwatch(p->alarm);
        close(p->fd);
        close(p->alarm);
        dtls_server_destroy(p->server);
        p->server = NULL;
    }
}

void peer_dtls_stop_all(void)
{
    for (uint32_t i = 0; i < SERVERS_MAX; i++)
        if (servers[i] != NULL)
            peer_dtls_stop(servers[i]);
}

void peer_dtls_send(struct peer_dtls *p, struct iot_bytes message)
{
    assert_true(dtls_server_write(p->server, p->at, message));
    go_on(p);
}

void peer_dtls_close(struct peer_dtls *p)
{
    dtls_server_close(p->server, p->at);
    go_on(p);
}

void peer_dtls_forget(struct peer_dtls *p)
{
    dtls_server_forget(p->server);
}

void peer_dtls_openssl(struct peer_tls *s, enum peer_cert_id cert, const char *words)
{
    char all[2048];

    assert_true(snprintf(all, sizeof all, "-dtls1_2 %s", words != NULL ? words : "") <
                (int)sizeof all);
    if (cert == CERT_COUNT)
        peer_tls_start_bare(s, all);
    else
        peer_tls_start(s, cert, all);
    s->greets = false;
}
