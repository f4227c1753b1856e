/* SPDX-License-Identifier: Apache-2.0 */
/* iot_net_dns.h where hosts are addresses. */
#include "net/iot_net_dns.h"

#include "core/iot_core_assert.h"

#if !IOT_FEATURE_DNS

#include <string.h>

#include "lwip/ip_addr.h"

IOT_STATIC_ASSERT(sizeof(ip_addr_t) <= sizeof(struct iot_net_addr), "an address fits");

iot_err iot_net_address(const char *host, struct iot_net_addr *out)
{
    ip_addr_t addr;
    if (!ipaddr_aton(host, &addr))
        return IOT_ERR_DNS_UNKNOWN;
    memcpy(out, &addr, sizeof addr);
    return IOT_OK;
}

#endif
