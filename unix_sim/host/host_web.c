/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_web.h"

#include "cloud/cloud_store.h"
#include "host/host_child.h"
#include "host/host_cloud.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READY_MS   10000u
#define STEP_MS    2u
#define NAMED_MAX  (HOST_PATH_MAX + 96)
#define COPY_BYTES 65536

static bool wait_ready(pid_t *pid, const char *address, uint16_t port, char *why, size_t cap)
{
    uint64_t end = host_clock_ms() + READY_MS;
    int status;

    while (!host_port_open(address, port)) {
        if (!host_alive(*pid, &status)) {
            *pid = -1;
            snprintf(why, cap, "cloud_https ended at once: is port %u taken?", (unsigned)port);
            return false;
        }
        if (host_clock_ms() > end) {
            host_kill(*pid);
            *pid = -1;
            snprintf(why, cap, "cloud_https takes no connection on port %u", (unsigned)port);
            return false;
        }
        host_pause_ms(STEP_MS);
    }
    return true;
}

pid_t host_web_start(const char *dir, const char *address, uint16_t https_port, uint16_t http_port,
                     char *why, size_t cap)
{
    char program[HOST_PATH_MAX], log[NAMED_MAX], folder[HOST_PATH_MAX], at[48], https[8], http[8];
    char *argv[] = {program, folder, at, https, http, NULL};

    if (!host_dir_beside("cloud_https", "CLOUD_HTTPS", program)) {
        snprintf(why, cap, "no cloud_https beside the program; `make` builds it");
        return -1;
    }
    snprintf(folder, sizeof folder, "%s", dir);
    snprintf(at, sizeof at, "%s", address);
    snprintf(https, sizeof https, "%u", (unsigned)https_port);
    snprintf(http, sizeof http, "%u", (unsigned)http_port);
    snprintf(log, sizeof log, "%s/https.log", dir);
    pid_t pid = host_spawn(argv, log, NULL);
    if (pid < 0) {
        snprintf(why, cap, "cannot start %.200s: %s", program, strerror(errno));
        return -1;
    }
    if (wait_ready(&pid, address, https_port, why, cap))
        wait_ready(&pid, address, http_port, why, cap);
    return pid;
}

static bool copy_file(const char *from, const char *to)
{
    static char bytes[COPY_BYTES];
    FILE *in = fopen(from, "re"), *out = in != NULL ? fopen(to, "we") : NULL;
    bool ok = out != NULL;
    size_t n;

    while (ok && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
        ok = fwrite(bytes, 1, n, out) == n;
    ok = ok && ferror(in) == 0;
    if (in != NULL)
        fclose(in);
    return (out == NULL || fclose(out) == 0) && ok;
}

/* What the emulator will judge; here so that it cannot name another folder. */
static bool is_plain(const char *name)
{
    return *name != 0 && *name != '.' && strlen(name) <= CLOUD_STORE_NAME_MAX &&
           strpbrk(name, "/ \n") == NULL;
}

bool host_web_publish(const char *dir, const char *path, const char *name, uint32_t life_s,
                      char *answer, uint32_t cap)
{
    char fresh[NAMED_MAX], place[NAMED_MAX], line[128];

    if (!is_plain(name)) {
        snprintf(answer, cap, "'%.80s' cannot be the name of a file", name);
        return false;
    }
    snprintf(fresh, sizeof fresh, "%s/new." CLOUD_STORE_HEAD "%s", dir, name);
    snprintf(place, sizeof place, "%s/" CLOUD_STORE_HEAD "%s", dir, name);
    /* put in place in one go: it may be an older one's, which is being sent */
    if (!copy_file(path, fresh) || rename(fresh, place) != 0) {
        snprintf(answer, cap, "cannot copy %.200s: %s", path, strerror(errno));
        unlink(fresh);
        return false;
    }
    if (life_s != 0)
        snprintf(line, sizeof line, "file %s %u", name, (unsigned)life_s);
    else
        snprintf(line, sizeof line, "file %s", name);
    return host_cloud_command(dir, line, answer, cap);
}
