/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that a test runs to their end, or for a while. */
#ifndef PEER_RUN_H
#define PEER_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#define PEER_WORDS_MAX 48

/** What the last peer_run printed. */
extern char peer_output[65536];

/** Run to the end, at most 30 s; what it prints is peer_output. Returns its exit code, 128 and more for a signal. */
int peer_run(const char *const argv[]);

/* One that runs beside the test. */
struct peer_child {
    pid_t pid;
    int fd;
    size_t len;
    char said[65536]; /* all it has printed, with a NUL */
};

void peer_child_start(struct peer_child *c, const char *const argv[]);

/** Wait until it has printed this, at most 30 s. */
void peer_child_says(struct peer_child *c, const char *what);

/** Wait for its end, at most 30 s. Returns as peer_run. */
int peer_child_end(struct peer_child *c);

/** These lines stand in a text in this order, others may stand between; else the test fails. */
void peer_says(const char *text, const char *const *lines, size_t count);
#define PEER_SAYS(text, ...)                                                                       \
    peer_says((text), (const char *const[]){__VA_ARGS__},                                          \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/** A program that was built with the tests: build/san/NAME, or build/NAME for build/sim/tests. Valid
 *  until the next call. */
const char *peer_program(const char *name);

#endif
