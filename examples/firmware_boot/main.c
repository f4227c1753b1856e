/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bootloader: starts one of the two images in the flash, as port/nor/iot_nor_boot.h says, with the watchdog running. It
 * knows no network; what it says on the UART is all that it can do for somebody who looks.
 *
 * The image is copied to where it is linked for, whichever slot it lies in: so the platform offers one file for both. A
 * processor that executes from its flash in place wants two links of each image instead, one per slot, or a
 * bootloader that swaps slots.
 *
 *     fw-key   in the store: who signs images, a point of P-256 (iot_crypto_ecdsa.h). With it unsigned ones are refused. Here
 *              the factory writes it, so that one bootloader serves all tests; in a product it is a constant of the
 *              bootloader, in flash that is locked: an application must not be able to change it.
 */
#include "crypto/iot_crypto_ecdsa.h"
#include "mps2_an385/iot_mps2_clock.h"
#include "mps2_an385/iot_mps2_flash.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_mps2_uart.h"
#include "mps2_an385/iot_mps2_watchdog.h"
#include "mps2_an385/iot_port_mps2.h"

/* For the program's first steps; it starts the watchdog again with a period of its own. */
#define WATCHDOG_MS 2000u
#define MINUTE_MS   60000u
#define RAM_AT      0x20000000u
#define RAM_BYTES   0x14000u
#define TABLE_BYTES 64u

static struct iot_nor_boot boot;
static uint8_t key[IOT_ECDSA_KEY_BYTES];

static void say(const char *text)
{
    iot_mps2_uart_text(text);
}

/* Of no use without somebody who writes an image into the flash. Another boot would not help. */
static void rest(const char *what, const char *why) __attribute__((noreturn));
static void rest(const char *what, const char *why)
{
    say(what);
    say(why);
    say("\n");
    for (;;)
        iot_mps2_sleep(MINUTE_MS);
}

/* It has all the time that it wants: nothing else runs. */
static bool verify(void *ctx, const uint8_t *sha256, struct iot_bytes signature)
{
    static uint64_t arena[IOT_ECDSA_ARENA_BYTES / 8];
    struct iot_ecdsa v;
    iot_err err = iot_ecdsa_begin(&v, arena, sizeof arena, key, sha256, signature);

    (void)ctx;
    while (err == IOT_ERR_AGAIN)
        err = iot_ecdsa_step(&v);
    return err == IOT_OK;
}

/* Something that is there and is no key fits no signature. */
static bool has_key(void)
{
    uint32_t len = 0;

    return iot_port_mps2.kv_get(iot_port_mps2.ctx, "fw-key", key, sizeof key, &len) !=
           IOT_ERR_STATE;
}

static iot_err mount(void)
{
    iot_err err;

    while ((err = iot_port_mps2_mount()) == IOT_ERR_AGAIN)
        ;
    if (err != IOT_OK)
        return err;
    while ((err = iot_port_mps2_boot(&boot, has_key() ? verify : NULL)) == IOT_ERR_AGAIN)
        ;
    return err;
}

static iot_err decide(struct iot_nor_boot_choice *choice)
{
    iot_err err = mount();

    if (err == IOT_OK)
        while ((err = iot_nor_boot_start(&boot, choice)) == IOT_ERR_AGAIN)
            ;
    return err;
}

/* To where it is executed. Its digest was right; but it may be a program for another board. */
static bool load(const struct iot_nor_slot *slot)
{
    uint32_t *to = (uint32_t *)(uintptr_t)MPS2_RUN_AT;
    uint32_t bytes = slot->image.bytes;

    if (bytes < TABLE_BYTES || bytes > MPS2_RUN_BYTES ||
        iot_nor_slot_read(slot, 0, to, bytes) != IOT_OK)
        return false;
    return to[0] > RAM_AT && to[0] <= RAM_AT + RAM_BYTES && to[0] % 8 == 0 && (to[1] & 1) == 1 &&
           to[1] > MPS2_RUN_AT && to[1] < MPS2_RUN_AT + bytes;
}

static void say_choice(const struct iot_nor_boot_choice *choice)
{
    say(choice->slot == 0 ? "boot: slot A, " : "boot: slot B, ");
    say(boot.slot[choice->slot].image.version);
    say(choice->trial ? ", on trial\n" : "\n");
}

int main(void)
{
    struct iot_nor_boot_choice choice;
    iot_err err = decide(&choice);

    if (boot.record.dropped != IOT_OK) {
        say("boot: an update was given up: ");
        say(iot_err_name(boot.record.dropped));
        say("\n");
    }
    if (err != IOT_OK)
        rest("boot: nothing to start: ", iot_err_name(err));
    say_choice(&choice);
    if (!load(&boot.slot[choice.slot])) {
        if (!choice.trial)
            rest("boot: ", "no program for this board");
        say("boot: no program for this board\n");
        iot_mps2_restart(); /* that was its try */
    }
    iot_mps2_watchdog_start(WATCHDOG_MS);
    iot_mps2_jump((const uint32_t *)(uintptr_t)MPS2_RUN_AT, choice.slot + 1u);
}
