/* SPDX-License-Identifier: Apache-2.0 */
/* A board that reports to the emulated platform by CoAP, and libcoap's client, who is near it. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_factory.h"
#include "host/host_slirp.h"
#include "rig_cloud.h"

#include <stdlib.h>
#include <sys/wait.h>

#define PROGRAM     "../an385-report/firmware_report"
#define DN          "dev001"
#define DS          "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define LISTEN_PORT 5683u

static char arena[32]; /* what it said of it */
static uint16_t near;  /* where programs of this machine reach it */

/* As a factory leaves it. */
static void power_on(const char *way, const char *format, const char *secret)
{
    char port[8];
    bool symmetric = strcmp(way, "symmetric") == 0;

    snprintf(port, sizeof port, "%u",
             (unsigned)(symmetric ? rig_cloud.coap.plain : rig_cloud.coap.psk));
    rig_flash_text("pk", HOST_FACTORY_PK);
    rig_flash_text("dn", DN);
    rig_flash_text("ds", secret);
    rig_flash_text("host", "10.0.2.2");
    rig_flash_text("port", port);
    rig_flash_text("way", way);
    rig_flash_text("format", format);
    rig_flash_text("period-ms", "1000");
    rig_power_on_with(PROGRAM);
    near = 0;
    assert_true(host_slirp_forward_udp(false, &near, LISTEN_PORT));
}

/* libcoap's client asks it, and is answered with this. */
static void expect(const char *answer, const char *path, const char *method, const char *value)
{
    char program[HOST_PATH_MAX], uri[128], file[HOST_PATH_MAX + 16], said[1024];
    char *argv[] = {program, "-m", (char *)method, "-B", "20", uri, NULL, NULL, NULL};
    int status = 0;

    snprintf(program, sizeof program, "%s-notls", getenv("COAP_CLIENT"));
    snprintf(uri, sizeof uri, "coap://127.0.0.1:%u/%s", (unsigned)near, path);
    snprintf(file, sizeof file, "%s/asked.txt", rig_cloud.dir);
    if (value != NULL) {
        argv[5] = "-e";
        argv[6] = (char *)value;
        argv[7] = uri;
    }
    remove(file);
    pid_t pid = host_spawn(argv, file, NULL);
    assert_true(pid > 0);
    RIG_UNTIL(!host_alive(pid, &status));
    assert_int_equal(status, 0);
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    size_t n = fread(said, 1, sizeof said - 1, f);
    fclose(f);
    said[n] = '\0';
    if (strncmp(said, answer, strlen(answer)) != 0)
        rig_fail(said);
}

static void await_all(void)
{
    rig_await("report: device info acknowledged");
    rig_await("report: version acknowledged");
    rig_await("report: properties acknowledged, number 1");
    snprintf(arena, sizeof arena, "%s", rig_await("report: arena ") + strlen("report: "));
    rig_await("report: event acknowledged");
    rig_await("report: update acknowledged");
}

static void it_reports_over_dtls_with_a_key_and_serves_who_is_near(void **state)
{
    (void)state;
    power_on("psk", "json", DS);
    await_all();
    print_message("figure: a board that reports, TLS %s bytes\n", arena);
    rig_cloud_await("coap dtls-psk POST /auth: 2.05");
    rig_cloud_await("coap dtls-psk POST /topic/sys/" HOST_FACTORY_PK "/" DN
                    "/thing/event/property/post: 2.05");
    rig_await("report: properties acknowledged, number 2");

    expect("</light>;rt=\"light\";ct=0;obs,</status>;rt=\"status\";ct=50", ".well-known/core",
           "get", NULL);
    expect("0", "light", "get", NULL);
    expect("", "light", "put", "1");
    rig_await("report: switched on");
    expect("1", "light", "get", NULL);
    expect("4.04", "nothing", "get", NULL);
    rig_await("report: properties acknowledged, number ");
    rig_cloud_command("show " HOST_FACTORY_PK " " DN);

    assert_int_equal(rig_count("report: reset by"), 1);
}

static void it_reports_by_the_symmetric_mode(void **state)
{
    (void)state;
    power_on("symmetric", "cbor", DS);
    await_all();
    rig_cloud_await("coap symmetric POST /auth: 2.05");
    rig_await("report: properties acknowledged, number 3");
    expect("0", "light", "get", NULL);
}

/* Its numbers begin anew, the platform's token is another one. */
static void after_a_reset_it_reports_again(void **state)
{
    (void)state;
    power_on("symmetric", "json", DS);
    await_all();
    rig_reset();
    rig_await("report: reset by pin");
    await_all();
    rig_power_off();
    power_on("psk", "cbor", DS);
    await_all();
}

static void a_platform_that_was_away_is_reported_to_again(void **state)
{
    (void)state;
    power_on("psk", "json", DS);
    await_all();
    rig_cloud_cut();
    rig_run(1500);
    expect("{\"light\":0", "status", "get", NULL); /* who is near does not need it */
    rig_cloud_restore();
    rig_cloud_await("coap dtls-psk POST /auth: 2.05");
    rig_await("report: properties acknowledged, number ");
}

static void with_a_wrong_secret_it_says_so(void **state)
{
    (void)state;
    power_on("symmetric", "json", "00000000000000000000000000000000");
    rig_await("report: device info failed: UPLINK_STATUS 401");
    expect("0", "light", "get", NULL);
}

static void without_its_factory_it_says_so(void **state)
{
    (void)state;
    rig_power_on_with(PROGRAM);
    rig_await("report: cannot start: ARG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(it_reports_over_dtls_with_a_key_and_serves_who_is_near),
        CLOUD_TEST(it_reports_by_the_symmetric_mode),
        CLOUD_TEST(after_a_reset_it_reports_again),
        CLOUD_TEST(a_platform_that_was_away_is_reported_to_again),
        CLOUD_TEST(with_a_wrong_secret_it_says_so),
        CLOUD_TEST(without_its_factory_it_says_so),
    };
    return cmocka_run_group_tests_name("firmware_report", tests, rig_cloud_group_setup,
                                       rig_cloud_group_teardown);
}
