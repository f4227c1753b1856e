/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_input.h"

#include "host/host_loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* bytes: start..end are read and not yet handed out. */
static struct {
    char **commands;
    uint32_t command_count;
    int fd;
    bool ended;
    uint32_t start, end;
    char bytes[PROBE_LINE_MAX];
} input = {.fd = -1};

void probe_input_commands(char **commands, uint32_t count)
{
    input.commands = commands;
    input.command_count = count;
    input.ended = true;
}

void probe_input_file(int fd)
{
    input.fd = fd;
}

/* Called when poll found something to read, so that read does not wait: the descriptor may be a
 * terminal that is shared with a shell, and must not be made non-blocking. */
static void on_readable(void *ctx, int fd, short revents)
{
    (void)ctx;
    (void)revents;
    if (input.start > 0) {
        memmove(input.bytes, input.bytes + input.start, input.end - input.start);
        input.end -= input.start;
        input.start = 0;
    }
    if (input.end == sizeof input.bytes)
        return;
    ssize_t n = read(fd, input.bytes + input.end, sizeof input.bytes - input.end);
    if (n > 0)
        input.end += (uint32_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        input.ended = true;
}

void probe_input_watch(bool on)
{
    if (on && !input.ended)
        host_watch(input.fd, POLLIN, on_readable, NULL);
    else
        host_unwatch(input.fd);
}

static enum probe_line hand_out(char *line, const char *from, size_t len)
{
    if (len > 0 && from[len - 1] == '\r')
        len--;
    if (len >= PROBE_LINE_MAX || memchr(from, 0, len) != NULL)
        return PROBE_LINE_WRONG;
    memcpy(line, from, len);
    line[len] = 0;
    return PROBE_LINE;
}

enum probe_line probe_input_next(char line[PROBE_LINE_MAX])
{
    if (input.command_count > 0) {
        const char *command = *input.commands++;
        input.command_count--;
        return hand_out(line, command, strlen(command));
    }
    const char *from = input.bytes + input.start;
    uint32_t have = input.end - input.start;
    const char *newline = memchr(from, '\n', have);
    if (newline != NULL) {
        input.start += (uint32_t)(newline - from) + 1;
        return hand_out(line, from, (size_t)(newline - from));
    }
    if (have == sizeof input.bytes)
        return PROBE_LINE_WRONG;
    if (!input.ended)
        return PROBE_LINE_NONE;
    if (have == 0)
        return PROBE_LINE_END;
    input.start = input.end; /* a last line without an end */
    return hand_out(line, from, have);
}
