/* SPDX-License-Identifier: Apache-2.0 */
/* A board: its flash in a file, and build/probe run on it, once per boot. */
#ifndef PEER_BOARD_H
#define PEER_BOARD_H

#include "host/host_dir.h"
#include "iot/iot_base.h"

#define PEER_CUT 42 /* the probe's exit code when power goes */

#define PEER_COMMANDS_MAX 6

extern char peer_board_dir[HOST_PATH_MAX];

/** Its folder; false: there is none to be had. */
bool peer_board_begin(void);
void peer_board_end(void);

/** A board without anything in its flash; keep it as it is now; and have it as it was kept. */
void peer_board_new(void);
void peer_board_keep(void);
void peer_board_back(void);

/**
 * Power on, and these commands, at most PEER_COMMANDS_MAX; NULL behind the last.
 *
 * cut      as --cut; NULL: none.
 * slow     as --slow.
 * seed     as --seed; 0: none.
 * Returns  the exit code; what was printed is in peer_output (peer_run.h).
 */
int peer_board_run(const char *cut, uint32_t slow, uint32_t seed,
                   const char *const commands[PEER_COMMANDS_MAX]);

/** The same, uncut, while host_turn works: for servers inside the test program. */
int peer_board_run_beside(const char *cut, uint32_t slow, uint32_t seed,
                          const char *const commands[PEER_COMMANDS_MAX]);

/** ... until it has printed this; then it gets a signal: SIGKILL, power goes between two operations. */
int peer_board_until(const char *line, int sig, const char *const commands[PEER_COMMANDS_MAX]);

/** The image in slot 0 or 1 is this one, whole. */
void peer_board_holds(uint32_t slot, struct iot_bytes image);

/** Bytes of a slot. */
uint32_t peer_board_room(void);

/** Digest in hexadecimal; valid until the next call. */
const char *peer_board_sha256(struct iot_bytes bytes);
const char *peer_board_md5(struct iot_bytes bytes);

#endif
