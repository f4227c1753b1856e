/* SPDX-License-Identifier: Apache-2.0 */
/* A thousand readings with QoS 1 through everything that happens to a link: none is lost. */
#include "test.h"

#include "host/host_cable.h"
#include "host/host_child.h"
#include "rig_cloud.h"

#define READINGS  1000u
#define PERIOD_MS "10"

enum mishap { PLATFORM_GONE, CABLE_OUT };

static bool deafen(void *ctx, bool out, const uint8_t *frame, uint32_t len)
{
    (void)ctx;
    (void)frame;
    (void)len;
    return out;
}

/* First nothing more reaches the board: readings are with the platform, and the board does not know it. Then the mishap,
 * for a second and a half: what waits on the board is more than it has room for. */
static void happen(enum mishap what)
{
    host_cable_on_frame(deafen, NULL);
    rig_run(300);
    if (what == PLATFORM_GONE)
        rig_cloud_cut();
    else
        rig_cable(false);
    host_cable_on_frame(NULL, NULL);
    rig_run(1500);
    if (what == PLATFORM_GONE)
        rig_cloud_restore();
    else
        rig_cable(true);
}

static void of_a_thousand_readings_none_is_lost_when_link_and_platform_break(void **state)
{
    static const struct {
        uint32_t done;
        enum mishap what;
    } script[] = {
        {100, PLATFORM_GONE}, {250, CABLE_OUT}, {400, PLATFORM_GONE},
        {550, CABLE_OUT},     {700, CABLE_OUT}, {850, PLATFORM_GONE},
    };

    (void)state;
    rig_cloud_identity("ecdsa");
    rig_flash_text("period-ms", PERIOD_MS);
    rig_power_on("an385");
    for (size_t i = 0; i < COUNT(script); i++) {
        RIG_UNTIL(rig_readings_done(1) >= script[i].done);
        happen(script[i].what);
    }
    RIG_UNTIL(rig_readings_done(1) >= READINGS);
    rig_readings_check(1);
    assert_int_equal(rig_count("boot "), 1);
    assert_true(rig_count("iot: connected") > COUNT(script));
    assert_true(rig_readings_again() >= COUNT(script)); /* each mishap caught some under way */
    print_message("figure: %u readings done, over %u connections; %u came twice\n",
                  rig_readings_done(1), rig_count("iot: connected"), rig_readings_again());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(of_a_thousand_readings_none_is_lost_when_link_and_platform_break),
    };
    return cmocka_run_group_tests_name("firmware_readings", tests, rig_cloud_group_setup,
                                       rig_cloud_group_teardown);
}
