/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware logs in, sends and hears, with each kind of TLS and on each board. */
#include "test.h"

#include "host/host_child.h"
#include "interop/peer_certs.h"
#include "rig_broker.h"
#include "rig_cloud.h"

#include <unistd.h>

#define OWN "/a1B2c3D4e5F/"

/* From power on to a lamp that obeys: `login` and how the platform calls it. */
static void live(const char *board, const char *login, const char *accepted, const char *message)
{
    char line[128];

    rig_cloud_identity(login);
    rig_power_on(board);
    snprintf(line, sizeof line, "boot 1: lwlink 0.1.0 on mps2-%s, reset by power", board);
    rig_await(line);
    rig_await("net: address 10.0.2.15");
    rig_await("iot: connecting");
    rig_await("iot: connected");
    rig_cloud_await(accepted);
    rig_await("iot: reading 2 done");
    rig_cloud_send("on");
    snprintf(line, sizeof line, "%son", message);
    rig_await(line);
    rig_await("led: on");
    rig_cloud_send("off");
    snprintf(line, sizeof line, "%soff", message);
    rig_await(line);
    rig_await("led: off");
    rig_await("iot: reading");
    rig_readings_check(1);
    assert_true(rig_readings_done(1) >= 2);
    rig_power_off();
    rig_flash_expect("boots", "1");
}

#define SIGNED      "login a1B2c3D4e5F dev001 accepted: hmacsha256, tls"
#define MESSAGE(dn) "iot: message " OWN dn "/user/get "

static void a_cortex_m3_lives_at_the_platform_by_ecdhe_ecdsa(void **state)
{
    (void)state;
    live("an385", "ecdsa", SIGNED, MESSAGE("dev001"));
}

static void so_does_a_cortex_m4(void **state)
{
    (void)state;
    live("an386", "ecdsa", SIGNED, MESSAGE("dev001"));
}

static void so_does_a_cortex_m7(void **state)
{
    (void)state;
    live("an500", "ecdsa", SIGNED, MESSAGE("dev001"));
}

static void it_logs_in_by_psk(void **state)
{
    (void)state;
    live("an385", "psk", "login a1B2c3D4e5F psk001 accepted: hmacsha256, tls-psk",
         MESSAGE("psk001"));
}

static void it_logs_in_with_a_certificate_of_its_own(void **state)
{
    (void)state;
    live("an385", "x509", "login a1B2c3D4e5F cert001 accepted: certificate, tls with certificate",
         MESSAGE("cert001"));
}

static void a_wrong_secret_is_refused_and_said(void **state)
{
    (void)state;
    rig_cloud_identity("ecdsa");
    rig_flash_text("ds", "0f1e2d3c4b5a69788796a5b4c3d2e1f1");
    rig_power_on("an385");
    rig_await("iot: lost LINK_DENIED");
    rig_cloud_await("login a1B2c3D4e5F dev001 refused (4): signature wrong");
    assert_int_equal(rig_readings_done(1), 0);
}

static void a_server_of_another_authority_is_not_trusted(void **state)
{
    (void)state;
    rig_cloud_identity("ecdsa");
    rig_flash_bytes("ca", peer_cert(CERT_EC_ROOT)->der);
    rig_power_on("an385");
    rig_await("iot: lost TLS_VERIFY (CA)");
    assert_int_equal(rig_readings_done(1), 0);
}

static void a_board_without_an_identity_says_so(void **state)
{
    (void)state;
    rig_power_on("an385");
    rig_await("boot 1: ");
    rig_await("factory: this device has no identity");
}

/* ---- RSA: the emulated platform has none, a stock broker with a chain of three has ------------- */

#define WITNESS_MAX 8192u

/* What mosquitto_sub printed, once it has ended. */
static void read_witness(int fd)
{
    char text[WITNESS_MAX];
    size_t len = 0;
    ssize_t n;

    while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    text[len] = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        rig_readings_witness(line);
}

static pid_t start_witness(const struct host_broker *broker, int *output)
{
    char *tool = getenv("MOSQUITTO_SUB"), port[8];
    char *argv[] = {tool != NULL ? tool : "mosquitto_sub",
                    "-h",
                    "127.0.0.1",
                    "-p",
                    port,
                    "-t",
                    OWN "dev001/user/update",
                    NULL};

    snprintf(port, sizeof port, "%u", (unsigned)broker->port);
    pid_t pid = host_spawn(argv, NULL, output);
    assert_true(pid > 0);
    return pid;
}

static void it_logs_in_by_ecdhe_rsa_with_a_chain_of_three(void **state)
{
    struct host_broker broker;
    int output;

    (void)state;
    rig_broker_start(&broker);
    pid_t witness = start_witness(&broker, &output);
    rig_power_on("an385");
    rig_await("iot: connected");
    rig_await("iot: reading 4 done");
    rig_power_off();
    host_stop(witness);
    read_witness(output);
    host_stop_mosquitto(&broker);
    assert_true(rig_readings_done(1) >= 4);
    rig_readings_check(1);
}

static int teardown(void **state)
{
    peer_certs_remove();
    return rig_cloud_group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(a_cortex_m3_lives_at_the_platform_by_ecdhe_ecdsa),
        CLOUD_TEST(so_does_a_cortex_m4),
        CLOUD_TEST(so_does_a_cortex_m7),
        CLOUD_TEST(it_logs_in_by_psk),
        CLOUD_TEST(it_logs_in_with_a_certificate_of_its_own),
        CLOUD_TEST(it_logs_in_by_ecdhe_rsa_with_a_chain_of_three),
        CLOUD_TEST(a_wrong_secret_is_refused_and_said),
        CLOUD_TEST(a_server_of_another_authority_is_not_trusted),
        CLOUD_TEST(a_board_without_an_identity_says_so),
    };
    return cmocka_run_group_tests_name("firmware_login", tests, rig_cloud_group_setup, teardown);
}
