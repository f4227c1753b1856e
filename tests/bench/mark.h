/* SPDX-License-Identifier: Apache-2.0 */
/* Where a measured span begins and ends. bench.sh tells callgrind to forget what it has counted
 * when mark_begin is entered and to write it down when mark_end is; what the two calls cost
 * themselves is measured first and taken off. */
#ifndef MARK_H
#define MARK_H

/* They stand in a file of their own: the compiler may not move work across calls it cannot see into. */
void mark_begin(void);
void mark_end(void);

/** Say what the span just measured was; the names come out in the order of the spans. */
void mark_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** For all that cannot be: say it and end with 2. No number is better than a wrong one. */
void mark_fail(const char *why) __attribute__((noreturn));

/** What the marks cost; named "marks". */
static inline void mark_calibrate(void)
{
    mark_begin();
    mark_end();
    mark_name("marks");
}

#endif
