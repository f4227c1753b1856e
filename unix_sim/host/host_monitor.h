/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_monitor.h
 * The monitor of an emulator, QEMU's machine protocol (QMP): one JSON object per line, each command answered by one;
 * what it reports unasked is skipped.
 */
#ifndef HOST_MONITOR_H
#define HOST_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Give a command, wait for its answer at most 20 s.
 *
 * fd       stream socket to the monitor.
 * command  JSON without newline.
 * why      out, after a failure: the answer, or in words that there was none.
 */
bool host_monitor_do(int fd, const char *command, char *why, uint32_t cap);

#endif
