/* SPDX-License-Identifier: Apache-2.0 */
#include "net/iot_net_tcp.h"

#if IOT_FEATURE_STATS

#include "lwip/opt.h"
#include "lwip/pbuf.h"

void iot_tcp_pool(const struct iot_tcp *t, struct iot_pool_use *out)
{
    out->name = "rx-pbufs";
    out->used = t->rx == NULL ? 0 : pbuf_clen(t->rx);
    out->high = t->rx_pbufs_high;
    out->max = PBUF_POOL_SIZE; /* lwIP's, for everybody; IOT_RX_PBUFS_MAX is our share */
}

#endif
