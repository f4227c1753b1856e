/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

bool host_dir_make(const char *name, char path[HOST_PATH_MAX])
{
    char program[HOST_PATH_MAX];

    if (!host_dir_program(program))
        return false;
    int n = snprintf(path, HOST_PATH_MAX, "%s/run", program);
    if (n < 0 || n >= HOST_PATH_MAX || (mkdir(path, 0755) != 0 && errno != EEXIST))
        return false;
    n = snprintf(path, HOST_PATH_MAX, "%s/run/%s-XXXXXX", program, name);
    return n > 0 && n < HOST_PATH_MAX && mkdtemp(path) != NULL;
}

void host_dir_remove(const char *path)
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
