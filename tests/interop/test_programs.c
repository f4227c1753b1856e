/* SPDX-License-Identifier: Apache-2.0 */
/* The programs as people start them, each a process of its own, against a stock mosquitto. They lie
 * beside this binary's folder, built like it. */
#include "test.h"

#include "heap_trap.h"
#include "host/host_broker.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_dir.h"
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

/* An authority that has nothing to do with anything. */
static void make_ca(const char *dir, char ca[HOST_PATH_MAX])
{
    char key[HOST_PATH_MAX];
    char *tool = getenv("OPENSSL");
    assert_true(snprintf(ca, HOST_PATH_MAX, "%s/ca.pem", dir) < HOST_PATH_MAX);
    assert_true(snprintf(key, sizeof key, "%s/ca.key", dir) < HOST_PATH_MAX);
    char *argv[] = {tool != NULL ? tool : "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-keyout",
                    key,
                    "-out",
                    ca,
                    "-subj",
                    "/CN=somebody",
                    "-days",
                    "2",
                    NULL};
    assert_int_equal(run(argv), 0);
}

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

static void the_probe_judges_json(void **state)
{
    (void)state;
    static const struct {
        const char *command, *said;
        int code;
    } rows[] = {
        {"json 7b2261223a5b312c2d322e3565337d", "EV json JSON_SYNTAX\n", 1}, /* {"a":[1,-2.5e3} */
        {"json 7b2261223a5b312c2d322e3565335d7d", "EV json ok\n", 0},
        {"json 5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b", "EV json JSON_DEPTH\n", 1},
        {"json 22ff22", "EV json JSON_SYNTAX\n", 1},
        {"json 31", "EV json ok\n", 0},
        {"json", "EV json JSON_SYNTAX\n", 1},
        {"json 3", "EV err USAGE json: HEX ", 1},
        {"json @/nonexistent/x", "EV err USAGE json: /nonexistent/x: ", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *argv[] = {(char *)program("probe"), "-c", (char *)rows[i].command, NULL};
        assert_int_equal(run(argv), rows[i].code);
        const char *said = strstr(output, rows[i].said);
        if (said == NULL)
            fail_msg("%s:\n%s", rows[i].command, output);
        assert_null(strstr(said + 1, "EV json"));
    }

    /* 256 KiB of a file. A word of the probe has no blank in it, the path of a clone may. */
    static char text[256 * 1024 + 1];
    char path[HOST_PATH_MAX];
    memset(text, ' ', sizeof text - 1);
    text[0] = '[';
    for (size_t n = 1; n < sizeof text - 8; n += 4)
        memcpy(text + n, n == 1 ? "1234" : ",\"\"\n", 4);
    text[sizeof text - 2] = ']';
    peer_file_write(broker.dir, "text", text, path);
    assert_int_equal(chdir(broker.dir), 0);
    char *argv[] = {(char *)program("probe"), "-c", "json @text", NULL};
    int code = run(argv);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(code, 0);
    ASSERT_PRINTED("EV json ok\n");
}

/* However the script goes on, it is told, and the end is not a good one. */
static void the_probe_names_a_server_that_is_not_who_it_should_be(void **state)
{
    static const char *const more[][2] = {
        {NULL, NULL},
        {"quit", NULL},
        {"disc", "quit"},
        {"wait lost 20000", "quit"},
        {"wait connected 3000", NULL},
        {"run 1500", "quit"},
        {"pub a/b 0 0 00", "quit"},
    };
    struct host_cloud cloud;
    char connect[2][256];
    bool good = true;
    (void)state;
    heap_trap_off();
    if (!host_cloud_start(&cloud, NULL))
        fail_msg("%s", cloud.why);
    /* A word of the probe has no blank in it, the path of a clone may. */
    assert_int_equal(chdir(cloud.dir), 0);
    for (int again = 0; again < 2; again++)
        snprintf(connect[again], sizeof connect[again],
                 "connect %s %u tls ca=%s name=somebody.example reconnect=%d", cloud.address,
                 cloud.tls_port, strrchr(cloud.ca_pem, '/') + 1, again);
    for (size_t i = 0; i < 2 * COUNT(more) && good; i++) {
        const char *const *words = more[i / 2];
        char *argv[] = {
            (char *)program("probe"), "-c", connect[i % 2], NULL, NULL, NULL, NULL, NULL};
        for (int n = 3, w = 0; w < 2 && words[w] != NULL; w++) {
            argv[n++] = "-c";
            argv[n++] = (char *)words[w];
        }
        int code = run(argv);
        if (code != 1 || strstr(output, "EV lost TLS_VERIFY 2 NAME: ") == NULL) {
            print_message("form %u: exit %d\n%s", (unsigned)i, code, output);
            good = false;
        }
    }
    assert_int_equal(chdir("/"), 0);
    host_cloud_stop(&cloud);
    heap_trap_on();
    assert_true(good);
}

static void the_smallest_program_publishes(void **state)
{
    (void)state;
    char port[8];
    snprintf(port, sizeof port, "%u", broker.port);
    char *argv[] = {(char *)program("examples/mqtt_minimal"), "127.0.0.1", port, "2", NULL};
    assert_int_equal(run(argv), 0);
}

/* What `make run` takes from its environment; NULL at the end. */
static int run_device(const char *const *settings)
{
    static const char *const all[] = {"FOR", "PK", "DN", "DS", "REGION", "CA", "BROKER", "LOG"};
    char *argv[] = {(char *)program("device"), NULL};

    for (size_t i = 0; i < COUNT(all); i++)
        unsetenv(all[i]);
    for (; *settings != NULL; settings += 2)
        setenv(settings[0], settings[1], 1);
    return run(argv);
}

#define RUN_DEVICE(...) run_device((const char *const[]){__VA_ARGS__, NULL})

static void the_demonstration_logs_in_at_the_emulated_platform_and_sums_up(void **state)
{
    (void)state;
    assert_int_equal(RUN_DEVICE("FOR", "3"), 0);
    ASSERT_PRINTED("emulated platform is up", "connecting", "tls ", "TLS-ECDHE-ECDSA",
                   "the signature was accepted", " publish a1B2c3D4e5F dev001 ", "acknowledged",
                   "received      hello from the cloud", "closed", "messages", "0 failed");
    ASSERT_PRINTED("login a1B2c3D4e5F dev001 accepted: hmacsha256, tls");
}

/* As the shell takes it, should there be a blank or more in it. */
static void assert_commands(const char *path)
{
    char publish[HOST_PATH_MAX + 64], list[HOST_PATH_MAX + 64];
    bool plain = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-_./:+=@%,") == strlen(path);
    const char *quote = plain ? "" : "'";
    snprintf(publish, sizeof publish, "\n    %s%s%s publish a1B2", quote, path, quote);
    snprintf(list, sizeof list, "\n    %s%s%s list\n", quote, path, quote);
    assert_printed((const char *const[]){publish, list}, 2);
}

static void the_demonstration_names_the_cloud_that_was_built_with_it(void **state)
{
    char here[HOST_PATH_MAX], cloud[HOST_PATH_MAX];
    (void)state;
    snprintf(cloud, sizeof cloud, "%s", program("cloud"));
    assert_int_equal(access(cloud, X_OK), 0);
    assert_non_null(getcwd(here, sizeof here));

    assert_int_equal(chdir("/dev"), 0); /* it lies elsewhere */
    int code = RUN_DEVICE("FOR", "1");
    assert_int_equal(chdir(here), 0);
    assert_int_equal(code, 0);
    assert_commands(cloud);

    char folder[HOST_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", cloud);
    for (int up = 0; up < 2; up++) { /* in its own folder, and in the one above */
        *strrchr(folder, '/') = 0;
        assert_int_equal(chdir(folder), 0);
        code = RUN_DEVICE("FOR", "1");
        assert_int_equal(chdir(here), 0);
        assert_int_equal(code, 0);
        assert_commands(up == 0 ? "./cloud" : cloud + strlen(folder) + 1);
    }
}

static void the_example_of_a_login_says_why_it_has_none(void **state)
{
    char example[HOST_PATH_MAX], port[8];
    (void)state;
    snprintf(example, sizeof example, "%s", program("examples/platform_login"));
    snprintf(port, sizeof port, "%u", broker.port);
    char *no_certificate = example;
    char *argv[] = {example, no_certificate, "pk", "dn", "ds", (char *)broker.address, port, "1",
                    NULL};
    assert_int_equal(run(argv), 1);
    ASSERT_PRINTED("lost: a certificate or key of the options is not plain DER, or not for us\n");
}

static void one_wrong_character_in_the_secret_is_refused_and_explained(void **state)
{
    (void)state;
    assert_int_equal(RUN_DEVICE("FOR", "3", "DS", "0f1e2d3c4b5a69788796a5b4c3d2e1f1"), 1);
    ASSERT_PRINTED("login not authorized", "LINK_DENIED", "never logged in");
    ASSERT_PRINTED("login a1B2c3D4e5F dev001 refused (4): signature wrong");
    assert_null(strstr(output, "0f1e2d3c4b5a69788796a5b4c3d2e1f"));
}

static void a_disabled_device_is_refused_and_explained(void **state)
{
    (void)state;
    assert_int_equal(
        RUN_DEVICE("FOR", "3", "DN", "off001", "DS", "2f3e4d5c6b7a89980716253443526170"), 1);
    ASSERT_PRINTED("LINK_DENIED");
    ASSERT_PRINTED("off001 is disabled");
}

static void another_authority_is_not_trusted_and_that_is_explained(void **state)
{
    char ca[HOST_PATH_MAX], dir[HOST_PATH_MAX];
    (void)state;
    assert_true(host_dir_make("other-ca", dir));
    make_ca(dir, ca);
    int code = RUN_DEVICE("FOR", "3", "CA", ca);
    host_dir_remove(dir);
    assert_int_equal(code, 1);
    ASSERT_PRINTED("server certificate rejected", "TLS_VERIFY 1", "CA: ", "never logged in");
}

static void the_demonstration_takes_any_broker(void **state)
{
    char where[64];
    (void)state;
    snprintf(where, sizeof where, "%s:%u", broker.address, broker.port);
    assert_int_equal(RUN_DEVICE("FOR", "2", "BROKER", where), 0);
    ASSERT_PRINTED("connected     to ", "mosquitto_pub", "acknowledged", "closed", "0 failed");
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
        cmocka_unit_test(the_probe_judges_json),
        cmocka_unit_test(the_probe_names_a_server_that_is_not_who_it_should_be),
        cmocka_unit_test(the_smallest_program_publishes),
        cmocka_unit_test(the_demonstration_logs_in_at_the_emulated_platform_and_sums_up),
        cmocka_unit_test(the_demonstration_names_the_cloud_that_was_built_with_it),
        cmocka_unit_test(the_example_of_a_login_says_why_it_has_none),
        cmocka_unit_test(one_wrong_character_in_the_secret_is_refused_and_explained),
        cmocka_unit_test(a_disabled_device_is_refused_and_explained),
        cmocka_unit_test(another_authority_is_not_trusted_and_that_is_explained),
        cmocka_unit_test(the_demonstration_takes_any_broker),
    };
    return cmocka_run_group_tests_name("programs", tests, setup, peer_broker_group_teardown);
}
