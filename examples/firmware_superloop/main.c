/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole product without operating system: Ethernet, DHCP, DNS, TLS, the platform's signed login, a reading each second, a
 * lamp that is switched from afar, a watchdog, sleep. One loop; nothing in it waits.
 *
 *     main.c      the loop                       product.c    what the device does
 *     network.c   Ethernet and DHCP              factory.c    who this device is
 *     say.c       lines on the UART              number.c     decimal numbers
 *     firmware.c  a new firmware that works stays   update.c  where one comes from
 */
#include "firmware.h"
#include "mps2_an385/iot_mps2_clock.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_mps2_watchdog.h"
#include "mps2_an385/iot_port_mps2.h"
#include "network.h"
#include "product.h"
#include "say.h"

#include "lwip/timeouts.h"

#define WATCHDOG_MS 8000u
#define FRAMES_MAX  8u /* in one turn */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* But a new firmware that comes to this is given up. */
static void rest(void)
{
    for (;;) {
        iot_mps2_watchdog_feed();
        iot_mps2_sleep(least(firmware_tick(iot_mps2_ms()), WATCHDOG_MS / 2));
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
    firmware_start();
    if (!product_start() || !network_start())
        rest(); /* no other boot would help, but cost a write to the flash */
    while (!product_over()) {
        uint32_t frames = network_poll(FRAMES_MAX);
        sys_check_timeouts();
        uint32_t reading_ms = product_tick(iot_mps2_ms());
        uint32_t sleep_ms = iot_poll(&product, iot_mps2_ms());
        sleep_ms = least(sleep_ms, firmware_tick(iot_mps2_ms()));
        sleep_ms = least(sleep_ms, least(reading_ms, sys_timeouts_sleeptime()));
        iot_mps2_watchdog_feed();
        if (frames < FRAMES_MAX)
            iot_mps2_sleep(least(sleep_ms, WATCHDOG_MS / 2));
    }
    say("restart\n");
    iot_mps2_restart();
}
