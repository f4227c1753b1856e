/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_boot.h"

#include "unix/iot_boot_unix.h"
#include "unix/iot_port_unix.h"

#define ASKS_MAX 1000000u

static struct iot_nor_boot boot;
static uint8_t started = IOT_NOR_BOOT_NONE;

static iot_err open_boot(void)
{
    iot_err err = IOT_ERR_AGAIN;

    for (uint32_t i = 0; i < ASKS_MAX && err == IOT_ERR_AGAIN; i++)
        err = iot_boot_unix_open(&boot);
    return err;
}

iot_err probe_boot_open(struct iot_nor_boot **opened)
{
    *opened = &boot;
    return open_boot();
}

static iot_err start(struct iot_nor_boot_choice *choice)
{
    iot_err err = IOT_ERR_AGAIN;

    for (uint32_t i = 0; i < ASKS_MAX && err == IOT_ERR_AGAIN; i++)
        err = iot_nor_boot_start(&boot, choice);
    return err;
}

static iot_err confirm(uint8_t slot)
{
    iot_err err = IOT_ERR_AGAIN;

    for (uint32_t i = 0; i < ASKS_MAX && err == IOT_ERR_AGAIN; i++)
        err = iot_nor_boot_confirm(&boot, slot);
    return err;
}

/* One word of what may be any bytes. */
static const char *word_of(const char *version)
{
    static char word[IOT_NOR_VERSION_MAX + 1];
    uint32_t n = 0;

    for (; version[n] != '\0'; n++)
        word[n] = version[n];
    word[n] = '\0';
    for (uint32_t i = 0; i < n; i++)
        if (word[i] <= ' ' || word[i] > '~')
            word[i] = '?';
    return n != 0 ? word : "-";
}

enum probe_step probe_boot(char **words, uint32_t count, uint32_t waited_ms)
{
    struct iot_nor_boot_choice choice = {IOT_NOR_BOOT_NONE, false};

    (void)words;
    (void)waited_ms;
    if (count != 1)
        return probe_usage("boot takes no words");
    iot_err err = open_boot();
    if (err == IOT_OK)
        err = start(&choice);
    if (err != IOT_OK) {
        probe_event("boot none %s", iot_err_name(err));
        return PROBE_FAILED;
    }
    started = choice.slot;
    probe_event("boot %s %s %s", iot_port_unix_areas[choice.slot].name,
                word_of(boot.slot[choice.slot].image.version), choice.trial ? "trial" : "ok");
    return PROBE_DONE;
}

enum probe_step probe_confirm(char **words, uint32_t count, uint32_t waited_ms)
{
    (void)words;
    (void)waited_ms;
    if (count != 1)
        return probe_usage("confirm takes no words");
    iot_err err = open_boot();
    if (err == IOT_OK)
        err = confirm(started != IOT_NOR_BOOT_NONE ? started : iot_nor_boot_running(&boot));
    if (err == IOT_OK)
        return PROBE_DONE;
    probe_event("err %s confirm: %s", iot_err_name(err), iot_err_text(err));
    return PROBE_FAILED;
}
