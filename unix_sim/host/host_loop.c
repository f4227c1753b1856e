/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_loop.h"

#include "host/host_net.h"
#include "host/host_slirp.h"

#include "lwip/timeouts.h"

#include <poll.h>
#include <string.h>

#define POLL_MAX (HOST_WATCH_MAX + 240u) /* libslirp: a descriptor per connection, and a few */

struct watch {
    int fd;
    short events;
    host_watch_handler handler; /* NULL: free */
    void *ctx;
};

static struct watch watches[HOST_WATCH_MAX];

static struct watch *find_watch(int fd)
{
    for (int i = 0; i < HOST_WATCH_MAX; i++)
        if (watches[i].handler != NULL && watches[i].fd == fd)
            return &watches[i];
    return NULL;
}

bool host_watch(int fd, short events, host_watch_handler handler, void *ctx)
{
    struct watch *w = find_watch(fd);

    for (int i = 0; w == NULL && i < HOST_WATCH_MAX; i++)
        if (watches[i].handler == NULL)
            w = &watches[i];
    if (w == NULL)
        return false;
    *w = (struct watch){fd, events, handler, ctx};
    return true;
}

void host_unwatch(int fd)
{
    struct watch *w = find_watch(fd);

    if (w != NULL)
        w->handler = NULL;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void host_turn(uint32_t max_wait_ms)
{
    struct pollfd fds[POLL_MAX];
    uint32_t wait_ms = smaller(max_wait_ms, HOST_TURN_MAX_MS);
    uint32_t watched = 0;

    wait_ms = smaller(wait_ms, sys_timeouts_sleeptime());
    wait_ms = smaller(wait_ms, host_frames_wait_ms());
    for (int i = 0; i < HOST_WATCH_MAX; i++)
        if (watches[i].handler != NULL)
            fds[watched++] = (struct pollfd){watches[i].fd, watches[i].events, 0};
    uint32_t count = watched + host_slirp_fill(fds + watched, POLL_MAX - watched, &wait_ms);

    bool failed = poll(fds, count, (int)wait_ms) < 0;
    host_slirp_polled(failed);
    for (uint32_t i = 0; i < watched && !failed; i++) {
        /* Looked up again: a handler before may have ended this watch. */
        struct watch *w = fds[i].revents != 0 ? find_watch(fds[i].fd) : NULL;
        if (w != NULL)
            w->handler(w->ctx, w->fd, fds[i].revents);
    }
    host_frames_feed(HOST_TURN_FRAMES);
    sys_check_timeouts();
}
