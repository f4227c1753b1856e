/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_web.h
 * The HTTP of the emulated platform: the program cloud_https beside its broker, and the files that it gives away.
 */
#ifndef HOST_WEB_H
#define HOST_WEB_H

#include "host/host_dir.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Start it in the emulator's folder, which has its certificate, and wait until both ports take connections, at most 10 s.
 *
 * Returns its process id; -1: `why` says why not, nothing is left running.
 */
pid_t host_web_start(const char *dir, const char *address, uint16_t https_port, uint16_t http_port,
                     char *why, size_t cap);

/**
 * Publish a file of firmware on the emulator that runs in a folder: a copy, under this name.
 *
 * name    letters, digits, '.', '-' and '_'; up to 64.
 * life_s  for so long its address is good; 0: as the emulator's option says, a day.
 * answer  out: what `file` of cloud_command.h says (JSON: url, plainUrl, size, md5, sha256), or in words what went wrong.
 */
bool host_web_publish(const char *dir, const char *path, const char *name, uint32_t life_s,
                      char *answer, uint32_t cap);

#endif
