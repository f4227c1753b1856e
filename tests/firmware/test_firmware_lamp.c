/* SPDX-License-Identifier: Apache-2.0 */
/* A lamp on a board, as a thing of the emulated platform: it posts, is set, serves calls, and refuses what its model
 * refuses. */
#include "test.h"

#include "host/host_child.h"
#include "rig_cloud.h"

#define WHO "a1B2c3D4e5F dev001"

/* What the platform answers to a command that waits for the board. */
static bool command(const char *line, const char *expected)
{
    static char answer[65536];
    bool ok = host_cloud_command_while(rig_cloud.dir, line, answer, sizeof answer, rig_turn);

    if (strstr(answer, expected) == NULL)
        fail_msg("%s: expected '%s', the platform says '%s'", line, expected, answer);
    return ok;
}

static void a_lamp_on_a_board_is_set_and_called(void **state)
{
    (void)state;
    rig_cloud_identity("ecdsa");
    rig_flash_text("period-ms", "2000");
    rig_power_on_with("firmware_lamp");
    rig_await("iot: connected");
    rig_await("iot: the platform answered 200");
    assert_true(command("set " WHO " {\"LightSwitch\":1,\"Brightness\":55}", ""));
    rig_await("led: on, brightness 55");
    assert_true(command("call " WHO " Toggle {}", "LightSwitch"));
    rig_await("led: off, brightness 55");
    assert_true(command("call " WHO " Measure {} sync", "Temp"));
    rig_await("iot: the platform answered 200");
    RIG_UNTIL(command("show " WHO, "Brightness"));
    assert_int_equal(rig_count("iot: not "), 0);
    assert_int_equal(rig_count("iot: no answer"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(a_lamp_on_a_board_is_set_and_called),
    };
    return cmocka_run_group_tests_name("firmware_lamp", tests, rig_cloud_group_setup,
                                       rig_cloud_group_teardown);
}
