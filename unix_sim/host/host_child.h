/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_child.h
 * Programs started beside the simulation. They end with it, also after kill -9.
 */
#ifndef HOST_CHILD_H
#define HOST_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Start a program in a process group of its own (a Ctrl-C is for us alone), standard input from
 * /dev/null.
 *
 * argv      NULL at the end; argv[0] is looked up in PATH if it has no slash.
 * log_path  file that gets its output and errors, appended; NULL: nowhere.
 * output    out, instead of a log: the reading end of a pipe with output and errors. NULL: none.
 * Returns   its process id; -1, errno says why (also if the program could not be executed).
 */
pid_t host_spawn(char *const argv[], const char *log_path, int *output);

/** The same for a program that is given descriptors of ours, under our numbers. It gets no others. */
pid_t host_spawn_with(char *const argv[], const char *log_path, int *output, const int *gifts,
                      uint32_t gift_count);

/** Still running? If not, its end has been collected and `*status` is as of waitpid(2). */
bool host_alive(pid_t pid, int *status);

/** Ask it to end, wait at most 3 s, then end it. Returns its status. */
int host_stop(pid_t pid);

/** End it now, as a power cut would. Returns its status. */
int host_kill(pid_t pid);

/** A TCP port of 127.0.0.1 that nobody listens on now; 0 if there is none. */
uint16_t host_free_port(void);

/** The same for UDP. */
uint16_t host_free_udp_port(void);

/** Is there a listener? `address` is "127.0.0.1" or "::1". */
bool host_port_open(const char *address, uint16_t port);

/** Milliseconds that never go back, for waits around children. */
uint64_t host_clock_ms(void);

/** Sleep; for waits in which the device need not live. */
void host_pause_ms(uint32_t ms);

#endif
