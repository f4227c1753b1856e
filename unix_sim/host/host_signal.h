/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_signal.h
 * SIGINT, SIGTERM and SIGHUP as a wish to end, seen by the loop instead of killing the program.
 */
#ifndef HOST_SIGNAL_H
#define HOST_SIGNAL_H

#include <stdbool.h>

/** From now on such a signal ends the wait of host_turn. A second SIGINT or SIGTERM does no more
 *  than the first. */
bool host_signal_catch(void);

/** The signal that came first, or 0. */
int host_signal_seen(void);

#endif
