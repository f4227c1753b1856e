/* SPDX-License-Identifier: Apache-2.0 */
/* Where a measured span begins and ends. On the host (mark.c) callgrind counts: it forgets what it has
 * counted when mark_begin is entered and writes it down when mark_end is. On the board (board_mark.c) a
 * counter is read in both. What the two calls cost themselves is measured first and taken off. */
#ifndef MARK_H
#define MARK_H

/* They stand in a file of their own: the compiler may not move work across calls it cannot see into. */
void mark_begin(void);
void mark_end(void);

/** Say what the span just measured was: a line with its name, and on the board with its count. Of printf's
 *  words only %s and %u. */
void mark_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** For all that cannot be: say it and end with 2. No number is better than a wrong one. */
void mark_fail(const char *why) __attribute__((noreturn));

/** All is measured. */
void mark_over(void) __attribute__((noreturn));

/** What the marks cost; named "marks". */
static inline void mark_calibrate(void)
{
    mark_begin();
    mark_end();
    mark_name("marks");
}

#endif
