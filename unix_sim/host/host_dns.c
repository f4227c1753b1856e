/* SPDX-License-Identifier: Apache-2.0 */
/* Works on whole frames: a question is copied, turned round and completed into its answer. */
#include "host/host_dns.h"

#include "host/host_question.h"

#include <string.h>

enum {
    ETHER = 14, /* header bytes */
    IP6 = 40,   /* the same, for what lwIP sends: no extension headers */
    UDP = 8,
    DNS = 12,
    PORT = 53,
    TTL_S = 1, /* short, so that a test may change its mind */
};

static struct {
    host_dns_hook hook;
    void *ctx;
} server;

/* Where the parts of a question are, from the start of the frame. */
struct question {
    bool ip6;
    uint32_t ip, udp, dns;
    struct host_question asked;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void swap(uint8_t *a, uint8_t *b, uint32_t n)
{
    while (n-- > 0) {
        uint8_t t = *a;
        *a++ = *b;
        *b++ = t;
    }
}

static uint32_t sum16(const uint8_t *p, uint32_t n, uint32_t sum)
{
    for (; n > 1; n -= 2, p += 2)
        sum += get16(p);
    if (n == 1)
        sum += (uint32_t)p[0] << 8;
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static bool find_udp(const uint8_t *f, uint32_t len, struct question *q)
{
    static const uint8_t server4[4] = {10, 0, 2, 3};
    static const uint8_t server6[16] = {0xfe, 0xc0, [15] = 3};

    if (len < ETHER + 20 + UDP + DNS)
        return false;
    q->ip = ETHER;
    if (get16(f + 12) == 0x0800) {
        q->ip6 = false;
        q->udp = ETHER + (f[ETHER] & 15u) * 4u;
        if (f[ETHER] >> 4 != 4 || f[ETHER + 9] != 17 || memcmp(f + ETHER + 16, server4, 4) != 0)
            return false;
    } else if (get16(f + 12) == 0x86dd && len >= ETHER + IP6) {
        q->ip6 = true;
        q->udp = ETHER + IP6;
        if (f[ETHER + 6] != 17 || memcmp(f + ETHER + 24, server6, 16) != 0)
            return false;
    } else {
        return false;
    }
    q->dns = q->udp + UDP;
    return q->dns + DNS <= len && get16(f + q->udp + 2) == PORT;
}

static uint32_t write_answer(uint8_t *r, const struct question *q, enum host_dns_verdict verdict,
                             const uint8_t address[16])
{
    enum host_dns_code code = verdict == HOST_DNS_UNKNOWN   ? HOST_DNS_CODE_NXDOMAIN
                              : verdict == HOST_DNS_FAILURE ? HOST_DNS_CODE_SERVFAIL
                                                            : HOST_DNS_CODE_OK;
    const uint8_t *found = verdict == HOST_DNS_ADDRESS ? address : NULL;

    return q->dns + host_question_answer(r + q->dns, &q->asked, code, found, TTL_S);
}

/* Addresses and ports turned round; lengths and checksums for what ends at `end`. */
static void turn_round(uint8_t *r, const struct question *q, uint32_t end)
{
    uint32_t udp_len = end - q->udp;

    swap(r, r + 6, 6);
    swap(r + q->udp, r + q->udp + 2, 2);
    put16(r + q->udp + 4, udp_len);
    put16(r + q->udp + 6, 0);
    if (q->ip6) {
        swap(r + q->ip + 8, r + q->ip + 24, 16);
        put16(r + q->ip + 4, udp_len);
        uint32_t sum = sum16(r + q->ip + 8, 32, 17 + udp_len);
        uint16_t check = fold(sum16(r + q->udp, udp_len, sum));
        put16(r + q->udp + 6, check == 0 ? 0xffff : check);
    } else { /* 0 says that there is no UDP checksum, which IPv4 allows */
        swap(r + q->ip + 12, r + q->ip + 16, 4);
        put16(r + q->ip + 2, end - q->ip);
        put16(r + q->ip + 10, 0);
        put16(r + q->ip + 10, fold(sum16(r + q->ip, q->udp - q->ip, 0)));
    }
}

void host_dns_answer(host_dns_hook hook, void *ctx)
{
    server.hook = hook;
    server.ctx = ctx;
}

bool host_dns_frame(const uint8_t *frame, uint32_t len, uint8_t *reply, uint32_t reply_cap,
                    uint32_t *reply_len)
{
    struct question q;
    uint8_t address[16] = {0};

    *reply_len = 0;
    if (server.hook == NULL || !find_udp(frame, len, &q) ||
        !host_question_read(frame + q.dns, len - q.dns, &q.asked))
        return false;
    enum host_dns_verdict verdict =
        server.hook(server.ctx, q.asked.name, q.asked.type == HOST_DNS_TYPE_AAAA, address);
    if (verdict == HOST_DNS_PASS)
        return false;
    uint32_t end = q.dns + q.asked.end;
    if (verdict == HOST_DNS_SILENCE || end + HOST_ANSWER_BYTES_MAX > reply_cap)
        return true;
    memcpy(reply, frame, end);
    *reply_len = write_answer(reply, &q, verdict, address);
    turn_round(reply, &q, *reply_len);
    return true;
}
