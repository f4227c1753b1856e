/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_coap.h"

#include "host/host_child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READY_MS  10000u
#define STEP_MS   20
#define NAMED_MAX (HOST_PATH_MAX + 96)

static int connect_to(const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, address, &v4.sin_addr);
    if (fd >= 0 && connect(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                           is_v6 ? sizeof v6 : sizeof v4) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* An empty CON is answered by RST; that port is the last that it opens. */
static bool answers(int fd)
{
    static const uint8_t ping[] = {0x40, 0, 0x70, 0x69};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t got[16];

    return send(fd, ping, sizeof ping, MSG_NOSIGNAL) == sizeof ping && poll(&p, 1, STEP_MS) == 1 &&
           recv(fd, got, sizeof got, MSG_DONTWAIT) == 4 && got[0] == 0x70;
}

static void wait_ready(pid_t *pid, int fd, char *why, size_t cap)
{
    uint64_t end = host_clock_ms() + READY_MS;
    int status;

    while (!answers(fd)) {
        if (!host_alive(*pid, &status)) {
            *pid = -1;
            snprintf(why, cap, "cloud_coap ended at once: is a port taken?");
            return;
        }
        if (host_clock_ms() > end) {
            host_kill(*pid);
            *pid = -1;
            snprintf(why, cap, "cloud_coap does not answer");
            return;
        }
        host_pause_ms(1); /* a refusal comes at once */
    }
}

pid_t host_coap_start(const char *dir, const char *address, const struct host_coap_ports *ports,
                      char *why, size_t cap)
{
    char program[HOST_PATH_MAX], log[NAMED_MAX], folder[HOST_PATH_MAX], at[48], cert[8], psk[8],
        plain[8];
    char *argv[] = {program, folder, at, cert, psk, plain, NULL};

    if (!host_dir_beside("cloud_coap", "CLOUD_COAP", program)) {
        snprintf(why, cap, "no cloud_coap beside the program; `make` builds it");
        return -1;
    }
    snprintf(folder, sizeof folder, "%s", dir);
    snprintf(at, sizeof at, "%s", address);
    snprintf(cert, sizeof cert, "%u", (unsigned)ports->cert);
    snprintf(psk, sizeof psk, "%u", (unsigned)ports->psk);
    snprintf(plain, sizeof plain, "%u", (unsigned)ports->plain);
    snprintf(log, sizeof log, "%s/coap.log", dir);
    pid_t pid = host_spawn(argv, log, NULL);
    int fd = pid > 0 ? connect_to(address, ports->plain) : -1;
    if (fd < 0) {
        snprintf(why, cap, "cannot start %.200s: %s", program, strerror(errno));
        if (pid > 0)
            host_kill(pid);
        return -1;
    }
    wait_ready(&pid, fd, why, cap);
    close(fd);
    return pid;
}
