/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_readings.h"

#include "test.h"

#include "host/host_child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CID_LEN 6u
#define SEALED  25u /* content type of a record with a connection ID (RFC 9146, 4) */
#define HEADER  13u

#define WRONG(r, ...)                                                                              \
    do {                                                                                           \
        if ((r)->wrong[0] == 0)                                                                    \
            snprintf((r)->wrong, sizeof(r)->wrong, __VA_ARGS__);                                   \
    } while (0)

/* ---- The ledger -------------------------------------------------------------------------------- */

static void note(struct peer_readings *r, uint32_t number, int value)
{
    if (number == 0 || number > r->count + 1 || number > PEER_READINGS_MAX)
        WRONG(r, "reading %u came after %u", number, r->count);
    else if (number <= r->count && r->value[number] != value)
        WRONG(r, "reading %u was %d, and now is %d", number, r->value[number], value);
    else if (number <= r->count)
        r->again++;
    else
        r->value[r->count = number] = (int16_t)value;
}

/* {"n":7,"t":[215,-3]} */
static void take_readings(struct peer_readings *r, struct iot_bytes body)
{
    char text[512];
    unsigned number;
    int used = 0;

    snprintf(text, sizeof text, "%.*s", (int)body.len, (const char *)body.ptr);
    if (sscanf(text, "{\"n\":%u,\"t\":[%n", &number, &used) != 1 || used == 0) {
        WRONG(r, "no readings: %.100s", text);
        return;
    }
    const char *at = text + used;
    for (bool more = true; more; number++) {
        char *end;
        long value = strtol(at, &end, 10);
        more = *end == ',';
        if (end == at || (!more && strcmp(end, "]}") != 0)) {
            WRONG(r, "no readings: %.100s", text);
            return;
        }
        note(r, number, (int)value);
        at = end + 1;
    }
}

/* Each record of an association has a number that no other has: else its key's stream is used twice. */
static void note_records(struct peer_readings *r, struct iot_bytes datagram)
{
    uint32_t at = 0;

    while (at + HEADER + CID_LEN <= datagram.len && datagram.ptr[at] == SEALED) {
        const uint8_t *record = datagram.ptr + at;
        const uint8_t *name = record + 3; /* epoch, number, connection ID */
        uint32_t bytes = 8 + CID_LEN;
        for (uint32_t i = 0; i < r->sealed; i++)
            r->twice += memcmp(r->record[i], name, bytes) == 0;
        if (r->sealed == PEER_READINGS_RECORDS) {
            WRONG(r, "too many records for the ledger");
            return;
        }
        memcpy(r->record[r->sealed++], name, bytes);
        at += HEADER + CID_LEN + ((uint32_t)name[bytes] << 8 | name[bytes + 1]);
    }
}

static void note_source(struct peer_readings *r, uint32_t from)
{
    uint32_t max = COUNT(r->from);

    for (uint32_t i = 0; i < r->sources && i < max; i++)
        if (r->from[i] == from)
            return;
    r->from[r->sources++ % max] = from;
}

/* ---- CoAP -------------------------------------------------------------------------------------- */

/* What is not a confirmable POST with a body is wrong, whatever else it is. */
static void answer(struct peer_readings *r, uint32_t from, const uint8_t *in, uint32_t n)
{
    uint32_t token = n > 0 ? in[0] & 15u : 0;
    const uint8_t *body = n > 4 + token ? memchr(in + 4 + token, 0xff, n - 4 - token) : NULL;
    uint8_t out[12];

    if (body == NULL || in[0] >> 4 != 4 || in[1] != 2 || token > 8) {
        WRONG(r, "no request: %u bytes", n);
        return;
    }
    r->posts++;
    if (r->mood == READINGS_MUTE)
        return;
    body++;
    if (r->mood == READINGS_TAKES)
        take_readings(r, (struct iot_bytes){body, n - (uint32_t)(body - in)});
    out[0] = (uint8_t)(0x60 | token); /* an acknowledgement with the response: 2.04, 5.03 */
    out[1] = r->mood == READINGS_TAKES ? 0x44 : 0xa3;
    memcpy(out + 2, in + 2, 2 + token);
    if (!dtls_server_write(r->dtls, from, (struct iot_bytes){out, 4 + token}))
        WRONG(r, "an answer could not be sent");
}

/* ---- The port ---------------------------------------------------------------------------------- */

/* The address of a peer on loopback is its port. */
static bool take_datagram(struct peer_readings *r)
{
    uint8_t bytes[DTLS_SERVER_DATAGRAM_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t n =
        recvfrom(r->fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)(void *)&from, &len);

    if (n < 0)
        return false;
    const struct iot_bytes datagram = {bytes, (uint32_t)n};
    note_source(r, ntohs(from.sin_port));
    note_records(r, datagram);
    dtls_server_feed(r->dtls, ntohs(from.sin_port), datagram, host_clock_ms());
    return true;
}

static void send_all(struct peer_readings *r)
{
    uint8_t bytes[DTLS_SERVER_DATAGRAM_MAX];
    uint32_t to, n;

    while ((n = dtls_server_out(r->dtls, &to, bytes, sizeof bytes)) > 0) {
        const struct sockaddr_in address = {.sin_family = AF_INET,
                                            .sin_port = htons((uint16_t)to),
                                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        (void)sendto(r->fd, bytes, n, MSG_DONTWAIT, (const struct sockaddr *)(const void *)&address,
                     sizeof address);
    }
}

void peer_readings_turn(struct peer_readings *r, uint32_t wait_ms)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    uint8_t bytes[DTLS_SERVER_DATAGRAM_MAX];
    uint32_t from, n;

    (void)poll(&p, 1, (int)wait_ms);
    while (take_datagram(r)) {
        while (dtls_server_read(r->dtls, &from, bytes, sizeof bytes, &n))
            answer(r, from, bytes, n);
        send_all(r);
    }
    (void)dtls_server_tick(r->dtls, host_clock_ms());
    send_all(r);
}

void peer_readings_restart(struct peer_readings *r)
{
    dtls_server_forget(r->dtls);
}

bool peer_readings_start(struct peer_readings *r, bool cid)
{
    static const int ccm_8[] = {0xc0a8, 0}; /* TLS_PSK_WITH_AES_128_CCM_8 */
    const struct dtls_server_options o = {.cookie = true,
                                          .suites = ccm_8,
                                          .psk = BYTES(PEER_READINGS_KEY),
                                          .identity = BYTES(PEER_READINGS_NAME),
                                          .cid = cid,
                                          .cid_len = CID_LEN,
                                          .seed = 1};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;

    memset(r, 0, sizeof *r);
    r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (r->fd < 0 || bind(r->fd, (struct sockaddr *)(void *)&here, len) != 0 ||
        getsockname(r->fd, (struct sockaddr *)(void *)&here, &len) != 0)
        return false;
    r->port = ntohs(here.sin_port);
    r->dtls = dtls_server_create(&o);
    return r->dtls != NULL;
}

void peer_readings_stop(struct peer_readings *r)
{
    dtls_server_destroy(r->dtls);
    close(r->fd);
}

void peer_readings_check(const struct peer_readings *r, uint32_t count)
{
    assert_string_equal(r->wrong, "");
    assert_int_equal(r->count, count);
    assert_int_equal(r->twice, 0);
}
