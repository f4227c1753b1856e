/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

#include "factory.h"
#include "iot/iot.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_port_mps2.h"
#include "number.h"
#include "say.h"

#include <string.h>

/* Longer than a bad day of the network. Each of the candidate's tries has so long. */
#define CONFIRM_MS 300000u
#define AGAIN_MS   50u

extern const char _product_version[]; /* the address is the number */

/* slot: that a bootloader started; NONE: this program was started by itself. */
static struct iot_nor_boot boot;
static uint8_t slot = IOT_NOR_BOOT_NONE;
static bool trial, proved;
static uint32_t confirm_ms;

const char *firmware_version(void)
{
    static char text[12];
    uint32_t version = (uint32_t)(uintptr_t)_product_version, n = 0;

    for (uint32_t shift = 24; shift > 0; n++) {
        shift -= 8;
        n += number_text((version >> shift) & 0xffu, text + n);
        text[n] = shift != 0 ? '.' : '\0';
    }
    return text;
}

struct iot_nor_boot *firmware_boot(void)
{
    return slot != IOT_NOR_BOOT_NONE ? &boot : NULL;
}

bool firmware_on_trial(void)
{
    return trial;
}

void firmware_start(void)
{
    uint32_t word = iot_mps2_boot_word();
    iot_err err;

    while ((err = iot_port_mps2_boot(&boot, NULL)) == IOT_ERR_AGAIN)
        ;
    if (err == IOT_OK && word != 0 && word <= IOT_NOR_BOOT_SLOTS)
        slot = (uint8_t)(word - 1);
    trial = slot != IOT_NOR_BOOT_NONE && slot != boot.record.active;
    confirm_ms = factory_number(&iot_port_mps2, "confirm-ms", CONFIRM_MS, 86400000);
    say("firmware: ");
    say(firmware_version());
    if (slot != IOT_NOR_BOOT_NONE)
        say(slot == 0 ? " in slot A" : " in slot B");
    say(trial ? ", on trial\n" : "\n");
}

void firmware_proved(void)
{
    proved = true;
}

static void confirm(void)
{
    iot_err err = iot_nor_boot_confirm(&boot, slot);

    if (err == IOT_ERR_AGAIN)
        return;
    trial = err != IOT_OK;
    proved = false; /* if it could not be written: at the next connection */
    say("firmware: ");
    say(err == IOT_OK ? "stays" : iot_err_name(err));
    say("\n");
}

uint32_t firmware_tick(uint32_t now_ms)
{
    if (trial && proved)
        confirm();
    if (!trial)
        return IOT_MS_NEVER;
    if (proved)
        return AGAIN_MS;
    if (now_ms >= confirm_ms) { /* since the reset: it cannot have wrapped */
        say("firmware: not connected in time, restart\n");
        iot_mps2_restart();
    }
    return confirm_ms - now_ms;
}
