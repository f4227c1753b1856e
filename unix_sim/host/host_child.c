/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_MS      3000u
#define STOP_STEP_MS 5u
#define FDS_MAX      1024 /* descriptors closed in a child; ours are opened close-on-exec as well */

struct gifts {
    const int *fds;
    uint32_t count;
};

static bool is_gift(const struct gifts *g, int fd)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (g->fds[i] == fd)
            return true;
    return false;
}

/* In the child: nothing here may allocate or return. `report` gets errno if it fails. */
static void become(char *const argv[], const char *log_path, int out, int report, pid_t parent,
                   const struct gifts *gifts)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above: no signal would come */
        _exit(0);
    if (log_path != NULL)
        out = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    else if (out < 0)
        out = null;
    if (null >= 0 && out >= 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2) {
        for (int fd = 3; fd < FDS_MAX; fd++) {
            if (is_gift(gifts, fd))
                fcntl(fd, F_SETFD, 0); /* here alone: of ours it stays close-on-exec */
            else if (fd != report)
                close(fd);
        }
        /* What we ignore or block, the program would inherit. */
        signal(SIGPIPE, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvp(argv[0], argv);
    }
    int error = errno;
    while (write(report, &error, sizeof error) < 0 && errno == EINTR)
        ;
    _exit(127);
}

pid_t host_spawn(char *const argv[], const char *log_path, int *output)
{
    return host_spawn_with(argv, log_path, output, NULL, 0);
}

pid_t host_spawn_with(char *const argv[], const char *log_path, int *output, const int *gift_fds,
                      uint32_t gift_count)
{
    const struct gifts gifts = {gift_fds, gift_count};
    int report[2], out[2] = {-1, -1}, error = 0;
    pid_t parent = getpid();

    if (pipe2(report, O_CLOEXEC) != 0)
        return -1;
    if (output != NULL && pipe2(out, O_CLOEXEC) != 0) {
        close(report[0]);
        close(report[1]);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0)
        become(argv, log_path, out[1], report[1], parent, &gifts);
    close(report[1]);
    if (out[1] >= 0)
        close(out[1]);
    if (pid < 0)
        error = errno;
    ssize_t n;
    do /* ends at once: by exec, which closes the other end, or by an errno */
        n = pid < 0 ? 0 : read(report[0], &error, sizeof error);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (error != 0) {
        if (pid > 0)
            host_kill(pid);
        if (out[0] >= 0)
            close(out[0]);
        errno = error;
        return -1;
    }
    if (output != NULL)
        *output = out[0];
    return pid;
}

bool host_alive(pid_t pid, int *status)
{
    pid_t ended;

    do
        ended = waitpid(pid, status, WNOHANG);
    while (ended < 0 && errno == EINTR);
    return ended == 0;
}

int host_kill(pid_t pid)
{
    int status = 0;

    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

int host_stop(pid_t pid)
{
    int status = 0;

    kill(pid, SIGTERM);
    kill(pid, SIGCONT); /* a stopped one would sleep over it */
    for (uint32_t waited = 0; waited < STOP_MS; waited += STOP_STEP_MS) {
        if (!host_alive(pid, &status))
            return status;
        host_pause_ms(STOP_STEP_MS);
    }
    return host_kill(pid);
}

/* A socket and the loopback address for it; -1: there is none. */
static int loopback(int type, const char *text, uint16_t port, struct sockaddr_storage *address,
                    socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *len = sizeof *v6;
    } else {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        inet_pton(AF_INET, text, &v4->sin_addr);
        *len = sizeof *v4;
    }
    return socket(address->ss_family, type | SOCK_CLOEXEC, 0);
}

static uint16_t free_port(int type)
{
    struct sockaddr_storage address;
    socklen_t len;
    uint16_t port = 0;
    int fd = loopback(type, "127.0.0.1", 0, &address, &len);

    if (fd < 0)
        return 0;
    if (bind(fd, (struct sockaddr *)&address, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        port = ntohs(((struct sockaddr_in *)&address)->sin_port);
    close(fd);
    return port;
}

uint16_t host_free_port(void)
{
    return free_port(SOCK_STREAM);
}

uint16_t host_free_udp_port(void)
{
    return free_port(SOCK_DGRAM);
}

bool host_port_open(const char *text, uint16_t port)
{
    struct sockaddr_storage address;
    socklen_t len;
    int fd = loopback(SOCK_STREAM, text, port, &address, &len);
    bool open = fd >= 0 && connect(fd, (struct sockaddr *)&address, len) == 0;

    if (fd >= 0)
        close(fd);
    return open;
}

uint64_t host_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void host_pause_ms(uint32_t ms)
{
    struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    nanosleep(&span, NULL);
}
