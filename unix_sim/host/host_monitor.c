/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_monitor.h"

#include "host/host_child.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MS 20000u
#define LINE_MAX  4096u

/* The next whole line, without its end; one that is too long is cut. Byte by byte: what is behind it belongs to the
 * next command. */
static bool read_line(int fd, uint64_t end_ms, char *line)
{
    uint32_t len = 0;

    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        uint64_t now_ms = host_clock_ms();
        char c;
        if (now_ms >= end_ms)
            return false;
        if (poll(&p, 1, (int)(end_ms - now_ms)) <= 0)
            continue;
        if (recv(fd, &c, 1, MSG_DONTWAIT) != 1)
            return false;
        if (c == '\n')
            break;
        if (len < LINE_MAX - 1)
            line[len++] = c;
    }
    line[len] = 0;
    return true;
}

static bool starts(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

bool host_monitor_do(int fd, const char *command, char *why, uint32_t cap)
{
    uint64_t end_ms = host_clock_ms() + ANSWER_MS;
    size_t len = strlen(command);
    char line[LINE_MAX];

    if (send(fd, command, len, MSG_NOSIGNAL) != (ssize_t)len ||
        send(fd, "\n", 1, MSG_NOSIGNAL) != 1) {
        snprintf(why, cap, "the emulator's monitor is gone");
        return false;
    }
    while (read_line(fd, end_ms, line)) {
        if (starts(line, "{\"return\""))
            return true;
        if (starts(line, "{\"error\"")) {
            snprintf(why, cap, "%s", line);
            return false;
        }
    }
    snprintf(why, cap, "the emulator's monitor does not answer: %.200s", command);
    return false;
}
