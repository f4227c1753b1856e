/* SPDX-License-Identifier: Apache-2.0 */
/* build/lamp, which `make run` starts, and build/cloud beside it: each a process of its own, as two terminals have them. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_dir.h"
#include "peer_run.h"

#include <signal.h>
#include <unistd.h>

#define LAMP "a1B2c3D4e5F", "new001"

static struct peer_child lamp, other;

/* What `make run` takes from its environment; NULL at the end. */
static void start(struct peer_child *c, const char *const *settings)
{
    static const char *const all[] = {"FOR", "PK",     "DN", "DS",     "PS",
                                      "LOG", "REGION", "CA", "BROKER", "NO_COLOR"};
    const char *argv[] = {peer_program("lamp"), NULL};

    for (size_t i = 0; i < COUNT(all); i++)
        unsetenv(all[i]);
    for (; *settings != NULL; settings += 2)
        setenv(settings[0], settings[1], 1);
    peer_child_start(c, argv);
}

#define START(c, ...) start((c), (const char *const[]){__VA_ARGS__, NULL})

static void ends(struct peer_child *c, int code)
{
    int got = peer_child_end(c);

    if (got != code)
        fail_msg("exit %d:\n%s", got, c->said);
}

/* build/cloud with these words; its output is peer_output. */
#define CLOUD(code, ...)                                                                           \
    do {                                                                                           \
        const char *argv_[] = {peer_program("cloud"), __VA_ARGS__, NULL};                          \
        int got_ = peer_run(argv_);                                                                \
        if (got_ != (code))                                                                        \
            fail_msg("exit %d: %s\n%s", got_, peer_output, lamp.said);                             \
    } while (0)

/* The end of the demonstration's own steps. */
#define LAST_STEP "lamp          on, brightness 35"

static void a_new_lamp_registers_and_does_all_that_a_thing_can(void **state)
{
    (void)state;
    START(&lamp, "FOR", "5");
    ends(&lamp, 0);
    PEER_SAYS(lamp.said, "the emulated platform is up", "registered", "TLS-ECDHE-ECDSA",
              "connected     as new001 of product a1B2c3D4e5F\n", LAST_STEP, "closed",
              "answered by 200, 0 by another code, 0 failed\n",
              "the lamp    registered, posted its properties, was set, served a call, reported an "
              "event, synced its clock, read its shadow\n");
    PEER_SAYS(lamp.said, "property/post ", "\"Brightness\":80", "cloud  200 success");
    PEER_SAYS(lamp.said, "property/desired/get ", "cloud  200 success");
    PEER_SAYS(lamp.said, "time ", " UTC, trusted\n");
    PEER_SAYS(lamp.said, "shadow ", "\"reported\":{\"name\":\"a lamp on a table\"");
    PEER_SAYS(lamp.said, "property/set ", "\"LightSwitch\":1,", "device 200 {}",
              "lamp          on, brightness 80, colour");
    PEER_SAYS(lamp.said, "Overheated/post ", "cloud  200 success", "Blink ", "\"Times\":3",
              "device 200 {\"Done\":3}", "Measure (rrpc) ", "device 200 {\"Temp\":21.5");
    assert_null(strstr(lamp.said, "was not answered"));
    assert_null(strstr(lamp.said, "Ps16CharSecret01"));
}

static void a_lamp_with_a_secret_does_not_register(void **state)
{
    (void)state;
    START(&lamp, "FOR", "5", "DN", "dev002", "DS", "1a2b3c4d5e6f708192a3b4c5d6e7f809");
    ends(&lamp, 0);
    PEER_SAYS(lamp.said, "connected     as dev002 of product a1B2c3D4e5F\n",
              "the lamp    posted its properties,");
    assert_null(strstr(lamp.said, "registered"));
    assert_null(strstr(lamp.said, "1a2b3c4d5e6f"));
}

static void another_terminal_sets_it_and_calls_it(void **state)
{
    (void)state;
    START(&lamp, "FOR", "0");
    peer_child_says(&lamp, LAST_STEP);
    CLOUD(0, "set", LAMP, "{\"LightSwitch\":0,\"Name\":\"from \\\"afar\\\"\"}");
    peer_child_says(&lamp, "lamp          off, brightness 35, colour, \"from \"afar\"\"\n");
    CLOUD(0, "call", LAMP, "Toggle");
    PEER_SAYS(peer_output, "\"LightSwitch\":1");
    peer_child_says(&lamp, "lamp          on, brightness 35, colour, \"from \"afar\"\"\n");
    CLOUD(0, "show", LAMP);
    PEER_SAYS(peer_output, "online", "property Brightness", "35");
    CLOUD(0, "--json", "show", LAMP);
    PEER_SAYS(peer_output, "{\"ok\":true,", "\"online\":true");

    /* What the model does not allow never reaches it. */
    CLOUD(1, "set", LAMP, "{\"Brightness\":101}");
    PEER_SAYS(peer_output, "Brightness");
    CLOUD(1, "set", LAMP, "{\"Temp\":20}");
    CLOUD(1, "call", LAMP, "Explode");
    CLOUD(1, "set", "a1B2c3D4e5F", "dev001", "{\"Brightness\":10}");
    PEER_SAYS(peer_output, "offline");

    assert_int_equal(kill(lamp.pid, SIGINT), 0);
    ends(&lamp, 0);
    PEER_SAYS(lamp.said, "closing       asked to\n", "0 by another code, 0 failed\n");
    CLOUD(1, "list");
    PEER_SAYS(peer_output, "no emulator runs here");
}

static void a_lamp_that_is_kicked_does_not_fight_for_its_place(void **state)
{
    (void)state;
    START(&lamp, "FOR", "20");
    peer_child_says(&lamp, LAST_STEP);
    CLOUD(0, "kick", LAMP);
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "[LINK_TWICE 0]", "next attempt in ", "not good    lost: ");
}

static void a_lamp_that_is_disabled_says_so(void **state)
{
    (void)state;
    START(&lamp, "FOR", "20");
    peer_child_says(&lamp, LAST_STEP);
    CLOUD(0, "disable", LAMP);
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "disabled      the platform says so\n", "another attempt would end alike",
              "not good    lost: ");
}

static void two_lamps_live_in_one_machine(void **state)
{
    (void)state;
    START(&lamp, "FOR", "5");
    START(&other, "FOR", "5");
    ends(&lamp, 0);
    ends(&other, 0);
    PEER_SAYS(other.said, "the lamp    registered, posted its properties, was set, served a call");
}

static void one_wrong_character_in_the_secret_is_refused_and_explained(void **state)
{
    (void)state;
    START(&lamp, "FOR", "3", "DS", "0f1e2d3c4b5a69788796a5b4c3d2e1f1");
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "login a1B2c3D4e5F dev001 refused (4): signature wrong");
    PEER_SAYS(lamp.said, "wrong secret or names", "the lamp    did nothing\n",
              "not good    never logged in: ", "[LINK_DENIED]");
    assert_null(strstr(lamp.said, "0f1e2d3c4b5a"));
}

static void who_may_not_register_is_refused_by_name(void **state)
{
    (void)state;
    START(&lamp, "FOR", "3", "DN", "nobody001", "PS", "Ps16CharSecret01");
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "unknown device nobody001 of product a1B2c3D4e5F");
    PEER_SAYS(lamp.said, "registration refused", "[LINK_REGISTER]");
    START(&lamp, "FOR", "3", "PS", "Ps16CharSecret02");
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "new001 refused (4)");
    PEER_SAYS(lamp.said, "not good    never logged in: ", "[LINK_REGISTER]");
    assert_null(strstr(lamp.said, "Ps16CharSecret0"));
}

static void settings_that_are_none_are_named(void **state)
{
    (void)state;
    START(&lamp, "FOR", "soon");
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "FOR=soon: ");
    START(&lamp, "PK", "no key");
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "PK, DN: ");
    START(&lamp, "CA", "/nonexistent/ca.pem");
    ends(&lamp, 1);
    PEER_SAYS(lamp.said, "CA: ");
}

/* After a failed test, too. */
static int end_all(void **state)
{
    struct peer_child *all[] = {&lamp, &other};
    int status;

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        if (all[i]->pid > 0 && host_alive(all[i]->pid, &status))
            host_kill(all[i]->pid);
    lamp.pid = other.pid = 0;
    return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, end_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_lamp_registers_and_does_all_that_a_thing_can),
        TEST(a_lamp_with_a_secret_does_not_register),
        TEST(another_terminal_sets_it_and_calls_it),
        TEST(a_lamp_that_is_kicked_does_not_fight_for_its_place),
        TEST(a_lamp_that_is_disabled_says_so),
        TEST(two_lamps_live_in_one_machine),
        TEST(one_wrong_character_in_the_secret_is_refused_and_explained),
        TEST(who_may_not_register_is_refused_by_name),
        TEST(settings_that_are_none_are_named),
    };
    return cmocka_run_group_tests_name("lamp", tests, NULL, NULL);
}
