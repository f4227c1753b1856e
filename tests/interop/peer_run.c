/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_run.h"

#include "test.h"

#include "host/host_child.h"
#include "host/host_dir.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_MS 30000u

char peer_output[65536];

int peer_run(const char *const argv[])
{
    int fd, status = 0;
    size_t len = 0;
    uint64_t end = host_clock_ms() + RUN_MS;
    pid_t pid = host_spawn((char *const *)argv, NULL, &fd);

    if (pid <= 0)
        fail_msg("cannot start %s", argv[0]);
    while (host_clock_ms() < end && len < sizeof peer_output - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 100) <= 0)
            continue;
        ssize_t n = read(fd, peer_output + len, sizeof peer_output - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    peer_output[len] = 0;
    close(fd);
    while (host_alive(pid, &status)) {
        if (host_clock_ms() > end) {
            host_kill(pid);
            fail_msg("%s does not end:\n%s", argv[0], peer_output);
        }
        host_pause_ms(2);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *peer_program(const char *name)
{
    static char path[HOST_PATH_MAX + 64];

    assert_true(host_dir_program(path));
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        assert_non_null(slash);
        snprintf(slash, sizeof path - (size_t)(slash - path), "/%s", name);
        if (access(path, X_OK) == 0)
            return path;
        *slash = 0;
    }
    fail_msg("no program %s beside the tests", name);
    return NULL;
}
