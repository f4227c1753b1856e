/* SPDX-License-Identifier: Apache-2.0 */
/* The board updates itself over HTTPS, and starts into the new version; whatever is cut on the way. */
#include "test.h"

#include "host/host_child.h"
#include "nor/iot_nor_boot.h"
#include "rig_cloud.h"
#include "rig_firmware.h"

#include <stdlib.h>

#define ASKED     "https GET /fw/product.bin "
#define CUT       "1000" /* bytes of each response */
#define MADE      "update: 2.0.0 is here"
#define ZERO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

static void live_as_old(void)
{
    rig_firmware_make();
    rig_firmware_on();
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await("iot: connected");
    rig_cloud_await("version of a1B2c3D4e5F dev001, module default: 1.0.0");
}

static void publish(const char *words)
{
    rig_publish(rig_firmware_path("2.0.0"), "2.0.0", words);
}

/* The next line of progress that the board says, in per cent. */
static uint32_t next_percent(void)
{
    const char *line;

    do
        line = rig_await("update: ");
    while (strstr(line, " %") == NULL);
    return (uint32_t)strtoul(line + strlen("update: "), NULL, 10);
}

static void await_percent(uint32_t least)
{
    while (next_percent() < least)
        ;
}

/* From the restart on. */
static void becomes_new(uint32_t id)
{
    rig_await("restart");
    rig_await_exactly("boot: slot B, 2.0.0, on trial");
    rig_await_exactly(RIG_NEW ", on trial");
    rig_await("iot: connected");
    rig_await_exactly("firmware: stays");
    rig_cloud_await("version of a1B2c3D4e5F dev001, module default: 2.0.0");
    rig_await_update(id, "succeeded");
}

static void stays_old(void)
{
    rig_await("iot: reading ");
    rig_reset();
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await_exactly(RIG_OLD);
    rig_await("iot: connected");
}

static void it_updates_itself_and_reports_the_new_version(void **state)
{
    (void)state;
    live_as_old();
    publish("");
    rig_await("update: 2.0.0, ");
    assert_in_range(next_percent(), 0, 9);
    rig_await("update: arenas: ");
    rig_await(MADE);
    becomes_new(1);
    rig_expect_update("succeeded 100");
    rig_await("iot: reading 1 done");
    rig_reset();
    rig_await_exactly("boot: slot B, 2.0.0");
    rig_await_exactly(RIG_NEW);
    rig_await("iot: connected");
    rig_publish(rig_firmware_path("1.0.0"), "1.0.0", ""); /* backwards */
    rig_await_exactly("update: failed OTA_VERSION");
    rig_await("iot: reading ");
    assert_int_equal(rig_count(MADE), 1);
    assert_int_equal(rig_count("firmware: stays"), 1);
    rig_readings_check(1);
}

/* Each response is cut, until the last of them. */
static void cut_downloads_go_on(void **state)
{
    (void)state;
    live_as_old();
    publish("");
    await_percent(30);
    uint32_t asked = rig_cloud_count(ASKED);
    rig_cloud_command("option http-cut " CUT);
    RIG_UNTIL(rig_cloud_count(ASKED) >= asked + 4);
    rig_cloud_command("option http-cut 0");
    rig_await(MADE);
    becomes_new(1);
    assert_int_equal(rig_count("update: 2.0.0, "), 1);
    assert_int_equal(rig_cloud_count(ASKED "bytes=0-"), 1);
}

static void power_cuts_go_on_where_they_were(void **state)
{
    (void)state;
    live_as_old();
    publish("");
    for (uint32_t i = 0; i < 2; i++) {
        await_percent(i == 0 ? 20 : 60);
        rig_power_off();
        rig_firmware_on();
        rig_await_exactly("boot: slot A, 1.0.0");
        rig_await("update: 2.0.0, ");
        assert_true(next_percent() >= (i == 0 ? 18 : 58)); /* a sector of 4 KB may be lost */
    }
    rig_await(MADE);
    becomes_new(1);
    assert_int_equal(rig_cloud_count(ASKED "bytes=0-"), 1);
}

static void a_wrong_digest_is_refused_and_told(void **state)
{
    (void)state;
    live_as_old();
    publish(" digest=" ZERO_HASH);
    rig_await("update: 2.0.0, ");
    rig_await("update: failed OTA_DIGEST");
    rig_await_update(1, "failed");
    rig_expect_update("failed     -3");
    stays_old();
    assert_int_equal(rig_count(MADE), 0);
}

static void with_a_key_only_signed_images_are_taken(void **state)
{
    char words[160];

    (void)state;
    rig_firmware_make();
    rig_signer_begin();
    rig_flash_bytes("fw-key", rig_signer_point());
    rig_flash_bytes("sig-a", rig_signer_sign(rig_firmware_path("1.0.0")));
    rig_firmware_on();
    rig_await("iot: connected");
    rig_cloud_await("version of a1B2c3D4e5F dev001, module default: 1.0.0");
    publish("");
    rig_await_exactly("update: failed OTA_SIGNATURE");
    rig_await_update(1, "failed");
    rig_expect_update("failed     -3");
    assert_int_equal(rig_cloud_count(ASKED), 0);
    snprintf(words, sizeof words, " digestsign=%s", rig_signer_base64(rig_firmware_path("1.0.0")));
    publish(words); /* another image's */
    rig_await("update: 2.0.0, ");
    rig_await("update: failed OTA_SIGNATURE");
    rig_await_update(2, "failed");
    snprintf(words, sizeof words, " digestsign=%s", rig_signer_base64(rig_firmware_path("2.0.0")));
    publish(words);
    rig_await(MADE);
    becomes_new(3);
    rig_signer_end();
}

/* A small one that is no program: fetched and tried once, and never again. */
static void what_did_not_work_is_not_fetched_again(void **state)
{
    (void)state;
    live_as_old();
    rig_publish(rig_cloud.ca_der, "2.0.0", "");
    rig_await(MADE);
    for (uint32_t i = 0; i < IOT_NOR_BOOT_TRIES; i++) {
        rig_await_exactly("boot: slot B, 2.0.0, on trial");
        rig_await_exactly("boot: no program for this board");
    }
    rig_await("boot: an update was given up");
    rig_await_exactly("boot: slot A, 1.0.0");
    rig_await("iot: connected");
    rig_await_exactly("update: failed OTA_VERSION");
    rig_await_update(1, "failed");
    rig_await("iot: reading ");
    assert_int_equal(rig_count(MADE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(it_updates_itself_and_reports_the_new_version),
        CLOUD_TEST(cut_downloads_go_on),
        CLOUD_TEST(power_cuts_go_on_where_they_were),
        CLOUD_TEST(a_wrong_digest_is_refused_and_told),
        CLOUD_TEST(with_a_key_only_signed_images_are_taken),
        CLOUD_TEST(what_did_not_work_is_not_fetched_again),
    };
    return cmocka_run_group_tests_name("firmware_ota", tests, rig_cloud_group_setup,
                                       rig_cloud_group_teardown);
}
