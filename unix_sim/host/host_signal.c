/* SPDX-License-Identifier: Apache-2.0 */
/* The handler writes to a pipe that the loop watches: a signal just before poll ends the wait. */
#include "host/host_signal.h"

#include "host/host_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t first_signal;
static int pipe_ends[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;

    if (first_signal == 0)
        first_signal = number;
    if (write(pipe_ends[1], "", 1) < 0)
        errno = 0; /* full: then it is readable anyway */
    errno = saved;
}

static void on_readable(void *ctx, int fd, short revents)
{
    char bytes[16];

    (void)ctx;
    (void)revents;
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

bool host_signal_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;

    if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0 ||
        !host_watch(pipe_ends[0], POLLIN, on_readable, NULL))
        return false;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaction(numbers[i], &action, NULL) != 0)
            return false;
    return true;
}

int host_signal_seen(void)
{
    return first_signal;
}
