/* SPDX-License-Identifier: Apache-2.0 */
/* The programs as people start them, each a process of its own, against a stock mosquitto. They lie
 * beside this binary's folder, built like it. */
#include "test.h"

#include "host/host_broker.h"
#include "host/host_child.h"
#include "peer_broker.h"
#include "peer_device.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 60000u

static struct host_broker broker;
static char output[65536];

static const char *program(const char *name)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    assert_true(n > 0);
    path[n] = 0;
    for (int up = 0; up < 2; up++)
        *strrchr(path, '/') = 0;
    strcat(path, "/");
    strcat(path, name);
    return path;
}

/* Run to the end; `output` is all it printed. Returns its exit code. */
static int run(char *const argv[])
{
    int fd, status = 0;
    size_t len = 0;
    uint64_t end = host_clock_ms() + PATIENCE_MS;
    pid_t pid = host_spawn(argv, NULL, &fd);
    assert_true(pid > 0);
    while (host_clock_ms() < end && len < sizeof output - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 1000) <= 0)
            continue;
        ssize_t n = read(fd, output + len, sizeof output - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    output[len] = 0;
    close(fd);
    while (host_alive(pid, &status) && host_clock_ms() < end)
        host_pause_ms(5);
    if (host_alive(pid, &status)) {
        host_kill(pid);
        fail_msg("%s does not end:\n%s", argv[0], output);
    }
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* In this order, other lines may stand between. */
static void assert_printed(const char *const *lines, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(&output[at], lines[i]);
        if (found == NULL)
            fail_msg("'%s' was not printed in its place:\n%s", lines[i], output);
        at = (size_t)(found - output) + strlen(lines[i]);
    }
}

#define ASSERT_PRINTED(...)                                                                        \
    do {                                                                                           \
        static const char *const printed[] = {__VA_ARGS__};                                        \
        assert_printed(printed, sizeof printed / sizeof printed[0]);                               \
    } while (0)

static void the_probe_connects_subscribes_publishes_and_hears_itself(void **state)
{
    (void)state;
    char connect[64];
    snprintf(connect, sizeof connect, "connect 127.0.0.1 %u plain id=t1", broker.port);
    char *argv[] = {(char *)program("probe"),
                    "-c",
                    connect,
                    "-c",
                    "sub a/# 1",
                    "-c",
                    "pub a/b 1 0 6869",
                    "-c",
                    "wait msg 10000",
                    "-c",
                    "wait done 10000",
                    "-c",
                    "disc",
                    "-c",
                    "quit",
                    NULL};
    assert_int_equal(run(argv), 0);
    ASSERT_PRINTED("EV connected sp=0\n", "EV suback 1 1\n");
    ASSERT_PRINTED("EV connected sp=0\n", "EV msg a/b 1 0 0 6869\n");
    ASSERT_PRINTED("EV connected sp=0\n", "EV done 2\n", "EV pools ");
}

static void the_probe_names_a_refused_port_and_what_it_does_not_understand(void **state)
{
    (void)state;
    char connect[64];
    snprintf(connect, sizeof connect, "connect 127.0.0.1 %u plain id=t1", host_free_port());
    char *refused[] = {(char *)program("probe"), "-c", connect, "-c", "wait lost 20000", NULL};
    assert_int_equal(run(refused), 0); /* a loss alone is no failure */
    ASSERT_PRINTED("EV lost TCP_REFUSED ");

    char *unknown[] = {(char *)program("probe"), "-c", "fly", NULL};
    assert_int_equal(run(unknown), 1);
    ASSERT_PRINTED("EV err USAGE ");
}

static void the_smallest_program_publishes(void **state)
{
    (void)state;
    char port[8];
    snprintf(port, sizeof port, "%u", broker.port);
    char *argv[] = {(char *)program("examples/mqtt_minimal"), "127.0.0.1", port, "2", NULL};
    assert_int_equal(run(argv), 0);
}

static void the_demonstration_brings_its_own_broker_and_sums_up(void **state)
{
    (void)state;
    setenv("FOR", "2", 1);
    char *argv[] = {(char *)program("device"), NULL};
    assert_int_equal(run(argv), 0);
    ASSERT_PRINTED("mosquitto started", "connected", "acknowledged", "closed", "messages",
                   "0 failed");
}

static int setup(void **state)
{
    return peer_broker_group_setup(&broker, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probe_connects_subscribes_publishes_and_hears_itself),
        cmocka_unit_test(the_probe_names_a_refused_port_and_what_it_does_not_understand),
        cmocka_unit_test(the_smallest_program_publishes),
        cmocka_unit_test(the_demonstration_brings_its_own_broker_and_sums_up),
    };
    return cmocka_run_group_tests_name("programs", tests, setup, peer_broker_group_teardown);
}
