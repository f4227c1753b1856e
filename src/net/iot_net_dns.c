/* SPDX-License-Identifier: Apache-2.0 */
#include "net/iot_net_dns.h"

#include "core/iot_core_assert.h"

#include <string.h>

#if IOT_FEATURE_DNS

#include "lwip/dns.h"
#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/opt.h"

IOT_STATIC_ASSERT(sizeof(ip_addr_t) <= sizeof(struct iot_net_addr), "an address fits");

enum dns_state { DNS_FREE, DNS_ASKED, DNS_ORPHANED, DNS_DONE };

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
            memcpy(&d->addr, addr, sizeof *addr);
    }
    if (*d->wake != NULL)
        **d->wake = true;
}

#if LWIP_IPV4 && LWIP_IPV6
/* Which kind of address to ask for first: one that the interface can reach. */
static u8_t order_for(const struct iot_endpoint *to)
{
    const struct netif *netif = to->netif != NULL ? to->netif : netif_default;
    bool no_v4 = netif != NULL && ip4_addr_isany(netif_ip4_addr(netif));
    return no_v4 ? LWIP_DNS_ADDRTYPE_IPV6_IPV4 : LWIP_DNS_ADDRTYPE_IPV4_IPV6;
}
#else
static u8_t order_for(const struct iot_endpoint *to)
{
    (void)to;
    return LWIP_DNS_ADDRTYPE_DEFAULT;
}
#endif

iot_err iot_dns_ask(struct iot_dns *d, bool *const *wake, const struct iot_endpoint *to,
                    struct iot_net_addr *out, int32_t *detail)
{
    ip_addr_t addr;
    if (d->state != DNS_FREE)
        return IOT_ERR_STATE;
    d->wake = wake;

    /* ASKED before the call: lwIP may call back from inside it. */
    d->state = DNS_ASKED;
    err_t err = dns_gethostbyname_addrtype(to->host, &addr, on_found, d, order_for(to));
    if (err == ERR_INPROGRESS)
        return IOT_ERR_AGAIN;
    d->state = DNS_FREE;
    *detail = err;
    switch (err) {
    case ERR_OK:
        memcpy(out, &addr, sizeof addr);
        return IOT_OK;
    case ERR_VAL:
        return IOT_ERR_DNS_SERVER;
    case ERR_MEM:
        return IOT_ERR_DNS_BUSY;
    default: /* ERR_ARG: empty, too long, or not a name */
        return IOT_ERR_DNS_UNKNOWN;
    }
}

iot_err iot_dns_take(struct iot_dns *d, iot_time deadline, iot_time now, struct iot_net_addr *out)
{
    if (d->state != DNS_DONE)
        return now >= deadline ? IOT_ERR_DNS_TIMEOUT : IOT_ERR_AGAIN;
    d->state = DNS_FREE;
    *out = d->addr;
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

#endif
