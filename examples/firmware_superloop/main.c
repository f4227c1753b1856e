/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole product without operating system: Ethernet, DHCP, DNS, TLS, the platform's signed login, a reading each second, a
 * lamp that is switched from afar, a watchdog, sleep. One loop; nothing in it waits.
 *
 *     main.c      the board and the loop         product.c    what the device does
 *     factory.c   who this device is             say.c        lines on the UART, number.c for them
 */
#include "mps2_an385/iot_mps2_clock.h"
#include "mps2_an385/iot_mps2_netif.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_mps2_watchdog.h"
#include "mps2_an385/iot_port_mps2.h"
#include "product.h"
#include "say.h"

#include "lwip/dhcp.h"
#include "lwip/init.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#define WATCHDOG_MS 8000u
#define FRAMES_MAX  8u

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

static bool start_network(void)
{
    lwip_init();
    if (netif_add_noaddr(&ethernet, NULL, iot_mps2_netif_init, ethernet_input) == NULL)
        return false;
    netif_set_default(&ethernet);
    netif_set_hostname(&ethernet, "lwlink");
    netif_set_status_callback(&ethernet, on_address);
    netif_set_link_callback(&ethernet, on_link);
    netif_set_up(&ethernet);
    return dhcp_start(&ethernet) == ERR_OK;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void rest(void)
{
    for (;;) {
        iot_mps2_watchdog_feed();
        iot_mps2_sleep(WATCHDOG_MS / 2);
    }
}

int main(void)
{
    iot_err err = iot_port_mps2_mount();

    if (err != IOT_OK) {
        say("store: ");
        say(iot_err_name(err));
        say("\n");
    }
    iot_mps2_watchdog_start(WATCHDOG_MS);
    if (!product_start() || !start_network())
        rest(); /* no other boot would help, but cost a write to the flash */
    while (!product_over()) {
        uint32_t frames = iot_mps2_netif_poll(&ethernet, FRAMES_MAX);
        sys_check_timeouts();
        uint32_t reading_ms = product_tick(iot_mps2_ms());
        uint32_t sleep_ms = iot_poll(&product, iot_mps2_ms());
        sleep_ms = least(sleep_ms, least(reading_ms, sys_timeouts_sleeptime()));
        iot_mps2_watchdog_feed();
        if (frames < FRAMES_MAX)
            iot_mps2_sleep(least(sleep_ms, WATCHDOG_MS / 2));
    }
    say("restart\n");
    iot_mps2_restart();
}
