/* SPDX-License-Identifier: Apache-2.0 */
/* A network interface as under an RTOS: its driver is a thread. What it receives it hands to lwIP's thread; what lwIP
 * sends is called from whatever thread holds the core lock, and waits in a ring for the driver. Behind it is libslirp:
 * the machine's loopback is 10.0.2.2. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>

/** Add the interface, 10.0.2.15, and start the driver. Under the core lock, once per process. */
bool wire_start(void);

/** End the driver's thread. Without the core lock. */
void wire_stop(void);

#endif
