/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_command.h
 * Commands to a running emulator, a line each:
 *
 *     list                          the devices, a line each
 *     disable|enable|delete PK DN   as the console's buttons
 *     kick PK DN                    close its connection
 *     publish PK DN TOPIC PAYLOAD   PAYLOAD: the rest of the line, as it is; may be missing
 *     flow PK DN on|off             shut it out as flow control does
 *     option NAME VALUE             a rule of struct cloud_rules
 */
#ifndef CLOUD_COMMAND_H
#define CLOUD_COMMAND_H

#include "cloud/cloud_core.h"

#define CLOUD_LINE_MAX 5120

/**
 * Do one command.
 *
 * line    without newline; cut up in here.
 * answer  out: "ok" or "error: words" in its first line, then what there is to tell; each line ends
 *         with a newline.
 */
void cloud_command(struct cloud *c, char *line, char *answer, size_t cap, uint64_t now_ms);

#endif
