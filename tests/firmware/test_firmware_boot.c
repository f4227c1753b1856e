/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware begins anew, for whatever reason, and is who it was. */
#include "test.h"

#include "rig_cloud.h"
#include "rig_watch.h"

#define BOOT "lwlink 0.1.0 on mps2-an385, reset by "

static void watch_certificate(void)
{
    char path[HOST_PATH_MAX];

    snprintf(path, sizeof path, "%.1000s/server.pem", rig_cloud.dir);
    rig_watch_certificate(path);
}

static void get_connected(void)
{
    rig_cloud_identity("ecdsa");
    rig_power_on("an385");
    watch_certificate();
    rig_await("boot 1: " BOOT "power");
    assert_string_equal(rig_await("iot: connected"), "iot: connected");
    rig_await("iot: reading 2 done");
    assert_true(rig_watch_seen() > 0); /* it looks at strangers */
}

/* The second boot, for this reason. The platform knows it as the one that it was: its session is there, and TLS goes on with
 * what was agreed before, without certificates. */
static void comes_back(const char *reason)
{
    char line[96];

    snprintf(line, sizeof line, "boot 2: " BOOT "%s", reason);
    rig_await(line);
    watch_certificate();
    rig_await("net: address 10.0.2.15");
    rig_await("iot: connected, session present, tls resumed");
    rig_await("iot: reading 3 done");
    assert_int_equal(rig_watch_seen(), 0);
    rig_readings_check(1);
    rig_readings_check(2);
    rig_cloud_send("on");
    rig_await("led: on");
    rig_power_off();
    rig_flash_expect("boots", "2");
    rig_flash_expect("dn", "dev001");
}

static void after_a_power_cut(void **state)
{
    (void)state;
    get_connected();
    rig_power_off();
    rig_power_on("an385");
    comes_back("power");
}

static void after_the_reset_button(void **state)
{
    (void)state;
    get_connected();
    rig_reset();
    comes_back("pin");
}

static void after_it_was_told_to(void **state)
{
    (void)state;
    get_connected();
    rig_cloud_send("reboot");
    rig_await("restart");
    comes_back("software");
}

static void after_its_loop_hung_and_the_watchdog_bit(void **state)
{
    (void)state;
    get_connected();
    rig_cloud_send("hang");
    rig_await("fault: watchdog, at ");
    comes_back("watchdog");
}

static void after_a_fault_that_is_reported_in_words(void **state)
{
    (void)state;
    get_connected();
    rig_cloud_send("fault");
    rig_await("fault: access to where no memory is, address f0000000");
    rig_await("fault: at ");
    comes_back("fault");
}

static void after_its_stack_overflowed_into_the_guard(void **state)
{
    (void)state;
    get_connected();
    rig_cloud_send("overflow");
    rig_await("fault: stack overflow");
    rig_await("fault: ");
    comes_back("fault");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(after_a_power_cut),
        CLOUD_TEST(after_the_reset_button),
        CLOUD_TEST(after_it_was_told_to),
        CLOUD_TEST(after_its_loop_hung_and_the_watchdog_bit),
        CLOUD_TEST(after_a_fault_that_is_reported_in_words),
        CLOUD_TEST(after_its_stack_overflowed_into_the_guard),
    };
    return cmocka_run_group_tests_name("firmware_boot", tests, rig_cloud_group_setup,
                                       rig_cloud_group_teardown);
}
