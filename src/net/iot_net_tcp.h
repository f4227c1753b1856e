/* SPDX-License-Identifier: Apache-2.0 */
/* iot_stream over lwIP's tcp_* callbacks. The callbacks only queue and mark; everything else is
 * done in `poll`, `read`, `write`, `flush`, that is, inside iot_poll. */
#ifndef IOT_NET_TCP_H
#define IOT_NET_TCP_H

#include "iot/iot_device.h"
#include "iot/iot_stream.h"
#include "net/iot_net_dns.h"

struct pbuf;
struct tcp_pcb;

/* Received bytes wait in the chain `rx`; what is read is cut off its front and reported to lwIP when all of it is read, or
 * much (`eaten`), so the peer's window follows our reader. Not piece by piece: lwIP tells the peer only of an MSS and more,
 * and what is less when a piece ends would be missing from the window until the next one. Sent bytes are only counted: `written` is
 * what lwIP accepted, `acked` what the peer's TCP confirmed, both since open and modulo 2^32. */
struct iot_tcp {
    struct iot_stream base;
    uint8_t phase, marks;
    bool unflushed; /* bytes written since the last tcp_output */
    bool shut;      /* closing: our FIN is out */
#if IOT_FEATURE_STATS
    uint8_t rx_pbufs_high;
#endif
    uint16_t eaten;
    const struct iot_endpoint *to;
    struct tcp_pcb *pcb; /* NULL as soon as lwIP has or frees it */
    struct pbuf *rx;
    uint32_t written, acked;
    iot_err reason; /* why the phase is OVER */
    int32_t lwip_err;
    iot_time deadline; /* of the phase */
    iot_time stalled;  /* moment at which unconfirmed or refused bytes become a stall */
    iot_time retry;    /* lwIP was out of memory with nothing in flight: offer again then */
#if IOT_FEATURE_DNS
    struct iot_dns dns;
#endif
};

void iot_tcp_init(struct iot_tcp *t);

#if IOT_FEATURE_STATS
/** Received pbufs that wait to be read. */
void iot_tcp_pool(const struct iot_tcp *t, struct iot_pool_use *out);
#endif

/** Asserts lwIP's context where lwIP was built to know it (LWIP_ASSERT_CORE_LOCKED). */
void iot_net_assert_context(void);

#endif
