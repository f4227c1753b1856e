/* SPDX-License-Identifier: Apache-2.0 */
/* The dearest tick, the arena and the stack of each kind of TLS, counted on an emulated Cortex-M3 and held against the
 * budgets. Counted are instructions, so a slow machine changes nothing. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_factory.h"
#include "interop/peer_certs.h"
#include "rig_broker.h"
#include "rig_cloud.h"
#include "rig_firmware.h"

#define MESSAGE_BYTES 900u
#define KIB           1024u

/* Instructions, bytes. */
struct budget {
    uint32_t handshake, arena;
};

static char message[MESSAGE_BYTES + 1];

static uint32_t number(const char *name)
{
    char words[64];

    snprintf(words, sizeof words, "ticks %s ", name);
    return (uint32_t)strtoul(rig_await(words) + strlen(words), NULL, 10);
}

/* Printed as "figure: KIND-NAME NUMBER budget BUDGET". */
static void judge(const char *kind, const char *name, uint32_t budget)
{
    uint32_t n = number(name);

    print_message("figure: %s-%s %u budget %u\n", kind, name, n, budget);
    assert_in_range(n, 1, budget);
}

static void show(const char *kind, const char *name)
{
    print_message("figure: %s-%s %u\n", kind, name, number(name));
}

/* From the login to the last reading; `send` brings it a message of MESSAGE_BYTES. */
static void count(const char *kind, void (*send)(void), struct budget budget)
{
    memset(message, 'x', MESSAGE_BYTES);
    rig_power_on_counted("ticks");
    rig_await("ticks listening");
    send();
    judge(kind, "handshake-worst", budget.handshake);
    show(kind, "handshake-total");
    show(kind, "handshake-steps");
    judge(kind, "steady-worst", 100000 + 170000 * (MESSAGE_BYTES + 100) / KIB);
    judge(kind, "arena-peak", budget.arena);
    show(kind, "arena-steady");
    judge(kind, "stack-used", 3072);
    rig_await("ticks end");
}

static void send_by_platform(void)
{
    rig_cloud_send(message);
}

static void ecdhe_ecdsa(void **state)
{
    (void)state;
    rig_cloud_identity("ecdsa");
    count("ECDHE-ECDSA", send_by_platform, (struct budget){1500000, 13 * KIB});
}

static void psk(void **state)
{
    (void)state;
    rig_cloud_identity("psk");
    count("PSK", send_by_platform, (struct budget){500000, 12 * KIB}); /* 6.6 of it: the records */
}

static void client_certificate(void **state)
{
    (void)state;
    rig_cloud_identity("x509");
    count("client-certificate", send_by_platform, (struct budget){1500000, 15 * KIB});
}

static struct host_broker broker;

static void send_by_broker(void)
{
    char *tool = getenv("MOSQUITTO_PUB"), port[8];
    char *argv[] = {
        tool != NULL ? tool : "mosquitto_pub",  "-h", "127.0.0.1", "-p", port, "-q", "1", "-t",
        "/" HOST_FACTORY_PK "/dev001/user/get", "-m", message,     NULL};

    snprintf(port, sizeof port, "%u", (unsigned)broker.port);
    int status = -1;
    pid_t pid = host_spawn(argv, NULL, NULL);
    assert_true(pid > 0);
    RIG_UNTIL(!host_alive(pid, &status));
    assert_int_equal(status, 0);
}

static void ecdhe_rsa(void **state)
{
    (void)state;
    rig_broker_start(&broker);
    count("ECDHE-RSA", send_by_broker, (struct budget){20000000, 17 * KIB});
    rig_power_off();
    host_stop_mosquitto(&broker);
}

/* Printed as "figure: OTA-RECORDS-WHOSE NUMBER of BYTES". */
static void judge_arena(const char *line, const char *records, const char *whose)
{
    char words[16];
    unsigned high, max;

    snprintf(words, sizeof words, "%s ", whose);
    const char *at = strstr(line, words);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(words), "%u of %u", &high, &max), 2);
    print_message("figure: OTA-%s-%s %u of %u\n", records, whose, high, max);
    assert_in_range(high, 1, max);
}

/* An update over HTTPS beside MQTT over TLS, by a product whose TLS takes records of so many bytes. */
static void update(const char *build, const char *records)
{
    rig_firmware_use(build);
    rig_firmware_make();
    rig_firmware_on();
    rig_await("iot: connected");
    rig_publish(rig_firmware_path("2.0.0"), "2.0.0", "");
    const char *line = rig_await("update: arenas: ");
    judge_arena(line, records, "MQTT");
    judge_arena(line, records, "HTTP");
    rig_await("firmware: stays");
    rig_await_update(1, "succeeded");
    rig_firmware_use("an385");
}

static void update_with_small_records(void **state)
{
    (void)state;
    update("an385", "4096");
}

static void update_with_the_largest_records(void **state)
{
    (void)state;
    update("an385-16k", "16384");
}

static int teardown(void **state)
{
    peer_certs_remove();
    return rig_cloud_group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(psk),
        CLOUD_TEST(ecdhe_ecdsa),
        CLOUD_TEST(client_certificate),
        CLOUD_TEST(ecdhe_rsa),
        CLOUD_TEST(update_with_small_records),
        CLOUD_TEST(update_with_the_largest_records),
    };
    return cmocka_run_group_tests_name("firmware_ticks", tests, rig_cloud_group_setup, teardown);
}
