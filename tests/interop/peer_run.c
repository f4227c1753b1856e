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

void peer_child_start(struct peer_child *c, const char *const argv[])
{
    c->len = 0;
    c->said[0] = 0;
    c->pid = host_spawn((char *const *)argv, NULL, &c->fd);
    if (c->pid <= 0)
        fail_msg("cannot start %s", argv[0]);
}

/* What it prints within a moment. False: its output has ended. */
static bool listen_to(struct peer_child *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    if (poll(&p, 1, 100) <= 0)
        return true;
    ssize_t n = read(c->fd, c->said + c->len, sizeof c->said - 1 - c->len);
    c->len += n > 0 ? (size_t)n : 0;
    c->said[c->len] = 0;
    return n > 0;
}

static void give_up(struct peer_child *c, const char *why)
{
    host_kill(c->pid);
    close(c->fd);
    print_message("%s\n", c->said); /* fail_msg cuts it */
    fail_msg("%s", why);
}

void peer_child_says(struct peer_child *c, const char *what)
{
    uint64_t end = host_clock_ms() + RUN_MS;

    while (strstr(c->said, what) == NULL)
        if (!listen_to(c) || host_clock_ms() > end)
            give_up(c, what);
}

int peer_child_end(struct peer_child *c)
{
    uint64_t end = host_clock_ms() + RUN_MS;
    int status = 0;

    while (listen_to(c))
        if (host_clock_ms() > end)
            give_up(c, "it does not end");
    while (host_alive(c->pid, &status)) {
        if (host_clock_ms() > end)
            give_up(c, "it does not end");
        host_pause_ms(2);
    }
    close(c->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int peer_run(const char *const argv[])
{
    static struct peer_child c;

    peer_child_start(&c, argv);
    int code = peer_child_end(&c);
    memcpy(peer_output, c.said, sizeof peer_output);
    return code;
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

void peer_says(const char *text, const char *const *lines, size_t count)
{
    const char *at = text;

    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, lines[i]);
        if (found == NULL)
            fail_msg("'%s' is not in its place:\n%s", lines[i], text);
        at = found + strlen(lines[i]);
    }
}
