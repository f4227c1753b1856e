/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_broker.h"

#include "host/host_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_MS        10000u
#define START_STEP_MS   10u
#define FREE_PORT_TRIES 5 /* somebody may take the port between our choice and the broker's bind */

static bool file_path(const struct host_broker *b, const char *name, char path[HOST_PATH_MAX])
{
    int n = snprintf(path, HOST_PATH_MAX, "%s/%s", b->dir, name);

    return n > 0 && n < HOST_PATH_MAX;
}

static const char *find_program(const struct host_broker_options *o)
{
    const char *program = o->program != NULL ? o->program : getenv("MOSQUITTO");

    if (program != NULL && *program != 0)
        return program;
    /* Debian puts it where only root's PATH looks. */
    return access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
}

static bool write_config(const struct host_broker *b, const char *path,
                         const struct host_broker_options *o)
{
    FILE *f = fopen(path, "wx");

    if (f == NULL)
        return false;
    /* Started by root it would change to its own user, which cannot read a private home. */
    if (geteuid() == 0)
        fprintf(f, "user root\n");
    if (o->first != NULL)
        fprintf(f, "%s\n", o->first);
    fprintf(f, "listener %u %s\n", (unsigned)b->port, b->address);
    fprintf(f, "allow_anonymous true\n");
    /* Without it each answer may wait 40 ms for our acknowledgement of the one before. */
    fprintf(f, "set_tcp_nodelay true\n");
    /* Not stdout: that is buffered, and wait_ready reads along. */
    fprintf(f, "log_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\n");
    fprintf(f, "log_type information\n");
    if (o->persistence_dir != NULL)
        fprintf(f, "persistence true\npersistence_location %s/\n", o->persistence_dir);
    if (o->extra != NULL)
        fprintf(f, "%s\n", o->extra);
    return fclose(f) == 0;
}

void host_broker_log(const struct host_broker *b, char *text, uint32_t cap)
{
    char path[HOST_PATH_MAX];
    struct stat info;
    ssize_t n = 0;
    int fd = file_path(b, "log", path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        if (fstat(fd, &info) == 0 && info.st_size >= (off_t)cap)
            lseek(fd, info.st_size - (off_t)cap + 1, SEEK_SET);
        n = read(fd, text, cap - 1);
        close(fd);
    }
    text[n > 0 ? n : 0] = 0;
}

static void forget(struct host_broker *b)
{
    b->pid = 0;
    host_dir_remove(b->dir);
}

/* The first line with "Error" is what a broker says when it cannot start. */
static void explain_end(struct host_broker *b)
{
    char log[1024];

    host_broker_log(b, log, sizeof log);
    const char *line = strstr(log, "Error");
    if (line == NULL)
        line = *log != 0 ? log : "it said nothing";
    snprintf(b->why, sizeof b->why, "the broker ended at once: %.*s", (int)strcspn(line, "\n"),
             line);
}

/* Both signs: its log says that *it* listens, so a stranger on the port is not taken for it. */
static bool wait_ready(struct host_broker *b, uint64_t end_ms)
{
    char log[4096];
    int status;

    while (host_clock_ms() < end_ms) {
        if (!host_alive(b->pid, &status)) {
            b->pid = 0;
            explain_end(b);
            return false;
        }
        host_broker_log(b, log, sizeof log);
        if (strstr(log, " running") != NULL && host_port_open(b->address, b->port))
            return true;
        host_pause_ms(START_STEP_MS);
    }
    snprintf(b->why, sizeof b->why, "the broker takes no connection on port %u", (unsigned)b->port);
    return false;
}

static bool start_on_port(struct host_broker *b, const struct host_broker_options *o,
                          uint64_t end_ms)
{
    char config[HOST_PATH_MAX], log[HOST_PATH_MAX], program[HOST_PATH_MAX], flag[] = "-c";
    char *argv[] = {program, flag, config, NULL};

    if (!host_dir_make("mosquitto", b->dir)) {
        snprintf(b->why, sizeof b->why, "no directory for the broker: %s", strerror(errno));
        return false;
    }
    snprintf(program, sizeof program, "%s", find_program(o));
    if (!file_path(b, "conf", config) || !file_path(b, "log", log) || !write_config(b, config, o)) {
        snprintf(b->why, sizeof b->why, "no configuration for the broker: %s", strerror(errno));
        forget(b);
        return false;
    }
    pid_t pid = host_spawn(argv, log, NULL);
    if (pid < 0) {
        snprintf(b->why, sizeof b->why, "cannot start %.200s: %s", program, strerror(errno));
        forget(b);
        return false;
    }
    b->pid = pid;
    if (wait_ready(b, end_ms))
        return true;
    if (b->pid != 0)
        host_kill(b->pid);
    forget(b);
    return false;
}

bool host_start_mosquitto(struct host_broker *b, uint16_t port,
                          const struct host_broker_options *options)
{
    static const struct host_broker_options none;
    const struct host_broker_options *o = options != NULL ? options : &none;

    memset(b, 0, sizeof *b);
    snprintf(b->address, sizeof b->address, "%s", o->address != NULL ? o->address : "127.0.0.1");
    uint64_t end = host_clock_ms() + START_MS;
    int tries = port == 0 ? FREE_PORT_TRIES : 1;
    do {
        b->port = port != 0 ? port : host_free_port();
        if (start_on_port(b, o, end))
            return true;
    } while (--tries > 0 && host_clock_ms() < end);
    return false;
}

void host_stop_mosquitto(struct host_broker *b)
{
    if (b->pid == 0)
        return;
    host_stop(b->pid);
    forget(b);
}

void host_kill_mosquitto(struct host_broker *b)
{
    if (b->pid == 0)
        return;
    host_kill(b->pid);
    forget(b);
}
