/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of lwIP and of the devices under test: the machine's, plus what a test has skipped. So a
 * wait of a minute takes no minute, and nobody sleeps. It starts a few seconds before its 32 bits
 * wrap.
 *
 * peer_clock.c takes the place of port/unix/iot_lwip_unix.c: linked before the archives, it leaves
 * that member nothing to define. */
#ifndef PEER_CLOCK_H
#define PEER_CLOCK_H

#include <stdint.h>

/** What iot_poll gets. */
uint32_t peer_clock_ms(void);

/** Time passes for lwIP and the devices, not for other processes: not while one of them is busy
 *  with an answer. */
void peer_clock_skip(uint32_t ms);

#endif
