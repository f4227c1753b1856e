/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool host_dir_program(char path[HOST_PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, HOST_PATH_MAX - 1);

    if (len <= 0)
        return false;
    path[len] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = 0;
    return true;
}

bool host_dir_beside(const char *name, const char *env, char path[HOST_PATH_MAX])
{
    static const char *const places[] = {"", "../", "../../"};
    const char *said = getenv(env);
    char dir[HOST_PATH_MAX];

    if (said != NULL && *said != 0)
        return snprintf(path, HOST_PATH_MAX, "%s", said) < HOST_PATH_MAX;
    if (!host_dir_program(dir))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (snprintf(path, HOST_PATH_MAX, "%s/%s%s", dir, places[i], name) < HOST_PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
    return false;
}

/* A folder in use holds a locked file. The lock ends with its process, whatever ends that. */
#define LOCK_NAME ".in-use"
#define YOUNG_S   60 /* one that is just being made may not be locked yet */

static struct {
    char path[HOST_PATH_MAX];
    int fd; /* 0: free */
} locks[64];

static void lock_dir(const char *path)
{
    char file[HOST_PATH_MAX + sizeof LOCK_NAME + 1];

    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        if (locks[i].fd != 0)
            continue;
        snprintf(file, sizeof file, "%s/" LOCK_NAME, path);
        int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd > 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
            snprintf(locks[i].path, sizeof locks[i].path, "%s", path);
            locks[i].fd = fd;
        } else if (fd > 0) {
            close(fd);
        }
        return;
    }
}

static void unlock_dir(const char *path)
{
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        if (locks[i].fd == 0 || strcmp(locks[i].path, path) != 0)
            continue;
        close(locks[i].fd);
        locks[i].fd = 0;
    }
}

static void remove_files(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(path);
}

/* What a program left that was killed: its folder can be locked by us. */
static void sweep(const char *run)
{
    char path[HOST_PATH_MAX], file[HOST_PATH_MAX + sizeof LOCK_NAME + 1];
    DIR *dir = opendir(run);
    const struct dirent *entry;
    struct stat info;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", run, entry->d_name) >= (int)sizeof path)
            continue;
        snprintf(file, sizeof file, "%s/" LOCK_NAME, path);
        int fd = open(file, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (fstat(fd, &info) == 0 && info.st_mtime + YOUNG_S < time(NULL) &&
            flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove_files(path);
        close(fd);
    }
    if (dir != NULL)
        closedir(dir);
}

bool host_dir_make(const char *name, char path[HOST_PATH_MAX])
{
    char program[HOST_PATH_MAX];

    if (!host_dir_program(program))
        return false;
    int n = snprintf(path, HOST_PATH_MAX, "%s/run", program);
    if (n < 0 || n >= HOST_PATH_MAX || (mkdir(path, 0755) != 0 && errno != EEXIST))
        return false;
    sweep(path);
    n = snprintf(path, HOST_PATH_MAX, "%s/run/%s-XXXXXX", program, name);
    if (n < 0 || n >= HOST_PATH_MAX || mkdtemp(path) == NULL)
        return false;
    lock_dir(path);
    return true;
}

void host_dir_remove(const char *path)
{
    unlock_dir(path);
    remove_files(path);
}
