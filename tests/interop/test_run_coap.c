/* SPDX-License-Identifier: Apache-2.0 */
/* build/reporter, which `make run-coap` starts, and examples/coap_report: lamps that report to the emulated platform by CoAP,
 * and libcoap's client, who is near. */
#include "test.h"

#include "host/host_child.h"
#include "peer_coap.h"
#include "peer_device.h"
#include "peer_run.h"

#include <signal.h>
#include <stdlib.h>

#define LAMP               "a1B2c3D4e5F", "dev001"
#define SECRET             "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define ACKNOWLEDGED(word) word "acknowledged"

static struct peer_child lamp, other;

/* What `make run-coap` takes from its environment; NULL at the end. */
static void start(const char *const *settings)
{
    static const char *const all[] = {"FOR", "MODE", "FORMAT", "LISTEN",  "PK",
                                      "DN",  "DS",   "LOG",    "NO_COLOR"};
    const char *argv[] = {peer_program("reporter"), NULL};

    for (size_t i = 0; i < COUNT(all); i++)
        unsetenv(all[i]);
    for (; *settings != NULL; settings += 2)
        setenv(settings[0], settings[1], 1);
    peer_child_start(&lamp, argv);
}

#define START(...) start((const char *const[]){__VA_ARGS__, NULL})

static void ends(int code)
{
    int got = peer_child_end(&lamp);

    if (got != code)
        fail_msg("exit %d:\n%s", got, lamp.said);
}

/* build/cloud with these words; its output is peer_output. */
#define CLOUD(code, ...)                                                                           \
    do {                                                                                           \
        const char *argv_[] = {peer_program("cloud"), __VA_ARGS__, NULL};                          \
        int got_ = peer_run(argv_);                                                                \
        if (got_ != (code))                                                                        \
            fail_msg("exit %d: %s\n%s", got_, peer_output, lamp.said);                             \
    } while (0)

/* ---- Near the lamp ----------------------------------------------------------------------------- */

/* Of one of its resources, at the port that it has printed. */
static const char *uri(const char *path)
{
    const char *at = strstr(lamp.said, "-m get coap://");
    char full[64];

    snprintf(full, sizeof full, "/%s", path);
    assert_non_null(at);
    at = strstr(at, "/.well-known/core");
    assert_non_null(at);
    while (at[-1] != ':')
        at--;
    return peer_coap_uri(false, (uint16_t)strtoul(at, NULL, 10), full);
}

/* libcoap's client: it is answered with exactly that, or, of an error, with its code in front. */
static void expect(const char *answer, const char *path, const char *const *more)
{
    int got = peer_coap_ask(PEER_COAP_OPENSSL, uri(path), more);

    if (got != 0 || strncmp(peer_output, answer, strlen(answer)) != 0)
        fail_msg("%s: exit %d, '%s'\n%s", path, got, peer_output, lamp.said);
}

#define EXPECT(answer, path, ...) expect((answer), (path), (const char *const[]){__VA_ARGS__, NULL})
#define GET                       "-m", "get"
#define PUT(v)                    "-m", "put", "-t", "0", "-e", v

/* Beside the test, for some seconds. */
static void observe(const char *seconds)
{
    static char program[512];

    snprintf(program, sizeof program, "%s-openssl", getenv("COAP_CLIENT"));
    const char *argv[] = {program, GET, "-s", seconds, uri("light"), NULL};
    peer_child_start(&other, argv);
}

/* ---- Tests ------------------------------------------------------------------------------------- */

static void it_authenticates_and_uploads_by_each_way_and_format(void **state)
{
    static const struct {
        const char *mode, *way, *tls;
    } modes[] = {{"psk", "coap dtls-psk", "TLS-PSK"},
                 {"cert", "coap dtls", "TLS-ECDHE-ECDSA"},
                 {"symmetric", "coap symmetric", NULL}};
    static const char *const formats[] = {"json", "cbor"};
    char auth[64], post[96];

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        for (size_t k = 0; k < COUNT(formats); k++) {
            START("FOR", "1", "MODE", modes[i].mode, "FORMAT", formats[k]);
            ends(0);
            snprintf(auth, sizeof auth, "%s POST /auth: 2.05", modes[i].way);
            snprintf(post, sizeof post,
                     "%s POST /topic/sys/a1B2c3D4e5F/dev001/thing/event/property/post: 2.05",
                     modes[i].way);
            PEER_SAYS(lamp.said, auth, post, "closing       the time is over\n",
                      "acknowledged device info 1, version 1, properties 1, event 1, update 1\n",
                      "failed       0\n");
            PEER_SAYS(lamp.said, ACKNOWLEDGED("device info   "), ACKNOWLEDGED("version       "),
                      ACKNOWLEDGED("properties    "), ACKNOWLEDGED("event         "),
                      ACKNOWLEDGED("update        "));
            assert_int_equal(strstr(lamp.said, "tls           up") != NULL, modes[i].tls != NULL);
            if (modes[i].tls != NULL)
                PEER_SAYS(lamp.said, modes[i].tls);
            assert_null(strstr(lamp.said, SECRET));
        }
    }
}

static void who_is_near_asks_it_switches_it_and_watches_it(void **state)
{
    (void)state;
    START("FOR", "0");
    peer_child_says(&lamp, ACKNOWLEDGED("event         "));
    EXPECT("</light>;rt=\"light\";ct=0;obs,</status>;rt=\"status\";ct=50", ".well-known/core", GET);
    EXPECT("</light>", ".well-known/core?rt=light", GET);
    EXPECT("0", "light", GET);
    EXPECT("{\"light\":0,\"reports\":1,\"events\":1}", "status", GET);

    observe("4");
    peer_child_says(&other, "0");
    EXPECT("", "light", PUT("1"));
    peer_child_says(&lamp, "lamp          somebody near has switched it on\n");
    EXPECT("1", "light", GET);
    assert_int_equal(peer_child_end(&other), 0);
    PEER_SAYS(other.said, "0", "1");

    /* What was switched here is reported there. */
    peer_child_says(&lamp, "\"id\":\"6\"");
    CLOUD(0, "show", LAMP);
    PEER_SAYS(peer_output, "online", "property LightSwitch {\"value\":1",
              "event {\"identifier\":\"Started\"",
              "thing/event/property/post\",\"id\":\"6\",\"code\":200");

    assert_int_equal(kill(lamp.pid, SIGINT), 0);
    ends(0);
    PEER_SAYS(lamp.said, "closing       asked to\n", "properties 2, event 1");
    CLOUD(1, "list");
    PEER_SAYS(peer_output, "no emulator runs here");
}

static void what_is_not_to_be_had_of_it_is_refused(void **state)
{
    (void)state;
    START("FOR", "0");
    peer_child_says(&lamp, ACKNOWLEDGED("event         "));
    EXPECT("4.00 0 or 1", "light", PUT("7"));
    EXPECT("4.00", "light", PUT("on"));
    EXPECT("4.00", "light", "-m", "put");
    EXPECT("4.05", "light", "-m", "delete");
    EXPECT("4.05", "light", "-m", "post", "-e", "1");
    EXPECT("4.05", "status", PUT("1"));
    EXPECT("4.04", "nothing", GET);
    EXPECT("4.04", "light/more", GET);
    EXPECT("0", "light", GET);
    assert_int_equal(kill(lamp.pid, SIGINT), 0);
    ends(0);
}

static void who_is_not_let_in_is_told_why(void **state)
{
    static const char *const modes[] = {"cert", "symmetric"};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        START("FOR", "5", "MODE", modes[i], "DS", "00000000000000000000000000000000");
        ends(1);
        PEER_SAYS(lamp.said, "device info   ", "401",
                  "closing       another attempt would end alike\n",
                  "not good    it was never authenticated\n");
    }
}

static void a_device_that_is_disabled_is_not_served_and_that_is_no_success(void **state)
{
    (void)state;
    START("FOR", "0");
    peer_child_says(&lamp, ACKNOWLEDGED("event         "));
    CLOUD(0, "disable", LAMP);
    EXPECT("", "light", PUT("1"));
    EXPECT("1", "light", GET); /* who is near does not need the platform */
    peer_child_says(&lamp, "403: not allowed");
    assert_int_equal(kill(lamp.pid, SIGINT), 0);
    ends(1);
    PEER_SAYS(lamp.said, "properties 1, event 1", "not good    some calls failed\n");
}

static void settings_that_cannot_be_are_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"MODE", "tls"}, {"FORMAT", "xml"}, {"FOR", "soon"}, {"LISTEN", "65536"}, {"LOG", "9"}};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        START(wrong[i][0], wrong[i][1]);
        ends(1);
        PEER_SAYS(lamp.said, wrong[i][0]);
    }
}

/* A port of CoAP that build/cloud has printed. */
static const char *port_behind(const char *words, char port[8])
{
    const char *at = strstr(other.said, words);

    assert_non_null(at);
    at = strstr(at, "1:"); /* 127.0.0.1, or ::1 */
    assert_non_null(at);
    snprintf(port, 8, "%u", (unsigned)strtoul(at + 2, NULL, 10));
    return port;
}

static void the_example_does_the_same_at_a_platform_that_runs_by_itself(void **state)
{
    char port[8];
    const char *cloud[] = {peer_program("cloud"), "--address", peer_loopback, NULL};

    (void)state;
    peer_child_start(&other, cloud);
    peer_child_says(&other, "Ctrl-C ends it");
    const char *example[] = {
        peer_program("examples/coap_report"), "psk", "cbor", LAMP, SECRET, peer_loopback,
        port_behind("CoAP, DTLS-PSK", port),  "-",   "0",    "6",  NULL};
    int got = peer_run(example);
    if (got != 0)
        fail_msg("exit %d: %s\n%s", got, peer_output, other.said);
    PEER_SAYS(peer_output, "device info: acknowledged", "version: acknowledged",
              "properties: acknowledged", "event: acknowledged", "update: acknowledged",
              "properties: acknowledged");
    const char *alone[] = {peer_program("examples/coap_report"), "tls", "json", LAMP, SECRET, NULL};
    assert_int_equal(peer_run(alone), 2);
    assert_int_equal(kill(other.pid, SIGINT), 0);
    assert_int_equal(peer_child_end(&other), 0);
}

static int end_all(void **state)
{
    struct peer_child *all[] = {&lamp, &other};
    int status;

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        if (all[i]->pid > 0 && host_alive(all[i]->pid, &status))
            host_stop(all[i]->pid);
    lamp.pid = other.pid = 0;
    return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, end_all)

/* The lamp is a process of its own. */
static void let_it_be(void)
{
    host_pause_ms(2);
}

int main(void)
{
    peer_coap_turn = let_it_be;
    const struct CMUnitTest tests[] = {
        TEST(it_authenticates_and_uploads_by_each_way_and_format),
        TEST(who_is_near_asks_it_switches_it_and_watches_it),
        TEST(what_is_not_to_be_had_of_it_is_refused),
        TEST(who_is_not_let_in_is_told_why),
        TEST(a_device_that_is_disabled_is_not_served_and_that_is_no_success),
        TEST(settings_that_cannot_be_are_refused),
        TEST(the_example_does_the_same_at_a_platform_that_runs_by_itself),
    };
    return cmocka_run_group_tests_name("run_coap", tests, NULL, NULL);
}
