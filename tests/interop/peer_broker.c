/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_broker.h"

#include "test.h"

#include "peer_device.h"

#include <glob.h>
#include <libgen.h>
#include <unistd.h>

#define BROKERS_MAX 8

static struct host_broker *brokers[BROKERS_MAX];

void peer_broker_start(struct host_broker *b, uint16_t port, const char *extra,
                       const char *persistence_dir)
{
    struct host_broker_options o = {
        .address = peer_loopback, .extra = extra, .persistence_dir = persistence_dir};

    if (!host_start_mosquitto(b, port, &o))
        fail_msg("%s", b->why);
    for (uint32_t i = 0; i < BROKERS_MAX; i++) {
        if (brokers[i] == NULL || brokers[i] == b) {
            brokers[i] = b;
            return;
        }
    }
    fail_msg("too many brokers");
}

void peer_broker_kill_all(void)
{
    for (uint32_t i = 0; i < BROKERS_MAX; i++) {
        if (brokers[i] != NULL)
            host_kill_mosquitto(brokers[i]);
        brokers[i] = NULL;
    }
}

int peer_broker_group_setup(struct host_broker *b, void **state)
{
    if (peer_group_setup(state) != 0)
        return -1;
    peer_broker_start(b, 0, NULL, NULL);
    return 0;
}

int peer_broker_group_teardown(void **state)
{
    peer_broker_kill_all();
    return peer_group_teardown(state);
}

void peer_file_write(const char *dir, const char *name, const char *text, char path[HOST_PATH_MAX])
{
    assert_true(snprintf(path, HOST_PATH_MAX, "%s/%s", dir, name) < HOST_PATH_MAX);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(access(path, R_OK), 0);
}

/* Beside the private copy, whose wrapper is DEPS/bin/mosquitto, or where distributions put it. */
bool peer_broker_plugin(char path[HOST_PATH_MAX])
{
    char program[HOST_PATH_MAX] = "/usr/sbin/mosquitto", private[HOST_PATH_MAX];
    const char *patterns[] = {private, "/usr/lib/*/mosquitto_dynamic_security.so",
                              "/usr/lib/mosquitto_dynamic_security.so"};
    const char *mosquitto = getenv("MOSQUITTO");

    if (mosquitto != NULL)
        snprintf(program, sizeof program, "%s", mosquitto);
    snprintf(private, sizeof private, "%.900s/../mosquitto/usr/lib/*/mosquitto_dynamic_security.so",
             dirname(program));
    for (size_t i = 0; i < COUNT(patterns); i++) {
        glob_t found;
        bool ok = glob(patterns[i], 0, NULL, &found) == 0;
        if (ok)
            snprintf(path, HOST_PATH_MAX, "%s", found.gl_pathv[0]);
        globfree(&found);
        if (ok)
            return true;
    }
    return false;
}
