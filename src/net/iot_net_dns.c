/* SPDX-License-Identifier: Apache-2.0 */
#include "net/iot_net_dns.h"

#include "core/iot_core_assert.h"

#include <string.h>

#include "lwip/dns.h"
#include "lwip/ip_addr.h"
#include "lwip/opt.h"

IOT_STATIC_ASSERT(sizeof(ip_addr_t) <= IOT_NET_ADDR_WORDS * sizeof(uint32_t),
                  "an ip_addr_t fits iot_dns.addr");

enum dns_state { DNS_FREE, DNS_ASKED, DNS_ORPHANED, DNS_DONE };

#if LWIP_DNS
static void on_found(const char *name, const ip_addr_t *addr, void *arg)
{
    struct iot_dns *d = arg;
    (void)name;

    if (d->state == DNS_ORPHANED) {
        d->state = DNS_FREE;
    } else {
        d->state = DNS_DONE;
        d->found = addr != NULL;
        if (d->found)
            memcpy(d->addr, addr, sizeof *addr);
    }
    iot_stream_wake(d->owner);
}
#endif

iot_err iot_dns_ask(struct iot_dns *d, struct iot_stream *owner, const char *host, int32_t *detail)
{
    ip_addr_t addr;
    if (d->state != DNS_FREE)
        return IOT_ERR_STATE;
    d->owner = owner;

#if LWIP_DNS
    /* ASKED before the call: lwIP may call back from inside it. */
    d->state = DNS_ASKED;
    err_t err = dns_gethostbyname(host, &addr, on_found, d);
    if (err == ERR_INPROGRESS)
        return IOT_ERR_AGAIN;
    d->state = DNS_FREE;
#else
    err_t err = ipaddr_aton(host, &addr) ? ERR_OK : ERR_ARG;
#endif
    *detail = err;
    switch (err) {
    case ERR_OK:
        memcpy(d->addr, &addr, sizeof addr);
        return IOT_OK;
    case ERR_VAL:
        return IOT_ERR_DNS_SERVER;
    case ERR_MEM:
        return IOT_ERR_DNS_BUSY;
    default: /* ERR_ARG: empty, too long, or not a name */
        return IOT_ERR_DNS_UNKNOWN;
    }
}

iot_err iot_dns_take(struct iot_dns *d)
{
    if (d->state != DNS_DONE)
        return IOT_ERR_AGAIN;
    d->state = DNS_FREE;
    return d->found ? IOT_OK : IOT_ERR_DNS_UNKNOWN;
}

void iot_dns_drop(struct iot_dns *d)
{
    if (d->state == DNS_ASKED)
        d->state = DNS_ORPHANED;
    else if (d->state == DNS_DONE)
        d->state = DNS_FREE;
}

bool iot_dns_idle(const struct iot_dns *d)
{
    return d->state == DNS_FREE;
}
