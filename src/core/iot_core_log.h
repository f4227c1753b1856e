/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_core_log.h
 * The library's log: a line is a block that puts its words.
 *
 *     IOT_LOG(port, IOT_LOG_WARN, line) {
 *         iot_log_text(line, "mqtt: refused by ");
 *         iot_log_bytes(line, host);
 *         iot_log_text(line, ", code ");
 *         iot_log_u32(line, code);
 *     }
 *
 * Why a block: printf is what we do without, and a function per shape of line grows for ever. Here the
 * words stand in the order of reading, arguments have types, and ordinary code (if, for) may decide
 * what is put. A block whose level is above IOT_LOG_LEVEL is dead code to the compiler: it is checked
 * like all code, no variable becomes "unused", and nothing of it is evaluated or linked. With
 * IOT_LOG_LEVEL 0 there is no function either. `break` leaves the block without writing the line; do not
 * return or jump out of it otherwise.
 *
 * A line has at most IOT_LOG_LINE_BYTES; a longer one is cut between two characters (a number is put whole or
 * not at all) and ends in "...". Whatever is put, by whom it may be: control characters (ASCII, C1, the
 * separators of lines and the switches of direction of Unicode) and bytes that are not UTF-8 come out as
 * \xNN, so that no peer can begin a line of its own, move a cursor or turn the text around. A backslash
 * stays one: what JSON looks like matters more here than telling \x0a from four characters.
 */
#ifndef IOT_CORE_LOG_H
#define IOT_CORE_LOG_H

#include "iot/iot_port.h"

/** A line while it is being made. Private. */
struct iot_log_line {
    const struct iot_port *port;
    struct iot_writer w;
    uint32_t cut; /* where the last piece ended that leaves room for "..." */
    enum iot_log_level level;
    uint8_t room[IOT_LOG_LINE_BYTES];
};

/* The condition is said twice: the second makes the block dead even to a compiler that does not optimise. */
#define IOT_LOG(port, level, line)                                                                 \
    for (struct iot_log_line line[1],                                                              \
         *line##_open = (level) <= IOT_LOG_LEVEL ? iot_log_open(line, port, level) : NULL;         \
         (level) <= IOT_LOG_LEVEL && line##_open != NULL; line##_open = iot_log_end(line))

#if IOT_LOG_LEVEL > 0

/** Length of the printable character at `p`, 1 to 4; 0: its first byte has to be shown as \xNN. */
uint32_t iot_log_char(const uint8_t *p, uint32_t left);

/** For IOT_LOG. Returns `line`; NULL when the port has no log. */
struct iot_log_line *iot_log_open(struct iot_log_line *line, const struct iot_port *port,
                                  enum iot_log_level level);

/** Hands the line to the port. Returns NULL: IOT_LOG is done. */
struct iot_log_line *iot_log_end(struct iot_log_line *line);

void iot_log_text(struct iot_log_line *line, const char *text);
void iot_log_bytes(struct iot_log_line *line, struct iot_bytes bytes);
void iot_log_u32(struct iot_log_line *line, uint32_t value);
void iot_log_i32(struct iot_log_line *line, int32_t value);

/** Its name, and the number beside it with its name. */
void iot_log_err(struct iot_log_line *line, iot_err err, int32_t detail);

/** Two small digits a byte. */
void iot_log_hex(struct iot_log_line *line, struct iot_bytes bytes);

#else

/* Never called. They are here for compilers that look for the functions of dead code. */
static inline struct iot_log_line *iot_log_open(struct iot_log_line *line,
                                                const struct iot_port *port,
                                                enum iot_log_level level)
{
    (void)line, (void)port, (void)level;
    return NULL;
}

static inline struct iot_log_line *iot_log_end(struct iot_log_line *line)
{
    (void)line;
    return NULL;
}

static inline void iot_log_text(struct iot_log_line *line, const char *text)
{
    (void)line, (void)text;
}

static inline void iot_log_bytes(struct iot_log_line *line, struct iot_bytes bytes)
{
    (void)line, (void)bytes;
}

static inline void iot_log_u32(struct iot_log_line *line, uint32_t value)
{
    (void)line, (void)value;
}

static inline void iot_log_i32(struct iot_log_line *line, int32_t value)
{
    (void)line, (void)value;
}

static inline void iot_log_err(struct iot_log_line *line, iot_err err, int32_t detail)
{
    (void)line, (void)err, (void)detail;
}

static inline void iot_log_hex(struct iot_log_line *line, struct iot_bytes bytes)
{
    (void)line, (void)bytes;
}

#endif
#endif
