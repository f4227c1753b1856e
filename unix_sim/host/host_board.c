/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_board.h"

#include "host/host_cable.h"
#include "host/host_child.h"
#include "host/host_dir.h"
#include "host/host_monitor.h"
#include "mps2_an385/iot_mps2_flash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MAX  256u /* the UART; libslirp: a descriptor per connection, and a few */
#define READS_MAX 16u  /* of the UART, in one turn */

__attribute__((format(printf, 2, 3))) static bool fail(struct host_board *b, const char *format,
                                                       ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->why, sizeof b->why, format, args);
    va_end(args);
    return false;
}

/* ---- UART ---------------------------------------------------------------------------------- */

static void end_line(struct host_board *b)
{
    b->line[b->len] = 0;
    b->len = 0;
    b->on_line(b->ctx, b->line);
}

static void take_bytes(struct host_board *b, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (c == '\n')
            end_line(b);
        else if (c != '\r' && b->len < sizeof b->line - 1)
            b->line[b->len++] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
}

/* False: nobody can write there any more. */
static bool read_uart(struct host_board *b, uint32_t reads)
{
    char bytes[4096];

    for (; reads > 0; reads--) {
        ssize_t n = read(b->uart, bytes, sizeof bytes);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        take_bytes(b, bytes, (size_t)n);
    }
    return true;
}

/* ---- Power --------------------------------------------------------------------------------- */

/* A comma in a value of an option is written twice. */
static bool add_escaped(char *text, size_t cap, const char *value)
{
    size_t n = strlen(text);

    for (; *value != 0 && n + 2 < cap; value++) {
        text[n++] = *value;
        if (*value == ',')
            text[n++] = ',';
    }
    text[n] = 0;
    return *value == 0;
}

static bool spawn(struct host_board *b, const struct host_board_options *o, int frames, int control)
{
    const char *machine = o->machine != NULL ? o->machine : "mps2-an385";
    const char *qemu = o->qemu != NULL ? o->qemu : getenv("QEMU");
    char name[64], net[64], mon[64], ram[2 * HOST_PATH_MAX + 64];
    const int gifts[] = {frames, control};

    if (qemu == NULL || *qemu == 0)
        qemu = "qemu-system-arm";
    snprintf(name, sizeof name, "%s%s", machine, o->flash != NULL ? ",memory-backend=psram" : "");
    snprintf(net, sizeof net, "dgram,id=n0,local.type=fd,local.str=%d", frames);
    snprintf(mon, sizeof mon, "socket,id=monitor,fd=%d", control);
    strcpy(ram, "memory-backend-file,id=psram,size=16M,share=on,mem-path=");
    if (o->flash != NULL && !add_escaped(ram, sizeof ram, o->flash))
        return fail(b, "%.200s... is too long a path", o->flash);
    const char *argv[32] = {qemu, "-M", name, "-kernel", o->firmware, "-display", "none",
                            /* board and QEMU print to one pipe, so that the order is right */
                            "-serial", "stdio", "-monitor", "none", "-chardev", mon, "-mon",
                            "chardev=monitor,mode=control", "-netdev", net, "-net", "nic,netdev=n0",
                            "-semihosting-config", "enable=on,target=native"};
    int n = 0;
    while (argv[n] != NULL)
        n++;
    if (o->flash != NULL) {
        argv[n++] = "-object";
        argv[n++] = ram;
    }
    if (o->counted) {
        argv[n++] = "-icount";
        argv[n++] = "shift=6";
    }
    b->pid = host_spawn_with((char *const *)argv, NULL, &b->uart, gifts, 2);
    if (b->pid > 0)
        return true;
    b->pid = 0;
    return fail(b, "cannot start %.200s: %s", qemu, strerror(errno));
}

static void close_all(struct host_board *b)
{
    close(b->uart);
    close(b->monitor);
    host_cable_close();
    b->pid = 0;
}

static void keep_words(void *ctx, const char *line)
{
    struct host_board *b = ctx;

    if (strncmp(b->why, "QEMU", 4) != 0) /* the first line says what is wrong */
        fail(b, "QEMU ended: %s", line);
}

/* The monitor answers as soon as there is a machine. */
static bool wait_ready(struct host_board *b)
{
    char why[256];

    if (host_monitor_do(b->monitor, "{\"execute\":\"qmp_capabilities\"}", why, sizeof why))
        return true;
    fail(b, "%s", why);
    b->on_line = keep_words;
    b->ctx = b;
    host_kill(b->pid);
    while (read_uart(b, READS_MAX))
        ;
    return false;
}

/* QEMU would make one that is not there, of zeros. */
static bool check_flash(struct host_board *b, const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return fail(b, "no flash at %.300s: %s", path, strerror(errno));
    return info.st_size == (off_t)MPS2_FLASH_BYTES ||
           fail(b, "%.300s has not the size of the board's flash", path);
}

bool host_board_start(struct host_board *b, const struct host_board_options *o)
{
    int frames, control[2];

    memset(b, 0, sizeof *b);
    if (o->flash != NULL && !check_flash(b, o->flash))
        return false;
    if (!host_cable_open(&frames))
        return fail(b, "no cable for the board: %s", strerror(errno));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) {
        fail(b, "no line to the board's monitor: %s", strerror(errno));
        close(frames);
        host_cable_close();
        return false;
    }
    b->monitor = control[0];
    b->on_line = o->on_line;
    b->ctx = o->ctx;
    bool spawned = spawn(b, o, frames, control[1]);
    close(frames);
    close(control[1]);
    if (!spawned) {
        close(b->monitor);
        host_cable_close();
        return false;
    }
    fcntl(b->uart, F_SETFL, O_NONBLOCK);
    if (wait_ready(b))
        return true;
    close_all(b);
    return false;
}

bool host_board_turn(struct host_board *b, uint32_t wait_ms)
{
    struct pollfd fds[POLL_MAX];

    if (b->pid == 0)
        return false;
    fds[0] = (struct pollfd){b->uart, POLLIN, 0};
    uint32_t count = 1 + host_cable_fill(fds + 1, POLL_MAX - 1, &wait_ms);
    bool failed = poll(fds, count, (int)wait_ms) < 0;
    host_cable_polled(failed);
    if (failed || fds[0].revents == 0 || read_uart(b, READS_MAX))
        return true;
    /* It has closed its output: it ends. */
    b->status = host_stop(b->pid);
    if (b->len > 0)
        end_line(b);
    close_all(b);
    return false;
}

bool host_board_cable(struct host_board *b, bool in)
{
    const char *command =
        in ? "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"n0\",\"up\":true}}"
           : "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"n0\",\"up\":false}}";

    if (b->pid == 0)
        return fail(b, "the board is off");
    return host_monitor_do(b->monitor, command, b->why, sizeof b->why);
}

bool host_board_reset(struct host_board *b)
{
    if (b->pid == 0)
        return fail(b, "the board is off");
    return host_monitor_do(b->monitor, "{\"execute\":\"system_reset\"}", b->why, sizeof b->why);
}

void host_board_stop(struct host_board *b)
{
    if (b->pid == 0)
        return;
    host_kill(b->pid);
    read_uart(b, READS_MAX);
    if (b->len > 0)
        end_line(b);
    close_all(b);
}
