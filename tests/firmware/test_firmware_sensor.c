/* SPDX-License-Identifier: Apache-2.0 */
/* The sensor on a board: between two wakes there is a reset, and all but the flash is forgotten. */
#include "test.h"

#include "interop/peer_readings.h"
#include "rig_board.h"

#define PROGRAM "../an385-sensor/firmware_sensor"
#define RESETS  12u

static struct peer_readings server;

static void serve(void)
{
    peer_readings_turn(&server, 0);
}

static int setup(void **state)
{
    if (rig_board_setup(state) != 0 || !peer_readings_start(&server, true))
        return -1;
    rig_on_turn = serve;
    return 0;
}

static int teardown(void **state)
{
    rig_on_turn = NULL;
    peer_readings_stop(&server);
    return rig_board_teardown(state);
}

/* As a factory leaves it. */
static void power_on(const char *period_ms)
{
    char port[8];

    snprintf(port, sizeof port, "%u", (unsigned)server.port);
    rig_flash_text("host", "10.0.2.2");
    rig_flash_text("port", port);
    rig_flash_text("psk-id", PEER_READINGS_NAME);
    rig_flash_text("psk", PEER_READINGS_KEY);
    rig_flash_text("period-ms", period_ms);
    rig_power_on_with(PROGRAM);
}

static void expect_wake(const char *cause, const char *report)
{
    char line[64];

    snprintf(line, sizeof line, "sensor: awake, reset by %s", cause);
    rig_await(line);
    if (strcmp(rig_await("sensor: readings "), report) != 0)
        rig_fail(report);
    rig_await("sensor: asleep");
}

static uint32_t handshakes(void)
{
    return dtls_server_counts(server.dtls).handshakes;
}

static void wakes_go_on_without_a_handshake(void **state)
{
    (void)state;
    power_on("200");
    expect_wake("power", "sensor: readings 1 to 1 have arrived, handshake");
    expect_wake("software", "sensor: readings 2 to 2 have arrived, resumed");
    expect_wake("software", "sensor: readings 3 to 3 have arrived, resumed");
    rig_power_off();
    rig_power_on_with(PROGRAM);
    expect_wake("power", "sensor: readings 4 to 4 have arrived, resumed");
    peer_readings_check(&server, 4);
    assert_int_equal(handshakes(), 1);
    assert_int_equal(server.posts, 4);
    assert_int_equal(server.sources, 4);
}

static void what_is_refused_is_posted_again(void **state)
{
    (void)state;
    server.mood = READINGS_REFUSES;
    power_on("200");
    expect_wake("power", "sensor: readings 1 to 1 were refused, handshake");
    server.mood = READINGS_TAKES;
    expect_wake("software", "sensor: readings 1 to 2 have arrived, resumed");
    peer_readings_check(&server, 2);
}

static void a_server_that_has_lost_the_association_gets_a_new_one(void **state)
{
    (void)state;
    power_on("200");
    expect_wake("power", "sensor: readings 1 to 1 have arrived, handshake");
    peer_readings_restart(&server);
    expect_wake("software", "sensor: readings 2 to 2 have arrived, handshake");
    expect_wake("software", "sensor: readings 3 to 3 have arrived, resumed");
    peer_readings_check(&server, 3);
    assert_int_equal(handshakes(), 2);
}

/* Somebody presses reset, or pulls the plug, some moments after a wake has begun. */
static void it_may_be_interrupted_at_any_moment(void **state)
{
    (void)state;
    power_on("60000");
    rig_await("sensor: asleep");
    for (uint32_t i = 0; i < RESETS; i++) {
        rig_reset();
        rig_await("sensor: awake, reset by pin");
        for (uint32_t turns = 0; turns < i; turns++)
            rig_turn();
        if (i % 2 == 0) {
            rig_power_off();
            rig_power_on_with(PROGRAM);
        } else {
            rig_reset();
        }
        rig_await("sensor: awake, reset by ");
        const char *report = rig_await("sensor: readings ");
        unsigned first, last;
        assert_int_equal(sscanf(report, "sensor: readings %u to %u have arrived", &first, &last),
                         2);
        peer_readings_check(&server, last);
        rig_await("sensor: asleep");
    }
    print_message("%u handshakes, %u readings, %u of them twice\n", handshakes(), server.count,
                  server.again);
}

static void without_its_factory_it_says_so_and_sleeps(void **state)
{
    (void)state;
    rig_power_on_with(PROGRAM);
    rig_await("sensor: cannot start: ARG");
    rig_await("sensor: asleep");
    assert_int_equal(server.sources, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wakes_go_on_without_a_handshake),
        TEST(what_is_refused_is_posted_again),
        TEST(a_server_that_has_lost_the_association_gets_a_new_one),
        TEST(it_may_be_interrupted_at_any_moment),
        TEST(without_its_factory_it_says_so_and_sleeps),
    };
    return cmocka_run_group_tests_name("firmware_sensor", tests, NULL, NULL);
}
