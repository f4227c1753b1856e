/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_cloud.h"

#include "test.h"

#include "host/host_child.h"
#include "host/host_factory.h"

#define PERIOD_MS "200"      /* between readings: a test waits for some */
#define TEXT_MAX  (4u << 20) /* of the platform's log, in a test */

struct host_cloud rig_cloud;

/* said: what the log got since the test began, each line behind a newline. */
static struct {
    uint64_t seen; /* bytes of the log */
    const struct host_login *login;
    uint32_t used;
    char said[TEXT_MAX];
} cloud;

static void take_log(void)
{
    char line[1200];

    while (host_cloud_line(rig_cloud.dir, &cloud.seen, line, sizeof line)) {
        int n = snprintf(cloud.said + cloud.used, TEXT_MAX - cloud.used, "\n%s", line);
        if (n < 0 || (uint32_t)n >= TEXT_MAX - cloud.used)
            rig_fail("the platform says too much");
        cloud.used += (uint32_t)n;
        rig_readings_witness(line);
    }
}

static void show_log(void)
{
    const char *line = cloud.said;

    take_log();
    print_message("the platform said, apart from readings:\n");
    while ((line = strchr(line, '\n')) != NULL) {
        line++;
        if (strstr(line, ": publish ") != line + 5)
            print_message("    %.*s\n", (int)strcspn(line, "\n"), line);
    }
}

int rig_cloud_group_setup(void **state)
{
    const struct host_cloud_options o = {.more = "option log-payload 100"};

    (void)state;
    if (host_cloud_start(&rig_cloud, &o))
        return 0;
    print_message("%s\n", rig_cloud.why);
    return -1;
}

int rig_cloud_group_teardown(void **state)
{
    (void)state;
    host_cloud_stop(&rig_cloud);
    return 0;
}

int rig_cloud_test_setup(void **state)
{
    char line[1200];

    host_cloud_cut(&rig_cloud); /* it forgets the sessions of the test before */
    if (!host_cloud_restore(&rig_cloud)) {
        print_message("%s\n", rig_cloud.why);
        return -1;
    }
    while (host_cloud_line(rig_cloud.dir, &cloud.seen, line, sizeof line))
        ;
    cloud.used = 0;
    cloud.said[0] = 0;
    rig_readings_begin();
    rig_on_turn = take_log;
    rig_on_fail = show_log;
    return rig_board_setup(state);
}

int rig_cloud_test_teardown(void **state)
{
    rig_on_turn = rig_on_fail = NULL;
    return rig_board_teardown(state);
}

void rig_cloud_identity(const char *login)
{
    struct host_flash *f = rig_flash_open();

    cloud.login = host_login_find(login);
    assert_non_null(cloud.login);
    if (!host_factory_write(f, &rig_cloud, cloud.login))
        fail_msg("%s", f->why);
    rig_flash_text("period-ms", PERIOD_MS);
}

void rig_cloud_send(const char *payload)
{
    char line[2048], answer[256];

    snprintf(line, sizeof line, "publish %s %s /%s/%s/user/get %s", HOST_FACTORY_PK,
             cloud.login->device, HOST_FACTORY_PK, cloud.login->device, payload);
    if (!host_cloud_command(rig_cloud.dir, line, answer, sizeof answer))
        rig_fail(answer);
}

void rig_cloud_cut(void)
{
    host_cloud_cut(&rig_cloud);
}

void rig_cloud_restore(void)
{
    if (!host_cloud_restore(&rig_cloud))
        rig_fail(rig_cloud.why);
}

void rig_cloud_await(const char *words)
{
    char line[256];

    snprintf(line, sizeof line, "\ncloud: %s", words);
    RIG_UNTIL(strstr(cloud.said, line) != NULL);
}

uint32_t rig_cloud_count(const char *words)
{
    char line[256];
    uint32_t n = 0;

    take_log();
    snprintf(line, sizeof line, "\ncloud: %s", words);
    for (const char *at = cloud.said; (at = strstr(at, line)) != NULL; at++)
        n++;
    return n;
}

void rig_cloud_command(const char *line)
{
    char answer[1024];

    if (!host_cloud_command(rig_cloud.dir, line, answer, sizeof answer))
        rig_fail(answer);
}
