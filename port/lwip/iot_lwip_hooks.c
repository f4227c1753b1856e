/* SPDX-License-Identifier: Apache-2.0 */
/* First TCP sequence numbers after RFC 6528. The keyed hash is SipHash-2-4: made for short inputs,
 * and needs no table. One call per connection. */
#include "iot_lwip_hooks.h"

#include "lwip/sys.h"

#include <stdbool.h>
#include <string.h>

#define TICKS_PER_MS 250u /* RFC 6528 section 3: one step each 4 microseconds */

struct sip {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v[3] ^= word;
    sip_round(s->v);
    sip_round(s->v);
    s->v[0] ^= word;
}

static void sip_begin(struct sip *s, const uint64_t key[2])
{
    s->v[0] = key[0] ^ 0x736f6d6570736575u;
    s->v[1] = key[1] ^ 0x646f72616e646f6du;
    s->v[2] = key[0] ^ 0x6c7967656e657261u;
    s->v[3] = key[1] ^ 0x7465646279746573u;
}

static uint64_t sip_end(struct sip *s, uint64_t bytes)
{
    sip_word(s, bytes << 56);
    s->v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(s->v);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

/* Byte order does not matter here: the number never leaves this device as a hash. */
static void sip_address(struct sip *s, const ip_addr_t *ip)
{
    uint64_t words[2] = {0, 0};
#if LWIP_IPV6
    if (IP_IS_V6(ip)) {
        memcpy(words, ip_2_ip6(ip)->addr, 16);
        sip_word(s, words[0]);
        sip_word(s, words[1]);
        return;
    }
#endif
#if LWIP_IPV4
    words[0] = ip4_addr_get_u32(ip_2_ip4(ip));
#endif
    sip_word(s, words[0]);
    sip_word(s, words[1]);
}

u32_t iot_lwip_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                       u16_t remote_port)
{
    static uint64_t key[2];
    static bool keyed;

    if (!keyed) {
        for (int i = 0; i < 2; i++) {
            key[i] = (uint64_t)iot_lwip_rand() << 32;
            key[i] |= iot_lwip_rand();
        }
        keyed = true;
    }
    struct sip s;
    sip_begin(&s, key);
    sip_address(&s, local_ip);
    sip_address(&s, remote_ip);
    sip_word(&s, ((uint64_t)local_port << 16) | remote_port);
    return (u32_t)sip_end(&s, 40) + sys_now() * TICKS_PER_MS;
}
