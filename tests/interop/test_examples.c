/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of the platform's services, each a process of its own as people start it, against the emulated platform. What
 * a person would do meanwhile on the console is done by commands. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_cloud.h"
#include "peer_device.h"
#include "peer_run.h"

#include <unistd.h>

#define PK     "a1B2c3D4e5F"
#define LAMP   PK " dev001 "
#define DS     "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define RAW_PK "a1RawProd01"
#define RAW_DS "5a69788796a5b4c3d2e1f00f1e2d3c4b"
#define PS     "Ps16CharSecret01"

#define PATIENCE_MS 20000u

static struct host_cloud cloud;
static struct peer_child child;
static char said[65536];

/* An example, with where the platform is; more: FLASH, or NULL. */
static void start(const char *name, const char *key, const char *device, const char *secret,
                  const char *seconds, const char *more)
{
    char program[HOST_PATH_MAX + 64], path[64], port[8];

    snprintf(path, sizeof path, "examples/%s", name);
    snprintf(program, sizeof program, "%s", peer_program(path));
    snprintf(port, sizeof port, "%u", (unsigned)cloud.tls_port);
    const char *argv[] = {program,       cloud.ca_der, key,     device, secret,
                          cloud.address, port,         seconds, more,   NULL};
    peer_child_start(&child, argv);
}

static void start_lamp(const char *name)
{
    start(name, PK, "dev001", DS, "25", NULL);
}

/* Again and again, until it is obeyed: the device may not be there yet. */
static void command(const char *line)
{
    uint64_t end = host_clock_ms() + PATIENCE_MS;

    while (!host_cloud_command(cloud.dir, line, said, sizeof said)) {
        if (host_clock_ms() > end)
            fail_msg("%s: %s\n%s", line, said, child.said);
        host_pause_ms(20);
    }
}

static void ends(int code)
{
    int got = peer_child_end(&child);

    if (got != code)
        fail_msg("exit %d:\n%s", got, child.said);
}

static void show(const char *who)
{
    char line[64];

    snprintf(line, sizeof line, "show %s", who);
    command(line);
}

/* ---- The thing model ---- */

static void the_lamp_posts_reports_is_set_and_called(void **state)
{
    (void)state;
    start_lamp("thing_lamp");
    command("set " LAMP "{\"Brightness\":40}");
    command("call " LAMP "Toggle");
    PEER_SAYS(said, "\"LightSwitch\":1");
    ends(0);
    PEER_SAYS(child.said, "the platform answered 200\n");
    PEER_SAYS(child.said, "set: off, brightness 40\n", "toggled: on\n");
    assert_null(strstr(child.said, "no answer"));
    show(LAMP);
    PEER_SAYS(said, "property LightSwitch", "1");
    PEER_SAYS(said, "property Brightness", "40");
    PEER_SAYS(said, "event", "Started");
}

static void the_lamp_that_nobody_calls_has_not_shown_all(void **state)
{
    (void)state;
    start("thing_lamp", PK, "dev001", DS, "2", NULL);
    command("set " LAMP "{\"Brightness\":41}");
    ends(1);
    PEER_SAYS(child.said, "set: off, brightness 41\n");
}

/* ---- Shadow ---- */

static void the_shadow_is_reported_and_what_is_desired_meanwhile_is_done(void **state)
{
    (void)state;
    start_lamp("shadow");
    do
        command("shadow " LAMP);
    while (strstr(said, "\"reported\"") == NULL);
    command("shadow " LAMP "{\"desired\":{\"brightness\":40}}");
    ends(0);
    PEER_SAYS(child.said, "brightness is 40 now\n");
    command("shadow " LAMP);
    PEER_SAYS(said, "\"reported\":{", "\"brightness\":40");
    assert_null(strstr(said, "\"desired\":{\"brightness\""));
}

static void what_was_desired_before_it_came_is_done_too(void **state)
{
    (void)state;
    command("shadow " LAMP "{\"desired\":{\"brightness\":30}}");
    start_lamp("shadow");
    ends(0);
    PEER_SAYS(child.said, "brightness is 30 now\n");
}

/* ---- Remote configuration ---- */

static void the_configuration_is_asked_for_and_taken_when_it_is_pushed(void **state)
{
    (void)state;
    command("config " PK " {\"interval\":30}");
    start_lamp("config");
    command("config push " LAMP);
    ends(0);
    PEER_SAYS(child.said, "asked: 15 bytes at http", "SHA-256 ");
    PEER_SAYS(child.said, "pushed: 15 bytes at http", "SHA-256 ");
    PEER_SAYS(child.said, "configuration ", ": {\"interval\":30}\n");

    command("config " PK " md5 {\"interval\":300}");
    start_lamp("config");
    command("config push " LAMP);
    ends(0);
    PEER_SAYS(child.said, "asked: 16 bytes at http", "MD5 ", ": {\"interval\":300}\n");
    assert_null(strstr(child.said, "not fetched"));
}

static void without_a_configuration_the_platform_says_so(void **state)
{
    (void)state;
    command("config " PK " none");
    start("config", PK, "dev001", DS, "2", NULL);
    ends(1);
    PEER_SAYS(child.said, "asked: the platform answered 6710\n");
}

/* ---- Registration ---- */

static void a_device_registers_once_and_logs_in_for_ever(void **state)
{
    char flash[HOST_PATH_MAX + 16];
    (void)state;

    snprintf(flash, sizeof flash, "%s/flash", cloud.dir);
    start("register", PK, "new001", "Ps16CharSecret02", "20", flash);
    ends(1);
    PEER_SAYS(child.said, "lost: ");
    assert_null(strstr(child.said, "registered"));

    start("register", PK, "new001", PS, "20", flash);
    ends(0);
    PEER_SAYS(child.said, "registered: the secret is in the store\n", "logged in\n");

    start("register", PK, "new001", PS, "20", flash); /* the next boot */
    ends(0);
    assert_string_equal(child.said, "logged in\n");

    start("register", PK, "new001", PS, "20", NULL); /* with an empty flash */
    ends(1);
    PEER_SAYS(child.said, "lost: ");
}

/* ---- Bytes ---- */

static void bytes_go_up_and_come_down(void **state)
{
    (void)state;
    start("raw", RAW_PK, "raw001", RAW_DS, "25", NULL);
    command("raw " RAW_PK " raw001 0102ff");
    ends(0);
    assert_true(host_cloud_log(cloud.dir, said, sizeof said));
    PEER_SAYS(said, "publish " RAW_PK " raw001 /sys/" RAW_PK "/raw001/thing/model/up_raw: 3 bytes",
              "raw answer of " RAW_PK " raw001: 2 bytes\n");
    PEER_SAYS(child.said, "posted\n");
    PEER_SAYS(child.said, "reply:");
    PEER_SAYS(child.said, "down: 01 02 ff\n");
}

/* ---- All of them ---- */

static void all_of_them_name_a_secret_that_is_wrong_and_want_their_arguments(void **state)
{
    static const char *const names[] = {"thing_lamp", "shadow", "config", "raw"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        start(names[i], PK, "dev001", "0f1e2d3c4b5a69788796a5b4c3d2e1f1", "1", NULL);
        ends(1);
        PEER_SAYS(child.said, "lost: ");
        char path[64];
        snprintf(path, sizeof path, "examples/%s", names[i]);
        const char *argv[] = {peer_program(path), NULL};
        assert_int_equal(peer_run(argv), 2);
    }
}

/* After a failed test, too. */
static int end_child(void **state)
{
    int status;

    (void)state;
    if (child.pid > 0 && host_alive(child.pid, &status))
        host_kill(child.pid);
    child.pid = 0;
    return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, end_child)

static int setup(void **state)
{
    (void)state;
    const struct host_cloud_options o = {.address = peer_loopback};
    if (host_cloud_start(&cloud, &o))
        return 0;
    print_error("%s\n", cloud.why);
    return -1;
}

static int teardown(void **state)
{
    (void)state;
    host_cloud_stop(&cloud);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_lamp_posts_reports_is_set_and_called),
        TEST(the_lamp_that_nobody_calls_has_not_shown_all),
        TEST(the_shadow_is_reported_and_what_is_desired_meanwhile_is_done),
        TEST(what_was_desired_before_it_came_is_done_too),
        TEST(the_configuration_is_asked_for_and_taken_when_it_is_pushed),
        TEST(without_a_configuration_the_platform_says_so),
        TEST(a_device_registers_once_and_logs_in_for_ever),
        TEST(bytes_go_up_and_come_down),
        TEST(all_of_them_name_a_secret_that_is_wrong_and_want_their_arguments),
    };
    return cmocka_run_group_tests_name("examples", tests, setup, teardown);
}
