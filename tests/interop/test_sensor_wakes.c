/* SPDX-License-Identifier: Apache-2.0 */
/* examples/coap_sensor, each wake a process of its own with nothing but its flash, against a server that knows connection IDs.
 * Each wake comes from another port, as libslirp makes a new socket. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_dir.h"
#include "peer_readings.h"
#include "peer_run.h"
#include "unix/iot_nor_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define WAKE_MS  60000u
#define CUT_EXIT 42
#define CUTS_MAX 100u /* more operations than a wake has, also when the store makes room */

static struct peer_readings server;
static struct peer_child sensor;
static char folder[HOST_PATH_MAX], flash[HOST_PATH_MAX + 16];

/* ---- Wakes --------------------------------------------------------------------------------------- */

static void start(const char *key, const char *cut)
{
    char port[8], program[HOST_PATH_MAX + 64];

    snprintf(port, sizeof port, "%u", (unsigned)server.port);
    snprintf(program, sizeof program, "%s", peer_program("examples/coap_sensor"));
    const char *argv[] = {program, flash, PEER_READINGS_NAME, key, "127.0.0.1", port, cut, NULL};
    peer_child_start(&sensor, argv);
    assert_int_equal(fcntl(sensor.fd, F_SETFL, O_NONBLOCK), 0);
}

/* False: its output has ended. */
static bool listen_to(struct peer_child *c)
{
    ssize_t n = read(c->fd, c->said + c->len, sizeof c->said - 1 - c->len);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c->len += (size_t)n;
    c->said[c->len] = 0;
    return n > 0;
}

/* From power on until it is asleep, or cut (NULL: it is not); its exit code. */
static int wake(const char *cut)
{
    uint64_t end_ms = host_clock_ms() + WAKE_MS;

    start(PEER_READINGS_KEY, cut);
    while (listen_to(&sensor)) {
        peer_readings_turn(&server, 5);
        if (host_clock_ms() > end_ms) {
            host_kill(sensor.pid);
            fail_msg("it does not go to sleep: %s", sensor.said);
        }
    }
    return peer_child_end(&sensor);
}

static bool said(const char *words)
{
    return strstr(sensor.said, words) != NULL;
}

static void expect_wake(int code, const char *words)
{
    int got = wake(NULL);

    if (got != code || !said(words))
        fail_msg("exit %d, no '%s':\n%s", got, words, sensor.said);
}

#define RESUMED   "2.04, went on where it was\n"
#define HANDSHAKE "2.04, after a handshake\n"

static uint32_t handshakes(void)
{
    return dtls_server_counts(server.dtls).handshakes;
}

/* ---- Tests --------------------------------------------------------------------------------------- */

static void many_wakes_need_one_handshake(void **state)
{
    (void)state;
    expect_wake(0, "readings 1 to 1: " HANDSHAKE);
    for (uint32_t i = 2; i <= 6; i++) {
        char words[64];
        snprintf(words, sizeof words, "readings %u to %u: " RESUMED, i, i);
        expect_wake(0, words);
    }
    peer_readings_check(&server, 6);
    assert_int_equal(handshakes(), 1);
    assert_int_equal(server.posts, 6);
    assert_int_equal(server.again, 0);
    assert_int_equal(server.sources, 6);
    assert_int_equal(dtls_server_counts(server.dtls).moves, 5);
    assert_int_equal(dtls_server_counts(server.dtls).lost, 0);
}

static void what_is_refused_is_posted_again(void **state)
{
    (void)state;
    expect_wake(0, "readings 1 to 1: " HANDSHAKE);
    server.mood = READINGS_REFUSES;
    expect_wake(1, "readings 2 to 2: 5.03, went on where it was\n");
    expect_wake(1, "readings 2 to 3: 5.03, went on where it was\n");
    server.mood = READINGS_TAKES;
    expect_wake(0, "readings 2 to 4: " RESUMED);
    peer_readings_check(&server, 4);
    assert_int_equal(handshakes(), 1);
    assert_int_equal(server.again, 0);
}

static void a_server_that_has_lost_the_association_gets_a_new_one(void **state)
{
    (void)state;
    expect_wake(0, HANDSHAKE);
    expect_wake(0, RESUMED);
    peer_readings_restart(&server);
    expect_wake(0, "readings 3 to 3: " HANDSHAKE);
    expect_wake(0, "readings 4 to 4: " RESUMED);
    peer_readings_check(&server, 4);
    assert_int_equal(handshakes(), 2);
    assert_int_equal(server.again, 0);
}

/* It knows the association by its address only, and that is another one each time: nothing is lost but time. */
static void a_server_without_connection_ids_costs_a_handshake(void **state)
{
    (void)state;
    peer_readings_stop(&server);
    assert_true(peer_readings_start(&server, false));
    expect_wake(0, "readings 1 to 1: " HANDSHAKE);
    expect_wake(0, "readings 2 to 2: " HANDSHAKE);
    peer_readings_check(&server, 2);
    assert_int_equal(handshakes(), 2);
    assert_int_equal(server.sealed, 0);
}

static void a_flash_that_is_new_begins_anew(void **state)
{
    (void)state;
    expect_wake(0, HANDSHAKE);
    unlink(flash);
    peer_readings_stop(&server);
    assert_true(peer_readings_start(&server, true));
    expect_wake(0, "readings 1 to 1: " HANDSHAKE);
    peer_readings_check(&server, 1);
}

/* The last number that the sensor says has arrived. */
static uint32_t last_reading(void)
{
    unsigned first, last;

    if (sscanf(sensor.said, "readings %u to %u: ", &first, &last) != 2)
        fail_msg("no readings: %s", sensor.said);
    return last;
}

/* One wake that is cut, and an undisturbed one: that brings everything that was numbered. False: it was over before. */
static bool cut_at(uint32_t at, enum iot_nor_cut kind)
{
    char cut[32];

    snprintf(cut, sizeof cut, "%u:%s", at, iot_nor_unix_cut_name(kind));
    int code = wake(cut);
    if (code != CUT_EXIT && code != 0)
        fail_msg("cut %s: exit %d\n%s", cut, code, sensor.said);
    expect_wake(0, "2.04, ");
    if (server.wrong[0] != 0 || server.twice != 0)
        fail_msg("cut %s: %s, %u records twice", cut, server.wrong, server.twice);
    peer_readings_check(&server, last_reading());
    return code == CUT_EXIT;
}

/* Each operation of a wake that goes on with an association, and whatever a cut leaves behind. */
static void power_may_go_at_any_operation(void **state)
{
    uint32_t cuts = 0, resumed = 0;
    (void)state;
    expect_wake(0, HANDSHAKE);
    for (enum iot_nor_cut kind = IOT_NOR_CUT_NONE; kind < IOT_NOR_CUT_KINDS; kind++) {
        for (uint32_t at = 1; cut_at(at, kind); at++) {
            assert_true(at < CUTS_MAX);
            cuts++;
            resumed += said(RESUMED);
        }
    }
    print_message("%u cuts, %u of them left an association; %u handshakes, %u records\n", cuts,
                  resumed, handshakes(), server.sealed);
    assert_true(cuts > 10u * IOT_NOR_CUT_KINDS);
    assert_true(resumed > 0 && resumed < cuts);
    assert_true(server.again > 0); /* cut between the answer and the store */
    assert_int_equal(dtls_server_counts(server.dtls).failures, 0);
}

static void arguments_are_asked_for(void **state)
{
    const char *const few[] = {peer_program("examples/coap_sensor"), flash, "name", NULL};
    (void)state;
    assert_int_equal(peer_run(few), 2);
    assert_int_equal(wake("0"), 2);
    assert_int_equal(wake("1:rain"), 2);
}

static int setup(void **state)
{
    (void)state;
    if (!host_dir_make("sensor", folder))
        return -1;
    snprintf(flash, sizeof flash, "%s/flash", folder);
    return peer_readings_start(&server, true) ? 0 : -1;
}

/* After a failed test, too. */
static int teardown(void **state)
{
    int status;

    (void)state;
    if (sensor.pid > 0 && host_alive(sensor.pid, &status))
        host_kill(sensor.pid);
    sensor.pid = 0;
    peer_readings_stop(&server);
    host_dir_remove(folder);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_wakes_need_one_handshake),
        TEST(what_is_refused_is_posted_again),
        TEST(a_server_that_has_lost_the_association_gets_a_new_one),
        TEST(a_server_without_connection_ids_costs_a_handshake),
        TEST(a_flash_that_is_new_begins_anew),
        TEST(power_may_go_at_any_operation),
        TEST(arguments_are_asked_for),
    };
    return cmocka_run_group_tests_name("sensor_wakes", tests, NULL, NULL);
}
