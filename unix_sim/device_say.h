/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file device_say.h
 * The timeline that build/device and build/board print: seconds since the start, what happened, and details.
 */
#ifndef DEVICE_SAY_H
#define DEVICE_SAY_H

#include "iot/iot.h"

enum colour { PLAIN, GREEN, RED };

/** Times count from here; colours if standard output is a terminal and NO_COLOR is not set. False: LOG
 *  is no level, and that was said. */
bool say_begin(void);

void say(enum colour colour, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** A loss with its reason, what its detail means, and when the next attempt comes. */
void say_lost(const struct iot_event *ev);

/** The library's log, as iot_port.log wants it: "area: words" becomes a line of the timeline. Lines above
 *  $LOG, default 3, are left out. */
void say_log(void *ctx, enum iot_log_level level, const char *line, uint32_t len);

/** What the emulated platform in a folder has logged since the last call; `*seen` starts with 0. traffic false: without
 *  the messages that went well. */
void say_cloud_log(const char *dir, uint64_t *seen, bool traffic);

/** As a word for the shell: `text` itself if it holds nothing special, else quoted in `into`. */
const char *shell_word(const char *text, char *into, size_t cap);

/** $NAME if it is set and not empty. */
const char *environment(const char *name, const char *otherwise);

#endif
