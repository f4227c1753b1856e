/* SPDX-License-Identifier: Apache-2.0 */
/* Has no lwIP under it: takes IP packets off the wire and puts its own on it, so that its memory is
 * nobody's. */
#include "world/world_dns.h"

#include "host/host_question.h"
#include "world/world_trace.h"
#include "world/world_udp.h"
#include "world/world_wire.h"

#include <string.h>

#include "lwip/dns.h"

#define NAMES_MAX 16u

enum { IP = 20, UDP = 8, PORT = 53, PROTOCOL_UDP = 17, WRONG_TTL_S = 1 };

static struct {
    const char *names[NAMES_MAX];
    uint32_t name_count;
    enum world_dns_mode mode;
    uint32_t slow_ms, ttl_s, questions;
} server;

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value);
}

static bool is_question(const uint8_t *packet, uint32_t len)
{
    if (len < IP + UDP || packet[0] != 0x45 || packet[9] != PROTOCOL_UDP ||
        memcmp(packet + 16, (const uint8_t[4]){10, 2, 0, 53}, 4) != 0)
        return false;
    uint32_t udp_len = get16(packet + IP + 4);
    return get16(packet + IP + 2) == PORT && udp_len >= UDP && IP + udp_len <= len &&
           world_udp_sum(packet) == 0;
}

static bool knows(const char *name)
{
    for (uint32_t i = 0; i < server.name_count; i++)
        if (strcmp(server.names[i], name) == 0)
            return true;
    return false;
}

static uint32_t complete(uint8_t *message, const struct host_question *q)
{
    enum world_dns_mode mode = server.mode;
    bool is_known = knows(q->name) && q->type == HOST_DNS_TYPE_A;
    uint8_t address[4];

    if (mode == WORLD_DNS_FAILURE)
        return host_question_answer(message, q, HOST_DNS_CODE_SERVFAIL, NULL, 0);
    if (mode == WORLD_DNS_UNKNOWN || (mode != WORLD_DNS_WRONG && !is_known))
        return host_question_answer(message, q, HOST_DNS_CODE_NXDOMAIN, NULL, 0);
    put32(address, mode == WORLD_DNS_WRONG ? WORLD_NOBODY_IP : WORLD_CLOUD_IP);
    return host_question_answer(message, q, HOST_DNS_CODE_OK, address,
                                mode == WORLD_DNS_WRONG ? WRONG_TTL_S : server.ttl_s);
}

static void on_packet(const uint8_t *packet, uint32_t len)
{
    static uint8_t reply[IP + UDP + 1500];
    struct host_question q;

    if (!is_question(packet, len) ||
        !host_question_read(packet + IP + UDP, get16(packet + IP + 4) - UDP, &q))
        return;
    server.questions++;
    world_trace("dns: %s?", q.name);
    if (server.mode == WORLD_DNS_SILENT)
        return;
    memset(reply, 0, IP);
    memcpy(reply + IP + UDP, packet + IP + UDP, q.end);
    uint32_t udp_len = UDP + complete(reply + IP + UDP, &q);
    reply[0] = 0x45;
    put16(reply + 2, IP + udp_len);
    reply[8] = 64;
    reply[9] = PROTOCOL_UDP;
    put32(reply + 12, WORLD_NAMESERVER_IP);
    memcpy(reply + 16, packet + 12, 4);
    put16(reply + IP, PORT);
    memcpy(reply + IP + 2, packet + IP, 2);
    put16(reply + IP + 4, udp_len);
    put16(reply + IP + 6, 0);
    uint16_t sum = world_udp_sum(reply);
    if (sum == 0)
        sum = 0xffff; /* 0 says that there is none */
    memcpy(reply + IP + 6, &sum, sizeof sum);
    world_wire_inject(reply, IP + udp_len, server.mode == WORLD_DNS_SLOW ? server.slow_ms : 0);
}

void world_dns_start(void)
{
    ip_addr_t ip;

    memset(&server, 0, sizeof server);
    server.ttl_s = 60;
    IP_ADDR4(&ip, 10, 2, 0, 53);
    dns_setserver(0, &ip);
    world_wire_host(WORLD_NAMESERVER_IP, on_packet);
}

void world_dns_name(const char *name)
{
    if (server.name_count == NAMES_MAX)
        world_violation("more than %u names", NAMES_MAX);
    else
        server.names[server.name_count++] = name;
}

void world_dns_mode(enum world_dns_mode mode, uint32_t slow_ms)
{
    server.mode = mode;
    server.slow_ms = slow_ms;
}

void world_dns_ttl(uint32_t seconds)
{
    server.ttl_s = seconds;
}

uint32_t world_dns_questions(void)
{
    return server.questions;
}
