/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include "mps2_an385/iot_mps2_netif.h"
#include "product.h"
#include "say.h"

#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "netif/ethernet.h"

static struct netif ethernet;

static void say_address(const ip4_addr_t *address)
{
    say("net: address ");
    for (uint32_t i = 0; i < 4; i++) {
        say(i > 0 ? "." : "");
        say_number(((const uint8_t *)&address->addr)[i]);
    }
    say("\n");
}

static void on_address(struct netif *netif)
{
    bool up =
        netif_is_up(netif) && netif_is_link_up(netif) && !ip4_addr_isany(netif_ip4_addr(netif));

    if (up)
        say_address(netif_ip4_addr(netif));
    product_network(up);
}

/* lwIP keeps the address over a link that was down for a while. */
static void on_link(struct netif *netif)
{
    say(netif_is_link_up(netif) ? "net: link up\n" : "net: link down\n");
    on_address(netif);
}

bool network_start(void)
{
    lwip_init();
    if (netif_add_noaddr(&ethernet, NULL, iot_mps2_netif_init, ethernet_input) == NULL) {
        say("net: the Ethernet controller does not answer\n");
        return false;
    }
    netif_set_default(&ethernet);
    netif_set_hostname(&ethernet, "lwlink");
    netif_set_status_callback(&ethernet, on_address);
    netif_set_link_callback(&ethernet, on_link);
    netif_set_up(&ethernet);
    if (dhcp_start(&ethernet) == ERR_OK)
        return true;
    say("net: lwIP has no memory for DHCP\n");
    return false;
}

uint32_t network_poll(uint32_t max)
{
    return iot_mps2_netif_poll(&ethernet, max);
}
