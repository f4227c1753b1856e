/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_input.h
 * Where build/probe's commands come from: -c on the command line, a script, or standard input.
 */
#ifndef PROBE_INPUT_H
#define PROBE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

/** Longest command, bytes: a payload of 512 KiB in hexadecimal, and room for its topic. */
#define PROBE_LINE_MAX (1024u * 1024u + 128u * 1024u)

enum probe_line {
    PROBE_LINE,       /* here it is */
    PROBE_LINE_NONE,  /* none yet */
    PROBE_LINE_END,   /* none any more */
    PROBE_LINE_WRONG, /* longer than PROBE_LINE_MAX, or with a NUL in it */
};

/** Read from commands in an array; they stay where they are. */
void probe_input_commands(char **commands, uint32_t count);

/** Read from a descriptor, without waiting. */
void probe_input_file(int fd);

/** The next line, copied to `line` without its end. */
enum probe_line probe_input_next(char line[PROBE_LINE_MAX]);

/** Whether host_turn should come back when there is more to read. Off while nobody asks: a script
 *  file is always readable. */
void probe_input_watch(bool on);

#endif
