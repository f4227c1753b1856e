/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/front_clerks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLERK_MS 5000u /* for a command to arrive, and for its answer to be taken */

static void dismiss(struct front_clerk *k)
{
    close(k->fd);
    k->fd = -1;
    k->ticket = 0;
    free(k->answer);
    k->answer = NULL;
}

static void give_answer(struct front_clerk *k, const char *answer, uint64_t now_ms)
{
    k->ticket = 0;
    k->answer = strdup(answer);
    k->sent = 0;
    k->since_ms = now_ms;
    if (k->answer == NULL)
        dismiss(k);
}

/* As much as the socket takes now. */
static void send_answer(struct front_clerk *k, uint64_t now_ms)
{
    size_t left = strlen(k->answer) - k->sent;
    ssize_t n = send(k->fd, k->answer + k->sent, left, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n > 0)
        k->sent += (size_t)n;
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || k->answer[k->sent] == 0 ||
        now_ms - k->since_ms > CLERK_MS)
        dismiss(k);
}

/* Its line; NULL: not all of it is there. */
static char *hear(struct front_clerk *k, uint64_t now_ms)
{
    ssize_t n = recv(k->fd, k->line + k->len, sizeof k->line - 1 - k->len, MSG_DONTWAIT);

    if (n > 0)
        k->len += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR) || now_ms - k->since_ms > CLERK_MS) {
        dismiss(k);
        return NULL;
    }
    k->line[k->len] = 0;
    char *end = strchr(k->line, '\n');
    if (end == NULL) {
        if (k->len == sizeof k->line - 1)
            dismiss(k);
        return NULL;
    }
    *end = 0;
    return k->line;
}

static void serve(struct front_clerks *f, struct front_clerk *k, struct cloud *cloud,
                  uint64_t now_ms)
{
    char *line = k->answer == NULL && k->ticket == 0 ? hear(k, now_ms) : NULL;

    if (line != NULL) {
        k->ticket = cloud_command(cloud, line, f->answer, sizeof f->answer, now_ms);
        if (k->ticket == 0)
            give_answer(k, f->answer, now_ms);
    } else if (k->fd >= 0 && k->answer == NULL && k->ticket != 0 &&
               cloud_command_answer(cloud, k->ticket, f->answer, sizeof f->answer))
        give_answer(k, f->answer, now_ms);
    if (k->fd >= 0 && k->answer != NULL)
        send_answer(k, now_ms);
}

void front_clerks_serve(struct front_clerks *f, struct cloud *cloud, uint64_t now_ms)
{
    for (int i = 0; i < FRONT_CLERKS_MAX; i++) {
        struct front_clerk *k = &f->clerks[i];
        if (k->fd < 0) {
            k->fd = accept4(f->control, NULL, NULL, SOCK_CLOEXEC);
            k->since_ms = now_ms;
            k->len = 0;
        }
        if (k->fd >= 0)
            serve(f, k, cloud, now_ms);
    }
}

/* A path may be longer than a socket's address: it is reached by way of its open folder. */
bool front_clerks_open(struct front_clerks *f, const char *folder)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < FRONT_CLERKS_MAX; i++)
        f->clerks[i].fd = -1;
    if (dir < 0)
        return false;
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/control", dir);
    f->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlinkat(dir, "control", 0);
    bool ok = f->control >= 0 && bind(f->control, (struct sockaddr *)&a, sizeof a) == 0 &&
              fchmodat(dir, "control", 0600, 0) == 0 && listen(f->control, FRONT_CLERKS_MAX) == 0;
    close(dir);
    return ok;
}

void front_clerks_close(struct front_clerks *f)
{
    if (f->control >= 0)
        close(f->control);
    f->control = -1;
}
