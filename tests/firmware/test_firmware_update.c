/* SPDX-License-Identifier: Apache-2.0 */
/* The board with its bootloader: an update is tried, and stays if it reaches the platform. Whatever else happens to it, the
 * old firmware comes back. */
#include "test.h"

#include "host/host_firmware.h"
#include "mps2_an385/iot_mps2_flash.h"
#include "nor/iot_nor_boot.h"
#include "rig_cloud.h"
#include "rig_firmware.h"

#include <unistd.h>

#define OLD   RIG_OLD
#define NEW   RIG_NEW
#define TRIES IOT_NOR_BOOT_TRIES

static const struct iot_bytes unsigned_;

static void check(bool ok)
{
    if (!ok)
        fail_msg("%s", rig_flash_open()->why);
}

static void update(void)
{
    rig_power_off();
    check(host_firmware_update_file(rig_flash_open(), rig_firmware_path("2.0.0"), "2.0.0",
                                    unsigned_));
}

static void the_factorys_image_runs_from_slot_a(void **state)
{
    (void)state;
    rig_firmware_make();
    rig_firmware_on();
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await("boot 1: lwlink 0.1.0 on mps2-an385, reset by power");
    rig_await("iot: connected");
    rig_await("iot: reading 2 done");
    rig_reset();
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await_exactly(OLD);
    rig_await("iot: connected, session present, tls resumed");
    assert_int_equal(rig_count("firmware: stays"), 0);
}

static void why_it_began_anew_is_known_behind_the_bootloader_too(void **state)
{
    (void)state;
    rig_firmware_make();
    rig_firmware_on();
    rig_await("iot: reading 2 done"); /* it listens */
    rig_cloud_send("fault");
    rig_await("fault: access to where no memory is, address f0000000");
    rig_await("fault: at ");
    rig_await("boot: slot A");
    rig_await("boot 2: lwlink 0.1.0 on mps2-an385, reset by fault");
    rig_await("iot: reading 1 done");
    rig_cloud_send("overflow");
    rig_await("fault: stack overflow");
    rig_await("fault: ");
    rig_await("boot 3: lwlink 0.1.0 on mps2-an385, reset by fault");
}

static void an_update_is_tried_and_stays_when_it_is_connected(void **state)
{
    (void)state;
    rig_firmware_make();
    rig_firmware_on();
    rig_await("iot: reading 1 done");
    update();
    rig_firmware_on();
    rig_await_exactly("boot: slot B, 2.0.0, on trial");
    rig_await_exactly(NEW ", on trial");
    rig_await("iot: connected");
    rig_await_exactly("firmware: stays");
    rig_power_off();
    for (int i = 0; i < (int)TRIES + 1; i++) {
        rig_firmware_on();
        rig_await_exactly("boot: slot B, 2.0.0");
        rig_power_off();
    }
    rig_firmware_on();
    rig_await_exactly("boot: slot B, 2.0.0");
    rig_await_exactly(NEW);
    rig_await("iot: connected");
    rig_await("iot: reading");
}

/* Nothing is wrong with it, but that it finds no platform. Then neither does the old one; but it knew one once. */
static void one_that_finds_no_platform_is_given_up(void **state)
{
    (void)state;
    rig_firmware_make();
    rig_flash_text("confirm-ms", "700");
    rig_cloud_cut();
    update();
    rig_firmware_on();
    for (uint32_t i = 0; i < TRIES; i++) {
        rig_await_exactly("boot: slot B, 2.0.0, on trial");
        rig_await_exactly(NEW ", on trial");
        rig_await_exactly("firmware: not connected in time, restart");
    }
    rig_await_exactly("boot: an update was given up: OTA_FAILED");
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await_exactly(OLD);
    rig_cloud_restore();
    rig_await("iot: connected");
    rig_await("iot: reading 1 done");
    assert_int_equal(rig_count("firmware: stays"), 0);
    rig_reset();
    rig_await_exactly("boot: an update was given up: OTA_FAILED");
    rig_await_exactly("boot: slot A, 1.0.0");
}

/* It stops before it has even a network. */
static void one_that_cannot_work_at_all_is_given_up(void **state)
{
    (void)state;
    rig_firmware_make();
    rig_flash_text("confirm-ms", "300");
    check(host_flash_del(rig_flash_open(), "pk"));
    update();
    rig_firmware_on();
    for (uint32_t i = 0; i < TRIES; i++) {
        rig_await_exactly("boot: slot B, 2.0.0, on trial");
        rig_await("factory: this device has no identity");
        rig_await_exactly("firmware: not connected in time, restart");
    }
    rig_await("boot: an update was given up");
    rig_await_exactly("boot: slot A, 1.0.0");
}

static void a_try_that_power_ends_is_a_try(void **state)
{
    (void)state;
    rig_firmware_make();
    rig_cloud_cut();
    update();
    for (uint32_t i = 0; i < TRIES; i++) {
        rig_firmware_on();
        rig_await_exactly("boot: slot B, 2.0.0, on trial");
        rig_power_off();
    }
    rig_firmware_on();
    rig_await("boot: an update was given up");
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await_exactly(OLD);
    rig_cloud_restore();
}

/* ---- Images that do nothing good ---------------------------------------------------------------- */

/* A vector table, all of which leads to one instruction: a jump to itself. */
static struct iot_bytes hanging_image(void)
{
    static uint32_t words[64];

    words[0] = 0x20008000u;
    for (uint32_t i = 1; i < 48; i++)
        words[i] = (MPS2_RUN_AT + 48 * 4) | 1u;
    words[48] = 0xe7fee7feu;
    return (struct iot_bytes){(const uint8_t *)words, sizeof words};
}

static void one_that_hangs_is_ended_by_the_watchdog_and_given_up(void **state)
{
    (void)state;
    rig_firmware_make();
    check(host_firmware_update(rig_flash_open(), hanging_image(), "hangs", unsigned_));
    rig_firmware_on();
    for (uint32_t i = 0; i < TRIES; i++)
        rig_await_exactly("boot: slot B, hangs, on trial");
    rig_await_exactly("boot: an update was given up: OTA_FAILED");
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await("iot: connected");
}

static void one_that_is_no_program_for_this_board_is_not_jumped_to(void **state)
{
    static uint32_t words[64];
    static const uint32_t wrong[][2] = {
        {0x20008004u, MPS2_RUN_AT + 0xc1},
        {0x1ffffff8u, MPS2_RUN_AT + 0xc1},
        {0x20014008u, MPS2_RUN_AT + 0xc1},
        {0x20008000u, MPS2_RUN_AT + 0xc0},
        {0x20008000u, 0xc1},
        {0x20008000u, MPS2_RUN_AT + 0x101},
    };
    (void)state;
    rig_firmware_make();
    for (uint32_t i = 0; i < COUNT(wrong) + 1; i++) {
        struct iot_bytes image = {(const uint8_t *)words, sizeof words};
        if (i < COUNT(wrong))
            memcpy(words, wrong[i], sizeof wrong[i]);
        else
            image.len = 63;
        check(host_firmware_update(rig_flash_open(), image, "?", unsigned_));
        rig_firmware_on();
        for (uint32_t t = 0; t < TRIES; t++) {
            rig_await_exactly("boot: slot B, ?, on trial");
            rig_await_exactly("boot: no program for this board");
        }
        rig_await("boot: an update was given up");
        rig_await_exactly("boot: slot A, 1.0.0");
        rig_power_off();
    }
}

static void flip(uint32_t at)
{
    struct host_flash *f = rig_flash_open();
    uint8_t byte;

    assert_int_equal(pread(f->fd, &byte, 1, (off_t)at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(f->fd, &byte, 1, (off_t)at), 1);
}

static void a_broken_image_is_never_started(void **state)
{
    (void)state;
    rig_firmware_make();
    update();
    flip(MPS2_SLOT_B_OFFSET + 100000);
    rig_firmware_on();
    rig_await_exactly("boot: an update was given up: OTA_DIGEST");
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await_exactly(OLD);
    rig_await("iot: connected");
    rig_power_off();
    flip(MPS2_SLOT_A_OFFSET + 1);
    rig_firmware_on();
    rig_await("boot: an update was given up");
    rig_await_exactly("boot: nothing to start: OTA_DIGEST");
    rig_power_off();
    flip(MPS2_SLOT_A_OFFSET + 1);
    rig_firmware_on();
    rig_await("boot: an update was given up");
    rig_await_exactly("boot: slot A, 1.0.0");
}

/* ---- Signatures ---------------------------------------------------------------------------------- */

static void with_a_key_in_its_store_it_starts_what_is_signed_by_it(void **state)
{
    (void)state;
    rig_firmware_make();
    rig_signer_begin();
    rig_flash_bytes("fw-key", rig_signer_point());
    rig_firmware_on();
    rig_await_exactly("boot: nothing to start: OTA_SIGNATURE");
    rig_power_off();
    rig_flash_bytes("sig-a", rig_signer_sign(rig_firmware_path("1.0.0")));
    update(); /* unsigned */
    rig_firmware_on();
    rig_await_exactly("boot: an update was given up: OTA_SIGNATURE");
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_power_off();
    struct iot_bytes signature = rig_signer_sign(rig_firmware_path("1.0.0")); /* another image's */
    check(host_firmware_update_file(rig_flash_open(), rig_firmware_path("2.0.0"), "2.0.0",
                                    signature));
    rig_firmware_on();
    rig_await_exactly("boot: an update was given up: OTA_SIGNATURE");
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_power_off();
    signature = rig_signer_sign(rig_firmware_path("2.0.0"));
    check(host_firmware_update_file(rig_flash_open(), rig_firmware_path("2.0.0"), "2.0.0",
                                    signature));
    rig_firmware_on();
    rig_await_exactly("boot: slot B, 2.0.0, on trial");
    rig_await_exactly(NEW ", on trial");
    rig_await("iot: connected");
    rig_await_exactly("firmware: stays");
    rig_power_off();
    rig_flash_text("fw-key", "no key");
    rig_firmware_on();
    rig_await_exactly("boot: nothing to start: OTA_SIGNATURE");
    rig_signer_end();
}

static void an_empty_board_says_that_there_is_nothing_to_start(void **state)
{
    (void)state;
    rig_firmware_on();
    rig_await_exactly("boot: nothing to start: STATE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(an_empty_board_says_that_there_is_nothing_to_start),
        CLOUD_TEST(the_factorys_image_runs_from_slot_a),
        CLOUD_TEST(why_it_began_anew_is_known_behind_the_bootloader_too),
        CLOUD_TEST(an_update_is_tried_and_stays_when_it_is_connected),
        CLOUD_TEST(one_that_finds_no_platform_is_given_up),
        CLOUD_TEST(one_that_cannot_work_at_all_is_given_up),
        CLOUD_TEST(a_try_that_power_ends_is_a_try),
        CLOUD_TEST(one_that_hangs_is_ended_by_the_watchdog_and_given_up),
        CLOUD_TEST(one_that_is_no_program_for_this_board_is_not_jumped_to),
        CLOUD_TEST(a_broken_image_is_never_started),
        CLOUD_TEST(with_a_key_in_its_store_it_starts_what_is_signed_by_it),
    };
    return cmocka_run_group_tests_name("firmware_update", tests, rig_cloud_group_setup,
                                       rig_cloud_group_teardown);
}
