/* SPDX-License-Identifier: Apache-2.0 */
/* Works on whole frames: a question is copied, turned round and completed into its answer. */
#include "host/host_dns.h"

#include <string.h>

enum {
    ETHER = 14, /* header bytes */
    IP6 = 40,   /* the same, for what lwIP sends: no extension headers */
    UDP = 8,
    DNS = 12,
    PORT = 53,
    TYPE_A = 1,
    TYPE_AAAA = 28,
    CLASS_IN = 1,
    TTL_S = 1, /* short, so that a test may change its mind */
    NAME_MAX_ = 255,
};

static struct {
    host_dns_hook hook;
    void *ctx;
} server;

/* Where the parts of a question are, from the start of the frame. */
struct question {
    bool ip6;
    uint32_t ip, udp, dns, end; /* end: behind type and class */
    char name[NAME_MAX_ + 1];
    uint16_t type, class;
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

/* The one question of a query, its name in lower case with dots. */
static bool read_question(const uint8_t *f, uint32_t len, struct question *q)
{
    uint32_t at = q->dns + DNS, n = 0;

    if ((f[q->dns + 2] & 0x80) != 0 || get16(f + q->dns + 4) != 1)
        return false;
    while (at < len && f[at] != 0) {
        uint32_t label = f[at++];
        if (label > 63 || at + label > len || n + label + 1 > NAME_MAX_)
            return false;
        if (n > 0)
            q->name[n++] = '.';
        for (; label > 0; label--, at++)
            q->name[n++] = (char)(f[at] >= 'A' && f[at] <= 'Z' ? f[at] + 32 : f[at]);
    }
    if (at + 5 > len)
        return false;
    q->name[n] = 0;
    q->type = get16(f + at + 1);
    q->class = get16(f + at + 3);
    q->end = at + 5;
    return q->class == CLASS_IN && (q->type == TYPE_A || q->type == TYPE_AAAA);
}

static uint32_t write_answer(uint8_t *r, const struct question *q, enum host_dns_verdict verdict,
                             const uint8_t address[16])
{
    uint32_t end = q->end;

    r[q->dns + 2] = 0x81; /* a response, recursion desired */
    r[q->dns + 3] = (uint8_t)(0x80 | (verdict == HOST_DNS_UNKNOWN   ? 3
                                      : verdict == HOST_DNS_FAILURE ? 2
                                                                    : 0));
    memset(r + q->dns + 6, 0, 6);
    if (verdict == HOST_DNS_ADDRESS) {
        uint32_t size = q->type == TYPE_A ? 4 : 16;
        put16(r + q->dns + 6, 1);
        put16(r + end, 0xc000 + DNS); /* the name: as in the question */
        put16(r + end + 2, q->type);
        put16(r + end + 4, CLASS_IN);
        put16(r + end + 6, 0);
        put16(r + end + 8, TTL_S);
        put16(r + end + 10, size);
        memcpy(r + end + 12, address, size);
        end += 12 + size;
    }
    return end;
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
    if (server.hook == NULL || !find_udp(frame, len, &q) || !read_question(frame, len, &q))
        return false;
    enum host_dns_verdict verdict = server.hook(server.ctx, q.name, q.type == TYPE_AAAA, address);
    if (verdict == HOST_DNS_PASS)
        return false;
    if (verdict == HOST_DNS_SILENCE || q.end + 28 > reply_cap)
        return true;
    memcpy(reply, frame, q.end);
    *reply_len = write_answer(reply, &q, verdict, address);
    turn_round(reply, &q, *reply_len);
    return true;
}
